"""A lattice of several oxides the slow way: each link and each bond by itself, from the layers' numbers."""

import numpy as np
from whole_lattice import BOTTOM, TOP, WholeLattice

from frenkel.kinetic.lattice.species import INTERSTITIAL, VACANCY

SAMPLES = 240
"""Points along a bond at which its layer is looked up; each half of a spacing has as many of them."""


class LayeredLattice(WholeLattice):
    """The oracle of a device of layers: `materials` and `planes` from bottom to top.

    ``resistances`` (m^2 K/W), ``exchange`` and ``ions`` (eV), and ``contacts``, factors on conductances: one
    for each interface.
    """

    def __init__(
        self, materials, planes, resistances=None, lateral="periodic", width=6, exchange=(), ions=(),
        contacts=None,
    ):  # fmt: skip
        super().__init__(materials[-1], (width, width, sum(planes)), lateral)
        self.materials, self.of_plane = materials, [k for k, n in enumerate(planes) for _ in range(n)]
        resistances = np.zeros(len(planes) - 1) if resistances is None else resistances
        self.contacts = np.ones(len(planes) - 1) if contacts is None else contacts
        numbers = [
            (
                m.conduction.background, m.heat.conductivity * m.heat.ballistic_factor,
                m.electrostatics.permittivity,
            )
            for m in materials
        ]
        links = np.ones((3, len(self.links)))
        for number, (a, b) in enumerate(self.links):
            low = self.of_plane[self.place[a, 2]]
            high = low if b < 0 else self.of_plane[self.place[b, 2]]
            for kind in range(3):
                # Half of the link in either layer, and what lies between them.
                halves = 0.5 / numbers[low][kind] + 0.5 / numbers[high][kind]
                if kind == 1 and low != high:
                    halves += resistances[min(low, high)] / self.spacing
                links[kind, number] = 1.0 / halves / numbers[-1][kind]
            if low != high:
                links[0, number] *= self.contacts[min(low, high)]
        self.conducting, self.warming, self.polarising = links
        # Energies of a defect and of an ion in each layer, less those in the uppermost one.
        self.energies = [[-sum(steps[k:]) for k in range(len(planes))] for steps in (exchange, ions)]
        self.permittivity = np.array([numbers[k][2] / numbers[-1][2] for k in self.of_plane])

    def _mean(self, low, high, conductance):
        """Return the geometric mean along the way between two heights (in planes), over the layers there."""
        height = low + (high - low) * (np.arange(SAMPLES) + 0.5) / SAMPLES
        plane = np.clip(np.floor(height + 0.5).astype(int), 0, len(self.of_plane) - 1)
        own = self.material
        total = 0.0
        for layer in np.unique(np.array(self.of_plane)[plane]):
            self.material = self.materials[layer]
            value = conductance()
            if value == 0.0:
                self.material = own
                return 0.0
            total += np.log(value) * np.mean(np.array(self.of_plane)[plane] == layer)
        self.material = own
        crossed = self.contacts[min(np.array(self.of_plane)[plane]):max(np.array(self.of_plane)[plane])]
        return np.exp(total) * np.prod(crossed)

    def bond_conductance(self, a, b, squared):
        return self._mean(self.place[a, 2], self.place[b, 2], lambda: self.pair_conductance(squared))

    def contact_conductance(self, side, depth):
        nz = self.shape[2]
        ends = (-1, depth - 1) if side == BOTTOM else (nz, nz - depth)
        assert side in (BOTTOM, TOP)
        return self._mean(*ends, lambda: super(LayeredLattice, self).contact_conductance(side, depth))

    def energy(self, species, site_energy=None):
        total = super().energy(species, site_energy)
        for site in np.flatnonzero(species[: self.n_hosts] == VACANCY.code):
            total += self.energies[0][self.of_plane[self.place[site, 2]]]
        for site in np.flatnonzero(species[self.n_hosts :] == INTERSTITIAL.code) + self.n_hosts:
            total += self.energies[1][self.of_plane[min(self.place[self.corners(site), 2])]]
        return total
