from ._probes cimport Probes


cdef double SETTLED    # V at 1 V: an error below this needs no further refinement, where all atoms are refined


cdef class Removal(Probes):
    cdef double[:, ::1] star_sum, shift, drawn
    # those that are refined; a batch of them at once, with the size of each one's last correction
    cdef int[::1] loose, batch
    cdef double[::1] size, left
    cdef double[:, ::1] batch_in, batch_out
    # T of each moving atom, factored, and a vector over the changed bonds
    cdef int[::1] lu_start, pivot
    cdef double[::1] edge_w, lu
    cdef public bint refine
    cdef readonly double removal_error  # V at 1 V
    cdef readonly int refined           # moving atoms whose bound was too large

    cdef int make_room(self) except -1
    cdef int remove_each(self, int n_moving, bint read) except -1
    cdef int _leave_one_out(self, int n_moving, bint read) noexcept nogil
    cdef int _refine_doubtful(self, int n_moving) noexcept nogil
    cdef bint _doubtful(self, int c, double share) noexcept nogil
    cdef int _refine_listed(self, int n, double scale) noexcept nogil
    cdef int _solve_star(self, int c) noexcept nogil
    cdef int _list_unproved(self, int n_moving) noexcept nogil
    cdef int _refine_loose(self, int n_listed, int n_moving, double scale) noexcept nogil
    cdef void _draw_all(self, int n_moving) noexcept nogil
    cdef void _draw(self, const int* atoms, int n) noexcept nogil
    cdef void _draw_by_sources(self, int c) noexcept nogil
    cdef double _beyond_background(self, int c, int i) noexcept nogil
    cdef double _residual_bound(self, int c) noexcept nogil
    cdef bint _grounded(self, int c) noexcept nogil
    cdef double _probed_bound(self, int c) noexcept nogil
    cdef double _sharp_bound(self, int c) noexcept nogil
    cdef double _bound_at_ends(self, int c, int n, double total) noexcept nogil
    cdef int _meet(self, int i, int n) noexcept nogil
    cdef int _meet_bent(self, int c, int n) noexcept nogil
    cdef int _spread_bound(self, int c) noexcept nogil
    cdef int _factor(self, int c) noexcept nogil
    cdef void _back(self, int c, double* out) noexcept nogil
    cdef int _refine(self, const int* atoms, int n_atoms, double scale) noexcept nogil
    cdef int _solve_without(self, int c, double* left) noexcept nogil
    cdef double _correction(self, int p) noexcept nogil
    cdef void _residual_without(self, int n) noexcept nogil
    cdef void _correct(self, int n) noexcept nogil
