"""From clones of public repositories to tables that `frenkel read` takes: the whole sets.

Extracts of those under the MIT licence are in examples/measured.

    git clone https://github.com/Anjiang-Wei/Anjiang-RRAM-Python
    git clone https://github.com/akashlevy/RRAM-Relaxation-Master-Model
    git clone https://github.com/thennen/py-ivtools
    git clone https://github.com/ddas-04/RRAM_Raw_data
    python benchmarks/rram/tables.py CLONES -o TABLES

A clone that is not there is left out. The last one states no licence: its tables are for reading, not for
passing on. Excel needs openpyxl. Technology C of the second is left unread, for judging.
"""

import argparse
import csv
import gzip
import io
import pickle
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Rows = Iterable[Iterable[Any]]

SAMPLES = 20_000
"""Of each trace."""

KEPT = ("DataFrame", "BlockManager", "Index", "RangeIndex", "_new_Index", "_unpickle_block")
"""Classes of pandas whose state is looked at, and never run."""


def content(clone: Path, name: str) -> bytes:
    """Return a file of the newest commit of a clone, with or without a work tree."""
    return subprocess.run(
        ["git", "-C", str(clone), "show", f"HEAD:{name}"], check=True, capture_output=True
    ).stdout


def lines(clone: Path, name: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a table of a clone, which may be compressed."""
    raw = content(clone, name)
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
    yield from csv.reader(io.StringIO(text), delimiter=delimiter)


def cycles(clone: Path, name: str) -> Rows:
    """Return HRS and LRS of each cell and cycle of a log: reads after a RESET and the SET that follows."""
    yield "device", "cycle", "HRS (ohm)", "LRS (ohm)"
    counts: dict[str, int] = {}
    last, hrs = "", ""
    for row in lines(clone, name, ","):
        if row[3] == "READ" and last == "RESET":
            hrs = row[4]
        elif row[3] == "READ" and last == "SET" and hrs:
            counts[row[2]] = counts.get(row[2], 0) + 1
            yield row[2], counts[row[2]], hrs, row[4]
            hrs = ""
        last = row[3]


def bakes(clone: Path, name: str) -> Rows:
    """Return the reads of cells before and after a bake."""
    yield "device", "time (s)", "temperature (C)", "conductance (S)"
    for address, time, _, siemens, celsius in lines(clone, name, "\t"):
        yield address, time, celsius, siemens


def relaxation(clone: Path, name: str) -> Rows:
    """Return the reads of cells after they were programmed."""
    yield "device", "time (s)", "conductance (S)"
    for address, time, _, siemens, *_ in lines(clone, name, "\t"):
        yield address, time, siemens


def pulses(clone: Path, *names: str) -> Rows:
    """Return one pulse of each cell: SETs, then RESETs, whose source line is the positive one."""
    yield "device", "voltage (V)", "gate voltage (V)", "width (ns)", "R before (ohm)", "resistance (ohm)"
    for name, sign in zip(names, (1, -1), strict=True):
        for address, width, gate, volts, before, after in lines(clone, name, "\t"):
            numbers = (sign * float(volts), float(gate), 1e9 * float(width), float(before), float(after))
            yield address, *(f"{x:.5g}" for x in numbers)


def traces(clone: Path, name: str) -> Rows:
    """Return traces at 400 Hz, a column for each level."""
    found = list(lines(clone, name, "\t"))
    yield "time (s)", *(f"level {row[0]} (S)" for row in found)
    for k, values in enumerate(zip(*(row[2 : 2 + SAMPLES] for row in found), strict=True)):
        yield f"{k / 400:.4f}", *values


def loops_of_frame(clone: Path, name: str) -> Rows:
    """Return the loops in a pickled frame, which is read without running what it names."""
    frame = _Frame(io.BytesIO(content(clone, name))).load()
    manager = frame.state["_mgr"].args
    names = list(manager[1][0].args[1]["data"])
    columns = {}
    for block in manager[0]:
        values, places = block.args[:2]
        where = np.arange(len(names))[places]
        columns |= {names[place]: row for place, row in zip(where, values, strict=True)}
    yield "cycle", "time (s)", "voltage (V)", "current (A)"
    for k, (v, i, t) in enumerate(zip(columns["V"], columns["I"], columns["t"], strict=True), 1):
        for row in zip(t - columns["t"][0][0], v, i, strict=True):
            yield k, *(f"{x:.8g}" for x in row)


class _State:
    """Arguments and state of an object of pandas."""

    def __new__(cls, *args: Any) -> "_State":
        one = object.__new__(cls)
        one.args, one.state = args, None
        return one

    args: tuple[Any, ...]
    state: Any

    def __init__(self, *args: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Frame(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("pandas.") and name in KEPT:
            return type(name, (_State,), {})
        if (module, name) in (("numpy", "dtype"), ("numpy", "ndarray"), ("builtins", "slice")):
            return super().find_class(module, name)
        if module.startswith("numpy.core") and name in ("_reconstruct", "_frombuffer", "scalar"):
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"the frame names {module}.{name}, which is not read")


def loops_of_sheet(clone: Path, name: str, sheet: str, owner: str) -> Rows:
    """Return the loops of a sheet, two columns each; they are devices or cycles of one."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content(clone, name)), read_only=True, data_only=True)
    columns = list(zip(*book[sheet].values, strict=True))
    head = next(k for k, cell in enumerate(columns[0]) if str(cell).startswith(("V1", "Voltage")))
    yield owner, "voltage (V)", "current (A)"
    for k, (volts, amperes) in enumerate(zip(columns[::2], columns[1::2], strict=True), 1):
        for v, i in zip(volts[head + 1 :], amperes[head + 1 :], strict=True):
            if isinstance(v, float | int) and isinstance(i, float | int):
                yield k, v, i


WEI, LEVY = "Anjiang-RRAM-Python", "RRAM-Relaxation-Master-Model"
TABLES: dict[str, tuple[str, Callable[..., Rows], tuple[str, ...]]] = {
    "cells": (WEI, cycles, ("data/endurance_log_many.csv",)),
    "cell": (WEI, cycles, ("data/endurance_log.csv",)),
    "pulses": (WEI, pulses, ("data/set_sweep.tsv", "data/reset_sweep.tsv")),
    "loops": ("py-ivtools", loops_of_frame, ("ivtools/sampledata/example_ivloops.df",)),
    "sheet-devices": ("RRAM_Raw_data", loops_of_sheet, ("100devices.xlsx", "devices", "device")),
    "sheet-cycles": ("RRAM_Raw_data", loops_of_sheet, ("100devices.xlsx", "100cycles", "cycle")),
    "bake-A": (LEVY, bakes, ("data/techA/bake.tsv.gz",)),
    "bake-B": (LEVY, bakes, ("data/techB/bake.tsv.gz",)),
    "relaxation-B": (LEVY, relaxation, ("data/techB/relaxdata_10k.min.tsv.gz",)),
    "traces-A": (LEVY, traces, ("data/techA/tsdata.min.tsv.gz",)),
}
"""Of each table the repository, the function that makes it, and what that takes."""


def main() -> None:
    """Write the tables of all clones that are there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clones", type=Path, help="folder with clones, named as the repositories")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the tables")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    for name, (repository, make, words) in TABLES.items():
        clone = given.clones / repository
        if not clone.exists():
            print(f"{name}: left out, there is no {clone}")
            continue
        path = given.output / f"{name}.csv.gz"
        with gzip.open(path, "wt", newline="", compresslevel=1) as file:
            csv.writer(file).writerows(make(clone, *words))
        print(f"{name}: wrote {path}")


if __name__ == "__main__":
    main()
