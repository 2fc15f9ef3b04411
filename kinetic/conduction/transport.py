"""Transport through the bulk of an oxide, a filament and a constriction of atomic width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from ...checks import between, positive
from ...typing import Floats
from ...units import CONDUCTANCE_QUANTUM, ELECTRON_MASS, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from .bonds import Bonds, length_of, thermal_energy
from .tunnelling import HBAR


@dataclass(frozen=True, kw_only=True)
class FilamentOhmic:
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

    prefactor: float | Floats
    activation_energy: float
    temperature: float | Floats
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("prefactor", self.prefactor, "S")
        between("activation_energy", self.activation_energy, 0, 5, "eV")
        between("temperature", self.temperature, 1, 5000, "K")

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        conductance = self.prefactor * np.exp(-self.activation_energy / thermal_energy(self.temperature))
        slope = np.broadcast_to(conductance, np.shape(voltage))
        return slope * voltage, slope


@dataclass(frozen=True, kw_only=True)
class SpaceCharge:
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
    ``I = A e mu n0 V / d + (9/8) A eps mu theta V |V| / d^3`` [1]_, where theta is the free share of the
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

    carrier_density: float
    mobility: float
    permittivity: float
    area: float | Floats
    trap_density: float = 0.0
    trap_occupancy_density: float = 0.0
    linear: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("carrier_density", self.carrier_density, "1/m^3")
        positive("mobility", self.mobility, "m^2/(V s)")
        between("permittivity", self.permittivity, 1, 1000, "(relative)")
        positive("area", self.area, "m^2")
        between("trap_density", self.trap_density, 0, 1e30, "1/m^3")
        if self.trap_density > 0:
            positive("trap_occupancy_density", self.trap_occupancy_density, "1/m^3")

    @staticmethod
    def shallow(state_density: float, trap_depth: float, temperature: float) -> float:
        """Return N_1 (1/m^3) from the band's states (1/m^3), the traps' depth (eV), the temperature (K)."""
        return float(state_density * np.exp(-trap_depth / thermal_energy(temperature)))

    def filling_voltage(self, length: float | Floats) -> Floats:
        """Return the voltage V_TFL (V) at which the traps of a length (m) are full."""
        eps = self.permittivity * VACUUM_PERMITTIVITY
        voltage: Floats = ELEMENTARY_CHARGE * self.trap_density * np.asarray(length) ** 2 / (2 * eps)
        return voltage

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
class Hopping:
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

    hop_distance: float
    barrier: float
    site_density: float
    attempt_frequency: float
    area: float | Floats
    temperature: float | Floats
    linear: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("hop_distance", self.hop_distance, "m")
        between("barrier", self.barrier, 0, 5, "eV")
        positive("site_density", self.site_density, "1/m^3")
        positive("attempt_frequency", self.attempt_frequency, "Hz")
        positive("area", self.area, "m^2")
        between("temperature", self.temperature, 1, 5000, "K")

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
class QuantumPointContact:
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

    channels: float | Floats
    transmission: float | Floats = 1.0
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("channels", self.channels, "1")
        positive("transmission", self.transmission, "1")
        between("transmission", self.transmission, 0, 1, "(pure number)")

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        conductance = CONDUCTANCE_QUANTUM * np.asarray(self.channels) * np.asarray(self.transmission)
        slope = np.broadcast_to(conductance, np.shape(voltage))
        return slope * voltage, slope


@dataclass(frozen=True, kw_only=True)
class QuantumGap:
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

    channels: float | Floats
    barrier: float
    mass: float
    share: float = 0.5
    linear: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("channels", self.channels, "1")
        between("barrier", self.barrier, 0.01, 10, "eV")
        between("mass", self.mass, 0.01, 10, "electron masses")
        between("share", self.share, 0, 1, "(pure number)")

    def current(self, voltage: Floats, bond: Bonds) -> tuple[Floats, Floats]:
        """Return the current (A) and its slope (S) through each bond at ``voltage`` (V)."""
        mass, energy = self.mass * ELECTRON_MASS, self.barrier * ELEMENTARY_CHARGE
        per_volt = np.pi / HBAR * np.sqrt(0.5 * mass / energy) * ELEMENTARY_CHARGE * length_of(bond)
        upper = per_volt * (self.share * voltage - self.barrier)
        lower = -per_volt * ((1 - self.share) * voltage + self.barrier)
        # Where the two are close, their logarithms would cancel.
        small = np.abs(per_volt * voltage) < 1
        near = np.log1p(expit(lower) * np.expm1(np.where(small, per_volt * voltage, 0.0)))
        far = np.logaddexp(0, upper) - np.logaddexp(0, lower)
        limit = CONDUCTANCE_QUANTUM * np.asarray(self.channels)
        slope = limit * (self.share * expit(upper) + (1 - self.share) * expit(lower))
        return limit / per_volt * np.where(small, near, far), slope


def chain_transmission(
    energy: ArrayLike, level: ArrayLike, hopping: ArrayLike, left: float, right: float
) -> Floats:
    """Return the coherent transmission of a chain of levels between two leads.

    Parameters
    ----------
    energy : array_like
        Energies of the electron (eV).
    level : array_like of shape (n,)
        Energies of the levels (eV).
    hopping : array_like of shape (n - 1,)
        Matrix elements between neighbours (eV).
    left, right : float
        Broadening Gamma that the leads give to the first and the last level (eV), positive.

    Returns
    -------
    ndarray
        Transmission at each energy, 0 to 1; times 2 e^2 / h the conductance.

    Notes
    -----
    ``T = Gamma_L Gamma_R |G_1n|^2``, G the Green's function of the chain with the leads' self-energies
    -i Gamma / 2 [1]_. One level: ``Gamma_L Gamma_R / ((E - E0)^2 + (Gamma_L + Gamma_R)^2 / 4)``.

    References
    ----------
    .. [1] C. Caroli, R. Combescot, P. Nozieres, D. Saint-James, "Direct calculation of the tunneling
       current", J. Phys. C 4, 916 (1971), doi:10.1088/0022-3719/4/8/018.
    """
    positive("left", left, "eV")
    positive("right", right, "eV")
    levels, hops = np.atleast_1d(level).astype(complex), np.atleast_1d(hopping).astype(complex)
    if levels.ndim != 1 or hops.shape != (len(levels) - 1,):
        raise ValueError(f"hopping must have one entry fewer than level, got {hops.shape} and {levels.shape}")
    levels[0] -= 0.5j * left
    levels[-1] -= 0.5j * right
    at = np.asarray(energy, dtype=np.float64)
    # Continued fraction of the tridiagonal matrix: each Green's function is one division.
    green = 1 / (at - levels[0])
    through = green
    for own, hop in zip(levels[1:], hops, strict=True):
        green = 1 / (at - own - hop**2 * green)
        through = through * hop * green
    value: Floats = left * right * np.abs(through) ** 2
    return value
