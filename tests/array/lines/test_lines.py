"""Lines with linear cells: closed forms, conservation, and two solvers against each other."""

import numpy as np
import pytest
from closed_forms import elmore_delay, ladder, sneak_resistance
from scipy.sparse.linalg import splu

from frenkel.array.crossbar import Crossbar
from frenkel.array.lines import bias, newton
from frenkel.array.lines.dissection import order
from frenkel.array.lines.effective import effective_matrix, load_line
from frenkel.array.lines.network import Lines, Network
from frenkel.array.lines.solvers import DirectSolver, SchurSolver, solver_for
from frenkel.cells.resistors import LinearCells

LRS, HRS = 1e-4, 1e-6


def cells(m, n, seed=0):
    return np.where(np.random.default_rng(seed).random((m, n)) < 0.5, LRS, HRS)


def solve(lines, the_bias, conductance, solver=None):
    network = Network(lines, the_bias)
    return linear(network, (solver or solver_for)(network), conductance)


def linear(network, solver, conductance):
    return newton.solve(network, solver, lambda voltage: (conductance * voltage, conductance))


def resistive(m, n, r=5.0, **more):
    return Lines(shape=(m, n), word_resistance=r, bit_resistance=r, **more)


# --------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize("n", [1, 2, 3, 32, 128, 1024])
@pytest.mark.parametrize(("r", "resistance"), [(1.0, 1e4), (7.0, 1e4), (1.0, 1e6)])
def test_ladder(n, r, resistance):
    """A-01, X-25."""
    lines = Lines(shape=(1, n), word_resistance=r)
    ours = solve(lines, bias.multiply([1.0], n), np.full((1, n), 1.0 / resistance)).word[0]
    np.testing.assert_allclose(ours, ladder(n, r, 1.0 / resistance), rtol=1e-10)


@pytest.mark.parametrize(
    ("n", "resistance", "percent"),
    [
        (32, 1e4, 5.1),
        (64, 1e4, 17.7),
        (128, 1e4, 48.6),
        (128, 2e4, 30.7),
        (128, 1e5, 7.7),
        (512, 1e6, 11.8),
    ],
)
def test_far_end_drop(n, resistance, percent):
    """A-01, numbers as printed."""
    assert 100.0 * (1.0 - ladder(n, 1.0, 1.0 / resistance)[-1]) == pytest.approx(percent, abs=0.06)


@pytest.mark.parametrize(("ratio", "limit"), [(1e4, 47), (1e5, 148), (1e6, 467)])
def test_size_limit(ratio, limit):
    """A-02: 10 % drop at the far end, within 2 % of the number in the table; about sqrt(0.2 R/r)."""
    drops = np.array([1.0 - ladder(n, 1.0, 1.0 / ratio)[-1] for n in range(1, 2 * limit)])
    assert np.argmax(drops > 0.1) + 1 == pytest.approx(limit, rel=0.02)
    assert limit == pytest.approx(np.sqrt(0.2 * ratio), rel=0.06)


def test_resistance_of_an_endless_line():
    """r/2 + sqrt(r^2/4 + r/G): 268.10 ohm at 7 ohm and 100 uS, seen by the driver."""
    lines = Lines(shape=(1, 600), word_resistance=7.0)
    seen = 1.0 / solve(lines, bias.multiply([1.0], 600), np.full((1, 600), 1e-4)).left[0]
    assert seen == pytest.approx(3.5 + np.sqrt(3.5**2 + 7e4), rel=1e-11)
    assert seen == pytest.approx(268.10, abs=0.005)


@pytest.mark.parametrize("n", [2, 33, 1024])
def test_ladder_driven_at_both_ends_is_a_superposition(n):
    """X-25; the voltages differ, and the undriven end of each part is held at 0 V."""
    lines, g = Lines(shape=(1, n), word_resistance=2.0), np.full((1, n), LRS)
    zero = np.zeros(n)

    def ends(left, right):
        return bias.Bias(np.array([left]), np.array([right]), np.full(n, bias.FLOATING), zero)

    both = solve(lines, ends(1.0, 0.4), g).word
    parts = solve(lines, ends(1.0, 0.0), g).word + solve(lines, ends(0.0, 0.4), g).word
    np.testing.assert_allclose(both, parts, rtol=1e-12)
    mu = 2.0 * np.arcsinh(np.sqrt(2.0 * LRS) / 2.0)
    k = np.arange(1, n + 1)
    exact = (np.sinh((n + 1 - k) * mu) + 0.4 * np.sinh(k * mu)) / np.sinh((n + 1) * mu)
    np.testing.assert_allclose(both[0], exact, rtol=1e-10)


def test_driver_and_sense_resistance_of_one_cell():
    lines = Lines(
        shape=(1, 1),
        word_resistance=3.0,
        bit_resistance=4.0,
        word_source_resistance=10.0,
        bit_source_resistance=20.0,
    )
    current = solve(lines, bias.multiply([1.0], 1), np.array([[1e-3]])).current[0, 0]
    assert current == pytest.approx(1.0 / (3.0 + 4.0 + 10.0 + 20.0 + 1000.0), rel=1e-14)


@pytest.mark.parametrize(("m", "n"), [(2, 2), (8, 8), (64, 64), (128, 128), (16, 5)])
def test_sneak_path(m, n):
    """A-04, X-26: one cell selected, all others on, unselected lines floating, no wires."""
    g = np.full((m, n), LRS)
    i, j = m // 2, n // 3
    g[i, j] = HRS
    ours = solve(Lines(shape=(m, n)), bias.select((m, n), (i, j), 1.0, "floating"), g)
    exact = HRS + 1.0 / sneak_resistance(m, n, 1.0 / LRS)
    assert ours.left[i] == pytest.approx(exact, rel=1e-12)
    assert ours.sensed[j] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("n", "share"), [(8, 0.306), (64, 0.0320), (128, 0.0158)])
def test_sneak_numbers(n, share):
    assert sneak_resistance(n, n, 1.0) == pytest.approx(share, rel=3e-3)


def test_sneak_path_with_wires_approaches_the_formula_linearly():
    g = np.full((16, 16), LRS)
    the_bias = bias.select((16, 16), (5, 5), 1.0, "floating")
    exact = LRS + 1.0 / sneak_resistance(16, 16, 1.0 / LRS)
    error = [exact - solve(resistive(16, 16, r), the_bias, g).left[5] for r in (1e-2, 1e-3)]
    assert error[0] / error[1] == pytest.approx(10.0, rel=1e-2)


def sine_transform(n, r, g, v):
    """Uniform n x n array driven left, held at 0 V at the bottom: exact node voltages of the word lines."""
    k = np.arange(1, n + 1)
    # j from the driven end: V(0) = 0 and the far end reflects.
    s = np.sqrt(4.0 / (2 * n + 1)) * np.sin(np.outer(k, 2 * k - 1) * np.pi / (2 * n + 1))
    wire = 4.0 * np.sin((2 * k - 1) * np.pi / (4 * n + 2)) ** 2 / r
    f = np.outer(s[0] / r, s.T @ v[::-1])  # [along the word line, along the bit line from its bottom]
    a, c = wire[:, None] + g, wire[None, :] + g
    word = s @ (f * c / (a * c - g * g)) @ s.T
    bit = s @ (f * g / (a * c - g * g)) @ s.T
    return word.T[::-1], bit.T[::-1]


@pytest.mark.parametrize(("n", "tolerance"), [(32, 1e-13), (256, 1e-12), (1024, 5e-12)])
def test_uniform_array(n, tolerance):
    """Exact by sine transform, also where no direct solver reaches."""
    v = np.random.default_rng(1).random(n)
    ours = solve(resistive(n, n), bias.multiply(v, n), np.full((n, n), 2e-5))
    word, bit = sine_transform(n, 5.0, 2e-5, v)
    assert max(np.abs(ours.word - word).max(), np.abs(ours.bit - bit).max()) < tolerance


@pytest.mark.parametrize("r", [1e-2, 1e-4, 1e-6])
def test_small_resistance_approaches_the_product_linearly(r):
    g, v = cells(32, 32), np.random.default_rng(2).random(32)
    error = np.abs(solve(resistive(32, 32, r), bias.multiply(v, 32), g).sensed - v @ g).max() / (v @ g).max()
    assert 0.02 * r < error < 0.2 * r


def test_no_resistance_is_the_product():
    g, v = cells(40, 30), np.random.default_rng(2).random(40)
    ours = solve(Lines(shape=(40, 30)), bias.multiply(v, 30), g)
    np.testing.assert_allclose(ours.sensed, v @ g, rtol=1e-14)


@pytest.mark.parametrize("scheme", ["grounded", "half", "third"])
def test_half_select_voltages_without_wires(scheme):
    voltage = solve(Lines(shape=(6, 7)), bias.select((6, 7), (2, 3), 3.0, scheme), cells(6, 7)).voltage
    row, column, rest = {
        "grounded": (3.0, 0.0, 0.0),
        "half": (1.5, 1.5, 0.0),
        "third": (1.0, 1.0, -1.0),
    }[scheme]
    want = np.full((6, 7), rest)
    want[2], want[:, 3], want[2, 3] = row, column, 3.0
    np.testing.assert_allclose(voltage, want, atol=1e-15)


def test_static_power_of_half_select():
    """G V^2 (1 + (n-1)/2) for V/2 and G V^2 (1 + (n^2-1)/9) for V/3, without wires."""
    n, g = 9, np.full((9, 9), LRS)
    for scheme, factor in (("half", 1 + (n - 1) / 2), ("third", 1 + (n * n - 1) / 9)):
        power = solve(Lines(shape=(n, n)), bias.select((n, n), (0, 0), 2.0, scheme), g).cell_power
        assert power == pytest.approx(4.0 * LRS * factor, rel=1e-12)


def test_elmore_delay():
    """Far end of a driven line: R n C + r C n (n + 1) / 2; each node against a sum over all."""
    n, r, c, driver = 7, 3.0, 1e-16, 100.0
    shared = np.minimum.outer(np.arange(1, n + 1), np.arange(1, n + 1))
    np.testing.assert_allclose(elmore_delay(n, r, c, driver), c * (n * driver + r * shared.sum(axis=1)))


# --------------------------------------------------------------------------- properties


@pytest.mark.parametrize("scheme", ["grounded", "floating", "half", "third"])
@pytest.mark.parametrize("both", [False, True])
def test_solvers_agree(scheme, both):
    g = cells(24, 17, seed=3)
    lines = Lines(
        shape=(24, 17),
        word_resistance=2.0,
        bit_resistance=7.0,
        word_source_resistance=100.0,
        bit_source_resistance=50.0,
    )
    the_bias = bias.select((24, 17), (20, 2), 2.0, scheme, both=both)
    fast, slow = solve(lines, the_bias, g), solve(lines, the_bias, g, DirectSolver)
    assert np.abs(fast.word - slow.word).max() < 3e-11
    assert np.abs(fast.bit - slow.bit).max() < 3e-11
    assert fast.iterations > 0


@pytest.mark.parametrize(
    "lines",
    [
        resistive(12, 9, 20.0, word_source_resistance=30.0),
        Lines(shape=(12, 9), bit_resistance=3.0),
        Lines(shape=(12, 9), word_source_resistance=5.0, bit_source_resistance=2.0),
    ],
)
def test_books_balance(lines):
    """Source power is lost in cells and lines; what goes in comes out; Kirchhoff at every node."""
    the_bias = bias.multiply(np.linspace(-1.0, 1.0, 12), 9)
    s = solve(lines, the_bias, cells(12, 9))
    power = the_bias.word_left @ s.left
    assert s.cell_power + s.line_power == pytest.approx(power, rel=1e-11)
    assert s.left.sum() == pytest.approx(s.sensed.sum(), rel=1e-10)
    assert s.residual < 1e-11 * np.abs(s.current).max()


@pytest.mark.parametrize("scheme", ["grounded", "half"])
def test_a_line_without_resistance_takes_its_current_once(scheme):
    """Both ends connected: sources send in what cells draw, and what is sensed is that of the column."""
    g, the_bias = cells(5, 4), bias.select((5, 4), (1, 2), 1.0, scheme, both=True)
    s = solve(Lines(shape=(5, 4)), the_bias, g)
    np.testing.assert_allclose(s.left + s.right, s.current.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(s.sensed, s.current.sum(axis=0), rtol=1e-12, atol=1e-18)
    assert s.sensed[2] == pytest.approx(the_bias.word_left @ g[:, 2], rel=1e-12)


def test_lines_driven_at_both_ends_share_their_current():
    """One cell in the middle of both lines: half of its current through each end."""
    g = np.zeros((3, 3))
    g[1, 1] = 1e-3
    lines = resistive(3, 3, 10.0, word_source_resistance=30.0, bit_source_resistance=50.0)
    s = solve(lines, bias.lines([0.0, 1.0, 0.0], np.zeros(3), both=True), g + 1e-15)
    current = 1.0 / (1e3 + 50.0 / 2 + 70.0 / 2)  # two segments and a driver, twice in parallel
    assert s.current[1, 1] == pytest.approx(current, rel=1e-9)
    for end in (s.left[1], s.right[1], -s.top[1], -s.bottom[1]):
        assert end == pytest.approx(current / 2, rel=1e-9)


def test_superposition():
    lines, g, v = resistive(32, 32), cells(32, 32), np.random.default_rng(5).random(32)
    one, two, three = (
        solve(lines, bias.multiply(x, 32), g).sensed for x in (v, np.full(32, 0.1), 2 * v - 0.3)
    )
    np.testing.assert_allclose(three, 2 * one - 3 * two, rtol=1e-10)


def test_nodes_lie_between_terminals_and_more_resistance_gives_less():
    g, sums = cells(32, 32), []
    for r in (0.1, 1.0, 10.0, 100.0):
        s = solve(resistive(32, 32, r), bias.multiply(np.ones(32), 32), g)
        assert min(s.word.min(), s.bit.min()) >= 0.0 and max(s.word.max(), s.bit.max()) <= 1.0
        sums.append(s.sensed.sum())
    assert all(np.diff(sums) < 0.0)


def test_rows_may_be_permuted_without_bit_resistance_only():
    g, v = cells(20, 20), np.random.default_rng(6).random(20)
    order = np.random.default_rng(7).permutation(20)
    for r, same in ((0.0, True), (5.0, False)):
        lines = Lines(shape=(20, 20), word_resistance=5.0, bit_resistance=r)
        change = (
            solve(lines, bias.multiply(v, 20), g).sensed
            - solve(lines, bias.multiply(v[order], 20), g[order]).sensed
        )
        assert (np.abs(change).max() < 1e-16) == same


def test_elimination_order_names_every_node_once_and_cuts_fill():
    for m, n in ((1, 1), (1, 5), (5, 1), (7, 3), (33, 20)):
        assert sorted(order(m, n)) == list(range(2 * m * n))
    lines, the_bias = resistive(64, 64), bias.multiply(np.ones(64), 64)
    solver = DirectSolver(Network(lines, the_bias))
    solver.factor(cells(64, 64))
    own = splu(
        solver._matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    assert solver._factors.nnz < 0.75 * own.nnz


@pytest.mark.parametrize(("case", "most"), [("on", 80), ("opens", 40), ("decades", 30), ("shorts", 250)])
def test_iterations_of_hostile_cells(case, most):
    """Machine independent: n = 128, r = 20 ohm."""
    rng, n = np.random.default_rng(8), 128
    g = {
        "on": np.full((n, n), 1e-3),
        "opens": np.where(rng.random((n, n)) < 0.01, 0.0, cells(n, n)),
        "decades": 10.0 ** rng.uniform(-14, -3, (n, n)),
        "shorts": np.where(rng.random((n, n)) < 0.1, 0.1, cells(n, n)),
    }[case]
    s = solve(resistive(n, n, 20.0), bias.multiply(rng.random(n), n), g)
    assert s.iterations <= most
    assert s.residual < 1e-10 * np.abs(s.current).max()


def test_broken_word_line_feeds_nothing_beyond():
    word = np.full((4, 7), 1.0)
    word[2, 3] = np.inf  # between cells 2 and 3
    s = solve(
        Lines(shape=(4, 6), word_resistance=word, bit_resistance=1.0),
        bias.multiply([0, 0, 1.0, 0], 6),
        np.full((4, 6), LRS),
    )
    assert np.all(s.current[2, :3] > 0.9 * LRS)
    assert np.all(np.abs(s.current[2, 3:]) < 1e-2 * LRS)


# --------------------------------------------------------------------------- many vectors


def test_effective_matrix_gives_what_solves_give():
    lines, g, rng = resistive(24, 16), cells(24, 16), np.random.default_rng(9)
    network = Network(lines, bias.multiply(np.zeros(24), 16))
    solver = SchurSolver(network)
    matrix = effective_matrix(network, solver, g)
    v = rng.random((5, 24))
    want = [solve(lines, bias.multiply(x, 16), g).sensed for x in v]
    np.testing.assert_allclose(v @ matrix, want, rtol=1e-11)
    assert np.all(matrix >= 0.0) and np.all(matrix.sum(axis=0) <= g.sum(axis=0))
    assert np.all(matrix.sum(axis=1) <= g.sum(axis=1))


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (5, 9), (9, 5), (70, 66)])
def test_elimination_of_lines_gives_what_a_factorisation_gives(shape, both):
    """Cells and segments that are all different; a segment of a bit line is broken."""
    rng, (m, n) = np.random.default_rng(shape[0]), shape
    g = 10 ** rng.uniform(-8, -3, shape)
    word, bit = rng.uniform(1, 50, (m, n + 1)), rng.uniform(1, 50, (m + 1, n))
    if m > 2:
        bit[2, 0] = np.inf
    lines = Lines(shape=shape, word_resistance=word, bit_resistance=bit)
    ends = bias.multiply(np.zeros(m), n)
    if both:
        ends = bias.Bias(np.zeros(m), np.zeros(m), np.zeros(n), np.zeros(n))
    network = Network(lines, ends)
    matrix = effective_matrix(network, SchurSolver(network), g)
    want = effective_matrix(network, DirectSolver(network), g)
    np.testing.assert_allclose(matrix, want, rtol=1e-11, atol=1e-13 * want.max())


def test_reciprocity():
    """The effective matrix of the array mirrored in its other diagonal is the mirrored matrix."""
    network = Network(resistive(20, 20), bias.multiply(np.zeros(20), 20))
    solver, g = SchurSolver(network), cells(20, 20)
    one = effective_matrix(network, solver, g)
    other = effective_matrix(network, solver, np.ascontiguousarray(g[::-1, ::-1].T))
    np.testing.assert_allclose(other, one[::-1, ::-1].T, rtol=1e-12)


def test_load_line_is_exact_for_linear_cells():
    the_bias = bias.select((16, 16), (8, 9), 2.0)
    network, g = Network(resistive(16, 16), the_bias), cells(16, 16)
    solver = SchurSolver(network)
    line = load_line(network, solver, linear(network, solver, g), (8, 9), g[8, 9])
    for value in (0.0, 1e-5, 1e-3):
        g[8, 9] = value
        voltage = linear(network, solver, g).voltage[8, 9]
        assert voltage == pytest.approx(line.open_voltage / (1.0 + line.resistance * value), rel=1e-10)


# --------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": (0, 3)}, "at least 1 word"),
        ({"shape": (2, 2), "word_resistance": -1.0}, "word_resistance must be positive"),
        ({"shape": (2, 2), "bit_resistance": np.nan}, "bit_resistance must be positive"),
        ({"shape": (2, 2), "word_resistance": np.ones((2, 2))}, "array of shape"),
        ({"shape": (2, 2), "word_source_resistance": np.nan}, "word_source_resistance must be between"),
    ],
)
def test_bad_lines(arguments, message):
    with pytest.raises(ValueError, match=message):
        Lines(**arguments)


def test_bad_bias():
    with pytest.raises(
        ValueError, match="scheme must be one of grounded, floating, half, third, got 'quarter'"
    ):
        bias.select((2, 2), (0, 0), 1.0, "quarter")
    with pytest.raises(ValueError, match="cell must lie in an array of 2 x 2"):
        bias.select((2, 2), (2, 0), 1.0)
    with pytest.raises(ValueError, match="one voltage, got 1.0 and 0.5 V"):
        Network(Lines(shape=(1, 1)), bias.Bias(np.ones(1), np.full(1, 0.5), np.zeros(1), np.zeros(1)))


@pytest.mark.parametrize("make", [SchurSolver, DirectSolver])
def test_floating_line_of_open_cells_is_refused(make):
    g = cells(6, 6)
    g[3] = 0.0
    the_bias = bias.select((6, 6), (0, 0), 1.0, "floating")
    with pytest.raises(ValueError, match="connected to nothing"):
        solve(resistive(6, 6), the_bias, g, make)
    g[3] = 1e-15
    assert solve(resistive(6, 6), the_bias, g, make).residual < 1e-14


def test_an_unchanged_crossbar_keeps_its_matrix(monkeypatch):
    made = []

    def counted(*given):
        made.append(effective_matrix(*given))
        return made[-1]

    monkeypatch.setattr("frenkel.array.crossbar.effective_matrix", counted)
    cells = LinearCells(np.random.default_rng(3).uniform(1e-6, 1e-4, (6, 5)))
    crossbar = Crossbar(cells, Lines(shape=(6, 5), word_resistance=5.0, bit_resistance=5.0))
    vectors = np.random.default_rng(4).uniform(0.0, 0.2, (20, 6))
    first, again, one = crossbar.multiply(vectors), crossbar.multiply(vectors), crossbar.multiply(vectors[0])
    matrix = crossbar.effective_matrix()
    assert len(made) == 1 and crossbar.solves == 0
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(one, first[0], rtol=1e-14)
    matrix[:] = 0.0  # a copy: what a user does to it harms nobody
    np.testing.assert_array_equal(crossbar.multiply(vectors), first)
    cells.conductance[2, 3] *= 2.0
    changed = crossbar.multiply(vectors)
    assert len(made) == 2
    fresh = Crossbar(LinearCells(cells.conductance), crossbar.lines).multiply(vectors)
    np.testing.assert_array_equal(changed, fresh)
