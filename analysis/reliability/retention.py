"""Times to failure: survival with censoring, lifetime distributions, and Arrhenius extrapolation."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ...checks import at_least, inside, one_of, positive
from ...typing import Floats
from ...units import BOLTZMANN_EV
from ..statistics import censoring, distributions, regression

Flags = NDArray[np.bool_]


def failure_times(
    time: ArrayLike, conductance: ArrayLike, threshold: float, *, falls: bool = True
) -> tuple[Floats, Flags]:
    """Return when each device first passes a threshold, and whether it did.

    Parameters
    ----------
    time : (n_times,) array_like
        Times of the reads (s), ascending from 0 or later.
    conductance : (n_devices, n_times) array_like
        S.
    threshold : float
        S.
    falls : bool
        A device fails below the threshold; False: above.

    Returns
    -------
    time : (n_devices,) float64
        Time of the first read beyond the threshold, or of the last read (s).
    failed : (n_devices,) bool
        False: the device had not failed at its last read (censored).
    """
    t, g = np.asarray(time, float), np.atleast_2d(np.asarray(conductance, float))
    at_least("time", t, 0, "s")
    if g.shape[1] != len(t) or np.any(np.diff(t) <= 0):
        raise ValueError(
            f"time must ascend with one conductance each, s, got {len(t)} times and {g.shape[1]} reads"
        )
    has_failed = g < threshold if falls else g > threshold
    failed = has_failed.any(axis=1)
    first = np.where(failed, has_failed.argmax(axis=1), len(t) - 1)
    return t[first], np.asarray(failed)


def kaplan_meier(time: ArrayLike, failed: ArrayLike) -> xr.Dataset:
    """Estimate the fraction of devices that survive, some of them not followed to their end.

    As :func:`.censoring.kaplan_meier`, with its 95 % interval, for times of failure.

    Parameters
    ----------
    time : (n,) array_like
        Time of failure or of the last look (s), at least 0.
    failed : (n,) array_like of bool
        False: censored.

    Returns
    -------
    xarray.Dataset
        Along ``time`` (s, of failures): ``survival``, ``low``, ``high``, ``at_risk``, ``failures``. The
        interval is NaN where nobody survives.
    """
    t, has_failed = _lifetimes(time, failed)
    if not has_failed.any():
        raise ValueError(f"failed must hold at least one failure, got {len(t)} devices without")
    curve = censoring.kaplan_meier(censoring.Sample.of(t, right=~has_failed))
    curve = curve.drop_vars("before").rename(value="time", events="failures")
    return curve.assign_coords(time=("time", curve["time"].values, {"units": "s"}))


def survival_time(curve: xr.Dataset, share: float = 0.5) -> tuple[float, float, float]:
    """Return the time when a fraction of devices is left, with its 95 % interval (s).

    The interval holds the times whose survival interval includes the share (R. Brookmeyer and J. Crowley,
    Biometrics 38, 29 (1982), 10.2307/2530286). NaN where the curve does not reach the share.

    Parameters
    ----------
    curve : xarray.Dataset
        From :func:`kaplan_meier`.
    share : float
        0 to 1.
    """
    inside("share", share, 0, 1)
    time = np.asarray(curve["time"].values, float)

    def first(values: Floats) -> float:
        below = np.flatnonzero(values <= share)
        return float(time[below[0]]) if len(below) else np.nan

    # Where nobody is left the bounds are missing, and no time is known.
    low, high = (first(_held(np.asarray(curve[name].values, float))) for name in ("low", "high"))
    return first(np.asarray(curve["survival"].values, float)), low, high


def _held(values: Floats) -> Floats:
    return np.where(np.isnan(values), np.inf, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """A distribution of lifetimes, and what Arrhenius plots need of it.

    Parameters
    ----------
    fit : Fit
        Its ``location`` is the mean of ln t (lognormal) or ln of the time when 63.2 % failed (Weibull), t in
        s; its ``scale`` the standard deviation of ln t, or one over Weibull's slope.
    """

    fit: distributions.Fit

    @property
    def aic(self) -> float:
        """Akaike's criterion, smaller is better."""
        return self.fit.aic

    def quantile(self, share: float) -> tuple[float, float, float]:
        """Return the time (s) when a fraction of devices has failed, with its 95 % interval."""
        row = self.fit.quantiles(share)
        return float(row["value"][0]), float(row["low"][0]), float(row["high"][0])

    def survival(self, time: ArrayLike) -> Floats:
        """Return the fraction of devices that is left at times (s)."""
        return 1.0 - self.fit.cdf(time)

    @property
    def median_error(self) -> float:
        """Standard error of the logarithm of the median."""
        z = float(distributions.FAMILIES[self.fit.family].quantile(np.array(0.5)))
        slope = np.array([1.0, z * self.fit.scale])
        return float(np.sqrt(slope @ self.fit.covariance @ slope))


FAMILIES = ("lognormal", "weibull")
"""Distributions of lifetimes."""


def fit_lifetime(time: ArrayLike, failed: ArrayLike, family: str = "lognormal") -> Lifetime:
    """Fit a distribution of lifetimes by maximum likelihood with censoring, as :func:`.distributions.fit`.

    Parameters
    ----------
    time : (n,) array_like
        Time of failure or of the last look (s), above 0.
    failed : (n,) array_like of bool
        False: censored.
    family : str
        "lognormal" or "weibull".

    Raises
    ------
    ValueError
        Fewer than 3 different times of failure.
    """
    t, has_failed = _lifetimes(time, failed)
    one_of("family", family, FAMILIES)
    if not t.min() > 0 or len(np.unique(t[has_failed])) < 3:
        raise ValueError(
            f"time must be above 0 s with at least 3 different times of failure, got "
            f"{len(np.unique(t[has_failed]))} of {len(t)} devices"
        )
    return Lifetime(fit=distributions.fit(censoring.Sample.of(t, right=~has_failed), family))


def fit_bakes(
    bakes: Mapping[float, tuple[ArrayLike, ArrayLike]], family: str = "lognormal"
) -> dict[float, Lifetime]:
    """Fit the lifetimes of each bake temperature (K) that has at least 3 different times of failure.

    Parameters
    ----------
    bakes : mapping of float to (time, failed)
        As :func:`fit_lifetime`, of each temperature (K).
    family : str
        "lognormal" or "weibull".
    """
    fits = {}
    for temperature, (time, failed) in bakes.items():
        t, has_failed = _lifetimes(time, failed)
        if len(np.unique(t[has_failed])) >= 3:
            fits[temperature] = fit_lifetime(t, has_failed, family)
    return fits


def arrhenius_of(fits: Mapping[float, Lifetime]) -> "Arrhenius":
    """Fit median times of at least two temperatures (K), each weighted by its standard error."""
    if len(fits) < 2:
        raise ValueError(
            "an activation energy needs at least 2 temperatures with 3 different times of failure each, "
            f"got {len(fits)}"
        )
    medians = [float(fit.fit.values(np.array(0.5))) for fit in fits.values()]
    return arrhenius(list(fits), medians, [fit.median_error for fit in fits.values()])


def arrhenius(temperature: ArrayLike, time: ArrayLike, error: ArrayLike | None = None) -> "Arrhenius":
    """Fit time = prefactor exp(energy/kT).

    Parameters
    ----------
    temperature : (n,) array_like
        K, above 0; at least 3 different, 2 with ``error``.
    time : (n,) array_like
        Times to failure, dwell times (s), above 0.
    error : (n,) array_like, optional
        Standard errors of ln(time), such as :attr:`Lifetime.median_error`.

    Raises
    ------
    ValueError
        A temperature or time is not above 0, or there are too few.
    """
    t, tau = np.asarray(temperature, float), np.asarray(time, float)
    positive("temperature", t, "K")
    positive("time", tau, "s")
    return Arrhenius(line=regression.line(1 / (BOLTZMANN_EV * t), np.log(tau), error))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrhenius:
    """A thermally activated time.

    Parameters
    ----------
    line : Line
        ln(time/s) against 1/kT (1/eV).
    """

    line: regression.Line

    @property
    def energy(self) -> float:
        """Activation energy (eV)."""
        return self.line.slope

    @property
    def energy_interval(self) -> tuple[float, float]:
        """95 % interval of the activation energy (eV)."""
        return self.line.slope_interval

    def time(self, temperature: float) -> tuple[float, float, float]:
        """Return the time at a temperature (K), extrapolated, with its 95 % interval (s)."""
        value, half = self.line.at(1 / (BOLTZMANN_EV * temperature))
        return float(np.exp(value)), float(np.exp(value - half)), float(np.exp(value + half))


def voltage_acceleration(
    voltage: ArrayLike, time: ArrayLike, error: ArrayLike | None = None
) -> regression.Line:
    """Fit log10 of a time against the voltage: decades per volt of SET times, or of read disturb.

    Parameters
    ----------
    voltage : (n,) array_like
        V.
    time : (n,) array_like
        Time to the event (s), or number of reads; above 0.
    error : (n,) array_like, optional
        Standard errors of ln(time).

    Returns
    -------
    Line
        ``slope`` in decades per volt.
    """
    t = np.asarray(time, float)
    positive("time", t, "s")
    return regression.line(voltage, np.log10(t), None if error is None else np.asarray(error) / np.log(10))


def _lifetimes(time: ArrayLike, failed: ArrayLike) -> tuple[Floats, Flags]:
    t, has_failed = np.asarray(time, float), np.asarray(failed).astype(bool)
    at_least("time", t, 0, "s")
    if t.shape != has_failed.shape or t.ndim != 1 or not len(t):
        raise ValueError(
            f"time and failed must hold one value for each device, got {t.shape} and {has_failed.shape}"
        )
    return t, has_failed
