"""Derivatives by covariance, of Poisson events whose law is known. False alarm 1e-4 for each z."""

import numpy as np
import pytest
from scipy import stats
from small_boxes import FALSE_ALARM

from frenkel.rare.score import combinations, derivatives, differences, intervals, z_of_means

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


@pytest.mark.parametrize("number", [3, 40])
def test_errors_are_those_of_leaving_one_run_out(number):
    rng = np.random.default_rng(number)
    values, weights, direct = (rng.normal(size=(number, *more)) for more in ((), (2,), (2,)))
    _, error = derivatives(values, weights, direct)
    left = np.array(
        [
            [np.cov(np.delete(values, k), np.delete(weights[:, i], k))[0, 1] for i in range(2)]
            + np.delete(direct, k, axis=0).mean(axis=0)
            for k in range(number)
        ]
    )
    by_hand = np.sqrt((number - 1) / number * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    assert error == pytest.approx(by_hand, rel=1e-12)


WAITS = {
    "ln t of 20 steps": (20, np.log, -1.0),
    "t of 5 steps": (5, lambda t: t, -5.0),
    "whether 20 steps end by 20": (20, lambda t: (t < 20.0) * 1.0, 20.0 * stats.gamma.pdf(20.0, 20)),
}
"""Steps of a rate 1, what is asked of the time of all, and its derivative by ln rate."""


@pytest.mark.parametrize(("steps", "of", "truth"), WAITS.values(), ids=WAITS)
def test_intervals_of_a_hundred_runs_hold_the_truth(steps, of, truth):
    """Of 1,000 repeats 93.2 to 97.5 % (of 200: 92 to 98 %). Of 4,000 others 95.3 to 96.0 % hold it, and of
    1.96 errors 90.8 to 94.7 %."""
    waits = np.random.default_rng(8).exponential(size=(1000, 100, steps)).sum(axis=2)
    ends = np.array([intervals(of(wait), (steps - wait)[:, None]) for wait in waits])[..., 0]
    held = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    assert 0.932 <= held.mean() <= 0.975
    assert 184 <= held[:200].sum() <= 197


def test_intervals_of_even_numbers_are_those_of_t():
    """Pseudo-values without skewness: symmetric about the derivative; more runs come to 1.96 errors."""
    values = np.repeat([-1.0, 1.0], 3000)
    weights = np.tile([1.0, -1.0, 2.0, -2.0], 1500)[:, None] + 0.5 * values[:, None]
    mean, error = derivatives(values, weights)
    low, high = intervals(values, weights)
    assert high - mean == pytest.approx(mean - low, rel=1e-2)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=1e-2)


def test_too_few_runs_give_nothing():
    found, error = derivatives(np.array([1.0, np.nan, 2.0]), np.zeros((3, 2, 4)))
    assert all(end.shape == (2, 4) for end in intervals(np.array([1.0, 2.0]), np.zeros((2, 2, 4))))
    assert found.shape == error.shape == (2, 4) and np.isnan(found).all() and np.isnan(error).all()
    with pytest.raises(ValueError, match="equally many"):
        derivatives(np.zeros(3), np.zeros((4, 1)))


def test_a_wrong_clock_is_seen(events):
    assert abs(z_of_means(events - 3.0, events)[0]) < Z
    assert abs(z_of_means(events - 3.1, events)[0]) > Z
    assert np.isnan(z_of_means(np.full((5, 1), -0.01), np.zeros((5, 1)))).all()


def test_what_can_be_told(events):
    """Of Poisson events the information on ln rate is their mean; barrier and frequency at one kT are one.

    With weights S and -2 S the combination (1, -2) / sqrt 5 has 5 times 3, the other one exactly nothing;
    a second mechanism with events of its own, 0.5 in the mean, stands apart.
    """
    weight = events[:, 0] - 3.0
    other = np.random.default_rng(4).poisson(0.5, len(events)) - 0.5
    values, errors, vectors = combinations(np.array([weight, -2.0 * weight, other]).T)
    for found, error, exact in zip(values[:2], errors, (15.0, 0.5), strict=False):
        assert abs(found - exact) < Z * error < 0.1 * exact
    assert values[2] == pytest.approx(0.0, abs=1e-10)
    assert vectors[2] == pytest.approx([0.894427, 0.447214, 0.0], abs=1e-5)
    assert vectors[0] == pytest.approx([-0.447214, 0.894427, 0.0], abs=0.01)
    with pytest.raises(ValueError, match="combinations need at least 3 runs, got 2"):
        combinations(np.zeros((2, 3)))


def test_the_mean_of_weights_is_not_taken_off():
    """Two weights of 1 and one of -2: the mean of squares is 2; with a mean that is not 0 it stays in."""
    assert combinations(np.array([[1.0], [1.0], [-2.0]]))[0] == pytest.approx([2.0])
    assert combinations(np.array([[1.0], [1.0], [1.0]]))[0] == pytest.approx([1.0])


def test_a_derivative_of_the_value_itself_is_added(events):
    """f = a N with a = 2: d E[f] / d ln rate = 6; by ln a it is 6 more."""
    found, error = derivatives(2.0 * events[:, 0], events - 3.0, 2.0 * events)
    assert abs(found[0] - 12.0) < Z * error[0] < 1.0


def test_differences_of_twins():
    """Pairs whose conditional means are known: f = N of runs with N >= 1, by N + one more event or none."""
    random = np.random.default_rng(5)
    low = random.poisson(3.0, 20_000).astype(float)
    high = low + random.poisson(0.3, 20_000)
    exact = 3.3 / (1 - np.exp(-3.3)) - 3.0 / (1 - np.exp(-3.0))
    ends = [np.where(one > 0, one, np.nan)[:, None] for one in (low, high)]
    found, error, differ = differences(*ends)
    assert abs(found[0] - exact) < Z * error[0] < 0.05
    assert differ[0] == np.count_nonzero(low != high)
    # The error is that of repeats: 200 of 100 pairs scatter by as much.
    parts = [differences(a, b)[0][0] for a, b in zip(*(np.split(one, 200) for one in ends), strict=True)]
    assert np.std(parts) / np.sqrt(200) == pytest.approx(error[0], rel=0.2)
    with pytest.raises(ValueError, match="low"):  # one run would stand for all
        differences(low[:, None], high[:1, None])
    few = np.array([[1.0], [np.nan], [2.0]])
    assert np.isnan(differences(few, few)[0]).all() and differences(few, few)[2][0] == 0
