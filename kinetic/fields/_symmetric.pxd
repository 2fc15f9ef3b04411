"""Symmetric matrices in rows of ``ld`` numbers, of which the first ``m`` count, and vectors of ``m`` numbers.

Of a matrix the lower triangle of our rows is read and written, Fortran's upper one.
"""

from scipy.linalg.cython_blas cimport daxpy, ddot, dsymv, dsyr
from frenkel._lapack cimport dpotrf, dpotri, dpotrs


cdef inline double dot(int m, const double* x, const double* y) noexcept nogil:
    cdef int one = 1
    return ddot(&m, <double*>x, &one, <double*>y, &one)


cdef inline void add(int m, double factor, const double* x, double* out) noexcept nogil:
    """Add ``factor`` x."""
    cdef int one = 1
    daxpy(&m, &factor, <double*>x, &one, out, &one)


cdef inline void multiply(int m, int ld, const double* matrix, const double* x, double* out) noexcept nogil:
    cdef int one = 1
    cdef double zero = 0.0, unity = 1.0
    cdef char uplo = b"U"
    dsymv(&uplo, &m, &unity, <double*>matrix, &ld, <double*>x, &one, &zero, out, &one)


cdef inline void add_square(int m, int ld, double factor, const double* x, double* out) noexcept nogil:
    """Add ``factor`` x x' to a matrix."""
    cdef int one = 1
    cdef char uplo = b"U"
    dsyr(&uplo, &m, &factor, <double*>x, &one, out, &ld)


cdef inline int factor(int m, int ld, double* matrix) noexcept nogil:
    """Cholesky's factor in the place of a positive definite matrix; other than 0 where it is not."""
    cdef int info = 0
    cdef char uplo = b"U"
    dpotrf(&uplo, &m, matrix, &ld, &info)
    return info


cdef inline int invert_factored(int m, int ld, double* matrix) noexcept nogil:
    """The inverse in the place of Cholesky's factor."""
    cdef int info = 0
    cdef char uplo = b"U"
    dpotri(&uplo, &m, matrix, &ld, &info)
    return info


cdef inline void solve_factored(int m, int ld, const double* matrix, double* x) noexcept nogil:
    """The solution in the place of a right-hand side."""
    cdef int info = 0, one = 1
    cdef char uplo = b"U"
    dpotrs(&uplo, &m, &one, <double*>matrix, &ld, x, &ld, &info)
