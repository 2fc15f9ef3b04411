"""Small networks in numpy, one for each seed at once, trained with or without noise on their weights.

A perceptron with rectified layers, the first of which may be convolutions; all arrays have the seed as their
first axis, so that the networks of a study are trained together. ``noise`` is what the hardware does to the
weights: it is drawn at every step (noise-aware training), while the weights that are kept stay clean.
Numbers are of the precision of weights and inputs, double or single.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..typing import Floats, Index
from .windows import Windows

Noise = Callable[[Floats, np.random.Generator], Floats]
"""Takes the weights of a layer (..., inputs, outputs), returns those that the hardware shows."""

Loss = Callable[[Floats, Index], Floats]
"""Takes logits (seeds, samples, classes) and places of the samples (seeds, samples); gradient by logits."""


@dataclass(slots=True)
class Perceptron:
    """Networks of rectified layers, one for each seed.

    Parameters
    ----------
    weights : list of ndarray of shape (seeds, inputs, outputs)
        One per layer; of a convolution, inputs are the numbers of a window and outputs its channels.
    biases : list of ndarray of shape (seeds, outputs)
        One per layer.
    windows : tuple of Windows or None
        Of each layer, None where it is no convolution; empty: none is.
    """

    weights: list[Floats]
    biases: list[Floats]
    windows: tuple[Windows | None, ...] = ()

    @classmethod
    def start(
        cls, widths: Sequence[int], seeds: int, random: np.random.Generator,
        windows: tuple[Windows | None, ...] = (),
    ) -> "Perceptron":  # fmt: skip
        """Return networks as they are before training (He's initial weights).

        Parameters
        ----------
        widths : sequence of int
            Numbers of inputs, hidden units (of convolutions: channels) and classes.
        seeds : int
            How many networks.
        random : numpy.random.Generator
        windows : tuple of Windows or None
            Of each layer.
        """
        pairs, units = [], widths[0]
        for layer, outputs in enumerate(widths[1:]):
            window = windows[layer] if windows else None
            pairs.append((units if window is None else window.rows, outputs))
            units = outputs if window is None else outputs * window.places
        return cls(
            [random.standard_normal((seeds, a, b)) * np.sqrt(2.0 / a) for a, b in pairs],
            [np.zeros((seeds, b)) for _, b in pairs],
            windows,
        )

    def copy(self) -> "Perceptron":
        """Return networks that share nothing with these."""
        return self.having([w.copy() for w in self.weights], [b.copy() for b in self.biases])

    def having(self, weights: list[Floats], biases: list[Floats]) -> "Perceptron":
        """Return networks of the same layers with other numbers."""
        return Perceptron(weights, biases, self.windows)

    def window(self, layer: int) -> Windows | None:
        """Return the windows of a layer, None where it is no convolution."""
        return self.windows[layer] if self.windows else None

    def one(self, seed: int) -> tuple[list[Floats], list[Floats]]:
        """Return weights (inputs, outputs) and biases of one network."""
        return [w[seed] for w in self.weights], [b[seed] for b in self.biases]

    def logits(self, x: Floats, weights: Sequence[Floats] | None = None) -> Floats:
        """Return logits (seeds, samples, classes) for inputs (samples, inputs) or (seeds, samples, inputs).

        ``weights`` stand in for those of the networks; they may have further axes in front of the seeds.
        """
        activations, last = np.asarray(x), len(self.weights) - 1
        for layer, w in enumerate(self.weights if weights is None else weights):
            z = sums(activations, w, self.biases[layer], self.window(layer))
            activations = z if layer == last else np.maximum(z, 0.0)
        return activations


def sums(x: Floats, w: Floats, b: Floats, window: Windows | None = None) -> Floats:
    """Return the weighted sums (..., samples, units) of a layer for what enters it (..., samples, inputs)."""
    if window is None:
        return np.asarray(x @ w + b[..., None, :])
    z = window.columns(x) @ w + b[..., None, :]
    return np.asarray(z.reshape(*z.shape[:-2], x.shape[-2], window.places * w.shape[-1]))


def softmax(logits: Floats) -> Floats:
    """Return probabilities of the classes (last axis)."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def cross_entropy(y: Index, classes: int) -> Loss:
    """Return the gradient of the cross entropy with labels y (samples,)."""
    # Zeros and ones are exact in single precision, and leave logits of either as they are.
    one_hot = np.eye(classes, dtype=np.float32)[y]

    def gradient(logits: Floats, places: Index) -> Floats:
        return np.asarray(softmax(logits) - one_hot[places])

    return gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How networks are trained: Adam on batches drawn at random.

    Parameters
    ----------
    steps, batch : int
        Batches, and samples in one.
    rate : float
        Learning rate, which falls to a tenth over the last half of the steps.
    """

    steps: int = 900
    batch: int = 64
    rate: float = 3e-3


def train(
    network: Perceptron,
    x: Floats,
    loss: Loss,
    how: Training,
    random: np.random.Generator,
    noise: Noise | None = None,
    *,
    places_of: Index | None = None,
) -> Perceptron:
    """Return networks trained from the given ones; these stay as they are.

    Parameters
    ----------
    network : Perceptron
        Where to start.
    x : ndarray of shape (samples, inputs)
    loss : Loss
        Such as :func:`cross_entropy`.
    how : Training
    random : numpy.random.Generator
    noise : callable, optional
        Of the weights at each step; the gradient is that at the noisy weights.
    places_of : ndarray of shape (seeds, n), optional
        Of the samples that each network learns from; all by default.
    """
    seeds = network.weights[0].shape[0]
    count = len(x) if places_of is None else places_of.shape[1]

    def gradient(now: Perceptron) -> list[Floats]:
        places = random.integers(count, size=(seeds, how.batch))
        if places_of is not None:
            places = np.take_along_axis(places_of, places, axis=1)
        weights = now.weights if noise is None else [noise(w, random) for w in now.weights]
        return gradients(x[places], weights, now.biases, loss, places, now.windows)

    return descend(network, gradient, how)


def descend(network: Perceptron, gradient: Callable[[Perceptron], list[Floats]], how: Training) -> Perceptron:
    """Return networks after Adam with any gradient (by weights, then by biases); the given ones stay.

    References
    ----------
    Kingma and Ba, Adam, arXiv:1412.6980.
    """
    descended = network.copy()
    parameters = descended.weights + descended.biases
    states = [tuple(np.zeros_like(p) for _ in range(4)) for p in parameters]
    for step in range(1, how.steps + 1):
        rate = how.rate * min(1.0, 0.1 + 1.8 * (1.0 - step / how.steps))
        for p, g, state in zip(parameters, gradient(descended), states, strict=True):
            _adam(p, g, state, rate, step)
    return descended


def _adam(p: Floats, g: Floats, state: tuple[Floats, ...], rate: float, step: int) -> None:
    """Change parameters by a gradient; the state is both moments and room for two more arrays.

    In place: with a million weights, new arrays in every step took more time than the sums.
    """
    m, v, work, root = state
    np.multiply(np.subtract(g, m, out=work), 0.1, out=work)
    m += work
    np.multiply(g, g, out=work)
    work -= v
    work *= 0.001
    v += work
    np.sqrt(np.divide(v, 1.0 - 0.999**step, out=work), out=work)
    work += 1e-8
    np.multiply(np.divide(m, 1.0 - 0.9**step, out=root), rate, out=root)
    root /= work
    p -= root


def gradients(
    x: Floats, weights: list[Floats], biases: list[Floats], loss: Loss, places: Index,
    windows: tuple[Windows | None, ...] = (),
) -> list[Floats]:  # fmt: skip
    """Return gradients of the mean loss over inputs (seeds, samples, inputs) by weights, then by biases."""
    windows_of_layers, last, samples = windows or (None,) * len(weights), len(weights) - 1, x.shape[-2]
    activations, entering, columns = x, [], []
    for layer, (w, b, window) in enumerate(zip(weights, biases, windows_of_layers, strict=True)):
        entering.append(activations)
        columns.append(activations if window is None else window.columns(activations))
        z = columns[-1] @ w + b[..., None, :]
        z = z.reshape(*z.shape[:-2], samples, -1)
        activations = z if layer == last else np.maximum(z, 0.0)
    delta = loss(activations, places) / samples
    by_weight: list[Floats] = []
    by_bias: list[Floats] = []
    for layer in range(last, -1, -1):
        window = windows_of_layers[layer]
        # Of a convolution every window is a sample.
        delta = delta.reshape(*delta.shape[:-2], -1, weights[layer].shape[-1])
        by_weight.insert(0, np.swapaxes(columns[layer], -1, -2) @ delta)
        by_bias.insert(0, delta.sum(axis=-2))
        if layer:
            delta = delta @ np.swapaxes(weights[layer], -1, -2)
            delta = delta if window is None else window.back(delta, samples)
            delta = delta * (entering[layer] > 0.0)
    return by_weight + by_bias


def accuracy(logits: Floats, y: Index) -> Floats:
    """Return the fraction of samples whose largest logit is that of their class y (samples,).

    y may be of shape (seeds, samples), where every network is asked of samples of its own.
    """
    return np.asarray((logits.argmax(axis=-1) == y).mean(axis=-1))
