cimport cython

from ._bond_laws cimport BondLaws
from ._bond_network cimport BondNetwork
from ._network_solver cimport LinearSolution, NetworkSolver, NodePotentials

cdef double LEAST_SLOPE    # of a tangent over the slope at 0 V: where a law saturates it is taken to rise by that


cdef inline double between_bonds(const double* c, long ld, int a, int b, int fa, int fb) noexcept nogil:
    """Voltage of bond (a, b) for a unit current along bond (fa, fb), by differences of C; electrodes have no entry."""
    cdef double value = c[a * ld + fa]
    if b >= 0:
        value -= c[b * ld + fa]
        if fb >= 0:
            value += c[b * ld + fb] - c[a * ld + fb]
    elif fb >= 0:
        value -= c[a * ld + fb]
    return value


cdef inline double drop_over(const double* value, int a, int b, double top) noexcept nogil:
    """Difference of ``value`` over bond (a, b); electrodes are at 0 and ``top``."""
    if b >= 0:
        return value[a] - value[b]
    return value[a] - (top if b == -2 else 0.0)


@cython.final
cdef class LawBonds:
    cdef LinearSolution solution
    cdef BondLaws laws                    # None: every bond is ohmic
    cdef readonly int n
    cdef int[::1] a, b, law
    cdef double[::1] g, rest, coupling

    @staticmethod
    cdef LawBonds list(LinearSolution solution, BondLaws laws)
    cdef int _collect(self, BondNetwork network, bint write) noexcept nogil
    cdef void _couple(self, NetworkSolver solver, NodePotentials at) noexcept nogil
    cdef void spread(self, const double* current, double sign, double* out) noexcept nogil
    cdef void flow(self, const double* value, double top, double* out) noexcept nogil
    cdef void heat(self, const double* phi, double top, double* out) noexcept nogil

    cdef inline double extra(self, int j, double u) noexcept nogil:
        """Current of a bond at a voltage (V) beyond its slope at 0 V."""
        cdef double slope
        return self.g[j] * (self.laws.current(self.law[j], u, &slope) - u)


@cython.final
cdef class CurrentLaw:
    cdef readonly LawBonds bonds
    cdef readonly double conductance, background
    cdef readonly long size    # bytes
    cdef double asked, answer              # the last voltage (V), and the current there (A)

    @staticmethod
    cdef CurrentLaw of(LawBonds bonds)
    cdef double _beyond(self, double voltage, double load) except? -1e300


@cython.final
cdef class OperatingPoint:
    cdef readonly LawBonds bonds
    cdef readonly NodePotentials potentials
    cdef readonly double voltage, solver_error
    cdef double[::1] drop, current, tangent   # voltage (V) of each bond with a law, i(u) / g, and i'(u) / g there
    cdef double[::1] matrix               # LU of 1 + S g (i' / g - 1)
    cdef int[::1] pivot

    @staticmethod
    cdef OperatingPoint at(LawBonds bonds, double voltage)
    cdef int _solve(self, NetworkSolver solver, double[:, ::1] out, double* residual, double* source,
                    double* extra) noexcept nogil
    cdef int _settle_bonds(self, double* extra) noexcept nogil
    cdef int _settle(self, NetworkSolver solver, double* phi, double* residual, double* source,
                     double* extra) noexcept nogil
