"""Random telegraph noise: planted traps come back, exact spectra, and one sentence for each bad trace.

Statistical tests have fixed seeds; the number in each comment is the chance that a correct program fails it
with another seed.
"""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from frenkel.analysis.noise import markov, markov_start, rtn, spectrum
from frenkel.analysis.noise import trace as traces
from frenkel.analysis.reliability import retention
from frenkel.units import BOLTZMANN_EV

STEP = 1e-3


def drawn(model, samples, seed, step=STEP):
    current, state = markov.simulate(model, step, samples, seed)
    return traces.from_arrays(np.arange(samples) * step, current), state


def one_trap(high=0.02, low=0.03, noise=0.1, amplitude=1.0, base=5.0):
    return markov.additive(base, [amplitude], [high], [low], noise)


# the hidden Markov model


def sequential(model, y, step):
    """Return log-likelihood, posterior of each state and steps between states, one sample after another."""
    matrix, p = markov._joint(model.flips(step)), model.weights()
    e = np.exp(-0.5 * ((y[:, None] - model.level) / model.noise) ** 2) / (model.noise * np.sqrt(2 * np.pi))
    log, alpha = 0.0, []
    for row in e:
        p = (p @ matrix) * row
        log, p = log + np.log(p.sum()), p / p.sum()
        alpha.append(p)
    beta, gamma, pairs = np.ones(len(model.level)), np.empty_like(e), np.zeros_like(matrix)
    for t in range(len(y) - 1, -1, -1):
        gamma[t] = alpha[t] * beta / (alpha[t] @ beta)
        if t:
            joint = alpha[t - 1][:, None] * matrix * (e[t] * beta)
            pairs += joint / joint.sum()
        beta = matrix @ (e[t] * beta)
        beta /= beta.sum()
    return log, gamma, pairs


@pytest.mark.parametrize("samples", [47, 1000, 3001])
def test_blocks_leave_no_trace(samples):
    model = markov.additive(10.0, [1.0, 0.6], [0.05, 0.2], [0.03, 0.1], 0.3)
    y, _ = markov.simulate(model, STEP, samples, seed=2)
    log, gamma, pairs = sequential(model, y, STEP)
    seen = markov.expectations(model, y, STEP, posterior=True)
    assert seen.log_likelihood == pytest.approx(log, abs=1e-7)
    np.testing.assert_allclose(seen.time, gamma.sum(0), atol=1e-7)
    np.testing.assert_allclose(seen.total, gamma.T @ y, atol=1e-6)
    np.testing.assert_allclose(seen.high, gamma @ markov.state_bits(2), atol=1e-6)
    up = pairs[np.ix_([0, 2], [1, 3])].sum()  # trap 0 is the lowest bit
    assert seen.flips[0, 0, 1] == pytest.approx(up, abs=1e-7)


def test_flips_count_what_is_not_seen():
    """Within a step a trap may go and come back; long steps forget the state."""
    slow = one_trap().flips(1e-6)[0]
    np.testing.assert_allclose(slow[[0, 1], [1, 0]], [1e-6 / 0.03, 1e-6 / 0.02], rtol=1e-4)
    np.testing.assert_allclose(one_trap().flips(10.0)[0], [[0.6, 0.4], [0.6, 0.4]])


def test_order_of_traps_changes_nothing():
    model = markov.additive(10.0, [-0.4, 1.0, 0.7], [0.05, 0.2, 0.1], [0.03, 0.1, 0.3], 0.3)
    same = markov.ordered(model)
    np.testing.assert_allclose(same.amplitude, [1.0, 0.7, 0.4])
    np.testing.assert_allclose(same.high, [0.2, 0.1, 0.03])
    assert same.baseline == pytest.approx(9.6)
    y, _ = markov.simulate(model, STEP, 500, seed=1)
    logs = [markov.expectations(m, y, STEP).log_likelihood for m in (model, same)]
    assert logs[0] == pytest.approx(logs[1], abs=1e-7)


PLANTED = [
    # amplitudes, high, low (s), noise: the ratio of the smallest amplitude to it is 20, 10 and 5
    ([1.0], [0.02], [0.03], 0.05),
    ([1.0, 0.6], [0.02, 0.05], [0.03, 0.02], 0.06),
    ([1.0, 0.6, 0.35], [0.02, 0.05, 0.012], [0.03, 0.02, 0.02], 0.07),
]


@pytest.mark.parametrize(("amplitude", "high", "low", "noise"), PLANTED, ids=["1 trap", "2 traps", "3 traps"])
def test_planted_traps_come_back(amplitude, high, low, noise):
    """R-09. 1,700 to 3,700 transitions a trap: 10 % is at least 2.9 errors of a time (p = 4e-3 each)."""
    data, state = drawn(markov.additive(5.0, amplitude, high, low, noise), 60_000, seed=11)
    found = rtn.traps(data, intervals=False)
    assert found.sizes["trap"] == len(amplitude)
    np.testing.assert_allclose(found["tau_capture"], high, rtol=0.10)
    np.testing.assert_allclose(found["tau_emission"], low, rtol=0.10)
    np.testing.assert_allclose(found["amplitude"], amplitude, rtol=0.03)
    assert float(found["noise"]) == pytest.approx(noise, rel=0.02)
    wrong = np.mean(rtn.states(data, found)["high"].values != state, axis=0)
    assert wrong.max() < 0.005


def test_traps_of_equal_amplitude_are_told_apart():
    data, _ = drawn(markov.additive(5.0, [1.0, 1.0], [0.01, 0.2], [0.02, 0.3], 0.1), 20_000, seed=3)
    found = rtn.traps(data, intervals=False)
    np.testing.assert_allclose(found["amplitude"], 1.0, rtol=0.03)
    np.testing.assert_allclose(np.sort(found["tau_capture"]), [0.01, 0.2], rtol=0.3)


def test_unit_of_time_and_current_is_free():
    """R-10: the same samples at 1 us and at 100 s a step, in nA and A; p = 0, there is no chance in it."""
    y, _ = markov.simulate(one_trap(), STEP, 8000, seed=5)
    fast, slow = (
        rtn.traps(traces.from_arrays(np.arange(8000) * step, y * unit), 1)
        for step, unit in ((1e-6, 1e-9), (100.0, 1.0))
    )
    np.testing.assert_allclose(fast["tau_capture"] * 1e8, slow["tau_capture"], rtol=1e-4)
    np.testing.assert_allclose(fast["amplitude_interval"] * 1e9, slow["amplitude_interval"], rtol=1e-3)


def test_negative_current_is_turned_over():
    y, _ = markov.simulate(one_trap(), STEP, 8000, seed=5)
    plus, minus = (rtn.traps(traces.from_arrays(np.arange(8000) * STEP, s * y), 1) for s in (1, -1))
    np.testing.assert_allclose(plus["tau_capture"], minus["tau_capture"], rtol=1e-9)
    np.testing.assert_allclose(plus["current"], -minus["current"], rtol=1e-9)


def test_capture_may_raise_the_current():
    data, _ = drawn(one_trap(), 8000, seed=5)
    lowers, raises = (rtn.traps(data, 1, capture_lowers=flag) for flag in (True, False))
    np.testing.assert_allclose(lowers["tau_capture"], raises["tau_emission"])
    np.testing.assert_allclose(lowers["tau_capture_interval"], raises["tau_emission_interval"])


def test_trace_without_noise():
    data, state = drawn(one_trap(noise=0.0), 20_000, seed=6)
    found = rtn.traps(data, intervals=False)
    assert found.sizes["trap"] == 1
    assert float(found["amplitude"][0]) == pytest.approx(1.0, rel=1e-6)
    np.testing.assert_array_equal(rtn.states(data, found)["high"].values, state)


def test_relative_amplitude_is_of_the_high_state():
    """R-04: a trap of 0.1 nA that takes 1 nA to 0.9 nA has 10 %."""
    data, _ = drawn(one_trap(amplitude=0.1, base=0.9, noise=0.01), 20_000, seed=7)
    assert float(rtn.traps(data, 1)["relative_amplitude"][0]) == pytest.approx(0.10, rel=0.01)


def test_coupled_traps_have_currents_of_their_own():
    """R-08: with coupling four levels do not add; without, the free levels add to 1 %."""
    model = markov.additive(5.0, [1.0, 0.6], [0.02, 0.1], [0.03, 0.06], 0.06)
    y, state = markov.simulate(model, STEP, 4_000, seed=8)
    both = state.all(axis=1)
    for coupling in (0.0, 0.4):
        data = traces.from_arrays(np.arange(4_000) * STEP, y + coupling * both)
        free = rtn.traps(data, 2, adds=False, intervals=False)
        low, first, second, all_high = (float(x) for x in free["current"])
        assert all_high - first - second + low == pytest.approx(coupling, abs=0.01)
        found = rtn.traps(data)
        assert found.sizes["trap"] == 2 and found.attrs["amplitudes_add"] == (coupling == 0)
        np.testing.assert_allclose(found["amplitude"], [1.0 + coupling / 2, 0.6 + coupling / 2], rtol=0.02)
        width = np.diff(found["amplitude_interval"])[:, 0]
        assert np.all(width > 0) and np.all(width < 0.02)


# dwell times


def test_dwells_of_one_trap_are_exponential():
    """R-01. p > 1e-4 by construction of the test; intervals hold the means at 4 errors."""
    data, _ = drawn(one_trap(noise=0.15), 120_000, seed=21)
    seen = rtn.states(data, rtn.traps(data, 1, intervals=False))
    for dwell, mean in zip(rtn.dwell_times(data["time"], seen["high"][:, 0]), (0.02, 0.03), strict=True):
        found = rtn.dwell_statistics(dwell, STEP)
        assert found["number"] >= 2000
        assert found["p_exponential"] > 1e-4
        assert found["mean"] == pytest.approx(mean, rel=4 / np.sqrt(found["number"]) + 0.05)


def hidden(number, seed):
    """Return dwell times of a low level that hides two states: 0.01 s, or with a chance of a third 0.1 s."""
    random = np.random.default_rng(seed)
    return random.exponential(np.where(random.random(number) < 1 / 3, 0.1, 0.01))


def test_hidden_states_are_not_exponential():
    """R-01, the control: a level with two states behind it must be rejected."""
    assert rtn.dwell_statistics(hidden(2000, 1))["p_exponential"] < 1e-10
    # and two steps in a row, whose dwells are too regular
    random = np.random.default_rng(2)
    assert rtn.dwell_statistics(random.exponential(1.0, (2, 2000)).sum(0))["p_exponential"] < 1e-10


def test_the_test_of_dwells_is_exact():
    """Its p is uniform for exponential times, sampled or not, with a dead time or not (p = 1e-4 each)."""
    for step, dead in ((0.0, 0.0), (0.2, 0.0), (0.0, 0.5)):
        p = []
        for seed in range(200):
            times = dead + np.random.default_rng([9, seed]).exponential(1.0, 50)
            times = np.ceil(times / step) * step if step else times
            p.append(rtn.dwell_statistics(times, step, seed)["p_exponential"])
        assert stats.kstest(p, "uniform").pvalue > 1e-4


def test_dwells_cut_by_the_ends_do_not_count():
    high, low = rtn.dwell_times(np.arange(10.0), [1, 1, 0, 0, 0, 1, 0, 0, 1, 1])
    np.testing.assert_array_equal(high, [1.0])
    np.testing.assert_array_equal(low, [3.0, 2.0])


# spectra


def test_spectrum_of_two_states():
    """X-16, R-02: level, corner and scatter of Welch's estimate; 20,000 transitions (3 errors of a level)."""
    high, low = 0.02, 0.03
    data, _ = drawn(one_trap(high, low, noise=0.0), 250_000, seed=31, step=2e-3)
    density = spectrum.power_spectrum(data, 128)
    exact = spectrum.two_state_spectrum(density["frequency"], 1.0, high, low, 2e-3)
    ratio = (density.values / exact)[2:]
    assert ratio.mean() == pytest.approx(1.0, abs=0.03)
    # chi-square of about 2 K degrees of freedom: variance 2/freedom (p = 1e-4 at four errors of a variance)
    assert ratio.var() * density.attrs["degrees_of_freedom"] / 2 == pytest.approx(1.0, abs=0.2)
    found = spectrum.fit_lorentzians(density)
    assert found.sizes["lorentzian"] == 1
    assert float(found["corner"][0]) == pytest.approx((1 / high + 1 / low) / (2 * np.pi), rel=0.05)
    assert float(found["variance"][0]) == pytest.approx(high * low / (high + low) ** 2, rel=0.03)


def test_tail_falls_as_the_square():
    """R-02: slope -2.00 +- 0.05 between 10 corners and a tenth of the Nyquist frequency."""
    data, _ = drawn(one_trap(0.4, 0.4, noise=0.0), 400_000, seed=32)
    corner = 2 / 0.4 / (2 * np.pi)
    found = spectrum.slope(spectrum.power_spectrum(data, 64), 12 * corner, 50.0)
    assert found.value == pytest.approx(-2.0, abs=0.05)


def test_exact_spectrum_has_the_exact_variance():
    """X-16: the integral is dI^2 high low/(high + low)^2, of the sampled one up to the Nyquist frequency."""
    f = np.arange(0.5, 100_000) * 0.05
    whole = np.sum(spectrum.two_state_spectrum(f, 2.0, 0.02, 0.03)) * 0.05
    tail = 2 * 0.96 * (1 / 0.02 + 1 / 0.03) / (2 * np.pi) / (np.pi * 5000)  # above 5 kHz, from 1/f^2
    assert whole + tail == pytest.approx(0.96, rel=1e-5)
    f = np.arange(0.5, 5000) * 0.05
    assert np.sum(spectrum.two_state_spectrum(f, 2.0, 0.02, 0.03, 2e-3)) * 0.05 == pytest.approx(
        0.96, rel=1e-6
    )


def test_many_traps_make_one_over_f():
    """X-18: 4,000 log-uniform times, their exact spectra added: slope -1.00 +- 0.02 (4 errors, p = 1e-4)."""
    tau = np.geomspace(1e-4, 1e2, 4001) * np.exp(np.random.default_rng(4).uniform(0, 3e-3, 4001))
    f = np.geomspace(1e-1, 1e2, 61)
    total = np.mean([spectrum.two_state_spectrum(f, 2.0, 2 * t, 2 * t) for t in tau], axis=0)
    band = np.arctan(2 * np.pi * f * 1e2) - np.arctan(2 * np.pi * f * 1e-4)
    np.testing.assert_allclose(total, 2 * band / (np.pi * f * np.log(1e2 / 1e-4)), rtol=0.02)
    assert np.polyfit(np.log(f), np.log(total), 1)[0] == pytest.approx(-1.0, abs=0.02)


def test_a_trace_of_many_traps_shows_one_over_f():
    """R-02: 200 traps over four decades, slope -1.00 +- 0.05 over two decades (three errors)."""
    tau = np.geomspace(5e-4, 1e1, 200)
    y = np.zeros(100_000)
    for seed, t in enumerate(tau):
        y += markov.simulate(markov.additive(0.0, [1.0], [2 * t], [2 * t], 0.0), STEP, len(y), 900 + seed)[0]
    density = spectrum.power_spectrum(traces.from_arrays(np.arange(len(y)) * STEP, y), 16)
    found = spectrum.slope(density, 0.2, 20.0)
    assert found.value == pytest.approx(-1.0, abs=0.05)
    assert found.low < found.value < found.high


def test_lorentzians_and_white_noise_are_told_apart():
    data, _ = drawn(
        markov.additive(5.0, [1.0, 0.5], [0.02, 0.6], [0.03, 0.6], 0.2), 200_000, seed=33, step=2e-3
    )
    found = spectrum.fit_lorentzians(spectrum.power_spectrum(data, 64))
    np.testing.assert_allclose(
        found["corner"], [2 / 0.6 / (2 * np.pi), (50 + 100 / 3) / (2 * np.pi)], rtol=0.2
    )
    assert float(found["white"]) == pytest.approx(2 * 2e-3 * 0.04, rel=0.1)


# several traps


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_independent_traps(n):
    """X-19: 2^n levels, variances and spectra add, occupancies multiply (p = 1e-4, chi-square)."""
    model = markov.additive(5.0, [1.0, 0.51, 0.26, 0.12][:n], [0.002] * n, [0.003] * n, 0.01)
    data, state = drawn(model, 60_000, seed=40 + n)
    assert rtn.levels(data).sizes["level"] == 2**n
    apart = state[::10].astype(np.int64) @ (1 << np.arange(n))  # eight relaxation times apart
    count = np.bincount(apart, minlength=2**n)
    assert stats.chisquare(count, model.weights() * count.sum()).pvalue > 1e-4
    expected = np.sum(model.amplitude**2) * 0.24 + 1e-4
    assert float(data["current"].var()) == pytest.approx(expected, rel=0.05)
    density = spectrum.power_spectrum(data, 64)
    f = density["frequency"].values
    total = sum(spectrum.two_state_spectrum(f, a, 0.002, 0.003, STEP) for a in model.amplitude) + 2e-7
    assert np.mean(density.values / total) == pytest.approx(1.0, abs=0.05)


def test_dependent_traps_are_not_independent():
    """X-19 fails on purpose: the second trap can only be high while the first one is."""
    model = markov.additive(5.0, [1.0, 0.5], [0.002] * 2, [0.003] * 2, 0.01)
    _, state = drawn(model, 60_000, seed=41)
    state[:, 1] &= state[:, 0]
    count = np.bincount(state[::10].astype(np.int64) @ [1, 2], minlength=4)
    assert stats.chisquare(count, model.weights() * count.sum()).pvalue < 1e-20


def test_removing_a_trap_removes_its_power():
    """R-11: the power that traps report is what the trace loses when one of them is gone."""
    before, _ = drawn(markov.additive(5.0, [1.0, 0.5], [0.02, 0.05], [0.03, 0.02], 0.05), 20_000, seed=50)
    after, _ = drawn(markov.additive(5.0, [0.5], [0.05], [0.02], 0.05), 20_000, seed=51)
    lost = float(before["current"].var() - after["current"].var())
    found = rtn.traps(before, intervals=False)
    assert float(found["variance"][0]) == pytest.approx(lost, rel=0.15)


# time-lag plots


def test_spots_on_the_diagonal_are_levels():
    model = markov.additive(5.0, [1.0, 0.4], [0.05, 0.2], [0.03, 0.1], 0.06)
    data, _ = drawn(model, 40_000, seed=60)
    pairs = rtn.time_lag(data)
    np.testing.assert_allclose(rtn.time_lag_levels(pairs), np.sort(model.level), atol=0.03)
    assert float(pairs.sum()) == pytest.approx(39_999, rel=1e-3)


def test_spots_off_the_diagonal_are_transitions():
    """R-09: the pairs that go from low to high are as many as the transitions up, noise or none."""
    data, state = drawn(one_trap(noise=0.05), 40_000, seed=61)
    pairs = rtn.time_lag(data, weighted=False)
    up = float(pairs.sel(first=slice(None, 5.5), second=slice(5.5, None)).sum())
    assert up == np.count_nonzero(np.diff(state[:, 0]) == 1)
    # a jump within a lag of five is no transition twice
    assert float(rtn.time_lag(data, lag=5, weighted=False).sum()) == 39_995


# bias and temperature


def test_depth_of_a_trap_from_its_bias_dependence():
    """X-17, R-06: depth within 5 % from five voltages (an error of 1.3 %: p = 1e-4)."""
    depth, energy, temperature = 0.3, 0.02, 300.0
    voltage = np.array([-0.2, -0.1, 0.0, 0.1, 0.2])
    ratio = np.exp((energy - depth * voltage) / (BOLTZMANN_EV * temperature))
    found = []
    for seed, r in enumerate(ratio):
        model = markov.additive(5.0, [1.0], [0.02 * np.sqrt(r)], [0.02 / np.sqrt(r)], 0.1)
        found.append(rtn.traps(drawn(model, 40_000, 70 + seed)[0], 1, intervals=False))
    capture, emission, moves = (
        np.array([float(f[name][0]) for f in found])
        for name in ("tau_capture", "tau_emission", "transitions")
    )
    result = rtn.trap_depth(voltage, capture, emission, temperature, np.sqrt(4 / moves))
    assert result["depth"] == pytest.approx(depth, rel=0.05)
    assert result["energy"] == pytest.approx(energy, abs=0.003)
    assert result["depth_low"] < depth < result["depth_high"]


def test_depth_is_exact_for_exact_times():
    voltage = np.array([0.1, 0.2, 0.3])
    ratio = np.exp((0.18 - 0.57 * voltage) / (BOLTZMANN_EV * 350))
    result = rtn.trap_depth(voltage, ratio, np.ones(3), 350.0)
    assert result["depth"] == pytest.approx(0.57) and result["energy"] == pytest.approx(0.18)


def test_times_follow_arrhenius():
    """R-07: 0.6 eV within 2 % from 2,000 dwells at each of five temperatures (p < 1e-10)."""
    temperature = np.array([280.0, 300.0, 320.0, 340.0, 360.0])
    mean = 1e-12 * np.exp(0.6 / (BOLTZMANN_EV * temperature))
    dwell = [np.random.default_rng([8, i]).exponential(m, 2000) for i, m in enumerate(mean)]
    times = [rtn.dwell_statistics(d)["mean"] for d in dwell]
    found = retention.arrhenius(temperature, times, np.full(5, 1 / np.sqrt(2000)))
    assert found.energy == pytest.approx(0.6, rel=0.02)


# files and bad input


def test_read_a_measured_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "# a comment\nt (ms); I [nA]; V / mV\n" + "\n".join(f"{i};{2 + i % 2};100" for i in range(20))
    )
    data = traces.read_csv(path)
    step, current = traces.uniform(data)
    assert step == pytest.approx(1e-3) and current[1] == pytest.approx(3e-9)
    assert float(data["voltage"][0]) == pytest.approx(0.1) and data["current"].attrs["units"] == "A"


def test_read_a_file_without_header(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"{i / 10} {i % 3}" for i in range(20)))
    assert float(traces.read_csv(path, ("time (s)", "current (uA)"))["current"][2]) == pytest.approx(2e-6)
    with pytest.raises(ValueError, match=r"a\.txt has no line of names and units"):
        traces.read_csv(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,current (nA)\n1,2", r"column 'time' of a\.csv must state its unit"),
        ("time (s),current (furlong)\n1,2", r"unit of current in a\.csv must be one of A, mA"),
        ("time (nA),current (nA)\n1,2", r"unit of time in a\.csv must be one of s, ms, .*, got 'nA'"),
        ("time (s),current (nA)\n1,2\n2,x", r"a\.csv must hold numbers below its header"),
        ("# nothing\n", r"a\.csv holds no data"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        traces.read_csv(path)


def test_the_example_file():
    from pathlib import Path

    path = Path(__file__).resolve().parents[3] / "examples" / "measured_rtn.csv"
    assert path.stat().st_size < 200_000 and path.read_text().startswith("# Synthetic")
    found = rtn.traps(traces.read_csv(path), intervals=False)
    np.testing.assert_allclose(found["amplitude"], [6.4e-9, 1.9e-9], rtol=0.03)


GOOD = np.arange(1000) * STEP
NOISE = np.random.default_rng(0).standard_normal(1000)


def spoiled(values, where, what):
    out = np.array(values)
    out[where] = what
    return out


@pytest.mark.parametrize(
    ("time", "current", "message"),
    [
        (
            np.sort(np.random.default_rng(1).random(1000)),
            NOISE,
            "time must be uniform within 1 % of its step",
        ),
        (GOOD - 0.1, NOISE, "time must be at least 0 s, got -0.1 s"),
        (GOOD[::-1], NOISE, "time must ascend, s: sample 1 does not"),
        (spoiled(GOOD, 7, np.nan), NOISE, "time must be finite, s: sample 7 is not"),
        (
            GOOD,
            spoiled(NOISE, slice(5, 9), np.nan),
            "current must be finite, A: 4 of 1000 samples are missing",
        ),
        (GOOD, NOISE, "current must have two levels at least, got one: -?0.0.* A with noise"),
        (GOOD, np.full(1000, 2.0), "current must have two levels at least, got one: 2 A in every sample"),
        (
            GOOD,
            NOISE + 20 * (GOOD > 0.5),
            "a trap must change its state at least 10 times in the trace, got 1",
        ),
        (GOOD[:9], NOISE[:9], "a trace must have at least 16 samples, got 9"),
    ],
)
def test_bad_traces(time, current, message):
    with pytest.raises(ValueError, match=message):
        rtn.traps(traces.from_arrays(time, current))


def test_a_trap_that_is_too_fast_is_refused():
    """Dwells of a fifth of a step: two humps in the histogram, no telegraph signal."""
    data, _ = drawn(one_trap(2e-4, 2e-4, noise=0.1), 4000, seed=81)
    with pytest.raises(
        ValueError, match=r"must remember its state from one sample to the next, step 0\.001 s"
    ):
        rtn.traps(data)


def test_other_bad_input():
    data = traces.from_arrays(GOOD, NOISE)
    with pytest.raises(ValueError, match="number of traps must be a whole number between 1 and 5, got 6"):
        rtn.traps(data, 6)
    with pytest.raises(ValueError, match="segments must be from 2 to 124 for 1000 samples, got 500"):
        spectrum.power_spectrum(data, 500)
    with pytest.raises(ValueError, match=r"lag \(samples\) must be a whole number between 1 and 999, got 0"):
        rtn.time_lag(data, lag=0)
    with pytest.raises(ValueError, match="dwell must hold at least 10 dwell times, got 3"):
        rtn.dwell_statistics([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="at least twice to give dwell times, got 1"):
        rtn.dwell_times(GOOD, GOOD > 0.5)
    with pytest.raises(ValueError, match="the trace has no voltage; it has current, time"):
        traces.uniform(data, "voltage")
    with pytest.raises(ValueError, match=r"temperature must be positive and finite \(K\), got 0"):
        rtn.trap_depth([0, 1, 2], [1, 1, 1], [1, 1, 1], 0.0)


def test_simulated_events_are_held_until_the_next():
    data = traces.resample(traces.from_arrays([0.0, *range(10, 30)], np.arange(21.0)), 1.5)
    step, current = traces.uniform(data)
    assert step == 1.5
    np.testing.assert_array_equal(current[:11], [0, 0, 0, 0, 0, 0, 0, 1, 3, 4, 6])


def test_a_phase_of_a_result_is_a_trace(result):
    data = traces.from_result(result, "reset 1")
    assert data.sizes["sample"] == 300 and float(data["time"][0]) == 0.0
    with pytest.raises(ValueError, match="phase must be one of form, reset 1"):
        traces.from_result(result, "bake")


def test_jumps_give_noise_and_amplitudes():
    y, _ = markov.simulate(markov.additive(5.0, [1.0, 0.4], [0.05, 0.2], [0.03, 0.1], 0.05), STEP, 20_000, 9)
    noise, sizes = markov_start.jumps(y)
    assert noise == pytest.approx(0.05, rel=0.05)
    assert min(abs(sizes - 1.0)) < 0.03 and min(abs(sizes - 0.4)) < 0.03


def test_pages_are_drawn(tmp_path):
    from frenkel.analysis.plots import page
    from frenkel.analysis.plots import rtn as rtn_plot

    data, _ = drawn(one_trap(), 4000, seed=80)
    assert page.save(rtn_plot.page(data), tmp_path / "a.png").stat().st_size > 20_000


def test_bic_counts_the_numbers_of_a_trap():
    """Amplitude and two times of a trap, the base and the noise: 5 numbers; exact, from the likelihood."""
    trace, _ = drawn(one_trap(), 4000, 61)
    found = rtn.traps(trace, 1, intervals=False)
    y = trace["current"].values
    likelihood = markov.expectations(rtn.model(found), y, STEP).log_likelihood
    constant = -0.5 * len(y) * (np.log(2 * np.pi * y.var()) + 1)
    size = np.log(len(y))
    expected = [2 * size - 2 * constant, 5 * size - 2 * likelihood]
    np.testing.assert_allclose(found["bic"], expected, rtol=1e-12)


def test_spacings_of_dwell_times_are_normalised():
    """Barlow and Campo's total time on test, written out; exact."""
    times = np.array([0.3, 1.1, 0.2, 0.7, 2.9, 0.5, 0.05, 1.7, 0.9, 0.4, 0.6])
    ordered, n = sorted(times), len(times)
    spacings = [(n - i) * (ordered[i] - ordered[i - 1]) for i in range(1, n)]
    place = np.cumsum(spacings)[:-1] / sum(spacings)
    found = rtn.dwell_statistics(times)
    assert found["p_exponential"] == pytest.approx(stats.kstest(place, "uniform").pvalue, rel=1e-12)
    assert found["mean"] == pytest.approx(times.mean(), rel=1e-12) and found["number"] == n
    assert found["low"] == pytest.approx(2 * times.sum() / stats.chi2(2 * n).ppf(0.975), rel=1e-12)


def test_a_spectrum_scales_with_the_amplitude():
    """Four times the density at twice the amplitude; Machlup's formula written out; exact."""
    f, high, low = np.array([0.1, 3.0, 40.0]), 0.02, 0.05
    found = spectrum.two_state_spectrum(f, 2.0, high, low)
    expected = 16.0 / ((high + low) * ((1 / high + 1 / low) ** 2 + (2 * np.pi * f) ** 2))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_dwells_are_drawn_beside_their_exponentials():
    """Dwells of 1, 3 and 2 s high and of 2 s low, samples of 1 s: shares fall by one over their number."""
    from matplotlib.figure import Figure

    from frenkel.analysis.plots import rtn as rtn_plot

    high = np.array([0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0], bool)
    trace = traces.from_arrays(np.arange(16.0), np.where(high, 2e-6, 1e-6))
    found = xr.Dataset(
        {
            "tau_capture": ("trap", [2.0]), "tau_emission": ("trap", [4.0]), "amplitude": ("trap", [1e-6]),
            "current": ("state", [1e-6, 2e-6]), "noise": 1e-9, "step": 1.0,
        },
        attrs={"capture_lowers": 1, "amplitudes_add": 1},
    )  # fmt: skip
    axes = Figure().add_subplot()
    rtn_plot.dwells(trace, found, axes)
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert {name for name in lines if name.startswith("trap")} == {"trap 1, high", "trap 1, low"}
    of_high, of_low = lines["trap 1, high"], lines["trap 1, low"]
    np.testing.assert_allclose(of_high.get_data(), [[0.5, 1.5, 2.5], [1, 2 / 3, 1 / 3]])
    np.testing.assert_allclose(of_low.get_data(), [[1.5, 1.5], [1, 1 / 2]])
    thin = [line for line in axes.get_lines() if not line.get_label().startswith("trap")]
    for line, mean in zip(thin, (2.0, 4.0), strict=True):
        np.testing.assert_allclose(line.get_ydata(), np.exp(-line.get_xdata() / mean))
    assert axes.get_xlabel() == "dwell time / s" and axes.get_yscale() == "log"
