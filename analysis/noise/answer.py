"""What a trace tells, whatever it holds: traps with how well they fit, a slow background, a 1/f slope.

Real noise is seldom a few two-level traps on white noise. Where traps alone do not describe a trace, what
varies slowly (drift, slow traps, the low end of 1/f) is taken away and they are looked for in the rest; what
remains undescribed is said in numbers. Intervals are given only where the fit holds.
"""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy import ndimage

from ...typing import Floats
from . import rtn, spectrum
from . import trace as traces

SLOW = 16
"""A background is smoothed with a Gaussian of this part of the trace as its standard deviation."""

ROUNDS = 3
"""Times that background and traps are found in turn."""

BANDS = 6
"""Bands of equal width in log frequency in which spectra are compared."""

FACTOR = 2.0
"""Largest ratio of measured and fitted density in a band, either way, with which a fit holds."""

REMEMBERED = 0.05
"""Correlation of neighbouring residuals, beyond that of chance, with which a fit holds."""

UNLIKELY = 1e-3
"""Probability of dwell times that are exponential, below which a fit does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodness:
    """How well traps and white noise describe a trace.

    Parameters
    ----------
    factor : float
        Largest ratio of measured and fitted spectral density over bands, either way; at least 1.
    band : (float, float)
        Where (Hz).
    residual : float
        Correlation of the residuals of neighbouring samples; 0 of white noise.
    chance : float
        Largest size of that by chance (3 standard errors).
    exponential : float
        Smallest probability over traps and states that dwell times are exponential, times their number; NaN
        where none has enough.
    """

    factor: float
    band: tuple[float, float]
    residual: float
    chance: float
    exponential: float

    @property
    def holds(self) -> bool:
        """Whether the fit describes the trace."""
        likely = not self.exponential < UNLIKELY
        return self.factor <= FACTOR and abs(self.residual) <= REMEMBERED + self.chance and likely


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a trace tells.

    Parameters
    ----------
    trace : xarray.Dataset
        In which traps were looked for: as measured, or without its slow background.
    traps : xarray.Dataset or None
        From :func:`.rtn.traps`; with intervals only where the fit holds. None: none was found.
    refused : str
        Why there are no traps; "" where there are.
    goodness : Goodness or None
        None without traps.
    slow : float
        Standard deviation (s) of the smoothing that was taken away; 0: nothing was.
    slow_share : float
        Of the variance of the trace, that of its background.
    drift : float
        Change of a straight line through the trace over its length, relative to its mean.
    slope : Slope or None
        d ln S / d ln f of the spectrum as measured, -1 for 1/f; None: the trace is too short.
    """

    trace: xr.Dataset
    traps: xr.Dataset | None
    refused: str
    goodness: Goodness | None
    slow: float = 0.0
    slow_share: float = 0.0
    drift: float = 0.0
    slope: spectrum.Slope | None = None

    @property
    def holds(self) -> bool:
        """Whether traps were found that describe the trace."""
        return self.goodness is not None and self.goodness.holds


def answer(trace: xr.Dataset, maximum: int = 3) -> Answer:
    """Return what a trace tells.

    Parameters
    ----------
    trace : xarray.Dataset
        Uniformly sampled, at least 16 samples.
    maximum : int
        Most traps to look for, 1 to 5.

    Raises
    ------
    ValueError
        The trace is not sampled uniformly, lacks values, or has one value throughout.
    """
    step, current = traces.uniform(trace)
    if not np.ptp(current) > 0:
        rtn.traps(trace, maximum=maximum)  # says what is wrong
    model = _with_traps(trace, maximum)
    if not model.holds and len(current) >= 16 * SLOW:
        other = _beside_background(trace, step, current, maximum)
        if other.traps is not None and (other.holds or model.traps is None or _closer(other, model)):
            model = other
    time = np.linspace(-0.5, 0.5, len(current))
    drift = float(np.polyfit(time, current, 1)[0] / np.mean(current)) if np.mean(current) else np.nan
    return replace(model, drift=drift, slope=_slope(trace))


def _closer(one: Answer, other: Answer) -> bool:
    assert one.goodness is not None and other.goodness is not None
    return one.goodness.factor < other.goodness.factor


def _with_traps(trace: xr.Dataset, maximum: int) -> Answer:
    try:
        model = rtn.traps(trace, maximum=maximum, intervals=False)
    except ValueError as error:
        return Answer(trace=trace, traps=None, refused=str(error), goodness=None)
    fit_quality = goodness(trace, model)
    if fit_quality.holds:
        model = rtn.traps(trace, maximum=maximum)
    return Answer(trace=trace, traps=model, refused="", goodness=fit_quality)


def _beside_background(trace: xr.Dataset, step: float, current: Floats, maximum: int) -> Answer:
    """Return the traps beside what varies slowly.

    Smoothing takes part of the traps away too; so what is smoothed next is the trace less its fitted traps.
    """
    width = len(current) / SLOW
    remainder, best = current, None
    for _ in range(ROUNDS):
        slow = ndimage.gaussian_filter1d(remainder, width, mode="nearest")
        slow = slow - slow.mean()
        fast_trace = trace.assign(current=("sample", current - slow, {"units": "A"}))
        share = float(np.var(slow) / np.var(current))
        model = replace(_with_traps(fast_trace, maximum), slow=width * step, slow_share=share)
        if (
            best is None
            or best.traps is None
            or model.holds
            or (model.traps is not None and _closer(model, best))
        ):
            best = model
        if model.traps is None or model.holds:
            break
        remainder = current - rtn.states(fast_trace, model.traps)["current"].values
    assert best is not None
    return best


def goodness(trace: xr.Dataset, found: xr.Dataset) -> Goodness:
    """Return how well traps describe a trace.

    Parameters
    ----------
    trace : xarray.Dataset
        That the traps were found in.
    found : xarray.Dataset
        From :func:`.rtn.traps`.
    """
    _, current = traces.uniform(trace)
    likely_states = rtn.states(trace, found)
    remainder = current - likely_states["current"].values
    remainder = remainder - remainder.mean()
    residual = float(remainder[1:] @ remainder[:-1] / (remainder @ remainder)) if remainder.any() else 0.0
    factor, band = _spectra(trace, found)
    return Goodness(
        factor=factor, band=band, residual=residual, chance=3.0 / np.sqrt(len(remainder)),
        exponential=_exponential(trace, likely_states, float(found["step"])),
    )  # fmt: skip


def _spectra(trace: xr.Dataset, found: xr.Dataset) -> tuple[float, tuple[float, float]]:
    """Return the largest ratio of measured and fitted density over bands, and its band (Hz)."""
    density = spectrum.power_spectrum(trace, int(np.clip(trace.sizes["sample"] // 2000, 2, 64)))
    f, step = density["frequency"].values[spectrum.SKIPPED :], float(density.attrs["step"])
    model = rtn.model(found)
    fitted = np.full(len(f), 2 * step * model.noise**2)
    for amplitude, high, low in zip(model.amplitude, model.high, model.low, strict=True):
        fitted += spectrum.two_state_spectrum(f, amplitude, high, low, step)
    measured = density.values[spectrum.SKIPPED :]
    edges = np.geomspace(f[0], f[-1] * (1 + 1e-9), BANDS + 1)
    bin_of = np.digitize(f, edges) - 1
    worst, where = 1.0, (float(f[0]), float(f[-1]))
    for band in range(BANDS):
        rows = bin_of == band
        if rows.sum() < 4:  # a density of few values scatters by itself
            continue
        ratio = float(measured[rows].mean() / fitted[rows].mean())
        if max(ratio, 1 / ratio) > worst:
            worst, where = max(ratio, 1 / ratio), (float(edges[band]), float(edges[band + 1]))
    return worst, where


def _exponential(trace: xr.Dataset, seen: xr.Dataset, step: float) -> float:
    """Return the smallest probability that dwell times are exponential, times their number."""
    probabilities = []
    for high in seen["high"].values.T:
        try:
            dwells = rtn.dwell_times(trace["time"].values, high)
        except ValueError:
            continue
        probabilities += [
            rtn.dwell_statistics(dwell, step)["p_exponential"]
            for dwell in dwells
            if len(dwell) >= rtn.TRANSITIONS
        ]
    return min(1.0, min(probabilities) * len(probabilities)) if probabilities else np.nan


def _slope(trace: xr.Dataset) -> spectrum.Slope | None:
    try:
        density = spectrum.power_spectrum(trace, int(np.clip(trace.sizes["sample"] // 4000, 2, 16)))
        f = density["frequency"].values
        return spectrum.slope(density, float(f[spectrum.SKIPPED]), float(f[-1]) / 4)
    except (ValueError, IndexError):
        return None
