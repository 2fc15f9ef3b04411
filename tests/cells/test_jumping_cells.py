"""Cells of a jump-process model in arrays: against closed forms, paths of the card, and whole solutions."""

import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from made_up_jumps import ensemble
from scipy.stats import binom, ks_2samp, kstest

from frenkel.analysis.fitting import jump_fit
from frenkel.array.columns import TransistorArray
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import ExponentialSelector, OneTransistorOneResistor, Transistor
from frenkel.array.lines import bias
from frenkel.array.lines.network import Lines
from frenkel.cells.files import CardWarning
from frenkel.cells.interface import conductance
from frenkel.cells.jump_cells import JumpCells
from frenkel.cells.jumping_cells import JumpingCardCells
from frenkel.cells.jumps import JumpError, JumpLaw
from frenkel.cells.resistors import FaultyCells
from frenkel.events.word_lines import TransistorWordLines

VOLTAGES = np.array([-1.5, -0.5, 0.0, 0.5, 1.5])
SHAPE = (40, 50)


def two_states(up, down, *, slope=0.0, conductance=(1e-6, 1e-4), bent=0.0):
    """Return a cell that goes to and fro between two states; ln(rate) grows with the voltage."""
    rates = np.log([up, down])[:, None] + slope * np.abs(VOLTAGES)
    g = np.array(conductance)[:, None]
    return JumpLaw(
        voltages=VOLTAGES, temperatures=[300.0], level=np.log(conductance),
        current=g * VOLTAGES * (1.0 + bent * VOLTAGES**2), rate=np.exp(rates)[:, None],
        kind=[0, 1], before=[0, 1], after=[1, 0], jump_voltage=[0.0, 0.0], read_voltage=0.1, neighbours=1,
    )  # fmt: skip


def binomial(number, share, count, alarm=1e-4):
    low, high = binom.ppf([alarm / 2, 1 - alarm / 2], number, share)
    return low <= count <= high


@pytest.mark.parametrize("volts", [0.0, 0.4, -1.1])
def test_a_chain_of_two_states_follows_its_closed_form(volts):
    """Pulses in thirds, half of the cells picked. False alarm: 1e-4 a voltage."""
    up, down, time = 2.0, 0.7, 0.4
    cells = JumpingCardCells(two_states(up, down, slope=1.5), SHAPE, seed=3)
    where = np.arange(2000).reshape(SHAPE) % 2 == 0
    for _ in range(3):
        cells.apply(np.full(1000, volts), time / 3.0, where)
    factor = np.exp(1.5 * abs(volts))
    share = up / (up + down) * -np.expm1(-(up + down) * factor * time)
    assert binomial(1000, share, np.count_nonzero(cells.states[where]))
    assert not cells.states[~where].any()


@pytest.fixture(scope="module")
def fitted():
    """Return the law of a made-up ensemble, as `frenkel fit` makes it."""
    data = ensemble(6, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jump_fit, "MOST", 100)
        return jump_fit.fit(data, jump_fit.finished(data))[0]


@pytest.mark.parametrize(("volts", "carry"), [(0.6, 0.0), (0.93, 0.0), (-0.8, 0.0), (0.6, 0.9), (-0.8, 0.9)])
def test_cells_move_as_the_walk_of_the_card(fitted, volts, carry):
    """ln(G) after pulses of many times, kernel tabled at the grid's voltages; false alarm 1e-3 each."""
    law, n = replace(fitted, carry=carry, rest_carry=0.9 - carry), 2000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        state = "hrs" if volts > 0.0 else "lrs"
        cells = JumpingCardCells(law, SHAPE, seed=5, state=state)
        walk = JumpCells(law, n, seed=6, state=state)
        for time in (1e-5, 1e-3, 1e-1):
            cells.apply(np.full(SHAPE, volts), time)
            walk.hold(volts, time)
            found = ks_2samp(law.level[cells.states].ravel(), np.log(walk.conductance))
            assert found.pvalue > 1e-3
    assert cells.jumped > 0.5 * n


def test_currents_are_those_of_the_states():
    law = two_states(1.0, 1.0, bent=0.3)
    cells = JumpingCardCells(law, (1, 2), seed=1)
    cells._state[:] = [0, 1]
    volts = np.array([[0.75, -1.0]])
    current, slope = cells.current(volts)
    np.testing.assert_allclose(current, [[0.75e-6 * (1 + 0.3 * 0.75**2), -1e-4 * 1.3]], rtol=2e-2)
    later = (cells.current(volts + 1e-5)[0] - cells.current(volts - 1e-5)[0]) / 2e-5
    np.testing.assert_allclose(cells.current(volts + 3e-3)[1], slope, rtol=0.2)
    np.testing.assert_allclose(cells.current(volts + 2e-5)[1], later, rtol=0.2)
    assert 0.05 < cells.scale < 5.0 and cells.sinh_law() is None
    assert np.isinf(JumpingCardCells(two_states(1.0, 1.0), (1, 2), 1).scale)


def test_no_voltage_no_current_where_the_grid_has_no_zero():
    law = two_states(1.0, 1.0, conductance=(1e-6, 2e-6))
    volts = [-1.0, -0.4, 0.0, 0.5, 1.47]
    odd = replace(law, voltages=volts, current=np.outer([1e-6, 2e-6], volts))
    assert not np.any(np.isclose(odd.grid, 0.0))
    cells = JumpingCardCells(odd, (1, 1), seed=1)
    assert cells.current(np.zeros((1, 1)))[0][0, 0] == 0.0
    for volts in (1e-6, -1e-6, 0.02, -0.03):
        assert cells.current(np.full((1, 1), volts))[0][0, 0] == pytest.approx(1e-6 * volts, rel=1e-9)


TRANSISTOR = Transistor(threshold=0.4, gain=3e-4)


def test_behind_a_gate_a_cell_jumps_at_the_voltage_that_it_has():
    """From 1 uS it leaves at the rate of nearly the whole pulse; in 100 uS the gate takes the voltage.

    Mean dwell times decide the share that is in the high state. False alarm 1e-4.
    """
    law = two_states(1e5, 1e5, slope=6.0)
    cells = JumpingCardCells(law, (1, 2000), seed=9)
    array = TransistorWordLines(TransistorArray(cells, OneTransistorOneResistor(transistor=TRANSISTOR)))
    load = array._load(0, np.arange(2000), np.full(2000, 1.2), 0.6)
    rates = []
    for state in (0, 1):
        cells._state[:] = state
        over = load.meet()[0]
        rates.append(1e5 * np.exp(6.0 * over[0]))
    assert rates[0] > 100.0 * rates[1]
    cells._state[:] = 0
    time = 3e-8
    energy = array.pulse_word_line(0, np.arange(2000), np.full(2000, 1.2), time, 0.6)
    total = sum(rates)
    share = rates[0] / total * -np.expm1(-total * time)
    assert binomial(2000, share, np.count_nonzero(cells.states))
    # Energy: the mean time in each state times its current; 1 % is ten standard errors.
    currents = []
    for state in (0, 1):
        cells._state[:] = state
        currents.append(load.meet()[1][0])
    high = rates[0] / total * (time - -np.expm1(-total * time) / total)
    expected = 2000 * 1.2 * (currents[0] * (time - high) + currents[1] * high)
    assert energy == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("beside", [None, ExponentialSelector(saturation=1e-9, slope_voltage=0.1)])
def test_in_a_passive_array_a_cell_has_what_the_whole_solution_says(beside):
    """Its voltage before and after a jump, by the load line, and by the array solved again."""
    law = two_states(1e3, 1e3, slope=4.0)
    cells = JumpingCardCells(law, (8, 8), seed=2)
    lines = Lines(shape=(8, 8), word_resistance=50.0, bit_resistance=50.0)
    array = Crossbar(cells, lines, beside)
    array.pulse((5, 6), 1.5, 1e-15)
    visit = array.memory.visits["half", 1.5]
    for state in (0, 1):
        cells._state.reshape(8, 8)[5, 6] = state
        now = array.memory.met(visit)
        whole = array.solve(bias.select((8, 8), (5, 6), 1.5, "half"))
        tolerance = 1e-8 if beside is None else 1e-4
        assert now.voltage == pytest.approx(whole.voltage[5, 6], abs=tolerance)
        assert now.current == pytest.approx(whole.current[5, 6], rel=1e-3)
    array.pulse((5, 6), 1.5, 1e-4)
    array.finish()
    assert cells.jumped > 10


def test_half_selected_cells_jump_at_half_of_the_pulse():
    """10,000 pulses of 1 us: as the rate at half of the voltage says; false alarm 1e-4."""
    law = two_states(0.02, 1e-9, slope=8.0)
    cells = JumpingCardCells(law, (2, 1001), seed=4)
    array = Crossbar(cells, Lines(shape=(2, 1001)))
    for _ in range(100):
        array.pulse((0, 0), 1.0, 1e-4)
    array.finish()
    share = -np.expm1(-0.02 * np.exp(8.0 * 0.5) * 1e-2)
    assert binomial(1000, share, np.count_nonzero(cells.states[0, 1:]))
    # At rest: 0.02/s.
    cells.rest(10.0)
    assert binomial(1000, -np.expm1(-0.2), np.count_nonzero(cells.states[1, 1:]))


def test_reads_and_stuck_cells():
    cells = FaultyCells(JumpingCardCells(two_states(1e-3, 1e-3), (2, 3), seed=1), [[np.nan, 3e-5, 0.0]] * 2)
    array = Crossbar(cells, Lines(shape=(2, 3)))
    assert array.read((1, 0), 0.1, 1e-8)[0] == pytest.approx(1e-7)
    array.pulse((1, 1), 1.0, 1e-8)
    np.testing.assert_allclose(conductance(cells)[0], [1e-6, 3e-5, 0.0], rtol=1e-12)


@pytest.mark.parametrize("neighbours", [1, 2, 3])
def test_jumps_that_are_equally_near_are_taken_equally_often(neighbours):
    """Recorded from one state to three others at one voltage; false alarm 1e-4 for each count."""
    law = replace(
        two_states(1.0, 1.0), level=np.log([1e-6, 1e-5, 1e-4, 1e-3]), kind=[0, 1, 1, 1],
        current=np.outer([1e-6, 1e-5, 1e-4, 1e-3], VOLTAGES), rate=np.ones((4, 1, VOLTAGES.size)),
        before=[0, 0, 0], after=[1, 2, 3], jump_voltage=[0.0, 0.0, 0.0], neighbours=neighbours,
    )  # fmt: skip
    cells = JumpingCardCells(law, (1, 3000), seed=7)
    time_left = np.full(3000, 1e9)
    cells._pass(np.arange(3000), np.zeros(3000), time_left, np.zeros(3000, np.int32), once=True)
    counts = np.bincount(cells.states.ravel(), minlength=4)
    assert counts[0] == 0 and np.count_nonzero(counts) == neighbours
    assert all(binomial(3000, 1 / neighbours, count) for count in counts[counts > 0]) or neighbours == 1


def test_many_jumps_end_with_a_warning(monkeypatch):
    monkeypatch.setattr("frenkel.cells.jumping_cells.MOST", 50)
    cells = JumpingCardCells(two_states(1e9, 1e9), (2, 2), seed=1)
    with pytest.warns(CardWarning, match="4 cells jumped 50 times within one pulse"):
        cells.apply(np.zeros((2, 2)), 1.0)
    assert cells.jumped == 200


class Source:
    """A source of 0.5 V right at the cells."""

    def __init__(self, cells):
        self.cells = cells

    def meet(self, which):
        volts = np.full(which.size, 0.5)
        return volts, 0.5 * np.exp(self.cells.law.level[self.cells.states.ravel()[which]])


def test_charge_is_the_current_of_each_state_times_its_time(monkeypatch):
    """Through a cell that stays 0.5 uA; through one that jumps 50 times in about 50 ns, then what it is."""
    still = JumpingCardCells(two_states(1e-12, 1e-12), (1, 3), seed=1)
    charge = still.drive(Source(still), 2.0, (np.zeros(2, int), np.array([0, 2])))
    np.testing.assert_allclose(charge, 2.0 * 0.5e-6, rtol=1e-12)
    # One jump that is not undone: 0.5 uA until then, 50 uA after it; waits are exponential of 1/(3 per s).
    once = JumpingCardCells(two_states(3.0, 1e-12), (1, 1000), seed=2)
    charge = once.drive(Source(once), 100.0, None)
    waits = (100.0 * 0.5e-4 - charge) / (0.5e-4 - 0.5e-6)
    assert once.jumped == 1000 and kstest(waits, "expon", args=(0.0, 1 / 3.0)).pvalue > 1e-4
    monkeypatch.setattr("frenkel.cells.jumping_cells.MOST", 50)
    restless = JumpingCardCells(two_states(1e9, 1e9), (1, 4), seed=1)
    charge = restless.drive(Source(restless), 1.0, None)
    assert restless.jumped == 200 and not restless.states.any()
    np.testing.assert_allclose(charge, 0.5e-6, rtol=1e-4)


def test_telegraph_noise_is_told_of_conductance_and_time():
    """After pulses, pulses behind a load, and rests: the picked cells, what they conduct, and how long."""
    cells, heard = JumpingCardCells(two_states(1e-12, 1e-12), (2, 3), seed=1), []
    cells._telegraph = SimpleNamespace(
        switched=lambda at, siemens, turned: heard.append((at.tolist(), siemens.tolist(), turned.any())),
        pass_time=lambda seconds, at: heard.append((seconds, at.tolist())),
    )
    cells._state[:] = [0, 1, 0, 1, 0, 1]
    where = np.array([0, 1]), np.array([1, 2])
    both = [1, 5], pytest.approx([1e-4, 1e-4], rel=1e-12), False
    cells.apply(np.array([0.1, 0.2]), 3.0, where)
    cells.drive(Source(cells), 4.0, where)
    assert heard == [both, (3.0, [1, 5]), both, (4.0, [1, 5])]
    cells.rest(5.0)
    assert heard[-1] == (5.0, [0, 1, 2, 3, 4, 5]) and heard[-2][1] == pytest.approx([1e-6, 1e-4] * 3)


def test_beyond_the_voltages_that_were_read():
    cells = JumpingCardCells(two_states(1.0, 1.0), (2, 2), seed=1)
    with pytest.warns(CardWarning, match=r"0.5 V beyond -1.5 to 1.5 V"):
        cells.apply(np.full((2, 2), 2.0), 1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cells.apply(np.full((2, 2), 1.9), 1e-12)  # said once as it grows


def test_what_no_cells_come_from():
    law = two_states(1.0, 1.0)
    alone = replace(law, before=[], after=[], jump_voltage=[])
    with pytest.raises(JumpError, match="a law without jumps cannot tell"):
        JumpingCardCells(alone, (1, 1), 1)
    with pytest.raises(JumpError, match="holds no end state lrs"):
        JumpingCardCells(replace(law, kind=[0, -1]), (1, 1), 1, state="lrs")
    with pytest.raises(JumpError, match="read at 300 K alone"):
        JumpingCardCells(law, (1, 1), 1, temperature=350.0)
