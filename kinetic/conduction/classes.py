"""Laws of the bonds of a device by class, as the section ``[conduction]`` of its material chooses them.

A class has a list of ways that the current takes side by side. A way is a law and what it is multiplied
with: the file gives the conductance of a bond at 0 V, and most laws say how the current goes on from there; a
law that needs no such number stands as it is. What a file leaves out drops a way, or makes it ohmic.

A further law is a class of this folder, a function here and its name in ``CLASSES``; its numbers are declared
with all others in `materials.sections`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...typing import Floats
from ...units import BOLTZMANN_EV
from ..materials.sections import BondNumbers, ContactNumbers
from .bonds import BOTTOM, Bonds, ConductionLaw
from .electron_transfer import ElectronTransfer
from .laws import Ohmic
from .transport import QuantumGap

REFERENCE = 300.0
"""Temperature (K) at which the conductances of a material file hold."""

OHMIC = Ohmic(conductance=1.0)


def activated(energy: float, temperature: float) -> float:
    """Return exp(-E (1/kT - 1/kT0)), the factor at T (K) on conductances that a file gives at T0 = 300 K."""
    return float(np.exp(-energy / BOLTZMANN_EV * (1 / temperature - 1 / REFERENCE)))


class Way(NamedTuple):
    """One way of the current through a bond.

    Attributes
    ----------
    scale : float
        What the current of the law is multiplied with.
    law : ConductionLaw
    length : float or None
        Length of the bond (m), where the law depends on it.
    """

    scale: float
    law: ConductionLaw
    length: float | None = None

    def current(self, voltage: Floats) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S) at voltages (V), of the law alone."""
        n = len(voltage)
        length = np.empty(0) if self.length is None else np.full(n, self.length)
        bonds = Bonds(first=np.arange(n), second=np.full(n, BOTTOM), law=self.law, length=length)
        return self.law.current(voltage, bonds)

    @property
    def conductance(self) -> float:
        """Slope at 0 V (S)."""
        return self.scale * float(self.current(np.zeros(1))[1][0])


class Bond(NamedTuple):
    """What a way is made for: the bond's conductance (S) by the file, its length (m), the temperature (K)."""

    conductance: float
    length: float
    temperature: float


Choice = Callable[[Any, Bond], Way | None]


def hops(numbers: BondNumbers, bond: Bond) -> Way:
    """Return hops between levels that relax, or an ohmic way where there is no reorganisation energy.

    Their own activation comes to that of the file. With a hop length l a bond of length d is d / l hops, a
    real number: each then has the voltage V l / d, the field over one length, and no distance makes a jump of
    the law. A bond that is shorter is one hop.
    """
    if numbers.gap_reorganisation == 0.0:
        return Way(bond.conductance, OHMIC)
    length = numbers.gap_hop_length
    law = ElectronTransfer(
        conductance=1.0,
        reorganisation=numbers.gap_reorganisation,
        hops=max(1.0, bond.length / length) if length else numbers.gap_hops,
        temperature=bond.temperature,
        phonon_energy=numbers.gap_phonon,
    )
    return Way(bond.conductance * law.activated(REFERENCE), law)


def through(numbers: BondNumbers, bond: Bond) -> Way | None:
    """Return elastic tunnelling from end to end of a bond, which nothing but its barrier sets.

    The barrier is as wide as the bond is longer than that of two atoms which touch.
    """
    if numbers.gap_barrier == 0.0:
        return None
    if bond.length <= numbers.gap_touch:
        raise ValueError(
            f"gap_touch must be below a gap's length of {bond.length:.3g} m, got {numbers.gap_touch:g} m"
        )
    law = QuantumGap(channels=numbers.gap_channels, barrier=numbers.gap_barrier, mass=numbers.gap_mass)
    return Way(1.0, law, bond.length - numbers.gap_touch)


def over_bottom(numbers: ContactNumbers, bond: Bond) -> Way:
    """Return the way through the barrier of the bottom electrode."""
    return _contact(numbers.contact_bottom_barrier, numbers, bond)


def over_top(numbers: ContactNumbers, bond: Bond) -> Way:
    """Return the way through the barrier of the top electrode."""
    return _contact(numbers.contact_top_barrier, numbers, bond)


def _contact(barrier: float, numbers: ContactNumbers, bond: Bond) -> Way:
    """Return a contact of the conductance that the file gives: as many channels as it takes."""
    if barrier == 0.0:
        return Way(bond.conductance, OHMIC)
    # A bond's voltage is that of its site against the electrode: where it is positive, electrons come from
    # the electrode, and what lies between that and the top of the barrier lifts them.
    law = QuantumGap(channels=1.0, barrier=barrier, mass=numbers.contact_mass, share=numbers.contact_share)
    path = Way(1.0, law, bond.length)
    return path._replace(scale=bond.conductance / path.conductance)


CLASSES: dict[str, tuple[Choice, ...]] = {
    "gap": (hops, through),
    "bottom contact": (over_bottom,),
    "top contact": (over_top,),
}
"""Ways of each class of bond: those over a gap (longer than sqrt(2) spacings, and contacts beyond the first
layer), and contacts of the first layer. All other bonds, those within a filament, are ohmic."""


def ways(kind: str, numbers: BondNumbers, bond: Bond) -> tuple[Way, ...]:
    """Return the ways through a bond of a class of ``CLASSES``; those that carry nothing are left out.

    Raises
    ------
    ValueError
        A number of the file that a law refuses.
    """
    try:
        paths = [choice(numbers, bond) for choice in CLASSES[kind]]
    except ValueError as error:
        raise ValueError(f"conduction, {kind}: {error}") from error
    return tuple(path for path in paths if path is not None and path.conductance > 0.0)
