"""Tables in text: where the numbers begin, what stands above them, in which marks."""

import re
from collections.abc import Sequence

import numpy as np

from .quantities import parted, quantity_of, unit_of
from .table import DELIMITERS, MISSING, Style, Table, TableError, cells_of, number

ENOUGH = 3
"""Rows of numbers of one length in a row that begin a table."""

_DECIMAL_COMMA = re.compile(r"^[-+]?\d+,\d+([eE][-+]?\d+)?$")


def text_table(name: str, text: str, encoding: str, style: Style) -> Table:
    """Return the table in a text.

    Raises
    ------
    TableError
        There is no table of numbers, or a row has another number of columns.
    """
    notes: tuple[str, ...] = () if encoding == "utf-8" else (f"the text is read as {encoding}",)
    numbered = [(i + 1, line) for i, line in enumerate(text.splitlines()) if line.strip()]
    if not numbered:
        raise TableError(f"{name} holds no data")
    key = style.delimiter or _delimiter([line for _, line in numbered])
    decimal = style.decimal or _decimal([line for _, line in numbered], DELIMITERS[key])
    if decimal == ",":
        notes += ("numbers have a decimal comma",)
    rows = [(i, cells_of(line, DELIMITERS[key])) for i, line in numbered]
    return table_of(name, rows, decimal, style.header, notes)


def table_of(
    name: str, rows: list[tuple[int, list[str]]], decimal: str, header: int | None, notes: tuple[str, ...]
) -> Table:
    """Cut rows of cells into header, blocks of numbers and what stands above."""
    runs = _runs([row for line, row in rows if line > (header or 0)], decimal)
    skipped = sum(line <= (header or 0) for line, _ in rows)
    if not runs or max(b - a for a, b in runs) < ENOUGH:
        raise TableError(
            f"{name} holds no table: at least {ENOUGH} rows of equally many columns with numbers must follow "
            "each other"
        )
    runs = [(a + skipped, b + skipped) for a, b in runs]
    longest = max(runs, key=lambda run: run[1] - run[0])
    pattern = _pattern(rows[longest[0] : longest[1]], decimal)
    matching_runs = [run for run in runs if _fits(rows[run[0]][1], pattern, decimal)]
    begin = matching_runs[0][0]
    if pattern[-1] and header != 0:
        _check_names(name, rows, begin, len(pattern), decimal)
    headers, units, top = _titles(name, rows, begin, len(pattern), decimal, header)
    above_first = [row for _, row in rows[:begin]]
    body: list[tuple[int, list[str]]] = []
    block: list[int] = []
    end = begin
    for count, (a, b) in enumerate(matching_runs):
        # Between two blocks of numbers a line above them must stand again: else a row is damaged.
        if count and not any(row in above_first for _, row in rows[end:a]):
            raise TableError(_odd_row(name, *rows[end], len(pattern)))
        body += rows[a:b]
        block += [count] * (b - a)
        end = b
    if end < len(rows):
        raise TableError(_odd_row(name, *rows[end], len(pattern)))
    if len(matching_runs) > 1:
        notes += (f"{len(matching_runs)} blocks, each under its header",)
    text_rows = tuple(" ".join(filter(None, row)) for _, row in rows[:top])
    if text_rows:
        notes += (f"{len(text_rows)} lines above the header are not read: {text_rows[0][:50]!r} ...",)
    return Table(
        name=name, headers=headers, units=units, rows=[row for _, row in body],
        lines=[line for line, _ in body], block=np.array(block, int), above=text_rows, notes=notes,
        decimal=decimal,
    )  # fmt: skip


def _odd_row(name: str, line: int, cells: list[str], width: int) -> str:
    if len(cells) != width:
        return f"line {line} of {name} must have {width} columns as the others, got {len(cells)}"
    return f"line {line} of {name} must hold numbers where the others do, got {' '.join(cells)[:60]!r}"


def _runs(rows: list[list[str]], decimal: str) -> list[tuple[int, int]]:
    """Return begin and end of each run of rows with numbers in the same columns."""
    runs: list[tuple[int, int]] = []
    begin, pattern = 0, None
    for i, row in enumerate([*rows, []]):
        if pattern is not None and _fits(row, pattern, decimal):
            pattern = _joined(pattern, _kinds(row, decimal))
            continue
        if pattern is not None:
            runs.append((begin, i))
        kinds = _kinds(row, decimal)
        begin, pattern = i, kinds if True in kinds else None
    return runs


def _kinds(cells: list[str], decimal: str) -> list[bool | None]:
    """Return of each cell whether it is a number, None where it has no value."""
    if not cells or cells[0].startswith("#"):
        return []
    return [None if cell.lower() in MISSING else number(cell, decimal) is not None for cell in cells]


def _joined(like: list[bool | None], other: list[bool | None]) -> list[bool | None]:
    return [b if a is None else a for a, b in zip(like, other, strict=True)]


def _fits(cells: list[str], like: list[bool | None], decimal: str) -> bool:
    """Tell whether a row has its numbers where the others have theirs."""
    kinds = _kinds(cells, decimal)
    return len(kinds) == len(like) and all(
        a is None or b is None or a == b for a, b in zip(kinds, like, strict=True)
    )


def _pattern(rows: Sequence[tuple[int, list[str]]], decimal: str) -> list[bool | None]:
    pattern = _kinds(rows[0][1], decimal)
    for _, row in rows:
        pattern = _joined(pattern, _kinds(row, decimal))
    return pattern


def _titles(
    name: str, rows: list[tuple[int, list[str]]], begin: int, width: int, decimal: str, header: int | None
) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """Return names and units of the columns, and the index of the first row that holds them."""
    none = ("",) * width
    if header == 0 or begin == 0:
        return none, none, begin
    places = [i for i in (begin - 2, begin - 1) if i >= 0]
    if header is not None:
        places = [i for i, (line, _) in enumerate(rows) if line == header] + places[-1:]
        places = sorted(set(places))
        if not places or rows[places[0]][0] != header:
            raise TableError(f"header must be the number of a line above the numbers, got {header}")
    names = {i: _names(rows[i][1], width, decimal) for i in places}
    if _are_units(names[places[-1]] or ()):  # oscilloscopes number their channels
        names[places[0]] = _names(rows[places[0]][1], width, None)
    if names[places[-1]] is None:
        last = rows[begin - 1]
        if len(last[1]) == width and True in _kinds(last[1], decimal):
            raise TableError(_odd_row(name, *last, width))
        return none, none, begin
    upper, lower = names.get(places[0]), names[places[-1]]
    assert lower is not None
    if header is None and _are_units(upper or ()) and not _are_units(lower):
        return lower, upper or none, places[0]
    if upper is None or upper == lower or (header is None and not _are_units(lower)):
        # The lower of two lines names the columns; the upper one may be a title.
        return lower, none, places[-1]
    return upper, lower if _are_units(lower) else none, places[0]


def _check_names(name: str, rows: list[tuple[int, list[str]]], begin: int, width: int, decimal: str) -> None:
    """Complain of a line of names above the numbers with too few names: decimal commas look like that."""

    if not begin:
        return
    line, cells = rows[begin - 1]
    names = _uncommented(cells)
    quantities = [quantity_of(parted(cell)[0]) for cell in names]
    fewer = (len(names) == width - 1 and width > 2) or (1 < len(names) < width and all(quantities))
    if fewer and True not in _kinds(cells, decimal):
        raise TableError(
            f"line {line} of {name} names {len(names)} columns, the lines below hold {width}: are there "
            "decimal commas between commas? Where no line names the columns say header = 0 in a mapping file"
        )


def _names(cells: list[str], width: int, decimal: str | None) -> tuple[str, ...] | None:
    """Return the names in a row, None where it is none of names; without a decimal they may be numbers."""
    names = _uncommented(cells)
    if len(names) == width - 1:  # the rows of numbers end with a mark, the names do not
        names = [*names, ""]
    if len(names) != width or (decimal is not None and True in _kinds(names, decimal)):
        return None
    return tuple(names)


def _uncommented(cells: list[str]) -> list[str]:
    """Return a row without the mark of a comment at its begin: numpy writes headers so."""
    first = cells[0].lstrip("#%! ").strip()
    if not first and cells[0].startswith(("#", "%", "!")) and len(cells) > 1:
        return cells[1:]
    return [first, *cells[1:]]


def _are_units(cells: Sequence[str]) -> bool:

    texts = [cell.strip("()[] ") for cell in cells if cell]
    return bool(texts) and all(unit_of(cell) is not None for cell in texts)


def _delimiter(lines: list[str]) -> str:
    """Return the mark that cuts most lines into equally many cells with numbers."""
    sample = lines[len(lines) // 2 :][:200]

    def score(key: str) -> tuple[int, bool, bool, float, int]:
        split_lines = [cells_of(line, DELIMITERS[key]) for line in sample]
        widths = [len(cells) for cells in split_lines]
        width = max(set(widths), key=widths.count)
        kinds = [_kinds(cells, _decimal(sample, DELIMITERS[key])) for cells in split_lines]
        rows_alike = sum(len(row) == width and True in row for row in kinds)
        share = sum(row.count(True) + row.count(None) for row in kinds) / max(1, sum(map(len, kinds)))
        blank = key == "space"
        # A blank stands in names, too: it counts for less unless it leaves nothing but numbers.
        # One column of decimal commas may as well be two columns that are cut short once.
        return (rows_alike if width > 1 else rows_alike // 2 * blank, share == 1, not blank, share, width)

    return max(DELIMITERS, key=score)


def _decimal(lines: list[str], delimiter: str | None) -> str:
    """Return "," where numbers with a decimal comma stand in the lines and none with a point does."""
    if delimiter == ",":
        return "."
    cells = [cell for line in lines[len(lines) // 2 :][:200] for cell in cells_of(line, delimiter)]
    commas = sum(bool(_DECIMAL_COMMA.match(cell)) for cell in cells)
    return "," if commas and not any("." in cell and number(cell, ".") is not None for cell in cells) else "."
