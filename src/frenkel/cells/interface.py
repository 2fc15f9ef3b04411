"""What lies between the lines: an array of cells behind one small interface.

Everything is for a whole array at a time. ``where`` picks some cells (a mask of shape (m, n) or a tuple of
index arrays); voltages and results then have the shape of the picked cells.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ..typing import Floats, Index

Where = NDArray[np.bool_] | tuple[Index | int, Index | int] | tuple[Index, ...] | None
"""A mask of shape (m, n), or a tuple of index arrays or integers; None for all cells."""


class SourceLoad(Protocol):
    """What stands between a source and one cell: see :class:`frenkel.kinetic.load.Load`."""

    def excess(self, source: float, voltage: float, current: float) -> float:
        """Return how much is left over (V or A, as the load counts), 0 at the operating point."""


class CellLoad(Protocol):
    """What stands around some cells while the sources hold their voltages.

    Attributes
    ----------
    amplitude : ndarray of shape (k,)
        Of the source of each cell (V).
    """

    @property
    def amplitude(self) -> Floats: ...

    def meet(self, which: Index | None = None) -> tuple[Floats, Floats]:
        """Return the voltage over each cell (V) as it is now, and its current (A); of all cells, or some."""

    def pick(self, which: Index) -> CellLoad:
        """Return the load of some of the cells."""

    def alone(self, number: int) -> SourceLoad:
        """Return the load of one cell, as a live device takes it."""


class Cells(Protocol):
    """An array of two-terminal cells.

    Attributes
    ----------
    shape : tuple of int
        Numbers of word and bit lines.
    scale : ndarray of shape (m, n) or float
        Voltage over which a cell's current grows by e (V); infinite for linear cells.
    temperature : float
        Of the surroundings (K).
    temperature_rise : ndarray of shape (m, n) or None
        By which each cell is warmer now (K), where an array gives its cells heat; for `apply` and `drive`.
    """

    shape: tuple[int, int]
    temperature_rise: Floats | None = None

    @property
    def scale(self) -> Floats | float: ...

    @property
    def temperature(self) -> float: ...

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S, not negative) at a voltage (V); no time passes."""

    def sinh_law(self, where: Where = None) -> tuple[Floats, Floats] | None:
        """Return A and V0 (V) of a current A sinh(V/V0), or A V where V0 is infinite; None for other laws."""
        return None

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Hold a voltage (V) for a duration (s)."""

    def rest(self, duration: float) -> None:
        """Let time (s) pass at 0 V."""


class JumpingCells(Cells, Protocol):
    """Cells whose current changes in jumps, so that what stands around them must act within a pulse.

    Attributes
    ----------
    jumps : bool
        True: pulses come by `drive`, and an array holds no voltage over a part of one.
    """

    @property
    def jumps(self) -> bool: ...

    def drive(self, load: CellLoad, duration: float, where: Where) -> Floats:
        """Hold the sources behind a load for a duration (s); return the charge through each cell (C)."""


def jumps(cells: Cells) -> TypeGuard[JumpingCells]:
    """Return whether cells take pulses by `JumpingCells.drive`."""
    return bool(getattr(cells, "jumps", False))


def pick(values: NDArray[Any], where: Where) -> NDArray[Any]:
    """Return the values of the picked cells."""
    return values if where is None else np.asarray(values[where])


def conductance(cells: Cells, voltage: float = 0.1) -> Floats:
    """Return current over voltage of every cell (S), read at a voltage (V)."""
    if voltage == 0.0:
        return cells.current(np.zeros(cells.shape))[1]
    return np.asarray(cells.current(np.full(cells.shape, voltage))[0] / voltage)
