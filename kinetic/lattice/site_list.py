"""Lattices from files of atoms: `.xyz`, `.extxyz` and `.cif`, read by ASE (the extra ``ase``)."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lattice import BOTTOM, TOP, Lateral, Lattice, three_whole
from .species import HOST, INTERSTITIAL_SITES

FORMATS = {".xyz": "extxyz", ".extxyz": "extxyz", ".cif": "cif"}
"""ASE's name of the format by ending of the file."""

ANGSTROM = 1e-10
_COINCIDENT = 0.3e-10  # sites nearer than this (m) are one site written twice


def read_sites(
    path: str | Path,
    *,
    host: str,
    cutoff: float | Mapping[str, float],
    cell: tuple[float, float, float] | None = None,
    repeat: tuple[int, int, int] = (1, 1, 1),
    interstitial: str | None = "X",
    contact: float = 1e-11,
    lateral: Lateral = "periodic",
) -> Lattice:
    """Read the sites of a lattice from a file of atoms.

    Parameters
    ----------
    path : str or Path
        File ending in ``.xyz``, ``.extxyz`` or ``.cif``; its lengths are in angstrom. Of several frames the
        last is read.
    host : str
        Chemical element whose atoms are the host sites; atoms of other elements are left out.
    cutoff : float or mapping of str to float
        Largest distance (m) of neighbours, or one per motif as in `Lattice.from_positions`. One number is
        used for "nearest" and, with interstitial sites, for "pair".
    cell : tuple of float, optional
        Lengths (m) of the box in x, y and z, instead of the cell of the file.
    repeat : tuple of int
        Copies of the cell along its three vectors.
    interstitial : str, optional
        Element that marks interstitial sites ("X", ASE's dummy atom); None ignores them.
    contact : float
        Depth (m) below the outermost site of each sublattice within which sites touch the electrode.
    lateral : {"periodic", "reflecting"}
        Sides in x and y.

    Returns
    -------
    Lattice
        Hosts first, in the order of the file. z runs from the bottom electrode to the top one and is not
        periodic: the third vector of the cell may be tilted, the first two must lie along x and y.

    Raises
    ------
    RuntimeError
        ASE is not installed.
    ValueError
        The file is missing, cannot be parsed, has no atom of the element or no usable cell, or the cut-off
        is too large for the cell or leaves a site without neighbour.
    """
    path = Path(path)
    atoms = _atoms(path)
    _set_cell(atoms, path, cell)
    atoms = atoms.repeat(three_whole("repeat", repeat))
    positions, kind = _sites(atoms, path, host, interstitial)
    box = (atoms.cell[0, 0] * ANGSTROM, atoms.cell[1, 1] * ANGSTROM, atoms.cell[2, 2] * ANGSTROM)
    _check_distinct(positions, box if lateral == "periodic" else None, path)
    cutoffs = dict(cutoff) if isinstance(cutoff, Mapping) else {"nearest": float(cutoff)}
    if not isinstance(cutoff, Mapping) and np.any(kind == INTERSTITIAL_SITES):
        cutoffs["pair"] = float(cutoff)
    lattice = Lattice.from_positions(positions, kind, box, cutoffs, lateral)
    _check_connected(lattice, cutoffs, path, host)
    lattice.electrode = _touching(lattice, contact)
    return lattice


def _atoms(path: Path) -> Any:
    """Return the atoms in a file, read by ASE."""
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path.name} must end in {', '.join(FORMATS)} to be read as a list of sites")
    if not path.is_file():
        raise ValueError(f"cannot read {path}: there is no such file")
    try:
        reader = importlib.import_module("ase.io")
    except ImportError as error:
        raise RuntimeError(
            f"reading {path.name} needs ASE, which is not installed: "
            "pip install '.[ase]' in the clone"
        ) from error
    kind = FORMATS[path.suffix.lower()]
    try:
        atoms = reader.read(path, format=kind)
    except Exception as error:  # ASE's readers raise a dozen unrelated types for files that do not parse
        raise ValueError(
            f"{path.name} cannot be parsed as {path.suffix.lower()[1:]}: {_reason(error)}"
        ) from error
    if not len(atoms):
        raise ValueError(f"{path.name} must hold at least one atom, got none")
    return atoms


def _reason(error: Exception) -> str:
    """Return in one line why a reader of ASE failed."""
    text = " ".join(str(error).split()).removeprefix("ase.io.extxyz: ")
    if not text:
        return "it holds no whole structure"
    if isinstance(error, TypeError):  # numpy's, of a text among the numbers
        return "a value in it is no number"
    return f"{text} is not known" if isinstance(error, KeyError) else text


def _set_cell(atoms: Any, path: Path, cell: tuple[float, float, float] | None) -> None:
    """Give atoms the cell asked for and check that the lattice can use it."""
    if cell is not None:
        if len(cell) != 3 or not all(0.0 < length < 1e-3 for length in cell):
            raise ValueError(f"cell must be three lengths between 0 and 0.001 m, got {tuple(cell)}")
        atoms.set_cell(np.asarray(cell) / ANGSTROM)
    vectors = np.asarray(atoms.cell)
    if not np.all(np.isfinite(vectors)) or abs(np.linalg.det(vectors)) < 1e-9:
        raise ValueError(f"{path.name} has no cell; give cell=(x, y, z) in m")
    off_diagonal = np.abs([vectors[0, 1], vectors[0, 2], vectors[1, 0], vectors[1, 2]]).max()
    if off_diagonal > 1e-6 * np.abs(vectors).max() or np.diag(vectors).min() <= 0.0:
        raise ValueError(
            f"the first two cell vectors of {path.name} must lie along x and y (angstrom), "
            f"got {_vector(vectors[0])} and {_vector(vectors[1])}"
        )


def _vector(values: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"


def _sites(
    atoms: Any, path: Path, host: str, interstitial: str | None
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Return positions (m) and sublattices, hosts first."""
    symbols = np.array(atoms.get_chemical_symbols())
    if host == interstitial:
        raise ValueError(f"host and interstitial must be different elements, got {host!r} for both")
    hosts = np.flatnonzero(symbols == host)
    if not len(hosts):
        elements = ", ".join(sorted(set(symbols.tolist())))
        raise ValueError(f"{path.name} has no atom of the host element {host!r}; there are: {elements}")
    others = np.flatnonzero(symbols == interstitial) if interstitial is not None else hosts[:0]
    positions = atoms.get_positions()[np.concatenate([hosts, others])] * ANGSTROM
    if not np.isfinite(positions).all():
        raise ValueError(f"positions in {path.name} must be finite, got one that is not")
    return positions, np.repeat(
        np.array([HOST, INTERSTITIAL_SITES], dtype=np.int8), [len(hosts), len(others)]
    )


def _check_distinct(place: NDArray[np.float64], box: tuple[float, float, float] | None, path: Path) -> None:
    from scipy.spatial import cKDTree  # 30 MB, and only files of atoms need it

    points = place - place.min(axis=0)
    if box is not None:
        points[:, :2] %= np.asarray(box[:2])
    tree = cKDTree(points, boxsize=None if box is None else (box[0], box[1], 0.0))
    close = tree.query_pairs(_COINCIDENT, output_type="ndarray")
    if len(close):
        raise ValueError(
            f"sites of {path.name} must be at least {_COINCIDENT:g} m apart, got {len(close)} pairs that are "
            "not; a file with partly occupied sites names one place more than once"
        )


def _check_connected(lattice: Lattice, cutoffs: Mapping[str, float], path: Path, host: str) -> None:
    """Raise unless every host has a nearest neighbour and every interstitial site a host beside it."""
    for motif, sub, name in (("nearest", HOST, host), ("pair", INTERSTITIAL_SITES, "interstitial")):
        if motif in cutoffs:
            is_in = lattice.sublattice == sub
            lonely = int(np.count_nonzero((lattice.motifs[motif][is_in] < 0).all(axis=1)))
            if lonely:
                raise ValueError(
                    f"cut-off of {motif} must reach a neighbour of every site of {path.name}, but "
                    f"{cutoffs[motif]:g} m leaves {lonely} of {np.count_nonzero(is_in)} {name} sites isolated"
                )


def _touching(lattice: Lattice, contact: float) -> NDArray[np.int8]:
    """Return which electrode each site touches: those within ``contact`` of the outermost of their kind."""
    if not 0.0 <= contact < 1e-7:
        raise ValueError(f"contact must be between 0 and 1e-07 m, got {contact}")
    touch, height = lattice.electrode.copy(), lattice.position[:, 2]
    for sub in np.unique(lattice.sublattice):
        is_in = lattice.sublattice == sub
        touch[is_in & (height <= height[is_in].min() + contact)] |= BOTTOM
        touch[is_in & (height >= height[is_in].max() - contact)] |= TOP
    return touch
