"""Sites, their neighbours and the electrodes they touch."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...checks import one_of
from .species import HOST, INTERSTITIAL_SITES

Lateral = Literal["periodic", "reflecting"]
LATERAL: tuple[Lateral, ...] = get_args(Lateral)
Table = NDArray[np.int32]
BOTTOM, TOP = 1, 2
_NEAREST = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))
_SECOND = tuple(
    (x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if abs(x) + abs(y) + abs(z) == 2
)
_CORNERS = tuple((x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1))


class Motifs(Mapping[str, Table]):
    """Neighbour tables by name, each built when first asked for.

    A table has shape (n_sites, width), int32, row ``i`` holding the neighbours of site ``i`` and -1 where
    there is none. Every table is symmetric: ``j`` stands in row ``i`` as often as ``i`` in row ``j``.
    """

    def __init__(self, builders: Mapping[str, Callable[[], Table]]) -> None:
        self._builders = dict(builders)
        self._tables: dict[str, Table] = {}

    def __getitem__(self, name: str) -> Table:
        if name not in self._tables:
            if name not in self._builders:
                raise KeyError(f"no motif {name!r}; there are: {', '.join(self._builders)}")
            table = np.ascontiguousarray(self._builders[name](), dtype=np.int32)
            table.flags.writeable = False
            self._tables[name] = table
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)


class Lattice:
    """Sites of a device between two electrodes at the ends of z; made by `cubic` or `from_positions`.

    Attributes
    ----------
    shape : tuple of int
        Host sites along x, y, z (``(0, 0, 0)`` for a list of positions).
    spacing : float
        Distance of neighbouring host planes (m).
    lateral : str
        ``"periodic"`` or ``"reflecting"`` sides in x and y.
    sublattice : ndarray of int8, shape (n_sites,)
        Sublattice of each site.
    layer : ndarray of int32, shape (n_sites,)
        Layer in z of each site, counted from the bottom electrode within its sublattice.
    electrode : ndarray of int8, shape (n_sites,)
        Electrode that a site touches: 0 none, 1 bottom, 2 top, 3 both (a single layer).
    motifs : Mapping of str to ndarray
        Neighbour tables; see `Motifs`.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        spacing: float,
        lateral: Lateral,
        sublattice: NDArray[np.int8],
        layer: NDArray[np.int32],
        motifs: Motifs,
        lengths: Mapping[str, float],
        make_position: Callable[[], NDArray[np.float64]],
    ) -> None:
        self.shape, self.spacing, self.lateral = shape, spacing, lateral
        self.sublattice, self.layer, self.motifs = sublattice, layer, motifs
        self._lengths, self._make_position = dict(lengths), make_position
        self.n_sites = len(sublattice)
        self.n_hosts = int(np.count_nonzero(sublattice == HOST))
        self.electrode = _touching(sublattice, layer)

    @cached_property
    def position(self) -> NDArray[np.float64]:
        """Positions (m), shape (n_sites, 3); z is the distance from the plane of the bottom electrode."""
        return self._make_position()

    @property
    def thickness(self) -> float:
        """Distance (m) between the planes of the two electrodes."""
        top = int(self.layer[self.sublattice == HOST].max())
        return (top + 2) * self.spacing

    def length(self, motif: str | None) -> float:
        """Return the (mean) distance (m) of two neighbours of a motif; of one spacing for None."""
        return self.spacing if motif is None else self._lengths[motif]

    def __repr__(self) -> str:
        return (
            f"Lattice({self.n_sites} sites, {self.n_hosts} host, shape {self.shape}, "
            f"spacing {self.spacing:.4g} m, {self.lateral} sides)"
        )

    @classmethod
    def cubic(
        cls,
        shape: tuple[int, int, int],
        spacing: float,
        interstitial: bool = False,
        lateral: Lateral = "periodic",
    ) -> "Lattice":
        """Make a simple cubic lattice of host sites, with interstitial sites at the cube centres if wanted.

        Parameters
        ----------
        shape : tuple of int
            Host sites (nx, ny, nz), each >= 1 and in all at most 2e9. Site number ``(x*ny + y)*nz + z``.
        spacing : float
            Distance of neighbours (m), 1e-11 to 1e-7. The electrodes sit one spacing below the first
            layer and above the last.
        interstitial : bool
            Whether the cube centres between layers are sites too; they are numbered after all hosts, in
            the same order.
        lateral : str
            ``"periodic"`` or ``"reflecting"`` in x and y. A neighbour through the period of a box two
            sites wide is listed twice (two paths); a box one site wide has none.

        Returns
        -------
        Lattice
            With motifs ``"nearest"`` (6, same sublattice), ``"second"`` (12, hosts), ``"close"`` (18, both
            of these) and, with interstitials, ``"pair"`` (8, host to cube centre and back).

        Raises
        ------
        ValueError
            If a size, the spacing or the sides are outside what is allowed.
        """
        nx, ny, nz = _check_cubic(shape, spacing, lateral)
        box = _Box(nx, ny, nz, lateral == "periodic", interstitial)
        builders: dict[str, Callable[[], Table]] = {
            "nearest": partial(box.same, _NEAREST, True),
            "second": partial(box.same, _SECOND, False),
            "close": partial(box.same, _NEAREST + _SECOND, False),
        }
        lengths = {"nearest": spacing, "second": 2**0.5 * spacing}
        lengths["close"] = (lengths["nearest"] + 2 * lengths["second"]) / 3
        if interstitial:
            builders["pair"], lengths["pair"] = box.pair, 0.75**0.5 * spacing
        return cls(
            shape=(nx, ny, nz),
            spacing=float(spacing),
            lateral=lateral,
            sublattice=box.sublattice(),
            layer=box.layer(),
            motifs=Motifs(builders),
            lengths=lengths,
            make_position=partial(box.position, float(spacing)),
        )

    @classmethod
    def from_positions(
        cls,
        position: ArrayLike,
        sublattice: ArrayLike,
        cell: tuple[float, float, float],
        cutoffs: Mapping[str, float],
        lateral: Lateral = "periodic",
    ) -> "Lattice":
        """Make a lattice from a list of sites and one cut-off radius per motif.

        Parameters
        ----------
        position : array_like, shape (n, 3)
            Positions (m); z is not periodic and becomes the distance from the bottom electrode after a
            shift that puts the lowest host layer one layer distance above it.
        sublattice : array_like of int, shape (n,)
            Sublattice of each site, hosts (0) first.
        cell : tuple of float
            Lengths (m) of the periodic cell in x, y and the height in z.
        cutoffs : mapping of str to float
            Largest distance (m) of the neighbours of each motif: ``"nearest"`` (same sublattice),
            ``"second"`` (hosts, beyond nearest) and ``"pair"`` (between sublattices). With periodic sides
            each must stay below half the cell in x and y.
        lateral : str
            ``"periodic"`` or ``"reflecting"`` sides.

        Returns
        -------
        Lattice
            Layers are the distinct heights of each sublattice; the lowest and highest touch an electrode.

        Raises
        ------
        ValueError
            If shapes disagree, a value is not finite, hosts are not first, or a cut-off is too large.
        """
        positions, kind = _check_positions(position, sublattice, cell, cutoffs, lateral)
        layer, spacing = _layers(positions, kind)
        positions[:, 2] += spacing - positions[kind == HOST, 2].min()
        box = (float(cell[0]), float(cell[1])) if lateral == "periodic" else None
        builders: dict[str, Callable[[], Table]] = {}
        lengths: dict[str, float] = {}
        for name, radius in cutoffs.items():
            inner = cutoffs["nearest"] if name == "second" else 0.0
            table, lengths[name] = _within(positions, kind, box, (inner, radius), name)
            builders[name] = partial(_same_table, table)
        return cls(
            shape=(0, 0, 0),
            spacing=spacing,
            lateral=lateral,
            sublattice=kind,
            layer=layer,
            motifs=Motifs(builders),
            lengths=lengths,
            make_position=positions.copy,
        )


class _Box:
    """Index arithmetic of a cubic box with or without cube centres."""

    def __init__(self, nx: int, ny: int, nz: int, periodic: bool, centres: bool) -> None:
        self.host = (nx, ny, nz)
        self.periodic = periodic
        less = 0 if periodic else 1
        self.centre = (nx - less, ny - less, nz - 1) if centres else (0, 0, 0)
        self.n_host = nx * ny * nz
        self.n_centre = int(np.prod(self.centre))

    def _grid(self, shape: tuple[int, int, int]) -> NDArray[np.int32]:
        return np.indices(shape, dtype=np.int32).reshape(3, -1)

    def sublattice(self) -> NDArray[np.int8]:
        return np.repeat(np.array([HOST, INTERSTITIAL_SITES], dtype=np.int8), [self.n_host, self.n_centre])

    def layer(self) -> NDArray[np.int32]:
        parts = []
        for shape in (self.host, self.centre):
            column = np.arange(shape[2], dtype=np.int32)
            parts.append(np.tile(column, shape[0] * shape[1]))
        return np.concatenate(parts)

    def position(self, spacing: float) -> NDArray[np.float64]:
        host = self._grid(self.host).T + np.array([0.0, 0.0, 1.0])
        centre = self._grid(self.centre).T + np.array([0.5, 0.5, 1.5])
        return np.asarray(np.concatenate([host, centre]) * spacing)

    def _shifted(
        self, grid: NDArray[np.int32], step: tuple[int, ...], into: tuple[int, int, int]
    ) -> NDArray[np.int64]:
        """Return the numbers within the box ``into`` of ``grid + step``, -1 where outside."""
        number = np.zeros(grid.shape[1], dtype=np.int64)
        in_box = np.ones(grid.shape[1], dtype=bool)
        for axis, size in enumerate(into):
            neighbour = grid[axis] + step[axis]
            if axis < 2 and self.periodic and size > 0:
                if size == 1 and step[axis] != 0 and into == self.host:
                    in_box[:] = False
                neighbour = neighbour % size
            in_box &= (neighbour >= 0) & (neighbour < size)
            number = number * size + neighbour
        return np.where(in_box, number, -1)

    def same(self, steps: tuple[tuple[int, int, int], ...], centres: bool) -> Table:
        """Return the table of neighbours on the same sublattice at the given steps."""
        table = np.full((self.n_host + self.n_centre, len(steps)), -1, dtype=np.int32)
        grid = self._grid(self.host)
        for column, step in enumerate(steps):
            table[: self.n_host, column] = self._shifted(grid, step, self.host)
        if centres and self.n_centre:
            grid = self._grid(self.centre)
            for column, step in enumerate(steps):
                if any(step[axis] and self.periodic and self.centre[axis] == 1 for axis in (0, 1)):
                    continue
                number = self._shifted(grid, step, self.centre)
                table[self.n_host :, column] = np.where(number >= 0, number + self.n_host, -1)
        return table

    def pair(self) -> Table:
        """Return the table between hosts and the centres of the eight cubes around each."""
        table = np.full((self.n_host + self.n_centre, 8), -1, dtype=np.int32)
        grid = self._grid(self.host)
        inverted = [(-x, -y, -z) for x, y, z in _CORNERS]
        for column, step in enumerate(inverted):
            number = self._shifted(grid, step, self.centre)
            table[: self.n_host, column] = np.where(number >= 0, number + self.n_host, -1)
        grid = self._grid(self.centre)
        for column, step in enumerate(_CORNERS):
            table[self.n_host :, column] = self._shifted_corner(grid, step)
        return table

    def _shifted_corner(self, grid: NDArray[np.int32], step: tuple[int, int, int]) -> NDArray[np.int64]:
        nx, ny, nz = self.host
        x, y, z = (grid[axis] + step[axis] for axis in range(3))
        if self.periodic:
            x, y = x % nx, y % ny
        return np.asarray((x.astype(np.int64) * ny + y) * nz + z)


def _same_table(table: Table) -> Table:
    return table


def _touching(sublattice: NDArray[np.int8], layer: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return which electrode each site touches: first and last layer of its sublattice."""
    touch = np.zeros(len(sublattice), dtype=np.int8)
    for kind in set(sublattice.tolist()):  # numpy.unique would load numpy.ma, 2 MB in each member's process
        in_kind = sublattice == kind
        touch[in_kind & (layer == 0)] |= BOTTOM
        touch[in_kind & (layer == layer[in_kind].max())] |= TOP
    return touch


def three_whole(name: str, given: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return three whole numbers of at least 1, as integers; raise ValueError if they are not."""
    if len(given) != 3 or any(int(n) != n or n < 1 for n in given):
        raise ValueError(f"{name} must be three whole numbers of at least 1, got {tuple(given)}")
    return int(given[0]), int(given[1]), int(given[2])


def _check_cubic(shape: tuple[int, int, int], spacing: float, lateral: str) -> tuple[int, int, int]:
    sites = three_whole("shape", shape)
    if np.prod([float(n) for n in shape]) > 1e9:
        raise ValueError(f"shape must hold at most 1e9 sites, got {shape}")
    if not 1e-11 <= spacing <= 1e-7:
        raise ValueError(f"spacing must be between 1e-11 and 1e-07 m, got {spacing} (did you mean * nm?)")
    one_of("lateral", lateral, LATERAL)
    return sites


def _check_positions(
    position: ArrayLike,
    sublattice: ArrayLike,
    cell: tuple[float, float, float],
    cutoffs: Mapping[str, float],
    lateral: str,
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    positions = np.array(position, dtype=np.float64)
    kind = np.array(sublattice, dtype=np.int8)
    if positions.ndim != 2 or positions.shape[1] != 3 or kind.shape != (len(positions),):
        raise ValueError(
            f"position must have shape (n, 3) and sublattice (n,), got {positions.shape} and {kind.shape}"
        )
    if not np.isfinite(positions).all():
        raise ValueError("position must be finite (m), got a value that is not")
    if np.any(np.diff((kind != HOST).astype(np.int8)) < 0) or not np.any(kind == HOST):
        raise ValueError("sublattice must list the host sites (0) first, and hold at least one")
    one_of("lateral", lateral, LATERAL)
    motifs = ("nearest", "second", "pair")
    for name, radius in cutoffs.items():
        if name not in motifs:
            raise ValueError(f"no motif {name!r} in cutoffs; there are: {', '.join(motifs)}")
        if not 0.0 < radius < 1e-7:
            raise ValueError(f"cut-off of {name} must be between 0 and 1e-07 m, got {radius}")
        if lateral == "periodic" and radius >= 0.5 * min(cell[0], cell[1]):
            raise ValueError(
                f"cut-off of {name} must stay below half the cell in x and y, "
                f"{0.5 * min(cell[0], cell[1])} m, got {radius}"
            )
    if "second" in cutoffs and "nearest" not in cutoffs:
        raise ValueError("cutoffs must hold 'nearest' when they hold 'second'")
    return positions, kind


def _layers(place: NDArray[np.float64], kind: NDArray[np.int8]) -> tuple[NDArray[np.int32], float]:
    """Return the layer of each site and the mean distance of host layers."""
    layer = np.zeros(len(place), dtype=np.int32)
    spacing = 1e-9
    for sub in set(kind.tolist()):
        sites = np.flatnonzero(kind == sub)
        heights, layer[sites] = np.unique(np.round(place[sites, 2], 13), return_inverse=True)
        if sub == HOST and len(heights) > 1:
            spacing = float(heights[-1] - heights[0]) / (len(heights) - 1)
    return layer, spacing


def _within(
    place: NDArray[np.float64],
    kind: NDArray[np.int8],
    box: tuple[float, float] | None,
    radii: tuple[float, float],
    name: str,
) -> tuple[Table, float]:
    """Return the neighbour table of one motif and the mean distance of its pairs."""
    from scipy.spatial import cKDTree  # 30 MB, and boxes of one lattice need none

    points = place.copy()
    if box is not None:
        points[:, 0] %= box[0]
        points[:, 1] %= box[1]
    points[:, 2] -= points[:, 2].min()
    tree = cKDTree(points, boxsize=None if box is None else (*box, 0.0))
    pairs = tree.query_pairs(radii[1], output_type="ndarray")
    same_kind = kind[pairs[:, 0]] == kind[pairs[:, 1]]
    keep = ~same_kind if name == "pair" else same_kind
    if name == "second":
        keep &= kind[pairs[:, 0]] == HOST
    pairs = pairs[keep]
    delta = points[pairs[:, 0]] - points[pairs[:, 1]]
    if box is not None:
        delta[:, :2] -= np.round(delta[:, :2] / box) * box
    distance = np.linalg.norm(delta, axis=1)
    pairs, distance = pairs[distance > radii[0]], distance[distance > radii[0]]
    if not len(pairs):
        raise ValueError(f"cut-off of {name} must reach at least one neighbour, got {radii[1]} m")
    directed = np.concatenate([pairs, pairs[:, ::-1]])
    directed = directed[np.lexsort((directed[:, 1], directed[:, 0]))]
    degree = np.bincount(directed[:, 0], minlength=len(place))
    start = np.concatenate([[0], np.cumsum(degree)[:-1]])
    table = np.full((len(place), int(degree.max())), -1, dtype=np.int32)
    table[directed[:, 0], np.arange(len(directed)) - start[directed[:, 0]]] = directed[:, 1]
    return table, float(distance.mean())
