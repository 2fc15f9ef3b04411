"""How devices differ: what is left of a spread without noise, and what few devices tell of it."""

import numpy as np

from ...typing import Floats

DIAGONAL_FROM = 3
"""Devices from which on they have a spread; fewer have the uncertainty of their means."""


def without_noise(total: Floats, noise: Floats) -> Floats:
    """Return a covariance less that of noise, keeping at least 1 % of the variance in every direction.

    Without that bound a direction in which devices do not differ would get a negative variance by chance.
    """
    root = np.linalg.cholesky(total)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(np.eye(len(total)) - inverse @ noise @ inverse.T)
    kept: Floats = root @ (vectors * np.maximum(values, 0.01)) @ vectors.T @ root.T
    return 0.5 * (kept + kept.T)


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
    own = noise * factor * factor[:, None]
    mean: Floats = shown.mean(axis=0)
    if len(shown) < DIAGONAL_FROM:
        return mean, own, "uncertainty of the means"
    total = np.diag(shown.var(axis=0, ddof=1))
    return mean, without_noise(total, np.diag(np.diag(own))), "one, without correlations"
