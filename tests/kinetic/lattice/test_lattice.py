"""Sites, neighbour tables and electrodes."""

import numpy as np
import pytest

from frenkel.kinetic.lattice.lattice import Lattice

A = 2.6e-10


def entries(table):
    """Return how often each ordered pair of sites stands in a table."""
    rows = np.repeat(np.arange(len(table)), table.shape[1])
    columns = table.ravel()
    pairs, times = np.unique(np.stack([rows, columns])[:, columns >= 0], axis=1, return_counts=True)
    return dict(zip(map(tuple, pairs.T.tolist()), times.tolist(), strict=True))


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
@pytest.mark.parametrize("shape", [(4, 3, 5), (2, 2, 2), (1, 3, 2), (5, 1, 1)])
def test_tables_are_symmetric(shape, lateral):
    lattice = Lattice.cubic(shape, A, interstitial=True, lateral=lateral)
    for name in lattice.motifs:
        found = entries(lattice.motifs[name])
        assert all(found[j, i] == times for (i, j), times in found.items()), name
        assert all(i != j for i, j in found), name


def test_numbers_layers_and_electrodes():
    lattice = Lattice.cubic((3, 4, 5), A, interstitial=True)
    assert (lattice.n_hosts, lattice.n_sites) == (60, 60 + 48)
    site = (2 * 4 + 1) * 5 + 3
    np.testing.assert_allclose(lattice.position[site] / A, (2, 1, 4))
    centre = 60 + (2 * 4 + 1) * 4 + 3
    np.testing.assert_allclose(lattice.position[centre] / A, (2.5, 1.5, 4.5))
    assert lattice.layer[site] == lattice.layer[centre] == 3
    assert lattice.electrode[:5].tolist() == [1, 0, 0, 0, 2]
    assert lattice.electrode[60:64].tolist() == [1, 0, 0, 2]
    assert lattice.thickness == pytest.approx(6 * A)


@pytest.mark.parametrize("name", ["nearest", "second", "pair"])
def test_neighbours_are_at_the_right_distance(name):
    lattice = Lattice.cubic((5, 6, 7), A, interstitial=True)
    box = np.array([5 * A, 6 * A])
    for site, row in enumerate(lattice.motifs[name]):
        delta = lattice.position[row[row >= 0]] - lattice.position[site]
        delta[:, :2] -= np.round(delta[:, :2] / box) * box
        np.testing.assert_allclose(np.linalg.norm(delta, axis=1), lattice.length(name))


def test_bulk_coordination():
    lattice = Lattice.cubic((5, 5, 5), A, interstitial=True)
    bulk = (lattice.sublattice == 0) & (lattice.layer == 2)
    for name, width in (("nearest", 6), ("second", 12), ("pair", 8)):
        assert np.all(np.count_nonzero(lattice.motifs[name][bulk] >= 0, axis=1) == width)
    assert np.all(lattice.motifs["second"][lattice.sublattice == 1] == -1)


def test_reflecting_sides_have_no_neighbours_beyond():
    lattice = Lattice.cubic((3, 3, 3), A, lateral="reflecting")
    table = lattice.motifs["nearest"]
    assert np.count_nonzero(table >= 0) == 2 * 3 * 9 * 2
    assert np.count_nonzero(table[0] >= 0) == 3


def test_list_of_positions_gives_the_cubic_tables():
    cubic = Lattice.cubic((5, 4, 4), A, interstitial=True)
    cutoffs = {"nearest": 1.1 * A, "second": 1.5 * A, "pair": 0.9 * A}
    listed = Lattice.from_positions(
        cubic.position, cubic.sublattice, (5 * A, 4 * A, 4 * A), cutoffs, lateral="periodic"
    )
    np.testing.assert_array_equal(listed.electrode, cubic.electrode)
    np.testing.assert_array_equal(listed.layer, cubic.layer)
    assert listed.spacing == pytest.approx(A)
    np.testing.assert_allclose(listed.position, cubic.position)
    for name in cutoffs:
        assert entries(listed.motifs[name]) == entries(cubic.motifs[name]), name
        assert listed.length(name) == pytest.approx(cubic.length(name))


def test_fluorite_anions_and_fcc_cations_from_positions():
    cell = 5.1e-10
    fcc = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    grid = np.indices((3, 3, 3)).reshape(3, -1).T
    position = (grid[:, None, :] + fcc[None]).reshape(-1, 3) * cell
    lattice = Lattice.from_positions(
        position, np.zeros(len(position)), (3 * cell, 3 * cell, 3 * cell), {"nearest": 0.75 * cell}
    )
    bulk = (lattice.layer > 0) & (lattice.layer < lattice.layer.max())
    assert np.all(np.count_nonzero(lattice.motifs["nearest"][bulk] >= 0, axis=1) == 12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((0, 3, 3), A), "shape must be"),
        (((3, 3), A), "shape must be"),
        (((2.5, 3, 3), A), "shape must be"),
        (((3, 3, 3), 0.26), "spacing must be between 1e-11 and 1e-07 m, got 0.26"),
        (((3, 3, 3), float("nan")), "spacing must be between"),
        (((3, 3, 3), A, False, "open"), "lateral must be"),
        (((2000, 2000, 2000), A), "at most 1e9 sites"),
    ],
)
def test_bad_box_is_an_error(arguments, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        Lattice.cubic(*arguments)


def test_bad_positions_are_errors():
    place = np.random.default_rng(0).random((5, 3)) * 1e-9
    box = (1e-9, 1e-9, 1e-9)
    with pytest.raises(ValueError, match="shape"):
        Lattice.from_positions(place[:, :2], np.zeros(5), box, {"nearest": 3e-10})
    with pytest.raises(ValueError, match="host sites"):
        Lattice.from_positions(place, [1, 0, 0, 0, 0], box, {"nearest": 3e-10})
    with pytest.raises(ValueError, match="below half the cell"):
        Lattice.from_positions(place, np.zeros(5), box, {"nearest": 6e-10})
    for radius in (0.0, -1e-10, np.nan, 1e-7, 1.5e-7):
        with pytest.raises(ValueError, match="cut-off of nearest must be between 0 and 1e-07 m"):
            Lattice.from_positions(place, np.zeros(5), box, {"nearest": radius}, lateral="reflecting")
    with pytest.raises(ValueError, match="no motif 'third'"):
        Lattice.from_positions(place, np.zeros(5), box, {"third": 3e-10})
    with pytest.raises(ValueError, match="finite"):
        Lattice.from_positions(place * np.nan, np.zeros(5), box, {"nearest": 3e-10})


def test_unknown_motif_names_the_known_ones():
    with pytest.raises(KeyError, match="nearest, second"):
        Lattice.cubic((3, 3, 3), A).motifs["third"]
