"""Lengths and numbers that nobody means: one sentence with the name, what is asked and what was given."""

import numpy as np
import pytest
from made_up_cells import CORE, FEATURES, made_up_cells

from frenkel.array.columns import DifferentialArray, Ladders, TransistorArray
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import (
    ExponentialSelector,
    OneTransistorOneResistor,
    SelfRectifying,
    ThresholdSelector,
    Transistor,
)
from frenkel.array.lines import bias
from frenkel.array.lines.effective import effective_matrix
from frenkel.array.lines.network import Lines, Network
from frenkel.array.lines.solvers import DirectSolver, SchurSolver
from frenkel.array.lines.transient import Capacitance
from frenkel.array.weights import DifferentialPair
from frenkel.cells.gap_cells import CardCells
from frenkel.cells.resistors import FaultyCells, LinearCells

NAN = np.nan
G = np.full((2, 3), 1e-5)
LINES = Lines(shape=(2, 3), word_resistance=1.0, bit_resistance=1.0)
ACCESS = OneTransistorOneResistor(transistor=Transistor(threshold=0.5, gain=1e-4))


def crossbar(**more):
    return Crossbar(LinearCells(G), LINES, **more)


def gated():
    return TransistorArray(LinearCells(G), ACCESS)


def network():
    return Network(LINES, bias.multiply(np.zeros(2), 3))


def test_a_line_floats_where_it_is_meant():
    """By a bias alone: nothing flows into the word line, and it takes the mean voltage of the bit lines."""
    found = crossbar().solve(bias.lines([0.2, bias.FLOATING], np.zeros(3)))
    assert found.left[1] == 0.0
    np.testing.assert_allclose(found.word[1], found.bit[1].mean(), rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: crossbar().multiply([0.1, NAN]), r"voltages must be finite \(V\), got nan at index 1"),
        (lambda: crossbar().multiply([[0, 0], [np.inf, 0]]), r"got inf at index \(1, 0\)"),
        (
            lambda: crossbar().multiply(np.zeros(4)),
            "voltages must have length 2, one per word line, got length 4",
        ),
        (
            lambda: crossbar().multiply(np.zeros((2, 3))),
            r"voltages must have shape \(2, 2\), one per word line, got \(2, 3\)",
        ),
        (lambda: bias.multiply([0.1, NAN], 3), r"voltages must be finite \(V\), got nan at index 1"),
        (lambda: bias.lines([NAN, NAN], [NAN] * 3), "but every end floats"),
        (
            lambda: bias.Bias(np.zeros(2), np.zeros(1), np.zeros(3), np.zeros(3)),
            "word_right must have length 2, one per word line as in word_left, got length 1",
        ),
        (
            lambda: bias.Bias(np.zeros(2), np.zeros(2), np.zeros(3), np.zeros(4)),
            "bit_bottom must have length 3, one per bit line as in bit_top, got length 4",
        ),
        (lambda: bias.select((2, 3), (0, 0), NAN), r"voltage must be finite \(V\), got nan"),
        (lambda: network().drive(bias.multiply(np.zeros(3), 2)), r"bias is for \(3, 2\) lines, the array"),
        (lambda: crossbar().solve(bias.multiply(np.zeros(3), 2)), r"bias is for \(3, 2\) lines, the array"),
        (
            lambda: crossbar().solve(bias.multiply(np.zeros(2), 3), guess=(G, G.T)),
            r"guess of the bit nodes must have shape \(2, 3\), got \(3, 2\)",
        ),
        (lambda: crossbar().pulse((0, 0), NAN, 1e-9), r"voltage must be finite \(V\), got nan"),
        (lambda: crossbar().read((0, 0), 0.1, -1.0), "duration must be at least 0 s"),
        (lambda: crossbar().effective_matrix(NAN), r"read_voltage must be finite \(V\), got nan"),
        (
            lambda: crossbar().transient(
                lambda t: bias.multiply([0, 0], 3), 1e-9, Capacitance(word=1e-15, bit=1e-15), watch=[(2, 0)]
            ),
            r"cell must lie in an array of 2 x 3 lines, got \(2, 0\)",
        ),
        (
            lambda: effective_matrix(network(), SchurSolver(network()), G.T),
            r"conductance must have shape \(2, 3\), one per cell, got \(3, 2\)",
        ),
        (lambda: SchurSolver(network()).factor(G.T), "conductance must have shape"),
        (lambda: DirectSolver(network()).factor(G.T), "conductance must have shape"),
        (lambda: SchurSolver(network()).solve(G, G.T), r"bit must have shape \(2, 3\), one per node"),
        (lambda: DirectSolver(network()).solve(G.T, G), r"word must have shape \(2, 3\), one per node"),
        (
            lambda: ExponentialSelector(saturation=np.ones(3), slope_voltage=0.1).solve(G, LinearCells(G)),
            r"saturation must have shape \(2, 3\), got \(3,\)",
        ),
        (
            lambda: ExponentialSelector(saturation=1e-9, slope_voltage=0.1).solve(G[0], LinearCells(G)),
            r"voltage must have shape \(2, 3\), one per crossing, got \(3,\)",
        ),
        (
            lambda: ThresholdSelector(
                threshold=np.ones(3), hold=0.5, on_resistance=1.0, off_resistance=2.0, shape=(2, 3)
            ),
            r"threshold must have shape \(2, 3\), got \(3,\)",
        ),
        (lambda: CardCells(CORE, FEATURES | {"hrs": [1e6] * 3}, (2, 3)), r"hrs must have shape \(2, 3\)"),
        (lambda: made_up_cells((2, 3)).program([1e-5] * 3), r"conductance must have shape \(2, 3\)"),
        (
            lambda: made_up_cells((2, 3)).apply(np.zeros(3), 1e-9, (np.arange(2), np.arange(2))),
            "voltage must have length 2, got length 3",
        ),
        (lambda: made_up_cells((2, 3)).apply(np.array([[0, 0, NAN]] * 2), 1e-9), r"nan at index 2"),
        (
            lambda: FaultyCells(made_up_cells((2, 3)), G * NAN).apply(np.zeros(3), 1e-9),
            r"voltage must have shape \(2, 3\), got \(3,\)",
        ),
        (
            lambda: Ladders(shape=(2, 3), resistance=(1, 1)).solve(np.zeros((2, 2)), np.zeros((2, 3)), []),
            r"top must have shape \(2, 3\), one per line and column, got \(2, 2\)",
        ),
        (
            lambda: Ladders(shape=(2, 3), resistance=(1.0, 1.0)).solve(
                np.array([[0, NAN, 0], [NAN] * 3]), np.full((2, 3), NAN), []
            ),
            "every end of the lines of column 1 floats",
        ),
        (lambda: gated().solve(np.zeros(2), 0.0, np.zeros(2)), "bit must have length 3, got length 2"),
        (lambda: gated().solve([0, NAN, 0], 0.0, np.zeros(2)), r"bit must be finite .* nan at index 1"),
        (lambda: gated().solve(0.0, [NAN, 0, 0], np.zeros(2)), r"source must be finite .* nan at index 0"),
        (
            lambda: gated().column_currents(np.zeros(3), 0.1),
            "gate must have length 2, one per word line, got length 3",
        ),
        (lambda: gated().column_currents([1.0, NAN], 0.1), r"gate must be finite \(V\), got nan at index 1"),
        (lambda: gated().pulse((0, 0), NAN, 1e-9), r"voltage must be finite \(V\), got nan"),
        (lambda: gated().pulse((0, 0), 1.0, 1e-9, NAN), r"gate must be finite \(V\), got nan"),
        (lambda: gated().read((0, 0), 0.1, NAN), "duration must be at least 0 s"),
        (
            lambda: DifferentialArray(LinearCells(G), LinearCells(G), ACCESS).column_currents([1.0], 0.1),
            "gate must have length 2",
        ),
        (
            lambda: DifferentialPair(least=0.0, most=1.0).products(np.zeros(3), np.zeros(2), 1.0),
            "minus must have length 3, one per pair, got length 2",
        ),
    ],
)  # fmt: skip
def test_bad_sizes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("vectors", [3, 40])
def test_a_batch_is_its_vectors_one_by_one(vectors):
    """Few are solved, many go through the effective matrix; cells that are not linear are always solved."""
    rng = np.random.default_rng(2)
    lines = Lines(shape=(7, 9), word_resistance=200.0, bit_resistance=300.0)
    given = rng.uniform(-0.2, 0.2, (vectors, 7))
    linear = Crossbar(LinearCells(rng.uniform(1e-6, 1e-4, (7, 9))), lines)
    bent = Crossbar(made_up_cells((7, 9), rng.uniform(2e-6, 8e-5, (7, 9))), lines)
    rectified = Crossbar(LinearCells(linear.cells.conductance), lines, SelfRectifying(5.0))
    for array in (linear, bent, rectified):
        before = array.solves
        found = array.multiply(given)
        assert (array.solves == before) == (array is linear and vectors == 40)
        each = [array.solve(bias.multiply(vector, 9)).sensed for vector in given]
        np.testing.assert_allclose(found, each, rtol=1e-8, atol=1e-10 * np.abs(found).max())
