cimport cython

from ._bond_network cimport BondNetwork
from ._network_solver cimport NetworkSolver, NodePotentials
from ._readout cimport Readout
from ._tangent_network cimport TangentNetwork

cdef double GROUNDED    # V for a unit current: a node with less is connected to an electrode by bonds


@cython.final
cdef class ErrorEstimate:
    cdef BondNetwork network
    cdef NetworkSolver solver
    cdef TangentNetwork tangent
    cdef Readout readout
    # normal numbers, what they are scaled to, and products with these: by probe and node
    cdef double[:, ::1] normal, scaled, answer, wrong
    cdef double[:, ::1] seen              # products at the points, by row and probe
    cdef double[::1] known, lacking       # C times the lengths of the rows of R D, and times what the nodes lack
    cdef double known_most, lacking_most, point_most
    cdef double[::1] residual, source

    cdef int make_room(self) except -1
    cdef void measure(self, NodePotentials at, const double* open) noexcept nogil
    cdef void _multiply(self) noexcept nogil
    cdef double _size_at_points(self) noexcept nogil
    cdef double _bound_by(self, double[::1] currents, double[::1] out) noexcept nogil
