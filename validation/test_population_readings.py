"""What the table of a population reads, on made-up values (fast)."""

import math
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
cells, targets = (import_module(f"population_{name}") for name in ("cell", "targets"))
sys.path.pop(0)


def test_smooth_values_seldom_look_equal_and_repeats_always_do():
    """200 made-up populations: p below 0.01 in at most 7 (binomial, false alarm 1e-3 at the stated 1 %)."""
    random = np.random.default_rng(3)
    tables = [random.normal(size=(16, 20)) * 0.3 + random.normal(size=(16, 1)) for _ in range(200)]
    assert sum(cells.equal_pairs(table)[0] < 0.01 for table in tables) <= 7
    table = tables[0].copy()
    table[:, 10:14] = table[:, :4]
    assert cells.equal_pairs(table)[0] < 1e-6


def test_values_of_two_modes_do_not_look_equal():
    random = np.random.default_rng(4)
    table = random.normal(size=(64, 20)) * 0.3 + 3.0 * random.integers(0, 2, (64, 20))
    assert cells.equal_pairs(table)[0] > 1e-3


def test_a_device_of_one_value_counts_as_repeats():
    p, found, _ = cells.equal_pairs(np.zeros((1, 5)))
    assert found == 10
    assert p == pytest.approx(0.2**10)


def test_time_of_set_is_the_last_crossing():
    seen = cells.Levels(None)
    seen.time, seen.level = [0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 0.5, 2.0, 3.0]
    assert seen.above(1.0) == 3.0
    assert seen.above(-1.0) == 0.0
    assert math.isnan(seen.above(5.0))


class OhmicBox:
    """Two layers of atoms between electrodes: columns of bonds without any to the side."""

    def __init__(self, columns):
        a = 2.0
        number = len(columns)
        self.material = SimpleNamespace(lattice=SimpleNamespace(spacing=a))
        place = [(a * k, 0.0, a * layer) for layer in (1, 2) for k in range(number)]
        self.lattice = SimpleNamespace(position=np.array(place))
        potential = np.repeat([1 / 3, 2 / 3], number)
        bonds = []
        for k, g in enumerate(columns):
            bonds += [(k, -1, g), (k, number + k, g), (number + k, -2, g)]
        self.fields = SimpleNamespace(
            has_laws=lambda: False,
            nodes=lambda: (np.arange(2 * number), potential, None),
            solver=SimpleNamespace(bonds=lambda: bonds),
        )

    def solved(self, refresh):
        assert refresh


@pytest.mark.parametrize(("columns", "number"), [([1.0] * 5, 5.0), ([1.0, 0.0, 0.0], 1.0), ([3.0, 1.0], 1.6)])
def test_radius_counts_the_atoms_that_carry_the_current(columns, number):
    assert cells.filament_radius(OhmicBox(columns)) == pytest.approx(2.0 * math.sqrt(number / math.pi))


@pytest.mark.parametrize(
    ("id", "value", "low", "high", "verdict"),
    [
        ("V-1", 0.5, 0.4, 0.6, "met"),
        ("V-1", 0.5, 0.3, 0.7, "cannot be judged"),
        ("V-1", 0.5, math.nan, math.nan, "cannot be judged"),
        ("V-1", 0.39, 0.3, 0.5, "MISSED"),
        ("C-8", 0.95, math.nan, math.nan, "met"),
        ("C-8", 0.89, math.nan, math.nan, "MISSED"),
        ("C-8", math.nan, math.nan, math.nan, "not measured"),
    ],
)
def test_verdict(id, value, low, high, verdict):
    assert targets.Measured(id=id, value=value, low=low, high=high).verdict == verdict


def test_members_have_the_numbers_of_their_population():
    wide = {"exchange.barrier": {"law": "normal", "sd": "50 meV"}}
    materials, seeds = cells.members("HfO2", wide, 3, 11)
    barriers = [one.exchange.barrier for one in materials]
    assert len(set(barriers)) == 3
    assert list(seeds) == [11, 12, 13]
    assert [one.exchange.barrier for one in cells.members("HfO2", wide, 2, 11)[0]] == barriers[:2]


def test_a_population_of_other_numbers_is_refused():
    wide = {"device.width": {"law": "uniform", "low": "2 nm", "high": "3 nm"}}
    with pytest.raises(ValueError, match="numbers of the material, got device.width"):
        cells.members("HfO2", wide, 2, 1)
