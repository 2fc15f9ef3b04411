"""What a device test engineer reads off a run: switching voltages, resistances, window, compliance.

Voltages are read off the sampled curve, as those of a measured one; largest currents are those of all events.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...data.columns import ResultTable
from ...data.layout import RULE, TERMINAL
from ...typing import Floats
from .readout import DEVICE_READ, TERMINAL_READ, terminal_resistance
from .switching import HALF_RISE, LARGEST_CURRENT, REACHED, SWITCHED_ON, switching_voltage

if TYPE_CHECKING:  # the processes of an ensemble use the functions on arrays, and are spared the import
    import xarray as xr

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

PHASE_UNITS = {
    "switching_voltage": "V",
    "peak_current": "A",
    "compliance_error": "1",
    "temperature_max": "K",
    "events": "1",
    "field_solves": "1",
    "resistance": "ohm",
}
CYCLE_UNITS = {
    "hrs": "ohm",
    "lrs": "ohm",
    "on_off": "1",
    "reset_voltage": "V",
    "set_voltage": "V",
    "hrs" + TERMINAL: "ohm",
    "lrs" + TERMINAL: "ohm",
}
"""Numbers of a phase and of a cycle, with their units."""


def phase_summary(result: "xr.Dataset", rule: str = HALF_RISE) -> "xr.Dataset":
    """Summarise every phase of a run.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.
    rule : str
        One of :data:`.RULES`, for SET and forming.

    Returns
    -------
    xarray.Dataset
        Along ``phases``: ``switching_voltage`` (V, see :func:`.switching_voltage`; NaN where nothing
        switched; the attribute ``rule`` names its rules), ``peak_current`` (A, largest magnitude),
        ``resistance`` (ohm, at the read voltage after the phase; inf without current), ``compliance_error``
        (largest current over the limit, relative, in either direction while the device is limited; NaN
        without limit), ``temperature_max`` (K), ``events`` and ``field_solves`` (in the phase).
        ``peak_current`` has the attribute ``comment`` of that in the result, which says whether it is of all
        events.
    """
    attributes = {
        "switching_voltage": {RULE: f"{rule}; RESET: {LARGEST_CURRENT}"},
        "peak_current": {"comment": result["peak_current"].attrs.get("comment", "")},
    }
    data = {
        name: ("phases", values, {"units": PHASE_UNITS[name]} | attributes.get(name, {}))
        for name, values in phase_numbers(result, rule).items()
    }
    chosen = result[["phase_name", "phase_kind", "phase_cycle", "phase_attempt", "phase_compliance"]]
    return chosen.assign(data)


def phase_numbers(result: ResultTable, rule: str = HALF_RISE) -> dict[str, NDArray[Any]]:
    """Return the arrays of :func:`phase_summary`, (phases,) each."""
    phases = [_one_phase(result, index, rule) for index in range(result.sizes["phases"])]
    names = [name for name in PHASE_UNITS if name != "resistance"]
    numbers = {name: np.array([phase[name] for phase in phases]) for name in names}
    return numbers | {"resistance": resistance(result)}


def cycle_summary(result: "xr.Dataset", rule: str = HALF_RISE) -> "xr.Dataset":
    """Summarise every cycle that has both a RESET and a SET.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.
    rule : str
        One of :data:`.RULES`, for SET.

    Returns
    -------
    xarray.Dataset
        Along ``cycle``: ``hrs`` and ``lrs`` (ohm, of the device, after the last RESET and the last SET of the
        cycle), ``on_off`` (their ratio), ``hrs_terminal`` and ``lrs_terminal`` (ohm, source voltage over
        current, :func:`.terminal_resistance`; the attribute ``read`` says where each is read),
        ``reset_voltage`` and ``set_voltage`` (V; of the last attempt; the attribute ``rule`` names the rule).
    """
    import xarray as xr  # xarray, and most numbers of a result need none

    attributes = {"reset_voltage": {RULE: LARGEST_CURRENT}, "set_voltage": {RULE: rule}}
    for name in ("hrs", "lrs"):
        attributes |= {name: {"read": DEVICE_READ}, name + TERMINAL: {"read": TERMINAL_READ}}
    number, numbers = cycle_numbers(result, rule)
    data = {
        name: ("cycle", values, {"units": CYCLE_UNITS[name]} | attributes.get(name, {}))
        for name, values in numbers.items()
    }
    return xr.Dataset(data, {"cycle": number})


def cycle_numbers(result: ResultTable, rule: str = HALF_RISE) -> tuple[NDArray[np.int64], dict[str, Floats]]:
    """Return the numbers of the cycles and the arrays of :func:`cycle_summary`, (cycles,) each."""
    phases = phase_numbers(result, rule)
    kind, cycle = result["phase_kind"].values, result["phase_cycle"].values
    rows = []
    for number in sorted(set(cycle[cycle > 0].tolist())):
        last = {name: np.flatnonzero((cycle == number) & (kind == name)) for name in ("reset", "set")}
        if not all(len(phases) for phases in last.values()):
            continue
        last_reset, last_set = int(last["reset"][-1]), int(last["set"][-1])
        hrs, lrs = (float(phases["resistance"][i]) for i in (last_reset, last_set))
        voltages = [float(phases["switching_voltage"][i]) for i in (last_reset, last_set)]
        terminal = [_terminal(result, i) for i in (last_reset, last_set)]
        rows.append((number, hrs, lrs, hrs / lrs if np.isfinite(lrs) else np.nan, *voltages, *terminal))
    columns = np.array(rows, float).reshape(-1, 8).T
    return columns[0].astype(int), dict(zip(CYCLE_UNITS, columns[1:], strict=True))


def resistance(result: ResultTable) -> Floats:
    """Return the resistance (ohm) at the read voltage after each phase, inf without current."""
    current = np.asarray(result["read_current"].values, np.float64)
    ohms = np.full(len(current), np.inf)
    np.divide(float(result["read_voltage"]), current, out=ohms, where=current != 0)
    return ohms


def event_voltage(
    sample: Mapping[str, Floats], events: Mapping[str, Any], kind: str, compliance: float = np.nan
) -> float:
    """Return the source voltage (V) at which a ramp that is not sampled switches a device, by all its events.

    This is the rule of the jump-process model, which has no curve between its events; curves are read by
    :func:`.switching_voltage`.

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


def forming_voltage(result: ResultTable) -> float:
    """Return the source voltage (V) of the first forming that reached its limit, NaN if there is none."""
    voltages = phase_numbers(result)["switching_voltage"][result["phase_kind"].values == "form"]
    formed = voltages[np.isfinite(voltages)]
    return float(formed[0]) if len(formed) else np.nan


def _terminal(result: ResultTable, index: int) -> float:
    rows = result["phase"].values == index
    curve = result["source_voltage"].values[rows], result["current"].values[rows]
    return terminal_resistance(*curve, float(result["read_voltage"]))


def _one_phase(result: ResultTable, index: int, rule: str) -> dict[str, float]:
    rows = np.flatnonzero(result["phase"].values == index)
    kind = str(result["phase_kind"].values[index])
    compliance = float(result["phase_compliance"].values[index])
    curve = result["source_voltage"].values[rows], result["current"].values[rows]
    peak = abs(float(result["peak_current"].values[index]))
    before = rows[0] - 1 if len(rows) and rows[0] else None
    work = {}
    for name in ("events", "field_solves"):
        values = result[name].values
        work[name] = int(values[rows[-1]] - (values[before] if before is not None else 0)) if len(rows) else 0
    return {
        "switching_voltage": switching_voltage(*curve, kind, compliance, rule),
        "peak_current": peak,
        "compliance_error": max(0.0, peak / compliance - 1.0) if np.isfinite(compliance) else np.nan,
        "temperature_max": float(np.max(result["temperature_max"].values[rows], initial=0.0)),
        **work,
    }
