cimport cython

from ._bond_network cimport BondNetwork
from ._network_solver cimport NetworkSolver
from ._operating_point cimport LawBonds, OperatingPoint


@cython.final
cdef class TangentNetwork:
    cdef NetworkSolver solver
    cdef BondNetwork network
    cdef OperatingPoint point             # None: slopes at 0 V
    cdef LawBonds bonds
    cdef int k                            # bonds with a law
    cdef double[:, ::1] c_matrix          # C (whole)
    cdef bint steep                       # slopes are those of the laws at the point, and not those at 0 V
    cdef double[::1] share, slope         # of each of these bonds: over that at 0 V, and beyond it
    cdef double[:, ::1] bond_voltage      # E' C: of each of these bonds for a unit current into each node, by node
    cdef double[:, ::1] coupling          # S = E' C E
    cdef double[:, ::1] own_matrix, bond_row
    cdef double[::1] panel                # potentials by node and hopping atom

    cdef int take_rest(self) except -1
    cdef int take(self, OperatingPoint point, bint steep) except -1
    cdef int _room(self, int k) except -1
    cdef void _write_bond_voltages(self) noexcept nogil
    cdef void _update(self) noexcept nogil
    cdef void _couple(self) noexcept nogil
    cdef void follow(self, double[:, ::1] beyond, int first, int n, double[:, ::1] out) noexcept nogil
    cdef int make_room(self) except -1
    cdef void flow(self, const double* value, double* out) noexcept nogil
    cdef void draw(self, const int* atoms, int n, const double* all, double[:, ::1] sources, double[:, ::1] beyond,
                   double[:, ::1] shift, double[:, ::1] out) noexcept nogil
    cdef void _draw_panel(self, const int* atoms, int n, const double* all, double[:, ::1] sources,
                          double[:, ::1] beyond, double[:, ::1] shift, double[:, ::1] out) noexcept nogil
