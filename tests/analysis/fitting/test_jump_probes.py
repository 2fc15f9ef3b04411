"""What probes say of a jump-process model: exact densities, and that devices left out alone decide."""

import made_up_jumps as made
import numpy as np
import pytest

from frenkel.analysis.fitting import jump_fit, jump_probes
from frenkel.analysis.fitting.jump_probes import CELLS, Design
from frenkel.cells.jumps import STATES, JumpLaw

VOLTS = np.array([-1.0, 0.0, 1.0])
HOLD = (0.5, 1e-3, 300.0, 0.0, np.inf)


def law_of(rate):
    """Return a cell of two ohmic states, 1 and 10 uS, that is left at one rate (1/s) and goes to and fro."""
    level = np.log([1e-6, 1e-5])
    return JumpLaw(
        voltages=VOLTS,
        temperatures=[300.0],
        level=level,
        current=np.exp(level)[:, None] * VOLTS,
        rate=np.full((2, 1, 3), rate),
        kind=[0, 1],
        before=[0, 1],
        after=[1, 0],
        jump_voltage=[0.5, 0.5],
        read_voltage=0.1,
        neighbours=1,
    )


def test_outcomes_have_a_direction():
    before, after = np.zeros(4), np.array([0.01, 0.5, 1.0, -1.0])
    assert jump_probes.outcome(before, after, 0).tolist() == [0, 1, 2, 1]
    assert jump_probes.outcome(before, after, 1).tolist() == [0, 1, 1, 2]


def test_holds_count_what_cells_did():
    """Cells that never move, with half a cell of each kind added, and where they are. Exact."""
    change = np.array([0.0, 0.1, np.log(10.0)])
    start = np.full(3, np.log(1e-6))
    probes = [Design(0, 0, HOLD, start, start + change, np.full(3, np.nan))]
    [(key, logs)] = jump_probes.score(law_of(1e-30), probes, 1).items()
    never = 0.5 / (CELLS + 1.5)
    assert key == (0, 0)
    there = (1.0 + (change / jump_probes.LEVEL_WIDTH) ** 2) ** -2
    expected = there * [(CELLS + 0.5) / (CELLS + 1.5), never, never]
    np.testing.assert_allclose(np.exp(logs), expected, rtol=1e-9)
    # An odd number of jumps switches, in 0.38 of the cells; fewer than 4 of 24: 1e-2.
    [logs] = jump_probes.score(law_of(700.0), probes, 1).values()
    # At 0.1 from where it began a quarter of the density of those that are back there, 0.62 of the cells.
    assert np.log(never / 16) < logs[1] < np.log(never / 4) and logs[2] > np.log(0.1**2)


def test_ramps_are_told_by_their_voltage_and_level():
    """Cells that never move never switch: as devices that did not, and far from those that did. Exact."""
    ramp, level = (1.0, 1e-3, 300.0, 0.0, 2e-6), np.full(2, np.log(1e-6))
    probes = [Design(3, 0, ramp, level, level, np.array([np.nan, 0.7]))]
    [logs] = jump_probes.score(law_of(1e-30), probes, 1).values()
    away = jump_probes.FAR / jump_probes.VOLT_WIDTH
    np.testing.assert_allclose(logs, [0.0, -2.0 * np.log(1.0 + away**2)], atol=1e-9)


def test_kinds_count_alike():
    assert jump_probes.mean_log_density(
        [{(0, 0): [1.0, 3.0], (3, 1): [0.0]}, {(0, 0): [5.0]}]
    ) == pytest.approx(1.5)


def test_a_law_without_devices_holds_the_others_alone():
    data = made.ensemble(4, seed=3)
    law, owner, home, _ = jump_fit.gathered(data, np.arange(4), np.random.default_rng(1))
    mine, others = np.flatnonzero(owner == 2), np.flatnonzero((home == 2) & (law.kind >= 0))
    part = jump_probes.without(law, mine, others)
    assert np.array_equal(part.level[part.before], law.level[law.before[mine]])
    assert np.array_equal(part.level[part.after], law.level[law.after[mine]])
    assert np.array_equal(part.rate[part.after], law.rate[law.after[mine]])
    for state in range(len(STATES)):
        expected = law.level[others][law.kind[others] == state]
        assert np.array_equal(np.sort(part.level[part.kind == state]), np.sort(expected))
    assert set(part.level) == set(law.level[home == 2])


def test_devices_that_are_left_out_decide(monkeypatch):
    """Each device is judged once, by a law without its jumps and states; the best numbers win."""
    data = made.ensemble(6, seed=4)
    asked, first = [], jump_probes.designs

    def designs(given, members):
        asked.append(members)
        return first(given, members)

    def score(law, probes, seed):
        here = np.concatenate([one.before for one in probes])
        # Six digits are kept, so that a few of others agree by chance.
        assert np.isin(np.round(here, 4), np.round(law.level, 4)).mean() < 0.3
        assert len(law.before) == 3 * 24  # of each of the other three devices
        wanted = {"carry": 0.25, "rest_carry": 0.75, "rest_scale": 4.0, "neighbours": 16, "level_scale": 0.25}
        return {(0, 0): [-sum((getattr(law, name) - value) ** 2 for name, value in wanted.items())]}

    monkeypatch.setattr(jump_probes, "designs", designs)
    monkeypatch.setattr(jump_probes, "score", score)
    law, found = jump_fit.fit(data, np.arange(6))
    assert (law.carry, law.rest_carry, law.rest_scale, found["probes"]) == (0.25, 0.75, 4.0, 0.0)
    assert (law.neighbours, law.level_scale) == (16, 0.25)
    assert sorted(np.concatenate(asked)) == list(range(6)) and len(asked) == jump_fit.PROBE_FOLDS
    # Without probes single jumps decide, as before.
    assert "probes" not in jump_fit.fit(data.drop_vars("probe_count"), np.arange(6))[1]


def test_probes_that_were_all_given_up_leave_the_law(recwarn):
    """They tell nothing, and a score that is no number would go into no card."""
    data = made.ensemble(4, seed=3)
    lost = data.assign(probe_after=("probe", np.full(data.sizes["probe"], np.nan)))
    law, found = jump_fit.fit(lost, np.arange(4))
    alone, expected = jump_fit.fit(data.drop_vars("probe_count"), np.arange(4))
    assert found == expected and law.to_dict() == alone.to_dict()
    assert not recwarn.list


def test_probes_of_a_state_in_which_no_other_device_ended_tell_nothing():
    """Of two devices one has no end of a SET: its cells could not start there."""
    data = made.ensemble(2, seed=3)
    kind = data.state_kind.values.copy()
    second = np.arange(len(kind)) >= int(data.state_count.values[0])
    kind[second & (kind == 1)] = -1
    found = jump_fit.fit(data.assign(state_kind=("state", kind)), np.arange(2))[1]
    assert np.isfinite(found["probes"])
