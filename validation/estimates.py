"""Numbers with errors from few devices: medians, slopes by resampling whole devices, Weibull slopes."""

import numpy as np

DRAWS = 400


def median(values):
    """Return the median and its standard error (bootstrap); NaN for no value, error 0 for one."""
    values = clean(values)
    if not len(values):
        return np.nan, np.nan
    draws = np.random.default_rng(1).choice(values, (DRAWS, len(values)))
    return float(np.median(values)), float(np.median(draws, axis=1).std())


def fraction(flags):
    """Return the fraction of true flags and its standard error (Agresti-Coull, so that 0 and 1 have one)."""
    n, hits = len(flags), int(np.sum(flags))
    if not n:
        return np.nan, np.nan
    centre = (hits + 2) / (n + 4)
    return hits / n, float(np.sqrt(centre * (1 - centre) / (n + 4)))


def clean(values):
    """Return the finite ones of some numbers, of which some may be None."""
    array = np.array([np.nan if value is None else value for value in values], float)
    return array[np.isfinite(array)]


def grid(rows):
    """Return a table (devices, settings) of numbers, NaN where there is none."""
    return np.array([[np.nan if value is None else value for value in row] for row in rows], float)


def line(x, table, middle=np.nanmean):
    """Fit a line through the middle of each column.

    Parameters
    ----------
    x : (k,) array
    table : (n, k) array
        One device per row, NaN where it gave nothing, infinity where it takes forever.
    middle : callable
        nanmean or nanmedian.

    Returns
    -------
    slope, error, intercept, r2 : float
        Error by resampling devices; NaN where fewer than two columns have a value.
    """
    x = np.asarray(x, float)
    slope, intercept, r2 = _line(x, table, middle)
    random, slopes = np.random.default_rng(1), []
    for _ in range(DRAWS):
        slopes.append(_line(x, table[random.integers(0, len(table), len(table))], middle)[0])
    return slope, float(np.nanstd(slopes)), intercept, r2


def _line(x, table, middle):
    y = middle(table, axis=0)
    # No value at all, or a median device that takes forever.
    kept = np.isfinite(y)
    if kept.sum() < 2:
        return np.nan, np.nan, np.nan
    y = y[kept]
    slope, intercept = np.polyfit(x[kept], y, 1)
    left = y - slope * x[kept] - intercept
    spread = np.sum((y - y.mean()) ** 2)
    return float(slope), float(intercept), float(1 - left @ left / spread) if spread > 0 else np.nan


def weibull(times):
    """Return the Weibull slope of some times (maximum likelihood) and its error (bootstrap)."""
    logs = np.log(clean(times))
    if len(logs) < 4:
        return np.nan, np.nan
    random = np.random.default_rng(1)
    draws = [_weibull(random.choice(logs, len(logs))) for _ in range(DRAWS // 2)]
    return _weibull(logs), float(np.nanstd(draws))


def _weibull(logs):
    """Solve the likelihood equation  sum t^b ln t / sum t^b - 1/b = mean ln t  by bisection."""
    low, high = 1e-3, 1e3
    if np.ptp(logs) == 0:
        return np.nan
    logs = logs - logs.max()
    for _ in range(100):
        slope = np.sqrt(low * high)
        weight = np.exp(slope * logs)
        if np.sum(weight * logs) / weight.sum() - 1 / slope > logs.mean():
            high = slope
        else:
            low = slope
    return float(np.sqrt(low * high))
