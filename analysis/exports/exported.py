"""What an export to Python carries with it: draws of devices and cycles.

This file is copied into such an export as it stands; it imports numpy only. ``law`` is a mapping of arrays,
those of :func:`frenkel.analysis.exports.cards.arrays`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Cells:
    """Devices of the law that stay the same from one cycle to the next.

    Parameters
    ----------
    law : mapping
        Arrays of a card.
    number : int
        Of devices.
    random : numpy.random.Generator

    Attributes
    ----------
    location, spread : ndarray, shape (number, k)
        Of each feature of each device, in transformed space.
    """

    def __init__(self, law: Mapping[str, Any], number: int, random: np.random.Generator) -> None:
        self.law, self.random = law, random
        k, p = len(law["names"]), len(law["coefficients"])
        component = random.choice(len(law["weights"]), size=number, p=law["weights"] / law["weights"].sum())
        noise = random.standard_normal((number, 2 * k))
        location = law["means"][component] + np.einsum("dij,dj->di", law["roots"][component], noise)
        self.location: Floats = location[:, :k]
        self.spread: Floats = np.exp(location[:, k:])
        # Scores of the last p cycles, newest first: those of the stationary law.
        start = random.standard_normal((number, p * k)) @ law["start_root"].T
        self.past: Floats = start.reshape(number, p, k)

    def cycle(self) -> dict[str, Floats]:
        """Return the features of the next cycle, each of shape (number,)."""
        law, (number, p, k) = self.law, self.past.shape
        score = self.random.standard_normal((number, k)) @ law["innovation_root"].T
        for i in range(p):
            score += self.past[:, i] @ law["coefficients"][i].T
        if p:
            self.past = np.concatenate([score[:, None], self.past[:, :-1]], axis=1)
        features = {}
        for i, name in enumerate(law["names"]):
            value = self.location[:, i] + self.spread[:, i] * np.interp(
                score[:, i], law["scores"], law["quantiles"][i]
            )
            if law["ranks"].size:
                value = np.interp(value, law["ranks"][i], law["levels"][i])
            features[str(name)] = law["signs"][i] * (np.exp(value) if law["logarithmic"][i] else value)
        return features


class Programmed:
    """Cells that are programmed again and again: the same devices, each time their next cycle.

    A target conductance is a share x of the way from the HRS to the LRS of the average device; a cell ends at
    the same fraction of its own way in this cycle, ``ln G = -(1 - x) ln HRS - x ln LRS``. That is the gap of
    the compact model. A target outside of the range of the average device is taken for the nearer end.

    Parameters
    ----------
    law : mapping
    seed : sequence of int
        Of all devices.
    """

    def __init__(self, law: Mapping[str, Any], *seed: int) -> None:
        self.law, self.seed = law, seed
        self.cells: dict[int, Cells] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Programmed) and self.seed == other.seed

    __hash__ = None  # type: ignore[assignment]

    def program(self, target: Floats, slot: int = 0) -> Floats:
        """Return the conductances (S) that targets (S) become; ``slot`` tells several arrays apart."""
        cells = self.cells.get(slot)
        if cells is None or len(cells.location) != target.size:
            random = np.random.default_rng(np.random.SeedSequence([*self.seed, slot]))
            cells = self.cells[slot] = Cells(self.law, target.size, random)
        resistances, (off, on) = cells.cycle(), self.law["range"]
        with np.errstate(divide="ignore"):
            gap_share = np.log(np.maximum(target.ravel(), 0.0) / off) / np.log(on / off)
        share = np.clip(gap_share, 0.0, 1.0)
        logarithm = (1.0 - share) * np.log(resistances["hrs"]) + share * np.log(resistances["lrs"])
        conductance: Floats = np.exp(-logarithm).reshape(target.shape)
        return conductance
