"""A model of the farm: how long a run takes, and what limits it, before asking for 10,000 cores.

One manager serves requests first come, first served, each in a fixed time; every worker takes the next
chunk as soon as it is free. The overheads are measured (``benchmarks/ensembles.py``).
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..typing import Floats
from .order import LEAST_CHUNK, MANAGER

SERVICE = 190e-6  # s of the manager per task, mpi4py.futures with mpich
MEMBER = 90e-6  # s of a worker per member: pipe to its process, shard
FILE_CALLS = 2600  # of a rank and its member process at their start
METADATA_RATE = 5e4  # calls/s that a parallel file system answers; recalled, and very different between sites
MERGE_RATE = 1.5e8  # bytes/s


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would take.

    Attributes
    ----------
    wall : float
        Time (s).
    ideal : float
        The work divided by the workers, or the longest member if that is longer (s).
    manager : float
        Fraction of the time for which the manager is busy.
    messages : float
        Tasks that it hands out per second.
    tasks : int
    """

    wall: float
    ideal: float
    manager: float
    messages: float
    tasks: int

    @property
    def efficiency(self) -> float:
        """Ideal over expected time."""
        return self.ideal / self.wall


def simulate(
    durations: Iterable[float],
    workers: int,
    *,
    estimates: Iterable[float] | None = None,
    service: float = SERVICE,
    member: float = MEMBER,
    start: float = 0.0,
) -> Forecast:
    """Play a run.

    Parameters
    ----------
    durations : iterable of float
        Of the members (s).
    workers : int
    estimates : iterable of float, optional
        By which the longest go first; none: the order given, as for equal members.
    service, member : float
        Overheads per task of the manager and per member of a worker (s).
    start : float
        Time until the workers are ready (s).
    """
    work = np.fromiter(durations, float)
    expected = np.full(len(work), work.mean()) if estimates is None else np.fromiter(estimates, float)
    order = np.argsort(-expected, kind="stable")
    work, expected = work[order] + member, expected[order]
    summed = np.concatenate([[0.0], np.cumsum(work)])
    free_at = [start] * workers
    manager = start
    place = tasks = 0
    least = max(LEAST_CHUNK, MANAGER * workers)
    while place < len(work):
        members = int(np.ceil(least / max(expected[place], 1e-6)))
        size = max(1, min(members, (len(work) - place) // (4 * workers)))
        manager = max(manager, free_at[0]) + service
        heapq.heapreplace(free_at, manager + float(summed[place + size] - summed[place]))
        place, tasks = place + size, tasks + 1
    wall = max(free_at)
    ideal = max(float(work.sum()) / workers, float(work.max()))
    return Forecast(wall, ideal, tasks * service / wall, tasks / wall, tasks)


def durations(number: int, mean: float, spread: float, limit: float | None = None) -> Floats:
    """Return lognormal durations (s) of this mean and standard deviation of the logarithm."""
    random = np.random.default_rng(1)
    drawn = mean * np.exp(spread * random.standard_normal(number) - spread**2 / 2)
    return drawn if limit is None else np.minimum(drawn, limit)
