"""An ensemble in plain text: its progress, its status from another shell, what its file holds."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import provenance
from ..analysis.plots import sweep
from ..analysis.plots.caption import quantity
from ..analysis.results import melting
from ..configuration.points import points_of
from ..data import content, netcdf
from ..data.layout import SchemaError
from ..escape import shell
from ..experiment.ensemble import Merged
from ..experiment.ensemble_file import SUMMARY
from ..experiment.members import STRIDE
from ..mpi_runs import runs, shards
from ..mpi_runs import status as state
from ..mpi_runs.merge import Located
from ..mpi_runs.session import RunOutcome
from ..mpi_runs.status import Status
from ..progress import Reporter, duration
from .device import changed_numbers, layer_lines, table
from .sweep import points_table
from .variance import population_lines, variance_lines

if TYPE_CHECKING:
    from ..analysis.statistics.sequential import Stopping

FAILURES_SHOWN = 20


class EnsembleProgress(Reporter):
    """Shows how far a start of an ensemble is: a bar on a terminal, a line a minute elsewhere.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(lines=True, quiet=quiet)

    def begun(self, found: runs.Survey) -> None:
        """Report what an earlier start has left."""
        for fault in found.faults:
            self.note(f"{fault}; its members run again")
        finished_count = len(np.unique(found.member[found.status == shards.OK]))
        if finished_count:
            self.note(f"going on: {finished_count} members were finished before")

    def status(self, status: Status) -> None:
        """Show the status, if it is time to."""

        def words() -> tuple[float, str, str]:
            document = status.document()
            return document["done"] / max(document["total"], 1), "", line(document)

        self.show(words)

    def merging(self, done: int) -> None:
        """Show how far the merge is."""
        self.show(lambda: (1.0, "", f"merging: {done} members"))


def line(one: Mapping[str, Any]) -> str:
    """Return a status as one line."""
    parts = [f"{one['done']} of {one['total']} done"]
    if one["failed"]:
        parts.append(f"{one['failed']} failed")
    parts.append(f"{one['running']} handed out to {one['workers']} workers")
    rate = one["rate"] or 0.0
    parts.append(f"{rate:.3g}/s" if rate >= 0.1 else f"{rate * 3600:.3g}/h")
    if one["rest"] is not None:
        parts.append(f"about {duration(one['rest'])} left")
    if one["balance"] is not None:
        parts.append(f"load even to {100 * one['balance']:.0f} %")
    if one["peak_memory"]:
        parts.append(f"{one['peak_memory'] / 1e6:.0f} MB a member")
    return ", ".join(parts)


def ending(done: RunOutcome, found: Merged | None, total: int, output: Path) -> str:
    """Return how a start ended and how to go on.

    Parameters
    ----------
    done : RunOutcome
    found : Merged or None
        The merged file; None: not merged.
    total : int
        Members of this part.
    output : Path
    """
    if done.left:
        return (
            f"stopped ({done.reason}): {total - done.left} of {total} members are done; "
            "run the same command again to go on"
        )
    lines = []
    if done.failed:
        listing = ", ".join(str(number) for number in done.failed[:10]) + (
            " ..." if len(done.failed) > 10 else ""
        )
        lines.append(
            f"{len(done.failed)} of {total} members failed: {listing}; "
            f"`{shell('frenkel', 'status', str(output))}` says why"
        )
    if found is None:
        lines.append(
            f"this part is done; {output} is written by the part that ends last, or by "
            f"{shell('frenkel', 'merge', str(output))}"
        )
    else:
        wrote = f"wrote {output}" if done.ran else f"wrote {output} again: {found.why}"
        lines.append(wrote if found.why else f"{output} is complete: nothing was left to run")
        lines.append(f"content {found.content}")
        with netcdf.direct(output, "r") as file:
            lines += _molten(file)
    return "\n".join(lines)


def _molten(file: Any) -> list[str]:
    """Say how many members stay above the melting point for long; nothing where none does."""
    if "time_above_melting" not in file.variables:
        return []
    time = np.ma.filled(file["time_above_melting"][...], np.nan)
    molten_count = np.count_nonzero(time > melting.LEAST)
    if not molten_count:
        return []
    return [
        f"{molten_count} of {np.count_nonzero(np.isfinite(time))} members exceed their melting or "
        f"decomposition temperature for more than {quantity(melting.LEAST, 's')} at a time, for up to "
        f"{quantity(float(np.nanmax(time)), 's')}; the model ignores melting"
    ]


def quantile_line(name: str, rule: "Stopping") -> str:
    """Return what is known of a quantile at the last look of a rule, and how far that is from enough."""
    look = rule.looks[-1]
    return (
        f"{name}: {100 * rule.share:g} % quantile {look.value:.4g}, 95 % interval {look.low:.4g} to "
        f"{look.high:.4g}, {look.number} members"
        + ("" if rule.stopped else f"; about {look.expected:.3g} would be needed")
    )


def status_text(folder: Path, *, tracebacks: bool = False) -> str:
    """Return how far every part of a run is, and which members failed."""
    lines = []
    for part in state.read(folder):
        name = "" if part["part"] == "all" else f"part {part['part']}: "
        job = f", job {part['job']}" if part["job"] else ""
        age = time.time() - part["now"]
        state_text = part["state"] if part["state"] != "running" or state.alive(part) else "died"
        lines.append(
            f"{name}{state_text} on {part['host']}, process {part['pid']}{job}, {age:.0f} s ago: {line(part)}"
        )
    survey = runs.survey([folder])
    finished = np.unique(survey.member[survey.status == shards.OK])
    lines.append(f"{len(finished)} members are safe in {len(survey.paths)} shards, {_size(survey)}")
    lines += [str(fault) + (" (being written?)" if fault.torn else "") for fault in survey.faults]
    failed = np.setdiff1d(survey.member[survey.status != shards.OK], finished)
    if len(failed):
        lines.append(f"{len(failed)} members failed:")
        lines += _failures(survey, failed[:FAILURES_SHOWN], runs.recorded(folder), tracebacks)
        if len(failed) > FAILURES_SHOWN:
            lines.append(f"  ... and {len(failed) - FAILURES_SHOWN} more")
    return "\n".join(lines)


def _failures(
    found: runs.Survey, failed: np.ndarray[Any, Any], recorded: dict[str, Any] | None, tracebacks: bool
) -> list[str]:
    lines = []
    located: Located = found.best(failed)
    # Documents of tails and sensitivities hold one configuration, and no points.
    document = recorded["document"] if recorded else {}
    points = points_of(document) if document.keys() & {"base", "points"} else []
    for number, member in enumerate(failed.tolist()):
        code, head = located.head(number)
        point, member_number = divmod(member, STRIDE)
        times = int(np.count_nonzero(found.member == member))
        line = f"  member {member_number}{f' of point {point}' if len(points) > 1 else ''}"
        text = f"{times} attempt{'s' * (times > 1)}: {shards.STATUS[code]}: {head.get('error', '')}"
        if point < len(points):
            seed = points[point].seed
            text = f"seed {seed}, {text}; frenkel run FILE.toml --only {member_number} --seed {seed}"
        lines.append(f"{line}, {text}")
        if head.get("state"):
            lines.append(f"    at {json.dumps(head['state'])}")
        if tracebacks and head.get("traceback"):
            lines += [f"    {text}" for text in head["traceback"].splitlines()]
    return lines


def log_lines(folder: Path, member: int | None) -> Iterator[str]:
    """Yield what members have reported, each attempt of the one that is named, or of all that said something.

    Parameters
    ----------
    folder : Path
        Of the run.
    member : int or None
        Of every point of a sweep.
    """
    survey = runs.survey([folder])
    for number, key in enumerate(survey.member.tolist()):
        if member is not None and key % STRIDE != member:
            continue
        code, head = survey.head(number)
        if member is None and not (head.get("log") or head.get("error")):
            continue
        point = f" of point {key // STRIDE}" if key >= STRIDE else ""
        error = f": {head['error']}" if "error" in head else ""
        wall, host = head.get("wall", 0.0), head.get("host", "unknown host")
        yield f"member {key % STRIDE}{point}: {shards.STATUS[code]}, {wall:.3g} s on {host}{error}"
        yield from (f"  {seconds:8.3f} s {level}: {words}" for seconds, level, words in head.get("log", []))
        yield from (f"    {text}" for text in head.get("traceback", "").splitlines())


def _size(found: runs.Survey) -> str:
    total = sum(path.stat().st_size for path in found.paths)
    return f"{total / 1e9:.3g} GB" if total > 1e9 else f"{total / 1e6:.3g} MB"


def describe(path: Path) -> str:
    """Return what is in the file of an ensemble: sizes, what became of members, quantiles."""
    with netcdf.direct(path, "r") as file:
        file.set_auto_mask(False)
        record = provenance.read(getattr(file, "provenance", None), str(path))
        attributes = {
            name: getattr(file, name, "?") for name in ("title", "source", "material", "material_hash")
        }
        if "status" not in file.variables:
            raise SchemaError(f"{path} has no variable status (what became of the members)")
        status = file["status"][...]
        sizes = {name: len(dim) for name, dim in file.dimensions.items() if name in file["status"].dimensions}
        swept = sweep.axes_of(file)
        rows = [] if swept else [_row(file, name) for name in SUMMARY if name in file.variables]
        points = points_table(file) if swept else ""
        molten = _molten(file)
        drawn = population_lines(file)
        variance = [] if swept else variance_lines(file)
        materials = record["configuration"].get("materials")  # by name in a sweep, which has rows of its own
        head = [
            str(attributes["title"]),
            f"made by     {attributes['source']}, {record['software']['git'] or 'no commit'}",
            f"from        configuration {record['configuration_hash'][:12]}, seed {record['seed']}",
            f"material    {attributes['material']} ({attributes['material_hash']})",
            *(changed_numbers(materials[0]) if isinstance(materials, list) and materials else []),
            *layer_lines(file, float(np.asarray(file["lattice_spacing"][...]).flat[0]) * 1e9),
            "holds       "
            + ", ".join(f"{name}: {size}" for name, size in sizes.items())
            + f"; kept: {getattr(file, 'keep', '?')}",
            "members     " + ", ".join(_counts(status)),
            *_failed(status),
            f"content     {getattr(file, content.ATTRIBUTE, 'without a hash')}",
            "",
        ]
    if swept:
        return "\n".join([*head, points, *drawn, *molten])
    columns = ["quantity", "number", "mean", "sd", "1 %", "10 %", "median", "90 %", "99 %"]
    return "\n".join([*head, table(columns, [row for row in rows if row]), *variance, *drawn, *molten])


def _counts(status: np.ndarray[Any, Any]) -> list[str]:
    return [
        f"{int(np.count_nonzero(status == code))} {text}"
        for code, text in shards.STATUS.items()
        if np.any(status == code)
    ]


def _failed(status: np.ndarray[Any, Any]) -> list[str]:
    """Say that members without a result are in no number below, where there are some."""
    failed = int(np.count_nonzero(status != shards.OK))
    if not failed:
        return []
    return [
        f"            {failed} of {status.size} have no values below: quantiles are those of the others, and "
        f"biased where failing has to do with the value"
    ]


def _row(file: Any, name: str) -> list[str]:
    variable = file[name]
    values = np.asarray(variable[...], float).ravel()
    values = values[np.isfinite(values) & ~((variable.dtype.kind == "i") & (values < 0))]
    unit = variable.units
    if not len(values):
        return []

    def text(value: float) -> str:
        return f"{value:.3g}" if unit == "1" else quantity(value, unit)

    cuts = np.quantile(values, [0.01, 0.1, 0.5, 0.9, 0.99])
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return [name, str(len(values)), *(text(float(value)) for value in (np.mean(values), spread, *cuts))]
