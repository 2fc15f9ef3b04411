"""The network without one of its conducting defects, for every defect that may move (compiled).

Neither the bonds of the moving atom nor the neighbours that conduct only beside it are there, and bonds that
it hid appear. With E those bonds (g > 0 leaves, g < 0 appears), C = (K + L)^-1 and T = diag(1/g) - E' C E,

    phi' = phi + C E T^-1 (E' phi - v).

Each moving atom's residual, built from differences across bonds, gives a rigorous bound on the error of its
potentials; where that exceeds 3e-8 V at 1 V (everywhere when asked, ``refine``) it is refined until it
settles, and solved afresh if it does not.
"""

import numpy as np

from libc.math cimport fabs, sqrt
from libc.string cimport memset
from scipy.linalg.cython_blas cimport ddot, dsymm, dsymv
from scipy.linalg.cython_lapack cimport dgetrf, dgetrs, dpotrf, dpotrs

from ._fields cimport TOLERATED, UNSETTLED
from ._operating cimport between_bonds
from ._points cimport Points

SETTLED, LOOSE = 1e-13, 3e-8
cdef int MOST_STEPS = 20


cdef class Removal(Points):
    """Fields that also know the potential without each moving atom; made with the arguments of :class:`Points`."""

    def __init__(self, *args, **laws):
        Points.__init__(self, *args, **laws)
        n = self.n_hosts
        self.moving_number = np.zeros(n, np.intc)
        self.moving, self.gone, self.leaving, self.start, self.lu_start = np.zeros((5, 1), np.intc)
        self.star_sum, self.shift, self.drawn = np.zeros((3, 1, 1))
        self._room_for_edges(1024, 1024)
        self.largest_green = np.max(self.table) * (4.0 if self.images else 1.0)
        self.refine = False

    # ---------------------------------------------------------------- room

    cdef int make_room(self) except -1:
        """Follow the capacity of the fields."""
        if self.moving.shape[0] != self.capacity:
            self.moving, self.gone, self.leaving = np.zeros((3, self.capacity), np.intc)
            self.start, self.lu_start = np.zeros((2, self.capacity + 1), np.intc)
        return 0

    cdef int remove_each(self, int n_moving) except -1:
        """Solve the network without each of the listed moving atoms, at every wanted point.

        Raises
        ------
        ArithmeticError
            The contrast is too large for double precision.
        """
        cdef int info
        cdef long n_edges, n_lu
        # Count first, so that no memory is asked for while the interpreter is released.
        self.room_for_points()
        self._room_for_moving(n_moving)
        with nogil:
            n_edges = self._count_edges(n_moving, &n_lu)
        if n_edges > self.edge_a.shape[0] or n_lu > self.lu.shape[0]:
            self._room_for_edges(2 * n_edges, 2 * n_lu)
        with nogil:
            self._rows_at_points()
            self._read_points()
            info = self._leave_one_out(n_moving)
        if info:
            found = f"does not settle below {TOLERATED} V" if info == UNSETTLED else "is singular"
            raise ArithmeticError(
                f"a network without one of its vacancies {found}: the contrast between bonds and background is too "
                "large for double precision, allowed up to about 1e12"
            )
        return 0

    def _room_for_moving(self, int n_moving):
        if self.shift.shape[0] < n_moving or self.shift.shape[1] != self.capacity:
            self.star_sum, self.shift, self.drawn = np.zeros((3, n_moving + 64, self.capacity))

    def _room_for_edges(self, long edges, long lu):
        self.edge_a, self.edge_b, self.edge_law, self.pivot = np.zeros((4, edges), np.intc)
        self.edge_g, self.edge_w = np.zeros((2, edges))
        self.lu = np.zeros(lu)

    # ---------------------------------------------------------------- bonds that change with a moving atom

    cdef void _edges_without(self, int site, bint write) noexcept nogil:
        """Bonds that leave (g > 0) or appear (g < 0) with the vacancy at ``site``, appended from n_edges."""
        cdef int i, k, l, h, other, slot, side, n = 1
        self.leaving[0] = self.node_at[site]
        # With the atom go those neighbours whose only partner it is: they turn isolated and conduct no more.
        for k in range(18):
            other = self.shifted(site, k)
            if other >= 0 and self.vacant[other] and self.n_close[other] == 1 and not self.in_contact(other):
                self.leaving[n] = self.node_at[other]
                n += 1
        for l in range(n):
            self.gone[self.leaving[l]] = l + 1
        # Every bond and contact of those that leave, each bond once.
        for l in range(n):
            i = self.leaving[l]
            for k in range(self.degree[i]):
                other = self.link[i, k]
                if self.gone[other] == 0 or self.gone[other] > l + 1:
                    self._edge(i, other, self.link_g[i, k], 0, write)
            for side in range(2):
                if self.contact_g[side, i] > 0.0:
                    self._edge(i, -1 - side, self.contact_g[side, i], 0, write)
        # Bonds that the atom hid appear, unless one of their own ends leaves with it.
        slot = self.hidden_head[self.leaving[0]]
        while slot >= 0:
            h = slot >> 1
            slot = self.hidden_next[slot]
            if self.gone[self.hidden_a[h]] or (self.hidden_b[h] >= 0 and self.gone[self.hidden_b[h]]):
                continue
            self._edge(self.hidden_a[h], self.hidden_b[h], -self.hidden_g[h], self.hidden_law[h], write)
        for l in range(n):
            self.gone[self.leaving[l]] = 0

    cdef inline void _edge(self, int a, int b, double g, int law, bint write) noexcept nogil:
        if write:
            self.edge_a[self.n_edges] = a
            self.edge_b[self.n_edges] = b
            self.edge_g[self.n_edges] = g
            self.edge_law[self.n_edges] = law
        self.n_edges += 1

    cdef long _count_edges(self, int n_moving, long* n_lu) noexcept nogil:
        cdef int c, before
        self.n_edges = 0
        n_lu[0] = 0
        for c in range(n_moving):
            before = self.n_edges
            self.start[c] = before
            self.lu_start[c] = n_lu[0]
            self._edges_without(self.moving[c], False)
            n_lu[0] += <long>(self.n_edges - before) * (self.n_edges - before)
        self.start[n_moving] = self.n_edges
        return self.n_edges

    # ---------------------------------------------------------------- the network without a moving atom

    cdef int _leave_one_out(self, int n_moving) noexcept nogil:
        """Change of the nodes' potential (shift) and the drawn currents for each moving atom taken away."""
        cdef int c, e, m = self.m, info = 0
        cdef double error
        self.removal_error = 0.0
        if n_moving == 0 or m == 0:
            return 0
        # For each atom a small system over its changed bonds gives the currents by which its network differs.
        self.n_edges = 0
        for c in range(n_moving):
            self._edges_without(self.moving[c], True)
            info = self._factor(c)
            if info:
                return info
            for e in range(self.start[c], self.start[c + 1]):
                self.edge_w[e] = self._across(e, self.phi, 1.0)
            self._back(c, &self.star_sum[c, 0])
        # All atoms at once: one product of matrices instead of one of a vector for each.
        self._times(self.c_matrix, self.star_sum, self.shift, 0, n_moving)
        self._draw(0, n_moving)
        # The bound decides who is refined: where it clears an atom, no step is spent on it.
        for c in range(n_moving):
            error = self._residual_bound(c)
            if self.refine or not error <= LOOSE:
                info = self._refine(c, &error)
                if info:
                    return info
                self._draw(c, 1)
            self.removal_error = max(self.removal_error, error)
        return 0

    cdef void _draw(self, int first, int n) noexcept nogil:
        """Currents that hold the nodes at phi' in the background, for ``n`` moving atoms from ``first``."""
        cdef int c, i
        for c in range(first, first + n):
            for i in range(self.m):
                self.star_sum[c, i] = self.phi[i] + self.shift[c, i] - self.top * self.unit[self.sz[self.node[i]]]
        self._times(self.k_matrix, self.star_sum, self.drawn, first, n)

    cdef double _residual_bound(self, int c) noexcept nogil:
        """Bound on the error of one moving atom's potentials, V at 1 V.

        The error is A'^-1 r with r the residual, by differences across bonds, and A' >= K: no entry of A'^-1
        exceeds the largest one of the Green's function.
        """
        cdef int i
        cdef double total = 0.0
        for i in range(self.m):
            self.source[i] = self.phi[i] + self.shift[c, i]
        self._flow_without(c)
        for i in range(self.m):
            total += fabs(self.residual[i] - self.drawn[c, i])
        return self.largest_green * total

    cdef void _times(self, double[:, ::1] matrix, double[:, ::1] columns, double[:, ::1] out, int first,
                     int n) noexcept nogil:
        """Symmetric matrix times ``n`` columns from ``first``."""
        cdef int m = self.m, ld = self.capacity, one = 1
        cdef double zero = 0.0, unity = 1.0
        cdef char uplo = b"U", side = b"L"
        # For one column dsymm would copy the whole matrix first; sets without a law keep the bits that this gives.
        if n == 1 and self.laws is not None:
            dsymv(&uplo, &m, &unity, &matrix[0, 0], &ld, &columns[first, 0], &one, &zero, &out[first, 0], &one)
            return
        dsymm(&side, &uplo, &m, &n, &unity, &matrix[0, 0], &ld, &columns[first, 0], &ld, &zero, &out[first, 0], &ld)

    cdef inline double _across(self, int e, double[::1] value, double top) noexcept nogil:
        """Difference of ``value`` over edge ``e``."""
        return self._drop(value, self.edge_a[e], self.edge_b[e], top)

    cdef int _factor(self, int c) noexcept nogil:
        """LU of T scaled by sqrt|g| on both sides, sign(g) - sqrt|g| E' C E sqrt|g|."""
        cdef int first = self.start[c], r = self.start[c + 1] - first, e, f, a, b, info = 0
        cdef double value
        cdef double* t = &self.lu[self.lu_start[c]]
        for e in range(r):
            a = self.edge_a[first + e]
            b = self.edge_b[first + e]
            for f in range(e + 1):
                value = between_bonds(
                    &self.c_matrix[0, 0], self.capacity, a, b, self.edge_a[first + f], self.edge_b[first + f])
                value *= -sqrt(fabs(self.edge_g[first + e] * self.edge_g[first + f]))
                t[e * r + f] = value
                t[f * r + e] = value
            # Bonds that appear have a negative sign: T is indefinite, so LU with pivots and not Cholesky.
            t[e * r + e] += 1.0 if self.edge_g[first + e] > 0.0 else -1.0
        # Scaled by sqrt|g| on both sides, so that bonds of very different conductance weigh alike.
        dgetrf(&r, &r, t, &r, &self.pivot[first], &info)
        return info

    cdef void _back(self, int c, double* out) noexcept nogil:
        """E T^-1 edge_w into ``out`` (m,)."""
        cdef int first = self.start[c], r = self.start[c + 1] - first, e, one = 1, info = 0
        cdef char trans = b"N"
        cdef double value
        for e in range(first, first + r):
            self.edge_w[e] *= sqrt(fabs(self.edge_g[e]))
        dgetrs(&trans, &r, &one, &self.lu[self.lu_start[c]], &r, &self.pivot[first], &self.edge_w[first], &r, &info)
        memset(out, 0, self.m * sizeof(double))
        for e in range(first, first + r):
            value = self.edge_w[e] * sqrt(fabs(self.edge_g[e]))
            out[self.edge_a[e]] += value
            if self.edge_b[e] >= 0:
                out[self.edge_b[e]] -= value

    cdef int _refine(self, int c, double* left) noexcept nogil:
        """Refine one shift until it settles, or solve it afresh; ``left`` is what the corrections say is left.

        Corrections fall by a constant ratio, which the last two tell; so they also tell what is left.
        """
        cdef int i, step = 0
        cdef double size = 0.0, before
        for i in range(self.m):
            size = max(size, fabs(self.shift[c, i]))
        while True:
            self._correct(c, 1)
            # Each correction is q = size / before of the last: about size q is left.
            before, size = size, self._correction(c)
            left[0] = size if size >= before else size * size / before
            step += 1
            if left[0] <= SETTLED or not size < 0.1 * before or step >= MOST_STEPS:
                break
        return 0 if left[0] <= SETTLED else self._solve_without(c, left)

    cdef int _solve_without(self, int c, double* left) noexcept nogil:
        """Shift of moving atom ``c`` from a fresh factorisation.

        Where the atom holds together what would else float, the stiff C has lost how each part hangs in the
        background: a part in contrast^2 of it.
        """
        cdef int i, info = 0, one = 1, step, m = self.m, ld = self.capacity
        cdef double size = 0.0
        cdef char uplo = b"U"
        self._assemble_without(c)
        dpotrf(&uplo, &m, &self.h_matrix[0, 0], &ld, &info)
        if info:
            return info
        for i in range(m):
            self.shift[c, i] = 0.0
        # Corrections against the residual by differences, as in `_solve`.
        for step in range(MOST_STEPS):
            self._residual_without(c, 1)
            dpotrs(&uplo, &m, &one, &self.h_matrix[0, 0], &ld, &self.drawn[c, 0], &ld, &info)
            for i in range(m):
                self.star_sum[c, i] = self.drawn[c, i]
            size = self._correction(c)
            if step > 0 and size <= SETTLED:
                break
        left[0] = size
        return 0 if size <= TOLERATED else UNSETTLED

    cdef void _assemble_without(self, int c) noexcept nogil:
        """K + L of the network without moving atom ``c``, in the place of the heat matrix."""
        cdef int i, j, k, e, m = self.m, first = self.start[c], last = self.start[c + 1]
        cdef double g
        self.heat_of = -1
        # Mark who leaves: the first end of every bond that does.
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 1
        for i in range(m):
            for j in range(i + 1):
                self.h_matrix[i, j] = self.k_matrix[i, j]
            if self.gone[i]:
                continue
            self.h_matrix[i, i] += self.contact_g[0, i] + self.contact_g[1, i]
            for k in range(self.degree[i]):
                j = self.link[i, k]
                if not self.gone[j]:
                    self.h_matrix[i, i] += self.link_g[i, k]
                    if j < i:
                        self.h_matrix[i, j] -= self.link_g[i, k]
        # Bonds that appear; the marks are taken away in the same pass.
        for e in range(first, last):
            i, j, g = self.edge_a[e], self.edge_b[e], -self.edge_g[e]
            if g < 0.0:
                self.gone[i] = 0
                continue
            self.h_matrix[i, i] += g
            if j >= 0:
                self.h_matrix[j, j] += g
                self.h_matrix[max(i, j), min(i, j)] -= g

    cdef double _correction(self, int c) noexcept nogil:
        """Add the correction of one moving atom to its shift; returns its size at 1 V."""
        cdef int i
        cdef double size = 0.0
        for i in range(self.m):
            self.shift[c, i] += self.star_sum[c, i]
            size = max(size, fabs(self.star_sum[c, i]))
        return size

    cdef void _residual_without(self, int first, int count) noexcept nogil:
        """Current that each node lacks without the moving atom, at phi + shift, into drawn."""
        cdef int c, i, m = self.m
        for c in range(first, first + count):
            for i in range(m):
                self.star_sum[c, i] = self.top * self.unit[self.sz[self.node[i]]] - self.phi[i] - self.shift[c, i]
        # What the background brings at these potentials, and what the bonds that are left bring.
        self._times(self.k_matrix, self.star_sum, self.drawn, first, count)
        for c in range(first, first + count):
            for i in range(m):
                self.source[i] = self.phi[i] + self.shift[c, i]
            self._flow_without(c)
            for i in range(m):
                self.drawn[c, i] += self.residual[i]

    cdef void _correct(self, int first, int count) noexcept nogil:
        """One refinement of ``count`` moving atoms from ``first``: C r + C E w into star_sum."""
        cdef int c, e, i, m = self.m
        # First guess of the correction from C, then what the changed bonds make of it.
        self._residual_without(first, count)
        self._times(self.c_matrix, self.drawn, self.star_sum, first, count)
        for c in range(first, first + count):
            for i in range(m):
                self.source[i] = self.star_sum[c, i]
            for e in range(self.start[c], self.start[c + 1]):
                self.edge_w[e] = self._across(e, self.source, 0.0)
            self._back(c, &self.residual[0])
            for i in range(m):
                self.drawn[c, i] += self.residual[i]
        # C (r + E w) with r from before: one product instead of two
        self._times(self.c_matrix, self.drawn, self.star_sum, first, count)

    cdef void _flow_without(self, int c) noexcept nogil:
        """Current into each node (residual) at the values in source, bonds of moving atom ``c`` left out.

        They are not added and taken away again: the currents that would cancel are 1e7 times those that stay.
        """
        cdef int e, i, k, n, first = self.start[c], last = self.start[c + 1]
        cdef double total, value, here
        cdef const double* at = &self.source[0]
        cdef const int* gone = &self.gone[0]
        cdef const int* link
        cdef const double* g
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 1
        # Nodes that left have no bonds; their neighbours skip them.
        for i in range(self.m):
            total = 0.0
            if not gone[i]:
                here, n, link, g = at[i], self.degree[i], &self.link[i, 0], &self.link_g[i, 0]
                total = self.contact_g[1, i] * (self.top - here) - self.contact_g[0, i] * here
                for k in range(n):
                    if not gone[link[k]]:
                        total += g[k] * (at[link[k]] - here)
            self.residual[i] = total
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 0
                continue
            # A bond that appears has g < 0, so that this is the current it brings to its first end.
            value = self.edge_g[e] * self._across(e, self.source, self.top)
            self.residual[self.edge_a[e]] += value
            if self.edge_b[e] >= 0:
                self.residual[self.edge_b[e]] -= value

    # ---------------------------------------------------------------- read-out

    cdef inline double _host_without(self, int host, int c) noexcept nogil:
        """Potential at 1 V on a host site without moving atom ``c`` (-1: nobody leaves)."""
        cdef int m = self.m, one = 1, i
        if c < 0 or m == 0:
            return self.point_phi[host]
        i = self.node_at[host]
        if i >= 0:
            return self.phi[i] + self.shift[c, i]
        return self.top * self.unit[self.sz[host]] + ddot(
            &m, &self.rows[self.row_of[host], 0], &one, &self.drawn[c, 0], &one)

    cdef double potential_without(self, int site, int c) noexcept nogil:
        cdef int k
        cdef double total = 0.0
        if site < self.n_hosts:
            return self._host_without(site, c)
        for k in range(8):
            total += self._host_without(self.corner(site, k), c)
        return total / 8.0

    cdef double heat_at(self, int site) noexcept nogil:
        cdef int k
        cdef double total = 0.0
        if site < self.n_hosts:
            return self.point_theta[site]
        for k in range(8):
            total += self.point_theta[self.corner(site, k)]
        return total / 8.0
