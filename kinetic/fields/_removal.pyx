"""The network without one of its conducting defects, for every defect that may move (compiled).

Neither the bonds of the moving atom nor the neighbours that conduct only beside it are there, and bonds that
it hid appear. With E those bonds (g > 0 leaves, g < 0 appears), C = (K + L)^-1 and T = diag(1/g) - E' C E,

    phi' = phi + C E T^-1 (E' phi - v).

The errors of C, as probes tell them (see `Probes`), bound those of each moving atom's potentials. Where that exceeds
3e-8 V at 1 V, and in small networks, the atom's own residual does, built from differences across bonds. Where that
exceeds it too (everywhere when asked, ``refine``) atoms are refined, many at once, until they settle, and solved
afresh if they do not.
"""

import numpy as np

from libc.math cimport fabs, INFINITY, sqrt
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport daxpy, ddot
from scipy.linalg.cython_lapack cimport dpotrf, dpotrs

from ._fields cimport TOLERATED, UNSETTLED
from ._operating cimport between_bonds
from ._probes cimport GROUNDED, Probes
from ._small_lu cimport factor_small, solve_small

cdef double SETTLED = 1e-13, LOOSE = 3e-8, ENOUGH = 1e-11
cdef int MOST_STEPS = 20
cdef double ROUNDING = 2e-13    # of an entry of T over the largest g C: a smaller pivot is not known to a digit or two
cdef double DOUBTFUL = 1e-9     # of the same: a shift by T with a smaller pivot is too rough to begin with

cdef enum:
    BATCH = 64          # moving atoms that are refined at once
    MANY = 200          # grounded moving atoms from which on probes cost less than a residual of each


cdef class Removal(Probes):
    """Fields that also know the potential without each moving atom; made with the arguments of :class:`Probes`."""

    def __init__(self, *args, **laws):
        Probes.__init__(self, *args, **laws)
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
        if read and n_moving >= MANY:
            self.room_for_probes()
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
        cdef int c, r, info = 0, begin = 0
        self.removal_error = 0.0
        if n_moving == 0 or self.m == 0:
            return 0
        # For each atom a small system over its changed bonds gives the currents by which its network differs.
        self.n_edges = 0
        for c in range(n_moving):
            self._edges_without(self.moving[c], True)
            r = self.start[c + 1] - self.start[c]
            self.lu_start[c] = begin
            begin += r * r
            info = self._solve_star(c)
            if info:
                return info
        self._respond(self.star_sum, self.shift, n_moving)
        if not read:
            return self._refine_doubtful(n_moving)
        return self._refine_loose(self._list_unproved(n_moving), n_moving, 1.0)

    cdef int _solve_star(self, int c) noexcept nogil:
        """Currents f = E T^-1 (E' phi - v) by which the network without moving atom ``c`` differs, into ``star_sum``."""
        cdef int e, info = self._factor(c)
        if info:
            return info
        for e in range(self.start[c], self.start[c + 1]):
            self.edge_w[e] = self._across(e, self.phi, 1.0)
        self._back(c, &self.star_sum[c, 0])
        return 0

    cdef int _list_unproved(self, int n_moving) noexcept nogil:
        """List the moving atoms in ``loose`` that probes do not clear; those that they do are done with."""
        cdef int c, n = 0, n_grounded = 0
        cdef double error
        if n_moving >= MANY and not self.refine:
            for c in range(n_moving):
                n_grounded += self._grounded(c)
        if n_grounded >= MANY:
            self._probe()
        for c in range(n_moving):
            error = self._probed_bound(c) if n_grounded >= MANY else INFINITY
            if error <= LOOSE:
                self.removal_error = max(self.removal_error, error)
                self._draw_by_sources(c)
            else:
                self.loose[n] = c
                n += 1
        return n

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

    cdef int _refine_loose(self, int n_listed, int n_moving, double scale) noexcept nogil:
        """Refine those of the moving atoms in ``loose`` whose bound is too large, at ``scale`` volts."""
        cdef int c, p, first = 0, n = 0
        cdef double error
        if n_listed == n_moving:
            self._draw_all(n_moving)
        else:
            while first < n_listed:
                self._draw(&self.loose[first], min(n_listed - first, <int>BATCH))
                first += BATCH
        for p in range(n_listed):
            c = self.loose[p]
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

    cdef void _draw_all(self, int n_moving) noexcept nogil:
        """Currents that hold the nodes at phi' in the background, for all moving atoms: one product with K."""
        cdef int c, i
        for c in range(n_moving):
            for i in range(self.m):
                self.star_sum[c, i] = self._beyond_background(c, i)
        self._times(self.k_matrix, self.star_sum, self.drawn, 0, n_moving)

    cdef void _draw(self, const int* atoms, int n) noexcept nogil:
        """The same for a batch of moving atoms."""
        cdef int p, i
        for p in range(n):
            for i in range(self.m):
                self.batch_in[p, i] = self._beyond_background(atoms[p], i)
        self._times(self.k_matrix, self.batch_in, self.batch_out, 0, n)
        for p in range(n):
            memcpy(&self.drawn[atoms[p], 0], &self.batch_out[p, 0], self.m * sizeof(double))

    cdef void _draw_by_sources(self, int c) noexcept nogil:
        """The same by the sources Y of the potentials C, of which few are needed (see :class:`Probes`)."""
        cdef int k, i, m = self.m, one = 1, n = self._list_ends(c)
        memcpy(&self.drawn[c, 0], &self.y_phi[0], m * sizeof(double))
        for k in range(n):
            i = self.leaving[k]
            daxpy(&m, &self.star_sum[c, i], &self.h_matrix[i, 0], &one, &self.drawn[c, 0], &one)

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

    cdef bint _grounded(self, int c) noexcept nogil:
        """Whether all bonds that change with an atom end at grounded nodes; their ends are in ``leaving``."""
        cdef int k, i
        for k in range(self._list_ends(c)):
            i = self.leaving[k]
            if not self.c_matrix[i, i] < GROUNDED:
                return False
        return True

    cdef double _probed_bound(self, int c) noexcept nogil:
        """The same without a residual, for an atom whose bonds all end at grounded nodes; else infinite.

        With f = E T^-1 (E' phi - v) the nodes lack at most what the whole network leaves open, what its small system
        leaves open at the ends of bonds, and |D^-1 f| times the lengths of rows of R D.
        """
        cdef int e, k, l, i, b, n = self._list_ends(c)
        cdef double size = 0.0, total, value
        if not self._grounded(c) or self._doubtful(c, ROUNDING):
            return INFINITY
        for k in range(n):
            i = self.leaving[k]
            size += self.c_matrix[i, i] * self.star_sum[c, i] ** 2
            self.residual[i] = 0.0
        size = sqrt(size)
        for e in range(self.start[c], self.start[c + 1]):
            i, b = self.edge_a[e], self.edge_b[e]
            value = self.phi[i] + self.shift[c, i]
            value -= self.phi[b] + self.shift[c, b] if b >= 0 else (self.top if b == -2 else 0.0)
            value = fabs(self.edge_g[e] * value - self.edge_w[e] * sqrt(fabs(self.edge_g[e])))
            self.residual[i] += value
            if b >= 0:
                self.residual[b] += value
        total = self.lacking_most + size * self.known_most
        for k in range(n):
            i = self.leaving[k]
            total += self.c_matrix[i, i] * self.residual[i]
            self.source[i] = self.lacking[i] + size * self.known[i]
            for l in range(n):
                self.source[i] += self.c_matrix[i, self.leaving[l]] * self.residual[self.leaving[l]]
        return self._bound_at_ends(c, n, total) + size * self.point_most

    cdef double _sharp_bound(self, int c) noexcept nogil:
        """A sharper bound from the same sizes r: all entries of A'^-1 are positive, so that no error exceeds A'^-1 r.

        That is u + C z with u = C r and z = E T^-1 E' u, and what bonds with laws add to z (see :class:`Nonlinear`).
        No entry of a column of C exceeds that on the diagonal, which bounds u by the sum of C_jj r_j; and the rest
        is harmonic but where z is not zero, at ends of changed bonds, so that it is largest there. Twice the sum
        covers the rounding of C and T.
        """
        cdef int e, i, k, n = 0, m = self.m, first = self.start[c], last = self.start[c + 1]
        cdef double total = 0.0
        if self._doubtful(c, ROUNDING):
            return INFINITY
        for i in range(m):
            total += self.c_matrix[i, i] * self.residual[i]
        for e in range(first, last):
            n = self._meet(self.edge_b[e], self._meet(self.edge_a[e], n))
        n = self._meet_bent(c, n)
        for k in range(n):
            self.gone[self.leaving[k]] = 0
        return self._bound_at_ends(c, n, total)

    cdef double _bound_at_ends(self, int c, int n, double total) noexcept nogil:
        """The bound from the sum that bounds u, and from u itself at the ``n`` ends in ``leaving`` (in ``source``)."""
        cdef int k, l, i
        cdef double largest = 0.0, value, other
        if self._spread_bound(c):
            return INFINITY
        for k in range(n):
            i = self.leaving[k]
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
        self._draw(atoms, n_atoms)
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
