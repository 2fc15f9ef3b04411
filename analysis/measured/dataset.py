"""From tables and what is in their columns to one dataset: the layout of measurements.

What is measured is a table along a dimension of its own: numbers of cycles over ``device`` and ``cycle``, as
an ensemble has them; loops along ``point``, traces along ``sample``, reads along ``read``, pulses along
``pulse``. Every file may hold any of them; names, units and meanings stand in
``data/measured/layout.toml``.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...data.layout import TERMINAL
from ...data.measured.mapping import HIGH, TablePlan, takes_turns, values
from ...data.measured.quantities import FEATURES, unit_of
from ...data.measured.schema import LAYOUT, with_rules
from ...data.measured.table import Table, TableError
from ...typing import Floats, Index
from ..results.switching import LARGEST_CURRENT
from . import loops

if TYPE_CHECKING:
    import xarray as xr

READ_VOLTAGE = 0.1
"""At which resistances of loops are taken by default (V)."""

READOUT = loops.Readout(READ_VOLTAGE)
"""How numbers are read off loops by default."""

SWITCHED, RESET = ("set_voltage", "forming_voltage"), {"reset_voltage": LARGEST_CURRENT}
"""Switching voltages that a rule is chosen for, and the one of which there is one rule."""

Part = dict[str, Any]
"""Columns of one table, with ``device`` as text of each row."""


def dataset(
    tables: Sequence[tuple[Table, TablePlan]],
    how: loops.Readout = READOUT,
    attrs: dict[str, Any] | None = None,
) -> "xr.Dataset":
    """Return what was measured, in the layout of measurements.

    Parameters
    ----------
    tables : sequence of (Table, TablePlan)
        Of several kinds; devices of one name are one device.
    how : Readout
        How numbers are read off loops, its voltage at most 100 V; what is in series with all devices.
    attrs : dict, optional
        Attributes of the dataset.

    Raises
    ------
    TableError
        A table does not hold what its plan says; loops of a device without a cycle are no error where others
        have some: the attribute ``without_cycles`` lists them as JSON.
    """
    checks.between("read voltage", how.voltage, 1e-6, 100.0, "V", TableError)
    parts: dict[str, list[Part]] = {}
    for table, plan in tables:
        parts.setdefault(plan.kind, []).append(READERS[plan.kind](table, plan))
    names = list(
        dict.fromkeys(str(name) for rows in parts.values() for part in rows for name in part["device"])
    )
    places = {name: i for i, name in enumerate(names)}
    columns: dict[str, Any] = {"device": names}
    dropped_devices: list[str] = []
    cycles = [_in_series(part, how.series) for part in parts.get("cycles", [])]
    if "loops" in parts:
        variables, of_loops, dropped_devices = _loops(parts["loops"], places, how)
        columns |= variables
        cycles = [*cycles, *of_loops]
    if cycles:
        columns |= _cycles(cycles, places) | {"series_resistance": how.series}
    for kind, build in BUILDERS.items():
        if kind in parts:
            columns |= build(parts[kind], places)
    without = {"without_cycles": json.dumps(dropped_devices)} if dropped_devices else {}
    whole = LAYOUT.dataset(columns, {**(attrs or {}), **without})
    return with_rules(whole, dict.fromkeys(SWITCHED, how.rule) | RESET) if "loops" in parts else whole


def _in_series(part: Part, series: float) -> Part:
    """Return a table of cycles with resistances at the terminals, as it has them, and of the device."""
    numbers = dict(part["numbers"])
    for name in numbers.keys() & {"hrs", "lrs"}:
        numbers[name + TERMINAL] = numbers[name]
        if np.isfinite(series):
            numbers[name] = numbers[name] - series
            if np.any(numbers[name] <= 0):
                raise TableError(
                    f"{name} of {part['name']} must be above the series resistance of {series:g} ohm, got "
                    f"{numbers[name + TERMINAL].min():g} ohm"
                )
    return part | {"numbers": numbers}


def _devices(table: Table, plan: TablePlan, rows: int) -> list[str]:
    """Return the device of each row: of its column, the constant, or the name of the file."""
    if columns := plan.of("device"):
        parts = zip(*(table.texts(column.index) for column in columns), strict=True)
        return [" ".join(part for part in words if part) or "unnamed" for words in parts]
    return [str(plan.constants.get("device", table.device or Path(table.name).name.split(".")[0]))] * rows


def _column(table: Table, plan: TablePlan, quantity: str) -> Floats:
    """Return a quantity of each row: of its column, or the constant."""
    if columns := plan.of(quantity):
        return values(table, columns[0], plan.constants.get("area", 1.0))
    return np.full(len(table.rows), float(plan.constants.get(quantity, np.nan)))


def _states(table: Table, plan: TablePlan) -> list[str]:
    if columns := plan.of("state"):
        return table.texts(columns[0].index)
    return [str(plan.constants.get("state", "all"))] * len(table.rows)


def _whole(table: Table, plan: TablePlan, quantity: str) -> Index | None:
    """Return a column of whole numbers, None where there is none."""
    if not plan.of(quantity):
        return None
    numbers = values(table, plan.of(quantity)[0])
    if not np.all(numbers == np.round(numbers)):
        raise TableError(
            f"{quantity} of {table.name} must be whole numbers, got {numbers[numbers % 1 != 0][0]:g}"
        )
    return np.asarray(numbers, np.intp)


def _of_loops(table: Table, plan: TablePlan) -> Part:
    volts = _column(table, plan, "voltage")
    current = _response(table, plan, volts, "current")[0][1]
    if plan.magnitude:
        current = np.where(volts < 0, -current, current)
    cycle = _whole(table, plan, "cycle")
    if cycle is None and _are_loops(table.block, volts):
        cycle = table.block + 1
    if cycle is None and "cycle" in plan.constants:
        cycle = np.full(len(volts), int(plan.constants["cycle"]))
    devices = _devices(table, plan, len(volts))
    return {"device": devices, "voltage": volts, "current": current, "cycle": cycle, "name": table.name,
            "time": _column(table, plan, "time"),
            "gate_voltage": _column(table, plan, "gate_voltage")}  # fmt: skip


def _are_loops(block: Index, volts: Floats) -> bool:
    """Tell whether there are several blocks and each is a whole loop: a SET or a RESET alone is no cycle."""
    blocks = np.unique(block)
    return len(blocks) > 1 and all(
        bool(np.any(volts[block == k] > 0)) and bool(np.any(volts[block == k] < 0)) for k in blocks
    )


def _above_zero(table: Table, quantity: str, ohms: Floats) -> None:
    wrong = np.flatnonzero(ohms <= 0)
    if len(wrong):
        raise TableError(
            f"line {table.lines[wrong[0]]} of {table.name}: {quantity} must be above 0 ohm, got "
            f"{ohms[wrong[0]]:g}; leave the cell empty where a read has failed"
        )


def _of_cycles(table: Table, plan: TablePlan) -> Part:
    if not plan.of(*FEATURES):
        return _of_turns(table, plan)
    devices = _devices(table, plan, len(table.rows))
    cycle = _whole(table, plan, "cycle")
    if cycle is None:
        cycle = _counted(devices)
    numbers = {}
    for column in plan.columns:
        if column.quantity in ("hrs", "lrs"):
            with np.errstate(divide="ignore"):
                numbers[column.quantity] = _ohms(table, plan, column.quantity)
            _above_zero(table, column.quantity, numbers[column.quantity])
        elif column.quantity in FEATURES:
            numbers[column.quantity] = values(table, column)
    return {"device": devices, "cycle": cycle, "numbers": numbers, "name": table.name}


def _counted(devices: list[str]) -> Index:
    """Return the number of each row among those of its device, from 1: they are its cycles, in order."""
    cycle = np.zeros(len(devices), np.intp)
    for name in set(devices):
        rows = [i for i, device in enumerate(devices) if device == name]
        cycle[rows] = np.arange(1, len(rows) + 1)
    return cycle


def _ohms(table: Table, plan: TablePlan, quantity: str) -> Floats:
    """Return a resistance (ohm), which may be in the table as a conductance or a current of a read."""
    column = plan.of(quantity)[0]
    read_values, si_unit = values(table, column), (unit_of(column.unit) or ("",))[0]
    if si_unit == "A":
        return np.abs(_column(table, plan, "read_voltage") / read_values)
    return 1.0 / read_values if si_unit == "S" else read_values


def _of_turns(table: Table, plan: TablePlan) -> Part:
    """Return cycles of rows of HRS and LRS that take turns: a cycle is one of each, whichever comes first."""
    if not takes_turns(table, plan):
        raise TableError(
            f"{table.name}: cycles need {' or '.join(FEATURES)}, or a column of states with HRS and LRS in "
            "turn"
        )
    ohms = 1.0 / _response(table, plan, _column(table, plan, "read_voltage"), "conductance")[0][1]
    devices, states = (
        _devices(table, plan, len(ohms)),
        [text.lower() in HIGH for text in _states(table, plan)],
    )
    for key, high in (("hrs", True), ("lrs", False)):
        _above_zero(table, key, np.where(np.array(states) == high, ohms, np.nan))
    cycle_numbers, rows = _whole(table, plan, "cycle"), []
    for name in dict.fromkeys(devices):
        for is_high in (True, False):
            own_rows = [i for i, d in enumerate(devices) if d == name and states[i] == is_high]
            rows += [
                (name, int(cycle_numbers[i]) if cycle_numbers is not None else k + 1, is_high, ohms[i])
                for k, i in enumerate(own_rows)
            ]
    keys = list(dict.fromkeys(row[:2] for row in rows))
    numbers = {key: np.full(len(keys), np.nan) for key in ("hrs", "lrs")}
    places = {key: place for place, key in enumerate(keys)}
    for name, cycle, is_high, value in rows:
        column, place = numbers["hrs" if is_high else "lrs"], places[name, cycle]
        if np.isfinite(column[place]):
            raise TableError(f"{table.name}: cycle {cycle} of {name} has {'HRS' if is_high else 'LRS'} twice")
        column[place] = value
    return {"device": [name for name, _ in keys], "cycle": np.array([cycle for _, cycle in keys], np.intp),
            "numbers": numbers, "name": table.name}  # fmt: skip


def _of_rows(table: Table, plan: TablePlan) -> Part:
    """Return traces and reads: each row a value, or as many as there are columns of responses."""
    volts = _column(table, plan, "voltage")
    responses = _response(table, plan, volts, "current" if plan.kind == "trace" else "conductance")
    rows = len(table.rows)
    devices = [
        name if len(responses) > 1 else device
        for name, _ in responses
        for device in _devices(table, plan, rows)
    ]
    time = _column(table, plan, "time")
    step = plan.constants.get("step")
    if step is not None and not plan.of("time"):
        time = np.zeros(rows)
    if np.any(~(time >= 0)):
        i = int(np.argmax(~(time >= 0)))
        raise TableError(f"line {table.lines[i]} of {table.name}: time must be at least 0 s, got {time[i]:g}")
    arrays = {"time": time, "temperature": _column(table, plan, "temperature"), "voltage": volts}
    part: Part = {name: np.tile(column, len(responses)) for name, column in arrays.items()}
    part |= {"device": devices, "state": _states(table, plan) * len(responses),
             "name": table.name, "step": step,
             "stamped": bool(plan.of("time")),
             "value": np.concatenate([column for _, column in responses])}  # fmt: skip
    return part


def _of_pulses(table: Table, plan: TablePlan) -> Part:
    volts = _column(table, plan, "voltage")
    read_voltage = _column(table, plan, "read_voltage")
    with np.errstate(divide="ignore", invalid="ignore"):
        before = 1.0 / _ohms(table, plan, "before") if plan.of("before") else np.full(len(volts), np.nan)
    return {"device": _devices(table, plan, len(volts)), "voltage": volts, "name": table.name,
            "width": _column(table, plan, "width"), "gate_voltage": _column(table, plan, "gate_voltage"),
            "conductance_before": before,
            "conductance": _response(table, plan, read_voltage, "conductance")[0][1]}  # fmt: skip


READERS: dict[str, Callable[[Table, TablePlan], Part]] = {
    "loops": _of_loops, "cycles": _of_cycles, "trace": _of_rows, "reads": _of_rows, "pulses": _of_pulses,
}  # fmt: skip
"""How the rows of each kind are read."""


def _response(table: Table, plan: TablePlan, volts: Floats, wanted: str) -> list[tuple[str, Floats]]:
    """Return name and values of each column of responses, as a current (A) or a conductance (S)."""
    columns = []
    for column in plan.of("current", "conductance", "resistance"):
        response = values(table, column, plan.constants.get("area", 1.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            if column.quantity == "resistance":
                response = 1.0 / response
            is_current = column.quantity == "current"
            if wanted == "conductance" and is_current:
                response = response / volts
            if wanted == "current" and not is_current:
                # Without a voltage the current at 1 V stands for the conductance.
                response = response * (1.0 if plan.kind == "trace" and np.isnan(volts).all() else volts)
        columns.append((column.title, np.where(np.isfinite(response), response, np.nan)))
    if plan.kind in ("loops", "pulses") and len(columns) > 1:
        raise TableError(
            f"{table.name}: current, conductance and resistance: say in a mapping which to ignore"
        )
    return columns


def _loops(
    parts: list[Part], places: dict[str, int], how: loops.Readout
) -> tuple[Part, list[Part], list[str]]:
    """Return the variables of loops, the numbers of their cycles as parts, and why devices have none."""
    owners, cycles, sizes, numbers, dropped_devices = [], [], [], [], []
    columns: dict[str, list[Floats]] = {"voltage": [], "current": [], "time": [], "gate_voltage": []}
    for part in parts:
        for name in dict.fromkeys(part["device"]):
            rows = np.flatnonzero(np.array(part["device"]) == name)
            try:
                found, bounds = _features(part, rows, name, how)
            except TableError as error:
                dropped_devices.append(str(error))
                continue
            numbers.append({"device": [name] * len(found["cycle"]), "name": part["name"], **found})
            for cycle, (a, b) in zip(found["cycle"], bounds, strict=True):
                owners.append(places[name])
                cycles.append(cycle)
                sizes.append(b - a)
                for key, column in columns.items():
                    values_read = part[key][rows[a:b]]
                    column.append(values_read - values_read[0] if key == "time" else values_read)
    if not numbers:
        raise TableError(dropped_devices[0])
    found = {"loop_device": owners, "loop_cycle": cycles, "loop_size": sizes, "read_voltage": how.voltage}
    found |= {f"loop_{key}": np.concatenate(column) for key, column in columns.items()}
    for key in ("loop_time", "loop_gate_voltage"):
        if np.isnan(found[key]).all():
            del found[key]
    return found, numbers, dropped_devices


def _features(part: Part, rows: Index, name: str, how: loops.Readout) -> tuple[Part, list[tuple[int, int]]]:
    """Return numbers and sample ranges of the cycles of one device."""
    v, i = part["voltage"][rows], part["current"][rows]
    try:
        numbers = loops.features(v, i, how)
    except ValueError as error:
        raise TableError(f"device {name} of {part['name']}: {error}") from None
    first, last = (numbers.pop(key).astype(int) for key in ("first", "last"))
    forming = numbers.pop("forming_voltage")[0]
    cycle = np.arange(1, len(first) + 1)
    if part["cycle"] is not None:
        cycle = part["cycle"][rows][(first + last) // 2]
        if len(np.unique(cycle)) < len(cycle):
            raise TableError(f"device {name} of {part['name']} has several loops under one number of a cycle")
    return {"cycle": cycle, "numbers": numbers, "forming": forming}, list(zip(first, last + 1, strict=True))


def _cycles(parts: list[Part], places: dict[str, int]) -> Part:
    """Return the variables along device and cycle."""
    kinds = np.unique(np.concatenate([part["cycle"] for part in parts]))
    shape = (len(places), len(kinds))
    columns: Part = {"cycle": kinds}
    taken = np.zeros(shape, bool)
    for part in parts:
        device_and_cycle = [places[name] for name in part["device"]], np.searchsorted(kinds, part["cycle"])
        pairs = set(zip(*(np.asarray(x).tolist() for x in device_and_cycle), strict=True))
        if len(pairs) < len(device_and_cycle[0]) or taken[device_and_cycle].any():
            raise TableError(
                f"{part['name']}: a device must have each cycle once; is a column of devices missing?"
            )
        taken[device_and_cycle] = True
        for key, column in part["numbers"].items():
            if key == "forming_voltage":
                continue
            columns.setdefault(key, np.full(shape, np.nan))[device_and_cycle] = column
        formed = part["numbers"].get(
            "forming_voltage", np.full(len(device_and_cycle[0]), part.get("forming", np.nan))
        )
        voltages = columns.setdefault("forming_voltage", np.full(len(places), np.nan))
        for place, value in zip(device_and_cycle[0], formed, strict=True):
            voltages[place] = value if np.isfinite(value) else voltages[place]
    if np.isnan(columns["forming_voltage"]).all():
        del columns["forming_voltage"]
    return columns


def _traces(parts: list[Part], places: dict[str, int]) -> Part:
    columns: dict[str, list[Any]] = {key: [] for key in (
        "trace_device", "trace_state", "trace_voltage", "trace_temperature", "trace_size", "trace_time",
        "trace_current")}  # fmt: skip
    for part in parts:
        names, states = np.array(part["device"]), np.array(part["state"])
        for name, state in dict.fromkeys(zip(part["device"], part["state"], strict=True)):
            rows = np.flatnonzero((names == name) & (states == state))
            time = _times(part, rows, name)
            columns["trace_device"].append(places[name])
            columns["trace_state"].append(state)
            columns["trace_voltage"].append(float(np.mean(part["voltage"][rows])))
            columns["trace_temperature"].append(float(np.mean(part["temperature"][rows])))
            columns["trace_size"].append(len(rows))
            columns["trace_time"].append(time - time.min())
            columns["trace_current"].append(part["value"][rows])
    return {
        key: np.concatenate(column) if key in ("trace_time", "trace_current") else column
        for key, column in columns.items()
    }


def _times(part: Part, rows: Index, name: str) -> Floats:
    """Return the times of the samples of a trace: as stamped, or at the equal steps that a mapping gives.

    Stamps of too few digits repeat or jump; who knows the step tells what they hide. They must agree with it
    within their last digit, or a hundredth of the step, so that another step or a lost sample is found.
    """
    time: Floats = part["time"][rows]
    if part["step"] is None:
        if len(descending := np.flatnonzero(np.diff(time) <= 0)):
            raise TableError(_not_ascending(part["name"], name, time, int(descending[0])))
        return time
    equal: Floats = part["step"] * np.arange(len(time))
    deviation = np.abs(time - time[0] - equal)
    # Stamps of full precision do not go with a step of few digits, nor late ones with any, to the last bit.
    allowed = max((1.0 + 1e-6) * _last_digit(time), 0.01 * part["step"], 4.0 * float(np.spacing(time.max())))
    if part["stamped"] and deviation.max() > allowed:
        worst = int(np.argmax(deviation))
        raise TableError(
            f"{part['name']}: times of device {name} must go with step {part['step']:g} s, got "
            f"{time[worst] - time[0]:.9g} s for {equal[worst]:.9g} s after the first at sample {worst + 1} "
            f"({_mean_step(time)}); "
            'if they are wrong, not the step, map their column to "ignore"'
        )
    return equal


def _last_digit(time: Floats) -> float:
    """Return the power of ten (s) of which all stamps are multiples; inf: they are all the same."""
    since = time - time[0]
    if not (duration := float(np.ptp(since))):
        return np.inf
    first = -int(np.floor(np.log10(duration)))
    for digits in range(first, first + 12):
        scaled = since * 10.0**digits
        if np.abs(scaled - np.round(scaled)).max() < 1e-2:
            return float(10.0**-digits)
    return 0.0


def _not_ascending(table: str, device: str, time: Floats, back: int) -> str:
    """Return what is wrong with stamps that do not ascend, and what helps where they are rounded."""
    sentence = (
        f"{table}: times of a trace must ascend, got {time[back]:g} s and then {time[back + 1]:g} s of "
        f"device {device}"
    )
    rises = np.diff(time)
    if rises.min() < 0 or not time[-1] > time[0]:
        return sentence
    return (
        f"{sentence}, {np.sum(rises == 0)} of {len(time)} as the one before; if they are rounded and samples "
        f"equally spaced, give step under [measurement] of a mapping file ({_mean_step(time)})"
    )


def _mean_step(time: Floats) -> str:
    return f"the mean step is {(time[-1] - time[0]) / max(len(time) - 1, 1):.6g} s"


def _reads(parts: list[Part], places: dict[str, int]) -> Part:
    return {
        "read_device": np.concatenate([[places[name] for name in part["device"]] for part in parts]),
        "read_state": np.concatenate([part["state"] for part in parts]),
        "read_time": np.concatenate([part["time"] for part in parts]),
        "read_temperature": np.concatenate([part["temperature"] for part in parts]),
        "read_conductance": np.concatenate([part["value"] for part in parts]),
    }


def _pulses(parts: list[Part], places: dict[str, int]) -> Part:
    columns = {"pulse_device": np.concatenate([[places[name] for name in part["device"]] for part in parts])}
    for key in ("voltage", "width", "gate_voltage", "conductance_before", "conductance"):
        column = np.concatenate([part[key] for part in parts])
        if key in ("voltage", "width", "conductance") or np.isfinite(column).any():
            columns[f"pulse_{key}"] = column
    return columns


BUILDERS: dict[str, Callable[[list[Part], dict[str, int]], Part]] = {
    "trace": _traces, "reads": _reads, "pulses": _pulses,
}  # fmt: skip
"""What makes variables of the tables of each kind, but loops and cycles, which are one."""
