"""Complementary cells: two bipolar cells back to back, one of them always high (CRS)."""

from __future__ import annotations

import numpy as np

from .. import checks
from ..cells.interface import Cells, Where
from ..errors import ConvergenceError
from ..typing import Floats

ROUNDING = 8.0 * float(np.finfo(np.float64).eps)
MOST_STEPS = 200
"""Of the search for the voltage between both cells; bisection in the worst case needs 60."""

FIRST_PART = 1e-6
"""Of a pulse: its first part, over which the voltage between the cells is held."""

SHIFT = 5e-3
"""By which the voltage between the cells is to move in a part (V): parts grow and shrink to keep to it."""

MOST_PARTS = 100_000


class ComplementaryCells(Cells):
    """Two arrays of cells in series, the second turned round: a crossbar's answer to sneak paths.

    Parameters
    ----------
    upper : Cells
        Between the word line and the inner node: a positive voltage over the crossing sets it.
    lower : Cells
        Between the inner node and the bit line, turned round: a positive voltage over the crossing resets it.

    Notes
    -----
    "0" is upper high and lower low, "1" the other way round; both have a high resistance at low voltage. A
    voltage that sets the upper cell makes both low ("on"), about twice the RESET voltage resets the lower
    one [1]_. The inner node has no capacitance.

    References
    ----------
    .. [1] E. Linn, R. Rosezin, C. Kuegeler, R. Waser, Nat. Mater. 9, 403 (2010), 10.1038/nmat2748.
    """

    def __init__(self, upper: Cells, lower: Cells) -> None:
        if upper.shape != lower.shape:
            raise ValueError(f"upper and lower must have one shape, got {upper.shape} and {lower.shape}")
        if upper is lower:
            raise ValueError("upper and lower must be different cells")
        self.upper, self.lower, self.shape = upper, lower, upper.shape

    @property
    def scale(self) -> Floats | float:
        """Sum of both (V)."""
        return np.asarray(np.add(self.upper.scale, self.lower.scale), dtype=np.float64)

    @property
    def temperature(self) -> float:
        """Of the surroundings (K)."""
        return self.upper.temperature

    def inner(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats, Floats]:
        """Return the upper cell's voltage (V) at a voltage over both, the current (A) and its slope (S)."""
        total_voltage = np.asarray(voltage, dtype=np.float64)
        # Both currents rise with the voltage over their cell, and so does what is missed at the inner node:
        # it has one zero, between 0 and the whole voltage.
        low, high, upper = np.minimum(total_voltage, 0.0), np.maximum(total_voltage, 0.0), 0.5 * total_voltage
        for _ in range(MOST_STEPS):
            above, slope_above = self.upper.current(upper, where)
            below, slope_below = self.lower.current(upper - total_voltage, where)
            # Both currents downwards; the lower cell's own sign is turned.
            miss, slope = above + below, slope_above + slope_below
            low, high = np.where(miss < 0.0, upper, low), np.where(miss > 0.0, upper, high)
            # Newton's step where it stays between both bounds, half of what is left elsewhere.
            new = upper - miss / np.where(slope > 0.0, slope, 1.0)
            new = np.where((new >= low) & (new <= high) & (slope > 0.0), new, 0.5 * (low + high))
            has_converged = np.abs(miss) <= ROUNDING * (np.abs(above) + slope * np.abs(total_voltage))
            if np.all(has_converged | (np.abs(new - upper) <= ROUNDING * np.abs(total_voltage))):
                joint = slope_above * slope_below / np.where(slope > 0.0, slope, 1.0)
                return upper, above, joint
            upper = new
        raise ConvergenceError(
            f"complementary cell: voltage between both cells not found at {np.max(np.abs(total_voltage)):g} V"
        )

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S)."""
        return self.inner(voltage, where)[1:]

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Hold a voltage (V) for a duration (s), in parts over which both cells keep their fraction of it."""
        checks.at_least("duration", duration, 0, "s")
        if duration == 0.0:
            return
        # Cells move at a constant voltage in closed form, but their fractions of the voltage change as they
        # move: parts are so short that a share may be held at what it will be half-way (second order).
        time_left, part = duration, FIRST_PART * duration
        upper = self.inner(voltage, where)[0]
        drift = np.zeros_like(upper)
        for _ in range(MOST_PARTS):
            part = min(part, time_left)
            # As it will be half-way, if it goes on as in the part before.
            halfway = upper + 0.5 * part * drift
            self.upper.apply(halfway, part, where)
            self.lower.apply(halfway - voltage, part, where)
            time_left -= part
            if time_left <= 1e-12 * duration:
                return
            # The next part is as long as would move the inner node by SHIFT, at most twice as long.
            before, upper = upper, self.inner(voltage, where)[0]
            drift = (upper - before) / part
            shift = float(np.max(np.abs(upper - before), initial=0.0))
            part *= min(2.0, SHIFT / shift) if shift > 0.0 else 2.0
        raise ConvergenceError(f"complementary cell: pulse of {duration:g} s not done in {MOST_PARTS} parts")

    def rest(self, duration: float) -> None:
        """Let time pass (s)."""
        self.upper.rest(duration)
        self.lower.rest(duration)
