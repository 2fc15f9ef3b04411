"""The law of a card in numbers: its features, their memory, and the arrays of the compiled sampler."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..typing import Floats
from ._sampler import cycles
from .noise import look_up

BINS = 256
"""Of the guide that finds the place of a score in the tables."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A number that every cycle of a device has.

    Parameters
    ----------
    name : str
        As in the ensemble: ``hrs``, ``lrs``, ``set_voltage``, ``reset_voltage`` or another.
    unit : str
        Of the values that a sample returns.
    transform : str
        "log" (natural; values above 0) or "linear".
    quantiles : tuple of float
        Values of the table Q at the scores of the card: standardised, ascending, in transformed space.
    sign : int
        1 or -1: a feature below zero is stored with its sign turned, so that a logarithm is possible.
    missing : float
        Fraction of the cycles of the ensemble that had no value (0 to 1); a sample has none missing.
    ranks, levels : tuple of float
        Table W from Gaussian scores of the pooled values (ascending) to their logarithm, or value where the
        transform is linear; empty: none. Transformed space is then that of the scores.
    """

    name: str
    unit: str
    transform: str
    quantiles: tuple[float, ...]
    sign: int = 1
    missing: float = 0.0
    ranks: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()

    def forward(self, values: Any) -> Floats:
        """Return values in transformed space; NaN where the transform has no value."""
        signed: Floats = self.sign * np.asarray(values, float)
        if self.transform == "log":
            turned, signed = signed, np.full(signed.shape, np.nan)
            np.log(turned, out=signed, where=turned > 0)
        return look_up(signed, np.array(self.levels), np.array(self.ranks)) if self.ranks else signed

    def backward(self, values: Floats) -> Floats:
        """Return values of the feature in its unit."""
        if self.ranks:
            values = look_up(values, np.array(self.ranks), np.array(self.levels))
        return self.sign * (np.exp(values) if self.transform == "log" else values)


def companion(coefficients: Floats) -> Floats:
    """Return the companion matrix (p k, p k) of an autoregression."""
    p, k, _ = coefficients.shape
    matrix = np.zeros((p * k, p * k))
    if p:
        matrix[:k] = np.concatenate(list(coefficients), axis=1)
        matrix[k:, :-k] = np.eye((p - 1) * k)
    return matrix


def stationary(coefficients: Floats, innovation: Floats) -> Floats:
    """Return the covariance of p successive scores, newest first, shape (p k, p k).

    P = F P F' + W with F the companion matrix, by doubling.
    """
    p, k, _ = coefficients.shape
    f = companion(coefficients)
    total = np.zeros((p * k, p * k))
    total[:k, :k] = innovation
    for _ in range(60):
        added = f @ total @ f.T
        total = total + added
        f = f @ f
        if np.abs(added).max() < 1e-14 * np.abs(total).max():
            break
    return 0.5 * (total + total.T)


class CycleArrays:
    """Arrays of a card as the compiled sampler takes them.

    Parameters
    ----------
    features : sequence of Feature
        k of them.
    scores : ndarray
        At which their quantiles stand, ascending.
    coefficients, innovation : ndarray
        Cycle to cycle: (p, k, k) and (k, k).
    """

    def __init__(
        self, features: Sequence[Feature], scores: Floats, coefficients: Floats, innovation: Floats
    ) -> None:
        p, k, _ = coefficients.shape
        root = np.linalg.cholesky(innovation)
        # Row by row: what multiplies the noise, then the newest cycle, then the one before.
        self.weights = np.ascontiguousarray(np.concatenate([root.T, *(a.T for a in coefficients)]))
        self.start = np.linalg.cholesky(stationary(coefficients, innovation)) if p else np.zeros((0, 0))
        self.knots = np.ascontiguousarray(scores, float)
        self.tables = np.array([feature.quantiles for feature in features], float)
        self.slopes = np.diff(self.tables, axis=1) / np.diff(self.knots)
        edges = np.linspace(self.knots[0], self.knots[-1], BINS + 1)[:-1]
        place = np.searchsorted(self.knots, edges, side="right") - 1
        self.guide = np.clip(place, 0, self.knots.size - 2).astype(np.intc)
        # What stands on levels leaves the sampler in transformed space.
        self.features = features
        self.signs = np.array([1.0 if f.ranks else float(f.sign) for f in features])
        self.logarithmic = np.array([f.transform == "log" and not f.ranks for f in features], np.intc)
        self.memory, self.size = p, k

    def begin(self, devices: int, random: np.random.Generator) -> Floats:
        """Return the scores before the first cycle, newest first, (devices, p, k)."""
        # The companion form holds the newest cycle first.
        first = random.standard_normal((devices, self.memory * self.size)) @ self.start.T
        return np.ascontiguousarray(first.reshape(devices, self.memory, self.size))

    def draw(
        self,
        noise: Floats,
        which: np.ndarray[Any, np.dtype[np.int64]],
        history: Floats,
        locations: Floats,
        spreads: Floats,
    ) -> Floats:
        """Return cycles (k, rows, cycles) from normal numbers (rows, cycles, k); the history is updated."""
        features = np.empty((self.size, *noise.shape[:2]))
        locations, spreads = np.ascontiguousarray(locations), np.ascontiguousarray(spreads)
        cycles(
            noise,
            which,
            history,
            self.weights,
            locations,
            spreads,
            self.knots,
            self.tables,
            self.slopes,
            self.guide,
            self.signs,
            self.logarithmic,
            features,
        )
        for i, feature in enumerate(self.features):
            if feature.ranks:
                features[i] = feature.backward(features[i])
        return features
