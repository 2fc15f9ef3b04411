"""Run one example of every family and draw the gallery: python docs/gallery.py [FAMILY ...]

Writes docs/gallery/<family>.png and docs/gallery.md. Takes some minutes on one core.
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
PICTURES = DOCS / "gallery"


def draw(family: str) -> str:
    """Run the example of a family, draw its picture and return its part of the page."""
    path, began = EXAMPLES / f"{family}.toml", time.monotonic()
    configuration = fk.read_configuration(path)
    result = fk.run(configuration, folder=EXAMPLES)
    wall = time.monotonic() - began
    page = io.BytesIO()
    plot.overview(result).savefig(page, dpi=110, format="png")
    PICTURES.mkdir(exist_ok=True)
    Image.open(page).convert("RGB").save(PICTURES / f"{family}.png", optimize=True)
    return f"{family}: {wall:.0f} s"


def page() -> str:
    """Return the page of all families that were drawn."""
    lines = [
        "# Gallery",
        "",
        "One device of every family, made by `python docs/gallery.py`; each picture is that of",
        "`frenkel run examples/FAMILY.toml --plot FAMILY.png`.",
    ]
    for family, text in FAMILIES.items():
        path = EXAMPLES / f"{family}.toml"
        if not path.exists() or not (PICTURES / f"{family}.png").exists():
            continue
        said = [line[2:] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
        words = [line for line in said if not line.startswith("  ")]
        lines += ["", f"## {text.partition(':')[0].capitalize()} (`{family}`)", "", *words, ""]
        lines.append(f"![{family}](gallery/{family}.png)")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    for name in sys.argv[1:] or [name for name in FAMILIES if (EXAMPLES / f"{name}.toml").exists()]:
        print(draw(name), flush=True)
    (DOCS / "gallery.md").write_text(page(), encoding="utf-8")
