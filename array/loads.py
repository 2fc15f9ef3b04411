"""What stands around cells inside a pulse: a transistor with its lines, or the rest of a passive array."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..cells.interface import Cells
from ..errors import ConvergenceError
from ..typing import Floats, Index
from .crosspoint import Crosspoint, Transistor

CLOSE, MOST_STEPS = 1e-11, 200
"""Step of a cell's voltage, as a fraction of the pulse, at which its search ends, and most steps of it."""


@dataclass(eq=False)
class TransistorLoad:
    """Cells of one word line behind their transistors, each between its own bit and source line.

    Parameters
    ----------
    cells : Cells
        Of the array.
    at : tuple of ndarray of int
        Word and bit line of each cell.
    amplitude : ndarray of shape (k,)
        Of bit over source line of each (V); a negative one is a positive voltage on the source line.
    gate : float
        Of the word line (V).
    to_bit, to_source : float
        Resistance up to the drivers of bit and source line (ohm).
    transistor : Transistor
    over : ndarray of shape (k,), optional
        Voltages over the cells (V) to start a search from; afterwards those that were found last.
    """

    cells: Cells
    at: tuple[Index, Index]
    amplitude: Floats
    gate: float
    to_bit: float
    to_source: float
    transistor: Transistor
    over: Floats | None = None

    def __post_init__(self) -> None:
        if self.over is None:
            self.over = 0.5 * self.amplitude

    def pick(self, which: Index) -> TransistorLoad:
        """Return the load of some of the cells."""
        at = self.at[0][which], self.at[1][which]
        assert self.over is not None
        return replace(self, at=at, amplitude=self.amplitude[which], over=self.over[which])

    def alone(self, number: int) -> BehindTransistor:
        """Return the load of one cell."""
        return BehindTransistor(self.transistor, self.gate, self.to_bit, self.to_source)

    def meet(self, which: Index | None = None) -> tuple[Floats, Floats]:
        """Return the voltage over each cell (V) and its current (A).

        Newton's method on the cells' voltages, bracketed: a larger one draws more through the cell and lets
        less through the transistor.
        """
        assert self.over is not None
        if which is None:
            which = np.arange(self.amplitude.size)
        amplitude, at = self.amplitude[which], (self.at[0][which], self.at[1][which])
        bit, source = np.maximum(amplitude, 0.0), np.maximum(-amplitude, 0.0)
        low, high = np.minimum(amplitude, 0.0), np.maximum(amplitude, 0.0)
        over = np.minimum(np.maximum(self.over[which], low), high)
        # Bit and source line carry the cell's current alone: what is missed falls with the cell's voltage.
        for _ in range(MOST_STEPS):
            current, slope = self.cells.current(over, at)
            through, d_drain, d_source = self.transistor.current(
                bit - self.to_bit * current - over, source + self.to_source * current, np.asarray(self.gate)
            )
            miss = through - current
            fall = slope + d_drain * (1.0 + self.to_bit * slope) - d_source * self.to_source * slope
            low, high = np.where(miss > 0.0, over, low), np.where(miss < 0.0, over, high)
            step = miss / np.where(fall > 0.0, fall, 1.0)
            new = over + step
            new = np.where((new >= low) & (new <= high) & (fall > 0.0), new, 0.5 * (low + high))
            if np.all((np.abs(new - over) <= CLOSE * np.abs(amplitude)) | (miss == 0.0)):
                self.over[which] = new
                return new, current + slope * (new - over)
            over = new
        worst = int(np.argmax(np.abs(miss)))
        raise ConvergenceError(
            f"cell ({at[0][worst]}, {at[1][worst]}): Kirchhoff's law missed by {np.abs(miss[worst]):.3g} A "
            f"at a bias of {amplitude[worst]:g} V after {MOST_STEPS} steps"
        )


@dataclass(frozen=True, slots=True)
class BehindTransistor:
    """One device behind a transistor; parameters as of `TransistorLoad`."""

    transistor: Transistor
    gate: float
    to_bit: float
    to_source: float

    def excess(self, source: float, voltage: float, current: float) -> float:
        """Return the current (A) that the transistor would let through beyond that of the device."""
        drain = max(source, 0.0) - self.to_bit * current - voltage
        below = max(-source, 0.0) + self.to_source * current
        return self.transistor.through(drain, below, self.gate) - current


@dataclass(frozen=True, slots=True)
class BehindLines:
    """One device, with what stands beside it, behind the rest of a passive array: its load line.

    Parameters
    ----------
    crosspoint : Crosspoint
        What stands beside it.
    cell : tuple of int
        Word and bit line.
    resistance : float
        Of everything around (ohm); the source is the voltage of the crossing when it is open.
    """

    crosspoint: Crosspoint
    cell: tuple[int, int]
    resistance: float

    def excess(self, source: float, voltage: float, current: float) -> float:
        """Return the voltage (V) that is left over."""
        taken, drawn_current = self.crosspoint.beside(voltage, current, self.cell)
        return source - self.resistance * drawn_current - taken - voltage

