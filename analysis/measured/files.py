"""Files of a laboratory, read by `frenkel read` or by a guess, and what commands take out of them.

The layout is in :mod:`frenkel.analysis.measured.dataset`.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ... import provenance
from ...mpi_runs import content
from ...typing import Floats
from ..noise import trace
from ..results import store
from . import dataset, mapping, table
from .dataset import LAYOUT, READ_VOLTAGE

if TYPE_CHECKING:
    import xarray as xr

Planned = tuple[table.Table, mapping.Plan]


def planned(files: Sequence[Path], told: Path | None = None, kind: str = "") -> list[Planned]:
    """Return the table in each file, and what is in its columns, before anything is taken from it.

    Parameters
    ----------
    files : sequence of Path
    told : Path, optional
        A mapping file (:mod:`frenkel.analysis.measured.mapping`), for all files.
    kind : str
        Of measurement, instead of a guess.

    Raises
    ------
    TableError
        A file holds no table, or its columns do not tell what they are.
    """
    known = mapping.read_mapping(told) if told is not None else None
    found = []
    for file in files:
        one = table.read_table(store.readable(file), known.style if known else None)
        found.append((one, mapping.plan(one, known, kind)))
    return found


def read(
    files: Sequence[Path], told: Path | None = None, *, kind: str = "", read_voltage: float = READ_VOLTAGE
) -> "xr.Dataset":
    """Return what a laboratory measured, in the layout of measurements.

    Parameters
    ----------
    files : sequence of Path
        Tables: text or Excel, see :func:`frenkel.analysis.measured.table.read_table`.
    told, kind
        As for :func:`planned`.
    read_voltage : float
        At which resistances of loops are taken (V), above 0.

    Returns
    -------
    xarray.Dataset
        Its attribute ``provenance`` names files, their SHA-256 and what their columns were taken for.

    Raises
    ------
    TableError
        See :func:`planned`.
    """
    return assembled(planned(files, told, kind), files, read_voltage)


def assembled(plans: Sequence[Planned], files: Sequence[Path], read_voltage: float) -> "xr.Dataset":
    """Return the dataset of tables that were planned."""
    made = [
        {
            "file": file.name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "mapping": mapping.as_toml(plan),
        }
        for file, (_, plan) in zip(files, plans, strict=True)
    ]
    record = {"software": {"name": "frenkel", "version": provenance.version(), "git": provenance.git_hash()},
              "measured": made}  # fmt: skip
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    attrs = {
        "title": ", ".join(file.name for file in files[:4]) + (" ..." if len(files) > 4 else ""),
        "source": "measurements",
        "history": f"{moment} read by frenkel {provenance.version()}",
        "provenance": json.dumps(record),
    }
    return dataset.dataset(plans, read_voltage, attrs)


def load(path: Path) -> "xr.Dataset":
    """Read a file of measurements, checked; errors are those of :func:`.store.load`."""
    return store.load(path, LAYOUT)


def of_table(path: Path) -> "xr.Dataset | None":
    """Return a file of measurements, or a table that is no .csv by a guess; None: it is a result or a .csv.

    Commands have columns of their own for .csv; see :mod:`.measurements`.
    """
    if path.suffix.lower() == ".csv":
        return None
    if content.is_netcdf(store.readable(path)):
        return load(path) if dataset.is_measured(path) else None
    return read([path])


def resting(data: "xr.Dataset", origin: str) -> dict[str, list[tuple[Floats, Floats]]]:
    """Return of each state times (s) and conductances (S) of each device that was read in time."""
    found: dict[str, list[tuple[Floats, Floats]]] = {}
    for _, state, _, time_, g in each_rest(data, origin):
        found.setdefault("" if state == "all" else state, []).append((time_, g))
    return found


def intervals(data: "xr.Dataset", origin: str, share: float) -> tuple[Floats, Floats, Floats]:
    """Return of each device that rested its temperature (K), and between which reads (s) it failed.

    Parameters
    ----------
    data : xarray.Dataset
        The first read of each device and temperature is its start.
    origin : str
        What to call it in messages.
    share : float
        A device has failed when its conductance has reached this share of its start; above 1, by rising.

    Returns
    -------
    kelvin, low, high : (n,) float64
        ``low`` 0: it failed before the second read; ``high`` inf: it had not failed at the last.
    """
    rows = []
    for _, _, kelvin, read, g in each_rest(data, origin):
        known = np.isfinite(g)
        read, g = read[known] - read[known][:1], g[known]
        if len(g) < 2 or not g[0] > 0:
            continue
        beyond = np.flatnonzero(g <= share * g[0] if share < 1 else g >= share * g[0])
        last = int(beyond[0]) if len(beyond) else len(g)
        rows.append((kelvin, read[last - 1], read[last] if last < len(g) else np.inf))
    if not rows or not np.isfinite(rows[0][0]):
        raise ValueError(f"{origin} must hold two reads of a device, and the temperature between them")
    kelvin, low, high = np.array(rows, float).T
    return kelvin, low, high


def windows(data: "xr.Dataset", origin: str) -> tuple[Floats, Floats, Floats]:
    """Return cycles (n,), and resistances (ohm) after RESET and after SET of every device, (devices, n)."""
    if "hrs" not in data or "lrs" not in data:
        raise ValueError(f"{origin} holds no hrs and lrs of cycles")
    return data["cycle"].values.astype(float), data["hrs"].values, data["lrs"].values


def trains(data: "xr.Dataset", origin: str) -> list[tuple[int, Floats]]:
    """Return trains of pulses of one sign: sign, and conductance (S) before the first and after each."""
    if "pulse" not in data.dims:
        raise ValueError(f"{origin} holds no pulses")
    found = []
    for place in np.unique(data["pulse_device"].values):
        rows = np.flatnonzero(data["pulse_device"].values == place)
        sign, g = np.sign(data["pulse_voltage"].values[rows]), data["pulse_conductance"].values[rows]
        ends = [*(np.flatnonzero(np.diff(sign)) + 1).tolist(), len(sign)]
        pieces = list(zip([0, *ends[:-1]], ends, strict=True))
        found += [(int(sign[a]), g[max(a - 1, 0) : b]) for a, b in pieces if sign[a] != 0 and b - a >= 3]
    return found


def traces(data: "xr.Dataset", origin: str) -> list[tuple[str, "xr.Dataset"]]:
    """Return the name of the device and the trace, as :mod:`frenkel.analysis.noise.trace` has them."""
    if "trace" not in data.dims:
        raise ValueError(f"{origin} holds no trace in time")
    ends = np.cumsum(data["trace_size"].values)
    found = []
    for k, (a, b) in enumerate(zip(ends - data["trace_size"].values, ends, strict=True)):
        name = str(data["device"].values[int(data["trace_device"].values[k])])
        columns = (data[f"trace_{key}"].values[a:b] for key in ("time", "current"))
        found.append((name, trace.from_arrays(*columns)))
    return found


def each_rest(data: "xr.Dataset", origin: str) -> Iterator[tuple[int, str, float, Floats, Floats]]:
    """Yield of each device and state its number, name, temperature (K), times (s) and conductances (S)."""
    if "read" not in data.dims:
        raise ValueError(f"{origin} holds no reads in time")
    columns = {
        key: data[f"read_{key}"].values for key in ("device", "state", "temperature", "time", "conductance")
    }
    order = np.lexsort((columns["time"], columns["temperature"], columns["state"], columns["device"]))
    keys = [columns[key][order] for key in ("device", "state", "temperature")]
    same = np.ones(len(order) - 1, bool)
    for key in keys:
        same &= (key[1:] == key[:-1]) | ((key[1:] != key[1:]) & (key[:-1] != key[:-1]))  # NaN is NaN
    for rows in np.split(np.arange(len(order)), np.flatnonzero(~same) + 1):
        first, place = rows[0], order[rows]
        yield (int(keys[0][first]), str(keys[1][first]), float(keys[2][first]),
               columns["time"][place], columns["conductance"][place])  # fmt: skip
