"""Fields of a configuration that hold quantities: read from text with a unit, written back as such."""

from typing import Any

from pydantic import BeforeValidator, PlainSerializer

from ..quantity import all_to_si, to_si


def reads(unit: str, low: float, high: float) -> BeforeValidator:
    """Return what makes a field of a pydantic model read a quantity."""
    return BeforeValidator(lambda value: to_si(value, unit, low, high))


def reads_all(unit: str, low: float, high: float) -> BeforeValidator:
    """Return what makes a field of a pydantic model read several quantities."""
    return BeforeValidator(lambda value: all_to_si(value, unit, low, high))


def writes(unit: str) -> PlainSerializer:
    """Return what writes a field back as text that reads to the same floats."""

    def text(value: Any) -> str:
        numbers = ", ".join(repr(number) for number in value) if isinstance(value, tuple) else repr(value)
        return f"{numbers} {unit}"

    return PlainSerializer(text, when_used="json-unless-none")

