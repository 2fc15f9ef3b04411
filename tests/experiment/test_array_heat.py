"""Disturb by heat of examples/array_heat.py against closed forms."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))
array_heat = importlib.import_module("array_heat")


def test_the_pulses_that_disturb_are_those_of_the_mean_of_exponentials():
    leaving, doubling = np.array([1e2, 1e5, 1e-3]), np.array([0.0, 0.4, 1.0])
    number = 1e3
    time = number * array_heat.WIDTH
    exact = (0.4 * -np.expm1(-1e5 * time) - np.expm1(-1e-3 * time)) / 3
    assert array_heat.disturbed(leaving, doubling, number) == pytest.approx(exact, rel=1e-12)
    found = array_heat.pulses(leaving, doubling, 1e-6)
    assert found == pytest.approx(3e-6 / (0.4 * 1e5 * array_heat.WIDTH), rel=1e-4)


def test_settled_cells_leave_out_the_states_that_relax():
    law = array_heat.settled()
    states = law.end_states("hrs")
    assert 500 < states.size < 540
    cold, warm = array_heat.rates(law, 300.0), array_heat.rates(law, 340.0)
    # ln r is linear in 1/T, so that r(320 K) follows from both.
    middle = array_heat.rates(law, 1.0 / (0.5 / 300.0 + 0.5 / 340.0))
    np.testing.assert_allclose(middle, np.sqrt(cold * warm), rtol=0.01)
