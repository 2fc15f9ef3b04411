"""Draws from a density in a box, by importance sampling in a few passes.

The first pass covers the box evenly (Sobol); each later one draws around what the one before has found, so
that ridges and several peaks are followed. Every draw has its weight, so that no chain must converge, and the
effective number of draws says whether it sufficed.

Method: O. Cappe, A. Guillin, J. M. Marin and C. P. Robert, J. Comput. Graph. Stat. 13, 907 (2004),
10.1198/106186004X12803 (population Monte Carlo); recalled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import qmc

from ..typing import Floats

PASSES = 3
"""After the even one."""

CENTRES = 64
"""Around which a pass draws."""

EVEN = 0.1
"""Fraction of a pass that is drawn evenly all the same."""

Density = Callable[[Floats], Floats]
"""Places (n, p) to the logarithm of a density (n,)."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws and their weights.

    Attributes
    ----------
    places : ndarray of shape (n, p)
    weights : ndarray of shape (n,)
        They add up to 1.
    best : ndarray of shape (p,)
        Place of the largest density among all that were looked at.
    """

    places: Floats
    weights: Floats
    best: Floats

    @property
    def effective(self) -> float:
        """Effective number of draws, 1/sum of squared weights."""
        return float(1.0 / np.sum(self.weights**2))

    def quantile(self, share: float) -> Floats:
        """Return the quantile of each coordinate, (p,)."""
        quantiles: list[float] = []
        for column in self.places.T:
            order = np.argsort(column)
            place = int(np.searchsorted(np.cumsum(self.weights[order]), share))
            quantiles.append(float(column[order[min(place, len(order) - 1)]]))
        return np.array(quantiles)

    def share(self, values: NDArray[Any]) -> Floats:
        """Return the mean of values of the draws, (n, ...), or the weight of those for which they hold."""
        mean: Floats = np.tensordot(self.weights, values, 1)
        return mean

    def equal(self, number: int, seed: int) -> Floats:
        """Return so many draws of equal weight (number, p), by systematic resampling."""
        steps = (np.arange(number) + np.random.default_rng(seed).random()) / number
        rows = np.searchsorted(np.cumsum(self.weights), steps).clip(0, len(self.weights) - 1)
        drawn: Floats = self.places[rows]
        return drawn


def sample(density: Density, low: Floats, high: Floats, size: int, seed: int) -> Draws:
    """Return draws from a density in a box.

    Parameters
    ----------
    density : callable
    low, high : ndarray of shape (p,)
    size : int
        Draws of a pass, a power of two.
    seed : int
    """
    random = np.random.default_rng([seed, 17])
    p = len(low)
    even = qmc.Sobol(p, rng=random).random_base2(int(np.log2(size)))
    places = low + (high - low) * even
    level = density(places)
    best, top = places[np.argmax(level)], float(level.max())
    weights = np.exp(level - logsumexp(level))
    for _ in range(PASSES):
        centres = places[random.choice(len(places), CENTRES, p=weights)]
        mean = weights @ places
        spread = (weights[:, None] * (places - mean)).T @ (places - mean)
        # Width of kernels by Silverman's rule, and not less than where one draw has all the weight.
        narrow = (4.0 / ((p + 2) * CENTRES)) ** (2.0 / (p + 4))
        kernel = narrow * spread + np.diag((1e-3 * (high - low)) ** 2)
        root = np.linalg.cholesky(kernel)
        around_centres = (
            centres[random.integers(CENTRES, size=size)] + random.standard_normal((size, p)) @ root.T
        )
        flat = low + (high - low) * random.random((size, p))
        proposals = np.where((random.random(size) < EVEN)[:, None], flat, around_centres)
        proposals = proposals[np.all((proposals >= low) & (proposals <= high), axis=1)]
        level = density(proposals)
        if level.max() > top:
            best, top = proposals[np.argmax(level)], float(level.max())
        excess = level - _proposal(proposals, centres, root, float(np.prod(high - low)))
        places, weights = proposals, np.exp(excess - logsumexp(excess))
    return Draws(places, weights, best)


def _proposal(drawn: Floats, centres: Floats, root: Floats, volume: float) -> Floats:
    """Return the logarithm of the density that draws came from: kernels around centres, and evenly."""
    inverse = np.linalg.inv(root)
    a, b = drawn @ inverse.T, centres @ inverse.T
    squares = (a**2).sum(1)[:, None] - 2.0 * a @ b.T + (b**2).sum(1)
    p = drawn.shape[1]
    scale = -0.5 * p * np.log(2.0 * np.pi) - np.log(np.diag(root)).sum() - np.log(len(centres))
    near = scale + logsumexp(-0.5 * squares, axis=1)
    log_density: Floats = np.logaddexp(np.log(1.0 - EVEN) + near, np.log(EVEN / volume))
    return log_density
