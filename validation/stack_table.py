"""What is published of stacks of oxides, beside what the examples give: a block of docs/layers.md.

    .venv/bin/python validation/stack_table.py [--devices 4]

Runs each examples/stack_*.toml with seeds that nothing was chosen by, and writes the table into the page
between its marks. Nothing is fitted to what is beside it. Takes about 4 minutes of one core.
"""

import argparse
import math
import os
import signal
import tomllib
from pathlib import Path

# Before numpy: threads of a small device stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from frenkel.configuration.device import parse
from frenkel.experiment import device

ROOT = Path(__file__).resolve().parent.parent
PAGE, EXAMPLES = ROOT / "docs" / "layers.md", ROOT / "examples"
BEGIN, END = "<!-- begin stack_table.py -->", "<!-- end stack_table.py -->"
FIRST_SEED = 5201
ABRUPT, WITHIN, LEAST = 0.5, 0.06, 0.05
"""A switching is abrupt where this fraction of ln(HRS/LRS) lies within this voltage (V), or in one pulse;
voltages below the last one (V) are left out."""

OPEN, SECONDS = 2.0, 40.0
"""Least HRS/LRS of a cycle that counts as switching, and CPU time (s) that a device may take."""

PUBLISHED = {
    "ti_hfo2": ("SET at plus on titanium; on/off above 100",
                "doi:10.1109/IEDM.2008.4796677, recalled"),
    "tio2_al2o3": ("bipolar; forming breaks the Al2O3; on/off about 100, ±0.8 V",
                   "Alekseeva et al., Jpn. J. Appl. Phys. 55 (2016), abstract seen"),
    "taox_hfo2": ("SET at plus on the electrode at TaOx; SET and RESET gradual; on/off about 10",
                  "doi:10.1038/s41586-020-1942-4, recalled"),
    "taox_ta2o5": ("SET at minus on the electrode at Ta2O5; on/off about 10; small pulses: gradual RESET",
                   "doi:10.1038/nmat3070, recalled; arXiv:2406.13676, abstract seen"),
    "cmo_hfox": ("gradual both ways; below 1.5 V; more than 32 states",
                 "arXiv:2502.04524, abstract seen"),
}  # fmt: skip
"""What is published of each stack, and where."""

HEADS = ("example", "published", "source", "SET at", "open cycles", "SET", "RESET", "on/off")


def step(result, phase, size):
    """Return the largest change of ln|I/V| within `WITHIN` on the way out of a sweep, over ``size``."""
    own = result["phase"].values == phase
    volts, amps = (np.abs(result[key].values[own]) for key in ("source_voltage", "current"))
    out = slice(0, int(np.argmax(volts)) + 1)
    volts, amps = volts[out], amps[out]
    seen = (volts > LEAST) & (amps > 0.0)
    volts, log = volts[seen], np.log(amps[seen] / volts[seen])
    near = np.abs(volts[:, None] - volts) <= WITHIN
    return float((np.abs(log[:, None] - log) * near).max(initial=0.0) / size)


def cycles(result):
    """Return a row for each cycle: sign of SET, ln(HRS/LRS), largest steps of SET and of RESET over it.

    A step is that within `WITHIN` of the voltage of a sweep, or that of one pulse of a train.
    """
    kind, name = result["phase_kind"].values.astype(str), result["phase_name"].values.astype(str)
    log = np.log(np.abs(result["read_current"].values))
    sign = np.sign(result["peak_source_voltage"].values)
    if "pulse" in kind:
        ways = {way: np.flatnonzero(np.char.startswith(name, way)) for way in ("reset", "set")}
        down, up = (log[ways[way]] for way in ("reset", "set"))
        size = float(np.ptp(np.concatenate([down, up])))
        steps = [np.abs(np.diff(way)).max() / size for way in (np.r_[down[-1], up], down)]
        return [(sign[ways["set"][0]], size, *steps)]
    rows = []
    for place in np.flatnonzero(kind == "set"):
        before = np.flatnonzero(kind[:place] == "reset")
        size = float(log[place] - log[before[-1]])
        steps = [step(result, phase, size) if size > 0.0 else 0.0 for phase in (place, before[-1])]
        rows.append((sign[place], size, *steps))
    return rows


class OutOfTime(RuntimeError):
    """A device used up its CPU time."""


def stop(*_):
    raise OutOfTime


def run(document, seed):
    """Return the cycles of a device, None where they take more than `SECONDS`."""
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return cycles(device.run(parse(document | {"seed": seed})))
    except OutOfTime:
        return None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)


def measure(name, seeds):
    """Return the cells of a stack that are ours."""
    document = tomllib.loads((EXAMPLES / f"stack_{name}.toml").read_text(encoding="utf-8"))
    done = [rows for seed in seeds if (rows := run(document, seed)) is not None]
    rows = [row for one in done for row in one]
    switched = np.array([row for row in rows if row[1] >= math.log(OPEN)]).reshape(-1, 4)
    counted = f"{len(switched)} of {len(rows)}"
    if len(done) < len(seeds):
        counted += f", {len(seeds) - len(done)} of {len(seeds)} devices cut off after {SECONDS:g} s"
    if not len(switched):
        return "-", counted, "-", "-", "-"
    words = [
        f"{'abrupt' if np.median(part) >= ABRUPT else 'gradual'} ({np.median(part):.2f})"
        for part in switched[:, 2:].T
    ]
    ratios = np.exp(np.quantile(switched[:, 1], (0.0, 0.5, 1.0)))
    low, middle, high = (f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}" for ratio in ratios)
    sign = "plus" if (switched[:, 0] > 0).all() else "minus" if (switched[:, 0] < 0).all() else "both"
    return sign, counted, *words, f"{middle} ({low} to {high})"


def table(devices):
    """Return the lines of the table."""
    lines = ["| " + " | ".join(HEADS) + " |", "| --- " * len(HEADS) + "|"]
    for name, (published, source) in PUBLISHED.items():
        ours = measure(name, range(FIRST_SEED, FIRST_SEED + devices))
        lines.append("| " + " | ".join((f"`stack_{name}`", published, source, *ours)) + " |")
        print(lines[-1], flush=True)
    return lines


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--devices", type=int, default=4, help="seeds of each stack (4)")
    lines = table(parser.parse_args().devices)
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
