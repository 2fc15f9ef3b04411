"""Print what a population of devices should do, what was measured with its 95 % interval, and the verdict.

    .venv/bin/python validation/population_table.py [--rows variance,times] [--mode quick|short|long]

`--population FILE` takes the table [population] of a TOML file. The quick mode says only whether all runs;
the others have the devices that the verdicts need. The table is written to build/verify/population.md too.
"""

import argparse
import json
import os
import sys
import time
import tomllib
import warnings
from dataclasses import replace
from pathlib import Path

# Before numpy: two processes with two threads each would stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from device_bench import PROTOCOL
from population_event_rows import GROUPS as EVENT_GROUPS
from population_rows import GROUPS as CYCLE_GROUPS
from population_rows import Population, means
from population_wait_rows import GROUPS as WAIT_GROUPS
from published_numbers import grid

BUILD = Path(__file__).resolve().parent.parent / "build" / "verify"
GROUPS = CYCLE_GROUPS | EVENT_GROUPS | WAIT_GROUPS
HEADS = ("row", "quantity", "asked", "measured", "95 %", "unit", "measured on", "verdict")
MODES = {
    "quick": {"devices": 4, "number": 5, "states": 2, "stops": (0.9, 1.1), "voltages": (0.8, 1.0)},
    "short": {"devices": 64, "number": 20, "states": 12},
    "long": {"devices": 64, "number": 20, "long": 100, "states": 48},
}


def main():
    """Measure, print and write; return the exit status."""
    options = read_options()
    names = options.rows.split(",") if options.rows else list(GROUPS)
    if unknown := [name for name in names if name not in GROUPS]:
        sys.exit(f"no rows {unknown[0]!r}; there are: {', '.join(GROUPS)}")
    widths = {}
    if options.population:
        widths = tomllib.loads(Path(options.population).read_text(encoding="utf-8"))["population"]
    bench = Population(
        material=options.material,
        population=widths,
        setting=PROTOCOL | json.loads(options.setting),
        workers=options.workers,
        **MODES[options.mode],
    )
    if options.seed:
        bench = replace(bench, first_seed=options.seed)
    began, rows = time.monotonic(), []
    for name in names:
        with warnings.catch_warnings():
            # Devices without a number give empty columns: the row says so.
            warnings.simplefilter("ignore", RuntimeWarning)
            found = GROUPS[name](bench)
        rows += found
        for row in found:
            passed = f"{time.monotonic() - began:5.0f} s"
            print(passed, *row.cells(), row.note, sep="  ", file=sys.stderr, flush=True)
    setting = ", ".join(f"{key} {value}" for key, value in bench.setting.items())
    matrix = ["", "Correlation of device means (no target):", "", *means(bench)] if "spread" in names else []
    text = "\n".join(
        [
            f"# {options.material}: a population, asked and measured ({options.mode})",
            "",
            f"Seeds from {bench.first_seed}; {setting} (SI units).",
            "",
            *grid([HEADS, *(row.cells() for row in rows)]),
            "",
            *(f"- {row.id}: {row.note}." for row in rows if row.note),
            *matrix,
        ]
    )
    print(text, flush=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "population.md").write_text(text + "\n", encoding="utf-8")
    return 0


def read_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", default="", help=f"some of {', '.join(GROUPS)}")
    parser.add_argument("--mode", choices=list(MODES), default="short")
    parser.add_argument("--material", default="HfO2")
    parser.add_argument("--population", default="", help="TOML file with the table [population]")
    parser.add_argument("--setting", default="{}", help="fields of the setting to replace, as JSON")
    parser.add_argument("--seed", type=int, default=0, help="of the first device")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (all processors)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
