"""Published behavioural models of drift and relaxation, to compare simulations with.

They state what a conductance does, not why; constants are those of the public code named at each, fitted
there to measurements.
"""

import numpy as np
from numpy.typing import ArrayLike

from frenkel.typing import Floats


def pcm_exponent(relative: ArrayLike) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the drift exponent of phase-change memory.

    Parameters
    ----------
    relative : array_like
        Conductance over the largest one, above 0.

    Notes
    -----
    aihwkit, ``inference/noise/pcm.py`` (after S. R. Nandakumar et al., ICECS 2019):
    mean = clip(-0.0155 ln g + 0.0244, 0.049, 0.1), deviation = clip(-0.0125 ln g - 0.0059, 0.008, 0.045).
    """
    log = np.log(np.asarray(relative, float))
    return np.clip(-0.0155 * log + 0.0244, 0.049, 0.1), np.clip(-0.0125 * log - 0.0059, 0.008, 0.045)


def pcm_drift(
    conductance: ArrayLike, time: ArrayLike, seed: int, *, largest: float = 25e-6, noise: bool = True
) -> Floats:
    """Draw the drift of phase-change cells, G (t/20 s)^-nu, with 1/f read noise.

    Parameters
    ----------
    conductance : (n_devices,) array_like
        Programmed conductance (S), above 0.
    time : (n_times,) array_like
        Time after programming (s), above 0.
    seed : int
    largest : float
        Largest conductance (S).
    noise : bool
        Add read noise: relative deviation min(0.0088 g^-0.65, 0.2) sqrt(ln((t + tr)/(2 tr))), tr = 250 ns.

    Returns
    -------
    (n_devices, n_times) float64
        S.
    """
    random = np.random.default_rng(seed)
    g, t = np.asarray(conductance, float)[:, None], np.asarray(time, float)
    mean, deviation = pcm_exponent(g / largest)
    exponent = np.abs(mean + deviation * random.standard_normal(g.shape))
    drifted = g * (t / 20.0) ** -exponent
    if not noise:
        return np.asarray(drifted)
    read = 250e-9
    share = np.minimum(0.0088 * (g / largest) ** -0.65, 0.2)
    deviation = share * np.sqrt(np.log((t + read) / (2 * read)))
    return np.asarray(drifted * (1 + deviation * random.standard_normal(drifted.shape)))


def cmo_hfox_relaxation(conductance: ArrayLike, time: ArrayLike, seed: int, *, common: float = 0.8) -> Floats:
    """Draw the relaxation of CMO/HfOx cells: mean and deviation of the shift linear in ln t, whatever G is.

    Shift -0.0890 ln t uS, deviation 0.412 + 0.0420 ln t uS (t in s): aihwkit, ``ReRamCMONoiseModel``; D. F.
    Falcone et al., arXiv 2502.04524. The models give no correlation between times.

    Parameters
    ----------
    conductance : (n_devices,) array_like
        Programmed conductance (S).
    time : (n_times,) array_like
        Time after programming (s), at least 1.
    seed : int
    common : float
        Correlation of a device's deviations at two times, 0 to 1; chosen.

    Returns
    -------
    (n_devices, n_times) float64
        S.
    """
    random = np.random.default_rng(seed)
    g, log = np.asarray(conductance, float)[:, None], np.log(np.asarray(time, float))
    lasting, fresh = random.standard_normal(g.shape), random.standard_normal((len(g), len(log)))
    deviate = np.sqrt(common) * lasting + np.sqrt(1 - common) * fresh
    return np.asarray(g + 1e-6 * (-0.0890 * log + (0.412 + 0.0420 * log) * deviate))


NEURRAM_LEVELS = np.array([0.0, 5.0, 10.0, 20.0, 30.0, 40.0])
NEURRAM_TIMES = np.array([1.0, 86400.0, 172800.0])
NEURRAM_SPREAD = np.array(
    [
        [0.35, 1.75, 2.26, 2.02, 1.53, 1.10],
        [0.70, 2.76, 3.72, 3.91, 3.37, 2.65],
        [0.78, 2.71, 3.66, 3.93, 3.37, 2.68],
    ]
)
"""Standard deviation (uS) of TiN/HfOx/TaOx cells at 1 s, 1 d and 2 d over levels (uS): aihwkit's fit
(``reram.py``) to extended data figure 3 of W. Wan et al., Nature 608, 504 (2022)."""


def neurram_relaxation(conductance: ArrayLike, seed: int) -> Floats:
    """Draw the conductance of cells 1 s, 1 d and 2 d after programming: a spread that depends on the level.

    Parameters
    ----------
    conductance : (n_devices,) array_like
        Programmed conductance (S), 0 to 40 uS.
    seed : int

    Returns
    -------
    (n_devices, 3) float64
        S; without mean shift, one deviate per device (chosen: the model gives no correlation between times).
    """
    g = np.asarray(conductance, float)
    if g.min() < 0 or g.max() > 40.0001e-6:
        raise ValueError(f"conductance must be from 0 to 40 uS, got {g.min():g} to {g.max():g} S")
    deviate = np.random.default_rng(seed).standard_normal(len(g))
    spread = np.stack([np.interp(g * 1e6, NEURRAM_LEVELS, row) for row in NEURRAM_SPREAD], 1)
    return np.asarray(g[:, None] + 1e-6 * spread * deviate[:, None])
