"""Starting values for fits of telegraph noise, and the search through them."""

from itertools import combinations

import numpy as np
from scipy import ndimage, signal, stats

from ...typing import Floats
from .markov import TelegraphModel, additive, fit

SHORT = 8_000  # samples on which starting values are tried
PEAKS = 5  # sizes of jumps that are tried as amplitudes


def starts(
    current: Floats, step: float, n_traps: int, previous: TelegraphModel | None
) -> list[TelegraphModel]:
    """Return guesses for :func:`fit`: amplitudes from the sizes of jumps, added to a smaller model or not.

    Parameters
    ----------
    current : (samples,) float64
        A.
    step : float
        Time between samples (s).
    n_traps : int
    previous : TelegraphModel or None
        The best model with one trap less.
    """
    noise, sizes = jumps(current)
    low, high = np.quantile(current, [0.002, 0.998]) + 2.9 * noise * np.array([1, -1])
    typical = np.full(n_traps, 30 * step)
    guesses = []
    for chosen in combinations(sizes, n_traps):
        for base in (low, high - sum(chosen)):
            guesses.append(additive(base, list(chosen), typical, typical, noise))
    if previous is not None:
        for size in sizes:
            for shift in (0.0, -size):
                guesses.append(
                    additive(
                        previous.baseline + shift,
                        np.append(previous.amplitude, size),
                        np.append(previous.high, 30 * step),
                        np.append(previous.low, 30 * step),
                        noise,
                    )
                )
    return guesses


def jumps(current: Floats) -> tuple[float, Floats]:
    """Return the white noise (A) and the commonest sizes of jumps (A), from differences of short means.

    The noise is that of the smaller differences of neighbours, which jumps disturb little; a simulated trace
    without noise gets a thousandth of its spread.
    """
    # The tenth of the smallest differences is free of jumps up to one in two samples; where the instrument's
    # digits make it 0, half of the differences serve.
    low_step, middle = np.quantile(np.abs(np.diff(current)), [0.1, 0.5]) / np.sqrt(2)
    estimates = [x / stats.norm.ppf(0.5 + q / 2) for x, q in ((low_step, 0.1), (middle, 0.5)) if x > 0]
    noise = max(float(min(estimates, default=0.0)), 1e-3 * float(np.std(current)))
    sizes = []
    for width in (1, 3):
        mean = ndimage.uniform_filter1d(current, width, origin=0)
        change = np.abs(mean[width:] - mean[:-width])
        top = change == ndimage.maximum_filter1d(change, 2 * width + 1)
        sizes.append(change[top & (change > 3.5 * noise * np.sqrt(2 / width))])
    all_sizes = np.concatenate(sizes)
    if not len(all_sizes):
        return noise, np.array([max(np.ptp(np.quantile(current, [0.05, 0.95])), noise)])
    width = max(noise, 1e-3 * all_sizes.max())
    count, edges = np.histogram(all_sizes, np.arange(0, all_sizes.max() + 3 * width, width / 8))
    smooth = ndimage.gaussian_filter1d(count.astype(float), 4)
    peaks, _ = signal.find_peaks(np.append(smooth, 0.0))
    peaks = peaks[np.argsort(-smooth[peaks])][:PEAKS]
    return noise, (edges[peaks] + edges[peaks + 1]) / 2


def _pairings(current: Floats, step: float) -> list[TelegraphModel]:
    """Return the three ways in which four levels of a histogram can be those of two coupled traps."""
    noise, _ = jumps(current)
    width = max(noise, 1e-3 * float(np.ptp(current)))
    count, edges = np.histogram(
        current, np.arange(current.min() - 4 * width, current.max() + 4 * width, width / 8)
    )
    smooth = ndimage.gaussian_filter1d(count.astype(float), 4)
    peaks, _ = signal.find_peaks(smooth)
    if len(peaks) < 4:
        return []
    level = np.sort(edges[peaks[np.argsort(-smooth[peaks])[:4]]] + width / 16)
    typical = np.full(2, 30 * step)
    # The state with both traps high is any but the lowest level.
    orders = ([0, 1, 2, 3], [0, 1, 3, 2], [0, 2, 3, 1])
    return [TelegraphModel(level=level[order], high=typical, low=typical, noise=noise) for order in orders]


def search(
    current: Floats,
    step: float,
    n_traps: int,
    previous: TelegraphModel | None,
    adds: bool = True,
    target: float = -np.inf,
) -> tuple[TelegraphModel, float]:
    """Fit n traps from many starts.

    Starts are tried on every so manieth sample, since levels show in any subset and slow traps only in a long
    one; the best go through the whole trace.

    Parameters
    ----------
    current : (samples,) float64
        A.
    step : float
        Time between samples (s).
    n_traps : int
    previous : TelegraphModel or None
        The best model with one trap less.
    adds, target
        As for :func:`.markov.fit`.

    Returns
    -------
    model : TelegraphModel
    log_likelihood : float
    """
    stride = max(1, len(current) // SHORT)
    thinned, few_step = np.ascontiguousarray(current[::stride]), step * stride
    guesses = starts(current, step, n_traps, previous)
    if not adds and n_traps == 2:
        guesses += _pairings(current, step)
    tried = sorted(
        (fit(g, thinned, few_step, adds=adds, iterations=4 if adds else 10) for g in guesses),
        key=lambda pair: -pair[1],
    )[:4]
    tried = sorted(
        (fit(g, thinned, few_step, adds=adds, iterations=40) for g, _ in tried), key=lambda pair: -pair[1]
    )
    return fit(tried[0][0], current, step, adds=adds, target=target)
