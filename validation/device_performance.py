"""Print the targets of a device, what was measured, and the verdict.

    .venv/bin/python validation/device_performance.py [--rows gap,levels] [--quick] [--workers 2] [--record]

Voltages are read at events; devices that fail or run out of CPU time count as missed. The table is written to
build/verify/ too, as device.md and device.json. `--record` writes the rows that are missed, with their
figures, to device_misses.json, which `make verify` holds the next run against: better and worse are seen. A
reason written there by hand stays while the figure does.
"""

import argparse
import json
import math
import os
import sys
import time
import traceback
import warnings
from dataclasses import asdict, replace
from pathlib import Path

# Before numpy: two processes with two threads each would stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from device_bench import Bench
from device_cell import material_of
from device_retention import HOT
from device_rows import GROUPS
from device_targets import Found, judged
from misses import record
from published_numbers import grid

HERE = Path(__file__).resolve().parent
MISSES = HERE / "device_misses.json"
BUILD = HERE.parent / "build" / "verify"
HEADS = ("row", "quantity", "asked", "measured", "unit", "measured on", "verdict")
QUICK = {
    "devices": 4,
    "number": 8,
    "states": 3,
    "forming_devices": 2,
    "rates": (1e2, 1e4),
    "endurance": (2, 60),
    "demos": 1,
    "temperatures": (HOT, 500.0),
    "budgets": {
        "cycles": 60.0,
        "forming": 60.0,
        "endurance": 60.0,
        "state": 5.0,
        "limit": 10.0,
        "demo": 200.0,
    },
}


def main():
    """Measure, print and write; return the exit status."""
    options = read_options()
    bench = Bench(material=options.material, numbers=json.loads(options.values), workers=options.workers)
    bench = replace(bench, **QUICK) if options.quick else bench
    bench = replace(bench, setting=bench.setting | json.loads(options.setting))
    if options.record and (options.rows or options.material != "HfO2-fast" or options.values != "{}"):
        sys.exit("--record takes all rows of the default HfO2: leave out --rows, --material and --values")
    names = options.rows.split(",") if options.rows else list(GROUPS)
    if unknown := [name for name in names if name not in GROUPS]:
        sys.exit(f"no rows {unknown[0]!r}; there are: {', '.join(GROUPS)}")
    began, rows = time.monotonic(), []
    for name in names:
        for row in measured(name, bench):
            rows.append(row)
            print(f"{time.monotonic() - began:5.0f} s", *cells(row), sep="  ", file=sys.stderr, flush=True)
    text = report(rows, bench, time.monotonic() - began, options.quick)
    print(text, flush=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "device.md").write_text(text + "\n", encoding="utf-8")
    (BUILD / "device.json").write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    if options.record:
        record(MISSES, rows, material=material_of(bench.material, bench.numbers).hash, quick=options.quick)
    return 0


def read_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", default="", help=f"some of {', '.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="few devices: does it run at all?")
    parser.add_argument("--record", action="store_true", help="take the misses over as the known ones")
    parser.add_argument("--material", default="HfO2-fast")
    parser.add_argument("--values", default="{}", help="numbers of the material to replace, as JSON")
    parser.add_argument("--setting", default="{}", help="fields of the setting to replace, as JSON")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (all processors)")
    return parser.parse_args()


def measured(name, bench):
    """Return the rows of a group; an error in it is a miss of all of them, so that the others are printed."""
    group, ids = GROUPS[name]
    try:
        with warnings.catch_warnings():
            # Empty and all-NaN columns: what gave no number is said in the row.
            warnings.simplefilter("ignore", RuntimeWarning)
            found = group(bench)
    except Exception as error:
        traceback.print_exc()
        found = [Found(id=one, value=math.nan, n="", note=f"not measured: {error}") for one in ids]
    return [judged(one) for one in found]


def report(rows, bench, wall, quick):
    """Return the table and what belongs to it as Markdown."""
    setting = ", ".join(f"{key} {value}" for key, value in bench.setting.items())
    lines = [
        f"# {bench.material}: targets, and measured",
        "",
        f"Seeds from {bench.first_seed}; {setting or 'default setting'} (SI units)."
        + (f" Numbers replaced: {json.dumps(bench.numbers)}." if bench.numbers else "")
        + (" Quick: too few devices for the verdicts." if quick else ""),
        "",
        *grid([HEADS, *(cells(row) for row in rows)]),
        "",
        f"**{sum(row.verdict for row in rows)} of {len(rows)} rows met.** {wall:.0f} s.",
        "",
        *(f"- {row.id}: {row.note}." for row in rows if row.note),
    ]
    return "\n".join(lines)


def cells(row):
    """Return the cells of one row."""
    number = "inf" if math.isinf(row.ours) else row.ours_text.removesuffix(row.unit).strip()
    return row.id, row.quantity, row.published, number, row.unit, row.n, "met" if row.verdict else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
