"""Networks in which some bonds obey a law of their own, at a voltage (compiled).

Everything is based on the network of the bonds' slopes at 0 V, which is linear. A bond with a law carries
y = i(u) - g u beyond its slope, a source along the bond, so that with C of that network

    phi(V) = phi(1 V) V - C E y,

and Newton's method runs on the voltages u of these few bonds alone (see `BondLaws`). Residuals, by differences
across bonds at their full currents, then correct the potentials as in the linear network.
"""

cimport cython

import numpy as np

from libc.math cimport fabs, NAN
from libc.string cimport memset

from ._bond_laws cimport BondLaws, settle, settle_room, tangent_factor
from ._bond_network cimport BondNetwork
from ._network_solver cimport CONVERGED, LinearSolution, NetworkSolver, NodePotentials, TOLERATED, UNSETTLED
from ._small_lu cimport solve_small

cdef int MOST_STEPS = 40
cdef double LEAST_SLOPE = 1e-9


@cython.final
cdef class LawBonds:
    """The bonds of one arrangement that obey a law, in the network of their slopes at 0 V.

    Notes
    -----
    ===============================================  =============================================
    symbol                                           attribute
    ===============================================  =============================================
    E, a column for each of ``n`` bonds              ``a``, ``b`` (nodes; -1 bottom, -2 top)
    g, slopes at 0 V (background bonds)              ``g``
    v = E' phi at 1 V                                ``rest``
    S = E' C E                                       ``coupling`` (n x n)
    i(u) / g                                         ``laws``, of each bond ``law``
    ===============================================  =============================================
    """

    @staticmethod
    cdef LawBonds list(LinearSolution solution, BondLaws laws):
        """List the bonds with a law of a solution, each once, in ascending order of their first node."""
        cdef LawBonds listed = LawBonds.__new__(LawBonds)
        cdef BondNetwork network = solution.solver.network
        cdef int k
        cdef int[:, ::1] whole
        cdef double[::1] real
        solution.require_present()
        listed.solution, listed.laws = solution, laws
        k = listed.n = listed._collect(network, False)
        # One block for all of a kind: each array that Python knows of costs more than the numbers.
        whole, real = np.empty((3, k), np.intc), np.empty(k * k + 2 * k)
        listed.a, listed.b, listed.law = whole[0], whole[1], whole[2]
        listed.coupling, listed.g, listed.rest = real[:k * k], real[k * k:k * k + k], real[k * k + k:]
        if k:
            with nogil:
                listed._collect(network, True)
                listed._couple(solution.solver, solution.potentials)
        return listed

    cdef int _collect(self, BondNetwork network, bint write) noexcept nogil:
        """Count the bonds with a law, or write them down."""
        cdef int i, k, side, law, n = 0
        for i in range(network.m):
            for k in range(network.degree[i]):
                if network.link_law[i, k] > 0 and network.link[i, k] < i:
                    if write:
                        self.a[n], self.b[n] = i, network.link[i, k]
                        self.g[n], self.law[n] = network.link_g[i, k], network.link_law[i, k] - 1
                    n += 1
            for side in range(2):
                law = network.contact_law[network.contact_row(i, side), network.node_z[i]]
                if network.contact_g[side, i] > 0.0 and law > 0:
                    if write:
                        self.a[n], self.b[n] = i, -1 - side
                        self.g[n] = network.contact_g[side, i]
                        self.law[n] = law - 1
                    n += 1
        return n

    cdef void _couple(self, NetworkSolver solver, NodePotentials at) noexcept nogil:
        """Voltages of the bonds at 1 V, and for a unit current along each of them."""
        cdef int j, l, k = self.n
        cdef const double* c = &solver.c_matrix[0, 0]
        cdef long ld = solver.network.capacity
        for j in range(k):
            self.rest[j] = drop_over(&at.phi[0], self.a[j], self.b[j], 1.0)
            for l in range(j + 1):
                self.coupling[j * k + l] = between_bonds(c, ld, self.a[j], self.b[j], self.a[l], self.b[l])
                self.coupling[l * k + j] = self.coupling[j * k + l]

    cdef void spread(self, const double* current, double sign, double* out) noexcept nogil:
        """Add currents along the bonds, times ``sign``, to the nodes at their ends."""
        cdef int j
        for j in range(self.n):
            out[self.a[j]] += sign * current[j]
            if self.b[j] >= 0:
                out[self.b[j]] -= sign * current[j]

    cdef void flow(self, const double* value, double top, double* out) noexcept nogil:
        """Add the current that these bonds bring into each node beyond their slopes at 0 V."""
        cdef int j
        cdef double y
        for j in range(self.n):
            y = self.extra(j, drop_over(value, self.a[j], self.b[j], top))
            out[self.a[j]] -= y
            if self.b[j] >= 0:
                out[self.b[j]] += y

    cdef void heat(self, const double* phi, double top, double* out) noexcept nogil:
        """Add twice the power by which the heat of each node differs from that of the slopes at 0 V.

        Each end of a bond with u i gets s u i / 2, s the fraction of its law.
        """
        cdef int j
        cdef double u, s, power
        for j in range(self.n):
            u = drop_over(phi, self.a[j], self.b[j], top)
            s = self.laws.heating[self.law[j]]
            power = s * u * self.extra(j, u) - (1.0 - s) * self.g[j] * u * u
            out[self.a[j]] += power
            if self.b[j] >= 0:
                out[self.b[j]] += power


@cython.final
cdef class CurrentLaw:
    """Current of one arrangement at any voltage, valid also after further arrangements are solved.

    Attributes
    ----------
    bonds : LawBonds
        Those that obey a law.
    conductance : float
        Of the whole arrangement at low voltage, S.
    background : float
        Conductance of one background bond, S.
    """

    @staticmethod
    cdef CurrentLaw of(LawBonds bonds):
        """Return the current law of an arrangement with these bonds."""
        cdef CurrentLaw law = CurrentLaw.__new__(CurrentLaw)
        law.bonds, law.conductance = bonds, bonds.solution.conductance
        law.background = bonds.solution.solver.background
        law.size = 8 * bonds.n * (bonds.n + 2) + 12 * bonds.n
        law.asked, law.answer = NAN, NAN
        return law

    cdef double _beyond(self, double voltage, double load) except? -1e300:
        """Current (A) beyond ``conductance`` times the voltage, which it lowers by ``load`` (ohm) times itself."""
        cdef LawBonds bonds = self.bonds
        return self.background * bonds.laws.beyond(bonds.n, &bonds.coupling[0], &bonds.g[0], &bonds.law[0],
                                                   &bonds.rest[0], voltage, load * self.background)

    def __call__(self, double voltage):
        """Return the current (A) at a voltage (V)."""
        # A ramp asks twice for the current at its end, an event for that of the moment before.
        if voltage != self.asked:
            self.answer = voltage * self.conductance + self._beyond(voltage, 0.0)
            self.asked = voltage
        return self.answer

    def point(self, double source, double resistance):
        """Return the voltage (V) behind a resistance in series (ohm), and the current (A) there."""
        cdef double divider = 1.0 + resistance * self.conductance
        cdef double beyond = self._beyond(source / divider, resistance / divider)
        cdef double voltage = source / divider - resistance / divider * beyond
        return voltage, voltage * self.conductance + beyond

    def at(self, double current):
        """Return the voltage (V) at a current (A)."""
        cdef double free = current / self.conductance
        return free - self._beyond(free, 1.0 / self.conductance) / self.conductance


@cython.final
cdef class OperatingPoint:
    """The whole network at one voltage, bonds with laws included.

    Attributes
    ----------
    bonds : LawBonds
    voltage : float
        Of the top electrode, V.
    potentials : NodePotentials
        At this voltage.
    solver_error : float
        Last correction of a potential, V.

    Notes
    -----
    ===============================================  =====================
    symbol                                           attribute
    ===============================================  =====================
    u, voltages of the bonds with a law (V)          ``drop``
    i(u) / g (V)                                     ``current``
    i'(u) / g, 1e-9 at least                         ``tangent``
    1 + S g (i' / g - 1), factored                   ``matrix``, ``pivot``
    ===============================================  =====================
    """

    @staticmethod
    cdef OperatingPoint at(LawBonds bonds, double voltage):
        """Solve the network of a present solution at a voltage (V).

        Raises
        ------
        ArithmeticError
            The potential does not settle.
        """
        cdef OperatingPoint point = OperatingPoint.__new__(OperatingPoint)
        cdef NetworkSolver solver = bonds.solution.solver
        cdef int k = bonds.n, m = solver.network.m, info = 0
        cdef double[:, ::1] rows = np.empty((5, max(m, 1))), work = np.empty((2, max(m, 1)))
        # One more than is used: none of the views is empty where k is 0.
        cdef double[::1] real = np.empty(3 * k + settle_room(k)), extra = np.empty(2 * k + 1)
        bonds.solution.require_present()
        point.bonds, point.voltage = bonds, voltage
        point.drop, point.tangent, point.current = real[:k], real[k:2 * k], real[2 * k:3 * k]
        point.matrix = real[3 * k:]
        point.pivot = np.empty(k, np.intc)
        if m:
            with nogil:
                info = point._solve(solver, rows, &work[0, 0], &work[1, 0], &extra[0])
        if info:
            raise ArithmeticError(f"the network of {m} conducting defects does not settle at {voltage:g} V")
        point.potentials = NodePotentials.hold(solver, voltage, rows)
        return point

    def contact_powers(self):
        """Power that the bottom and the top electrode get (W).

        Half of what contacts heat with, and all that gap hops do not leave in the oxide: carriers take it along to
        the positive electrode, where electrons go.
        """
        cdef int i, j, side, positive = 1 if self.voltage > 0.0 else 0
        cdef double u, s, extra
        cdef NetworkSolver solver = self.bonds.solution.solver
        cdef NodePotentials at = self.potentials
        cdef double[2] power
        self.bonds.solution.require_present()
        power[0] = power[1] = 0.0
        for i in range(at.m):
            power[0] += solver.network.contact_g[0, i] * at.phi[i] ** 2
            power[1] += solver.network.contact_g[1, i] * (at.phi[i] - self.voltage) ** 2
        for j in range(self.bonds.n):
            u = drop_over(&at.phi[0], self.bonds.a[j], self.bonds.b[j], self.voltage)
            s, extra = self.bonds.laws.heating[self.bonds.law[j]], self.bonds.extra(j, u)
            if self.bonds.b[j] < 0:
                side = -1 - self.bonds.b[j]
                power[side] += s * u * extra - (1.0 - s) * self.bonds.g[j] * u * u
            power[positive] += 2.0 * (1.0 - s) * u * (extra + self.bonds.g[j] * u)
        return np.array([power[0], power[1]]) * (0.5 * solver.background)

    cdef int _solve(self, NetworkSolver solver, double[:, ::1] out, double* residual, double* source,
                    double* extra) noexcept nogil:
        """Potential, its sources and the temperature rise at the voltage."""
        cdef int i, j, info = 0, m = solver.network.m
        cdef double slope
        cdef double* phi = &out[0, 0]
        cdef double* power = &out[4, 0]
        cdef const double* linear = &self.bonds.solution.potentials.phi[0]
        if self.bonds.n:
            info = self._settle_bonds(extra)
        if info:
            return info
        # What the reduced network says, then corrections against the currents of all self.bonds.
        memset(source, 0, m * sizeof(double))
        self.bonds.spread(extra, -1.0, source)
        solver.times_c(source, phi)
        for i in range(m):
            phi[i] += self.voltage * linear[i]
        info = self._settle(solver, phi, residual, source, extra)
        if info:
            return info
        for j in range(self.bonds.n):
            self.drop[j] = drop_over(phi, self.bonds.a[j], self.bonds.b[j], self.voltage)
            self.current[j] = self.bonds.laws.current(self.bonds.law[j], self.drop[j], &slope)
        solver.sources_of(phi, self.voltage, &out[1, 0])
        solver.powers(phi, self.voltage, power)
        self.bonds.heat(phi, self.voltage, power)
        for i in range(m):
            power[i] *= 0.5 * solver.background
        solver.warm(power, &out[2, 0], &out[3, 0])
        return 0

    cdef int _settle_bonds(self, double* extra) noexcept nogil:
        """Currents beyond the slopes at 0 V, by the reduced network; its matrix stays factored."""
        cdef int j, k = self.bonds.n, info
        cdef double* drive = extra + k
        for j in range(k):
            drive[j] = self.voltage * self.bonds.rest[j]
            self.drop[j] = drive[j]
        info = settle(self.bonds.laws, k, &self.bonds.coupling[0], &self.bonds.g[0], &self.bonds.law[0], drive,
                      &self.drop[0], &self.tangent[0], &self.matrix[0], &self.pivot[0])
        if info:
            return info
        for j in range(k):
            extra[j] = self.bonds.extra(j, self.drop[j])
            self.tangent[j] = max(self.tangent[j], LEAST_SLOPE)
        return tangent_factor(k, &self.bonds.coupling[0], &self.bonds.g[0], &self.tangent[0], &self.matrix[0],
                              &self.pivot[0])

    cdef int _settle(self, NetworkSolver solver, double* phi, double* residual, double* source,
                     double* extra) noexcept nogil:
        """Correct the potential until it settles, with the slopes that the bonds have at the voltage."""
        cdef int i, j, k = self.bonds.n, m = solver.network.m, _step
        cdef double change = 0.0, scale = fabs(self.voltage)
        for _step in range(MOST_STEPS):
            solver.sources_of(phi, self.voltage, residual)
            solver.network.flow(phi, self.voltage, source)
            self.bonds.flow(phi, self.voltage, source)
            for i in range(m):
                source[i] -= residual[i]
            solver.times_c(source, residual)
            if k > 0:
                for j in range(k):
                    extra[j] = drop_over(residual, self.bonds.a[j], self.bonds.b[j], 0.0)
                solve_small(k, 1, &self.matrix[0], &self.pivot[0], extra)
                for j in range(k):
                    extra[j] *= self.bonds.g[j] * (self.tangent[j] - 1.0)
                self.bonds.spread(extra, -1.0, source)
                solver.times_c(source, residual)
            change = 0.0
            for i in range(m):
                phi[i] += residual[i]
                change = max(change, fabs(residual[i]))
            if change <= CONVERGED * scale:
                break
        self.solver_error = change
        return 0 if change <= TOLERATED * scale else UNSETTLED
