"""The functions of LAPACK that compiled modules call, which are SciPy's (compiled).

SciPy declares 1,500; Cython would read them again for each module that uses one: half of the time that it takes.
"""

from scipy.linalg cimport cython_lapack


cdef void dgetrf(int* m, int* n, double* a, int* lda, int* ipiv, int* info) noexcept nogil:
    cython_lapack.dgetrf(m, n, a, lda, ipiv, info)


cdef void dgetrs(char* trans, int* n, int* nrhs, double* a, int* lda, int* ipiv, double* b, int* ldb,
                 int* info) noexcept nogil:
    cython_lapack.dgetrs(trans, n, nrhs, a, lda, ipiv, b, ldb, info)


cdef void dpotrf(char* uplo, int* n, double* a, int* lda, int* info) noexcept nogil:
    cython_lapack.dpotrf(uplo, n, a, lda, info)


cdef void dpotri(char* uplo, int* n, double* a, int* lda, int* info) noexcept nogil:
    cython_lapack.dpotri(uplo, n, a, lda, info)


cdef void dpotrs(char* uplo, int* n, int* nrhs, double* a, int* lda, double* b, int* ldb,
                 int* info) noexcept nogil:
    cython_lapack.dpotrs(uplo, n, nrhs, a, lda, b, ldb, info)


cdef void dsteqr(char* compz, int* n, double* d, double* e, double* z, int* ldz, double* work,
                 int* info) noexcept nogil:
    cython_lapack.dsteqr(compz, n, d, e, z, ldz, work, info)


cdef void dtrtri(char* uplo, char* diag, int* n, double* a, int* lda, int* info) noexcept nogil:
    cython_lapack.dtrtri(uplo, diag, n, a, lda, info)
