"""Levels of a network that cells of a card reach by pulses, and levels that they do not have."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from frenkel.cells.card import Card
from frenkel.networks import array_pulses
from frenkel.networks.device_statistics import statistics_of
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


def test_levels_that_cells_do_not_have_are_refused():
    card = Card.load("mos2-au")
    g_max = statistics_of(card).g_max
    with pytest.raises(array_pulses.LevelError, match=r"^cells of mos2-au do not have \d+ % of the levels"):
        array_pulses.reach(card, np.linspace(0.0, g_max, 50), 0.02 * g_max)
