"""The whole lattice as a sparse network: for rough backgrounds, other shapes than a box, and many bonds.

A system with bonds is solved by factorisation, or by conjugate gradients that stop on a bound of the error in
volts: a relative residual says nothing about volts when conductances differ by 1e8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from frenkel.typing import Floats, Index

from .background import LinkBackground

STEPS = 20_000
"""Conjugate-gradient steps after which a solve has failed."""


class BondedLattice:
    """The Laplacian of a background plus that of bonds, to be solved for a right-hand side.

    Parameters
    ----------
    background : LinkBackground
        The links.
    nodes : ndarray of int, shape (m,)
        Sites that carry bonds, ascending.
    laplacian : sparse array of shape (m, m)
        Laplacian of the bonds at their present slopes, contacts on its diagonal (S).
    """

    def __init__(self, background: LinkBackground, nodes: Index, laplacian: scipy.sparse.csr_array) -> None:
        self.background = background
        self.nodes = nodes
        self.laplacian = laplacian

    def factored(self) -> Callable[[Floats], Floats]:
        """Return a function that solves by one factorisation (SuperLU)."""
        b = self.background
        n, m = b.n_sites, len(self.nodes)
        spread = scipy.sparse.coo_array((np.ones(m), (self.nodes, np.arange(m))), shape=(n, m)).tocsr()
        matrix = scipy.sparse.diags_array(b.diagonal) - b.coupling + spread @ self.laplacian @ spread.T
        return _symmetric_factor(matrix)

    @cached_property
    def reduced(self) -> Reduced:
        """The system after elimination of about half of the sites."""
        return Reduced(self)

    def iterated(self, rhs: Floats, tolerance: float) -> Iterate:
        """Solve by conjugate gradients until the bound of the error is met.

        Parameters
        ----------
        rhs : ndarray of shape (n_sites,)
            Currents fed into the sites (A).
        tolerance : float
            Largest error of any site's potential (V), positive.

        Raises
        ------
        ArithmeticError
            If the bound is not reached; its arguments are the bound (V) and the number of steps.

        Notes
        -----
        Half of the sites are eliminated exactly; the rest is preconditioned by the diagonal, and the bonded
        sites by a factored block. Three rigorous facts make the bound:

        - ``|e_i| <= sqrt(R_i) |e|_A`` with ``R_i`` the resistance from site i to the electrodes, which bonds
          can only lower (Rayleigh);
        - ``|e|_A`` has the Gauss-Radau upper bound of [1]_, given a lower bound of the smallest eigenvalue of
          the preconditioned matrix;
        - the background's bound of that eigenvalue serves, as bonds stand alike in matrix and preconditioner.

        References
        ----------
        .. [1] G. Meurant and P. Tichy, "On computing quadrature-based bounds for the A-norm of the error in
           conjugate gradients", Numer. Algorithms 62, 163 (2013), doi:10.1007/s11075-012-9591-9.
        """
        return self.reduced.solve(rhs, tolerance)


@dataclass(frozen=True)
class Iterate:
    """What conjugate gradients left: potentials (V), steps, and the squared error bound (A V)."""

    system: Reduced
    potential: Floats
    steps: int
    remaining: Floats
    energy: float

    def bound(self, residual: Floats) -> float:
        """Return the bound of any site's error (V), given the true residual (A) computed again.

        The recursion's residual drifts from the true one by rounding; the difference is bounded by the
        smallest eigenvalue alone, which is pessimistic but small here.
        """
        system = self.system
        background = system.system.background
        true, eliminated = system.reduce(residual)
        drift = true - self.remaining
        square = float(drift @ system.precondition(drift)) / background.smallest
        square += float(eliminated @ (eliminated * system.inverse_even))
        norm = np.sqrt(self.energy) + np.sqrt(max(square, 0.0))
        return float(norm * np.sqrt(np.max(background.resistance_bound)))


class Reduced:
    """The system after exact elimination of the even sites without bonds.

    Unknowns: the odd sites, then the even sites with bonds. The matrices of the background never change;
    an even site with bonds is taken out of the elimination by a zero in ``inverse_even``.
    """

    def __init__(self, system: BondedLattice) -> None:
        self.system = system
        halves = self.halves = system.background.halves
        nodes = system.nodes
        at_even = halves.is_even[nodes]
        self.bonded_even = halves.place[nodes[at_even]]
        n_odd = len(halves.odd)
        self.position = np.empty(len(nodes), dtype=np.intp)
        self.position[at_even] = n_odd + np.arange(len(self.bonded_even))
        self.position[~at_even] = halves.place[nodes[~at_even]]
        self.inverse_even = 1 / halves.diagonal_even
        self.inverse_even[self.bonded_even] = 0.0
        self.n_odd = n_odd
        own_odd = halves.diagonal_odd - halves.squared @ self.inverse_even
        own = np.r_[own_odd, halves.diagonal_even[self.bonded_even]]
        self.scale = 1 / own
        self.block = _block_solver(system.laplacian, 1 / self.scale[self.position])

    def reduce(self, rhs: Floats) -> tuple[Floats, Floats]:
        """Return the right-hand side of the remaining unknowns, and that of the eliminated sites."""
        halves = self.halves
        even, odd = rhs[halves.even], rhs[halves.odd]
        b = np.r_[odd + halves.to_odd @ (self.inverse_even * even), even[self.bonded_even]]
        eliminated = even.copy()
        eliminated[self.bonded_even] = 0.0
        return b, eliminated

    def expand(self, x: Floats, rhs: Floats) -> Floats:
        """Return the potential of every site from the remaining unknowns."""
        halves = self.halves
        full = np.empty(len(rhs))
        full[halves.odd] = x[: self.n_odd]
        even = self.inverse_even * (rhs[halves.even] + halves.to_even @ x[: self.n_odd])
        even[self.bonded_even] = x[self.n_odd :]
        full[halves.even] = even
        return full

    def apply(self, x: Floats) -> Floats:
        """Return the product with the reduced matrix."""
        halves, n = self.halves, self.n_odd
        odd = x[:n]
        reached = halves.to_even @ odd
        even = self.inverse_even * reached
        even[self.bonded_even] = x[n:]
        out = np.empty_like(x)
        np.multiply(halves.diagonal_odd, odd, out=out[:n])
        out[:n] -= halves.to_odd @ even
        if halves.among_odd is not None:
            out[:n] -= halves.among_odd @ odd
        out[n:] = halves.diagonal_even[self.bonded_even] * x[n:] - reached[self.bonded_even]
        out[self.position] += self.system.laplacian @ x[self.position]
        return out

    def precondition(self, r: Floats) -> Floats:
        """Return the preconditioned residual: diagonal, and a factored block on the bonded sites."""
        z: Floats = r * self.scale
        if len(self.position):
            z[self.position] = self.block(r[self.position])
        return z

    def solve(self, rhs: Floats, tolerance: float) -> Iterate:
        """Solve by conjugate gradients; see ``BondedLattice.iterated``."""
        background = self.system.background
        smallest = background.smallest
        allowed = tolerance**2 / float(np.max(background.resistance_bound))
        r, _ = self.reduce(rhs)
        x = np.zeros_like(r)
        z = self.precondition(r)
        p = z.copy()
        rz = float(r @ z)
        radau = 1 / smallest
        steps = 0
        while radau * rz > allowed:
            if steps == STEPS or not np.isfinite(rz):
                raise ArithmeticError(float(np.sqrt(radau * rz / allowed)) * tolerance, steps)
            q = self.apply(p)
            step = rz / float(p @ q)
            x += step * p
            r -= step * q
            z = self.precondition(r)
            rz, before = float(r @ z), rz
            growth = rz / before
            excess = max(radau - step, 0.0)
            radau = excess / (smallest * excess + growth) if growth > 0 else 0.0
            p *= growth
            p += z
            steps += 1
        return Iterate(self, self.expand(x, rhs), steps, r, radau * rz)


def _block_solver(laplacian: scipy.sparse.csr_array, diagonal: Floats) -> Callable[[Floats], Floats]:
    """Return a function that solves with the bonds' Laplacian plus the background's diagonal."""
    return _symmetric_factor(laplacian + scipy.sparse.diags_array(diagonal))


def _symmetric_factor(matrix: scipy.sparse.sparray) -> Callable[[Floats], Floats]:
    """Return the solve of a symmetric positive definite sparse matrix, factored once (SuperLU)."""
    factor = scipy.sparse.linalg.splu(
        matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    solve: Callable[[Floats], Floats] = factor.solve
    return solve
