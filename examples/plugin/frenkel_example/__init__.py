"""A material, a card and an export for frenkel, found by entry points (pyproject.toml)."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MATERIAL = FOLDER / "oxide.toml"
CARD = FOLDER / "cell.card.json"


def table(card):
    """Return the features of a card as CSV: name, unit, share missing."""
    rows = [f"{one.name},{one.unit},{one.missing:g}" for one in card.features]
    return "\n".join(["name,unit,missing", *rows, ""])


table.ending = ".csv"
