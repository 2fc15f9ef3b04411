"""A table of measurements as cells of text, and how it is written.

Nothing is corrected: what was taken for granted is in the notes of a table, what cannot be understood is an
error with its line.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ...typing import Floats, Index
from .instruments.source import TableError as TableError

DELIMITERS = {"tab": "\t", "semicolon": ";", "comma": ",", "space": None}
"""Marks between columns, in the order in which they are tried; space: any run of blanks."""

MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "--", "---"})
"""Texts of a cell without a value."""

OVERFLOW = 9.8e37
"""Instruments write 9.9E37 and more where a range was exceeded; such a cell has no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a table is written; None: to be found.

    Parameters
    ----------
    delimiter : str or None
        A key of :data:`DELIMITERS`.
    decimal : str or None
        "." or ",".
    header : int or None
        Number of the line that names the columns, from 1; 0: no line does.
    sheet : str or None
        Of an Excel file; default: all that hold a table.
    sheets, files, side_by_side : str or None
        "cycle" or "device": what several sheets, files or groups of columns are.
    repeat : int or None
        Number of columns after which they repeat, side by side.
    values : str or None
        What the columns hold whose names are times, such as "conductance (uS)".
    instrument : str or None
        "none": no signature of an instrument is looked for.
    """

    delimiter: str | None = None
    decimal: str | None = None
    header: int | None = None
    sheet: str | None = None
    sheets: str | None = None
    files: str | None = None
    side_by_side: str | None = None
    repeat: int | None = None
    values: str | None = None
    instrument: str | None = None

    @property
    def is_told(self) -> bool:
        """Whether the marks of the text are given, so that no instrument is looked for."""
        marks = (self.delimiter, self.decimal, self.header, self.repeat)
        return self.instrument == "none" or any(mark is not None for mark in marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns of text as they stand in a file.

    Parameters
    ----------
    name : str
        Of the file.
    headers, units : tuple of str
        Of each column; "" where the file has none. Units are those of a line of their own.
    rows : list of list of str
    lines : list of int
        Of each row its line in the file, from 1.
    block : ndarray
        Of each row the number of its block, from 0: an export may repeat its header before each sweep.
    above : tuple of str
        Lines above the first header.
    notes : tuple of str
        What was taken for granted.
    decimal : str
        "." or ",".
    device : str
        Name of the device where no column holds it; "": that of the file.
    quantities : mapping
        Of columns (from 0) whose quantity an instrument told; "": not read.
    constants : mapping
        Quantities of the whole table that an instrument told, as a mapping file writes them.
    sources : tuple of Path
        Files that it was read from.
    """

    name: str
    headers: tuple[str, ...]
    units: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    block: Index
    above: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    decimal: str = "."
    device: str = ""
    quantities: dict[int, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    sources: tuple[Path, ...] = ()

    def texts(self, column: int) -> list[str]:
        """Return the cells of a column."""
        return [row[column] for row in self.rows]

    def is_numeric(self, column: int) -> bool:
        """Tell whether the first cells of a column with a value are numbers."""
        cells = [row[column] for row in self.rows if row[column].lower() not in MISSING][:50]
        return bool(cells) and all(number(cell, self.decimal) is not None for cell in cells)

    def numbers(self, column: int) -> Floats:
        """Return a column as numbers, NaN where a cell has no value or the instrument's overflow.

        Raises
        ------
        TableError
            A cell holds something else.
        """
        numbers = np.full(len(self.rows), np.nan)
        for i, row in enumerate(self.rows):
            value = number(row[column], self.decimal)
            if value is None:
                title = self.headers[column] or f"column {column + 1}"
                raise TableError(
                    f"line {self.lines[i]} of {self.name} must have a number in {title}, got {row[column]!r}"
                )
            numbers[i] = value if abs(value) < OVERFLOW else np.nan
        return numbers


def combined(tables: Sequence[Table], name: str, device: str, note: str) -> Table:
    """Return tables of the same columns as one, each a block of its own.

    Raises
    ------
    TableError
        Their columns differ.
    """
    first = tables[0]
    for other in tables[1:]:
        if (other.headers, other.units, other.decimal) != (first.headers, first.units, first.decimal):
            raise TableError(
                f"{other.name} must have the columns of {first.name}, to be its next cycle: read them as "
                'devices, with files = "device" under [table] of a mapping file'
            )
    sizes = [int(table.block.max(initial=0)) + 1 for table in tables]
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return replace(
        first, name=name, device=device, rows=[row for table in tables for row in table.rows],
        lines=[line for table in tables for line in table.lines],
        block=np.concatenate([table.block + begin for table, begin in zip(tables, begins, strict=True)]),
        notes=(*first.notes, note), sources=tuple(path for table in tables for path in table.sources),
    )  # fmt: skip


def number(cell: str, decimal: str) -> float | None:
    """Return the number in a cell, NaN where it has none, None where it holds something else."""
    text = cell.strip()
    if text.lower() in MISSING:
        return float("nan")
    if decimal == "," and "." not in text:
        text = text.replace(",", ".")
    if "_" in text:  # Python takes 1_000 for a number, instruments do not write it
        return None
    try:
        return float(text)
    except ValueError:
        return None


def cells_of(line: str, delimiter: str | None) -> list[str]:
    """Return the cells of a line, without blanks and quotes around them."""
    if delimiter is None:
        # A blank before a unit in brackets is none between columns.
        cells = re.split(r"\s+(?![(\[])", line.strip())
    elif '"' in line:
        cells = next(iter(csv.reader([line], delimiter=delimiter)), [])
    else:
        cells = line.split(delimiter)
    return [cell.strip().strip('"').strip() for cell in cells]
