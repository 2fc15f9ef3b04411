"""Models of resistive memory on public measurements: one table, by one command.

    python benchmarks/rram/run.py [TABLE ...]

Each set of ``examples/measured``, and each table that is named, is split once and for all: devices by the
hash of their names, cycles of a single device into halves. A model is trained on one part, draws devices of
as many cycles as the other has, and is compared with that. ``floor`` is the distance between halves of the
judging part; no difference below it is significant. Task and figure: distance of Kolmogorov and Smirnov
of all cycles and of means of devices; largest difference of autocorrelations up to lag 50; size of ln of the
ratio of the spreads within a device; continuous ranked probability score of the next cycle, predicted by what
follows the drawn cycles that are nearest to the present one. All are means over the numbers of a cycle, and
less is better. Tables of reads and traces have tasks and models of their own (reads.py); what is in a table
is read from it. Devices of aihwkit and CrossSim take part where these libraries are installed (libraries.py).
"""

import argparse
import hashlib
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import reads
import xarray as xr
from adapters import ADAPTERS
from libraries import ABSENT
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import ks_2samp

from frenkel.analysis.fitting import noise_fit
from frenkel.analysis.fitting.observations import Observations, from_dataset
from frenkel.analysis.measured.loops import Readout
from frenkel.analysis.noise import trace
from frenkel.data.measured import series
from frenkel.experiment import measurements

Floats = NDArray[np.float64]
Columns = dict[str, dict[str, float] | str]
"""Of each model, and of the floor, the figure of each task, or a remark."""

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "measured"
SETS = {"cycles.csv.gz": 0.1, "loops.csv.gz": 0.3, "bake.csv.gz": 0.1, "traces.csv.gz": 0.1}
"""Sets that are shipped, and at which voltage (V) resistances of loops are taken."""

FAILED = 0.5
"""Fraction of its first conductance at which a cell has failed in a bake."""

LAG, REPEATS, NEAR = 50, 8, 20
"""Longest memory; halves for a floor; drawn cycles by which the next one is predicted."""


def judging(name: str) -> bool:
    """Return whether a device judges: by the first bit of the hash of its name, always the same."""
    return hashlib.sha256(name.encode()).digest()[0] < 128


def split(data: Observations, names: list[str]) -> tuple[Observations, Observations]:
    """Return the part that trains and the one that judges; of one device the first and second half."""
    judge = np.array([judging(name) for name in names])
    if judge.any() and not judge.all():
        return data.take(np.flatnonzero(~judge)), data.take(np.flatnonzero(judge))
    half = data.values.shape[1] // 2
    return replace(data, values=data.values[:, :half]), replace(data, values=data.values[:, half : 2 * half])


def memory(values: Floats) -> Floats:
    """Return the autocorrelation about the means of devices up to lag 50, (lags, features)."""
    rest = values - np.nanmean(values, axis=1, keepdims=True)
    power = np.nanmean(rest**2, axis=(0, 1))
    lags = range(1, min(LAG, values.shape[1] // 2) + 1)
    return np.array([np.nanmean(rest[:, lag:] * rest[:, :-lag], axis=(0, 1)) / power for lag in lags])


def tasks(one: Floats, other: Floats) -> dict[str, float]:
    """Return the figure of each task between two sets of devices, means over features."""
    features = range(one.shape[2])
    pairs = [(one[:, :, i].ravel(), other[:, :, i].ravel()) for i in features]
    found = {"all cycles (KS)": float(np.mean([ks(*pair) for pair in pairs]))}
    if min(len(one), len(other)) >= 4:
        levels = [np.nanmean(values, axis=1) for values in (one, other)]
        found["means of devices (KS)"] = float(
            np.mean([ks(levels[0][:, i], levels[1][:, i]) for i in features])
        )
    found["memory to lag 50"] = float(np.mean(np.abs(memory(one) - memory(other)).max(axis=0)))
    inner = [np.nanmedian(np.nanstd(values, axis=1), axis=0) for values in (one, other)]
    found["ln ratio of spreads"] = float(np.mean(np.abs(np.log(inner[0] / inner[1]))))
    return found


def figures(one: Floats, other: Floats) -> dict[str, float]:
    """Return the figure of each task for devices that judge and others, drawn or measured."""
    return tasks(one, other) | {"next cycle (CRPS)": next_cycle(one, other)}


def next_cycle(one: Floats, other: Floats) -> float:
    """Return the mean score of predictions of each next cycle of ``one`` by ``other``, over its spread.

    The forecast is what follows those `NEAR` cycles of ``other`` that are nearest to the present one; the
    score is eq. 21 of doi:10.1198/016214506000001437, with distinct pairs. Incomplete cycles are left out.
    """
    spread = np.nanstd(one, axis=(0, 1))
    now, then = following(one / spread)
    known, follows = following(other / spread)
    near = np.atleast_2d(cKDTree(known).query(now, min(NEAR, len(known)))[1])
    drawn = follows[near]
    away = np.abs(drawn - then[:, None]).mean(axis=1)
    pairs = near.shape[1] * (near.shape[1] - 1)
    apart = np.abs(drawn[:, :, None] - drawn[:, None]).sum(axis=(1, 2)) / pairs
    return float(np.mean(away - 0.5 * apart))


def following(values: Floats) -> tuple[Floats, Floats]:
    """Return cycles and those that follow them in the same device, (pairs, features)."""
    pairs = np.concatenate([values[:, :-1], values[:, 1:]], axis=2).reshape(-1, 2 * values.shape[2])
    now, then = np.split(pairs[np.isfinite(pairs).all(axis=1)], 2, axis=1)
    return now, then


def ks(one: Floats, other: Floats) -> float:
    """Return the distance of Kolmogorov and Smirnov of what is finite."""
    return float(ks_2samp(one[np.isfinite(one)], other[np.isfinite(other)], method="asymp").statistic)


def floor(judge: Floats) -> dict[str, float]:
    """Return the figures between halves: of the devices, or of the cycles of one or two."""
    rows = []
    for repeat in range(REPEATS if len(judge) >= 4 else 1):
        half = len(judge) // 2
        order = np.random.default_rng(repeat).permutation(len(judge))
        middle = judge.shape[1] // 2
        parts = (
            (judge[order[:half]], judge[order[half:]])
            if len(judge) >= 4
            else (judge[:, :middle], judge[:, middle:])
        )
        rows.append(figures(*parts))
    return {task: float(np.mean([row[task] for row in rows])) for task in rows[0]}


def cycles(name: str, data: Observations, names: list[str]) -> list[str]:
    """Return the rows of one set of cycles, in markdown."""
    training, judge = split(data, names)
    columns: Columns = {"floor": floor(judge.values)}
    for model, adapter in ADAPTERS.items():
        print(f"{name}: {model}", file=sys.stderr)
        try:
            draw = adapter(training)
        except (ImportError, NotImplementedError) as error:
            columns[model] = ABSENT if isinstance(error, ImportError) else str(error)
            continue
        number, length = max(len(judge.values), 50), judge.values.shape[1]
        columns[model] = figures(judge.values, draw(number, length, 1))
    return rows(f"{name} ({len(training.values)} and {len(judge.values)} devices x {length})", columns)


def rows(name: str, columns: Columns) -> list[str]:
    """Return rows of a table: name, task, floor, and each model with its figure, or why it has none."""
    models = {model: c for model, c in columns.items() if model != "floor"}
    return [
        f"| {name} | {task} | {least:.3f} | "
        + ", ".join(
            f"{model} {c}" if isinstance(c, str) else f"{model} {c[task]:.3f}" for model, c in models.items()
        )
        + " |"
        for task, least in columns["floor"].items()
    ]


def of_reads(name: str, data: xr.Dataset) -> list[str]:
    """Return the rows of reads: a bake where their temperatures differ, else a relaxation."""
    print(f"{name}: reads", file=sys.stderr)
    if np.ptp(data["read_temperature"].values) > 1.0:
        found = reads.bakes(*series.intervals(data, name, FAILED))
        return rows(
            name, {model: {"shares failed at an unseen temperature": x} for model, x in found.items()}
        )
    late = noise_fit.of_members(data, "relaxation")
    judge = np.array([judging(str(k)) for k in range(late.sizes["device"])])
    return rows(f"{name} ({judge.size} cells)", reads.relaxation(late, judge))


def of_traces(name: str, data: xr.Dataset) -> list[str]:
    """Return the row of traces."""
    print(f"{name}: traces", file=sys.stderr)
    found = reads.noise([trace.from_arrays(time, current) for _, time, current in series.traces(data, name)])
    return rows(name, {model: {"noise spectrum, 6 bands (ln)": x} for model, x in found.items()})


def table(path: Path, volts: float) -> list[str]:
    """Return the rows of what is in a file."""
    data = measurements.of_file(path, Readout(volts))
    found: list[str] = []
    if "cycle" in data.dims:
        observed = from_dataset(data, origin=path.name)
        found += cycles(path.name, observed, [str(one) for one in data["device"].values])
    found += of_reads(path.name, data) if "read" in data.dims else []
    return found + (of_traces(path.name, data) if "trace" in data.dims else [])


def main() -> None:
    """Print the table of all sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "tables", nargs="*", type=Path, metavar="TABLE", help="more tables of cycles, loops, reads or traces"
    )
    given = parser.parse_args().tables
    # A device or level without a value, or without a spread, stands as nan or inf in the table.
    warnings.simplefilter("ignore", RuntimeWarning)
    print("| set (trained, judged) | task | floor | models |\n|---|---|---|---|")
    for path, volts in [*((FOLDER / name, v) for name, v in SETS.items()), *((one, 0.1) for one in given)]:
        print("\n".join(table(path, volts)), flush=True)


if __name__ == "__main__":
    main()
