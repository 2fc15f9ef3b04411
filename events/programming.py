"""Ways to bring a cell to a conductance, each as a test engineer would say it.

A scheme is a frozen set of numbers with one generator, ``program(cell, target)``, that yields to the clock
and returns what became of it. A cell offers ``pulse(amplitude, width)`` and ``read()``.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import simpy

Process = Generator[simpy.Event, Any, Any]


class Cell(Protocol):
    """One cell of an array behind a controller."""

    def pulse(self, amplitude: float, width: float) -> Process:
        """Apply a pulse (V, s)."""

    def read(self) -> Process:
        """Read; the process returns the conductance (S)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one cell.

    Attributes
    ----------
    reached : bool
        Whether the scheme's own criterion was met; None where it has none.
    pulses : int
        That it took.
    conductance : float
        As read last (S); NaN where the scheme does not read.
    """

    reached: bool | None
    pulses: int
    conductance: float


class Scheme(Protocol):
    """A way to program one cell."""

    def program(self, cell: Cell, target: float) -> Generator[simpy.Event, Any, Outcome]:
        """Bring a cell to a target conductance (S)."""


def _check(name: str, value: float, least: float, most: float, unit: str) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be between {least:g} and {most:g} {unit}, got {value:g}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Blind:
    """A number of equal pulses without any read.

    Parameters
    ----------
    amplitude : float
        (V), -20 to 20.
    width : float
        (s), 1e-12 to 10.
    count : int
        Pulses, at least 1.
    """

    amplitude: float
    width: float
    count: int = 1

    def __post_init__(self) -> None:
        _check("amplitude", self.amplitude, -20.0, 20.0, "V")
        _check("width", self.width, 1e-12, 10.0, "s")
        _check("count", self.count, 1, 1e9, "pulses")

    def program(self, cell: Cell, target: float) -> Generator[simpy.Event, Any, Outcome]:
        """Apply the pulses; ``target`` plays no part."""
        for _ in range(self.count):
            yield from cell.pulse(self.amplitude, self.width)
        return Outcome(None, self.count, math.nan)


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteVerify:
    """Pulse and read until the conductance is close to its target: equal pulses up or down.

    Parameters
    ----------
    set_amplitude, reset_amplitude : float
        Of a pulse that should raise and lower the conductance (V), -20 to 20.
    width : float
        (s), 1e-12 to 10.
    tolerance : float
        Accepted distance from the target, as a share of it, above 0 to 1.
    limit : int
        Most pulses.
    """

    set_amplitude: float
    reset_amplitude: float
    width: float
    tolerance: float = 0.05
    limit: int = 100

    def __post_init__(self) -> None:
        for name in ("set_amplitude", "reset_amplitude"):
            _check(name, getattr(self, name), -20.0, 20.0, "V")
        _check("width", self.width, 1e-12, 10.0, "s")
        _check("tolerance", self.tolerance, 1e-9, 1.0, "of the target")
        _check("limit", self.limit, 0, 1e9, "pulses")

    def program(self, cell: Cell, target: float) -> Generator[simpy.Event, Any, Outcome]:
        """Bring a cell to a target conductance (S)."""
        for pulses in range(self.limit + 1):
            conductance = yield from cell.read()
            if abs(conductance - target) <= self.tolerance * target:
                return Outcome(True, pulses, conductance)
            if pulses < self.limit:
                up = conductance < target
                yield from cell.pulse(self.set_amplitude if up else self.reset_amplitude, self.width)
        return Outcome(False, self.limit, conductance)


@dataclass(frozen=True, kw_only=True, slots=True)
class IncrementalPulses:
    """Pulses that grow until the target is passed, then from the start in the other direction (ISPP).

    Parameters
    ----------
    set_start, reset_start : float
        First amplitudes up and down (V), of opposite sign.
    step : float
        Added to the size of the amplitude at every pulse (V), above 0 to 5.
    most : float
        Largest size of an amplitude (V); a pulse that would be larger is of this size.
    width : float
        (s), 1e-12 to 10.
    tolerance : float
        Accepted distance from the target, as a share of it, above 0 to 1.
    limit : int
        Most pulses.
    """

    set_start: float
    reset_start: float
    step: float
    most: float
    width: float
    tolerance: float = 0.05
    limit: int = 100

    def __post_init__(self) -> None:
        _check("step", self.step, 1e-6, 5.0, "V")
        _check("most", self.most, 1e-3, 20.0, "V")
        for name in ("set_start", "reset_start"):
            _check(name, getattr(self, name), -self.most, self.most, "V")
        if not self.set_start * self.reset_start < 0.0:
            raise ValueError(
                "set_start and reset_start must have opposite signs, "
                f"got {self.set_start} and {self.reset_start} V"
            )
        _check("width", self.width, 1e-12, 10.0, "s")
        _check("tolerance", self.tolerance, 1e-9, 1.0, "of the target")
        _check("limit", self.limit, 0, 1e9, "pulses")

    def amplitude(self, up: bool, number: int) -> float:
        """Return the amplitude (V) of a pulse by its number since the direction changed."""
        start = self.set_start if up else self.reset_start
        return math.copysign(min(abs(start) + number * self.step, self.most), start)

    def program(self, cell: Cell, target: float) -> Generator[simpy.Event, Any, Outcome]:
        """Bring a cell to a target conductance (S)."""
        before, number = None, 0
        for pulses in range(self.limit + 1):
            conductance = yield from cell.read()
            if abs(conductance - target) <= self.tolerance * target:
                return Outcome(True, pulses, conductance)
            up = conductance < target
            number = number + 1 if up is before else 0
            before = up
            if pulses < self.limit:
                yield from cell.pulse(self.amplitude(up, number), self.width)
        return Outcome(False, self.limit, conductance)


SCHEMES: dict[str, type] = {
    "blind": Blind,
    "write-verify": WriteVerify,
    "incremental": IncrementalPulses,
}
"""Ways to program a cell, by name."""


def program_all(
    cells: Iterable[tuple[Cell, float]], scheme: Scheme, outcomes: list[Outcome]
) -> Generator[simpy.Event, Any, None]:
    """Program cells one after the other, each to its target (S); what became of them goes to ``outcomes``."""
    for cell, target in cells:
        if not 0.0 < target < math.inf:
            raise ValueError(f"target must be positive and finite (S), got {target}")
        outcome = yield from scheme.program(cell, target)
        outcomes.append(outcome)


def accepted_share(mean: float, spread: float, target: float, tolerance: float) -> float:
    """Return the chance that a normal draw falls within a tolerance of the target.

    Re-programming at random until accepted then takes a geometric number of pulses, 1/p in the mean.

    Parameters
    ----------
    mean, spread : float
        Of what a pulse gives.
    target, tolerance : float
        Centre and half width of what is accepted.
    """
    if not spread > 0.0:
        raise ValueError(f"spread must be positive, got {spread}")
    high, low = (target + tolerance - mean) / spread, (target - tolerance - mean) / spread
    return 0.5 * (math.erf(high / math.sqrt(2.0)) - math.erf(low / math.sqrt(2.0)))
