"""More of an ensemble: members until a quantile is known well enough, and cycles of devices that are done."""

import dataclasses
import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..analysis.statistics.sequential import Stopping
from ..configuration import device as config
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.phases import Cycle
from ..configuration.points import Grid
from ..data import forms
from ..mpi_runs import runs, shards
from ..mpi_runs.merge import Located
from ..mpi_runs.session import DONE, FAILED
from . import ensemble, ensemble_file
from .ensemble import Ensemble
from .members import FORMER, STATE

FIRST = 100
"""Members that are run before the first look."""

GROWTH = 1.25
"""Factor from one number of members to the next."""


def run_until(
    rule: Stopping, name: str, most: int, output: Path, run: Callable[[int], int]
) -> tuple[int, int]:
    """Run members until a rule is content, or all of them are done.

    Parameters
    ----------
    rule : Stopping
        Is given the value of each member.
    name : str
        Number of a member that the rule is about.
    most : int
        Members at most.
    output : Path
        File of the ensemble.
    run : callable
        Runs as many members as it is told, those that are done before included, and returns an exit status.

    Returns
    -------
    tuple of int
        Last exit status, and the members that were run.
    """
    counted, number = 0, min(FIRST, most)
    while True:
        code = run(number)
        if code not in (DONE, FAILED):
            return code, number
        for member, value in enumerate(ensemble_file.values(output, name)[counted:], start=counted):
            rule.add(member, value)
        counted = number
        if rule.stopped or number == most:
            return code, number
        number = min(most, math.ceil(GROWTH * number))


def extended(
    output: Path, target: Path, *, members: int | None = None, cycles: int | None = None
) -> tuple[Ensemble, int]:
    """Return an ensemble that was run, with more members or more cycles.

    Parameters
    ----------
    output : Path
        File of the ensemble; what counts is the folder of its run.
    target : Path
        File of the result: the same, or with more cycles another.
    members, cycles : int, optional
        How many there are to be in all; as many as before by default.

    Returns
    -------
    Ensemble
        It keeps final states where any were kept before.
    int
        Members that are done and go on from their final states.

    Raises
    ------
    ConfigurationError
        There would be fewer than before, or the protocol does not end with cycles.
    ShardError
        There is no run, or it cannot be read.
    """
    folder = forms.run_folder(output)
    present = runs.recorded(folder)
    if present is None:
        raise shards.ShardError(None, f"there is no run of {output} to go on from: no folder {folder}")
    recorded_run = runs.survey([folder], present["configuration_hash"])
    if not len(recorded_run.member):
        raise shards.ShardError(None, f"{folder} holds no finished member yet")
    extended_run = ensemble.from_document(present["document"], recorded_run.member)
    if members is not None and members < extended_run.members:
        raise ConfigurationError(
            f"{output} has {extended_run.members} members already, got --members {members}"
        )
    located = recorded_run.best(extended_run.numbers())
    states = _states(located)
    extended_run = dataclasses.replace(
        extended_run, members=members or extended_run.members, keep_state=bool(len(states))
    )
    if cycles is None:
        return extended_run, 0
    if any(point.measure is not None for point in extended_run.points[:1]):
        raise ConfigurationError(
            f"{output} cannot be given more cycles: its table measure looks at some by their number"
        )
    points = _with_cycles(extended_run.points, cycles)
    _leave(states, forms.run_folder(target) / FORMER)
    former = tuple(str(path.resolve()) for path in located.paths)
    return dataclasses.replace(extended_run, points=points, former=former), len(states)


def _with_cycles(points: Sequence[Configuration], cycles: int) -> Sequence[Configuration]:
    """Return points whose last group of phases is repeated until there are so many cycles in all."""
    if not isinstance(points, Grid):
        return [_lengthened(point, cycles) for point in points]
    *before, last = points.base["phase"]
    group = _lengthened(config.parse(points.base), cycles).phase[-1]
    base = {**points.base, "phase": [*before, {**last, "repeat": group.repeat}]}
    grid = Grid(base, points.over, points.materials, points.layer_documents)
    if any(_cycles(grid[index]) != cycles for index in (0, len(grid) - 1)):
        raise ConfigurationError("a sweep over the number of cycles cannot be given more of them")
    return grid


def _lengthened(configuration: Configuration, cycles: int) -> Configuration:
    *before, last = configuration.phase
    if not isinstance(last, Cycle):
        raise ConfigurationError(
            f"more cycles need a protocol that ends with a group of kind cycle, not with a {last.kind}"
        )
    cycle_counts = _cycles(configuration)
    if cycles <= cycle_counts:
        raise ConfigurationError(f"there are {cycle_counts} cycles already, got --cycles {cycles}")
    group = last.model_copy(update={"repeat": last.repeat + cycles - cycle_counts})
    longer = configuration.model_copy(update={"phase": [*before, group]})
    config.parse(longer.document())  # the number of phases has a limit
    return longer


def _cycles(configuration: Configuration) -> int:
    return sum(entry.repeat for entry in configuration.phase if isinstance(entry, Cycle))


def _states(located: Located) -> NDArray[np.int64]:
    """Return member, shard, offset and length of every record that keeps a final state."""
    rows = [
        (int(member), int(shard), int(offset), int(length))
        for member, status, shard, offset, length in zip(
            located.member, located.status, located.shard, located.offset, located.length, strict=True
        )
        if status == shards.OK and _keeps_state(located.paths[shard], int(offset))
    ]
    return np.array(sorted(rows), np.int64).reshape(-1, 4)


def _leave(states: NDArray[np.int64], path: Path) -> None:
    """Write where the final states are, for the processes that run the members."""
    runs.make(path.parent)
    stream = io.BytesIO()
    np.save(stream, states)
    runs.replace(path, stream.getvalue())


def _keeps_state(path: Path, offset: int) -> bool:
    with path.open("rb") as stream:
        stream.seek(offset)
        _, _, _, _, length, _, *_ = shards.HEAD.unpack(stream.read(shards.HEAD.size))
        return any(name == STATE for name, _, _ in json.loads(stream.read(length))["arrays"])
