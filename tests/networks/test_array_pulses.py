"""Levels of a network that cells of a card reach by pulses, and levels that they do not have."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from frenkel.cells.card import Card
from frenkel.networks import array_pulses
from frenkel.networks.device_statistics import placeholder, statistics_of
from frenkel.quantity import to_si

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "array_write_verify.toml"


@pytest.fixture(scope="module")
def hfo2():
    return Card.load("hfo2")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(array_pulses, "ROWS", 3)
    monkeypatch.setattr(array_pulses, "COLUMNS", 4)


def test_pulses_are_those_of_the_example():
    scheme = tomllib.loads(EXAMPLE.read_text())["phase"][0]["scheme"]
    units = dict.fromkeys(array_pulses.PULSES, "V") | {"width": "s"}
    for name, value in array_pulses.PULSES.items():
        given = scheme[name]
        assert value == (to_si(given, units[name], -20.0, 20.0) if isinstance(given, str) else given)
    around = tomllib.loads(EXAMPLE.read_text())["periphery"]
    assert to_si(around["read_voltage"], "V", 0.0, 20.0) == array_pulses.READ_VOLTAGE
    assert to_si(around["settling"], "s", 0.0, 1.0) == array_pulses.SETTLING


def test_what_is_said_is_what_the_reads_of_the_cells_say(hfo2, small):
    """Near is within the distance; the error is that of the others; wide distances are reached by all."""
    levels, distance = np.linspace(2e-6, 6e-5, 30), 6e-7
    found = array_pulses.reach(hfo2, levels, distance, seed=2)
    off = found.conductance - found.target
    assert found.target.shape == (12,) and set(found.target) <= set(levels[1:])
    np.testing.assert_array_equal(found.near, np.abs(off) <= distance)
    assert 0.0 < found.fraction == found.near.mean() < 1.0
    assert found.error == pytest.approx(np.sqrt(np.mean(off[~found.near] ** 2)), rel=1e-12)
    assert f"{100 * found.fraction:.0f} ± " in str(found) and "hfo2" in str(found).lower()
    wide = array_pulses.reach(hfo2, levels, 3e-5, seed=2)
    assert wide.fraction == 1.0 and wide.error == 0.0 and "others" not in str(wide)


def test_further_cells_end_as_those_that_were_programmed():
    """Of similar targets: distances of those that are near, conductances of others, idle cells at g_min."""
    device = placeholder(g_min=1e-6, g_max=1e-4)
    n = 40
    low, high = np.full(n, 2e-5), np.full(n, 8e-5)
    found = array_pulses.ReachedLevels(
        target=np.concatenate([low, high]),
        conductance=np.concatenate([low + 1e-6, np.full(n, 3e-6)]),
        near=np.repeat([True, False], n),
        pulses=np.repeat([4, 60], n),
        idle=np.array([0.5e-6, 0.6e-6]),
        distance=2e-6,
        source="made up",
    )
    target = np.repeat([1e-6, 2.2e-5, 7.9e-5], 100).reshape(3, 100)
    done = found.write(target, device, np.random.default_rng(1))
    assert set(done.conductance[0]) == {0.5e-6, 0.6e-6} and not done.pulses[0].any() and done.reached[0].all()
    np.testing.assert_allclose(done.conductance[1], 2.3e-5, rtol=1e-12)
    assert done.reached[1].all() and np.all(done.pulses[1] == 4) and np.all(done.reads[1] == 5)
    np.testing.assert_array_equal(done.conductance[2], 3e-6)
    assert not done.reached[2].any() and np.all(done.pulses[2] == 60)
    assert done.pulse_sum == pytest.approx(100 * (4 * 2.3e-5 + 60 * 3e-6), rel=1e-12)


def test_levels_that_cells_do_not_have_are_refused():
    card = Card.load("mos2-au")
    g_max = statistics_of(card).g_max
    with pytest.raises(array_pulses.LevelError, match=r"^cells of mos2-au do not have \d+ % of the levels"):
        array_pulses.reach(card, np.linspace(0.0, g_max, 50), 0.02 * g_max)
