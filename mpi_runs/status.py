"""How far a run is: counted by its manager, shown by it, and left in a file for other shells."""

import json
import math
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import child, lock, runs, shards
from .order import Order
from .worker import Report

FILE_INTERVAL = 2.0  # s between two writings of the file
PART = "status.json"


@dataclass(slots=True)
class Status:
    """What is known of a run.

    Parameters
    ----------
    total : int
        Members of this run or of this part of it.
    before : int
        Of these, finished by earlier starts.
    workers : int
    """

    total: int
    before: int = 0
    workers: int = 1
    done: int = 0
    failed: int = 0
    running: int = 0
    peak: float = 0.0
    written: int = 0
    last_error: str = ""
    state: str = "running"
    begin: float = field(default_factory=time.time)
    busy: dict[str, float] = field(default_factory=dict)
    left: float = math.nan  # s of work

    def take(self, report: Report, order: Order) -> None:
        """Count what a worker has reported."""
        for receipt in report.receipts:
            if receipt.status == shards.STOPPED:
                continue
            if receipt.status == shards.OK:
                self.done += 1
            else:
                self.failed += 1
                self.last_error = f"member {receipt.member}: {receipt.error}"
            self.peak = max(self.peak, receipt.peak)
            self.written += receipt.bytes
        self.busy[report.worker] = self.busy.get(report.worker, 0.0) + report.busy
        self.left = order.seconds_left()

    def rate(self) -> float:
        """Return members per second of this start."""
        return (self.done + self.failed) / max(time.time() - self.begin, 1e-9)

    def rest(self) -> float:
        """Return the time left (s), by work and not by number; NaN while nothing has finished."""
        waiting = self.total - self.before - self.done - self.failed
        if waiting <= 0:
            return 0.0
        return self.left / self.workers if self.workers else math.nan

    def balance(self) -> float:
        """Return the busy time of the workers over the longest one's, 1 for an even load."""
        longest = max(self.busy.values(), default=0.0)
        return sum(self.busy.values()) / (self.workers * longest) if longest else math.nan

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        manager = child.peak_memory()
        numbers = {
            "rate": self.rate(),
            "rest": self.rest(),
            "balance": self.balance(),
            "peak_memory": self.peak,
            "manager_memory": manager,
        }
        return {
            "state": self.state,
            "total": self.total,
            "done": self.before + self.done,
            "before": self.before,
            "failed": self.failed,
            "running": self.running,
            "workers": self.workers,
            "begin": self.begin,
            "now": time.time(),
            "written": self.written,
            "last_error": self.last_error,
            **{name: None if math.isnan(value) else value for name, value in numbers.items()},
            **lock.who(),
        }


class File:
    """Keeps the status in a file, renewed now and then.

    Parameters
    ----------
    folder : Path
    part : str
        As for the shards.
    """

    def __init__(self, folder: Path, part: str) -> None:
        self.path = folder / f"{part}.{PART}"
        self.last = 0.0

    def write(self, status: Status, *, now: bool = False) -> None:
        """Write it, unless it was written just before."""
        if not now and time.monotonic() - self.last < FILE_INTERVAL:
            return
        self.last = time.monotonic()
        runs.replace(self.path, json.dumps(status.document()))


def read(folder: Path) -> list[Mapping[str, Any]]:
    """Return the status of every part of a run, with the name of the part."""
    parts = []
    for path in sorted(folder.glob(f"*.{PART}")):
        try:
            parts.append({"part": path.name.removesuffix(f".{PART}")} | json.loads(path.read_text()))
        except (OSError, ValueError):
            continue  # being renewed
    return parts


def alive(one: Mapping[str, Any]) -> bool:
    """Tell whether a run that says it is running still renews its status."""
    if one["state"] != "running":
        return False
    if one["host"] == socket.gethostname():
        return lock.alive(one)
    return bool(time.time() - one["now"] < lock.STALE)
