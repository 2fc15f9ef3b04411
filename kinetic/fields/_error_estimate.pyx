"""How well the inverse of a network is known, from a few products with it (compiled).

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

cimport cython

import numpy as np

from libc.math cimport fabs, sqrt
from scipy.linalg.cython_blas cimport dgemm

from ._network_solver cimport LinearSolution, NetworkSolver
from ._readout cimport Readout

cdef enum:
    PROBES = 32
    PANEL = 8           # columns of C that are read together

cdef double SAFETY = 5.0       # of a length over the root mean square of the probes
cdef double GROUNDED = 1e-3


@cython.final
cdef class ErrorEstimate:
    """Bounds on the errors of the matrices of a solution, from 32 random probes.

    Notes
    -----
    ==========================================  ==================================================
    symbol                                      attribute
    ==========================================  ==================================================
    z, D z, C D z or Y D z, S D z               ``normal``, ``scaled``, ``answer``, ``wrong``
    Y = 1 - L C                                 ``y_matrix`` (columns in rows)
    C |rows of R D|, its largest entry          ``known``, ``known_most``
    C |what nodes lack in phi|, largest entry   ``lacking``, ``lacking_most``
    |G S D| at points, the largest              ``point_most``
    ==========================================  ==================================================
    """

    def __init__(self, NetworkSolver solver, Readout readout):
        self.network, self.solver, self.readout = solver.network, solver, readout
        self.normal, self.scaled, self.answer, self.wrong, self.y_matrix = np.zeros((5, 1, 1))
        self.seen = np.zeros((1, PROBES))
        self.known, self.lacking, self.residual, self.source = np.zeros((4, 1))

    cdef int make_room(self) except -1:
        """Follow the capacity of the network, and the points whose rows are kept."""
        cdef int capacity = self.network.capacity
        if self.known.shape[0] != capacity:
            # One generator for all boxes, filled node by node: what a node gets depends on its number alone.
            drawn = np.random.default_rng(1).standard_normal((capacity, PROBES))
            self.normal = np.ascontiguousarray(drawn.T)
            self.scaled, self.answer, self.wrong = np.zeros((3, PROBES, capacity))
            self.known, self.lacking, self.residual, self.source = np.zeros((4, capacity))
            self.y_matrix = np.zeros((capacity, capacity))
        if self.seen.shape[0] < self.readout.n_rows:
            self.seen = np.zeros((self.readout.n_rows + 128, PROBES))
        return 0

    cdef void measure(self, LinearSolution solution) noexcept nogil:
        """Measure the errors of a present solution, after `make_room`: Y, lengths of rows, and bounds.

        ``known`` is C times the lengths of the rows of R D: no current f moves a potential wrongly by more, times
        |D^-1 f|. D^-1 is sqrt(C_ii) at grounded nodes; f must be zero at the others.
        """
        cdef int i, p, m = self.network.m
        self._write_sources()
        for p in range(PROBES):
            for i in range(m):
                self.scaled[p, i] = 0.0
                if self.solver.c_matrix[i, i] < GROUNDED:
                    self.scaled[p, i] = self.normal[p, i] / sqrt(self.solver.c_matrix[i, i])
        self._multiply()
        for i in range(m):
            self.residual[i] = SAFETY * sqrt(self.known[i] / PROBES)
        self.known_most = self._bound_by(self.residual, self.known)
        self.point_most = SAFETY * sqrt(self._size_at_points() / PROBES)
        # What the potential of the whole network itself leaves open.
        self.network.flow(&solution.potentials.phi[0], solution.potentials.top, &self.source[0])
        for i in range(m):
            self.residual[i] = fabs(self.source[i] - solution.potentials.y_phi[i])
        self.lacking_most = self._bound_by(self.residual, self.lacking)

    cdef void _write_sources(self) noexcept nogil:
        """Columns of Y = 1 - L C into the rows of ``y_matrix``."""
        cdef int first = 0
        while first < self.network.m:
            self._write_panel(first, min(PANEL, self.network.m - first))
            first += PANEL

    cdef void _write_panel(self, int first, int n) noexcept nogil:
        """The same for ``n`` columns; each bond is read once for all of them."""
        cdef int i, k, q, m = self.network.m
        cdef double g
        cdef double[PANEL] total
        cdef double *column[PANEL]
        cdef double* here
        cdef double* other
        # Side by side, in a row of their own: the probes have theirs, of which the first serves here.
        cdef double* panel = &self.scaled[0, 0]
        for q in range(PANEL):
            column[q] = &self.solver.c_matrix[first + min(q, n - 1), 0]
        for i in range(m):
            for q in range(PANEL):
                panel[i * PANEL + q] = column[q][i]
        for i in range(m):
            here = panel + i * PANEL
            g = self.network.contact_g[0, i] + self.network.contact_g[1, i]
            for q in range(PANEL):
                total[q] = g * here[q]
            for k in range(self.network.degree[i]):
                g, other = self.network.link_g[i, k], panel + self.network.link[i, k] * PANEL
                for q in range(PANEL):
                    total[q] += g * (here[q] - other[q])
            for q in range(n):
                self.y_matrix[first + q, i] = (i == first + q) - total[q]

    cdef void _multiply(self) noexcept nogil:
        """Sums of the squares of R D z into ``known``, and S D z into ``wrong``."""
        cdef int i, p, m = self.network.m, ld = self.network.capacity, probes = PROBES
        cdef double zero = 0.0, unity = 1.0
        cdef char trans = b"N"
        self.solver.times(self.solver.c_matrix, self.scaled, self.answer, PROBES)
        self.solver.times(self.solver.k_matrix, self.answer, self.wrong, PROBES)
        for i in range(m):
            self.known[i] = 0.0
        for p in range(PROBES):
            self.network.flow(&self.answer[p, 0], 0.0, &self.residual[0])
            for i in range(m):
                self.known[i] += (self.scaled[p, i] - self.wrong[p, i] + self.residual[i]) ** 2
        dgemm(&trans, &trans, &m, &probes, &m, &unity, &self.y_matrix[0, 0], &ld, &self.scaled[0, 0], &ld, &zero,
              &self.answer[0, 0], &ld)
        for p in range(PROBES):
            for i in range(m):
                self.wrong[p, i] = self.answer[p, i] - self.wrong[p, i]

    cdef double _size_at_points(self) noexcept nogil:
        """Largest sum of squares of what S D z makes at a point whose row is kept."""
        cdef int w, p, m = self.network.m, n = self.readout.n_rows, ld = self.network.capacity, probes = PROBES
        cdef double zero = 0.0, unity = 1.0, total, most = 0.0
        cdef char trans = b"N", turned = b"T"
        if n == 0:
            return 0.0
        dgemm(&turned, &trans, &probes, &n, &m, &unity, &self.wrong[0, 0], &ld, &self.readout.rows[0, 0], &ld, &zero,
              &self.seen[0, 0], &probes)
        for w in range(n):
            total = 0.0
            for p in range(PROBES):
                total += self.seen[w, p] ** 2
            most = max(most, total)
        return most

    cdef double _bound_by(self, double[::1] currents, double[::1] out) noexcept nogil:
        """C times currents that are not negative; the largest value."""
        cdef int i
        cdef double most = 0.0
        self.solver.times_c(&currents[0], &out[0])
        for i in range(self.network.m):
            most = max(most, out[i])
        return most
