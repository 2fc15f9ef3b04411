"""Bonds with laws in the network without each hopping atom (compiled).

The network without the atom is that of the tangents at an operating point of the whole network (see `TangentNetwork`)
without the bonds that change (see `LocalBonds`), and currents y = i(u) - i0 - i'0 (u - u0) by which bonds leave their
tangents:

    T w = E_c' phi - v - E_c' C E y,    u = u0 + E' C (E_c w - E y),

both by products with rows of E' C, so that memory grows with the number of bonds times that of nodes. A bond that
appears has no tangent: all of its current is in y, and its slope may be 1e-200 of a bond's. Newton's method
runs on y of the few bonds whose slope has changed; for all others, far from the atom, the tangents do. Every voltage,
near or far, is that of its own current in the end; what is left open the residuals of `LeaveOneOut` show.

Atoms that do not settle so are settled from slopes at 0 V, with a matrix of all of their bonds (see `settle` of
`BondLaws`), each by itself.
"""

cimport cython

import numpy as np

from libc.math cimport fabs, INFINITY, sqrt
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dgemm

from ._bond_laws cimport behind, settle as settle_bonds, settle_room
from ._local_bonds cimport LocalBonds
from ._network_solver cimport NetworkSolver
from ._operating_point cimport between_bonds, drop_over, LawBonds, OperatingPoint
from ._small_lu cimport factor_small, solve_small
from ._symmetric cimport add, dot
from ._tangent_network cimport TangentNetwork

cdef enum:
    BATCH = 64          # hopping atoms whose bonds are settled at once

cdef double SETTLED = 1e-13  # V over that of the top electrode: what the last step of a voltage may leave open
cdef double STILL = 1e-9     # the same: a voltage that has moved by less is on its tangent
cdef double BENT = 1e-3      # of a bond's voltage, moved by the change of its slope: from there Newton's method runs
cdef double SEEN = 1e-4      # the same, from where a change of slope counts in corrections and bounds
cdef double STEEP = 1e3      # 1/V: no law's slope changes faster than by e over 1 mV
cdef double LONG = 1e-6      # V: a longer step of a voltage goes along its law
cdef double OWN = 1e-9       # of a voltage: what is left to the bond by all others, for such a step
cdef int MOST_STEPS = 30


cdef inline double larger(double left, double value) noexcept nogil:
    """The larger of two numbers; not a number where either is none."""
    return value if value > left or value != value else left


@cython.final
cdef class LawsWithout:
    """Voltages and currents of the bonds with a law without each hopping atom, at an operating point.

    Notes
    -----
    =========================================  ==============================================================
    symbol, of atom c                          attribute
    =========================================  ==============================================================
    u of the bonds of the whole network        ``drop[c]``
    u, y of those that appear                  ``drop_new``, ``beyond_new`` from ``start[c]``
    y, di/du - i'0 (a batch of atoms)          ``beyond``, ``slope``
    y in the end                               ``carried[c]``
    S y, E_c' phi - v (the same)               ``answer``, ``base``
    S of a bond that appears                   ``own_new``
    w (one atom)                               ``w``
    q = E_c' C E, T^-1 q, bonds that are bent  ``column``, ``solved``
    1 + (S + q' T^-1 q) (di/du - i'0)          ``system``, factored
    whether u settled                          ``settled[c]``
    =========================================  ==============================================================
    """

    def __init__(self, NetworkSolver solver, LocalBonds local, TangentNetwork tangent):
        self.solver, self.local, self.tangent = solver, local, tangent
        self.number, self.first_at, self.next_at, self.start, self.edge = np.zeros((5, 1), np.intc)
        self.bent, self.pivot = np.zeros((2, 1), np.intc)
        self.batch, self.slot = np.zeros((2, BATCH), np.intc)
        self.bent_ends, self.alone_ends = np.zeros((2, 2, 1), np.intc)
        self.left, self.settled = np.zeros((2, 1), np.int8)
        self.drop_new, self.beyond_new, self.slope_new, self.own_new, self.open_new = np.zeros((5, 1))
        self.voltage, self.w, self.node, self.weight = np.zeros((4, 1))
        self.drop, self.carried, self.beyond, self.slope, self.answer, self.base = np.zeros((6, 1, 1))
        self.column, self.solved, self.system, self.step, self.load = np.zeros((5, 1))
        self.alone_law = self.alone_number = np.zeros(0, np.intc)
        self.alone_x, self.alone_t = np.zeros((2, 0))

    # ---------------------------------------------------------------- lists

    cdef int prepare(self, LawBonds whole) except -1:
        """List the bonds with a law that leave and appear with each hopping atom.

        Parameters
        ----------
        whole : LawBonds
            Of the network with all atoms.
        """
        cdef int c, e, l, n = 0
        self.whole, self.k = whole, whole.n
        self._room()
        with nogil:
            for l in range(self.solver.network.m):
                self.first_at[l] = -1
            for l in range(self.k):
                self.next_at[l] = self.first_at[whole.a[l]]
                self.first_at[whole.a[l]] = l
            for c in range(self.local.n):
                self.start[c] = n
                for e in range(self.local.start[c], self.local.start[c + 1]):
                    self.number[e] = -1
                    if self.local.edge_g[e] > 0.0:
                        self.number[e] = self._number_of(self.local.edge_a[e], self.local.edge_b[e])
                    elif self.local.edge_law[e] > 0:
                        self.edge[n] = e
                        n += 1
            self.start[self.local.n] = n
        return 0

    cdef int _room(self) except -1:
        """Make room for the lists, and for steps of a batch of atoms."""
        cdef int c, k = self.k, n = self.local.n, m = self.solver.network.capacity, n_edges = self.local.n_edges, most
        self.most_edges = 1
        for c in range(n):
            self.most_edges = max(self.most_edges, self.local.start[c + 1] - self.local.start[c])
        most = k + self.most_edges
        if self.number.shape[0] < n_edges:
            self.number, self.edge = np.zeros((2, 2 * n_edges), np.intc)
            self.drop_new, self.beyond_new, self.slope_new, self.own_new, self.open_new = np.zeros((5, 2 * n_edges))
        if self.start.shape[0] < n + 1:
            self.start, self.settled = np.zeros(2 * n + 1, np.intc), np.zeros(2 * n + 1, np.int8)
        if self.first_at.shape[0] != m:
            self.first_at, self.node = np.zeros(m, np.intc), np.zeros(m)
        # Rows have exactly as many numbers as there are bonds: products run over them.
        if self.drop.shape[0] < n or self.drop.shape[1] != k:
            self.drop, self.carried = np.zeros((2, n + 64, k))
            self.beyond, self.slope, self.answer = np.zeros((3, BATCH, k))
        if self.next_at.shape[0] < most:
            self.next_at, self.bent, self.pivot = np.zeros((3, 2 * most), np.intc)
            self.bent_ends = np.zeros((2, 2 * most), np.intc)
            self.left = np.zeros(2 * most, np.int8)
            self.voltage, self.step, self.load, self.weight = np.zeros((4, 2 * most))
            self.system = np.zeros(4 * max(most * most, settle_room(most)))
        if self.base.shape[1] < self.most_edges:
            self.base = np.zeros((BATCH, 2 * self.most_edges))
            self.w = np.zeros(2 * self.most_edges)
        if self.column.shape[0] < most * self.most_edges:
            self.column, self.solved = np.zeros((2, 2 * most * self.most_edges))
        return 0

    cdef int _number_of(self, int a, int b) noexcept nogil:
        """Number of the bond between two nodes, or to an electrode, among those with a law; -1 if it has none."""
        cdef int l, other = b
        if b > a:
            a, other = b, a
        l = self.first_at[a]
        while l >= 0 and self.whole.b[l] != other:
            l = self.next_at[l]
        return l

    cdef void _mark_left(self, int c, signed char mark) noexcept nogil:
        """Mark the bonds with a law that leave with hopping atom ``c``, or take these marks away."""
        cdef int e
        for e in range(self.local.start[c], self.local.start[c + 1]):
            if self.number[e] >= 0:
                self.left[self.number[e]] = mark

    # ---------------------------------------------------------------- an operating point

    cdef int begin(self, OperatingPoint point) except -1:
        """Take up an operating point of the whole network, with the slopes that `tangent` has of its bonds."""
        cdef int c, e, l, n, a, b
        cdef double u
        self.point = point
        if not self.tangent.steep:
            self._room_alone()
        with nogil:
            self.local.straighten()
            for c in range(self.local.n):
                for e in range(self.local.start[c], self.local.start[c + 1]):
                    l = self.number[e]
                    if l < 0:
                        continue
                    u = point.current[l] / self.tangent.share[l] - point.drop[l]
                    self.local.bend(e, self.tangent.share[l], u if self.local.edge_a[e] == self.whole.a[l] else -u)
                for n in range(self.start[c], self.start[c + 1]):
                    e = self.edge[n]
                    a, b = self.local.edge_a[e], self.local.edge_b[e]
                    self.local.bend(e, 0.0, 0.0)
                    # A first guess: the voltage with the atom there.
                    self.drop_new[n] = drop_over(&point.potentials.phi[0], a, b, point.voltage)
                    self.own_new[n] = between_bonds(
                        &self.tangent.c_matrix[0, 0], self.solver.network.capacity, a, b, a, b)
        return 0

    cdef int settle(self, const int* atoms, int n, double[:, ::1] out) noexcept nogil:
        """Settle all voltages without each of ``n`` hopping atoms, whose T must be factored; write who ``settled``.

        Sources at changed bonds to rows of ``out``, zero for the others; `TangentNetwork` adds what all bonds bring
        (``carried``).
        """
        cdef int first = 0, p
        if not self.tangent.steep:
            for p in range(n):
                self._settle_alone(atoms[p], &out[atoms[p], 0])
            return 0
        while first < n:
            self._settle_batch(&atoms[first], min(n - first, <int>BATCH), out)
            first += BATCH
        return 0

    cdef void _settle_batch(self, const int* atoms, int n, double[:, ::1] out) noexcept nogil:
        cdef int p, c, step = 0, active = n, before, k = self.k
        cdef double zero = 0.0, unity = 1.0, left
        cdef char trans = b"N"
        for p in range(n):
            self.batch[p] = self.slot[p] = p
            self._begin_atom(atoms[p], p)
        while active:
            for p in range(active):
                self._look_beyond(atoms[self.batch[p]], p)
                self.slot[p] = self.batch[p]
            if k:
                dgemm(&trans, &trans, &k, &active, &k, &unity, &self.tangent.coupling[0, 0], &k, &self.beyond[0, 0], &k,
                      &zero, &self.answer[0, 0], &k)
            before, active = active, 0
            for p in range(before):
                c = atoms[self.slot[p]]
                left = self._step(c, p)
                if left <= SETTLED * fabs(self.point.voltage) and step > 0:
                    self._write_sources(c, p, &out[c, 0])
                elif left == left and step < MOST_STEPS:
                    self.batch[active] = self.slot[p]
                    active += 1
                else:
                    self.lose(c, &out[c, 0])
            step += 1

    cdef void lose(self, int c, double* out) noexcept nogil:
        """Take a hopping atom as one that has not settled, without sources."""
        self.settled[c] = False
        memset(out, 0, self.solver.network.m * sizeof(double))
        if self.k:
            memset(&self.carried[c, 0], 0, self.k * sizeof(double))

    cdef void _begin_atom(self, int c, int p) noexcept nogil:
        """Voltages with the atom, which most bonds hardly leave, and what drives the changed bonds."""
        cdef int e, l, first = self.local.start[c]
        self.settled[c] = True
        for l in range(self.k):
            self.drop[c, l] = self.point.drop[l]
        self.local.drops(c, &self.point.potentials.phi[0], self.point.voltage, &self.base[p, 0])
        for e in range(first, self.local.start[c + 1]):
            self.base[p, e - first] += sqrt(fabs(self.local.slope[e])) * self.local.offset[e]

    cdef void _look_beyond(self, int c, int p) noexcept nogil:
        """Current and slope of each bond beyond its tangent at its present voltage, into row ``p`` of the batch."""
        cdef int l, n, e
        cdef double u, moved, tangent, current, still = STILL * fabs(self.point.voltage)
        self._mark_left(c, 1)
        for l in range(self.k):
            self.beyond[p, l] = self.slope[p, l] = 0.0
            u = self.drop[c, l]
            moved = u - self.point.drop[l]
            if self.left[l] or (fabs(moved) <= still and self.tangent.steep):
                continue
            current = self.whole.laws.current(self.whole.law[l], u, &tangent)
            tangent -= self.tangent.share[l]
            current -= self.point.current[l] + self.tangent.share[l] * moved
            self.beyond[p, l], self.slope[p, l] = self.whole.g[l] * current, self.whole.g[l] * tangent
        self._mark_left(c, 0)
        for n in range(self.start[c], self.start[c + 1]):
            e = self.edge[n]
            current = self.whole.laws.current(self.local.edge_law[e] - 1, self.drop_new[n], &tangent)
            self.beyond_new[n] = -self.local.edge_g[e] * current
            self.slope_new[n] = -self.local.edge_g[e] * tangent

    cdef void _respond(self, int c, int p) noexcept nogil:
        """Currents w of the changed bonds and the voltages that follow from currents beyond tangents in row ``p``."""
        cdef int a, b, e, i, j, l, n, n_ends, k = self.k
        cdef int first = self.local.start[c], r = self.local.start[c + 1] - first
        cdef double value
        cdef double[:, ::1] c_matrix = self.tangent.c_matrix
        # E' C y at the ends of changed bonds.
        n_ends = self.local.list_ends(c)
        for j in range(n_ends):
            i = self.local.ends[j]
            self.node[i] = dot(k, &self.tangent.bond_voltage[i, 0], &self.beyond[p, 0]) if k else 0.0
            for n in range(self.start[c], self.start[c + 1]):
                a, b = self.local.edge_a[self.edge[n]], self.local.edge_b[self.edge[n]]
                self.node[i] += self.beyond_new[n] * (c_matrix[i, a] - (c_matrix[i, b] if b >= 0 else 0.0))
        for e in range(r):
            value = drop_over(&self.node[0], self.local.edge_a[first + e], self.local.edge_b[first + e], 0.0)
            self.w[e] = self.base[self.slot[p], e] - value * sqrt(fabs(self.local.slope[first + e]))
        for n in range(self.start[c], self.start[c + 1]):
            a, b = self.local.edge_a[self.edge[n]], self.local.edge_b[self.edge[n]]
            value = drop_over(&self.point.potentials.phi[0], a, b, self.point.voltage)
            self.voltage[k + n - self.start[c]] = value - drop_over(&self.node[0], a, b, 0.0)
        self.local.solve(c, 1, &self.w[0])
        # E_c w there, and what it makes; that of y in the whole network is known.
        for j in range(n_ends):
            self.node[self.local.ends[j]] = 0.0
        self.local.spread(c, &self.w[0], &self.node[0])
        for n in range(self.start[c], self.start[c + 1]):
            a, b = self.local.edge_a[self.edge[n]], self.local.edge_b[self.edge[n]]
            value = 0.0
            for j in range(n_ends):
                i = self.local.ends[j]
                value += self.node[i] * (c_matrix[i, a] - (c_matrix[i, b] if b >= 0 else 0.0))
            self.voltage[k + n - self.start[c]] += value
        self._spread_new(c, -1.0, &self.node[0])
        for l in range(k):
            self.voltage[l] = self.point.drop[l] - self.answer[p, l]
        for j in range(n_ends if k else 0):
            i = self.local.ends[j]
            add(k, self.node[i], &self.tangent.bond_voltage[i, 0], &self.voltage[0])

    cdef void _spread_new(self, int c, double sign, double* out) noexcept nogil:
        """Add currents beyond tangents of the bonds that appear, times ``sign``, to the nodes at their ends."""
        cdef int e, n
        for n in range(self.start[c], self.start[c + 1]):
            e = self.edge[n]
            out[self.local.edge_a[e]] += sign * self.beyond_new[n]
            if self.local.edge_b[e] >= 0:
                out[self.local.edge_b[e]] -= sign * self.beyond_new[n]

    cdef inline double _own_share(self, int c, int p, int l) noexcept nogil:
        """By which fraction of itself the change of a bond's slope moves its voltage."""
        cdef int n = self.start[c] + l - self.k
        if l < self.k:
            return fabs(self.slope[p, l]) * self.tangent.coupling[l, l]
        return fabs(self.slope_new[n]) * self.own_new[n]

    cdef double _step(self, int c, int p) noexcept nogil:
        """One step of the voltages without hopping atom ``c``; about what is left open after it (V)."""
        cdef int e, j, l, n, q, k = self.k, r = self.local.start[c + 1] - self.local.start[c]
        cdef int start = self.start[c], every = self.k + self.start[c + 1] - start
        cdef double left = 0.0, off, share
        cdef bint bent
        self._respond(c, p)
        q = self._list_bent(c, p, BENT)
        bent = q > 0 and self._factor_bent(c, p, q) == 0
        # Bonds on their tangents, or nearly so, are left as open as their slopes have changed.
        for l in range(every):
            off = fabs(self.voltage[l] - (self.drop[c, l] if l < k else self.drop_new[start + l - k]))
            share = self._own_share(c, p, l)
            if bent and share > BENT:
                share = 10.0 * BENT
            left = larger(left, off * min(1.0, share + STEEP * off))
        if bent:
            for j in range(q):
                l = self.bent[j]
                self.step[j] = self.voltage[l] - (self.drop[c, l] if l < k else self.drop_new[start + l - k])
            solve_small(q, 1, &self.system[0], &self.pivot[0], &self.step[0])
            # w follows the currents along their new slopes, so that it is right where this step is the last one.
            for j in range(q):
                l = self.bent[j]
                left = larger(left, fabs(self.step[j]) * min(1.0, STEEP * fabs(self.step[j])))
                if fabs(self.step[j]) > LONG:
                    self.step[j] = self._step_along(c, p, l, self.load[j], self.step[j])
                if l < k:
                    self.voltage[l] = self.drop[c, l] + self.step[j]
                    off = self.slope[p, l] * self.step[j]
                    self.beyond[p, l] += off
                else:
                    n = start + l - k
                    self.voltage[l] = self.drop_new[n] + self.step[j]
                    off = self.slope_new[n] * self.step[j]
                    self.beyond_new[n] += off
                for e in range(r):
                    self.w[e] -= self.solved[j * r + e] * off
        for l in range(k):
            self.drop[c, l] = self.voltage[l]
        for n in range(start, self.start[c + 1]):
            self.drop_new[n] = self.voltage[k + n - start]
        return left

    cdef double _step_along(self, int c, int p, int l, double load, double step) noexcept nogil:
        """The step of one bond's voltage that moves u + S y as far as ``step`` would along the slope.

        The bond alone is solved by it however steep its law is: on the way up no current becomes too large, and on the
        way down no step is lost (see `loaded_newton` of `BondLaws`).
        """
        cdef int e, n, law
        cdef double u, y, slope, g, share, wanted, rest, tangent
        if l < self.k:
            law, g, share = self.whole.law[l], self.whole.g[l], self.tangent.share[l]
            u, y, slope = self.drop[c, l], self.beyond[p, l], self.slope[p, l]
            wanted = g * (self.point.current[l] - share * self.point.drop[l])
        else:
            n = self.start[c] + l - self.k
            e = self.edge[n]
            law, g, share = self.local.edge_law[e] - 1, -self.local.edge_g[e], 0.0
            u, y, slope, wanted = self.drop_new[n], self.beyond_new[n], self.slope_new[n], 0.0
        rest = 1.0 - load * g * share
        if not rest > OWN:
            return step
        # u + S (i - i0 - i'0 (u - u0)) = u rest + S i - S (i0 - i'0 u0), over rest + S g as `behind` has it.
        wanted = (u + load * y + (1.0 + load * slope) * step + load * wanted) / (rest + load * g)
        return behind(self.whole.laws, law, g, load / (rest + load * g), wanted, u + step, &tangent) - u

    cdef int _list_bent(self, int c, int p, double least) noexcept nogil:
        """List in ``bent`` the bonds whose change of slope moves their voltages by a fraction ``least`` of itself."""
        cdef int l, q = 0
        for l in range(self.k + self.start[c + 1] - self.start[c]):
            if self._own_share(c, p, l) > least:
                self.bent[q] = l
                q += 1
        return q

    cdef inline double _coupled(self, int c, int i, int j) noexcept nogil:
        """S of two bonds, numbers as in ``bent``."""
        cdef int a, b, e, k = self.k
        if i >= k and j < k:
            i, j = j, i
        if j < k:
            return self.tangent.coupling[i, j]
        e = self.edge[self.start[c] + j - k]
        a, b = self.local.edge_a[e], self.local.edge_b[e]
        if i < k:
            return self.tangent.bond_voltage[a, i] - (self.tangent.bond_voltage[b, i] if b >= 0 else 0.0)
        e = self.edge[self.start[c] + i - k]
        return between_bonds(&self.tangent.c_matrix[0, 0], self.solver.network.capacity, self.local.edge_a[e],
                             self.local.edge_b[e], a, b)

    cdef int _factor_bent(self, int c, int p, int q) noexcept nogil:
        """LU of 1 + (S + q' T^-1 q) (di/du - i'0) for the ``q`` bonds in ``bent``; other than 0 if it is singular."""
        cdef int e, i, j, l, n, a, b, first = self.local.start[c], r = self.local.start[c + 1] - first
        cdef int start = self.start[c]
        cdef double value, weight, zero = 0.0, unity = 1.0
        cdef char trans = b"N", turned = b"T"
        for j in range(q):
            l = self.bent[j]
            for e in range(r):
                a, b = self.local.edge_a[first + e], self.local.edge_b[first + e]
                if l < self.k:
                    value = self.tangent.bond_voltage[a, l] - (self.tangent.bond_voltage[b, l] if b >= 0 else 0.0)
                else:
                    n = self.edge[start + l - self.k]
                    value = between_bonds(&self.tangent.c_matrix[0, 0], self.solver.network.capacity, a, b,
                                          self.local.edge_a[n], self.local.edge_b[n])
                self.column[j * r + e] = self.solved[j * r + e] = value * sqrt(fabs(self.local.slope[first + e]))
        self.local.solve(c, q, &self.solved[0])
        dgemm(&turned, &trans, &q, &q, &r, &unity, &self.column[0], &r, &self.solved[0], &r, &zero, &self.system[0], &q)
        for j in range(q):
            l = self.bent[j]
            weight = self.slope[p, l] if l < self.k else self.slope_new[start + l - self.k]
            for i in range(q):
                value = self.system[j * q + i] + self._coupled(c, self.bent[i], l)
                if i == j:
                    self.load[j] = value
                self.system[j * q + i] = value * weight
            self.system[j * q + j] += 1.0
        return factor_small(q, &self.system[0], &self.pivot[0])

    cdef void _write_sources(self, int c, int p, double* out) noexcept nogil:
        """Sources E_c w and those of bonds that appear, at the nodes; y of all others."""
        memset(out, 0, self.solver.network.m * sizeof(double))
        self.local.keep(c, &self.w[0])
        self.local.spread(c, &self.w[0], out)
        self._spread_new(c, -1.0, out)
        if self.k:
            memcpy(&self.carried[c, 0], &self.beyond[p, 0], self.k * sizeof(double))

    # ---------------------------------------------------------------- an atom by itself

    cdef void _settle_alone(self, int c, double* out) noexcept nogil:
        """Settle the voltages without hopping atom ``c`` from slopes at 0 V, with a matrix of all of its bonds.

        That takes as long for one atom as tangents do for many. Where conductances range over hundreds of decades
        tangents leave no digits, and where the atom changes all slopes a step along tangents may lead too far.
        """
        cdef int l
        self.lose(c, out)
        self.slot[0] = 0
        self._begin_atom(c, 0)
        self.settled[c] = self._settle_bonds(c) == 0
        if not self.settled[c]:
            return
        self._look_beyond(c, 0)
        for l in range(self.k):
            self.answer[0, l] = dot(self.k, &self.tangent.coupling[l, 0], &self.beyond[0, 0])
        # One more step brings the currents that fit these voltages.
        self.settled[c] = self._step(c, 0) < fabs(self.point.voltage)
        if self.settled[c]:
            self._write_sources(c, 0, out)

    cdef int _settle_bonds(self, int c) noexcept nogil:
        """Voltages by `settle` of `BondLaws`, in the network of slopes at 0 V; other than 0 if they do not settle."""
        cdef int e, j, l, info, number, first = self.local.start[c], r = self.local.start[c + 1] - first, n
        cdef double value, unity = 1.0
        cdef double[:, ::1] c_matrix = self.solver.c_matrix
        cdef long ld = self.solver.network.capacity
        cdef const double* linear = &self.whole.solution.potentials.phi[0]
        cdef char trans = b"N", turned = b"T"
        n = self._list_alone(c)
        # T and what drives the changed bonds, by slopes at 0 V.
        for e in range(r):
            for j in range(r):
                value = between_bonds(
                    &c_matrix[0, 0], ld, self.local.edge_a[first + e], self.local.edge_b[first + e],
                    self.local.edge_a[first + j], self.local.edge_b[first + j])
                self.alone_t[e * r + j] = -value * sqrt(fabs(
                    self.local.edge_g[first + e] * self.local.edge_g[first + j]))
            self.alone_t[e * r + e] += 1.0 if self.local.edge_g[first + e] > 0.0 else -1.0
            self.w[e] = sqrt(fabs(self.local.edge_g[first + e])) * drop_over(
                linear, self.local.edge_a[first + e], self.local.edge_b[first + e], 1.0)
        info = factor_small(r, &self.alone_t[0], &self.pivot[0])
        if info:
            return info
        solve_small(r, 1, &self.alone_t[0], &self.pivot[0], &self.w[0])
        for l in range(n):
            for e in range(r):
                value = sqrt(fabs(self.local.edge_g[first + e])) * between_bonds(
                    &c_matrix[0, 0], ld, self.local.edge_a[first + e], self.local.edge_b[first + e],
                    self.alone_ends[0, l], self.alone_ends[1, l])
                self.alone_cross[l * r + e] = self.alone_x[l * r + e] = value
            value = drop_over(linear, self.alone_ends[0, l], self.alone_ends[1, l], 1.0)
            value += dot(r, &self.alone_cross[l * r], &self.w[0])
            self.alone_drive[l] = self.point.voltage * value
            number = self.alone_number[l]
            self.alone_drop[l] = self.point.drop[number] if number < self.k else self.alone_drive[l]
            for j in range(n):
                self.alone_coupling[l * n + j] = between_bonds(
                    &c_matrix[0, 0], ld, self.alone_ends[0, l], self.alone_ends[1, l],
                    self.alone_ends[0, j], self.alone_ends[1, j])
        if n == 0:
            return 0
        solve_small(r, n, &self.alone_t[0], &self.pivot[0], &self.alone_x[0])
        dgemm(&turned, &trans, &n, &n, &r, &unity, &self.alone_cross[0], &r, &self.alone_x[0], &r, &unity,
              &self.alone_coupling[0], &n)
        info = settle_bonds(
            self.whole.laws, n, &self.alone_coupling[0], &self.alone_g[0], &self.alone_law[0], &self.alone_drive[0],
            &self.alone_drop[0], &self.alone_tangent[0], &self.system[0], &self.pivot[0])
        if info:
            return info
        for l in range(n):
            number = self.alone_number[l]
            if number < self.k:
                self.drop[c, number] = self.alone_drop[l]
            else:
                self.drop_new[self.start[c] + number - self.k] = self.alone_drop[l]
        return 0

    cdef int _list_alone(self, int c) noexcept nogil:
        """List the bonds with a law that are there without hopping atom ``c``; their number."""
        cdef int l, n, e, count = 0
        self._mark_left(c, 1)
        for l in range(self.k):
            if not self.left[l]:
                self.alone_ends[0, count], self.alone_ends[1, count] = self.whole.a[l], self.whole.b[l]
                self.alone_g[count], self.alone_law[count] = self.whole.g[l], self.whole.law[l]
                self.alone_number[count] = l
                count += 1
        self._mark_left(c, 0)
        for n in range(self.start[c], self.start[c + 1]):
            e = self.edge[n]
            self.alone_ends[0, count], self.alone_ends[1, count] = self.local.edge_a[e], self.local.edge_b[e]
            self.alone_g[count], self.alone_law[count] = -self.local.edge_g[e], self.local.edge_law[e] - 1
            self.alone_number[count] = self.k + n - self.start[c]
            count += 1
        return count

    cdef int _room_alone(self) except -1:
        cdef int most = self.k + self.most_edges, r = self.most_edges
        if self.alone_law.shape[0] < most:
            self.alone_ends = np.zeros((2, most), np.intc)
            self.alone_law, self.alone_number = np.zeros((2, most), np.intc)
            self.alone_g, self.alone_drive, self.alone_drop, self.alone_tangent = np.zeros((4, most))
            self.alone_coupling = np.zeros(most * most)
        if self.alone_t.shape[0] < r * r:
            self.alone_t = np.zeros(r * r)
        if self.alone_x.shape[0] < most * r:
            self.alone_x, self.alone_cross = np.zeros((2, most * r))
        return 0

    # ---------------------------------------------------------------- what laws add to residuals and corrections

    cdef void flow(self, int c, const double* value, double* out) noexcept nogil:
        """Add the current into each node that bonds with laws bring beyond their slopes at 0 V, without the atom."""
        cdef int l, n, e
        cdef double y, u, slope
        self._mark_left(c, 1)
        for l in range(self.k):
            if self.left[l]:
                continue
            y = self.whole.extra(l, drop_over(value, self.whole.a[l], self.whole.b[l], self.point.voltage))
            out[self.whole.a[l]] -= y
            if self.whole.b[l] >= 0:
                out[self.whole.b[l]] += y
        self._mark_left(c, 0)
        for n in range(self.start[c], self.start[c + 1]):
            e = self.edge[n]
            u = drop_over(value, self.local.edge_a[e], self.local.edge_b[e], self.point.voltage)
            y = -self.local.edge_g[e] * (self.whole.laws.current(self.local.edge_law[e] - 1, u, &slope) - u)
            out[self.local.edge_a[e]] -= y
            if self.local.edge_b[e] >= 0:
                out[self.local.edge_b[e]] += y

    cdef void add_still(self, double* out) noexcept nogil:
        """Add what each node may lack because a bond with a law that has hardly moved is on its tangent."""
        cdef int l
        cdef double y, still = STILL * fabs(self.point.voltage)
        for l in range(self.k):
            y = STEEP * still * still * self.tangent.share[l] * self.whole.g[l]
            out[self.whole.a[l]] += y
            if self.whole.b[l] >= 0:
                out[self.whole.b[l]] += y

    cdef void weigh(self, double most) noexcept nogil:
        """Take up C_ii at the ends of bonds with laws for `source_size`; infinite where it is ``most`` or more."""
        cdef int l
        cdef double here, other
        for l in range(self.k):
            here = self.tangent.c_matrix[self.whole.a[l], self.whole.a[l]]
            other = self.tangent.c_matrix[self.whole.b[l], self.whole.b[l]] if self.whole.b[l] >= 0 else 0.0
            self.weight[l] = sqrt(here) + sqrt(other) if here < most and other < most else INFINITY

    cdef double source_size(self, int c) noexcept nogil:
        """At most the root of the sum of C_ii f_i^2 of the currents f = E y that bonds with laws carry."""
        cdef int l
        cdef double size = 0.0
        for l in range(self.k):
            if self.carried[c, l] != 0.0:
                size += fabs(self.carried[c, l]) * self.weight[l]
        return size

    cdef double open_voltage(self, int c, const double* shift) noexcept nogil:
        """Sum of the voltages by which bonds with laws are off their currents at potentials off by ``shift``.

        A current along a bond moves no potential by more than itself over the slope, whatever else conducts. Slopes are
        in the first row of the batch then. What bonds that appear carry otherwise is in ``open_new``.
        """
        cdef int e, l, n
        cdef double total = 0.0, off
        cdef const double* phi = &self.point.potentials.phi[0]
        for l in range(self.k):
            self.drop[c, l] = self.point.drop[l] + drop_over(shift, self.whole.a[l], self.whole.b[l], 0.0)
        for n in range(self.start[c], self.start[c + 1]):
            e = self.edge[n]
            self.drop_new[n] = drop_over(phi, self.local.edge_a[e], self.local.edge_b[e], self.point.voltage)
            self.drop_new[n] += drop_over(shift, self.local.edge_a[e], self.local.edge_b[e], 0.0)
            self.open_new[n] = self.beyond_new[n]
        self._look_beyond(c, 0)
        for l in range(self.k):
            off = fabs(self.beyond[0, l] - self.carried[c, l])
            if off != 0.0:
                total += off / (self.slope[0, l] + self.tangent.share[l] * self.whole.g[l])
        for n in range(self.start[c], self.start[c + 1]):
            self.open_new[n] = fabs(self.beyond_new[n] - self.open_new[n])
        return total

    cdef int list_ends(self, int c) noexcept nogil:
        """List in ``local.ends`` the ends of changed bonds and of bonds whose slope has changed; their number."""
        self._look_beyond(c, 0)
        return self.list_bent_ends(c)

    cdef int list_bent_ends(self, int c) noexcept nogil:
        """The same by the slopes in the first row of the batch."""
        cdef int j, l, n = 0
        for j in range(self._list_bent(c, 0, SEEN)):
            l = self.bent[j]
            if l < self.k:
                self.bent_ends[0, n], self.bent_ends[1, n] = self.whole.a[l], self.whole.b[l]
                n += 1
        return self.local.list_all_ends(c, n, &self.bent_ends[0, 0], &self.bent_ends[1, 0])

    cdef int _add_slope_sources(self, int c, double* out) noexcept nogil:
        """Add sources by which ``voltage``, along the tangents, follows the slopes without hopping atom ``c``.

        These slopes are in the first row of the batch.
        """
        cdef int a, b, j, l, e, q, n, r = self.local.start[c + 1] - self.local.start[c]
        cdef double y
        q = self._list_bent(c, 0, SEEN)
        if q == 0:
            return 0
        if self._factor_bent(c, 0, q):
            return 1
        for j in range(q):
            self.step[j] = self.voltage[self.bent[j]]
        solve_small(q, 1, &self.system[0], &self.pivot[0], &self.step[0])
        for e in range(r):
            self.w[e] = 0.0
        for j in range(q):
            l = self.bent[j]
            if l < self.k:
                y, a, b = self.step[j] * self.slope[0, l], self.whole.a[l], self.whole.b[l]
            else:
                n = self.start[c] + l - self.k
                y = self.step[j] * self.slope_new[n]
                a, b = self.local.edge_a[self.edge[n]], self.local.edge_b[self.edge[n]]
            for e in range(r):
                self.w[e] -= self.solved[j * r + e] * y
            out[a] -= y
            if b >= 0:
                out[b] += y
        self.local.spread(c, &self.w[0], out)
        return 0

    cdef int bound_response(self, int c, double* value) noexcept nogil:
        """Turn u = C r at the ends that `list_ends` gives into z of the network in which each bond has its own slope.

        Laws rise, so the error solves a linear network in which each slope is met somewhere between the voltage
        found and the true one. Such a network, too, is positive in all entries of its inverse, and slopes vary over
        a distance that is within the bound by less than the factor 2 allows.
        """
        cdef int a, b, i, j, n, n_ends, l
        for l in range(self.k):
            self.voltage[l] = drop_over(value, self.whole.a[l], self.whole.b[l], 0.0)
        for n in range(self.start[c], self.start[c + 1]):
            self.voltage[self.k + n - self.start[c]] = drop_over(
                value, self.local.edge_a[self.edge[n]], self.local.edge_b[self.edge[n]], 0.0)
        self.local.respond(c, value, 0.0, value)
        n_ends = self.local.list_ends(c)
        for j in range(n_ends):
            i = self.local.ends[j]
            if self.k:
                add(self.k, value[i], &self.tangent.bond_voltage[i, 0], &self.voltage[0])
            for n in range(self.start[c], self.start[c + 1]):
                a, b = self.local.edge_a[self.edge[n]], self.local.edge_b[self.edge[n]]
                self.voltage[self.k + n - self.start[c]] += value[i] * (
                    self.tangent.c_matrix[i, a] - (self.tangent.c_matrix[i, b] if b >= 0 else 0.0))
        return self._add_slope_sources(c, value)

    cdef void bend(self, int c, double* correction, double* residual) noexcept nogil:
        """Give a correction along the tangents the slopes that bonds have without the atom; a vector to work in."""
        cdef int i, l, n, e, m = self.solver.network.m
        for l in range(self.k):
            self.voltage[l] = drop_over(correction, self.whole.a[l], self.whole.b[l], 0.0)
        for n in range(self.start[c], self.start[c + 1]):
            e = self.edge[n]
            self.voltage[self.k + n - self.start[c]] = drop_over(
                correction, self.local.edge_a[e], self.local.edge_b[e], 0.0)
        memset(residual, 0, m * sizeof(double))
        self._look_beyond(c, 0)
        if self._add_slope_sources(c, residual):
            return  # the correction stays rougher; whether it settles decides
        for i in range(m):
            if residual[i] != 0.0:
                add(m, residual[i], &self.tangent.c_matrix[i, 0], correction)

    cdef void add_slopes(self, int c, const double* value, double[:, ::1] out) noexcept nogil:
        """Add to K + L, the lower triangle, what the slopes at potentials ``value`` have beyond those at 0 V."""
        cdef int l, n, e
        self._mark_left(c, 1)
        for l in range(self.k):
            if not self.left[l]:
                self._add_slope(self.whole.a[l], self.whole.b[l], self.whole.g[l], self.whole.law[l], value, out)
        self._mark_left(c, 0)
        for n in range(self.start[c], self.start[c + 1]):
            e = self.edge[n]
            self._add_slope(self.local.edge_a[e], self.local.edge_b[e], -self.local.edge_g[e],
                            self.local.edge_law[e] - 1, value, out)

    cdef void _add_slope(self, int a, int b, double g, int law, const double* value, double[:, ::1] out) noexcept nogil:
        cdef double tangent
        self.whole.laws.current(law, drop_over(value, a, b, self.point.voltage), &tangent)
        g *= tangent - 1.0
        out[a, a] += g
        if b >= 0:
            out[b, b] += g
            out[max(a, b), min(a, b)] -= g
