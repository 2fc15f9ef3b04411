"""Bond laws: the current through a bond, and its slope, as functions of the voltage across it.

A law is a frozen dataclass with one method, ``current(voltage, bond)``. A new one is a class here and a
line in ``LAWS``; a test checks the slope of every law in that dictionary by finite difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

BOTTOM = -1
"""Stands for the bottom electrode in ``Bonds.second``."""
TOP = -2
"""Stands for the top electrode in ``Bonds.second``."""


class ConductionLaw(Protocol):
    """What the network asks of a bond law: odd or not, but rising with the voltage."""

    linear: ClassVar[bool]
    """True if the slope does not depend on the voltage: the network is then solved in one step."""

    def current(self, voltage: Array, bond: Bonds) -> tuple[Array, Array]:
        """Return the current (A) and its slope (S, positive) through each bond.

        Parameters
        ----------
        voltage : ndarray of shape (n_bonds,)
            Potential of ``bond.first`` minus that of ``bond.second`` (V).
        bond : Bonds
            The bonds themselves, for their lengths.

        Returns
        -------
        current : ndarray of shape (n_bonds,)
            Current from ``first`` to ``second`` (A).
        slope : ndarray of shape (n_bonds,)
            Derivative of the current by the voltage (S).
        """


@dataclass(frozen=True, kw_only=True, eq=False)
class Bonds:
    """A set of bonds that obey one law.

    Parameters
    ----------
    first : ndarray of int, shape (n_bonds,)
        Site numbers of one end.
    second : ndarray of int, shape (n_bonds,)
        Site numbers of the other end, or ``BOTTOM`` or ``TOP`` for a contact.
    law : ConductionLaw
        Current as a function of voltage.
    length : ndarray of shape (n_bonds,), optional
        Distance between the ends (m), positive; laws that depend on distance need it.

    Raises
    ------
    ValueError
        If the arrays differ in length, a bond joins a site to itself, or a length is not positive.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    law: ConductionLaw
    length: Array = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        first = np.atleast_1d(np.asarray(self.first, dtype=np.intp))
        second = np.atleast_1d(np.asarray(self.second, dtype=np.intp))
        length = np.atleast_1d(np.asarray(self.length, dtype=np.float64))
        if first.ndim != 1 or first.shape != second.shape:
            raise ValueError(
                f"first and second must have one site per bond, got shapes {first.shape} and {second.shape}"
            )
        if first.size and (first.min() < 0 or second.min() < TOP):
            raise ValueError("first must be site numbers, second site numbers, BOTTOM (-1) or TOP (-2)")
        if np.any(first == second):
            raise ValueError("first and second must differ: a bond cannot join a site to itself")
        one_each = length.shape == first.shape and np.all(np.isfinite(length) & (length > 0))
        if length.size and not one_each:
            raise ValueError(f"length must be {first.size} positive numbers of metres, one per bond")
        for name, value in (("first", first), ("second", second), ("length", length)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, kw_only=True)
class Ohmic:
    """Current in proportion to voltage, I = g V.

    Parameters
    ----------
    conductance : float or ndarray of shape (n_bonds,)
        Conductance g of every bond, or of each (S), positive.
    """

    conductance: float | Array
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _require_positive("conductance", self.conductance, "S")

    def current(self, voltage: Array, bond: Bonds) -> tuple[Array, Array]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        slope = np.broadcast_to(np.asarray(self.conductance, dtype=np.float64), np.shape(voltage))
        return slope * voltage, slope


@dataclass(frozen=True, kw_only=True)
class Tunnelling:
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

    prefactor: float
    decay_length: float
    spacing: float
    far_factor: float = 1.0
    near: float = np.inf
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _require_positive("prefactor", self.prefactor, "S")
        _require_positive("decay_length", self.decay_length, "m")
        _require_positive("spacing", self.spacing, "m")
        _require_positive("far_factor", self.far_factor, "1")

    def conductance(self, length: ArrayLike) -> Array:
        """Return the conductance (S) of bonds of the given lengths (m)."""
        r = np.asarray(length, dtype=np.float64)
        falling = self.prefactor * np.exp(-2 * (r - self.spacing) / self.decay_length)
        # A relative margin, so that a bond of exactly the length `near` does not depend on rounding.
        reduced: Array = falling * np.where(r > self.near * (1 + 1e-9), self.far_factor, 1.0)
        return reduced

    def current(self, voltage: Array, bond: Bonds) -> tuple[Array, Array]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        slope = self.conductance(_length_of(bond))
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

    voltage_scale: float = 0.25
    linear: ClassVar[bool] = False

    def __post_init__(self) -> None:
        Tunnelling.__post_init__(self)
        _require_positive("voltage_scale", self.voltage_scale, "V")

    def current(self, voltage: Array, bond: Bonds) -> tuple[Array, Array]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        conductance = self.conductance(_length_of(bond))
        reduced = voltage / self.voltage_scale
        return conductance * self.voltage_scale * np.sinh(reduced), conductance * np.cosh(reduced)


def _require_positive(name: str, value: float | Array, unit: str) -> None:
    given = np.asarray(value, dtype=np.float64)
    if not np.all(np.isfinite(given) & (given > 0)):
        raise ValueError(f"{name} must be positive and finite ({unit}), got {value!r}")


def _length_of(bond: Bonds) -> Array:
    if len(bond.length) != len(bond.first):
        law = type(bond.law).__name__
        raise ValueError(f"length must be given for each of the {len(bond.first)} bonds of {law}")
    return bond.length


LAWS: dict[str, type[Ohmic | Tunnelling | Contact | Sinh]] = {
    "ohmic": Ohmic,
    "tunnelling": Tunnelling,
    "contact": Contact,
    "sinh": Sinh,
}
