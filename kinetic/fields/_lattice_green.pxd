cimport cython


@cython.final
cdef class LatticeGreen:
    cdef readonly int nx, ny, nz, n_hosts
    cdef int px, py, images
    # Green's function by pairs of layers and steps in x and y, folded to half the period; where that of a pair begins
    cdef double[:, :, ::1] table
    cdef long[:, ::1] part
    cdef int[::1] fold_x, fold_y          # folded step by period + step
    cdef int[::1] line_x                  # the same in x, by lines of the table, which its entries are counted by
    cdef int[::1] sx, sy, sz
    cdef int[:, ::1] close_offset         # the 18 steps up to sqrt(2) spacings
    cdef double[::1] unit                 # potential of the empty background per layer at 1 V
    cdef readonly double largest, through  # through: of the empty background between the electrodes, per column

    cdef int entries(self, int a, int b, double* out) noexcept nogil
    cdef double value(self, int a, int b) noexcept nogil
    cdef int squared_distance(self, int a, int b) noexcept nogil
    cdef int shifted(self, int site, int k) noexcept nogil
    cdef bint is_close(self, int a, int b) noexcept nogil
    cdef int corner(self, int interstitial, int k) noexcept nogil

    cdef inline double* between_layers(self, int za, int zb) noexcept nogil:
        """The part of the table between the sites of two layers, by the folded steps in x and y."""
        return &self.table[0, 0, 0] + self.part[za, zb]

    cdef inline bint in_contact(self, int site) noexcept nogil:
        """Whether a vacancy here touches an electrode, and so conducts without neighbours."""
        return self.sz[site] == 0 or self.sz[site] == self.nz - 1
