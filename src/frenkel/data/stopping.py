"""When to stop: a signal, the time limit, a word from another process of the part, or the user's hand."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
FILE = "stop"
"""Made by the user in the folder of a run: every part stops, and none starts until it is removed."""

FILE_INTERVAL = 5.0  # s between two looks at the file, which other hosts may have to ask a server for


class StopError(RuntimeError):
    """The user has stopped this output; the message says how to go on."""


_received: list[tuple[float, str]] = []
_here: list[int] = []
"""One entry while a member runs in this process, where nobody else can end it."""


def catch_signals() -> dict[int, Any]:
    """Let SIGTERM, SIGUSR1 and Ctrl-C end a run in good order; return the handlers that were there.

    On a second signal running members are no longer waited for; see :func:`ended_by_second_signal`.
    """
    _received.clear()
    return {number: signal.signal(number, _receive) for number in SIGNALS}


def restore_signals(handlers: dict[int, Any]) -> None:
    """Give the signals back to the handlers that :func:`catch_signals` returned."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextlib.contextmanager
def ended_by_second_signal() -> Iterator[None]:
    """Let a second signal end what is done within at once, by a KeyboardInterrupt."""
    _here.append(len(_here))
    try:
        yield
    finally:
        _here.pop()


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let a signal act at the end of what is done within, such as a file that is read or written.

    A handler that raises an error, as Python's own for Ctrl-C does, may do so within the ``__exit__`` of a
    lock of xarray's, written in Python: the lock is never given back, and closing the file waits for ever.
    Python calls handlers in the main thread only; elsewhere nothing has to be done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    met: list[int] = []
    ours = [number for number in SIGNALS if signal.getsignal(number) is not None]  # None: not of Python
    handlers: dict[int, Any] = {
        number: signal.signal(number, lambda now, _: met.append(now)) for number in ours
    }
    try:
        yield
    finally:
        restore_signals(handlers)
        for number in met:
            signal.raise_signal(number)


def _receive(number: int, _: FrameType | None) -> None:
    _received.append((time.monotonic(), signal.Signals(number).name))
    if _here and len(_received) > 1:
        raise KeyboardInterrupt


def own_file(folder: Path, part: str) -> Path:
    """Return the file by which the processes of one part tell each other to stop."""
    return folder / f"{part}.{FILE}"


def refuse_stopped(folder: Path) -> None:
    """Refuse to start where the user has left a file ``stop``; a chain of jobs ends here.

    Raises
    ------
    StopError
        It is there.
    """
    if (folder / FILE).exists():
        raise StopError(f"{folder / FILE} stops every run of this output: remove it to go on")


def for_other_hosts(deadline: float | None) -> float | None:
    """Return a time of the monotonic clock of this host as one that other hosts know (s since the epoch)."""
    return None if deadline is None else deadline - time.monotonic() + time.time()


def from_other_host(deadline: float | None) -> float | None:
    """Return what :func:`for_other_hosts` gave as a time of the monotonic clock of this host."""
    return None if deadline is None else deadline - time.time() + time.monotonic()


class Stop:
    """Tells whether a part of a run is to stop, and why.

    Parameters
    ----------
    folder : Path
        Folder of the run; a file ``stop`` in it stops every part, ``PART.stop`` the processes of one.
    part : str
    deadline : float or None
        Time of the monotonic clock (s) at which to stop; steps of the other clock neither shorten nor
        lengthen a run.
    grace : float
        How long running members are waited for (s).
    """

    def __init__(self, folder: Path, part: str, deadline: float | None, grace: float) -> None:
        self.file, self.by_hand = own_file(folder, part), folder / FILE
        self.deadline, self.grace = deadline, grace
        self.since: float | None = None
        self.reason = ""
        self.looked = time.monotonic()
        self.guard = threading.Lock()

    def wanted(self) -> bool:
        """Return whether to stop."""
        if self.since is None:
            reason = self._look()
            if reason:
                self.now(reason)
        return self.since is not None

    def now(self, reason: str) -> None:
        """Stop, for this reason."""
        with self.guard:
            if self.since is None:
                self.since, self.reason = time.monotonic(), reason

    def tell(self) -> None:
        """Tell the other processes of this part, which may not have got the signal."""
        try:
            self.file.touch()
        except OSError:
            return  # a full disk: the others meet it themselves

    def over(self) -> bool:
        """Return whether running members have been waited for long enough."""
        if self.since is None:
            return False
        return len(_received) > 1 or time.monotonic() - self.since >= self.grace

    def _look(self) -> str:
        if _received:
            return f"signal {_received[0][1]}"
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "the time limit"
        if time.monotonic() - self.looked >= FILE_INTERVAL:
            self.looked = time.monotonic()
            if self.file.exists():
                return "another process of the run"
            if self.by_hand.exists():
                return f"the file {self.by_hand}: remove it first"
        return ""
