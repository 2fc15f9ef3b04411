"""Relaxation without a law: a programmed cell follows one of the measured cells that started near it."""

import hashlib
from dataclasses import dataclass

import numpy as np

from ..checks import at_least
from ..typing import Floats, Index
from .noise import NoiseError

NEIGHBOURS = 64
"""Measured cells of nearest start that stand for a programmed one."""


@dataclass(frozen=True, slots=True)
class RelaxedCells:
    """Relaxation as it was measured: cells in the order of the conductance that they were programmed to.

    Attributes
    ----------
    start : ndarray of shape (cells,)
        Conductance right after programming (S), above 0, ascending.
    times : ndarray of shape (k,)
        Of the later reads (s), above 0, ascending.
    later : ndarray of shape (cells, k)
        Conductance at each time (S), 0 or more.
    """

    start: Floats
    times: Floats
    later: Floats

    def after(self, conductance: Floats, rank: Floats, time: float) -> Floats:
        """Return conductances (S) a time (s) after programming; unchanged up to the first later read.

        Each cell follows one measured cell, the one at its rank among the :data:`NEIGHBOURS` that started
        nearest: G(t) = G times what was read then over the start, between two times in ln t.

        Parameters
        ----------
        conductance : ndarray
            As programmed (S).
        rank : ndarray
            Of the same shape, 0 to 1: the same number is the same measured cell.
        time : float
            0 to the last time measured (s).

        Raises
        ------
        NoiseError
            Nothing was measured at this time.
        """
        at_least("time", time, 0.0, "s")
        if time > self.times[-1]:
            raise NoiseError(f"cells were measured up to {self.times[-1]:g} s, got a time of {time:g} s")
        if time < self.times[0]:
            return conductance
        cells = self.like(conductance, rank)
        time_position = float(np.interp(np.log(time), np.log(self.times), np.arange(self.times.size)))
        low = int(time_position)
        high, part = min(low + 1, self.times.size - 1), time_position - low
        then = (1.0 - part) * self.later[cells, low] + part * self.later[cells, high]
        return np.asarray(conductance * (then / self.start[cells]).astype(conductance.dtype))

    def like(self, conductance: Floats, rank: Floats) -> Index:
        """Return which measured cell each cell follows."""
        count = min(NEIGHBOURS, self.start.size)
        first = np.searchsorted(self.start, conductance) - count // 2
        first = np.minimum(np.maximum(first, 0), self.start.size - count)
        return np.asarray(first + np.minimum((rank * count).astype(np.intp), count - 1))

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of all numbers."""
        parts = (np.ascontiguousarray(a, dtype="<f8").tobytes() for a in (self.start, self.times, self.later))
        return hashlib.sha256(b"".join(parts)).hexdigest()
