"""The rule for switching voltages of curves: planted SETs, hand-read loops, pictures, files."""

import csv
from pathlib import Path

import numpy as np
import pytest

from frenkel.analysis.measured import files, loops
from frenkel.analysis.results.switching import (
    LARGEST_CURRENT,
    RULES,
    current_at,
    current_limit,
    switching_voltage,
)
from frenkel.experiment import ensemble_file

MEASURED = Path(__file__).resolve().parents[1] / "measured"
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "measured" / "loops.csv.gz"
STEP = 0.0193
"""Mean distance (V) of neighbouring samples of the hand-read loops."""


@pytest.fixture(scope="module")
def hand_read():
    """Return V_SET and V_RESET (V) by eye of 100 loops, and those of the default rule."""
    with open(MEASURED / "hand_read.csv", encoding="utf-8") as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    read = []
    for path in (EXAMPLE, MEASURED / "loops_61_100.csv.gz"):
        data = files.read([path], kind="loops", how=loops.Readout(0.3))
        columns = (data[name].values.ravel() for name in ("cycle", "set_voltage", "reset_voltage"))
        read += list(zip(*columns, strict=True))
    assert [row[0] for row in rows] == [row[0] for row in read] == list(range(1, 101))
    return np.array(rows)[:, 1:3], np.array(read)[:, 1:]


def test_most_loops_are_read_as_by_eye(hand_read):
    """95 of 100 within one step; the table is older than the rule. 96 and 100 when this was written."""
    eye, rule = hand_read
    within = (np.abs(rule - eye) <= STEP).sum(axis=0)
    assert within[0] >= 95 and within[1] >= 95
    off = np.abs(np.median(rule - eye, axis=0))
    assert np.all(off < STEP / 4)


def test_the_former_rule_does_not(hand_read):
    """The largest step of the conductance is away by more than a step in half of the loops."""
    eye, _ = hand_read
    data = files.read([EXAMPLE], how=loops.Readout(0.3, "largest step"))
    away = np.abs(data["set_voltage"].values[0] - eye[:60, 0]) > STEP
    assert away.sum() > 20


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("ratio", [5.0, 1000.0])
@pytest.mark.parametrize("samples", [1, 2, 3, 5, 8, 13, 20, 30])
def test_planted_sets_have_no_bias(samples, ratio, sign):
    """The current rises straight over 1 to 30 samples, with noise of 3 % of the limit: the middle of it.

    Of 60 curves each with a middle of its own within a step; the mean is off by less than one step, each
    by less than one and a half, and by a tenth of a long rise, whose middle the noise hides.
    """
    random, step, limit = np.random.default_rng(samples), 0.01, 3e-4
    volts = np.arange(0.3, 1.5, step)
    off = []
    for middle in 0.8 + step * random.uniform(-0.5, 0.5, 60):
        before = limit / ratio * volts / middle
        share = np.clip((volts - middle) / (samples * step) + 0.5, 0.0, 1.0)
        current = before + share * (limit - before) + 0.03 * limit * random.standard_normal(len(volts))
        curve = np.concatenate([volts, volts[::-1]]), np.concatenate([current, np.full(len(volts), limit)])
        off.append(sign * switching_voltage(sign * curve[0], sign * curve[1], "set", limit) - middle)
    assert abs(np.mean(off)) < step
    assert np.abs(off).max() < (1.5 + 0.1 * samples) * step


def test_a_jump_of_decades_is_the_set_though_its_limit_comes_later():
    """A jump to 1.5 % of the limit at 1.35 V, and single atoms after it until 2.5 V: as in a sheet."""
    volts = np.arange(0.0, 3.0, 0.03)
    siemens = np.where(volts < 1.34, 4e-11, 1e-5 + 4e-4 * np.clip((volts - 1.35) / 1.15, 0, 1))
    current = np.minimum(volts * siemens, 1e-3)
    assert switching_voltage(volts, current, "set", 1e-3) == pytest.approx(1.335, abs=0.015)
    # A rise that is undone, and one below 1 % of the limit, are none.
    spike = np.where((volts > 0.55) & (volts < 0.65), 1e-4, siemens)
    assert switching_voltage(volts, np.minimum(volts * spike, 1e-3), "set", 1e-3) > 1.3
    faint = np.where((volts > 0.5) & (volts < 1.34), 4e-9, siemens)
    assert switching_voltage(volts, np.minimum(volts * faint, 1e-3), "set", 1e-3) > 1.3


@pytest.mark.parametrize(
    ("kind", "current", "compliance", "expected"),
    [
        ("set", [0, 1e-9, 2e-9, 3e-9], 1e-6, np.nan),  # never reaches the limit
        ("set", [0, 1e-8, 6e-7, 1e-6], 1e-6, 1 + 0.495 / 0.585),  # half way between 10 nS and the limit
        ("set", [0, 1e-12, 1e-8, 1e-6], 1e-6, 2 + 4.925005 / 9.8874975),  # not a rise of next to nothing
        ("set", [0, 1e-9, 2e-9, 3e-9], np.nan, np.nan),  # no jump
        ("set", [0, 0, 0, 0], 1e-6, np.nan),
        ("reset", [0, 1e-6, 2e-6, 3e-6], np.nan, np.nan),  # still rising where the source turns back
        ("reset", [0, 1e-6, 2e-6, 1e-7], np.nan, 2.0),
        ("constant", [0, 1e-6, 2e-6, 1e-7], np.nan, np.nan),
    ],
)
def test_curves_of_four_samples(kind, current, compliance, expected):
    found = switching_voltage(np.arange(4.0), np.array(current), kind, compliance)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("rule", "expected"), [("half rise", 1 + 0.495 / 0.585), ("limit", 3.0), ("largest step", 2.0)]
)
def test_rules_can_be_chosen(rule, expected):
    current = np.array([0, 1e-8, 6e-7, 1e-6])
    assert switching_voltage(np.arange(4.0), current, "set", 1e-6, rule) == pytest.approx(expected)
    assert set(RULES) == {"half rise", "limit", "largest step"}
    with pytest.raises(ValueError, match="rule must be one of half rise, limit, largest step, got 'middle'"):
        switching_voltage(np.arange(4.0), current, "set", 1e-6, "middle")


def test_no_jump_on_the_way_back_counts():
    """Without a limit, the device switches when the source has turned: that is not its SET."""
    source = np.concatenate([np.arange(9.0), np.arange(9.0)[::-1]])
    late, early = (np.where(np.arange(18) < at, 1e-6, 3e-5) * source for at in (10, 5))
    for rule in ("half rise", "limit", "largest step"):
        assert np.isnan(switching_voltage(source, late, "set", rule=rule))
        # A resistor, whose current doubles with the voltage.
        assert np.isnan(switching_voltage(0.1 * source, 1e-7 * source, "set", rule=rule))
    assert switching_voltage(source, early, "set") == pytest.approx(4.5)


def test_a_reset_on_the_plateau_is_one():
    volts = np.array([0, 1.0, 2, 2, 2, 1, 0])
    assert switching_voltage(-volts, -np.array([0, 1.0, 2, 2.5, 2, 1, 0]), "reset") == -2.0
    assert np.isnan(switching_voltage(-volts, -np.array([0, 1.0, 2, 2.5, 3, 1, 0]), "reset"))


def test_a_limit_is_seen_where_the_current_is_flat():
    """Not at the tip of a resistor, however many samples lie there."""
    volts = np.concatenate([np.linspace(0, 1, 1000), np.linspace(1, 0, 1000)])
    assert np.isnan(current_limit(volts, 1e-4 * volts))
    assert current_limit(volts, np.minimum(1e-4 * volts, 5e-5)) == 5e-5


def test_a_mark_is_on_the_line_between_samples():
    source, current = np.array([0, 1.0, 2.0, 1.0]), np.array([0, 1e-8, 1e-4, 1e-4])
    assert current_at(source, current, 1.5, "set") == pytest.approx((1e-8 + 1e-4) / 2)
    assert current_at(source, current, 1.5, "set", logarithmic=True) == pytest.approx(1e-6)
    assert current_at(source, -np.array([0, 3e-4, 1e-4, 0]), 1.0, "reset") == -3e-4


def test_files_name_the_rule():
    names = {"forming_voltage": "half rise", "set_voltage": "half rise", "reset_voltage": LARGEST_CURRENT}
    assert {name: ensemble_file.LAYOUT.variables[name].attrs()["rule"] for name in names} == names
    data = files.read([EXAMPLE], how=loops.Readout(0.3, "limit"))
    assert data["set_voltage"].attrs["rule"] == "limit"
    assert data["reset_voltage"].attrs["rule"] == LARGEST_CURRENT


def test_half_of_the_rise_is_half_way_between_its_first_and_last_crossing():
    """A current that crosses half at 0.7 V, falls back, and crosses again at 0.9 V: 0.8 V."""
    volts = np.arange(0.0, 1.3, 0.01)
    current = np.where((volts < 0.695) | ((volts > 0.795) & (volts < 0.895)), 0.3 * volts, 0.7)
    current[volts > 0.995] = 1.0
    assert switching_voltage(volts, current, "set", 1.0) == pytest.approx(0.795, abs=0.01)
