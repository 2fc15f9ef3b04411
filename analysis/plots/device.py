"""Pictures of a run: I-V loops, the filament, counts and temperature, and one page of all of them."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...escape import mathtext
from ...typing import Floats
from ..results import filament, metrics
from ..results.appearance import BOND_RADIUS, BOTTOM, CONDUCTING, DEFECT_RADIUS, INTERSTITIAL, ISOLATED, TOP
from ..results.switching import current_at
from . import scene
from .caption import NAMES, caption, filamentary, phase_title, prefix, several
from .page import label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"form": "#2b2b2b", "set": "#c8371f", "reset": "#1f6fb4"}
OTHER, GAP = "#4d9150", "#157a55"
SWEPT = ("form", "set", "reset", "triangle", "ramp", "points")
SIDE_VIEW, SHEET_VIEW = scene.Camera(), scene.Camera(elevation=32.0)
SHEET = 0.2  # height of a box in widths below which it is a sheet: seen from above, through its electrode
FREE = 0.18  # share of the height of a panel above its curves, where switching voltages are named
PAGE = (13.2, 11.4)  # width, and height with the longest caption (inch)
CAPTION, LINE = 9.3, 1.4  # size of its letters (points), and distance of its lines in sizes
UNEVEN = 30.0  # ratio of phase durations beyond which a time axis hides the short phases
NAMED = 4  # phases at most that are named along an axis
READ_SAMPLES = 1000  # of a phase at constant voltage whose trace is worth a panel
Colouring = Literal["state", "temperature"]


def overview(result: "xr.Dataset") -> "Figure":
    """Draw a run on one page: I-V loops, filaments, counts (or a trace), temperature, resistances, caption.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure as NewFigure  # matplotlib, which only drawing needs

    sheet = NewFigure()
    shown = filament.shown_snapshots(result)
    text = caption(result, shown)
    # What a short caption leaves free below is cut off; the rest keeps its size.
    spare = max(0.0, 0.116 * PAGE[1] - (text.count("\n") + 1) * CAPTION * LINE / 72)
    height = PAGE[1] - spare
    sheet.set_size_inches(PAGE[0], height)

    def at(share: float) -> float:
        """Return where a share of the height of the full page lies."""
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
        filament_view(result, index, sheet.add_subplot(views[divmod(place, 2)]))
    _legend_of_views(sheet, str(result["species"].values[0]), at(0.441))
    first = sheet.add_subplot(lower[0])
    read = read_phase(result)
    if read is None:
        counts(result, first)
    else:
        read_trace(result, read, first)
    temperature(result, sheet.add_subplot(lower[1]))
    resistances(result, sheet.add_subplot(lower[2]))
    sheet.text(
        0.065, at(0.128), mathtext(text), va="top", ha="left", fontsize=CAPTION, wrap=False, linespacing=LINE
    )
    return sheet


def current_voltage(result: "xr.Dataset", axes: "Axes") -> None:
    """Draw |current| on a logarithmic scale against the source voltage, each kind of phase in its colour.

    Of several phases of a kind one is drawn strong: the first forming, the last of the others. A run
    without sweeps is drawn against time.
    """
    kinds = [str(kind) for kind in result["phase_kind"].values]
    phase = result["phase"].values
    magnitude, voltage = np.abs(result["current"].values), result["source_voltage"].values
    swept = [index for index, kind in enumerate(kinds) if kind in SWEPT]
    if not swept:
        _conductance_time(result, axes)
        return
    for index in swept:
        rows = (phase == index) & (magnitude > 0)
        # A device is formed once; further attempts only repair it. Of the cycles the last is shown strong.
        kind, which = kinds[index], "first" if kinds[index] == "form" else "last"
        strong = kind not in (kinds[:index] if which == "first" else kinds[index + 1 :])
        name, number = NAMES.get(kind, kind), kinds.count(kind)
        axes.semilogy(
            voltage[rows],
            magnitude[rows],
            color=COLOURS.get(kind, OTHER),
            alpha=1.0 if strong else 0.28,
            linewidth=1.5 if strong else 0.9,
            zorder=3 if strong else 2,
            label=(f"{name} ({number}, {which} one strong)" if number > 1 else name) if strong else None,
        )
    _mark_limit(result, axes)
    _mark_switching(result, axes)
    lowest = magnitude[(np.abs(voltage) > 0.02 * np.abs(voltage).max()) & (magnitude > 0)]
    if len(lowest):
        bottom, top = lowest.min() / 2, magnitude.max()
        axes.set_ylim(bottom, bottom * (top / bottom) ** (1 / (1 - FREE)))
    axes.axvline(0, color="0.85", linewidth=0.8, zorder=0)
    axes.grid(True, which="major", color="0.93", linewidth=0.7)
    words = ("current and voltage", "source voltage / V", "|current| / A")
    label(axes, *words, legend=8.5, place="lower right")


def filament_view(
    result: "xr.Dataset",
    index: int,
    axes: "Axes",
    *,
    colour: Colouring = "state",
    shift: Floats | None = None,
) -> None:
    """Draw one snapshot as spheres between the electrodes, seen from the side, a sheet from above.

    Parameters
    ----------
    result : xarray.Dataset
    index : int
        Number of the snapshot.
    axes : matplotlib Axes
    colour : {"state", "temperature"}
        Conducting and isolated vacancies apart, or the temperature at each (where it was recorded).
    shift : (2,), optional
        How far (m) all is moved along x and y in a repeating box; by default so that the filament is in its
        middle. One shift for several snapshots lets nothing jump between them.
    """
    shot = filament.snapshot(result, index)
    spacing = shot.spacing * 1e9
    x, y, z = (n * spacing for n in shot.shape)
    box, plate = (x, y, z + spacing), 0.09 * z
    sheet = box[2] < SHEET * max(x, y)
    camera = SHEET_VIEW if sheet else SIDE_VIEW
    corners = np.array([(a, b, c) for a in (0, x) for b in (0, y) for c in (-plate, box[2] + plate)])
    flat = camera.project(corners)
    margin = 0.02 * np.ptp(flat[:, 0])
    extent = (
        flat[:, 0].min() - margin,
        flat[:, 0].max() + margin,
        flat[:, 1].min() - margin,
        flat[:, 1].max() + margin,
    )
    scene.draw_edges(axes, box, camera)
    scene.draw_slab(axes, (-plate, 0.0), (x, y), camera, colour=BOTTOM, alpha=1.0, zorder=1.5)
    own = filament.middle_shift(shot) if shift is None else shift
    position = filament.shifted(shot, own) * 1e9 + [spacing / 2, spacing / 2, 0.0]
    paint = _paint(shot, colour)
    beads, shades = _beads(shot, position, paint)
    size = np.r_[np.full(len(position), DEFECT_RADIUS), np.full(len(beads), BOND_RADIUS)] * spacing
    scene.draw_spheres(
        axes, np.concatenate([position, beads]), size, np.concatenate([paint, shades]), extent, camera
    )
    alpha = 0.2 if sheet else 0.88
    scene.draw_slab(axes, (box[2], box[2] + plate), (x, y), camera, colour=TOP, alpha=alpha, zorder=3)
    if not filament.is_continuous(shot) and shot.conducting.any():
        _mark_gap(axes, filament.longest_jump(shot), (x, y), camera)
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])
    axes.set_aspect("equal")
    axes.set_axis_off()
    title = _view_title(result, index, shot)
    if colour == "temperature" and len(shot.temperature):
        title += f"\n{shot.temperature.min():.0f} K (dark) to {shot.temperature.max():.0f} K (bright)"
    axes.set_title(mathtext(title), fontsize=8.2, loc="center", pad=4)


def read_phase(result: "xr.Dataset") -> int | None:
    """Return the last phase at constant voltage that was sampled finely, to see noise, if there is one."""
    samples = np.bincount(result["phase"].values, minlength=result.sizes["phases"])
    phases = np.flatnonzero((result["phase_kind"].values == "constant") & (samples >= READ_SAMPLES))
    return int(phases[-1]) if len(phases) else None


def read_trace(result: "xr.Dataset", index: int, axes: "Axes") -> None:
    """Draw the current of a phase against its time."""
    rows = result["phase"].values == index
    time, current = result["time"].values[rows], result["current"].values[rows]
    scale, unit = prefix(float(time[-1] - time[0]), "s", largest=1.0)
    factor, name = prefix(float(np.abs(current).max()), "A", least=1e-15)
    axes.plot((time - time[0]) / scale, current / factor, drawstyle="steps-post", color="0.35", linewidth=0.5)
    axes.set_xlim(0, (time[-1] - time[0]) / scale)
    label(axes, f"current in {phase_title(result, index)}", f"time / {unit}", f"current / {name}")


def counts(result: "xr.Dataset", axes: "Axes") -> None:
    """Draw the number of each species of defect, and the reservoirs of the electrodes, over the run."""
    along = _axis(result, axes)
    palette = (CONDUCTING, INTERSTITIAL)
    for column, name in enumerate(str(name) for name in result["species"].values):
        values = result["count"].values[:, column]
        axes.plot(along, values, label=name, color=palette[column] if column < 2 else OTHER, linewidth=1.3)
    if "reservoir" in result:
        held = result["reservoir"].values
        for column, name in enumerate(str(name) for name in result["electrode"].values):
            if np.ptp(held[:, column]):
                # A large reservoir would hide the defects: then only what it has taken up or given.
                large = held.max() > 5 * max(int(result["count"].values.max()), 1)
                axes.plot(
                    along,
                    held[:, column] - (held[0, column] if large else 0),
                    label=f"{'change of the ' if large else ''}reservoir of the {name} electrode",
                    color="#b08a3e",
                    linewidth=1.1,
                    linestyle="--",
                )
    if axes.get_ylim()[0] > 0:
        axes.set_ylim(bottom=0)
    label(axes, "number of defects", legend=8)


def temperature(result: "xr.Dataset", axes: "Axes") -> None:
    """Draw the highest temperature in the device over the run."""
    axes.plot(_axis(result, axes), result["temperature_max"].values, color="#8a3ab0", linewidth=0.9)
    axes.axhline(float(result["ambient_temperature"]), color="0.6", linewidth=0.8, linestyle=":")
    label(axes, "highest temperature / K")


def resistances(result: "xr.Dataset", axes: "Axes") -> None:
    """Draw the resistance at the read voltage after each phase, high and low states in different colours."""
    resistance = metrics.resistance(result)
    kinds = result["phase_kind"].values
    number = np.arange(len(kinds))
    axes.semilogy(number, resistance, color="0.8", linewidth=0.9, zorder=1)
    for kind in dict.fromkeys(str(kind) for kind in kinds):
        rows = kinds == kind
        axes.semilogy(
            number[rows],
            resistance[rows],
            "o",
            markersize=5,
            color=COLOURS.get(kind, OTHER),
            label=f"after {NAMES.get(kind, kind)}",
            zorder=2,
        )
    _name_phases(result, axes, number)
    axes.grid(True, axis="y", color="0.93", linewidth=0.7)
    label(axes, f"resistance at {float(result['read_voltage']):g} V / ohm", "phase", legend=8)


def _conductance_time(result: "xr.Dataset", axes: "Axes") -> None:
    """Draw the conductance against time, which shows pulses and rest alike."""
    conductance, time = result["conductance"].values, result["time"].values
    steps = np.diff(time)
    spread = len(steps) > 2 and steps[-1] > 1e4 * max(steps[0], 1e-300)
    along = np.maximum(time, steps[0] / 2) if spread else _axis(result, axes)
    factor, unit = prefix(float(conductance.max()), "S", least=1e-15)
    axes.plot(along, conductance / factor, color=OTHER, linewidth=1.2)
    if spread:
        axes.set_xscale("log")
        axes.set_xlabel("time / s")
    if conductance.max() > 10 * max(conductance.min(), 1e-300):
        axes.set_yscale("log")
    axes.grid(True, which="major", color="0.93", linewidth=0.7)
    label(axes, "conductance", y=f"conductance / {unit}")


def _mark_limit(result: "xr.Dataset", axes: "Axes") -> None:
    limits = np.unique(result["phase_compliance"].values)
    limits = limits[np.isfinite(limits)]
    for limit in limits:
        axes.axhline(limit, color="0.55", linewidth=0.8, linestyle=(0, (5, 3)), zorder=1)
    if not len(limits):
        return
    values = ", ".join(f"{limit * 1e6:g}" for limit in limits)
    axes.annotate(
        f"limit{'s' * (len(limits) > 1)} {values} µA",
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


def _mark_switching(result: "xr.Dataset", axes: "Axes") -> None:
    """Point along the upper edge at the voltages where the strong curves switch, and mark them on these."""
    phases = metrics.phase_summary(result)
    kinds, volts = phases["phase_kind"].values, phases["switching_voltage"].values
    low, high = axes.get_xlim()
    for kind in ("form", "set", "reset"):
        indices = np.flatnonzero(kinds == kind)
        if not len(indices):
            continue
        index = int(indices[0 if kind == "form" else -1])  # of the strong curve
        value = float(volts[index])
        if np.isfinite(value):
            rows = result["phase"].values == index
            curve = result["source_voltage"].values[rows], np.abs(result["current"].values[rows])
            size = current_at(*curve, value, kind, logarithmic=True)
            (mark,) = axes.plot([value], [size], "o", markersize=4, color=COLOURS[kind], zorder=5)
            mark.set_markerfacecolor("white")
            # A name near a side ends there rather than beyond it.
            share = (value - low) / (high - low)
            side: Literal["left", "center", "right"]
            side = "right" if share > 0.9 else "left" if share < 0.1 else "center"
            # Forming stands higher, so that its label never covers that of SET.
            height = 0.93 if kind == "form" else 0.87
            axes.annotate(
                f"{NAMES[kind]} {value:.2f} V",
                (value, height),
                xycoords=("data", "axes fraction"),
                xytext=(0, 4),
                textcoords="offset points",
                ha=side,
                va="bottom",
                fontsize=8,
                color=COLOURS[kind],
            )
            axes.plot(
                [value],
                [height - 0.005],
                marker="v",
                markersize=5,
                color=COLOURS[kind],
                clip_on=False,
                transform=axes.get_xaxis_transform(),
            )


def _paint(shot: filament.Snapshot, colour: Colouring) -> Floats:
    """Return the colour of each defect, (n, 3)."""
    if colour == "temperature":
        from matplotlib import colormaps  # matplotlib

        low, high = shot.temperature.min(initial=np.inf), shot.temperature.max(initial=-np.inf)
        return np.asarray(
            colormaps["inferno"](0.15 + 0.75 * (shot.temperature - low) / max(high - low, 1e-9))
        )[:, :3]
    return np.where(shot.conducting[:, None], CONDUCTING, ISOLATED)


def _beads(shot: filament.Snapshot, position: Floats, paint: Floats) -> tuple[Floats, Floats]:
    """Return the bonds between neighbouring conducting defects as beads, and their colours."""
    wire = shot.conducting
    linked = filament.distances(shot.position[wire], shot.spacing, shot.shape, shot.periodic) < filament.LINK
    beads = scene.bonds(position[wire], linked, shot.spacing * 1e9)
    shade = paint[wire].mean(axis=0) if wire.any() else np.array(CONDUCTING)
    return beads, np.broadcast_to(0.75 * shade, (len(beads), 3))


def _mark_gap(axes: "Axes", jump: filament.Jump, width: tuple[float, float], camera: scene.Camera) -> None:
    """Draw a double arrow beside the box over the height (nm) of the longest jump."""
    # Beside the corner that is farthest left as seen, so that it never lies over the filament.
    corners = np.array([(a, b, 0.0) for a in (0.0, width[0]) for b in (0.0, width[1])])
    corner = corners[int(np.argmin(camera.project(corners)[:, 0]))]
    ends = camera.project(np.array([corner + [0, 0, jump.low * 1e9], corner + [0, 0, jump.high * 1e9]]))
    left = ends[0, 0] + 0.03 * sum(width)
    axes.annotate(
        "",
        (left, ends[0, 1]),
        xytext=(left, ends[1, 1]),
        zorder=4,
        arrowprops={
            "arrowstyle": "<|-|>",
            "color": GAP,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 7,
            "linewidth": 1.2,
        },
    )
    axes.text(
        left + 0.02 * sum(width), ends[:, 1].mean(), "gap", color=GAP, fontsize=8, va="center", zorder=4
    )


def _view_title(result: "xr.Dataset", index: int, shot: filament.Snapshot) -> str:
    when = "as made" if index == 0 else f"after {phase_title(result, shot.phase)}"
    if not filamentary(result) or not len(shot.position):
        return f"{when}: {several(result, len(shot.position))}"
    jump = filament.longest_jump(shot)
    state = "electrodes joined" if filament.is_continuous(shot) else f"gap {jump.length * 1e9:.2f} nm"
    return f"{when.replace('attempt', 'try')}: {several(result, len(shot.position))}, {state}"


def _legend_of_views(sheet: "Figure", name: str, top: float) -> None:
    from matplotlib.lines import Line2D  # matplotlib

    handles: list[Any] = [
        Line2D([], [], marker="o", linestyle="", markersize=8, color=colour, label=label)
        for colour, label in (
            (CONDUCTING, f"{mathtext(name)} in the network (neutral, conducting)"),
            (ISOLATED, f"isolated {mathtext(name)} (charged)"),
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


def _name_phases(result: "xr.Dataset", axes: "Axes", places: Floats | NDArray[np.int_]) -> None:
    """Write the names of phases along an axis that counts them, where they find room; else their numbers."""
    names = [str(name) for name in result["phase_name"].values]
    if len(names) <= NAMED and sum(map(len, names)) <= NAMED * 8:
        axes.set_xticks(places, list(map(mathtext, names)))
    else:
        axes.locator_params(axis="x", integer=True)


def _axis(result: "xr.Dataset", axes: "Axes") -> Floats:
    """Return time, or the phase count where times are too uneven, and shade the phases behind."""
    phase, time = result["phase"].values, result["time"].values
    starts = np.searchsorted(phase, np.arange(result.sizes["phases"] + 1))
    ends = np.append(time, time[-1:])[starts]
    durations = np.diff(ends)
    if len(durations) and durations.max() > UNEVEN * max(durations.min(), 1e-300):
        spans = np.maximum(np.diff(starts), 1)[phase]
        along = phase + (np.arange(len(phase)) - starts[phase]) / spans
        edges = np.arange(result.sizes["phases"] + 1.0)
        axes.set_xlabel("phase")
        _name_phases(result, axes, edges[:-1] + 0.5)
    else:
        scale, unit = prefix(float(time[-1]) if len(time) else 1.0, "s", largest=1.0)
        along, edges = time / scale, ends / scale
        axes.set_xlabel(f"time / {unit}")
    for index, kind in enumerate(result["phase_kind"].values):
        axes.axvspan(
            edges[index], edges[index + 1], color=COLOURS.get(str(kind), OTHER), alpha=0.07, linewidth=0
        )
    if len(edges) > 1:
        axes.set_xlim(edges[0], edges[-1])
    return np.asarray(along, np.float64)
