"""The page of an array's products: a histogram of errors, and errors by bit line, by hand."""

import numpy as np
import pytest
import xarray as xr

from frenkel.analysis.plots import array


def result():
    """Return three products of two bit lines (A): 1 % of the largest is 0.04 uA."""
    target = 1e-6 * np.array([[1.0, 2.0], [4.0, 1.0], [2.0, 3.0]])
    wrong = 1e-6 * np.array([[0.04, 0.08], [0.04, 0.0], [-0.12, 0.08]])
    dims = "vector", "bit_line"
    return xr.Dataset(
        {
            "product_target": (dims, target),
            "product_exact": (dims, target + 0.5 * wrong),
            "product": (dims, target + wrong),
        },
        attrs={"title": "made up"},
    )


def test_products_and_the_parts_of_their_error():
    scatter, histogram, columns = array.products(result()).axes
    points, equal = scatter.get_lines()
    np.testing.assert_allclose(points.get_xdata(), [1, 2, 4, 1, 2, 3])
    np.testing.assert_allclose(points.get_ydata(), [1.04, 2.08, 4.04, 1.0, 1.88, 3.08])
    np.testing.assert_allclose([equal.get_xdata(), equal.get_ydata()], [[1, 4], [1, 4]])
    # Errors of 1, 2, 1, 0, -3 and 2 %: rms sqrt(19 / 6), half of it in each part.
    names = [text.get_text() for text in histogram.get_legend().get_texts()]
    rms = np.sqrt(19 / 6)
    assert {f"all: {rms:.2g} % rms", f"cells against targets: {rms / 2:.2g} % rms",
            f"lines and converter: {rms / 2:.2g} % rms"} < set(names)  # fmt: skip
    steps = {patch.get_label(): patch.get_xy() for patch in histogram.patches}
    edges, heights = steps[f"all: {rms:.2g} % rms"].T
    assert edges.min() == pytest.approx(-3.0) and edges.max() == pytest.approx(2.0)
    width = np.diff(np.unique(edges))
    np.testing.assert_allclose(width, 5.0 / 30)  # bars
    # Two values of six in the last bar: density 2 / 6 over its width.
    assert heights.max() == pytest.approx(2 / 6 / (5.0 / 30))
    by_line = {line.get_label(): line.get_ydata() for line in columns.get_lines()}
    np.testing.assert_allclose(by_line["rms"], np.sqrt([11 / 3, 8 / 3]))
    np.testing.assert_allclose(by_line["mean"], [-1 / 3, 4 / 3], rtol=1e-9)
