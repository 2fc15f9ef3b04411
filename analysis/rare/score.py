"""Derivatives of means by covariance with score weights, with their errors and intervals."""

from __future__ import annotations

import numpy as np

from ...checks import equally_many
from ...typing import Floats


def derivatives(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the derivative of a mean by every parameter, and its standard error.

    Parameters
    ----------
    values : ndarray of shape (runs,)
        What each run gave; NaN for runs that gave nothing: the mean is then that of the others.
    weights : ndarray of shape (runs, ...)
        Score weights of each run, up to the moment when its value was known.

    Returns
    -------
    tuple of ndarray
        Cov(f, S) of those runs, and its error by their scatter; NaN with less than three.

    Notes
    -----
    With a condition A both numerator and denominator of E[f 1_A] / E[1_A] change, and what remains is the
    covariance within A. S itself has the mean 0 over all runs, not within A.
    """
    equally_many(values=values, weights=weights)
    known = np.isfinite(values)
    f, s = values[known], weights[known]
    number = len(f)
    if number < 3:
        return np.full(weights.shape[1:], np.nan), np.full(weights.shape[1:], np.nan)
    f = (f - f.mean()).reshape(-1, *[1] * (s.ndim - 1))
    product = f * (s - s.mean(axis=0))
    return product.sum(axis=0) / (number - 1), product.std(axis=0, ddof=1) / np.sqrt(number)


def combinations(weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return which combinations of parameters runs can tell: eigenvectors of the Fisher information.

    Parameters
    ----------
    weights : ndarray of shape (runs, parameters)
        Score weights of each run by all parameters, each in a unit that makes them alike.

    Returns
    -------
    values : ndarray of shape (parameters,)
        Information of one run about each combination, the largest first: 1 / sqrt(value) is the least
        standard error, in those units, with which all that happened in one run can tell it (Cramer and Rao).
    errors : ndarray of shape (parameters,)
        Standard errors of the values, by the scatter of (vector . weight)^2 over the runs.
    vectors : ndarray of shape (parameters, parameters)
        A combination in each row, of length 1; its largest part is positive.

    Raises
    ------
    ValueError
        There are less than three runs.

    Notes
    -----
    The matrix is the mean of S S'. The mean of S is known to be 0 and is not taken off. With fewer runs than
    parameters the last values are 0 for want of runs.
    """
    number = len(weights)
    if number < 3:
        raise ValueError(f"combinations need at least 3 runs, got {number}")
    vectors = np.linalg.eigh(weights.T @ weights / number)[1].T[::-1]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    vectors = vectors * np.sign(largest)
    squares = (weights @ vectors.T) ** 2
    return squares.mean(axis=0), squares.std(axis=0, ddof=1) / np.sqrt(number), vectors


FEWEST = 10.0
"""Expected events of all runs below which nothing is said of the clock."""


def z_of_means(weights: Floats, events: Floats) -> Floats:
    """Return how many standard errors the mean weight of every mechanism is from 0: a test of the clock.

    Parameters
    ----------
    weights : ndarray of shape (runs, mechanisms)
        Score weights by ln of the attempt frequency: events less the integral of their rate.
    events : ndarray of shape (runs, mechanisms)

    Returns
    -------
    ndarray of shape (mechanisms,)
        The variance of a weight is the mean of the integral, whatever the run; NaN where that is below
        `FEWEST` in all runs together.
    """
    expected = (events - weights).sum(axis=0)
    enough = expected >= FEWEST
    return np.asarray(
        np.where(enough, weights.sum(axis=0) / np.sqrt(np.where(enough, expected, 1.0)), np.nan)
    )
