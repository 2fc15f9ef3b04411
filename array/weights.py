"""Signed numbers in cells that only conduct: a pair of cells, or a reference column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..typing import Floats


@dataclass(frozen=True, kw_only=True)
class Window:
    """Conductances that cells are programmed between.

    Parameters
    ----------
    least, most : float
        (S), 0 <= least < most.
    """

    least: float
    most: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.least < self.most < np.inf:
            raise ValueError(f"least must be at least 0 S and below most, got {self.least} and {self.most}")

    def _checked(self, weights: ArrayLike) -> Floats:
        w = np.asarray(weights)
        # Single precision stays single; all else is double.
        w = w if w.dtype == np.float32 else w.astype(np.float64)
        if not np.all(np.abs(w) <= 1.0):
            worst_weight = w.flat[int(np.argmax(~(np.abs(w) <= 1.0)))]
            raise ValueError(f"weights must lie between -1 and 1, got {worst_weight:g}")
        return w


class DifferentialPair(Window):
    """w = (G+ - G-) / (most - least), the smaller cell at ``least``."""

    def conductances(self, weights: ArrayLike) -> tuple[Floats, Floats]:
        """Return G+ and G- (S) for weights of any shape."""
        unit = self._checked(weights) * (self.most - self.least)
        return self.least + np.maximum(unit, 0.0), self.least + np.maximum(-unit, 0.0)

    def products(self, plus: Floats, minus: Floats, voltage: float) -> Floats:
        """Return weighted sums from currents (A) of inputs scaled to a voltage (V)."""
        checks.shape("minus", minus, np.shape(plus), "pair")
        return np.asarray((plus - minus) / ((self.most - self.least) * voltage))


class ReferenceColumn(Window):
    """w = (G - G_ref) 2 / (most - least), one more column at G_ref = (least + most)/2 for all."""

    def conductances(self, weights: ArrayLike) -> Floats:
        """Return conductances (S), (m, n + 1), the last column the reference, for weights (m, n)."""
        w = self._checked(weights)
        middle, half = 0.5 * (self.least + self.most), 0.5 * (self.most - self.least)
        return np.hstack((middle + w * half, np.full((w.shape[0], 1), middle, w.dtype)))

    def products(self, currents: Floats, voltage: float) -> Floats:
        """Return weighted sums (..., n) from currents (..., n + 1) (A) of inputs scaled to a voltage (V)."""
        scale = 2.0 / ((self.most - self.least) * voltage)
        return np.asarray((currents[..., :-1] - currents[..., -1:]) * scale)
