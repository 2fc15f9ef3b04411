"""Calibration: find the parameters of a simulator whose devices have the statistics of measured ones.

The other direction of a fit: a kinetic simulator has no likelihood and costs seconds to hours, so its
statistics are learnt as quadratics of the parameters from simulated designs (see `surface`), and the target
is compared with these in the metric of all errors: of the measured devices, of the simulated ones and of the
quadratic. Each round draws a smaller design around the posterior of the one before. The prior is even over
the range of each parameter. The misfit comes first: where it is large the simulator cannot show the target,
and the posterior says only which parameters are least wrong.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import f as f_law
from scipy.stats import qmc

from .. import checks
from ..typing import Floats, Index
from .posterior import Draws, sample
from .summaries import Summary, coarse, counts, summary
from .surface import Surface

Simulator = Callable[[Sequence[Mapping[str, float]], int], Floats]
"""Points and the number of the round (from 1) to numbers of devices, (points, members, cycles, features).

In transformed space, as the target; NaN: missing. A member must have the same random numbers in all points.
"""

Report = Callable[[str], None]

MOST = 6
"""Parameters at once; a quadratic of more asks for too many designs."""

COARSE, SIZE = 2**11, 2**12
"""Draws of a pass over the surface, of rounds before the last and of that."""

DRAWS = 2000
"""Draws of equal weight that are kept."""

EDGE, AT_EDGE = 0.05, 0.0125
"""A posterior with more than the second share in the outer part (first) of a range reaches its end.

An even one has four times as much there.
"""

NARROW = 0.9
"""Spread of the posterior over that of the prior above which the data say nothing of a parameter."""

FEWEST_MEMBERS, SPARE = 8, 3
"""Simulated devices of a design, at least; and how many more than statistics there must be."""


class CalibrationError(ValueError):
    """A target, a design or what it shows is not enough to calibrate with."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What is calibrated.

    Parameters
    ----------
    name : str
        As the simulator takes it, such as "vacancy.migration_barrier".
    low, high : float
        Range in which it is looked for, evenly.
    logarithmic : bool
        Whether to look, evenly, in its logarithm (rates, attempt frequencies).
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

    def place(self, value: Any) -> Any:
        """Return the place of a value, the inverse of :meth:`value`."""
        if self.logarithmic:
            return np.log(np.asarray(value) / self.low) / math.log(self.high / self.low)
        return (np.asarray(value) - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Result.

    Attributes
    ----------
    parameters : tuple of Parameter
    misfit, freedom, p_value : float, int, float
        Sum of squared standard deviations between target and simulator at the best point, statistics less
        parameters, and the probability of such a misfit if the simulator can show the target. A small one
        means that it cannot; NaN without freedom.
    best : mapping
        Of each parameter the value at the largest density; together they are one point of the posterior.
    intervals : mapping
        Of each parameter the central 95 % of the posterior; infinite where it reaches the end of the range.
    edges : mapping
        Of parameters whose posterior reaches an end of the range: "low", "high" or "both".
    untold : tuple of str
        Parameters whose posterior is as wide as the range: the data say nothing of them alone.
    statistics, lacking : tuple of str
        What was compared, and what the target does not have.
    coarse : tuple of str
        Features that are not compared, since more than half of the devices of some point have one value.
    target, fitted, errors : ndarray
        Of each statistic: target, surface at the best point, standard error of their difference.
    draws : ndarray of shape (DRAWS, p)
        Of the posterior, in units of the parameters.
    effective : float
        Effective number of draws from which these were taken.
    designs, shown : ndarray
        Values of the parameters (designs, p) and statistics (designs, statistics) of all rounds; NaN where
        the devices of a design do not show them.
    members : int
        Simulated devices of each design.
    cut : tuple of str
        Parameters whose posterior reaches the end of the last design but not of the range: go on with more
        rounds.
    flat : tuple of str
        Parameters no slope of which the designs tell from the noise of their members: taken to move nothing,
        which more members may change.
    kept : ndarray of shape (terms,)
        Fraction of each term of the quadratic that is no noise, see :class:`.surface.Surface`.
    density : Density
        Of the posterior, which samplers of other packages take.
    """

    parameters: tuple[Parameter, ...]
    misfit: float
    freedom: int
    p_value: float
    best: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    edges: Mapping[str, str]
    untold: tuple[str, ...]
    statistics: tuple[str, ...]
    lacking: tuple[str, ...]
    coarse: tuple[str, ...]
    target: Floats
    fitted: Floats
    errors: Floats
    draws: Floats
    effective: float
    designs: Floats
    shown: Floats
    members: int
    cut: tuple[str, ...]
    flat: tuple[str, ...]
    kept: Floats
    density: "Density"


@dataclass(frozen=True, slots=True)
class Density:
    """Density of a posterior, on the box of the last design.

    Parameters
    ----------
    surface : Surface
    aim : ndarray
        Statistics of the target.
    parameters : tuple of Parameter
    low, high : ndarray
        Corners of the box, as places from 0 to 1 in the ranges.
    """

    surface: Surface
    aim: Floats
    parameters: tuple[Parameter, ...]
    low: Floats
    high: Floats

    def of_places(self, places: Floats) -> Floats:
        """Return the logarithm of the likelihood at places (n, p) from 0 to 1, (n,)."""
        return self.surface.misfit(places, self.aim)[1]

    def log_prob(self, values: Any) -> Any:
        """Return the logarithm of the density at values in units of the parameters, up to a constant.

        Parameters
        ----------
        values : array_like
            (p,) or (n, p).

        Returns
        -------
        float or ndarray of shape (n,)
            Minus infinity outside of the box.

        Examples
        --------
        >>> emcee.EnsembleSampler(32, 2, found.density.log_prob, vectorize=True)  # doctest: +SKIP
        """
        rows = np.atleast_2d(np.asarray(values, float))
        with np.errstate(invalid="ignore", divide="ignore"):
            places = np.stack([q.place(rows[:, i]) for i, q in enumerate(self.parameters)], axis=1)
        level = np.full(len(rows), -np.inf)
        inside = np.all((places >= self.low) & (places <= self.high), axis=1)
        if inside.any():
            # The prior is even over places: over values of a logarithmic range it falls as 1/value.
            widths = [np.log(rows[inside, i]) for i, q in enumerate(self.parameters) if q.logarithmic]
            level[inside] = self.of_places(places[inside]) - np.sum(widths, axis=0)
        return float(level[0]) if np.ndim(values) == 1 else level

    def sample(self, size: int, seed: int) -> Draws:
        """Return draws, as places, from passes of so many."""
        return sample(self.of_places, self.low, self.high, size, seed)


def calibrate(
    simulator: Simulator,
    target: Floats,
    features: Sequence[str],
    parameters: Sequence[Parameter],
    *,
    rounds: int = 3,
    points: int | None = None,
    seed: int = 0,
    report: Report = lambda words: None,
) -> Calibration:
    """Find the parameters whose simulated devices have the statistics of the target.

    Parameters
    ----------
    simulator : callable
        See :data:`Simulator`. Points whose devices do not show the statistics of the target are left out.
    target : ndarray of shape (devices, cycles, features)
        In transformed space; one device of a few cycles suffices to start. From 8 devices on their spread is
        compared, from 3 cycles on that of cycles.
    features : sequence of str
        Names of the features.
    parameters : sequence of Parameter
        1 to :data:`MOST`, at most as many as there are statistics.
    rounds : int
        Designs, at least 1.
    points : int, optional
        Simulations of each round; default: twice the coefficients of a quadratic.
    seed : int
    report : callable, optional
        Called with a line on every round.

    Raises
    ------
    CalibrationError
        Too few statistics, members, or points whose devices show the features.
    """
    compared, aim, lacking = summary(features, target)
    p = len(parameters)
    checks.whole("number of parameters", p, 1, min(MOST, len(aim)), CalibrationError)
    least = (p + 1) * (p + 2) // 2 + 2
    number = 2 * (least - 2) if points is None else points
    checks.whole("points", number, least, 2**20, CalibrationError)
    checks.whole("rounds", rounds, 1, 100, CalibrationError)
    design = _Design(simulator, tuple(parameters), compared, seed)
    low, high = np.zeros(p), np.ones(p)
    for turn in range(1, rounds + 1):
        design.run(low, high, number, turn)
        aim = aim[design.leave_out_coarse()]
        compared = design.compared
        if len(aim) < p:
            raise CalibrationError(
                f"{p} parameters need as many statistics, {len(aim)} are left: most simulated devices show "
                f"one value of {', '.join(design.coarse)}; more samples of a phase read it in finer steps"
            )
        surface = Surface(*design.within(low, high), compared, counts(target), low, high, seed)
        density = Density(surface, aim, tuple(parameters), low, high)
        posterior = density.sample(SIZE if turn == rounds else COARSE, seed)
        misfit = float(surface.misfit(posterior.best[None], aim)[0][0])
        report(f"round {turn}: {_spoken(parameters, posterior.best)}, misfit {misfit:.3g}")
        if turn < rounds:
            low, high = _smaller(posterior)
    return _result(lacking, density, posterior, misfit, design)


def fewest_members(statistics: int) -> int:
    """Return how many devices a point must have, so that so many statistics have a covariance."""
    return max(FEWEST_MEMBERS, statistics + SPARE)


def _smaller(found: Draws) -> tuple[Floats, Floats]:
    """Return the box of the next design: the posterior and as much again, within the range."""
    bottom, top = found.quantile(0.001), found.quantile(0.999)
    half_width = np.maximum(0.75 * (top - bottom), 0.01)
    middle = 0.5 * (bottom + top)
    return np.maximum(middle - half_width, 0.0), np.minimum(middle + half_width, 1.0)


class _Design:
    """Simulated points: places in the unit cube, and what their devices show."""

    def __init__(
        self, simulator: Simulator, parameters: tuple[Parameter, ...], compared: Summary, seed: int
    ) -> None:
        self.simulator, self.parameters, self.compared, self.seed = simulator, parameters, compared, seed
        self.places: Floats = np.empty((0, len(parameters)))
        self.devices: list[Floats] = []
        self.coarse: list[str] = []

    def run(self, low: Floats, high: Floats, number: int, turn: int) -> None:
        """Simulate a design that fills a box."""
        sobol = qmc.Sobol(len(low), rng=np.random.default_rng([self.seed, turn]))
        # A power of two is what the sequence is balanced for; the rest is left out.
        places = low + (high - low) * sobol.random_base2(math.ceil(math.log2(number)))[:number]
        points = [
            {q.name: float(q.value(x)) for q, x in zip(self.parameters, place, strict=True)}
            for place in places
        ]
        statistics = self.simulator(points, turn)
        expected_shape = (number, statistics.shape[1], statistics.shape[2], len(self.compared.features))
        fewest = fewest_members(len(self.compared.names))
        if statistics.shape != expected_shape or statistics.shape[1] < fewest:
            raise CalibrationError(
                f"a simulator must show {number} points x at least {fewest} devices x cycles x "
                f"{expected_shape[3]} features, got shape {statistics.shape}"
            )
        self.places = np.concatenate([self.places, places])
        self.devices += list(self.compared.devices(statistics))

    def leave_out_coarse(self) -> Index:
        """Compare no feature that takes few values; return the places of the statistics that stay."""
        names = [self.compared.features[i] for i in coarse(np.array(self.devices))]
        self.coarse += [name for name in names if name not in self.coarse]
        self.compared, kept = self.compared.without(self.coarse)
        return kept

    @property
    def shown(self) -> Floats:
        """Statistics of every point (points, statistics)."""
        return self.compared.together(np.array(self.devices))

    def within(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Return places and devices of the points in a box whose devices show the statistics."""
        in_range = np.all((self.places >= low) & (self.places <= high), axis=1)
        in_range &= np.isfinite(self.shown).all(axis=1)
        size = (len(low) + 1) * (len(low) + 2) // 2
        if in_range.sum() < size + 2:
            raise CalibrationError(
                f"only {in_range.sum()} of {len(self.places)} simulated points show what was measured; "
                "narrow the ranges or simulate more devices"
            )
        return self.places[in_range], np.array(self.devices)[in_range]


def _result(
    lacking: tuple[str, ...],
    density: Density,
    found: Draws,
    misfit: float,
    design: _Design,
) -> Calibration:
    parameters, surface, aim, compared = density.parameters, density.surface, density.aim, design.compared
    box = (density.low, density.high)
    bounds = np.array([found.quantile(0.025), found.quantile(0.975)])
    spread = np.sqrt(found.share((found.places - found.share(found.places)) ** 2))
    best, intervals, edges, cut = {}, {}, {}, []
    for i, q in enumerate(parameters):
        best[q.name] = float(q.value(found.best[i]))
        ends = _ends(found, i)
        intervals[q.name] = (
            -math.inf if ends in ("low", "both") else float(q.value(bounds[0, i])),
            math.inf if ends in ("high", "both") else float(q.value(bounds[1, i])),
        )
        if ends:
            edges[q.name] = ends
        width = EDGE * (box[1][i] - box[0][i])
        outer = (found.places[:, i] < box[0][i] + width) & (box[0][i] > 0)
        outer |= (found.places[:, i] > box[1][i] - width) & (box[1][i] < 1)
        if found.share(outer) > AT_EDGE:
            cut.append(q.name)
    freedom = len(aim) - len(parameters)
    places = found.equal(DRAWS, design.seed)
    return Calibration(
        parameters=parameters,
        misfit=misfit,
        freedom=freedom,
        p_value=_p_value(misfit, freedom, surface.freedom),
        best=best,
        intervals=intervals,
        edges=edges,
        untold=tuple(q.name for q, s in zip(parameters, spread, strict=True) if s > NARROW / math.sqrt(12.0)),
        statistics=compared.names,
        lacking=lacking,
        coarse=tuple(design.coarse),
        target=aim,
        fitted=surface.mean(found.best[None])[0],
        errors=np.sqrt(np.diag(surface.covariance(found.best[None])[0])),
        draws=values_at(parameters, places),
        effective=found.effective,
        designs=values_at(parameters, design.places),
        shown=design.shown,
        members=design.devices[0].shape[0],
        cut=tuple(cut),
        flat=tuple(parameters[i].name for i in surface.flat()),
        kept=surface.kept,
        density=density,
    )


def _p_value(misfit: float, freedom: int, own: float) -> float:
    """Return the probability of a misfit as large, by Hotelling's law: covariances are from devices too."""
    if not freedom:
        return math.nan
    freedom_left = max(own - freedom + 1.0, 1.0)
    return float(f_law.sf(misfit * freedom_left / (own * freedom), freedom, freedom_left))


def _ends(found: Draws, i: int) -> str:
    """Return which ends of its range the posterior of a parameter reaches: "low", "high", "both" or ""."""
    low = found.share(found.places[:, i] < EDGE) > AT_EDGE
    high = found.share(found.places[:, i] > 1.0 - EDGE) > AT_EDGE
    return "both" if low and high else "low" if low else "high" if high else ""


def values_at(parameters: Sequence[Parameter], places: Floats) -> Floats:
    """Return the values of parameters at places (n, p) from 0 to 1."""
    return np.stack([q.value(places[:, i]) for i, q in enumerate(parameters)], axis=1)


def _spoken(parameters: Sequence[Parameter], place: Floats) -> str:
    return ", ".join(f"{q.name} {float(q.value(x)):.4g}" for q, x in zip(parameters, place, strict=True))
