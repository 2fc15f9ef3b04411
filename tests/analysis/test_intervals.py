"""Intervals and standard errors against closed forms, and against how far estimates scatter."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from frenkel.analysis.noise import spectrum, trace
from frenkel.analysis.reliability import retention

KELVIN_EV = 8.617333262e-5


def test_the_median_of_weibull_has_the_error_of_its_own_quantile():
    """ln t50 = location + ln(ln 2) scale: by the covariance of both, and by how far medians scatter."""
    rng = np.random.default_rng(1)
    fits = [
        retention.fit_lifetime(3.0 * rng.weibull(2.0, 60), np.ones(60, bool), "weibull") for _ in range(60)
    ]
    errors = []
    for one in fits:
        z, c = math.log(math.log(2)) * one.fit.scale, one.fit.covariance  # of location and ln(scale)
        errors.append(math.sqrt(c[0, 0] + 2 * z * c[0, 1] + z**2 * c[1, 1]))
        assert one.median_error == pytest.approx(errors[-1], rel=1e-9)
    medians = [math.log(one.quantile(0.5)[0]) for one in fits]
    assert np.std(medians) / np.mean(errors) == pytest.approx(1.0, abs=0.35)  # 4 standard errors
    assert np.mean(medians) == pytest.approx(math.log(3.0 * math.log(2) ** 0.5), abs=0.05)


def test_the_median_of_a_lognormal_has_the_error_of_its_mean():
    times = np.exp(np.random.default_rng(2).standard_normal(80))
    one = retention.fit_lifetime(times, np.ones(80, bool))
    assert one.median_error == pytest.approx(np.std(np.log(times)) / math.sqrt(80), rel=0.01)


def test_errors_of_ln_become_errors_of_decades():
    """Of two voltages 0.5 V apart the slope has sqrt(2) times the error of a point over 0.5 V."""
    error = 0.23
    line = retention.voltage_acceleration([0.5, 1.0], [1e3, 1e-3], [error, error])
    assert line.slope == pytest.approx(-12)
    half = 1.959964 * math.sqrt(2) * error / math.log(10) / 0.5
    assert line.slope_interval == pytest.approx((-12 - half, -12 + half), rel=1e-6)
    energy = retention.arrhenius([400.0, 500.0], [1e4, 1e1], [error, error])
    step = (1 / 400 - 1 / 500) / KELVIN_EV
    expected, half = math.log(1e3) / step, 1.959964 * math.sqrt(2) * error / step
    assert energy.energy == pytest.approx(expected, rel=1e-6)
    assert energy.energy_interval == pytest.approx((expected - half, expected + half), rel=1e-6)
    middle, low, high = energy.time(400.0)
    assert middle == pytest.approx(1e4, rel=1e-6)
    assert (math.log(high), math.log(low)) == pytest.approx(
        (math.log(1e4) + 1.959964 * error, math.log(1e4) - 1.959964 * error), rel=1e-4
    )


def white(seed, samples=4096):
    values = np.random.default_rng(seed).standard_normal(samples)
    return xr.Dataset(
        {"current": ("sample", values, {"units": "A"}), "time": ("sample", 1e-3 * np.arange(samples))}
    )


def test_densities_scatter_as_their_degrees_of_freedom_say():
    """Of white noise a density is chi-square about twice the variance times the step."""
    found = [spectrum.power_spectrum(white(seed), 8) for seed in range(60)]
    density = np.array([one.values[5:-5] for one in found])
    freedom = found[0].attrs["degrees_of_freedom"]
    assert density.mean() == pytest.approx(2e-3, rel=0.01)
    assert 2 * density.mean() ** 2 / density.var() == pytest.approx(freedom, rel=0.05)
    assert freedom == pytest.approx(2 * 8 / (1 + 2 * (7 / 8) / 36)) and found[0].attrs["segments"] == 8


def test_a_power_of_the_frequency_and_its_interval():
    """Exact for an exact power; of noisy densities 95 % of intervals hold the exponent."""
    f = np.arange(1.0, 400.0)

    def density(values):
        return xr.DataArray(values, {"frequency": ("frequency", f)})

    exact = spectrum.slope(density(3.0 * f**-1.25), 2.0, 300.0)
    assert exact.value == pytest.approx(-1.25, abs=0.01) and exact.high - exact.low < 0.02
    rng, hits, widths, values = np.random.default_rng(4), 0, [], []
    for _ in range(120):
        one = spectrum.slope(density(f**-1.0 * rng.chisquare(40, len(f)) / 40), 2.0, 300.0)
        hits += one.low <= -1.0 <= one.high
        widths.append((one.high - one.low) / 2)
        values.append(one.value)
    assert 0.85 <= hits / 120 <= 1.0
    assert np.mean(widths) / np.std(values) == pytest.approx(stats.t.ppf(0.975, 20), rel=0.25)


def test_a_uniform_trace_is_taken_as_it_is():
    step, values = trace.uniform(white(1, 64))
    assert step == pytest.approx(1e-3) and len(values) == 64
