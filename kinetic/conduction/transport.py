"""Transport through the bulk of an oxide, a filament and a constriction of atomic width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...checks import positive
from ...typing import Floats
from ...units import CONDUCTANCE_QUANTUM, ELECTRON_MASS, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from .bonds import BondLaw, Bonds, above_zero, filled, length_of, thermal_energy, within
from .tunnelling import HBAR


@dataclass(frozen=True, kw_only=True)
class FilamentOhmic(BondLaw):
    """Ohmic conduction with thermally activated carriers, I = g0 exp(-E_a / kT) V.

    Parameters
    ----------
    prefactor : float or ndarray of shape (n_bonds,)
        Conductance g0 at infinite temperature (S), positive.
    activation_energy : float
        Activation energy E_a (eV), 0 to 5; 0 is a metal whose conductance does not depend on temperature.
    temperature : float or ndarray of shape (n_bonds,)
        Temperature (K), 1 to 5000.

    References
    ----------
    .. [1] F.-C. Chiu, "A review on conduction mechanisms in dielectric films", Adv. Mater. Sci. Eng. 2014,
       578168 (2014), doi:10.1155/2014/578168.
    """

    prefactor: float | Floats = above_zero("S")
    activation_energy: float = within(0, 5, "eV")
    temperature: float | Floats = within(1, 5000, "K")
    linear: ClassVar[bool] = True

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        conductance = self.prefactor * np.exp(-self.activation_energy / thermal_energy(self.temperature))
        slope = np.broadcast_to(conductance, np.shape(voltage))
        return slope * voltage, slope


@dataclass(frozen=True, kw_only=True)
class SpaceCharge(BondLaw):
    """Ohmic and space-charge-limited current of one kind of carrier, with or without traps to fill.

    Parameters
    ----------
    carrier_density : float
        Free carriers in equilibrium n0 (1/m^3), positive.
    mobility : float
        Mobility mu (m^2/(V s)), positive.
    permittivity : float
        Static relative permittivity, 1 to 1000.
    area : float or ndarray of shape (n_bonds,)
        Cross-section (m^2).
    trap_density : float, optional
        Density N_t of traps that are empty in equilibrium (1/m^3). Default 0: no traps.
    trap_occupancy_density : float, optional
        Density N_1 = N_c exp(-E_t / kT) of free carriers at which a trap is half full (1/m^3); needed with
        traps. ``shallow`` makes it from the depth of the traps.

    Notes
    -----
    ``I = A e mu n0 V / d + (9/8) A eps mu theta V |V| / d^3`` [1]_, where theta is the free fraction of the
    injected carriers: 1 without traps, else ``n / Q`` from ``Q = n + N_t n / (n + N_1)`` with the injected
    density ``Q = 2 eps |V| / (e d^2)`` [2]_. So theta = N_1 / (N_1 + N_t) at small voltage, and the traps
    fill at ``V_TFL = e N_t d^2 / (2 eps)``. The density is taken as uniform, as in [2]_, so the jump at V_TFL
    is right in place and height and only roughly in shape. Valid without diffusion, V far above kT / e.

    References
    ----------
    .. [1] A. Rose, "Space-charge-limited currents in solids", Phys. Rev. 97, 1538 (1955),
       doi:10.1103/PhysRev.97.1538.
    .. [2] M. A. Lampert, "Simplified theory of space-charge-limited currents in an insulator with traps",
       Phys. Rev. 103, 1648 (1956), doi:10.1103/PhysRev.103.1648.
    """

    carrier_density: float = above_zero("1/m^3")
    mobility: float = above_zero("m^2/(V s)")
    permittivity: float = within(1, 1000, "(relative)")
    area: float | Floats = above_zero("m^2")
    trap_density: float = within(0, 1e30, "1/m^3", default=0.0)
    trap_occupancy_density: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trap_density > 0:
            positive("trap_occupancy_density", self.trap_occupancy_density, "1/m^3")

    @staticmethod
    def shallow(state_density: float, trap_depth: float, temperature: float) -> float:
        """Return N_1 (1/m^3) from the band's states (1/m^3), the traps' depth (eV), the temperature (K)."""
        return float(state_density * np.exp(-trap_depth / thermal_energy(temperature)))

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        length = length_of(bond)
        per_volt = 2 * self.permittivity * VACUUM_PERMITTIVITY / (ELEMENTARY_CHARGE * length**2)
        free, free_slope = self._free(per_volt * np.abs(voltage))
        # (9/8) eps mu V^2 / d^3 times n / Q, with Q written out.
        unit = np.asarray(self.area) * ELEMENTARY_CHARGE * self.mobility / length
        density = self.carrier_density + 9 / 16 * free
        slope = unit * (density + 9 / 16 * free_slope * per_volt * np.abs(voltage))
        return unit * density * voltage, slope

    def _free(self, injected: Floats) -> tuple[Floats, Floats]:
        """Return the free part of the injected density (1/m^3) and its derivative."""
        if self.trap_density == 0:
            return injected, np.ones_like(injected)
        half, traps = self.trap_occupancy_density, self.trap_density
        excess = injected - traps - half
        root = np.sqrt(excess**2 + 4 * injected * half)
        low = excess < 0  # the smaller root of the quadratic without a difference
        free = np.where(low, 2 * injected * half / np.where(low, root - excess, 1.0), 0.5 * (root + excess))
        return free, 1 / (1 + traps * half / (free + half) ** 2)


@dataclass(frozen=True, kw_only=True)
class Hopping(BondLaw):
    """Thermally activated hopping between neighbouring traps that the field tilts.

    Parameters
    ----------
    hop_distance : float
        Distance a of the traps (m), positive.
    barrier : float
        Activation energy E_a of a hop at zero field (eV), 0 to 5.
    site_density : float
        Density n of electrons that can hop (1/m^3), positive.
    attempt_frequency : float
        Attempts of an electron per second nu (Hz), positive.
    area : float or ndarray of shape (n_bonds,)
        Cross-section (m^2).
    temperature : float or ndarray of shape (n_bonds,)
        Temperature (K), 1 to 5000.

    Notes
    -----
    ``I = 2 A e a n nu exp(-E_a / kT) sinh(e a V / (2 kT d))`` [1]_. Valid while the drop a V / d per hop
    stays below 2 E_a.

    References
    ----------
    .. [1] F.-C. Chiu, "A review on conduction mechanisms in dielectric films", Adv. Mater. Sci. Eng. 2014,
       578168 (2014), doi:10.1155/2014/578168.
    """

    hop_distance: float = above_zero("m")
    barrier: float = within(0, 5, "eV")
    site_density: float = above_zero("1/m^3")
    attempt_frequency: float = above_zero("Hz")
    area: float | Floats = above_zero("m^2")
    temperature: float | Floats = within(1, 5000, "K")

    def largest_voltage(self, length: float | Floats) -> Floats:
        """Return the voltage (V) over a length (m) at which half of the drop per hop is the barrier."""
        limit: Floats = 2 * self.barrier / self.hop_distance * np.asarray(length)
        return limit

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        thermal = thermal_energy(self.temperature)
        density = 2 * ELEMENTARY_CHARGE * self.hop_distance * self.site_density * self.attempt_frequency
        scale = np.asarray(self.area) * density * np.exp(-self.barrier / thermal)
        per_volt = self.hop_distance / (2 * thermal * length_of(bond))
        return scale * np.sinh(per_volt * voltage), scale * per_volt * np.cosh(per_volt * voltage)


@dataclass(frozen=True, kw_only=True)
class QuantumPointContact(BondLaw):
    """Constriction of atomic width without a barrier, I = (2 e^2 / h) N T V.

    Parameters
    ----------
    channels : float or ndarray of shape (n_bonds,)
        Number N of open channels, positive.
    transmission : float or ndarray of shape (n_bonds,), optional
        Transmission T of a channel, above 0 and up to 1. Default 1: the conductance is N quanta.

    Notes
    -----
    The formula of Landauer [1]_ at small voltage. The conductance cannot exceed N times 77.48 uS.

    References
    ----------
    .. [1] R. Landauer, "Spatial variation of currents and fields due to localized scatterers in metallic
       conduction", IBM J. Res. Dev. 1, 223 (1957), doi:10.1147/rd.13.0223.
    """

    channels: float | Floats = above_zero("1")
    transmission: float | Floats = within(0, 1, "(pure number)", default=1.0)
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("transmission", self.transmission, "1")

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        conductance = CONDUCTANCE_QUANTUM * np.asarray(self.channels) * np.asarray(self.transmission)
        slope = np.broadcast_to(conductance, np.shape(voltage))
        return slope * voltage, slope


@dataclass(frozen=True, kw_only=True)
class QuantumGap(BondLaw):
    """Constriction with a parabolic barrier along the way: the quantum point contact with a gap.

    Parameters
    ----------
    channels : float or ndarray of shape (n_bonds,)
        Number N of channels, positive.
    barrier : float
        Top Phi of the lowest band's barrier above the Fermi level (eV), 0.01 to 10.
    mass : float
        Effective mass over that of a free electron, 0.01 to 10.
    share : float, optional
        Share beta of the voltage that drops before the barrier's top, 0 to 1. Default 0.5: odd.

    Notes
    -----
    The transmission ``T(E) = 1 / (1 + exp(a (Phi - E)))`` of a parabolic barrier of width d at the Fermi
    level, ``a = (pi d / hbar) sqrt(m / (2 Phi))`` [1]_, gives at zero temperature
    ``I = (2 e / h) N (1 / a) ln[(1 + exp(a (beta e V - Phi))) / (1 + exp(-a ((1 - beta) e V + Phi)))]`` [2]_.
    The slope is ``N G0 / (1 + exp(a Phi))`` at 0 V and never above N G0. Valid for kT far below 1 / a.

    References
    ----------
    .. [1] M. Buettiker, "Quantized transmission of a saddle-point constriction", Phys. Rev. B 41, 7906
       (1990), doi:10.1103/PhysRevB.41.7906.
    .. [2] E. A. Miranda, C. Walczyk, C. Wenger, T. Schroeder, "Model for the resistive switching effect in
       HfO2 MIM structures based on the transmission properties of narrow constrictions", IEEE Electron Device
       Lett. 31, 609 (2010), doi:10.1109/LED.2010.2046310.
    """

    channels: float | Floats = above_zero("1")
    barrier: float = within(0.01, 10, "eV")
    mass: float = within(0.01, 10, "electron masses")
    share: float = within(0, 1, "(pure number)", default=0.5)

    @property
    def odd(self) -> bool:
        """Whether the current changes its sign alone with that of the voltage."""
        return self.share == 0.5

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        mass, energy = self.mass * ELECTRON_MASS, self.barrier * ELEMENTARY_CHARGE
        per_volt = np.pi / HBAR * np.sqrt(0.5 * mass / energy) * ELEMENTARY_CHARGE * length_of(bond)
        upper = per_volt * (self.share * voltage - self.barrier)
        lower = -per_volt * ((1 - self.share) * voltage + self.barrier)
        # Where the two are close, their logarithms would cancel.
        is_small = np.abs(per_volt * voltage) < 1
        supply = np.log1p(filled(-lower) * np.expm1(np.where(is_small, per_volt * voltage, 0.0)))
        occupation = np.logaddexp(0, upper) - np.logaddexp(0, lower)
        limit = CONDUCTANCE_QUANTUM * np.asarray(self.channels)
        slope = limit * (self.share * filled(-upper) + (1 - self.share) * filled(-lower))
        return limit / per_volt * np.where(is_small, supply, occupation), slope
