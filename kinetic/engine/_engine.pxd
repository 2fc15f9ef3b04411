"""The rejection-free loop and the numbering of the particles it works on."""

cimport cython
from libc.stdint cimport int8_t, int32_t, int64_t, uint64_t
from numpy.random cimport bitgen_t

from ._catalogue cimport Catalogue
from ._rates cimport Event, Rates
from ._sumtree cimport SumTree


@cython.final
cdef class Kernel:
    cdef readonly Rates rates
    # particles: sites whose species can do something there
    cdef int32_t[::1] particle          # [site] -> particle or -1
    cdef int32_t[::1] site              # [particle] -> site
    cdef uint64_t[::1] active           # one bit per site
    cdef readonly int n_particles
    cdef int32_t filled[2]              # sites of particles that took another's number in this event
    cdef int n_filled
    # clock and counters
    cdef public double time, time_rest  # s; with the rest that the sum has rounded away
    cdef public double pending, pending_rest    # s, time of the event already drawn, or -1
    cdef public double owed             # hazard still to pass before the event already drawn, or -1
    cdef public int64_t events, version, floor_hits
    cdef readonly uint64_t mark         # tells the species on all sites from others, almost always
    cdef Event last                     # the latest event
    cdef int64_t[:, ::1] fired          # [mechanism, direction]
    # selection: `width` leaves per particle
    cdef readonly SumTree tree
    cdef public bint fresh              # tree and rates fit the state
    cdef int32_t[:, ::1] slot_channel   # [code, slot] -> channel or -1
    cdef int32_t[::1] stamp             # [site] epoch of its last update
    cdef int32_t epoch

    cdef void _mark(self) noexcept nogil
    cdef void _place(self, int site, int code) noexcept nogil
    cdef void apply(self, const Event* event) noexcept nogil
    cdef int _carry_out(self, const Event* event) except -1
    cdef void _move_particles(self, int a, bint was_a, int b, bint was_b) noexcept nogil
    cdef void _rename(self, int old, int new) noexcept nogil
    cdef void _remove(self, int site) noexcept nogil
    cdef void _append(self, int site) noexcept nogil
    cdef void _fill(self) noexcept nogil
    cdef void _schedule(self, double wait) noexcept nogil
    cdef bint _rate_particle(self, int p) noexcept nogil
    cdef void _update(self, int site) noexcept nogil
    cdef void _climb(self, int p) noexcept nogil
    cdef void _around(self, int site) noexcept nogil
    cdef void _touch(self, int site) noexcept nogil
    cdef void _after(self, const Event* event, int before) noexcept nogil
    cdef int _loop(self, bitgen_t* random, int64_t events, double until) noexcept nogil
    cdef int64_t _enumerate(self, Catalogue out) noexcept nogil
