"""Material parameters: named sets of cited numbers, read from TOML files.

A file holds sections of quantities. Each quantity states its value, unit, source, confidence and, where
known, the range that the sources span; see `read_document` in `reader` for the checks. In memory every
number is a plain float in SI units, energies in eV.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ... import notebook, plugins
from ...errors import warn
from .rows import BY_HAND, MaterialError, Row, Width, declared
from .sections import SECTIONS, WEAK, DefectNumbers, Sections, WeakNumbers

DIRECTORY = Path(__file__).parent


class MissingSectionError(MaterialError, AttributeError):
    """A section was asked for that this material does not have."""


class Material(Sections):
    """One named set of material parameters.

    Make it with `Material.load` (a set of the package) or `Material.read` (a file of yours). Sections are
    attributes and hold plain numbers: ``material.vacancy.migration_barrier`` is a float in eV. A section that
    the file leaves out raises `MissingSectionError`; ask `has` first.

    Attributes
    ----------
    name : str
        Name of the set (the file's name without ending).
    formula, description, family : str
        Chemical formula, one line about the set, and its family of `sections.FAMILIES`.
    species : dict of str to str
        What the defect that conducts ("defect") and the mobile ion ("interstitial") are called, and the
        second kind of a set with both vacancies and cations ("cation").
    mechanisms : tuple of str
        Mechanisms switched on, of `sections.MECHANISMS`.
    population : tuple of Width
        How numbers differ between devices, where the file has a table ``[population]``; an ensemble takes it
        with ``shipped = true`` in its own.
    hash : str
        16 hexadecimal digits, a function of formula, mechanisms and values alone.
    """

    name: str
    formula: str
    description: str
    family: str
    species: dict[str, str]
    mechanisms: tuple[str, ...]
    population: tuple[Width, ...]
    hash: str

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
        from .reader import read_document  # pydantic and pint take 0.5 s to import

        contents = read_document(document, where or name)
        state = {
            "name": name,
            "formula": contents.formula,
            "description": contents.description,
            "family": contents.family,
            "species": contents.species,
            "mechanisms": contents.mechanisms,
            "population": contents.population,
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
        return cls.read(cls.packaged(name))

    @classmethod
    def read(cls, path: str | Path) -> Material:
        """Return the set in the TOML file at ``path``; its name is the file's name without ending.

        A file may give only what differs from another set, which its ``based_on`` names: a packaged one, or a
        file beside it; see `changes`.

        Raises
        ------
        MaterialError
            The file cannot be read, is not TOML, or has a fault.
        """
        from .changes import based, doubts  # numpy and pydantic, and a list of names needs neither
        from .reader import read_toml

        path = Path(path)

        def read(base: str) -> tuple[dict[str, Any], str]:
            file = cls.file(base, path.parent)
            return read_toml(file), file.name

        document = read_toml(path)
        material = cls(based(document, path.name, read), path.stem, where=path.name)
        if "based_on" in document:
            below = cls.find(document["based_on"], path.parent)
            _warn(f"{path.name}: {doubt}" for doubt in doubts(below.document(), document, below.name))
        return material

    @classmethod
    def find(cls, name: str, folder: str | Path = "") -> Material:
        """Return the packaged set ``name``, or that of a file whose name ends in .toml.

        Parameters
        ----------
        name : str
        folder : str or Path
            Where a file with a relative name is looked for.
        """
        return cls.read(cls.file(name, folder)) if name.endswith(".toml") else cls.load(name)

    @classmethod
    def file(cls, name: str, folder: str | Path = "") -> Path:
        """Return the file of the set ``name``, see `find`; raise `MaterialError` where none is packaged."""
        return Path(folder) / name if name.endswith(".toml") else cls.packaged(name)

    @classmethod
    def packaged(cls, name: str) -> Path:
        """Return the file of a set of this or another package; raise `MaterialError` where there is none."""
        if name not in cls.names():
            if (other := plugins.find("materials", name)) is not None:
                return Path(other)
            raise MaterialError(f"no material '{name}'{_nearest(name, cls.names())}")
        return DIRECTORY / f"{name}.toml"

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the packaged sets, sorted."""
        return sorted(path.stem for path in DIRECTORY.glob("*.toml"))

    def has(self, section: str) -> bool:
        """Return whether the file has this section."""
        return section in SECTIONS and section in self.__dict__

    @property
    def defect(self) -> DefectNumbers:
        """Numbers of the defect that conducts: of the vacancy, or of the cation where there is no vacancy."""
        return self.vacancy if self.has("vacancy") else self.cation

    @property
    def has_two_kinds(self) -> bool:
        """Whether both vacancies and cations conduct."""
        return self.has("vacancy") and self.has("cation")

    @property
    def weak(self) -> WeakNumbers | None:
        """Numbers of the weak sites, wherever they are; None without any."""
        sets = [getattr(self, name) for name in WEAK if self.has(name)]
        return sets[0] if sets else None

    def table(self) -> list[Row]:
        """Return every number with unit, confidence, source, range and note, in the order of the file."""
        return list(self._rows)

    def document(self) -> dict[str, Any]:
        """Return a copy of what the file holds; ``Material(document, name)`` gives an equal material."""
        return copy.deepcopy(self._document)

    def with_values(self, values: Mapping[str, float | str]) -> Material:
        """Return a copy with some numbers replaced, for tuning and studies.

        Parameters
        ----------
        values : mapping of str to float or str
            "section.key" and the new value, in SI units with energies in eV, or text with a unit, such as
            "0.8 eV". A key that the file left out may be given; so may a whole new section, all required keys
            together.

        Returns
        -------
        Material
            The same name, another hash. Replaced numbers have the confidence "chosen" and no range.

        Raises
        ------
        MaterialError
            Unknown section or key, or a value outside the key's allowed range.

        Warns
        -----
        Doubt
            A value outside the range that the set states for the number.
        """
        from .changes import doubts, number  # numpy

        document = self.document()
        for name, value in values.items():
            section, _, key = name.partition(".")
            declaration = declared(section, key)
            old = document.get(section, {}).get(key)
            document.setdefault(section, {})[key] = {
                "value": number(section, key, value) if isinstance(value, str) else value,
                "unit": declaration.metadata["unit"],
                "source": f"{BY_HAND} instead of {old['value']} {old['unit']}" if old else BY_HAND,
                "confidence": "chosen",
            }
        found = Material(document, self.name)
        for name, value in values.items():
            section, _, key = name.partition(".")
            _warn(doubts(self._document, {section: {key: value}}, self.name))
        return found

    def with_changes(self, changes: Mapping[str, Any]) -> Material:
        """Return a copy with what a table of a configuration or a material file changes; see `changes`.

        Raises
        ------
        MaterialError
            A fault of the changes, or of the set that they make.
        """
        from .changes import changed  # numpy

        return Material(changed(self._document, changes, self.name), self.name)

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
        # A key left at its default says that an effect is absent: files keep their hash when keys are added.
        values = {
            name: value for name, value in self._values() if value != declared(*name.split(".")).default
        }
        hashed_content = {"formula": self.formula, "mechanisms": sorted(self.mechanisms), "values": values}
        text = json.dumps(hashed_content, sort_keys=True, allow_nan=False)
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

    def _repr_html_(self) -> str:
        """Return the numbers as a table, for notebooks."""
        columns = ("number", "value", "confidence", "source")
        rows = [
            (f"{row.section}.{row.key}", f"{row.value:g} {row.unit}", row.confidence, row.source)
            for row in self._rows
        ]
        return notebook.page(
            self.name, f"({self.formula}): {self.description}", notebook.table(columns, rows)
        )

    def __repr__(self) -> str:
        return f"<Material {self.name} ({self.formula}), {', '.join(self.mechanisms)}, {self.hash}>"


def _warn(doubts: Iterable[str]) -> None:
    for doubt in doubts:
        warn(doubt)


def _nearest(name: str, known: Sequence[str]) -> str:
    """Return the end of an error about an unknown set: the one that was meant, or those near by name.

    Names are made of parts, such as HfO2-traps: near are those that have most of the parts asked for, spelled
    like that or nearly.
    """
    import difflib  # where something is wrong, and nowhere else

    lower_case = {candidate.lower(): candidate for candidate in known}
    name = name.lower().replace("0", "o")  # a nought for an O is a common slip, and no name has one
    all_listed = f"frenkel materials lists all {len(known)}"
    if likely := difflib.get_close_matches(name, lower_case, n=1, cutoff=0.8):
        return f" (did you mean '{lower_case[likely[0]]}'?); {all_listed}"
    of_name = {candidate: set(candidate.lower().split("-")) for candidate in known}
    parts = set().union(*of_name.values())
    near_parts = [set(difflib.get_close_matches(part, parts, cutoff=0.7)) for part in name.split("-")]
    shared = {
        candidate: sum(not own.isdisjoint(near) for near in near_parts) for candidate, own in of_name.items()
    }
    most = max(shared.values())
    nearest_names = [candidate for candidate in known if shared[candidate] == most]
    return (
        f"; near by name are: {', '.join(nearest_names)}; {all_listed}"
        if most
        else f"; there are: {', '.join(known)}"
    )
