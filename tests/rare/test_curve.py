"""How the probability falls with the score, against numbers by hand."""

import math

import numpy as np
import pytest

from frenkel.rare.curve import Curve


def curve(*repeats, particles=10, kill=1, goal=math.inf):
    """Return a curve of repeats, each (levels, killed, probability, complete)."""
    columns = list(zip(*repeats, strict=True))
    return Curve(
        levels=[np.array(one, float) for one in columns[0]], killed=[np.array(one) for one in columns[1]],
        probability=np.array(columns[2]), complete=np.array(columns[3]), particles=particles, kill=kill,
        goal=goal,
    )  # fmt: skip


def test_what_comes_beyond_a_score():
    """Particles taken out at or below it count, ties with them; at the goal the probability does."""
    found = curve(([1.0, 2.0, 3.0], [1, 4, 5], 0.12, True), ([1.5], [1], 0.7, True), goal=4.0)
    np.testing.assert_allclose(found.beyond(0.5), [1.0, 1.0])
    np.testing.assert_allclose(found.beyond(2.0), [0.54, 0.9])
    np.testing.assert_allclose(found.beyond(3.9), [0.27, 0.9])
    np.testing.assert_allclose(found.beyond(4.0), [0.12, 0.7])
    assert found.resolution == pytest.approx(-math.log(0.9))


def test_a_level_for_each_decade():
    """The first where the mean has fallen so far; two decades at one level are one; the end is the last."""
    shares = ([1.0, 2.0, 3.0, 4.0, 5.0], [9, 5, 9, 5, 8], 5e-4, True)
    assert curve(shares).decades(1e-6) == [1.0, 3.0, 5.0, math.inf]  # 0.1, 0.05, 5e-3, 2.5e-3, 5e-4
    assert curve(shares, goal=5.5).decades(1e-6) == [1.0, 3.0, 5.0, 5.5]
    assert curve(shares).decades(1e-3) == [1.0, 3.0]
    assert curve(([], [], 0.4, True)).decades(1e-6) == [math.inf]
    assert curve(([1.0], [10], 0.0, True)).decades(1e-6) == []


def test_repeats_that_were_ended_are_bounds():
    """They count as long as they hold less than a tenth of the mean; at the end of all there is no goal."""
    whole, ended = ([1.0, 2.0, 3.0], [9, 9, 5], 5e-3, True), ([0.1, 0.2], [9, 9], 0.01, False)
    assert curve(ended).decades(1e-6) == [0.1, 0.2]
    found = curve(whole, ended)
    np.testing.assert_array_equal(found.ended(0.2), [False, False])
    np.testing.assert_array_equal(found.ended(0.3), [False, True])
    assert found.decades(1e-6) == [1.0]  # 0.055 at 1.0; at 2.0 both have 0.01


def test_what_is_known_where_nobody_came():
    """Ten of a fraction of 0.1 lost at once, in both of two repeats: below 3 / 20 of it."""
    lost = ([1.0, 2.0], [9, 10], 0.0, True)
    assert curve(lost, lost).bound(2.0) == pytest.approx(0.1 * 3 / 20)
    np.testing.assert_array_equal(curve(lost, lost).beyond(2.0), [0.0, 0.0])
