"""Measure of every packaged set what its own expert asks first; write docs/family_table.json.

    python validation/family_table.py [--mode quick|full] [--sets TaOx,Ag-SiO2] [--budget 2] [--seed 9101]

Devices are switched on by the protocol of docs/retention.py and off by that of docs/high_states.py, cycle
after cycle: `full` takes 8 devices of 8 cycles, `quick` 2 of 3. One more device each is at 350 K, is
switched on by the opposite polarity, and has twice the width and thickness. No set has widths of a
population of its own, so none are drawn: devices differ by their seeds. A set is measured again when its
numbers, its protocol or the mode change, or when it is named. A device that takes longer than the budget (s
of CPU time) counts as cut. docs/tables.py puts what was measured into docs/materials.md.
"""

import math
import os
import sys
from dataclasses import astuple
from functools import partial
from pathlib import Path

# Before numpy: threads of a small device stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

DOCS = Path(__file__).resolve().parent.parent / "docs"
sys.path.insert(0, str(DOCS))

from high_states import opposite  # noqa: E402
from retention import (  # noqa: E402
    OutOfTime,
    Ramp,
    asked,
    found_before,
    ramps,
    unchanged,
    within,
    write_found,
)

from frenkel.analysis.statistics.variance import variance_components  # noqa: E402
from frenkel.kinetic.circuit import Circuit  # noqa: E402
from frenkel.kinetic.device import Device  # noqa: E402
from frenkel.kinetic.materials.material import Material  # noqa: E402
from frenkel.kinetic.run import EventBudgetError  # noqa: E402
from frenkel.kinetic.waveform import Waveform  # noqa: E402

FOUND = DOCS / "family_table.json"
MODES = {"quick": (2, 3), "full": (8, 8)}
READ, WARM, DIGITS = 0.1, 350.0, 4
"""Voltage of reads (V), higher temperature (K), and digits of log10 R to which values count as equal."""

SAMPLES = 120
COLUMNS = ("pristine", "set", "low", "reset", "high", "hot")


def resistance(device):
    """Return R (ohm) at the voltage of reads."""
    return READ / device.current(READ)


def above(device, sample):
    """Return the fraction of samples above the melting point; NaN where there is none."""
    point = device.material.heat.melting_point if device.material.has("heat") else 0.0
    return float((sample["temperature_max"] > point).mean()) if point else math.nan


def switch_on(device, way, sign=1.0):
    """Switch a device on; return the voltage of SET (V; NaN: not on, or pulses) and the samples."""
    if not isinstance(way, Ramp):
        for _ in range(way.count):
            sample = device.advance(Waveform.constant(sign * way.voltage, way.each), samples=2).sample
        return math.nan, sample
    device.circuit = Circuit(series_resistance=way.series, compliance=way.limit)
    sample = device.advance(Waveform.ramp(sign * way.top, way.rate), samples=SAMPLES, stop=way.reached).sample
    reached, end = abs(sample["current"][-1]) >= 0.99 * way.limit, device.source_voltage
    device.advance(Waveform.constant(end, way.hold), samples=4)
    device.advance(Waveform.ramp(0.0, 1e3 * way.rate, start=end), samples=4)
    return (end if reached else math.nan), sample


def cycle(device, way):
    """Return what `COLUMNS` name of one cycle; `pristine` is R before it."""
    before = resistance(device)
    voltage, rise = switch_on(device, way)
    low = resistance(device)
    device.circuit = Circuit(series_resistance=way.series if isinstance(way, Ramp) else 0.0)
    fall = device.advance(opposite(way), samples=SAMPLES).sample
    reset = float(fall["source_voltage"][int(np.argmax(np.abs(fall["current"])))])
    hot = max(above(device, rise), above(device, fall))
    return before, voltage, low, reset if isinstance(way, Ramp) else math.nan, resistance(device), hot


def protocol(name, family):
    """Return how a set is switched on: as for its retention, or as its family where that has no SET."""
    way = ramps(name, family)[0]
    return way if isinstance(way, Ramp) or way.count else ramps("", family)[0]


def build_device(material, way, seed, *, scale=1, **options):
    """Return a device of a protocol, so many times as wide and thick."""
    spacing = material.lattice.spacing
    return Device(material, scale * way.layers * spacing, scale * way.width * spacing, seed=seed, **options)


def attempt(budget, task):
    """Return what a measurement returns, and a word on why it gave nothing."""
    try:
        with within(budget):
            return task(), ""
    except (OutOfTime, EventBudgetError):
        return None, f"cut after {budget:g} s"
    except ValueError as error:
        return None, str(error)


def repeated(values):
    """Return the fraction of resistances that occur more than once."""
    counts = np.unique(np.round(np.log10(values), DIGITS), return_counts=True)[1]
    return float(counts[counts > 1].sum() / len(values)) if len(values) else math.nan


def fraction(table):
    """Return the part of the variance of ln R that is between devices; NaN where it cannot be told."""
    table = [row for row in table if len(row) == max(map(len, table))]
    if len(table) < 2 or len(table[0]) < 2:
        return math.nan
    between, inside = variance_components(np.log(table))
    return max(between, 0.0) / (max(between, 0.0) + inside) if inside > 0.0 or between > 0.0 else math.nan


def middle(values):
    """Return the median of the finite values, and None without any."""
    found = np.asarray(values, float)
    found = found[np.isfinite(found)]
    return float(np.median(found)) if len(found) else None


def once(material, way, seed, **options):
    """Return V_SET and HRS/LRS of the first cycle of a device."""
    row = cycle(build_device(material, way, seed, **options), way)
    return [None if math.isnan(row[1]) else row[1], row[4] / row[2]]


def reversed_once(material, way, seed):
    """Return R as made over R after the protocol of SET with the other sign."""
    device = build_device(material, way, seed)
    before = resistance(device)
    switch_on(device, way, sign=-1.0)
    return before / resistance(device)


def cited(material):
    """Return the fraction of numbers that are measured, computed, or have a reference."""
    rows = material.table()
    known = [
        row.confidence in ("measured", "ab initio", "machine-learned potential")
        or any(word in row.source for word in ("doi:", "arXiv:", "10."))
        for row in rows
    ]
    return sum(known) / len(rows)


def measure(material, way, size, budget, first):
    """Return the row of a set."""
    devices, number = size
    rows = []
    for seed in range(first, first + devices):
        device, table = build_device(material, way, seed), []
        try:
            with within(budget):
                for _ in range(number):
                    table.append(cycle(device, way))
        except (OutOfTime, EventBudgetError):
            pass
        rows.append(table)
    done = [dict(zip(COLUMNS, row, strict=True)) for table in rows for row in table]
    first_rows = [dict(zip(COLUMNS, table[0], strict=True)) for table in rows if table]
    later = [dict(zip(COLUMNS, row, strict=True)) for table in rows for row in table[1:]]
    found = {
        "cycles": [len(done), devices * number],
        "forming": middle([row["set"] for row in first_rows]),
        "pristine_over_high": middle([row["pristine"] / row["high"] for row in first_rows]),
        "set": middle([row["set"] for row in later]),
        "reset": middle([row["reset"] for row in done]),
        "low": middle([row["low"] for row in done]),
        "high": middle([row["high"] for row in done]),
        "repeated": [repeated([row[key] for row in done]) if done else None for key in ("low", "high")],
        "hot": middle([max(row["hot"] for row in done)]) if done else None,
        "cited": cited(material),
    }
    parts = [fraction([[row[k] for row in table] for table in rows if table] or [[]]) for k in (2, 4)]
    found["between"] = [None if math.isnan(part) else part for part in parts]
    one = material, way, first + devices
    for key, task in (
        ("warm", partial(once, *one, temperature=WARM)),
        ("large", partial(once, *one, scale=2)),
        ("reversed", partial(reversed_once, *one)),
    ):
        found[key], why = attempt(budget, task)
        if why:
            found[f"{key}_why"] = why
    return found


def main():
    """Measure what has changed and write it."""
    parser = asked(str(__doc__))
    parser.add_argument("--mode", choices=list(MODES), default="quick")
    parser.add_argument("--budget", type=float, default=2.0, help="CPU time of a device, s (2)")
    parser.add_argument("--seed", type=int, default=9101, help="of the first device (9101)")
    options = parser.parse_args()
    known = found_before(FOUND)
    for name in options.sets.split(",") if options.sets else Material.names():
        material = Material.load(name)
        way = protocol(name, material.family)
        key = [material.hash, astuple(way), options.mode, options.seed]
        if not options.sets and unchanged(known, name, key):
            continue
        row = measure(material, way, MODES[options.mode], options.budget, options.seed)
        known[name] = {"key": key, "budget": options.budget} | row
        write_found(FOUND, known)
        print(name, row, flush=True)


if __name__ == "__main__":
    main()
