"""Relaxation as a law continuous in the conductance: knots in ln(G), fitted to all readings at once.

Location and spread of the shift are linear between knots in ln(G), as cards interpolate them, and over ln t
the location is linear, and so is either the spread or the variance: the variance where readings favour
it by two standard errors over devices (Q. H. Vuong, Econometrica 57, 307 (1989), 10.2307/1912557, recalled),
since those of one device are alike; else the spread, which predicts more. Readings count by a t of 4 degrees
of freedom, since a few cells of real arrays jump. The spread is then scaled at each knot to half of the
middle 68 %, whatever the tails are, and the shape of what is left becomes a table.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

from ...cells.noise import GROWTHS, RelaxationLaw, RelaxationState, deviation, interpolate, on_line
from ...typing import Floats
from .observations import ObservationError

TAILS = 4.0
"""Degrees of freedom by which readings count."""

APART = 2.0
"""Standard errors by which the variance must be the better law to be taken."""

MOST_KNOTS, PER_KNOT = 16, 50
"""Knots at most, and devices that each needs."""

KNOT = "knot"
"""Begins the names of knots among the states of a law."""

SHAPE_KNOTS = 21
"""Points of the table of a relaxation that is not Gaussian."""

TABLE_FROM = 400
"""Devices from which on the shape of a relaxation is a table and not a Gaussian."""


@dataclass(frozen=True, slots=True)
class Continuous:
    """Result.

    Parameters
    ----------
    law : RelaxationLaw
        Its states are the knots.
    aic : dict of str to float
        Akaike's criterion of each growth, readings taken as independent.
    told : float
        By how many standard errors over devices the variance is better than the spread (below 0: worse).
    """

    law: RelaxationLaw
    aic: dict[str, float]
    told: float


def fit(
    start: Floats,
    time: Floats,
    shift: Floats,
    *,
    scale: str = "linear",
    temperature: float = 300.0,
) -> Continuous:
    """Fit a law continuous in the conductance.

    Parameters
    ----------
    start : ndarray of shape (devices,)
        Conductance just after programming (S), above 0.
    time : ndarray of shape (times,) or (devices, times)
        After programming (s), above 0.
    shift : ndarray of shape (devices, times)
        Of G (S) with the scale "linear", of ln(G) with "log"; NaN: not read.
    scale : {"linear", "log"}
    temperature : float
        Of the reads (K).

    Raises
    ------
    ObservationError
        Too few devices or times, or all of one conductance.
    """
    if len(start) < 2 * PER_KNOT or shift.shape[1] < 2:
        raise ObservationError(
            f"a law continuous in the conductance needs at least {2 * PER_KNOT} devices read twice, got "
            f"{len(start)} read {shift.shape[1]} times"
        )
    times = np.broadcast_to(time, shift.shape)
    finite = np.isfinite(shift) & np.isfinite(times)
    first, last = (float(f(np.nanmedian(np.where(finite, times, np.nan), axis=0))) for f in (np.min, np.max))
    places = _knots(start)
    readings = _Readings(start, times, shift, finite, places, first, last)
    fits = {growth: readings.best(growth) for growth in GROWTHS}
    aic = {growth: 2.0 * (cost + len(fitted)) for growth, (fitted, cost) in fits.items()}
    better = readings.by_device(fits["spread"][0], "spread") - readings.by_device(
        fits["variance"][0], "variance"
    )
    evidence = float(better.sum() / max(better.std() * np.sqrt(len(better)), 1e-300))
    # Beyond the readings the spread grows more: where they do not tell, the cautious law.
    growth = "variance" if evidence > APART else "spread"
    numbers = readings.scaled(fits[growth][0], growth)
    inner = np.full(shift.shape, np.nan)
    inner[finite] = readings.standard(numbers, growth)
    complete = inner[np.isfinite(inner).all(axis=1)]
    scores, quantiles = shape(complete)
    law = RelaxationLaw(
        states=readings.states(numbers, growth),
        scale=scale,
        reference=first,
        times=(first, last),
        growth=growth,
        forgetting=forgetting(
            complete, np.log(np.nanmedian(np.where(finite, times, np.nan), axis=0) / first)
        ),
        scores=scores,
        quantiles=quantiles,
        temperature=temperature,
    )
    return Continuous(law, aic, evidence)


def continuous(law: RelaxationLaw) -> bool:
    """Return whether the states of a law are knots of one that is continuous in the conductance."""
    return all(state.name.startswith(KNOT) for state in law.states)


def _knots(start: Floats) -> Floats:
    """Return ln of conductances with as many devices between each two, from the 2 % to the 98 % quantile."""
    if not np.all(start > 0):
        raise ObservationError(f"the conductance at the start must be above 0 S, got {start.min():g} S")
    number = min(MOST_KNOTS, len(start) // PER_KNOT)
    knots = np.unique(np.quantile(np.log(start), np.linspace(0.02, 0.98, number)))
    if len(knots) < 2:
        raise ObservationError("the devices must differ in their conductance at the start, S")
    return knots


class _Readings:
    """All readings, with the fraction of each knot in them and their place in ln t (0 first, 1 last)."""

    def __init__(
        self,
        start: Floats,
        time: Floats,
        shift: Floats,
        known: NDArray[np.bool_],
        places: Floats,
        first: float,
        last: float,
    ) -> None:
        self.places, self.span = places, float(np.log(last / first))
        self.rows = rows = np.nonzero(known)[0]
        interpolated = interpolate(places, start[rows], np.arange(len(places)))
        below = np.minimum(interpolated.astype(int), len(places) - 2)
        self.share = np.zeros((len(rows), len(places)))
        self.share[np.arange(len(rows)), below] = 1.0 - (interpolated - below)
        self.share[np.arange(len(rows)), below + 1] = interpolated - below
        self.x = np.log(time[known] / first) / self.span
        self.unit = float(np.median(np.abs(shift[known]))) or 1.0
        self.shift = shift[known] / self.unit

    def parts(self, found: Floats, growth: str) -> tuple[Floats, Floats]:
        """Return location and spread of every reading."""
        a, b, p, q = found.reshape(4, -1)
        x = self.x
        power = 2.0 if growth == "variance" else 1.0
        location, width = (
            on_line((self.share @ first, self.share @ (last - first)), x)
            for first, last in ((a, b), (np.exp(power * p), np.exp(power * q)))
        )
        return location, deviation(np.maximum(width, 1e-12), growth)

    def by_device(self, found: Floats, growth: str) -> Floats:
        """Return the negative logarithm of the likelihood of each device."""
        location, width = self.parts(found, growth)
        cost: Floats = np.bincount(self.rows, _cost(self.shift - location, width)).astype(float)
        return cost

    def cost(self, found: Floats, growth: str) -> tuple[float, Floats]:
        """Return the negative logarithm of the likelihood, and its slopes."""
        location, width = self.parts(found, growth)
        residual = self.shift - location
        total = TAILS * width**2 + residual**2
        cost = float(np.sum(_cost(residual, width)))
        by_location = -(TAILS + 1.0) * residual / total
        by_width = 1.0 / width - (TAILS + 1.0) * residual**2 / (width * total)
        power = 2.0 if growth == "variance" else 1.0
        by_power = by_width * width ** (1.0 - power) / power
        _, _, p, q = found.reshape(4, -1)
        x = self.x
        slopes = [
            (by_location * (1.0 - x)) @ self.share,
            (by_location * x) @ self.share,
            (by_power * (1.0 - x)) @ self.share * power * np.exp(power * p),
            (by_power * x) @ self.share * power * np.exp(power * q),
        ]
        return cost, np.concatenate(slopes)

    def best(self, growth: str) -> tuple[Floats, float]:
        """Return the numbers of the knots with the largest likelihood, and its negative logarithm."""
        first = np.zeros(4 * len(self.places))
        solution = minimize(
            self.cost, first, (growth,), jac=True, method="L-BFGS-B", bounds=[(-50.0, 50.0)] * len(first)
        )
        return np.asarray(solution.x), float(solution.fun)

    def standard(self, found: Floats, growth: str) -> Floats:
        """Return every reading less its location, over its spread."""
        location, width = self.parts(found, growth)
        residual: Floats = (self.shift - location) / width
        return residual

    def scaled(self, found: Floats, growth: str) -> Floats:
        """Return the numbers with the spread at each knot such that the middle 68 % of readings lie in it."""
        residual = self.standard(found, growth)
        order = np.argsort(residual)
        total = np.cumsum(self.share[order], axis=0)
        ends = [
            [residual[order][np.searchsorted(column, part * column[-1])] for part in norm.cdf([-1.0, 1.0])]
            for column in total.T
        ]
        units = 0.5 * np.diff(np.array(ends), axis=1)[:, 0]
        a, b, p, q = found.reshape(4, -1)
        return np.concatenate([a, b, p + np.log(units), q + np.log(units)])

    def states(self, found: Floats, growth: str) -> tuple[RelaxationState, ...]:
        """Return the knots as states of a law."""
        a, b, p, q = found.reshape(4, -1)
        power = 2.0 if growth == "variance" else 1.0
        ends = [(self.unit * np.exp(edge)) ** power for edge in (p, q)]
        return tuple(
            RelaxationState(
                name=f"{KNOT} {k + 1}",
                conductance=float(np.exp(self.places[k])),
                location=(float(self.unit * a[k]), float(self.unit * (b[k] - a[k]) / self.span)),
                spread=(float(ends[0][k]), float((ends[1][k] - ends[0][k]) / self.span)),
            )
            for k in range(len(self.places))
        )


def _cost(rest: Floats, width: Floats) -> Floats:
    """Return the negative logarithm of the density of readings, but for a constant."""
    cost: Floats = np.log(width) + 0.5 * (TAILS + 1.0) * np.log(TAILS + (rest / width) ** 2)
    return cost


def shape(inner: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return scores and quantiles of standardised residuals; empty: too few to tell from a Gaussian."""
    # One per device and time, but a device's are alike: its devices count.
    if len(inner) < TABLE_FROM:
        return (), ()
    furthest = float(norm.ppf(1.0 - 5.0 / len(inner)))
    scores = np.linspace(-furthest, furthest, SHAPE_KNOTS)
    table = np.maximum.accumulate(np.quantile(inner, norm.cdf(scores)))
    return tuple(scores.tolist()), tuple(table.tolist())


def forgetting(inner: Floats, u: Floats) -> float:
    """Return f of exp(-f |du|), by least squares of the correlations of all pairs of times."""
    correlation = np.atleast_2d(np.corrcoef(inner.T))
    early, late = np.triu_indices(len(u), 1)
    distance, correlated = u[late] - u[early], correlation[early, late]
    if np.any(correlated <= 0):
        # A pair without correlation has no logarithm: it is far beyond the length, and the near ones decide.
        distance, correlated = distance[correlated > 0], correlated[correlated > 0]
    if not correlated.size:
        raise ObservationError("the ranks of the devices have no correlation from one time to the next")
    return max(0.0, -float(distance @ np.log(correlated)) / float(distance @ distance))
