from ._points cimport Points


cdef double SETTLED    # V at 1 V: an error below this needs no further refinement
cdef double LOOSE      # V at 1 V: error bound above which a moving atom is refined


cdef class Removal(Points):
    # moving atoms: conducting defects that some event takes away, by host site
    cdef int[::1] moving, moving_number, gone, leaving
    cdef double[:, ::1] star_sum, shift, drawn
    # bonds that change with each moving atom, one after the other: edges start[c] .. start[c + 1]
    cdef int[::1] edge_a, edge_b, edge_law, start, lu_start, pivot
    cdef double[::1] edge_g, edge_w, lu
    cdef int n_edges
    cdef double largest_green
    cdef public bint refine
    cdef readonly double removal_error  # V at 1 V

    cdef int make_room(self) except -1
    cdef int remove_each(self, int n_moving) except -1
    cdef void _edges_without(self, int site, bint write) noexcept nogil
    cdef void _edge(self, int a, int b, double g, int law, bint write) noexcept nogil
    cdef long _count_edges(self, int n_moving, long* n_lu) noexcept nogil
    cdef int _leave_one_out(self, int n_moving) noexcept nogil
    cdef void _draw(self, int first, int n) noexcept nogil
    cdef double _residual_bound(self, int c) noexcept nogil
    cdef void _times(self, double[:, ::1] matrix, double[:, ::1] columns, double[:, ::1] out, int first, int n) noexcept nogil
    cdef double _across(self, int e, double[::1] value, double top) noexcept nogil
    cdef int _factor(self, int c) noexcept nogil
    cdef void _back(self, int c, double* out) noexcept nogil
    cdef int _refine(self, int c, double* left) noexcept nogil
    cdef int _solve_without(self, int c, double* left) noexcept nogil
    cdef void _assemble_without(self, int c) noexcept nogil
    cdef double _correction(self, int c) noexcept nogil
    cdef void _residual_without(self, int first, int count) noexcept nogil
    cdef void _correct(self, int first, int count) noexcept nogil
    cdef void _flow_without(self, int c) noexcept nogil
    cdef double _host_without(self, int host, int c) noexcept nogil
    cdef double potential_without(self, int site, int c) noexcept nogil
    cdef double heat_at(self, int site) noexcept nogil
