"""Cycles without a window as a kind of cell of their own, and judging without devices to spare.

Where fewer than :data:`.gate.FEWEST` devices can be held out, every device is judged by a card that was not
fitted to it (cross-validation over devices); where there are fewer than :data:`CROSSED`, each block of cycles
by a card that was not fitted to that block. What is measured so, and what it cannot show, is said with it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...cells.card import Card
from ...typing import Floats
from ..statistics.comparison import LARGEST_KS, REPEATS, Comparison
from . import gate
from .observations import ObservationError, Observations, dithered
from .statistical_model import LEAST, POOLED_BELOW

STUCK = 1.5
"""Ratio of HRS over LRS below which a cycle has no window."""

SHORTEST = 10
"""Cycles at the end of a device without a window that make it stuck, and of a part that is judged."""

RARE = 0.01
"""Fraction of cycles without a window below which they are no kind, where no device is stuck for good: they
stay in the tails of the law, beyond the quantiles that validation compares."""

NO_WINDOW = "fraction of cycles without a window"

CROSSED = 6
"""Devices from which on cards are judged by other devices."""

PARTS = 5
"""Parts that are left out in turn."""

Fit = Callable[[Observations], Card]
"""From observations to a card, the same way for every part."""


@dataclass(frozen=True, slots=True)
class StuckSplit:
    """Cycles with a window, and those without.

    Parameters
    ----------
    working : Observations
        Cycles without a window are missing.
    stuck : Observations or None
        Of the devices that have any, the cycles without a window; None: there is no such kind.
    share : float
        Of all cycles, those without a window.
    record : dict
        ``devices``, ``at_start``, ``at_end`` (devices that are stuck then for good), ``passing`` (fraction of
        cycles without a window that came back), ``ratio``; empty: there is no such kind.
    """

    working: Observations
    stuck: Observations | None
    share: float
    record: dict[str, Any]


def split_stuck(observations: Observations) -> StuckSplit:
    """Take cycles without a window apart: SET, or RESET, has failed, and their resistances are no states.

    A cycle has none where HRS over LRS is below :data:`STUCK`. A device is stuck for good from the cycle on
    after which that stays so, if those are at least :data:`SHORTEST` cycles. Where no device is and fewer
    than :data:`RARE` of the cycles have no window, or without both resistances, nothing is taken apart.
    """
    names = observations.names
    if not {"hrs", "lrs"} <= set(names):
        return StuckSplit(observations, None, 0.0, {})
    values = observations.values
    window = values[:, :, names.index("hrs")] - values[:, :, names.index("lrs")]
    finite, closed = np.isfinite(window), window < np.log(STUCK)
    begins = np.array([_stuck_from(row) for row in window])
    after_stuck = np.arange(values.shape[1]) >= begins[:, None]
    if not after_stuck.any() and closed.sum() < RARE * finite.sum():
        return StuckSplit(observations, None, 0.0, {})
    is_stuck = after_stuck | closed
    working = replace(observations, values=np.where(is_stuck[:, :, None], np.nan, values))
    stuck_devices = np.flatnonzero(is_stuck.any(axis=1))
    stuck = replace(observations, values=np.where(is_stuck[:, :, None], values, np.nan)).take(stuck_devices)
    record = {
        "devices": len(values),
        "at_start": int((begins == 0).sum()),
        "at_end": int(after_stuck.any(axis=1).sum()),
        "passing": float((closed & ~after_stuck).sum() / finite.sum()),
        "ratio": STUCK,
    }
    return StuckSplit(working, stuck, float((is_stuck & finite).sum() / finite.sum()), record)


def _stuck_from(window: Floats) -> int:
    """Return from which cycle on ln(HRS/LRS) stays below the limit; the number of cycles: it does not."""
    finite = np.flatnonzero(np.isfinite(window))
    open_ = finite[window[finite] >= np.log(STUCK)]
    begin = int(open_[-1]) + 1 if len(open_) else 0
    return begin if np.sum(finite >= begin) >= SHORTEST else len(window)


def fit_kinds(observations: Observations, fit: Fit) -> Card:
    """Return the card of a fit to cycles with a window, and those without as a kind of cell of their own."""
    split = split_stuck(observations)
    if split.stuck is None or np.isfinite(split.working.values).sum(axis=(0, 1)).min() < LEAST:
        return fit(observations)  # nobody works: being stuck is all that the cells do
    return with_stuck(fit(split.working), split)


def with_stuck(card: Card, found: StuckSplit) -> Card:
    """Return a card of working cells with those that have no window as its last kind.

    Its share is the mean over the cycles that were measured: the card has no cells that lose their window,
    nor any that find it again. Many such cells stand still, so that the logarithm of their spread may be
    anything down to that of rounding: the kind has the median one. What they never showed, such as a voltage
    of SET, they have of the others.
    """
    if found.stuck is None:
        return card
    values = found.stuck.values
    k = values.shape[2]
    mean, width = card.weights @ card.means, np.zeros(2 * k)
    for i in range(k):
        column = values[:, :, i]
        finite_rows = [row[np.isfinite(row)] for row in column if np.isfinite(row).any()]
        middles = np.array([row.mean() for row in finite_rows])
        spreads = np.array([row.std() for row in finite_rows if len(row) > 1])
        if not len(middles):
            width[i] = np.diagonal(card.covariances, axis1=1, axis2=2)[:, i] @ card.weights
            continue
        mean[i] = middles.mean()
        spread = float(np.median(spreads[spreads > 0])) if np.any(spreads > 0) else 1e-3
        mean[k + i] = np.log(spread)
        # Of one cell nothing is known but how far its mean may be off.
        width[i] = max(middles.var(ddof=1) if len(middles) > 1 else 0.0, spread**2 / len(finite_rows[0]))
    width[k:] = (0.5 / np.isfinite(values).any(axis=2).sum(axis=1)).mean()
    return replace(
        card,
        weights=np.append(card.weights * (1.0 - found.share), found.share),
        means=np.concatenate([card.means, mean[None]]),
        covariances=np.concatenate([card.covariances, np.diag(width)[None]]),
        provenance={**card.provenance, "stuck": {**found.record, "share": found.share}},
    )


def working(card: Card) -> Card:
    """Return a card without its cells that have no window."""
    if "stuck" not in card.provenance:
        return card
    weights = card.weights[:-1] / card.weights[:-1].sum()
    return replace(card, weights=weights, means=card.means[:-1], covariances=card.covariances[:-1])


def with_window(observations: Observations) -> Observations:
    """Return the cycles with a window, of devices that have enough of them."""
    values = split_stuck(observations).working.values
    long = (np.isfinite(values).sum(axis=1) >= min(SHORTEST, values.shape[1])).all(axis=1)
    differ = (np.nanmax(values, axis=1, initial=-np.inf) > np.nanmin(values, axis=1, initial=np.inf)).all(
        axis=1
    )
    devices_kept = np.flatnonzero(long & (differ | (values.shape[1] == 1)))
    return replace(observations, values=values[devices_kept])


def judge_kind(held_out: Observations, card: Card, seed: int = 0) -> list[Comparison]:
    """Return the row of the kind without a window: its share in a card, and among devices held out.

    The floor is the difference between two halves of these devices; none where neither has such cycles.
    """
    names = held_out.names
    if "stuck" not in card.provenance and split_stuck(held_out).stuck is None:
        return []
    window = held_out.values[:, :, names.index("hrs")] - held_out.values[:, :, names.index("lrs")]
    window = window[np.isfinite(window).any(axis=1)]
    if len(window) < 2:
        return []
    share = np.nanmean(np.where(np.isfinite(window), window < np.log(STUCK), np.nan), axis=1)
    random = np.random.default_rng([seed, 8])
    floors, half = [], len(share) // 2
    for _ in range(10 * REPEATS):
        order = random.permutation(len(share))
        floors.append(abs(share[order[:half]].mean() - share[order[half : 2 * half]].mean()))
    of_card = float(card.provenance.get("stuck", {}).get("share", 0.0))
    return [Comparison.of(NO_WINDOW, abs(float(share.mean()) - of_card), floors, largest=LARGEST_KS)]


def judge(whole: Observations, fit: Fit, seed: int = 0) -> tuple[list[Comparison], dict[str, Any]]:
    """Return the rows of a gate for few devices, and by what they were judged.

    Parameters
    ----------
    whole : Observations
        All devices.
    fit : callable
        Of a card to a part of them.
    seed : int

    Returns
    -------
    rows : list of Comparison
        Each statistic of what was left out against samples of the card that did not see it; the floor is the
        same between two samples of those cards.
    judged : dict
        ``by``, ``devices``, ``cycles``, ``parts``, ``cannot_show`` (list of str).

    Raises
    ------
    ObservationError
        A part cannot be fitted without another.
    """
    devices, cycles, _ = whole.values.shape
    pooled = cycles < POOLED_BELOW
    over_devices = devices >= CROSSED or pooled
    left_out = _devices_out(whole, seed) if over_devices else _blocks_out(whole)
    pairs: list[tuple[Floats, Card, Observations]] = []
    # What a part is fitted with or judged by is told from that part alone.
    cards = [fit_kinds(dithered(training, seed)[0], fit) for training, _ in left_out]
    outside = [dithered(held_back, seed, fitted=False)[0] for _, held_back in left_out]
    for card, held_back in zip(cards, outside, strict=True):
        held = with_window(held_back) if not pooled else held_back
        if len(held.values):
            pairs.append((held.values, card if pooled else working(card), held))
    if not pairs:
        raise ObservationError(f"{whole.origin} leaves nothing to judge a card by")
    rows = _rows(pairs, seed, of_devices=over_devices and not pooled, pooled=pooled)
    stuck = any("stuck" in card.provenance for card in cards)
    method = "cross-validation over devices" if over_devices else "blocks of cycles"
    judgement = {"by": method, "devices": devices, "cycles": cycles, "parts": len(pairs),
              "cannot_show": _cannot_show(devices, cycles, over_devices, stuck)}  # fmt: skip
    return rows, judgement


def not_judged(whole: Observations, why: str) -> dict[str, Any]:
    """Return what is said of a card that nothing was left to judge by."""
    devices, cycles, _ = whole.values.shape
    return {"by": "nothing", "devices": devices, "cycles": cycles, "parts": 0,
            "cannot_show": [f"whether the card is right: {why}"]}  # fmt: skip


def are_few(whole: Observations, held_out: float = 1.0) -> bool:
    """Tell whether too few devices or cycles are left for a gate if this fraction of devices is held out."""
    devices, cycles, k = whole.values.shape
    held_out_devices = round(held_out * devices)
    remaining = devices - held_out_devices
    return bool(
        held_out_devices < gate.FEWEST or cycles < POOLED_BELOW or (remaining and remaining < 4 * k + 2)
    )


def judge_fixed(held_out: Observations, card: Card, seed: int = 0) -> tuple[list[Comparison], dict[str, Any]]:
    """Return the rows of a gate for a card and few devices that it was not fitted to; see :func:`judge`."""
    devices, cycles, _ = held_out.values.shape
    pooled = cycles < POOLED_BELOW
    held, cells = (held_out, card) if pooled else (with_window(held_out), working(card))
    if not len(held.values):
        raise ObservationError(f"{held_out.origin} has no device with enough cycles to judge a card by")
    of_devices = len(held.values) >= CROSSED and not pooled
    rows = _rows([(held.values, cells, held)], seed, of_devices=of_devices, pooled=pooled)
    judgement = {"by": "few devices", "devices": devices, "cycles": cycles, "parts": 1,
              "cannot_show": _cannot_show(devices, cycles, over_devices=True)}  # fmt: skip
    return [*rows, *judge_kind(held_out, card, seed)], judgement


def _devices_out(whole: Observations, seed: int) -> list[tuple[Observations, Observations]]:
    order = np.random.default_rng([seed, 6]).permutation(len(whole.values))
    groups = np.array_split(order, min(PARTS, len(order)))
    return [(whole.take(np.sort(np.setdiff1d(order, group))), whole.take(np.sort(group))) for group in groups]


def _blocks_out(whole: Observations) -> list[tuple[Observations, Observations]]:
    cycles = whole.values.shape[1]
    length = cycles // PARTS
    splits = []
    for part in range(PARTS):
        part_cycles = slice(part * length, (part + 1) * length)
        others = whole.values.copy()
        others[:, part_cycles] = np.nan
        splits.append((replace(whole, values=others), replace(whole, values=whole.values[:, part_cycles])))
    return splits


def _rows(
    pairs: Sequence[tuple[Floats, Card, Observations]], seed: int, *, of_devices: bool, pooled: bool
) -> list[Comparison]:
    values_left_out = np.concatenate([values for values, _, _ in pairs])
    names = pairs[0][2].names

    def sample(number: int) -> Floats:
        return np.concatenate([
            gate.synthetic_cycles(card, len(values), values.shape[1], left, seed + 97 * number + 13 * k)
            for k, (values, card, left) in enumerate(pairs)
        ])  # fmt: skip

    values: dict[str, list[float]] = {}
    floors: dict[str, list[float]] = {}
    for repeat in range(REPEATS):
        first_sample, other = sample(2 * repeat + 1), sample(2 * repeat + 2)
        for table, first in ((values, values_left_out), (floors, first_sample)):
            random = np.random.default_rng([seed, repeat, 7])
            distances = _differences(first, other, names, random, of_devices, pooled)
            distances |= {} if pooled else _predictions(first, names, pairs)
            if table is floors:
                distances = gate.common_floors(distances)
            for name, value in distances.items():
                table.setdefault(name, []).append(value)
    largest = gate.largest_values(names)
    rows = [
        Comparison.of(name, values[name], floors[name], largest=largest.get(name, math.inf))
        for name in values
        if name in floors
    ]
    return [
        _scored(row, floors[row.statistic]) if row.statistic.startswith(gate.SCORE) else row for row in rows
    ]


def _scored(row: Comparison, floors: Sequence[float]) -> Comparison:
    """Return the row of a score, whose limit is as in validation, but few cycles scatter by more than 5 %."""
    return replace(row, limit=max(1.05 * row.floor, row.floor + 3.0 * float(np.std(floors, ddof=1))))


def _predictions(
    values: Floats, names: Sequence[str], pairs: Sequence[tuple[Floats, Card, Observations]]
) -> dict[str, float]:
    """Return how well each card predicts the next cycle of the part that it did not see."""
    ends = np.cumsum([len(part) for part, _, _ in pairs])[:-1]
    z = np.concatenate([
        gate.surprises(cycle, card) for cycle, (_, card, _) in zip(np.split(values, ends), pairs, strict=True)
    ])  # fmt: skip
    return gate.prediction_statistics(z, names, np.ones(len(names)))


def _differences(
    one: Floats,
    other: Floats,
    names: Sequence[str],
    random: np.random.Generator,
    of_devices: bool,
    pooled: bool,
) -> dict[str, float]:
    if pooled:
        # A device is a cycle of the one that all are taken for.
        return gate.pooled_differences(one, other, names, random)
    differences = gate.differences if of_devices else gate.cycle_differences
    numbers = differences(one, other, names, random)
    return {name: value for name, value in numbers.items() if np.isfinite(value)}


def _cannot_show(devices: int, cycles: int, over_devices: bool, stuck: bool = False) -> list[str]:
    limits = []
    if cycles < POOLED_BELOW:
        limits.append("how the spread divides between devices and cycles: all of it is given to the cycles")
        limits.append("memory from cycle to cycle: the card has none")
    elif not over_devices:
        limits.append("differences between devices beyond those measured: whether others behave alike")
    if stuck:
        limits.append("whether other devices lose their window as often")
    if devices > 1:
        limits.append(
            f"kinds of device rarer than {1 - 0.05 ** (1 / devices):.0%}: they may be missing (95 %)"
        )
    if cycles >= POOLED_BELOW:
        limits.append(f"what happens after {cycles} cycles")
    return limits
