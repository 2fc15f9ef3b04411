"""Streams of random numbers: each of its own, and the same after its state was kept."""

import itertools

import numpy as np
import pytest

from frenkel.kinetic.seeds import BRANCH, MADE, MEASURED, POPULATION, random_numbers, set_words, words


def test_every_stream_is_another():
    """Of seeds, members and streams beside each other: no first number twice, no two streams correlated."""
    streams = [(), (MADE,), (BRANCH,), (MEASURED,), (POPULATION, 0), (BRANCH, 0), (BRANCH, 1), (MEASURED, 0)]
    keys = list(itertools.product((0, 1, 7), (0, 1, 2), streams))
    first = [random_numbers(seed, member, *stream).random() for seed, member, stream in keys]
    assert len(set(first)) == len(keys) == 72
    drawn = np.array([random_numbers(3, 0, *stream).standard_normal(2000) for stream in streams])
    apart = np.abs(np.corrcoef(drawn)[np.triu_indices(len(streams), 1)])
    assert apart.max() < 5 / np.sqrt(2000)


def test_a_stream_is_that_of_its_key():
    one = random_numbers(5, 2, MEASURED, 4)
    key = np.random.SeedSequence(5, spawn_key=(2, 3, 4))
    np.testing.assert_array_equal(one.random(4), np.random.Generator(np.random.PCG64DXSM(key)).random(4))


@pytest.mark.parametrize("odd", [0, 1])
def test_a_kept_stream_goes_on(odd):
    """Also where half of a word is left over from a number of 32 bits."""
    one, other = random_numbers(5, 2), random_numbers(9, 9)
    one.integers(0, 100, odd, dtype=np.uint32)
    state = words(one)
    assert state.shape == (6,) and int(state[4]) == odd
    set_words(other, state)
    np.testing.assert_array_equal(
        one.integers(0, 1 << 32, 5, dtype=np.uint32), other.integers(0, 1 << 32, 5, dtype=np.uint32)
    )
    np.testing.assert_array_equal(one.random(3), other.random(3))


@pytest.mark.parametrize("key", [(-1, 0), (0, -1), (0.5, 0), (0, True)])
def test_what_is_no_whole_number_is_refused(key):
    with pytest.raises((ValueError, TypeError)):
        random_numbers(*key)
