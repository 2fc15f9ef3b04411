cimport cython

from ._bond_network cimport BondNetwork
from ._lattice_green cimport LatticeGreen
from ._network_solver cimport NodePotentials


@cython.final
cdef class Readout:
    cdef BondNetwork network
    cdef LatticeGreen green, heat_green
    # host sites at which potentials are wanted: in the order of asking, and by layer
    cdef signed char[::1] wanted
    cdef int[::1] wanted_list, wanted_sorted, wanted_end
    cdef int n_wanted
    # Green's function from a site to the nodes
    cdef int[::1] row_of
    cdef int n_rows
    cdef double[:, ::1] rows
    # nodes by layer, and where they are; points of one layer that are read together
    cdef int[::1] layer_end, node_by_layer, layer_x, layer_y, block
    cdef double[::1] phi, theta           # what was read last, by host site

    cdef void clear(self) noexcept nogil
    cdef void want(self, int site, bint moved) noexcept nogil
    cdef int write_rows(self) except -1
    cdef void read(self, NodePotentials at) noexcept nogil
    cdef double heat_at(self, int site) noexcept nogil
    cdef void _read_heat(self, NodePotentials at, int n) noexcept nogil
    cdef void _mark(self, int site, bint moved) noexcept nogil
    cdef void _sort_wanted(self) noexcept nogil
    cdef void _write_block(self, int n) noexcept nogil
    cdef void _read_row(self, NodePotentials at, int site, double* row) noexcept nogil
    cdef int _next_block(self, int* start, int kind, int most) noexcept nogil
    cdef void _prefetch_layer(self, int z, long reads) noexcept nogil
    cdef void _read_block(self, NodePotentials at, int n) noexcept nogil
    cdef void _add_node(self, NodePotentials at, int k, int n, int* at_x, int* at_y, double* sums) noexcept nogil
    cdef void _add_nodes(self, NodePotentials at, int k, int n, int* at_x, int* at_y, double* sums) noexcept nogil
