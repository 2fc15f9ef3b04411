"""The command ``frenkel tails``: how likely something is that hardly ever happens."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import (
    CHANGES,
    CONFIGURATION,
    FORCE,
    OUTPUT,
    QUIET,
    SEED,
    Option,
    UsageError,
    add,
    check_ending,
    read,
)
from .ensembles import FARM
from .values import positive

if TYPE_CHECKING:
    from ..mpi_runs.farm import Workers


def add_commands(commands: Any) -> None:
    """Add "tails" to the parser of commands."""
    add(
        commands,
        "tails",
        _tails,
        "estimate the probability of a rare event under the last phase of a configuration, by splitting",
        'frenkel tails pulse.toml --event "set fails" --below 1e-7 -o tails.nc',
        CONFIGURATION,
        Option(
            "--event",
            required=True,
            metavar="EVENT",
            help='"set fails", "reset fails", "state is lost", "read disturbs" or "half-select disturbs"',
        ),
        Option(
            "--at",
            metavar="EDGE",
            help='where the conductance counts as changed: "20 kohm", or a share of that at the start, "0.5" '
            "(default: 0.5 lost, 2 disturbed; for a pulse that fails, the middle of what it usually does)",
        ),
        Option(
            "--below", type=float, metavar="P", help="tell whether it is below this; go no further than P/100"
        ),
        Option("--particles", type=positive, default=100, metavar="N", help="of each repeat (default: 100)"),
        Option("--kill", type=positive, metavar="K", help="taken out in each stage (default: a tenth)"),
        Option(
            "--starts",
            type=positive,
            metavar="M",
            help="devices that are prepared for each repeat (default: a tenth of the particles)",
        ),
        Option("--repeats", type=positive, default=8, metavar="R", help="independent ones (default: 8)"),
        OUTPUT,
        SEED,
        FORCE.but(help="discard what is there"),
        CHANGES,
        *(option for option in FARM if "--shard" not in option.names),
        QUIET,
    )


def _tails(options: argparse.Namespace) -> int:
    from ..mpi_runs import launch

    if options.below is not None and not 0.0 < options.below < 1.0:
        raise UsageError(f"--below must be above 0 and below 1, got {options.below:g}")
    engine = launch.engine_of(options.engine, None)
    return launch.start(engine, options.workers, options.dask, lambda workers: _run(options, workers))


def _run(options: argparse.Namespace, workers: "Workers") -> int:
    from ..analysis.results import store
    from ..mpi_runs import runs, session, shards
    from ..progress import Reporter
    from ..rare import farm
    from ..reports.ensemble import EnsembleProgress
    from ..reports.tails import below, describe

    asked, output = _asked(options), options.output or Path(options.file.stem + "-tails.nc")
    check_ending(output, ".nc")
    if output.exists() and not shards.run_folder(output).exists() and not options.force:
        raise store.StoreError(f"{output} exists already; choose another name or pass --force")
    with Reporter(lines=True, quiet=options.quiet) as pilot:
        asked = farm.with_edge(asked, output, pilot)
    progress = EnsembleProgress(quiet=options.quiet)
    try:
        with progress:
            done = farm.execute(
                asked,
                output,
                workers,
                show=progress.status,
                begin=progress.begun,
                limit=options.member_limit,
                grace=options.grace,
                deadline=None if options.time_limit is None else time.monotonic() + options.time_limit,
                isolated=not options.no_isolation,
                retry=options.retry,
                force=options.force,
            )
    except runs.ChangedError as error:
        raise UsageError(str(error)) from None
    if done.code != session.DONE:
        print(f"{done.left} repeats are left and {len(done.failed)} failed; the same command goes on")
        return int(done.code)
    found = farm.load(output)
    print(f"{describe(found, options.below)}\nwrote {output}")
    return 0 if options.below is None or below(farm.estimate(found), options.below) else 1


def _asked(options: argparse.Namespace) -> Any:
    """Return what the options ask."""
    from ..configuration.base import ConfigurationError
    from ..rare import events, farm

    settings = read(options.file, options.changes, options.seed)
    try:
        question = events.Question(
            event=options.event,
            particles=options.particles,
            kill=max(options.particles // 10, 1) if options.kill is None else options.kill,
            starts=max(options.particles // 10, 1) if options.starts is None else options.starts,
            floor=0.0 if options.below is None else options.below / 100.0,
            **({} if options.at is None else events.at(options.at)),
        )
        return farm.Tails(
            configuration=settings, question=question, repeats=options.repeats, folder=options.file.parent
        )
    except ConfigurationError:
        raise
    except ValueError as error:
        raise UsageError(str(error)) from None
