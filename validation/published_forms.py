"""Fit JART VCM v1b and the Stanford-PKU model, with distributions, to measured loops and to the default.

    .venv/bin/python validation/published_forms.py LOOPS.csv.gz ENSEMBLE.nc -o FOLDER [--write]

LOOPS is the table `loops` of benchmarks/rram/tables.py, and docs/figures.py has the command of ENSEMBLE.
Takes ten minutes of CPU; --write keeps the table and the picture in docs/.

One half of the loops, or of the devices, is fitted; the other half judges. The circuit is solved beside the
model, so that a limit of the current and a resistor act on it. Numbers of a model fit the medians of the
features and of ln|I| by a random search and the simplex method. Four numbers vary: those that vary as
published (n_min, n_max, l_disc and radius of JART; both gaps, velocity and enhancement of Stanford-PKU).
Their covariance is that of the features through the inverse of the Jacobian.
"""

import argparse
import json
import sys
import time
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.optimize import brentq, minimize
from scipy.stats import ks_2samp

from frenkel.analysis.measured.loops import Readout, features
from frenkel.bench.jart import JartVcm

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "oracles"))

from compact_models import StanfordPKU  # noqa: E402

PAGE = ROOT / "docs" / "compact.md"
BEGIN, END = "<!-- begin published_forms.py -->", "<!-- end published_forms.py -->"
FEATURES = ("set_voltage", "reset_voltage", "lrs", "hrs")
SCALES = {"set_voltage": 0.05, "reset_voltage": 0.05, "lrs": 0.1, "hrs": 0.2, "curve": 0.3}
"""Errors (V, ln) that count alike."""
MOST = 3.0
"""Largest draw, in standard deviations; Gaussians of the published variability end there too."""
STEP = 0.15
"""Largest change of a state in one step: of ln N, or of a gap over its scale."""


@dataclass(frozen=True)
class Circuit:
    """Ramps of a source (V, s), what is in series (ohm), the limit of SET (A) and how loops are read."""

    source: np.ndarray
    time: np.ndarray
    series: float
    limit: float
    read_voltage: float
    set_sign: int
    start_high: bool

    def numbers(self, current):
        """Return V_SET, V_RESET (V), ln LRS, ln HRS of a loop of currents (A); NaN where there is none."""
        how = Readout(self.read_voltage, series=self.series)
        try:
            found = features(self.source, current, how)
        except ValueError:
            return np.full(4, np.nan)
        row = [float(np.ravel(found[name])[0]) if np.size(found[name]) else np.nan for name in FEATURES]
        row = np.abs(row)
        row[2:] = np.log(row[2:])
        return row


class Kept(JartVcm):
    """JART VCM v1b that keeps its last solutions: current and rate are asked at the same point."""

    solve = lru_cache(8)(JartVcm.solve)


FORMS = {
    "JART VCM v1b": {
        "class": Kept,
        "set_sign": -1,
        "vary": ("n_min", "n_max", "l_disc", "radius"),
        "free": ("activation_energy", "thermal_resistance", "reset_thermal_factor", "series_resistance",
                 "schottky_barrier", "n_plug"),
    },
    "Stanford-PKU": {
        "class": StanfordPKU,
        "set_sign": 1,
        "vary": ("gap_low", "gap_range", "velocity", "enhancement"),
        "free": ("current_prefactor", "voltage_scale", "activation_energy", "thermal_resistance",
                 "enhancement_slope"),
    },
}  # fmt: skip


def build(form, point):
    """Return a model of a form from the logarithms of its numbers."""
    names = (*FORMS[form]["vary"], *FORMS[form]["free"])
    values = dict(zip(names, np.exp(point).tolist(), strict=True))
    if form == "Stanford-PKU":
        low, wide = values.pop("gap_low"), values.pop("gap_range")
        values["gap_limits"] = (low, low + wide)
    return FORMS[form]["class"](**values)


def start(form, circuit):
    """Return the logarithms of the published numbers, moved to the resistances of a circuit by hand."""
    names = (*FORMS[form]["vary"], *FORMS[form]["free"])
    small = circuit.limit < 1e-4
    if form == "Stanford-PKU":
        base, values = StanfordPKU(), {"gap_low": 0.1e-9, "gap_range": 1.5e-9 if small else 0.8e-9}
    else:
        base, values = JartVcm(), {"radius": 10e-9, "thermal_resistance": 1e6} if small else {}
    return np.log([values.get(name) or getattr(base, name) for name in names])


def settle(model, state, volts, series, limit):
    """Return the voltage (V) and current (A) of a model behind a resistor and a limit (A, without sign)."""
    if abs(volts) < 1e-6:
        return 0.0, 0.0
    if series:
        volts = brentq(lambda v: v + series * model.current(state, v) - volts, 0.0, volts, xtol=1e-4)
    amps = model.current(state, volts)
    if limit and abs(amps) > limit:
        volts = brentq(lambda v: abs(model.current(state, v)) - limit, 0.0, volts, xtol=1e-3)
        amps = np.sign(volts) * limit
    return volts, amps


def loop(form, point, circuit):
    """Return the currents (A) of one loop of a model in a circuit."""
    model, side = build(form, point), FORMS[form]["set_sign"] * circuit.set_sign
    series = circuit.series
    if form != "Stanford-PKU":
        model, series = replace(model, series_resistance=model.series_resistance + series), 0.0
    low, high = model.limits
    gap = form == "Stanford-PKU"
    state = (high if circuit.start_high else low) if gap else (low if circuit.start_high else high)
    amps = np.zeros(len(circuit.source))
    for k, source in enumerate(circuit.source):
        limit = circuit.limit if source * circuit.set_sign > 0 else 0.0
        left = circuit.time[k] - circuit.time[k - 1] if k else 0.0
        volts, amps[k] = settle(model, state, side * source, series, limit)
        for _ in range(40):
            if left <= 0.0 or volts == 0.0:
                break
            rate = model.derivative(state, volts)
            size = model.gap_scale if gap else state
            step = min(left, STEP * size / abs(rate) if rate else left)
            new = min(max(state + rate * step, low), high)
            left -= step
            if new == state:
                break
            state = new
            volts, amps[k] = settle(model, state, side * source, series, limit)
    return side * amps


def tried(form, point, circuit):
    """Return currents and features of a point; currents of 1 fA where the model has no solution."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            current = loop(form, point, circuit)
    except (RuntimeError, ValueError, OverflowError):
        return np.full(len(circuit.source), 1e-15), np.full(4, np.nan)
    return current, circuit.numbers(current)


def misses(current, found, circuit, target, curve):
    """Return the errors in units of `SCALES`: four features and the curve."""
    seen = np.abs(circuit.source) > circuit.read_voltage
    away = np.log(np.maximum(np.abs(current[seen]), 1e-12)) - np.log(np.abs(curve[seen]))
    off = (found - target) / [SCALES[name] for name in FEATURES]
    off = np.where(np.isfinite(off), np.clip(off, -15, 15), 15.0)
    return np.append(off, np.sqrt(np.mean(away**2)) / SCALES["curve"])


def fit(form, circuit, numbers, curves, seconds, seed=1):
    """Return the middle (ln) and the covariance of the varying numbers of a form."""
    target, curve = np.nanmedian(numbers, axis=0), np.median(np.abs(curves), axis=0)
    random, began = np.random.default_rng(seed), time.process_time()

    def cost(point):
        return float(np.sum(misses(*tried(form, point, circuit), circuit, target, curve) ** 2))

    middle = start(form, circuit)
    best = cost(middle)
    width = np.full(len(middle), 0.6)
    names = (*FORMS[form]["vary"], *FORMS[form]["free"])
    for name in ("activation_energy", "voltage_scale", "enhancement", "l_disc"):
        if name in names:
            width[names.index(name)] = 0.2
    while time.process_time() - began < 0.5 * seconds:
        trial = middle + width * random.choice([0.15, 0.5, 1.0, 2.5]) * random.standard_normal(len(middle))
        if (new := cost(trial)) < best:
            best, middle = new, trial
    simplex = middle + np.vstack([np.zeros(len(middle)), np.diag(0.15 * width)])
    while (left := seconds - (time.process_time() - began)) > 0.05 * seconds:
        options = {"initial_simplex": simplex, "maxfev": 150, "xatol": 1e-3, "fatol": 1e-2}
        found = minimize(cost, middle, method="Nelder-Mead", options=options)
        if found.fun < best:
            best, middle = float(found.fun), found.x
        simplex = middle + np.vstack([np.zeros(len(middle)), np.diag(0.1 * width * random.choice([-1, 1]))])
        if left < 0.1 * seconds:
            break
    slopes = np.zeros((4, 4))
    for j in range(4):
        sides = []
        for way in (0.04, -0.04):
            moved = middle.copy()
            moved[j] += way
            sides.append(tried(form, moved, circuit)[1])
        slopes[:, j] = (sides[0] - sides[1]) / 0.08
    inverse = np.linalg.pinv(np.nan_to_num(slopes), rcond=0.05)
    spread = inverse @ np.cov(numbers[np.isfinite(numbers).all(axis=1)].T) @ inverse.T
    return middle, spread, best


def draw(form, middle, spread, number, circuit, seed=2):
    """Return features and currents of devices that are drawn."""
    random = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(spread)
    rows, currents = [], []
    for _ in range(number):
        score = random.standard_normal(4).clip(-MOST, MOST)
        point = middle.copy()
        point[:4] += vectors @ (np.sqrt(np.maximum(values, 0.0)) * score)
        current, found = tried(form, point, circuit)
        rows.append(found)
        currents.append(current)
    return np.array(rows), np.array(currents)


def measured_loops(path):
    """Return the circuit, the features and the currents of measured loops: SET negative to 0.3 mA."""
    from frenkel.experiment import measurements

    data = measurements.of_file(path, Readout(0.3))
    ends = np.r_[0, np.cumsum(data["loop_size"].values)]
    least = int(data["loop_size"].values.min())
    parts = [slice(a, a + least) for a in ends[:-1]]
    volts, amps, when = (
        np.array([data[f"loop_{name}"].values[part] for part in parts])
        for name in ("voltage", "current", "time")
    )
    middle = np.median(volts, axis=0)
    rows = np.arange(0, least, 3)
    circuit = Circuit(middle[rows], (when[0] - when[0, 0])[rows], 0.0, 3e-4, 0.3, -1, True)
    numbers = np.abs(np.stack([data[name].values[0] for name in FEATURES], axis=1))
    numbers[:, 2:] = np.log(numbers[:, 2:])
    return circuit, numbers, np.array([np.interp(rows, np.arange(least), one) for one in amps])


def default_loops(path):
    """Return the circuit, features and currents of the second cycle of each device of an ensemble."""
    from frenkel.experiment.ensemble_file import member

    with xr.open_dataset(path) as data:
        numbers, currents, rows = [], [], None
        for number in range(data.sizes["member"]):
            one = member(data, number).load()
            inside = np.flatnonzero(one["phase_cycle"].values[one["phase"].values] == 2)
            source, amps, when = (one[n].values[inside] for n in ("source_voltage", "current", "time"))
            if rows is None:
                rows = np.flatnonzero(
                    ((source < 1.2) | (np.arange(len(source)) % 10 == 0)) & (np.arange(len(source)) % 2 == 0)
                )
                circuit = Circuit(source[rows], (when - when[0])[rows], 7500.0, 3e-5, 0.1, 1, False)
            if len(source) <= rows[-1]:
                continue
            currents.append(amps[rows])
            numbers.append(circuit.numbers(amps[rows]))
    return circuit, np.array(numbers), np.array(currents)


def jump_numbers(model, number, circuit, seed):
    """Return V_SET, V_RESET, ln LRS, ln HRS of cells of a jump process, cycled once before."""
    cells = model.jump_cells(number, seed=seed, state="lrs")
    rate = abs(circuit.source[5] - circuit.source[4]) / (circuit.time[5] - circuit.time[4])
    for _ in range(2):
        opened = cells.ramp(float(circuit.source.min()), rate, series=circuit.series).peak_voltage
        high = 1.0 / cells.conductance
        closed = cells.ramp(float(circuit.source.max()), rate, series=circuit.series, limit=circuit.limit)
        low = 1.0 / cells.conductance
    return np.stack([closed.rise_voltage, np.abs(opened), np.log(low), np.log(high)], axis=1)


def card_numbers(numbers, number, seed):
    """Return the same of a card fitted to the features of cycles of one device."""
    from frenkel.experiment.fit_card import fit_card

    units = ("V", "V", "ohm", "ohm")
    signed = numbers * [1, -1, 1, 1]
    signed[:, 2:] = np.exp(signed[:, 2:])
    columns = {
        name: (("device", "cycle"), signed[None, :, k], {"units": units[k]})
        for k, name in enumerate(FEATURES)
    }
    drawn = fit_card(xr.Dataset(columns), bootstrap=0).card.sample(1, number, seed)
    found = np.abs(np.stack([drawn[name].ravel() for name in FEATURES], axis=1))
    found[:, 2:] = np.log(found[:, 2:])
    return found


def scores(drawn, judging, curve=None):
    """Return the errors of each feature: of the median, the ratio of standard deviations, and KS."""
    row = {}
    for k, name in enumerate(FEATURES):
        own, devices = (x[np.isfinite(x[:, k]), k] for x in (drawn, judging))
        if len(own) < 0.5 * len(drawn):
            row[name] = None
            continue
        wide = [np.subtract(*np.percentile(x, (84, 16))) / 2 for x in (own, devices)]
        row[name] = [float(np.median(own) - np.median(devices)), float(wide[0] / wide[1]),
                     float(ks_2samp(own, devices).statistic)]  # fmt: skip
    return row | {"curve": curve, "lost": float(1 - np.isfinite(drawn).all(axis=1).mean())}


def curve_error(drawn, judging, circuit):
    """Return the rms of ln|I| between median loops, above the voltage of reading."""
    seen = np.abs(circuit.source) > circuit.read_voltage
    one, two = (np.log(np.median(np.abs(x[:, seen]), axis=0)) for x in (drawn, judging))
    return float(np.sqrt(np.mean((one - two) ** 2)))


def compare(name, data, others, seconds, number, folder):
    """Return scores of all models of a data set, and median loops for the picture."""
    circuit, numbers, currents = data
    fitted, judging = slice(0, None, 2), slice(1, None, 2)
    half = scores(
        numbers[fitted], numbers[judging], curve_error(currents[fitted], currents[judging], circuit)
    )
    found = {"scores": {"fitted half": half}, "models": {}}
    found["judging"] = [np.nanmedian(numbers[judging], axis=0).tolist(), len(numbers[judging])]
    drawn = {}
    for form in FORMS:
        kept = folder / f"{name} {form}.npz".replace(" ", "-")
        if not kept.exists():
            middle, spread, _ = fit(form, circuit, numbers[fitted], currents[fitted], seconds[form])
            np.savez(kept, middle=middle, spread=spread)
        middle, spread = (np.load(kept)[key] for key in ("middle", "spread"))
        rows, loops = draw(form, middle, spread, number, circuit)
        error = curve_error(loops, currents[judging], circuit)
        found["scores"][form] = scores(rows, numbers[judging], error)
        names = (*FORMS[form]["vary"], *FORMS[form]["free"])
        found["models"][form] = dict(zip(names, np.exp(middle).tolist(), strict=True))
        found["models"][form]["sd of ln"] = np.sqrt(np.diag(spread)).tolist()
        drawn[form] = loops
        print(name, form, json.dumps(found["scores"][form]), json.dumps(found["models"][form]), flush=True)
    for other, rows in others(circuit, numbers[fitted]).items():
        found["scores"][other] = scores(rows, numbers[judging])
        print(name, other, json.dumps(found["scores"][other]), flush=True)
    return found, drawn


def block(found):
    """Return the lines of the table."""
    heads = ("model", "V_SET (V)", "V_RESET (V)", "ln LRS", "ln HRS", "loop (rms of ln I)", "no window")
    lines = []
    for name, one in found.items():
        lines += [f"| {name}: {' | '.join(heads)} |".replace(": model", ""), "|---" * len(heads) + "|"]
        for model, row in one["scores"].items():
            cells = [
                "-" if row[key] is None else f"{row[key][0]:+.3f}; {row[key][1]:.2g}; {row[key][2]:.2f}"
                for key in FEATURES
            ]
            curve = "-" if row["curve"] is None else f"{row['curve']:.2f}"
            lines.append(f"| {model} | {' | '.join(cells)} | {curve} | {100 * row['lost']:.0f} % |")
        lines.append("")
    return lines[:-1]


def picture(data, drawn, path):
    """Draw loops of the judging halves, and of the models, as bands of the middle 90 % in ln|I|."""
    import matplotlib.pyplot as plt

    from frenkel.analysis.plots.colours import DATA, SERIES

    figure, axes = plt.subplots(2, len(FORMS), figsize=(9.0, 6.5), layout="constrained", sharex="row")
    for row, (name, (circuit, _, currents)) in zip(axes, data.items(), strict=True):
        volts = circuit.source * circuit.set_sign
        for place, (axis, form) in enumerate(zip(row, FORMS, strict=True)):
            for one in currents[1::2][:8]:
                axis.semilogy(volts, np.abs(one).clip(1e-9), color=DATA, lw=0.5, alpha=0.35)
            for one in drawn[name][form][:8]:
                axis.semilogy(volts, np.abs(one).clip(1e-9), color=SERIES[place], lw=0.7, alpha=0.7)
            axis.plot([], [], color=DATA, label="judging half")
            axis.plot([], [], color=SERIES[place], label=form)
            axis.set(xlabel="source voltage, SET positive (V)", ylabel="|current| (A)", title=name)
            axis.set_ylim(1e-9 if circuit.limit < 1e-4 else 1e-7, 2 * circuit.limit)
            axis.set_xlim(-1.5, 1.5)
            axis.legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=80, pil_kwargs={"optimize": True})


def main():
    """Fit, judge, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("loops", type=Path)
    parser.add_argument("ensemble", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder; fits in it are kept")
    parser.add_argument(
        "--seconds", type=float, default=90.0, help="of CPU for a fit of JART; Stanford: a third"
    )
    parser.add_argument("--physical", type=Path, help="of frenkel fit --form physical, other devices")
    parser.add_argument("--number", type=int, default=60, help="of drawn devices")
    parser.add_argument("--write", action="store_true", help="table and picture to docs/")
    options = parser.parse_args()
    from frenkel.cells.card import Card
    from frenkel.cells.physical import PhysicalModel

    def jumps(circuit, _):
        models = {"jump card hfo2": Card.load("hfo2")}
        if options.physical:
            models["physical model"] = PhysicalModel.load(options.physical)
        return {name: jump_numbers(one, 256, circuit, 1) for name, one in models.items()}

    def card(_, numbers):
        return {"card of the fitted half": card_numbers(numbers, 256, 1)}

    options.output.mkdir(parents=True, exist_ok=True)
    data = {"measured loops": measured_loops(options.loops), "default": default_loops(options.ensemble)}
    seconds = {form: options.seconds / (3.0 if form == "Stanford-PKU" else 1.0) for form in FORMS}
    found, drawn = {}, {}
    for (name, one), others in zip(data.items(), (card, jumps), strict=True):
        found[name], drawn[name] = compare(name, one, others, seconds, options.number, options.output)
    (options.output / "published_forms.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    picture(data, drawn, options.output / "published_forms.png")
    lines = "\n".join(block(found))
    print(lines)
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{lines}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
        picture(data, drawn, PAGE.parent / "published_forms.png")


if __name__ == "__main__":
    main()
