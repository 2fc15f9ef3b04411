"""Lines with capacitance: closed forms of the RC line, Elmore's delay, uniform arrays, energy."""

import numpy as np
import pytest
from closed_forms import elmore_delay
from made_up_cells import made_up_cells
from scipy.optimize import brentq

from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import ExponentialSelector
from frenkel.array.lines import bias
from frenkel.array.lines.network import Lines, Network
from frenkel.array.lines.transient import Capacitance, Stepper
from frenkel.cells.resistors import LinearCells

R, C = 5.0, 1e-16
"""Of a segment."""


def line(n, duration, driver=0.0, tolerance=1e-5):
    """Return times and voltages of a word line of open cells after a step of 1 V."""
    lines = Lines(shape=(1, n), word_resistance=R, bit_resistance=R, word_source_resistance=driver)
    network = Network(lines, bias.multiply([1.0], n))

    def law(v):
        return np.zeros_like(v), np.zeros_like(v)

    stepper = Stepper(network, law, Capacitance(word=C, bit=C), tolerance=tolerance)
    found = stepper.run(lambda t: bias.multiply([1.0], n), duration, watch=[(0, j) for j in range(n)])
    return np.array(found.time), np.array(found.watched)


def modes(n):
    """Return the modes of a line driven at its first end, (n, n), and their rates times r c."""
    k = np.arange(1, n + 1)
    s = np.sqrt(4.0 / (2 * n + 1)) * np.sin(np.outer(k, 2 * k - 1) * np.pi / (2 * n + 1))
    return s, 4.0 * np.sin((2 * k - 1) * np.pi / (4 * n + 2)) ** 2


@pytest.mark.parametrize("n", [1, 2, 40])
def test_step_of_a_ladder(n):
    """Sum over the modes, exact; the error is bounded by a few tolerances and falls with them."""
    s, rate = modes(n)
    errors = []
    for tolerance in (1e-4, 1e-6):
        time, ours = line(n, 0.6 * R * C * n * n, tolerance=tolerance)
        exact = 1.0 - np.exp(-np.outer(time / (R * C), rate)) @ (s * s.sum(axis=0)).T
        errors.append(np.abs(ours - exact).max())
    assert errors[0] < 2e-3 and errors[1] < 5e-5 and errors[1] < errors[0] / 8


def test_distributed_line():
    """Far end at half after 0.379 R C, and 1 - 4/pi sum (-1)^k/(2k+1) exp(-(2k+1)^2 pi^2 t/(4RC))."""
    n = 300
    rc = R * C * (n + 0.5) ** 2  # the discrete line is that of n + 1/2 segments, up to 1/n^2
    time, ours = line(n, 0.5 * rc, tolerance=1e-6)
    k = 2 * np.arange(40) + 1
    exact = 1 - 4 / np.pi * np.sum(
        (-1.0) ** np.arange(40) / k * np.exp(-np.outer(time[time > 0.02 * rc], k**2) * np.pi**2 / 4 / rc),
        axis=1,
    )
    assert np.abs(ours[time > 0.02 * rc, -1] - exact).max() < 2e-5
    assert np.interp(0.5, ours[:, -1], time) == pytest.approx(0.3788 * rc, rel=1e-3)


@pytest.mark.parametrize("driver", [0.0, 200.0])
def test_elmore_delay_is_the_first_moment(driver):
    """The integral of 1 - V over time is the Elmore delay of each node, exact."""
    n = 30
    delay = elmore_delay(n, R, C, driver)
    time, ours = line(n, 30 * delay[-1], driver, tolerance=1e-6)
    np.testing.assert_allclose(np.trapezoid(1.0 - ours, time, axis=0), delay, rtol=3e-3)


def uniform(n, g, v, time):
    """Return word and bit nodes of a uniform array (left driven, held at the bottom) a time after a step."""
    s, wire = modes(n)
    wire = wire / R
    f = np.outer(s[0] / R, s.T @ v[::-1])
    word, bit = np.empty((n, n)), np.empty((n, n))
    for p in range(n):
        for q in range(n):
            j = np.array([[wire[p] + g, -g], [-g, wire[q] + g]]) / C
            values, vectors = np.linalg.eigh(j)
            part = vectors @ (-np.expm1(-values * time) / values * (vectors.T @ [f[p, q] / C, 0.0]))
            word[p, q], bit[p, q] = part
    return (s @ word @ s.T).T[::-1], (s @ bit @ s.T).T[::-1]


def test_uniform_array():
    """Linear cells, by sine transform and the exponential of 2 x 2 matrices."""
    n, g = 12, 1e-3
    v = np.random.default_rng(1).random(n)
    network = Network(Lines(shape=(n, n), word_resistance=R, bit_resistance=R), bias.multiply(v, n))

    def law(x):
        return g * x, np.full_like(x, g)

    stepper = Stepper(network, law, Capacitance(word=C, bit=C), tolerance=1e-6)
    for time in (0.1, 1.0, 10.0):
        time *= R * C * n
        found = stepper.run(lambda t: bias.multiply(v, n), time)
        word, bit = uniform(n, g, v, time)
        assert max(np.abs(found.word - word).max(), np.abs(found.bit - bit).max()) < 3e-5


def test_it_ends_at_rest_and_energy_is_kept():
    """Nonlinear cells with a selector: it ends as the array at rest; what comes in is lost or stored."""
    n, rng = 10, np.random.default_rng(2)
    cells = LinearCells(10.0 ** rng.uniform(-6, -4, (n, n)))
    array = Crossbar(
        cells,
        Lines(shape=(n, n), word_resistance=R, bit_resistance=R, word_source_resistance=500.0),
        ExponentialSelector(saturation=1e-9, slope_voltage=0.1),
    )
    target, capacitance = bias.select((n, n), (4, 5), 2.0), Capacitance(word=C, bit=C, cell=C)
    lost = []

    def spent(over, seconds):
        lost.append(seconds * np.sum(over * array.law(over)[0]))

    found = array.transient(lambda t: target, 3e-10, capacitance, tolerance=1e-5, watch=[(4, 5)], after=spent)
    rest = array.solve(target)
    assert max(np.abs(found.word - rest.word).max(), np.abs(found.bit - rest.bit).max()) < 1e-6
    assert found.sensed[-1] == pytest.approx(rest.sensed, abs=1e-10)
    assert np.all(np.diff(np.array(found.watched)[:, 0]) > -1e-4)
    assert found.energy == pytest.approx(
        found.line_loss + sum(lost) + capacitance.energy((found.word, found.bit)), rel=2e-3
    )


def test_half_of_the_energy_of_a_charged_line_is_stored():
    """A word line of open cells, charged to 1 V: the source gives V Q, of which half heats the line."""
    n, c = 6, Capacitance(word=C, bit=2 * C, cell=3 * C)
    array = Crossbar(
        LinearCells(np.zeros((1, n))),
        Lines(shape=(1, n), word_resistance=R, bit_resistance=R, word_source_resistance=50.0),
    )
    found = array.transient(lambda t: bias.multiply([1.0], n), 3e-12, c, tolerance=1e-6)
    charge = n * (C + 3 * C) * 1.0
    assert c.energy((found.word, found.bit)) == pytest.approx(charge / 2, rel=1e-6)
    assert found.energy == pytest.approx(charge, rel=1e-3)
    assert found.line_loss == pytest.approx(charge / 2, rel=2e-3)


def test_charge_of_a_node_is_that_of_its_capacitors():
    """(C_w + C_c) v_w - C_c v_b and (C_b + C_c) v_b - C_c v_w; energy 1/2 of charge times voltage."""
    c, nodes = Capacitance(word=2.0, bit=3.0, cell=5.0), (np.array([[0.7]]), np.array([[-0.2]]))
    word, bit = c.charge(nodes)
    assert (word[0, 0], bit[0, 0]) == (pytest.approx(2 * 0.7 + 5 * 0.9), pytest.approx(-3 * 0.2 - 5 * 0.9))
    assert c.energy(nodes) == pytest.approx(0.5 * (2 * 0.7**2 + 3 * 0.2**2 + 5 * 0.9**2))


def test_pulses_have_edges_and_charge_comes_back():
    """Up and down again: what the lines took in charge they give back."""
    n = 8
    array = Crossbar(
        LinearCells(np.full((n, n), 1e-9)), Lines(shape=(n, n), word_resistance=R, bit_resistance=R)
    )

    def drive(t):
        return bias.select((n, n), (2, 3), 1.0 if t < 1e-12 else 0.0)

    found = array.transient(drive, 2e-11, Capacitance(word=C, bit=C), corners=[1e-12], watch=[(2, 3)])
    times, volts = np.array(found.time), np.array(found.watched)[:, 0]
    assert volts[times <= 1e-12].max() > 0.99 and abs(volts[-1]) < 1e-4
    assert np.count_nonzero(times == 1e-12) == 2


@pytest.mark.parametrize(
    ("saturation", "scale", "volts"), [(1e-12, 0.05, 1.0), (1e-15, 0.03, 1.2), (1e-9, 0.1, 2.0)]
)
def test_a_steep_cell_charges_to_where_its_current_is_that_of_the_lines(saturation, scale, volts):
    """From 0 V in one step of the source: the end is I = I0 sinh(V/V0) behind two segments of 5 ohm."""
    lines = Lines(shape=(1, 1), word_resistance=R, bit_resistance=R)
    target = bias.select((1, 1), (0, 0), volts)

    def law(v):
        return saturation * np.sinh(v / scale), saturation / scale * np.cosh(v / scale)

    stepper = Stepper(Network(lines, target), law, Capacitance(word=C, bit=C), tolerance=1e-2, scale=scale)
    found = stepper.run(lambda t: target, 1e-11, watch=[(0, 0)])
    end = brentq(lambda v: v + 2 * R * saturation * np.sinh(v / scale) - volts, 0.0, volts)
    assert found.watched[-1][0] == pytest.approx(end, rel=1e-4)
    assert found.time[-1] == pytest.approx(1e-11) and np.all(np.diff(found.time) > 0.0)


def test_cells_move_while_the_lines_charge():
    n = 4
    array = Crossbar(made_up_cells((n, n)), Lines(shape=(n, n), word_resistance=R, bit_resistance=R))
    before = array.cells.gap.copy()
    array.transient(
        lambda t: bias.select((n, n), (1, 1), 1.4),
        2e-8,
        Capacitance(word=C, bit=C),
        move=True,
        tolerance=1e-2,
    )
    moved = before - array.cells.gap
    alone = made_up_cells((1, 1))
    alone.apply(np.full((1, 1), 1.4), 2e-8)
    assert moved[1, 1] == pytest.approx(float(before[1, 1] - alone.gap[0, 0]), rel=0.05)
    assert np.all(moved[0] < 0.01 * moved[1, 1])


def test_cells_behind_selectors_feel_their_own_voltage_while_the_lines_charge():
    """Lines charge within a hundredth of the time: the cell moves as under what the selector leaves it."""
    selector = ExponentialSelector(saturation=1e-9, slope_voltage=0.1)
    lines = Lines(shape=(1, 1), word_resistance=R, bit_resistance=R)
    array = Crossbar(made_up_cells((1, 1)), lines, selector)
    alone = made_up_cells((1, 1))
    before = float(alone.gap[0, 0])
    over = selector.solve(np.full((1, 1), 1.6), alone)[0]
    alone.apply(over, 1e-10)
    array.transient(
        lambda t: bias.select((1, 1), (0, 0), 1.6), 1e-10, Capacitance(word=C, bit=C), move=True,
        tolerance=1e-2,
    )  # fmt: skip
    assert over < 1.0
    moved = before - float(alone.gap[0, 0])
    assert before - float(array.cells.gap[0, 0]) == pytest.approx(moved, rel=0.05)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Capacitance(word=0.0, bit=C), "word must be positive"),
        (lambda: Capacitance(word=C, bit=C, cell=np.nan), "cell must be at least 0"),
        (lambda: line(2, -1.0), "duration must be positive"),
        (lambda: line(2, 1.0, tolerance=0.0), "tolerance must be positive"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
