"""The numbers that a device is made with, by their dotted keys: unit, allowed values, and present value.

Keys are those of ``--set`` and of sweeps: ``exchange.barrier`` and ``material.exchange.barrier`` are one
number of the material; ``device.thickness`` and ``circuit.series_resistance`` are numbers of the
configuration.
"""

import typing
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ..kinetic.materials import changes
from ..kinetic.materials.material import Material
from ..kinetic.materials.rows import declared
from ..kinetic.materials.sections import SECTIONS
from ..quantity import to_si
from ..validation import sections, shown, suggest
from .material import is_number
from .quantity import Bounds

PARTS = ("device", "circuit")
"""Sections of a configuration, besides those of its material, whose numbers a device is made with."""


@dataclass(frozen=True, slots=True)
class ConfigurationNumber:
    """One number that a device is made with.

    Attributes
    ----------
    key : str
        Its dotted key; that of a number of the material begins with the section.
    unit : str
        Unit of its values, "1" of a pure number.
    low, high : float
        Allowed values in this unit, ends included.
    whole : bool
        Whether it is a whole number.
    meaning : str
        One line that says what it is; the key where nothing says more.
    """

    key: str
    unit: str
    low: float
    high: float
    whole: bool
    meaning: str

    def read(self, value: Any) -> float:
        """Return a value, text with a unit or a pure number, as a float in the unit of the number.

        Raises
        ------
        ValueError
            It is no such quantity, or it is out of bounds.
        """
        place = is_number(self.key)
        return changes.number(*place, value) if place else to_si(value, self.unit, self.low, self.high)

    def write(self, value: float) -> str:
        """Return a value (in the unit of the number) as ``--set`` takes it; it reads to the same float."""
        if self.whole:
            return f"{int(value)}"
        return repr(value) if self.unit == "1" else f"{value!r} {self.unit}"

    def value(self, configuration: BaseModel, material: Material) -> float | None:
        """Return the value that the number has, in its unit; None where it has none.

        Raises
        ------
        ValueError
            The key names nothing in this configuration, such as a layer that it does not have.
        """
        if is_number(self.key):
            return material.values().get(self.key)
        place: Any = configuration
        try:
            for part in self.key.split("."):
                place = place[int(part)] if isinstance(place, (list, tuple)) else getattr(place, part)
            return None if place is None else float(place)
        except (AttributeError, IndexError, TypeError, ValueError):
            raise ValueError(f"{self.key} names no number of this configuration") from None


def number_of(key: str, model: type[BaseModel]) -> ConfigurationNumber:
    """Return the number that a dotted key names.

    Parameters
    ----------
    key : str
    model : type
        Model of the configuration.

    Raises
    ------
    ValueError
        The key names nothing, or nothing that is a quantity with an allowed range.
    """
    key = key.removeprefix("material.")
    if place := is_number(key):
        declaration = declared(*place)
        unit, low, high, meaning = (declaration.metadata[word] for word in ("unit", "low", "high", "meaning"))
        return ConfigurationNumber(key, unit, low, high, declaration.type == "int", meaning)
    bounds = _bounds(key, model)
    return ConfigurationNumber(key, bounds.unit, bounds.low, bounds.high, False, key)


def _bounds(key: str, model: type[BaseModel]) -> Bounds:
    """Return unit and range of a key of the configuration, found on the way through its models."""
    *way, last = key.split(".")
    if not way or way[0] not in PARTS:
        nearest = suggest(key.partition(".")[0], (*PARTS, *SECTIONS))
        raise ValueError(f"{shown(key)} is no number of the material, the device or the circuit{nearest}")
    section = model
    for part in (part for part in way if not part.isdecimal()):
        inner = sections(section.model_fields[part].annotation) if part in section.model_fields else []
        if not inner:
            raise ValueError(f"unknown key {key}{suggest(part, section.model_fields)}")
        section = inner[0]
    if last not in section.model_fields:
        raise ValueError(f"unknown key {key}{suggest(last, section.model_fields)}")
    field = section.model_fields[last]
    for entry in (*field.metadata, *_annotated(field.annotation)):
        if isinstance(bounds := getattr(entry, "func", None), Bounds):
            return bounds
    raise ValueError(f"{key} is no quantity with a range of allowed values")


def _annotated(annotation: Any) -> list[Any]:
    """Return what ``Annotated`` says anywhere in an annotation."""
    entries = list(getattr(annotation, "__metadata__", ()))
    return entries + [entry for part in typing.get_args(annotation) for entry in _annotated(part)]
