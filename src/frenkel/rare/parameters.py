"""Numbers whose influence is asked for: devices with a little less and a little more of each."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path

from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..errors import Doubt
from ..kinetic.circuit import Circuit
from ..kinetic.device import Device
from ..kinetic.finite_difference import FiniteDifference
from ..kinetic.materials.material import Material
from ..kinetic.materials.rows import declared
from ..kinetic.materials.sections import SECTIONS
from ..units import convert
from ..validation import suggest

SERIES = "circuit.series_resistance"
"""The number that is no material's: the resistance in series during the last phase."""

USUAL = (
    "vacancy.migration_barrier",
    "vacancy.attempt_frequency",
    "vacancy.crowding_barrier",
    "vacancy.binding_energy",
    "exchange.barrier",
    "exchange.energy",
    "exchange.dipole",
    "cation.migration_barrier",
    "cation.attempt_frequency",
    "cation.crowding_barrier",
    "cation.binding_energy",
    "redox.barrier",
    "redox.energy",
    "conduction.prefactor",
    "conduction.decay_length",
    "conduction.gap_reorganisation",
    "heat.conductivity",
    SERIES,
)
"""Asked for by default, as far as the material has them."""

RELAXING = ("disorder.relaxation_rate", "disorder.quenched_share", "disorder.memory")
"""Numbers of what is no event of atoms."""

ENERGY, FACTOR = 0.01, math.log(1.1)
"""What a row of the table states: 10 meV of an energy, a tenth (of ln) of anything else."""


def unit(name: str) -> tuple[float, str]:
    """Return what a change of a number is counted in, and its words: eV of energies, else ln."""
    return (ENERGY, "+10 meV") if _is_energy(name) else (FACTOR, "+10 %")


def chosen(configuration: Configuration, folder: Path, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return names of numbers, the usual ones by default, checked: both twins of each can be made.

    Raises
    ------
    ConfigurationError
        There is no such number, or it cannot be varied.
    """
    material = configuration.made_of(folder)
    if names is None:
        return tuple(name for name in USUAL if _fits(configuration, material, name))
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ConfigurationError(f"--by names {name} twice")
        _check(configuration, material, name)
    return tuple(names)


def twins_of(configuration: Configuration, device: Device, name: str) -> FiniteDifference[Device]:
    """Return the twins of a device in one of its numbers, one unit less and one unit more.

    Parameters
    ----------
    configuration : Configuration
        Of the device.
    device : Device
    name : str
        "section.key" of its material, or `SERIES`.
    """
    step, _ = unit(name)
    low, high = (_other(configuration, device, name, sign * step) for sign in (-1, 1))
    return FiniteDifference(low, high, 2.0 * step, name)


def intervals(material: Material) -> dict[str, tuple[float, float, float]]:
    """Return value and ends of the range of each number of a material that states one, in units kept."""
    found = {}
    for row in material.table():
        kept = declared(row.section, row.key).metadata["unit"]
        if row.range is None or (kept != "eV" and row.range[0] <= 0):
            continue  # the logarithm of 0 is none
        ends = [end if row.unit == kept else convert(end, row.unit, kept) for end in (row.value, *row.range)]
        found[f"{row.section}.{row.key}"] = (ends[0], ends[1], ends[2])
    return found


def _with_step(material: Material, name: str, change: float) -> Material:
    """Return a material with a number changed by so much, which may leave its range without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Doubt)
        return material.with_values({name: _changed(name, material.values()[name], change)})


def _other(configuration: Configuration, device: Device, name: str, change: float) -> Device:
    """Return a device like another one, a number changed by so much (eV or ln)."""
    material, circuit = device.material, device.circuit
    if name == SERIES:
        circuit = Circuit(
            series_resistance=circuit.series_resistance * math.exp(change),
            compliance=circuit.compliance,
            transistor=circuit.transistor,
            polarity=circuit.polarity,
        )
    else:
        material = _with_step(material, name, change)
    arguments = configuration.arguments() | {
        "seed": device.seed, "member": device.member, "temperature": device.temperature
    }  # fmt: skip
    return Device(material, **arguments, circuit=circuit)


def _changed(name: str, value: float, change: float) -> float:
    return value + change if _is_energy(name) else value * math.exp(change)


def _is_energy(name: str) -> bool:
    return name != SERIES and declared(*name.split(".")).metadata["unit"] == "eV"


def _value(configuration: Configuration, material: Material, name: str) -> float:
    """Return a number, 0 where there is none."""
    if name == SERIES:
        *_, (_, _, last) = configuration.phases()
        return float((last.circuit or configuration.circuit).series_resistance or 0.0)
    return material.values().get(name, 0.0)


def _fits(configuration: Configuration, material: Material, name: str) -> bool:
    """Return whether a usual number is there and has room on both sides."""
    try:
        _check(configuration, material, name)
    except ValueError:
        return False
    return _value(configuration, material, name) != 0.0


def _check(configuration: Configuration, material: Material, name: str) -> None:
    """Raise `ConfigurationError` where a number cannot be varied."""
    values = material.values()
    names = [*values, SERIES]
    if name not in names:
        section, _, key = name.partition(".")
        if section in SECTIONS and key:
            declared(section, key)  # names the key where there is none
            raise ConfigurationError(f"--by {name}: {material.name} has no section [{section}]")
        raise ConfigurationError(f"--by: no number {name!r}{suggest(name, names)}")
    try:
        configuration.check_number(name)
    except ConfigurationError as error:
        raise ConfigurationError(f"--by {error}") from None
    value = _value(configuration, material, name)
    if name in RELAXING or name.startswith("two_level."):
        raise ConfigurationError(
            f"--by {name}: relaxations and two-level sites are no events of atoms, whose likelihood is kept"
        )
    if name != SERIES and isinstance(getattr(getattr(material, name.split(".")[0]), name.split(".")[1]), int):
        raise ConfigurationError(f"--by {name}: a whole number ({value:g}) has no derivative")
    if not _is_energy(name) and value == 0.0:
        raise ConfigurationError(f"--by {name}: it is 0, and a tenth of that is nothing")
    if name != SERIES:
        for sign in (-1, 1):
            _with_step(material, name, sign * unit(name)[0])
