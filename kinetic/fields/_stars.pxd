from ._points cimport Points


cdef class Stars(Points):
    # moving atoms: conducting defects that some event takes away, by host site
    cdef int[::1] moving, moving_number, gone, leaving
    # bonds that change with each moving atom, one after the other: edges start[c] .. start[c + 1]
    cdef int[::1] edge_a, edge_b, edge_law, start
    cdef double[::1] edge_g
    cdef int n_edges

    cdef int room_for_stars(self) except -1
    cdef long count_stars(self, int n_moving) except -1
    cdef void _edges_without(self, int site, bint write) noexcept nogil
    cdef void _edge(self, int a, int b, double g, int law, bint write) noexcept nogil
    cdef long _count_edges(self, int n_moving) noexcept nogil
