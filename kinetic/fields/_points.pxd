from ._operating cimport Operating


cdef class Points(Operating):
    # host sites at which potentials are wanted: in the order of asking, and by layer
    cdef signed char[::1] wanted
    cdef int[::1] wanted_list, wanted_sorted, wanted_end
    cdef int n_wanted
    # Green's function from a site to the nodes, potential and heat at 1 V
    cdef int[::1] row_of
    cdef int n_rows
    cdef double[:, ::1] rows
    # nodes by layer, and where they are; points of one layer that are read together
    cdef int[::1] layer_end, node_by_layer, layer_x, layer_y, line_x, block
    cdef double[::1] point_phi, point_theta

    cdef int room_for_points(self) except -1
    cdef int corner(self, int interstitial, int k) noexcept nogil
    cdef void _mark(self, int site, bint moved) noexcept nogil
    cdef void want(self, int site, bint moved) noexcept nogil
    cdef void clear_wanted(self) noexcept nogil
    cdef void _sort_wanted(self) noexcept nogil
    cdef void _rows_at_points(self) noexcept nogil
    cdef void _read_points(self) noexcept nogil
    cdef double heat_at(self, int site) noexcept nogil
    cdef void _read_row(self, int site, double* row) noexcept nogil
    cdef int _next_block(self, int* at, int kind, int most) noexcept nogil
    cdef void _ask_for(self, int z, long reads) noexcept nogil
    cdef void _write_rows(self, int n) noexcept nogil
    cdef void _read_block(self, int n) noexcept nogil
    cdef void _add_node(self, int k, int n, int* at_x, int* at_y, double* sums) noexcept nogil
    cdef void _add_nodes(self, int k, int n, int* at_x, int* at_y, double* sums) noexcept nogil
