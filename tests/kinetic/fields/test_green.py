"""The Green's table against a direct sparse solve of the same lattice, and its closed forms."""

import green_entries
import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sl

from frenkel.kinetic.fields.green import GreenTable

SPACING = 0.26e-9


def laplacian(shape, lateral, z_link, layer):
    """Return the Laplacian of a box, built link by link (nothing shared with the code under test)."""
    nx, ny, nz = shape
    matrix = sp.lil_array((nx * ny * nz, nx * ny * nz))

    def join(i, j, g):
        for p, q in ((i, j), (j, i)):
            matrix[p, p] += g
            matrix[p, q] -= g

    for x, y, z in np.ndindex(shape):
        i = (x * ny + y) * nz + z
        matrix[i, i] += (z_link[0] if z == 0 else 0) + (z_link[nz] if z == nz - 1 else 0)
        if z + 1 < nz:
            join(i, i + 1, z_link[z + 1])
        for x2, y2, n, at_edge in (((x + 1) % nx, y, nx, x == nx - 1), (x, (y + 1) % ny, ny, y == ny - 1)):
            if n > 1 and not (at_edge and lateral == "reflecting"):
                join(i, (x2 * ny + y2) * nz + z, layer[z])
    return matrix.tocsc()


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
@pytest.mark.parametrize("shape", [(6, 5, 4), (7, 4, 3), (1, 1, 5), (1, 6, 4), (2, 1, 1), (2, 3, 6)])
@pytest.mark.parametrize("contrast", [1, 30])
def test_table_is_the_inverse_of_the_lattice(shape, lateral, contrast):
    random = np.random.default_rng(7)
    z_link = contrast ** random.uniform(-1, 1, shape[2] + 1)
    layer = contrast ** random.uniform(-1, 1, shape[2])
    table = GreenTable(shape, SPACING, lateral=lateral, z_link=z_link, layer=layer)
    exact = np.linalg.inv(laplacian(shape, lateral, z_link, layer).toarray())
    every = np.arange(table.n_sites)
    assert green_entries.block(table, every, every) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
@pytest.mark.parametrize("shape", [(6, 5, 4), (1, 1, 5), (1, 6, 1), (9, 8, 7)])
def test_response_everywhere_is_the_direct_solution(shape, lateral):
    random = np.random.default_rng(8)
    z_link, layer = random.uniform(0.1, 3, shape[2] + 1), random.uniform(0.1, 3, shape[2])
    table = GreenTable(shape, SPACING, lateral=lateral, z_link=z_link, layer=layer)
    source = random.normal(size=table.n_sites)
    kept = source.copy()
    exact = sl.spsolve(laplacian(shape, lateral, z_link, layer), source)
    assert np.abs(table.respond(source) - exact).max() <= 1e-13 * np.abs(exact).max()
    assert np.array_equal(source, kept)


def test_everywhere_agrees_with_the_table_and_adds_a_site_named_twice():
    table = GreenTable((8, 6, 5), SPACING)
    sites = np.array([3, 77, 3, 201])
    source = np.array([1.0, -2.0, 0.5, 3.0])
    every = np.arange(table.n_sites)
    expected = green_entries.block(table, every, sites) @ source
    assert green_entries.everywhere(table, sites, source) == pytest.approx(expected, abs=1e-14)


def test_table_keeps_its_digits_with_layers_of_contrast_1e8():
    z_link = np.ones(9)
    z_link[3:6] = 1e8
    layer = np.where(np.arange(8) % 3 == 1, 1e-8, 1.0)
    table = GreenTable((6, 6, 8), SPACING, z_link=z_link, layer=layer)
    every = np.arange(table.n_sites)
    block = green_entries.block(table, every, every)
    assert np.all(block > 0)
    assert np.array_equal(table.table, table.table.swapaxes(2, 3))
    # Unit current from each site must reach the electrodes: the bottom's share and the top's add up to 1.
    bottom = block[every % 8 == 0].sum(axis=0) * z_link[0]
    top = block[every % 8 == 7].sum(axis=0) * z_link[8]
    assert bottom + top == pytest.approx(np.ones(table.n_sites), abs=1e-13)


@pytest.mark.parametrize(("name", "offset", "dimensions", "exact"), [
    ("square, nearest", (1, 0), 2, 0.5), ("square, diagonal", (1, 1), 2, 2 / np.pi),
    ("cubic, nearest", (1, 0), 3, 1 / 3),
])
def test_infinite_resistor_lattices(name, offset, dimensions, exact):
    """X-27: resistance between two sites; the images of the box's sides fall off as n^-dimensions."""
    n = 64 if dimensions == 2 else 20
    found = []
    for side in (n, 2 * n):
        shape = (1, side, side) if dimensions == 2 else (side, side, side)
        table = GreenTable(shape, SPACING)
        first = (side // 2) * side + side // 2
        pair = np.array([first, first + offset[0] * side + offset[1]])
        block = green_entries.block(table, pair, pair)
        found.append(block[0, 0] + block[1, 1] - 2 * block[0, 1])
    extrapolated = (2**dimensions * found[1] - found[0]) / (2**dimensions - 1)
    assert extrapolated == pytest.approx(exact, abs=2e-6), name


def test_background_divides_the_voltage_over_the_layers():
    z_link = np.array([1.0, 2.0, 4.0, 0.5])
    table = GreenTable((3, 3, 3), SPACING, z_link=z_link)
    drops = np.diff(np.r_[0.2, table.background(0.2, 1.7), 1.7])
    assert drops * z_link == pytest.approx(np.full(4, 1.5 / np.sum(1 / z_link)))
    assert table.conductance == pytest.approx(9 / np.sum(1 / z_link))


@pytest.mark.parametrize(("change", "message"), [
    ({"shape": (4, 4)}, "shape must be three whole numbers"),
    ({"shape": (4, 0, 4)}, "shape must be three whole numbers"),
    ({"shape": (4, 4.5, 4)}, "shape must be three whole numbers"),
    ({"shape": (300, 300, 200)}, "above the limit of 4 GB"),
    ({"spacing": -1.0}, r"spacing must be positive and finite \(m\), got -1"),
    ({"spacing": float("nan")}, r"spacing must be positive and finite \(m\), got nan"),
    ({"lateral": "open"}, "lateral must be"),
    ({"z_link": [1, 1]}, "z_link must be 5 finite numbers"),
    ({"z_link": [1, 1, 0, 1, 1]}, "z_link must be 5 finite numbers"),
    ({"layer": [1, 1, -1, 1]}, "layer must be 4 finite numbers"),
])
def test_bad_tables_are_refused(change, message):
    given = {"shape": (4, 4, 4), "spacing": SPACING, **change}
    with pytest.raises(ValueError, match=message):
        GreenTable(given.pop("shape"), given.pop("spacing"), **given)


def test_bad_sites_and_sources_are_refused():
    table = GreenTable((3, 3, 3), SPACING)
    with pytest.raises(ValueError, match="sites must be between 0 and 26"):
        green_entries.block(table, [27], [0])
    with pytest.raises(ValueError, match="one value per site"):
        green_entries.everywhere(table, [1, 2], [1.0])
    with pytest.raises(ValueError, match="source must have shape"):
        table.respond(np.zeros(5))
