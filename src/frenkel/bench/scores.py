"""Figures of models with their errors: the jackknife over what judges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from ..typing import Index

Figures = dict[str, float]
"""Of each task its figure; less is better."""

Figure = Callable[[Index], Figures]
"""From the places that judge to the figures of a model."""

GROUPS = 8
"""Groups that are left out in turn, at most."""

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Score:
    """Figure of a model in a task, and half of its interval of 95 %; NaN: none."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Floor of each task, and of each model its scores, or a remark why it has none."""

    floor: Figures
    models: dict[str, dict[str, Score] | str]


def scored(floor: Figures, models: Mapping[str, Callable[[], Figure]], number: int) -> ScoreTable:
    """Return the scores of models.

    Parameters
    ----------
    floor : mapping
        Of each task the figure between measured parts: no difference below it is significant.
    models : mapping
        Of each its name, and what trains it and returns its figures; a NotImplementedError says what a model
        cannot draw.
    number : int
        Units that judge: cells, devices, blocks of cycles or traces.
    """
    columns: dict[str, dict[str, Score] | str] = {}
    for name, trained in models.items():
        try:
            columns[name] = jackknifed(trained(), number)
        except NotImplementedError as error:
            columns[name] = str(error)
    return ScoreTable(floor, columns)


def jackknifed(figure: Figure, number: int) -> dict[str, Score]:
    """Return figures with the half-width of Student's interval of a jackknife over groups of units.

    Groups are drawn once and for all; the error is that of who judges, not of the training.
    """
    whole = figure(np.arange(number))
    groups = np.array_split(np.random.default_rng(5).permutation(number), min(GROUPS, number))
    if len(groups) < 2:
        return {task: Score(value, np.nan) for task, value in whole.items()}
    kept = [np.sort(np.concatenate([g for g in groups if g is not out])) for out in groups]
    parts: list[dict[str, Any]] = [figure(rows) for rows in kept]
    m = len(groups)
    wide = float(student.ppf(0.5 + 0.5 * LEVEL, m - 1) * np.sqrt((m - 1) ** 2 / m))
    return {
        task: Score(value, wide * float(np.std([part[task] for part in parts], ddof=1)))
        for task, value in whole.items()
    }
