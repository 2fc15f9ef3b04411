"""The network of defects in one box of a material."""

from __future__ import annotations

import numpy as np

from ...units import BOLTZMANN_EV, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from ..materials.material import Material
from ._event_energies import FilamentFields
from .green import GreenTable, Lateral


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
    300 K and activated, exp(-E/k (1/T - 1/300 K)) at the temperature T of the electrodes.
    """
    numbers, spacing = material.conduction, material.lattice.spacing
    longest = numbers.cutoff / spacing * (1 + 1e-9)
    squared = np.arange(1, int(longest**2) + 1)
    pair = np.zeros(len(squared) + 1)
    distance = np.sqrt(squared) * spacing
    near = np.where(squared <= 2, 1.0, numbers.tunnel_factor)
    activated = np.exp(-numbers.activation / BOLTZMANN_EV * (1 / temperature - 1 / 300.0))
    pair[1:] = numbers.prefactor * activated * np.exp(-2 * (distance - spacing) / numbers.decay_length) * near
    steps = np.arange(1, shape[2] + 1)
    reach = np.where(steps <= longest, np.exp(-2 * (steps - 1) * spacing / numbers.decay_length), 0.0)
    bottom = numbers.contact_bottom * activated * reach * np.where(steps == 1, 1.0, numbers.tunnel_factor)
    top = numbers.contact_top * activated * reach
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
    )
