"""Distributions fitted by maximum likelihood to samples with censored values.

Weibull, lognormal, normal and log-logistic are shifted and stretched copies of one standard distribution,
of the value or of its logarithm: F(x) = G((y - location) / scale), y = ln x or x. "clustering" is Weibull's
law with weak spots that come in clusters (negative binomial numbers of them),

    F = 1 - [1 + (x/scale)^shape / cluster]^-cluster,

which is Burr's distribution XII, and Weibull's for an infinite cluster parameter. Its use for the forming
and SET of oxide memory: N. Raghavan, Microelectron. Eng. (2017), 10.1016/j.mee.2017.05.007.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from ...checks import inside, one_of
from ...typing import Floats
from .censoring import Sample

RAYS = 64
"""Directions in which the edge of a likelihood region is searched: its extent is short by at most 0.12 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """A standard distribution G: logarithms of its density and of 1 - G, and its quantiles.

    ``logarithmic``: of ln x. ``names``: what location and scale are called. ``scipy``: the same in scipy.
    """

    density: Callable[[Floats], Floats]
    survival: Callable[[Floats], Floats]
    quantile: Callable[[Floats], Floats]
    logarithmic: bool
    names: tuple[str, ...]
    scipy: Any = None


def _gumbel_quantile(share: Floats) -> Floats:
    return np.asarray(np.log(-np.log1p(-share)))


def _normal_density(z: Floats) -> Floats:
    return np.asarray(-0.5 * (z**2 + np.log(2 * np.pi)))


_LOGNORMAL = Standard(
    density=_normal_density,
    survival=lambda z: special.log_ndtr(-z),
    quantile=special.ndtri,
    logarithmic=True,
    names=("median", "sigma"),
    scipy=stats.norm,
)

FAMILIES = {
    "weibull": Standard(
        density=lambda z: z - np.exp(z),
        survival=lambda z: -np.exp(z),
        quantile=_gumbel_quantile,
        logarithmic=True,
        names=("scale", "shape"),
        scipy=stats.gumbel_l,
    ),
    "lognormal": _LOGNORMAL,
    "normal": replace(_LOGNORMAL, logarithmic=False, names=("mean", "sigma")),
    "loglogistic": Standard(
        density=lambda z: special.log_expit(z) + special.log_expit(-z),
        survival=lambda z: special.log_expit(-z),
        quantile=special.logit,
        logarithmic=True,
        names=("median", "shape"),
        scipy=stats.logistic,
    ),
}


def _clustering(cluster: float) -> Standard:
    """Return the standard distribution of ln x with a cluster parameter."""
    if not cluster < 1e12:  # no longer told from Weibull's in double precision
        return FAMILIES["weibull"]

    def log1p(z: Floats) -> Floats:
        return np.asarray(np.logaddexp(0.0, z - np.log(cluster)))

    return Standard(
        density=lambda z: z - (cluster + 1) * log1p(z),
        survival=lambda z: -cluster * log1p(z),
        quantile=lambda share: np.log(cluster * np.expm1(-np.log1p(-share) / cluster)),
        logarithmic=True,
        names=("scale", "shape", "cluster"),
    )


NAMES = (*FAMILIES, "clustering")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fitted distribution.

    Parameters
    ----------
    family : str
        One of ``NAMES``.
    location, scale : float
        Of the value (normal) or of its logarithm.
    cluster : float
        Cluster parameter, above 0; inf for families without.
    covariance : (k, k) float64
        Of location, ln(scale) and, where it is finite, ln(cluster): inverse of the observed information.
    log_likelihood : float
        Densities are those of the value itself, so that families compare.
    sample : Sample
        What was fitted.
    """

    family: str
    location: float
    scale: float
    cluster: float
    covariance: Floats
    log_likelihood: float
    sample: Sample

    @property
    def aic(self) -> float:
        """Akaike's criterion, smaller is better."""
        return 2 * (3 if self.family == "clustering" else 2) - 2 * self.log_likelihood

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters under their usual names.

        Weibull: scale (value that 63.2 % of the devices lie below) and shape (slope); lognormal: median and
        sigma (of ln x); normal: mean and sigma; log-logistic: median and shape; clustering: scale, shape
        (slope of the body) and cluster.
        """
        values = _named(np.array([self.location, np.log(self.scale)]), self._standard)
        names = ("scale", "shape", "cluster") if self.family == "clustering" else self._standard.names
        return dict(zip(names, (*values, self.cluster), strict=False))

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Return the 95 % interval of each parameter.

        Profile likelihood: all values for which twice the log-likelihood lies less than chi-square's quantile
        (1 degree of freedom) below its maximum. For a finite cluster parameter from the observed information,
        of the logarithm of each parameter.
        """
        if len(self.covariance) == 2:
            bounds = [_named(point, self._standard) for point in self._region()]
            ends = zip(np.min(bounds, axis=0), np.max(bounds, axis=0), strict=True)
            intervals = {
                name: (float(a), float(b)) for name, (a, b) in zip(self.parameters, ends, strict=False)
            }
            return intervals if self.family != "clustering" else intervals | {"cluster": (np.nan, np.inf)}
        half_width = float(stats.norm.ppf(0.975)) * np.sqrt(np.diag(self.covariance))
        # ln(scale parameter), ln(shape) and ln(cluster) scatter as location, ln(scale) and ln(cluster) do.
        return {
            name: (float(value * np.exp(-width)), float(value * np.exp(width)))
            for (name, value), width in zip(self.parameters.items(), half_width, strict=True)
        }

    def cdf(self, value: ArrayLike) -> Floats:
        """Return the fraction of devices below a value."""
        x = np.asarray(value, float)
        with np.errstate(divide="ignore", over="ignore"):
            y = np.log(np.where(x > 0, x, 0)) if self._standard.logarithmic else x
            return np.asarray(-np.expm1(self._standard.survival((y - self.location) / self.scale)))

    def quantiles(self, share: ArrayLike) -> xr.Dataset:
        """Return the values that given fractions of the devices lie below, with their 95 % intervals.

        Profile likelihood as in :meth:`intervals` (at each share by itself, not for all together); for a
        finite cluster parameter from the observed information, of the logarithm of the value.

        Parameters
        ----------
        share : array_like
            Between 0 and 1.

        Returns
        -------
        xarray.Dataset
            Along ``share``: ``value``, ``low``, ``high``.
        """
        part = np.atleast_1d(np.asarray(share, float))
        inside("share", part, 0, 1)
        centre = self._quantile(self._point, part)
        if len(self.covariance) == 2:
            edge = np.array([self._quantile(point, part) for point in self._region()])
            low, high = edge.min(axis=0), edge.max(axis=0)
        else:
            half_width = float(stats.norm.ppf(0.975)) * self._error(part)
            low, high = centre - half_width, centre + half_width
        inverse = np.exp if self._standard.logarithmic else np.asarray
        columns = {"value": centre, "low": low, "high": high}
        return xr.Dataset({name: ("share", inverse(y)) for name, y in columns.items()}, {"share": part})

    def values(self, share: Floats) -> Floats:
        """Return the values that shares (between 0 and 1) of the devices lie below, without intervals."""
        y = self._quantile(self._point, share)
        return np.exp(y) if self._standard.logarithmic else y

    @property
    def _standard(self) -> Standard:
        return _clustering(self.cluster) if self.family == "clustering" else FAMILIES[self.family]

    @property
    def _point(self) -> Floats:
        point = [self.location, np.log(self.scale), np.log(self.cluster)]
        return np.array(point[: len(self.covariance)])

    def _quantile(self, point: Floats, share: Floats) -> Floats:
        standard = _clustering(np.exp(point[2])) if len(point) == 3 else self._standard
        return np.asarray(point[0] + np.exp(point[1]) * standard.quantile(share))

    def _error(self, share: Floats) -> Floats:
        """Return the standard errors of quantiles, by the delta method."""
        step = 1e-5
        slope = [
            (self._quantile(self._point + move, share) - self._quantile(self._point - move, share))
            / (2 * step)
            for move in step * np.eye(len(self.covariance))
        ]
        return np.asarray(np.sqrt(np.einsum("is,ij,js->s", slope, self.covariance, slope)))

    def _region(self) -> Floats:
        """Return points on the edge of the 95 % likelihood region of one parameter, (RAYS, 2)."""
        root, cost = np.linalg.cholesky(self.covariance), _cost(self.sample, self._standard)
        best = cost(self._point)
        drop = float(stats.chi2.ppf(0.95, 1)) / 2
        edge = []
        for angle in 2 * np.pi * np.arange(RAYS) / RAYS:
            ray = root @ np.array([np.cos(angle), np.sin(angle)])

            # Nearly linear in the square of the length, which a search by secants makes use of.
            def below(square: float, ray: Floats = ray) -> float:
                return cost(self._point + np.sqrt(square) * ray) - best - drop

            reach = 3 * drop
            while below(reach) < 0:
                reach *= 2
                if reach > 1e8:
                    raise ValueError(f"the likelihood of a {self.family} sample is flat: no interval exists")
            square = optimize.brentq(below, 0.0, reach, xtol=1e-4 * drop)
            edge.append(self._point + np.sqrt(square) * ray)
        return np.array(edge)


def fit(values: Any, family: str = "weibull") -> Fit:
    """Fit a distribution by maximum likelihood; values may be right-, left- or interval-censored.

    Parameters
    ----------
    values : array_like or Sample
        Above 0, except for "normal".
    family : str
        "weibull", "lognormal", "normal", "loglogistic" or "clustering".

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        Fewer than 2 different values that are not censored (3 for "clustering"), values not above 0, or a
        likelihood without maximum.

    Notes
    -----
    Complete samples are fitted by ``scipy.stats``. For censored values its general search stops at a relative
    1e-4 and gives neither likelihood nor covariance; there the likelihood here is maximised, to 1e-6 standard
    errors.
    """
    one_of("family", family, NAMES)
    sample = Sample.of(values)
    _check(sample, family)
    if family == "clustering":
        return _fit_clustering(sample)
    standard = FAMILIES[family]
    start = _start(sample, standard)
    optimum, covariance, log_likelihood = _maximise(_cost(sample, standard), start, sample)
    return Fit(
        family=family,
        location=float(optimum[0]),
        scale=float(np.exp(optimum[1])),
        cluster=np.inf,
        covariance=covariance,
        log_likelihood=log_likelihood,
        sample=sample,
    )


def compare(values: Any) -> xr.Dataset:
    """Fit the distributions of :data:`NAMES` and compare them by Akaike's criterion.

    Returns
    -------
    xarray.Dataset
        Along ``family``: ``log_likelihood``, ``aic`` and ``delta_aic`` (above the best).
    """
    sample = Sample.of(values)
    fits = [fit(sample, family) for family in NAMES]
    aic = np.array([fitted.aic for fitted in fits])
    columns = {
        "log_likelihood": [fitted.log_likelihood for fitted in fits],
        "aic": aic,
        "delta_aic": aic - aic.min(),
    }
    return xr.Dataset({name: ("family", column) for name, column in columns.items()}, {"family": list(NAMES)})


def clustering_test(values: Any) -> xr.Dataset:
    """Test Weibull's law against clustering.

    Returns
    -------
    xarray.Dataset
        Scalars: ``likelihood_ratio`` (twice the gain in log-likelihood), ``p_value`` (of such a ratio if
        Weibull's law holds; it lies at the edge of the clustering model, so that for many devices the ratio
        is 0 in half of the samples and chi-square with 1 degree of freedom in the others), ``delta_aic``
        (Weibull minus clustering; above 10 clustering is preferred), ``shape`` and ``cluster`` of the
        clustering model, ``weibull_shape``.
    """
    sample = Sample.of(values)
    plain, clustered = fit(sample, "weibull"), fit(sample, "clustering")
    ratio = 2 * (clustered.log_likelihood - plain.log_likelihood)
    return xr.Dataset(
        {
            "likelihood_ratio": ratio,
            "p_value": 0.5 * float(stats.chi2.sf(ratio, 1)) if ratio > 0 else 1.0,
            "delta_aic": plain.aic - clustered.aic,
            "shape": clustered.parameters["shape"],
            "cluster": clustered.cluster,
            "weibull_shape": plain.parameters["shape"],
        }
    )


def _fit_clustering(sample: Sample) -> Fit:
    plain = fit(sample, "weibull")
    begin = plain._point

    def cost(point: Floats) -> float:
        return _cost(sample, _clustering(float(np.exp(point[2]))))(point)

    # Clustering flattens the upper tail: Weibull's fit then has too low a slope to start from.
    starts = [np.r_[begin[0], begin[1] - step, np.log(size)] for step, size in ((0.0, 10.0), (0.4, 1.0))]
    optimum = min((_search(cost, start, sample) for start in starts), key=cost)
    # Weibull's law is the limit: past 1e4 the two laws differ by less than 1e-3 in ln(1 - F) at F = 99 %.
    if optimum[2] > np.log(1e4) or -cost(optimum) <= plain.log_likelihood:
        best_point, covariance, log_likelihood = begin, plain.covariance, plain.log_likelihood
    else:
        best_point, covariance, log_likelihood = _maximise(cost, optimum, sample)
    return Fit(
        family="clustering",
        location=float(best_point[0]),
        scale=float(np.exp(best_point[1])),
        cluster=float(np.exp(best_point[2])) if len(best_point) == 3 else np.inf,
        covariance=covariance,
        log_likelihood=log_likelihood,
        sample=sample,
    )


def _cost(sample: Sample, standard: Standard) -> Callable[[Floats], float]:
    """Return minus the log-likelihood as a function of location and ln(scale)."""
    exact = sample.exact
    values, low, high = sample.low[exact], sample.low[~exact], sample.high[~exact]
    offset = 0.0
    if standard.logarithmic:
        offset = float(np.log(values).sum())
        with np.errstate(divide="ignore"):  # a lower bound of 0 or below is none
            values, low, high = np.log(values), np.log(np.maximum(low, 0.0)), np.log(high)

    def cost(point: Floats) -> float:
        location, scale = point[0], np.exp(point[1])
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            total = float((standard.density((values - location) / scale) - point[1]).sum()) - offset
            if len(low):
                survival_low = standard.survival((low - location) / scale)
                survival_high = standard.survival((high - location) / scale)
                total += float((survival_low + np.log(-np.expm1(survival_high - survival_low))).sum())
        return -total if np.isfinite(total) else np.inf

    return cost


def _start(sample: Sample, standard: Standard) -> Floats:
    """Return location and ln(scale) to begin with: scipy's fit of complete samples, else from moments."""
    low, high = np.where(np.isfinite(sample.low), sample.low, sample.high), sample.high
    middle = np.where(np.isfinite(high), (low + high) / 2, low)
    if standard.logarithmic:
        middle = np.log(np.where(middle > 0, middle, sample.high))
    if np.all(sample.exact):
        location, scale = standard.scipy.fit(middle)
        return np.array([location, np.log(scale)])
    mean = float(middle.mean())
    spread = np.sqrt(np.mean((middle - mean) ** 2))
    # Bounds may share their middle, which is no spread to start from; the maximum does not depend on it.
    return np.array(
        [mean, np.log(spread if spread > 0 else np.ptp(sample.high[np.isfinite(sample.high)]) or 1.0)]
    )


def _search(cost: Callable[[Floats], float], start: Floats, sample: Sample) -> Floats:
    """Return the minimum of a cost, searched in units of the scale at the start."""
    unit = np.ones(len(start))
    unit[0] = np.exp(start[1])

    def scaled(move: Floats) -> float:
        # A step of the line search may leave all numbers behind; it then turns back.
        return min(cost(start + unit * move) / len(sample.low), 1e100)

    solution = optimize.minimize(
        scaled, np.zeros(len(start)), method="BFGS", jac="3-point", options={"gtol": 1e-8}
    )
    return np.asarray(start + unit * solution.x, float)


def _maximise(cost: Callable[[Floats], float], start: Floats, sample: Sample) -> tuple[Floats, Floats, float]:
    """Return the place of the maximum, the inverse of the information there, and the log-likelihood."""
    optimum = _search(cost, start, sample)
    step = 1e-4 * np.r_[np.exp(optimum[1]), np.ones(len(optimum) - 1)]
    moves = np.diag(step)
    gradient = np.array([(cost(optimum + m) - cost(optimum - m)) / 2 for m in moves]) / step
    second = np.array(
        [
            [
                cost(optimum + a + b) - cost(optimum + a - b) - cost(optimum - a + b) + cost(optimum - a - b)
                for b in moves
            ]
            for a in moves
        ]
    ) / (4 * np.outer(step, step))
    scaled = second * np.outer(step, step)
    if not np.all(np.isfinite(second)) or np.linalg.eigvalsh(scaled)[0] <= 0:
        raise ValueError("values must determine location and scale, got a likelihood without maximum")
    covariance = np.linalg.inv(scaled) * np.outer(step, step)
    if gradient @ covariance @ gradient > 1e-4:  # a hundredth of a standard error from the maximum
        raise ValueError("values must determine location and scale, got a likelihood without maximum")
    return optimum, np.asarray(covariance, float), -cost(optimum)


def _check(sample: Sample, family: str) -> None:
    if family != "normal":
        top = np.where(np.isinf(sample.high), sample.low, sample.high)
        if not np.all(top[~sample.right] > 0) or np.any(sample.low[sample.right] < 0):
            raise ValueError(f"values must be above 0 for {family}, got {top.min():g}")
    is_exact = np.isfinite(sample.low) & np.isfinite(sample.high)
    least = 3 if family == "clustering" else 2
    if not is_exact.any():
        raise ValueError(
            f"values must hold at least {least} that are not censored, got {len(is_exact)} censored"
        )
    different = len(np.unique(np.stack([sample.low[is_exact], sample.high[is_exact]]), axis=1).T)
    if different < least:
        raise ValueError(
            f"values must hold at least {least} different ones that are not censored for {family}, got "
            f"{different} (of {len(sample.low)} devices)"
        )
    common, end = float(sample.low.max()), float(sample.high.min())
    if common <= end:
        raise ValueError(
            f"values must not all be consistent with one number, whose scale would be 0, got bounds that all "
            f"include {common:g} to {end:g}"
        )


def _named(point: Floats, standard: Standard) -> tuple[float, float]:
    """Return location and scale under the meaning of the family's names."""
    location, scale = float(point[0]), float(np.exp(point[1]))
    first = float(np.exp(location)) if standard.logarithmic else location
    return first, 1 / scale if "shape" in standard.names else scale
