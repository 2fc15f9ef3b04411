"""`frenkel.plot` over cycles, time, pulses and populations; one colour for each state and operation."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import frenkel
from frenkel.analysis.plots import colours, paper
from frenkel.analysis.reliability.relaxation import conductances

PLOTS = Path(paper.__file__).parent


@pytest.fixture
def ensemble():
    random = np.random.default_rng(1)
    shape = (8, 30)
    numbers = {
        name: (("member", "cycle"), middle * np.exp(width * random.normal(size=shape)), {"units": unit})
        for name, middle, width, unit in (
            ("hrs", 1e6, 0.8, "ohm"), ("lrs", 1e4, 0.2, "ohm"), ("set_voltage", 0.9, 0.05, "V"),
            ("reset_voltage", -0.8, 0.05, "V"),
        )
    }  # fmt: skip
    return xr.Dataset(numbers, {"cycle": np.arange(1, 31)})


def drawn(axes):
    """Return the colours of the lines that the legend names, by their names, and that nothing is covered."""
    found = {line.get_label(): to_hex(line.get_color()) for line in axes.lines}
    figure = axes.figure
    figure.draw_without_rendering()
    return {name: colour for name, colour in found.items() if not name.startswith("_")}


def covered(axes):
    """Return how many points of curves are under the legend of a panel."""
    axes.figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent()
    points = np.concatenate([axes.transData.transform(line.get_xydata()) for line in axes.lines])
    return int(np.sum((points > [box.x0, box.y0]).all(1) & (points < [box.x1, box.y1]).all(1)))


def panels_of(ensemble):
    time = np.geomspace(1, 1e6, 30)
    random = np.random.default_rng(2)
    kept = 1e-4 * np.exp(-0.02 * np.log(time) + 0.01 * random.normal(size=(12, 30)))
    rise = np.linspace(1e-5, 1e-4, 30) ** 0.9
    return {
        "endurance": paper.endurance(ensemble),
        "retention": paper.retention(conductances(time, kept)),
        "pulses": paper.pulses([(1, rise), (-1, rise[::-1])]),
        "compare": paper.compare({"measured": ensemble, "simulated": 1.2 * ensemble["hrs"]}),
        "population": paper.population(ensemble),
        "voltages": paper.population(ensemble, variables=("set_voltage", "reset_voltage")),
    }


def test_each_panel_has_its_colours_and_a_legend_that_covers_nothing(ensemble):
    panels = panels_of(ensemble)
    state = {"HRS, median of 8": colours.HRS, "LRS, median of 8": colours.LRS}
    assert drawn(panels["endurance"]) == state
    assert drawn(panels["population"]) == {"HRS (240)": colours.HRS, "LRS (240)": colours.LRS}
    assert drawn(panels["voltages"]) == {"SET (240)": colours.SET, "RESET (240)": colours.RESET}
    assert drawn(panels["pulses"]) == {"potentiation": colours.SET, "depression": colours.RESET}
    assert drawn(panels["retention"]) == {"devices, median of 12": colours.LRS}
    assert list(drawn(panels["compare"]).values()) == [colours.DATA, colours.MODEL]
    assert not {name: covered(panel) for name, panel in panels.items() if covered(panel)}


def test_a_panel_draws_on_the_axes_that_are_given_and_takes_settings_of_matplotlib(ensemble):
    axes = Figure().add_subplot()
    assert paper.endurance(ensemble, axes, linewidth=3.5) is axes
    assert {line.get_linewidth() for line in axes.lines if not line.get_label().startswith("_")} == {3.5}
    assert axes.get_xlabel() == "cycle" and axes.get_ylabel() == "resistance / ohm"


def test_curves_states_and_fractions_take_settings_of_matplotlib(result):
    trace = xr.Dataset({"current": ("time", np.array([1e-6, 2e-6, 1e-6]))}, {"time": [0.0, 1.0, 2.0]})
    for panel in (
        paper.iv(result, mark=False, linewidth=3.5, color="k"),
        paper.resistance(result, linewidth=3.5, color="k"),
        paper.cdf([3.0, 1.0, 2.0], linewidth=3.5, color="k"),
        paper.rtn(trace, linewidth=3.5, color="k"),
    ):
        assert {(line.get_linewidth(), line.get_color()) for line in panel.lines} == {(3.5, "k")}


def test_a_result_is_drawn_too(result):
    assert paper.endurance(result).get_yscale() == "log"
    with pytest.raises(ValueError, match="phase must be one of"):
        paper.retention(result, phase="nothing")
    with pytest.raises(ValueError, match="no train of pulses changes"):
        paper.pulses(result)


def test_conductance_over_the_first_value():
    g = conductances([1.0, 10.0, 100.0], [[2.0, 1.0, 0.5], [4.0, 2.0, 1.0]])
    line = paper.retention(g).lines[-1]
    assert line.get_ydata().tolist() == [1.0, 0.5, 0.25] and line.get_xdata().tolist() == [1.0, 10.0, 100.0]


def test_what_cannot_be_drawn_is_told(ensemble):
    with pytest.raises(ValueError, match="variable must be one of"):
        paper.endurance(ensemble[["lrs"]])
    with pytest.raises(ValueError, match="variable must be one of"):
        paper.compare({"a": ensemble}, variable="nothing")
    with pytest.raises(ValueError, match="choose one point of the sweep"):
        paper.endurance(ensemble.expand_dims(point=2))


def test_all_names_are_there():
    assert {"endurance", "retention", "pulses", "compare", "population", "iv", "cdf"} <= set(paper.__all__)
    assert all(hasattr(frenkel.plot, name) for name in frenkel.plot.__all__)


def test_colours_of_states_are_written_in_one_place():
    """And no series that is neither a state nor an operation has them."""
    own = {colours.SET, colours.RESET}
    assert not own & {*colours.SERIES, colours.DATA, colours.MODEL, colours.OTHER, colours.GAP}
    for path in sorted(PLOTS.rglob("*.py")):
        if path.name != "colours.py":
            found = set(re.findall(r"#[0-9a-f]{6}", path.read_text(encoding="utf-8")))
            assert not own & found, path.name
