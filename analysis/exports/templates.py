"""Texts of exports: the files of the folder ``templates``, with the fields of a card filled in."""

import string
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("templates")


class _Text(string.Template):
    braceidpattern = r"[a-z]\w*(?::[^}]*)?"


class _Fields(dict[str, Any]):
    """Values by "name" or "name:format"."""

    def __missing__(self, key: str) -> str:
        name, _, form = key.partition(":")
        if name not in self:
            raise KeyError(name)
        return format(self[name], form)


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
    """
    text = (FOLDER / f"{template}.in").read_text(encoding="utf-8")
    return _Text(text).substitute(_Fields(fields))
