"""The network of defects in one box of a material."""

from __future__ import annotations

import numpy as np

from ...typing import Floats
from ...units import BOLTZMANN_EV, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from ..conduction.bonds import Bonds, ConductionLaw
from ..conduction.electron_transfer import ElectronTransfer
from ..materials.material import Material
from ._bond_laws import BondLaws
from ._event_energies import FilamentFields
from .green import GreenTable, Lateral

REFERENCE = 300.0
"""Temperature (K) at which the conductances of a material file hold."""

LAW_STEP, LAW_STEPS = 5e-3, 2000
"""Step (V) and number of steps of the table of a law, which ends at 10 V."""


def gap_law(material: Material, temperature: float) -> ElectronTransfer | None:
    """Return the law of a bond over a gap with the slope 1 S at 0 V, or None where gaps are ohmic."""
    numbers = material.conduction
    if numbers.gap_reorganisation == 0.0:
        return None
    return ElectronTransfer(
        conductance=1.0,
        reorganisation=numbers.gap_reorganisation,
        hops=numbers.gap_hops,
        temperature=temperature,
    )


def tabulated(laws: list[ConductionLaw]) -> BondLaws:
    """Return the table of laws that have the slope 1 S at 0 V."""
    voltage: Floats = LAW_STEP * np.arange(1, LAW_STEPS + 1, dtype=np.float64)
    bonds = Bonds(first=np.zeros(LAW_STEPS, np.intp), second=np.full(LAW_STEPS, -1, np.intp), law=laws[0])
    ratio, slope = np.zeros((2, len(laws), LAW_STEPS + 1))
    for row, law in enumerate(laws):
        current, derivative = law.current(voltage, bonds)
        ratio[row, 1:] = np.log(current / voltage)
        slope[row, 1:] = derivative / current - 1 / voltage
    return BondLaws(LAW_STEP, ratio, slope)


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
    temperature: float = 300.0,
) -> FilamentFields:
    """Return the compiled network of a box: bonds between defects, on the Green's table of its lattice.

    Bonds follow g = prefactor exp(-2 (r - a) / xi), times the tunnel factor beyond sqrt(2) a; the bottom
    contact follows the same law, the top one (reactive metal) is ohmic without that factor. Both are given at
    300 K and activated, exp(-E/k (1/T - 1/300 K)) at the temperature T of the electrodes. These are slopes at
    0 V: where the file gives a reorganisation energy, bonds beyond sqrt(2) a and contacts beyond the first
    layer, which cross a gap, obey `ElectronTransfer`, its own activation at T included.
    """
    numbers, spacing = material.conduction, material.lattice.spacing
    longest = numbers.cutoff / spacing * (1 + 1e-9)
    squared = np.arange(1, int(longest**2) + 1)
    pair = np.zeros(len(squared) + 1)
    distance = np.sqrt(squared) * spacing
    near = np.where(squared <= 2, 1.0, numbers.tunnel_factor)
    activated = np.exp(-numbers.activation / BOLTZMANN_EV * (1 / temperature - 1 / REFERENCE))
    pair[1:] = numbers.prefactor * activated * np.exp(-2 * (distance - spacing) / numbers.decay_length) * near
    steps = np.arange(1, shape[2] + 1)
    law, laws, over_gap = gap_law(material, temperature), None, steps > 1
    # A law makes even a wide gap conduct at some voltage: contacts then reach as far as there are layers.
    reach = np.exp(-2 * (steps - 1) * spacing / numbers.decay_length)
    if law is None:
        reach[steps > longest] = 0.0
    bottom = numbers.contact_bottom * activated * reach * np.where(steps == 1, 1.0, numbers.tunnel_factor)
    top = numbers.contact_top * activated * reach
    if law is not None:
        laws = tabulated([law])
        activation = law.activated(REFERENCE)
        pair[1:][squared > 2] *= activation
        bottom, top = (np.where(over_gap, one * activation, one) for one in (bottom, top))
    far = np.concatenate([[False], squared > 2])
    heat = 1.0 / (material.heat.conductivity * material.heat.ballistic_factor * spacing)
    permittivity = material.electrostatics.permittivity * VACUUM_PERMITTIVITY
    return FilamentFields(
        shape,
        GreenTable(shape, spacing, lateral=lateral),
        pair / numbers.background,
        np.array([bottom, top[::-1]]) / numbers.background,
        numbers.background,
        charge,
        ELEMENTARY_CHARGE / (permittivity * spacing),
        material.electrostatics.charge_transition,
        heat,
        material.heat.lorenz * material.heat.lorenz_temperature * numbers.background * heat,
        bound_share=material.defect.bound_share,
        laws=laws,
        pair_law=(far & (law is not None)).astype(np.intc),
        contact_law=(np.array([over_gap, over_gap[::-1]]) & (law is not None)).astype(np.intc),
    )
