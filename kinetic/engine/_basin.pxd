"""Superbasins: sets of states that the system goes to and fro between, left by one exact step."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint64_t
from numpy.random cimport bitgen_t

from ._chain cimport STATES, Chain
from ._engine cimport Kernel
from ._rates cimport Event

cdef enum:
    FAST = 104          # events of at least 1 % of the total that one state can have
    WINDOW = 64         # events after which at most STATES states give a basin away
    GLANCE = 24         # the same for at most PAIRS states
    PAIRS = 4


@cython.final
cdef class Basin(Chain):
    # of the states of the basin
    cdef uint64_t key[STATES]
    cdef int parent[STATES]
    cdef int depth[STATES]
    cdef Event via[STATES]              # event from the parent
    cdef int n_fast[STATES]
    cdef Event fast[STATES][FAST]
    cdef double fast_rate[STATES][FAST] # 1/s
    cdef uint64_t fast_key[STATES][FAST]
    cdef int here                       # state the kernel is in
    # detection
    cdef uint64_t now                   # key of the state of the kernel
    cdef uint64_t window[WINDOW]
    cdef int filled, pause
    cdef bint ready                     # look for a basin before the next event
    cdef readonly int64_t exits         # steps out of basins
    cdef readonly double skipped        # events within basins, on average, that were not carried out
    cdef double gain                    # least number of skipped events worth a basin

    cdef uint64_t _turned(self, Kernel kernel, uint64_t key, const Event* event, int64_t held) noexcept nogil
    cdef uint64_t _next(self, Kernel kernel, uint64_t key, const Event* event) noexcept nogil
    cdef void _step(self, Kernel kernel, const Event* event) noexcept nogil
    cdef void _undo(self, Kernel kernel, const Event* event) noexcept nogil
    cdef void _go(self, Kernel kernel, int target) noexcept nogil
    cdef void _list_fast(self, Kernel kernel) noexcept nogil
    cdef void _collect(self, Kernel kernel, int level, int64_t node, double least) noexcept nogil
    cdef bint _grow(self, Kernel kernel) noexcept nogil
    cdef int _member(self, uint64_t key) noexcept nogil
    cdef double _mask(self, Kernel kernel) noexcept nogil
    cdef void _mask_particle(self, Kernel kernel, int p) noexcept nogil
    cdef void _unmask(self, Kernel kernel) noexcept nogil
    cdef double _explore(self, Kernel kernel) noexcept nogil
    cdef int _escape(self, Kernel kernel, bitgen_t* random, double until) noexcept nogil
    cdef bint _revisits(self, Kernel kernel) noexcept nogil
    cdef int _loop(self, Kernel kernel, bitgen_t* random, int64_t events, double until) noexcept nogil
