"""Calibration on a device whose truth is known: a thermally activated switch under two ramps of voltage."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest
from thermal_switch import FEATURES, PARAMETERS, TRUTH, devices, planted, simulator

from frenkel.calibration.rounds import Parameter, calibrate
from frenkel.calibration.summaries import Summary, summary


def measured(seed, number=40, cycles=3, values=TRUTH):
    return devices(values, np.random.default_rng(seed), number, cycles)


def found(target, parameters=PARAMETERS, simulate=None, **options):
    return calibrate(simulate or simulator(), target, FEATURES, parameters, **options)


def test_planted_truths_have_even_ranks():
    """24 targets of 10 devices: ranks of the truth are even (false alarms: 3 tests below 1e-4 each), of
    72 intervals of 95 % at most 11 miss (more: 4e-4), and all misfits together are a chi2 (below 1e-4)."""
    ranks, misses, misfit, freedom = [], 0, 0.0, 0
    for seed in range(24):
        truth, target = planted(10, seed)
        result = found(target, simulate=simulator(seed=1000 + seed), seed=seed)
        true = np.array([truth[q.name] for q in PARAMETERS])
        ranks.append((result.draws < true).mean(axis=0))
        low, high = np.quantile(result.draws, (0.025, 0.975), axis=0)
        misses += int(np.sum((true < low) | (true > high)))
        misfit, freedom = misfit + result.misfit, freedom + result.freedom
    assert misses <= 11
    assert chi2.sf(misfit, freedom) > 1e-4
    for column in np.transpose(ranks):
        assert kstest(column, "uniform").pvalue > 1e-4


def test_one_device_suffices_to_start():
    """One device of five cycles: the spread of devices is not told by it, the energy roughly."""
    result = found(measured(5, number=1, cycles=5), simulate=simulator(cycles=5))
    assert result.statistics == tuple(
        f"{what} of {name}" for what in ("mean", "ln spread of cycles") for name in FEATURES
    )
    low, high = result.intervals["energy"]
    assert low < 1.1 < high and 0.1 < high - low < 0.5
    assert "scatter" in result.edges


def test_a_target_that_the_simulator_cannot_show():
    """Voltages that do not depend on the ramp: the misfit says so."""
    target = measured(1)
    wrong = np.repeat(target[:, :, :1], 2, axis=2) + np.random.default_rng(2).normal(0.0, 1e-3, target.shape)
    assert found(wrong, rounds=2).p_value < 1e-6
    assert found(target, rounds=2).p_value > 1e-4


def test_a_truth_outside_of_the_range_is_an_edge():
    narrow = (Parameter("energy", 0.8, 1.0), *PARAMETERS[1:])
    result = found(measured(2), narrow, rounds=2)
    assert result.edges["energy"] == "high" and result.intervals["energy"][1] == np.inf


def test_what_the_data_do_not_tell_is_said():
    """A parameter that does nothing has the posterior of its range."""

    def idle(points, turn):
        return simulator()([TRUTH | {"energy": one["energy"]} for one in points], turn)

    result = found(measured(3), (PARAMETERS[0], Parameter("nothing", 1.0, 2.0)), idle, rounds=2)
    assert result.untold == ("nothing",) and result.edges == {"nothing": "both"}
    assert not result.flat  # the same devices at all points have no noise that could hide anything
    assert result.intervals["energy"][0] < 1.1 < result.intervals["energy"][1]


def test_a_number_of_few_values_is_not_compared():
    """Voltages in steps of ten spreads: where a point has one value its error is 0, and intervals were too
    narrow. The interval is that without this number; that nothing is left to compare is said."""

    def step(values):
        return np.round(values[..., :1] / 0.5) * 0.5

    def coarse(points, turn):
        shown = simulator()(points, turn)
        return np.concatenate([shown, step(shown)], axis=3)

    target = measured(7, number=10)
    both = np.concatenate([target, step(target)], axis=2)
    result = calibrate(coarse, both, [*FEATURES, "steps"], PARAMETERS)
    alone = found(target)
    assert result.coarse == ("steps",) and not any("steps" in name for name in result.statistics)
    np.testing.assert_allclose(result.intervals["energy"], alone.intervals["energy"], atol=0.005)
    assert not alone.coarse
    with pytest.raises(ValueError, match="3 parameters need as many statistics, 0 are left: .* of steps"):
        calibrate(lambda *words: step(simulator()(*words)), step(target), ["steps"], PARAMETERS)


def test_points_that_do_not_switch_are_left_out():
    def sometimes(points, turn):
        shown = simulator()(points, turn)
        shown[[one["energy"] > 1.25 for one in points]] = np.nan
        return shown

    result = found(measured(4), simulate=sometimes, rounds=2, points=40)
    assert 1.05 < result.best["energy"] < 1.15
    lost = ~np.isfinite(result.shown).all(axis=1)
    assert np.array_equal(lost, result.designs[:, 0] > 1.25) and lost.sum() > 5


def test_a_summary_of_known_devices():
    """Mean, spread of devices and of cycles of a table that is written down, less their bias."""
    level = np.array([-1.0, 1.0, 0.0, 0.0] * 2)
    values = (level[:, None] + np.array([-1.0, 0.0, 1.0]))[:, :, None]
    taken, aim, lacking = summary(["a"], values)
    assert (
        taken.names == ("mean of a", "ln spread of devices of a", "ln spread of cycles of a") and not lacking
    )
    # psi(1) = -0.577216 for the two degrees of freedom of three cycles, their chi2 has its median at 2 ln 2,
    # of which an eighth counts for eight devices; that of seven degrees of freedom is at 6.345811.
    median = (-0.577216 - np.log(np.log(2.0))) / 8.0
    expected = [0.0, 0.5 * np.log(4.0 / 6.345811), 0.5 * (0.577216 + median)]
    assert aim == pytest.approx(expected, abs=1e-6)


def test_devices_with_one_cycle_have_no_spread_to_correct():
    """Of three cycles, of two, and of one: biases of the spreads, over the square of their number, two."""
    values = np.random.default_rng(3).standard_normal((3, 3, 1))
    values[1, 2], values[2, 1:] = np.nan, np.nan
    bias = Summary(("a",), False, True).below_median(values)
    # psi(1) = -0.577216 and psi(1/2) = -1.963510; medians of chi2 are 1.386294 and 0.454936.
    three, two = 0.5 * (np.log(1.386294 / 2) + 0.577216), 0.5 * (np.log(0.454936 / 2) + 1.963510)
    np.testing.assert_allclose(bias, [0.0, (three + two) / 2**2], atol=1e-6)


def test_half_of_all_targets_are_above_where_they_are_looked_for():
    """2,000 tables of 9 devices x 3 cycles: spreads are above their mean, so lowered, in half of all to 4
    standard errors (false alarm 1e-4 for two), and in 53 and 52 % as they are."""
    values = np.random.default_rng(8).standard_normal((2000, 9, 3, 1))
    taken, _, _ = summary(["a"], values[0])
    shown = taken.of(values)
    above = (shown - taken.below_median(values[0]) > shown.mean(axis=0)).mean(axis=0)
    assert np.abs(above[1:] - 0.5).max() < 4 * 0.5 / np.sqrt(2000)


def test_spreads_of_few_and_of_many_devices_have_one_mean():
    """2,000 tables of 9 normal devices: ln of the spread is 0 to 4 standard errors (false alarm 6e-5)."""
    values = np.random.default_rng(6).standard_normal((2000, 9, 1, 1))
    taken, _, _ = summary(["a"], values[0])
    shown = taken.of(values)[:, 1]
    assert abs(shown.mean()) < 4 * shown.std() / np.sqrt(2000)


def test_what_is_missing_is_no_statistic():
    """One device: no spread of devices; a number without values: none of its statistics."""
    values = np.random.default_rng(7).standard_normal((1, 4, 2))
    values[:, 1:, 1] = np.nan
    taken, _, lacking = summary(["a", "b"], values)
    assert taken.names == ("mean of a", "mean of b", "ln spread of cycles of a")
    assert lacking == ("ln spread of cycles of b",)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Parameter("a", 1.0, 1.0), "range of a must ascend, got 1 to 1"),
        (lambda: Parameter("a", 0.0, 1.0, True), "range of a must be above 0 for a logarithm"),
        (lambda: found(measured(1), ()), "parameters must be a whole number between 1 and 6, got 0"),
        (lambda: found(measured(1), points=3), "points must be a whole number between 12"),
        (
            lambda: found(measured(1), simulate=lambda p, t: np.full((len(p), 9, 3, 2), np.nan)),
            "only 0 of 20",
        ),
        (lambda: found(measured(1), simulate=simulator(members=5)), "at least 9 devices"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
