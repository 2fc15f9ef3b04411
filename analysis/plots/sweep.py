"""The numbers of the members of a sweep against what was swept: medians, and the middle half of them."""

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...escape import mathtext
from ...typing import Floats
from .colours import KINDS

if TYPE_CHECKING:
    import netCDF4
    from matplotlib.axes import Axes

MARKERS, LINES = "os^vDP", ("-", "--", ":", "-.")
OFFSETS = {"form": 0.0, "set": -0.03, "reset": 0.03}
"""Where bars stand beside a material, or another name, so that they do not hide each other."""

MOST_CURVES = 12
"""Curves of one quantity; of a sweep over more than two keys the first combinations are drawn."""


class SweepCurve(NamedTuple):
    """One quantity along the first axis of a sweep, at one place of the others."""

    where: str
    low: Floats
    middle: Floats
    high: Floats


def axes_of(file: "netCDF4.Dataset") -> tuple[str, ...]:
    """Return the dimensions of the sweep in the file of an ensemble; none where it holds one point."""
    return tuple(file["status"].dimensions[:-1])


def curves(file: "netCDF4.Dataset", name: str, along: str) -> Iterator[SweepCurve]:
    """Yield quartiles of the magnitude of a quantity along one axis of a sweep, for each place of the others.

    Parameters
    ----------
    file : netCDF4.Dataset
        Of a sweep.
    name : str
        Variable along the points and members, perhaps cycles; NaN where a member has no value.
    along : str
        The axis. A point without any value has NaN.
    """
    names = axes_of(file)
    others = [axis for axis in names if axis != along]
    values = np.moveaxis(np.abs(np.asarray(file[name][...], float)), names.index(along), len(names) - 1)
    for place in itertools.product(*(range(len(file.dimensions[axis])) for axis in others)):
        rows = values[place].reshape(values.shape[len(others)], -1)
        cuts = np.full((3, len(rows)), np.nan)
        for number, row in enumerate(rows):
            if np.any(np.isfinite(row)):
                cuts[:, number] = np.quantile(row[np.isfinite(row)], [0.25, 0.5, 0.75])
        where = ", ".join(f"{axis} {written(file, axis, at)}" for axis, at in zip(others, place, strict=True))
        yield SweepCurve(where, *cuts)


def written(file: "netCDF4.Dataset", axis: str, index: int) -> str:
    """Return a value of an axis as text with its unit."""
    value = file[axis][index]
    if isinstance(value, str):
        return value
    unit = getattr(file[axis], "units", "1")
    return f"{float(value):.4g}" + (f" {unit}" if unit != "1" else "")


def panel(file: "netCDF4.Dataset", which: Mapping[str, tuple[str, str]], axes: "Axes", along: str) -> None:
    """Draw some quantities of a sweep against one of its axes; ``which`` gives their label and kind."""
    places = np.asarray(file[along][...])
    text = places.dtype.kind not in "fiu"
    x = np.arange(len(places), dtype=float) if text else places.astype(float)
    for name, (label, kind) in which.items():
        if name not in file.variables:
            continue
        for number, curve in enumerate(itertools.islice(curves(file, name, along), MOST_CURVES)):
            if not np.any(np.isfinite(curve.middle)):
                continue
            style: dict[str, Any] = {
                "marker": MARKERS[number % len(MARKERS)],
                "linestyle": "" if text else LINES[number % len(LINES)],
                "label": mathtext(f"{label}, {curve.where}" if curve.where else label),
            }
            spread = np.stack([curve.middle - curve.low, curve.high - curve.middle])
            aside = OFFSETS[kind] if text else 0.0
            style |= {"color": KINDS[kind], "capsize": 2, "markersize": 4, "linewidth": 1.2}
            axes.errorbar(x + aside, curve.middle, spread, **style)
    if text:
        axes.set_xticks(x, [mathtext(str(place)) for place in places])
    elif places.min() > 0 and places.max() > 50 * places.min():
        axes.set_xscale("log")
    unit = getattr(file[along], "units", "")
    name = getattr(file[along], "long_name", along)
    axes.set_xlabel(mathtext(name + (f" / {unit}" if unit not in ("", "1") else "")))
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=7)
    else:
        axes.text(0.5, 0.5, "no phase of these members tells it", transform=axes.transAxes, ha="center")
