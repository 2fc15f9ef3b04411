"""Texts of exports: the files of the folder ``templates``, with the fields of a card filled in."""

import math
import string
from pathlib import Path
from typing import Any

from ...cells.card import Card
from ...escape import line

FOLDER = Path(__file__).with_name("templates")


class _Text(string.Template):
    braceidpattern = r"[a-z]\w*(?::[^}]*)?"


class _Fields(dict[str, Any]):
    """Values by "name" or "name:format"."""

    def __getitem__(self, key: str) -> str:
        name, _, form = key.partition(":")
        value = super().__getitem__(name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"the card gives no finite number for {name} of an export, got {value:g}")
        return format(value, form)


def signature(card: Card) -> str:
    """Return which card an export was made from, in one line."""
    return f"card {line(card.name)} {line(card.version)}, checksum {card.to_dict()['checksum']}"


def made_for(card: Card) -> str:
    """Return the box of a card in one line."""
    box = (f"{name} {low:g} to {high:g}" for name, (low, high) in card.validity.items())
    return f"Made for: {', '.join(box) or 'none'}"


def fill(template: str, **fields: Any) -> str:
    """Return a template with ``${name}`` and ``${name:format}`` replaced.

    Parameters
    ----------
    template : str
        Name of a file, without its ending ``.in``.
    **fields
        Values; a format is one of :func:`format`.

    Raises
    ------
    KeyError
        The template has a field that is not given.
    ValueError
        A number is not finite: other programs would read it as a name.
    """
    text = (FOLDER / f"{template}.in").read_text(encoding="utf-8")
    return _Text(text).substitute(_Fields(fields))
