"""How much a study does, and where its random numbers come from."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from frenkel.checks import one_of, whole
from frenkel.networks.measured import PREFIX
from frenkel.progress import quiet

NETWORKS = ("perceptron", "convolution")
"""Kinds of networks that studies train."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How much a study does.

    Parameters
    ----------
    data : str
        Images that networks learn: "digits", "fashion", or a folder of IDX files.
    network : {"perceptron", "convolution"}
        Perceptrons, or two convolutions before a linear layer.
    seeds : int
        Networks trained, each with a seed and a split of its own, at least 2.
    chips : int
        Simulated chips per network, at least 1.
    steps : int
        Training steps of a network (batches), at least 1.
    cell : str
        Whose statistics the cells have: a card or its name, or "measured:NAME".
    seed : int
        Of everything, 0 to 2**32 - 1.
    progress : callable
        Takes the share done (0 to 1) and a word on what is being done.
    """

    data: str = "digits"
    network: str = "perceptron"
    seeds: int = 8
    chips: int = 20
    steps: int = 900
    cell: str = "hfo2"
    seed: int = 1
    progress: Callable[[float, str], None] = quiet

    def __post_init__(self) -> None:
        one_of("network", self.network, NETWORKS)
        whole("seeds", self.seeds, 2, 1000)
        whole("chips", self.chips, 1, 10_000)
        whole("steps", self.steps, 1, 10**6)
        whole("seed", self.seed, 0, 2**32 - 1)

    def random(self, *key: int) -> np.random.Generator:
        """Return the random stream of a part of the study, the same whatever else is done."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def record(self) -> dict[str, Any]:
        """Return the settings as JSON data; of files and folders the name alone."""
        data = asdict(self) | {"data": Path(self.data).name, "cell": self.cell}
        if not self.cell.startswith(PREFIX):
            data["cell"] = Path(self.cell).name
        del data["progress"]
        return data


REDUCED = {"seeds": 3, "chips": 4, "steps": 300}
"""Settings of a quick look, as in the default tests."""
