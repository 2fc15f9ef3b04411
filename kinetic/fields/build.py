"""The network of defects in one box of a material."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations_with_replacement, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats
from ...units import ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from ..conduction.classes import Bond, Way, activated, ways
from ..conduction.transport import QuantumGap
from ..materials.material import Material
from ..materials.sections import BondNumbers, ContactNumbers
from ..materials.stack import Stack
from ..thermal import Thermal
from ._bond_laws import BondLaws
from ._bond_network import BondNetwork
from ._event_energies import FilamentFields
from ._lattice_green import LatticeGreen
from ._network_solver import NetworkSolver
from ._space_charge import SpaceCharge
from .green import GreenTable, Lateral
from .heat_in_time import KEPT_POLES

LAW_STEP, LAW_STEPS = 5e-3, 2000
"""Step (V) and number of steps of the table of a law, which ends at 10 V."""

NEAR_NOTHING = 1e-4
"""Voltage (V) next to 0 V at which the bend of a law that is not odd is taken, to 1e-6 of it."""

Row = tuple[Way, ...]
"""Ways side by side whose conductances at 0 V add up to 1 S."""


class LawTable:
    """Laws of the bonds of a box, each once.

    Parameters
    ----------
    temperature : float
        Of the electrodes, K.
    gap_share : float
        Fraction of the power of a bond of the class "gap" that heats the atoms at its ends.

    Attributes
    ----------
    rows : list of tuple of Way
        What bends a bond, over its conductance at 0 V; bonds name it by its place, counted from 1.
    heating : list of float
        Fraction of the power of such a bond that heats the atoms at its ends; electrodes get the rest.
    """

    def __init__(self, temperature: float, gap_share: float = 1.0) -> None:
        self.temperature, self.gap_share = temperature, gap_share
        self.rows: list[Row] = []
        self.heating: list[float] = []

    def bends(self, kind: str, numbers: BondNumbers, spacing: float) -> bool:
        """Return whether bonds of this class follow a law by the numbers of a section."""
        paths = self._ways(kind, numbers, 1.0, 2.0 * spacing)
        return not all(path.law.linear for path in paths)

    def class_of(
        self, kind: str, numbers: BondNumbers, conductance: Floats, length: Floats
    ) -> tuple[Floats, NDArray[np.intc]]:
        """Return slopes at 0 V (S) and numbers of the laws of bonds of a class; 0 where they are ohmic.

        Parameters
        ----------
        kind : str
            A class of ``classes.CLASSES``.
        numbers : BondNumbers
        conductance, length : ndarray of shape (n,)
            What the file gives (S), and distances of the ends (m).
        """
        slope, number = np.zeros(len(length)), np.zeros(len(length), np.intc)
        share = self.gap_share if kind == "gap" else 1.0
        for k, (g, d) in enumerate(zip(conductance, length, strict=True)):
            paths = self._ways(kind, numbers, float(g), float(d))
            slope[k] = sum(path.conductance for path in paths)
            if not all(path.law.linear for path in paths):
                row = tuple(path._replace(scale=path.scale / slope[k]) for path in paths)
                number[k] = self._number(row, share)
        return slope, number

    def through(self, barrier: float, length: Floats) -> NDArray[np.intc]:
        """Return the numbers of the law of elastic tunnelling through a barrier (eV), for lengths (m)."""
        law = QuantumGap(channels=1.0, barrier=barrier, mass=1.0)
        paths = [Way(1.0, law, float(d)) for d in length]
        rows = [(path._replace(scale=1.0 / path.conductance),) for path in paths]
        return np.array([self._number(row, 1.0) for row in rows], np.intc)

    def _ways(self, kind: str, numbers: BondNumbers, conductance: float, length: float) -> Row:
        return ways(kind, numbers, Bond(conductance, length, self.temperature))

    def _number(self, row: Row, share: float) -> int:
        listed = list(zip(self.rows, self.heating, strict=True))
        if (row, share) in listed:
            return listed.index((row, share)) + 1
        self.rows.append(row)
        self.heating.append(share)
        return len(self.rows)


def tabulated(rows: list[Row], heating: list[float] | None = None) -> BondLaws | None:
    """Return the tables of laws that have the slope 1 S at 0 V, or None without any.

    Rows of a law that is not odd stand twice: after all others the one of negative voltages. ``heating`` is that of
    `LawTable`; without it all power heats the ends of a bond.
    """
    if not rows:
        return None
    uneven = [number for number, row in enumerate(rows) if not all(path.law.odd for path in row)]
    tables = [_table(row, 1.0) for row in rows] + [_table(rows[number], -1.0) for number in uneven]
    below = np.arange(len(tables), dtype=np.intc)
    below[uneven] = len(rows) + np.arange(len(uneven))
    ratio, slope = (np.array(part) for part in zip(*tables, strict=True))
    return BondLaws(LAW_STEP, ratio, slope, below, heating)


def _table(row: Row, sign: float) -> tuple[Floats, Floats]:
    """Return ln(i / u) at steps of the voltage of one sign, and its derivative by the size of it (1/V)."""
    voltage: Floats = LAW_STEP * np.arange(1, LAW_STEPS + 1, dtype=np.float64)
    ratio, slope = np.zeros((2, LAW_STEPS + 1))
    current, derivative = (sum(part) for part in zip(*(_sampled(path, sign) for path in row), strict=True))
    ratio[1:] = np.log(current / voltage)
    slope[1:] = derivative / current - 1 / voltage
    for path in row:
        if not path.law.odd:
            back, on = path.current(np.array([-NEAR_NOTHING, NEAR_NOTHING]))[0]
            slope[0] += sign * path.scale * (on + back) / (2 * NEAR_NOTHING**2)
    return ratio, slope


def _sampled(way: Way, sign: float) -> tuple[Floats, Floats]:
    """Return the current of a way (A), taken as positive, and its slope (S) at steps of the voltage."""
    current, slope = _unscaled(way._replace(scale=1.0), sign)
    return way.scale * current, way.scale * slope


@lru_cache(maxsize=128)
def _unscaled(way: Way, sign: float) -> tuple[Floats, Floats]:
    voltage: Floats = sign * LAW_STEP * np.arange(1, LAW_STEPS + 1, dtype=np.float64)
    current, slope = way.current(voltage)
    return sign * current, slope


def settling_time(stack: Stack) -> float:
    """Return how fast heat settles (s): the time constant of the slowest mode of a box without a filament.

        tau = c a^2 / (4 kappa sin^2(pi / (2 (n + 1)))), c L^2 / (pi^2 kappa) for many planes

    the slab between two electrodes that keep their temperature (Carslaw and Jaeger, Conduction of Heat in
    Solids, 2nd ed., 1959, chapter 3, recalled) on the lattice of the fields: n planes of spacing a, the
    electrodes one spacing beyond them, L = (n + 1) a apart, c the heat capacity and kappa the conductivity
    of the oxide. In layers it is the slowest mode of their planes, by number. Bonds of a filament add
    conductance and no capacity, which by Rayleigh's principle only shortens it: tau bounds the time of every
    mode of every arrangement. `ballistic_factor` is left out; it stands for where carriers leave their heat.

    Parameters
    ----------
    stack : Stack
        Of materials with a section ``heat``.

    Returns
    -------
    float
        0 where a heat capacity is not known.
    """
    heat, spacing, layers = stack.material.heat, stack.material.lattice.spacing, len(stack.layer)
    capacity, kappa = stack.numbers("heat", "capacity"), stack.numbers("heat", "conductivity")
    if not capacity.all():
        return 0.0
    if stack.is_uniform:
        return float(
            heat.capacity * spacing**2 / (4.0 * heat.conductivity * np.sin(np.pi / (2.0 * (layers + 1))) ** 2)
        )
    from scipy.linalg import eigh_tridiagonal  # 20 MB, for a plan alone

    links = stack.links(kappa, stack.above("thermal_resistance") / spacing)
    # Symmetric in the square root of the capacities: the same rates.
    diagonal = (links[:-1] + links[1:]) / capacity
    beside = -links[1:-1] / np.sqrt(capacity[:-1] * capacity[1:])
    rate = eigh_tridiagonal(diagonal, beside, eigvals_only=True)[0] / spacing**2
    return float(1.0 / rate)


def build_fields(
    stack: Stack,
    shape: tuple[int, int, int],
    lateral: Lateral,
    charge: tuple[float, ...],
    temperature: float,
    *,
    precise: bool,
) -> FilamentFields:
    """Return the compiled network of a box: bonds between defects, on the Green's tables of its layers.

    ``charge`` is that of the defect that conducts, of each kind where there are two.

    Conduction, permittivity and heat each have the table of their own layers, or share one where these are
    alike.
    """
    material, spacing = stack.material, stack.material.lattice.spacing
    conduction, permittivity, heat = layered_greens(stack, shape, lateral)
    table = LawTable(temperature, material.heat.gap_share)
    bonds = layered_bonds(stack, table)
    background = material.conduction.background
    background *= activated(material.conduction.background_activation, temperature)
    network = BondNetwork(
        conduction,
        np.concatenate([np.zeros((len(bonds.pair), 1)), bonds.pair], axis=1) / background,
        bonds.contact / background,
        np.concatenate([np.zeros((len(bonds.pair), 1), np.intc), bonds.pair_law], axis=1),
        bonds.contact_law,
        bonds.kind,
        int(min(material.conduction.contact_shadow / spacing * (1 + 1e-9), 15.0) ** 2),
    )
    scale = 1.0 / (material.heat.conductivity * material.heat.ballistic_factor * spacing)
    franz = material.heat.lorenz * material.heat.lorenz_temperature * background * scale
    epsilon = material.electrostatics.permittivity * VACUUM_PERMITTIVITY
    transition, bound_share = [material.electrostatics.charge_transition], [material.defect.bound_share]
    if material.has_two_kinds:
        transition.append(material.cation_bonds.charge_transition)
        bound_share.append(material.cation.bound_share)
    return FilamentFields(
        NetworkSolver(network, background, scale, franz, heat),
        SpaceCharge(
            network,
            charge,
            ELEMENTARY_CHARGE / (epsilon * spacing),
            permittivity,
            stack.relative("electrostatics", "permittivity"),
        ),
        charge_transition=transition,
        bound_share=bound_share,
        laws=tabulated(table.rows, table.heating),
        refine=precise,
    )


def layered_greens(
    stack: Stack, shape: tuple[int, int, int], lateral: Lateral
) -> tuple[LatticeGreen, LatticeGreen, LatticeGreen]:
    """Return the Green's functions of conduction, permittivity and heat; one object where they are the same.

    Each is over the uppermost layer's link. A thermal resistance R of an interface is in series with the two
    halves of the link that crosses it, R kappa / a in units of that link.
    """
    spacing, kinds = stack.material.lattice.spacing, dict[bytes, LatticeGreen]()

    def green(links: Floats, layer: Floats) -> LatticeGreen:
        key = links.tobytes() + layer.tobytes()
        if key not in kinds:
            table = GreenTable(shape, spacing, lateral=lateral, z_link=links, layer=layer)
            kinds[key] = LatticeGreen(shape, table)
        return kinds[key]

    conduction, permittivity, heat = _backgrounds(stack)
    return green(*conduction), green(*permittivity), green(*heat)


def _backgrounds(stack: Stack) -> list[tuple[Floats, Floats]]:
    """Return vertical links and layers of the backgrounds of conduction, permittivity and heat."""
    kappa = stack.numbers("heat", "conductivity") * stack.numbers("heat", "ballistic_factor")
    resistance = stack.above("thermal_resistance") * kappa[-1] / stack.material.lattice.spacing
    electric = stack.relative("conduction", "background")
    polarised, heat = stack.relative("electrostatics", "permittivity"), kappa / kappa[-1]
    conduction = stack.links(electric)
    for plane in range(1, len(conduction) - 1):
        conduction[plane] *= stack.contact(stack.parts(plane - 1, plane))[0]
    _add_interfaces(stack.material, conduction)
    others = [(stack.links(polarised), polarised), (stack.links(heat, resistance), heat)]
    return [(conduction, electric), *others]


def _add_interfaces(material: Material, links: Floats) -> None:
    """Put the interfaces of a dissolving metal's electrodes in series with vertical links.

        1 / g = 1 / g_link + background / (sigma a^2)

    An ion crosses both in the step that transfers its charge. Metal of the active electrode dissolves into
    the uppermost plane, so that its interface is in the link above that plane. An atom of the lowest plane
    touches the counter electrode and is metal of it, so that the interface is in the link above the atom.
    Both are activated as the bare oxide is: temperature leaves the division of the voltage as it is.
    """
    if not material.has("redox"):
        return
    area = material.lattice.spacing**2
    for plane, per_area in ((1, material.redox.counter_interface), (-1, material.redox.active_interface)):
        if per_area:
            links[plane] = 1.0 / (1.0 / links[plane] + material.conduction.background / (per_area * area))


def number_of_tables(stack: Stack, thermal: Thermal) -> int:
    """Return how many Green's tables a device keeps at most.

    None for columns with a contact, one where all layers are alike, up to three else; with heat in time those
    of its poles besides.
    """
    if stack.material.has("interface"):
        return 0
    backgrounds = {links.tobytes() + layer.tobytes() for links, layer in _backgrounds(stack)}
    return len(backgrounds) + (KEPT_POLES if thermal.transient else 0)


class LayeredBonds(NamedTuple):
    """Conductances at 0 V (S) and laws of bonds.

    Those of pairs by kind and squared distance from 1, those of contacts by side and plane.
    ``kind`` is that of the bonds between two planes. With two kinds of defects pairs have three rows, of two
    vacancies, of a mixed pair and of two cations, and contacts those of vacancies, then of cations.
    """

    pair: Floats
    pair_law: NDArray[np.intc]
    kind: NDArray[np.intc]
    contact: Floats
    contact_law: NDArray[np.intc]


def layered_bonds(stack: Stack, table: LawTable) -> LayeredBonds:
    """Return the bonds of every layer, and those that cross from one to another.

    A bond that lies in several layers has the geometric mean of what it would have in each, weighted by the
    parts of its length there: exponents of tunnelling add up along a way, and factors of both ends multiply
    as those of disorder do. It follows the law of the layer in which it conducts least, which takes most of
    the voltage.
    """
    if stack.material.has_two_kinds:
        return _bonds_of_two_kinds(stack, table)
    of_layer = [_bonds_of(material, material.conduction, stack, table) for material in stack.materials]
    nz = len(stack.layer)
    kind, kinds = np.zeros((nz, nz), np.intc), dict[tuple[float, ...], int]()
    for low, high in combinations_with_replacement(range(nz), 2):
        number = kinds.setdefault(tuple(stack.parts(low, high)), len(kinds))
        kind[low, high] = kind[high, low] = number
    spacing = stack.material.lattice.spacing
    of_pairs = [(own.pair[0], own.pair_law[0]) for own in of_layer]
    length = spacing * np.sqrt(np.arange(1, len(of_pairs[0][0]) + 1))
    pairs = [
        _across(stack.contact(parts), table, length, _mean(np.array(parts), of_pairs)) for parts in kinds
    ]
    contact, contact_law = np.zeros((2, nz)), np.zeros((2, nz), np.intc)
    for side, plane in product(range(2), range(nz)):
        parts = stack.parts(-1, plane) if side == 0 else stack.parts(plane, nz)
        each = [(own.contact[side, [plane]], own.contact_law[side, [plane]]) for own in of_layer]
        depth = spacing * np.array([plane + 1.0 if side == 0 else nz - plane])
        contact[side, [plane]], contact_law[side, [plane]] = _across(
            stack.contact(parts), table, depth, _mean(parts, each)
        )
    pair, pair_law = (np.array(part) for part in zip(*pairs, strict=True))
    return LayeredBonds(pair, pair_law, kind, contact, contact_law)


def _bonds_of_two_kinds(stack: Stack, table: LawTable) -> LayeredBonds:
    """Return the bonds of a single layer in which vacancies and cations conduct."""
    material = stack.material
    first, second = (
        _bonds_of(material, numbers, stack, table) for numbers in (material.conduction, material.cation_bonds)
    )
    mixed, mixed_law = _pairs_of(material, material.mixed_bonds, table)
    return LayeredBonds(
        np.concatenate([first.pair, mixed[None], second.pair]),
        np.concatenate([first.pair_law, mixed_law[None], second.pair_law]),
        first.kind,
        np.concatenate([first.contact, second.contact]),
        np.concatenate([first.contact_law, second.contact_law]),
    )


def _mean(parts: Floats, each: Sequence[tuple[Floats, NDArray[np.intc]]]) -> tuple[Floats, NDArray[np.intc]]:
    """Return slopes and laws of bonds of which a part of the length lies in each layer."""
    present = np.flatnonzero(parts)
    slopes, laws = (np.array([each[int(layer)][k] for layer in present]) for k in range(2))
    with np.errstate(divide="ignore"):
        mean = np.exp(parts[present] @ np.log(slopes))
    # Alike in all layers it is that to the last bit.
    mean = np.where(np.all(slopes == slopes[0], axis=0), slopes[0], mean)
    return mean, laws[np.argmin(slopes, axis=0), np.arange(slopes.shape[1])]


def _across(
    contact: tuple[float, float], table: LawTable, length: Floats, bonds: tuple[Floats, NDArray[np.intc]]
) -> tuple[Floats, NDArray[np.intc]]:
    """Return slopes and laws of bonds with the contacts that they cross, a factor and a barrier (eV)."""
    (factor, barrier), (slopes, laws) = contact, bonds
    slopes = slopes * factor if factor != 1.0 else slopes
    return slopes, np.where(slopes > 0.0, table.through(barrier, length), laws) if barrier else laws


def _pairs_of(
    material: Material, numbers: BondNumbers, table: LawTable
) -> tuple[Floats, NDArray[np.intc]]:
    """Return slopes at 0 V (S) and laws of bonds by squared distance from 1, see `_bonds_of`."""
    spacing = material.lattice.spacing
    longest = material.conduction.cutoff / spacing * (1 + 1e-9)
    squared = np.arange(1, int(longest**2) + 1)
    distance = np.sqrt(squared) * spacing
    factor = np.where(squared <= 2, 1.0, numbers.tunnel_factor)
    warm = activated(numbers.activation, table.temperature)
    pair = numbers.prefactor * warm * np.exp(-2 * (distance - spacing) / numbers.decay_length) * factor
    law = np.zeros(len(pair), np.intc)
    pair[2:], law[2:] = table.class_of("gap", numbers, pair[2:], distance[2:])
    return pair, law


def _bonds_of(
    material: Material, numbers: ContactNumbers, stack: Stack, table: LawTable
) -> LayeredBonds:
    """Return the bonds and contacts of a section, for a box that is all of one material.

    Bonds follow g = prefactor exp(-2 (r - a) / xi), times the tunnel factor beyond sqrt(2) a; the bottom
    contact follows the same law, the top one has a factor of its own (1: reactive metal). Both are given at
    300 K and activated, exp(-E/k (1/T - 1/300 K)) at the temperature T of the electrodes. These are slopes at
    0 V: where the file says so, bonds of a class obey the laws of `conduction.classes`, whose own activation
    is included and whose own conductance comes to it. Bonds beyond sqrt(2) a and contacts beyond the first
    layer cross a gap.
    """
    spacing, nz = material.lattice.spacing, len(stack.layer)
    longest = material.conduction.cutoff / spacing * (1 + 1e-9)
    warm = activated(numbers.activation, table.temperature)
    pair, pair_law = _pairs_of(material, numbers, table)
    steps = np.arange(1, nz + 1)
    # A law makes even a wide gap conduct at some voltage: contacts then reach as far as there are layers.
    reach = np.exp(-2 * (steps - 1) * spacing / numbers.decay_length)
    others = [numbers] if material.has_two_kinds else [other.conduction for other in stack.materials]
    if not any(table.bends("gap", other, spacing) for other in others):
        reach[steps > longest] = 0.0
    bottom = numbers.contact_bottom * warm * reach * np.where(steps == 1, 1.0, numbers.tunnel_factor)
    top = numbers.contact_top * warm * reach * np.where(steps == 1, 1.0, numbers.contact_top_factor)
    contact_law = np.zeros((2, nz), np.intc)
    depth: Floats = spacing * steps.astype(np.float64)
    for side, (kind, contact) in enumerate((("bottom contact", bottom), ("top contact", top))):
        for name, part in ((kind, slice(1)), ("gap", slice(1, None))):
            contact[part], contact_law[side, part] = table.class_of(
                name, numbers, contact[part], depth[part]
            )
    return LayeredBonds(
        pair[None],
        pair_law[None],
        np.zeros((nz, nz), np.intc),
        np.array([bottom, top[::-1]]),
        np.array([contact_law[0], contact_law[1, ::-1]]),
    )
