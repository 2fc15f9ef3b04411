"""One start of a run: what is left of it is run by the workers that an engine gives."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import stopping
from . import farm, lock, runs, shards
from .order import Cost, Order
from .status import File, Status
from .worker import Report

DONE, FAILED, STOPPED = 0, 1, 75
"""Exit statuses: all done; done, some members failed; stopped, run me again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be run, and how.

    Parameters
    ----------
    folder : Path
        Folder of the run; shared by all workers.
    function : str
        "module:name" of a function that takes the settings and returns what runs one member.
    settings : mapping
        JSON values for it.
    document : mapping
        All that the results are a function of, as JSON values; kept in the folder and compared on resume.
    digest : str
        Hash of the document.
    software : mapping
        What is to be noted in every shard besides.
    members : sequence of int
        All members of this part.
    cost : callable
        ``cost(member)`` returns (group, expected duration in any unit); see :class:`.Order`.
    part : str
        "all", or "i-of-n" for a part that runs at the same time as others.
    limit : float or None
        Longest time of one member (s).
    grace : float
        How long running members are waited for when the run is to stop (s).
    deadline : float or None
        When to stop, by the monotonic clock (s).
    isolated : bool
        Run members in processes of their own.
    retry : bool
        Run again also those members that failed three times.
    force : bool
        Discard what is in the folder.
    scratch : str or None
        Folder on a disk of each node, for what running members leave now and then.
    """

    folder: Path
    function: str
    settings: Mapping[str, Any]
    document: Mapping[str, Any]
    digest: str
    members: Sequence[int]
    software: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost = lambda member: (0, 1.0)
    part: str = "all"
    limit: float | None = None
    grace: float = 10.0
    deadline: float | None = None
    isolated: bool = True
    retry: bool = False
    force: bool = False
    scratch: str | None = None


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a start ended.

    Attributes
    ----------
    code : int
        DONE, FAILED or STOPPED.
    reason : str
        Why it stopped; empty if it did not.
    ran : int
        Members that this start finished.
    left : int
        Members of this part that are not done and did not fail.
    failed : list of int
        Members of this part that failed.
    faults : list of Fault
        Damage found in the shards before.
    """

    code: int
    reason: str
    ran: int
    left: int
    failed: list[int]
    faults: list[shards.Fault]


def execute(
    job: Job,
    workers: farm.Workers,
    show: Callable[[Status], None] = lambda status: None,
    begin: Callable[[runs.Survey], None] = lambda found: None,
) -> RunOutcome:
    """Run what is left of a job.

    Parameters
    ----------
    job : Job
    workers : sequence of (Executor, int)
        From an engine of :mod:`.farm`.
    show : callable
        Called about twice a second with the status.
    begin : callable
        Called once with what was found in the folder.

    Raises
    ------
    ChangedError
        The folder belongs to another configuration.
    LockError
        Another run works on it.
    StopError
        The user has left a file ``stop`` in it.
    ShardError
        It cannot be written.
    """
    runs.make(job.folder)
    against = "*.lock" if job.part == "all" else "all.lock"
    with lock.hold(job.folder, f"{job.part}.lock", against):
        if job.force:
            runs.refuse_loss(job.folder, job.digest)
            runs.clear(job.folder)
        stopping.refuse_stopped(job.folder)
        runs.claim(job.folder, job.document, job.digest)
        existing = runs.survey([job.folder], job.digest, job.part)
        runs.cut_torn(existing, job.part)
        begin(existing)
        todo = existing.to_run(job.members, retry=job.retry)
        stop = stopping.Stop(job.folder, job.part, job.deadline, job.grace)
        status = _run(job, workers, todo, stop, show)
        return _outcome(job, status, stop, existing)


def _run(
    job: Job,
    workers: farm.Workers,
    todo: NDArray[np.int64],
    stop: stopping.Stop,
    show: Callable[[Status], None],
) -> Status:
    plan_file, run_id = runs.write_plan(job.folder, job.part, _plan(job))
    count = sum(number for _, number in workers)
    order = Order(todo.tolist(), count, job.cost)
    status = Status(len(job.members), len(job.members) - len(todo), count)
    file = File(job.folder, job.part)

    def tick(running: int) -> None:
        status.running = running
        file.write(status)
        show(status)

    def finished(report: Report) -> None:
        status.take(report, order)

    try:
        farm.run(workers, order, os.fspath(plan_file), run_id, stop, finished=finished, tick=tick)
        status.state = "stopped" if order.left else "done"
    except BaseException:
        status.state = "broken"
        stop.tell()  # workers of other processes would go on with what they have
        raise
    finally:
        status.running = 0
        try:
            file.write(status, now=True)
        except shards.ShardError:
            if status.state != "broken":
                raise
    show(status)
    return status


def _plan(job: Job) -> dict[str, Any]:
    """Return what the workers must know of a job."""
    return {
        "function": job.function,
        "settings": dict(job.settings),
        "header": {"configuration_hash": job.digest, "software": dict(job.software)},
        "limit": job.limit,
        "grace": job.grace,
        "deadline": stopping.for_other_hosts(job.deadline),
        "isolated": job.isolated,
        "scratch": job.scratch,
    }


def _outcome(job: Job, status: Status, stop: stopping.Stop, before: runs.Survey) -> RunOutcome:
    finished = runs.survey([job.folder], job.digest, job.part).best(job.members)
    left = int(np.count_nonzero(finished.status == shards.MISSING))
    failed = finished.member[(finished.status != shards.OK) & (finished.status != shards.MISSING)].tolist()
    ran = status.done + status.failed
    if left:
        return RunOutcome(STOPPED, stop.reason or "unknown", ran, left, failed, before.faults)
    return RunOutcome(FAILED if failed else DONE, "", ran, 0, failed, before.faults)
