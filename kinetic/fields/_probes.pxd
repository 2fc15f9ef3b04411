from ._stars cimport Stars

cdef double GROUNDED    # V for a unit current: a node with less hangs on an electrode by bonds


cdef class Probes(Stars):
    # normal numbers, what they are scaled to, and products with these: by probe and node
    cdef double[:, ::1] normal, scaled, answer, wrong
    cdef double[:, ::1] seen              # products at the points, by row and probe
    cdef double[::1] known, lacking       # C times the lengths of the rows of R D, and times what the nodes lack
    cdef double known_most, lacking_most, point_most

    cdef int room_for_probes(self) except -1
    cdef void _probe(self) noexcept nogil
    cdef void _write_sources(self) noexcept nogil
    cdef void _write_panel(self, int first, int n) noexcept nogil
    cdef void _multiply(self) noexcept nogil
    cdef double _size_at_points(self) noexcept nogil
    cdef double _bound_by(self, double[::1] currents, double[::1] out) noexcept nogil
