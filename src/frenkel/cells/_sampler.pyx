"""Cycles of many cells from the law of a card: autoregression, tables of quantiles, exponentials in one pass."""

from libc.math cimport exp
from libc.string cimport memmove, memcpy

cdef enum:
    WIDEST = 512    # doubles of one cell's noise and memory


def widest():
    """Return the largest (p + 1) k that a cell may have."""
    return WIDEST


cdef inline double lookup(double x, const double *knots, const double *table, const double *slopes,
                          const int *guide, double start, double scale, int bins, int last) noexcept nogil:
    """A table at x, linear between its knots and straight on beyond them."""
    cdef double place = (x - start) * scale
    cdef int i
    if place <= 0.0:
        i = 0
    elif place >= bins:
        i = last
    else:
        i = guide[<int>place]
        while i < last and x >= knots[i + 1]:
            i += 1
    return table[i] + slopes[i] * (x - knots[i])


cdef inline void advance(const double *weights, const double *v, double *z, Py_ssize_t size,
                         Py_ssize_t k) noexcept nogil:
    """z = v weights."""
    cdef Py_ssize_t i, j
    cdef double a, b, c, d
    if k == 4:
        # The usual four features, kept in registers.
        a = b = c = d = 0.0
        for j in range(size):
            a += weights[4 * j] * v[j]
            b += weights[4 * j + 1] * v[j]
            c += weights[4 * j + 2] * v[j]
            d += weights[4 * j + 3] * v[j]
        z[0], z[1], z[2], z[3] = a, b, c, d
        return
    for i in range(k):
        z[i] = 0.0
    for j in range(size):
        for i in range(k):
            z[i] += weights[k * j + i] * v[j]


def cycles(const double[:, :, ::1] noise, const long long[::1] which, double[:, :, ::1] history,
           const double[:, ::1] weights, const double[:, ::1] locations, const double[:, ::1] spreads,
           const double[::1] knots, const double[:, ::1] tables, const double[:, ::1] slopes,
           const int[::1] guide, const double[::1] signs, const int[::1] logarithmic, double[:, :, ::1] out):
    """Draw cycles of some cells.

    noise is (rows, cycles, k), of normal numbers; which gives the cell of each row; history is (cells, p, k),
    scores newest first, and is updated. weights is ((p + 1) k, k): the transposed root of the innovation over
    the transposed coefficients. out is (k, rows, cycles).
    """
    cdef Py_ssize_t rows = noise.shape[0], number = noise.shape[1], k = noise.shape[2], p = history.shape[1]
    cdef Py_ssize_t r, c, i, cell, size = (p + 1) * k
    cdef int last = <int>knots.shape[0] - 2, bins = <int>guide.shape[0]
    cdef double start = knots[0], scale = bins / (knots[last + 1] - knots[0])
    cdef double v[WIDEST]
    cdef double z[WIDEST]
    cdef double x, total
    if size > WIDEST or weights.shape[0] != size or out.shape[0] != k or out.shape[1] != rows:
        raise ValueError("the arrays of a card do not fit each other")
    with nogil:
        for r in range(rows):
            cell = which[r]
            if p:
                memcpy(&v[k], &history[cell, 0, 0], p * k * sizeof(double))
            for c in range(number):
                for i in range(k):
                    v[i] = noise[r, c, i]
                advance(&weights[0, 0], v, z, size, k)
                if p:
                    memmove(&v[2 * k], &v[k], (p - 1) * k * sizeof(double))
                    memcpy(&v[k], z, k * sizeof(double))
                for i in range(k):
                    x = lookup(z[i], &knots[0], &tables[i, 0], &slopes[i, 0], &guide[0], start, scale, bins, last)
                    total = locations[cell, i] + spreads[cell, i] * x
                    out[i, r, c] = signs[i] * (exp(total) if logarithmic[i] else total)
            if p:
                memcpy(&history[cell, 0, 0], &v[k], p * k * sizeof(double))
