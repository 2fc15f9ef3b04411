"""Another split of the images for every network, so that intervals over networks are over splits, too."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from frenkel.networks.images import DataError, Labels, Pool, pool, stream
from frenkel.typing import Floats, Index

MOST_VALIDATION = 500
"""Images of a network that choices are made on."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Images of each network.

    Attributes
    ----------
    x : ndarray of shape (seeds, n, inputs)
    y : ndarray of shape (seeds, n)
    """

    x: Floats
    y: Labels

    def first(self, seeds: int) -> "Samples":
        """Return those of the first networks."""
        return Samples(self.x[:seeds], self.y[:seeds])


@dataclass(frozen=True, slots=True)
class Splits:
    """Images, and which of them each network learns from, is chosen by and is tested on.

    Attributes
    ----------
    pool : Pool
    train, validation, test : ndarray of shape (seeds, n)
        Places in the pool.
    """

    pool: Pool
    train: Index
    validation: Index
    test: Index

    def samples(self, places: Index) -> Samples:
        """Return the images at places (seeds, n)."""
        return Samples(self.pool.x[places], self.pool.y[places])

    def first(self, seeds: int) -> "Splits":
        """Return the splits of the first networks."""
        return Splits(self.pool, self.train[:seeds], self.validation[:seeds], self.test[:seeds])


def splits(name: str, seeds: int, seed: int) -> Splits:
    """Return a split of a set of images for each network.

    A test part that was published is dealt out among the networks, each image to one of them: their mean is
    over the whole part, and their spread is that of test samples, too.

    Parameters
    ----------
    name : str
        See :func:`frenkel.networks.images.pool`.
    seeds, seed : int
        Number of networks; of all splits.

    Raises
    ------
    DataError
        The images are not here, or too few for so many networks.
    """
    images = pool(name)
    x: Any = images.x.astype(np.float32, copy=False)  # of the precision of the networks
    images = replace(images, x=x)
    parts = [images.split(1000 * seed + k) for k in range(seeds)]
    train, validation, test = (np.stack(part) for part in zip(*parts, strict=True))
    if images.tested:
        dealt = stream(seed, 2).permutation(test[0])
        per_seed = len(dealt) // seeds
        test = dealt[: per_seed * seeds].reshape(seeds, per_seed)
    if not test.shape[1] or not validation.shape[1]:
        raise DataError(f"{name} holds too few images for {seeds} networks")
    # Places come in the order of the pool; a few of them must be drawn.
    chosen_samples = stream(seed, 3).permutation(validation.shape[1])[:MOST_VALIDATION]
    return Splits(images, train, validation[:, chosen_samples], test)
