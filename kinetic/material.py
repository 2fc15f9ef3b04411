"""Material parameters: named sets of cited numbers, read from TOML files.

A file holds sections of quantities. Each quantity states its value, unit, source, confidence and, where
known, the range that the sources span; see `read_document` in `material_file` for the checks. In memory every
number is a plain float in SI units, energies in eV.
"""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

DIRECTORY = Path(__file__).with_name("materials")

MECHANISMS = {
    "vacancy hop": "vacancy",
    "oxygen exchange": "exchange",
    "interstitial hop": "interstitial",
    "Frenkel pair": "frenkel_pair",
    "interstitial exchange": "interstitial_exchange",
}
"""Each mechanism a material can switch on, and the section that holds its numbers."""


class MaterialError(ValueError):
    """A material file or a name in it is wrong; the message is one sentence naming file and key."""


class MissingSectionError(MaterialError, AttributeError):
    """A section was asked for that this material does not have."""


def quantity(unit: str, low: float, high: float, meaning: str, *, default: float | None = None) -> Any:
    """Declare one key of a section.

    Parameters
    ----------
    unit : str
        Unit of the value in memory, as pint reads it ("1" for a pure number).
    low, high : float
        Allowed values, in ``unit``, ends included. They catch slips, not physics.
    meaning : str
        One line for the table and for errors.
    default : float, optional
        Value when the file leaves the key out; it must mean "this effect is absent". None: required.
    """
    metadata = {"unit": unit, "low": low, "high": high, "meaning": meaning}
    if default is None:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatticeNumbers:
    """Geometry of the oxygen sublattice."""

    spacing: float = quantity("m", 1e-10, 1e-9, "distance of neighbouring oxygen sites")


@dataclass(frozen=True, slots=True, kw_only=True)
class VacancyNumbers:
    """Oxygen vacancy: its hop, charge and interaction with other vacancies."""

    charge: int = quantity("1", -4, 4, "charge number of an isolated vacancy")
    migration_barrier: float = quantity("eV", 0.0, 10.0, "barrier of the hop at zero driving energy")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency of the hop")
    heat_of_transport: float = quantity("eV", -5.0, 5.0, "heat of transport of the hop", default=0.0)
    binding_energy: float = quantity(
        "eV", 0.0, 2.0, "energy gained per pair of neighbouring vacancies (positive attracts)", default=0.0
    )
    crowding_barrier: float = quantity("eV", 0.0, 5.0, "extra barrier of a hop inside a cluster", default=0.0)
    crowding_count: int = quantity("1", 1, 26, "neighbours at which the extra barrier is whole", default=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeNumbers:
    """Oxygen passes between an oxide site and the reactive top electrode; forward makes a vacancy."""

    barrier: float = quantity("eV", 0.0, 10.0, "barrier shared by both directions")
    energy: float = quantity("eV", -10.0, 10.0, "energy of making a vacancy, without fields and neighbours")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency")
    dipole: float = quantity("e*m", 0.0, 1e-8, "bond dipole that lowers the transition state", default=0.0)
    floor: float = quantity("eV", 0.0, 10.0, "least barrier the dipole may leave", default=0.0)
    inventory: int = quantity("1", 0, 10**9, "oxygen atoms the electrode holds at the start", default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterstitialNumbers:
    """Oxygen interstitial: charge and hop."""

    charge: int = quantity("1", -4, 4, "charge number of an interstitial")
    migration_barrier: float = quantity("eV", 0.0, 10.0, "barrier of the hop at zero driving energy")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency of the hop")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrenkelPairNumbers:
    """An oxygen atom leaves its site for a neighbouring interstitial site; forward generates the pair."""

    barrier: float = quantity("eV", 0.0, 10.0, "barrier shared by both directions")
    energy: float = quantity("eV", -10.0, 20.0, "energy of the pair, without fields and neighbours")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency")
    dipole: float = quantity("e*m", 0.0, 1e-8, "bond dipole that lowers the transition state", default=0.0)
    floor: float = quantity("eV", 0.0, 10.0, "least barrier the dipole may leave", default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterstitialExchangeNumbers:
    """An interstitial passes into the electrode it touches; forward leaves the oxide."""

    barrier: float = quantity("eV", 0.0, 10.0, "barrier shared by both directions")
    energy: float = quantity("eV", -10.0, 10.0, "energy of leaving the oxide, without fields and neighbours")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnNumbers:
    """Weak column through the oxide (a grain boundary): easier hops and exchange, and the first vacancies."""

    radius: float = quantity("m", 1e-10, 1e-6, "radius of the column")
    migration_shift: float = quantity("eV", 0.0, 5.0, "extra hop barrier outside the column")
    exchange_shift: float = quantity("eV", 0.0, 5.0, "extra exchange barrier outside the column")
    vacancy_fraction: float = quantity("1", 0.0, 1.0, "share of the column's sites vacant at the start")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapNumbers:
    """Reactive cap: the uppermost layers, poor in oxygen, in which vacancies move more easily."""

    thickness: float = quantity("m", 1e-10, 1e-6, "thickness of the cap, part of the whole thickness")
    migration_shift: float = quantity("eV", -5.0, 5.0, "change of the hop barrier in the cap", default=0.0)
    vacancy_fraction: float = quantity("1", 0.0, 1.0, "share of the cap's sites that are vacant at the start")


@dataclass(frozen=True, slots=True, kw_only=True)
class DisorderNumbers:
    """Standard deviations of the random energies of an amorphous oxide."""

    site_energy: float = quantity("eV", 0.0, 2.0, "standard deviation of the vacancy energy per site")
    barrier: float = quantity("eV", 0.0, 2.0, "standard deviation of the hop barrier per site")


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectrostaticsNumbers:
    """Space charge of isolated defects."""

    permittivity: float = quantity("1", 1.0, 1000.0, "relative permittivity of the oxide")
    charge_transition: float = quantity(
        "eV", -10.0, 10.0, "energy of an isolated, charged vacancy relative to a neutral one in the network"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConductionNumbers:
    """Bonds of the conduction network: g = prefactor exp(-2 (r - spacing) / decay_length)."""

    prefactor: float = quantity("S", 1e-15, 1.0, "conductance of a bond between neighbouring vacancies")
    decay_length: float = quantity("m", 1e-12, 1e-8, "decay length of the hopping conductance")
    tunnel_factor: float = quantity("1", 0.0, 1.0, "factor of bonds longer than sqrt(2) spacings")
    cutoff: float = quantity("m", 1e-10, 1e-7, "longest bond")
    background: float = quantity("S", 1e-20, 1e-3, "conductance of each lattice bond of the bare oxide")
    contact_bottom: float = quantity("S", 1e-15, 1.0, "conductance of a contact bond to the bottom electrode")
    contact_top: float = quantity("S", 1e-15, 1.0, "conductance of a contact bond to the top electrode")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatNumbers:
    """Steady heat flow in the oxide and along the conducting bonds."""

    conductivity: float = quantity("W/(m*K)", 1e-3, 1e4, "thermal conductivity of the oxide")
    lorenz: float = quantity("W*ohm/K^2", 0.0, 1e-6, "Lorenz number of the conducting bonds", default=0.0)
    lorenz_temperature: float = quantity(
        "K", 1.0, 5000.0, "temperature at which bonds are given their thermal conductance", default=600.0
    )
    ballistic_factor: float = quantity(
        "1", 0.1, 100.0, "factor on the conductivity for carriers that cool beyond the gap", default=1.0
    )


SECTIONS: dict[str, type[Any]] = {
    "lattice": LatticeNumbers,
    "vacancy": VacancyNumbers,
    "exchange": ExchangeNumbers,
    "interstitial": InterstitialNumbers,
    "frenkel_pair": FrenkelPairNumbers,
    "interstitial_exchange": InterstitialExchangeNumbers,
    "column": ColumnNumbers,
    "cap": CapNumbers,
    "disorder": DisorderNumbers,
    "electrostatics": ElectrostaticsNumbers,
    "conduction": ConductionNumbers,
    "heat": HeatNumbers,
}
"""Every section a material file may have; only ``lattice`` is required."""


class Row(NamedTuple):
    """One number of a material as its file states it."""

    section: str
    key: str
    value: float
    unit: str
    confidence: str
    source: str
    range: tuple[float, float] | None
    note: str


def declared(section: str, key: str) -> Field[Any]:
    """Return the declaration of ``section.key``, or raise `MaterialError` with the nearest names."""
    if section not in SECTIONS:
        raise MaterialError(f"no section [{section}] in a material{suggest(section, SECTIONS)}")
    known = {entry.name: entry for entry in fields(SECTIONS[section])}
    if key not in known:
        raise MaterialError(f"no key '{key}' in section [{section}]{suggest(key, known)}")
    return known[key]


def suggest(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    """Return the end of an error about an unknown name: the nearest one, and all there are."""
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return f"{hint}; there are: {', '.join(known)}"


class Material:
    """One named set of material parameters.

    Make it with `Material.load` (a set of the package) or `Material.read` (a file of yours). Sections are
    attributes and hold plain numbers: ``material.vacancy.migration_barrier`` is a float in eV. A section that
    the file leaves out raises `MissingSectionError`; ask `has` first.

    Attributes
    ----------
    name : str
        Name of the set (the file's name without ending).
    formula, description : str
        Chemical formula and one line about the set.
    mechanisms : tuple of str
        Mechanisms switched on, of `MECHANISMS`.
    hash : str
        16 hexadecimal digits, a function of formula, mechanisms and values alone.
    """

    name: str
    formula: str
    description: str
    mechanisms: tuple[str, ...]
    hash: str
    lattice: LatticeNumbers
    vacancy: VacancyNumbers
    exchange: ExchangeNumbers
    interstitial: InterstitialNumbers
    frenkel_pair: FrenkelPairNumbers
    interstitial_exchange: InterstitialExchangeNumbers
    column: ColumnNumbers
    cap: CapNumbers
    disorder: DisorderNumbers
    electrostatics: ElectrostaticsNumbers
    conduction: ConductionNumbers
    heat: HeatNumbers

    def __init__(self, document: Mapping[str, Any], name: str, *, where: str | None = None) -> None:
        """Check a document (the dictionary a TOML file gives) and keep its numbers.

        Parameters
        ----------
        document : mapping
            Sections and quantities as in a material file.
        name : str
            Name of the set.
        where : str, optional
            How errors call the document; the name by default.

        Raises
        ------
        MaterialError
            The first fault, naming file, section and key.
        """
        from .material_file import read_document  # pydantic and pint take 0.5 s to import

        contents = read_document(document, where or name)
        state = {
            "name": name,
            "formula": contents.formula,
            "description": contents.description,
            "mechanisms": contents.mechanisms,
            "_document": copy.deepcopy(dict(document)),
            "_rows": contents.rows,
            **contents.sections,
        }
        self.__dict__.update(state)
        self.__dict__["hash"] = self._hash()

    @classmethod
    def load(cls, name: str) -> Material:
        """Return the packaged set ``name``, e.g. "HfO2".

        Raises
        ------
        MaterialError
            No such set; the message lists those there are.
        """
        if name not in cls.names():
            raise MaterialError(f"no material '{name}'{suggest(name, cls.names())}")
        return cls.read(DIRECTORY / f"{name}.toml")

    @classmethod
    def read(cls, path: str | Path) -> Material:
        """Return the set in the TOML file at ``path``; its name is the file's name without ending.

        Raises
        ------
        MaterialError
            The file cannot be read, is not TOML, or has a fault.
        """
        from .material_file import read_toml

        path = Path(path)
        return cls(read_toml(path), path.stem, where=path.name)

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the packaged sets, sorted."""
        return sorted(path.stem for path in DIRECTORY.glob("*.toml"))

    def has(self, section: str) -> bool:
        """Tell whether the file has this section."""
        return section in SECTIONS and section in self.__dict__

    def table(self) -> list[Row]:
        """Return every number with unit, confidence, source, range and note, in the order of the file."""
        return list(self._rows)

    def document(self) -> dict[str, Any]:
        """Return a copy of what the file holds; ``Material(document, name)`` gives an equal material."""
        return copy.deepcopy(self._document)

    def with_values(self, values: Mapping[str, float]) -> Material:
        """Return a copy with some numbers replaced, for tuning and studies.

        Parameters
        ----------
        values : mapping of str to float
            "section.key" and the new value in SI units, energies in eV. A key that the file left out may be
            given; so may a whole new section, all required keys together.

        Returns
        -------
        Material
            The same name, another hash. Replaced numbers have the confidence "chosen" and no range.

        Raises
        ------
        MaterialError
            Unknown section or key, or a value outside the key's allowed range.
        """
        document = self.document()
        for name, value in values.items():
            section, _, key = name.partition(".")
            declaration = declared(section, key)
            old = document.get(section, {}).get(key)
            document.setdefault(section, {})[key] = {
                "value": value,
                "unit": declaration.metadata["unit"],
                "source": f"set by hand instead of {old['value']} {old['unit']}" if old else "set by hand",
                "confidence": "chosen",
            }
        return Material(document, self.name)

    def with_mechanisms(self, mechanisms: Sequence[str]) -> Material:
        """Return a copy with another list of mechanisms; each needs its section."""
        return Material({**self.document(), "mechanisms": list(mechanisms)}, self.name)

    def values(self) -> dict[str, float]:
        """Return every number as "section.key": value in SI units, energies in eV, defaults included."""
        return dict(self._values())

    def _values(self) -> Iterator[tuple[str, float]]:
        for section in SECTIONS:
            if self.has(section):
                numbers = getattr(self, section)
                for entry in fields(numbers):
                    yield f"{section}.{entry.name}", getattr(numbers, entry.name)

    def _hash(self) -> str:
        what = {"formula": self.formula, "mechanisms": sorted(self.mechanisms), "values": self.values()}
        text = json.dumps(what, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __getattr__(self, name: str) -> Any:
        # Reached only when the attribute is absent.
        if name in SECTIONS:
            raise MissingSectionError(f"material {self.__dict__.get('name', '?')} has no section [{name}]")
        raise AttributeError(f"'Material' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Material cannot be changed ({name}); use with_values")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Material) and self.name == other.name and self.hash == other.hash

    def __hash__(self) -> int:
        return hash((self.name, self.hash))

    def __repr__(self) -> str:
        return f"<Material {self.name} ({self.formula}), {', '.join(self.mechanisms)}, {self.hash}>"


def check_bounds(value: float, declaration: Field[Any], where: str) -> None:
    """Raise `MaterialError` unless ``value`` (SI, energies in eV) lies within the declared bounds."""
    low, high = declaration.metadata["low"], declaration.metadata["high"]
    if not (math.isfinite(value) and low <= value <= high):
        raise MaterialError(
            f"{where} must be between {low:g} and {high:g} {declaration.metadata['unit']}, got {value:g}"
        )
