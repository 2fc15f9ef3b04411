"""The distributions of an ensemble as normal probability plots: voltages, and resistances on a log axis."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from ...data import netcdf
from ...escape import mathtext
from . import sweep
from .colours import KINDS
from .page import log_ticks
from .panels import normal_scores, percent_axis

if TYPE_CHECKING:
    import netCDF4
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VOLTAGES = {
    "forming_voltage": ("forming", "form"),
    "set_voltage": ("SET", "set"),
    "reset_voltage": ("RESET", "reset"),
}
RESISTANCES = {"lrs": ("after SET", "set"), "hrs": ("after RESET", "reset")}


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
            axis = next((dimension for dimension in swept if len(file.dimensions[dimension]) > 1), swept[0])
            sweep.panel(file, VOLTAGES, left, axis)
            sweep.panel(file, RESISTANCES, right, axis)
            left.set_ylabel("magnitude of the source voltage / V")
            right.set_ylabel("resistance at the read voltage / ohm")
            left.set_title("median and quartiles of each point", fontsize=9)
            right.set_yscale("log")
            log_ticks(right.yaxis)
            return figure
        _curves(file, VOLTAGES, left)
        _curves(file, RESISTANCES, right)
    left.set_xlabel("magnitude of the source voltage / V")
    right.set_xlabel("resistance at the read voltage / ohm")
    right.set_xscale("log")
    log_ticks(right.xaxis)
    return figure


def _curves(file: "netCDF4.Dataset", which: dict[str, tuple[str, str]], axes: "Axes") -> None:
    longest = 2
    for name, (label, kind) in which.items():
        if name not in file.variables:
            continue
        values = np.abs(np.asarray(file[name][...], float).ravel())
        number = int(np.isfinite(values).sum())
        if not number:
            continue
        longest = max(longest, number)
        without = f", {len(values) - number} without" if number < len(values) else ""
        normal_scores(values, axes, KINDS[kind], f"{label} ({number}{without})")
    percent_axis(axes, ndtri(0.5 / longest), -ndtri(0.5 / longest))
    axes.set_ylabel("fraction of devices below")
    if axes.get_legend_handles_labels()[0]:  # forming alone has no distribution here
        axes.legend(fontsize=8)
