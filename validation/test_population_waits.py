"""What the table of a population reads from waits, on made-up values (fast)."""

from types import SimpleNamespace

import numpy as np
import population_wait_rows as waits_rows
import population_waits as waits
import pytest
from device_retention import kept, own_side, usual

from frenkel.analysis.statistics.censoring import Sample


def test_limits_of_a_state_that_is_kept():
    """LRS 10 kohm, HRS 1 Mohm: their middle is 100 kohm, above twice LRS but below twice a worn LRS."""
    assert own_side("low", 1e4, 1e4, 1e6) == (0.0, pytest.approx(1e5))
    assert own_side("high", 1e6, 1e4, 1e6) == (pytest.approx(1e5), np.inf)
    assert kept("low", 1e4, 1e4, 1e6) == (5e3, 2e4)
    assert kept("low", 8e4, 1e4, 1e6) == (4e4, pytest.approx(1e5))
    assert kept("high", 1e6, 1e4, 1e6) == (pytest.approx(1e5), np.inf)
    assert usual("high", 1e6, 1e4, 1e6) == (3e4, np.inf)


def test_states_are_counted_at_a_time():
    """Lasted; lost at the last reading, just before, and after it; out of CPU time."""
    lost = Sample.between([100.0, 10.0, 1.0, 100.0, 1.0], [np.inf, 100.0, 10.0, 1000.0, np.inf])
    assert waits.counted(lost, 100.0) == (2, 2, 1)


def test_a_wait_that_was_cut_short_is_no_longest_wait():
    """Ends at 1, 3, 4 s, one followed for 2 s: S is 3/4, 3/8, 0; as a longest wait it would make it 4 s."""
    nan = np.nan
    assert waits.median_wait(np.array([1.0, nan, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 4.0])) == 3.0
    assert waits.median_wait(np.array([1.0, nan, nan]), np.array([1.0, 9.0, 9.0])) == np.inf
    assert waits.median_wait(np.full(2, nan), np.ones(2)) == np.inf


def test_a_bake_ends_before_too_many_states_are_lost():
    lost = Sample.between([0.0, 1.0, 1.0, 2.0, 2.0], [1.0, 2.0, 2.0, 3.0, 3.0])
    low, high = waits.bake(lost)
    assert low.tolist() == [0.0, 1.0, 1.0, 2.0, 2.0]
    assert high.tolist() == [1.0, 2.0, 2.0, np.inf, np.inf]
    assert waits.bake(Sample.between([0.0] * 5, [1.0] * 5)) is None
    assert waits.bake(Sample.between([9.0] * 5, [10.0] + [np.inf] * 4)) is not None
    assert waits.bake(Sample.between([9.0] * 6, [10.0] + [np.inf] * 5)) is None


def test_bakes_of_which_enough_states_are_lost_give_the_energy(monkeypatch):
    """The coldest bake loses nothing, the hottest everything before its first reading."""
    monkeypatch.setattr(waits, "fit_intervals", lambda *arguments: [one.tolist() for one in arguments])
    lost = [
        Sample.between([5.0, 5.0], [np.inf, np.inf]),
        Sample.between([1.0, 5.0], [2.0, np.inf]),
        Sample.between([0.0, 1.0], [1.0, 2.0]),
        Sample.between([0.0, 0.0], [1.0, 1.0]),
    ]
    fit, used = waits.bake_energy((300.0, 400.0, 500.0, 600.0), lost)
    assert used == [400.0, 500.0]
    levels, low, high = fit
    assert levels == [400.0, 400.0, 500.0, 500.0]
    assert (low, high) == ([1.0, 2.0, 0.0, 1.0], [2.0, np.inf, 1.0, np.inf])
    assert waits.bake_energy((300.0, 400.0), lost[:2]) == (None, [400.0])


def test_states_that_were_not_followed_leave_a_row_open():
    """Of 12 states that all stayed with 4 unknown nothing is judged; 8 lost of 16 are a miss all the same."""
    longest = waits_rows.YEARS

    def row(stayed, gone, unknown):
        low = [longest] * stayed + [1.0] * (gone + unknown)
        high = [np.inf] * stayed + [2.0] * gone + [np.inf] * unknown
        found = SimpleNamespace(lost=lambda k: Sample.between(low, high))
        return waits_rows._kept_row("W-2", found, "16 states").verdict

    assert row(12, 0, 4) == "cannot be judged"
    assert row(14, 0, 2) == "met"
    assert row(4, 8, 4) == "MISSED"
