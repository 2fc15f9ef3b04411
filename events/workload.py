"""What is done with an array: retention, staircases, read disturb, refresh, products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .. import checks
from ..typing import Floats
from .clock import Process
from .controller import Controller
from .programming import Scheme, WriteOutcome, program_all


def log_times(first: float, last: float, count: int) -> Floats:
    """Return times evenly spaced in their logarithm (s); 0 < first < last, count at least 2."""
    if not (0.0 < first < last < math.inf) or count < 2:
        raise ValueError(f"need 0 < first < last (s) and at least 2 times, got {first}, {last} and {count}")
    return np.geomspace(first, last, count)


class ReadRecord(NamedTuple):
    """One read: time of its end (s), cell, conductance (S), amplitude of the pulse before it (V) or NaN."""

    time: float
    cell: tuple[int, int]
    conductance: float
    amplitude: float = math.nan


@dataclass(kw_only=True, slots=True)
class Reads:
    """Work that reads single cells.

    Attributes
    ----------
    readings : list of ReadRecord
        In the order in which they were taken.
    """

    readings: list[ReadRecord] = field(default_factory=list)

    @property
    def conductance(self) -> list[float]:
        """As read (S)."""
        return [reading.conductance for reading in self.readings]

    def run(self, controller: Controller) -> Process:
        """Do the work."""
        raise NotImplementedError

    def read(self, controller: Controller, cell: tuple[int, int], amplitude: float = math.nan) -> Process:
        """Read a cell after a pulse (V), or after none."""
        conductance = yield from controller.read(cell)
        self.readings.append(ReadRecord(controller.clock.seconds, cell, conductance, amplitude))


@dataclass(kw_only=True, slots=True)
class Retention(Reads):
    """Leave the array alone and read some cells at given times.

    Parameters
    ----------
    times : sequence of float
        Since the start of the workload (s), rising.
    cells : sequence of (int, int)
        Which are read, at least 1.
    """

    times: Sequence[float]
    cells: Sequence[tuple[int, int]]

    def __post_init__(self) -> None:
        if not self.cells:
            raise ValueError("a retention needs at least 1 cell to read, got 0")

    @property
    def gain(self) -> Floats:
        """What results are to be scaled by at each time, one number for all cells.

        Sum of what they read first over sum of what they read then: it makes up for a common drift and not
        for its spread over cells.
        """
        sums = np.reshape(self.conductance, (len(self.times), len(self.cells))).sum(axis=1)
        return np.asarray(sums[0] / sums)

    def run(self, controller: Controller) -> Process:
        """Wait and read."""
        start = controller.clock.seconds
        for time in self.times:
            time_left = start + time - controller.clock.seconds
            if time_left > 0.0:
                yield controller.clock.rest(time_left)
            for cell in self.cells:
                yield from self.read(controller, cell)


@dataclass(kw_only=True, slots=True)
class Staircase(Reads):
    """Pulses whose amplitude goes from one voltage to another in equal steps, with a read after each.

    Many narrow steps are a ramp: its rate is the step over the width.

    Parameters
    ----------
    cell : (int, int)
        Which.
    start, stop : float
        First and last amplitude (V).
    steps : int
        Pulses, at least 2; one of 0 V is a read alone.
    width : float
        Of each (s).
    gate : float, optional
        Gate voltage (V), behind a transistor.
    """

    cell: tuple[int, int]
    start: float
    stop: float
    steps: int
    width: float
    gate: float | None = None

    def __post_init__(self) -> None:
        checks.whole("steps of a staircase", self.steps, 2)

    def run(self, controller: Controller) -> Process:
        """Pulse and read."""
        for amplitude in np.linspace(self.start, self.stop, self.steps).tolist():
            if amplitude != 0.0:
                yield from controller.pulse(self.cell, amplitude, self.width, self.gate)
            yield from self.read(controller, self.cell, amplitude)


@dataclass(kw_only=True, slots=True)
class ReadDisturb(Reads):
    """Read one cell many times.

    Parameters
    ----------
    cell : (int, int)
        Which.
    count : int
        Reads.
    """

    cell: tuple[int, int]
    count: int

    def run(self, controller: Controller) -> Process:
        """Read."""
        for _ in range(self.count):
            yield from self.read(controller, self.cell)


@dataclass(kw_only=True, slots=True)
class Refresh:
    """Bring cells back to their targets again and again.

    Parameters
    ----------
    period : float
        From the end of one round to the next (s).
    rounds : int
        How many.
    targets : sequence of ((int, int), float)
        Cells and conductances (S).
    scheme : Scheme
        How a cell is programmed.
    tolerance : float
        Distance from the target, as a fraction of it, above which a cell is programmed; for 0 all cells are,
        without a read before.

    Attributes
    ----------
    errors : list of int
        Cells that were programmed, one number per round.
    outcomes : list of list of WriteOutcome
        Of these cells, one list per round.
    """

    period: float
    rounds: int
    targets: Sequence[tuple[tuple[int, int], float]]
    scheme: Scheme
    tolerance: float = 0.0
    errors: list[int] = field(default_factory=list)
    outcomes: list[list[WriteOutcome]] = field(default_factory=list)

    def __post_init__(self) -> None:
        checks.at_least("tolerance", self.tolerance, 0)

    def run(self, controller: Controller) -> Process:
        """Wait, read, and program where needed."""
        for _ in range(self.rounds):
            yield controller.clock.rest(self.period)
            moved = []
            for cell, target in self.targets:
                conductance = (yield from controller.read(cell)) if self.tolerance else math.inf
                if abs(conductance - target) > self.tolerance * target:
                    moved.append((cell, target))
            outcomes: list[WriteOutcome] = []
            goals = ((controller.cell(*cell), target) for cell, target in moved)
            yield from program_all(goals, self.scheme, outcomes)
            self.errors.append(len(moved))
            self.outcomes.append(outcomes)


@dataclass(kw_only=True, slots=True)
class Products:
    """A stream of vectors through an array: drive, settle, then convert every bit line.

    Parameters
    ----------
    vectors : ndarray of shape (count, m)
        Voltages on the word lines (V).
    multiply : callable
        Vector (V) to currents of the bit lines (A), such as ``Crossbar.multiply`` or a product with an
        effective matrix.
    power : callable, optional
        Vector and currents to the power of the sources (W) while the vector is on.
    gates : int, optional
        The vector switches gates, and so many bit lines are driven; None: it drives lines itself.

    Attributes
    ----------
    currents : list of ndarray of shape (n,)
        Results (A), in steps of the converter.
    """

    vectors: Floats
    multiply: Callable[[Floats], Floats]
    power: Callable[[Floats, Floats], float] | None = None
    gates: int | None = None
    currents: list[Floats] = field(default_factory=list)

    def run(self, controller: Controller) -> Process:
        """Send the vectors; conversions of one overlap with each other, not with the next vector."""
        t, rows = controller.timing, controller.array.shape[0]
        checks.shape("vectors", self.vectors, (len(self.vectors), rows), "vector and word line")
        for vector in self.vectors:
            with controller.bus.resource.request() as turn:
                yield turn
                lines = np.count_nonzero(vector)
                yield from controller.select(*((lines, 0) if self.gates is None else (self.gates, lines)))
                current = self.multiply(vector)
                if self.power is not None:
                    controller.meter.add("array", t.read_width * self.power(vector, current))
                yield from controller.hold("product", t.read_width)
                yield from controller.converter.share(len(current))
            self.currents.append(controller.converted(current))
