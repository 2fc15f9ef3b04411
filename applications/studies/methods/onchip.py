"""Training on the chip: weights live in cells and change by pulses alone.

Plain gradient descent; the change wanted of a weight becomes a number of equal pulses by stochastic rounding,
and each pulse moves its cell as the device's law of pulses says. Biases are digital.
"""

from typing import Literal

import numpy as np

from frenkel.networks.device_statistics import DeviceStatistics
from frenkel.networks.perceptron import Perceptron, cross_entropy, gradients
from frenkel.typing import Floats, Index

from ..common.settings import Settings
from . import hardware
from .single import Stream
from .splits import Splits

Cells = Literal["single", "pair"]
CELLS: tuple[Cells, ...] = ("single", "pair")
LARGEST = 1.0
"""Weight that the whole window stands for."""

RATES = (0.05, 0.2, 0.8)
"""Of gradient descent, falling to a tenth over the last half of the steps; each law is tried with each."""

BATCH = 64
ONLINE_RATES, ONLINE_LONGER = (0.025, 0.1, 0.4), 8
"""Rates of learning sample by sample, and its steps over those of training in software."""

PUBLISHED = {
    "ideal": (0.0, 0.0, 10_000, 0.0, 94.8),
    "target": (1.0, 1.0, 64, 0.02, 90.0),
    "AlOx/HfO2": (1.94, 0.61, 40, 0.05, 41.0),
    "Ag:a-Si": (2.4, 4.88, 97, 0.035, 73.0),
    "TaOx/TiO2": (1.85, 1.79, 102, 0.01, 10.0),
    "PCMO": (3.68, 6.76, 50, 0.01, 10.0),
}
"""Labels up and down, states, noise between cycles over the window, and accuracy (%) of on-line learning of
MNIST by a 400-100-10 perceptron: the benchmark table of MLP_NeuroSim as quoted by others (confidence: seen
there, not at its source). Noise that is reported as "below 1 %" stands as 1 %."""


def pulses_for(change: Floats, device: DeviceStatistics, random: np.random.Generator) -> Floats:
    """Return whole numbers of pulses whose mean is a change of the place in the window times all pulses."""
    pulses = change * device.pulses
    return np.asarray(np.floor(pulses + random.random(pulses.shape)))


class _Weights:
    """Cells behind the weights of a layer, all seeds.

    Attributes
    ----------
    plus, minus : ndarray
        Places of the cells in the window; no minus: an ideal reference at its middle.
    shown : ndarray
        Weights; after a step only those whose cells were pulsed are worked out again.
    """

    def __init__(self, weights: Floats, cells: Cells) -> None:
        scaled = np.minimum(np.maximum(weights / LARGEST, -1.0), 1.0) / 2.0
        self.plus, self.minus = 0.5 + scaled, (0.5 - scaled if cells == "pair" else None)
        self.shown = np.empty_like(self.plus)
        self._show(np.arange(self.plus.size))

    def change(self, wanted: Floats, device: DeviceStatistics, random: np.random.Generator) -> None:
        """Apply pulses for a change of weights; both cells of a pair take half of it, in opposite phase."""
        share = wanted / (2.0 * LARGEST)
        self._show(_pulse(self.plus, pulses_for(share, device, random), device, random))
        if self.minus is not None:
            self._show(_pulse(self.minus, pulses_for(-share, device, random), device, random))

    def _show(self, at: Index) -> None:
        plus = self.plus.reshape(-1)[at]
        minus = 1.0 - plus if self.minus is None else self.minus.reshape(-1)[at]
        self.shown.reshape(-1)[at] = (plus - minus) * LARGEST


def _pulse(places: Floats, count: Floats, device: DeviceStatistics, random: np.random.Generator) -> Index:
    """Apply numbers of pulses to cells at places in the window; return which got any."""
    changed, flat = np.flatnonzero(count != 0.0), places.reshape(-1)
    flat[changed] = device.pulsed(flat[changed], count.reshape(-1)[changed], random)
    return changed


def train_on_chip(
    parts: Splits,
    settings: Settings,
    device: DeviceStatistics,
    cells: Cells = "single",
    key: int = 0,
    *,
    rate: float,
    online: bool = False,
) -> Perceptron:
    """Return networks of all seeds, trained in cells; twice the steps of training in software.

    Parameters
    ----------
    parts : Splits
    settings : Settings
    device : DeviceStatistics
        Its labels, pulses and the noise of pulses act.
    cells : {"single", "pair"}
        One cell and an ideal reference at mid-window, or two cells with pulses in opposite phase.
    key : int
        Of the random stream; starts are the same for all.
    rate : float
        Of gradient descent.
    online : bool
        One sample a step, and more steps, instead of batches.
    """
    network, random = hardware.start_of(parts, settings), Stream(settings.random(5, key))
    layers = [_Weights(w, cells) for w in network.weights]
    loss, x = cross_entropy(parts.pool.y, parts.pool.classes), parts.pool.x
    steps, count = (ONLINE_LONGER if online else 2) * settings.steps, len(network.weights)
    for step in range(steps):
        batch = random.integers(parts.train.shape[1], size=(settings.seeds, 1 if online else BATCH))
        places = np.take_along_axis(parts.train, batch, axis=1)
        weights = [layer.shown for layer in layers]
        slopes = gradients(x[places], weights, network.biases, loss, places, network.windows)
        rate_now = rate * min(1.0, 0.1 + 1.8 * (1.0 - step / steps))
        for layer, gradient in zip(layers, slopes[:count], strict=True):
            layer.change(-rate_now * gradient, device, random)
        for bias, gradient in zip(network.biases, slopes[count:], strict=True):
            bias -= rate_now * gradient
    return network.having([layer.shown for layer in layers], network.biases)


def learnt(
    parts: Splits, settings: Settings, device: DeviceStatistics, cells: Cells = "single", key: int = 0, *,
    online: bool = False,
) -> tuple[Perceptron, float]:  # fmt: skip
    """Return networks trained in cells at the best of :data:`RATES` on validation images, and that rate."""

    def made(few: Settings, own: Splits, rate: float) -> Perceptron:
        return train_on_chip(own, few, device, cells, key, rate=rate, online=online)

    rates = ONLINE_RATES if online else RATES
    rate = hardware.chosen_rate(settings, parts, made, None, rates)
    return train_on_chip(parts, settings, device, cells, key, rate=rate, online=online), rate
