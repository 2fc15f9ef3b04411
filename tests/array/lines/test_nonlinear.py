"""Newton's method, crossings with selectors and transistors, columns, and pulses through all of them."""

from types import SimpleNamespace

import numpy as np
import pytest
from made_up_cells import made_up_cells

from frenkel.array.columns import Ladders
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import (
    Direct,
    ExponentialSelector,
    SelfRectifying,
    ThresholdSelector,
    Transistor,
)
from frenkel.array.lines import bias, newton
from frenkel.array.lines.network import Lines
from frenkel.array.lines.newton import limited
from frenkel.array.live_cells import LiveCells
from frenkel.cells.resistors import FaultyCells, LinearCells
from frenkel.errors import ConvergenceError


class SinhCells(LinearCells):
    """G V0 sinh(V/V0)."""

    def __init__(self, g, v0, known=True):
        super().__init__(g)
        self.scale, self.known = v0, known

    def current(self, voltage, where=None):
        g = self.conductance if where is None else self.conductance[where]
        return g * self.scale * np.sinh(voltage / self.scale), g * np.cosh(voltage / self.scale)

    def sinh_law(self, where=None):
        g = self.conductance if where is None else self.conductance[where]
        return (g * self.scale, np.full(np.shape(g), self.scale)) if self.known else None


class NoLaw(LinearCells):
    """Resistors that do not say so."""

    def sinh_law(self, where=None):
        return None


def two_states(n, seed=0):
    return np.where(np.random.default_rng(seed).random((n, n)) < 0.5, 1e-4, 1e-6)


def wires(n, r=5.0):
    return Lines(shape=(n, n), word_resistance=r, bit_resistance=r)


def grid_bias(n, voltage, scheme):
    if scheme == "multiply":
        return bias.multiply(voltage * np.random.default_rng(1).random(n), n)
    return bias.select((n, n), (n // 2, n // 2), voltage, scheme)


GRID = [(v, scheme) for v in (1.0, 2.0, 3.0) for scheme in ("half", "third", "multiply")]


@pytest.mark.parametrize("v0", [0.25, 0.1, 0.05, 0.025])
@pytest.mark.parametrize(("voltage", "scheme"), GRID)
def test_newton_on_sinh_cells(v0, voltage, scheme):
    """36 cases, V/V0 up to 120: at most 20 steps and Kirchhoff's law to 1e-9."""
    s = Crossbar(SinhCells(two_states(24), v0), wires(24)).solve(grid_bias(24, voltage, scheme))
    assert s.newton_steps <= 20
    assert s.residual <= 1e-9 * np.abs(s.current).max()
    total = s.cell_power + s.line_power
    b = grid_bias(24, voltage, scheme)
    assert total == pytest.approx(b.word_left @ s.left + b.bit_bottom @ s.bottom, rel=1e-8)


@pytest.mark.parametrize(("saturation", "slope"), [(1e-9, 0.1), (1e-12, 0.05), (1e-15, 0.026)])
@pytest.mark.parametrize(("voltage", "scheme"), GRID)
def test_newton_on_selectors(saturation, slope, voltage, scheme):
    """27 cases."""
    crossbar = Crossbar(
        LinearCells(two_states(24)),
        wires(24),
        ExponentialSelector(saturation=saturation, slope_voltage=slope),
    )
    s = crossbar.solve(grid_bias(24, voltage, scheme))
    assert s.newton_steps <= 6
    assert s.residual <= 1e-9 * np.abs(s.current).max()


def test_limiting():
    before, scale = np.zeros(4), np.array([0.1, 0.1, 0.1, np.inf])
    got = limited(np.array([0.2, 5.0, -5.0, 5.0]), before, scale)
    assert got == pytest.approx([0.2, 0.1 * np.log(51.0), -0.1 * np.log(51.0), 5.0])


def test_odd_cells_fail_superposition_and_keep_their_symmetry():
    crossbar, v = Crossbar(SinhCells(two_states(16), 0.1), wires(16)), np.linspace(0.1, 0.5, 16)
    one = crossbar.multiply(v)
    np.testing.assert_allclose(crossbar.multiply(-v), -one, rtol=1e-9)
    assert np.all(np.abs(crossbar.multiply(2 * v) / (2 * one) - 1.0) > 0.1)


def test_effective_matrix_is_that_of_the_slopes_at_a_voltage():
    """Cells of G cosh(V/V0) between drivers of a milliohm."""
    g = two_states(4)
    lines = Lines(shape=(4, 4), word_source_resistance=1e-3, bit_source_resistance=1e-3)
    for volts in (0.0, 0.3):
        matrix = Crossbar(SinhCells(g, 0.1), lines).effective_matrix(volts)
        np.testing.assert_allclose(matrix, g * np.cosh(volts / 0.1), rtol=1e-4)


def test_many_vectors_are_those_one_by_one():
    crossbar = Crossbar(SinhCells(two_states(16), 0.1), wires(16))
    vectors = np.random.default_rng(2).uniform(-0.5, 0.5, (4, 16))
    one_by_one = [crossbar.multiply(v) for v in vectors]
    np.testing.assert_allclose(crossbar.multiply(vectors), one_by_one, rtol=1e-8, atol=1e-14)


def test_warm_start_gives_the_same():
    crossbar = Crossbar(SinhCells(two_states(16), 0.1), wires(16))
    b = bias.select((16, 16), (3, 4), 2.0)
    cold = crossbar.solve(b)
    warm = crossbar.solve(b, warm=True)
    assert warm.newton_steps < cold.newton_steps
    np.testing.assert_allclose(warm.word, cold.word, atol=1e-9)


# --------------------------------------------------------------------------- crossings

SHAPE = (3, 4)
TRANSISTOR = Transistor(threshold=0.7, gain=2e-4)


def made_threshold():
    selector = ThresholdSelector(threshold=1.0, hold=0.4, on_resistance=1e3, off_resistance=1e8, shape=SHAPE)
    selector.on[1] = True
    return selector


@pytest.mark.parametrize(
    "crosspoint",
    [
        Direct(),
        ExponentialSelector(saturation=1e-12, slope_voltage=0.05),
        made_threshold(),
        SelfRectifying(100.0),
    ],
    ids=lambda c: type(c).__name__,
)
@pytest.mark.parametrize("kind", ["linear", "sinh", "unknown"])
def test_crossing(crosspoint, kind):
    """Slope is the derivative, the cell's voltage carries the current, picked cells are those of all."""
    g = np.geomspace(1e-7, 1e-3, 12).reshape(SHAPE)
    cells = LinearCells(g) if kind == "linear" else SinhCells(g, 0.2, kind == "sinh")
    for v in (-1.5, -0.2, 1e-3, 0.3, 2.0):
        volts = np.full(SHAPE, v)
        over, current, slope = crosspoint.solve(volts, cells)
        step = 1e-5 * abs(v)
        difference = crosspoint.solve(volts + step, cells)[1] - crosspoint.solve(volts - step, cells)[1]
        np.testing.assert_allclose(slope, difference / (2 * step), rtol=2e-5)
        if not isinstance(crosspoint, SelfRectifying):
            np.testing.assert_allclose(cells.current(over)[0], current, rtol=1e-7, atol=1e-22)
        place = (np.array([1, 2]), np.array([0, 3]))
        np.testing.assert_allclose(
            crosspoint.solve(volts[place], cells, place)[1], current[place], rtol=1e-12
        )
    assert np.all(crosspoint.solve(np.zeros(SHAPE), cells)[1] == 0.0)


@pytest.mark.parametrize("v0", [0.3, 0.025, np.inf])
@pytest.mark.parametrize(("saturation", "slope"), [(1e-11, 0.06), (1e-9, 0.1), (1e-15, 0.026)])
def test_compiled_crossing_is_the_general_one(v0, saturation, slope):
    """From 1 nV to 3 V; and cell and selector add up to the voltage."""
    volts = np.geomspace(1e-9, 3.0, 600).reshape(1, -1)
    selector = ExponentialSelector(saturation=saturation, slope_voltage=slope)
    for g in (1e-9, 1e-5, 1e-3):
        conductance = np.full(volts.shape, g)
        known, unknown = (
            (SinhCells(conductance, v0, flag) for flag in (True, False))
            if np.isfinite(v0)
            else (LinearCells(conductance), NoLaw(conductance))
        )
        inner, current, slopes = selector.solve(volts, known)
        for ours, general, most in zip(
            (inner, current, slopes), selector.solve(volts, unknown), (3e-12, 3e-12, 1e-6), strict=True
        ):
            np.testing.assert_allclose(ours, general, rtol=most)
        np.testing.assert_allclose(inner + slope * np.arcsinh(current / saturation), volts, rtol=1e-13)


@pytest.mark.parametrize("v0", [0.3, np.inf])
def test_slope_of_a_crossing_at_no_voltage(v0):
    """Both conductances in series: 1/(1/G + Vs/Is), exact."""
    g = np.array([[1e-7, 1e-4]])
    cells = SinhCells(g, v0) if np.isfinite(v0) else LinearCells(g)
    selector = ExponentialSelector(saturation=1e-9, slope_voltage=0.1)
    inner, current, slope = selector.solve(np.zeros((1, 2)), cells)
    assert np.all(inner == 0.0) and np.all(current == 0.0)
    np.testing.assert_allclose(slope, 1.0 / (1.0 / g + 0.1 / 1e-9), rtol=1e-12)


def test_selector_limits():
    """No selector when it conducts all, the bare selector when the cell does."""
    g, v = two_states(12), np.linspace(0.0, 0.4, 12)
    free = Crossbar(LinearCells(g), wires(12), ExponentialSelector(saturation=1e3, slope_voltage=0.05))
    np.testing.assert_allclose(free.multiply(v), Crossbar(LinearCells(g), wires(12)).multiply(v), rtol=1e-6)
    short = Crossbar(
        LinearCells(np.full((12, 12), 1e3)),
        wires(12),
        ExponentialSelector(saturation=1e-8, slope_voltage=0.05),
    )
    bare = Crossbar(SinhCells(np.full((12, 12), 1e-8 / 0.05), 0.05), wires(12))
    np.testing.assert_allclose(short.multiply(v), bare.multiply(v), rtol=1e-6)


def test_threshold_selectors_turn_on_where_selected_and_off_again():
    selector = ThresholdSelector(threshold=1.5, hold=0.5, on_resistance=1e3, off_resistance=1e9, shape=(8, 8))
    crossbar = Crossbar(LinearCells(np.full((8, 8), 1e-4)), wires(8), selector)
    s = crossbar.solve(bias.select((8, 8), (2, 3), 2.0))
    assert selector.on.sum() == 1 and selector.on[2, 3]
    assert s.current[2, 3] == pytest.approx(2.0 / (1e4 + 1e3), rel=0.02)
    crossbar.solve(bias.select((8, 8), (2, 3), 0.3))
    assert not selector.on.any()


def test_self_rectifying_cells_let_through_a_share_against_their_direction():
    """I(-V) = -I(V)/ratio, I(V) that of the cell alone, and slopes alike."""
    cells, rectifying = SinhCells(np.full((1, 3), 1e-4), 0.2), SelfRectifying(50.0)
    volts = np.array([[0.1, 0.5, 1.3]])
    _, forward, slope = rectifying.solve(volts, cells)
    _, reverse, slope_back = rectifying.solve(-volts, cells)
    np.testing.assert_array_equal(forward, cells.current(volts)[0])
    np.testing.assert_allclose(reverse, -forward / 50.0, rtol=1e-14)
    np.testing.assert_allclose(slope_back, slope / 50.0, rtol=1e-14)


def test_half_select_power():
    """Without wires: (n-1) V I(V/2) beside V I(V), with and without a selector."""
    lines, g = Lines(shape=(8, 8)), np.full((8, 8), 1e-4)
    for cross, most in ((Direct(), 0.8), (ExponentialSelector(saturation=1e-16, slope_voltage=0.05), 0.01)):
        crossbar = Crossbar(LinearCells(g), lines, cross)
        s = crossbar.solve(bias.select((8, 8), (0, 0), 2.0))
        full, half = (
            cross.solve(np.array([v]), crossbar.cells, (np.array([0]), np.array([0])))[1][0]
            for v in (2.0, 1.0)
        )
        assert s.cell_power == pytest.approx(2.0 * full + 14 * 1.0 * half, rel=1e-9)
        assert 14 * half / s.cell_power < most


# --------------------------------------------------------------------------- pulses


def card_array(n, **more):
    return Crossbar(
        made_up_cells((n, n)), wires(n), ExponentialSelector(saturation=1e-11, slope_voltage=0.06), **more
    )


def test_load_line_follows_a_full_solve():
    """Within 1 mV over a train of pulses that sets the cell, at a fraction of the solves."""
    line, full = card_array(16), card_array(16, use_load_line=False)
    for _ in range(12):
        energy = [a.pulse((9, 11), 2.6, 5e-9) for a in (line, full)]
        assert energy[0] == pytest.approx(energy[1], rel=2e-3)
        gap = [a.cells.gap[9, 11] for a in (line, full)]
        assert gap[0] == pytest.approx(gap[1], abs=2e-13)
    assert gap[0] < 1.25e-9
    assert line.solves < full.solves
    truth = full.solve(bias.select((16, 16), (9, 11), 2.6)).voltage[9, 11]
    assert line.memory.visits["half", 2.6].now.voltage == pytest.approx(truth, abs=1e-3)
    assert line.read((9, 11), 0.5, 1e-9)[0] == pytest.approx(full.read((9, 11), 0.5, 1e-9)[0], rel=1e-4)
    read = line.read((9, 11), 0.5, 1e-9)[0]
    line.finish()
    truth = line.solve(bias.select((16, 16), (9, 11), 0.5, "grounded")).sensed[11]
    assert read == pytest.approx(truth, rel=1e-6)


def test_parts_of_a_pulse_follow_the_voltage():
    """A cell that sets behind 3 kohm and loses half of its voltage: as in 4,000 equal parts, in far fewer."""

    def made(**more):
        lines = Lines(shape=(2, 2), word_resistance=1.0, bit_resistance=1.0, word_source_resistance=3e3)
        return Crossbar(made_up_cells((2, 2)), lines, **more)

    fine, ours, coarse = made(steps=4000), made(voltage_step=5e-3), made()
    energy = [a.pulse((0, 1), 1.5, 3e-7) for a in (fine, ours, coarse)]
    gap = [float(a.cells.gap[0, 1]) for a in (fine, ours, coarse)]
    assert gap[1] == pytest.approx(gap[0], abs=4e-12) and abs(gap[2] - gap[0]) > 2e-11
    assert energy[1] == pytest.approx(energy[0], rel=1e-2)
    assert ours.solves < 400


def test_half_selected_cells_feel_what_they_should():
    """Disturb: the rest of the selected row and column drift at V/2, the others not at all."""
    array = Crossbar(made_up_cells((8, 8)), Lines(shape=(8, 8)))
    before = array.cells.gap.copy()
    array.pulse((2, 3), 1.6, 1e-6)
    array.finish()
    moved = before - array.cells.gap
    row = np.delete(moved[2], 3)
    alone = made_up_cells((1, 1))
    alone.apply(np.full((1, 1), 0.8), 1e-6)
    np.testing.assert_allclose(row, before[0, 0] - alone.gap[0, 0], rtol=1e-9)
    np.testing.assert_allclose(np.delete(moved[:, 3], 2), row[0], rtol=1e-9)
    assert np.all(np.delete(np.delete(moved, 2, 0), 3, 1) == 0.0) and moved[2, 3] > 4 * row[0] > 0.0


def test_crossbar_of_live_devices():
    from frenkel.kinetic.device import Device
    from frenkel.kinetic.materials.material import Material

    hfo2 = Material.load("HfO2-volatile")
    cells = LiveCells(
        [[Device(hfo2, 2e-9, 1.1e-9, seed=2, member=2 * i + j) for j in range(2)] for i in range(2)]
    )
    array = Crossbar(cells, wires(2))
    current = array.multiply([0.1, 0.1])
    assert np.all(current > 0.0)
    array.pulse((0, 1), 1.0, 1e-8)
    array.finish()
    assert all(device.time == pytest.approx(1e-8) for device in cells.devices.ravel())


def test_stuck_cells_spoil_the_product_of_their_column_only():
    g = two_states(8)
    stuck = np.full((8, 8), np.nan)
    stuck[3, 5] = 1e-2
    bad = Crossbar(FaultyCells(LinearCells(g), stuck), Lines(shape=(8, 8)))
    good = Crossbar(LinearCells(g), Lines(shape=(8, 8)))
    difference = bad.multiply(np.ones(8)) - good.multiply(np.ones(8))
    assert difference[5] == pytest.approx(1e-2 - g[3, 5]) and np.abs(np.delete(difference, 5)).max() < 1e-15


def test_failure_names_bias_cell_and_residual():
    class Bistable(LinearCells):
        """Its current falls with voltage beyond 1 V: no unique answer."""

        def current(self, voltage, where=None):
            g = self.conductance if where is None else self.conductance[where]
            return g * np.where(np.abs(voltage) < 1.0, 1e3, 1e-3) * np.sign(voltage), g * np.ones_like(
                voltage
            )

    with pytest.raises(
        ConvergenceError, match=r"missed by .* A .* at a bias of 3 V; .* at cell \(\d+, \d+\)"
    ):
        Crossbar(Bistable(two_states(6)), wires(6, 1e3)).solve(bias.select((6, 6), (1, 1), 3.0))


@pytest.mark.parametrize(("saturation", "slope"), [(1.0, 1e-6), (1e6, 1e-9), (1e-30, 1e-6), (1e-300, 1e-3)])
def test_extreme_selectors_are_solved(saturation, slope):
    selector = ExponentialSelector(saturation=saturation, slope_voltage=slope)
    s = Crossbar(made_up_cells((6, 6)), wires(6), selector).solve(bias.select((6, 6), (2, 2), 2.0))
    assert s.newton_steps <= 20 and s.residual <= 1e-9 * np.abs(s.current).max()


def test_selectors_that_cannot_settle_are_named():
    """On, the driver takes the voltage; off, the selector does."""
    selector = ThresholdSelector(
        threshold=1.0, hold=0.9, on_resistance=1e3, off_resistance=1e12, shape=(3, 3)
    )
    lines = Lines(shape=(3, 3), word_resistance=1.0, bit_resistance=1.0, word_source_resistance=1e6)
    crossbar = Crossbar(LinearCells(np.full((3, 3), 1e-4)), lines, selector)
    with pytest.raises(
        ConvergenceError, match=r"at a bias of 2 V, such as that of cell \(1, 2\) at .* V; Kirchhoff"
    ):
        crossbar.solve(bias.select((3, 3), (1, 2), 2.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialSelector(saturation=0.0, slope_voltage=0.1), "saturation must be positive"),
        (lambda: SelfRectifying(0.5), "ratio must be at least 1"),
        (lambda: Transistor(threshold=0.5, gain=1e-4, slope_factor=0.9), "slope_factor must be at least 1"),
        (lambda: Ladders(shape=(2, 2), resistance=(0.0, 1.0)), "resistance must be positive"),
        (lambda: Crossbar(LinearCells(np.ones((2, 2))), wires(3)), "same shape"),
        (
            lambda: Crossbar(LinearCells(np.ones((2, 2))), wires(2), scheme="none"),
            "scheme must be one of grounded, floating, half, third, got 'none'",
        ),
        (
            lambda: ThresholdSelector(
                threshold=0.3, hold=0.4, on_resistance=1.0, off_resistance=2.0, shape=(1, 1)
            ),
            "hold must lie",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_guess_keeps_driven_lines_at_their_voltage():
    """Word 1 is driven to 0.7 V, bit 2 to -0.2 V, without resistance; other nodes are those of the guess."""
    m, n = 3, 4
    guess = np.arange(12.0).reshape(m, n), 100.0 + np.arange(12.0).reshape(m, n)
    network = SimpleNamespace(
        lines=SimpleNamespace(shape=(m, n)),
        word_known=np.array([False, True, False]), bit_known=np.array([False, False, True, False]),
        start=lambda: (np.full((m, n), 0.7), np.full((m, n), -0.2)),
    )  # fmt: skip
    word, bit = newton._from(network, guess)
    np.testing.assert_array_equal(word, [guess[0][0], [0.7] * n, guess[0][2]])
    np.testing.assert_array_equal(bit[:, 2], [-0.2] * m)
    np.testing.assert_array_equal(bit[:, [0, 1, 3]], guess[1][:, [0, 1, 3]])
    network.word_known[:] = network.bit_known[:] = False
    word, bit = newton._from(network, guess)
    np.testing.assert_array_equal([word, bit], guess)
    assert word is not guess[0] and bit is not guess[1]
    with pytest.raises(ValueError, match="guess of the bit nodes"):
        newton._from(network, (guess[0], guess[1].T))
