"""From observations of an ensemble to a card: marginal laws, memory from cycle to cycle, device to device.

The law is written in :mod:`frenkel.cells.card`. The pooled, standardised cycles give the quantiles of each
feature; their Gaussian scores the memory (:mod:`.cycle_memory`); location and spread of each device, freed
from the noise of its finite number of cycles, a mixture of Gaussians.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm
from threadpoolctl import threadpool_limits

from ...cells.card import Card, CardError
from ...cells.law import Feature
from ...cells.noise import look_up
from ...checks import whole
from ...typing import Floats
from ..statistics.regression import bootstrap_interval
from . import cycle_memory
from .cycle_memory import few_devices, without_noise
from .observations import ObservationError, Observations

KNOTS, PER_KNOT = 41, 10
"""Points of each table of quantiles, and the values that each of fewer points stands for."""

SIMULATED = 2000
"""Devices simulated to learn what a finite number of cycles does to location and spread."""

RANKS = 161
"""Points of each table of ranks."""

ALIKE = 0.01
"""Difference of logarithms, or in spreads of the pool, below which values have the same rank."""

POOLED_BELOW = 10
"""Cycles below which devices and cycles are not distinguished: every value is a cycle of one device."""

RESAMPLED_FROM = 5
"""Devices from which on intervals come from drawing them with replacement."""

LEAST = 20
"""Values of each feature that a card needs."""

LEVEL = 0.95
"""Probability of the intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How to fit.

    Parameters
    ----------
    components : int
        Largest number of Gaussians in the mixture; the criterion chooses among 1 to this.
    order : int or None
        Cycles of memory; None: the criterion chooses.
    bootstrap : int
        Refits to resampled devices, for the intervals; 0: no intervals.
    seed : int
        Of the resampling, the mixture's starts and the simulation.
    ranks : bool
        Whether devices differ in the Gaussian scores of the pooled values instead of in the values: where
        values stand on levels that all devices share, such as numbers of atoms.
    """

    components: int = 4
    order: int | None = None
    bootstrap: int = 100
    seed: int = 0
    ranks: bool = False

    def __post_init__(self) -> None:
        whole("components", self.components, 1)
        if self.bootstrap < 0 or self.bootstrap == 1:
            raise ValueError(f"bootstrap must be 0 or at least 2 refits, got {self.bootstrap}")


@dataclass(frozen=True, slots=True)
class _Like:
    """A fitted card, and what a finite number of its cycles does: see _standardising and _noise."""

    card: Card
    shift: Floats
    finite: tuple[Floats, Floats]


def fit(
    observations: Observations,
    name: str,
    options: FitOptions | None = None,
    *,
    validity: Mapping[str, tuple[float, float]] | None = None,
    core: Mapping[str, float] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Card:
    """Fit a card.

    Parameters
    ----------
    observations : Observations
        At least 20 values of each feature. With fewer than ``4 k + 2`` devices the mixture is one Gaussian
        without correlations (with fewer than 3 its width is the uncertainty of the means); with fewer than
        10 cycles every value is taken for a cycle of one device.
    name : str
        Name of the card.
    options : FitOptions, optional
    validity, core, provenance : mapping, optional
        Taken into the card; the number of cycles is added to the box, and the fit to the provenance.

    Raises
    ------
    ObservationError
        Too few devices or cycles, or numbers without a scatter of their own.
    MemoryFitError
        No stationary memory fits.
    """
    chosen = options or FitOptions()
    usable, unusable = _usable(observations)
    devices = len(usable.values)
    if usable.values.shape[1] < POOLED_BELOW:
        usable = pooled(usable)
        chosen = replace(chosen, order=0, ranks=False)
    if chosen.ranks:
        usable = ranked(usable, chosen.seed)
    try:
        card = _fit_once(usable, name, chosen)
    except np.linalg.LinAlgError:
        raise ObservationError(
            f"{', '.join(usable.names)} of {usable.origin} follow one another, or the cycles before, without "
            "any scatter of their own: a card needs numbers that vary by themselves"
        ) from None
    can_resample = len(usable.values) >= RESAMPLED_FROM
    intervals = _intervals(usable, card, chosen) if chosen.bootstrap and can_resample else {}
    cycles = observations.values.shape[1]
    record = {
        **(provenance or {}), **card.provenance,
        "observations": observations.origin, "devices": devices, "devices_without_cycles": unusable,
        "cycles": cycles, "order": len(card.coefficients), "level": LEVEL,
        "bootstrap": chosen.bootstrap if can_resample else 0, "seed": chosen.seed,
    }  # fmt: skip
    return replace(
        card,
        validity={"cycles": (1.0, float(cycles)), **(validity or {})},
        core=dict(core or {}),
        intervals=intervals,
        provenance=record,
    )


def _usable(observations: Observations) -> tuple[Observations, int]:
    """Return the devices that have enough cycles, and how many have not."""
    devices = len(observations.values)
    finite = np.isfinite(observations.values)
    has_cycles = ((finite.mean(axis=1) >= 0.5) | (finite.sum(axis=1) >= LEAST)).all(axis=1)
    usable = observations.take(np.flatnonzero(has_cycles))
    least = int(np.isfinite(usable.values).sum(axis=(0, 1)).min())
    if least < LEAST:
        raise ObservationError(
            f"a card needs at least {LEAST} values of each feature, of devices with values in half of their "
            f"cycles; {observations.origin} has {least} ({has_cycles.sum()} of {devices} devices)"
        )
    for i, feature in enumerate(usable.features):
        values = usable.values[:, :, i][np.isfinite(usable.values[:, :, i])]
        if not np.ptp(values) > 0:
            raise ObservationError(
                f"{feature.name} is the same in every cycle of {observations.origin}, "
                f"{feature.backward(values[:1])[0]:g} {feature.unit}: a card needs numbers that vary"
            )
    return usable, int(devices - has_cycles.sum())


def pooled(observations: Observations) -> Observations:
    """Return every cycle of every device as a cycle of one device."""
    values = observations.values.reshape(1, -1, observations.values.shape[2])
    return replace(observations, values=values)


def ranked(observations: Observations, seed: int) -> Observations:
    """Return observations as Gaussian scores of the pooled values, with the tables that lead back."""
    features = []
    for i, feature in enumerate(observations.features):
        column = observations.values[:, :, i]
        count = int(np.isfinite(column).sum())
        furthest = float(norm.ppf(1.0 - max(5.0 / count, 1e-5)))
        ranks = np.linspace(-furthest, furthest, RANKS)
        levels = _ascending(np.nanquantile(column, norm.cdf(ranks)))
        # Beyond the table a level is no guide: on with the mean slope.
        widest = 10.0 * float(np.nanstd(column))
        ranks = np.array([ranks[0] - 10.0, *ranks, ranks[-1] + 10.0])
        levels = np.array([levels[0] - widest, *levels, levels[-1] + widest])
        features.append(replace(feature, ranks=tuple(ranks.tolist()), levels=tuple(levels.tolist())))
    return in_ranks(observations, tuple(features), seed)


def in_ranks(observations: Observations, features: tuple[Feature, ...], seed: int) -> Observations:
    """Return observations in the space of a card's features, whose tables of ranks may be others or none.

    Values that are alike share a range of ranks and are spread over it at random: else what distinguishes
    them within a level would be taken for memory.
    """
    random = np.random.default_rng([seed, 4])
    columns = []
    for i, (new, old) in enumerate(zip(features, observations.features, strict=True)):
        column = observations.values[:, :, i]
        if not new.ranks:
            columns.append(new.forward(old.backward(column)))
            continue
        width = ALIKE * (1.0 if new.transform == "log" else float(np.nanstd(column)))
        low, high = (new.forward(old.backward(column + side)) for side in (-width, width))
        share = norm.cdf(low) + (norm.cdf(high) - norm.cdf(low)) * random.uniform(size=column.shape)
        # Far out, where shares have no digits left, nothing is alike.
        columns.append(np.where(np.abs(low + high) < 10.0, norm.ppf(share), 0.5 * (low + high)))
    return Observations(features, np.stack(columns, axis=2), observations.origin)


def _ascending(table: Floats) -> Floats:
    """Return a table of quantiles that ascends strictly.

    Values on a grid (voltages of samples) make steps; a slope of 1e-6 keeps the table ascending.
    """
    quantiles: Floats = np.maximum.accumulate(table) + 1e-6 * np.arange(table.size)
    return quantiles


def _with_ends(table: Floats) -> Floats:
    """Return a table of quantiles whose first and last step are no smaller than a tenth of the mean one.

    It goes on with the slopes at its ends: equal values there would stretch what lies beyond without bound.
    """
    least = 0.1 * (table[-1] - table[0]) / (table.size - 1)
    widened = table.copy()
    widened[0] = min(widened[0], widened[1] - least)
    widened[-1] = max(widened[-1], widened[-2] + least)
    return widened


def _fit_once(
    observations: Observations, name: str, options: FitOptions, like: _Like | None = None
) -> Card:
    """Return a card; with another one, of its order, kind of mixture and effect of finite cycles."""
    values = observations.values
    location, spread = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
    if np.any(spread <= 0):
        constant_feature = observations.names[int(np.argmax((spread <= 0).any(axis=0)))]
        raise ObservationError(
            f"{constant_feature} is the same in every cycle of a device: there is no spread to fit"
        )
    inner = (values - location[:, None]) / spread[:, None]
    knots, features = _tables(inner, observations.features)
    scores = to_scores(inner, knots, features)
    k, cycles = len(features), values.shape[1]
    order = options.order if like is None else len(like.card.coefficients)
    coefficients, innovation = _unit_scores(cycle_memory.fit(scores, order))
    card = Card(
        name=name,
        version="0.1.0",
        features=features,
        scores=knots,
        weights=np.ones(1),
        means=np.zeros((1, 2 * k)),
        covariances=np.eye(2 * k)[None],
        coefficients=coefficients,
        innovation=innovation,
    )
    card = _without_standardising(card, scores, options, like)
    offset, noise = _noise(card, cycles, options.seed) if like is None else like.finite
    # What a device shows over its cycles is freed from the mean effect of their number, then from its noise.
    transformed = np.concatenate([location - spread * offset[:k], np.log(spread) - offset[k:]], axis=1)
    return _with_devices(card, transformed, spread, noise, options, like)


def _without_standardising(card: Card, scores: Floats, options: FitOptions, like: _Like | None) -> Card:
    """Return the card with a memory freed from what standardising each device took from it.

    Of few cycles that may leave no stationary memory of this length: then of the longest that does.
    """
    for order in range(len(card.coefficients), -1, -1):
        try:
            coefficients, innovation = _unit_scores(cycle_memory.fit(scores, order))
            shorter = replace(card, coefficients=coefficients, innovation=innovation)
            shift = like.shift if like else _standardising(shorter, scores.shape[1], options.seed)
            coefficients, innovation = _unit_scores(cycle_memory.fit(scores, order, shift=shift))
            return replace(card, coefficients=coefficients, innovation=innovation)
        except cycle_memory.MemoryFitError:
            if like is not None:
                raise
    return replace(card, coefficients=coefficients, innovation=innovation)  # those of order 0 as they are


def _with_devices(
    card: Card, shown: Floats, spread: Floats, noise: Floats, options: FitOptions, like: _Like | None
) -> Card:
    """Return the card with a mixture fitted to location and ln(spread) of its devices."""
    if len(shown) < 2 * shown.shape[1] + 2:
        mean, covariance, kind = few_devices(shown, spread, noise)
        return replace(
            card, weights=np.ones(1), means=mean[None], covariances=covariance[None],
            provenance={"mixture": kind},
        )
    centre, scale = shown.mean(axis=0), shown.std(axis=0)
    rows = (shown - centre) / scale
    if like is None:
        mixture = _choose(rows, options)
    else:
        kind = str(like.card.provenance["mixture"])
        starts = (like.card.means - centre) / scale
        mixture = _gaussians(rows, len(like.card.weights), kind, options.seed, starts)
    weights, means, covariances = _mixture(mixture, rows, spread, noise / scale / scale[:, None])
    return replace(
        card,
        weights=weights,
        means=means * scale + centre,
        covariances=covariances * scale * scale[:, None],
        provenance={"mixture": mixture.covariance_type},
    )


def _unit_scores(memory: cycle_memory.Memory) -> tuple[Floats, Floats]:
    """Return the memory with scores of variance 1: without the device means the fitted one exceeds it."""
    scale = np.sqrt(np.diag(cycle_memory.covariances(memory.coefficients, memory.innovation, 0)[0]))
    return memory.coefficients * scale / scale[:, None], memory.innovation / scale / scale[:, None]


def _tables(inner: Floats, features: tuple[Feature, ...]) -> tuple[Floats, tuple[Feature, ...]]:
    """Return scores and the features with their quantiles at them."""
    count = int(np.isfinite(inner).sum(axis=(0, 1)).min())
    # The outermost point has about five values beyond it.
    furthest = float(norm.ppf(1.0 - max(5.0 / count, 1e-5)))
    knots = np.linspace(-furthest, furthest, max(5, min(KNOTS, count // PER_KNOT)))
    filled = []
    for i, feature in enumerate(features):
        table = _with_ends(_ascending(np.nanquantile(inner[:, :, i], norm.cdf(knots))))
        if len(knots) < KNOTS:  # coarse tables lose part of the variance, or make some
            quantiles = look_up(norm.ppf((np.arange(2000) + 0.5) / 2000), knots, table)
            table = (table - quantiles.mean()) / quantiles.std()
        filled.append(replace(feature, quantiles=tuple(table.tolist())))
    return knots, tuple(filled)


def to_scores(inner: Floats, knots: Floats, features: tuple[Feature, ...]) -> Floats:
    """Return the Gaussian scores of standardised values: the inverse of the tables; NaN stays."""
    scores = np.empty_like(inner)
    for i, feature in enumerate(features):
        table = np.array(feature.quantiles)
        column = inner[:, :, i]
        scores[:, :, i] = np.interp(column, table, knots)
        for end, inwards in ((0, 1), (-1, -2)):
            slope = (knots[end] - knots[inwards]) / (table[end] - table[inwards])
            outside = column < table[0] if end == 0 else column > table[-1]
            scores[:, :, i] += np.where(outside, slope * (column - table[end]), 0.0)
    return scores


def _standardising(card: Card, cycles: int, seed: int) -> Floats:
    """Return what dividing each device by its own spread took from the lagged products of its scores.

    It is seen on simulated devices, whose scores are known before they are standardised.
    """
    scores = card.draw_scores(SIMULATED, cycles, np.random.default_rng([seed, 3]))
    inner = np.stack([card.quantile(i, scores[:, :, i]) for i in range(len(card.features))], axis=2)
    inner = (inner - inner.mean(axis=1, keepdims=True)) / inner.std(axis=1, keepdims=True)
    longest = len(card.coefficients)
    before, _ = cycle_memory.lagged_products(scores, longest)
    after, _ = cycle_memory.lagged_products(to_scores(inner, card.scores, card.features), longest)
    return before - after


def _noise(card: Card, cycles: int, seed: int) -> tuple[Floats, Floats]:
    """Return mean and covariance of location and ln(spread) of identical devices over some cycles."""
    scores = card.draw_scores(SIMULATED, cycles, np.random.default_rng([seed, 1]))
    inner = np.stack([card.quantile(i, scores[:, :, i]) for i in range(len(card.features))], axis=2)
    statistics = np.concatenate([inner.mean(axis=1), np.log(inner.std(axis=1))], axis=1)
    return statistics.mean(axis=0), np.cov(statistics.T)


def _gaussians(shown: Floats, number: int, kind: str, seed: int, starts: Floats | None = None) -> Any:
    """Return a fitted mixture, each Gaussian with a covariance of its own ("full") or all alike ("tied").

    It starts from clusters: from single devices the tied kind stays in a poor optimum.
    """
    mixture = _gaussian_mixture()(
        number,
        covariance_type=kind,
        n_init=2 if starts is None else 1,
        reg_covar=1e-6,
        means_init=starts,
        random_state=seed,
    )
    # More threads than one make the clusters of some hundred rows slower, not faster.
    with threadpool_limits(1):
        return mixture.fit(shown)


def _choose(shown: Floats, options: FitOptions) -> Any:
    """Return the mixture whose number and kind of Gaussians has the smallest Bayesian criterion."""
    devices, size = shown.shape
    # A component of few devices has a likelihood without bound if its covariance is its own.
    fewest = {"full": size + 2, "tied": 5}
    best = _gaussians(shown, 1, "full", options.seed)
    for number in range(2, options.components + 1):
        for kind in fewest:
            mixture = _gaussians(shown, number, kind, options.seed)
            if mixture.weights_.min() * devices >= fewest[kind] and mixture.bic(shown) < best.bic(shown):
                best = mixture
    return best


def _mixture(found: Any, shown: Floats, spread: Floats, noise: Floats) -> tuple[Floats, Floats, Floats]:
    """Return weights, means and covariances of the devices, without the noise of finite cycles."""
    k = spread.shape[1]
    share = found.predict_proba(shown)
    tied = found.covariance_type == "tied"
    covariances = np.array([found.covariances_] * len(share.T) if tied else found.covariances_)
    for m in range(len(covariances)):
        # Of devices drawn with replacement none may be left to a component.
        row = share[:, m] + 1e-12
        row /= row.sum()
        # The noise of a location is that of a device of unit spread times the spread.
        factor = np.concatenate([np.sqrt(row @ spread**2), np.ones(k)])
        covariances[m] = without_noise(covariances[m], noise * factor * factor[:, None])
    order = np.argsort(-found.weights_)
    weights = found.weights_[order]
    return weights / weights.sum(), found.means_[order], covariances[order]


def _gaussian_mixture() -> Any:
    try:
        # scikit-learn, an extra that only fits need.
        from sklearn.mixture import GaussianMixture  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ImportError('fitting needs scikit-learn: pip install ".[fit]" in the clone') from None
    return GaussianMixture


def _intervals(observations: Observations, card: Card, options: FitOptions) -> dict[str, tuple[float, float]]:
    """Return intervals of every parameter from refits to resampled devices: Student's, but for shares."""
    random = np.random.default_rng([options.seed, 2])
    devices, cycles, _ = observations.values.shape
    shift = _standardising(card, cycles, options.seed)
    simulator = _Like(card, shift, _noise(card, cycles, options.seed))
    rows: list[dict[str, float]] = []
    for _ in range(options.bootstrap):
        resampled = observations.take(random.integers(0, devices, devices))
        try:
            refit = _fit_once(resampled, card.name, options, simulator)
        except (cycle_memory.MemoryFitError, np.linalg.LinAlgError, CardError):
            continue  # a few devices, drawn several times, may have no law of their own
        rows.append(parameters(refit, like=card))
    intervals: dict[str, tuple[float, float]] = {}
    if len(rows) < options.bootstrap / 2:
        return intervals
    parameters_now, spreads = parameters(card), {f"innovation {n} {n}" for n in card.names}
    for name in rows[0]:
        sample = np.array([row[name] for row in rows if name in row])
        is_spread = name.startswith("deviation") or name in spreads
        if (
            name.startswith("weight")
            or len(sample) < 2
            or (is_spread and min(parameters_now[name], *sample) <= 0)
        ):
            # Of n draws the i-th smallest has a share i/(n + 1) below it on average, not (i - 1)/(n - 1).
            low, high = np.quantile(sample, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], method="weibull")
        else:
            low, high = bootstrap_interval(parameters_now[name], sample, devices, positive=is_spread)
        intervals[name] = (float(low), float(high))
    return intervals


def parameters(card: Card, like: Card | None = None) -> dict[str, float]:
    """Return the parameters of a card by name, components in the order of another card.

    Of the mixture as a whole: ``mean`` and ``deviation`` of each location and ln(spread); of each component
    its weight and means; of the memory every coefficient and the covariance of the innovations.
    """
    names = [*(f"location {n}" for n in card.names), *(f"ln spread {n}" for n in card.names)]
    mean = card.weights @ card.means
    offsets = card.means - mean
    variance = card.weights @ (np.diagonal(card.covariances, axis1=1, axis2=2) + offsets**2)
    numbers = {f"mean {name}": float(value) for name, value in zip(names, mean, strict=True)}
    numbers |= {f"deviation {n}": float(v) for n, v in zip(names, np.sqrt(variance), strict=True)}
    order, place = range(len(card.weights)), range(len(card.weights))
    if like is not None:
        scale = np.sqrt(np.diagonal(like.covariances, axis1=1, axis2=2).mean(axis=0))
        distance = (((card.means[:, None] - like.means[None]) / scale) ** 2).sum(axis=2)
        order, place = linear_sum_assignment(distance)
    for i, j in zip(order, place, strict=True):
        numbers[f"weight {j + 1}"] = float(card.weights[i])
        numbers |= {f"mean {j + 1} {n}": float(v) for n, v in zip(names, card.means[i], strict=True)}
    for i, matrix in enumerate(card.coefficients):
        numbers |= _entries(f"memory {i + 1}", matrix, card.names)
    return numbers | _entries("innovation", card.innovation, card.names)


def _entries(name: str, matrix: Floats, names: tuple[str, ...]) -> dict[str, float]:
    return {
        f"{name} {row} {column}": float(matrix[i, j])
        for i, row in enumerate(names)
        for j, column in enumerate(names)
    }
