"""Arrays with access transistors: bit and source lines run side by side, so that columns decouple.

A gate draws no current, so every column is its own circuit of parallel ladders (bit and source line, or two
bit lines and their common source line) with branches between them at every row. Newton's method solves all
columns as one banded system.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..cells.interface import Cells, jumps
from ..errors import ConvergenceError
from ..typing import Floats, Index
from ._columns import ladders
from .crosspoint import OneTransistorOneResistor
from .lines.bias import check_cell
from .lines.newton import KIRCHHOFF, MOST_STEPS
from .loads import TransistorLoad

BranchLaw = Callable[[Floats, Floats], tuple[Floats, Floats, Floats]]
"""Current (A) with its slopes (S) at the voltages (V) of both ends."""

Branch = tuple[int, int, BranchLaw]
"""Ladder it leaves, ladder it enters, and its law."""


@dataclass(frozen=True, eq=False)
class ColumnSolution:
    """Voltages and currents of all columns.

    Attributes
    ----------
    node : ndarray of shape (k, m, n)
        Voltage of each ladder at each row and column (V).
    current : list of ndarray of shape (m, n)
        Of each branch (A).
    top, bottom : ndarray of shape (k, n)
        Current that each source sends into its end (A).
    power : float
        From all sources (W).
    steps : int
        Newton steps.
    residual : float
        Largest current that Kirchhoff's law misses (A).
    """

    node: Floats
    current: list[Floats]
    top: Floats
    bottom: Floats
    power: float
    steps: int
    residual: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Ladders:
    """Parallel lines of a column, with sources at their ends.

    Parameters
    ----------
    shape : tuple of int
        Numbers of rows and columns, at least 1.
    resistance : sequence of k floats
        Of a segment of each line (ohm), positive; a line has one more segment than rows.
    source_resistance : float
        Of every driver and sense amplifier (ohm), 0 or more.
    """

    shape: tuple[int, int]
    resistance: Sequence[float]
    source_resistance: float = 0.0

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise ValueError(f"an array must have at least 1 row and 1 column, got {self.shape}")
        checks.positive("resistance", np.asarray(self.resistance), "ohm")
        checks.at_least("source_resistance", self.source_resistance, 0, "ohm")

    def solve(
        self,
        top: Floats,
        bottom: Floats,
        branches: Sequence[Branch],
        *,
        guess: Floats | None = None,
    ) -> ColumnSolution:
        """Return voltages and currents.

        Parameters
        ----------
        top, bottom : ndarray of shape (k, n)
            Voltage at both ends of every line (V); NaN where an end floats.
        branches : sequence of Branch
            What connects the lines at every row.
        guess : ndarray of shape (k, m, n), optional
            Node voltages to start from (V).

        Raises
        ------
        ValueError
            Voltages of another shape, or a column in which every end floats.
        ConvergenceError
            Kirchhoff's law is not met within :data:`.newton.MOST_STEPS` steps.
        """
        m, n = self.shape
        k = len(self.resistance)
        for name, ends in (("top", top), ("bottom", bottom)):
            checks.shape(name, ends, (k, n), "line and column")
        if guess is not None:
            checks.shape("guess", guess, (k, m, n), "node")
        floats = np.isnan(top).all(axis=0) & np.isnan(bottom).all(axis=0)
        if floats.any():
            raise ValueError(f"every end of the lines of column {int(np.argmax(floats))} floats: connect one")
        wire = 1.0 / np.asarray(self.resistance)[:, None]
        end = 1.0 / (np.asarray(self.resistance)[:, None] + self.source_resistance)
        at_top, at_bottom = np.where(np.isnan(top), 0.0, end), np.where(np.isnan(bottom), 0.0, end)
        v_top, v_bottom = (np.where(np.isnan(v), 0.0, v) for v in (top, bottom))
        start = np.where(np.isnan(bottom), v_top, v_bottom)
        node = np.repeat(start[:, None, :], m, axis=1) if guess is None else guess.copy()
        # Newton's method on all nodes; a transistor's current depends on both, so its two slopes differ.
        rounding = 16.0 * float(np.finfo(np.float64).eps) * float(wire.max()) * float(np.abs(node).max())
        missed = largest = np.inf
        for step in range(MOST_STEPS + 1):
            laws = [law(node[a], node[b]) for a, b, law in branches]
            residual = _residual(node, wire, at_top, at_bottom, v_top, v_bottom)
            for (a, b, _), (current, _, _) in zip(branches, laws, strict=True):
                residual[a] -= current
                residual[b] += current
            missed, largest = float(np.abs(residual).max()), max(float(np.abs(f[0]).max()) for f in laws)
            # Met at every node, to a fraction of the largest current and what rounding of the nodes leaves.
            if step and missed <= KIRCHHOFF * largest + rounding:
                into_top, into_bottom = at_top * (v_top - node[:, 0]), at_bottom * (v_bottom - node[:, -1])
                power = float(np.sum(v_top * into_top) + np.sum(v_bottom * into_bottom))
                return ColumnSolution(node, [f[0] for f in laws], into_top, into_bottom, power, step, missed)
            node = node + self._step(residual, k, m, n, wire, at_top, at_bottom, branches, laws)
        raise ConvergenceError(
            f"columns: Kirchhoff's law missed by {missed:.3g} A of {largest:.3g} A after {MOST_STEPS} steps"
        )

    def _step(
        self, residual: Floats, k: int, m: int, n: int, wire: Floats, at_top: Floats, at_bottom: Floats,
        branches: Sequence[Branch], found: Sequence[tuple[Floats, Floats, Floats]],
    ) -> Floats:  # fmt: skip
        """Solve all columns' ladders, linearised."""
        block = np.zeros((k, k, m, n))
        for p in range(k):
            block[p, p] = 2.0 * wire[p]
            block[p, p, 0] -= wire[p] - at_top[p]
            block[p, p, -1] -= wire[p] - at_bottom[p]
        for (a, b, _), (_, g_a, g_b) in zip(branches, found, strict=True):
            # Current leaves a and enters b.
            block[a, a] += g_a
            block[a, b] += g_b
            block[b, a] -= g_a
            block[b, b] -= g_b
        ladders(block, wire[:, 0], residual)
        return residual


def _residual(
    node: Floats, wire: Floats, at_top: Floats, at_bottom: Floats, v_top: Floats, v_bottom: Floats
) -> Floats:
    """Return the current that lines and sources send into every node (A)."""
    inflow = np.zeros_like(node)
    flow = wire[:, :, None] * np.diff(node, axis=1)
    inflow[:, :-1] += flow
    inflow[:, 1:] -= flow
    inflow[:, 0] += at_top * (v_top - node[:, 0])
    inflow[:, -1] += at_bottom * (v_bottom - node[:, -1])
    return inflow


def _law(crosspoint: OneTransistorOneResistor, cells: Cells, gate: ArrayLike) -> BranchLaw:
    """Return the law of cells behind transistors whose gates have a voltage (V), (m,), along each row."""
    checks.finite("gate", gate, "V")
    checks.shape("gate", gate, cells.shape[:1], "word line")
    gates = np.repeat(np.asarray(gate, dtype=np.float64)[:, None], cells.shape[1], axis=1)
    return lambda one, other: crosspoint.current(one, other, gates, cells)


class TransistorArray:
    """Cells with access transistors (1T1R): gates are the word lines, bit and source lines run side by side.

    Parameters
    ----------
    cells : Cells
        Of shape (m, n).
    crosspoint : OneTransistorOneResistor
        The transistor.
    bit_resistance, source_line_resistance : float
        Of a segment (ohm), positive.
    driver_resistance : float
        At both ends of the circuit (ohm).
    gate_on : float
        Gate voltage of a read and of a pulse that names no other (V).

    Notes
    -----
    Bit lines are driven at the top, source lines at the bottom. Those of cells that are not selected are at
    0 V, their gates too. A negative pulse is a positive voltage on the source line.
    """

    def __init__(
        self,
        cells: Cells,
        crosspoint: OneTransistorOneResistor,
        *,
        bit_resistance: float = 1.0,
        source_line_resistance: float = 1.0,
        driver_resistance: float = 0.0,
        gate_on: float = 3.0,
    ) -> None:
        self.cells, self.crosspoint, self.gate_on = cells, crosspoint, gate_on
        self.ladders = Ladders(
            shape=cells.shape, resistance=(bit_resistance, source_line_resistance),
            source_resistance=driver_resistance,
        )  # fmt: skip
        self._column = replace(self.ladders, shape=(cells.shape[0], 1))

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of word lines (gates) and bit lines."""
        return self.cells.shape

    def solve(
        self, bit: ArrayLike, source: ArrayLike, gate: ArrayLike, *, guess: Floats | None = None
    ) -> ColumnSolution:
        """Return voltages and currents.

        Parameters
        ----------
        bit, source : array_like of shape (n,) or float
            Voltage of bit lines at the top and of source lines at the bottom (V), all driven.
        gate : array_like of shape (m,)
            Voltage of the gates (V).
        guess : ndarray of shape (2, m, n), optional
            Node voltages to start from (V).
        """
        n = self.shape[1]
        missing = np.full(n, np.nan)
        for name, volts in (("bit", bit), ("source", source)):
            checks.finite(name, volts, "V")
        top = np.array([checks.spread("bit", bit, (n,)), missing])
        bottom = np.array([missing, checks.spread("source", source, (n,))])
        branch = 0, 1, _law(self.crosspoint, self.cells, gate)
        return self.ladders.solve(top, bottom, [branch], guess=guess)

    def column_currents(self, gates: ArrayLike, voltage: float) -> Floats:
        """Return the current into each bit line (A), (n,), at a voltage (V) with some gates on, (m,)."""
        return np.asarray(self.solve(np.full(self.shape[1], voltage), np.zeros(self.shape[1]), gates).top[0])

    def load(self, at: tuple[Index, Index], amplitude: Floats, gate: float) -> TransistorLoad:
        """Return what stands around some cells of a word line, all other gates off.

        Parameters
        ----------
        at : tuple of ndarray of int
            Word and bit line of each; the word line is one.
        amplitude : ndarray
            Of bit over source line of each (V).
        gate : float
            Of the word line (V).
        """
        word_line, end = int(at[0][0]), self.ladders.source_resistance
        to_bit, to_source = (
            count * r + end
            for count, r in zip(
                (word_line + 1, self.shape[0] - word_line), self.ladders.resistance, strict=True
            )
        )
        return TransistorLoad(
            self.cells, at, amplitude, gate, to_bit, to_source, self.crosspoint.transistor
        )

    def pulse(
        self, cell: tuple[int, int], amplitude: float, width: float, gate: float | None = None
    ) -> float:
        """Apply a pulse to one cell; return the energy from the sources (J).

        Parameters
        ----------
        cell : tuple of int
            Word and bit line.
        amplitude : float
            Of bit over source line (V).
        width : float
            Duration (s), positive. The cell's voltage is that at its start, unless cells jump: a cell that
            changes much within a pulse wants several.
        gate : float, optional
            Gate voltage (V), which sets the compliance.
        """
        checks.positive("width", width, "s")
        gate = self.gate_on if gate is None else gate
        if not jumps(self.cells):
            return self._hold(cell, amplitude, width, gate)[1]
        check_cell(self.shape, cell)
        load = self.load((np.array([cell[0]]), np.array([cell[1]])), np.array([amplitude]), gate)
        return float(amplitude * self.cells.drive(load, width, load.at)[0])

    def read(self, cell: tuple[int, int], voltage: float, duration: float) -> tuple[float, float]:
        """Return the current into the cell's bit line (A) and the energy (J) of a read at a voltage (V)."""
        return self._hold(cell, voltage, duration, self.gate_on)

    def _hold(
        self, cell: tuple[int, int], voltage: float, duration: float, gate: float
    ) -> tuple[float, float]:
        check_cell(self.shape, cell)
        for name, volts in (("voltage", voltage), ("gate", gate)):
            checks.finite(name, volts, "V")
        checks.at_least("duration", duration, 0, "s")
        m = self.shape[0]
        # Lines of all other columns are at 0 V, so that theirs is the only circuit with currents.
        column = (np.arange(m), np.full(m, cell[1]))
        gates = np.zeros(m)
        gates[cell[0]] = gate

        felt = np.zeros(m)

        def law(one: Floats, other: Floats) -> tuple[Floats, Floats, Floats]:
            felt[:], *branch = self.crosspoint.branch(one[:, 0], other[:, 0], gates, self.cells, column)
            return branch[0][:, None], branch[1][:, None], branch[2][:, None]

        top = np.array([[max(voltage, 0.0)], [np.nan]])
        bottom = np.array([[np.nan], [max(-voltage, 0.0)]])
        solution = self._column.solve(top, bottom, [(0, 1, law)])
        if duration > 0.0:
            # The other columns are at 0 V.
            self.cells.apply(felt, duration, column)
        return float(solution.top[0, 0]), solution.power * duration

    def rest(self, duration: float) -> None:
        """Let time pass (s) with all lines at 0 V."""
        self.cells.rest(duration)


class DifferentialArray:
    """Pairs of cells with transistors, two bit lines and one common source line per pair (2T2R).

    Parameters
    ----------
    plus, minus : Cells
        Of one shape (m, n); a weight is the difference of their conductances.
    crosspoint : OneTransistorOneResistor
        The transistor of all.
    bit_resistance, source_line_resistance : float
        As in `TransistorArray` (ohm).
    """

    def __init__(
        self,
        plus: Cells,
        minus: Cells,
        crosspoint: OneTransistorOneResistor,
        *,
        bit_resistance: float = 1.0,
        source_line_resistance: float = 1.0,
    ) -> None:
        if plus.shape != minus.shape:
            raise ValueError(f"plus and minus must have one shape, got {plus.shape} and {minus.shape}")
        self.plus, self.minus, self.crosspoint = plus, minus, crosspoint
        resistance = (bit_resistance, bit_resistance, source_line_resistance)
        self.ladders = Ladders(shape=plus.shape, resistance=resistance)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of word lines (gates) and pairs of bit lines."""
        return self.plus.shape

    def solve(self, voltage: float, gate: ArrayLike) -> ColumnSolution:
        """Return voltages and currents with both bit lines at a voltage (V) and gates (V), (m,)."""
        checks.finite("voltage", voltage, "V")
        n = self.shape[1]
        missing = np.full(n, np.nan)
        plus, minus = (_law(self.crosspoint, cells, gate) for cells in (self.plus, self.minus))
        top = np.array([np.full(n, voltage), np.full(n, voltage), missing])
        bottom = np.array([missing, missing, np.zeros(n)])
        return self.ladders.solve(top, bottom, [(0, 2, plus), (1, 2, minus)])

    def column_currents(self, gates: ArrayLike, voltage: float) -> Floats:
        """Return the difference of both bit-line currents (A), (n,), with some gates on, (m,)."""
        solution = self.solve(voltage, gates)
        return np.asarray(solution.top[0] - solution.top[1])
