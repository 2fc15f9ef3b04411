"""Commands for many devices: run with members, sweep, merge, hash, status."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
import itertools
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data import forms
from ..threads import load_blas_alone
from ..validation import suggest
from . import common, values
from .common import (
    CHANGES,
    CONFIGURATION,
    CYCLES,
    FORCE,
    MEMBER_LIMIT,
    MEMBERS,
    OUTPUT,
    PLOT,
    QUIET,
    SCRATCH,
    SEED,
    Option,
    OptionGroup,
    OptionPage,
    UsageError,
    add,
    read,
)
from .values import member, natural, positive, quantile, seconds, shard

if TYPE_CHECKING:
    from ..experiment.ensemble import Ensemble, Merged
    from ..mpi_runs.farm import Workers
    from ..mpi_runs.runs import Survey
    from ..mpi_runs.session import RunOutcome

ENGINE = OptionPage(
    "--help-engine",
    "engine options",
    Option(
        "--engine",
        choices=("serial", "pool", "mpi", "dask"),
        help="default: mpi under mpiexec or srun, else the cores of this machine (pool)",
    ),
    Option("--workers", type=positive, metavar="N", help="processes of engine pool or dask"),
    Option("--dask", metavar="ADDRESS", help="scheduler for engine dask"),
    Option("--shard", type=shard, metavar="I/N", help="run every N-th member from I on (job arrays)"),
    Option(
        "--time-limit", type=seconds, metavar="TIME", help='stop after "23:50:00" or "90 min" in good order'
    ),
    MEMBER_LIMIT,
    Option(
        "--grace",
        type=seconds,
        default=10.0,
        metavar="TIME",
        help="time for running members when stopping (default: 10 s); they go on from checkpoints",
    ),
    Option(
        "--no-isolation",
        action="store_true",
        help="run members in the workers themselves: for debuggers, a crash then ends the run",
    ),
    Option("--retry", action="store_true", help="run members again that failed three times"),
    SCRATCH.but(
        type=Path,
        help="folder on a disk of each node for the checkpoints of running members (default: the run's own)",
    ),
)
"""Options of every command that runs many devices: which processes do it, and when they stop."""

RUN = OptionGroup(
    "many devices",
    MEMBERS.but(help="run N devices with the same settings, but for what [population] draws"),
    Option("--only", type=member, metavar="K", help="run member K alone, exactly as in the ensemble"),
    Option(
        "--until",
        type=quantile,
        metavar="WHAT",
        help='end when the 95 %% interval of a quantile is narrow: "forming_voltage 1%% 5%%" is the 1 %% '
        "quantile to 5 %% of itself; --members is then the most",
    ),
)
"""What ``frenkel run`` takes besides for many devices."""


def add_commands(commands: Any) -> None:
    """Add "sweep", "extend", "merge", "hash" and "status" to the parser of commands."""
    _add_runs(commands)
    _add_looks(commands)


def _add_runs(commands: Any) -> None:
    add(
        commands,
        "sweep",
        _sweep,
        "run an ensemble at every combination of values",
        'frenkel sweep switching.toml --over "device.temperature=300:400:5 K" --members 100 -o sweep.nc',
        CONFIGURATION,
        Option(
            "--over",
            action="append",
            required=True,
            metavar="KEY=VALUES",
            complete=values.numbers,
            help='"device.temperature=300:400:5 K" (first:last:number), "material=HfO2,TaOx", or a number of '
            'the material, "vacancy.migration_barrier=1.1:1.3:5 eV"; repeatable',
        ),
        OUTPUT,
        MEMBERS.but(help="devices per point"),
        SEED,
        FORCE.but(help="discard what is there"),
        PLOT,
        CHANGES,
        QUIET,
        ENGINE,
    )
    add(
        commands,
        "extend",
        _extend,
        "run more members of an ensemble, or more cycles",
        "frenkel extend ensemble.nc --cycles 200 -o longer.nc",
        Option(
            "file", type=Path, metavar="ENSEMBLE.nc", help="ensemble; its folder ENSEMBLE.nc.run is needed"
        ),
        MEMBERS.but(help="members there are to be in all"),
        CYCLES.but(
            help="cycles there are to be in all, in a file of their own; devices whose final state was kept "
            "(ensemble.keep_state) go on from it",
        ),
        OUTPUT.but(help="result, with --cycles"),
        QUIET,
        ENGINE,
    )


def _add_looks(commands: Any) -> None:
    add(
        commands,
        "merge",
        _merge,
        "merge what runs on several machines have finished",
        "frenkel merge here.nc.run there.nc.run -o ensemble.nc",
        Option("folders", type=Path, nargs="+", metavar="RUN", help="folders OUT.nc.run, or OUT.nc"),
        OUTPUT.but(required=True),
        FORCE,
    )
    add(
        commands,
        "hash",
        _hash,
        "print a hash of the variables of results",
        "frenkel hash ensemble.nc",
        Option("files", type=Path, nargs="+", metavar="FILE.nc", help="results"),
        about="Equal results have equal hashes.",
    )
    add(
        commands,
        "status",
        _status,
        "print progress, failed members, reports of members",
        "frenkel status ensemble.nc\n  frenkel status ensemble.nc --member 17",
        Option(
            "file", type=Path, metavar="OUT.nc", help="result that is being made, or its folder OUT.nc.run"
        ),
        Option("--tracebacks", action="store_true", help="print where the failed members failed"),
        Option(
            "--log",
            action="store_true",
            help="instead, print what members have reported: warnings, how they went on, where they failed",
        ),
        Option("--member", type=natural, metavar="K", help="instead, print what this member has reported"),
    )


def run(options: argparse.Namespace) -> int | None:
    """Run an ensemble; return the exit status, or None if one device is asked for."""
    from ..mpi_runs import launch

    if options.only is not None:
        return None
    engine = launch.engine_of(options.engine, options.shard)
    if engine != "mpi":
        settings = read(options.file, options.changes, options.seed)
        if not (options.members or options.shard or settings.ensemble):
            if settings.measure is not None:
                raise UsageError("the table measure is for ensembles: give --members, or leave it out")
            return None
    return launch.start(engine, options.workers, options.dask, lambda workers: _run_file(options, workers))


def only(options: argparse.Namespace, settings: Any) -> tuple[Any, Path]:
    """Return the configuration of the member that ``--only`` names and its file, and let its log be shown."""
    from ..experiment import ensemble

    members = options.members or (settings.ensemble.members if settings.ensemble else None)
    if members is not None and options.only >= members:
        raise ValueError(f"--only must be between 0 and {members - 1}, got {options.only}")
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)8.0f ms %(name)s: %(message)s")
    stem, seed = options.file.stem, settings.seed
    if seed is None:
        seed = ensemble.known_seed(options.output or Path(f"{stem}.nc"))
    if seed is None:
        raise ValueError(
            "the seed is not known: give --seed, as `frenkel status` or `frenkel show` prints it"
        )
    output = options.output or Path(f"{stem}-{options.only}.nc")
    settings = settings.with_shipped(options.file.parent)
    return settings.model_copy(update={"member": options.only, "seed": seed}), output


def show(options: argparse.Namespace) -> bool:
    """Describe and draw the file of an ensemble; return whether it is one."""
    from ..data import kinds
    from ..reports import ensemble as ensemble_report

    if kinds.kind_of(options.file) != "ensemble":
        return False
    print(ensemble_report.describe(options.file))
    _draw(options.file, options.plot)
    return True


def _sweep(options: argparse.Namespace) -> int:
    """Run an ensemble at every point of a grid."""
    from ..mpi_runs import launch

    engine = launch.engine_of(options.engine, options.shard)
    return launch.start(engine, options.workers, options.dask, lambda workers: _run_sweep(options, workers))


def _extend(options: argparse.Namespace) -> int:
    """Run more members or more cycles of an ensemble."""
    from ..mpi_runs import launch

    if not (options.members or options.cycles):
        raise UsageError("give the members or the cycles that there are to be: --members N, --cycles N")
    if options.cycles and options.output in (None, options.file):
        raise UsageError("more cycles make another ensemble: name its file with -o")
    if options.output and not options.cycles:
        raise UsageError("more members go into the same file: leave out -o")
    engine = launch.engine_of(options.engine, options.shard)
    return launch.start(engine, options.workers, options.dask, lambda workers: _run_more(options, workers))


def _merge(options: argparse.Namespace) -> None:
    """Merge the shards of some folders."""
    from ..data import store
    from ..experiment import ensemble
    from ..mpi_runs import runs

    folders = [folder if folder.is_dir() else forms.run_folder(folder) for folder in options.folders]
    store.writable(options.output, force=options.force)
    try:
        digest = ensemble.merge_folders(folders, options.output, begin=_tell_faults)
    except runs.ChangedError as error:
        raise UsageError(str(error)) from None
    print(f"wrote {options.output}\ncontent {digest}")


def _tell_faults(found: "Survey") -> None:
    for fault in found.faults:
        print(f"frenkel: {fault}; what was in it is left out until it runs again", file=sys.stderr)


def _hash(options: argparse.Namespace) -> None:
    """Print content hashes, one file a line."""
    from ..data import content

    for path in options.files:
        if not path.is_file():
            raise OSError(f"there is no file {path}")
        stored = content.read(path)
        print(f"{stored.found}  {path}")
        stored.check()


def _status(options: argparse.Namespace) -> None:
    """Print how far a run is."""
    load_blas_alone()
    from ..reports import ensemble as ensemble_report

    if options.log or options.member is not None:
        _log(options)
        return
    print(ensemble_report.status_text(_folder(options.file), tracebacks=options.tracebacks))


def _log(options: argparse.Namespace) -> None:
    """Print what is in the records of members besides their results."""
    from ..reports import ensemble as ensemble_report

    no_record = "no member has reported anything"
    if options.member is not None:
        no_record = f"member {options.member} has no record yet"
    lines = ensemble_report.log_lines(_folder(options.file), options.member)
    for line in itertools.chain([next(lines, no_record)], lines):
        print(line)


def _folder(file: Path) -> Path:
    """Return the folder of a run from that of its result."""

    folder = file if file.is_dir() else forms.run_folder(file)
    if not folder.is_dir():
        raise OSError(f"there is no run of {file}: no folder {folder}")
    return folder


def _run_file(options: argparse.Namespace, workers: "Workers") -> int:
    load_blas_alone()
    from ..experiment import ensemble

    settings = read(options.file, options.changes, options.seed)
    output = options.output or Path(options.file.stem + ".nc")
    if not (options.members or settings.ensemble):
        raise UsageError("one device cannot be divided: give --members, or start one process")
    seed = ensemble.known_seed(output)
    if options.shard and settings.seed is None and seed is None:
        raise UsageError("the parts need one seed: give --seed or seed in the file")
    if options.until is not None:
        return _run_until(options, settings, output, workers)
    members_run = ensemble.plain(settings, options.members, options.file.parent, seed)
    start = _Start(options, output, workers, options.plot)
    return start.go(members_run, force=options.force)


def _run_until(options: argparse.Namespace, settings: Any, output: Path, workers: "Workers") -> int:
    """Run more and more members until a quantile is known well enough, or all of them are done."""
    from ..analysis.statistics.sequential import Stopping
    from ..experiment import ensemble
    from ..experiment.ensemble_file import SUMMARY
    from ..experiment.more import run_until
    from ..mpi_runs import session
    from ..reports.ensemble import quantile_line

    if options.shard:
        raise UsageError("--until needs all members in one run and cannot be combined with --shard")
    name, share, width = options.until
    if name not in SUMMARY:
        raise UsageError(f"no number {name!r} of a member{suggest(name, SUMMARY)}")
    most, rule = options.members or settings.ensemble.members, Stopping(share=share, width=width)
    start = _Start(options, output, workers, options.plot)
    begun = False

    def run(number: int) -> int:
        nonlocal begun
        # What the first step has run is what the next one goes on from.
        force, begun = options.force and not begun, True
        seed = ensemble.known_seed(output)
        members_run = ensemble.plain(settings, number, options.file.parent, seed)
        return start.go(members_run, force=force, reported=number == most)

    code, number = run_until(rule, name, most, output, run)
    if code in (session.DONE, session.FAILED):
        if rule.looks:
            print(quantile_line(name, rule))
        if number < most:
            print(f"wrote {output}")
    return code


def _run_sweep(options: argparse.Namespace, workers: "Workers") -> int:
    load_blas_alone()
    from ..experiment import ensemble

    output = options.output or Path(options.file.stem + "-sweep.nc")

    def changed(changes: Any) -> Any:
        return read(options.file, [*options.changes, *changes], options.seed)

    axes = [ensemble.axis(text) for text in options.over]
    if changed([]).seed is None:
        raise UsageError("a sweep needs a seed: give --seed or seed in the file")
    points_run = ensemble.sweep(changed, axes, options.members, options.file.parent)
    return _Start(options, output, workers, options.plot).go(points_run, force=options.force)


def _run_more(options: argparse.Namespace, workers: "Workers") -> int:
    load_blas_alone()
    from ..configuration.base import ConfigurationError
    from ..experiment import more

    output = options.output or options.file
    try:
        extended, number = more.extended(options.file, output, members=options.members, cycles=options.cycles)
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
    if options.cycles:
        members_left = len(extended.numbers()) - number
        print(f"{number} members go on from their final states, {members_left} run from the start")
    return _Start(options, output, workers, None).go(extended, force=False)


class _Start:
    """A start of an ensemble: what is the same in each of its steps."""

    def __init__(
        self, options: argparse.Namespace, output: Path, workers: "Workers", plot: Path | None
    ) -> None:
        self.options, self.output, self.workers, self.plot = options, output, workers, plot
        limit = options.time_limit
        # Of all steps together; a step of the other clock changes nothing.
        self.deadline = None if limit is None else time.monotonic() + limit

    def go(self, whole: "Ensemble", *, force: bool, reported: bool = True) -> int:
        """Run with progress; report how it ended, or only if it ended badly."""
        from ..experiment import ensemble
        from ..mpi_runs import runs, session
        from ..reports.ensemble import EnsembleProgress

        options = self.options
        self._check(force)
        progress = EnsembleProgress(quiet=options.quiet)
        try:
            with progress:
                run_outcome, located = ensemble.run(
                    whole,
                    self.output,
                    self.workers,
                    part=options.shard,
                    show=progress.status,
                    begin=progress.begun,
                    merging=progress.merging,
                    limit=options.member_limit or whole.limit,
                    grace=options.grace,
                    deadline=self.deadline,
                    isolated=not options.no_isolation,
                    retry=options.retry,
                    force=force,
                    scratch=None if options.scratch is None else str(options.scratch.absolute()),
                )
        except runs.ChangedError as error:
            raise UsageError(str(error)) from None
        if reported or run_outcome.code not in (session.DONE, session.FAILED):
            self._report(whole, run_outcome, located)
        return int(run_outcome.code)

    def _check(self, force: bool) -> None:
        """Refuse outputs now rather than after the run."""
        from ..data import store

        common.check_ending(self.output, ".nc")
        scratch = self.options.scratch
        if scratch is not None and not (scratch.is_dir() and os.access(scratch, os.W_OK)):
            raise OSError(f"--scratch must be a folder that can be written, got {str(scratch)!r}")
        if self.options.shard and force:
            raise UsageError("--force cannot be combined with --shard, since other shards may be running")
        resumed = forms.run_folder(self.output).exists()
        if self.output.exists() and not resumed and not force:
            raise store.StoreError(f"{self.output} exists already; choose another name or pass --force")
        # A picture of an earlier start may be replaced.
        common.check_picture(self.plot, force or resumed)

    def _report(self, whole: "Ensemble", done: "RunOutcome", found: "Merged | None") -> None:
        """Print how a start ended and how to go on."""
        from ..reports import ensemble as ensemble_report

        part = self.options.shard or (1, 1)
        total = len(whole.numbers()[part[0] - 1 :: part[1]])
        print(ensemble_report.ending(done, found, total, self.output))
        if done.left or found is None:
            return
        if not self.options.quiet:
            print(ensemble_report.describe(self.output))
        _draw(self.output, self.plot)


def _draw(path: Path, plot: Path | None) -> None:
    if plot is not None:
        from ..analysis.plots.ensemble import draw

        common.draw(plot, lambda: draw(path))
