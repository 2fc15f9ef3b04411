"""Ways to bring a cell to a conductance, each as a test engineer would say it.

A scheme is a frozen set of numbers with one generator, ``program(cell, target)``, that yields to the clock
and returns what became of it. A cell offers ``pulse(amplitude, width)`` and ``read()``; behind a transistor a
pulse may name a gate voltage too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from .. import checks

Program = Generator[Any, Any, "WriteOutcome"]


class CellPulse(NamedTuple):
    """A pulse that a cell is to get: amplitude (V), width (s), gate voltage (V) or None."""

    amplitude: float
    width: float
    gate: float | None


Wish = CellPulse | None
"""What a cell of a word line is to get next; None: a read."""


class Cell(Protocol):
    """One cell of an array behind a controller."""

    def pulse(self, amplitude: float, width: float, gate: float | None = None) -> Generator[Any, Any, None]:
        """Apply a pulse (V, s), with a gate voltage (V) where there is a transistor."""

    def read(self) -> Generator[Any, Any, float]:
        """Read; the generator returns the conductance (S)."""


@dataclass(frozen=True, slots=True)
class WriteOutcome:
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

    def program(self, cell: Cell, target: float) -> Program:
        """Bring a cell to a target conductance (S)."""


def _check_pair(scheme: Any, up: str, down: str, *others: str) -> None:
    """Check voltages (V) of a scheme: those up and down have opposite signs."""
    for name in (up, down, *others):
        checks.between(name, getattr(scheme, name), -20.0, 20.0, "V")
    if not getattr(scheme, up) * getattr(scheme, down) < 0.0:
        raise ValueError(
            f"{up} and {down} must have opposite signs, got {getattr(scheme, up)} and "
            f"{getattr(scheme, down)} V"
        )


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
        checks.between("amplitude", self.amplitude, -20.0, 20.0, "V")
        checks.between("width", self.width, 1e-12, 10.0, "s")
        checks.between("count", self.count, 1, 1e9, "pulses")

    def program(self, cell: Cell, target: float) -> Program:
        """Apply the pulses; ``target`` plays no part."""
        for _ in range(self.count):
            yield from cell.pulse(self.amplitude, self.width)
        return WriteOutcome(None, self.count, math.nan)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """Reads and pulses in turn until a cell is close to its target; what these schemes have in common.

    Parameters
    ----------
    width : float
        Of a pulse (s), 1e-12 to 10.
    tolerance : float
        Accepted distance from the target, as a fraction of it, above 0 to 1.
    limit : int
        Most pulses.
    """

    width: float
    tolerance: float = 0.05
    limit: int = 100

    def __post_init__(self) -> None:
        checks.between("width", self.width, 1e-12, 10.0, "s")
        checks.between("tolerance", self.tolerance, 1e-9, 1.0, "of the target")
        checks.between("limit", self.limit, 0, 1e9, "pulses")

    def pulses(self, conductance: float, target: float) -> Generator[CellPulse, float, None]:
        """Yield the next pulse for each conductance that is read (S), the first one given."""
        raise NotImplementedError

    def accepts(self, conductance: float, target: float) -> bool:
        """Return whether a conductance is close enough to a target (S)."""
        return abs(conductance - target) <= self.tolerance * target

    def program(self, cell: Cell, target: float) -> Program:
        """Bring a cell to a target conductance (S)."""
        conductance = yield from cell.read()
        pulses = self.pulses(conductance, target)
        for number in range(self.limit):
            if self.accepts(conductance, target):
                return WriteOutcome(True, number, conductance)
            yield from cell.pulse(*(pulses.send(conductance) if number else next(pulses)))
            conductance = yield from cell.read()
        return WriteOutcome(self.accepts(conductance, target), self.limit, conductance)


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteVerify(Verified):
    """Equal pulses up or down, with a read after each.

    Parameters
    ----------
    set_amplitude, reset_amplitude : float
        Of a pulse that should raise and lower the conductance (V), -20 to 20.
    """

    set_amplitude: float
    reset_amplitude: float

    def __post_init__(self) -> None:
        for name in ("set_amplitude", "reset_amplitude"):
            checks.between(name, getattr(self, name), -20.0, 20.0, "V")
        Verified.__post_init__(self)

    def pulses(self, conductance: float, target: float) -> Generator[CellPulse, float, None]:
        """Yield a pulse towards the target."""
        while True:
            amplitude = self.set_amplitude if conductance < target else self.reset_amplitude
            conductance = yield CellPulse(amplitude, self.width, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class IncrementalPulses(Verified):
    """Pulses that grow until the target is passed, then from the start in the other direction (ISPP).

    Parameters
    ----------
    set_start, reset_start : float
        First amplitudes up and down (V), of opposite sign.
    step : float
        Added to the size of the amplitude at every pulse (V), above 0 to 5.
    most : float
        Largest size of an amplitude (V); a pulse that would be larger is of this size.
    """

    set_start: float
    reset_start: float
    step: float
    most: float

    def __post_init__(self) -> None:
        checks.between("step", self.step, 1e-6, 5.0, "V")
        checks.between("most", self.most, 1e-3, 20.0, "V")
        for name in ("set_start", "reset_start"):
            checks.between(name, getattr(self, name), -self.most, self.most, "V")
        _check_pair(self, "set_start", "reset_start")
        Verified.__post_init__(self)

    def amplitude(self, up: bool, number: int) -> float:
        """Return the amplitude (V) of a pulse by its number since the direction changed."""
        start = self.set_start if up else self.reset_start
        return math.copysign(min(abs(start) + number * self.step, self.most), start)

    def pulses(self, conductance: float, target: float) -> Generator[CellPulse, float, None]:
        """Yield larger and larger pulses while the direction stays the same."""
        before, number = None, 0
        while True:
            is_below = conductance < target
            number = number + 1 if is_below is before else 0
            before = is_below
            conductance = yield CellPulse(self.amplitude(is_below, number), self.width, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class GateIncremental(Verified):
    """SET pulses under a gate voltage that grows until the target is reached; behind a transistor (1T1R).

    The gate sets the compliance, and with it the conductance that a pulse can make. A cell that has gone too
    far is reset, and the gate starts again.

    Parameters
    ----------
    set_amplitude, reset_amplitude : float
        Of bit over source line (V), of opposite sign, -20 to 20.
    gate_start, gate_step, gate_most : float
        First gate voltage of a SET pulse, what each one adds, and the largest (V).
    reset_gate : float
        Of a RESET pulse (V), high: its compliance is never reached.
    back : float
        After a RESET the gate starts this much (V) below where it had gone too far, but not below its start.
    beyond : bool
        Accept whatever is above the target too, as is usual in memories: no cell is reset for that.

    Notes
    -----
    After the incremental gate voltage with verify of E. Perez et al., IEEE Electron Device Lett. 42, 176
    (2021), and V. Milo et al., IRPS 2021. Confidence: recalled.
    """

    set_amplitude: float
    reset_amplitude: float
    gate_start: float
    gate_step: float
    gate_most: float
    reset_gate: float
    back: float = 20.0
    beyond: bool = False

    def __post_init__(self) -> None:
        _check_pair(self, "set_amplitude", "reset_amplitude", "gate_start", "gate_most", "reset_gate")
        checks.between("gate_step", self.gate_step, 1e-6, 5.0, "V")
        checks.between("gate_most", self.gate_most, self.gate_start, 20.0, "V")
        checks.between("back", self.back, 0.0, 20.0, "V")
        Verified.__post_init__(self)

    def accepts(self, conductance: float, target: float) -> bool:
        """Return whether a conductance is close enough to a target (S), or beyond it where that will do."""
        return Verified.accepts(self, conductance, target) or (self.beyond and conductance > target)

    def pulses(self, conductance: float, target: float) -> Generator[CellPulse, float, None]:
        """Yield SET pulses with more and more gate voltage, RESET pulses where that went too far."""
        number = last = 0  # of gate steps: whole numbers, so that cells in step share equal voltages
        gate_steps = round(min(self.back / self.gate_step, 1e6))
        while True:
            if conductance < target:
                gate = min(self.gate_start + number * self.gate_step, self.gate_most)
                last, number = number, number + 1
                conductance = yield CellPulse(self.set_amplitude, self.width, gate)
            else:
                number = max(0, last - gate_steps)
                conductance = yield CellPulse(self.reset_amplitude, self.width, self.reset_gate)


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrentLimited(Verified):
    """A SET under the compliance that makes the target, corrected after a miss; behind a transistor (1T1R).

    Parameters
    ----------
    set_amplitude, reset_amplitude : float
        Of bit over source line (V), of opposite sign, -20 to 20.
    voltage : float
        At which the cell stops to switch (V), positive: the first compliance is this times the target.
    gate_for : callable
        Compliance (A) to gate voltage (V), such as ``Transistor.gate_for``.
    reset_gate : float
        Of a RESET pulse (V).
    limit : int
        Most pulses; 1 for one SET without correction.
    """

    set_amplitude: float
    reset_amplitude: float
    voltage: float
    gate_for: Callable[[float], float]
    reset_gate: float

    def __post_init__(self) -> None:
        _check_pair(self, "set_amplitude", "reset_amplitude", "reset_gate")
        checks.between("voltage", self.voltage, 1e-3, 20.0, "V")
        checks.between("limit", self.limit, 1, 1e9, "pulses")
        Verified.__post_init__(self)

    def pulses(self, conductance: float, target: float) -> Generator[CellPulse, float, None]:
        """Yield SET pulses whose compliance is corrected by what the one before has made."""
        compliance, due = self.voltage * target, False
        while True:
            if conductance > target:
                if due:  # this compliance was too high: the next is lower in proportion
                    compliance, due = compliance * math.sqrt(target / conductance), False
                conductance = yield CellPulse(self.reset_amplitude, self.width, self.reset_gate)
            else:
                if due:
                    compliance *= min(math.sqrt(target / max(conductance, 1e-3 * target)), 1.5)
                due = True
                conductance = yield CellPulse(self.set_amplitude, self.width, self.gate_for(compliance))


def program_all(
    cells: Iterable[tuple[Cell, float]], scheme: Scheme, outcomes: list[WriteOutcome]
) -> Generator[Any, Any, None]:
    """Program cells one after the other, each to its target (S); what became of them goes to ``outcomes``."""
    for cell, target in cells:
        checks.positive("target", target, "S")
        outcome = yield from scheme.program(cell, target)
        outcomes.append(outcome)
