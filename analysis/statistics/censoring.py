"""Values of which some are known to lie above, below or between two numbers, and their survival curve."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ...typing import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value for each device, each known exactly or between two bounds.

    Make one with :meth:`of` or :meth:`between`.

    Parameters
    ----------
    low, high : (n,) float64
        Bounds of each value, in its unit. Equal: known exactly. ``high`` inf: right-censored (the device had
        not switched when it was last looked at); ``low`` -inf: left-censored; else interval-censored.

    Raises
    ------
    ValueError
        No values, NaN, bounds in the wrong order, or both bounds infinite.
    """

    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        low, high = self.low, self.high
        if not len(low):
            raise ValueError("values must hold at least one value, got none")
        if missing := int(np.sum(np.isnan(low) | np.isnan(high))):
            raise ValueError(
                f"values must not be NaN, got {missing} NaN of {len(low)}: leave those devices out, or give "
                "them as right-censored at the largest value they were tested to"
            )
        wrong = (low > high) | (low == np.inf) | (high == -np.inf) | (np.isinf(low) & np.isinf(high))
        if np.any(wrong):
            first = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"values must have low <= high with one of them finite, got low = {low[first]:g} and "
                f"high = {high[first]:g} for value {first}"
            )

    @classmethod
    def of(cls, values: Any, *, right: ArrayLike | None = None) -> "Sample":
        """Return a sample of exact and right-censored values.

        Parameters
        ----------
        values : array_like, xarray.DataArray or Sample
            Of any shape; a Sample is returned as it is.
        right : array_like of bool, optional
            Where the true value lies above the one given; of the shape of ``values``.
        """
        if isinstance(values, Sample):
            return values
        numbers = np.asarray(values, float)
        marks = np.zeros(numbers.shape, bool) if right is None else np.asarray(right, bool)
        if marks.shape != numbers.shape:
            raise ValueError(f"right must have one flag for each value, got {marks.shape}")
        return cls.between(numbers, np.where(marks, np.inf, numbers))

    @classmethod
    def between(cls, low: ArrayLike, high: ArrayLike) -> "Sample":
        """Return a sample of values that lie between ``low`` and ``high``, both (n,)."""
        a, b = np.asarray(low, float).ravel(), np.asarray(high, float).ravel()
        if a.shape != b.shape:
            raise ValueError(f"low and high must have the same length, got {len(a)} and {len(b)}")
        return cls(low=a, high=b)

    def within(self, low: float = -np.inf, high: float = np.inf) -> "Sample":
        """Return the sample with values below ``low`` left-censored there, and above ``high`` right-censored.

        A fit to it describes the part between the two alone (such as percentiles 1 to 80 %).
        """
        if np.any(self.low != self.high):
            raise ValueError("only a sample without censored values can be restricted to a range")
        value = self.low
        return Sample(
            low=np.where(value < low, -np.inf, np.where(value > high, high, value)),
            high=np.where(value > high, np.inf, np.where(value < low, low, value)),
        )

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Which values are known exactly, (n,) bool."""
        return np.asarray(self.low == self.high)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which values are right-censored, (n,) bool."""
        return np.asarray(self.high == np.inf)


def kaplan_meier(values: Any) -> xr.Dataset:
    """Estimate the fraction of devices above each value, some values being right-censored.

    E. L. Kaplan and P. Meier, J. Am. Stat. Assoc. 53, 457 (1958), 10.1080/01621459.1958.10501452, by
    ``scipy.stats.ecdf``; the 95 % interval at each value is Greenwood's on the scale of log(-log S), which is
    between 0 and 1.

    Parameters
    ----------
    values : array_like or Sample
        Without left- or interval-censored values.

    Returns
    -------
    xarray.Dataset
        Along ``value`` (ascending, exact values only): ``survival`` with ``low`` and ``high`` (NaN where
        nobody is left), ``before`` (survival just below), ``at_risk``, ``events``.
    """
    sample = Sample.of(values)
    exact, right = sample.exact, sample.right
    if not np.all(exact | right):
        raise ValueError(
            "the Kaplan-Meier curve must have exact and right-censored values only, got "
            f"{int(np.sum(~(exact | right)))} left- or interval-censored values"
        )
    if not exact.any():
        raise ValueError(f"values must hold at least one that is not censored, got {len(exact)} censored")
    data = stats.CensoredData(uncensored=sample.low[exact], right=sample.low[right])
    curve = stats.ecdf(data).sf
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # undefined where nobody is left: NaN below
        bounds = curve.confidence_interval(0.95, method="log-log")
    value, events = np.unique(sample.low[exact], return_counts=True)
    # scipy keeps a row for each censored value too, where nothing changes.
    rows = np.searchsorted(curve.quantiles, value)
    survival = np.asarray(curve.probabilities, float)[rows]
    columns = {
        "survival": survival,
        "low": np.where(survival > 0, bounds.low.probabilities[rows], np.nan),
        "high": np.where(survival > 0, bounds.high.probabilities[rows], np.nan),
        "before": np.r_[1.0, survival[:-1]],
        "at_risk": len(exact) - np.searchsorted(np.sort(sample.low), value, side="left"),
        "events": events,
    }
    return xr.Dataset({name: ("value", column) for name, column in columns.items()}, {"value": value})
