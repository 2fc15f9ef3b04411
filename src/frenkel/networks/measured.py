"""What measured cells give to a network: their window, their spread, and how each of them relaxed.

No law is fitted to a relaxation: a programmed cell is one of the measured cells that started near it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.measured import files
from ..checks import at_least
from ..data import store
from ..typing import Floats, Index

if TYPE_CHECKING:
    import xarray as xr

PREFIX = "measured:"
FOLDER = Path(__file__).resolve().parents[1] / "examples" / "measured"
ENDING = ".csv.gz"
NEIGHBOURS = 64
"""Measured cells of nearest start that stand for a programmed one."""

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
    own, packaged = Path(name), FOLDER / f"{name}{ENDING}"
    if packaged.is_file():
        return packaged
    if own.is_file():
        return own
    known = names()
    raise MeasuredError(
        f"no measured cells {name!r}; there are {', '.join(known) or 'none'}, "
        "or give the path of a table of reads or cycles"
    )


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Measured cells, in the order of the conductance that they were programmed to.

    Attributes
    ----------
    start : ndarray of shape (cells,)
        Conductance right after programming (S), above 0, ascending.
    times : ndarray of shape (k,)
        Of the later reads (s), above 0, ascending.
    later : ndarray of shape (cells, k)
        Conductance at each time (S), 0 or more.
    """

    start: Floats
    times: Floats
    later: Floats

    def after(self, conductance: Floats, rank: Floats, time: float) -> Floats:
        """Return conductances (S) a time (s) after programming; unchanged up to the first later read.

        Each cell follows one measured cell, the one at its rank among the :data:`NEIGHBOURS` that started
        nearest: G(t) = G times what was read then over the start, between two times in ln t.

        Parameters
        ----------
        conductance : ndarray
            As programmed (S).
        rank : ndarray
            Of the same shape, 0 to 1: the same number is the same measured cell.
        time : float
            0 to the last time measured (s).

        Raises
        ------
        MeasuredError
            Nothing was measured at this time.
        """
        at_least("time", time, 0.0, "s")
        if time > self.times[-1]:
            raise MeasuredError(f"cells were measured up to {self.times[-1]:g} s, got a time of {time:g} s")
        if time < self.times[0]:
            return conductance
        cells = self.like(conductance, rank)
        place = float(np.interp(np.log(time), np.log(self.times), np.arange(self.times.size)))
        low = int(place)
        high, part = min(low + 1, self.times.size - 1), place - low
        then = (1.0 - part) * self.later[cells, low] + part * self.later[cells, high]
        return np.asarray(conductance * (then / self.start[cells]).astype(conductance.dtype))

    def like(self, conductance: Floats, rank: Floats) -> Index:
        """Return which measured cell each cell follows."""
        count = min(NEIGHBOURS, self.start.size)
        first = np.searchsorted(self.start, conductance) - count // 2
        first = np.minimum(np.maximum(first, 0), self.start.size - count)
        return np.asarray(first + np.minimum((rank * count).astype(np.intp), count - 1))

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of all numbers."""
        parts = (np.ascontiguousarray(a, dtype="<f8").tobytes() for a in (self.start, self.times, self.later))
        return hashlib.sha256(b"".join(parts)).hexdigest()


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
    relaxation : Relaxation or None
    """

    source: str
    window: tuple[float, float]
    variability: float | None = None
    relaxation: Relaxation | None = None


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
        found = relaxation_of(data, path.name)
        low, high = np.percentile(found.start, INNER)
        return Measured(source=path.name, window=(float(low), float(high)), relaxation=found)
    if "hrs" in data and "lrs" in data:
        return _cycles(data, path.name)
    raise MeasuredError(
        f"{path.name} holds no reads in time and no hrs and lrs by cycle: it gives a network no cell"
    )


def _cycles(data: xr.Dataset, name: str) -> Measured:
    low, high = (np.asarray(data[feature], float) for feature in ("hrs", "lrs"))
    good = np.isfinite(low) & np.isfinite(high)
    if good.sum() < LEAST:
        raise MeasuredError(f"{name} must hold at least {LEAST} cycles with hrs and lrs, got {good.sum()}")
    least, most = 1.0 / float(np.median(low[good])), 1.0 / float(np.median(high[good]))
    if not least < most:
        raise MeasuredError(f"{name} holds no window: median HRS {1 / least:g}, LRS {1 / most:g} ohm")
    return Measured(source=name, window=(least, most), variability=float(np.log(high[good]).std()))


def relaxation_of(data: xr.Dataset, name: str) -> Relaxation:
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
    return Relaxation(table[:, 0], times[1:] - times[0], table[:, 1:])
