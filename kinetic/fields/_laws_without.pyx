"""Bonds with laws in the network without each hopping atom (compiled).

What holds for the whole network (see `OperatingPoint`) holds without an atom too, with the C of the network without it,
C + C E T^-1 E' C (see `LocalBonds`). Since laws rise, the bound on the error of a potential is that of the linear
network.
"""

cimport cython

import numpy as np

from libc.math cimport fabs, INFINITY, sqrt
from libc.string cimport memset
from scipy.linalg.cython_blas cimport dgemm

from ._bond_laws cimport settle, settle_room, tangent_factor
from ._local_bonds cimport LocalBonds
from ._network_solver cimport NetworkSolver
from ._operating_point cimport between_bonds, drop_over, LawBonds, OperatingPoint
from ._small_lu cimport solve_small

cdef double SETTLED = 1e-13  # V over the largest voltage: the last step of the voltages
cdef int MOST_REPEATS = 20  # steps with matrices of slopes that are kept
cdef double KEPT = 0.1      # of a step, the next one up to which the matrix is kept


@cython.final
cdef class LawsWithout:
    """Lists of the bonds with a law without each hopping atom, and their voltages at an operating point.

    Notes
    -----
    =========================================  ==============================================================
    symbol, of atom c                          attribute, from ``start[c]``
    =========================================  ==============================================================
    bonds with a law, g                        ``a``, ``b``, ``law``, ``g``; among those of the whole network
                                               ``number_in_whole`` (-1: it appears)
    v' = E' phi' at 1 V                        ``rest``
    S' = E' (C + C E_c T^-1 E_c' C) E          ``coupling`` from ``square[c]``
    T^-1 E_c' C E (scaled by sqrt|g|)          ``x`` from ``cross_at[c]``
    u', i'(u') / g, i(u') - g u'               ``drop``, ``tangent``, ``extra``
    (1 + S g (i'/g - 1))^-1 with all atoms     ``base_inverse``
    =========================================  ==============================================================
    """

    def __init__(self, NetworkSolver solver, LocalBonds local):
        self.solver, self.local = solver, local
        self.work, self.base_inverse, self.left, self.change = np.zeros((4, 1))
        self.pivot = np.zeros(1, np.intc)
        self._room(1, 1, 1, 1)

    cdef int _room(self, long entries, long squares, long crosses, int n) except -1:
        """Make room for lists of ``n`` hopping atoms."""
        self.a, self.b, self.law, self.number_in_whole = np.zeros((4, entries), np.intc)
        self.g, self.rest, self.drop, self.tangent, self.extra, self.step = np.zeros((6, entries))
        self.coupling, self.x, self.cross = np.zeros(squares), np.zeros(crosses), np.zeros(crosses)
        self.start = np.zeros(n + 1, np.intc)
        self.square, self.cross_at = np.zeros((2, n + 1), np.int64)
        return 0

    cdef int _room_for_steps(self, int most) except -1:
        """Make room to settle the voltages of ``most`` bonds."""
        if settle_room(most) > self.work.shape[0]:
            self.work, self.pivot = np.zeros(settle_room(2 * most)), np.zeros(2 * most, np.intc)
        if self.whole.n**2 > self.base_inverse.shape[0]:
            self.base_inverse = np.zeros(4 * self.whole.n**2)
        if most > self.left.shape[0]:
            self.left, self.change = np.zeros((2, 2 * most))
        return 0

    # ---------------------------------------------------------------- lists

    cdef int prepare(self, LawBonds whole, double[:, ::1] shift) except -1:
        """List the bonds with a law without each hopping atom.

        Parameters
        ----------
        whole : LawBonds
            Of the network with all atoms.
        shift : (n_hopping, capacity)
            Change of the nodes' potential (V) at 1 V without each atom, at the slopes of all bonds at 0 V.
        """
        cdef long entries = 0, squares = 0, crosses = 0, n
        cdef int c, most = whole.n
        self.whole = whole
        if self.start.shape[0] < self.local.n + 1:
            self._room(1, 1, 1, 2 * self.local.n)
        # Count first; then the lists, and what couples their bonds.
        for c in range(self.local.n):
            n = self._list(c, entries, False) - entries
            self.start[c], self.square[c], self.cross_at[c] = entries, squares, crosses
            entries += n
            squares += n * n
            crosses += n * (self.local.start[c + 1] - self.local.start[c])
            most = max(most, <int>n)
        self.start[self.local.n] = entries
        # One more than is used: the last atom may have no such bond, and its lists then begin at the end.
        if entries >= self.a.shape[0] or squares >= self.coupling.shape[0] or crosses >= self.x.shape[0]:
            starts = np.array(self.start), np.array(self.square), np.array(self.cross_at)
            self._room(2 * entries + 1, 2 * squares + 1, 2 * crosses + 1, self.start.shape[0] - 1)
            self.start, self.square, self.cross_at = starts
        self._room_for_steps(most)
        with nogil:
            for c in range(self.local.n):
                self._list(c, self.start[c], True)
                self._couple(c, &shift[c, 0])
        return 0

    cdef long _list(self, int c, long n, bint write) noexcept nogil:
        """Bonds with a law that stay or appear without hopping atom ``c``, from entry ``n`` on; returns the end."""
        cdef int e, j
        self.local.mark_gone(c)
        for j in range(self.whole.n):
            if self.local.gone[self.whole.a[j]] or (self.whole.b[j] >= 0 and self.local.gone[self.whole.b[j]]):
                continue
            if write:
                self.a[n], self.b[n], self.number_in_whole[n] = self.whole.a[j], self.whole.b[j], j
                self.g[n], self.law[n] = self.whole.g[j], self.whole.law[j]
            n += 1
        self.local.unmark_gone(c)
        for e in range(self.local.start[c], self.local.start[c + 1]):
            if self.local.edge_g[e] < 0.0 and self.local.edge_law[e] > 0:
                if write:
                    self.a[n], self.b[n], self.number_in_whole[n] = self.local.edge_a[e], self.local.edge_b[e], -1
                    self.g[n], self.law[n] = -self.local.edge_g[e], self.local.edge_law[e] - 1
                n += 1
        return n

    cdef void _couple(self, int c, const double* shift) noexcept nogil:
        """Voltages of the bonds at 1 V and for unit currents: C + C E T^-1 E' C in the place of C."""
        cdef int first = self.local.start[c], r = self.local.start[c + 1] - first, e, j, l
        cdef int k = self.start[c + 1] - self.start[c], at = self.start[c]
        cdef double* x = &self.x[self.cross_at[c]]
        cdef double* coupling = &self.coupling[self.square[c]]
        cdef const double* phi = &self.whole.solution.potentials.phi[0]
        cdef const double* c_matrix = &self.solver.c_matrix[0, 0]
        cdef long ld = self.solver.network.capacity
        cdef double value, unity = 1.0
        cdef char trans = b"N", turned = b"T"
        if k == 0:
            return
        for l in range(k):
            for e in range(r):
                value = sqrt(fabs(self.local.edge_g[first + e])) * between_bonds(
                    c_matrix, ld, self.local.edge_a[first + e], self.local.edge_b[first + e],
                    self.a[at + l], self.b[at + l])
                self.cross[l * r + e] = value
                x[l * r + e] = value
        if r > 0:
            solve_small(r, k, &self.local.lu[self.local.lu_start[c]], &self.local.pivot[first], x)
        for j in range(k):
            # The potential of a node without the atom is phi + shift.
            value = phi[self.a[at + j]] + shift[self.a[at + j]]
            if self.b[at + j] >= 0:
                value -= phi[self.b[at + j]] + shift[self.b[at + j]]
            else:
                value -= 1.0 if self.b[at + j] == -2 else 0.0
            self.rest[at + j] = value
            for l in range(j + 1):
                if self.number_in_whole[at + j] >= 0 and self.number_in_whole[at + l] >= 0:
                    value = self.whole.coupling[
                        self.number_in_whole[at + j] * self.whole.n + self.number_in_whole[at + l]]
                else:
                    value = between_bonds(c_matrix, ld, self.a[at + j], self.b[at + j], self.a[at + l], self.b[at + l])
                coupling[j * k + l] = value
                coupling[l * k + j] = value
        if r > 0:
            dgemm(&turned, &trans, &k, &k, &r, &unity, &self.cross[0], &r, x, &r, &unity, coupling, &k)

    cdef int list_ends(self, int c) noexcept nogil:
        """List in ``local.ends`` the ends of the changed bonds and of those with laws, each once; their number."""
        cdef int k = self.start[c + 1] - self.start[c]
        return self.local.list_all_ends(c, k, &self.a[self.start[c]], &self.b[self.start[c]])

    # ---------------------------------------------------------------- voltages at an operating point

    cdef int begin(self, OperatingPoint point) except -1:
        """Take up an operating point of the whole network: the inverse of its matrix of slopes."""
        cdef int k = self.whole.n, l
        self.point = point
        if k == 0:
            return 0
        memset(&self.base_inverse[0], 0, k * k * sizeof(double))
        for l in range(k):
            self.base_inverse[l * k + l] = 1.0
        solve_small(k, k, &point.matrix[0], &point.pivot[0], &self.base_inverse[0])
        return 0

    cdef int sources_without(self, int c, double* out) noexcept nogil:
        """Currents beyond the slopes at 0 V without hopping atom ``c``, as sources: C times them is the change."""
        cdef int l, at = self.start[c], k = self.start[c + 1] - at, info = 0
        if k:
            # Most atoms are far from any gap: the voltages with them are a good first guess of those without.
            self._guess(c)
            if not self._settle_by_base(c):
                self._guess(c)
                info = settle(self.whole.laws, k, &self.coupling[self.square[c]], &self.g[at], &self.law[at],
                              &self.step[0], &self.drop[at], &self.tangent[at], &self.work[0], &self.pivot[0])
            for l in range(at, at + k):
                self.extra[l] = self._extra(l, self.drop[l])
        memset(out, 0, self.solver.network.m * sizeof(double))
        self._spread(c, &self.extra[0], -1.0, out)
        return info

    cdef void _guess(self, int c) noexcept nogil:
        """Voltages that the slopes at 0 V alone would give (``step``), and those with the atom where it has them."""
        cdef int l, at = self.start[c], k = self.start[c + 1] - at
        for l in range(k):
            self.step[l] = self.point.voltage * self.rest[at + l]
            self.drop[at + l] = self.step[l]
            if self.number_in_whole[at + l] >= 0:
                self.drop[at + l] = self.point.drop[self.number_in_whole[at + l]]

    cdef bint _settle_by_base(self, int c) noexcept nogil:
        """Settle the voltages by steps with a matrix of slopes that is kept; whether they settled.

        It begins with the inverse that holds with the atom, if the same bonds are there: far from the atom that
        needs no other. Where steps fall slowly the matrix is computed again.
        """
        cdef int j, l, step, at = self.start[c], k = self.start[c + 1] - at, info = 0
        cdef bint base = k == self.whole.n, renew
        cdef double* coupling = &self.coupling[self.square[c]]
        cdef double* left = &self.left[0]
        cdef double* change = &self.change[0]
        cdef double scale = 0.0, before = INFINITY, size, value
        for l in range(k):
            scale = max(scale, fabs(self.step[l]))
            base = base and self.number_in_whole[at + l] == l
        renew = not base
        for step in range(MOST_REPEATS):
            # What is unsettled, column by column: sums of vectors, which compilers make fast.
            for j in range(k):
                left[j] = self.drop[at + j] - self.step[j]
            for l in range(k):
                value = self.g[at + l] * (self.whole.laws.current(self.law[at + l], self.drop[at + l],
                                                                  &self.tangent[at + l]) - self.drop[at + l])
                for j in range(k):
                    left[j] += coupling[l * k + j] * value
            if renew:
                info = tangent_factor(k, coupling, &self.g[at], &self.tangent[at], &self.work[0], &self.pivot[0])
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
                solve_small(k, 1, &self.work[0], &self.pivot[0], change)
            size = 0.0
            for j in range(k):
                size = max(size, fabs(change[j]))
                self.drop[at + j] -= change[j]
            # With a matrix that is kept steps fall by a constant ratio, size / before, which gives what is left.
            if size <= SETTLED * scale or (step > 0 and not renew and size * size <= SETTLED * scale * before):
                return True
            if not size < before:
                return False
            renew = size > KEPT * before
            before = size
        return False

    cdef void _spread(self, int c, const double* current, double sign, double* out) noexcept nogil:
        """Add E y + E_c T^-1 E_c' C E y to the nodes, ``current`` by entry of the lists; times C it is C' E y."""
        cdef int first = self.local.start[c], r = self.local.start[c + 1] - first, e, l, at = self.start[c]
        cdef double* x = &self.x[self.cross_at[c]]
        cdef double y, value
        for l in range(at, self.start[c + 1]):
            y = sign * current[l]
            out[self.a[l]] += y
            if self.b[l] >= 0:
                out[self.b[l]] -= y
            for e in range(r):
                value = sqrt(fabs(self.local.edge_g[first + e])) * x[(l - at) * r + e] * y
                out[self.local.edge_a[first + e]] += value
                if self.local.edge_b[first + e] >= 0:
                    out[self.local.edge_b[first + e]] -= value

    # ---------------------------------------------------------------- what laws add to residuals and corrections

    cdef void flow(self, int c, const double* value, double* out) noexcept nogil:
        """Add the current into each node that bonds with laws bring beyond their slopes at 0 V, without the atom."""
        cdef int l
        cdef double y
        for l in range(self.start[c], self.start[c + 1]):
            y = self._extra(l, drop_over(value, self.a[l], self.b[l], self.point.voltage))
            out[self.a[l]] -= y
            if self.b[l] >= 0:
                out[self.b[l]] += y

    cdef int bound_response(self, int c, double* value) noexcept nogil:
        """Turn u = C r at the ends of bonds into z of the network in which each bond has the slope of its law.

        Laws rise, so the error solves a linear network in which each slope is met somewhere between the voltage
        found and the true one. Such a network, too, is positive in all entries of its inverse, and slopes vary over
        a distance that is within the bound by less than the factor 2 allows.
        """
        cdef int e, l, first = self.local.start[c], r = self.local.start[c + 1] - first, info
        cdef int at = self.start[c], k = self.start[c + 1] - at
        cdef double* x = NULL
        cdef double drop
        if k and r > 0:
            x = &self.x[self.cross_at[c]]
        # Voltages of the bonds by their slopes at 0 V, then by those at the voltage, as in `bend`.
        for l in range(k):
            drop = drop_over(value, self.a[at + l], self.b[at + l], 0.0)
            for e in range(r):
                drop += x[l * r + e] * sqrt(fabs(self.local.edge_g[first + e])) * drop_over(
                    value, self.local.edge_a[first + e], self.local.edge_b[first + e], 0.0)
            self.step[at + l] = drop
        self.local.respond(c, value, 0.0, value)
        if k == 0:
            return 0
        info = tangent_factor(k, &self.coupling[self.square[c]], &self.g[at], &self.tangent[at],
                              &self.work[0], &self.pivot[0])
        if info:
            return info
        solve_small(k, 1, &self.work[0], &self.pivot[0], &self.step[at])
        for l in range(at, at + k):
            self.step[l] *= self.g[l] * (self.tangent[l] - 1.0)
        self._spread(c, &self.step[0], -1.0, value)
        return 0

    cdef void bend(self, int c, double* correction, double* residual, double* source) noexcept nogil:
        """Give a correction by the slopes at 0 V those that the bonds have at the voltage; two vectors to work in."""
        cdef int i, l, at = self.start[c], k = self.start[c + 1] - at, m = self.solver.network.m
        if k == 0:
            return
        if tangent_factor(k, &self.coupling[self.square[c]], &self.g[at], &self.tangent[at], &self.work[0],
                          &self.pivot[0]):
            return  # the correction stays rougher; whether it settles decides
        for l in range(at, at + k):
            self.step[l] = drop_over(correction, self.a[l], self.b[l], 0.0)
        solve_small(k, 1, &self.work[0], &self.pivot[0], &self.step[at])
        for l in range(at, at + k):
            self.step[l] *= self.g[l] * (self.tangent[l] - 1.0)
        memset(residual, 0, m * sizeof(double))
        self._spread(c, &self.step[0], -1.0, residual)
        self.solver.times_c(residual, source)
        for i in range(m):
            correction[i] += source[i]

    cdef void add_slopes(self, int c, const double* value, double[:, ::1] out) noexcept nogil:
        """Add to K + L, the lower triangle, what the slopes at potentials ``value`` have beyond those at 0 V."""
        cdef int l, a, b
        cdef double g
        for l in range(self.start[c], self.start[c + 1]):
            a, b = self.a[l], self.b[l]
            self.whole.laws.current(self.law[l], drop_over(value, a, b, self.point.voltage), &self.tangent[l])
            g = self.g[l] * (self.tangent[l] - 1.0)
            out[a, a] += g
            if b >= 0:
                out[b, b] += g
                out[max(a, b), min(a, b)] -= g
