from ._points cimport Points


cdef class Stars(Points):
    # moving atoms: conducting defects that some event takes away, by host site
    cdef int[::1] moving, moving_number, gone, leaving
    # bonds that change with each moving atom, one after the other: edges start[c] .. start[c + 1]
    cdef int[::1] edge_a, edge_b, edge_law, start
    cdef double[::1] edge_g
    cdef int n_edges
    # trees of stiff bonds: nodes from the roots on, the place of each in that order, and what it hands on
    cdef int[::1] tree, rank
    cdef double[::1] handed
    cdef double largest_green

    cdef int room_for_stars(self) except -1
    cdef long count_stars(self, int n_moving) except -1
    cdef void _edges_without(self, int site, bint write) noexcept nogil
    cdef void _edge(self, int a, int b, double g, int law, bint write) noexcept nogil
    cdef long _count_edges(self, int n_moving) noexcept nogil
    cdef int _list_ends(self, int c) noexcept nogil
    cdef double _across(self, int e, double[::1] value, double top) noexcept nogil
    cdef void _flow_without(self, int c) noexcept nogil
    cdef double _flow_to(self, int i, bint left) noexcept nogil
    cdef void _assemble_without(self, int c) noexcept nogil
    cdef void _grow_trees(self) noexcept nogil
    cdef bint _stiff(self, int i, int k) noexcept nogil
    cdef double _tree_bound(self, int c) noexcept nogil
    cdef int _way_on(self, int i) noexcept nogil
