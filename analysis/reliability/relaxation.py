"""Relaxation of programmed conductances: laws of time, spread, and distributions at a fixed time.

Data are conductances (S) of many devices at the same times after programming: a dataset or array with the
dimensions ``device`` and ``time``.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from ...cells.noise import on_line
from ...checks import one_of, positive
from ...typing import Floats
from ..statistics import regression

FAMILIES = {
    "normal": stats.norm,
    "lognormal": stats.lognorm,
    "weibull": stats.weibull_min,
    "gamma": stats.gamma,
    "logistic": stats.logistic,
    "gumbel": stats.gumbel_r,
}
POSITIVE = ("lognormal", "weibull", "gamma")
"""Families of positive values, fitted with their lower end at 0."""

LAWS = ("constant", "logarithm", "power law")


def conductances(time: ArrayLike, conductance: ArrayLike) -> xr.DataArray:
    """Return conductances of devices as the other functions take them, after checks.

    Parameters
    ----------
    time : (n_times,) array_like
        Time after programming (s), above 0, ascending, at least 3.
    conductance : (n_devices, n_times) or (n_times,) array_like
        S.

    Returns
    -------
    xarray.DataArray
        Dimensions ``device`` and ``time``.
    """
    t, g = np.asarray(time, float), np.atleast_2d(np.asarray(conductance, float))
    if t.ndim != 1 or len(t) < 3:
        raise ValueError(f"time must hold at least 3 times, s, got {t.size}")
    if not t.min() > 0:
        raise ValueError(f"time after programming must be above 0 s for its logarithm, got {t.min():g} s")
    if np.any(np.diff(t) <= 0):
        raise ValueError("time must ascend, s")
    if g.shape[1:] != t.shape:
        raise ValueError(f"conductance must have one value for each of the {len(t)} times, got {g.shape[-1]}")
    missing = int(np.count_nonzero(~np.isfinite(g)))
    if missing:
        raise ValueError(f"conductance must be finite, S: {missing} of {g.size} values are missing")
    coords = {"time": ("time", t, {"units": "s"}), "device": np.arange(len(g))}
    return xr.DataArray(g, coords, ("device", "time"), "conductance", {"units": "S"})


def compare_laws(
    data: xr.DataArray, *, reference: float = 1.0, resamples: int = 200, seed: int = 0
) -> xr.Dataset:
    """Fit laws of time to the mean conductance and compare them by Akaike's criterion.

    ``constant``: G = a; ``logarithm``: G = a + b ln(t/t0); ``power law``: G = a (t/t0)^-b. Each time is
    weighted by the standard error of the mean over devices; one device alone, at six times or more, is
    fitted without weights and with the corrected criterion AICc. Intervals
    come from resampling devices, or the residuals of one device.

    Parameters
    ----------
    data : xarray.DataArray
        From :func:`conductances`.
    reference : float
        t0 (s), above 0.
    resamples : int
        Number of bootstrap samples.
    seed : int

    Returns
    -------
    xarray.Dataset
        Along ``law``: ``aic``, ``level`` a (S), ``rate`` b (S or 1), ``r_squared``, with ``bound`` the 95 %
        intervals ``level_interval``, ``rate_interval``; ``preference_interval`` of the difference of AIC
        between power law and logarithm (positive: the logarithm is better), ``best`` (name of the least AIC).
    """
    positive("reference", reference, "s")
    x = np.log(data["time"].values / reference)
    g = data.values

    if 1 < len(g) < 8:
        raise ValueError(f"laws must be fitted to one device or to at least 8, got {len(g)}")
    if len(g) == 1 and len(x) < 6:
        raise ValueError(f"time must hold at least 6 times for one device alone, s, got {len(x)}")
    table, fitted = _laws(x, g)
    if len(g) > 1:
        draws = regression.bootstrap(lambda rows: _laws(x, g[rows])[0], len(g), resamples, seed)
    else:
        best = fitted[int(np.argmin(table[:, 0]))]
        residual = (g[0] - best) * np.sqrt(len(x) / (len(x) - 2))
        draws = regression.bootstrap(
            lambda rows: _laws(x, best[None] + residual[rows])[0], len(x), resamples, seed
        )
    bounds = regression.bootstrap_interval(table, draws, len(g) if len(g) > 1 else len(x) - 2)
    preference = draws[:, 2, 0] - draws[:, 1, 0]
    fits = xr.Dataset(
        {
            "aic": ("law", table[:, 0]),
            "level": ("law", table[:, 1], {"units": "S"}),
            "rate": ("law", table[:, 2]),
            "r_squared": ("law", table[:, 3]),
            "level_interval": (("law", "bound"), bounds[:, 1], {"units": "S"}),
            "rate_interval": (("law", "bound"), bounds[:, 2]),
            "preference_interval": ("bound", np.quantile(preference, [0.025, 0.975])),
        },
        {"law": list(LAWS), "bound": ["low", "high"]},
    )
    return fits.assign(best=LAWS[int(np.argmin(table[:, 0]))])


def _laws(x: Floats, g: Floats) -> tuple[Floats, list[Floats]]:
    """Return AICc, level, rate and R^2 of each law (3, 4), and the fitted curves."""
    mean, devices, n = g.mean(axis=0), len(g), len(x)
    error = g.std(axis=0, ddof=1) / np.sqrt(devices) if devices > 1 else np.ones(n)
    if not np.all(error > 0):
        raise ValueError("conductance must scatter over devices at every time, S: give one of equal devices")
    weight = 1 / error**2
    level = float(np.average(mean, weights=weight))
    straight = regression.line(x, mean, error)
    power = _power(x, mean, weight)
    values = [(level, 0.0), (straight.intercept, straight.slope), power]
    curves = [np.full(n, level), on_line(values[1], x), power[0] * np.exp(-power[1] * x)]
    total = float(weight @ (mean - level) ** 2)
    rows = []
    for curve, (a, b), parameters in zip(curves, values, (1, 2, 2), strict=True):
        cost = float(weight @ (mean - curve) ** 2)
        # With known errors chi-square is the deviance; otherwise the scatter is one parameter more.
        k = parameters + (devices == 1)
        deviance = cost if devices > 1 else n * np.log(max(cost, 1e-300) / n)
        correction = 0.0 if devices > 1 else 2 * k * (k + 1) / (n - k - 1)
        rows.append((deviance + 2 * k + correction, a, b, 1 - cost / total if total > 0 else 1.0))
    return np.array(rows), curves


def _power(x: Floats, mean: Floats, weight: Floats) -> tuple[float, float]:
    """Return level and exponent of a (t/t0)^-b by least squares in the conductance itself."""

    def cost(exponent: float) -> float:
        shape = np.exp(-exponent * (x - x[0]))
        level = float(weight @ (mean * shape)) / float(weight @ shape**2)
        return float(weight @ (mean - level * shape) ** 2)

    # A start from the ends, then a bracket around it.
    span = x[-1] - x[0]
    positive = mean[0] * mean[-1] > 0
    guess = -np.log(mean[-1] / mean[0]) / span if positive else 0.0
    width = abs(guess) + 1 / span
    solution = optimize.minimize_scalar(cost, (guess - width / 2, guess + width / 2), method="brent")
    exponent = float(solution.x)
    shape = np.exp(-exponent * x)
    return float(weight @ (mean * shape)) / float(weight @ shape**2), exponent


def spread(data: xr.DataArray, *, resamples: int = 200, seed: int = 0) -> xr.Dataset:
    """Fit the shift of the mean and the standard deviation over devices, both linear in ln t.

    Parameters
    ----------
    data : xarray.DataArray
        From :func:`conductances`, at least 8 devices.
    resamples, seed : int
        Of the bootstrap over devices.

    Returns
    -------
    xarray.Dataset
        Along ``time``: ``mean`` and ``deviation`` (S); along ``quantity`` (mean, deviation): ``level`` (S, at
        1 s), ``slope`` (S per unit of ln t), their 95 % intervals along ``bound``, and ``r_squared``.
    """
    g, x = data.values, np.log(data["time"].values)
    if len(g) < 8:
        raise ValueError(f"spread must be found from at least 8 devices, got {len(g)}")

    def both(rows: NDArray[np.int64]) -> Floats:
        return np.array([(fit.intercept, fit.slope, fit.r_squared) for fit in lines(x, g[rows])])

    value = both(np.arange(len(g)))
    draws = regression.bootstrap(both, len(g), resamples, seed)
    bounds = regression.bootstrap_interval(value, draws, len(g))
    return xr.Dataset(
        {
            "mean": ("time", g.mean(axis=0), {"units": "S"}),
            "deviation": ("time", g.std(axis=0, ddof=1), {"units": "S"}),
            "level": ("quantity", value[:, 0], {"units": "S"}),
            "slope": ("quantity", value[:, 1], {"units": "S"}),
            "r_squared": ("quantity", value[:, 2]),
            "level_interval": (("quantity", "bound"), bounds[:, 0], {"units": "S"}),
            "slope_interval": (("quantity", "bound"), bounds[:, 1], {"units": "S"}),
        },
        {"time": data["time"], "quantity": ["mean", "deviation"], "bound": ["low", "high"]},
    )


def lines(u: Floats, values: Floats) -> tuple[regression.Line, regression.Line]:
    """Fit the mean and the standard deviation of devices (devices, times), both linear in u = ln t."""
    return regression.line(u, values.mean(axis=0)), regression.line(u, values.std(axis=0, ddof=1))


def quantiles(
    data: xr.DataArray, shares: Sequence[float] = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
) -> xr.DataArray:
    """Return quantiles of the conductance over devices at each time, along ``quantile`` and ``time``."""
    values = np.quantile(data.values, list(shares), axis=0)
    coords = {"quantile": list(shares), "time": data["time"]}
    return xr.DataArray(values, coords, ("quantile", "time"), "conductance", {"units": "S"})


def fit_distributions(
    values: ArrayLike,
    families: Sequence[str] = tuple(FAMILIES),
    *,
    resamples: int = 100,
    seed: int = 0,
) -> xr.Dataset:
    """Fit families of distributions by maximum likelihood and compare them by Akaike's criterion.

    Parameters
    ----------
    values : (n,) array_like
        At least 8; conductances, their shifts, times.
    families : sequence of str
        Names in :data:`FAMILIES`. Those of positive values have their lower end at 0; where a value is not
        above 0 their ``aic`` is NaN.
    resamples : int
        Samples drawn from each fitted family for the intervals (parametric bootstrap), 0 for none.
    seed : int

    Returns
    -------
    xarray.Dataset
        Along ``family``: ``aic``, ``weight`` (Akaike's), ``shape`` (NaN for families without), ``location``,
        ``scale`` as SciPy defines them, and with ``bound`` the 95 % intervals of the three; ``best``.
    """
    x = np.asarray(values, float)
    for name in families:
        one_of("family", name, FAMILIES)
    if len(x) < 8 or not np.all(np.isfinite(x)) or not np.ptp(x) > 0:
        raise ValueError(f"values must hold at least 8 finite numbers that differ, got {len(x)}")
    rows = np.array([_family(name, x) for name in families])
    draws = np.full((max(resamples, 2), len(families), 4), np.nan)
    for column, name in enumerate(families if resamples else ()):
        random = np.random.default_rng([seed, column])
        if np.isfinite(rows[column, 0]):
            draws[:, column] = [_family(name, _draw(name, rows[column], len(x), random)) for _ in draws]
    # A location that is fixed gets an interval of width 0; shape and scale are positive.
    bounds = np.stack(
        [regression.bootstrap_interval(rows[:, i], draws[:, :, i], None, positive=i != 2) for i in (1, 2, 3)],
        axis=1,
    )
    relative = np.exp(-0.5 * (rows[:, 0] - np.nanmin(rows[:, 0])))
    names = ("shape", "location", "scale")
    data: dict[str, tuple[object, Floats]] = {
        name: ("family", rows[:, i + 1]) for i, name in enumerate(names)
    }
    data |= {f"{name}_interval": (("family", "bound"), bounds[:, i]) for i, name in enumerate(names)}
    data |= {"aic": ("family", rows[:, 0]), "weight": ("family", relative / np.nansum(relative))}
    fits = xr.Dataset(data, {"family": list(families), "bound": ["low", "high"]})
    return fits.assign(best=families[int(np.nanargmin(rows[:, 0]))])


def _draw(name: str, row: Floats, number: int, random: np.random.Generator) -> Floats:
    fitted = row[1:] if name in POSITIVE else row[2:]
    return np.asarray(FAMILIES[name].rvs(*fitted, size=number, random_state=random), float)


def _family(name: str, x: Floats) -> tuple[float, float, float, float]:
    """Return AIC, shape, location and scale."""
    law = FAMILIES[name]
    if name in POSITIVE:
        if not x.min() > 0:
            return (np.nan,) * 4
        if name == "lognormal":  # closed form
            logs = np.log(x)
            fitted: tuple[float, ...] = (float(logs.std()), 0.0, float(np.exp(logs.mean())))
        else:
            # In units of the mean, so that the search starts near its end whatever the unit is.
            shape, _, scale = law.fit(x / x.mean(), floc=0)
            fitted = (shape, 0.0, scale * x.mean())
    else:
        middle, unit = float(x.mean()), float(x.std())
        location, scale = law.fit((x - middle) / unit)
        fitted = (middle + unit * location, unit * scale)
    aic = 2 * 2 - 2 * float(np.sum(law.logpdf(x, *fitted)))
    shape_value = fitted[0] if len(fitted) == 3 else np.nan
    return aic, shape_value, fitted[-2], fitted[-1]


def tail_fraction(values: ArrayLike, low: float, high: float) -> dict[str, float]:
    """Return the fraction of values outside a window with its exact binomial 95 % interval.

    Parameters
    ----------
    values : (n,) array_like
        Conductances (S) after a programmed window was verified.
    low, high : float
        Window (S).

    Returns
    -------
    dict
        ``fraction``, ``low``, ``high``.
    """
    x = np.asarray(values, float)
    if not low < high:
        raise ValueError(f"low must be below high, S, got {low:g} and {high:g} S")
    outside = int(np.count_nonzero((x < low) | (x > high)))
    interval = stats.binomtest(outside, len(x)).proportion_ci(0.95)
    return {"fraction": outside / len(x), "low": float(interval.low), "high": float(interval.high)}
