cimport cython
from libc.stdint cimport int8_t, int32_t, int64_t

from ._site_events cimport Event


@cython.final
cdef class Catalogue:
    cdef int32_t[::1] _mechanism, _a, _b
    cdef int8_t[::1] _direction
    cdef double[::1] _barrier, _energy, _frequency
    cdef readonly int64_t n, version

    cdef int64_t room(self) noexcept nogil
    cdef void event(self, int64_t i, Event* event) noexcept nogil
