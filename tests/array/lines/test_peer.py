"""Lines against badcrossbar, where it is installed."""

import logging

import numpy as np
import pytest

from frenkel.array.lines import bias
from frenkel.array.lines.network import Lines, Network
from frenkel.array.lines.newton import solve
from frenkel.array.lines.solvers import SchurSolver

badcrossbar = pytest.importorskip("badcrossbar")


@pytest.mark.parametrize("r", [1.0, 20.0])
def test_currents_are_those_of_badcrossbar(r):
    """Output and cell currents of a random array within 1e-9."""
    logging.disable(logging.INFO)
    rng, n = np.random.default_rng(1), 48
    g, v = np.where(rng.random((n, n)) < 0.5, 1e-4, 1e-6), rng.random(n)
    network = Network(Lines(shape=(n, n), word_resistance=r, bit_resistance=r), bias.multiply(v, n))
    ours = solve(network, SchurSolver(network), lambda voltage: (g * voltage, g))
    theirs = badcrossbar.compute(v[:, None], 1.0 / g, r)
    logging.disable(logging.NOTSET)
    np.testing.assert_allclose(ours.sensed, np.ravel(theirs.currents.output), rtol=1e-9)
    np.testing.assert_allclose(
        ours.current, theirs.currents.device, rtol=1e-9, atol=1e-9 * np.abs(ours.current).max()
    )
