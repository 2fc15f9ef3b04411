"""Rows of the gate of a card: how likely a rare event is for devices and for its cells, decade by decade.

A splitting tells the probability at all of its levels. Where that of devices first falls to 0.1, 0.01 and so
on down to `LEAST`, and at the end, the cells of the card are asked at the same level: the same time without
the event, or the same conductance on the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from .. import provenance
from ..analysis.statistics.comparison import FACTOR, Comparison
from ..cells.card import Card
from ..configuration import device as config
from . import farm
from .cards import beside
from .curve import Curve
from .events import Question
from .farm import Tails
from .members import whole_waveform
from .splitting import Estimate
from .system import goal_of
from .tails import estimate

if TYPE_CHECKING:
    import xarray as xr

LEAST = 1e-6
"""Probability of devices down to which there are rows."""

BOUND = 1e-2
"""Fraction of `LEAST` at which the cells of a card are given up: that there is no such tail is known then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the cells of a card say to a question that was asked of devices.

    Parameters
    ----------
    card : Estimate
        Of the whole event.
    rows : list of Comparison
        One for each decade of the devices that both can tell.
    untold : list of float
        Probabilities of the devices at which the cells tell nothing: they lost all their particles at once.
    """

    card: Estimate
    rows: list[Comparison]
    untold: list[float]


def judge(
    card: Card, path: Path, progress: Callable[[float, str], None] = lambda share, words: None
) -> Judged:
    """Return the rows of a card for a file of ``frenkel tails``.

    Raises
    ------
    ValueError
        It is a file of something else, or of one repeat, which has no error.
    CardError, JumpError
        The card has no jump-process model, or cannot tell this temperature.
    """
    repeats = farm.load(path)
    return judged(study_in(repeats, str(path)), repeats, card, progress)


def judged(
    asked: Tails, found: xr.Dataset, card: Card, progress: Callable[[float, str], None]
) -> Judged:
    """Return what cells of a card say to a question beside what devices have said, see `judge`."""
    if found.sizes["repeat"] < 2:
        raise ValueError("a row of tails needs the scatter of at least 2 repeats, got 1 (--repeats)")
    question = replace(asked.question, floor=LEAST * BOUND)
    runs = beside(replace(asked, question=question, repeats=found.sizes["repeat"]), card, progress)
    goal = goal_of(question)
    comparisons, untold = rows(of_file(found, question), Curve.of(runs, question.kill, goal), name_of(asked))
    return Judged(card=estimate(runs), rows=comparisons, untold=untold)


def study_in(found: xr.Dataset, origin: str) -> Tails:
    """Return what the devices in a file were asked.

    Raises
    ------
    ValueError
        The file lacks something.
    """
    for name in (*Tails.columns, "stage_count"):
        if name not in found:
            raise ValueError(f"{origin} lacks its {name}")
    document = provenance.read(found.attrs.get("provenance"), origin)["configuration"]
    try:
        question = Question(**document["question"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{origin} does not say what was asked: {error}") from None
    return Tails(
        configuration=config.parse(document.get("configuration"), origin),
        folder=Path(),
        question=question,
        repeats=found.sizes["repeat"],
    )


def of_file(found: xr.Dataset, question: Question) -> Curve:
    """Return how the probability falls with the score, as the repeats in a file say."""
    ends = np.cumsum(found["stage_count"].values)[:-1]
    return Curve(
        levels=np.split(found["level"].values, ends),
        killed=np.split(found["killed"].values, ends),
        probability=found["probability"].values,
        complete=found["complete"].values.astype(bool),
        particles=question.particles,
        kill=question.kill,
        goal=goal_of(question),
    )


def name_of(asked: Tails) -> str:
    """Return an event with the condition of the last phase, which tells rows of several files apart."""
    *_, (_, _, phase) = asked.configuration.phases()
    waveform = asked.question.waveform(whole_waveform(phase))
    volts = max(waveform.voltages, key=abs)
    return f"{asked.question.event}, {volts:g} V, {asked.configuration.temperature_of(phase):g} K"


def rows(devices: Curve, card: Curve, name: str) -> tuple[list[Comparison], list[float]]:
    """Return the rows of a gate, and the probabilities of the devices for which there is none.

    Parameters
    ----------
    devices, card : Curve
        Of the one question.
    name : str
        Begins each statistic.

    Returns
    -------
    list of Comparison
        The value is how far ln P of the card is from that of the devices. The floor is the standard error of
        the difference by the scatter of the repeats of both (widened as Student's t asks where they are
        few), with the width of a level; as in every gate twice the floor is the limit. A card whose cells
        were given up far below, or of whose particles none came so far, has the least difference known.
    list of float
        Where no particle of the card came so far and they were too few to tell.
    """
    comparisons, untold = [], []
    widened = float(stats.t.isf(stats.norm.sf(FACTOR), devices.repeats + card.repeats - 2)) / FACTOR
    for level in devices.decades(LEAST):
        theirs, ours = devices.beyond(level), card.beyond(level)
        chance, probability = float(theirs.mean()), float(ours.mean())
        errors = [_error(theirs), _error(ours) if probability else 0.0]
        if not probability:
            probability = card.bound(level)
            if probability > chance:
                untold.append(chance)
                continue
        floor = math.hypot(widened * math.hypot(*errors), max(devices.resolution, card.resolution))
        value = abs(math.log(probability / chance))
        comparisons.append(Comparison.of(f"{name}: ln P at {chance:.1g}", value, floor))
    return comparisons, untold


def _error(each: np.ndarray) -> float:
    """Return the relative standard error of the mean of repeats."""
    return float(each.std(ddof=1) / math.sqrt(len(each)) / each.mean())
