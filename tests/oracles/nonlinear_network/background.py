"""What conducts where there are no bonds: a uniform box, or any network of ohmic links."""

from __future__ import annotations

from functools import cached_property

import green_entries
import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg
from numpy.typing import ArrayLike, NDArray

from frenkel.kinetic.conduction.laws import BOTTOM, TOP
from frenkel.kinetic.fields.green import GreenTable, Lateral
from frenkel.typing import Floats, Index

STEPS = 20_000
"""Conjugate-gradient steps after which a set-up has failed."""
INVERSE_STEPS = 5
"""Inverse iterations towards the slowest mode of a background, made once."""


class LinkBackground:
    """Ohmic links between sites, and between sites and electrodes.

    Parameters
    ----------
    n_sites : int
        Number of sites, at least 1.
    first : array_like of int, shape (n_links,)
        Site at one end of each link.
    second : array_like of int, shape (n_links,)
        Site at the other end, or ``BOTTOM`` or ``TOP``.
    conductance : array_like of shape (n_links,)
        Conductance of each link (S), positive.
    resistance_bound : array_like of shape (n_sites,), optional
        Upper bound of the resistance from each site to the joined electrodes (ohm), if a better one is known
        than the resistance of the shortest path.

    Raises
    ------
    ValueError
        If the arrays differ in length, a site number or conductance is out of range, or some site is not
        tied to an electrode.
    """

    def __init__(
        self,
        n_sites: int,
        first: ArrayLike,
        second: ArrayLike,
        conductance: ArrayLike,
        *,
        resistance_bound: ArrayLike | None = None,
    ) -> None:
        self.n_sites = int(n_sites)
        self.first = np.asarray(first, dtype=np.intp)
        self.second = np.asarray(second, dtype=np.intp)
        self.conductance = np.asarray(conductance, dtype=np.float64)
        if not len(self.first) == len(self.second) == len(self.conductance):
            raise ValueError("first, second and conductance must have one value per link")
        if not np.all(np.isfinite(self.conductance) & (self.conductance > 0)):
            raise ValueError("conductance must be positive and finite (S) for every link")
        ends = (self.first.min(initial=0), self.second.min(initial=0), self.first.max(), self.second.max())
        if ends[0] < 0 or ends[1] < TOP or max(ends[2:]) >= self.n_sites:
            raise ValueError(f"links must join sites 0 to {self.n_sites - 1}, BOTTOM (-1) or TOP (-2)")
        self._refuse_loose_sites()
        self._given_bound = None if resistance_bound is None else np.asarray(resistance_bound, np.float64)

    def _refuse_loose_sites(self) -> None:
        """Raise if some site is not tied to an electrode: its potential would be undefined."""
        n = self.n_sites
        other = np.where(self.second < 0, n, self.second)
        graph = scipy.sparse.coo_array((np.ones(len(other)), (self.first, other)), shape=(n + 1, n + 1))
        _, part = scipy.sparse.csgraph.connected_components(graph.tocsr(), directed=False)
        loose = int(np.count_nonzero(part[:n] != part[n]))
        if loose:
            raise ValueError(f"links must tie every site to an electrode, but {loose} of {n} sites are loose")

    @classmethod
    def box(
        cls,
        shape: tuple[int, int, int],
        conductance: float,
        *,
        lateral: Lateral = "periodic",
        z_link: ArrayLike | None = None,
        layer: ArrayLike | None = None,
        resistance_bound: ArrayLike | None = None,
    ) -> LinkBackground:
        """Return the links of a box, with the arguments of ``GreenTable`` and the background bond (S)."""
        nx, ny, nz = shape
        vertical = np.ones(nz + 1) if z_link is None else np.asarray(z_link, dtype=np.float64)
        in_layer = np.ones(nz) if layer is None else np.asarray(layer, dtype=np.float64)
        number = np.arange(nx * ny * nz).reshape(shape)
        edge = np.full((nx, ny), BOTTOM), np.full((nx, ny), TOP)
        pairs = [
            (number[:, :, 0], edge[0], vertical[0]),
            (number[:, :, :-1], number[:, :, 1:], vertical[1:-1]),
            (number[:, :, -1], edge[1], vertical[-1]),
        ]
        for axis in (0, 1):
            here, there = number, np.roll(number, -1, axis)
            if lateral == "reflecting":
                inner = (slice(None),) * axis + (slice(0, -1),)
                here, there = here[inner], there[inner]
            pairs.append((here, there, in_layer))
        first = np.concatenate([a.ravel() for a, _, _ in pairs])
        second = np.concatenate([b.ravel() for _, b, _ in pairs])
        factor = np.concatenate([np.broadcast_to(f, a.shape).ravel() for a, _, f in pairs])
        kept = (first != second) & (factor > 0)  # a box of one site across has no lateral links
        strength = conductance * factor[kept]
        return cls(number.size, first[kept], second[kept], strength, resistance_bound=resistance_bound)

    @classmethod
    def of_table(cls, table: GreenTable, conductance: float) -> LinkBackground:
        """Return the links of the box that a Green's table describes, with its background bond (S)."""
        z = np.arange(table.shape[2])
        if table.images:
            sites = np.arange(table.n_sites)
            x, y, z = green_entries.coordinates(table, sites)
            px, py = table.period
            mx, my = (2 * x + 1) % px, (2 * y + 1) % py
            own = table.table[0, 0, z, z] + table.table[mx, 0, z, z]
            own = own + table.table[0, my, z, z] + table.table[mx, my, z, z]
        else:
            own = np.tile(table.table[0, 0, z, z], table.shape[0] * table.shape[1])
        return cls.box(
            table.shape,
            conductance,
            lateral=table.lateral,
            z_link=table.z_link,
            layer=table.layer,
            resistance_bound=own / conductance,
        )

    def scaled(self, factor: ArrayLike) -> LinkBackground:
        """Return the same links with each conductance multiplied by a factor, shape (n_links,), positive."""
        return LinkBackground(self.n_sites, self.first, self.second, self.conductance * np.asarray(factor))

    @cached_property
    def diagonal(self) -> Floats:
        """Sum of the conductances at each site (S)."""
        n = self.n_sites
        inner = self.second >= 0
        ends = np.bincount(self.first, self.conductance, n)
        ends += np.bincount(self.second[inner], self.conductance[inner], n)
        return ends.astype(np.float64, copy=False)

    @cached_property
    def coupling(self) -> scipy.sparse.csr_array:
        """Conductances between sites (S), symmetric, without the diagonal."""
        inner = self.second >= 0
        i, j, g = self.first[inner], self.second[inner], self.conductance[inner]
        n = self.n_sites
        both = (np.r_[g, g], (np.r_[i, j].astype(np.int32), np.r_[j, i].astype(np.int32)))
        return scipy.sparse.coo_array(both, shape=(n, n)).tocsr()

    @cached_property
    def resistance_bound(self) -> Floats:
        """Upper bound of the resistance from each site to the joined electrodes (ohm).

        The shortest path is one unit flow, so it dissipates at least what the true flow does (Thomson).
        """
        if self._given_bound is not None:
            return self._given_bound
        n = self.n_sites
        other = np.where(self.second < 0, n, self.second)
        # Parallel links must not be added up as resistances: the best of them counts.
        order = np.argsort(-self.conductance, kind="stable")
        pair = np.minimum(self.first, other) * (n + 1) + np.maximum(self.first, other)
        _, kept = np.unique(pair[order], return_index=True)
        best = order[kept]
        edges = (1 / self.conductance[best], (self.first[best], other[best]))
        graph = scipy.sparse.coo_array(edges, shape=(n + 1, n + 1)).tocsr()
        distance: Floats = scipy.sparse.csgraph.dijkstra(graph, directed=False, indices=n)[:n]
        return distance

    @cached_property
    def smallest(self) -> float:
        """Lower bound of the eigenvalues of D^-1 A, with A the Laplacian and D its diagonal.

        For any positive w the smallest ratio of A w to D w is such a bound (Collatz and Wielandt); inverse
        iteration brings w near the slowest mode, where the bound is sharp.
        """
        d, c = self.diagonal, self.coupling
        w = np.ones(self.n_sites)
        bound = 0.0
        for _ in range(INVERSE_STEPS):
            w = self._bare(d * w, w)
            w /= np.max(w)
            if np.all(w > 0):
                bound = max(bound, float(np.min((d * w - c @ w) / (d * w))))
        if bound <= 0:
            raise ValueError("links must not differ so widely: no bound of the smallest eigenvalue was found")
        return bound

    @cached_property
    def profile(self) -> Floats:
        """Potential of every site without bonds, bottom electrode at 0 V and top at 1 V, to about 1e-4 V."""
        injected = -self.applied(np.zeros(self.n_sites), 0.0, 1.0)
        return self._bare(injected, np.full(self.n_sites, 0.5))

    def _bare(self, rhs: Floats, start: Floats) -> Floats:
        """Solve without bonds, to a relative residual of 1e-5."""
        n, d, c = self.n_sites, self.diagonal, self.coupling
        operator = scipy.sparse.linalg.LinearOperator((n, n), matvec=lambda x: d * x - c @ x)
        scaling = scipy.sparse.linalg.LinearOperator((n, n), matvec=lambda x: x / d)
        solution, _ = scipy.sparse.linalg.cg(operator, rhs, x0=start, rtol=1e-5, M=scaling, maxiter=STEPS)
        x: Floats = solution
        return x

    @cached_property
    def halves(self) -> Halves:
        """The sites as an independent set and the rest, for elimination of half the unknowns."""
        return Halves(self)

    def applied(self, potential: Floats, bottom: float, top: float) -> Floats:
        """Return the current that leaves each site through its links (A)."""
        current = self.link_current(potential, bottom, top)
        inner = self.second >= 0
        leaving = np.bincount(self.first, current, self.n_sites)
        leaving -= np.bincount(self.second[inner], current[inner], self.n_sites)
        return leaving.astype(np.float64, copy=False)

    def link_current(self, potential: Floats, bottom: float, top: float) -> Floats:
        """Return the current through each link from first to second (A)."""
        extended = np.r_[potential, top, bottom]  # TOP = -2 and BOTTOM = -1 count from the end
        current: Floats = self.conductance * (extended[self.first] - extended[self.second])
        return current


class UniformBackground:
    """A box of equal links, or of layers of equal links, solved once by its Green's table.

    Parameters
    ----------
    table : GreenTable
        The box.
    conductance : float
        Conductance of a background bond: sigma a (S), positive; kappa a (W/K) for heat.
    """

    def __init__(self, table: GreenTable, conductance: float) -> None:
        if not 0 < conductance < np.inf:
            raise ValueError(f"conductance of the background must be positive (S), got {conductance!r}")
        self.table = table
        self.conductance = float(conductance)
        self.n_sites = table.n_sites

    @cached_property
    def links(self) -> LinkBackground:
        """The same background as single links, for the sparse solver."""
        return LinkBackground.of_table(self.table, self.conductance)

    def stiffness(self, nodes: Index) -> Floats:
        """Return the inverse of the Green's matrix on some sites: what the background looks like from there.

        Parameters
        ----------
        nodes : ndarray of int, shape (m,)
            Sites, ascending.

        Returns
        -------
        ndarray of shape (m, m)
            Dimensionless; only the lower triangle is valid.
        """
        return _inverse(green_entries.block(self.table, nodes, nodes))


def _inverse(matrix: Floats) -> Floats:
    """Return the inverse of a symmetric positive definite matrix, of which the lower triangle is valid."""
    if not matrix.size:
        return matrix
    factor, failed = scipy.linalg.lapack.dpotrf(matrix.T, lower=1, overwrite_a=1)
    if not failed:
        inverse, failed = scipy.linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise scipy.linalg.LinAlgError("the Green's matrix is not positive definite")
    lower: Floats = inverse
    return lower


Background = UniformBackground | LinkBackground


def links_of(background: Background) -> LinkBackground:
    """Return a background as single links."""
    return background.links if isinstance(background, UniformBackground) else background


class Halves:
    """A background's sites split so that about half of them ("even") touch none of their own kind.

    Attributes
    ----------
    even, odd : ndarray of int
        Site numbers of the independent set and of the rest.
    to_even, to_odd : sparse arrays
        Conductances (even, odd) and its transpose (S).
    among_odd : sparse array or None
        Conductances among the rest (S), None where there are none.
    """

    def __init__(self, background: LinkBackground) -> None:
        n = background.n_sites
        coupling = background.coupling
        even_mask = _independent_set(coupling)
        self.even, self.odd = np.flatnonzero(even_mask), np.flatnonzero(~even_mask)
        self.place = np.empty(n, dtype=np.intp)
        self.place[self.even] = np.arange(len(self.even))
        self.place[self.odd] = np.arange(len(self.odd))
        self.is_even = even_mask
        self.to_even = coupling[self.even][:, self.odd].tocsr()
        self.to_odd = self.to_even.T.tocsr()
        self.squared = self.to_odd.multiply(self.to_odd).tocsr()
        among = coupling[self.odd][:, self.odd].tocsr()
        self.among_odd = among if among.nnz else None
        self.diagonal_even = background.diagonal[self.even]
        self.diagonal_odd = background.diagonal[self.odd]


def _independent_set(coupling: scipy.sparse.csr_array) -> NDArray[np.bool_]:
    """Return a mask of sites of which no two are joined: one colour of the lattice where it has two."""
    n = coupling.shape[0]
    depth = np.full(n, -1)
    while np.any(depth < 0):
        root = int(np.argmax(depth < 0))
        order, parent = scipy.sparse.csgraph.breadth_first_order(coupling, root, directed=False)
        depth[order[0]] = 0
        for site in order[1:].tolist():
            depth[site] = depth[parent[site]] + 1
    even: NDArray[np.bool_] = depth % 2 == 0
    edges = coupling.tocoo()
    clash = even[edges.row] & even[edges.col]
    even[np.maximum(edges.row[clash], edges.col[clash])] = False
    return even
