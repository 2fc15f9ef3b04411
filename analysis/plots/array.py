"""Pictures of an array: programming, products, energy, timeline of the controller, maps, read margins.

Each function draws one page from the dataset of an array; `save` writes all that a dataset has something for.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...data import store
from ...escape import mathtext
from ...typing import Floats
from . import page
from .caption import quantity
from .colours import SERIES
from .page import label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIVERGING, SEQUENTIAL = "RdBu_r", "viridis"
SHOWN = 24
"""Operations of the array that a timeline shows."""

MARKED = 0.0
"""Read margin below which a line is not readable."""


def save(result: "xr.Dataset", path: str | Path, *, force: bool = False) -> list[Path]:
    """Write every page that a result has something for; return their names.

    Parameters
    ----------
    path : str or Path
        Of the first page; others have its name before theirs, ``array-energy.png`` and so on.
    force : bool
        Replace existing files.

    Raises
    ------
    ValueError
        The ending is none that matplotlib knows.
    StoreError
        A file exists or cannot be written.
    """
    base = Path(path)
    page.check_name(base)
    chosen = {name: draw for name, (needs, draw) in PAGES.items() if needs in result.variables}
    targets = {name: base.with_name(f"{base.stem}-{name}{base.suffix}") for name in chosen}
    if targets:
        targets[next(iter(targets))] = base
    for target in targets.values():
        store.writable(target, force=force)
    return [page.save(draw(result), targets[name]) for name, draw in chosen.items()]


def _page(result: "xr.Dataset", what: str, size: tuple[float, float]) -> "Figure":
    from matplotlib.figure import Figure as NewFigure  # matplotlib, which only drawing needs

    figure = NewFigure(figsize=size, layout="constrained")
    title = str(result.attrs.get("title", "array"))
    figure.suptitle(mathtext(f"{title}: {what}"), x=0.01, ha="left", fontsize=12, fontweight="bold")
    return figure


def _image(axes: "Axes", values: Floats, unit: str, title: str, **more: Any) -> None:
    """Draw a map of the cells with a bar; axes count word and bit lines."""
    image = axes.imshow(values, interpolation="nearest", aspect="auto", **more)
    figure = axes.get_figure()
    assert figure is not None
    figure.colorbar(image, ax=axes, label=unit, shrink=0.9)
    label(axes, title, "bit line", "word line")


# --------------------------------------------------------------------------- programming


def programming(result: "xr.Dataset") -> "Figure":
    """Draw what programming reached: error map, pulses, error by target, and what time does to it."""
    figure = _page(result, "programming", (12.4, 7.4))
    upper, lower = figure.subplots(2, 3)
    target = result["target"].values
    # Blind pulses are not followed by a read; what the cells are then is what was reached.
    conductance = result["programmed"].values
    conductance = np.where(
        np.isnan(conductance), result["conductance"].values[_written(result)[0]], conductance
    )
    error = (conductance - target) * 1e6
    limit = float(np.quantile(np.abs(error), 0.99)) or 1.0
    failed = np.argwhere(result["reached"].values == 0)
    title = "error as read last (scale to its 99 % quantile)"
    if len(failed):  # in the title: a legend would cover cells
        title += f"\n{len(failed)} failed: black crosses"
    _image(upper[0], error, "error / µS", title, cmap=DIVERGING, vmin=-limit, vmax=limit)
    size = 4 if len(failed) < 100 else 1.5
    upper[0].plot(failed[:, 1], failed[:, 0], "x", color="k", markersize=size)
    _image(upper[1], result["program_pulses"].values, "pulses", "pulses that a cell took", cmap=SEQUENTIAL)
    _pulses(upper[2], result)
    _by_target(lower[0], result)
    _error_distribution(lower[1], result)
    _over_time(lower[2], result)
    return figure


def _pulses(axes: "Axes", result: "xr.Dataset") -> None:
    pulses = result["program_pulses"].values.ravel()
    axes.hist(pulses, bins=min(60, int(pulses.max()) + 1), color=SERIES[0])
    axes.axvline(pulses.mean(), color=SERIES[1], linewidth=1, label=f"mean {pulses.mean():.3g}")
    axes.set_yscale("log")
    label(axes, "pulses a cell", "pulses", "cells", legend=8)


def _written(result: "xr.Dataset") -> list[int]:
    """Return the snapshots since the cells were programmed."""
    labels = [str(label) for label in result["snapshot_label"].values]
    return [k for k, label in enumerate(labels) if label != "as made"]


def _by_target(axes: "Axes", result: "xr.Dataset") -> None:
    """Draw mean and spread of the error at each target, per snapshot."""
    target = result["target"].values
    levels = np.unique(target)
    if len(levels) > 32:
        levels = np.quantile(target, np.linspace(0, 1, 17))
    nearest = np.argmin(np.abs(target[..., None] - levels), axis=-1)
    for place, k in enumerate(_written(result)):
        error = (result["conductance"].values[k] - target) * 1e6
        rows = [error[nearest == i] for i in range(len(levels))]
        axes.errorbar(
            levels * 1e6 * (1 + 0.01 * place), [r.mean() for r in rows], [r.std() for r in rows], fmt="o-",
            markersize=3, linewidth=0.8, capsize=2, color=SERIES[place % len(SERIES)],
            label=str(result["snapshot_label"].values[k]),
        )  # fmt: skip
    axes.axhline(0.0, color="0.6", linewidth=0.6)
    label(axes, "mean and standard deviation by target", "target / µS", "error as read / µS", legend=8)


def _error_distribution(axes: "Axes", result: "xr.Dataset") -> None:
    target = result["target"].values
    for place, k in enumerate(_written(result)):
        share = np.sort(((result["conductance"].values[k] - target) / target).ravel()) * 100
        axes.plot(share, np.linspace(0, 100, share.size), color=SERIES[place % len(SERIES)],
                  label=str(result["snapshot_label"].values[k]))  # fmt: skip
    last = (result["conductance"].values[_written(result)] - target) / target * 100
    low, high = np.quantile(last, [0.002, 0.998])
    axes.set_xlim(low - 1, high + 1)
    words = ("distribution of the relative error", "error / % of the target", "cells below / %")
    label(axes, *words, legend=8)


def _over_time(axes: "Axes", result: "xr.Dataset") -> None:
    time, conductance = result["time"].values, result["conductance_quantile"].values * 1e6
    shown = time > 0
    for k, quantile in enumerate(result["quantile"].values):
        share = f"{100 * float(quantile):g} % of the cells"
        axes.plot(time[shown], conductance[shown, k], color=SERIES[k], label=share)
    axes.set_xscale("log")
    label(axes, "all cells, as the monitor saw them", "simulated time / s", "conductance / µS", legend=8)


# --------------------------------------------------------------------------- products


def products(result: "xr.Dataset") -> "Figure":
    """Draw products against what they should be, and where the difference comes from."""
    figure = _page(result, "products of vectors", (12.4, 4.2))
    scatter, histogram, columns = figure.subplots(1, 3)
    target, output = result["product_target"].values * 1e6, result["product"].values * 1e6
    exact = result["product_exact"].values * 1e6
    step = max(1, target.size // 20_000)
    scatter.plot(target.ravel()[::step], output.ravel()[::step], ".", markersize=1.5, color=SERIES[0])
    ends = [float(target.min()), float(target.max())]
    scatter.plot(ends, ends, color=SERIES[1], linewidth=1, label="equal")
    title = f"{result.sizes['vector']} vectors, {result.sizes['bit_line']} bit lines"
    label(scatter, title, "product with the targets / µA", "current as converted / µA", legend=8)
    scale = float(np.abs(target).max()) / 100
    parts = {
        "all": output - target,
        "cells against targets": exact - target,
        "lines and converter": output - exact,
    }
    gain = one_gain(result)
    parts[f"all, times {gain:.3g}"] = gain * output - target
    for k, (name, difference) in enumerate(parts.items()):
        share = (difference / scale).ravel()
        histogram.hist(
            share,
            bins=120 if share.size > 5000 else 30,
            histtype="step",
            density=True,
            color=SERIES[k],
            label=f"{name}: {np.sqrt(np.mean(share**2)):.2g} % rms",
        )
    # One part may be a hundred times as narrow as another; above is room for the legend.
    histogram.set_yscale("log")
    histogram.set_ylim(top=30 * histogram.get_ylim()[1])
    words = ("error and its parts", "error / % of the largest product", "density")
    label(histogram, *words, legend=8, place="upper left")
    error = (output - target) / scale
    columns.plot(np.sqrt((error**2).mean(axis=0)), color=SERIES[0], label="rms")
    columns.plot(error.mean(axis=0), color=SERIES[1], linewidth=0.8, label="mean")
    columns.axhline(0.0, color="0.6", linewidth=0.6)
    label(columns, "error by bit line", "bit line", "error / % of the largest product", legend=8)
    return figure


def one_gain(result: "xr.Dataset") -> float:
    """Return the number by which all products are scaled to come nearest to those of the targets.

    NaN where all products are 0, which no number brings nearer, or beyond floating point.
    """
    target, output = result["product_target"].values, result["product"].values
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return float(np.sum(target * output) / np.sum(output**2))


# --------------------------------------------------------------------------- energy


def energy(result: "xr.Dataset") -> "Figure":
    """Draw where energy went in each phase, over time, and what takes area."""
    origin = str(result.attrs.get("periphery_label", ""))
    figure = _page(result, "energy and area", (12.4, 4.2))
    bars, lines, areas = figure.subplots(1, 3)
    components = [str(name) for name in result["component"].values]
    values, phase = result["energy"].values, result["phase"].values
    numbers = np.unique(phase)
    spent = np.array([values[phase == p][-1] - values[phase == p][0] for p in numbers])
    names = [str(result["phase_name"].values[p]) for p in numbers]
    width = 0.8 / len(components)
    for k, component in enumerate(components):
        bar_centres = np.arange(len(names)) + (k - (len(components) - 1) / 2) * width
        bars.bar(bar_centres, np.maximum(spent[:, k], 1e-18), width, color=SERIES[k], label=component)
        for x, value in zip(bar_centres, spent[:, k], strict=True):
            if value > 0:
                text = f" {quantity(float(value), 'J')}"
                bars.text(x, value, text, ha="center", va="bottom", fontsize=7, rotation=90)
        lines.plot(np.maximum(result["time"].values, 1e-9), np.maximum(values[:, k], 1e-18), color=SERIES[k],
                   label=component)  # fmt: skip
    positive = spent[spent > 0]
    if positive.size:
        bars.set_ylim(positive.min() / 5, positive.max() * 20)
        lines.set_ylim(positive.min() / 5, positive.max() * 5)
    bars.set_yscale("log")
    bars.set_xticks(np.arange(len(names)), list(map(mathtext, names)))
    label(bars, f"energy by phase (driver and converter {origin})", y="energy / J", legend=8)
    lines.set_xscale("log")
    lines.set_yscale("log")
    label(lines, "energy over time", "simulated time / s", "energy so far / J", legend=8)
    parts, area = [str(name) for name in result["part"].values], result["area"].values * 1e12
    # What has an energy beside has its colour here too: the cells are the array.
    component_names = [{"cells": "array"}.get(part, part) for part in parts]
    paint = [SERIES[components.index(name)] if name in components else "0.6" for name in component_names]
    areas.barh(list(map(mathtext, parts)), area, color=paint)
    areas.set_xscale("log")
    label(areas, f"area ({origin})", "area / µm²")
    return figure


# --------------------------------------------------------------------------- timeline


def timeline(result: "xr.Dataset") -> "Figure":
    """Draw what the controller did when, in its first operations and where the last phase with any begins."""
    figure = _page(result, "timeline of the controller", (12.4, 5.2))
    upper, lower = figure.subplots(2, 1)
    start = result["operation_start"].values
    in_lane = np.isin(_lanes(result), ("pulse", "read", "product"))
    first = np.flatnonzero(in_lane)[: SHOWN + 1]
    until = int(start[first[-1]] if len(first) else start.max(initial=0) + 1)
    _gantt(upper, result, 0, until, "the first operations")
    ends = np.rint(np.nan_to_num(result["phase_end"].values) * 1e12).astype(np.int64)
    begins = np.concatenate(([0], ends[:-1]))
    counts = [int(np.count_nonzero((start >= b) & (start < e))) for b, e in zip(begins, ends, strict=True)]
    last = max((k for k, count in enumerate(counts) if count), default=0)
    shown_rows = np.flatnonzero(start >= begins[last])[: 4 * SHOWN]
    name = str(result["phase_name"].values[last])
    _gantt(lower, result, int(start[shown_rows].min()), int(result["operation_end"].values[shown_rows].max()),
           f"the beginning of phase {last + 1}, {name}")  # fmt: skip
    return figure


def _lanes(result: "xr.Dataset") -> NDArray[np.str_]:
    return np.asarray(result["lane"].values.astype(str)[result["operation_lane"].values])


def _gantt(axes: "Axes", result: "xr.Dataset", begin: int, end: int, title: str) -> None:
    start, stop = result["operation_start"].values, result["operation_end"].values
    lanes = [str(lane) for lane in result["lane"].values]
    order: list[str] = [lane for lane in ("driver", "pulse", "read", "product", "converter") if lane in lanes]
    order += [lane for lane in lanes if lane not in order]
    overlapping = np.flatnonzero((stop > begin) & (start < end))
    names = _lanes(result)[overlapping]
    unit, name = (1e6, "µs") if end - begin > 2e6 else (1e3, "ns")
    for k, lane in enumerate(order):
        lane_rows = overlapping[names == lane]
        spans = [((start[i] - begin) / unit, (stop[i] - start[i]) / unit) for i in lane_rows]
        axes.broken_barh(spans, (k - 0.38, 0.76), facecolors=SERIES[k % len(SERIES)], edgecolor="white",
                         linewidth=0.3)  # fmt: skip
    axes.set_yticks(range(len(order)), list(map(mathtext, order)))
    axes.invert_yaxis()
    axes.set_xlim(0, (end - begin) / unit)
    since = begin / 1e12
    label(axes, title, f"time / {name}, from {since:.6g} s" if begin else f"time / {name}")


# --------------------------------------------------------------------------- maps


def maps(result: "xr.Dataset") -> "Figure":
    """Draw voltages and currents of all cells and the voltage along the lines, one row for each map."""
    number = result.sizes["map"]
    figure = _page(result, "voltages and currents", (15.0, 3.9 * number))
    grid = figure.subplots(number, 4, squeeze=False)
    for k in range(number):
        row = grid[k]
        applied = str(result["map_label"].values[k])
        voltage, current = result["map_voltage"].values[k], result["map_current"].values[k]
        _image(row[0], voltage, "voltage / V", f"over the cells; {applied}", cmap=SEQUENTIAL)
        size = np.abs(current)
        positive = size[size > 0]
        wide = positive.size and positive.max() / positive.min() > 50
        if wide:
            from matplotlib.colors import LogNorm  # matplotlib

            scale = LogNorm(max(positive.min(), positive.max() * 1e-8), positive.max())
            _image(row[1], size, "|current| / A", "through the cells", cmap=SEQUENTIAL, norm=scale)
        else:
            _image(row[1], current * 1e6, "current / µA", "through the cells", cmap=SEQUENTIAL)
        for side in range(2):
            _profile(row[2 + side], result, k, side)
    return figure


def _profile(axes: "Axes", result: "xr.Dataset", number: int, side: int) -> None:
    """Draw the voltage along some lines of one kind."""
    name = str(result["line"].values[side])
    volts = result["map_line"].values[number, side]
    along_row = name == "word line"
    lines = volts if along_row else volts.T
    picked = np.unique(np.linspace(0, len(lines) - 1, 5).round().astype(int))
    for k, line in enumerate(picked):
        line_label = f"{name} {line}"
        axes.plot(lines[line], color=SERIES[k], linewidth=1, label=line_label)
    label(axes, f"along {name}s", "bit line" if along_row else "word line", f"{name} / V", legend=7)


# --------------------------------------------------------------------------- margins


def margin(result: "xr.Dataset") -> "Figure":
    """Draw read margins against size, one panel for each crossing."""
    figure = _page(result, "read margin against size", (11.0, 4.4))
    crossings = [str(name) for name in result["crossing"].values]
    panels = figure.subplots(1, len(crossings), sharey=True, squeeze=False)[0]
    size = result["size"].values
    lowest = min(-0.1, max(float(result["read_margin"].min()), -1.0) - 0.05)
    for axes, crossing in zip(panels, crossings, strict=True):
        for k, scheme in enumerate(result["scheme"].values):
            values = result["read_margin"].sel(crossing=crossing, scheme=scheme).values
            name = mathtext(NAMES.get(str(scheme), str(scheme)))
            axes.plot(size, values, "o-", markersize=4, color=SERIES[k], label=name)
        axes.axhline(MARKED, color="0.4", linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set_xscale("log", base=2)
        axes.set_xticks(size, [str(int(cells)) for cells in size])
        axes.set_ylim(lowest, 1.05)
        label(axes, crossing, "word and bit lines")
    panels[0].set_ylabel("read margin, 1 - I(HRS)/I(LRS), worst patterns")
    panels[0].legend(fontsize=8)
    return figure


NAMES = {"floating": "floating", "half": "V/2", "third": "V/3", "grounded": "grounded"}

PAGES: dict[str, tuple[str, Callable[["xr.Dataset"], "Figure"]]] = {
    "programming": ("programmed", programming),
    "products": ("product", products),
    "energy": ("energy", energy),
    "timeline": ("operation_start", timeline),
    "maps": ("map_voltage", maps),
    "margin": ("read_margin", margin),
}
"""Pages by name, with the variable that each needs."""
