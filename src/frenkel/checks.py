"""Checks of numbers that people give: each raises one sentence with name, value and what is allowed.

>>> from frenkel.checks import between
>>> between("temperature", 5000.0, 1, 3000, "K")
Traceback (most recent call last):
    ...
ValueError: temperature must be between 1 and 3000 K, got 5000
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

KEY = "[a-z][a-z0-9_]{0,39}"
"""Pattern of a name that becomes a variable of a dataset or of another program."""

QUOTES = "\"'`\\"
"""Marks that no name may hold: they end a text of another language, or change the mark after them."""

COLDEST, HOTTEST = 1.0, 3000.0
"""Range of temperatures (K) that the package takes anywhere."""

BRIGHTEST = 1e26
"""Largest photon flux (1/(m^2 s)); the sun has 4e21."""


def between(
    name: str, value: ArrayLike, low: float, high: float, unit: str = "", error: type[Exception] = ValueError
) -> None:
    """Raise ``error`` unless every value lies between the bounds, ends included; NaN never does."""
    _require(
        name,
        value,
        lambda given: (given >= low) & (given <= high),
        f"must be between {low:g} and {high:g}{_of(unit)}",
        error,
    )


def number(name: str, value: float, low: float, high: float, unit: str) -> None:
    """Raise TypeError unless ``value`` is one number, ValueError unless it lies between the bounds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number in {unit}, got {value!r}")
    between(name, value, low, high, unit)


def inside(name: str, value: ArrayLike, low: float, high: float) -> None:
    """Raise ValueError unless every value lies between the bounds, ends excluded; NaN never does."""
    words = f"must be above {low:g} and below {high:g}"
    _require(name, value, lambda given: (given > low) & (given < high), words, ValueError)


def positive(name: str, value: ArrayLike, unit: str = "") -> None:
    """Raise ValueError unless every value is above 0 and finite."""
    words = f"must be positive and finite{_in(unit)}"
    _require(name, value, lambda given: (given > 0) & (given < math.inf), words, ValueError)


def at_least(name: str, value: ArrayLike, low: float, unit: str = "") -> None:
    """Raise ValueError unless every value is finite and not below ``low``."""
    words = f"must be at least {low:g}{_of(unit)} and finite"
    _require(name, value, lambda given: (given >= low) & (given < math.inf), words, ValueError)


def finite(name: str, value: ArrayLike, unit: str = "") -> None:
    """Raise ValueError unless every value is finite."""
    _require(name, value, np.isfinite, f"must be finite{_in(unit)}", ValueError)


def whole(
    name: str, value: Any, low: int, high: int | None = None, error: type[Exception] = ValueError
) -> None:
    """Raise ``error`` unless ``value`` is a whole number of at least ``low`` and at most ``high``."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        if low <= value and (high is None or value <= high):
            return
    allowed = f"of at least {low}" if high is None else f"between {low} and {high}"
    raise error(f"{name} must be a whole number {allowed}, got {value!r}")


def one_of(name: str, value: Any, allowed: Collection[Any], error: type[Exception] = ValueError) -> None:
    """Raise ``error`` unless ``value`` is one of those allowed."""
    if value not in allowed:
        raise error(f"{name} must be one of {', '.join(map(str, allowed))}, got {value!r}")


def shape(name: str, value: ArrayLike, asked: tuple[int, ...], each: str = "") -> None:
    """Raise ValueError unless ``value`` has a shape; ``each`` says what one of its numbers belongs to."""
    actual = np.shape(value)
    if actual == asked:
        return
    per = f", one per {each}" if each else ""
    if len(asked) == 1 and len(actual) == 1:
        raise ValueError(f"{name} must have length {asked[0]}{per}, got length {actual[0]}")
    raise ValueError(f"{name} must have shape {asked}{per}, got {actual}")


def spread(name: str, value: ArrayLike, asked: tuple[int, ...]) -> NDArray[np.float64]:
    """Return ``value``, one number for all or an array of a shape, in that shape; ValueError for others."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim:
        shape(name, array, asked)
    return np.broadcast_to(array, asked)


def line(name: str, text: Any, *, longest: int = 80, error: type[Exception] = ValueError) -> None:
    """Raise ``error`` unless ``text`` is one line of printable text without quotes and backslashes."""
    if (
        isinstance(text, str)
        and 0 < len(text) <= longest
        and text.isprintable()
        and not set(text) & set(QUOTES)
    ):
        return
    quoted = repr(text)
    shortened = quoted if len(quoted) < 100 else f"{quoted[:97]}..."
    raise error(
        f"{name} must be one line of 1 to {longest} printable characters without quotes and backslashes, "
        f"got {shortened}"
    )


def key(name: str, text: Any, error: type[Exception] = ValueError) -> None:
    """Raise ``error`` unless ``text`` is a name of small letters, digits and underscores, :data:`KEY`."""
    line(name, text, error=error)
    if not re.fullmatch(KEY, text):
        raise error(f"{name} must be at most 40 small letters, digits and _, a letter first, got {text!r}")


def temperature(value: ArrayLike, name: str = "temperature") -> None:
    """Raise ValueError unless every temperature (K) is one that the package takes."""
    between(name, value, COLDEST, HOTTEST, "K")


def equally_many(**values: ArrayLike) -> None:
    """Raise ValueError unless all arrays, given by their names, have the same length."""
    lengths = [np.shape(value)[:1] or (1,) for value in values.values()]
    if len(set(lengths)) > 1:
        given_lengths = " and ".join(str(length) for (length,) in lengths)
        raise ValueError(f"{' and '.join(values)} must be equally many, got {given_lengths}")


def _require(name: str, value: ArrayLike, holds: Any, sentence: str, error: type[Exception]) -> None:
    if isinstance(value, bool) or isinstance(value, str):
        raise TypeError(f"{name} must be a number, got {value!r}")
    array = np.asarray(value, dtype=np.float64)
    satisfied = holds(array)
    if not np.all(satisfied):
        if not array.ndim:
            raise error(f"{name} {sentence}, got {float(array):.15g}")
        at = tuple(int(k) for k in np.argwhere(~satisfied)[0])
        index = at[0] if array.ndim == 1 else at
        raise error(f"{name} {sentence}, got {array[at]:.15g} at index {index}")


def _of(unit: str) -> str:
    return f" {unit}" if unit else ""


def _in(unit: str) -> str:
    return f" ({unit})" if unit else ""
