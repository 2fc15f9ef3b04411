"""What chips make of trained networks: weights as cells show them, for many chips and all seeds at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from frenkel.networks.chip import wired
from frenkel.networks.device_statistics import DeviceStatistics, statistics_of
from frenkel.networks.mapping import Mapping, decode, encode
from frenkel.networks.perceptron import Noise, Perceptron, Training, accuracy, cross_entropy, train
from frenkel.networks.windows import Windows
from frenkel.typing import Floats

from ..common.data import Variables, finish, variable
from ..common.settings import Settings
from .single import Stream, single
from .splits import Samples, Splits, splits

Effect = Callable[[Floats, np.random.Generator], Floats]
"""Takes conductances (S) as wanted, returns those that are there."""

Outputs = Callable[[Perceptron, Sequence[Floats], Floats], Floats]
"""Takes networks, the weights of one chip each and inputs; returns logits."""

ROWS = 128
"""Of an array."""

SMALL = 200
"""Numbers of an image up to which a network is as small as digits want."""

CHANNELS = (8, 16)
"""Of the two convolutions."""

RATES = (1e-3, 3e-3, 1e-2)
"""Learning rates of Adam that every method is tried with."""

TRIED = 2
"""Networks that a rate is chosen by, each on its own validation part."""


def ideal(device: DeviceStatistics) -> DeviceStatistics:
    """Return statistics with the window of a device and nothing else of it."""
    zeros = dict.fromkeys(
        ("variability", "read_noise", "rtn_amplitude", "drift_mean", "drift_spread", "cycle_noise"), 0.0
    )
    return replace(device.changed(**zeros, nonlinearity_up=0.0, nonlinearity_down=0.0), relaxation=None)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a study works on.

    Attributes
    ----------
    settings : Settings
    splits : Splits
    device : DeviceStatistics
    network : Perceptron
        Networks of all seeds, trained in software.
    """

    settings: Settings
    splits: Splits
    device: DeviceStatistics
    network: Perceptron

    @property
    def test(self) -> Samples:
        """Images that each network is tested on."""
        return self.splits.samples(self.splits.test)

    @property
    def validation(self) -> Samples:
        """Images that choices of each network are made on."""
        return self.splits.samples(self.splits.validation)

    def noise(self, effect: Effect, mapping: Mapping = "pair") -> Noise:
        """Return an effect on the device's cells as noise on weights."""
        return noise_of(effect, mapping, self.device)

    def tested(
        self, noise: Noise | None, *key: int, network: Perceptron | None = None, chips: int | None = None,
        outputs: Outputs | None = None,
    ) -> Floats:  # fmt: skip
        """Return the accuracy (seeds,) in percent of these or other networks, with the stream of a key."""
        return tested(
            self.network if network is None else network, self.test,
            self.settings.chips if chips is None else chips, self.settings.random(*key), noise, outputs,
        )  # fmt: skip

    def finish(self, values: Variables, name: str, title: str, **more: Any) -> xr.Dataset:
        """Return the dataset of a study, with what it says of images and device."""
        description = (
            described(self.device)
            | {"device_missing": list(self.device.missing), "images": self.splits.pool.source}
            | more
        )
        return finish(values, name, f"{title} ({self.splits.pool.name})", self.settings, **description)


def begin(settings: Settings) -> tuple[Setup, Variables]:
    """Return what a study works on, and the accuracy of its networks as the first variable."""
    parts, device = splits(settings.data, settings.seeds, settings.seed), statistics_of(settings.cell)
    settings.progress(0.0, "training")
    setup = Setup(settings, parts, device, trained(parts, settings))
    return setup, {"float": variable("seed", setup.tested(None, 1), "%", "accuracy in software")}


def start_of(parts: Splits, settings: Settings, key: int = 0) -> Perceptron:
    """Return networks as they are before training, from the same start for the same key.

    Their numbers are of single precision.
    """
    seeds = settings.seeds
    features, classes, (height, width) = parts.pool.x.shape[1], parts.pool.classes, parts.pool.shape
    random = settings.random(0, key)
    if settings.network == "perceptron":
        hidden = (32,) if features <= SMALL else (64, 64)
        return single(Perceptron.start((features, *hidden, classes), seeds, random))
    kernels = ((3, 1), (3, 1)) if features <= SMALL else ((5, 2), (3, 2))
    first = Windows(height=height, width=width, channels=1, kernel=kernels[0][0], stride=kernels[0][1])
    second = Windows(
        height=first.grid[0], width=first.grid[1], channels=CHANNELS[0], kernel=kernels[1][0],
        stride=kernels[1][1],
    )  # fmt: skip
    return single(Perceptron.start((features, *CHANNELS, classes), seeds, random, (first, second, None)))


def trained(
    parts: Splits, settings: Settings, noise: Noise | None = None, *, start: Perceptron | None = None,
    steps: int | None = None, key: int = 0, rate: float = 3e-3,
) -> Perceptron:  # fmt: skip
    """Return networks of all seeds, each trained on its own split, from the same start for the same key."""
    if start is None:
        start = start_of(parts, settings, key)
    training = Training(steps=settings.steps if steps is None else steps, rate=rate)
    loss = cross_entropy(parts.pool.y, parts.pool.classes)
    # The numbers of the start are drawn before those of the batches, from one stream.
    random = Stream(settings.random(0, key, 1))
    return train(start, parts.pool.x, loss, training, random, noise, places_of=parts.train)


def chosen_rate(
    settings: Settings,
    parts: Splits,
    made: Callable[[Settings, Splits, float], Perceptron],
    noise: Noise | None,
    rates: Sequence[float] = RATES,
) -> float:
    """Return the rate whose networks are best on their validation parts, under a noise.

    Every method is tried with the same rates, on as many networks and with as many steps.

    Parameters
    ----------
    settings : Settings
    parts : Splits
    made : callable
        Takes settings and splits of a few networks and a rate, returns networks.
    noise : Noise or None
        That they are judged under.
    rates : sequence of float
    """
    tried_settings = replace(settings, seeds=TRIED)
    tried = parts.first(TRIED)
    validation = tried.samples(tried.validation)
    chips = 1 if noise is None else min(settings.chips, 5)
    accuracies = [
        tested(made(tried_settings, tried, rate), validation, chips, settings.random(17), noise).mean()
        for rate in rates
    ]
    return float(rates[int(np.argmax(accuracies))])


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
    stored_weights = effect(encode(weights / scale, mapping, *window), random)
    return decode(stored_weights, mapping, *window) * scale


def noise_of(effect: Effect, mapping: Mapping, device: DeviceStatistics) -> Noise:
    """Return an effect on cells as noise on weights, for training."""
    return partial(shown, effect=effect, mapping=mapping, device=device)


def tested(
    network: Perceptron, samples: Samples, chips: int, random: np.random.Generator,
    noise: Noise | None = None, outputs: Outputs | None = None,
) -> Floats:  # fmt: skip
    """Return the accuracy (seeds,) in percent, mean over chips, of networks whose weights show a noise.

    ``outputs`` gives their logits; plain ones by default.
    """
    x, y = samples.x, samples.y
    if noise is None:
        return 100.0 * accuracy(network.logits(x), y)
    total, random = np.zeros(network.weights[0].shape[0]), Stream(random)
    for _ in range(chips):
        weights = [noise(w, random) for w in network.weights]
        logits = network.logits(x, weights) if outputs is None else outputs(network, weights, x)
        total += accuracy(logits, y)
    return np.asarray(100.0 * total / chips)


# ------------------------------------------------------------------ effects


def lognormal(sigma: float) -> Effect:
    """Return programming that multiplies each cell by exp(sigma N(0, 1))."""
    return lambda g, random: scattered(g, sigma, random)


def scattered(values: Floats, sigma: float, random: np.random.Generator) -> Floats:
    """Return values times exp(sigma N(0, 1)); in place, since training asks for a million in every step."""
    factors = random.standard_normal(values.shape)
    factors *= sigma
    np.exp(factors, out=factors)
    factors *= values
    return factors


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


def aged(device: DeviceStatistics, time: float) -> Effect:
    """Return what becomes of the device's cells some time (s) after programming, by its own law."""
    return lambda g, random: device.drifted(g, device.exponents(g.shape, random), time)


def drift(device: DeviceStatistics, mean: float, spread: float, time: float) -> Effect:
    """Return drift up to a time (s) by exponents of a mean and a spread."""
    law = replace(device.changed(drift_mean=mean, drift_spread=spread), relaxation=None)

    def effect(g: Floats, random: np.random.Generator) -> Floats:
        return law.drifted(g, law.exponents(g.shape, random), time)

    return effect


def with_gain(effect: Effect) -> Effect:
    """Return an effect whose loss of the sum of all conductances of a layer is made good."""

    def gained(g: Floats, random: np.random.Generator) -> Floats:
        stored_conductance = effect(g, random)
        return np.asarray(
            stored_conductance
            * (g.sum(axis=(-2, -1)) / stored_conductance.sum(axis=(-2, -1)))[..., None, None]
        )

    return gained


def wires(resistance: float) -> Effect:
    """Return the drop along lines of a resistance per segment (ohm), in arrays of up to 128 rows."""

    def effect(g: Floats, random: np.random.Generator) -> Floats:
        if resistance == 0.0:
            return g
        parts = [wired(g[..., i : i + ROWS, :], resistance) for i in range(0, g.shape[-2], ROWS)]
        return np.concatenate(parts, axis=-2).astype(g.dtype)

    return effect


def described(device: DeviceStatistics) -> dict[str, Any]:
    """Return what a dataset says of its device: numbers, origins and hash, as JSON data."""
    return {
        "device": device.numbers,
        "device_origins": dict(device.origins),
        "device_source": device.source,
        "device_hash": device.hash,
    }
