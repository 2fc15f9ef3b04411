"""The page of a run: panels of `frenkel.plot`, and those of counts, temperature and conductance over time."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.columns import ResultTable
from ...escape import mathtext
from ...typing import Floats
from ..results import filament
from ..results.appearance import BOTTOM, CONDUCTING, INTERSTITIAL, SECOND, STATES, TOP
from . import colours, panels, paper
from .caption import caption, phase_title, prefix
from .page import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE = (13.2, 11.4)  # width, and height with the longest caption (inch)
CAPTION, LINE = 9.3, 1.4  # size of its letters (points), and distance of its lines in sizes
UNEVEN = 30.0  # ratio of phase durations beyond which a time axis hides the short phases
STRONG = {"form": "first forming", "set": "last SET", "reset": "last RESET"}  # other curves are pale
READ_SAMPLES = 1000  # of a phase at constant voltage whose trace is worth a panel


def overview(result: ResultTable) -> "Figure":
    """Draw a run on one page: I-V loops, filaments, counts (or a trace), temperature, resistances, caption.

    Parameters
    ----------
    result : xarray.Dataset or ResultArrays
        With the layout of :mod:`.schema`.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # matplotlib, which only drawing needs
    from matplotlib.figure import Figure as NewFigure

    sheet = NewFigure()
    FigureCanvasAgg(sheet)
    shown = filament.shown_snapshots(result)
    text = caption(result, shown)
    # What a short caption leaves free below is cut off; the rest keeps its size.
    spare = max(0.0, 0.116 * PAGE[1] - (text.count("\n") + 1) * CAPTION * LINE / 72)
    height = PAGE[1] - spare
    sheet.set_size_inches(PAGE[0], height)

    def at(share: float) -> float:
        """Return where a fraction of the height of the full page lies."""
        return (share * PAGE[1] - spare) / height

    upper = sheet.add_gridspec(
        1, 2, left=0.065, right=0.985, top=at(0.925), bottom=at(0.445), wspace=0.06, width_ratios=(1.0, 1.12)
    )
    views = upper[1].subgridspec(2 if len(shown) > 2 else 1, 2, wspace=0.02, hspace=0.13)
    lower = sheet.add_gridspec(1, 3, left=0.065, right=0.985, top=at(0.345), bottom=at(0.185), wspace=0.24)
    sheet.suptitle(
        mathtext(result.attrs.get("title") or "resistive memory device"),
        x=0.065,
        y=at(0.982),
        ha="left",
        fontsize=14,
        fontweight="bold",
    )
    current_voltage(result, sheet.add_subplot(upper[0]))
    for place, index in enumerate(shown):
        paper.filament(result, sheet.add_subplot(views[divmod(place, 2)]), snapshot=index, title=True)
    kinds = filament.conducting_kinds(result)
    _legend_of_views(sheet, [str(name) for name in result["species"].values[:kinds]], at(0.441))
    lower_left = sheet.add_subplot(lower[0])
    phase = read_phase(result)
    if phase is None:
        counts(result, lower_left)
    else:
        paper.rtn(result, lower_left, phase=phase)
        label(lower_left, f"current in {phase_title(result, phase)}")
    temperature(result, sheet.add_subplot(lower[1]))
    states = paper.resistance(result, sheet.add_subplot(lower[2]), against="phase")
    states.grid(True, axis="y", color="0.93", linewidth=0.7)
    label(states, states.get_ylabel(), legend=8, above=True)
    states.set_ylabel("")
    sheet.text(
        0.065, at(0.128), mathtext(text), va="top", ha="left", fontsize=CAPTION, wrap=False, linespacing=LINE
    )
    return sheet


def current_voltage(result: ResultTable, axes: "Axes") -> None:
    """Draw the I-V loops with their current limits; of a run without sweeps the conductance against time."""
    if not set(result["phase_kind"].values) & set(panels.SWEPT):
        _conductance_time(result, axes)
        return
    _mark_limit(result, axes)
    paper.iv(result, axes)
    axes.axvline(0, color="0.85", linewidth=0.8, zorder=0)
    axes.grid(True, which="major", color="0.93", linewidth=0.7)
    pale = any(line.get_alpha() not in (None, 1.0) for line in axes.get_lines())
    kinds = set(result["phase_kind"].values)
    strong = [words for kind, words in STRONG.items() if kind in kinds] if pale else []
    title = f"current and voltage, strong: {', '.join(strong)}" if strong else "current and voltage"
    label(axes, title, legend=8.5)


def read_phase(result: ResultTable) -> int | None:
    """Return the last phase at constant voltage that was sampled finely, to see noise, if there is one."""
    samples = np.bincount(result["phase"].values, minlength=result.sizes["phases"])
    phases = np.flatnonzero((result["phase_kind"].values == "constant") & (samples >= READ_SAMPLES))
    return int(phases[-1]) if len(phases) else None


def counts(result: ResultTable, axes: "Axes") -> None:
    """Draw the number of each species of defect, and the reservoirs of the electrodes, over the run."""
    abscissa = _axis(result, axes)
    palette = (CONDUCTING, *([SECOND] if filament.conducting_kinds(result) == 2 else []), INTERSTITIAL)
    for column, name in enumerate(str(name) for name in result["species"].values):
        values = result["count"].values[:, column]
        axes.plot(
            abscissa,
            values,
            label=name,
            color=palette[column] if column < len(palette) else colours.OTHER,
            linewidth=1.3,
        )
    if "reservoir" in result:
        reservoirs = result["reservoir"].values
        for column, name in enumerate(str(name) for name in result["electrode"].values):
            if np.ptp(reservoirs[:, column]):
                # A large reservoir would hide the defects: then only what it has taken up or given.
                large = reservoirs.max() > 5 * max(int(result["count"].values.max()), 1)
                axes.plot(
                    abscissa,
                    reservoirs[:, column] - (reservoirs[0, column] if large else 0),
                    label=f"{'change of the ' if large else ''}reservoir of the {name} electrode",
                    color="#b08a3e",
                    linewidth=1.1,
                    linestyle="--",
                )
    if axes.get_ylim()[0] > 0:
        axes.set_ylim(bottom=0)
    label(axes, "number of defects", legend=8)


def temperature(result: ResultTable, axes: "Axes") -> None:
    """Draw the highest temperature in the device over the run."""
    axes.plot(_axis(result, axes), result["temperature_max"].values, color="#8a3ab0", linewidth=0.9)
    axes.axhline(float(result["ambient_temperature"]), color="0.6", linewidth=0.8, linestyle=":")
    label(axes, "highest temperature / K")


def _conductance_time(result: ResultTable, axes: "Axes") -> None:
    """Draw the conductance against time, which shows pulses and rest alike."""
    conductance, time = result["conductance"].values, result["time"].values
    steps = np.diff(time)
    spread = len(steps) > 2 and steps[-1] > 1e4 * max(steps[0], 1e-300)
    abscissa = np.maximum(time, steps[0] / 2) if spread else _axis(result, axes)
    factor, unit = prefix(float(conductance.max()), "S", least=1e-15)
    axes.plot(abscissa, conductance / factor, color=colours.OTHER, linewidth=1.2)
    if spread:
        axes.set_xscale("log")
        axes.set_xlabel("time / s")
    if conductance.max() > 10 * max(conductance.min(), 1e-300):
        axes.set_yscale("log")
    axes.grid(True, which="major", color="0.93", linewidth=0.7)
    label(axes, "conductance", y=f"conductance / {unit}")


def _mark_limit(result: ResultTable, axes: "Axes") -> None:
    limits = np.unique(result["phase_compliance"].values)
    limits = limits[np.isfinite(limits)]
    for limit in limits:
        axes.axhline(limit, color="0.55", linewidth=0.8, linestyle=(0, (5, 3)), zorder=1)
    if not len(limits):
        return
    values = ", ".join(f"{limit * 1e6:g}" for limit in limits)
    axes.annotate(
        f"compliance {values} µA",
        (0.99, limits[0]),
        xycoords=("axes fraction", "data"),
        # One name below the lowest line, on the side of SET: RESET has currents there, SET has its limit.
        xytext=(0, -3),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8,
        color="0.35",
    )


def _legend_of_views(sheet: "Figure", names: list[str], top: float) -> None:
    from matplotlib.lines import Line2D  # matplotlib

    handles: list[Any] = [
        Line2D([], [], marker="o", linestyle="", markersize=8, color=colour, label=label)
        for kind, name in enumerate(names)
        for colour, label in (
            (STATES[3 * kind], f"{mathtext(name)} in the network (neutral, conducting)"),
            (STATES[3 * kind + 1], f"isolated {mathtext(name)} (charged)"),
        )
    ] + [
        Line2D([], [], marker="s", linestyle="", markersize=8, color=colour, label=label)
        for colour, label in ((TOP, "top electrode"), (BOTTOM, "bottom electrode"))
    ]
    sheet.legend(
        handles=handles,
        loc="upper right",
        bbox_to_anchor=(0.94, top),
        ncols=2,
        fontsize=8.5,
        frameon=False,
        columnspacing=1.4,
        handletextpad=0.3,
    )


def _axis(result: ResultTable, axes: "Axes") -> Floats:
    """Return time, or the phase count where times are too uneven, and shade the phases behind."""
    phase, time = result["phase"].values, result["time"].values
    starts = np.searchsorted(phase, np.arange(result.sizes["phases"] + 1))
    ends = np.append(time, time[-1:])[starts]
    durations = np.diff(ends)
    if len(durations) and durations.max() > UNEVEN * max(durations.min(), 1e-300):
        spans = np.maximum(np.diff(starts), 1)[phase]
        abscissa = phase + (np.arange(len(phase)) - starts[phase]) / spans
        edges = np.arange(result.sizes["phases"] + 1.0)
        axes.set_xlabel("phase")
        panels.name_phases(result, axes, edges[:-1] + 0.5)
    else:
        scale, unit = prefix(float(time[-1]) if len(time) else 1.0, "s", largest=1.0)
        abscissa, edges = time / scale, ends / scale
        axes.set_xlabel(f"time / {unit}")
    for index, kind in enumerate(result["phase_kind"].values):
        axes.axvspan(
            edges[index],
            edges[index + 1],
            color=colours.KINDS.get(str(kind), colours.OTHER),
            alpha=0.07,
            linewidth=0,
        )
    if len(edges) > 1:
        axes.set_xlim(edges[0], edges[-1])
    return np.asarray(abscissa, np.float64)
