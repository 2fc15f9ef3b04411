"""The jump-process model of a made-up ensemble: its closed forms, what is chosen, and the gate."""

from dataclasses import replace
from types import SimpleNamespace

import earlier
import made_up_jumps as made
import numpy as np
import pytest
from scipy.stats import binom

from frenkel.analysis.fitting import card_schema, core_fit, gate_jumps, jump_fit
from frenkel.analysis.fitting.observations import ObservationError
from frenkel.cells.card import Card
from frenkel.cells.jump_cells import JumpCells
from frenkel.cells.jumps import RATE_STEP, JumpLaw
from frenkel.experiment.fit_card import fit_card, judge_card
from frenkel.reports.card import describe

HALF = np.arange(20)


@pytest.fixture(scope="module")
def data():
    return made.ensemble(40, seed=1)


@pytest.fixture(scope="module")
def fitted(data):
    return jump_fit.fit(data, HALF)


def test_the_law_holds_what_was_read(data, fitted):
    law, record = fitted
    assert record["devices"] == 20 and record["jumps"] == 20 * 24 and record["left_out"] == 0
    assert record["states"] == 20 * (12 + 48) and np.count_nonzero(law.kind >= 0) == 20 * 12
    # Every state of the first half, each once, with its rates to the digits of a card.
    mine = data.isel(state=slice(0, 20 * 60))
    np.testing.assert_allclose(law.rate, mine.state_rate.values, rtol=0.501 * RATE_STEP)
    np.testing.assert_allclose(law.level, mine.state_level.values, rtol=1e-5)
    # A jump leads from where it began to where it ended, whatever the states are called now.
    step = law.level[law.after] - law.level[law.before]
    offset = np.concatenate([[0], np.cumsum(data.state_count.values)])
    owner = np.repeat(np.arange(40), data.jump_count.values)[: 20 * 24]
    sides = [data[name].values[: 20 * 24] + offset[owner] for name in ("jump_from", "jump_to")]
    level = data.state_level.values
    np.testing.assert_allclose(step, level[sides[1]] - level[sides[0]], atol=1e-4)


def test_levels_that_are_seldom_passed_keep_their_jumps():
    """Of 1,000 jumps from ends and 30 between them 120 are kept, all of the 30 among them."""
    random = np.random.default_rng(3)
    level = np.concatenate([np.repeat([-16.0, -9.0], 500), np.full(30, -12.2)])
    volts = np.tile([1.0, -1.0], 515)
    kept = jump_fit.evenly(level, volts, 120, random)
    assert len(set(kept)) == 120 and set(range(1000, 1030)) < set(kept) and np.all(np.diff(kept) > 0)
    # The rest is shared by the two ends and the two signs.
    counts = [np.sum((level[kept] == end) & (volts[kept] > 0)) for end in (-16.0, -9.0)]
    assert counts in ([22, 22], [22, 23], [23, 22], [23, 23])
    np.testing.assert_array_equal(jump_fit.evenly(level, volts, 1030, random), np.arange(1030))


@pytest.mark.parametrize(
    ("state", "volts", "time", "heat"),
    [
        (0, 0.5, 1e-3, 300.0),
        (0, 1.0, 1e-6, 300.0),
        (1, -0.75, 1e-5, 300.0),
        (1, -0.5, 1e-3, 325.0),
        (0, -1.0, 1.0, 300.0),
    ],
)
def test_the_share_that_moves_is_that_of_the_closed_form(fitted, state, volts, time, heat):
    """Mean over the end states of 1 - exp(-rate t), by 6,000 cells; false alarm 1e-4 a case."""
    law, _ = fitted
    kinds = np.flatnonzero(law.kind == state)
    offset = np.log(law.rate[kinds, 0, 6]) + 4.0  # at 0 V it is h - 4
    expected = np.mean(-np.expm1(-time * np.exp(made.log_rate(state, offset, volts, heat))))
    cells = JumpCells(law, 6000, seed=4, state=("hrs", "lrs")[state], temperature=heat)
    count = np.count_nonzero(cells.hold(volts, time))
    low, high = binom.ppf([5e-5, 1 - 5e-5], 6000, expected)
    assert low <= count <= high


def test_held_out_devices_pass_and_wrong_rates_fail(data, fitted):
    law, _ = fitted
    rows = {row.statistic: row for row in gate_jumps.judge(law, data, np.arange(20, 40))}
    assert set(rows) == {
        f"hold of {state}: {what}"
        for state in ("hrs", "lrs")
        for what in ("moved", "switched", "level after")
    } | {
        f"current of {state} at {volts} V" for state in ("hrs", "lrs") for volts in (-0.75, -0.25, 0.25, 0.75)
    }
    assert all(row.passed and row.largest == 1.0 for row in rows.values())
    wrong = made.ensemble(20, seed=2, probes=60, faster=5.0)
    failed = [row.statistic for row in gate_jumps.judge(law, wrong, np.arange(20)) if not row.passed]
    assert {"hold of hrs: moved", "hold of lrs: moved"} <= set(failed)


def test_currents_are_judged_at_several_voltages(data, fitted):
    """Planted: states whose current bends as a sinh of 0.25 V, which ohmic devices do not have."""
    law, _ = fitted
    bent = np.sinh(law.voltages / 0.25) / np.sinh(0.1 / 0.25) * 0.1
    wrong = replace(law, current=np.exp(law.level)[:, None] * bent)
    failed = {row.statistic for row in gate_jumps.judge(wrong, data, np.arange(20, 40)) if not row.passed}
    assert {"current of hrs at 0.75 V", "current of lrs at -0.75 V"} <= failed
    card = Card.load(earlier.today() / "small.card.json")
    assert gate_jumps.judge_core(replace(card, core={}), data, HALF) == []


def _with_cycles(data):
    """Return the data with cycles whose resistances are those of the states."""
    random = np.random.default_rng(2)
    over, levels = ("member", "cycle"), {"hrs": 13.8, "lrs": 9.2}
    drawn = {name: np.exp(level + 0.2 * random.standard_normal((40, 3))) for name, level in levels.items()}
    whole = {name: (over, ohms, {"units": "ohm"}) for name, ohms in drawn.items()}
    volts = {"set_voltage": 1.0, "reset_voltage": -0.9}
    whole |= {
        name: (over, mean + 0.05 * random.standard_normal((40, 3)), {"units": "V"})
        for name, mean in volts.items()
    }
    return data.assign(whole)


def test_the_core_is_that_of_the_states(data):
    """The slope of ln(rate) and the bend of the current that the states were made with; exact."""
    whole = _with_cycles(data)
    bent = np.sinh(made.BIAS / 0.4) / np.sinh(0.1 / 0.4) * 0.1
    whole["state_current"] = (("state", "bias"), np.exp(whole.state_level.values)[:, None] * bent)
    found = core_fit.of_states(whole, HALF)
    assert found["drive"] == pytest.approx(14.0, rel=1e-6)
    assert found["voltage_scale"] == pytest.approx(0.4, rel=1e-3)
    assert core_fit.of_states(data, HALF).keys() == {"voltage_scale"}  # ohmic, and without cycles
    # HRS that bends beside LRS that does not: one sinh is neither.
    high = (whole.state_level.values < -11.5)[:, None]
    mixed = np.where(high, whole.state_current.values, data.state_current.values)
    both = whole.assign(state_current=(("state", "bias"), mixed))
    assert core_fit.of_states(both, HALF).keys() == {"drive"}
    ramps = {"set_ramp": 1e5, "reset_ramp": 1e5, "read_voltage": 0.1}
    fitted = fit_card(whole, name="made up", held_out=0.5, bootstrap=0, ranks=False, core=ramps)
    assert fitted.card.core["voltage_scale"] == pytest.approx(0.4, rel=1e-3)
    assert fitted.card.provenance["core"] == {"drive": "states", "voltage_scale": "states"}
    of_core = [row for row in fitted.rows if row.statistic.endswith("by the core")]
    assert len(of_core) == 8 and all(row.passed for row in of_core)
    given = fit_card(
        whole, name="made up", held_out=0.5, bootstrap=0, ranks=False, core=ramps | {"voltage_scale": 0.1}
    )
    assert given.card.provenance["core"] == {"drive": "states", "voltage_scale": "given"}
    failed = {row.statistic for row in given.rows if not row.passed}
    assert "current of hrs at 0.75 V by the core" in failed


def test_shares_are_within_a_few_hundredths(fitted):
    """The mean error over 18 designs in both states, with 2,000 probes: what chance alone makes is 0.02."""
    law, _ = fitted
    many = made.ensemble(100, seed=3, probes=40)
    for one in gate_jumps.compared(law, many, np.arange(100)):
        if one.design[0] >= 0:
            assert one.error() < 0.05, one.name


def test_the_choice_finds_what_tells_states_apart():
    """Where a jump leads depends on its conductance alone: a fine scale of it is chosen, on every seed."""
    rng = np.random.default_rng(5)
    data = made.ensemble(12, seed=6, jumps=40)
    start = rng.uniform(-14.0, -9.0, data.sizes["state"])
    start[1::2] = start[::2] + np.sin(6.0 * start[::2])  # states come in pairs, before and after
    data["state_level"] = ("state", start)
    data["state_current"] = (("state", "bias"), np.exp(start)[:, None] * made.BIAS)
    law, _ = jump_fit.fit(data.drop_vars("probe_count"), np.arange(12))
    assert law.level_scale <= 0.25
    coarse = replace(law, level_scale=4.0)
    fold = np.repeat(np.arange(12), 40) % 4
    judged = np.arange(len(law.before))
    assert jump_fit.score(law, fold, judged) > jump_fit.score(coarse, fold, judged) + 0.3


def test_what_a_jump_keeps_is_chosen(fitted):
    """States that rise by 1 from wherever they are, with rates that stay: carried over. The others: not."""
    assert fitted[0].carry == 0.0
    data = made.ensemble(12, seed=7, jumps=40)
    level, rate = data.state_level.values.copy(), data.state_rate.values.copy()
    level[:] = np.random.default_rng(8).uniform(-14.0, -9.0, len(level))
    own = np.repeat(np.arange(12), data.jump_count.values) * (data.sizes["state"] // 12)
    before, after = data.jump_from.values + own, data.jump_to.values + own
    level[after], rate[after] = level[before] + 1.0, rate[before]
    data = data.assign(
        state_level=("state", level),
        state_rate=(data.state_rate.dims, rate),
        state_current=(("state", "bias"), np.exp(level)[:, None] * made.BIAS),
    )
    assert jump_fit.fit(data.drop_vars("probe_count"), np.arange(12))[0].carry >= 0.75


def test_what_a_jump_leaves_is_judged_at_rest():
    """Two laws predict the same conductance, and the same rate at the jump; one a wrong rate at rest. Exact.

    Twelve devices of a state a and a state b. In the law that is wrong, b is 100 times faster at 0 V in the
    devices that are not judged: its density at rest is that of t with ln(100) instead of 0.
    """
    levels, rates = np.array([np.log(1e-6), np.log(1e-4)] * 12), np.zeros((24, 1, 3))
    pairs = np.arange(24).reshape(12, 2)
    numbers = {"temperatures": [300.0], "kind": np.array([0, 1] * 12), "read_voltage": 0.1}
    current = np.exp(levels)[:, None] * np.array([-1.0, 0.0, 1.0])
    law = JumpLaw(
        voltages=[-1.0, 0.0, 1.0],
        level=levels,
        current=current,
        rate=np.exp(rates),
        before=pairs[:, 0],
        after=pairs[:, 1],
        jump_voltage=np.ones(12),
        neighbours=4,
        **numbers,
    )
    rates[1:12:2, 0, 1] = np.log(100.0)
    wrong = replace(law, rate=np.exp(rates))
    fold, judged = np.arange(12) // 6, np.arange(6, 12)
    right, other = (jump_fit.score(one, fold, judged) for one in (law, wrong))
    assert right - other == pytest.approx(2.0 * np.log(1.0 + np.log(100.0) ** 2), rel=1e-9)


def test_what_is_not_enough_is_refused(data):
    with pytest.raises(ObservationError, match="at least two devices, got 1"):
        jump_fit.fit(data, np.array([3]))
    none = data.assign(state_kind=("state", np.full(data.sizes["state"], -1)))
    with pytest.raises(ObservationError, match=r"measure\.cycles"):
        jump_fit.fit(none, HALF)
    assert not jump_fit.measured(data.drop_vars("jump_count")) and jump_fit.measured(data)
    rows = gate_jumps.judge(jump_fit.fit(data, HALF)[0], data.drop_vars("probe_count"), HALF)
    assert rows and all("current of" in row.statistic for row in rows)


def test_states_that_nothing_leaves_are_left_out(data):
    rate = data.state_rate.values.copy()
    stuck = int(data.jump_to.values[0])
    rate[stuck] = 0.0
    law, record = jump_fit.fit(data.assign(state_rate=(data.state_rate.dims, rate)), HALF)
    assert record["left_out"] == 1 and len(law.before) == 20 * 24 - 1


def test_fewer_jumps_are_drawn_where_there_are_many(data, monkeypatch):
    monkeypatch.setattr(jump_fit, "MOST", 100)
    law, record = jump_fit.fit(data, HALF)
    assert record["jumps"] == len(law.before) == 100


def test_a_card_carries_the_law(fitted, tmp_path):
    plain = Card.load(earlier.today() / "small.card.json")
    assert len(plain.cannot_tell()) >= 3
    with pytest.raises(Exception, match="has no jump-process model"):
        plain.jump_cells(3, seed=1)
    path = card_schema.save(replace(plain, jump_law=fitted[0]), tmp_path / "with.json")
    card = Card.load(path)
    one, other = card.jump_cells(50, seed=1), JumpCells(fitted[0], 50, seed=1)
    one.hold(0.8, 1e-4)
    other.hold(0.8, 1e-4)
    assert one.states.tolist() == other.states.tolist()
    assert not any("pulses" in text for text in card.cannot_tell())
    assert "jump-process model: 480 between 1200 states" in describe(card)
    assert "cannot tell what pulses" in describe(plain)


@pytest.mark.parametrize(("share", "passes"), [(0.0, True), (0.02, True), (0.4, False)])
def test_a_share_is_known_to_one_probe_of_a_half(share, passes):
    """Nothing moved in 48 probes of 16 devices: a card of which few cells move is right, one of many is not.

    The value is the mean of ten draws of 24 cells, 0.02 and 0.4 +- 0.03 here, the limit a twelfth.
    """
    owner, design = np.repeat(np.arange(16), 3), np.tile(np.arange(3), 16)
    made = (np.random.default_rng(8).random((48, gate_jumps.CELLS)) < share).astype(float)
    row = gate_jumps.Compared("moved", owner, design, np.zeros(48), made).row(1)
    assert row.floor == pytest.approx(1 / 24)
    assert row.passed == passes


def test_probes_that_were_given_up_are_counted(data):
    """Of the first device judged the first two; they are in no row, and a card says so."""
    after = data.probe_after.values.copy()
    after[20 * 12 : 20 * 12 + 2] = np.nan
    kinds = data.probe_state.values[20 * 12 : 20 * 12 + 2]
    lost = gate_jumps.given_up(data.assign(probe_after=("probe", after)), np.arange(20, 40))
    assert {name: part for name, (part, _) in lost.items()} == {
        f"hold of {('hrs', 'lrs')[kind]}": int(np.sum(kinds == kind)) for kind in set(kinds.tolist())
    }
    assert all(part <= whole for part, whole in lost.values())
    assert gate_jumps.given_up(data, HALF) == gate_jumps.given_up(data.drop_vars("probe_count"), HALF) == {}
    made_of = {"jumps": {"given_up": {"rest of lrs": [3, 40]}}}
    assert "too many events: 3 of 40 of rest of lrs" in describe(
        replace(Card.load(earlier.today() / "small.card.json"), provenance=made_of)
    )


def test_fit_and_gate_take_what_was_measured(data):
    """By the door of `frenkel fit`: the devices of the jumps are those that the cycles were fitted to."""
    random = np.random.default_rng(2)
    cycles = {
        name: np.exp(level + 0.2 * random.standard_normal((40, 3)))
        for name, level in (("hrs", 13.8), ("lrs", 9.2))
    }
    over = ("member", "cycle")
    whole = data.assign({name: (over, ohms, {"units": "ohm"}) for name, ohms in cycles.items()})
    fitted = fit_card(whole, name="made up", held_out=0.5, bootstrap=0, ranks=False)
    assert fitted.card.provenance["jumps"]["devices"] == 20
    names = [row.statistic for row in fitted.rows]
    assert sum("hold of" in name for name in names) == 6
    assert fitted.card.validity["temperature"] == (300.0, 350.0)
    plain = fit_card(whole.drop_vars("jump_count"), name="made up", held_out=0.5, bootstrap=0, ranks=False)
    assert plain.card.jump_law is None
    rows, _ = judge_card(fitted.card, whole)
    assert sum("hold of" in row.statistic for row in rows) == 6


def test_states_that_all_devices_share_are_read_with_an_error(data, fitted):
    """One HRS in all cycles of all devices, as of an empty sheet: a card where states were read, else none.

    Planted: a law whose states conduct 10 % more, which the rows of currents and levels refuse.
    """
    whole = _with_cycles(data)
    whole["hrs"] = whole["hrs"].copy(data=np.full((40, 3), 5e10))
    made_of = fit_card(whole, name="made up", held_out=0.5, bootstrap=0, ranks=False)
    assert made_of.card.provenance["levels"] == {"hrs": 1}
    drawn = np.log(made_of.card.sample(500, 3, 1)["hrs"] / 5e10)
    assert 0.01 < drawn.std() < 0.04 and abs(drawn.mean()) < 0.01
    with pytest.raises(ObservationError, match="hrs is the same in every cycle"):
        fit_card(whole.drop_vars("jump_count"), name="made up", held_out=0.5, bootstrap=0, ranks=False)
    # Levels of a few atoms, which the card tells to a thousandth.
    level = np.log(1e-5 * np.round(np.exp(data.state_level.values) / 1e-5 + 1.0))
    steps = data.assign(state_level=("state", level))
    steps["state_current"] = (("state", "bias"), np.exp(level)[:, None] * made.BIAS)
    law, _ = jump_fit.fit(steps, HALF)
    names = {row.statistic for row in gate_jumps.judge(law, steps, np.arange(20, 40)) if not row.passed}
    assert not [name for name in names if name.startswith("current")]
    wrong = replace(law, current=1.1 * law.current)
    failed = {row.statistic for row in gate_jumps.judge(wrong, steps, np.arange(20, 40)) if not row.passed}
    assert "current of hrs at 0.75 V" in failed


def test_jumps_that_judge_are_as_many_of_each_class(monkeypatch):
    """Of 1,000 under -1 V, 50 at rest and 300 under 1 V: 200, 50 and 200, each once, in four folds."""
    volts = np.repeat([-1.0, 0.0, 1.0], [1000, 50, 300])
    law = SimpleNamespace(jump_voltage=volts, carry=0.5)
    judged = []
    monkeypatch.setattr(jump_fit, "replace", lambda law, **_: law)
    monkeypatch.setattr(jump_fit, "best_of", lambda law, choices, judge: judge(law))
    monkeypatch.setattr(jump_fit, "score", lambda law, fold, jumps: judged.append((fold, jumps)))
    owner = np.arange(volts.size) % 10
    jump_fit.chosen(law, owner, np.random.default_rng(1))
    ((fold, jumps),) = judged
    assert np.all(np.diff(jumps) > 0)
    assert [int(np.count_nonzero(volts[jumps] == one)) for one in (-1.0, 0.0, 1.0)] == [200, 50, 200]
    assert set(fold.tolist()) == {0, 1, 2, 3}
    assert all(len(set(fold[owner == device].tolist())) == 1 for device in range(10))


def test_ramps_are_compared_where_two_devices_have_enough_of_them(monkeypatch):
    """Ramps at 1 V/s of two devices, at 2 V/s of one, and too few at 4 V/s; levels of those that ended."""
    few = gate_jumps.FEWEST
    counts = {1.0: (few, 2), 2.0: (few, 1), 4.0: (few - 1, 2)}
    rate = np.repeat(list(counts), [number for number, _ in counts.values()])
    owner = np.concatenate([np.arange(number) % devices for number, devices in counts.values()])
    ended = np.where(np.arange(rate.size) < few, np.log(2e-5), np.nan)
    of = {
        "voltage": rate, "time": np.ones(rate.size), "limit": np.full(rate.size, np.nan), "after": ended,
        "switched": np.where(np.arange(rate.size) % 2, -0.5, np.nan),
    }  # fmt: skip
    cells = np.full((rate.size, 3), 0.7), np.full((rate.size, 3), np.log(1e-5))
    monkeypatch.setattr(gate_jumps, "_ramped", lambda *_: cells)
    found = list(gate_jumps._ramps(None, of, owner, 0, seed=1))
    names = [one.name for one in found]
    assert [name.partition(": ")[2] for name in names] == ["switching voltage", "level after"]
    assert all("at 1 V/s:" in name for name in names)
    switching, level = found
    np.testing.assert_allclose(switching.measured, np.where(np.arange(few) % 2, 0.5, gate_jumps.NEVER))
    np.testing.assert_allclose(switching.card, 0.7)
    np.testing.assert_allclose(level.measured, np.log(2e-5), atol=0.1)  # with the error of a reading
    np.testing.assert_allclose(level.card, np.log(1e-5), atol=0.1)
    np.testing.assert_array_equal(switching.owner, owner[:few])
