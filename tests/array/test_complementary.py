"""Complementary cells: two back to back."""

import numpy as np
import pytest
from gap_equation import GapEquation
from made_up_cells import CORE, FEATURES, made_up_cells
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from frenkel.array.complementary import ComplementaryCells
from frenkel.array.crossbar import Crossbar
from frenkel.array.lines import bias
from frenkel.array.lines.network import Lines
from frenkel.cells.interface import conductance
from frenkel.cells.resistors import LinearCells

HIGH, LOW = 1e-6, 1e-4


def pair(shape=(1, 1), one=False):
    return ComplementaryCells(
        made_up_cells(shape, LOW if one else HIGH), made_up_cells(shape, HIGH if one else LOW)
    )


def test_two_resistors_are_in_series():
    g = np.array([[1e-4, 1e-6, 0.0]])
    cells = ComplementaryCells(LinearCells(g), LinearCells(np.full((1, 3), 2e-5)))
    current, slope = cells.current(np.full((1, 3), -0.7))
    np.testing.assert_allclose(slope, g * 2e-5 / (g + 2e-5), rtol=1e-13)
    np.testing.assert_allclose(current, -0.7 * slope, rtol=1e-13)


def test_both_cells_carry_one_current():
    """A sinh(u/V0) = B sinh((V - u)/V0) has tanh(u/V0) = B sinh(V/V0) / (A + B cosh(V/V0))."""
    cells, v0 = pair(), CORE.voltage_scale
    a, b = cells.upper.sinh_law()[0], cells.lower.sinh_law()[0]
    for volts in (-2.0, -0.1, 0.3, 1.5):
        at = np.full((1, 1), volts)
        upper, current, slope = cells.inner(at)
        exact = v0 * np.arctanh(b * np.sinh(volts / v0) / (a + b * np.cosh(volts / v0)))
        np.testing.assert_allclose(upper, exact, rtol=1e-11)
        np.testing.assert_allclose(current, a * np.sinh(exact / v0), rtol=1e-9)
        difference = (cells.current(at + 1e-5)[0] - cells.current(at - 1e-5)[0]) / 2e-5
        np.testing.assert_allclose(slope, difference, rtol=1e-6)


def test_both_states_read_alike_and_are_high():
    assert conductance(pair())[0, 0] == pytest.approx(conductance(pair(one=True))[0, 0], rel=1e-9)
    assert conductance(pair())[0, 0] < 1.01e-6


def test_writing_goes_over_on():
    """0 to on between the SET voltage and twice the RESET voltage, to 1 above; back with the other sign."""
    cells = pair()
    for volts, upper, lower in (
        (0.5, HIGH, LOW),
        (1.7, LOW, LOW),
        (2.8, LOW, HIGH),
        (-1.7, LOW, LOW),
        (-2.8, HIGH, LOW),
    ):
        cells.apply(np.full((1, 1), volts), 2e-6)
        assert conductance(cells.upper)[0, 0] == pytest.approx(upper, rel=0.1)
        assert conductance(cells.lower)[0, 0] == pytest.approx(lower, rel=0.1)


def test_pulse_is_the_pair_of_rate_equations():
    """Against a stiff solver with the inner node solved at every step, up to half of the lower RESET."""
    cell = GapEquation(core=CORE, **{k: float(v) for k, v in CORE.cells(FEATURES).items()})

    def rates(_, g):
        u = brentq(lambda u: cell.current(g[0], u) + cell.current(g[1], u - 2.3), 0.0, 2.3, xtol=1e-14)
        return [cell.derivative(g[0], u), cell.derivative(g[1], u - 2.3)]

    for duration in (1e-9, 1e-7, 4e-7):
        cells = pair()
        start = [cells.upper.gap[0, 0], cells.lower.gap[0, 0]]
        cells.apply(np.full((1, 1), 2.3), duration)
        exact = solve_ivp(rates, (0, duration), start, "LSODA", rtol=1e-8, atol=1e-16).y[:, -1]
        assert cells.upper.gap[0, 0] == pytest.approx(exact[0], abs=1e-12)
        assert cells.lower.gap[0, 0] == pytest.approx(exact[1], abs=1e-12)
    assert exact[1] - start[1] > 5e-11


def test_no_sneak_path_through_complementary_cells():
    """Floating lines: complementary cells leave 1/50 of what low ones let through."""
    n = 16
    b = bias.select((n, n), (3, 4), 0.2, "floating")
    plain = Crossbar(made_up_cells((n, n), LOW), Lines(shape=(n, n))).solve(b).sensed[4]
    complementary = Crossbar(pair((n, n)), Lines(shape=(n, n))).solve(b).sensed[4]
    assert complementary < plain / 50


def test_pulses_through_a_crossbar_write_one_cell():
    array = Crossbar(
        pair((4, 4)), Lines(shape=(4, 4), word_resistance=2.0, bit_resistance=2.0), scheme="third"
    )
    array.pulse((1, 2), 2.8, 1e-6)
    array.finish()
    lower = conductance(array.cells.lower)
    assert lower[1, 2] == pytest.approx(HIGH, rel=0.05)
    lower[1, 2] = LOW
    np.testing.assert_allclose(lower, LOW, rtol=0.05)


def test_bad_pairs():
    cells = made_up_cells((1, 1))
    with pytest.raises(ValueError, match="must be different cells"):
        ComplementaryCells(cells, cells)
    with pytest.raises(ValueError, match="one shape"):
        ComplementaryCells(cells, made_up_cells((1, 2)))
