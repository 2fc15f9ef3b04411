"""Distributions of an ensemble: which values stand at which probability, and who is left out."""

import netCDF4
import numpy as np
import pytest
from scipy.stats import norm

from frenkel.analysis.plots import ensemble


def written(path, **variables):
    with netCDF4.Dataset(path, "w") as file:
        file.title = "made up"
        file.createDimension("member", 4)
        file.createVariable("status", "i4", ("member",))[:] = 0
        for name, values in variables.items():
            file.createVariable(name, "f8", ("member",))[:] = values
    return path


def test_values_stand_at_normal_quantiles_of_their_ranks(tmp_path):
    """Magnitudes ascend, at (i - 1/2) / n of those that have a value."""
    path = written(
        tmp_path / "e.nc", forming_voltage=[3.0, np.nan, 1.0, 2.0], reset_voltage=[-1.0, -0.4, -0.2, -0.6],
        hrs=[1e6, 1e5, 1e7, 1e4],
    )  # fmt: skip
    left, right = ensemble.draw(path).axes
    lines = {line.get_label(): line for line in left.get_lines()}
    assert set(lines) == {"forming (3, 1 without)", "RESET (4)"}
    of_three, of_four = norm.ppf([1 / 6, 3 / 6, 5 / 6]), norm.ppf([1 / 8, 3 / 8, 5 / 8, 7 / 8])
    forming, reset = lines["forming (3, 1 without)"], lines["RESET (4)"]
    np.testing.assert_allclose(forming.get_xdata(), [1.0, 2.0, 3.0])
    np.testing.assert_allclose(forming.get_ydata(), of_three, atol=1e-12)
    np.testing.assert_allclose(reset.get_xdata(), [0.2, 0.4, 0.6, 1.0])
    np.testing.assert_allclose(reset.get_ydata(), of_four)
    (high,) = right.get_lines()
    np.testing.assert_allclose(high.get_xdata(), [1e4, 1e5, 1e6, 1e7])
    assert right.get_xscale() == "log" and left.get_xscale() == "linear"
    assert [text.get_text() for text in left.get_legend().get_texts()] == list(lines)
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["after RESET (4)"]
    # The axis reaches a little beyond the outermost of the longest.
    low, top = left.get_ylim()
    assert low == pytest.approx(-top) and of_four[-1] < top < of_four[-1] + 1.0


def test_forming_alone_leaves_the_resistances_without_a_legend(tmp_path):
    left, right = ensemble.draw(written(tmp_path / "e.nc", forming_voltage=[3.0, 2.0, 1.0, 2.5])).axes
    assert left.get_legend() is not None and right.get_legend() is None and not right.get_lines()
