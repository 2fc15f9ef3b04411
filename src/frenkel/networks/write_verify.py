"""Programming many cells at once by their statistics, without a clock.

`frenkel.events.programming` does the same cell by cell on the clock; here all cells take their next pulse
together, which is what a network with many thousand cells and many chips needs. Both follow one rule: read,
stop within the tolerance, otherwise a pulse towards the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from ..checks import between, one_of, whole
from ..typing import Floats
from .device_statistics import DeviceStatistics

Whole = NDArray[np.int64]
Pulses = Literal["equal", "amplitude"]


@dataclass(frozen=True, slots=True)
class ProgrammedCells:
    """What became of cells.

    Attributes
    ----------
    conductance : ndarray
        Of each cell (S).
    pulses, reads : ndarray
        That each took.
    reached : ndarray of bool
        Whether the last read was within the tolerance; true where nothing is verified.
    pulse_sum, read_sum : float
        Conductances during all pulses and all reads, added up (S): times V^2 and a width, an energy (J).
    """

    conductance: Floats
    pulses: Whole
    reads: Whole
    reached: NDArray[np.bool_]
    pulse_sum: float
    read_sum: float


class StatisticalProgramming(Protocol):
    """A way to program cells."""

    def write(
        self, target: Floats, statistics: DeviceStatistics, random: np.random.Generator
    ) -> ProgrammedCells:
        """Bring cells to their targets (S)."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """One pulse per cell, no read: G = target exp(variability N(0, 1))."""

    def write(
        self, target: Floats, statistics: DeviceStatistics, random: np.random.Generator
    ) -> ProgrammedCells:
        """Bring cells to around their targets (S)."""
        g = statistics.programmed(target, random)
        pulse: Whole = np.ones(g.shape, np.int64)
        return ProgrammedCells(g, pulse, 0 * pulse, np.ones(g.shape, bool), float(g.sum()), 0.0)


@dataclass(frozen=True, slots=True)
class WithinTolerance:
    """Cells that end evenly within a fraction of g_max around their targets, whatever brings them there.

    What verification leaves, for devices whose pulses nobody measured: pulses and reads are not counted.

    Parameters
    ----------
    tolerance : float
        Above 0 to 1.
    """

    tolerance: float

    def __post_init__(self) -> None:
        between("tolerance", self.tolerance, 1e-9, 1.0)

    def write(
        self, target: Floats, statistics: DeviceStatistics, random: np.random.Generator
    ) -> ProgrammedCells:
        """Bring cells to around their targets (S); none has less than no conductance."""
        missed = self.tolerance * statistics.g_max * (2.0 * random.random(np.shape(target)) - 1.0)
        g = np.maximum(target + missed, 0.0)
        no_pulses: Whole = np.zeros(g.shape, np.int64)
        return ProgrammedCells(g, no_pulses, no_pulses.copy(), np.ones(g.shape, bool), 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticalWriteVerify:
    """Pulses and reads in turn until a read is within the tolerance of the target.

    Parameters
    ----------
    tolerance : float
        Accepted distance as a fraction of g_max, above 0 to 1.
    step : float
        Mean change by a pulse as a fraction of the window, above 0 to 1.
    step_noise : float
        Standard deviation of that change over its mean, 0 or more.
    pulses : {"equal", "amplitude"}
        Equal: every pulse changes the cell by ``step`` in the mean. Amplitude: it is chosen so that the cell
        changes by the distance just read, ``step`` at most; its noise is the same fraction of it.
    limit : int
        Most pulses per cell, 0 or more.

    Notes
    -----
    Cells start at g_min. Reads carry the read noise of the device. Between pulses nothing relaxes.
    """

    tolerance: float = 0.02
    step: float = 0.05
    step_noise: float = 0.5
    pulses: Pulses = "equal"
    limit: int = 100

    def __post_init__(self) -> None:
        between("tolerance", self.tolerance, 1e-9, 1.0)
        between("step", self.step, 1e-9, 1.0)
        between("step_noise", self.step_noise, 0.0, 10.0)
        whole("limit", self.limit, 0, 10**6)
        one_of("pulses", self.pulses, get_args(Pulses))

    def write(
        self, target: Floats, statistics: DeviceStatistics, random: np.random.Generator
    ) -> ProgrammedCells:
        """Bring cells to their targets (S), from g_min."""
        goal = np.asarray(target, float).ravel()
        g = np.full(goal.shape, statistics.g_min)
        pulses: Whole = np.zeros(goal.size, np.int64)
        reads, reached = pulses.copy(), np.zeros(goal.size, bool)
        pulse_sum = read_sum = 0.0
        unfinished = np.arange(goal.size)
        for pulse_count in range(self.limit + 1):
            read_conductance = g[
                unfinished
            ] + statistics.read_noise * statistics.g_max * random.standard_normal(unfinished.size)
            reads[unfinished] += 1
            read_sum += float(g[unfinished].sum())
            miss = goal[unfinished] - read_conductance
            within_tolerance = np.abs(miss) <= self.tolerance * statistics.g_max
            reached[unfinished[within_tolerance]] = True
            unfinished, miss = unfinished[~within_tolerance], miss[~within_tolerance]
            if pulse_count == self.limit or not unfinished.size:
                break
            pulse_sum += float(g[unfinished].sum())
            g[unfinished] = self.pulsed(g[unfinished], miss, statistics, random)
            pulses[unfinished] += 1
        shape = np.shape(target)
        return ProgrammedCells(
            g.reshape(shape), pulses.reshape(shape), reads.reshape(shape), reached.reshape(shape), pulse_sum,
            read_sum,
        )  # fmt: skip

    def pulsed(
        self, conductance: Floats, miss: Floats, statistics: DeviceStatistics, random: np.random.Generator
    ) -> Floats:
        """Return conductances (S) after one pulse towards targets that are ``miss`` (S) away."""
        size: Floats = np.asarray(self.step * (statistics.g_max - statistics.g_min))
        if self.pulses == "amplitude":
            size = np.minimum(np.abs(miss), size)
        noise = 1.0 + self.step_noise * random.standard_normal(np.shape(conductance))
        moved = conductance + np.sign(miss) * size * noise
        # The window ends there: a cell that is fully on or off does not move on.
        return np.asarray(np.minimum(np.maximum(moved, statistics.g_min), statistics.g_max))
