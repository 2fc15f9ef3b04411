"""One run per output: a lock file that says who holds it, with a heartbeat.

A holder on this host is there as long as its process is, suspended or not. One on another host is there as
long as its heart beats, by the watcher's own clock: neither the clocks of the hosts nor steps of them count.
"""

import contextlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HEARTBEAT = 20.0  # s between two touches of the file
STALE = 120.0  # s of watching without a touch: its holder is gone
LOOK = 2.0  # s between two looks at the lock of another host
JOB_VARIABLES = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")

logger = logging.getLogger(__name__)


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
    OSError
        It cannot be written.
    """
    path = folder / name
    handle = _take(path)
    stop = threading.Event()
    beat = threading.Thread(target=_touch, args=(handle, stop), daemon=True)
    beat.start()
    try:
        # Looked at after taking our own, so that of two that start together at least one sees the other.
        _refuse_held([other for other in sorted(folder.glob(against)) if other != path] if against else [])
        yield path
    finally:
        stop.set()
        beat.join()
        # Who was cut off for long may have lost it to another host, whose lock must stay.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                path.unlink()
        os.close(handle)


def _take(path: Path) -> int:
    """Make the lock; return it open, since by that we know it from a later one of the same name."""
    content = json.dumps(who()).encode()
    for _ in range(10):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            for gone, left in _refuse_held([path]).items():
                _push_aside(gone, left)
            continue
        try:
            os.write(handle, content)
        except OSError as error:
            os.close(handle)
            path.unlink()  # nobody could tell whose it is
            raise OSError(error.errno, error.strerror, str(path)) from error
        return handle
    raise LockError(f"the lock {path} cannot be had: others take it again and again")


def _refuse_held(paths: list[Path]) -> dict[Path, bytes]:
    """Return the contents of locks whose holders are gone, once that is sure of all of them.

    After the failure of a node the next job starts before the lock of the last one looks dead.

    Raises
    ------
    LockError
        One is held.
    """
    first = {path: _look(path) for path in paths}
    begin, warned = time.monotonic(), False
    while True:
        doubtful = [path for path, look in first.items() if look is not None and _doubtful(path, look)]
        if not doubtful or time.monotonic() - begin >= STALE:
            return {path: look[0] for path, look in first.items() if look is not None}
        if not warned:
            warned = True
            logger.warning("watching for up to %.0f s whether the holder of %s lives", STALE, doubtful[0])
        time.sleep(LOOK)


def _doubtful(path: Path, first: tuple[bytes, int]) -> bool:
    """Return whether only time can tell if a lock, found like this at the first look, is held."""
    look = _look(path)
    if look is None:
        return False
    holder = _read(look[0])
    if look != first and not holder:  # just made or taken over: who holds it is being written
        time.sleep(LOOK)
        look = _look(path) or look
        holder = _read(look[0])
    same_host = holder.get("host") == socket.gethostname()
    if alive(holder) if same_host else look != first:
        raise LockError(_sentence(holder, path))
    return not same_host and not _requeued(holder)


def _look(path: Path) -> tuple[bytes, int] | None:
    """Return what a lock says and when it was touched, None if it is gone.

    Both are of one open file, since the name may be another's by the second question. Time comes first: words
    that are written in between are those of the holder, whatever time they carry.
    """
    try:
        with path.open("rb") as stream:
            touched = os.fstat(stream.fileno()).st_mtime_ns
            return stream.read(), touched
    except FileNotFoundError:
        return None


def _read(content: bytes) -> dict[str, Any]:
    """Return what :func:`who` gave to a lock, {} while it is being written."""
    try:
        holder = json.loads(content)
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) and holder.keys() >= {"host", "pid", "since"} else {}


def _push_aside(path: Path, left: bytes) -> None:
    """Remove the lock of a holder that is gone; renaming first lets one of several that try win."""
    aside = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.stale")
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
        if aside.read_bytes() == left:
            aside.unlink()
        else:
            aside.rename(path)  # another was faster: it is his now


def _requeued(holder: Mapping[str, Any]) -> bool:
    """Tell whether a lock is that of an earlier life of this very job, which Slurm has started again."""
    own_holder = who()
    same_job = own_holder["job"] is not None and holder.get("job") == own_holder["job"]
    return same_job and holder.get("restart") != own_holder["restart"]


def alive(holder: Mapping[str, Any]) -> bool:
    """Tell whether the process that :func:`who` described, on this host, is still there."""
    start = started(int(holder["pid"]))
    return start is not None and holder.get("start") in (start, None)


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
        f"for {minutes:.0f} min; wait for it or stop it (the lock is {path})"
    )


def _touch(handle: int, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT):
        with contextlib.suppress(OSError):
            os.utime(handle)
