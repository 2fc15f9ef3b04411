"""Emission of electrons over and through the barrier of a trap or a contact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...checks import between
from ...typing import Floats
from ...units import BOLTZMANN, BOLTZMANN_EV, ELECTRON_MASS, ELEMENTARY_CHARGE, PLANCK, VACUUM_PERMITTIVITY
from .bonds import BondLaw, Bonds, above_zero, length_of, one_among, thermal_energy, within
from .tunnelling import HBAR

RICHARDSON = 4 * np.pi * ELEMENTARY_CHARGE * ELECTRON_MASS * BOLTZMANN**2 / PLANCK**3
"""Richardson constant of free electrons, 1.2017e6 A/(m^2 K^2)."""


@dataclass(frozen=True, kw_only=True)
class PooleFrenkel(BondLaw):
    """Emission of electrons from traps whose Coulomb barrier the field lowers.

    Parameters
    ----------
    prefactor : float
        Conductivity e mu N_c of the carriers if there were no trap to leave (S/m), positive.
    trap_depth : float
        Depth phi_t of the trap below the conduction band at zero field (eV), 0 to 10.
    permittivity : float
        Relative permittivity at optical frequencies, 1 to 1000.
    area : float or ndarray of shape (n_bonds,)
        Cross-section (m^2).
    temperature : float or ndarray of shape (n_bonds,)
        Temperature (K), 1 to 5000.

    Notes
    -----
    ``I = A prefactor (V / d) exp(-(phi_t - sqrt(e |F| / (pi eps))) / kT)``, F = V / d [1]_, [2]_: ohmic at
    small voltage, odd. Valid up to ``largest_voltage``, where the barrier is gone; the formula goes on rising
    there.

    References
    ----------
    .. [1] J. Frenkel, "On pre-breakdown phenomena in insulators and electronic semi-conductors", Phys. Rev.
       54, 647 (1938), doi:10.1103/PhysRev.54.647.
    .. [2] F.-C. Chiu, "A review on conduction mechanisms in dielectric films", Adv. Mater. Sci. Eng. 2014,
       578168 (2014), doi:10.1155/2014/578168.
    """

    prefactor: float = above_zero("S/m")
    trap_depth: float = within(0, 10, "eV")
    permittivity: float = within(1, 1000, "(relative)")
    area: float | Floats = above_zero("m^2")
    temperature: float | Floats = within(1, 5000, "K")

    def largest_voltage(self, length: float | Floats) -> Floats:
        """Return the voltage (V) at which the field has lowered the barrier to nothing over a length (m)."""
        lowering = np.pi * self.permittivity * VACUUM_PERMITTIVITY * np.asarray(length) / ELEMENTARY_CHARGE
        limit: Floats = self.trap_depth**2 * lowering
        return limit

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        length, thermal = length_of(bond), thermal_energy(self.temperature)
        unit = ELEMENTARY_CHARGE / (np.pi * self.permittivity * VACUUM_PERMITTIVITY * length)
        lowering = np.sqrt(np.abs(voltage) * unit)
        conductance = np.asarray(self.area) * self.prefactor / length
        rising = conductance * np.exp((lowering - self.trap_depth) / thermal)
        return rising * voltage, rising * (1 + 0.5 * lowering / thermal)


@dataclass(frozen=True, kw_only=True)
class SchottkyThermionic(BondLaw):
    """Thermionic emission over the barrier of a contact, forward and reverse.

    Parameters
    ----------
    barrier : float
        Barrier phi_B at zero bias (eV), 0 to 10, lowered by the built-in field already.
    mass : float
        Effective mass over that of a free electron, 0.01 to 10; the Richardson constant is 1.2017e6 A/(m^2
        K^2) times it.
    permittivity : float
        Relative permittivity for the image force, at optical frequencies, 1 to 1000.
    area : float or ndarray of shape (n_bonds,)
        Cross-section (m^2).
    temperature : float or ndarray of shape (n_bonds,)
        Temperature (K), 1 to 5000.
    ideality : float, optional
        Ideality n of the forward direction, 1 to 5. Default 1.
    polarity : {1, -1}, optional
        1: forward where ``first`` is positive. -1: forward where ``second`` is, as for a bond from an n-type
        site to a metal contact. Default 1.

    Notes
    -----
    Forward ``I = I_s exp(V / n kT) (1 - exp(-V / kT))``, reverse
    ``I = -I_s exp(sqrt(e |F| / (4 pi eps)) / kT) (1 - exp(-|V| / kT))`` with F = V / d, and
    ``I_s = A A* T^2 exp(-phi_B / kT)`` [1]_, [2]_. Slope I_s / kT from both sides of 0 V. Valid below the
    flat-band voltage forward, and up to ``largest_voltage``, where the image force has taken the
    barrier; series resistance is another bond.

    References
    ----------
    .. [1] C. R. Crowell and S. M. Sze, "Current transport in metal-semiconductor barriers", Solid-State
       Electron. 9, 1035 (1966), doi:10.1016/0038-1101(66)90127-4.
    .. [2] F.-C. Chiu, "A review on conduction mechanisms in dielectric films", Adv. Mater. Sci. Eng. 2014,
       578168 (2014), doi:10.1155/2014/578168.
    """

    barrier: float = within(0, 10, "eV")
    mass: float = within(0.01, 10, "electron masses")
    permittivity: float = within(1, 1000, "(relative)")
    area: float | Floats = above_zero("m^2")
    temperature: float | Floats = within(1, 5000, "K")
    ideality: float = within(1, 5, "(pure number)", default=1.0)
    polarity: int = one_among((1, -1), default=1)

    @property
    def odd(self) -> bool:
        """Whether the current changes its sign alone with that of the voltage."""
        return False

    def largest_voltage(self, length: float | Floats) -> Floats:
        """Return the reverse voltage (V) at which the image force has taken the barrier over a length (m)."""
        lowering = (
            4 * np.pi * self.permittivity * VACUUM_PERMITTIVITY * np.asarray(length) / ELEMENTARY_CHARGE
        )
        limit: Floats = self.barrier**2 * lowering
        return limit

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        from scipy.special import exprel  # 20 MB, and no device needs it

        length, thermal = length_of(bond), thermal_energy(self.temperature)
        saturation = np.asarray(self.area) * RICHARDSON * self.mass * np.asarray(self.temperature) ** 2
        signed_voltage = self.polarity * voltage
        unit = ELEMENTARY_CHARGE / (4 * np.pi * self.permittivity * VACUUM_PERMITTIVITY * length)
        reduced = np.abs(signed_voltage) / thermal
        lowering = np.sqrt(np.abs(signed_voltage) * unit) / thermal
        forward = signed_voltage >= 0
        raised = np.where(forward, reduced / self.ideality, lowering)
        # The logarithmic slope of that factor times |V|; exprel is what is left of the current over |V|.
        steep = np.where(forward, reduced / self.ideality, 0.5 * lowering)
        rising = saturation * np.exp(raised - self.barrier / thermal)
        remaining = exprel(-reduced)
        slope = rising / thermal * (steep * remaining + np.exp(-reduced))
        return rising * remaining * voltage / thermal, slope


@dataclass(frozen=True, kw_only=True)
class ThermionicField(BondLaw):
    """Thermionic field emission: electrons tunnel through the thin top of a depletion barrier.

    Parameters
    ----------
    barrier : float
        Barrier phi_B0 of the contact without image force (eV), 0 to 10.
    fermi_depth : float
        Depth phi_n of the Fermi level below the conduction band in the oxide (eV), below ``barrier``.
    donor_density : float
        Density of donor charges z N at the contact (1/m^3), positive.
    mass : float
        Effective mass over that of a free electron, 0.01 to 10.
    permittivity, image_permittivity : float
        Relative permittivity, static for the depletion layer and optical for the image force, 1 to 1000.
    area : float or ndarray of shape (n_bonds,)
        Cross-section (m^2).
    temperature : float
        Temperature (K), 1 to 5000.
    polarity : {1, -1}, optional
        As in ``SchottkyThermionic``.

    Raises
    ------
    ValueError
        If a parameter is out of range, the image force leaves no barrier at zero bias, or the tunnelling
        energy E00 is below 0.2 or above 20 kT.

    Notes
    -----
    With ``E00 = (e hbar / 2) sqrt(z N / (m eps))``, ``E0 = E00 coth(E00 / kT)``, and the barrier
    ``phi_B = phi_B0 - (e^3 z N (phi_B0 - phi_n + |V|) / (8 pi^2 eps_i^3))^(1/4)``, the reverse current is
    ``I = -A (A* T / k) sqrt(pi E00 (|V| + phi_B(0) / cosh^2(E00 / kT))) exp(-phi_B / E0 + |V| / E')
    (1 - exp(-|V| / kT))``, ``1 / E' = 1 / kT - 1 / E0`` [1]_. That is the reverse branch of JART VCM v1b [2]_
    but for the last factor, which JART has as ``1 - exp(-|V| / E')`` (ours makes both directions balance
    with ratio exp(V / kT) and differs within a few kT / e), and for the zero-bias barrier in the square root.
    Forward, ``I = I_s exp(V / E0) (1 - exp(-V / kT))`` with I_s and barrier held at zero bias [1]_; JART has
    thermionic emission there, which is ``SchottkyThermionic``. Slope I_s / kT from both sides of 0 V. Valid
    while the lowered barrier is positive, and forward below flat band.

    References
    ----------
    .. [1] F. A. Padovani and R. Stratton, "Field and thermionic-field emission in Schottky barriers",
       Solid-State Electron. 9, 695 (1966), doi:10.1016/0038-1101(66)90097-9.
    .. [2] C. Bengel et al., "Variability-aware modeling of filamentary oxide-based bipolar resistive
       switching cells using SPICE level compact models", IEEE Trans. Circuits Syst. I 67, 4618 (2020),
       doi:10.1109/TCSI.2020.3018502.
    """

    barrier: float = within(0, 10, "eV")
    fermi_depth: float
    donor_density: float = above_zero("1/m^3")
    mass: float = within(0.01, 10, "electron masses")
    permittivity: float = within(1, 1000, "(relative)")
    image_permittivity: float = within(1, 1000, "(relative)")
    area: float | Floats = above_zero("m^2")
    temperature: float = within(1, 5000, "K")
    polarity: int = one_among((1, -1), default=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.fermi_depth < self.barrier:
            raise ValueError(
                f"fermi_depth must be at least 0 and below barrier {self.barrier:g} eV, "
                f"got {self.fermi_depth!r}"
            )
        between("tunnelling energy E00 over kT", self.tunnelling_energy / self._thermal, 0.2, 20, "")
        if self.zero_bias_barrier <= 0:
            raise ValueError(
                "barrier must be above the image-force lowering at zero bias "
                f"{self.barrier - self.zero_bias_barrier:.3g} eV, got {self.barrier!r}"
            )

    @property
    def odd(self) -> bool:
        """Whether the current changes its sign alone with that of the voltage."""
        return False

    @property
    def _thermal(self) -> float:
        return BOLTZMANN_EV * self.temperature

    @cached_property
    def tunnelling_energy(self) -> float:
        """Energy E00 (eV) that tells thermionic emission (far below kT) from field emission (far above)."""
        mass, eps = self.mass * ELECTRON_MASS, self.permittivity * VACUUM_PERMITTIVITY
        return float(0.5 * HBAR * np.sqrt(self.donor_density / (mass * eps)))

    @cached_property
    def zero_bias_barrier(self) -> float:
        """Barrier (eV) that the image force leaves at zero bias."""
        return float(self.barrier - self._image * (self.barrier - self.fermi_depth) ** 0.25)

    @cached_property
    def _image(self) -> float:
        eps = self.image_permittivity * VACUUM_PERMITTIVITY
        return float((ELEMENTARY_CHARGE**3 * self.donor_density / (8 * np.pi**2 * eps**3)) ** 0.25)

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        thermal, narrow = self._thermal, self.tunnelling_energy
        broad = narrow / np.tanh(narrow / thermal)
        forward = self.polarity * voltage >= 0
        size = np.abs(voltage)
        base = self.zero_bias_barrier / np.cosh(narrow / thermal) ** 2
        band = self.barrier - self.fermi_depth
        reverse = np.where(forward, 0.0, size)  # the barrier stays as at zero bias in the forward direction
        lowered = self.barrier - self._image * (band + reverse) ** 0.25
        rate = np.where(forward, 1 / broad, 1 / thermal - 1 / broad)
        strength = np.asarray(self.area) * RICHARDSON * self.mass * self.temperature / BOLTZMANN_EV
        rising = strength * np.sqrt(np.pi * narrow * (base + reverse)) * np.exp(rate * size - lowered / broad)
        extra = 0.5 / (base + reverse) + 0.25 * self._image * (band + reverse) ** -0.75 / broad
        steep = rate + np.where(forward, 0.0, extra)
        passed = -np.expm1(-size / thermal)
        slope = rising * (steep * passed + np.exp(-size / thermal) / thermal)
        return np.sign(voltage) * rising * passed, slope
