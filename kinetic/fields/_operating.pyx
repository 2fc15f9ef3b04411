"""Networks in which some bonds obey a law of their own, at a voltage (compiled).

Everything stands on the network of the bonds' slopes at 0 V, which is linear and solved as ever. A bond with a
law carries y = i(u) - g u beyond its slope, a source along the bond, so that with C of that network

    phi(V) = phi(1 V) V - C E y,

and Newton's method runs on the voltages u of these few bonds alone (see `BondLaws`). Residuals, by differences
across bonds at their full currents, then correct the potentials as in the linear network.
"""

import numpy as np

from libc.math cimport fabs
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dsymv

from ._bond_laws cimport BondLaws, CurrentLaw, settle, settle_room, tangent_factor
from ._fields cimport CONVERGED, Fields, TOLERATED, UNSETTLED
from ._small_lu cimport solve_small

cdef int MOST_STEPS = 40


cdef class Operating(Fields):
    """Fields whose bonds may obey laws; made with the arguments of :class:`Fields` and ``laws``."""

    def __init__(self, *args, BondLaws laws=None, **numbers):
        Fields.__init__(self, *args, **numbers)
        self.laws = laws
        self.listed = -1
        self.n_bent = 0
        self._room_for_bent(1)

    cdef int grow(self, int capacity) except -1:
        """Make room for this many vacancies."""
        if capacity <= self.capacity:
            return 0
        Fields.grow(self, capacity)
        self.linear_phi = np.zeros(self.capacity)
        return 0

    def _room_for_bent(self, int k):
        self.bent_a, self.bent_b, self.bent_law, self.bent_pivot = np.zeros((4, k), np.intc)
        self.bent_g, self.bent_rest, self.bent_drive, self.bent_drop = np.zeros((4, k))
        self.bent_tangent, self.bent_extra = np.zeros((2, k))
        self.coupling, self.work = np.zeros(k * k), np.zeros(settle_room(k))

    # ---------------------------------------------------------------- which bonds have a law

    def has_laws(self):
        """Whether the current or the work of some event is not in proportion to the voltage, after `solve`."""
        cdef int h
        if self.laws is None:
            return False
        self.prepare_base()
        if self.n_bent:
            return True
        for h in range(self.n_hidden):
            if self.hidden_law[h] > 0:
                return True
        return False

    cdef int prepare_base(self) except -1:
        """List the bonds with a law, and keep the network of their slopes at 0 V, as it is after `solve`."""
        cdef int i
        if self.listed == self.solution:
            return 0
        self._collect(False)
        if self.n_bent > self.bent_a.shape[0]:
            self._room_for_bent(2 * self.n_bent)
        with nogil:
            self._collect(True)
            for i in range(self.m):
                self.linear_phi[i] = self.phi[i]
            self._couple()
        self.listed = self.solution
        return 0

    cdef void _collect(self, bint write) noexcept nogil:
        """Find the bonds with a law, each once, in ascending order of their first node."""
        cdef int i, k, side, n = 0
        for i in range(self.m):
            for k in range(self.degree[i]):
                if self.link_law[i, k] > 0 and self.link[i, k] < i:
                    if write:
                        self.bent_a[n], self.bent_b[n] = i, self.link[i, k]
                        self.bent_g[n], self.bent_law[n] = self.link_g[i, k], self.link_law[i, k] - 1
                    n += 1
            for side in range(2):
                if self.contact_g[side, i] > 0.0 and self.contact_law[side, self.sz[self.node[i]]] > 0:
                    if write:
                        self.bent_a[n], self.bent_b[n] = i, -1 - side
                        self.bent_g[n] = self.contact_g[side, i]
                        self.bent_law[n] = self.contact_law[side, self.sz[self.node[i]]] - 1
                    n += 1
        self.n_bent = n

    cdef void _couple(self) noexcept nogil:
        """Voltages of the bonds at 1 V, and for a unit current along each of them."""
        cdef int j, l, k = self.n_bent
        for j in range(k):
            self.bent_rest[j] = self._drop(self.linear_phi, self.bent_a[j], self.bent_b[j], 1.0)
            for l in range(j + 1):
                self.coupling[j * k + l] = self._pair(self.bent_a[j], self.bent_b[j], self.bent_a[l], self.bent_b[l])
                self.coupling[l * k + j] = self.coupling[j * k + l]

    cdef inline double _drop(self, double[::1] value, int a, int b, double top) noexcept nogil:
        """Difference of ``value`` over a bond; electrodes are at 0 and ``top``."""
        if b >= 0:
            return value[a] - value[b]
        return value[a] - (top if b == -2 else 0.0)

    cdef inline double _pair(self, int a, int b, int fa, int fb) noexcept nogil:
        """Voltage of bond (a, b) for a unit current along bond (fa, fb)."""
        return between_bonds(&self.c_matrix[0, 0], self.capacity, a, b, fa, fb)

    # ---------------------------------------------------------------- currents of such bonds

    cdef inline double _extra(self, double g, int law, double u) noexcept nogil:
        """Current of a bond beyond its slope at 0 V."""
        cdef double slope
        return g * (self.laws.current(law, u, &slope) - u)

    cdef void _flow(self, double[::1] value, double[::1] out) noexcept nogil:
        cdef int j
        cdef double y
        Fields._flow(self, value, out)
        if not self.bent:
            return
        for j in range(self.n_bent):
            y = self._extra(self.bent_g[j], self.bent_law[j],
                            self._drop(value, self.bent_a[j], self.bent_b[j], self.top))
            out[self.bent_a[j]] -= y
            if self.bent_b[j] >= 0:
                out[self.bent_b[j]] += y

    # ---------------------------------------------------------------- the whole network

    cdef int _base_pass(self, double voltage) noexcept nogil:
        """Potential, its sources and the temperature rise at a voltage."""
        cdef int i, info = self._base_extra(voltage)
        if info:
            return info
        # What the reduced network says, then corrections against the currents of all bonds.
        memset(&self.source[0], 0, self.m * sizeof(double))
        self._spread_bent(self.bent_extra, -1.0, self.source)
        self._times_c(self.source, self.phi)
        for i in range(self.m):
            self.phi[i] += self.top * self.linear_phi[i]
        info = self._settle_base()
        if info:
            return info
        self._drawn(self.phi, self.y_phi, True)
        if self.heat_of != self.solution:
            info = self._factor_heat()
            if info:
                return info
        self._powers()
        return self._warm()

    cdef int _base_extra(self, double voltage) noexcept nogil:
        """Currents beyond the slopes at 0 V (``bent_extra``), by the reduced network; its matrix stays factored."""
        cdef int j, k = self.n_bent, info = 0
        if k == 0:
            return 0
        for j in range(k):
            self.bent_drive[j] = voltage * self.bent_rest[j]
            self.bent_drop[j] = self.bent_drive[j]
        info = settle(self.laws, k, &self.coupling[0], &self.bent_g[0], &self.bent_law[0], &self.bent_drive[0],
                      &self.bent_drop[0], &self.bent_tangent[0], &self.work[0], &self.bent_pivot[0])
        if info:
            return info
        for j in range(k):
            self.bent_extra[j] = self._extra(self.bent_g[j], self.bent_law[j], self.bent_drop[j])
        return tangent_factor(k, &self.coupling[0], &self.bent_g[0], &self.bent_tangent[0], &self.work[0],
                              &self.bent_pivot[0])

    cdef int _settle_base(self) noexcept nogil:
        """Correct the potential until it settles, with the slopes that the bonds have at the voltage."""
        cdef int i, j, k = self.n_bent, m = self.m, step
        cdef double change = 0.0, scale = fabs(self.top)
        for step in range(MOST_STEPS):
            self._drawn(self.phi, self.residual, True)
            self._flow(self.phi, self.source)
            for i in range(m):
                self.source[i] -= self.residual[i]
            self._times_c(self.source, self.residual)
            if k > 0:
                for j in range(k):
                    self.bent_extra[j] = self._drop(self.residual, self.bent_a[j], self.bent_b[j], 0.0)
                solve_small(k, 1, &self.work[0], &self.bent_pivot[0], &self.bent_extra[0])
                for j in range(k):
                    self.bent_extra[j] *= self.bent_g[j] * (self.bent_tangent[j] - 1.0)
                self._spread_bent(self.bent_extra, -1.0, self.source)
                self._times_c(self.source, self.residual)
            change = 0.0
            for i in range(m):
                self.phi[i] += self.residual[i]
                change = max(change, fabs(self.residual[i]))
            if change <= CONVERGED * scale:
                break
        self.solver_error = max(self.solver_error, change)
        return 0 if change <= TOLERATED * scale else UNSETTLED

    cdef void _spread_bent(self, double[::1] extra, double sign, double[::1] out) noexcept nogil:
        """Add currents along the bonds with a law, times ``sign``, to the nodes at their ends."""
        cdef int j
        for j in range(self.n_bent):
            out[self.bent_a[j]] += sign * extra[j]
            if self.bent_b[j] >= 0:
                out[self.bent_b[j]] -= sign * extra[j]

    cdef void _times_c(self, double[::1] value, double[::1] out) noexcept nogil:
        cdef int m = self.m, ld = self.capacity, one = 1
        cdef double zero = 0.0, unity = 1.0
        cdef char uplo = b"U"
        dsymv(&uplo, &m, &unity, &self.c_matrix[0, 0], &ld, &value[0], &one, &zero, &out[0], &one)

    cdef void _powers(self) noexcept nogil:
        """Joule power of each node: current times voltage of every bond, halved between its ends."""
        cdef int i, k, j
        cdef double u, total
        for i in range(self.m):
            u = self.phi[i] - self.top
            total = self.contact_g[0, i] * self.phi[i] * self.phi[i] + self.contact_g[1, i] * u * u
            for k in range(self.degree[i]):
                u = self.phi[i] - self.phi[self.link[i, k]]
                total += self.link_g[i, k] * u * u
            self.node_power[i] = total
        for j in range(self.n_bent):
            u = self._drop(self.phi, self.bent_a[j], self.bent_b[j], self.top)
            total = u * self._extra(self.bent_g[j], self.bent_law[j], u)
            self.node_power[self.bent_a[j]] += total
            if self.bent_b[j] >= 0:
                self.node_power[self.bent_b[j]] += total
        for i in range(self.m):
            self.node_power[i] *= 0.5 * self.background

    # ---------------------------------------------------------------- read-out

    def operate(self, double voltage):
        """Solve the network alone at a voltage (V), after `solve`; what is read then holds there, not at 1 V.

        Raises
        ------
        ArithmeticError
            The potential does not settle.
        """
        cdef int info
        self.prepare_base()
        self.bent, self.top = True, voltage
        with nogil:
            info = self._base_pass(voltage) if self.m else 0
        if info:
            raise ArithmeticError(f"the network of {self.m} conducting defects does not settle at {voltage:g} V")

    def law(self):
        """Current (A) of the arrangement as a function of the voltage (V); None where it is ohmic."""
        self.prepare_base()
        if self.n_bent == 0:
            return None
        cdef CurrentLaw law = CurrentLaw.__new__(CurrentLaw)
        cdef int j, k = self.n_bent
        law.laws, law.conductance, law.background = self.laws, self.conductance, self.background
        law._room(k)
        law.law = np.empty(k, np.intc)
        memcpy(&law.coupling[0], &self.coupling[0], k * k * sizeof(double))
        for j in range(k):
            law.g[j], law.rest[j], law.law[j] = self.bent_g[j], self.bent_rest[j], self.bent_law[j]
        return law
