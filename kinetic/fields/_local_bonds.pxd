cimport cython

from ._bond_network cimport BondNetwork
from ._lattice_green cimport LatticeGreen

cdef double ROUNDING   # of an entry of T over the largest g C: a smaller pivot is not known to a digit or two
cdef double DOUBTFUL   # of the same: a shift by T with a smaller pivot is too rough to begin with


@cython.final
cdef class LocalBonds:
    cdef BondNetwork network
    cdef LatticeGreen green
    # hopping atoms: conducting defects that some event takes away, by host site
    cdef readonly int n
    cdef int[::1] hopping, number_at
    cdef int[::1] gone, ends              # marks of nodes; nodes of the last list of ends
    # bonds that change with each hopping atom, one after the other: edges start[c] .. start[c + 1]
    cdef int[::1] edge_a, edge_b, edge_law, start
    cdef double[::1] edge_g
    cdef double[::1] slope, offset        # g at the voltage that was taken up last, and what its voltage is off by
    cdef int n_edges
    # T of each hopping atom, factored, and a vector over the changed bonds
    cdef int[::1] lu_start, pivot
    cdef double[::1] edge_w, lu
    # trees of stiff bonds: nodes from the roots on, parents, what they hand on and the resistance on that way
    cdef int[::1] tree, parent
    cdef double[::1] handed, resistance

    cdef int clear(self) except -1
    cdef void add(self, int site) noexcept nogil
    cdef int list_bonds(self) except -1
    cdef int list_ends(self, int c) noexcept nogil
    cdef int list_all_ends(self, int c, int n_more, const int* more_a, const int* more_b) noexcept nogil
    cdef void mark_gone(self, int c) noexcept nogil
    cdef void unmark_gone(self, int c) noexcept nogil
    cdef void straighten(self) noexcept nogil
    cdef void bend(self, int e, double share, double offset) noexcept nogil
    cdef int factor(self, int c, double[:, ::1] c_matrix) noexcept nogil
    cdef bint doubtful(self, int c, double share, double[:, ::1] c_matrix) noexcept nogil
    cdef void drops(self, int c, const double* value, double top, double* out) noexcept nogil
    cdef void solve(self, int c, int columns, double* x) noexcept nogil
    cdef void keep(self, int c, const double* w) noexcept nogil
    cdef void spread(self, int c, const double* w, double* out) noexcept nogil
    cdef void respond(self, int c, const double* value, double top, double* out) noexcept nogil
    cdef void flow_without(self, int c, const double* value, double top, double* out) noexcept nogil
    cdef void assemble_without(self, int c, double[:, ::1] k_matrix, double[:, ::1] out) noexcept nogil
    cdef void _grow_trees(self, int c) noexcept nogil
    cdef double _stiff_contact(self, int i) noexcept nogil
    cdef double tree_bound(self, int c, const double* residual) noexcept nogil
    cdef void _edges_without(self, int site, bint write) noexcept nogil
    cdef void _edge(self, int a, int b, double g, int law, bint write) noexcept nogil
    cdef long _count_edges(self) noexcept nogil
    cdef int _list_end(self, int i, int n) noexcept nogil
    cdef double _flow_to(self, int i, const double* value, double top, bint left) noexcept nogil
    cdef bint _stiff(self, int i, int k) noexcept nogil

    cdef inline int hopping_at(self, int site) noexcept nogil:
        """Number of the hopping atom at a host site; -1 if there is no conducting defect."""
        return self.number_at[site] if site >= 0 and self.network.node_at[site] >= 0 else -1
