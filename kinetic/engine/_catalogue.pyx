"""Every event that is possible in one state, as columns (compiled)."""

import numpy as np

cimport cython
from libc.stdint cimport int64_t

from ._site_events cimport Event


@cython.auto_pickle(False)
@cython.final
cdef class Catalogue:
    """Every event that is possible now, as columns.

    Attributes
    ----------
    mechanism, site_a, site_b : ndarray of int32
        Number of the mechanism and the two sites (-1: none).
    direction : ndarray of int8
        0 forward, 1 reverse.
    barrier : ndarray of float64
        Barrier with per-site shift and crowding, before any lowering by a dipole (eV).
    energy : ndarray of float64
        Energy difference without electrostatics (eV).
    attempt_frequency : ndarray of float64
        Attempt frequency (1/s).
    version : int
        Version of the engine's state that it fits.

    Notes
    -----
    The columns are views of buffers that the next catalogue overwrites.
    """

    def __init__(self):
        self.grow(64)
        self.n, self.version = 0, -1

    def grow(self, int64_t room):
        """Make room for so many events."""
        self._mechanism, self._a = np.zeros(room, np.int32), np.zeros(room, np.int32)
        self._b, self._direction = np.zeros(room, np.int32), np.zeros(room, np.int8)
        self._barrier, self._energy = np.zeros(room), np.zeros(room)
        self._frequency = np.zeros(room)

    def forget(self):
        """Fit no version of the state."""
        self.version = -1

    cdef int64_t room(self) noexcept nogil:
        return self._a.shape[0]

    cdef void event(self, int64_t i, Event* event) noexcept nogil:
        event.mechanism, event.direction = self._mechanism[i], self._direction[i]
        event.a, event.b = self._a[i], self._b[i]

    def __len__(self):
        return self.n

    @property
    def mechanism(self):
        return np.asarray(self._mechanism)[:self.n]

    @property
    def direction(self):
        return np.asarray(self._direction)[:self.n]

    @property
    def site_a(self):
        return np.asarray(self._a)[:self.n]

    @property
    def site_b(self):
        return np.asarray(self._b)[:self.n]

    @property
    def barrier(self):
        return np.asarray(self._barrier)[:self.n]

    @property
    def energy(self):
        return np.asarray(self._energy)[:self.n]

    @property
    def attempt_frequency(self):
        return np.asarray(self._frequency)[:self.n]
