"""Lists of sites from `.xyz`, `.extxyz` and `.cif` files."""

import sys

import numpy as np
import pytest
from balance import kolmogorov_loop, worst_imbalance

from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.site_list import read_sites

pytest.importorskip("ase", reason="reading lists of sites needs the extra 'ase'")

RUTILE_A, RUTILE_C, U = 4.594, 2.959, 0.305  # TiO2, angstrom
ANGSTROM = 1e-10

MONOCLINIC = """data_monoclinic
_cell_length_a 5.117
_cell_length_b 5.175
_cell_length_c 5.291
_cell_angle_alpha 90
_cell_angle_beta 99.22
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1 21/c 1'
_symmetry_Int_Tables_number 14
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
'-x, y+1/2, -z+1/2'
'-x, -y, -z'
'x, -y+1/2, z+1/2'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Hf1 Hf 0.276 0.040 0.208
O1 O 0.074 0.332 0.347
O2 O 0.449 0.758 0.480
"""
"""A cell like that of baddeleyite; the third vector is tilted in the plane of x and z."""


def rutile(repeat=(1, 1, 1), extra=()):
    """Return symbols and positions (angstrom) of rutile, tetragonal axis along z."""
    basis = [
        ("Ti", 0, 0, 0), ("Ti", 0.5, 0.5, 0.5), ("O", U, U, 0), ("O", 1 - U, 1 - U, 0),
        ("O", 0.5 + U, 0.5 - U, 0.5), ("O", 0.5 - U, 0.5 + U, 0.5), *extra,
    ]  # fmt: skip
    cells = [(i, j, k) for i in range(repeat[0]) for j in range(repeat[1]) for k in range(repeat[2])]
    edges = np.array([RUTILE_A, RUTILE_A, RUTILE_C])
    return [(symbol, (np.array(x) + cell) * edges) for cell in cells for symbol, *x in basis]


def write_xyz(path, atoms, comment=""):
    lines = [str(len(atoms)), comment]
    lines += [f"{symbol} {' '.join(f'{x:.8f}' for x in place)}" for symbol, place in atoms]
    path.write_text("\n".join(lines) + "\n")
    return path


def extended(repeat):
    x, y, z = (n * edge for n, edge in zip(repeat, (RUTILE_A, RUTILE_A, RUTILE_C), strict=True))
    return f'Lattice="{x} 0 0 0 {y} 0 0 0 {z}" Properties=species:S:1:pos:R:3 pbc="T T F"'


def distances(lattice, width):
    """Return all distances of host sites, the nearest image each."""
    place = lattice.position[: lattice.n_hosts]
    away = place[:, None] - place
    away[..., :2] -= np.round(away[..., :2] / width) * width
    return np.linalg.norm(away, axis=2)


@pytest.mark.parametrize("ending", ["xyz", "extxyz"])
def test_rutile_has_its_neighbours(tmp_path, ending):
    """Within 3 angstrom an oxygen of rutile has 1 + 8 + 2 others; along z the ends are cut."""
    path = write_xyz(tmp_path / f"rutile.{ending}", rutile((2, 2, 3)), extended((2, 2, 3)))
    lattice = read_sites(path, host="O", cutoff=3.0 * ANGSTROM)
    assert lattice.n_hosts == lattice.n_sites == 48 and isinstance(lattice, Lattice)
    degree = (lattice.motifs["nearest"] >= 0).sum(axis=1)
    inside = (lattice.layer > 1) & (lattice.layer < lattice.layer.max() - 1)
    assert np.all(degree[inside] == 11) and degree.max() == 11
    near = (distances(lattice, 2 * RUTILE_A * ANGSTROM) <= 3.0 * ANGSTROM).sum(axis=1) - 1
    np.testing.assert_array_equal(degree, near)


def test_electrodes_touch_the_outermost_layers(tmp_path):
    path = write_xyz(tmp_path / "rutile.xyz", rutile(), extended((1, 1, 1)))
    lattice = read_sites(path, host="O", cutoff=3.0 * ANGSTROM, repeat=(2, 2, 3))
    height, spacing = lattice.position[:, 2], 0.5 * RUTILE_C * ANGSTROM
    np.testing.assert_array_equal(lattice.electrode == 1, height < 1.01 * spacing)
    np.testing.assert_array_equal(lattice.electrode == 2, height > 5.99 * spacing)
    assert (lattice.electrode == 1).sum() == (lattice.electrode == 2).sum() == 8
    deep = read_sites(path, host="O", cutoff=3.0 * ANGSTROM, repeat=(2, 2, 3), contact=1.1 * spacing)
    assert (deep.electrode == 1).sum() == (deep.electrode == 2).sum() == 16


def test_repeat_is_the_larger_file(tmp_path):
    small = write_xyz(tmp_path / "small.xyz", rutile(), extended((1, 1, 1)))
    large = write_xyz(tmp_path / "large.xyz", rutile((2, 2, 2)), extended((2, 2, 2)))
    one = read_sites(small, host="O", cutoff=3e-10, repeat=(2, 2, 2))
    two = read_sites(large, host="O", cutoff=3e-10)
    np.testing.assert_allclose(one.position, two.position, atol=1e-17)
    np.testing.assert_array_equal(one.motifs["nearest"], two.motifs["nearest"])


def test_plain_xyz_takes_its_cell_from_the_call(tmp_path):
    path = write_xyz(tmp_path / "plain.xyz", rutile((2, 2, 2)), "made by hand")
    with pytest.raises(ValueError, match=r"plain.xyz has no cell; give cell=\(x, y, z\) in m"):
        read_sites(path, host="O", cutoff=3e-10)
    cell = (2 * RUTILE_A * ANGSTROM, 2 * RUTILE_A * ANGSTROM, 2 * RUTILE_C * ANGSTROM)
    lattice = read_sites(path, host="O", cutoff=3e-10, cell=cell)
    other = read_sites(
        write_xyz(tmp_path / "with.xyz", rutile((2, 2, 2)), extended((2, 2, 2))), host="O", cutoff=3e-10
    )
    np.testing.assert_array_equal(lattice.motifs["nearest"], other.motifs["nearest"])


def test_interstitial_sites_are_the_dummy_atoms(tmp_path):
    """Dummy atoms in the empty channel of rutile, before the hosts in the file; they come after them."""
    extra = [("X", 0.5, 0.0, 0.5), ("X", 0.0, 0.5, 0.5)]
    path = write_xyz(tmp_path / "channel.xyz", rutile(extra=extra)[::-1], extended((1, 1, 1)))
    lattice = read_sites(path, host="O", cutoff=3.0e-10, repeat=(2, 2, 2))
    assert lattice.n_hosts == 32 and lattice.n_sites == 48
    np.testing.assert_array_equal(lattice.sublattice, [0] * 32 + [1] * 16)
    pair = lattice.motifs["pair"]
    assert np.all(pair[32:] < 32) and np.all((pair[32:] >= 0).sum(axis=1) >= 4)
    assert np.all((pair[:32] < 0) | (pair[:32] >= 32))
    alone = read_sites(path, host="O", cutoff={"nearest": 3e-10}, repeat=(2, 2, 2), interstitial=None)
    assert alone.n_sites == 32 and list(alone.motifs) == ["nearest"]


def test_cif_with_symmetry_and_a_tilted_axis(tmp_path):
    """Eight oxygen atoms in a monoclinic cell; neighbours by brute force."""
    path = tmp_path / "monoclinic.cif"
    path.write_text(MONOCLINIC)
    lattice = read_sites(path, host="O", cutoff=3.2e-10, repeat=(2, 2, 3))
    assert lattice.n_sites == 8 * 12
    width = 2 * np.array([5.117, 5.175]) * ANGSTROM
    near = (distances(lattice, width) <= 3.2 * ANGSTROM).sum(axis=1) - 1
    np.testing.assert_array_equal((lattice.motifs["nearest"] >= 0).sum(axis=1), near)
    assert near.min() >= 3


def imported(tmp_path, kind):
    if kind == "rutile":
        path = write_xyz(tmp_path / "rutile.extxyz", rutile(), extended((1, 1, 1)))
        return read_sites(path, host="O", cutoff=3.0e-10, repeat=(2, 2, 3))
    path = tmp_path / "monoclinic.cif"
    path.write_text(MONOCLINIC)
    return read_sites(path, host="O", cutoff=3.2e-10, repeat=(2, 2, 2))


@pytest.mark.parametrize("kind", ["rutile", "monoclinic"])
def test_x07_of_vacancies_on_an_imported_lattice(tmp_path, kind):
    """Forward over reverse is exp(-dE/kT) to 1e-12 on a random walk, with rough energies and fields."""
    lattice = imported(tmp_path, kind)
    rng = np.random.default_rng(1)
    site, shift, potential = (scale * rng.standard_normal(lattice.n_sites) for scale in (0.1, 0.05, 0.1))
    assert worst_imbalance(lattice, site, shift, potential) < 1e-12
    near = lattice.motifs["nearest"]
    first = int(np.flatnonzero((near >= 0).sum(axis=1) >= 8)[0])
    ring = next(
        [first, int(j), int(k)]
        for j in near[first] for k in near[j] if j >= 0 and k >= 0 and k != first and k in near[first]
    )  # fmt: skip
    assert abs(kolmogorov_loop(lattice, site, shift, potential, ring)) < 1e-12


# ---- errors


def message_of(error, call):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text and len(text) < 300
    return text


def test_missing_and_unknown_files(tmp_path):
    assert "no such file" in message_of(
        ValueError, lambda: read_sites(tmp_path / "none.cif", host="O", cutoff=3e-10)
    )
    assert "must end in .xyz, .extxyz, .cif" in message_of(
        ValueError, lambda: read_sites(tmp_path / "cell.pdb", host="O", cutoff=3e-10)
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty.cif", ""),
        ("words.cif", "this is no crystal\n"),
        ("short.cif", "data_x\n_cell_length_a 5\nloop_\n_atom_site_label\n_atom_site_fract_x\nO1\n"),
        ("noatoms.cif", MONOCLINIC.split("loop_\n_atom_site_label")[0]),
        ("badnumber.cif", MONOCLINIC.replace("0.074", "here")),
        ("empty.xyz", ""),
        ("words.xyz", "no number\n\nO 0 0 0\n"),
        ("short.xyz", "3\n\nO 0 0 0\n"),
        ("nothing.xyz", "0\n\n"),
        ("binary.xyz", "\x00\x01\x02"),
        ("cell.xyz", '1\nLattice="5 0 0 0 nan 0 0 0 5"\nO 0 0 0\n'),
        ("unknown.xyz", '1\nLattice="5 0 0 0 5 0 0 0 5"\nQq 0 0 0\n'),
    ],
)
def test_files_that_do_not_parse(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    said = message_of(ValueError, lambda: read_sites(path, host="O", cutoff=3e-10))
    assert said.startswith(name)


def test_positions_that_are_no_numbers(tmp_path):
    atoms = rutile((2, 2, 2))
    path = write_xyz(tmp_path / "nan.xyz", [*atoms, ("O", np.full(3, np.nan))], extended((2, 2, 2)))
    assert "positions in nan.xyz must be finite" in message_of(
        ValueError, lambda: read_sites(path, host="O", cutoff=3e-10)
    )


def test_wrong_elements_cells_and_cutoffs(tmp_path):
    path = write_xyz(tmp_path / "rutile.xyz", rutile((2, 2, 2)), extended((2, 2, 2)))
    for changes, part in [
        ({"host": "N"}, "rutile.xyz has no atom of the host element 'N'; there are: O, Ti"),
        ({"host": "X"}, "host and interstitial must be different"),
        ({"cell": (1e-9, 1e-9, 0.0)}, "cell must be three lengths between 0 and 0.001 m"),
        ({"repeat": (1, 0, 1)}, "repeat must be three whole numbers"),
        ({"cutoff": 2.0e-10}, "must reach at least one neighbour"),
        ({"cutoff": 5.0e-10}, "must stay below half the cell"),
        ({"cutoff": {"nearest": 3e-10, "third": 3e-10}}, "no motif 'third'"),
        ({"contact": -1.0}, "contact must be between 0 and 1e-07 m"),
    ]:
        arguments = {"host": "O", "cutoff": 3e-10} | changes
        said = message_of(ValueError, lambda arguments=arguments: read_sites(path, **arguments))
        assert part in said, said


def test_isolated_sites_are_counted(tmp_path):
    atoms = [*rutile((2, 2, 2)), ("O", np.array([4.0, 4.0, 20.0]))]
    path = write_xyz(tmp_path / "far.xyz", atoms, extended((2, 2, 2)))
    said = message_of(ValueError, lambda: read_sites(path, host="O", cutoff=3e-10))
    assert said == (
        "cut-off of nearest must reach a neighbour of every site of far.xyz, but 3e-10 m leaves 1 of 33 O "
        "sites isolated"
    )


def test_sites_written_twice_and_tilted_sides(tmp_path):
    atoms = rutile((2, 2, 2))
    path = write_xyz(tmp_path / "twice.xyz", [*atoms, (atoms[2][0], atoms[2][1] + 0.1)], extended((2, 2, 2)))
    assert "must be at least 3e-11 m apart, got 1 pairs" in message_of(
        ValueError, lambda: read_sites(path, host="O", cutoff=3e-10)
    )
    comment = 'Lattice="9 0 0 4 9 0 0 0 9" Properties=species:S:1:pos:R:3'
    path = write_xyz(tmp_path / "hexagonal.xyz", atoms, comment)
    assert "must lie along x and y (angstrom), got (9, 0, 0) and (4, 9, 0)" in message_of(
        ValueError, lambda: read_sites(path, host="O", cutoff=3e-10)
    )


def test_without_ase_it_says_what_to_install(tmp_path, monkeypatch):
    path = write_xyz(tmp_path / "rutile.xyz", rutile((2, 2, 2)), extended((2, 2, 2)))
    for name in [name for name in sys.modules if name == "ase" or name.startswith("ase.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ase", None)
    said = message_of(RuntimeError, lambda: read_sites(path, host="O", cutoff=3e-10))
    assert (
        said == "reading rutile.xyz needs ASE, which is not installed: pip install '.[ase]' in the clone"
    )
