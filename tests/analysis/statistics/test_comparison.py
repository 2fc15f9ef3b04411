"""Verdicts of comparisons, their text, and the splits behind them; exact."""

import math

import numpy as np
import pytest

from frenkel.analysis.statistics import comparison
from frenkel.analysis.statistics.comparison import Comparison

UNKNOWN = "cannot be judged with this much data"
ROWS = [
    Comparison("pooled KS", 1.0, 0.75, 1.5, 1.0),
    Comparison("pooled tails", 4.0, 1.0, 2.0),
    Comparison("device KS", 0.1, 0.1, 0.2, 1.0),
    Comparison("share", 0.5, 0.2, 0.4, 1.0),
    Comparison("no spread", math.nan, math.nan, math.nan),
]


@pytest.mark.parametrize(
    ("value", "limit", "largest", "verdict"),
    [
        (0.2, 0.2, 1.0, "passed"),
        (0.21, 0.2, 1.0, "FAILED"),
        (1.0, 1.3333, 1.0, UNKNOWN),
        (0.1, 1.0, 1.0, UNKNOWN),
        (0.1, 0.99, 1.0, "passed"),
        (0.1, 40.0, math.inf, "passed"),
        (2.2, 2.1, 2.0, "FAILED"),
        (math.nan, 0.2, 1.0, "FAILED"),
        (math.nan, math.nan, math.inf, UNKNOWN),
        (math.inf, math.inf, math.inf, UNKNOWN),
    ],
)
def test_verdicts(value, limit, largest, verdict):
    """A limit that no model can exceed says nothing, and neither does one that is no number."""
    row = Comparison("a", value, limit / 2, limit, largest)
    assert row.verdict == verdict and row.passed is (verdict == "passed")
    assert row.to_dict()["passed"] is {"passed": True, "FAILED": False, UNKNOWN: None}[verdict]
    assert comparison.verdict_of(row.to_dict()["passed"]) == verdict


def test_value_floor_and_limit_are_means_over_splits():
    (row, other) = comparison.of_splits(
        [{"a": 0.25, "b": 1.0}, {"a": 0.75, "b": 1.0}], [{"a": 0.5, "b": 2.0}] * 2, {"a": 1.0}
    )
    assert row == Comparison("a", 0.5, 0.5, 1.0, 1.0) and other == Comparison("b", 1.0, 2.0, 4.0)
    assert Comparison.of("c", 1.0, [1.0, 2.0], limit=1.25) == Comparison("c", 1.0, 1.5, 1.25)


def test_all_rows_together():
    """None has failed and one has passed; a set of no rows contradicts nothing."""
    unknown, failed, good = ROWS[:3]
    assert comparison.passed([]) and comparison.passed([good]) and comparison.passed([good, unknown])
    assert not comparison.passed([unknown]) and not comparison.passed([good, failed])


def test_the_table_names_what_failed_and_what_cannot_be_judged():
    lines = comparison.table(ROWS).splitlines()
    assert lines[1].endswith(f"1.0000   0.7500   1.5000  {UNKNOWN}") and lines[2].endswith("  FAILED")
    assert lines[5].split() == ["no", "spread", "-", "-", "-", *UNKNOWN.split()]
    assert lines[6:] == ["failed: pooled tails, share", f"{UNKNOWN}: pooled KS, no spread"]
    assert comparison.table([ROWS[0], ROWS[2]]).splitlines()[3:] == [
        "passed: 1 of 2 rows", f"{UNKNOWN}: pooled KS"
    ]  # fmt: skip
    (line,) = comparison.table(ROWS[:1]).splitlines()[2:]
    assert line == f"{UNKNOWN}: all 1 rows; give more devices or cycles"


def test_halves_share_no_device():
    found = list(comparison.halves(7, 3, 8, repeats=4))
    assert len({tuple(first) for first, _, _ in found}) == 4
    for first, second, _ in found:
        assert len(first) == len(second) == 3 and len({*first, *second}) == 6
    again = next(comparison.halves(7, 3, 8))
    assert np.array_equal(again[0], found[0][0])
    assert not np.array_equal(next(comparison.halves(7, 3))[0], found[0][0])


@pytest.mark.filterwarnings("error")
def test_distances_of_one_value():
    one, two = np.array([1.0]), np.array([2.0])
    assert comparison.ks_distance(one, two) == 1.0 and comparison.ks_distance(one, one) == 0.0
    assert math.isnan(comparison.ks_distance(one, two[:0]))
