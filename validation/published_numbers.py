"""Print the table of published numbers and ours for the default preset.

    .venv/bin/python validation/published_numbers.py [--rows V-01,V-02] [--quick] [--workers 2] [--retry]

Results of single devices are kept in build/verify/ and not done again for the same material, version and
source; the table is written there too, as table.md and table.json. `--record` takes the rows that are out,
with their figures, over as the known ones: published_misses.json.
"""

import argparse
import json
import math
import os
import sys
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from inspect import signature
from pathlib import Path

# Before numpy: two processes with two threads each would stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from explanations import WHY
from laboratory import Laboratory
from misses import record
from physics_rows import ROWS
from row import Row
from settings import Protocol

MISSES = Path(__file__).with_name("published_misses.json")
BUILD = Path(__file__).resolve().parents[1] / "build" / "verify"
HEADS = ("row", "quantity", "published", "ours", "measured on", "verdict")
QUICK = 4  # times fewer devices


def main():
    """Measure, print and write; return the exit status."""
    options = read_options()
    protocol = replace(Protocol(), cycles=8, patience=30.0) if options.quick else Protocol()
    changes = json.loads(options.protocol)
    # JSON has lists where the protocol, which must be hashable, has tuples.
    protocol = replace(protocol, **{k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()})
    protocol = replace(protocol, values=tuple(json.loads(options.values).items()))
    if options.record and (options.rows or options.values != "{}" or options.protocol != "{}"):
        sys.exit("--record takes all rows of the default set: leave out --rows, --values and --protocol")
    began = time.monotonic()
    with Laboratory(BUILD, protocol, options.workers, retry=options.retry, first=options.first) as lab:
        names = options.rows.split(",") if options.rows else list(ROWS)
        if unknown := [name for name in names if name not in ROWS]:
            sys.exit(f"no row {unknown[0]!r}; there are: {', '.join(ROWS)}")
        # Rows wait for their tasks in threads; the tasks run in the processes of the laboratory.
        with ThreadPoolExecutor(len(names)) as threads:
            futures = [threads.submit(measure, lab, name, options) for name in names]
            rows = [future.result() for future in futures]
        text = report(rows, lab, time.monotonic() - began, options.quick)
    print(text, flush=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "table.md").write_text(text + "\n", encoding="utf-8")
    found = [asdict(row) | {"why": WHY.get(row.id, "")} for row in rows]
    (BUILD / "table.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    if options.record:
        record(MISSES, rows, WHY, material=protocol.of_material().hash, options=key(options))
    return 0


def key(options):
    """Return what figures depend on: devices, cycles, seeds."""
    return {"quick": options.quick, "seeds": options.seeds, "first": options.first}


def read_options(words=None):
    """Return the options of the command line, or of words."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", default="", help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="few devices and cycles: does it run at all?")
    parser.add_argument("--seeds", type=int, help="devices for every row instead of its own number")
    parser.add_argument("--first", type=int, default=1, help="seed of the first device")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (all processors)")
    parser.add_argument("--retry", action="store_true", help="do again what ran out of time")
    parser.add_argument("--record", action="store_true", help="take what is out over as the known misses")
    parser.add_argument("--values", default="{}", help="numbers of the material to replace, as JSON")
    parser.add_argument("--protocol", default="{}", help="fields of the protocol to replace, as JSON")
    return parser.parse_args(words)


def measure(lab, name, options):
    """Return one row; an error in it is a row that is out, so that the others are still printed."""
    measured = ROWS[name]
    number = options.seeds or signature(measured).parameters["n"].default
    if options.quick and not options.seeds:
        number = max(2, number // QUICK)
    try:
        with warnings.catch_warnings():
            # "All-NaN slice": a setting at which no device gave a number is said in the row.
            warnings.simplefilter("ignore", RuntimeWarning)
            return measured(lab, number)
    except Exception as error:
        if not isinstance(error, ValueError):
            traceback.print_exc()
        return Row(
            id=name,
            quantity=measured.__doc__.split("\n")[0].rstrip("."),
            published="",
            source="",
            confidence="",
            ours=math.nan,
            verdict=False,
            n=f"{number} devices",
            note=f"{type(error).__name__}: {error}",
        )


def report(rows, lab, wall, quick):
    """Return the table and what belongs to it as Markdown."""
    protocol, material = lab.protocol, lab.material
    banded = [row for row in rows if row.verdict is not None]
    good = sum(row.verdict for row in banded)
    lines = [
        f"# {material.name} ({material.hash}): published and ours",
        "",
        f"{protocol.thickness * 1e9:.3g} nm thick, {protocol.width * 1e9:.3g} nm wide, "
        f"{protocol.series_resistance:g} ohm in series, forming at {protocol.forming_rate:g} V/s, held at "
        f"{protocol.forming_compliance * 1e6:g} uA; RESET to -{protocol.reset_voltage:g} V, SET to "
        f"{protocol.set_limit:g} V held at {protocol.compliance * 1e6:g} uA, at {protocol.cycle_rate:g} V/s."
        + (" Quick: too few devices for the verdicts." if quick else ""),
        "",
        *grid([HEADS, *(cells(row) for row in rows)]),
        "",
        f"**{good} of {len(banded)} rows in band.** {wall:.0f} s.",
        "",
    ]
    for row in rows:
        lines.append(f"- {row.id}: {row.source} ({row.confidence})." + (f" {row.note}." if row.note else ""))
        if row.verdict is False:
            lines.append(f"  Out: {WHY.get(row.id, 'not explained yet')}")
    return "\n".join(lines)


def cells(row):
    """Return the cells of one row."""
    return row.id, row.quantity, row.published, row.ours_text, row.n, row.verdict_text


def grid(table):
    """Return a Markdown table with columns as wide as their longest cell."""
    width = [max(len(line[k]) for line in table) for k in range(len(table[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, width, strict=True)) + " |" for line in table
    ]
    return [lines[0], "|" + "|".join("-" * (w + 2) for w in width) + "|", *lines[1:]]


if __name__ == "__main__":
    sys.exit(main())
