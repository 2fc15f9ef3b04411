"""Pictures of random telegraph noise: levels and histogram, time-lag plot, spectrum, dwell times."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy import ndimage

from ...escape import mathtext
from ..noise import rtn, spectrum
from ..noise import trace as traces
from . import panels
from .caption import prefix
from .colours import MODEL, SERIES
from .page import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MEASURED, FITTED = "0.62", MODEL
COLOURS = tuple(colour for colour in SERIES if colour != FITTED)
"""One for each trap."""

SHOWN = 60.0  # transitions of the fastest trap that the trace shows
BLUR = 12  # bins of the time-lag plot: margin, and eight times the width that its spots get at least


def page(trace: xr.Dataset, found: xr.Dataset | None = None) -> "Figure":
    """Draw a trace with its levels and histogram, its time-lag plot, its spectrum and its dwell times.

    Parameters
    ----------
    trace : xarray.Dataset
        Uniformly sampled.
    found : xarray.Dataset, optional
        From :func:`.rtn.traps`; found here if it is not given.
    """
    from matplotlib.figure import Figure as NewFigure  # matplotlib, which only drawing needs

    traps = rtn.traps(trace) if found is None else found
    figure = NewFigure(figsize=(12.4, 8.6))
    upper = figure.add_gridspec(1, 2, left=0.075, right=0.985, top=0.915, bottom=0.60, wspace=0.02,
                                width_ratios=(5, 1))  # fmt: skip
    lower = figure.add_gridspec(1, 3, left=0.075, right=0.985, top=0.50, bottom=0.145, wspace=0.44)
    title = mathtext(str(trace.attrs.get("title", "random telegraph noise")))
    figure.suptitle(title, x=0.075, y=0.975, ha="left", fontsize=13, fontweight="bold")  # fmt: skip
    first = figure.add_subplot(upper[0])
    current_time(trace, traps, first)
    histogram(trace, traps, figure.add_subplot(upper[1], sharey=first))
    time_lag(trace, figure.add_subplot(lower[0]), traps)
    power(trace, figure.add_subplot(lower[1]), traps)
    dwells(trace, traps, figure.add_subplot(lower[2]))
    figure.text(0.075, 0.022, _caption(traps), va="bottom", ha="left", fontsize=9, linespacing=1.35)
    return figure


def current_time(trace: xr.Dataset, found: xr.Dataset, axes: "Axes") -> None:
    """Draw the beginning of a trace, the current of the most likely states on it, and the levels."""
    step, current = traces.uniform(trace)
    rate = float((found["transitions"] / (step * len(current))).max())
    sample_count = min(len(current), max(200, int(SHOWN / rate / step)))
    time = trace["time"].values[:sample_count]
    scale, factor = panels.current_time(
        time, current[:sample_count], axes, color=MEASURED, linewidth=0.6, label="trace"
    )
    ideal = rtn.states(trace, found)["current"].values[:sample_count]
    axes.step(
        time / scale, ideal / factor, where="post", color=FITTED, linewidth=1.1, label="most likely states"
    )
    for level in found["current"].values:
        axes.axhline(level / factor, color="0.45", linewidth=0.6, linestyle=(0, (4, 4)), zorder=0)
    part = f"first {100 * sample_count / len(current):.2g} %" if sample_count < len(current) else "the whole"
    title = f"current and levels, {part}{' of the' if sample_count < len(current) else ''} trace"
    label(axes, title, legend=8, place="upper right")


def histogram(trace: xr.Dataset, found: xr.Dataset, axes: "Axes") -> None:
    """Draw the distribution of the current over the whole trace and that of the fitted model."""
    _, current = traces.uniform(trace)
    factor, _ = _prefix(np.abs(current).max(), "A")
    model = rtn.model(found)
    level, values = found["current"].values / factor, current / factor
    edges = np.linspace(values.min(), values.max(), 161).tolist()
    # No narrower than a bar: the levels of a simulated trace have no width.
    sigma = max(model.noise / factor, edges[1] - edges[0])
    axes.hist(values, edges, density=True, orientation="horizontal", color=MEASURED)
    y = np.linspace(edges[0], edges[-1], 600)
    bell = np.exp(-0.5 * ((y[:, None] - level) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    axes.plot(bell @ model.weights(), y, color=FITTED, linewidth=1.1)
    axes.tick_params(labelleft=False)
    axes.set_xlim(left=0)
    axes.set_xticks([])
    label(axes, "histogram")


def time_lag(trace: xr.Dataset, axes: "Axes", found: xr.Dataset | None = None, lag: int = 1) -> None:
    """Draw the weighted time-lag plot on a logarithmic scale; crosses mark levels."""
    from matplotlib.colors import LogNorm  # matplotlib

    pairs = rtn.time_lag(trace, lag=lag)
    axis, step = pairs["first"].values, float(pairs["first"][1] - pairs["first"][0])
    # A simulated trace has no noise: without a margin and some width its spots are bins in the corners.
    axis = np.concatenate(
        [axis[0] - step * np.arange(BLUR, 0, -1), axis, axis[-1] + step * np.arange(1, BLUR + 1)]
    )
    count = ndimage.gaussian_filter(np.pad(pairs.values, BLUR), BLUR / 8, truncate=8)
    factor, unit = _prefix(np.abs(axis).max(), "A")
    most = float(count.max())
    image = axes.pcolormesh(
        axis / factor,
        axis / factor,
        np.maximum(count.T, 1e-12 * most),
        norm=LogNorm(1e-5 * most, most),
        cmap="viridis",
        rasterized=True,
    )
    levels = found["current"].values if found is not None else rtn.time_lag_levels(pairs)
    axes.plot(levels / factor, levels / factor, "+", color="white", markersize=7, markeredgewidth=1.0)
    axes.figure.colorbar(image, ax=axes, fraction=0.04, pad=0.03)
    axes.set_aspect("equal")
    later = f"{lag} sample{'s' * (lag > 1)} later / {unit}"
    label(axes, "weighted time-lag plot (pairs)", f"current / {unit}", later)


def power(trace: xr.Dataset, axes: "Axes", found: xr.Dataset | None = None) -> None:
    """Draw the spectral density, the Lorentzian of each trap, and their sum with the white noise.

    With traps, nothing is fitted to the spectrum: it is the prediction of the times found. Without,
    Lorentzians are fitted to it.
    """
    density = spectrum.power_spectrum(trace, int(np.clip(trace.sizes["sample"] // 2000, 8, 64)))
    f, step = density["frequency"].values, float(density.attrs["step"])
    axes.loglog(f, density.values, color=MEASURED, linewidth=0.7, label="Welch's estimate")
    if found is not None:
        model = rtn.model(found)
        parts = [
            spectrum.two_state_spectrum(f, a, high, low, step)
            for a, high, low in zip(model.amplitude, model.high, model.low, strict=True)
        ]
        white = 2 * step * model.noise**2
    else:
        fit = spectrum.fit_lorentzians(density)
        pairs = zip(fit["variance"].values, fit["corner"].values, strict=True)
        parts = [spectrum.lorentzian(f, variance, corner, step) for variance, corner in pairs]
        white = float(fit["white"])
    for k, part in enumerate(parts):
        axes.loglog(
            f, part, color=COLOURS[k % len(COLOURS)], linewidth=1.2, linestyle="--", label=f"trap {k + 1}"
        )
    axes.loglog(f, sum(parts) + white, color=FITTED, linewidth=1.2, label="traps and white noise")
    axes.set_ylim(bottom=min(white, float(density.min())) / 3)
    words = ("power spectral density", "frequency / Hz", "density / (A²/Hz)")
    label(axes, *words, legend=7.5, place="lower left")


def dwells(trace: xr.Dataset, found: xr.Dataset, axes: "Axes") -> None:
    """Draw the fraction of dwells that last longer, and the exponential laws of the times found."""
    likely_states, step = rtn.states(trace, found), float(found["step"])
    model = rtn.model(found)
    longest = max(float(model.high.max()), float(model.low.max()))
    scale, unit = _prefix(longest, "s")
    for k in range(model.n_traps):
        dwell_times = rtn.dwell_times(trace["time"].values, likely_states["high"].values[:, k])
        for times, mean, style, name in zip(
            dwell_times, (model.high[k], model.low[k]), "-:", ("high", "low"), strict=True
        ):
            ordered = np.sort(times) - step / 2
            longer_share = 1 - np.arange(len(ordered)) / len(ordered)
            colour = COLOURS[k % len(COLOURS)]
            axes.plot(ordered / scale, longer_share, drawstyle="steps-post", color=colour, linestyle=style,
                      linewidth=1.3, label=f"trap {k + 1}, {name}")  # fmt: skip
            t = np.linspace(0, ordered[-1], 50)
            axes.plot(t / scale, np.exp(-t / mean), color="0.3", linewidth=0.6)
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 1.2)
    words = ("dwell times (thin: exponential)", f"dwell time / {unit}", "fraction of longer dwells")
    label(axes, *words, legend=7.5, place="upper right")


def _caption(found: xr.Dataset) -> str:
    lines = []
    for k in range(found.sizes["trap"]):
        trap = found.isel(trap=k)
        parts = [f"trap {k + 1}: ΔI = {_quantity(float(trap['amplitude']), 'A')}"]
        parts[0] += f" ({100 * float(trap['relative_amplitude']):.2g} %)"
        for name, symbol in (("tau_capture", "τc"), ("tau_emission", "τe")):
            text = f"{symbol} = {_quantity(float(trap[name]), 's')}"
            if f"{name}_interval" in trap:
                low, high = (_quantity(float(x), "s") for x in trap[f"{name}_interval"].values)
                text += f" ({low} to {high})"
            parts.append(text)
        lines.append(", ".join(parts) + f", {float(trap['transitions']):.0f} transitions")
    return "\n".join(lines)


def _prefix(value: float, unit: str) -> tuple[float, str]:
    return prefix(value, unit, least=1e-15, largest=1.0 if unit == "s" else 1e6)


def _quantity(value: float, unit: str) -> str:
    factor, name = _prefix(value, unit)
    return f"{value / factor:.3g} {name}"
