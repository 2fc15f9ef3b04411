"""A process in which members run one after another, so that none can take the others with it.

The parent starts a Python with :func:`main` and hands it member numbers through a pipe; a finished
member comes back as a frame for the shard. The child knows no MPI, ignores the signals that batch systems
send to all processes of a job, and dies with its parent. Members that raise come back as frames with a
traceback; when the process dies or a member takes too long, the parent makes the frame.
"""

import contextlib
import faulthandler
import gc
import importlib
import json
import logging
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import imports
from ..data.stopping import Stop, ended_by_second_signal
from ..threads import load_blas_alone, load_hashes_alone
from . import shards

try:
    import resource
except ImportError:
    raise ImportError(
        "running many members needs the processes of Linux or macOS; on Windows use WSL"
    ) from None

TASK = struct.Struct("<q")  # member; -1 asks a running member to stop
LENGTH = struct.Struct("<Q")
READY = b"frenkel"
START_LIMIT = 900.0  # s for the first sign of life; imports take minutes when thousands of ranks start
LOOK_AT_MEMORY = 0.01  # s; members shorter than this are not asked for it
SLICE = 0.2  # s between two looks at whether to stop
NOTE_SIZE = 2000
STDERR = 2
LOG_LINES = 100  # of a member, kept in its record
FOREIGN = ("PMI", "PMIX", "OMPI_", "PRTE_", "HYD", "MPI", "SLURM_", "I_MPI_")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
OWN_DEATH = 1  # PR_SET_PDEATHSIG

Result = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Arrays of a member by name, and JSON values that belong to it (texts)."""

RunMember = Callable[[int, "Context"], Result]
Prepare = Callable[[dict[str, Any]], RunMember]
"""Called once per process with the settings of the run; returns what runs one member."""


class Stopped(Exception):
    """A member has stopped on request; it runs again, from its checkpoint if it left one."""


class MemberLog(logging.Handler):
    """Gathers what one member reports, for its record.

    Attributes
    ----------
    lines : list of (float, str, str)
        Time since its start (s), level and words; the last one says how many more there were.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.begin, self.thread, self.number = time.perf_counter(), threading.get_ident(), 0
        self.lines: list[tuple[float, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, if it comes from this member and there is room."""
        if record.thread != self.thread:
            return
        self.number += 1
        level, words = record.levelname, " ".join(record.getMessage().split())[:1000]
        if self.number > LOG_LINES:
            del self.lines[LOG_LINES:]
            level, words = "INFO", f"{self.number - LOG_LINES} more lines were not kept"
        self.lines.append((round(time.perf_counter() - self.begin, 3), level, words))


@contextlib.contextmanager
def listening() -> Iterator[MemberLog]:
    """Gather what is reported meanwhile."""
    log = MemberLog()
    logging.getLogger().addHandler(log)
    try:
        yield log
    finally:
        logging.getLogger().removeHandler(log)


class Context:
    """What a member may use while it runs.

    Parameters
    ----------
    folder : Path
        Folder of the run, for checkpoints.
    inbox : int or None
        Pipe through which the parent asks to stop.
    notes : int or None
        File for :meth:`note`.
    owned : bytes
        What the records say of their configuration, see :func:`.shards.owner`.
    scratch : Path or None
        Folder on a disk of this node, of this configuration alone; it may not exist.
    stop : Stop or None
        Asked instead of the pipe, where the member runs in the process of its parent.
    """

    def __init__(
        self,
        folder: Path,
        inbox: int | None = None,
        notes: int | None = None,
        owned: bytes = shards.NOBODY,
        scratch: Path | None = None,
        stop: Stop | None = None,
    ) -> None:
        self.folder, self.inbox, self.notes = folder, inbox, notes
        self.owned, self.scratch, self.stop = owned, scratch, stop
        self.state: dict[str, Any] = {}

    def stopping(self) -> bool:
        """Return whether the member should write a checkpoint and raise :class:`Stopped`."""
        if self.inbox is not None:
            return bool(select.select([self.inbox], [], [], 0)[0])
        return self.stop is not None and self.stop.wanted()

    def note(self, state: dict[str, Any]) -> None:
        """Keep where the member is, for the record in case it fails, hangs or dies."""
        self.state = state
        if self.notes is not None:
            os.pwrite(self.notes, json.dumps(state).encode()[:NOTE_SIZE].ljust(NOTE_SIZE), 0)


def owner(plan: Mapping[str, Any]) -> bytes:
    """Return what the records of a run say of its configuration, from the plan of the run."""
    return shards.owner(plan.get("header", {}).get("configuration_hash", ""))


def prepare(plan: Mapping[str, Any]) -> RunMember:
    """Return what runs one member, from the name of a function, "module:name", and its settings."""
    module, _, name = plan["function"].partition(":")
    run_member: RunMember = getattr(importlib.import_module(module), name)(plan["settings"])
    return run_member


def scratch(plan: Mapping[str, Any]) -> Path | None:
    """Return the folder of a run on a disk of this node, None if it has none; see :class:`Context`."""
    if plan.get("scratch") is None:
        return None
    # A checkpoint of another configuration must not be gone on with, and --force reaches no other nodes.
    return Path(plan["scratch"]) / f"frenkel-{plan['header']['configuration_hash']}"


def peak_memory() -> int:
    """Return the largest memory of this process so far (bytes), without that of the process it came from."""
    try:
        with open("/proc/self/status", "rb") as stream:
            return int(stream.read().partition(b"VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def attempt(run: RunMember, member: int, context: Context) -> bytes:
    """Run one member; return its frame, whatever happens short of the death of the process."""
    with listening() as log:
        return _attempt(run, member, context, log)


def _attempt(run: RunMember, member: int, context: Context, log: MemberLog) -> bytes:
    context.state = {}
    begin, cpu = time.perf_counter(), time.process_time()

    def facts() -> dict[str, Any]:
        wall = time.perf_counter() - begin
        return {
            "wall": wall,
            "cpu": time.process_time() - cpu,
            "host": socket.gethostname(),
            **({"peak": peak_memory()} if wall > LOOK_AT_MEMORY else {}),
            **({"log": log.lines} if log.lines else {}),
        }

    try:
        arrays, head = run(member, context)
        return shards.encode(member, shards.OK, facts() | dict(head), arrays, context.owned)
    except Stopped:
        return shards.encode(member, shards.STOPPED, facts())
    except Exception as error:
        failure = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        head = facts() | failure | {"state": context.state}
        return shards.encode(member, shards.FAILED, head, owned=context.owned)


class Child:
    """The parent's side: starts the process when it is first needed and again when it died.

    Parameters
    ----------
    plan_file : Path
        Plan of the run, in its folder.
    limit : float or None
        Longest time of one member (s).
    stop : Stop
    owned : bytes
        As for :class:`Context`.
    """

    def __init__(
        self, plan_file: Path, limit: float | None, stop: Stop, owned: bytes = shards.NOBODY
    ) -> None:
        self.plan_file, self.limit, self.stop, self.owned = plan_file, limit, stop, owned
        self.process: subprocess.Popen[bytes] | None = None
        self.to = self.back = -1
        self.late = False

    def run(self, member: int) -> bytes:
        """Run one member there and return its frame."""
        begin = time.perf_counter()
        if self.process is None:
            self._start()
            if self._wait(START_LIMIT, len(READY), patient=True) != READY:
                return self._lost(member, begin, "did not start")
            begin = time.perf_counter()
        try:
            os.write(self.to, TASK.pack(member))
        except BrokenPipeError:
            return self._lost(member, begin, "died before it began")
        head = self._wait(self.limit, LENGTH.size)
        if len(head) < LENGTH.size:
            return self._lost(member, begin, "")
        frame = self._wait(60.0, LENGTH.unpack(head)[0], patient=True)
        return frame if len(frame) == LENGTH.unpack(head)[0] else self._lost(member, begin, "")

    def close(self) -> None:
        """End the process."""
        if self.process is None:
            return
        os.close(self.to)  # an idle child leaves when the pipe ends
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.back)
        self.process = None

    def _start(self) -> None:
        inbox, self.to = os.pipe()
        self.back, outbox = os.pipe()
        self.errors = tempfile.TemporaryFile()
        self.notes = tempfile.TemporaryFile()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        environment |= dict.fromkeys(THREADS, "1")
        numbers = (inbox, outbox, self.notes.fileno())
        # Not -m, which would make a second module of this file, with another class Stopped.
        start = f"from {imports.__name__} import *; index_folders(); from {__name__} import main; main()"
        command = [sys.executable, "-P", "-c", start]
        command += [str(self.plan_file), *map(str, numbers), str(os.getpid())]
        # Popen, since forking after MPI_Init is not allowed.
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self.errors,
            stderr=self.errors,
            pass_fds=numbers,
            env=environment,
        )
        os.close(inbox)
        os.close(outbox)

    def _wait(self, limit: float | None, size: int, *, patient: bool = False) -> bytes:
        """Read ``size`` bytes; fewer come back if the child died, took too long or the run stops."""
        data = bytearray()
        end = None if limit is None else time.monotonic() + limit
        stop_sent = False
        self.late = False
        while len(data) < size:
            ready, _, _ = select.select([self.back], [], [], SLICE)
            if ready:
                part = os.read(self.back, size - len(data))
                if not part:
                    break
                data += part
            elif end is not None and time.monotonic() > end:
                self.late = True
                break
            elif self.stop.wanted():
                if not stop_sent and not patient:
                    stop_sent = True
                    with contextlib.suppress(BrokenPipeError):
                        os.write(self.to, TASK.pack(-1))
                if self.stop.over():
                    break
        return bytes(data)

    def _lost(self, member: int, begin: float, why: str) -> bytes:
        """Return the frame of a member that was lost with its process, and clear the process away."""
        assert self.process is not None
        stopped = self.stop.wanted()
        self.process.kill()
        code = self.process.wait()
        note = os.pread(self.notes.fileno(), NOTE_SIZE, 0)
        size = os.fstat(self.errors.fileno()).st_size
        printed = os.pread(self.errors.fileno(), 4000, max(size - 4000, 0)).decode(errors="replace")
        os.close(self.to)
        os.close(self.back)
        late, self.process = self.late, None
        if stopped:
            return shards.encode(member, shards.STOPPED, {})
        cause = why or (f"signal {_name(-code)}" if code < 0 else f"exit status {code}")
        status = shards.TIMEOUT if late else shards.DIED
        error = f"took longer than {self.limit:g} s" if late else f"its process ended: {cause}"
        head = {
            "wall": time.perf_counter() - begin,
            "host": socket.gethostname(),
            "error": error,
            "traceback": printed.strip(),
            "state": _note(note),
        }
        return shards.encode(member, status, head, owned=self.owned)


class Inside:
    """Runs members in this process, without protection; for measurements and debuggers."""

    def __init__(self, folder: Path, plan: Mapping[str, Any], stop: Stop) -> None:
        self.context = Context(folder, owned=owner(plan), scratch=scratch(plan), stop=stop)
        self.member = prepare(plan)

    def run(self, member: int) -> bytes:
        """Run one member and return its frame."""
        with ended_by_second_signal():
            return attempt(self.member, member, self.context)

    def close(self) -> None:
        """Nothing is held."""


def _name(number: int) -> str:
    """Return the name of a signal, its number where it has none: real-time ones."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _note(raw: bytes) -> Any:
    try:
        return json.loads(raw or b"{}")
    except ValueError:
        return {}


def _die_with_parent(parent: int) -> None:
    """Let the kernel end this process with its parent (Linux); leave at once if that is gone already."""
    if sys.platform == "linux":
        import ctypes  # libffi, and only a member in a process of its own needs it

        ctypes.CDLL(None).prctl(OWN_DEATH, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def main() -> None:
    """Serve members until the pipe ends."""
    arguments = sys.argv[1:]
    plan_file, (inbox, outbox, notes, parent) = Path(arguments[0]), map(int, arguments[1:])
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    _die_with_parent(parent)
    faulthandler.enable()
    # On stderr too, whose end the parent puts into the record if this process dies.
    logging.basicConfig(format="%(levelname)s: %(message)s")
    logging.getLogger(__package__.partition(".")[0]).setLevel(logging.INFO)
    logging.captureWarnings(True)
    run: RunMember | None = None
    try:
        plan = json.loads(plan_file.read_text())
        context = Context(plan_file.parent, inbox, notes, owner(plan), scratch(plan))
        load_hashes_alone()
        load_blas_alone()
        with contextlib.suppress(Exception):  # it is met again below and then goes into the record
            run = prepare(plan)
        os.write(outbox, READY)
        while len(task := os.read(inbox, TASK.size)) == TASK.size:
            (member,) = TASK.unpack(task)
            if member < 0:
                continue  # asked to stop after the member had ended
            os.pwrite(notes, b"{}".ljust(NOTE_SIZE), 0)
            os.truncate(STDERR, os.lseek(STDERR, 0, os.SEEK_SET))  # what it printed for the last member
            frame = attempt(run or (lambda number, context: prepare(plan)(number, context)), member, context)
            _send(outbox, LENGTH.pack(len(frame)) + frame)
            # What a member leaves may refer to itself: else the next one comes on top of it.
            gc.collect()
    except BrokenPipeError:
        return


def _send(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
