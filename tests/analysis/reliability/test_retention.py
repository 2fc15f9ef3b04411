"""Retention: survival with censoring, lifetime distributions, Arrhenius, bake equivalence, read disturb.

Statistical tests have fixed seeds; the number in each comment is the chance that a correct program fails it
with another seed.
"""

import numpy as np
import pytest

from frenkel.analysis.reliability import retention
from frenkel.units import BOLTZMANN_EV, hour, minute, year

BAKES = np.array([425.0, 450.0, 475.0, 500.0])


def lifetimes(temperature, number, seed, energy=1.2, end=2e4, spread=0.5):
    """Return times and failures of lognormal devices, followed until an end."""
    random = np.random.default_rng(seed)
    life = 1e-11 * np.exp(energy / (BOLTZMANN_EV * temperature) + spread * random.standard_normal(number))
    return np.minimum(life, end), life < end


# survival


def test_kaplan_meier_of_the_original_paper():
    """Deaths at 0.8, 3.1, 5.4 and 9.2, losses at 1.0, 2.7, 7.0 and 12.1: 7/8, 7/10, 21/40, 21/80."""
    time = [0.8, 1.0, 2.7, 3.1, 5.4, 7.0, 9.2, 12.1]
    curve = retention.kaplan_meier(time, [1, 0, 0, 1, 1, 0, 1, 0])
    np.testing.assert_allclose(curve["time"], [0.8, 3.1, 5.4, 9.2])
    np.testing.assert_allclose(curve["survival"], [7 / 8, 7 / 10, 21 / 40, 21 / 80])
    np.testing.assert_array_equal(curve["at_risk"], [8, 5, 4, 2])
    assert np.all(curve["low"] < curve["survival"]) and np.all(curve["survival"] < curve["high"])
    assert retention.survival_time(curve)[0] == 9.2


def test_survival_without_censoring_is_the_empirical_one():
    time = np.array([3.0, 1.0, 2.0, 2.0])
    curve = retention.kaplan_meier(time, np.ones(4))
    np.testing.assert_allclose(curve["survival"], [0.75, 0.25, 0.0])
    np.testing.assert_array_equal(curve["failures"], [1, 2, 1])
    # Greenwood's variance is then the binomial one
    low = 0.75 ** np.exp(1.959964 * np.sqrt(0.25 / (4 * 0.75)) / abs(np.log(0.75)))
    assert float(curve["low"][0]) == pytest.approx(low, rel=1e-6)
    assert np.isnan(curve["low"][2])


def test_median_is_missing_where_half_survive():
    curve = retention.kaplan_meier([1.0, 2.0, 5.0, 5.0, 5.0], [1, 0, 0, 0, 0])
    assert np.isnan(retention.survival_time(curve)[0])


def test_failures_of_reads():
    time = np.array([1.0, 10.0, 100.0])
    g = [[5, 4, 3], [5, 1, 5], [1, 1, 1]]
    when, failed = retention.failure_times(time, g, 2.0)
    np.testing.assert_array_equal(when, [100, 10, 1])
    np.testing.assert_array_equal(failed, [False, True, True])
    when, failed = retention.failure_times(time, g, 4.5, falls=False)
    np.testing.assert_array_equal(when, [1, 1, 100])


# lifetimes


@pytest.mark.parametrize("family", ["lognormal", "weibull"])
def test_lifetimes_come_back(family):
    """2,000 devices, a quarter censored: location and scale within four errors (p = 1e-4)."""
    random = np.random.default_rng(3)
    z = random.standard_normal(2000) if family == "lognormal" else np.log(random.exponential(1.0, 2000))
    life = np.exp(7.0 + 0.4 * z)
    end = np.quantile(life, 0.75)
    fit = retention.fit_lifetime(np.minimum(life, end), life < end, family)
    other = retention.fit_lifetime(
        np.minimum(life, end), life < end, {"lognormal": "weibull"}.get(family, "lognormal")
    )
    errors = np.sqrt(np.diag(fit.fit.covariance))
    assert abs(fit.fit.location - 7.0) < 4 * errors[0] and abs(np.log(fit.fit.scale / 0.4)) < 4 * errors[1]
    assert fit.aic < other.aic - 10
    value, low, high = fit.quantile(0.5)
    assert low < value < high
    # The interval is that of the likelihood's profile, nearly symmetric for so many devices.
    assert fit.median_error == pytest.approx(np.log(high / low) / 2 / 1.959964, rel=0.02)


def test_lognormal_without_censoring_is_closed_form():
    life = np.exp(np.random.default_rng(4).normal(3.0, 0.7, 50))
    fit = retention.fit_lifetime(life, np.ones(50))
    logs = np.log(life)
    assert fit.fit.location == pytest.approx(logs.mean(), abs=1e-5)
    assert fit.fit.scale == pytest.approx(logs.std(), rel=1e-5)
    np.testing.assert_allclose(fit.fit.covariance, np.diag([logs.var() / 50, 1 / 100]), rtol=1e-3, atol=1e-6)


# Arrhenius


def test_energy_from_bakes():
    """D-10: 1.2 eV planted, four bakes of 40 devices: within two intervals, four errors (p = 1e-4)."""
    fits = [retention.fit_lifetime(*lifetimes(t, 40, 10 + i)) for i, t in enumerate(BAKES)]
    medians = [fit.quantile(0.5)[0] for fit in fits]
    found = retention.arrhenius(BAKES, medians, [fit.median_error for fit in fits])
    low, high = found.energy_interval

    assert abs(found.energy - 1.2) < high - low < 0.15
    value, least, most = found.time(358.15)
    exact = 1e-11 * np.exp(1.2 / (BOLTZMANN_EV * 358.15))
    assert least < value < most and abs(np.log(value / exact)) < np.log(most / least)


def test_exact_times_give_the_exact_energy():
    found = retention.arrhenius(BAKES, 1e-13 * np.exp(1.35 / (BOLTZMANN_EV * BAKES)))
    assert found.energy == pytest.approx(1.35, rel=1e-9)
    assert found.time(358.15)[0] == pytest.approx(1e-13 * np.exp(1.35 / (BOLTZMANN_EV * 358.15)), rel=1e-8)


def test_bake_equivalence():
    """D-11: ten years at 85 C are 39 min at 200 C for 1.5 eV, or 16 h for 1.09 eV."""
    for energy, bake in ((1.5, 39 * minute), (1.09, 16.4 * hour)):
        line = retention.arrhenius(BAKES, 1e-13 * np.exp(energy / (BOLTZMANN_EV * BAKES)))
        factor = line.time(358.15)[0] / line.time(473.15)[0]
        assert 10 * year / factor == pytest.approx(bake, rel=0.01)


def test_bake_equivalence_of_found_energy():
    """D-11: the ratio of median times at two bakes lies in the interval of the energy."""
    ends = BAKES[[0, -1]]
    fits = [retention.fit_lifetime(*lifetimes(t, 60, 30 + i)) for i, t in enumerate(ends)]
    medians = [fit.quantile(0.5)[0] for fit in fits]
    found = retention.arrhenius(ends, medians, [fit.median_error for fit in fits])
    span = (1 / ends[0] - 1 / ends[1]) / BOLTZMANN_EV
    low, high = (np.exp(e * span) for e in found.energy_interval)
    assert low < medians[0] / medians[1] < high
    assert found.time(ends[0])[0] / found.time(ends[1])[0] == pytest.approx(medians[0] / medians[1], rel=1e-6)


def test_retention_falls_with_the_resistance():
    """D-12: devices of higher resistance with a lower barrier fail earlier; medians in order at 3 errors."""
    medians = []
    for i, energy in enumerate((1.30, 1.25, 1.20)):  # rising resistance
        curve = retention.kaplan_meier(*lifetimes(475.0, 60, 50 + i, energy=energy, end=1e6))
        medians.append(retention.survival_time(curve))
    assert medians[0][1] > medians[1][2] and medians[1][1] > medians[2][2]


def test_read_disturb_on_the_curve_of_set_times():
    """D-13: decades per volt of reads to failure at 0.1-0.3 V and of SET times at 0.5-0.9 V, 400 each."""
    random = np.random.default_rng(60)
    found = {}
    for name, voltage in (("read", np.linspace(0.1, 0.3, 5)), ("set", np.linspace(0.5, 0.9, 5))):
        times = [random.exponential(10 ** (6 - 15 * v), 400) for v in voltage]
        found[name] = retention.voltage_acceleration(voltage, [t.mean() for t in times], np.full(5, 0.05))
    assert found["read"].slope == pytest.approx(-15, rel=0.1)
    assert found["read"].slope == pytest.approx(found["set"].slope, rel=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: retention.kaplan_meier([-1.0, 2], [1, 1]), "time must be at least 0 s and finite, got -1"),
        (lambda: retention.kaplan_meier([1.0, 2], [0, 0]), "at least one failure, got 2 devices without"),
        (lambda: retention.kaplan_meier([1.0, 2], [1]), "one value for each device"),
        (
            lambda: retention.fit_lifetime([1.0, 2, 3], [1, 1, 0]),
            "at least 3 different times of failure, got 2 of 3",
        ),
        (
            lambda: retention.fit_lifetime([1.0, 2, 3], [1, 1, 1], "normal"),
            "family must be one of lognormal, weibull",
        ),
        (
            lambda: retention.arrhenius([0.0, 1, 2], [1, 1, 1]),
            r"temperature must be positive and finite \(K\), got 0",
        ),
        (
            lambda: retention.arrhenius([300.0, 310, 320], [1, -1, 1]),
            r"time must be positive and finite \(s\), got -1",
        ),
        (lambda: retention.arrhenius([300.0, 300, 300], [1, 2, 1]), "at least 3 different points, got 1"),
        (lambda: retention.failure_times([1.0, 2], [[1, 2, 3]], 2.0), "got 2 times and 3 reads"),
        (
            lambda: retention.survival_time(retention.kaplan_meier([1.0], [1]), 1.5),
            "share must be above 0 and below 1, got",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_page_is_drawn(tmp_path):
    from frenkel.analysis.plots import page as sheets
    from frenkel.analysis.plots import relaxation as relaxation_plot

    bakes = {t: lifetimes(t, 30, i, end=2e3) for i, t in enumerate(BAKES)}
    page = relaxation_plot.retention_page(bakes)
    assert sheets.save(page, tmp_path / "a.png").stat().st_size > 20_000
