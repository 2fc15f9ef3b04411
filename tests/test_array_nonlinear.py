"""Newton's method, crossings with selectors and transistors, columns, and pulses through all of them."""

import numpy as np
import pytest
from made_up_cells import CARD

from frenkel.array import bias
from frenkel.array.cells import CardCells, FaultyCells, LinearCells, LiveCells, conductance
from frenkel.array.columns import DifferentialArray, Ladders, TransistorArray
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import (
    Direct,
    ExponentialSelector,
    OneTransistorOneResistor,
    SelfRectifying,
    ThresholdSelector,
    Transistor,
)
from frenkel.array.lines import ConvergenceError, Lines
from frenkel.array.newton import limited
from frenkel.array.weights import DifferentialPair, ReferenceColumn


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


# --------------------------------------------------------------------------- transistors


def test_transistor_limits():
    """Strong inversion: gain n/2 (V_P - V_S)^2; weak: e per n kT/q of the gate; nothing at V_DS = 0."""
    t = Transistor(threshold=0.5, gain=1e-4, slope_factor=1.4)
    pinch = (3.0 - 0.5) / 1.4
    assert t.saturation(3.0) == pytest.approx(1e-4 * 1.4 / 2 * pinch**2, rel=1e-3)
    assert t.gate_for(t.saturation(1.234)) == pytest.approx(1.234, rel=1e-12)
    weak = t.saturation(0.0) / t.saturation(-1.4 * 8.617333262e-5 * 300)
    assert weak == pytest.approx(np.e, rel=1e-3)
    assert t.current(0.3, 0.3, 2.0)[0] == 0.0
    forward, back = t.current(0.7, 0.1, 2.0)[0], t.current(0.1, 0.7, 2.0)[0]
    assert forward == -back


@pytest.mark.parametrize("gate", [0.0, 0.6, 1.0, 3.0])
def test_cell_with_transistor(gate):
    """Slopes are derivatives, current bounded by the transistor's saturation and by the cell alone."""
    cross, g = OneTransistorOneResistor(transistor=TRANSISTOR), np.geomspace(1e-7, 1e-3, 12).reshape(SHAPE)
    cells, gates = LinearCells(g), np.full(SHAPE, gate)
    for bit, source in ((0.2, 0.0), (2.0, 0.0), (0.0, 1.5), (0.5, 0.5)):
        b, s = np.full(SHAPE, bit), np.full(SHAPE, source)
        current, d_bit, d_source = cross.current(b, s, gates, cells)
        h = 1e-6
        for slope, one, other in ((d_bit, (b + h, s), (b - h, s)), (d_source, (b, s + h), (b, s - h))):
            up, down = cross.current(*one, gates, cells)[0], cross.current(*other, gates, cells)[0]
            np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=2e-4, atol=1e-10)
        most = np.minimum(TRANSISTOR.saturation(gate), g * abs(bit - source))
        assert np.all(np.abs(current) <= most * (1 + 1e-9))
        over = cross.cell_voltage(b, s, gates, cells)
        np.testing.assert_allclose(g * over, current, rtol=1e-6, atol=1e-16)


def test_gate_sets_the_compliance():
    cells = LinearCells(np.full((4, 4), 1.0))
    array = TransistorArray(cells, OneTransistorOneResistor(transistor=TRANSISTOR))
    gate = TRANSISTOR.gate_for(50e-6)
    current = array.solve([2.0, 0, 0, 0], 0.0, [0, gate, 0, 0]).top[0, 0]
    assert current == pytest.approx(50e-6, rel=2e-3)


def test_column_drop_of_current_sinks():
    """Cells that sink one current: drop r I m (m + 1)/2 to the far end of the bit line, exact."""
    m, sink, r = 50, 1e-5, 3.0

    def law(one, other):
        return np.full(one.shape, sink), np.full(one.shape, 1e-18), np.full(one.shape, -1e-18)

    ladders = Ladders(shape=(m, 2), resistance=(r, r))
    nothing = np.full(2, np.nan)
    s = ladders.solve(np.array([[1.0, 1.0], nothing]), np.array([nothing, [0.0, 0.0]]), [(0, 1, law)])
    assert 1.0 - s.node[0, -1, 0] == pytest.approx(r * sink * m * (m + 1) / 2, rel=1e-9)
    assert s.node[1, 0, 1] == pytest.approx(r * sink * m * (m + 1) / 2, rel=1e-9)


def test_columns_are_what_one_circuit_of_resistors_is():
    """Against a dense solve of one column."""
    m, n, g = 6, 3, np.random.default_rng(3).uniform(1e-5, 1e-3, (6, 3))
    ladders = Ladders(shape=(m, n), resistance=(4.0, 7.0), source_resistance=11.0)
    nothing = np.full(n, np.nan)
    s = ladders.solve(
        np.array([np.full(n, 1.0), nothing]),
        np.array([nothing, np.zeros(n)]),
        [(0, 1, lambda a, b: (g * (a - b), g, -g))],
    )
    a = np.zeros((2 * m, 2 * m))
    rhs = np.zeros(2 * m)

    def resistor(p, q, value):
        for x, y in ((p, q), (q, p)):
            a[x, x] += value
            a[x, y] -= value

    for i in range(m):
        resistor(i, m + i, g[i, 1])
        if i:
            resistor(i - 1, i, 1 / 4.0)
            resistor(m + i - 1, m + i, 1 / 7.0)
    a[0, 0] += 1 / 15.0
    a[-1, -1] += 1 / 18.0
    rhs[0] = 1 / 15.0
    x = np.linalg.solve(a, rhs)
    np.testing.assert_allclose(s.node[:, :, 1].ravel(), x, rtol=1e-10)
    assert s.steps == 1


def test_columns_need_few_steps_and_balance_power():
    rng = np.random.default_rng(4)
    array = TransistorArray(
        LinearCells(two_states(32)),
        OneTransistorOneResistor(transistor=TRANSISTOR),
        bit_resistance=3.0,
        source_line_resistance=3.0,
    )
    s = array.solve(np.full(32, 1.2), np.zeros(32), np.where(rng.random(32) < 0.5, 2.5, 0.0))
    assert s.steps <= 6
    assert s.top[0] == pytest.approx(-s.bottom[1], rel=1e-9)
    lost = sum(3.0 * np.sum((np.diff(s.node[k], axis=0) / 3.0) ** 2) for k in (0, 1))
    lost += 3.0 * np.sum(s.top[0] ** 2) + 3.0 * np.sum(s.bottom[1] ** 2)
    assert np.sum(s.current[0] * (s.node[0] - s.node[1])) + lost == pytest.approx(s.power, rel=1e-8)


def test_equal_pairs_cancel_exactly():
    g = two_states(16)
    pair = DifferentialArray(
        LinearCells(g), LinearCells(g.copy()), OneTransistorOneResistor(transistor=TRANSISTOR)
    )
    assert np.abs(pair.column_currents(np.full(16, 2.0), 0.3)).max() < 1e-9 * 16 * 3e-5
    plus = DifferentialArray(
        LinearCells(2 * g), LinearCells(g), OneTransistorOneResistor(transistor=TRANSISTOR)
    )
    assert np.all(plus.column_currents(np.full(16, 2.0), 0.3) > 0.0)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_variance_of_a_difference(correlation):
    """A-07: Var(G+ - G-) = 2 sigma^2 (1 - rho). 20,000 pairs, 4.5 standard errors: false alarm 7e-6."""
    rng, n, sigma = np.random.default_rng(7), 20_000, 1e-6
    common, a, b = rng.standard_normal((3, n))
    plus = 1e-5 + sigma * (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * a)
    minus = 1e-5 + sigma * (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * b)
    pairs = DifferentialArray(
        LinearCells(plus[None]),
        LinearCells(minus[None]),
        OneTransistorOneResistor(transistor=Transistor(threshold=0.0, gain=10.0)),
        bit_resistance=1e-3,
        source_line_resistance=1e-3,
    )
    difference = pairs.column_currents([5.0], 0.1) / 0.1
    want = 2 * sigma**2 * (1 - correlation)
    assert abs(difference.var() - want) <= 4.5 * want * np.sqrt(2 / n) + 1e-20
    if correlation == 1.0:
        assert np.abs(difference).max() < 1e-13


# --------------------------------------------------------------------------- signed weights


def test_pairs_and_reference_columns_hold_signed_weights():
    rng = np.random.default_rng(8)
    w, v = rng.uniform(-1, 1, (9, 5)), rng.random(9)
    pair = DifferentialPair(least=1e-6, most=1e-4)
    plus, minus = pair.conductances(w)
    np.testing.assert_allclose(pair.products(0.2 * v @ plus, 0.2 * v @ minus, 0.2), v @ w, rtol=1e-10)
    column = ReferenceColumn(least=1e-6, most=1e-4)
    crossbar = Crossbar(LinearCells(column.conductances(w)), Lines(shape=(9, 6)))
    np.testing.assert_allclose(
        column.products(crossbar.multiply(0.2 * v), 0.2), v @ w, rtol=1e-10, atol=1e-14
    )
    with pytest.raises(ValueError, match="weights must lie between -1 and 1, got 1.5"):
        pair.conductances([[1.5]])


# --------------------------------------------------------------------------- pulses



def card_array(n, **more):
    cells = CardCells(CARD, np.full((n, n), 1.4e-9), np.random.default_rng(0))
    return Crossbar(cells, wires(n), ExponentialSelector(saturation=1e-11, slope_voltage=0.06), **more)


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
    assert line._visits["half", 2.6].now.voltage == pytest.approx(truth, abs=1e-3)
    assert line.read((9, 11), 0.5, 1e-9)[0] == pytest.approx(full.read((9, 11), 0.5, 1e-9)[0], rel=1e-4)
    read = line.read((9, 11), 0.5, 1e-9)[0]
    line.finish()
    truth = line.solve(bias.select((16, 16), (9, 11), 0.5, "grounded")).sensed[11]
    assert read == pytest.approx(truth, rel=1e-6)


def test_half_selected_cells_feel_what_they_should():
    """Disturb: the rest of the selected row and column drift at V/2, the others not at all."""
    array = Crossbar(card_array(8).cells, Lines(shape=(8, 8)))
    array.pulse((2, 3), 1.6, 1e-6)
    array.finish()
    moved = 1.4e-9 - array.cells.gap
    row = np.delete(moved[2], 3)
    alone = CardCells(CARD, np.full((1, 1), 1.4e-9), np.random.default_rng(0))
    alone.apply(np.full((1, 1), 0.8), 1e-6)
    np.testing.assert_allclose(row, 1.4e-9 - alone.gap[0, 0], rtol=1e-9)
    np.testing.assert_allclose(np.delete(moved[:, 3], 2), row[0], rtol=1e-9)
    assert np.all(np.delete(np.delete(moved, 2, 0), 3, 1) == 0.0) and moved[2, 3] > 5 * row[0] > 0.0


def test_reading_and_pulsing_with_transistors():
    cells = CardCells(CARD, np.full((4, 4), 1.4e-9), np.random.default_rng(0))
    array = TransistorArray(cells, OneTransistorOneResistor(transistor=TRANSISTOR), gate_on=3.0)
    before, energy = array.read((1, 2), 0.1, 1e-9)
    assert before == pytest.approx(array.solve([0, 0, 0.1, 0], 0.0, [0, 3.0, 0, 0]).top[0, 2], rel=1e-9)
    assert energy == pytest.approx(0.1 * before * 1e-9, rel=1e-6)
    assert array.pulse((1, 2), 1.6, 1e-6, gate=1.5) > 0.0
    after, _ = array.read((1, 2), 0.1, 1e-9)
    assert after > 3 * before
    assert conductance(cells)[0, 2] == pytest.approx(conductance(cells)[0, 0], rel=1e-3)
    array.pulse((1, 2), -1.8, 1e-6)
    assert array.read((1, 2), 0.1, 1e-9)[0] < after


def test_crossbar_of_live_devices():
    from frenkel.kinetic.device import Device
    from frenkel.kinetic.material import Material

    hfo2 = Material.load("HfO2")
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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialSelector(saturation=0.0, slope_voltage=0.1), "saturation must be positive"),
        (lambda: SelfRectifying(0.5), "ratio must be at least 1"),
        (lambda: Transistor(threshold=0.5, gain=1e-4, slope_factor=0.9), "slope_factor must be at least 1"),
        (lambda: Ladders(shape=(2, 2), resistance=(0.0, 1.0)), "resistance must be positive"),
        (lambda: Crossbar(LinearCells(np.ones((2, 2))), wires(3)), "same shape"),
        (lambda: Crossbar(LinearCells(np.ones((2, 2))), wires(2), scheme="none"), "no bias scheme 'none'"),
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
