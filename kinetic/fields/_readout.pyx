"""Potential and temperature rise at the sites between which events move something (compiled).

Nodes have both. Elsewhere the sources of all nodes add up through the Green's function, a row of it for each point.
Rows are kept where a potential without some hopping atom is read too; those of lone defects are used once.
"""

cimport cython

import numpy as np

from libc.string cimport memset

from ._bond_network cimport BondNetwork
from ._lattice_green cimport LatticeGreen
from ._network_solver cimport NodePotentials
from ._symmetric cimport dot

cdef extern from *:
    void prefetch "__builtin_prefetch" (const void*) noexcept nogil

cdef enum:
    LINE = 8            # numbers that the memory sends at once
    READ = 1            # a point at which the potential of the network is wanted
    READ_WITHOUT = 2    # the same, and that without some hopping atom
    BLOCK = 512         # points of one layer that are read together
    AT_ONCE = 2         # nodes whose parts are added at once
    ROWS = 64           # points whose rows are written together: these and a part of the table stay in the cache


@cython.final
cdef class Readout:
    """Potential and temperature rise at the host sites that the events of one arrangement read.

    Notes
    -----
    ========================================  ==============================================
    symbol                                    attribute
    ========================================  ==============================================
    rows of G, from a site to the nodes       ``rows``, of a site ``row_of``
    phi0 top + G y at a site                  ``phi`` (V), for the potentials read last
    G_heat y_theta at a site                  ``theta`` (K), the same
    ========================================  ==============================================
    """

    def __init__(self, BondNetwork network, LatticeGreen heat_green):
        self.network, self.green, self.heat_green = network, network.green, heat_green
        n, nz = network.green.n_hosts, network.green.nz
        self.wanted = np.zeros(n, np.int8)
        self.wanted_list, self.wanted_sorted, self.row_of = np.zeros((3, n), np.intc)
        self.wanted_end = np.zeros(nz + 1, np.intc)
        self.phi, self.theta = np.zeros((2, n))
        self.rows = np.zeros((1, 1))
        self.block = np.zeros(BLOCK, np.intc)
        self.layer_end = np.zeros(nz + 1, np.intc)
        self.node_by_layer, self.layer_x, self.layer_y = np.zeros((3, 1), np.intc)

    # ---------------------------------------------------------------- who reads

    cdef inline void _mark(self, int site, bint moved) noexcept nogil:
        if not self.wanted[site]:
            self.wanted[site] = READ
            self.wanted_list[self.n_wanted] = site
            self.n_wanted += 1
        if moved and self.network.node_at[site] < 0 and self.wanted[site] == READ:
            self.wanted[site] = READ_WITHOUT
            self.row_of[site] = self.n_rows
            self.n_rows += 1

    cdef void want(self, int site, bint moved) noexcept nogil:
        """Ask for the potential at a site; ``moved``: also for that without some moving atom."""
        cdef int k
        if site < self.green.n_hosts:
            self._mark(site, moved)
        else:
            for k in range(8):
                self._mark(self.green.corner(site, k), moved)

    cdef void clear(self) noexcept nogil:
        """Ask for nothing."""
        cdef int w
        for w in range(self.n_wanted):
            self.wanted[self.wanted_list[w]] = 0
        self.n_wanted = self.n_rows = 0

    cdef void _sort_wanted(self) noexcept nogil:
        """List the wanted points layer by layer, and the nodes: what those of two layers read lies together."""
        cdef int w, site, at
        cdef int* end = &self.wanted_end[0]
        memset(end, 0, (self.green.nz + 1) * sizeof(int))
        memset(&self.layer_end[0], 0, (self.green.nz + 1) * sizeof(int))
        for w in range(self.n_wanted):
            end[self.green.sz[self.wanted_list[w]] + 1] += 1
        for w in range(self.network.m):
            self.layer_end[self.network.node_z[w] + 1] += 1
        for w in range(self.green.nz):
            end[w + 1] += end[w]
            self.layer_end[w + 1] += self.layer_end[w]
        # Each end moves on from the beginning of its layer to that of the next.
        for w in range(self.n_wanted):
            site = self.wanted_list[w]
            self.wanted_sorted[end[self.green.sz[site]]] = site
            end[self.green.sz[site]] += 1
        for w in range(self.network.m):
            at = self.layer_end[self.network.node_z[w]]
            self.node_by_layer[at] = w
            self.layer_x[at], self.layer_y[at] = self.network.node_x[w], self.network.node_y[w]
            self.layer_end[self.network.node_z[w]] += 1

    # ---------------------------------------------------------------- what is read

    cdef int write_rows(self) except -1:
        """Green's function to the nodes from every point that is read without some hopping atom."""
        cdef int start = 0
        if self.rows.shape[0] <= self.n_rows or self.rows.shape[1] != self.network.capacity:
            # One row more than is kept: `_read_row` of a lone defect.
            self.rows = np.zeros((self.n_rows + 128, self.network.capacity))
            self.node_by_layer, self.layer_x, self.layer_y = np.zeros((3, self.network.capacity), np.intc)
        with nogil:
            self._sort_wanted()
            while start < self.n_wanted:
                self._write_block(self._next_block(&start, READ_WITHOUT, ROWS))
        return 0

    cdef void _write_block(self, int n) noexcept nogil:
        """The same for the points of the block, by the layers of the nodes: each reads a small part of the table."""
        cdef int p, k, first = 0, last, z, site, m = self.network.m
        cdef int* x
        cdef int* y
        cdef double* base
        cdef double* row
        cdef const int* order = &self.node_by_layer[0]
        for p in range(n if self.green.images else 0):
            # Between reflecting sides every entry is a sum of four.
            self.network.green_row(self.green, self.block[p], m, &self.rows[self.row_of[self.block[p]], 0])
        if self.green.images or n == 0:
            return
        for z in range(self.green.nz):
            last = self.layer_end[z]
            base = self.green.between_layers(self.green.sz[self.block[0]], z)
            if z + 1 < self.green.nz:
                self._prefetch_layer(z + 1, n * (self.layer_end[z + 1] - last))
            for p in range(n if last > first else 0):
                site = self.block[p]
                row = &self.rows[self.row_of[site], 0]
                x = &self.green.line_x[self.green.px + self.green.sx[site]]
                y = &self.green.fold_y[self.green.py + self.green.sy[site]]
                for k in range(first, last):
                    row[order[k]] = base[x[-self.layer_x[k]] + y[-self.layer_y[k]]]
            first = last

    cdef inline void _prefetch_layer(self, int z, long reads) noexcept nogil:
        """Ask the memory for the part of the table between two layers, if most of it will be read."""
        cdef long i = 0, size = self.green.table.shape[1] * self.green.table.shape[2]
        cdef double* part = self.green.between_layers(self.green.sz[self.block[0]], z)
        if LINE * reads > size:
            while i < size:
                prefetch(part + i)
                i += LINE

    cdef void read(self, NodePotentials at) noexcept nogil:
        """Potential and heat at every wanted point."""
        cdef int w, i, site, kind, start = 0
        for w in range(self.n_wanted):
            site = self.wanted_list[w]
            i = self.network.node_at[site]
            # A node knows its potential; elsewhere the sources of all nodes add up through G.
            if i >= 0:
                self.phi[site] = at.phi[i]
                self.theta[site] = at.theta[i]
            elif self.wanted[site] == READ_WITHOUT:
                self._read_row(at, site, &self.rows[self.row_of[site], 0])
        while start < self.n_wanted:
            self._read_block(at, self._next_block(&start, READ, BLOCK))
        if self.heat_green is self.green:
            return
        # Layers that differ in heat otherwise than in conduction have a table of their own.
        for kind in range(READ, READ_WITHOUT + 1):
            start = 0
            while start < self.n_wanted:
                self._read_heat(at, self._next_block(&start, kind, BLOCK))

    cdef void _read_heat(self, NodePotentials at, int n) noexcept nogil:
        """Temperature rise at the points of the block through the Green's function of heat."""
        cdef int p, k, i, site
        cdef int* x
        cdef int* y
        cdef double* base
        cdef double[BLOCK] sums
        for p in range(n):
            sums[p] = 0.0
        for k in range(self.network.m):
            i = self.node_by_layer[k]
            if self.heat_green.images:
                for p in range(n):
                    sums[p] += self.heat_green.value(self.block[p], self.network.node[i]) * at.y_theta[i]
                continue
            base = self.heat_green.between_layers(self.heat_green.sz[self.block[0]], self.network.node_z[i])
            x = &self.heat_green.line_x[0] + self.heat_green.px - self.layer_x[k]
            y = &self.heat_green.fold_y[0] + self.heat_green.py - self.layer_y[k]
            for p in range(n):
                site = self.block[p]
                sums[p] += base[x[self.green.sx[site]] + y[self.green.sy[site]]] * at.y_theta[i]
        for p in range(n):
            self.theta[self.block[p]] = sums[p]

    cdef inline void _read_row(self, NodePotentials at, int site, double* row) noexcept nogil:
        self.phi[site] = at.top * self.green.unit[self.green.sz[site]] + dot(self.network.m, row, &at.y_phi[0])
        self.theta[site] = dot(self.network.m, row, &at.y_theta[0])

    cdef int _next_block(self, int* start, int kind, int most) noexcept nogil:
        """Take further points of one layer and one kind, no nodes, from ``start`` on, into ``block``; their number."""
        cdef int n = 0, site
        while start[0] < self.n_wanted and n < most:
            site = self.wanted_sorted[start[0]]
            if n and self.green.sz[site] != self.green.sz[self.block[0]]:
                break
            if self.wanted[site] == kind and self.network.node_at[site] < 0:
                self.block[n] = site
                n += 1
            start[0] += 1
        return n

    cdef void _read_block(self, NodePotentials at, int n) noexcept nogil:
        """The same at the points of the block: rows of thousands of isolated defects, kept, would wear out the memory.

        Node by node, layer by layer: the part of the table between two layers is small and stays in the cache. Several
        nodes at once, so that the sums of a point stay in registers; each adds its nodes in the same order as ever.
        """
        cdef int p, k = 0, z, site
        cdef int[BLOCK] at_x, at_y
        cdef double[2 * BLOCK] sums
        for p in range(n):
            site = self.block[p]
            at_x[p], at_y[p] = self.green.px + self.green.sx[site], self.green.py + self.green.sy[site]
            sums[2 * p] = sums[2 * p + 1] = 0.0
            if self.green.images:
                # Between reflecting sides every entry is a sum of four.
                self.network.green_row(self.green, site, self.network.m, &self.rows[self.n_rows, 0])
                self._read_row(at, site, &self.rows[self.n_rows, 0])
        if self.green.images or n == 0:
            return
        for z in range(self.green.nz):
            if z + 1 < self.green.nz:
                self._prefetch_layer(z + 1, n * (self.layer_end[z + 1] - self.layer_end[z]))
            while k + AT_ONCE <= self.layer_end[z]:
                self._add_nodes(at, k, n, at_x, at_y, sums)
                k += AT_ONCE
            while k < self.layer_end[z]:
                self._add_node(at, k, n, at_x, at_y, sums)
                k += 1
        for p in range(n):
            site = self.block[p]
            self.phi[site] = at.top * self.green.unit[self.green.sz[site]] + sums[2 * p]
            self.theta[site] = sums[2 * p + 1]

    cdef inline void _add_node(self, NodePotentials at, int k, int n, int* at_x, int* at_y,
                               double* sums) noexcept nogil:
        """Add what node ``k`` by layer brings to potential and heat of the points."""
        cdef int p, i = self.node_by_layer[k]
        cdef double* base = self.green.between_layers(self.green.sz[self.block[0]], self.network.node_z[i])
        cdef int* x = &self.green.line_x[0] - self.layer_x[k]
        cdef int* y = &self.green.fold_y[0] - self.layer_y[k]
        cdef double value
        for p in range(n):
            value = base[x[at_x[p]] + y[at_y[p]]]
            sums[2 * p] += value * at.y_phi[i]
            sums[2 * p + 1] += value * at.y_theta[i]

    cdef inline void _add_nodes(self, NodePotentials at, int k, int n, int* at_x, int* at_y,
                                double* sums) noexcept nogil:
        """The same for two nodes of one layer from ``k`` on."""
        cdef int p, i = self.node_by_layer[k], j = self.node_by_layer[k + 1]
        cdef double* base = self.green.between_layers(self.green.sz[self.block[0]], self.network.node_z[i])
        cdef int* x = &self.green.line_x[0] - self.layer_x[k]
        cdef int* y = &self.green.fold_y[0] - self.layer_y[k]
        cdef int* next_x = &self.green.line_x[0] - self.layer_x[k + 1]
        cdef int* next_y = &self.green.fold_y[0] - self.layer_y[k + 1]
        cdef double y_phi = at.y_phi[i], y_theta = at.y_theta[i], next_phi = at.y_phi[j], next_theta = at.y_theta[j]
        cdef double value, other
        for p in range(n):
            value = base[x[at_x[p]] + y[at_y[p]]]
            other = base[next_x[at_x[p]] + next_y[at_y[p]]]
            sums[2 * p] = (sums[2 * p] + value * y_phi) + other * next_phi
            sums[2 * p + 1] = (sums[2 * p + 1] + value * y_theta) + other * next_theta

    cdef double heat_at(self, int site) noexcept nogil:
        cdef int k
        cdef double total = 0.0
        if site < self.green.n_hosts:
            return self.theta[site]
        for k in range(8):
            total += self.theta[self.green.corner(site, k)]
        return total / 8.0
