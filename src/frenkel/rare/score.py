"""Derivatives of means by covariance with score weights, with their errors and intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from ..checks import equally_many
from ..typing import Floats

CONFIDENCE, NORMAL = 0.95, 1.959964
"""Of intervals, and standard errors on each side of those of a normal law."""


def derivatives(values: Floats, weights: Floats, direct: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Return the derivative of a mean by every parameter, and its standard error.

    Parameters
    ----------
    values : ndarray of shape (runs,)
        What each run gave; NaN for runs that gave nothing: the mean is then that of the others.
    weights : ndarray of shape (runs, ...)
        Score weights of each run, up to the moment when its value was known.
    direct : ndarray of shape (runs, ...)
        Derivative of the value itself, the events of the run unchanged; 0 by default.

    Returns
    -------
    tuple of ndarray
        Cov(f, S) of those runs and the mean of ``direct``; the error is that of the jackknife, which leaves
        one run out at a time. NaN with less than three.

    Notes
    -----
    With a condition A both numerator and denominator of E[f 1_A] / E[1_A] change, and what remains is the
    covariance within A. S itself has the mean 0 over all runs, not within A.
    """
    mean, left = _leave_one_out(values, weights, direct)
    return mean, np.sqrt(max(len(left) - 1, 0)) * left.std(axis=0)


def intervals(values: Floats, weights: Floats, direct: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Return both ends of the 95 % intervals of the derivatives that :func:`derivatives` returns.

    Products of values and weights are skewed and have long tails, so that 1.96 standard errors of 100 runs
    hold the truth in 91 to 94 %. Here the degrees of freedom of the error follow from the kurtosis of the
    pseudo-values, and P. Hall's transform (J. R. Stat. Soc. B 54, 221 (1992); recalled) takes off their
    skewness.

    Parameters
    ----------
    values, weights, direct
        As of :func:`derivatives`.
    """
    mean, left = _leave_one_out(values, weights, direct)
    number, scatter = len(left), left.std(axis=0)
    scores = left / np.where(scatter > 0.0, scatter, 1.0)
    # The variance of a variance of n numbers is (kurtosis - 1)/n of its square; leaving out turns the sign.
    freedom = np.maximum(2.0 * number / np.maximum((scores**4).mean(axis=0) - 1.0, 1e-9), 1.0)
    skewness = -(scores**3).mean(axis=0) / np.sqrt(number)
    half = stdtrit(freedom, 0.5 * (1.0 + CONFIDENCE))
    error = np.sqrt(number - 1) * scatter
    return mean - error * _hall(half, skewness), mean - error * _hall(-half, skewness)


def _hall(quantile: Floats, skewness: Floats) -> Floats:
    """Return the t whose transform is a quantile of the normal law; ``skewness``: over the root of n."""
    a = np.where(np.abs(skewness) < 1e-6, 1e-6, skewness)
    shifted: Floats = 3.0 / a * (np.cbrt(1.0 + a * (quantile - a / 6.0)) - 1.0)
    return shifted


def _leave_one_out(values: Floats, weights: Floats, direct: Floats | float) -> tuple[Floats, Floats]:
    """Return the derivatives, and how each run that is left out changes them (runs, ...).

    NaN, and NaN of one run, where there are fewer than three.
    """
    equally_many(values=values, weights=weights)
    finite = np.isfinite(values)
    f, s = values[finite], weights[finite]
    number = len(f)
    if number < 3:
        return np.full(weights.shape[1:], np.nan), np.full((1, *weights.shape[1:]), np.nan)
    f = (f - f.mean()).reshape(-1, *[1] * (s.ndim - 1))
    product = f * (s - s.mean(axis=0))
    itself = np.broadcast_to(direct, weights.shape)[finite]
    mean = product.sum(axis=0) / (number - 1) + itself.mean(axis=0)
    # Of a sum of products about its mean, leaving one out takes number / (number - 1) of its product away.
    left = -number / ((number - 1) * (number - 2)) * product - itself / (number - 1)
    return mean, left - left.mean(axis=0)


def differences(low: Floats, high: Floats) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return how much larger the mean of paired runs is, its standard error, and how many pairs differ.

    Parameters
    ----------
    low, high : ndarray of shape (runs, ...)
        What each run and its twin with the same random numbers gave; NaN for those that gave nothing: each
        mean is that of the others.

    Returns
    -------
    tuple of ndarray
        The error is that of a difference of two ratios, sum f / number that gave something, whose terms
        are paired; NaN where less than three runs of either gave something.
    """
    equally_many(low=low, high=high)
    terms, means, fewest = [], [], np.full(low.shape[1:], len(low))
    for values in (low, high):
        finite = np.isfinite(values)
        many = finite.sum(axis=0)
        safe = np.maximum(many, 1)
        mean = np.where(finite, values, 0.0).sum(axis=0) / safe
        terms.append(np.where(finite, values - mean, 0.0) * (len(values) / safe))
        means.append(mean)
        fewest = np.minimum(fewest, many)
    error = (terms[1] - terms[0]).std(axis=0, ddof=1) / np.sqrt(len(low))
    differ = (~((low == high) | (np.isnan(low) & np.isnan(high)))).sum(axis=0)
    is_judged = fewest >= 3
    return np.where(is_judged, means[1] - means[0], np.nan), np.where(is_judged, error, np.nan), differ


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
    is_filled = expected >= FEWEST
    return np.asarray(
        np.where(is_filled, weights.sum(axis=0) / np.sqrt(np.where(is_filled, expected, 1.0)), np.nan)
    )
