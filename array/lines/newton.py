"""Newton's method on an array of cells whose current is not proportional to the voltage.

Each step linearises every cell, solves the lines and repeats. A cell whose voltage grows is linearised no
further than V0 ln(1 + |dV|/V0) from where it was (SPICE's limiting of junctions), so that a current
exponential in V/V0 neither overflows nor stalls. Cells whose current rises with voltage make the answer the
minimum of a convex function: there is one, and Kirchhoff's law is checked on it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ... import checks
from ...errors import ConvergenceError
from ...typing import Floats
from .network import Network, Solution
from .solvers import LinearSolver

Law = Callable[[Floats], tuple[Floats, Floats]]
"""Current (A) and slope (S) of all cells at their voltages (V)."""

KIRCHHOFF = 1e-10
"""Largest current that a node may miss, as a fraction of the largest cell current (and rounding besides)."""

MOST_STEPS = 60
"""Steps of Newton's method after which a solution is given up."""

LIMITING_STARTS = 7.0
"""Voltage, in units of a cell's V0, below which nothing is limited."""

SMALL_STEP = 1.0
"""Step, in units of a cell's V0, up to which nothing is limited: the method converges there by itself."""


def limited(voltage: Floats, before: Floats, scale: Floats | float) -> Floats:
    """Return where to linearise (V) when a solve asks for ``voltage`` after ``before``.

    Parameters
    ----------
    voltage, before : ndarray
        New voltage and the one that cells were linearised at (V).
    scale : float or ndarray
        V0 over which a cell's current grows by e (V); infinite for linear cells.
    """
    scale = np.broadcast_to(np.asarray(scale, dtype=np.float64), voltage.shape)
    size = np.abs(voltage)
    # Only a voltage that grows can make exp overflow; one that falls lands where the slope is smaller.
    far = (size > np.abs(before)) & (size > LIMITING_STARTS * scale)
    far &= np.abs(voltage - before) > SMALL_STEP * scale
    if not far.any():
        return voltage
    # The current grows by the factor that the linearised cell would have given it, and no more.
    step, v0 = voltage[far] - before[far], scale[far]
    start = voltage.copy()
    start[far] = before[far] + np.sign(step) * v0 * np.log1p(np.abs(step) / v0)
    return start


def solve(
    network: Network,
    solver: LinearSolver,
    law: Law,
    *,
    scale: Floats | float = np.inf,
    guess: tuple[Floats, Floats] | None = None,
) -> Solution:
    """Return voltages and currents of the array.

    Parameters
    ----------
    network : Network
        Lines and the voltages at their ends.
    solver : LinearSolver
        Made for this network.
    law : callable
        ``law(voltage)`` returns current (A) and slope (S, not negative) of all cells, arrays of shape (m, n).
    scale : float or ndarray of shape (m, n)
        Voltage over which a cell's current grows by e (V); infinite where it is linear.
    guess : (word, bit), optional
        Node voltages to start from (V).

    Raises
    ------
    ConvergenceError
        Kirchhoff's law is not met within :data:`MOST_STEPS` steps; names bias, cell and residual.
    """
    # Without a guess cells are linearised at 0 V, where no current explodes: linear cells take one step.
    word, bit = network.start() if guess is None else _from(network, guess)
    at = word - bit if guess is not None else np.zeros_like(word)
    current, slope = law(at)
    iterations, linear, missed, largest = 0, bool(np.all(np.isinf(scale))) and guess is None, np.inf, 0.0
    # Each cell is replaced by its tangent at `at`; nodes need not be at the same voltage yet.
    companion = current + slope * (word - bit - at)
    r_word, r_bit = network.residual(word, bit, companion)
    for step in range(1, MOST_STEPS + 1):
        # A step need not be solved exactly, as the tangents move after it; the floor ends iterations that
        # would go below what counts as met.
        solver.factor(slope)
        floor = 0.3 * KIRCHHOFF * largest
        # From a good guess a closer step spares one.
        rough = 1e-3 if guess is None else 1e-4
        d_word, d_bit = solver.solve(r_word, r_bit, tolerance=1e-12 if linear else rough, floor=floor)
        iterations += solver.iterations
        word, bit = word + d_word, bit + d_bit
        voltage = word - bit
        carried = current + slope * (voltage - at)  # what the linearised cells carry now
        # The next tangents, nearer than the solve asked for where a current would explode.
        new = limited(voltage, at, scale)
        settled = new is voltage
        at, (current, slope) = new, law(new)
        largest = float(np.max(np.abs(current)))
        if not (np.isfinite(largest) and np.all(np.isfinite(voltage))):
            break
        # The linear solve met Kirchhoff's law but for what it left over; what the cells carry more is
        # missing.
        excess = current + slope * (voltage - at) - carried
        r_word, r_bit = -excess, excess + solver.left_over
        if settled and solver.missed(r_word, r_bit) <= KIRCHHOFF * largest + network.rounding:
            # Once from the nodes themselves, so that no rounding has piled up.
            r_word, r_bit = network.residual(word, bit, current)
            missed = solver.missed(r_word, r_bit)
            if missed <= KIRCHHOFF * largest + network.rounding:
                ends = network.terminals(word, bit, current)
                return Solution(word, bit, current, *ends, network, iterations, step, missed)
    at_cell = np.unravel_index(int(np.argmax(np.abs(word - bit))), word.shape)
    raise ConvergenceError(
        f"array: Kirchhoff's law missed by {solver.missed(r_word, r_bit):.3g} A "
        f"(largest cell current {largest:.3g} A) after {step} steps "
        f"at a bias of {network.bias.amplitude:g} V; largest voltage, {(word - bit)[at_cell]:.3g} V, "
        f"at cell ({at_cell[0]}, {at_cell[1]})"
    )


def _from(network: Network, guess: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return a guess with known lines at their voltage."""
    for layer, nodes in zip(("word", "bit"), guess, strict=True):
        checks.shape(f"guess of the {layer} nodes", nodes, network.lines.shape)
    if not (network.word_known.any() or network.bit_known.any()):
        return guess[0].copy(), guess[1].copy()
    word, bit = network.start()
    free_word, free_bit = ~network.word_known, ~network.bit_known
    word[free_word], bit[:, free_bit] = guess[0][free_word], guess[1][:, free_bit]
    return word, bit
