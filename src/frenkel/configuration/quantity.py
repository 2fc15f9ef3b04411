"""Fields of a configuration that hold quantities: read from text with a unit, written back as such."""

import math
from dataclasses import dataclass
from typing import Any

from pydantic import BeforeValidator, PlainSerializer

from ..quantity import all_to_si, to_si


@dataclass(frozen=True, slots=True)
class Allowed:
    """Unit and allowed values of a quantity, ends included."""

    unit: str
    low: float
    high: float


class Bounds(Allowed):
    """Reads one quantity."""

    def __call__(self, value: Any) -> float:
        """Return a quantity as a float in the unit; raise ValueError where it is none or out of bounds."""
        return to_si(value, self.unit, self.low, self.high)


class AllBounds(Allowed):
    """Reads several quantities."""

    def __call__(self, value: Any) -> tuple[float, ...]:
        """Return quantities as floats in the unit; raise ValueError where one is none or out of bounds."""
        return all_to_si(value, self.unit, self.low, self.high)


class NoneOr(Allowed):
    """Reads a limit that "none" lifts."""

    def __call__(self, value: Any) -> float:
        """Return a limit as a float in the unit, infinity for "none"."""
        return math.inf if value == "none" else to_si(value, self.unit, self.low, self.high)


def reads(unit: str, low: float, high: float) -> BeforeValidator:
    """Return what makes a field of a pydantic model read a quantity; its ``func`` is a `Bounds`."""
    return BeforeValidator(Bounds(unit, low, high))


def reads_all(unit: str, low: float, high: float) -> BeforeValidator:
    """Return what makes a field of a pydantic model read several quantities."""
    return BeforeValidator(AllBounds(unit, low, high))


def writes(unit: str) -> PlainSerializer:
    """Return what writes a field back as text that reads to the same floats."""

    def text(value: Any) -> str:
        numbers = ", ".join(repr(number) for number in value) if isinstance(value, tuple) else repr(value)
        return f"{numbers} {unit}"

    return PlainSerializer(text, when_used="json-unless-none")

