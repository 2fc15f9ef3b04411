"""How well the inverse of a network is known, from a few products with it (compiled).

C is the computed inverse of K + L, with the slopes of laws at an operating point where one was taken up. Sources in the
background are taken by differences across bonds, f - L C f for currents f into the nodes; were C exact, they would be
K C f. What is wrong is

    R = 1 - L C - K C,

currents that nodes lack, and sources that belong to no potential, for a unit current into each node. In full that costs
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

from ._network_solver cimport NetworkSolver, NodePotentials
from ._readout cimport Readout
from ._symmetric cimport multiply
from ._tangent_network cimport TangentNetwork

cdef enum:
    PROBES = 32

cdef double SAFETY = 5.0       # of a length over the root mean square of the probes
cdef double GROUNDED = 1e-3


@cython.final
cdef class ErrorEstimate:
    """Bounds on the errors of the matrices of a network, from 32 random probes.

    Notes
    -----
    ==========================================  ==================================================
    symbol                                      attribute
    ==========================================  ==================================================
    z, D z, C D z, R D z                        ``normal``, ``scaled``, ``answer``, ``wrong``
    C |rows of R D|, its largest entry          ``known``, ``known_most``
    C |what nodes lack in phi|, largest entry   ``lacking``, ``lacking_most``
    |G R D| at points, the largest              ``point_most``
    ==========================================  ==================================================
    """

    def __init__(self, NetworkSolver solver, TangentNetwork tangent, Readout readout):
        self.network, self.solver, self.tangent, self.readout = solver.network, solver, tangent, readout
        self.normal, self.scaled, self.answer, self.wrong = np.zeros((4, 1, 1))
        self.seen = np.zeros((1, PROBES))
        self.known, self.lacking, self.residual, self.source = np.zeros((4, 1))

    cdef int make_room(self) except -1:
        """Follow the capacity of the network, and the points whose rows are kept."""
        cdef int capacity = self.network.capacity
        self.tangent.make_room()
        if self.known.shape[0] != capacity:
            # One generator for all boxes, filled node by node: what a node gets depends on its number alone.
            drawn = np.random.default_rng(1).standard_normal((capacity, PROBES))
            self.normal = np.ascontiguousarray(drawn.T)
            self.scaled, self.answer, self.wrong = np.zeros((3, PROBES, capacity))
            self.known, self.lacking, self.residual, self.source = np.zeros((4, capacity))
        if self.seen.shape[0] < self.readout.n_rows:
            self.seen = np.zeros((self.readout.n_rows + 128, PROBES))
        return 0

    cdef void measure(self, NodePotentials at, const double* open) noexcept nogil:
        """Measure the errors of the network that the tangents have taken up, after `make_room`: lengths and bounds.

        ``known`` is C times the lengths of the rows of R D: no current f moves a potential wrongly by more, times
        |D^-1 f|. D^-1 is sqrt(C_ii) at grounded nodes; f must be zero at the others.

        Parameters
        ----------
        at
            The potentials with all atoms.
        open
            Currents that each node may lack besides, in all networks; NULL for none.
        """
        cdef int i, p, m = self.network.m
        cdef double[:, ::1] c_matrix = self.tangent.c_matrix
        for p in range(PROBES):
            for i in range(m):
                self.scaled[p, i] = 0.0
                if c_matrix[i, i] < GROUNDED:
                    self.scaled[p, i] = self.normal[p, i] / sqrt(c_matrix[i, i])
        self._multiply()
        for i in range(m):
            self.residual[i] = SAFETY * sqrt(self.known[i] / PROBES)
        self.known_most = self._bound_by(self.residual, self.known)
        self.point_most = SAFETY * sqrt(self._size_at_points() / PROBES)
        # What the potential of the whole network itself leaves open.
        self.network.flow(&at.phi[0], at.top, &self.source[0])
        if self.tangent.point is not None:
            self.tangent.bonds.flow(&at.phi[0], at.top, &self.source[0])
        for i in range(m):
            self.residual[i] = fabs(self.source[i] - at.y_phi[i]) + (open[i] if open != NULL else 0.0)
        self.lacking_most = self._bound_by(self.residual, self.lacking)

    cdef void _multiply(self) noexcept nogil:
        """R D z into ``wrong``, and the sums of their squares into ``known``."""
        cdef int i, p, m = self.network.m
        self.solver.times(self.tangent.c_matrix, self.scaled, self.answer, PROBES)
        self.solver.times(self.solver.k_matrix, self.answer, self.wrong, PROBES)
        for i in range(m):
            self.known[i] = 0.0
        for p in range(PROBES):
            self.tangent.flow(&self.answer[p, 0], &self.residual[0])
            for i in range(m):
                self.wrong[p, i] = self.scaled[p, i] + self.residual[i] - self.wrong[p, i]
                self.known[i] += self.wrong[p, i] ** 2

    cdef double _size_at_points(self) noexcept nogil:
        """Largest sum of squares of what R D z makes at a point whose row is kept."""
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
        cdef int i, m = self.network.m
        cdef double most = 0.0
        multiply(m, self.network.capacity, &self.tangent.c_matrix[0, 0], &currents[0], &out[0])
        for i in range(m):
            most = max(most, out[i])
        return most
