"""The bonds that change when a hopping atom leaves: those that leave with it, and those that it hid (compiled).

With the atom go the neighbours that conduct only beside it, and their bonds. With E the changed bonds (g > 0 leaves,
g < 0 appears), C = (K + L)^-1 and T = diag(1/g) - E' C E, the network without the atom has

    phi' = phi + C E T^-1 (E' phi - v).

At an operating point C and g are those of the slopes there (see `TangentNetwork`), and a bond with a law conducts
i0 + g (u - u0): it takes the place of an ohmic one whose voltage is off by i0 / g - u0, which E' phi - v then includes.

What is left hangs together by trees of stiff bonds, along which an error in the currents bounds that of the potentials.
"""

cimport cython

import numpy as np

from libc.math cimport fabs, sqrt
from libc.string cimport memset

from ._bond_network cimport BondNetwork
from ._operating_point cimport between_bonds, drop_over
from ._small_lu cimport factor_small, solve_small

cdef enum:
    NONE = -2           # parent of a node that no tree has reached yet
    ROOT = -1

cdef double STIFF = 1e3    # background bonds: along a better one a node passes on what it lacks
cdef double ROUNDING = 2e-13
cdef double DOUBTFUL = 1e-9


@cython.final
cdef class LocalBonds:
    """The hopping atoms of one arrangement, and the bonds that change with each of them.

    Notes
    -----
    ==========================================  ==================================================
    symbol                                      attribute
    ==========================================  ==================================================
    hopping atoms                               ``hopping`` (host sites), ``number_at`` a site
    E of atom c                                 ``edge_a``, ``edge_b`` from ``start[c]``
    g at 0 V; at the voltage                    ``edge_g``; ``slope``
    i0 / g - u0                                 ``offset``
    sqrt|g| T sqrt|g|, factored                 ``lu`` from ``lu_start[c]``, ``pivot``
    |g|^-1/2 T^-1 (E' phi - v)                  ``edge_w``
    ==========================================  ==================================================
    """

    def __init__(self, BondNetwork network):
        self.network, self.green = network, network.green
        self.number_at = np.zeros(network.green.n_hosts, np.intc)
        self.hopping, self.gone, self.ends, self.start, self.lu_start = np.zeros((5, 1), np.intc)
        self.tree, self.parent = np.zeros((2, 1), np.intc)
        self.handed, self.resistance = np.zeros((2, 1))
        self._room_for_edges(1024, 1024)

    # ---------------------------------------------------------------- who hops

    cdef int clear(self) except -1:
        """Take up the nodes of a new arrangement, none of which hops yet."""
        cdef int i
        if self.hopping.shape[0] != self.network.capacity:
            self.hopping, self.gone, self.ends, self.lu_start = np.zeros((4, self.network.capacity), np.intc)
            self.start = np.zeros(self.network.capacity + 1, np.intc)
            self.tree, self.parent = np.zeros((2, self.network.capacity), np.intc)
            self.handed, self.resistance = np.zeros((2, self.network.capacity))
        for i in range(self.network.m):
            self.number_at[self.network.node[i]] = -1
        self.n = 0
        return 0

    cdef void add(self, int site) noexcept nogil:
        """Number the defect at a host site, if it conducts; many events take the same one, which counts once."""
        if site >= 0 and self.network.node_at[site] >= 0 and self.number_at[site] < 0:
            self.number_at[site] = self.n
            self.hopping[self.n] = site
            self.n += 1

    # ---------------------------------------------------------------- which bonds change

    cdef int list_bonds(self) except -1:
        """List the bonds that change with each hopping atom, and make room for its T."""
        cdef int c, r, begin = 0
        # Counted first, so that no memory is asked for while the interpreter is released.
        cdef long squares = self._count_edges()
        if self.n_edges > self.edge_a.shape[0] or squares > self.lu.shape[0]:
            self._room_for_edges(max(2 * self.n_edges, self.edge_a.shape[0]), max(2 * squares, self.lu.shape[0]))
        self.n_edges = 0
        with nogil:
            for c in range(self.n):
                self._edges_without(self.hopping[c], True)
                r = self.start[c + 1] - self.start[c]
                self.lu_start[c] = begin
                begin += r * r
        return 0

    def _room_for_edges(self, long edges, long squares):
        self.edge_a, self.edge_b, self.edge_law, self.pivot = np.zeros((4, edges), np.intc)
        self.edge_g, self.edge_w, self.slope, self.offset = np.zeros((4, edges))
        self.lu = np.zeros(squares)

    cdef void _edges_without(self, int site, bint write) noexcept nogil:
        """Bonds that leave (g > 0) or appear (g < 0) with the vacancy at ``site``, appended from n_edges."""
        cdef int i, k, l, h, other, slot, side, n = 1
        self.ends[0] = self.network.node_at[site]
        # With the atom go those neighbours whose only partner it is: they turn isolated and conduct no more.
        for k in range(18):
            other = self.green.shifted(site, k)
            if (other >= 0 and self.network.vacant[other] and self.network.n_close[other] == 1
                    and not self.green.in_contact(other)):
                self.ends[n] = self.network.node_at[other]
                n += 1
        for l in range(n):
            self.gone[self.ends[l]] = l + 1
        # Every bond and contact of those that leave, each bond once.
        for l in range(n):
            i = self.ends[l]
            for k in range(self.network.degree[i]):
                other = self.network.link[i, k]
                if self.gone[other] == 0 or self.gone[other] > l + 1:
                    self._edge(i, other, self.network.link_g[i, k], 0, write)
            for side in range(2):
                if self.network.contact_g[side, i] > 0.0:
                    self._edge(i, -1 - side, self.network.contact_g[side, i], 0, write)
        # Bonds that the atom hid appear, unless one of their own ends leaves with it.
        slot = self.network.hidden_head[self.ends[0]]
        while slot >= 0:
            h = slot >> 1
            slot = self.network.hidden_next[slot]
            i, other = self.network.hidden_a[h], self.network.hidden_b[h]
            if self.gone[i] or (other >= 0 and self.gone[other]):
                continue
            self._edge(i, other, -self.network.hidden_g[h], self.network.hidden_law[h], write)
        for l in range(n):
            self.gone[self.ends[l]] = 0

    cdef inline void _edge(self, int a, int b, double g, int law, bint write) noexcept nogil:
        if write:
            self.edge_a[self.n_edges] = a
            self.edge_b[self.n_edges] = b
            self.edge_g[self.n_edges] = g
            self.edge_law[self.n_edges] = law
        self.n_edges += 1

    cdef long _count_edges(self) noexcept nogil:
        """Number the bonds of each hopping atom; returns the sum of their numbers squared."""
        cdef int c, before
        cdef long squares = 0
        self.n_edges = 0
        for c in range(self.n):
            before = self.n_edges
            self.start[c] = before
            self._edges_without(self.hopping[c], False)
            squares += <long>(self.n_edges - before) * (self.n_edges - before)
        self.start[self.n] = self.n_edges
        return squares

    cdef int list_ends(self, int c) noexcept nogil:
        """List the ends of the bonds of hopping atom ``c`` (no electrodes) in ``ends``, each once; their number."""
        return self.list_all_ends(c, 0, NULL, NULL)

    cdef int list_all_ends(self, int c, int n_more, const int* more_a, const int* more_b) noexcept nogil:
        """The same with those of further bonds (``more_a``, ``more_b``)."""
        cdef int e, l, n = 0
        for e in range(self.start[c], self.start[c + 1]):
            n = self._list_end(self.edge_b[e], self._list_end(self.edge_a[e], n))
        for e in range(n_more):
            n = self._list_end(more_b[e], self._list_end(more_a[e], n))
        for l in range(n):
            self.gone[self.ends[l]] = 0
        return n

    cdef inline int _list_end(self, int i, int n) noexcept nogil:
        if i < 0 or self.gone[i]:
            return n
        self.gone[i] = 1
        self.ends[n] = i
        return n + 1

    cdef void mark_gone(self, int c) noexcept nogil:
        """Mark in ``gone`` the nodes that leave with hopping atom ``c``: the first end of every bond that does."""
        cdef int e
        for e in range(self.start[c], self.start[c + 1]):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 1

    cdef void unmark_gone(self, int c) noexcept nogil:
        """Take these marks away."""
        cdef int e
        for e in range(self.start[c], self.start[c + 1]):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 0

    # ---------------------------------------------------------------- T

    cdef void straighten(self) noexcept nogil:
        """Let every bond conduct by its slope at 0 V."""
        cdef int e
        for e in range(self.n_edges):
            self.slope[e], self.offset[e] = self.edge_g[e], 0.0

    cdef void bend(self, int e, double share, double offset) noexcept nogil:
        """Let a bond conduct by ``share`` times its slope at 0 V, as if its voltage were off by ``offset`` (V)."""
        self.slope[e], self.offset[e] = share * self.edge_g[e], offset

    cdef int factor(self, int c, double[:, ::1] c_matrix) noexcept nogil:
        """LU of T scaled by sqrt|g| on both sides, sign(g) - sqrt|g| E' C E sqrt|g|."""
        cdef int first = self.start[c], r = self.start[c + 1] - first, e, f, a, b
        cdef double value
        cdef double* t = &self.lu[self.lu_start[c]]
        for e in range(r):
            a = self.edge_a[first + e]
            b = self.edge_b[first + e]
            for f in range(e + 1):
                value = between_bonds(
                    &c_matrix[0, 0], self.network.capacity, a, b, self.edge_a[first + f], self.edge_b[first + f])
                value *= -sqrt(fabs(self.slope[first + e] * self.slope[first + f]))
                t[e * r + f] = value
                t[f * r + e] = value
            # Bonds that appear have a negative sign: T is indefinite, so LU with pivots and not Cholesky.
            t[e * r + e] += 1.0 if self.slope[first + e] > 0.0 else -1.0
        # Scaled by sqrt|g| on both sides, so that bonds of very different conductance weigh alike.
        return factor_small(r, t, &self.pivot[first])

    cdef bint doubtful(self, int c, double share, double[:, ::1] c_matrix) noexcept nogil:
        """Whether some pivot of T is less than a fraction ``share`` of its largest g C."""
        cdef int e, first = self.start[c], last = self.start[c + 1], r = last - first
        cdef double largest = 1.0
        cdef double* t = &self.lu[self.lu_start[c]]
        for e in range(first, last):
            largest = max(largest, fabs(self.slope[e]) * c_matrix[self.edge_a[e], self.edge_a[e]])
        for e in range(r):
            if fabs(t[e * r + e]) < share * largest:
                return True
        return False

    cdef void drops(self, int c, const double* value, double top, double* out) noexcept nogil:
        """Voltages E' value - v of the changed bonds, times sqrt|g|; electrodes at 0 and ``top``."""
        cdef int e, first = self.start[c]
        for e in range(first, self.start[c + 1]):
            out[e - first] = drop_over(value, self.edge_a[e], self.edge_b[e], top) * sqrt(fabs(self.slope[e]))

    cdef void solve(self, int c, int columns, double* x) noexcept nogil:
        """Solve with the scaled T of hopping atom ``c``."""
        cdef int first = self.start[c]
        solve_small(self.start[c + 1] - first, columns, &self.lu[self.lu_start[c]], &self.pivot[first], x)

    cdef void keep(self, int c, const double* w) noexcept nogil:
        """Take ``w`` over sqrt|g| as what the changed bonds of hopping atom ``c`` have, as `respond` does."""
        cdef int e, first = self.start[c]
        for e in range(first, self.start[c + 1]):
            self.edge_w[e] = w[e - first]

    cdef void spread(self, int c, const double* w, double* out) noexcept nogil:
        """Add E w to the nodes, ``w`` over sqrt|g|."""
        cdef int e, first = self.start[c]
        cdef double current
        for e in range(first, self.start[c + 1]):
            current = w[e - first] * sqrt(fabs(self.slope[e]))
            out[self.edge_a[e]] += current
            if self.edge_b[e] >= 0:
                out[self.edge_b[e]] -= current

    cdef void respond(self, int c, const double* value, double top, double* out) noexcept nogil:
        """Currents E T^-1 (E' value - v) by which the network without the atom differs; electrodes at 0 and ``top``."""
        cdef double* w = &self.edge_w[self.start[c]] if self.start[c + 1] > self.start[c] else NULL
        self.drops(c, value, top, w)
        self.solve(c, 1, w)
        memset(out, 0, self.network.m * sizeof(double))
        self.spread(c, w, out)

    # ---------------------------------------------------------------- the network without a hopping atom

    cdef void flow_without(self, int c, const double* value, double top, double* out) noexcept nogil:
        """Current into each node at potentials ``value``, bonds of hopping atom ``c`` left out.

        They are not added and taken away again: the currents that would cancel are 1e7 times those that stay.
        """
        cdef int e, i, first = self.start[c], last = self.start[c + 1]
        cdef double current
        for i in range(self.network.m):
            out[i] = self._flow_to(i, value, top, False)
        # Nodes that left have no bonds; their neighbours skip them.
        self.mark_gone(c)
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                out[self.edge_a[e]] = 0.0
                if self.edge_b[e] >= 0 and not self.gone[self.edge_b[e]]:
                    out[self.edge_b[e]] = self._flow_to(self.edge_b[e], value, top, True)
        self.unmark_gone(c)
        for e in range(first, last):
            if self.edge_g[e] > 0.0:
                continue
            # A bond that appears has g < 0, so that this is the current it brings to its first end.
            current = self.edge_g[e] * drop_over(value, self.edge_a[e], self.edge_b[e], top)
            out[self.edge_a[e]] += current
            if self.edge_b[e] >= 0:
                out[self.edge_b[e]] -= current

    cdef inline double _flow_to(self, int i, const double* value, double top, bint left) noexcept nogil:
        """Current into one node at potentials ``value``; ``left``: its bonds to nodes that left are not there."""
        cdef int k, n = self.network.degree[i]
        cdef double here = value[i], other = 0.0
        cdef double total = self.network.contact_g[1, i] * (top - here) - self.network.contact_g[0, i] * here
        cdef const int* link = &self.network.link[i, 0]
        cdef const double* g = &self.network.link_g[i, 0]
        if left:
            for k in range(n):
                if not self.gone[link[k]]:
                    total += g[k] * (value[link[k]] - here)
            return total
        # Two sums, so that one addition need not wait for the one before.
        if n & 1:
            n -= 1
            total += g[n] * (value[link[n]] - here)
        for k in range(0, n, 2):
            total += g[k] * (value[link[k]] - here)
            other += g[k + 1] * (value[link[k + 1]] - here)
        return total + other

    cdef void assemble_without(self, int c, double[:, ::1] k_matrix, double[:, ::1] out) noexcept nogil:
        """K + L of the network without hopping atom ``c``, the lower triangle."""
        cdef int i, j, k, e, m = self.network.m
        cdef double g
        self.mark_gone(c)
        for i in range(m):
            for j in range(i + 1):
                out[i, j] = k_matrix[i, j]
            if self.gone[i]:
                continue
            out[i, i] += self.network.contact_g[0, i] + self.network.contact_g[1, i]
            for k in range(self.network.degree[i]):
                j = self.network.link[i, k]
                if not self.gone[j]:
                    out[i, i] += self.network.link_g[i, k]
                    if j < i:
                        out[i, j] -= self.network.link_g[i, k]
        self.unmark_gone(c)
        # Bonds that appear.
        for e in range(self.start[c], self.start[c + 1]):
            i, j, g = self.edge_a[e], self.edge_b[e], -self.edge_g[e]
            if g < 0.0:
                continue
            out[i, i] += g
            if j >= 0:
                out[j, j] += g
                out[max(i, j), min(i, j)] -= g

    # ---------------------------------------------------------------- trees of stiff bonds

    cdef double tree_bound(self, int c, const double* residual) noexcept nogil:
        """Bound on the error of potentials without hopping atom ``c`` whose nodes lack the currents ``residual``.

        A current f from one end of a bond of conductance g to the other moves no potential by more than f / g, by the
        maximum principle, whatever else conducts; neither does one from a node to an electrode. So each node passes
        what it lacks on along trees of stiff bonds, to a contact where there is one, and only what is left at a root
        without contact counts with the largest entry of the Green's function.
        """
        cdef int n, i
        cdef double total = 0.0
        self._grow_trees(c)
        for i in range(self.network.m):
            self.handed[i] = residual[i]
        for n in range(self.network.m - 1, -1, -1):
            i = self.tree[n]
            total += fabs(self.handed[i]) * self.resistance[i]
            if self.parent[i] != ROOT:
                self.handed[self.parent[i]] += self.handed[i]
        return total

    cdef void _grow_trees(self, int c) noexcept nogil:
        """Order the nodes so that each but a root has a stiff bond without a law to an earlier one, its parent.

        Roots are nodes with a stiff contact and, of each part without one, the first node.
        """
        cdef int i, j, k, root = 0, n = 0, done = 0
        # The atom and those that leave with it have no bonds.
        self.mark_gone(c)
        for i in range(self.network.m):
            self.parent[i] = NONE
            self.resistance[i] = 0.0 if self.gone[i] else self._stiff_contact(i)
            if self.resistance[i] > 0.0:
                self.tree[n], self.parent[i], self.resistance[i] = i, ROOT, 1.0 / self.resistance[i]
                n += 1
        while True:
            while done < n:
                i = self.tree[done]
                done += 1
                for k in range(0 if self.gone[i] else self.network.degree[i]):
                    j = self.network.link[i, k]
                    if self.parent[j] == NONE and not self.gone[j] and self._stiff(i, k):
                        self.tree[n], self.parent[j], self.resistance[j] = j, i, 1.0 / self.network.link_g[i, k]
                        n += 1
            while root < self.network.m and self.parent[root] != NONE:
                root += 1
            if root == self.network.m:
                break
            self.tree[n], self.parent[root], self.resistance[root] = root, ROOT, self.green.largest
            n += 1
        self.unmark_gone(c)

    cdef inline bint _stiff(self, int i, int k) noexcept nogil:
        return self.network.link_law[i, k] == 0 and self.network.link_g[i, k] >= STIFF

    cdef inline double _stiff_contact(self, int i) noexcept nogil:
        """Conductance of the contacts of a node that are stiff and have no law."""
        cdef int side
        cdef double total = 0.0
        for side in range(2):
            if (self.network.contact_g[side, i] >= STIFF
                    and self.network.contact_law[self.network.contact_row(i, side), self.network.node_z[i]] == 0):
                total += self.network.contact_g[side, i]
        return total
