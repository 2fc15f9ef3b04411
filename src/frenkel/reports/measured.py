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
    lines = [f"{data.sizes['device']} device(s)"]
    for name, variable in data.data_vars.items():
        if variable.dims[:1] != ("device",) or variable.dtype.kind != "f":
            continue
        finite = variable.values[np.isfinite(variable.values)]
        missing_count = variable.size - finite.size
        if finite.size:
            unit = variable.attrs["units"]
            low, middle, high = (
                f"{x:.3g}" if unit == "1" else quantity(float(x), unit)
                for x in np.quantile(finite, (0, 0.5, 1))
            )
            gaps = f", missing in {missing_count} of {variable.size}" if missing_count else ""
            lines.append(f"  {name:<17} {middle}, {low} to {high}{gaps}")
        elif name in FEATURES:
            lines.append(f"  {name:<17} no value")
    dims = [kind.dim for kind in KINDS.values() if kind.dim in data.sizes]
    lines += [f"  {data.sizes[dim]} {dim}s" for dim in dims]
    if {"hrs", "lrs"} <= set(data.data_vars):
        ratio = (data["hrs"] / data["lrs"]).values
        if np.isfinite(ratio).any() and np.nanmedian(ratio) < 1:
            lines.append("  HRS is below LRS in most cycles: are the columns swapped?")
    without_cycles = json.loads(data.attrs.get("without_cycles", "[]"))
    lines += [f"  no cycle of {why.removeprefix('device ')}" for why in without_cycles[:MOST_LOST]]
    more = len(without_cycles) - MOST_LOST
    lines += [f"  and of {more} more devices"] if more > 0 else []
    return "\n".join(lines)


def comparison_text(measured: Observations, simulated: Observations) -> str:
    """Return median and 10 to 90 % of each number of both, and what is compared."""
    rows = []
    for i, feature in enumerate(measured.features):
        cells = []
        for sample in (measured, simulated):
            values = feature.backward(sample.values[:, :, i][np.isfinite(sample.values[:, :, i])])
            shares = np.quantile(values, (0.1, 0.5, 0.9))
            low, middle, high = (quantity(float(x), feature.unit) for x in shares)
            cells.append(f"{middle} ({low} to {high})")
        rows.append([feature.name, *cells])
    devices = [len(sample.values) for sample in (measured, simulated)]
    text = table(["median (10 to 90 %)", measured.origin, simulated.origin], rows)
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
