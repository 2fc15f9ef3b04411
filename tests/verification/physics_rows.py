"""Forming, switching times and structure: one function per row of the table.

Each takes a `Laboratory` and a number of devices, has its tasks done, and returns a `Row`.
"""

import math

import estimates
import numpy as np
from cycle_rows import CYCLE_ROWS
from eth import largest_difference
from row import Row, lost, notes, within


def call(lab, seed, **condition):
    """Return the arguments of one forming, without the protocol's own conditions so that rows share it."""
    own = {"rate": lab.protocol.forming_rate, "thickness": lab.protocol.thickness}
    return {"seed": seed} | {key: value for key, value in condition.items() if value != own.get(key)}


def forming_table(lab, n, name, values):
    """Return the forming voltages (V) of n devices at each value of one condition, shape (n, values)."""
    calls = [call(lab, seed, **{name: value}) for seed in range(1, n + 1) for value in values]
    results = lab.many("form", calls)
    voltages = [result.get("voltage") for result in results]
    return estimates.grid(np.array(voltages, object).reshape(n, -1)), results


def v01(lab, n=10):
    """Forming voltage of the default device."""
    results = lab.many("form", [call(lab, seed) for seed in range(1, n + 1)])
    values = estimates.clean(result.get("voltage") for result in results)
    value, error = estimates.median(values)
    spread = f"standard deviation {values.std():.2g} V" if len(values) else ""
    return Row(
        id="V-01",
        quantity=f"forming voltage at {lab.protocol.thickness * 1e9:.3g} nm",
        published="2 to 4 V",
        source="Ti/HfO2, 5 to 10 nm",
        confidence="recalled",
        ours=value,
        error=error,
        unit="V",
        verdict=within(value, 2, 4),
        n=f"{len(values)} devices at {lab.protocol.forming_rate:g} V/s",
        note=notes(spread, lost(results)),
    )


def v01_thickness(lab, n=6):
    """Forming voltage against thickness."""
    thickness = np.array(lab.protocol.thicknesses)
    table, results = forming_table(lab, n, "thickness", lab.protocol.thicknesses)
    slope, error, intercept, r2 = estimates.line(thickness * 1e9, table, np.nanmedian)
    medians = ", ".join(f"{value:.2f}" for value in np.nanmedian(table, axis=0))
    return Row(
        id="V-01t",
        quantity="forming voltage against thickness: intercept",
        unit="V",
        published="linear (R2 > 0.97) through 0 +- 0.5 V",
        confidence="seen (abstract)",
        source="thickness-independent forming in oxygen-engineered HfO2 and its stoichiometric reference",
        ours=intercept,
        error=error * thickness.mean() * 1e9,
        verdict=r2 > 0.97 and abs(intercept) <= 0.5,
        n=f"{n} devices x {len(thickness)} thicknesses",
        note=notes(
            f"{slope:.2f} +- {error:.1g} V/nm (0.2 to 0.5 recalled), R2 {r2:.3f}; medians {medians} V at "
            + ", ".join(f"{value * 1e9:.2f}" for value in thickness)
            + " nm",
            lost(results),
        ),
    )


def ramp_line(lab, n):
    """Return ramp rates (V/s), their table of forming voltages and the line through them."""
    rates = np.array(lab.protocol.ramps)
    table, results = forming_table(lab, n, "rate", lab.protocol.ramps)
    return rates, table, estimates.line(np.log10(rates), table), results


def v02_slope(lab, n=40):
    """Forming voltage against ramp rate."""
    rates, table, (slope, error, _, r2), results = ramp_line(lab, n)
    means = np.nanmean(table, axis=0)
    local = ", ".join(f"{step:.2f}" for step in np.diff(means) / np.diff(np.log10(rates)))
    return Row(
        id="V-02s",
        quantity="forming voltage per decade of ramp rate",
        published="0.05 to 0.2, log-linear",
        source="usual in forming and TDDB",
        confidence="recalled",
        ours=slope,
        error=error,
        unit="V/decade",
        verdict=within(slope, 0.05, 0.2),
        n=f"{n} devices x {len(rates)} rates, {rates[0]:g} to {rates[-1]:g} V/s",
        note=notes(f"R2 {r2:.3f}; local slopes {local}", lost(results)),
    )


def v02_gate(lab, n=40):
    """The acceleration of the hazard with voltage, from ramps and from constant stress."""
    rates, table, (slope, error, _, _), results = ramp_line(lab, n)
    ramp = math.log(10) / slope
    means = np.nanmean(table, axis=0)
    if not np.isfinite(means[[0, -1]]).all():
        raise ValueError("too few devices formed on the slowest and the fastest ramp")
    voltages, calls = np.linspace(means[0], means[-1], 4), []
    for seed in range(1, n + 1):
        for voltage in voltages:
            # A thousand times what the ramp of the same mean voltage takes; beyond that the task says None.
            rate = 10 ** np.interp(voltage, means, np.log10(rates))
            duration = float(f"{1e3 / (abs(ramp) * rate):.3g}")
            calls.append({"seed": seed, "voltage": float(f"{voltage:.4g}"), "duration": duration})
    stressed = lab.many("stress", calls)
    times = estimates.grid(np.array([result.get("time") for result in stressed], object).reshape(n, -1))
    steep, steep_error, _, r2 = estimates.line(voltages, np.log(times))
    ratio = ramp / -steep
    ratio_error = abs(ratio) * math.hypot(error / slope, steep_error / steep)
    resolved = "" if ratio_error <= 0.1 else f"n resolves only {100 * ratio_error:.0f} %, not 10 %"
    apart = np.nanmedian(table, axis=0) - predicted(rates, voltages, np.nanmedian(np.log(times), axis=0))
    censored = int(np.isnan(times).sum())
    return Row(
        id="V-02",
        quantity="gamma from ramps over gamma from constant stress",
        published="1 within 10 %",
        source="exact for a hazard exp(gamma V)",
        confidence="derived (gate)",
        ours=ratio,
        error=ratio_error,
        verdict=within(ratio, 0.9, 1.1),
        n=f"{n} devices x ({len(rates)} ramps + {len(voltages)} voltages)",
        note=notes(
            f"gamma {ramp:.1f} and {-steep:.1f} per V, voltages {voltages[0]:.2f} to {voltages[-1]:.2f} V, "
            f"R2 {r2:.3f}",
            "ramps minus what stress predicts " + ", ".join(f"{step:+.2f}" for step in apart) + " V",
            f"{censored} of {times.size} did not form" if censored else "",
            resolved,
            lost(results + stressed),
        ),
    )


def predicted(rates, voltages, logs):
    """Return median forming voltages (V) of ramps from the times of constant stress, for any gamma(V).

    Time is worth its share of the forming time at its voltage: the integral of dV / (rate t(V)) is 1. Between
    and beyond the measured voltages ln t is taken to be straight.
    """
    fine = np.linspace(voltages[0] - 2.0, voltages[-1] + 2.0, 4001)
    inside = np.interp(fine, voltages, logs)
    ends = [(logs[k] - logs[k - 1]) / (voltages[k] - voltages[k - 1]) for k in (1, -1)]
    inside += np.minimum(fine - voltages[0], 0) * ends[0] + np.maximum(fine - voltages[-1], 0) * ends[1]
    spent = np.cumsum(np.exp(-inside)) * (fine[1] - fine[0])
    return np.interp(rates, spent, fine)


def v03(lab, n=12):
    """Weibull slope of the forming time against thickness, from ramps at one rate.

    A ramp gives the time that constant stress at its forming voltage would take up to a factor:
    ln t = gamma V + constant, with gamma from V-02, scaled with the field to other thicknesses.
    """
    p = lab.protocol
    _, _, (slope, _, _, _), _ = ramp_line(lab, max(n, 2))
    gamma = math.log(10) / slope * p.thickness
    thickness = np.array(p.thicknesses)
    table, results = forming_table(lab, n, "thickness", p.thicknesses)
    shapes = []
    for column, value in zip(table.T, thickness, strict=True):
        voltages = estimates.clean(column)
        middle = voltages.mean() if len(voltages) else 0.0
        shapes.append(estimates.weibull(np.exp((voltages - middle) * gamma / value)))
    beta, errors = np.array(shapes).T
    kept = np.isfinite(beta) & np.isfinite(errors)
    if kept.sum() < 2:
        raise ValueError("a Weibull slope takes four formed devices, at two thicknesses at least")
    random = np.random.default_rng(1)
    draws = [
        np.polyfit(thickness[kept] * 1e9, random.normal(beta[kept], errors[kept]), 1)[0] for _ in range(400)
    ]
    steep = np.polyfit(thickness[kept] * 1e9, beta[kept], 1)[0] if kept.sum() > 1 else math.nan
    error = float(np.std(draws))
    return Row(
        id="V-03",
        quantity="Weibull slope of forming per nm of thickness",
        published="> 0 (two errors)",
        source="cell-based percolation model of breakdown",
        confidence="form seen, numbers recalled",
        ours=steep,
        error=error,
        unit="1/nm",
        verdict=bool(steep > 2 * error),
        n=f"{n} devices x {len(thickness)} thicknesses",
        note=notes(
            "slopes "
            + ", ".join(f"{b:.1f} +- {e:.1f}" for b, e in shapes)
            + " at "
            + ", ".join(f"{value * 1e9:.2f}" for value in thickness)
            + " nm; from ramps, gamma taken to fall as 1/thickness",
            lost(results),
        ),
    )


def set_time_table(lab, n, repeats=3):
    """Return voltages (V), log10 of the median SET time (s) per device and voltage, and the results."""
    voltages = list(lab.protocol.pulse_voltages)
    calls = [{"seed": seed, "voltages": voltages, "repeats": repeats} for seed in range(1, n + 1)]
    results = lab.many("set_times", calls)
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
    """Return resistance (ohm), delay and transition (s, medians) of each state, per device."""
    p = lab.protocol
    resets = [round(factor * p.reset_voltage, 3) for factor in p.reset_factors]
    calls = [
        {"seed": seed, "resets": resets, "voltage": p.delay_voltage, "repeats": repeats}
        for seed in range(1, n + 1)
    ]
    results, devices = lab.many("delays", calls), []
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
    results = lab.many("train", [{"seed": seed, "fraction": fraction} for seed in range(1, n + 1)])
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
    results = [r for r in lab.many("frozen", [{"seed": s} for s in range(1, n + 1)]) if "resistance" in r]
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
        for r in lab.many("area", [{"seed": s, "factors": list(factors)} for s in range(1, n + 1)])
        if "low" in r
    ]
    slopes = [np.polyfit(np.log(r["area"]), np.log(r["low"]), 1)[0] for r in results]
    value, error = estimates.median(slopes)
    widths = [None, *(round(lab.protocol.width * factor**0.5, 13) for factor in factors[1:])]
    boxes = lab.many(
        "form", [{"seed": s} | ({"width": w} if w else {}) for s in range(1, n + 1) for w in widths]
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
            f"the same filament in larger boxes; formed anew in each: {formed:.2f} +- {formed_error:.1g}",
            lost(boxes),
        ),
    )


def v19_fresh(lab, n=4, sides=(1, 2, 3)):
    """Resistance of fresh devices against area, at one number of weak columns per area."""
    results = lab.many("tiles", [{"seed": seed, "sides": list(sides)} for seed in range(1, n + 1)])
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


def v23(lab, n=20):
    """Side on which the filament nucleates."""
    results = lab.many("form", [call(lab, seed) for seed in range(1, n + 1)])
    nuclei = [result["nucleus"] for result in results if result.get("nucleus")]
    value, error = estimates.fraction([nucleus["slice"] == 0 for nucleus in nuclei])
    places = np.bincount([nucleus["slice"] for nucleus in nuclei], minlength=1)
    voltage, _ = estimates.median(nucleus["voltage"] for nucleus in nuclei)
    gains = [np.subtract(result["before"], result["start"]) for result in results if "before" in result]
    gain = ", ".join(f"{g:.1f}" for g in np.mean(gains, axis=0)) if gains else ""
    return Row(
        id="V-23",
        quantity="first cluster of 5 vacancies more than at the start within 1 nm of the cathode",
        published="> 0.7 of devices",
        source="TaOx/HfO2 molecular dynamics, arXiv 2505.24468",
        confidence="seen (abstract)",
        ours=value,
        error=error,
        verdict=bool(value > 0.7),
        n=f"{len(nuclei)} of {n} devices",
        note=notes(
            "by slice of 1 nm from the cathode: " + ", ".join(map(str, places)),
            f"at {voltage:.2f} V",
            f"mean gain of each slice before the jump {gain}",
            lost(results),
        ),
    )


PHYSICS_ROWS = {
    "V-01": v01,
    "V-01t": v01_thickness,
    "V-02": v02_gate,
    "V-02s": v02_slope,
    "V-03": v03,
    "V-07": v07,
    "V-07b": v07_bend,
    "V-08d": v08_delay,
    "V-08t": v08_transition,
    "V-12": v12,
    "V-15": v15,
    "V-19": v19_low,
    "V-19p": v19_fresh,
    "V-22": v22,
    "V-23": v23,
}
ROWS = PHYSICS_ROWS | CYCLE_ROWS
"""Every row by its number, in the order of the table."""
