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


@pytest.fixture(scope="module")
def matrix():
    return geometry(RECORD["lines"]).resistances()


@pytest.mark.parametrize("name", RECORD["heated"])
def test_every_steady_temperature_is_that_of_finite_elements(matrix, name):
    shape = RECORD["layers"], RECORD["lines"], RECORD["lines"]
    column = np.ravel_multi_index(RECORD["heated"][name], shape)
    assert np.abs(matrix[:, column] / RECORD["steady"][name] - 1.0).max() < WITHIN


def test_the_matrix_is_symmetric_although_each_column_has_its_own_boxes(matrix):
    assert np.abs(matrix / matrix.T - 1.0).max() < 0.005


def test_the_course_in_time_is_that_of_finite_elements():
    modes = geometry(3).network((0, 0, 0), mirrored=True).modes(np.array([0]))
    cells = {"own": 0, "word line": 1, "bit line": 3, "above": 9}
    for number, time in enumerate(RECORD["times"]):
        rise = modes.rise([0.25], time)
        for name, cell in cells.items():
            theirs = RECORD["course"][name][number]
            # Of a rise that has only begun, a fraction of the last one.
            assert abs(rise[cell] - theirs) < WITHIN * max(theirs, 0.5 * RECORD["course"][name][-1]), name


@pytest.mark.skipif(importlib.util.find_spec("skfem") is None, reason="needs scikit-fem")
def test_the_record_is_what_finite_elements_give():
    one = thermal_array.Elements(True, (0, 0, 0))
    theta = one.solver()[1](one.cells[0, 0, 0][one.free] / 4.0)
    seen = [float(vector[one.free] @ theta) for vector in one.cells.values()]
    full = np.reshape(RECORD["steady"]["middle, lower"], (2, 5, 5))[:, 2:, 2:].ravel()
    np.testing.assert_allclose(seen, full, rtol=1e-3)
