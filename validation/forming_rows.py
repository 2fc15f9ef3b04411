"""Forming: one function per row of the table."""

import math

import estimates
import numpy as np
from row import Row, lost, notes, within


def call(lab, seed, **condition):
    """Return the arguments of one forming, without the protocol's own conditions so that rows share it."""
    own = {"rate": lab.protocol.forming_rate, "thickness": lab.protocol.thickness}
    return {"seed": seed} | {key: value for key, value in condition.items() if value != own.get(key)}


def forming_table(lab, n, name, values):
    """Return the forming voltages (V) of n devices at each value of one condition, shape (n, values)."""
    calls = [call(lab, seed, **{name: value}) for seed in lab.seeds(n) for value in values]
    results = lab.many("form", calls)
    voltages = [result.get("voltage") for result in results]
    return estimates.grid(np.array(voltages, object).reshape(n, -1)), results


def v01(lab, n=10):
    """Forming voltage, as thick as published films are."""
    results = lab.many("form", [call(lab, seed, thickness=lab.protocol.film) for seed in lab.seeds(n)])
    values = estimates.clean(result.get("voltage") for result in results)
    value, error = estimates.median(values)
    spread = f"standard deviation {values.std():.2g} V" if len(values) else ""
    return Row(
        id="V-01",
        quantity=f"forming voltage at {lab.protocol.film * 1e9:.3g} nm",
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
        verdict=bool(np.isfinite(table).any(axis=0).all() and r2 > 0.97 and abs(intercept) <= 0.5),
        n=f"{n} devices x {len(thickness)} thicknesses",
        note=notes(
            f"{slope:.2f} +- {error:.1g} V/nm (0.2 to 0.5 recalled), R2 {r2:.3f}; medians {medians} V at "
            + ", ".join(f"{value * 1e9:.2f}" for value in thickness)
            + " nm",
            lost(results),
        ),
    )


def v02_slope(lab, n=40):
    """Forming voltage against ramp rate."""
    rates = np.array(lab.protocol.ramps)
    table, results = forming_table(lab, n, "rate", lab.protocol.ramps)
    slope, error, _, r2 = estimates.line(np.log10(rates), table, np.nanmedian)
    medians = np.nanmedian(table, axis=0)
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
        note=notes(f"R2 {r2:.3f}; medians " + ", ".join(f"{v:.2f}" for v in medians) + " V", lost(results)),
    )


def gate(lab, n):
    """Return forming voltages (V) of ramps, ln of forming times (s) at constant voltages, and results."""
    table, ramped = forming_table(lab, n, "rate", lab.protocol.gate_ramps)
    calls = [{"seed": seed, "voltage": v} for seed in lab.seeds(n) for v in lab.protocol.stress_voltages]
    stressed = lab.many("stress", calls)
    # A device that does not form in time only moves the median; one cut short by our own limits is left out.
    times = [None if r.get("stopped") else math.inf if r["time"] is None else r["time"] for r in stressed]
    logs = np.log(estimates.grid(np.array(times, object).reshape(n, -1)))
    return table, logs, ramped + stressed


def gate_notes(lab, table, logs):
    """Return what is worth saying about both besides their slopes."""
    rates, voltages = np.array(lab.protocol.gate_ramps), np.array(lab.protocol.stress_voltages)
    medians = np.nanmedian(logs, axis=0)
    never, cut = int(np.isinf(logs).sum()), int(np.isnan(logs).sum())
    spread = np.median([estimates.clean(column).std() for column in logs.T]) / math.log(10)
    kept = np.isfinite(medians)
    apart = np.full(len(rates), math.nan)
    if kept.sum() > 1:
        apart = np.nanmedian(table, axis=0) - predicted(rates, voltages[kept], medians[kept])
    return notes(
        "log10 t "
        + ", ".join(f"{m / math.log(10):.1f}" for m in medians)
        + " at "
        + ", ".join(f"{v:g}" for v in voltages)
        + f" V, standard deviation {spread:.1f}",
        f"{never} of {logs.size} did not form in 1e4 s, {cut} were cut short" if never + cut else "",
        "ramps minus what stress predicts for any gamma(V) " + ", ".join(f"{s:+.2f}" for s in apart) + " V",
    )


def v02_gate(lab, n=40):
    """The acceleration of the hazard with voltage, from ramps and from constant stress."""
    rates, voltages = lab.protocol.gate_ramps, lab.protocol.stress_voltages
    table, logs, results = gate(lab, n)
    slope, error, _, _ = estimates.line(np.log10(rates), table, np.nanmedian)
    steep, steep_error, _, _ = estimates.line(voltages, logs, np.nanmedian)
    ramp = math.log(10) / slope
    ratio = ramp / -steep
    ratio_error = abs(ratio) * math.hypot(error / slope, steep_error / steep)
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
            f"gamma {ramp:.1f} +- {ramp * error / slope:.1g} and {-steep:.1f} +- {steep_error:.1g} per V",
            gate_notes(lab, table, logs),
            "" if ratio_error <= 0.1 else f"n resolves only {100 * ratio_error:.0f} %, not 10 %",
            lost(results),
        ),
    )


def predicted(rates, voltages, logs):
    """Return median forming voltages (V) of ramps from the times of constant stress, for any gamma(V).

    Time is worth its fraction of the forming time at its voltage: the integral of dV / (rate t(V)) is 1.
    Between and beyond the measured voltages ln t is taken to be straight.
    """
    fine = np.linspace(voltages[0] - 2.0, voltages[-1] + 2.0, 4001)
    inside = np.interp(fine, voltages, logs)
    ends = [(logs[k] - logs[k - 1]) / (voltages[k] - voltages[k - 1]) for k in (1, -1)]
    inside += np.minimum(fine - voltages[0], 0) * ends[0] + np.maximum(fine - voltages[-1], 0) * ends[1]
    spent = np.cumsum(np.exp(-inside)) * (fine[1] - fine[0])
    return np.interp(rates, spent, fine)


def v03(lab, n=10):
    """Weibull slope of the forming time against thickness, from ramps at one rate.

    A ramp gives the time that constant stress at its forming voltage would take up to a factor:
    ln t = gamma V + constant, with gamma from V-02, scaled with the field to other thicknesses.
    """
    p = lab.protocol
    ramps, _ = forming_table(lab, n, "rate", p.gate_ramps)
    gamma = math.log(10) / estimates.line(np.log10(p.gate_ramps), ramps, np.nanmedian)[0] * p.thickness
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


def v23(lab, n=20):
    """Side on which the filament nucleates."""
    results = lab.many("form", [call(lab, seed) for seed in lab.seeds(n)])
    nuclei = [result["nucleus"] for result in results if result.get("nucleus")]
    value, error = estimates.fraction([nucleus["slice"] == 0 for nucleus in nuclei])
    places = np.bincount([nucleus["slice"] for nucleus in nuclei], minlength=1)
    voltage, _ = estimates.median(nucleus["voltage"] for nucleus in nuclei)
    gains = [np.subtract(result["before"], result["start"]) for result in results if "before" in result]
    gain = ", ".join(f"{g:.1f}" for g in np.mean(gains, axis=0)) if gains else ""
    most = np.mean([np.argmax(g) == 0 for g in gains]) if gains else math.nan
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
            f"mean gain of the slices before the jump {gain}, most at the cathode in {100 * most:.0f} %",
            lost(results),
        ),
    )


FORMING_ROWS = {
    "V-01": v01,
    "V-01t": v01_thickness,
    "V-02": v02_gate,
    "V-02s": v02_slope,
    "V-03": v03,
    "V-23": v23,
}
