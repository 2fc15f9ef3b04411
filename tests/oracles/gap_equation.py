"""Rate equation of a tunnelling gap, written out as it is in the header of `frenkel.cells.core`."""

import math
from dataclasses import dataclass

from frenkel.cells.core import GapCore


@dataclass(frozen=True, slots=True, kw_only=True)
class GapEquation:
    """One cell in one cycle; a rate equation of one state."""

    core: GapCore
    gap_min: float
    gap_max: float
    set_velocity: float
    reset_velocity: float

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest gap (m)."""
        return self.gap_min, self.gap_max

    def current(self, state: float, voltage: float) -> float:
        """Return the current (A)."""
        core = self.core
        return (
            core.current_prefactor
            * math.exp(-state / core.gap_scale)
            * math.sinh(voltage / core.voltage_scale)
        )

    def derivative(self, state: float, voltage: float) -> float:
        """Return the rate of the gap (m/s)."""
        core = self.core
        if voltage > 0:
            room = (state - self.gap_min) / core.edge
            return -self.set_velocity * math.sinh(core.drive * voltage) * min(max(room, -1.0), 1.0)
        room = (self.gap_max - state) / core.edge
        return -self.reset_velocity * math.sinh(core.drive * voltage) * min(max(room, -1.0), 1.0)
