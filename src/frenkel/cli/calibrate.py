"""The command ``frenkel calibrate``: numbers of a material from measured devices, or towards a table of targets."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
import math
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import (
    CHANGES,
    CONFIGURATION,
    FEATURES,
    FORCE,
    MEMBERS,
    OUTPUT,
    PLOT,
    QUIET,
    SEED,
    Option,
    RenamedOption,
    UsageError,
    add,
    check_ending,
    check_picture,
    draw,
    read,
)
from .ensembles import ENGINE
from .values import positive

if TYPE_CHECKING:
    from ..calibration.designs import Protocols
    from ..calibration.result import Made
    from ..calibration.rounds import Parameter
    from ..mpi_runs.farm import Workers


def add_commands(commands: Any) -> None:
    """Add "calibrate" to the parser of commands."""
    add(
        commands,
        "calibrate",
        _calibrate,
        "fit parameters of a material to measured devices",
        "frenkel calibrate switching.toml chip.nc --free vacancy.migration_barrier,exchange.barrier "
        "-o fitted.toml --plot corner.png",
        CONFIGURATION.but(help="configuration with the protocol that was measured"),
        Option(
            "measured",
            type=Path,
            metavar="MEASURED",
            help="measured devices (frenkel read, a table, an ensemble), a population or targets (.toml)",
        ),
        Option(
            "--free",
            metavar="KEYS",
            help='numbers to look for, "vacancy.migration_barrier=0.5:0.9 eV, exchange.barrier"; without a '
            "range that of the material's file, else 30 %% to either side (conductances, rates: a decade)",
        ),
        RenamedOption("--to", now="the second argument, MEASURED"),
        Option(
            "--also",
            type=Path,
            nargs=2,
            action="append",
            default=[],
            metavar=("FILE.toml", "MEASURED"),
            help="another protocol, with other devices; repeatable",
        ),
        Option(
            "--propose",
            action="store_true",
            help="only print which of --free are identifiable",
        ),
        FEATURES.but(help="numbers of cycles to compare, such as hrs,lrs (default: all that both have)"),
        MEMBERS.but(type=positive, default=32, help="devices of each point (default: 32)"),
        Option(
            "--rounds", type=positive, default=3, metavar="R", help="designs one after another (default: 3)"
        ),
        Option(
            "--points",
            type=positive,
            metavar="N",
            help="points of a design (6, 12, 20, 30 for 1 to 4 parameters) or of a search (100)",
        ),
        OUTPUT.but(
            metavar="OUT.toml",
            help="material to write; the posterior goes into OUT.nc beside it",
        ),
        SEED,
        FORCE.but(help="discard what is there"),
        PLOT.but(help="corner picture of the posterior to write: .png, .pdf, .svg"),
        CHANGES,
        QUIET,
        ENGINE.without("--shard", "--scratch"),
        about="Writes their posterior.",
    )


def _calibrate(options: argparse.Namespace) -> int:
    from ..calibration import bands
    from ..mpi_runs import launch

    try:
        towards = bands.has_targets(options.measured)
    except OSError as error:
        raise UsageError(f"{options.measured} cannot be read: {error.strerror}") from None
    if towards:
        return _search(options)
    if options.free is None:
        raise UsageError("--free must name the numbers to look for, such as --free vacancy.migration_barrier")
    engine = launch.engine_of(options.engine, None)
    return launch.start(engine, options.workers, options.dask, lambda workers: _run(options, workers))


def _run(options: argparse.Namespace, workers: "Workers") -> int:
    from ..calibration import designs, diagnosis, result, rounds
    from ..data import store
    from ..reports.calibration import describe
    from ..reports.ensemble import EnsembleProgress

    output = _output(options)
    task, parameters = _task(options)
    _check(options, task, parameters)
    progress = EnsembleProgress(quiet=options.quiet)
    simulator = designs.Protocols(
        [
            designs.Designs(
                configuration=one.configuration,
                folder=one.folder,
                target=one.target,
                members=options.members,
                output=output if one is task else output.with_name(f"{output.stem}-{k}{output.suffix}"),
                workers=workers,
                options={
                    "limit": options.member_limit,
                    "grace": options.grace,
                    "deadline": None if options.time_limit is None else time.monotonic() + options.time_limit,
                    "isolated": not options.no_isolation,
                    "retry": options.retry,
                    "force": options.force,
                },
                show=progress.status,
                begin=progress.begun,
            )
            for k, one in enumerate(task.protocols, 1)
        ]
    )
    try:
        with progress:
            if options.propose:
                return _propose(simulator, task, parameters)
            posterior = rounds.calibrate(
                simulator,
                task.values,
                task.names,
                parameters,
                rounds=options.rounds,
                points=options.points,
                seed=task.configuration.seed or 0,
                report=progress.note,
            )
    except designs.RoundStopped as stopped:
        members_left = stopped.outcome.left
        print(f"stopped ({stopped}): {members_left} devices of a design are left; the same command goes on")
        return int(stopped.outcome.code)
    checked = diagnosis.diagnose(posterior, seed=task.configuration.seed or 0)
    store.save_table(result.dataset(posterior, task), output.with_suffix(".nc"), force=True)
    store.save_tree(diagnosis.inference_data(posterior, checked), _inference(output), force=True)
    store.write_bytes(result.material(posterior, task, output).encode(), output)
    print(describe(posterior))
    print("\n".join(diagnosis.sentences(posterior, checked)))
    if simulator.failed:
        print(f"{len(simulator.failed)} devices failed and count as missing, such as {simulator.failed[0]}")
    print(f"wrote {output}, {output.with_suffix('.nc')} and {_inference(output)}")
    _draw(options, output)
    return 0


def _search(options: argparse.Namespace) -> int:
    """Search numbers of a material towards a table of targets."""
    from ..calibration import bands, cell, designs, free, search
    from ..data import store
    from ..mpi_runs import farm

    settings = designs.with_material(read(options.file, options.changes, options.seed), options.file.parent)
    if settings.seed is None:
        raise UsageError("a calibration needs a seed: give --seed or seed in the file")
    output: Path = options.output or Path(f"{options.file.stem}-calibrated.toml")
    check_ending(output, ".toml")
    log = output.with_suffix(".search.jsonl")
    store.writable(output, force=options.force)
    if options.force:
        log.unlink(missing_ok=True)
    try:
        targets = bands.read(options.measured)
        material = settings.made_of()
        text = options.free or targets.free
        if not text:
            raise UsageError(
                f"--free must name the numbers to look for: {options.measured.name} has no [free]"
            )
        task = search.Search(
            material=material,
            parameters=free.free(text, material),
            targets=targets,
            plan=bands.Plan(
                setting=cell.Setting.of(settings),
                cycles=targets.cycles,
                waits=targets.waits,
                budget=targets.budget,
            ),
            seed=settings.seed,
            points=options.points or 100,
            log=log,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    with search.processes(options.workers or farm.cores()) as pool:
        chosen, reported = search.search(
            task, pool, lambda line: None if options.quiet else print(line, flush=True)
        )
    base = settings.material.base
    if base.endswith(".toml"):
        base = os.path.relpath(type(material).file(base, options.file.parent), output.parent)
    files = f"frenkel calibrate {options.file.name} {options.measured.name}"
    store.write_bytes(search.material_file(task, base, chosen, reported, files).encode(), output)
    print("\n".join(search.table(task, reported)))
    print(f"wrote {output}; every point is in {log}")
    return 0


def _inference(output: Path) -> Path:
    """Return the file of the draws for ArviZ."""
    return output.with_name(f"{output.stem}-inference.nc")


def _propose(simulator: "Protocols", task: "Made", parameters: "list[Parameter]") -> int:
    """Print which parameters the measurements identify."""
    from ..calibration import information
    from ..reports.calibration import proposal_text

    seed = task.configuration.seed or 0
    proposal = information.propose(simulator, task.values, task.names, parameters, seed=seed)
    print(proposal_text(proposal))
    return 0 if proposal.names else 1


def _draw(options: argparse.Namespace, output: Path) -> None:
    from ..analysis.plots import comparison
    from ..calibration import result

    draw(options.plot, lambda: comparison.corner(result.load(output.with_suffix(".nc"))))


def _output(options: argparse.Namespace) -> Path:
    """Return the material file that is written, checked now rather than after the run."""
    from ..data import store

    output: Path = options.output or Path(f"{options.file.stem}-calibrated.toml")
    check_ending(output, ".toml")
    if output.resolve() == options.file.resolve():
        raise UsageError(f"--output must not be the configuration itself, got {str(output)!r}")
    for path in (output, output.with_suffix(".nc"), _inference(output)):
        store.writable(path, force=options.force)
    check_picture(options.plot, options.force)
    return output


def _task(options: argparse.Namespace) -> "tuple[Made, list[Parameter]]":
    """Return what is calibrated, and to what."""
    from ..calibration import designs, free, result, target
    from ..configuration.base import ConfigurationError

    features = tuple(name.strip() for name in options.features.split(",")) if options.features else ()
    parameters: list[Parameter] = []
    protocols: list[Made] = []
    for path, measured in ((options.file, options.measured), *options.also):
        settings = read(path, options.changes, options.seed)
        if settings.seed is None:
            raise UsageError("a calibration needs a seed: give --seed or seed in the file")
        seed = settings.seed + len(protocols)
        settings = designs.with_material(settings, path.parent)
        try:
            parameters = parameters or free.free(options.free, settings.made_of())
            for parameter in parameters:
                settings.check_number(parameter.name)
            if protocols and settings.material != protocols[0].configuration.material:
                raise ConfigurationError(f"the material of {path.name} must be that of {options.file.name}")
            aim = target.target(measured, settings, features)
        except ValueError as error:
            raise UsageError(str(error)) from None
        # Devices of another protocol are other devices.
        other = settings.model_copy(update={"seed": seed})
        protocols.append(result.Made(configuration=other, folder=path.parent, measured=measured, target=aim))
    return replace(protocols[0], others=tuple(protocols[1:])), parameters


def _check(options: argparse.Namespace, made: "Made", parameters: "list[Parameter]") -> None:
    """Refuse what could not be calibrated before anything is simulated; say what will be."""
    from ..calibration import rounds
    from ..calibration.summaries import summary

    names = summary(made.names, made.values)[0].names
    if not options.propose and not 1 <= len(parameters) <= min(rounds.MOST, len(names)):
        raise UsageError(
            f"--free must name 1 to {min(rounds.MOST, len(names))} numbers ({len(names)} statistics were "
            f"measured), got {len(parameters)}"
        )
    fewest = rounds.fewest_members(len(names))
    if options.members < fewest:
        raise UsageError(
            f"--members must be at least {fewest} for {len(names)} statistics, got {options.members}"
        )
    size = math.comb(len(parameters) + 2, 2)
    points = 2 * size if options.points is None else options.points
    if points < size + 2 and not options.propose:
        raise UsageError(
            f"--points must be at least {size + 2} for {len(parameters)} parameters, got {points}"
        )
    for one in made.protocols:
        devices, cycles, _ = one.target.values.shape
        names_text = ", ".join(one.target.names)
        print(f"{devices} device(s) x {cycles} cycle(s) of {one.target.origin}: {names_text}")
    asked = f"{2 * len(parameters) + 1}" if options.propose else f"{options.rounds} rounds x {points}"
    print(f"{asked} points x {options.members} devices, seed {made.configuration.seed}")
