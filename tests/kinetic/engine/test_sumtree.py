"""The sum tree: the right leaf for every mark, never one of rate zero, no drift."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from frenkel.kinetic.engine._sumtree import SumTree


@pytest.mark.parametrize("capacity", [1, 7, 8, 9, 64, 65, 513, 5000])
def test_marks_find_their_leaf(capacity):
    rate = np.random.default_rng(capacity).integers(0, 5, capacity).astype(float)
    rate[capacity // 2] = 1.0
    tree = SumTree(capacity)
    for leaf, value in enumerate(rate):
        tree.set(leaf, value)
    assert tree.total == rate.sum()
    edge = np.cumsum(rate)
    for mark in np.arange(0.0, edge[-1], max(0.5, edge[-1] // 400)):
        leaf = tree.find(mark)
        assert leaf == np.searchsorted(edge, mark, side="right")
        assert rate[leaf] > 0.0


def test_zero_leaves_are_never_found():
    tree = SumTree(100)
    for leaf in (3, 50, 51):
        tree.set(leaf, 0.1)
    found = {tree.find(mark) for mark in np.linspace(0.0, np.nextafter(tree.total, 0.0), 1001)}
    assert found == {3, 50, 51}


def test_rounding_at_the_end_stays_inside():
    rng = np.random.default_rng(1)
    for _ in range(200):
        tree = SumTree(64)
        for leaf in rng.choice(64, 5, replace=False):
            tree.set(leaf, 10.0 ** rng.uniform(-18, 3))
        leaf = tree.find(np.nextafter(tree.total, 0.0))
        assert tree.get(leaf) > 0.0


def test_no_drift_and_exact_total():
    rng = np.random.default_rng(2)
    tree = SumTree(1000)
    rate = np.zeros(1000)
    for leaf, value in zip(rng.integers(0, 1000, 30000), 10.0 ** rng.uniform(-12, 12, 30000), strict=True):
        tree.set(leaf, value)
        rate[leaf] = value
    exact = sum(Fraction(value) for value in rate)
    assert abs(Fraction(tree.total) / exact - 1) < 1e-15
    total = tree.total
    tree.rebuild()
    assert tree.total == total


def test_choice_over_twelve_decades():
    """X-02: chi-square with pooled rare leaves and an exact binomial test of the rare class.

    False alarm 2e-4 in all; fails against a law whose commonest leaf is 10 % higher.
    """
    rng = np.random.default_rng(3)
    rate = 10.0 ** rng.uniform(-6, 6, 600)
    tree = SumTree(600)
    for leaf, value in enumerate(rate):
        tree.set(leaf, value)
    draws = 300_000
    count = np.zeros(600)
    for mark in rng.random(draws) * tree.total:
        count[tree.find(mark)] += 1
    expected = rate / rate.sum() * draws
    rare = expected < 5
    observed = np.append(count[~rare], count[rare].sum())
    wanted = np.append(expected[~rare], expected[rare].sum())
    assert stats.chisquare(observed, wanted).pvalue > 1e-4
    wrong = np.where(wanted == wanted.max(), 1.1 * wanted, wanted)
    assert stats.chisquare(observed, wrong * wanted.sum() / wrong.sum()).pvalue < 1e-4
    assert stats.binomtest(int(count[rare].sum()), draws, float(wanted[-1] / draws)).pvalue > 1e-4


def test_bad_use_is_an_error():
    with pytest.raises(ValueError, match="capacity must be at least 1"):
        SumTree(0)
    tree = SumTree(10)
    with pytest.raises(IndexError, match="between 0 and 9, got 10"):
        tree.set(10, 1.0)
    with pytest.raises(ValueError, match="at least 0, got -1"):
        tree.set(0, -1.0)
    with pytest.raises(ValueError, match="at least 0, got nan"):
        tree.set(0, float("nan"))
    with pytest.raises(ValueError, match="below the total"):
        tree.find(0.0)
