"""Does an export draw the law of its card? One test for all of them.

Devices are independent of each other, cycles of one device are not. Every statistic is therefore one number
of each device, and two samples of devices are compared by the two-sample Kolmogorov-Smirnov test, whose false
alarms are known. Per feature (in transformed space): the first cycle, mean, ln(spread), smallest and largest
of all cycles, correlation with the next and the second next cycle; per pair of features: correlation within a
cycle, and with the next cycle in both directions. Correlations over devices show in the products of two of
their means and ln(spreads), each centred and over its spread in the reference.
"""

import itertools
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import scipy.stats

from ...cells.card import Card, CardWarning
from ...typing import Floats

FALSE_ALARM = 1e-4
"""Of the whole comparison: shared evenly by its statistics."""

REFERENCE = 4
"""Devices of the reference sample for each device that is tested."""


Numbers = list[tuple[tuple[str, str], Floats]]
"""Statistic and feature, and one number per device."""


@dataclass(frozen=True, slots=True)
class EqualityRow:
    """Comparison of one statistic.

    Attributes
    ----------
    statistic, feature : str
    distance : float
        Kolmogorov-Smirnov, 0 to 1.
    p_value : float
        Probability of such a distance, or a larger one, if both laws are the same.
    limit : float
        Below which the p-value is a refusal.
    """

    statistic: str
    feature: str
    distance: float
    p_value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the statistic speaks for the same law."""
        return self.p_value >= self.limit


def compare(card: Card, drawn: Mapping[str, Floats], seed: int = 0) -> list[EqualityRow]:
    """Compare what an export drew with ``card.sample``.

    Parameters
    ----------
    card : Card
    drawn : mapping of str to ndarray
        Features, or some of them, in their units, shape (devices, cycles): successive cycles. At least 8
        devices; of one cycle only the values are compared.
    seed : int
        Of the reference sample; other than that of the export.

    Raises
    ------
    ValueError
        A feature that the card does not have, shapes that differ, too few devices, values of the wrong sign.
    """
    names = [name for name in card.names if name in drawn]
    if not names or set(drawn) - set(names):
        raise ValueError(
            f"drawn must hold features of the card ({', '.join(card.names)}), got {', '.join(drawn)}"
        )
    shapes = {np.shape(drawn[name]) for name in names}
    shape = next(iter(shapes))
    if len(shapes) > 1 or len(shape) != 2 or shape[0] < 8:
        raise ValueError(f"features must be (devices, cycles) with at least 8 devices, got {sorted(shapes)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        reference = card.sample(REFERENCE * shape[0], shape[1], seed)
    ours, theirs = (_statistics(_transformed(card, names, sampled)) for sampled in (drawn, reference))
    products, expected = _between(ours, theirs), _between(theirs, theirs)
    pairs = zip(ours + products, theirs + expected, strict=True)
    rows = [(kind, scipy.stats.ks_2samp(a, b, method="asymp")) for (kind, a), (_, b) in pairs]
    limit = FALSE_ALARM / len(rows)
    return [
        EqualityRow(statistic, feature, float(test.statistic), float(test.pvalue), limit)
        for (statistic, feature), test in rows
    ]


def equal(rows: list[EqualityRow]) -> bool:
    """Return whether all rows passed."""
    return all(row.passed for row in rows)


def worst(rows: list[EqualityRow]) -> EqualityRow:
    """Return the row with the smallest p-value."""
    return min(rows, key=lambda row: row.p_value)


def _transformed(card: Card, names: list[str], drawn: Mapping[str, Floats]) -> dict[str, Floats]:
    scores = {}
    for feature in card.features:
        if feature.name in names:
            scores[feature.name] = feature.forward(drawn[feature.name])
            if not np.all(np.isfinite(scores[feature.name])):
                raise ValueError(f"{feature.name} must be finite and of the sign of the card in all cycles")
    return scores


def _statistics(values: dict[str, Floats]) -> Numbers:
    """Return one number per device for each statistic."""
    statistics: Numbers = []
    for name, x in values.items():
        statistics.append((("first cycle", name), x[:, 0]))
        cycles = x.shape[1]
        if cycles < 3:
            continue
        with np.errstate(divide="ignore"):
            statistics.append((("ln spread", name), np.log(x.std(axis=1))))
        statistics += [
            (("mean", name), x.mean(axis=1)),
            (("smallest", name), x.min(axis=1)),
            (("largest", name), x.max(axis=1)),
        ]
        statistics += [((f"lag {n}", name), _correlation(x, x, n)) for n in (1, 2) if cycles > n + 2]
    if next(iter(values.values())).shape[1] > 3:
        statistics += list(_pairs(values))
    return statistics


def _between(numbers: Numbers, reference: Numbers) -> Numbers:
    """Return products of two levels of each device, in units of the reference."""
    levels = [
        (f"{statistic} {feature}", (x - y.mean()) / y.std())
        for ((statistic, feature), x), (_, y) in zip(numbers, reference, strict=True)
        if statistic in ("mean", "ln spread")
    ]
    pairs = itertools.combinations(levels, 2)
    return [(("over devices", f"{first}, {second}"), x * y) for (first, x), (second, y) in pairs]


def _pairs(values: dict[str, Floats]) -> Iterator[tuple[tuple[str, str], Floats]]:
    for first, second in itertools.combinations(values, 2):
        x, y = values[first], values[second]
        yield ("within a cycle", f"{first}, {second}"), _correlation(x, y, 0)
        yield ("with the next", f"{first}, {second}"), _correlation(x, y, 1)
        yield ("with the next", f"{second}, {first}"), _correlation(y, x, 1)


def _correlation(x: Floats, y: Floats, lag: int) -> Floats:
    """Return the correlation of x with y a number of cycles later, of each device; 0 without spread."""
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    size = np.sqrt(np.sum(x**2, axis=1) * np.sum(y**2, axis=1))
    total = np.sum(x[:, : x.shape[1] - lag] * y[:, lag:], axis=1)
    return np.asarray(total / np.where(size > 0, size, 1.0))
