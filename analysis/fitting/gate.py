"""Acceptance test of a card: does it sample the law of devices that it has never seen?

Devices are split, never cycles. Two halves of the held-out devices differ by chance alone: that difference is
the noise floor of each statistic. The same difference between one half and a sample of the card of the same
size must stay below twice the floor. Statistics of devices and of memory are needed because the pooled
distribution does not see a model whose devices are all alike or whose cycles forget. What follows for an
array is asked last: wrong bits and wrong sums.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import kstest, norm, rankdata

from ...cells.card import Card, CardWarning
from ...typing import Floats, Index
from ..statistics.comparison import (
    FACTOR,
    LARGEST_CORRELATION,
    LARGEST_KS,
    REPEATS,
    Comparison,
    halves,
    ks_distance,
    of_splits,
)
from . import gate_task
from .observations import ObservationError, Observations
from .statistical_model import FitOptions, fit, in_ranks, to_scores

LAGS = (1, 2, 5, 20)
"""Lags (cycles) at which autocorrelations are compared."""

LARGEST = 400
"""Devices, or pooled cycles, beyond which the energy distance takes a random part."""

SAMPLED = 4000
"""Devices sampled from a card to learn how they scatter within their kinds."""

FEWEST = 20
"""Held-out devices that validation needs."""

SINGLE = ("pooled tails", "autocorrelation")
"""Statistics of each feature that compare single numbers, not distributions."""

CALIBRATION = "calibration (PIT)"
"""Distance of the probabilities that a card gave to the next cycles from a uniform law."""

SCORE = "continuous ranked probability score (CRPS)"
"""Of predictions of the next cycle."""

CHOOSING = ("largest pooled KS", "sums of an array (MVM)")
"""Statistics by which ranks or values are chosen: those that see levels which a card smears."""

INNER = 3
"""Splits of the training devices on which both are fitted."""

MARGIN = 1.25
"""By how much ranks must be better than values: they need a table more for each feature."""

Sampler = Callable[[int, int, int], Mapping[str, Floats]]
"""Devices, cycles and seed to the values of each feature, as :meth:`frenkel.cells.card.Card.sample`."""


def judge(
    held_out: Observations, model: Card | Sampler, *, repeats: int = REPEATS, seed: int = 0
) -> list[Comparison]:
    """Return the rows of the validation.

    Parameters
    ----------
    held_out : Observations
        Devices that the model was not fitted to; at least 20.
    model : Card or callable
        What samples; a card also predicts the next cycle.
    repeats : int
        Splits of the held-out devices, over which value and floor are averaged.
    seed : int

    Raises
    ------
    ObservationError
        Too few held-out devices.
    """
    devices = len(held_out.values)
    if devices < FEWEST:
        raise ObservationError(f"validation needs at least {FEWEST} held-out devices, got {devices}")
    floors: list[dict[str, float]] = []
    values: list[dict[str, float]] = []
    for r, (first, second, sampled) in enumerate(_halves(held_out, model, repeats, seed)):
        for split_rows, other in ((floors, second), (values, sampled)):
            row = differences(first, other, held_out.names, np.random.default_rng([seed, r, 1]))
            split_rows.append(row | gate_task.differences(first, other, held_out.features, [seed, r, 2]))
    floors = [common_floors(row) for row in floors]
    rows = of_splits(values, floors, largest_values(held_out.names))
    if isinstance(model, Card):
        own = in_ranks(held_out, model.features, seed)
        rows += [within_kinds(own, model, seed), *prediction(own, model, seed)]
    return rows


def _halves(
    held_out: Observations, model: Card | Sampler, repeats: int, seed: int
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield two halves of the devices and a sample of the size of the second, in transformed space."""
    devices, cycles, _ = held_out.values.shape
    sampler = model.sample if isinstance(model, Card) else model
    for places, others, random in halves(devices, seed, repeats=repeats):
        first, second = held_out.values[places], held_out.values[others]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CardWarning)
            drawn = sampler(len(others), cycles, int(random.integers(2**32)))
        sampled = np.stack([f.forward(np.asarray(drawn[f.name])) for f in held_out.features], axis=2)
        # What is missing in the held-out half is missing in the sample too, at the same places.
        yield first, second, np.where(np.isfinite(second), sampled, np.nan)


def check_compound(card: Card, made: Mapping[str, Any]) -> None:
    """Refuse an ensemble of another compound, whose voltages would let cells jump without end.

    Parameters
    ----------
    card : Card
    made : mapping
        What is known of the making of the devices that shall judge it: their ``file``, and ``ensemble``.

    Raises
    ------
    ValueError
        They are of another compound than the card.
    """
    card_formulas, other = (_formulas(record) for record in (card.provenance, made))
    if card_formulas and other and not card_formulas & other:
        ours, others = (", ".join(sorted(formulas)) for formulas in (card_formulas, other))
        raise ValueError(
            f"card {card.name} is of {ours}, {made['file']} of {others}: a gate takes devices of one kind"
        )


def _formulas(made: Mapping[str, Any]) -> set[str]:
    """Return the formulas of the materials of an ensemble, none where its record does not tell them."""
    try:
        return {str(material["formula"]) for material in made["ensemble"]["configuration"]["materials"]}
    except (KeyError, TypeError):
        return set()


def choose_ranks(
    training: Observations, options: FitOptions, levels: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return whether devices shall differ in ranks or in values, by their training devices alone.

    Both are fitted to 70 % of the training devices and judged by the others, on :data:`INNER` splits, in the
    mean of value over floor of pooled KS and of the sums of an array: those see levels that a card smears.
    Ranks are chosen if it is at least :data:`MARGIN` times smaller on every split. The devices that judge the
    card in the end are not looked at.

    Parameters
    ----------
    training : Observations
    options : FitOptions
        Its ``ranks`` and ``bootstrap`` are not used.
    levels : mapping of str to int, optional
        Of each feature that stands on levels their number. Where there are several, and too few devices to
        choose, ranks are taken: a law of values would smear them.

    Returns
    -------
    dict
        ``ranks`` (bool), ``chosen_by``, ``statistics``, ``rank_ratios`` and ``value_ratios`` (of each split;
        both empty: too few devices to choose by splits).
    """
    ratios: dict[str, list[float]] = {"rank_ratios": [], "value_ratios": []}
    devices, _, k = training.values.shape
    first = round(0.7 * devices)
    if first >= 2 * (4 * k + 2) and devices - first >= FEWEST:
        for split in range(INNER):
            parts = training.split(0.7, options.seed + 1000 + split)
            for name, ranks in (("rank_ratios", True), ("value_ratios", False)):
                card = fit(parts[0], "inner", replace(options, ranks=ranks, bootstrap=0))
                ratios[name].append(_smeared(parts[1], card, split))
    better = [a * MARGIN < b for a, b in zip(ratios["rank_ratios"], ratios["value_ratios"], strict=True)]
    if not better and max((levels or {}).values(), default=1) > 1:
        return {"ranks": True, "chosen_by": "levels that devices share", "statistics": [], **ratios}
    chosen_by = "splits of the training devices" if better else "values, with too few devices to split"
    ranks = bool(better) and all(better)
    return {"ranks": ranks, "chosen_by": chosen_by, "statistics": list(CHOOSING), **ratios}


def _smeared(held_out: Observations, card: Card, seed: int) -> float:
    """Return the mean of value over floor of the statistics of :data:`CHOOSING`."""
    rows: tuple[list[list[float]], list[list[float]]] = ([], [])
    for r, (first, second, sampled) in enumerate(_halves(held_out, card, 6, seed)):
        k = first.shape[2]
        for column, other in zip(rows, (sampled, second), strict=True):
            # Without the resistances of an array there are no sums, and the pooled KS stands alone.
            task = gate_task.differences(first, other, held_out.features, [seed, r, 2])
            pooled = _ks(first.reshape(-1, k), other.reshape(-1, k))
            column.append([np.max(pooled), *(value for name, value in task.items() if name in CHOOSING)])
    value, floor = (np.mean(column, axis=0) for column in rows)
    return float(np.mean(value / floor))


def largest_values(names: Sequence[str]) -> dict[str, float]:
    """Return the largest value of each statistic that has one, by the names of the features.

    An energy distance is largest where all of one half stands in one point and all of the other in another:
    these are two standard deviations apart in each column.
    """
    lags = [f"cross-correlation at lag {lag}" for lag in LAGS]
    lags += [f"autocorrelation at lag {lag} of {name}" for lag in LAGS for name in names]
    correlations = ("device correlations", "correlation within a cycle", *lags)
    distances = [f"device KS of {number}" for number in _names_of_devices(names)]
    distances += [f"pooled KS of {name}" for name in names]
    distances += [f"{CALIBRATION} of {name}" for name in names]
    shares = (*distances, "bit errors of an array")
    columns = {"device energy distance": 3 * len(names), "pooled energy distance": len(names)}
    return (
        dict.fromkeys(correlations, LARGEST_CORRELATION)
        | dict.fromkeys(shares, LARGEST_KS)
        | {name: float(np.sqrt(2.0 * np.sqrt(4.0 * k))) for name, k in columns.items()}
    )


def _names_of_devices(names: Sequence[str]) -> list[str]:
    """Return the names of the columns of :func:`_device_numbers`."""
    return [f"{name} ({number})" for number in ("mean", "spread", "lag 1") for name in names]


def _rows(statistic: str, names: Sequence[str], values: Iterable[float]) -> dict[str, float]:
    """Return a statistic of each feature under a name of its own."""
    return {f"{statistic} of {name}": float(value) for name, value in zip(names, values, strict=True)}


def common_floors(row: Mapping[str, float]) -> dict[str, float]:
    """Return differences by chance with, for statistics of single numbers, the largest of all features.

    The difference of two correlations or quantiles may be near zero by chance on all splits of the same
    devices. Twice the floor of one feature alone would refuse some 5 % of right models in each row.
    """
    largest: dict[str, float] = {}
    kinds = {name: name.rpartition(" of ")[0] for name in row if name.startswith(SINGLE)}
    for name, kind in kinds.items():
        largest[kind] = np.fmax(row[name], largest.get(kind, math.nan))
    # A feature without spread has no value either: its row cannot be judged by the floor of another.
    common = {name: float(largest[kind]) for name, kind in kinds.items() if not math.isnan(row[name])}
    return {**row, **common}


def differences(
    one: Floats, other: Floats, names: Sequence[str], random: np.random.Generator
) -> dict[str, float]:
    """Return the statistics between two sets of devices, (devices, cycles, k) in transformed space.

    Distances of distributions, quantiles and autocorrelations of each feature by its name; of correlations
    of pairs of features the largest.
    """
    devices = _device_numbers(one), _device_numbers(other)
    statistics = {
        **_rows("device KS", _names_of_devices(names), _ks(*devices)),
        "device energy distance": _energy(*devices, random),
        "device correlations": _device_correlations(one, other),
    }
    return statistics | cycle_differences(one, other, names, random)


def pooled_differences(
    one: Floats, other: Floats, names: Sequence[str], random: np.random.Generator
) -> dict[str, float]:
    """Return the statistics of :func:`differences` that pool all cycles of all devices."""
    pooled = one.reshape(-1, one.shape[2]), other.reshape(-1, other.shape[2])
    return {
        **_rows("pooled KS", names, _ks(*pooled)),
        "pooled energy distance": _energy(*pooled, random),
        **_rows("pooled tails", names, _tails(*pooled)),
    }


def cycle_differences(
    one: Floats, other: Floats, names: Sequence[str], random: np.random.Generator
) -> dict[str, float]:
    """Return the statistics of :func:`differences` that do not compare devices with each other."""
    statistics = pooled_differences(one, other, names, random)
    for lag in LAGS:
        if lag < one.shape[1] // 2:
            ours, theirs = (correlations(values, lag) for values in (one, other))
            own = np.abs(np.diag(ours - theirs))
            statistics |= _rows(f"autocorrelation at lag {lag}", names, own)
            if len(ours) > 1:
                off_diagonal = ~np.eye(len(ours), dtype=bool)
                statistics[f"cross-correlation at lag {lag}"] = float(
                    np.abs((ours - theirs)[off_diagonal]).max()
                )
    ours, theirs = (correlations(values, 0) for values in (one, other))
    if len(ours) > 1:
        statistics["correlation within a cycle"] = float(np.abs(ours - theirs).max())
    return statistics


def within_kinds(held_out: Observations, card: Card, seed: int) -> Comparison:
    """Return how far devices scatter otherwise within their kind than those of the card.

    Every device is given to the most likely component of the mixture, and its numbers (mean and ln(spread) of
    each feature) are counted in means and standard deviations of the card's devices of that kind. The
    statistic is the root mean square of the differences of their correlations and of ln(standard deviation):
    it sees missing correlations and kinds that are too narrow, which leave the marginal distributions as they
    are. The floor is the same on as many devices sampled from the card.
    """
    devices, cycles, k = held_out.values.shape
    many = _levels(synthetic_cycles(card, SAMPLED, cycles, held_out, seed + 2))
    kind = _kinds(many, card)
    # Too few devices of a kind for a frame of its own: they stand in that of all.
    rows = [many[kind == m] if np.sum(kind == m) > 20 * k else many for m in range(len(card.weights))]
    mean, deviation = np.array([r.mean(axis=0) for r in rows]), np.array([r.std(axis=0) for r in rows])

    def scatter(levels: Floats) -> Floats:
        kinds = _kinds(levels, card)
        inner = (levels - mean[kinds]) / deviation[kinds]
        matrix: Floats = np.corrcoef(inner.T)
        np.fill_diagonal(matrix, np.log(inner.std(axis=0)))
        return matrix[np.triu_indices(2 * k)]

    expected = scatter(many)

    def distance(levels: Floats) -> float:
        return float(np.sqrt(np.mean((scatter(levels) - expected) ** 2)))

    samples = [synthetic_cycles(card, devices, cycles, held_out, seed + 3 + r) for r in range(10)]
    floors = [distance(_levels(values)) for values in samples]
    return Comparison.of("scatter within kinds of device", distance(_levels(held_out.values)), floors)


def synthetic_cycles(card: Card, devices: int, cycles: int, held_out: Observations, seed: int) -> Floats:
    """Return cycles sampled from a card, with values missing as in held-out devices in turn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        samples = card.sample(devices, cycles, seed)
    sampled = np.stack([f.forward(samples[f.name]) for f in held_out.features], axis=2)
    finite = np.isfinite(held_out.values)[np.arange(devices) % len(held_out.values)]
    masked: Floats = np.where(finite, sampled, np.nan)
    return masked


def _kinds(levels: Floats, card: Card) -> Index:
    """Return the most likely component of the mixture of each device."""
    scores = []
    for weight, mean, covariance in zip(card.weights, card.means, card.covariances, strict=True):
        white = np.linalg.solve(np.linalg.cholesky(covariance), (levels - mean).T)
        scores.append(2.0 * np.log(weight) - np.linalg.slogdet(covariance)[1] - (white**2).sum(axis=0))
    return np.asarray(np.argmax(scores, axis=0))


def prediction(held_out: Observations, card: Card, seed: int) -> list[Comparison]:
    """Return how well the card predicts the next cycle from those before.

    The probability that it gave to a value at most as large must be uniform (Kolmogorov and Smirnov), and its
    continuous ranked probability score (standard scores) no worse than on cycles of its own making. The floor
    is the same on as many devices sampled from the card.
    """
    devices, cycles, _ = held_out.values.shape
    drawn = synthetic_cycles(card, devices, cycles, held_out, seed + 1)
    theirs, ours = surprises(held_out.values, card), surprises(drawn, card)
    scale = np.sqrt(np.diag(card.innovation))
    values, floors = (prediction_statistics(z, held_out.names, scale) for z in (theirs, ours))
    largest = largest_values(held_out.names)
    rows = []
    for name, value in values.items():
        # A score has a floor of its own: 5 % worse than on the card's own cycles is the limit.
        limit = 1.05 * floors[name] if name.startswith(SCORE) else max(FACTOR * floors[name], 0.02)
        rows.append(
            Comparison.of(name, value, floors[name], limit=limit, largest=largest.get(name, math.inf))
        )
    return rows


def prediction_statistics(z: Floats, names: Sequence[str], scale: Floats) -> dict[str, float]:
    """Return the distance from uniform probabilities and the mean score of each feature.

    Parameters
    ----------
    z : ndarray
        Standardised errors, (cycles, k), from :func:`surprises`.
    names : sequence of str
        Of the features.
    scale : ndarray
        Standard deviations of the errors, (k,).
    """
    distances = [float(kstest(norm.cdf(u[np.isfinite(u)]), "uniform").statistic) for u in z.T]
    return _rows(CALIBRATION, names, distances) | _rows(SCORE, names, crps(z) * scale)


def surprises(values: Floats, card: Card) -> Floats:
    """Return the standardised errors of the next cycle's scores, (cycles, k)."""
    location, spread = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
    scores = to_scores((values - location[:, None]) / spread[:, None], card.scores, card.features)
    p = len(card.coefficients)
    errors = scores[:, p:].copy()
    for i in range(p):
        errors -= scores[:, p - 1 - i : scores.shape[1] - 1 - i] @ card.coefficients[i].T
    standardised: Floats = errors.reshape(-1, errors.shape[2]) / np.sqrt(np.diag(card.innovation))
    return standardised


def crps(z: Floats) -> Floats:
    """Return the mean score of standard normal forecasts; doi:10.1198/016214506000001437, their eq. 21."""
    score = z * (2.0 * norm.cdf(z) - 1.0) + 2.0 * norm.pdf(z) - 1.0 / np.sqrt(np.pi)
    mean: Floats = np.nanmean(score, axis=0)
    return mean


def _device_numbers(values: Floats) -> Floats:
    """Return mean, ln(spread) and lag-1 correlation of each feature of each device, (devices, 3 k)."""
    mean, spread = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
    inner = (values - mean[:, None]) / spread[:, None]
    lag = np.nanmean(inner[:, 1:] * inner[:, :-1], axis=1)
    return np.concatenate([mean, np.log(spread), lag], axis=1)


def _levels(values: Floats) -> Floats:
    """Return mean and ln(spread) of each feature of each device, (devices, 2 k)."""
    return _device_numbers(values)[:, : 2 * values.shape[2]]


def _device_correlations(one: Floats, other: Floats) -> float:
    """Return the difference of the rank correlations of the devices' numbers, root mean square over pairs.

    Over all pairs, since a single one has an error of 1/sqrt(devices) that would hide what all miss together.
    """
    matrices = [np.corrcoef(rankdata(_levels(values), axis=0), rowvar=False) for values in (one, other)]
    pairs = np.triu_indices(len(matrices[0]), 1)
    return float(np.sqrt(np.mean((matrices[0] - matrices[1])[pairs] ** 2)))


def _ks(one: Floats, other: Floats) -> list[float]:
    """Return the distance of the distributions of each column."""
    pairs = zip(one.T, other.T, strict=True)
    return [ks_distance(a[np.isfinite(a)], b[np.isfinite(b)]) for a, b in pairs]


def _energy(one: Floats, other: Floats, random: np.random.Generator) -> float:
    """Return the root of the energy distance 2 E|X-Y| - E|X-X'| - E|Y-Y'| of standardised rows.

    The root is a distance like that of Kolmogorov and Smirnov; the limit uses one factor for both. NaN
    without a whole row in each, or where a column has one value only.
    """
    rows = []
    for part in (one, other):
        complete = part[np.isfinite(part).all(axis=1)]
        rows.append(
            complete if len(complete) <= LARGEST else complete[random.permutation(len(complete))[:LARGEST]]
        )
    pooled = np.concatenate(rows)
    if not all(len(part) for part in rows) or not (deviation := pooled.std(axis=0)).all():
        return math.nan
    a, b = ((part - pooled.mean(axis=0)) / deviation for part in rows)
    # Pairs of a row with itself count: the bias is the same in value and floor, and nothing is below 0.
    return float(np.sqrt(2.0 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean()))


def _tails(one: Floats, other: Floats) -> Floats:
    """Return the larger difference of the 1 % and 99 % quantiles of each column, in its standard deviations.

    NaN if the column of the first has no spread, or that of the other no value.
    """
    spread = np.nanmax(one, axis=0, initial=-math.inf) - np.nanmin(one, axis=0, initial=math.inf)
    known = (spread > 0) & np.isfinite(other).any(axis=0)
    largest: Floats = np.full(one.shape[1], math.nan)
    for i in np.flatnonzero(known):
        first, second = one[:, i], other[:, i]
        points = [np.nanquantile(column, [0.01, 0.99]) for column in (first, second)]
        largest[i] = np.abs(points[0] - points[1]).max() / np.nanstd(first)
    return largest


def correlations(values: Floats, lag: int) -> Floats:
    """Return the correlations of cycles ``lag`` apart about the device means, (k, k)."""
    inner = (values - np.nanmean(values, axis=1, keepdims=True)) / np.nanstd(values, axis=1, keepdims=True)
    late, early = inner[:, lag:], inner[:, : inner.shape[1] - lag]
    finite = np.isfinite(late), np.isfinite(early)
    pairs = np.tensordot(finite[0].astype(float), finite[1].astype(float), axes=([0, 1], [0, 1]))
    sums = np.tensordot(
        np.where(finite[0], late, 0.0), np.where(finite[1], early, 0.0), axes=([0, 1], [0, 1])
    )
    correlations: Floats = np.divide(sums, pairs, out=np.full_like(sums, np.nan), where=pairs > 0)
    return correlations
