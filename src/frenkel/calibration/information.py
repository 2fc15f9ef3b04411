"""Which parameters a measurement can identify, by the Fisher information of its statistics.

Derivatives are differences between two points of each range with the same members and random numbers; errors
are those of as many devices as were measured. The mean contribution of the noise of the members to products
of derivatives is subtracted. The prior is even over each range.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..typing import Floats
from .rounds import MOST, NARROW, CalibrationError, Parameter, Simulator, fewest_members
from .summaries import counts, summary

STEP = 0.25
"""Places of the two points of a parameter are so far from the middle of its range."""

DRAWN = 200
"""Drawings of members for the errors."""

PRIOR = 12.0
"""Information of an even prior over a range of 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Parameters to free.

    Attributes
    ----------
    names : tuple of str
        In the order in which each adds most to those before it.
    alone, together : mapping
        Of every parameter the expected spread of its posterior over that of its prior, alone, and
        together with those that are proposed; 1: nothing is learnt.
    """

    names: tuple[str, ...]
    alone: dict[str, float]
    together: dict[str, float]


def propose(
    simulator: Simulator,
    target: Floats,
    features: Sequence[str],
    parameters: Sequence[Parameter],
    *,
    seed: int = 0,
) -> Proposal:
    """Return the parameters that a target identifies, the most informative first.

    Parameters
    ----------
    simulator, target, features
        As of :func:`.rounds.calibrate`.
    parameters : sequence of Parameter
        Candidates, any number of them.
    seed : int
        Of the drawings.

    Raises
    ------
    CalibrationError
        A point does not show what was measured.
    """
    compared, aim, _ = summary(features, target)
    p = len(parameters)
    middle = {q.name: float(q.value(0.5)) for q in parameters}
    points = [middle]
    for q in parameters:
        points += [middle | {q.name: float(q.value(0.5 + sign * STEP))} for sign in (-1, 1)]
    values = simulator(points, 0)
    members = values.shape[1]
    if members < fewest_members(len(aim)):
        raise CalibrationError(f"{len(aim)} statistics need {fewest_members(len(aim))} devices a point")
    devices = compared.devices(values)
    random = np.random.default_rng([seed, 29])
    shown = compared.together(devices)
    if not np.isfinite(shown).all():
        raise CalibrationError("a point of the ranges does not show what was measured; narrow them")
    resampled = compared.together(devices[:, random.integers(0, members, (DRAWN, members))])
    resampled = resampled[:, np.isfinite(resampled).all(axis=(0, 2))]
    number = counts(target)
    drawn = devices[0][random.integers(0, members, (DRAWN, int(number.max())))]
    lacking = np.arange(number.max())[:, None] >= np.tile(number, 2)
    replicated = compared.together(np.where(lacking, np.nan, drawn))
    replicated = replicated[np.isfinite(replicated).all(axis=1)]
    # The mean of an inverse of a covariance from n members is too large by (n - 1)/(n - k - 2).
    shrink = max(members - len(aim) - 2, 1) / (members - 1)
    inverse = shrink * np.linalg.pinv(np.atleast_2d(np.cov(replicated.T)), hermitian=True)

    def slopes(table: Floats) -> Floats:
        return (table[2::2] - table[1::2]) / (2 * STEP)

    derivative, noisy = slopes(shown), slopes(resampled)
    information = derivative @ inverse @ derivative.T
    centred = noisy - noisy.mean(axis=1, keepdims=True)
    noise = np.einsum("pdk,kl,qdl->pq", centred, inverse, centred) / centred.shape[1]
    return _greedy(_positive(information - noise), [q.name for q in parameters], p)


def _positive(information: Floats) -> Floats:
    values, vectors = np.linalg.eigh(information)
    positive: Floats = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return positive


def _spread(information: Floats, chosen: Sequence[int], i: int) -> float:
    """Return the spread of parameter i beside the chosen ones over that of its prior."""
    rows = [*chosen, i]
    inverse = np.linalg.inv(information[np.ix_(rows, rows)] + PRIOR * np.eye(len(rows)))
    return float(np.sqrt(PRIOR * inverse[-1, -1]))


def _greedy(information: Floats, names: Sequence[str], p: int) -> Proposal:
    chosen: list[int] = []
    while len(chosen) < min(MOST, p):
        left = {i: _spread(information, chosen, i) for i in range(p) if i not in chosen}
        best = min(left, key=left.__getitem__)
        if left[best] > NARROW:
            break
        chosen.append(best)
    together = {}
    for i, name in enumerate(names):
        others = [j for j in chosen if j != i]
        together[name] = _spread(information, others, i)
    return Proposal(
        names=tuple(names[i] for i in chosen),
        alone={name: _spread(information, [], i) for i, name in enumerate(names)},
        together=together,
    )
