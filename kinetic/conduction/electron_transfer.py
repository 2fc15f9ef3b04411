"""Hops of electrons between localised levels that the lattice relaxes around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfc

from ...typing import Floats
from .bonds import Bonds, Law, above_zero, thermal_energy, within


@dataclass(frozen=True, kw_only=True)
class ElectronTransfer(Law):
    """Electrons pass a gap in hops between a metal and localised levels, the lattice relaxing at each.

    Parameters
    ----------
    conductance : float or ndarray of shape (n_bonds,)
        Slope g at 0 V (S), positive.
    reorganisation : float
        Reorganisation energy L of a hop (eV), 0.01 to 10: twice the Huang-Rhys factor times the phonon energy.
    hops : int
        Equal hops in series, 1 to 10; each bears its share of the voltage.
    temperature : float
        Temperature (K), 1 to 5000.

    Notes
    -----
    One hop between a metal and a level goes by the rate of Marcus, Hush and Chidsey [1]_; its net rate in the
    closed form of [2]_ (within a few per cent of the integral), with eta the drop of one hop and lambda = L,
    both over kT, gives ``I = 2 n g kT tanh(eta / 2) E(eta) / E(0)``,
    ``E(eta) = erfc((lambda - sqrt(1 + sqrt(lambda) + eta^2)) / (2 sqrt(lambda)))``. Rates to and fro are in the
    ratio exp(eta). The current is odd and rises throughout: in proportion to V, then as sinh(V / (2 n kT)),
    and past n L it saturates. Its slope at 0 V is activated with about L / 4.

    References
    ----------
    .. [1] C. E. D. Chidsey, "Free energy and temperature dependence of electron transfer at the
       metal-electrolyte interface", Science 251, 919 (1991), doi:10.1126/science.251.4996.919.
    .. [2] Y. Zeng, R. B. Smith, P. Bai, M. Z. Bazant, "Simple formula for Marcus-Hush-Chidsey kinetics",
       J. Electroanal. Chem. 735, 77 (2014), doi:10.1016/j.jelechem.2014.09.038.
    """

    conductance: float | Floats = above_zero("S")
    reorganisation: float = within(0.01, 10, "eV")
    hops: int = within(1, 10, "(pure number)")
    temperature: float = within(1, 5000, "K")

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        scale = self.hops * thermal_energy(self.temperature)
        ratio, slope = self._ratio(np.asarray(voltage, np.float64) / scale)
        return self.conductance * scale * ratio, self.conductance * slope

    def activated(self, reference: float) -> float:
        """Return the slope at 0 V over what it would be at another temperature ``reference`` (K)."""
        here, there = (float(self._at_rest(self.reorganisation / thermal_energy(t)))
                       for t in (self.temperature, reference))
        return here / there

    @staticmethod
    def _at_rest(energy: Floats) -> Floats:
        root = np.sqrt(energy)
        found: Floats = root * erfc((energy - np.sqrt(1 + root)) / (2 * root))
        return found

    def _ratio(self, eta: Floats) -> tuple[Floats, Floats]:
        """Return 2 tanh(eta / 2) E(eta) / E(0) and its derivative."""
        energy = float(self.reorganisation / thermal_energy(self.temperature))
        root = np.sqrt(energy)
        reach = np.sqrt(1 + root + eta**2)
        argument = (energy - reach) / (2 * root)
        rest = erfc((energy - np.sqrt(1 + root)) / (2 * root))
        relative = erfc(argument) / rest
        rising = np.exp(-(argument**2)) * eta / (np.sqrt(np.pi) * root * reach * rest)
        half = np.tanh(eta / 2)
        return 2 * half * relative, (1 - half**2) * relative + 2 * half * rising
