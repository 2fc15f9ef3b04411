"""Networks whose bonds obey laws, without each moving atom (compiled).

What holds for the whole network (see `Operating`) holds without an atom too, with the C of the network without it,
C + C E T^-1 E' C (see `Removal`). Since laws rise, the bound on the error of a potential is that of the linear
network.
"""

import numpy as np

from libc.math cimport fabs, INFINITY, sqrt
from libc.string cimport memset
from scipy.linalg.cython_blas cimport dgemm
from scipy.linalg.cython_lapack cimport dpotrf, dpotrs

from ._bond_laws cimport settle, settle_room, tangent_factor
from ._fields cimport TOLERATED, UNSETTLED
from ._removal cimport Removal, SETTLED
from ._small_lu cimport solve_small

cdef int MOST_STEPS = 40
cdef int MOST_REPEATS = 20  # steps with matrices of slopes that are kept
cdef double KEPT = 0.1      # of a step, the next one up to which the matrix is kept


cdef class Nonlinear(Removal):
    """The network without each moving atom, bonds with laws included; arguments as of :class:`Operating`."""

    def __init__(self, *args, **numbers):
        Removal.__init__(self, *args, **numbers)
        self.prepared = -1
        self.linear_shift = np.zeros((1, 1))
        self.base_inverse, self.bend_left, self.bend_step = np.zeros(1), np.zeros(1), np.zeros(1)
        self._room_for_own(1, 1, 1, 1)

    def _room_for_own(self, long entries, long squares, long crosses, int n_moving):
        self.own_a, self.own_b, self.own_law, self.own_bent = np.zeros((4, entries), np.intc)
        self.own_g, self.own_rest, self.own_drop, self.own_tangent = np.zeros((4, entries))
        self.own_extra, self.own_step = np.zeros((2, entries))
        self.own_coupling, self.own_x, self.cross = np.zeros(squares), np.zeros(crosses), np.zeros(crosses)
        self.own_start = np.zeros(n_moving + 1, np.intc)
        self.own_square, self.own_cross = np.zeros((2, n_moving + 1), np.int64)

    cdef int prepare(self, int n_moving) except -1:
        """List the bonds with a law without each moving atom, after `remove_each`."""
        cdef long entries, squares = 0, crosses = 0, n
        cdef int c, most
        if self.prepared == self.solution:
            return 0
        self.prepare_base()
        if self.own_start.shape[0] < n_moving + 1:
            self._room_for_own(1, 1, 1, 2 * n_moving)
        # Count first; then the lists, and what couples their bonds.
        entries, most = 0, self.n_bent
        for c in range(n_moving):
            n = self._list_own(c, entries, False) - entries
            self.own_start[c], self.own_square[c], self.own_cross[c] = entries, squares, crosses
            entries += n
            squares += n * n
            crosses += n * (self.start[c + 1] - self.start[c])
            most = max(most, <int>n)
        self.own_start[n_moving] = entries
        # One more than is used: the last atom may have no such bond, and its lists then begin at the end.
        if entries >= self.own_a.shape[0] or squares >= self.own_coupling.shape[0] or crosses >= self.own_x.shape[0]:
            starts = np.array(self.own_start), np.array(self.own_square), np.array(self.own_cross)
            self._room_for_own(2 * entries + 1, 2 * squares + 1, 2 * crosses + 1, self.own_start.shape[0] - 1)
            self.own_start, self.own_square, self.own_cross = starts
        if settle_room(most) > self.work.shape[0]:
            self.work, self.bent_pivot = np.zeros(settle_room(2 * most)), np.zeros(2 * most, np.intc)
        if self.n_bent**2 > self.base_inverse.shape[0]:
            self.base_inverse = np.zeros(4 * self.n_bent**2)
        if most > self.bend_left.shape[0]:
            self.bend_left, self.bend_step = np.zeros((2, 2 * most))
        if self.linear_shift.shape[0] < n_moving or self.linear_shift.shape[1] != self.capacity:
            self.linear_shift = np.zeros((n_moving + 64, self.capacity))
        cdef int i, info = 0
        with nogil:
            for c in range(n_moving):
                for i in range(self.m):
                    self.linear_shift[c, i] = self.shift[c, i]
                self._list_own(c, self.own_start[c], True)
                info = self._couple_own(c)
                if info:
                    break
        if info:
            raise ArithmeticError("a network without one of its vacancies is singular")
        self.prepared = self.solution
        return 0

    cdef long _list_own(self, int c, long n, bint write) noexcept nogil:
        """Bonds with a law that stay or appear without moving atom ``c``, from entry ``n`` on; returns the end."""
        cdef int e, j, first = self.start[c], last = self.start[c + 1]
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 1
        for j in range(self.n_bent):
            if self.gone[self.bent_a[j]] or (self.bent_b[j] >= 0 and self.gone[self.bent_b[j]]):
                continue
            if write:
                self.own_a[n], self.own_b[n], self.own_bent[n] = self.bent_a[j], self.bent_b[j], j
                self.own_g[n], self.own_law[n] = self.bent_g[j], self.bent_law[j]
            n += 1
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 0
            elif self.edge_law[e] > 0:
                if write:
                    self.own_a[n], self.own_b[n], self.own_bent[n] = self.edge_a[e], self.edge_b[e], -1
                    self.own_g[n], self.own_law[n] = -self.edge_g[e], self.edge_law[e] - 1
                n += 1
        return n

    cdef int _couple_own(self, int c) noexcept nogil:
        """The same voltages in the network without moving atom ``c``: C + C E T^-1 E' C in the place of C."""
        cdef int first = self.start[c], r = self.start[c + 1] - first, e, j, l, i
        cdef int k = self.own_start[c + 1] - self.own_start[c], at = self.own_start[c]
        cdef double* x = &self.own_x[self.own_cross[c]]
        cdef double* coupling = &self.own_coupling[self.own_square[c]]
        cdef double value, unity = 1.0
        cdef char trans = b"N", turned = b"T"
        if k == 0:
            return 0
        for l in range(k):
            for e in range(r):
                value = sqrt(fabs(self.edge_g[first + e])) * self._pair(
                    self.edge_a[first + e], self.edge_b[first + e], self.own_a[at + l], self.own_b[at + l])
                self.cross[l * r + e] = value
                x[l * r + e] = value
        if r > 0:
            solve_small(r, k, &self.lu[self.lu_start[c]], &self.pivot[first], x)
        for i in range(self.m):
            self.source[i] = self.linear_phi[i] + self.linear_shift[c, i]
        for j in range(k):
            self.own_rest[at + j] = self._drop(self.source, self.own_a[at + j], self.own_b[at + j], 1.0)
            for l in range(j + 1):
                if self.own_bent[at + j] >= 0 and self.own_bent[at + l] >= 0:
                    value = self.coupling[self.own_bent[at + j] * self.n_bent + self.own_bent[at + l]]
                else:
                    value = self._pair(self.own_a[at + j], self.own_b[at + j], self.own_a[at + l], self.own_b[at + l])
                coupling[j * k + l] = value
                coupling[l * k + j] = value
        if r > 0:
            dgemm(&turned, &trans, &k, &k, &r, &unity, &self.cross[0], &r, x, &r, &unity, coupling, &k)
        return 0

    cdef void _flow_without(self, int c) noexcept nogil:
        cdef int l
        cdef double y
        Removal._flow_without(self, c)
        if not self.bent:
            return
        for l in range(self.own_start[c], self.own_start[c + 1]):
            y = self._extra(self.own_g[l], self.own_law[l],
                            self._drop(self.source, self.own_a[l], self.own_b[l], self.top))
            self.residual[self.own_a[l]] -= y
            if self.own_b[l] >= 0:
                self.residual[self.own_b[l]] += y

    cdef int _moving_pass(self, int n_moving) noexcept nogil:
        """Shift of the nodes' potentials without each moving atom, at the voltage of `operate` (other than 0)."""
        cdef int c, i, info
        if n_moving == 0 or self.m == 0:
            return 0
        info = self._invert_base()
        if info:
            return info
        for c in range(n_moving):
            info = self._own_extra(c)
            if info:
                return info
            memset(&self.star_sum[c, 0], 0, self.m * sizeof(double))
            self._spread_own(c, &self.own_extra[0], -1.0, &self.star_sum[c, 0])
        self._respond(self.star_sum, self.shift, n_moving)
        for c in range(n_moving):
            for i in range(self.m):
                self.shift[c, i] += self.top * (self.linear_phi[i] + self.linear_shift[c, i]) - self.phi[i]
        for c in range(n_moving):
            self.loose[c] = c
        return self._refine_loose(n_moving, n_moving, fabs(self.top))

    cdef int _invert_base(self) noexcept nogil:
        """Inverse of the matrix of slopes with all atoms, from the factors that `operate` left in ``work``."""
        cdef int k = self.n_bent, l
        if k == 0:
            return 0
        memset(&self.base_inverse[0], 0, k * k * sizeof(double))
        for l in range(k):
            self.base_inverse[l * k + l] = 1.0
        solve_small(k, k, &self.work[0], &self.bent_pivot[0], &self.base_inverse[0])
        return 0

    cdef int _own_extra(self, int c) noexcept nogil:
        """Currents beyond the slopes at 0 V in the network without moving atom ``c``."""
        cdef int l, at = self.own_start[c], k = self.own_start[c + 1] - at, info = 0
        if k == 0:
            return 0
        # Most atoms are far from any gap: the voltages with them are a good first guess of those without.
        self._guess_own(c)
        if not self._settle_by_base(c):
            self._guess_own(c)
            info = settle(self.laws, k, &self.own_coupling[self.own_square[c]], &self.own_g[at], &self.own_law[at],
                          &self.own_step[0], &self.own_drop[at], &self.own_tangent[at], &self.work[0],
                          &self.bent_pivot[0])
        for l in range(at, at + k):
            self.own_extra[l] = self._extra(self.own_g[l], self.own_law[l], self.own_drop[l])
        return info

    cdef void _guess_own(self, int c) noexcept nogil:
        """Voltages that the slopes at 0 V alone would give (``own_step``), and those with the atom where it has them."""
        cdef int l, at = self.own_start[c], k = self.own_start[c + 1] - at
        for l in range(k):
            self.own_step[l] = self.top * self.own_rest[at + l]
            self.own_drop[at + l] = self.own_step[l]
            if self.own_bent[at + l] >= 0:
                self.own_drop[at + l] = self.bent_drop[self.own_bent[at + l]]

    cdef bint _settle_by_base(self, int c) noexcept nogil:
        """Settle the voltages by steps with a matrix of slopes that is kept; whether they came to rest.

        It begins with the inverse that holds with the atom, if the same bonds are there: far from the atom that
        needs no other. Where steps fall slowly the matrix is made anew.
        """
        cdef int j, l, step, at = self.own_start[c], k = self.own_start[c + 1] - at, info = 0
        cdef bint base = k == self.n_bent, renew
        cdef double* coupling = &self.own_coupling[self.own_square[c]]
        cdef double* left = &self.bend_left[0]
        cdef double* change = &self.bend_step[0]
        cdef double scale = 0.0, before = INFINITY, size, value
        for l in range(k):
            scale = max(scale, fabs(self.own_step[l]))
            base = base and self.own_bent[at + l] == l
        renew = not base
        for step in range(MOST_REPEATS):
            # What is unsettled, column by column: sums of vectors, which compilers make fast.
            for j in range(k):
                left[j] = self.own_drop[at + j] - self.own_step[j]
            for l in range(k):
                value = self.own_g[at + l] * (self.laws.current(self.own_law[at + l], self.own_drop[at + l],
                                                                &self.own_tangent[at + l]) - self.own_drop[at + l])
                for j in range(k):
                    left[j] += coupling[l * k + j] * value
            if renew:
                info = tangent_factor(k, coupling, &self.own_g[at], &self.own_tangent[at], &self.work[0],
                                      &self.bent_pivot[0])
                if info:
                    return False
                base = False
            if base:
                for j in range(k):
                    change[j] = 0.0
                for l in range(k):
                    for j in range(k):
                        change[j] += self.base_inverse[l * k + j] * left[l]
            else:
                for j in range(k):
                    change[j] = left[j]
                solve_small(k, 1, &self.work[0], &self.bent_pivot[0], change)
            size = 0.0
            for j in range(k):
                size = max(size, fabs(change[j]))
                self.own_drop[at + j] -= change[j]
            # With a matrix that is kept steps fall by a constant ratio, size / before: it tells what is left.
            if size <= SETTLED * scale or (step > 0 and not renew and size * size <= SETTLED * scale * before):
                return True
            if not size < before:
                return False
            renew = size > KEPT * before
            before = size
        return False

    cdef void _spread_own(self, int c, double* extra, double sign, double* out) noexcept nogil:
        """Add E y + E_c T^-1 E_c' C E y to the nodes, ``extra`` by entry of the lists; times C it is C' E y."""
        cdef int first = self.start[c], r = self.start[c + 1] - first, e, l, at = self.own_start[c]
        cdef double* x = &self.own_x[self.own_cross[c]]
        cdef double y, value
        for l in range(at, self.own_start[c + 1]):
            y = sign * extra[l]
            out[self.own_a[l]] += y
            if self.own_b[l] >= 0:
                out[self.own_b[l]] -= y
            for e in range(r):
                value = sqrt(fabs(self.edge_g[first + e])) * x[(l - at) * r + e] * y
                out[self.edge_a[first + e]] += value
                if self.edge_b[first + e] >= 0:
                    out[self.edge_b[first + e]] -= value

    cdef int _meet_bent(self, int c, int n) noexcept nogil:
        cdef int l
        if self.bent:
            for l in range(self.own_start[c], self.own_start[c + 1]):
                n = self._meet(self.own_b[l], self._meet(self.own_a[l], n))
        return n

    cdef int _spread_bound(self, int c) noexcept nogil:
        """Turn u into z of the network in which each bond has the slope of its law at its voltage.

        Laws rise, so the error solves a linear network in which each slope is met somewhere between the voltage
        found and the true one. Such a network, too, is positive in all entries of its inverse, and slopes vary over
        a distance that is within the bound by less than the factor 2 allows.
        """
        cdef int e, l, first = self.start[c], r = self.start[c + 1] - first, at, k, info
        cdef double* x = NULL
        cdef double value
        if not self.bent:
            return Removal._spread_bound(self, c)
        at = self.own_start[c]
        k = self.own_start[c + 1] - at
        if k == 0:
            return Removal._spread_bound(self, c)
        if r > 0:
            x = &self.own_x[self.own_cross[c]]
        # Voltages of the bonds by their slopes at 0 V, then by those at the voltage, as in `_bend`.
        for l in range(k):
            value = self._drop(self.source, self.own_a[at + l], self.own_b[at + l], 0.0)
            for e in range(r):
                value += x[l * r + e] * sqrt(fabs(self.edge_g[first + e])) * self._across(first + e, self.source, 0.0)
            self.own_step[at + l] = value
        Removal._spread_bound(self, c)
        info = tangent_factor(k, &self.own_coupling[self.own_square[c]], &self.own_g[at], &self.own_tangent[at],
                              &self.work[0], &self.bent_pivot[0])
        if info:
            return info
        solve_small(k, 1, &self.work[0], &self.bent_pivot[0], &self.own_step[at])
        for l in range(at, at + k):
            self.own_step[l] *= self.own_g[l] * (self.own_tangent[l] - 1.0)
        self._spread_own(c, &self.own_step[0], -1.0, &self.source[0])
        return 0

    def bound_without(self, int site, const double[::1] lacking, bint by_trees=False):
        """Bound (V) on the error of potentials without the moving atom at a host site, by the sharp way or by trees.

        Parameters
        ----------
        site : int
            Of an atom that some candidate takes away.
        lacking : (m,) float64
            Size of the current that each node lacks, in units of a background bond times 1 V.
        by_trees : bool
            Take what flows along trees of stiff bonds apart: here ``lacking`` has signs.
        """
        cdef int i, c = self._moving_at(site)
        if lacking.shape[0] != self.m:
            raise ValueError(f"lacking must have one current for each of {self.m} nodes, got {lacking.shape[0]}")
        for i in range(self.m):
            self.residual[i] = lacking[i]
        return self._tree_bound(c) if by_trees else self._sharp_bound(c)

    def bound_by_probes(self, int site, const double[:, ::1] off):
        """The same for an inverse of the whole network that is off by a matrix, as by rounding; it stays so until `solve`.

        Parameters
        ----------
        site : int
            Of an atom that some candidate takes away.
        off : (m, m) float64
            What is added to the inverse, symmetric.

        Returns
        -------
        float
            V at 1 V; infinite where a bond of the atom ends at a node that floats.
        """
        cdef int i, j, c = self._moving_at(site)
        self.room_for_probes()
        for i in range(self.m):
            for j in range(self.m):
                self.c_matrix[i, j] += off[i, j]
        self._solve_star(c)
        self._respond(self.star_sum[c:c + 1], self.shift[c:c + 1], 1)
        self._probe()
        return self._probed_bound(c)

    def _moving_at(self, int site):
        """Return the number of the moving atom at a host site."""
        if not 0 <= site < self.n_hosts or self.node_at[site] < 0 or self.moving_number[site] < 0:
            raise ValueError(f"no conducting defect that may move is at host site {site}")
        return self.moving_number[site]

    cdef void _correct(self, int n) noexcept nogil:
        cdef int p
        Removal._correct(self, n)
        if self.bent:
            for p in range(n):
                self._bend(self.batch[p], &self.batch_in[p, 0])

    cdef void _bend(self, int c, double* correction) noexcept nogil:
        """Give a correction by the slopes at 0 V those that the bonds have at the voltage."""
        cdef int i, l, at = self.own_start[c], k = self.own_start[c + 1] - at, info
        cdef double* coupling = &self.own_coupling[self.own_square[c]]
        if k == 0:
            return
        info = tangent_factor(k, coupling, &self.own_g[at], &self.own_tangent[at], &self.work[0], &self.bent_pivot[0])
        if info:
            return  # the correction stays rougher; whether it settles decides
        for i in range(self.m):
            self.source[i] = correction[i]
        for l in range(at, at + k):
            self.own_step[l] = self._drop(self.source, self.own_a[l], self.own_b[l], 0.0)
        solve_small(k, 1, &self.work[0], &self.bent_pivot[0], &self.own_step[at])
        for l in range(at, at + k):
            self.own_step[l] *= self.own_g[l] * (self.own_tangent[l] - 1.0)
        memset(&self.residual[0], 0, self.m * sizeof(double))
        self._spread_own(c, &self.own_step[0], -1.0, &self.residual[0])
        self._times_c(self.residual, self.source)
        for i in range(self.m):
            correction[i] += self.source[i]

    cdef int _solve_without(self, int c, double* left) noexcept nogil:
        """Shift of moving atom ``c`` by Newton's method on all nodes, from what the reduced network gave."""
        cdef int i, l, a, b, info = 0, one = 1, step, m = self.m, ld = self.capacity
        cdef double g, slope, size = 0.0
        cdef char uplo = b"U"
        if not self.bent:
            return Removal._solve_without(self, c, left)
        self.batch[0] = c
        for step in range(MOST_STEPS):
            self._assemble_without(c)
            for i in range(m):
                self.source[i] = self.phi[i] + self.shift[c, i]
            for l in range(self.own_start[c], self.own_start[c + 1]):
                a, b = self.own_a[l], self.own_b[l]
                self.laws.current(self.own_law[l], self._drop(self.source, a, b, self.top), &slope)
                self.own_tangent[l] = slope
                g = self.own_g[l] * (self.own_tangent[l] - 1.0)
                self.h_matrix[a, a] += g
                if b >= 0:
                    self.h_matrix[b, b] += g
                    self.h_matrix[max(a, b), min(a, b)] -= g
            dpotrf(&uplo, &m, &self.h_matrix[0, 0], &ld, &info)
            if info:
                return info
            self._residual_without(1)
            dpotrs(&uplo, &m, &one, &self.h_matrix[0, 0], &ld, &self.batch_out[0, 0], &ld, &info)
            for i in range(m):
                self.batch_in[0, i] = self.batch_out[0, i]
            size = self._correction(0)
            if step > 0 and size <= SETTLED:
                break
        left[0] = size
        return 0 if size <= TOLERATED else UNSETTLED
