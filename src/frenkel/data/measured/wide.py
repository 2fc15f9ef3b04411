"""Wide tables to long ones: groups of columns side by side, and columns whose names are times."""

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from .quantities import FEATURES, name_and_unit, parted, quantity_of, unit_of
from .table import MISSING, Style, Table, TableError

NUMBERED = re.compile(r"^(?P<base>.*?[^\d\s_#(\[.])[\s_#(\[.]*(?P<number>\d+)[)\]]?$")
TIME = re.compile(r"^\s*(?:t\s*=\s*)?(?P<number>[\d.]+(?:[eE][-+]?\d+)?)\s*(?P<unit>[A-Za-zµμ]+)\s*$")
RESPONSES = ("current", "conductance", "resistance")


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """Columns that belong together: number, and places by the name that all groups share."""

    number: int
    places: dict[str, int]


def long_table(table: Table, style: Style) -> Table:
    """Return a table with each sweep, device or time below the others.

    Parameters
    ----------
    table : Table
    style : Style
        Of it ``side_by_side``, ``repeat`` and ``values`` count.

    Raises
    ------
    TableError
        Names of columns are times, and nothing says what they hold.
    """
    times = [i for i, header in enumerate(table.headers) if _time(header) is not None]
    if len(times) > 1 or (times and style.values):
        return _melted(table, times, style.values)
    groups = _repeated(table, style.repeat) if style.repeat else _numbered(table)
    return _stacked(table, groups, style.side_by_side) if len(groups) > 1 else table


def _time(header: str) -> str | None:
    """Return a time as text of seconds, where a header is one."""
    match = TIME.match(header)
    unit = unit_of(match["unit"]) if match else None
    return repr(float(match["number"]) * unit[1]) if match and unit and unit[0] == "s" else None


def _melted(table: Table, times: list[int], values: str | None) -> Table:
    names = ", ".join(table.headers[i] for i in times[:3])
    if values is None:
        raise TableError(
            f"{table.name}: the columns {names} ... are named by times; say what they hold under [table] of "
            'a mapping file, such as values = "conductance (uS)"'
        )
    name, unit = name_and_unit(values)
    if not quantity_of(name) or unit_of(unit) is None:
        raise TableError(
            f"{table.name}: values must be a quantity and a unit, such as 'conductance (uS)', got {values!r}"
        )
    value_columns = [i for i in range(len(table.headers)) if i not in times]
    rows, lines, block = [], [], []
    for row, line, number in zip(table.rows, table.lines, table.block, strict=True):
        for i in times:
            rows.append([*(row[k] for k in value_columns), _time(table.headers[i]) or "", row[i]])
            lines.append(line)
            block.append(number)
    headers = (*(table.headers[k] for k in value_columns), "time", name)
    units = (*(table.units[k] for k in value_columns), "s", unit)
    note = f"{len(times)} columns are named by times: {names} ..."
    return replace(table, headers=headers, units=units, rows=rows, lines=lines, block=np.array(block, int),
                   quantities={len(value_columns): "time"}, notes=(*table.notes, note))  # fmt: skip


def _numbered(table: Table) -> list[ColumnGroup]:
    """Return groups by the numbers in the names of columns, or by names that repeat; [] where none are."""
    if table.quantities:
        return []
    twice = Counter(table.headers)
    places_of: dict[int, dict[str, int]] = {}
    name_counts: Counter[str] = Counter()
    for i, header in enumerate(table.headers):
        name, unit = parted(header)
        if unit.isdigit():  # V(1)
            name, unit = f"{name} {unit}", ""
        match = NUMBERED.match(name)
        if header and twice[header] > 1:
            name_counts[header] += 1
            places_of.setdefault(name_counts[header], {})[header] = i
        elif match and quantity_of(name_and_unit(match["base"])[0]):
            base = match["base"].strip() + (f" ({unit})" if unit else "")
            places_of.setdefault(int(match["number"]), {})[base] = i
    groups = [ColumnGroup(number, places) for number, places in sorted(places_of.items())]
    if len(groups) < 2 or any(set(group.places) != set(groups[0].places) for group in groups):
        return []
    meant = {quantity_of(name_and_unit(name)[0]): name for name in groups[0].places}
    paired = {"hrs", "lrs"} <= set(meant) or (
        bool({"voltage", "time"} & set(meant)) and bool(set(RESPONSES) & set(meant))
    )
    if not paired or (
        "voltage" in meant and not all(_varies(table, group.places[meant["voltage"]]) for group in groups)
    ):
        return []  # a second terminal at a constant voltage is no second sweep
    return groups


def _varies(table: Table, column: int) -> bool:
    if not table.is_numeric(column):
        return False
    numbers = table.numbers(column)
    return bool(np.nanmax(numbers) > np.nanmin(numbers))


def _repeated(table: Table, every: int) -> list[ColumnGroup]:
    width = len(table.headers)
    if width % every:
        raise TableError(f"{table.name}: repeat must divide the {width} columns, got {every}")
    return [
        ColumnGroup(k + 1, {table.headers[i] or str(i + 1): k * every + i for i in range(every)})
        for k in range(width // every)
    ]


def _stacked(table: Table, groups: list[ColumnGroup], what: str | None) -> Table:
    """Return the groups below each other: cycles of one device as blocks, or devices."""
    names = list(groups[0].places)
    meant = {quantity_of(name_and_unit(name)[0]) for name in names}
    explicit = what is not None
    what = what or ("device" if "time" in meant and "voltage" not in meant else "cycle")
    taken = {i for group in groups for i in group.places.values()}
    value_columns = [i for i in range(len(table.headers)) if i not in taken]
    rows, lines, block = [], [], []
    for group in groups:
        for row, line, number in zip(table.rows, table.lines, table.block, strict=True):
            cells = [row[group.places[name]] for name in names]
            if all(cell.lower() in MISSING for cell in cells):
                continue
            rows.append(
                [*(row[k] for k in value_columns), *cells, *([str(group.number)] if what == "device" else [])]
            )
            lines.append(line)
            block.append(
                0
                if what == "device"
                else number + (group.number - groups[0].number) * (table.block.max() + 1)
            )
    firsts = [groups[0].places[name] for name in names]
    headers = [table.headers[k] for k in value_columns] + [name if table.headers[i] else "" for name, i in
                                                  zip(names, firsts, strict=True)]  # fmt: skip
    units = [table.units[k] for k in (*value_columns, *firsts)]
    quantities = {}
    if what == "device":
        headers, units, quantities = [*headers, "device"], [*units, ""], {len(headers): "device"}
    kind = "devices" if what == "device" else "cycles of one device"
    note = f"{len(groups)} groups of columns side by side are {kind}"
    if not explicit and not (set(FEATURES) & meant):
        other = "cycle" if what == "device" else "device"
        note += f'; if they are {other}s, say side_by_side = "{other}" under [table] of a mapping file'
    return replace(table, headers=tuple(headers), units=tuple(units), rows=rows, lines=lines,
                   block=np.array(block, int), quantities=quantities, notes=(*table.notes, note))  # fmt: skip
