"""Layers of a device in a configuration, from the bottom electrode to the top one.

::

    [[device.layer]]
    thickness = "2.6 nm"
    material = "TaOx"

    [[device.layer]]
    thickness = "1.3 nm"
    material.vacancy.migration_barrier = "1.1 eV"
    interface.exchange_energy = "0.4 eV"
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from ..kinetic.materials.material import Material
from ..kinetic.materials.region import Region
from ..kinetic.materials.rows import MaterialError
from ..kinetic.materials.stack import Interface, Layer, check_own
from .base import Length, Section, keys_of
from .material import MaterialSection, read_material, write_material


class LayerMaterial(MaterialSection):
    """A packaged material, or the device's where it has no base, and what changes in it.

    Only numbers that a layer has of its own may change, see `kinetic.materials.stack.OF_A_LAYER`.
    """

    base: str = ""

    @model_validator(mode="after")
    def _own(self) -> "LayerMaterial":
        if self.base.endswith(".toml"):
            raise ValueError(f"must have a packaged material as its base, not a file, got {self.base}")
        check_own(self.changes)
        return self


AnyLayerMaterial = Annotated[LayerMaterial, BeforeValidator(read_material), PlainSerializer(write_material)]


@keys_of(Interface)
class InterfaceSection(Section):
    """What a layer has towards the layer below it; see `kinetic.materials.stack.Interface`."""


@keys_of(Region)
class RegionSection(Section):
    """A part of a layer with barriers of its own; see `kinetic.materials.region.Region`."""

    @model_validator(mode="after")
    def _whole(self) -> "RegionSection":
        self.region()
        return self

    def region(self) -> Region:
        """Return the region as a layer takes it."""
        return Region(**dict(self))


class LayerSection(Section):
    """One oxide of a stack; its name is what results and pictures call it."""

    thickness: Length
    name: Annotated[str, Field(max_length=40)] = ""
    material: AnyLayerMaterial = LayerMaterial()
    interface: InterfaceSection = Field(default=InterfaceSection())
    region: list[RegionSection] | None = None

    def layer(self, documents: Mapping[str, Any] | None = None) -> Layer:
        """Return the layer as a device takes it, with the document of its base where that was recorded."""
        base = self.material.base
        interface = Interface(**dict(self.interface))
        document = (documents or {}).get(base)
        regions = tuple(section.region() for section in self.region or ())
        return Layer(self.thickness, base, self.material.changes, interface, self.name, regions, document)

    @classmethod
    def of(cls, layer: Layer) -> "LayerSection":
        """Return the section that says what a layer is."""
        return cls.model_construct(
            thickness=float(layer.thickness),
            name=layer.name,
            material=LayerMaterial.model_validate({"base": layer.base} | dict(layer.changes)),
            interface=InterfaceSection.model_construct(**asdict(layer.interface)),
            region=[RegionSection.model_construct(**asdict(region)) for region in layer.regions] or None,
        )


def layers_of(
    sections: list[LayerSection] | None, documents: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the argument of a device that the sections are; none where a device has no layers."""
    return {"layers": tuple(section.layer(documents) for section in sections)} if sections else {}


def documents_of(bases: Iterable[str], recorded: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the files of the packaged materials of layers hold, by name.

    Parameters
    ----------
    bases : iterable of str
        Bases of layers; "" is that of the device.
    recorded : mapping, optional
        Documents that were recorded, which hold whatever the package holds now.

    Raises
    ------
    MaterialError
        There is no such set.
    """
    known = recorded or {}
    names = dict.fromkeys(base for base in bases if base)
    try:
        return {name: known[name] if name in known else Material.load(name).document() for name in names}
    except MaterialError as error:
        raise MaterialError(f"device.layer: {error}") from None
