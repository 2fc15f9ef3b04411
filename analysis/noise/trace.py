"""Measured or simulated traces: reading a CSV file, checks, and resampling.

A trace is a dataset with the coordinate ``time`` (s) along ``sample`` and the variable ``current`` (A),
whatever made it. The other functions of this folder take such a dataset.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ...checks import equally_many, positive
from ...data.columns import ResultTable
from ...data.measured.quantities import OF_TRACES, parted
from ...typing import Floats

NAMES = {"t": "time", "i": "current", "v": "voltage", "g": "conductance", "r": "resistance"}
SI = {
    "time": "s",
    "current": "A",
    "voltage": "V",
    "conductance": "S",
    "resistance": "ohm",
    "temperature": "K",
}
JITTER = 0.01  # of the step: larger differences are no uniform sampling


def read_csv(path: str | Path, columns: Sequence[str] | None = None) -> xr.Dataset:
    """Read columns of numbers with names and units in their header.

    Lines that begin with ``#`` are comments. The first other line names the columns with their units, such as
    ``time (ms), current (nA)``; commas, semicolons, tabs or spaces separate. Values become SI.

    Parameters
    ----------
    path : str or Path
    columns : sequence of str, optional
        Names with units for a file without such a line (or to be used in place of it).

    Returns
    -------
    xarray.Dataset
        Every column along ``sample`` with its SI unit; ``time`` is a coordinate.

    Raises
    ------
    ValueError
        A header lacks a unit or has an unknown one, or a field is not a number.
    """
    file = Path(path)
    lines = [line for line in _lines(file) if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise ValueError(f"{file.name} holds no data")
    delimiter = next((mark for mark in (";", "\t", ",") if mark in lines[0]), None)
    titled = any(not _is_number(cell) for cell in lines[0].split(delimiter))
    if columns is None and not titled:
        raise ValueError(
            f"{file.name} has no line of names and units; give them, such as "
            "columns=('time (s)', 'current (nA)')"
        )
    # Where spaces separate, the one before a unit in brackets does not.
    named = lines[0].split(delimiter) if delimiter else re.split(r"\s+(?![(\[])", lines[0].strip())
    headers = list(columns) if columns is not None else named
    try:
        table = np.loadtxt(lines[1 if titled else 0 :], delimiter=delimiter, ndmin=2, converters=_number)
    except ValueError as error:
        raise ValueError(f"{file.name} must hold numbers below its header: {error}") from None
    if table.shape[1] != len(headers):
        raise ValueError(f"{file.name} has {table.shape[1]} columns, but {len(headers)} names were given")
    dataset = xr.Dataset(attrs={"title": file.name})
    for header, column in zip(headers, table.T, strict=True):
        name, unit, factor = _column(header, file.name)
        dataset[name] = ("sample", column * factor, {"units": unit})
    return dataset.set_coords("time") if "time" in dataset else dataset


def from_arrays(time: ArrayLike, current: ArrayLike, **more: ArrayLike) -> xr.Dataset:
    """Return a trace.

    Parameters
    ----------
    time : (samples,) array_like
        s.
    current : (samples,) array_like
        A.
    **more : (samples,) array_like
        Further variables in SI units, such as ``voltage`` or ``conductance``.
    """
    equally_many(time=time, current=current, **more)
    data = {
        name: ("sample", np.asarray(values, float), {"units": SI.get(name, "1")})
        for name, values in {"current": current, **more}.items()
    }
    return xr.Dataset(data, {"time": ("sample", np.asarray(time, float), {"units": "s"})})


def from_result(result: ResultTable, phase: int | str) -> xr.Dataset:
    """Return one phase of a simulated device as a trace, its time from the start of the phase.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.
    phase : int or str
        Index or name of the phase.

    Raises
    ------
    ValueError
        There is no such phase.
    """
    names = [str(name) for name in result["phase_name"].values]
    if isinstance(phase, str) and phase not in names:
        raise ValueError(f"phase must be one of {', '.join(names)} (--phase), got {phase!r}")
    index = names.index(phase) if isinstance(phase, str) else phase
    rows = np.flatnonzero(result["phase"].values == index)
    if not len(rows):
        raise ValueError(f"phase must be below {len(names)} and hold samples, got {phase}")
    time = result["time"].values[rows]
    return from_arrays(
        time - time[0], result["current"].values[rows], voltage=result["device_voltage"].values[rows]
    )


def resample(trace: xr.Dataset, step: float) -> xr.Dataset:
    """Return a trace at uniform times, each sample the last value before it.

    That is exact for a simulated trace, whose current is constant between its events; a measured one should
    be sampled uniformly to begin with.

    Parameters
    ----------
    trace : xarray.Dataset
        ``time`` in order, not necessarily uniform.
    step : float
        Time between the new samples (s), above 0.
    """
    time = _time(trace)
    positive("step", step, "s")
    uniform = time[0] + step * np.arange(int((time[-1] - time[0]) / step * (1 + 1e-12)) + 1)
    last_before = np.searchsorted(time, uniform * (1 + 1e-15), side="right") - 1
    chosen = trace.isel(sample=np.maximum(last_before, 0))
    return chosen.assign_coords(time=("sample", uniform, {"units": "s"}))


def uniform(trace: xr.Dataset, variable: str = "current") -> tuple[float, Floats]:
    """Return the time between samples (s) and the values of a uniformly sampled trace.

    Raises
    ------
    ValueError
        Times are negative, out of order or not uniform within 1 %, or values are missing.
    """
    time, values = _time(trace), _finite(trace, variable)
    steps = np.diff(time)
    # The mean over the whole trace is the least disturbed by rounded times.
    step = float((time[-1] - time[0]) / (len(time) - 1))
    worst = float(np.abs(time - (time[0] + step * np.arange(len(time)))).max())
    if np.abs(steps - step).max() > max(JITTER * step, 1e-9 * time[-1]) or worst > 0.5 * step:
        raise ValueError(
            f"time must be uniform within {100 * JITTER:g} % of its step, got steps from "
            f"{steps.min():.4g} to {steps.max():.4g} s: use one piece between the gaps, or put a simulated "
            "trace on equal steps (resample, --step)"
        )
    return step, values


def _time(trace: xr.Dataset) -> Floats:
    if "time" not in trace.variables:
        raise ValueError(f"a trace must have time (s), got {', '.join(map(str, trace.variables))}")
    time = np.asarray(trace["time"].values, float)
    if len(time) < 16:
        raise ValueError(f"a trace must have at least 16 samples, got {len(time)}")
    if not np.all(np.isfinite(time)):
        raise ValueError(f"time must be finite, s: sample {int(np.argmin(np.isfinite(time)))} is not")
    if time.min() < 0:
        raise ValueError(f"time must be at least 0 s, got {time.min():g} s")
    descending = np.flatnonzero(np.diff(time) <= 0)
    if len(descending):
        equal = not np.diff(time)[descending].any()
        cure = "; stamps that are rounded: frenkel read with step in a mapping file" if equal else ""
        raise ValueError(f"time must ascend, s: sample {int(descending[0]) + 1} does not{cure}")
    return time


def _finite(trace: xr.Dataset, variable: str) -> Floats:
    if variable not in trace.variables:
        raise ValueError(f"the trace has no {variable}; it has {', '.join(map(str, trace.variables))}")
    values = np.asarray(trace[variable].values, float)
    missing = np.flatnonzero(~np.isfinite(values))
    if len(missing):
        raise ValueError(
            f"{variable} must be finite, {SI.get(variable, '1')}: {len(missing)} of {len(values)} samples "
            f"are missing, the first is sample {missing[0]}; use one piece between the gaps"
        )
    return values


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{file.name} must be text in UTF-8") from None


def _number(cell: str) -> float:
    """Return a number, NaN for an empty field: a gap, which the functions that need all values refuse."""
    return float(cell) if cell.strip() else np.nan


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _column(header: str, file: str) -> tuple[str, str, float]:
    """Return name, SI unit and factor of a header such as "time (ms)"."""
    name, unit = parted(header)
    name = NAMES.get(name.lower(), name.lower()).replace(" ", "_")
    if not unit:
        raise ValueError(f"column {header.strip()!r} of {file} must state its unit, such as '{name} (s)'")
    fitting = [kind for kind, (symbol, _) in OF_TRACES.items() if SI.get(name, symbol) == symbol]
    if unit not in fitting:
        raise ValueError(f"unit of {name} in {file} must be one of {', '.join(fitting)}, got {unit!r}")
    symbol, factor = OF_TRACES[unit]
    return name, symbol, factor
