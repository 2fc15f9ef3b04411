"""What the ends of the lines are connected to: reading, writing and the half-select schemes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ... import checks
from ...typing import Floats

FLOATING = float("nan")
"""Voltage of an end that is connected to nothing."""


@dataclass(eq=False)
class Bias:
    """Voltage at both ends of every line (V); `FLOATING` where an end is connected to nothing.

    Parameters
    ----------
    word_left, word_right : ndarray of shape (m,)
        Word lines, at the first and at the last bit line.
    bit_top, bit_bottom : ndarray of shape (n,)
        Bit lines, at the first and at the last word line.

    Raises
    ------
    ValueError
        A voltage is infinite, every end floats, or both ends of the word lines (bit lines) differ in number.
    """

    word_left: Floats
    word_right: Floats
    bit_top: Floats
    bit_bottom: Floats

    def __post_init__(self) -> None:
        for name in ("word_left", "word_right", "bit_top", "bit_bottom"):
            values = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if values.ndim != 1 or not values.size or np.any(np.isinf(values)):
                raise ValueError(f"{name} must be a row of finite voltages (V) or NaN for floating ends")
            setattr(self, name, values)
        checks.shape("word_right", self.word_right, self.word_left.shape, "word line as in word_left")
        checks.shape("bit_bottom", self.bit_bottom, self.bit_top.shape, "bit line as in bit_top")
        if not any(end.any() for end in self.connected):
            raise ValueError("a bias must connect an end of a line to a voltage, but every end floats")

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of word and bit lines."""
        return self.word_left.size, self.bit_top.size

    @property
    def ends(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Voltages of all ends (V), in the order of the parameters."""
        return self.word_left, self.word_right, self.bit_top, self.bit_bottom

    @cached_property
    def held(self) -> tuple[Floats, ...]:
        """Voltages of all ends (V), 0 where they float."""
        return tuple(np.where(on, v, 0.0) for on, v in zip(self.connected, self.ends, strict=True))

    @cached_property
    def connected(self) -> tuple[NDArray[np.bool_], ...]:
        """Which ends are connected, in the order of the parameters."""
        return tuple(~np.isnan(end) for end in self.ends)

    @cached_property
    def amplitude(self) -> float:
        """Largest difference of two terminal voltages (V)."""
        ends = np.concatenate(self.ends)
        return float(np.nanmax(ends) - np.nanmin(ends))


def lines(word: ArrayLike, bit: ArrayLike, *, both: bool = False) -> Bias:
    """Drive word lines from the left and hold bit lines at the bottom.

    Parameters
    ----------
    word : array_like of shape (m,)
        Voltage of each word line (V), `FLOATING` for none.
    bit : array_like of shape (n,)
        Voltage of each bit line (V), `FLOATING` for none.
    both : bool
        Connect both ends of every driven line.
    """
    w, b = np.asarray(word, dtype=np.float64), np.asarray(bit, dtype=np.float64)
    constant = np.full_like
    return Bias(w, w if both else constant(w, FLOATING), b if both else constant(b, FLOATING), b)


def multiply(voltages: ArrayLike, n: int) -> Bias:
    """Apply a vector to the word lines, all driven, and sense all ``n`` bit lines at 0 V; see `lines`."""
    checks.finite("voltages", voltages, "V")
    return lines(voltages, np.zeros(n))


UNSELECTED: dict[str, Callable[[float], tuple[float, float]]] = {
    "grounded": lambda voltage: (0.0, 0.0),
    "floating": lambda voltage: (FLOATING, FLOATING),
    "half": lambda voltage: (voltage / 2.0, voltage / 2.0),
    "third": lambda voltage: (voltage / 3.0, 2.0 * voltage / 3.0),
}
"""Voltage of unselected word and bit lines (V) when a cell is selected with a voltage."""


def check_cell(shape: tuple[int, int], cell: tuple[int, int]) -> None:
    """Raise ValueError unless a word and a bit line are of an array."""
    (m, n), (i, j) = shape, cell
    if not (0 <= i < m and 0 <= j < n):
        raise ValueError(f"cell must lie in an array of {m} x {n} lines, got ({i}, {j})")


def select(
    shape: tuple[int, int], cell: tuple[int, int], voltage: float, scheme: str = "half", *, both: bool = False
) -> Bias:
    """Apply a voltage to one cell.

    Parameters
    ----------
    shape : tuple of int
        Numbers of word and bit lines.
    cell : tuple of int
        Word and bit line of the selected cell; its word line gets the voltage, its bit line 0 V.
    voltage : float
        Voltage over the selected cell before the drop in the lines (V).
    scheme : {"grounded", "floating", "half", "third"}
        Unselected lines: all at 0 V; floating; all at half the voltage (V/2); word lines at a third and bit
        lines at two thirds (V/3).
    both : bool
        Drive both ends of every line.

    Raises
    ------
    ValueError
        Unknown scheme, a voltage that is not finite, or a cell outside the array.
    """
    checks.finite("voltage", voltage, "V")
    checks.one_of("scheme", scheme, UNSELECTED)
    check_cell(shape, cell)
    (m, n), (i, j) = shape, cell
    word_rest, bit_rest = UNSELECTED[scheme](voltage)
    word, bit = np.full(m, word_rest), np.full(n, bit_rest)
    word[i], bit[j] = voltage, 0.0
    return lines(word, bit, both=both)
