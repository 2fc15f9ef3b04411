"""Bond laws: the current through a bond, and its slope, as functions of the voltage across it.

A law is a `BondLaw` with one method, ``current(voltage, bond)``. The simplest ones are here; emission
over and through barriers, transport in the bulk and tunnelling stand in modules of their own. A new one is a
class and a line in ``LAWS``; a test checks the slope of every law in that dictionary by finite difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ...typing import Floats
from .bonds import BOTTOM, TOP, BondLaw, Bonds, ConductionLaw, above_zero, length_of
from .electron_transfer import ElectronTransfer
from .emission import PooleFrenkel, SchottkyThermionic, ThermionicField
from .transport import FilamentOhmic, Hopping, QuantumGap, QuantumPointContact, SpaceCharge
from .tunnelling import DirectTunnelling, FowlerNordheim

__all__ = [
    "BOTTOM",
    "LAWS",
    "TOP",
    "Bonds",
    "ConductionLaw",
    "Contact",
    "DirectTunnelling",
    "ElectronTransfer",
    "FilamentOhmic",
    "FowlerNordheim",
    "Hopping",
    "Ohmic",
    "PooleFrenkel",
    "QuantumGap",
    "QuantumPointContact",
    "SchottkyThermionic",
    "Sinh",
    "SpaceCharge",
    "ThermionicField",
    "Tunnelling",
]


@dataclass(frozen=True, kw_only=True)
class Ohmic(BondLaw):
    """Current in proportion to voltage, I = g V.

    Parameters
    ----------
    conductance : float or ndarray of shape (n_bonds,)
        Conductance g of every bond, or of each (S), positive.
    """

    conductance: float | Floats = above_zero("S")
    linear: ClassVar[bool] = True

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        slope = np.broadcast_to(np.asarray(self.conductance, dtype=np.float64), np.shape(voltage))
        return slope * voltage, slope


@dataclass(frozen=True, kw_only=True)
class Tunnelling(BondLaw):
    """Hopping between localised states, I = g V with g falling exponentially with distance.

    Parameters
    ----------
    prefactor : float
        Conductance g1 at the distance ``spacing`` (S), positive.
    decay_length : float
        Localisation length xi (m), positive.
    spacing : float
        Distance of nearest neighbours a (m), positive.
    far_factor : float, optional
        Factor on the conductance of bonds longer than ``near``, above 0. Default 1.
    near : float, optional
        Longest bond that counts as metallic (m). Default infinite.

    Notes
    -----
    ``g = g1 exp(-2 (r - a) / xi)`` [1]_, times ``far_factor`` where ``r > near``.

    References
    ----------
    .. [1] A. Miller and E. Abrahams, "Impurity conduction at low concentrations", Phys. Rev. 120, 745
       (1960), doi:10.1103/PhysRev.120.745.
    """

    prefactor: float = above_zero("S")
    decay_length: float = above_zero("m")
    spacing: float = above_zero("m")
    far_factor: float = above_zero("1", default=1.0)
    near: float = np.inf
    linear: ClassVar[bool] = True

    def conductance(self, length: ArrayLike) -> Floats:
        """Return the conductance (S) of bonds of the given lengths (m)."""
        r = np.asarray(length, dtype=np.float64)
        falling = self.prefactor * np.exp(-2 * (r - self.spacing) / self.decay_length)
        # A relative margin, so that a bond of exactly the length `near` does not depend on rounding.
        reduced: Floats = falling * np.where(r > self.near * (1 + 1e-9), self.far_factor, 1.0)
        return reduced

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        slope = self.conductance(length_of(bond))
        return slope * voltage, slope


@dataclass(frozen=True, kw_only=True)
class Contact(Tunnelling):
    """Bond between a site and an electrode: the law of ``Tunnelling``, the length counted to the electrode.

    Parameters
    ----------
    prefactor : float
        Conductance of a site in the layer next to the electrode (S), positive.
    decay_length, spacing : float
        As in ``Tunnelling`` (m).
    far_factor, near : float, optional
        As in ``Tunnelling``; the defaults make an ohmic contact.
    """


@dataclass(frozen=True, kw_only=True)
class Sinh(Tunnelling):
    """Tunnelling through a gap at any bias, I = g V0 sinh(V / V0) with g as in ``Tunnelling`` [1]_.

    Parameters
    ----------
    prefactor, decay_length, spacing, far_factor, near
        Zero-bias conductance, as in ``Tunnelling``.
    voltage_scale : float
        Voltage V0 where the current begins to rise exponentially (V), positive. Default 0.25, the value of
        [1]_.

    References
    ----------
    .. [1] X. Guan, S. Yu, H.-S. P. Wong, "A SPICE compact model of metal oxide resistive switching memory
       with variations", IEEE Electron Device Lett. 33, 1405 (2012), doi:10.1109/LED.2012.2210856.
    """

    voltage_scale: float = above_zero("V", default=0.25)
    linear: ClassVar[bool] = False

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        conductance = self.conductance(length_of(bond))
        reduced = voltage / self.voltage_scale
        return conductance * self.voltage_scale * np.sinh(reduced), conductance * np.cosh(reduced)


LAWS: dict[str, type[Any]] = {
    "ohmic": Ohmic,
    "tunnelling": Tunnelling,
    "contact": Contact,
    "sinh": Sinh,
    "filament": FilamentOhmic,
    "Poole-Frenkel": PooleFrenkel,
    "direct tunnelling": DirectTunnelling,
    "Fowler-Nordheim": FowlerNordheim,
    "Schottky": SchottkyThermionic,
    "thermionic field": ThermionicField,
    "space charge": SpaceCharge,
    "hopping": Hopping,
    "electron transfer": ElectronTransfer,
    "quantum point contact": QuantumPointContact,
    "quantum gap": QuantumGap,
}
"""Every bond law by its name."""
