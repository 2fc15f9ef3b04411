"""Lives of processes whose law is known, the loss of oxygen, and the command."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from frenkel.analysis.plots.probability import survival_page
from frenkel.cli.main import main
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.rare import endurance, farm
from frenkel.rare.endurance import CycleReading

EXAMPLE = Path(__file__).parents[2] / "examples" / "wear.toml"


class Toy:
    """Losses at a known rate per cycle; the window closes at the tenth of them."""

    LAST = 10

    def __init__(self, rate, seed):
        self.rate, self.lost, self.random = rate, 0, np.random.default_rng([seed, 1])

    def cycle(self):
        events = int(self.random.poisson(self.rate))
        self.lost += events
        return CycleReading(1e6 if self.lost < self.LAST else 1e4, 1e4, events)


def followed(rate, devices=200, cycles=1_000_000):
    return [endurance.follow(Toy(rate, seed), 4.0, cycles, lambda: None) for seed in range(devices)]


def test_lives_have_the_law_of_a_sum_of_waits():
    """Ten waits of 1/rate cycles; false alarm 6e-7 by five standard errors of the mean of 200 lives."""
    rate = 0.02
    lives = followed(rate)
    turns = np.array([life.cycle for life in lives]) * rate
    assert all(life.failed for life in lives)
    assert turns.mean() == pytest.approx(10.0 + 0.5 * rate, abs=5.0 * np.sqrt(10.0 / 200))
    assert turns.var() == pytest.approx(10.0, rel=0.6)
    one = lives[0]
    assert one.rows[-1] == (one.cycle, one.events, 1e4, 1e4)


def test_a_device_whose_window_is_open_at_the_end_is_left():
    life = followed(1e-9, devices=1, cycles=200)[0]
    assert (life.cycle, life.failed) == (200, False)


class Scripted:
    """A process whose windows are given."""

    def __init__(self, windows):
        self.windows = iter(windows)

    def cycle(self):
        return CycleReading(next(self.windows) * 1e4, 1e4, 0)


@pytest.mark.parametrize(
    ("windows", "cycle", "failed"),
    [
        ([9, 1, 1, 9, 1, 1, 1], 5, True),  # two closed ones in a row are no failure
        ([9, 9, 9, 9, 1, 1, 1], 5, True),  # the last cycle that counts is confirmed after the end
        ([9, 9, 9, 9, 1, 1, 9], 5, False),
    ],
)
def test_a_failure_is_confirmed_by_the_next_cycles(windows, cycle, failed):
    life = endurance.follow(Scripted(windows), 4.0, 5, lambda: None)
    assert (life.cycle, life.failed) == (cycle, failed)


def losing():
    changes = {
        "mechanisms": ["oxygen exchange", "oxygen loss"],
        "oxygen_loss": {"barrier": "0.4 eV", "attempt_frequency": "1e13 Hz"},
        "exchange": {"inventory": 0},
    }
    return Device(Material.load("HfO2-fast").with_changes(changes), 1.3e-9, 0.78e-9, seed=1)


def test_oxygen_that_is_lost_does_not_come_back():
    device = losing()
    before, events = device.engine.reservoir, device.transitions()
    loss = int(np.flatnonzero(events["mechanism"] == 1)[0])
    device.fire(loss)
    assert device.engine.reservoir == before == (0, 0) and device.count(VACANCY.code) == 1
    assert not np.any(device.transitions()["direction"] == 1)  # the electrode holds none


def test_loss_has_the_barrier_of_the_exchange_and_its_own():
    device = losing()
    device.set_voltage(1.0, device.conductance)
    events = device.transitions()
    exchange, loss = (events[(events["mechanism"] == k) & (events["direction"] == 0)] for k in (0, 1))
    assert np.array_equal(exchange["site_a"], loss["site_a"])
    assert loss["barrier"] == pytest.approx(exchange["barrier"] + 0.4, abs=1e-12)


def test_the_command_writes_a_survival_curve(tmp_path, capsys):
    target = tmp_path / "wear.nc"
    asked = ["tails", str(EXAMPLE), "--event", "window closes", "--repeats", "2", "-q"]
    fast = ["--set", "phase.1.repeat=99", "--set", "material.oxygen_loss.barrier=0 eV"]
    fast += ["--engine", "serial", "--no-isolation"]
    assert main([*asked, *fast, "-o", str(target)]) == 0
    assert "2 of 2 windows closed" in capsys.readouterr().out
    found = farm.load(target, "endurance")
    fraction, low, high = endurance.survival_at(found, 1.0)
    assert (fraction, high) == (1.0, 1.0) and low == pytest.approx(0.025**0.5)
    assert endurance.survival_at(found, 99.0)[0] == 0.0
    assert float(found["life"].max()) < 99.0
    picture = tmp_path / "wear.png"
    assert main(["plot", "survival", str(target), "-o", str(picture)]) == 0
    assert "2 of 2 windows closed" in capsys.readouterr().out and picture.stat().st_size > 10_000


def test_the_curve_is_that_of_kaplan_and_meier_with_an_interval_everywhere():
    """By hand: failures at 10 and 30, one left at 20 and one at 50, so 1, 3/4, 3/4 x 1/2."""
    values = {"life": ("device", [10.0, 20.0, 30.0, 50.0]), "failed": ("device", [1, 0, 1, 0])}
    cycles, curve = endurance.survival_curve(xr.Dataset(values))
    assert cycles.tolist() == [1.0, 10.0, 30.0, 50.0]
    assert curve[:, 0] == pytest.approx([1.0, 0.75, 0.375, 0.375])
    assert np.all((curve[:, 1] <= curve[:, 0]) & (curve[:, 0] <= curve[:, 2])) and np.all(np.isfinite(curve))
    page = survival_page(cycles, curve, np.array([20.0, 50.0]))
    line, crosses = page.axes[0].get_lines()
    assert crosses.get_ydata() == pytest.approx([0.75, 0.375])
    assert line.get_ydata() == pytest.approx(curve[:, 0])


def test_a_window_is_a_number(tmp_path, capsys):
    asked = ["tails", str(EXAMPLE), "--event", "window closes", "-o", str(tmp_path / "x.nc"), "-q"]
    assert main([*asked, "--at", "20 kohm"]) == 2
    assert "--at must be the least HRS/LRS" in capsys.readouterr().err
    assert main([*asked, "--at", "0.5"]) == 2
    assert "window must be between 1 and" in capsys.readouterr().err
