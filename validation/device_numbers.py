"""Search the numbers of a set whose devices form, cycle and keep what they hold.

    .venv/bin/python validation/device_numbers.py SECONDS [--number 0] [--base HfO2]
    .venv/bin/python validation/device_numbers.py --show 5 [--check 24] [--write mine.toml]

An evolutionary search: each trial draws a set near earlier good ones, or anywhere in the ranges, and
measures it on six small devices that no other trial used: forming and eight cycles; where these are good,
levels by the stop of RESET, SET times, other limits, bakes, and waits at 358 K of what they hold. Good sets
are measured again on further devices before they count. Two searches with other ``--number`` share what is
in build/numbers/ and find the same trials only by chance.

The search begins near the numbers of the base set. `--show` prints the best sets, and how far each number
goes among the sets that are nearly as good: as near as this search comes to a posterior. `--write` puts both
into a material file that is based on the base set, and runs as it is. `--check` measures the best on devices
from seed 2001 on, which no search uses. Each line of the log has the medians that its score is made of, too.
"""

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from device_cell import FAILED, Cell, Setting, Watch, material_of
from device_cycles import cycle, cycles, summary
from device_retention import YEARS, arrhenius, retention
from device_rows import repeats
from device_states import levels, limits, prepare, set_times

from frenkel.configuration.material import as_file
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import declared
from frenkel.kinetic.waveform import Waveform

LOG = Path(__file__).resolve().parents[1] / "build" / "numbers"
CHECK = 2001  # first seed of the devices that only `--check` measures
SEARCH = 600_000  # first seed of the search
DEVICES, CYCLES, REPEATS = 6, 8, 5
BUDGET, WAIT = 4.0, 3.0  # s of CPU time: of a device, of a wait
STOPPED, HELD, LIMITED = 0.7, 1.0, 2.5  # s of CPU time: of a RESET to a stop, a hold, a SET at a limit
BAKES, BAKED = (850.0, 650.0), 4.0  # K; s of CPU time of a state in each
WAITING = 3  # devices whose states wait
WORTH = 0.80  # score of cycles from which on states are measured
VOLTAGES, PULSE = (0.5, 0.6, 0.7, 0.8, 1.0), 1.4  # V, of SET times, and of a fast one
CURRENTS = (1e-5, 1e-4, 2e-4)  # A, of R I_c beside that of the cycles

RANGES = {
    # name: lowest, highest, whether the logarithm is drawn; SI units and eV
    "attempt_frequency": (1e12, 1e14, True),  # of hop and exchange
    "vacancy.migration_barrier": (0.8, 1.35, False),
    "vacancy.crowding_barrier": (0.2, 0.8, False),
    "vacancy.binding_energy": (0.15, 0.4, False),
    "vacancy.edge_share": (0.2, 0.8, False),
    "vacancy.crowding_start": (0.6, 3.4, False),
    "vacancy.crowding_count": (2.6, 6.4, False),
    "vacancy.crowding_electrode": (-0.4, 3.4, False),
    "exchange.barrier": (1.5, 2.15, False),
    "exchange.energy": (0.1, 0.6, False),
    "exchange.dipole": (1.3e-9, 2.3e-9, False),
    "exchange.floor": (0.1, 0.6, False),
    "column.radius": (0.4e-9, 0.8e-9, False),
    "column.top_radius": (0.4e-9, 0.8e-9, False),
    "column.migration_shift": (0.3, 0.65, False),
    "conduction.gap_reorganisation": (0.4, 0.9, False),
    "conduction.gap_hops": (1.5, 4.49, False),
    "conduction.decay_length": (0.25e-9, 0.6e-9, False),
    "conduction.tunnel_factor": (0.02, 0.4, True),
    "conduction.contact_top_factor": (0.02, 0.4, True),
    "conduction.prefactor": (3e-5, 2e-4, True),
    "conduction.contact_bottom": (3e-5, 4e-4, True),
    "conduction.contact_top": (3e-5, 4e-4, True),
    "heat.conductivity": (1.2, 3.0, True),
    "heat.lorenz_temperature": (600.0, 1500.0, True),
    "disorder.bond": (0.35, 1.0, False),
    "disorder.site_energy": (0.03, 0.1, False),
    "disorder.relaxation_rate": (1e5, 1e7, True),
    "form_limit": (25e-6, 100e-6, True),
    "reset": (1.3, 2.0, False),
    "series": (3e3, 14e3, True),
}
NAMES = tuple(RANGES)
WHOLE = (
    "vacancy.crowding_start", "vacancy.crowding_count", "vacancy.crowding_electrode", "conduction.gap_hops",
)  # fmt: skip
ATTEMPTS = ("vacancy.attempt_frequency", "exchange.attempt_frequency")
PROTOCOL = {"form_limit": 30e-6, "reset": 1.4, "series": 7500.0}
"""Where the search begins, beside the numbers of the base set."""


@dataclass(frozen=True)
class Target:
    """A band, how fast the score falls outside it, and its weight."""

    low: float
    high: float
    width: float
    weight: float

    def score(self, values):
        """Return the mean over values of 1 in the band, falling off exponentially outside; 0 for NaN."""
        values = np.asarray(values, float)
        outside = np.maximum(np.maximum(self.low - values, values - self.high), 0.0) / self.width
        return float(np.where(np.isfinite(values), np.exp(-outside), 0.0).mean())


R_I_C = np.log10([0.36, 0.55]), np.log10([0.3, 0.6])  # of V: for the cycles, for other limits
OF_CYCLES = {
    "forming": Target(1.2, 2.0, 0.2, 1.0),  # V; a field, so that 5.2 nm form at twice that
    "window": Target(1.0, np.inf, 0.3, 4.0),  # log10
    "v_set": Target(0.72, 1.45, 0.1, 3.0),  # V
    "v_reset": Target(-1.45, -0.74, 0.1, 2.5),  # V
    "R I_c": Target(*R_I_C[0], 0.15, 2.0),  # log10 of V, median of a device
    "lrs spread": Target(0.02, 0.09, 0.03, 1.0),  # decades from cycle to cycle
    "hrs spread": Target(0.22, 0.45, 0.08, 1.5),
    "hottest": Target(0.0, 1480.0, 120.0, 3.0),  # K, worst cycle of a device
    "gap": Target(3.0, np.inf, 1.0, 1.0),  # layers
    "nonlinear": Target(2.1, 7.5, 0.5, 1.0),  # R(0.1 V)/R(0.5 V)
    "one event": Target(0.0, 0.48, 0.1, 1.0),  # of the change of ln G in SET
    "repeated": Target(0.0, 0.0, 0.3, 1.0),  # fraction of HRS values
    "cpu": Target(0.0, 0.06, 0.06, 1.0),  # s a cycle
}
OF_STATES = {
    "levels": Target(1.5, np.inf, 0.7, 2.0),  # decades from -1 to -2 V
    "rises": Target(1.0, 1.0, 1.0, 0.5),  # fraction of the steps of the stop
    "slope": Target(9.0, 19.5, 5.0, 3.0),  # decades of SET time per volt, 0.5 to 1 V
    "fast": Target(-np.inf, -7.4, 0.7, 1.5),  # log10 of s, SET time at PULSE
    "waits": Target(-2.0, 6.0, 3.0, 1.0),  # log10 of s, SET time at the lowest voltage
    "10 uA": Target(*R_I_C[1], 0.15, 0.7),
    "100 uA": Target(*R_I_C[1], 0.15, 0.7),
    "200 uA": Target(*R_I_C[1], 0.15, 0.7),
    "activation": Target(1.25, 1.57, 0.15, 2.0),  # eV, between the bakes
    "low kept": Target(1.0, 1.0, 1.0, 3.0),
    "high kept": Target(1.0, 1.0, 1.0, 1.0),
}


def numbers_of(place):
    """Return the numbers of a set and the setting at a place of the unit cube."""
    drawn = {}
    for u, (name, (low, high, log)) in zip(place, RANGES.items(), strict=True):
        drawn[name] = float(low * (high / low) ** u if log else low + (high - low) * u)
    setting = {name: drawn.pop(name) for name in PROTOCOL}
    drawn |= dict.fromkeys(ATTEMPTS, drawn.pop("attempt_frequency"))
    drawn |= {name: round(drawn[name]) for name in WHOLE}
    start, count = drawn["vacancy.crowding_start"], drawn["vacancy.crowding_count"]
    drawn["vacancy.crowding_count"] = max(count, start + 1)
    drawn["vacancy.crowding_electrode"] = min(drawn["vacancy.crowding_electrode"], count - 1)
    return drawn, setting | {"limit": 30e-6, "set_to": 3.5, "form_to": 4.0}


def measure(base, place, seed):
    """Return the score of a set on devices from ``seed`` on, the scores that it is made of, and medians."""
    numbers, setting = numbers_of(place)
    seeds = range(seed, seed + DEVICES)
    seen = of_cycles(cycles(base, seeds, CYCLES, numbers=numbers, budget=BUDGET, **setting))
    parts = {name: OF_CYCLES[name].score(value) for name, value in seen.items()}
    parts |= dict.fromkeys(OF_STATES, 0.0)
    if _average(OF_CYCLES, parts) > WORTH:
        states = of_states(base, numbers, setting, seeds)
        parts |= {name: OF_STATES[name].score(value) for name, value in states.items()}
        seen |= states
    medians = {name: _short(np.nanmedian(value)) for name, value in seen.items()}
    return _average(OF_CYCLES | OF_STATES, parts), parts, medians


def _average(targets, parts):
    weights = [target.weight for target in targets.values()]
    return float(np.average([parts[name] for name in targets], weights=weights))


def of_cycles(found):
    """Return what `OF_CYCLES` asks for."""
    window = np.where(np.isnan(found.window) | (found.window < 1.0), 1.0, found.window)
    switched = np.isfinite(found.v_set)
    return {
        "forming": found.forming, "window": np.log10(window), "v_set": found.v_set, "v_reset": found.v_reset,
        "R I_c": np.log10(np.nanmedian(found.lrs, axis=1) * found.limit),
        "lrs spread": np.nanstd(np.log10(found.lrs), axis=1, ddof=1),
        "hrs spread": np.nanstd(np.log10(found.hrs), axis=1, ddof=1),
        "hottest": np.nanmax(found.hottest, axis=1), "gap": found.gap,
        "nonlinear": np.nanmedian(found.hrs / found.hrs_half),
        "one event": np.nanmedian(found.share),
        "repeated": repeats(found.hrs[switched]) / max(1, switched.sum()), "cpu": np.nanmean(found.cpu),
    }  # fmt: skip


def of_states(base, numbers, setting, seeds):
    """Return what `OF_STATES` asks for; nothing where fewer than four devices have states."""
    prepared = prepare(base, seeds, 4, keep=1, numbers=numbers, budget=BUDGET, **setting)
    prepared = [one for one in prepared if one.low]
    if len(prepared) < 4:
        return {}
    stopped = np.log10(np.nanmedian(levels(prepared, budget=STOPPED), axis=0))
    times = set_times(prepared, (*VOLTAGES, PULSE), budget=HELD)
    *waited, fast = np.log10(np.median(np.where(times.waiting, 1e7, times.time), axis=0))
    products = limits(prepared, CURRENTS, budget=LIMITED)
    products = np.log10(np.median(np.where(np.isfinite(products), products, np.inf), axis=0))
    kept = np.mean([keeping(base, numbers, setting, one) for one in list(seeds)[:WAITING]], axis=0)
    return {
        "levels": stopped[-1] - stopped[0],
        "rises": np.mean(np.diff(stopped) > 0),
        "slope": (waited[0] - waited[-1]) / (VOLTAGES[-1] - VOLTAGES[0]),
        "waits": waited[0],
        "fast": fast,
        **dict(zip(("10 uA", "100 uA", "200 uA"), products, strict=True)),
        "activation": arrhenius(retention(prepared, "low", BAKES, longest=1e4, budget=BAKED))[0],
        "low kept": kept[0],
        "high kept": kept[1],
    }


def keeping(base, numbers, setting, seed):
    """Return scores of how long LRS and HRS are known to last at 358 K and 0 V: 1 ms is 0, ten years 1."""
    try:
        cell = Cell(material_of(base, numbers), seed, Setting(**setting), BUDGET)
        cell.form()
        low = 0.0
        for _ in range(2):
            low = cycle(cell)["lrs"]
        kept = cell.keep()
        first = _lasts(cell, kept, lambda start, now: start / 2 < now < start * 2)
        cell.reset()
        return first, _lasts(cell, cell.keep(), lambda start, now: now > 3 * low)
    except FAILED:
        return 0.0, 0.0


def _lasts(cell, state, holds):
    oven = Cell(cell.device.material, cell.seed, cell.setting, temperature=358.0)
    oven.again(state, 1)
    oven.allow(WAIT)
    start, last, times = oven.read(), 1e-3, np.geomspace(1e-3, 1e9, 25)
    for moment, span in zip(times, np.diff(times, prepend=0.0), strict=True):
        try:
            oven.apply(Waveform.constant(0.0, span), Watch(), superbasin=True)
        except FAILED:
            return _share(last)
        last = moment
        if not holds(start, oven.read()):
            return _share(last)
    return 1.0


def _share(last):
    return float(min(1.0, np.log10(last / 1e-3) / np.log10(YEARS / 1e-3)))


# ---------------------------------------------------------------------- search


def trials():
    """Return all trials so far: place -> list of (score, parts), best first by a cautious mean."""
    found = {}
    for path in sorted(LOG.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            one = json.loads(line)
            found.setdefault(tuple(one["place"]), []).append((one["score"], one["parts"]))
    return dict(sorted(found.items(), key=lambda item: -_cautious(item[1])))


def _cautious(measured):
    """Mean score less what few devices may add by luck."""
    return np.mean([score for score, _ in measured]) - 0.05 / np.sqrt(len(measured))


def place_of(base):
    """Return the place of a packaged set and of the protocol; the middle of a range where it says nothing."""
    stated = material_of(base).values() | PROTOCOL
    stated["attempt_frequency"] = stated[ATTEMPTS[0]]
    place = [
        0.5 if (value := stated.get(name)) is None
        else np.log(value / low) / np.log(high / low) if log
        else (value - low) / (high - low)
        for name, (low, high, log) in RANGES.items()
    ]  # fmt: skip
    return np.clip(place, 0.0, 1.0)


def next_place(rng, found, start):
    """Draw where to measure next."""
    places = list(found)
    chance = rng.random()
    if chance < 0.1 or len(places) < 12:
        return start + 0.06 * rng.standard_normal(len(NAMES))
    if chance < 0.35:
        fresh = [place for place in places[:8] if len(found[place]) < REPEATS]
        if fresh:
            return np.array(fresh[rng.integers(len(fresh))])
    one, other = (np.array(places[rng.integers(min(most, len(places)))]) for most in (8, 16))
    mixed = np.where(rng.random(len(NAMES)) < 0.5, one, other) if rng.random() < 0.5 else one
    return mixed + (rng.random(len(NAMES)) < 0.35) * 0.15 * rng.standard_normal(len(NAMES))


def search(base, seconds, number):
    """Measure sets until the time is over; one line a trial is added to the log."""
    LOG.mkdir(parents=True, exist_ok=True)
    path = LOG / f"{number}.jsonl"
    done = len(path.read_text().splitlines()) if path.exists() else 0
    start = place_of(base)
    rng, end = np.random.default_rng((number, done)), time.monotonic() + seconds
    while time.monotonic() < end:
        place = np.round(np.clip(next_place(rng, trials(), start), 0.0, 1.0), 4)
        score, parts, medians = measure(base, place, SEARCH + 100_000 * number + DEVICES * done)
        done += 1
        with path.open("a") as log:
            line = {"place": place.tolist(), "score": score, "parts": parts, "medians": medians}
            log.write(json.dumps(line) + "\n")
        print(f"\r{done} trials, this {score:.2f}", end="", flush=True)
    print()


def show(number):
    """Print the best sets and how far each number may go."""
    found = trials()
    for place, measured in list(found.items())[:number]:
        parts = {name: round(float(np.mean([p[name] for _, p in measured])), 2) for name in measured[0][1]}
        print(f"{np.mean([score for score, _ in measured]):.3f} on {DEVICES * len(measured)} devices", parts)
        print(json.dumps([{name: float(f"{value:.3g}") for name, value in part.items()}
                          for part in numbers_of(place)]))  # fmt: skip
    print(f"\nof the best {len(near(found))} of {len(found)} sets, 10 to 90 %:")
    for name, (low, high) in spread(found).items():
        print(f"  {name:32s} {low:.3g} to {high:.3g} of {RANGES[name][0]:.3g} to {RANGES[name][1]:.3g}")


def near(found):
    """Return the places of the sets that are nearly as good as the best: a twentieth, eight at least."""
    return np.array([place for place in list(found)[: max(8, len(found) // 20)]])


def spread(found):
    """Return how far each number goes among the good sets: name -> its 10 and its 90 % quantile."""
    bounds = {}
    for k, (name, (low, high, log)) in enumerate(RANGES.items()):
        at = np.quantile(near(found)[:, k], [0.1, 0.9])
        bounds[name] = tuple(low * (high / low) ** at if log else low + (high - low) * at)
    return bounds


def write(base, path):
    """Write the best set, with how far each of its numbers goes, as a material file based on another set."""
    found = trials()
    place, measured = next(iter(found.items()))
    numbers, setting = numbers_of(place)
    bounds, changes = spread(found), {}
    bounds |= dict.fromkeys(ATTEMPTS, bounds.pop("attempt_frequency"))
    for name, value in numbers.items():
        section, _, key = name.partition(".")
        reach = sorted((value, *(np.round(bounds[name]) if name in WHOLE else bounds[name])))
        changes.setdefault(section, {})[key] = {
            "value": _short(value),
            "unit": declared(section, key).metadata["unit"],
            "confidence": "fitted",
            "fitted_to": "cycles and states of small cells: validation/device_numbers.py",
            "range": [_short(reach[0]), _short(reach[-1])],
            "source": f"best of {len(found)} sets; the range is 10 to 90 % of the best {len(near(found))}",
        }
    protocol = ", ".join(f"{name} {_short(value)}" for name, value in setting.items())
    score = np.mean([one for one, _ in measured])
    head = f"Score {score:.3f} on {DEVICES * len(measured)} devices, for which it was chosen.\n{protocol}"
    path.write_text(as_file(base, changes, head), encoding="utf-8")
    print(f"wrote {path}, {Material.read(path).hash}")


def _short(value):
    return float(f"{value:.4g}")


def check(base, devices):
    """Print what the best set does on devices that no search used."""
    numbers, setting = numbers_of(next(iter(trials())))
    print(summary(cycles(base, range(CHECK, CHECK + devices), 20, numbers=numbers, workers=2, **setting)))


def main():
    """Read the command line; search, or show."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", type=float, nargs="?", default=0.0, help="how long to search")
    parser.add_argument("--number", type=int, default=0, help="of this search")
    parser.add_argument("--base", default="HfO2-fast", help="set to begin at, by name or path")
    parser.add_argument("--show", type=int, default=0, help="print so many of the best sets")
    parser.add_argument("--check", type=int, default=0, help="measure the best on so many other devices")
    parser.add_argument("--write", type=Path, metavar="FILE.toml", help="write the best set and its spread")
    options = parser.parse_args()
    if options.seconds:
        search(options.base, options.seconds, options.number)
    if (options.show or options.write or options.check) and not trials():
        parser.error(f"no trials in {LOG}: search first, for some SECONDS")
    if options.show:
        show(options.show)
    if options.write:
        write(options.base, options.write)
    if options.check:
        check(options.base, options.check)


if __name__ == "__main__":
    main()
