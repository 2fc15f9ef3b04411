"""Read and check material files; apart from `material` because pydantic is slow to import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from ... import toml
from ...checks import between
from ...units import convert
from ...validation import sentence, suggest
from .rows import MaterialError, Row, Width, declared
from .sections import BONDS, DEFECTS, FAMILIES, MECHANISMS, SECTIONS, WEAK

Confidence = Literal["measured", "ab initio", "machine-learned potential", "fitted", "recalled", "chosen"]
SpeciesNames = dict[Literal["defect", "cation", "interstitial"], str]


class Origin(BaseModel):
    """Where what a file states comes from."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    source: str
    confidence: Confidence
    note: str = ""
    fitted_to: str = ""

    @field_validator("source")
    @classmethod
    def _not_blank(cls, source: str) -> str:
        if not source.strip():
            raise ValueError("source must not be empty")
        return source

    @model_validator(mode="after")
    def _has_target(self) -> Origin:
        if self.confidence == "fitted" and not self.fitted_to.strip():
            raise ValueError("a fitted number must say in fitted_to what it was fitted to")
        return self

    @property
    def notes(self) -> str:
        """What it was fitted to, and its note."""
        target = f"fitted to: {self.fitted_to}" if self.fitted_to else ""
        return "; ".join(text for text in (target, self.note) if text)


class LawLeaf(Origin):
    """How one number differs between devices; the numbers of the law are further keys."""

    model_config = ConfigDict(extra="allow")

    law: str


class Leaf(Origin):
    """One number as a file states it."""

    value: float = Field(allow_inf_nan=False)
    unit: str
    range: tuple[float, float] | None = None

    @field_validator("range", mode="before")
    @classmethod
    def _pair(cls, limits: Any) -> Any:
        return tuple(limits) if isinstance(limits, list) else limits

    @model_validator(mode="after")
    def _consistent(self) -> Leaf:
        if self.range is not None and not self.range[0] <= self.value <= self.range[1]:
            raise ValueError(
                f"value {self.value:g} {self.unit} lies outside its own range "
                f"{self.range[0]:g} to {self.range[1]:g} {self.unit}"
            )
        return self


@dataclass(frozen=True, slots=True)
class Contents:
    """What a checked document holds."""

    formula: str
    description: str
    family: str
    species: dict[str, str]
    mechanisms: tuple[str, ...]
    sections: dict[str, Any]
    rows: tuple[Row, ...]
    population: tuple[Width, ...]


def read_toml(path: Path) -> dict[str, Any]:
    """Return the dictionary in a TOML file; raise `MaterialError` when it cannot be read."""
    try:
        return toml.read(path)
    except OSError as error:
        raise MaterialError(f"cannot read material file {path}: {error.strerror}") from error
    except ValueError as error:
        raise MaterialError(f"{path.name} is not a TOML file: {error}") from error


def read_document(document: Mapping[str, Any], where: str) -> Contents:
    """Check a document and convert its numbers to SI, energies to eV.

    Parameters
    ----------
    document : mapping
        What a material file holds.
    where : str
        How errors call it.

    Returns
    -------
    Contents

    Raises
    ------
    MaterialError
        The first fault: unknown or missing section or key, wrong type or unit, NaN, value outside its bounds
        or its own range, no source, fitted without a target, mechanism without its section.
    """
    try:
        model: Any = _model().model_validate(dict(document))
    except ValidationError as error:
        raise MaterialError(f"{where}: {sentence(error, _model())}") from error
    sections, rows = {}, []
    for name in document:
        section = getattr(model, name) if name in SECTIONS else None
        if section is not None:
            leaves = {key: getattr(section, key) for key in document[name]}
            sections[name] = SECTIONS[name](**{key: _si(leaves[key], name, key, where) for key in leaves})
            rows += [_row(name, key, leaf) for key, leaf in leaves.items()]
    _check_mechanisms(model.mechanisms, sections, where)
    _check_names(model, sections, where)
    _check_phonons(document, sections, where)
    _check_hops(sections, where)
    _check_walk(sections, where)
    _check_empty_sites(sections, where)
    _check_two_level(sections, where)
    _check_kinds(model, sections, where)
    both = all(name in sections for name in DEFECTS)
    names = {"defect": "vacancy" if both or "cation" not in sections else "metal"}
    names |= ({"cation": "metal"} if both else {}) | {"interstitial": "interstitial"}
    return Contents(
        model.formula,
        model.description,
        model.family,
        names | model.species,
        tuple(model.mechanisms),
        sections,
        tuple(rows),
        tuple(_widths(model.population, where)),
    )


@cache
def _model() -> type[BaseModel]:
    """Return the pydantic model of a whole file, made from the declarations in `sections`."""
    strict = ConfigDict(extra="forbid", strict=True)
    sections: dict[str, Any] = {}
    for name, section in SECTIONS.items():
        keys: dict[str, Any] = {
            entry.name: (Leaf, ...) if entry.default is MISSING else (Leaf | None, None)
            for entry in fields(section)
        }
        model = create_model(section.__name__, __config__=strict, **keys)
        sections[name] = (model, ...) if name == "lattice" else (model | None, None)
    text = Field(min_length=1)
    return create_model(
        "MaterialFile",
        __config__=strict,
        formula=(str, text),
        description=(str, text),
        family=(str, "vcm"),
        species=(SpeciesNames, {}),
        mechanisms=(list[str], ...),
        population=(dict[str, dict[str, LawLeaf]], {}),
        **sections,
    )


def _si(leaf: Leaf, section: str, key: str, where: str) -> float:
    """Return a leaf's value in the unit that `sections` declares for its key, within the bounds."""
    declaration = declared(section, key)
    low, high, unit = (declaration.metadata[word] for word in ("low", "high", "unit"))
    name = f"{where}: {section}.{key}"
    value = leaf.value
    if leaf.unit != unit:
        try:
            value = convert(value, leaf.unit, unit)
        except ValueError as error:
            message = f"{name} has unit '{leaf.unit}', which is no unit of {_what(unit)}"
            raise MaterialError(message) from error
    between(name, value, low, high, unit, MaterialError)
    if declaration.type == "int":
        if value != int(value):
            raise MaterialError(f"{name} must be a whole number, got {value:g}")
        return int(value)
    return value


def _what(unit: str) -> str:
    kinds = {"1": "a pure number ('1')", "m": "length ('nm')", "eV": "energy ('eV')", "Hz": "rate ('Hz')"}
    return kinds.get(unit, f"the kind '{unit}'")


def _row(section: str, key: str, leaf: Leaf) -> Row:
    return Row(section, key, leaf.value, leaf.unit, leaf.confidence, leaf.source, leaf.range, leaf.notes)


def _widths(population: Mapping[str, Mapping[str, LawLeaf]], where: str) -> Iterator[Width]:
    """Yield how numbers differ between devices; the configuration of an ensemble checks the laws."""
    for section, laws in population.items():
        for key, leaf in laws.items():
            try:
                declared(section, key)
            except MaterialError as error:
                raise MaterialError(f"{where}: population: {error}") from None
            law = {"law": leaf.law} | (leaf.__pydantic_extra__ or {})
            yield Width(f"{section}.{key}", law, leaf.confidence, leaf.source, leaf.notes)


def _check_mechanisms(mechanisms: list[str], sections: Mapping[str, Any], where: str) -> None:
    if len(set(mechanisms)) != len(mechanisms):
        raise MaterialError(f"{where}: a mechanism is listed twice: {', '.join(mechanisms)}")
    for name in mechanisms:
        if name not in MECHANISMS:
            raise MaterialError(f"{where}: no mechanism '{name}'{suggest(name, MECHANISMS)}")
        for section in MECHANISMS[name]:
            if section not in sections:
                raise MaterialError(f"{where}: mechanism '{name}' needs a section [{section}]")


def _check_phonons(document: Mapping[str, Any], sections: Mapping[str, Any], where: str) -> None:
    """Raise unless each trap says in one way how the lattice relaxes around it."""
    for name in ("trap", "charge_states"):
        numbers = sections.get(name)
        if numbers is None:
            continue
        phonons = numbers.huang_rhys > 0.0, numbers.phonon_energy > 0.0
        if phonons[0] != phonons[1] or phonons[0] == ("relaxation_energy" in document[name]):
            given_sections = [
                key for key in ("relaxation_energy", "huang_rhys", "phonon_energy") if key in document[name]
            ]
            raise MaterialError(
                f"{where}: {name} must have either relaxation_energy, or huang_rhys and phonon_energy "
                f"above 0, got {', '.join(given_sections) or 'none of them'}"
            )
        if phonons[0]:
            energy = numbers.huang_rhys * numbers.phonon_energy
            between(f"{where}: {name}.huang_rhys times phonon_energy", energy, 0.01, 5.0, "eV", MaterialError)


def _check_hops(sections: Mapping[str, Any], where: str) -> None:
    """Raise where barriers of hops are normal and log-normal at once."""
    numbers = sections.get("disorder")
    if numbers is not None and numbers.barrier and numbers.barrier_factor:
        raise MaterialError(
            f"{where}: disorder.barrier must be 0 beside disorder.barrier_factor, whose log-normal barriers "
            f"it would add normal ones to, got {numbers.barrier:g} eV"
        )


def _check_walk(sections: Mapping[str, Any], where: str) -> None:
    """Raise where bonds have a memory or a quenched part, and nothing changes them."""
    numbers = sections.get("disorder")
    if numbers is None or numbers.relaxation_rate:
        return
    for key in ("quenched_share", "memory"):
        if value := getattr(numbers, key):
            raise MaterialError(
                f"{where}: disorder.{key} must be 0 where disorder.relaxation_rate is 0 and all bonds are "
                f"kept for life, got {value:g}"
            )


def _check_empty_sites(sections: Mapping[str, Any], where: str) -> None:
    """Raise where empty sites conduct beside bonds with laws, or spread by numbers that are not drawn."""
    if "conduction" not in sections:
        return
    numbers = sections["conduction"]
    for key in ("gap_reorganisation", "gap_barrier", "contact_bottom_barrier", "contact_top_barrier"):
        if numbers.empty_site and getattr(numbers, key):
            raise MaterialError(
                f"{where}: conduction.{key} must be 0 beside conduction.empty_site, which is ohmic, "
                f"got {getattr(numbers, key):g} eV"
            )
    spread = numbers.empty_spread
    if spread and not ("disorder" in sections and sections["disorder"].bond):
        raise MaterialError(
            f"{where}: conduction.empty_spread must be 0 where disorder.bond is 0, whose random numbers it "
            f"takes, got {spread:g} eV"
        )


def _check_two_level(sections: Mapping[str, Any], where: str) -> None:
    """Raise unless both directions of every two-level site have a barrier, and its range is one."""
    numbers = sections.get("two_level")
    if numbers is None:
        return
    if numbers.barrier_high < numbers.barrier_low:
        raise MaterialError(
            f"{where}: two_level.barrier_high must be at least two_level.barrier_low, "
            f"{numbers.barrier_low:g} eV, got {numbers.barrier_high:g} eV"
        )
    if numbers.asymmetry > 2.0 * numbers.barrier_low:
        raise MaterialError(
            f"{where}: two_level.asymmetry must be at most twice two_level.barrier_low, "
            f"{2.0 * numbers.barrier_low:g} eV, got {numbers.asymmetry:g} eV"
        )
    if "interface" in sections:
        raise MaterialError(f"{where}: [two_level] acts on bonds, which a set with [interface] has not")


def _check_kinds(model: Any, sections: Mapping[str, Any], where: str) -> None:
    """Raise unless a set with two kinds of defects that conduct has all classes of bonds, and others none."""
    both = all(name in sections for name in DEFECTS)
    for name in BONDS:
        if both and name not in sections:
            raise MaterialError(
                f"{where}: a set with both [vacancy] and [cation] needs a section [{name}] for the bonds "
                f"{'between cations' if name == 'cation_bonds' else 'between a vacancy and a cation'}"
            )
        if not both and name in sections:
            missing = " and ".join(f"[{kind}]" for kind in DEFECTS if kind not in sections)
            raise MaterialError(
                f"{where}: [{name}] needs both kinds of defects, [vacancy] and [cation]; missing: {missing}"
            )
    if not both:
        if "cation" in model.species:
            raise MaterialError(
                f"{where}: species.cation names a second kind of defect, which needs [vacancy] and [cation]"
            )
        return
    for name in ("interface", "trap", "charge_states"):
        if name in sections:
            raise MaterialError(
                f"{where}: a set with both [vacancy] and [cation] cannot have a section [{name}]"
            )


def _check_names(model: Any, sections: Mapping[str, Any], where: str) -> None:
    if model.family not in FAMILIES:
        raise MaterialError(f"{where}: no family '{model.family}'{suggest(model.family, FAMILIES)}")
    given_sections = [name for name in WEAK if name in sections]
    if len(given_sections) > 1:
        raise MaterialError(
            f"{where}: one kind of weak sites is allowed, got sections [{'] and ['.join(given_sections)}]"
        )
    if "interface" in sections and "exchange" in sections and sections["exchange"].depth:
        raise MaterialError(f"{where}: exchange.depth needs a filament, which a set with [interface] has not")
    for name in ("conduction", *BONDS):
        bonds = sections.get(name)
        if bonds is not None and bonds.gap_hop_length and bonds.gap_hops != 1:
            raise MaterialError(f"{where}: {name} must have gap_hops or gap_hop_length, not both")
        if bonds is not None and bonds.gap_phonon and not bonds.gap_reorganisation:
            raise MaterialError(f"{where}: {name}.gap_phonon needs a gap_reorganisation above 0")
    heat, bonds = sections.get("heat"), sections.get("conduction")
    if heat is not None and heat.gap_share < 1.0 and not (
        bonds is not None and (bonds.gap_reorganisation or bonds.gap_barrier)
    ):
        raise MaterialError(
            f"{where}: heat.gap_share of {heat.gap_share:g} needs hops over gaps: "
            "give conduction.gap_reorganisation or gap_barrier, or a share of 1"
        )
    exchange = sections.get("exchange")
    if exchange is not None and exchange.dipole_power > 1.0 and exchange.floor > 0.0:
        raise MaterialError(
            f"{where}: exchange.floor must be 0 with a dipole_power above 1, got {exchange.floor:g} eV"
        )
    if len(set(model.species.values())) < len(model.species) or "" in model.species.values():
        raise MaterialError(f"{where}: species must have different names, got {model.species}")
