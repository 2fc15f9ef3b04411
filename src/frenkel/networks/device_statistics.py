"""What a network needs to know of a device: a dozen numbers, each with where it comes from.

The numbers are those of a fitted card or of measured cells as far as these have them; of what they lack
nothing acts, and it is marked "absent". Studies sweep "value of the device times a factor" with
:meth:`DeviceStatistics.scaled`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import provenance
from ..analysis.reliability.pulse_trains import statistics
from ..cells.card import Card, CardError
from ..cells.noise import occupancy, shifted
from ..cells.relaxed import RelaxedCells
from ..checks import at_least, between, one_of
from ..typing import Floats
from . import retention
from .measured import PREFIX, Measured, file_of, read

_NUMBERS = {
    "g_min": (1e-6, 0.0, 1.0, "S"),
    "g_max": (1e-4, 1e-15, 1.0, "S"),
    "variability": (0.1, 0.0, 10.0, "(sd of ln G)"),
    "read_noise": (0.005, 0.0, 10.0, "of g_max"),
    "rtn_amplitude": (0.05, 0.0, 10.0, "of G at g_max"),
    "rtn_occupancy": (0.5, 0.0, 1.0, ""),
    "drift_mean": (0.02, -10.0, 10.0, ""),
    "drift_spread": (0.01, 0.0, 10.0, ""),
    "drift_start": (1.0, 1e-12, 1e12, "s"),
    "nonlinearity_up": (1.0, -9.9, 9.9, "(label)"),
    "nonlinearity_down": (1.0, -9.9, 9.9, "(label)"),
    "pulses": (64, 1, 10**6, ""),
    "cycle_noise": (0.01, 0.0, 1.0, "of the window"),
}
"""Placeholder, least and largest value of each number, and its unit."""

PLACEHOLDER: dict[str, float] = {name: number for name, (number, *_) in _NUMBERS.items()}
"""Chosen, plausible for filaments in an oxide, neither measured nor computed: for trying things out where
there is neither a card nor a measurement."""

LAYERS = {
    "blind pulses": ("variability",),
    "read noise": ("read_noise",),
    "telegraph noise": ("rtn_amplitude", "rtn_occupancy"),
    "relaxation": ("drift_mean", "drift_spread", "drift_start"),
    "pulse trains": ("nonlinearity_up", "nonlinearity_down", "pulses", "cycle_noise"),
}
"""What a device may do beside having a window, and the numbers that tell it."""

_ABSENT = PLACEHOLDER | dict.fromkeys(
    ("variability", "read_noise", "rtn_amplitude", "drift_mean", "drift_spread", "nonlinearity_up",
     "nonlinearity_down", "cycle_noise"), 0.0,
)  # fmt: skip
"""Numbers of a device that does nothing of all this."""

KNOWN = ("card", "measured", "stated")
"""Origins of numbers that a device or a user stands behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatistics:
    """Statistics of a device as a network sees it.

    Parameters
    ----------
    g_min, g_max : float
        Window that cells are programmed in (S), 0 <= g_min < g_max.
    variability : float
        Standard deviation of ln G around its target after programming without verification, 0 or more.
    read_noise : float
        Standard deviation of one read as a fraction of g_max; fresh in every read, independent of G.
    rtn_amplitude, rtn_occupancy : float
        Random telegraph noise takes ``a (G/g_max)^(-1/2)`` of G away while its trap is filled, which it is
        for a share ``occupancy`` of the time; the mean over time is the programmed G.
    drift_mean, drift_spread, drift_start : float
        G(t) = G (t / drift_start)^(-nu) after drift_start (s); nu of each device is drawn from a normal law.
    nonlinearity_up, nonlinearity_down : float
        Labels (-9.9 to 9.9) of trains of equal pulses up and down, see
        `linearity.nonlinearity`: positive where the first pulses change most, in either
        direction.
    pulses : int
        That the way from g_min to g_max takes.
    cycle_noise : float
        Standard deviation of the change by one pulse, as a fraction of the window.
    origins : mapping
        Of each number above: "card", "measured", "stated" by the user, "chosen" (it follows from a constant
        that somebody chose), "absent" (the source does not tell: nothing of it acts), "placeholder".
    source : str
        Name of the card, or of what else the numbers come from.
    relaxation : RelaxedCells, optional
        Measured cells, or those of a jump-process model, that stand for programmed ones as time passes,
        instead of the power law.

    Raises
    ------
    ValueError
        A number outside its range.
    """

    g_min: float
    g_max: float
    variability: float
    read_noise: float
    rtn_amplitude: float
    rtn_occupancy: float
    drift_mean: float
    drift_spread: float
    drift_start: float
    nonlinearity_up: float
    nonlinearity_down: float
    pulses: int
    cycle_noise: float
    origins: Mapping[str, str] = field(default_factory=dict)
    source: str = "stated by the user"
    relaxation: RelaxedCells | None = None

    def __post_init__(self) -> None:
        for name, (_, least, most, unit) in _NUMBERS.items():
            between(name, getattr(self, name), least, most, unit)
        if not self.g_min < self.g_max:
            raise ValueError(f"g_min must be below g_max, got {self.g_min:g} and {self.g_max:g} S")

    @property
    def window(self) -> tuple[float, float]:
        """Smallest and largest conductance that cells are programmed to (S)."""
        return self.g_min, self.g_max

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers alone, by name."""
        return {name: getattr(self, name) for name in _NUMBERS}

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of all numbers, origins and the source."""
        parts = self.numbers | {"origins": dict(self.origins), "source": self.source}
        if self.relaxation is not None:
            parts["relaxation"] = self.relaxation.hash
        return provenance.digest(parts)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the numbers that no device stands behind."""
        return tuple(name for name in _NUMBERS if self.origins.get(name) == "placeholder")

    def knows(self, layer: str) -> bool:
        """Return whether a card, a measurement or the user tells what the device does of a layer.

        Parameters
        ----------
        layer : {"blind pulses", "read noise", "telegraph noise", "relaxation", "pulse trains"}
        """
        one_of("layer", layer, LAYERS)
        if layer == "relaxation" and self.relaxation is not None:
            return True
        # Numbers without an origin were given by hand.
        return all(self.origins.get(name, "stated") in KNOWN for name in LAYERS[layer])

    @property
    def missing(self) -> tuple[str, ...]:
        """Layers (:data:`LAYERS`) of which neither a card nor a measurement nor the user tells anything."""
        return tuple(layer for layer in LAYERS if not self.knows(layer))

    @property
    def longest(self) -> float:
        """Time (s) up to which relaxation is told; infinite for the power law."""
        return math.inf if self.relaxation is None else float(self.relaxation.times[-1])

    def changed(self, **values: Any) -> DeviceStatistics:
        """Return statistics with some numbers replaced; their origin becomes "stated"."""
        return replace(self, **values, origins=dict(self.origins) | dict.fromkeys(values, "stated"))

    def scaled(self, **factors: float) -> DeviceStatistics:
        """Return statistics with some numbers times a factor (0 or more), origins kept.

        ``drift`` scales mean and spread of the exponent together, ``rtn`` its amplitude. ``nonlinearity``
        scales the curvatures b behind both labels, since a label cannot exceed 10.
        """
        groups = {"drift": ("drift_mean", "drift_spread"), "rtn": ("rtn_amplitude",)}
        new: dict[str, Any] = {}
        for name, factor in factors.items():
            if name == "nonlinearity":
                for single in ("nonlinearity_up", "nonlinearity_down"):
                    new[single] = label_of(curvature(getattr(self, single)) * factor)
                continue
            for single in groups.get(name, (name,)):
                new[single] = getattr(self, single) * factor
        return replace(self, **new)

    # ------------------------------------------------------------------ what it does to conductances

    def programmed(self, target: ArrayLike, random: np.random.Generator) -> Floats:
        """Return conductances (S) around their targets (S), G exp(variability N(0, 1))."""
        g = np.asarray(target, float)
        if self.variability == 0.0:
            return g.copy()
        return np.asarray(g * np.exp(self.variability * random.standard_normal(g.shape)))

    def exponents(self, shape: tuple[int, ...], random: np.random.Generator) -> Floats:
        """Return drift exponents of devices, or which of the measured cells each follows (0 to 1)."""
        if self.relaxation is not None:
            return random.random(shape)
        return self.drift_mean + self.drift_spread * random.standard_normal(shape)

    def drifted(self, conductance: Floats, exponents: Floats, time: float) -> Floats:
        """Return conductances (S) at a time after programming (s); unchanged up to ``drift_start``.

        Raises
        ------
        NoiseError
            The cells follow measured ones, which were not read for so long.
        """
        at_least("time", time, 0.0, "s")
        if self.relaxation is not None:
            return self.relaxation.after(conductance, exponents, time)
        if time <= self.drift_start:
            return conductance
        shift = -exponents * math.log(time / self.drift_start)
        return np.asarray(shifted(conductance, shift, "log"))

    def telegraph(
        self, conductance: Floats, random: np.random.Generator, step: Floats | None = None
    ) -> Floats:
        """Return conductances (S) at one moment of their random telegraph noise.

        dG = step (p - s) with s = 1 while the trap is filled and p the occupancy. The step (S) is that of
        :meth:`telegraph_step` unless it is given.
        """
        if self.rtn_amplitude == 0.0:
            return conductance
        step = self.telegraph_step(conductance) if step is None else step
        filled = random.random(conductance.shape) < self.rtn_occupancy
        shown = self.rtn_occupancy * step
        shown += conductance
        shown -= step * filled
        return np.asarray(shown)

    def telegraph_step(self, conductance: Floats) -> Floats:
        """Return steps (S) of random telegraph noise at conductances (S).

        a sqrt(G g_max), which is a (G/g_max)^(-1/2) of G; at most the programmed G, which cells below
        a^2 g_max reach: they switch between (1 + p) G and p G.
        """
        step = np.sqrt(conductance * self.g_max)
        step *= self.rtn_amplitude
        # The law of the square root ends where the step is all of the programmed G. Chosen.
        return np.asarray(np.minimum(step, conductance, out=step))

    # ------------------------------------------------------------------ pulses

    def curvature(self, up: bool) -> float:
        """Return b of the law of pulses, see :meth:`pulsed`, for the label of one direction."""
        return curvature(self.nonlinearity_up if up else self.nonlinearity_down)

    def pulsed(
        self, share: Floats, count: Floats, random: np.random.Generator, limits: tuple[float, float] = (0, 1)
    ) -> Floats:
        """Return places in the window (0 to 1) after equal pulses.

        From one end of the window x(n) = (1 - exp(-b n/N)) / (1 - exp(-b)) after n of N pulses, which is the
        update of NeuroSim, and so x -> X - (X - x) exp(-b n/N) with X = 1/(1 - exp(-b)) from anywhere; down
        the same from the other end. The device ends at the ends of its window.

        Parameters
        ----------
        share : ndarray
            (G - g_min) / (g_max - g_min) before.
        count : ndarray
            Pulses, positive up, negative down; need not be whole.
        random : numpy.random.Generator
            For the noise of single pulses, ``cycle_noise sqrt(|n|)``.
        limits : tuple of float
            Ends of the window, 0 and 1.
        """
        rise = _moved(share, np.maximum(count, 0.0) / self.pulses, self.curvature(True))
        change = 1.0 - _moved(1.0 - rise, np.maximum(-count, 0.0) / self.pulses, self.curvature(False))
        if self.cycle_noise:
            change = change + self.cycle_noise * np.sqrt(np.abs(count)) * random.standard_normal(share.shape)
        return np.asarray(np.minimum(np.maximum(change, limits[0]), limits[1]))


def _moved(share: Floats, part: Floats, b: float) -> Floats:
    """Return the place after a part of all pulses upwards, without the end of the window."""
    if abs(b) < 1e-9:
        return share + part
    end = 1.0 / -math.expm1(-b)
    return np.asarray(end - (end - share) * np.exp(-b * part))


@functools.cache
def curvature(label: float) -> float:
    """Return b of ``g = (1 - exp(-b p)) / (1 - exp(-b))`` that has a nonlinearity label (-9.9 to 9.9).

    The label is 10 times the largest distance of g from p. It is odd in b.
    """
    between("nonlinearity label", label, -9.9, 9.9)
    if abs(label) < 1e-6:
        return 0.0
    from scipy.optimize import brentq  # scipy.optimize, and only measured pulses need it

    return math.copysign(float(brentq(lambda b: label_of(b) - abs(label), 1e-7, 1e4)), label)


def label_of(b: float) -> float:
    """Return the nonlinearity label of ``g = (1 - exp(-b p)) / (1 - exp(-b))``."""
    size = abs(b)
    if size < 1e-7:
        return 0.0
    scale = -math.expm1(-size)
    inverse_slope = math.log(size / scale) / size  # where g has the slope of the straight line
    return math.copysign(10.0 * (-math.expm1(-size * inverse_slope) / scale - inverse_slope), b)


def placeholder(**values: Any) -> DeviceStatistics:
    """Return the placeholder set, with some numbers replaced."""
    numbers: dict[str, Any] = dict(PLACEHOLDER)
    cell = DeviceStatistics(**numbers, origins=dict.fromkeys(_NUMBERS, "placeholder"), source="placeholder")
    return cell.changed(**values) if values else cell


def from_card(card: Card, *, temperature: float | None = None) -> DeviceStatistics:
    """Return the statistics of a card; of layers that it lacks nothing acts, and they are marked "absent".

    Parameters
    ----------
    card : Card
        With the features ``hrs`` and ``lrs``. Its RTN and relaxation layers are used where it has them, at
        the state of largest conductance; without the latter its jump-process model gives the retention.
        Its core, where it has one, says how it answers trains of pulses: these numbers are marked
        "chosen", since the core's drive is (docs/compact.md).
    temperature : float, optional
        (K); checked against the box of the card.

    Raises
    ------
    CardError
        The card has no ``hrs`` or ``lrs``, or its box does not hold the temperature.
    """
    lacking = [name for name in ("hrs", "lrs") if name not in card.names]
    if lacking:
        raise CardError(f"card {card.name} has no feature {' and '.join(lacking)}, so it gives no window")
    if temperature is not None:
        card.check(temperature=temperature, strict=True)
    cycles = int(min(50, card.validity.get("cycles", (1, 50))[1]))
    sampled = card.sample(400, cycles, seed=0)
    low, high = np.log(sampled["hrs"]), np.log(sampled["lrs"])
    layers: dict[str, float] = {
        "g_min": float(np.exp(-np.median(low))),
        "g_max": float(np.exp(-np.median(high))),
        # Programmed to one level without verification: devices and cycles together.
        "variability": float(high.std()),
    }
    layers |= _telegraph(card) | _relaxation(card, float(np.exp(-np.median(high))))
    origins = {name: "card" if name in layers else "absent" for name in _NUMBERS}
    trains = _trains(card)
    origins |= dict.fromkeys(trains, "chosen")
    numbers: dict[str, Any] = _ABSENT | layers | trains
    stored = None
    if card.jump_law is not None and card.relaxation_law is None and retention.is_described(card.jump_law):
        stored = retention.simulate(card.jump_law, temperature)
    source = f"card {card.name} {card.version}"
    return DeviceStatistics(**numbers, origins=origins, source=source, relaxation=stored)


def _telegraph(card: Card) -> dict[str, float]:
    """Return the numbers of the RTN layer: one trap stands for all of a cell, its step their rms sum.

    White noise of the card is a fraction of G; that of the state of largest G is taken for all cells as a
    fraction of g_max, which is too much for cells of small G.
    """
    law = card.rtn_law
    if law is None:
        return {}
    state = max(law.states, key=lambda s: s.conductance)
    mean, sd = state.amplitude
    # Root of the mean square of a lognormal step of ln G, as a fraction of G.
    step = -math.expm1(-math.exp(mean + sd * sd) * math.sqrt(state.traps))
    high, low = math.exp(state.high[0]), math.exp(state.low[0])
    return {"rtn_amplitude": step, "rtn_occupancy": occupancy(low, high), "read_noise": state.noise}


def _relaxation(card: Card, g_max: float) -> dict[str, float]:
    """Return drift exponents: the slopes of ln G against ln t, of the middle and of the spread."""
    law = card.relaxation_law
    if law is None:
        return {}
    state = max(law.states, key=lambda s: s.conductance)
    unit = 1.0 if law.scale == "log" else g_max
    return {
        "drift_mean": -state.location[1] / unit,
        "drift_spread": abs(state.spread[1]) / unit,
        "drift_start": law.reference,
    }


def _trains(card: Card) -> dict[str, float]:
    """Return labels and noise of trains of pulses by the core, nothing without one.

    The amplitude is that which goes through the window in the number of pulses of the placeholders.
    """
    if not card.core:
        return {}
    pulses = int(PLACEHOLDER["pulses"])
    pulsed = statistics(card, pulses)
    return {
        "pulses": pulses,
        "nonlinearity_up": pulsed.label_up,
        "nonlinearity_down": -pulsed.label_down,  # its sign is that of the benchmark tables
        "cycle_noise": pulsed.cycle,
    }


def from_measured(found: Measured) -> DeviceStatistics:
    """Return the statistics of measured cells; of what was not measured nothing acts, marked "absent"."""
    by_measurement: dict[str, float] = {"g_min": found.window[0], "g_max": found.window[1]}
    if found.variability is not None:
        by_measurement["variability"] = found.variability
    origins = {name: "measured" if name in by_measurement else "absent" for name in _NUMBERS}
    numbers: dict[str, Any] = _ABSENT | by_measurement
    return DeviceStatistics(
        **numbers, origins=origins, source=f"measured cells, {found.source}", relaxation=found.relaxation
    )


Source = DeviceStatistics | Card | str | Path | None
"""Where statistics come from: see :func:`statistics_of`."""


def card_of(source: Source) -> Card | None:
    """Return the card that a source is or names; None for measured cells, statistics and the placeholder."""
    if isinstance(source, Card):
        return source
    if source is None or isinstance(source, DeviceStatistics) or str(source).startswith(PREFIX):
        return None
    return Card.load(source)


def statistics_of(source: Source, *, temperature: float | None = None) -> DeviceStatistics:
    """Return the statistics of a source.

    Parameters
    ----------
    source : Card, path, str, DeviceStatistics or None
        A card, its path or the name of a packaged one; "measured:NAME" for a table of examples/measured or
        the path of one's own; statistics themselves; None: the placeholder set.
    temperature : float, optional
        (K); checked against the box of a card.

    Raises
    ------
    CardError
        The card cannot be read, has no window, or is used outside its box.
    MeasuredError
        The measurement holds no window.
    """
    if source is None:
        return placeholder()
    if isinstance(source, DeviceStatistics):
        return source
    card = card_of(source)
    if card is None:
        return from_measured(read(file_of(str(source))))
    return from_card(card, temperature=temperature)
