"""Switching times and structure, one function per row, and the list of all rows.

Each takes a `Laboratory` and a number of devices, has its tasks done, and returns a `Row`.
"""

import math

import estimates
import numpy as np
from cycle_rows import CYCLE_ROWS
from eth import largest_difference
from forming_rows import FORMING_ROWS
from row import Row, lost, notes, within


def set_time_table(lab, n, repeats=3):
    """Return voltages (V), log10 of the median SET time (s) per device and voltage, and the results.

    Without a resistor in series: the times that they are compared with have none.
    """
    voltages = list(lab.protocol.pulse_voltages)
    calls = [{"seed": seed, "voltages": voltages, "repeats": repeats} for seed in lab.seeds(n)]
    results = lab.many("set_times", calls, series_resistance=0.0)
    table = np.full((n, len(voltages)), np.nan)
    for row, result in zip(table, results, strict=True):
        for k, voltage in enumerate(voltages):
            runs = [run["middle"] for run in result.get("runs", []) if run["voltage"] == voltage]
            # A run that did not switch is longer than the others: it may pull the median to "none".
            times = [math.inf if time is None else time for time in runs]
            middle = float(np.median(times)) if times else math.nan
            row[k] = math.log10(middle) if 0 < middle < math.inf else math.nan
    return np.array(voltages), table, results


def v07(lab, n=5):
    """SET time against voltage."""
    voltages, table, results = set_time_table(lab, n)
    slope, error, _, _ = estimates.line(voltages, table, np.nanmedian)
    middle = np.nanmedian(table, axis=0)
    local = -np.diff(middle) / np.diff(voltages)
    missing = int(np.isnan(table).sum())
    return Row(
        id="V-07",
        quantity="SET time per volt, 0.5 to 0.9 V",
        published="8 to 20 (each interval)",
        source="JART VCM v1b, integrated: 17.4 to 12.6",
        confidence="derived from public code",
        ours=-slope,
        error=error,
        unit="decades/V",
        verdict=bool(np.isfinite(local).all() and (local >= 8).all() and (local <= 20).all()),
        n=f"{n} devices x {len(voltages)} voltages x 3 runs",
        note=notes(
            "local "
            + ", ".join(f"{step:.1f}" for step in local)
            + "; log10 t "
            + ", ".join(f"{value:.1f}" for value in middle),
            f"{missing} of {table.size} device medians never switched" if missing else "",
            lost(results),
        ),
    )


def v07_bend(lab, n=5):
    """How the slope of the SET time changes with voltage."""
    voltages, table, results = set_time_table(lab, n)
    half = len(voltages) // 2 + 1
    low, low_error, _, _ = estimates.line(voltages[:half], table[:, :half], np.nanmedian)
    high, high_error, _, _ = estimates.line(voltages[-half:], table[:, -half:], np.nanmedian)
    change, error = abs(high) - abs(low), math.hypot(low_error, high_error)
    return Row(
        id="V-07b",
        quantity="slope at high minus slope at low voltage",
        published="< 0",
        source="JART VCM v1b: about -4",
        confidence="derived from public code",
        ours=change,
        error=error,
        unit="decades/V",
        verdict=bool(change < 0),
        n=f"{n} devices x {len(voltages)} voltages x 3 runs",
        note=notes("" if abs(change) > 2 * error else "within two errors of 0", lost(results)),
    )


def delay_states(lab, n, repeats=3):
    """Return resistance (ohm), delay and transition (s, medians) of each state, per device.

    Without a resistor in series, as pulses of a generator are: its drop would slow the transition alone.
    """
    p = lab.protocol
    resets = [round(factor * p.reset_voltage, 3) for factor in p.reset_factors]
    calls = [
        {"seed": seed, "resets": resets, "voltage": p.delay_voltage, "repeats": repeats}
        for seed in lab.seeds(n)
    ]
    results, devices = lab.many("delays", calls, series_resistance=0.0), []
    for result in results:
        states = []
        for state in result.get("states", []):
            runs = [run for run in state["runs"] if run["ninety"] is not None]
            # A gap that still leaks 10 % of the last current has no delay.
            if state["high"] < 10 * state["low"] or not runs:
                continue
            delay = float(np.median([run["tenth"] for run in runs]))
            transition = float(np.median([run["ninety"] - run["tenth"] for run in runs]))
            states.append((state["high"], delay, transition))
        devices.append(np.array(states).reshape(-1, 3))
    return devices, results


def v08_delay(lab, n=4):
    """Range of the delay over the states that different RESETs leave."""
    devices, results = delay_states(lab, n)
    ranges = [np.log10(d[:, 1].max() / d[:, 1].min()) for d in devices if len(d) > 1 and d[:, 1].min() > 0]
    value, error = estimates.median(ranges)
    states = np.concatenate(devices) if devices else np.zeros((0, 3))
    resistance = (
        f"{states[:, 0].min() / 1e3:.0f} to {states[:, 0].max() / 1e3:.0f} kohm" if len(states) else ""
    )
    return Row(
        id="V-08d",
        quantity=f"decades of delay over the HRS range, at {lab.protocol.delay_voltage:g} V",
        published="> 1",
        source="Cueppers et al. 2019, 10.1063/1.5108654",
        confidence="seen (abstract)",
        ours=value,
        error=error,
        unit="decades",
        verdict=bool(value > 1),
        n=f"{n} devices x {len(lab.protocol.reset_factors)} RESETs x 3 runs",
        note=notes(f"states of {resistance}", lost(results)),
    )


def v08_transition(lab, n=4):
    """Spread of the transition time over the same states."""
    devices, results = delay_states(lab, n)
    spreads, ratios, single = [], [], 0
    for states in devices:
        several = states[states[:, 2] > 0]
        single += len(states) - len(several)
        if len(several) > 1:
            spreads.append(np.log10(several[:, 2]).std())
        ratios += list(several[:, 2] / several[:, 1])
    value, error = estimates.median(spreads)
    ratio = f"transition over delay {np.median(ratios):.1g} (1e-3 to 2e-5 in JART)" if ratios else ""
    return Row(
        id="V-08t",
        quantity="spread of the transition time over the HRS range",
        published="< 0.3",
        source="Cueppers et al. 2019, 10.1063/1.5108654",
        confidence="seen (abstract)",
        ours=value,
        error=error,
        unit="decades",
        verdict=bool(value < 0.3),
        n=f"{n} devices x {len(lab.protocol.reset_factors)} RESETs x 3 runs",
        note=notes(
            ratio, f"{single} states go from 10 to 90 % in one event" if single else "", lost(results)
        ),
    )


def v12(lab, n=6):
    """Largest step of the conductance in a train of pulses below the SET voltage."""
    fraction = lab.protocol.train_fraction
    results = lab.many("train", [{"seed": seed, "fraction": fraction} for seed in lab.seeds(n)])
    steps, backs, pulses = [], [], []
    for result in results:
        conductance = np.array(result.get("conductance", []))
        if len(conductance) < 2 or np.ptp(conductance) == 0:
            continue
        change = np.diff(conductance) / np.ptp(conductance)
        steps.append(change.max())
        backs.append(max(0.0, -change.min()))
        pulses.append(len(change))
    value, error = estimates.median(steps)
    back, _ = estimates.median(backs)
    return Row(
        id="V-12",
        quantity=f"largest step of G in a train at {fraction:g} V_SET, over the range",
        published="<= 0.3, monotone",
        source="gradual SET in HfO2 by sub-threshold pulses",
        confidence="seen (abstract)",
        ours=value,
        error=error,
        verdict=bool(value <= 0.3 and back <= 0.05),
        n=f"{len(steps)} of {n} devices",
        note=notes(
            f"median of {np.median(pulses):.0f} pulses; largest step back {back:.2f}" if pulses else "",
            lost(results),
        ),
    )


def v15(lab, n=4):
    """Decay of the current with the length of a gap cut into a frozen filament."""
    results = [r for r in lab.many("frozen", [{"seed": s} for s in lab.seeds(n)]) if "resistance" in r]
    lengths, fits, whole = [], [], ""
    for result in results:
        reach = result["reach"]
        # From one missing layer on: with none there is no gap, and the published fits start at 0.2 nm.
        x = np.arange(1, reach) * result["spacing"] * 1e9
        logs = np.log(result["resistance"])[1:reach]
        slope, _, _, r2 = estimates.line(x, logs[None, :])
        lengths.append(1 / slope)
        fits.append(r2)
        whole = (
            f"gaps of {x[0]:.2f} to {x[-1]:.2f} nm, where the bonds end; 1 nm is asked" if x[-1] < 1 else ""
        )
    value, error = estimates.median(lengths)
    r2, _ = estimates.median(fits)
    middle = np.median([result["resistance"] for result in results], axis=0) if results else []
    return Row(
        id="V-15",
        quantity="decay length of the current over a gap in a frozen filament",
        published="0.10 to 0.35, R2 > 0.98 over 1 nm",
        source="Stanford-PKU model (0.25) and WKB bounds",
        confidence="seen in code, bounds derived",
        ours=value,
        error=error,
        unit="nm",
        verdict=within(value, 0.10, 0.35) and bool(r2 > 0.98),
        n=f"{len(results)} filaments",
        note=notes(
            f"R2 {r2:.3f}", whole, "R " + ", ".join(f"{r / 1e3:.3g}" for r in middle) + " kohm, last: no bond"
        ),
    )


def v19_low(lab, n=4, factors=(1, 2, 4)):
    """Low resistance against area: one filament in boxes of several sizes."""
    results = [
        r
        for r in lab.many("area", [{"seed": s, "factors": list(factors)} for s in lab.seeds(n)])
        if "low" in r
    ]
    slopes = [np.polyfit(np.log(r["area"]), np.log(r["low"]), 1)[0] for r in results]
    value, error = estimates.median(slopes)
    widths = [None, *(round(lab.protocol.width * factor**0.5, 13) for factor in factors[1:])]
    boxes = lab.many(
        "form", [{"seed": s} | ({"width": w} if w else {}) for s in lab.seeds(n) for w in widths]
    )
    low = [box["resistance"] if box.get("ok") else None for box in boxes]
    table = estimates.grid(np.array(low, object).reshape(n, -1))
    formed, formed_error, _, _ = estimates.line(np.log(np.array(factors, float)), np.log(table), np.nanmedian)
    return Row(
        id="V-19",
        quantity="d log R_LRS / d log area",
        published="0 +- 0.1",
        source="filamentary conduction",
        confidence="exact argument",
        ours=value,
        error=error,
        verdict=bool(abs(value) < 0.1),
        n=f"{len(results)} filaments x {len(factors)} areas",
        note=notes(
            f"the same filament in larger boxes; formed again in each: {formed:.2f} +- {formed_error:.1g}",
            lost(boxes),
        ),
    )


def v19_fresh(lab, n=4, sides=(1, 2, 3)):
    """Resistance of fresh devices against area, at one number of weak columns per area."""
    results = lab.many("tiles", [{"seed": seed, "sides": list(sides)} for seed in lab.seeds(n)])
    results = [result for result in results if "fresh" in result]
    value, error = estimates.median(
        [np.polyfit(np.log(result["area"]), np.log(result["fresh"]), 1)[0] for result in results]
    )
    single, _ = estimates.median(
        [np.polyfit(np.log(result["area"]), np.log(result["single"]), 1)[0] for result in results]
    )
    return Row(
        id="V-19p",
        quantity="d log R_pristine / d log area, same columns per area",
        published="-1 +- 0.05",
        source="parallel conduction",
        confidence="exact argument",
        ours=value,
        error=error,
        verdict=within(value, -1.05, -0.95),
        n=f"{len(results)} devices x {len(sides)} areas",
        note=f"{single:.2f} for the one column that a device has at any area",
    )


def v22(lab, n=5):
    """Rates of the ETH set in a frozen field against Arrhenius with the published barriers."""
    value = max(largest_difference(seed) for seed in range(1, n + 1))
    return Row(
        id="V-22",
        quantity="rates of HfO2-ETH over nu exp(-E/kT), largest difference",
        published="<= 1e-12",
        source="DeviceKMC: 3.93, 1.66, 1.09, 0.76 eV, recombination 0, 1e14 Hz",
        confidence="seen in code (gate)",
        ours=value,
        verdict=bool(value <= 1e-12),
        n=f"{n} random states x 4 fields",
        note="barriers written again in the test, energies by hand",
    )


PHYSICS_ROWS = {
    "V-07": v07,
    "V-07b": v07_bend,
    "V-08d": v08_delay,
    "V-08t": v08_transition,
    "V-12": v12,
    "V-15": v15,
    "V-19": v19_low,
    "V-19p": v19_fresh,
    "V-22": v22,
}
ROWS = FORMING_ROWS | PHYSICS_ROWS | CYCLE_ROWS
"""Every row by its number, in the order of the table."""
