"""Results in the formats of other programs: extended XYZ for OVITO and ASE."""

import io
from pathlib import Path

import numpy as np
import xarray as xr

from . import store

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


def save_xyz(result: xr.Dataset, path: str | Path, *, force: bool = False) -> Path:
    """Write all snapshots as one extended XYZ file, a frame each.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.
    path : str or Path
    force : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    StoreError
        The file exists or cannot be written.
    """
    target = store.writable(path, force=force)
    return store.write_bytes(xyz(result).encode(), target)


def xyz(result: xr.Dataset) -> str:
    """Return all snapshots as extended XYZ text.

    Positions are in angstrom, z from the bottom electrode. The species is "X" for a vacancy, "O" for an
    interstitial oxygen and the symbol of a metal; the column ``defect`` has its name, ``site`` its lattice
    site. The comment line has the cell in ``Lattice``, ``Properties``, ``pbc``, and time (s), voltage
    (V) and current (A).
    """
    columns = {
        "defect_site": "site:I:1",
        "defect_conducting": "conducting:I:1",
        "defect_temperature": "temperature:R:1",
    }
    extra = [name for name in columns if name in result]
    properties = ":".join(["species:S:1:pos:R:3:defect:S:1", *(columns[name] for name in extra)])
    ends = np.cumsum(result["snapshot_size"].values)
    stream = io.StringIO()
    for index, size in enumerate(result["snapshot_size"].values):
        stream.write(f"{int(size)}\n{_comment(result, index, properties)}\n")
        _write_rows(stream, result, range(int(ends[index] - size), int(ends[index])), extra)
    return stream.getvalue()


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


def _write_rows(stream: io.StringIO, result: xr.Dataset, rows: range, extra: list[str]) -> None:
    names = [str(name) for name in result["species"].values]
    species = result["defect_species"].values
    position = np.stack([result[f"defect_{axis}"].values for axis in "xyz"], axis=1) * ANGSTROM
    others = [result[name].values for name in extra]
    for row in rows:
        name = names[int(species[row])]
        place = " ".join(f"{value:.6f}" for value in position[row])
        rest = " ".join(
            f"{float(column[row]):.6g}" if column.dtype.kind == "f" else str(int(column[row]))
            for column in others
        )
        stream.write(f"{SYMBOLS.get(name, 'X')} {place} {name.replace(' ', '_')} {rest}".rstrip() + "\n")
