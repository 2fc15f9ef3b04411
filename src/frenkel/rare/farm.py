"""Repeats and members over the processes of a machine or a cluster, and the file of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import provenance
from ..checks import whole
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..data import forms, kinds, member_file
from ..data.member_file import MemberColumn
from ..data.stopping import held_back
from ..experiment.device import check_device
from ..mpi_runs import farm, merge, runs, session
from ..mpi_runs.session import Job, RunOutcome
from ..mpi_runs.status import Status
from .events import Question
from .members import prepared
from .splitting import Estimate, together

if TYPE_CHECKING:
    import xarray as xr

PILOT, FIRST_PILOT = 5, 2**30
"""Devices that show what a phase usually does, and the number of the first: none that a repeat has."""

def column(words: str, units: str, *dims: str, kind: str = "member") -> MemberColumn:
    """Return how an array of the tasks is written."""
    return MemberColumn(dims=dims, attrs={"long_name": words, "units": units}, kind=kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class RareEventStudy:
    """What a result is a function of, whatever is asked.

    Parameters
    ----------
    configuration : Configuration
        With its seed; all phases but the last prepare the devices, the last is what is asked about.
    folder : Path
        Where a material file with a relative name is looked for.
    """

    configuration: Configuration
    folder: Path

    function: ClassVar[str]
    kind: ClassVar[kinds.Mark]
    dim: ClassVar[str]
    columns: ClassVar[Mapping[str, MemberColumn]]

    def __post_init__(self) -> None:
        if self.configuration.seed is None:
            raise ConfigurationError(f"{self.kind} needs a seed: give --seed or seed in the file")
        thermal = self.configuration.thermal
        if thermal is not None and thermal.transient:
            # A path branches between events from the state of the last one, and scores are of steady heat.
            raise ConfigurationError(
                f"thermal.transient must be false for {self.kind}, which takes heat as steady"
            )
        *_, (_, _, last) = self.configuration.phases()
        self.configuration.temperature_of(last)

    @property
    def number(self) -> int:
        """How many tasks there are."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """What is asked, for the title."""
        raise NotImplementedError

    def settled(self) -> Configuration:
        """Return the configuration with its materials whole."""
        material = self.configuration.made_of(self.folder)
        check_device(self.configuration, material)
        return self.configuration.recorded(material).model_copy(update={"member": 0})

    def document(self) -> dict[str, Any]:
        """Return what each task is a function of, as JSON values; how many there are is no part of it."""
        return {"configuration": self.settled().document()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tails(RareEventStudy):
    """How likely an event is.

    Parameters
    ----------
    question : Question
    repeats : int
        Independent ones, at least 1. Each has devices of its own.
    """

    question: Question
    repeats: int

    function: ClassVar[str] = "frenkel.rare.members:prepare"
    kind: ClassVar[kinds.Mark] = "tails"
    dim: ClassVar[str] = "repeat"
    columns: ClassVar[Mapping[str, MemberColumn]] = {
        "probability": column("unbiased estimate of the repeat", "1"),
        "variance": column("variance of the estimate, by its genealogy", "1"),
        "stages": column("number of levels", "1"),
        "hits": column("particles that reached the end of the last stage", "1"),
        "complete": column("1 unless it was ended at the floor", "1"),
        "level": column("score that was given up in each stage", "1", "stage", kind="ragged"),
        "killed": column("particles taken out in each stage", "1", "stage", kind="ragged"),
        "start_conductance": column("conductance of each device at the start", "S", "start"),
    }

    def __post_init__(self) -> None:
        RareEventStudy.__post_init__(self)
        whole("repeats", self.repeats, 1, FIRST_PILOT // self.question.starts)

    @property
    def number(self) -> int:
        """Number of repeats."""
        return self.repeats

    @property
    def name(self) -> str:
        """The event."""
        return self.question.event

    def document(self) -> dict[str, Any]:
        """Return what each repeat is a function of."""
        return RareEventStudy.document(self) | {"question": asdict(self.question)}


def with_edge(
    asked: Tails, output: Path, progress: Callable[[float, str], None] = lambda share, words: None
) -> Tails:
    """Return a question with an edge: its own, that of an earlier start, or the middle of what a phase does.

    Where nothing is given, a few devices of their own go through the last phase; the edge is the geometric
    mean of the medians of their conductances before and after it.
    """
    question = asked.question
    if question.conductance or question.share or question.what.share:
        return asked
    before = runs.recorded(forms.run_folder(output))
    if before is not None:
        recorded_question = before["document"].get("question", {})
        if recorded_question.get("event") == question.event and recorded_question.get("conductance"):
            return replace(asked, question=replace(question, conductance=recorded_question["conductance"]))
    configuration, rows = asked.settled(), []
    for number in range(PILOT):
        progress(number / PILOT, f"device {number + 1} of {PILOT} for the edge")
        device, waveform = prepared(configuration, FIRST_PILOT + number)
        start = device.conductance
        device.advance(question.waveform(waveform), samples=2)
        rows.append((start, device.conductance))
    first, last = np.median(rows, axis=0)
    if (last > first) != question.rises:
        raise ValueError(
            f"{question.event!r} needs a resistance (--at): the last phase takes the conductance from "
            f"{first:.3g} to {last:.3g} S in the median of {PILOT} devices, the other way"
        )
    return replace(asked, question=replace(question, conductance=float(np.sqrt(first * last))))


def execute(
    asked: RareEventStudy,
    output: Path,
    workers: farm.Workers,
    *,
    show: Callable[[Status], None] = lambda status: None,
    begin: Callable[[runs.Survey], None] = lambda found: None,
    **options: Any,
) -> RunOutcome:
    """Run the tasks that are left, and write the file when all are done.

    Parameters
    ----------
    asked : RareEventStudy
        Tails have an edge here, see `with_edge`.
    output : Path
        The records of the tasks are in the folder beside with ``.run`` added.
    workers : sequence of (Executor, int)
    show, begin
        As of `frenkel.mpi_runs.session.execute`.
    **options
        ``limit``, ``grace``, ``deadline``, ``isolated``, ``retry`` and ``force`` of `Job`.
    """
    document = asked.document()
    job = Job(
        folder=forms.run_folder(output),
        function=asked.function,
        settings=document,
        document=document,
        digest=provenance.digest(document),
        members=list(range(asked.number)),
        software={"version": provenance.version(), "git": provenance.git_hash()},
        **options,
    )
    run_outcome = session.execute(job, workers, show, begin)
    if run_outcome.code == session.DONE:
        located = runs.survey([job.folder], job.digest).best(job.members)
        merge.merge(located, _target(asked, document), output)
    return run_outcome


def _target(asked: RareEventStudy, document: Mapping[str, Any]) -> member_file.Target:
    title = f"{asked.configuration.title or document['configuration']['material']}: {asked.name}"
    attrs = provenance.attributes(
        title, document, seed=asked.configuration.seed or 0, frenkel_kind=asked.kind
    )
    number = (
        (asked.dim,),
        np.arange(asked.number),
        {"long_name": f"number of the {asked.dim}", "units": "1"},
    )
    return member_file.Target([(asked.dim, asked.number)], dict(asked.columns), {asked.dim: number}, attrs)


def load(path: Path, kind: kinds.Mark = Tails.kind) -> xr.Dataset:
    """Return the tasks in a file.

    Raises
    ------
    WrongFileError
        It is a file of something else.
    OSError
        It cannot be read.
    """
    with held_back():
        return kinds.load(path, kind)


def verified(found: xr.Dataset, resistance: float) -> xr.Dataset:
    """Return the repeats whose device had the state that it should have at the start, as a read tells.

    Parameters
    ----------
    found : Dataset
        Of repeats of one device each.
    resistance : float
        What is to rise in conductance has at most this (ohm) at the start, what is to fall at least this: a
        memory reads after writing, and writes again what it does not find.

    Raises
    ------
    ValueError
        A repeat has several devices, or less than two are left.
    """
    question = Question(**provenance.read(found.attrs["provenance"])["configuration"]["question"])
    if question.starts != 1:
        raise ValueError(f"--verified needs one device a repeat (--starts 1), got {question.starts}")
    start = 1.0 / found["start_conductance"].values[:, 0]
    is_beyond = start <= resistance if question.rises else start >= resistance
    if np.count_nonzero(is_beyond) < 2:
        side = "at most" if question.rises else "at least"
        raise ValueError(
            f"--verified leaves {np.count_nonzero(is_beyond)} devices of {side} {resistance:g} ohm"
        )
    return found.isel(repeat=np.flatnonzero(is_beyond))


def estimate(found: xr.Dataset) -> Estimate:
    """Return what the repeats in a file say together."""
    return together(
        found["probability"].values,
        found["variance"].values,
        found["stages"].values,
        found["complete"].values.astype(bool).tolist(),
    )
