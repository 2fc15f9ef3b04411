"""Power spectral densities, and the Lorentzians and slopes in them.

Densities are one-sided, so that the integral over frequencies above 0 is the variance.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy import optimize, signal, stats

from ...cells.noise import occupancy, switching_rate
from ...typing import Floats
from . import trace as traces

SKIPPED = 2  # lowest frequencies that the removed mean and the window blur


def power_spectrum(trace: xr.Dataset, segments: int = 64) -> xr.DataArray:
    """Estimate the power spectral density by Welch's method (Hann window, segments overlapping by half).

    Parameters
    ----------
    trace : xarray.Dataset
        Uniformly sampled.
    segments : int
        Number of segments, at least 2: more of them are less noisy and reach less far down.

    Returns
    -------
    xarray.DataArray
        Density (square of the unit per Hz) along ``frequency`` (Hz) without 0; the attribute
        ``degrees_of_freedom`` says of how many the chi-square law of each value is (P. D. Welch, IEEE Trans.
        Audio Electroacoust. 15, 70 (1967), 10.1109/TAU.1967.1161901), ``step`` is the time between samples.

    Raises
    ------
    ValueError
        The trace is too short for so many segments.
    """
    step, values = traces.uniform(trace)
    length = 2 * len(values) // (segments + 1)
    if segments < 2 or length < 16:
        raise ValueError(
            f"segments must be from 2 to {len(values) // 8 - 1} for {len(values)} samples, got {segments}"
        )
    frequency, density = signal.welch(values, fs=1 / step, nperseg=length, noverlap=length // 2)
    number = (len(values) - length) // (length - length // 2) + 1
    # Neighbouring Hann segments share (1/6)^2 of their information.
    freedom = 2 * number / (1 + 2 * (1 - 1 / number) / 36)
    last = len(frequency) - (length % 2 == 0)  # the Nyquist frequency has half the freedom
    return xr.DataArray(
        density[1:last],
        {"frequency": ("frequency", frequency[1:last], {"units": "Hz"})},
        attrs={"units": "A2 Hz-1", "degrees_of_freedom": freedom, "step": step, "segments": number},
        name="power_spectral_density",
    )


def two_state_spectrum(
    frequency: ArrayLike, amplitude: float, high: float, low: float, step: float | None = None
) -> Floats:
    """Return the exact one-sided density of a two-state signal.

    S(f) = 4 dI^2 / ((high + low) ((1/high + 1/low)^2 + (2 pi f)^2)): S. Machlup, J. Appl. Phys. 25, 341
    (1954), 10.1063/1.1721637. With ``step``, that of the sampled signal, which has the frequencies above
    1/(2 step) folded back.

    Parameters
    ----------
    frequency : array_like
        Hz.
    amplitude : float
        Difference of the two levels, dI.
    high, low : float
        Mean times in the two states (s).
    step : float, optional
        Time between samples (s).
    """
    variance = amplitude**2 * occupancy(high, low) * occupancy(low, high)
    corner = switching_rate(high, low) / (2 * np.pi)
    return lorentzian(frequency, variance, corner, step)


def lorentzian(frequency: ArrayLike, variance: float, corner: float, step: float | None = None) -> Floats:
    """Return the density of a signal with the autocorrelation variance exp(-2 pi corner t).

    Parameters
    ----------
    frequency : array_like
        Hz.
    variance : float
        Square of the signal's unit.
    corner : float
        Corner frequency (Hz).
    step : float, optional
        Time between samples (s); None for a continuous signal.
    """
    f = np.asarray(frequency, float)
    if step is None:
        return np.asarray(2 * variance / (np.pi * corner) / (1 + (f / corner) ** 2))
    correlation = np.exp(-2 * np.pi * corner * step)
    # 1 - kept and the cosine written so that small steps do not cancel.
    decay = -np.expm1(-2 * np.pi * corner * step)
    bottom = decay**2 + 4 * correlation * np.sin(np.pi * f * step) ** 2
    return np.asarray(2 * step * variance * decay * (1 + correlation) / bottom)


@dataclass(frozen=True, slots=True)
class Slope:
    """Exponent of a density with its 95 % interval.

    Parameters
    ----------
    value, low, high : float
        d ln S / d ln f.
    """

    value: float
    low: float
    high: float


def slope(density: xr.DataArray, lowest: float, highest: float) -> Slope:
    """Fit a power of the frequency in a band, its values averaged in 24 bins of equal width in log frequency.

    Parameters
    ----------
    density : xarray.DataArray
        From :func:`power_spectrum`.
    lowest, highest : float
        Band (Hz).

    Raises
    ------
    ValueError
        Fewer than three bins hold frequencies.
    """
    f, s = np.asarray(density["frequency"].values), np.asarray(density.values)
    edges = np.geomspace(lowest, highest, 25)
    bin_of = np.digitize(f, edges) - 1
    bins = [np.flatnonzero(bin_of == b) for b in range(24) if np.any(bin_of == b)]
    if len(bins) < 3:
        raise ValueError(
            f"lowest and highest must span three bins of frequencies, got {lowest:g} to {highest:g} Hz"
        )
    x = np.array([np.log(f[rows]).mean() for rows in bins])
    y = np.array([np.log(s[rows].mean()) for rows in bins])
    weight = np.array([float(len(rows)) for rows in bins])
    centre = np.average(x, weights=weight)
    spread = float(weight @ (x - centre) ** 2)
    value = float(weight @ ((x - centre) * y) / spread)
    residual = y - np.average(y, weights=weight) - value * (x - centre)
    freedom = len(x) - 2
    error = float(np.sqrt(weight @ residual**2 / freedom / spread)) if freedom else np.inf
    width = float(stats.t.ppf(0.975, max(freedom, 1))) * error
    return Slope(value, value - width, value + width)


def fit_lorentzians(density: xr.DataArray) -> xr.Dataset:
    """Fit a sum of at most four Lorentzians and white noise to a density.

    The likelihood is the chi-square law of Welch's estimate (P. Whittle's, for averaged periodograms); the
    number of Lorentzians is that of the least BIC.

    Parameters
    ----------
    density : xarray.DataArray
        From :func:`power_spectrum`.

    Returns
    -------
    xarray.Dataset
        Along ``lorentzian``: ``variance`` and ``corner`` (Hz) with ``variance_error`` and ``corner_error``
        (standard errors of their logarithms); scalar ``white`` (density); attribute ``bic``.

    Raises
    ------
    ValueError
        The density has too few frequencies.
    """
    f, s = (np.asarray(x)[SKIPPED:] for x in (density["frequency"].values, density.values))
    if len(f) < 16:
        raise ValueError(f"a density must have at least {16 + SKIPPED} frequencies, got {len(f) + SKIPPED}")
    step, half = float(density.attrs["step"]), float(density.attrs["degrees_of_freedom"]) / 2
    best: tuple[float, Floats, Floats] | None = None
    for n in range(5):
        cost, values, errors = _whittle(f, s, step, half, n)
        bic = 2 * cost + len(values) * np.log(len(f))
        if best is not None and bic >= best[0]:
            break
        best = (bic, values, errors)
    assert best is not None
    bic, values, errors = best
    n = len(values) // 2
    order = np.argsort(values[n : 2 * n])
    data = {
        "variance": ("lorentzian", np.exp(values[:n][order])),
        "corner": ("lorentzian", np.exp(values[n : 2 * n][order]), {"units": "Hz"}),
        "variance_error": ("lorentzian", errors[:n][order]),
        "corner_error": ("lorentzian", errors[n : 2 * n][order]),
        "white": ((), float(np.exp(values[2 * n]))),
    }
    return xr.Dataset(data, attrs={"bic": float(bic)})


def _spectrum(values: Floats, f: Floats, step: float, n: int) -> Floats:
    total = np.full(len(f), np.exp(values[2 * n]))
    for k in range(n):
        total += lorentzian(f, np.exp(values[k]), np.exp(values[n + k]), step)
    return total


def _whittle(f: Floats, s: Floats, step: float, half: float, n: int) -> tuple[float, Floats, Floats]:
    """Return the least cost, the logarithms of the parameters there, and their standard errors."""
    unit = float(s.mean())

    def cost(values: Floats) -> float:
        expected = _spectrum(values, f, step, n)
        return float(half * np.sum(np.log(expected) + s / unit / expected))

    corners = np.geomspace(f[0], f[-1], n + 2)[1:-1] if n else np.zeros(0)
    area = max(float(np.sum(s / unit) * (f[1] - f[0])), 1e-300)
    white = np.log(np.median(s[-len(s) // 10 :]) / unit)
    start = np.concatenate([np.full(n, np.log(area / max(n, 1))), np.log(corners), [white]])
    low, high = np.log(f[0] / 30), np.log(f[-1] * 3)
    bounds = [(-60.0, 60.0)] * n + [(low, high)] * n + [(white - 30, white + 5)]
    solution = optimize.minimize(cost, start, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000})
    values = np.asarray(solution.x)
    errors = np.sqrt(np.abs(np.diag(np.linalg.pinv(_curvature(f, values, step, half, n)))))
    scale = np.log(unit) * np.concatenate([np.ones(n), np.zeros(n), np.ones(1)])
    return float(solution.fun) + half * len(f) * np.log(unit), values + scale, errors


def _curvature(f: Floats, values: Floats, step: float, half: float, n: int) -> Floats:
    """Return Fisher's information of the logarithms of the parameters."""
    slopes = []
    for i in range(len(values)):
        ends = []
        for sign in (1, -1):
            moved = values.copy()
            moved[i] += sign * 1e-5
            ends.append(np.log(_spectrum(moved, f, step, n)))
        slopes.append((ends[0] - ends[1]) / 2e-5)
    matrix = np.array(slopes)
    return half * matrix @ matrix.T
