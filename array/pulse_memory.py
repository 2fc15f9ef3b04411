"""The array around a selected cell: solved once, then a load line stands for it in pulses and reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..cells.interface import Cells, Where, jumps
from ..errors import ConvergenceError
from ..typing import Floats, Index
from .crosspoint import Crosspoint
from .crosstalk import ArrayHeat
from .lines.effective import LoadLine
from .lines.network import Solution
from .loads import BehindLines

MOST_STEPS = 200
"""Of Newton's method between a crossing and its load line; bisection in the worst case needs 60."""

Key = tuple[str, float]
"""Scheme of the unselected lines, and voltage of the pulse (V)."""


@dataclass(frozen=True, slots=True)
class CrossingState:
    """What the selected crossing does now."""

    voltage: float
    over: Floats  # over the cell alone, (1,)
    current: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an array is to one of its cells at one voltage of a pulse or read.

    Attributes
    ----------
    line : LoadLine
    now : CrossingState
        Of the cell as the array was solved.
    sensed : float
        Current out of the cell's bit line (A).
    power : float
        Of the sources (W).
    others : tuple of ndarray, or mask
        Cells that feel a voltage meanwhile; all besides these and the cell are at 0 V.
    over : ndarray
        Voltage over each of them alone (V).
    """

    line: LoadLine
    now: CrossingState
    sensed: float
    power: float
    others: Where
    over: Floats


@dataclass
class Visit:
    """The array around a selected cell while pulses or reads of one voltage go to it."""

    around: Surroundings
    now: CrossingState
    pulses: int  # of the cell when `now` was found
    exposure: float = 0.0  # time for which the others have felt their voltages, not yet applied (s)
    lived: Floats | None = None  # of that what each warm cell has lived already (s)

    def power(self, current: float) -> float:
        """Return the power of the sources (W) at a current through the selected cell (A).

        By reciprocity they give the open voltage times what the cell draws more.
        """
        return self.around.power + self.around.line.open_voltage * (current - self.around.now.current)


class PulseMemory:
    """What is known of the array while pulses and reads go to one cell.

    Parameters
    ----------
    cells : Cells
        Of the array.
    crosspoint : Crosspoint
        What stands beside each.
    heat : ArrayHeat, optional
        That cells give each other.

    Attributes
    ----------
    cell : tuple of int or None
        That is visited.
    visits : dict
        The array around it, by scheme and voltage.
    pulses : int
        That the cell has felt in this visit.
    """

    def __init__(self, cells: Cells, crosspoint: Crosspoint, heat: ArrayHeat | None = None) -> None:
        self._cells, self.crosspoint, self.heat = cells, crosspoint, heat
        # For heat: voltages over the others (V), and time at 0 V that warm cells have lived already (s).
        self._voltages = np.zeros(0 if heat is None else cells.shape[0] * cells.shape[1])
        self._lived = self._voltages.copy()
        self.cell: tuple[int, int] | None = None
        self.at = np.array([0]), np.array([0])
        self.visits: dict[Key, Visit] = {}
        self.pulses, self._quiet = 0, 0.0
        # Voltages of the last call of `law`, those over the cells alone (V), and slopes (S).
        self._evaluated: tuple[Floats, Floats, Floats] = (np.empty(0), np.empty(0), np.empty(0))
        self._last: dict[Key, tuple[tuple[int, int], Floats, Floats]] = {}

    def begin(self, cell: tuple[int, int]) -> None:
        """Visit a cell; the visit of another one ends."""
        if self.cell != cell:
            self.finish()
            self.cell = cell
            self.at = np.array([cell[0]]), np.array([cell[1]])

    def felt(self, visit: Visit, over: Floats, duration: float) -> None:
        """Hold the selected cell at a voltage (V) for a duration (s); the others follow as the visit ends."""
        if self.heat is None:
            self._cells.apply(over, duration, self.at)
            self._passed(visit, duration)
            return
        assert self.cell is not None
        before = visit.now
        with self.heat.at(self.cell, duration):
            self._cells.apply(over, duration, self.at)
        self._passed(visit, duration)
        after = self.moment(visit)
        power = 0.5 * (before.current * float(before.over[0]) + after.current * float(after.over[0]))
        self._warmed(visit, power, duration)

    def _passed(self, visit: Visit, duration: float) -> None:
        """Take note of a pulse that the selected cell has had."""
        visit.exposure += duration
        self.pulses += 1

    def driven(self, visit: Visit, duration: float) -> float:
        """Let the selected cell, which jumps, feel the array around it for a duration (s).

        Returns
        -------
        float
            The mean of its current (A).
        """
        assert jumps(self._cells)
        load = LineLoad(self, visit)
        if self.heat is None:
            charge = self._cells.drive(load, duration, self.at)
            self._passed(visit, duration)
            return float(charge[0]) / duration
        assert self.cell is not None
        before = self.moment(visit)
        with self.heat.at(self.cell, duration):
            charge = self._cells.drive(load, duration, self.at)
        self._passed(visit, duration)
        current = float(charge[0]) / duration
        over = 0.5 * (float(before.over[0]) + float(self.moment(visit).over[0]))
        self._warmed(visit, current * over, duration)
        return current

    def _warmed(self, visit: Visit, power: float, duration: float) -> None:
        """Let other cells feel the voltages of a pulse and the heat (W) of the selected cell meanwhile."""
        heat, around = self.heat, visit.around
        assert heat is not None and self.cell is not None
        own = self.cell[0] * self._cells.shape[1] + self.cell[1]
        parts = heat.parts(self.cell, power, duration)
        warm = heat.warm
        places = warm[warm != own]
        at = np.unravel_index(places, self._cells.shape)
        voltages = self._voltages.reshape(self._cells.shape)
        voltages[around.others] = around.over
        volts = self._voltages[places]
        voltages[around.others] = 0.0
        cold = True
        for part in parts:
            self._cells.apply(volts, part, at)
            cold = False
        if cold:
            return
        if visit.lived is None:
            visit.lived = np.zeros(self._voltages.size)
        visit.lived[places] += duration

    def cool(self, duration: float) -> None:
        """Let warm cells live a time (s) at 0 V while they cool."""
        heat = self.heat
        assert heat is not None
        if not heat.warm.size:
            return
        if not jumps(self._cells):
            # At 0 V the gap of a cell that does not jump stays where it is, however warm.
            heat.cool(duration)
            return
        at = np.unravel_index(heat.warm, self._cells.shape)
        for part in heat.parts(None, 0.0, duration):
            self._cells.apply(np.zeros(at[0].size), part, at)

    def law(self, voltage: Floats) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S) of all crossings at voltages (V); `at_solution` uses them."""
        over, current, slope = self.crosspoint.solve(voltage, self._cells)
        self._evaluated = voltage, over, slope
        return current, slope

    def at_solution(self, voltage: Floats) -> tuple[Floats, Floats]:
        """Return voltages over the cells alone (V) and slopes (S) at voltages over the crossings (V)."""
        # Newton's method has mostly ended at these voltages.
        solved_at, over, slope = self._evaluated
        if not np.array_equal(solved_at, voltage):
            over, _, slope = self.crosspoint.solve(voltage, self._cells)
        return over, slope

    def around(self, line: LoadLine, found: Solution, over: Floats) -> Surroundings:
        """Return what the whole array, as it was solved, is to the visited cell."""
        assert self.cell is not None
        others = np.ones(self._cells.shape, dtype=bool)
        others[self.cell] = False
        crossing = CrossingState(
            float(found.voltage[self.cell]), over[self.at], float(found.current[self.cell])
        )
        sensed, power = float(found.sensed[self.cell[1]]), found.cell_power + found.line_power
        return Surroundings(line, crossing, sensed, power, others, over[others])

    def remember(self, key: Key, around: Surroundings) -> Visit:
        """Keep what is around the visited cell."""
        self.visits[key] = Visit(around, around.now, self.pulses)
        return self.visits[key]

    def solved(self, key: Key, found: Solution) -> None:
        """Keep the nodes of the whole array for the next cell."""
        assert self.cell is not None
        self._last[key] = self.cell, found.word, found.bit

    def like_last(self, key: Key) -> tuple[Floats, Floats] | None:
        """Return the nodes (V) of the last visit at the same voltages, its lines swapped with this cell's."""
        if key not in self._last or self.cell is None:
            return None
        (i, j), word, bit = self._last[key]
        swapped = []
        for nodes in (word, bit):
            new = nodes.copy()
            new[[i, self.cell[0]]] = new[[self.cell[0], i]]
            new[:, [j, self.cell[1]]] = new[:, [self.cell[1], j]]
            swapped.append(new)
        return swapped[0], swapped[1]

    def moment(self, visit: Visit) -> CrossingState:
        """Return where the crossing's current meets the load line; it rises, so there is one such voltage."""
        if visit.pulses != self.pulses:
            visit.now, visit.pulses = self.met(visit), self.pulses
        return visit.now

    def met(self, visit: Visit) -> CrossingState:
        """Return the same without the memory."""
        line, voltage = visit.around.line, visit.now.voltage
        quick = self.crosspoint.meet(self._cells, self.at, line.open_voltage, line.resistance, voltage)
        if quick is not None:
            return CrossingState(quick[0], np.array([quick[1]]), quick[2])
        low, high = sorted((0.0, line.open_voltage))
        voltage = min(max(voltage, low), high)
        for _ in range(MOST_STEPS):
            over, currents, slopes = self.crosspoint.solve(np.array([voltage]), self._cells, self.at)
            current, slope = float(currents[0]), float(slopes[0])
            miss = voltage - line.open_voltage + line.resistance * current
            # The sign of what is missed tells on which side the answer lies.
            low, high = (low, voltage) if miss > 0.0 else (voltage, high)
            step = miss / (1.0 + line.resistance * slope)
            if abs(step) <= 1e-7 * abs(line.open_voltage):
                return CrossingState(voltage - step, over, current - slope * step)
            # Newton's step where it stays between both bounds, half of what is left elsewhere.
            voltage = voltage - step if low <= voltage - step <= high else 0.5 * (low + high)
        raise ConvergenceError(
            f"load line of cell {self.cell}: no voltage found from {line.open_voltage:g} V"
        )

    def expose(self, visit: Visit) -> None:
        """Give the cells around the selected one the voltages they have felt."""
        around, exposure, visit.exposure = visit.around, visit.exposure, 0.0
        lived, visit.lived = visit.lived, None
        if exposure > 0.0 and around.over.size:
            self._apply(around.over, exposure, around.others, lived)
        if not isinstance(around.others, np.ndarray):
            self._quiet += exposure
            if lived is not None:
                self._lived += lived

    def _apply(self, volts: Floats, exposure: float, where: Where, lived: Floats | None) -> None:
        """Apply voltages (V) for what is left of an exposure (s)."""
        if lived is None:
            self._cells.apply(volts, exposure, where)
            return
        places = np.arange(lived.size).reshape(self._cells.shape)[where].ravel()
        left = exposure - lived[places]
        for time in np.unique(left[left > 0.0]):
            due = left == time
            at = np.unravel_index(places[due], self._cells.shape)
            self._cells.apply(volts.ravel()[due], float(time), at)

    def finish(self) -> None:
        """End the visit: the others get the voltages they have felt in its pulses and reads."""
        for visit in self.visits.values():
            self.expose(visit)
        self.visits.clear()
        if self._quiet > 0.0 and self.cell is not None:
            # Cells of no selected line: time has passed for them too, at 0 V.
            away = np.ones(self._cells.shape, dtype=bool)
            away[self.cell[0]], away[:, self.cell[1]] = False, False
            if away.any():
                lived = None if self.heat is None else self._lived
                self._apply(np.zeros(np.count_nonzero(away)), self._quiet, away, lived)
        self._lived[:] = 0.0
        self.cell, self.pulses, self._quiet = None, 0, 0.0


@dataclass(frozen=True, slots=True)
class LineLoad:
    """The load of a visited cell that jumps: what stands beside it, and the rest of the array."""

    memory: PulseMemory
    visit: Visit

    @property
    def amplitude(self) -> Floats:
        """Voltage of the crossing when it is open (V)."""
        return np.array([self.visit.around.line.open_voltage])

    def meet(self, which: Index | None = None) -> tuple[Floats, Floats]:
        """Return the voltage over the cell (V) as it is now, and its current (A)."""
        known_moment = self.memory.met(self.visit)
        return np.reshape(known_moment.over, 1), np.array([known_moment.current])

    def pick(self, which: Index) -> LineLoad:
        """Return the load itself: it is that of one cell."""
        return self

    def alone(self, number: int) -> BehindLines:
        """Return the load as a live device takes it."""
        memory, line = self.memory, self.visit.around.line
        assert memory.cell is not None
        return BehindLines(memory.crosspoint, memory.cell, line.resistance)
