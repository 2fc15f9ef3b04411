"""Commands for many devices: run with members, sweep, merge, hash, status."""

import argparse
import contextlib
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cluster as cli_cluster
from .cluster import positive, seconds

if TYPE_CHECKING:
    from ..experiment.ensemble import Ensemble
    from ..mpi_runs.farm import Workers
    from ..mpi_runs.session import Outcome

Add = Callable[..., argparse.ArgumentParser]
Read = Callable[[argparse.Namespace], Any]
USAGE, FAILED = 2, 3
ENGINES = ("serial", "pool", "mpi", "dask")


def add_commands(
    commands: Any, add: Add, add_set: Callable[[argparse.ArgumentParser], None], read: Read
) -> None:
    """Add all commands of this file."""
    add_sweep(commands, add, add_set, read)
    add_merge(commands, add)
    add_hash(commands, add)
    add_status(commands, add)
    cli_cluster.add_slurm(commands, add, add_set)
    cli_cluster.add_plan(commands, add)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add what ``frenkel run`` takes for many devices."""
    group = parser.add_argument_group("many devices")
    group.add_argument("--members", type=positive, metavar="N", help="run N devices with the same settings")
    group.add_argument(
        "--only", type=_natural, metavar="K", help="run member K alone, exactly as in the ensemble"
    )
    group.add_argument(
        "--until",
        type=_until,
        metavar="WHAT",
        help='end when the 95 %% interval of a quantile is narrow: "forming_voltage 1%% 5%%" is the 1 %% '
        "quantile to 5 %% of itself; --members is then the most",
    )
    add_farm_options(group)


def add_farm_options(group: Any) -> None:
    """Add what every command takes that runs many devices."""
    group.add_argument(
        "--engine",
        choices=ENGINES,
        help="default: mpi under mpiexec or srun, else the cores of this machine (pool)",
    )
    group.add_argument("--workers", type=positive, metavar="N", help="processes of engine pool or dask")
    group.add_argument("--dask", metavar="ADDRESS", help="scheduler for engine dask")
    group.add_argument(
        "--shard", type=_shard, metavar="I/N", help="run every N-th member from I on (job arrays)"
    )
    group.add_argument(
        "--time-limit", type=seconds, metavar="TIME", help='stop after "23:50:00" or "90 min" in good order'
    )
    group.add_argument(
        "--member-limit", type=seconds, metavar="TIME", help="longest time of one member (default: no limit)"
    )
    group.add_argument(
        "--grace",
        type=seconds,
        default=10.0,
        metavar="TIME",
        help="time for running members when stopping (default: 10 s); they go on from checkpoints",
    )
    group.add_argument(
        "--no-isolation",
        action="store_true",
        help="run members in the workers themselves: for debuggers, a crash then ends the run",
    )
    group.add_argument("--retry", action="store_true", help="run members again that failed three times")


def add_sweep(
    commands: Any, add: Add, add_set: Callable[[argparse.ArgumentParser], None], read: Read
) -> None:
    """Add ``frenkel sweep``."""
    parser = add(
        commands,
        "sweep",
        lambda options: sweep(options, read),
        "run an ensemble at every combination of values",
        'frenkel sweep switching.toml --over "device.temperature=300:400:5 K" --members 100 -o sweep.nc',
    )
    parser.add_argument("file", type=Path, metavar="FILE.toml", help="configuration")
    parser.add_argument(
        "--over",
        action="append",
        required=True,
        metavar="KEY=VALUES",
        help='"device.temperature=300:400:5 K" (first:last:number) or "material=HfO2,TaOx"; repeatable',
    )
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.nc", help="result")
    parser.add_argument("--members", type=positive, metavar="N", help="devices per point")
    parser.add_argument("--seed", type=int, help="seed instead of that in the file")
    parser.add_argument("--force", action="store_true", help="discard what is there")
    add_set(parser)
    add_farm_options(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")


def add_merge(commands: Any, add: Add) -> None:
    """Add ``frenkel merge``."""
    parser = add(
        commands,
        "merge",
        merge,
        "merge what runs have finished so far, on one or several machines, into one file",
        "frenkel merge here.nc.run there.nc.run -o ensemble.nc",
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="RUN", help="folders OUT.nc.run, or OUT.nc")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.nc", help="result")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def add_hash(commands: Any, add: Add) -> None:
    """Add ``frenkel hash``."""
    parser = add(
        commands,
        "hash",
        content_hash,
        "print a hash of the variables of a file, equal for equal results",
        "frenkel hash ensemble.nc",
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.nc", help="results")


def add_status(commands: Any, add: Add) -> None:
    """Add ``frenkel status``."""
    parser = add(
        commands,
        "status",
        status,
        "print how far an ensemble is, and which members failed",
        "frenkel status ensemble.nc",
    )
    parser.add_argument("file", type=Path, metavar="OUT.nc", help="result that is being made")
    parser.add_argument("--tracebacks", action="store_true", help="print where the failed members failed")


def run(options: argparse.Namespace, read: Read) -> int | None:
    """Run an ensemble; return the exit status, or None if one device is asked for."""
    if options.only is not None:
        return None
    engine = _engine(options)
    if engine == "mpi":
        return _under_mpi(options, lambda crews: _run_file(options, read, crews))
    settings = read(options)
    if not (options.members or options.shard or settings.ensemble):
        return None
    with _crews(engine, options) as crews:
        return _run_file(options, read, crews)


def only(options: argparse.Namespace, settings: Any) -> Any:
    """Return the configuration of the member that ``--only`` names, and let its log be shown."""
    from ..experiment import ensemble

    members = options.members or (settings.ensemble.members if settings.ensemble else None)
    if members is not None and options.only >= members:
        raise ValueError(f"--only must be between 0 and {members - 1}, got {options.only}")
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)8.0f ms %(name)s: %(message)s")
    options.verbose = True
    stem = options.file.stem
    seed = settings.seed if options.seed is None else options.seed
    if seed is None:
        seed = ensemble.known_seed(Path(f"{stem}.nc") if options.output is None else options.output)
    if seed is None:
        raise ValueError(
            "the seed is not known: give --seed, as `frenkel status` or `frenkel show` prints it"
        )
    options.output = options.output or Path(f"{stem}-{options.only}.nc")
    return settings.model_copy(update={"member": options.only, "seed": seed})


def sweep(options: argparse.Namespace, read: Read) -> int:
    """Run an ensemble at every point of a grid."""
    engine = _engine(options)
    if engine == "mpi":
        return _under_mpi(options, lambda crews: _run_sweep(options, read, crews))
    with _crews(engine, options) as crews:
        return _run_sweep(options, read, crews)


def merge(options: argparse.Namespace) -> int:
    """Merge the shards of some folders."""
    from ..analysis.results import store
    from ..experiment import ensemble
    from ..mpi_runs import runs

    folders = [one if one.is_dir() else ensemble.run_folder(one) for one in options.folders]
    store.writable(options.output, force=options.force)
    try:
        found = ensemble.merge_folders(folders, options.output)
    except runs.ChangedError as error:
        return _complain(str(error), USAGE)
    print(f"wrote {options.output}\ncontent {found}")
    return 0


def content_hash(options: argparse.Namespace) -> int:
    """Print content hashes, one file a line."""
    from ..mpi_runs import content

    for path in options.files:
        if not path.is_file():
            raise OSError(f"there is no file {path}")
        print(f"{content.of_file(path)}  {path}")
    return 0


def status(options: argparse.Namespace) -> int:
    """Print how far a run is."""
    from ..experiment import ensemble
    from ..reports import ensemble as ensemble_report

    folder = ensemble.run_folder(options.file)
    if not folder.is_dir():
        raise OSError(f"there is no run of {options.file}: no folder {folder}")
    print(ensemble_report.status_text(folder, tracebacks=options.tracebacks))
    return 0


def _engine(options: argparse.Namespace) -> str:
    from ..mpi_runs import farm

    # Launched processes that take a part each do not repeat each other's work.
    if options.shard and options.shard == (farm.rank() + 1, farm.launched()) and options.engine != "mpi":
        return str(options.engine or "pool")
    return farm.choose(options.engine)


def _run_file(options: argparse.Namespace, read: Read, crews: "Workers") -> int:
    from ..experiment import ensemble

    settings = _seeded(read(options), options.seed)
    output = options.output or Path(options.file.stem + ".nc")
    if not (options.members or settings.ensemble):
        return _complain("one device cannot be divided: give --members, or start one process", USAGE)
    known = None if options.force else ensemble.known_seed(output)
    if options.shard and settings.seed is None and known is None:
        return _complain("the parts need one seed: give --seed or seed in the file", USAGE)
    if options.until is not None:
        return _run_until(options, settings, output, crews)
    whole = ensemble.plain(settings, options.members, options.file.parent, known)
    return _go(options, whole, output, crews)


def _run_until(options: argparse.Namespace, settings: Any, output: Path, crews: "Workers") -> int:
    """Run more and more members until a quantile is known well enough, or all of them are done."""
    from ..analysis.statistics.sequential import Stopping
    from ..experiment import ensemble
    from ..experiment.ensemble_file import SUMMARY
    from ..kinetic.materials.rows import suggest

    if options.shard:
        return _complain("--until needs all members in one run and cannot be combined with --shard", USAGE)
    name, share, width = options.until
    if name not in SUMMARY:
        return _complain(f"no number {name!r} of a member{suggest(name, SUMMARY)}", USAGE)
    most = options.members or settings.ensemble.members
    rule, counted, number = Stopping(share=share, width=width), 0, min(100, most)
    while True:
        known = None if options.force else ensemble.known_seed(output)
        whole = ensemble.plain(settings, number, options.file.parent, known)
        last = number == most
        code = _go(options, whole, output, crews, say=last)
        if code not in (0, FAILED):
            return code
        options.force = False
        for member, value in enumerate(ensemble.values(output, name)[counted:], start=counted):
            rule.add(member, value)
        counted = number
        found = rule.looks[-1] if rule.looks else None
        if found is not None and (rule.stopped or last):
            print(
                f"{name}: {100 * share:g} % quantile {found.value:.4g}, 95 % interval {found.low:.4g} to "
                f"{found.high:.4g}, {found.number} members"
                + ("" if rule.stopped else f"; about {found.expected:.3g} would be needed")
            )
        if rule.stopped and not last:
            print(f"wrote {output}")
        if rule.stopped or last:
            return code
        number = min(most, math.ceil(1.25 * number))


def _run_sweep(options: argparse.Namespace, read: Read, crews: "Workers") -> int:
    from ..experiment import ensemble

    output = options.output or Path(options.file.stem + "-sweep.nc")
    given = list(options.changes)

    def changed(changes: Any) -> Any:
        options.changes = [*given, *changes]
        return _seeded(read(options), options.seed)

    axes = [ensemble.axis(text) for text in options.over]
    base = changed([])
    if base.seed is None:
        return _complain("a sweep needs a seed: give --seed or seed in the file", USAGE)
    whole = ensemble.sweep(changed, axes, options.members, options.file.parent)
    options.plot = None
    return _go(options, whole, output, crews)


def _go(
    options: argparse.Namespace, whole: "Ensemble", output: Path, crews: "Workers", *, say: bool = True
) -> int:
    """Run, show progress, and say how it ended."""
    from ..analysis.plots import page as plot
    from ..analysis.results import store
    from ..experiment import ensemble
    from ..mpi_runs import runs
    from ..reports import ensemble as ensemble_report

    if output.suffix.lower() != ".nc":
        return _complain(f"--output must end in .nc, got {str(output)!r}", USAGE)
    if options.shard and options.force:
        return _complain("--force cannot be combined with --shard, since other shards may be running", USAGE)
    folder = ensemble.run_folder(output)
    if output.exists() and not folder.exists() and not options.force:
        return _complain(f"{output} exists already; choose another name or pass --force", 1)
    if getattr(options, "plot", None) is not None:
        # Known now rather than after the run; a picture of an earlier start may be replaced.
        plot.check_name(options.plot)
        store.writable(options.plot, force=options.force or folder.exists())
    section = whole.points[0].ensemble
    limit = options.member_limit or (section.limit if section else None)
    begin = time.time()
    show = ensemble_report.Progress(sys.stderr, quiet=options.quiet)
    try:
        with show:
            done, found = ensemble.run(
                whole,
                output,
                crews,
                part=options.shard,
                show=show,
                begin=show.begin,
                merging=show.merging,
                limit=limit,
                grace=options.grace,
                deadline=None if options.time_limit is None else begin + options.time_limit,
                isolated=not options.no_isolation,
                retry=options.retry,
                force=options.force,
            )
    except runs.ChangedError as error:
        return _complain(str(error), USAGE)
    if say or done.code not in (0, FAILED):
        _say(options, whole, output, done, found)
    return int(done.code)


def _say(
    options: argparse.Namespace, whole: "Ensemble", output: Path, done: "Outcome", found: str | None
) -> None:
    """Print how a start ended and how to go on."""
    from ..reports import ensemble as ensemble_report

    total = (
        len(whole.numbers())
        if options.shard is None
        else len(whole.numbers()[options.shard[0] - 1 :: options.shard[1]])
    )
    if done.left:
        print(
            f"stopped ({done.reason}): {total - done.left} of {total} members are done; "
            "run the same command again to go on"
        )
        return
    if done.failed:
        few = ", ".join(str(one) for one in done.failed[:10]) + (" ..." if len(done.failed) > 10 else "")
        print(f"{len(done.failed)} of {total} members failed: {few}; `frenkel status {output}` says why")
    if found is None:
        print(
            f"this part is done; {output} is written by the part that ends last, or by frenkel merge {output}"
        )
        return
    print(f"wrote {output}" if done.ran else f"{output} is complete: nothing was left to run")
    print(f"content {found}")
    if not options.quiet:
        print(ensemble_report.describe(output))
    if getattr(options, "plot", None) is not None:
        from ..analysis.plots import ensemble as ensemble_plot
        from ..analysis.plots import page

        page.save(ensemble_plot.draw(output), options.plot)
        print(f"wrote {options.plot}")


def show(options: argparse.Namespace) -> bool:
    """Describe and draw the file of an ensemble; return whether it is one."""
    from ..experiment import ensemble_file
    from ..reports import ensemble as ensemble_report

    if not ensemble_file.is_ensemble(options.file):
        return False
    print(ensemble_report.describe(options.file))
    if options.plot is not None:
        from ..analysis.plots import ensemble as ensemble_plot
        from ..analysis.plots import page

        page.save(ensemble_plot.draw(options.file), options.plot)
        print(f"wrote {options.plot}")
    return True


def _under_mpi(options: argparse.Namespace, go: Callable[["Workers"], int]) -> int:
    """Run on rank 0, serve on the others; an error that nobody foresaw ends all of them."""
    from ..mpi_runs import farm

    farm.abort_on_errors()
    served = False
    try:
        with _signals(), farm.mpi(options.workers) as crews:
            served = crews is None
            return 0 if crews is None else go(crews)
    except Exception:
        if not served:
            raise  # rank 0: the others have been told to leave
        import traceback

        traceback.print_exc()
        farm.abort()
        raise


@contextlib.contextmanager
def _crews(engine: str, options: argparse.Namespace) -> Iterator["Workers"]:
    from ..mpi_runs import farm

    made: Any
    if engine == "dask":
        made = farm.dask(options.workers, options.dask)
    else:
        made = {"serial": farm.serial, "pool": farm.pool}[engine](options.workers)
    with _signals(), made as crews:
        yield crews


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    from ..mpi_runs import stopping

    before = stopping.catch_signals()
    try:
        yield
    finally:
        stopping.restore_signals(before)


def _seeded(settings: Any, seed: int | None) -> Any:
    return settings if seed is None else settings.model_copy(update={"seed": seed})


def _until(text: str) -> tuple[str, float, float]:
    parts = text.split()
    try:
        share, width = (float(part.removesuffix("%")) / 100 for part in parts[1:])
        if len(parts) == 3 and 0 < share < 1 and width > 0:
            return parts[0], share, width
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be like 'forming_voltage 1% 5%', got {text!r}")


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, got {number}")
    return number


def _shard(text: str) -> tuple[int, int]:
    if text == "auto":
        from ..mpi_runs import farm

        return farm.rank() + 1, farm.launched()
    first, _, second = text.partition("/")
    if not (first.isdigit() and second.isdigit()) or not 1 <= int(first) <= int(second):
        raise argparse.ArgumentTypeError(f"must be I/N with I from 1 to N, got {text!r}")
    return int(first), int(second)


def _complain(sentence: str, code: int) -> int:
    print(f"frenkel: {' '.join(sentence.split())}", file=sys.stderr)
    return code
