"""Noise layers of a card: random telegraph noise and relaxation after programming, by conductance.

Numpy only, like :mod:`frenkel.cells.card`, and vectorised over cells. Both layers are tables of states: what
lies between two states is interpolated linearly in ln(conductance); beyond the outermost state its values
hold.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, TypeVar

import numpy as np

from ..typing import Floats, Index
from ..units import BOLTZMANN_EV

SCALES = ("log", "linear")
GROWTHS = ("spread", "variance")
LARGEST, MOST_TRAPS = 100.0, 1e4
"""Bounds of logarithms, whose exponentials must be numbers, and of the mean number of traps in a cell."""

Layer = TypeVar("Layer")


class NoiseError(ValueError):
    """A noise layer is not a law, or is asked for what it does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RtnState:
    """Telegraph noise of cells of one conductance.

    Parameters
    ----------
    name : str
        Such as "hrs".
    conductance : float
        Median of the cells that were fitted (S).
    traps : float
        Mean number of traps of a cell, 0 or more.
    dispersion : float
        Variance over mean of that number, at least 1; 1: Poisson, above: negative binomial.
    amplitude : tuple of float
        Mean and standard deviation of ln(a), with the amplitude a = ln(G_high/G_low) of a trap.
    high, low : tuple of float
        Mean and standard deviation of ln(mean time in the state of high or low current / 1 s) of a trap.
    correlation : float
        Of those two logarithms, between -1 and 1.
    noise : float
        Standard deviation of white noise of a sample over its conductance.
    """

    name: str
    conductance: float
    traps: float
    dispersion: float
    amplitude: tuple[float, float]
    high: tuple[float, float]
    low: tuple[float, float]
    correlation: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        _within("conductance", self.conductance, 0.0, math.inf, "S", open_below=True)
        _within("traps", self.traps, 0.0, MOST_TRAPS, "")
        _within("dispersion", self.dispersion, 1.0, math.inf, "")
        _within("correlation", self.correlation, -1.0, 1.0, "")
        _within("noise", self.noise, 0.0, math.inf, "")
        for name in ("amplitude", "high", "low"):
            mean, deviation = getattr(self, name)
            _within(f"mean of {name}", mean, -LARGEST, LARGEST, "")
            _within(f"deviation of {name}", deviation, 0.0, LARGEST, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RtnLaw:
    """Random telegraph noise: traps, dwell times and amplitudes by state.

    Parameters
    ----------
    states : tuple of RtnState
        In ascending order of conductance.
    temperature : float
        Of the traces (K).
    activation : float
        Of both dwell times (eV): ``tau(T) = tau exp(E/k (1/T - 1/T0))``; 0: not known.
    voltage : float
        At which the traces were read (V).
    window : tuple of float
        Step and length of the traces (s): traps that are much faster or slower were not seen, and are not in
        the law.
    """

    states: tuple[RtnState, ...]
    temperature: float = 300.0
    activation: float = 0.0
    voltage: float = 0.1
    window: tuple[float, float] = (1e-6, 1.0)

    def __post_init__(self) -> None:
        _check_states(self.states)
        _within("temperature", self.temperature, 0.0, math.inf, "K", open_below=True)
        _within("activation", self.activation, 0.0, math.inf, "eV")
        _within("voltage", self.voltage, -math.inf, math.inf, "V")
        if not 0 < self.window[0] < self.window[1]:
            raise NoiseError(
                f"window must ascend from above 0 s, got {self.window[0]:g}, {self.window[1]:g} s"
            )

    def draw(
        self, conductance: Any, random: np.random.Generator, temperature: float | None = None
    ) -> "Traps":
        """Draw the traps of cells, each in a state as in equilibrium.

        Parameters
        ----------
        conductance : array_like
            Of each cell with all traps in their high state (S), any shape, above 0.
        random : numpy.random.Generator
        temperature : float, optional
            (K); default: that of the traces.
        """
        conductances = np.asarray(conductance, float)
        cells = _positive(conductances).ravel()
        number = self.numbers(cells, random)
        cell = np.repeat(np.arange(cells.size), number)
        tables = self._tables(cells)[cell]
        noise = random.standard_normal((cell.size, 3))
        # The second dwell time follows the first by their correlation.
        other = tables[:, 6] * noise[:, 1] + np.sqrt(1.0 - tables[:, 6] ** 2) * noise[:, 2]
        factor = slowing(self.activation, temperature, self.temperature)
        high = np.exp(tables[:, 2] + tables[:, 3] * noise[:, 1]) * factor
        low = np.exp(tables[:, 4] + tables[:, 5] * other) * factor
        return Traps(
            shape=conductances.shape,
            cell=cell,
            amplitude=np.exp(tables[:, 0] + tables[:, 1] * noise[:, 0]),
            high=high,
            low=low,
            is_high=random.random(cell.size) < occupancy(high, low),
        )

    def numbers(
        self, conductance: Floats, random: np.random.Generator
    ) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Draw the number of traps of each cell (flat)."""
        logs = _logs(self.states)
        mean = interpolate(logs, conductance, [s.traps for s in self.states])
        ratio = interpolate(logs, conductance, [s.dispersion for s in self.states])
        # A negative binomial is a Poisson number whose mean scatters as a gamma law.
        excess = ratio - 1.0
        shape = np.where(excess > 0, mean / np.where(excess > 0, excess, 1.0), 1.0)
        gamma = random.gamma(np.where(shape > 0, shape, 1.0)) * excess
        return random.poisson(np.where(excess > 0, gamma, mean) * (mean > 0))

    def noise(self, conductance: Any) -> Floats:
        """Return the standard deviation of the white noise over the conductance, of its shape."""
        return interpolate(_logs(self.states), _positive(conductance), [s.noise for s in self.states])

    def _tables(self, cells: Floats) -> Floats:
        columns = [(*s.amplitude, *s.high, *s.low, s.correlation) for s in self.states]
        return np.stack(
            [interpolate(_logs(self.states), cells, c) for c in zip(*columns, strict=True)], axis=1
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data."""
        return dict(to_json(asdict(self)))

    @classmethod
    def from_dict(cls, data: Any) -> "RtnLaw":
        """Return the layer in JSON data."""
        states = tuple(from_json(RtnState, state) for state in data["states"])
        return from_json(cls, data | {"states": states})


@dataclass(slots=True, kw_only=True)
class Traps:
    """Traps of many cells and their states.

    Parameters
    ----------
    shape : tuple of int
        Of the cells.
    cell : ndarray of int
        Of each trap its cell, an index into the flattened cells.
    amplitude : ndarray
        ln(G_high/G_low) of each trap.
    high, low : ndarray
        Mean times of each trap in its two states (s).
    is_high : ndarray of bool
        State of each trap.
    """

    shape: tuple[int, ...]
    cell: np.ndarray[Any, np.dtype[np.int64]]
    amplitude: Floats
    high: Floats
    low: Floats
    is_high: np.ndarray[Any, np.dtype[np.bool_]]

    def factor(self) -> Floats:
        """Return what the conductance of each cell is multiplied by, 0 to 1, shape of the cells."""
        total = np.bincount(
            self.cell, np.where(self.is_high, 0.0, self.amplitude), minlength=math.prod(self.shape)
        )
        factor: Floats = np.exp(-total).reshape(self.shape)
        return factor

    def advance(self, seconds: float, random: np.random.Generator, at: Index | None = None) -> "Traps":
        """Let time pass, exactly for any length: the state after it is drawn, jumps in between are counted.

        Parameters
        ----------
        seconds : float
            0 or more (s).
        random : numpy.random.Generator
        at : ndarray of int, optional
            Traps for which it passes; all by default.
        """
        _within("seconds", seconds, 0.0, math.inf, "s")
        cells = slice(None) if at is None else at
        high, low = self.high[cells], self.low[cells]
        rise_probability, fall_probability = switching(high, low, seconds)
        self.is_high[cells] = random.random(high.size) < np.where(
            self.is_high[cells], 1.0 - fall_probability, rise_probability
        )
        return self

    def replaced(self, cells: Index, fresh: "Traps") -> "Traps":
        """Return the traps of all cells in the order of these, with other ones in some cells.

        Parameters
        ----------
        cells : ndarray of int
            Cells that lose their traps.
        fresh : Traps
            Traps that these cells get, in the same order.
        """
        other_cells = ~np.isin(self.cell, cells)
        cell = np.concatenate((self.cell[other_cells], cells[fresh.cell]))
        order = np.argsort(cell, kind="stable")

        def merged(name: str) -> Any:
            return np.concatenate((getattr(self, name)[other_cells], getattr(fresh, name)))[order]

        numbers = {name: merged(name) for name in ("amplitude", "high", "low", "is_high")}
        return Traps(shape=self.shape, cell=cell[order], **numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaxationState:
    """Relaxation of cells of one conductance.

    Parameters
    ----------
    name : str
    conductance : float
        Median of the cells just after programming (S).
    location, spread : tuple of float
        At t0 and per unit of ln(t/t0), of the shift; see :class:`RelaxationLaw`. ``spread`` is squared
        where the variance grows.
    """

    name: str
    conductance: float
    location: tuple[float, float]
    spread: tuple[float, float]

    def __post_init__(self) -> None:
        _within("conductance", self.conductance, 0.0, math.inf, "S", open_below=True)
        for name in ("location", "spread"):
            for value in getattr(self, name):
                _within(name, value, -LARGEST, LARGEST, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaxationLaw:
    """Shift of conductances after programming: location and spread or variance linear in ln t, by state.

    ``shift(t) = a + b u + (c + d u) Q(z)`` with ``u = ln(t/t0)``, of ln(G) with the scale "log" and of G (S)
    with "linear"; with the growth "variance" the root of ``c + d u``. The rank z of a cell wanders with u:
    its correlation is ``exp(-f |du|)``. At another temperature t counts as ``t exp(-E/k (1/T - 1/T0))``.

    Parameters
    ----------
    states : tuple of RelaxationState
        In ascending order of conductance.
    scale : str
        "log" or "linear".
    reference : float
        t0 (s).
    times : tuple of float
        Earliest and latest time of the data (s).
    forgetting : float
        f, 0 or more, per unit of ln(t); 0: a cell keeps its rank.
    scores, quantiles : tuple of float
        Table of Q at Gaussian scores; both empty: a Gaussian.
    growth : str
        "spread" or "variance": what is linear in ln t.
    temperature : float
        Of the data (K).
    activation : float
        (eV): at another temperature t counts as ``t exp(-E/k (1/T - 1/T0))``; 0: not known.
    """

    states: tuple[RelaxationState, ...]
    scale: str = "log"
    reference: float = 1.0
    times: tuple[float, float] = (1.0, 1e5)
    forgetting: float = 0.0
    scores: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    temperature: float = 300.0
    activation: float = 0.0
    growth: str = "spread"

    def __post_init__(self) -> None:
        _check_states(self.states)
        if self.scale not in SCALES:
            raise NoiseError(f"scale must be one of {', '.join(SCALES)}, got {self.scale!r}")
        if self.growth not in GROWTHS:
            raise NoiseError(f"growth must be one of {', '.join(GROWTHS)}, got {self.growth!r}")
        for name, unit in (("reference", "s"), ("temperature", "K")):
            _within(name, getattr(self, name), 0.0, math.inf, unit, open_below=True)
        _within("activation", self.activation, 0.0, math.inf, "eV")
        _within("forgetting", self.forgetting, 0.0, math.inf, "")
        if not 0 < self.times[0] < self.times[1]:
            raise NoiseError(
                f"times must ascend from above 0 s, got {self.times[0]:g} and {self.times[1]:g} s"
            )
        table = np.array(self.quantiles)
        is_tabulated = len(self.scores) == len(table) != 1
        if not is_tabulated or np.any(np.diff(self.scores) <= 0) or np.any(np.diff(table) < 0):
            raise NoiseError("scores and quantiles of a relaxation must be as many and ascend, and not one")

    def relax(
        self, conductance: Any, times: Any, random: np.random.Generator, temperature: float | None = None
    ) -> Floats:
        """Return conductances at times after programming.

        Parameters
        ----------
        conductance : array_like
            Just after programming (S), any shape, above 0.
        times : float or array_like
            After programming (s), above 0, ascending.
        random : numpy.random.Generator
        temperature : float, optional
            (K); default: that of the data.

        Returns
        -------
        ndarray
            (S); of the shape of ``conductance``, with the times in front if there are several.

        Raises
        ------
        NoiseError
            A spread would be below 0 at a time, or the temperature differs without a known activation.
        """
        start = _positive(conductance)
        read_times = np.atleast_1d(np.asarray(times, float))
        if read_times.ndim != 1 or not np.all(read_times > 0) or np.any(np.diff(read_times) <= 0):
            raise NoiseError("times must ascend from above 0 s")
        ages = self.age(read_times, temperature)
        relaxed: list[Floats] = []
        rank: Floats = np.asarray(random.standard_normal(start.shape))
        for i, age in enumerate(ages):
            if i:
                rank = self.next_rank(rank, ages[i - 1], age, random)
            relaxed.append(shifted(start, self.shift(start, age, rank), self.scale))
        return relaxed[0] if np.ndim(times) == 0 else np.stack(relaxed)

    def age(self, seconds: Any, temperature: float | None = None) -> Any:
        """Return a time (s) at a temperature (K) as it would pass at the temperature of the data (s)."""
        return seconds / slowing(self.activation, temperature, self.temperature)

    def shift(self, start: Floats, age: Any, rank: Floats) -> Floats:
        """Return the shift of ln(G), or of G (S), of cells.

        Parameters
        ----------
        start : ndarray
            Conductance just after programming (S).
        age : float or ndarray
            Time since then at the temperature of the data (s), above 0.
        rank : ndarray
            Gaussian score of each cell among the others.

        Raises
        ------
        NoiseError
            A spread would be below 0.
        """
        logs, u = _logs(self.states), np.log(age / self.reference)
        location, width = (
            on_line([interpolate(logs, start, column) for column in zip(*pairs, strict=True)], u)
            for pairs in ([s.location for s in self.states], [s.spread for s in self.states])
        )
        if np.any(width < 0.0):
            raise NoiseError(
                f"the spread of the relaxation is below 0 at {np.max(age):g} s; its data span "
                f"{self.times[0]:g} to {self.times[1]:g} s"
            )
        return np.asarray(location + deviation(width, self.growth) * self.quantile(rank))

    def next_rank(self, rank: Floats, before: Any, after: Any, random: np.random.Generator) -> Floats:
        """Draw the ranks of cells at a later age (s) from those before."""
        correlation = rank_correlation(self.forgetting, np.log(after / before))
        return np.asarray(
            correlation * rank + np.sqrt(1.0 - correlation**2) * random.standard_normal(rank.shape)
        )

    def quantile(self, scores: Floats) -> Floats:
        """Return Q, which goes on beyond its table in a straight line."""
        if not self.scores:
            return scores
        return look_up(scores, np.array(self.scores), np.array(self.quantiles))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data; a growth of the spread, which cards had before there was another, is left out."""
        data = dict(to_json(asdict(self)))
        return {key: value for key, value in data.items() if (key, value) != ("growth", "spread")}

    @classmethod
    def from_dict(cls, data: Any) -> "RelaxationLaw":
        """Return the layer in JSON data."""
        states = tuple(from_json(RelaxationState, state) for state in data["states"])
        return from_json(cls, data | {"states": states})


def look_up(x: Floats, knots: Floats, table: Floats) -> Floats:
    """Return a table at x, linear between its knots and beyond them in the line of the last two."""
    low = (table[1] - table[0]) / (knots[1] - knots[0])
    high = (table[-1] - table[-2]) / (knots[-1] - knots[-2])
    values: Floats = np.interp(x, knots, table)
    values += low * np.minimum(x - knots[0], 0.0) + high * np.maximum(x - knots[-1], 0.0)
    return values


def interpolate(logs: Any, conductance: Floats, values: Any) -> Floats:
    """Return what a law has between its states, linear in ln(conductance) and constant beyond them.

    Parameters
    ----------
    logs, values : sequence of float
        ln(conductance / 1 S) of the states, ascending, and what the law has in each.
    conductance : ndarray
        (S), above 0.
    """
    between: Floats = np.interp(np.log(conductance), logs, values)
    return between


def on_line(numbers: Any, u: Any) -> Any:
    """Return ``a + b u`` of the two numbers of a location or spread, with u = ln(t/t0)."""
    return numbers[0] + numbers[1] * u


def deviation(width: Any, growth: str) -> Any:
    """Return the standard deviation, its root where it is the variance that grows in a line."""
    return np.sqrt(width) if growth == "variance" else width


def shifted(start: Any, shift: Any, scale: str) -> Any:
    """Return conductances (S) after shifts of ln(G), with the scale "log", or of G (S), with "linear"."""
    return start * np.exp(shift) if scale == "log" else start + shift


def rank_correlation(forgetting: float, distance: Any) -> Any:
    """Return ``exp(-f du)``, the correlation of ranks over a distance in ln(t)."""
    return np.exp(-forgetting * distance)


def occupancy(high: Any, low: Any) -> Any:
    """Return the fraction of time in the high state, ``p = tau_high / (tau_high + tau_low)``."""
    return high / (high + low)


def switching_rate(high: Any, low: Any) -> Any:
    """Return the rate at which a trap comes to its equilibrium, ``1/tau_high + 1/tau_low`` (1/s)."""
    return 1.0 / high + 1.0 / low


def switching(high: Any, low: Any, seconds: float) -> tuple[Any, Any]:
    """Return the probabilities that a trap is found in its other state after a time (s): from low, from high.

    ``P(low -> high) = p (1 - exp(-t (1/tau_high + 1/tau_low)))`` and ``P(high -> low)`` the same with 1 - p:
    exact for any time, since returns in between are counted.
    """
    fraction, settled = occupancy(high, low), -np.expm1(-seconds * switching_rate(high, low))
    return settled * fraction, settled * (1.0 - fraction)


def thermal_factor(activation: float, temperature: float, reference: float) -> float:
    """Return ``exp(E/k (1/T - 1/T0))``, by which times are longer at T than at T0 (K); E in eV."""
    return math.exp(activation / BOLTZMANN_EV * (1.0 / temperature - 1.0 / reference))


def slowing(activation: float, temperature: float | None, reference: float) -> float:
    """Return the `thermal_factor` of a law, 1 at the temperature of its data (K) or where none is given.

    Raises
    ------
    NoiseError
        A temperature that is none, or another one than that of data without an activation energy.
    """
    if temperature is None or temperature == reference:
        return 1.0
    _within("temperature", temperature, 0.0, math.inf, "K", open_below=True)
    if activation == 0:
        raise NoiseError(
            f"the noise was measured at {reference:g} K and has no activation energy, got {temperature:g} K"
        )
    return thermal_factor(activation, temperature, reference)


def to_json(value: Any) -> Any:
    """Return what a dataclass holds as JSON data: tuples become lists."""
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    return {name: to_json(item) for name, item in value.items()} if isinstance(value, dict) else value


def from_json(kind: type[Layer], data: dict[str, Any]) -> Layer:
    """Return a dataclass from JSON data: lists become tuples."""
    for item in fields(kind):  # type: ignore[arg-type]
        if item.name not in data and item.default is MISSING:
            raise NoiseError(f"{kind.__name__} has no {item.name!r}")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})


def _logs(states: Sequence[Any]) -> list[float]:
    return [math.log(state.conductance) for state in states]


def _check_states(states: Sequence[Any]) -> None:
    values = [state.conductance for state in states]
    if not values or any(b <= a for a, b in itertools.pairwise(values)):
        raise NoiseError(f"states must be at least one and ascend in conductance, S, got {values}")


def _positive(conductance: Any) -> Floats:
    values = np.asarray(conductance, float)
    if not np.all(values > 0):
        raise NoiseError(f"conductance must be above 0 S in every cell, got {np.min(values):g} S")
    return values


def _within(name: str, value: float, low: float, high: float, unit: str, *, open_below: bool = False) -> None:
    in_range = low < value <= high if open_below else low <= value <= high
    if math.isnan(value) or not in_range:
        limit = f"above {low:g}" if open_below else f"from {low:g} to {high:g}"
        raise NoiseError(f"{name} must be {limit} {unit}".rstrip() + f", got {value:g}")
