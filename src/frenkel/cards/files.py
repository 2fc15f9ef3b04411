"""Files of cards: those that come along have names; what is read is JSON and no larger than a card can be."""

import json
from pathlib import Path
from typing import Any

from ..validation import suggest

ENDING = ".card.json"
PACKAGED = Path(__file__).with_name("hfo2.card.json")
"""Card of 256 small HfO2 devices of 100 cycles, made by examples/ensemble_cycles.toml (docs/compact.md)."""

LARGEST = 2**24  # bytes


class CardError(ValueError):
    """A card is damaged, was changed by hand, is of a newer schema, or is used outside its box."""


def packaged() -> list[str]:
    """Return the names of the packaged cards, sorted."""
    return sorted(path.name.removesuffix(ENDING) for path in PACKAGED.parent.glob(f"*{ENDING}"))


def file(source: str | Path) -> Path:
    """Return the file of a card: its path, or that of the packaged card of this name.

    Raises
    ------
    CardError
        It is a name, without ending and folder, that no packaged card and no file has.
    """
    path = Path(source)
    if path.suffix or path.name != str(source) or path.exists():
        return path
    names = packaged()
    if path.name not in names:
        raise CardError(f"no card {path.name!r}{suggest(path.name, names)}; files of cards end in .json")
    return PACKAGED.with_name(path.name + ENDING)


def read(source: str | Path) -> Any:
    """Return the JSON data in the file of a card, or of the packaged card of this name.

    Raises
    ------
    CardError
        There is no card of this name; the file is no JSON, such as a truncated one, or too large.
    OSError
        The file cannot be read.
    """
    with file(source).open("rb") as stream:
        text = stream.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise CardError(f"{source} is no card: it has more than {LARGEST} bytes")
    try:
        return json.loads(text.decode())
    except UnicodeDecodeError:
        raise CardError(f"{source} is no card: it is not text") from None
    except ValueError as error:
        raise CardError(f"{source} is truncated or not JSON: {error}") from None
    except RecursionError:
        raise CardError(f"{source} is no card: its lists are nested too deeply") from None
