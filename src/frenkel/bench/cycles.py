"""Tasks of cycles: distributions, devices, memory and the next cycle, of devices that judge and those drawn.

Task and figure: distance of Kolmogorov and Smirnov of all cycles and of means of devices; largest difference
of autocorrelations up to lag 50; size of ln of the ratio of the spreads within a device; continuous ranked
probability score of the next cycle, predicted by what follows the drawn cycles that are nearest to the
present one. All are means over the numbers of a cycle, and less is better.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import ks_2samp

from ..analysis.fitting.observations import Observations
from ..typing import Floats, Index
from .models import Draw
from .scores import Figure, Figures, ScoreTable, scored

Adapter = Callable[[Observations], Draw]

LAG, REPEATS, NEAR = 50, 8, 20
"""Longest memory; halves for a floor; drawn cycles by which the next one is predicted."""

BLOCKS = 6
"""Blocks of cycles that are left out in turn where there are fewer than four devices."""


def judging(name: str) -> bool:
    """Return whether a device judges: by the first bit of the hash of its name, always the same."""
    return hashlib.sha256(name.encode()).digest()[0] < 128


def split(data: Observations, names: list[str]) -> tuple[Observations, Observations]:
    """Return the part that trains and the one that judges; of one device the first and second half."""
    judge = np.array([judging(name) for name in names])
    if judge.any() and not judge.all():
        return data.take(np.flatnonzero(~judge)), data.take(np.flatnonzero(judge))
    half = data.values.shape[1] // 2
    return replace(data, values=data.values[:, :half]), replace(data, values=data.values[:, half : 2 * half])


def memory(values: Floats) -> Floats:
    """Return the autocorrelation about the means of devices up to lag 50, (lags, features)."""
    rest = values - np.nanmean(values, axis=1, keepdims=True)
    power = np.nanmean(rest**2, axis=(0, 1))
    lags = range(1, min(LAG, values.shape[1] // 2) + 1)
    return np.array([np.nanmean(rest[:, lag:] * rest[:, :-lag], axis=(0, 1)) / power for lag in lags])


def tasks(one: Floats, other: Floats) -> Figures:
    """Return the figure of each task between two sets of devices, means over features."""
    features = range(one.shape[2])
    pairs = [(one[:, :, i].ravel(), other[:, :, i].ravel()) for i in features]
    found = {"all cycles (KS)": float(np.mean([ks(*pair) for pair in pairs]))}
    if min(len(one), len(other)) >= 4:
        levels = [np.nanmean(values, axis=1) for values in (one, other)]
        found["means of devices (KS)"] = float(
            np.mean([ks(levels[0][:, i], levels[1][:, i]) for i in features])
        )
    lags = [memory(values) for values in (one, other)]
    least = min(map(len, lags))
    found["memory to lag 50"] = float(np.mean(np.abs(lags[0][:least] - lags[1][:least]).max(axis=0)))
    inner = [np.nanmedian(np.nanstd(values, axis=1), axis=0) for values in (one, other)]
    found["ln ratio of spreads"] = float(np.mean(np.abs(np.log(inner[0] / inner[1]))))
    return found


def figures(one: Floats, other: Floats) -> Figures:
    """Return the figure of each task for devices that judge and others, drawn or measured."""
    return tasks(one, other) | {"next cycle (CRPS)": next_cycle(one, other)}


def next_cycle(one: Floats, other: Floats) -> float:
    """Return the mean score of predictions of each next cycle of ``one`` by ``other``, over its spread.

    The forecast is what follows those `NEAR` cycles of ``other`` that are nearest to the present one; the
    score is eq. 21 of doi:10.1198/016214506000001437, with distinct pairs. Incomplete cycles are left out.
    """
    spread = np.nanstd(one, axis=(0, 1))
    now, then = following(one / spread)
    known, follows = following(other / spread)
    near = np.atleast_2d(cKDTree(known).query(now, min(NEAR, len(known)))[1])
    drawn = follows[near]
    away = np.abs(drawn - then[:, None]).mean(axis=1)
    pairs = near.shape[1] * (near.shape[1] - 1)
    apart = np.abs(drawn[:, :, None] - drawn[:, None]).sum(axis=(1, 2)) / pairs
    return float(np.mean(away - 0.5 * apart))


def following(values: Floats) -> tuple[Floats, Floats]:
    """Return cycles and those that follow them in the same device, (pairs, features)."""
    pairs = np.concatenate([values[:, :-1], values[:, 1:]], axis=2).reshape(-1, 2 * values.shape[2])
    now, then = np.split(pairs[np.isfinite(pairs).all(axis=1)], 2, axis=1)
    return now, then


def ks(one: Floats, other: Floats) -> float:
    """Return the distance of Kolmogorov and Smirnov of what is finite."""
    return float(ks_2samp(one[np.isfinite(one)], other[np.isfinite(other)], method="asymp").statistic)


def floor(judge: Floats) -> Figures:
    """Return the figures between halves: of the devices, or of the cycles of one or two."""
    rows = []
    for repeat in range(REPEATS if len(judge) >= 4 else 1):
        half = len(judge) // 2
        order = np.random.default_rng(repeat).permutation(len(judge))
        middle = judge.shape[1] // 2
        parts = (
            (judge[order[:half]], judge[order[half:]])
            if len(judge) >= 4
            else (judge[:, :middle], judge[:, middle:])
        )
        rows.append(figures(*parts))
    return {task: float(np.mean([row[task] for row in rows])) for task in rows[0]}


def cycles(data: Observations, names: list[str], models: Mapping[str, Adapter]) -> ScoreTable:
    """Return the scores of models of cycles, on devices, or cycles of a single one, kept for judging."""
    training, judge = split(data, names)
    values = judge.values
    by_device = len(values) >= 4
    blocks = np.array_split(np.arange(values.shape[1]), BLOCKS)

    def figure(adapter: Adapter) -> Figure:
        drawn = adapter(training)(max(len(values), 50), values.shape[1], 1)

        def of(kept: Index) -> Figures:
            if by_device:
                return figures(values[kept], drawn)
            return figures(values[:, np.concatenate([blocks[k] for k in kept])], drawn)

        return of

    number = len(values) if by_device else BLOCKS
    return scored(floor(values), {name: partial(figure, one) for name, one in models.items()}, number)
