"""Voltages, rates, sizes and repeats of the verification of the default preset: change them here."""

from dataclasses import asdict, dataclass

from frenkel.kinetic.materials.material import Material
from frenkel.units import V, kohm, nm


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The setting of the default device: size, circuit, forming, RESET and SET, in SI units.

    Ramps go on while the source is limited, and forming is repeated until the device reads low. Voltages
    are those of the source; RESET and SET get the drop over the series resistance on top where the
    compliance is higher than the one here.
    """

    material: str = "HfO2-fast"
    values: tuple[tuple[str, float], ...] = ()
    """Numbers of the material to replace ("section.key", value in SI units), for tuning."""
    thickness: float = 2.6 * nm
    width: float = 2.6 * nm
    series_resistance: float = 7.5 * kohm
    compliance: float = 30e-6
    """Of SET (A)."""
    forming_compliance: float = 30e-6
    forming_rate: float = 100.0
    """Ramp rate of forming (V/s)."""
    forming_limit: float = 4.5 * V
    cycle_rate: float = 1e5
    """Ramp rate of RESET and SET (V/s)."""
    fall_rate: float = 1e7
    """Rate of the way back to 0 V after forming (V/s)."""
    set_fall_rate: float = 1e5
    """The same after SET (V/s)."""
    reset_fall_rate: float = 1e5
    """The same after RESET (V/s)."""
    reset_voltage: float = 1.4 * V
    set_limit: float = 3.5 * V
    verify_product: float = 0.8 * V
    """Forming and SET must end below this over the compliance of SET (ohm)."""
    forming_attempts: int = 3
    set_attempts: int = 1
    """Of one SET: repeated until it reads low, it would hide SETs that fail."""
    budget: int = 60_000
    """Most events in one waveform."""
    patience: float = 120.0
    """Most CPU time of one task (s), so that nothing hangs; what is missing is said in the table."""
    ramps: tuple[float, ...] = (0.1, 1.0, 1e1, 1e2, 1e3)
    """Ramp rates of V-02 (V/s)."""
    gate_ramps: tuple[float, ...] = (1.0, 1e1, 1e2)
    """Ramp rates of the comparison with constant stress (V/s)."""
    stress_voltages: tuple[float, ...] = (1.4, 1.6, 1.8, 2.0)
    """Constant voltages of that comparison (V): about where those ramps form."""
    film: float = 5.2 * nm
    """Thickness of V-01: published films have 5 nm and more (m)."""
    thicknesses: tuple[float, ...] = (1.56 * nm, 2.08 * nm, 2.6 * nm, 3.12 * nm, 3.64 * nm)
    pulse_voltages: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9)
    """Constant voltages of V-07 (V)."""
    compliances: tuple[float, ...] = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3)
    reset_factors: tuple[float, ...] = (0.6, 0.8, 1.0, 1.2, 1.4)
    """RESET voltages of V-08, times ``reset_voltage``."""
    delay_voltage: float = 0.7 * V
    """Constant voltage of V-08."""
    train_fraction: float = 0.75
    """Pulse amplitude of V-12 over the device's SET voltage, 0.6 to 0.9."""
    cycles: int = 20

    def key(self):
        """Return what decides a result of given arguments: all but the limits and the lists below them."""
        fields = list(asdict(self))
        return {name: getattr(self, name) for name in fields[: fields.index("budget")]}

    def of_material(self):
        """Return the material under test."""
        material = Material.load(self.material)
        return material.with_values(dict(self.values)) if self.values else material

    def verified(self, compliance: float) -> float:
        """Return the resistance (ohm) below which a device counts as on after a SET at a compliance (A)."""
        return self.verify_product / compliance
