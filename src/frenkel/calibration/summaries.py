"""Statistics of devices that a calibration compares, the same of few devices as of many.

Spreads are compared by their logarithm, which for normal devices is off by (psi(n/2) - ln(n/2))/2 on average,
n the degrees of freedom; it is taken off, so that a target of few devices and a simulation of many have one
expectation. Its law is skewed, and a likelihood that takes it for normal has its middle at the mean: spreads
of a target are lowered by what the mean is below the median, so that half of all targets are on either side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaincinv

from ..typing import Floats, Index

FEWEST_DEVICES, FEWEST_CYCLES = 8, 3
"""Devices and cycles from which on their spread is compared."""

ALIKE = 0.5
"""Fraction of the devices of a point with one value above which a feature is not compared."""

SPREAD = "ln spread of devices"
"""Name of the statistic that is left out where a feature has fewer devices."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Which statistics are taken of devices.

    Parameters
    ----------
    features : tuple of str
    of_devices, of_cycles : bool
        Whether the spread between devices, and that within a device, are among them.
    kept : tuple of int, optional
        Places of those that are compared; default: all.
    """

    features: tuple[str, ...]
    of_devices: bool
    of_cycles: bool
    kept: tuple[int, ...] | None = None

    @property
    def every(self) -> tuple[str, ...]:
        """Names of all statistics that could be compared."""
        kinds = ["mean"]
        kinds += [SPREAD] * self.of_devices + ["ln spread of cycles"] * self.of_cycles
        return tuple(f"{kind} of {name}" for kind in kinds for name in self.features)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the statistics that are compared."""
        return self.every if self.kept is None else tuple(self.every[i] for i in self.kept)

    def without(self, features: Sequence[str]) -> "tuple[Summary, Index]":
        """Return the summary without some features, and which of the present statistics stay."""
        every = self.kept if self.kept is not None else tuple(range(len(self.every)))
        left = [
            (place, i)
            for place, i in enumerate(every)
            if self.features[i % len(self.features)] not in features
        ]
        kept = tuple(i for _, i in left)
        return replace(self, kept=kept), np.array([place for place, _ in left], int)

    def devices(self, values: Floats) -> Floats:
        """Return what the statistics take of each device: (..., cycles, k) to (..., 2 k).

        Mean over its cycles, and logarithm of the spread of its cycles; NaN where there are too few values.
        """
        finite = np.isfinite(values)
        count = finite.sum(axis=-2)
        total = np.where(finite, values, 0.0).sum(axis=-2)
        level = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        centred = np.where(finite, values - level[..., None, :], 0.0)
        spread = _ln_spread((centred**2).sum(axis=-2), count - 1)
        statistics: Floats = np.concatenate([level, spread], axis=-1)
        return statistics

    def together(self, devices: Floats) -> Floats:
        """Return the statistics of devices, (..., devices, 2 k) to (..., number of statistics)."""
        k = len(self.features)
        finite = np.isfinite(devices)
        count = finite.sum(axis=-2)
        mean = _mean(devices, finite, count)
        rows = [mean[..., :k]]
        if self.of_devices:
            centred = np.where(finite, devices - mean[..., None, :], 0.0)[..., :k]
            rows.append(_ln_spread((centred**2).sum(axis=-2), count[..., :k] - 1))
        if self.of_cycles:
            rows.append(mean[..., k:])
        statistics: Floats = np.concatenate(rows, axis=-1)
        return statistics if self.kept is None else statistics[..., list(self.kept)]

    def of(self, values: Floats) -> Floats:
        """Return the statistics of a table (..., devices, cycles, k)."""
        return self.together(self.devices(values))

    def below_median(self, values: Floats) -> Floats:
        """Return how much the median of each statistic of a table (devices, cycles, k) is above its mean.

        Of normal numbers; that of the mean of n like spreads is an n-th of that of one.
        """
        count = np.isfinite(values).sum(axis=1)
        devices_with_values = np.maximum((count > 0).sum(axis=0), 1)
        rows = [np.zeros(len(self.features))]
        if self.of_devices:
            rows.append(_below_median(devices_with_values - 1))
        if self.of_cycles:
            repeated = np.maximum((count > 1).sum(axis=0), 1)
            rows.append(np.where(count > 1, _below_median(count - 1), 0.0).sum(axis=0) / repeated**2)
        bias: Floats = np.concatenate(rows)
        return bias if self.kept is None else bias[list(self.kept)]


def summary(features: Sequence[str], values: Floats) -> tuple[Summary, Floats, tuple[str, ...]]:
    """Return which statistics a table (devices, cycles, k) has, their values, and the names of others.

    Values are those for a likelihood that takes them for normal, see :meth:`Summary.below_median`.
    """
    devices, cycles = values.shape[:2]
    template = Summary(tuple(features), devices >= FEWEST_DEVICES, cycles >= FEWEST_CYCLES)
    statistics = template.of(values) - template.below_median(values)
    few = counts(values) < FEWEST_DEVICES
    k = len(few)
    statistics[[SPREAD in name and few[i % k] for i, name in enumerate(template.every)]] = np.nan
    finite = np.flatnonzero(np.isfinite(statistics))
    lacking = tuple(name for i, name in enumerate(template.every) if i not in finite)
    part = Summary(template.features, template.of_devices, template.of_cycles, tuple(finite.tolist()))
    return part, statistics[finite], lacking


def coarse(devices: Floats) -> Index:
    """Return which features take one value in more than half of the devices of some point.

    Parameters
    ----------
    devices : ndarray of shape (points, devices, 2 k)
        What :meth:`Summary.devices` returns.

    Returns
    -------
    ndarray of int
        Their places. Means of so few values are not normal, and a spread may be 0 by chance.
    """
    levels = devices[:, :, : devices.shape[2] // 2]
    places = []
    for place, feature in enumerate(np.moveaxis(levels, 2, 0)):
        known = [point[np.isfinite(point)] for point in feature]
        most = [np.unique(one, return_counts=True)[1].max() / len(one) for one in known if len(one) > 1]
        if max(most, default=0.0) > ALIKE:
            places.append(place)
    return np.array(places, int)


def counts(values: Floats) -> Index:
    """Return how many devices of a table (devices, cycles, k) have each feature."""
    number: Index = np.isfinite(values).any(axis=1).sum(axis=0)
    return number


def side_by_side(tables: Sequence[Floats]) -> Floats:
    """Return tables (..., devices, cycles, k) as one: features beside each other, NaN where one is shorter.

    Row i of one table has nothing to do with row i of another one.
    """
    devices, cycles = (max(table.shape[axis] for table in tables) for axis in (-3, -2))
    parts = []
    for table in tables:
        whole = np.full((*table.shape[:-3], devices, cycles, table.shape[-1]), np.nan)
        whole[..., : table.shape[-3], : table.shape[-2], :] = table
        parts.append(whole)
    return np.concatenate(parts, axis=-1)


def _mean(devices: Floats, known: Floats, count: Floats) -> Floats:
    mean: Floats = np.where(
        count > 0, np.where(known, devices, 0.0).sum(axis=-2) / np.maximum(count, 1), np.nan
    )
    return mean


def _ln_spread(squares: Floats, freedom: Floats) -> Floats:
    """Return the logarithm of a standard deviation from a sum of squares, NaN where there is none."""
    half = 0.5 * np.maximum(freedom, 1)
    with np.errstate(divide="ignore"):
        logarithm = 0.5 * (np.log(squares / (2.0 * half)) - digamma(half) + np.log(half))
    log_variances: Floats = np.where((freedom > 0) & (squares > 0), logarithm, np.nan)
    return log_variances


def _below_median(freedom: Index) -> Floats:
    """Return how much the median of the logarithm of a spread of normal numbers is above its mean."""
    half = 0.5 * np.maximum(freedom, 1)
    bias: Floats = 0.5 * (np.log(gammaincinv(half, 0.5)) - digamma(half))
    return bias
