"""Effective matrix of a crossbar with linear cells, row after row, in blocks of BLAS.

What is above a row acts on it as conductances T between its bit nodes and currents J into them, a column for each
word line above. The row's word line adds to both. Over the next segments of the bit lines, of conductance w each,
this becomes T - X' X and J - X' Y with S = T + w = L L', X = L^-1 T and Y = L^-1 J. Nothing is subtracted from
the large w, so that rows lose no digits to it.
"""

from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dgemm, dsyrk, dtrmm
from frenkel._lapack cimport dpotrf, dpotrs, dtrtri

import numpy as np


cdef enum:
    BLOCK = 64  # columns that are factored at once: most of the work is then in products of matrices


cdef void add_row(const double *g, const double *wires, double left, double right, double *pivot, double *ratio,
                  double *diagonal, double *t, double *j, int n) noexcept nogil:
    """Add a word line: its conductances between bit nodes to t (n, n), what 1 V at its left end drives to j."""
    cdef int a, b
    cdef double excess, z
    # Sums of positive numbers only, as in the pivots of the line solver.
    excess = g[0] + left
    for a in range(n - 1):
        pivot[a] = excess + wires[a]
        ratio[a] = wires[a] / pivot[a]
        excess = g[a + 1] + ratio[a] * excess
        if a == n - 2:
            excess = excess + right
    if n == 1:
        excess = excess + right
    pivot[n - 1] = excess
    diagonal[n - 1] = 1.0 / pivot[n - 1]
    for a in range(n - 2, -1, -1):
        diagonal[a] = 1.0 / pivot[a] + ratio[a] * ratio[a] * diagonal[a + 1]
    for b in range(n):
        z = g[b] * diagonal[b]
        t[b * n + b] += g[b] * (1.0 - z)
        for a in range(b - 1, -1, -1):
            z = z * ratio[a]
            t[b * n + a] -= g[a] * z
        z = g[b]
        for a in range(b + 1, n):
            z = z * ratio[a - 1]
            t[b * n + a] -= g[a] * z * diagonal[a]
    z = left
    for a in range(n):
        j[a] = g[a] * z * diagonal[a]
        if a < n - 1:
            z = z * ratio[a]


cdef int reduce(double *s, double *x, double *inverse, int n, int columns) noexcept nogil:
    """Make L^-1 x of x (n, columns) where s (n, n) is L L'; both are lost. Return 0, or not where s has no L."""
    cdef int begin, size, below, info = 0, k
    cdef double unity = 1.0, minus = -1.0
    cdef char left = b"L", right = b"R", lower = b"L", no = b"N", yes = b"T"
    for begin in range(0, n, 64):  # BLOCK, which Cython takes as a number only
        size = min(BLOCK, n - begin)
        below = n - begin - size
        dpotrf(&lower, &size, s + begin * n + begin, &n, &info)
        if info:
            return info
        for k in range(size):
            memcpy(inverse + k * size, s + (begin + k) * n + begin, size * sizeof(double))
        dtrtri(&lower, &no, &size, inverse, &size, &info)
        if info:
            return info
        dtrmm(&left, &lower, &no, &no, &size, &columns, &unity, inverse, &size, x + begin, &n)
        if below:
            dtrmm(&right, &lower, &yes, &no, &below, &size, &unity, inverse, &size,
                  s + begin * n + begin + size, &n)
            dsyrk(&lower, &no, &below, &size, &minus, s + begin * n + begin + size, &n, &unity,
                  s + (begin + size) * n + begin + size, &n)
            dgemm(&no, &no, &below, &columns, &size, &minus, s + begin * n + begin + size, &n, x + begin, &n,
                  &unity, x + begin + size, &n)
    return 0


def eliminate(const double[:, ::1] conductance, const double[:, ::1] word_wires, const double[:, ::1] bit_wires,
              const double[::1] left, const double[::1] right, const double[::1] top, const double[::1] bottom,
              double[:, ::1] out):
    """Write currents out of the bottom ends per volt at the left ends (S), (m, n); tell whether it was possible.

    It is not where some bit line is connected to nothing. All are conductances (S): of cells (m, n), of the
    segments between them, (m, n - 1) and (m - 1, n), and of the ends of lines.
    """
    cdef int m = <int>conductance.shape[0], n = <int>conductance.shape[1], i, k, columns, info
    cdef double unity = 1.0, minus = -1.0
    cdef char no = b"N", yes = b"T", lower = b"L"
    cdef double[:, ::1] state = np.zeros((n + m, n)), work = np.empty((n + m, n)), system = np.empty((n, n))
    cdef double[::1] rows = np.empty(3 * n), inverse = np.empty(BLOCK * BLOCK)
    cdef const double *wires
    with nogil:
        for k in range(n):
            state[k, k] = top[k]
        for i in range(m):
            columns = n + i + 1
            wires = &word_wires[i, 0] if n > 1 else NULL
            add_row(&conductance[i, 0], wires, left[i], right[i], &rows[0], &rows[n], &rows[2 * n],
                    &state[0, 0], &state[n + i, 0], n)
            memcpy(&system[0, 0], &state[0, 0], n * n * sizeof(double))
            for k in range(n):
                system[k, k] += bit_wires[i, k] if i < m - 1 else bottom[k]
            if i == m - 1:
                break
            memcpy(&work[0, 0], &state[0, 0], columns * n * sizeof(double))
            memset(&inverse[0], 0, BLOCK * BLOCK * sizeof(double))
            info = reduce(&system[0, 0], &work[0, 0], &inverse[0], n, columns)
            if info:
                break
            dgemm(&yes, &no, &n, &columns, &n, &minus, &work[0, 0], &n, &work[0, 0], &n, &unity, &state[0, 0], &n)
        if i == m - 1:
            dpotrf(&lower, &n, &system[0, 0], &n, &info)
            if not info:
                dpotrs(&lower, &n, &m, &system[0, 0], &n, &state[n, 0], &n, &info)
    if info:
        return False
    for i in range(m):
        for k in range(n):
            out[i, k] = bottom[k] * state[n + i, k]
    return True
