"""Gaps of many cells: where each is, the law of the cycle that it is in, and what a voltage does to it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..typing import Floats, Index
from . import _gap
from .core import GapCore


class Gaps:
    """Gaps of N cells.

    Parameters
    ----------
    core : GapCore
        What all cells have in common.
    features : mapping of str to ndarray (N,)
        Of the first cycle of every cell.

    Attributes
    ----------
    gap : ndarray (N,)
        (m); every cell starts in its HRS.
    least, most : ndarray (N,)
        Gap in LRS and in HRS (m).
    cycles : ndarray (N,)
        Turns from RESET to SET so far.
    """

    def __init__(self, core: GapCore, features: Mapping[str, Floats]) -> None:
        self._core, size = core, next(iter(features.values())).size
        self.least, self.most, self._set_velocity, self._reset_velocity = (
            np.array(values, dtype=np.float64) for values in self._law(features)
        )
        # Of the cycle whose RESET half holds already: its LRS and SET wait for the turn to RESET.
        self._next_least, self._next_set_velocity = self.least.copy(), self._set_velocity.copy()
        self.gap, self._turn = self.most.copy(), np.zeros(size)
        self._closing, self._turned = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
        self.cycles = np.zeros(size, dtype=np.int64)

    def _law(self, features: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats, Floats]:
        """Return least and largest gap (m), velocities of SET and RESET (m/s)."""
        law = self._core.cells(features)
        return law["gap_min"], law["gap_max"], law["set_velocity"], law["reset_velocity"]

    def advance(
        self, at: Index, everywhere: bool, voltage: Floats, duration: float, heat: Floats
    ) -> tuple[NDArray[np.bool_], bool]:
        """Hold voltages (V) over some cells, or over all, for a duration (s).

        Returns
        -------
        turned : ndarray of bool
            Which of them have turned; overwritten by the next call.
        any : bool
            Whether one has.
        """
        turned = self._turned[: voltage.size]
        count = _gap.advance(
            self.gap, self.least, self.most, self._set_velocity, self._reset_velocity, self._turn,
            self._closing, turned, at, everywhere, voltage, duration, self._core.drive, self._core.edge, heat,
        )  # fmt: skip
        return turned.view(bool), count > 0

    def program(self, conductance: Floats, voltage: float) -> None:
        """Take gaps at which every cell has a conductance (S) at a voltage (V)."""
        core = self._core
        unit = core.current_prefactor * np.sinh(voltage / core.voltage_scale) / voltage
        self.gap[:] = core.gap_scale * np.log(unit / conductance)

    def relax(self, ratio: Floats) -> None:
        """Take gaps at which the conductance of each cell is ``ratio`` times as large."""
        self.gap -= self._core.gap_scale * np.log(ratio)

    def begin(self, at: Index) -> Index:
        """Begin a half of a cycle in cells that have turned; return those that close, in need of a cycle."""
        closing: NDArray[np.bool_] = self._closing[at].view(bool)
        opening = at[~closing]
        closed: Index = at[closing]
        self.least[opening] = self._next_least[opening]
        self._set_velocity[opening] = self._next_set_velocity[opening]
        self.cycles[closed] += 1
        return closed

    def take(self, at: Index, features: Mapping[str, Floats]) -> None:
        """Give cells that close their next cycle."""
        least, self.most[at], set_velocity, self._reset_velocity[at] = self._law(features)
        self._next_least[at], self._next_set_velocity[at] = least, set_velocity
