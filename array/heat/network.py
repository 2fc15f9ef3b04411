"""Heat in a network of bodies: steady temperatures and their course in time, by modes.

Bodies of heat capacities C and symmetric heat conductances K between them and to surroundings of one fixed
temperature have temperature rises

    C dtheta/dt = -K theta + W P,    theta_cell = W^T theta,                                              (1)

with W the fractions in which the power P of each cell is spread over the bodies; a cell has the mean
temperature of the same bodies. With modes K phi = lambda C phi, phi^T C phi = 1, and a constant power,

  theta_cell(t) = sum_k S_k a_k(t),    a_k(t) = a_k(0) e^(-lambda_k t) + D_k P (1 - e^(-lambda_k t))/lambda_k,
    S_k = D_k^T = W^T phi_k.                                                                              (2)

Small networks have all their modes. Large ones are projected (Galerkin) on the responses
(K + s C)^-1 W at a few rates s, 0 among them, so that steady temperatures are exact [1]_; rates are added
where the response of the projection differs most.

.. [1] K. Gallivan, E. Grimme, P. Van Dooren, "A rational Lanczos algorithm for model reduction", Numer.
   Algorithms 12, 33 (1996), 10.1007/BF02141740. Confidence: recalled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy  # its parts load when first used, and most arrays have no heat
from numpy.typing import ArrayLike

from ... import checks
from ...errors import ConvergenceError
from ...typing import Floats, Index

SMALL = 600
"""Bodies up to which all modes are found."""

FIRST, MOST = 8, 24
"""Rates of a projection at the start, and at most."""

CLOSE, MOST_STEPS = 1e-7, 20_000
"""Remaining part of a power at which a response counts as solved, and most steps to it."""

SHORTEST, TOLERANCE = 1e-10, 1e-4
"""Time (s) that is still resolved by a projection, and largest relative error of a response."""

ORTHOGONAL = 1e-10
"""Part of a response that must lie outside the others for it to be kept."""


@dataclass(frozen=True, eq=False)
class HeatModes:
    """Temperature rises of cells by modes, see equation (2).

    Attributes
    ----------
    rates : ndarray of shape (r,)
        lambda (1/s), above 0.
    shapes : ndarray of shape (k, r)
        S, of each cell that is looked at (K).
    drives : ndarray of shape (j, r)
        D, of each cell that is heated (1/J).
    """

    rates: Floats
    shapes: Floats
    drives: Floats

    def pass_time(self, amplitude: Floats, drive: Floats | float, duration: float) -> Floats:
        """Return the amplitudes a (r,) after a duration (s) at a constant drive, D P (r,)."""
        passed = -np.expm1(-self.rates * duration)
        return np.asarray(amplitude + passed * (drive / self.rates - amplitude))

    def mean(self, amplitude: Floats, drive: Floats | float, duration: float) -> Floats:
        """Return the means of the amplitudes over a duration (s), above 0."""
        steady, x = drive / self.rates, self.rates * duration
        return np.asarray(steady - (steady - amplitude) * -np.expm1(-x) / x)

    def resistance(self) -> Floats:
        """Return the steady rise of each cell looked at by the power of each one heated (K/W), (k, j)."""
        return np.asarray((self.shapes / self.rates) @ self.drives.T)

    def rise(self, power: ArrayLike, time: float) -> Floats:
        """Return the rises (K) at a time (s) after powers (W) of the heated cells were switched on."""
        drive = np.asarray(power, float) @ self.drives
        return np.asarray(self.shapes @ self.pass_time(np.zeros(self.rates.size), drive, time))


@dataclass(frozen=True, eq=False)
class ArrayHeatNetwork:
    """Bodies that exchange heat.

    Parameters
    ----------
    conductance : sparse or ndarray of shape (n, n)
        K (W/K), symmetric; what flows to the surroundings stands on the diagonal.
    capacity : ndarray of shape (n,)
        C (J/K), positive.
    cells : sparse or ndarray of shape (n, k)
        W: of each cell the bodies that it heats, in fractions that sum to 1.
    """

    conductance: Floats | scipy.sparse.spmatrix | scipy.sparse.sparray
    capacity: Floats
    cells: Floats | scipy.sparse.spmatrix | scipy.sparse.sparray

    @classmethod
    def from_matrix(cls, resistance: ArrayLike, capacity: ArrayLike) -> ArrayHeatNetwork:
        """Return a network of the cells alone, from their thermal resistances.

        Parameters
        ----------
        resistance : array_like of shape (k, k)
            Steady rise of a cell by the power of another (K/W): symmetric and positive definite.
        capacity : float or array_like of shape (k,)
            Of each cell (J/K), positive.

        Raises
        ------
        ValueError
            The matrix is not square, symmetric and positive definite, or a capacity is not positive.
        """
        matrix = np.asarray(resistance, float)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"resistance must be a square matrix (K/W), got shape {matrix.shape}")
        checks.finite("resistance", matrix, "K/W")
        unlike = np.abs(matrix - matrix.T).max(initial=0.0)
        if unlike > 1e-6 * np.abs(matrix).max(initial=0.0):
            raise ValueError(f"resistance must be symmetric, got {unlike:.3g} K/W between (i, j) and (j, i)")
        try:
            scipy.linalg.cholesky(matrix)
        except scipy.linalg.LinAlgError:
            raise ValueError(
                "resistance must be positive definite: each power heats its own cell most"
            ) from None
        bodies = checks.spread("capacity", capacity, (matrix.shape[0],))
        checks.positive("capacity", bodies, "J/K")
        return cls(np.linalg.inv(matrix), np.array(bodies), np.eye(matrix.shape[0]))

    def steady(self, heated: Index) -> Floats:
        """Return the steady rise of each cell by the power of each heated one (K/W), (k, j)."""
        cells = _sparse(self.cells)
        return np.asarray(cells.T @ _solved(_sparse(self.conductance), cells[:, heated].toarray()))

    def modes(self, heated: Index | None = None) -> HeatModes:
        """Return what heated cells do to all cells.

        Parameters
        ----------
        heated : ndarray of int, optional
            Cells whose power may differ from 0; all by default.
        """
        columns = np.arange(self.cells.shape[1]) if heated is None else np.asarray(heated)
        number = len(self.capacity)
        if number <= SMALL:
            rates, vectors = scipy.linalg.eigh(_dense(self.conductance), np.diag(self.capacity))
            shapes = np.asarray(_sparse(self.cells).T @ vectors)
            return HeatModes(rates, shapes, shapes[columns])
        return self._projected(columns)

    def _projected(self, heated: Index) -> HeatModes:
        """Return the modes of a projection on responses at some rates."""
        conductance, cells, mass = _sparse(self.conductance), _sparse(self.cells), self.capacity
        sources = cells[:, heated].toarray()

        def response(rate: float) -> Floats:
            return _solved(scipy.sparse.csc_matrix(conductance + scipy.sparse.diags(rate * mass)), sources)

        steady = response(0.0)
        # The time in which most of the heat leaves, which the slowest mode takes.
        slowest = float(np.max((mass @ steady**2) / np.einsum("nk,nk->k", sources, steady)))
        span = max(10.0 * slowest / SHORTEST, 10.0)
        known = {0.0: steady}
        for rate in np.geomspace(span / (10.0 * slowest) / span, span / (10.0 * slowest), FIRST):
            known[float(rate)] = response(float(rate))
        while True:
            modes = _reduced(np.hstack(list(known.values())), conductance, mass, cells, heated)
            rate, error, answer = _worst(modes, cells, known, response)
            if error <= TOLERANCE or len(known) > MOST:
                return modes
            known[rate] = answer


def _solved(matrix: scipy.sparse.csc_matrix, sources: Floats) -> Floats:
    """Solve a symmetric system for columns (n, k) by conjugate gradients, preconditioned by its diagonal."""
    inverse = 1.0 / matrix.diagonal()[:, None]
    found, rest = np.zeros_like(sources), sources.copy()
    step = inverse * rest
    size = start = np.einsum("nk,nk->k", rest, step)
    for _ in range(MOST_STEPS):
        moved = matrix @ step
        length = size / np.einsum("nk,nk->k", step, moved)
        found += length * step
        rest -= length * moved
        scaled = inverse * rest
        before, size = size, np.einsum("nk,nk->k", rest, scaled)
        if np.all(size <= CLOSE**2 * start):
            return found
        step = scaled + size / before * step
    raise ConvergenceError(f"heat network of {len(sources)} bodies not solved in {MOST_STEPS} steps")


def _worst(
    modes: HeatModes,
    cells: scipy.sparse.csc_matrix,
    known: dict[float, Floats],
    response: Callable[[float], Floats],
) -> tuple[float, float, Floats]:
    """Return the rate between those known at which the projection differs most, its error and response."""
    rates = np.array(sorted(known))[1:]
    middle = np.sqrt(rates[1:] * rates[:-1])
    # Full responses are expensive: where the projection bends most between two rates it is least certain.
    weights = [float(np.log(high / low)) for low, high in pairwise(rates)]
    rate = float(middle[int(np.argmax(weights))])
    answer = response(rate)
    exact = np.asarray(cells.T @ answer)
    projected = (modes.shapes / (modes.rates + rate)) @ modes.drives.T
    return rate, float(np.abs(projected - exact).max() / np.abs(exact).max()), answer


def _reduced(
    basis: Floats,
    conductance: scipy.sparse.csc_matrix,
    mass: Floats,
    cells: scipy.sparse.csc_matrix,
    heated: Index,
) -> HeatModes:
    """Return the modes of a network in the span of vectors (n, v)."""
    root = np.sqrt(mass)[:, None]
    scaled = basis * root
    scaled /= np.linalg.norm(scaled, axis=0)
    vectors, sizes, _ = np.linalg.svd(scaled, full_matrices=False)
    orthonormal = vectors[:, sizes > ORTHOGONAL * sizes[0]] / root
    rates, turned = scipy.linalg.eigh(orthonormal.T @ (conductance @ orthonormal))
    shapes = np.asarray(cells.T @ (orthonormal @ turned))
    return HeatModes(rates, shapes, shapes[heated])


def _sparse(matrix: Floats | scipy.sparse.spmatrix | scipy.sparse.sparray) -> scipy.sparse.csc_matrix:
    return scipy.sparse.csc_matrix(matrix)


def _dense(matrix: Floats | scipy.sparse.spmatrix | scipy.sparse.sparray) -> Floats:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
