"""What waits at a constant voltage tell: states kept, bakes, relaxation after programming, noise of reads."""

import numpy as np
from scipy import stats

from frenkel.analysis.reliability.bakes import fit_intervals

LEAST_LOST, MOST_LOST = 0.2, 0.8
"""Fractions of states that a bake has lost at its end."""


def median_wait(times, waited):
    """Return the median time (s) of Kaplan and Meier, infinite where fewer than half are known to have ended.

    Parameters
    ----------
    times, waited : (n,) array
        When each wait ended, NaN where it did not while it was followed, and how long it was followed (s).
    """
    known = np.isfinite(times)
    if not known.any():
        return np.inf
    curve = stats.ecdf(stats.CensoredData(uncensored=times[known], right=waited[~known])).sf
    below = np.flatnonzero(curve.probabilities <= 0.5)
    return float(curve.quantiles[below[0]]) if len(below) else np.inf


def counted(lost, until):
    """Return how many states are known to have lasted until a time (s), to be lost by then, and neither.

    Parameters
    ----------
    lost : Sample
        Times at which states were lost (s).
    until : float
    """
    stayed, gone = int(np.sum(lost.low >= until)), int(np.sum(lost.high <= until))
    return stayed, gone, len(lost.low) - stayed - gone


def bake(lost):
    """End a bake at the last reading at which at most `MOST_LOST` of the states were lost.

    Parameters
    ----------
    lost : Sample
        Times (s) at which states were lost at one temperature.

    Returns
    -------
    (low, high) : tuple of (n,) array, or None
        Bounds of the times, as of `fit_intervals`; None where fewer than `LEAST_LOST` are lost by then.
    """
    reads = np.unique(lost.high[np.isfinite(lost.high)])
    share = np.array([np.mean(lost.high <= read) for read in reads])
    if not np.any(share <= MOST_LOST):
        return None
    end = reads[share <= MOST_LOST][-1]
    if np.mean(lost.high <= end) < LEAST_LOST:
        return None
    later = lost.high > end
    return np.where(later, np.minimum(lost.low, end), lost.low), np.where(later, np.inf, lost.high)


def bake_energy(kelvin, lost):
    """Return what bakes tell of the activation energy, from those with a fraction of states lost in the band.

    Parameters
    ----------
    kelvin : sequence of float
        Temperatures (K).
    lost : sequence of Sample
        Times (s) at which states were lost, at each of them.

    Returns
    -------
    fit : BakeFit or None
        None with fewer than two such bakes.
    used : list of float
        Their temperatures (K).
    """
    bakes = {one: pair for one, sample in zip(kelvin, lost, strict=True) if (pair := bake(sample))}
    if len(bakes) < 2:
        return None, list(bakes)
    levels = np.concatenate([np.full(len(low), one) for one, (low, _) in bakes.items()])
    low, high = (np.concatenate([pair[k] for pair in bakes.values()]) for k in (0, 1))
    return fit_intervals(levels, low, high), list(bakes)
