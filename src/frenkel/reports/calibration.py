"""A calibration as text: the misfit first, then what the data tell of each number and what not."""

import math

import numpy as np

from ..calibration.free import unit_of
from ..calibration.information import Proposal
from ..calibration.result import verdict
from ..calibration.rounds import Calibration
from .device import table

RIDGE = 0.9
"""Correlation of two parameters above which only a combination of them is told."""
MANY, FEW = 100, 20
"""Effective draws from which on intervals hold, and below which none does: a tail of 2.5 % is half a draw."""


def describe(found: Calibration) -> str:
    """Return misfit, statistics, parameters with intervals, and what is not told."""
    lines = [verdict(found), _statistics(found), _parameters(found), *_warnings(found)]
    return "\n".join(lines)


def _statistics(found: Calibration) -> str:
    rows = [
        [name, f"{aim:.4g}", f"{fitted:.4g}", f"{error:.2g}", f"{(aim - fitted) / error:+.1f}"]
        for name, aim, fitted, error in zip(
            found.statistics, found.target, found.fitted, found.errors, strict=True
        )
    ]
    columns = ["statistic (resistances: ln of ohm)", "measured", "simulated", "error", "off by errors"]
    return table(columns, rows)


def _parameters(found: Calibration) -> str:
    rows = []
    for q in found.parameters:
        best = f"{found.best[q.name]:.4g} {unit_of(q.name)}"
        rows.append([q.name, best, _interval(*found.intervals[q.name]), f"{q.low:.4g} to {q.high:.4g}"])
    return table(["parameter", "best", "95 % of the posterior", "looked for in"], rows)


def _interval(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "both ends of the range"
    if math.isinf(low):
        return f"below {high:.4g}, to the end"
    if math.isinf(high):
        return f"above {low:.4g}, to the end"
    return f"{low:.4g} to {high:.4g}"


def _warnings(found: Calibration) -> list[str]:
    """Return sentences on edges, on what is not told, and on what was left out."""
    lines = []
    for name, ends in found.edges.items():
        if name not in (*found.untold, *found.flat):
            lines.append(f"{name} reaches the {ends} end of its range: it may lie beyond; widen the range")
    lines += [
        f"{name}: what it moves is not told from the noise of {found.members} devices a point, and taken to "
        "be nothing; simulate more (--members)"
        for name in found.flat
    ]
    lines += [
        f"{name}: not identifiable from the data (as wide as the range)"
        for name in found.untold
        if name not in found.flat
    ]
    lines += [
        f"{name}: the last design cuts its posterior off; go on with more --rounds" for name in found.cut
    ]
    lines += [
        f"{first} and {other} go together (correlation {value:+.2f}): only a combination of them is told"
        for first, other, value in ridges(found)
    ]
    incomplete = int(np.sum(~np.isfinite(found.shown).all(axis=1)))
    if incomplete:
        lines.append(
            f"{incomplete} of {len(found.shown)} designs do not show what was measured and were left out"
        )
    if found.lacking:
        lines.append(f"not compared, for lack of values: {', '.join(found.lacking)}")
    lines += [
        f"{name} is not compared: most simulated devices of some point show one value of it; more samples of "
        "a phase read it in finer steps"
        for name in found.coarse
    ]
    if found.effective < MANY:
        worth = "intervals are rough" if found.effective >= FEW else "no interval holds"
        lines.append(f"only {found.effective:.0f} effective draws: {worth}")
    return lines


def proposal_text(proposal: Proposal) -> str:
    """Return which parameters the measurements identify, and the command that frees them."""
    order = [*proposal.names, *(name for name in proposal.alone if name not in proposal.names)]
    rows = [
        [
            name,
            f"{proposal.alone[name]:.2f}",
            f"{proposal.together[name]:.2f}",
            "yes" if name in proposal.names else "no",
        ]
        for name in order
    ]
    heads = ["parameter", "alone", "with those proposed", "proposed"]
    text = f"expected spread of the posterior over that of the range\n{table(heads, rows)}"
    if not proposal.names:
        return f"{text}\nnone is identifiable: measure more devices, or under another ramp or temperature"
    return f"{text}\n--free {','.join(proposal.names)}"


def ridges(found: Calibration) -> list[tuple[str, str, float]]:
    """Return pairs of parameters that go together in the posterior, and their correlation."""
    places = np.stack(
        [
            np.log(column) if q.logarithmic else column
            for q, column in zip(found.parameters, found.draws.T, strict=True)
        ]
    )
    correlation = np.atleast_2d(np.corrcoef(places))
    names = [q.name for q in found.parameters]
    return [
        (names[i], names[j], float(correlation[i, j]))
        for i in range(len(names))
        for j in range(i)
        if abs(correlation[i, j]) > RIDGE
    ]
