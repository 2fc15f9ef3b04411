"""Grains and their boundaries, disorder, planes with pores: against geometry and exact laws.

Nothing here is statistical: seeds of grains are made by hand or compared with a slow construction of the same
seeds, and the law of the disorder is read off the filter, fed with one unit impulse after the other.
"""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from balance import kolmogorov_loop, worst_imbalance
from gas_runs import run
from scipy.spatial import Voronoi

from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.lattice.structure import (
    correlated_normal,
    grain_boundary,
    grain_count,
    grain_seeds,
    plane_with_pores,
    seeded,
)
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms import place
from frenkel.kinetic.mechanisms.mechanism import Mechanism

A = 2.6e-10


def grid(shape, cell):
    """Return the centres of the pixels that divide a box evenly, shape (n, 3)."""
    axes = [(np.arange(n) + 0.5) * length / n for n, length in zip(shape, cell, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


def boundary(place, seeds, cell, width, **how):
    """Call `grain_boundary` with lengths in nanometres."""
    nm = 1e-9
    return grain_boundary(
        np.asarray(place) * nm, np.asarray(seeds) * nm, tuple(nm * x for x in cell), width * nm, **how
    )


# ---- grains


def voronoi_grains(place, seeds, cell, *, lateral="periodic"):
    """Return the grain of every site, the number of its nearest seed, as `grain_boundary` takes it."""
    points, tree, grain = seeded(place, seeds, cell, lateral)
    return grain[tree.query(points)[1]]


def test_hand_made_seeds_divide_a_box_as_drawn():
    """Two columns whose boundaries lie at 1/2 and, through the period, at 0; four quarters likewise."""
    cell = (8.0, 4.0, 2.0)
    place = grid((80, 20, 3), cell)
    two = voronoi_grains(place, [(2.0, 1.0, 0.0), (6.0, 1.0, 1.7)], cell)
    np.testing.assert_array_equal(two, place[:, 0] > 4.0)
    quarters = [(2.0, 1.0, 0), (2.0, 3.0, 0), (6.0, 1.0, 0), (6.0, 3.0, 0)]
    four = voronoi_grains(place, quarters, cell)
    np.testing.assert_array_equal(four, 2 * (place[:, 0] > 4.0) + (place[:, 1] > 2.0))
    np.testing.assert_array_equal(np.bincount(four), [1200] * 4)  # equal areas, and their sum is the box


def test_periodic_and_reflecting_sides_differ_as_they_must():
    """Seeds at 1 and 3 of 8: bisectors at 2 and, through the period, at 6; reflecting sides have only one."""
    cell = (8.0, 8.0, 1.0)
    place, seeds = grid((160, 4, 1), cell), [(1.0, 4.0, 0.0), (3.0, 4.0, 0.0)]
    periodic = voronoi_grains(place, seeds, cell)
    np.testing.assert_array_equal(periodic, (place[:, 0] > 2.0) & (place[:, 0] < 6.0))
    reflecting = voronoi_grains(place, seeds, cell, lateral="reflecting")
    np.testing.assert_array_equal(reflecting, place[:, 0] > 2.0)


def test_grains_are_columns():
    cell = (6.0, 6.0, 8.0)
    place = grid((6, 6, 32), cell)
    seeds = grain_seeds(cell, 9, np.random.default_rng(2))
    column = voronoi_grains(place, seeds, cell).reshape(36, 32)
    assert np.all(column == column[:, :1]) and len(np.unique(column)) == 9


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_grain_is_the_nearest_seed_by_brute_force(lateral):
    rng = np.random.default_rng(3)
    cell = (5.0, 9.0, 4.0)
    place, seeds = rng.random((400, 3)) * cell, grain_seeds(cell, 7, rng)
    away = place[:, None] - seeds
    if lateral == "periodic":
        away[..., :2] -= np.round(away[..., :2] / cell[:2]) * cell[:2]
    flat = voronoi_grains(place, seeds, cell, lateral=lateral)
    np.testing.assert_array_equal(flat, np.linalg.norm(away[..., :2], axis=2).argmin(axis=1))


@pytest.mark.parametrize(("lateral", "planes"), [("periodic", (2.0, 6.0)), ("reflecting", (2.0,))])
def test_boundary_of_two_slabs_is_the_share_of_its_width(lateral, planes):
    """Boundaries one wide in a box eight wide: exactly planes/8 of the sites, none along the own images."""
    cell = (8.0, 2.0, 1.0)
    place, seeds = grid((160, 8, 1), cell), [(1.0, 1.0, 0.0), (3.0, 1.0, 0.0)]
    mask = boundary(place, seeds, cell, 1.0, lateral=lateral)
    distance = np.min([np.abs(place[:, 0] - plane) for plane in planes], axis=0)
    np.testing.assert_array_equal(mask, distance <= 0.5)
    assert mask.mean() == len(planes) / 8


def test_one_grain_has_no_boundary():
    cell = (4.0, 4.0, 4.0)
    for lateral in ("periodic", "reflecting"):
        assert not boundary(grid((8, 8, 8), cell), [(1.0, 2.0, 3.0)], cell, 1.0, lateral=lateral).any()


def ridge_distance(place, seeds, box):
    """Return the distance from points of the plane to the edges between different grains, one by one."""
    images = [(x * box[0], y * box[1]) for x, y in product((-2, -1, 0, 1, 2), repeat=2)]
    diagram = Voronoi(np.concatenate([seeds + image for image in images]))
    least = np.full(len(place), np.inf)
    for (a, b), ends in zip(diagram.ridge_points, diagram.ridge_vertices, strict=True):
        if a % len(seeds) == b % len(seeds) or min(ends) < 0:
            continue
        start, way = diagram.vertices[ends[0]], diagram.vertices[ends[1]] - diagram.vertices[ends[0]]
        along = np.clip((place - start) @ way / (way @ way), 0.0, 1.0)
        least = np.minimum(least, np.linalg.norm(place - start - along[:, None] * way, axis=1))
    return least


@pytest.mark.parametrize("seed", range(4))
def test_boundary_is_exact_where_grains_meet(seed):
    """The same mask as from the distance to every edge of scipy's Voronoi diagram; wide slabs too."""
    rng = np.random.default_rng(seed)
    cell = (10.0, 7.0, 1.0)
    place, seeds = grid((120, 84, 1), cell), grain_seeds(cell, 24, rng)
    distance = ridge_distance(place[:, :2], seeds[:, :2], cell)
    for width in (0.1, 0.5, 1.5):
        np.testing.assert_array_equal(boundary(place, seeds, cell, width), distance <= 0.5 * width)


def test_boundary_of_few_grains_adds_nothing_and_misses_next_to_nothing():
    """Two to four grains, which touch their own images: at most 0.3 % is missed, at the very edge."""
    cell = (10.0, 7.0, 1.0)
    place = grid((100, 70, 1), cell)
    for grains, seed in product((2, 3, 4), range(5)):
        seeds = grain_seeds(cell, grains, np.random.default_rng(seed))
        distance = ridge_distance(place[:, :2], seeds[:, :2], cell)
        mask, inside = boundary(place, seeds, cell, 0.8), distance <= 0.4
        assert not np.any(mask & ~inside)
        missed = inside & ~mask
        assert missed.sum() <= 0.003 * inside.sum() and np.all(distance[missed] > 0.37), (grains, seed)


def test_grains_follow_from_the_seed_alone():
    cell = (5e-9, 5e-9, 4e-9)
    lattice = Lattice.cubic((20, 20, 16), A)
    masks = []
    for seed in (1, 1, 2):
        seeds = grain_seeds(cell, 6, np.random.default_rng(seed))
        masks.append(grain_boundary(lattice.position, seeds, cell, 0.5e-9))
    np.testing.assert_array_equal(masks[0], masks[1])
    assert np.any(masks[0] != masks[2]) and 0.1 < masks[0].mean() < 0.6


def test_count_of_grains():
    assert grain_count((10e-9, 10e-9, 5e-9), 5e-9) == 4
    assert grain_count((2e-9, 2e-9, 5e-9), 10e-9) == 1


# ---- disorder


class Impulse:
    """In place of a generator: one unit impulse among the white noise."""

    def __init__(self, number):
        self.number = number

    def standard_normal(self, shape):
        values = np.zeros(shape)
        if self.number < values.size:
            values.flat[self.number] = 1.0
        self.size = values.size
        return values


def covariance(shape, length, lateral):
    first = Impulse(0)
    columns = [correlated_normal(shape, length, first, lateral)]
    columns += [correlated_normal(shape, length, Impulse(k), lateral) for k in range(1, first.size)]
    return np.transpose(columns) @ np.array(columns)


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
@pytest.mark.parametrize(
    ("shape", "length"), [((6, 1, 1), 0.4), ((7, 1, 1), 1.3), ((3, 1, 4), 0.7), ((2, 3, 2), 1.0)]
)
def test_disorder_has_exactly_the_law_it_states(shape, length, lateral):
    """Variance 1 at every site and the Gaussian correlation of every pair, with images where periodic."""

    def along(size, periodic):
        away = np.subtract.outer(np.arange(size), np.arange(size)).astype(float)
        images = np.arange(-40, 41) * size if periodic else np.zeros(1)
        term = np.exp(-((away[..., None] + images) ** 2) / (2 * length**2)).sum(-1)
        return term / term[0, 0]

    periodic = lateral == "periodic"
    wanted = np.kron(np.kron(along(shape[0], periodic), along(shape[1], periodic)), along(shape[2], False))
    got = covariance(shape, length, lateral)
    np.testing.assert_allclose(got, wanted, atol=1e-12)
    np.testing.assert_allclose(np.diag(got), 1.0, atol=1e-12)


def test_disorder_without_length_is_white_and_repeats():
    white = correlated_normal((4, 5, 6), 0.0, np.random.default_rng(1))
    np.testing.assert_array_equal(white, np.random.default_rng(1).standard_normal(120))
    one, two = (correlated_normal((6, 6, 9), 2.0, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (324,)


# ---- detailed balance of everything at once


def rough(shape, lateral):
    """Return site energies and barrier shifts with disorder, grain boundaries and a porous plane at once."""
    rng = np.random.default_rng(7)
    lattice = Lattice.cubic(shape, A, lateral=lateral)
    cell = tuple(A * n for n in shape)
    mask = grain_boundary(lattice.position, grain_seeds(cell, 3, rng), cell, 2 * A, lateral=lateral)
    site = 0.1 * correlated_normal(shape, 1.5, rng, lateral) - 0.15 * mask
    shift = 0.05 * correlated_normal(shape, 0.8, rng, lateral) - 0.3 * mask
    shift += 2 * 0.4 * plane_with_pores(shape, 2, 0.3, rng, lateral=lateral)
    return lattice, site, shift, rng.normal(0.0, 0.1, lattice.n_sites)


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_x07_holds_with_all_structure(lateral):
    """Fails by 2 eV/kT and more when the way back is taken with another draw of the site energies."""
    lattice, site, shift, potential = rough((4, 5, 6), lateral)
    assert worst_imbalance(lattice, site, shift, potential) < 1e-12
    assert np.ptp(shift) > 0.9 and np.ptp(site) > 0.15


def test_kolmogorov_loop_with_all_structure():
    """Around a square through the plane, and around the whole box through its period."""
    lattice, site, shift, potential = rough((4, 5, 6), "periodic")

    def number(x, y, z):
        return (x * 5 + y) * 6 + z

    square = [number(0, 0, 1), number(1, 0, 1), number(1, 0, 2), number(0, 0, 2)]
    around = [number(x, 2, 3) for x in range(4)]
    for sites in (square, around):
        assert abs(kolmogorov_loop(lattice, site, shift, potential, sites)) < 1e-12
        assert np.ptp(site[sites]) > 0.01


# ---- planes


def test_single_pores_are_counted_exactly():
    shape = (10, 8, 5)
    blocked = plane_with_pores(shape, 3, 0.25, np.random.default_rng(1)).reshape(shape)
    assert blocked[:, :, 3].sum() == 60 and blocked.sum() == 60
    assert plane_with_pores(shape, 0, 0.0, np.random.default_rng(1)).sum() == 80
    assert not plane_with_pores(shape, 0, 1.0, np.random.default_rng(1)).any()


def test_disc_pores_have_their_radius():
    """One disc of radius 2 is 13 sites, through the period too; two of radius 1.5 open 9 to 18."""
    shape = (9, 9, 2)
    for seed in range(5):
        blocked = plane_with_pores(shape, 1, 1 / 81, np.random.default_rng(seed), pore_radius=2.0)
        assert 81 - blocked.sum() == 13
    spread = {
        81
        - int(
            plane_with_pores(
                shape, 0, 0.01, np.random.default_rng(s), pore_radius=2, lateral="reflecting"
            ).sum()
        )
        for s in range(30)
    }
    assert max(spread) == 13 and min(spread) < 13  # cut by a side
    share = [
        1 - plane_with_pores((30, 30, 1), 0, 0.4, np.random.default_rng(s), pore_radius=1.5).mean()
        for s in range(5)
    ]
    assert all(0.4 <= one < 0.41 for one in share)
    assert not plane_with_pores(shape, 0, 1.0, np.random.default_rng(1), pore_radius=2.0).any()


def test_plane_repeats_with_its_seed():
    one, two, other = (plane_with_pores((12, 12, 3), 1, 0.3, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert np.any(one != other)


def test_ions_pass_a_plane_through_its_pores_alone():
    """A plane of 2 x 3 eV on its sites: at 600 K a hop through it is a matter of 1e26 pore hops."""
    shape = (6, 6, 3)
    blocked = plane_with_pores(shape, 1, 0.2, np.random.default_rng(3))
    lattice = Lattice.cubic(shape, A)
    hop = Mechanism(
        "hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), barrier=0.5, attempt_frequency=1e13,
        barrier_shift=2 * 3.0 * blocked,
    )  # fmt: skip
    species = np.tile([1, 0, 0], 36)
    gas = LatticeGas(lattice, [hop], species, temperature=600.0, seed=1)
    table = gas.transitions()
    into = table[lattice.layer[table["site_b"]] == 1]
    assert len(into) == 36
    np.testing.assert_allclose(into["barrier"], np.where(blocked[into["site_b"]], 3.5, 0.5), atol=1e-12)
    run(gas, events=3000)
    assert np.count_nonzero(gas.engine.species[2::3]) > 0
    assert not gas.engine.species[blocked].any()


# ---- errors

CELL, RNG = (1e-9, 1e-9, 1e-9), np.random.default_rng(0)
BAD = [
    (lambda: grain_count(CELL, 0.0), r"grain size must be positive and finite \(m\), got 0"),
    (lambda: grain_seeds(CELL, 0, RNG), "grains must be a whole number between 1 and 1000000, got 0"),
    (lambda: grain_seeds((1.0, 0.0, 1.0), 2, RNG), "cell must be three lengths above 0 m"),
    (lambda: voronoi_grains(np.zeros((3, 2)), [(0, 0, 0)], CELL), r"position must have shape \(n, 3\)"),
    (lambda: voronoi_grains([(0, 0, np.nan)], [(0, 0, 0)], CELL), "position must be finite"),
    (lambda: voronoi_grains([(0, 0, 0)], np.zeros((0, 3)), CELL), "at least one grain"),
    (lambda: voronoi_grains([(0, 0, 0)], [(0, 0, 0), (0, 0, 5e-10)], CELL), "got two that coincide"),
    (lambda: voronoi_grains([(0, 0, 0)], [(0, 0, 0), (1e-9, 0, 0)], CELL), "got two that coincide"),
    (lambda: voronoi_grains([(0, 0, 0)], [(0, 0, 0)], CELL, lateral="open"), "got 'open'"),
    (lambda: grain_boundary([(0, 0, 0)], [(0, 0, 0)], CELL, -1e-9), "width of the grain boundary"),
    (lambda: correlated_normal((2, 2, 2), -1.0, RNG), "between 0 and 1000 lattice spacings, got -1"),
    (lambda: correlated_normal((2, 2, 0), 1.0, RNG), "three whole numbers"),
    (lambda: plane_with_pores((4, 4, 3), 3, 0.1, RNG), "between 0 and 2, got 3"),
    (lambda: plane_with_pores((4, 4, 3), 1, 1.5, RNG), "pore_fraction must be between 0 and 1, got 1.5"),
    (lambda: plane_with_pores((4, 4, 3), 1, 0.5, RNG, pore_radius=-1.0), "pore_radius must be at least 0"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_values_are_one_sentence(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_without_a_section_for_them_all_sites_are_where_filaments_may_grow():
    """And with single sites as many as the fraction says, each once; exact."""
    lattice = Lattice.cubic((4, 5, 6), 2.6e-10)
    random = np.random.default_rng(1)

    def region(**sections):
        numbers = SimpleNamespace(
            lattice=SimpleNamespace(spacing=2.6e-10), has=sections.__contains__, **sections
        )
        return place._weak_region(numbers, lattice, (4, 5, 6), random)

    everywhere = region()
    assert everywhere.dtype == bool and everywhere.shape == (120,) and everywhere.all()
    some = region(sites=SimpleNamespace(fraction=0.23))
    assert some.dtype == bool and np.count_nonzero(some) == 28
