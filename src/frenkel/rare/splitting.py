"""Multilevel splitting: the probability of what hardly ever happens, without bias and with its error.

Particles start, and each runs until it is over; its *peak* is the largest score that it reached. Those with
the lowest peaks are taken out, and for each of them one of the others is branched where it first rose above
the level that was given up. What is asked for is reached after some such stages, and

    P = prod_q (1 - K_q / N) (number that reached it) / N,

of N particles of which K_q were taken out in stage q. K_q counts *all* whose peak is at or below the level,
more than were asked for where scores are tied: with it the estimate is unbiased for every N, whatever the
score (Brehier et al., Ann. Appl. Probab. 26, 3559 (2016), doi:10.1214/16-AAP1185; Walter, arXiv:1507.00919).

Nothing here knows a device: a process is anything that begins paths and branches them, see `walks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from scipy import stats

from ..checks import whole
from ..typing import Floats

CONFIDENCE = 0.95

OPEN = 0.1
"""Fraction of a mean that runs ended at their floor may hold before it counts as a bound alone."""


class Path(Protocol):
    """What one particle did.

    Attributes
    ----------
    peak : float
        Largest score that it reached.
    """

    peak: float


P = TypeVar("P", bound=Path)


class Process(Protocol[P]):
    """What splitting needs of a process; every call has random numbers of its own."""

    def begin(self, clone: int) -> P:
        """Return a path from the start to its end."""
        ...

    def branch(self, parent: P, level: float, stage: int, clone: int) -> P:
        """Return a path like ``parent`` to where its score first exceeds a level, independent beyond."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """One run of `split`.

    Attributes
    ----------
    probability : float
        Unbiased estimate; where ``complete`` is false, of a larger probability: that of the last level.
    variance : float
        Unbiased estimate of the variance of ``probability``, from this run alone; may be negative by chance.
    levels : tuple of float
        Score that was given up in each stage.
    killed : tuple of int
        Particles taken out in each stage.
    hits : int
        Particles that reached the goal.
    particles : int
    complete : bool
        False where it was ended because the probability fell below ``floor``.
    """

    probability: float
    variance: float
    levels: tuple[float, ...]
    killed: tuple[int, ...]
    hits: int
    particles: int
    complete: bool = True


def split(
    process: Process[P],
    goal: float,
    *,
    particles: int,
    kill: int,
    random: np.random.Generator,
    floor: float = 0.0,
    note: Callable[[int, float], None] = lambda stage, probability: None,
) -> Splitting:
    """Estimate the probability that the score of a process reaches a goal.

    Parameters
    ----------
    process : Process
    goal : float
        Score that counts as reached.
    particles : int
        Number of particles N, at least 2.
    kill : int
        How many are taken out in a stage at least, 1 (the last particle) to N - 1.
    random : numpy.random.Generator
        Chooses who is branched; the process has random numbers of its own.
    floor : float
        End where the probability of the present level is below this, 0 to 1: all that is known then is
        that the event is rarer.
    note : callable, optional
        ``note(stage, probability of the present level)`` after each stage.

    Returns
    -------
    Splitting
        The variance is that of unbiased pairs of particles with different ancestors (the method of Lee and
        Whiteley, arXiv:1509.00394, with survivors that are kept instead of redrawn):
        Var = P^2 - prod_q S_q^2 / (N^2 - K_q) (pairs that hit, of different first ancestors) / (N (N - 1)),
        with S_q = N - K_q survivors.
    """
    whole("particles", particles, 2)
    whole("kill", kill, 1, particles - 1)
    paths = [process.begin(clone) for clone in range(particles)]
    first = np.arange(particles)  # ancestor of each at the start
    levels: list[float] = []
    killed: list[int] = []
    share, pairs = 1.0, 1.0
    while True:
        peaks = np.array([path.peak for path in paths])
        level = float(np.partition(peaks, kill - 1)[kill - 1])
        if level >= goal or share < floor:
            break
        # All at the level, tied ones too: none of them has risen above it.
        below_level = np.flatnonzero(peaks <= level)
        alive = np.flatnonzero(peaks > level)
        levels.append(level)
        killed.append(len(below_level))
        share *= len(alive) / particles
        pairs *= len(alive) ** 2 / (particles**2 - len(below_level))
        note(len(levels), share)
        if not len(alive):
            break
        for clone, parent in zip(
            below_level, alive[random.integers(len(alive), size=len(below_level))], strict=True
        ):
            paths[clone] = process.branch(paths[parent], level, len(levels), int(clone))
            first[clone] = first[parent]
    complete = level >= goal or not share
    hit = peaks >= goal if complete else np.ones(particles, bool)
    hits = int(np.count_nonzero(hit))
    probability = share * hits / particles
    related = int((np.bincount(first[hit]) ** 2).sum()) if hits else 0
    correlation = pairs * (hits**2 - related) / (particles * (particles - 1))
    return Splitting(
        probability=probability,
        variance=probability**2 - correlation,
        levels=tuple(levels),
        killed=tuple(killed),
        hits=hits,
        particles=particles,
        complete=complete,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What independent runs of `split` say together.

    Attributes
    ----------
    probability : float
        Their mean, unbiased.
    error : float
        Standard error as the runs scatter; of one run alone, as stated.
    stated : float
        Standard error as each run states it by itself.
    low, high : float
        95 % interval: Student's t of the logarithm, 0 and 1 where no run reached the goal.
    repeats : int
    levels : float
        Mean number of stages.
    extinct : int
        Runs that lost all their particles in one stage; they count as 0.
    complete : bool
        False where runs that were ended at a floor may hold a tenth of the mean or more: the probability is
        then an upper bound. The interval begins where it would if those runs were 0.
    """

    probability: float
    error: float
    stated: float
    low: float
    high: float
    repeats: int
    levels: float
    extinct: int
    complete: bool


def together(
    probability: Floats, variance: Floats, levels: Floats, complete: Sequence[bool] | None = None
) -> Estimate:
    """Return what independent runs say together.

    Parameters
    ----------
    probability, variance, levels : ndarray of shape (repeats,)
        Of each run: its estimate, the variance that it states, and its number of stages.
    complete : sequence of bool, optional
        Whether each run went to its end; all of them by default.
    """
    number = len(probability)
    mean = float(np.mean(probability))
    # Single variances are unbiased and may be negative; their sum hardly ever is.
    stated = math.sqrt(max(float(np.sum(variance)), 0.0)) / number
    error = float(np.std(probability, ddof=1) / math.sqrt(number)) if number > 1 else stated
    whole_way = complete is None or all(complete)
    if not whole_way:
        error = max(error, stated)  # ended at one floor, they scatter less than what they stand for
    quantile = float(stats.t.ppf(0.5 + CONFIDENCE / 2, number - 1) if number > 1 else stats.norm.ppf(0.975))

    def width(middle: float) -> float:
        return math.exp(min(quantile * error / middle, 700.0))

    least = mean if complete is None else float(np.mean(np.where(complete, probability, 0.0)))
    return Estimate(
        probability=mean,
        error=error,
        stated=stated,
        low=least / width(least) if least > 0.0 else 0.0,
        high=min(mean * width(mean), 1.0) if mean > 0.0 else 1.0,
        repeats=number,
        levels=float(np.mean(levels)),
        extinct=int(np.count_nonzero(probability == 0.0)),
        complete=whole_way or mean - least < OPEN * mean,
    )
