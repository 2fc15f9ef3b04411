"""What changes fitted cells between pulses: random telegraph noise and relaxation, as layers of a card."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..typing import Floats, Index
from .noise import RelaxationLaw, RtnLaw, shifted

RENEWED = 1.0
"""Change of ln(conductance) after which a cell has other traps."""

PROGRAMMED = 0.01
"""Change of ln(conductance) by pulses after which a cell relaxes from the beginning."""


class CellTelegraph:
    """Traps of many cells, drawn again for cells that have switched.

    Parameters
    ----------
    law : RtnLaw
        Of the card.
    conductance : ndarray (N,)
        Of every cell without telegraph noise (S).
    rng : numpy.random.Generator
        Source of chance.
    temperature : float
        (K).

    Attributes
    ----------
    factor : ndarray (N,)
        What the current of every cell is multiplied by, above 0 to 1.
    """

    def __init__(
        self, law: RtnLaw, conductance: Floats, rng: np.random.Generator, temperature: float
    ) -> None:
        self._law, self._rng, self._temperature = law, rng, temperature
        self._drawn_at = np.log(conductance)
        self._traps = law.draw(conductance, rng, temperature)
        self.factor = self._traps.factor()

    def pass_time(self, seconds: float, at: Index | None) -> None:
        """Let time (s) pass for all cells or some: the state after it is drawn, exact for any length."""
        traps = None if at is None else self._of(at)[0]
        if seconds == 0.0 or (traps is not None and not traps.size):
            return
        self._traps.advance(seconds, self._rng, traps)
        self._refresh(at)

    def switched(self, at: Index, conductance: Floats, turned: NDArray[np.bool_]) -> None:
        """Draw the traps of those cells ``at`` that have turned or are of another conductance (S) now."""
        new = turned | (np.abs(np.log(conductance) - self._drawn_at[at]) > RENEWED)
        if not new.any():
            return
        cells = at[new]
        self._drawn_at[cells] = np.log(conductance[new])
        fresh = self._law.draw(conductance[new], self._rng, self._temperature)
        self._traps = self._traps.replaced(cells, fresh)
        self._refresh(cells)

    def _of(self, at: Index) -> tuple[Index, Index]:
        """Return which traps belong to some cells, and to which of them; traps are in the order of cells."""
        first, last = (np.searchsorted(self._traps.cell, at, side=side) for side in ("left", "right"))
        count = last - first
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(first, count) + offset, np.repeat(np.arange(at.size), count)

    def _refresh(self, at: Index | None) -> None:
        t = self._traps
        if at is None:
            self.factor = t.factor()
            return
        picked, owner = self._of(at)
        trap_losses = np.bincount(
            owner, np.where(t.is_high[picked], 0.0, t.amplitude[picked]), minlength=at.size
        )
        self.factor[at] = np.exp(-trap_losses)


class CellRelaxation:
    """Shift of the conductance of many cells with the logarithm of the time since each was programmed.

    Parameters
    ----------
    law : RelaxationLaw
        Of the card.
    conductance : ndarray (N,)
        Of every cell (S).
    rng : numpy.random.Generator
        Source of chance.

    Notes
    -----
    Nothing moves before the earliest time of the law's data; there the shift begins as the law has it.
    """

    def __init__(self, law: RelaxationLaw, conductance: Floats, rng: np.random.Generator) -> None:
        self._law, self._rng = law, rng
        self.start = conductance.copy()
        self.elapsed = np.zeros(conductance.size)
        self._rank = rng.standard_normal(conductance.size)
        self._shift = np.zeros(conductance.size)

    def pulsed(self, at: Index, conductance: Floats, seconds: float) -> None:
        """Begin again for those cells whose conductance (S) a pulse of some length (s) has changed."""
        start, shift = self.start[at], self._shift[at]
        moved = np.abs(np.log(conductance / shifted(start, shift, self._law.scale))) > PROGRAMMED
        new = at[moved]
        self.start[new], self.elapsed[new], self._shift[new] = conductance[moved], 0.0, 0.0
        self._rank[new] = self._rng.standard_normal(new.size)
        self.elapsed[at] += seconds

    def pass_time(self, seconds: float, conductance: Floats, temperature: float) -> Floats:
        """Return the conductance (S) of all cells after a time (s)."""
        law, before = self._law, self.elapsed.copy()
        self.elapsed += law.age(seconds, temperature)
        aged = np.flatnonzero(self.elapsed >= law.times[0])
        new = conductance.copy()
        if not aged.size or seconds == 0.0:
            return new
        past = aged[before[aged] >= law.times[0]]
        self._rank[past] = law.next_rank(self._rank[past], before[past], self.elapsed[past], self._rng)
        shift = law.shift(self.start[aged], self.elapsed[aged], self._rank[aged])
        shift_change = shift - self._shift[aged]
        self._shift[aged] = shift
        new[aged] = shifted(new[aged], shift_change, law.scale)
        if not np.all(new[aged] > 0.0):
            raise ValueError(
                f"relaxation takes {np.count_nonzero(new[aged] <= 0.0)} cells to a conductance of 0 S or less"
            )
        return new
