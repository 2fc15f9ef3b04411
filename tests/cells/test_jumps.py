"""Cells that jump, against closed forms: chains of two and three states, ramps, circuits, interpolation."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import binom, kstest

import frenkel as fk
from frenkel.cells import jump_cells
from frenkel.cells._jump_law import JumpKernel, carry_fraction
from frenkel.cells.files import CardWarning
from frenkel.cells.jump_cells import JumpCells
from frenkel.cells.jumps import (
    CURRENT_STEP,
    RATE_STEP,
    JumpError,
    JumpLaw,
    monotone,
    quantised,
)

VOLTAGES = np.array([-1.5, -0.5, 0.0, 0.5, 1.5])
READ = 0.1


def law(conductance, log_rate, pairs, *, kind=None, temperatures=(300.0,), volts=0.0, **numbers):
    """Return a law of ohmic states: ln(rate) over state, temperature and voltage, and jumps between pairs."""
    conductance = np.asarray(conductance, float)
    shape = (len(conductance), len(temperatures), len(VOLTAGES))
    pairs = np.array(pairs).reshape(-1, 2)
    return JumpLaw(
        voltages=VOLTAGES, temperatures=np.array(temperatures), level=np.log(conductance),
        current=conductance[:, None] * VOLTAGES, rate=np.exp(np.broadcast_to(log_rate, shape)),
        kind=np.array([0] + [-1] * (len(conductance) - 1)) if kind is None else kind,
        before=pairs[:, 0], after=pairs[:, 1], jump_voltage=np.full(len(pairs), volts),
        read_voltage=READ, **numbers,
    )


def two_states(up, down, **numbers):
    """Return a cell that goes to and fro between 1 and 10 uS at two rates (1/s)."""
    return law([1e-6, 1e-5], np.log([[[up]], [[down]]]), [[0, 1], [1, 0]], neighbours=1, **numbers)


def binomial(number, share, count, alarm=1e-4):
    """Tell whether a count is within what chance allows but for a fraction of false alarms."""
    low, high = binom.ppf([alarm / 2, 1 - alarm / 2], number, share)
    return low <= count <= high


@pytest.mark.parametrize("time", [0.1, 0.4, 3.0])
def test_two_states_follow_their_closed_form(time):
    """False alarm: 1e-4 a time."""
    up, down = 2.0, 0.7
    cells = JumpCells(two_states(up, down), 4000, seed=3)
    # In two parts: what is left of a hazard has no memory.
    cells.hold(0.0, 0.3 * time)
    cells.hold(0.0, 0.7 * time)
    share = up / (up + down) * -np.expm1(-(up + down) * time)
    assert binomial(4000, share, np.count_nonzero(cells.states == 1))


def test_jumps_of_a_fast_pair_are_counted():
    """As many as a Poisson process of one rate: 8 a cell; false alarm 1e-4 (4 sigma)."""
    cells = JumpCells(two_states(8.0, 8.0), 2000, seed=1)
    count = cells.hold(0.0, 1.0)
    assert abs(count.mean() - 8.0) < 4 * np.sqrt(8 / 2000)
    assert abs(count.var() / 8.0 - 1.0) < 4 * np.sqrt(2 / 2000)


def test_a_pair_that_flickers_for_ever_is_left(monkeypatch):
    monkeypatch.setattr(jump_cells, "MOST", 100)
    cells = JumpCells(two_states(1e9, 1e9), 2, seed=1)
    with pytest.warns(CardWarning, match="2 cells jumped 100 times"):
        count = cells.hold(0.0, [1.0, 1.0])
    assert count.tolist() == [100, 100]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cells.hold(0.0, 1e-8)  # the next one is a hold of its own


def test_three_states_follow_the_master_equation():
    """0 to 1 to 2 and back to 0 or 1 by chance, three to one; false alarm 1e-4 a state."""
    rates = np.array([3.0, 1.0, 2.0])
    pairs = [[0, 1]] * 4 + [[1, 2]] * 4 + [[2, 0]] * 3 + [[2, 1]]
    # States far from each other, so that the nearest jumps of one are its own.
    found = law([1e-7, 1e-5, 1e-3], np.log(rates)[:, None, None], pairs, neighbours=4)
    generator = np.array([[-3.0, 3.0, 0.0], [0.0, -1.0, 1.0], [1.5, 0.5, -2.0]])
    cells = JumpCells(found, 5000, seed=2)
    cells.hold(0.0, 0.8)
    for state, share in enumerate(expm(0.8 * generator)[0]):
        assert binomial(5000, share, np.count_nonzero(cells.states == state))


def test_a_ramp_switches_as_its_hazard_says():
    """ln(rate) straight in the voltage: P(not yet at S) = exp(-(exp(a + b S) - exp(a)) / (b ramp)).

    KS of 2,000 cells; false alarm 1e-4.
    """
    a, b, ramp = np.log(1e-2), 12.0, 1e3
    rate = np.stack([a + b * VOLTAGES, np.full(5, -80.0)])[:, None, :]
    cells = JumpCells(law([1e-7, 1e-4], rate, [[0, 1]], neighbours=1), 2000, seed=5)
    done = cells.ramp(1.5, ramp, limit=2e-5)

    def reached_by(source):
        return -np.expm1(-(np.exp(a + b * source) - np.exp(a)) / (b * ramp))

    assert np.isfinite(done.rise_voltage).all()
    assert kstest(done.rise_voltage, reached_by).pvalue > 1e-4
    assert np.all(cells.states == 1)
    # The same at a hundredth of the rate: ln(100)/12 V earlier, wherever the ramp is slow enough to be met.
    slow = JumpCells(law([1e-7, 1e-4], rate, [[0, 1]], neighbours=1), 2000, seed=6).ramp(1.5, ramp / 100)
    assert np.isnan(slow.rise_voltage).all()  # without a limit nothing is said to switch
    assert np.all(np.abs(slow.peak_voltage) == 1.5)


def test_a_jump_that_is_largest_and_no_half_is_not_where_a_set_switches():
    """Two jumps, 1 to 2.5 uS at once and to 3.5 uS at 0.9 V and more: the second raises the current more, by
    less than half, so that the SET switches where the limit begins, as of devices (``event_voltage``).
    """
    rate = np.stack([
        np.where(VOLTAGES > 0.1, 40.0, -40.0), -40.0 + 80.0 * (VOLTAGES - 0.4), np.full(5, -80.0)])[:, None]
    one = law([1.0e-6, 2.5e-6, 3.5e-6], rate, [[0, 1], [1, 2]], neighbours=1, rate_scale=1e4)
    cells = JumpCells(one, 50, seed=5)
    cells.states[:] = 0
    done = cells.ramp(1.5, 1e3, limit=4.2e-6)
    assert np.all(cells.states == 2)
    np.testing.assert_allclose(done.rise_voltage, 1.2, atol=jump_cells.STRIDE)


def test_a_reset_is_read_at_its_peak():
    """The same hazard on the other side; KS of 1,000 cells, false alarm 1e-4."""
    a, b, ramp = np.log(1e-2), 12.0, 1e3
    rate = np.stack([a - b * VOLTAGES, np.full(5, -80.0)])[:, None, :]
    done = JumpCells(law([1e-4, 1e-7], rate, [[0, 1]], neighbours=1), 1000, seed=8).ramp(-1.5, ramp)

    def reached_by(volts):
        return -np.expm1(-(np.exp(a + b * volts) - np.exp(a)) / (b * ramp))

    assert kstest(-done.peak_voltage, reached_by).pvalue > 1e-4


def test_a_later_state_keeps_its_own_rates():
    """A cascade: slow out of 0, fast through 1, never out of 2."""
    rate = np.log([[[1.0]], [[1e9]], [[1e-30]]])
    cells = JumpCells(law([1e-7, 1e-5, 1e-3], rate, [[0, 1], [1, 2]], neighbours=1), 2000, seed=4)
    count = cells.hold(0.0, 1.0)
    assert set(cells.states.tolist()) == {0, 2} and set(count.tolist()) == {0, 2}
    assert binomial(2000, -np.expm1(-1.0), np.count_nonzero(cells.states == 2))


def test_the_circuit_is_a_divider_with_a_limit():
    cells = JumpCells(two_states(1.0, 1.0), 3, seed=1)
    cells.states = np.array([0, 1, 1])
    source = np.array([1.0, -0.7, 1.2])
    divided = source / (1 + 5e4 * np.array([1e-6, 1e-5, 1e-5]))
    np.testing.assert_allclose(cells.voltage(source, series=5e4), divided, rtol=1e-12)
    limited = cells.voltage(source, series=5e4, limit=[np.nan, 2e-6, 2e-6])
    np.testing.assert_allclose(limited[1:], [-0.2, 0.2], rtol=1e-12)
    np.testing.assert_allclose(cells.current(source, limit=2e-6), [1e-6, -2e-6, 2e-6], rtol=1e-12)
    # Beyond what was read the straight lines go on, and a hold there says so, once.
    np.testing.assert_allclose(cells.voltage(4.0), 4.0, rtol=1e-12)
    with pytest.warns(CardWarning, match=r"up to 2\.5 V beyond -1\.5 to 1\.5 V"):
        cells.hold(4.0, 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cells.hold(1.5, 1e-9)


def test_rates_follow_arrhenius():
    """Rates of one barrier, read at two temperatures, at any other: exact."""
    heats, barrier = np.array([300.0, 400.0]), 1e4  # K
    rate = np.broadcast_to((30.0 - barrier / heats)[None, :, None], (1, 2, 5))
    found = law([1e-6], rate, [], temperatures=heats)
    for heat in (250.0, 300.0, 333.0, 400.0, 600.0):
        np.testing.assert_allclose(found.log_rates(heat), 30.0 - barrier / heat, rtol=1e-12)
    with pytest.raises(JumpError, match="cannot tell those at 310 K"):
        two_states(1.0, 1.0).log_rates(310.0)
    with pytest.raises(ValueError, match="temperature must be between"):
        found.log_rates(0.0)


def test_lines_are_interpolated_exactly_and_turns_without_overshoot():
    knots, at = np.array([-1.0, 0.0, 0.5, 2.0]), np.linspace(-1.0, 2.0, 301)
    np.testing.assert_allclose(monotone(knots, 3.0 - 2.0 * knots[None], at)[0], 3.0 - 2.0 * at, atol=1e-14)
    values = np.array([[0.0, 5.0, 5.1, 1.0]])
    found = monotone(knots, values, at)[0]
    np.testing.assert_allclose(monotone(knots, values, knots), values, atol=1e-14)
    assert found.max() <= 5.1 + 1e-12 and np.all(np.diff(found[at <= 0.5]) >= -1e-12)
    smooth = monotone(np.linspace(-2, 2, 41), np.exp(np.linspace(-2, 2, 41))[None], np.array([0.33]))[0]
    assert abs(smooth[0] - np.exp(0.33)) < 1e-4


def curved(number=50):
    """Return a kernel of states whose currents bend, the states, and voltages on and off the grid."""
    random = np.random.default_rng(1)
    conductance, bend = 10.0 ** random.uniform(-7, -4, (number, 1)), random.uniform(0.5, 3.0, (number, 1))
    rate = random.normal(0.0, 5.0, (number, 1, len(VOLTAGES)))
    current = conductance * np.sinh(bend * VOLTAGES) / bend
    found = replace(law(conductance.ravel(), rate, []), current=current)
    return JumpKernel(found, found.log_rates(300.0)), np.arange(number), random.uniform(-1.8, 1.8, number)


def test_rates_and_currents_are_lines_between_the_voltages_of_the_grid():
    """numpy's own interpolation within the grid; beyond it the last lines go on. Exact."""
    kernel, states, volts = curved()
    grid = kernel.law.grid
    for table, values in ((kernel.log_rates, kernel.log_rate), (kernel.law.grid_current, kernel.current)):
        inside = np.clip(volts, -1.5, 1.5)
        expected = np.array([np.interp(inside[s], grid, table[s]) for s in states])
        edge = np.where(volts < 0.0, table[:, 1] - table[:, 0], table[:, -1] - table[:, -2])
        expected += (volts - inside) * edge / (grid[1] - grid[0])
        near_zero = 1e-13 * np.abs(table).max()
        np.testing.assert_allclose(values(states, volts), expected, rtol=1e-11, atol=near_zero)
        assert np.count_nonzero(inside != volts) > 5
        np.testing.assert_allclose(values(states[:, None], grid), table, rtol=1e-11, atol=near_zero)
    current, slope = kernel.current_and_slope(states, volts)
    np.testing.assert_allclose(current, kernel.current(states, volts), rtol=1e-9)
    later, earlier = (kernel.current(states, volts + step) for step in (1e-7, -1e-7))
    np.testing.assert_allclose(slope, (later - earlier) / 2e-7, rtol=1e-5)


def test_the_circuit_inverts_the_current():
    """v + R I(v) is the source voltage, and a limit is met where it acts."""
    kernel, states, volts = curved()
    current, series = kernel.current(states, volts), 10.0 ** np.random.default_rng(2).uniform(3, 6, 50)
    source = volts + series * current
    np.testing.assert_allclose(kernel.voltage(states, source, series, np.inf), volts, rtol=1e-9)
    limited = kernel.voltage(states, source, series, 0.3 * np.abs(current))
    np.testing.assert_allclose(kernel.current(states, limited), 0.3 * current, rtol=1e-9)
    assert np.array_equal(kernel.voltage(states, source, series, 1.01 * np.abs(current)),
                          kernel.voltage(states, source, series, np.inf))  # fmt: skip


@pytest.mark.parametrize("slope", [0.0, 1e-8, 3.0, -3.0, 40.0, -40.0])
def test_the_first_passage_uses_up_the_hazard(slope):
    """The integral of the rate up to the passage, by sums of 100,000 parts, is the unit exponential."""
    found = law([1e-6], 2.0 + slope * VOLTAGES[None, None], [])
    kernel = JumpKernel(found, found.log_rates(300.0))
    for low, high in ((0.1, 0.9), (0.9, -0.2)):
        parts = low + (high - low) * (np.arange(100_000) + 0.5) / 100_000
        rate = np.exp(2.0 + slope * parts)
        for hazard in (1e-3, 0.3, 2.0, 50.0):
            for time in (1e-3, 0.2, 30.0):
                passed = kernel.passage(0, low, high, time, 0.0, np.inf, hazard)
                whole = rate.sum() * time / 100_000
                assert (passed == 1.0) == (whole <= hazard)
                sums = np.concatenate([[0.0], np.cumsum(rate)])
                used = np.interp(passed, np.linspace(0.0, 1.0, 100_001), sums)
                if passed < 1.0:
                    assert used * time / 100_000 == pytest.approx(hazard, rel=1e-3)


def test_the_next_jump_is_that_of_the_nearest():
    found = law([1e-6, 2e-6, 1e-3], np.zeros((3, 1, 1)), [[0, 2], [1, 0], [2, 1]], neighbours=2)
    near, weight = JumpKernel(found, found.log_rates(300.0)).nearest(np.array([0, 2]), np.zeros(2))
    assert set(near[0].tolist()) == {0, 1}
    # Jump 0 starts at the state itself, jump 1 at ln(2) from it, in units of half of one.
    own = weight[0][near[0].tolist().index(0)]
    assert own == pytest.approx(1 / (1 + np.exp(-0.5 * (np.log(2) / 0.5) ** 2)), rel=1e-9)
    some = JumpKernel(found, found.log_rates(300.0), jumps=np.array([2]))
    assert some.next_states(np.array([0, 1]), np.zeros(2), np.random.default_rng(1)).tolist() == [1, 1]


def test_what_leaves_a_state_at_rest_tells_jumps_apart():
    """Two states of one conductance and one rate at 1.5 V: one stands, one is about to relax. Exact."""
    rate = np.zeros((3, 1, len(VOLTAGES)))
    rate[:, 0, 2] = [-30.0, 10.0, -26.0]
    found = law([1e-6, 1e-6, 1e-6], rate, [[0, 2], [1, 2]], volts=1.5, neighbours=2, rest_scale=8.0)
    near, weight = JumpKernel(found, found.log_rates(300.0)).nearest(np.array([2]), np.array([1.5]))
    # From -26 to -30 it is half of a scale, to 10 four and a half.
    odds = np.exp(0.5 * (4.5**2 - 0.5**2))
    assert weight[0][near[0].tolist().index(0)] == pytest.approx(odds / (1.0 + odds), rel=1e-9)
    former = replace(found, rest_scale=None)
    near, weight = JumpKernel(former, former.log_rates(300.0)).nearest(np.array([2]), np.array([1.5]))
    assert np.allclose(weight, 0.5) and "rest_scale" not in former.to_dict()
    assert JumpLaw.from_dict(found.to_dict()).rest_scale == 8.0
    with pytest.raises(JumpError, match="rest_scale must be between"):
        replace(found, rest_scale=0.0)


def test_a_jump_carries_over_what_tells_a_state_apart():
    """Of three pairs that rise by ln(10) one was recorded; the others do as it did. Exact."""
    low = np.array([1e-7, 1.2e-7, 1.5e-7])
    conductance, rate = np.concatenate([low, 10.0 * low]), np.log([1.0, 2.0, 4.0, 1.0, 2.0, 4.0])
    numbers = {"neighbours": 1, "kind": np.array([0, 0, 0, -1, -1, -1])}
    for carry, expected in ((0.0, [3, 3, 3]), (1.0, [3, 4, 5])):
        found = law(conductance, rate[:, None, None], [[0, 3]], carry=carry, **numbers)
        kernel = JumpKernel(found, found.log_rates(300.0))
        assert kernel.next_states(np.arange(3), np.zeros(3), np.random.default_rng(1)).tolist() == expected
    # Of some jumps the states alone are there to go to, as where a device is left out.
    both = law(conductance, rate[:, None, None], [[0, 3], [1, 4]], carry=1.0, **numbers)
    some = JumpKernel(both, both.log_rates(300.0), jumps=np.array([0]))
    assert some.next_states(np.arange(3), np.zeros(3), np.random.default_rng(1)).tolist() == [3, 3, 3]
    # A jump that changes nothing leaves every cell as it is.
    still = law(conductance, rate[:, None, None], [[0, 0]], carry=1.0, **numbers)
    kernel = JumpKernel(still, still.log_rates(300.0))
    assert kernel.next_states(np.arange(6), np.zeros(6), np.random.default_rng(1)).tolist() == list(range(6))


def test_what_is_carried_over_is_a_law_of_the_voltage():
    """All at 0 V, by a Gaussian less under voltage; a card of one number has that everywhere."""
    low = np.array([1e-7, 1.2e-7, 1.5e-7])
    conductance, rate = np.concatenate([low, 10.0 * low]), np.log([1.0, 2.0, 4.0, 1.0, 2.0, 4.0])
    numbers = {"neighbours": 1, "kind": np.array([0, 0, 0, -1, -1, -1]), "voltage_scale": 0.2}
    found = law(conductance, rate[:, None, None], [[0, 3]], carry=0.25, rest_carry=1.0, **numbers)
    expected = [1.0, 0.25 + 0.75 * np.exp(-0.5), 0.25]
    np.testing.assert_allclose(carry_fraction(found, np.array([0.0, -0.2, 1.5])), expected, atol=1e-11)
    none = replace(found, carry=0.0)
    kernel = JumpKernel(none, none.log_rates(300.0))
    states = np.tile(np.arange(3), 2)
    led = kernel.next_states(states, np.repeat([0.0, 1.4], 3), np.random.default_rng(1))
    assert led.tolist() == [3, 4, 5, 3, 3, 3]
    former = replace(found, rest_carry=None)
    assert np.all(carry_fraction(former, np.array([0.0, 0.2, 1.5])) == 0.25)
    assert "rest_carry" not in former.to_dict()
    assert JumpLaw.from_dict(former.to_dict()).rest_carry is None
    assert JumpLaw.from_dict(found.to_dict()).rest_carry == 1.0
    with pytest.raises(JumpError, match=r"rest_carry must be between 0 and 1"):
        replace(found, rest_carry=1.5)


def test_a_law_survives_its_json():
    """Numbers between steps are off by half a step, those on steps by nothing."""
    found = two_states(1.0, 3.0, carry=0.75)
    again = JumpLaw.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict() and again.carry == 0.75
    np.testing.assert_allclose(np.log(again.rate), np.log(found.rate), rtol=0, atol=0.5001 * RATE_STEP)
    bent = replace(found, current=1e-6 * np.sinh(VOLTAGES) * np.array([[1.0], [10.0]]))
    once = JumpLaw.from_dict(bent.to_dict())
    np.testing.assert_allclose(once.current, bent.current, rtol=0.5001 * CURRENT_STEP, atol=0)
    twice = JumpLaw.from_dict(once.to_dict())
    assert np.array_equal(twice.current, once.current) and np.array_equal(twice.rate, once.rate)
    assert np.array_equal(once.rate, quantised(bent.rate, RATE_STEP))


@pytest.mark.parametrize(("change", "sentence"), [
    ({"rate_steps": [[[0, 20_000, 0, 0, 0]]] * 2}, "logarithms of currents and rates must be between -100"),
    ({"conductance_steps": [[1, 2]] * 2}, "no law"),
    ({"conductance_steps": None}, "no law"),
    ({"conductance_steps": [[1.5, 0.0, 0.0, 0.0]] * 2}, "whole numbers of steps"),
    ({"surplus": 1}, "surplus"),
    ({"current": [[1.0]]}, "current"),
])
def test_data_that_are_no_law_are_refused(change, sentence):
    with pytest.raises(JumpError, match=sentence):
        JumpLaw.from_dict(two_states(1.0, 1.0).to_dict() | change)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"rate": np.zeros((2, 1, 5))}, "rates must be above 0"),
    ({"before": [0, 2]}, "before must be from 0 to 1, got 0 to 2"),
    ({"kind": [0, 2]}, "kind must be from -1 to 1"),
    ({"level": [0.0, np.nan]}, "level must be finite"),
    ({"voltages": [-1.0, -0.5, 0.0, 0.5, 0.4]}, "voltages must ascend"),
    ({"voltages": [-1.5, -0.5, 0.1, 0.5, 1.5]}, "with 0 V between"),
    ({"current": np.ones((2, 5))}, "sign of the voltage"),
    ({"voltages": [-1e30, -0.5, 0.0, 0.5, 1.5]}, "voltages must be between -20 and 20 V"),
    ({"temperatures": [1e4]}, "temperatures must be between 1 and 3000 K"),
    ({"level": [0.0, 1e4]}, "level must be between"),
    ({"current": np.array([[-2, -3, 0, 1, 2]] * 2)}, "currents must rise"),
    ({"neighbours": 0}, "neighbours"),
    ({"level_scale": 0.0}, "level_scale"),
    ({"carry": 1.5}, "carry must be between 0 and 1, got 1.5"),
])
def test_what_is_no_law_is_refused(change, sentence):
    with pytest.raises(JumpError, match=sentence):
        replace(two_states(1.0, 1.0), **change)


def test_what_the_law_does_not_hold_is_said():
    alone = law([1e-6], np.zeros((1, 1, 1)), [])
    cells = JumpCells(alone, 1, seed=1)
    cells.hold(0.0, 0.0)
    with pytest.raises(JumpError, match="cannot tell which state comes next"):
        cells.hold(0.0, 1e3)
    with pytest.raises(JumpError, match="no end state lrs"):
        JumpCells(alone, 1, seed=1, state="lrs")
    for arguments, sentence in (((0.0, -1.0), "time"), ((np.nan, 1.0), "source")):
        with pytest.raises(ValueError, match=sentence):
            cells.hold(*arguments)
    with pytest.raises(ValueError, match="limit must be above 0"):
        cells.hold(0.0, 1.0, limit=0.0)


def test_a_temperature_beyond_those_that_were_read_is_told_once():
    """Between 300 and 358 K nothing is said, beyond them one sentence."""
    made = two_states(1.0, 2.0, temperatures=(300.0, 358.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for heat in (300.0, 329.0, 358.0):
            JumpCells(made, 1, 1, temperature=heat)
    for heat in (299.0, 500.0):
        with pytest.warns(CardWarning, match=f"from 300 to 358 K: at {heat:g} K") as said:
            JumpCells(made, 1, 1, temperature=heat).hold(0.1, 1e-3)
        assert len(said) == 1 and said[0].filename == __file__


def test_warnings_point_at_the_line_that_asked():
    """However many functions of the package lie between."""
    made = two_states(1.0, 2.0, temperatures=(300.0, 358.0))
    card = fk.Card.load("hfo2")
    cells = JumpCells(made, 1, 1)
    asked = [
        lambda: card.jump_cells(1, 1, temperature=500.0),
        lambda: cells.heat(500.0),
        lambda: cells.hold(2.5, 1e-3),
        lambda: cells.ramp(2.5, 1e5),
        lambda: card.check(temperature=500.0),
    ]
    for one in asked:
        with pytest.warns(CardWarning) as said:
            one()
        line = one.__code__.co_firstlineno
        assert [(x.filename, x.lineno) for x in said] == [(__file__, line)] * len(said)
