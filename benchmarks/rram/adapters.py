"""Models of measured cycles: each is trained on observations and draws devices; a new one is a function here.

An adapter takes the training observations and returns ``draw(devices, cycles, seed)``, which gives values in
their transformed space, (devices, cycles, features). At most 40 lines each, so that no model has help.
"""

import warnings
from collections.abc import Callable

import libraries
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from frenkel.analysis.fitting.observations import Observations
from frenkel.experiment.fit_card import fit_card

Floats = NDArray[np.float64]
Draw = Callable[[int, int, int], Floats]

ORDER = 10
"""Cycles that Synaptogen's law remembers."""


def card(training: Observations) -> Draw:
    """The statistical card of this package, fitted as ``frenkel fit`` does."""
    columns = {
        feature.name: (
            ("device", "cycle"),
            feature.backward(training.values[:, :, i]),
            {"units": feature.unit},
        )
        for i, feature in enumerate(training.features)
    }
    fitted = fit_card(xr.Dataset(columns), bootstrap=0).card

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # more cycles than it was trained on
            found = fitted.sample(devices, cycles, seed)
        return np.stack([one.forward(found[one.name]) for one in training.features], axis=2)

    return draw


def synaptogen(training: Observations) -> Draw:
    """Synaptogen's form (Hennen et al. 2022): quantiles, vector autoregression, Gaussian devices; own fit."""
    values = training.values
    level, spread = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
    rest = (values - level[:, None]) / spread[:, None]
    known = [np.sort(column[np.isfinite(column)]) for column in rest.reshape(-1, rest.shape[2]).T]
    scores = np.stack(
        [
            norm.ppf((np.searchsorted(k, np.nan_to_num(rest[:, :, i])) + 0.5) / (len(k) + 1))
            for i, k in enumerate(known)
        ],
        axis=2,
    )
    order = min(ORDER, values.shape[1] // 4)
    late = scores[:, order:].reshape(-1, scores.shape[2])
    past = np.concatenate([scores[:, order - j : -j] for j in range(1, order + 1)], axis=2)
    slopes, *_ = np.linalg.lstsq(past.reshape(len(late), -1), late, rcond=None)
    root = np.linalg.cholesky(
        np.cov((late - past.reshape(len(late), -1) @ slopes).T) + 1e-9 * np.eye(late.shape[1])
    )
    table = np.concatenate([level, np.log(spread)], axis=1)
    about = np.atleast_2d(np.cov(table.T)) if len(table) > 1 else np.zeros((table.shape[1],) * 2)

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        own = random.multivariate_normal(table.mean(axis=0), about, devices, method="svd")
        x = [random.standard_normal((devices, late.shape[1])) for _ in range(order)]
        for _ in range(100 + cycles):
            noise = random.standard_normal((devices, late.shape[1])) @ root.T
            x.append(np.concatenate(x[: -order - 1 : -1], axis=1) @ slopes + noise)
        shown = np.stack(x[-cycles:], axis=1)
        mapped = np.stack([np.quantile(k, norm.cdf(shown[:, :, i])) for i, k in enumerate(known)], axis=2)
        middle, wide = np.split(own, 2, axis=1)
        return middle[:, None] + np.exp(wide)[:, None] * mapped

    return draw


def independent(training: Observations) -> Draw:
    """What most simulators have: each number of each cycle from one normal or lognormal law."""
    mean, spread = (f(training.values, axis=(0, 1)) for f in (np.nanmean, np.nanstd))

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        return mean + spread * random.standard_normal((devices, cycles, len(mean)))

    return draw


def again(training: Observations) -> Draw:
    """The training devices once more, whole, in blocks of their cycles: what any law has to beat."""

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        number, length, _ = training.values.shape
        rows = random.integers(0, number, devices)
        begin = random.integers(0, length, devices)
        places = (begin[:, None] + np.arange(cycles)) % length
        return training.values[rows[:, None], places]

    return draw


ADAPTERS: dict[str, Callable[[Observations], Draw]] = {
    "this card": card,
    "Synaptogen's form": synaptogen,
    "independent": independent,
    "training again": again,
    "aihwkit's HfO2 preset": libraries.aihwkit,
    "CrossSim's RRAMWan": libraries.crosssim,
}
"""What the table compares; one of a library that is not there is an ImportError, one that cannot draw such
cycles a NotImplementedError."""
