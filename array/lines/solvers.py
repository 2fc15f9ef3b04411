"""Two solvers of the lines with linear cells between them: one for speed, one to check it.

`SchurSolver` eliminates the word lines exactly, as batched tridiagonals, and runs conjugate gradients on the
bit lines' Schur complement (C - G A^-1 G) b = f, preconditioned by the tridiagonals C of the bit lines. For
uniform cells the condition number depends on n^2 r G alone. `DirectSolver` factors the whole sparse matrix.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from ... import checks
from ...errors import ConvergenceError
from ...typing import Floats
from ._lines import conjugate
from ._lines import factor as factor_lines
from .dissection import order
from .network import Network

MOST_ITERATIONS = 5000
"""Of one solve by conjugate gradients."""


def _check_currents(network: Network, word: Floats, bit: Floats) -> None:
    """Raise ValueError unless there is a current for every word and every bit node."""
    for name, values in (("word", word), ("bit", bit)):
        checks.shape(name, values, network.lines.shape, "node")


class SchurSolver:
    """Conjugate gradients on the bit lines with word lines eliminated; both must have resistance.

    Parameters
    ----------
    network : Network
        Lines and which ends are connected.

    Attributes
    ----------
    iterations : int
        Of the last solve.
    left_over : ndarray of shape (m, n)
        Currents that the last solve left over at the bit lines (A); at the word lines there are none. Gone
        with the next solve.
    residual : float
        Root of the sum of their squares (A).

    Raises
    ------
    ValueError
        Lines without resistance; `DirectSolver` takes these.
    """

    def __init__(self, network: Network) -> None:
        if network.lines.word_lumped or network.lines.bit_lumped:
            raise ValueError("word_resistance and bit_resistance must be positive for this solver, got 0 ohm")
        m, n = network.lines.shape
        self.network, self.iterations, self.residual = network, 0, 0.0
        self.left_over: Floats | float = 0.0
        self._word_wires = np.ascontiguousarray(network.word_wires.T).reshape(max(n - 1, 0), m)
        self._bit_wires = np.ascontiguousarray(network.bit_wires).reshape(max(m - 1, 0), n)
        self._word = np.empty((n, m)), np.empty((n, m))
        self._bit = np.empty((m, n)), np.empty((m, n))
        self._rows = np.empty((2, m)), np.empty((2, n))
        self._work = np.empty((5, m, n))
        self.conductance = np.zeros((m, n))

    def factor(self, conductance: Floats, shunt: tuple[Floats | float, Floats | float] = (0.0, 0.0)) -> None:
        """Take the conductance of each cell (S), (m, n), and of each word and bit node to ground (S)."""
        checks.shape("conductance", conductance, self.network.lines.shape, "cell")
        self.conductance = np.ascontiguousarray(conductance, dtype=np.float64)
        # Both layers have the cells' conductance on their diagonal, and what leads to ground or to a source:
        # sums of positive numbers only, so that elimination without pivoting loses nothing.
        word = np.ascontiguousarray(self.conductance.T)
        if word is self.conductance or np.shares_memory(word, self.conductance):
            word = word.copy()
        word += np.transpose(shunt[0])
        word[0] += self.network.left
        word[-1] += self.network.right
        bit = self.conductance + shunt[1]
        bit[0] += self.network.top
        bit[-1] += self.network.bottom
        # A pivot of 0 is a piece of line that nothing holds.
        is_factored = factor_lines(word, self._word_wires, self._rows[0], *self._word)
        if not (factor_lines(bit, self._bit_wires, self._rows[1], *self._bit) and is_factored):
            raise ValueError(
                "a piece of line is connected to nothing: it floats and all its cells are open; "
                "give its cells a leakage conductance, such as 1e-15 S"
            )

    def solve(
        self, word: Floats, bit: Floats, *, tolerance: float = 1e-12, floor: float = 0.0
    ) -> tuple[Floats, Floats]:
        """Return node voltages (V) for currents into the nodes (A).

        Parameters
        ----------
        word, bit : ndarray of shape (m, n)
            Currents into the nodes (A).
        tolerance : float
            Stop when the residual's norm is this fraction of the right side's.
        floor : float
            Stop also when it is this (A).

        Raises
        ------
        ConvergenceError
            More than :data:`MOST_ITERATIONS`.
        """
        m, n = self.network.lines.shape
        _check_currents(self.network, word, bit)
        v_word, v_bit = np.empty((n, m)), np.empty((m, n))
        # Of a row or a column, a transpose may be contiguous already, hence the same memory.
        self.iterations, norm, norm_0 = conjugate(
            self.conductance, *self._word, *self._bit, np.ascontiguousarray(word.T),
            np.ascontiguousarray(bit), v_word, v_bit, self._work, tolerance, floor, MOST_ITERATIONS,
        )  # fmt: skip
        if not norm <= max(tolerance * norm_0, floor):
            raise ConvergenceError(
                f"line solver: residual {norm:.3g} A of {norm_0:.3g} A after {self.iterations} iterations; "
                "a part of the array may be connected to nothing"
            )
        self.residual, self.left_over = norm, self._work[0]
        return np.ascontiguousarray(v_word.T), v_bit

    def missed(self, word: Floats, bit: Floats) -> float:
        """Return the largest residual of a node (A)."""
        return float(max(np.max(np.abs(word)), np.max(np.abs(bit))))


class DirectSolver:
    """Sparse factorisation of all nodes by SuperLU, in the order of our own nested dissection.

    It takes lines without resistance as well, in SuperLU's own order.

    Parameters
    ----------
    network : Network
        Lines and which ends are connected.
    """

    def __init__(self, network: Network) -> None:
        # Every node gets a number; a line without resistance is one node, a known line is none (-1).
        m, n = network.lines.shape
        self.network, self.iterations, self.left_over = network, 0, 0.0
        nodes = np.arange(m * n).reshape(m, n)
        word = np.repeat(np.arange(m)[:, None], n, axis=1) if network.lines.word_lumped else nodes
        count = m if network.lines.word_lumped else m * n
        bit = np.repeat(np.arange(n)[None, :], m, axis=0) if network.lines.bit_lumped else nodes
        word, bit = word.copy(), bit + count
        word[network.word_known], bit[:, network.bit_known] = -1, -1
        # Numbers that are used are counted through; all known nodes share the one behind the last.
        numbered = np.unique(np.concatenate((word.ravel(), bit.ravel())))
        numbered = numbered[numbered >= 0]
        self._word = np.where(word < 0, numbered.size, np.searchsorted(numbered, word))
        self._bit = np.where(bit < 0, numbered.size, np.searchsorted(numbered, bit))
        self._size = numbered.size  # also the index of every known node
        all_used = numbered.size == 2 * m * n
        self._order = order(m, n) if all_used else np.arange(numbered.size)
        self._method = "NATURAL" if all_used else "MMD_AT_PLUS_A"
        self._wires = self._assemble_wires()

    def _assemble_wires(self) -> sparse.csc_matrix:
        network, pairs = self.network, []
        if not network.lines.word_lumped:
            pairs.append((self._word[:, :-1], self._word[:, 1:], network.word_wires))
        if not network.lines.bit_lumped:
            pairs.append((self._bit[:-1], self._bit[1:], network.bit_wires))
        ends = (
            (self._word[:, 0], network.left), (self._word[:, -1], network.right),
            (self._bit[0], network.top), (self._bit[-1], network.bottom),
        )  # fmt: skip
        for at, g in ends:
            finite = np.isfinite(g) & (g > 0.0)
            pairs.append((at[finite], np.full(finite.sum(), self._size), g[finite]))
        return self._laplacian(pairs)

    def _laplacian(self, pairs: list[tuple[Floats, Floats, Floats]]) -> sparse.csc_matrix:
        a = np.concatenate([np.ravel(p[0]) for p in pairs])
        b = np.concatenate([np.ravel(p[1]) for p in pairs])
        g = np.concatenate([np.ravel(p[2]) for p in pairs])
        # The row and the column of the known nodes are dropped: they are at 0 V in the solves.
        size = self._size + 1
        rows, columns = np.concatenate((a, b, a, b)), np.concatenate((a, b, b, a))
        values = np.concatenate((g, g, -g, -g))
        return sparse.csc_matrix((values, (rows, columns)), shape=(size, size))[:-1, :-1].tocsc()

    def factor(self, conductance: Floats) -> None:
        """Take the conductance of each cell (S), shape (m, n)."""
        checks.shape("conductance", conductance, self.network.lines.shape, "cell")
        if not self._size:
            return
        self._matrix = (self._wires + self._laplacian([(self._word, self._bit, conductance)])).tocsc()
        ordered = self._matrix[self._order][:, self._order]
        try:
            self._factors = splu(
                ordered, permc_spec=self._method, diag_pivot_thresh=0.0, options={"SymmetricMode": True}
            )
        except RuntimeError as error:
            raise ValueError(
                "a part of the array is connected to nothing: it floats and all its cells are open; "
                "give its cells a leakage conductance, such as 1e-15 S"
            ) from error

    def solve(
        self, word: Floats, bit: Floats, *, tolerance: float = 1e-12, floor: float = 0.0
    ) -> tuple[Floats, Floats]:
        """Return node voltages (V) for currents into the nodes (A); `tolerance` and `floor` are not used."""
        _check_currents(self.network, word, bit)
        rhs = self._summed(word, bit)
        if self._size:
            # One step of refinement makes up for the missing pivoting.
            x = self._solved(rhs)
            x = x + self._solved(rhs - self._matrix @ x)
        else:
            x = rhs
        x = np.append(x, 0.0)
        return x[self._word], x[self._bit]

    def _solved(self, rhs: Floats) -> Floats:
        x = np.empty_like(rhs)
        x[self._order] = self._factors.solve(rhs[self._order])
        return x

    def missed(self, word: Floats, bit: Floats) -> float:
        """Return the largest sum (A) of residuals over the nodes, known lines left out."""
        return float(np.max(np.abs(self._summed(word, bit)), initial=0.0))

    def _summed(self, word: Floats, bit: Floats) -> Floats:
        """Return the sum of currents into every node (A), known lines left out."""
        nodes = np.concatenate((self._word.ravel(), self._bit.ravel()))
        currents = np.concatenate((word.ravel(), bit.ravel()))
        return np.asarray(np.bincount(nodes, currents, self._size + 1)[:-1], dtype=np.float64)


LinearSolver = SchurSolver | DirectSolver
"""Solves for node voltages (V) at currents into the nodes (A), known lines at 0 V."""


def solver_for(network: Network) -> LinearSolver:
    """Return the fast solver where both layers have resistance, the direct one elsewhere."""
    if network.lines.word_lumped or network.lines.bit_lumped:
        return DirectSolver(network)
    return SchurSolver(network)
