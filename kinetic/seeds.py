"""Streams of random numbers: seed, member and stream fix every draw."""

from __future__ import annotations

import numpy as np

from ..checks import whole


def random_numbers(seed: int, member: int, *stream: int) -> np.random.Generator:
    """Return the random numbers of a member of an ensemble, or of a further stream of it.

    Raises
    ------
    ValueError
        Seed or member is not a whole number of at least 0.
    """
    whole("seed", seed, 0)
    whole("member", member, 0)
    key = (member, *stream)
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(seed, spawn_key=key)))
