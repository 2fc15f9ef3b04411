"""Power of a validation: that of a test whose power has a closed form, and what is printed of it."""

import numpy as np
import pytest
from scipy.stats import norm

from frenkel.analysis.fitting import power
from frenkel.analysis.fitting.observations import build
from frenkel.analysis.statistics.comparison import Comparison
from frenkel.reports.card import power_text

DEVICES = 9


class Normal:
    """A card of one number: ln(ohm) of devices is standard normal."""

    @staticmethod
    def sample(devices, cycles, seed):
        values = np.random.default_rng(seed).standard_normal((devices, 1))
        return {"hrs": np.exp(np.repeat(values, cycles, axis=1))}


def judge(found):
    """Return a row that fails beyond two standard errors of a mean, and one that never fails."""
    mean = abs(float(np.nanmean(found.values)))
    return [Comparison("mean", mean, 0.0, 2.0 / np.sqrt(DEVICES)), Comparison("blind", 0.1, 0.0, 1.0)]


@pytest.fixture(scope="module")
def found():
    devices = build(["hrs"], ["ohm"], np.exp(np.full((DEVICES, 2, 1), 0.5)))
    return power.study(Normal, devices, judge(devices), judge, trials=2000)


def test_power_is_that_of_the_closed_form(found):
    """Shift of one spread at nine devices: 84 %; false alarms: 4.6 %. Three standard errors of 2,000 sets."""
    assert found.shifts["hrs"] == pytest.approx(1.0, abs=0.15)
    expected = norm.sf((2.0 / 3.0 - found.shifts["hrs"]) * 3.0)
    assert found.seen["hrs"]["mean"] == pytest.approx(expected, abs=0.025)
    assert found.seen["hrs"][power.ANY] == found.seen["hrs"]["mean"] and found.seen["hrs"]["blind"] == 0.0
    assert found.false["mean"] == pytest.approx(2 * norm.sf(2.0), abs=0.015)


def test_p_of_the_whole_is_that_of_the_worst_row(found):
    """The mean is 1.5 standard errors off: p 0.134."""
    assert found.p == pytest.approx(2 * norm.sf(1.5), abs=0.025)


def test_what_is_missing_is_missing_in_each_set():
    values = np.exp(np.random.default_rng(1).standard_normal((4, 3, 1)))
    values[1, 2] = np.nan
    devices = build(["hrs"], ["ohm"], values)
    drawn = power.drawn(Normal, devices, 0, 1)
    np.testing.assert_array_equal(np.isnan(drawn.values), np.isnan(devices.values))
    assert not np.array_equal(drawn.values, power.drawn(Normal, devices, 0, 2).values, equal_nan=True)


def test_the_text_names_what_sees_the_shift(found):
    text = power_text(found)
    assert text.startswith("p of the whole 0.1") and "2000 sets" in text
    row = next(line for line in text.splitlines() if line.startswith("mean"))
    assert int(row.split()[-1]) == round(100 * found.seen["hrs"]["mean"])
    assert text.endswith("1 rows see no such shift")
