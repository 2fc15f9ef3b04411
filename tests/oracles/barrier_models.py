"""Potentials with known minima, saddles and frequencies."""

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones

HEIGHT, STIFF, BEND, UP = 0.8, 3.0, 0.5, 2.0
"""Barrier (eV), stiffness across the path and along z (eV/angstrom^2), height of the bent path (angstrom)."""


class BentWell(Calculator):
    """V = HEIGHT (x^2 - 1)^2 + STIFF (y - BEND (1 - x^2))^2 + UP z^2 of one atom, in eV and angstrom.

    The minima are (-1, 0, 0) and (1, 0, 0), the saddle (0, BEND, 0), HEIGHT above them.
    """

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        x, y, z = self.atoms.positions[0]
        across = y - BEND * (1 - x**2)
        along = 4 * HEIGHT * x * (x**2 - 1) + 4 * STIFF * BEND * x * across
        slope = np.array([along, 2 * STIFF * across, 2 * UP * z])
        energy = HEIGHT * (x**2 - 1) ** 2 + STIFF * across**2 + UP * z**2
        self.results = {"energy": energy, "forces": -slope[None]}


def atom(place):
    """Return one oxygen atom in the bent well."""
    one = Atoms("O", [place], cell=[20, 20, 20], pbc=True)
    one.calc = BentWell()
    return one


def lennard_jones():
    """Return what ``--calculator barrier_models:lennard_jones`` takes; epsilon 1 eV, sigma 1 angstrom."""
    return LennardJones(rc=2.0, smooth=True)
