"""The whole network with the slopes that its bonds have at one voltage of the top electrode (compiled).

Near an operating point a bond with a law conducts by its slope i'(u) there, which exceeds that at 0 V by d = i'(u) - g.
With E a column for each of these bonds, C0 = (K + L0)^-1 of the slopes at 0 V and S0 = E' C0 E,

    C = (K + L0 + E d E')^-1 = C0 - C0 E d E' C,    E' C = (1 + S0 d)^-1 E' C0,

products of a thin matrix with as many columns as there are such bonds. About the same point the slopes at 0 V serve
too: then d is zero, and all that bonds carry beyond them is left to Newton's method (see `LawsWithout`).
"""

cimport cython

import numpy as np

from libc.string cimport memcpy
from scipy.linalg.cython_blas cimport dgemm

from ._network_solver cimport NetworkSolver
from ._operating_point cimport drop_over, OperatingPoint
from ._small_lu cimport solve_small

cdef enum:
    TILE = 32           # rows and columns of a matrix that are read together
    PANEL = 8           # hopping atoms whose sources are summed together


@cython.final
cdef class TangentNetwork:
    """Inverse of the whole network at the slopes that hold at a voltage, or at those of 0 V about the same point.

    Notes
    -----
    =========================================  =====================================================
    symbol                                     attribute
    =========================================  =====================================================
    C = (K + L)^-1                             ``c_matrix``: the solver's own where slopes are those at 0 V
    i'(u) / g of the slopes taken; d           ``share``; ``slope``
    E' C                                       ``bond_voltage`` (a row for each node)
    S = E' C E                                 ``coupling``
    =========================================  =====================================================
    """

    def __init__(self, NetworkSolver solver):
        self.solver, self.network = solver, solver.network
        self.own_matrix, self.bond_voltage, self.bond_row, self.coupling = np.zeros((4, 1, 1))
        self.share, self.slope, self.panel = np.zeros((3, 1))
        self.c_matrix = self.own_matrix

    cdef int take_rest(self) except -1:
        """Take up the network of the slopes at 0 V, which the solver has inverted."""
        self.point, self.bonds, self.k, self.steep = None, None, 0, False
        self.c_matrix = self.solver.c_matrix
        return 0

    cdef int take(self, OperatingPoint point, bint steep) except -1:
        """Take up an operating point, and the slopes of laws there (``steep``) or those at 0 V."""
        cdef int l
        self.point, self.bonds, self.k, self.steep = point, point.bonds, point.bonds.n, steep
        self.c_matrix = self.solver.c_matrix
        if self.k == 0:
            return 0
        self._room(self.k)
        if steep:
            self.c_matrix = self.own_matrix
        with nogil:
            for l in range(self.k):
                self.share[l] = point.tangent[l] if steep else 1.0
                self.slope[l] = self.bonds.g[l] * (self.share[l] - 1.0)
            self._write_bond_voltages()
            if steep:
                self._update()
            self._couple()
        return 0

    cdef int _room(self, int k) except -1:
        """Make room for ``k`` bonds with a law; rows have exactly as many numbers, so that products run over them."""
        cdef int capacity = self.network.capacity
        if self.own_matrix.shape[0] != capacity:
            self.own_matrix = np.zeros((capacity, capacity))
        if self.bond_voltage.shape[0] != capacity or self.bond_voltage.shape[1] != k:
            self.bond_voltage, self.bond_row = np.zeros((capacity, k)), np.zeros((k, capacity))
            self.coupling = np.zeros((k, k))
        if self.slope.shape[0] < k:
            self.share, self.slope = np.zeros((2, 2 * k))
        return 0

    cdef void _write_bond_voltages(self) noexcept nogil:
        """E' C of the slopes at 0 V, by bond and by node."""
        cdef int i, l, m = self.network.m, first = 0, other
        cdef double[:, ::1] at_rest = self.solver.c_matrix
        for l in range(self.k):
            for i in range(m):
                self.bond_row[l, i] = at_rest[self.bonds.a[l], i]
            if self.bonds.b[l] >= 0:
                for i in range(m):
                    self.bond_row[l, i] -= at_rest[self.bonds.b[l], i]
        # Turned tile by tile: whole columns at once would miss the cache at each entry.
        while first < m:
            other = min(first + TILE, m)
            for l in range(self.k):
                for i in range(first, other):
                    self.bond_voltage[i, l] = self.bond_row[l, i]
            first = other

    cdef void _update(self) noexcept nogil:
        """E' C by the factors of 1 + S0 d that the operating point has, node by node; then C."""
        cdef int i, l, k = self.k, m = self.network.m, ld = self.network.capacity
        cdef double minus = -1.0, unity = 1.0
        cdef char trans = b"N"
        solve_small(k, m, &self.point.matrix[0], &self.point.pivot[0], &self.bond_voltage[0, 0])
        for l in range(k):
            for i in range(m):
                self.bond_row[l, i] *= self.slope[l]
        for i in range(m):
            memcpy(&self.own_matrix[i, 0], &self.solver.c_matrix[i, 0], m * sizeof(double))
        dgemm(&trans, &trans, &m, &m, &k, &minus, &self.bond_row[0, 0], &ld, &self.bond_voltage[0, 0], &k, &unity,
              &self.own_matrix[0, 0], &ld)

    cdef void _couple(self) noexcept nogil:
        """S from rows of C' E."""
        cdef int j, l
        for l in range(self.k):
            for j in range(self.k):
                self.coupling[l, j] = self.bond_voltage[self.bonds.a[l], j]
            if self.bonds.b[l] >= 0:
                for j in range(self.k):
                    self.coupling[l, j] -= self.bond_voltage[self.bonds.b[l], j]

    cdef void follow(self, double[:, ::1] beyond, int first, int n, double[:, ::1] out) noexcept nogil:
        """Add -C E y to ``n`` rows of ``out`` from the first on, y a row of ``beyond`` with as many numbers as bonds.

        By E' C, which is there: from sources at the ends of all of these bonds it would be a product with all of C.
        """
        cdef int k = self.k, m = self.network.m, ld = self.network.capacity
        cdef double minus = -1.0, unity = 1.0
        cdef char trans = b"N", turned = b"T"
        if k and n:
            dgemm(&turned, &trans, &m, &n, &k, &minus, &self.bond_voltage[0, 0], &k, &beyond[first, 0], &k, &unity,
                  &out[first, 0], &ld)

    # ---------------------------------------------------------------- sources by differences across bonds

    cdef int make_room(self) except -1:
        """Make room for the potentials of a panel."""
        if self.panel.shape[0] != PANEL * self.network.capacity:
            self.panel = np.zeros(PANEL * self.network.capacity)
        return 0

    cdef void flow(self, const double* value, double* out) noexcept nogil:
        """Current -L value into each node by the slopes that were taken up, electrodes at 0 V."""
        cdef int l
        cdef double y
        self.network.flow(value, 0.0, out)
        for l in range(self.k):
            y = self.slope[l] * drop_over(value, self.bonds.a[l], self.bonds.b[l], 0.0)
            out[self.bonds.a[l]] -= y
            if self.bonds.b[l] >= 0:
                out[self.bonds.b[l]] += y

    cdef void draw(self, const int* atoms, int n, const double* all, double[:, ::1] sources, double[:, ::1] beyond,
                   double[:, ::1] shift, double[:, ::1] out) noexcept nogil:
        """Sources y + f - L C f in the background without each of ``n`` hopping atoms.

        Parameters
        ----------
        all
            y, the sources with all atoms.
        sources, beyond
            f by hopping atom and node, less E times the currents of bonds with laws (none where there are none).
        shift
            C f by hopping atom, as it was found.
        out
            By hopping atom.
        """
        cdef int first = 0
        while first < n:
            self._draw_panel(atoms + first, min(n - first, <int>PANEL), all, sources, beyond, shift, out)
            first += PANEL

    cdef void _draw_panel(self, const int* atoms, int n, const double* all, double[:, ::1] sources,
                          double[:, ::1] beyond, double[:, ::1] shift, double[:, ::1] out) noexcept nogil:
        """The same for a panel; each bond is read once for all of it."""
        cdef int i, j, k, l, q, m = self.network.m
        cdef double g, y
        cdef double[PANEL] total
        cdef double* here
        cdef double* other
        cdef double* panel = &self.panel[0]
        for q in range(PANEL):
            here = &shift[atoms[min(q, n - 1)], 0]
            for i in range(m):
                panel[i * PANEL + q] = here[i]
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
                out[atoms[q], i] = all[i] + sources[atoms[q], i] - total[q]
        for l in range(self.k):
            i, j = self.bonds.a[l], self.bonds.b[l]
            for q in range(n):
                y = panel[i * PANEL + q] - (panel[j * PANEL + q] if j >= 0 else 0.0)
                y = self.slope[l] * y + beyond[atoms[q], l]
                out[atoms[q], i] -= y
                if j >= 0:
                    out[atoms[q], j] += y
