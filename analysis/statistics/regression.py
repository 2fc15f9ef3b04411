"""Straight lines with intervals, and intervals from resampled data."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ...checks import equally_many, positive
from ...typing import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line y = intercept + slope x with its covariance.

    Parameters
    ----------
    intercept, slope : float
    covariance : (2, 2) float64
        Of intercept and slope.
    quantile : float
        Number of standard errors in half a 95 % interval: 1.96 if the errors of y were given, Student's for
        n - 2 degrees of freedom if they were found from the scatter.
    r_squared : float
        Fraction of the variance explained.
    """

    intercept: float
    slope: float
    covariance: Floats
    quantile: float
    r_squared: float

    @property
    def slope_interval(self) -> tuple[float, float]:
        """95 % interval of the slope."""
        half_width = self.quantile * float(np.sqrt(self.covariance[1, 1]))
        return self.slope - half_width, self.slope + half_width

    @property
    def intercept_interval(self) -> tuple[float, float]:
        """95 % interval of the intercept."""
        half_width = self.quantile * float(np.sqrt(self.covariance[0, 0]))
        return self.intercept - half_width, self.intercept + half_width

    def at(self, x: ArrayLike) -> tuple[Floats, Floats]:
        """Return the line at x and half the width of its 95 % interval there."""
        design = np.stack([np.ones_like(np.asarray(x, float)), np.asarray(x, float)])
        variance = np.einsum("i...,ij,j...->...", design, self.covariance, design)
        return self.intercept + self.slope * design[1], self.quantile * np.sqrt(variance)


def line(x: ArrayLike, y: ArrayLike, error: ArrayLike | None = None) -> Line:
    """Fit a straight line by least squares.

    Parameters
    ----------
    x, y : (n,) array_like
        At least two different x; three without ``error``.
    error : (n,) array_like, optional
        Standard error of each y, above 0. Without, one common error is found from the scatter.

    Raises
    ------
    ValueError
        Too few points, or an error of 0.
    """
    a, b = np.asarray(x, float), np.asarray(y, float)
    equally_many(x=a, y=b, error=a if error is None else error)
    least = 2 if error is not None else 3
    if len(np.unique(a)) < least:
        raise ValueError(f"a line must have at least {least} different points, got {len(np.unique(a))}")
    sigma = np.ones(len(a)) if error is None else np.asarray(error, float)
    positive("error", sigma)
    weight = 1 / sigma**2
    centre = np.average(a, weights=weight)
    spread = float(weight @ (a - centre) ** 2)
    slope = float(weight @ ((a - centre) * b)) / spread
    mean = float(np.average(b, weights=weight))
    residual = b - mean - slope * (a - centre)
    scale = float(weight @ residual**2) / (len(a) - 2) if error is None else 1.0
    variance = scale / spread
    covariance = np.array(
        [[scale / weight.sum() + centre**2 * variance, -centre * variance], [-centre * variance, variance]]
    )
    total = float(weight @ (b - mean) ** 2)
    return Line(
        intercept=mean - slope * float(centre),
        slope=slope,
        covariance=covariance,
        quantile=float(stats.norm.ppf(0.975) if error is not None else stats.t.ppf(0.975, len(a) - 2)),
        r_squared=1 - float(weight @ residual**2) / total if total > 0 else 1.0,
    )


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], ArrayLike], number: int, resamples: int, seed: int
) -> Floats:
    """Return a statistic of resampled members.

    Parameters
    ----------
    statistic : callable
        Takes the indices of the members drawn, (number,), and returns numbers.
    number : int
        Number of members.
    resamples : int
    seed : int

    Returns
    -------
    (resamples, ...) float64
    """
    random = np.random.default_rng(seed)
    return np.array(
        [np.asarray(statistic(random.integers(0, number, number)), float) for _ in range(resamples)]
    )


def bootstrap_interval(
    value: ArrayLike, draws: Floats, number: int | None, *, positive: bool = False
) -> Floats:
    """Return 95 % intervals from the scatter of resampled statistics.

    Half the width is Student's quantile times the standard deviation of the draws, which keeps its coverage
    with few members and few draws better than percentiles of the draws do.

    Parameters
    ----------
    value : (...) array_like
        Statistic of all members.
    draws : (resamples, ...) float64
        From :func:`bootstrap`.
    number : int or None
        Number of members that were resampled, at least 2; None if the draws come from a fitted distribution.
    positive : bool
        The statistic is above 0: the interval is that of its logarithm.

    Returns
    -------
    (..., 2) float64
        Low and high.
    """
    centre, scatter = np.asarray(value, float), draws
    if positive:
        centre, scatter = np.log(centre), np.log(draws)
    half_width = scatter.std(axis=0, ddof=1)
    if number is None:
        half_width = half_width * float(stats.norm.ppf(0.975))
    else:
        # Resampling n members scatters as if there were n - 1 of them.
        half_width = half_width * float(stats.t.ppf(0.975, number - 1)) * np.sqrt(number / (number - 1))
    bounds = np.stack([centre - half_width, centre + half_width], -1)
    return np.exp(bounds) if positive else bounds
