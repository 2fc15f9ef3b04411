"""The network without one of its conducting defects, for every defect that may hop (compiled).

Neither the bonds of the hopping atom nor the neighbours that conduct only beside it are there, and bonds that
it hid appear (see `LocalBonds`); where bonds obey laws their voltages are others too (see `LawsWithout`). C is that of
the slopes at 0 V in a linear network, and of the tangents at each operating point where bonds obey laws.

The errors of C, as probes measure them (see `ErrorEstimate`), bound those of each hopping atom's potentials. Where that
exceeds 3e-8 V at 1 V, and in small networks, the atom's own residual does, built from differences across bonds. Where
that exceeds it too (everywhere when asked, ``refine``) atoms are refined, many at once, until they settle, and solved
by themselves if they do not. At an operating point those that still do not settle, or whose T has lost its digits with
the tangents there, are solved in the same way from the slopes at 0 V.
"""

cimport cython

import numpy as np

from libc.math cimport fabs, INFINITY, sqrt
from libc.string cimport memcpy, memset

from ._error_estimate cimport ErrorEstimate, GROUNDED
from ._event_rates cimport Candidates
from ._laws_without cimport LawsWithout
from ._local_bonds cimport DOUBTFUL, LocalBonds, ROUNDING
from ._network_solver cimport LinearSolution, NetworkSolver, NodePotentials, TOLERATED, UNSETTLED
from ._operating_point cimport drop_over, OperatingPoint
from ._readout cimport Readout
from ._symmetric cimport dot, factor, solve_factored
from ._tangent_network cimport TangentNetwork

cdef double SETTLED = 1e-13    # V at 1 V: an error below this needs no further refinement, where all atoms are refined
cdef double LOOSE = 3e-8, ENOUGH = 1e-11
cdef double NEWTON_STEP = 0.3  # V, furthest that a step of Newton's method goes
cdef int MOST_STEPS = 20, MOST_NEWTON_STEPS = 200

cdef enum:
    BATCH = 64          # hopping atoms that are refined at once
    MANY = 200          # grounded hopping atoms from which on probes cost less than a residual of each


@cython.final
cdef class PotentialsWithout:
    """Potentials at the sites that events read, without each hopping atom, at one voltage.

    Notes
    -----
    ==============================  ==========================================
    symbol                          attribute
    ==============================  ==========================================
    phi (V), all atoms present      ``all``; at sites that are no nodes ``readout``
    phi' - phi at nodes (V)         ``shift``
    y' = K (phi' - top phi0)        ``drawn``
    ==============================  ==========================================
    """

    @staticmethod
    cdef PotentialsWithout hold(LeaveOneOut owner, NodePotentials all):
        """Hold what `LeaveOneOut` found; valid until it goes on."""
        cdef PotentialsWithout held = PotentialsWithout.__new__(PotentialsWithout)
        held.all, held.network, held.green, held.readout = all, owner.network, owner.green, owner.readout
        held.shift, held.drawn = owner.shift, owner.drawn
        return held

    cdef double potential(self, int site, int c) noexcept nogil:
        """Potential (V) at a site without hopping atom ``c`` (-1: nobody leaves); an interstitial reads its corners."""
        cdef int k
        cdef double total = 0.0
        if site < self.green.n_hosts:
            return self._host(site, c)
        for k in range(8):
            total += self._host(self.green.corner(site, k), c)
        return total / 8.0

    cdef inline double _host(self, int host, int c) noexcept nogil:
        cdef int i
        if c < 0 or self.network.m == 0:
            return self.readout.phi[host]
        i = self.network.node_at[host]
        if i >= 0:
            return self.all.phi[i] + self.shift[c, i]
        return self.all.top * self.green.unit[self.green.sz[host]] + dot(
            self.network.m, &self.readout.rows[self.readout.row_of[host], 0], &self.drawn[c, 0])


@cython.final
cdef class LeaveOneOut:
    """The network without each hopping atom of one arrangement, with one bound on the error of every potential.

    Parameters
    ----------
    solver : NetworkSolver
    readout : Readout
        Of the sites that events read.
    refine : bool
        Refine every atom until it settles at 1e-13 V.

    Attributes
    ----------
    error : float
        Bound on the error of any potential without a hopping atom, V at 1 V; the largest since `remove`. Where every
        atom is refined, what the last corrections leave.
    refined : int
        Hopping atoms whose bound was too large, of the last call.
    from_rest : int
        Hopping atoms that were solved from slopes at 0 V, of the last operating point.
    tangents : bool
        Begin with the tangents at each operating point. The slopes at 0 V alone lead to the same energies within their
        bounds, slowly.

    Notes
    -----
    ==============================  ==========================================
    symbol                          attribute
    ==============================  ==========================================
    sources E T^-1 (E' phi - v)     ``star_sum``
    C                               ``tangent.c_matrix``
    phi' - phi                      ``shift``
    y' = K (phi' - top phi0)        ``drawn``
    currents that nodes lack        ``residual``
    ==============================  ==========================================
    """

    def __init__(self, NetworkSolver solver, Readout readout, bint refine=False):
        self.solver, self.network, self.green, self.readout = solver, solver.network, solver.green, readout
        self.local = LocalBonds(solver.network)
        self.tangent = TangentNetwork(solver)
        self.estimate = ErrorEstimate(solver, self.tangent, readout)
        self.laws = LawsWithout(solver, self.local, self.tangent)
        self.refine, self.tangents = refine, True
        self.loose, self.lost, self.proved, self.open = np.zeros((4, 1), np.intc)
        self.batch = np.zeros(BATCH, np.intc)
        self.left, self.size = np.zeros(1), np.zeros(BATCH)
        self.star_sum, self.shift, self.drawn = np.zeros((3, 1, 1))
        self.batch_in, self.batch_out, self.matrix = np.zeros((3, 1, 1))
        self.residual, self.source = np.zeros((2, 1))

    cdef int _room(self) except -1:
        """Follow the capacity of the network, and the number of hopping atoms."""
        cdef int capacity = self.network.capacity
        if self.loose.shape[0] != capacity:
            self.loose, self.lost, self.proved, self.open = np.zeros((4, capacity), np.intc)
            self.left = np.zeros(capacity)
            self.batch_in, self.batch_out = np.zeros((2, BATCH, capacity))
            self.residual, self.source = np.zeros((2, capacity))
            # Few atoms are solved by themselves: until then this is no memory but addresses.
            self.matrix = np.zeros((capacity, capacity))
        if self.shift.shape[0] < self.local.n or self.shift.shape[1] != capacity:
            self.star_sum, self.shift, self.drawn = np.zeros((3, self.local.n + 64, capacity))
        if self.local.n >= MANY:
            self.estimate.make_room()
        return 0

    cdef bint has_removed(self, LinearSolution solution, Candidates candidates):
        """Whether the atoms that these candidates take away were taken out of this solution last."""
        return self.solution is solution and self.candidates is candidates

    cdef int remove(self, LinearSolution solution, Candidates candidates, bint read) except -1:
        """Solve the network at 1 V without each of the atoms that `local` has as hopping, those of the candidates.

        At every wanted point where it is ``read``. Else the changed bonds are listed for `remove_at` alone.

        Raises
        ------
        ArithmeticError
            The contrast is too large for double precision.
        """
        cdef int info = 0
        cdef NodePotentials at = solution.potentials
        solution.require_present()
        self.solution, self.candidates, self.listed = solution, candidates, None
        self.local.list_bonds()
        self.readout.write_rows()
        self._room()
        self.tangent.take_rest()
        with nogil:
            self.local.straighten()
            self.error, self.refined, self.n_lost = 0.0, 0, 0
            if read:
                self.readout.read(at)
                info = self._remove(at)
        if info:
            problem = f"does not settle below {TOLERATED} V" if info == UNSETTLED else "is singular"
            raise ArithmeticError(
                f"a network without one of its vacancies {problem}: the contrast between bonds and background is too "
                "large for double precision, allowed up to about 1e12"
            )
        return 0

    cdef int _remove(self, NodePotentials at) noexcept nogil:
        """Change of the nodes' potential (shift) without each hopping atom, and the drawn currents."""
        cdef int c, info
        if self.local.n == 0 or self.network.m == 0:
            return 0
        # For each atom a small system over its changed bonds gives the currents by which its network differs.
        for c in range(self.local.n):
            info = self.local.factor(c, self.tangent.c_matrix)
            if info:
                return info
            self.local.respond(c, &at.phi[0], 1.0, &self.star_sum[c, 0])
            self.loose[c] = c
        self.solver.respond(self.tangent.c_matrix, self.star_sum, self.shift, self.local.n)
        return self._refine_loose(self._list_unproved(self.local.n, at, None), at, None)

    cdef int remove_at(self, OperatingPoint point) except -1:
        """Solve the network at an operating point (other than 0 V) without each of these atoms, after `remove`.

        Raises
        ------
        ArithmeticError
            A potential does not settle.
        """
        cdef int c, info = 0
        if self.listed is not point.bonds:
            self.laws.prepare(point.bonds)
            self.listed = point.bonds
        self.refined = self.n_lost = 0
        for c in range(self.local.n):
            self.loose[c] = c
        if self.tangents:
            info = self._remove_at(point, self.local.n)
            for c in range(self.n_lost):
                self.loose[c] = self.lost[c]
        else:
            self.n_lost = self.local.n
        self.from_rest = self.n_lost
        if info == 0 and self.n_lost:
            info = self._remove_from_rest(point, self.n_lost)
        if info:
            raise ArithmeticError(f"a network without one of its vacancies does not settle at {point.voltage:g} V")
        return 0

    cdef int _remove_at(self, OperatingPoint point, int n) except? -1:
        """Shift of the nodes' potentials without each of the ``n`` atoms in ``loose``, all, by tangents."""
        cdef int c, info
        self.tangent.take(point, True)
        self.laws.begin(point)
        with nogil:
            self.readout.read(point.potentials)
            if n == 0 or self.network.m == 0:
                return 0
            n = self._settle_loose(n)
            for c in range(self.n_lost):
                self.laws.lose(self.lost[c], &self.star_sum[self.lost[c], 0])
            self.solver.respond(self.tangent.c_matrix, self.star_sum, self.shift, self.local.n)
            self.tangent.follow(self.laws.carried, 0, self.local.n, self.shift)
            n = self._list_unproved(n, point.potentials, self.laws)
            info = self._refine_loose(n, point.potentials, self.laws)
        return info

    cdef int _remove_from_rest(self, OperatingPoint point, int n) except? -1:
        """The same by slopes at 0 V, for some atoms."""
        cdef int c, p, info
        self.tangent.take(point, False)
        self.laws.begin(point)
        with nogil:
            if not self.tangents:
                self.readout.read(point.potentials)
            self.n_lost = 0
            n = self._settle_loose(n)
            for p in range(n):
                c = self.loose[p]
                self.solver.respond(self.tangent.c_matrix, self.star_sum[c:c + 1], self.shift[c:c + 1], 1)
                self.tangent.follow(self.laws.carried, c, 1, self.shift)
            # Where this T has lost its digits, too, potentials begin as they are with the atom there.
            for p in range(self.n_lost):
                c = self.lost[p]
                memset(&self.shift[c, 0], 0, self.network.m * sizeof(double))
                self.loose[n + p] = c
            n += self.n_lost
            info = self._refine_loose(n, point.potentials, self.laws)
        return info

    cdef int _settle_loose(self, int n) noexcept nogil:
        """Settle the bonds with laws without the ``n`` atoms in ``loose``; those that do stay there, their number."""
        cdef int c, p, kept = 0, settled = 0
        for p in range(n):
            c = self.loose[p]
            if self.local.factor(c, self.tangent.c_matrix):
                self._lose(c)
            else:
                self.loose[kept] = c
                kept += 1
        self.laws.settle(&self.loose[0], kept, self.star_sum)
        for p in range(kept):
            c = self.loose[p]
            if self.laws.settled[c]:
                self.loose[settled] = c
                settled += 1
            else:
                self._lose(c)
        return settled

    cdef void _lose(self, int c) noexcept nogil:
        """List an atom as one without a solution yet."""
        self.lost[self.n_lost] = c
        self.n_lost += 1

    # ---------------------------------------------------------------- bounds and refinement

    cdef int _list_unproved(self, int n_listed, NodePotentials at, LawsWithout laws) noexcept nogil:
        """Leave in ``loose`` the hopping atoms that probes do not clear, their number; the others are done with."""
        cdef int c, p, n = 0, n_grounded = 0, n_proved = 0
        cdef double error, scale = fabs(at.top)
        if n_listed >= MANY and not self.refine:
            for p in range(n_listed):
                n_grounded += self._grounded(self.loose[p])
        if n_grounded < MANY:
            return n_listed
        memset(&self.source[0], 0, self.network.m * sizeof(double))
        if laws is not None:
            laws.add_still(&self.source[0])
            laws.weigh(GROUNDED)
        self.estimate.measure(at, &self.source[0])
        for p in range(n_listed):
            c = self.loose[p]
            error = self._probed_bound(c, at, laws)
            if error <= LOOSE * scale:
                self.error = max(self.error, error / scale)
                self.proved[n_proved] = c
                n_proved += 1
            else:
                self.loose[n] = c
                n += 1
        self.tangent.draw(&self.proved[0], n_proved, &at.y_phi[0], self.star_sum, self.laws.carried, self.shift,
                          self.drawn)
        return n

    cdef int _refine_loose(self, int n_listed, NodePotentials at, LawsWithout laws) noexcept nogil:
        """Refine those of the hopping atoms in ``loose`` whose bound is too large."""
        cdef int c, p, first = 0, n = 0, info = 0
        cdef double error, scale = fabs(at.top)
        if n_listed == self.local.n:
            self._draw_all(at)
        else:
            while first < n_listed:
                self._draw(&self.loose[first], min(n_listed - first, <int>BATCH), at)
                first += BATCH
        for p in range(n_listed):
            c = self.loose[p]
            error = INFINITY if self.refine else self._residual_bound(c, at, laws)
            if error <= LOOSE * scale:
                self.error = max(self.error, error / scale)
            else:
                self.loose[n] = c
                n += 1
        self.refined += n
        first = 0
        while first < n and info == 0:
            info = self._refine(&self.loose[first], min(n - first, <int>BATCH), at, laws)
            first += BATCH
        for p in range(n if info == 0 else 0):
            info = info or self._bound_refined(self.loose[p], at, laws)
        return info

    cdef void _draw_all(self, NodePotentials at) noexcept nogil:
        """Currents that hold the nodes at phi' in the background, for all hopping atoms: one product with K."""
        cdef int c, i
        for c in range(self.local.n):
            for i in range(self.network.m):
                self.star_sum[c, i] = self._beyond_background(c, i, at)
        self.solver.times(self.solver.k_matrix, self.star_sum, self.drawn, self.local.n)

    cdef void _draw(self, const int* atoms, int n, NodePotentials at) noexcept nogil:
        """The same for a batch of hopping atoms."""
        cdef int p, i
        for p in range(n):
            for i in range(self.network.m):
                self.batch_in[p, i] = self._beyond_background(atoms[p], i, at)
        self.solver.times(self.solver.k_matrix, self.batch_in, self.batch_out, n)
        for p in range(n):
            memcpy(&self.drawn[atoms[p], 0], &self.batch_out[p, 0], self.network.m * sizeof(double))

    cdef inline double _beyond_background(self, int c, int i, NodePotentials at) noexcept nogil:
        """Potential of a node without hopping atom ``c``, less that of the empty background."""
        return at.phi[i] + self.shift[c, i] - at.top * self.green.unit[self.network.node_z[i]]

    cdef void _flow_without(self, int c, NodePotentials at, LawsWithout laws) noexcept nogil:
        """Current into each node (``residual``) at the potentials ``source`` without hopping atom ``c``."""
        self.local.flow_without(c, &self.source[0], at.top, &self.residual[0])
        if laws is not None:
            laws.flow(c, &self.source[0], &self.residual[0])

    cdef void _meet(self, int n) noexcept nogil:
        """Value of u = C r at each of ``n`` ends of bonds into ``source``."""
        cdef int k, i
        for k in range(n):
            i = self.local.ends[k]
            self.source[i] = dot(self.network.m, &self.tangent.c_matrix[i, 0], &self.residual[0])

    cdef double _residual_bound(self, int c, NodePotentials at, LawsWithout laws) noexcept nogil:
        """Bound on the error of one hopping atom's potentials, V at 1 V.

        The error is A'^-1 r with r the residual, by differences across bonds, and A' >= K: no entry of A'^-1
        exceeds the largest one of the Green's function. Where that is too much the bound by trees or the sharp one may
        be less, and the sizes of the residuals are in ``residual``.
        """
        cdef int i
        cdef double total = 0.0, error
        for i in range(self.network.m):
            self.source[i] = at.phi[i] + self.shift[c, i]
        self._flow_without(c, at, laws)
        for i in range(self.network.m):
            self.residual[i] -= self.drawn[c, i]
            total += fabs(self.residual[i])
        error = self.green.largest * total
        if not error <= LOOSE * fabs(at.top):
            error = min(error, self.local.tree_bound(c, &self.residual[0]))
            for i in range(self.network.m):
                self.residual[i] = fabs(self.residual[i])
        if not error <= LOOSE * fabs(at.top):
            error = min(error, self._sharp_bound(c, laws))
        return error

    cdef bint _grounded(self, int c) noexcept nogil:
        """Whether all bonds that change with an atom end at grounded nodes; their ends are in ``local.ends``."""
        cdef int k, i
        for k in range(self.local.list_ends(c)):
            i = self.local.ends[k]
            if not self.tangent.c_matrix[i, i] < GROUNDED:
                return False
        return True

    cdef double _probed_bound(self, int c, NodePotentials at, LawsWithout laws) noexcept nogil:
        """The same without a residual, for an atom whose sources are all at grounded nodes; else infinite.

        With f = E T^-1 (E' phi - v) the nodes lack at most what the whole network leaves open, what its small system
        leaves open at the ends of bonds, and |D^-1 f| times the lengths of rows of R D. Bonds with laws add sources to
        f, and what they leave open at their own ends.
        """
        cdef int e, k, l, i, a, b, n = self.local.list_ends(c), n_ends = n
        cdef double size = 0.0, total, value, open_voltage = 0.0
        if not self._grounded(c) or self.local.doubtful(c, ROUNDING, self.tangent.c_matrix):
            return INFINITY
        for k in range(n):
            i = self.open[k] = self.local.ends[k]
            size += self.tangent.c_matrix[i, i] * self.star_sum[c, i] ** 2
            self.residual[i] = 0.0
        size = sqrt(size)
        if laws is not None:
            size += laws.source_size(c)
            open_voltage = laws.open_voltage(c, &self.shift[c, 0])
            n_ends = laws.list_bent_ends(c)
            for l in range(laws.start[c], laws.start[c + 1]):
                e = laws.edge[l]
                self._add_size(self.local.edge_a[e], self.local.edge_b[e], laws.open_new[l])
        for e in range(self.local.start[c], self.local.start[c + 1]):
            a, b = self.local.edge_a[e], self.local.edge_b[e]
            value = drop_over(&at.phi[0], a, b, at.top) + drop_over(&self.shift[c, 0], a, b, 0.0)
            value = self.local.slope[e] * (value + self.local.offset[e])
            self._add_size(a, b, fabs(value - self.local.edge_w[e] * sqrt(fabs(self.local.slope[e]))))
        total = self.estimate.lacking_most + size * self.estimate.known_most
        for k in range(n):
            i = self.open[k]
            total += self.tangent.c_matrix[i, i] * self.residual[i]
        for k in range(n_ends):
            i = self.local.ends[k]
            self.source[i] = self.estimate.lacking[i] + size * self.estimate.known[i]
            for l in range(n):
                self.source[i] += self.tangent.c_matrix[i, self.open[l]] * self.residual[self.open[l]]
        return self._bound_at_ends(c, n_ends, total, laws) + size * self.estimate.point_most + 2.0 * open_voltage

    cdef inline void _add_size(self, int a, int b, double size) noexcept nogil:
        """Add to what the nodes at the ends of a bond lack."""
        self.residual[a] += size
        if b >= 0:
            self.residual[b] += size

    cdef double _sharp_bound(self, int c, LawsWithout laws) noexcept nogil:
        """A sharper bound from the same sizes r: all entries of A'^-1 are positive, so that no error exceeds A'^-1 r.

        That is u + C z with u = C r and z = E T^-1 E' u, and what bonds with laws add to z (see :class:`LawsWithout`).
        No entry of a column of C exceeds that on the diagonal, which bounds u by the sum of C_jj r_j; and the rest
        is harmonic but where z is not zero, at ends of changed bonds, so that it is largest there. Twice the sum
        covers the rounding of C and T.
        """
        cdef int i, n
        cdef double total = 0.0
        if self.local.doubtful(c, ROUNDING, self.tangent.c_matrix):
            return INFINITY
        for i in range(self.network.m):
            total += self.tangent.c_matrix[i, i] * self.residual[i]
        n = self.local.list_ends(c) if laws is None else laws.list_ends(c)
        self._meet(n)
        return self._bound_at_ends(c, n, total, laws)

    cdef double _bound_at_ends(self, int c, int n, double total, LawsWithout laws) noexcept nogil:
        """The bound from the sum that bounds u, and from u itself (``source``) at the ``n`` ends in ``local.ends``."""
        cdef int k, l, i
        cdef double largest = 0.0, value, other
        if laws is None:
            self.local.respond(c, &self.source[0], 0.0, &self.source[0])
        elif laws.bound_response(c, &self.source[0]):
            return INFINITY
        for k in range(n):
            i = self.local.ends[k]
            value = other = 0.0
            for l in range(0, n - 1, 2):
                value += self.tangent.c_matrix[i, self.local.ends[l]] * self.source[self.local.ends[l]]
                other += self.tangent.c_matrix[i, self.local.ends[l + 1]] * self.source[self.local.ends[l + 1]]
            if n & 1:
                value += self.tangent.c_matrix[i, self.local.ends[n - 1]] * self.source[self.local.ends[n - 1]]
            largest = max(largest, fabs(value + other))
        return 2.0 * (total + largest)

    cdef int _refine(self, const int* atoms, int n_atoms, NodePotentials at, LawsWithout laws) noexcept nogil:
        """Refine the shifts of hopping atoms until they settle, or solve them by themselves.

        Corrections fall by a constant ratio, which follows from the last two, and what is left from that; where T has
        lost digits a part may fall more slowly, and the last correction counts.
        """
        cdef int c, i, p, step = 0, n, active = n_atoms, info = 0
        cdef double size, before, left, limit, enough = SETTLED if self.refine else ENOUGH
        for p in range(n_atoms):
            self.batch[p] = atoms[p]
            self.size[p] = 0.0
            for i in range(self.network.m):
                self.size[p] = max(self.size[p], fabs(self.shift[atoms[p], i]))
        while active:
            self._correct(active, at, laws)
            step += 1
            n, active = active, 0
            for p in range(n):
                # Each correction is q = size / before of the last: about size q is left.
                c, before = self.batch[p], self.size[p]
                size = self._correction(p)
                left = size
                if size < before and not self.local.doubtful(c, DOUBTFUL, self.tangent.c_matrix):
                    left = size * size / before
                if left > enough and size < 0.1 * before and step < MOST_STEPS:
                    self.batch[active], self.size[active] = c, size
                    active += 1
                    continue
                self.left[c] = left
        for p in range(n_atoms):
            c = atoms[p]
            # Where T has lost digits, a shift within the bound of all others is kept as it is, with its error.
            limit = enough
            if not self.refine and self.local.doubtful(c, DOUBTFUL, self.tangent.c_matrix):
                limit = LOOSE * fabs(at.top)
            if not self.left[c] <= limit:
                info = self._solve_without(c, &self.left[c], at, laws)
                if info:
                    info = self._give_up(c, info, laws)
                if info:
                    return info
        self._draw(atoms, n_atoms, at)
        return 0

    cdef int _bound_refined(self, int c, NodePotentials at, LawsWithout laws) noexcept nogil:
        """Take up the bound on the error of an atom that was refined.

        Where its residual proves too little it is solved by itself, and the factors of its own matrix serve as C.
        """
        cdef int i
        cdef double error = self.left[c], scale = fabs(at.top), own = 0.0
        if not self.refine and error < INFINITY:
            error = self._residual_bound(c, at, laws)
            if not error <= LOOSE * scale:
                if self._solve_without(c, &self.left[c], at, laws):
                    return self._give_up(c, UNSETTLED, laws)
                self._draw(&c, 1, at)
                error = self._residual_bound(c, at, laws)
            if not error <= LOOSE * scale:
                solve_factored(self.network.m, self.network.capacity, &self.matrix[0, 0], &self.residual[0])
                for i in range(self.network.m):
                    own = max(own, 2.0 * self.residual[i])
                error = min(error, own)
        if error < INFINITY:
            self.error = max(self.error, error / scale)
        return 0

    cdef int _give_up(self, int c, int info, LawsWithout laws) noexcept nogil:
        """List an atom that was not solved with the tangents as one without a solution yet; else return ``info``."""
        if laws is None or not self.tangent.steep:
            return info
        self._lose(c)
        self.left[c] = INFINITY
        return 0

    cdef int _solve_without(self, int c, double* left, NodePotentials at, LawsWithout laws) noexcept nogil:
        """Shift of hopping atom ``c`` by a factorisation of its own: Newton's method where bonds obey laws.

        Where the atom holds together what would else float, the stiff C has lost how each part is connected to the
        background: a part in contrast^2 of it.
        """
        cdef int i, info, step, m = self.network.m, ld = self.network.capacity
        cdef double size = 0.0
        self.batch[0] = c
        # Newton's method begins near the solution; where T has lost its digits with the atom there.
        if laws is None or self.local.doubtful(c, DOUBTFUL, self.tangent.c_matrix):
            for i in range(m):
                self.shift[c, i] = 0.0
        # Corrections against the residual by differences, as in the whole network.
        for step in range(MOST_STEPS if laws is None else MOST_NEWTON_STEPS):
            if step == 0 or laws is not None:
                self.local.assemble_without(c, self.solver.k_matrix, self.matrix)
                if laws is not None:
                    for i in range(m):
                        self.source[i] = at.phi[i] + self.shift[c, i]
                    laws.add_slopes(c, &self.source[0], self.matrix)
                info = factor(m, ld, &self.matrix[0, 0])
                if info:
                    return info
            self._residual_without(1, at, laws)
            solve_factored(m, ld, &self.matrix[0, 0], &self.batch_out[0, 0])
            # A bond whose current is exponential sends Newton's method far beyond: no potential goes further at once.
            for i in range(m):
                self.batch_in[0, i] = self.batch_out[0, i]
                if laws is not None:
                    self.batch_in[0, i] = max(-NEWTON_STEP, min(NEWTON_STEP, self.batch_in[0, i]))
            size = self._correction(0)
            if step > 0 and size <= SETTLED:
                break
        left[0] = size
        return 0 if size <= TOLERATED else UNSETTLED

    cdef double _correction(self, int p) noexcept nogil:
        """Add the correction of one hopping atom of the batch to its shift; returns its size at 1 V."""
        cdef int i, c = self.batch[p]
        cdef double size = 0.0
        for i in range(self.network.m):
            self.shift[c, i] += self.batch_in[p, i]
            size = max(size, fabs(self.batch_in[p, i]))
        return size

    cdef void _residual_without(self, int n, NodePotentials at, LawsWithout laws) noexcept nogil:
        """Current that each node lacks without each hopping atom of the batch, at phi + shift, into batch_out."""
        cdef int p, i, m = self.network.m
        for p in range(n):
            for i in range(m):
                self.batch_in[p, i] = -self._beyond_background(self.batch[p], i, at)
        # What the background brings at these potentials, and what the bonds that are left bring.
        self.solver.times(self.solver.k_matrix, self.batch_in, self.batch_out, n)
        for p in range(n):
            for i in range(m):
                self.source[i] = at.phi[i] + self.shift[self.batch[p], i]
            self._flow_without(self.batch[p], at, laws)
            for i in range(m):
                self.batch_out[p, i] += self.residual[i]

    cdef void _correct(self, int n, NodePotentials at, LawsWithout laws) noexcept nogil:
        """One correction of the ``n`` hopping atoms of the batch: C r + C E w into batch_in."""
        cdef int c, i, p, m = self.network.m
        # First guess of the correction from C, at the ends of the changed bonds; then what these make of it.
        self._residual_without(n, at, laws)
        for p in range(n):
            c = self.batch[p]
            for i in range(m):
                self.residual[i] = self.batch_out[p, i]
            self._meet(self.local.list_ends(c))
            self.local.respond(c, &self.source[0], 0.0, &self.residual[0])
            for i in range(m):
                self.batch_out[p, i] += self.residual[i]
        # C (r + E w): the one product with all of C
        self.solver.times(self.tangent.c_matrix, self.batch_out, self.batch_in, n)
        if laws is not None:
            for p in range(n):
                laws.bend(self.batch[p], &self.batch_in[p, 0], &self.residual[0])

    # ---------------------------------------------------------------- the bounds by themselves

    def bound_without(self, int site, const double[::1] lacking, *, bint by_trees=False):
        """Bound (V) on the error of potentials without the hopping atom at a host site, by the sharp way or by trees.

        With the slopes of laws at the operating point that was solved last; until one was with those at 0 V.

        Parameters
        ----------
        site : int
            Of an atom that some candidate takes away.
        lacking : (m,) float64
            Size of the current that each node lacks, in units of a background bond times 1 V.
        by_trees : bool
            Take what flows along trees of stiff bonds apart: here ``lacking`` has signs.
        """
        cdef int i, c = self._hopping_at(site)
        if lacking.shape[0] != self.network.m:
            raise ValueError(
                f"lacking must have one current for each of {self.network.m} nodes, got {lacking.shape[0]}")
        for i in range(self.network.m):
            self.residual[i] = lacking[i]
        if by_trees:
            return self.local.tree_bound(c, &self.residual[0])
        self.local.factor(c, self.tangent.c_matrix)
        return self._sharp_bound(c, None if self.tangent.point is None else self.laws)

    def bound_by_probes(self, int site):
        """The same at 1 V for the inverse that the solver holds now, by probes.

        Returns
        -------
        float
            V at 1 V; infinite where a bond of the atom ends at a node that floats.
        """
        cdef int c = self._hopping_at(site)
        self.estimate.make_room()
        self.local.factor(c, self.tangent.c_matrix)
        self.local.respond(c, &self.solution.potentials.phi[0], 1.0, &self.star_sum[c, 0])
        self.solver.respond(self.tangent.c_matrix, self.star_sum[c:c + 1], self.shift[c:c + 1], 1)
        self.estimate.measure(self.solution.potentials, NULL)
        return self._probed_bound(c, self.solution.potentials, None)

    def open_voltage(self, int site, const double[::1] off):
        """Sum of the voltages (V) by which bonds with laws are off their currents, at the voltage that was solved last.

        Parameters
        ----------
        site : int
            Of an atom that some candidate takes away.
        off : (m,) float64
            What is added to the potentials (V) that were found without it.
        """
        cdef int i, c = self._hopping_at(site)
        for i in range(self.network.m):
            self.source[i] = self.shift[c, i] + off[i]
        return self.laws.open_voltage(c, &self.source[0])

    def _hopping_at(self, int site):
        """Return the number of the hopping atom at a host site."""
        cdef int c = self.local.hopping_at(site) if 0 <= site < self.green.n_hosts else -1
        if c < 0:
            raise ValueError(f"no conducting defect that may hop is at host site {site}")
        return c
