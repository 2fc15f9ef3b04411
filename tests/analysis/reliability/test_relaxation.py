"""Relaxation: laws of time, spreads and distributions planted and found; pulse trains and endurance.

Statistical tests have fixed seeds; the number in each comment is the chance that a correct program fails it
with another seed.
"""

import drift_reference
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from frenkel.analysis.reliability import linearity, pulses, relaxation
from frenkel.analysis.statistics import regression
from frenkel.reports.reads import endurance_table

LONG = np.geomspace(20.0, 1e6, 12)
DAY = np.geomspace(1.0, 86400.0, 12)


# published models


def test_pcm_exponents():
    """D-01: nu(0.1) 0.060 +- 0.023, nu(0.5) 0.049 +- 0.008, clipped at both ends; exact."""
    mean, deviation = drift_reference.pcm_exponent([0.1, 0.5, 1e-4, 1.0])
    np.testing.assert_allclose(mean, [0.0601, 0.049, 0.1, 0.049], atol=1e-4)
    np.testing.assert_allclose(deviation, [0.0229, 0.008, 0.045, 0.008], atol=1e-4)


def test_pcm_drift_is_a_power_law_with_read_noise():
    """D-01: without noise each cell is exact; the noise at 1e4 s has the published deviation (p = 1e-4)."""
    g = np.full(4000, 12.5e-6)
    quiet = drift_reference.pcm_drift(g, [20.0, 1e4], 1, noise=False)
    np.testing.assert_allclose(quiet[:, 0], g)
    exponent = np.log(quiet[:, 0] / quiet[:, 1]) / np.log(500)
    assert exponent.mean() == pytest.approx(0.049, abs=4 * 0.008 / np.sqrt(4000))
    noisy = drift_reference.pcm_drift(g, [20.0, 1e4], 1)
    expected = 0.0088 * 0.5**-0.65 * np.sqrt(np.log(1e4 / 5e-7))
    assert np.std(noisy[:, 1] / quiet[:, 1]) == pytest.approx(expected, rel=4 / np.sqrt(8000))


def test_pcm_prefers_the_power_law():
    """D-02, the control: 300 cells at half of the largest conductance; 95 % of resampled sets say so too."""
    data = relaxation.conductances(LONG, drift_reference.pcm_drift(np.full(300, 12.5e-6), LONG, 2))
    found = relaxation.compare_laws(data, reference=20.0)
    assert str(found["best"].values) == "power law"
    assert float(found["preference_interval"][1]) < -10
    low, high = found["rate_interval"].sel(law="power law").values
    assert low < 0.049 < high


def test_oxide_prefers_the_logarithm_or_neither():
    """D-02, D-04: over a day ln t is at least as good as a power law: AIC not more than 2 above."""
    for level in (10e-6, 20e-6, 40e-6):
        g = drift_reference.cmo_hfox_relaxation(np.full(300, level), DAY, int(level * 1e6))
        found = relaxation.compare_laws(relaxation.conductances(DAY, g))
        aic = dict(zip(found["law"].values, found["aic"].values, strict=True))
        assert aic["logarithm"] <= aic["power law"] + 2
        assert aic["constant"] > aic["logarithm"] + 10


def test_oxide_that_only_spreads_prefers_no_law():
    """D-02, spread only: the mean stays, and the constant is at least as good (p = 0.02)."""
    g = np.full((400, 3), 20e-6) + 1e-6 * np.random.default_rng(3).standard_normal((400, 3)) * [1, 2, 3]
    found = relaxation.compare_laws(relaxation.conductances([1.0, 1e2, 1e4], g))
    assert float(found["aic"].sel(law="constant")) <= float(found["aic"].min()) + 2


def test_spread_depends_on_the_level():
    """D-03: hump at 25 to 50 % of 40 uS, twofold growth in a day, none in the next (p = 1e-3)."""
    levels = np.array([0.0, 5.0, 10.0, 20.0, 30.0, 40.0])
    deviation = np.array(
        [
            drift_reference.neurram_relaxation(np.full(2000, g * 1e-6), 5 + i).std(axis=0)
            for i, g in enumerate(levels)
        ]
    )
    np.testing.assert_allclose(deviation.T * 1e6, drift_reference.NEURRAM_SPREAD, rtol=4 / np.sqrt(4000))
    assert levels[np.argmax(deviation[:, 1])] in (10.0, 20.0)
    assert np.argmin(deviation[:, 1]) == 0 and deviation[5, 1] < deviation[4, 1]
    ratio = deviation[1:, 1] / deviation[1:, 0]
    assert ratio.min() > 1.5 and ratio.max() < 2.5
    np.testing.assert_allclose(deviation[1:, 2] / deviation[1:, 1], 1.0, atol=0.05)


def test_shift_and_spread_are_linear_in_the_logarithm():
    """D-04: slopes of mean and deviation inside their intervals' neighbourhood, the same for every level."""
    slopes = []
    for i, level in enumerate((10e-6, 25e-6, 40e-6)):
        g = drift_reference.cmo_hfox_relaxation(np.full(400, level), DAY, 20 + i)
        found = relaxation.spread(relaxation.conductances(DAY, g), resamples=100)
        slope, bound = found["slope"].values * 1e6, found["slope_interval"].values * 1e6
        half = (bound[:, 1] - bound[:, 0]) / 2
        np.testing.assert_array_less(np.abs(slope - [-0.0890, 0.0420]), 2 * half)  # four errors
        assert float(found["level"][1]) * 1e6 == pytest.approx(0.412, abs=0.08)
        assert float(found["r_squared"][0]) > 0.9
        slopes.append((slope[0], half[0] / 1.96))
    value, error = np.array(slopes).T
    assert (
        np.sum((value - np.average(value, weights=error**-2)) ** 2 / error**2) < 18.4
    )  # chi-square, p = 1e-4


def test_tails_after_verify_come_from_the_noise():
    """D-08: cells that a noisy reading let pass make the tail; without noise it falls more than twofold."""
    random = np.random.default_rng(7)
    tail = {}
    for noise in (0.0, 0.6):
        g = random.normal(20.0, 3.0, 4000)
        for _ in range(40):
            seen = g + noise * random.standard_normal(len(g))
            missed = np.abs(seen - 20.0) > 1.0
            g[missed] = random.normal(20.0, 3.0, missed.sum())
        later = g + 0.2 * random.standard_normal(len(g))
        tail[noise] = relaxation.tail_fraction(later, 19.0, 21.0)
    assert tail[0.6]["low"] > 2 * tail[0.0]["high"]


# laws of time


def test_exact_laws_come_back():
    for curve, law, level, rate in (
        (1e-5 - 3e-7 * np.log(DAY), "logarithm", 1e-5, -3e-7),
        (1e-5 * DAY**-0.05, "power law", 1e-5, 0.05),
    ):
        found = relaxation.compare_laws(relaxation.conductances(DAY, curve), resamples=20)
        assert str(found["best"].values) == law
        assert float(found["level"].sel(law=law)) == pytest.approx(level, rel=1e-6)
        assert float(found["rate"].sel(law=law)) == pytest.approx(rate, rel=1e-5)
        assert float(found["r_squared"].sel(law=law)) == pytest.approx(1.0)


def test_one_device_has_intervals_too():
    g = 1e-5 - 3e-7 * np.log(DAY) + 1e-7 * np.random.default_rng(1).standard_normal(12)
    low, high = (
        relaxation.compare_laws(relaxation.conductances(DAY, g))["rate_interval"].sel(law="logarithm").values
    )
    assert low < -3e-7 < high < 0


def test_quantiles_are_those_of_the_devices():
    data = relaxation.conductances(DAY, np.arange(101)[:, None] * np.ones(12))
    lines = relaxation.quantiles(data, (0.1, 0.5))
    np.testing.assert_allclose(lines.sel(quantile=0.1), 10.0)
    np.testing.assert_allclose(lines.sel(quantile=0.5), 50.0)


# distributions at a fixed time


@pytest.mark.parametrize("family", ["normal", "lognormal", "weibull", "gamma", "gumbel"])
def test_families_come_back(family):
    """2,000 values, by AIC; the families are chosen far enough from each other (difference above 10)."""
    random = np.random.default_rng(11)
    x = {
        "normal": lambda: random.normal(20, 3, 2000),
        "lognormal": lambda: random.lognormal(0, 0.6, 2000),
        "weibull": lambda: random.weibull(2.0, 2000),
        "gamma": lambda: random.gamma(1.5, 1.0, 2000),
        "gumbel": lambda: random.gumbel(20, 3, 2000),
    }[family]() * 1e-6
    families = ["normal", "lognormal", "weibull", "gamma", "logistic", "gumbel"]
    found = relaxation.fit_distributions(x, families, resamples=0)
    assert str(found["best"].values) == family
    assert float(found["weight"].sel(family=family)) > 0.9


def test_parameters_of_families():
    x = np.random.default_rng(12).lognormal(np.log(2e-6), 0.5, 1000)
    found = relaxation.fit_distributions(x, ["lognormal", "normal"], resamples=50).sel(family="lognormal")
    assert float(found["scale"]) == pytest.approx(2e-6, rel=0.06) and float(found["shape"]) == pytest.approx(
        0.5, rel=0.1
    )
    low, high = found["scale_interval"].values
    assert low < 2e-6 < high and high / low == pytest.approx(np.exp(2 * 1.96 * 0.5 / np.sqrt(1000)), rel=0.05)
    assert np.ptp(found["location_interval"].values) == 0


def test_families_of_positive_values_say_so():
    found = relaxation.fit_distributions([-1.0, 1, 2, 3, 4, 5, 6, 8], resamples=0)
    assert np.isnan(found["aic"].sel(family="lognormal")) and np.isfinite(found["aic"].sel(family="normal"))


def test_bad_relaxation_data():
    g = np.ones((3, 4))
    for time, values, message in (
        ([0.0, 1, 2, 3], g, "time after programming must be above 0 s for its logarithm, got 0 s"),
        ([-1.0, 1, 2, 3], g, "time after programming must be above 0 s for its logarithm, got -1 s"),
        ([1.0, 3, 2, 4], g, "time must ascend, s"),
        ([1.0, 2], g[:, :2], "time must hold at least 3 times, s, got 2"),
        ([1.0, 2, 3], g, "one value for each of the 3 times, got 4"),
        (
            [1.0, 2, 3, 4],
            np.where(np.eye(3, 4), np.nan, g),
            "conductance must be finite, S: 3 of 12 values are missing",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            relaxation.conductances(time, values)
    data = relaxation.conductances([1.0, 2, 3, 4], g)
    with pytest.raises(ValueError, match="at least 8 devices, got 3"):
        relaxation.spread(data)
    with pytest.raises(ValueError, match=r"reference must be positive and finite \(s\), got 0"):
        relaxation.compare_laws(data, reference=0.0)
    with pytest.raises(ValueError, match="at least 8 finite numbers that differ, got 2"):
        relaxation.fit_distributions([1.0, 2.0])
    with pytest.raises(ValueError, match="family must be one of normal, .* got 'cauchy'"):
        relaxation.fit_distributions(np.arange(9.0), ["cauchy"])


# straight lines


def test_line_is_exact_and_its_errors_are_those_of_theory():
    x = np.array([1.0, 2.0, 4.0])
    fit = regression.line(x, 3 - 2 * x, [0.1, 0.1, 0.1])
    assert fit.slope == pytest.approx(-2) and fit.intercept == pytest.approx(3)
    design = np.stack([np.ones(3), x], 1)
    np.testing.assert_allclose(fit.covariance, 0.01 * np.linalg.inv(design.T @ design))
    value, half = fit.at([0.0, 5.0])
    np.testing.assert_allclose(value, [3, -7])
    assert half[0] == pytest.approx(1.96 * np.sqrt(fit.covariance[0, 0]), rel=1e-4)
    with pytest.raises(ValueError, match="a line must have at least 3 different points, got 2"):
        regression.line([1, 2], [1, 2])
    with pytest.raises(ValueError, match="error must be positive and finite, got 0"):
        regression.line([1, 2], [1, 2], [1, 0])


# pulse trains


def trains(devices, dw, c2c, write, seed, up_down=0.0, cycles=10, pulses_each=60):
    """Return conductances (S) of soft-bounds devices and the directions of the pulses."""
    random = np.random.default_rng(seed)
    step = dw * np.exp(0.5 * random.standard_normal(devices))
    direction = np.tile(np.repeat([1, -1], pulses_each), cycles)
    w, seen = np.zeros(devices), []
    for sign in np.append(0, direction):
        if sign:
            size = step * (1 + sign * up_down) * (1 - sign * w)
            w = w + sign * size + step * c2c * random.standard_normal(devices)
        seen.append(w + step * write * random.standard_normal(devices))
    return 20e-6 + 10e-6 * np.array(seen).T, direction, step


def test_soft_bounds_come_back():
    """I-09: steps, bounds and noises of 60 devices like those of a measured array, 1,200 pulses each."""
    g, direction, step = trains(60, 0.0949, 0.42, 0.5, seed=1)
    found = pulses.soft_bounds(g, direction)
    # Steps of a device come with an error of 4.5 %: four of it for the mean of 60, and its own size.
    for name in ("dw_up", "dw_down"):
        miss = np.log(found[name].values / step)
        assert abs(miss.mean()) < 4 * 0.045 / np.sqrt(60) and miss.std() < 0.065
    np.testing.assert_allclose([found["w_max"].median(), found["w_min"].median()], [1, -1], atol=1e-6)
    assert float(found["dw_min"]) == pytest.approx(step.mean(), rel=0.03)
    assert float(found["device_to_device"]) == pytest.approx(np.std(np.log(step), ddof=1), rel=0.05)
    assert float(found["median_cycle_to_cycle"]) == pytest.approx(0.42, rel=0.06)
    assert float(found["median_write_noise"]) == pytest.approx(0.50, rel=0.06)
    assert float(found["states"]) == pytest.approx(2 / step.mean(), rel=0.03)


def test_symmetry_point_and_dead_devices():
    """Steps of 1.2 up and 0.8 down are equal at w = 0.2; a device that does not move is dead."""
    g, direction, _ = trains(20, 0.05, 0.1, 0.0, seed=2, up_down=0.2)
    still = np.full((5, g.shape[1]), 20e-6) + 1e-9 * np.random.default_rng(0).standard_normal((5, g.shape[1]))
    found = pulses.soft_bounds(np.concatenate([g, still]), direction)
    alive = found.isel(device=~found["dead"].values)
    np.testing.assert_allclose(alive["symmetry_point"], 0.2, atol=0.05)
    assert float(found["up_down"]) == pytest.approx(0.2, abs=0.01)
    assert float(found["dead_share"]) == pytest.approx(0.2)


def test_soft_bounds_agree_with_the_label():
    """The same exponential: A over the pulses is 1/(pulses dw), and the label follows from it."""
    g, direction, _ = trains(1, 0.05, 0.0, 0.0, seed=3, cycles=1)
    step = float(pulses.soft_bounds(g, direction)["dw_up"][0])
    label = linearity.nonlinearity(g[0, :61])
    share = np.linspace(0, 1, 61)
    expected = 10 * np.max(linearity.exponential(share, -1 / (60 * np.log1p(-step))) - share)
    assert label == pytest.approx(expected, rel=1e-6)


def test_endurance():
    hrs = np.full((2, 1000), 1e5)
    lrs = np.full((2, 1000), 5e3)
    hrs[0, 499:] = 6e3  # stuck in the low state from cycle 500
    lrs[1, 10] = 8e4  # one SET that failed, cycle 11
    found = pulses.endurance(hrs, lrs)
    np.testing.assert_array_equal(found["first_failure"], [500, 11])
    np.testing.assert_array_equal(found["failures"], [501, 1])
    np.testing.assert_array_equal(found["stuck_low"], [501, 0])
    np.testing.assert_array_equal(found["stuck_high"], [0, 1])
    np.testing.assert_array_equal(found["decade"], [10, 100, 1000])
    np.testing.assert_allclose(found["median_window"], 20)
    np.testing.assert_allclose(found["least_window"], [20, 1.25, 1.2])
    never = pulses.endurance([1e5] * 5, [1e3] * 5)
    assert int(never["first_failure"][0]) == 6 and not bool(never["failed"][0])


def test_cycles_that_were_not_read_are_left_out_of_endurance():
    """Two devices of 12 cycles, the first without the last five, the second without one LRS: what is left is
    told as if the others were not there, and they are counted."""
    hrs, lrs = np.full((2, 12), 1e5), np.full((2, 12), 5e3)
    hrs[0, 7:] = lrs[0, 7:] = lrs[1, 2] = np.nan
    lrs[1, 3] = 8e4
    found = pulses.endurance(hrs, lrs)
    np.testing.assert_array_equal(found["known"], [7, 11])
    np.testing.assert_array_equal(found["failures"], [0, 1])
    np.testing.assert_array_equal(found["first_failure"], [13, 4])
    np.testing.assert_allclose(found["median_window"], 20)
    np.testing.assert_allclose(found["least_window"], [1.25, 20])
    text = endurance_table(found)
    assert "1 of 18 cycles of 2 device(s)" in text and text.endswith("; 6 more have no HRS and LRS")
    with pytest.raises(ValueError, match="known in some cycle, got none in 3"):
        pulses.endurance([np.nan] * 3, [1e3] * 3)


def test_bad_pulses():
    with pytest.raises(ValueError, match="one value more than the 20 pulses, got 20"):
        pulses.soft_bounds(np.ones(20), np.ones(20))
    with pytest.raises(ValueError, match="at least 8 pulses in a row each way, got 6"):
        pulses.soft_bounds(np.arange(13.0), [1] * 6 + [-1] * 6)
    g, direction, _ = trains(3, 0.05, 0.1, 0.0, seed=4)
    with pytest.raises(ValueError, match="direction must be above 0 for pulses that raise the conductance"):
        pulses.soft_bounds(g, -direction)
    with pytest.raises(ValueError, match="hrs and lrs must be above 0 ohm, got -1 ohm"):
        pulses.endurance([1.0], [-1.0])


def test_page_is_drawn(tmp_path):
    from frenkel.analysis.plots import page as sheets
    from frenkel.analysis.plots import relaxation as relaxation_plot

    g = {f"{c} µS": drift_reference.cmo_hfox_relaxation(np.full(50, c * 1e-6), DAY, c) for c in (10, 20)}
    data: dict[str, xr.DataArray] = {name: relaxation.conductances(DAY, values) for name, values in g.items()}
    page = relaxation_plot.relaxation_page(data)
    assert sheets.save(page, tmp_path / "a.png").stat().st_size > 20_000


def test_trains_of_equal_pulses_are_found():
    """Three kinds of phase, three trains, one of them too short."""
    import xarray as xr

    from frenkel.analysis.reliability.pulses import trains

    kinds = ["form", *["pulse"] * 12, *["pulse"] * 10, *["pulse"] * 4]
    peak = [3.0, *[1.0] * 12, *[-1.0] * 10, *[0.5] * 4]
    result = xr.Dataset(
        {
            "phase_kind": ("phases", kinds),
            "read_current": ("phases", np.arange(27.0)),
            "read_voltage": 0.5,
            "source_voltage": ("sample", peak),
            "phase": ("sample", np.arange(27)),
        }
    )
    found = trains(result)
    assert [sign for sign, _ in found] == [1, -1]
    np.testing.assert_array_equal(found[0][1], 2 * np.arange(13.0))
    np.testing.assert_array_equal(found[1][1], 2 * np.arange(12.0, 23.0))


def test_criteria_are_chi_square_and_parameters():
    """AIC of a constant and of a straight line, written out; exact."""
    random = np.random.default_rng(3)
    x = np.log(DAY)
    g = 1e-5 * (
        1 - 0.01 * x + 0.1 * random.standard_normal((40, 1)) + 0.02 * random.standard_normal((40, 12))
    )
    found = relaxation.compare_laws(relaxation.conductances(DAY, g), resamples=20)
    mean, error = g.mean(axis=0), g.std(axis=0, ddof=1) / np.sqrt(40)
    line = np.polyfit(x, mean, 1, w=1 / error)
    level = np.sum(mean / error**2) / np.sum(1 / error**2)
    chi = [np.sum(((mean - curve) / error) ** 2) for curve in (level, np.polyval(line, x))]
    aic = dict(zip(found["law"].values, found["aic"].values, strict=True))
    assert aic["constant"] == pytest.approx(chi[0] + 2, rel=1e-9)
    assert aic["logarithm"] == pytest.approx(chi[1] + 4, rel=1e-9)
    share = dict(zip(found["law"].values, found["r_squared"].values, strict=True))
    assert share["logarithm"] == pytest.approx(1 - chi[1] / chi[0], rel=1e-9)


def test_criterion_of_one_device():
    """n ln(cost/n) + 2 k + 2 k (k + 1)/(n - k - 1), the scatter counted as a parameter; exact."""
    x = np.log(DAY)
    g = 1e-5 * (1 - 0.01 * x + 0.02 * np.random.default_rng(4).standard_normal(12))
    found = relaxation.compare_laws(relaxation.conductances(DAY, g[None]), resamples=20)
    cost = np.sum((g - np.polyval(np.polyfit(x, g, 1), x)) ** 2)
    expected = 12 * np.log(cost / 12) + 6 + 24 / 8
    assert float(found["aic"].sel(law="logarithm")) == pytest.approx(expected, rel=1e-9)


def test_residuals_of_one_device_are_widened():
    """Two numbers are fitted to six times: the residuals that are drawn again are sqrt(6/4) times as large.

    The half width over Student's quantile is then the standard error of the slope by least squares, but for
    the scatter of 2,000 draws (p = 1e-5), and for sqrt(n/(n - 1)) with the n = 4 of the interval.
    """
    time = np.geomspace(1.0, 1e5, 6)
    x = np.log(time)
    g = 1e-5 * (1 - 0.01 * x + 0.002 * np.array([1, -1, -1, 1, 1, -1]))
    found = relaxation.compare_laws(relaxation.conductances(time, g[None]), resamples=2000)
    assert str(found["best"].values) == "logarithm"
    low, high = found["rate_interval"].sel(law="logarithm").values
    rest = g - np.polyval(np.polyfit(x, g, 1), x)
    error = np.sqrt(np.sum(rest**2) / 4 / np.sum((x - x.mean()) ** 2))
    quantile = stats.t.ppf(0.975, 3) * np.sqrt(4 / 3)
    assert (high - low) / 2 / quantile == pytest.approx(error, rel=4.4 / np.sqrt(4000))


def test_which_state_is_stuck():
    """Without window: HRS at the level of LRS, LRS at that of HRS, both near the middle."""
    hrs = [[1e6, 1e4, 1e6], [1e6, 1e6, 1e6], [1e6, 2e5, 1e6]]
    lrs = [[1e4, 1e4, 1e4], [1e4, 1e6, 1e4], [1e4, 5e4, 1e4]]
    found = pulses.endurance(hrs, lrs)
    assert found["failures"].values.tolist() == [1, 1, 1]
    assert found["stuck_low"].values.tolist() == [1, 0, 0]
    assert found["stuck_high"].values.tolist() == [0, 1, 0]
