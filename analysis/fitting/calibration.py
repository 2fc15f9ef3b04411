"""Calibration: find the parameters of a simulator whose devices have the statistics of measured ones.

The other direction of a fit: a kinetic simulator has no likelihood and costs minutes, so its statistics are
learnt as a quadratic function of the parameters from simulated designs (a response surface), and the target
is compared with that, in the metric of all errors: of the measured devices, of the simulated ones and of the
quadratic. Each round draws a smaller design around the best point of the one before. Intervals follow from
the curvature of the misfit, and its size says whether the simulator can show the target at all.

Method: G. E. P. Box and K. B. Wilson, J. R. Stat. Soc. B 13, 1 (1951) (response surfaces); S. N. Wood, Nature
466, 1102 (2010), 10.1038/nature09319 (synthetic likelihood of summary statistics).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import chi2, norm, qmc

from ...typing import Floats
from .observations import ObservationError, Observations

Simulator = Callable[[Mapping[str, float], int], Observations]
"""Values of the parameters and a seed to observations of simulated devices, features as in the target."""

RESAMPLES = 200
"""Resamplings of the devices, for the errors of their statistics."""

STARTS = 12
"""Points from which the best one is looked for."""

FEWEST = 8
"""Devices without which a spread has no error."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What is calibrated.

    Parameters
    ----------
    name : str
        As the simulator takes it, such as "vacancy.migration_energy".
    low, high : float
        Range in which it is looked for.
    logarithmic : bool
        Whether to look in its logarithm (rates, attempt frequencies).
    """

    name: str
    low: float
    high: float
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"range of {self.name} must ascend, got {self.low:g} to {self.high:g}")
        if self.logarithmic and not self.low > 0:
            raise ValueError(f"range of {self.name} must be above 0 for a logarithm, got {self.low:g}")

    def value(self, place: Any) -> Any:
        """Return the value at a place from 0 (low) to 1 (high)."""
        if self.logarithmic:
            return self.low * (self.high / self.low) ** np.asarray(place)
        return self.low + (self.high - self.low) * np.asarray(place)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Result.

    Parameters
    ----------
    values, intervals : mapping
        Of each parameter the best value and its 95 % interval; an interval that reaches the end of a range is
        open there.
    at_edge : tuple of str
        Parameters whose interval reaches the end of the range.
    misfit, p_value : float
        Sum of squared standard deviations between target and simulator, and its probability if the simulator
        can show the target. A small one means that it cannot.
    statistics : tuple of str
        What was compared.
    target, fitted, errors : ndarray
        Of each statistic: target, surface at the best point, standard error of their difference.
    simulations : int
        How many were run.
    """

    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    at_edge: tuple[str, ...]
    misfit: float
    p_value: float
    statistics: tuple[str, ...]
    target: Floats
    fitted: Floats
    errors: Floats
    simulations: int


def statistics(observations: Observations) -> tuple[tuple[str, ...], Floats]:
    """Return the statistics of devices that are compared, in transformed space.

    Of each feature: the mean over devices of their means, ln of the standard deviation of these means, and,
    with at least three cycles, the mean of ln of the standard deviation within a device.
    """
    values = observations.values
    found = _numbers(values)
    if not np.all(np.isfinite(found)):
        raise ObservationError(
            f"the statistics of {observations.origin} are not finite: a feature has too few values, "
            "or the same in every device"
        )
    kinds = ["mean", "ln spread of devices"] + (["ln spread of cycles"] if values.shape[1] >= 3 else [])
    return tuple(f"{kind} of {name}" for kind in kinds for name in observations.names), found


def _numbers(values: Floats) -> Floats:
    """Return the statistics of devices, (..., devices, cycles, k) to (..., statistics)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.isfinite(values)
        count = known.sum(axis=-2)
        filled = np.where(known, values, 0.0)
        level = np.where(count > 0, filled.sum(axis=-2) / np.maximum(count, 1), np.nan)
        rows = [_mean(level), 0.5 * np.log(_mean((level - _mean(level)[..., None, :]) ** 2))]
        if values.shape[-2] >= 3:
            rest = np.where(known, values - level[..., None, :], 0.0)
            spread = (rest**2).sum(axis=-2) / np.maximum(count - 1, 1)
            rows.append(_mean(np.where((count > 1) & (spread > 0), 0.5 * np.log(spread), np.nan)))
    return np.concatenate(rows, axis=-1)


def _mean(levels: Floats) -> Floats:
    """Return the mean over devices that have a value, (..., devices, k) to (..., k)."""
    known = np.isfinite(levels)
    found: Floats = np.where(known, levels, 0.0).sum(axis=-2) / known.sum(axis=-2)
    return found


def errors(observations: Observations, seed: int) -> Floats:
    """Return the covariance of the statistics, from devices drawn with replacement."""
    devices = len(observations.values)
    if devices < FEWEST:
        raise ObservationError(f"a calibration needs at least {FEWEST} devices, got {devices}")
    rows = np.random.default_rng(seed).integers(0, devices, (RESAMPLES, devices))
    drawn = _numbers(observations.values[rows])
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    found: Floats = np.atleast_2d(np.cov(drawn.T)) * devices / (devices - 1)
    return found


def calibrate(
    simulator: Simulator,
    target: Observations,
    parameters: Sequence[Parameter],
    *,
    rounds: int = 3,
    points: int | None = None,
    seed: int = 0,
    report: Callable[[str], None] | None = None,
) -> Calibration:
    """Find the parameters whose simulated devices have the statistics of the target.

    Parameters
    ----------
    simulator : callable
        See :data:`Simulator`. Points whose simulation raises ObservationError (devices that never switch) are
        left out.
    target : Observations
        At least :data:`FEWEST` devices.
    parameters : sequence of Parameter
        At most as many as there are statistics.
    rounds : int
        Designs, at least 1.
    points : int, optional
        Simulations of each round; default: twice the coefficients of a quadratic.
    seed : int
    report : callable, optional
        Called with a line on every round.

    Raises
    ------
    ObservationError
        Too few devices, or too few points whose devices have the features.
    """
    names, aim = statistics(target)
    p = len(parameters)
    if not 1 <= p <= len(names):
        raise ValueError(f"parameters must be from 1 to {len(names)}, the number of statistics, got {p}")
    size = (p + 1) * (p + 2) // 2
    number = points if points is not None else 2 * size
    if number < size + 2 or rounds < 1:
        raise ValueError(f"points must be at least {size + 2} and rounds 1, got {number} and {rounds}")
    about = errors(target, seed)
    design = _Design(simulator, target.names, tuple(parameters), seed)
    low, high = np.zeros(p), np.ones(p)
    for r in range(rounds):
        design.run(low, high, number, r)
        points_within = design.within(low, high)
        # Few devices hide rare ones, which the simulated devices of all points have shown.
        simulated = points_within[2].mean(axis=0) * float(np.mean(design.devices)) / len(target.values)
        best = _best(points_within, aim, _no_less(about, simulated), low, high, seed)
        if report is not None:
            report(f"round {r + 1}: {_spoken(parameters, best.place)}, misfit {best.misfit:.3g}")
        # The next design spans four errors on each side, within the range that was given.
        half = np.minimum(4.0 * best.deviation, 0.5 * (high - low))
        low, high = np.maximum(best.place - half, 0.0), np.minimum(best.place + half, 1.0)
    return _result(best, parameters, names, aim, len(design.places))


class _Design:
    """Simulated points: places in the unit cube, their statistics and the errors of these."""

    def __init__(
        self, simulator: Simulator, names: tuple[str, ...], parameters: tuple[Parameter, ...], seed: int
    ) -> None:
        self.simulator, self.names, self.parameters, self.seed = simulator, names, parameters, seed
        self.places: list[Floats] = []
        self.found: list[Floats] = []
        self.noise: list[Floats] = []
        self.devices: list[int] = []

    def run(self, low: Floats, high: Floats, number: int, turn: int) -> None:
        sobol = qmc.Sobol(len(low), rng=np.random.default_rng([self.seed, turn]))
        # A power of two is what the sequence is balanced for; the rest is left out.
        places = sobol.random_base2(math.ceil(math.log2(number)))[:number]
        for place in low + (high - low) * places:
            values = {q.name: float(q.value(x)) for q, x in zip(self.parameters, place, strict=True)}
            try:
                shown = self.simulator(values, self.seed + len(self.places))
                _same(self.names, shown.names)
                found, noise = statistics(shown)[1], errors(shown, self.seed)
                self.devices.append(len(shown.values))
            except ObservationError:
                found, noise = np.array([np.nan]), np.array([[np.nan]])
            self.places.append(place)
            self.found.append(found)
            self.noise.append(noise)

    def within(self, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the points in a box whose devices have the features."""
        inside = [
            i
            for i, place in enumerate(self.places)
            if np.all(place >= low) and np.all(place <= high) and np.all(np.isfinite(self.found[i]))
        ]
        size = (len(low) + 1) * (len(low) + 2) // 2
        if len(inside) < size + 2:
            raise ObservationError(
                f"only {len(inside)} of {len(self.places)} simulated points show the features of the target; "
                "narrow the ranges or simulate more devices"
            )
        places, found, noise = ([rows[i] for i in inside] for rows in (self.places, self.found, self.noise))
        return np.array(places), np.array(found), np.array(noise)


def _same(wanted: tuple[str, ...], shown: tuple[str, ...]) -> None:
    if shown != wanted:
        raise ValueError(f"the simulator must show {', '.join(wanted)}, got {', '.join(shown)}")


@dataclass(frozen=True, slots=True)
class _Best:
    place: Floats
    deviation: Floats
    misfit: float
    fitted: Floats
    errors: Floats


def _terms(places: Floats) -> Floats:
    """Return the terms of a quadratic at places (n, p)."""
    i, j = np.triu_indices(places.shape[1])
    return np.concatenate([np.ones((len(places), 1)), places, places[:, i] * places[:, j]], axis=1)


def _best(
    points: tuple[Floats, Floats, Floats], aim: Floats, about: Floats, low: Floats, high: Floats, seed: int
) -> _Best:
    """Return the place where the surface is nearest to the target."""
    places, found, noise = points
    centre, scale = 0.5 * (low + high), 0.5 * (high - low)
    rows = _terms((places - centre) / scale)
    inverse = np.linalg.pinv(rows)
    surface = inverse @ found
    spare = len(rows) - rows.shape[1]
    rest = found - rows @ surface
    scatter = _no_less(rest.T @ rest / spare, noise.mean(axis=0))

    def uncertainty(place: Floats) -> Floats:
        leverage = float(np.sum((_terms(((place - centre) / scale)[None]) @ inverse) ** 2))
        return about + leverage * scatter

    metric = np.linalg.cholesky(np.linalg.inv(uncertainty(centre)))

    def miss(place: Floats) -> Floats:
        found: Floats = (_terms(((place - centre) / scale)[None])[0] @ surface - aim) @ metric
        return found

    best: Any = None
    starts = low + (high - low) * np.random.default_rng([seed, 9]).random((STARTS, len(low)))
    for _ in range(3):
        # The leverage depends on the place: the metric is taken at the best one, and it is looked for again.
        tries = [least_squares(miss, start, bounds=(low, high)) for start in starts]
        best = min(tries, key=lambda t: float(t.cost))
        metric = np.linalg.cholesky(np.linalg.inv(uncertainty(best.x)))
        starts = best.x[None]
    step = 1e-4 * (high - low)
    slopes = np.array([(miss(best.x + d) - miss(best.x - d)) / (2 * d.sum()) for d in np.diag(step)])
    curvature = slopes @ slopes.T
    return _Best(
        place=best.x,
        deviation=np.sqrt(np.diag(np.linalg.pinv(curvature))),
        misfit=2.0 * float(best.cost),
        fitted=_terms(((best.x - centre) / scale)[None])[0] @ surface,
        errors=np.sqrt(np.diag(uncertainty(best.x))),
    )


def _no_less(scatter: Floats, devices: Floats) -> Floats:
    """Return a covariance that in no direction is less than another one, that of simulated devices.

    A few rows scatter less by chance in some direction, most of all where statistics are correlated.
    """
    root = np.linalg.cholesky(devices)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ scatter @ inverse.T)
    found: Floats = root @ (vectors * np.maximum(values, 1.0)) @ vectors.T @ root.T
    return found


def _result(
    best: _Best, parameters: Sequence[Parameter], names: tuple[str, ...], aim: Floats, simulations: int
) -> Calibration:
    half = float(norm.ppf(0.975)) * best.deviation
    values, intervals, edge = {}, {}, []
    for q, x, h in zip(parameters, best.place, half, strict=True):
        values[q.name] = float(q.value(x))
        bounds = [
            float(q.value(x - h)) if x - h > 0 else -math.inf,
            float(q.value(x + h)) if x + h < 1 else math.inf,
        ]
        intervals[q.name] = (bounds[0], bounds[1])
        if not all(map(math.isfinite, bounds)):
            edge.append(q.name)
    freedom = len(names) - len(parameters)
    return Calibration(
        values=values,
        intervals=intervals,
        at_edge=tuple(edge),
        misfit=best.misfit,
        p_value=float(chi2.sf(best.misfit, freedom)) if freedom else math.nan,
        statistics=names,
        target=aim,
        fitted=best.fitted,
        errors=best.errors,
        simulations=simulations,
    )


def _spoken(parameters: Sequence[Parameter], place: Floats) -> str:
    return ", ".join(f"{q.name} {float(q.value(x)):.4g}" for q, x in zip(parameters, place, strict=True))
