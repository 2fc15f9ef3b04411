"""What runs on every worker: members one after another, each written to the shard of its process."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data.stopping import Stop, from_other_host
from . import child, index, shards


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is reported of a member to the manager: not the data, which is in the shard.

    ``error`` says why it failed, or why it was stopped.
    """

    member: int
    status: int
    wall: float
    peak: float = 0.0
    error: str = ""
    bytes: int = 0


@dataclass(slots=True)
class Report:
    """What comes back from one task.

    Parameters
    ----------
    worker : str
        Host, process and thread.
    receipts : list of Receipt
    busy : float
        Time the task took (s).
    """

    worker: str
    receipts: list[Receipt] = field(default_factory=list)
    busy: float = 0.0


class Worker:
    """One thread that runs members; made when its first task comes.

    Parameters
    ----------
    plan_file : Path
        Plan of the run, in its folder.
    """

    def __init__(self, plan_file: Path) -> None:
        plan = json.loads(plan_file.read_text())
        self.run_id: str = plan["run"]
        self.name = f"{socket.gethostname()}.{os.getpid()}.{threading.get_native_id()}"
        deadline = from_other_host(plan["deadline"])
        self.stop = Stop(plan_file.parent, plan["part"], deadline, plan["grace"])
        self.runner: child.Child | child.Inside = (
            child.Child(plan_file, plan["limit"], self.stop, child.owner(plan))
            if plan["isolated"]
            else child.Inside(plan_file.parent, plan, self.stop)
        )
        self.writer = _writer(plan_file.parent, plan)

    def run(self, members: Sequence[int]) -> Report:
        """Run these members, as many as there is time for."""
        report, begin = Report(self.name), time.perf_counter()
        for member in members:
            if self.stop.wanted():
                report.receipts.append(Receipt(member, shards.STOPPED, 0.0, error=self.stop.reason))
                continue
            frame = self.runner.run(member)
            _, status, head = shards.frame_head(frame)
            if status != shards.STOPPED:
                with _guard:
                    self.writer.append(frame)
            wall, peak = head.get("wall", 0.0), head.get("peak", 0.0)
            error = self.stop.reason if status == shards.STOPPED else head.get("error", "")
            report.receipts.append(Receipt(member, status, wall, peak, error, len(frame)))
        report.busy = time.perf_counter() - begin
        return report

    def close(self) -> None:
        """End the child process."""
        self.runner.close()


_mine = threading.local()
_all: list[Worker] = []
_writers: dict[str, shards.Writer] = {}
_guard = threading.Lock()


def _writer(folder: Path, plan: Mapping[str, Any]) -> shards.Writer:
    """Return the shard of this process, which its threads share: one file per node with one process on it."""
    with _guard:
        if plan["run"] not in _writers:
            process_name = f"{socket.gethostname()}.{os.getpid()}"
            # The time tells apart two lives of one process number.
            path = folder / f"{plan['part']}.{process_name}.{time.time_ns() // 1000:x}.shard"
            _writers[plan["run"]] = shards.Writer(path, plan["header"] | {"worker": process_name})
        return _writers[plan["run"]]


def work(plan_file: str, run_id: str, members: Sequence[int]) -> Report:
    """Run members on the worker of this thread; the one function that farms call.

    Raises
    ------
    ShardError
        The shard cannot be written; the run cannot go on.
    """
    worker: Worker | None = getattr(_mine, "worker", None)
    if worker is None or worker.run_id != run_id:
        worker = _mine.worker = Worker(Path(plan_file))
        with _guard:
            _all.append(worker)
    return worker.run(members)


def close_all() -> None:
    """Close the workers and the shards of this process; called when its farm ends."""
    with _guard:
        workers, _all[:] = _all[:], []
        writers = list(_writers.values())
        _writers.clear()
    _mine.__dict__.clear()
    for worker in workers:
        with contextlib.suppress(OSError):
            worker.close()
    for writer in writers:
        with contextlib.suppress(OSError):
            writer.close()
            index.save(writer.index)
