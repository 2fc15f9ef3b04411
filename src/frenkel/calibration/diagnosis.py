"""Whether a posterior was drawn well, and whether its devices look as the measured ones do.

Chains are runs of the importance sampling with seeds of their own. Potential scale reduction (R-hat):
A. Gelman and D. B. Rubin, Stat. Sci. 7, 457 (1992), 10.1214/ss/1177011136 (recalled). Posterior predictive p:
A. Gelman, X.-L. Meng and H. Stern, Stat. Sin. 6, 733 (1996) (recalled).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..typing import Floats
from .rounds import SIZE, Calibration, values_at

if TYPE_CHECKING:
    import xarray as xr

CHAINS, DRAWS = 4, 500
"""Runs, and draws of equal weight that are kept of each."""

AGREE = 1.01
"""R-hat above which runs disagree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Diagnostics of a posterior.

    Attributes
    ----------
    chains : ndarray of shape (chains, draws, p)
        In units of the parameters.
    effective : ndarray of shape (chains,)
        Effective draws of each run.
    r_hat : ndarray of shape (p,)
        Of each parameter, 1 where runs agree.
    replicated : ndarray of shape (chains, draws, statistics)
        Statistics of as many devices as were measured, drawn with the parameters of each draw.
    p_values : ndarray of shape (statistics,)
        Fraction of replicated values below the measured one.
    p_value : float
        Fraction of draws whose replicated misfit is at least that of the measured devices.
    """

    chains: Floats
    effective: Floats
    r_hat: Floats
    replicated: Floats
    p_values: Floats
    p_value: float


def diagnose(found: Calibration, seed: int = 0) -> Diagnosis:
    """Return the diagnostics of a calibration, from :data:`CHAINS` runs with seeds after this one."""
    density = found.density
    runs = [density.sample(SIZE, seed + 1 + k) for k in range(CHAINS)]
    places = np.stack([run.equal(DRAWS, seed) for run in runs])
    values = np.stack([values_at(found.parameters, one) for one in places])
    flat = places.reshape(CHAINS * DRAWS, -1)
    root = np.linalg.cholesky(density.surface.covariance(flat))
    random = np.random.default_rng([seed, 23])
    scale = np.sqrt(density.surface.freedom / random.chisquare(density.surface.freedom, len(flat)))
    scores = random.standard_normal(root.shape[:2]) * scale[:, None]
    replicated = density.surface.mean(flat) + np.einsum("nkl,nl->nk", root, scores)
    measured = density.surface.misfit(flat, density.aim)[0]
    return Diagnosis(
        chains=values,
        effective=np.array([run.effective for run in runs]),
        r_hat=_r_hat(places),
        replicated=replicated.reshape(CHAINS, DRAWS, -1),
        p_values=np.mean(replicated < density.aim, axis=0),
        p_value=float(np.mean(np.sum(scores**2, axis=1) >= measured)),
    )


def _r_hat(places: Floats) -> Floats:
    """Return the potential scale reduction of each parameter from (chains, draws, p)."""
    draws = places.shape[1]
    within = places.var(axis=1, ddof=1).mean(axis=0)
    between = places.mean(axis=1).var(axis=0, ddof=1)
    ratio: Floats = np.sqrt((draws - 1) / draws + between / np.where(within > 0, within, np.inf))
    return ratio


def inference_data(found: Calibration, diagnosis: Diagnosis) -> "xr.DataTree":
    """Return posterior, posterior predictive and observed statistics in the groups that ArviZ reads.

    ``arviz.from_netcdf`` opens the file that ``to_netcdf`` of the tree writes. Parameters are in their units,
    resistances in ln of ohm.
    """
    import xarray as xr  # xarray, and only files of results need it

    names = [q.name for q in found.parameters]
    coordinates = {"chain": np.arange(len(diagnosis.chains)), "draw": np.arange(diagnosis.chains.shape[1])}
    statistics = {"statistic": list(found.statistics)}
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {name: (("chain", "draw"), diagnosis.chains[..., i]) for i, name in enumerate(names)},
                coordinates,
            ),
            "posterior_predictive": xr.Dataset(
                {"statistics": (("chain", "draw", "statistic"), diagnosis.replicated)},
                coordinates | statistics,
            ),
            "observed_data": xr.Dataset({"statistics": ("statistic", found.target)}, statistics),
        }
    )


def sentences(found: Calibration, diagnosis: Diagnosis) -> list[str]:
    """Return what the diagnostics say, in plain text."""
    worst = int(np.argmax(diagnosis.r_hat))
    lines = [
        f"{len(diagnosis.chains)} runs of the sampler: effective draws {diagnosis.effective.min():.0f} to "
        f"{diagnosis.effective.max():.0f}, R-hat at most {diagnosis.r_hat[worst]:.3f}"
    ]
    if diagnosis.r_hat[worst] > AGREE:
        lines.append(f"{found.parameters[worst].name}: runs of the sampler disagree; its interval is rough")
    lines.append(f"posterior predictive p of the misfit {diagnosis.p_value:.2g}")
    for name, p in zip(found.statistics, diagnosis.p_values, strict=True):
        tail = min(p, 1.0 - p)
        if tail < 0.005:
            side = "above" if p > 0.5 else "below"
            lines.append(f"{name}: measured {side} {max(p, 1.0 - p):.1%} of what the posterior predicts")
    return lines
