"""The bonds between the conducting defects of a box (compiled).

A defect conducts, as a node of the network, within sqrt(2) spacings of another one or at an electrode; elsewhere
it is isolated. Nodes within sqrt(2) spacings share a bond; a longer one tunnels, and only if no third node is
nearer to both ends than they are to each other (relative neighbourhood [1]_), since the current then takes the
two shorter hops. A contact bond longer than one spacing is hidden alike by a node nearer to the electrode, if that is
no farther from its node than the shadow reaches.

.. [1] G. T. Toussaint, Pattern Recognition 12, 261 (1980), doi:10.1016/0031-3203(80)90066-7.
"""

cimport cython

import numpy as np

cdef int FAR = 255
cdef int MOST_NEAR = 320
cdef int MOST_HIDDEN = 130  # a node has 256 sites within 4 spacings, each pair counts once, and two contacts


@cython.final
cdef class BondNetwork:
    """Which defects conduct, and the bonds between them.

    Parameters
    ----------
    green : LatticeGreen
        Sites of the box, and the Green's function between them.
    pair_conductance : (cut2 + 1,) or (n, cut2 + 1) float64
        Bond conductance by squared distance in units of the spacing, in units of the background bond;
        cut2 2 to 16. Of n kinds of bonds, if there are several.
    contact : (2, nz) or (4, nz) float64
        Conductance of a node in each layer to the bottom and the top electrode, same unit. Of two kinds of defects,
        one after the other; each kind of bonds then has three classes: of both first, of a mixed pair, of both second.
    pair_law, contact_law : arrays of int as the two before, optional
        Law of each bond: 0 ohmic (the default), else the number of a law counted from 1.
    pair_kind : (nz, nz) int, optional
        Kind of the bonds between the planes of their ends, from 0.
    shadow2 : int, optional
        Largest squared distance (spacings) of a node that hides the contact of another; by default all do.

    Notes
    -----
    L is the Laplacian of the bonds, b the currents that contacts bring at a top electrode of 1 V.

    ========================  =========================================================
    symbol                    attribute
    ========================  =========================================================
    m nodes                   ``m``, sites ``node``; node of a site ``node_at``
    -L_ij                     ``link_g``, partner ``link``, number ``degree``
    contacts of a node        ``contact_g`` (bottom, top); b is the second
    hidden bonds              ``hidden_*``, listed from ``hidden_head`` of each node
    ========================  =========================================================
    """

    def __init__(self, LatticeGreen green, pair_conductance, contact, pair_law=None, contact_law=None,
                 pair_kind=None, int shadow2=FAR):
        self.green, self.shadow2 = green, shadow2
        self.pair_conductance = np.array(pair_conductance, np.float64, order="C", ndmin=2)
        self.cut2 = self.pair_conductance.shape[1] - 1
        if not 2 <= self.cut2 <= 16:
            raise ValueError(f"the longest bond must be sqrt(2) to 4 spacings, got {self.cut2 ** 0.5:.2f} spacings")
        self.contact = np.ascontiguousarray(contact, dtype=np.float64)
        self.pair_law = np.zeros_like(self.pair_conductance, np.intc) if pair_law is None else np.array(
            pair_law, np.intc, ndmin=2)
        self.pair_kind = np.zeros((green.nz, green.nz), np.intc) if pair_kind is None else np.array(pair_kind, np.intc)
        self.contact_law = np.zeros_like(self.contact, np.intc) if contact_law is None else np.array(
            contact_law, np.intc
        )
        self.n_classes = 3 if self.contact.shape[0] == 4 else 1
        self.defect_kind = np.zeros(green.n_hosts, np.int8)
        self.modulation = self.metallic = np.ones(green.n_hosts)
        self.vacant = np.zeros(green.n_hosts, np.int8)
        self.n_close = np.zeros(green.n_hosts, np.int16)
        self.node_at = np.full(green.n_hosts, -1, np.intc)
        self._grow(64)

    cdef int arrange(self, const int[::1] vacancies) except -1:
        """Classify the vacancies at these host sites (ascending), and connect the nodes."""
        cdef int n = vacancies.shape[0]
        self._grow(n)
        with nogil:
            self._classify(vacancies, n)
            self._connect()
        return 0

    cdef int _grow(self, int capacity) except -1:
        """Make room for this many vacancies."""
        if capacity <= self.capacity:
            return 0
        capacity = max(capacity, 2 * self.capacity)
        self.capacity = capacity
        self.node, self.isolated, self.n_near, self.degree = np.zeros((4, capacity), np.intc)
        self.node_x, self.node_y, self.node_z = np.zeros((3, capacity), np.intc)
        self.hidden_head, self.partner = np.zeros((2, capacity), np.intc)
        self.distance2 = np.zeros((capacity, capacity), np.uint8)
        width = min(capacity, MOST_NEAR)
        self.near, self.link, self.link_law = np.zeros((3, capacity, width), np.intc)
        self.link_g = np.zeros((capacity, width))
        self.contact_g = np.zeros((2, capacity))
        most = capacity * MOST_HIDDEN
        self.hidden_a, self.hidden_b, self.hidden_law = np.zeros((3, most), np.intc)
        self.hidden_g = np.zeros(most)
        self.hidden_next = np.zeros(2 * most, np.intc)
        return 0

    cdef void green_row(self, LatticeGreen of, int site, int count, double* out) noexcept nogil:
        """A Green's function of this box between a host site and the first ``count`` nodes."""
        cdef int i
        cdef long line = of.table.shape[2]
        cdef int* x = &of.fold_x[of.px + of.sx[site]]
        cdef int* y = &of.fold_y[of.py + of.sy[site]]
        cdef double* base = &of.table[0, 0, 0]
        cdef long* part = &of.part[of.sz[site], 0]
        # Images take the general way; without them the loop below reads one layer's part.
        if of.images:
            for i in range(count):
                out[i] = of.value(site, self.node[i])
            return
        for i in range(count):
            out[i] = base[part[self.node_z[i]] + x[-self.node_x[i]] * line + y[-self.node_y[i]]]

    # ---------------------------------------------------------------- bonds

    cdef void _classify(self, const int[::1] vacancies, int n) noexcept nogil:
        cdef int i, k, other, site
        # Count the vacancies within sqrt(2) spacings of every site, empty sites included: who may come there
        # will be charged or not by that number.
        for i in range(self.green.n_hosts):
            self.vacant[i] = 0
            self.n_close[i] = 0
            self.node_at[i] = -1
        for i in range(n):
            site = vacancies[i]
            self.vacant[site] = 1
            for k in range(18):
                other = self.green.shifted(site, k)
                if other >= 0:
                    self.n_close[other] += 1
        # Nodes and isolated ones, both in ascending order, on which every sum below depends.
        self.m = 0
        self.n_isolated = 0
        for i in range(n):
            site = vacancies[i]
            if self.n_close[site] > 0 or self.green.in_contact(site):
                self.node[self.m] = site
                self.node_x[self.m] = self.green.sx[site]
                self.node_y[self.m] = self.green.sy[site]
                self.node_z[self.m] = self.green.sz[site]
                self.node_at[site] = self.m
                self.m += 1
            else:
                self.isolated[self.n_isolated] = site
                self.n_isolated += 1

    cdef void _connect(self) noexcept nogil:
        """Find bonds, and the hidden ones that would show without one vacancy."""
        cdef int i, j, d2, m = self.m
        for i in range(m):
            self.n_near[i] = 0
            self.degree[i] = 0
            self.hidden_head[i] = -1
            self.partner[i] = self._sole_partner(i)
        # Distances of all pairs once; FAR stands for what no bond reaches.
        self.n_hidden = 0
        for i in range(m):
            self.distance2[i, i] = FAR
            for j in range(i):
                d2 = self.green.squared_distance(self.node[i], self.node[j])
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
            # Bonds after all distances: whether one is hidden depends on third nodes.
            self._connect_pairs(i)
            self._connect_contacts(i)

    cdef void _connect_pairs(self, int i) noexcept nogil:
        cdef int j, k, d2, kind
        cdef int[2] shows
        cdef double value
        cdef double* factor
        cdef double* gap = &self.modulation[0]
        cdef double* metallic = &self.metallic[0]
        for k in range(self.n_near[i]):
            j = self.near[i, k]
            if j > i:
                continue
            d2 = self.distance2[i, j]
            kind = self.n_classes * self.pair_kind[self.node_z[i], self.node_z[j]]
            kind += self.defect_kind[self.node[i]] + self.defect_kind[self.node[j]]
            # A charge nearby acts on both ends of a bond, each with a factor of its own.
            factor = metallic if d2 <= 2 else gap
            value = self.pair_conductance[kind, d2] * factor[self.node[i]] * factor[self.node[j]]
            if value <= 0.0:
                continue
            # Neighbours within sqrt(2) spacings are always bonded; only tunnelling can be hidden.
            if d2 > 2 and self._between(i, j, d2, shows):
                self._hide(i, j, value, self.pair_law[kind, d2], shows)
            else:
                self._bond(i, j, value, self.pair_law[kind, d2])

    cdef void _connect_contacts(self, int i) noexcept nogil:
        cdef int side, row, depth, z = self.green.sz[self.node[i]]
        cdef double value, factor
        cdef int[2] shows
        for side in range(2):
            depth = z + 1 if side == 0 else self.green.nz - z
            self.contact_g[side, i] = 0.0
            factor = self.metallic[self.node[i]] if depth == 1 else self.modulation[self.node[i]]
            # The electrode has no site: the node's factor stands for both ends.
            row = self.contact_row(i, side)
            value = self.contact[row, z] * factor * factor
            if value <= 0.0:
                continue
            if depth > 1 and self._before_contact(i, depth, side, shows):
                self._hide(i, -1 - side, value, self.contact_law[row, z], shows)
            else:
                self.contact_g[side, i] = value

    cdef int _sole_partner(self, int i) noexcept nogil:
        """The one node without which node ``i`` would be isolated, or -1."""
        cdef int k, other, site = self.node[i]
        if self.n_close[site] != 1 or self.green.in_contact(site):
            return -1
        for k in range(18):
            other = self.green.shifted(site, k)
            if other >= 0 and self.vacant[other]:
                return self.node_at[other]
        return -1

    cdef bint _shown_by(self, int other, bint first, int* shows) noexcept nogil:
        """Keep in ``shows`` the nodes that take ``other`` away when they leave; whether any is left.

        A node takes itself away and those whose sole partner it is, so the first node in the way leaves
        two possibilities and each further one can only strike them out.
        """
        cdef int l
        if first:
            shows[0], shows[1] = other, self.partner[other]
            return True
        for l in range(2):
            if shows[l] >= 0 and shows[l] != other and shows[l] != self.partner[other]:
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
            level = self.node_z[other] + 1 if side == 0 else self.green.nz - self.node_z[other]
            if self.distance2[i, other] > self.shadow2:
                continue
            if level < depth and self.distance2[i, other] < depth * depth:
                if not self._shown_by(other, not hidden, shows):
                    return True
                hidden = True
        return hidden

    cdef void _hide(self, int a, int b, double value, int law, int* shows) noexcept nogil:
        """Note a hidden bond under each node whose departure shows it."""
        cdef int h = self.n_hidden, l
        # A bond that no single departure shows can be forgotten: one atom moves at a time.
        if shows[0] < 0 and shows[1] < 0:
            return
        self.hidden_a[h], self.hidden_b[h], self.hidden_g[h], self.hidden_law[h] = a, b, value, law
        for l in range(2):
            if shows[l] >= 0:
                self.hidden_next[2 * h + l] = self.hidden_head[shows[l]]
                self.hidden_head[shows[l]] = 2 * h + l
        self.n_hidden += 1

    cdef void _bond(self, int i, int j, double value, int law) noexcept nogil:
        self.link[i, self.degree[i]] = j
        self.link_g[i, self.degree[i]] = value
        self.link_law[i, self.degree[i]] = law
        self.degree[i] += 1
        self.link[j, self.degree[j]] = i
        self.link_g[j, self.degree[j]] = value
        self.link_law[j, self.degree[j]] = law
        self.degree[j] += 1

    # ---------------------------------------------------------------- currents

    cdef void flow(self, const double* value, double top, double* out) noexcept nogil:
        """Current that bonds and contacts bring into each node, by differences (no cancellation)."""
        cdef int i, k
        cdef double total
        for i in range(self.m):
            total = self.contact_g[1, i] * (top - value[i]) - self.contact_g[0, i] * value[i]
            for k in range(self.degree[i]):
                total += self.link_g[i, k] * (value[self.link[i, k]] - value[i])
            out[i] = total

    cdef bint hides_laws(self) noexcept nogil:
        """Whether a hidden bond obeys a law."""
        cdef int h
        for h in range(self.n_hidden):
            if self.hidden_law[h] > 0:
                return True
        return False

    # ---------------------------------------------------------------- numbers from outside

    def set_modulation(self, factor, metallic=None):
        """Set the factor, per host site, on the conductance of each end of a bond (1: none).

        ``metallic`` acts in its place on bonds up to sqrt(2) spacings and on contacts of the first layer.
        """
        self.modulation = self._factors(factor)
        self.metallic = self.modulation if metallic is None else self._factors(metallic)

    def set_kinds(self, const signed char[::1] kinds):
        """Set the kind, 0 or 1, of the defect on each host site; it matters where there is one."""
        cdef int i
        if kinds.shape[0] != self.green.n_hosts:
            raise ValueError(f"kinds must be one for each of {self.green.n_hosts} host sites, got {kinds.shape[0]}")
        for i in range(self.green.n_hosts):
            if not 0 <= kinds[i] < (2 if self.n_classes == 3 else 1):
                raise ValueError(f"kind must be one of a network's, got {kinds[i]} at site {i}")
        self.defect_kind[:] = kinds

    def _factors(self, factor):
        """Return a copy of factors per host site, checked."""
        cdef double[::1] copy = np.array(factor, np.float64)
        cdef int i
        if copy.shape[0] != self.green.n_hosts:
            raise ValueError(f"modulation must have one factor for each of {self.green.n_hosts} host sites")
        for i in range(self.green.n_hosts):
            if not 0.0 < copy[i] < 1e6:
                raise ValueError(f"modulation must be above 0 and below 1e6, got {copy[i]} at site {i}")
        return np.asarray(copy)
