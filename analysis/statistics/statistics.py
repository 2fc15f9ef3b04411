"""Statistics over the devices of an ensemble: quantiles, bootstrap and weakest link, with their intervals.

Distributions and their fits are in :mod:`.distributions`, censored values and the Kaplan-Meier curve in
:mod:`.censoring`, the rule for when enough devices were run in :mod:`.sequential`; their names are here too.

Data larger than memory: :func:`quantiles` of a dask array are exact order statistics, found chunk by chunk
in four passes. Fits go through :meth:`.Sample.binned`, whose counts lose what the values say inside their
bins. The bootstrap and the Kaplan-Meier curve need their values in memory.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
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
    "bootstrap_band",
    "clustering_test",
    "compare",
    "fit",
    "kaplan_meier",
    "quantiles",
    "weakest_link",
]

Keys = NDArray[np.uint64]

DIGITS = 16
"""Bits of a number that one pass over the data settles."""
BATCH = 2_000_000
"""Indices of devices drawn again that are held at once."""
TOGETHER = 16
"""Chunks counted before their counts are added up: bounds the memory, and how many run at once."""


def quantiles(values: Any, share: ArrayLike, confidence: float = 0.95) -> xr.Dataset:
    """Return the values that given shares of the devices lie below, without assuming a distribution.

    The value is the median-unbiased estimate (type 8 of R. J. Hyndman and Y. Fan, Am. Stat. 50, 361 (1996),
    10.1080/00031305.1996.10473566). The interval reaches from one order statistic to another, by the binomial
    law of the number of devices below: it holds with at least the stated confidence for any distribution.

    Parameters
    ----------
    values : array_like, xarray.DataArray or Sample
        inf: above all others (had not switched). Of a Sample, right-censored values count as inf, which is
        refused if a value above where one was censored matters. A DataArray may hold a dask array, which is
        never loaded whole.
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
    wanted = np.unique(np.clip(ranks, 1, number))
    found = dict(zip(wanted.tolist(), order_statistics(data, wanted), strict=True))
    found |= {0: -np.inf, number + 1: np.inf}
    columns = []
    for p, row in zip(part, ranks, strict=True):
        below, above, low, high = (found[int(rank)] for rank in row)
        coverage = stats.binom.cdf(row[3] - 1, number, p) - stats.binom.cdf(row[2] - 1, number, p)
        columns.append((median_unbiased(below, above, number, p), low, high, coverage))
        if (used := max(x for x in (below, above, low, high, -np.inf) if x < np.inf)) > censored:
            raise ValueError(
                f"the {p:g} quantile must not need values above a censored one, got {used:g} and a value "
                f"censored at {censored:g}; use kaplan_meier or fit"
            )
    rows = zip(("value", "low", "high", "coverage"), np.array(columns).T, strict=True)
    out = xr.Dataset({name: ("share", column) for name, column in rows}, {"share": part})
    return out.assign(number=number)


def order_statistics(values: Any, ranks: NDArray[np.int64]) -> Floats:
    """Return the values of given ranks (1 is the smallest), exactly.

    A dask array is gone through four times, chunk by chunk: each pass settles 16 bits of every value
    wanted, in the order-preserving integer of its IEEE number. Memory: 0.5 MB for each rank and chunk
    counted at a time.

    Parameters
    ----------
    values : numpy or dask array
        Any shape; not empty, without NaN.
    ranks : (k,) int64
        1 to the number of values.
    """
    if isinstance(values, np.ndarray):
        flat = np.sort(values.ravel().astype(np.float64))
        if np.isnan(flat[-1]):
            raise ValueError(f"values must not be NaN, got {int(np.isnan(flat).sum())} NaN of {flat.size}")
        return flat[np.asarray(ranks) - 1]
    prefix, left = np.zeros(len(ranks), np.uint64), np.asarray(ranks, np.int64) - 1
    for settled in range(0, 64, DIGITS):
        counts = _counts(values, np.unique(prefix), settled)
        for i in range(len(ranks)):
            below = np.cumsum(counts[prefix[i]])
            digit = int(np.searchsorted(below, left[i], side="right"))
            left[i] -= below[digit - 1] if digit else 0
            prefix[i] = (prefix[i] << np.uint64(DIGITS)) | np.uint64(digit)
    return _number(prefix)


def bootstrap(
    values: Any,
    statistic: Callable[[Floats], float],
    *,
    confidence: float = 0.95,
    resamples: int = 1999,
    seed: int = 0,
    method: str = "BCa",
) -> tuple[float, float, float]:
    """Return a statistic with its interval, by drawing whole devices again (``scipy.stats.bootstrap``).

    Parameters
    ----------
    values : (n_devices, ...) array_like or DataArray
        Everything of one device (such as its cycles) stays together, since it is not independent.
    statistic : callable
        Takes an array like ``values``, its devices drawn with replacement, and returns a number.
    confidence : float
    resamples : int
    seed : int
    method : str
        "BCa" (bias-corrected and accelerated; takes the statistic without each device, too), "percentile" or
        "basic".

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
        found = stats.bootstrap(
            (np.arange(len(data)),),
            lambda chosen: statistic(data[chosen]),
            vectorized=False,
            confidence_level=confidence,
            n_resamples=resamples,
            method=method,
            batch=max(1, BATCH // len(data)),
            random_state=np.random.default_rng(seed),
        ).confidence_interval
    if np.isnan(found.low) or np.isnan(found.high):
        raise ValueError(f"the statistic must vary between devices, got {float(statistic(data)):g} for all")
    return float(statistic(data)), float(found.low), float(found.high)


def bootstrap_band(
    values: Any,
    family: str,
    share: ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 500,
    seed: int = 0,
) -> xr.Dataset:
    """Return fitted quantiles with percentile intervals from fits to devices drawn again.

    Unlike the likelihood's, this band also shows how far the fit would move if the family is wrong.

    Returns
    -------
    xarray.Dataset
        As :meth:`.Fit.quantiles`, and ``failed``: resamples that could not be fitted (too many values alike).
    """
    sample, random, part = (
        Sample.of(values),
        np.random.default_rng(seed),
        np.atleast_1d(np.asarray(share, float)),
    )
    best = fit(sample, family).quantiles(part, confidence)
    draws, number = [], len(sample.low)
    for _ in range(resamples):
        try:
            again = fit(sample.resampled(random.integers(0, number, number)), family)
        except ValueError:
            continue
        draws.append(again.values(part))
    if len(draws) < resamples / 2:
        raise ValueError(f"values must allow a fit in most resamples, got {len(draws)} of {resamples}")
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    return best.assign(low=("share", low), high=("share", high), failed=resamples - len(draws))


def weakest_link(share: ArrayLike, ratio: float) -> Floats:
    """Return the share of devices that fail if each is ``ratio`` times as large: 1 - (1 - F)^ratio.

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


def _values(values: Any) -> tuple[Any, float]:
    """Return the values as a numpy or dask array, inf where censored, and the smallest bound of those."""
    if isinstance(values, Sample):
        if not np.all(values.exact | values.right) or np.any(values.weight != 1):
            raise ValueError("quantiles must have exact and right-censored values only; use fit")
        return values.high, float(np.min(values.low[values.right], initial=np.inf))
    data = values.data if isinstance(values, xr.DataArray) else np.asarray(values)
    if not data.size:
        raise ValueError("values must hold at least one value, got none")
    return data, np.inf


def _counts(values: Any, prefixes: Keys, settled: int) -> dict[np.uint64, NDArray[np.int64]]:
    """Return, for each of the leading bits wanted, how many values go on with each next digit."""
    import dask

    total = np.zeros((len(prefixes), 1 << DIGITS), np.int64)
    chunks = iter(values.to_delayed().ravel())
    count = dask.delayed(_count, pure=True)  # type: ignore[attr-defined]
    while group := [count(chunk, prefixes, settled) for chunk in _take(chunks)]:
        for part in dask.compute(*group):  # type: ignore[attr-defined,no-untyped-call]
            total += part
    return dict(zip(prefixes, total, strict=True))


def _take(chunks: Iterator[Any]) -> Iterator[Any]:
    for _, chunk in zip(range(TOGETHER), chunks, strict=False):
        yield chunk


def _count(chunk: Any, prefixes: Keys, settled: int) -> NDArray[np.int64]:
    flat = np.asarray(chunk, np.float64).ravel()
    if lost := int(np.isnan(flat).sum()):
        raise ValueError(f"values must not be NaN, got {lost} NaN in a chunk of {flat.size}")
    bits = (flat + 0.0).view(np.uint64)  # + 0.0: the negative zero is no value of its own
    top = np.uint64(1 << 63)
    keys = np.where(bits & top, ~bits, bits | top)
    out = np.zeros((len(prefixes), 1 << DIGITS), np.int64)
    digits = (keys >> np.uint64(64 - DIGITS - settled)) & np.uint64((1 << DIGITS) - 1)
    for row, prefix in zip(out, prefixes, strict=True):
        chosen = digits if not settled else digits[keys >> np.uint64(64 - settled) == prefix]
        row += np.bincount(chosen.astype(np.int64), minlength=1 << DIGITS)
    return out


def _number(keys: Keys) -> Floats:
    """Return the numbers of order-preserving integers."""
    top = np.uint64(1 << 63)
    return np.where(keys & top, keys ^ top, ~keys).view(np.float64)
