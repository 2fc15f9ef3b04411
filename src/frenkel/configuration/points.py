"""Points of a sweep: one configuration and what each point changes in it, read when the point is met."""

import copy
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from ..kinetic.materials.material import Material
from . import device as config
from .device import Configuration
from .material import chosen, is_number
from .population import LAYER_THICKNESS, MemberNumbers, Sampler
from .reader import change

OF_LAYER = re.compile(r"device\.layer\.[0-9]+\.material(\.base)?")
"""Key of the material that a layer is based on."""


class Grid(Sequence[Configuration]):
    """Every combination of the values of some keys, the last key fastest.

    Each point has a seed of its own, made from that of the configuration and the values of the point, so
    that points are independent and another point changes none of them.

    Parameters
    ----------
    base : mapping
        Document of the configuration without changes, with its seed.
    over : mapping of str to sequence of str
        Keys and their values, as "--set" takes them.
    materials : mapping, optional
        Document of each material, by the name that configurations give it; each point then holds its own.
    layer_documents : mapping, optional
        The same of the materials that layers are based on.
    """

    def __init__(
        self,
        base: Mapping[str, Any],
        over: Mapping[str, Sequence[str]],
        materials: Mapping[str, Any] | None = None,
        layer_documents: Mapping[str, Any] | None = None,
    ) -> None:
        self.base, self.over = base, over
        self.materials, self.layer_documents = materials, layer_documents

    def __len__(self) -> int:
        return math.prod(map(len, self.over.values()))

    @overload
    def __getitem__(self, index: int) -> Configuration: ...

    @overload
    def __getitem__(self, index: slice) -> list[Configuration]: ...

    def __getitem__(self, index: int | slice) -> Configuration | list[Configuration]:
        if isinstance(index, slice):
            return [self[k] for k in range(len(self))[index]]
        changes = self._changes(index)
        document = copy.deepcopy(dict(self.base))
        for k in changes:
            change(document, k)
        document["seed"] = self.seed(index)
        if self.materials is not None:
            section = chosen(document.get("material", "HfO2"))
            document["material_document"] = self.materials[section.base]
            document["material"] = {"base": section.name} | section.changes
        if self.layer_documents:
            document["layer_documents"] = self.layer_documents
        return config.parse(document, f"the point {', '.join(changes)}")

    def seed(self, index: int) -> int:
        """Return the seed of a point."""
        words = json.dumps([self.base["seed"], self._changes(index)]).encode()
        return int.from_bytes(hashlib.sha256(words).digest()[:8], "little") >> 1

    def names(self) -> Sequence[str]:
        """Return the materials that occur, as configurations name them."""
        for key in ("material", "material.base"):
            if key in self.over:
                return self.over[key]
        return [chosen(self.base.get("material", "HfO2")).base]

    def layer_bases(self) -> list[str]:
        """Return the materials that layers are based on, in any point."""
        named = [text for key, texts in self.over.items() if OF_LAYER.fullmatch(key) for text in texts]
        return [*config.parse(self.base).device.bases, *named]

    def _changes(self, index: int) -> list[str]:
        changes = []
        for key, texts in reversed(list(self.over.items())):
            index, place = divmod(index, len(texts))
            changes.append(f"{key}={texts[place]}")
        if index:
            raise IndexError(f"a grid of {len(self)} points has no such point")
        return changes[::-1]


class Members:
    """Configuration and material of each member of an ensemble of one configuration.

    Parameters
    ----------
    configuration : Configuration
        With a seed where it has a population.
    folder : Path
        Where a material file with a relative name is looked for.

    Attributes
    ----------
    sampler : Sampler or None
        What draws the numbers of its population; None where it has none.

    Raises
    ------
    MaterialError, ConfigurationError
        There is no such material, or a number of the population has no value to lie around.
    """

    def __init__(self, configuration: Configuration, folder: Path = Path()) -> None:
        self.configuration = configuration
        self.material = configuration.made_of(folder)
        self.sampler = None
        if configuration.population is not None:
            section = configuration.population.of(self.material)
            configuration.check_drawn(section)
            self.sampler = Sampler(section, configuration, self.material)

    def draw(self, member: int) -> MemberNumbers:
        """Return the numbers that the population draws for a member."""
        if self.sampler is None:
            return MemberNumbers({}, {})
        assert self.configuration.seed is not None
        return self.sampler.draw(self.configuration.seed, member)

    def member(self, member: int) -> tuple[Configuration, Material]:
        """Return the configuration of a member, which has no population, and its material."""
        if self.sampler is None:
            return self.configuration.model_copy(update={"member": member}), self.material
        document = self.configuration.document() | {"member": member}
        del document["population"]
        of_material: dict[str, dict[str, Any]] = {}
        of_device: dict[str, float] = {}
        for key, value in self.draw(member).values.items():
            if place := is_number(key):
                section, name = place
                of_material.setdefault(section, {})[name] = self.sampler.numbers[key].write(value)
                change(document, f"{key}={of_material[section][name]}")
            else:
                of_device[key] = value
        material = self.material.with_changes(of_material) if of_material else self.material
        for key, value in of_device.items():
            if LAYER_THICKNESS.fullmatch(key):
                spacing = material.lattice.spacing
                value = math.floor(value / spacing + 0.5) * spacing
            change(document, f"{key}={self.sampler.numbers[key].write(value)}")
        return config.parse(document, f"member {member} of the population"), material


def points_of(document: Mapping[str, Any]) -> Sequence[Configuration]:
    """Return the configurations in a document of an ensemble, each with its material.

    One of an ensemble of a single configuration lists it, with no base and no changes.
    """
    if "base" in document:
        return Grid(
            document["base"], document["over"], document["materials"], document.get("layer_documents")
        )
    return [config.parse(point_document(document, index)) for index in range(len(document["points"]))]


def point_document(document: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Return the configuration of a point in a document of an ensemble, its material included, as JSON."""
    if "base" in document:
        return points_of(document)[index].document()
    material = document["materials"][document["material_of"][index]]
    resolved: dict[str, Any] = document["points"][index] | {"material_document": material}
    layers = {key: document[key] for key in ("layer_documents",) if key in document}
    return resolved | layers
