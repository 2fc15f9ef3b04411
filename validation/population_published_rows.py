"""Rows of the table of a population that other tables hold: published numbers and signatures."""

import math
import re
from pathlib import Path

from population_targets import Measured

DOCS = Path(__file__).resolve().parent.parent / "docs"
COUNT = re.compile(r"^(\d+) of (\d+) rows (?:are )?in band\.$", re.MULTILINE)


def counted_row(id, text, page, material=""):
    """Return the row of the fraction of a page's rows that are in band.

    Parameters
    ----------
    id, text, page : str
        Key of `ASKED`; text and name of the page.
    material : str
        Hash of the set that the page must name; none: it is of all sets.
    """
    found = COUNT.search(text)
    if not found or material not in text:
        why = f"{page} is of another set" if found else f"{page} has no count"
        return Measured(id=id, value=math.nan, note=why)
    good, number = map(int, found.groups())
    return Measured(id=id, value=good / number, n=f"{number} rows", note=f"{good} of {number}, {page}")


def published_rows(population):
    """Fractions of rows in band on the pages of published numbers and of all sets."""
    material = population.members(1, {})[0][0].hash
    rows = (("Q-1", "published.md", material), ("Q-2", "materials.md", ""))
    return [counted_row(id, (DOCS / page).read_text(encoding="utf-8"), page, own) for id, page, own in rows]


GROUPS = {"published": published_rows}
"""What measures each group of rows."""
