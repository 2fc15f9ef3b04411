"""What pages of measured against simulated draw: each line by the numbers of its dataset."""

import numpy as np
import pytest
import xarray as xr

from frenkel.analysis.plots.comparison import corner, measured_page

NAMES = [f"d{number}" for number in range(3)]


def ragged(kind, columns, sizes, device_of):
    """Return a dataset of curves of several lengths, as measurements have them."""
    random = np.random.default_rng(len(kind))
    total = sum(sizes)
    data = {
        f"{kind}_{name}": ("sample", scale * random.uniform(1, 2, total)) for name, scale in columns.items()
    }
    data |= {f"{kind}_size": (kind, sizes), f"{kind}_device": (kind, device_of)}
    return xr.Dataset(data | {f"{kind}_cycle": (kind, np.arange(5, 5 + len(sizes)))}, {"device": NAMES})


def of_rows(kind, time):
    random = np.random.default_rng(1)
    data = {
        f"{kind}_device": (kind, [2, 0, 2, 0, 0, 1]),
        f"{kind}_conductance": (kind, random.uniform(1e-5, 9e-5, 6)),
    }
    if time:
        data["read_time"] = (kind, np.geomspace(1, 32, 6))
    return xr.Dataset(data, {"device": NAMES})


def lines(figure, number=0):
    return [(line.get_label(), *line.get_data()) for line in figure.axes[number].lines]


SIZES, OWNERS = [4, 3, 5, 2, 6, 3, 4], [0, 0, 1, 2, 2, 1, 0]
STARTS = np.cumsum([0, *SIZES])


@pytest.mark.parametrize(
    ("kind", "x", "factor", "words"),
    [
        ("loop", "voltage", 1e6, ("voltage / V", "current / µA")),
        ("trace", "time", 1e6, ("time / s", "current / µA")),
    ],
)
def test_first_six_curves_of_loops_and_traces(kind, x, factor, words):
    """Each has its own samples, and its device and cycle as its name."""
    data = ragged(kind, {x: 1.0, "current": 3e-6}, SIZES, OWNERS)
    figure = measured_page(data)
    shown = lines(figure)
    assert len(shown) == len(lines(figure, 1)) == 6
    for k, (name, abscissa, values) in enumerate(shown):
        part = slice(STARTS[k], STARTS[k + 1])
        assert name == NAMES[OWNERS[k]] + (f", cycle {5 + k}" if kind == "loop" else "")
        np.testing.assert_array_equal(abscissa, data[f"{kind}_{x}"].values[part])
        np.testing.assert_allclose(values, factor * data[f"{kind}_current"].values[part])
        np.testing.assert_allclose(lines(figure, 1)[k][2], abs(values))
    left, right = figure.axes
    assert (left.get_xlabel(), left.get_ylabel()) == words
    assert right.get_ylabel() == f"|{words[1].split(' ')[0]}| / {words[1].split(' ')[2]}"
    assert (left.get_yscale(), right.get_yscale()) == ("linear", "log")
    assert left.get_title(loc="left") + left.get_title() == "first 6"
    assert left.get_legend() and not right.get_legend()


@pytest.mark.parametrize(("kind", "x"), [("read", "time / s"), ("pulse", "pulse")])
def test_reads_and_pulses_of_each_device_in_the_order_of_the_file(kind, x):
    data = of_rows(kind, kind == "read")
    figure = measured_page(data)
    for (name, abscissa, values), device in zip(lines(figure), (2, 0, 1), strict=True):
        rows = np.flatnonzero(data[f"{kind}_device"].values == device)
        assert name == NAMES[device]
        expected = data["read_time"].values[rows] if kind == "read" else np.arange(1, len(rows) + 1)
        np.testing.assert_allclose(abscissa, expected)
        np.testing.assert_allclose(values, 1e6 * data[f"{kind}_conductance"].values[rows])
    assert figure.axes[0].get_xlabel() == x and figure.axes[0].get_ylabel() == "conductance / µS"


@pytest.mark.parametrize(
    ("names", "scale", "unit"),
    [(("hrs", "lrs"), 1e4, "resistance / kohm"), (("set_voltage", "reset_voltage"), 0.5, "voltage / mV")],
)
def test_cycles_of_the_first_devices(names, scale, unit):
    """Six curves at most: three devices of two numbers each; a current of 0 has no size on a log axis."""
    values = {name: scale * np.random.default_rng(k).uniform(1, 1.9, (4, 5)) for k, name in enumerate(names)}
    values[names[1]] = -values[names[1]] if scale < 1 else values[names[1]]
    values[names[0]][0, 2] = 0.0
    data = xr.Dataset(
        {name: (("device", "cycle"), value) for name, value in values.items()},
        {"device": [*NAMES, "d3"], "cycle": np.arange(3, 8)},
    )
    figure = measured_page(data)
    shown = lines(figure)
    assert [name for name, _, _ in shown] == [f"{device}, {name}" for device in NAMES for name in names]
    factor = 1e-3 if scale > 1 else 1.0 if max(abs(v).max() for v in values.values()) >= 1 else 1e3
    for k, (_, cycle, drawn) in enumerate(shown):
        np.testing.assert_array_equal(cycle, np.arange(3, 8))
        np.testing.assert_allclose(drawn, factor * values[names[k % 2]][k // 2])
    assert np.isnan(lines(figure, 1)[0][2][2]) and np.isfinite(lines(figure, 1)[1][2]).all()
    assert figure.axes[0].get_ylabel() == unit and figure.axes[0].get_xlabel() == "cycle"


def calibration():
    """Return a calibration of three parameters as its command writes it."""
    random = np.random.default_rng(2)
    draws = np.stack(
        [random.normal(1, 0.1, 50), np.exp(random.normal(3, 1, 50)), random.normal(-2, 1, 50)], 1
    )
    design = random.uniform(1, 2, (4, 3))
    shown = np.ones((4, 2))
    shown[1, 1] = np.nan
    return xr.Dataset(
        {
            "draw": (("draws", "parameter"), draws),
            "design": (("designs", "parameter"), design),
            "shown": (("designs", "statistic"), shown),
            "best": ("parameter", [1.01, 20.0, -2.1]),
            "interval": (("parameter", "end"), [[0.9, 1.2], [8.0, np.inf], [-4.0, 0.1]]),
            "low": ("parameter", [0.95, 1e-3, -30.0]),
            "high": ("parameter", [30.0, 1e3, -1.0]),
            "logarithmic": ("parameter", [0, 1, 0]),
            "unit": ("parameter", ["eV", "Hz", "V"]),
            "target": ("statistic", [5.0, 3.0]),
            "fitted": ("statistic", [4.0, 6.0]),
            "error": ("statistic", [0.5, 2.0]),
        },
        {"parameter": ["a", "b", "c"], "statistic": ["hrs of x", "lrs"]},
        {"title": "made up", "misfit": 12.34, "freedom": 3, "p_value": 0.0123},
    )


def test_a_corner_has_the_draws_the_designs_and_the_best():
    found = calibration()
    figure = corner(found)
    assert len(figure.axes) == 7
    assert figure.get_suptitle() == "made up\nmisfit 12.3 for 3 degrees of freedom, p = 0.012"
    order = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]
    panels = dict(zip(order, figure.axes, strict=False))
    for (i, j), axes in panels.items():
        if i == j:
            low, high = found["interval"].values[i]
            vertical = [line.get_xdata()[0] for line in axes.lines]
            assert vertical == [float(found["best"][i]), *(end for end in (low, high) if np.isfinite(end))]
            assert sum(bar.get_height() for bar in axes.patches) == np.count_nonzero(
                (found["draw"][:, i] >= found["low"][i]) & (found["draw"][:, i] <= found["high"][i])
            )
            assert len(axes.patches) == 29
            continue
        cloud, kept, missing, best = (line.get_xydata() for line in axes.lines)
        np.testing.assert_array_equal(cloud, found["draw"].values[:, [j, i]])
        np.testing.assert_array_equal(kept, found["design"].values[[0, 2, 3]][:, [j, i]])
        np.testing.assert_array_equal(missing, found["design"].values[[1]][:, [j, i]])
        np.testing.assert_array_equal(best, found["best"].values[[[j, i]]])
        assert [line.get_marker() for line in axes.lines] == [".", "o", "x", "+"]
    assert [panels[2, j].get_xlabel() for j in range(3)] == ["a\n/ eV", "b\n/ Hz", "c\n/ V"]
    assert [panels[i, 0].get_ylabel() for i in range(3)] == ["", "b\n/ Hz", "c\n/ V"]
    scales = {place: (axes.get_xscale(), axes.get_yscale()) for place, axes in panels.items()}
    assert {place for place, (x, _) in scales.items() if x == "log"} == {(1, 1), (2, 1)}
    assert {place for place, (_, y) in scales.items() if y == "log"} == {(1, 0)}


def test_panels_of_a_corner_go_a_fifth_beyond_the_draws_and_no_further_than_the_range():
    found = calibration()
    panels = corner(found).axes
    draws = found["draw"].values
    room = 0.2 * np.ptp(draws[:, 0])
    assert panels[0].get_xlim() == pytest.approx((0.95, draws[:, 0].max() + room))
    span = np.exp(0.2 * np.ptp(np.log(draws[:, 1])))
    expected = max(1e-3, draws[:, 1].min() / span), min(1e3, draws[:, 1].max() * span)
    assert panels[2].get_xlim() == pytest.approx(expected)
    assert panels[1].get_ylim() == pytest.approx(expected)
    assert panels[5].get_xlim() == pytest.approx((draws[:, 2].min() - 0.2 * np.ptp(draws[:, 2]), -1.0))


def test_the_misfit_of_a_corner_is_measured_less_simulated_in_errors():
    axes = corner(calibration()).axes[-1]
    assert [bar.get_width() for bar in axes.patches] == [2.0, -1.5]
    assert [bar.get_y() + bar.get_height() / 2 for bar in axes.patches] == [1.0, 0.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["hrs\nof x", "lrs"]
    assert [line.get_xdata()[0] for line in axes.lines] == [-2, 2]
    assert axes.get_xlabel() == "measured less simulated (errors)"


def test_a_calibration_without_a_p_value_says_none():
    found = calibration()
    found.attrs["p_value"] = np.nan
    assert corner(found).get_suptitle().endswith("3 degrees of freedom")
