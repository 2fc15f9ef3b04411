from ._removal cimport Removal


cdef class Nonlinear(Removal):
    # bonds with a law in the network without each moving atom, one list after the other
    cdef long prepared                    # number of the solution that they belong to
    cdef double[:, ::1] linear_shift
    cdef int[::1] own_start, own_a, own_b, own_law, own_bent
    cdef long[::1] own_square, own_cross
    cdef double[::1] own_g, own_rest, own_drop, own_tangent, own_extra, own_coupling, own_x, cross, own_step
    # inverse of the matrix of slopes with all atoms there, and steps of the voltages with it
    cdef double[::1] base_inverse, bend_left, bend_step

    cdef int prepare(self, int n_moving) except -1
    cdef long _list_own(self, int c, long n, bint write) noexcept nogil
    cdef int _couple_own(self, int c) noexcept nogil
    cdef int _moving_pass(self, int n_moving) noexcept nogil
    cdef int _invert_base(self) noexcept nogil
    cdef int _own_extra(self, int c) noexcept nogil
    cdef void _guess_own(self, int c) noexcept nogil
    cdef bint _settle_by_base(self, int c) noexcept nogil
    cdef void _spread_own(self, int c, double* extra, double sign, double* out) noexcept nogil
    cdef void _bend(self, int c, double* correction) noexcept nogil
