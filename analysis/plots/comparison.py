"""Measured against simulated: loops, distributions and memory; the posterior of a calibration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ...escape import mathtext
from ...typing import Floats
from ..fitting.compare import other_way_round
from ..fitting.observations import Observations
from .card import LABELS, autocorrelation
from .colours import DATA, MODEL, SERIES, STATES
from .page import TITLE, label, log_ticks, sheet
from .panels import loops as draw_loops
from .panels import normal_scores, percent_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOPS = 20
"""Loops of each that are drawn."""

LAGS = 20
"""Lags (cycles) of the memory."""

WIDEST = 3
"""Panels beside each other."""

BINS = 30
"""Bins of a posterior."""


def page(measured: xr.Dataset, simulated: xr.Dataset, one: Observations, other: Observations) -> "Figure":
    """Draw loops overlaid, a probability plot of each number, and the memory of the first.

    Simulated loops that switch at the other polarity than the measured ones are turned round, as switching
    voltages are.

    Parameters
    ----------
    measured, simulated : xarray.Dataset
        In the layout of measurements.
    one, other : Observations
        Their numbers, from :func:`frenkel.analysis.fitting.compare.pair`.
    """
    k = len(one.features)
    columns = min(k + 2, WIDEST)
    rows = -(-(k + 2) // columns)
    height = 3.3 * rows + 0.9
    figure, axes = sheet(
        f"{one.origin} and {other.origin}", (3.7 * columns, height), columns, rows, left=0.09, space=0.42,
        top=1 - 0.8 / height, bottom=0.6 / height,
    )  # fmt: skip
    for empty in axes[k + 2 :]:
        empty.set_axis_off()
    sign = -1.0 if other_way_round(one, other) else 1.0
    loops([(one.origin, measured, 1.0), (other.origin, simulated, sign)], axes[0])
    for i in range(k):
        distributions(one, other, i, axes[i + 1])
    memory(one, other, axes[k + 1])
    return figure


FIRST = 6
"""Loops, traces or devices of a table that are drawn."""

PREFIXES = ((1e-6, "M"), (1e-3, "k"), (1.0, ""), (1e3, "m"), (1e6, "µ"), (1e9, "n"), (1e12, "p"))
"""Factors and prefixes of units, from the largest."""


def measured_page(data: xr.Dataset) -> "Figure":
    """Draw the first loops of measurements on two axes, or their first values, to see what was read.

    Parameters
    ----------
    data : xarray.Dataset
        In the layout of measurements.
    """
    curves, x, (y, unit) = _first(data)
    largest = max((np.nanmax(np.abs(values), initial=0.0) for _, _, values in curves), default=0.0)
    factor, prefix = next((pair for pair in PREFIXES if largest * pair[0] >= 1), (1.0, ""))
    figure, axes = sheet(str(data.attrs.get("title", ""))[:70], (9.5, 4.2), 2, left=0.085, space=0.28)
    for k, (name, abscissa, values) in enumerate(curves):
        colour = STATES.get(name.rpartition(", ")[2], SERIES[k % len(SERIES)])
        axes[0].plot(abscissa, factor * values, ".-", label=name, color=colour, ms=2.5, lw=0.8)
        size = np.where(values == 0, np.nan, np.abs(factor * values))
        axes[1].plot(abscissa, size, ".-", color=colour, ms=2.5, lw=0.8)
    axes[1].set_yscale("log")
    label(axes[0], f"first {len(curves)}", x, f"{y} / {prefix}{unit}", legend=7.5)
    label(axes[1], "by size", x, f"|{y}| / {prefix}{unit}")
    return figure


def _first(data: xr.Dataset) -> tuple[list[tuple[str, Floats, Floats]], str, tuple[str, str]]:
    """Return names and points of the first curves, and the words on their axes."""
    names = [str(name) for name in data["device"].values]
    if "loop" in data.dims:
        sizes = data["loop_size"].values
        ends, device_of = np.cumsum(sizes), data["loop_device"].values
        return (
            [
                (
                    f"{names[device_of[k]]}, cycle {data['loop_cycle'].values[k]}",
                    data["loop_voltage"].values[ends[k] - sizes[k] : ends[k]],
                    data["loop_current"].values[ends[k] - sizes[k] : ends[k]],
                )
                for k in range(min(FIRST, len(sizes)))
            ],
            "voltage / V",
            ("current", "A"),
        )
    if "trace" in data.dims:
        sizes = data["trace_size"].values
        ends = np.cumsum(sizes)
        return (
            [
                (
                    names[data["trace_device"].values[k]],
                    data["trace_time"].values[ends[k] - sizes[k] : ends[k]],
                    data["trace_current"].values[ends[k] - sizes[k] : ends[k]],
                )
                for k in range(min(FIRST, len(sizes)))
            ],
            "time / s",
            ("current", "A"),
        )
    for dim, variable, words in (("read", "read_time", "time / s"), ("pulse", "", "pulse")):
        if dim in data.dims:
            device_of = data[f"{dim}_device"].values
            rows = [
                np.flatnonzero(device_of == place)
                for place in list(dict.fromkeys(device_of.tolist()))[:FIRST]
            ]
            points = [
                data[variable].values[device_rows] if variable else np.arange(1.0, len(device_rows) + 1)
                for device_rows in rows
            ]
            g = data[f"{dim}_conductance"].values
            curves = [
                (names[device_of[device_rows[0]]], p, g[device_rows])
                for device_rows, p in zip(rows, points, strict=True)
            ]
            return curves, words, ("conductance", "S")
    shown = [name for name in ("hrs", "lrs") if name in data] or [
        name for name in ("set_voltage", "reset_voltage") if name in data
    ]
    cycle = data["cycle"].values.astype(float)
    devices = range(min(FIRST // len(shown), len(names)))
    curves = [(f"{names[k]}, {name}", cycle, data[name].values[k]) for k in devices for name in shown]
    return curves, "cycle", ("resistance", "ohm") if {"hrs", "lrs"} & set(shown) else ("voltage", "V")


def loops(data: Sequence[tuple[str, xr.Dataset, float]], axes: "Axes") -> None:
    """Draw the current of the first loops of each against the voltage, on a logarithmic axis.

    Each has a name, a dataset and 1, or -1 where its voltages are turned round.
    """
    loop_count, turned_note = 0, ""
    for (name, table, sign), colour in zip(data, (DATA, MODEL), strict=True):
        axes.plot([], [], color=colour, label=name)
        ends = np.cumsum(table["loop_size"].values) if "loop" in table.dims else np.zeros(0, int)
        chosen = np.linspace(0, len(ends) - 1, min(LOOPS, len(ends))).astype(int)
        loop_slices = [slice(int(ends[k] - table["loop_size"].values[k]), int(ends[k])) for k in chosen]
        if loop_slices:
            voltages, amperes = (table[f"loop_{key}"].values for key in ("voltage", "current"))
            draw_loops([(sign * voltages[part], amperes[part]) for part in loop_slices], axes, colour)
            turned_note = f", voltages of {name}\nturned round" if sign < 0 else ""
        loop_count += len(loop_slices)
    title = f"loops{turned_note}" if loop_count else "loops: none kept"
    label(axes, title, "voltage / V", "|current| / A", legend=8)


def distributions(one: Observations, other: Observations, i: int, axes: "Axes") -> None:
    """Draw all cycles of a number on a normal probability plot."""
    for values, colour in ((one, DATA), (other, MODEL)):
        normal_scores(np.abs(values.features[i].backward(values.values[:, :, i])), axes, colour)
    percent_axis(axes, *axes.get_ylim())
    feature = one.features[i]
    if feature.transform == "log":
        axes.set_xscale("log")
        log_ticks(axes.xaxis)
    name = LABELS.get(feature.name, feature.name)
    pure = feature.unit in ("", "1")
    label(axes, name, name if pure else f"{name} / {feature.unit}", "fraction of cycles below")


def memory(one: Observations, other: Observations, axes: "Axes") -> None:
    """Draw the autocorrelation of the first number about the means of the devices."""
    for values, colour in ((one, DATA), (other, MODEL)):
        longest = min(LAGS, values.values.shape[1] // 3)
        correlation = autocorrelation(values.values[:, :, 0], longest)
        axes.plot(np.arange(1, len(correlation) + 1), correlation, "o-", color=colour, ms=3, lw=0.8)
    axes.axhline(0.0, color="0.7", lw=0.6)
    name = LABELS.get(one.names[0], one.names[0])
    label(axes, f"memory of {name}", "lag / cycles", "autocorrelation")


def corner(found: xr.Dataset) -> "Figure":
    """Draw the corner of a calibration.

    Parameters
    ----------
    found : xarray.Dataset
        As ``frenkel calibrate`` writes it.
    """
    from matplotlib.figure import Figure as NewFigure  # matplotlib, which only drawing needs

    p = found.sizes["parameter"]
    size = 2.4 * max(p, 2) + 2.0
    figure = NewFigure(figsize=(size + 2.5, size))
    p_value = found.attrs["p_value"]
    chance = "" if np.isnan(p_value) else f", p = {p_value:.2g}"
    misfit = f"misfit {found.attrs['misfit']:.3g} for {found.attrs['freedom']} degrees of freedom{chance}"
    title = mathtext(f"{found.attrs['title']}\n{misfit}")
    figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold")
    top = 1.0 - 0.75 / size
    grid = figure.add_gridspec(p, p, left=0.14, right=0.66, top=top, bottom=0.11, hspace=0.12, wspace=0.12)
    for i in range(p):
        for j in range(i + 1):
            axes = figure.add_subplot(grid[i, j])
            (_one if i == j else _pair)(found, axes, i, j)
            _ends(found, axes, i, j, p)
    _residuals(found, figure.add_axes((0.80, 0.11, 0.18, top - 0.11)))
    return figure


def _bins(found: xr.Dataset, i: int) -> Floats:
    """Return bins over the draws of a parameter, and no further than its range."""
    values = found["draw"].values[:, i]
    room = 0.2 * np.ptp(values)
    low, high = float(found["low"][i]), float(found["high"][i])
    if int(found["logarithmic"][i]):
        # Before the first and after the last draw as much again as a fifth of all, in decades.
        room = 0.2 * float(np.ptp(np.log(values)))
        ends = max(low, values.min() * np.exp(-room)), min(high, values.max() * np.exp(room))
        return np.geomspace(*ends, BINS)
    return np.linspace(max(low, values.min() - room), min(high, values.max() + room), BINS)


def _one(found: xr.Dataset, axes: "Axes", i: int, _: int) -> None:
    axes.hist(found["draw"].values[:, i], _bins(found, i).tolist(), color=MODEL, alpha=0.7)
    axes.axvline(float(found["best"][i]), color="k", lw=0.8)
    for end in found["interval"].values[i]:
        if np.isfinite(end):
            axes.axvline(end, color="k", lw=0.6, ls=":")
    axes.set_yticks([])


def _pair(found: xr.Dataset, axes: "Axes", i: int, j: int) -> None:
    draws, design, shown = (found[name].values for name in ("draw", "design", "shown"))
    axes.plot(draws[:, j], draws[:, i], ".", color=MODEL, ms=1.5, alpha=0.4, rasterized=True)
    is_missing = ~np.isfinite(shown).all(axis=1)
    axes.plot(design[~is_missing, j], design[~is_missing, i], "o", mfc="none", color=DATA, ms=3, lw=0.5)
    axes.plot(design[is_missing, j], design[is_missing, i], "x", color=DATA, ms=3)
    axes.plot(found["best"].values[j], found["best"].values[i], "k+", ms=8)
    axes.set_ylim(*_bins(found, i)[[0, -1]])


def _ends(found: xr.Dataset, axes: "Axes", i: int, j: int, p: int) -> None:
    """Set the range, scale and names of the axes of a panel."""
    from matplotlib.ticker import NullFormatter  # matplotlib

    pairs = zip(found["parameter"].values, found["unit"].values, strict=True)
    names = [mathtext(f"{name}\n/ {unit}") for name, unit in pairs]
    for axis, k, set_scale in ((axes.xaxis, j, axes.set_xscale), (axes.yaxis, i, axes.set_yscale)):
        if int(found["logarithmic"][k]) and (axis is axes.xaxis or i != j):
            set_scale("log")
            axis.set_minor_formatter(NullFormatter())
    axes.set_xlim(*_bins(found, j)[[0, -1]])
    axes.tick_params(labelsize=7)
    if i < p - 1:
        axes.set_xticklabels([])
    else:
        axes.set_xlabel(names[j], fontsize=8)
        axes.tick_params(axis="x", rotation=40)
    if j == 0 and i > 0:
        axes.set_ylabel(names[i], fontsize=8)
    elif j > 0 and i != j:
        axes.set_yticklabels([])


def _residuals(found: xr.Dataset, axes: "Axes") -> None:
    """Draw how many standard errors each statistic is off at the best point."""
    standard_errors = (found["target"].values - found["fitted"].values) / found["error"].values
    places = np.arange(len(standard_errors))[::-1]
    axes.barh(places, standard_errors, color=DATA, height=0.6)
    names = [mathtext(str(name).replace(" of ", "\nof ")) for name in found["statistic"].values]
    axes.set_yticks(places, names, fontsize=6)
    for end in (-2, 2):
        axes.axvline(end, color="k", lw=0.6, ls=":")
    axes.set_xlabel("measured less simulated (errors)", fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_title("misfit", loc="left", fontsize=TITLE)
