"""Run one example of every family and draw the gallery: python docs/gallery.py [FAMILY ...]

Writes docs/gallery/<family>.png, and docs/gallery.md but for its end. Takes some minutes on one core.
"""

import io
import sys
import time
from pathlib import Path

from PIL import Image

import frenkel as fk
from frenkel.analysis.plots import device as plot
from frenkel.kinetic.materials.sections import FAMILIES

DOCS = Path(__file__).resolve().parent
EXAMPLES = DOCS.parent / "examples"
TITLES = FAMILIES | {"layers": "layers: several oxides"}
"""Families, and a device of several oxides."""

SHOWN = {family: family for family in FAMILIES} | {"vcm": "switching", "layers": "stack_ti_hfo2"}
"""Example of each family; of valence change the default HfO2."""

PICTURES, PAGE = DOCS / "gallery", DOCS / "gallery.md"


def draw(family: str) -> str:
    """Run the example of a family, draw its picture and return its part of the page."""
    path, began = EXAMPLES / f"{SHOWN[family]}.toml", time.monotonic()
    configuration = fk.read_configuration(path)
    result = fk.run(configuration, folder=EXAMPLES)
    wall = time.monotonic() - began
    page = io.BytesIO()
    plot.overview(result).savefig(page, dpi=110, format="png")
    PICTURES.mkdir(exist_ok=True)
    Image.open(page).convert("RGB").save(PICTURES / f"{family}.png", optimize=True)
    return f"{family}: {wall:.0f} s"


LAST = "## What sets the families apart"
"""Heading of what is written by hand, at the end of the page."""


def page(former: str) -> str:
    """Return the page: thumbnails, the families that were drawn, and the end of the former page."""
    drawn = {
        family: text.partition(":")[0].capitalize()
        for family, text in TITLES.items()
        if (PICTURES / f"{family}.png").exists()
    }
    lines = [
        "# Gallery",
        "",
        "Devices of `python docs/gallery.py`; each picture is that of",
        "`frenkel run examples/FAMILY.toml --plot FAMILY.png`, of `switching.toml` for `vcm`, of",
        "`stack_ti_hfo2.toml` for `layers`. Only the polymer decomposes.",
    ]
    lines += thumbnails(drawn)
    for family, title in drawn.items():
        text = (EXAMPLES / f"{SHOWN[family]}.toml").read_text(encoding="utf-8")
        said = [line[2:] for line in text.splitlines() if line.startswith("# ")]
        words = [line for line in said if not line.startswith("  ")]
        lines += ["", f"## {title} (`{family}`)", "", *words, "", f"![{family}](gallery/{family}.png)"]
    return "\n".join([*lines, "", former[former.index(LAST) :]])


def thumbnails(drawn: dict[str, str]) -> list[str]:
    """Return a table of pictures that lead to their families, four in a row."""
    cells = [
        f"[![{title}](gallery/{family}.png)](#{anchor(title, family)})" for family, title in drawn.items()
    ]
    rows = [cells[first : first + 4] for first in range(0, len(cells), 4)]
    rows = [[*row, *[""] * (4 - len(row))] for row in rows]
    table = [f"| {' | '.join(row)} |" for row in rows]
    return ["", table[0], "|---|---|---|---|", *table[1:]]


def anchor(title: str, family: str) -> str:
    """Return the name that a heading has in links."""
    words = "".join(mark for mark in f"{title} {family}".lower() if mark.isalnum() or mark in " -")
    return words.replace(" ", "-")


if __name__ == "__main__":
    for name in sys.argv[1:] or TITLES:
        print(draw(name), flush=True)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
