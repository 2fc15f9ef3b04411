"""The Arrhenius plot: medians where they were measured, and a line that goes on to the temperature of use."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from frenkel.analysis.plots import relaxation
from frenkel.analysis.reliability import retention
from frenkel.units import BOLTZMANN_EV

ENERGY, PREFACTOR = 1.1, 1e-11  # eV, s
BAKES = (430.0, 460.0, 500.0)


def fits():
    """Return lognormal lifetimes whose medians lie on the law without any scatter."""
    spread = np.exp(0.3 * np.array([-1.5, -0.5, 0.0, 0.5, 1.5]))
    return {
        kelvin: retention.fit_lifetime(median(kelvin) * spread, np.ones(5, bool), "lognormal")
        for kelvin in BAKES
    }


def median(kelvin):
    return PREFACTOR * np.exp(ENERGY / (BOLTZMANN_EV * kelvin))


@pytest.mark.parametrize("use", [358.15, 550.0])
def test_medians_and_their_line_are_those_of_the_law(use):
    axes = Figure().add_subplot()
    relaxation.arrhenius(fits(), axes, use)
    lines = axes.get_lines()
    (line,) = [one for one in lines if one.get_label().startswith("1.1 eV")]
    x, y = line.get_data()
    ends = sorted([1000 / use, 1000 / BAKES[0], 1000 / BAKES[-1]])
    np.testing.assert_allclose([x[0], x[-1]], [ends[0], ends[-1]], rtol=1e-12)
    np.testing.assert_allclose(y, median(1000 / x), rtol=1e-6)
    (diamond,) = [one for one in lines if one.get_marker() == "D"]
    np.testing.assert_allclose(diamond.get_data(), [[1000 / use], [median(use)]], rtol=1e-6)
    assert diamond.get_label().startswith(f"{use - 273.15:.0f} °C: {median(use):.2g} s (")
    middle = axes.containers[0].lines[0]
    np.testing.assert_allclose(middle.get_xdata(), 1000 / np.array(BAKES), rtol=1e-12)
    np.testing.assert_allclose(middle.get_ydata(), [median(kelvin) for kelvin in BAKES], rtol=1e-6)
    assert axes.get_yscale() == "log" and axes.get_xlabel() == "1000 K / temperature"


def test_one_temperature_has_no_line():
    axes = Figure().add_subplot()
    relaxation.arrhenius({430.0: fits()[430.0]}, axes)
    assert not [one for one in axes.get_lines() if " eV " in one.get_label()]
