from ._wiring cimport Wiring

cdef double CONVERGED  # V at 1 V: the last correction of a potential that has settled
cdef double TOLERATED  # V at 1 V: a larger one is refused

cdef enum:
    UNSETTLED = -99


cdef class Fields(Wiring):
    cdef readonly double background, charge, coulomb, charge_transition, heat, wiedemann_franz
    cdef double[::1] unit                 # potential of the empty background per layer at 1 V
    # matrices: K = G^-1 on the nodes, C = (K + L)^-1, H for heat
    cdef double[:, ::1] k_matrix, c_matrix, h_matrix
    # K of the last solution that was kept (k_matrix is it or the spare one), its nodes, how often it was changed
    cdef double[:, ::1] kept_matrix, spare_matrix
    cdef int[::1] kept_node, old_place    # place of a node among those kept, or -1
    cdef readonly int kept_m, kept_times
    cdef double[::1] phi, y_phi, theta, y_theta, diagonal, source, residual, node_power
    cdef double top                       # potential of the top electrode, V: 1 where all is solved at 1 V
    cdef bint bent                        # bonds with laws follow these: at a voltage, not by their slopes at 0 V
    cdef readonly double conductance, heat_max, solver_error
    cdef readonly long solution           # counts the arrangements that were solved
    cdef long heat_of                     # number of the solution whose matrix of heat h_matrix holds, factored

    cdef int _solve(self, bint keep) noexcept nogil
    cdef void _mirror(self) noexcept nogil
    cdef int _invert(self, bint keep) noexcept nogil
    cdef int _invert_afresh(self) noexcept nogil
    cdef bint _change_kept(self) noexcept nogil
    cdef void _take_out(self, int s) noexcept nogil
    cdef void _lay_out(self) noexcept nogil
    cdef bint _put_in(self, int t) noexcept nogil
    cdef void _flow(self, double[::1] value, double[::1] out) noexcept nogil
    cdef void _drawn(self, double[::1] value, double[::1] drawn, bint biased) noexcept nogil
    cdef void _times(self, double[:, ::1] matrix, double[:, ::1] columns, double[:, ::1] out, int first, int n) noexcept nogil
    cdef void _respond(self, double[:, ::1] sources, double[:, ::1] out, int n) noexcept nogil
    cdef int _solve_heat(self) noexcept nogil
    cdef int _factor_heat(self) noexcept nogil
    cdef int _warm(self) noexcept nogil
