"""Checks of numbers: which values pass, and the one sentence for those that do not."""

import math

import numpy as np
import pytest

from frenkel import checks
from frenkel.analysis.noise import rtn, trace
from frenkel.analysis.results.switching import switching_voltage
from frenkel.analysis.statistics import regression
from frenkel.progress import Reporter, duration
from frenkel.reports.forecast import forecast
from frenkel.verify.row import Check

NAN, INF = math.nan, math.inf

CASES = [
    # check, values that pass, values that do not, what is said of the first of these
    (lambda x: checks.between("x", x, 1, 3, "V"), [1, 3], [0.9, 3.1, NAN, INF], "between 1 and 3 V, got 0.9"),
    (lambda x: checks.inside("x", x, 1, 3), [1.001, 2.999], [1, 3, NAN], "above 1 and below 3, got 1"),
    (lambda x: checks.positive("x", x, "s"), [1e-300, 1e300], [0, -1, NAN, INF], "finite (s), got 0"),
    (lambda x: checks.at_least("x", x, 0), [0, 1e300], [-1e-9, NAN, INF], "0 and finite, got -1e-09"),
    (lambda x: checks.finite("x", x), [0, -1e300], [NAN, INF, -INF], "finite, got nan"),
    (lambda x: checks.whole("x", x, 1, 3), [1, 3, np.int64(2)], [0, 4, 2.0, True, "2"], "1 and 3, got 0"),
    (lambda x: checks.whole("x", x, 1), [1, 10**12], [0, NAN], "of at least 1, got 0"),
    (lambda x: checks.one_of("x", x, ("a", "b")), ["a", "b"], ["c"], "one of a, b, got 'c'"),
    (lambda x: checks.temperature(x), [1, 3000], [0.99, 3001, NAN], "between 1 and 3000 K, got 0.99"),
]


@pytest.mark.parametrize(("check", "good", "bad", "words"), CASES)
def test_ranges(check, good, bad, words):
    for value in good:
        check(value)
    for value in bad:
        with pytest.raises(ValueError, match="must be"):
            check(value)
    with pytest.raises(ValueError) as caught:
        check(bad[0])
    assert str(caught.value).endswith(words)


def test_one_bad_value_of_many_is_enough():
    with pytest.raises(ValueError, match="got 9"):
        checks.between("x", [[1, 2], [9, 3]], 0, 5)
    for value in (True, "1"):
        with pytest.raises(TypeError, match="x must be a number"):
            checks.between("x", value, 0, 5)


def test_arrays_of_other_lengths_are_named():
    five, four = np.arange(1.0, 6.0), np.arange(1.0, 5.0)
    checks.equally_many(a=five, b=[[1, 2]] * 5, c=np.ones(5))
    for call, words in (
        (lambda: checks.equally_many(a=five, b=1.0), "a and b must be equally many, got 5 and 1"),
        (lambda: regression.line(five, four), "x and y and error must be equally many, got 5 and 4 and 5"),
        (lambda: regression.line(five, five, four), "x and y and error .* got 5 and 5 and 4"),
        (lambda: rtn.dwell_times(five, [1, 0, 1, 0]), "time and high must be equally many, got 5 and 4"),
        (lambda: rtn.trap_depth(five, five, four, 300.0), "voltage and capture and emission .* 5 and 4"),
        (lambda: trace.from_arrays(five, four), "time and current must be equally many, got 5 and 4"),
        (lambda: switching_voltage(five, four, "set"), "source and current must be equally many"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.parametrize(
    ("row", "deviation", "passed"),
    [
        (Check("x", 2.0, 2.5, 0.5), 0.5, True),
        (Check("x", 2.0, 1.4, 0.5), 0.6, False),
        (Check("x", -4.0, -3.0, 0.25, "relative"), 0.25, True),
        (Check("x", 1.0, 1.5, 4.0, "sigma", 0.1), 5.0, False),
        (Check("x", 1.0, math.nan, 1.0), math.nan, False),
    ],
)
def test_rows_of_verify(row, deviation, passed):
    assert row.deviation == pytest.approx(deviation, nan_ok=True) and row.passed is passed


def test_the_rest_of_a_run_follows_from_what_this_process_did():
    report = Reporter(quiet=True)
    report.first_share, report.first_events, report.begin = 0.5, 1000, 0.0
    assert report.rest(0.75, 1200, 50.0) == "4 events/s, about 50 s left"
    assert report.rest(0.505, None, 50.0) == ""
    assert [duration(one) for one in (89, 90, 5399, 5400)] == ["89 s", "2 min", "90 min", "1.5 h"]


def test_a_forecast_divides_ranks_and_names_limits():
    text = forecast(np.full(100, 10.0), 20, 2, 200, 1e6)
    assert "200 members on 20 ranks in 2 shards: mean 10 s, longest 10 s, 2 min of work each" in text
    assert "0.2 GB" in text and "limits" not in text
    assert "the longest member limits" in forecast(np.array([1.0, 1.0, 99.0]), 30, 1, 3, 1.0)
