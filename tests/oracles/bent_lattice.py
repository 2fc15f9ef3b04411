"""The whole lattice with bonds that obey laws by class, by Newton's method on every site."""

import numpy as np
from scipy.special import expit
from whole_lattice import BOTTOM, WholeLattice

from frenkel.kinetic.conduction.bonds import Bonds
from frenkel.kinetic.conduction.electron_transfer import ElectronTransfer

ELECTRON, PLANCK, MASS = 1.602176634e-19, 6.62607015e-34, 9.1093837015e-31


def barrier_current(u, length, channels, barrier, mass, share):
    """Return current (A) and slope (S) through a parabolic barrier at no temperature, its closed form.

    2 e / h N / a (ln(1 + e^(a (b u - phi))) - ln(1 + e^(-a ((1 - b) u + phi)))), a per volt.
    """
    a = 2 * np.pi**2 * length / PLANCK * np.sqrt(mass * MASS / (2 * barrier * ELECTRON)) * ELECTRON
    unit = 2 * ELECTRON**2 / PLANCK * channels
    up, down = a * (share * u - barrier), -a * ((1 - share) * u + barrier)
    current = unit / a * (np.logaddexp(0, up) - np.logaddexp(0, down))
    return current, unit * (share * expit(up) + (1 - share) * expit(down))


class BentLattice(WholeLattice):
    """Bonds of a material by class; conductances are slopes at 0 V and 300 K."""

    def __init__(self, material, shape, lateral="periodic"):
        super().__init__(material, shape, lateral)
        numbers = material.conduction
        self.bent_gap = bool(numbers.gap_reorganisation or numbers.gap_barrier)

    def elastic(self, u, length):
        """Return current and slope of elastic tunnelling over a gap."""
        numbers = self.material.conduction
        if not numbers.gap_barrier:
            return 0.0 * u, 0.0 * u
        return barrier_current(u, length, numbers.gap_channels, numbers.gap_barrier, numbers.gap_mass, 0.5)

    def hopping(self, u, length):
        """Return current and slope of hops over a gap of a length (m), per conductance."""
        numbers = self.material.conduction
        if not numbers.gap_reorganisation:
            return u, np.ones_like(u)
        hops = numbers.gap_hops
        if numbers.gap_hop_length:
            hops = max(length / numbers.gap_hop_length, 1.0)
        law = ElectronTransfer(
            conductance=1.0, reorganisation=numbers.gap_reorganisation, hops=hops, temperature=300.0)
        zero = np.zeros(len(u), np.intp)
        return law.current(u, Bonds(first=zero, second=zero - 1, law=law))

    def pair_conductance(self, squared):
        """Return the conductance (S) of a bond at 0 V."""
        found = super().pair_conductance(squared)
        if squared > 2:
            found += self.elastic(np.zeros(1), np.sqrt(squared) * self.spacing)[1][0]
        return found

    def contact_conductance(self, side, depth):
        """Return the conductance (S) at 0 V of a node ``depth`` spacings from an electrode."""
        numbers = self.material.conduction
        found = super().contact_conductance(side, depth)
        if depth > 1 and self.bent_gap and not found:
            # Laws reach beyond the cutoff.
            bottom = numbers.contact_bottom * numbers.tunnel_factor
            found = bottom if side == BOTTOM else numbers.contact_top * numbers.contact_top_factor
            found *= np.exp(-2 * (depth - 1) * self.spacing / numbers.decay_length)
        if depth > 1:
            found += self.elastic(np.zeros(1), depth * self.spacing)[1][0]
        return found

    def _currents(self, edges, u):
        """Return current and slope of every edge, in units of background bonds."""
        numbers, (a, b, g) = self.material.conduction, edges
        current, slope = g * u, g.copy()
        own = np.arange(len(a)) >= len(self.links)
        squared = self.length_squared(a, np.maximum(b, 0))
        depth = np.where(b == BOTTOM, self.place[a, 2] + 1, self.shape[2] - self.place[a, 2])
        over = own & np.where(b >= 0, squared > 2, depth > 1)
        for k in np.flatnonzero(over):
            length = self.spacing * (np.sqrt(squared[k]) if b[k] >= 0 else depth[k])
            tunnel, steep = self.elastic(u[[k]], length)
            rest = g[k] - self.elastic(np.zeros(1), length)[1][0] / self.background
            hop, rising = self.hopping(u[[k]], length)
            current[k] = rest * hop[0] + tunnel[0] / self.background
            slope[k] = rest * rising[0] + steep[0] / self.background
        sides = (numbers.contact_top_barrier, numbers.contact_bottom_barrier)
        for k in np.flatnonzero(own & (b < 0) & ~over):
            barrier = sides[int(b[k] == BOTTOM)]
            if barrier:
                at = np.array([u[k], 0.0])
                values, slopes = barrier_current(
                    at, self.spacing, 1.0, barrier, numbers.contact_mass, numbers.contact_share)
                current[k], slope[k] = g[k] * np.array([values[0], slopes[0]]) / slopes[1]
        return current, slope

    def newton(self, vacancies, voltage):
        """Return the potential (V) at every site, the current (A) and the power (W) of every bond."""
        edges = self._edges(self.network(vacancies), 1 / self.background)
        a, b, _ = edges
        inner, ones = b >= 0, (a, b, np.ones(len(a)))
        value = self._solved(edges, np.zeros(self.n_hosts), voltage)
        for _ in range(200):
            u = self._flow(ones, value, voltage)
            current, slope = self._currents(edges, u)
            # What a bond carries beyond its tangent is a source at its ends.
            rest = current - slope * u
            source = np.bincount(b[inner], rest[inner], self.n_hosts) - np.bincount(a, rest, self.n_hosts)
            before, value = value, self._solved((a, b, slope), source, voltage)
            if np.abs(value - before).max() < 1e-13:
                break
        u = self._flow(ones, value, voltage)
        current = self._currents(edges, u)[0] * self.background
        return value, -current[b == -2].sum(), current * u
