"""The commands ``frenkel tails`` and ``frenkel sensitivity``: what hardly ever happens, and what decides."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data import forms
from ..progress import Reporter
from .common import (
    CHANGES,
    CONFIGURATION,
    FORCE,
    MEMBERS,
    OUTPUT,
    PHASE,
    QUIET,
    SEED,
    Option,
    UsageError,
    add,
    check_ending,
    read,
)
from .ensembles import ENGINE
from .values import positive

if TYPE_CHECKING:
    import xarray as xr

    from ..cells.card import Card
    from ..mpi_runs.farm import Workers


AT = Option("--at", metavar="RESISTANCE", help='resistance that defines switching: "50 kohm"')
SPENT = (
    OUTPUT,
    SEED,
    FORCE.but(help="discard what is there"),
    CHANGES,
    QUIET,
    ENGINE.without("--shard", "--scratch"),
)
"""What both commands take besides."""


def add_commands(commands: Any) -> None:
    """Add "tails" and "sensitivity" to the parser of commands."""
    add(
        commands,
        "tails",
        _tails,
        "estimate the probability of a rare event",
        'frenkel tails pulse.toml --event "set fails" --below 1e-7 -o tails.nc',
        CONFIGURATION,
        Option(
            "--event",
            required=True,
            metavar="EVENT",
            help='"set fails", "reset fails", "state is lost", "read disturbs", "half-select disturbs" or '
            '"window closes"',
        ),
        AT.but(
            help='where the conductance counts as changed: "20 kohm", or a fraction of the first, "0.5"'
            " (default: 0.5 lost, 2 disturbed; for a pulse that fails, the middle of what it usually does); "
            "of a window: HRS/LRS (default: 4)",
        ),
        Option(
            "--below", type=float, metavar="P", help="decide whether it is below P; stop at P/100"
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
        Option(
            "--verified",
            metavar="OHM",
            help="with --starts 1, also report the probability given a passed verify read: a conductance "
            "that is to rise is at most this, one that is to fall at least this",
        ),
        Option("--card", metavar="CARD", help="estimate it for cells of this card too"),
        *SPENT,
        about="The event happens under the last phase of the configuration; the method is splitting. "
        "Windows of --repeats devices are followed over the cycles of the last phase.",
    )
    add(
        commands,
        "sensitivity",
        _sensitivity,
        "sensitivity of a phase to parameters",
        'frenkel sensitivity pulse.toml --at "50 kohm" --members 400 -o sensitivity.nc',
        CONFIGURATION,
        AT.but(required=True),
        PHASE.but(help="phase that is differentiated (default: the last one)"),
        MEMBERS.but(type=positive, default=100, help="devices (default: 100)"),
        Option(
            "--by",
            action="append",
            metavar="KEY",
            help="another parameter: of the material, such as conduction.prefactor, or "
            "circuit.series_resistance; may be given several times (default: the usual ones)",
        ),
        *SPENT,
        about="Barriers, attempt frequencies and others. The phases before prepare the devices.",
    )


def _tails(options: argparse.Namespace) -> int:
    from ..mpi_runs import launch

    if options.below is not None and not 0.0 < options.below < 1.0:
        raise UsageError(f"--below must be above 0 and below 1, got {options.below:g}")
    engine = launch.engine_of(options.engine, None)
    return launch.start(engine, options.workers, options.dask, lambda workers: _run(options, workers))


def _run(options: argparse.Namespace, workers: "Workers") -> int:
    from ..mpi_runs import session
    from ..rare import farm
    from ..reports.tails import below, describe

    if options.event == "window closes":
        return _follow(options, workers)
    study, output, card = _study(options), _output(options), _card(options)
    verified = None if options.verified is None else 1.0 / _conductance("--verified", options.verified)
    with Reporter(lines=True, quiet=options.quiet) as pilot:
        study = farm.with_edge(study, output, pilot)
    code = _execute(options, study, output, workers)
    if code != session.DONE:
        return code
    repeats = farm.load(output)
    print(f"{describe(repeats, options.below)}\nwrote {output}")
    if verified is not None:
        repeats = farm.verified(repeats, verified)
        words = f"of {repeats.sizes['repeat']} devices that read as they should:"
        print(f"{words}\n{describe(repeats, options.below)}")
    passed_all = options.below is None or bool(below(farm.estimate(repeats), options.below))
    if card is not None:
        passed_all &= _beside(options, study, card, repeats)
    return 0 if passed_all else 1


def _follow(options: argparse.Namespace, workers: "Workers") -> int:
    """Follow devices until their windows close."""
    from ..mpi_runs import session
    from ..rare import endurance, farm
    from ..reports.reads import survival

    unused = [name for name in ("below", "verified", "card") if getattr(options, name) is not None]
    if unused:
        raise UsageError(f"--{unused[0]} must be left out for a window that closes")
    settings, output = read(options.file, options.changes, options.seed), _output(options)
    window = _window(options.at)
    try:
        study = endurance.Endurance(
            configuration=settings,
            folder=options.file.parent,
            window=window,
            devices=options.repeats,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    code = _execute(options, study, output, workers)
    if code == session.DONE:
        print(f"{survival(farm.load(output, study.kind))}\nwrote {output}")
    return code


def _window(at: str | None) -> float:
    """Return the least HRS over LRS of an open window."""
    try:
        return 4.0 if at is None else float(at)
    except ValueError:
        raise UsageError(f"--at must be the least HRS/LRS, a number such as 4, got {at!r}") from None


def _beside(options: argparse.Namespace, asked: Any, card: "Card", found: "xr.Dataset") -> bool:
    """Ask the cells of a card the same; print what they say, and return whether every row passes."""
    from ..analysis.statistics.comparison import passed
    from ..rare import gate
    from ..reports.tails import beside

    with Reporter(lines=True, quiet=options.quiet) as progress:
        comparisons = gate.judged(asked, found, card, progress)
    print(beside(card.name, comparisons))
    return passed(comparisons.rows)


def _sensitivity(options: argparse.Namespace) -> int:
    from ..mpi_runs import launch

    engine = launch.engine_of(options.engine, None)
    return launch.start(engine, options.workers, options.dask, lambda workers: _weigh(options, workers))


def _weigh(options: argparse.Namespace, workers: "Workers") -> int:
    from ..mpi_runs import session
    from ..rare import farm
    from ..rare.parameters import intervals
    from ..rare.sensitivity import Sensitivity, table
    from ..reports.sensitivity import describe

    settings, output = read(options.file, options.changes, options.seed), _output(options)
    edge = _conductance("--at", options.at)
    try:
        if options.phase is not None:
            settings = settings.until(options.phase)
        study = Sensitivity(
            configuration=settings,
            conductance=edge,
            members=options.members,
            folder=options.file.parent,
            by=options.by,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    code = _execute(options, study, output, workers)
    if code == session.DONE:
        stated = intervals(settings.made_of(options.file.parent))
        print(f"{describe(*table(farm.load(output, Sensitivity.kind)), stated)}\nwrote {output}")
    return code


def _conductance(name: str, text: str) -> float:
    """Return the conductance (S) of a resistance given as text."""
    from ..quantity import to_si

    try:
        return 1.0 / to_si(text, "ohm", 1e-3, 1e15)
    except ValueError as error:
        raise UsageError(f"{name} {error}") from None


def _card(options: argparse.Namespace) -> "Card | None":
    """Return the card that is asked too; read before anything runs."""
    from ..cells.card import Card

    if options.card is None:
        return None
    card = Card.load(options.card)
    card.jump_cells(1, 0)  # says what is missing where the card has no jump-process model
    return card


def _output(options: argparse.Namespace) -> Path:
    """Return the file that is written, checked now rather than after the run."""
    from ..data import store

    output: Path = options.output or Path(f"{options.file.stem}-{options.command.__name__.strip('_')}.nc")
    check_ending(output, ".nc")
    if output.exists() and not forms.run_folder(output).exists() and not options.force:
        raise store.StoreError(f"{output} exists already; choose another name or pass --force")
    return output


def _execute(options: argparse.Namespace, asked: Any, output: Path, workers: "Workers") -> int:
    """Run what is left with progress; return the exit status of the run."""
    from ..mpi_runs import runs, session
    from ..rare import farm
    from ..reports.ensemble import EnsembleProgress

    progress = EnsembleProgress(quiet=options.quiet)
    try:
        with progress:
            ended = farm.execute(
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
    if ended.code != session.DONE:
        print(
            f"{ended.left} {asked.dim}s are left and {len(ended.failed)} failed; the same command goes on"
        )
    return int(ended.code)


def _study(options: argparse.Namespace) -> Any:
    """Return what the options ask."""
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
    except ValueError as error:
        raise UsageError(str(error)) from None
