"""Choice of an event: an 8-ary sum tree whose nodes are cache lines."""

from libc.stdint cimport int64_t

cdef enum:
    LEVELS = 12

cdef inline int choose(const double* v, double* rest) noexcept nogil:
    """Which of eight rates the running sum passes ``rest`` in; without branches, and never one that is zero."""
    cdef double p[8]
    cdef double mark = rest[0]
    cdef int i
    p[0] = 0.0
    p[1] = v[0]
    p[2] = v[0] + v[1]
    p[3] = p[2] + v[2]
    p[4] = p[2] + (v[2] + v[3])
    p[5] = p[4] + v[4]
    p[6] = p[4] + (v[4] + v[5])
    p[7] = p[6] + v[6]
    i = (
        (mark >= p[1]) + (mark >= p[2]) + (mark >= p[3]) + (mark >= p[4]) + (mark >= p[5]) + (mark >= p[6])
        + (mark >= p[7])
    )
    # rounding can carry the mark past the end: take the last living entry
    while v[i] <= 0.0 and i > 0:
        i -= 1
    rest[0] = mark - p[i]
    return i

cdef class SumTree:
    cdef double[::1] store
    cdef double* level[LEVELS]      # level 0: leaves; each level padded to whole lines of 8
    cdef int64_t size[LEVELS]       # entries of each level
    cdef int depth                  # levels in use
    cdef readonly int64_t capacity  # leaves

    cdef void build(self) noexcept nogil

    cdef inline double line_sum(self, double* v) noexcept nogil:
        return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]))

    cdef inline double top(self) noexcept nogil:
        """Sum of all leaves."""
        return self.line_sum(self.level[self.depth - 1])

    cdef inline void refresh(self, int64_t line) noexcept nogil:
        """Recompute the parents of a line of leaves; stops where nothing changes."""
        cdef int k
        cdef double value
        for k in range(1, self.depth):
            value = self.line_sum(self.level[k - 1] + 8 * line)
            if self.level[k][line] == value:
                return
            self.level[k][line] = value
            line >>= 3

    cdef inline int64_t locate(self, double* rest) noexcept nogil:
        """Leaf in which the running sum passes ``rest`` (0 <= rest < top); never one that is zero.

        Leaves in ``rest`` what is left of it within that leaf.
        """
        cdef int k
        cdef int64_t node = 0
        for k in range(self.depth - 1, -1, -1):
            node = 8 * node + choose(self.level[k] + 8 * node, rest)
        return node
