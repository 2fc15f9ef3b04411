"""Memory from cycle to cycle: a vector autoregression around a level that every device has for itself.

Taking away the mean of a device over its cycles takes away part of the memory with it: with 100 cycles and a
lag-1 correlation of 0.6 it is 4 per cent of the variance at every lag. So the level is a random effect of the
model ``x[d, c] = b[d] + z[c]``, and z is fitted by the moments of the residuals, as restricted likelihood
does for a variance: with the mean taken away, the expected product at lag h over C cycles is

    E C_h = G_h - mean_{t>=h} R_t - mean_{t<C-h} R_t' + V,   R_t = sum_s G_{t-s} / C,   V = mean R_t

where G_h is the covariance of the autoregression. Adding the difference, fitting (Yule and Walker) and
repeating settles in a few steps. The flat-prior likelihood is no way out: conditional on the first cycles it
prefers a unit root.

Below is how devices differ: what is left of a spread without that noise, and what few devices tell of it.
"""

import math
from dataclasses import dataclass

import numpy as np

from ...cells.law import companion
from ...typing import Floats

MAXIMUM_ORDER = 6
"""Longest memory (cycles) that is tried."""

STEPS = 100
"""Repetitions after which the fit counts as not settled."""

DIAGONAL_FROM = 3
"""Devices from which on they have a spread; fewer have the uncertainty of their means."""


class MemoryFitError(ValueError):
    """The cycles do not have a stationary memory that could be fitted."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Fitted autoregression.

    Parameters
    ----------
    coefficients, innovation : ndarray
        (p, k, k) and (k, k).
    criterion : dict of int to float
        Of each order that was tried its information criterion (of Akaike); smaller is better.
    """

    coefficients: Floats
    innovation: Floats
    criterion: dict[int, float]


def fit(scores: Floats, order: int | None = None, *, shift: Floats | None = None) -> Memory:
    """Fit a vector autoregression to many devices.

    Parameters
    ----------
    scores : ndarray
        (devices, cycles, k); NaN: missing, left out pair by pair.
    order : int, optional
        Cycles of memory, 0 or more; default: that with the smallest criterion, up to
        :data:`MAXIMUM_ORDER` and a fifth of the cycles.
    shift : ndarray, optional
        Added to the lagged products, (order + 1, k, k); for what was done to the scores before.

    Raises
    ------
    MemoryFitError
        Too few cycles without gaps, or no stationary memory.
    """
    _, cycles, k = scores.shape
    longest = min(MAXIMUM_ORDER, cycles // 5) if order is None else order
    if longest + 2 > cycles:
        raise MemoryFitError(
            f"a memory of {longest} cycles needs at least {longest + 2} cycles, got {cycles}"
        )
    products, count = lagged_products(scores, longest)
    # Few cycles: less memory is looked for.
    while order is None and longest and count < 10 * (longest + 1) * k:
        longest -= 1
        products, count = lagged_products(scores, longest)
    if count < (10 * (longest + 1) * k if longest else 2 * k + 2):
        raise MemoryFitError(
            f"a memory of {longest} cycles of {k} features needs at least {10 * (longest + 1) * k} pairs of "
            f"cycles without gaps, got {count}"
        )
    products = products if shift is None else products + shift
    criterion: dict[int, float] = {}
    if order is None:
        for p in range(longest + 1):
            try:
                fitted = _settle(products[: p + 1], cycles)
            except MemoryFitError:
                if p == longest and not np.isfinite(list(criterion.values())).any():
                    raise
                criterion[p] = math.inf  # no stationary memory of this length; a shorter one may do
                continue
            # Akaike's: the Bayesian one asks that all 16 coefficients of 4 features pay, where one does;
            # corrected for few cycles (C. M. Hurvich and C.-L. Tsai, J. Time Ser. Anal. 14, 271; recalled).
            correction = count / max(count - k * p - k - 1, 1)
            misfit = count / (cycles - longest) * _misfit(*fitted, cycles)
            criterion[p] = misfit + 2.0 * k * k * p * correction if np.isfinite(misfit) else math.inf
        order = min(criterion, key=lambda p: criterion[p])
    coefficients, innovation = _settle(products[: order + 1], cycles)
    return Memory(coefficients, innovation, criterion)


def lagged_products(scores: Floats, longest: int) -> tuple[Floats, int]:
    """Return mean products at lags 0 to ``longest`` about the device means, and the fewest pairs.

    Entry [h, i, j] is the mean of x_i[c] x_j[c - h] over devices and cycles.
    """
    finite = np.isfinite(scores)
    counts = finite.sum(axis=1, keepdims=True)
    filled = np.where(finite, scores, 0.0)
    means = filled.sum(axis=1, keepdims=True) / np.maximum(counts, 1)
    centred, weights = np.where(finite, scores - means, 0.0), finite.astype(float)
    cycles = scores.shape[1]
    products, fewest = [], math.inf
    for h in range(longest + 1):
        late, early = slice(h, cycles), slice(0, cycles - h)
        pairs = np.tensordot(weights[:, late], weights[:, early], axes=([0, 1], [0, 1]))
        sums = np.tensordot(centred[:, late], centred[:, early], axes=([0, 1], [0, 1]))
        fewest = min(fewest, float(pairs.min()))
        products.append(sums / np.maximum(pairs, 1.0))
    return np.array(products), int(fewest)


def covariances(coefficients: Floats, innovation: Floats, longest: int) -> Floats:
    """Return the covariances G_h of the autoregression at lags 0 to ``longest``, (longest + 1, k, k)."""
    p, k, _ = coefficients.shape
    matrices = np.zeros((max(longest, p) + 1, k, k))
    matrices[0] = innovation
    if p:
        joint = _stationary(coefficients, innovation)
        # The first block row of the joint covariance holds the lags 0 to p - 1.
        matrices[:p] = joint[:k].reshape(k, p, k).transpose(1, 0, 2)
        for h in range(p, len(matrices)):
            matrices[h] = sum(coefficients[i] @ matrices[h - 1 - i] for i in range(p))
    return matrices[: longest + 1]


def _stationary(coefficients: Floats, innovation: Floats) -> Floats:
    k = len(innovation)
    f = companion(coefficients)
    total = np.zeros(f.shape)
    total[:k, :k] = innovation
    for _ in range(40):
        total = total + f @ total @ f.T
        f = f @ f
    return total


def _lost(model: Floats, longest: int) -> Floats:
    """Return what removing the device mean takes away from the products at lags 0 to ``longest``."""
    cycles, k, _ = model.shape
    negative = model[1:].transpose(0, 2, 1)
    # R_t = (sum of G_0..G_t and of G_-1..G_-(C-1-t)) / C
    ahead = np.cumsum(model, axis=0)
    behind = np.concatenate([np.zeros((1, k, k)), np.cumsum(negative, axis=0)])[::-1]
    r = (ahead + behind) / cycles
    v = r.mean(axis=0)
    return np.array([r[h:].mean(axis=0) + r[: cycles - h].mean(axis=0).T - v for h in range(longest + 1)])


def _settle(products: Floats, cycles: int) -> tuple[Floats, Floats]:
    """Return coefficients and innovation, with what the means took away added until it settles."""
    corrected = products
    for _ in range(STEPS):
        coefficients, innovation = _yule_walker(corrected)
        model = covariances(coefficients, innovation, cycles - 1)
        new = products + _lost(model, len(products) - 1)
        if np.abs(new - corrected).max() < 1e-9 * np.abs(products).max():
            if not np.linalg.eigvalsh(innovation).min() > 0:
                raise MemoryFitError("too few cycles: no memory of this length leaves any spread")
            return coefficients, innovation
        corrected = new
    raise MemoryFitError(
        "the cycles drift: no stationary memory fits them within their number; take away the trend first"
    )


def _misfit(coefficients: Floats, innovation: Floats, cycles: int) -> float:
    """Return -2 ln of the restricted likelihood of a device, but for a constant; NaN: it has none.

    That is ln det V + ln det (1' V^-1 1) of the covariance V of its cycles: what the data add to it is their
    number where V is fitted. The innovation alone would not do: a longer memory gives the level of a device
    more of the spread, which is then added to the innovation.
    """
    p, k, _ = coefficients.shape
    start = _stationary(coefficients, innovation) if p else np.zeros((0, 0))
    ones, remainder = np.tile(np.eye(k), (p, 1)), np.eye(k) - coefficients.sum(axis=0)
    level = (cycles - p) * remainder.T @ np.linalg.solve(innovation, remainder)
    level = level + ones.T @ np.linalg.solve(start, ones) if p else level
    sizes = [np.linalg.slogdet(matrix) for matrix in (innovation, level, start)]
    if any(sign <= 0 for sign, _ in sizes):
        return math.nan
    return float((cycles - p) * sizes[0][1] + sizes[1][1] + sizes[2][1])


def _yule_walker(products: Floats) -> tuple[Floats, Floats]:
    lags, k, _ = products.shape
    p = lags - 1
    if p == 0:
        return np.zeros((0, k, k)), 0.5 * (products[0] + products[0].T)
    blocks = [[products[j - i] if j >= i else products[i - j].T for j in range(p)] for i in range(p)]
    old = np.block(blocks)
    ahead = np.concatenate(list(products[1:]), axis=1)
    flat = np.linalg.solve(old, ahead.T).T
    innovation = products[0] - flat @ ahead.T
    coefficients = flat.reshape(k, p, k).transpose(1, 0, 2)
    if np.abs(np.linalg.eigvals(companion(coefficients))).max() >= 1:
        raise MemoryFitError("the cycles drift: no stationary memory fits them; take away the trend first")
    return coefficients, 0.5 * (innovation + innovation.T)


def without_noise(total: Floats, noise: Floats) -> Floats:
    """Return a covariance less that of noise, keeping at least 1 % of the variance in every direction.

    Without that bound a direction in which devices do not differ would get a negative variance by chance.
    """
    root = np.linalg.cholesky(total)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(np.eye(len(total)) - inverse @ noise @ inverse.T)
    positive_definite: Floats = root @ (vectors * np.maximum(values, 0.01)) @ vectors.T @ root.T
    return 0.5 * (positive_definite + positive_definite.T)


def few_devices(shown: Floats, spread: Floats, noise: Floats) -> tuple[Floats, Floats, str]:
    """Return mean and covariance of devices that are too few for their correlations, and what it is.

    Of one or two devices the spread is not known at all: theirs is the uncertainty of their means.

    Parameters
    ----------
    shown : ndarray
        Location and ln(spread) of each device, (devices, 2 k).
    spread : ndarray
        Of each device and feature, (devices, k).
    noise : ndarray
        Covariance of location and ln(spread) of a device of unit spread over the cycles, (2 k, 2 k).
    """
    factor = np.concatenate([np.sqrt((spread**2).mean(axis=0)), np.ones(spread.shape[1])])
    own_noise = noise * factor * factor[:, None]
    mean: Floats = shown.mean(axis=0)
    if len(shown) < DIAGONAL_FROM:
        return mean, own_noise, "uncertainty of the means"
    total = np.diag(shown.var(axis=0, ddof=1))
    return mean, without_noise(total, np.diag(np.diag(own_noise))), "one, without correlations"
