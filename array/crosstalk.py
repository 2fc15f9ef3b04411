"""What pulses do to the temperatures of an array: the heat that cells give each other, in time.

The heat of a pulse in its own cell is part of that cell's law: of a card, whose devices heated themselves
while they were measured, or of a live device. So a cell feels what the powers of other cells have left, and
what is left of its own earlier pulses, but not its present one. Other cells feel all of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..cells.gap_cells import CardCells
from ..cells.interface import Cells
from ..cells.jumping_cells import JumpingCardCells
from ..cells.resistors import FaultyCells
from ..typing import Floats, Index
from .heat.geometry import CrossbarGeometry
from .heat.network import ArrayHeatNetwork, HeatModes
from .live_cells import LiveCells

SMALLEST = 0.1
"""Temperature rise (K) below which a cell counts as cold."""

STEP = 10.0
"""Largest change (K) of a temperature within a part of a pulse; the part is spent at its mean."""

MOST_PARTS = 16
"""Of a pulse, or of the time in which cells cool."""

BEYOND = 60.0
"""Length, in pitches, for which an array goes on around a window, as a mean material."""

COURSE = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 40)])
"""Times, over that of a pulse, at which the course of a temperature is looked at to find such parts."""

WHOLE = 3
"""Word and bit lines up to which an array is solved with its ends."""


@dataclass(frozen=True, eq=False)
class Crosstalk:
    """Which cells the power of each cell heats, and how fast.

    Parameters
    ----------
    shape : tuple of int
        Numbers of word and bit lines of the layer that is simulated.
    modes : HeatModes
        Of its cells in C order (m n, with a drive each), or of a window around one of them.
    reach : int, optional
        Word and bit lines from the middle of the window to its sides; the window is that of every cell, its
        array endless. By default the modes are those of all cells.
    """

    shape: tuple[int, int]
    modes: HeatModes
    reach: int | None = None

    @classmethod
    def of(cls, geometry: CrossbarGeometry, layer: int, reach: int = 3) -> Crosstalk:
        """Return the crosstalk within a layer of an array.

        Arrays of at most :data:`WHOLE` lines each way are solved with their ends, others in a window around
        a cell of an endless array.

        Parameters
        ----------
        geometry : CrossbarGeometry
        layer : int
            0 is that next to the heat sink.
        reach : int
            Lines from a cell to the side of its window, at least 1.
        """
        (m, n), layers = geometry.shape, geometry.layers
        checks.between("layer", layer, 0, layers - 1)
        if max(m, n) <= WHOLE:
            heated = layer * m * n + np.arange(m * n)
            modes = geometry.network().modes(heated)
            return cls((m, n), HeatModes(modes.rates, modes.shapes[heated], modes.drives))
        checks.whole("reach", reach, 1)
        side = reach + 1
        sizes = {name: getattr(geometry, name) for name in geometry.__dataclass_fields__}
        quarter = CrossbarGeometry(**{**sizes, "shape": (side, side)})
        first = layer * side**2
        network = quarter.network((layer, 0, 0), mirrored=True, beyond=BEYOND * geometry.pitch)
        modes = network.modes(np.array([first]))
        shapes = modes.shapes[first : first + side**2].reshape(side, side, -1)
        away = np.abs(np.arange(-reach, reach + 1))
        window = shapes[np.ix_(away, away)].reshape((2 * reach + 1) ** 2, -1)
        return cls((m, n), HeatModes(modes.rates, window, 0.25 * modes.drives), reach)

    @classmethod
    def of_matrix(cls, shape: tuple[int, int], resistance: ArrayLike, capacity: ArrayLike) -> Crosstalk:
        """Return the crosstalk of a user's matrix, see `ArrayHeatNetwork.from_matrix`; cells in C order."""
        network = ArrayHeatNetwork.from_matrix(resistance, capacity)
        if len(network.capacity) != shape[0] * shape[1]:
            cells = len(network.capacity)
            raise ValueError(f"resistance must be of all {shape[0] * shape[1]} cells, got {cells}")
        return cls(shape, network.modes())

    def around(self, cell: tuple[int, int]) -> tuple[Index, Floats, Floats]:
        """Return the cells (flat) that one heats, rising, their shapes (k, r) and its drive (r,)."""
        (i, j), (m, n) = cell, self.shape
        if self.reach is None:
            return np.arange(m * n), self.modes.shapes, self.modes.drives[i * n + j]
        away = np.arange(-self.reach, self.reach + 1)
        rows, columns = np.repeat(i + away, away.size), np.tile(j + away, away.size)
        inside = (rows >= 0) & (rows < m) & (columns >= 0) & (columns < n)
        return (rows * n + columns)[inside], self.modes.shapes[inside], self.modes.drives[0]


@dataclass(slots=True)
class _Source:
    """A cell that has been heated: whom it warms, and the amplitudes of its modes.

    Attributes
    ----------
    own : int
        Its own place among the cells that it warms.
    """

    cells: Index
    shapes: Floats
    drive: Floats
    amplitude: Floats
    own: int


class ArrayHeat:
    """Temperature rises of the cells of an array while pulses go to one cell at a time.

    Parameters
    ----------
    crosstalk : Crosstalk
    cells : Cells
        Of the array; they read their temperatures from here.

    Attributes
    ----------
    rise : ndarray of shape (m, n)
        Of each cell (K), over the temperature of the array.
    hottest : float
        Largest rise of a cell that a pulse to another one has caused so far (K).

    Raises
    ------
    ValueError
        Temperature changes nothing in the cells.
    """

    def __init__(self, crosstalk: Crosstalk, cells: Cells) -> None:
        if crosstalk.shape != cells.shape:
            raise ValueError(f"heat is of {crosstalk.shape} cells, the array has {cells.shape}")
        if reason := unmoved(cells):
            raise ValueError(f"heat changes nothing in these cells: {reason}")
        self.crosstalk, self.cells = crosstalk, cells
        self.rise, self.hottest = np.zeros(cells.shape), 0.0
        self._flat = self.rise.reshape(-1)
        self._sources: dict[tuple[int, int], _Source] = {}
        working = cells.cells if isinstance(cells, FaultyCells) else cells
        working.temperature_rise = self.rise

    @property
    def warm(self) -> Index:
        """Cells (flat) that are warm or are about to become so."""
        parts = [source.cells for source in self._sources.values()]
        return (
            parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts)) if parts else np.empty(0, int)
        )

    def _before(self, cell: tuple[int, int], duration: float) -> float:
        """Return the mean rise (K) of a cell over a pulse that begins now, by what was before."""
        own, total = self._number(cell), 0.0
        for source in self._sources.values():
            at = np.flatnonzero(source.cells == own)
            if at.size:
                mean = self.crosstalk.modes.mean(source.amplitude, 0.0, duration)
                total += float(source.shapes[at[0]] @ mean)
        return total

    def parts(self, cell: tuple[int, int] | None, power: float, duration: float) -> Iterator[float]:
        """Let time pass with a power (W) in a cell, or in none; yield the length (s) of each part.

        Meanwhile `rise` is the mean of the part; afterwards it is 0, and cells go on cooling. Where all other
        cells stay cold there are no parts.
        """
        rates, heated = self.crosstalk.modes.rates, None if cell is None else self._source(cell)
        # Of each source its modes when they are steady, and what they still miss (K in the hottest cell).
        steady = [power / rates * one.drive if one is heated else 0.0 for one in self._sources.values()]
        missing = [level - one.amplitude for level, one in zip(steady, self._sources.values(), strict=True)]
        ends = self._ends(missing, heated, duration)
        if ends.size:
            warm, lengths = self.warm, np.diff(ends)
            passed = np.exp(-np.outer(rates, ends))
            means = (passed[:, :-1] - passed[:, 1:]) / np.outer(rates, lengths)
            rises = np.zeros((lengths.size, self._flat.size)) if len(self._sources) > 1 else None
            for one, level, gap in zip(self._sources.values(), steady, missing, strict=True):
                # a(t) = steady - missing e^(-lambda t), and its mean over each part.
                of_source = (one.shapes @ (np.reshape(level, (-1, 1)) - gap[:, None] * means)).T
                if rises is None:
                    rises_of_warm = of_source
                else:
                    rises[:, one.cells] += of_source
            if rises is not None:
                rises_of_warm = rises[:, warm]
            if heated is not None:
                rises_of_warm[:, warm == self._number(cell)] = 0.0
                self.hottest = max(self.hottest, float(rises_of_warm.max()))
            for part, rise in zip(lengths, rises_of_warm, strict=True):
                self._flat[warm] = rise
                yield float(part)
            self._flat[warm] = 0.0
        left = np.exp(-rates * duration)
        for one, level, gap in zip(self._sources.values(), steady, missing, strict=True):
            one.amplitude = level - gap * left
        self._forget(heated)

    def cool(self, duration: float) -> None:
        """Let time (s) pass without a power for cells that need not know their temperatures meanwhile."""
        left = np.exp(-self.crosstalk.modes.rates * duration)
        for one in self._sources.values():
            one.amplitude = one.amplitude * left
        self._forget(None)

    @contextmanager
    def at(self, cell: tuple[int, int], duration: float) -> Iterator[None]:
        """Let a cell read what earlier pulses have left in it, while it has one of a duration (s)."""
        left = self._before(cell, duration) if self._sources else 0.0
        self.rise[cell] = left if left > SMALLEST else 0.0
        try:
            yield
        finally:
            self.rise[cell] = 0.0
        self._source(cell)

    def _number(self, cell: tuple[int, int] | None) -> int:
        """Return the flat number of a cell."""
        return -1 if cell is None else cell[0] * self.crosstalk.shape[1] + cell[1]

    def _source(self, cell: tuple[int, int]) -> _Source:
        """Return a cell that is heated, from now on among those that are warm."""
        if cell not in self._sources:
            cells, shapes, drive = self.crosstalk.around(cell)
            own = int(np.searchsorted(cells, self._number(cell)))
            self._sources[cell] = _Source(cells, shapes, drive, np.zeros(drive.size), own)
        return self._sources[cell]

    def _ends(self, missing: list[Floats], heated: _Source | None, duration: float) -> Floats:
        """Return the ends (s) of parts in each of which the hottest neighbour changes by about STEP at most.

        There are none where the neighbours stay cold.
        """
        most, change, hottest = 0.0, 0.0, None
        passed = -np.expm1(-self.crosstalk.modes.rates * duration)
        for one, gap in zip(self._sources.values(), missing, strict=True):
            start, shifts = (one.shapes @ np.stack([one.amplitude, gap * passed], axis=1)).T
            if one is heated:
                start[one.own] = shifts[one.own] = 0.0
            most += max(float(start.max()), float((start + shifts).max()))
            worst = int(np.argmax(np.abs(shifts)))
            if abs(shifts[worst]) > change:
                change, hottest = abs(float(shifts[worst])), one.shapes[worst] * gap
        if most < SMALLEST:
            return np.empty(0)
        number = min(math.ceil(change / STEP), MOST_PARTS)
        if number <= 1 or hottest is None:
            return np.array([0.0, duration])
        # Equal changes of that cell.
        times = duration * COURSE
        course = np.abs(-np.expm1(-np.outer(times, self.crosstalk.modes.rates)) @ hottest)
        levels = np.arange(1, number) * (change / number)
        inner = np.interp(levels, np.maximum.accumulate(course), times)
        return np.unique(np.concatenate([[0.0], inner, [duration]]))

    def _forget(self, heated: _Source | None) -> None:
        """Leave out sources that are cold."""
        for cell, source in list(self._sources.items()):
            if source is not heated and np.abs(source.shapes @ source.amplitude).max() < SMALLEST:
                del self._sources[cell]


def unmoved(cells: Cells) -> str:
    """Return in words why temperature changes nothing in cells; empty where it does."""
    if isinstance(cells, FaultyCells):
        return unmoved(cells.cells)
    if isinstance(cells, LiveCells):
        return ""
    if isinstance(cells, JumpingCardCells):
        read = cells.law.temperatures
        return "" if len(read) > 1 else f"their card was read at {read[0]:g} K alone"
    if isinstance(cells, CardCells):
        return "" if cells.heat is not None else "their card has no temperature dependence"
    return f"{type(cells).__name__} have no temperature dependence"
