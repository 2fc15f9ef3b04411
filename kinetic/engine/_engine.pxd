"""The state of an engine: which sites can have events, and what was carried out."""

cimport cython
from libc.stdint cimport int64_t, uint64_t

from ._catalogue cimport Catalogue
from ._site_events cimport Event, SiteEvents


@cython.final
cdef class Kernel:
    cdef SiteEvents tables
    cdef uint64_t[::1] active           # one bit per site: whether its species can do something there
    cdef int n_active
    cdef readonly int64_t events, version
    cdef readonly uint64_t mark         # tells the species on all sites from others, almost always
    cdef int64_t[:, ::1] fired          # [mechanism, direction]

    cdef void _place(self, int site, int code) noexcept nogil
    cdef void _carry_out(self, const Event* event) noexcept nogil
    cdef int64_t _enumerate(self, Catalogue out) noexcept nogil
