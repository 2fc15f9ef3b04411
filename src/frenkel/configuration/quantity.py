"""Quantities as text with a unit, such as "5 nm", to floats in SI."""

import math
import re
from typing import Any

from pydantic import BeforeValidator, PlainSerializer

from ..units import convert
from ..validation import shown

EXAMPLES = {
    "m": "5 nm",
    "s": "10 us",
    "V": "1.5 V",
    "V/s": "0.1 MV/s",
    "A": "20 uA",
    "ohm": "2 kohm",
    "K": "300 K",
}


def to_si(value: Any, unit: str, low: float, high: float) -> float:
    """Convert a quantity such as "5 nm" to a float in ``unit``.

    Parameters
    ----------
    value : object
        Text with a number and a unit.
    unit : str
        SI unit as pint reads it.
    low, high : float
        Allowed values in ``unit``, ends included.

    Raises
    ------
    ValueError
        It is no such quantity, or it is out of range; the message names value, unit and range.
    """
    example = EXAMPLES.get(unit, f"1 {unit}")
    if not isinstance(value, str):
        raise ValueError(f"must be text with a unit of {unit}, such as {example!r}, got {shown(value)}")
    found = re.fullmatch(
        r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?nan|[-+]?inf)\s*(\S.*)?", value.strip()
    )
    if found is None:
        raise ValueError(f"must be a number and a unit, such as {example!r}, got {shown(value)}")
    number, given = float(found[1]), found[2]
    if given is None:
        raise ValueError(f"needs a unit of {unit}, such as {example!r}, got {shown(value)}")
    try:
        result = number if given == unit else convert(number, given, unit)
    except ValueError:
        raise ValueError(f"must be in {unit}, such as {example!r}, got {shown(value)}") from None
    if not math.isfinite(result) or not low <= result <= high:
        raise ValueError(f"must be between {low:g} and {high:g} {unit}, got {shown(value)}")
    return result


def all_to_si(value: Any, unit: str, low: float, high: float) -> tuple[float, ...]:
    """Convert several quantities, written "0, 1, 2.5 us" or one by one, to floats in ``unit``."""
    if isinstance(value, str):
        *texts, last = (part.strip() for part in value.split(","))
        found = re.fullmatch(r"(\S+)\s+(\S.*)", last)
        if found is None:
            raise ValueError(f"needs a unit of {unit} at the end, got {shown(value)}")
        value = [f"{number} {found[2]}" for number in (*texts, found[1])]
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"must be text such as '0, 1, 2.5 {unit}', got {shown(value)}")
    return tuple(to_si(one, unit, low, high) for one in value)


def reads(unit: str, low: float, high: float) -> BeforeValidator:
    """Return what makes a field of a pydantic model read a quantity."""
    return BeforeValidator(lambda value: to_si(value, unit, low, high))


def reads_all(unit: str, low: float, high: float) -> BeforeValidator:
    """Return what makes a field of a pydantic model read several quantities."""
    return BeforeValidator(lambda value: all_to_si(value, unit, low, high))


def writes(unit: str) -> PlainSerializer:
    """Return what writes a field back as text that reads to the same floats."""

    def text(value: Any) -> str:
        numbers = ", ".join(repr(one) for one in value) if isinstance(value, tuple) else repr(value)
        return f"{numbers} {unit}"

    return PlainSerializer(text, when_used="json-unless-none")

