"""Bonds that obey one law, and what the network asks of such a law."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ...checks import between, one_of, positive
from ...typing import Floats
from ...units import BOLTZMANN_EV

BOTTOM = -1
"""Stands for the bottom electrode in ``Bonds.second``."""
TOP = -2
"""Stands for the top electrode in ``Bonds.second``."""


class ConductionLaw(Protocol):
    """What the network asks of a bond law: odd or not, but rising with the voltage."""

    linear: ClassVar[bool]
    """True if the slope does not depend on the voltage: the network is then solved in one step."""

    @property
    def odd(self) -> bool:
        """Whether the current changes its sign alone with that of the voltage."""

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S, not negative) through each bond.

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


def above_zero(unit: str, **default: Any) -> Any:
    """Declare a parameter of a law that is positive and finite."""
    return field(metadata={"check": partial(positive, unit=unit)}, **default)


def within(low: float, high: float, unit: str, **default: Any) -> Any:
    """Declare a parameter of a law that lies between two bounds, ends included."""
    return field(metadata={"check": partial(between, low=low, high=high, unit=unit)}, **default)


def one_among(allowed: Collection[Any], **default: Any) -> Any:
    """Declare a parameter of a law that takes one of a few values."""
    return field(metadata={"check": partial(one_of, allowed=allowed)}, **default)


@dataclass(frozen=True, kw_only=True)
class BondLaw:
    """Base of the laws: parameters are checked as they are declared."""

    linear: ClassVar[bool] = False

    @property
    def odd(self) -> bool:
        """Whether the current changes its sign alone with that of the voltage."""
        return True

    def __post_init__(self) -> None:
        for entry in fields(self):
            if "check" in entry.metadata:
                entry.metadata["check"](entry.name, getattr(self, entry.name))


@dataclass(kw_only=True, eq=False)
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
    length: Floats = field(default_factory=lambda: np.empty(0))

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
        self.first, self.second, self.length = first, second, length

    def __len__(self) -> int:
        return len(self.first)


def length_of(bond: Bonds) -> Floats:
    """Return the lengths of the bonds (m), or raise ValueError if they were not given."""
    if len(bond.length) != len(bond.first):
        law = type(bond.law).__name__
        raise ValueError(f"length must be given for each of the {len(bond.first)} bonds of {law}")
    return bond.length


def filled(energy: Floats) -> Floats:
    """Return the share 1 / (1 + e^x) of levels x kT above the Fermi level that electrons fill."""
    boltzmann = np.exp(-np.abs(energy))
    share: Floats = np.where(energy > 0.0, boltzmann, 1.0) / (1.0 + boltzmann)
    return share


def thermal_energy(temperature: float | Floats) -> Floats:
    """Return kT (eV) at a temperature (K)."""
    energy: Floats = BOLTZMANN_EV * np.asarray(temperature, dtype=np.float64)
    return energy
