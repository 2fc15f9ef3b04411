"""Files of a laboratory, read by `frenkel read` or by a guess.

The layout is in :mod:`frenkel.analysis.measured.dataset`.
"""

import hashlib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ... import errors, provenance
from ...data import kinds, store
from ...data.measured import joined, mapping, mapping_file, quantities, reading, table
from ...data.measured.schema import LAYOUT
from . import dataset
from .dataset import READOUT
from .loops import Readout

if TYPE_CHECKING:
    import xarray as xr

Planned = tuple[table.Table, mapping.TablePlan]

CYCLES = re.compile(
    r"^(?P<stem>.*?)(?P<word>cyc|cycle|loop|sweep|run|rep|iv)[ _#.-]*(?P<number>\d+)$", re.IGNORECASE
)
"""Names of files that are cycles of one device: cell3_cycle_12."""


def planned(
    files: Sequence[Path],
    told: Path | Sequence[Path] | None = None,
    kind: str = "",
    units: tuple[str, ...] = (),
) -> list[Planned]:
    """Return the tables in files, and what is in their columns, before anything is taken from them.

    Parameters
    ----------
    files : sequence of Path
        Those of ``frenkel read`` (.nc) are left out.
    told : Path or sequence of Path, optional
        Mapping files (:mod:`frenkel.data.measured.mapping_file`): one for all files, or one for each.
    kind : str
        Of measurement, instead of a guess.
    units : tuple of str
        Units of columns that have none.

    Raises
    ------
    TableError
        A file holds no table, its columns do not tell what they are, or there are several mapping files but
        not one for each file.
    """
    maps = [told] if isinstance(told, Path) else list(told or ())
    tables = [file for file in files if store.kind_of(file) != "measured"]
    if len(maps) > 1 and len(maps) != len(tables):
        raise table.TableError(
            f"mapping files must be one for all, or one for each of {len(tables)} tables in their order, "
            f"got {len(maps)}"
        )
    mappings = [mapping_file.read_mapping(path) for path in maps] or [mapping_file.MappingFile()]
    mappings = [replace(mapped, units=(*mapped.units, *units)) for mapped in mappings]
    mappings = mappings * len(tables) if len(mappings) == 1 else mappings
    sources = []
    for file, says in zip(tables, mappings, strict=True):
        sources += [(source, says) for source in reading.read_tables(store.readable(file), says.style)]
    return [(source, mapping.plan(source, says, kind)) for source, says in _cycles_of_files(sources)]


def _cycles_of_files(
    tables: Sequence[tuple[table.Table, mapping_file.MappingFile]],
) -> list[tuple[table.Table, mapping_file.MappingFile]]:
    """Return tables with the files that are cycles of one device joined, in the order of their numbers."""
    groups: dict[str, list[tuple[int, table.Table, mapping_file.MappingFile]]] = {}
    for place, (source, says) in enumerate(tables):
        stem = source.sources[0].name.split(".")[0]
        match = CYCLES.match(stem)
        if says.style.files == "cycle":  # by the last number, or in the order given
            match = re.match(r"^(?P<stem>.*?)(?P<word>)(?P<number>\d*)$", stem)
        quantities = {column.quantity for column in mapping.columns_of(source, says)} | set(says.constants)
        if match is None or says.style.files == "device" or quantities & {"device", "cycle"} or source.device:
            groups[f"{place}"] = [(0, source, says)]
            continue
        device = match["stem"].strip(" _#.-") or match["word"] or "device"
        groups.setdefault(f"of {device}", []).append((int(match["number"] or place), source, says))
    grouped = []
    for key, group in groups.items():
        if len(group) == 1:
            grouped.append(group[0][1:])
            continue
        ordered = [source for _, source, _ in sorted(group, key=lambda item: item[0])]
        device = key.removeprefix("of ")
        note = (
            f"{len(ordered)} files are cycles of one device, {device}; if they are devices, say files = "
            '"device" under [table] of a mapping file'
        )
        name = f"{ordered[0].name} to {ordered[-1].name}"
        grouped.append((table.combined(ordered, name, device, note), group[0][2]))
    return grouped


def read(
    files: Sequence[Path],
    told: Path | Sequence[Path] | None = None,
    *,
    kind: str = "",
    units: tuple[str, ...] = (),
    how: Readout = READOUT,
) -> "xr.Dataset":
    """Return what a laboratory measured, in the layout of measurements.

    Parameters
    ----------
    files : sequence of Path
        Tables, see :func:`frenkel.data.measured.reading.read_tables`, and files of ``frenkel read``
        (.nc), which are joined.
    told, kind, units
        As for :func:`planned`.
    how : Readout
        How numbers are read off loops.

    Returns
    -------
    xarray.Dataset
        Its attribute ``provenance`` names files, their SHA-256 and what their columns were taken for.

    Raises
    ------
    TableError
        See :func:`planned` and :func:`.joined.join`.
    Warns
    -----
    Doubt
        Columns are not read, since nothing tells what they are: one may hold the devices.
    """
    plans = planned(files, told, kind, units)
    for source, plan in plans:
        if unread := [column.title for column in plan.unread()]:
            titles = ", ".join(unread[:6]) + (" ..." if len(unread) > 6 else "")
            errors.warn(
                f"{source.name}: columns that are not read: {titles}; frenkel read {source.name} shows what "
                "each column is taken for"
            )
    return assembled(plans, files, how)


def assembled(plans: Sequence[Planned], files: Sequence[Path], how: Readout) -> "xr.Dataset":
    """Return the dataset of tables that were planned, with the files of measurements among them."""
    recorded = [
        {
            "file": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "mapping": mapping.as_toml(plan),
        }
        for source, plan in plans
        for path in source.sources
    ]
    measured = [file for file in files if store.kind_of(file) == "measured"]
    parts = [load(file) for file in measured]
    for file, part in zip(measured, parts, strict=True):
        before = json.loads(part.attrs.get("provenance", "{}"))
        recorded += before.get("measured", []) or [{"file": file.name}]
    record = {"software": {"name": "frenkel", "version": provenance.version(), "git": provenance.git_hash()},
              "measured": recorded}  # fmt: skip
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    attrs = {
        "title": ", ".join(file.name for file in files[:4]) + (" ..." if len(files) > 4 else ""),
        "source": "measurements",
        "history": f"{moment} read by frenkel {provenance.version()}",
        "provenance": json.dumps(record),
    }
    datasets = [dataset.dataset(plans, how, attrs)] if plans else []
    return joined.join([*datasets, *parts], attrs) if parts else datasets[0]


def is_guessed(file: Path) -> bool:
    """Tell whether a table is read without a mapping."""
    try:
        planned([file])
    except ValueError:
        return False
    return True


STYLES = (
    "header = 12   # number of the line that names the columns; 0: none",
    'delimiter = "comma"',
    'decimal = "."',
    'sheet = "Sheet1"',
    'values = "conductance (uS)"',
    'side_by_side = "cycle"',
    "repeat = 2",
)
"""What a mapping file may say of a text in which no table is found."""


def skeleton(file: Path) -> str:
    """Return a mapping file for a table that could not be guessed: its columns, with what is known of them.

    Parameters
    ----------
    file : Path
        Its columns stand in it where a table is found; else what to say of the text.
    """
    head = ["[measurement]", f'# kind = "loops"     # or {", ".join(list(quantities.KINDS)[1:])}']
    head += ["# " + line for line in ('device = "cell 7"', 'read_voltage = "0.1 V"', 'area = "100 um2"')]
    try:
        tables = reading.read_tables(store.readable(file))
    except (table.TableError, store.StoreError) as error:
        style = ["[table]", f"# {error}".replace("\n", " ")]
        style += [f"# {line}" for line in STYLES]
        return "\n".join([*head, *style, "[columns]", '# 1 = "voltage (V)"', '# 2 = "current (A)"']) + "\n"
    first_table = tables[0]
    names = ", ".join(quantities.QUANTITIES)
    lines = [*head, "[table]", '# units = "V, A"   # of columns that have none', "[columns]"]
    lines.append(f"# one of: {names}, with its unit in brackets, or ignore")
    for column in mapping.columns_of(first_table, mapping_file.MappingFile()):
        first = ", ".join(first_table.texts(column.index)[:3])
        text = mapping.entry(column)
        lines.append(f"{mapping_file.quoted(column.title)} = {mapping_file.quoted(text)}  # {first[:60]}")
    return "\n".join(lines) + "\n"


def load(path: Path) -> "xr.Dataset":
    """Read a file of measurements, checked; errors are those of :func:`.store.load`."""
    return store.load(path, LAYOUT)


def load_or_read(path: Path) -> "xr.Dataset | None":
    """Return a file of measurements, or a table by a guess; None: it is a result."""
    if store.form_of(path) != "netcdf":
        return read([path])
    return load(path) if kinds.kind_of(path) == "measured" else None
