"""LU of matrices of a few rows in Fortran's order, as LAPACK's dgetrf and dgetrs without the cost of a call.

Pivots count from 1, as LAPACK's do, so that either may factor and either solve. From `MOST` rows on LAPACK is called.
"""

from libc.math cimport fabs
from frenkel._lapack cimport dgetrf, dgetrs

cdef enum:
    MOST = 24


cdef inline int factor_small(int n, double* a, int* pivot) noexcept nogil:
    """Factor an (n, n) matrix in its place; 0, or the number of the first column without a pivot."""
    cdef int i, j, l, p, info = 0
    cdef double largest, value
    cdef double* column
    cdef double* other
    if n > MOST:
        dgetrf(&n, &n, a, &n, pivot, &info)
        return info
    for j in range(n):
        column, p = a + j * n, j
        largest = fabs(column[j])
        for i in range(j + 1, n):
            if fabs(column[i]) > largest:
                largest, p = fabs(column[i]), i
        pivot[j] = p + 1
        if not largest > 0.0:
            return j + 1
        if p != j:
            for l in range(n):
                a[l * n + j], a[l * n + p] = a[l * n + p], a[l * n + j]
        value = 1.0 / column[j]
        for i in range(j + 1, n):
            column[i] *= value
        for l in range(j + 1, n):
            other = a + l * n
            value = other[j]
            for i in range(j + 1, n):
                other[i] -= column[i] * value
    return 0


cdef inline void solve_small(int n, int columns, double* a, int* pivot, double* x) noexcept nogil:
    """Solve with the factors for each of some right-hand sides, in their place."""
    cdef int i, j, _l, info = 0
    cdef double value
    cdef double* column
    cdef char trans = b"N"
    if n > MOST:
        dgetrs(&trans, &n, &columns, a, &n, pivot, x, &n, &info)
        return
    for _l in range(columns):
        for j in range(n):
            if pivot[j] != j + 1:
                x[j], x[pivot[j] - 1] = x[pivot[j] - 1], x[j]
        for j in range(n):
            value, column = x[j], a + j * n
            for i in range(j + 1, n):
                x[i] -= column[i] * value
        for j in range(n - 1, -1, -1):
            column = a + j * n
            value = x[j] / column[j]
            x[j] = value
            for i in range(j):
                x[i] -= column[i] * value
        x += n
