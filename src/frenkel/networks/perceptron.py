"""Small networks in numpy, one for each seed at once, trained with or without noise on their weights.

A perceptron with rectified layers; all arrays have the seed as their first axis, so that the networks of a
study are trained together. ``noise`` is what the hardware does to the weights: it acts anew at every step
(noise-aware training), while the weights that are kept stay clean.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..typing import Floats, Index

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
        One per layer.
    biases : list of ndarray of shape (seeds, outputs)
        One per layer.
    """

    weights: list[Floats]
    biases: list[Floats]

    @classmethod
    def start(cls, widths: Sequence[int], seeds: int, random: np.random.Generator) -> "Perceptron":
        """Return networks as they are before training (He's initial weights).

        Parameters
        ----------
        widths : sequence of int
            Numbers of inputs, hidden units and classes.
        seeds : int
            How many networks.
        random : numpy.random.Generator
        """
        pairs = list(itertools.pairwise(widths))
        return cls(
            [random.standard_normal((seeds, a, b)) * np.sqrt(2.0 / a) for a, b in pairs],
            [np.zeros((seeds, b)) for _, b in pairs],
        )

    def copy(self) -> "Perceptron":
        """Return networks that share nothing with these."""
        return Perceptron([w.copy() for w in self.weights], [b.copy() for b in self.biases])

    def one(self, seed: int) -> tuple[list[Floats], list[Floats]]:
        """Return weights (inputs, outputs) and biases of one network."""
        return [w[seed] for w in self.weights], [b[seed] for b in self.biases]

    def logits(self, x: Floats, weights: Sequence[Floats] | None = None) -> Floats:
        """Return logits (seeds, samples, classes) for inputs (samples, inputs) or (seeds, samples, inputs).

        ``weights`` stand in for those of the networks; they may have further axes in front of the seeds.
        """
        return _forward(x, self.weights if weights is None else weights, self.biases)[-1]


def _forward(x: Floats, weights: Sequence[Floats], biases: Sequence[Floats]) -> list[Floats]:
    """Return what enters each layer, and the logits."""
    entering = [np.asarray(x, float)]
    last = len(weights) - 1
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        z = entering[-1] @ w + b[..., None, :]
        entering.append(z if layer == last else np.maximum(z, 0.0))
    return entering


def softmax(logits: Floats) -> Floats:
    """Return probabilities of the classes (last axis)."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def cross_entropy(y: Index, classes: int) -> Loss:
    """Return the gradient of the cross entropy with labels y (samples,)."""
    wanted = np.eye(classes)[y]

    def gradient(logits: Floats, places: Index) -> Floats:
        return np.asarray(softmax(logits) - wanted[places])

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
    """
    seeds = network.weights[0].shape[0]

    def gradient(now: Perceptron) -> list[Floats]:
        places = random.integers(len(x), size=(seeds, how.batch))
        weights = now.weights if noise is None else [noise(w, random) for w in now.weights]
        return gradients(x[places], weights, now.biases, loss, places)

    return descend(network, gradient, how)


def descend(network: Perceptron, gradient: Callable[[Perceptron], list[Floats]], how: Training) -> Perceptron:
    """Return networks after Adam with any gradient (by weights, then by biases); the given ones stay.

    References
    ----------
    Kingma and Ba, Adam, arXiv:1412.6980.
    """
    found = network.copy()
    parameters = found.weights + found.biases
    first, second = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    for step in range(1, how.steps + 1):
        rate = how.rate * min(1.0, 0.1 + 1.8 * (1.0 - step / how.steps))
        for p, g, m, v in zip(parameters, gradient(found), first, second, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            p -= rate * (m / (1.0 - 0.9**step)) / (np.sqrt(v / (1.0 - 0.999**step)) + 1e-8)
    return found


def gradients(
    x: Floats, weights: list[Floats], biases: list[Floats], loss: Loss, places: Index
) -> list[Floats]:
    """Return gradients of the mean loss over inputs (seeds, samples, inputs) by weights, then by biases."""
    entering = _forward(x, weights, biases)
    delta = loss(entering[-1], places) / x.shape[1]
    by_weight: list[Floats] = []
    by_bias: list[Floats] = []
    for layer in range(len(weights) - 1, -1, -1):
        by_weight.insert(0, np.swapaxes(entering[layer], -1, -2) @ delta)
        by_bias.insert(0, delta.sum(axis=-2))
        if layer:
            delta = (delta @ np.swapaxes(weights[layer], -1, -2)) * (entering[layer] > 0.0)
    return by_weight + by_bias


def accuracy(logits: Floats, y: Index) -> Floats:
    """Return the share of samples whose largest logit is that of their class y (samples,)."""
    return np.asarray((logits.argmax(axis=-1) == y).mean(axis=-1))
