"""Sites, hops and voids that differ by symmetry, and when hops connect a crystal."""

import importlib.util

import numpy as np
import pytest

from frenkel.barriers import crystal
from frenkel.barriers.errors import BarrierError

bulk = pytest.importorskip("ase.build", reason="structures are read by ASE").bulk
needs_symmetry = pytest.mark.skipif(
    importlib.util.find_spec("spglib") is None,
    reason="spglib, of the extra barriers, is not installed",
)
HERE, X, Y, Z = (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)
RUTILE = """rutile TiO2, lattice of doi:10.1063/1.1676569
1.0
4.5937 0 0
0 4.5937 0
0 0 2.9587
Ti O
2 4
Direct
0 0 0
0.5 0.5 0.5
0.30479 0.30479 0
0.69521 0.69521 0
0.19521 0.80479 0.5
0.80479 0.19521 0.5
"""


@pytest.fixture
def rutile(tmp_path):
    path = tmp_path / "rutile.vasp"
    path.write_text(RUTILE)
    return crystal.read(path, "O")


@needs_symmetry
def test_rutile_has_one_site_and_three_hops(rutile):
    """1, 8 and 2 neighbours of each of 4 sites, as VacHopPy lists them (doi:10.1016/j.cpc.2025.110010)."""
    assert list(crystal.sites(rutile, "O").values()) == [4]
    found = crystal.hops(rutile, "O", 3.0)
    assert [hop.multiplicity for hop in found] == [4 * 1, 4 * 8, 4 * 2]
    assert [hop.length for hop in found] == pytest.approx([2.536, 2.778, 2.959], abs=1e-3)


@needs_symmetry
def test_every_neighbour_is_in_one_class_of_hops(rutile):
    from ase.neighborlist import neighbor_list

    members = [member for hop in crystal.hops(rutile, "O", 3.0) for member in hop.members]
    first, second = neighbor_list("ij", rutile, 3.0)
    oxygen = rutile.numbers == 8
    assert len(members) == len(set(members)) == np.count_nonzero(oxygen[first] & oxygen[second])
    assert {(end, start, tuple(-k for k in shift)) for start, end, shift in members} == set(members)


@needs_symmetry
def test_the_largest_void_of_fcc_is_the_octahedral_one():
    (place,) = crystal.voids(bulk("Cu", cubic=True, a=3.6), 1)
    gaps = np.abs(place / 3.6 - np.array([[0.5, 0.5, 0.5], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]))
    assert np.abs(gaps - np.rint(gaps)).sum(axis=1).min() < 1e-6


def test_a_supercell_keeps_images_apart():
    assert crystal.supercell_of(bulk("Cu", cubic=True, a=3.6)) == (3, 3, 3)


@pytest.mark.parametrize(
    ("hops", "energy"),
    [
        ([(0, 0, X, 0.5), (0, 0, Y, 0.7), (0, 0, Z, 0.9), (0, 0, (1, 1, 0), 0.1)], 0.9),
        ([(0, 0, X, 0.5), (0, 0, Y, 0.7)], np.nan),  # a plane
        # Two sites: only both ways round the second one lead into the neighbouring cells.
        ([(0, 1, HERE, 0.3), (1, 0, X, 0.4), (1, 0, Y, 0.5), (1, 0, Z, 0.6)], 0.6),
        # A connected network beside a site that is reached over 2 eV.
        ([(0, 1, HERE, 0.3), (2, 2, X, 0.1), (2, 2, Y, 0.1), (2, 2, Z, 0.2), (1, 2, HERE, 2.0)], 0.2),
    ],
)  # fmt: skip
def test_hops_percolate_at_the_highest_saddle_that_is_needed(hops, energy):
    assert crystal.percolation(hops) == pytest.approx(energy, nan_ok=True)


@needs_symmetry
def test_too_short_a_cutoff_says_how_far_neighbours_are(rutile):
    with pytest.raises(BarrierError, match=r"no two O atoms are within the cut-off of 2 angstrom: .* 2\.54"):
        crystal.hops(rutile, "O", 2.0)


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(BarrierError, match="there is no file nothing.cif"):
        crystal.read(type(tmp_path)("nothing.cif"), "O")
    for text in ("no crystal", "data_x\n_cell_length_a 5\n", "data_a\nloop_\n_atom_site_label\nO\n"):
        (tmp_path / "empty.cif").write_text(text)
        with pytest.raises(BarrierError, match="ASE cannot read empty.cif as a structure: no block"):
            crystal.read(tmp_path / "empty.cif", "O")
    with pytest.raises(BarrierError, match="invalid literal .*; write it again as CIF, POSCAR or"):
        (tmp_path / "x.xyz").write_text("hello\n")
        crystal.read(tmp_path / "x.xyz", "O")
    (tmp_path / "molecule.xyz").write_text("1\n\nO 0 0 0\n")
    with pytest.raises(BarrierError, match="molecule.xyz has no cell with three vectors"):
        crystal.read(tmp_path / "molecule.xyz", "O")
    (tmp_path / "rutile.vasp").write_text(RUTILE)
    with pytest.raises(BarrierError, match="rutile.vasp has no atom of 'N', only of O, Ti"):
        crystal.read(tmp_path / "rutile.vasp", "N")
