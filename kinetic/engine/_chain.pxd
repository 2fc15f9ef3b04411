"""Markov chains of a few states: how long they stay in each, when and from which they leave a set."""

from numpy.random cimport bitgen_t

cdef enum:
    STATES = 16         # most states
    LEVELS = 128        # doublings of the time step: of 1e-22 s, at rates of 1e13, to any span


cdef class Chain:
    cdef int n                          # states 0 to n - 1
    cdef double inner[STATES][STATES]   # 1/s, between states
    cdef double leave[STATES]           # 1/s, out of the set
    # powers of the one-step matrix
    cdef double[:, :, ::1] step         # [level, from, to]
    cdef double[:, ::1] lost            # [level, from]
    cdef int n_levels
    cdef double first                   # s, time step of level 0

    cdef double _inner_events(self) noexcept nogil
    cdef void _double(self, double span) noexcept nogil
    cdef double _sample(self, bitgen_t* random, double span, int* state, bint* left) noexcept nogil
    cdef int _pick(self, const double* weight, double u) noexcept nogil
