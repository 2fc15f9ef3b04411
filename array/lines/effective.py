"""Linear cells read many times: the matrix from drive voltages to sensed currents, and what one cell sees.

For linear cells the lines are a linear map. Its matrix is made once, by elimination of one line after the
other or, of large arrays and of lines without resistance, by one adjoint solve per sensed line (reciprocity:
the current out of bit line j per volt on word line i is the current into i per volt on j). Then a read is one
product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import checks
from ...typing import Floats
from ._elimination import eliminate
from .bias import check_cell
from .network import Network, Solution
from .solvers import LinearSolver, SchurSolver

ADJOINT = 1e-14
"""Relative residual of the solves behind the matrix: looser ones leave 1e-10 of the largest entry."""

DENSE = 512
"""Most lines of the shorter side that are eliminated one after the other; above, solves are faster."""


def effective_matrix(network: Network, solver: LinearSolver, conductance: Floats) -> Floats:
    """Return the currents out of the bottom ends of bit lines per volt at the left ends of word lines (S).

    Parameters
    ----------
    network : Network
        Word lines connected at the left and bit lines at the bottom; other ends as they are, held at 0 V.
    solver : LinearSolver
        Made for this network; left factored for these cells.
    conductance : ndarray of shape (m, n)
        Of the cells (S).

    Returns
    -------
    ndarray of shape (m, n)
        Currents for a vector v are ``v @ matrix``; for many vectors, rows of a matrix, the same.
    """
    _need_ends(network)
    checks.shape("conductance", conductance, network.lines.shape, "cell")
    solver.factor(conductance)
    m, n = conductance.shape
    if isinstance(solver, SchurSolver) and min(m, n) <= DENSE:
        eliminated = _eliminated(network, conductance)
        if eliminated is not None:
            return eliminated
    matrix, zero = np.empty((m, n)), np.zeros((m, n))
    for j in range(n):
        drive = np.zeros((m, n))
        drive[-1, j] = network.bottom[j]
        word, _ = solver.solve(zero, drive, tolerance=ADJOINT)
        matrix[:, j] = network.left * word[:, 0]
    return matrix


def _eliminated(network: Network, conductance: Floats) -> Floats | None:
    """Return the effective matrix by elimination of lines; None where an end or a line does not allow it."""
    given = [
        conductance, network.word_wires, network.bit_wires,
        network.left, network.right, network.top, network.bottom,
    ]  # fmt: skip
    if not all(np.all(np.isfinite(part)) for part in given):
        return None
    m, n = conductance.shape
    turned = n > m
    if turned:
        # The shorter lines are the dense ones. By reciprocity the array turned round its other diagonal, with
        # bit lines driven and word lines sensed, has the same matrix.
        cells, word, bit, left, right, top, bottom = given
        given = [cells, bit, word, bottom, top, right, left]
        given = [part[::-1, ::-1].T if part.ndim == 2 else part[::-1] for part in given]
    matrix = np.empty((max(m, n), min(m, n)))
    cells, word, bit, left, right, top, bottom = (np.ascontiguousarray(part, np.float64) for part in given)
    if not eliminate(cells, word, bit, left, right, top, bottom, matrix):
        return None
    return np.ascontiguousarray(matrix[::-1, ::-1].T) if turned else matrix


def _need_ends(network: Network) -> None:
    for name, g in (("left ends of word lines", network.left), ("bottom ends of bit lines", network.bottom)):
        if not np.all((g > 0.0) & np.isfinite(g)):
            raise ValueError(
                f"all {name} must be connected through a resistance to sense them, give one above 0 ohm"
            )


@dataclass(frozen=True, slots=True)
class LoadLine:
    """What one cell sees of the array around it: V = open_voltage - resistance I.

    Attributes
    ----------
    open_voltage : float
        Voltage with the cell open (V).
    resistance : float
        Of everything around (ohm), other cells at their slope.
    sense : float
        Current more out of the bottom of the cell's bit line per current more through the cell.
    """

    open_voltage: float
    resistance: float
    sense: float


def load_line(
    network: Network, solver: LinearSolver, solution: Solution, cell: tuple[int, int], slope: float
) -> LoadLine:
    """Return the Thevenin equivalent around a cell; one solve.

    Parameters
    ----------
    solver : LinearSolver
        Still factored with the slopes of the last step of ``solution``.
    solution : Solution
        Of the array with this cell in it.
    cell : tuple of int
        Word and bit line.
    slope : float
        Conductance (S) that the solver holds for this cell.
    """
    check_cell(network.lines.shape, cell)
    # 1 A pushed from the bit to the word node of the cell moves it by as many volts as it sees ohms.
    word, bit = np.zeros(network.lines.shape), np.zeros(network.lines.shape)
    word[cell], bit[cell] = 1.0, -1.0
    word, bit = solver.solve(word, bit)
    cell_voltage = float(word[cell] - bit[cell])
    # The solver holds the cell too: take its conductance out of the parallel combination.
    alone = 1.0 - slope * cell_voltage
    resistance = cell_voltage / alone
    voltage, current = float(solution.voltage[cell]), float(solution.current[cell])
    end = float(network.bottom[cell[1]])
    sense = 1.0 if np.isinf(end) else -end * float(bit[-1, cell[1]]) / alone
    return LoadLine(voltage + resistance * current, resistance, sense)
