"""A cell that jumps: states that devices were in, the rate of leaving each, and what came next.

The motion is a continuous-time Markov chain over recorded states. The rate of leaving one is the device's
own, read at voltages and temperatures; between these ln(rate) is interpolated, by a monotone cubic in the
voltage (Fritsch and Butland, doi:10.1137/0905021) and linearly in 1/T. The next state follows from a recorded
jump from a state like the present one: of the nearest in ln(conductance), in ln(rate) at the voltage and at
0 V, and in voltage one is drawn, with weights that fall as a Gaussian. (What leaves a state at rest tells one
that has just come about, whose oxide is about to relax, from one that stands for years.) Of what
distinguishes the present state from the one before that jump a share is carried over: the next state is the
recorded one nearest to::

    f(after) + share (f(present) - f(before)),    f: ln(conductance) and ln(rates)

so that a jump that changes nothing leaves a cell as it is, and a cell that is fast stays fast. The share is a
law of the voltage of the jump (:meth:`JumpLaw.carried`): what goes to and fro at rest comes back, and what a
voltage drives ends alike from wherever it began. A state keeps
its own rates and its own current, so that what follows fast on a jump (a cascade) does so here. Numpy only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import checks
from ..typing import Floats, Index

STEP = 0.05
"""Width (V) of the cells of voltage in which ln(rate) and ln(current over voltage) are taken as straight."""

STATES = ("hrs", "lrs")
"""What left an end state, in the order of the numbers in :attr:`JumpLaw.kind`: RESET, SET; -1: neither."""

ARRAYS = ("voltages", "temperatures", "level", "current", "rate", "kind", "before", "after", "jump_voltage")
"""Fields of a law that are arrays."""

LISTS = tuple(name for name in ARRAYS if name not in ("current", "rate"))
"""Those that a file holds as they are."""

CURRENT_STEP, RATE_STEP = 1e-3, 1e-2
"""Steps of ln(current) and ln(rate) in a file: 5e-4 and 5e-3 off at most, where the nearest jumps differ by
0.05 and more in ln(rate). They are kept as whole numbers, each less that at the voltage before."""

STEPPED = {"conductance_steps": CURRENT_STEP, "rate_steps": RATE_STEP}
"""What a file holds for ``current`` over ``voltages`` and for ``rate``."""

SCALES = ("level_scale", "rate_scale", "voltage_scale", "rest_scale")
"""What counts as near, in the order of the numbers that tell jumps apart."""

NUMBERS = ("read_voltage", "neighbours", *SCALES, "carry", "rest_carry")

NEAR_LEVEL, NEAR_RATE = 0.02, 1.0
"""Differences of ln(conductance) and of ln(rate) that count as 1 where the next state is looked for: a state
that has not moved by 2 % is the same in a resistance."""

NO_SHARE = 1e-9
"""Share below which a jump leads to its own state: it moves nothing by the least step between two."""

WIDEST, LARGEST = 20.0, 100.0
"""Bounds of voltages (V), and of ln(conductance), whose exponential must be a number."""

BLOCK = 2**18
"""Distances that are held in memory at a time."""

KNOWN = 20_000
"""States at voltages whose nearest jumps are kept: some 20 MB with 64 of each."""


class JumpError(ValueError):
    """A law of jumps is none, or is asked for what it does not hold."""


@dataclass(slots=True, kw_only=True)
class JumpLaw:
    """States of devices, and jumps between them.

    Parameters
    ----------
    voltages : ndarray of shape (b,)
        Device voltages (V) at which states were read, ascending, 0 V among them.
    temperatures : ndarray of shape (t,)
        (K), ascending.
    level : ndarray of shape (s,)
        ln of the conductance (S) at the read voltage.
    current : ndarray of shape (s, b)
        (A), of the sign of the voltage.
    rate : ndarray of shape (s, t, b)
        Of leaving the state (1/s), above 0.
    kind : ndarray of shape (s,)
        Index into :data:`STATES` of end states, from which cells start; -1 of others.
    before, after : ndarray of shape (j,)
        States on both sides of each jump.
    jump_voltage : ndarray of shape (j,)
        Device voltage (V) of each jump.
    read_voltage : float
        (V)
    neighbours : int
        Jumps of which the next one is drawn, at least 1.
    level_scale, rate_scale, voltage_scale : float
        Differences of ln(conductance), of ln(rate), and of the voltage (V) that count as 1.
    carry : float
        Share of what distinguishes a state from the one before the drawn jump that is kept under a voltage, 0
        to 1. 0: the next state is the one that the jump led to.
    rest_carry : float, optional
        The same of a jump at 0 V; None: ``carry``.
    rest_scale : float, optional
        Difference of ln(rate) at 0 V that counts as 1 where the nearest jumps are looked for; None: it
        does not count.
    """

    voltages: Floats
    temperatures: Floats
    level: Floats
    current: Floats
    rate: Floats
    kind: Index
    before: Index
    after: Index
    jump_voltage: Floats
    read_voltage: float
    neighbours: int = 8
    level_scale: float = 0.5
    rate_scale: float = 1.0
    voltage_scale: float = 0.1
    carry: float = 0.0
    rest_carry: float | None = None
    rest_scale: float | None = None
    grid: Floats = field(init=False, repr=False, compare=False)
    steps: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ARRAYS:
            kind = np.int64 if name in ("kind", "before", "after") else float
            setattr(self, name, np.array(getattr(self, name), kind))
        _check(self)
        first, last = self.voltages[[0, -1]]
        self.grid = np.linspace(first, last, max(round((last - first) / STEP), 2) + 1)
        conductance = np.empty_like(self.current)
        at_rest = self.voltages == 0.0
        np.divide(self.current, self.voltages, out=conductance, where=~at_rest)
        conductance[:, at_rest] = np.exp(self.level)[:, None]
        self.steps = self.grid * np.exp(monotone(self.voltages, np.log(conductance), self.grid))

    def log_rates(self, temperature: float) -> Floats:
        """Return ln of the rates (1/s) of leaving each state on the grid of voltages, shape (s, g).

        Parameters
        ----------
        temperature : float
            (K); beyond those that were read the straight line in 1/T goes on.
        """
        checks.temperature(temperature)
        logs, heats = np.log(self.rate), self.temperatures
        if len(heats) == 1:
            if not np.isclose(temperature, heats[0]):
                alone = f"the rates were read at {heats[0]:g} K alone"
                raise JumpError(f"{alone}: the card cannot tell those at {temperature:g} K")
            return monotone(self.voltages, logs[:, 0], self.grid)
        low = int(np.clip(np.searchsorted(heats, temperature) - 1, 0, len(heats) - 2))
        share = (1.0 / temperature - 1.0 / heats[low]) / (1.0 / heats[low + 1] - 1.0 / heats[low])
        return monotone(self.voltages, (1.0 - share) * logs[:, low] + share * logs[:, low + 1], self.grid)

    def carried(self, volts: Floats) -> Floats:
        """Return the share of what tells states apart that a jump keeps, 0 to 1, by its device voltage (V).

        It goes from ``rest_carry`` at 0 V to ``carry`` as a jump at rest counts less and less for one under
        voltage: by exp(-(v / voltage_scale)^2 / 2).
        """
        rest = self.carry if self.rest_carry is None else self.rest_carry
        return self.carry + (rest - self.carry) * np.exp(-0.5 * (volts / self.voltage_scale) ** 2)

    def to_dict(self) -> dict[str, Any]:
        """Return the law as JSON data; currents and rates to the steps of a file."""
        arrays = {name: getattr(self, name).tolist() for name in LISTS}
        away = self.voltages != 0.0
        conductance = np.log(self.current[:, away] / self.voltages[away])
        for (name, step), logs in zip(STEPPED.items(), (conductance, np.log(self.rate)), strict=True):
            arrays[name] = _differences(logs, step).tolist()
        numbers = {name: getattr(self, name) for name in NUMBERS}
        return arrays | {name: value for name, value in numbers.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "JumpLaw":
        """Return the law in JSON data.

        Raises
        ------
        JumpError
            The numbers make no law.
        """
        try:
            rest = {name: value for name, value in data.items() if name not in STEPPED}
            volts = np.asarray(data["voltages"], float)
            away = volts != 0.0
            conductance, rate = (_summed(data[name], step) for name, step in STEPPED.items())
            current = np.zeros((len(conductance), len(volts)))
            current[:, away] = volts[away] * conductance
            return cls(**rest, current=current, rate=rate)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise JumpError(f"the jumps are no law: {error}") from None


class Kernel:
    """Which state comes next, at one temperature.

    Parameters
    ----------
    law : JumpLaw
    log_rates : ndarray of shape (s, g)
        On the grid of the law.
    jumps : ndarray of int, optional
        Those of the law that may be drawn, and whose states alone are then led to; all of both by default.
    """

    def __init__(self, law: JumpLaw, log_rates: Floats, jumps: Index | None = None) -> None:
        self.law, self.log_rates = law, log_rates
        self.jumps = np.arange(len(law.before)) if jumps is None else np.asarray(jumps)
        self.number = min(law.neighbours, len(self.jumps))
        if not self.number:
            raise JumpError("a law without jumps cannot tell which state comes next")
        from_state, volts = law.before[self.jumps], law.jump_voltage[self.jumps]
        rates = interpolated(log_rates, place(law.grid, volts), from_state)
        self.points = self._scaled(from_state, rates, volts)
        self.carries = bool(law.carry or law.rest_carry)
        self.marks = self._marks() if self.carries else np.empty((0, 0))
        every = np.arange(len(law.level))
        # What flickers at a limit asks for the same again: nearest jumps, and running sums of weights.
        self.known: dict[tuple[int, float], tuple[Index, Floats]] = {}
        self.ends = every if jumps is None else np.unique([law.before[self.jumps], law.after[self.jumps]])

    def near(self, states: Index, volts: Floats) -> tuple[Index, Floats]:
        """Return the nearest jumps of each state at its voltage (V), and their weights: (n, neighbours)."""
        rates = interpolated(self.log_rates, place(self.law.grid, volts), states)
        points = self._scaled(states, rates, volts)
        found = np.empty((len(states), self.number), np.int64)
        weight = np.empty(found.shape)
        block = max(BLOCK // len(self.jumps), 1)
        for first in range(0, len(states), block):
            part = slice(first, first + block)
            ends = np.sum(points[part] ** 2, axis=1)[:, None] + np.sum(self.points**2, axis=1)
            square = ends - 2.0 * points[part] @ self.points.T
            nearest = np.argpartition(square, self.number - 1, axis=1)[:, : self.number]
            distance = np.take_along_axis(square, nearest, axis=1)
            found[part] = self.jumps[nearest]
            weight[part] = np.exp(-0.5 * (distance - distance.min(axis=1, keepdims=True)))
        return found, weight / weight.sum(axis=1, keepdims=True)

    def draw(self, states: Index, volts: Floats, random: np.random.Generator) -> Index:
        """Draw the next state of each cell from its present state and voltage (V)."""
        if len(self.known) > KNOWN:
            self.known.clear()
        keys = list(zip(states.tolist(), volts.tolist(), strict=True))
        new = {key: place for place, key in enumerate(keys) if key not in self.known}
        if new:
            picked = np.array(list(new.values()))
            found, weight = self.near(states[picked], volts[picked])
            self.known.update(zip(new, zip(found, np.cumsum(weight, axis=1), strict=True), strict=True))
        rows = [self.known[key] for key in keys]
        mark = random.random(len(states))[:, None]
        below = (np.array([row[1] for row in rows]) < mark).sum(axis=1)
        chosen = np.minimum(below, self.number - 1)
        jumps = np.array([row[0][place] for row, place in zip(rows, chosen, strict=True)])
        return self.led(states, jumps, volts)

    def led(self, states: Index, jumps: Index, volts: Floats) -> Index:
        """Return where jumps of the law lead from states at voltages (V)."""
        before, after = self.law.before[jumps], self.law.after[jumps]
        if not self.carries:
            return after
        share, next_ = self.law.carried(volts), after.copy()
        kept = np.flatnonzero(share > NO_SHARE)
        target = share[kept, None] * (self.marks[states[kept]] - self.marks[before[kept]])
        target += self.marks[after[kept]]
        marks, found = self.marks[self.ends], np.empty(len(kept), np.int64)
        size, block = np.sum(marks**2, axis=1), max(BLOCK // len(marks), 1)
        for first in range(0, len(kept), block):
            part = slice(first, first + block)
            found[part] = np.argmin(size - 2.0 * target[part] @ marks.T, axis=1)
        next_[kept] = self.ends[found]
        return next_

    def _marks(self) -> Floats:
        """Return what tells states apart, (s, 4): ln(conductance); ln(rate) at 0 V, half-way up and down."""
        zero, last = self._rest(), len(self.law.grid) - 1
        columns = [zero // 2, zero, (zero + last) // 2]
        return np.column_stack([self.law.level / NEAR_LEVEL, self.log_rates[:, columns] / NEAR_RATE])

    def _scaled(self, states: Index, rates: Floats, volts: Floats) -> Floats:
        law = self.law
        numbers = [law.level[states] / law.level_scale, rates / law.rate_scale, volts / law.voltage_scale]
        if law.rest_scale is not None:
            numbers.append(self.log_rates[states, self._rest()] / law.rest_scale)
        return np.stack(numbers, axis=1)

    def _rest(self) -> int:
        """Return the place of 0 V on the grid."""
        return round(float(place(self.law.grid, np.zeros(1))[0]))


def told(values: Floats, step: float) -> Floats:
    """Return numbers above 0 as a file tells them: their logarithms in whole steps."""
    return np.asarray(np.exp(np.round(np.log(values) / step) * step))


def _differences(logs: Floats, step: float) -> Index:
    """Return logarithms in whole steps, each but the first of a row less the one before."""
    whole = np.round(logs / step).astype(np.int64)
    return np.concatenate([whole[..., :1], whole[..., 1:] - whole[..., :-1]], axis=-1)


def _summed(steps: Any, step: float) -> Floats:
    """Return the numbers of :func:`_differences`."""
    whole = np.asarray(steps)
    if whole.dtype.kind != "i":
        raise JumpError("currents and rates must be tables of whole numbers of steps")
    logs = step * np.cumsum(whole, axis=-1)
    if np.any(np.abs(logs) > LARGEST):
        raise JumpError(f"logarithms of currents and rates must be between {-LARGEST:g} and {LARGEST:g}")
    return np.asarray(np.exp(logs))


def place(grid: Floats, volts: Floats) -> Floats:
    """Return where voltages (V) lie on an even grid, in steps of it; below 0 and beyond its end outside."""
    return np.asarray((volts - grid[0]) / (grid[1] - grid[0]))


def interpolated(table: Floats, where: Floats, rows: Index | None = None) -> Floats:
    """Return each row of a table (n, g) at its place (n,); beyond the ends its last straight line goes on.

    With ``rows``, those of the table, each at its place.
    """
    low = np.clip(where.astype(int), 0, table.shape[1] - 2)
    rows = np.arange(len(table)) if rows is None else rows
    share = where - low
    return np.asarray(table[rows, low] * (1.0 - share) + table[rows, low + 1] * share)


def reached(table: Floats, value: Floats) -> Floats:
    """Return where each row of a table (n, g), which ascends, has a value (n,); the inverse of the above."""
    low = np.clip((table <= value[:, None]).sum(axis=1) - 1, 0, table.shape[1] - 2)
    rows = np.arange(len(table))
    below, above = table[rows, low], table[rows, low + 1]
    return np.asarray(low + (value - below) / (above - below))


def monotone(knots: Floats, values: Floats, at: Floats) -> Floats:
    """Interpolate rows (n, k) at points (m,) by cubics that rise and fall only where the values do.

    The slope at a knot is the weighted harmonic mean of those beside it, 0 at a turn; at an end that of the
    last line. Fritsch and Butland, doi:10.1137/0905021.
    """
    width = np.diff(knots)
    rise = np.diff(values, axis=1) / width
    slope = np.concatenate([rise[:, :1], np.zeros((len(values), len(knots) - 2)), rise[:, -1:]], axis=1)
    left, right = rise[:, :-1], rise[:, 1:]
    inner = slope[:, 1:-1]
    alike = left * right > 0.0
    first, second = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
    total = np.broadcast_to(first + second, left.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / (first / left + second / right)
    inner[alike] = mean[alike]
    low = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    h = width[low]
    u = (at - knots[low]) / h
    return np.asarray(
        values[:, low] * (1.0 + 2.0 * u) * (1.0 - u) ** 2
        + values[:, low + 1] * u**2 * (3.0 - 2.0 * u)
        + h * (slope[:, low] * u * (1.0 - u) ** 2 - slope[:, low + 1] * u**2 * (1.0 - u))
    )


def _check(law: JumpLaw) -> None:
    """Raise JumpError where the numbers make no law."""
    s, b, t, j = len(law.level), len(law.voltages), len(law.temperatures), len(law.before)
    shapes = {"voltages": (b,), "temperatures": (t,), "level": (s,), "current": (s, b), "rate": (s, t, b)}
    shapes |= {"kind": (s,), "before": (j,), "after": (j,), "jump_voltage": (j,)}
    for name, shape in shapes.items():
        found = getattr(law, name)
        if found.shape != shape or not np.all(np.isfinite(found)):
            raise JumpError(f"{name} must be finite and of shape {shape}, got shape {found.shape}")
    for name in ("voltages", "temperatures"):
        if np.any(np.diff(getattr(law, name)) <= 0):
            raise JumpError(f"{name} must ascend")
    bounds = (("voltages", WIDEST, "V"), ("jump_voltage", WIDEST, "V"), ("level", LARGEST, ""))
    for name, most, unit in bounds:
        checks.between(name, getattr(law, name), -most, most, unit, JumpError)
    checks.between("temperatures", law.temperatures, checks.COLDEST, checks.HOTTEST, "K", JumpError)
    if b < 3 or 0.0 not in law.voltages[1:-1]:
        raise JumpError("voltages must be at least three, with 0 V between two others")
    if not t or not s or not np.all(law.rate > 0.0):
        raise JumpError("rates must be above 0 1/s, of at least one state at one temperature")
    if np.any(law.current * law.voltages < 0.0) or np.any((law.current == 0.0) != (law.voltages == 0.0)):
        raise JumpError("currents must have the sign of the voltage, and be 0 A at 0 V alone")
    if np.any(np.diff(law.current, axis=1) <= 0.0):
        raise JumpError("currents must rise with the voltage")
    for name, low, high in (("before", 0, s), ("after", 0, s), ("kind", -1, len(STATES))):
        found = getattr(law, name)
        if found.size and not (found.min() >= low and found.max() < high):
            raise JumpError(f"{name} must be from {low} to {high - 1}, got {found.min()} to {found.max()}")
    checks.whole("neighbours", law.neighbours, 1, error=JumpError)
    checks.between("carry", law.carry, 0.0, 1.0, error=JumpError)
    if law.rest_carry is not None:
        checks.between("rest_carry", law.rest_carry, 0.0, 1.0, error=JumpError)
    for name in ("read_voltage", *SCALES):
        if name != "rest_scale" or law.rest_scale is not None:
            checks.between(name, getattr(law, name), 1e-6, 1e6, "1", error=JumpError)
