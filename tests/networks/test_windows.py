"""Images to columns: windows against plain loops, their transpose, and convolutions in a chip."""

import numpy as np
import pytest

from frenkel.networks.chip import Chip
from frenkel.networks.cost import inference, writing
from frenkel.networks.device_statistics import DeviceStatistics, placeholder
from frenkel.networks.metrics import metrics
from frenkel.networks.perceptron import Perceptron
from frenkel.networks.windows import Windows

IDEAL = DeviceStatistics(**(placeholder().numbers | dict.fromkeys(
    ("variability", "read_noise", "rtn_amplitude", "drift_mean", "drift_spread"), 0.0)))  # fmt: skip
RANDOM = np.random.default_rng(3)
CASES = [
    Windows(height=5, width=4, channels=2, kernel=3),
    Windows(height=7, width=7, channels=1, kernel=3, stride=2),
    Windows(height=6, width=5, channels=3, kernel=2, stride=3),
]  # fmt: skip


@pytest.mark.parametrize("windows", CASES)
def test_columns_are_the_windows(windows):
    x = RANDOM.random((2, 3, windows.inputs))
    found = windows.columns(x).reshape(2, 3, windows.places, windows.rows)
    images = x.reshape(2, 3, windows.height, windows.width, windows.channels)
    down, across = windows.grid
    for i in range(down):
        for j in range(across):
            a, b = i * windows.stride, j * windows.stride
            part = images[:, :, a : a + windows.kernel, b : b + windows.kernel]
            exact = np.moveaxis(part, -1, 2).reshape(2, 3, -1)
            np.testing.assert_array_equal(found[:, :, i * across + j], exact)


@pytest.mark.parametrize("windows", CASES)
def test_the_way_back_is_the_transpose(windows):
    """<columns(x), y> = <x, back(y)> for any x and y."""
    x = RANDOM.standard_normal((2, 3, windows.inputs))
    y = RANDOM.standard_normal((2, 3 * windows.places, windows.rows))
    np.testing.assert_allclose((windows.columns(x) * y).sum(), (x * windows.back(y, 3)).sum(), rtol=1e-12)


def test_windows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="kernel must be at most 3 for images of 3 x 9, got 4"):
        Windows(height=3, width=9, channels=1, kernel=4)


LAYERS = (
    Windows(height=6, width=6, channels=1, kernel=3),
    Windows(height=4, width=4, channels=3, kernel=2),
    None,
)
NET = Perceptron.start((36, 3, 4, 5), 1, np.random.default_rng(4), LAYERS)


def test_a_convolution_runs_in_a_chip_as_in_software():
    """Ideal cells, arrays of 8 rows, so that windows of 12 numbers are cut in two; several chips at once."""
    x = RANDOM.random((7, 36))
    chip = Chip(IDEAL, rows=8, columns=8, copies=2, seed=1)
    weights, biases = NET.one(0)
    chip.program(weights, [b + 0.1 for b in biases], calibration=x, windows=LAYERS)
    exact = NET.having(NET.weights, [b + 0.1 for b in NET.biases]).logits(x)[0]
    np.testing.assert_allclose(chip.run(x), np.stack([exact, exact]), rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match=r"shape \(samples, 36\)"):
        chip.run(x[:, :35])


def test_products_of_a_convolution_are_counted_once_for_each_window():
    x, (weights, biases) = RANDOM.random((7, 36)), NET.one(0)
    dense = 9 * 3 * 16 + 12 * 4 * 9 + 36 * 5
    assert metrics(weights, biases, x, windows=LAYERS).dense == dense
    chip = Chip(IDEAL, rows=64, columns=64, seed=1)
    chip.program(weights, biases, windows=LAYERS)
    chip.run(x)
    cost = inference(chip)
    assert cost.operations == 2.0 * dense
    # One array a layer: 16, 9 and 1 products, one after another, each as long as that of the layer alone.
    latency = conversions = 0.0
    for matrix, places in zip(weights, (16, 9, 1), strict=True):
        alone = Chip(IDEAL, rows=64, columns=64, seed=1)
        alone.program([matrix])
        alone.run(RANDOM.random((1, len(matrix))))
        once = inference(alone)
        latency += places * once.latency
        conversions += places * once.energy["converter"]
    assert cost.latency == pytest.approx(latency, rel=1e-6)
    assert cost.energy["converter"] == pytest.approx(conversions, rel=1e-9)
    one, ten = (writing(chip, pulses=count) for count in (1, 10))
    assert ten.energy == pytest.approx(10 * one.energy) and ten.pulses == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        (LAYERS[:2], "windows must be one per layer, 3, got 2"),
        (
            (None, *LAYERS[1:]),
            "weights of layer 1 must have 3 rows, one per output of the layer before, got 48",
        ),
        ((LAYERS[1], *LAYERS[1:]), "weights of layer 0 must have 12 rows, one per number of a window, got 9"),
    ],
)
def test_layers_that_do_not_follow_are_refused(windows, message):
    weights, biases = NET.one(0)
    with pytest.raises(ValueError, match=message):
        Chip(IDEAL).program(weights, biases, windows=windows)
