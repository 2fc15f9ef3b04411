"""Choice of an event: an 8-ary sum tree whose nodes are cache lines.

Parents are recomputed from their children, never incremented, so the total does not drift.
"""

import numpy as np

cimport cython


@cython.auto_pickle(False)
cdef class SumTree:
    """Rates with their running sums.

    Parameters
    ----------
    capacity : int
        Number of leaves, >= 1.
    """

    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self.capacity = capacity
        sizes, entries = [], int(capacity)
        while True:
            entries = (entries + 7) // 8 * 8
            sizes.append(entries)
            if entries == 8:
                break
            entries //= 8
        raw = np.zeros(sum(sizes) + 8, dtype=np.float64)
        # lines of 64 bytes must not straddle two cache lines
        start = (-raw.ctypes.data // 8) % 8
        self.store = raw[start:start + sum(sizes)]
        self.depth = len(sizes)
        at = 0
        for k, entries in enumerate(sizes):
            self.level[k] = &self.store[at]
            self.size[k] = entries
            at += entries

    @property
    def total(self):
        """Sum of all rates."""
        return self.top()

    def set(self, int64_t leaf, double rate):
        """Set one rate (>= 0)."""
        if not 0 <= leaf < self.capacity:
            raise IndexError(f"leaf must be between 0 and {self.capacity - 1}, got {leaf}")
        if not rate >= 0.0:
            raise ValueError(f"rate must be at least 0, got {rate}")
        self.level[0][leaf] = rate
        self.refresh(leaf >> 3)

    def get(self, int64_t leaf):
        """Return one rate."""
        if not 0 <= leaf < self.capacity:
            raise IndexError(f"leaf must be between 0 and {self.capacity - 1}, got {leaf}")
        return self.level[0][leaf]

    def find(self, double mark):
        """Return the leaf in which the running sum passes ``mark``, 0 <= mark < total."""
        if not 0.0 <= mark < self.top():
            raise ValueError(f"mark must be at least 0 and below the total {self.top()}, got {mark}")
        return self.locate(&mark)

    def leaves(self):
        """Return a view of the rates; call `rebuild` after writing into it."""
        return np.asarray(self.store)[:self.capacity]

    def rebuild(self):
        """Recompute every parent."""
        self.build()

    cdef void build(self) noexcept nogil:
        cdef int k
        cdef int64_t line
        for k in range(1, self.depth):
            for line in range(self.size[k - 1] >> 3):
                self.level[k][line] = self.line_sum(self.level[k - 1] + 8 * line)
