"""Is the noise of a device of use? Stochastic rounding, random bits, averaging as Bayes does."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..networks import tasks
from ..networks.perceptron import (
    Loss,
    Perceptron,
    Training,
    accuracy,
    cross_entropy,
    gradients,
    softmax,
    train,
)
from ..typing import Floats
from .common.claims import Claim, claim
from .common.data import Variables, finish, interval, markdown, percent, variable
from .common.draw import save
from .common.settings import Settings
from .methods import entropy

TITLE = "noise of devices as a resource"
LEVELS = 64
"""Of a weight of six bits."""

WIDEST = 1.0
"""Largest weight."""

RATE = 0.05
STREAMS = ("raw", "steered", "corrected")
BIASES = (0.002, 0.01, 0.05)
ROUNDINGS = ("float", "nearest", "ideal", *(f"bias +{b:g}" for b in BIASES), "device, own", "device, in turn",
             "device, corrected")  # fmt: skip
TRAININGS = ("plain", "noise-aware")
BITS = ("bias", "bias_error", "bias_spread", "lag_1", "min_entropy", "yield")
"""What is measured of a stream of bits."""

READS = (1, 4, 16, 64)
READ_NOISE = 0.2
"""Multiplicative noise of a weight from read to read in the Bayesian part (standard deviation)."""

FEW = 200
"""Samples that the Bayesian part trains on."""

Uniform = Callable[[int, tuple[int, ...]], Floats]
"""Takes a step and a shape (seeds, m, n); numbers between 0 and 1 that decide which way to round."""


def run(settings: Settings) -> xr.Dataset:
    """Return the quality of random bits, and accuracies with stochastic rounding and averaged reads."""
    task = tasks.load(settings.task, settings.seed)
    bits, origin = _streams(settings)
    settings.progress(0.2, "stochastic rounding")
    found = bits | _rounding(task, settings)
    settings.progress(0.8, "reads as Bayes")
    found |= _bayes(task, settings) | {
        "stream": variable("stream", STREAMS, "1", "stream of bits"),
        "rounding": variable("rounding", ROUNDINGS, "1", "how an update is rounded"),
        "training": variable("training", TRAININGS, "1", "noise while training"),
        "reads": variable("reads", READS, "1", "noisy reads that are averaged"),
    }
    return finish(found, "noise", TITLE, settings, entropy_source=origin)


# ------------------------------------------------------------------ bits


def _streams(settings: Settings) -> tuple[Variables, str]:
    """Return bias, correlation and entropy of the raw and the corrected bits, and where they come from."""
    devices = 256
    cycles = 400 if settings.steps < 500 else 16_000
    source = entropy.source(settings.card, devices, cycles, settings.seed)
    raw, steered = source.bits(), source.steered_bits()
    warm = cycles // 10  # cycles in which the amplitude finds its place
    streams = [list(raw), list(steered[:, warm:]), entropy.corrected(steered[:, warm:])]
    every = [np.concatenate(rows) for rows in streams]
    measured = {
        "bias": ([row.mean() - 0.5 for row in every], "mean of the bits minus 1/2"),
        "bias_error": ([0.5 / row.size**0.5 for row in every], "standard error of the bias"),
        "bias_spread": (
            [np.std([row.mean() for row in rows if row.size]) for rows in streams],
            "standard deviation of the bias of single devices",
        ),
        "lag_1": ([entropy.autocorrelation(rows) for rows in streams], "correlation, lag 1"),
        "min_entropy": ([entropy.min_entropy(rows) for rows in streams], "bits per bit"),
        "yield": ([row.size / every[0].size for row in every], "bits per SET"),
    }
    found = {name: variable("stream", values, "1", words) for name, (values, words) in measured.items()}
    return found, source.origin


# ------------------------------------------------------------------ rounding


def _rounding(task: tasks.Task, settings: Settings) -> Variables:
    """Return the accuracy after training with six-bit weights, by the way of rounding."""
    steps, widths = 3 * settings.steps, (task.train.x.shape[1], 32, task.classes)
    found = np.empty((settings.seeds, len(ROUNDINGS)))
    for place, way in enumerate(ROUNDINGS):
        random = settings.random(8, place)
        networks = Perceptron.start(widths, settings.seeds, settings.random(8))
        rule = None if way == "float" else _uniform(way, settings, random)
        networks = _descend(networks, task, steps, settings.random(9), rule, nearest=way == "nearest")
        found[:, place] = accuracy(networks.logits(task.test.x), task.test.y)
        settings.progress(0.2 + 0.6 * (place + 1) / len(ROUNDINGS), f"rounding: {way}")
    return {"rounding_accuracy": variable("seed rounding", found, "1", "accuracy with weights of six bits")}


def _uniform(way: str, settings: Settings, random: np.random.Generator) -> Uniform:
    """Return the numbers that a way of rounding decides by."""
    if way.startswith("bias"):
        shift = float(way.removeprefix("bias +"))
        return lambda step, shape: random.random(shape) - shift
    if not way.startswith("device"):
        return lambda step, shape: random.random(shape)
    source = entropy.source(settings.card, 256, 4096, settings.seed + 1)
    if way == "device, corrected":
        stream = np.concatenate(entropy.corrected(source.steered_bits()[:, 400:]))
        table = entropy.numbers(stream)
        # Streams of bits go round: each weight takes the next number, from a place of its own in each step.
        return lambda step, shape: table[
            (random.integers(table.size) + np.arange(np.prod(shape))) % table.size
        ].reshape(shape)
    rows = source.uniforms()

    def own(step: int, shape: tuple[int, ...]) -> Floats:
        """Every weight has a device that it keeps; weights that share one take its cycles in turn."""
        weight = np.arange(int(np.prod(shape)))
        device = weight % len(rows) if way == "device, own" else (weight + step * 37) % len(rows)
        return np.asarray(rows[device, (step * 11 + weight // len(rows)) % rows.shape[1]].reshape(shape))

    return own


def _descend(
    networks: Perceptron, task: tasks.Task, steps: int, random: np.random.Generator, uniform: Uniform | None,
    *, nearest: bool = False,
) -> Perceptron:  # fmt: skip
    """Return networks after steps of plain gradient descent with weights on a grid of :data:`LEVELS`."""
    loss = cross_entropy(task.train.y, task.classes)
    grid = 2.0 * WIDEST / (LEVELS - 1)
    if uniform is not None:
        networks.weights = [_limited(np.round(w / grid) * grid) for w in networks.weights]
    for step in range(steps):
        one = train_step(networks, task.train.x, loss, random)
        if uniform is not None:
            for kept, wanted in zip(networks.weights, one.weights, strict=True):
                in_steps = wanted / grid
                floor = np.floor(in_steps)
                up = in_steps - floor >= 0.5 if nearest else uniform(step, kept.shape) < in_steps - floor
                kept[...] = _limited((floor + up) * grid)
        else:
            networks.weights = one.weights
        networks.biases = one.biases
    return networks


def _limited(weights: Floats) -> Floats:
    """Return weights of cells: none can be larger than the window allows."""
    return np.asarray(np.minimum(np.maximum(weights, -WIDEST), WIDEST))


def train_step(networks: Perceptron, x: Floats, loss: Loss, random: np.random.Generator) -> Perceptron:
    """Return networks after one step of gradient descent on a batch of 32."""
    places = random.integers(len(x), size=(networks.weights[0].shape[0], 32))
    slopes = gradients(x[places], networks.weights, networks.biases, loss, places)
    parameters = networks.weights + networks.biases
    new = [p - RATE * g for p, g in zip(parameters, slopes, strict=True)]
    return Perceptron(new[: len(networks.weights)], new[len(networks.weights) :])


# ------------------------------------------------------------------ Bayes


def _bayes(task: tasks.Task, settings: Settings) -> Variables:
    """Return accuracy, log-likelihood and calibration of averages over noisy reads."""
    random = settings.random(10)
    places = random.permutation(len(task.train))[:FEW]
    x, y = task.train.x[places], task.train.y[places]

    def noisy(w: Floats, stream: np.random.Generator) -> Floats:
        return np.asarray(w * (1.0 + READ_NOISE * stream.standard_normal(w.shape)))

    start = Perceptron.start((x.shape[1], 32, task.classes), settings.seeds, random)
    loss, how = cross_entropy(y, task.classes), Training(steps=settings.steps)
    rows = []
    for noise in (None, noisy):
        networks = train(start, x, loss, how, settings.random(11), noise)
        clean = softmax(networks.logits(task.test.x))
        reads = [
            softmax(networks.logits(task.test.x, [noisy(w, random) for w in networks.weights]))
            for _ in range(max(READS))
        ]
        means = [clean] + [np.mean(reads[:k], axis=0) for k in READS]
        rows.append([[score(mean, task.test.y) for mean in means] for score in SCORES.values()])
    values = np.array(rows)  # training, score, reads, seed
    found: Variables = {}
    for place, name in enumerate(SCORES):
        unit = "nat" if name == "surprise" else "1"
        seen = values[:, place].transpose(2, 0, 1)
        words = name.replace("surprise", "negative log-likelihood").replace("mis", "error of ")
        found[f"read_{name}"] = variable(
            "seed training reads", seen[:, :, 1:], unit, f"{words}, mean of noisy reads"
        )
        found[f"clean_{name}"] = variable("seed training", seen[:, :, 0], unit, f"{words}, no noise")
    return found


def surprise(probabilities: Floats, y: NDArray[np.int64]) -> Floats:
    """Return the mean negative log-likelihood (nat) of the classes (seeds,)."""
    chosen = np.take_along_axis(probabilities, y[None, :, None], axis=2)[:, :, 0]
    return np.asarray(-np.log(np.maximum(chosen, np.finfo(float).tiny)).mean(axis=1))


def miscalibration(probabilities: Floats, y: NDArray[np.int64], bins: int = 10) -> Floats:
    """Return the expected calibration error (seeds,): mean distance of confidence and accuracy over bins.

    References
    ----------
    Guo et al., arXiv:1706.04599.
    """
    sure, right = probabilities.max(axis=2), probabilities.argmax(axis=2) == y
    place = np.minimum((sure * bins).astype(int), bins - 1)
    total = np.zeros(len(probabilities))
    for b in range(bins):
        inside = place == b
        total += np.abs(np.where(inside, right - sure, 0.0).sum(axis=1)) / len(y)
    return total


SCORES = {"accuracy": accuracy, "surprise": surprise, "miscalibration": miscalibration}

# ------------------------------------------------------------------ what it says


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say."""
    return [_rounding_claim(data), _entropy_claim(data), _bayes_claim(data)]


def _rounding_claim(data: xr.Dataset) -> Claim:
    way = {str(name): data["rounding_accuracy"].sel(rounding=name) for name in ROUNDINGS}
    gain = interval(100 * (way["device, corrected"] - way["nearest"]))
    return claim(
        "noise-rounding", "supports" if gain.low > 0 else "contradicts", gain.mean >= 50.0,
        corrected=percent(way["device, corrected"]), nearest=percent(way["nearest"]), gain=gain,
        own=interval(100 * (way["ideal"] - way["device, own"])),
    )  # fmt: skip


def _entropy_claim(data: xr.Dataset) -> Claim:
    raw, last = ({str(n): float(data[n].sel(stream=s)) for n in BITS} for s in ("raw", "corrected"))
    error = 1.96 * last["bias_error"]
    return claim(
        "noise-entropy", "corrects" if abs(raw["bias_spread"]) > 0.01 else "supports",
        abs(last["bias"]) <= 0.002 + error,
        spread=raw["bias_spread"], bias=last["bias"], error=error, lag=[raw["lag_1"], last["lag_1"]],
        entropy=[raw["min_entropy"], last["min_entropy"]], sets=1 / last["yield"],
    )  # fmt: skip


def _bayes_claim(data: xr.Dataset) -> Claim:
    plain = data.sel(training="plain")
    hits = plain["read_accuracy"]
    lost = interval(100 * (plain["clean_accuracy"] - hits.sel(reads=1)))
    back = interval(100 * (hits.sel(reads=16) - hits.sel(reads=1)))
    wrong = {
        name: [100 * float(data["read_miscalibration"].sel(training=name, reads=k).mean()) for k in (1, 16)]
        for name in TRAININGS
    }
    before, after = wrong["plain"]
    return claim(
        "noise-bayes", "supports" if back.low > 0 else "open",
        back.mean >= 0.8 * lost.mean and after <= 0.5 * before,
        lost=lost, back=back, plain=wrong["plain"], aware=wrong["noise-aware"],
    )  # fmt: skip


def table(data: xr.Dataset) -> str:
    """Return the tables, as Markdown."""
    rounding = [[way, percent(data["rounding_accuracy"].sel(rounding=way))] for way in ROUNDINGS]
    bits = []
    for name in STREAMS:
        at = {n: float(data[n].sel(stream=name)) for n in BITS}
        bits.append([
            name, f"{at['bias']:+.4f} ± {1.96 * at['bias_error']:.4f}", f"{at['bias_spread']:.3f}",
            f"{at['lag_1']:+.3f}", f"{at['min_entropy']:.3f}", f"{at['yield']:.3f}",
        ])  # fmt: skip
    reads = []
    for name in TRAININGS:
        some = data.sel(training=name)
        kinds = [(str(k), some.sel(reads=k), "read") for k in READS] + [("no noise", some, "clean")]
        for words, row, kind in kinds:
            hits, surprised, wrong = (row[f"{kind}_{score}"] for score in SCORES)
            reads.append([name, words, percent(hits), f"{interval(surprised):.3f}", percent(wrong)])
    tables = (
        markdown(["rounding of six-bit weights", "accuracy"], rounding),
        markdown(["bits", "bias", "of single devices (sd)", "lag 1", "min-entropy", "bits per SET"], bits),
        ["The pulse of raw bits is the median of all SET voltages: their mean bias is 0 by construction."],
        markdown(["training", "reads", "accuracy", "negative log-likelihood", "calibration error"], reads),
    )
    return "\n\n".join("\n".join(lines) for lines in tables)


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw accuracy by rounding, and what averaging of reads gives."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    rows = 100 * data["rounding_accuracy"]
    left.barh(ROUNDINGS[::-1], rows.mean("seed")[::-1], xerr=rows.std("seed")[::-1], color="tab:blue")
    left.set(xlabel="accuracy / %", title="training with weights of six bits")
    for name, colour in zip(TRAININGS, ("tab:red", "tab:blue"), strict=True):
        hits = 100 * data["read_accuracy"].sel(training=name)
        right.errorbar(
            READS,
            hits.mean("seed"),
            hits.std("seed"),
            marker="o",
            color=colour,
            label=f"{name}, mean of reads",
        )
        clean = float(100 * data["clean_accuracy"].sel(training=name).mean())
        right.axhline(clean, color=colour, linestyle="--", label=f"{name}, no noise")
    right.set(xscale="log", xlabel="reads", ylabel="accuracy / %", title="reads that are averaged")
    right.set_xticks(READS, [str(k) for k in READS])
    right.legend(fontsize=8)
    return [save(figure, folder / "noise.png")]
