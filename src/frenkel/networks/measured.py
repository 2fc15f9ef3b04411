"""What measured cells give to a network: their window, their spread, and how each of them relaxed.

No law is fitted to a relaxation: a programmed cell is one of the measured cells that started near it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.measured import files
from ..cells.relaxed import RelaxedCells
from ..data import store

if TYPE_CHECKING:
    import xarray as xr

PREFIX = "measured:"
FOLDER = Path(__file__).resolve().parents[1] / "examples" / "measured"
ENDING = ".csv.gz"
LEAST = 100
"""Cells without which a relaxation is not taken for that of a technology."""

INNER = (5.0, 95.0)
"""Percentiles of the programmed conductances between which cells are used."""


class MeasuredError(ValueError):
    """A measurement holds nothing that a network needs, or too little of it."""


def names() -> list[str]:
    """Return the names of the measured technologies of examples/measured that give a cell."""
    return [name for name in ("cycles", "foundry_b") if (FOLDER / f"{name}{ENDING}").is_file()]


def file_of(text: str) -> Path:
    """Return the file behind "measured:NAME": a table of examples/measured, or one's own.

    Raises
    ------
    MeasuredError
        There is no such file.
    """
    name = text.removeprefix(PREFIX)
    user_file, packaged = Path(name), FOLDER / f"{name}{ENDING}"
    if packaged.is_file():
        return packaged
    if user_file.is_file():
        return user_file
    measured = names()
    raise MeasuredError(
        f"no measured cells {name!r}; there are {', '.join(measured) or 'none'}, "
        "or give the path of a table of reads or cycles"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a measurement tells of a cell.

    Attributes
    ----------
    source : str
        Name of its file.
    window : tuple of float
        Least and largest conductance that cells are used at (S).
    variability : float or None
        Spread of ln G from cell to cell and cycle to cycle around its median at the upper end; None where
        cells were verified.
    relaxation : RelaxedCells or None
    """

    source: str
    window: tuple[float, float]
    variability: float | None = None
    relaxation: RelaxedCells | None = None


def read(path: Path) -> Measured:
    """Return what a table of reads in time, or of HRS and LRS by cycle, tells of a cell.

    Raises
    ------
    MeasuredError
        The table holds neither, or too few cells.
    TableError
        It is none, or its columns do not tell what they are.
    """
    data = files.read([store.readable(path)])
    if "read_time" in data:
        relaxation = relaxation_of(data, path.name)
        low, high = np.percentile(relaxation.start, INNER)
        return Measured(source=path.name, window=(float(low), float(high)), relaxation=relaxation)
    if "hrs" in data and "lrs" in data:
        return _cycles(data, path.name)
    raise MeasuredError(
        f"{path.name} holds no reads in time and no hrs and lrs by cycle: it gives a network no cell"
    )


def _cycles(data: xr.Dataset, name: str) -> Measured:
    low, high = (np.asarray(data[feature], float) for feature in ("hrs", "lrs"))
    is_finite = np.isfinite(low) & np.isfinite(high)
    if is_finite.sum() < LEAST:
        raise MeasuredError(
            f"{name} must hold at least {LEAST} cycles with hrs and lrs, got {is_finite.sum()}"
        )
    least, most = 1.0 / float(np.median(low[is_finite])), 1.0 / float(np.median(high[is_finite]))
    if not least < most:
        raise MeasuredError(f"{name} holds no window: median HRS {1 / least:g}, LRS {1 / most:g} ohm")
    return Measured(source=name, window=(least, most), variability=float(np.log(high[is_finite]).std()))


def relaxation_of(data: xr.Dataset, name: str) -> RelaxedCells:
    """Return the cells of a measurement that were read at each of its times, the first being their start.

    Raises
    ------
    MeasuredError
        Reads of several temperatures, fewer than two times, or too few whole cells.
    """
    if np.unique(np.asarray(data.read_temperature)[np.isfinite(data.read_temperature)]).size > 1:
        raise MeasuredError(f"{name} holds reads at several temperatures: give those of one")
    times, place = np.unique(np.asarray(data.read_time), return_inverse=True)
    table = np.full((data.sizes["device"], times.size), np.nan)
    table[np.asarray(data.read_device), place] = data.read_conductance
    table = table[np.isfinite(table).all(axis=1) & (table[:, 0] > 0.0)]
    if times.size < 2 or len(table) < LEAST:
        raise MeasuredError(
            f"{name} must hold at least {LEAST} cells read at the same two times or more, got {len(table)} "
            f"cells at {times.size}"
        )
    table = table[np.argsort(table[:, 0], kind="stable")]
    return RelaxedCells(table[:, 0], times[1:] - times[0], table[:, 1:])
