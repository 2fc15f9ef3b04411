"""Is the noise of a device of use? Stochastic rounding, random bits, averaging as Bayes does."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from frenkel.networks.perceptron import Loss, Perceptron, accuracy, cross_entropy, gradients, softmax
from frenkel.typing import Floats, Index

from .common.claims import Claim, claim, effect
from .common.data import Variables, finish, interval, markdown, percent, variable
from .common.draw import save
from .common.settings import Settings
from .methods import entropy, hardware
from .methods.single import Stream
from .methods.splits import Splits, splits

TITLE = "noise of devices as a resource"
LEVELS = 64
"""Of a weight of six bits."""

WIDEST = 1.0
"""Largest weight."""

RATES = (0.05, 0.15, 0.4, 1.0)
"""Of gradient descent; every way of rounding is tried with each. With the smallest, half a step of the grid
is rarely wanted, so that rounding to nearest learns little; with the largest, large images are not learnt."""

STREAMS = ("raw", "steered", "corrected")
BIASES = (0.002, 0.01, 0.05)
ROUNDINGS = ("float", "nearest", "ideal", *(f"bias +{b:g}" for b in BIASES), "device, own", "device, in turn",
             "device, corrected")  # fmt: skip
OF_DEVICE = tuple(name for name in ROUNDINGS if name.startswith("device"))
TRAININGS = ("plain", "noise-aware")
LONGER = 2
"""Steps of rounding over those of other studies."""

ALLOWED_BIAS, ALLOWED_CORRECTED = 0.01, 0.002
"""Bias of single devices, and of their mean after correction, that counts as none. Chosen."""

BAYES_SPREAD = 0.2
"""Noise of a read, in the middle of the range, that the sentence on Bayes is judged at. Chosen."""

BITS = ("bias", "bias_error", "bias_spread", "lag_1", "min_entropy", "yield")
"""What is measured of a stream of bits."""

READS = (1, 4, 16, 64)
READ_NOISES = (0.05, 0.1, 0.2, 0.4)
"""Noise of a weight from read to read in the Bayesian part, a fraction of it (standard deviation). Chosen."""

WORTH = 0.5
"""Gain (pp) that must be exceeded to matter. Chosen."""

FEW = 200
"""Samples that the Bayesian part trains on."""

Uniform = Callable[[int, tuple[int, ...]], Floats]
"""Takes a step and a shape (seeds, m, n); numbers between 0 and 1 that decide which way to round."""


def run(settings: Settings) -> xr.Dataset:
    """Return the quality of random bits, and accuracies with stochastic rounding and averaged reads."""
    parts = splits(settings.data, settings.seeds, settings.seed)
    variables, origin = _streams(settings)
    ways = ROUNDINGS if variables else tuple(name for name in ROUNDINGS if name not in OF_DEVICE)
    settings.progress(0.1, "stochastic rounding")
    variables |= _rounding(parts, settings, ways)
    settings.progress(0.8, "reads as Bayes")
    variables |= _bayes(parts, settings) | {
        "rounding": variable("rounding", ways, "1", "how an update is rounded"),
        "training": variable("training", TRAININGS, "1", "noise while training"),
        "reads": variable("reads", READS, "1", "noisy reads that are averaged"),
        "spread": variable("spread", READ_NOISES, "1", "noise of a weight from read to read, chosen range"),
    }
    return finish(variables, "noise", TITLE, settings, entropy_source=origin)


# ------------------------------------------------------------------ bits


def _streams(settings: Settings) -> tuple[Variables, str]:
    """Return bias, correlation and entropy of the raw and the corrected bits, and where they come from."""
    devices = 256
    cycles = 400 if settings.steps < 500 else 16_000
    source = entropy.source(settings.cell, devices, cycles, settings.seed)
    if source is None:
        return {}, "none: the cell tells no SET voltages"
    raw, steered = source.bits(), source.steered_bits()
    warm = cycles // 10  # cycles in which the amplitude finds its place
    streams = [list(raw), list(steered[:, warm:]), entropy.corrected(steered[:, warm:])]
    joined_streams = [np.concatenate(rows) for rows in streams]
    biases = np.array([[row.mean() - 0.5 if row.size else np.nan for row in rows] for rows in streams])
    measured = {
        "bias": ([row.mean() - 0.5 for row in joined_streams], "mean of the bits minus 1/2"),
        "bias_error": ([0.5 / row.size**0.5 for row in joined_streams], "standard error of the bias"),
        "bias_spread": (np.nanstd(biases, axis=1), "standard deviation of the bias of single devices"),
        "lag_1": ([entropy.autocorrelation(rows) for rows in streams], "correlation, lag 1"),
        "min_entropy": ([entropy.min_entropy(rows) for rows in streams], "bits per bit"),
        "yield": ([row.size / joined_streams[0].size for row in joined_streams], "bits per SET"),
    }
    variables = {name: variable("stream", values, "1", words) for name, (values, words) in measured.items()}
    variables["own_bias"] = variable("stream chip", biases, "1", "mean of the bits of each device minus 1/2")
    variables["stream"] = variable("stream", STREAMS, "1", "stream of bits")
    return variables, source.origin


# ------------------------------------------------------------------ rounding


def _rounding(parts: Splits, settings: Settings, ways: Sequence[str]) -> Variables:
    """Return the accuracy after training with six-bit weights by ways of rounding, each at its best rate."""
    accuracies, rates = np.empty((settings.seeds, len(ways))), []
    source = entropy.source(settings.cell, 256, 4096, settings.seed + 1)
    for place, way in enumerate(ways):

        def made(few: Settings, own: Splits, rate: float, way: str = way, place: int = place) -> Perceptron:
            return _descend(few, own, rate, way, source, few.random(8, place))

        settings.progress(0.1 + 0.7 * place / len(ways), f"rounding: {way}")
        rates.append(hardware.chosen_rate(settings, parts, made, None, RATES))
        networks = made(settings, parts, rates[-1])
        test = parts.samples(parts.test)
        accuracies[:, place] = accuracy(networks.logits(test.x), test.y)
    return {
        "rounding_accuracy": variable("seed rounding", accuracies, "1", "accuracy with weights of six bits"),
        "rounding_rate": variable("rounding", rates, "1", "rate chosen on validation images"),
    }


def _uniform(way: str, source: entropy.EntropySource | None, random: np.random.Generator) -> Uniform:
    """Return the numbers that a way of rounding decides by."""
    if way.startswith("bias"):
        shift = float(way.removeprefix("bias +"))
        return lambda step, shape: random.random(shape) - shift
    if source is None or not way.startswith("device"):
        return lambda step, shape: random.random(shape)
    if way == "device, corrected":
        stream = np.concatenate(entropy.corrected(source.steered_bits()[:, 400:]))
        table = entropy.numbers(stream)
        # Streams of bits go round: each weight takes the next number, from a place of its own in each step.
        return lambda step, shape: table.take(
            random.integers(table.size) + np.arange(math.prod(shape)), mode="wrap"
        ).reshape(shape)
    cycles = np.ascontiguousarray(source.uniforms().T)

    def own(step: int, shape: tuple[int, ...]) -> Floats:
        """Every weight has a device that it keeps; weights that share one take its cycles in turn."""
        count, devices = math.prod(shape), cycles.shape[1]
        rows = cycles.take(step * 11 + np.arange(-(-count // devices)), axis=0, mode="wrap")
        if way == "device, in turn":
            rows = np.roll(rows, -37 * step, axis=1)
        return rows.reshape(-1)[:count].reshape(shape)

    return own


def _descend(
    settings: Settings, parts: Splits, rate: float, way: str, source: entropy.EntropySource | None,
    decides: np.random.Generator,
) -> Perceptron:  # fmt: skip
    """Return networks after steps of plain gradient descent with weights on a grid of :data:`LEVELS`."""
    networks, random = hardware.start_of(parts, settings, 8), Stream(settings.random(9))
    uniform = None if way == "float" else _uniform(way, source, decides)
    loss = cross_entropy(parts.pool.y, parts.pool.classes)
    grid = 2.0 * WIDEST / (LEVELS - 1)
    if uniform is not None:
        networks.weights = [_limited(np.round(w / grid) * grid) for w in networks.weights]
    for step in range(LONGER * settings.steps):
        stepped = train_step(networks, parts, loss, random, rate)
        if uniform is not None:
            for kept, targets in zip(networks.weights, stepped.weights, strict=True):
                in_steps = targets / grid
                floor = np.floor(in_steps)
                nearest = way == "nearest"
                rounds_up = (
                    in_steps - floor >= 0.5 if nearest else uniform(step, kept.shape) < in_steps - floor
                )
                kept[...] = _limited((floor + rounds_up) * grid)
        else:
            networks.weights = stepped.weights
        networks.biases = stepped.biases
    return networks


def _limited(weights: Floats) -> Floats:
    """Return weights of cells: none can be larger than the window allows."""
    return np.asarray(np.minimum(np.maximum(weights, -WIDEST), WIDEST))


def train_step(
    networks: Perceptron, parts: Splits, loss: Loss, random: np.random.Generator, rate: float
) -> Perceptron:
    """Return networks after one step of gradient descent on a batch of 32."""
    batch = random.integers(parts.train.shape[1], size=(networks.weights[0].shape[0], 32))
    places = np.take_along_axis(parts.train, batch, axis=1)
    x = parts.pool.x[places]
    slopes = gradients(x, networks.weights, networks.biases, loss, places, networks.windows)
    parameters = networks.weights + networks.biases
    new = [p - rate * g for p, g in zip(parameters, slopes, strict=True)]
    return networks.having(new[: len(networks.weights)], new[len(networks.weights) :])


# ------------------------------------------------------------------ Bayes


def _bayes(parts: Splits, settings: Settings) -> Variables:
    """Return accuracy, log-likelihood and calibration of averages over noisy reads, by noise of a read."""
    small_splits = Splits(parts.pool, parts.train[:, _few(parts, settings)], parts.validation, parts.test)
    rows = [_reads(small_splits, settings, spread) for spread in READ_NOISES]
    values = np.array(rows)  # spread, training, score, reads, seed
    variables: Variables = {}
    for place, name in enumerate(SCORES):
        unit = "nat" if name == "surprise" else "1"
        logits_at_place = values[:, :, place].transpose(3, 0, 1, 2)
        words = name.replace("surprise", "negative log-likelihood").replace("mis", "error of ")
        variables[f"read_{name}"] = variable(
            "seed spread training reads", logits_at_place[..., 1:], unit, f"{words}, mean of noisy reads"
        )
        variables[f"clean_{name}"] = variable(
            "seed spread training", logits_at_place[..., 0], unit, f"{words}, no noise"
        )
    return variables


def _few(parts: Splits, settings: Settings) -> Index:
    """Return which of its training images every network of this part learns from."""
    return settings.random(10).permutation(parts.train.shape[1])[:FEW]


def _reads(few: Splits, settings: Settings, spread: float) -> list[list[list[Floats]]]:
    """Return scores of networks trained without and with a noise, without noise and by number of reads."""

    def noisy(w: Floats, stream: np.random.Generator) -> Floats:
        return np.asarray(w * (1.0 + spread * stream.standard_normal(w.shape)))

    test, rows, random = few.samples(few.test), [], Stream(settings.random(11))
    for noise in (None, noisy):
        networks = hardware.trained(few, settings, noise, key=12)
        clean = softmax(networks.logits(test.x))
        reads = [
            softmax(networks.logits(test.x, [noisy(w, random) for w in networks.weights]))
            for _ in range(max(READS))
        ]
        means = [clean] + [np.mean(reads[:k], axis=0) for k in READS]
        rows.append([[score(mean, test.y) for mean in means] for score in SCORES.values()])
    return rows


def surprise(probabilities: Floats, y: NDArray[np.int64]) -> Floats:
    """Return the mean negative log-likelihood (nat) of the classes (seeds,) of samples (seeds, n)."""
    chosen = np.take_along_axis(probabilities, np.atleast_2d(y)[..., None], axis=2)[:, :, 0]
    return np.asarray(-np.log(np.maximum(chosen, np.finfo(float).tiny)).mean(axis=1))


def miscalibration(probabilities: Floats, y: NDArray[np.int64]) -> Floats:
    """Return the expected calibration error (seeds,): mean distance of confidence and accuracy over ten bins.

    References
    ----------
    Guo et al., arXiv:1706.04599.
    """
    sure, right = probabilities.max(axis=2), probabilities.argmax(axis=2) == y
    bin_number = np.minimum((sure * 10).astype(int), 9)
    total = np.zeros(len(probabilities))
    for b in range(10):
        in_bin = bin_number == b
        total += np.abs(np.where(in_bin, right - sure, 0.0).sum(axis=1)) / probabilities.shape[1]
    return total


SCORES = {"accuracy": accuracy, "surprise": surprise, "miscalibration": miscalibration}

# ------------------------------------------------------------------ what it says


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say."""
    of_device = [_rounding_claim(data), _entropy_claim(data)] if "stream" in data else []
    return [*of_device, _bayes_claim(data)]


def _rounding_claim(data: xr.Dataset) -> Claim:
    of_rounding = {str(name): data["rounding_accuracy"].sel(rounding=name) for name in ROUNDINGS}
    gain = effect(100 * (of_rounding["device, corrected"] - of_rounding["nearest"]), WORTH)
    return claim(
        "noise-rounding", [gain], corrected=percent(of_rounding["device, corrected"]),
        nearest=percent(of_rounding["nearest"]),
        gain=gain.found, own=interval(100 * (of_rounding["ideal"] - of_rounding["device, own"])),
    )  # fmt: skip


def _entropy_claim(data: xr.Dataset) -> Claim:
    """Each device by itself must be unbiased; after correction the mean over devices must be, either way."""
    raw, last = ({str(n): float(data[n].sel(stream=s)) for n in BITS} for s in ("raw", "corrected"))
    bias_margin = effect(ALLOWED_BIAS - np.abs(data["own_bias"].sel(stream="raw").values))
    mean = data["own_bias"].sel(stream="corrected").values
    mean = mean[np.isfinite(mean)]
    bias_effects = [effect(ALLOWED_CORRECTED + sign * mean) for sign in (1.0, -1.0)]
    return claim(
        "noise-entropy", [bias_margin, *bias_effects], spread=raw["bias_spread"], bias=last["bias"],
        error=1.96 * last["bias_error"], lag=[raw["lag_1"], last["lag_1"]],
        entropy=[raw["min_entropy"], last["min_entropy"]], sets=1 / last["yield"],
    )  # fmt: skip


def _bayes_claim(data: xr.Dataset) -> Claim:
    """Of use are noisy reads if their mean beats the network without noise: in hits, or in calibration."""
    selected = data.sel(spread=BAYES_SPREAD)
    aware = selected.sel(training="noise-aware")
    hits = effect(
        100 * (aware["read_accuracy"].sel(reads=16) - selected["clean_accuracy"].sel(training="plain"))
    )
    wrong = effect(
        100
        * (
            selected["clean_miscalibration"].sel(training="plain")
            - aware["read_miscalibration"].sel(reads=16)
        )
    )
    plain_scores = selected.sel(training="plain")
    read_loss = interval(100 * (plain_scores["clean_accuracy"] - plain_scores["read_accuracy"].sel(reads=1)))
    recovery = interval(
        100 * (plain_scores["read_accuracy"].sel(reads=16) - plain_scores["read_accuracy"].sel(reads=1))
    )
    return claim(
        "noise-bayes", [hits, wrong], spread=BAYES_SPREAD, lost=read_loss, back=recovery, hits=hits.found,
        wrong=wrong.found,
    )  # fmt: skip


def table(data: xr.Dataset) -> str:
    """Return the tables, as Markdown."""
    rounding = [
        [str(way), percent(data["rounding_accuracy"].sel(rounding=way)),
         f"{float(data['rounding_rate'].sel(rounding=way)):g}"]
        for way in data["rounding"].values
    ]  # fmt: skip
    tables = [markdown(["rounding of six-bit weights", "accuracy", f"rate, of {len(RATES)}"], rounding)]
    bits = []
    for name in STREAMS if "stream" in data else ():
        value = {n: float(data[n].sel(stream=name)) for n in BITS}
        bits.append([
            name, f"{value['bias']:+.4f} ± {1.96 * value['bias_error']:.4f}", f"{value['bias_spread']:.3f}",
            f"{value['lag_1']:+.3f}", f"{value['min_entropy']:.3f}", f"{value['yield']:.3f}",
        ])  # fmt: skip
    columns = ["stream", "bias", "spread of devices", "lag 1", "min-entropy", "bits per SET"]
    tables.append(
        markdown(columns, bits) if bits else ["The cell tells no SET voltages: no bits of a device."]
    )
    reads = []
    for spread in READ_NOISES:
        for name in TRAININGS:
            selected = data.sel(training=name, spread=spread)
            kinds = [(str(k), selected.sel(reads=k), "read") for k in (1, 16)] + [
                ("no noise", selected, "clean")
            ]
            for words, row, kind in kinds:
                hits, surprised, wrong = (row[f"{kind}_{score}"] for score in SCORES)
                reads.append([
                    f"{spread:g}", name, words, percent(hits), f"{interval(surprised):.3f}", percent(wrong),
                ])  # fmt: skip
    columns = [
        "noise of a read (chosen)",
        "training",
        "reads",
        "accuracy",
        "-log likelihood",
        "calibration error",
    ]
    tables.append(markdown(columns, reads))
    return "\n\n".join("\n".join(lines) for lines in tables)


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw accuracy by rounding, and what averaging of reads gives."""
    from matplotlib.figure import Figure  # matplotlib, which only drawing needs

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    rows = 100 * data["rounding_accuracy"]
    left.barh(
        [str(way) for way in data["rounding"].values[::-1]],
        rows.mean("seed")[::-1],
        xerr=rows.std("seed")[::-1],
        color="tab:blue",
    )
    left.set(xlabel="accuracy / %", title="training with weights of six bits")
    for name, colour in zip(TRAININGS, ("tab:red", "tab:blue"), strict=True):
        hits = 100 * data["read_accuracy"].sel(training=name, spread=BAYES_SPREAD)
        right.errorbar(
            READS,
            hits.mean("seed"),
            hits.std("seed"),
            marker="o",
            color=colour,
            label=f"{name}, mean of reads",
        )
        clean = float(100 * data["clean_accuracy"].sel(training=name, spread=BAYES_SPREAD).mean())
        right.axhline(clean, color=colour, linestyle="--", label=f"{name}, no noise")
    right.set(
        xscale="log", xlabel="reads", ylabel="accuracy / %", title=f"averaged reads, noise {BAYES_SPREAD:g}"
    )
    right.set_xticks(READS, [str(k) for k in READS])
    right.legend(fontsize=8, loc="lower right")
    return [save(figure, folder / "noise.png")]
