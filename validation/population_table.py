"""Print what a population of devices should do, what was measured with its 95 % interval, and the verdict.

    .venv/bin/python validation/population_table.py [--rows variance,times] [--mode quick] [--record]

`--material` and `--population` take a TOML file with the tables [material] and [population] too; without the
latter a population is what the set ships. The modes
have more and more devices: quick takes some 10 minutes of CPU with the default, short half an hour of two
processors, long ten hours of CPU; a set whose cycles cost more than a mode can afford gets as many devices
less. Rows go to build/verify/population.json group by group: a run that was stopped goes on, and so does one
of which docs/ has some groups; groups of a longer mode stay, those of a shorter one are measured again if
`--rows` names them. `--record` keeps the rows and the page in docs/.
"""

import argparse
import json
import os
import sys
import tomllib
import warnings
from dataclasses import asdict, replace
from pathlib import Path

# Before numpy: two processes with two threads each would stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from device_cycles import cycles
from population_event_rows import GROUPS as EVENT_GROUPS
from population_forming_rows import GROUPS as FORMING_GROUPS
from population_page import PAGE, RECORDED, page, table
from population_published_rows import GROUPS as PUBLISHED_GROUPS
from population_rows import GROUPS as CYCLE_GROUPS
from population_rows import Population, means
from population_wait_rows import GROUPS as WAIT_GROUPS

from frenkel import provenance

BUILD = Path(__file__).resolve().parent.parent / "build" / "verify"
PROTOCOL = {
    "form_limit": 30e-6, "limit": 30e-6, "reset": 1.6, "set_to": 3.5, "series": 7500.0, "width": 5.2e-9,
}  # fmt: skip
"""Of the default (examples/search_hfo2.toml)."""
GROUPS = CYCLE_GROUPS | EVENT_GROUPS | FORMING_GROUPS | WAIT_GROUPS | PUBLISHED_GROUPS
MODES = {
    "quick": {
        "devices": 24, "number": 20, "long": 84, "states": 8, "programmed": 12, "forming": 48, "boxes": 100,
        "thick_states": 3, "endurance": (6, 100), "stops": (0.7, 0.8, 0.9, 1.0, 1.1, 1.3, 1.5),
        "voltages": (0.6, 0.65, 0.7, 0.75, 0.8, 0.85), "budget": 20.0, "long_budget": 30.0,
        "state_budget": 1.0,
    },
    "short": {
        "devices": 64, "number": 20, "long": 84, "states": 12, "programmed": 32, "forming": 128, "boxes": 300,
        "thick_states": 4, "endurance": (12, 200),
    },
    "long": {
        "devices": 64, "number": 20, "long": 100, "states": 48, "programmed": 256, "forming": 512,
        "boxes": 1200, "thick_states": 12, "endurance": (24, 1000), "budget": 200.0, "long_budget": 600.0,
        "state_budget": 10.0,
    },
}  # fmt: skip
AFFORDED = {"quick": 0.2, "short": 0.5, "long": 1.5}
"""CPU time (s) of a cycle that each mode has the devices for."""


def main():
    """Measure, print and write; return the exit status."""
    options = read_options()
    names = options.rows.split(",") if options.rows else list(GROUPS)
    if unknown := [name for name in names if name not in GROUPS]:
        sys.exit(f"no rows {unknown[0]!r}; there are: {', '.join(GROUPS)}")
    set_name = Path(options.material).stem
    bench = Population(
        material=table_of(options.material, "material") if options.material.endswith(".toml") else set_name,
        setting=PROTOCOL | json.loads(options.setting),
        workers=options.workers,
        **MODES[options.mode],
    )
    if options.seed:
        bench = replace(bench, first_seed=options.seed)
    material = bench.members(1, {})[0][0]
    bench = replace(bench, population=laws(options.population, material))
    if (cost := cycle_cost(bench)) > AFFORDED[options.mode]:
        bench = bench.scaled(AFFORDED[options.mode] / cost)
        # A budget says that a device hangs, not that its cycles cost more.
        bench = replace(
            bench, budget=max(bench.budget, 60.0 * cost), state_budget=max(bench.state_budget, 10.0 * cost)
        )
    found = {
        "material": set_name,
        "hash": material.hash,
        "first_seed": bench.first_seed,
        "setting": bench.setting,
        "population": bench.population,
    }
    store = BUILD / "population.json"
    found = resumed(store, found)
    for name in names:
        kept = found["groups"].get(name)
        if not kept or not longer(kept, {"mode": options.mode}):
            found["groups"][name] = measured(name, bench) | {"mode": options.mode}
            BUILD.mkdir(parents=True, exist_ok=True)
            store.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\n".join(table(found)), flush=True)
    (BUILD / "population.md").write_text(page(found), encoding="utf-8")
    if options.record:
        RECORDED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(found), encoding="utf-8")
    return 0


def table_of(path, key):
    """Return a table of a TOML file; of a file of a set, which has no table of it, its path."""
    return tomllib.loads(Path(path).read_text(encoding="utf-8")).get(key, path)


def laws(path, material):
    """Return the laws by which numbers differ between devices: those of a file, or those that a set ships."""
    if path:
        return table_of(path, "population")
    return {one.key: dict(one.law) for one in getattr(material, "population", ())}


def cycle_cost(bench):
    """Return the CPU time (s) of forming and three cycles of one device, for each of the four."""
    began, (materials, seeds) = used(), bench.members(1, bench.population)
    cycles(materials, seeds, 3, budget=bench.budget, **bench.setting)
    return (used() - began) / 4


def resumed(store, asked):
    """Return what is asked, with the groups of rows that an earlier run for the same left or recorded."""
    groups = {}
    for path in (RECORDED, store):
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if all(known.get(key) == asked[key] for key in asked):
            # Groups without a mode are of runs before groups had one.
            kept = {name: one for name, one in known["groups"].items() if "mode" in one}
            groups |= {name: one for name, one in kept.items() if longer(one, groups.get(name))}
    return asked | {"groups": groups}


def longer(group, other):
    """Tell whether a group of rows is of at least as long a mode as another one, or there is none."""
    order = list(MODES)
    return not other or order.index(group["mode"]) >= order.index(other["mode"])


def measured(name, bench):
    """Return the rows of a group, its CPU time (s) and lines that belong below the table."""
    began = used()
    with warnings.catch_warnings():
        # Devices without a number give empty columns: the row says so.
        warnings.simplefilter("ignore", RuntimeWarning)
        rows = GROUPS[name](bench)
        lines = means(bench) if name == "spread" else []
    spent = used() - began
    for row in rows:
        print(f"{spent:5.0f} s", *row.cells(), row.note, sep="  ", file=sys.stderr, flush=True)
    made = {"cpu": round(spent, 1), "commit": provenance.git_hash()}
    return {"rows": [asdict(row) for row in rows], "lines": lines} | made


def used():
    """Return the CPU time (s) of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def read_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", default="", help=f"some of {', '.join(GROUPS)}")
    parser.add_argument("--mode", choices=list(MODES), default="short")
    parser.add_argument("--material", default="HfO2")
    parser.add_argument(
        "--population", default="", help="TOML file with the table [population]; else the set's"
    )
    parser.add_argument("--setting", default="{}", help="fields of the setting to replace, as JSON")
    parser.add_argument("--seed", type=int, default=0, help="of the first device")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (all processors)")
    parser.add_argument("--record", action="store_true", help="keep rows and page in docs/")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
