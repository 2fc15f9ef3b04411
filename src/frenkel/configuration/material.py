"""The material of a configuration: a name, or a table with the name and the numbers that differ.

::

    [material]
    base = "HfO2"
    vacancy.migration_barrier = "0.8 eV"
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from ..kinetic.materials import changes
from ..kinetic.materials.material import Material
from ..kinetic.materials.sections import SECTIONS
from ..validation import shown
from .base import Section


class MaterialSection(Section):
    """A material by name, and what changes in it: sections and keys as in a material file.

    Attributes
    ----------
    base : str
        Name of a packaged material, or of a TOML file beside the configuration.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    base: str = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> "MaterialSection":
        changes.check(self.changes)
        return self

    @property
    def changes(self) -> dict[str, Any]:
        """What differs from the base, as the file says it; empty where nothing does."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def name(self) -> str:
        """Name of the base, without the ending of a file."""
        return Path(self.base).stem if self.base.endswith(".toml") else self.base

    def material(self, document: Mapping[str, Any] | None, folder: Path = Path()) -> Material:
        """Return the material.

        Parameters
        ----------
        document : mapping or None
            That of the base, where it was recorded.
        folder : Path
            Where a file with a relative name is looked for.

        Raises
        ------
        MaterialError
            There is no such set, or what is changed does not fit it.
        """
        base = Material.find(self.base, folder) if document is None else Material(document, self.name)
        return base.with_changes(self.changes) if self.changes else base


def chosen(value: Any) -> MaterialSection:
    """Return the material that a document of a configuration names."""
    return MaterialSection.model_validate(read_material(value))


def place(path: list[str], document: dict[str, Any]) -> list[str]:
    """Return where a key, given by its parts, is in the document of a device, and make room for it there.

    ``vacancy.migration_barrier`` is a number of the material, and ``material`` alone its base.
    """
    material_path = path if path[0] == "material" else ["material", *path] if path[0] in SECTIONS else []
    if not material_path:
        return path
    section = document.get("material", "HfO2")
    if isinstance(section, Mapping):
        return material_path if len(material_path) > 1 else ["material", "base"]
    if len(material_path) > 1:
        document["material"] = {"base": section}
    return material_path


def is_number(key: str) -> tuple[str, str] | None:
    """Return section and key of the number of a material that a key of a configuration names, if it does."""
    section, _, name = key.removeprefix("material.").partition(".")
    return (section, name) if section in SECTIONS and name else None


def as_file(base: str, changes: Mapping[str, Any], head: str) -> str:
    """Return the text of a material file that is based on another one.

    Parameters
    ----------
    base : str
        Name of a packaged material, or of a file as seen from the new one.
    changes : mapping
        Sections with the numbers that differ.
    head : str
        Comment above, a line or more.
    """
    lines = [f"# {line}".rstrip() for line in head.splitlines()] + [f"based_on = {_toml(base)}"]
    top_keys = [f"{key} = {_toml(value)}" for key, value in changes.items() if key not in SECTIONS]
    lines += top_keys
    for section, numbers in changes.items():
        if section in SECTIONS:
            lines += ["", f"[{section}]"]
            lines += [f"{key} = {_toml(value)}" for key, value in numbers.items()]
    return "\n".join([*lines, ""])


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def read_material(value: Any) -> Any:
    """Return the table that a name or a table of a configuration is, for its section."""
    if isinstance(value, str):
        return {"base": value}
    if isinstance(value, (Mapping, MaterialSection)):
        return value
    raise ValueError(f"must be a name, or a table with base and changed numbers, got {shown(value)}")


def write_material(value: MaterialSection) -> Any:
    """Return what `read_material` reads."""
    return {"base": value.base} | value.changes if value.changes else value.base


AnyMaterial = Annotated[MaterialSection, BeforeValidator(read_material), PlainSerializer(write_material)]
