cimport cython

from ._lattice_green cimport LatticeGreen


@cython.final
cdef class BondNetwork:
    cdef readonly LatticeGreen green
    # conductances and laws of bonds, by distance and layer
    cdef readonly int cut2, shadow2
    cdef double[:, ::1] pair_conductance  # by kind and squared distance, in background bonds
    cdef double[:, ::1] contact           # by kind of defect and side, and layer, in background bonds
    cdef int[:, ::1] pair_law             # which law a bond obeys, 0 ohmic: by kind and squared distance
    cdef int[:, ::1] pair_kind            # of the bonds between two planes
    cdef int[:, ::1] contact_law          # by side and layer
    cdef int n_classes                    # of bonds between two kinds of defects: 1, or 3 of two kinds
    cdef signed char[::1] defect_kind     # per host site: kind of the defect that stands there, 0 or 1
    cdef double[::1] modulation           # per host site: factor on its bonds, the product of both ends
    cdef double[::1] metallic             # the same on bonds up to sqrt(2) spacings, contacts of the first layer
    # arrangement: every vacancy is a node of the network or isolated
    cdef readonly int m, n_isolated, capacity
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

    cdef inline int contact_row(self, int i, int side) noexcept nogil:
        """Row of ``contact`` and ``contact_law`` for a contact of a node."""
        return 2 * self.defect_kind[self.node[i]] + side

    cdef int arrange(self, const int[::1] vacancies) except -1
    cdef void green_row(self, LatticeGreen of, int site, int count, double* out) noexcept nogil
    cdef void flow(self, const double* value, double top, double* out) noexcept nogil
    cdef bint hides_laws(self) noexcept nogil
    cdef int _grow(self, int capacity) except -1
    cdef void _classify(self, const int[::1] vacancies, int n) noexcept nogil
    cdef void _connect(self) noexcept nogil
    cdef void _connect_pairs(self, int i) noexcept nogil
    cdef void _connect_contacts(self, int i) noexcept nogil
    cdef int _sole_partner(self, int i) noexcept nogil
    cdef bint _shown_by(self, int other, bint first, int* shows) noexcept nogil
    cdef bint _between(self, int i, int j, int d2, int* shows) noexcept nogil
    cdef bint _before_contact(self, int i, int depth, int side, int* shows) noexcept nogil
    cdef void _hide(self, int a, int b, double value, int law, int* shows) noexcept nogil
    cdef void _bond(self, int i, int j, double value, int law) noexcept nogil
