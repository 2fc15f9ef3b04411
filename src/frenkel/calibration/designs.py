"""Designs through the farm: the devices of many points, each point with the same members."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import provenance
from ..analysis.fitting.observations import Observations
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration, parse
from ..configuration.material import MaterialSection
from ..configuration.reader import change
from ..data import kinds, member_file
from ..experiment import ensemble, ensemble_file
from ..experiment.ensemble import Ensemble
from ..experiment.members import STRIDE
from ..mpi_runs import farm, merge, runs, session, shards
from ..mpi_runs.status import Status
from ..typing import Floats
from .free import written
from .summaries import side_by_side

Options = Mapping[str, Any]


class RoundStopped(Exception):
    """A round was stopped before its end; the same command goes on.

    Parameters
    ----------
    outcome : RunOutcome
    """

    def __init__(self, outcome: session.RunOutcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


@dataclass(slots=True, kw_only=True)
class Designs:
    """A simulator of rounds of points, as `rounds.calibrate` calls it.

    All points have the seed of the configuration, so that a member has the same random numbers in each.

    Parameters
    ----------
    configuration : Configuration
        With its seed.
    folder : Path
        Where a material file with a relative name is looked for.
    target : Observations
        Whose numbers the devices are asked for.
    members : int
        Devices of each point.
    output : Path
        Records of round k are in the folder beside with ``-round-k.run`` added to the name.
    workers : sequence of (Executor, int)
    options : mapping
        ``limit``, ``grace``, ``deadline``, ``isolated``, ``retry`` and ``force`` of `Job`.
    show, begin
        As of `frenkel.mpi_runs.session.execute`.
    """

    configuration: Configuration
    folder: Path
    target: Observations
    members: int
    output: Path
    workers: farm.Workers
    options: Options
    show: Callable[[Status], None] = lambda status: None
    begin: Callable[[runs.Survey], None] = lambda found: None
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.configuration.seed is None:
            raise ConfigurationError("a calibration needs a seed: give --seed or seed in the file")

    def __call__(self, points: Sequence[Mapping[str, float]], turn: int) -> Floats:
        """Return the numbers of all devices, (points, members, cycles, features), in transformed space.

        Raises
        ------
        Stopped
            The run was stopped.
        """
        output = self.output.with_name(f"{self.output.stem}-round-{turn}")
        whole = Ensemble(
            points=[self.point(point) for point in points],
            members=self.members,
            keep="summary",
            folder=self.folder,
        )
        job = ensemble.job(whole, output, **self.options)
        run_outcome = session.execute(job, self.workers, self.show, self.begin)
        if run_outcome.left:
            raise RoundStopped(run_outcome)
        located = runs.survey([job.folder], job.digest).best(job.members)
        self.failed += [
            f"round {turn}: {shards.STATUS[int(code)]}" for code in located.status if code != shards.OK
        ]
        return self._numbers(located, len(points), job.folder / "merged.nc")

    def point(self, values: Mapping[str, float]) -> Configuration:
        """Return the configuration of a point."""
        document = self.configuration.document() | {"member": 0}
        base = {key: document.pop(key) for key in ("material_document", "layer_documents") if key in document}
        for name, value in values.items():
            change(document, written(name, value))
        return parse(document | base, "a point of the calibration")

    def _numbers(self, located: merge.Located, points: int, path: Path) -> Floats:
        """Return the numbers that the records of a round hold."""
        all_columns = ensemble_file.columns()
        target_columns = {name: all_columns[name] for name in self.target.names}
        grid = [("point", points), ("member", self.members)]
        attrs = provenance.attributes("a round of a calibration", {}, seed=self.configuration.seed or 0)
        merge.merge(located, member_file.Target(grid, target_columns, {}, attrs, stride=STRIDE), path)
        with kinds.open(path) as merged:
            rows = {name: merged[name].values for name in self.target.names if name in merged}
        cycles = self.target.values.shape[1]
        numbers = np.full((points, self.members, cycles, len(self.target.names)), np.nan)
        for i, feature in enumerate(self.target.features):
            values = rows.get(feature.name)
            if values is None:
                continue  # no device of the round has a record
            values = values if values.ndim == 3 else values[:, :, None]
            numbers[:, :, : values.shape[2], i] = feature.forward(
                np.where(np.isfinite(values), values, np.nan)
            )[:, :, :cycles]
        return numbers


@dataclass(slots=True)
class Protocols:
    """A simulator of several protocols, whose numbers are features beside each other.

    Devices of different protocols are different ones: each protocol has a seed of its own.

    Parameters
    ----------
    parts : sequence of Designs
    """

    parts: Sequence[Designs]

    def __call__(self, points: Sequence[Mapping[str, float]], turn: int) -> Floats:
        """Return the numbers of all protocols, (points, members, cycles, features)."""
        return side_by_side([part(points, turn) for part in self.parts])

    @property
    def failed(self) -> list[str]:
        """Devices that failed, one line each."""
        return [line for part in self.parts for line in part.failed]


def with_material(configuration: Configuration, folder: Path) -> Configuration:
    """Return a configuration with the documents of the sets that its materials are based on."""
    section = configuration.material
    base = MaterialSection(base=section.base).material(configuration.material_document, folder)
    return configuration.recorded(base).model_copy(update={"material": section})
