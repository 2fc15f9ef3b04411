"""Sums of whole numbers by layers and lateral steps over the sources in a box: Fourier transforms, and exact.

Entries are split into digits so small that rounding errors of the transforms are below a quarter. The nearest
whole number is then the sum itself, whatever library transforms, and equals that of additions one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats

Whole = NDArray[np.int64]


def lateral_sums(entries: Whole, place: Whole, count: Floats) -> Whole:
    """Return the sum of entries over sources, at every site of a box that is periodic in x and y.

    Parameters
    ----------
    entries : (n, px // 2 + 1, py // 2 + 1) int64
        By pair of layers and step in x and y to the nearest image; sums must fit in 64 bits.
    place : (layers, layers) int64
        Number of each pair of layers.
    count : (layers, px, py) float64
        Sources at each site: 0 or 1.

    Returns
    -------
    (layers, px, py) int64
    """
    layers, *period = count.shape
    cosines = [_cosines(n) for n in period]
    bits = _digit_bits(count)
    # Rows k and -k of the transform meet the same entries; parts apart, so that all products are real.
    rows = np.arange(len(cosines[0]))
    modes = np.fft.rfft2(count)[:, [rows, -rows]]
    sources = np.concatenate([modes.real, modes.imag], axis=1).reshape(layers, 4, -1)
    found = np.empty_like(modes)
    spectrum = np.empty((layers, period[0], modes.shape[3]), np.complex128)
    total, shift, left = np.zeros(count.shape, np.int64), 0, entries
    while left.any():
        # Digits of either sign: what is left is a multiple of the next power of two.
        rest = left + (1 << bits - 1)
        rest >>= bits
        digit = rest << bits
        digit = np.subtract(left, digit, out=digit).astype(np.float64)
        digits = (cosines[0] @ (digit @ cosines[1].T)).reshape(len(entries), -1)
        for z in range(layers):
            product = np.einsum("lk,ljk->jk", digits[place[z]], sources).reshape(4, *modes.shape[2:])
            found[z].real, found[z].imag = product[:2], product[2:]
        spectrum[:, -rows], spectrum[:, rows] = found[:, 1], found[:, 0]
        total += np.rint(np.fft.irfft2(spectrum, s=period)).astype(np.int64) << shift
        shift, left = shift + bits, rest
    return total


def _cosines(n: int) -> Floats:
    """Return the matrix from the first half of an even function of period ``n`` to that of its modes."""
    k = np.arange(n // 2 + 1)
    weight = np.where((k == 0) | (2 * k == n), 1.0, 2.0)
    return np.asarray(np.cos((np.outer(k, k) % n) * (2 * np.pi / n)) * weight)


def _digit_bits(count: Floats) -> int:
    """Return the bits of a digit (with its sign) for which no sum is wrong by a quarter.

    Digits of size L have modes of at most L N, N = px py, with errors of at most eps N L (hx + hy) from two
    products of matrices; products over layers add eps N L layers, and transforms 8 eps log2 N in the square
    mean. Modes of n sources in a layer have the square mean sqrt(n), so that a sum is wrong by at most
    N L sqrt(n) times the sum of these.
    """
    layers, *period = count.shape
    n = period[0] * period[1]
    relative = np.finfo(float).eps * (sum(period) / 2 + 2 + layers + 8 * np.log2(n + 1))
    most = relative * n * np.sqrt(count.sum(axis=(1, 2))).sum()
    return int(np.floor(1 - np.log2(4 * most)))
