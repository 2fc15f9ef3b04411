"""The chance of a first loss by arrangements around a state, against the master equation (fast)."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from rare_events import hitting, hopping_chain, hopping_device
from scipy.linalg import expm

from frenkel.kinetic.engine._chain import mean_times

sys.path.insert(0, str(Path(__file__).resolve().parent))
first_losses = import_module("first_losses")


def test_time_in_each_state():
    """By uniformisation against the matrix exponential, to 1e-9, also of a rate 1e5 times the slowest."""
    rate = np.array([[0.0, 1e5, 1.0, 0.0], [1e5, 0.0, 0.0, 3.0], [2.0, 0.0, 0.0, 1.0], [0.0] * 4])
    leave, duration = np.array([0.5, 0.0, 0.0, 0.0]), 0.7
    both = np.block([[rate - np.diag(rate.sum(axis=1) + leave), np.eye(4)], [np.zeros((4, 8))]])
    exact = expm(both * duration)[0, 4:]
    assert first_losses.spent(rate, leave, duration) == pytest.approx(exact, rel=1e-9)


def test_ten_years_of_a_flickering_pair():
    """Of 1e22 changes of place: all the time there is, and the mean times where the pair is left early."""
    rate, years = np.array([[0.0, 3e13], [1e13, 0.0]]), 3e8
    kept = first_losses.spent(rate, np.array([0.0, 1e-12]), years)
    assert kept == pytest.approx([years / 4, 3 * years / 4], rel=3e-4)
    leave = np.array([0.0, 1e-3])
    assert first_losses.spent(rate, leave, years) == pytest.approx(mean_times(rate, leave), rel=1e-9)


@pytest.fixture(scope="module")
def held():
    """Return a device at 0 V in the best conducting of its 351 states, its chain, and who has lost half."""
    device = hopping_device(barrier=1.0)
    device.device_voltage = 0.0
    number, matrix, conductance = hopping_chain(device)
    best = int(conductance.argmax())
    species = np.frombuffer(list(number)[best], np.int8)
    device.arrange(species=species)
    assert device.conductance == pytest.approx(conductance[best])
    return device, matrix, best, conductance <= 0.5 * conductance[best]


@pytest.mark.parametrize("share", [1e-6, 1e-2, 1.0])
def test_bounds_hold_the_exact_chance(held, share):
    """Of a thousandth to three mean waits; with all states looked at both bounds are the exact one."""
    device, matrix, best, lost = held
    duration = -share / matrix.diagonal().min()
    exact, here = hitting(matrix, best, lost, duration), device.arrangement()
    for most in (2, 10, 400):
        found = first_losses.Losses(device, device.temperature, most=most)
        low, high = found.explore(duration, 1e-12)
        device.arrange(**here)
        assert low <= exact * (1 + 1e-6) and exact <= high * (1 + 1e-6)
    assert (high < 1.2 * exact and low > 0.8 * exact) or low > 0.5
