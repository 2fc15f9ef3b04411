"""Splits of other seeds are others, and how long a volatile cell remembers."""

from types import SimpleNamespace

import numpy as np
import pytest

from frenkel_studies.methods import volatile
from frenkel_studies.methods.splits import splits


def test_neighbouring_seeds_share_no_split():
    """The second network of one seed is not the first of the next."""
    one, other = splits("digits", 3, 1), splits("digits", 3, 2)
    trained = [set(row) for parts in (one, other) for row in np.asarray(parts.train).tolist()]
    same = [len(a & b) / len(a) for k, a in enumerate(trained) for b in trained[:k]]
    assert max(same) < 0.95  # two random splits of the pool share most of it, not all
    again = splits("digits", 3, 1)
    np.testing.assert_array_equal(one.train, again.train)
    for parts in (one, other):
        for k in range(3):
            of = [
                set(np.asarray(places)[k].tolist()) for places in (parts.train, parts.validation, parts.test)
            ]
            assert not of[0] & of[1] and not of[0] & of[2] and not of[1] & of[2]


class Fading:
    """A device whose conductance falls as exp(-t / lifetime) at 0 V, and which reaches its limit at once."""

    def __init__(self, lifetime, current=1e-6):
        self.lifetime, self.current, self.time, self.began = lifetime, current, 0.0, None

    def advance(self, waveform, *, samples, stop=None):
        if stop is not None:
            stop(self, self.current)
            return SimpleNamespace(sample={})
        at_zero = waveform.voltages[0] == 0.0
        if at_zero and self.began is None:
            self.began = self.time
        times = self.time + np.linspace(0.0, waveform.duration, samples)
        self.time += waveform.duration
        age = times - self.began if at_zero else np.zeros(samples)
        return SimpleNamespace(sample={"time": times, "conductance": 2e-5 * np.exp(-age / self.lifetime)})


@pytest.mark.parametrize("lifetime", [3e-6, 2e-5, 4e-4])
def test_a_memory_lasts_until_1_over_e(lifetime):
    cell = volatile.Volatile()
    found = volatile.remembered(Fading(lifetime), cell)
    assert found == pytest.approx(lifetime, rel=0.06) and found >= lifetime


def test_a_memory_that_never_was_and_one_that_stays():
    cell = volatile.Volatile()
    assert np.isnan(volatile.remembered(Fading(1e-5, current=0.9 * cell.compliance), cell))
    assert volatile.remembered(Fading(1.0), cell) == np.inf
