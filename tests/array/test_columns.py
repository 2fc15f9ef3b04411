"""Arrays with transistors: the transistor, a cell behind it, columns, pairs, signed weights, pulses."""

import numpy as np
import pytest
from made_up_cells import made_up_cells

from frenkel.array.columns import DifferentialArray, Ladders, TransistorArray
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import OneTransistorOneResistor, Transistor
from frenkel.array.lines.network import Lines
from frenkel.array.weights import DifferentialPair, ReferenceColumn
from frenkel.cells.core import GapCore
from frenkel.cells.gap_cells import CardCells
from frenkel.cells.interface import conductance
from frenkel.cells.resistors import LinearCells

SHAPE = (3, 4)
TRANSISTOR = Transistor(threshold=0.7, gain=2e-4)


class NoLaw(LinearCells):
    """Resistors that do not say so."""

    def sinh_law(self, where=None):
        return None


def two_states(n, seed=0):
    return np.where(np.random.default_rng(seed).random((n, n)) < 0.5, 1e-4, 1e-6)


@pytest.mark.parametrize("gate", [0.0, 0.7, 3.0])
def test_compiled_branch_is_the_general_one(gate):
    """Cell in series with a transistor, weak to strong inversion, both directions."""
    cross, g = OneTransistorOneResistor(transistor=TRANSISTOR), np.geomspace(1e-9, 1e-2, 12).reshape(SHAPE)
    gates = np.full(SHAPE, gate)
    for bit, source in ((0.3, 0.0), (2.0, 0.1), (0.0, 1.5), (1e-6, 0.0), (0.4, 0.4)):
        ends = np.full(SHAPE, bit), np.full(SHAPE, source)
        ours, general = (cross.branch(*ends, gates, cells) for cells in (LinearCells(g), NoLaw(g)))
        for one, other in zip(ours[:2], general[:2], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-24)
        for one, other in zip(ours[2:], general[2:], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-18)


@pytest.mark.parametrize("apart", [1e-6, 1e-4, -3e-5])
def test_few_steps_find_a_small_voltage_between_high_ones(apart):
    """The drain's voltage has no more digits than 2.5 V leaves: nothing closer is looked for."""
    calls = []

    class Counted(NoLaw):
        def current(self, voltage, where=None):
            calls.append(voltage)
            return super().current(voltage, where)

    cross, g = OneTransistorOneResistor(transistor=TRANSISTOR), np.geomspace(1e-9, 1e-2, 12).reshape(SHAPE)
    ends = np.full(SHAPE, 2.5 + apart), np.full(SHAPE, 2.5), np.full(SHAPE, 6.0)
    inner, current = cross.branch(*ends, Counted(g))[:2]
    assert len(calls) <= 10
    # Both are ohmic here: the channel conducts gain n (V_P - V_S).
    channel = 2e-4 * 1.3 * ((6.0 - 0.7) / 1.3 - 2.5)
    np.testing.assert_allclose(inner, apart * channel / (channel + g), rtol=1e-3)
    np.testing.assert_allclose(current, g * inner, rtol=1e-8)


def test_transistor_limits():
    """Strong inversion: gain n/2 (V_P - V_S)^2; weak: e per n kT/q of the gate; nothing at V_DS = 0."""
    t = Transistor(threshold=0.5, gain=1e-4, slope_factor=1.4)
    pinch = (3.0 - 0.5) / 1.4
    assert t.saturation(3.0) == pytest.approx(1e-4 * 1.4 / 2 * pinch**2, rel=1e-3)
    assert t.gate_for(t.saturation(1.234)) == pytest.approx(1.234, rel=1e-12)
    weak = t.saturation(0.0) / t.saturation(-1.4 * (1.380649e-23 / 1.602176634e-19) * 300)
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
        over = cross.branch(b, s, gates, cells)[0]
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


def test_power_of_sources_at_both_ends_is_what_is_lost():
    """Currents flow from the source line into the bit line: both sources count."""
    array = TransistorArray(
        LinearCells(two_states(6)), OneTransistorOneResistor(transistor=TRANSISTOR),
        bit_resistance=3.0, source_line_resistance=7.0, driver_resistance=11.0,
    )  # fmt: skip
    s = array.solve(np.full(6, 0.2), np.full(6, 1.1), np.full(6, 3.0))
    assert np.all(s.top[0] < 0.0) and s.top[0] == pytest.approx(-s.bottom[1], rel=1e-9)
    lost = sum(r * np.sum((np.diff(s.node[k], axis=0) / r) ** 2) for k, r in enumerate((3.0, 7.0)))
    lost += (3.0 + 11.0) * np.sum(s.top[0] ** 2) + (7.0 + 11.0) * np.sum(s.bottom[1] ** 2)
    assert s.power == pytest.approx(np.sum(s.current[0] * (s.node[0] - s.node[1])) + lost, rel=1e-8)


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


def test_common_factor_scales_the_weight_and_not_its_zero():
    """A-07: a relative error that both cells share, such as of the supply, leaves a difference of nothing."""
    g = two_states(8)
    made = {}
    for factor in (1.0, 1.1):
        for name, minus in (("zero", g), ("weight", 0.5 * g)):
            pairs = DifferentialArray(
                LinearCells(factor * g),
                LinearCells(factor * minus),
                OneTransistorOneResistor(transistor=Transistor(threshold=0.0, gain=10.0)),
                bit_resistance=1e-3,
                source_line_resistance=1e-3,
            )
            made[name, factor] = pairs.column_currents(np.full(8, 5.0), 0.1)
    np.testing.assert_allclose(made["weight", 1.1] / made["weight", 1.0], 1.1, rtol=1e-3)
    assert np.abs(made["zero", 1.1]).max() < 1e-12


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


def test_pairs_behind_transistors_hold_signed_weights():
    """16 x 16 of 4 bits: the sign and order of the weights come through transistors and lines."""
    features = {"hrs": 1e6, "lrs": 2e4, "set_voltage": 1.2, "reset_voltage": -1.2}
    plus, minus = (CardCells(GapCore(), features, (16, 16)) for _ in range(2))
    transistor = Transistor(threshold=1.0, gain=2e-4, slope_factor=1.5)
    array = DifferentialArray(
        plus,
        minus,
        OneTransistorOneResistor(transistor=transistor),
        bit_resistance=2.0,
        source_line_resistance=2.0,
    )
    rng = np.random.default_rng(1)
    w = rng.integers(-7, 8, (16, 16)) / 7.0
    plus, minus = DifferentialPair(least=2e-6, most=4e-5).conductances(w)
    array.plus.program(plus)
    array.minus.program(minus)
    for row in range(16):
        gates = np.zeros(16)
        gates[row] = 3.0
        order = np.argsort(array.column_currents(gates, 0.1))
        assert np.all(np.diff(w[row][order]) >= 0.0)


def test_reading_and_pulsing_with_transistors():
    cells = made_up_cells((4, 4))
    array = TransistorArray(cells, OneTransistorOneResistor(transistor=TRANSISTOR), gate_on=3.0)
    whole = array.solve([0, 0, 0.1, 0], 0.0, [0, 3.0, 0, 0]).top[0, 2]
    before, energy = array.read((1, 2), 0.1, 1e-9)
    assert before == pytest.approx(whole, rel=1e-9)
    assert energy == pytest.approx(0.1 * before * 1e-9, rel=1e-6)
    assert array.pulse((1, 2), 1.6, 1e-6, gate=1.5) > 0.0
    after, _ = array.read((1, 2), 0.1, 1e-9)
    assert after > 3 * before
    assert conductance(cells)[0, 2] == pytest.approx(conductance(cells)[0, 0], rel=1e-3)
    assert array.pulse((1, 2), -1.8, 1e-6) > 0.0
    assert array.read((1, 2), 0.1, 1e-9)[0] < after
