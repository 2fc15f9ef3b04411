"""The two lines of a selected cell alone, against solutions of the whole array."""

import numpy as np
import pytest
from made_up_cells import made_up_cells, varied_cells
from made_up_noise import ONE_KIND

from frenkel.array.cross import ALLOWED, CrossSolver
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import Direct, ExponentialSelector, SelfRectifying
from frenkel.array.lines import bias
from frenkel.array.lines.effective import load_line
from frenkel.array.lines.network import Lines
from frenkel.cells.interface import conductance
from frenkel.cells.resistors import FaultyCells, LinearCells

SHAPE = (24, 31)
SELECTOR = ExponentialSelector(saturation=1e-11, slope_voltage=0.06)


def fitted():
    rng = np.random.default_rng(5)
    return made_up_cells(SHAPE, np.exp(rng.uniform(np.log(2e-6), np.log(5e-5), SHAPE)))


def linear():
    return LinearCells(np.where(np.random.default_rng(6).random(SHAPE) < 0.5, 1e-4, 1e-6))


def wires(word=20.0, bit=30.0, **ends):
    rng = np.random.default_rng(7)
    m, n = SHAPE
    return Lines(
        shape=SHAPE, word_resistance=word * rng.uniform(0.5, 2.0, (m, n + 1)),
        bit_resistance=bit * rng.uniform(0.5, 2.0, (m + 1, n)), **ends,
    )  # fmt: skip


@pytest.mark.parametrize("make", [fitted, linear])
@pytest.mark.parametrize("scheme", ["half", "grounded"])
@pytest.mark.parametrize("cell", [(0, 0), (11, 17), (23, 0), (0, 30)])
def test_the_two_lines_are_those_of_the_whole_array(make, scheme, cell):
    """Voltages, load line, power and sensed current, from one amplitude to the next and to another cell."""
    cells, lines = make(), wires(word_source_resistance=50.0, bit_source_resistance=40.0)
    solver, array = CrossSolver(lines, cells, SELECTOR), Crossbar(cells, lines, SELECTOR)
    solver.solve((5, 5), 1.0, scheme)
    # With all other lines at 0 V the whole word line draws: reads.
    for volts in (0.4, 1.7, 2.3, -1.8) if scheme == "half" else (0.3, 0.7, 0.8, -0.6):
        found = solver.solve(cell, volts, scheme)
        whole = array.solve(bias.select(SHAPE, cell, volts, scheme))
        over, slope = array.memory.at_solution(whole.voltage)
        _, network, lines_solver = array._network(bias.select(SHAPE, cell, volts, scheme))
        lines_solver.factor(slope)
        line = load_line(network, lines_solver, whole, cell, float(slope[cell]))
        assert found.now.voltage == pytest.approx(whole.voltage[cell], abs=ALLOWED)
        assert found.now.current == pytest.approx(whole.current[cell], rel=1e-5)
        assert found.now.over[0] == pytest.approx(over[cell], abs=ALLOWED)
        np.testing.assert_allclose(found.over, over[found.others], atol=ALLOWED)
        assert found.line.open_voltage == pytest.approx(line.open_voltage, abs=ALLOWED)
        assert found.line.resistance == pytest.approx(line.resistance, rel=1e-5)
        assert found.line.sense == pytest.approx(line.sense, rel=1e-5)
        assert found.sensed == pytest.approx(whole.sensed[cell[1]], rel=1e-5)
        assert found.power == pytest.approx(whole.cell_power + whole.line_power, rel=1e-5)
        away = np.ones(SHAPE, bool)
        away[cell[0]], away[:, cell[1]] = False, False
        assert np.abs(over[away]).max() < 1e-5


def test_the_next_amplitude_takes_few_steps(monkeypatch):
    """Along the tangent: 2 steps for 20 mV, 3 for 0.5 V; from nothing 4 and more."""
    from frenkel.array import cross as module

    steps, kernel = [], module.cross

    def counted(*given):
        steps.append(kernel(*given))
        return steps[-1]

    monkeypatch.setattr(module, "cross", counted)
    solver = CrossSolver(wires(), fitted(), SELECTOR)
    for volts in (1.5, 1.52, 2.0, 1.5):
        solver.solve((11, 17), volts, "half")
    assert steps[0] >= 4 and steps[1] == 2 and steps[2] <= 4


def test_programming_is_that_by_whole_solutions():
    """Pulses and reads that grow, on three cells: gaps, currents and energies by either way."""
    found = []
    for use in (True, False):
        array = Crossbar(fitted(), wires(), SELECTOR, use_load_line=use)
        energies, seen = [], []
        for cell in ((3, 4), (20, 29), (3, 29)):
            for volts in np.arange(1.6, 2.4, 0.1):
                energies.append(array.pulse(cell, volts, 2e-9))
                current, energy = array.read(cell, 1.0, 1e-9)
                seen.append(current)
                energies.append(energy)
        array.finish()
        found.append((np.array(energies), np.array(seen), array.cells.gap.copy(), array.solves))
    assert found[0][3] == 0 and found[1][3] >= 48
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=2e-3)
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=2e-3)
    start = fitted().gap
    np.testing.assert_allclose(found[0][2] - start, found[1][2] - start, rtol=2e-2, atol=2e-15)
    assert np.ptp(np.log(found[0][1][:8])) > 0.1


@pytest.mark.parametrize(
    ("crosspoint", "lines", "scheme"),
    [
        (SELECTOR, wires(), "third"),
        (SELECTOR, wires(), "floating"),
        (Direct(), wires(), "half"),
        (SelfRectifying(10.0), wires(), "half"),
        (ExponentialSelector(saturation=1e-6, slope_voltage=0.2), wires(), "half"),  # leaks
        (SELECTOR, Lines(shape=SHAPE), "half"),
    ],
)
def test_where_others_carry_something_the_whole_array_is_solved(crosspoint, lines, scheme):
    assert CrossSolver(lines, linear(), crosspoint).solve((3, 4), 2.0, scheme) is None
    array = Crossbar(linear(), lines, crosspoint, scheme=scheme)
    array.pulse((3, 4), 2.0, 1e-9)
    assert array.solves >= 1


def test_the_bound_on_what_is_left_out_holds():
    """Selectors that leak more and more: as long as the bound allows it, no voltage is further off."""
    cells, lines, cell, errors = linear(), wires(word=100.0, bit=100.0), (11, 17), []
    for saturation in 10.0 ** np.arange(-12.0, -6.0):
        selector = ExponentialSelector(saturation=saturation, slope_voltage=0.06)
        found = CrossSolver(lines, cells, selector).solve(cell, 1.5, "half")
        if found is not None:
            whole = Crossbar(cells, lines, selector).solve(bias.select(SHAPE, cell, 1.5, "half"))
            errors.append(abs(found.now.voltage - whole.voltage[cell]))
    assert 2 <= len(errors) < 6 and max(errors) <= ALLOWED


def test_cells_of_no_selected_line_live_on():
    """Their telegraph noise goes on during pulses and reads, at 0 V; stuck ones are left out."""
    cells = varied_cells((6, 7), 5, rtn_law=ONE_KIND)
    before, gaps = conductance(cells).copy(), cells.gap.copy()
    array = Crossbar(cells, Lines(shape=(6, 7), word_resistance=2.0, bit_resistance=2.0), SELECTOR)
    array.read((2, 3), 0.2, 1e6)
    array.finish()
    assert array.solves == 0
    moved = conductance(cells) != before
    moved[2], moved[:, 3] = False, False
    away = np.ones((6, 7), bool)
    away[2], away[:, 3] = False, False
    assert moved.any()
    np.testing.assert_array_equal(cells.gap[away], gaps[away])
    stuck = np.where(np.eye(6, 7) > 0.0, 1e-6, np.nan)
    array = Crossbar(FaultyCells(made_up_cells((6, 7)), stuck), array.lines, SELECTOR)
    array.pulse((2, 2), 2.0, 1e-8)
    array.finish()
    assert array.solves == 0
