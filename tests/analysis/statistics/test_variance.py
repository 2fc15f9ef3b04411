"""Variance between and within devices, and correlation over cycles: exact cases, coverage, needed devices."""

import numpy as np
import pytest
from scipy import optimize, stats

from frenkel.analysis.statistics import variance


def ensemble(devices, cycles, fraction, seed):
    random = np.random.default_rng(seed)
    between = np.sqrt(fraction) * random.standard_normal((devices, 1))
    return between + np.sqrt(1 - fraction) * random.standard_normal((devices, cycles))


def test_components_of_whole_numbers():
    """Two devices of three cycles: means 2 and 6, MSB = 24, MSW = 1, so b = 23/3."""
    assert variance.variance_components([[1, 2, 3], [5, 6, 7]]) == pytest.approx((23 / 3, 1.0), rel=1e-14)
    # Of three and two values: MSB = 3 * 1.6^2 + 2 * 2.4^2 = 19.2, MSW = 4/3, n0 = 5 - 13/5 = 2.4.
    table = [[1, 2, 3], [5, 7, np.nan], [np.nan, np.inf, -np.inf]]
    assert variance.variance_components(table) == pytest.approx(((19.2 - 4 / 3) / 2.4, 4 / 3), rel=1e-14)


def test_equal_devices_give_what_restricted_likelihood_does():
    table = ensemble(12, 7, 0.4, seed=3)
    devices, cycles = table.shape

    def deviance(logs):
        """Minus twice the restricted log-likelihood, from the covariance matrix of all values."""
        between, within = np.exp(logs)
        block = within * np.eye(cycles) + between
        inverse, ones = np.linalg.inv(block), np.ones(cycles)
        information = devices * ones @ inverse @ ones
        mean = sum(ones @ inverse @ row for row in table) / information
        fit = sum((row - mean) @ inverse @ (row - mean) for row in table)
        return devices * np.linalg.slogdet(block)[1] + np.log(information) + fit

    best = optimize.minimize(
        deviance, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
    )
    assert variance.variance_components(table) == pytest.approx(np.exp(best.x), rel=1e-6)


def test_unequal_devices_are_without_bias():
    """The mean of the estimates over orthogonal errors is exact: values are columns of a square root."""
    number = np.array([1, 2, 5, 3])
    device = np.repeat(np.arange(4), number)
    covariance = 0.3 * (device[:, None] == device) + 0.7 * np.eye(11)
    estimates = []
    for column in np.sqrt(11) * np.linalg.cholesky(covariance).T:
        table = np.full((4, 5), np.nan)
        for d in range(4):
            table[d, : number[d]] = column[device == d]
        estimates.append(variance.variance_components(table))
    assert np.mean(estimates, axis=0) == pytest.approx([0.3, 0.7], rel=1e-12)


def test_a_fraction_has_an_interval_that_holds_the_truth():
    """120 ensembles of 24 devices; at 92 % fewer than 101 hold it with a probability of 1e-3."""
    held = 0
    for seed in range(120):
        estimate = variance.variance_fraction(ensemble(24, 10, 0.5, seed), resamples=199)
        assert estimate.low <= estimate.value <= estimate.high and estimate.devices == 24
        held += estimate.low <= 0.5 <= estimate.high
    assert 101 <= held
    none = variance.variance_fraction(ensemble(24, 10, 0.0, 6), resamples=199)
    assert none.low == 0.0 and none.value < 0.1


@pytest.mark.parametrize(("fraction", "cycles", "width"), [(0.5, 20, 0.2), (0.3, 4, 0.15), (0.85, 20, 0.1)])
def test_as_many_devices_as_are_needed_make_the_interval_as_narrow(fraction, cycles, width):
    """4,000 ensembles: the spread of the estimates is known to 1.1 %; 7 % off is a false alarm at 1e-6."""
    devices = variance.devices_needed(fraction, width, cycles)
    random = np.random.default_rng(8)
    between = np.sqrt(fraction) * random.standard_normal((4000, devices))
    mean = between + np.sqrt((1 - fraction) / cycles) * random.standard_normal((4000, devices))
    within = (1 - fraction) * random.chisquare(devices * (cycles - 1), 4000) / (devices * (cycles - 1))
    component = mean.var(axis=1, ddof=1) - within / cycles
    spread = np.std(component / (component + within))
    assert 2 * stats.norm.isf(0.025) * spread == pytest.approx(width, rel=0.07)


def test_devices_needed_by_hand():
    """z = 1.959964: 1 + 8 z^2 0.25 (1 + 19/2)^2 / (380 * 0.04) = 56.7."""
    assert variance.devices_needed(0.5, 0.2, 20) == 57
    assert variance.devices_needed(0.99, 0.9, 20) == 3
    with pytest.raises(ValueError, match=r"^fraction must be above 0 and below 1, got 1$"):
        variance.devices_needed(1.0, 0.2, 20)
    with pytest.raises(ValueError, match=r"^cycles must be a whole number of at least 2, got 1$"):
        variance.devices_needed(0.5, 0.2, 1)


@pytest.mark.parametrize("missing", [0, 4])
def test_a_correlation_is_exact_where_that_of_the_devices_is(missing):
    """Devices are the columns of a square root of the covariance, each with a line of its own."""
    cycles = 24
    covariance = sum(
        value * (np.eye(cycles, k=lag) + np.eye(cycles, k=-lag))
        for lag, value in [(0, 0.5), (1, 0.3), (4, -0.1)]
    )
    table = np.linalg.cholesky(covariance).T
    random = np.random.default_rng(1)
    table = table + random.normal(size=(cycles, 1)) + random.normal(size=(cycles, 1)) * np.arange(cycles)
    if missing:
        table[:, 7 : 7 + missing] = np.nan
    for lag, expected in ((1, 0.3), (2, 0.0), (4, -0.1)):
        found = variance.lag_correlation(table, lag, resamples=99)
        assert found.value == pytest.approx(expected, abs=1e-11) and found.devices == cycles
        assert found.low < found.value < found.high


def test_a_walking_part_is_seen_at_its_lags():
    """64 devices of 100 cycles, x[c + 1] = 0.5 x[c] + noise: 0.5 and 0, within some 4 standard errors."""
    random = np.random.default_rng(4)
    table = np.empty((64, 100))
    table[:, 0] = random.standard_normal(64)
    for cycle in range(1, 100):
        table[:, cycle] = 0.5 * table[:, cycle - 1] + np.sqrt(0.75) * random.standard_normal(64)
    table += random.standard_normal((64, 1)) + 0.02 * random.standard_normal((64, 1)) * np.arange(100)
    first, later = (variance.lag_correlation(table, lag, resamples=199) for lag in (1, 20))
    assert first.value == pytest.approx(0.5, abs=0.06) and first.low < 0.5 < first.high
    assert later.value == pytest.approx(0.0, abs=0.08) and later.low < 0.0 < later.high
    table[60:, 10:] = np.nan
    assert variance.lag_correlation(table, 1, resamples=99).devices == 60


@pytest.mark.parametrize(
    ("table", "lag", "message"),
    [
        (np.zeros((8, 7)), 1, "a correlation at lag 1 needs 8 cycles, got 7"),
        (
            np.full((8, 20), np.nan),
            1,
            "a correlation needs at least 3 devices with half of the cycles, got 0",
        ),
        (np.ones((8, 20)), 1, "a correlation needs values that vary about their trends, got none"),
        (np.zeros((8, 20)), 0, "lag must be a whole number of at least 1, got 0"),
    ],
)
def test_too_little_for_a_correlation_is_said(table, lag, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        variance.lag_correlation(table, lag)


def test_devices_that_stand_still_may_be_drawn_alone():
    """Of three devices two do not change: some drawn ensembles have no variance at all."""
    table = np.array([[1.0] * 8, [1.0] * 8, [0.0, 1.0] * 4])
    found = variance.variance_fraction(table, resamples=199)
    assert 0.0 <= found.low <= found.high <= 1.0
    found = variance.lag_correlation(table, 1, resamples=199)
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0


def test_too_little_for_variances_is_said():
    message = "variances need at least 2 devices, and two values of one of them, got 2 of 2"
    with pytest.raises(ValueError, match=f"^{message}$"):
        variance.variance_components([[1.0], [2.0]])
    with pytest.raises(ValueError, match="variance of the values must be positive"):
        variance.variance_fraction(np.ones((5, 5)))
