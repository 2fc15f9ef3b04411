"""Layer of a card for pulses: the state after one, drawn from measured pulses that were alike.

Numpy only. Of the recorded pulses of the same sign those count that are nearest in the state before, the
voltage, the voltage of the gate and the width::

    d_j^2 = ((ln G - ln G_j)/s_G)^2 + ((V - V_j)/s_V)^2 + ((V_g - V_gj)/s_g)^2 + ((ln w - ln w_j)/s_w)^2
    ln G' = ln G'_j + c (ln G - ln G_j),   j one of the nearest k

so that no form of the law is assumed; scales, k and the fraction c of a difference that is kept are chosen by
:mod:`frenkel.analysis.fitting.pulse_fit` on devices left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..typing import Floats, Index

COLUMNS = ("before", "voltage", "gate", "width", "after")
"""Of a recorded pulse: ln(G/1 S) before it, V, V of the gate, ln(width/1 s), ln(G/1 S) after it."""

NUMBERS = ("neighbours", "carry", "level_scale", "voltage_scale", "gate_scale", "width_scale")

CHUNK = 500
"""Cells whose distances to all recorded pulses are in memory at once."""


class PulseError(ValueError):
    """A table of pulses is not a law, or is asked for what it does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseLaw:
    """What a pulse does to a state, by recorded pulses.

    Parameters
    ----------
    before, voltage, gate, width, after : ndarray of shape (n,)
        Recorded pulses, see :data:`COLUMNS`. A gate or a width that was not recorded is 0 in all.
    neighbours : int
        Nearest pulses of which one is drawn, at least 1.
    carry : float
        Fraction c, 0 to 1, of the difference from the state before the recorded pulse that is kept.
    level_scale, voltage_scale, gate_scale, width_scale : float
        Of the distance: (1), (V), (V), (1), above 0.
    """

    before: Floats
    voltage: Floats
    gate: Floats
    width: Floats
    after: Floats
    neighbours: int = 8
    carry: float = 0.0
    level_scale: float = 0.5
    voltage_scale: float = 0.25
    gate_scale: float = 0.25
    width_scale: float = 1.0

    def __post_init__(self) -> None:
        for name in COLUMNS:
            column = getattr(self, name)
            if column.ndim != 1 or len(column) != len(self.before) or not np.all(np.isfinite(column)):
                raise PulseError(f"{name} of pulses must be {len(self.before)} finite numbers")
        if not np.any(self.voltage):
            raise PulseError("a law of pulses needs pulses with a voltage other than 0 V")
        checks.whole("neighbours", self.neighbours, 1)
        checks.between("carry", self.carry, 0.0, 1.0)
        for name in NUMBERS[2:]:
            checks.between(name, getattr(self, name), 1e-6, 1e6)

    def respond(
        self,
        conductance: Any,
        voltage: Any,
        random: np.random.Generator,
        *,
        gate: Any = 0.0,
        width: Any = 1.0,
    ) -> Floats:
        """Return conductances (S) after a pulse.

        Parameters
        ----------
        conductance : array_like
            Before it (S), above 0.
        voltage, gate, width : array_like
            Of the pulse (V), (V), (s); of each cell, or one for all. A law without gates or widths does not
            look at them.
        random : numpy.random.Generator

        Raises
        ------
        PulseError
            A conductance or a width is not above 0, or no pulse of this sign was recorded.
        """
        given = (np.asarray(x, float) for x in (conductance, voltage, gate, width))
        g, v, gate, width = np.broadcast_arrays(*given)
        if not (np.all(g > 0) and np.all(width > 0)):
            raise PulseError("conductances and widths must be above 0")
        cells = np.stack([np.log(g), v, gate, np.log(width)], axis=-1).reshape(-1, 4)
        pick = random.integers(self.neighbours, size=len(cells))
        after = cells[:, 0].copy()
        for sign in (-1.0, 1.0):
            rows = np.flatnonzero(np.sign(cells[:, 1]) == sign)
            if len(rows):
                near = self.nearest(cells[rows])
                j = near[np.arange(len(rows)), pick[rows] % near.shape[1]]
                after[rows] = self.moved(cells[rows, 0], j)
        return np.asarray(np.exp(after).reshape(g.shape))

    def nearest(self, cells: Floats) -> Index:
        """Return the places of the nearest recorded pulses (n, k) of pulses of one sign.

        Parameters
        ----------
        cells : ndarray of shape (n, 4)
            ln(G/1 S), V, V of the gate, ln(width/1 s).
        """
        sign = float(np.sign(cells[0, 1]))
        known = np.flatnonzero(np.sign(self.voltage) == sign)
        if not len(known):
            raise PulseError(f"no pulse with a voltage {'above' if sign > 0 else 'below'} 0 V was recorded")
        scale = np.array([self.level_scale, self.voltage_scale, self.gate_scale, self.width_scale])
        unused = [False, False, not np.any(self.gate), not np.any(self.width)]
        scale = np.where(unused, np.inf, scale)
        table = np.stack([self.before, self.voltage, self.gate, self.width], axis=1)[known] / scale
        k = min(self.neighbours, len(known))
        places = np.empty((len(cells), k), np.intp)
        for first in range(0, len(cells), CHUNK):
            own = cells[first : first + CHUNK] / scale
            distance = (own**2).sum(axis=1)[:, None] + (table**2).sum(axis=1) - 2.0 * own @ table.T
            places[first : first + CHUNK] = np.argpartition(distance, k - 1, axis=1)[:, :k]
        return known[np.sort(places, axis=1)]

    def moved(self, level: Floats, chosen: Index) -> Floats:
        """Return ln(G) after chosen recorded pulses, of cells that were at ``level`` before."""
        own = level if chosen.ndim == level.ndim else level[:, None]
        return np.asarray(self.after[chosen] + self.carry * (own - self.before[chosen]))

    def write_verify(
        self,
        conductance: Any,
        target: tuple[float, float],
        set_pulses: Sequence[tuple[float, float, float]],
        reset_pulses: Sequence[tuple[float, float, float]],
        random: np.random.Generator,
        most: int = 100,
    ) -> tuple[Index, Floats]:
        """Program cells into a range of conductances: SET while below it, RESET while above, read after each.

        Parameters
        ----------
        conductance : array_like of shape (n,)
            At the start (S).
        target : tuple of float
            Least and largest conductance (S) that is accepted.
        set_pulses, reset_pulses : sequence of tuple
            Voltage (V), gate voltage (V) and width (s) of the first, second, ... pulse in a row toward one
            side; the last one repeats. After a change of sides the first one comes again.
        random : numpy.random.Generator
        most : int
            Pulses after which a cell is given up.

        Returns
        -------
        pulses : (n,) int
            That each cell took; -1: given up.
        conductance : (n,) float64
            At the end (S).
        """
        g = np.array(conductance, float)
        low, high = target
        if not 0 < low < high:
            raise PulseError(f"target must ascend from above 0 S, got {low:g}, {high:g} S")
        taken, side, row = np.full(g.shape, -1), np.zeros(g.shape), np.zeros(g.shape, int)
        ladders = {1.0: np.array(set_pulses, float), -1.0: np.array(reset_pulses, float)}
        for number in range(most + 1):
            wanted = np.where(g < low, 1.0, np.where(g > high, -1.0, 0.0))
            taken[(wanted == 0) & (taken < 0)] = number
            active = np.flatnonzero(taken < 0)
            if not len(active) or number == most:
                break
            row = np.where(wanted == side, row + 1, 0)
            side = wanted
            for sign, ladder in ladders.items():
                cells = active[wanted[active] == sign]
                if len(cells):
                    v, gate, width = ladder[np.minimum(row[cells], len(ladder) - 1)].T
                    g[cells] = self.respond(g[cells], v, random, gate=gate, width=width)
        return taken, g

    def to_dict(self) -> dict[str, Any]:
        """Return the law as JSON data."""
        columns = {name: getattr(self, name).tolist() for name in COLUMNS}
        return {**columns, **{name: getattr(self, name) for name in NUMBERS}}

    @classmethod
    def from_dict(cls, data: Any) -> "PulseLaw":
        """Return the law in JSON data; errors are :class:`PulseError`."""
        fields: dict[str, Any] = {name: np.array(data[name], float) for name in COLUMNS}
        return cls(**fields, **{name: data[name] for name in NUMBERS})
