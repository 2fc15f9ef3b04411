"""Intervals of the analysis hold what they say: 1,000 synthetic sets each, between 93 and 97 % (slow).

A correct 95 % interval leaves that band with a chance of 4e-3; seeds are fixed. Each test prints its shares.
"""

import numpy as np
import pytest

from frenkel.analysis.noise import markov, rtn
from frenkel.analysis.noise import trace as traces
from frenkel.analysis.reliability import relaxation, retention
from frenkel.units import BOLTZMANN_EV

SETS = 1000

pytestmark = pytest.mark.verification


def check(names, hits):
    """Print the fraction of intervals that hold the truth, and demand 93 to 97 %."""
    share = np.mean(hits, axis=0)
    print("\n" + "\n".join(f"{name}: {100 * s:.1f} %" for name, s in zip(names, share, strict=True)))
    assert np.all((share >= 0.93) & (share <= 0.97)), dict(zip(names, share, strict=True))


def holds(bounds, value):
    return bool(bounds[0] < value < bounds[1])


def test_times_and_amplitude_of_a_trap():
    """A trace of 4,000 samples with about 160 transitions under noise of a fifth of the amplitude."""
    model, hits = markov.additive(5.0, [1.0], [20.0], [30.0], 0.2), []
    for seed in range(SETS):
        y, _ = markov.simulate(model, 1.0, 4000, seed)
        found = rtn.traps(traces.from_arrays(np.arange(4000.0), y), 1).isel(trap=0)
        truth = {"tau_capture": 20.0, "tau_emission": 30.0, "amplitude": 1.0}
        hits.append([holds(found[f"{name}_interval"].values, value) for name, value in truth.items()])
    check(["tau_capture", "tau_emission", "amplitude"], hits)


def test_mean_dwell():
    hits = []
    for seed in range(SETS):
        dwell = np.random.default_rng([1, seed]).exponential(2.0, 40)
        sampled = np.ceil(np.random.default_rng([2, seed]).exponential(2.0, 40) / 0.5) * 0.5
        exact, coarse = rtn.dwell_statistics(dwell), rtn.dwell_statistics(sampled, 0.5)
        hits.append([holds((s["low"], s["high"]), 2.0) for s in (exact, coarse)])
    check(["mean of 40 dwells", "sampled every quarter of the mean"], hits)


def test_depth_and_activation_energy():
    hits, voltage, temperature = [], np.linspace(-0.2, 0.2, 5), np.array([400.0, 425.0, 450.0, 475.0])
    for seed in range(SETS):
        random = np.random.default_rng([3, seed])
        ratio = np.exp((0.02 - 0.3 * voltage) / (BOLTZMANN_EV * 300) + 0.1 * random.standard_normal(5))
        trap = rtn.trap_depth(voltage, ratio, np.ones(5), 300.0, np.full(5, 0.1))
        times = 1e-11 * np.exp(1.2 / (BOLTZMANN_EV * temperature) + 0.2 * random.standard_normal(4))
        known = retention.arrhenius(temperature, times, np.full(4, 0.2))
        unknown = retention.arrhenius(temperature, times)
        truth = 1e-11 * np.exp(1.2 / (BOLTZMANN_EV * 358.15))
        hits.append(
            [
                holds((trap["depth_low"], trap["depth_high"]), 0.3),
                holds((trap["energy_low"], trap["energy_high"]), 0.02),
                holds(known.energy_interval, 1.2),
                holds(unknown.energy_interval, 1.2),
                holds(known.time(358.15)[1:], truth),
            ]
        )
    check(["depth", "energy", "Ea", "Ea, errors unknown", "time at 85 C"], hits)


def test_lifetimes_with_censoring():
    """150 devices of which a sixth outlives the test; also the median of Kaplan and Meier."""
    hits = []
    for seed in range(SETS):
        random = np.random.default_rng([4, seed])
        life, end = np.exp(3 + 0.5 * random.standard_normal(150)), np.exp(3.5)
        seen, failed = np.minimum(life, end), life < end
        normal = retention.fit_lifetime(seen, failed)
        curve = retention.survival_time(retention.kaplan_meier(seen, failed))
        life, end = np.exp(3) * random.weibull(2.0, 150), np.exp(3) * 1.2
        weibull = retention.fit_lifetime(np.minimum(life, end), life < end, "weibull")
        hits.append(
            [
                holds(normal.quantile(0.5)[1:], np.exp(3)),
                holds(normal.quantile(0.1)[1:], np.exp(3 - 0.5 * 1.2815516)),
                holds(curve[1:], np.exp(3)),
                holds(weibull.quantile(1 - np.exp(-1))[1:], np.exp(3)),
            ]
        )
    check(["lognormal median", "lognormal 10 %", "Kaplan-Meier median", "Weibull 63 %"], hits)


def test_relaxation_slopes():
    """200 devices whose deviations last: slopes of mean and deviation, and the rate of the logarithm."""
    hits, log = [], np.log(np.geomspace(1.0, 1e5, 8))
    for seed in range(SETS):
        random = np.random.default_rng([5, seed])
        deviate = 0.9 * random.standard_normal((200, 1)) + np.sqrt(0.19) * random.standard_normal((200, 8))
        data = relaxation.conductances(np.exp(log), 1e-5 - 1e-7 * log + 1e-6 * (0.4 + 0.04 * log) * deviate)
        slope = relaxation.spread(data, resamples=100, seed=seed)["slope_interval"].values
        law = relaxation.compare_laws(data, resamples=100, seed=seed)["rate_interval"].sel(law="logarithm")
        hits.append([holds(slope[0], -1e-7), holds(slope[1], 4e-8), holds(law.values, -1e-7)])
    check(["slope of the mean", "slope of the deviation", "rate of the logarithm"], hits)


def test_parameters_of_distributions():
    hits = []
    for seed in range(SETS):
        x = np.random.default_rng([6, seed]).lognormal(0.0, 0.5, 100)
        found = relaxation.fit_distributions(x, ["lognormal"], resamples=200, seed=seed).isel(family=0)
        hits.append([holds(found["shape_interval"].values, 0.5), holds(found["scale_interval"].values, 1.0)])
    check(["lognormal shape", "lognormal scale"], hits)


@pytest.mark.parametrize("ratio", [5, 10, 20])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_planted_traps(n, ratio):
    """R-09: amplitudes of 5 to 20 times the noise: times within 10 %, amplitudes within 3 %."""
    amplitude, high, low = [1.0, 0.6, 0.35][:n], [0.02, 0.05, 0.012][:n], [0.03, 0.02, 0.02][:n]
    y, _ = markov.simulate(
        markov.additive(5.0, amplitude, high, low, amplitude[-1] / ratio), 1e-3, 400_000, seed=7
    )
    found = rtn.traps(traces.from_arrays(np.arange(len(y)) * 1e-3, y), maximum=4, intervals=False)
    assert found.sizes["trap"] == n
    worst = max(np.abs(found["tau_capture"] / high - 1).max(), np.abs(found["tau_emission"] / low - 1).max())
    print(f"\n{n} traps, {ratio}: times within {100 * worst:.1f} %")
    np.testing.assert_allclose(found["tau_capture"], high, rtol=0.10)
    np.testing.assert_allclose(found["tau_emission"], low, rtol=0.10)
    np.testing.assert_allclose(found["amplitude"], amplitude, rtol=0.03)
