"""How far a run is: a bar on a terminal, a line now and then in the log of a batch job, silence elsewhere."""

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO

BATCH_VARIABLES = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")
LINE_INTERVAL = 60.0  # s
BAR_INTERVAL = 0.1  # s


def quiet(share: float, what: str = "") -> None:
    """Show nothing."""


class Reporter:
    """Shows the share done, the phase, the speed in events/s and an estimate of the rest.

    Parameters
    ----------
    stream : file, optional
        Where to; standard error by default.
    lines : bool
        Write lines even outside of a batch job.
    quiet : bool
        Show nothing.
    interval : float
        Seconds between lines.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        lines: bool = False,
        quiet: bool = False,
        interval: float = LINE_INTERVAL,
    ) -> None:
        self.stream = stream or sys.stderr
        batch = any(name in os.environ for name in BATCH_VARIABLES)
        self.bar: Any = None
        self.mode = "quiet"
        if not quiet:
            self.mode = "bar" if self.stream.isatty() else "lines" if lines or batch else "quiet"
        self.interval = interval
        self.begin = self.last = time.monotonic()
        self.first_share: float | None = None
        self.first_events = 0

    def __enter__(self) -> "Reporter":
        if self.mode == "bar":
            from rich.console import Console  # rich, and a run that nobody looks at shows nothing
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TaskProgressColumn(),
                TextColumn("{task.fields[rest]}"),
                console=Console(file=self.stream),
                transient=True,
            )
            self.task = self.bar.add_task("", total=1.0, rest="")
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, share: float, name: str, device: Any = None) -> None:
        """Take note that a ``share`` (0 to 1) of the run is done, in the phase ``name``."""
        moment = time.monotonic()
        if self.first_share is None:
            # A resumed run starts in the middle; its rest follows from what this process did.
            self.first_share, self.begin = share, moment
            self.first_events = device.events if device else 0

        def words() -> tuple[float, str, str]:
            seconds_left = self.rest(share, device.events if device else None, moment)
            if self.mode == "bar":
                return share, f"{name:24.24}", seconds_left
            phase_text = f"{name}, {device.source_voltage:.2f} V" if device else name
            return share, f"{100 * share:3.0f} % {phase_text}, ", seconds_left

        self.show(words)

    def show(self, words: Callable[[], tuple[float, str, str]]) -> None:
        """Show a share, the words before the bar and those after it, made only when it is time for them."""
        moment = time.monotonic()
        if self.mode == "quiet" or moment - self.last < (
            BAR_INTERVAL if self.mode == "bar" else self.interval
        ):
            return
        self.last = moment
        share, name, rest = words()
        if self.mode == "bar":
            self.bar.update(self.task, completed=share, description=name, rest=rest)
        else:
            self.note(f"{time.strftime('%H:%M:%S')} {name}{rest}")

    def note(self, line: str) -> None:
        """Write a line that stays."""
        if self.mode == "bar":
            self.bar.console.print(line, markup=False, highlight=False)
        elif self.mode == "lines":
            self.stream.write(f"{line}\n")
            self.stream.flush()

    def rest(self, share: float, events: int | None, now: float) -> str:
        """Return speed, where there are events, and estimated rest as text."""
        elapsed = max(now - self.begin, 1e-9)
        speed = [] if events is None else [f"{(events - self.first_events) / elapsed:.0f} events/s"]
        share_since_start = share - (self.first_share or 0.0)
        if share_since_start > 0.01:
            speed.append(f"about {duration(elapsed * (1 - share) / share_since_start)} left")
        return ", ".join(speed)


def duration(seconds: float) -> str:
    """Return a duration in words: "40 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def in_words(seconds: float) -> str:
    """Return a time as "1 day" or "30 s"."""
    for unit, size in (("day", 86400.0), ("h", 3600.0), ("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
