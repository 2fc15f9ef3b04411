"""JART VCM v1b: a disc of oxygen vacancies, its Schottky contact, a plug and resistances in series.

Written from the published equations. One state, the vacancy concentration of the disc, moves by a hopping
current over a barrier tilted by the field, at the temperature of the filament. Negative voltage sets.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import truncnorm

from ..units import BOLTZMANN, ELECTRON_MASS, ELEMENTARY_CHARGE, PLANCK, VACUUM_PERMITTIVITY

SPREADS = {"n_min": 0.002e26, "n_max": 1e26, "l_disc": 0.04e-9, "radius": 5e-9}
"""Standard deviations [m^-3, m^-3, m, m] of the four parameters that vary in JART VCM v1b var."""

TRUNCATION = 3.0
"""Where the Gaussians of the varying parameters end, in standard deviations: chosen here."""


@dataclass(frozen=True, slots=True)
class OperatingState:
    """What the circuit of the model has settled at: currents [A], voltages [V], temperature [K]."""

    current: float
    schottky: float
    disc: float
    plug: float
    temperature: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JartVcm:
    """JART VCM v1b.

    ``dN/dt = -I_ion / (A l_disc z e)`` with ``I_ion = z e c a nu0 A [exp(-W_f/kT) - exp(-W_r/kT)] F``,
    ``c = (N_plug + N)/2`` and ``W_f,r = W [sqrt(1-g^2) -/+ g pi/2 + g asin g]``, ``g = z E a / (pi W)``.
    The field is V_disc/l_disc for SET and (V_schottky + V_plug + V_disc)/l_cell for RESET; F =
    1 - (N/N_max)^10 or 1 - (N_min/N)^10. The contact emits thermionically for V > 0 and by thermionic-field
    emission for V < 0, with its barrier lowered by the image force. T = T0 + I (V_disc + V_plug +
    V_schottky) R_th; contact and heat are solved together, by iteration from the ambient temperature up,
    which finds the coldest solution if there are several.

    Parameters
    ----------
    n_min, n_max, n_plug : float
        Concentrations of the disc (least, largest) and of the plug [m^-3].
    l_cell, l_disc, radius, reference_radius : float
        Lengths of cell and disc, radius of the filament, radius at which R_th is given [m].
    hop_distance, attempt_frequency, activation_energy : float
        a [m], nu0 [1/s], W [eV].
    thermal_resistance, reset_thermal_factor : float
        R_th [K/W], and its factor in RESET.
    schottky_barrier, fermi_level, mobility : float
        phi_Bn0 and phi_n [eV], mu_n [m^2/(V s)].
    permittivity, image_permittivity : float
        Static, and that of the image force; relative.
    richardson : float
        [A/(m^2 K^2)].
    series_resistance, line_resistance, line_thermal_resistance, line_coefficient : float
        R_TiOx and R0 [ohm], [K/W], [1/K].
    valence : int
        Charge number of a vacancy.
    temperature : float
        T0 [K].

    References
    ----------
    Bengel et al., doi:10.1109/TCSI.2020.3018502. Default values: those of public files with the model, the
    Richardson constant among them.
    """

    n_min: float = 0.008e26
    n_max: float = 20e26
    n_plug: float = 20e26
    l_cell: float = 3e-9
    l_disc: float = 0.4e-9
    radius: float = 45e-9
    reference_radius: float = 45e-9
    hop_distance: float = 0.25e-9
    attempt_frequency: float = 2e13
    activation_energy: float = 1.35
    thermal_resistance: float = 15.72e6
    reset_thermal_factor: float = 0.27
    schottky_barrier: float = 0.18
    fermi_level: float = 0.1
    mobility: float = 4e-6
    permittivity: float = 17.0
    image_permittivity: float = 5.5
    richardson: float = 6.01e5
    series_resistance: float = 650.0
    line_resistance: float = 719.2437
    line_thermal_resistance: float = 90471.47
    line_coefficient: float = 3.92e-3
    valence: int = 2
    temperature: float = 293.0

    def __post_init__(self) -> None:
        for name in ("n_min", "n_plug", "l_disc", "radius", "hop_distance", "attempt_frequency", "mobility"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name):g}")
        if not self.n_min < self.n_max:
            raise ValueError(f"n_max must be above n_min = {self.n_min:g} m^-3, got {self.n_max:g}")
        if not self.l_disc < self.l_cell:
            raise ValueError(f"l_cell must be above l_disc = {self.l_disc:g} m, got {self.l_cell:g}")

    @property
    def limits(self) -> tuple[float, float]:
        """Least and largest concentration of the disc [m^-3]."""
        return self.n_min, self.n_max

    @property
    def area(self) -> float:
        """Cross-section of the filament [m^2]."""
        return math.pi * self.radius**2

    def current(self, state: float, voltage: float) -> float:
        """Return the current [A] at a concentration of the disc [m^-3] and a voltage [V]."""
        return self.solve(state, voltage).current

    def derivative(self, state: float, voltage: float) -> float:
        """Return dN/dt [m^-3/s]."""
        if voltage == 0:
            return 0.0
        at = self.solve(state, voltage)
        if voltage < 0:
            limit = 1.0 - (state / self.n_max) ** 10
            field = at.disc / self.l_disc
        else:
            limit = 1.0 - (self.n_min / state) ** 10
            field = (at.schottky + at.plug + at.disc) / self.l_cell
        return -self._hopping(field, at.temperature, state) * limit / self.l_disc

    def solve(self, state: float, voltage: float) -> OperatingState:
        """Return currents, voltages and the temperature at a concentration [m^-3] and a voltage [V].

        Raises
        ------
        RuntimeError
            The temperature does not settle: thermal runaway.
        """
        thermal = self.thermal_resistance * (self.reference_radius / self.radius) ** 2
        if voltage > 0:
            thermal *= self.reset_thermal_factor
        kelvin = self.temperature
        for _ in range(500):
            found = self._circuit(state, voltage, kelvin)
            new = self.temperature + found.current * (found.schottky + found.disc + found.plug) * thermal
            if abs(new - kelvin) <= 1e-7 * kelvin:
                return found
            kelvin = new
        raise RuntimeError(f"the temperature does not settle at {voltage:g} V: {kelvin:g} K after 500 steps")

    def _circuit(self, state: float, voltage: float, kelvin: float) -> OperatingState:
        resistivity = 1.0 / (self.valence * ELEMENTARY_CHARGE * self.mobility * self.area)
        disc = self.l_disc * resistivity / state
        plug = (self.l_cell - self.l_disc) * resistivity / self.n_plug

        def rest(schottky: float) -> float:
            amps = self._contact(state, schottky, kelvin)
            return voltage - schottky - amps * (disc + plug + self._lines(amps))

        if voltage == 0:
            return OperatingState(0.0, 0.0, 0.0, 0.0, kelvin)
        schottky = float(brentq(rest, min(voltage, 0.0), max(voltage, 0.0), xtol=1e-14, rtol=1e-13))
        amps = self._contact(state, schottky, kelvin)
        return OperatingState(amps, schottky, amps * disc, amps * plug, kelvin)

    def _lines(self, amps: float) -> float:
        heated = self.line_resistance * self.line_coefficient * amps**2 * self.line_thermal_resistance
        return self.series_resistance + self.line_resistance * (1.0 + heated)

    def _contact(self, state: float, voltage: float, kelvin: float) -> float:
        """Return the current of the Schottky contact [A]."""
        thermal = BOLTZMANN * kelvin
        barrier = self._barrier(state, voltage) * ELEMENTARY_CHARGE
        drop = ELEMENTARY_CHARGE * abs(voltage)
        if voltage >= 0:
            # Beyond e^500 the circuit around the contact takes over; the root is bracketed all the same.
            emitted = math.expm1(min(drop / thermal, 500.0))
            return self.area * self.richardson * kelvin**2 * math.exp(-barrier / thermal) * emitted
        tunnel = ELEMENTARY_CHARGE * PLANCK / (4.0 * math.pi)
        tunnel *= math.sqrt(self.valence * state / (ELECTRON_MASS * self.permittivity * VACUUM_PERMITTIVITY))
        u = tunnel / thermal
        slope = tunnel / (u - math.tanh(u))
        root = math.sqrt(math.pi * tunnel * (drop + barrier / math.cosh(u) ** 2))
        emitted = math.exp(-barrier * math.tanh(u) / tunnel) * math.expm1(drop / slope)
        return -self.area * self.richardson * kelvin / BOLTZMANN * root * emitted

    def _barrier(self, state: float, voltage: float) -> float:
        """Return the barrier of the contact [eV], lowered by the image force and never negative."""
        bending = self.schottky_barrier - self.fermi_level - voltage
        if bending <= 0:
            return self.schottky_barrier
        lowering = (
            ELEMENTARY_CHARGE**3
            * self.valence
            * state
            * bending
            / (8.0 * math.pi**2 * (self.image_permittivity * VACUUM_PERMITTIVITY) ** 3)
        )
        # The published model takes a barrier that the image force has removed as zero.
        return max(self.schottky_barrier - math.pow(lowering, 0.25), 0.0)

    def _hopping(self, field: float, kelvin: float, state: float) -> float:
        """Return the flux of vacancies [1/(m^2 s)] in a field [V/m]."""
        thermal = BOLTZMANN * kelvin / ELEMENTARY_CHARGE
        g = self.valence * field * self.hop_distance / (math.pi * self.activation_energy)
        if abs(g) < 1.0:
            even, odd = math.sqrt(1.0 - g * g) + g * math.asin(g), g * math.pi / 2.0
        else:
            even, odd = abs(g) * math.pi / 2.0, g * math.pi / 2.0
        forward, reverse = (self.activation_energy * (even + sign * odd) for sign in (-1.0, 1.0))
        jumps = math.exp(-forward / thermal) - math.exp(-reverse / thermal)
        density = 0.5 * (self.n_plug + state)
        return density * self.hop_distance * self.attempt_frequency * jumps


def draw_device(model: JartVcm, seed: int | np.random.Generator) -> JartVcm:
    """Return the model of one device: N_min, N_max, l_disc and r from truncated Gaussians.

    They are independent of each other, as published; their spreads are :data:`SPREADS`.
    """
    random = np.random.default_rng(seed)
    drawn: dict[str, Any] = {
        name: float(
            truncnorm.rvs(
                -TRUNCATION, TRUNCATION, loc=getattr(model, name), scale=spread, random_state=random
            )
        )
        for name, spread in SPREADS.items()
    }
    return replace(model, **drawn)
