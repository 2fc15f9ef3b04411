"""Quantities as text with a unit, such as "5 nm", to floats in SI."""

import math
import re
from collections.abc import Sequence
from typing import Any

from .typing import Quantity
from .units import convert
from .validation import shown

BARE = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")  # a number without a unit
EXAMPLES = {
    "m": "5 nm",
    "s": "10 us",
    "V": "1.5 V",
    "V/s": "0.1 MV/s",
    "A": "20 uA",
    "ohm": "2 kohm",
    "K": "300 K",
    "eV": "0.8 eV",
    "Hz": "1e13 Hz",
}


def share_unit(texts: Sequence[str]) -> tuple[str, ...]:
    """Return quantities; the unit of the last one holds for bare numbers before it, as in "1, 2 V"."""
    unit = texts[-1].strip().partition(" ")[2]
    stripped = (text.strip() for text in texts)
    return tuple(f"{text} {unit}" if unit and BARE.fullmatch(text) else text for text in stripped)


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
    parts = re.fullmatch(rf"({BARE.pattern}|[-+]?nan|[-+]?inf)\s*(\S.*)?", value.strip())
    if parts is None:
        raise ValueError(f"must be a number and a unit, such as {example!r}, got {shown(value)}")
    number, given = float(parts[1]), parts[2]
    if given is None:
        raise ValueError(f"needs a unit of {unit}, such as {example!r}, got {shown(value)}")
    try:
        converted = number if given == unit else convert(number, _celsius(given, unit), unit)
    except ValueError:
        raise ValueError(f"must be in {unit}, such as {example!r}, got {shown(value)}") from None
    if not math.isfinite(converted) or not low <= converted <= high:
        raise ValueError(f"must be between {low:g} and {high:g} {unit}, got {shown(value)}")
    return converted


def _celsius(given: str, wanted: str) -> str:
    """Return a unit; where a temperature is wanted C are degrees and no coulombs."""
    return "degC" if (given, wanted) == ("C", "K") else given


def all_to_si(value: Any, unit: str, low: float, high: float) -> tuple[float, ...]:
    """Convert several quantities, written "0, 1, 2.5 us" or one by one, to floats in ``unit``."""
    if isinstance(value, str):
        *texts, last = (part.strip() for part in value.split(","))
        parts = re.fullmatch(r"(\S+)\s+(\S.*)", last)
        if parts is None:
            raise ValueError(f"needs a unit of {unit} at the end, got {shown(value)}")
        value = [f"{number} {parts[2]}" for number in (*texts, parts[1])]
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"must be text such as '0, 1, 2.5 {unit}', got {shown(value)}")
    return tuple(to_si(number, unit, low, high) for number in value)


def si(name: str, value: Quantity, unit: str) -> float:
    """Return a value of a script in SI: text with a unit and quantities of pint are converted.

    Everything else is handed back. Who takes numbers checks them; here only text and quantities are.

    Parameters
    ----------
    name : str
        What the value is of, for the error.
    value : object
        A number in ``unit``, text such as "5 nm", or one quantity of pint.
    unit : str
        SI unit as pint reads it.

    Raises
    ------
    ValueError
        A text or a quantity is none of that unit.

    Examples
    --------
    >>> si("thickness", "5 nm", "m"), si("thickness", 5e-9, "m")
    (5e-09, 5e-09)
    """
    # By its attributes, whatever registry it is of: pint itself takes half a second to import.
    if hasattr(value, "magnitude") and hasattr(value, "to"):
        return _magnitude(name, value, unit)
    if not isinstance(value, str):
        return value
    try:
        return to_si(value, unit, -math.inf, math.inf)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _magnitude(name: str, value: Any, unit: str) -> float:
    """Return the number of a quantity of pint in a unit, to 15 digits as those of texts."""
    try:
        return float(f"{float(value.to(unit).magnitude):.15g}")
    except Exception:  # pint raises half a dozen unrelated types
        raise ValueError(f"{name} must be one quantity in {unit}, got {value!s}") from None


def all_si(name: str, values: Sequence[Quantity] | str, unit: str) -> Sequence[float]:
    """Return several values of a script in SI: one text with a unit at its end, or each as in :func:`si`.

    Examples
    --------
    >>> all_si("times", "0, 1, 2 us", "s")
    (0.0, 1e-06, 2e-06)
    """
    if not isinstance(values, str):
        return [si(name, value, unit) for value in values]
    try:
        return all_to_si(values, unit, -math.inf, math.inf)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
