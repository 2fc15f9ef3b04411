cdef class Wiring:
    # geometry and tables
    cdef readonly int nx, ny, nz, n_hosts, cut2
    cdef int px, py, images
    # Green's function by pairs of layers and steps in x and y, folded to half the period; where that of a pair begins
    cdef double[:, :, ::1] table
    cdef long[:, ::1] part
    cdef int[::1] fold_x, fold_y          # folded step by period + step
    cdef double[::1] pair_conductance     # by squared distance, in background bonds
    cdef double[:, ::1] contact           # by side and layer, in background bonds
    cdef int[::1] pair_law                # which law a bond obeys, 0 ohmic: by squared distance
    cdef int[:, ::1] contact_law          # by side and layer
    cdef double[::1] modulation           # per host site: factor on its bonds, the product of both ends
    cdef double[::1] metallic             # the same on bonds up to sqrt(2) spacings, contacts of the first layer
    cdef int[::1] sx, sy, sz
    cdef int[:, ::1] close_offset         # the 18 steps up to sqrt(2) spacings
    # arrangement: every vacancy is a node of the network or isolated
    cdef readonly int m, n_isolated
    cdef int capacity
    cdef signed char[::1] vacant
    cdef short[::1] n_close               # vacancies within sqrt(2) spacings
    cdef int[::1] node, node_at, isolated
    cdef int[::1] node_x, node_y, node_z
    # bonds of each node, and hidden bonds listed under each node whose departure shows them
    cdef unsigned char[:, ::1] distance2
    cdef int[:, ::1] near, link, link_law
    cdef int[::1] n_near, degree, partner
    cdef double[:, ::1] link_g, contact_g
    cdef readonly int n_hidden
    cdef int[::1] hidden_a, hidden_b, hidden_law, hidden_head, hidden_next
    cdef double[::1] hidden_g

    cdef int grow(self, int capacity) except -1
    cdef double g(self, int a, int b) noexcept nogil
    cdef double* between_layers(self, int za, int zb) noexcept nogil
    cdef void row(self, int site, int count, double* out) noexcept nogil
    cdef int squared_distance(self, int a, int b) noexcept nogil
    cdef int shifted(self, int site, int k) noexcept nogil
    cdef bint in_contact(self, int site) noexcept nogil
    cdef bint is_close(self, int a, int b) noexcept nogil
    cdef void _classify(self, const int[::1] vacancies, int n) noexcept nogil
    cdef void _wire(self) noexcept nogil
    cdef void _wire_pairs(self, int i) noexcept nogil
    cdef void _wire_contacts(self, int i) noexcept nogil
    cdef int _sole_partner(self, int i) noexcept nogil
    cdef bint _shown_by(self, int other, bint first, int* shows) noexcept nogil
    cdef bint _between(self, int i, int j, int d2, int* shows) noexcept nogil
    cdef bint _before_contact(self, int i, int depth, int side, int* shows) noexcept nogil
    cdef void _hide(self, int a, int b, double value, int law, int* shows) noexcept nogil
    cdef void _bond(self, int i, int j, double value, int law) noexcept nogil
