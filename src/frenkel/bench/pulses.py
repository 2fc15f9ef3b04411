"""Tasks of pulses: the state after each, and how many cells a pulse programs.

An adapter takes the pulses that train and returns ``draw(pulses, number, seed)``: of pulses (n, 4), ln of the
conductance (S) before, voltage (V), gate voltage (V) and ln of the width (s), ln of the conductance after
each, (n, number). Score of a state: continuous ranked probability score (CRPS) of ln(conductance), SET and
RESET alike. Programming: the fraction of cells that one pulse of a voltage takes beyond the geometric mean of
the two states before pulses; less difference from that measured is better.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import norm, rankdata

from ..analysis.fitting import pulse_fit
from ..analysis.fitting.pulse_fit import RecordedPulses
from ..typing import Floats, Index
from .models import OURS
from .scores import Figure, Figures, ScoreTable, scored

Draw = Callable[[Floats, int, int], Floats]
Adapter = Callable[[RecordedPulses], Draw]

STATE, PROGRAMMED = "state after a pulse (CRPS)", "cells that a pulse programs"
"""Names of tasks."""

DRAWS, HALVES, ALIKE = 40, 8, 8
"""States drawn for each pulse; halves for a floor, and pulses of the other half that predict one."""


def law(training: RecordedPulses) -> Draw:
    """The layer of pulses of a card."""
    fitted = pulse_fit.fit(training)[0]

    def draw(pulses: Floats, number: int, seed: int) -> Floats:
        random = np.random.default_rng(seed)
        g, v, gate, width = (np.repeat(column, number) for column in pulses.T)
        after = fitted.respond(np.exp(g), v, random, gate=gate, width=np.exp(width))
        return np.log(after).reshape(-1, number)

    return draw


def by_sign(train: Callable[[Floats], Draw]) -> Adapter:
    """Return an adapter of a model that is trained on the pulses of each sign alone."""

    def adapter(training: RecordedPulses) -> Draw:
        sign = np.sign(training.table[:, 1])
        models = {side: train(training.table[sign == side]) for side in np.unique(sign)}

        def draw(pulses: Floats, number: int, seed: int) -> Floats:
            drawn = np.empty((len(pulses), number))
            for side, model in models.items():
                rows = np.sign(pulses[:, 1]) == side
                drawn[rows] = model(pulses[rows], number, seed)
            return drawn

        return draw

    return adapter


def regression(table: Floats) -> Draw:
    """A quadratic of state, voltage, gate and width, with a normal error: what most array simulators have."""
    middle, spread = table[:, :4].mean(axis=0), table[:, :4].std(axis=0) + 1e-9

    def terms(pulses: Floats) -> Floats:
        x = (pulses[:, :4] - middle) / spread
        return np.column_stack([np.ones(len(x)), x, x**2, x[:, 1:2] * x[:, [0, 2, 3]]])

    slopes = np.linalg.lstsq(terms(table), table[:, 4], rcond=None)[0]
    error = float(np.std(table[:, 4] - terms(table) @ slopes))

    def draw(pulses: Floats, number: int, seed: int) -> Floats:
        noise = np.random.default_rng(seed).standard_normal((len(pulses), number))
        return np.asarray((terms(pulses) @ slopes)[:, None] + error * noise)

    return draw


def copula(table: Floats) -> Draw:
    """A Gaussian copula of state before, voltages, width and state after."""
    random = np.random.default_rng(6)
    # Settings take a few values: ties are broken at random.
    mixed = table + 1e-9 * random.standard_normal(table.shape)
    scores = norm.ppf((rankdata(mixed, axis=0) - 0.5) / len(table))
    matrix = np.corrcoef(scores.T) + 1e-6 * np.eye(5)
    slopes = np.linalg.solve(matrix[:4, :4], matrix[:4, 4])
    error = float(np.sqrt(max(matrix[4, 4] - slopes @ matrix[:4, 4], 0.0)))
    known = np.sort(mixed, axis=0)

    def draw(pulses: Floats, number: int, seed: int) -> Floats:
        ranks = [np.searchsorted(column, x) for column, x in zip(known.T[:4], pulses.T, strict=True)]
        given = norm.ppf(((np.stack(ranks, axis=1) + 0.5) / (len(table) + 1)).clip(1e-4, 1 - 1e-4))
        noise = np.random.default_rng(seed).standard_normal((len(pulses), number))
        return np.asarray(np.quantile(known[:, 4], norm.cdf((given @ slopes)[:, None] + error * noise)))

    return draw


def neighbour(table: Floats, most: int = 1) -> Draw:
    """The state after the nearest training pulse, or so many, all settings in units of their spread."""
    spread = table[:, :4].std(axis=0) + 1e-9

    def draw(pulses: Floats, number: int, seed: int) -> Floats:
        x, known = pulses / spread, table[:, :4] / spread
        distance = (x**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * x @ known.T
        near = np.sort(np.argpartition(distance, most - 1, axis=1)[:, :most], axis=1)
        picked = np.random.default_rng(seed).integers(most, size=(len(pulses), number))
        return np.asarray(table[np.take_along_axis(near, picked, axis=1), 4])

    return draw


def stanford(table: Floats) -> Draw:
    """The gap model: a gap that moves at v sinh(k V) up to a limit, with a normal error of ln(resistance)."""
    sign = np.sign(table[0, 1])

    def moved(p: Floats, pulses: Floats) -> Floats:
        speed, k, end, gate = p
        volts = np.abs(pulses[:, 1]) - np.maximum(0.0, np.abs(pulses[:, 1]) - pulses[:, 2] + gate)
        way = np.exp(np.clip(speed + pulses[:, 3] + np.abs(k) * volts.clip(0.0), -50.0, 5.0))
        return np.asarray(pulses[:, 0] + sign * np.minimum(way, np.maximum(sign * (end - pulses[:, 0]), 0.0)))

    start = np.array([10.0, 3.0, np.quantile(table[:, 4], 0.5 + 0.4 * sign), 0.5])
    fit = least_squares(lambda p: moved(p, table) - table[:, 4], start, loss="soft_l1", max_nfev=200)
    error = float(np.std(moved(fit.x, table) - table[:, 4]))

    def draw(pulses: Floats, number: int, seed: int) -> Floats:
        noise = np.random.default_rng(seed).standard_normal((len(pulses), number))
        return np.asarray(moved(fit.x, pulses)[:, None] + error * noise)

    return draw


def again(table: Floats) -> Draw:
    """The state after any training pulse of the same sign: what any law has to beat."""

    def draw(pulses: Floats, number: int, seed: int) -> Floats:
        return np.asarray(np.random.default_rng(seed).choice(table[:, 4], (len(pulses), number)))

    return draw


ADAPTERS: Mapping[str, Adapter] = {
    OURS: law,
    "Gaussian": by_sign(regression),
    "copula": by_sign(copula),
    "nearest neighbour": by_sign(neighbour),
    "Stanford-PKU": by_sign(stanford),
    "training again": by_sign(again),
}
"""Models of pulses by name."""


def pulses(data: RecordedPulses, judge: NDArray[np.bool_], models: Mapping[str, Adapter]) -> ScoreTable:
    """Return the scores of models of pulses.

    Parameters
    ----------
    data : RecordedPulses
    judge : ndarray of bool
        Which of them judge.
    models : mapping
        Adapters by name.
    """
    training, own = data.take(~judge), data.take(judge)
    edge = float(np.mean([np.median(training.table[np.sign(training.table[:, 1]) == s, 0]) for s in (1, -1)]))

    def figure(adapter: Adapter) -> Figure:
        return figures(own, adapter(training)(own.table[:, :4], DRAWS, 1), edge)

    floors = []
    for repeat in range(HALVES):
        order = np.random.default_rng(repeat).permutation(len(own.owner))
        one, other = own.take(order[: len(order) // 2]), own.take(order[len(order) // 2 :])
        drawn = by_sign(partial(neighbour, most=ALIKE))(other)(one.table[:, :4], DRAWS, 1)
        floors.append(figures(one, drawn, edge)(np.arange(len(one.owner))))
    floor = {task: float(np.mean([row[task] for row in floors])) for task in (STATE, PROGRAMMED)}
    trained = {name: partial(figure, adapter) for name, adapter in models.items()}
    return scored(floor, trained, len(own.owner))


def figures(own: RecordedPulses, drawn: Floats, edge: float) -> Figure:
    """Return the figures of states drawn for pulses."""
    sign, volts = np.sign(own.table[:, 1]), own.table[:, 1]
    scores = pulse_fit.crps(drawn, own.table[:, 4])
    reached = sign * (own.table[:, 4] - edge) > 0
    predicted = (sign[:, None] * (drawn - edge) > 0).mean(axis=1)
    # Each voltage, below and above the middle of the gate voltages.
    wide = own.table[:, 2] > np.median(own.table[:, 2])
    setting = np.unique(np.stack([volts, wide], axis=1), axis=0, return_inverse=True)[1].ravel()

    def of(kept: Index) -> Figures:
        state = np.mean([scores[kept][sign[kept] == side].mean() for side in np.unique(sign[kept])])
        off = [
            abs(reached[kept][setting[kept] == k].mean() - predicted[kept][setting[kept] == k].mean())
            for k in np.unique(setting[kept])
        ]
        return {STATE: float(state), PROGRAMMED: float(np.mean(off))}

    return of
