cimport cython

from ._bond_network cimport BondNetwork
from ._error_estimate cimport ErrorEstimate
from ._event_rates cimport Candidates
from ._laws_without cimport LawsWithout
from ._lattice_green cimport LatticeGreen
from ._local_bonds cimport LocalBonds
from ._network_solver cimport LinearSolution, NetworkSolver, NodePotentials
from ._operating_point cimport LawBonds, OperatingPoint
from ._readout cimport Readout
from ._tangent_network cimport TangentNetwork


@cython.final
cdef class PotentialsWithout:
    cdef NodePotentials all               # with all atoms
    cdef BondNetwork network
    cdef LatticeGreen green
    cdef Readout readout
    cdef double[:, ::1] shift, drawn

    @staticmethod
    cdef PotentialsWithout hold(LeaveOneOut owner, NodePotentials all)
    cdef double potential(self, int site, int c) noexcept nogil
    cdef double _host(self, int host, int c) noexcept nogil


@cython.final
cdef class LeaveOneOut:
    cdef NetworkSolver solver
    cdef BondNetwork network
    cdef LatticeGreen green
    cdef readonly bint refine
    cdef public bint tangents
    cdef Readout readout
    cdef LocalBonds local
    cdef ErrorEstimate estimate
    cdef LawsWithout laws
    cdef LinearSolution solution          # whose hopping atoms were taken away
    cdef Candidates candidates            # which take these away
    cdef LawBonds listed                  # of which `laws` has lists without these atoms; None: of none
    cdef TangentNetwork tangent           # of the network that was taken up last
    cdef double[:, ::1] star_sum, shift, drawn
    # those that are refined, and that have no solution yet; a batch of them with sizes of their last corrections
    cdef int[::1] loose, lost, batch
    cdef int[::1] proved, open            # those whose error is known by probes; ends of the bonds of one of them
    cdef int n_lost
    cdef double[::1] size, left
    cdef double[:, ::1] batch_in, batch_out
    cdef double[::1] residual, source
    cdef double[:, ::1] matrix            # K + L without one atom that is solved by itself
    cdef readonly double error          # V at 1 V
    cdef readonly int refined           # hopping atoms whose bound was too large
    cdef readonly int from_rest         # hopping atoms that were solved from slopes at 0 V

    cdef int remove(self, LinearSolution solution, Candidates candidates, bint read) except -1
    cdef bint has_removed(self, LinearSolution solution, Candidates candidates)
    cdef int remove_at(self, OperatingPoint point) except -1
    cdef int _room(self) except -1
    cdef int _remove(self, NodePotentials at) noexcept nogil
    cdef int _remove_at(self, OperatingPoint point, int n) except? -1
    cdef int _remove_from_rest(self, OperatingPoint point, int n) except? -1
    cdef int _settle_loose(self, int n) noexcept nogil
    cdef void _lose(self, int c) noexcept nogil
    cdef int _list_unproved(self, int n_listed, NodePotentials at, LawsWithout laws) noexcept nogil
    cdef int _refine_loose(self, int n_listed, NodePotentials at, LawsWithout laws) noexcept nogil
    cdef void _draw_all(self, NodePotentials at) noexcept nogil
    cdef void _draw(self, const int* atoms, int n, NodePotentials at) noexcept nogil
    cdef double _beyond_background(self, int c, int i, NodePotentials at) noexcept nogil
    cdef void _flow_without(self, int c, NodePotentials at, LawsWithout laws) noexcept nogil
    cdef double _residual_bound(self, int c, NodePotentials at, LawsWithout laws) noexcept nogil
    cdef bint _grounded(self, int c) noexcept nogil
    cdef double _probed_bound(self, int c, NodePotentials at, LawsWithout laws) noexcept nogil
    cdef void _add_size(self, int a, int b, double size) noexcept nogil
    cdef double _sharp_bound(self, int c, LawsWithout laws) noexcept nogil
    cdef double _bound_at_ends(self, int c, int n, double total, LawsWithout laws) noexcept nogil
    cdef void _meet(self, int n) noexcept nogil
    cdef int _refine(self, const int* atoms, int n_atoms, NodePotentials at, LawsWithout laws) noexcept nogil
    cdef int _bound_refined(self, int c, NodePotentials at, LawsWithout laws) noexcept nogil
    cdef int _give_up(self, int c, int info, LawsWithout laws) noexcept nogil
    cdef int _solve_without(self, int c, double* left, NodePotentials at, LawsWithout laws) noexcept nogil
    cdef double _correction(self, int p) noexcept nogil
    cdef void _residual_without(self, int n, NodePotentials at, LawsWithout laws) noexcept nogil
    cdef void _correct(self, int n, NodePotentials at, LawsWithout laws) noexcept nogil
