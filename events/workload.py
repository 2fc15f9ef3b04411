"""What is done with an array once it is programmed: retention, refresh, read disturb, streams of products."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from .clock import Station
from .controller import Controller
from .programming import Outcome, Scheme

Process = Generator[simpy.Event, Any, Any]
Floats = NDArray[np.float64]


def log_times(first: float, last: float, count: int) -> Floats:
    """Return times evenly spaced in their logarithm (s); 0 < first < last, count at least 2."""
    if not (0.0 < first < last < math.inf) or count < 2:
        raise ValueError(f"need 0 < first < last (s) and at least 2 times, got {first}, {last} and {count}")
    return np.geomspace(first, last, count)


@dataclass(kw_only=True, slots=True)
class Retention:
    """Leave the array alone and look at some cells at given times.

    Parameters
    ----------
    times : sequence of float
        Since the start of the workload (s), rising.
    cells : sequence of (int, int)
        Which are read.

    Attributes
    ----------
    conductance : list of list of float
        As read (S), one row per time.
    """

    times: Sequence[float]
    cells: Sequence[tuple[int, int]]
    conductance: list[list[float]] = field(default_factory=list)

    def run(self, controller: Controller) -> Process:
        """Wait and read."""
        clock, start = controller.clock, controller.clock.seconds
        for time in self.times:
            left = start + time - clock.seconds
            if left > 0.0:
                yield clock.rest(left)
            row = []
            for cell in self.cells:
                row.append((yield from controller.read(cell)))
            self.conductance.append(row)


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

    Attributes
    ----------
    outcomes : list of list of Outcome
        One list per round.
    """

    period: float
    rounds: int
    targets: Sequence[tuple[tuple[int, int], float]]
    scheme: Scheme
    outcomes: list[list[Outcome]] = field(default_factory=list)

    def run(self, controller: Controller) -> Process:
        """Wait, read, and program where needed."""
        for _ in range(self.rounds):
            yield controller.clock.rest(self.period)
            controller.settle()
            row = []
            for cell, target in self.targets:
                row.append((yield from self.scheme.program(controller.cell(*cell), target)))
            self.outcomes.append(row)


@dataclass(kw_only=True, slots=True)
class ReadDisturb:
    """Read one cell many times.

    Parameters
    ----------
    cell : (int, int)
        Which.
    count : int
        Reads.

    Attributes
    ----------
    conductance : list of float
        As read (S).
    """

    cell: tuple[int, int]
    count: int
    conductance: list[float] = field(default_factory=list)

    def run(self, controller: Controller) -> Process:
        """Read."""
        for _ in range(self.count):
            self.conductance.append((yield from controller.read(self.cell)))


@dataclass(kw_only=True, slots=True)
class Products:
    """A stream of vectors through an array: drive, settle, then convert every column.

    Parameters
    ----------
    vectors : ndarray of shape (count, m)
        Voltages on the word lines (V).
    multiply : callable
        Vector (V) to column currents (A), such as ``Crossbar.multiply`` or a product with an effective
        matrix.
    power : callable, optional
        Vector and currents to the power of the sources (W) while the vector is on.

    Attributes
    ----------
    currents : list of ndarray of shape (n,)
        Results (A).
    """

    vectors: Floats
    multiply: Callable[[Floats], Floats]
    power: Callable[[Floats, Floats], float] | None = None
    currents: list[Floats] = field(default_factory=list)

    def run(self, controller: Controller) -> Process:
        """Send the vectors; conversions of one overlap with each other, not with the next vector."""
        t, clock = controller.timing, controller.clock
        for vector in self.vectors:
            with controller.bus.resource.request() as turn:
                yield turn
                yield from controller.driver.use()
                current = self.multiply(vector)
                if self.power is not None:
                    controller.ledger.add("array", t.read_width * self.power(vector, current))
                yield clock.rest(t.read_width)
                yield from convert(clock, controller.converter, len(current))
            self.currents.append(current)


def convert(clock: simpy.Environment, station: Station, count: int) -> Process:
    """Use a station ``count`` times, as many at once as there are."""
    yield clock.all_of([clock.process(station.use()) for _ in range(count)])
