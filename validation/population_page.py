"""The page of a population that was measured: docs/population_table.md, of the rows kept beside it."""

import json
import math
from collections import Counter
from pathlib import Path

from population_targets import ASKED, Measured

DOCS = Path(__file__).resolve().parent.parent / "docs"
RECORDED, PAGE = DOCS / "population_table.json", DOCS / "population_table.md"
HEADS = ("row", "quantity", "asked", "measured", "95 %", "unit", "measured on", "verdict")
VERDICTS = ("met", "MISSED", "cannot be judged", "not measured", "reported")


def rows_of(found):
    """Return a `Measured` row for each quantity, without a value where no group that was kept has it."""
    rows = {row["id"]: Measured(**row) for group in found["groups"].values() for row in group["rows"]}
    return [rows.get(id, Measured(id=id, value=math.nan)) for id in ASKED]


def table(found):
    """Return the lines of the table and of the notes."""
    rows = rows_of(found)
    lines = ["| " + " | ".join(cells) + " |" for cells in (HEADS, *(row.cells() for row in rows))]
    lines.insert(1, "|---" * len(HEADS) + "|")
    notes = [("row", "what else was measured")] + [(row.id, row.note) for row in rows if row.note]
    below = ["| " + " | ".join(pair) + " |" for pair in notes]
    below.insert(1, "|---|---|")
    return [*lines, "", *below]


def page(found):
    """Return the page."""
    number = Counter(row.verdict for row in rows_of(found))
    counted = ", ".join(f"{number[verdict]} {verdict}" for verdict in VERDICTS if number[verdict])
    commits = ", ".join(sorted({group["commit"][:8] for group in found["groups"].values()}))
    cpu = math.fsum(group["cpu"] for group in found["groups"].values())
    setting = ", ".join(f"{key} {value}" for key, value in found["setting"].items())
    modes = {}
    for name, group in found["groups"].items():
        modes.setdefault(group["mode"], []).append(name)
    commands = [
        f"python validation/population_table.py --mode {mode} --material {found['material']} "
        f"--rows {','.join(names)} --record"
        for mode, names in modes.items()
    ]
    widths = f"`{json.dumps(found['population'])}`" if found["population"] else "none"
    made = found["hash"], commits, str(found["first_seed"])
    matrix = found["groups"].get("spread", {}).get("lines", [])
    text = [
        "# A population, asked and measured",
        "",
        f"{counted}.",
        "",
        "A value in its band is met if its 95 % interval is no wider than that, else it cannot be judged.",
        "Intervals of bands with one end, and of fractions below a tenth, are printed alone.",
        "",
        "```",
        *commands,
        "```",
        "",
        "| material | hash | commit | seeds from | setting (SI) | population | CPU (s) |",
        "|---" * 7 + "|",
        "| " + " | ".join((f"`{found['material']}`", *made, setting, widths, f"{cpu:.0f}")) + " |",
        "",
        *table(found),
        *(["", "Correlation of device means, no target:", "", *matrix] if matrix else []),
        "",
    ]
    return "\n".join(text)
