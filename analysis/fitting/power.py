"""What a validation could have seen: the power of each row against a planted shift, and one p for the whole.

Devices are drawn from the card itself, as many as judged it and with the same values missing. Judged in the
same way they say how often rows fail though the card is right, and how large the worst of them is by chance;
with one feature shifted they say how often each row would have failed. The card counts as right: errors of
its fit are not in it.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...cells.card import Card, CardWarning
from ...typing import Floats
from ..statistics.comparison import Comparison
from .observations import Observations

SHIFT = 1.0
"""Shift that is planted, in standard deviations between the means of devices of the card."""

MEASURE = 200
"""Devices from which that standard deviation is."""

ANY = "any row"
"""Name of the verdict as a whole among the rows."""


@dataclass(frozen=True, slots=True)
class Power:
    """What a validation could have seen.

    Parameters
    ----------
    p : float
        Of rows at least as bad as the worst one (value over limit), for devices of the card itself.
    trials : int
        Sets of devices that were drawn for each number.
    false : dict
        Of each row, and of :data:`ANY`, the fraction of sets of the card itself that fail it.
    seen : dict
        Of each feature the same for sets in which it is shifted by :data:`SHIFT`.
    shifts : dict
        Of each feature the shift, in transformed space: ln of resistances.
    """

    p: float
    trials: int
    false: Mapping[str, float]
    seen: Mapping[str, Mapping[str, float]]
    shifts: Mapping[str, float]


def study(
    card: Card,
    held_out: Observations,
    rows: list[Comparison],
    judge: Callable[[Observations], list[Comparison]],
    *,
    trials: int,
    seed: int = 0,
) -> Power:
    """Return what a validation could have seen.

    Parameters
    ----------
    card : Card
    held_out : Observations
        Devices that judged it.
    rows : list of Comparison
        What they said.
    judge : callable
        How they judged: from observations to rows.
    trials : int
        Sets to draw for each number, at least 1.
    seed : int
    """
    wide = spreads(card, held_out, seed)
    null = [judge(drawn(card, held_out, seed, k)) for k in range(trials)]
    worst = [_worst(one) for one in null]
    p = (1 + sum(one >= _worst(rows) for one in worst)) / (1 + trials)
    seen = {}
    for i, name in enumerate(held_out.names):
        shift = np.zeros(len(wide))
        shift[i] = SHIFT * wide[i]
        planted = (drawn(card, held_out, seed, trials * (1 + i) + k) for k in range(trials))
        seen[name] = failures([judge(replace(one, values=one.values + shift)) for one in planted])
    shifts = {name: SHIFT * float(x) for name, x in zip(held_out.names, wide, strict=True)}
    return Power(p, trials, failures(null), seen, shifts)


def drawn(card: Card, held_out: Observations, seed: int, number: int) -> Observations:
    """Return devices of a card in the place of those that judge it."""
    devices, cycles, _ = held_out.values.shape
    values = _values(card, held_out, devices, cycles, np.random.default_rng([seed, 16, number]))
    return replace(held_out, values=np.where(np.isfinite(held_out.values), values, np.nan))


def spreads(card: Card, held_out: Observations, seed: int) -> Floats:
    """Return the standard deviation of the means of devices of each feature, in transformed space."""
    random = np.random.default_rng([seed, 17])
    values = _values(card, held_out, MEASURE, held_out.values.shape[1], random)
    return np.asarray(values.mean(axis=1).std(axis=0, ddof=1))


def _values(card: Card, like: Observations, devices: int, cycles: int, random: np.random.Generator) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)  # as many cycles as were measured
        sampled = card.sample(devices, cycles, int(random.integers(2**32)))
    return np.stack([one.forward(sampled[one.name]) for one in like.features], axis=2)


def failures(judged: list[list[Comparison]]) -> dict[str, float]:
    """Return the fraction of sets that fail each row, and that fail any."""
    names = dict.fromkeys(row.statistic for rows in judged for row in rows)
    failed = [{row.statistic for row in rows if row.verdict == "FAILED"} for rows in judged]
    fractions = {name: float(np.mean([name in one for one in failed])) for name in names}
    return {ANY: float(np.mean([bool(one) for one in failed])), **fractions}


def _worst(rows: list[Comparison]) -> float:
    """Return the largest value over its limit."""
    return max((row.value / row.limit for row in rows if 0 < row.limit < np.inf), default=0.0)
