"""Quantities as text with a unit, such as "5 nm", to floats in SI; the only place that uses pint."""

import math
import re
from functools import cache
from typing import Any

from pydantic import BeforeValidator, PlainSerializer

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
    if not isinstance(value, str):
        raise ValueError(f"must be text with a unit of {unit}, such as {_example(unit)!r}, got {value!r}")
    found = re.fullmatch(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?|[-+]?nan|[-+]?inf)\s*(\S.*?)?\s*", value)
    if found is None:
        raise ValueError(f"must be a number and a unit, such as {_example(unit)!r}, got {value!r}")
    if found[2] is None:
        raise ValueError(f"needs a unit of {unit}, such as {_example(unit)!r}, got {value!r}")
    try:
        number = float(found[1])
    except ValueError:
        raise ValueError(f"must be a number and a unit, such as {_example(unit)!r}, got {value!r}") from None
    result = number if found[2] == unit else _convert(number, found[2], unit, value)
    if not math.isfinite(result) or not low <= result <= high:
        raise ValueError(f"must be between {low:g} and {high:g} {unit}, got {value!r}")
    return result


def all_to_si(value: Any, unit: str, low: float, high: float) -> tuple[float, ...]:
    """Convert several quantities, written "0, 1, 2.5 us" or one by one, to floats in ``unit``."""
    if isinstance(value, str):
        *texts, last = (part.strip() for part in value.split(","))
        found = re.fullmatch(r"(\S+)\s+(\S.*)", last)
        if found is None:
            raise ValueError(f"needs a unit of {unit} at the end, got {value!r}")
        value = [f"{number} {found[2]}" for number in (*texts, found[1])]
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"must be text such as '0, 1, 2.5 {unit}', got {value!r}")
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


def _convert(number: float, given: str, unit: str, value: str) -> float:
    registry = _registry()
    try:
        result = float(registry.Quantity(number, given).to(unit).magnitude)
    except Exception:
        # pint raises half a dozen unrelated types for texts that are no unit.
        raise ValueError(f"must be in {unit}, such as {_example(unit)!r}, got {value!r}") from None
    # Decimal prefixes are exact: 5 nm must not become 5.000000000000001e-09 m.
    return float(f"{result:.15g}")


@cache
def _registry() -> Any:
    import pint  # 0.3 s, and only files need it

    return pint.UnitRegistry()


def _example(unit: str) -> str:
    return EXAMPLES.get(unit, f"1 {unit}")
