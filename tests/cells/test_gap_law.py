"""The gap law: the compiled one against the numpy text of exports, and against the equation written out."""

import inspect

import numpy as np
import pytest
from gap_equation import GapEquation
from made_up_cells import CORE, FEATURES

from frenkel.cells import _gap, gap_law
from frenkel.cells.gap_cells import CardCells, Heat
from frenkel.units import BOLTZMANN_EV

WAYS = np.array([0.0, 1e-12, 0.3, 0.999, 1.0, 1.5, 7.0, 60.0, 800.0])
DISTANCES = np.array([0.0, 1e-9, 0.5, 1.0, 1.0 + 1e-12, 2.5, 40.0])


def test_motion_of_exports_is_that_of_the_kernel():
    """Inside the limits, on them, beyond them, and through the edge."""
    distance, way = (a.ravel() for a in np.meshgrid(np.concatenate([-DISTANCES, DISTANCES]), WAYS))
    np.testing.assert_allclose(gap_law.moved(distance, way), _gap.move(distance, way), rtol=1e-12, atol=0.0)
    assert np.all(np.signbit(_gap.move(-DISTANCES[1:], DISTANCES[1:])))


@pytest.mark.parametrize("volts", [0.0, 1e-9, 0.7, 1.3, 2.4, -1e-9, -0.9, -1.4, -2.4])
@pytest.mark.parametrize("heat", [None, Heat(activation=0.4, reference=300.0)])
def test_a_pulse_of_the_kernel_is_that_of_exports(volts, heat):
    """Also for gaps beyond their limits, and for cells in warm surroundings."""
    core, edge = CORE.row(), CORE.edge
    cells = CardCells(CORE, FEATURES, (1, 5), heat=heat, temperature=330.0)
    low, high = cells._gaps.least[0], cells._gaps.most[0]
    start = np.array([low - 3 * edge, low, 0.5 * (low + high), high, high + 3 * edge])
    factor = 1.0 if heat is None else np.exp(0.4 / BOLTZMANN_EV * (1 / 300.0 - 1 / 330.0))
    for duration in (1e-9, 1e-7, 1e-4):
        cells._gaps.gap[:] = start
        cells.apply(np.full((1, 5), volts), duration)
        expected = start
        if volts:
            size = abs(volts)
            up, down = gap_law.speeds(core, high - low, 0.9, 1.1, at=(size, size))
            end, side, speed = (low, 1.0, up) if volts > 0 else (high, -1.0, down)
            distance = side * (start - end) / edge
            expected = end + side * edge * gap_law.moved(distance, speed * factor * duration / edge)
        np.testing.assert_allclose(cells.gap[0], expected, rtol=1e-12, atol=1e-24)


def test_trains_of_exports_are_pulses_of_the_kernel():
    drawn = {name: np.array(value) for name, value in FEATURES.items()}
    pulses = np.array([6.0, 0.9, 3e-7, -1.1, 2e-7])
    up, down = gap_law.trains({"core": CORE.row(), "pulses": pulses}, drawn)
    cells = CardCells(CORE, FEATURES, (1, 1))
    for curve, volts, width, start in ((up, 0.9, 3e-7, 0), (down, -1.1, 2e-7, 1)):
        cells.program(cells.window()[start])
        for expected in curve:
            np.testing.assert_allclose(CORE.conductance(cells.gap).item(), expected, rtol=1e-11)
            cells.apply(np.full((1, 1), volts), width)


def test_speeds_of_steep_drives_are_finite():
    """Where hyperbolic sines overflow."""
    steep = CORE.row()
    steep[3] = 900.0
    with np.errstate(all="raise"):
        up, down = gap_law.speeds(steep, 1e-9, 2.0, 2.0, at=(2.0, 2.0))
    assert up == pytest.approx(900.0 * steep[4] * 1e-9 / 2.0) and down > 0.0


@pytest.mark.parametrize("volts", [0.0, 1e-6, 4e-3, 5.1e-3, 0.1, 1.7, -1e-6, -4e-3, -0.1, -1.7])
def test_current_is_the_equation(volts):
    law = {name: float(value) for name, value in CORE.cells(FEATURES).items()}
    cell = GapEquation(core=CORE, **law)
    for gap in cell.limits:
        amplitude = np.array([CORE.current_prefactor * np.exp(-gap / CORE.gap_scale)])
        current, slope = gap_law.current_of(amplitude, np.array([volts]), CORE.voltage_scale)
        np.testing.assert_allclose(current[0], cell.current(gap, volts), rtol=1e-13)
        np.testing.assert_allclose(
            slope[0], amplitude[0] / CORE.voltage_scale * np.cosh(volts / CORE.voltage_scale), rtol=1e-13
        )
        if volts:
            assert CORE.conductance(gap, volts) == pytest.approx(current[0] / volts, rel=1e-13)


def test_a_gap_at_its_limit_stays_and_turns_round_beyond_it():
    assert np.array_equal(_gap.move(np.zeros(1), np.ones(1)), [0.0])
    assert -1.0 < _gap.move(np.array([-1.0]), np.array([0.1]))[0] < 0.0
    with pytest.raises(ValueError, match="way must be as many as the 2 distances, got 1"):
        _gap.move(np.zeros(2), np.zeros(1))


def test_the_text_of_exports_needs_numpy_alone():
    source = inspect.getsource(gap_law).replace("from ..typing import Floats", "Floats = np.ndarray")
    names = {}
    exec(compile(source, "exported", "exec"), names)
    assert names["moved"](2.0, 1.0) == 1.0
