"""A sweep in plain text: a row for each of its points."""

from typing import Any

import numpy as np

from ..analysis.plots.caption import quantity
from ..analysis.plots.sweep import axes_of, written
from ..mpi_runs import shards
from .device import table

SHOWN = {
    "forming_voltage": "forming",
    "set_voltage": "SET",
    "reset_voltage": "RESET",
    "lrs": "after SET",
    "hrs": "after RESET",
    "on_off": "on/off",
    "final_resistance": "at the end",
}
"""Numbers of the members, and their columns."""

ROWS = 60
"""Points that are listed."""


def points_table(file: Any) -> str:
    """Return the points of a sweep as a table: values of its axes, members that finished, medians.

    Parameters
    ----------
    file : netCDF4.Dataset
        Of a sweep.
    """
    axes, status = axes_of(file), np.asarray(file["status"][...])
    names = [name for name in SHOWN if name in file.variables and np.any(_finite(file[name][...]))]
    rows = []
    for place in list(np.ndindex(status.shape[:-1]))[:ROWS]:
        values = [written(file, axis, at) for axis, at in zip(axes, place, strict=True)]
        finished_count = int(np.count_nonzero(status[place] == shards.OK))
        rows.append([*values, str(finished_count), *(_median(file[name], place) for name in names)])
    points_left = int(np.prod(status.shape[:-1])) - len(rows)
    ending = [f"... and {points_left} points more"] if points_left else []
    body = table([*axes, "members", *(SHOWN[name] for name in names)], rows, left=len(axes))
    return "\n".join(["medians of all members and cycles of each point", "", body, *ending])


def _median(variable: Any, place: tuple[int, ...]) -> str:
    values = np.asarray(variable[place], float).ravel()
    values = values[_finite(values)]
    if not len(values):
        return "-"
    middle = float(np.median(values))
    return f"{middle:.3g}" if variable.units == "1" else quantity(middle, variable.units)


def _finite(values: Any) -> Any:
    return np.isfinite(np.asarray(values, float))
