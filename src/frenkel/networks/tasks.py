"""Data that networks are tried on: readers of files that packages bring, and generators of our own.

Nothing is downloaded. A data set that a package brings is read from the package's folder, without importing
it.

=========  ======================================================  =============================
name       what                                                    from
=========  ======================================================  =============================
digits     1797 images of 8 x 8, 10 classes                        scikit-learn
fashion    70000 images of 28 x 28, 10 classes                     Debian's dataset-fashion-mnist
gunpoint   200 series of 150 steps, 2 classes                      aeon or sktime
italy      1096 series of 24 steps, 2 classes                      aeon or sktime
a folder   images in IDX files, as those of MNIST are              anywhere
intervals  spikes in 4 channels; only their timing tells           made here
=========  ======================================================  =============================

Series to predict, by :func:`series`: "laser" (Santa Fe, from reservoirpy) and "mackey-glass" (made here).
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..checks import one_of, whole
from ..typing import Floats
from . import images
from .images import DataError, Labels, stream


@dataclass(frozen=True, slots=True)
class Part:
    """Some samples.

    Attributes
    ----------
    x : ndarray of shape (samples, features) or (samples, channels, steps)
        Images as rows between 0 and 1; series as they are.
    y : ndarray of shape (samples,)
        Classes, from 0.
    """

    x: Floats
    y: Labels

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A data set in three parts: choices are made on ``validation``, numbers reported are of ``test``.

    Attributes
    ----------
    name, source : str
    classes : int
    temporal : bool
        Whether the samples are series.
    train, validation, test : Part
    """

    name: str
    source: str
    classes: int
    temporal: bool
    train: Part
    validation: Part
    test: Part


def load(name: str, seed: int = 0) -> Task:
    """Return a data set, split by a seed where it comes without a split.

    Parameters
    ----------
    name : {"digits", "fashion", "gunpoint", "italy", "intervals"} or str
        Or the path of a folder of IDX files, see :func:`frenkel.networks.images.folder`.
    seed : int
        Of the split and of generated data.

    Raises
    ------
    ValueError
        There is no task of this name.
    DataError
        The package that brings it is not installed, or its file is damaged.
    """
    if name not in TASKS and Path(name).is_dir():
        return _images(name, seed)
    one_of("task", name, TASKS)
    return TASKS[name](seed)


def _split(part: Part, share: float, random: np.random.Generator) -> tuple[Part, Part]:
    """Return a fraction of the samples of every class, and the rest."""
    chosen, rest = images.share_of(part.y, np.arange(len(part)), share, random)
    return Part(part.x[chosen], part.y[chosen]), Part(part.x[rest], part.y[rest])


def _images(name: str, seed: int) -> Task:
    pool = images.pool(name)
    train, validation, test = (Part(pool.x[at], pool.y[at]) for at in pool.split(seed))
    return Task(
        name=pool.name, source=pool.source, classes=pool.classes, temporal=False, train=train,
        validation=validation, test=test,
    )  # fmt: skip


def _archive(name: str, title: str) -> Callable[[int], Task]:
    """Return a loader of a set of the UCR archive: train and test as published, validation from train."""

    def loader(seed: int) -> Task:
        parts = [_ts(_package_file(name, title, f"{title}_{kind}.ts")) for kind in ("TRAIN", "TEST")]
        labels = sorted({label for _, labels in parts for label in labels})
        train_and_test = [Part(x, np.array([labels.index(label) for label in y], np.int64)) for x, y in parts]
        validation, train = _split(train_and_test[0], 0.2, stream(seed, 0))
        return Task(
            name=name, source=f"{title}, UCR archive", classes=len(labels), temporal=True, train=train,
            validation=validation, test=train_and_test[1],
        )  # fmt: skip

    return loader


def _package_file(name: str, title: str, file: str) -> Path:
    for package in ("aeon", "sktime"):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin).parent / "datasets" / "data" / title / file
            if path.is_file():
                return path
    raise DataError(f"the task {name} needs the files of aeon or sktime: pip install --no-deps aeon")


def _ts(path: Path) -> tuple[Floats, list[str]]:
    """Return series (samples, 1, steps) and labels of a file of one channel and equal lengths."""
    text = path.read_text(encoding="utf-8").split("@data", 1)
    rows = [line.rsplit(":", 1) for line in text[-1].splitlines() if line.strip()]
    try:
        x = np.array([[float(value) for value in series.split(",")] for series, _ in rows])
    except ValueError:
        raise DataError(f"{path} does not hold series of numbers of one length") from None
    return x[:, None, :], [label for _, label in rows]


def intervals(samples: int, seed: int = 0) -> Part:
    """Return spikes in four channels of 60 steps, of which only the timing tells the class.

    Every channel has two spikes. In one, which is the class, they are at most 5 steps apart; in the others
    at least 15. Numbers of spikes, and where single spikes fall, say next to nothing.
    """
    channels, steps = 4, 60
    random = stream(seed, 2)
    x = np.zeros((samples, channels, steps))
    y = random.integers(channels, size=samples)
    for sample in range(samples):
        for channel in range(channels):
            in_channel = channel == y[sample]
            gap = random.integers(1, 6) if in_channel else random.integers(15, steps - 1)
            # The middle of the pair is uniform, so that a short pair is found anywhere.
            first = random.integers(steps - gap)
            x[sample, channel, [first, first + gap]] = 1.0
    return Part(x, y.astype(np.int64))


def _intervals(seed: int) -> Task:
    train, validation, test = (intervals(n, seed * 3 + k) for k, n in enumerate((800, 200, 800)))
    return Task(
        name="intervals", source="made by frenkel", classes=4, temporal=True, train=train,
        validation=validation, test=test,
    )  # fmt: skip


TASKS: dict[str, Callable[[int], Task]] = {
    "digits": partial(_images, "digits"),
    "fashion": partial(_images, "fashion"),
    "gunpoint": _archive("gunpoint", "GunPoint"),
    "italy": _archive("italy", "ItalyPowerDemand"),
    "intervals": _intervals,
}
"""Loaders by name; each takes a seed."""


def series(name: str, length: int | None = None) -> Floats:
    """Return a series to predict, with mean 0 and variance 1.

    Parameters
    ----------
    name : {"laser", "mackey-glass"}
    length : int, optional
        How many values, from the first; all of "laser", 5000 of "mackey-glass" by default.

    Raises
    ------
    ValueError
        There is no such series, or it is shorter.
    DataError
        The package that brings it is not installed.
    """
    one_of("series", name, ("laser", "mackey-glass"))
    values = _laser() if name == "laser" else mackey_glass(length or 5000)
    if length is not None:
        whole("length", length, 2, len(values))
    values = values[:length]
    return np.asarray((values - values.mean()) / values.std())


def _laser() -> Floats:
    spec = importlib.util.find_spec("reservoirpy")
    path = Path(spec.origin).parent / "datasets" / "santafe_laser.npy" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise DataError("the series laser needs the files of reservoirpy: pip install --no-deps reservoirpy")
    return np.asarray(np.load(path), float).ravel()


def mackey_glass(length: int, *, delay: float = 17.0, step: float = 0.1, every: int = 10) -> Floats:
    """Return x of dx/dt = 0.2 x(t - delay)/(1 + x(t - delay)^10) - 0.1 x by Runge-Kutta of fourth order.

    The delayed value between two steps is the mean of its neighbours; the first 1000 values are left out. It
    is not the series of NeuroBench, whose generator gives another on every platform.

    Parameters
    ----------
    length : int
        Values to return, ``every`` steps apart.
    delay, step : float
        In units of the equation; the delay is a whole number of steps.
    every : int
        Steps between two values.

    References
    ----------
    Mackey and Glass, doi:10.1126/science.267326.
    """
    lag = round(delay / step)
    count = (length + 1000) * every
    x = np.empty(lag + count + 1)
    x[: lag + 1] = 1.2

    def slope(now: float, before: float) -> float:
        return 0.2 * before / (1.0 + before**10) - 0.1 * now

    for n in range(lag, lag + count):
        then, after = x[n - lag], x[n - lag + 1]
        middle = 0.5 * (then + after)
        a = slope(x[n], then)
        b = slope(x[n] + 0.5 * step * a, middle)
        c = slope(x[n] + 0.5 * step * b, middle)
        d = slope(x[n] + step * c, after)
        x[n + 1] = x[n] + step / 6.0 * (a + 2.0 * b + 2.0 * c + d)
    return x[lag + 1000 * every :: every][:length].copy()


def temporal_need(task: Task, seed: int = 0, kernels: int = 400) -> dict[str, float]:
    """Return how well a task is solved with and without the order of its steps.

    "ordered" sees the series through random convolutions; "shuffled" the same with the steps of every sample
    in an order of its own; "orderless" the quantiles of each channel. A task deserves the name temporal if
    ordered is better than both by ten points: "gain" is that difference.

    Parameters
    ----------
    task : Task
        Of series.
    seed : int
    kernels : int
        Random convolutions, at least 1.

    Raises
    ------
    ValueError
        The task has no series.
    DataError
        scikit-learn is not installed.

    References
    ----------
    Random convolutions: Dempster et al., ROCKET, doi:10.1007/s10618-020-00701-z.
    """
    if not task.temporal:
        raise ValueError(f"task {task.name} has no steps in time")
    random = stream(seed, 3)

    def mixed(x: Floats) -> Floats:
        order = np.argsort(random.random((len(x), 1, x.shape[2])), axis=2)
        return np.take_along_axis(x, np.broadcast_to(order, x.shape), axis=2)

    kernel_list = _kernels(task.train.x.shape[1], task.train.x.shape[2], kernels, random)
    scores = {
        "ordered": _score(task, lambda x: _convolved(x, kernel_list)),
        "shuffled": _score(task, lambda x: _convolved(mixed(x), kernel_list)),
        "orderless": _score(task, lambda x: np.quantile(x, np.linspace(0, 1, 11), axis=2).swapaxes(0, 1)),
    }
    return scores | {"gain": scores["ordered"] - max(scores["shuffled"], scores["orderless"])}


def _score(task: Task, features: Callable[[Floats], Floats]) -> float:
    return classified(Part(features(task.train.x), task.train.y), Part(features(task.test.x), task.test.y))


def classified(train: Part, test: Part, strengths: int = 7) -> float:
    """Return the test accuracy of a linear classifier, its strength, one of some, by cross-validation."""
    if importlib.util.find_spec("sklearn") is None:
        raise DataError("a linear classifier needs scikit-learn: pip install '.[fit]' in the clone")
    from sklearn.linear_model import RidgeClassifierCV  # scikit-learn, an extra
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, strengths)))
    model.fit(train.x.reshape(len(train), -1), train.y)
    return float(model.score(test.x.reshape(len(test), -1), test.y))


Kernel = tuple[Floats, int, float]
"""Weights (channels, taps), steps between taps, and bias."""


def _kernels(channels: int, steps: int, count: int, random: np.random.Generator) -> list[Kernel]:
    kernels = []
    for _ in range(count):
        taps = int(random.choice([3, 5, 7, 9]))
        widest = max(1, (steps - 1) // (taps - 1))
        dilation = int(2 ** random.uniform(0.0, np.log2(widest)))
        weights = random.standard_normal((channels, taps))
        # One channel in most kernels: with all of them at once a single channel's timing drowns.
        if channels > 1 and random.random() < 0.75:
            weights *= np.arange(channels)[:, None] == random.integers(channels)
        kernels.append((weights - weights.mean(axis=1, keepdims=True), dilation, random.uniform(-1.0, 1.0)))
    return kernels


def _convolved(x: Floats, kernels: list[Kernel]) -> Floats:
    """Return for every kernel its largest value and the fraction of places above its bias."""
    columns = []
    for weights, dilation, bias in kernels:
        taps = weights.shape[1]
        length = x.shape[2] - (taps - 1) * dilation
        samples_along = np.arange(length)
        value = sum(
            np.tensordot(x[:, :, samples_along + tap * dilation], weights[:, tap], axes=([1], [0]))
            for tap in range(taps)
        )
        columns += [np.max(value, axis=1), np.mean(np.asarray(value) > bias, axis=1)]
    return np.stack(columns, axis=1)
