cimport cython

from ._bond_network cimport BondNetwork
from ._lattice_green cimport LatticeGreen


@cython.final
cdef class BackgroundInverse:
    cdef BondNetwork network
    cdef readonly LatticeGreen green
    # K of the present nodes, which is that of the last arrangement that was kept or the spare one; room that is lent
    cdef double[:, ::1] matrix, kept_matrix, spare_matrix, room
    cdef int[::1] kept_node, old_place    # place of a node among those kept, or -1
    cdef readonly int kept_m, kept_times  # nodes of what is kept, how often it was changed
    cdef double[::1] source, residual

    cdef int make_room(self, bint keep) except -1
    cdef void drop(self) noexcept nogil
    cdef int invert(self, bint keep, double[:, ::1] lent) noexcept nogil
    cdef int _invert_again(self) noexcept nogil
    cdef bint _change_kept(self) noexcept nogil
    cdef void _take_out(self, int s) noexcept nogil
    cdef void _lay_out(self) noexcept nogil
    cdef bint _put_in(self, int t) noexcept nogil
