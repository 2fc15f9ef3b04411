"""The star of each moving atom: bonds that leave with it, and those that it hid and that then appear (compiled).

With the atom go the neighbours that conduct only beside it, and their bonds. What is left hangs together by trees of
stiff bonds, along which an error in the currents bounds that of the potentials.
"""

import numpy as np

from libc.math cimport fabs

from ._points cimport Points

cdef double STIFF = 1e3    # background bonds: along a better one a node hands on what it lacks


cdef class Stars(Points):
    """Fields that know which bonds change when an atom leaves; made with the arguments of :class:`Points`."""

    def __init__(self, *args, **laws):
        Points.__init__(self, *args, **laws)
        self.moving_number = np.zeros(self.n_hosts, np.intc)
        self.moving, self.gone, self.leaving, self.start = np.zeros((4, 1), np.intc)
        self.tree, self.rank = np.zeros((2, 1), np.intc)
        self.handed = np.zeros(1)
        self.largest_green = np.max(self.table) * (4.0 if self.images else 1.0)
        self._room_for_edges(1024)

    cdef int room_for_stars(self) except -1:
        """Follow the capacity of the fields."""
        if self.moving.shape[0] != self.capacity:
            self.moving, self.gone, self.leaving = np.zeros((3, self.capacity), np.intc)
            self.start = np.zeros(self.capacity + 1, np.intc)
            self.tree, self.rank = np.zeros((2, self.capacity), np.intc)
            self.handed = np.zeros(self.capacity)
        return 0

    cdef long count_stars(self, int n_moving) except -1:
        """Make room for the bonds of each moving atom; returns the sum of their numbers squared."""
        # Counted first, so that no memory is asked for while the interpreter is released.
        cdef long squares = self._count_edges(n_moving)
        if self.n_edges > self.edge_a.shape[0]:
            self._room_for_edges(2 * self.n_edges)
        return squares

    def _room_for_edges(self, long edges):
        self.edge_a, self.edge_b, self.edge_law = np.zeros((3, edges), np.intc)
        self.edge_g = np.zeros(edges)

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

    cdef long _count_edges(self, int n_moving) noexcept nogil:
        """Number the bonds of each moving atom; returns the sum of their numbers squared."""
        cdef int c, before
        cdef long squares = 0
        self.n_edges = 0
        for c in range(n_moving):
            before = self.n_edges
            self.start[c] = before
            self._edges_without(self.moving[c], False)
            squares += <long>(self.n_edges - before) * (self.n_edges - before)
        self.start[n_moving] = self.n_edges
        return squares

    cdef int _list_ends(self, int c) noexcept nogil:
        """List the ends of the bonds of moving atom ``c`` (no electrodes) in ``leaving``, each once; how many there are."""
        cdef int e, i, l, n = 0
        for e in range(self.start[c], self.start[c + 1]):
            for l in range(2):
                i = self.edge_b[e] if l else self.edge_a[e]
                if i >= 0 and not self.gone[i]:
                    self.gone[i] = 1
                    self.leaving[n] = i
                    n += 1
        for l in range(n):
            self.gone[self.leaving[l]] = 0
        return n

    # ---------------------------------------------------------------- the network without a moving atom

    cdef inline double _across(self, int e, double[::1] value, double top) noexcept nogil:
        """Difference of ``value`` over edge ``e``."""
        return self._drop(value, self.edge_a[e], self.edge_b[e], top)

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

    # ---------------------------------------------------------------- trees of stiff bonds

    cdef void _grow_trees(self) noexcept nogil:
        """Order the nodes so that each but the first of a part hangs on earlier ones by stiff bonds without laws."""
        cdef int i, j, k, root, n = 0, done = 0
        for i in range(self.m):
            self.rank[i] = -1
        for root in range(self.m):
            if self.rank[root] >= 0:
                continue
            self.tree[n], self.rank[root] = root, n
            n += 1
            while done < n:
                i = self.tree[done]
                done += 1
                for k in range(self.degree[i]):
                    j = self.link[i, k]
                    if self.rank[j] < 0 and self._stiff(i, k):
                        self.tree[n], self.rank[j] = j, n
                        n += 1

    cdef inline bint _stiff(self, int i, int k) noexcept nogil:
        return self.link_law[i, k] == 0 and self.link_g[i, k] >= STIFF

    cdef double _tree_bound(self, int c) noexcept nogil:
        """Bound on the error of potentials without moving atom ``c`` whose nodes lack the currents ``residual``.

        A current f from one end of a bond of conductance g to the other moves no potential by more than f / g, by the
        maximum principle, whatever else conducts. So each node hands what it lacks on to an earlier one, and only what
        is left where no bond leads on counts with the largest entry of the Green's function.
        """
        cdef int n, i, k, e
        cdef double total = 0.0
        # The atom and those that leave with it have no bonds.
        for e in range(self.start[c], self.start[c + 1]):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 1
        for i in range(self.m):
            self.handed[i] = self.residual[i]
        for n in range(self.m - 1, -1, -1):
            i = self.tree[n]
            k = self._way_on(i)
            if k < 0:
                total += fabs(self.handed[i]) * self.largest_green
                continue
            total += fabs(self.handed[i]) / self.link_g[i, k]
            self.handed[self.link[i, k]] += self.handed[i]
        for e in range(self.start[c], self.start[c + 1]):
            if self.edge_g[e] > 0.0:
                self.gone[self.edge_a[e]] = 0
        return total

    cdef inline int _way_on(self, int i) noexcept nogil:
        """Number of the first bond of a node to an earlier one that is still there, or -1."""
        cdef int k, j
        if self.gone[i]:
            return -1
        for k in range(self.degree[i]):
            j = self.link[i, k]
            if self.rank[j] < self.rank[i] and not self.gone[j] and self._stiff(i, k):
                return k
        return -1
