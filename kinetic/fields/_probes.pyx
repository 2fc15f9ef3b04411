"""How well the inverse of a network is known, told by a few products with it (compiled).

C is the computed inverse of K + L, and Y = 1 - L C, by differences across bonds, the sources in the background that
hold the potentials C: were all exact, Y would be K C. What is wrong is

    R = 1 - K C - L C,    S = Y - K C,

currents that nodes lack and sources that belong to no potential, for a unit current into each node. Both in full cost
as much as products with K for every atom. But R D z for independent normal numbers z has at each node a normal
number too, whose standard deviation is the length of that row of R D. The root mean square of 32 of these, times 5,
is less than the length with a probability below 2e-16 (Chernoff's bound of chi-squared), as [1]_ does for norms. By
Cauchy and Schwarz no current f makes a node lack more than its length times |D^-1 f|. Numbers z are the same in every
arrangement; they are drawn before any of them is known.

.. [1] N. Halko, P. G. Martinsson, J. A. Tropp, SIAM Rev. 53, 217 (2011), section 4.3, doi:10.1137/090771806.
"""

import numpy as np

from libc.math cimport fabs, sqrt
from libc.string cimport memcpy
from scipy.linalg.cython_blas cimport dgemm, dsymv

from ._stars cimport Stars

cdef enum:
    PROBES = 32
    PANEL = 8           # columns of C that are read together

cdef double SAFETY = 5.0       # of a length over the root mean square of the probes
cdef double GROUNDED = 1e-3


cdef class Probes(Stars):
    """Fields that know how wrong they may be; made with the arguments of :class:`Stars`."""

    def __init__(self, *args, **laws):
        Stars.__init__(self, *args, **laws)
        self.normal, self.scaled, self.answer, self.wrong = np.zeros((4, 1, 1))
        self.seen = np.zeros((1, PROBES))
        self.known, self.lacking = np.zeros((2, 1))

    cdef int room_for_probes(self) except -1:
        """Follow the capacity of the fields, and the points whose rows are kept."""
        if self.known.shape[0] != self.capacity:
            # One generator for all boxes, filled node by node: what a node gets hangs on its number alone.
            drawn = np.random.default_rng(1).standard_normal((self.capacity, PROBES))
            self.normal = np.ascontiguousarray(drawn.T)
            self.scaled, self.answer, self.wrong = np.zeros((3, PROBES, self.capacity))
            self.known, self.lacking = np.zeros((2, self.capacity))
        if self.seen.shape[0] < self.n_rows:
            self.seen = np.zeros((self.n_rows + 128, PROBES))
        return 0

    cdef void _probe(self) noexcept nogil:
        """Find what is wrong with the present solution: Y in the place of the heat matrix, lengths of rows, and bounds.

        ``known`` is C times the lengths of the rows of R D: no current f moves a potential wrongly by more, times
        |D^-1 f|. D^-1 is sqrt(C_ii) at grounded nodes; f must be zero at the others.
        """
        cdef int i, p, m = self.m
        self._write_sources()
        for p in range(PROBES):
            for i in range(m):
                self.scaled[p, i] = 0.0
                if self.c_matrix[i, i] < GROUNDED:
                    self.scaled[p, i] = self.normal[p, i] / sqrt(self.c_matrix[i, i])
        self._multiply()
        for i in range(m):
            self.residual[i] = SAFETY * sqrt(self.known[i] / PROBES)
        self.known_most = self._bound_by(self.residual, self.known)
        self.point_most = SAFETY * sqrt(self._size_at_points() / PROBES)
        # What the potential of the whole network itself leaves open.
        self._flow(self.phi, self.source)
        for i in range(m):
            self.residual[i] = fabs(self.source[i] - self.y_phi[i])
        self.lacking_most = self._bound_by(self.residual, self.lacking)

    cdef void _write_sources(self) noexcept nogil:
        """Columns of Y = 1 - L C into the rows of the heat matrix."""
        cdef int first = 0
        self.heat_of = -1
        while first < self.m:
            self._write_panel(first, min(PANEL, self.m - first))
            first += PANEL

    cdef void _write_panel(self, int first, int n) noexcept nogil:
        """The same for ``n`` columns; each bond is read once for all of them."""
        cdef int i, j, k, q, m = self.m
        cdef double g
        cdef double[PANEL] total
        cdef double *column[PANEL]
        cdef double* here
        cdef double* other
        # Side by side, in a row of their own: the probes have theirs, of which the first serves here.
        cdef double* panel = &self.scaled[0, 0]
        for q in range(PANEL):
            column[q] = &self.c_matrix[first + min(q, n - 1), 0]
        for i in range(m):
            for q in range(PANEL):
                panel[i * PANEL + q] = column[q][i]
        for i in range(m):
            here = panel + i * PANEL
            g = self.contact_g[0, i] + self.contact_g[1, i]
            for q in range(PANEL):
                total[q] = g * here[q]
            for k in range(self.degree[i]):
                g, other = self.link_g[i, k], panel + self.link[i, k] * PANEL
                for q in range(PANEL):
                    total[q] += g * (here[q] - other[q])
            for q in range(n):
                self.h_matrix[first + q, i] = (i == first + q) - total[q]

    cdef void _multiply(self) noexcept nogil:
        """Sums of the squares of R D z into ``known``, and S D z into ``wrong``."""
        cdef int i, p, m = self.m, ld = self.capacity, probes = PROBES
        cdef double zero = 0.0, unity = 1.0, top = self.top
        cdef char trans = b"N"
        self._times(self.c_matrix, self.scaled, self.answer, 0, PROBES)
        self._times(self.k_matrix, self.answer, self.wrong, 0, PROBES)
        for i in range(m):
            self.known[i] = 0.0
        self.top = 0.0
        for p in range(PROBES):
            self._flow(self.answer[p], self.residual)
            for i in range(m):
                self.known[i] += (self.scaled[p, i] - self.wrong[p, i] + self.residual[i]) ** 2
        self.top = top
        dgemm(&trans, &trans, &m, &probes, &m, &unity, &self.h_matrix[0, 0], &ld, &self.scaled[0, 0], &ld, &zero,
              &self.answer[0, 0], &ld)
        for p in range(PROBES):
            for i in range(m):
                self.wrong[p, i] = self.answer[p, i] - self.wrong[p, i]

    cdef double _size_at_points(self) noexcept nogil:
        """Largest sum of squares of what S D z makes at a point whose row is kept."""
        cdef int w, p, m = self.m, n = self.n_rows, ld = self.capacity, probes = PROBES
        cdef double zero = 0.0, unity = 1.0, total, most = 0.0
        cdef char trans = b"N", turned = b"T"
        if n == 0:
            return 0.0
        dgemm(&turned, &trans, &probes, &n, &m, &unity, &self.wrong[0, 0], &ld, &self.rows[0, 0], &ld, &zero,
              &self.seen[0, 0], &probes)
        for w in range(n):
            total = 0.0
            for p in range(PROBES):
                total += self.seen[w, p] ** 2
            most = max(most, total)
        return most

    cdef double _bound_by(self, double[::1] currents, double[::1] out) noexcept nogil:
        """C times currents that are not negative; the largest value."""
        cdef int i, m = self.m, ld = self.capacity, one = 1
        cdef double zero = 0.0, unity = 1.0, most = 0.0
        cdef char uplo = b"U"
        dsymv(&uplo, &m, &unity, &self.c_matrix[0, 0], &ld, &currents[0], &one, &zero, &out[0], &one)
        for i in range(m):
            most = max(most, out[i])
        return most
