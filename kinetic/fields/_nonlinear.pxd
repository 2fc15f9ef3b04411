from ._bond_laws cimport BondLaws
from ._removal cimport Removal


cdef class Nonlinear(Removal):
    cdef BondLaws laws                    # None: every bond is ohmic
    # bonds of the arrangement that have a law, and the network of slopes at 0 V at 1 V
    cdef readonly int n_bent
    cdef int[::1] bent_a, bent_b, bent_law, bent_pivot
    cdef double[::1] bent_g, bent_rest, bent_drive, bent_drop, bent_tangent, bent_extra, coupling, work
    cdef double[::1] linear_phi
    cdef double[:, ::1] linear_shift
    # the four passes of a cell: potentials at its lower end, per volt there, and both at its upper end
    cdef double[2] ends
    cdef double[:, ::1] pass_phi, pass_y, pass_theta, pass_y_theta, pass_drop, pass_tangent
    # such bonds of the network without each moving atom
    cdef long listed, prepared            # number of the solution that the lists above and below belong to
    cdef int[::1] own_start, own_a, own_b, own_law, own_bent
    cdef long[::1] own_square, own_cross
    cdef double[::1] own_g, own_rest, own_drop, own_tangent, own_extra, own_coupling, own_x, cross, own_step

    cdef double _drop(self, double[::1] value, int a, int b, double top) noexcept nogil
    cdef double _extra(self, double g, int law, double tangent, double u) noexcept nogil
    cdef double _pair(self, int a, int b, int fa, int fb) noexcept nogil
    cdef int prepare_base(self) except -1
    cdef int prepare(self, int n_moving) except -1
    cdef void _times_c(self, double[::1] value, double[::1] out) noexcept nogil
    cdef void _collect(self, bint write) noexcept nogil
    cdef void _couple(self) noexcept nogil
    cdef long _list_own(self, int c, long n, bint write) noexcept nogil
    cdef int _couple_own(self, int c) noexcept nogil
    cdef int _base_pass(self, int p, double voltage) noexcept nogil
    cdef int _base_extra(self, double voltage) noexcept nogil
    cdef int _settle_base(self) noexcept nogil
    cdef void _spread_bent(self, double[::1] extra, double sign, double[::1] out) noexcept nogil
    cdef void _powers(self, int p) noexcept nogil
    cdef int _moving_pass(self, int p, double voltage, int n_moving) noexcept nogil
    cdef int _own_extra(self, int c, int p, double voltage) noexcept nogil
    cdef void _spread_own(self, int c, double* extra, double sign, double* out) noexcept nogil
    cdef void _bend(self, int c) noexcept nogil
    cdef void _take_pass(self, int p) noexcept nogil
