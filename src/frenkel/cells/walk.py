"""Cells of a law of jumps under source voltages: holds, pulses, rests and ramps are one motion.

In a state the hazard of leaving it is the integral of its rate over time; where it has used up a unit
exponential the cell jumps. Along a ramp ln(rate) is taken as straight in time within :data:`STRIDE` of the
source voltage, and the moment of the jump follows in closed form.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .. import checks
from ..typing import Floats, Index
from . import files
from .jumps import STATES, JumpError, JumpLaw, Kernel, interpolated, place, reached

STRIDE = 0.02
"""Change (V) of the source voltage within which ln(rate) is taken as straight in time."""

MOST = 10_000
"""Jumps of one cell within a hold or a ramp after which it is left where it is, with a warning."""

RISE = 1.5
"""Least growth of the current at one jump at which a SET is said to switch, as for devices."""

REACHED = 0.95
"""Of the current limit: a SET has switched."""


@dataclass(slots=True)
class Ramped:
    """What a ramp did to cells.

    Attributes
    ----------
    rise_voltage : ndarray
        Source voltage (V) of the jump that raised the current most before the limit acted, if it did by half
        at least; else the one at which the limit began to act; NaN where it never did. So of devices.
    peak_voltage : ndarray
        Source voltage (V) at which the magnitude of the current was largest on the way out.
    """

    rise_voltage: Floats
    peak_voltage: Floats


class JumpCells:
    """Cells that jump, each for itself.

    Parameters
    ----------
    law : JumpLaw
    number : int
        Of the cells, at least 1.
    seed : int
        0 or more.
    state : {"hrs", "lrs"}
        What the cells start in: the states that a RESET or a SET has left, drawn alike.
    temperature : float, optional
        (K); default: the first at which the rates were read.

    Attributes
    ----------
    states : ndarray of int
        Of each cell its state in the law.
    most : int
        Jumps of one cell within a hold or a ramp after which it is left where it is; :data:`MOST`.
    """

    def __init__(
        self, law: JumpLaw, number: int, seed: int, state: str = "hrs", temperature: float | None = None
    ) -> None:
        checks.whole("number", number, 1)
        checks.whole("seed", seed, 0)
        checks.one_of("state", state, STATES)
        ends = np.flatnonzero(law.kind == STATES.index(state))
        if not ends.size:
            raise JumpError(f"the law holds no end state {state} for cells to start in")
        self.law, self.number, self.random = law, number, np.random.default_rng(seed)
        self.beyond, self.left, self.most = 0.0, 0, MOST
        self.states: Index = self.random.choice(ends, size=number)
        self.heat(float(law.temperatures[0]) if temperature is None else temperature)

    @property
    def conductance(self) -> Floats:
        """Conductance (S) of each cell at the read voltage of the law."""
        return np.exp(self.law.level[self.states])

    def heat(self, temperature: float) -> None:
        """Set the temperature (K) of all cells from now on.

        Warns
        -----
        CardWarning
            It is beyond those at which rates were read.
        """
        self.log_rates = self.law.log_rates(temperature)
        heats = self.law.temperatures
        if len(heats) > 1 and not heats[0] - 1e-3 <= temperature <= heats[-1] + 1e-3:
            files.warn(
                f"rates were read from {heats[0]:g} to {heats[-1]:g} K: at {temperature:g} K their straight "
                "line in 1/T goes on"
            )
        self.temperature = temperature
        self.kernel = Kernel(self.law, self.log_rates) if len(self.law.before) else None

    def voltage(self, source: Any, series: Any = 0.0, limit: Any = np.inf) -> Floats:
        """Return the voltage (V) across each cell behind a resistance (ohm) and under a limit (A)."""
        return self._voltage(self.states, *self._spread(source, series, limit))

    def current(self, source: Any, series: Any = 0.0, limit: Any = np.inf) -> Floats:
        """Return the current (A) through each cell."""
        return self.current_at(self.states, self.voltage(source, series, limit))

    def hold(self, source: Any, time: Any, *, series: Any = 0.0, limit: Any = np.inf) -> Index:
        """Hold a source voltage (V) for a time (s); return how often each cell jumped.

        Parameters
        ----------
        source, time : float or ndarray
            One for all cells or one for each; the time is 0 or more.
        series : float or ndarray
            Resistance in series (ohm), 0 or more.
        limit : float or ndarray
            Largest magnitude of the current (A), above 0; NaN or infinity: none.

        Warns
        -----
        CardWarning
            A cell was beyond the voltages that were read, or jumped :attr:`most` times and stayed there.
        """
        source, series, limit = self._spread(source, series, limit)
        time = np.broadcast_to(np.asarray(time, float), (self.number,))
        checks.at_least("time", time, 0.0, "s")
        count = np.zeros(self.number, np.intp)
        self._piece(source, source, time, series, limit, count)
        self._warn()
        return count

    def ramp(self, amplitude: float, rate: Any, *, series: Any = 0.0, limit: Any = np.inf) -> Ramped:
        """Ramp the source from 0 V to an amplitude (V) and back; return what happened.

        The rate (V/s), as all of the circuit, may be one for all cells or one for each.
        """
        checks.finite("amplitude", amplitude, "V")
        checks.positive("rate", rate, "V/s")
        zero, series, limit = self._spread(0.0, series, limit)
        watch, count = _Watch(self, limit), np.zeros(self.number, np.intp)
        marks = np.linspace(0.0, amplitude, max(round(abs(amplitude) / STRIDE), 1) + 1)
        marks = np.concatenate([marks, marks[-2::-1]])
        for low, high in pairwise(marks):
            watch.out = abs(high) > abs(low)
            time = zero + abs(high - low) / rate
            self._piece(zero + low, zero + high, time, series, limit, count, watch)
        self._warn()
        return Ramped(watch.switched(), watch.peak_voltage)

    def _piece(
        self,
        low: Floats,
        high: Floats,
        time: Floats,
        series: Floats,
        limit: Floats,
        count: Index,
        watch: "_Watch | None" = None,
    ) -> None:
        """Let time pass while the source goes straight from one voltage (V) to another; count the jumps."""
        begin = np.zeros(self.number)
        moving = np.flatnonzero((time > 0.0) & (count < self.most))
        ramped = bool(np.any(low != high))
        while moving.size:
            states, circuit = self.states[moving], (series[moving], limit[moving])
            source = low[moving] + begin[moving] * (high - low)[moving]
            now = self._voltage(states, source, *circuit)
            end = self._voltage(states, high[moving], *circuit) if ramped else now
            share = first_share(
                self._log_rate(states, now),
                self._log_rate(states, end),
                (1.0 - begin[moving]) * time[moving],
                self.random.standard_exponential(moving.size),
            )
            begin[moving] += share * (1.0 - begin[moving])
            jumped = share < 1.0
            at = moving[jumped]
            if watch is not None:
                watch.look(moving, high[moving], end, ~jumped)
            if at.size:
                source = low[at] + begin[at] * (high - low)[at]
                volts = self._voltage(self.states[at], source, series[at], limit[at])
                before = self.current_at(self.states[at], volts)
                self.states[at] = self._next(self.states[at], volts)
                count[at] += 1
                if watch is not None:
                    after = self._voltage(self.states[at], source, series[at], limit[at])
                    watch.jump(at, source, before, self.current_at(self.states[at], after))
            moving = at[count[at] < self.most]
            self.left += at.size - moving.size

    def _next(self, states: Index, volts: Floats) -> Index:
        if self.kernel is None:
            raise JumpError("a law without jumps cannot tell which state comes next")
        return self.kernel.draw(states, volts, self.random)

    def _log_rate(self, states: Index, volts: Floats) -> Floats:
        return interpolated(self.log_rates, place(self.law.grid, volts), states)

    def current_at(self, states: Index, volts: Floats) -> Floats:
        """Return the current (A) of states at device voltages (V)."""
        return interpolated(self.law.steps, place(self.law.grid, volts), states)

    def _voltage(self, states: Index, source: Floats, series: Floats, limit: Floats) -> Floats:
        """Return the voltage (V) across cells: source = v + R I(v), and less where the limit acts."""
        grid, steps = self.law.grid, self.law.steps
        where = place(grid, source)
        # The tables of the states are looked through only where the circuit asks for it.
        behind = np.flatnonzero(series)
        if behind.size:
            dropped = grid + series[behind, None] * steps[states[behind]]
            where[behind] = reached(dropped, source[behind])
        limited = np.flatnonzero(np.isfinite(limit))
        if limited.size:
            over = limited[np.abs(interpolated(steps, where[limited], states[limited])) > limit[limited]]
            where[over] = reached(steps[states[over]], np.copysign(limit[over], source[over]))
        volts = grid[0] + where * (grid[1] - grid[0])
        self.beyond = max(self.beyond, float(np.max(volts - grid[-1])), float(np.max(grid[0] - volts)))
        return np.asarray(volts)

    def _warn(self) -> None:
        """Say how far beyond the voltages that were read cells have been, and how many were left."""
        grid = self.law.grid
        if self.left:
            times = f"{self.most} times within one hold or ramp"
            text = f"{self.left} cells jumped {times} and were left as they were"
            files.warn(text)
        if self.beyond > 1e-9 * (grid[-1] - grid[0]):
            files.warn(
                f"cells were at up to {self.beyond:.3g} V beyond {grid[0]:g} to {grid[-1]:g} V, where rates "
                "and currents were read: there their last straight line goes on"
            )
        self.beyond, self.left = 0.0, 0

    def _spread(self, source: Any, series: Any, limit: Any) -> tuple[Floats, Floats, Floats]:
        """Return source voltage, resistance and limit, one for each cell."""
        source, series, limit = (
            np.broadcast_to(np.asarray(one, float), (self.number,)).copy() for one in (source, series, limit)
        )
        checks.finite("source", source, "V")
        checks.at_least("series", series, 0.0, "ohm")
        limit[np.isnan(limit)] = np.inf
        if not np.all(limit > 0.0):
            raise ValueError(f"limit must be above 0 A, got {limit.min():g}")
        return source, series, limit


class _Watch:
    """Switching voltages of cells on a ramp."""

    def __init__(self, cells: JumpCells, limit: Floats) -> None:
        self.cells, self.limit, self.out = cells, limit, True
        self.rise, self.peak = np.zeros((2, cells.number))
        self.rise_voltage, self.peak_voltage, self.limited = np.full((3, cells.number), np.nan)

    def look(self, which: Index, source: Floats, volts: Floats, at_end: Any) -> None:
        """Take note of the current at the end of a stride, of those cells that got there."""
        which, source, volts = which[at_end], source[at_end], volts[at_end]
        self._note(which, source, self.cells.current_at(self.cells.states[which], volts))

    def jump(self, which: Index, source: Floats, before: Floats, after: Floats) -> None:
        """Take note of jumps: the current (A) on both sides at a source voltage (V)."""
        self._note(which, source, before)
        free = np.isnan(self.limited[which])
        change = np.abs(after) - np.abs(before)
        more = free & (change > self.rise[which])
        steep = np.abs(after) >= RISE * np.abs(before)
        self.rise[which[more]] = change[more]
        self.rise_voltage[which[more]] = np.where(steep, source, np.nan)[more]
        self._note(which, source, after)

    def switched(self) -> Floats:
        """Return the source voltages at which the cells switched to the limit."""
        found = np.where(np.isnan(self.rise_voltage), self.limited, self.rise_voltage)
        return np.where(self.peak >= REACHED * self.limit, found, np.nan)

    def _note(self, which: Index, source: Floats, current: Floats) -> None:
        size = np.abs(current)
        new = np.isnan(self.limited[which]) & (size >= self.limit[which] * (1.0 - 1e-9))
        self.limited[which[new]] = source[new]
        more = self.out & (size > self.peak[which] * (1.0 + 1e-9))
        self.peak[which[more]], self.peak_voltage[which[more]] = size[more], source[more]


def first_share(begin: Floats, end: Floats, time: Floats, hazard: Floats) -> Floats:
    """Return the share of a time (s) at which a hazard is used up, 1 where it is not.

    ln(rate) goes straight from ``begin`` to ``end``: the integral up to a share u is
    time exp(begin) (exp(r u) - 1) / r with r = end - begin.
    """
    slope = end - begin
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        # In units of the rate at the start; where that is tiny the quotient is infinite and nothing happens.
        needed = hazard / (np.exp(begin) * time)
        share = np.where(np.abs(slope) < 1e-9, needed, np.log1p(slope * needed) / slope)
    # A falling rate may never use it up: the logarithm of what is below 0.
    return np.where(np.isnan(share) | (share > 1.0), 1.0, share)
