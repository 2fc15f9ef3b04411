from ._bond_laws cimport BondLaws
from ._fields cimport Fields


cdef inline double between_bonds(const double* c, long ld, int a, int b, int fa, int fb) noexcept nogil:
    """Voltage of bond (a, b) for a unit current along bond (fa, fb), by differences of C; electrodes have no entry."""
    cdef double value = c[a * ld + fa]
    if b >= 0:
        value -= c[b * ld + fa]
        if fb >= 0:
            value += c[b * ld + fb] - c[a * ld + fb]
    elif fb >= 0:
        value -= c[a * ld + fb]
    return value


cdef class Operating(Fields):
    cdef BondLaws laws                    # None: every bond is ohmic
    # bonds of the arrangement that have a law, and the network of slopes at 0 V at 1 V
    cdef long listed                      # number of the solution that these lists belong to
    cdef readonly int n_bent
    cdef int[::1] bent_a, bent_b, bent_law, bent_pivot
    cdef double[::1] bent_g, bent_rest, bent_drive, bent_drop, bent_tangent, bent_extra, coupling, work
    cdef double[::1] linear_phi

    cdef int prepare_base(self) except -1
    cdef void _collect(self, bint write) noexcept nogil
    cdef void _couple(self) noexcept nogil
    cdef double _drop(self, double[::1] value, int a, int b, double top) noexcept nogil
    cdef double _extra(self, double g, int law, double u) noexcept nogil
    cdef double _pair(self, int a, int b, int fa, int fb) noexcept nogil
    cdef int _base_pass(self, double voltage) noexcept nogil
    cdef int _base_extra(self, double voltage) noexcept nogil
    cdef int _settle_base(self) noexcept nogil
    cdef void _spread_bent(self, double[::1] extra, double sign, double[::1] out) noexcept nogil
    cdef void _times_c(self, double[::1] value, double[::1] out) noexcept nogil
    cdef void _powers(self) noexcept nogil
