"""Results in the formats of other programs: extended XYZ for OVITO and ASE."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...data import store
from ...typing import Floats
from . import appearance, filament

# ASE reads a species as a chemical element: "V" would be vanadium, "X" is its symbol for no element.
SYMBOLS = {
    "vacancy": "X",
    "interstitial": "O",
    "silver": "Ag",
    "copper": "Cu",
    "ruthenium": "Ru",
    "gold": "Au",
}
ANGSTROM = 1e10


# Columns after the position, each as its name, its kind in the file, and its number of entries.
COLUMNS = ("defect:S:1", "site:I:1", "conducting:I:1", "temperature:R:1", "radius:R:1", "color:R:3")

NO_SITE = -1
"""Of the atoms of an electrode."""


def save_xyz(result: xr.Dataset, path: str | Path, *, force: bool = False, electrodes: bool = False) -> Path:
    """Write all snapshots as one extended XYZ file, a frame each.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.
    path : str or Path
    force : bool
        Replace an existing file.
    electrodes : bool
        See :func:`xyz`.

    Returns
    -------
    Path

    Raises
    ------
    StoreError
        The file exists or cannot be written.
    """
    target = store.writable(path, force=force)
    return store.write_bytes(xyz(result, electrodes=electrodes).encode(), target)


def xyz(result: xr.Dataset, *, electrodes: bool = False) -> str:
    """Return all snapshots as extended XYZ text.

    Positions are in angstrom, z from the bottom electrode. The species is "X" for a vacancy, "O" for an
    interstitial oxygen and the symbol of a metal; the column ``defect`` has its name, ``site`` its lattice
    site, ``radius`` (angstrom) and ``color`` how it is drawn, as in the pictures. The comment line has the
    cell in ``Lattice``, ``Properties``, ``pbc``, and time (s), voltage (V) and current (A).

    Parameters
    ----------
    result : xarray.Dataset
    electrodes : bool
        Add to each frame a layer of atoms for each electrode, after the defects: species "X", ``defect``
        "bottom_electrode" or "top_electrode", site -1.
    """
    properties = ":".join(["species:S:1:pos:R:3", *COLUMNS])
    layers = _electrode_lines(result) if electrodes else []
    lines = _defect_lines(result)
    ends = np.cumsum(result["snapshot_size"].values)
    text = []
    for index, size in enumerate(result["snapshot_size"].values):
        snapshot_lines = lines[int(ends[index] - size) : int(ends[index])]
        text += [
            str(len(snapshot_lines) + len(layers)),
            _comment(result, index, properties),
            *snapshot_lines,
            *layers,
        ]
    return "\n".join([*text, ""])


def _comment(result: xr.Dataset, index: int, properties: str) -> str:
    spacing = float(result["lattice_spacing"]) * ANGSTROM
    nx, ny, nz = (int(n) for n in result["lattice_shape"].values)
    cell = (nx * spacing, 0, 0, 0, ny * spacing, 0, 0, 0, (nz + 1) * spacing)
    pbc = "T T F" if result.attrs.get("lateral") == "periodic" else "F F F"
    label = str(result["snapshot_label"].values[index]).replace('"', "'")
    return (
        f'Lattice="{" ".join(f"{value:.10g}" for value in cell)}" Properties={properties} pbc="{pbc}" '
        f"time={float(result['snapshot_time'].values[index])!r} "
        f"voltage={float(result['snapshot_voltage'].values[index])!r} "
        f'current={float(result["snapshot_current"].values[index])!r} label="{label}"'
    )


def _defect_lines(result: xr.Dataset) -> list[str]:
    """Return a line for each defect of all snapshots."""
    names = [str(name) for name in result["species"].values]
    species = result["defect_species"].values
    positions = np.stack([result[f"defect_{axis}"].values for axis in "xyz"], axis=1) * ANGSTROM
    wired = result["defect_conducting"].values
    state = appearance.states(wired.astype(bool), species, filament.conducting_kinds(result))
    values = {
        "defect": [names[kind].replace(" ", "_") for kind in species],
        "site": result["defect_site"].values,
        "conducting": wired.astype(int),
        "temperature": result["defect_temperature"].values,
        "radius": np.full(len(species), appearance.DEFECT_RADIUS * _spacing(result)),
        "color": np.array(appearance.STATES)[state].reshape(-1, 3),
    }
    return _lines([SYMBOLS.get(names[kind], "X") for kind in species], positions, values)


def _electrode_lines(result: xr.Dataset) -> list[str]:
    """Return a line for each atom of a layer for each electrode, the bottom one first."""
    spacing = _spacing(result)
    nx, ny, nz = (int(n) for n in result["lattice_shape"].values)
    flat = np.stack(np.meshgrid(range(nx), range(ny), indexing="ij"), axis=-1).reshape(-1, 2)
    lines = []
    for name, height, colour in (("bottom", 0, appearance.BOTTOM), ("top", nz + 1, appearance.TOP)):
        positions = np.column_stack([flat, np.full(len(flat), height)]) * spacing
        paint = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        values = {
            "defect": [f"{name}_electrode"] * len(flat),
            "site": np.full(len(flat), NO_SITE),
            "conducting": np.ones(len(flat), int),
            "temperature": np.full(len(flat), float(result["ambient_temperature"])),
            "radius": np.full(len(flat), spacing / 2),
            "color": np.tile(paint, (len(flat), 1)),
        }
        lines += _lines(["X"] * len(flat), positions, values)
    return lines


def _lines(symbols: list[str], place: Floats, values: dict[str, Any]) -> list[str]:
    """Return a line for each atom: its symbol, its place, and the columns in their order."""
    parts = [symbols, [" ".join(f"{part:.6f}" for part in row) for row in place]]
    for column in COLUMNS:
        name, kind, _ = column.split(":")
        if kind == "R":
            parts.append([" ".join(f"{part:.6g}" for part in row) for row in _rows(values[name])])
        else:
            parts.append([str(value) for value in values[name]])
    return [" ".join(row) for row in zip(*parts, strict=True)]


def _rows(values: Any) -> NDArray[np.float64]:
    return np.asarray(values, float).reshape(len(values), -1)


def _spacing(result: xr.Dataset) -> float:
    return float(result["lattice_spacing"]) * ANGSTROM
