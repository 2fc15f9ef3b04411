"""Streams of random numbers: seed, member and stream fix every draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import whole

MADE, BRANCH, MEASURED, POPULATION, QUENCHED, TWO_LEVEL = 1, 2, 3, 4, 5, 6
"""First number of a further stream: what a device is made of, where a branch goes on, what is looked at, the
numbers of its material, size and circuit, what of its bonds is quenched, and its two-level sites; a run has
none."""


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


def words(generator: np.random.Generator) -> NDArray[np.uint64]:
    """Return the state of a generator of `random_numbers`, shape (6,), for `set_words`."""
    state = generator.bit_generator.state
    inner = state["state"]
    all_of = [inner["state"] >> 64, inner["state"], inner["inc"] >> 64, inner["inc"]]
    all_of += [state["has_uint32"], state["uinteger"]]
    return np.array([word & 0xFFFFFFFFFFFFFFFF for word in all_of], dtype=np.uint64)


def set_words(generator: np.random.Generator, state: ArrayLike) -> None:
    """Let a generator go on from a state that `words` returned."""
    word = [int(part) for part in np.asarray(state)]
    generator.bit_generator.state = {
        "bit_generator": "PCG64DXSM",
        "state": {"state": word[0] << 64 | word[1], "inc": word[2] << 64 | word[3]},
        "has_uint32": word[4],
        "uinteger": word[5],
    }
