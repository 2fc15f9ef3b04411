"""Mapping files: what a user says of the columns of a table, as TOML.

Such as::

    [measurement]
    kind = "reads"                # loops, cycles, trace, reads or pulses
    voltage = "0.2 V"             # what no column holds
    [table]
    delimiter = "semicolon"       # tab, semicolon, comma, space; see :class:`.table.Style` for others
    [columns]
    1 = "device"                  # by its number, or by its name
    "R before" = "resistance (kohm)"
    "log I" = "log10 current (A)"             # undone
    "CH2" = "current (A) * 1e-4 - 2e-9"       # of a number in the file, in that unit
    "Remarks" = "ignore"
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ... import toml
from .quantities import KINDS, QUANTITIES, unit_of
from .table import DELIMITERS, Style, TableError

CONSTANTS = ("device", "state", "cycle", "time", "step", "voltage", "temperature", "width", "read_voltage",
             "gate_voltage", "area")  # fmt: skip
"""Quantities that a mapping file may give once for a whole table; "step": time between samples of a trace,
"area": of the device, for a current density."""

_VALUE = re.compile(r"^\s*(?P<number>[-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(?P<unit>[^\d\s].*?)?\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """What a mapping file says: kind ("": guess it), style of the table, columns, constants, units.

    Each of the units goes to the columns without one that it fits.
    """

    kind: str = ""
    style: Style = field(default_factory=Style)
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    units: tuple[str, ...] = ()


def read_mapping(path: Path) -> MappingFile:
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
    _check_keys(path, "tables", document, ("measurement", "table", "columns"))
    parts = {key: document.get(key, {}) for key in ("measurement", "table", "columns")}
    for key, part in parts.items():
        if not isinstance(part, dict):
            raise TableError(f"{path}: {key} must be a table [{key}], got {part!r}")
    measurement = dict(parts["measurement"])
    _check_keys(path, "keys of [measurement]", measurement, ("kind", *CONSTANTS))
    kind = measurement.pop("kind", "")
    if kind and kind not in KINDS:
        raise TableError(f"{path}: kind must be one of {', '.join(KINDS)}, got {kind!r}")
    columns = parts["columns"]
    for name, entry in columns.items():
        if not isinstance(entry, str):
            raise TableError(f"{path}: column {name} must be text such as 'time (ms)', got {entry!r}")
    constants = {key: constant(str(path), key, value) for key, value in measurement.items()}
    table = dict(parts["table"])
    units = units_of(str(path), table.pop("units", ""))
    return MappingFile(
        kind=kind, style=_style(path, table), columns=columns, constants=constants, units=units
    )


def units_of(origin: str, text: Any) -> tuple[str, ...]:
    """Return units such as "mV, uA"; an error names the origin."""
    units = (
        tuple(unit.strip() for unit in text.split(",") if unit.strip())
        if isinstance(text, str)
        else (str(text),)
    )
    for unit in units:
        if unit_of(unit) is None:
            raise TableError(f"{origin}: units must be units such as V, mV, uA, s, ohm, got {unit!r}")
    return units


def _check_keys(path: Path, what: str, given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in given:
        if key not in allowed:
            raise TableError(f"{path}: {what} must be among {', '.join(allowed)}, got {key!r}")


def _style(path: Path, table: Mapping[str, Any]) -> Style:
    texts = ("sheet", "values")
    allowed = {"delimiter": tuple(DELIMITERS), "decimal": (".", ","), "instrument": ("none",)}
    allowed |= dict.fromkeys(("sheets", "files", "side_by_side"), ("cycle", "device"))
    _check_keys(path, "keys of [table]", table, (*allowed, "header", "repeat", "units", *texts))
    for key, values in allowed.items():
        if key in table and table[key] not in values:
            raise TableError(f"{path}: {key} must be one of {', '.join(values)}, got {table[key]!r}")
    header = table.get("header")
    if header is not None and (not isinstance(header, int) or isinstance(header, bool) or header < 0):
        raise TableError(f"{path}: header must be the number of a line, or 0 for none, got {header!r}")
    repeat = table.get("repeat", 1)
    if not isinstance(repeat, int) or isinstance(repeat, bool) or repeat < 1:
        raise TableError(f"{path}: repeat must be a number of columns, got {repeat!r}")
    for key in texts:
        if not isinstance(table.get(key, ""), str):
            raise TableError(f"{path}: {key} must be a name, got {table[key]!r}")
    return Style(**table)


def constant(path: str, name: str, given: Any) -> Any:
    """Return a constant in SI, or the text of a device or state."""
    if name in ("device", "state"):
        return str(given)
    match = _VALUE.match(str(given)) if not isinstance(given, bool) else None
    units = constant_units(name)
    unit = unit_of(match["unit"] or "1") if match else None
    if match is None or unit is None or (unit[0] not in units and (units or unit[0] != "1")):
        allowed = f"a number with a unit of {units[0]}" if units else "a whole number"
        raise TableError(f"{path}: {name} must be {allowed}, got {given!r}")
    value = float(match["number"]) * unit[1] + unit[2]
    if name in ("step", "area") and not 0 < value < math.inf:
        raise TableError(f"{path}: {name} must be above 0 {units[0]} and finite, got {given!r}")
    return value


def constant_units(name: str) -> tuple[str, ...]:
    """Return the SI units that a constant may have."""
    if name == "area":
        return ("m2",)
    return QUANTITIES["time" if name == "step" else name].units


def quoted(text: str) -> str:
    """Return a text as TOML has it."""
    return json.dumps(text, ensure_ascii=False)
