"""The network of defects in one box of a material."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats
from ...units import BOLTZMANN_EV, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from ..conduction.classes import REFERENCE, Bond, Way, ways
from ..materials.material import Material
from ._bond_laws import BondLaws
from ._bond_network import BondNetwork
from ._event_energies import FilamentFields
from ._lattice_green import LatticeGreen
from ._network_solver import NetworkSolver
from ._space_charge import SpaceCharge
from .green import GreenTable, Lateral

LAW_STEP, LAW_STEPS = 5e-3, 2000
"""Step (V) and number of steps of the table of a law, which ends at 10 V."""

NEAR_NOTHING = 1e-4
"""Voltage (V) next to 0 V at which the bend of a law that is not odd is taken, to 1e-6 of it."""

Row = tuple[Way, ...]
"""Ways side by side whose conductances at 0 V add up to 1 S."""


class LawTable:
    """Laws of the bonds of a box, each once.

    Attributes
    ----------
    rows : list of tuple of Way
        What bends a bond, over its conductance at 0 V; bonds name it by its place, counted from 1.
    """

    def __init__(self, material: Material, temperature: float) -> None:
        self.material, self.temperature = material, temperature
        self.rows: list[Row] = []

    def bends(self, kind: str) -> bool:
        """Return whether bonds of this class follow a law."""
        paths = self._ways(kind, 1.0, self.material.lattice.spacing)
        return not all(path.law.linear for path in paths)

    def class_of(self, kind: str, conductance: Floats, length: Floats) -> tuple[Floats, NDArray[np.intc]]:
        """Return slopes at 0 V (S) and numbers of the laws of bonds of a class; 0 where they are ohmic.

        Parameters
        ----------
        kind : str
            A class of ``classes.CLASSES``.
        conductance, length : ndarray of shape (n,)
            What the file gives (S), and distances of the ends (m).
        """
        slope, number = np.zeros(len(length)), np.zeros(len(length), np.intc)
        for k, (g, d) in enumerate(zip(conductance, length, strict=True)):
            paths = self._ways(kind, float(g), float(d))
            slope[k] = sum(path.conductance for path in paths)
            if not all(path.law.linear for path in paths):
                number[k] = self._number(tuple(path._replace(scale=path.scale / slope[k]) for path in paths))
        return slope, number

    def _ways(self, kind: str, conductance: float, length: float) -> Row:
        return ways(kind, self.material.conduction, Bond(conductance, length, self.temperature))

    def _number(self, row: Row) -> int:
        if row not in self.rows:
            self.rows.append(row)
        return self.rows.index(row) + 1


def tabulated(rows: list[Row]) -> BondLaws | None:
    """Return the tables of laws that have the slope 1 S at 0 V, or None without any.

    Rows of a law that is not odd stand twice: after all others the one of negative voltages.
    """
    if not rows:
        return None
    uneven = [number for number, row in enumerate(rows) if not all(path.law.odd for path in row)]
    tables = [_table(row, 1.0) for row in rows] + [_table(rows[number], -1.0) for number in uneven]
    below = np.arange(len(tables), dtype=np.intc)
    below[uneven] = len(rows) + np.arange(len(uneven))
    ratio, slope = (np.array(part) for part in zip(*tables, strict=True))
    return BondLaws(LAW_STEP, ratio, slope, below)


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


@lru_cache(maxsize=32)
def _unscaled(way: Way, sign: float) -> tuple[Floats, Floats]:
    voltage: Floats = sign * LAW_STEP * np.arange(1, LAW_STEPS + 1, dtype=np.float64)
    current, slope = way.current(voltage)
    return sign * current, slope


def settling_time(material: Material, layers: int) -> float:
    """Return how fast heat settles (s): the time constant of the slowest mode of a box without a filament.

        tau = c a^2 / (4 kappa sin^2(pi / (2 (n + 1)))), c L^2 / (pi^2 kappa) for many layers

    the slab between two electrodes that keep their temperature (Carslaw and Jaeger, Conduction of Heat in
    Solids, 2nd ed., 1959, chapter 3, recalled) on the lattice of the fields: n layers of spacing a, the
    electrodes one spacing beyond them, L = (n + 1) a apart, c the heat capacity and kappa the conductivity
    of the oxide. Bonds of a filament add conductance and no capacity, which by Rayleigh's principle only
    shortens it: tau bounds the time of every mode of every arrangement. `ballistic_factor` is left out; it
    stands for where carriers leave their heat.

    Parameters
    ----------
    material : Material
        With a section ``heat``.
    layers : int
        Layers of host sites, at least 1.

    Returns
    -------
    float
        0 where the heat capacity is not known.
    """
    heat, spacing = material.heat, material.lattice.spacing
    return float(
        heat.capacity * spacing**2 / (4.0 * heat.conductivity * np.sin(np.pi / (2.0 * (layers + 1))) ** 2)
    )


def build_fields(
    material: Material,
    shape: tuple[int, int, int],
    lateral: Lateral,
    charge: float,
    temperature: float,
    *,
    precise: bool,
) -> FilamentFields:
    """Return the compiled network of a box: bonds between defects, on the Green's table of its lattice.

    Bonds follow g = prefactor exp(-2 (r - a) / xi), times the tunnel factor beyond sqrt(2) a; the bottom
    contact follows the same law, the top one has a factor of its own (1: reactive metal). Both are given at
    300 K and activated, exp(-E/k (1/T - 1/300 K)) at the temperature T of the electrodes. These are slopes at
    0 V: where the file says so, bonds of a class obey the laws of `conduction.classes`, whose own activation
    is included and whose own conductance comes to it. Bonds beyond sqrt(2) a and contacts beyond the first
    layer cross a gap.
    """
    numbers, spacing = material.conduction, material.lattice.spacing
    longest = numbers.cutoff / spacing * (1 + 1e-9)
    squared = np.arange(1, int(longest**2) + 1)
    distance = np.sqrt(squared) * spacing
    factor = np.where(squared <= 2, 1.0, numbers.tunnel_factor)
    activated = np.exp(-numbers.activation / BOLTZMANN_EV * (1 / temperature - 1 / REFERENCE))
    pair = numbers.prefactor * activated * np.exp(-2 * (distance - spacing) / numbers.decay_length) * factor
    steps, table = np.arange(1, shape[2] + 1), LawTable(material, temperature)
    # A law makes even a wide gap conduct at some voltage: contacts then reach as far as there are layers.
    reach = np.exp(-2 * (steps - 1) * spacing / numbers.decay_length)
    if not table.bends("gap"):
        reach[steps > longest] = 0.0
    bottom = numbers.contact_bottom * activated * reach * np.where(steps == 1, 1.0, numbers.tunnel_factor)
    top = numbers.contact_top * activated * reach * np.where(steps == 1, 1.0, numbers.contact_top_factor)
    pair_law, contact_law = np.zeros(len(pair), np.intc), np.zeros((2, len(steps)), np.intc)
    pair[2:], pair_law[2:] = table.class_of("gap", pair[2:], distance[2:])
    depth: Floats = spacing * steps.astype(np.float64)
    for side, (kind, contact) in enumerate((("bottom contact", bottom), ("top contact", top))):
        for name, part in ((kind, slice(1)), ("gap", slice(1, None))):
            contact[part], contact_law[side, part] = table.class_of(name, contact[part], depth[part])
    heat = 1.0 / (material.heat.conductivity * material.heat.ballistic_factor * spacing)
    permittivity = material.electrostatics.permittivity * VACUUM_PERMITTIVITY
    network = BondNetwork(
        LatticeGreen(shape, GreenTable(shape, spacing, lateral=lateral)),
        np.concatenate([[0.0], pair]) / numbers.background,
        np.array([bottom, top[::-1]]) / numbers.background,
        np.concatenate([[0], pair_law]),
        np.array([contact_law[0], contact_law[1, ::-1]]),
    )
    franz = material.heat.lorenz * material.heat.lorenz_temperature * numbers.background * heat
    return FilamentFields(
        NetworkSolver(network, numbers.background, heat, franz),
        SpaceCharge(network, charge, ELEMENTARY_CHARGE / (permittivity * spacing)),
        charge_transition=material.electrostatics.charge_transition,
        bound_share=material.defect.bound_share,
        laws=tabulated(table.rows),
        refine=precise,
    )
