"""Derivatives by covariance, of Poisson events whose law is known. False alarm 1e-4 for each z."""

import numpy as np
import pytest
from scipy import stats
from small_boxes import FALSE_ALARM

from frenkel.analysis.rare.score import derivatives, z_of_means

Z = stats.norm.isf(FALSE_ALARM / 2)


@pytest.fixture(scope="module")
def events():
    """Events of 20,000 runs that expect 3 each, as one mechanism."""
    return np.random.default_rng(3).poisson(3.0, (20_000, 1)).astype(float)


def test_derivative_of_a_mean(events):
    """d E[N] / d ln rate = 3, and of those with at least two events what follows from their law."""
    found, error = derivatives(events[:, 0], events - 3.0)
    assert abs(found[0] - 3.0) < Z * error[0] < 0.5
    some = np.where(events[:, 0] >= 2, events[:, 0], np.nan)
    found, error = derivatives(some, events - 3.0)

    def mean(rate):
        number = np.arange(2, 60)
        law = stats.poisson.pmf(number, rate)
        return number @ law / law.sum()

    exact = 3.0 * (mean(3.0 + 1e-4) - mean(3.0 - 1e-4)) / 2e-4
    assert abs(found[0] - exact) < Z * error[0] < 0.3


def test_too_few_runs_give_nothing():
    found, error = derivatives(np.array([1.0, np.nan, 2.0]), np.zeros((3, 2, 4)))
    assert found.shape == error.shape == (2, 4) and np.isnan(found).all() and np.isnan(error).all()
    with pytest.raises(ValueError, match="equally many"):
        derivatives(np.zeros(3), np.zeros((4, 1)))


def test_a_wrong_clock_is_seen(events):
    assert abs(z_of_means(events - 3.0, events)[0]) < Z
    assert abs(z_of_means(events - 3.1, events)[0]) > Z
    assert np.isnan(z_of_means(np.full((5, 1), -0.01), np.zeros((5, 1)))).all()
