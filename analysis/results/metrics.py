"""What a device test engineer reads off a run: switching voltages, resistances, window, compliance.

Voltages and largest currents are those of all events: ``peak_current`` and what follows it in the layout.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import equally_many
from ...typing import Floats

if TYPE_CHECKING:  # the processes of an ensemble use the functions on arrays, and are spared the import
    import xarray as xr

REACHED = 0.95  # of the current limit: the device has switched
JUMP = 2.0  # least growth of the conductance from sample to sample that is a jump
STEP = 1.5  # least growth of the current at one event that is a jump (chosen: docs/design.md)
EVENTS = (
    "peak_current",
    "peak_source_voltage",
    "out_source_voltage",
    "out_time",
    "step_current",
    "step_from",
    "step_source_voltage",
    "step_time",
)
"""Variables of a result along its phases that :func:`event_voltage` reads."""

SWITCHED_ON = ("form", "set")


def phase_summary(result: "xr.Dataset") -> "xr.Dataset":
    """Summarise every phase of a run.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.

    Returns
    -------
    xarray.Dataset
        Along ``phases``: ``switching_voltage`` (V, see :func:`switching_voltage`; NaN where nothing
        switched), ``peak_current`` (A, largest magnitude), ``resistance`` (ohm, at the read voltage after the
        phase; inf without current), ``compliance_error`` (largest current over the limit, relative, in either
        direction while the device is limited; NaN without limit), ``temperature_max`` (K),
        ``events`` and ``field_solves`` (in the phase). The first two have the attribute ``comment`` of
        ``peak_current`` in the result, which says whether they are of all events.
    """
    phases = [_one_phase(result, index) for index in range(result.sizes["phases"])]
    comment = {"comment": result["peak_current"].attrs.get("comment", "")}
    names = {
        "switching_voltage": "V",
        "peak_current": "A",
        "compliance_error": "1",
        "temperature_max": "K",
        "events": "1",
        "field_solves": "1",
    }
    data = {
        name: ("phases", np.array([phase[name] for phase in phases]), {"units": unit})
        for name, unit in names.items()
    }
    for name in ("switching_voltage", "peak_current"):
        data[name][2].update(comment)
    data["resistance"] = ("phases", resistance(result), {"units": "ohm"})
    chosen = result[["phase_name", "phase_kind", "phase_cycle", "phase_attempt", "phase_compliance"]]
    return chosen.assign(data)


def cycle_summary(result: "xr.Dataset") -> "xr.Dataset":
    """Summarise every cycle that has both a RESET and a SET.

    Returns
    -------
    xarray.Dataset
        Along ``cycle``: ``hrs`` and ``lrs`` (ohm, after the last RESET and the last SET of the cycle),
        ``on_off`` (their ratio), ``reset_voltage`` and ``set_voltage`` (V; of the last attempt).
    """
    phases = phase_summary(result)
    kind, cycle = phases["phase_kind"].values, phases["phase_cycle"].values
    rows = []
    for number in sorted(set(cycle[cycle > 0].tolist())):
        last = {name: np.flatnonzero((cycle == number) & (kind == name)) for name in ("reset", "set")}
        if not all(len(found) for found in last.values()):
            continue
        off, on = int(last["reset"][-1]), int(last["set"][-1])
        hrs, lrs = (float(phases["resistance"][i]) for i in (off, on))
        voltages = [float(phases["switching_voltage"][i]) for i in (off, on)]
        rows.append((number, hrs, lrs, hrs / lrs if np.isfinite(lrs) else np.nan, *voltages))
    columns = np.array(rows, float).reshape(-1, 6).T
    comment = {"comment": phases["switching_voltage"].attrs["comment"]}
    units = {"hrs": "ohm", "lrs": "ohm", "on_off": "1", "reset_voltage": "V", "set_voltage": "V"}
    data = {
        name: ("cycle", column, {"units": units[name]} | (comment if name.endswith("voltage") else {}))
        for name, column in zip(units, columns[1:], strict=True)
    }
    import xarray as xr

    return xr.Dataset(data, {"cycle": columns[0].astype(int)})


def resistance(result: "xr.Dataset") -> Floats:
    """Return the resistance (ohm) at the read voltage after each phase, inf without current."""
    current = np.asarray(result["read_current"].values, np.float64)
    ohms = np.full(len(current), np.inf)
    np.divide(float(result["read_voltage"]), current, out=ohms, where=current != 0)
    return ohms


def event_voltage(
    sample: Mapping[str, Floats], events: Mapping[str, Any], kind: str, compliance: float = np.nan
) -> float:
    """Return the source voltage (V) at which a phase switches the device, by all its events.

    Forming and SET that reach their limit (95 % of it; NaN if the current never does): at the event that
    raises the current most, of those before the limit acts, if it raises it by half at least; otherwise where
    the current is largest first. Without a limit: at that event, NaN if it raises the current less, or after
    the source has turned back. RESET: where the magnitude of the current is largest before the source turns
    back, NaN if that is where it turns.

    Parameters
    ----------
    sample : mapping of str to (n,) float64
        ``time`` (s), ``source_voltage`` (V) and ``current`` (A) of the phase.
    events : mapping of str to float or pair of float
        Numbers of the phase under the names of :data:`EVENTS`, in SI; of steps up and down.
    kind : str
        "form", "set", "reset"; NaN is returned for others.
    compliance : float
        Current limit (A), NaN for none.
    """
    source = np.abs(sample["source_voltage"])
    peak = abs(events["peak_current"])
    if kind not in (*SWITCHED_ON, "reset") or peak < REACHED * compliance:
        return np.nan
    turn = sample["time"][np.flatnonzero(source == source.max())[-1]]
    if kind == "reset":
        return float(events["out_source_voltage"]) if events["out_time"] < turn else np.nan
    rise, before, voltage, time = (events[name][0] for name in EVENTS[4:])
    if rise >= (STEP - 1.0) * abs(before) and (np.isfinite(compliance) or time <= turn):
        return float(voltage)
    return float(events["peak_source_voltage"]) if np.isfinite(compliance) else np.nan


def switching_voltage(source: Floats, current: Floats, kind: str, compliance: float = np.nan) -> float:
    """Return the source voltage (V) at which a phase switches the device, by its samples; NaN if it does not.

    Forming and SET that reach their limit (95 % of it; NaN if the current never does): where the conductance
    rises most in one step, of the steps up to there that at least double it. Several levels of one device
    are then read at the jump, not at the limit, to which the current may creep over a volt more. Without such
    a jump: where the limit is reached. Without a limit: the largest jump, NaN if there is none. RESET: where
    the magnitude of the current is largest, if the current falls before the source turns back.

    Parameters
    ----------
    source, current : (n,) float64
        Source voltage (V) and current (A) of the phase, in time order.
    kind : str
        "form", "set", "reset"; NaN is returned for others.
    compliance : float
        Current limit (A), NaN for none.
    """
    equally_many(source=source, current=current)
    if kind not in (*SWITCHED_ON, "reset") or not len(source):
        return np.nan
    rising = slice(0, int(np.argmax(np.abs(source))) + 1)
    voltage, magnitude = source[rising], np.abs(current[rising])
    if kind == "reset":
        peak = int(np.argmax(magnitude))
        return float(voltage[peak]) if peak < len(magnitude) - 1 else np.nan
    if not np.isfinite(compliance):
        jump = largest_jump(voltage, magnitude)
        return np.nan if jump is None else float(voltage[jump])
    reached = np.flatnonzero(np.abs(current) >= REACHED * compliance)
    if not len(reached):
        return np.nan
    end = int(reached[0])
    jump = largest_jump(source[: end + 1], np.abs(current[: end + 1]))
    return float(source[end if jump is None else jump])


def largest_jump(voltage: Floats, magnitude: Floats) -> int | None:
    """Return the sample after the largest step of the conductance that at least doubles it, None for none.

    Parameters
    ----------
    voltage, magnitude : (n,) float64
        Voltage (V) and magnitude of the current (A).
    """
    used = np.flatnonzero((voltage != 0) & (magnitude > 0))
    if len(used) < 2:
        return None
    conductance = magnitude[used] / np.abs(voltage[used])
    jumps = conductance[1:] >= JUMP * conductance[:-1]
    # The largest in siemens: before a filament joins, a single atom may multiply a tiny current.
    largest = int(np.argmax(np.where(jumps, np.diff(conductance), -np.inf)))
    return int(used[largest + 1]) if jumps[largest] else None


def forming_voltage(result: "xr.Dataset") -> float:
    """Return the source voltage (V) of the first forming that reached its limit, NaN if there is none."""
    phases = phase_summary(result)
    voltages = phases["switching_voltage"].values[phases["phase_kind"].values == "form"]
    formed = voltages[np.isfinite(voltages)]
    return float(formed[0]) if len(formed) else np.nan


def _one_phase(result: "xr.Dataset", index: int) -> dict[str, float]:
    rows = np.flatnonzero(result["phase"].values == index)
    kind, compliance = str(result["phase_kind"].values[index]), float(result["phase_compliance"][index])
    sample = {name: result[name].values[rows] for name in ("time", "source_voltage", "current")}
    events = {name: result[name].values[index] for name in EVENTS}
    peak = abs(float(events["peak_current"]))
    before = rows[0] - 1 if len(rows) and rows[0] else None
    done = {}
    for name in ("events", "field_solves"):
        values = result[name].values
        done[name] = int(values[rows[-1]] - (values[before] if before is not None else 0)) if len(rows) else 0
    return {
        "switching_voltage": event_voltage(sample, events, kind, compliance) if len(rows) else np.nan,
        "peak_current": peak,
        "compliance_error": max(0.0, peak / compliance - 1.0) if np.isfinite(compliance) else np.nan,
        "temperature_max": float(np.max(result["temperature_max"].values[rows], initial=0.0)),
        **done,
    }
