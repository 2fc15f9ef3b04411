"""A device as a stack of oxides: which material each plane of sites has, and what lies between two layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...checks import positive, temperature
from ...typing import Floats
from .changes import WITHOUT
from .material import Material
from .region import Region, columns_of
from .rows import MaterialError
from .sections import SECTIONS, WEAK, check_quantities, quantity

OF_A_LAYER: dict[str, tuple[str, ...]] = {
    "vacancy": ("migration_barrier", "attempt_frequency"),
    "cation": ("migration_barrier", "attempt_frequency"),
    "interstitial": ("migration_barrier", "attempt_frequency"),
    "frenkel_pair": ("barrier", "attempt_frequency"),
    **dict.fromkeys(WEAK, ("vacancy_fraction",)),
    "disorder": ("site_energy", "barrier", "barrier_factor"),
    "electrostatics": ("permittivity",),
    "conduction": (
        "prefactor", "decay_length", "tunnel_factor", "background", "activation", "gap_reorganisation",
        "gap_hops", "gap_hop_length", "gap_phonon", "gap_barrier", "gap_mass", "gap_channels", "gap_touch",
    ),
    "heat": ("conductivity", "ballistic_factor", "capacity", "melting_point"),
}  # fmt: skip
"""Numbers that a layer has of its own, by section. All others belong to the device: its lattice, mechanisms,
electrodes, weak sites, and how neighbours act on each other."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What a layer has towards the layer below it.

    Parameters
    ----------
    exchange_energy : float
        Energy (eV) of a defect in this layer less that in the layer below.
    interstitial_energy : float
        The same of the mobile ion between the host sites (eV).
    barrier : float
        Extra barrier (eV) of a hop across, alike both ways.
    thermal_resistance : float
        Of the interface (m^2 K/W).
    contact_factor : float or None
        Contact between both layers: factor on the conductance of all that crosses; 1 where it is None.
    contact_barrier : float or None
        Barrier (eV) through which electrons tunnel across; bonds that cross follow its law then.

    Raises
    ------
    ValueError
        A value outside its range.
    """

    exchange_energy: float = quantity(
        "eV", -20.0, 20.0, "energy of a defect above the interface, less that below", default=0.0
    )
    interstitial_energy: float = quantity("eV", -20.0, 20.0, "the same of the mobile ion", default=0.0)
    barrier: float = quantity("eV", 0.0, 20.0, "extra barrier of a hop across", default=0.0)
    thermal_resistance: float = quantity("m^2*K/W", 0.0, 1.0, "thermal resistance", default=0.0)
    contact_factor: float | None = quantity(
        "1", 1e-12, 1.0, "factor on the conductance of all that crosses", optional=True
    )
    contact_barrier: float | None = quantity(
        "eV", 0.05, 10.0, "barrier through which electrons tunnel across", optional=True
    )

    def __post_init__(self) -> None:
        check_quantities(self, "an interface")

    @property
    def is_plain(self) -> bool:
        """Whether it changes nothing."""
        return not any(getattr(self, entry.name) for entry in fields(self))


@dataclass(frozen=True, slots=True)
class Layer:
    """One oxide of a stack.

    Parameters
    ----------
    thickness : float
        A whole number of lattice spacings (m).
    base : str
        Packaged material that gives the numbers of `OF_A_LAYER`; that of the device where it is empty.
    changes : mapping
        Numbers that differ from it, by section, as in a material file.
    interface : Interface
        Towards the layer below.
    name : str
        What results and pictures call it; its base, or the material of the device, where it is empty.
    regions : sequence of Region
        Parts of it with barriers and first defects of their own; where they overlap, the last one holds.
    document : mapping or None
        What the file of the base holds, where it was recorded; the packaged file is read where it is None.
    """

    thickness: float
    base: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    interface: Interface = field(default_factory=Interface)
    name: str = ""
    regions: Sequence[Region] = ()
    document: Mapping[str, Any] | None = field(default=None, repr=False)

    def material(self, device: Material) -> Material:
        """Return the material of this layer in a device of a material.

        Raises
        ------
        MaterialError
            There is no such set, it moves other defects, or no layer has a number that changes of its own.
        """
        check_own(self.changes)
        found = device.with_changes(self._of_base(device)) if self.base else device
        if self.changes:
            found = found.with_changes(self.changes)
        name = self.name or self.base
        return Material(found.document(), name) if name else found

    def overrides(self, section: str, key: str) -> bool:
        """Return whether this layer has a number of its own, whatever that of the device is."""
        if key not in OF_A_LAYER.get(section, ()):
            return False
        return key in self.changes.get(section, ()) or (bool(self.base) and section in self._base())

    def _base(self) -> Mapping[str, Any]:
        """Return what the file of the base holds."""
        return Material.load(self.base).document() if self.document is None else self.document

    def _of_base(self, device: Material) -> dict[str, Any]:
        """Return the numbers of the base that a layer has of its own, as changes of the device's material."""
        own, given = self._base(), device.document()
        changes: dict[str, Any] = {}
        for section, keys in OF_A_LAYER.items():
            if section not in given:
                continue
            if section not in own:
                # Weak sites and disorder are the device's; a set without them leaves these as they are.
                if section in ("vacancy", "cation", "interstitial", "frenkel_pair", "electrostatics"):
                    raise MaterialError(
                        f"material {self.base} of a layer has no section [{section}], which {device.name} has"
                    )
                continue
            changes[section] = {key: own[section][key] for key in keys if key in own[section]}
            left_out = [
                f"{section}.{key}" for key in keys if key in given[section] and key not in own[section]
            ]
            changes.setdefault(WITHOUT, []).extend(left_out)
        return changes


def check_own(changes: Mapping[str, Any]) -> None:
    """Raise `MaterialError` for a change that is not of a number that a layer has of its own."""
    for section, numbers in changes.items():
        for key in numbers if section in SECTIONS else ("",):
            if key not in OF_A_LAYER.get(section, ()):
                name = f"{section}.{key}".rstrip(".")
                raise MaterialError(
                    f"{name} belongs to the whole device, not to a layer of it: give it in [material]"
                )


class Stack:
    """Layers on a lattice, from the bottom electrode to the top one.

    A plane of host sites belongs to one layer, and so do the interstitial sites between it and the next.
    The electrodes touch the outermost planes over a bond that is all of the layer there.

    Parameters
    ----------
    materials : sequence of Material
        Of each layer, from bottom to top; alike in all that `OF_A_LAYER` does not name.
    planes : sequence of int
        Planes of host sites in each, at least 1.
    interfaces : sequence of Interface
        Between each layer and the next, one less than there are layers.
    regions : sequence of sequence of Region
        Of each layer; none by default.

    Attributes
    ----------
    layer : ndarray of int, shape (nz,)
        Layer of each plane.
    """

    def __init__(
        self,
        materials: Sequence[Material],
        planes: Sequence[int],
        interfaces: Sequence[Interface] = (),
        regions: Sequence[Sequence[Region]] = (),
    ) -> None:
        self.regions = tuple(map(tuple, regions))
        self.materials, self.planes, self.interfaces = tuple(materials), tuple(planes), tuple(interfaces)
        self.layer: NDArray[np.intp] = np.repeat(np.arange(len(self.planes)), self.planes)

    @classmethod
    def of(cls, material: Material, layers: Sequence[Layer], height: int) -> Stack:
        """Return the stack of layers in a device of a material.

        Parameters
        ----------
        material : Material
        layers : sequence of Layer
            From bottom to top; without any the device is all of its material.
        height : int
            Planes of host sites of the device.

        Raises
        ------
        ValueError
            A thickness is no multiple of the spacing, or not all together that of the device; the lowest
            layer has an interface, or a material is not allowed. Names the layer, from 1 at the bottom.
        """
        if not layers:
            return cls((material,), (height,))
        materials, planes, spacing = [], [], material.lattice.spacing
        for number, layer in enumerate(layers, 1):
            positive(f"thickness of layer {number}", layer.thickness, "m")
            count = round(layer.thickness / spacing)
            if count < 1 or abs(layer.thickness / spacing - count) > 1e-6 * count:
                low = max(1, int(layer.thickness / spacing))
                near = f"{low * spacing * 1e9:.6g} or {(low + 1) * spacing * 1e9:.6g} nm"
                raise ValueError(
                    f"thickness of layer {number} must be a whole number of lattice spacings of "
                    f"{spacing * 1e9:g} nm, such as {near}, got {layer.thickness * 1e9:.6g} nm"
                )
            try:
                materials.append(layer.material(material))
            except MaterialError as error:
                raise MaterialError(f"layer {number}: {error}") from None
            planes.append(count)
        if sum(planes) != height:
            raise ValueError(
                f"thickness must be that of the layers together, {sum(planes) * spacing:g} m, "
                f"got {height * spacing:g} m"
            )
        if not layers[0].interface.is_plain:
            raise ValueError("the lowest layer has no layer below it, and so no interface of its own")
        interfaces = [layer.interface for layer in layers[1:]]
        stack = cls(materials, planes, interfaces, [layer.regions for layer in layers])
        stack._check()
        return stack

    def _check(self) -> None:
        """Raise `ValueError` for what a stack of several materials cannot have."""
        if self.is_uniform:
            return
        material = self.material
        if material.has_two_kinds:
            raise ValueError(
                f"layers need a material with one kind of defect that conducts, {material.name} has two"
            )
        for section in ("interface", "trap", "charge_states", "plane"):
            if material.has(section):
                raise ValueError(
                    f"layers need a material without a section [{section}], which {material.name} has"
                )
        for number, numbers in enumerate((m.conduction for m in self.materials), 1):
            if numbers.prefactor <= numbers.background:
                raise ValueError(
                    f"no filament can conduct in layer {number}: conduction.prefactor must be above "
                    f"conduction.background there, got {numbers.prefactor:g} and {numbers.background:g} S"
                )

    @property
    def material(self) -> Material:
        """Material of the uppermost layer, by which the others are measured."""
        return self.materials[-1]

    @property
    def melting_point(self) -> float:
        """Lowest melting point (K) of the materials, or where one decomposes; 0 where none is known."""
        points = [one.heat.melting_point for one in self.materials if one.has("heat")]
        return min((point for point in points if point), default=0.0)

    def check_temperature(self, kelvin: float) -> None:
        """Raise ValueError unless a device of these layers can have a temperature (K)."""
        temperature(kelvin)
        if self.melting_point and kelvin >= self.melting_point:
            names = [one.name for one in self.materials if one.has("heat")]
            points = [one.heat.melting_point or math.inf for one in self.materials if one.has("heat")]
            raise ValueError(
                f"temperature must be below {self.melting_point:g} K, where "
                f"{names[points.index(self.melting_point)]} melts or decomposes, got {kelvin:g} K"
            )

    @cached_property
    def is_uniform(self) -> bool:
        """Whether all layers are alike, with nothing between them."""
        return all(m.hash == self.material.hash for m in self.materials) and all(
            interface.is_plain for interface in self.interfaces
        )

    def numbers(self, section: str, key: str) -> Floats:
        """Return a number of the materials by plane, shape (nz,)."""
        by_layer = [float(getattr(getattr(m, section), key)) for m in self.materials]
        return np.array(by_layer)[self.layer]

    def relative(self, section: str, key: str) -> Floats:
        """Return the same over that of the uppermost layer."""
        values = self.numbers(section, key)
        return np.asarray(values / values[-1])

    def owners(self, shape: tuple[int, ...], periodic: bool) -> NDArray[np.intp]:
        """Return the region of each column of sites of each layer, -1 for none, shape (n_layers, nx, ny).

        Raises
        ------
        ValueError
            A region lies outside of the box, or no site is its own.
        """
        spacing, sides = self.material.lattice.spacing, (shape[0], shape[1])
        found = np.array([columns_of(regions, sides, spacing, periodic) for regions in self.regions])
        for layer, regions in enumerate(self.regions):
            for number, region in enumerate(regions):
                name = f"region {number + 1} of layer {layer + 1}"
                for axis, place, count in zip("xy", (region.x, region.y), sides, strict=True):
                    if place > count * spacing:
                        most, given = (f"{length * 1e9:.6g} nm" for length in (count * spacing, place))
                        raise ValueError(f"{axis} of {name} must be within the device, {most}, got {given}")
                if not (found[layer] == number).any():
                    raise ValueError(f"{name} must have a site of its own, at its place and size it has none")
        return found

    def region(
        self, shape: tuple[int, int, int], periodic: bool
    ) -> Iterator[tuple[Region, NDArray[np.bool_]]]:
        """Yield each region that has sites in a box, and which host sites lie in it, shape (n_hosts,)."""
        for layer, owner in enumerate(self.owners(shape, periodic)):
            for number, region in enumerate(self.regions[layer]):
                yield region, np.outer(owner.ravel() == number, self.layer == layer).ravel()

    def above(self, key: str) -> Floats:
        """Return the sum of a number of all interfaces below each plane, shape (nz,)."""
        steps = [0.0, *(float(getattr(interface, key)) for interface in self.interfaces)]
        return np.cumsum(steps)[self.layer]

    def links(self, conductivity: Floats, resistance: Floats | None = None) -> Floats:
        """Return the conductances of the vertical links, in the unit of those of the planes, shape (nz + 1,).

            1 / g = 1 / (2 g_below) + 1 / (2 g_above) + R

        Half of a link lies in either plane's layer, so that the two are in series with the interface; the
        links to the electrodes lie in the outermost layers.

        Parameters
        ----------
        conductivity : ndarray of shape (nz,)
            Conductance of a link within the layer of each plane.
        resistance : ndarray of shape (nz,), optional
            Sum of the resistances R of all interfaces below each plane; none by default.
        """
        half = 0.5 / conductivity
        inner = half[:-1] + half[1:]
        if resistance is not None:
            inner += np.diff(resistance)
        # Within a layer the link is the layer's own to the last bit.
        alike = conductivity[1:] == conductivity[:-1]
        if resistance is not None:
            alike &= np.diff(resistance) == 0.0
        links = np.where(alike, conductivity[1:], 1.0 / inner)
        return np.concatenate([conductivity[:1], links, conductivity[-1:]])

    def contact(self, parts: Sequence[float] | Floats) -> tuple[float, float]:
        """Return factor and highest barrier (eV) of the contacts that a way crosses, 1 and 0 for none.

        Parameters
        ----------
        parts : sequence of float
            Parts of the way that lie in each layer, as :meth:`parts` returns them.
        """
        inside = np.asarray(parts) > 0.0
        crossed = [one for one, met in zip(self.interfaces, inside[:-1] & inside[1:], strict=True) if met]
        factor = math.prod(one.contact_factor or 1.0 for one in crossed)
        return factor, max((one.contact_barrier or 0.0 for one in crossed), default=0.0)

    def parts(self, low: int, high: int) -> Floats:
        """Return the parts of the way between two planes that lie in each layer, shape (n_layers,), sum 1.

        Parameters
        ----------
        low, high : int
            Planes, ``low <= high``; -1 and nz are the electrodes, which lie in the outermost layers.
        """
        planes = np.clip(np.arange(low, high + 1), 0, len(self.layer) - 1)
        length = np.ones(len(planes))
        if high > low:
            length[[0, -1]] = 0.5
        parts = np.bincount(self.layer[planes], length, len(self.planes))
        return np.asarray(parts / length.sum())

    def __len__(self) -> int:
        return len(self.planes)
