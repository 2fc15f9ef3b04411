"""Exact conduction and heat of a set of defects on a background lattice of layers (compiled).

With K the inverse of the lattice Green's function on the conducting defects (nodes), L the Laplacian of
their bonds (see :class:`BondNetwork`) and b the contacts, (K + L) phi = K phi0 + b holds for the whole lattice [1]_.
Everything is solved at 1 V: a linear network scales.

.. [1] B. L. Buzbee et al., SIAM J. Numer. Anal. 8, 722 (1971), doi:10.1137/0708066.
"""

cimport cython

import numpy as np

from libc.math cimport fabs
from libc.string cimport memset
from scipy.linalg.cython_blas cimport dsymm

from ._background_inverse cimport BackgroundInverse
from ._bond_network cimport BondNetwork
from ._lattice_green cimport LatticeGreen
from ._symmetric cimport add, factor, invert_factored, multiply, solve_factored

CONVERGED, TOLERATED = 1e-14, 1e-9
cdef int MOST_STEPS = 20
cdef int DENSE_GAIN = 8    # terms of a product of matrices in the time of one of a sum of rows

cdef enum:
    TILE = 32           # rows and columns of a matrix that are transposed together


@cython.final
cdef class NodePotentials:
    """Potential and temperature rise of the nodes at one voltage of the top electrode.

    Made by a solver from finished arrays; valid also after further arrangements are solved.

    Notes
    -----
    A host site that is no node has phi = phi0 + G y, theta = G_heat y_theta.

    ========================  ==========================================================
    symbol                    attribute
    ========================  ==========================================================
    V                         ``top`` (V)
    phi (V), y = K(phi-phi0)  ``phi``, ``y_phi``
    theta (K), K_heat theta   ``theta``, ``y_theta``
    Joule power (W)           ``power``; of a bond one half at each end
    ========================  ==========================================================
    """

    @staticmethod
    cdef NodePotentials hold(NetworkSolver solver, double top, double[:, ::1] rows):
        """Hold phi, y_phi, theta, y_theta and power of the nodes of a solver, the rows of a block."""
        cdef NodePotentials held = NodePotentials.__new__(NodePotentials)
        cdef BondNetwork network = solver.network
        cdef int i
        held.green, held.heat_green, held.m, held.top = solver.green, solver.k_heat.green, network.m, top
        held.node = np.empty(network.m, np.intc)
        for i in range(network.m):
            held.node[i] = network.node[i]
        held.phi, held.y_phi, held.theta, held.y_theta, held.power = rows[0], rows[1], rows[2], rows[3], rows[4]
        return held

    def potential_at(self, const int[::1] sites):
        """Potential (V) at some host sites."""
        cdef int s, i
        phi = np.zeros(sites.shape[0])
        cdef double[::1] view = phi
        for s in range(sites.shape[0]):
            view[s] = self.top * self.green.unit[self.green.sz[sites[s]]]
            for i in range(self.m):
                view[s] += self.green.value(sites[s], self.node[i]) * self.y_phi[i]
        return phi

    def maps(self):
        """Potential (V) and temperature rise (K) at every host site."""
        cdef int s, i
        cdef bint alike = self.heat_green is self.green
        cdef double value, potential, rise
        phi, theta = np.zeros((2, self.green.n_hosts))
        cdef double[::1] phi_view = phi, theta_view = theta
        with nogil:
            for s in range(self.green.n_hosts):
                potential = self.top * self.green.unit[self.green.sz[s]]
                rise = 0.0
                for i in range(self.m):
                    value = self.green.value(s, self.node[i])
                    potential += value * self.y_phi[i]
                    if not alike:
                        value = self.heat_green.value(s, self.node[i])
                    rise += value * self.y_theta[i]
                phi_view[s] = potential
                theta_view[s] = rise
        return phi, theta

    def powers(self):
        """Joule power of each node (W): half of that of a bond at either end, half of that of a contact."""
        return np.array(self.power[:self.m])

    def nodes(self):
        """Host sites that conduct, their potential (V) and temperature rise (K)."""
        m = self.m
        return np.array(self.node), np.array(self.phi[:m]), np.array(self.theta[:m])


@cython.final
cdef class LinearSolution:
    """One arrangement, solved at 1 V with the slopes that its bonds have at 0 V.

    Attributes
    ----------
    solver : NetworkSolver
        Holds the matrices of this solution until it solves another arrangement.
    potentials : NodePotentials
        At 1 V.
    conductance : float
        Of the whole box, S.
    heat_max : float
        Largest temperature rise of a node, K.
    solver_error : float
        Last correction of a potential, V.
    """

    @staticmethod
    cdef LinearSolution hold(NetworkSolver solver, NodePotentials potentials, double current, double error):
        """Hold what a solver has found; ``current``: out of the top electrode through nodes, in background bonds."""
        cdef LinearSolution held = LinearSolution.__new__(LinearSolution)
        cdef int i
        held.solver, held.potentials, held.number, held.solver_error = solver, potentials, solver.solutions, error
        # The empty background alone: what is left where nothing conducts.
        held.conductance = solver.background * solver.green.nx * solver.green.ny * solver.green.through
        held.conductance += solver.background * current
        held.heat_max = 0.0
        for i in range(potentials.m):
            held.heat_max = max(held.heat_max, potentials.theta[i])
        return held

    cdef int require_present(self) except -1:
        """Raise RuntimeError where the solver's matrices are those of a later arrangement."""
        if self.number != self.solver.solutions:
            raise RuntimeError("the solver has solved another arrangement since: use its last solution")
        return 0

    @property
    def present(self):
        """Whether the solver's matrices are still those of this solution."""
        return self.number == self.solver.solutions

    def power(self):
        """Joule power in bonds and contacts at 1 V (W)."""
        cdef int i
        cdef double p = 0.0
        cdef BondNetwork network = self.solver.network
        cdef NodePotentials at = self.potentials
        self.require_present()
        for i in range(at.m):
            p += at.power[i] + 0.5 * self.solver.background * (
                network.contact_g[0, i] * at.phi[i] ** 2 + network.contact_g[1, i] * (1.0 - at.phi[i]) ** 2)
        return p

    def contact_powers(self):
        """Halves of the Joule power in contacts that the bottom and the top electrode get at 1 V (W)."""
        cdef int i
        cdef double bottom = 0.0, top = 0.0
        cdef BondNetwork network = self.solver.network
        self.require_present()
        for i in range(self.potentials.m):
            bottom += network.contact_g[0, i] * self.potentials.phi[i] ** 2
            top += network.contact_g[1, i] * (1.0 - self.potentials.phi[i]) ** 2
        return np.array([bottom, top]) * (0.5 * self.solver.background)


@cython.final
cdef class NetworkSolver:
    """Conduction and heat of a set of defects at 1 V.

    Parameters
    ----------
    network : BondNetwork
    background : float
        Conductance of one background bond, S.
    heat : float
        1 / (kappa a), K/W: temperature scale of one watt on the lattice.
    wiedemann_franz : float
        L0 T_ref x background / (kappa a): heat conductance of a bond over its electrical one, both in
        units of their background bonds.
    heat_green : LatticeGreen, optional
        Of the heat; where layers differ in heat as they do in conduction, and by default, that of the network.

    Notes
    -----
    The heat of the background's own current is left out: it is below 1e-6 of the total once a node conducts.
    Matrices are written in place by each `solve`; others read them, through a `LinearSolution` that is present.

    ========================  ==========================================================
    symbol                    attribute
    ========================  ==========================================================
    K = G^-1 between nodes    ``k_matrix`` (lower triangle), by ``k_conduction``
    C = (K + L)^-1            ``c_matrix`` (whole)
    H = K_heat + L_heat       ``h_matrix`` (its Cholesky factor), K_heat by ``k_heat``
    ========================  ==========================================================
    """

    def __init__(self, BondNetwork network, double background, double heat, double wiedemann_franz,
                 LatticeGreen heat_green=None):
        self.network, self.green = network, network.green
        self.background, self.heat, self.wiedemann_franz = background, heat, wiedemann_franz
        self.k_conduction = self.k_heat = BackgroundInverse(network, network.green)
        if heat_green is not None and heat_green is not network.green:
            self.k_heat = BackgroundInverse(network, heat_green)
        self._room(True)

    cdef int _room(self, bint keep) except -1:
        """Follow the capacity of the network."""
        cdef int capacity = self.network.capacity
        if self.c_matrix is None or self.c_matrix.shape[0] != capacity:
            self.c_matrix = np.zeros((capacity, capacity))
            self.h_matrix = np.zeros((capacity, capacity))
            rows = np.zeros((3, capacity))
            self.diagonal, self.source, self.residual = rows[0], rows[1], rows[2]
        self.k_conduction.make_room(keep)
        if self.k_heat is not self.k_conduction:
            self.k_heat.make_room(keep)
        return 0

    # ---------------------------------------------------------------- solve

    def solve(self, const int[::1] vacancies, bint keep=False):
        """Solve conduction and heat at 1 V for vacancies at these host sites (ascending).

        Parameters
        ----------
        vacancies : (n,) int32
        keep : bool
            Change the K of the last solution that was kept, and keep the present one: in large networks last digits
            then depend on these. Without it they do not, and what is kept stays.

        Returns
        -------
        LinearSolution

        Raises
        ------
        ArithmeticError
            The matrix is not positive definite in double precision, or the potential does not settle.
        """
        cdef int info = 0
        cdef double error = 0.0, current = 0.0
        cdef double[:, ::1] rows
        self.network.arrange(vacancies)
        self._room(keep)
        self.solutions += 1
        rows = np.empty((5, max(self.network.m, 1)))
        if self.network.m:
            with nogil:
                info = self._solve(keep, rows, &error, &current)
        if info:
            self.drop_kept()
            problem = f"does not settle below {TOLERATED} V" if info == UNSETTLED else "is not positive definite"
            raise ArithmeticError(
                f"the field matrix of {self.network.m} conducting defects {problem}: the contrast between bonds and "
                "background is too large for double precision, allowed up to about 1e12"
            )
        return LinearSolution.hold(self, NodePotentials.hold(self, 1.0, rows), current, error)

    def drop_kept(self):
        """Compute K from G again at the next solution."""
        self.k_conduction.drop()
        self.k_heat.drop()

    @property
    def kept_m(self):
        """Number of nodes of the K that is kept, 0 where none is."""
        return max(self.k_conduction.kept_m, self.k_heat.kept_m)

    @property
    def kept_times(self):
        """How often the K that is kept was changed."""
        return max(self.k_conduction.kept_times, self.k_heat.kept_times)

    cdef int _invert(self, BackgroundInverse of, bint keep) noexcept nogil:
        """Bring K of conduction or of heat to the present nodes, with the room that H has not filled yet."""
        cdef int info = of.invert(keep, self.h_matrix)
        self.h_matrix = of.room
        return info

    cdef int _solve(self, bint keep, double[:, ::1] out, double* error, double* current) noexcept nogil:
        """Potential by a Cholesky factorisation, refined until it settles; current of the top electrode; C, heat."""
        cdef int m = self.network.m, ld = self.network.capacity, i, info
        cdef double* phi = &out[0, 0]
        cdef double* y_phi = &out[1, 0]
        info = self._invert(self.k_conduction, keep)
        self.k_matrix = self.k_conduction.matrix
        if info == 0 and self.k_heat is not self.k_conduction:
            info = self._invert(self.k_heat, keep)
        if info == 0:
            info = self._factor()
        if info == 0:
            info = self._settle(phi, error)
        if info:
            return info
        # Out of the top electrode: through its contacts, less the part unit[z] of each node's source that the
        # background leads back to it, by reciprocity.
        self.sources_of(phi, 1.0, y_phi)
        for i in range(m):
            current[0] += (self.network.contact_g[1, i] * (1.0 - phi[i])
                           - y_phi[i] * self.green.unit[self.network.node_z[i]])
        # C itself, for the networks without a hopping atom; LAPACK fills one triangle.
        info = invert_factored(m, ld, &self.c_matrix[0, 0])
        self._mirror()
        if info == 0:
            info = self._factor_heat()
        if info:
            return info
        self.powers(phi, 1.0, &out[4, 0])
        for i in range(m):
            out[4, i] *= 0.5 * self.background
        self.warm(&out[4, 0], &out[2, 0], &out[3, 0])
        return 0

    cdef int _factor(self) noexcept nogil:
        """Factor K + L into ``c_matrix``: L holds each node's bonds on the diagonal, minus each bond off it."""
        cdef int i, j, k, m = self.network.m
        for i in range(m):
            self.diagonal[i] = self.network.contact_g[0, i] + self.network.contact_g[1, i]
            for k in range(self.network.degree[i]):
                self.diagonal[i] += self.network.link_g[i, k]
            for j in range(i + 1):
                self.c_matrix[i, j] = self.k_matrix[i, j]
            self.c_matrix[i, i] += self.diagonal[i]
            for k in range(self.network.degree[i]):
                j = self.network.link[i, k]
                if j < i:
                    self.c_matrix[i, j] -= self.network.link_g[i, k]
        # One factorisation serves every correction; K + L is positive definite as the sum of two such.
        return factor(m, self.network.capacity, &self.c_matrix[0, 0])

    cdef int _settle(self, double* phi, double* error) noexcept nogil:
        """Potential at 1 V by corrections with the factors of K + L; the last correction is the error."""
        cdef int i, step, m = self.network.m
        cdef double change = 0.0
        for i in range(m):
            phi[i] = self.green.unit[self.network.node_z[i]]
        # The residual is taken by differences across bonds, which do not cancel, so that a few corrections
        # reach rounding even where L is 1e12 times K.
        for step in range(MOST_STEPS):
            self.sources_of(phi, 1.0, &self.residual[0])
            self.network.flow(phi, 1.0, &self.source[0])
            for i in range(m):
                self.residual[i] = self.source[i] - self.residual[i]
            solve_factored(m, self.network.capacity, &self.c_matrix[0, 0], &self.residual[0])
            change = 0.0
            for i in range(m):
                phi[i] += self.residual[i]
                change = max(change, fabs(self.residual[i]))
            # Two corrections at least: the first is the solution itself.
            if step > 0 and change <= CONVERGED:
                break
        error[0] = change
        return 0 if change <= TOLERATED else UNSETTLED

    cdef void _mirror(self) noexcept nogil:
        """Fill the upper triangle of C, tile by tile: whole columns at once would miss the cache at each entry."""
        cdef int i, j, first = 0, start, last, m = self.network.m
        while first < m:
            last = min(first + TILE, m)
            start = 0
            while start < last:
                for i in range(first, last):
                    for j in range(start, min(start + TILE, i)):
                        self.c_matrix[j, i] = self.c_matrix[i, j]
                start += TILE
            first = last

    # ---------------------------------------------------------------- products

    cdef void sources_of(self, const double* value, double top, double* out) noexcept nogil:
        """Sources in the background that hold the nodes at ``value``: y = K (value - top phi0)."""
        cdef int i, m = self.network.m
        for i in range(m):
            self.source[i] = value[i] - top * self.green.unit[self.network.node_z[i]]
        multiply(m, self.network.capacity, &self.k_matrix[0, 0], &self.source[0], out)

    cdef void times_c(self, const double* value, double* out) noexcept nogil:
        """C times a vector."""
        multiply(self.network.m, self.network.capacity, &self.c_matrix[0, 0], value, out)

    cdef void times(self, double[:, ::1] matrix, double[:, ::1] columns, double[:, ::1] out, int n) noexcept nogil:
        """Symmetric matrix times ``n`` columns."""
        cdef int m = self.network.m, ld = self.network.capacity
        cdef double zero = 0.0, unity = 1.0
        cdef char uplo = b"U", side = b"L"
        # For one column dsymm would copy the whole matrix first.
        if n == 1:
            multiply(m, ld, &matrix[0, 0], &columns[0, 0], &out[0, 0])
            return
        dsymm(&side, &uplo, &m, &n, &unity, &matrix[0, 0], &ld, &columns[0, 0], &ld, &zero, &out[0, 0], &ld)

    cdef void respond(self, double[:, ::1] matrix, double[:, ::1] sources, double[:, ::1] out, int n) noexcept nogil:
        """A matrix as C times ``n`` columns that are zero but at a few nodes: row by row where that is less work."""
        cdef int m = self.network.m, c, i
        cdef long terms = 0
        for c in range(n):
            for i in range(m):
                terms += sources[c, i] != 0.0
        if DENSE_GAIN * terms > <long>n * m:
            self.times(matrix, sources, out, n)
            return
        for c in range(n):
            memset(&out[c, 0], 0, m * sizeof(double))
            for i in range(m):
                if sources[c, i] != 0.0:
                    add(m, sources[c, i], &matrix[i, 0], &out[c, 0])

    # ---------------------------------------------------------------- heat

    cdef void powers(self, const double* phi, double top, double* out) noexcept nogil:
        """Twice the Joule power of each node by slopes at 0 V: half of a bond's at either end, half of a contact's."""
        cdef int i, k
        cdef double u, total
        for i in range(self.network.m):
            u = phi[i] - top
            total = self.network.contact_g[0, i] * phi[i] * phi[i] + self.network.contact_g[1, i] * u * u
            for k in range(self.network.degree[i]):
                u = phi[i] - phi[self.network.link[i, k]]
                total += self.network.link_g[i, k] * u * u
            out[i] = total

    cdef int _factor_heat(self) noexcept nogil:
        """Factor K + L for heat: bonds conduct it by Wiedemann and Franz, in proportion to their slope at 0 V."""
        cdef int i, j, k, m = self.network.m
        for i in range(m):
            for j in range(i + 1):
                self.h_matrix[i, j] = self.k_heat.matrix[i, j]
            self.h_matrix[i, i] += self.wiedemann_franz * self.diagonal[i]
            for k in range(self.network.degree[i]):
                j = self.network.link[i, k]
                if j < i:
                    self.h_matrix[i, j] -= self.wiedemann_franz * self.network.link_g[i, k]
        return factor(m, self.network.capacity, &self.h_matrix[0, 0])

    cdef void warm(self, const double* power, double* theta, double* y_theta) noexcept nogil:
        """Temperature rise (K) of the nodes for the power (W) at each, and its sources."""
        cdef int i, m = self.network.m
        for i in range(m):
            theta[i] = power[i] * self.heat
        # Heat needs no refinement: the contrast between bonds and background is small for heat.
        solve_factored(m, self.network.capacity, &self.h_matrix[0, 0], theta)
        multiply(m, self.network.capacity, &self.k_heat.matrix[0, 0], theta, y_theta)

    # ---------------------------------------------------------------- read-out

    @property
    def inverse(self):
        """C of the last solution between its nodes (V for one background bond times 1 V), shape (m, m); a view."""
        m = self.network.m
        return np.asarray(self.c_matrix)[:m, :m]

    def heat_links(self):
        """Heat conductance of bonds and contacts of the present arrangement, over that of a background bond.

        Returns
        -------
        laplacian : (m, m) float64
            Of the bonds between nodes, contacts on the diagonal.
        contact : (2, m) float64
            From each node to the bottom and to the top electrode.
        """
        cdef int i, k, m = self.network.m
        laplacian, contact = np.zeros((m, m)), np.zeros((2, m))
        cdef double[:, ::1] view = laplacian, side = contact
        cdef double g
        for i in range(m):
            for k in range(2):
                side[k, i] = self.wiedemann_franz * self.network.contact_g[k, i]
            view[i, i] = side[0, i] + side[1, i]
            for k in range(self.network.degree[i]):
                g = self.wiedemann_franz * self.network.link_g[i, k]
                view[i, i] += g
                view[i, self.network.link[i, k]] -= g
        return laplacian, contact

    def bonds(self):
        """Every bond once: nodes' host sites (-1 bottom, -2 top electrode) and conductance (S)."""
        rows = []
        for i in range(self.network.m):
            for k in range(self.network.degree[i]):
                j = self.network.link[i, k]
                if j < i:
                    rows.append((
                        self.network.node[i], self.network.node[j], self.network.link_g[i, k] * self.background))
            for side in range(2):
                if self.network.contact_g[side, i] > 0.0:
                    rows.append((self.network.node[i], -1 - side, self.network.contact_g[side, i] * self.background))
        return rows
