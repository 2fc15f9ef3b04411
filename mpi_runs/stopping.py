"""When to stop: a signal, the time limit, or a word from another process of the same run."""

import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
FILE = "stop"
FILE_INTERVAL = 5.0  # s between two looks at the file, which other hosts may have to ask a server for

_received: list[tuple[float, str]] = []


def catch_signals() -> dict[int, Any]:
    """Let SIGTERM, SIGUSR1 and Ctrl-C end a run in good order; return the handlers that were there.

    On a second signal running members are no longer waited for.
    """
    _received.clear()
    return {number: signal.signal(number, _receive) for number in SIGNALS}


def restore_signals(handlers: dict[int, Any]) -> None:
    """Give the signals back to the handlers that :func:`catch_signals` returned."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _receive(number: int, _: FrameType | None) -> None:
    _received.append((time.monotonic(), signal.Signals(number).name))


class Stop:
    """Tells whether a run is to stop, and why.

    Parameters
    ----------
    folder : Path
        Folder of the run; a file ``stop`` in it stops every process.
    deadline : float or None
        Time (s since the epoch) at which to stop.
    grace : float
        How long running members are waited for (s).
    """

    def __init__(self, folder: Path, deadline: float | None, grace: float) -> None:
        self.file = folder / FILE
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
        """Tell the other processes of the run, which may not have got the signal."""
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
        if self.deadline is not None and time.time() >= self.deadline:
            return "the time limit"
        if time.monotonic() - self.looked >= FILE_INTERVAL:
            self.looked = time.monotonic()
            if self.file.exists():
                return "another process of the run"
        return ""
