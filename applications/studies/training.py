"""Training for the hardware: plain, with noise, with teachers, all with the same number of steps.

Two questions are kept apart: does a method beat a plain network under noise of weights (the published
comparison), and does it beat plain noise-aware training that got the same steps (the fair one). The last part
trains for one noise of the device and tests under all others.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from frenkel.networks.device_statistics import DeviceStatistics, statistics_of
from frenkel.networks.perceptron import Noise, Perceptron, Training, accuracy, sums
from frenkel.typing import Floats

from .common.claims import Claim, Effect, claim, effect
from .common.data import Interval, Variables, interval, markdown, variable
from .common.draw import panel_lines, panel_matrix
from .common.settings import Settings
from .methods import hardware
from .methods.distillation import distilled
from .methods.hardware import Setup
from .methods.single import Stream
from .methods.splits import Splits, splits

TITLE = "training for the hardware at equal numbers of steps"
SIGMAS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
TEACHERS = (0.1, 0.2, 0.3, 0.4, 0.5)
STUDENT = 0.3
METHODS = ("plain", "noise-aware", "mixed noise", "clean teacher", "robust teachers")
RELATIVE = (0.02, 0.05, 0.1)
WIRES = (20.0, 40.0, 80.0)
"""Resistances of a segment (ohm) in the comparison of IR drop with noise; arrays of pairs."""

WORTH, LESS = 0.5, 0.25
"""Gain (pp), and fraction of a loss given back, that must be exceeded to matter. Chosen."""

LONGER = 2
"""Times the steps of other studies: after fewer a student of teachers is still learning, and the comparison
is one of speed."""

NEGLIGIBLE = 1.0
"""Loss (pp) by the wrong noise in training that counts as none."""

LEAST_SEEDS = 10
"""That the acceptance of distillation asks for; taken where a study is not a quick look."""


def lognormal(sigma: float) -> Noise | None:
    """Return weights times exp(sigma N(0, 1)), the noise of the published protocol."""
    if sigma == 0.0:
        return None
    return lambda w, random: hardware.scattered(w, sigma, random)


def mixed(w: Floats, random: np.random.Generator) -> Floats:
    """Return weights under a sigma drawn again from those of the teachers."""
    return hardware.scattered(w, float(random.choice(TEACHERS)), random)


def run(settings: Settings) -> xr.Dataset:
    """Return accuracies (%) of all methods under all noises, by seed, means over chips.

    At least 8 seeds become 10; twice the steps are taken.
    """
    if settings.seeds >= 8:
        settings = replace(settings, seeds=max(settings.seeds, LEAST_SEEDS))
    settings = replace(settings, steps=LONGER * settings.steps)
    parts, device = splits(settings.data, settings.seeds, settings.seed), statistics_of(settings.cell)
    networks, rates = train_methods(settings, parts)
    setup = Setup(settings, parts, device, networks["plain"])
    settings.progress(0.5, "testing")
    accuracies = np.empty((len(METHODS), len(SIGMAS), settings.seeds))
    for i, name in enumerate(METHODS):
        for k, sigma in enumerate(SIGMAS):
            chips = settings.chips if sigma else 1
            accuracies[i, k] = setup.tested(lognormal(sigma), 7, k, network=networks[name], chips=chips)
    values = _of_cell(setup, networks) | {
        "training": variable("training", METHODS, "1", "how networks were trained"),
        "sigma": variable("sigma", SIGMAS, "1", "sd of the logarithm of weights, chosen range"),
        "accuracy": variable("training sigma seed", accuracies, "%", "accuracy under noise of weights"),
        "rate": variable(
            "training", [rates[name] for name in METHODS], "1", "rate chosen on validation images"
        ),
    }
    settings.progress(0.6, "noise against noise")
    values |= _cross(setup)
    settings.progress(0.9, "what hurts")
    values |= _places(setup) | _wires(setup, networks["noise-aware"])
    return setup.finish(values, "training", TITLE)


def _of_cell(setup: Setup, networks: dict[str, Perceptron]) -> Variables:
    """Return accuracies in pairs of cells that got one blind pulse each, if the cell tells what that does."""
    if not setup.device.knows("blind pulses"):
        return {}
    noise = setup.noise(hardware.lognormal(setup.device.variability))
    accuracies = [setup.tested(noise, 7, len(SIGMAS), network=networks[name]) for name in METHODS]
    words = "accuracy in pairs of cells after one blind pulse each"
    return {
        "cell_spread": variable("", setup.device.variability, "1", "sd of ln G after one blind pulse"),
        "cell_accuracy": variable("training seed", accuracies, "%", words),
    }


def train_methods(settings: Settings, parts: Splits) -> tuple[dict[str, Perceptron], dict[str, float]]:
    """Return networks of all methods, 2.5 times the steps each from the random start, and their rates.

    All start from the same warm start that the student has (the teacher of its own noise), the plain one and
    that of a clean teacher from a plain network, as those methods have no other. Every method has the rate,
    of the same three, at which it is best on validation images under the noise of the student.
    """
    teachers = _Teachers(settings, parts)
    networks, rates = {}, {}
    for place, name in enumerate(METHODS):
        settings.progress(0.2 + 0.06 * place, f"trained: {name}")

        def made(few: Settings, own: Splits, rate: float, name: str = name) -> Perceptron:
            return further(name, few, own, teachers.first(few.seeds), rate)

        rates[name] = hardware.chosen_rate(settings, parts, made, lognormal(STUDENT))
        networks[name] = further(name, settings, parts, teachers, rates[name])
    return networks, rates


class _Teachers:
    """Networks that others start from or learn from: one without noise, and one for each sigma."""

    def __init__(self, settings: Settings, parts: Splits) -> None:
        self.noisy: dict[float, Perceptron] = {}
        for k, sigma in enumerate(TEACHERS):
            settings.progress(0.03 * k, f"teacher for {sigma:g}")
            self.noisy[sigma] = hardware.trained(parts, settings, lognormal(sigma))
        self.clean = hardware.trained(parts, settings)

    def first(self, seeds: int) -> "_Teachers":
        """Return those of the first networks."""
        first_teachers = object.__new__(_Teachers)
        first_teachers.noisy = {sigma: _first(network, seeds) for sigma, network in self.noisy.items()}
        first_teachers.clean = _first(self.clean, seeds)
        return first_teachers


def _first(network: Perceptron, seeds: int) -> Perceptron:
    return network.having([w[:seeds] for w in network.weights], [b[:seeds] for b in network.biases])


def further(name: str, settings: Settings, parts: Splits, teachers: _Teachers, rate: float) -> Perceptron:
    """Return networks of a method after one and a half times the steps more."""
    longer, noise = round(1.5 * settings.steps), lognormal(STUDENT)
    training, warm = Training(steps=longer, rate=rate), teachers.noisy[STUDENT]
    if name in ("clean teacher", "robust teachers"):
        robust = [(network, lognormal(sigma)) for sigma, network in teachers.noisy.items()]
        taught = [(teachers.clean, None), *(robust if name == "robust teachers" else [])]
        return distilled(warm, taught, parts, training, noise, settings.random(8))
    start = teachers.clean if name == "plain" else warm
    training_noise = {"plain": None, "noise-aware": noise, "mixed noise": mixed}[name]
    return hardware.trained(parts, settings, training_noise, start=start, steps=longer, key=1, rate=rate)


# ------------------------------------------------------------------ one noise against another

STRONG_SPREAD, STRONG_STEP, STRONG_DRIFT = 0.3, 0.2, (0.05, 0.02, 1e7)
"""Of the comparison: sd of ln G, step at g_max, mean and spread of the exponent and the time over that at
which drift starts. Chosen, so that networks of this size suffer and still learn."""

KINDS = ("none", "variability", "telegraph", "drift", "drift and gain")


def kinds(device: DeviceStatistics) -> dict[str, Noise | None]:
    """Return noises of chosen strength on pairs of cells in the window of a device."""
    mean, spread, ratio = STRONG_DRIFT
    drift = hardware.drift(device, mean, spread, ratio * device.drift_start)
    effects = {
        "variability": hardware.lognormal(STRONG_SPREAD),
        "telegraph": hardware.telegraph(device, STRONG_STEP),
        "drift": drift,
        "drift and gain": hardware.with_gain(drift),
    }
    return {"none": None} | {k: hardware.noise_of(e, "pair", device) for k, e in effects.items()}


def _cross(setup: Setup) -> Variables:
    """Return accuracy trained under one noise (rows) and tested under another (columns)."""
    noises, settings = kinds(setup.device), setup.settings
    accuracies = np.empty((len(KINDS), len(KINDS), settings.seeds))
    for i, train in enumerate(KINDS):
        settings.progress(0.6 + 0.06 * i, f"trained under {train}")
        network = hardware.trained(setup.splits, settings, noises[train])
        for k, test in enumerate(KINDS):
            chips = 1 if test == "none" else settings.chips
            accuracies[i, k] = setup.tested(noises[test], 9, k, network=network, chips=chips)
    return {
        "trained": variable("trained", KINDS, "1", "noise in training"),
        "tested": variable("tested", KINDS, "1", "noise in the test"),
        "cross_accuracy": variable("trained tested seed", accuracies, "%", "accuracy"),
    }


# ------------------------------------------------------------------ inputs, weights or outputs; IR drop

PLACES = ("inputs", "weights", "outputs")


def noisy_logits(
    network: Perceptron, x: Floats, place: str, share: float, random: np.random.Generator
) -> Floats:
    """Return logits with Gaussian noise, a fraction of the largest magnitude, in one place of every layer."""
    activations = np.broadcast_to(x, (network.weights[0].shape[0], *x.shape[-2:]))

    def noise(values: Floats, at: str) -> Floats:
        if at != place:
            return values
        largest = np.abs(values).max(axis=(-2, -1), keepdims=True)
        return np.asarray(values + share * largest * random.standard_normal(values.shape))

    last = len(network.weights) - 1
    for layer, (w, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        bare = sums(
            noise(activations, "inputs"), noise(w, "weights"), np.zeros_like(b), network.window(layer)
        )
        window = network.window(layer)
        activations = noise(bare, "outputs") + np.tile(b, 1 if window is None else window.places)[:, None]
        if layer < last:
            activations = np.maximum(activations, 0.0)
    return activations


def _places(setup: Setup) -> Variables:
    """Return accuracy by the place of noise."""
    x, y = setup.test.x, setup.test.y
    accuracies = np.empty((len(PLACES), len(RELATIVE), setup.settings.seeds))
    for i, place in enumerate(PLACES):
        for k, share in enumerate(RELATIVE):
            random = Stream(setup.settings.random(10, k))
            each = [
                accuracy(noisy_logits(setup.network, x, place, share, random), y)
                for _ in range(setup.settings.chips)
            ]
            accuracies[i, k] = 100.0 * np.mean(each, axis=0)
    return {
        "place": variable("place", PLACES, "1", "where noise is added, in every layer"),
        "relative": variable("relative", RELATIVE, "1", "sd of the noise over the largest value"),
        "place_accuracy": variable("place relative seed", accuracies, "%", "accuracy of plain networks"),
    }


def _wires(setup: Setup, aware: Perceptron) -> Variables:
    """Return what noise-aware training gives back of IR drop."""
    drop = np.empty((2, len(WIRES), setup.settings.seeds))
    for k, resistance in enumerate(WIRES):
        noise = setup.noise(hardware.wires(resistance))
        drop[0, k] = setup.tested(noise, 11, chips=1)
        drop[1, k] = setup.tested(noise, 11, chips=1, network=aware)
    return {
        "drop_method": variable("drop_method", ["plain", "noise-aware"], "1", "training"),
        "wire": variable("wire", WIRES, "ohm", "resistance of a segment"),
        "drop_accuracy": variable("drop_method wire seed", drop, "%", "accuracy with IR drop"),
    }


# ------------------------------------------------------------------ what it says


def _mean(data: xr.Dataset, method: str) -> Floats:
    chosen = (data.sigma >= 0.1 - 1e-9) & (data.sigma <= 0.5 + 1e-9)
    return np.asarray(data.accuracy.sel(training=method)[chosen].mean("sigma"))


def _at(data: xr.Dataset, method: str, sigma: float) -> Floats:
    return np.asarray(data.accuracy.sel(training=method, sigma=sigma))


def _difference(data: xr.Dataset, one: str, other: str) -> Interval:
    return interval(_mean(data, one) - _mean(data, other))


def tolerance(data: xr.Dataset, method: str) -> Floats:
    """Return the sigma (seeds,) at which accuracy is 1 pp below that of the plain network at 0."""
    base = _at(data, "plain", 0.0)
    sigmas = []
    for seed, start in enumerate(base):
        below = start - np.asarray(data.accuracy.sel(training=method).isel(seed=seed)) - 1.0
        positive = np.flatnonzero(below > 0.0)
        if not positive.size:
            sigmas.append(float(data.sigma[-1]))
        elif positive[0] == 0:
            sigmas.append(0.0)
        else:
            k = int(positive[0])
            part = -below[k - 1] / (below[k] - below[k - 1])
            sigmas.append(float(data.sigma[k - 1] + part * (data.sigma[k] - data.sigma[k - 1])))
    return np.asarray(sigmas)


RANGES = (
    "Accuracy (%) under noise of weights; numbers at the head are sd of their logarithm, over a range that "
    f"somebody chose. Below, strengths are chosen, too: sd {STRONG_SPREAD:g} of ln G, steps of "
    f"{STRONG_STEP:g} at g_max, drift by {STRONG_DRIFT[0]:g} ± {STRONG_DRIFT[1]:g} over {STRONG_DRIFT[2]:g} "
    "times its start; and fractions of the largest value."
)
"""What is chosen in the tables."""


def table(data: xr.Dataset) -> str:
    """Return accuracies by method, paired differences and the cross-noise matrix (Markdown)."""
    cell = "cell_accuracy" in data
    methods = [
        [
            m,
            f"{float(data.rate.sel(training=m)):g}",
            *([f"{interval(data.cell_accuracy.sel(training=m)):.2f}"] if cell else []),
            *(f"{interval(_at(data, m, s)):.2f}" for s in data.sigma.values),
            f"{interval(_mean(data, m)):.2f}",
        ]
        for m in METHODS
    ]
    columns = [f"pairs, {float(data.cell_spread):.3g} of ln G: one pulse of the cell"] if cell else []
    pairs = [
        ("noise-aware", "plain"),
        ("robust teachers", "plain"),
        ("robust teachers", "noise-aware"),
        ("robust teachers", "mixed noise"),
        ("robust teachers", "clean teacher"),
    ]
    cross = [
        [t, *(f"{interval(data.cross_accuracy.sel(trained=t, tested=k)):.1f}" for k in KINDS)] for t in KINDS
    ]
    places = [
        [p, *(f"{interval(data.place_accuracy.sel(place=p, relative=r)):.1f}" for r in RELATIVE)]
        for p in PLACES
    ]
    tables = (
        markdown(["method", "rate", *columns, *(f"{s:g}" for s in data.sigma.values), "mean .1-.5"], methods),
        [RANGES],
        markdown(
            ["paired difference, mean of .1-.5", "pp"],
            [[f"{a} - {b}", f"{_difference(data, a, b):+.2f}"] for a, b in pairs],
        ),
        markdown(["trained under, tested under", *KINDS], cross),
        markdown(["noise added to", *(f"{r:g}" for r in RELATIVE)], places),
    )
    return "\n\n".join("\n".join(lines) for lines in tables)


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say of section 6.1 of the review."""
    every = (_of_noise, _of_teachers, _of_clean, _of_fair, _of_cross, _of_places, _of_drop)
    return [function(data) for function in every]


def _gain(data: xr.Dataset, one: str, other: str, sigma: float = 0.5) -> Interval:
    """Return the difference of two methods at one sigma (pp)."""
    return interval(_at(data, one, sigma) - _at(data, other, sigma))


def _of_noise(data: xr.Dataset) -> Claim:
    mean, at = _difference(data, "noise-aware", "plain"), _gain(data, "noise-aware", "plain")
    twice = effect(tolerance(data, "noise-aware") - 2.0 * tolerance(data, "plain"))
    ratio = interval(tolerance(data, "noise-aware") / np.maximum(tolerance(data, "plain"), 1e-3))
    return claim(
        "training-noise-aware", [Effect(mean, WORTH), twice], mean=mean, at=at, ratio=ratio, twice=twice.found
    )


def _of_teachers(data: xr.Dataset) -> Claim:
    mean, at = _difference(data, "robust teachers", "plain"), _gain(data, "robust teachers", "plain")
    cost = _gain(data, "plain", "robust teachers", 0.0)
    return claim("training-mtrd", [Effect(mean, WORTH)], mean=mean, at=at, cost=cost)


def _of_clean(data: xr.Dataset) -> Claim:
    gain = _gain(data, "robust teachers", "clean teacher")
    return claim("training-teachers", [Effect(gain, WORTH)], at=gain)


def _of_fair(data: xr.Dataset) -> Claim:
    fair, mixed = (_difference(data, "robust teachers", other) for other in ("noise-aware", "mixed noise"))
    return claim("training-fair", [Effect(fair)], fair=fair, mixed=mixed)


def _of_cross(data: xr.Dataset) -> Claim:
    """A training under noise protects from another noise if it is not worse than none by what matters."""
    effects, worse = [], []
    for test in KINDS[1:]:
        none = np.asarray(data.cross_accuracy.sel(trained="none", tested=test))
        for train in KINDS[1:]:
            gain = effect(np.asarray(data.cross_accuracy.sel(trained=train, tested=test)) - none, -NEGLIGIBLE)
            effects.append(gain)
            if gain.found.high < 0.0:
                worse.append(f"{train} for {test} {gain.found:+.1f}")
    text = (
        f"Worse than no noise in training: {'; '.join(worse)} (pp)"
        if worse
        else "None is seen to be worse than none"
    )
    return claim("training-cross", effects, worse=text, allowed=NEGLIGIBLE)


def _of_places(data: xr.Dataset) -> Claim:
    scores = {p: np.asarray(data.place_accuracy.sel(place=p, relative=RELATIVE[-1])) for p in PLACES}
    losses = [effect(scores["weights"] - scores[p], WORTH) for p in ("inputs", "outputs")]
    return claim(
        "training-places", losses, share=RELATIVE[-1], inputs=interval(scores["inputs"] - scores["weights"]),
        outputs=interval(scores["outputs"] - scores["weights"]),
    )  # fmt: skip


def recovered(data: xr.Dataset) -> tuple[Floats, list[Floats]]:
    """Return the fraction of the loss (seeds,) that noise-aware training gives back: noise at .5, IR drop."""
    base = _at(data, "plain", 0.0)

    def share(plain: Floats, aware: Floats) -> Floats:
        # A fraction of means: single networks may lose next to nothing to divide by.
        return np.asarray((aware - plain) / float((base - plain).mean()))

    drops = [
        share(*(np.asarray(data.drop_accuracy.sel(drop_method=m, wire=r)) for m in ("plain", "noise-aware")))
        for r in WIRES
    ]
    return share(_at(data, "plain", 0.5), _at(data, "noise-aware", 0.5)), drops


def _of_drop(data: xr.Dataset) -> Claim:
    """Noise must be cured, and each drop less so than noise by a quarter of the loss."""
    noise, drops = recovered(data)
    base = float(_at(data, "plain", 0.0).mean())
    losses = [base - float(data.drop_accuracy.sel(drop_method="plain", wire=r).mean()) for r in WIRES]
    effects = [effect(noise, LESS), *(effect(noise - drop, LESS) for drop in drops)]
    parts = [
        f"{interval(d):.2f} at {r:g} ohm (loss {v:.1f} pp)"
        for d, r, v in zip(drops, WIRES, losses, strict=True)
    ]
    return claim("training-drop", effects, noise=interval(noise), drops=", ".join(parts))


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw accuracy by method against noise, and the cross-noise matrix; return the files."""
    curves = {m: data.accuracy.sel(training=m).values for m in METHODS}
    panel = ("sd of the logarithm of weights", "accuracy / %", data.sigma.values, curves, False)
    return [
        panel_lines(folder / "training.png", [panel]),
        panel_matrix(
            folder / "training_noise_against_noise.png",
            "accuracy (%): trained under (rows), tested under (columns)",
            KINDS,
            KINDS,
            data.cross_accuracy.mean("seed").values,
        ),
    ]
