"""Retention of cells of a jump law beside a closed form, and in what a network knows of a card."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

import frenkel as fk
from frenkel.cells.jumps import JumpError, JumpLaw
from frenkel.networks import device_statistics, retention

VOLTAGES = np.array([-1.0, 0.0, 1.0])


def law(up, down):
    """Return cells of 1 and 10 uS, HRS and LRS, that go to and fro at two rates (1/s)."""
    conductance, rate = np.array([1e-6, 1e-5]), np.array([up, down])
    return JumpLaw(
        voltages=VOLTAGES, temperatures=[300.0], level=np.log(conductance),
        current=conductance[:, None] * VOLTAGES, rate=np.broadcast_to(rate[:, None, None], (2, 1, 3)),
        kind=[0, 1], before=[0, 1], after=[1, 0], jump_voltage=[0.0, 0.0], read_voltage=0.1, neighbours=1,
    )  # fmt: skip


def test_two_states_at_rest_follow_their_closed_form():
    """False alarm: 1e-4 at each of 12 counts."""
    up, down = 1e-3, 4e-3
    found = retention.simulate(law(up, down), cells=2000)
    assert np.all(np.diff(found.start) >= 0) and found.times[-1] == 86_400.0
    for place, time in enumerate(found.times):
        decay = -np.expm1(-(up + down) * time) / (up + down)
        for cells, rate in ((slice(0, 2000), up), (slice(2000, 4000), down)):
            changed = found.later[cells, place] != found.start[cells]
            low, high = binom.ppf([5e-5, 1 - 5e-5], 2000, rate * decay)
            assert low <= np.count_nonzero(changed) <= high


NOTHING = [
    ({"kind": [-1, -1]}, "holds no end state"),
    ({"before": [], "after": [], "jump_voltage": []}, "holds no jump"),
]
"""What a law lacks that tells nothing of rest, and the sentence."""


@pytest.mark.parametrize(("lacking", "sentence"), NOTHING)
def test_a_law_without_end_states_or_jumps_tells_nothing_of_rest(lacking, sentence):
    with pytest.raises(JumpError, match=sentence):
        retention.simulate(replace(law(1.0, 1.0), **lacking))


@pytest.mark.parametrize(("lacking", "_"), NOTHING)
def test_a_card_whose_law_tells_nothing_of_rest_leaves_relaxation_out(lacking, _):
    card = fk.Card.load("hfo2")
    bare = replace(card, jump_law=replace(law(1.0, 1.0), **lacking))
    device = device_statistics.from_card(bare)
    assert "relaxation" in device.missing and device.relaxation is None
    assert device.window == device_statistics.from_card(card).window


def test_a_card_of_jumps_tells_relaxation():
    """Cells that move within a day, 41 % of them: studies need no row of chosen ranges for it."""
    card = replace(fk.Card.load("hfo2"), jump_law=law(1e-5, 1e-5))
    device = device_statistics.from_card(card)
    assert device.knows("relaxation") and device.longest == 86_400.0 and not device.placeholders
    assert "relaxation" not in device.missing and "telegraph noise" in device.missing
    conductance = np.full(4000, device.g_max)
    rank = device.exponents(conductance.shape, np.random.default_rng(1))
    early, late = (np.log(device.drifted(conductance, rank, time) / conductance) for time in (1.0, 86_400.0))
    assert np.mean(np.abs(early) > 0.02) < 0.1 < np.mean(np.abs(late) > 0.02) < 0.6
    with pytest.raises(ValueError, match="up to 86400 s"):
        device.drifted(conductance, rank, 1e6)
