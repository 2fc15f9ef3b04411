"""All tasks on the public sets of ``examples/measured``, and what comes out, with a hash."""

import hashlib
import json
import runpy
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.fitting import noise_fit, pulse_fit
from ..analysis.fitting.observations import from_dataset
from ..analysis.measured.loops import Readout
from ..analysis.noise import trace
from ..data.measured import series
from ..experiment import measurements
from . import cycles, models, pulses, reads
from .scores import ScoreTable

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "measured"

KINDS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "cycles": models.ADAPTERS,
    "pulses": pulses.ADAPTERS,
    "relaxation": reads.RELAXATION,
    "bakes": reads.BAKES,
    "noise": reads.NOISE,
}
"""Models of each kind of task; a file of a user has functions of these names."""

FAILED = 0.5
"""Fraction of its first conductance at which a cell has failed in a bake."""

DIGITS = 6
"""Significant digits of a figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSet:
    """A public set.

    Parameters
    ----------
    what : str
    repository, commit, licence : str
        Where it is from, and under which licence.
    doi : str
        Of the publication that describes the measurement; "": its repository names none.
    volts : float
        At which resistances of loops are taken (V).
    """

    what: str
    repository: str
    commit: str
    licence: str = "MIT"
    doi: str = ""
    volts: float = 0.1


WEI, LEVY = "Anjiang-Wei/Anjiang-RRAM-Python", "akashlevy/RRAM-Relaxation-Master-Model"
SETS: Mapping[str, PublicSet] = {
    "cycles": PublicSet(what="19 foundry cells, 200 cycles each", repository=WEI, commit="d2c625c"),
    "loops": PublicSet(
        what="60 loops of a 100 nm cell", repository="thennen/py-ivtools", commit="1b4141b", volts=0.3,
        doi="10.1063/5.0047571",
    ),
    "pulses": PublicSet(what="a SET and a RESET of 2,521 foundry cells", repository=WEI, commit="d2c625c"),
    "foundry_b": PublicSet(what="1,814 foundry cells, 0 to 10,000 s", repository=LEVY, commit="ca0cfff"),
    "bake": PublicSet(what="2,560 foundry cells, 100 to 260 C", repository=LEVY, commit="ca0cfff"),
    "traces": PublicSet(what="five traces of 25 s at 400 Hz", repository=LEVY, commit="ca0cfff"),
}  # fmt: skip
"""Sets that are shipped."""


@dataclass(frozen=True, slots=True)
class Results:
    """What the benchmark found.

    Parameters
    ----------
    tables : dict
        Of each set and kind of task, such as "cycles, cycles", its scores.
    sizes : dict
        Of each the number of units that train and judge, in words.
    """

    tables: dict[str, ScoreTable]
    sizes: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the results as JSON data, figures to :data:`DIGITS` digits; those without a value None."""
        return {
            name: {
                "size": self.sizes[name],
                "floor": {task: _short(value) for task, value in table.floor.items()},
                "models": {
                    model: scores if isinstance(scores, str)
                    else {task: [_short(s.value), _short(s.error)] for task, s in scores.items()}
                    for model, scores in table.models.items()
                },
            }
            for name, table in self.tables.items()
        }  # fmt: skip

    @property
    def hash(self) -> str:
        """Hash of the results."""
        return hash_of(self.to_dict())


def hash_of(results: Mapping[str, Any]) -> str:
    """Return the SHA-256 of results as JSON data."""
    return hashlib.sha256(json.dumps(results, sort_keys=True).encode()).hexdigest()


def _short(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def models_of(paths: Sequence[Path]) -> dict[str, dict[str, Callable[..., Any]]]:
    """Return the models of the package and those in Python files, which are run, by kind of task.

    Raises
    ------
    ValueError
        A file has no function with the name of a kind of task.
    """
    found = {kind: dict(known) for kind, known in KINDS.items()}
    for path in paths:
        named = runpy.run_path(str(path))
        functions = {kind: named[kind] for kind in KINDS if callable(named.get(kind))}
        if not functions:
            raise ValueError(f"{path} must have a function named {', '.join(KINDS)}")
        for kind, function in functions.items():
            found[kind][path.stem] = function
    return found


def run(
    own: Sequence[Path] = (),
    tables: Sequence[Path] = (),
    progress: Callable[[float, str], None] = lambda share, name: None,
) -> Results:
    """Return the scores of all models on the shipped sets and on tables of one's own.

    Parameters
    ----------
    own : sequence of Path
        Python files with models, see :func:`models_of`.
    tables : sequence of Path
        More tables of cycles, loops, pulses, reads or traces.
    progress : callable
        Takes the share done and what is being done.
    """
    known = models_of(own)
    sets = [(name, FOLDER / f"{name}.csv.gz", source.volts) for name, source in SETS.items()]
    sets += [(path.name.split(".")[0], path, 0.1) for path in tables]
    results = Results({}, {})
    with warnings.catch_warnings():
        # A device or level without a value, or without a spread, has no figure.
        warnings.simplefilter("ignore")
        for place, (name, path, volts) in enumerate(sets):
            progress(place / len(sets), name)
            for kind, table, size in tasks_of(path, volts, known):
                results.tables[f"{name}: {kind}"] = table
                results.sizes[f"{name}: {kind}"] = size
    return results


def tasks_of(
    path: Path, volts: float, known: Mapping[str, Mapping[str, Callable[..., Any]]]
) -> list[tuple[str, ScoreTable, str]]:
    """Return kind of task, scores and size of what is in a file."""
    data = measurements.of_file(path, Readout(volts))
    found: list[tuple[str, ScoreTable, str]] = []
    names = [str(one) for one in data["device"].values]
    if "cycle" in data.dims:
        observed = from_dataset(data, origin=path.name)
        parts = [part.values.shape[:2] for part in cycles.split(observed, names)]
        size = " and ".join(f"{n} devices x {c} cycles" for n, c in parts)
        found.append(("cycles", cycles.cycles(observed, names, known["cycles"]), size))
    if pulse_fit.measured(data):
        recorded = pulse_fit.gathered(data)
        judge = np.array([cycles.judging(names[place]) for place in recorded.owner])
        size = f"{np.sum(~judge)} and {np.sum(judge)} pulses"
        found.append(("pulses", pulses.pulses(recorded, judge, known["pulses"]), size))
    if "read" in data.dims and np.ptp(data["read_temperature"].values) > 1.0:
        bounds = series.intervals(data, path.name, FAILED)
        found.append(("bakes", reads.bakes(*bounds, known["bakes"]), f"{len(bounds[0])} cells"))
    elif "read" in data.dims:
        late = noise_fit.of_members(data, "relaxation")
        judge = np.array([cycles.judging(str(k)) for k in range(late.sizes["device"])])
        size = f"{np.sum(~judge)} and {np.sum(judge)} cells"
        found.append(("relaxation", reads.relaxation(late, judge, known["relaxation"]), size))
    if "trace" in data.dims:
        recorded_traces = [trace.from_arrays(time, i) for _, time, i in series.traces(data, path.name)]
        table = reads.noise(recorded_traces, known["noise"])
        found.append(("noise", table, f"halves of {len(recorded_traces)} traces"))
    return found


__all__ = ["KINDS", "SETS", "Results", "hash_of", "models_of", "run"]
