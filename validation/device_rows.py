"""Rows of the table of what a device should do: what each group of measurements says."""

import numpy as np
import unimodal
from device_cycles import listed, middle
from device_retention import BOLTZMANN, YEARS, arrhenius
from device_targets import Found
from estimates import fraction, median
from row import notes
from scipy import stats

EARLY = 20  # cycles before the number of vacancies has to be steady
SAME = 1e-9  # relative: values closer than this are one value
TYPICAL = 0.45  # V, the middle of what is asked of R I_c


def size_of(cycles):
    """Return what rows from cycles are measured on."""
    return f"{cycles.hrs.size} cycles of {len(cycles.hrs)} devices"


def states(prepared):
    """Return what rows from states are measured on."""
    return f"{sum(len(one.high) for one in prepared)} states of {len(prepared)} devices"


def without(prepared):
    """Return how many devices have no state, since they never SET: failures, not missing values."""
    return sum(not one.low for one in prepared)


def forming_rows(bench):
    """Voltage at 100 V/s, slope per decade of the ramp, leakage before."""
    found, n = bench.formed, f"{bench.forming_devices} devices of {bench.large * 1e9:.3g} nm"
    base = int(np.argmin(np.abs(found.rates - 100.0)))
    late, never = np.isinf(found.voltage).sum(), np.isnan(found.voltage).sum()
    value, error = median(found.voltage[:, base])
    middles = np.array([middle(column) for column in found.voltage.T])
    kept = np.isfinite(middles)
    slope = np.polyfit(np.log10(found.rates[kept]), middles[kept], 1)[0] if kept.sum() > 1 else np.nan
    told = ", ".join(f"{volts:.2f}" for volts in middles)
    told = f"medians {told} V at {found.rates[0]:g} to {found.rates[-1]:g} V/s"
    falls, flows = found.fall[:, base], middle(found.leakage[:, base]) * 1e9
    lost = f"of {found.voltage.size}, {late} out of CPU time, {never} not formed"
    leaks = f"{np.mean(falls <= 0.2):.0%} of devices at most 0.2; {flows:.3g} nA at 1 V"
    return [
        Found(id="F-1", value=value, error=error, n=n, note=lost),
        Found(id="F-2", value=slope, n=n, note=told),
        Found(id="F-3", value=middle(falls), n=n, note=leaks),
    ]


# ---------------------------------------------------------------- cycles


def switching_rows(bench):
    """Voltages and window over all cycles asked for: those that failed or were cut short count as missed."""
    found, rows = bench.cycled, []
    cut = [text for text in found.cut if text]
    lost = notes(
        f"{np.mean(np.isnan(found.v_set)):.1%} of SETs failed or not done",
        f"{len(cut)} devices cut short ({cut[0]})" if cut else "",
    )
    for name, values, low, high in (
        ("C-1", found.v_set, 0.7, 1.5),
        ("C-2", found.v_reset, -1.5, -0.7),
        ("C-3", found.window, 10, np.inf),
    ):
        share, error = fraction(np.ravel((values >= low) & (values <= high)))
        told = f"5, 50, 95 %: {listed(values, '{:.3g}')}"
        rows.append(Found(id=name, value=share, error=error, n=size_of(found), note=notes(told, lost)))
    return rows


def spread_rows(bench):
    """Spreads from cycle to cycle, bands, repeated values."""
    found, rows = bench.cycled, []
    n, switched = size_of(found), np.isfinite(found.v_set)
    smooth, again = {}, {}
    for name, key in (("C-4", "lrs"), ("C-5", "hrs")):
        table = getattr(found, key)
        value, error = median(found.spread(key))
        told = f"{listed(table / 1e3, '{:.3g}')} kohm at 5, 50, 95 %"
        rows.append(Found(id=name, value=value, error=error, n=n, note=told))
        p = [unimodal.p_value(np.log(row[kept])) for row, kept in zip(table, switched, strict=True)]
        smooth[key], again[key] = np.array(p) > 0.05, repeats(table[switched])
    share, error = fraction(smooth["hrs"] & smooth["lrs"])
    told = ", ".join(f"{key.upper()} {flags.mean():.0%}" for key, flags in smooth.items())
    rows.append(Found(id="C-6", value=share, error=error, n=n, note=f"{told} of devices"))
    told = ", ".join(f"{key.upper()} {count}" for key, count in again.items())
    rows.append(
        Found(
            id="C-7",
            value=sum(again.values()),
            n=n,
            note=f"{told} of {switched.sum()} each",
            also=switched.any(),
        )
    )
    return rows


def repeats(values):
    """Return how many values equal an earlier one."""
    ordered = np.sort(np.ravel(values))
    return int(np.count_nonzero(np.diff(ordered) <= SAME * ordered[1:]))


def gap_rows(bench):
    """Layers missing after RESET, and whether one hop makes a SET."""
    found = bench.cycled
    share, error = fraction(np.ravel(found.gap >= 3))
    told = f"{np.mean(found.jump >= 3):.0%} by the longest jump, over floating vacancies"
    step, step_error = median(np.ravel(found.share[np.isfinite(found.v_set)]))
    events = f"{middle(found.steps):.0f} events from 10 to 90 % of it, {middle(found.events):.0f} in all"
    return [
        Found(id="C-8", value=share, error=error, n=size_of(found), note=told),
        Found(id="C-9", value=step, error=step_error, n=size_of(found), note=events),
    ]


def endurance_rows(bench):
    """Vacancies and window over many cycles."""
    found = bench.endured
    length = found.hrs.shape[1]
    begin = min(EARLY, length - 1)
    change = np.abs(found.vacancies[:, begin:] / found.vacancies[:, begin : begin + 1] - 1.0)
    whole = np.isfinite(found.vacancies).all(axis=1)
    told = f"{whole.sum()} of {len(whole)} devices did all {length} cycles in their CPU time"
    drift = middle(steps_of_means(found.vacancies[:, begin:]), 1.0)
    share, error = fraction(np.ravel(found.window[:, -max(1, length // 10) :] >= 10))
    return [
        Found(
            id="E-1",
            value=middle(change, 1.0),
            n=size_of(found),
            note=f"{told}; means of {EARLY} cycles change by {drift:.2f} at most",
            also=whole.all(),
        ),
        Found(id="E-2", value=share, error=error, n=size_of(found), note=told),
    ]


def steps_of_means(counts):
    """Return how far means of EARLY cycles in a row (devices, cycles) are from the first, relative to it."""
    parts = max(counts.shape[1] // EARLY, 1)
    means = np.stack([part.mean(axis=1) for part in np.array_split(counts, parts, axis=1)], axis=1)
    return np.abs(means / means[:, :1] - 1.0)


def heat_rows(bench):
    """Highest temperature of forming and of cycles."""
    parts = {
        "cycles": bench.cycled,
        "many cycles": bench.endured,
        "forming": bench.formed,
        "demo": bench.demo,
    }
    hottest = {name: middle(found.hottest, 1.0) for name, found in parts.items()}
    told = ", ".join(f"{name} {kelvin:.0f}" for name, kelvin in hottest.items())
    told = f"{told} K; {np.mean(bench.cycled.hottest > 1500):.1%} of cycles above 1500 K"
    return [Found(id="T-1", value=np.max(list(hottest.values())), n="all of these devices", note=told)]


# ---------------------------------------------------------------- from states


def limit_rows(bench):
    """R I_c at several limits; SETs that failed or ran out of CPU time count as infinite."""
    table = np.where(np.isfinite(bench.products), bench.products, np.inf)
    table = np.concatenate([table, np.full((without(bench.last), len(bench.currents)), np.inf)])
    middles = np.median(table, axis=0)
    farthest = middles[np.argmax(np.abs(np.log(middles / TYPICAL)))]
    told = ", ".join(f"{v:.2f} V at {c * 1e6:g} uA" for v, c in zip(middles, bench.currents, strict=True))
    capped, failed = np.isnan(bench.products).mean(), np.isinf(bench.products).mean()
    told = f"{told}; {failed:.0%} not set, {capped:.0%} out of CPU time"
    also = bool(np.all((middles >= 0.3) & (middles <= 0.6)))
    return [Found(id="L-1", value=farthest, n=states(bench.last), note=told, also=also)]


def level_rows(bench):
    """R against the RESET stop."""
    middles = np.array([middle(column) for column in bench.stopped.T])
    rises = bool(np.all(np.diff(middles) > 0))
    told = ", ".join(f"{value / 1e3:.3g}" for value in middles)
    told = f"{told} kohm in the median, {'monotone' if rises else 'not monotone'}"
    decades = np.log10(middles[-1] / middles[0])
    return [Found(id="L-2", value=decades, n=states(bench.prepared), note=told, also=rises)]


def time_rows(bench):
    """SET times against the voltage and against HRS."""
    found, n = bench.times, states(bench.prepared)
    logs = np.log10(np.median(np.where(found.waiting, np.inf, found.time), axis=0))
    kept = np.isfinite(logs)
    volts, known = found.voltages[kept], logs[kept]
    steps = -np.diff(known) / np.diff(volts)
    low, high = volts <= np.median(volts), volts >= np.median(volts)
    mean, first, last = (steepness(volts[part], known[part]) for part in (volts > 0, low, high))
    delay, rank = delays(found)
    told = ", ".join(f"{value:.1f}" for value in logs)
    told = f"log10 t {told}; {found.waiting.mean():.0%} waited on, {found.capped.mean():.0%} out of CPU time"
    told_steps = ", ".join(f"{step:.0f}" for step in steps)
    return [
        Found(id="S-1", value=mean, n=n, note=told, also=bool(kept.all())),
        Found(id="S-2", value=first / last, n=n, note=f"steps {told_steps} decades per volt"),
        Found(id="S-3", value=delay, n=n, note=f"rank correlation {rank:.2f}, medians over the voltages"),
    ]


def steepness(volts, logs):
    """Return by how many decades per volt times fall, by least squares; NaN below two voltages."""
    return -np.polyfit(volts, logs, 1)[0] if len(volts) > 1 else np.nan


def delays(found):
    """Return decades of SET time over the range of log HRS, and rank correlation: medians over the voltages.

    Voltages at which more than a fifth of the states wait on are left out; the others that do count at the
    time that they waited, which makes the slope smaller, not larger.
    """
    level = np.log10(found.hrs)
    if len(level) < 3 or np.ptp(level) == 0:
        return np.nan, np.nan
    slopes, ranks = [], []
    for times, waiting in zip(found.time.T, found.waiting.T, strict=True):
        if waiting.mean() <= 0.2 and np.ptp(times) > 0:
            slopes.append(np.polyfit(level, np.log10(times), 1)[0] * np.ptp(level))
            ranks.append(stats.spearmanr(level, times).statistic)
    return middle(slopes), middle(ranks)


def off_rows(bench):
    """Nonlinearity and activation of HRS."""
    found = bench.cycled
    ratio, error = median(np.ravel(found.hrs / found.hrs_half))
    inverse = 1.0 / (BOLTZMANN * np.array(bench.warm))
    energies = np.polyfit(inverse, np.log(bench.heated.T), 1)[0]
    value, spread = median(energies)
    told = f"LRS {middle(found.lrs / found.lrs_half):.2f}"
    return [
        Found(id="I-1", value=ratio, error=error, n=size_of(found), note=told),
        Found(id="I-2", value=value, error=spread, n=states(bench.prepared)),
    ]


def retention_rows(bench):
    """Activation of retention, ten years of LRS, HRS above three times LRS."""
    found, off, n = bench.waits, bench.off_waits, states(bench.last)
    energy, error, base = arrhenius(found)
    number = range(len(found.temperature))
    told = ", ".join(f"{found.median(k):.2g} s at {found.temperature[k]:.0f} K" for k in number)
    rest = ", ".join(f"{found.lost(k).right.mean():.0%}" for k in number)
    (kept, lost), (above, below) = found.shares(0), off.shares(0)
    there = 1.0 - without(bench.last) / len(bench.last)
    ahead = np.exp(base + energy / (BOLTZMANN * found.temperature[0])) / YEARS
    return [
        Found(id="R-1", value=energy, error=error, n=n, note=f"medians {told}; not lost {rest}"),
        Found(
            id="R-2",
            value=kept * there,
            n=n,
            note=f"{lost:.0%} known to lose it; extrapolated median {ahead:.2g} times ten years",
        ),
        Found(id="R-3", value=above * there, n=n, note=f"{below:.0%} known to fall below"),
    ]


def trap_rows(bench):
    """What single traps do to LRS and HRS."""
    found = [(state, r, middle(np.abs(steps))) for state, r, steps in bench.trapped if len(steps)]
    low, high = ([step for name, _, step in found if name == state] for state in ("low", "high"))
    n, rank = states(bench.prepared), stats.spearmanr([r for _, r, _ in found], [step for *_, step in found])
    value, error = median(low)
    told = f"p {rank.pvalue:.2g}; medians LRS {middle(low):.2%}, HRS {middle(high):.2%}"
    also = bool(rank.pvalue < 0.05)
    return [
        Found(id="N-1", value=rank.statistic, n=n, note=told, also=also),
        Found(id="N-2", value=value, error=error, n=states(bench.prepared), note="traps within 0.6 nm"),
    ]


def cost_rows(bench):
    """CPU time; devices cut short count as infinite in the second."""
    small, demo = bench.cycled, bench.demo
    done = small.cpu[np.isfinite(small.cpu)]
    whole = demo.form_cpu + demo.cpu.sum(axis=1)
    value = np.median(np.where(np.isnan(whole), np.inf, whole))
    told = f"median {middle(done):.2f} s, forming {middle(small.form_cpu):.1f} s"
    return [
        Found(id="K-1", value=done.mean(), n=size_of(small), note=told),
        Found(id="K-2", value=value, n=size_of(demo), note=f"forming {middle(demo.form_cpu):.1f} s"),
    ]


GROUPS = {
    "switching": (switching_rows, ("C-1", "C-2", "C-3")),
    "spread": (spread_rows, ("C-4", "C-5", "C-6", "C-7")),
    "gap": (gap_rows, ("C-8", "C-9")),
    "limits": (limit_rows, ("L-1",)),
    "levels": (level_rows, ("L-2",)),
    "times": (time_rows, ("S-1", "S-2", "S-3")),
    "off": (off_rows, ("I-1", "I-2")),
    "retention": (retention_rows, ("R-1", "R-2", "R-3")),
    "traps": (trap_rows, ("N-1", "N-2")),
    "cost": (cost_rows, ("K-1", "K-2")),
    "forming": (forming_rows, ("F-1", "F-2", "F-3")),
    "endurance": (endurance_rows, ("E-1", "E-2")),
    "heat": (heat_rows, ("T-1",)),
}
"""What measures each group of rows, and the rows that it gives."""
