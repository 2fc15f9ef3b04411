"""The price of every candidate event in one configuration, the same seen from both ends (compiled).

For every candidate this writes numbers that hold at *any* device voltage V of a linear network:

    dE(V)    = energy0 + energy1 V        energy difference, eV
    drop(V)  = drop0 + drop1 V            forward electrostatic gain per unit charge, V
    T(V)     = T_ambient + heat V^2       temperature read by the event, K

Energy first: energy0 is the difference of one function of the configuration (interactions, Coulomb energy of
all charges with their images in both electrodes, charge transitions of neighbours). energy1 is the work in the
network *without the mover*: classified and wired as if it were absent, so that both ends see the same
environment and the price is antisymmetric by construction. With E the bonds that leave (g > 0) or appear
(g < 0) with the mover, C = (K + L)^-1 and T = diag(1/g) - E' C E,

    phi' = phi + C E T^-1 (E' phi - v).

Each mover's residual, built from differences across bonds, gives a rigorous bound on the error of its
potentials; where that exceeds 3e-8 V at 1 V (everywhere when asked, ``refine``) the mover is refined until it
settles, and solved afresh if it does not.
"""

import numpy as np

from libc.math cimport fabs, sqrt
from libc.string cimport memset
from scipy.linalg.cython_blas cimport ddot, dsymm
from scipy.linalg.cython_lapack cimport dgetrf, dgetrs, dpotrf, dpotrs

from ._fields cimport Fields
from ._prices cimport Prices

cdef double WATSON = 0.252731009858663  # G(0) of the infinite simple cubic lattice: self energy in the bulk
cdef double ION_SELF = 0.090009586862  # the same for a charge spread over the eight corners of a cube
cdef double SETTLED = 1e-13            # V at 1 V: an error below this needs no further refinement
cdef double TOLERATED = 1e-9           # V at 1 V: a larger one is refused
cdef double LOOSE = 3e-8               # V at 1 V: error bound above which a mover is refined
cdef int MOST_STEPS = 20
cdef int UNSETTLED = -99


cdef class Pricing(Fields):
    """Fields that also price events; made with the arguments of :class:`Fields`."""

    cdef int[::1] wanted_list, row_of, mover, mover_of, gone, leaving, node_x, node_y, node_z
    cdef signed char[::1] wanted
    cdef int n_wanted, n_leaving
    cdef double[::1] point_phi, point_theta
    cdef double[:, ::1] rows, star_sum, shift, drawn
    # bonds that change with each mover, one after the other: edges start[c] .. start[c + 1]
    cdef int[::1] edge_a, edge_b, start, lu_start, pivot
    cdef double[::1] edge_g, edge_w, lu
    cdef int n_edges
    # charges of this configuration, and those that one event changes
    cdef int n_charges, delta_count
    cdef long stamp
    cdef int[::1] charge_site
    cdef double[::1] charge_value, coulomb_at
    cdef long[::1] coulomb_stamp
    cdef int[64] delta_site
    cdef double[64] delta_value
    cdef double largest_green
    cdef public bint refine
    cdef readonly double pricing_error

    def __init__(self, *args):
        Fields.__init__(self, *args)
        n = self.n_hosts
        self.wanted = np.zeros(n, np.int8)
        self.wanted_list, self.row_of, self.mover_of = np.zeros((3, n), np.intc)
        self.point_phi, self.point_theta, self.coulomb_at = np.zeros((3, n))
        self.coulomb_stamp = np.zeros(n, np.int64)
        self.charge_site, self.charge_value = np.zeros(64, np.intc), np.zeros(64)
        self.mover, self.gone, self.leaving, self.start, self.lu_start = np.zeros((5, 1), np.intc)
        self.rows, self.star_sum, self.shift, self.drawn = np.zeros((4, 1, 1))
        self._room_for_edges(1024, 1024)
        self.largest_green = np.max(self.table) * (4.0 if self.images else 1.0)
        self.refine = False

    def price(self, Prices out, signed char conducting, const double[::1] code_charge, const int[::1] ions,
              const signed char[::1] ion_codes):
        """Write energies, drops and heats of every candidate in ``out`` (see the module's head).

        Parameters
        ----------
        out : Prices
            Holds the catalogue and the tables of the mechanisms.
        conducting : int
            Code of the species that conducts and follows the charge rule (the vacancy).
        code_charge : (n_codes,) float64
            Charge number of each species.
        ions, ion_codes : (n,) int32, int8
            Occupied interstitial sites and their species (their charge never changes).
        """
        cdef int n_movers, info
        cdef long n_edges, n_lu
        self._make_room(ions.shape[0])
        with nogil:
            self._set_charges(ions, ion_codes, code_charge)
            self._want_candidates(out)
            n_movers = self._list_movers(out, conducting)
        self._room_for_movers(n_movers)
        with nogil:
            n_edges = self._count_edges(n_movers, &n_lu)
        if n_edges > self.edge_a.shape[0] or n_lu > self.lu.shape[0]:
            self._room_for_edges(2 * n_edges, 2 * n_lu)
        with nogil:
            self._rows_at_points()
            info = self._leave_one_out(n_movers)
            if info == 0:
                self._write(out, conducting, code_charge)
            self._clear()
        if info:
            found = f"does not settle below {TOLERATED} V" if info == UNSETTLED else "is singular"
            raise ArithmeticError(
                f"a network without one of its vacancies {found}: the contrast between bonds and background is too "
                "large for double precision, allowed up to about 1e12"
            )

    def _make_room(self, int n_ions):
        need = self.n_isolated + 8 * n_ions
        if need > self.charge_site.shape[0]:
            self.charge_site, self.charge_value = np.zeros(2 * need, np.intc), np.zeros(2 * need)
        if self.mover.shape[0] != self.capacity:
            self.mover, self.gone, self.leaving = np.zeros((3, self.capacity), np.intc)
            self.node_x, self.node_y, self.node_z = np.zeros((3, self.capacity), np.intc)
            self.start, self.lu_start = np.zeros((2, self.capacity + 1), np.intc)

    def _room_for_movers(self, int n_movers):
        if self.rows.shape[0] < self.n_wanted or self.rows.shape[1] != self.capacity:
            self.rows = np.zeros((self.n_wanted + 128, self.capacity))
        if self.shift.shape[0] < n_movers or self.shift.shape[1] != self.capacity:
            self.star_sum, self.shift, self.drawn = np.zeros((3, n_movers + 64, self.capacity))

    def _room_for_edges(self, long edges, long lu):
        self.edge_a, self.edge_b, self.pivot = np.zeros((3, edges), np.intc)
        self.edge_g, self.edge_w = np.zeros((2, edges))
        self.lu = np.zeros(lu)

    # ---------------------------------------------------------------- who moves, and where potentials are wanted

    cdef inline int _corner(self, int interstitial, int k) noexcept nogil:
        """Host site at corner ``k`` (0-7) of an interstitial site."""
        cdef int cell = interstitial - self.n_hosts, nz1 = self.nz - 1
        cdef int ny1 = self.ny - 1 if self.images else self.ny  # reflecting sides have no cube across them
        cdef int z = cell % nz1, y = (cell // nz1) % ny1, x = cell // (nz1 * ny1)
        x = (x + (k & 1)) % self.nx
        y = (y + ((k >> 1) & 1)) % self.ny
        return (x * self.ny + y) * self.nz + z + (k >> 2)

    cdef inline void _want(self, int site) noexcept nogil:
        if not self.wanted[site]:
            self.wanted[site] = 1
            self.wanted_list[self.n_wanted] = site
            self.n_wanted += 1

    cdef void _want_site(self, int site) noexcept nogil:
        cdef int k
        if site < self.n_hosts:
            self._want(site)
        else:
            for k in range(8):
                self._want(self._corner(site, k))

    cdef void _want_candidates(self, Prices out) noexcept nogil:
        cdef int c
        for c in range(out.n):
            self._want_site(out.site_a[c])
            if out.site_b[c] >= 0:
                self._want_site(out.site_b[c])

    cdef void _clear(self) noexcept nogil:
        cdef int w
        for w in range(self.n_wanted):
            self.wanted[self.wanted_list[w]] = 0
        self.n_wanted = 0

    cdef inline int _leaves(self, Prices out, int c, signed char conducting) noexcept nogil:
        """Host site of the vacancy that the event takes away, or -1."""
        cdef int mech = out.mechanism[c], reverse = out.direction[c]
        if (out.code_after_a[mech] if reverse else out.code_before_a[mech]) == conducting:
            return out.site_a[c]
        if out.site_b[c] >= 0 and (out.code_after_b[mech] if reverse else out.code_before_b[mech]) == conducting:
            return out.site_b[c]
        return -1

    cdef inline int _arrives(self, Prices out, int c, signed char conducting) noexcept nogil:
        """Host site of the vacancy that the event leaves behind, or -1."""
        cdef int mech = out.mechanism[c], reverse = out.direction[c]
        if (out.code_before_a[mech] if reverse else out.code_after_a[mech]) == conducting:
            return out.site_a[c]
        if out.site_b[c] >= 0 and (out.code_before_b[mech] if reverse else out.code_after_b[mech]) == conducting:
            return out.site_b[c]
        return -1

    cdef int _list_movers(self, Prices out, signed char conducting) noexcept nogil:
        """Number the conducting defects that some candidate takes away."""
        cdef int c, site, n = 0, i
        for i in range(self.m):
            self.mover_of[self.node[i]] = -1
        for c in range(out.n):
            site = self._leaves(out, c, conducting)
            if site >= 0 and self.node_at[site] >= 0 and self.mover_of[site] < 0:
                self.mover_of[site] = n
                self.mover[n] = site
                n += 1
        return n

    cdef void _rows_at_points(self) noexcept nogil:
        """Green's function from every wanted point to the nodes, and potential and heat there."""
        cdef int w, i, site, m = self.m
        cdef double phi, theta
        for i in range(m):
            self.node_x[i] = self.sx[self.node[i]]
            self.node_y[i] = self.sy[self.node[i]]
            self.node_z[i] = self.sz[self.node[i]]
        for w in range(self.n_wanted):
            site = self.wanted_list[w]
            self.row_of[site] = w
            i = self.node_at[site]
            if i >= 0:
                self.point_phi[site] = self.phi[i]
                self.point_theta[site] = self.theta[i]
                continue
            self._row(site, &self.rows[w, 0])
            phi = self.unit[self.sz[site]]
            theta = 0.0
            for i in range(m):
                phi += self.rows[w, i] * self.y_phi[i]
                theta += self.rows[w, i] * self.y_theta[i]
            self.point_phi[site] = phi
            self.point_theta[site] = theta

    cdef void _row(self, int site, double* out) noexcept nogil:
        """Green's function between a host site and every node."""
        cdef int i, dx, dy, x = self.sx[site], y = self.sy[site], z = self.sz[site]
        cdef long plane = self.nz * self.nz, line = self.py * plane
        cdef double* base = &self.table[0, 0, z, 0]
        if self.images:
            for i in range(self.m):
                out[i] = self.g(site, self.node[i])
            return
        for i in range(self.m):
            dx = x - self.node_x[i]
            dy = y - self.node_y[i]
            dx += self.px if dx < 0 else 0
            dy += self.py if dy < 0 else 0
            out[i] = base[dx * line + dy * plane + self.node_z[i]]

    # ---------------------------------------------------------------- the network without a mover

    cdef void _edges_without(self, int site, bint write) noexcept nogil:
        """Bonds that leave (g > 0) or appear (g < 0) with the vacancy at ``site``, appended from n_edges."""
        cdef int i, k, l, h, other, slot, side, n = 1
        self.leaving[0] = self.node_at[site]
        for k in range(18):
            other = self.shifted(site, k)
            if other >= 0 and self.vacant[other] and self.company[other] == 1 and not self.in_contact(other):
                self.leaving[n] = self.node_at[other]
                n += 1
        for l in range(n):
            self.gone[self.leaving[l]] = l + 1
        for l in range(n):
            i = self.leaving[l]
            for k in range(self.degree[i]):
                other = self.link[i, k]
                if self.gone[other] == 0 or self.gone[other] > l + 1:
                    self._edge(i, other, self.link_g[i, k], write)
            for side in range(2):
                if self.contact_g[side, i] > 0.0:
                    self._edge(i, -1 - side, self.contact_g[side, i], write)
        slot = self.hidden_head[self.leaving[0]]
        while slot >= 0:
            h = slot >> 1
            slot = self.hidden_next[slot]
            if self.gone[self.hidden_a[h]] or (self.hidden_b[h] >= 0 and self.gone[self.hidden_b[h]]):
                continue
            self._edge(self.hidden_a[h], self.hidden_b[h], -self.hidden_g[h], write)
        for l in range(n):
            self.gone[self.leaving[l]] = 0

    cdef inline void _edge(self, int a, int b, double g, bint write) noexcept nogil:
        if write:
            self.edge_a[self.n_edges] = a
            self.edge_b[self.n_edges] = b
            self.edge_g[self.n_edges] = g
        self.n_edges += 1

    cdef long _count_edges(self, int n_movers, long* n_lu) noexcept nogil:
        cdef int c, before
        self.n_edges = 0
        n_lu[0] = 0
        for c in range(n_movers):
            before = self.n_edges
            self.start[c] = before
            self.lu_start[c] = n_lu[0]
            self._edges_without(self.mover[c], False)
            n_lu[0] += <long>(self.n_edges - before) * (self.n_edges - before)
        self.start[n_movers] = self.n_edges
        return self.n_edges

    cdef int _leave_one_out(self, int n_movers) noexcept nogil:
        """Change of the nodes' potential (shift) and the drawn currents for each mover taken away."""
        cdef int c, e, m = self.m, info = 0
        cdef double error
        self.pricing_error = 0.0
        if n_movers == 0 or m == 0:
            return 0
        self.n_edges = 0
        for c in range(n_movers):
            self._edges_without(self.mover[c], True)
            info = self._factor(c)
            if info:
                return info
            for e in range(self.start[c], self.start[c + 1]):
                self.edge_w[e] = self._across(e, self.phi, 1.0)
            self._back(c, &self.star_sum[c, 0])
        self._times(self.c_matrix, self.star_sum, self.shift, 0, n_movers)
        self._draw(0, n_movers)
        for c in range(n_movers):
            error = self._residual_bound(c)
            if self.refine or not error <= LOOSE:
                info = self._refine(c, &error)
                if info:
                    return info
                self._draw(c, 1)
            self.pricing_error = max(self.pricing_error, error)
        return 0

    cdef void _draw(self, int first, int n) noexcept nogil:
        """Currents that hold the nodes at phi' in the background, for ``n`` movers from ``first``."""
        cdef int c, i
        for c in range(first, first + n):
            for i in range(self.m):
                self.star_sum[c, i] = self.phi[i] + self.shift[c, i] - self.unit[self.sz[self.node[i]]]
        self._times(self.k_matrix, self.star_sum, self.drawn, first, n)

    cdef double _residual_bound(self, int c) noexcept nogil:
        """Bound on the error of one mover's potentials, V at 1 V.

        The error is A'^-1 r with r the residual, by differences across bonds, and A' >= K: no entry of A'^-1
        exceeds the largest one of the Green's function.
        """
        cdef int i
        cdef double total = 0.0
        for i in range(self.m):
            self.source[i] = self.phi[i] + self.shift[c, i]
        self._flow(self.source, self.residual)
        self._flow_without(c)
        for i in range(self.m):
            total += fabs(self.residual[i] - self.drawn[c, i])
        return self.largest_green * total

    cdef void _times(self, double[:, ::1] matrix, double[:, ::1] columns, double[:, ::1] out, int first,
                     int n) noexcept nogil:
        """Symmetric matrix times ``n`` columns from ``first``."""
        cdef int m = self.m, ld = self.capacity
        cdef double zero = 0.0, unity = 1.0
        cdef char uplo = b"U", side = b"L"
        dsymm(&side, &uplo, &m, &n, &unity, &matrix[0, 0], &ld, &columns[first, 0], &ld, &zero, &out[first, 0], &ld)

    cdef inline double _across(self, int e, double[::1] value, double top) noexcept nogil:
        """Difference of ``value`` over edge ``e``; electrodes are at 0 and ``top``."""
        cdef int b = self.edge_b[e]
        if b >= 0:
            return value[self.edge_a[e]] - value[b]
        return value[self.edge_a[e]] - (top if b == -2 else 0.0)

    cdef int _factor(self, int c) noexcept nogil:
        """LU of T scaled by sqrt|g| on both sides, sign(g) - sqrt|g| E' C E sqrt|g|."""
        cdef int first = self.start[c], r = self.start[c + 1] - first, e, f, a, b, fa, fb, info = 0
        cdef double value
        cdef double* t = &self.lu[self.lu_start[c]]
        for e in range(r):
            a = self.edge_a[first + e]
            b = self.edge_b[first + e]
            for f in range(e + 1):
                fa = self.edge_a[first + f]
                fb = self.edge_b[first + f]
                value = self.c_matrix[a, fa]
                if b >= 0:
                    value -= self.c_matrix[b, fa]
                    if fb >= 0:
                        value += self.c_matrix[b, fb] - self.c_matrix[a, fb]
                elif fb >= 0:
                    value -= self.c_matrix[a, fb]
                value *= -sqrt(fabs(self.edge_g[first + e] * self.edge_g[first + f]))
                t[e * r + f] = value
                t[f * r + e] = value
            t[e * r + e] += 1.0 if self.edge_g[first + e] > 0.0 else -1.0
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
            before, size = size, self._correction(c)
            left[0] = size if size >= before else size * size / before
            step += 1
            if left[0] <= SETTLED or not size < 0.1 * before or step >= MOST_STEPS:
                break
        return 0 if left[0] <= SETTLED else self._solve_without(c, left)

    cdef int _solve_without(self, int c, double* left) noexcept nogil:
        """Shift of mover ``c`` from a fresh factorisation.

        Where a mover holds together what would else float, the stiff C has lost how each part hangs in the
        background: a part in contrast^2 of it.
        """
        cdef int i, j, k, e, info = 0, one = 1, step, m = self.m, ld = self.capacity
        cdef int first = self.start[c], last = self.start[c + 1]
        cdef double g, size = 0.0
        cdef char uplo = b"U"
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
        for e in range(first, last):
            i, j, g = self.edge_a[e], self.edge_b[e], -self.edge_g[e]
            if g < 0.0:
                self.gone[i] = 0
                continue
            self.h_matrix[i, i] += g
            if j >= 0:
                self.h_matrix[j, j] += g
                self.h_matrix[max(i, j), min(i, j)] -= g
        dpotrf(&uplo, &m, &self.h_matrix[0, 0], &ld, &info)
        if info:
            return info
        for i in range(m):
            self.shift[c, i] = 0.0
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

    cdef double _correction(self, int c) noexcept nogil:
        """Add the correction of one mover to its shift; returns its size at 1 V."""
        cdef int i
        cdef double size = 0.0
        for i in range(self.m):
            self.shift[c, i] += self.star_sum[c, i]
            size = max(size, fabs(self.star_sum[c, i]))
        return size

    cdef void _residual_without(self, int first, int count) noexcept nogil:
        """Current that each node lacks without its mover, at phi + shift, into drawn."""
        cdef int c, i, m = self.m
        for c in range(first, first + count):
            for i in range(m):
                self.star_sum[c, i] = self.unit[self.sz[self.node[i]]] - self.phi[i] - self.shift[c, i]
        self._times(self.k_matrix, self.star_sum, self.drawn, first, count)
        for c in range(first, first + count):
            for i in range(m):
                self.source[i] = self.phi[i] + self.shift[c, i]
            self._flow_without(c)
            for i in range(m):
                self.drawn[c, i] += self.residual[i]

    cdef void _correct(self, int first, int count) noexcept nogil:
        """One refinement of ``count`` movers from ``first``: C r + C E w into star_sum."""
        cdef int c, e, i, m = self.m
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
        """Current into each node (residual) at the values in source, bonds of mover ``c`` left out.

        They are not added and taken away again: the currents that would cancel are 1e7 times those that stay.
        """
        cdef int e, i, k, m = self.m, first = self.start[c], last = self.start[c + 1]
        cdef double total, value
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 1
        for i in range(m):
            total = 0.0
            if not self.gone[i]:
                total = self.contact_g[1, i] * (1.0 - self.source[i]) - self.contact_g[0, i] * self.source[i]
                for k in range(self.degree[i]):
                    if not self.gone[self.link[i, k]]:
                        total += self.link_g[i, k] * (self.source[self.link[i, k]] - self.source[i])
            self.residual[i] = total
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 0
                continue
            value = self.edge_g[e] * self._across(e, self.source, 1.0)
            self.residual[self.edge_a[e]] += value
            if self.edge_b[e] >= 0:
                self.residual[self.edge_b[e]] -= value

    cdef inline double _host_without(self, int host, int c) noexcept nogil:
        """Potential at 1 V on a host site without mover ``c`` (-1: nobody leaves)."""
        cdef int m = self.m, one = 1, i
        if c < 0 or m == 0:
            return self.point_phi[host]
        i = self.node_at[host]
        if i >= 0:
            return self.phi[i] + self.shift[c, i]
        return self.unit[self.sz[host]] + ddot(&m, &self.rows[self.row_of[host], 0], &one, &self.drawn[c, 0], &one)

    cdef double _potential_without(self, int site, int c) noexcept nogil:
        cdef int k
        cdef double total = 0.0
        if site < self.n_hosts:
            return self._host_without(site, c)
        for k in range(8):
            total += self._host_without(self._corner(site, k), c)
        return total / 8.0

    cdef double _heat_at(self, int site) noexcept nogil:
        cdef int k
        cdef double total = 0.0
        if site < self.n_hosts:
            return self.point_theta[site]
        for k in range(8):
            total += self.point_theta[self._corner(site, k)]
        return total / 8.0

    # ---------------------------------------------------------------- charges

    cdef void _set_charges(self, const int[::1] ions, const signed char[::1] codes,
                           const double[::1] code_charge) noexcept nogil:
        cdef int i, k, n = 0
        for i in range(self.n_isolated):
            self.charge_site[n] = self.isolated[i]
            self.charge_value[n] = self.charge
            n += 1
        for i in range(ions.shape[0]):
            for k in range(8):
                self.charge_site[n] = self._corner(ions[i], k)
                self.charge_value[n] = code_charge[codes[i]] / 8.0
                n += 1
        self.n_charges = n
        self.stamp += 1

    cdef double _coulomb(self, int host) noexcept nogil:
        """Coulomb potential of all present charges at a host site, V (own charge included)."""
        cdef int l
        cdef double total = 0.0
        if self.coulomb_stamp[host] != self.stamp:
            for l in range(self.n_charges):
                total += self.charge_value[l] * self.g(host, self.charge_site[l])
            self.coulomb_at[host] = total * self.coulomb
            self.coulomb_stamp[host] = self.stamp
        return self.coulomb_at[host]

    cdef int _charge_changes(self, int leaving, int arriving) noexcept nogil:
        """Charges that an event changes by the rule (site, change) in ``delta``; returns their number."""
        cdef int n = 0, k, other, company
        if leaving >= 0:
            if self.node_at[leaving] < 0:
                n = self._add_delta(n, leaving, -self.charge, -1)
            for k in range(18):
                other = self.shifted(leaving, k)
                if other < 0 or not self.vacant[other] or self.in_contact(other) or self.company[other] != 1:
                    continue
                if arriving < 0 or not self.is_close(other, arriving):
                    n = self._add_delta(n, other, self.charge, 1)
        if arriving >= 0:
            company = self.company[arriving]
            if leaving >= 0 and self.is_close(leaving, arriving):
                company -= 1
            if company == 0 and not self.in_contact(arriving):
                n = self._add_delta(n, arriving, self.charge, 1)
            for k in range(18):
                other = self.shifted(arriving, k)
                if other >= 0 and other != leaving and self.vacant[other] and self.company[other] == 0 \
                        and not self.in_contact(other):
                    n = self._add_delta(n, other, -self.charge, -1)
        return n

    cdef inline int _add_delta(self, int n, int site, double value, int count) noexcept nogil:
        self.delta_site[n] = site
        self.delta_value[n] = value
        self.delta_count += count
        return n + 1

    cdef int _add_ion(self, int n, int site, double value) noexcept nogil:
        """A charge that appears on an interstitial site, spread over its corners."""
        cdef int k
        if value != 0.0:
            for k in range(8):
                self.delta_site[n] = self._corner(site, k)
                self.delta_value[n] = value / 8.0
                n += 1
        return n

    cdef double _charge_energy(self, int n, double self_charge) noexcept nogil:
        """Coulomb energy of the changes ``delta`` (eV), bulk self energies excluded."""
        cdef int k, l
        cdef double energy = 0.0
        for k in range(n):
            energy += self.delta_value[k] * self._coulomb(self.delta_site[k])
            for l in range(n):
                energy += 0.5 * self.coulomb * self.delta_value[k] * self.delta_value[l] * self.g(
                    self.delta_site[k], self.delta_site[l])
        return energy - 0.5 * self.coulomb * self_charge

    cdef double _coulomb_changed(self, int site, int n) noexcept nogil:
        """Coulomb potential at ``site`` with the first ``n`` changes made, V."""
        cdef int k, l
        cdef double total = 0.0
        if site >= self.n_hosts:
            for k in range(8):
                total += self._coulomb_changed(self._corner(site, k), n)
            return total / 8.0
        total = self._coulomb(site)
        for l in range(n):
            total += self.coulomb * self.delta_value[l] * self.g(site, self.delta_site[l])
        return total

    cdef double _ion_self(self, int mech, int reverse, bint second, Prices out, const double[::1] code_charge) noexcept nogil:
        """Change of the bulk self energy of ions on one interstitial site, in charge^2 x G."""
        cdef int before = out.code_before_b[mech] if second else out.code_before_a[mech]
        cdef int after = out.code_after_b[mech] if second else out.code_after_a[mech]
        cdef double change = code_charge[after] * code_charge[after] - code_charge[before] * code_charge[before]
        return (-change if reverse else change) * ION_SELF

    # ---------------------------------------------------------------- write

    cdef void _write(self, Prices out, signed char conducting, const double[::1] code_charge) noexcept nogil:
        cdef int c, mech, reverse, a, b, leaving, arriving, mover
        cdef double qa, qb, bias, sign
        for c in range(out.n):
            mech, reverse = out.mechanism[c], out.direction[c]
            a, b = out.site_a[c], out.site_b[c]
            sign = -1.0 if reverse else 1.0
            leaving, arriving = self._leaves(out, c, conducting), self._arrives(out, c, conducting)
            mover = -1
            if leaving >= 0 and self.node_at[leaving] >= 0:
                mover = self.mover_of[leaving]
            qa = sign * out.charge_a[mech]
            qb = sign * out.charge_b[mech] if b >= 0 else 0.0
            bias = qa * self._potential_without(a, mover)
            if b >= 0:
                bias += qb * self._potential_without(b, mover)
            if out.electrode[mech] == 2:
                bias -= qa
            out.energy1[c] = bias
            out.energy0[c] = out.chemical[c] + self._charging(out, c, mech, reverse, a, b, qa, qb, leaving, arriving,
                                                              code_charge)
            out.drop0[c] = 0.0
            out.drop1[c] = 0.0
            if out.dipole[mech] > 0.0:
                self._write_drop(out, c, mech, sign, a, b, leaving, arriving, bias)
            out.heat[c] = self._heat_read(out, c, mech, reverse, a, b)

    cdef double _charging(self, Prices out, int c, int mech, int reverse, int a, int b, double qa, double qb,
                          int leaving, int arriving, const double[::1] code_charge) noexcept nogil:
        """Coulomb energy and charge transitions of one event, eV."""
        cdef int n
        cdef double self_charge
        self.delta_count = 0
        n = self._charge_changes(leaving, arriving)
        self_charge = self.delta_count * self.charge * self.charge * WATSON
        if a >= self.n_hosts:
            n = self._add_ion(n, a, qa)
            self_charge += self._ion_self(mech, reverse, False, out, code_charge)
        if b >= self.n_hosts:
            n = self._add_ion(n, b, qb)
            self_charge += self._ion_self(mech, reverse, True, out, code_charge)
        if n == 0:
            return 0.0
        return self.delta_count * self.charge_transition + self._charge_energy(n, self_charge)

    cdef double _heat_read(self, Prices out, int c, int mech, int reverse, int a, int b) noexcept nogil:
        """Temperature rise that the event reads: T_i + beta (T_j - T_i), beta = (1 - Q*/E_m)/2."""
        cdef double beta = 0.5, low = self._heat_at(a)
        if b < 0:
            return low
        if out.barrier[c] > 0.0:
            beta = 0.5 * (1.0 - out.transport[mech] / out.barrier[c])
        if reverse:
            beta = 1.0 - beta
        return low + beta * (self._heat_at(b) - low)

    cdef void _write_drop(self, Prices out, int c, int mech, double sign, int a, int b, int leaving, int arriving,
                          double bias) noexcept nogil:
        """Forward gain per unit charge, in the surroundings without the vacancy and ion of the event."""
        cdef double unit = fabs(out.charge_a[mech]), coulomb
        cdef int n = 0
        if unit == 0.0:
            return
        if leaving >= 0 and arriving < 0:
            self.delta_count = 0
            n = self._charge_changes(leaving, -1)
            if b >= self.n_hosts:
                n = self._add_ion(n, b, sign * out.charge_b[mech])
        coulomb = out.charge_a[mech] * self._coulomb_changed(a, n)
        if b >= 0:
            coulomb += out.charge_b[mech] * self._coulomb_changed(b, n)
        out.drop0[c] = -coulomb / unit
        out.drop1[c] = -sign * bias / unit
