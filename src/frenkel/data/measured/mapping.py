"""What is in the columns of a table: guessed from names and units, or told in a mapping file.

A guess is a plan that can be shown before anything is read, and written as a mapping file to be changed.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ...typing import Floats
from .mapping_file import MappingFile, constant, constant_units, quoted
from .quantities import (
    FEATURES,
    KINDS,
    QUANTITIES,
    RESPONSES,
    logarithm,
    name_and_unit,
    quantity_of,
    unit_of,
)
from .table import MISSING, Style, Table, TableError

IGNORE, DATE = "ignore", "date"
BY_UNIT = {
    "s": "time",
    "V": "voltage",
    "A": "current",
    "ohm": "resistance",
    "S": "conductance",
    "K": "temperature",
}
"""Quantity of a column whose name is not known."""

FIRM = ("voltage", "current", "resistance", "conductance")
"""Quantities whose names are not taken for another one, whatever their unit: "V (A)" is refused."""

STEADY = 0.01
"""Spread of a voltage, as a fraction of its size, below which it is constant."""

SAMPLED = 500
"""Rows at equal steps of time from which on a conductance in time is a trace."""

SIGNED, POSITIVE = 3, 0.98
"""Samples of a polarity at least, and fraction of them above 0 A, for currents without their sign."""

HIGH, LOW = frozenset({"hrs", "off", "high", "reset"}), frozenset({"lrs", "on", "low", "set"})
"""Names of the states whose rows take turns."""

_NUMBER = r"[-+]?[\d.]+(?:[eE][-+]?\d+)?"
_ENTRY = re.compile(
    r"^\s*(?:(?P<log>log10|ln)\s+)?(?P<name>[a-z_]+)\s*(?:[(\[]\s*(?P<unit>[^()\[\]]*?)\s*[)\]])?"
    rf"\s*(?:\*\s*(?P<scale>{_NUMBER}))?\s*(?:(?P<sign>[-+])\s*(?P<offset>{_NUMBER}))?\s*$"
)


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
        "name", "unit", "instrument" or "mapping": by what it is known.
    log : str
        "log10" or "ln": the file has this logarithm; "log": it does not say which; "": none.
    scale, offset : float
        A number of the file is multiplied by one, and the other is added, in ``unit``.
    """

    index: int
    header: str
    quantity: str
    unit: str = ""
    how: str = "name"
    log: str = ""
    scale: float = 1.0
    offset: float = 0.0

    @property
    def title(self) -> str:
        """Header, or the number of the column where it has none."""
        return self.header or str(self.index + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
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
    style : Style
        How the table is written, as it was told.
    """

    kind: str
    guessed: bool
    columns: tuple[Column, ...]
    constants: Mapping[str, Any]
    magnitude: bool = False
    style: Style = field(default_factory=Style)

    def of(self, *quantities: str) -> list[Column]:
        """Return the columns of some quantities."""
        return [column for column in self.columns if column.quantity in quantities]

    def unread(self) -> list[Column]:
        """Return the columns that no name or unit tells, and no mapping ignores."""
        return [column for column in self.of("") if column.how != "mapping"]


def plan(table: Table, told: MappingFile | None = None, kind: str = "") -> TablePlan:
    """Return what is in a table.

    Parameters
    ----------
    table : Table
    told : MappingFile, optional
        What a mapping file says; the rest is guessed.
    kind : str
        One of :data:`KINDS` instead of a guess.

    Raises
    ------
    TableError
        A column that is needed is missing, has no unit, or two hold the same quantity.
    """
    told = told or MappingFile()
    constants = {key: constant(table.name, key, value) for key, value in table.constants.items()}
    constants |= told.constants
    kind = kind or told.kind
    columns = columns_of(table, told)
    planned = TablePlan(kind=kind, guessed=not kind, columns=columns, constants=constants, style=told.style)
    if not kind:
        planned = replace(planned, kind=_kind(table, planned))
    planned = _settled(planned)
    _check(table, planned)
    return replace(planned, magnitude=planned.kind == "loops" and _is_magnitude(table, planned))


def values(table: Table, column: Column, area: float = 1.0) -> Floats:
    """Return a column in SI units, NaN where it has no value.

    Parameters
    ----------
    table : Table
    column : Column
    area : float
        By which a current density is multiplied (m2).
    """
    if not QUANTITIES[column.quantity].units:
        return table.numbers(column.index)
    if column.unit == DATE:
        return _seconds(table, column)
    unit = unit_of(column.unit)
    if unit is None:
        raise TableError(_no_unit(table, column))
    numbers = table.numbers(column.index)
    if column.log:
        numbers = {"log10": 10.0, "ln": math.e}[column.log] ** numbers
    numbers = (numbers * column.scale + column.offset) * unit[1] + unit[2]
    return numbers * area if unit[0] == "A/m2" else numbers


def _seconds(table: Table, column: Column) -> Floats:
    """Return dates and times of day as seconds after the first."""
    import pandas  # pandas, and only columns of dates need it

    try:
        stamps = pandas.to_datetime(pandas.Series(table.texts(column.index)))
    except ValueError as error:
        raise TableError(f"{table.name}: {column.title} must hold dates with times of day: {error}") from None
    since = (stamps - stamps.iloc[0]).dt.total_seconds()
    return np.asarray(since, float)


def columns_of(table: Table, told: MappingFile) -> tuple[Column, ...]:
    """Return what each column of a table holds, as told, as an instrument tells, or guessed from its name."""
    used_names = set()
    columns = []
    for i, header in enumerate(table.headers):
        key = next((label for label in (header, str(i + 1)) if label and label in told.columns), None)
        if key is not None:
            used_names.add(key)
            columns.append(_mapped_column(table, i, header, told.columns[key]))
        elif i in table.quantities:
            unit = name_and_unit(header)[1] or table.units[i]
            columns.append(
                Column(index=i, header=header, quantity=table.quantities[i], unit=unit, how="instrument")
            )
        else:
            columns.append(_guessed(table, i, header))
            _check_feature(table, columns[-1])
        columns[-1] = _with_unit(table, columns[-1], told.units)
    if unknown := [key for key in told.columns if key not in used_names]:
        header_names = ", ".join(header or str(i + 1) for i, header in enumerate(table.headers))
        raise TableError(f"{table.name} has no column {unknown[0]!r} of the mapping; it has {header_names}")
    return tuple(columns)


def _with_unit(table: Table, column: Column, units: tuple[str, ...]) -> Column:
    """Return a column with the unit that fits it, where it has none; words of a time are dates."""
    if not column.quantity or column.unit:
        return column
    if column.quantity == "time" and not table.is_numeric(column.index):
        return replace(column, unit=DATE)
    fit = [
        unit
        for unit in units
        if (si_unit := unit_of(unit)) and si_unit[0] in QUANTITIES[column.quantity].units
    ]
    return replace(column, unit=fit[0]) if fit else column


def _mapped_column(table: Table, i: int, header: str, entry: str) -> Column:
    if entry == IGNORE:
        return Column(index=i, header=header, quantity="", how="mapping")
    match = _ENTRY.match(entry)
    if match is None or match["name"] not in QUANTITIES:
        raise TableError(
            f"column {header or i + 1} of the mapping must be one of {', '.join(QUANTITIES)} or {IGNORE}, "
            f"with its unit in brackets, got {entry!r}"
        )
    unit = name_and_unit(header)[1] or table.units[i]
    return Column(
        index=i, header=header, quantity=match["name"], unit=match["unit"] or unit, how="mapping",
        log=match["log"] or "", scale=float(match["scale"] or 1.0),
        offset=float(f"{match['sign'] or ''}{match['offset'] or 0.0}"),
    )  # fmt: skip


def _guessed(table: Table, i: int, header: str) -> Column:
    plain, logarithm_kind = logarithm(header)
    name, unit = name_and_unit(plain)
    unit = unit or table.units[i].strip("()[] ")
    si_unit = unit_of(unit) if unit else None
    quantity = quantity_of(name)
    if quantity and si_unit and QUANTITIES[quantity].units and si_unit[0] not in QUANTITIES[quantity].units:
        if quantity in FIRM:
            return Column(index=i, header=header, quantity="", unit=unit)
        quantity = ""  # "T (K)" is no time
    if logarithm_kind and not quantity:
        logarithm_kind = ""
    if quantity or not si_unit:
        return Column(index=i, header=header, quantity=quantity, unit=unit, log=logarithm_kind)
    quantity = BY_UNIT.get(si_unit[0], "") if table.is_numeric(i) else ""
    return Column(index=i, header=header, quantity=quantity, unit=unit, how="unit")


def _settled(found: TablePlan) -> TablePlan:
    """Return a plan without columns that are known by their unit alone where others are by their name.

    In a table of cycles only its numbers count.
    """
    firm = {column.quantity for column in found.columns if column.how != "unit"}
    cycles = found.kind == "cycles"
    columns = [replace(column, quantity="") if column.how == "unit" and (cycles or column.quantity in firm)
               else column for column in found.columns]  # fmt: skip
    return replace(found, columns=tuple(columns))


def _check_feature(table: Table, column: Column) -> None:
    """Complain of a number of cycles whose unit is of something else."""
    meant = quantity_of(name_and_unit(column.header)[0])
    if meant in FEATURES and column.quantity != meant:
        raise TableError(
            f"{table.name}: {column.title!r} must have a unit of {' or '.join(QUANTITIES[meant].units)}, got "
            f"{column.unit!r}; say in a mapping file what it is"
        )


def _kind(table: Table, found: TablePlan) -> str:
    """Return the kind of measurement that the columns tell of."""
    quantities_present = {column.quantity for column in found.columns} | set(found.constants)
    responses = [name for name in RESPONSES if name in quantities_present]
    for name, kind in KINDS.items():
        if quantities_present & set(kind.tells):
            return name
    if responses and not found.of("time") and takes_turns(table, found):
        return "cycles"
    if found.of("voltage") and found.of("read_voltage", "before") and responses:
        return "pulses"
    if found.of("voltage") and responses:
        volts = values(table, found.of("voltage")[0])
        steady = np.nanmax(volts) - np.nanmin(volts) <= STEADY * np.nanmax(np.abs(volts))
        if not steady:
            return "loops" if "current" in responses else "pulses"
    if "step" in quantities_present and responses:
        return "trace"
    if found.of("time") and responses:
        if found.of("device") or ("current" not in responses and not _is_sampled(table, found)):
            return "reads"
        return "trace"
    if found.of("device", "temperature") and responses:
        return "reads"
    listing = ", ".join(f"{c.title!r} as {c.quantity or 'nothing'}" for c in found.columns[:8])
    raise TableError(
        f"{table.name}: the columns do not tell what was measured ({listing}); say so in a mapping file"
    )


def takes_turns(table: Table, found: TablePlan) -> bool:
    """Tell whether rows of HRS and of LRS take turns, by their column of states."""
    columns = found.of("state")
    cell_texts = {text.lower() for text in table.texts(columns[0].index)} if len(columns) == 1 else set()
    return bool(cell_texts & HIGH) and bool(cell_texts & LOW) and cell_texts <= HIGH | LOW | MISSING


def _is_sampled(table: Table, found: TablePlan) -> bool:
    """Tell whether the rows are many and at equal steps of time, as a trace is and reads are not."""
    steps = np.diff(values(table, found.of("time")[0]))
    return len(steps) >= SAMPLED and bool(np.ptp(steps) <= STEADY * np.abs(steps).max())


def _is_magnitude(table: Table, found: TablePlan) -> bool:
    """Tell whether currents are positive in both polarities, as files for a logarithmic axis have them."""
    if not (found.of("voltage") and found.of("current")):
        return False
    volts, amperes = (values(table, found.of(name)[0]) for name in ("voltage", "current"))
    parts = [amperes[np.isfinite(amperes) & (side * volts > 0)] for side in (1, -1)]
    return all(len(part) >= SIGNED and bool(np.mean(part >= 0) > POSITIVE) for part in parts)


WIDE = ("trace", "reads")
"""Kinds whose table may hold a column for each device."""


def _check(table: Table, found: TablePlan) -> None:
    if "step" in found.constants and found.kind != "trace":
        raise TableError(f"{table.name}: step is the time between samples of a trace, not of {found.kind}")
    turns = found.kind == "cycles" and bool(found.of("state")) and bool(found.of(*RESPONSES))
    for group in () if turns else KINDS[found.kind].needs:
        if not found.of(*group) and not set(group) & set(found.constants):
            raise TableError(
                f"{table.name}: {found.kind} must have {' or '.join(group)}, and no column holds "
                f"{'it' if len(group) == 1 else 'one'}; say which in a mapping file"
            )
    _check_reads(table, found)
    for quantity in QUANTITIES:
        columns = found.of(quantity)
        several = quantity == "device" and all(column.how == "mapping" for column in columns)
        if len(columns) > 1 and not several and not (found.kind in WIDE and quantity in RESPONSES):
            names = " and ".join(repr(column.title) for column in columns[:3])
            raise TableError(
                f"{table.name}: {names} all seem to be {quantity}; say in a mapping file which to ignore"
            )
        for column in columns:
            _check_unit(table, found, column)


def _check_reads(table: Table, found: TablePlan) -> None:
    """Complain of currents whose resistance cannot be known."""
    quantities_present = {column.quantity for column in found.columns} | set(found.constants)
    if found.kind == "reads" and found.of("current") and "voltage" not in quantities_present:
        raise TableError(f"{table.name}: reads of a current need their voltage, in a column or the mapping")
    currents = [c for c in found.of("hrs", "lrs", "before") if (unit_of(c.unit) or ("",))[0] == "A"]
    currents += found.of("current") if found.kind == "pulses" or found.kind == "cycles" else []
    if currents and "read_voltage" not in quantities_present:
        raise TableError(
            f"{table.name}: {currents[0].title!r} is a current of a read, which needs its voltage: a column "
            'of read_voltage, or read_voltage = "0.1 V" under [measurement] of a mapping file'
        )


def _check_unit(table: Table, found: TablePlan, column: Column) -> None:
    allowed = QUANTITIES[column.quantity].units
    if not allowed:
        return
    si_unit = unit_of(column.unit)
    if si_unit is None:
        raise TableError(_no_unit(table, column))
    if si_unit[0] not in allowed:
        raise TableError(
            f"{table.name}: {column.title!r} must have a unit of {' or '.join(allowed)}, got {column.unit!r}"
        )
    if si_unit[0] == "A/m2" and "area" not in found.constants:
        raise TableError(
            f"{table.name}: {column.title!r} is a current density, which needs the area of the device: "
            'area = "100 um2" under [measurement] of a mapping file'
        )
    if column.log == "log":
        raise TableError(
            f"{table.name}: {column.title!r} is a logarithm, of base 10 or e: say which in a mapping file, "
            f'such as "{column.title}" = "log10 {column.quantity} ({column.unit})"'
        )


def _no_unit(table: Table, column: Column) -> str:
    reason = f"the unit {column.unit!r} is not known" if column.unit else "no unit is given"
    example = QUANTITIES[column.quantity].units[0]
    return (
        f"{table.name}: {reason} for {column.title!r}; write it into the header or a mapping file, such as "
        f'"{column.title}" = "{column.quantity} ({example})", or give the units of all, such as frenkel read '
        f"{table.name} --unit V,A"
    )


def as_toml(found: TablePlan) -> str:
    """Return a plan as the text of a mapping file."""
    lines = ["[measurement]", f'kind = "{found.kind}"']
    for name, value in found.constants.items():
        unit = (constant_units(name) or ("",))[0]
        lines.append(f"{name} = {quoted(value if isinstance(value, str) else f'{value:g} {unit}'.strip())}")
    style = {key: value for key, value in asdict(found.style).items() if value is not None}
    lines += ["[table]"] if style else []
    lines += [f"{key} = {quoted(value) if isinstance(value, str) else value}" for key, value in style.items()]
    lines.append("[columns]")
    for column in found.columns:
        lines.append(f"{quoted(column.title)} = {quoted(entry(column))}")
    return "\n".join(lines) + "\n"


def entry(column: Column) -> str:
    """Return a column as a mapping file has it."""
    if not column.quantity:
        return IGNORE
    unit = f" ({column.unit})" if column.unit and QUANTITIES[column.quantity].units else ""
    scale = f" * {column.scale!r}" if column.scale != 1 else ""
    offset = f" {'-' if column.offset < 0 else '+'} {abs(column.offset)!r}" if column.offset else ""
    return f"{f'{column.log} ' if column.log else ''}{column.quantity}{unit}{scale}{offset}"
