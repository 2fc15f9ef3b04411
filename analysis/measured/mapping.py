"""What is in the columns of a table: guessed from names and units, or told in a mapping file.

A guess is a plan that can be shown before anything is read, and written as a mapping file to be changed::

    [measurement]
    kind = "reads"                # loops, cycles, trace, reads or pulses
    voltage = "0.2 V"             # what no column holds
    [table]
    delimiter = "semicolon"       # tab, semicolon, comma, space; header, decimal, sheet
    [columns]
    1 = "device"                  # by its number, or by its name
    "R before" = "resistance (kohm)"
    "Remarks" = "ignore"
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ... import toml
from ...typing import Floats
from ..noise.trace import parted
from .quantities import FEATURES, QUANTITIES, quantity_of, unit_of
from .table import DELIMITERS, Style, Table, TableError

KINDS = {
    "loops": "current against a voltage that goes up and down",
    "cycles": "numbers of each cycle, such as hrs and lrs",
    "trace": "current in time at a constant voltage",
    "reads": "resistance or conductance in time or over temperatures",
    "pulses": "resistance or conductance after each pulse",
}
"""Kinds of measurement."""

CONSTANTS = ("device", "state", "cycle", "time", "step", "voltage", "temperature", "width")
"""Quantities that a mapping file may give once for a whole table; "step": time between samples of a trace."""

IGNORE = "ignore"
BY_UNIT = {
    "s": "time",
    "V": "voltage",
    "A": "current",
    "ohm": "resistance",
    "S": "conductance",
    "K": "temperature",
}
"""Quantity of a column whose name is not known."""

RESPONSES = ("current", "conductance", "resistance")
"""Quantities by which a state is read."""

STEADY = 0.01
"""Spread of a voltage, as a share of its size, below which it is constant."""

SAMPLED = 500
"""Rows at equal steps of time from which on a conductance in time is a trace."""

SIGNED, POSITIVE = 3, 0.98
"""Samples of a polarity at least, and share of them above 0 A, for currents without their sign."""

_ENTRY = re.compile(r"^\s*(?P<name>[a-z_]+)\s*(?:[(\[]\s*(?P<unit>[^()\[\]]*?)\s*[)\]])?\s*$")
_VALUE = re.compile(r"^\s*(?P<number>[-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(?P<unit>[^\d\s].*?)?\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one column holds.

    Parameters
    ----------
    index : int
        From 0.
    header : str
        As in the file.
    quantity : str
        One of :data:`.quantities.QUANTITIES`; "": it is not read.
    unit : str
        As in the file or the mapping.
    how : str
        "name", "unit" or "mapping": by what it is known.
    """

    index: int
    header: str
    quantity: str
    unit: str = ""
    how: str = "name"

    @property
    def title(self) -> str:
        """Header, or the number of the column where it has none."""
        return self.header or str(self.index + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a table is read.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    guessed : bool
        Whether the kind was guessed.
    columns : tuple of Column
        All of the table.
    constants : mapping
        Quantities that no column holds: text of device and state, SI values of the others.
    magnitude : bool
        Whether currents of loops are without their sign, that of the voltage.
    """

    kind: str
    guessed: bool
    columns: tuple[Column, ...]
    constants: Mapping[str, Any]
    magnitude: bool = False

    def of(self, *quantities: str) -> list[Column]:
        """Return the columns of some quantities."""
        return [column for column in self.columns if column.quantity in quantities]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a mapping file says: kind ("": guess it), style of the table, columns and constants."""

    kind: str = ""
    style: Style = field(default_factory=Style)
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)


def read_mapping(path: Path) -> Told:
    """Read a mapping file.

    Raises
    ------
    TableError
        It is no TOML, or has a key or a value that is not allowed.
    """
    try:
        document = toml.read(path)
    except ValueError as error:
        raise TableError(f"{path}: {error}") from None
    _known(path, "tables", document, ("measurement", "table", "columns"))
    parts = {key: document.get(key, {}) for key in ("measurement", "table", "columns")}
    for key, part in parts.items():
        if not isinstance(part, dict):
            raise TableError(f"{path}: {key} must be a table [{key}], got {part!r}")
    measurement = dict(parts["measurement"])
    _known(path, "keys of [measurement]", measurement, ("kind", *CONSTANTS))
    kind = measurement.pop("kind", "")
    if kind and kind not in KINDS:
        raise TableError(f"{path}: kind must be one of {', '.join(KINDS)}, got {kind!r}")
    columns = parts["columns"]
    for name, entry in columns.items():
        if not isinstance(entry, str):
            raise TableError(f"{path}: column {name} must be text such as 'time (ms)', got {entry!r}")
    constants = {key: _constant(path, key, value) for key, value in measurement.items()}
    return Told(kind=kind, style=_style(path, parts["table"]), columns=columns, constants=constants)


def _known(path: Path, what: str, given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in given:
        if key not in allowed:
            raise TableError(f"{path}: {what} must be among {', '.join(allowed)}, got {key!r}")


def _style(path: Path, table: Mapping[str, Any]) -> Style:
    _known(path, "keys of [table]", table, ("delimiter", "decimal", "header", "sheet"))
    allowed = {"delimiter": tuple(DELIMITERS), "decimal": (".", ",")}
    for key, values in allowed.items():
        if key in table and table[key] not in values:
            raise TableError(f"{path}: {key} must be one of {', '.join(values)}, got {table[key]!r}")
    header = table.get("header")
    if header is not None and (not isinstance(header, int) or isinstance(header, bool) or header < 0):
        raise TableError(f"{path}: header must be the number of a line, or 0 for none, got {header!r}")
    if not isinstance(table.get("sheet", ""), str):
        raise TableError(f"{path}: sheet must be a name, got {table['sheet']!r}")
    return Style(**table)


def _constant(path: Path, name: str, given: Any) -> Any:
    """Return a constant in SI, or the text of a device or state."""
    if name in ("device", "state"):
        return str(given)
    match = _VALUE.match(str(given)) if not isinstance(given, bool) else None
    units = _units(name)
    unit = unit_of(match["unit"] or "1") if match else None
    if match is None or unit is None or (unit[0] not in units and (units or unit[0] != "1")):
        wanted = f"a number with a unit of {units[0]}" if units else "a whole number"
        raise TableError(f"{path}: {name} must be {wanted}, got {given!r}")
    value = float(match["number"]) * unit[1] + unit[2]
    if name == "step" and not 0 < value < math.inf:
        raise TableError(f"{path}: step must be above 0 s and finite, got {given!r}")
    return value


def _units(name: str) -> tuple[str, ...]:
    """Return the SI units that a constant may have."""
    return QUANTITIES["time" if name == "step" else name].units


def plan(table: Table, told: Told | None = None, kind: str = "") -> Plan:
    """Return what is in a table.

    Parameters
    ----------
    table : Table
    told : Told, optional
        What a mapping file says; the rest is guessed.
    kind : str
        One of :data:`KINDS` instead of a guess.

    Raises
    ------
    TableError
        A column that is needed is missing, has no unit, or two hold the same quantity.
    """
    told = told or Told()
    columns = _columns(table, told.columns)
    constants = dict(told.constants)
    kind = kind or told.kind
    found = Plan(kind=kind, guessed=not kind, columns=columns, constants=constants)
    if not kind:
        found = replace(found, kind=_kind(table, found))
    _check(table, found)
    return replace(found, magnitude=found.kind == "loops" and _is_magnitude(table, found))


def values(table: Table, column: Column) -> Floats:
    """Return a column in SI units, NaN where it has no value."""
    if not QUANTITIES[column.quantity].units:
        return table.numbers(column.index)
    unit = unit_of(column.unit)
    if unit is None:
        raise TableError(_no_unit(table, column))
    return table.numbers(column.index) * unit[1] + unit[2]


def _columns(table: Table, told: Mapping[str, str]) -> tuple[Column, ...]:
    used = set()
    found = []
    for i, header in enumerate(table.headers):
        key = next((one for one in (header, str(i + 1)) if one and one in told), None)
        if key is not None:
            used.add(key)
            found.append(_told(table, i, header, told[key]))
        else:
            found.append(_guessed(i, header, table.units[i]))
            _check_feature(table, found[-1])
    if unknown := [key for key in told if key not in used]:
        there = ", ".join(header or str(i + 1) for i, header in enumerate(table.headers))
        raise TableError(f"{table.name} has no column {unknown[0]!r} of the mapping; it has {there}")
    return tuple(found)


def _told(table: Table, i: int, header: str, entry: str) -> Column:
    if entry == IGNORE:
        return Column(index=i, header=header, quantity="", how="mapping")
    match = _ENTRY.match(entry)
    if match is None or match["name"] not in QUANTITIES:
        raise TableError(
            f"column {header or i + 1} of the mapping must be one of {', '.join(QUANTITIES)} or {IGNORE}, "
            f"with its unit in brackets, got {entry!r}"
        )
    own = parted(header)[1] or table.units[i]
    return Column(index=i, header=header, quantity=match["name"], unit=match["unit"] or own, how="mapping")


def _guessed(i: int, header: str, below: str) -> Column:
    name, unit = parted(header)
    unit = unit or below.strip("()[] ")
    si = unit_of(unit) if unit else None
    quantity = quantity_of(name)
    if quantity and si and QUANTITIES[quantity].units and si[0] not in QUANTITIES[quantity].units:
        quantity = ""  # "T (K)" is no time
    if quantity or not si:
        return Column(index=i, header=header, quantity=quantity, unit=unit)
    return Column(index=i, header=header, quantity=BY_UNIT.get(si[0], ""), unit=unit, how="unit")


def _check_feature(table: Table, column: Column) -> None:
    """Complain of a number of cycles whose unit is of something else."""
    meant = quantity_of(parted(column.header)[0])
    if meant in FEATURES and column.quantity != meant:
        raise TableError(
            f"{table.name}: {column.title!r} must have a unit of {' or '.join(QUANTITIES[meant].units)}, got "
            f"{column.unit!r}; say in a mapping file what it is"
        )


def _kind(table: Table, found: Plan) -> str:
    """Return the kind of measurement that the columns tell of."""
    there = {column.quantity for column in found.columns} | set(found.constants)
    responses = [name for name in RESPONSES if name in there]
    if there & set(FEATURES):
        return "cycles"
    if found.of("voltage") and responses:
        volts = values(table, found.of("voltage")[0])
        steady = np.nanmax(volts) - np.nanmin(volts) <= STEADY * np.nanmax(np.abs(volts))
        if not steady:
            return "loops" if "current" in responses else "pulses"
    if "step" in there and responses:
        return "trace"
    if found.of("time") and responses:
        if found.of("device") or ("current" not in responses and not _is_sampled(table, found)):
            return "reads"
        return "trace"
    if found.of("device", "temperature") and responses:
        return "reads"
    shown = ", ".join(f"{c.title!r} as {c.quantity or 'nothing'}" for c in found.columns[:8])
    raise TableError(
        f"{table.name}: the columns do not tell what was measured ({shown}); say so in a mapping file"
    )


def _is_sampled(table: Table, found: Plan) -> bool:
    """Tell whether the rows are many and at equal steps of time, as a trace is and reads are not."""
    steps = np.diff(values(table, found.of("time")[0]))
    return len(steps) >= SAMPLED and bool(np.ptp(steps) <= STEADY * np.abs(steps).max())


def _is_magnitude(table: Table, found: Plan) -> bool:
    """Tell whether currents are positive in both polarities, as files for a logarithmic axis have them."""
    if not (found.of("voltage") and found.of("current")):
        return False
    volts, amperes = (values(table, found.of(name)[0]) for name in ("voltage", "current"))
    parts = [amperes[np.isfinite(amperes) & (side * volts > 0)] for side in (1, -1)]
    return all(len(part) >= SIGNED and bool(np.mean(part >= 0) > POSITIVE) for part in parts)


NEEDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "loops": (("voltage",), RESPONSES),
    "cycles": (FEATURES,),
    "trace": (("time", "step"), RESPONSES),
    "reads": (("time",), RESPONSES),
    "pulses": (("voltage",), RESPONSES),
}
"""Of each kind what it needs, one of each group."""

WIDE = ("trace", "reads")
"""Kinds whose table may hold a column for each device."""


def _check(table: Table, found: Plan) -> None:
    if "step" in found.constants and found.kind != "trace":
        raise TableError(f"{table.name}: step is the time between samples of a trace, not of {found.kind}")
    for group in NEEDS[found.kind]:
        if not found.of(*group) and not set(group) & set(found.constants):
            raise TableError(
                f"{table.name}: {found.kind} must have {' or '.join(group)}, and no column holds "
                f"{'it' if len(group) == 1 else 'one'}; say which in a mapping file"
            )
    if "current" in {c.quantity for c in found.of(*RESPONSES)} and found.kind in ("reads", "pulses"):
        if found.kind == "reads" and not found.of("voltage") and "voltage" not in found.constants:
            raise TableError(
                f"{table.name}: reads of a current need their voltage, in a column or the mapping"
            )
    for quantity in QUANTITIES:
        columns = found.of(quantity)
        if len(columns) > 1 and not (found.kind in WIDE and quantity in RESPONSES):
            names = " and ".join(repr(column.title) for column in columns[:3])
            raise TableError(
                f"{table.name}: {names} all seem to be {quantity}; say in a mapping file which to ignore"
            )
        for column in columns:
            if QUANTITIES[quantity].units and unit_of(column.unit) is None:
                raise TableError(_no_unit(table, column))
            si = unit_of(column.unit) if QUANTITIES[quantity].units else None
            if si is not None and si[0] not in QUANTITIES[quantity].units:
                raise TableError(
                    f"{table.name}: {column.title!r} must have a unit of "
                    f"{' or '.join(QUANTITIES[quantity].units)}, got {column.unit!r}"
                )


def _no_unit(table: Table, column: Column) -> str:
    given = f"the unit {column.unit!r} is not known" if column.unit else "no unit is given"
    example = QUANTITIES[column.quantity].units[0]
    return (
        f"{table.name}: {given} for {column.title!r}; write it into the header or a mapping file, such as "
        f'"{column.title}" = "{column.quantity} ({example})"'
    )


def as_toml(found: Plan) -> str:
    """Return a plan as the text of a mapping file."""
    lines = ["[measurement]", f'kind = "{found.kind}"']
    for name, value in found.constants.items():
        unit = (_units(name) or ("",))[0]
        lines.append(f"{name} = {_quoted(value if isinstance(value, str) else f'{value:g} {unit}'.strip())}")
    lines.append("[columns]")
    for column in found.columns:
        unit = f" ({column.unit})" if column.unit and QUANTITIES.get(column.quantity, _NONE).units else ""
        lines.append(
            f"{_quoted(column.title)} = {_quoted(f'{column.quantity}{unit}' if column.quantity else IGNORE)}"
        )
    return "\n".join(lines) + "\n"


_NONE = QUANTITIES["device"]


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
