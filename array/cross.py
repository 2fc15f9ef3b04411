"""The word and bit line of a selected cell alone: with selectors, all other cells carry next to nothing.

Of a pulse at half the voltage, or of a read with all other lines at 0 V, only the cells of the selected word
and bit line draw a current. Each is taken with the resistance of its far line up to the driver, so that
Newton's method knows two ladders and m + n - 1 crossings instead of m n. What the cells that are left out
would carry is bounded beforehand, and the whole array is solved where that could move a voltage by more than
`ALLOWED`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..cells.interface import Cells
from ..typing import Floats, Index
from ._series import cross
from .crosspoint import Crosspoint, ExponentialSelector
from .lines import bias as biases
from .lines.effective import LoadLine
from .lines.network import Lines
from .pulse_memory import CrossingState, Surroundings

ALLOWED = 2e-6
"""Bound on the error (V) of any node of the two lines, by what the cells that are left out carry."""

CLOSE, MOST = 1e-8, 40
"""Step of a crossing's voltage (V) at which Newton's method ends, and most steps of it."""

SCHEMES = ("half", "grounded")
"""Of the unselected lines: those that leave no voltage over cells of no selected line."""


@dataclass(eq=False)
class Cross:
    """The two lines of one cell.

    Parameters
    ----------
    lines : Lines
    cell : tuple of int
    """

    lines: Lines
    cell: tuple[int, int]
    at: tuple[Index, Index] = field(init=False)

    def __post_init__(self) -> None:
        (m, n), (i, j) = self.lines.shape, self.cell
        self.at = np.concatenate([np.full(n, i), np.arange(m)]), np.concatenate([np.arange(n), np.full(m, j)])
        word, bit = self.lines.word_segments, self.lines.bit_segments
        ends = self.lines.word_source_resistance, self.lines.bit_source_resistance
        # Of the word line the driver is left, of the bit line at the bottom.
        self.ladders = np.zeros((2, n + m))
        self.ladders[0, 0], self.ladders[0, -1] = 1.0 / (word[i, 0] + ends[0]), 1.0 / (bit[-1, j] + ends[1])
        self.ladders[1, : n - 1], self.ladders[1, n : n + m - 1] = 1.0 / word[i, 1:-1], 1.0 / bit[1:-1, j]
        self.far = np.concatenate(
            [bit[i + 1 :].sum(axis=0) + ends[1], word[:, : j + 1].sum(axis=1) + ends[0]]
        )
        self.far[j] = self.far[n + i] = 0.0
        others = np.ones(n + m, bool)
        others[[j, n + i]] = False
        self.others = np.flatnonzero(others)
        self.half_selected = self.at[0][self.others], self.at[1][self.others]


class CrossSolver:
    """Solves the lines of a cell alone, where that is enough.

    Parameters
    ----------
    lines : Lines
    cells : Cells
    crosspoint : Crosspoint
    """

    def __init__(self, lines: Lines, cells: Cells, crosspoint: Crosspoint) -> None:
        self.lines, self.cells, self.crosspoint = lines, cells, crosspoint
        is_connected = np.isfinite(lines.word_segments).all() and np.isfinite(lines.bit_segments).all()
        lumped = lines.word_lumped or lines.bit_lumped
        self.possible = bool(is_connected) and not lumped and isinstance(crosspoint, ExponentialSelector)
        self._cross: Cross | None = None
        self._last: dict[str, tuple[tuple[int, int], float, Floats, Floats]] = {}
        size = sum(lines.shape)
        self._found, self._work, self._line = np.zeros((5, size)), np.empty((7, size)), np.empty(3)

    def solve(self, cell: tuple[int, int], amplitude: float, scheme: str) -> Surroundings | None:
        """Return what is around a cell at a pulse or read (V); None where the whole array must be solved."""
        if not self.possible or scheme not in SCHEMES or amplitude == 0.0:
            return None
        if self._cross is None or self._cross.cell != cell:
            self._cross = Cross(self.lines, cell)
        lines, (i, j), n = self._cross, cell, self.lines.shape[1]
        law = self.cells.sinh_law(lines.at)
        if law is None:
            return None
        selector = self.crosspoint
        assert isinstance(selector, ExponentialSelector)
        selectors = selector.numbers(self.cells, lines.at)
        cells = np.stack([*law, *selectors])
        word_rest, bit_rest = biases.UNSELECTED[scheme](amplitude)
        source, rest = np.zeros(cells.shape[1]), np.empty(cells.shape[1])
        source[0], rest[:n], rest[n:] = amplitude * lines.ladders[0, 0], bit_rest, word_rest
        voltage, buffers = self._start(cell, amplitude, scheme), self._found
        steps = cross(
            cells, lines.ladders, lines.far, i, j, n, source, rest, amplitude, voltage, buffers, self._line,
            self._work, CLOSE, MOST,
        )  # fmt: skip
        if steps < 0 or self._left_out(lines, buffers[1], selector) > ALLOWED:
            return None
        self._last[scheme] = cell, amplitude, voltage, buffers[4].copy()
        current = buffers[1]
        line = LoadLine(self._line[0], self._line[1], lines.ladders[0, -1] * self._line[2])
        power = amplitude * lines.ladders[0, 0] * (amplitude - buffers[3, 0])
        through = np.delete(current[:n], j).sum() * bit_rest
        power += np.delete(current[n:], i).sum() * word_rest - through
        crossing = CrossingState(float(voltage[j]), buffers[0, j : j + 1].copy(), float(current[j]))
        sensed = float(lines.ladders[0, -1] * buffers[3, -1])
        return Surroundings(
            line, crossing, sensed, float(power), lines.half_selected, buffers[0, lines.others]
        )

    def _start(self, cell: tuple[int, int], amplitude: float, scheme: str) -> Floats:
        """Return voltages over the crossings (V) to start from: along the tangent of the last solution."""
        n = self.lines.shape[1]
        if scheme not in self._last:
            return np.zeros(sum(self.lines.shape))
        (i, j), before, voltage, tangent = self._last[scheme]
        start = voltage + (amplitude - before) * tangent
        # The selected crossings of both cells change places.
        start[[j, cell[1]]] = start[[cell[1], j]]
        start[[n + i, n + cell[0]]] = start[[n + cell[0], n + i]]
        return start

    def _left_out(self, lines: Cross, current: Floats, selector: ExponentialSelector) -> float:
        """Return a bound on what the cells that are left out change in the voltage of a far line (V).

        Near 0 V a crossing carries at most its selector's slope there, doubled up to twice its voltage scale.
        """
        m, n = self.lines.shape
        drop = np.abs(current) * lines.far
        bit, word = drop[:n], drop[n:]
        most = float(bit.max() + word.max())
        slope, scale = selector.leak
        if most > 2.0 * scale:
            return np.inf
        far_bit, far_word = lines.far[:n], lines.far[n:]
        by_bit = far_bit * (m * bit + word.sum())
        by_word = far_word * (n * word + bit.sum())
        return float(2.0 * slope * max(by_bit.max(), by_word.max()))
