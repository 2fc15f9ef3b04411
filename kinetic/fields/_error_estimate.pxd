cimport cython

from ._bond_network cimport BondNetwork
from ._network_solver cimport LinearSolution, NetworkSolver
from ._readout cimport Readout

cdef double GROUNDED    # V for a unit current: a node with less is connected to an electrode by bonds


@cython.final
cdef class ErrorEstimate:
    cdef BondNetwork network
    cdef NetworkSolver solver
    cdef Readout readout
    # normal numbers, what they are scaled to, and products with these: by probe and node
    cdef double[:, ::1] normal, scaled, answer, wrong
    cdef double[:, ::1] y_matrix          # columns of Y = 1 - L C in its rows
    cdef double[:, ::1] seen              # products at the points, by row and probe
    cdef double[::1] known, lacking       # C times the lengths of the rows of R D, and times what the nodes lack
    cdef double known_most, lacking_most, point_most
    cdef double[::1] residual, source

    cdef int make_room(self) except -1
    cdef void measure(self, LinearSolution solution) noexcept nogil
    cdef void _write_sources(self) noexcept nogil
    cdef void _write_panel(self, int first, int n) noexcept nogil
    cdef void _multiply(self) noexcept nogil
    cdef double _size_at_points(self) noexcept nogil
    cdef double _bound_by(self, double[::1] currents, double[::1] out) noexcept nogil
