"""Models of measured cycles: each is trained on observations and draws devices.

An adapter takes the training observations and returns ``draw(devices, cycles, seed)``, which gives values in
their transformed space (ln of resistances, voltages of SET and RESET without their sign), (devices, cycles,
features). At most 40 lines each, so that no model has help.
"""

import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree
from scipy.stats import norm, rankdata

from ..analysis.fitting.observations import Observations
from ..cells.core import GapCore
from ..experiment.fit_card import fit_card
from ..typing import Floats
from . import jart, presets

Draw = Callable[[int, int, int], Floats]

ORDER = 10
"""Cycles that Synaptogen's law remembers."""

NEAREST = 5
"""Training cycles of which the one that follows is drawn."""

POOL, JART_READ = 300, -0.2
"""Draws of the parameters of JART VCM, and the voltage (V) at which their resistances are."""


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
        return np.asarray(middle[:, None] + np.exp(wide)[:, None] * mapped)

    return draw


def independent(training: Observations) -> Draw:
    """What most simulators have: each number of each cycle from one normal or lognormal law."""
    mean, spread = (f(training.values, axis=(0, 1)) for f in (np.nanmean, np.nanstd))

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        return np.asarray(mean + spread * random.standard_normal((devices, cycles, len(mean))))

    return draw


def copula(training: Observations) -> Draw:
    """A Gaussian copula: the numbers of a cycle go together, cycles are independent and devices are alike."""
    table = training.values.reshape(-1, training.values.shape[2])
    table = table[np.isfinite(table).all(axis=1)]
    scores = norm.ppf((rankdata(table, axis=0) - 0.5) / len(table))
    root = np.linalg.cholesky(np.atleast_2d(np.cov(scores.T)) + 1e-9 * np.eye(table.shape[1]))

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        shares = norm.cdf(random.standard_normal((devices, cycles, table.shape[1])) @ root.T)
        return np.stack([np.quantile(column, shares[:, :, i]) for i, column in enumerate(table.T)], axis=2)

    return draw


def neighbour(training: Observations) -> Draw:
    """What followed one of the nearest training cycles comes next, whichever device it was of."""
    values = training.values
    pairs = np.concatenate([values[:, :-1], values[:, 1:]], axis=2).reshape(-1, 2 * values.shape[2])
    now, then = np.split(pairs[np.isfinite(pairs).all(axis=1)], 2, axis=1)
    spread = now.std(axis=0)
    tree = cKDTree(now / spread)

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        drawn = [now[random.integers(len(now), size=devices)]]
        for _ in range(cycles - 1):
            near = np.atleast_2d(tree.query(drawn[-1] / spread, min(NEAREST, len(now)))[1])
            drawn.append(then[near[np.arange(devices), random.integers(near.shape[1], size=devices)]])
        return np.stack(drawn, axis=1)

    return draw


def stanford(training: Observations) -> Draw:
    """The gap model of Stanford and Peking University with a normal gap after each SET and RESET.

    V_SET follows from the gap at a constant ramp, ``cosh(k V) - 1`` proportional to it, and V_RESET is
    constant (:mod:`frenkel.cells.core`); medians and the spread of the gaps are those of the training.
    """
    names = list(training.names)
    if not {"hrs", "lrs"} <= set(names):
        raise NotImplementedError("needs hrs and lrs")
    values, k = training.values.reshape(-1, len(names)), GapCore().drive
    middle, spread = np.nanmedian(values, axis=0), np.nanstd(values, axis=0)
    high, low = names.index("hrs"), names.index("lrs")

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        drawn = np.broadcast_to(middle, (devices, cycles, len(names))).copy()
        for place in (high, low):
            drawn[:, :, place] += spread[place] * random.standard_normal((devices, cycles))
        if "set_voltage" in names:
            place = names.index("set_voltage")
            way = (drawn[:, :, high] - drawn[:, :, low]) / (middle[high] - middle[low])
            drawn[:, :, place] = np.arccosh(1 + (np.cosh(k * middle[place]) - 1) * way.clip(0.01)) / k
        return drawn

    return draw


def jart_vcm(training: Observations) -> Draw:
    """JART VCM v1b var (doi:10.1109/TCSI.2020.3018502): its parameters and spreads, moved to both medians.

    N_min, N_max, l_disc and the radius are drawn again in each cycle; no number but the medians is fitted.
    """
    medians = np.log(1.0 / presets.levels(training))
    pool = [jart.draw_device(jart.JartVcm(), seed) for seed in range(POOL)]
    states = [(one.n_min if name == "hrs" else one.n_max) for one in pool for name in training.names]
    models = [one for one in pool for _ in training.names]
    ohms = [JART_READ / one.current(n, JART_READ) for one, n in zip(models, states, strict=True)]
    table = np.log(ohms).reshape(POOL, -1)
    table += medians - np.median(table, axis=0)

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        rows = np.random.default_rng(seed).integers(POOL, size=(devices, cycles))
        return np.asarray(table[rows])

    return draw


def again(training: Observations) -> Draw:
    """The training devices once more, whole, in blocks of their cycles: what any law has to beat."""

    def draw(devices: int, cycles: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        number, length, _ = training.values.shape
        rows = random.integers(0, number, devices)
        begin = random.integers(0, length, devices)
        places = (begin[:, None] + np.arange(cycles)) % length
        return np.asarray(training.values[rows[:, None], places])

    return draw


OURS = "this card"
"""Name of the models of this package."""

ADAPTERS: dict[str, Callable[[Observations], Draw]] = {
    OURS: card,
    "Synaptogen's form": synaptogen,
    "Gaussian": independent,
    "copula": copula,
    "nearest neighbour": neighbour,
    "Stanford-PKU": stanford,
    "JART VCM": jart_vcm,
    "training again": again,
    "aihwkit's HfO2 preset": presets.soft_bounds,
    "CrossSim's RRAMWan": presets.programmed,
}
"""What the table compares; one that cannot draw such cycles is a NotImplementedError."""
