"""Finished calculations of other programs: bands of VASP and Quantum ESPRESSO, VacHopPy, kMCpy."""

from __future__ import annotations

import csv
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BarrierError, library
from .study import HopEnergy

ENERGY = re.compile(r"energy\s+without entropy\s*=\s*\S+\s+energy\(sigma->0\)\s*=\s*(\S+)")
"""Line of an OUTCAR with the energy (eV) extrapolated to no smearing."""


def read(path: Path) -> tuple[list[HopEnergy], float | None]:
    """Return the hops of a finished calculation, and its attempt frequency (Hz) where it states one.

    What a file is follows from its content. Read are ``neb.dat`` and ``nebef.dat`` of the scripts for VASP,
    the JSON file of a ``NEBAnalysis`` of pymatgen, ``prefix.dat`` and ``prefix.int`` of neb.x of Quantum
    ESPRESSO, ``parameters.json`` and the ``neb.csv`` (path, barrier) of VacHopPy, ``e_kra.txt`` of kMCpy
    (barriers in meV, the mean of both directions), and a folder ``00``, ``01``, ... of VASP with an OUTCAR
    each.

    Raises
    ------
    BarrierError
        There is no such file, it is none of these, or its path has no saddle between its ends.
    """
    if path.is_dir():
        return [_folder(path)], None
    if not path.exists():
        raise BarrierError(f"there is no file {path}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BarrierError(f"{path.name} holds no text") from None
    if text.lstrip().startswith("{"):
        return _json(text, path)
    if path.suffix == ".csv":
        return _barriers(text, path), None
    return _columns(text, path), None


def _columns(text: str, path: Path) -> list[HopEnergy]:
    """Return the band of a table of numbers: which columns it has tells which program wrote it."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    try:
        table = np.array([[float(word) for word in row] for row in rows])
    except ValueError:
        table = np.empty((0, 0))
    width = table.shape[1] if table.ndim == 2 else 0
    if width == 5:  # image, distance (angstrom), energy (eV), force, image: scripts for VASP
        return [_hop(path.name, table[:, 1], table[:, 2], float(table[-1, 1]), path.name)]
    if width == 4:  # image, largest force, energy (eV), the same from the first image on: scripts for VASP
        return [_hop(path.name, table[:, 0] / table[-1, 0], table[:, 2], float("nan"), path.name)]
    if width in (2, 3):  # fraction of the path, energy (eV), error of the force: neb.x
        return [_hop(path.name, table[:, 0], table[:, 1], float("nan"), path.name)]
    if width == 1 and table.min() > 0:  # kinetically resolved activation energy (meV): kMCpy
        names = [f"{path.name}, row {row}" for row in range(1, len(table) + 1)]
        energies = [float(value) / 1e3 for value in table[:, 0]]
        return [_plain(name, energy, path) for name, energy in zip(names, energies, strict=True)]
    raise BarrierError(
        f"{path.name} is no finished calculation: neither neb.dat or nebef.dat of VASP (5 or 4 columns), "
        ".dat or .int of neb.x (3 or 2), e_kra.txt of kMCpy (1), .json of pymatgen, nor .json or .csv of "
        "VacHopPy"
    )


def _plain(name: str, barrier: float, path: Path, length: float = float("nan"), number: int = 1) -> HopEnergy:
    """Return a hop of which no more than its barrier (eV) is known, in both directions."""
    return HopEnergy(name, length, number, barrier, barrier, (), (), path.name)


def _hop(name: str, coordinates: Any, energies: Any, length: float, origin: str) -> HopEnergy:
    if len(energies) < 3 or not 0 < int(np.argmax(energies)) < len(energies) - 1:
        raise BarrierError(f"{origin} has no saddle: its highest energy is at an end of the path")
    above = np.asarray(energies, float) - float(energies[0])
    return HopEnergy(
        name=name,
        length=length,
        multiplicity=1,
        forward=float(above.max()),
        backward=float(above.max() - above[-1]),
        energies=tuple(map(float, above)),
        coordinates=tuple(map(float, coordinates)),
        origin=origin,
    )


def _folder(path: Path) -> HopEnergy:
    """Return the band of folders 00, 01, ... of VASP; the ends' OUTCAR must be there too."""
    images = sorted(child for child in path.iterdir() if child.is_dir() and re.fullmatch(r"\d\d", child.name))
    if len(images) < 3:
        raise BarrierError(f"{path} has {len(images)} folders 00, 01, ... of images, at least 3 are needed")
    energies, places = [], []
    for image in images:
        outcar = image / "OUTCAR"
        if not outcar.exists():
            raise BarrierError(f"{image} has no OUTCAR, which states the energy of the image")
        found = ENERGY.findall(outcar.read_text(encoding="utf-8", errors="replace"))
        if not found:
            raise BarrierError(f"{outcar} states no energy: the calculation has not ended a step")
        energies.append(float(found[-1]))
        structure = next((image / name for name in ("CONTCAR", "POSCAR") if (image / name).exists()), None)
        places.append(None if structure is None else library("ase.io").read(structure, format="vasp"))
    steps = [0.0]
    for one, two in pairwise(places):
        if one is None or two is None:
            steps.append(1.0)
            continue
        moves = library("ase.geometry").find_mic(two.positions - one.positions, one.cell, True)[0]
        steps.append(float(np.linalg.norm(moves)))
    length = float("nan") if None in places else float(sum(steps))
    return _hop(path.name, np.cumsum(steps), energies, length, path.name)


def _json(text: str, path: Path) -> tuple[list[HopEnergy], float | None]:
    """Return the band of a NEBAnalysis of pymatgen, or what VacHopPy writes."""
    try:
        data = json.loads(text)
    except ValueError:
        raise BarrierError(f"{path.name} is no JSON file") from None
    if "r" not in data or "energies" not in data:
        return _vachoppy(data, path)
    distances = data["r"]  # angstrom, summed along the path
    if len(distances) != len(data["energies"]):
        raise BarrierError(f"{path.name} has {len(distances)} distances and {len(data['energies'])} energies")
    return [_hop(path.name, distances, data["energies"], float(distances[-1]), path.name)], None


def _vachoppy(data: dict[str, Any], path: Path) -> tuple[list[HopEnergy], float | None]:
    """Return the paths of parameters.json of VacHopPy, doi:10.1016/j.cpc.2025.110010, and its frequency."""
    barriers = data.get("Ea_path")
    if not barriers:
        raise BarrierError(f"{path.name} lacks Ea_path, the barriers that VacHopPy writes with --neb")
    names = data.get("path_names") or [f"path {k + 1}" for k in range(len(barriers))]
    lengths, numbers = data.get("a_path"), data.get("z_path")
    hops = [
        _plain(
            str(names[k]),
            float(barrier),
            path,
            float(lengths[k]) if lengths else float("nan"),
            int(numbers[k]) if numbers else 1,
        )
        for k, barrier in enumerate(barriers)
    ]
    frequencies = data.get("nu")
    return hops, float(np.mean(frequencies)) * 1e12 if frequencies else None


def _barriers(text: str, path: Path) -> list[HopEnergy]:
    """Return the paths of a table of two columns, name and barrier (eV), as VacHopPy takes it."""
    try:
        rows = [(row[0], float(row[1])) for row in csv.reader(text.splitlines()) if row]
    except (ValueError, IndexError):
        rows = []
    if not rows:
        raise BarrierError(f"{path.name} has no rows of a path's name and its barrier in eV")
    return [_plain(name, barrier, path) for name, barrier in rows]
