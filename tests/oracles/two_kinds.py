"""A box in which vacancies and cations conduct, the slow way: each bond by the kinds of its two ends."""

import numpy as np
from whole_lattice import TOP, WATSON, WholeLattice

from frenkel.kinetic.lattice.species import CATION, VACANCY
from frenkel.kinetic.materials.material import Material

SECOND = {
    "cation": {
        "charge": 1, "migration_barrier": "0.4 eV", "attempt_frequency": "10 THz",
        "binding_energy": "0.12 eV", "adsorption_energy": "0.07 eV", "crowding_barrier": "0.1 eV",
        "crowding_count": 1,
    },
    "redox": {
        "barrier": "0.5 eV", "energy": "0.3 eV", "attempt_frequency": "10 THz", "transfer_coefficient": 0.4,
        "stress_work": "0.05 eV", "surface_binding": 0.5, "inventory": 50,
    },
    "cation_bonds": {
        "prefactor": "0.2 mS", "decay_length": "0.15 nm", "tunnel_factor": 0.2, "contact_bottom": "0.1 mS",
        "contact_top": "0.3 mS", "contact_top_factor": 0.5, "charge_transition": "-0.2 eV",
    },
    "mixed_bonds": {
        "prefactor": "20 uS", "decay_length": "0.25 nm", "tunnel_factor": 0.1, "binding_energy": "-0.06 eV",
    },
    "mechanisms": ["vacancy hop", "oxygen exchange", "cation hop", "redox"],
}  # fmt: skip
"""What makes a set of vacancies one of both kinds."""


def two_kinds(name="HfO2-volatile", drop=("disorder",), **values):
    """Return a packaged set of vacancies with cations beside them, some numbers changed ("section__key")."""
    document = {key: value for key, value in Material.load(name).document().items() if key not in drop}
    both = Material(document, name).with_changes(SECOND)
    return both.with_values({key.replace("__", "."): value for key, value in values.items()})


class TwoKinds(WholeLattice):
    """The oracle of such a box; `take` says which kind stands where."""

    def take(self, species):
        """Take over the kinds of an arrangement; return the sites of both, ascending."""
        hosts = species[: self.n_hosts]
        self.kind = (hosts == CATION.code).astype(int)
        return np.flatnonzero((hosts == VACANCY.code) | (hosts == CATION.code))

    def wire(self, nodes):
        """Return bonds as of one kind, each with the conductance (S) of its own class."""
        bonds = []
        for a, b, _ in super().wire(nodes):
            bonds.append((a, b, self._pair(a, b) if b >= 0 else self._contact(a, b)))
        return bonds

    def _class(self, number):
        return (self.material.conduction, self.material.mixed_bonds, self.material.cation_bonds)[number]

    def _pair(self, a, b):
        numbers = self._class(self.kind[a] + self.kind[b])
        squared = self.squared(a, b)[0, 0]
        reach = np.exp(-2 * (np.sqrt(squared) - 1) * self.spacing / numbers.decay_length)
        return numbers.prefactor * reach * (1.0 if squared <= 2 else numbers.tunnel_factor)

    def _contact(self, site, side):
        numbers, z = self._class(2 * self.kind[site]), self.place[site, 2]
        depth = self.shape[2] - z if side == TOP else z + 1
        reach = np.exp(-2 * (depth - 1) * self.spacing / numbers.decay_length)
        if side == TOP:
            return numbers.contact_top * reach * (1.0 if depth == 1 else numbers.contact_top_factor)
        return numbers.contact_bottom * reach * (1.0 if depth == 1 else numbers.tunnel_factor)

    def energy(self, species, site_energy=None):
        """Return the total energy (eV) at zero bias; oxygen and metal in the top electrode are the zero."""
        material, sites = self.material, self.take(species)
        numbers = (material.vacancy, material.cation)
        transition = (material.electrostatics.charge_transition, material.cation_bonds.charge_transition)
        charge, total = np.zeros(self.n_hosts), 0.0
        for site in self.classify(sites)[1]:
            q = charge[site] = float(numbers[self.kind[site]].charge)
            total += transition[self.kind[site]] - 0.5 * self.coulomb * q * q * WATSON
        total += 0.5 * self.coulomb * (charge @ self.green @ charge)
        for a, b in np.argwhere(np.triu(self.squared(sites, sites) == 1)):
            total -= self._binding(sites[a], sites[b])
        cations = self.kind[sites].sum()
        total += material.exchange.energy * (len(sites) - cations)
        total += (material.redox.energy + material.redox.stress_work) * cations
        for site in sites:
            total -= numbers[self.kind[site]].adsorption_energy * (self.place[site, 2] == 0)
        return total

    def _binding(self, a, b):
        """Return the binding (eV) of two neighbours; of two cations at the active electrode a part."""
        material, top = self.material, self.shape[2] - 1
        if self.kind[a] and self.kind[b]:
            at_top = self.place[a, 2] == self.place[b, 2] == top
            return material.cation.binding_energy * (material.redox.surface_binding if at_top else 1.0)
        mixed = self.kind[a] + self.kind[b]
        return material.mixed_bonds.binding_energy if mixed else material.vacancy.binding_energy
