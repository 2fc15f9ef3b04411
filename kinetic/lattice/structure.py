"""Structure of an oxide: grains and their boundaries, correlated disorder, planes with pores.

Everything here is an array per host site; none of it knows mechanisms. Energies drawn here belong
to states (`SiteEnergy`) or to saddle points (``barrier_shift``, of which a hop takes the mean of both ends),
never to a direction, so that detailed balance holds whatever they are. Host site ``(x*ny + y)*nz + z``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...checks import at_least, between, one_of, positive, whole
from ...typing import Floats
from .lattice import LATERAL, Lateral, three_whole

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

Mask = NDArray[np.bool_]
Shape = tuple[int, int, int]
Cell = tuple[float, float, float]


# ---- grains


def grain_count(cell: Cell, size: float) -> int:
    """Return how many columnar grains of a mean size fill a box, at least one.

    Parameters
    ----------
    cell : tuple of float
        Lengths of the box (m).
    size : float
        Mean grain size (m), > 0: the root of the mean area of columns. A box smaller than half a grain holds
        one grain and no boundary.

    Raises
    ------
    ValueError
        If the size is not above 0.
    """
    _check_cell(cell)
    positive("grain size", size, "m")
    return max(1, round(cell[0] * cell[1] / size**2))


def grain_seeds(cell: Cell, grains: int, rng: np.random.Generator) -> Floats:
    """Draw the seeds of grains, uniform in the box: a Poisson-Voronoi polycrystal of a given number.

    Parameters
    ----------
    cell : tuple of float
        Lengths of the box (m).
    grains : int
        Number of grains, 1 to 1e6.
    rng : numpy.random.Generator
        Three numbers per grain are drawn.

    Returns
    -------
    ndarray of float64, shape (grains, 3)
        Positions of the seeds (m).

    Raises
    ------
    ValueError
        If the number of grains or the box is outside what is allowed.
    """
    _check_cell(cell)
    whole("grains", grains, 1, 1_000_000)
    return np.asarray(rng.random((int(grains), 3)) * np.asarray(cell))


def grain_boundary(
    position: ArrayLike,
    seeds: ArrayLike,
    cell: Cell,
    width: float,
    *,
    lateral: Lateral = "periodic",
) -> Mask:
    """Return which sites lie in the boundaries between columnar grains, slabs of a given width.

    Grains reach from electrode to electrode: a Voronoi diagram of the plane.

    Parameters
    ----------
    position : array_like, shape (n, 3)
        Sites (m).
    seeds : array_like, shape (g, 3)
        Seeds of the grains (m), all different; z does not count. A site is of the grain of its nearest seed.
    cell : tuple of float
        Lengths of the box (m); z is not periodic.
    width : float
        Full width of the slab (m), 0 to 1e-6: a site belongs to it within half the width of the boundary.
    lateral : {"periodic", "reflecting"}
        Sides of the box: seeds have images through periodic sides; a mirror image of a seed is never nearer
        than the seed itself.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    ValueError
        If shapes, the box, the sides or the width are wrong, or two seeds coincide.

    Notes
    -----
    A site with the nearest seed ``a`` lies ``(d_b**2 - d_a**2) / (2 |a - b|)`` from the plane that bisects
    the way to seed ``b``; the plane counts where the foot of the site on it is a boundary, so the distance is
    exact also where three grains meet. Between a grain and its own image there is no boundary; within half
    the width of the plane between these a site belongs to a boundary if one of 64 points spread over the
    circle of half the width around it lies in another grain.
    """
    between("width of the grain boundary", width, 0.0, 1e-6, "m")
    points, tree, grain = seeded(position, seeds, cell, lateral)
    distance, index = _nearest(points, tree, width)
    first, mask = index[:, 0], np.zeros(len(points), dtype=bool)
    beside_image = np.zeros(len(points), dtype=bool)
    for column in range(1, index.shape[1]):
        other = index[:, column]
        rival = grain[other] != grain[first]
        displacement = tree.data[other] - tree.data[first]
        length = np.linalg.norm(displacement, axis=1)
        depth = (distance[:, column] ** 2 - distance[:, 0] ** 2) / (2.0 * length)
        on_boundary = np.flatnonzero(rival & (depth <= 0.5 * width) & ~mask)
        foot = (
            points[on_boundary]
            + displacement[on_boundary] * (depth[on_boundary] / length[on_boundary])[:, None]
        )
        home = np.linalg.norm(foot - tree.data[first[on_boundary]], axis=1)
        mask[on_boundary] = tree.query(foot)[0] >= home - 1e-9 * max(cell)
        beside_image |= ~rival & (depth <= 0.5 * width)
    unsure = np.flatnonzero(beside_image & ~mask)
    turn = 2.0 * np.pi * np.arange(64) / 64
    around = points[unsure][:, None] + 0.5 * width * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    mask[unsure] = (grain[tree.query(around)[1]] != grain[first[unsure]][:, None]).any(axis=1)
    return mask


def seeded(
    position: ArrayLike, seeds: ArrayLike, cell: Cell, lateral: str
) -> tuple[Floats, cKDTree, NDArray[np.int32]]:
    """Return the sites, a tree of all seeds with their images, and the grain of each of these."""
    from scipy.spatial import cKDTree  # 30 MB, and only grains need it

    _check_cell(cell)
    one_of("lateral", lateral, LATERAL)
    points, offsets = (
        _places(name, values)[:, :2] for name, values in (("position", position), ("seeds", seeds))
    )
    if not len(offsets):
        raise ValueError("seeds must hold at least one grain, got none")
    shifts = np.zeros((1, 2))
    if lateral == "periodic":
        box = np.asarray(cell[:2])
        points, offsets = points % box, offsets % box
        shifts = np.array([(x * box[0], y * box[1]) for x in (0, -1, 1) for y in (0, -1, 1)])
    whole = (shifts[:, None] + offsets).reshape(-1, 2)
    tree = cKDTree(whole)
    if len(offsets) > 1 and tree.query(offsets, k=2)[0][:, 1].min() <= 1e-9 * max(cell):
        raise ValueError("seeds of grains must all be at different places, got two that coincide")
    return points, tree, np.tile(np.arange(len(offsets), dtype=np.int32), len(shifts))


def _nearest(points: Floats, tree: cKDTree, reach: float) -> tuple[Floats, NDArray[np.intp]]:
    """Return distances and numbers of so many nearest seeds that none within ``reach`` more is left out."""
    # A plane within half the width has its seed within the width beyond the nearest: (d - d_a) / 2 <= depth.
    count = min(8, tree.n)
    while True:
        distance, index = tree.query(points, k=np.arange(1, count + 1))
        if count == tree.n or np.all(distance[:, -1] > distance[:, 0] + reach):
            return distance, index
        count = min(2 * count, tree.n)


def correlated_normal(
    shape: Shape, correlation_length: float, rng: np.random.Generator, lateral: Lateral = "periodic"
) -> Floats:
    """Draw standard normal numbers on the host sites with a Gaussian correlation in space.

    Parameters
    ----------
    shape : tuple of int
        Host sites in x, y and z.
    correlation_length : float
        Length l (lattice spacings), 0 to 1000: two sites at distance r have the correlation
        ``exp(-r**2 / (2 l**2))``, summed over the images through periodic sides. 0: independent.
    rng : numpy.random.Generator
        With length 0 exactly ``rng.standard_normal(n)`` is drawn.
    lateral : {"periodic", "reflecting"}
        Sides in x and y; z, and reflecting sides, are cut out of a larger sample, so that sites at the ends
        have the same law as those within.

    Returns
    -------
    ndarray of float64, shape (nx*ny*nz,)
        Mean 0 and variance 1 at every site.

    Raises
    ------
    ValueError
        If a size or the length is out of range.

    Notes
    -----
    White noise goes through a Gaussian filter whose spectrum is the root of that of the correlation, by FFT;
    the correlation is exact to rounding at any length. As ``barrier_shift`` these numbers times s give the
    saddle point of a hop between neighbours, the mean of its ends, the standard deviation
    ``s sqrt((1 + c) / 2)``, c being the correlation of neighbours.
    """
    three_whole("shape", shape)
    between("correlation length", correlation_length, 0.0, 1000.0, "lattice spacings")
    one_of("lateral", lateral, LATERAL)
    if correlation_length == 0.0:
        return rng.standard_normal(math.prod(shape))
    # Ends that are not periodic are 8 lengths apart through the period: exp(-32) = 1e-14.
    margin = math.ceil(8.0 * correlation_length)
    sides = 0 if lateral == "periodic" else margin
    values = rng.standard_normal((shape[0] + sides, shape[1] + sides, shape[2] + margin))
    for axis, size in enumerate(values.shape):
        form = [1, 1, 1]
        form[axis] = -1
        amplitude = _amplitude(size, correlation_length).reshape(form)
        values = np.fft.irfft(np.fft.rfft(values, axis=axis) * amplitude, n=size, axis=axis)
    return np.ascontiguousarray(values[: shape[0], : shape[1], : shape[2]]).ravel()


def log_normal(random: ArrayLike, width: ArrayLike) -> Floats:
    """Return log-normal factors of mean 1 from standard normal numbers.

    Parameters
    ----------
    random : array_like
        Standard normal numbers z.
    width : array_like
        Standard deviation s of the logarithm.

    Returns
    -------
    ndarray of float64
        ``exp(s z - s**2 / 2)``: above 0, with mean 1 and variance ``exp(s**2) - 1``.
    """
    wide = np.asarray(width, np.float64)
    return np.asarray(np.exp(wide * np.asarray(random, np.float64) - 0.5 * wide**2))


def hop_width(site: float, alike: float) -> float:
    """Return the standard deviation of ln(mean of the factors of two sites), see `log_normal`.

    Parameters
    ----------
    site : float
        Standard deviation s of the logarithm at a site.
    alike : float
        Correlation c, 0 to 1, of the normal numbers of the two sites.

    Returns
    -------
    float
        That of the log-normal law of the same variance, ``[exp(s**2) + exp(c s**2)] / 2 - 1``.
    """
    return math.sqrt(math.log((math.exp(site**2) + math.exp(alike * site**2)) / 2.0))


def _amplitude(size: int, length: float) -> Floats:
    """Return the root of the spectrum of the correlation on a ring of ``size`` sites, variance 1."""
    images = np.arange(-1 - math.ceil(1.5 / length), 2 + math.ceil(1.5 / length))  # terms down to 1e-19
    wave = np.arange(size)[:, None] / size + images
    spectrum = np.exp(-2.0 * (math.pi * length * wave) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(spectrum / spectrum.mean())[: size // 2 + 1])


# ---- planes


def plane_with_pores(
    shape: Shape,
    layer: int,
    pore_fraction: float,
    rng: np.random.Generator,
    *,
    pore_radius: float = 0.0,
    lateral: Lateral = "periodic",
) -> Mask:
    """Return the blocked host sites of one layer, for instance a graphene sheet with pores.

    Parameters
    ----------
    shape : tuple of int
        Host sites in x, y and z.
    layer : int
        Layer of the plane, 0 (bottom) to nz - 1.
    pore_fraction : float
        Open fraction of the plane, 0 to 1.
    rng : numpy.random.Generator
        Places the pores.
    pore_radius : float
        Radius of the pores (lattice spacings), >= 0. 0: single sites, ``round(pore_fraction nx ny)`` of them.
        Otherwise discs around sites, which may overlap, are added until at least ``pore_fraction`` is open.
    lateral : {"periodic", "reflecting"}
        Whether discs continue through the sides.

    Returns
    -------
    ndarray of bool, shape (nx*ny*nz,)
        True where the plane blocks. A hop takes the mean shift of its two ends, so a plane that should add E
        to each hop into or out of it needs a barrier shift of 2 E on these sites.

    Raises
    ------
    ValueError
        If a value is out of range.
    """
    three_whole("shape", shape)
    nx, ny, nz = shape
    whole("layer of the plane", layer, 0, nz - 1)
    between("pore_fraction", pore_fraction, 0.0, 1.0)
    at_least("pore_radius", pore_radius, 0.0, "lattice spacings")
    one_of("lateral", lateral, LATERAL)
    is_open = np.zeros((nx, ny), dtype=bool)
    if pore_radius == 0.0:
        is_open.flat[rng.choice(nx * ny, size=round(pore_fraction * nx * ny), replace=False)] = True
    else:
        # Centres in a random order without repetition: all of them together open the whole plane.
        for centre in rng.permutation(nx * ny):
            if np.count_nonzero(is_open) >= pore_fraction * nx * ny * (1.0 - 1e-12):
                break
            is_open |= _disc(nx, ny, int(centre), pore_radius, lateral == "periodic")
    blocked = np.zeros(shape, dtype=bool)
    blocked[:, :, int(layer)] = ~is_open
    return blocked.ravel()


def _disc(nx: int, ny: int, centre: int, radius: float, periodic: bool) -> Mask:
    displacements = []
    for size, middle in ((nx, centre // ny), (ny, centre % ny)):
        distance = np.abs(np.arange(size) - middle)
        displacements.append(np.minimum(distance, size - distance) if periodic else distance)
    # Half a part in 1e9: a radius of exactly two spacings includes the sites on it.
    return np.asarray(
        displacements[0][:, None] ** 2 + displacements[1][None, :] ** 2 <= radius**2 * (1 + 1e-9)
    )


# ---- checks


def _check_cell(cell: Cell) -> None:
    if len(cell) != 3 or not all(0.0 < length < math.inf for length in cell):
        raise ValueError(f"cell must be three lengths above 0 m, got {tuple(cell)}")


def _places(name: str, values: ArrayLike) -> Floats:
    array = np.array(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"{name} must have shape (n, 3), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite (m), got a value that is not")
    return array
