"""Data of a jump-process model of a cell: recorded states, the rate of leaving each, and recorded jumps.

The cell is a continuous-time Markov chain over states of devices. The rate of leaving a state is that of the
device, read at voltages and temperatures; here ln(rate) is interpolated between these, by a monotone cubic in
the voltage (Fritsch and Butland, doi:10.1137/0905021) onto an even grid, and linearly in 1/T. A state keeps
its own rates and its own current, so that a cascade of fast jumps is one here too.

What a cell does with these data is in :mod:`frenkel.cells._jump_law`: interpolation on the grid, waiting
times, the choice of the next recorded jump, and where it leads. That choice compares ln(rate) at 0 V too: it
separates a state that has just formed, whose oxide is about to relax, from one that lasts for years. A jump
keeps a fraction of what distinguishes the present state from the recorded one, so that a jump that changes
nothing leaves a cell as it is, and a fast cell stays fast. The fraction depends on the voltage of the jump: a
jump at zero bias is often reversed, and a driven one ends in the same states from wherever it began.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import checks
from ..typing import Floats, Index

STEP = 0.05
"""Width (V) of the cells of voltage in which ln(rate) and the current are taken as linear."""

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

WIDEST, LARGEST = 20.0, 100.0
"""Bounds of voltages (V), and of ln(conductance), whose exponential must be a number."""

OHMIC = 1e-6
"""Relative departure from a straight line up to which a current is proportional to the voltage."""


PARTS = 6
"""Equal parts of all levels of which as many jumps are taken. Chosen."""

REST = 0.2
"""Magnitude (V) of a device voltage within which a jump counts as one at rest. Of the jumps from LRS of 64
devices of HfO2 12 % moved ln(conductance) by 0.02 within it, and 65 % beyond."""


class JumpError(ValueError):
    """A jump-process model is none, or is asked for what it does not hold."""


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
        Fraction of what distinguishes a state from the one before the drawn jump that is kept under a
        voltage, 0 to 1. 0: the next state is the one that the jump led to.
    rest_carry : float, optional
        The same of a jump at 0 V; None: ``carry``.
    rest_scale : float, optional
        Difference of ln(rate) at 0 V that counts as 1 where the nearest jumps are looked for; None: it
        does not count.

    Attributes
    ----------
    grid : ndarray of shape (g,)
        Even grid of voltages across the cell (V), from the first to the last that were read.
    grid_current : ndarray of shape (s, g)
        Current (A) of each state at these.
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
    grid_current: Floats = field(init=False, repr=False, compare=False)

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
        self.grid_current = self.grid * np.exp(monotone(self.voltages, np.log(conductance), self.grid))

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
        intervals, fractions = self.between(np.array([temperature]))
        low, fraction = int(intervals[0]), float(fractions[0])
        log_current = (1.0 - fraction) * logs[:, low] + fraction * logs[:, low + 1]
        return monotone(self.voltages, log_current, self.grid)

    def between(self, temperature: Floats) -> tuple[Index, Floats]:
        """Return of temperatures (K) the intervals between those read, and the fractions of 1/T in them."""
        heats = self.temperatures
        low = np.clip(np.searchsorted(heats, temperature) - 1, 0, len(heats) - 2)
        return low, (1.0 / temperature - 1.0 / heats[low]) / (1.0 / heats[low + 1] - 1.0 / heats[low])

    def end_states(self, state: str) -> Index:
        """Return the states that cells start in: those that a RESET ("hrs") or a SET ("lrs") has left.

        Raises
        ------
        JumpError
            There are none.
        """
        ends = np.flatnonzero(self.kind == STATES.index(state))
        if not ends.size:
            raise JumpError(f"the law holds no end state {state} for cells to start in")
        return ends

    @property
    def growth_voltage(self) -> float:
        """Smallest voltage (V) over which current over voltage grows by e; infinite where all are ohmic."""
        not_zero = self.grid != 0.0
        logs = np.log(self.grid_current[:, not_zero] / self.grid[not_zero])
        growth = np.abs(np.diff(logs, axis=1)).max(initial=0.0)
        return float((self.grid[1] - self.grid[0]) / growth) if growth > OHMIC else np.inf

    def to_dict(self) -> dict[str, Any]:
        """Return the law as JSON data; currents and rates to the steps of a file."""
        arrays = {name: getattr(self, name).tolist() for name in LISTS}
        not_zero = self.voltages != 0.0
        conductance = np.log(self.current[:, not_zero] / self.voltages[not_zero])
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
            unstepped = {name: value for name, value in data.items() if name not in STEPPED}
            volts = np.asarray(data["voltages"], float)
            not_zero = volts != 0.0
            conductance, rate = (_summed(data[name], step) for name, step in STEPPED.items())
            current = np.zeros((len(conductance), len(volts)))
            current[:, not_zero] = volts[not_zero] * conductance
            return cls(**unstepped, current=current, rate=rate)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise JumpError(f"the jumps are no law: {error}") from None


def classes(volts: Floats) -> Index:
    """Return whether jumps are under a negative voltage (0), at rest (1) or under a positive one (2)."""
    return np.digitize(volts, [-REST, REST])


def evenly(level: Floats, volts: Floats, most: int, random: np.random.Generator) -> Index:
    """Return the places of so many jumps, as many of each part of all levels and voltages as there are.

    Levels between HRS and LRS are passed in a few jumps of thousands, and cells can stay at no level that no
    jump leads to. The parts are those of :func:`classes` and :data:`PARTS` equal ones of ln(conductance).

    Parameters
    ----------
    level, volts : ndarray of shape (j,)
        ln(conductance) before each jump, and its voltage (V).
    most : int
        At most j.
    random : numpy.random.Generator
    """
    edges = np.linspace(level.min(), level.max(), PARTS + 1)[1:-1]
    part = classes(volts) * PARTS + np.digitize(level, edges)
    # In each part jumps have ranks at random: those of the lowest ranks of all parts are taken.
    order = random.permutation(len(part))
    rank = np.empty(len(part), np.int64)
    for one in np.unique(part):
        places = order[part[order] == one]
        rank[places] = np.arange(len(places))
    return np.sort(order[np.argsort(rank[order], kind="stable")[:most]])


def quantised(values: Floats, step: float) -> Floats:
    """Return numbers above 0 as a file holds them: their logarithms in whole steps."""
    return np.asarray(np.exp(np.round(np.log(values) / step) * step))


def _differences(logs: Floats, step: float) -> Index:
    """Return logarithms in whole steps, each but the first of a row less the one before."""
    grid_steps = np.round(logs / step).astype(np.int64)
    return np.concatenate([grid_steps[..., :1], grid_steps[..., 1:] - grid_steps[..., :-1]], axis=-1)


def _summed(steps: Any, step: float) -> Floats:
    """Return the numbers of :func:`_differences`."""
    grid_steps = np.asarray(steps)
    if grid_steps.dtype.kind != "i":
        raise JumpError("currents and rates must be tables of whole numbers of steps")
    logs = step * np.cumsum(grid_steps, axis=-1)
    if np.any(np.abs(logs) > LARGEST):
        raise JumpError(f"logarithms of currents and rates must be between {-LARGEST:g} and {LARGEST:g}")
    return np.asarray(np.exp(logs))


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
    same_sign = left * right > 0.0
    first, second = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
    total = np.broadcast_to(first + second, left.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / (first / left + second / right)
    inner[same_sign] = mean[same_sign]
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
        values = getattr(law, name)
        if values.shape != shape or not np.all(np.isfinite(values)):
            raise JumpError(f"{name} must be finite and of shape {shape}, got shape {values.shape}")
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
        values = getattr(law, name)
        if values.size and not (values.min() >= low and values.max() < high):
            raise JumpError(f"{name} must be from {low} to {high - 1}, got {values.min()} to {values.max()}")
    checks.whole("neighbours", law.neighbours, 1, error=JumpError)
    checks.between("carry", law.carry, 0.0, 1.0, error=JumpError)
    if law.rest_carry is not None:
        checks.between("rest_carry", law.rest_carry, 0.0, 1.0, error=JumpError)
    for name in ("read_voltage", *SCALES):
        if name != "rest_scale" or law.rest_scale is not None:
            checks.between(name, getattr(law, name), 1e-6, 1e6, "1", error=JumpError)
