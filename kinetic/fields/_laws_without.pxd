cimport cython

from ._local_bonds cimport LocalBonds
from ._network_solver cimport NetworkSolver
from ._operating_point cimport LawBonds, OperatingPoint


@cython.final
cdef class LawsWithout:
    cdef NetworkSolver solver
    cdef LocalBonds local
    cdef LawBonds whole                   # those of the network with all atoms
    cdef OperatingPoint point             # at which voltages are settled
    # bonds with a law in the network without each hopping atom, one list after the other
    cdef int[::1] start, a, b, law, number_in_whole
    cdef long[::1] square, cross_at
    cdef double[::1] g, rest, drop, tangent, extra, coupling, x, cross, step
    # inverse of the matrix of slopes with all atoms there, steps of the voltages with it, and room for a factor
    cdef double[::1] base_inverse, left, change, work
    cdef int[::1] pivot

    cdef int prepare(self, LawBonds whole, double[:, ::1] shift) except -1
    cdef int begin(self, OperatingPoint point) except -1
    cdef int sources_without(self, int c, double* out) noexcept nogil
    cdef void flow(self, int c, const double* value, double* out) noexcept nogil
    cdef int bound_response(self, int c, double* value) noexcept nogil
    cdef void bend(self, int c, double* correction, double* residual, double* source) noexcept nogil
    cdef void add_slopes(self, int c, const double* value, double[:, ::1] out) noexcept nogil
    cdef int list_ends(self, int c) noexcept nogil
    cdef int _room(self, long entries, long squares, long crosses, int n) except -1
    cdef int _room_for_steps(self, int most) except -1
    cdef long _list(self, int c, long n, bint write) noexcept nogil
    cdef void _couple(self, int c, const double* shift) noexcept nogil
    cdef void _guess(self, int c) noexcept nogil
    cdef bint _settle_by_base(self, int c) noexcept nogil
    cdef void _spread(self, int c, const double* current, double sign, double* out) noexcept nogil

    cdef inline double _extra(self, int l, double u) noexcept nogil:
        """Current of a bond of the lists at a voltage (V) beyond its slope at 0 V."""
        cdef double slope
        return self.g[l] * (self.whole.laws.current(self.law[l], u, &slope) - u)
