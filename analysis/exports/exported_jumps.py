"""The jump-process model in an export to numpy: cells under constant-voltage stress.

This file is copied into such an export as it stands; it imports numpy only. ``law`` is a mapping of arrays,
those of :func:`frenkel.analysis.exports.cards.jump_arrays`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Index = np.ndarray[Any, np.dtype[np.int64]]


class Jumping:
    """Cells that jump, each for itself; the numbers are those of ``card.jump_cells`` of the same seed.

    Parameters
    ----------
    law : mapping
    number : int
        Of cells.
    seed : int
    state : {0, 1}
        What they start in: states that a RESET (0) or a SET (1) has left.
    temperature : float, optional
        (K); default: the first at which the rates were read.
    """

    def __init__(
        self, law: Mapping[str, Any], number: int, seed: int, state: int = 0, temperature: float | None = None
    ) -> None:
        self.law, self.random = law, np.random.default_rng(seed)
        self.states: Index = self.random.choice(np.flatnonzero(law["kind"] == state), size=number)
        heats, logs = law["temperatures"], law["log_rates"]
        self.logs: Floats = logs[0]
        if temperature is not None and len(heats) > 1:
            low = int(np.clip(np.searchsorted(heats, temperature) - 1, 0, len(heats) - 2))
            share = (1.0 / temperature - 1.0 / heats[low]) / (1.0 / heats[low + 1] - 1.0 / heats[low])
            self.logs = (1.0 - share) * logs[low] + share * logs[low + 1]
        elif temperature is not None and temperature != heats[0]:
            raise ValueError(f"the rates were read at {heats[0]:g} K alone")
        zero, last = int(np.argmin(np.abs(law["grid"]))), len(law["grid"]) - 1
        self.rests: Floats = self.logs[:, zero]
        read_logs = self.logs[:, [zero // 2, zero, (zero + last) // 2]]
        self.marks: Floats = np.column_stack([law["level"], read_logs]) / law["marks"]
        self.points = self._scaled(law["before"], law["jump_voltage"])

    @property
    def conductance(self) -> Floats:
        """Conductance (S) of each cell at the read voltage."""
        return np.asarray(np.exp(self.law["level"][self.states]))

    def hold(self, volts: Any, time: Any) -> None:
        """Hold voltages (V) at the cells for times (s), each one number or one for each cell."""
        volts, time = (np.broadcast_to(np.asarray(x, float), self.states.shape) for x in (volts, time))
        integrated = np.zeros(len(self.states))
        moving = np.flatnonzero(time > 0.0)
        while moving.size:
            rate = np.exp(self._rates(self.states[moving], volts[moving]))
            with np.errstate(over="ignore", divide="ignore"):
                remaining = (1.0 - integrated[moving]) * time[moving]
                share = self.random.standard_exponential(moving.size) / (rate * remaining)
            integrated[moving] += np.minimum(share, 1.0) * (1.0 - integrated[moving])
            moving = moving[share < 1.0]
            if moving.size:
                self.states[moving] = self._next(self.states[moving], volts[moving])

    def _next(self, states: Index, volts: Floats) -> Index:
        law = self.law
        scaled_states = self._scaled(states, volts)
        number = min(int(law["neighbours"]), len(self.points))
        squares = np.sum(scaled_states**2, axis=1)[:, None] + np.sum(self.points**2, axis=1)
        square = squares - 2.0 * scaled_states @ self.points.T
        near = np.argpartition(square, number - 1, axis=1)[:, :number]
        distance = np.take_along_axis(square, near, axis=1)
        weight = np.exp(-0.5 * (distance - distance.min(axis=1, keepdims=True)))
        total = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
        mark = self.random.random(len(states))[:, None]
        chosen = np.minimum((total < mark).sum(axis=1), number - 1)
        jump = np.take_along_axis(near, chosen[:, None], axis=1)[:, 0]
        before, after = law["before"][jump], law["after"][jump]
        at_rest = np.exp(-0.5 * (volts / law["scales"][2]) ** 2)
        share = law["carry"] + (law["rest_carry"] - law["carry"]) * at_rest
        with_share, nearest = np.flatnonzero(share > 1e-9), after.copy()
        target = share[with_share, None] * (self.marks[states[with_share]] - self.marks[before[with_share]])
        target += self.marks[after[with_share]]
        distance = np.sum(self.marks**2, axis=1) - 2.0 * target @ self.marks.T
        nearest[with_share] = np.argmin(distance, axis=1)
        return np.asarray(nearest)

    def _rates(self, states: Index, volts: Floats) -> Floats:
        grid = self.law["grid"]
        where = (volts - grid[0]) / (grid[1] - grid[0])
        low = np.clip(where.astype(int), 0, len(grid) - 2)
        share = where - low
        return np.asarray(self.logs[states, low] * (1.0 - share) + self.logs[states, low + 1] * share)

    def _scaled(self, states: Index, volts: Floats) -> Floats:
        level, rate = self.law["level"][states], self._rates(states, volts)
        return np.asarray(np.stack([level, rate, volts, self.rests[states]], axis=1) / self.law["scales"])
