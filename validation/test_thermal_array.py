"""The network of heat of a crossbar against finite elements: 5 x 5 cells in two layers.

The finite elements are those of thermal_array.py, whose numbers are kept in thermal_array.json.
"""

import importlib.util
import json

import numpy as np
import pytest
import thermal_array

from frenkel.array.heat.geometry import CrossbarGeometry, HeatMaterial

pytestmark = pytest.mark.verification
RECORD = json.loads(thermal_array.RECORD.read_text())
WITHIN = 0.02


def geometry(lines):
    materials = {
        name: HeatMaterial(conductivity=RECORD["conductivity"][name], capacity=RECORD["capacity"][name])
        for name in ("line", "oxide", "insulator")
    }
    return CrossbarGeometry(shape=(lines, lines), layers=RECORD["layers"], **RECORD["sizes"], **materials)


@pytest.mark.parametrize("layer", [0, 1])
def test_every_steady_temperature_is_that_of_finite_elements(layer):
    lines = RECORD["lines"] // 2 + 1
    network = geometry(lines).network(mirrored=True)
    ours = 0.25 * network.modes(np.array([layer * lines**2])).resistance()[:, 0]
    theirs = np.reshape(RECORD["steady"][f"middle, {('lower', 'upper')[layer]}"], (2, 5, 5))[:, 2:, 2:]
    assert np.abs(ours / theirs.ravel() - 1.0).max() < WITHIN


def test_the_course_in_time_is_that_of_finite_elements():
    modes = geometry(3).network(mirrored=True).modes(np.array([0]))
    cells = {"own": 0, "word line": 1, "bit line": 3, "above": 9}
    for number, time in enumerate(RECORD["times"]):
        rise = modes.rise([0.25], time)
        for name, cell in cells.items():
            theirs = RECORD["course"][name][number]
            # Of a rise that has only begun, a fraction of the last one.
            assert abs(rise[cell] - theirs) < WITHIN * max(theirs, 0.5 * RECORD["course"][name][-1]), name


@pytest.mark.skipif(importlib.util.find_spec("skfem") is None, reason="needs scikit-fem")
def test_the_record_is_what_finite_elements_give():
    one = thermal_array.Elements(True, 1)
    theta = one.solver()[1](one.cells[0, 0, 0][one.free] / 4.0)
    seen = [float(vector[one.free] @ theta) for vector in one.cells.values()]
    full = np.reshape(RECORD["steady"]["middle, lower"], (2, 5, 5))[:, 2:, 2:].ravel()
    np.testing.assert_allclose(seen, full, rtol=1e-3)
