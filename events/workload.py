"""What is done with an array: staircases, retention, refresh, read disturb, drift compensation, products."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from ..typing import Floats
from .controller import Controller
from .programming import Outcome, Scheme, program_all

Process = Generator[simpy.Event, Any, Any]


def log_times(first: float, last: float, count: int) -> Floats:
    """Return times evenly spaced in their logarithm (s); 0 < first < last, count at least 2."""
    if not (0.0 < first < last < math.inf) or count < 2:
        raise ValueError(f"need 0 < first < last (s) and at least 2 times, got {first}, {last} and {count}")
    return np.geomspace(first, last, count)


def _read_at(
    controller: Controller, time: float, cells: Sequence[tuple[int, int]]
) -> Generator[simpy.Event, Any, list[float]]:
    """Wait until a time on the clock (s), unless it is over, and return what cells read (S)."""
    left = time - controller.clock.seconds
    if left > 0.0:
        yield controller.clock.rest(left)
    found = []
    for cell in cells:
        found.append((yield from controller.read(cell)))
    return found


def _program(
    controller: Controller, targets: Sequence[tuple[tuple[int, int], float]], scheme: Scheme
) -> Generator[simpy.Event, Any, list[Outcome]]:
    """Program cells to their targets (S) one after the other, and return what became of them."""
    outcomes: list[Outcome] = []
    yield from program_all(((controller.cell(*cell), to) for cell, to in targets), scheme, outcomes)
    return outcomes


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
        start = controller.clock.seconds
        for time in self.times:
            self.conductance.append((yield from _read_at(controller, start + time, self.cells)))


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
            self.outcomes.append((yield from _program(controller, self.targets, self.scheme)))


@dataclass(kw_only=True, slots=True)
class RefreshOnError:
    """Read cells again and again, and program those that have moved too far.

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
        Distance from the target, as a share of it, above which a cell is programmed.

    Attributes
    ----------
    errors : list of int
        Cells that had moved too far, one number per round.
    outcomes : list of list of Outcome
        Of these cells, one list per round.
    """

    period: float
    rounds: int
    targets: Sequence[tuple[tuple[int, int], float]]
    scheme: Scheme
    tolerance: float
    errors: list[int] = field(default_factory=list)
    outcomes: list[list[Outcome]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 0.0 < self.tolerance < math.inf:
            raise ValueError(f"tolerance must be positive and finite, got {self.tolerance}")

    def run(self, controller: Controller) -> Process:
        """Wait, read, and program where needed."""
        for _ in range(self.rounds):
            yield controller.clock.rest(self.period)
            bad = []
            for cell, target in self.targets:
                found = yield from controller.read(cell)
                if abs(found - target) > self.tolerance * target:
                    bad.append((cell, target))
            outcomes = yield from _program(controller, bad, self.scheme)
            self.errors.append(len(bad))
            self.outcomes.append(outcomes)


@dataclass(kw_only=True, slots=True)
class DriftCompensation:
    """Read some cells at given times and say by how much results are to be scaled: one number for all.

    Parameters
    ----------
    times : sequence of float
        Since the start of the workload (s), rising.
    cells : sequence of (int, int)
        Which are read: before the first wait, and at every time.

    Attributes
    ----------
    gain : list of float
        Sum of what they were over sum of what they are, one number per time. It makes up for a common drift
        and not for its spread over cells.
    """

    times: Sequence[float]
    cells: Sequence[tuple[int, int]]
    gain: list[float] = field(default_factory=list)

    def run(self, controller: Controller) -> Process:
        """Read, wait and read."""
        if not self.cells:
            raise ValueError("drift compensation needs at least 1 cell to read, got 0")
        start = controller.clock.seconds
        first = sum((yield from _read_at(controller, start, self.cells)))
        for time in self.times:
            self.gain.append(first / sum((yield from _read_at(controller, start + time, self.cells))))


@dataclass(kw_only=True, slots=True)
class Staircase:
    """Pulses whose amplitude goes from one voltage to another in equal steps, with a read after each.

    Many narrow steps are a ramp: its rate is the step over the width.

    Parameters
    ----------
    cell : (int, int)
        Which.
    start, stop : float
        First and last amplitude (V).
    steps : int
        Pulses, at least 2.
    width : float
        Of each (s).
    gate : float, optional
        Gate voltage (V), behind a transistor.

    Attributes
    ----------
    amplitude : list of float
        Of each pulse (V).
    conductance : list of float
        As read after it (S).
    """

    cell: tuple[int, int]
    start: float
    stop: float
    steps: int
    width: float
    gate: float | None = None
    amplitude: list[float] = field(default_factory=list)
    conductance: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.steps < 2:
            raise ValueError(f"steps of a staircase must be at least 2, got {self.steps}")

    def run(self, controller: Controller) -> Process:
        """Pulse and read."""
        for value in np.linspace(self.start, self.stop, self.steps):
            if value != 0.0:
                yield from controller.pulse(self.cell, float(value), self.width, self.gate)
            self.amplitude.append(float(value))
            self.conductance.append((yield from controller.read(self.cell)))


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
        t = controller.timing
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
