"""Loss along random directions of weights: do students of robust teachers (MTRD) lie in flat minima?

python examples/flat_minima.py      writes flat_minima.png, two minutes on one core

Networks of `frenkel study training`, trained on digits with equal numbers of steps. Weights move along
random directions in which the weights of each neuron have the length of those of the network (filter
normalisation: Li et al., "Visualizing the loss landscape of neural nets", arXiv:1712.09913), so that a
factor on the weights of a layer makes nothing flat. The cross entropy of training images is taken at each
distance, a fraction of the length of the weights. No method saw such directions: the noise of its
training is a factor on each weight.
"""

import numpy as np

from frenkel.networks.perceptron import Perceptron, accuracy, softmax
from frenkel_studies import training
from frenkel_studies.common.settings import Settings
from frenkel_studies.methods.splits import Samples, splits

SEED, NETWORKS, STEPS = 1, 8, 1800
DIRECTIONS, IMAGES = 20, 500
DISTANCES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
AT = 0.3
"""Distance at which methods are compared; chosen."""

STUDENT, OTHERS = "robust teachers", ("plain", "noise-aware")


def direction(network: Perceptron, random: np.random.Generator) -> list[np.ndarray]:
    """Return a random direction by layer; that of each neuron is as long as its weights."""
    steps = []
    for w in network.weights:
        step = random.standard_normal(w.shape)
        own, drawn = (np.linalg.norm(one, axis=-2, keepdims=True) for one in (w, step))
        steps.append(step * own / drawn)
    return steps


def cross_entropy(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the mean cross entropy (nat) of each network."""
    right = np.take_along_axis(softmax(logits), y[..., None], axis=-1)
    return np.asarray(-np.log(np.maximum(right, 1e-30)).mean(axis=(-2, -1)))


def along(network: Perceptron, images: Samples, directions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return loss and accuracy by distance and network, means over directions."""
    loss, right = np.zeros((2, len(DISTANCES), len(images.y)))
    random = np.random.default_rng([SEED, 1])  # the same numbers for each method
    for _ in range(directions):
        steps = direction(network, random)
        for k, distance in enumerate(DISTANCES):
            moved = [w + distance * step for w, step in zip(network.weights, steps, strict=True)]
            logits = network.logits(images.x, moved)
            loss[k] += cross_entropy(logits, images.y) / directions
            right[k] += accuracy(logits, images.y) / directions
    return loss, right


def measure(
    networks: int = NETWORKS, steps: int = STEPS, directions: int = DIRECTIONS
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return loss and accuracy of each method, by distance and network."""
    settings = Settings(seeds=networks, steps=steps, seed=SEED)
    parts = splits(settings.data, settings.seeds, settings.seed)
    images = parts.samples(parts.train[:, :IMAGES])
    made, _ = training.train_methods(settings, parts)
    return {name: along(made[name], images, directions) for name in (STUDENT, *OTHERS)}


def rise(found: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return how much the loss of each network rises up to the distance of the comparison."""
    return np.asarray(found[0][DISTANCES.index(AT)] - found[0][0])


def mean(values: np.ndarray, sign: str = "") -> str:
    """Return mean and 95 % interval over networks."""
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():{sign}.3g} ± {half:.2g}"


def words(found: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, str]:
    """Return what docs/review.md says of it."""
    rises = {name: rise(one) for name, one in found.items()}
    falls = {name: 100 * (one[1][0] - one[1][DISTANCES.index(AT)]) for name, one in found.items()}
    each = ", ".join(f"{name} {mean(one)}" for name, one in rises.items())
    less = "; ".join(
        f"student less {name} {mean(rises[STUDENT] - rises[name], '+')} nat and "
        f"{mean(falls[STUDENT] - falls[name], '+')} points of accuracy lost"
        for name in OTHERS
    )
    count = len(rises[STUDENT])
    return {"loss": f"rise of the loss at {AT:g} of the weights, {count} networks: {each} nat; {less}"}


def draw(found: dict[str, tuple[np.ndarray, np.ndarray]], path: str) -> None:
    """Draw loss and accuracy against the distance."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    shown = (0, 1, "cross entropy / nat"), (1, 100, "accuracy / %")
    for panel, (k, scale, label) in zip(panels, shown, strict=True):
        for name, one in found.items():
            values = scale * one[k]
            half = 1.96 * values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
            panel.errorbar(DISTANCES, values.mean(axis=1), half, capsize=2, label=name)
        panel.set(xlabel="distance along random directions / length of weights", ylabel=label)
    panels[0].legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "flat_minima.png")
    print("\n".join(words(found).values()))
