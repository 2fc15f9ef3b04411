"""What a simulator shows as a function of its parameters: quadratics of statistics, and how sure they are.

Every design is simulated with the same members, whose random numbers are the same in all designs. So members,
not designs, are what repeats independently: drawing them with replacement, together in all designs, gives the
error of the surface whatever the common random numbers do (a bootstrap by cluster).

Covariances come from few members, and are too small in some direction by chance. So the likelihood is the t
that follows when the covariance itself is drawn (Wishart), with as many degrees of freedom as there are
members that differ: those of another design count in so far as they are not the same. Its power is the one
with which intervals hold the truth as often as they say.

A surface of noise has slopes, too, and with many statistics their squares add up: a number that hardly moves
anything seems to be told. So each term of the quadratic is made smaller, in all statistics together, by the
fraction of its size that is noise (James and Stein).

Method: G. E. P. Box and K. B. Wilson, J. R. Stat. Soc. B 13, 1 (1951) (response surfaces); S. N. Wood, Nature
466, 1102 (2010), 10.1038/nature09319 (synthetic likelihood of summary statistics); E. Sellentin and A. F.
Heavens, MNRAS 456, L132 (2016), 10.1093/mnrasl/slv190 (covariance from simulations; recalled);
W. J. Percival et al., MNRAS 510, 3207 (2022), 10.1093/mnras/stab3540 (the power; recalled); W. James and
C. Stein, Proc. 4th Berkeley Symp. 1, 361 (1961) (smaller terms; recalled);
M. Pourahmadi, Biometrika 86, 677 (1999), 10.1093/biomet/86.3.677 (covariances as free numbers; recalled).
"""

import numpy as np
from scipy.special import digamma

from ..typing import Floats, Index
from .summaries import Summary

SURFACES = 64
"""Drawings of members, each of which gives a surface."""

FEWEST_MORE = 4.0
"""Degrees of freedom more than statistics from which on the power of the likelihood is known."""

TARGETS = 400
"""Drawings of as many devices as were measured, for the errors of their statistics."""

HIDES = 0.1
"""Fraction of the error of a statistic above which the noise of a term may hide what a parameter moves."""

CHUNK = 2048
"""Places that are looked at together."""


class Surface:
    """Statistics of a simulator over a box of parameters.

    Parameters
    ----------
    places : ndarray of shape (designs, p)
        In the unit cube.
    devices : ndarray of shape (designs, members, 2 k)
        What `Summary.devices` returns.
    summary : Summary
    target : int or ndarray of shape (k,)
        Number of measured devices, of all features or of each.
    low, high : ndarray of shape (p,)
        Corners of the box.
    seed : int

    Attributes
    ----------
    kept : ndarray of shape (terms,)
        Share that is left of each term of the quadratic but the constant: of the parameters, then of their
        products, in the order of ``numpy.triu_indices``. 0: not told from noise. 1 where the noise is too
        small to matter, whatever is left.
    """

    def __init__(
        self,
        places: Floats,
        devices: Floats,
        summary: Summary,
        target: int | Index,
        low: Floats,
        high: Floats,
        seed: int,
    ) -> None:
        self.centre, self.scale = 0.5 * (low + high), 0.5 * (high - low)
        self.basis = np.eye((len(low) + 1) * (len(low) + 2) // 2)
        self.basis = np.linalg.inv(np.linalg.qr(self._terms(places)).R)
        rows = self._terms(places)
        random = np.random.default_rng(seed)
        members = devices.shape[1]
        resampled = random.integers(0, members, (SURFACES, members))
        statistics, resampled_statistics = summary.together(devices), summary.together(devices[:, resampled])
        is_finite = np.isfinite(resampled_statistics).all(axis=(0, 2))
        resampled_statistics = resampled_statistics[:, is_finite].transpose(1, 0, 2)
        self.coefficients = rows.T @ statistics
        self.drawn = rows.T @ resampled_statistics - self.coefficients
        # A drawing scatters by (members - 1)/members less than the members themselves.
        self.drawn *= np.sqrt(members / (members - 1))
        self.freedom = _freedom(devices[:, :, : len(summary.features)])
        drawn = random.integers(0, members, (len(rows), TARGETS, int(np.max(target))))
        self._noise(rows, summary, devices, drawn, np.broadcast_to(target, len(summary.features)))
        spare = len(rows) - rows.shape[1]
        residuals, rests = (
            statistics - rows @ self.coefficients,
            resampled_statistics - rows @ (rows.T @ resampled_statistics),
        )
        scatter = residuals.T @ residuals / spare
        # What members scatter is in the rests of drawings twice, what the quadratic misses once.
        missed = 2.0 * scatter - np.einsum("bnk,bnl->kl", rests, rests) / (len(rests) * spare)
        self.missed = _at_least_zero(missed, scatter)
        errors = np.sqrt(np.diagonal(self.covariance(self.centre[None])[0]))
        self.kept = self._shrink(members - 1.0, np.abs(rows).max(axis=0)[:, None] / (HIDES * errors))

    def _shrink(self, freedom: float, weight: Floats) -> Floats:
        """Reduce each term but the constant by the fraction of its size over all statistics that is noise.

        What is left is the mean of the posterior where terms come from a normal law whose width is that of
        this term over the statistics, and its errors are smaller by the root of the same share. One or two
        statistics do not tell such a width, and stay as they are. Returns the shares;
        noise that is below 1 times its weight (terms, statistics) hides nothing.
        """
        shares = np.ones(len(self.basis) - 1)
        freedom = 1.0 / (1.0 / freedom + 1.0 / (len(self.drawn) - 1.0))
        for j in range(1, len(self.basis)):
            noise = np.atleast_2d(np.cov(self.drawn[:, j].T)) + self.missed
            number = len(noise)
            size = self.coefficients[j] @ np.linalg.pinv(noise, hermitian=True) @ self.coefficients[j]
            size *= max(freedom - number - 1.0, 1.0) / freedom
            noisy = max(number - 2.0, 0.0)
            kept = 1.0 if noisy == 0.0 else max(0.0, 1.0 - noisy / size) if size > 0.0 else 0.0
            self.coefficients[j] *= kept
            self.drawn[:, j] *= np.sqrt(kept)
            if np.any(np.sqrt(np.diagonal(noise)) * weight[j] > 1.0):
                shares[j - 1] = kept
        return shares

    def flat(self) -> tuple[int, ...]:
        """Return the parameters no term of which is told from noise."""
        p = len(self.centre)
        i, j = np.triu_indices(p)
        coefficients = [np.concatenate([np.arange(p) == k, (i == k) | (j == k)]) for k in range(p)]
        return tuple(k for k in range(p) if not self.kept[coefficients[k]].any())

    def _terms(self, places: Floats) -> Floats:
        """Return the terms of a quadratic at places (n, p), orthonormal over the designs."""
        x = (places - self.centre) / self.scale
        i, j = np.triu_indices(x.shape[1])
        terms: Floats = np.concatenate([np.ones((len(x), 1)), x, x[:, i] * x[:, j]], axis=1)
        return terms @ self.basis

    def _noise(self, rows: Floats, summary: Summary, devices: Floats, drawn: Index, counts: Index) -> None:
        """Take the errors of as many devices as were measured, each design's own, as functions of the place.

        Each statistic is what the ones before it say, linearly, and a rest of its own: slopes and logarithms
        of rests are free numbers, and any values of them are a covariance (modified Cholesky). Each is the
        same everywhere, linear, or a quadratic, as the designs bear out.
        """
        freedom = devices.shape[1] - 1 - np.arange(len(summary.names))
        slopes, logs = [], []
        lacking = np.arange(drawn.shape[-1])[:, None] >= np.tile(counts, 2)
        for design, rows_drawn in zip(devices, drawn, strict=True):
            statistics = summary.together(np.where(lacking, np.nan, design[rows_drawn]))
            root = np.linalg.cholesky(
                np.atleast_2d(np.cov(statistics[np.isfinite(statistics).all(axis=1)].T))
            )
            roots = np.diag(root)
            slopes.append(np.linalg.inv(root / roots))
            # The rest of few members is too small by what was fitted to them.
            logs.append(2.0 * np.log(roots) + np.log(0.5 * (freedom[0] + 1)) - digamma(0.5 * freedom))
        size = (rows.shape[1], *slopes[0].shape)
        self.slopes = _borne_out(rows, np.array(slopes).reshape(len(rows), -1), len(self.centre)).reshape(
            size
        )
        self.logs = _borne_out(rows, np.array(logs), len(self.centre))

    def mean(self, places: Floats) -> Floats:
        """Return the statistics at places, (n, p) to (n, statistics)."""
        statistics: Floats = self._terms(places) @ self.coefficients
        return statistics

    def covariance(self, places: Floats) -> Floats:
        """Return the covariance of target less surface at places, (n, p) to (n, statistics, statistics).

        Of the measured devices, of the simulated ones, and what the quadratic misses.
        """
        rows = self._terms(places)
        leverage = np.sum(rows**2, axis=1)
        uncertainty = rows @ self.drawn  # (drawings, n, statistics)
        covariance: Floats = np.einsum("bnk,bnl->nkl", uncertainty, uncertainty, optimize=True) / len(
            uncertainty
        )
        root = np.linalg.inv(np.einsum("nq,qkl->nkl", rows, self.slopes))
        root = root * np.exp(0.5 * (rows @ self.logs))[:, None, :]
        covariance += root @ root.transpose(0, 2, 1)
        covariance += (1.0 + leverage)[:, None, None] * self.missed
        return covariance

    def misfit(self, places: Floats, aim: Floats) -> tuple[Floats, Floats]:
        """Return the misfit of a target at places, and the logarithm of its likelihood, both (n,).

        The misfit is the sum of squared standard deviations between target and surface; the likelihood is
        that of a t with ``freedom`` degrees of freedom.
        """
        misfit, likelihood = np.empty(len(places)), np.empty(len(places))
        for begin in range(0, len(places), CHUNK):
            part = slice(begin, begin + CHUNK)
            root = np.linalg.cholesky(self.covariance(places[part]))
            residuals = np.linalg.solve(root, (aim - self.mean(places[part]))[:, :, None])[:, :, 0]
            misfit[part] = np.sum(residuals**2, axis=1)
            size = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
            likelihood[part] = -0.5 * self.power * np.log1p(misfit[part] / self.freedom) - size
        return misfit, likelihood

    @property
    def power(self) -> float:
        """Twice the power of the t with which intervals hold a truth as often as they say.

        That of the t itself, ``freedom + 1``, is too large where a covariance of few devices is inverted.
        """
        n, p = self.coefficients.shape[1], len(self.centre)
        excess = self.freedom - n
        if excess <= FEWEST_MORE:
            return self.freedom + 1.0
        b = (n - p) * (excess - 1.0) / (excess * (excess - 3.0))
        return float(p + 2.0 + (self.freedom + b) / (1.0 + b))


def _borne_out(rows: Floats, values: Floats, parameters: int) -> Floats:
    """Return coefficients of columns of values (designs, n): as many as pay by Akaike's criterion AICc."""
    designs, whole = rows.shape
    coefficients, least = np.zeros((whole, values.shape[1])), np.full(values.shape[1], np.inf)
    for size in (1, 1 + parameters, whole):
        spare = designs - size - 2
        if spare < 1:
            break
        fitted = np.linalg.pinv(rows[:, :size]) @ values
        variance = np.maximum(np.mean((values - rows[:, :size] @ fitted) ** 2, axis=0), 1e-300)
        score = designs * np.log(variance) + 2.0 * (size + 1) * designs / spare
        better = score < least
        coefficients[:, better], least[better] = 0.0, score[better]
        coefficients[:size, better] = fitted[:, better]
    return coefficients


def _freedom(levels: Floats) -> float:
    """Return the degrees of freedom of covariances from devices (designs, members, k) of all designs.

    Members less 1 where all designs show the same, so many for each design where they show nothing in common.
    """
    designs, members, _ = levels.shape
    finite = np.isfinite(levels)
    count = np.maximum(finite.sum(axis=1, keepdims=True), 1)
    filled = np.where(finite, levels, 0.0)
    centred = np.where(finite, levels - filled.sum(axis=1, keepdims=True) / count, 0.0)
    power = (centred**2).sum(axis=1, keepdims=True) / count
    # What is missing stands at the mean of its design. The variance over members of the mean over designs is
    # (1 + (designs - 1) r) / designs.
    common = float(np.mean((centred / np.sqrt(np.where(power > 0, power, 1.0))).mean(axis=0) ** 2))
    r = min(max((designs * common - 1.0) / (designs - 1.0), 0.0), 1.0)
    return float((members - 1) * designs / (1.0 + (designs - 1) * r**2))


def _at_least_zero(missed: Floats, scatter: Floats) -> Floats:
    """Return a covariance less its negative directions, in the metric of another one."""
    root = np.linalg.cholesky(scatter + 1e-12 * np.diag(np.diag(scatter)) + 1e-300 * np.eye(len(scatter)))
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ missed @ inverse.T)
    covariance: Floats = root @ (vectors * np.maximum(values, 0.0)) @ vectors.T @ root.T
    return covariance
