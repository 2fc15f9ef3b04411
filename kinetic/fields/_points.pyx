"""Potential and temperature rise at the sites between which events move something (compiled).

A node knows both. Elsewhere the sources of all nodes add up through the Green's function, a row of it for each point.
Rows are kept where a potential without some moving atom is read too; those of lone defects are used once and go.
"""

import numpy as np

from libc.string cimport memset
from scipy.linalg.cython_blas cimport ddot

from ._operating cimport Operating

cdef enum:
    READ = 1            # a point at which the potential of the network is wanted
    READ_WITHOUT = 2    # the same, and that without some moving atom
    BLOCK = 512         # points of one layer that are read together


cdef class Points(Operating):
    """Fields that are read at the sites of events; made with the arguments of :class:`Operating`."""

    def __init__(self, *args, **laws):
        Operating.__init__(self, *args, **laws)
        n = self.n_hosts
        self.wanted = np.zeros(n, np.int8)
        self.wanted_list, self.wanted_sorted, self.row_of = np.zeros((3, n), np.intc)
        self.wanted_end = np.zeros(self.nz + 1, np.intc)
        self.point_phi, self.point_theta = np.zeros((2, n))
        self.rows = np.zeros((1, 1))
        self.block = np.zeros(BLOCK, np.intc)
        self.layer_end = np.zeros(self.nz + 1, np.intc)
        self.node_by_layer = np.zeros(1, np.intc)

    cdef int room_for_points(self) except -1:
        """Make room for the rows that are kept, and for one that is not."""
        if self.rows.shape[0] <= self.n_rows or self.rows.shape[1] != self.capacity:
            self.rows = np.zeros((self.n_rows + 128, self.capacity))
            self.node_by_layer = np.zeros(self.capacity, np.intc)
        return 0

    cdef int corner(self, int interstitial, int k) noexcept nogil:
        """Host site at corner ``k`` (0-7) of an interstitial site."""
        cdef int cell = interstitial - self.n_hosts, nz1 = self.nz - 1
        cdef int ny1 = self.ny - 1 if self.images else self.ny  # reflecting sides have no cube across them
        cdef int z = cell % nz1, y = (cell // nz1) % ny1, x = cell // (nz1 * ny1)
        x = (x + (k & 1)) % self.nx
        y = (y + ((k >> 1) & 1)) % self.ny
        return (x * self.ny + y) * self.nz + z + (k >> 2)

    # ---------------------------------------------------------------- who reads

    cdef inline void _mark(self, int site, bint moved) noexcept nogil:
        if not self.wanted[site]:
            self.wanted[site] = READ
            self.wanted_list[self.n_wanted] = site
            self.n_wanted += 1
        if moved and self.node_at[site] < 0 and self.wanted[site] == READ:
            self.wanted[site] = READ_WITHOUT
            self.row_of[site] = self.n_rows
            self.n_rows += 1

    cdef void want(self, int site, bint moved) noexcept nogil:
        """Ask for the potential at a site; ``moved``: also for that without some moving atom."""
        cdef int k
        if site < self.n_hosts:
            self._mark(site, moved)
        else:
            for k in range(8):
                self._mark(self.corner(site, k), moved)

    cdef void clear_wanted(self) noexcept nogil:
        cdef int w
        for w in range(self.n_wanted):
            self.wanted[self.wanted_list[w]] = 0
        self.n_wanted = self.n_rows = 0

    cdef void _sort_wanted(self) noexcept nogil:
        """List the wanted points layer by layer, and the nodes: what those of two layers read lies together."""
        cdef int w, site
        cdef int* end = &self.wanted_end[0]
        memset(end, 0, (self.nz + 1) * sizeof(int))
        memset(&self.layer_end[0], 0, (self.nz + 1) * sizeof(int))
        for w in range(self.n_wanted):
            end[self.sz[self.wanted_list[w]] + 1] += 1
        for w in range(self.m):
            self.layer_end[self.node_z[w] + 1] += 1
        for w in range(self.nz):
            end[w + 1] += end[w]
            self.layer_end[w + 1] += self.layer_end[w]
        # Each end moves on from the beginning of its layer to that of the next.
        for w in range(self.n_wanted):
            site = self.wanted_list[w]
            self.wanted_sorted[end[self.sz[site]]] = site
            end[self.sz[site]] += 1
        for w in range(self.m):
            self.node_by_layer[self.layer_end[self.node_z[w]]] = w
            self.layer_end[self.node_z[w]] += 1

    # ---------------------------------------------------------------- what is read

    cdef void _rows_at_points(self) noexcept nogil:
        """Green's function to the nodes from every point that is read without some moving atom."""
        cdef int w, site
        self._sort_wanted()
        for w in range(self.n_wanted):
            site = self.wanted_sorted[w]
            if self.wanted[site] == READ_WITHOUT:
                self.row(site, self.m, &self.rows[self.row_of[site], 0])

    cdef void _read_points(self) noexcept nogil:
        """Potential and heat at every wanted point."""
        cdef int w, i, site, at = 0
        for w in range(self.n_wanted):
            site = self.wanted_list[w]
            i = self.node_at[site]
            # A node knows its potential; elsewhere the sources of all nodes add up through G.
            if i >= 0:
                self.point_phi[site] = self.phi[i]
                self.point_theta[site] = self.theta[i]
            elif self.wanted[site] == READ_WITHOUT:
                self._read_row(site, &self.rows[self.row_of[site], 0])
        while at < self.n_wanted:
            self._read_block(self._next_block(&at))

    cdef inline void _read_row(self, int site, double* row) noexcept nogil:
        cdef int m = self.m, one = 1
        self.point_phi[site] = self.top * self.unit[self.sz[site]] + ddot(&m, row, &one, &self.y_phi[0], &one)
        self.point_theta[site] = ddot(&m, row, &one, &self.y_theta[0], &one)

    cdef int _next_block(self, int* at) noexcept nogil:
        """Take further points of one layer whose rows nobody needs, from place ``at`` on, into ``block``; how many."""
        cdef int n = 0, site
        while at[0] < self.n_wanted and n < BLOCK:
            site = self.wanted_sorted[at[0]]
            if n and self.sz[site] != self.sz[self.block[0]]:
                break
            if self.wanted[site] == READ and self.node_at[site] < 0:
                self.block[n] = site
                n += 1
            at[0] += 1
        return n

    cdef void _read_block(self, int n) noexcept nogil:
        """The same at the points of the block: rows of thousands of isolated defects, kept, would wear out the memory.

        Node by node, layer by layer: the part of the table between two layers is small and stays in the cache.
        """
        cdef int p, k, i, first = 0, z, site
        cdef int[BLOCK] at_x, at_y
        cdef double[BLOCK] phi, theta
        cdef int line = <int>self.table.shape[3]
        cdef int* x
        cdef int* y
        cdef double* base
        cdef double value, y_phi, y_theta
        for p in range(n):
            site = self.block[p]
            at_x[p], at_y[p] = self.px + self.sx[site], self.py + self.sy[site]
            phi[p] = theta[p] = 0.0
            if self.images:
                # Between reflecting sides every entry is a sum of four.
                self.row(site, self.m, &self.rows[self.n_rows, 0])
                self._read_row(site, &self.rows[self.n_rows, 0])
        if self.images or n == 0:
            return
        for z in range(self.nz):
            base = &self.table[self.sz[self.block[0]], z, 0, 0]
            for k in range(first, self.layer_end[z]):
                i = self.node_by_layer[k]
                x, y = &self.fold_x[0] - self.node_x[i], &self.fold_y[0] - self.node_y[i]
                y_phi, y_theta = self.y_phi[i], self.y_theta[i]
                for p in range(n):
                    value = base[x[at_x[p]] * line + y[at_y[p]]]
                    phi[p] += value * y_phi
                    theta[p] += value * y_theta
            first = self.layer_end[z]
        for p in range(n):
            site = self.block[p]
            self.point_phi[site] = self.top * self.unit[self.sz[site]] + phi[p]
            self.point_theta[site] = theta[p]

    cdef double heat_at(self, int site) noexcept nogil:
        cdef int k
        cdef double total = 0.0
        if site < self.n_hosts:
            return self.point_theta[site]
        for k in range(8):
            total += self.point_theta[self.corner(site, k)]
        return total / 8.0
