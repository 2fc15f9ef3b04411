"""The network without one of its conducting defects, for every defect that may move (compiled).

Neither the bonds of the moving atom nor the neighbours that conduct only beside it are there, and bonds that
it hid appear. With E those bonds (g > 0 leaves, g < 0 appears), C = (K + L)^-1 and T = diag(1/g) - E' C E,

    phi' = phi + C E T^-1 (E' phi - v).

Each moving atom's residual, built from differences across bonds, gives a rigorous bound on the error of its
potentials. Where that exceeds 3e-8 V at 1 V (everywhere when asked, ``refine``) atoms are refined, many at once,
until they settle, and solved afresh if they do not.
"""

import numpy as np

from libc.math cimport fabs, INFINITY, sqrt
from libc.string cimport memset
from scipy.linalg.cython_blas cimport ddot
from scipy.linalg.cython_lapack cimport dpotrf, dpotrs

from ._fields cimport TOLERATED, UNSETTLED
from ._operating cimport between_bonds
from ._small_lu cimport factor_small, solve_small
from ._stars cimport Stars

cdef double SETTLED = 1e-13, LOOSE = 3e-8, ENOUGH = 1e-11
cdef int MOST_STEPS = 20
cdef double ROUNDING = 2e-13    # of an entry of T over the largest g C: a smaller pivot is not known to a digit or two
cdef double DOUBTFUL = 1e-9     # of the same: a shift by T with a smaller pivot is too rough to begin with

cdef enum:
    BATCH = 64          # moving atoms that are refined at once


cdef class Removal(Stars):
    """Fields that also know the potential without each moving atom; made with the arguments of :class:`Stars`."""

    def __init__(self, *args, **laws):
        Stars.__init__(self, *args, **laws)
        self.loose, self.lu_start = np.zeros((2, 1), np.intc)
        self.left = np.zeros(1)
        self.star_sum, self.shift, self.drawn, self.batch_in, self.batch_out = np.zeros((5, 1, 1))
        self.batch, self.size = np.zeros(BATCH, np.intc), np.zeros(BATCH)
        self._room_for_factors(1024, 1024)
        self.refine = False

    # ---------------------------------------------------------------- room

    cdef int make_room(self) except -1:
        """Follow the capacity of the fields."""
        self.room_for_stars()
        if self.loose.shape[0] != self.capacity:
            self.loose, self.lu_start = np.zeros((2, self.capacity), np.intc)
            self.left = np.zeros(self.capacity)
            self.batch_in, self.batch_out = np.zeros((2, BATCH, self.capacity))
        return 0

    cdef int remove_each(self, int n_moving, bint read) except -1:
        """Solve the network without each of the listed moving atoms.

        At every wanted point where it is ``read``. Else only the nodes are solved, at the slopes that bonds with laws
        have at 0 V: what is read at a voltage later begins there, and is bounded and refined then.

        Raises
        ------
        ArithmeticError
            The contrast is too large for double precision.
        """
        cdef int info
        cdef long squares = self.count_stars(n_moving)
        self.room_for_points()
        self._room_for_moving(n_moving)
        if squares > self.lu.shape[0] or self.n_edges > self.pivot.shape[0]:
            self._room_for_factors(2 * self.n_edges, 2 * squares)
        with nogil:
            self._grow_trees()
            self._rows_at_points()
            if read:
                self._read_points()
            info = self._leave_one_out(n_moving, read)
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

    def _room_for_factors(self, long edges, long lu):
        self.pivot, self.edge_w = np.zeros(edges, np.intc), np.zeros(edges)
        self.lu = np.zeros(lu)

    # ---------------------------------------------------------------- the network without a moving atom

    cdef int _leave_one_out(self, int n_moving, bint read) noexcept nogil:
        """Change of the nodes' potential (shift) for each moving atom taken away; to be read, the drawn currents too."""
        cdef int c, e, r, m = self.m, info = 0, begin = 0
        self.removal_error = 0.0
        if n_moving == 0 or m == 0:
            return 0
        # For each atom a small system over its changed bonds gives the currents by which its network differs.
        self.n_edges = 0
        for c in range(n_moving):
            self._edges_without(self.moving[c], True)
            r = self.start[c + 1] - self.start[c]
            self.lu_start[c] = begin
            begin += r * r
            info = self._factor(c)
            if info:
                return info
            for e in range(self.start[c], self.start[c + 1]):
                self.edge_w[e] = self._across(e, self.phi, 1.0)
            self._back(c, &self.star_sum[c, 0])
        self._respond(self.star_sum, self.shift, n_moving)
        if not read:
            return self._refine_doubtful(n_moving)
        self._draw(0, n_moving)
        return self._refine_loose(n_moving, 1.0)

    cdef int _refine_doubtful(self, int n_moving) noexcept nogil:
        """Refine the moving atoms whose T has lost digits; the others are near enough to begin with."""
        cdef int c, n = 0
        for c in range(n_moving):
            if self.refine or self._doubtful(c, DOUBTFUL):
                self.loose[n] = c
                n += 1
        return self._refine_listed(n, 1.0)

    cdef bint _doubtful(self, int c, double share) noexcept nogil:
        """Whether some pivot of T is less than a share of its largest g C."""
        cdef int e, first = self.start[c], last = self.start[c + 1], r = last - first
        cdef double largest = 1.0
        cdef double* t = &self.lu[self.lu_start[c]]
        for e in range(first, last):
            largest = max(largest, fabs(self.edge_g[e]) * self.c_matrix[self.edge_a[e], self.edge_a[e]])
        for e in range(r):
            if fabs(t[e * r + e]) < share * largest:
                return True
        return False

    cdef int _refine_loose(self, int n_moving, double scale) noexcept nogil:
        """Refine the moving atoms whose bound is too large, at ``scale`` volts; the bound decides who is."""
        cdef int c, n = 0
        cdef double error
        for c in range(n_moving):
            error = self._residual_bound(c)
            # Where the simple bound does not clear an atom, the sharp one may.
            if not self.refine and not error <= LOOSE * scale:
                error = min(error, self._sharp_bound(c))
            if self.refine or not error <= LOOSE * scale:
                self.loose[n] = c
                n += 1
            else:
                self.removal_error = max(self.removal_error, error / scale)
        return self._refine_listed(n, scale)

    cdef int _refine_listed(self, int n, double scale) noexcept nogil:
        """Refine the ``n`` moving atoms in ``loose``, many at once."""
        cdef int first = 0, info
        self.refined = n
        while first < n:
            info = self._refine(&self.loose[first], min(n - first, <int>BATCH), scale)
            if info:
                return info
            first += BATCH
        return 0

    cdef void _draw(self, int first, int n) noexcept nogil:
        """Currents that hold the nodes at phi' in the background, for ``n`` moving atoms from ``first``."""
        cdef int c, i
        for c in range(first, first + n):
            for i in range(self.m):
                self.star_sum[c, i] = self._beyond_background(c, i)
        self._times(self.k_matrix, self.star_sum, self.drawn, first, n)

    cdef inline double _beyond_background(self, int c, int i) noexcept nogil:
        """Potential of a node without moving atom ``c``, less that of the empty background."""
        return self.phi[i] + self.shift[c, i] - self.top * self.unit[self.sz[self.node[i]]]

    cdef double _residual_bound(self, int c) noexcept nogil:
        """Bound on the error of one moving atom's potentials, V at 1 V.

        The error is A'^-1 r with r the residual, by differences across bonds, and A' >= K: no entry of A'^-1
        exceeds the largest one of the Green's function. Where that is too much the bound by trees may be less, and the
        sizes of the residuals are in ``residual``.
        """
        cdef int i
        cdef double total = 0.0, error
        for i in range(self.m):
            self.source[i] = self.phi[i] + self.shift[c, i]
        self._flow_without(c)
        for i in range(self.m):
            self.residual[i] -= self.drawn[c, i]
            total += fabs(self.residual[i])
        error = self.largest_green * total
        if not error <= LOOSE * fabs(self.top):
            error = min(error, self._tree_bound(c))
            for i in range(self.m):
                self.residual[i] = fabs(self.residual[i])
        return error

    cdef double _sharp_bound(self, int c) noexcept nogil:
        """A sharper bound from the same sizes r: all entries of A'^-1 are positive, so that no error exceeds A'^-1 r.

        That is u + C z with u = C r and z = E T^-1 E' u, and what bonds with laws add to z (see :class:`Nonlinear`).
        No entry of a column of C exceeds that on the diagonal, which bounds u by the sum of C_jj r_j; and the rest
        is harmonic but where z is not zero, at ends of changed bonds, so that it is largest there. Twice the sum
        covers the rounding of C and T.
        """
        cdef int e, i, k, l, n = 0, m = self.m, first = self.start[c], last = self.start[c + 1]
        cdef double total = 0.0, largest, value, other
        if self._doubtful(c, ROUNDING):
            return INFINITY
        for i in range(m):
            total += self.c_matrix[i, i] * self.residual[i]
        for e in range(first, last):
            n = self._meet(self.edge_b[e], self._meet(self.edge_a[e], n))
        n = self._meet_bent(c, n)
        if self._spread_bound(c):
            total = INFINITY
        largest = 0.0
        for k in range(n):
            i = self.leaving[k]
            self.gone[i] = 0
            value = other = 0.0
            for l in range(0, n - 1, 2):
                value += self.c_matrix[i, self.leaving[l]] * self.source[self.leaving[l]]
                other += self.c_matrix[i, self.leaving[l + 1]] * self.source[self.leaving[l + 1]]
            if n & 1:
                value += self.c_matrix[i, self.leaving[n - 1]] * self.source[self.leaving[n - 1]]
            largest = max(largest, fabs(value + other))
        return 2.0 * (total + largest)

    cdef inline int _meet(self, int i, int n) noexcept nogil:
        """Value of u = C r at an end of a bond (not an electrode) into ``source``, each end once; how many there are."""
        cdef int m = self.m, one = 1
        if i < 0 or self.gone[i]:
            return n
        self.gone[i] = 1
        self.leaving[n] = i
        self.source[i] = ddot(&m, &self.c_matrix[i, 0], &one, &self.residual[0], &one)
        return n + 1

    cdef int _meet_bent(self, int c, int n) noexcept nogil:
        """The same for the bonds with laws, if there are any."""
        return n

    cdef int _spread_bound(self, int c) noexcept nogil:
        """Turn u at the ends of bonds (``source``) into z."""
        cdef int e
        for e in range(self.start[c], self.start[c + 1]):
            self.edge_w[e] = self._across(e, self.source, 0.0)
        self._back(c, &self.source[0])
        return 0

    cdef inline double _across(self, int e, double[::1] value, double top) noexcept nogil:
        """Difference of ``value`` over edge ``e``."""
        return self._drop(value, self.edge_a[e], self.edge_b[e], top)

    cdef int _factor(self, int c) noexcept nogil:
        """LU of T scaled by sqrt|g| on both sides, sign(g) - sqrt|g| E' C E sqrt|g|."""
        cdef int first = self.start[c], r = self.start[c + 1] - first, e, f, a, b
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
        return factor_small(r, t, &self.pivot[first])

    cdef void _back(self, int c, double* out) noexcept nogil:
        """E T^-1 edge_w into ``out`` (m,)."""
        cdef int first = self.start[c], r = self.start[c + 1] - first, e
        cdef double value
        for e in range(first, first + r):
            self.edge_w[e] *= sqrt(fabs(self.edge_g[e]))
        solve_small(r, 1, &self.lu[self.lu_start[c]], &self.pivot[first], &self.edge_w[first])
        memset(out, 0, self.m * sizeof(double))
        for e in range(first, first + r):
            value = self.edge_w[e] * sqrt(fabs(self.edge_g[e]))
            out[self.edge_a[e]] += value
            if self.edge_b[e] >= 0:
                out[self.edge_b[e]] -= value

    cdef int _refine(self, const int* atoms, int n_atoms, double scale) noexcept nogil:
        """Refine the shifts of moving atoms until they settle, or solve them afresh.

        Corrections fall by a constant ratio, which the last two tell; so they also tell what is left.
        """
        cdef int c, i, p, step = 0, n, active = n_atoms, info = 0
        cdef double size, before, left, enough = SETTLED if self.refine else ENOUGH
        for p in range(n_atoms):
            self.batch[p] = atoms[p]
            self.size[p] = 0.0
            for i in range(self.m):
                self.size[p] = max(self.size[p], fabs(self.shift[atoms[p], i]))
        while active:
            self._correct(active)
            step += 1
            n, active = active, 0
            for p in range(n):
                # Each correction is q = size / before of the last: about size q is left.
                c, before = self.batch[p], self.size[p]
                size = self._correction(p)
                left = size if size >= before else size * size / before
                if left > enough and size < 0.1 * before and step < MOST_STEPS:
                    self.batch[active], self.size[active] = c, size
                    active += 1
                    continue
                self.left[c] = left
        for p in range(n_atoms):
            c = atoms[p]
            if not self.left[c] <= enough:
                info = self._solve_without(c, &self.left[c])
                if info:
                    return info
            self.removal_error = max(self.removal_error, self.left[c] / scale)
        # What holds the nodes at these potentials.
        for p in range(n_atoms):
            for i in range(self.m):
                self.batch_in[p, i] = self._beyond_background(atoms[p], i)
        self._times(self.k_matrix, self.batch_in, self.batch_out, 0, n_atoms)
        for p in range(n_atoms):
            for i in range(self.m):
                self.drawn[atoms[p], i] = self.batch_out[p, i]
        return 0

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
        self.batch[0] = c
        # Corrections against the residual by differences, as in `_solve`.
        for step in range(MOST_STEPS):
            self._residual_without(1)
            dpotrs(&uplo, &m, &one, &self.h_matrix[0, 0], &ld, &self.batch_out[0, 0], &ld, &info)
            for i in range(m):
                self.batch_in[0, i] = self.batch_out[0, i]
            size = self._correction(0)
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

    cdef double _correction(self, int p) noexcept nogil:
        """Add the correction of one moving atom of the batch to its shift; returns its size at 1 V."""
        cdef int i, c = self.batch[p]
        cdef double size = 0.0
        for i in range(self.m):
            self.shift[c, i] += self.batch_in[p, i]
            size = max(size, fabs(self.batch_in[p, i]))
        return size

    cdef void _residual_without(self, int n) noexcept nogil:
        """Current that each node lacks without each moving atom of the batch, at phi + shift, into batch_out."""
        cdef int p, i, m = self.m
        for p in range(n):
            for i in range(m):
                self.batch_in[p, i] = -self._beyond_background(self.batch[p], i)
        # What the background brings at these potentials, and what the bonds that are left bring.
        self._times(self.k_matrix, self.batch_in, self.batch_out, 0, n)
        for p in range(n):
            for i in range(m):
                self.source[i] = self.phi[i] + self.shift[self.batch[p], i]
            self._flow_without(self.batch[p])
            for i in range(m):
                self.batch_out[p, i] += self.residual[i]

    cdef void _correct(self, int n) noexcept nogil:
        """One correction of the ``n`` moving atoms of the batch: C r + C E w into batch_in."""
        cdef int c, e, i, p, ends, m = self.m
        # First guess of the correction from C, at the ends of the changed bonds; then what these make of it.
        self._residual_without(n)
        for p in range(n):
            c, ends = self.batch[p], 0
            for i in range(m):
                self.residual[i] = self.batch_out[p, i]
            for e in range(self.start[c], self.start[c + 1]):
                ends = self._meet(self.edge_b[e], self._meet(self.edge_a[e], ends))
            for i in range(ends):
                self.gone[self.leaving[i]] = 0
            for e in range(self.start[c], self.start[c + 1]):
                self.edge_w[e] = self._across(e, self.source, 0.0)
            self._back(c, &self.residual[0])
            for i in range(m):
                self.batch_out[p, i] += self.residual[i]
        # C (r + E w): the one product with all of C
        self._times(self.c_matrix, self.batch_out, self.batch_in, 0, n)

    cdef void _flow_without(self, int c) noexcept nogil:
        """Current into each node (residual) at the values in source, bonds of moving atom ``c`` left out.

        They are not added and taken away again: the currents that would cancel are 1e7 times those that stay.
        """
        cdef int e, i, first = self.start[c], last = self.start[c + 1]
        cdef double value
        for i in range(self.m):
            self.residual[i] = self._flow_to(i, False)
        # Nodes that left have no bonds; their neighbours skip them.
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 1
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.residual[self.edge_a[e]] = 0.0
                if self.edge_b[e] >= 0 and not self.gone[self.edge_b[e]]:
                    self.residual[self.edge_b[e]] = self._flow_to(self.edge_b[e], True)
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 0
                continue
            # A bond that appears has g < 0, so that this is the current it brings to its first end.
            value = self.edge_g[e] * self._across(e, self.source, self.top)
            self.residual[self.edge_a[e]] += value
            if self.edge_b[e] >= 0:
                self.residual[self.edge_b[e]] -= value

    cdef inline double _flow_to(self, int i, bint left) noexcept nogil:
        """Current into one node at the values in source; ``left``: its bonds to nodes that left are not there."""
        cdef int k, n = self.degree[i]
        cdef double here = self.source[i], other = 0.0
        cdef double total = self.contact_g[1, i] * (self.top - here) - self.contact_g[0, i] * here
        cdef const double* at = &self.source[0]
        cdef const int* link = &self.link[i, 0]
        cdef const double* g = &self.link_g[i, 0]
        if left:
            for k in range(n):
                if not self.gone[link[k]]:
                    total += g[k] * (at[link[k]] - here)
            return total
        # Two sums, so that one addition need not wait for the one before.
        if n & 1:
            n -= 1
            total += g[n] * (at[link[n]] - here)
        for k in range(0, n, 2):
            total += g[k] * (at[link[k]] - here)
            other += g[k + 1] * (at[link[k + 1]] - here)
        return total + other
