cimport cython

from ._local_bonds cimport LocalBonds
from ._network_solver cimport NetworkSolver
from ._operating_point cimport LawBonds, OperatingPoint
from ._tangent_network cimport TangentNetwork


@cython.final
cdef class LawsWithout:
    cdef NetworkSolver solver
    cdef LocalBonds local
    cdef TangentNetwork tangent
    cdef LawBonds whole                   # those of the network with all atoms
    cdef OperatingPoint point             # at which voltages are settled
    cdef int k, most_edges
    # bonds with a law that leave: number among those of the whole network of each changed bond, or -1
    cdef int[::1] number
    cdef int[::1] first_at, next_at       # the same bonds, listed under each first node
    cdef signed char[::1] left            # marks of those that leave with one atom
    cdef signed char[::1] settled         # of each hopping atom: whether its voltages settled
    # bonds with a law that appear, one list after the other: changed bonds, voltages, currents, slopes, S
    cdef int[::1] start, edge
    cdef double[::1] drop_new, beyond_new, slope_new, own_new, open_new
    # of each hopping atom: voltages of the bonds of the whole network, and currents beyond their tangents
    cdef double[:, ::1] drop, carried
    # of a batch: beyond tangents in current, slope and voltage; sources of the changed bonds
    cdef double[:, ::1] beyond, slope, answer, base
    cdef int[::1] batch, slot
    # of one atom: voltages, changed bonds, nodes; those bonds whose slope has changed and their systems
    cdef double[::1] voltage, w, node, weight
    cdef int[::1] bent, pivot
    cdef int[:, ::1] bent_ends, alone_ends  # first and second nodes
    cdef double[::1] column, solved, system, step, load
    # of one atom that is settled by itself
    cdef int[::1] alone_law, alone_number
    cdef double[::1] alone_g, alone_drive, alone_drop, alone_tangent, alone_t, alone_x, alone_cross, alone_coupling

    cdef int prepare(self, LawBonds whole) except -1
    cdef int begin(self, OperatingPoint point) except -1
    cdef int settle(self, const int* atoms, int n, double[:, ::1] out) noexcept nogil
    cdef void lose(self, int c, double* out) noexcept nogil
    cdef void flow(self, int c, const double* value, double* out) noexcept nogil
    cdef int bound_response(self, int c, double* value) noexcept nogil
    cdef void bend(self, int c, double* correction, double* residual) noexcept nogil
    cdef void add_slopes(self, int c, const double* value, double[:, ::1] out) noexcept nogil
    cdef void add_still(self, double* out) noexcept nogil
    cdef void weigh(self, double most) noexcept nogil
    cdef double source_size(self, int c) noexcept nogil
    cdef double open_voltage(self, int c, const double* shift) noexcept nogil
    cdef int list_ends(self, int c) noexcept nogil
    cdef int list_bent_ends(self, int c) noexcept nogil
    cdef int _room(self) except -1
    cdef int _number_of(self, int a, int b) noexcept nogil
    cdef void _mark_left(self, int c, signed char mark) noexcept nogil
    cdef void _settle_batch(self, const int* atoms, int n, double[:, ::1] out) noexcept nogil
    cdef void _begin_atom(self, int c, int p) noexcept nogil
    cdef void _look_beyond(self, int c, int p) noexcept nogil
    cdef double _step(self, int c, int p) noexcept nogil
    cdef void _respond(self, int c, int p) noexcept nogil
    cdef void _spread_new(self, int c, double sign, double* out) noexcept nogil
    cdef double _own_share(self, int c, int p, int l) noexcept nogil
    cdef double _coupled(self, int c, int i, int j) noexcept nogil
    cdef double _step_along(self, int c, int p, int l, double load, double step) noexcept nogil
    cdef int _list_bent(self, int c, int p, double least) noexcept nogil
    cdef int _factor_bent(self, int c, int p, int q) noexcept nogil
    cdef void _write_sources(self, int c, int p, double* out) noexcept nogil
    cdef int _add_slope_sources(self, int c, double* out) noexcept nogil
    cdef void _add_slope(self, int a, int b, double g, int law, const double* value, double[:, ::1] out) noexcept nogil
    cdef void _settle_alone(self, int c, double* out) noexcept nogil
    cdef int _settle_bonds(self, int c) noexcept nogil
    cdef int _list_alone(self, int c) noexcept nogil
    cdef int _room_alone(self) except -1
