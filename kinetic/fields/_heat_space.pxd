cimport cython

from ._lattice_green cimport LatticeGreen


cdef double response(double rate, int power, double time) noexcept nogil


@cython.final
cdef class SiteWindow:
    cdef readonly object place            # of each site in the window
    cdef Py_ssize_t[::1] at_place
    cdef int nx, ny, nz, wide, deep, n  # modes in x, y, z; sites of the window in x, y; sites asked for
    cdef double[:, ::1] mode_x, mode_y, mode_z
    cdef double[::1] half, box, turned    # intermediate results

    cdef void read(self, const double* field, double* out) noexcept nogil
    cdef void spread(self, const double* values, double* field) noexcept nogil


@cython.final
cdef class Bonds:
    cdef readonly int n
    cdef int[::1] begin, column
    cdef double[::1] value

    cdef void flow(self, const double* theta, double* out) noexcept nogil


@cython.final
cdef class ShiftedHeat:
    cdef SiteWindow window
    cdef Bonds bonds
    cdef const double[::1] inverse
    cdef const double[:, ::1] mean
    cdef double[:, ::1] factors
    cdef int[::1] pivot
    cdef int n_sites, n, m, electrodes, nz
    cdef double root_columns
    cdef double[::1] theta, current, field, joined

    cdef void apply(self, const double* vector, double* out) noexcept nogil
    cdef void respond(self, const double* vector, double* out) noexcept nogil
