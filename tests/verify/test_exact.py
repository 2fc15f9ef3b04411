"""What `frenkel verify` prints: every row passes here, and a row can fail."""

import numpy as np
import pytest

from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.score_function import ScoreFunction
from frenkel.verify.device import mean_weights, paths_of_two
from frenkel.verify.exact import TESTS
from frenkel.verify.row import Check

SLOW = ("boltzmann", "drift", "mean_weights")
"""Statistics of more than 4 s, which `frenkel verify` prints too; tests of the engine have shorter ones."""


def marks(name):
    return [pytest.mark.verification] if name in SLOW else []


@pytest.mark.parametrize(
    "test", [pytest.param(one, id=one.__name__, marks=marks(one.__name__)) for one in TESTS]
)
def test_rows_pass(test):
    """Of weights 150 runs instead of 400: a false alarm in 1.4e-5 of seeds for each row (Student's t)."""
    rows = test(150) if test is mean_weights else test()
    assert rows and [row.quantity for row in rows if not row.passed] == []


def test_a_row_can_fail():
    planted = Check(quantity="x", theory=1.0, ours=1.1, allowed=0.01, measure="relative")
    assert not planted.passed
    assert not Check(quantity="x", theory=1.0, ours=float("nan"), allowed=1.0).passed


def test_mean_weights_see_a_wrong_clock(monkeypatch):
    """Waits at the voltage where they begin: exchange, whose rate the ramp raises, happens more often.

    A sound clock is called wrong in 2e-5 of seeds; here exchange was 17 standard errors off in 200 ramps.
    """
    sound = ScoreFunction.wait

    def still(self, now, device, source, elapsed):
        sound(self, now, (device[0], 0.0), (source[0], 0.0), elapsed)

    monkeypatch.setattr(ScoreFunction, "wait", still)
    wrong = {row.quantity for row in mean_weights(100) if not row.passed}
    assert {"oxygen exchange" in name for name in wrong} == {True} and len(wrong) == 2


def test_closed_paths_see_an_energy_of_no_state(monkeypatch):
    """Each event costs 1e-9 eV too much: each path of four costs 4e-9 eV, and the device is as it was."""
    device = Device(Material.load("HfO2-volatile"), thickness=1.3e-9, width=0.78e-9, seed=2)
    species, sound = device.engine.species.copy(), Device.transitions

    def dearer(self):
        table = sound(self)
        table["energy"] += 1e-9
        return table

    monkeypatch.setattr(Device, "transitions", dearer)
    costs = paths_of_two(device, 0.0, 12, np.random.default_rng(1))
    assert len(costs) > 3 and costs == pytest.approx([4e-9] * len(costs), rel=1e-4)
    assert np.array_equal(device.engine.species, species)
