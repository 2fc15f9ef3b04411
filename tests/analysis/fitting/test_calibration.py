"""Calibration on a toy whose truth is known: a thermally activated switch under two ramps of voltage."""

import numpy as np
import pytest

from frenkel.analysis.fitting import calibration
from frenkel.analysis.fitting.calibration import Parameter
from frenkel.analysis.fitting.observations import ObservationError, build

THERMAL = 0.02585
TRUTH = {"energy": 1.1, "scatter": 0.05}
PARAMETERS = [Parameter("energy", 0.8, 1.4), Parameter("scatter", 0.01, 0.2, logarithmic=True)]


def toy(values, seed, devices=48, length=0.4):
    """Return SET voltages: the rate is nu exp(-(E - l V)/kT), E scatters from device to device."""
    random = np.random.default_rng(seed)
    energy = values["energy"] + values["scatter"] * random.standard_normal((devices, 1))
    columns = []
    for ramp in (1e3, 1e6):
        wait = random.exponential(size=(devices, 1)) * ramp * length / (1e13 * THERMAL)
        columns.append(THERMAL / length * np.log1p(wait * np.exp(energy / THERMAL)))
    return build(["slow", "fast"], ["V", "V"], np.stack(columns, axis=2))


def test_known_truth_lies_in_the_intervals():
    """Of 12 intervals of 95 % at most 4 miss (more: below 1e-4), and the values are near."""
    inside = []
    for seed in range(6):
        found = calibration.calibrate(toy, toy(TRUTH, 500 + seed), PARAMETERS, seed=100 * seed)
        inside += [found.intervals[n][0] <= TRUTH[n] <= found.intervals[n][1] for n in TRUTH]
        # Four standard errors of a mean of 48 devices, and of the logarithm of their spread.
        assert abs(found.values["energy"] - 1.1) < 0.04 and 0.03 < found.values["scatter"] < 0.08
        assert found.p_value > 1e-4 and not found.at_edge and found.simulations == 36
    assert sum(inside) >= 8


def test_a_target_that_the_simulator_cannot_show():
    """Voltages that do not depend on the ramp: the misfit says so."""
    target = toy(TRUTH, 1)
    wrong = build(["slow", "fast"], ["V", "V"], np.repeat(target.values[:, :, :1], 2, axis=2))
    assert calibration.calibrate(toy, wrong, PARAMETERS, rounds=2).p_value < 1e-6


def test_a_truth_outside_of_the_range_is_told():
    narrow = [Parameter("energy", 0.8, 1.0), PARAMETERS[1]]
    found = calibration.calibrate(toy, toy(TRUTH, 2), narrow, rounds=2)
    assert "energy" in found.at_edge and found.intervals["energy"][1] == np.inf


def test_points_that_do_not_switch_are_left_out():
    def sometimes(values, seed):
        if values["energy"] > 1.25:
            raise ObservationError("never switches")
        return toy(values, seed)

    found = calibration.calibrate(sometimes, toy(TRUTH, 3), PARAMETERS, rounds=2, points=20)
    assert found.values["energy"] == pytest.approx(1.1, abs=0.04)


def test_statistics_of_known_devices():
    """Means, spread of devices and spread of cycles of a table that is written down."""
    level = np.array([[-1.0], [1.0], [0.0], [0.0]])
    values = level[:, None] + np.array([-1.0, 0.0, 1.0])[None, :, None]
    names, found = calibration.statistics(build(["a"], ["V"], values))
    assert names == ("mean of a", "ln spread of devices of a", "ln spread of cycles of a")
    assert found == pytest.approx([0.0, 0.5 * np.log(0.5), 0.0], abs=1e-12)


def test_errors_are_those_of_the_mean():
    """Standard error of a mean of 400 normal devices: 0.05 to 20 % (200 resamplings: 5 %)."""
    values = np.random.default_rng(4).standard_normal((400, 1, 1))
    found = calibration.errors(build(["a"], ["V"], values), 0)
    assert np.sqrt(found[0, 0]) == pytest.approx(0.05, rel=0.2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Parameter("a", 1.0, 1.0), "range of a must ascend, got 1 to 1"),
        (lambda: Parameter("a", 0.0, 1.0, True), "range of a must be above 0 for a logarithm"),
        (
            lambda: calibration.calibrate(toy, toy(TRUTH, 1, devices=5), PARAMETERS),
            "at least 8 devices, got 5",
        ),
        (lambda: calibration.calibrate(toy, toy(TRUTH, 1), []), "parameters must be from 1 to 4"),
        (
            lambda: calibration.calibrate(toy, toy(TRUTH, 1), PARAMETERS, points=3),
            "points must be at least 8",
        ),
        (lambda: calibration.calibrate(never, toy(TRUTH, 1), PARAMETERS), "only 0 of 12 simulated points"),
        (lambda: calibration.calibrate(other, toy(TRUTH, 1), PARAMETERS), "must show slow, fast, got a"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def never(values, seed):
    raise ObservationError("never switches")


def other(values, seed):
    return build(["a"], ["V"], np.random.default_rng(seed).standard_normal((20, 1, 1)))
