"""Switching against temperature, beside what others measured: a block of docs/temperature.md.

    .venv/bin/python validation/temperature_table.py [--devices 24] [--cycles 2] [--write]

The default at 300, 200 and 150 K, and tests/materials/HfO2-cold.toml, without a barrier floor, at 300, 100,
50 and 10 K. Each device is formed and cycled at its temperature. Nothing is fitted to what is beside it.
Results go to docs/temperature_table.json temperature by temperature, so that a run that was stopped goes on;
--write puts them into the page between its marks. Takes about 1 minute of one core.
"""

import argparse
import json
import math
import os
import sys
import time
import tomllib
import warnings
from pathlib import Path

# Before numpy: threads of a small device stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from device_bench import PROTOCOL
from device_cycles import cycles

from frenkel.analysis.statistics.sequential import order_interval
from frenkel.configuration import device as configuration
from frenkel.configuration.points import Members
from frenkel.kinetic.materials.material import Material

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "docs" / "temperature_table.json"
PAGE = ROOT / "docs" / "temperature.md"
COLD = ROOT / "tests" / "materials" / "HfO2-cold.toml"
ROWS = (
    *(("HfO2-fast", one) for one in (300.0, 200.0, 150.0)),
    *((COLD.stem, one) for one in (300.0, 100.0, 50.0, 10.0)),
)
FIRST_SEED, BUDGET = 4201, 60.0  # no other measurement uses these seeds; CPU time of a device (s)
STOPS = (ArithmeticError, ValueError)
NUMBERS = ("v_form", "v_set", "v_reset", "lrs", "hrs", "window")
UNITS = {"lrs": 1e3, "hrs": 1e6}
HEADS = ("T (K)", "set", "V_form (V)", "V_SET (V)", "V_RESET (V)", "LRS (kohm)", "HRS (Mohm)", "window")
BEGIN, END = "<!-- begin temperature_table.py -->", "<!-- end temperature_table.py -->"
PUBLISHED = (
    ("10 to 300", "ITO/HfO2/TiN",
     "V_RESET grows steadily as it gets colder; the window narrows, above 10 at 10 K",
     "Appl. Phys. Lett. 128, 173501 (2026): abstract at cris.vtt.fi"),
    ("8 to 300", "HfOx under a capping layer", "several levels at all of them; more than 1e6 cycles at 8 K",
     "doi:10.1109/LED.2021.3099725: abstract at bohrium.dp.tech"),
    ("10 to 100", "TiN/Ta/TaOx/TiN",
     "forms at 10 K; the incubation time depends on voltage, not on temperature",
     "doi:10.1063/1.4939181: abstract at scitation.aip.org"),
    ("2 to 300", "Ta/Ta2O5/Pt",
     "conductance of the filament falls as the square root of T, below 50 K as exp(-1/sqrt T)",
     "doi:10.1063/1.5024504: abstract at juser.fz-juelich.de"),
    ("4 to 300", "Cu/Cu:SiO2", "works at 4 K; LRS is the same, HRS grows as it gets colder",
     "doi:10.1109/LED.2017.2734743: abstract at asu.elsevierpure.com"),
)  # fmt: skip
"""Temperature (K), cell, what was measured, and where it was read."""


def material_of(name: str) -> Material:
    """Return one of the two sets."""
    if name != COLD.stem:
        return Material.load(name)
    document = tomllib.loads(COLD.read_text(encoding="utf-8"))
    document |= {"seed": FIRST_SEED, "device": {"thickness": "2.6 nm", "width": "2.6 nm"}}
    document |= {"phase": [{"kind": "reset", "amplitude": "-1 V", "rate": "1 MV/s"}]}
    return Members(configuration.parse(document, str(COLD))).member(0)[1]


def measure(material: Material, temperature: float, devices: int, number: int) -> dict:
    """Return figures of each device at a temperature (K): medians over its cycles, null if it failed."""
    began = time.process_time()
    found = {"hash": material.hash, "cycles": number, "stops": [], "cut": 0}
    rows = []
    for seed in range(FIRST_SEED, FIRST_SEED + devices):
        try:
            one = cycles(material, [seed], number, budget=BUDGET, temperature=temperature, **PROTOCOL)
        except STOPS as error:
            found["stops"].append(f"{seed}: {error}")
            rows.append(dict.fromkeys(NUMBERS))
            continue
        found["cut"] += bool(one.cut[0])
        values = {"v_form": one.forming, "window": one.hrs / one.lrs}
        values |= {name: getattr(one, name) for name in ("v_set", "v_reset", "lrs", "hrs")}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a device without a number
            middle = {name: float(np.nanmedian(value)) for name, value in values.items()}
        rows.append({name: value if math.isfinite(value) else None for name, value in middle.items()})
        print(f"{temperature:g} K, {seed}", rows[-1], file=sys.stderr, flush=True)
    return found | {"devices": rows, "cpu": round(time.process_time() - began, 1)}


def listed(values: list, scale: float) -> str:
    """Return the median with its 95 % interval by order statistics, and how many there are if not all."""
    known = np.sort([value / scale for value in values if value is not None])
    if not len(known):
        return "none"
    low, high = order_interval(known, 0.5, 0.95)
    middle, low, high = (f"{x:,.0f}" if x >= 1000 else f"{x:.3g}" for x in (np.median(known), low, high))
    text = f"{middle} ({low} to {high})"
    return text if len(known) == len(values) else f"{text}, {len(known)} of {len(values)}"


def block(recorded: dict) -> list[str]:
    """Return both tables."""
    heads = (*HEADS, "stops of the solver", "out of CPU time")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, temperature in ROWS:
        found = recorded.get(f"{name} {temperature:g}")
        if found is None:
            continue
        columns = {figure: [row[figure] for row in found["devices"]] for figure in NUMBERS}
        cells = [f"{temperature:g}", f"{name} ({found['hash'][:16]})"]
        cells += [listed(columns[figure], UNITS.get(figure, 1.0)) for figure in NUMBERS]
        cells += [f"{len(found['stops'])} of {len(found['devices'])}", f"{found['cut']}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| T (K) | cell | measured | read in |", "|---" * 4 + "|"]
    return [*lines, *("| " + " | ".join(row) + " |" for row in PUBLISHED)]


def page(text: str, recorded: dict) -> str:
    """Return the page with the block in its place."""
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{PAGE} must hold the marks {BEGIN} and {END}")
    return "\n".join([f"{before}{BEGIN}", "", *block(recorded), "", f"{END}{after}"])


def main() -> None:
    """Measure what is missing, print, and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--devices", type=int, default=24)
    parser.add_argument("--cycles", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the block into the page")
    options = parser.parse_args()
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    for name, temperature in ROWS:
        key, material = f"{name} {temperature:g}", material_of(name)
        known = recorded.get(key)
        asked = material.hash, options.cycles, options.devices
        if known and (known["hash"], known["cycles"], len(known["devices"])) == asked:
            continue
        recorded[key] = measure(material, temperature, options.devices, options.cycles)
        RECORDED.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    print("\n".join(block(recorded)))
    if options.write:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), recorded), encoding="utf-8")


if __name__ == "__main__":
    main()
