"""Which part of a spread belongs to the devices, and how long a device remembers its cycles.

Values are those of some devices over some cycles, such as ln(R) after each RESET:
x[d, c] = m + b[d] + w[d, c], with the variance of b between devices and that of w within a device.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ...checks import inside, positive, whole
from ...typing import Floats
from .statistics import bootstrap

LEAST_CYCLES = 4
"""Cycles for each lag of a correlation, at least: with fewer the trend that is removed takes it along."""

ROUNDING = 1e-24
"""Squares of residuals that count as rounding, over those of the values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalEstimate:
    """An estimate with its 95 % interval.

    Parameters
    ----------
    value, low, high : float
    devices : int
        Devices with values.
    """

    value: float
    low: float
    high: float
    devices: int


def variance_components(values: Any) -> tuple[float, float]:
    """Return the variance between devices, and that within a device, by the analysis of variance.

    With n[d] values of device d, N in all, of a devices: the mean squares between and within devices, MSB and
    MSW, have the expectations ``w + n0 b`` and ``w``, with ``n0 = (N - sum n^2 / N) / (a - 1)``. So
    ``b = (MSB - MSW) / n0``, which may be below 0. Where all devices have as many values, it is that of
    restricted maximum likelihood unless negative (S. R. Searle, G. Casella, C. E. McCulloch, Variance
    Components (1992), 10.1002/9780470316856, chapters 3 and 4).

    Parameters
    ----------
    values : (n_devices, n_cycles) array_like
        NaN or infinite: missing.

    Returns
    -------
    between, within : float

    Raises
    ------
    ValueError
        Fewer than two devices have values, or none has two.
    """
    return _components(_sums(values))


def variance_fraction(values: Any, *, resamples: int = 1999) -> IntervalEstimate:
    """Return the fraction of the variance that belongs to the devices, b / (b + w), with its 95 % interval.

    Components as in :func:`variance_components`, interval by drawing whole devices again
    (:func:`.bootstrap`). The value and both ends are at least 0. Of 400 normal ensembles each it held the
    truth in 93 to 94 % (64 devices of 20 cycles, fractions of 0.1, 0.5, 0.8), of 120 in 89 % (24 of 10, 0.5).

    Parameters
    ----------
    values : (n_devices, n_cycles) array_like
        NaN or infinite: missing.
    resamples : int
        Of the bootstrap.

    Raises
    ------
    ValueError
        As :func:`variance_components`; or all values are equal.
    """
    sums = _sums(values)
    positive("variance of the values", sum(_components(sums)))
    ends = bootstrap(sums, lambda drawn: _fraction(*_components(drawn)), resamples=resamples)
    value, low, high = (max(end, 0.0) for end in ends)
    return IntervalEstimate(value=value, low=low, high=high, devices=len(sums))


def lag_correlation(values: Any, lag: int, *, resamples: int = 1999) -> IntervalEstimate:
    """Return the correlation of a device's values with those of ``lag`` cycles later, with its 95 % interval.

    The linear trend of each device over its cycles is removed, and what that takes of the correlation is
    given back: with residuals e = M x, x of autocovariances G[j], the sum over pairs of e[t] e[t + h] is
    expected to be ``sum_j A[h, j] G[j]``, ``A[h, j] = tr(M U_h M T_j)``, with ones in U_h where the column is
    h after the row, and in T_j where both differ by j. These equations are solved for G at lags up to the
    larger of ``lag`` and a quarter of the cycles; correlations of longer lags count as 0. The value is
    ``G[lag] / G[0]``.

    Parameters
    ----------
    values : (n_devices, n_cycles) array_like
        NaN or infinite: missing. Devices with less than half of the cycles are left out.
    lag : int
        At least 1.
    resamples : int
        Of the bootstrap over devices.

    Raises
    ------
    ValueError
        There are fewer than :data:`LEAST_CYCLES` cycles for each lag, fewer than 3 devices, or no variation.
    """
    table = np.asarray(values, float)
    whole("lag", lag, 1)
    cycles = table.shape[1]
    if cycles < LEAST_CYCLES * (lag + 1):
        raise ValueError(f"a correlation at lag {lag} needs {LEAST_CYCLES * (lag + 1)} cycles, got {cycles}")
    present = np.isfinite(table)
    kept = 2 * np.count_nonzero(present, axis=1) >= cycles
    table, present = table[kept], present[kept]
    if len(table) < 3:
        raise ValueError(f"a correlation needs at least 3 devices with half of the cycles, got {len(table)}")
    longest = max(lag, cycles // 4)
    patterns, pattern_of = np.unique(present, axis=0, return_inverse=True)
    removers = [_without_trend(pattern) for pattern in patterns]
    systems = np.array([_system(remover, longest) for remover in removers])
    rows = []
    for row, number in zip(np.where(present, table, 0.0), pattern_of.ravel(), strict=True):
        residual = removers[number] @ row
        if residual @ residual <= ROUNDING * (row @ row):
            residual = np.zeros_like(row)
        rows.append([*(residual[: cycles - h] @ residual[h:] for h in range(longest + 1)), number])

    def correlation(drawn: Floats) -> float:
        number = np.bincount(drawn[:, -1].astype(int), minlength=len(systems))
        covariance = np.linalg.solve(np.tensordot(number, systems, 1), drawn[:, :-1].sum(axis=0))
        return float(covariance[lag] / covariance[0]) if covariance[0] > 0.0 else 0.0

    if not any(row[0] > 0.0 for row in rows):
        raise ValueError("a correlation needs values that vary about their trends, got none")
    value, low, high = bootstrap(np.array(rows), correlation, resamples=resamples)
    return IntervalEstimate(value=value, low=low, high=high, devices=len(rows))


def devices_needed(fraction: float, width: float, cycles: int) -> int:
    """Return how many devices make the 95 % interval of a variance fraction as narrow as asked for.

    From the variance of the estimate for normal values and k devices of n independent cycles,
    ``2 (1 - F)^2 (1 + (n - 1) F)^2 / (n (n - 1) (k - 1))``, so that with z = 1.96 and the width W
    ``k = 1 + 8 z^2 (1 - F)^2 (1 + (n - 1) F)^2 / (n (n - 1) W^2)`` (D. G. Bonett, Stat. Med. 21, 1331
    (2002), 10.1002/sim.1108). Heavy tails between devices need more.

    Parameters
    ----------
    fraction : float
        Expected fraction F, between 0 and 1.
    width : float
        Full width of the interval, between 0 and 1.
    cycles : int
        Of each device, at least 2; they count as independent within a device.

    Returns
    -------
    int
        At least 3.
    """
    inside("fraction", fraction, 0, 1)
    inside("width", width, 0, 1)
    whole("cycles", cycles, 2)
    z = float(stats.norm.isf(0.025))
    spread = (1.0 - fraction) * (1.0 + (cycles - 1) * fraction)
    return max(3, math.ceil(1.0 + 8.0 * (z * spread / width) ** 2 / (cycles * (cycles - 1))))


def _sums(values: Any) -> Floats:
    """Return number, mean and sum of squares about it of each device that has values, (n_devices, 3)."""
    table = np.asarray(values, float)
    present = np.isfinite(table)
    number = present.sum(axis=1)
    table, present, number = table[number > 0], present[number > 0], number[number > 0]
    mean = np.where(present, table, 0.0).sum(axis=1) / number
    squares = np.where(present, table - mean[:, None], 0.0) ** 2
    return np.column_stack([number, mean, squares.sum(axis=1)])


def _components(sums: Floats) -> tuple[float, float]:
    number, mean, squares = sums.T
    devices, total = len(sums), float(number.sum())
    if devices < 2 or total == devices:
        raise ValueError(
            f"variances need at least 2 devices, and two values of one of them, got {total:.0f} of {devices}"
        )
    grand = float(number @ mean) / total
    within = float(squares.sum()) / (total - devices)
    between = float(number @ (mean - grand) ** 2) / (devices - 1)
    effective = (total - float(number @ number) / total) / (devices - 1)
    return (between - within) / effective, within


def _fraction(between: float, within: float) -> float:
    total = between + within
    return between / total if total > 0.0 else 0.0  # where one device that stands still is drawn alone


def _without_trend(present: Any) -> Floats:
    """Return the matrix that takes the line of least squares away from present values, 0 where none are."""
    cycles = np.flatnonzero(present)
    line = np.column_stack([np.ones(len(cycles)), cycles - cycles.mean()])
    remover = np.zeros((len(present), len(present)))
    remover[np.ix_(cycles, cycles)] = np.eye(len(cycles)) - line @ np.linalg.pinv(line)
    return remover


def _system(remover: Floats, longest: int) -> Floats:
    """Return A[h, j] of :func:`lag_correlation`."""
    size = len(remover)
    system = np.empty((longest + 1, longest + 1))
    for h in range(longest + 1):
        product = remover @ np.eye(size, k=h) @ remover
        system[h] = [np.trace(product, j) + (np.trace(product, -j) if j else 0.0) for j in range(longest + 1)]
    return system
