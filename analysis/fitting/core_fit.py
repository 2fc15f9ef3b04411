"""Rate equation of a card from traces: least squares for every device, then what all devices share.

The equation is that of :mod:`frenkel.cells.core`. In units of g0 its state x = ln(resistance at the read
voltage), and between two samples the voltage is a straight line, so that the motion has a closed form::

    way = r_set (cosh(k V2) - cosh(k V1)) / (k b),  b = (V2 - V1)/(t2 - t1)
    x - x_min falls by the way while it is above the edge e, and below it as e exp(-way/e)

and likewise up. The current is that of the state, ``V sinh(V/V0)/(R sinh(Vr/V0)/Vr)`` over V; the residuals
are those of ln|I|, and of ln t where times to SET at constant voltages are known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.optimize import least_squares, minimize_scalar

from ...cells import _gap, gap_law
from ...cells.core import GapCore
from ...typing import Floats, Index
from ..statistics import regression
from .observations import ObservationError, entries

NAMES = ("hrs", "lrs", "set_rate", "reset_rate", "voltage_scale", "drive")
UNITS = ("ohm", "ohm", "1/s", "1/s", "V", "1/V")

SMALLEST = 0.02
"""Voltage (V) below which a current is left out: noise, and its logarithm, would rule the fit."""

SWITCHED = 0.5
"""Difference of ln(R) at one voltage that counts as a switch."""

SCALES = (0.02, 10.0)
"""Range of the current scale V0 (V); at its upper end the cell is ohmic, to 0.2 % at 1 V."""

DRIVES = (0.5, 200.0)
"""Range of the drive k (1/V)."""

LIMITED = 0.95
"""Fraction from which on a SET current is at the limit of its source; of the quantile of this share, since a
source overshoots."""

FEWEST = 20
"""Samples that a trace must have above that voltage."""

BENT = 0.25
"""Root mean square by which one sinh may miss ln(current) of states; beyond it they share no V0."""

FITTED = ("drive", "voltage_scale")
"""Numbers of a core that the protocol of an ensemble does not tell."""

PROTOCOL = ("set_ramp", "reset_ramp", "read_voltage")
"""Numbers of a core that it does."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A voltage and a current in time, of one device.

    Parameters
    ----------
    time, voltage, current : ndarray
        (s), (V) at the device, (A); a positive voltage sets.
    set_voltages, set_times : ndarray
        Constant voltages (V) and the times to SET (s) there; may be empty.
    """

    time: Floats
    voltage: Floats
    current: Floats
    set_voltages: Floats
    set_times: Floats


def trace(
    time: ArrayLike,
    voltage: ArrayLike,
    current: ArrayLike,
    set_voltages: ArrayLike = (),
    set_times: ArrayLike = (),
) -> Trace:
    """Return a trace after checks.

    Raises
    ------
    ObservationError
        The arrays do not fit each other, times do not ascend, or too few samples have a current.
    """
    t, v, i, volts, seconds = (
        np.asarray(x, float) for x in (time, voltage, current, set_voltages, set_times)
    )
    if t.ndim != 1 or t.shape != v.shape or t.shape != i.shape or np.any(np.diff(t) <= 0):
        raise ObservationError("time, voltage and current must be as many, and times must ascend, s")
    if not all(np.all(np.isfinite(x)) for x in (t, v, i, volts, seconds)):
        raise ObservationError("time, voltage and current must be finite, in s, V and A")
    usable = (np.abs(v) > SMALLEST) & (v * i > 0)
    if usable.sum() < FEWEST:
        raise ObservationError(
            f"a trace needs at least {FEWEST} samples above {SMALLEST:g} V with a current of the sign of the "
            f"voltage, got {int(usable.sum())}"
        )
    if volts.shape != seconds.shape or np.any(volts <= 0) or np.any(seconds <= 0):
        raise ObservationError("times to SET must be above 0 s, each with a voltage above 0 V")
    return Trace(t, v, i, volts, seconds)


def simulate(
    parameters: Floats, time: Floats, voltage: Floats, core: GapCore, begins_low: bool = False
) -> Floats:
    """Return ln(R) of some devices along a voltage, exactly for straight lines between its samples.

    Parameters
    ----------
    parameters : ndarray
        (devices, 6): logarithms of :data:`NAMES` in SI units.
    time, voltage : ndarray
        (s), (V), (samples,).
    core : GapCore
        Its edge, gap scale and read voltage count.
    begins_low : bool
        Whether the devices are in LRS at the first sample, and not in HRS.

    Returns
    -------
    ndarray
        (devices, samples).
    """
    high, low, ln_set_speed, ln_reset_speed, _, k = parameters.T
    k, edge = np.exp(k), core.edge / core.gap_scale
    x = (low if begins_low else high).copy()
    states = np.empty((len(parameters), len(time)))
    states[:, 0] = x
    for n in range(1, len(time)):
        before, after, step = voltage[n - 1], voltage[n], time[n] - time[n - 1]
        if before * after < 0:
            # Through 0 V: the motion turns there.
            middle = step * before / (before - after)
            x = _moved(x, before, 0.0, middle, (high, low, ln_set_speed, ln_reset_speed), k, edge)
            x = _moved(x, 0.0, after, step - middle, (high, low, ln_set_speed, ln_reset_speed), k, edge)
        else:
            x = _moved(x, before, after, step, (high, low, ln_set_speed, ln_reset_speed), k, edge)
        states[:, n] = x
    return states


def _moved(
    x: Floats, before: float, after: float, step: float, levels: tuple[Floats, ...], k: Floats, edge: float
) -> Floats:
    """Return the state after a straight line of voltage that does not change its sign."""
    high, low, ln_set_speed, ln_reset_speed = levels
    closing = before + after > 0
    # The mean of sinh over the line is that in its middle times sinh(d)/d.
    d = 0.5 * k * (after - before)
    with np.errstate(over="ignore"):
        spread = np.where(np.abs(d) > 1e-4, np.sinh(d) / np.where(d == 0, 1.0, d), 1.0 + d * d / 6.0)
        mean = np.sinh(0.5 * k * (before + after)) * spread
        way = np.exp(ln_set_speed if closing else ln_reset_speed) * np.abs(mean) * step
    distance = x - low if closing else high - x
    moved = edge * _gap.move(distance / edge, way / edge)
    return np.asarray(low + moved if closing else high - moved)


def currents(parameters: Floats, state: Floats, voltage: Floats, core: GapCore) -> Floats:
    """Return ln|I| of devices (devices, samples), with I in A."""
    scale = np.exp(parameters[:, 4])[:, None]
    unit = np.log(gap_law.per_volt(core.read_voltage, scale))
    log_current: Floats = gap_law.ln_sinh(np.abs(voltage) / scale) - state - unit
    return log_current


def fit_device(data: Trace, core: GapCore | None = None) -> dict[str, float]:
    """Fit the rate equation to the traces of one device.

    Parameters
    ----------
    data : Trace
        From :func:`trace`.
    core : GapCore, optional
        Of which read voltage, gap scale and edge are kept, and scale and drive are the start of the search.

    Returns
    -------
    dict
        :data:`NAMES` in :data:`UNITS` (rates of x = gap/g0 as ``rate = r sinh(k V)``), ``residual``, the root
        mean square of ln|I|, and ``samples``.

    Raises
    ------
    ObservationError
        The voltage does not take both signs, or the device does not switch.
    """
    base = core or GapCore()
    start = _start(data, base)
    usable = (np.abs(data.voltage) > SMALLEST) & (data.voltage * data.current > 0)
    measured = np.log(np.abs(data.current[usable]))

    begins_low = _begins_low(data, base, start)

    def rows(p: Floats) -> Floats:
        state = simulate(p, data.time, data.voltage, base, begins_low)[:, usable]
        residuals = currents(p, state, data.voltage[usable], base) - measured
        if data.set_times.size:
            residuals = np.concatenate(
                [residuals, _set_times(p, data.set_voltages) - np.log(data.set_times)], axis=1
            )
        return residuals

    def jacobian(p: Floats) -> Floats:
        # All differences in one pass: the loop over samples is what costs.
        step = 1e-5 * np.eye(p.size)
        shifted = rows(np.concatenate([p + step, p - step]))
        slopes: Floats = (shifted[: p.size] - shifted[p.size :]).T / 2e-5
        return slopes

    low, high = np.full(6, -np.inf), np.full(6, np.inf)
    low[4:], high[4:] = np.log([SCALES[0], DRIVES[0]]), np.log([SCALES[1], DRIVES[1]])
    solved = least_squares(
        lambda p: rows(p[None])[0],
        np.clip(start, low, high),
        jacobian,
        bounds=(low, high),
        loss="soft_l1",
        x_scale="jac",
        max_nfev=60,
    )
    residual = rows(solved.x[None])[0][: measured.size]
    with np.errstate(over="ignore"):  # a rate that a loop does not tell
        numbers = {name: float(np.exp(value)) for name, value in zip(NAMES, solved.x, strict=True)}
    return numbers | {"residual": float(np.sqrt(np.mean(residual**2))), "samples": float(measured.size)}


def _begins_low(data: Trace, core: GapCore, start: Floats) -> bool:
    """Return whether the first sample with a current is nearer to LRS than to HRS."""
    first = int(np.argmax((np.abs(data.voltage) > SMALLEST) & (data.voltage * data.current > 0)))
    zero = np.zeros((1, 1))
    x = float(currents(start[None], zero, data.voltage[first : first + 1], core)[0, 0])
    return x - float(np.log(abs(data.current[first]))) < 0.5 * float(start[0] + start[1])


def _set_times(p: Floats, voltages: Floats) -> Floats:
    """Return ln of the time to half of the way at constant voltages, (devices, voltages)."""
    k = np.exp(p[:, 5:6])
    log_half_width = np.log(np.maximum(p[:, :1] - p[:, 1:2], 1e-9) / 2.0)
    log_time: Floats = log_half_width - p[:, 2:3] - gap_law.ln_sinh(k * voltages)
    return log_time


def _start(data: Trace, core: GapCore) -> Floats:
    """Return where the search begins: from the resistances, and the voltages where they change."""
    v, i = data.voltage, data.current
    if not (v.max() > 0 > v.min()):
        raise ObservationError("a trace must hold voltages of both signs: a SET and a RESET")
    usable = (np.abs(v) > SMALLEST) & (v * i > 0)
    scale = np.log(core.voltage_scale)
    p = np.array([[0.0, 0.0, 0.0, 0.0, scale, np.log(core.drive)]])
    # The state that belongs to each current.
    x = currents(p, np.zeros((1, int(usable.sum()))), v[usable], core)[0] - np.log(np.abs(i[usable]))
    high, low = np.quantile(x, [0.95, 0.05])
    order = np.argsort(v[usable])
    neighbours = np.abs(np.diff(np.log(i[usable] / v[usable])[order]))
    if not max(neighbours) > SWITCHED:
        raise ObservationError(
            f"the device does not switch in its trace: at one voltage its resistance changes by less than "
            f"{np.exp(SWITCHED):.2g}"
        )
    middle, t, volts = 0.5 * (high + low), data.time[usable], v[usable]
    rates = []
    for sign in (1, -1):
        rows = np.flatnonzero(sign * volts > 0)
        past = rows[(sign * (middle - x[rows])) > 0]
        voltage = abs(volts[past[0]] if past.size else volts[rows][np.argmax(np.abs(volts[rows]))])
        ramp = max(float(np.abs(np.gradient(volts, t))[rows].max()), 1e-30)
        rates.append(
            np.log(core.drive * ramp * (high - low) / 2.0)
            - float(gap_law.ln_sinh(np.array(core.drive * voltage)))
        )
    return np.array([high, low, *rates, scale, np.log(core.drive)])


def fit_devices(traces: Sequence[Trace], core: GapCore | None = None) -> xr.Dataset:
    """Fit every device for itself.

    Returns
    -------
    xarray.Dataset
        Along ``device``: :data:`NAMES`, ``residual`` and ``samples``; NaN where a device does not switch.
    """
    rows: list[dict[str, float]] = []
    for data in traces:
        try:
            rows.append(fit_device(data, core))
        except ObservationError:
            rows.append({name: np.nan for name in (*NAMES, "residual", "samples")})
    units = dict(zip(NAMES, UNITS, strict=True)) | {"residual": "1", "samples": "1"}
    return xr.Dataset(
        {name: ("device", [row[name] for row in rows], {"units": unit}) for name, unit in units.items()}
    )


def shared(found: xr.Dataset, core: GapCore) -> tuple[GapCore, dict[str, tuple[float, float]]]:
    """Return the core with the median voltage scale and drive of the devices, and their 95 % intervals.

    Parameters
    ----------
    found : xarray.Dataset
        From :func:`fit_devices`.
    core : GapCore
        The rest of it is kept.

    Raises
    ------
    ObservationError
        Fewer than three devices were fitted.
    """
    fits = np.stack([found["voltage_scale"].values, found["drive"].values], axis=1)
    fits = fits[np.isfinite(fits).all(axis=1)]
    if len(fits) < 3:
        raise ObservationError(f"the core needs at least 3 fitted devices, got {len(fits)}")
    middle = np.median(fits, axis=0)
    draws = regression.bootstrap(lambda rows: np.median(fits[rows], axis=0), len(fits), 200, 0)
    bounds = regression.bootstrap_interval(middle, draws, len(fits), positive=True)
    names = ("voltage_scale", "drive")
    fitted = replace(core, **{name: float(value) for name, value in zip(names, middle, strict=True)})
    intervals = {
        f"core {name}": (float(low), float(high)) for name, (low, high) in zip(names, bounds, strict=True)
    }
    return fitted, intervals


def of_states(data: xr.Dataset, members: Index) -> dict[str, float]:
    """Return what states that were read at many voltages tell of a core.

    Parameters
    ----------
    data : xarray.Dataset
        An ensemble with a table ``measure``.
    members : ndarray of int
        Places along ``member`` of the devices to take.

    Returns
    -------
    dict
        ``voltage_scale`` V0 (V), within :data:`SCALES`, by least squares of ln(I/V) of all end states beyond
        :data:`SMALLEST`, unless that misses them by more than :data:`BENT`; ``drive`` k (1/V), the slope of
        the mean ln(rate of leaving) of HRS from half the median V_SET up to it, at the lowest temperature.
        What the states do not tell is not in it.
    """
    volts, kind = data["bias"].values, data["state_kind"].values
    entries_of_members = entries(data, "state", members)
    end_states, read_voltage = entries_of_members[kind[entries_of_members] >= 0], float(data["read_voltage"])
    numbers: dict[str, float] = {}
    usable = np.abs(volts) >= SMALLEST
    if np.any(data["state_current"].values[end_states][:, usable] != 0.0):
        ratio = data["state_current"].values[end_states][:, usable] / volts[usable]
        conducts = np.all(ratio > 0.0, axis=1)
        bent = np.log(ratio[conducts]) - data["state_level"].values[end_states[conducts], None]

        def missed(scale: float) -> float:
            law, at_read = (gap_law.per_volt(v, scale) for v in (volts[usable], read_voltage))
            return float(np.mean((bent - np.log(law / at_read)) ** 2))

        best = minimize_scalar(
            lambda log: missed(float(np.exp(log))), bounds=tuple(np.log(SCALES)), method="bounded"
        )
        if best.fun <= BENT**2:
            numbers["voltage_scale"] = float(np.exp(best.x))
    sets = data["set_voltage"].values[members] if "set_voltage" in data else np.array([np.nan])
    high = entries_of_members[kind[entries_of_members] == 0]
    if len(high) and np.isfinite(sets).any():
        middle = float(np.nanmedian(sets))
        in_upper_half = (volts >= 0.5 * middle) & (volts <= middle)
        rates = data["state_rate"].values[high][:, int(np.argmin(data["heat"].values))][:, in_upper_half]
        rates = rates[np.all(rates > 0.0, axis=1)]
        if in_upper_half.sum() > 1 and len(rates):
            numbers["drive"] = float(np.polyfit(volts[in_upper_half], np.log(rates).mean(axis=0), 1)[0])
    return {name: value for name, value in numbers.items() if value > 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The core of a card, and what its numbers come from.

    Parameters
    ----------
    numbers : dict
        Those of :class:`.GapCore`, SI; empty: the card has none.
    record : dict
        For the provenance: from what each of :data:`FITTED` comes ("traces", "states" or "given"), or
        ``lacks``, what nothing tells.
    intervals : dict
        Of numbers that were fitted to traces.
    devices : xarray.Dataset or None
        Of each device whose traces were fitted its core.
    """

    numbers: dict[str, float]
    record: dict[str, Any]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    devices: xr.Dataset | None = None


def of_numbers(given: Mapping[str, float], told: Mapping[str, float]) -> Core:
    """Return the core of what a protocol and a caller say, and of what states tell where they say nothing.

    There is none where a number is said by nobody: no constant that data did not choose goes into a card.
    """
    numbers = {**told, **given}
    missing_numbers = [name for name in (*PROTOCOL, *FITTED) if name not in numbers]
    if missing_numbers:
        return Core(numbers={}, record={"lacks": missing_numbers})
    record = {name: "given" if name in given else "states" for name in FITTED}
    return Core(numbers=_core(numbers).to_dict(), record=record)


def of_loops(data: xr.Dataset, most: int) -> tuple[list[xr.Dataset], dict[str, float]]:
    """Return curves of measured loops, and the protocol that they tell; a positive voltage sets.

    Samples at the current limit are left out, since what the source holds back is not known.

    Parameters
    ----------
    data : xarray.Dataset
        In the layout of measurements.
    most : int
        Loops, evenly from all of them.

    Returns
    -------
    list of xarray.Dataset
        ``time`` (s), ``device_voltage`` (V), ``current`` (A; 0: left out) of each loop with times that ascend
        and voltages of both signs.
    dict
        ``read_voltage``, ``set_ramp`` and ``reset_ramp``: medians of the loops; those that are known.

    Raises
    ------
    ObservationError
        Times of more than half of the loops do not ascend.
    """
    numbers = {"read_voltage": float(data["read_voltage"])} if "read_voltage" in data else {}
    if "loop_time" not in data:
        return [], numbers
    ends = np.cumsum(data["loop_size"].values)
    chosen = np.unique(np.linspace(0, len(ends) - 1, min(most, len(ends))).astype(int))
    sets = data["set_voltage"].values if "set_voltage" in data else np.empty(0)
    sign = -1.0 if np.sum(sets < 0) > np.sum(sets > 0) else 1.0
    curves, ramps, unordered = [], [], 0
    for begin, end in zip((ends - data["loop_size"].values)[chosen], ends[chosen], strict=True):
        time, volts, current = (
            data[f"loop_{key}"].values[begin:end] for key in ("time", "voltage", "current")
        )
        # The first samples may still have the clock of the loop before.
        late = np.flatnonzero(~(np.diff(time) > 0))
        first = int(late[-1]) + 1 if len(late) else 0
        time, volts, current = time[first:], sign * volts[first:], sign * current[first:]
        if 20 * first > end - begin:
            unordered += 1
            continue
        if not (len(time) > FEWEST and volts.max() > 0 > volts.min()):
            continue
        limit = LIMITED * float(np.nanquantile(current[volts > 0], LIMITED))
        current = np.where(np.isfinite(current) & (current < limit), current, 0.0)
        ramp = np.abs(np.diff(volts) / np.diff(time))
        ramps.append([np.median(ramp[side[1:]]) for side in (volts > 0, volts < 0)])
        variables = {"time": time - time[0], "device_voltage": volts, "current": current}
        curves.append(xr.Dataset({name: ("sample", values) for name, values in variables.items()}))
    if 2 * unordered > len(chosen):
        raise ObservationError(
            f"times do not ascend in {unordered} of {len(chosen)} loops: are they mixed up? Without a column "
            "of times the cycles are fitted, and no core"
        )
    if ramps:
        numbers |= dict(zip(("set_ramp", "reset_ramp"), np.median(ramps, axis=0).tolist(), strict=True))
    return curves, numbers


def of_traces(
    cycles: Sequence[xr.Dataset], known: Mapping[str, float], given: Mapping[str, float] | None = None
) -> Core:
    """Return the core with V0 and drive fitted to traces, their intervals, and the core of each device.

    Parameters
    ----------
    cycles : sequence of xarray.Dataset
        ``time``, ``device_voltage`` and ``current`` of each.
    known : mapping
        The protocol, and where the search begins.
    given : mapping, optional
        Of :data:`FITTED` what a caller says, which replaces what is fitted.

    Raises
    ------
    ValueError
        The ramps or the read voltage are not known.
    """
    if not set(PROTOCOL) <= set(known):
        raise ValueError("a core needs the ramps of the ensemble: set_ramp, reset_ramp and read_voltage")
    traces = []
    for cycle in cycles:
        # Two samples at one time are the two ends of a jump: the later one stands.
        last = np.append(np.diff(cycle["time"].values) > 0, True)
        values = (cycle[name].values[last] for name in ("time", "device_voltage", "current"))
        traces.append(trace(*values))
    start = _core(known)
    devices = fit_devices(traces, start)
    fitted, intervals = shared(devices, start)
    record = dict.fromkeys(FITTED, "traces")
    if own := {name: value for name, value in (given or {}).items() if name in FITTED}:
        fitted = _core({**fitted.to_dict(), **own})
        record |= dict.fromkeys(own, "given")
        intervals = {name: pair for name, pair in intervals.items() if name.removeprefix("core ") not in own}
    return Core(numbers=fitted.to_dict(), record=record, intervals=intervals, devices=devices)


def _core(known: Mapping[str, float]) -> GapCore:
    """Return a core whose gaps at the read voltage do not depend on the scale of its current."""
    core = GapCore(**{name: value for name, value in known.items() if name != "voltage_scale"})
    scale = known.get("voltage_scale", core.voltage_scale)
    bent = replace(core, voltage_scale=scale)
    ratio = float(core.conductance(0.0) / bent.conductance(0.0))
    return replace(bent, current_prefactor=core.current_prefactor * ratio)
