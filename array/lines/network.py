"""Word and bit lines: resistance per segment, driver and sense resistance, and Kirchhoff's laws between them.

Cell (i, j) lies between node (i, j) of word line i and node (i, j) of bit line j. A line has one segment more
than it has cells: the first leads from its first end to the first cell, the last from the last cell to its
other end. A segment of infinite resistance is a broken line; a line of no resistance at all is one node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ... import checks
from ...typing import Floats
from .bias import Bias


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """Resistances of the lines of an array.

    Parameters
    ----------
    shape : tuple of int
        Numbers m and n of word and bit lines, each at least 1.
    word_resistance : float or ndarray of shape (m, n + 1)
        Resistance of each segment of a word line (ohm): all 0, or all positive. Infinite: broken.
    bit_resistance : float or ndarray of shape (m + 1, n)
        The same of the bit lines.
    word_source_resistance, bit_source_resistance : float
        Resistance of the driver or sense amplifier at every connected end (ohm), 0 to 1e12.

    Raises
    ------
    ValueError
        A number outside its range, or an array of another shape.
    """

    shape: tuple[int, int]
    word_resistance: float | Floats = 0.0
    bit_resistance: float | Floats = 0.0
    word_source_resistance: float = 0.0
    bit_source_resistance: float = 0.0

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise ValueError(f"an array must have at least 1 word and 1 bit line, got {self.shape}")
        for name in ("word_source_resistance", "bit_source_resistance"):
            checks.between(name, getattr(self, name), 0, 1e12, "ohm")
        m, n = self.shape
        _segments("word_resistance", self.word_resistance, (m, n + 1))
        _segments("bit_resistance", self.bit_resistance, (m + 1, n))

    @cached_property
    def word_segments(self) -> Floats:
        """Resistance of every segment of the word lines (ohm), (m, n + 1)."""
        return _segments("word_resistance", self.word_resistance, (self.shape[0], self.shape[1] + 1))

    @cached_property
    def bit_segments(self) -> Floats:
        """Resistance of every segment of the bit lines (ohm), (m + 1, n)."""
        return _segments("bit_resistance", self.bit_resistance, (self.shape[0] + 1, self.shape[1]))

    @property
    def word_lumped(self) -> bool:
        """Whether word lines have no resistance, so that each is one node."""
        return not self.word_segments.any()

    @property
    def bit_lumped(self) -> bool:
        """Whether bit lines have no resistance, so that each is one node."""
        return not self.bit_segments.any()


def _segments(name: str, value: float | Floats, shape: tuple[int, int]) -> Floats:
    conductances = np.asarray(value, dtype=np.float64)
    if conductances.ndim and conductances.shape != shape:
        raise ValueError(
            f"{name} must be one number or an array of shape {shape} (ohm), got {conductances.shape}"
        )
    if not (np.all(conductances > 0.0) or np.all(conductances == 0.0)):
        least_allowed = conductances[~(conductances > 0.0)].flat[0]
        raise ValueError(
            f"{name} must be positive (infinite: broken) or 0 in all segments, got {least_allowed} ohm"
        )
    return np.ascontiguousarray(np.broadcast_to(conductances, shape))


def _conductance(resistance: Floats) -> Floats:
    """Return 1/R, infinite for no resistance."""
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / resistance)


@dataclass(eq=False)
class Network:
    """The lines with some of their ends connected: everything linear around the cells.

    Parameters
    ----------
    lines : Lines
        Resistances.
    bias : Bias
        Voltages of the ends. Those connected decide the matrix; their voltages may be replaced by `drive`.

    Raises
    ------
    ValueError
        The bias is for another number of lines.
    """

    lines: Lines
    bias: Bias
    left: Floats = field(init=False)
    right: Floats = field(init=False)
    top: Floats = field(init=False)
    bottom: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._check_lines(self.bias)
        word, bit = self.lines.word_segments, self.lines.bit_segments
        on = self.bias.connected
        source = (self.lines.word_source_resistance, self.lines.bit_source_resistance)
        self.left = np.where(on[0], _conductance(word[:, 0] + source[0]), 0.0)
        self.right = np.where(on[1], _conductance(word[:, -1] + source[0]), 0.0)
        self.top = np.where(on[2], _conductance(bit[0] + source[1]), 0.0)
        self.bottom = np.where(on[3], _conductance(bit[-1] + source[1]), 0.0)
        self._agree()

    def _check_lines(self, bias: Bias) -> None:
        """Refuse a bias for another number of lines."""
        if bias.shape != self.lines.shape:
            raise ValueError(f"bias is for {bias.shape} lines, the array has {self.lines.shape}")

    def _agree(self) -> None:
        """Refuse two ideal sources of different voltage on one line without resistance."""
        if not self._any_known:
            return
        for ideal, one, other, name in (
            (self.word_known, self.bias.word_left, self.bias.word_right, "word"),
            (self.bit_known, self.bias.bit_top, self.bias.bit_bottom, "bit"),
        ):
            unequal = ideal & ~np.isnan(one) & ~np.isnan(other) & (one != other)
            if unequal.any():
                k = int(np.argmax(unequal))
                raise ValueError(
                    f"{name} line {k} has no resistance, so both its ends must have one voltage, "
                    f"got {one[k]} and {other[k]} V"
                )

    @property
    def word_known(self) -> NDArray[np.bool_]:
        """Word lines without any resistance that are connected: their voltage is known."""
        return np.isinf(self.left) | np.isinf(self.right)

    @property
    def bit_known(self) -> NDArray[np.bool_]:
        """Bit lines without any resistance that are connected."""
        return np.isinf(self.top) | np.isinf(self.bottom)

    @cached_property
    def _any_known(self) -> bool:
        """Whether the voltage of any line is known."""
        return bool(self.word_known.any() or self.bit_known.any())

    @cached_property
    def word_wires(self) -> Floats:
        """Conductance between neighbouring nodes of the word lines (S), (m, n - 1)."""
        return _conductance(self.lines.word_segments[:, 1:-1])

    @cached_property
    def bit_wires(self) -> Floats:
        """Conductance between neighbouring nodes of the bit lines (S), (m - 1, n)."""
        return _conductance(self.lines.bit_segments[1:-1])

    @cached_property
    def _steepest(self) -> float:
        """Largest conductance of a segment or an end (S)."""
        wires = (self.word_wires, self.bit_wires, *self._finite)
        return max(float(np.max(g[np.isfinite(g)], initial=0.0)) for g in wires)

    @property
    def rounding(self) -> float:
        """Current (A) that rounding of the node voltages leaves at a node."""
        return 16.0 * float(np.finfo(np.float64).eps) * self._steepest * self.bias.amplitude

    def drive(self, bias: Bias) -> None:
        """Replace the voltages of the connected ends (V)."""
        self._check_lines(bias)
        if any(np.any(a != b) for a, b in zip(bias.connected, self.bias.connected, strict=True)):
            raise ValueError("bias must connect the same ends; make a new network for others")
        self.bias = bias
        self._agree()

    def start(self) -> tuple[Floats, Floats]:
        """Return node voltages (V) of both layers: known lines at theirs, all others 0."""
        b, shape = self.bias, self.lines.shape
        if not self._any_known:
            return np.zeros(shape), np.zeros(shape)
        word = np.where(np.isinf(self.left), b.word_left, np.where(np.isinf(self.right), b.word_right, 0.0))
        bit = np.where(np.isinf(self.top), b.bit_top, np.where(np.isinf(self.bottom), b.bit_bottom, 0.0))
        return np.broadcast_to(word[:, None], shape).copy(), np.broadcast_to(bit, shape).copy()

    def residual(self, word: Floats, bit: Floats, current: Floats) -> tuple[Floats, Floats]:
        """Return the current into every node that Kirchhoff's law wants to be 0 (A).

        Parameters
        ----------
        word, bit : ndarray of shape (m, n)
            Node voltages (V).
        current : ndarray of shape (m, n)
            Current through each cell from word to bit line (A).

        Returns
        -------
        word, bit : ndarray of shape (m, n)
            Of a line without resistance, the sum along it counts; of a known line, nothing does.
        """
        r_word, r_bit = -current, current.copy()
        if not self.lines.word_lumped:
            flow = self.word_wires * np.diff(word, axis=1)
            r_word[:, :-1] += flow
            r_word[:, 1:] -= flow
        if not self.lines.bit_lumped:
            flow = self.bit_wires * np.diff(bit, axis=0)
            r_bit[:-1] += flow
            r_bit[1:] -= flow
        left, right, top, bottom = self._terminals(word, bit)
        r_word[:, 0] += left
        r_word[:, -1] += right
        r_bit[0] += top
        r_bit[-1] += bottom
        return r_word, r_bit

    def _terminals(self, word: Floats, bit: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the current into each end (A); 0 where it is floating or its line is known."""
        g, v = self._finite, self.bias.held
        return (
            g[0] * (v[0] - word[:, 0]),
            g[1] * (v[1] - word[:, -1]),
            g[2] * (v[2] - bit[0]),
            g[3] * (v[3] - bit[-1]),
        )

    @cached_property
    def _finite(self) -> tuple[Floats, ...]:
        """Conductance of each end (S), 0 where its line is known."""
        return tuple(np.where(np.isfinite(g), g, 0.0) for g in (self.left, self.right, self.top, self.bottom))

    def terminals(self, word: Floats, bit: Floats, current: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the current that each source sends into its end (A): left, right, top, bottom.

        A line without any resistance takes its current from its first connected end.
        """
        left, right, top, bottom = self._terminals(word, bit)
        row, column = current.sum(axis=1), current.sum(axis=0)
        left = np.where(np.isinf(self.left), row, left)
        right = np.where(np.isinf(self.right) & ~np.isinf(self.left), row, right)
        top = np.where(np.isinf(self.top), -column, top)
        bottom = np.where(np.isinf(self.bottom) & ~np.isinf(self.top), -column, bottom)
        return left, right, top, bottom

    def line_power(self, word: Floats, bit: Floats, ends: tuple[Floats, Floats, Floats, Floats]) -> float:
        """Return the power lost in segments, drivers and sense amplifiers (W); ``ends`` are currents (A)."""
        power = 0.0
        if not self.lines.word_lumped:
            power += float(np.sum(self.word_wires * np.diff(word, axis=1) ** 2))
        if not self.lines.bit_lumped:
            power += float(np.sum(self.bit_wires * np.diff(bit, axis=0) ** 2))
        for g, current in zip((self.left, self.right, self.top, self.bottom), ends, strict=True):
            lossy = current != 0.0
            power += float(np.sum(current[lossy] ** 2 / g[lossy]))
        return power


@dataclass(frozen=True, eq=False)
class Solution:
    """Voltages and currents of an array at rest.

    Attributes
    ----------
    word, bit : ndarray of shape (m, n)
        Node voltages (V).
    current : ndarray of shape (m, n)
        Cell currents from word to bit line (A).
    left, right, top, bottom : ndarray
        Current that each source sends into its end (A); 0 at floating ends.
    network : Network
        The lines; its voltages may have been replaced since.
    iterations : int
        Conjugate-gradient iterations; 0 for the direct solver.
    newton_steps : int
        Linear solves with cells re-linearised; 1 for linear cells.
    residual : float
        Largest current that Kirchhoff's law misses (A).
    """

    word: Floats
    bit: Floats
    current: Floats
    left: Floats
    right: Floats
    top: Floats
    bottom: Floats
    network: Network
    iterations: int
    newton_steps: int
    residual: float

    @property
    def voltage(self) -> Floats:
        """Voltage over each cell (V), word minus bit line."""
        return self.word - self.bit

    @property
    def line_power(self) -> float:
        """Power lost in segments, drivers and sense amplifiers (W)."""
        return self.network.line_power(self.word, self.bit, (self.left, self.right, self.top, self.bottom))

    @property
    def cell_power(self) -> float:
        """Power in all cells (W)."""
        return float(np.sum(self.voltage * self.current))

    @property
    def sensed(self) -> Floats:
        """Current out of the bit lines into what holds them (A), both ends together."""
        return -(self.top + self.bottom)
