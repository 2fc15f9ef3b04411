"""Bakes with few reads: when a device failed is known between two reads alone, or not at all.

Of a thermally activated time ln t = ln t0 + E/kT + s e (e: a standard normal, or minus Gumbel's) the fraction
of devices that has failed at a read is G(ln t / s - ln t0 / s - (E/s)/kT). One read at each temperature, at
the same time, knows E/s and no more; the likelihood of intervals says what is known of the rest.

Where shares scatter about that law by more than devices drawn at random do, each temperature has a deviation
of its own (another chip, another batch, a law that is not quite this), and intervals are as wide as that
scatter says: the deviance over its degrees of freedom is the heterogeneity of D. J. Finney, Probit Analysis
(1947, recalled), by which variances are multiplied, and t stands in the place of the normal law.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from ...checks import one_of, positive
from ...typing import Floats
from ...units import BOLTZMANN_EV

HALF_CHI = float(stats.chi2.ppf(0.95, 1)) / 2
"""By how much a log-likelihood may lie below its maximum within a 95 % interval."""

DOUBTED = 0.05
"""Probability of the misfit below which intervals are widened by it."""

WIDEST = 1e3
"""Spread s of ln t beyond which, and E in eV beyond which, nothing is looked for."""

SPAN = 2.0
"""Latest over earliest read below which an activation energy is not told from its spread."""

ALIKE = 1e-3
"""Differences of ln t below which reads count as one."""

STANDARD = {"lognormal": stats.norm, "weibull": stats.gumbel_l}
"""Standard law of ln t of each family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeFit:
    """What bakes with few reads tell of an activation energy.

    Parameters
    ----------
    family : str
        "lognormal" or "weibull".
    devices, failed : ndarray
        Of each temperature, (n,), and those that had failed at their last read.
    kelvin : ndarray
        (n,), K.
    ratio, ratio_interval : float, (float, float)
        E/s (eV), the activation energy in units of the spread of ln t: identified by one read.
    energy, energy_interval : float, (float, float)
        E (eV); NaN, and bounds that are infinite, where the data do not tell.
    spread, spread_interval : float, (float, float)
        s, the spread of ln t; likewise.
    misfit : float
        Probability of a deviance at least as large, if the law is right: fractions of each temperature and
        read against those of the fit; NaN without degrees of freedom.
    heterogeneity : float
        Deviance over its degrees of freedom, by which the variances of all intervals were multiplied where
        the misfit is below :data:`DOUBTED`; else 1.
    span : float
        Latest over earliest read after the first.
    """

    family: str
    kelvin: Floats
    devices: Floats
    failed: Floats
    ratio: float
    ratio_interval: tuple[float, float]
    energy: float
    energy_interval: tuple[float, float]
    spread: float
    spread_interval: tuple[float, float]
    misfit: float
    heterogeneity: float
    span: float

    @property
    def identified(self) -> bool:
        """Whether the data bound the activation energy itself from both sides, by reads at different times.

        Reads within a factor of :data:`SPAN` bound it by the exact shape of the law alone.
        """
        return bool(np.all(np.isfinite(self.energy_interval))) and self.span >= SPAN


def fit_intervals(kelvin: ArrayLike, low: ArrayLike, high: ArrayLike, family: str = "lognormal") -> BakeFit:
    """Fit an activation energy to times of failure that lie between two reads.

    Parameters
    ----------
    kelvin : (n,) array_like
        Temperature at which each device rested (K), above 0.
    low, high : (n,) array_like
        Time of the last read at which it had not failed (s; 0: the first), and of the first at which it had
        (inf: it has not).
    family : str
        "lognormal" or "weibull".

    Raises
    ------
    ValueError
        Fewer than 2 temperatures, or no device failed, or all did at every temperature.
    """
    one_of("family", family, tuple(STANDARD))
    t, a, b = (np.asarray(x, float) for x in (kelvin, low, high))
    positive("temperature", t, "K")
    if np.any(~(a >= 0) | ~(b > a)):
        raise ValueError("times of reads must be at least 0 s and ascend")
    close = _joined(np.concatenate([a, b])).reshape(2, -1)
    rows, weight = np.unique(np.stack([1.0 / (BOLTZMANN_EV * t), *close]), axis=1, return_counts=True)
    failed = np.isfinite(rows[2])
    if len(np.unique(rows[0])) < 2:
        raise ValueError("an activation energy needs bakes at 2 temperatures at least, got 1")
    if not failed.any() or (failed.all() and np.all(rows[1] == 0) and len(np.unique(rows[2])) == 1):
        raise ValueError("an activation energy needs devices that failed and devices that did not")
    return _Problem(rows, weight.astype(float), family).solve(t, np.isfinite(b))


def _joined(time: Floats) -> Floats:
    """Return times of which those that differ by less than :data:`ALIKE` are one."""
    joined = time.copy()
    positive = np.flatnonzero((time > 0) & np.isfinite(time))
    order = positive[np.argsort(time[positive])]
    for group in np.split(order, np.flatnonzero(np.diff(np.log(time[order])) > ALIKE) + 1):
        joined[group] = np.median(time[group]) if len(group) else 0.0
    return joined


def _doubt(deviance: float, degrees: int) -> tuple[float, float, float]:
    """Return the probability of a deviance, its heterogeneity, and the drop of a log-likelihood at 95 %."""
    if degrees < 1:
        return np.nan, 1.0, HALF_CHI
    misfit = float(stats.chi2.sf(deviance, degrees))
    if misfit >= DOUBTED:
        return misfit, 1.0, HALF_CHI
    heterogeneity = deviance / degrees
    return misfit, heterogeneity, 0.5 * heterogeneity * float(stats.f.ppf(0.95, 1, degrees))


class _Problem:
    """The likelihood of s ln t - c - b/kT, concave in all three (their s is 1/spread)."""

    def __init__(self, rows: Floats, weight: Floats, family: str) -> None:
        self.x, low, high = rows
        self.weight, self.family, self.law = weight, family, STANDARD[family]
        with np.errstate(divide="ignore"):
            self.low, self.high = np.log(low), np.log(high)
        finite = np.concatenate([self.low, self.high])
        finite = finite[np.isfinite(finite)]
        self.middle, self.centre = float(finite.mean()), float(np.average(self.x, weights=weight))
        self.one_time = bool(np.ptp(finite) < 1e-9)
        self.span = float(np.exp(np.ptp(finite)))
        self.start = np.array([0.0, 0.0, 0.5])
        """ln s, c, b from which a search begins."""

    def value(self, s: float, c: float, b: float) -> float:
        """Return minus the log-likelihood."""
        location = c + b * (self.x - self.centre)
        with np.errstate(invalid="ignore"):
            z = [np.where(np.isfinite(t), s * (t - self.middle), t) - location for t in (self.low, self.high)]
        # Both ends in one call: the checks of `scipy.stats` take longer than the law.
        below, above = self.law.cdf(z)
        share = above - below
        # In the far tail on the right the difference is that of the survivors.
        below, above = self.law.sf(z)
        other = below - above
        return -float(self.weight @ np.log(np.maximum(np.maximum(share, other), 1e-300)))

    def best(
        self, s: float | None = None, *, energy: float | None = None, ratio: float | None = None
    ) -> Floats:
        """Return s, c, b of the largest likelihood with one of them, or E = b/s, held; and minus its log."""

        def full(p: Floats) -> tuple[float, float, float]:
            width = s if s is not None else float(np.exp(np.clip(p[0], -12, 12)))
            slope = width * energy if energy is not None else ratio if ratio is not None else float(p[2])
            return width, float(p[1]), float(slope)

        solution: Any = optimize.minimize(
            lambda p: self.value(*full(p)), self.start, method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 4000, "maxfev": 4000},
        )  # fmt: skip
        return np.array([*full(solution.x), solution.fun])

    def solve(self, kelvin: Floats, failed: Floats) -> BakeFit:
        fixed_width = 1.0 if self.one_time else None
        for _ in range(3):  # a simplex may stall
            s, c, b, least = self.best(fixed_width)
            self.start = np.array([np.log(s), c, b])
        # Of each temperature one share less than there are intervals is free.
        degrees = len(self.x) - len(np.unique(kelvin)) - (2 if self.one_time else 3)
        misfit, heterogeneity, drop = _doubt(2.0 * float(least - self.saturated()), degrees)
        bound: float = float(least) + drop

        def edge(name: str, value: float, far: float) -> float:
            """Return where the profile of a parameter leaves the interval on the way to a far value."""

            def above(one: float) -> float:
                fixed = {"s": fixed_width} if name == "ratio" and fixed_width else {}
                return float(self.best(**fixed, **{name: one})[3]) - bound

            if above(far) < 0:
                return np.inf if far > value else -np.inf
            return float(optimize.brentq(above, value, far, rtol=1e-4))

        ratio = (edge("ratio", b, b - 20.0), edge("ratio", b, b + 20.0))
        energy = spread = np.nan
        energies = spreads = (-np.inf, np.inf)
        if not self.one_time:
            energy, spread = b / s, 1.0 / s
            energies = (edge("energy", energy, -WIDEST), edge("energy", energy, WIDEST))
            least_shape, most_shape = edge("s", s, 1.0 / WIDEST), edge("s", s, 1e3 * s)
            spreads = (
                0.0 if np.isinf(most_shape) else 1.0 / most_shape,
                np.inf if np.isinf(least_shape) else 1.0 / least_shape,
            )
        levels = np.unique(kelvin)
        return BakeFit(
            family=self.family, kelvin=levels,
            devices=np.array([np.sum(kelvin == level) for level in levels], float),
            failed=np.array([np.sum(failed[kelvin == level]) for level in levels], float),
            ratio=float(b), ratio_interval=ratio, energy=float(energy), energy_interval=energies,
            spread=float(spread), spread_interval=spreads,
            misfit=misfit, heterogeneity=heterogeneity, span=self.span,
        )  # fmt: skip

    def saturated(self) -> float:
        """Return minus the log-likelihood of fractions of their own for each temperature."""
        total = 0.0
        for x in np.unique(self.x):
            weights = self.weight[self.x == x]
            total -= float(weights @ np.log(weights / weights.sum()))
        return total
