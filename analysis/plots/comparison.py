"""Measured and simulated cycles on one page: loops, distributions, memory."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.stats import norm

from ...typing import Floats
from ..fitting.observations import Observations
from .card import DATA, LABELS, MODEL
from .page import label, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOPS = 20
"""Loops of each that are drawn."""

LAGS = 20
"""Lags (cycles) of the memory."""


def page(measured: xr.Dataset, simulated: xr.Dataset, one: Observations, other: Observations) -> "Figure":
    """Draw loops overlaid, a probability plot of each number, and the memory of the first.

    Parameters
    ----------
    measured, simulated : xarray.Dataset
        In the layout of measurements.
    one, other : Observations
        Their numbers, from :func:`frenkel.analysis.fitting.compare.pair`.
    """
    k = len(one.features)
    figure, axes = sheet(
        f"{one.origin} and {other.origin}", (3.3 * (k + 2), 4.4), k + 2, left=0.05, space=0.3
    )
    loops({one.origin: measured, other.origin: simulated}, axes[0])
    for i in range(k):
        distributions(one, other, i, axes[i + 1])
    memory(one, other, axes[k + 1])
    return figure


def loops(data: dict[str, xr.Dataset], axes: "Axes") -> None:
    """Draw the current of the first loops of each against the voltage, on a logarithmic axis."""
    drawn = 0
    for (name, one), colour in zip(data.items(), (DATA, MODEL), strict=True):
        axes.plot([], [], color=colour, label=name)
        ends = np.cumsum(one["loop_size"].values) if "loop" in one.dims else np.zeros(0, int)
        for place in np.linspace(0, len(ends) - 1, min(LOOPS, len(ends))).astype(int):
            inside = slice(int(ends[place] - one["loop_size"].values[place]), int(ends[place]))
            volts, amperes = (one[f"loop_{key}"].values[inside] for key in ("voltage", "current"))
            axes.plot(volts, np.where(amperes == 0, np.nan, np.abs(amperes)), color=colour, lw=0.6)
            drawn += 1
    if drawn:
        axes.set_yscale("log")
    label(axes, "loops" if drawn else "loops: none kept", "V / V", "|I| / A", legend=8)


def distributions(one: Observations, other: Observations, i: int, axes: "Axes") -> None:
    """Draw all cycles of a number, sorted, against scores of a Gaussian."""
    from matplotlib.ticker import NullFormatter

    for values, colour in ((one, DATA), (other, MODEL)):
        known = np.sort(values.values[:, :, i][np.isfinite(values.values[:, :, i])])
        shown = np.abs(values.features[i].backward(known))
        score = norm.ppf((np.arange(len(known)) + 0.5) / len(known))
        axes.plot(shown, score, ".", color=colour, ms=2.5)
    feature = one.features[i]
    if feature.transform == "log":
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())  # names of all nine would run into each other
    name = LABELS.get(feature.name, feature.name)
    label(axes, name, f"{name} ({feature.unit})", "standard scores")


def memory(one: Observations, other: Observations, axes: "Axes") -> None:
    """Draw the autocorrelation of the first number about the means of the devices."""
    for values, colour in ((one, DATA), (other, MODEL)):
        found = autocorrelation(values.values[:, :, 0])
        axes.plot(np.arange(1, len(found) + 1), found, "o-", color=colour, ms=3, lw=0.8)
    axes.axhline(0.0, color="0.7", lw=0.6)
    name = LABELS.get(one.names[0], one.names[0])
    label(axes, f"memory of {name}", "lag (cycles)", "autocorrelation")


def autocorrelation(values: Floats) -> Floats:
    """Return the autocorrelation of (devices, cycles) about the device means at lags 1, 2, ..."""
    inner = values - np.nanmean(values, axis=1, keepdims=True)
    longest = min(LAGS, values.shape[1] // 3)
    power = np.nanmean(inner**2)
    found = [np.nanmean(inner[:, lag:] * inner[:, :-lag]) / power for lag in range(1, longest + 1)]
    return np.array(found)
