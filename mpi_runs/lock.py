"""One run per output: a lock file that says who holds it, with a heartbeat."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HEARTBEAT = 20.0  # s between two touches of the file
STALE = 120.0  # s without a touch: its holder is gone
LOOK = 2.0  # s between two looks at the lock of another host
JOB_VARIABLES = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")


class LockError(RuntimeError):
    """Somebody else works on this output; the message says who."""


def who() -> dict[str, Any]:
    """Return host, process, job and start of this process."""
    job = next((os.environ[name] for name in JOB_VARIABLES if name in os.environ), None)
    host, pid = socket.gethostname(), os.getpid()
    restart = os.environ.get("SLURM_RESTART_COUNT", "0")
    return {
        "host": host, "pid": pid, "start": started(pid), "job": job, "restart": restart, "since": time.time()
    }  # fmt: skip


def started(pid: int) -> int | None:
    """Return when a process of this host was started (ticks since the boot), None if it is gone.

    A dead process that nobody has waited for counts as gone. Without /proc, 0 for every process.
    """
    if not os.path.isdir("/proc/self"):
        return 0 if _answers(pid) else None
    try:
        with open(f"/proc/{pid}/stat") as stream:
            fields = stream.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


@contextlib.contextmanager
def hold(folder: Path, name: str, against: str = "") -> Iterator[Path]:
    """Hold a lock while the body runs.

    Parameters
    ----------
    folder : Path
    name : str
        Of the lock file, such as "lock".
    against : str
        Pattern of the names of further locks that nobody may hold meanwhile.

    Raises
    ------
    LockError
        Another run holds it, or one of those it must not meet; a lock whose holder is gone is taken over.
    """
    path = folder / name
    _take(path)
    stop = threading.Event()
    beat = threading.Thread(target=_touch, args=(path, stop), daemon=True)
    beat.start()
    try:
        # Looked at after taking our own, so that of two that start together at least one sees the other.
        for other in sorted(folder.glob(against)) if against else []:
            if other != path and (holder := _holder(other)) is not None:
                raise LockError(_sentence(holder, other))
        yield path
    finally:
        stop.set()
        beat.join()
        path.unlink(missing_ok=True)


def _take(path: Path) -> None:
    content = json.dumps(who())
    for _ in range(10):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            holder = _outwait(path)
            if holder is not None:
                raise LockError(_sentence(holder, path)) from None
            _push_aside(path)
            continue
        with os.fdopen(handle, "w") as stream:
            stream.write(content)
        return
    raise LockError(f"the lock {path} cannot be had: others take it again and again")


def _outwait(path: Path) -> dict[str, Any] | None:
    """Return who holds a lock; one of another host is watched until its heart beats or it is stale.

    After the failure of a node the next job starts before the lock of the last one looks dead.
    """
    first = _beat(path)
    while (holder := _holder(path)) is not None:
        if holder.get("host") == socket.gethostname() or _beat(path) != first:
            return holder
        time.sleep(LOOK)
    return None


def _beat(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _push_aside(path: Path) -> None:
    """Remove a stale lock; renaming first lets one of several that try win."""
    aside = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.stale")
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
        aside.unlink()


def _holder(path: Path) -> dict[str, Any] | None:
    """Return who holds a lock, None if it is gone or stale."""
    try:
        age = time.time() - path.stat().st_mtime
        holder: dict[str, Any] = json.loads(path.read_text() or "{}")
    except FileNotFoundError:
        return None
    except ValueError:
        holder = {}
    here = holder.get("host") == socket.gethostname()
    # The start tells a process from a later one with the same number.
    if age > STALE or (here and not alive(holder)) or _requeued(holder):
        return None
    return holder | {"age": age}


def _requeued(holder: Mapping[str, Any]) -> bool:
    """Tell whether a lock is that of an earlier life of this very job, which Slurm has started again."""
    mine = who()
    same = mine["job"] is not None and holder.get("job") == mine["job"]
    return same and holder.get("restart") != mine["restart"]


def alive(holder: Mapping[str, Any]) -> bool:
    """Tell whether the process that :func:`who` described, on this host, is still there."""
    found = started(int(holder["pid"]))
    return found is not None and holder.get("start") in (found, None)


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sentence(holder: dict[str, Any], path: Path) -> str:
    if "host" not in holder:
        return f"another run is starting on this output ({path}); wait until it has ended"
    job = f", job {holder['job']}" if holder.get("job") else ""
    minutes = (time.time() - holder["since"]) / 60
    return (
        f"another run works on this output: host {holder['host']}, process {holder['pid']}{job}, "
        f"for {minutes:.0f} min; wait for it or stop it (a lock is taken over {STALE:.0f} s after its "
        f"holder died; to do so now, remove {path})"
    )


def _touch(path: Path, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT):
        with contextlib.suppress(OSError):
            os.utime(path)
