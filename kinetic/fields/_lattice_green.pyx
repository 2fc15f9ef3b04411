"""The lattice Green's function between the host sites of a box (compiled).

G is the inverse of the lattice Laplacian (bonds of 1 between neighbours) with both electrodes at 0 V, so that a unit
current into site b raises site a by G(a, b). Conduction, heat and charge all read it, each in its own unit.
"""

cimport cython

import numpy as np


CACHED = 1 << 22
"""Bytes of a table above which it is folded about the middle of the box, which changes last digits, too."""


def parts(layers, mirrored):
    """Number the pairs of layers that differ in what is between them, a pair and its swap being one.

    ``mirrored``: alike from either electrode, so that a pair and its mirror image are one as well.

    Returns
    -------
    place : (layers, layers) int64
        Number of each pair.
    pairs : (n, 2) int
        The pair that each number stands for.
    """
    low, high = np.sort(np.indices((layers, layers)), axis=0)
    if mirrored:
        far = low + high > layers - 1
        low, high = np.where(far, layers - 1 - high, low), np.where(far, layers - 1 - low, high)
    found, place = np.unique(low * layers + high, return_inverse=True)
    return place.reshape(layers, layers).astype(np.int64), np.column_stack(np.divmod(found, layers))


def folded(period):
    """Distance by the nearest image for every step from -period to period - 1."""
    step = np.arange(-period, period) % period
    return np.minimum(step, period - step).astype(np.intc)


@cython.final
cdef class LatticeGreen:
    """Sites of a box, and the lattice Green's function between them.

    Parameters
    ----------
    shape : (nx, ny, nz)
        Host sites; two electrodes lie one spacing beyond the first and the last layer.
    green : GreenTable
        Inverse of the lattice Laplacian, and the potential of the empty background.

    Notes
    -----
    ========================  =======================================
    symbol                    attribute
    ========================  =======================================
    G(a, b)                   ``value(a, b)``, read from ``table``
    largest G                 ``largest``
    phi0(z) at 1 V            ``unit``
    current at 1 V            ``through``, of one column of sites
    ========================  =======================================
    """

    def __init__(self, shape, green):
        self.nx, self.ny, self.nz = shape
        self.n_hosts = self.nx * self.ny * self.nz
        self.images = 1 if green.images else 0
        self.px, self.py = green.table.shape[:2]
        # Steps to either side are equal, so half the period in x and y holds all; by layers first, so that what
        # the points of one layer read of the nodes of another lies together and stays in the cache.
        half = green.table[:self.px // 2 + 1, :self.py // 2 + 1]
        place, layers = parts(self.nz, half.nbytes > CACHED and green.is_mirrored)
        self.table = np.ascontiguousarray(half[:, :, layers[:, 0], layers[:, 1]].transpose(2, 0, 1), dtype=np.float64)
        self.part = place * self.table[0].size
        self.fold_x, self.fold_y = folded(self.px), folded(self.py)
        self.line_x = np.asarray(self.fold_x) * self.table.shape[2]
        x, y, z = np.unravel_index(np.arange(self.n_hosts), shape)
        self.sx, self.sy, self.sz = x.astype(np.intc), y.astype(np.intc), z.astype(np.intc)
        steps = np.array([(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)], np.intc)
        squared = (steps**2).sum(axis=1)
        self.close_offset = steps[(0 < squared) & (squared <= 2)]
        self.unit = np.ascontiguousarray(green.background(0.0, 1.0), dtype=np.float64)
        self.through = green.z_link[0] * self.unit[0]
        self.largest = np.max(self.table) * (4.0 if self.images else 1.0)

    cdef int entries(self, int a, int b, double* out) noexcept nogil:
        """Entries of the table whose sum is the Green's function between two host sites; their number."""
        cdef int dx = self.fold_x[self.px + self.sx[a] - self.sx[b]]
        cdef int dy = self.fold_y[self.py + self.sy[a] - self.sy[b]]
        cdef int mx, my
        cdef long line = self.table.shape[2]
        cdef double* base = self.between_layers(self.sz[a], self.sz[b])
        out[0] = base[dx * line + dy]
        if not self.images:
            return 1
        # Reflecting sides: the three mirror images, in a table of twice the width.
        mx = self.fold_x[self.px + self.sx[a] + self.sx[b] + 1]
        my = self.fold_y[self.py + self.sy[a] + self.sy[b] + 1]
        out[1], out[2], out[3] = base[mx * line + dy], base[dx * line + my], base[mx * line + my]
        return 4

    cdef double value(self, int a, int b) noexcept nogil:
        """Green's function between two host sites."""
        cdef double[4] entry
        if self.entries(a, b, entry) == 1:
            return entry[0]
        return entry[0] + (entry[1] + entry[2] + entry[3])

    cdef int squared_distance(self, int a, int b) noexcept nogil:
        """Squared distance of two host sites in spacings, by the nearest image."""
        cdef int dx = self.sx[a] - self.sx[b], dy = self.sy[a] - self.sy[b], dz = self.sz[a] - self.sz[b]
        if not self.images:
            if 2 * dx > self.nx:
                dx -= self.nx
            elif 2 * dx < -self.nx:
                dx += self.nx
            if 2 * dy > self.ny:
                dy -= self.ny
            elif 2 * dy < -self.ny:
                dy += self.ny
        return dx * dx + dy * dy + dz * dz

    cdef int shifted(self, int site, int k) noexcept nogil:
        """Host site at close offset ``k`` of ``site``; -1 beyond an electrode or a reflecting side."""
        cdef int x = self.sx[site] + self.close_offset[k, 0]
        cdef int y = self.sy[site] + self.close_offset[k, 1]
        cdef int z = self.sz[site] + self.close_offset[k, 2]
        if z < 0 or z >= self.nz:
            return -1
        if x < 0 or x >= self.nx:
            if self.images:
                return -1
            x = x + self.nx if x < 0 else x - self.nx
        if y < 0 or y >= self.ny:
            if self.images:
                return -1
            y = y + self.ny if y < 0 else y - self.ny
        return (x * self.ny + y) * self.nz + z

    cdef bint is_close(self, int a, int b) noexcept nogil:
        cdef int d2 = self.squared_distance(a, b)
        return d2 == 1 or d2 == 2

    cdef int corner(self, int interstitial, int k) noexcept nogil:
        """Host site at corner ``k`` (0-7) of an interstitial site."""
        cdef int cell = interstitial - self.n_hosts, nz1 = self.nz - 1
        cdef int ny1 = self.ny - 1 if self.images else self.ny  # reflecting sides have no cube across them
        cdef int z = cell % nz1, y = (cell // nz1) % ny1, x = cell // (nz1 * ny1)
        x = (x + (k & 1)) % self.nx
        y = (y + ((k >> 1) & 1)) % self.ny
        return (x * self.ny + y) * self.nz + z + (k >> 2)
