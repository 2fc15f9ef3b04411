"""Exact conduction and heat of a set of defects on a uniform background lattice (compiled).

With K the inverse of the lattice Green's function on the conducting defects (nodes), L the Laplacian of
their bonds and b the contacts, (K + L) phi = K phi0 + b holds for the whole lattice [1]_. Everything is
solved at 1 V: a linear network scales.

Wiring: defects within sqrt(2) spacings share a bond; a longer one tunnels, and only if no third node is
nearer to both ends than they are to each other (relative neighbourhood [2]_), since the current then takes
the two shorter hops. A contact bond longer than one spacing is hidden alike by a node nearer to the electrode.

.. [1] B. L. Buzbee et al., SIAM J. Numer. Anal. 8, 722 (1971), doi:10.1137/0708066.
.. [2] G. T. Toussaint, Pattern Recognition 12, 261 (1980), doi:10.1016/0031-3203(80)90066-7.
"""

import numpy as np

from libc.math cimport fabs
from scipy.linalg.cython_blas cimport dsymv
from scipy.linalg.cython_lapack cimport dpotrf, dpotri, dpotrs

cdef int FAR = 255
cdef double CONVERGED = 1e-14  # V at 1 V: the last correction of a potential that has settled
cdef double TOLERATED = 1e-9   # V at 1 V: a larger one is refused
cdef int MOST_STEPS = 20
cdef int UNSETTLED = -99
cdef int MOST_NEAR = 320
cdef int MOST_HIDDEN = 130  # a node has 256 sites within 4 spacings, each pair counts once, and two contacts


cdef class Fields:
    """Conduction and heat of a set of defects at 1 V.

    Parameters
    ----------
    shape : (nx, ny, nz)
        Host sites; two electrodes lie one spacing beyond the first and the last layer.
    green : GreenTable
        Inverse of the lattice Laplacian and potential of the empty background.
    pair_conductance : (cut2 + 1,) float64
        Bond conductance by squared distance in units of the spacing, in units of the background bond;
        cut2 at most 25.
    contact : (2, nz) float64
        Conductance of a node in each layer to the bottom and the top electrode, same unit.
    background : float
        Conductance of one background bond, S.
    charge : float
        Charge number of an isolated vacancy.
    coulomb : float
        e / (eps a), V: potential scale of one elementary charge on the lattice.
    charge_transition : float
        Energy of a vacancy in its isolated, charged state, eV.
    heat : float
        1 / (kappa a), K/W: temperature scale of one watt on the lattice.
    wiedemann_franz : float
        L0 T_ref x background / (kappa a): heat conductance of a bond over its electrical one, both in
        units of their background bonds.

    Notes
    -----
    The heat of the background's own current is left out: it is below 1e-6 of the total once a node conducts.
    """

    def __init__(self, shape, green, pair_conductance, contact, double background, double charge, double coulomb,
                 double charge_transition, double heat, double wiedemann_franz):
        self.nx, self.ny, self.nz = shape
        self.n_hosts = self.nx * self.ny * self.nz
        self.table = np.ascontiguousarray(green.table, dtype=np.float64)
        self.images = 1 if green.images else 0
        self.px, self.py = self.table.shape[0], self.table.shape[1]
        self.unit = np.ascontiguousarray(green.background(0.0, 1.0), dtype=np.float64)
        self.pair_conductance = np.ascontiguousarray(pair_conductance, dtype=np.float64)
        self.cut2 = self.pair_conductance.shape[0] - 1
        if not 2 <= self.cut2 <= 16:
            raise ValueError(f"the longest bond must be sqrt(2) to 4 spacings, got {self.cut2 ** 0.5:.2f} spacings")
        self.contact = np.ascontiguousarray(contact, dtype=np.float64)
        self.background, self.charge, self.coulomb = background, charge, coulomb
        self.charge_transition, self.heat, self.wiedemann_franz = charge_transition, heat, wiedemann_franz
        x, y, z = np.unravel_index(np.arange(self.n_hosts), shape)
        self.sx, self.sy, self.sz = x.astype(np.intc), y.astype(np.intc), z.astype(np.intc)
        self.ease = np.ones(self.n_hosts)
        self.vacant = np.zeros(self.n_hosts, np.int8)
        self.company = np.zeros(self.n_hosts, np.int16)
        self.node_at = np.full(self.n_hosts, -1, np.intc)
        steps = [(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1) if 0 < i * i + j * j + k * k <= 2]
        self.close_offset = np.array(steps, np.intc)
        self.capacity = 0
        self.grow(64)

    cdef int grow(self, int capacity) except -1:
        """Make room for this many vacancies."""
        if capacity <= self.capacity:
            return 0
        capacity = max(capacity, 2 * self.capacity)
        self.capacity = capacity
        self.node, self.isolated, self.n_near, self.degree = np.zeros((4, capacity), np.intc)
        self.node_x, self.node_y, self.node_z = np.zeros((3, capacity), np.intc)
        self.hidden_head, self.companion = np.zeros((2, capacity), np.intc)
        self.k_matrix = np.zeros((capacity, capacity))
        self.c_matrix = np.zeros((capacity, capacity))
        self.h_matrix = np.zeros((capacity, capacity))
        self.distance2 = np.zeros((capacity, capacity), np.uint8)
        width = min(capacity, MOST_NEAR)
        self.near, self.link = np.zeros((2, capacity, width), np.intc)
        self.link_g = np.zeros((capacity, width))
        self.contact_g = np.zeros((2, capacity))
        most = capacity * MOST_HIDDEN
        self.hidden_a, self.hidden_b = np.zeros((2, most), np.intc)
        self.hidden_g = np.zeros(most)
        self.hidden_next = np.zeros(2 * most, np.intc)
        rows = np.zeros((8, capacity))
        self.phi, self.y_phi, self.theta, self.y_theta = rows[0], rows[1], rows[2], rows[3]
        self.diagonal, self.source, self.residual, self.node_power = rows[4], rows[5], rows[6], rows[7]
        return 0

    # ---------------------------------------------------------------- lattice

    cdef double g(self, int a, int b) noexcept nogil:
        """Green's function between two host sites."""
        cdef int dx = self.sx[a] - self.sx[b], dy = self.sy[a] - self.sy[b], za = self.sz[a], zb = self.sz[b]
        cdef int mx, my
        cdef double value
        if dx < 0:
            dx += self.px
        if dy < 0:
            dy += self.py
        value = self.table[dx, dy, za, zb]
        if self.images:
            mx = (self.sx[a] + self.sx[b] + 1) % self.px
            my = (self.sy[a] + self.sy[b] + 1) % self.py
            value += self.table[mx, dy, za, zb] + self.table[dx, my, za, zb] + self.table[mx, my, za, zb]
        return value

    cdef void row(self, int site, int count, double* out) noexcept nogil:
        """Green's function between a host site and the first ``count`` nodes."""
        cdef int i, dx, dy, x = self.sx[site], y = self.sy[site]
        cdef long plane = self.nz * self.nz, line = self.py * plane
        cdef double* base = &self.table[0, 0, self.sz[site], 0]
        if self.images:
            for i in range(count):
                out[i] = self.g(site, self.node[i])
            return
        for i in range(count):
            dx = x - self.node_x[i]
            dy = y - self.node_y[i]
            dx += self.px if dx < 0 else 0
            dy += self.py if dy < 0 else 0
            out[i] = base[dx * line + dy * plane + self.node_z[i]]

    cdef int squared_distance(self, int a, int b) noexcept nogil:
        """Squared distance of two host sites in spacings, by the nearest image."""
        cdef int dx = self.sx[a] - self.sx[b], dy = self.sy[a] - self.sy[b], dz = self.sz[a] - self.sz[b]
        if not self.images:
            if 2 * dx > self.nx:
                dx -= self.nx
            elif 2 * dx < -self.nx:
                dx += self.nx
            if 2 * dy > self.ny:
                dy -= self.ny
            elif 2 * dy < -self.ny:
                dy += self.ny
        return dx * dx + dy * dy + dz * dz

    cdef int shifted(self, int site, int k) noexcept nogil:
        """Host site at close offset ``k`` of ``site``; -1 beyond an electrode or a reflecting side."""
        cdef int x = self.sx[site] + self.close_offset[k, 0]
        cdef int y = self.sy[site] + self.close_offset[k, 1]
        cdef int z = self.sz[site] + self.close_offset[k, 2]
        if z < 0 or z >= self.nz:
            return -1
        if x < 0 or x >= self.nx:
            if self.images:
                return -1
            x = x + self.nx if x < 0 else x - self.nx
        if y < 0 or y >= self.ny:
            if self.images:
                return -1
            y = y + self.ny if y < 0 else y - self.ny
        return (x * self.ny + y) * self.nz + z

    cdef bint in_contact(self, int site) noexcept nogil:
        """Whether a vacancy here touches an electrode, and so conducts whatever its company."""
        return self.sz[site] == 0 or self.sz[site] == self.nz - 1

    cdef bint is_close(self, int a, int b) noexcept nogil:
        cdef int d2 = self.squared_distance(a, b)
        return d2 == 1 or d2 == 2

    # ---------------------------------------------------------------- wiring

    def solve(self, const int[::1] vacancies):
        """Solve conduction and heat at 1 V for vacancies at these host sites (ascending).

        Raises
        ------
        ArithmeticError
            The matrix is not positive definite in double precision, or the potential does not settle.
        """
        cdef int n = vacancies.shape[0], info
        self.grow(n)
        with nogil:
            self._classify(vacancies, n)
            self._wire()
            info = self._solve()
        if info:
            found = f"does not settle below {TOLERATED} V" if info == UNSETTLED else "is not positive definite"
            raise ArithmeticError(
                f"the field matrix of {self.m} conducting defects {found}: the contrast between bonds and "
                "background is too large for double precision, allowed up to about 1e12"
            )

    cdef void _classify(self, const int[::1] vacancies, int n) noexcept nogil:
        cdef int i, k, other, site
        for i in range(self.n_hosts):
            self.vacant[i] = 0
            self.company[i] = 0
            self.node_at[i] = -1
        for i in range(n):
            site = vacancies[i]
            self.vacant[site] = 1
            for k in range(18):
                other = self.shifted(site, k)
                if other >= 0:
                    self.company[other] += 1
        self.m = 0
        self.n_isolated = 0
        for i in range(n):
            site = vacancies[i]
            if self.company[site] > 0 or self.in_contact(site):
                self.node[self.m] = site
                self.node_x[self.m] = self.sx[site]
                self.node_y[self.m] = self.sy[site]
                self.node_z[self.m] = self.sz[site]
                self.node_at[site] = self.m
                self.m += 1
            else:
                self.isolated[self.n_isolated] = site
                self.n_isolated += 1

    cdef void _wire(self) noexcept nogil:
        """Find bonds, and the hidden ones that would show without one vacancy."""
        cdef int i, j, k, d2, m = self.m
        for i in range(m):
            self.n_near[i] = 0
            self.degree[i] = 0
            self.hidden_head[i] = -1
            self.companion[i] = self._sole_companion(i)
        self.n_hidden = 0
        for i in range(m):
            self.distance2[i, i] = FAR
            for j in range(i):
                d2 = self.squared_distance(self.node[i], self.node[j])
                if d2 > self.cut2:
                    d2 = FAR
                else:
                    self.near[i, self.n_near[i]] = j
                    self.n_near[i] += 1
                    self.near[j, self.n_near[j]] = i
                    self.n_near[j] += 1
                self.distance2[i, j] = d2
                self.distance2[j, i] = d2
        for i in range(m):
            self._wire_pairs(i)
            self._wire_contacts(i)

    cdef void _wire_pairs(self, int i) noexcept nogil:
        cdef int j, k, d2
        cdef int[2] shows
        cdef double value
        for k in range(self.n_near[i]):
            j = self.near[i, k]
            if j > i:
                continue
            d2 = self.distance2[i, j]
            value = self.pair_conductance[d2] * self.ease[self.node[i]] * self.ease[self.node[j]]
            if value <= 0.0:
                continue
            if d2 > 2 and self._between(i, j, d2, shows):
                self._hide(i, j, value, shows)
            else:
                self._bond(i, j, value)

    cdef void _wire_contacts(self, int i) noexcept nogil:
        cdef int side, depth, z = self.sz[self.node[i]]
        cdef double value
        cdef int[2] shows
        for side in range(2):
            depth = z + 1 if side == 0 else self.nz - z
            self.contact_g[side, i] = 0.0
            value = self.contact[side, z] * self.ease[self.node[i]] * self.ease[self.node[i]]
            if value <= 0.0:
                continue
            if depth > 1 and self._before_contact(i, depth, side, shows):
                self._hide(i, -1 - side, value, shows)
            else:
                self.contact_g[side, i] = value

    cdef int _sole_companion(self, int i) noexcept nogil:
        """The one node without which node ``i`` would be isolated, or -1."""
        cdef int k, other, site = self.node[i]
        if self.company[site] != 1 or self.in_contact(site):
            return -1
        for k in range(18):
            other = self.shifted(site, k)
            if other >= 0 and self.vacant[other]:
                return self.node_at[other]
        return -1

    cdef bint _shown_by(self, int other, bint first, int* shows) noexcept nogil:
        """Keep in ``shows`` the nodes that take ``other`` away when they leave; whether any is left.

        A node takes itself away and those that it alone keeps company, so the first node in the way leaves
        two possibilities and each further one can only strike them out.
        """
        cdef int l
        if first:
            shows[0], shows[1] = other, self.companion[other]
            return True
        for l in range(2):
            if shows[l] >= 0 and shows[l] != other and shows[l] != self.companion[other]:
                shows[l] = -1
        return shows[0] >= 0 or shows[1] >= 0

    cdef bint _between(self, int i, int j, int d2, int* shows) noexcept nogil:
        """Whether nodes are nearer to both ends than ``d2``; ``shows``: nodes that leave with all of them."""
        cdef int k, other
        cdef bint hidden = False
        for k in range(self.n_near[i]):
            other = self.near[i, k]
            if self.distance2[i, other] < d2 and self.distance2[j, other] < d2:
                if not self._shown_by(other, not hidden, shows):
                    return True
                hidden = True
        return hidden

    cdef bint _before_contact(self, int i, int depth, int side, int* shows) noexcept nogil:
        """The same for nodes nearer to the electrode than ``i`` and nearer to ``i`` than the electrode is."""
        cdef int k, other, level
        cdef bint hidden = False
        for k in range(self.n_near[i]):
            other = self.near[i, k]
            level = self.sz[self.node[other]] + 1 if side == 0 else self.nz - self.sz[self.node[other]]
            if level < depth and self.distance2[i, other] < depth * depth:
                if not self._shown_by(other, not hidden, shows):
                    return True
                hidden = True
        return hidden

    cdef void _hide(self, int a, int b, double value, int* shows) noexcept nogil:
        """Note a hidden bond under each node whose departure shows it."""
        cdef int h = self.n_hidden, l
        if shows[0] < 0 and shows[1] < 0:
            return
        self.hidden_a[h], self.hidden_b[h], self.hidden_g[h] = a, b, value
        for l in range(2):
            if shows[l] >= 0:
                self.hidden_next[2 * h + l] = self.hidden_head[shows[l]]
                self.hidden_head[shows[l]] = 2 * h + l
        self.n_hidden += 1

    cdef void _bond(self, int i, int j, double value) noexcept nogil:
        self.link[i, self.degree[i]] = j
        self.link_g[i, self.degree[i]] = value
        self.degree[i] += 1
        self.link[j, self.degree[j]] = i
        self.link_g[j, self.degree[j]] = value
        self.degree[j] += 1

    # ---------------------------------------------------------------- solve

    cdef int _solve(self) noexcept nogil:
        """Potential of the nodes by a fresh Cholesky factorisation, refined until it settles; C and heat."""
        cdef int m = self.m, ld = self.capacity, i, j, k, info = 0, one = 1, step, zi
        cdef double change = 0.0, current = 0.0
        cdef char uplo = b"U"  # Fortran's upper triangle is the lower one of our rows
        self.conductance = self.background * self.nx * self.ny * self.unit[0]
        self.heat_max = 0.0
        self.solver_error = 0.0
        if m == 0:
            return 0
        for i in range(m):
            self.row(self.node[i], i + 1, &self.k_matrix[i, 0])
        dpotrf(&uplo, &m, &self.k_matrix[0, 0], &ld, &info)
        if info == 0:
            dpotri(&uplo, &m, &self.k_matrix[0, 0], &ld, &info)
        if info:
            return info
        for i in range(m):
            self.diagonal[i] = self.contact_g[0, i] + self.contact_g[1, i]
            for k in range(self.degree[i]):
                self.diagonal[i] += self.link_g[i, k]
            for j in range(i + 1):
                self.k_matrix[j, i] = self.k_matrix[i, j]
                self.c_matrix[i, j] = self.k_matrix[i, j]
                self.h_matrix[i, j] = self.k_matrix[i, j]
            self.c_matrix[i, i] += self.diagonal[i]
            self.h_matrix[i, i] += self.wiedemann_franz * self.diagonal[i]
            for k in range(self.degree[i]):
                j = self.link[i, k]
                if j < i:
                    self.c_matrix[i, j] -= self.link_g[i, k]
                    self.h_matrix[i, j] -= self.wiedemann_franz * self.link_g[i, k]
        dpotrf(&uplo, &m, &self.c_matrix[0, 0], &ld, &info)
        if info:
            return info
        for i in range(m):
            self.phi[i] = self.unit[self.sz[self.node[i]]]
        for step in range(MOST_STEPS):
            self._drawn(self.phi, self.residual, True)
            self._flow(self.phi, self.source)
            for i in range(m):
                self.residual[i] = self.source[i] - self.residual[i]
            dpotrs(&uplo, &m, &one, &self.c_matrix[0, 0], &ld, &self.residual[0], &ld, &info)
            change = 0.0
            for i in range(m):
                self.phi[i] += self.residual[i]
                change = max(change, fabs(self.residual[i]))
            if step > 0 and change <= CONVERGED:
                break
        self.solver_error = change
        if not change <= TOLERATED:
            return UNSETTLED
        self._drawn(self.phi, self.y_phi, True)
        for i in range(m):
            zi = self.sz[self.node[i]]
            current += self.contact_g[1, i] * (1.0 - self.phi[i]) - self.y_phi[i] * self.unit[zi]
        self.conductance += self.background * current
        dpotri(&uplo, &m, &self.c_matrix[0, 0], &ld, &info)
        if info:
            return info
        for i in range(m):
            for j in range(i):
                self.c_matrix[j, i] = self.c_matrix[i, j]
        return self._solve_heat()

    cdef void _flow(self, double[::1] value, double[::1] out) noexcept nogil:
        """Current that bonds and contacts bring into each node, by differences (no cancellation)."""
        cdef int i, k
        cdef double total
        for i in range(self.m):
            total = self.contact_g[1, i] * (1.0 - value[i]) - self.contact_g[0, i] * value[i]
            for k in range(self.degree[i]):
                total += self.link_g[i, k] * (value[self.link[i, k]] - value[i])
            out[i] = total

    cdef void _drawn(self, double[::1] value, double[::1] drawn, bint biased) noexcept nogil:
        """Sources in the background that hold the nodes at ``value``: y = K (value - background)."""
        cdef int m = self.m, ld = self.capacity, one = 1, i
        cdef double zero = 0.0, unity = 1.0
        cdef char uplo = b"U"
        for i in range(m):
            self.source[i] = value[i] - (self.unit[self.sz[self.node[i]]] if biased else 0.0)
        dsymv(&uplo, &m, &unity, &self.k_matrix[0, 0], &ld, &self.source[0], &one, &zero, &drawn[0], &one)

    cdef int _solve_heat(self) noexcept nogil:
        """Temperature rise at 1 V: bond powers as sources, bonds conducting by Wiedemann and Franz."""
        cdef int m = self.m, ld = self.capacity, i, k, info = 0, one = 1
        cdef double p, drop
        cdef char uplo = b"U"
        for i in range(m):
            p = self.contact_g[0, i] * self.phi[i] * self.phi[i]
            p += self.contact_g[1, i] * (1.0 - self.phi[i]) * (1.0 - self.phi[i])
            for k in range(self.degree[i]):
                drop = self.phi[i] - self.phi[self.link[i, k]]
                p += self.link_g[i, k] * drop * drop
            self.node_power[i] = 0.5 * p * self.background
            self.theta[i] = self.node_power[i] * self.heat
        dpotrf(&uplo, &m, &self.h_matrix[0, 0], &ld, &info)
        if info:
            return info
        dpotrs(&uplo, &m, &one, &self.h_matrix[0, 0], &ld, &self.theta[0], &ld, &info)
        for i in range(m):
            self.heat_max = max(self.heat_max, self.theta[i])
        self._drawn(self.theta, self.y_theta, False)
        return info

    # ---------------------------------------------------------------- read-out

    def set_ease(self, const double[::1] factor):
        """Set the factor, per host site, on the conductance of each end of a bond (1: none)."""
        cdef int i
        if factor.shape[0] != self.n_hosts:
            raise ValueError(f"ease must have one factor for each of {self.n_hosts} host sites")
        for i in range(self.n_hosts):
            if not 0.0 < factor[i] < 1e6:
                raise ValueError(f"ease must be above 0 and below 1e6, got {factor[i]} at site {i}")
            self.ease[i] = factor[i]

    def potential_at(self, const int[::1] sites):
        """Potential (V) at some host sites, at 1 V."""
        cdef int s, i
        phi = np.zeros(sites.shape[0])
        cdef double[::1] view = phi
        for s in range(sites.shape[0]):
            view[s] = self.unit[self.sz[sites[s]]]
            for i in range(self.m):
                view[s] += self.g(sites[s], self.node[i]) * self.y_phi[i]
        return phi

    def maps(self):
        """Potential (V) and temperature rise (K) at every host site, at 1 V."""
        cdef int s, i
        cdef double value, potential, rise
        phi, theta = np.zeros((2, self.n_hosts))
        cdef double[::1] phi_view = phi, theta_view = theta
        with nogil:
            for s in range(self.n_hosts):
                potential = self.unit[self.sz[s]]
                rise = 0.0
                for i in range(self.m):
                    value = self.g(s, self.node[i])
                    potential += value * self.y_phi[i]
                    rise += value * self.y_theta[i]
                phi_view[s] = potential
                theta_view[s] = rise
        return phi, theta

    def nodes(self):
        """Host sites that conduct, their potential (V) and temperature rise (K) at 1 V."""
        m = self.m
        return np.array(self.node[:m]), np.array(self.phi[:m]), np.array(self.theta[:m])

    def bonds(self):
        """Every bond once: nodes' host sites (-1 bottom, -2 top electrode) and conductance (S)."""
        rows = []
        for i in range(self.m):
            for k in range(self.degree[i]):
                if self.link[i, k] < i:
                    rows.append((self.node[i], self.node[self.link[i, k]], self.link_g[i, k] * self.background))
            for side in range(2):
                if self.contact_g[side, i] > 0.0:
                    rows.append((self.node[i], -1 - side, self.contact_g[side, i] * self.background))
        return rows

    def power(self):
        """Joule power in bonds and contacts at 1 V (W)."""
        cdef int i
        cdef double p = 0.0
        for i in range(self.m):
            p += self.node_power[i] + 0.5 * self.background * (
                self.contact_g[0, i] * self.phi[i] ** 2 + self.contact_g[1, i] * (1.0 - self.phi[i]) ** 2)
        return p
