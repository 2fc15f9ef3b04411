"""Quantities as text with a unit, such as "5 nm", to floats in SI."""

import math
import re
from typing import Any

from .units import convert
from .validation import shown

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


def si(name: str, value: Any, unit: str, low: float = -math.inf, high: float = math.inf) -> Any:
    """Return a value of a script in SI: text with a unit is converted, everything else is handed back.

    Who takes numbers checks them; here only text is.

    Parameters
    ----------
    name : str
        What the value is of, for the error.
    value : object
        A number in ``unit``, or text such as "5 nm".
    unit, low, high
        As in :func:`to_si`.

    Raises
    ------
    ValueError
        A text is no such quantity.

    Examples
    --------
    >>> si("thickness", "5 nm", "m"), si("thickness", 5e-9, "m")
    (5e-09, 5e-09)
    """
    if not isinstance(value, str):
        return value
    try:
        return to_si(value, unit, low, high)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
