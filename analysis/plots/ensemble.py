"""The distributions of an ensemble as normal probability plots: voltages, and resistances on a log axis."""

from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from ...data import netcdf
from ...escape import mathtext
from . import sweep
from .device import COLOURS
from .page import PERCENT

if TYPE_CHECKING:
    import netCDF4
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

VOLTAGES = {
    "forming_voltage": ("forming", "form"),
    "set_voltage": ("SET", "set"),
    "reset_voltage": ("RESET", "reset"),
}
RESISTANCES = {"lrs": ("after SET", "set"), "hrs": ("after RESET", "reset")}
SHOWN = 20_000  # points of one curve; more are thinned evenly by rank


def draw(path: Path) -> "Figure":
    """Draw the distributions of the members in the file of an ensemble; of a sweep, medians against its axis.

    Points of equal normal quantile steps lie on a straight line where a quantity (or its logarithm) is
    normally distributed. Plotting positions are (i - 1/2)/n; members without a value are left out, and
    their number is in the legend. A sweep shows the median and the middle half of all members and cycles of
    each point, against the first of its axes that has several values.
    """
    from matplotlib.figure import Figure as NewFigure  # matplotlib, which only drawing needs

    figure = NewFigure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)

    with netcdf.direct(path, "r") as file:
        file.set_auto_mask(False)
        figure.suptitle(mathtext(str(file.title)), fontsize=11)
        if swept := sweep.axes_of(file):
            along = next((dimension for dimension in swept if len(file.dimensions[dimension]) > 1), swept[0])
            sweep.panel(file, VOLTAGES, left, along)
            sweep.panel(file, RESISTANCES, right, along)
            left.set_ylabel("magnitude of the source voltage / V")
            right.set_ylabel("resistance at the read voltage / ohm")
            left.set_title("median and quartiles of each point", fontsize=9)
            right.set_yscale("log")
            _ticks(right.yaxis)
            return figure
        _curves(file, VOLTAGES, left)
        _curves(file, RESISTANCES, right)
    left.set_xlabel("magnitude of the source voltage / V")
    right.set_xlabel("resistance at the read voltage / ohm")
    right.set_xscale("log")
    _ticks(right.xaxis)
    return figure


def _ticks(axis: "Axis") -> None:
    """Label a logarithmic axis with prefixes; 2 and 5 of a decade only where there is room for them."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter  # matplotlib

    low, high = sorted(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e3 * low else (1.0,)))
    axis.set_major_formatter(EngFormatter())
    axis.set_minor_formatter(NullFormatter())


def _curves(file: "netCDF4.Dataset", which: dict[str, tuple[str, str]], axes: "Axes") -> None:
    normal = NormalDist()
    longest = 2
    for name, (label, kind) in which.items():
        if name not in file.variables:
            continue
        values = np.abs(np.asarray(file[name][...], float).ravel())
        ordered = np.sort(values[np.isfinite(values)])
        number, missing = len(ordered), len(values) - len(ordered)
        if not number:
            continue
        longest = max(longest, number)
        ranks = np.unique(np.linspace(0, number - 1, min(number, SHOWN)).astype(int))
        quantiles = [normal.inv_cdf((rank + 0.5) / number) for rank in ranks]
        without = f", {missing} without" if missing else ""
        axes.plot(
            ordered[ranks], quantiles, ".", ms=4, color=COLOURS[kind], label=f"{label} ({number}{without})"
        )
    least = 0.5 / longest * 100
    marks = [percent for percent in PERCENT if least <= percent <= 100 - least] or [50]
    axes.set_yticks(
        [normal.inv_cdf(percent / 100) for percent in marks], [f"{percent:g} %" for percent in marks]
    )
    axes.set_ylabel("share of devices below")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:  # forming alone has no distribution here
        axes.legend(fontsize=8)
