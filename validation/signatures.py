"""Print what sets each material and family apart: published signature and ours.

    .venv/bin/python validation/signatures.py [--rows E-01,I-04] [--families ecm,2d] [--workers 2]

Each module `signatures_<family>.py` beside this one has a dictionary SIGNATURES of functions that measure;
the table is written to build/verify/signatures.md and signatures.json.

What is published of hafnia, or of valence change as such, stands on the default HfO2, whatever comes out,
unless the default has not what the row is about (docs/materials.md).
"""

import argparse
import importlib
import json
import math
import os
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

# Before numpy: two processes with two threads each would stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests" / "oracles"))

from published_numbers import BUILD, HEADS, cells, grid  # noqa: E402
from row import Row  # noqa: E402

FAMILIES = sorted(path.stem.removeprefix("signatures_") for path in HERE.glob("signatures_*.py"))


def main():
    """Measure, print and write; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", default="", help="some ids instead of all")
    parser.add_argument("--families", default=",".join(FAMILIES), help=f"some of {', '.join(FAMILIES)}")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (all processors)")
    options = parser.parse_args()
    began = time.monotonic()
    wanted = set(options.rows.split(",")) if options.rows else None
    tasks = [
        (family, name)
        for family in options.families.split(",")
        for name in importlib.import_module(f"signatures_{family}").SIGNATURES
        if wanted is None or name in wanted
    ]
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(measure, *task) for task in tasks]
        found = []
        for (family, name), future in zip(tasks, futures, strict=True):
            rows, wall = future.result()
            found += [(family, row) for row in rows]
            print(f"{family} {name}: {', '.join(row.verdict_text for row in rows)}, {wall:.0f} s", flush=True)
    text = report(found, time.monotonic() - began)
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "signatures.md").write_text(text + "\n", encoding="utf-8")
    records = [asdict(row) | {"family": family} for family, row in found]
    found_json = json.dumps(records, indent=1, default=lambda value: value.item())
    (BUILD / "signatures.json").write_text(found_json, encoding="utf-8")
    print(text)
    return 0


def measure(family, name):
    """Return the rows of one function and its wall time; an error in it is a row that is out."""
    began = time.monotonic()
    try:
        rows = importlib.import_module(f"signatures_{family}").SIGNATURES[name]()
    except Exception as error:
        traceback.print_exc()
        rows = [
            Row(
                id=name,
                quantity="",
                published="",
                source="",
                confidence="",
                ours=math.nan,
                verdict=False,
                note=f"{type(error).__name__}: {error}",
            )
        ]
    return rows, time.monotonic() - began


def report(found, wall):
    """Return the tables of all families and what belongs to them as Markdown."""
    banded = [row for _, row in found if row.verdict is not None]
    good = sum(row.verdict for row in banded)
    lines = ["# What sets the families apart: published and ours", ""]
    for family in dict.fromkeys(family for family, _ in found):
        rows = [row for one, row in found if one == family]
        lines += [f"## {family}", "", *grid([HEADS, *(cells(row) for row in rows)]), ""]
        for row in rows:
            note = f" {row.note}." if row.note else ""
            lines.append(f"- {row.id}: {row.source} ({row.confidence}).{note}")
        lines.append("")
    return "\n".join([*lines, f"**{good} of {len(banded)} rows in band.** {wall:.0f} s."])


if __name__ == "__main__":
    sys.exit(main())
