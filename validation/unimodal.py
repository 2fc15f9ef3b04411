"""Hartigan's dip test: whether values have one mode, or lie in bands.

J. A. Hartigan and P. M. Hartigan, Ann. Statist. 13, 70 (1985), 10.1214/aos/1176346577: the dip is the least
distance (supremum) of the empirical distribution function from any unimodal one; its values are compared with
those of a uniform distribution, the unimodal one that dips most.
"""

from functools import cache

import numpy as np

DRAWS = 2000


def dip(values):
    """Return the dip of some values: at least 1/(2n), at most 1/4.

    The best unimodal function is convex below a modal interval, concave above it and straight in between.
    The interval shrinks from all values, by the touching points of the largest distance between the convex
    minorant and the concave majorant within it, until what lies outside it fits worse.
    """
    x, counts = np.unique(np.asarray(values, float), return_counts=True)
    upper = np.cumsum(counts)  # n F at each value and just below it
    lower = upper - counts
    low, high, found = 0, len(x) - 1, 1.0
    while low < high:
        inside = slice(low, high + 1)
        at = x[inside]
        below, convex = _hull(at, lower[inside], 1)
        above, concave = _hull(at, upper[inside], -1)
        apart = np.interp(at, at[above], concave) - np.interp(at, at[below], convex)
        corners = np.union1d(below, above)
        widest = corners[np.argmax(apart[corners])]
        if apart[widest] <= found:
            break
        left, right = below[below <= widest][-1], above[above >= widest][0]
        # What stands at the ends of the modal interval itself may be a step of the unimodal function.
        convex = np.interp(at[:left], at[below], convex)
        concave = np.interp(at[right + 1 :], at[above], concave)
        misfit = [*(upper[inside][:left] - convex), *(concave - lower[inside][right + 1 :])]
        found = max(found, *misfit) if misfit else found
        low, high = low + left, low + right
    return float(found / (2 * upper[-1]))


def _hull(x, y, sign):
    """Return the corners of the convex minorant (sign 1) or concave majorant (-1), and its values there."""
    kept = []
    for i in range(len(x)):
        while len(kept) > 1:
            a, b = kept[-2:]
            if sign * ((y[b] - y[a]) * (x[i] - x[b]) - (y[i] - y[b]) * (x[b] - x[a])) < 0:
                break
            kept.pop()
        kept.append(i)
    return np.array(kept), y[kept]


@cache
def uniform_dips(n):
    """Return the dips of uniform samples of n, ascending."""
    draw = np.random.default_rng(n)
    return np.sort([dip(draw.random(n)) for _ in range(DRAWS)])


def p_value(values):
    """Return the fraction of uniform samples of this size that dip at least as much; NaN below 4 values."""
    found = np.asarray(values, float)
    if len(found) < 4:
        return np.nan
    null = uniform_dips(len(found))
    return float((1 + len(null) - np.searchsorted(null, dip(found) - 1e-12)) / (1 + len(null)))
