"""Statistics over the devices of an ensemble: quantiles, bootstrap and weakest link, with their intervals.

Distributions and their fits are in :mod:`.distributions`, censored values and the Kaplan-Meier curve in
:mod:`.censoring`, the rule for when enough devices were run in :mod:`.sequential`; their names are here too.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy import stats

from ...checks import between, inside, positive
from ...typing import Floats
from .censoring import Sample, kaplan_meier
from .distributions import NAMES, Fit, clustering_test, compare, fit
from .sequential import Stopping, median_unbiased, neighbours, rank_interval

__all__ = [
    "NAMES",
    "Fit",
    "Sample",
    "Stopping",
    "bootstrap",
    "clustering_test",
    "compare",
    "fit",
    "kaplan_meier",
    "quantiles",
    "weakest_link",
]

BATCH = 2_000_000
"""Indices of devices drawn again that are held at once."""


def quantiles(values: Any, share: ArrayLike, confidence: float = 0.95) -> xr.Dataset:
    """Return the values that given fractions of the devices lie below, without assuming a distribution.

    The value is the median-unbiased estimate (type 8 of R. J. Hyndman and Y. Fan, Am. Stat. 50, 361 (1996),
    10.1080/00031305.1996.10473566). The interval reaches from one order statistic to another, by the binomial
    law of the number of devices below: it holds with at least the stated confidence for any distribution.

    Parameters
    ----------
    values : array_like, xarray.DataArray or Sample
        inf: above all others (had not switched). Of a Sample, right-censored values count as inf, which is
        refused if a value above where one was censored matters.
    share : array_like
        Between 0 and 1.
    confidence : float

    Returns
    -------
    xarray.Dataset
        Along ``share``: ``value``, ``low`` (-inf where too few devices are below), ``high`` (inf likewise),
        ``coverage`` (exact confidence of the interval, at least ``confidence``); scalar ``number``.

    Raises
    ------
    ValueError
        No values, NaN, a share out of range, or a quantile among censored values.
    """
    part = np.atleast_1d(np.asarray(share, float))
    inside("share", part, 0, 1)
    data, censored = _values(values)
    number = int(data.size)
    ranks = np.array([(*neighbours(number, p), *rank_interval(number, p, confidence)) for p in part])
    ranks_kept = np.unique(np.clip(ranks, 1, number))
    ordered = np.sort(data)
    bounds = {rank: ordered[rank - 1] for rank in ranks_kept.tolist()}
    bounds |= {0: -np.inf, number + 1: np.inf}
    columns = []
    for p, row in zip(part, ranks, strict=True):
        rank_below, rank_above, low, high = (bounds[int(rank)] for rank in row)
        coverage = stats.binom.cdf(row[3] - 1, number, p) - stats.binom.cdf(row[2] - 1, number, p)
        columns.append((median_unbiased(rank_below, rank_above, number, p), low, high, coverage))
        if (
            top_rank := max(x for x in (rank_below, rank_above, low, high, -np.inf) if x < np.inf)
        ) > censored:
            raise ValueError(
                f"the {p:g} quantile must not need values above a censored one, got {top_rank:g} and a value "
                f"censored at {censored:g}; use kaplan_meier or fit"
            )
    rows = zip(("value", "low", "high", "coverage"), np.array(columns).T, strict=True)
    table = xr.Dataset({name: ("share", column) for name, column in rows}, {"share": part})
    return table.assign(number=number)


def bootstrap(
    values: Any,
    statistic: Callable[[Floats], float],
    *,
    resamples: int = 1999,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return a statistic with its 95 % interval, by drawing whole devices again.

    Bias-corrected and accelerated ("BCa" of ``scipy.stats.bootstrap``).

    Parameters
    ----------
    values : (n_devices, ...) array_like or DataArray
        Everything of one device (such as its cycles) stays together, since it is not independent.
    statistic : callable
        Takes an array like ``values``, its devices drawn with replacement, and returns a number.
    resamples : int
    seed : int

    Returns
    -------
    value, low, high : float
    """
    data = np.asarray(values, float)
    if data.ndim == 0 or len(data) < 2:
        raise ValueError(f"values must hold at least 2 devices, got {data.size}")
    if np.any(np.isnan(data)):
        raise ValueError(f"values must not be NaN, got {int(np.isnan(data).sum())} NaN of {data.size}")
    with np.errstate(invalid="ignore", divide="ignore"):
        interval = stats.bootstrap(
            (np.arange(len(data)),),
            lambda chosen: statistic(data[chosen]),
            vectorized=False,
            n_resamples=resamples,
            batch=max(1, BATCH // len(data)),
            random_state=np.random.default_rng(seed),
        ).confidence_interval
    if np.isnan(interval.low) or np.isnan(interval.high):
        raise ValueError(f"the statistic must vary between devices, got {float(statistic(data)):g} for all")
    return float(statistic(data)), float(interval.low), float(interval.high)


def weakest_link(share: ArrayLike, ratio: float) -> Floats:
    """Return the fraction of devices that fail if each is ``ratio`` times as large: 1 - (1 - F)^ratio.

    For independent failures spread evenly over the area; Weibull's scale then goes as area^(-1/shape).

    Parameters
    ----------
    share : array_like
        F of the smaller device, 0 to 1.
    ratio : float
        Of the areas, above 0.
    """
    part = np.asarray(share, float)
    positive("ratio of the areas", ratio)
    between("share", part, 0, 1)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(ratio * np.log1p(-part)))


def _values(values: Any) -> tuple[Floats, float]:
    """Return the values as a flat array, inf where censored, and the smallest bound of those."""
    if isinstance(values, Sample):
        if not np.all(values.exact | values.right):
            raise ValueError("quantiles must have exact and right-censored values only; use fit")
        return values.high, float(np.min(values.low[values.right], initial=np.inf))
    data = np.asarray(values, float).ravel()
    if not data.size:
        raise ValueError("values must hold at least one value, got none")
    if missing_count := int(np.isnan(data).sum()):
        raise ValueError(f"values must not be NaN, got {missing_count} NaN of {data.size}")
    return data, np.inf
