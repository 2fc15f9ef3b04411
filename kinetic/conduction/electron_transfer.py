"""Hops of electrons between localised levels that the lattice relaxes around."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...typing import Floats
from .bonds import BondLaw, Bonds, above_zero, filled, thermal_energy, within

STEP = 0.5
"""Step of the integral over the levels of the metal, in kT."""

AT_ONCE = 64
"""Drops whose integrands are held at a time: those of a whole table of a law would take 30 MB."""


@dataclass(frozen=True, kw_only=True)
class ElectronTransfer(BondLaw):
    """Electrons pass a gap in hops between a metal and localised levels, the lattice relaxing at each.

    Parameters
    ----------
    conductance : float or ndarray of shape (n_bonds,)
        Slope g at 0 V (S), positive.
    reorganisation : float
        Reorganisation energy L of a hop (eV), 0.01 to 10: the phonon energy times the Huang-Rhys factor.
    hops : float
        Equal hops in series, 1 to 1000; each bears its part of the voltage. A real number is the length of
        the way over that of a hop.
    temperature : float
        Temperature (K), 1 to 5000.

    Notes
    -----
    One hop between a metal and a level goes by the rate of Marcus, Hush and Chidsey [1]_ [2]_. With eta the
    drop of one hop and lambda = L, both over kT, and the electrons of the metal by Fermi,
    ``R(eta) = integral of exp(-(x - lambda + eta)^2 / 4 lambda) / (1 + e^x) dx``; to and fro are in the ratio
    exp(eta), so that ``I = n g kT R(eta) (1 - exp(-eta)) / R(0)``. The current is odd and rises throughout:
    in proportion to V, then as sinh(V / (2 n kT)), and past n L it saturates. Its slope at 0 V,
    ``R(0) / sqrt(4 pi L kT)`` for the same coupling, is activated with about L / 4.

    References
    ----------
    .. [1] C. E. D. Chidsey, "Free energy and temperature dependence of electron transfer at the
       metal-electrolyte interface", Science 251, 919 (1991), doi:10.1126/science.251.4996.919.
    .. [2] R. A. Marcus, "On the theory of electron-transfer reactions. VI. Unified treatment for homogeneous
       and electrode reactions", J. Chem. Phys. 43, 679 (1965), doi:10.1063/1.1696792.
    """

    conductance: float | Floats = above_zero("S")
    reorganisation: float = within(0.01, 10, "eV")
    hops: float = within(1, 1000, "(pure number)")
    temperature: float = within(1, 5000, "K")

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        scale = self.hops * thermal_energy(self.temperature)
        eta = np.asarray(voltage, np.float64) / scale
        rate, change = self._rate(np.abs(eta))
        net, rate_at_rest = -np.expm1(-np.abs(eta)), self._rate(np.zeros(1))[0][0]
        current = np.sign(eta) * rate * net / rate_at_rest
        slope = (change * net + rate * (1.0 - net)) / rate_at_rest
        return self.conductance * scale * current, self.conductance * slope

    def activated(self, reference: float) -> float:
        """Return the slope at 0 V over what it would be at another temperature ``reference`` (K)."""
        at_reference = replace(self, temperature=reference)
        rates = [float(law._rate(np.zeros(1))[0][0]) for law in (self, at_reference)]
        return rates[0] / rates[1] * float(np.sqrt(reference / self.temperature))

    def _rate(self, eta: Floats) -> tuple[Floats, Floats]:
        """Return R and its derivative at drops that are not negative.

        The integrand is smooth, its nearest pole i pi away: the sum over steps of 0.5 is exact to rounding.
        """
        energy = float(self.reorganisation / thermal_energy(self.temperature))
        lowest = min(0.0, energy - float(np.max(eta))) - 12.0 * np.sqrt(2.0 * energy) - 40.0
        x = np.arange(lowest, 60.0, STEP)
        occupied, flat = filled(x), np.ravel(eta)
        rate, change = np.zeros((2, flat.size))
        for first in range(0, flat.size, AT_ONCE):
            part = slice(first, first + AT_ONCE)
            energy_distance = x - energy + flat[part, np.newaxis]
            weight = np.exp(-(energy_distance**2) / (4 * energy)) * occupied
            rate[part] = STEP * weight.sum(axis=1)
            change[part] = -STEP * (energy_distance * weight).sum(axis=1) / (2 * energy)
        return rate.reshape(np.shape(eta)), change.reshape(np.shape(eta))
