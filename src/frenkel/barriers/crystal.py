"""Structures: files, supercells, and the sites, hops and voids that differ by symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..typing import Floats
from .errors import BarrierError, library

Shift = tuple[int, int, int]
"""Lattice vectors from one cell to another."""

SMALLEST = 8.0
"""Least distance (angstrom) of a defect from its own images where no supercell is given; chosen."""
SAME = 1e-2
"""Positions nearer than this (angstrom) are one position."""
APART = 0.5
"""Voids nearer than this (angstrom) are one void; chosen."""
SYMMETRY_PRECISION = 1e-3
"""Tolerance (angstrom) of the search for symmetry."""


@dataclass(frozen=True)
class Hop:
    """Atom ``start`` moves onto the site of atom ``end``, in the cell ``shift`` away.

    Attributes
    ----------
    start, end : int
        Atoms of the unit cell.
    shift : tuple of int
        Lattice vectors from the cell of ``start`` to that of ``end``.
    length : float
        Distance (angstrom).
    multiplicity : int
        Hops of the unit cell that symmetry or reversal makes of this one, each direction counted.
    members : tuple
        All of them, as (start, end, shift).
    """

    start: int
    end: int
    shift: Shift
    length: float
    multiplicity: int
    members: tuple[tuple[int, int, Shift], ...]


def read(path: Path, species: str) -> Any:
    """Return the atoms of a file: CIF, POSCAR, xyz or whatever else ASE reads.

    Raises
    ------
    BarrierError
        There is no such file, ASE cannot read it, it has no cell, or none of its atoms is of the species.
    """
    library("ase.io")
    if not path.exists():
        raise BarrierError(f"there is no file {path}")
    kind = "vasp" if path.name.upper().startswith(("POSCAR", "CONTCAR")) or path.suffix == ".vasp" else None
    try:
        atoms = library("ase.io").read(path, format=kind)
    except Exception as error:  # each format of ASE raises errors of its own
        reason = " ".join(str(error).split()) or "no block with a cell and atoms was found"
        raise BarrierError(
            f"ASE cannot read {path.name} as a structure: {reason}; write it again as CIF, POSCAR or "
            "extended xyz, with the lengths and angles of its cell and all atoms"
        ) from None
    if atoms.cell.rank < 3:
        raise BarrierError(f"{path.name} has no cell with three vectors, which a crystal needs")
    check_species(atoms, species, path.name)
    atoms.pbc = True
    atoms.calc = None
    return atoms


def check_species(atoms: Any, species: str, origin: str) -> None:
    """Raise `BarrierError` unless an atom is of the species."""
    present = sorted(set(atoms.get_chemical_symbols()))
    if species not in present:
        raise BarrierError(f"{origin} has no atom of {species!r}, only of {', '.join(present)}")


def supercell_of(atoms: Any) -> tuple[int, int, int]:
    """Return the least repeats that keep a defect `SMALLEST` from its images along each vector."""
    volume = atoms.get_volume()
    heights = [
        volume / np.linalg.norm(np.cross(atoms.cell[(k + 1) % 3], atoms.cell[(k + 2) % 3])) for k in range(3)
    ]
    first, second, third = (int(np.ceil(SMALLEST / height)) for height in heights)
    return first, second, third


def symmetry(atoms: Any, precision: float = SYMMETRY_PRECISION) -> tuple[NDArray[np.int_], Floats]:
    """Return rotations and translations of the space group, in fractions of the cell.

    Parameters
    ----------
    atoms : ase.Atoms
    precision : float
        Distance (angstrom) by which atoms may be off.

    Raises
    ------
    BarrierError
        No space group is found: two atoms are at one place.
    """
    spglib = library("spglib")
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    try:
        operations = spglib.get_symmetry(cell, symprec=precision)
    except Exception:  # spglib 2.7 raises what earlier versions return as None
        operations = None
    if operations is None:
        raise BarrierError("no space group fits the structure: are two atoms at one place?")
    return np.asarray(operations["rotations"]), np.asarray(operations["translations"], float)


def mapping(atoms: Any) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.int_]]:
    """Return rotations, and onto which atom, and how many cells away, each operation takes each atom.

    Returns
    -------
    rotations : array (operations, 3, 3)
    onto : array (operations, atoms)
    cells : array (operations, atoms, 3)
    """
    rotations, translations = symmetry(atoms)
    places = atoms.get_scaled_positions(wrap=False)
    onto = np.empty((len(rotations), len(atoms)), int)
    cells = np.empty((len(rotations), len(atoms), 3), int)
    for k, (rotation, translation) in enumerate(zip(rotations, translations, strict=True)):
        moved = places @ rotation.T + translation
        offset = moved[:, None, :] - places[None, :, :]
        whole = np.rint(offset)
        miss = np.linalg.norm((offset - whole) @ atoms.cell.array, axis=-1)
        miss[atoms.numbers[:, None] != atoms.numbers[None, :]] = np.inf
        onto[k] = np.argmin(miss, axis=1)
        cells[k] = whole[np.arange(len(atoms)), onto[k]]
    return rotations, onto, cells


def sites(atoms: Any, species: str) -> dict[int, int]:
    """Return {atom: how many are like it} of the atoms of a species that differ by symmetry."""
    _, onto, _ = mapping(atoms)
    chosen = [k for k, symbol in enumerate(atoms.get_chemical_symbols()) if symbol == species]
    classes: dict[int, int] = {}
    for k in chosen:
        least = int(onto[:, k].min())
        classes[least] = classes.get(least, 0) + 1
    return classes


def hops(atoms: Any, species: str, cutoff: float) -> list[Hop]:
    """Return the hops between atoms of a species that differ by symmetry and reversal, the shortest first.

    Parameters
    ----------
    atoms : ase.Atoms
        Unit cell.
    species : str
        Chemical symbol.
    cutoff : float
        Largest length (angstrom).

    Raises
    ------
    BarrierError
        There is none within the cut-off; the sentence says how far the nearest neighbours are.
    """
    neighbours = library("ase.neighborlist").neighbor_list
    rotations, onto, cells = mapping(atoms)
    is_species = atoms.numbers == library("ase.data").atomic_numbers[species]
    first, second, shifts, lengths = neighbours("ijSd", atoms, cutoff)
    # The list counts cells from positions as they stand, as the mapping does.
    of_species = is_species[first] & is_species[second]
    length_of = {
        (int(i), int(j), _whole(shift)): float(length)
        for i, j, shift, length in zip(
            first[of_species], second[of_species], shifts[of_species], lengths[of_species], strict=True
        )
    }
    if not length_of:
        raise BarrierError(
            f"no two {species} atoms are within the cut-off of {cutoff:g} angstrom: "
            f"the nearest are {_nearest(atoms, is_species):.3g} angstrom apart"
        )
    chosen: list[Hop] = []
    left = set(length_of)
    for key in sorted(length_of, key=lambda key: (round(length_of[key], 3), key)):
        if key not in left:
            continue
        orbit = set()
        for start, end, shift in (key, _reversed(key)):
            ends = np.einsum("kab,b->ka", rotations, np.array(shift)) + cells[:, end] - cells[:, start]
            for k in range(len(rotations)):
                moved = (int(onto[k, start]), int(onto[k, end]), _whole(ends[k]))
                orbit.add(moved)
        orbit &= left
        left -= orbit
        chosen.append(Hop(*key, length_of[key], len(orbit), tuple(sorted(orbit))))
    return chosen


def _whole(steps: Any) -> Shift:
    first, second, third = (int(step) for step in steps)
    return first, second, third


def _reversed(key: tuple[int, int, Shift]) -> tuple[int, int, Shift]:
    start, end, shift = key
    return end, start, _whole(-step for step in shift)


def _nearest(atoms: Any, chosen: NDArray[np.bool_]) -> float:
    """Return the least distance (angstrom) of chosen atoms from each other and their images."""
    places, cell = atoms.positions[chosen], atoms.cell.array
    images = np.array(list(product((-1, 0, 1), repeat=3))) @ cell
    gaps = np.linalg.norm(places[:, None, None] - places[None, :, None] - images, axis=-1)
    return float(gaps[gaps > SAME].min())


def voids(atoms: Any, most: int) -> list[Floats]:
    """Return the centres (angstrom) of the largest voids that differ by symmetry, the widest first.

    Corners of the Voronoi cells of all atoms are the points that are farthest from atoms.

    Parameters
    ----------
    atoms : ase.Atoms
        Unit cell.
    most : int
        How many at most.
    """
    from scipy.spatial import Voronoi  # scipy, for those alone who look for interstitials

    if not most:
        return []
    images = np.array(list(product((-1, 0, 1), repeat=3))) @ atoms.cell.array
    corners = Voronoi((atoms.positions[:, None] + images).reshape(-1, 3)).vertices
    fractions = np.linalg.solve(atoms.cell.array.T, corners.T).T
    inside = np.all((fractions > -1e-6) & (fractions < 1 - 1e-6), axis=1)
    fractions = fractions[inside]
    cloud = (atoms.positions[:, None] + images).reshape(-1, 3)
    reach = np.array([np.linalg.norm(cloud - place, axis=1).min() for place in fractions @ atoms.cell.array])
    rotations, translations = symmetry(atoms)
    chosen: list[Floats] = []
    for k in np.lexsort((*fractions.T[::-1].round(3), -reach.round(3))):
        alike = [rotations @ place + translations for place in chosen]
        offsets = [copies - fractions[k] for copies in alike]
        gaps = [(offset - np.rint(offset)) @ atoms.cell.array for offset in offsets]
        if all(np.linalg.norm(gap, axis=1).min() > APART for gap in gaps):
            chosen.append(fractions[k])
        if len(chosen) == most:
            break
    return [np.asarray(place @ atoms.cell.array) for place in chosen]


def percolation(saddles: Sequence[tuple[int, int, Shift, float]]) -> float:
    """Return the least energy (eV) up to which saddles connect a site with its images in three directions.

    A network of periodic sites percolates in three dimensions when the lattice vectors that its closed walks
    add up to have rank 3. Saddles are taken in the order of their energies until they do.

    Parameters
    ----------
    saddles : sequence of (start, end, shift, energy)
        Hops of a unit cell, ``shift`` in lattice vectors, ``energy`` (eV) of the saddle above the most
        stable site.

    Returns
    -------
    float
        NaN where all of them together do not.
    """
    parent: dict[int, tuple[int, NDArray[np.int_]]] = {}
    cycles: dict[int, list[NDArray[np.int_]]] = {}

    def root(site: int) -> tuple[int, NDArray[np.int_]]:
        above, shift = parent.setdefault(site, (site, np.zeros(3, int)))
        if above == site:
            return site, shift
        top, rest = root(above)
        return top, shift + rest

    for start, end, step, energy in sorted(saddles, key=lambda saddle: saddle[3]):
        (one, from_one), (two, from_two) = root(start), root(end)
        walk = from_one - np.array(step) - from_two  # from root two to root one, in lattice vectors
        if one == two:
            cycles.setdefault(one, []).append(walk)
        else:
            parent[two] = (one, walk)
            cycles.setdefault(one, []).extend(cycles.pop(two, []))
        top = root(start)[0]
        if cycles.get(top) and np.linalg.matrix_rank(np.array(cycles[top])) == 3:
            return energy
    return float("nan")


def matched(supercell: Any, place: Floats) -> int:
    """Return the atom of a supercell that is at a place (angstrom), whatever the image."""
    offsets = supercell.positions - place
    fractions = np.linalg.solve(supercell.cell.array.T, offsets.T).T
    gaps = np.linalg.norm((fractions - np.rint(fractions)) @ supercell.cell.array, axis=1)
    return int(np.argmin(gaps))
