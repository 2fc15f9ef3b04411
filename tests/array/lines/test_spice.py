"""Arrays of nonlinear cells against ngspice, where it is installed: a write at V/2 and a read."""

import shutil
import subprocess

import numpy as np
import pytest
from spice_lines import netlist

from frenkel.array.crossbar import Crossbar
from frenkel.array.lines import bias
from frenkel.array.lines.network import Lines, Network
from frenkel.cells.resistors import LinearCells

NGSPICE = shutil.which("ngspice")
pytestmark = pytest.mark.skipif(NGSPICE is None, reason="ngspice is not installed")
SEGMENT, SCALE = 5.0, 0.25


class SinhCells(LinearCells):
    """G V0 sinh(V/V0)."""

    scale = SCALE

    def sinh_law(self, where=None):
        return self.conductance * SCALE, np.full(self.shape, SCALE)

    def current(self, voltage, where=None):
        g = self.conductance if where is None else self.conductance[where]
        return g * SCALE * np.sinh(voltage / SCALE), g * np.cosh(voltage / SCALE)


@pytest.mark.parametrize("n", [32, 64])
@pytest.mark.parametrize("case", ["write", "read"])
def test_currents_are_those_of_ngspice(tmp_path, n, case):
    """Every terminal current within 1e-8 of the largest, the sensed column within 1e-6 of itself."""
    rng = np.random.default_rng(n)
    g = np.where(rng.random((n, n)) < 0.5, 1e-4, 1e-6)
    cell = (n // 2, n // 3)
    the_bias = (
        bias.select((n, n), cell, 2.0) if case == "write" else bias.multiply(rng.uniform(0.0, 0.3, n), n)
    )
    lines = Lines(shape=(n, n), word_resistance=SEGMENT, bit_resistance=SEGMENT)
    ours = Crossbar(SinhCells(g), lines).solve(the_bias)
    (tmp_path / "array.cir").write_text(netlist(SinhCells(g), Network(lines, the_bias)))
    run = subprocess.run(
        [NGSPICE, "-b", "array.cir"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (tmp_path / "out.txt").exists(), run.stdout[-1000:] + run.stderr[-1000:]
    theirs = -np.loadtxt(tmp_path / "out.txt", skiprows=1).ravel()[1:]
    found = np.concatenate((ours.left, -ours.sensed))
    assert np.abs(found - theirs).max() < 1e-8 * np.abs(found).max()
    np.testing.assert_allclose(found[n + cell[1]], theirs[n + cell[1]], rtol=1e-6)


def test_netlist_of_other_ends_is_refused():
    network = Network(
        Lines(shape=(2, 2), word_resistance=1.0, bit_resistance=1.0),
        bias.select((2, 2), (0, 0), 1.0, "floating"),
    )
    with pytest.raises(ValueError, match="word lines driven at the left"):
        netlist(LinearCells(np.ones((2, 2))), network)
