"""Hops of electrons between localised levels that the lattice relaxes around."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...typing import Floats
from ...units import BOLTZMANN_EV
from .bonds import BondLaw, Bonds, above_zero, filled, thermal_energy, within

if TYPE_CHECKING:
    from ..mechanisms.multiphonon import Multiphonon

STEP = 0.5
"""Step of the integral over the levels of the metal, in kT."""

AT_ONCE = 64
"""Drops whose integrands are held at a time: those of a whole table of a law would take 30 MB."""

NODES, FILLED = 6, 40
"""Points of Gauss' rule in each kT of a line of phonons; distance (kT) from the Fermi level beyond which
levels are filled or empty to the last digit."""

FINE = 0.05
"""Step of the table of a line (phonons)."""

BEYOND = 1.0
"""Energy (eV) beyond twice the reorganisation energy at which nothing is left of a line."""

COLDEST = 600.0
"""Largest phonon energy over kT: beyond it the occupation of the phonon is below the range of numbers."""


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
        Temperature (K), 1 to 5000; with phonons at least their energy over 600 k.
    phonon_energy : float
        Energy of the phonon that takes up the reorganisation (eV), 1e-3 to 1; 0: classical.

    Raises
    ------
    ValueError
        A number out of its range.

    Notes
    -----
    One hop between a metal and a level goes by the rate of Marcus, Hush and Chidsey [1]_ [2]_. With eta the
    drop of one hop and lambda = L, both over kT, and the electrons of the metal by Fermi,
    ``R(eta) = integral of exp(-(x - lambda + eta)^2 / 4 lambda) / (1 + e^x) dx``; to and fro are in the ratio
    exp(eta), so that ``I = n g kT R(eta) (1 - exp(-eta)) / R(0)``. The current is odd and rises throughout:
    in proportion to V, then as sinh(V / (2 n kT)), and past n L it saturates. Its slope at 0 V,
    ``R(0) / sqrt(4 pi L kT)`` for the same coupling, is activated with about L / 4.

    With a phonon of energy w the square in the exponent becomes the line shape of S = L / w phonons [3]_, of
    which it is the limit at kT well above w / 2. Forward and backward rates keep the ratio exp(eta). Towards
    0 K hops that need no phonon are left: the slope at 0 V becomes 2 ln 2 exp(-S) / w for the same coupling.

    References
    ----------
    .. [1] C. E. D. Chidsey, "Free energy and temperature dependence of electron transfer at the
       metal-electrolyte interface", Science 251, 919 (1991), doi:10.1126/science.251.4996.919.
    .. [2] R. A. Marcus, "On the theory of electron-transfer reactions. VI. Unified treatment for homogeneous
       and electrode reactions", J. Chem. Phys. 43, 679 (1965), doi:10.1063/1.1696792.
    .. [3] K. Huang and A. Rhys, "Theory of light absorption and non-radiative transitions in F-centres",
       Proc. R. Soc. A 204, 406 (1950), doi:10.1098/rspa.1950.0184.
    """

    conductance: float | Floats = above_zero("S")
    reorganisation: float = within(0.01, 10, "eV")
    hops: float = within(1, 1000, "(pure number)")
    temperature: float = within(1, 5000, "K")
    phonon_energy: float = within(0, 1, "eV", default=0.0)

    def __post_init__(self) -> None:
        BondLaw.__post_init__(self)
        if self.phonon_energy:
            _transition(self.reorganisation, self.phonon_energy)
            if self.phonon_energy > COLDEST * thermal_energy(self.temperature):
                least = self.phonon_energy / COLDEST / thermal_energy(1.0)
                raise ValueError(
                    f"temperature must be at least {least:.3g} K with a phonon of {self.phonon_energy:g} eV, "
                    f"got {self.temperature:g} K"
                )

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
        # The classical R is that of a line of width sqrt(4 pi L kT), the other one of a line whose sum is 1.
        power = 1.0 if self.phonon_energy else 0.5
        return rates[0] / rates[1] * float((reference / self.temperature) ** power)

    def _rate(self, eta: Floats) -> tuple[Floats, Floats]:
        """Return R and its derivative at drops that are not negative."""
        if not self.phonon_energy:
            return self._classical(eta)
        line, flat = _phonon_line(self.reorganisation, self.phonon_energy, self.temperature), np.ravel(eta)
        pieces = [line.at(flat[first : first + AT_ONCE]) for first in range(0, flat.size, AT_ONCE)]
        rate, change = (np.concatenate(piece) for piece in zip(*pieces, strict=True))
        return rate.reshape(np.shape(eta)), change.reshape(np.shape(eta))

    def _classical(self, eta: Floats) -> tuple[Floats, Floats]:
        """Return R and its derivative with the line shape of a classical lattice.

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


class _PhononLine:
    """Electrons of a metal that pass a line of phonons: R of a drop, and its derivative.

    ``R(eta) = integral of L(E) / (1 + exp(E / kT - eta)) dE`` over the energies E that are given off, with
    the normalised line ``L(E) = exp(E / 2 kT) shared(|E|) / w`` of `Multiphonon`. Gauss' rule with `NODES`
    points in each kT; the line has a kink at 0, which is an end of two such parts. Parts that are filled to
    the last digit stand in a running sum.
    """

    def __init__(self, transition: Multiphonon, temperature: float) -> None:
        from scipy.interpolate import CubicSpline  # SciPy, and only gaps with phonons need it

        thermal, phonon = BOLTZMANN_EV * temperature, transition.phonon_energy
        reach = 2.0 * transition.relaxation_energy + BEYOND + FILLED * thermal
        number = np.arange(0.0, reach / phonon + 2.0, FINE)  # of phonons
        shared = CubicSpline(number, transition.log_shared(number * phonon, temperature))
        node, weight = np.polynomial.legendre.leggauss(NODES)
        self.first = -2 * FILLED
        part = np.arange(self.first, int(np.ceil(reach / thermal)))
        self.energy = part[:, np.newaxis] + 0.5 * (1.0 + node)  # in kT
        line = np.exp(shared(np.abs(self.energy) * (thermal / phonon)) + self.energy / 2)
        self.line = line * (0.5 * weight * thermal / phonon)
        self.below = np.concatenate([[0.0], np.cumsum(self.line.sum(axis=1))])

    def at(self, eta: Floats) -> tuple[Floats, Floats]:
        """Return R and its derivative at drops (kT) that are not negative, shape (n,)."""
        start = np.minimum(np.floor(eta).astype(np.intp) - FILLED - self.first, len(self.line))
        part = np.minimum(start[:, np.newaxis] + np.arange(2 * FILLED + 1), len(self.line) - 1)
        inside = start[:, np.newaxis] + np.arange(2 * FILLED + 1) < len(self.line)
        line = self.line[part] * inside[..., np.newaxis]
        share = filled(self.energy[part] - eta[:, np.newaxis, np.newaxis])
        rate = self.below[start] + (line * share).sum(axis=(1, 2))
        return rate, (line * share * (1.0 - share)).sum(axis=(1, 2))


@lru_cache(maxsize=16)
def _phonon_line(reorganisation: float, phonon_energy: float, temperature: float) -> _PhononLine:
    """Return the line of a hop; made once in a process."""
    return _PhononLine(_transition(reorganisation, phonon_energy), temperature)


def _transition(reorganisation: float, phonon_energy: float) -> Multiphonon:
    from ..mechanisms.multiphonon import Multiphonon  # SciPy, and only gaps with phonons need it

    return Multiphonon(relaxation_energy=reorganisation, phonon_energy=phonon_energy)
