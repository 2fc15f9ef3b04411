"""Geometry of a snapshot: which defects are linked, how long the longest jump between electrodes is."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...checks import whole
from ...data.columns import ResultTable
from ...typing import Floats

LINK = 1.5  # spacings: nearest neighbours (1) and second neighbours (sqrt 2), not third (sqrt 3)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Defects at one moment: of one species, or of all that conduct.

    Parameters
    ----------
    position : (n, 3) float64
        Positions (m); z from the plane of the bottom electrode, layer 0 at one spacing.
    conducting : (n,) bool
        Whether a defect carries current.
    temperature : (n,) float64
        Temperature at the defects (K).
    spacing : float
        Lattice spacing (m).
    shape : tuple of int
        Host sites along x, y, z.
    periodic : bool
        Whether the box repeats along x and y.
    label : str
        Label of the snapshot.
    phase : int
        Index of its phase.
    species : (n,) int, optional
        Index of each defect's species in the result; 0 for all by default.
    """

    position: Floats
    conducting: NDArray[np.bool_]
    temperature: Floats
    spacing: float
    shape: tuple[int, int, int]
    periodic: bool
    label: str
    phase: int
    species: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, np.int8))

    def __repr__(self) -> str:
        conducting = int(np.count_nonzero(self.conducting))
        return f"<Snapshot {self.label!r}: {len(self.position)} defects, {conducting} conduct>"


def snapshot(result: ResultTable, index: int, species: str | None = None) -> Snapshot:
    """Take one snapshot out of a result.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.
    index : int
        Number of the snapshot; negative counts from the end.
    species : str, optional
        Which defects; all that conduct by default: the first species, or the first two where there are two.

    Returns
    -------
    Snapshot

    Raises
    ------
    ValueError
        There is no such snapshot or species.
    """
    number = result.sizes["snapshot"]
    whole("snapshot", index, -number, number - 1)
    names = [str(name) for name in result["species"].values]
    if species is not None and species not in names:
        raise ValueError(f"no species {species!r} in this result; there are: {', '.join(names)}")
    index %= number
    ends = np.cumsum(result["snapshot_size"].values)
    rows = slice(int(ends[index - 1]) if index else 0, int(ends[index]))
    kind = result["defect_species"].values[rows]
    own = kind < conducting_kinds(result) if species is None else kind == names.index(species)

    def part(name: str) -> NDArray[Any]:
        return np.asarray(result[f"defect_{name}"].values[rows][own])

    position = np.stack([part(axis) for axis in "xyz"], axis=1)
    x, y, z = (int(n) for n in result["lattice_shape"].values)
    spacing, periodic = float(result["lattice_spacing"]), result.attrs.get("lateral") == "periodic"
    return Snapshot(
        position,
        part("conducting").astype(bool),
        part("temperature"),
        spacing,
        (x, y, z),
        periodic,
        str(result["snapshot_label"].values[index]),
        int(result["snapshot_phase"].values[index]),
        kind[own],
    )


def conducting_kinds(result: ResultTable) -> int:
    """Return how many species conduct: they are the first ones of a result."""
    return int(result.attrs.get("conducting_species", 1))


def shown_snapshots(result: ResultTable) -> list[int]:
    """Return the snapshots to show: the first, and those after forming, the last RESET and the last SET."""
    phase, kind = result["snapshot_phase"].values, result["phase_kind"].values
    if not len(phase):
        return []
    chosen = [0]
    for name in ("form", "reset", "set"):
        numbers = np.flatnonzero(kind[phase] == name)
        # The last snapshot of a phase is the one after it; index 0 lies before everything.
        numbers = numbers[numbers > 0]
        if len(numbers):
            chosen.append(int(numbers[-1]))
    if len(chosen) == 1 and len(phase) > 1:
        chosen.append(len(phase) - 1)
    return sorted(chosen)


def interfaces(result: ResultTable) -> Floats:
    """Return the heights (m) at which the layers of a device meet, from the bottom up."""
    if "layer_planes" not in result:
        return np.zeros(0)
    planes = np.cumsum(result["layer_planes"].values)[:-1]
    return np.asarray((planes + 0.5) * float(result["lattice_spacing"]))


@dataclass(frozen=True, slots=True)
class Side:
    """A piece of the upright side of a region of a layer, one spacing wide.

    Parameters
    ----------
    region : int
        Number of the region, counted over all layers from 0.
    start, stop : tuple of float
        Its ends (m), x and y, so that the region lies to the left of the way from one to the other.
    low, high : float
        Heights (m) between which the layer lies.
    """

    region: int
    start: tuple[float, float]
    stop: tuple[float, float]
    low: float
    high: float


def region_sides(result: ResultTable, shift: Floats) -> list[Side]:
    """Return the sides of all regions of a device, as they are drawn.

    Parameters
    ----------
    result : xarray.Dataset
    shift : (2,)
        How far (m) all is moved along x and y in a repeating box; whole spacings.
    """
    if "layer_region" not in result:
        return []
    spacing, planes = float(result["lattice_spacing"]), int(result["lattice_shape"].values[2])
    levels = np.concatenate([[0.0], interfaces(result), [(planes + 1) * spacing]])
    sites = np.rint(np.asarray(shift) / spacing).astype(int)
    sides, first = list[Side](), -1
    for layer, own in enumerate(result["layer_region"].values):
        owner = np.pad(np.roll(own, tuple(sites), axis=(0, 1)), 1)
        for x, y in np.argwhere(owner):
            # Counter-clockwise around the site, whose corner of least x and y is (x - 1, y - 1).
            corners = [(x - 1, y - 1), (x, y - 1), (x, y), (x - 1, y)]
            beside = [(x, y - 1), (x + 1, y), (x, y + 1), (x - 1, y)]
            for k, neighbour in enumerate(beside):
                if owner[neighbour] != owner[x, y]:
                    start, stop = (
                        (float(a * spacing), float(b * spacing)) for a, b in (corners[k], corners[k - 3])
                    )
                    region = first + int(owner[x, y])
                    sides.append(Side(region, start, stop, float(levels[layer]), float(levels[layer + 1])))
        first += int(own.max())
    return sides


def distances(position: Floats, spacing: float, shape: tuple[int, int, int], periodic: bool) -> Floats:
    """Return all distances (n, n) in spacings, across the sides of the box where it repeats."""
    total = np.zeros((len(position),) * 2)
    for axis in range(3):
        step = np.abs(position[:, None, axis] - position[None, :, axis]) / spacing
        if periodic and axis < 2:
            step = np.minimum(step, shape[axis] - step)
        total += step**2
    return np.sqrt(total)


@dataclass(frozen=True, slots=True)
class Jump:
    """The longest jump on the easiest path of conducting defects between the electrodes.

    Parameters
    ----------
    length : float
        Its length (m).
    low, high : float
        Distance of its ends from the bottom electrode (m).
    """

    length: float
    low: float
    high: float


def longest_jump(shot: Snapshot) -> Jump:
    """Find the longest jump on the easiest path of conducting defects between the electrodes.

    The easiest path is the one whose longest jump is shortest. One spacing means that a chain of nearest
    neighbours joins the electrodes, the whole thickness that there is no conducting defect.
    """
    height = np.append(shot.position[shot.conducting, 2], [0.0, (shot.shape[2] + 1) * shot.spacing])
    n = len(height) - 2
    graph = np.zeros((n + 2, n + 2))
    graph[:n, :n] = distances(shot.position[shot.conducting], shot.spacing, shot.shape, shot.periodic)
    graph[n:, :] = np.abs(height[n:, None] - height) / shot.spacing
    graph[:, n:] = graph[n:, :].T
    # The path between two nodes of a minimum spanning tree is the easiest one between them.
    path = _path(_spanning_tree(graph, n, n + 1), n, n + 1)
    a, b = max(pairwise(path), key=lambda pair: float(graph[pair]))
    ends = sorted((float(height[a]), float(height[b])))
    return Jump(float(graph[a, b]) * shot.spacing, ends[0], ends[1])


def is_continuous(shot: Snapshot) -> bool:
    """Tell whether linked conducting defects (within sqrt 2 spacings) join the electrodes."""
    return longest_jump(shot).length <= LINK * shot.spacing


def layers(shot: Snapshot) -> NDArray[np.int64]:
    """Return the number of conducting defects in each host layer, bottom first, shape (nz,)."""
    layer = np.rint(shot.position[shot.conducting, 2] / shot.spacing).astype(np.int64) - 1
    return np.bincount(layer, minlength=shot.shape[2])


def radius(shot: Snapshot) -> float:
    """Return the equivalent radius (m) of the conducting defects: of a cylinder of their median section."""
    counts = layers(shot)
    return float(np.sqrt(np.median(counts) / np.pi) * shot.spacing)


def middle_shift(shot: Snapshot) -> Floats:
    """Return the shift (m) along x and y that moves the filament to the middle of a repeating box, (2,)."""
    shift = np.zeros(2)
    if not shot.periodic or not len(shot.position):
        return shift
    chosen = shot.conducting if shot.conducting.any() else np.ones(len(shot.position), bool)
    for axis in range(2):
        length = shot.shape[axis] * shot.spacing
        angle = 2 * np.pi * shot.position[chosen, axis] / length
        middle = np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()) / (2 * np.pi) * length
        shift[axis] = np.rint((length / 2 - middle) / shot.spacing) * shot.spacing
    return shift


def shifted(shot: Snapshot, shift: Floats) -> Floats:
    """Return the positions (m) moved along x and y by a shift (m), within a repeating box."""
    position = shot.position.copy()
    if shot.periodic:
        for axis in range(2):
            length = shot.shape[axis] * shot.spacing
            position[:, axis] = (position[:, axis] + shift[axis]) % length
    return position


def clusters(shot: Snapshot) -> NDArray[np.int64]:
    """Return the cluster number of each defect, shape (n,); links reach second neighbours."""
    from scipy.sparse import coo_array  # scipy.sparse, as above
    from scipy.sparse.csgraph import connected_components

    near = distances(shot.position, shot.spacing, shot.shape, shot.periodic) < LINK
    return np.asarray(connected_components(coo_array(near), directed=False)[1], np.int64)


def _spanning_tree(graph: Floats, start: int, stop: int) -> list[list[int]]:
    """Return the neighbours of each node in a minimum spanning tree, as far as it joins two nodes.

    Kruskal's rule, edges of one length at a time: few lengths occur on a lattice. SciPy's takes 50 ms and 450
    file calls to import.
    """
    first, second = np.triu_indices(len(graph), 1)
    length = graph[first, second]
    order = np.argsort(length, kind="stable")
    order = order[length[order] > 0]
    edges = np.split(order, np.flatnonzero(np.diff(length[order])) + 1)
    neighbours: list[list[int]] = [[] for _ in graph]
    part = np.arange(len(graph))  # to which each node belongs
    for equal in edges:
        for k in equal[part[first[equal]] != part[second[equal]]]:
            a, b = int(first[k]), int(second[k])
            if part[a] != part[b]:
                part[part == part[b]] = part[a]
                neighbours[a].append(b)
                neighbours[b].append(a)
        if part[start] == part[stop]:
            break
    return neighbours


def _path(tree: list[list[int]], start: int, stop: int) -> list[int]:
    """Return the nodes between two nodes of a tree."""
    parent = {start: start}
    stack = [start]
    while stop not in parent:
        node = stack.pop()
        for other in tree[node]:
            if other not in parent:
                parent[other] = node
                stack.append(other)
    path = [stop]
    while path[-1] != start:
        path.append(parent[path[-1]])
    return path
