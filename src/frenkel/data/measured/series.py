"""What is taken out of measurements: reads in time, cycles, trains of pulses and traces, device by device."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ...typing import Floats

if TYPE_CHECKING:
    import xarray as xr


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
        A device has failed when its conductance has reached this fraction of its start; above 1, by rising.

    Returns
    -------
    kelvin, low, high : (n,) float64
        ``low`` 0: it failed before the second read; ``high`` inf: it had not failed at the last.
    """
    rows = []
    for _, _, kelvin, read, g in each_rest(data, origin):
        finite = np.isfinite(g)
        read, g = read[finite] - read[finite][:1], g[finite]
        if len(g) < 2 or not g[0] > 0:
            continue
        failed_reads = np.flatnonzero(g <= share * g[0] if share < 1 else g >= share * g[0])
        last = int(failed_reads[0]) if len(failed_reads) else len(g)
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


def traces(data: "xr.Dataset", origin: str) -> list[tuple[str, Floats, Floats]]:
    """Return the name of the device, times (s) and currents (A) of each trace."""
    if "trace" not in data.dims:
        raise ValueError(f"{origin} holds no trace in time")
    ends = np.cumsum(data["trace_size"].values)
    found = []
    for k, (a, b) in enumerate(zip(ends - data["trace_size"].values, ends, strict=True)):
        name = str(data["device"].values[int(data["trace_device"].values[k])])
        found.append((name, data["trace_time"].values[a:b], data["trace_current"].values[a:b]))
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
    same_key = np.ones(len(order) - 1, bool)
    for key in keys:
        same_key &= (key[1:] == key[:-1]) | ((key[1:] != key[1:]) & (key[:-1] != key[:-1]))  # NaN is NaN
    for rows in np.split(np.arange(len(order)), np.flatnonzero(~same_key) + 1):
        first, place = rows[0], order[rows]
        yield (int(keys[0][first]), str(keys[1][first]), float(keys[2][first]),
               columns["time"][place], columns["conductance"][place])  # fmt: skip
