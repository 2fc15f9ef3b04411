cimport cython

from ._background_inverse cimport BackgroundInverse
from ._bond_network cimport BondNetwork
from ._lattice_green cimport LatticeGreen

cdef double CONVERGED  # V at 1 V: the last correction of a potential that has settled
cdef double TOLERATED  # V at 1 V: a larger one is refused

cdef enum:
    UNSETTLED = -99


@cython.final
cdef class NodePotentials:
    cdef readonly LatticeGreen green, heat_green
    cdef readonly int m
    cdef readonly double top              # potential of the top electrode, V
    cdef int[::1] node                    # host sites
    cdef double[::1] phi, y_phi, theta, y_theta, power

    @staticmethod
    cdef NodePotentials hold(NetworkSolver solver, double top, double[:, ::1] rows)


@cython.final
cdef class LinearSolution:
    cdef readonly NetworkSolver solver
    cdef readonly NodePotentials potentials
    cdef readonly double conductance, heat_max, solver_error
    cdef long number                      # of the solutions of its solver

    @staticmethod
    cdef LinearSolution hold(NetworkSolver solver, NodePotentials potentials, double current, double error)
    cdef int require_present(self) except -1


@cython.final
cdef class NetworkSolver:
    cdef readonly BondNetwork network
    cdef readonly LatticeGreen green
    cdef readonly double background, heat, wiedemann_franz
    cdef readonly BackgroundInverse k_conduction, k_heat    # one object where the layers are alike for both
    # matrices: K = G^-1 on the nodes, C = (K + L)^-1, H for heat
    cdef double[:, ::1] k_matrix, c_matrix, h_matrix
    cdef double[::1] diagonal, source, residual
    cdef long solutions                   # counts the arrangements that were solved

    cdef void sources_of(self, const double* value, double top, double* out) noexcept nogil
    cdef void times_c(self, const double* value, double* out) noexcept nogil
    cdef void times(self, double[:, ::1] matrix, double[:, ::1] columns, double[:, ::1] out, int n) noexcept nogil
    cdef void respond(self, double[:, ::1] matrix, double[:, ::1] sources, double[:, ::1] out, int n) noexcept nogil
    cdef void powers(self, const double* phi, double top, double* out) noexcept nogil
    cdef void warm(self, const double* power, double* theta, double* y_theta) noexcept nogil
    cdef int _room(self, bint keep) except -1
    cdef int _solve(self, bint keep, double[:, ::1] out, double* error, double* current) noexcept nogil
    cdef int _factor(self) noexcept nogil
    cdef int _settle(self, double* phi, double* error) noexcept nogil
    cdef void _mirror(self) noexcept nogil
    cdef int _invert(self, BackgroundInverse of, bint keep) noexcept nogil
    cdef int _factor_heat(self) noexcept nogil
