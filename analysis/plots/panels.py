"""Panels that pages of pictures and `frenkel.plot` share, each drawn on axes that are given."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...data.columns import ResultTable
from ...escape import mathtext
from ...typing import Floats
from ..results import filament
from ..results.appearance import BOND_RADIUS, BOTTOM, CONDUCTING, DEFECT_RADIUS, REGIONS, STATES, TOP, states
from . import scene
from .caption import NAMES, filamentary, phase_title, prefix, several
from .colours import GAP, KINDS, OTHER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SWEPT = ("form", "set", "reset", "triangle", "ramp", "points")
SIDE_VIEW, SHEET_VIEW = scene.Camera(), scene.Camera(elevation=32.0)
SHEET = 0.2  # height of a box in widths below which it is a sheet: seen from above, through its electrode
NAMES_OF_LAYERS = 0.14  # what names of layers take beside a box, in its widths
NAMED = 4  # phases at most that are named along an axis
DEVICES = 40  # single devices that are drawn as thin lines
POINTS = 20_000  # of one curve of a probability plot; more are thinned evenly by rank
PERCENT = (0.01, 0.1, 1, 5, 20, 50, 80, 95, 99, 99.9, 99.99)
"""Shares (%) that the axis of a distribution is marked at."""
Colouring = Literal["state", "temperature"]


def filament_view(
    result: ResultTable,
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
    _draw_layers(result, spacing, (x, y), axes, camera)
    scene.draw_slab(axes, (-plate, 0.0), (x, y), camera, colour=BOTTOM, alpha=1.0, zorder=1.5)
    centring = filament.middle_shift(shot) if shift is None else shift
    scene.draw_walls(axes, _walls(result, centring), camera)
    position = filament.shifted(shot, centring) * 1e9 + [spacing / 2, spacing / 2, 0.0]
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
    axes.set_xlim(extent[0], extent[1] + ("layer" in result) * NAMES_OF_LAYERS * (extent[1] - extent[0]))
    axes.set_ylim(extent[2:])
    axes.set_aspect("equal")
    axes.set_axis_off()
    title = _view_title(result, index, shot)
    if colour == "temperature" and len(shot.temperature):
        title += f"\n{shot.temperature.min():.0f} K (dark) to {shot.temperature.max():.0f} K (bright)"
    axes.set_title(mathtext(title), fontsize=8.2, loc="center", pad=4)


def _draw_layers(
    result: ResultTable, spacing: float, width: tuple[float, float], axes: "Axes", camera: scene.Camera
) -> None:
    """Draw where the layers of a stack meet, half a spacing above the planes below, and name each."""
    if "layer_planes" not in result:
        return
    for height in filament.interfaces(result):
        scene.draw_level(axes, 1e9 * height, width, camera)
    planes = result["layer_planes"].values
    middle = (np.cumsum(planes) - 0.5 * planes + 0.5) * spacing
    corners = np.array([(a, b, 0.0) for a in (0.0, width[0]) for b in (0.0, width[1])])
    corner = corners[int(np.argmax(camera.project(corners)[:, 0]))]
    for name, height in zip(result["layer"].values, middle, strict=True):
        right, up, _ = camera.project(np.array([corner + [0.0, 0.0, height]]))[0]
        axes.text(right, up, f" {mathtext(str(name))}", fontsize=7, color="0.35", va="center", ha="left")


def _walls(result: ResultTable, shift: Floats) -> list[tuple[Floats, str]]:
    """Return the walls (nm) around the regions of layers, and the colour of each."""
    walls = []
    for side in filament.region_sides(result, shift):
        foot, top = ([(*end, z) for end in (side.start, side.stop)] for z in (side.low, side.high))
        walls.append((1e9 * np.array([*foot, *reversed(top)]), REGIONS[side.region % len(REGIONS)]))
    return walls


def loops(curves: Iterable[tuple[Floats, Floats]], axes: "Axes", colour: str) -> None:
    """Draw |current| (A) of some loops against their voltage (V), on a logarithmic axis if there is one."""
    for volts, amps in curves:
        axes.plot(volts, np.where(amps == 0, np.nan, np.abs(amps)), color=colour, lw=0.6, alpha=0.7)
        axes.set_yscale("log")


def resistances(
    place: ArrayLike, values: Mapping[str, ArrayLike], axes: "Axes", line: str = "o-", **style: Any
) -> None:
    """Draw resistances (ohm) after phases, single devices thinly and their median.

    Parameters
    ----------
    place : (n,) array_like
        Cycles or phases.
    values : mapping of str to (n,) or (devices, n) array_like
        Resistance after each kind of phase, NaN where there is none.
    axes : matplotlib Axes
    line : str
        Format of the medians.
    **style
        Other settings of the medians.
    """
    for kind, rows in values.items():
        name = f"after {mathtext(NAMES.get(kind, kind))}"
        devices(place, rows, axes, KINDS.get(kind, OTHER), name, line, **style)
    axes.set_yscale("log")


def normal_scores(values: Floats, axes: "Axes", colour: str, label: str | None = None, **style: Any) -> None:
    """Draw sorted values on a normal probability plot, each at the share (i - 1/2)/n, those missing left out.

    Points lie on a straight line where a quantity (on a logarithmic axis its logarithm) is normal.
    """
    ordered = np.sort(values[np.isfinite(values)])
    ranks = np.unique(np.linspace(0, len(ordered) - 1, min(len(ordered), POINTS)).astype(int))
    scores = _normal_quantile((ranks + 0.5) / len(ordered))
    axes.plot(
        ordered[ranks], scores, **{"marker": ".", "ls": "", "ms": 4, "color": colour, "label": label, **style}
    )


def _normal_quantile(share: Floats) -> Floats:
    from scipy.special import ndtri  # scipy.special, which a picture of one device does without

    return np.asarray(ndtri(share))


def percent_axis(
    axes: "Axes", bottom: float, top: float, quantile: Callable[[Floats], Floats] | None = None
) -> None:
    """Mark shares in percent along the axis of a probability plot between two of its values."""
    places = (quantile or _normal_quantile)(np.array(PERCENT) / 100)
    shown = [(at, f"{share:g} %") for at, share in zip(places, PERCENT, strict=True) if bottom <= at <= top]
    axes.set_yticks([at for at, _ in shown], [text for _, text in shown])
    axes.grid(alpha=0.3)


def devices(
    place: ArrayLike,
    values: ArrayLike,
    axes: "Axes",
    colour: str,
    name: str,
    line: str = "o-",
    **style: Any,
) -> None:
    """Draw a value of single devices thinly and their median; of one device, its value."""
    x, rows = np.asarray(place, float), np.atleast_2d(np.asarray(values, float))
    if len(rows) > 1:
        axes.plot(x, rows[:DEVICES].T, color=colour, linewidth=0.5, alpha=0.4)
        name += f", median of {len(rows)}"
    finite = ~np.isnan(rows).all(axis=0)
    settings = {"color": colour, "markersize": 4, "label": name, **style}
    axes.plot(x[finite], np.nanmedian(rows[:, finite], 0), line, **settings)


def current_time(time: Floats, current: Floats, axes: "Axes", **style: Any) -> tuple[float, float]:
    """Draw a current (A) against time (s) in units that fit both; return the sizes of these units."""
    scale, unit = prefix(float(time[-1] - time[0]), "s", least=1e-15, largest=1.0)
    factor, name = prefix(float(np.abs(current).max()), "A", least=1e-15, largest=1e6)
    axes.plot(time / scale, current / factor, drawstyle="steps-post", **style)
    axes.set_xlim(time[0] / scale, time[-1] / scale)
    axes.set_xlabel(f"time / {unit}")
    axes.set_ylabel(f"current / {name}")
    return scale, factor


def name_phases(result: ResultTable, axes: "Axes", places: Floats | NDArray[np.int_]) -> None:
    """Write the names of phases along an axis that counts them, where they find room; else their numbers."""
    names = [str(name) for name in result["phase_name"].values]
    if len(names) <= NAMED and sum(map(len, names)) <= NAMED * 8:
        axes.set_xticks(places, list(map(mathtext, names)))
    else:
        axes.locator_params(axis="x", integer=True)


def _paint(shot: filament.Snapshot, colour: Colouring) -> Floats:
    """Return the colour of each defect, (n, 3)."""
    if colour == "temperature":
        from matplotlib import colormaps  # matplotlib

        low, high = shot.temperature.min(initial=np.inf), shot.temperature.max(initial=-np.inf)
        return np.asarray(
            colormaps["inferno"](0.15 + 0.75 * (shot.temperature - low) / max(high - low, 1e-9))
        )[:, :3]
    kinds = shot.species if len(shot.species) else np.zeros(len(shot.conducting), np.int8)
    return np.array(STATES)[states(shot.conducting, kinds, 2)].reshape(-1, 3)


def _beads(shot: filament.Snapshot, position: Floats, paint: Floats) -> tuple[Floats, Floats]:
    """Return the bonds between neighbouring conducting defects as beads, and their colours."""
    wire = shot.conducting
    linked = filament.distances(shot.position[wire], shot.spacing, shot.shape, shot.periodic) < filament.LINK
    beads = scene.bonds(position[wire], linked, shot.spacing * 1e9)
    shade = paint[wire].mean(axis=0) if wire.any() else np.array(CONDUCTING)
    return beads, np.broadcast_to(0.75 * shade, (len(beads), 3))


def _mark_gap(axes: "Axes", jump: filament.Jump, width: tuple[float, float], camera: scene.Camera) -> None:
    """Draw a double arrow beside the box over the height of the longest jump, and its length."""
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
        left + 0.02 * sum(width), ends[:, 1].mean(), f"gap {jump.length * 1e9:.2f} nm", color=GAP, fontsize=8,
        va="center", zorder=4,
    )  # fmt: skip


def _view_title(result: ResultTable, index: int, shot: filament.Snapshot) -> str:
    when = "pristine" if index == 0 else f"after {phase_title(result, shot.phase)}"
    if not filamentary(result) or not len(shot.position):
        return f"{when}: {several(result, shot)}"
    jump = filament.longest_jump(shot)
    state = "bridged" if filament.is_continuous(shot) else f"gap {jump.length * 1e9:.2f} nm"
    when = when.replace("attempt", "try")
    if filament.conducting_kinds(result) == 2:
        return f"{when}, {state}\n{several(result, shot)}"
    return f"{when}: {several(result, shot)}, {state}"
