"""How much a study does, and where its random numbers come from."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import whole


def quiet(share: float, what: str) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How much a study does.

    Parameters
    ----------
    task : str
        Data set of :mod:`frenkel.networks.tasks`.
    seeds : int
        Networks trained, each with a seed of its own, at least 2.
    chips : int
        Simulated chips per network, at least 1.
    steps : int
        Training steps of a network (batches), at least 1.
    card : Path, optional
        Card that the device's statistics come from; the one shipped with the examples by default.
    seed : int
        Of everything, 0 to 2**32 - 1.
    progress : callable
        Takes the share done (0 to 1) and a word on what is being done.
    """

    task: str = "digits"
    seeds: int = 8
    chips: int = 20
    steps: int = 900
    card: Path | None = None
    seed: int = 1
    progress: Callable[[float, str], None] = quiet

    def __post_init__(self) -> None:
        whole("seeds", self.seeds, 2, 1000)
        whole("chips", self.chips, 1, 10_000)
        whole("steps", self.steps, 1, 10**6)
        whole("seed", self.seed, 0, 2**32 - 1)

    def random(self, *key: int) -> np.random.Generator:
        """Return the random stream of a part of the study, the same whatever else is done."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def record(self) -> dict[str, Any]:
        """Return the settings as JSON data."""
        found = asdict(self) | {"card": None, "card_hash": None}
        if self.card is not None:
            found |= {"card": self.card.name, "card_hash": hashlib.sha256(self.card.read_bytes()).hexdigest()}
        del found["progress"]
        return found


REDUCED = {"seeds": 3, "chips": 4, "steps": 300}
"""Settings of a quick look, as in the default tests."""
