"""Files to tables: as an instrument writes them, in text, or in the sheets of a spreadsheet."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .instruments.source import READERS, Instrument, Source
from .table import Style, Table, TableError, combined
from .text import ENOUGH, table_of, text_table
from .wide import long_table

if TYPE_CHECKING:
    import pandas


def first_line(path: str | Path) -> str:
    """Return the first line of a text; signs that are no text are replaced."""
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        return file.readline()


def read_table(path: str | Path, style: Style | None = None) -> Table:
    """Return the first table in a file; see :func:`read_tables`."""
    return read_tables(path, style)[0]


def read_tables(path: str | Path, style: Style | None = None) -> list[Table]:
    """Return the tables in a file.

    Parameters
    ----------
    path : str or Path
        As an instrument writes it (:mod:`.instruments.catalogue`), text in UTF-8, UTF-16 or Latin-1, or a
        spreadsheet (.xlsx, .xls, .ods) with a table in each sheet; any may be in gzip (.gz).
    style : Style, optional

    Raises
    ------
    TableError
        There is no table of numbers, a row has another number of columns, or the file is no text.
    """
    from .instruments.catalogue import instrument_of  # the instruments, which import this module

    source, used_style = Source(Path(path)), style or Style()
    if used_style.sheet is not None:
        _choose(source, used_style.sheet)
    instrument = None if used_style.is_told else instrument_of(source)
    if instrument is not None:
        tables = [_recorded(source, instrument)]
    elif source.suffix in READERS:
        tables = _of_sheets(source, used_style)
    else:
        tables = [text_table(source.name, *source.decoded, used_style)]
    return [replace(long_table(table, used_style), sources=(Path(path),)) for table in tables]


def _choose(source: Source, sheet: str) -> None:
    """Leave one sheet, and what belongs to all of them."""
    if sheet not in source.sheets:
        sheet_names = ", ".join(source.sheets) or "none"
        raise TableError(
            f"{source.name} cannot be read as Excel: sheet {sheet!r} not found; it has {sheet_names}"
        )
    for name in [name for name in source.sheets if name not in (sheet, "Settings")]:
        del source.sheets[name]


def _recorded(source: Source, instrument: Instrument) -> Table:
    """Return what an instrument recorded as a table."""
    try:
        parsed = instrument.parse(source)
    except TableError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, EOFError) as error:
        advice = '; instrument = "none" under [table] of a mapping file reads it as any table'
        message = f"{source.name} has the signature of {instrument.name}, but {error}"
        raise TableError(message if source.is_binary else message + advice) from None
    names = [str(name) for name in parsed.frame]
    columns = [[_text(cell) for cell in parsed.frame[name]] for name in parsed.frame]
    rows = [list(row) for row in zip(*columns, strict=True)]
    if len(rows) < ENOUGH:
        raise TableError(
            f"{source.name} has the signature of {instrument.name}, but {len(rows)} rows of numbers, and "
            f"{ENOUGH} are needed: was the measurement saved before it ended?"
        )
    block = np.zeros(len(rows), int) if parsed.block is None else parsed.block
    return Table(
        name=source.name, headers=tuple(names), units=tuple(parsed.units.get(name, "") for name in names),
        rows=rows, lines=list(range(1, len(rows) + 1)), block=block,
        notes=(f"read as {instrument.name}", *parsed.notes),
        quantities={i: parsed.quantities[name] for i, name in enumerate(names) if name in parsed.quantities},
        constants=dict(parsed.constants),
    )  # fmt: skip


def _text(cell: object) -> str:
    """Return a cell of a frame as text that keeps every digit."""
    if isinstance(cell, float | np.floating):
        return "" if np.isnan(cell) else repr(float(cell))
    return "" if cell is None else str(cell).strip()


def _of_sheets(source: Source, given: Style) -> list[Table]:
    """Return the table of each sheet that holds one, or all as cycles of one device."""
    tables, without = [], []
    for name, frame in source.sheets.items():
        rows = [(i + 1, row) for i, row in enumerate(_cells(frame)) if any(row)]
        title = source.name if len(source.sheets) == 1 else f"{source.name}, sheet {name}"
        try:
            tables.append(table_of(title, rows, given.decimal or ".", given.header, ()))
        except TableError as error:
            without.append((name, str(error)))
            continue
        if len(source.sheets) > 1:
            tables[-1] = replace(tables[-1], device=name)
    if not tables:
        raise TableError(without[0][1] if without else f"{source.name} holds no data")
    if without:
        names = ", ".join(name for name, _ in without)
        tables[0] = replace(tables[0], notes=(*tables[0].notes, f"sheets without a table: {names}"))
    if len(tables) > 1 and given.sheets == "cycle":
        return [combined(tables, source.name, "", f"{len(tables)} sheets are cycles of one device, as told")]
    if len(tables) > 1:
        note = (
            f"{len(tables)} sheets are read, each a device; if they are cycles of one device, say sheets = "
            '"cycle" under [table] of a mapping file'
        )
        tables[0] = replace(tables[0], notes=(*tables[0].notes, note))
    return tables


def _cells(frame: "pandas.DataFrame") -> list[list[str]]:
    return [[_text(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]
