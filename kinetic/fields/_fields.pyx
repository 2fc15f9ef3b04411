"""Exact conduction and heat of a set of defects on a uniform background lattice (compiled).

With K the inverse of the lattice Green's function on the conducting defects (nodes), L the Laplacian of
their bonds (see :class:`Wiring`) and b the contacts, (K + L) phi = K phi0 + b holds for the whole lattice [1]_.
Everything is solved at 1 V: a linear network scales.

.. [1] B. L. Buzbee et al., SIAM J. Numer. Anal. 8, 722 (1971), doi:10.1137/0708066.
"""

import numpy as np

from libc.math cimport fabs
from libc.string cimport memset
from scipy.linalg.cython_blas cimport daxpy, ddot, dsymm, dsymv, dsyr
from scipy.linalg.cython_lapack cimport dpotrf, dpotri, dpotrs

from ._wiring cimport Wiring

CONVERGED, TOLERATED = 1e-14, 1e-9
cdef int MOST_STEPS = 20
cdef int DENSE_GAIN = 8    # terms of a product of matrices in the time of one of a sum of rows

cdef enum:
    # K is kept from one solution to the next where this many nodes conduct, for so many times, and if no more than so
    # many have come and so many gone
    KEPT_FROM = 150
    KEPT_TIMES = 100
    MOST_CHANGES = 8
    TILE = 32           # rows and columns of a matrix that are turned over together
cdef double KEPT_ERROR = 1e-12   # of a column of K G: beyond it K is made afresh


cdef class Fields(Wiring):
    """Conduction and heat of a set of defects at 1 V.

    Parameters
    ----------
    shape, green, pair_conductance, contact
        As of :class:`Wiring`; the table also gives the potential of the empty background.
    background : float
        Conductance of one background bond, S.
    charge : float
        Charge number of an isolated vacancy.
    coulomb : float
        e / (eps a), V: potential scale of one elementary charge on the lattice.
    charge_transition : float
        Energy of a vacancy in its isolated, charged state, eV.
    heat : float
        1 / (kappa a), K/W: temperature scale of one watt on the lattice.
    wiedemann_franz : float
        L0 T_ref x background / (kappa a): heat conductance of a bond over its electrical one, both in
        units of their background bonds.

    Notes
    -----
    The heat of the background's own current is left out: it is below 1e-6 of the total once a node conducts.
    """

    def __init__(self, shape, green, pair_conductance, contact, double background, double charge, double coulomb,
                 double charge_transition, double heat, double wiedemann_franz, pair_law=None, contact_law=None):
        Wiring.__init__(self, shape, green, pair_conductance, contact, pair_law, contact_law)
        self.unit = np.ascontiguousarray(green.background(0.0, 1.0), dtype=np.float64)
        self.background, self.charge, self.coulomb = background, charge, coulomb
        self.charge_transition, self.heat, self.wiedemann_franz = charge_transition, heat, wiedemann_franz

    cdef int grow(self, int capacity) except -1:
        """Make room for this many vacancies."""
        if capacity <= self.capacity:
            return 0
        Wiring.grow(self, capacity)
        capacity = self.capacity
        self.k_matrix = self.kept_matrix = np.zeros((capacity, capacity))
        self.spare_matrix = np.zeros((1, 1))
        self.kept_node, self.old_place = np.zeros((2, capacity), np.intc)
        self.kept_m = 0
        self.c_matrix = np.zeros((capacity, capacity))
        self.h_matrix = np.zeros((capacity, capacity))
        rows = np.zeros((8, capacity))
        self.phi, self.y_phi, self.theta, self.y_theta = rows[0], rows[1], rows[2], rows[3]
        self.diagonal, self.source, self.residual, self.node_power = rows[4], rows[5], rows[6], rows[7]
        return 0

    # ---------------------------------------------------------------- solve

    def solve(self, const int[::1] vacancies, bint keep=False):
        """Solve conduction and heat at 1 V for vacancies at these host sites (ascending).

        Parameters
        ----------
        vacancies : (n,) int32
        keep : bool
            Change the K of the last solution that was kept, and keep the present one: in large networks last digits
            then depend on these. Without it they do not, and what is kept stays.

        Raises
        ------
        ArithmeticError
            The matrix is not positive definite in double precision, or the potential does not settle.
        """
        cdef int n = vacancies.shape[0], info
        self.grow(n)
        if self.kept_m and not keep and self.spare_matrix.shape[0] != self.capacity:
            self.spare_matrix = np.zeros((self.capacity, self.capacity))
        self.top, self.bent = 1.0, False
        self.solution += 1
        with nogil:
            self._classify(vacancies, n)
            self._wire()
            info = self._solve(keep)
        if info:
            self.kept_m = 0
            found = f"does not settle below {TOLERATED} V" if info == UNSETTLED else "is not positive definite"
            raise ArithmeticError(
                f"the field matrix of {self.m} conducting defects {found}: the contrast between bonds and "
                "background is too large for double precision, allowed up to about 1e12"
            )

    def drop_kept(self):
        """Make K afresh at the next solution."""
        self.kept_m = 0

    cdef int _solve(self, bint keep) noexcept nogil:
        """Potential of the nodes by a fresh Cholesky factorisation, refined until it settles; C and heat."""
        cdef int m = self.m, ld = self.capacity, i, j, k, info = 0, one = 1, step, zi
        cdef double change = 0.0, current = 0.0
        cdef char uplo = b"U"  # Fortran's upper triangle is the lower one of our rows
        # The empty background alone: what is left where nothing conducts.
        self.conductance = self.background * self.nx * self.ny * self.unit[0]
        self.heat_max = 0.0
        self.solver_error = 0.0
        if m == 0:
            return 0
        info = self._invert(keep)
        if info:
            return info
        # K + L: L holds each node's bonds on the diagonal, minus each bond off it.
        for i in range(m):
            self.diagonal[i] = self.contact_g[0, i] + self.contact_g[1, i]
            for k in range(self.degree[i]):
                self.diagonal[i] += self.link_g[i, k]
            for j in range(i + 1):
                self.c_matrix[i, j] = self.k_matrix[i, j]
            self.c_matrix[i, i] += self.diagonal[i]
            for k in range(self.degree[i]):
                j = self.link[i, k]
                if j < i:
                    self.c_matrix[i, j] -= self.link_g[i, k]
        # One factorisation serves every correction below; K + L is positive definite as the sum of two such.
        dpotrf(&uplo, &m, &self.c_matrix[0, 0], &ld, &info)
        if info:
            return info
        for i in range(m):
            self.phi[i] = self.unit[self.sz[self.node[i]]]
        # The residual is taken by differences across bonds, which do not cancel, so that a few corrections
        # reach rounding even where L is 1e12 times K.
        for step in range(MOST_STEPS):
            self._drawn(self.phi, self.residual, True)
            self._flow(self.phi, self.source)
            for i in range(m):
                self.residual[i] = self.source[i] - self.residual[i]
            dpotrs(&uplo, &m, &one, &self.c_matrix[0, 0], &ld, &self.residual[0], &ld, &info)
            change = 0.0
            for i in range(m):
                self.phi[i] += self.residual[i]
                change = max(change, fabs(self.residual[i]))
            if step > 0 and change <= CONVERGED:
                break
        # Two corrections at least: the first is the solution itself.
        self.solver_error = change
        if not change <= TOLERATED:
            return UNSETTLED
        # Out of the top electrode: through its contacts, less the share unit[z] of each node's source that the
        # background leads back to it, by reciprocity.
        self._drawn(self.phi, self.y_phi, True)
        for i in range(m):
            zi = self.sz[self.node[i]]
            current += self.contact_g[1, i] * (1.0 - self.phi[i]) - self.y_phi[i] * self.unit[zi]
        self.conductance += self.background * current
        # C itself, for the networks without a moving atom; LAPACK fills one triangle.
        dpotri(&uplo, &m, &self.c_matrix[0, 0], &ld, &info)
        if info:
            return info
        self._mirror()
        return self._solve_heat()

    cdef void _mirror(self) noexcept nogil:
        """Fill the upper triangle of C, tile by tile: whole columns at once would miss the cache at each entry."""
        cdef int i, j, first = 0, start, last, m = self.m
        while first < m:
            last = min(first + TILE, m)
            start = 0
            while start < last:
                for i in range(first, last):
                    for j in range(start, min(start + TILE, i)):
                        self.c_matrix[j, i] = self.c_matrix[i, j]
                start += TILE
            first = last

    # ---------------------------------------------------------------- K

    cdef int _invert(self, bint keep) noexcept nogil:
        """K between the nodes, the lower triangle, which is all that anyone reads."""
        cdef int i, info
        if self.kept_m and not keep:
            self.k_matrix = self.spare_matrix
            return self._invert_afresh()
        if keep and self._change_kept():
            self.k_matrix = self.kept_matrix
            return 0
        self.k_matrix, self.kept_m = self.kept_matrix, 0
        info = self._invert_afresh()
        if info == 0 and keep and self.m >= KEPT_FROM:
            self.kept_m, self.kept_times = self.m, 0
            for i in range(self.m):
                self.kept_node[i] = self.node[i]
        return info

    cdef int _invert_afresh(self) noexcept nogil:
        """The inverse of G between the nodes; G is positive definite, so Cholesky needs no pivots."""
        cdef int m = self.m, ld = self.capacity, i, info = 0
        cdef char uplo = b"U"
        for i in range(m):
            self.row(self.node[i], i + 1, &self.k_matrix[i, 0])
        dpotrf(&uplo, &m, &self.k_matrix[0, 0], &ld, &info)
        if info == 0:
            dpotri(&uplo, &m, &self.k_matrix[0, 0], &ld, &info)
        return info

    cdef bint _change_kept(self) noexcept nogil:
        """Change the K that is kept to that of the present nodes, one rank for each that came or went; whether it is.

        Bonds have no part in it, so that no contrast does: errors stay at 1e-15 over hundreds of changes.
        """
        cdef int i = 0, j = 0, k, n_gone = 0, n_come = 0
        cdef int[MOST_CHANGES] gone, come
        if self.kept_m == 0 or self.m < KEPT_FROM:
            return False
        # Both lists ascend.
        while i < self.kept_m or j < self.m:
            if j == self.m or (i < self.kept_m and self.kept_node[i] < self.node[j]):
                if n_gone == MOST_CHANGES:
                    return False
                gone[n_gone] = i
                n_gone, i = n_gone + 1, i + 1
            elif i == self.kept_m or self.node[j] < self.kept_node[i]:
                if n_come == MOST_CHANGES:
                    return False
                come[n_come], self.old_place[j] = j, -1
                n_come, j = n_come + 1, j + 1
            else:
                self.old_place[j] = i
                i, j = i + 1, j + 1
        if n_gone + n_come == 0:
            return True
        if self.kept_times >= KEPT_TIMES:
            return False
        for k in range(n_gone):
            self._take_out(gone[k])
        self._lay_out()
        for k in range(n_come):
            if not self._put_in(come[k]):
                return False
        self.kept_times += 1
        return True

    cdef void _take_out(self, int s) noexcept nogil:
        """Let the node at place ``s`` float in the background: K - K_s K_s' / K_ss, whose row and column s are zero."""
        cdef int i, m = self.kept_m, ld = self.capacity, one = 1
        cdef double share = -1.0 / self.kept_matrix[s, s]
        cdef char uplo = b"U"
        for i in range(m):
            self.source[i] = self.kept_matrix[s, i] if i <= s else self.kept_matrix[i, s]
        dsyr(&uplo, &m, &share, &self.source[0], &one, &self.kept_matrix[0, 0], &ld)

    cdef void _lay_out(self) noexcept nogil:
        """Order what is kept by the present nodes, those that came at zero; the heat matrix serves and is spoiled."""
        cdef int i, j, at
        for i in range(self.m):
            at = self.old_place[i]
            for j in range(i + 1):
                self.h_matrix[i, j] = 0.0
                if at >= 0 and self.old_place[j] >= 0:
                    self.h_matrix[i, j] = self.kept_matrix[at, self.old_place[j]]
            self.kept_node[i] = self.node[i]
        self.k_matrix, self.kept_m, self.heat_of = self.h_matrix, self.m, -1
        self.h_matrix = self.kept_matrix
        self.kept_matrix = self.k_matrix

    cdef bint _put_in(self, int t) noexcept nogil:
        """Hold the node at place ``t``, too: K + v v' / s with v = K g - e_t, s = G_tt - g' K g; whether K g = e_t then."""
        cdef int i, m = self.m, ld = self.capacity, one = 1
        cdef double zero = 0.0, unity = 1.0, share
        cdef char uplo = b"U"
        self.row(self.node[t], m, &self.source[0])
        dsymv(&uplo, &m, &unity, &self.kept_matrix[0, 0], &ld, &self.source[0], &one, &zero, &self.residual[0], &one)
        share = self.source[t] - ddot(&m, &self.source[0], &one, &self.residual[0], &one)
        if not share > 0.0:
            return False
        self.residual[t] -= 1.0
        share = 1.0 / share
        dsyr(&uplo, &m, &share, &self.residual[0], &one, &self.kept_matrix[0, 0], &ld)
        dsymv(&uplo, &m, &unity, &self.kept_matrix[0, 0], &ld, &self.source[0], &one, &zero, &self.residual[0], &one)
        self.residual[t] -= 1.0
        for i in range(m):
            if not fabs(self.residual[i]) <= KEPT_ERROR:
                return False
        return True

    # ---------------------------------------------------------------- currents and products

    cdef void _flow(self, double[::1] value, double[::1] out) noexcept nogil:
        """Current that bonds and contacts bring into each node, by differences (no cancellation)."""
        cdef int i, k
        cdef double total
        for i in range(self.m):
            total = self.contact_g[1, i] * (self.top - value[i]) - self.contact_g[0, i] * value[i]
            for k in range(self.degree[i]):
                total += self.link_g[i, k] * (value[self.link[i, k]] - value[i])
            out[i] = total

    cdef void _drawn(self, double[::1] value, double[::1] drawn, bint biased) noexcept nogil:
        """Sources in the background that hold the nodes at ``value``: y = K (value - background)."""
        cdef int m = self.m, ld = self.capacity, one = 1, i
        cdef double zero = 0.0, unity = 1.0
        cdef char uplo = b"U"
        for i in range(m):
            self.source[i] = value[i] - (self.top * self.unit[self.sz[self.node[i]]] if biased else 0.0)
        dsymv(&uplo, &m, &unity, &self.k_matrix[0, 0], &ld, &self.source[0], &one, &zero, &drawn[0], &one)

    cdef void _times(self, double[:, ::1] matrix, double[:, ::1] columns, double[:, ::1] out, int first,
                     int n) noexcept nogil:
        """Symmetric matrix times ``n`` columns from ``first``."""
        cdef int m = self.m, ld = self.capacity, one = 1
        cdef double zero = 0.0, unity = 1.0
        cdef char uplo = b"U", side = b"L"
        # For one column dsymm would copy the whole matrix first.
        if n == 1:
            dsymv(&uplo, &m, &unity, &matrix[0, 0], &ld, &columns[first, 0], &one, &zero, &out[first, 0], &one)
            return
        dsymm(&side, &uplo, &m, &n, &unity, &matrix[0, 0], &ld, &columns[first, 0], &ld, &zero, &out[first, 0], &ld)

    cdef void _respond(self, double[:, ::1] sources, double[:, ::1] out, int n) noexcept nogil:
        """C times ``n`` columns that are zero but at a few nodes: row by row where that is less work."""
        cdef int m = self.m, one = 1, c, i
        cdef long terms = 0
        for c in range(n):
            for i in range(m):
                terms += sources[c, i] != 0.0
        if DENSE_GAIN * terms > <long>n * m:
            self._times(self.c_matrix, sources, out, 0, n)
            return
        for c in range(n):
            memset(&out[c, 0], 0, m * sizeof(double))
            for i in range(m):
                if sources[c, i] != 0.0:
                    daxpy(&m, &sources[c, i], &self.c_matrix[i, 0], &one, &out[c, 0], &one)

    cdef int _solve_heat(self) noexcept nogil:
        """Temperature rise at 1 V: bond powers as sources, bonds conducting by Wiedemann and Franz."""
        cdef int m = self.m, i, k, info = self._factor_heat()
        cdef double p, drop
        if info:
            return info
        # Half of a bond's power at either end, half of a contact's in the electrode.
        for i in range(m):
            p = self.contact_g[0, i] * self.phi[i] * self.phi[i]
            p += self.contact_g[1, i] * (1.0 - self.phi[i]) * (1.0 - self.phi[i])
            for k in range(self.degree[i]):
                drop = self.phi[i] - self.phi[self.link[i, k]]
                p += self.link_g[i, k] * drop * drop
            self.node_power[i] = 0.5 * p * self.background
        info = self._warm()
        for i in range(m):
            self.heat_max = max(self.heat_max, self.theta[i])
        return info

    cdef int _factor_heat(self) noexcept nogil:
        """Factor K + L for heat: bonds conduct it by Wiedemann and Franz, in proportion to their slope at 0 V."""
        cdef int m = self.m, ld = self.capacity, i, j, k, info = 0
        cdef char uplo = b"U"
        for i in range(m):
            for j in range(i + 1):
                self.h_matrix[i, j] = self.k_matrix[i, j]
            self.h_matrix[i, i] += self.wiedemann_franz * self.diagonal[i]
            for k in range(self.degree[i]):
                j = self.link[i, k]
                if j < i:
                    self.h_matrix[i, j] -= self.wiedemann_franz * self.link_g[i, k]
        dpotrf(&uplo, &m, &self.h_matrix[0, 0], &ld, &info)
        self.heat_of = self.solution
        return info

    cdef int _warm(self) noexcept nogil:
        """Temperature rise of the nodes for the power at each (``node_power``), and its sources."""
        cdef int m = self.m, ld = self.capacity, i, info = 0, one = 1
        cdef char uplo = b"U"
        for i in range(m):
            self.theta[i] = self.node_power[i] * self.heat
        # Heat needs no refinement: the contrast between bonds and background is small for heat.
        dpotrs(&uplo, &m, &one, &self.h_matrix[0, 0], &ld, &self.theta[0], &ld, &info)
        self._drawn(self.theta, self.y_theta, False)
        return info

    # ---------------------------------------------------------------- read-out

    def potential_at(self, const int[::1] sites):
        """Potential (V) at some host sites, at 1 V."""
        cdef int s, i
        phi = np.zeros(sites.shape[0])
        cdef double[::1] view = phi
        for s in range(sites.shape[0]):
            view[s] = self.top * self.unit[self.sz[sites[s]]]
            for i in range(self.m):
                view[s] += self.g(sites[s], self.node[i]) * self.y_phi[i]
        return phi

    def maps(self):
        """Potential (V) and temperature rise (K) at every host site, at 1 V."""
        cdef int s, i
        cdef double value, potential, rise
        phi, theta = np.zeros((2, self.n_hosts))
        cdef double[::1] phi_view = phi, theta_view = theta
        with nogil:
            for s in range(self.n_hosts):
                potential = self.top * self.unit[self.sz[s]]
                rise = 0.0
                for i in range(self.m):
                    value = self.g(s, self.node[i])
                    potential += value * self.y_phi[i]
                    rise += value * self.y_theta[i]
                phi_view[s] = potential
                theta_view[s] = rise
        return phi, theta

    def nodes(self):
        """Host sites that conduct, their potential (V) and temperature rise (K) at 1 V."""
        m = self.m
        return np.array(self.node[:m]), np.array(self.phi[:m]), np.array(self.theta[:m])

    def bonds(self):
        """Every bond once: nodes' host sites (-1 bottom, -2 top electrode) and conductance (S)."""
        rows = []
        for i in range(self.m):
            for k in range(self.degree[i]):
                if self.link[i, k] < i:
                    rows.append((self.node[i], self.node[self.link[i, k]], self.link_g[i, k] * self.background))
            for side in range(2):
                if self.contact_g[side, i] > 0.0:
                    rows.append((self.node[i], -1 - side, self.contact_g[side, i] * self.background))
        return rows

    def power(self):
        """Joule power in bonds and contacts at 1 V (W)."""
        cdef int i
        cdef double p = 0.0
        for i in range(self.m):
            p += self.node_power[i] + 0.5 * self.background * (
                self.contact_g[0, i] * self.phi[i] ** 2 + self.contact_g[1, i] * (1.0 - self.phi[i]) ** 2)
        return p
