"""The table of cycles of every packaged set counts equal values, and gives a row of a small device."""

import math

import family_table
import pytest

from frenkel.kinetic.materials.material import Material


def test_equal_resistances_are_counted():
    assert family_table.repeated([1e5, 1e5, 2e5, 3e5]) == 0.5
    assert family_table.repeated([1e5, 1.001e5]) == 0.0
    assert math.isnan(family_table.repeated([]))


def test_part_between_devices():
    """Two devices that never change differ wholly between them; two that change alike, not at all."""
    assert family_table.fraction([[1e4, 1e4], [1e6, 1e6]]) == pytest.approx(1.0)
    assert family_table.fraction([[1e4, 1e6], [1e4, 1e6]]) == 0.0
    assert math.isnan(family_table.fraction([[1e4, 1e5]]))


def test_a_sheet_without_spread_repeats_its_states():
    """What the set MoS2-Au was: its row says so, and that of the set says that no state is repeated."""
    (way,) = family_table.ramps("MoS2-Au", "2d")
    equal = {
        "disorder.bond": 0.0, "disorder.relaxation_rate": 0.0, "disorder.quenched_share": 0.0,
        "conduction.empty_spread": 0.0,
    }  # fmt: skip
    material = Material.load("MoS2-Au")
    for values, low, high in ((equal, 0.5, 1.0), ({}, 0.0, 0.0)):
        row = family_table.measure(material.with_values(values), way, (2, 2), 20.0, 9101)
        assert row["cycles"] == [4, 4] and row["hot"] == 0.0
        assert row["repeated"][0] >= low and row["repeated"][1] == high
        assert row["repeated"][0] == 0.0 or values
        assert "one layer" in row["large_why"] and row["reversed"] == pytest.approx(1.0, abs=0.2)
        assert row["set"] > 1.0 > 0.0 > row["reset"]
