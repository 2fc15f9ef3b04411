"""Programming many cells at once: counts, errors and exact cases."""

import numpy as np
import pytest
from closed_forms import accepted_share

from frenkel.networks.device_statistics import placeholder
from frenkel.networks.write_verify import StatisticalWriteVerify, Unverified, WithinTolerance

QUIET = placeholder(g_min=0.0, g_max=1e-4, read_noise=0.0)


def test_steps_without_noise_are_counted_exactly():
    target = np.array([0.0, 0.1, 0.26, 1.0]) * QUIET.g_max
    done = StatisticalWriteVerify(tolerance=0.03, step=0.05, step_noise=0.0).write(
        target, QUIET, np.random.default_rng(0)
    )
    assert done.pulses.tolist() == [0, 2, 5, 20]
    assert done.reads.tolist() == [1, 3, 6, 21]
    assert done.reached.all()
    assert done.conductance / QUIET.g_max == pytest.approx([0.0, 0.1, 0.25, 1.0])
    # Pulses start at 0, 0.05, ... of g_max.
    sums = sum(0.05 * n * (n - 1) / 2 for n in done.pulses)
    assert done.pulse_sum == pytest.approx(sums * QUIET.g_max)


def test_a_chosen_amplitude_reaches_any_target_in_one_step_more():
    scheme = StatisticalWriteVerify(tolerance=1e-6, step=0.05, step_noise=0.0, pulses="amplitude")
    done = scheme.write(np.array([0.123e-4]), QUIET, np.random.default_rng(0))
    assert done.pulses.tolist() == [3]
    assert done.conductance[0] == pytest.approx(0.123e-4)


def test_the_limit_leaves_failures():
    done = StatisticalWriteVerify(tolerance=0.01, step=0.05, step_noise=0.0, limit=3).write(
        np.array([0.5e-4]), QUIET, np.random.default_rng(0)
    )
    assert not done.reached.any() and done.pulses.tolist() == [3] and done.reads.tolist() == [4]


def test_one_noisy_step_is_accepted_with_its_chance():
    """A step of the size of the distance lands within the tolerance with a chance in closed form."""
    scheme = StatisticalWriteVerify(tolerance=0.1, step=0.5, step_noise=0.2, limit=1)
    done = scheme.write(np.full(100_000, 0.5e-4), QUIET, np.random.default_rng(5))
    p = accepted_share(0.5, 0.1, 0.5, 0.1)
    # 4.5 standard errors: 7e-6.
    assert done.reached.mean() == pytest.approx(p, abs=4.5 * np.sqrt(p * (1 - p) / 100_000))


def test_sixteen_levels_are_told_apart():
    """A-07b: fewer than 5 % of the cells of a level are nearer to another one (none at this tolerance)."""
    device = placeholder()
    levels = np.linspace(device.g_min, device.g_max, 16)
    done = StatisticalWriteVerify(tolerance=0.02).write(
        np.repeat(levels, 500), device, np.random.default_rng(6)
    )
    nearest = np.abs(done.conductance[:, None] - levels).argmin(axis=1)
    assert np.mean(nearest != np.repeat(np.arange(16), 500)) < 0.01
    coarse = StatisticalWriteVerify(tolerance=0.1).write(
        np.repeat(levels, 500), device, np.random.default_rng(6)
    )
    nearest = np.abs(coarse.conductance[:, None] - levels).argmin(axis=1)
    assert np.mean(nearest != np.repeat(np.arange(16), 500)) > 0.05


def test_one_pulse_without_a_read():
    done = Unverified().write(np.full((2, 3), 1e-5), QUIET, np.random.default_rng(0))
    assert done.pulses.sum() == 6 and done.reads.sum() == 0 and done.reached.all()


@pytest.mark.parametrize(
    ("name", "value"), [("tolerance", 0.0), ("step", 2.0), ("step_noise", -1.0), ("pulses", "odd")]
)
def test_numbers_outside_their_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        StatisticalWriteVerify(**{name: value})


def test_verified_cells_end_evenly_within_their_tolerance():
    target = np.array([QUIET.g_min, QUIET.g_max]).repeat(20_000).reshape(2, -1)
    done = WithinTolerance(0.05).write(target, QUIET, np.random.default_rng(2))
    away = (done.conductance - target) / QUIET.g_max
    assert np.abs(away).max() <= 0.05 and done.conductance.min() >= 0.0 and not done.pulses.any()
    # At the upper end even: 4.5 standard errors of mean and deviation, 7e-6.
    spread = 0.05 / np.sqrt(3.0)
    assert away[1].mean() == pytest.approx(0.0, abs=4.5 * spread / np.sqrt(20_000))
    assert away[1].std() == pytest.approx(spread, rel=4.5 / np.sqrt(40_000))
    with pytest.raises(ValueError, match="tolerance must be between"):
        WithinTolerance(1.5)
