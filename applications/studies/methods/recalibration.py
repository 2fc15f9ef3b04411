"""Gain and offset of neurons recalibrated on a chip, as batch normalisation does with its own statistics."""

from collections.abc import Callable, Sequence

import numpy as np

from frenkel.networks.perceptron import Perceptron, sums
from frenkel.typing import Floats


def recalibrated(network: Perceptron, x: Floats) -> Callable[[Perceptron, Sequence[Floats], Floats], Floats]:
    """Return a function to logits of a chip whose neurons got gain and offset from some inputs.

    On inputs x the sums of every neuron get the mean and the spread that they have in the
    network without noise. The function takes networks, the weights of one chip each, and inputs.

    Parameters
    ----------
    network : Perceptron
        Networks without noise.
    x : ndarray of shape (samples, inputs) or (seeds, samples, inputs)
        Such as the validation part; labels are not needed.
    """
    targets = []
    activations = x
    for layer, (w, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        sums_now = sums(activations, w, b, network.window(layer))
        targets.append((sums_now.mean(axis=-2, keepdims=True), sums_now.std(axis=-2, keepdims=True)))
        activations = np.maximum(sums_now, 0.0) if layer < len(network.weights) - 1 else sums_now

    def outputs(nets: Perceptron, weights: Sequence[Floats], given: Floats) -> Floats:
        observed, corrected = x, given
        for layer, (w, b) in enumerate(zip(weights, nets.biases, strict=True)):
            sums_seen, results = (
                sums(given_to, w, b, nets.window(layer)) for given_to in (observed, corrected)
            )
            mean, spread = sums_seen.mean(axis=-2, keepdims=True), sums_seen.std(axis=-2, keepdims=True)
            # A neuron that is dead on these inputs has no spread to set.
            gain = np.where(spread > 0.0, targets[layer][1] / np.where(spread > 0.0, spread, 1.0), 1.0)
            observed, corrected = (targets[layer][0] + gain * (s - mean) for s in (sums_seen, results))
            if layer < len(weights) - 1:
                observed, corrected = np.maximum(observed, 0.0), np.maximum(corrected, 0.0)
        return corrected

    return outputs
