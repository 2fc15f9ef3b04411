"""A material from another one: what a file or a configuration changes in the numbers of a set.

A change is laid over the document of the set, section by section and key by key. A number is given in full,
with its source, as in a material file; or in short, as text with a unit ("0.8 eV"), or as a bare number where
it is a pure one. A short number is recorded as chosen, with what it replaces.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...checks import between
from ...quantity import to_si
from ...units import convert
from ...validation import shown, suggest
from .rows import BY_HAND, MaterialError, declared
from .sections import SECTIONS

REPLACED = ("formula", "description", "family", "species", "mechanisms", "population")
"""What a change replaces as a whole, besides numbers."""

WITHOUT = "without"
"""Key of what a change leaves out: sections, or numbers as "section.key"."""

DEEPEST = 10
"""Most files that are each based on the next."""


def changed(document: Mapping[str, Any], changes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the document of a set with changes.

    Parameters
    ----------
    document : mapping
        What the file of the set holds.
    changes : mapping
        Sections with the numbers that differ; also ``without``, and what :data:`REPLACED` names.
    name : str
        Name of the set, for the description where the changes give none.

    Raises
    ------
    MaterialError
        A section or key that there is not, or a value that is no such quantity or outside its range.
    """
    variant = copy.deepcopy(dict(document))
    check(changes)
    for place in changes.get(WITHOUT, []):
        _leave_out(variant, place)
    for section, numbers in _sections(changes):
        old = variant.setdefault(section, {})
        for key, value in numbers.items():
            old[key] = _in_full(section, key, value, old.get(key))
    changed_keys = [f"{section}.{key}" for section, numbers in _sections(changes) for key in numbers]
    if changed_keys:
        listing = ", ".join(changed_keys[:4]) + (", ..." if len(changed_keys) > 4 else "")
        variant["description"] = f"{name} with other numbers: {listing}"
    return variant | {key: changes[key] for key in REPLACED if key in changes}


def doubts(document: Mapping[str, Any], changes: Mapping[str, Any], name: str) -> list[str]:
    """Return what is probably not meant by changes of a set, a sentence each.

    Parameters
    ----------
    document, changes, name
        As in :func:`changed`, which takes them.
    """
    found = []
    for section, numbers in _sections(changes):
        for key, value in numbers.items():
            row = document.get(section, {}).get(key, {})
            # A number in full has a range of its own, which is checked where it is read.
            if "range" not in row or isinstance(value, Mapping):
                continue
            unit, given_unit = declared(section, key).metadata["unit"], row["unit"]
            low, high = (
                end if unit == given_unit else convert(end, given_unit, unit) for end in row["range"]
            )
            new_value = value if isinstance(value, (int, float)) else number(section, key, value)
            if not low * (1 - 1e-12) <= new_value <= high * (1 + 1e-12):
                low, high = row["range"]
                found.append(
                    f"{section}.{key} = {value} lies outside the range that {name} states for it, "
                    f"{low:g} to {high:g} {given_unit}"
                )
    formula = changes.get("formula", document["formula"])
    if formula != document["formula"]:
        own_keys = {(section, key) for section, numbers in _sections(changes) for key in numbers}
        same = sum(
            (section, key) not in own_keys for section, rows in _sections(document) for key in rows
        )
        found.append(
            f"formula = {shown(formula)} is a label: {same} numbers of the material stay those of {name} "
            f"({document['formula']})"
        )
    return found


def check(changes: Mapping[str, Any]) -> None:
    """Raise `MaterialError` for the first fault of changes, whatever set they are made to."""
    allowed = (*REPLACED, WITHOUT, *SECTIONS)
    for key, value in changes.items():
        if key not in allowed:
            raise MaterialError(f"unknown key {shown(key)[1:-1]}{suggest(key, allowed)}")
        if key in SECTIONS and not isinstance(value, Mapping):
            raise MaterialError(f"{key} must be a section with numbers, got {shown(value)}")
    left_out = changes.get(WITHOUT, [])
    if not isinstance(left_out, (list, tuple)) or not all(isinstance(path, str) for path in left_out):
        raise MaterialError(f"{WITHOUT} must be a list of sections or numbers, got {shown(left_out)}")
    for section, numbers in _sections(changes):
        for key, value in numbers.items():
            declared(section, key)
            if not isinstance(value, Mapping):
                number(section, key, value)


def number(section: str, key: str, value: Any) -> float:
    """Return a number in short as a float in the unit that its key is declared with.

    Raises
    ------
    MaterialError
        It is no such quantity, or outside its range.
    """
    declaration = declared(section, key)
    unit, low, high = (declaration.metadata[word] for word in ("unit", "low", "high"))
    if unit == "1":
        return _pure(f"{section}.{key}", value, low, high)
    try:
        return to_si(value, unit, low, high)
    except ValueError as error:
        raise MaterialError(f"{section}.{key} {error}") from None


def _pure(name: str, value: Any, low: float, high: float) -> float:
    try:
        purity = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        purity = math.nan
    if math.isnan(purity):
        raise MaterialError(f"{name} must be a pure number, got {shown(value)}")
    between(name, purity, low, high, "", MaterialError)
    return purity


def based(
    document: Mapping[str, Any],
    where: str,
    read: Callable[[str], tuple[Mapping[str, Any], str]],
    depth: int = 0,
) -> dict[str, Any]:
    """Return a document whose ``based_on`` is replaced by the numbers of the set that it names.

    Parameters
    ----------
    document : mapping
        What a material file holds; handed back where it is based on nothing.
    where : str
        How errors call it.
    read : callable
        Returns the document of the set of a name, and what to call it.
    depth : int
        Number of files that led here.

    Raises
    ------
    MaterialError
        A fault of the changes, or files that are based on each other.
    """
    if "based_on" not in document:
        return dict(document)
    base = document["based_on"]
    if not isinstance(base, str) or not base:
        raise MaterialError(f"{where}: based_on must be the name of a material, got {shown(base)}")
    if depth == DEEPEST:
        raise MaterialError(f"{where}: more than {DEEPEST} files are based on each other, in a circle?")
    below, name = read(base)
    base_document = based(below, name, read, depth + 1)
    own_document = {key: value for key, value in document.items() if key != "based_on"}
    try:
        return changed(base_document, own_document, base.removesuffix(".toml"))
    except MaterialError as error:
        raise MaterialError(f"{where}: {error}") from None


def _sections(changes: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, numbers) for name, numbers in changes.items() if name in SECTIONS)


def _leave_out(document: dict[str, Any], place: str) -> None:
    section, dot, key = place.partition(".")
    section_table = document.get(section, {}) if dot else document
    if section not in SECTIONS or (key if dot else section) not in section_table:
        raise MaterialError(f"{WITHOUT} names {place!r}, which the set does not have")
    del section_table[key if dot else section]


def _in_full(section: str, key: str, value: Any, old: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a number as a material file states it."""
    if isinstance(value, Mapping):
        return dict(value)
    source = f"{BY_HAND} instead of {old['value']} {old['unit']}" if old else BY_HAND
    return {
        "value": number(section, key, value),
        "unit": declared(section, key).metadata["unit"],
        "source": source,
        "confidence": "chosen",
    }
