"""Ladders of states for circuits, and the jump-process model in numpy; spice/ simulates them."""

import re

import earlier
import numpy as np
import pytest
from made_up_ladder import BARRIER, CONDUCTANCE, OFFSETS, SLOPE, card, law
from scipy.stats import kstest

from frenkel.analysis.exports import cards as card_exports
from frenkel.analysis.exports import chain_rates, circuit_chain
from frenkel.analysis.exports.circuit import ExportDraws
from frenkel.cells.card import Card
from frenkel.cells.jumps import JumpError


def test_a_ladder_holds_the_states_of_the_law():
    """Rates of the ways that there are, their temperature and currents, where they were read: exact."""
    one = circuit_chain.circuit_chain(card(), seed=1, device=0)
    assert np.allclose(one.log_conductance, np.log(CONDUCTANCE)[:, None], atol=1e-9)
    rates = OFFSETS[:, None] + SLOPE * np.abs(one.volts)
    # Up above 0 V but from LRS, down below 0 V but from HRS; in the middle the nearest jump below 0.7 V is
    # another state's.
    there = np.array([one.volts > 0.0, np.abs(one.volts) > 0.7, one.volts < 0.0])
    assert np.allclose(one.log_rate[there], rates[there], atol=1e-9)
    assert np.allclose(one.activation[there], -BARRIER, rtol=1e-9) and one.temperature == 300.0
    barred = np.array([one.volts <= 0.0, one.volts == 9.0, one.volts >= 0.0])
    assert np.all(one.log_rate[barred] == chain_rates.SLOWEST) and np.all(one.activation[barred] == 0.0)
    assert 0.0 in one.volts and one.volts[[0, -1]].tolist() == [-1.8, 1.8] and one.first == 0


def test_a_state_that_comes_back_leads_nowhere():
    """A cell that goes to and fro a billion times before it leaves: the rate is that of leaving.

    To f = 1e9 and back at g = 3e9 per s, from there up at 0.1 and down at 0.3: a quarter of the time there.
    """
    path, level = np.array([0, 1, 2, 3]), np.array([0.0, 0.1, 5.0, -5.0])
    rates = np.zeros((1, 4, 4))
    rates[0, 0, 1], rates[0, 1, 0], rates[0, 1, 2], rates[0, 1, 3] = 1e9, 3e9, 0.1, 0.3
    start = np.array([1.0, 0.0, 0.0, 0.0])
    found = np.exp(chain_rates._passage(level, path, start, rates, -4.0, 4.0)[:, 0])
    assert np.allclose(found, [0.025, 0.075], rtol=1e-6)


def test_ways_are_those_of_linear_equations():
    """A random chain of seven states: odds before a clock rings, against a matrix that is solved."""
    random = np.random.default_rng(6)
    table, weight, clock = random.exponential(size=(1, 7, 9)), np.full(7, 1.0 / 7.0), 0.7
    out = table[0].sum(1) - np.diag(table[0, :, 2:]) + clock
    inner = table[0, :, 2:] - np.diag(np.diag(table[0, :, 2:]))
    ends = np.linalg.solve(np.diag(out) - inner, np.column_stack([np.full(7, clock), table[0, :, :2]]))
    odds = weight @ ends
    found = chain_rates._left(table, np.full((1, 1), np.log(clock)), weight)[0, 0]
    assert np.allclose(found, odds[1:] / odds[0], rtol=1e-12)


def test_each_clock_of_a_chain_is_solved_once(monkeypatch):
    """Twenty random chains over thirty decades: none is asked twice, but at the ends of the clocks."""
    random, left, asked = np.random.default_rng(6), chain_rates._left, []
    rates = random.exponential(size=(20, 9, 9)) * 10.0 ** random.uniform(-15.0, 15.0, size=(20, 1, 1))
    start, level = np.eye(9)[4], np.arange(9.0)

    def counted(table, clocks, weight):
        asked.extend(zip(table[:, 0, 0], clocks.tolist(), strict=True))
        return left(table, clocks, weight)

    monkeypatch.setattr(chain_rates, "_left", counted)
    found = chain_rates._passage(level, np.arange(9), start, rates, 1.5, 6.5)
    between = [one for one in asked if chain_rates.CLOCKS[0] < one[1] < chain_rates.CLOCKS[-1]]
    assert len(between) == len(set(between)) and len(asked) < 20 * 6
    alone = [chain_rates._passage(level, np.arange(9), start, one[None], 1.5, 6.5)[:, 0] for one in rates]
    assert np.array_equal(found, np.transpose(alone))


def test_an_export_tells_how_far_it_is(tmp_path):
    told = []
    card_exports.export(
        card(), "jumps-ngspice", tmp_path / "a.sub", draws=ExportDraws(devices=2, cycles=1),
        progress=lambda share, words: told.append((share, words)),
    )  # fmt: skip
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and 0.0 <= shares[0] < 0.1 and 0.9 < shares[-1] < 1.0
    assert {words for _, words in told} == {"chain 1 of 2", "chain 2 of 2"}


def test_rungs_are_levels_of_walks():
    """From the middle state a jump up leads back to HRS as often as on: every ladder has the three levels."""
    ways = {"before": [0, 1, 1, 2], "after": [1, 2, 0, 1], "jump_voltage": [1.0, 1.0, 1.0, -1.0]}
    both = law(**ways, neighbours=2, level_scale=0.05)
    volts = both.voltages
    for seed in range(5):
        one = chain_rates.chain_rates(both, np.random.default_rng(seed), volts)
        assert one.states.tolist() == [0, 1, 2]
        # Half of what leaves the middle goes up.
        up = one.log_rate[0, 1, volts > 0.0] - (OFFSETS[1] + SLOPE * volts[volts > 0.0])
        assert np.allclose(up, np.log(0.5), atol=1e-6)


def test_levels_within_one_level_are_refused():
    """Once a file of cells that never switch, without a word."""
    levels = CONDUCTANCE[0] * np.array([1.0, 2.0, 3.9])
    near = law(level=np.log(levels), current=levels[:, None] * law().voltages)
    with pytest.raises(JumpError, match="one level"):
        chain_rates.chain_rates(near, np.random.default_rng(1), near.voltages)


@pytest.mark.parametrize("state", [0, 2])
def test_both_ways_are_asked_of_walks(state):
    """A HRS or a LRS that nothing leaves: walks of the other way alone were once enough."""
    rate = law().rate.copy()
    rate[state] *= 1e-40
    with pytest.raises(JumpError, match="and back"):
        chain_rates.walks(law(rate=rate), np.random.default_rng(1))


def test_waits_are_unit_exponentials():
    """KS of 2,000 waits of 30 devices; false alarm 1e-4."""
    marks = [
        np.diff(one, prepend=0.0)
        for device in range(30)
        for one in (lambda x: (x.ups, x.downs))(circuit_chain.circuit_chain(card(), 3, device, 34))
    ]
    assert kstest(np.concatenate(marks), "expon").pvalue > 1e-4
    again = circuit_chain.circuit_chain(card(), 3, 0, 34)
    assert np.array_equal(np.diff(again.ups, prepend=0.0), marks[0])


@pytest.mark.parametrize("make", [circuit_chain.to_ngspice, circuit_chain.to_verilog_a])
def test_texts_are_whole(make):
    text = make(card(), ExportDraws(devices=2, cycles=1, seed=4))
    assert text.count("(") == text.count(")") and "rates of 300 to 358 K" in text
    names = re.findall(r"(?:\.subckt|module) (frenkel_jumps_\d)", text)
    assert names == ["frenkel_jumps_0", "frenkel_jumps_1"]
    assert text == make(card(), ExportDraws(devices=2, cycles=1, seed=4))
    assert text != make(card(), ExportDraws(devices=2, cycles=1, seed=5))
    assert max(map(len, text.splitlines())) < 1000


def test_what_has_no_ladder_is_refused(tmp_path):
    plain = Card.load(earlier.today() / "small.card.json")
    for form in ("jumps-ngspice", "jumps-verilog-a"):
        with pytest.raises(ValueError, match="has no jump-process model: its ensemble was not measured"):
            card_exports.export(plain, form, tmp_path / "a.sub")
    with pytest.raises(JumpError, match="no walk of this law leads from HRS to LRS"):
        circuit_chain.to_ngspice(card(rate=np.full((3, 3, 25), 1e-30)))
    with pytest.raises(JumpError, match="end states of RESET and of SET"):
        circuit_chain.to_ngspice(card(kind=np.array([0, -1, -1])))


@pytest.mark.parametrize(
    ("carry", "at_rest", "scale"), [(0.0, None, None), (1.0, None, 2.0), (0.25, 1.0, 8.0)]
)
def test_npz_jumps_as_the_card_does(tmp_path, carry, at_rest, scale):
    """The same numbers, at a temperature between those that were read."""
    made = card(carry=carry, rest_carry=at_rest, rest_scale=scale, neighbours=3)
    with np.load(card_exports.export(made, "npz", tmp_path / "a.npz")) as file:
        arrays = {name.removeprefix("jumps."): file[name] for name in file if name.startswith("jumps.")}
        space = {}
        exec(str(file["python_jumps"]), space)
    for state, name, volts in ((0, "hrs", 0.8), (1, "lrs", np.linspace(-1.2, 0.3, 50))):
        ours = made.jump_cells(50, seed=3, state=name, temperature=341.0)
        theirs = space["Jumping"](arrays, 50, 3, state, 341.0)
        for time in (1e-5, np.geomspace(1e-6, 1e-2, 50)):
            ours.hold(volts, time)
            theirs.hold(volts, time)
        assert np.array_equal(ours.states, theirs.states) and len(set(ours.states)) > 1
        assert np.allclose(ours.conductance, theirs.conductance)


def test_far_out_nothing_rises():
    """Straight lines go on for as far as what was read is wide; beyond they are level. Exact."""
    at, values = circuit_chain._lines(np.array([-1.0, 0.0, 1.5]), np.array([[2.0, 0.0, 3.0]]))
    assert at.tolist() == [-6.0, -3.5, -1.0, 0.0, 1.5, 4.0, 6.5]
    assert np.allclose(values[0], [7.0, 7.0, 2.0, 0.0, 3.0, 8.0, 8.0], atol=1e-12)
    # In a file as well: the last two values of a current are the same.
    text = circuit_chain.to_ngspice(card(), ExportDraws(devices=1, cycles=1, seed=4))
    pairs = re.search(r"bi p n.*?pwl\(v\(p,n\),(.*?)\)", text, re.S)[1].replace("\n+", "").split(",")
    assert float(pairs[-1]) == float(pairs[-3]) and float(pairs[1]) == float(pairs[3])


def test_a_staircase_rises_by_one_at_each_mark_and_stays_on_both_sides():
    """Interpolated as a simulator does: whole numbers between marks, the last far beyond them."""
    marks = np.array([2.0, 5.0, 5.0 + 1e-4, 9.0])
    corners, heights = circuit_chain._stairs(marks)
    assert np.all(np.diff(corners) >= 0) and corners[0] < 0 and corners[-1] > 1e5
    at = [0.0, 1.9, 2.0, 4.9, 5.0, 5.0 + 1e-4, 8.9, 9.0, 1e5]
    np.testing.assert_allclose(np.interp(at, corners, heights), [0, 0, 1, 1, 2, 3, 3, 4, 4])
    halfway = np.interp(marks - 0.5 * (marks - corners[1:-1:2]), corners, heights)
    np.testing.assert_allclose(halfway, [0.5, 1.5, 2.5, 3.5], atol=1e-6)
