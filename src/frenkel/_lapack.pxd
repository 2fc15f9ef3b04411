"""The functions of LAPACK that compiled modules call, which are SciPy's.

SciPy declares 1,500; Cython would read them again for each module that uses one: half of the time that it takes.
"""

cdef void dgetrf(int* m, int* n, double* a, int* lda, int* ipiv, int* info) noexcept nogil
cdef void dgetrs(char* trans, int* n, int* nrhs, double* a, int* lda, int* ipiv, double* b, int* ldb,
                 int* info) noexcept nogil
cdef void dpotrf(char* uplo, int* n, double* a, int* lda, int* info) noexcept nogil
cdef void dpotri(char* uplo, int* n, double* a, int* lda, int* info) noexcept nogil
cdef void dpotrs(char* uplo, int* n, int* nrhs, double* a, int* lda, double* b, int* ldb,
                 int* info) noexcept nogil
cdef void dsteqr(char* compz, int* n, double* d, double* e, double* z, int* ldz, double* work,
                 int* info) noexcept nogil
cdef void dtrtri(char* uplo, char* diag, int* n, double* a, int* lda, int* info) noexcept nogil
