"""Tails in words: the probability, its interval, what it rests on, and whether it is below a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import provenance
from ..analysis.statistics.comparison import table
from ..rare.events import EVENTS, Question
from ..rare.farm import estimate
from ..rare.gate import LEAST

if TYPE_CHECKING:
    import xarray as xr

    from ..rare.gate import Judged
    from ..rare.splitting import Estimate
    from ..typing import Floats

BOTTLENECK = 0.9
"""Fraction of the particles that a stage may take out before its estimate depends on too few."""

VERDICTS = {True: "yes", False: "no", None: "not decided: take more repeats or particles"}


def below(found: Estimate, bound: float) -> bool | None:
    """Tell whether a probability is below a bound, by its 95 % interval; None: not decided."""
    if found.high < bound:
        return True
    return False if found.low > bound and found.complete else None


def describe(found: xr.Dataset, bound: float | None = None) -> str:
    """Return what the repeats in a file say.

    Parameters
    ----------
    found : Dataset
        As `frenkel.rare.farm.load` returns it.
    bound : float, optional
        The probability is asked to be below it.
    """
    question = Question(**provenance.read(found.attrs["provenance"])["configuration"]["question"])
    probability = estimate(found)
    if question.conductance is not None:
        edge = f"{1 / question.conductance:.4g} ohm"
    else:
        edge = f"{question.share or question.what.share} of that at the start"
    name = "probability" if probability.complete else "probability below"
    lines = [
        f"{question.event}: {EVENTS[question.event].title}, edge {edge}",
        f"{name:18} {probability.probability:.3g}   95 %: {probability.low:.2g} to {probability.high:.2g}",
        f"{'standard error':18} {probability.error:.2g} by the scatter of {probability.repeats} repeats, "
        f"{probability.stated:.2g} as they state it for their devices",
        f"{'spent':18} {question.particles} particles from {question.starts} devices a repeat, "
        f"{probability.levels:.1f} levels in the mean",
    ]
    if probability.extinct:
        lines.append(f"{probability.extinct} repeats lost all their particles in one stage and count as 0")
    worst = float(np.max(found["killed"].values, initial=0)) / question.particles
    if worst > BOTTLENECK:
        lines.append(
            f"a stage took out {100 * worst:.0f} % of the particles: where one step is that rare "
            "the interval is too narrow; take more particles (--particles)"
        )
    if bound is not None:
        lines.append(f"below {bound:g}? {VERDICTS[below(probability, bound)]}")
    if question.starts == 1:
        lines += apart(found["probability"].values, bound, left_open(found, question))
    return "\n".join(lines)


def left_open(found: xr.Dataset, asked: Question) -> Floats:
    """Return what the probability of each repeat may still be.

    Of a repeat that lost all its N particles in one stage the estimate is 0, and no more is known than that
    none of N went further: with 95 % less than 3/N did, of the share that had come so far. A pulse that has
    nothing left to do cannot fail: then 0 is exact.
    """
    particles = asked.particles
    ends = np.cumsum(found["stage_count"].values)[:-1]
    before = [np.prod(1 - killed[:-1] / particles) for killed in np.split(found["killed"].values, ends)]
    probability = found["probability"].values
    open_to = np.where(probability > 0, probability, np.minimum(3 / particles, 1) * np.array(before))
    if asked.what.absent and asked.conductance is not None:
        ahead = (asked.conductance - found["start_conductance"].values) * (1 if asked.what.rises else -1)
        open_to[(ahead <= 0).all(axis=1)] = 0.0
    return open_to


def apart(probability: Floats, bound: float | None, most: Floats | None = None) -> list[str]:
    """Return how devices differ where each repeat is one: in the middle, and how few hold all of it.

    Parameters
    ----------
    probability : (n,)
    bound : float, optional
        Devices below it are counted.
    most : (n,), optional
        What each may still be, as of `left_open`: who may be above the bound is not counted as below.
    """
    largest = np.sort(probability)[::-1]
    total = largest.sum()
    if not total:
        return []
    ancestor_count = int(np.searchsorted(np.cumsum(largest), 0.9 * total)) + 1
    lines = [
        f"{'each device':18} {np.median(probability):.2g} in the median; "
        f"{ancestor_count} of {len(largest)} hold nine tenths of all"
    ]
    if bound is not None:
        certain = np.count_nonzero((probability if most is None else most) < bound)
        undecided = np.count_nonzero(probability < bound) - certain
        ending = f", {undecided} that lost all particles may be" if undecided else ""
        lines.append(f"{certain} of {len(largest)} devices are below {bound:g}{ending}")
    return lines


def beside(name: str, judged: Judged) -> str:
    """Return what the cells of a card say to the same question, and the rows of its gate.

    Parameters
    ----------
    name : str
        Of the card.
    judged : Judged
        As of `frenkel.rare.gate.judge`.
    """
    card = judged.card
    words = f"{card.probability:.3g}   95 %: {card.low:.2g} to {card.high:.2g}"
    below = "" if card.complete else "below "
    lines = [f"card {name[:13]:13} {below}{words}"]
    no_row = f"no row of a gate: these devices tell no probability from {LEAST:g} to 1"
    lines.append(table(judged.rows) if judged.rows else no_row)
    if judged.untold:
        lines.append(untold(judged.untold))
    return "\n".join(lines)


def untold(probabilities: list[float]) -> str:
    """Return a sentence on the probabilities of devices at which the cells of a card tell nothing."""
    named = ", ".join(f"{number:.1g}" for number in probabilities)
    return f"no row at {named}: the cells lost all their particles at once; take more (--particles)"
