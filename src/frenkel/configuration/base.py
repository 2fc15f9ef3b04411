"""What the sections of all configurations share: strictness, quantities, and the error."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from ..checks import COLDEST, HOTTEST
from ..errors import of_earlier
from ..provenance import SEED_LIMIT
from ..validation import sentence
from .quantity import reads, writes

TIMES = 1e-18, 1e12
RATES = 1e-12, 1e18
"""Least and most of what is written (s), (V/s)."""

Length = Annotated[float, reads("m", 1e-10, 1e-6), writes("m")]
Time = Annotated[float, reads("s", *TIMES), writes("s")]
Voltage = Annotated[float, reads("V", -1000.0, 1000.0), writes("V")]
ReadVoltage = Annotated[float, reads("V", 1e-6, 10.0), writes("V")]
Rate = Annotated[float, reads("V/s", *RATES), writes("V/s")]
Current = Annotated[float, reads("A", 1e-15, 1.0), writes("A")]
Resistance = Annotated[float, reads("ohm", 0.0, 1e12), writes("ohm")]
Temperature = Annotated[float, reads("K", COLDEST, HOTTEST), writes("K")]

Title = Annotated[str, Field(max_length=200)]
Seed = Annotated[int, Field(ge=0, lt=SEED_LIMIT)]


FORMER_KEYS = ("to_limit", "rows", "columns")
"""Keys of which at least one is in each file of an earlier frenkel that this one reads otherwise."""


class ConfigurationError(ValueError):
    """A configuration is wrong; the message is one sentence naming file, key and value."""


class Section(BaseModel):
    """A table of a configuration: no other keys, no other types, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Document(Section):
    """A whole configuration."""

    def document(self) -> dict[str, Any]:
        """Return the configuration as JSON values, defaults included; ``parse`` reads it back."""
        return self.model_dump(mode="json", exclude_none=True)


Whole = TypeVar("Whole", bound=Section)


def keys_of(numbers: type[Any]) -> Callable[[type[Whole]], type[Whole]]:
    """Return what gives a section the fields of a dataclass as keys.

    Parameters
    ----------
    numbers : type
        Dataclass whose numbers are declared by `kinetic.materials.sections.quantity`.
    """
    hints, keys = get_type_hints(numbers), dict[str, Any]()
    for entry in fields(numbers):
        kind: Any = hints[entry.name]
        if entry.metadata:
            unit, low, high = (entry.metadata[word] for word in ("unit", "low", "high"))
            read = (Field(ge=low, le=high),) if unit == "1" else (reads(unit, low, high), writes(unit))
            one: Any = Annotated[(float, *read)]
            kind = one | None if NoneType in get_args(kind) else one
        keys[entry.name] = (kind, ... if entry.default is MISSING else entry.default)

    def decorated(section: type[Whole]) -> type[Whole]:
        return create_model(
            section.__name__, __base__=section, __module__=section.__module__, __doc__=section.__doc__, **keys
        )

    return decorated


def checked(model: type[Whole], document: Mapping[str, Any], origin: str) -> Whole:
    """Return a dictionary as a configuration.

    Raises
    ------
    ConfigurationError
        The first fault, naming the origin, the key and the value.
    """
    try:
        return model.model_validate(dict(document))
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            if fault["type"] == "extra_forbidden" and (key := fault["loc"][-1]) in FORMER_KEYS:
                raise ConfigurationError(of_earlier(origin, f"it has a key {key}")) from None
        raise ConfigurationError(f"{origin}: {sentence(error, model)}") from None


def rising(low_name: str, low: float, high_name: str, high: float, unit: str) -> None:
    """Raise ValueError unless the first of two values of a section is below the second."""
    if not low < high:
        raise ValueError(f"{low_name} must be below {high_name}, got {low:g} and {high:g} {unit}")


def before_the_end(first: float | None, duration: float) -> None:
    """Raise ValueError unless the first time (s) that is looked at lies within a phase."""
    if first is not None and not first < duration:
        raise ValueError(f"first must be before the end of the phase, {duration:g} s, got {first:g} s")
