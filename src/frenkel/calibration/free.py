"""What is calibrated: numbers of a material, and the ranges in which they are looked for."""

from collections.abc import Mapping
from typing import Any

from ..configuration.base import ConfigurationError
from ..configuration.material import is_number
from ..kinetic.materials.changes import number
from ..kinetic.materials.material import Material
from ..kinetic.materials.rows import declared
from ..units import convert
from .rounds import Parameter

DECADE = 10.0
"""A range of a decade or more above 0 is looked through in its logarithm."""

AROUND = 0.3
"""Range of an energy, a length or a pure number whose file states none: this share to either side."""


def free(text: str, material: Material) -> list[Parameter]:
    """Return the parameters that a text names.

    Parameters
    ----------
    text : str
        "vacancy.migration_barrier=0.5:1.2 eV, conduction.prefactor": sections and keys of a material, each
        with its range, or with that in the material's file; where that has none, 30 % to either side, and
        for conductances and rates a decade.
    material : Material
        Whose numbers they are.

    Raises
    ------
    ConfigurationError, MaterialError
        A key that there is not, that holds a whole number or none in this material, or a range that is none.
    """
    parameters = [_one(part.strip(), material) for part in text.split(",")]
    names = [q.name for q in parameters]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"--free must name each number once, got {', '.join(names)}")
    return parameters


def unit_of(name: str) -> str:
    """Return the unit of a parameter: "eV" of "vacancy.migration_barrier"."""
    return str(declared(*name.split(".", 1)).metadata["unit"])


def written(name: str, value: float) -> str:
    """Return a value as configurations take it: "vacancy.migration_barrier=0.8 eV"."""
    unit = unit_of(name)
    return f"{name}={value!r}" if unit == "1" else f"{name}={value!r} {unit}"


def _one(text: str, material: Material) -> Parameter:
    key, equals, span = (part.strip() for part in text.partition("="))
    section_and_key = is_number(key)
    if section_and_key is None:
        raise ConfigurationError(
            f"--free must name numbers of a material, such as vacancy.migration_barrier, got {key!r}"
        )
    section, name = section_and_key
    declaration = declared(section, name)
    if declaration.type == "int":
        raise ConfigurationError(f"--free: {section}.{name} is a whole number, which has no range to look in")
    row = next((row for row in material.table() if (row.section, row.key) == section_and_key), None)
    unit = str(declaration.metadata["unit"])
    if equals:
        low, high = _span(f"--free {section}.{name}", span, section, name, unit)
    elif row is None:
        raise ConfigurationError(
            f"--free: {material.name} has no {section}.{name}; give its range, "
            f"{section}.{name}=LOW:HIGH {unit}"
        )
    elif row.range is not None:
        low, high = (_in(unit, end, row.unit) for end in row.range)
    else:
        low, high = _around(_in(unit, row.value, row.unit), unit, declaration.metadata)
    if not low < high:
        raise ConfigurationError(
            f"--free: the range of {section}.{name} must ascend, got {low:g} to {high:g} {unit}"
        )
    return Parameter(f"{section}.{name}", low, high, logarithmic=low > 0 and high >= DECADE * low)


def _span(what: str, text: str, section: str, name: str, unit: str) -> tuple[float, float]:
    """Return both ends of "0.5:1.2 eV" in the unit of the number, within what it may be."""
    numbers, _, unit_text = text.partition(" ")
    ends = numbers.split(":")
    if len(ends) != 2 or (unit_text.strip() == "") != (unit == "1"):
        raise ConfigurationError(f"{what} must be LOW:HIGH{'' if unit == '1' else ' ' + unit}, got {text!r}")
    low, high = (number(section, name, end if unit == "1" else f"{end} {unit_text.strip()}") for end in ends)
    return low, high


def _around(value: float, unit: str, bounds: Mapping[Any, Any]) -> tuple[float, float]:
    if unit in ("S", "Hz", "1/s"):
        low, high = value / DECADE, value * DECADE
    else:
        low, high = sorted((value * (1 - AROUND), value * (1 + AROUND)))
    return max(low, bounds["low"]), min(high, bounds["high"])


def _in(unit: str, value: float, given: str) -> float:
    return value if given == unit else convert(value, given, unit)
