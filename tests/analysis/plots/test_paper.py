"""Pictures for papers: they draw what the data say, on given axes, and their words cover no curve."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import frenkel as fk
from frenkel.analysis.noise import trace as traces
from frenkel.analysis.plots import page, paper
from frenkel.analysis.results import metrics


def panel():
    figure = Figure(figsize=(6, 4))
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def test_the_public_name():
    assert fk.plot is paper and "plot" in dir(fk)


def test_curves_are_those_of_the_phases(result):
    axes = paper.iv(result, mark=False)
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert {"forming", "RESET", "SET"} <= lines.keys() and len(axes.get_lines()) == 7
    rows = result["phase"].values == 6  # the last SET is the one that is named
    np.testing.assert_array_equal(lines["SET"].get_ydata(), np.abs(result["current"].values[rows])[1:-1])
    assert axes.get_yscale() == "log" and axes.get_xlabel() == "source voltage / V"


@pytest.mark.parametrize("box_aspect", [None, 1.3])
def test_words_of_a_page_find_their_place_without_drawing_it(result, monkeypatch, box_aspect):
    """A page whose panels stay where they are is drawn once; words are where a drawing puts them."""

    def words():
        axes = panel()
        axes.set_box_aspect(box_aspect)
        paper.iv(result, axes)
        legend = axes.get_legend().get_window_extent().bounds
        return [(text.get_text(), text.xyann) for text in axes.texts], legend

    monkeypatch.setattr(page, "_lay_out", lambda ax: ax.figure.draw_without_rendering())
    drawn = words()
    monkeypatch.undo()
    monkeypatch.setattr(Figure, "draw_without_rendering", None)
    assert words() == drawn and len(drawn[0]) == 3
    with pytest.raises(TypeError):  # where an engine moves the panel, nothing but a drawing finds it
        paper.iv(result)


def test_words_avoid_a_curve_that_was_just_drawn():
    axes = panel()
    axes.plot([0, 10, 20], [3, 5, 5])
    page.name_point(axes, "here", (10, 5), "k")
    axes.figure.draw_without_rendering()
    box, ink = page._box(axes, axes.texts[0]), page._ink(axes)
    assert axes.bbox.contains(*box.min) and axes.bbox.contains(*box.max)
    assert not page._covered(ink, box)


def test_a_linear_axis_has_a_prefix(result):
    axes = paper.iv(result, phases="reset 1", scale="linear", voltage="device")
    (line,) = axes.get_lines()
    rows = result["phase"].values == 1
    np.testing.assert_allclose(line.get_ydata(), result["current"].values[rows] * 1e6)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("device voltage / V", "current / µA")


def test_switching_is_marked_where_it_is(result):
    axes = paper.iv(result)
    volts = metrics.phase_summary(result)["switching_voltage"].values
    marks = [line.get_xdata()[0] for line in axes.get_lines() if line.get_marker() == "o"]
    assert sorted(marks) == sorted(volts[[0, 5, 6]])
    assert {text.get_text() for text in axes.texts} == {
        f"forming {volts[0]:.2f} V", f"RESET −{-volts[5]:.2f} V", f"SET {volts[6]:.2f} V",
    }  # fmt: skip


@pytest.mark.parametrize(("scale", "phase"), [("log", "set 1"), ("linear", "set 1"), ("log", "reset 1")])
def test_marks_lie_on_the_curve_that_they_name(result, scale, phase):
    """On the line that is drawn between two samples, to a thousandth of a pixel."""
    axes = paper.iv(result, phases=[phase], scale=scale)
    (mark,) = (line for line in axes.get_lines() if line.get_marker() == "o")
    curve = next(line for line in axes.get_lines() if len(line.get_xdata()) > 100)
    pixel = axes.transData.transform(np.column_stack([curve.get_xdata(), curve.get_ydata()]))
    at = axes.transData.transform((mark.get_xdata()[0], mark.get_ydata()[0]))
    begin, along = pixel[:-1], np.diff(pixel, axis=0)
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((at - begin) * along).sum(axis=1) / length, 0.0, 1.0)
    away = np.hypot(*(begin + share[:, None] * along - at).T)
    assert away.min() < 1e-3


def test_words_cover_nothing(result):
    """Neither each other nor the curves, where there is room."""
    axes = paper.iv(result)
    axes.figure.draw_without_rendering()
    boxes = [page._box(axes, text) for text in axes.texts] + [page._box(axes, axes.get_legend())]
    curves = page._ink(axes)
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])
    assert page._covered(curves, boxes[-1]) == 0
    assert sum(page._covered(curves, box) for box in boxes[:-1]) < 0.02 * len(curves)


def test_a_legend_without_room_goes_above():
    axes = panel()
    x = np.linspace(0, 1, 4000)
    axes.plot(x, np.sin(400 * x), label="everywhere")
    paper.legend(axes)
    axes.figure.draw_without_rendering()
    assert page._box(axes, axes.get_legend()).y0 >= axes.get_window_extent().y1


def test_they_compose(result):
    """On axes that are given nothing but these is touched, and no setting of matplotlib is left behind."""
    import matplotlib

    before = dict(matplotlib.rcParams)
    figure = Figure(figsize=(7, 3))
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    assert paper.iv(result, left) is left and paper.filament(result, right) is right
    assert figure.get_size_inches()[0] == 7 and dict(matplotlib.rcParams) == before
    assert paper.iv(result).figure.get_size_inches()[0] == pytest.approx(paper.COLUMN)
    with paper.style(font_size=9):
        assert matplotlib.rcParams["font.size"] == 9 and matplotlib.rcParams["lines.linewidth"] == 1.0
    with pytest.raises(ValueError, match="setting must be one of"):
        paper.style(fontsize=9)


def test_the_gap_is_told(result):
    axes = paper.filament(result, snapshot=2)
    (text,) = (text.get_text() for text in axes.texts if text.get_text())
    assert text == "gap 1.30 nm" and axes.get_title() == ""
    assert "vacancies, gap 1.30 nm" in paper.filament(result, snapshot=2, title=True).get_title()
    result["snapshot_label"][2] = "here"
    assert "gap 1.30 nm" in [one.get_text() for one in paper.filament(result, snapshot="here").texts]


def test_shares(result):
    """Steps of one value each, from 0 to all; missing values left out; units of both where they agree."""
    data = xr.Dataset(
        {
            "set_voltage": (("member",), [1.0, 3.0, np.nan, 2.0], {"units": "V", "long_name": "SET"}),
            "reset_voltage": (("member",), [-1.0, -3.0, -2.0, -2.0], {"units": "V", "long_name": "RESET"}),
        }
    )
    axes = paper.cdf(data, variable="set_voltage", label="a")
    np.testing.assert_array_equal(axes.get_lines()[0].get_xdata(), [1, 1, 2, 3])
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), [0, 100 / 3, 200 / 3, 100])
    assert axes.get_xlabel() == "SET / V"
    paper.cdf(data["reset_voltage"], ax=axes, label="b")
    assert axes.get_xlabel() == "value / V" and len(axes.get_legend().get_texts()) == 2
    straight = paper.cdf(np.random.default_rng(1).weibull(3, 40), family="weibull")
    assert straight.get_ylabel().startswith("fraction")


def test_a_trace_and_its_levels():
    time = np.arange(4000) * 1e-5
    state = (np.cumsum(np.random.default_rng(2).random(4000) < 0.02) % 2).astype(float)
    data = traces.from_arrays(time, 1e-7 + 2e-8 * state + 1e-9 * np.random.default_rng(3).normal(size=4000))
    axes = paper.rtn(data)
    (line,) = axes.get_lines()
    np.testing.assert_allclose(line.get_ydata(), data["current"].values * 1e9)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time / ms", "current / nA")
    assert {line.get_label() for line in paper.rtn(data, traps=1).get_lines()} >= {
        "trace",
        "most likely states",
    }


def test_resistances(result):
    axes = paper.resistance(result)
    cycles = metrics.cycle_summary(result)
    high, low = axes.get_lines()
    np.testing.assert_array_equal(high.get_ydata(), cycles["hrs"].values)
    np.testing.assert_array_equal(low.get_ydata(), cycles["lrs"].values)
    assert axes.get_ylabel() == "resistance at 0.1 V / ohm"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda data: paper.iv(data, phases=["set 9"]), "phase must be one of form, reset 1, set 1"),
        (lambda data: paper.iv(data, voltage="gate"), "voltage must be one of source, device, got 'gate'"),
        (lambda data: paper.filament(data, snapshot=99), "snapshot must be between -8 and 7, got 99"),
        (lambda data: paper.filament(data, snapshot="x"), "snapshot must be one of "),
        (lambda data: paper.cdf(data, variable="nothing"), "variable must be one of "),
        (lambda data: paper.cdf([np.nan]), "data must hold a value to draw, all are missing"),
        (lambda data: paper.rtn(data, phase="x"), "phase must be one of form, reset 1"),
    ],
)
def test_what_is_refused(result, call, message):
    with pytest.raises(ValueError, match=message):
        call(result)


@pytest.mark.parametrize("draw", [paper.iv, paper.filament, paper.resistance])
def test_what_is_no_result_of_a_device_is_told(result, draw):
    with pytest.raises(
        TypeError, match=r"a dataset is drawn: device.result, or frenkel.open of a file; got a str"
    ):
        draw("run.nc")
    with pytest.raises(
        ValueError, match=r"the result of one device is drawn; data.frenkel.member\(k\) is one"
    ):
        draw(result.drop_vars("phase_cycle"))
