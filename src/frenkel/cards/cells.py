"""Cells of a card in numbers: a batch that draws cycle after cycle, each cell with its own memory."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..typing import Floats
from ._sampler import cycles, widest

if TYPE_CHECKING:
    from .card import Card


BINS = 256
"""Of the guide that finds the place of a score in the tables."""


class Law:
    """Arrays of a card as the compiled sampler takes them."""

    def __init__(self, card: "Card") -> None:
        p, k, _ = card.coefficients.shape
        if (p + 1) * k > widest():
            raise ValueError(f"cycles of memory times features must be below {widest()}, got {p * k}")
        root = np.linalg.cholesky(card.innovation)
        # Row by row: what multiplies the noise, then the newest cycle, then the one before.
        self.weights = np.ascontiguousarray(np.concatenate([root.T, *(a.T for a in card.coefficients)]))
        self.start = np.linalg.cholesky(card.stationary()) if p else np.zeros((0, 0))
        self.knots = np.ascontiguousarray(card.scores, float)
        self.tables = np.array([feature.quantiles for feature in card.features], float)
        self.slopes = np.diff(self.tables, axis=1) / np.diff(self.knots)
        edges = np.linspace(self.knots[0], self.knots[-1], BINS + 1)[:-1]
        place = np.searchsorted(self.knots, edges, side="right") - 1
        self.guide = np.clip(place, 0, self.knots.size - 2).astype(np.intc)
        # What stands on levels leaves the sampler in transformed space.
        self.features = card.features
        plain = [not feature.ranks for feature in card.features]
        self.signs = np.array(
            [float(f.sign) if p else 1.0 for f, p in zip(card.features, plain, strict=True)]
        )
        self.logarithmic = np.array(
            [f.transform == "log" and p for f, p in zip(card.features, plain, strict=True)], np.intc
        )
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
        out = np.empty((self.size, *noise.shape[:2]))
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
            out,
        )
        for i, feature in enumerate(self.features):
            if feature.ranks:
                out[i] = feature.backward(out[i])
        return out


class Cells:
    """Cells drawn from a card, each with its location, spread and memory.

    Parameters
    ----------
    card : Card
    number : int
        At least 1.
    seed : int
        0 or more.

    Attributes
    ----------
    names : tuple of str
        Of the features.
    locations, spreads : ndarray
        (number, k), in transformed space.
    """

    def __init__(self, card: "Card", number: int, seed: int) -> None:
        for name, value, low in (("number", number, 1), ("seed", seed, 0)):
            if value < low:
                raise ValueError(f"{name} must be at least {low}, got {value}")
        # Normal numbers are a third of the cost, and of this generator a sixth cheaper.
        self._random = np.random.Generator(np.random.SFC64(seed))
        self._law = Law(card)
        self.names = card.names
        self.number = number
        drawn = card.draw_devices(number, self._random)
        self.locations, self.spreads = (np.ascontiguousarray(values) for values in drawn)
        self._history = self._law.begin(number, self._random)
        self._all = np.arange(number)
        self._noise = np.empty((number, 1, self._law.size))

    def cycle(self, which: Any = None) -> dict[str, Floats]:
        """Draw the next cycle of all cells, or of some.

        Parameters
        ----------
        which : array_like of int, optional
            Indices of cells, each at most once; the memory of the others stays.

        Returns
        -------
        dict of str to ndarray
            Of each feature its value [its unit], one per cell asked for.
        """
        rows = self._all if which is None else np.asarray(which, np.int64).ravel()
        if which is not None:
            if rows.size and not (rows.min() >= 0 and rows.max() < self.number):
                raise ValueError(
                    f"which must be from 0 to {self.number - 1}, got {rows.min()} to {rows.max()}"
                )
            if rows.size and np.bincount(rows).max() > 1:
                raise ValueError("which must name each cell at most once")
        noise = self._noise[: rows.size]
        self._random.standard_normal(out=noise)
        drawn = self._law.draw(noise, rows, self._history, self.locations, self.spreads)
        return {name: drawn[i, :, 0] for i, name in enumerate(self.names)}
