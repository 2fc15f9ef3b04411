"""What chips make of trained networks: weights as cells show them, for many chips and all seeds at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from ...networks.chip import wired
from ...networks.device_statistics import DeviceStatistics, statistics_of
from ...networks.mapping import Mapping, decode, encode
from ...networks.perceptron import Noise, Perceptron, Training, accuracy, cross_entropy, train
from ...networks.tasks import Part, Task, load
from ...typing import Floats
from ..common.data import Variables, finish, variable
from ..common.settings import Settings

Effect = Callable[[Floats, np.random.Generator], Floats]
"""Takes conductances (S) as wanted, returns those that are there."""

Outputs = Callable[[Perceptron, Sequence[Floats], Floats], Floats]
"""Takes networks, the weights of one chip each and inputs; returns logits."""

ROWS = 128
"""Of an array."""

HIDDEN = {"digits": (32,), "fashion": (64, 64)}
"""Hidden layers by task."""


def ideal(device: DeviceStatistics) -> DeviceStatistics:
    """Return statistics with the window of a device and nothing else of it."""
    nothing = dict.fromkeys(
        ("variability", "read_noise", "rtn_amplitude", "drift_mean", "drift_spread", "cycle_noise"), 0.0
    )
    return device.changed(**nothing, nonlinearity_up=0.0, nonlinearity_down=0.0)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a study works on.

    Attributes
    ----------
    settings : Settings
    task : Task
    device : DeviceStatistics
    network : Perceptron
        Networks of all seeds, trained in software.
    """

    settings: Settings
    task: Task
    device: DeviceStatistics
    network: Perceptron

    def noise(self, effect: Effect, mapping: Mapping = "pair") -> Noise:
        """Return an effect on the device's cells as noise on weights."""
        return noise_of(effect, mapping, self.device)

    def tested(
        self, noise: Noise | None, *key: int, network: Perceptron | None = None, chips: int | None = None,
        outputs: Outputs | None = None,
    ) -> Floats:  # fmt: skip
        """Return the accuracy (seeds,) in percent of these or other networks, with the stream of a key."""
        return tested(
            self.network if network is None else network, self.task.test,
            self.settings.chips if chips is None else chips, self.settings.random(*key), noise, outputs,
        )  # fmt: skip

    def finish(self, values: Variables, name: str, title: str, **more: Any) -> xr.Dataset:
        """Return the dataset of a study, with what it says of task and device."""
        about = described(self.device) | more
        return finish(values, name, f"{title} ({self.task.name})", self.settings, **about)


def begin(settings: Settings) -> tuple[Setup, Variables]:
    """Return what a study works on, and the accuracy of its networks as the first variable."""
    task, device = load(settings.task), statistics_of(settings.card)
    settings.progress(0.0, "training")
    setup = Setup(settings, task, device, trained(task, settings))
    return setup, {"float": variable("seed", setup.tested(None, 1), "%", "accuracy in software")}


def rows(part: Part) -> Floats:
    """Return the samples as rows of numbers."""
    return part.x.reshape(len(part), -1)


def widths(task: Task) -> tuple[int, ...]:
    """Return numbers of inputs, hidden units and classes for a task."""
    return (rows(task.train).shape[1], *HIDDEN.get(task.name, (32,)), task.classes)


def trained(
    task: Task, settings: Settings, noise: Noise | None = None, *, start: Perceptron | None = None,
    steps: int | None = None, key: int = 0,
) -> Perceptron:  # fmt: skip
    """Return networks of all seeds, trained on a task, from the same start for the same key."""
    random = settings.random(0, key)
    if start is None:
        start = Perceptron.start(widths(task), settings.seeds, random)
    how = Training(steps=settings.steps if steps is None else steps)
    return train(start, rows(task.train), cross_entropy(task.train.y, task.classes), how, random, noise)


def scales(weights: Floats) -> Floats:
    """Return the largest weight of each network, (..., 1, 1)."""
    return np.asarray(np.abs(weights).max(axis=(-2, -1), keepdims=True))


def shown(
    weights: Floats,
    random: np.random.Generator,
    *,
    effect: Effect,
    mapping: Mapping,
    device: DeviceStatistics,
) -> Floats:
    """Return weights (..., m, n) as the cells that hold them show them."""
    scale = scales(weights)
    window = device.window
    there = effect(encode(weights / scale, mapping, *window), random)
    return decode(there, mapping, *window) * scale


def noise_of(effect: Effect, mapping: Mapping, device: DeviceStatistics) -> Noise:
    """Return an effect on cells as noise on weights, for training."""
    return partial(shown, effect=effect, mapping=mapping, device=device)


def tested(
    network: Perceptron, part: Part, chips: int, random: np.random.Generator, noise: Noise | None = None,
    outputs: Outputs | None = None,
) -> Floats:  # fmt: skip
    """Return the accuracy (seeds,) in percent, mean over chips, of networks whose weights show a noise.

    ``outputs`` gives their logits; plain ones by default.
    """
    x = rows(part)
    if noise is None:
        return 100.0 * accuracy(network.logits(x), part.y)
    total = np.zeros(network.weights[0].shape[0])
    for _ in range(chips):
        weights = [noise(w, random) for w in network.weights]
        logits = network.logits(x, weights) if outputs is None else outputs(network, weights, x)
        total += accuracy(logits, part.y)
    return np.asarray(100.0 * total / chips)


# ------------------------------------------------------------------ effects


def lognormal(sigma: float) -> Effect:
    """Return programming that multiplies each cell by exp(sigma N(0, 1))."""
    return lambda g, random: g * np.exp(sigma * random.standard_normal(g.shape))


def additive(sigma: float) -> Effect:
    """Return noise of one size (S) in every cell."""
    return lambda g, random: g + sigma * random.standard_normal(g.shape)


def common(sigma: float) -> Effect:
    """Return a factor 1 + sigma N(0, 1) that all cells of a chip have in common."""

    def effect(g: Floats, random: np.random.Generator) -> Floats:
        return np.asarray(g * (1.0 + sigma * random.standard_normal((*g.shape[:-2], 1, 1))))

    return effect


def telegraph(device: DeviceStatistics, amplitude: float) -> Effect:
    """Return one moment of telegraph noise of an amplitude at g_max."""
    return device.changed(rtn_amplitude=amplitude).telegraph


def drift(device: DeviceStatistics, mean: float, spread: float, time: float) -> Effect:
    """Return drift up to a time (s) by exponents of a mean and a spread."""
    law = device.changed(drift_mean=mean, drift_spread=spread)

    def effect(g: Floats, random: np.random.Generator) -> Floats:
        return law.drifted(g, law.exponents(g.shape, random), time)

    return effect


def with_gain(effect: Effect) -> Effect:
    """Return an effect whose loss of the sum of all conductances of a layer is made good."""

    def gained(g: Floats, random: np.random.Generator) -> Floats:
        there = effect(g, random)
        return np.asarray(there * (g.sum(axis=(-2, -1)) / there.sum(axis=(-2, -1)))[..., None, None])

    return gained


def wires(resistance: float) -> Effect:
    """Return the drop along lines of a resistance per segment (ohm), in arrays of up to 128 rows."""

    def effect(g: Floats, random: np.random.Generator) -> Floats:
        if resistance == 0.0:
            return g
        parts = [wired(g[..., i : i + ROWS, :], resistance) for i in range(0, g.shape[-2], ROWS)]
        return np.concatenate(parts, axis=-2)

    return effect


def described(device: DeviceStatistics) -> dict[str, Any]:
    """Return what a dataset says of its device: numbers, origins and hash, as JSON data."""
    return {
        "device": device.numbers,
        "device_origins": dict(device.origins),
        "device_source": device.source,
        "device_hash": device.hash,
    }
