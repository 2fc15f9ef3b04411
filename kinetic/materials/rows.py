"""Numbers of a material as its file states them, and how to complain about one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, NamedTuple

from ...validation import suggest
from .sections import SECTIONS

BY_HAND = "set by hand"
"""Begins the source of a number that a script, a configuration or a short file has changed."""


class MaterialError(ValueError):
    """A material file or a name in it is wrong; the message is one sentence naming file and key."""


class Row(NamedTuple):
    """One number of a material as its file states it."""

    section: str
    key: str
    value: float
    unit: str
    confidence: str
    source: str
    range: tuple[float, float] | None
    note: str


class Width(NamedTuple):
    """How one number of a material differs between devices.

    Attributes
    ----------
    key : str
        "section.key" of the number.
    law : mapping
        As the table of the number in ``[population]`` of a configuration.
    confidence, source, note : str
    """

    key: str
    law: Mapping[str, Any]
    confidence: str
    source: str
    note: str


def declared(section: str, key: str) -> Field[Any]:
    """Return the declaration of ``section.key``, or raise `MaterialError` with the nearest names."""
    if section not in SECTIONS:
        raise MaterialError(f"no section [{section}] in a material{suggest(section, SECTIONS)}")
    declarations = {entry.name: entry for entry in fields(SECTIONS[section])}
    if key not in declarations:
        raise MaterialError(f"no key '{key}' in section [{section}]{suggest(key, declarations)}")
    return declarations[key]
