"""What a pulse through an array costs and what it leaves, against integrals and cells by themselves."""

import numpy as np
import pytest
from gap_equation import GapEquation
from made_up_cells import CORE, FEATURES, made_up_cells
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import ExponentialSelector, ThresholdSelector
from frenkel.array.lines import bias
from frenkel.array.lines.network import Lines
from frenkel.cells.interface import conductance
from frenkel.cells.resistors import FaultyCells, LinearCells

CELL, VOLTS, WIDTH = (0, 1), 1.6, 3e-8
DRIVERS = 2e3, 3e3
"""Of word and bit lines (ohm); the lines themselves have no resistance."""

OTHERS = np.array([[2e-5, np.nan], [5e-5, 1e-4]])
SOURCES = {"half": (VOLTS, VOLTS / 2, VOLTS / 2, 0.0), "grounded": (VOLTS, 0.0, 0.0, 0.0)}


def between(i, j):
    """Return +1 at the node of a word line and -1 at that of a bit line."""
    found = np.zeros(4)
    found[i], found[2 + j] = 1.0, -1.0
    return found


def integral(scheme, start):
    """Return gap and energy after the pulse: the cell's rate equation with V I of all four sources.

    Kirchhoff's laws of the four nodes are solved densely at every step of a stiff solver.
    """
    cell = GapEquation(core=CORE, **{k: float(v) for k, v in CORE.cells(FEATURES).items()})
    source, drivers = np.array(SOURCES[scheme]), np.repeat(DRIVERS, 2)
    matrix = np.diag(1.0 / drivers)
    for i, j in np.argwhere(~np.isnan(OTHERS)):
        matrix += OTHERS[i, j] * np.outer(between(i, j), between(i, j))
    at = between(*CELL)
    rest, seen = np.linalg.solve(matrix, source / drivers), np.linalg.solve(matrix, at)

    def rates(_, y):
        u = brentq(lambda u: u - at @ rest + at @ seen * cell.current(y[0], u), 0.0, VOLTS, xtol=1e-15)
        nodes = rest - seen * cell.current(y[0], u)
        return [cell.derivative(y[0], u), source @ ((source - nodes) / drivers)]

    return solve_ivp(rates, (0, WIDTH), [start, 0.0], "LSODA", rtol=1e-9, atol=[1e-18, 1e-30]).y[:, -1]


@pytest.mark.parametrize("scheme", SOURCES)
def test_energy_of_a_pulse_is_the_integral_of_its_power(scheme):
    """The current grows 5-fold and more; a thousand parts held at their starts leave 3e-4."""
    cells = FaultyCells(made_up_cells((2, 2)), OTHERS)
    lines = Lines(shape=(2, 2), word_source_resistance=DRIVERS[0], bit_source_resistance=DRIVERS[1])
    array = Crossbar(cells, lines, scheme=scheme, steps=1000)
    before, first = cells.cells.gap[CELL], cells.current(np.full((2, 2), VOLTS))[0][CELL]
    gap, energy = integral(scheme, before)
    assert array.pulse(CELL, VOLTS, WIDTH) == pytest.approx(energy, rel=8e-4)
    assert cells.cells.gap[CELL] - before == pytest.approx(gap - before, rel=8e-4)
    assert cells.current(np.full((2, 2), VOLTS))[0][CELL] > 5.0 * first


def lumped(**more):
    return Crossbar(made_up_cells((3, 4)), Lines(shape=(3, 4)), **more)


def test_others_feel_every_pulse_and_every_read_once():
    """Two pulses of one voltage, one of another, a read: half of each for its time, and no more later."""
    array, alone = lumped(), made_up_cells((1, 1))
    for volts, width in ((1.6, 1e-7), (1.6, 3e-7), (1.5, 2e-7)):
        array.pulse((1, 2), volts, width)
    array.read((1, 2), 0.9, 5e-7)
    array.finish()
    for volts, width in ((0.8, 4e-7), (0.75, 2e-7)):
        alone.apply(np.full((1, 1), volts), width)
    # The column sees no voltage in a read, the row all of it.
    np.testing.assert_allclose(np.delete(array.cells.gap[:, 2], 1), alone.gap[0, 0], rtol=1e-12)
    alone.apply(np.full((1, 1), 0.9), 5e-7)
    np.testing.assert_allclose(np.delete(array.cells.gap[1], 2), alone.gap[0, 0], rtol=1e-12)
    selected = made_up_cells((1, 1))
    for volts, width in ((1.6, 4e-7), (1.5, 2e-7), (0.9, 5e-7)):
        selected.apply(np.full((1, 1), volts), width)
    assert array.cells.gap[1, 2] == pytest.approx(selected.gap[0, 0], rel=1e-9)
    before = array.cells.gap.copy()
    array.finish()
    array.rest(1.0)
    np.testing.assert_array_equal(array.cells.gap, before)


def test_a_visit_ends_when_another_cell_is_selected():
    array = lumped()
    array.pulse((0, 0), 1.6, 1e-6)
    assert array.cells.gap[0, 1] == array.cells.gap[2, 2]  # not felt yet
    array.pulse((2, 2), 1.6, 1e-7)
    row = array.cells.gap[0, 1:2].copy()
    assert row < array.cells.gap[1, 1]
    array.finish()
    alone = made_up_cells((1, 1))
    alone.apply(np.full((1, 1), 0.8), 1e-7)
    np.testing.assert_allclose(array.cells.gap[2, [1, 3]], alone.gap[0, 0], rtol=1e-12)
    np.testing.assert_array_equal(array.cells.gap[0, 1], row)  # nothing more of the first visit


def test_a_read_after_a_pulse_sees_what_it_changed():
    """By the load line of the read before, with what of the current more leaks into other cells."""
    lines = Lines(shape=(4, 4), word_resistance=20.0, bit_resistance=200.0)
    array = Crossbar(made_up_cells((4, 4), 2e-5), lines)
    first = array.read((0, 3), 0.2, 0.0)[0]
    array.pulse((0, 3), 1.2, 8e-9)
    solves = array.solves
    current, energy = array.read((0, 3), 0.2, 1e-12)
    assert array.solves == solves and current > 1.1 * first
    array.finish()
    found = array.solve(bias.select((4, 4), (0, 3), 0.2, "grounded"))
    assert current == pytest.approx(found.sensed[3], rel=5e-5)
    # The rest of the row has drifted a little at half of the pulse.
    assert energy == pytest.approx(1e-12 * (found.cell_power + found.line_power), rel=1e-3)


def test_others_behind_selectors_feel_their_own_voltage():
    selector = ExponentialSelector(saturation=1e-9, slope_voltage=0.1)
    array, alone = Crossbar(made_up_cells((2, 2)), Lines(shape=(2, 2)), selector), made_up_cells((1, 1))
    alone.apply(selector.solve(np.full((1, 1), 1.5), alone)[0], 1e-8)
    array.pulse((0, 0), 3.0, 1e-8)
    array.finish()
    assert array.cells.gap[0, 1] == pytest.approx(alone.gap[0, 0], rel=1e-12)
    assert alone.gap[0, 0] < array.cells.gap[1, 1]


def test_a_product_sees_what_pulses_left_on_others():
    array = lumped()
    array.pulse((1, 2), 1.8, 1e-6)
    seen = array.multiply([0.0, 0.1, 0.0])
    np.testing.assert_allclose(seen, 0.1 * conductance(array.cells)[1], rtol=1e-9)
    assert seen[0] > 1.5 * lumped().multiply([0.0, 0.1, 0.0])[0]


def test_rest_ends_a_visit_and_lets_time_pass():
    array = lumped()
    array.pulse((0, 0), 1.6, 1e-6)
    array.rest(1e-9)
    assert array.cells.gap[0, 1] < array.cells.gap[1, 1]


def test_energy_of_a_read_is_its_power_for_its_time():
    """All other lines at 0 V: the row draws V^2 G, and nothing else does."""
    g = np.array([[1e-5, 2e-5, 4e-5], [3e-5, 5e-5, 6e-5]])
    array = Crossbar(LinearCells(g), Lines(shape=(2, 3)))
    current, energy = array.read((1, 0), 0.2, 1e-8)
    assert current == pytest.approx(0.2 * 3e-5, rel=1e-12)
    assert energy == pytest.approx(0.2**2 * 14e-5 * 1e-8, rel=1e-12)


def test_a_selector_stays_on_down_to_its_hold_voltage():
    """Between hold and threshold the current is that of the way: off on the way up, on on the way down."""
    selector = ThresholdSelector(threshold=1.5, hold=0.5, on_resistance=1e3, off_resistance=1e9, shape=(1, 1))
    array = Crossbar(LinearCells([[1e-4]]), Lines(shape=(1, 1)), selector)
    seen = [float(array.multiply([volts])[0]) / volts for volts in (1.4, 1.6, 0.6, -0.6, 0.4, 1.4)]
    on, off = 1.0 / (1e4 + 1e3), 1.0 / (1e4 + 1e9)
    np.testing.assert_allclose(seen, [off, on, on, on, off, off], rtol=1e-9)
