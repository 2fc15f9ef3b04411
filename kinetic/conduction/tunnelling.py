"""Tunnelling through a barrier in the approximation of Wentzel, Kramers and Brillouin (WKB)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from ...typing import Floats
from ...units import ELECTRON_MASS, ELEMENTARY_CHARGE, PLANCK
from .bonds import BondLaw, Bonds, above_zero, length_of, within

HBAR = PLANCK / (2 * np.pi)
LEAST_EXPONENT = 2.0
"""Zero-bias WKB exponent below which a barrier is too thin for the approximation."""


@cache
def _depths() -> tuple[Floats, Floats]:
    """Return the depths below the top of a barrier that are summed over, as shares, and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    # Cubed, since the current of a thick barrier comes from the first hundredths of the range.
    depth = (0.5 * (1 + nodes[:, None])) ** 3
    return depth, 1.5 * (0.5 * (1 + nodes[:, None])) ** 2 * weights[:, None] * depth


@cache
def _tail() -> tuple[Floats, Floats]:
    """Return the places of a range without end that are summed over, and their weights."""
    nodes, weights = (part[:, None] for part in np.polynomial.laguerre.laggauss(6))
    return nodes, 2 * weights * np.exp(nodes)


def decay(energy: ArrayLike, mass: float) -> Floats:
    """Return the wave number 2 kappa = 2 sqrt(2 m E) / hbar (1/m) at which |psi|^2 falls under a barrier.

    Parameters
    ----------
    energy : array_like
        Height of the barrier above the electron's energy (eV), not negative.
    mass : float
        Effective mass over that of a free electron.
    """
    height = ELEMENTARY_CHARGE * np.asarray(energy, dtype=np.float64)
    value: Floats = 2 * np.sqrt(2 * mass * ELECTRON_MASS * height) / HBAR
    return value


@dataclass(frozen=True, kw_only=True)
class DirectTunnelling(BondLaw):
    """Tunnelling of electrons between two metals through the whole oxide, direct and Fowler-Nordheim in one.

    Parameters
    ----------
    barrier : float
        Height phi of the barrier above the Fermi level (eV), 0.05 to 10.
    mass : float
        Effective mass over that of a free electron, 0.01 to 10.
    area : float or ndarray of shape (n_bonds,)
        Cross-section (m^2).

    Raises
    ------
    ValueError
        If a parameter is out of range, or a bond so short that its WKB exponent is below 2.

    Notes
    -----
    ``I = A (4 pi e m / h^3) integral of T(x) min(x, e V) dx`` over the energy x below the emitter's Fermi
    level [1]_, at zero temperature, with the WKB transmission T of the trapezoid that the voltage makes of
    the rectangular barrier. Below eV = phi this is what [2]_ approximates by a mean barrier; above, the far
    part of the trapezoid sinks below x and the current goes over to that of ``FowlerNordheim``. Value and
    slope are continuous. The integral is a sum of 22 terms, within 1e-3 of the current for exponents up to
    100.

    Valid for kT far below the energy in which T falls by e (phi over the exponent), deep bands, equal metals,
    no image force. At small voltage ``I = G V`` with
    ``G = A (e^2 / h) (4 pi m phi / h^2) 2 (a + 1) exp(-a) / a^2``, a the WKB exponent.

    References
    ----------
    .. [1] R. Tsu and L. Esaki, "Tunneling in a finite superlattice", Appl. Phys. Lett. 22, 562 (1973),
       doi:10.1063/1.1654509.
    .. [2] J. G. Simmons, "Generalized formula for the electric tunnel effect between similar electrodes
       separated by a thin insulating film", J. Appl. Phys. 34, 1793 (1963), doi:10.1063/1.1702682.
    """

    barrier: float = within(0.05, 10, "eV")
    mass: float = within(0.01, 10, "electron masses")
    area: float | Floats = above_zero("m^2")

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        exponent = decay(self.barrier, self.mass) * length_of(bond)
        if exponent.size and exponent.min() < LEAST_EXPONENT:
            shortest = LEAST_EXPONENT / decay(self.barrier, self.mass)
            raise ValueError(
                f"length of a tunnel barrier must be at least {shortest:.3g} m (WKB exponent "
                f"{LEAST_EXPONENT:g}), got {bond.length.min():.3g}"
            )
        v = np.abs(voltage) / self.barrier  # energies in units of the barrier from here on
        fed, fed_slope = _below_both_levels(v, exponent)
        upper, above_slope = _between_the_levels(v, exponent)
        scale = np.asarray(self.area) * _supply(self.mass) * self.barrier
        value = np.sign(voltage) * scale * self.barrier * (fed + upper)
        return value, scale * (fed_slope + above_slope)


def _supply(mass: float) -> float:
    """Return 4 pi e m / h^3 (A/m^2 per eV^2)."""
    return 4 * np.pi * mass * ELECTRON_MASS * (ELEMENTARY_CHARGE / PLANCK) ** 3


def _between_the_levels(v: Floats, exponent: Floats) -> tuple[Floats, Floats]:
    """Integrate over the energies between the two Fermi levels, where x is less than the voltage."""
    depth, weight = _depths()
    a = 1 + v * depth
    b = a - v
    share: Floats | float = 1.0
    if v.max(initial=0.0) > 1:
        # Where b is negative the barrier sinks below the electron after this fraction of its length.
        share = np.where(b > 0, 1.0, a / np.where(v > 0, v, 1.0))
        b = np.maximum(b, 0.0)
    transmitted, falling = _transmitted(a, b, share, exponent, depth)
    term = weight * transmitted
    total = v * term.sum(axis=0)
    return v * total, 2 * total - v**2 * (term * falling).sum(axis=0)


def _below_both_levels(v: Floats, exponent: Floats) -> tuple[Floats, Floats]:
    """Integrate over the energies below both Fermi levels, which all carry the same difference v."""
    nodes, weight = _tail()
    root = 1 + nodes / exponent  # the wave number there, relative to that at the Fermi level
    b = root**2
    transmitted, falling = _transmitted(b + v, b, 1.0, exponent, 1.0)
    term = weight * root / exponent * transmitted
    total = term.sum(axis=0)
    return v * total, total - v * (term * falling).sum(axis=0)


def _transmitted(
    a: Floats, b: Floats, share: Floats | float, exponent: Floats, depth: Floats | float
) -> tuple[Floats, Floats]:
    """Return exp(-B) and the derivative of B by v at x = depth v + constant; no difference is taken."""
    # Most of the time of a large network goes by here, hence the products in place.
    root_a, root_b = np.sqrt(a), np.sqrt(b)
    part = root_a + root_b
    np.divide(share, part, out=part)
    by_depth = exponent * part
    part *= root_a
    part += share
    part *= -1 / 3
    part += depth
    part *= by_depth
    root_b *= root_a
    root_b += a
    root_b += b
    root_b *= by_depth
    root_b *= -2 / 3
    return np.exp(root_b, out=root_b), part


@dataclass(frozen=True, kw_only=True)
class FowlerNordheim(BondLaw):
    """Tunnelling through the triangular top of a barrier at high field.

    Parameters
    ----------
    barrier : float
        Height phi of the barrier above the Fermi level (eV), 0.05 to 10.
    mass : float
        Effective mass over that of a free electron, 0.01 to 10.
    area : float or ndarray of shape (n_bonds,)
        Cross-section (m^2).

    Notes
    -----
    ``I = A (e^3 F |F| / (8 pi h phi)) exp(-4 sqrt(2 m) phi^(3/2) / (3 hbar e |F|))``, F = V / d [1]_, without
    image force, at zero temperature. Valid for e V > phi. It has **no ohmic limit**: current and slope vanish
    at 0 V faster than any power. ``DirectTunnelling`` holds on both sides of e V = phi.

    References
    ----------
    .. [1] R. H. Fowler and L. Nordheim, "Electron emission in intense electric fields", Proc. R. Soc. A 119,
       173 (1928), doi:10.1098/rspa.1928.0091.
    """

    barrier: float = within(0.05, 10, "eV")
    mass: float = within(0.01, 10, "electron masses")
    area: float | Floats = above_zero("m^2")

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        length, magnitude = length_of(bond), np.abs(voltage)
        steep = 2 / 3 * decay(self.barrier, self.mass) * self.barrier * length
        strength = (
            np.asarray(self.area) * ELEMENTARY_CHARGE**2 / (8 * np.pi * PLANCK * self.barrier) / length**2
        )
        exponent = np.divide(steep, magnitude, out=np.full_like(magnitude, np.inf), where=magnitude > 0)
        passed = strength * np.exp(-exponent)
        return passed * voltage * magnitude, passed * magnitude * 2 + passed * steep
