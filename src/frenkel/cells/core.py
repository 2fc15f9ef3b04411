"""Rate equation behind the exports of a card: a tunnelling gap whose parameters follow from four features.

    I = I0 exp(-g/g0) sinh(V/V0)
    dg/dt = -v_set sinh(k V) w((g - g_min)/e)      for V > 0
    dg/dt =  v_reset sinh(k |V|) w((g_max - g)/e)  for V < 0,      w(x) = x between -1 and 1

A gap outside its limits moves back to them. It is the Stanford-PKU gap model at constant temperature, with
limits of the gap of its own in each cycle and two velocities. The features of a cycle fix its parameters in
closed form, so that a cell that is ramped as in the ensemble shows the features that were drawn:

* HRS and LRS at the read voltage are the gaps g_max and g_min;
* V_SET, where the current on the SET ramp is the geometric mean of that in HRS and in LRS, is half the way:
  ``v_set = k b (g_max - g_min) / (2 (cosh(k V_SET) - 1))`` with the ramp b (V/s);
* V_RESET, the peak of the current on the RESET ramp, is
  ``v_reset = b (g0/V0) coth(|V|/V0) / sinh(k |V|)``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..typing import Floats
from . import gap_law
from .card import Card

NEEDED = {"hrs": "ohm", "lrs": "ohm", "set_voltage": "V", "reset_voltage": "V"}
"""Features, and their units, that the core is made from."""

RANGES = {
    "current_prefactor": (1e-30, 1e6, "A"),
    "voltage_scale": (0.01, 100.0, "V"),
    "gap_scale": (1e-12, 1e-6, "m"),
    "drive": (1e-3, 1e3, "1/V"),
    "set_ramp": (1e-6, 1e12, "V/s"),
    "reset_ramp": (1e-6, 1e12, "V/s"),
    "read_voltage": (1e-3, 10.0, "V"),
    "edge": (1e-15, 1e-6, "m"),
}
"""Bounds and unit of each number of a core."""

STEEPEST = 100.0
"""Largest read voltage in units of V0, of which the current has the hyperbolic sine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapCore:
    """What all cycles of all cells have in common.

    Parameters
    ----------
    current_prefactor, voltage_scale, gap_scale : float
        I0 (A), V0 (V), g0 (m): chosen as in the Stanford-PKU model; resistances at other voltages than that
        of reading follow from V0.
    drive : float
        k (1/V): slope of ln t_SET against V.
    set_ramp, reset_ramp : float
        Ramps of the ensemble (V/s), positive.
    read_voltage : float
        At which HRS and LRS stand (V).
    edge : float
        e (m), over which the motion ends at a gap limit.
    """

    current_prefactor: float = 1e-3
    voltage_scale: float = 0.25
    gap_scale: float = 0.25e-9
    drive: float = 13.0
    set_ramp: float = 1e5
    reset_ramp: float = 1e5
    read_voltage: float = 0.1
    edge: float = 0.02e-9

    def __post_init__(self) -> None:
        for name, (low, high, unit) in RANGES.items():
            checks.between(name, getattr(self, name), low, high, unit)
        steepness = self.read_voltage / self.voltage_scale
        checks.between("read_voltage in units of voltage_scale", steepness, 0.0, STEEPEST)

    @classmethod
    def of(cls, card: Card) -> "GapCore":
        """Return the core in a card.

        Raises
        ------
        ValueError
            The card has no core, or lacks one of the four features, or has one of the wrong sign.
        """
        units = {feature.name: feature.unit for feature in card.features}
        for name, unit in NEEDED.items():
            if units.get(name) != unit:
                raise ValueError(
                    f"an export needs the feature {name} in {unit}, card {card.name} has {units}"
                )
        for feature in card.features:
            side = -1 if feature.name == "reset_voltage" else 1
            if feature.name in NEEDED and feature.sign != side:
                where = "below" if side < 0 else "above"
                raise ValueError(f"an export needs {feature.name} {where} 0 {feature.unit}")
        if not card.core:
            raise ValueError(
                f"card {card.name} has no core: its data do not tell ramps, drive and scale of the current "
                "(frenkel show says which; frenkel fit takes them as options)"
                + ("; its jump-process model has jumps-verilog-a, jumps-ngspice" if card.jump_law else "")
            )
        return cls(**card.core)

    def to_dict(self) -> dict[str, float]:
        """Return the parameters for a card."""
        return asdict(self)

    def row(self) -> Floats:
        """Return the numbers as :mod:`frenkel.cells.gap_law` takes them."""
        return np.array(self._numbers())

    def _numbers(self) -> tuple[float, ...]:
        return (
            self.current_prefactor, self.voltage_scale, self.gap_scale, self.drive, self.set_ramp,
            self.reset_ramp, self.read_voltage, self.edge,
        )  # fmt: skip

    def gap(self, resistance: Any, voltage: float | None = None) -> Floats:
        """Return the gap (m) that has a resistance (ohm) at a voltage (V), that of reading by default."""
        read_voltage = self.read_voltage if voltage is None else voltage
        return np.asarray(gap_law.gap_of(self._numbers(), resistance, read_voltage))

    def conductance(self, gap: Any, voltage: float | None = None) -> Floats:
        """Return the conductance (S) of a gap (m) at a voltage (V), that of reading by default."""
        read_voltage = self.read_voltage if voltage is None else voltage
        return np.asarray(gap_law.conductance_of(self._numbers(), gap, read_voltage))

    def amplitude(self, gap: Floats) -> Floats:
        """Return ``A = I0 exp(-g/g0)`` (A) of gaps (m), by which sinh(V/V0) is multiplied."""
        return np.asarray(gap_law.amplitude_of(self._numbers(), gap))

    def shows(self, features: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Return which cycles have a window and voltages of the right signs, so that they make a cell."""
        gap_range = self.gap(features["hrs"]) - self.gap(features["lrs"])
        signs = (np.asarray(features["set_voltage"]) > 0) & (np.asarray(features["reset_voltage"]) < 0)
        return np.asarray((gap_range > 4 * self.edge) & signs)

    def cells(self, features: Mapping[str, Any]) -> dict[str, Floats]:
        """Return ``gap_min``, ``gap_max`` (m), ``set_velocity``, ``reset_velocity`` (m/s) of cycles.

        Raises
        ------
        ValueError
            A cycle has an HRS that is not well above its LRS, or a voltage of the wrong sign.
        """
        high, low = self.gap(features["hrs"]), self.gap(features["lrs"])
        set_voltage, reset_voltage = (
            np.asarray(features["set_voltage"], float),
            -np.asarray(features["reset_voltage"], float),
        )
        closed = np.mean(~(high - low > 4 * self.edge))
        if closed:
            raise ValueError(f"hrs must be well above lrs for a core: {closed:.2g} of the cycles are not")
        if not (np.all(set_voltage > 0) and np.all(reset_voltage > 0)):
            raise ValueError("set_voltage must be above 0 V and reset_voltage below 0 V in every cycle")
        closing, opening = gap_law.speeds(self._numbers(), high - low, set_voltage, reset_voltage)
        return {"gap_min": low, "gap_max": high, "set_velocity": closing, "reset_velocity": opening}


def middle(card: Card) -> dict[str, float]:
    """Return the features of the average device, whose scores are 0, in their units."""
    mean = card.weights @ card.means
    k, zero = len(card.features), np.zeros(1)
    features = {}
    for i, feature in enumerate(card.features):
        inner = float(mean[i] + np.exp(mean[k + i]) * card.quantile(i, zero)[0])
        features[feature.name] = float(feature.backward(np.array(inner)))
    return features


def average(card: Card) -> dict[str, float]:
    """Return the average device as circuit models take it: ln of ohm, and magnitudes of volts."""
    keys = {"hrs": "lnhrs", "lrs": "lnlrs", "set_voltage": "vset", "reset_voltage": "vreset"}
    sizes = {name: abs(value) for name, value in middle(card).items() if name in keys}
    return {
        keys[name]: float(np.log(size)) if NEEDED[name] == "ohm" else size for name, size in sizes.items()
    }
