"""Reads and traces of a laboratory, ragged as they are, as the tables that layers of noise are fitted to."""

import numpy as np
import xarray as xr

from ...data.measured import series
from ...typing import Floats, Index
from .observations import ObservationError

APART = 0.25
"""Reads belong to one time where none lies further than this in ln t from the next one."""

SHARE = 0.5
"""Least fraction of the devices that were read at a time that counts."""


def relaxation(data: xr.Dataset) -> xr.Dataset:
    """Return conductances over (device, time) of devices that were read at all common times.

    The first read of a device is its start, and its later ones count from there. Reads at about the same time
    are one time, their geometric mean.

    Parameters
    ----------
    data : xarray.Dataset
        In the layout of measurements, with reads.

    Returns
    -------
    xarray.Dataset
        As `noise_fit.fit_relaxation` takes it; ``state`` only where the reads have names of states. The
        attribute ``left_out`` is the number of devices that lack a read.

    Raises
    ------
    ObservationError
        There are no three common times, or no device was read at all of them.
    """
    rows, states, kelvin = [], [], []
    for _, state, temperature, time, g in series.each_rest(data, "the file"):
        finite = np.isfinite(g)
        if finite.sum() >= 2:
            rows.append((time[finite] - time[finite][0], g[finite]))
            states.append(state)
            kelvin.append(temperature)
    later_times = [time[time > 0] for time, _ in rows]
    edges = _edges(np.concatenate(later_times) if later_times else np.empty(0), len(rows))
    if len(edges) < 3:
        raise ObservationError(
            "relaxation needs reads at 3 times after the first that half of the devices share, got "
            f"{len(edges)}: measure more times; of bakes frenkel plot retention gives failures"
        )
    table = np.full((len(rows), 1 + len(edges)), np.nan)
    for i, (time, g) in enumerate(rows):
        table[i, 0] = g[0]
        for k, (low, high) in enumerate(edges):
            in_interval: Index = np.flatnonzero((time >= low) & (time <= high))
            if len(in_interval):
                table[i, 1 + k] = g[in_interval[0]]
    is_complete = np.isfinite(table).all(axis=1)
    if not is_complete.any():
        raise ObservationError(f"no device of the file was read at all {len(edges)} common times")
    late_values = np.concatenate(later_times)
    logs = [np.log(late_values[(late_values >= low) & (late_values <= high)]) for low, high in edges]
    variables = {
        "conductance": (("device", "time"), table[is_complete, 1:], {"units": "S"}),
        "start": ("device", table[is_complete, 0], {"units": "S"}),
    }
    named = np.array(states)[is_complete]
    if set(named.tolist()) != {"all"}:
        variables["state"] = ("device", named, {})
    time = np.exp([column.mean() for column in logs])
    attrs: dict[str, float] = {"left_out": int(np.sum(~is_complete))}
    heat = np.array(kelvin)[is_complete]
    if np.isfinite(heat).all():
        if np.ptp(heat) > 1.0:
            raise ObservationError(
                f"the file has reads at {heat.min():g} to {heat.max():g} K; a layer of relaxation is of one "
                "temperature; frenkel plot retention FILE gives the activation energy of bakes"
            )
        attrs["temperature"] = float(heat.mean())
    return xr.Dataset(variables, {"time": ("time", time, {"units": "s"})}, attrs)


def programmed(data: xr.Dataset) -> xr.Dataset:
    """Return the first resistance (ohm) of each device that was read, as ``programmed`` of one cycle."""
    first: dict[int, float] = {}
    for place, _, _, _, g in series.each_rest(data, "the file"):
        above = g[np.isfinite(g) & (g > 0)]
        if len(above):
            first.setdefault(place, 1.0 / float(above[0]))
    places = sorted(first)
    ohms = np.array([[first[place]] for place in places])
    return xr.Dataset(
        {"programmed": (("device", "cycle"), ohms, {"units": "ohm"})},
        {"device": data["device"].values[places], "cycle": [1]},
    )


def traces(data: xr.Dataset) -> xr.Dataset:
    """Return currents over (device, sample) of traces that were sampled alike, as long as the shortest.

    Raises
    ------
    ObservationError
        There are none, or their steps differ.
    """
    recorded = [(time, current) for _, time, current in series.traces(data, "the file")]
    steps = [float(np.median(np.diff(time))) for time, _ in recorded]
    if max(steps) > 1.001 * min(steps):
        raise ObservationError(
            f"the traces of the file must be sampled alike, got steps of {min(steps):g} to {max(steps):g} s"
        )
    shortest = min(len(time) for time, _ in recorded)
    states = [str(name) for name in data["trace_state"].values]
    rows = np.array([current[:shortest] for _, current in recorded])
    table = {"current": (("device", "sample"), rows, {"units": "A"}), "state": ("device", states)}
    time = recorded[0][0][:shortest]
    dataset = xr.Dataset(table, {"time": ("sample", time - time[0], {"units": "s"})})
    return dataset if set(states) != {"all"} else dataset.drop_vars("state")


def _edges(times: Floats, devices: int) -> list[tuple[float, float]]:
    """Return first and last of each group of times (s) that enough devices share."""
    if not times.size:
        return []
    order = np.sort(times)
    parts = np.split(order, np.flatnonzero(np.diff(np.log(order)) > APART) + 1)
    return [(float(part[0]), float(part[-1])) for part in parts if len(part) >= SHARE * devices]
