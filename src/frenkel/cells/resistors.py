"""Cells that nothing changes: resistors, and stuck or open cells among others."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..typing import Floats, Index
from .interface import CellLoad, Cells, Where, jumps, pick


class LinearCells:
    """Resistors that nothing changes: the cells of textbooks.

    Parameters
    ----------
    conductance : ndarray of shape (m, n)
        Of each cell (S), 0 (open) or more.
    temperature : float
        Of the surroundings (K); it changes nothing.

    Raises
    ------
    ValueError
        A conductance is negative, infinite or NaN.
    """

    scale = np.inf
    temperature_rise: Floats | None = None

    def __init__(self, conductance: ArrayLike, temperature: float = 300.0) -> None:
        self.conductance = np.array(conductance, dtype=np.float64, ndmin=2)
        if self.conductance.ndim != 2 or not self.conductance.size:
            conductance_shape = self.conductance.shape
            raise ValueError(
                f"conductance must be an array (m, n) of at least one cell, got shape {conductance_shape}"
            )
        checks.at_least("conductance", self.conductance, 0.0, "S")
        self.shape = (self.conductance.shape[0], self.conductance.shape[1])
        checks.temperature(temperature)
        self.temperature = float(temperature)

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S)."""
        slope = pick(self.conductance, where)
        return slope * voltage, slope

    def sinh_law(self, where: Where = None) -> tuple[Floats, Floats] | None:
        """Return the conductance (S) and infinity (V)."""
        slope = pick(self.conductance, where)
        return slope, np.full(np.shape(slope), np.inf)

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Do nothing, but refuse a bad duration."""
        checks.at_least("duration", duration, 0, "s")

    def rest(self, duration: float) -> None:
        """Do nothing, but refuse a bad duration."""
        checks.at_least("duration", duration, 0, "s")


class FaultyCells:
    """Cells of which some are stuck or open.

    Parameters
    ----------
    cells : Cells
        The others.
    stuck : ndarray of shape (m, n)
        Conductance of stuck cells (S), 0 for open ones; NaN where the cell works.
    """

    temperature_rise: Floats | None = None  # of no cell here: those that work have their own

    def __init__(self, cells: Cells, stuck: ArrayLike) -> None:
        self.stuck = np.array(stuck, dtype=np.float64)
        if self.stuck.shape != cells.shape:
            raise ValueError(f"stuck must have the shape {cells.shape} of the cells, got {self.stuck.shape}")
        if np.any(self.stuck < 0.0) or np.any(np.isinf(self.stuck)):
            raise ValueError("stuck must hold finite conductances of 0 S or more, NaN where a cell works")
        self.cells, self.shape = cells, cells.shape
        self._bad = ~np.isnan(self.stuck)

    @property
    def jumps(self) -> bool:
        """Whether the cells that work do."""
        return jumps(self.cells)

    @property
    def scale(self) -> Floats:
        """Infinite where stuck, that of the cells elsewhere (V)."""
        return np.where(self._bad, np.inf, self.cells.scale)

    @property
    def temperature(self) -> float:
        """Of the surroundings (K)."""
        return self.cells.temperature

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S)."""
        current, slope = self.cells.current(voltage, where)
        out_of_order, stuck = pick(self._bad, where), pick(self.stuck, where)
        return np.where(out_of_order, stuck * voltage, current), np.where(out_of_order, stuck, slope)

    def sinh_law(self, where: Where = None) -> tuple[Floats, Floats] | None:
        """Return that of the cells, linear where stuck."""
        law, out_of_order = self.cells.sinh_law(where), pick(self._bad, where)
        if law is None:
            return None
        return np.where(out_of_order, pick(self.stuck, where), law[0]), np.where(out_of_order, np.inf, law[1])

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Apply to the cells that work (V, s)."""
        active, works = self._working(where)
        volts = checks.spread("voltage", voltage, np.shape(pick(self._bad, where))).ravel()
        if active[works].size:
            self.cells.apply(volts[works], duration, np.unravel_index(active[works], self.shape))

    def drive(self, load: CellLoad, duration: float, where: Where) -> Floats:
        """Drive the cells that work behind their load (s); return the charge through each (C)."""
        active, works = self._working(where)
        charge = load.meet()[1] * duration
        if active[works].size:
            places = np.unravel_index(active[works], self.shape)
            assert jumps(self.cells)
            charge[works] = self.cells.drive(load.pick(np.flatnonzero(works)), duration, places)
        return charge

    def _working(self, where: Where) -> tuple[Index, NDArray[np.bool_]]:
        """Return the numbers of the picked cells, and which of them work."""
        picked = pick(np.arange(self._bad.size).reshape(self.shape), where)
        flat = np.atleast_1d(picked).ravel()
        return flat, ~self._bad.ravel()[flat]

    def rest(self, duration: float) -> None:
        """Let time pass (s)."""
        self.cells.rest(duration)
