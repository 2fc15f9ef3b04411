"""Card: a statistical compact model of a cell as data, with its provenance, its limits and its test results.

A card is a JSON file; what is read and what is written follow :mod:`frenkel.cells.schema`. Sampling needs
numpy only. The law of a card has two layers. Every device has a location
and a spread for each feature, drawn together from a mixture of Gaussians (device to device). Around them
each cycle draws from a vector autoregression of Gaussian scores that are mapped to the distribution of the
feature by its table of quantiles (cycle to cycle)::

    z[c] = sum_i A_i z[c-i] + e[c],   e ~ N(0, S)
    t(feature[d, c]) = location[d] + spread[d] * Q(z[c])

with t the logarithm for resistances and the identity for voltages. Where the values stand on levels that all
devices share, devices differ in ranks: ``t = W^-1(logarithm)`` with the table W of a feature. Two more layers
are optional, random telegraph noise and relaxation, by conductance: :mod:`frenkel.cells.noise`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks
from ..typing import Floats
from . import files, shown
from ._sampler import widest
from .cycle_sampler import CycleSampler
from .files import KIND as KIND
from .files import LARGEST as LARGEST
from .files import SCHEMA_VERSION as SCHEMA_VERSION
from .files import CardError as CardError
from .files import CardWarning as CardWarning
from .files import check_version
from .files import checksum as checksum
from .jump_cells import JumpCells
from .jumps import JumpLaw
from .law import CycleArrays, Feature, companion, stationary
from .noise import RelaxationLaw, RtnLaw, Traps, from_json, look_up, to_json
from .pulses import PulseLaw

WIDEST_SCORES = 100.0
"""Largest variance of the scores of a law: Gaussian, with tables of quantiles made for a variance of 1."""

TRANSFORMS = ("log", "linear")
BOX = {"voltage": "V", "pulse_width": "s", "temperature": "K", "cycles": "1", "time": "s"}
"""Quantities that a validity box can limit, and their units."""

LAYERS: dict[str, Any] = {"rtn": RtnLaw, "relaxation": RelaxationLaw, "jumps": JumpLaw, "pulses": PulseLaw}
"""Layers that a file may have beside the cycle model."""

FEATURE_KEYS = ("name", "unit", "transform", "sign", "missing", "quantiles", "ranks", "levels")
DEVICE_KEYS = ("weights", "means", "covariances")
CYCLE_KEYS = ("coefficients", "innovation")
"""Keys of a file, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Statistical compact model of a cell.

    Parameters
    ----------
    name, version : str
        Of the card; the version is semantic (``major.minor.patch``).
    features : tuple of Feature
        k of them.
    scores : ndarray
        Gaussian scores at which the quantiles stand, ascending.
    weights, means, covariances : ndarray
        Device to device: (m,), (m, 2k), (m, 2k, 2k), over the k locations and then the k ln(spread).
    coefficients, innovation : ndarray
        Cycle to cycle: (p, k, k) and (k, k).
    core : mapping
        Parameters of the rate equation that exports use, SI; empty: none.
    rtn_law, relaxation_law : RtnLaw or None, RelaxationLaw or None
        Noise layers.
    jump_law : JumpLaw or None
        What any voltage and temperature does to a state, where the ensemble was measured for it.
    pulse_law : PulseLaw or None
        What a pulse does to a state, where pulses were measured.
    validity : mapping
        Of each quantity of :data:`BOX` its smallest and largest value.
    gate : tuple of mapping
        Results of the acceptance test: statistic, value, floor, limit, passed (None: it cannot be judged).
    intervals : mapping
        Name of a parameter to its lower and upper bound, and ``level`` in ``provenance``.
    provenance : mapping
        What made the ensemble and the fit.
    """

    name: str
    version: str
    features: tuple[Feature, ...]
    scores: Floats
    weights: Floats
    means: Floats
    covariances: Floats
    coefficients: Floats
    innovation: Floats
    core: Mapping[str, float] = field(default_factory=dict)
    rtn_law: RtnLaw | None = None
    relaxation_law: RelaxationLaw | None = None
    jump_law: JumpLaw | None = None
    pulse_law: PulseLaw | None = None
    validity: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    gate: tuple[Mapping[str, Any], ...] = ()
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self)

    def __repr__(self) -> str:
        passed = sum(bool(row["passed"]) for row in self.gate)
        gate = f"{passed} of {len(self.gate)} rows of its gate passed" if self.gate else "no gate"
        return f"<Card {self.name} {self.version}: {', '.join(self.names)}; {gate}>"

    def _repr_html_(self) -> str:
        return shown.html(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(feature.name for feature in self.features)

    def sample(self, devices: int, cycles: int, seed: int, *, strict: bool = False) -> dict[str, Floats]:
        """Draw devices and their cycles.

        Parameters
        ----------
        devices, cycles : int
            At least 1.
        seed : int
            0 or more; the same seed gives the same numbers.
        strict : bool
            Whether more cycles than the ensemble had are an error instead of a warning.

        Returns
        -------
        dict of str to ndarray
            Of each feature its values (its unit), shape (devices, cycles).

        Raises
        ------
        ValueError
            A number is out of range.
        CardError
            ``strict`` and outside the box.
        """
        for name, number, low in (("devices", devices, 1), ("cycles", cycles, 1), ("seed", seed, 0)):
            checks.whole(name, number, low)
        self.check(cycles=cycles, strict=strict)
        random = np.random.default_rng(seed)
        law = self.law()
        locations, spreads = self.draw_devices(devices, random)
        noise = random.standard_normal((devices, cycles, len(self.features)))
        history = law.begin(devices, random)
        drawn_values = law.draw(noise, np.arange(devices), history, locations, spreads)
        return dict(zip(self.names, drawn_values, strict=True))

    def cells(self, number: int, seed: int) -> CycleSampler:
        """Return cells that draw cycle after cycle, each with its own memory, for arrays.

        Parameters
        ----------
        number : int
            At least 1.
        seed : int
            0 or more.
        """
        checks.whole("number", number, 1)
        checks.whole("seed", seed, 0)
        # Normal numbers are a third of the cost, and of this generator a sixth less.
        random = np.random.Generator(np.random.SFC64(seed))
        return CycleSampler(self.law(), self.names, *self.draw_devices(number, random), random)

    def law(self) -> CycleArrays:
        """Return the arrays of the compiled sampler."""
        return CycleArrays(self.features, self.scores, self.coefficients, self.innovation)

    def rtn(self, conductance: Any, random: np.random.Generator, temperature: float | None = None) -> Traps:
        """Draw the traps of cells, by :class:`frenkel.cells.noise.RtnLaw`.

        Parameters
        ----------
        conductance : array_like
            Of each cell with its traps in their high state (S), any shape, above 0.
        random : numpy.random.Generator
        temperature : float, optional
            (K); default: that of the traces.

        Raises
        ------
        CardError
            The card has no such layer.
        """
        if self.rtn_law is None:
            raise CardError(f"card {self.name} has no layer of random telegraph noise")
        return self.rtn_law.draw(conductance, random, temperature)

    def jump_cells(
        self, number: int, seed: int, *, state: str = "hrs", temperature: float | None = None
    ) -> JumpCells:
        """Return cells for pulses, holds, rests and ramps, by :class:`frenkel.cells.jump_cells.JumpCells`.

        Raises
        ------
        CardError
            The card has no jump-process model.
        """
        if self.jump_law is None:
            raise CardError(f"card {self.name} has no jump-process model: it lacks {self.cannot_tell()[0]}")
        return JumpCells(self.jump_law, number, seed, state, temperature)

    def cannot_tell(self) -> tuple[str, ...]:
        """Return what the data of the card cannot tell, each in a few words."""
        unknown_effects = []
        if self.jump_law is None:
            pulses = "" if self.pulse_law is not None else "pulses, "
            unknown_effects += [f"what {pulses}holds and other ramps do", "half-select and read disturb"]
            unknown_effects += ["what temperature does to switching"]
        elif len(self.jump_law.temperatures) == 1:
            unknown_effects += [f"other temperatures than {self.jump_law.temperatures[0]:g} K"]
        else:
            unknown_effects += [
                f"what temperature does to currents: those are of {self.jump_law.temperatures[0]:g} K"
            ]
        if self.jump_law is None and not self.core:
            unknown_effects += ["currents at other voltages than that of reading"]
        if self.jump_law is None and self.relaxation_law is None:
            unknown_effects += ["what rest does to a state"]
        return (*unknown_effects, *(["telegraph noise"] if self.rtn_law is None else []))

    def relax(
        self, conductance: Any, times: Any, random: np.random.Generator, temperature: float | None = None
    ) -> Floats:
        """Return conductances (S) at times after programming, by :class:`frenkel.cells.noise.RelaxationLaw`.

        Parameters
        ----------
        conductance : array_like
            Just after programming (S), any shape, above 0.
        times : float or array_like
            (s), above 0, ascending; outside of those of the data the card warns.
        random : numpy.random.Generator
        temperature : float, optional
            (K); default: that of the data.

        Raises
        ------
        CardError
            The card has no such layer.
        """
        if self.relaxation_law is None:
            raise CardError(f"card {self.name} has no layer of relaxation")
        for time in {float(np.min(times)), float(np.max(times))}:
            self.check(time=time)
        return self.relaxation_law.relax(conductance, times, random, temperature)

    def draw_devices(self, devices: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Return locations and spreads in transformed space, each (devices, k)."""
        k = len(self.features)
        component = random.choice(len(self.weights), size=devices, p=self.weights / self.weights.sum())
        noise = random.standard_normal((devices, 2 * k))
        roots = np.array([np.linalg.cholesky(c) for c in self.covariances])
        locations = self.means[component] + np.einsum("dij,dj->di", roots[component], noise)
        return locations[:, :k], np.exp(locations[:, k:])

    def draw_scores(self, devices: int, cycles: int, random: np.random.Generator) -> Floats:
        """Return Gaussian scores (devices, cycles, k) of the stationary autoregression."""
        p, k, _ = self.coefficients.shape
        root = np.linalg.cholesky(self.innovation)
        scores = np.empty((devices, p + cycles, k))
        scores[:, p:] = random.standard_normal((devices, cycles, k)) @ root.T
        if p:
            start = np.linalg.cholesky(self.stationary())
            # The companion form holds the newest cycle first.
            first = random.standard_normal((devices, p * k)) @ start.T
            scores[:, :p] = first.reshape(devices, p, k)[:, ::-1]
        for c in range(p, p + cycles):
            for i in range(p):
                scores[:, c] += scores[:, c - 1 - i] @ self.coefficients[i].T
        return scores[:, p:]

    def stationary(self) -> Floats:
        """Return the covariance of p successive scores, newest first, shape (p k, p k)."""
        return stationary(self.coefficients, self.innovation)

    def quantile(self, feature: int, scores: Floats) -> Floats:
        """Return Q of one feature at scores; beyond the table it goes on in a straight line."""
        return look_up(scores, self.scores, np.array(self.features[feature].quantiles))

    def check(self, *, strict: bool = False, **values: float) -> None:
        """Warn of, or refuse, a use outside the box.

        Parameters
        ----------
        strict : bool
            Error instead of warning.
        **values : float
            ``voltage`` (V), ``pulse_width`` (s), ``temperature`` (K), ``cycles``, ``time`` (s).
        """
        for name, value in values.items():
            if name not in BOX:
                raise ValueError(f"a box can limit {', '.join(BOX)}, got {name}")
            if name not in self.validity:
                continue
            low, high = self.validity[name]
            if not low <= value <= high:
                unit = "" if BOX[name] == "1" else f" {BOX[name]}"
                text = f"{name} {value:g}{unit} lies outside the box of card {self.name}: {low:g} to {high:g}"
                if strict:
                    raise CardError(text + unit)
                files.warn(text + unit)

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON data, checksum included."""
        data: dict[str, Any] = {
            "kind": KIND,
            "schema": SCHEMA_VERSION,
            "name": self.name,
            "version": self.version,
            "features": [{key: to_json(getattr(f, key)) for key in FEATURE_KEYS} for f in self.features],
            "scores": self.scores.tolist(),
            "device": {name: getattr(self, name).tolist() for name in DEVICE_KEYS},
            "cycle": {name: getattr(self, name).tolist() for name in CYCLE_KEYS},
            "core": dict(self.core),
            "rtn": None if self.rtn_law is None else self.rtn_law.to_dict(),
            "relaxation": None if self.relaxation_law is None else self.relaxation_law.to_dict(),
            "jumps": None if self.jump_law is None else self.jump_law.to_dict(),
            **({} if self.pulse_law is None else {"pulses": self.pulse_law.to_dict()}),
            "validity": {
                name: {"low": low, "high": high, "unit": BOX[name]}
                for name, (low, high) in self.validity.items()
            },
            "gate": [dict(row) for row in self.gate],
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "provenance": dict(self.provenance),
        }
        return data | {"checksum": checksum(data)}

    @classmethod
    def from_dict(cls, data: Any, origin: str = "the card") -> "Card":
        """Return the card in JSON data.

        Raises
        ------
        CardError
            It is not a card, is of another schema, does not follow the schema, was changed after it was
            written, or its numbers make no law.
        """
        from . import schema  # pydantic, which is slow to import

        if not isinstance(data, dict) or data.get("kind") != KIND:
            raise CardError(f"{origin} is not a {KIND}")
        check_version(data, origin)
        if data.get("checksum") != checksum({k: v for k, v in data.items() if k != "checksum"}):
            raise CardError(f"{origin} was changed after it was written: its checksum does not fit")
        try:
            schema.check(data)
            return cls(**_fields(data))
        except ValueError as error:
            raise CardError(f"{origin} is not a valid card: {error}") from error

    @classmethod
    def load(cls, path: str | Path) -> "Card":
        """Return a packaged card by its name, "hfo2" or "mos2-au", or the card in a file.

        Raises
        ------
        CardError
            As :meth:`from_dict`; or the file is no JSON, such as a truncated one, or too large; or there is
            no packaged card of this name.
        OSError
            The file cannot be read.

        Warns
        -----
        CardWarning
            The card failed its gate, or nothing judged it.
        """
        card = cls.from_dict(files.read(path), str(path))
        doubt = card.doubt
        if doubt is not None:
            files.warn(doubt)
        return card

    @property
    def doubt(self) -> str | None:
        """What validation says against the card, a sentence; None where all rows that it can judge passed."""
        failed = [row for row in self.gate if row["passed"] is False]
        if failed:
            worst = max(failed, key=lambda row: row["value"] / row["limit"] if row["limit"] else math.inf)
            return (
                f"card {self.name} failed {len(failed)} of {len(self.gate)} rows of its gate, such as "
                f"{worst['statistic']}: {worst['value']:.3g}, limit {worst['limit']:.3g}"
            )
        if not any(row["passed"] for row in self.gate):
            return f"card {self.name} was judged by nothing: frenkel validate compares it with other devices"
        return None


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a card: the keys of a file without their folders, lists as arrays or tuples."""
    features = tuple(from_json(Feature, feature) for feature in data["features"])
    arrays = {"scores": data["scores"]}
    arrays |= {name: data["device"][name] for name in DEVICE_KEYS}
    arrays |= {name: data["cycle"][name] for name in CYCLE_KEYS}
    arguments: dict[str, Any] = {name: _array(name, values) for name, values in arrays.items()}
    if not arguments["coefficients"].size:
        arguments["coefficients"] = np.zeros((0, len(features), len(features)))
    laws = {"rtn": "rtn_law", "relaxation": "relaxation_law", "jumps": "jump_law", "pulses": "pulse_law"}
    for name, law in laws.items():
        layer, kind = data.get(name), LAYERS[name]
        arguments[law] = None if layer is None else kind.from_dict(layer)
    for name, box in data["validity"].items():
        if box["unit"] != BOX[name]:
            raise CardError(f"validity of {name} must be in {BOX[name]}, got {box['unit']}")
    return arguments | {
        "features": features,
        "validity": {name: (box["low"], box["high"]) for name, box in data["validity"].items()},
        "gate": tuple(data["gate"]),
        "intervals": {name: (low, high) for name, (low, high) in data["intervals"].items()},
        **{name: data[name] for name in ("name", "version", "core", "provenance")},
    }


def _array(name: str, values: Any) -> Floats:
    try:
        return np.array(values, float)
    except ValueError:
        raise CardError(f"{name} must be a table whose rows are equally long") from None


def _check(card: Card) -> None:
    """Raise CardError where the numbers of a card do not make a law."""
    k, m, p = len(card.features), len(card.weights), len(card.coefficients)
    if not k or len(set(card.names)) != k:
        raise CardError(f"a card needs features of different names, got {', '.join(card.names) or 'none'}")
    shapes = {
        "weights": (card.weights, (m,)),
        "means": (card.means, (m, 2 * k)),
        "covariances": (card.covariances, (m, 2 * k, 2 * k)),
        "coefficients": (card.coefficients, (p, k, k)),
        "innovation": (card.innovation, (k, k)),
        "scores": (card.scores, (card.scores.size,)),
    }
    for name, (array, shape) in shapes.items():
        if array.shape != shape or not np.all(np.isfinite(array)):
            raise CardError(f"{name} must be finite and of shape {shape}, got shape {array.shape}")
    if not (m and np.all(card.weights > 0) and math.isclose(float(card.weights.sum()), 1.0, rel_tol=1e-9)):
        raise CardError(f"weights must be above 0 and add up to 1, got {card.weights.tolist()}")
    if (p + 1) * k > widest():
        raise CardError(
            f"1 + cycles of memory, times features, must be at most {widest()}, got {(p + 1) * k}"
        )
    for covariance in card.covariances:
        _check_covariance("covariances", covariance)
    _check_covariance("innovation", card.innovation)
    if p:
        if not np.abs(np.linalg.eigvals(companion(card.coefficients))).max() < 1:
            raise CardError("coefficients must be those of a stationary autoregression")
    scores = card.stationary() if p else card.innovation
    _check_covariance("the covariance of successive scores", scores)
    if np.diagonal(scores).max() > WIDEST_SCORES:
        raise CardError(
            f"scores must have variances near 1, at most {WIDEST_SCORES:g}, got {np.diagonal(scores).max():g}"
        )
    if card.scores.size < 2 or not np.all(np.diff(card.scores) > 0):
        raise CardError("scores must be at least two and ascend")
    for feature in card.features:
        _check_feature(feature, card.scores.size)
    _check_reach(card)
    for name, (low, high) in card.validity.items():
        if name not in BOX or not low <= high:
            raise CardError(f"validity of {name} must be one of {', '.join(BOX)} and ascend")


def _check_covariance(name: str, matrix: Floats) -> None:
    """Refuse a matrix that no Gaussian numbers can be drawn with."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise CardError(f"{name} must be symmetric and positive definite") from None
    if not np.allclose(matrix, matrix.T):
        raise CardError(f"{name} must be symmetric and positive definite")


def _check_reach(card: Card) -> None:
    """Refuse a law whose devices, two deviations from the mean of their kind, show what is no number."""
    k = len(card.features)
    widths = 2.0 * np.sqrt(np.diagonal(card.covariances, axis1=1, axis2=2))
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.exp((card.means + widths)[:, k:])
        for i, feature in enumerate(card.features):
            reach = widths[:, i] + largest[:, i] * np.abs(feature.quantiles).max()
            ends = feature.backward(card.means[:, i] + np.stack([-reach, reach]))
            if not np.all(np.isfinite(ends)) or (feature.transform == "log" and not np.all(ends)):
                raise CardError(
                    f"{feature.name} of this law reaches beyond the numbers that a computer holds"
                )


def _check_feature(feature: Feature, size: int) -> None:
    table = np.array(feature.quantiles)
    if table.size != size or not np.all(np.diff(table) > 0):
        raise CardError(f"quantiles of {feature.name} must ascend and be {size}, got {table.size}")
    ranks, levels = np.array(feature.ranks), np.array(feature.levels)
    if (
        ranks.size != levels.size
        or ranks.size == 1
        or np.any(np.diff(ranks) <= 0)
        or np.any(np.diff(levels) <= 0)
    ):
        raise CardError(f"ranks and levels of {feature.name} must ascend and be as many")
    if feature.transform not in TRANSFORMS or feature.sign not in (1, -1) or not feature.unit:
        raise CardError(f"{feature.name} needs a unit, a transform of {TRANSFORMS} and a sign of 1 or -1")
    if not 0 <= feature.missing < 1:
        raise CardError(f"missing of {feature.name} must be from 0 to below 1, got {feature.missing:g}")
