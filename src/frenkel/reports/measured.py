"""What is in files of measurements, and what was guessed of them, in plain text."""

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..analysis.fitting.compare import other_way_round
from ..analysis.fitting.observations import Observations
from ..analysis.plots.caption import quantity
from ..data.measured.mapping import TablePlan
from ..data.measured.quantities import FEATURES, KINDS, QUANTITIES
from ..data.measured.table import Table
from .device import table

MOST_LOST = 5
"""Devices without a cycle that are named."""

HOW = {"name": "by its name", "unit": "by its unit", "instrument": "by the layout", "mapping": "as told"}


def plan_text(read: Table, plan: TablePlan) -> str:
    """Return what the columns of a table are taken for, with the first values."""
    rows = []
    for column in plan.columns:
        first = ", ".join(read.texts(column.index)[:3])
        if not column.quantity:
            rows.append([column.title, "not read", "", "", first])
            continue
        unit = column.unit if QUANTITIES[column.quantity].units else ""
        unit = f"{column.log} {unit}".strip() + (f" x {column.scale:g}" if column.scale != 1 else "")
        unit += f" {column.offset:+g}" if column.offset else ""
        rows.append([column.title, column.quantity, unit, HOW[column.how], first])
    guess = "guessed: " if plan.guessed else ""
    lines = [f"{read.name}: {len(read.rows)} rows; {guess}{plan.kind}, {KINDS[plan.kind].what}"]
    lines += [f"  {note}" for note in read.notes]
    lines += [f"  {name} {value} throughout" for name, value in plan.constants.items()]
    if plan.magnitude:
        lines.append("  currents are positive in both polarities: they get the sign of their voltage")
    return "\n".join([*lines, table(["column", "taken for", "unit", "", "first values"], rows, left=5)])


def contents(data: xr.Dataset) -> str:
    """Return what a file of measurements holds."""
    first, *others = counts(data)
    lines = [first]
    for name, middle, low, high, gaps in quantity_rows(data, per_device=True):
        gap_note = f", missing in {gaps}" if gaps else ""
        values = f"{middle}, {low} to {high}{gap_note}" if middle else "no value"
        lines.append(f"  {name:<17} {values}")
    lines += [f"  {text}" for text in others]
    if {"hrs", "lrs"} <= set(data.data_vars):
        ratio = (data["hrs"] / data["lrs"]).values
        if np.isfinite(ratio).any() and np.nanmedian(ratio) < 1:
            lines.append("  HRS is below LRS in most cycles: are the columns swapped?")
    without_cycles = json.loads(data.attrs.get("without_cycles", "[]"))
    lines += [f"  no cycle of {why.removeprefix('device ')}" for why in without_cycles[:MOST_LOST]]
    more = len(without_cycles) - MOST_LOST
    lines += [f"  and of {more} more devices"] if more > 0 else []
    return "\n".join(lines)


def counts(data: xr.Dataset) -> list[str]:
    """Return how many devices and curves, reads or pulses a file of measurements holds."""
    dims = [kind.dim for kind in KINDS.values() if kind.dim in data.sizes]
    return [f"{data.sizes['device']} device(s)", *(f"{data.sizes[dim]} {dim}s" for dim in dims)]


def quantity_rows(data: xr.Dataset, *, per_device: bool = False) -> list[tuple[str, str, str, str, str]]:
    """Return name, median, least and largest value of each quantity, and how many values it lacks.

    Parameters
    ----------
    data : xarray.Dataset
        In the layout of measurements.
    per_device : bool
        Whether to leave out what stands over loops, traces, reads or pulses.
    """
    rows = []
    for key, variable in data.data_vars.items():
        over_devices = variable.dims[:1] == ("device",)
        if not variable.dims or variable.dtype.kind != "f" or (per_device and not over_devices):
            continue
        finite = variable.values[np.isfinite(variable.values)]
        name, missing_count = str(key), variable.size - finite.size
        if finite.size:
            unit = variable.attrs["units"]
            low, middle, high = (
                f"{x:.3g}" if unit == "1" else quantity(float(x), unit)
                for x in np.quantile(finite, (0, 0.5, 1))
            )
            gaps = f"{missing_count} of {variable.size}" if missing_count else ""
            rows.append((name, middle, low, high, gaps))
        elif name in FEATURES:
            rows.append((name, "", "", "", f"{missing_count} of {variable.size}"))
    return rows


def comparison_rows(measured: Observations, simulated: Observations) -> list[list[str]]:
    """Return name, median and 10 to 90 % of each number of both."""
    rows = []
    for i, feature in enumerate(measured.features):
        cells = []
        for sample in (measured, simulated):
            values = feature.backward(sample.values[:, :, i][np.isfinite(sample.values[:, :, i])])
            quantiles = np.quantile(values, (0.1, 0.5, 0.9))
            low, middle, high = (quantity(float(x), feature.unit) for x in quantiles)
            cells.append(f"{middle} ({low} to {high})")
        rows.append([feature.name, *cells])
    return rows


def comparison_text(measured: Observations, simulated: Observations) -> str:
    """Return median and 10 to 90 % of each number of both, and what is compared."""
    devices = [len(sample.values) for sample in (measured, simulated)]
    heads = ["median (10 to 90 %)", measured.origin, simulated.origin]
    text = table(heads, comparison_rows(measured, simulated))
    if other_way_round(measured, simulated):
        text += f"\nvoltages of {simulated.origin} are turned round: it switches at the other polarity"
    return (
        f"{devices[0]} and {devices[1]} devices, {measured.values.shape[1]} cycles of each\n{text}\n"
        "distances; the floor is that between halves of the measured ones:"
    )


def plans_text(plans: Sequence[tuple[Table, TablePlan]]) -> str:
    """Return what is in the first three tables; those after them are said to be alike or shown too."""
    listed: set[object] = set()
    lines = []
    for read, plan in plans:
        key = (plan.kind, plan.columns, plan.magnitude, read.notes)
        if key in listed or len(listed) >= 3:
            likewise = ", likewise" if key in listed else ""
            lines.append(f"{read.name}: {len(read.rows)} rows; {plan.kind}{likewise}")
            continue
        listed.add(key)
        lines.append(plan_text(read, plan))
    return "\n".join(lines)
