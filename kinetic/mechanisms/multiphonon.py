"""A transition of an electron with many phonons of one energy, and the energies of a contact.

Every transition is written by what its two directions share, so that their ratio is exp(-dE / kT) to the last
digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ive

from ...checks import between
from ...typing import Floats
from ...units import BOLTZMANN_EV

STEP = 0.5
"""Step (kT) of the sum over the energies of a contact: its error is exp(-4 pi^2)."""
REACH = 40.0
"""How far (kT) the sum goes beyond both the Fermi level and the level of the trap."""


@dataclass(frozen=True, kw_only=True)
class Multiphonon:
    """Transition with lattice relaxation by many phonons of one energy [1]_.

    Parameters
    ----------
    relaxation_energy : float
        Relaxation energy E_rel = S hbar omega (eV), 0.01 to 5; S is the Huang-Rhys factor.
    phonon_energy : float
        Energy hbar omega of the phonon (eV), 0.001 to 1.

    Notes
    -----
    ``L = ((f_B + 1) / f_B)^(p / 2) exp(-S (2 f_B + 1)) I_p(2 S sqrt(f_B (f_B + 1)))`` with p = -dE / hbar
    omega phonons given off, f_B their Bose occupation, I_p the modified Bessel function, p taken as
    continuous and I as even in p. The sum of L over whole p is 1.

    References
    ----------
    .. [1] K. Huang and A. Rhys, "Theory of light absorption and non-radiative transitions in F-centres",
       Proc. R. Soc. A 204, 406 (1950), doi:10.1098/rspa.1950.0184.
    """

    relaxation_energy: float
    phonon_energy: float

    def __post_init__(self) -> None:
        between("relaxation_energy", self.relaxation_energy, 0.01, 5, "eV")
        between("phonon_energy", self.phonon_energy, 1e-3, 1, "eV")

    def log_shared(self, difference: Floats, temperature: float) -> Floats:
        """Return the logarithm of what both directions share: the rate is ``exp(it - dE / 2 kT)``.

        Parameters
        ----------
        difference : ndarray
            Energy dE of the end minus that of the start (eV); the result is even in it.
        temperature : float
            Temperature (K).
        """
        occupation = 1 / np.expm1(self.phonon_energy / (BOLTZMANN_EV * temperature))
        strength = self.relaxation_energy / self.phonon_energy
        argument = 2 * strength * np.sqrt(occupation * (occupation + 1))
        order = np.abs(difference) / self.phonon_energy
        shared: Floats = _log_bessel(order, float(argument)) - strength * (2 * occupation + 1)
        return shared


def _log_bessel(order: Floats, argument: float) -> Floats:
    """Return ln I_p(z); Debye's expansion where the function itself is below the range of numbers."""
    value = ive(order, argument)
    is_small = value < 1e-280
    p = np.where(is_small, np.maximum(order, 1.0), 1.0)
    t = argument / p
    root = np.sqrt(1 + t**2)
    tail = p * (root + np.log(t / (1 + root))) - 0.5 * np.log(2 * np.pi * p * root)
    tail += (3 / root - 5 / root**3) / (24 * p)
    logarithm: Floats = np.where(is_small, tail, np.log(np.where(is_small, 1.0, value)) + argument)
    return logarithm


def log_half_sech(x: Floats) -> Floats:
    """Return ln(1 / (2 cosh(x / 2)))."""
    logarithm: Floats = -0.5 * np.abs(x) - np.log1p(np.exp(-np.abs(x)))
    return logarithm


def contact_energies(level: Floats, thermal: float) -> Floats:
    """Return energies of a contact's electrons (kT) that may take part, equally spaced."""
    energy_range = REACH + np.max(np.abs(level), initial=0.0) / thermal
    return STEP * np.arange(-np.ceil(energy_range / STEP), np.ceil(energy_range / STEP) + 1)
