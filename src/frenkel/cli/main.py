"""The command line. Each command is a few lines over public functions; imports wait until it runs."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import arrays as cli_arrays
from . import cards as cli_cards
from . import ensembles as cli_ensembles
from . import export as cli_export
from . import pictures as cli_pictures
from . import studies as cli_studies

if TYPE_CHECKING:
    import xarray as xr

EXAMPLES = """examples:
  frenkel run switching.toml -o switching.nc --plot switching.png
  frenkel run switching.toml -o wide.nc --set "device.width=8 nm" --set seed=7
  frenkel run switching.toml -o switching.nc --resume     go on after a kill
  frenkel check switching.toml                            what it would do, and for how long
  frenkel show switching.nc --plot switching.png
  frenkel again switching.nc                              is it reproduced, bit by bit?
  frenkel export switching.nc --to xyz                    snapshots for OVITO and ASE
  frenkel materials HfO2
  frenkel verify
  mpiexec -n 64 frenkel run switching.toml -o ensemble.nc --members 1000
"""


class UsageError(ValueError):
    """An option has a value that cannot be meant."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, 1 (failed), 2 (usage), 130 (interrupted)."""
    options = _parser().parse_args(arguments)
    debug = os.environ.get("FRENKEL_DEBUG") == "1"
    try:
        return int(options.command(options) or 0)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:
        # The reader of a pipe has gone ("frenkel show x.nc | head"); Python would complain at exit again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UsageError as error:
        return _complain(str(error), 2)
    except (ValueError, OSError, RuntimeError) as error:
        if debug:
            raise
        return _complain(_sentence(error), 1)
    except MemoryError:
        return _complain("there is not enough memory for this", 1)
    except Exception as error:
        if debug:
            raise
        return _complain(
            f"internal error, {type(error).__name__}: {error} "
            "(FRENKEL_DEBUG=1 shows where; please report it)",
            1,
        )


def _sentence(error: Exception) -> str:
    """Return what is wrong, without the number that the system gives to it."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror[:1].lower()}{error.strerror[1:]}"
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="frenkel",
        description="Resistive memory from single atoms: run, look at and check devices.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="print the version and leave")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_run, _add_show, _add_materials, _add_check, _add_verify, _add_again):
        add(commands)
    cli_ensembles.add_commands(commands, _add, _add_set, _read)
    cli_pictures.add_commands(commands, _add)
    cli_cards.add_commands(commands, _add)
    cli_studies.add_commands(commands, _add)
    cli_export.add_commands(commands, _add)
    return parser


class _Version(argparse.Action):
    """Prints the version; looking it up takes longer than the rest of --help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**(settings | {"nargs": 0}))

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from .. import provenance

        print(f"frenkel {provenance.version()}")
        parser.exit(0)


def _add(
    commands: Any, name: str, command: Callable[[argparse.Namespace], int | None], text: str, example: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=command)
    return parser


def _add_run(commands: Any) -> None:
    parser = _add(
        commands,
        "run",
        _run,
        "run the protocol of a configuration on one device",
        "frenkel run switching.toml -o switching.nc --plot switching.png --seed 3",
    )
    parser.add_argument("file", type=Path, metavar="FILE.toml", help="configuration")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT.nc",
        help="result (default: the name of the configuration with .nc, here)",
    )
    parser.add_argument("--plot", type=Path, metavar="PICTURE", help="picture to write: .png, .pdf, .svg")
    parser.add_argument("--seed", type=int, help="seed instead of that in the file")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument(
        "--checkpoint",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="time between checkpoints (default: 10)",
    )
    _add_set(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="write a line of progress every minute")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    cli_ensembles.add_run_options(parser)


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help='change a value of the file, such as "device.width=8 nm" or '
        '"phase.0.amplitude=5 V"; may be given several times',
    )


def _add_show(commands: Any) -> None:
    parser = _add(
        commands,
        "show",
        _show,
        "print what is in a result and what made it, and draw it",
        "frenkel show switching.nc --plot switching.png",
    )
    parser.add_argument("file", type=Path, metavar="FILE.nc", help="result")
    parser.add_argument("--plot", type=Path, metavar="PICTURE", help="picture to write: .png, .pdf, .svg")
    parser.add_argument("--force", action="store_true", help="replace an existing picture")


def _add_materials(commands: Any) -> None:
    parser = _add(
        commands,
        "materials",
        _materials,
        "list the materials, or print one with its sources",
        "frenkel materials HfO2",
    )
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a packaged material, or a file ending in .toml"
    )


def _add_check(commands: Any) -> None:
    parser = _add(
        commands,
        "check",
        _check,
        "print what a configuration would do, without running it",
        "frenkel check switching.toml",
    )
    parser.add_argument("file", type=Path, metavar="FILE.toml", help="configuration")
    _add_set(parser)


def _add_verify(commands: Any) -> None:
    _add(
        commands,
        "verify",
        _verify,
        "compare with exact results: quantity, theory, ours, deviation, verdict",
        "frenkel verify",
    )


def _add_again(commands: Any) -> None:
    parser = _add(
        commands,
        "again",
        _again,
        "run the configuration in a result once more and compare bit by bit",
        "frenkel again switching.nc",
    )
    parser.add_argument("file", type=Path, metavar="FILE.nc", help="result")
    parser.add_argument("-v", "--verbose", action="store_true", help="write a line of progress every minute")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")


def _run(options: argparse.Namespace) -> int | None:
    if cli_arrays.is_configuration(options.file):
        return cli_arrays.run(options, _read)
    code = cli_ensembles.run(options, _read)
    if code is None:
        _run_one(options)
    return code


def _run_one(options: argparse.Namespace) -> None:
    from ..analysis.results import store
    from ..configuration import device as configuration
    from ..experiment import device as experiment
    from ..progress import Reporter

    settings = _read(options)
    if options.only is not None:
        settings = cli_ensembles.only(options, settings)
    output = options.output or Path(options.file.stem + ".nc")
    checkpoint = output.with_name(output.name + ".checkpoint")
    store.writable(output, force=options.force)
    _check_ending(output, ".nc")
    _check_picture(options.plot, options.force)
    if options.resume and not checkpoint.exists():
        raise store.StoreError(f"there is no checkpoint {checkpoint} to resume from; run without --resume")
    if checkpoint.exists() and not options.resume and not options.force:
        raise store.StoreError(
            f"{checkpoint} is left from an interrupted run; --resume goes on from it, --force starts afresh"
        )
    _terminate_like_interrupt()
    if isinstance(settings, configuration.Configuration) and options.seed is not None:
        settings = settings.model_copy(update={"seed": options.seed})
    try:
        with Reporter(lines=options.verbose, quiet=options.quiet) as progress:
            result = experiment.run(
                settings,
                folder=options.file.parent,
                checkpoint=checkpoint,
                resume=options.resume,
                progress=progress,
                interval=options.checkpoint,
            )
    except KeyboardInterrupt:
        hint = (
            f"; --resume goes on from {checkpoint}" if checkpoint.exists() else " before the first checkpoint"
        )
        raise RuntimeError(f"interrupted{hint}") from None
    store.save(result, output, force=options.force)
    checkpoint.unlink(missing_ok=True)
    print(f"wrote {output}")
    _draw(result, options.plot)
    _say(result)


def _show(options: argparse.Namespace) -> None:
    from ..analysis.results import store
    from ..reports.device import describe

    _check_picture(options.plot, options.force)
    if cli_arrays.show(options) or cli_ensembles.show(options):
        return
    result = store.load(options.file)
    print(describe(result))
    _say(result)
    _draw(result, options.plot)


def _materials(options: argparse.Namespace) -> None:
    from ..kinetic.materials.material import Material
    from ..reports.device import material_list, material_table

    if options.name is None:
        print(material_list([Material.load(name) for name in Material.names()]))
    elif options.name.endswith(".toml"):
        print(material_table(Material.read(options.name)))
    else:
        print(material_table(Material.load(options.name)))


def _check(options: argparse.Namespace) -> None:
    if cli_arrays.is_configuration(options.file):
        return cli_arrays.check(options, _read)
    from ..reports.plan import plan

    print(plan(_read(options), options.file.parent))


def _verify(_: argparse.Namespace) -> int:
    from ..reports.device import verification_table
    from ..verify import rows

    table = rows()
    print(verification_table(table))
    return 0 if all(row.passed for row in table) else 1


def _again(options: argparse.Namespace) -> int:
    if (code := cli_arrays.again(options)) is not None:
        return code
    from ..analysis.results import store
    from ..experiment import device as experiment
    from ..progress import Reporter

    recorded = store.load(options.file)
    with Reporter(lines=options.verbose, quiet=options.quiet) as progress:
        result = experiment.again(recorded, origin=str(options.file), progress=progress)
    difference = experiment.first_difference(recorded, result)
    if difference is None:
        print(f"equal: {options.file} is reproduced bit by bit")
        return 0
    print(f"different: {difference} (first: {options.file}, second: run now)")
    return 1


def _read(options: argparse.Namespace) -> Any:
    from ..configuration.reader import read
    from ..provenance import SEED_LIMIT

    for change in options.changes:
        if "=" not in change or not change.partition("=")[0].strip():
            raise UsageError(f"--set must be KEY=VALUE, got {change!r}")
    if not getattr(options, "checkpoint", 0.0) >= 0:
        raise UsageError(f"--checkpoint must be at least 0 s, got {options.checkpoint:g}")
    if getattr(options, "seed", None) is not None and not 0 <= options.seed < SEED_LIMIT:
        raise UsageError(f"--seed must be between 0 and {SEED_LIMIT - 1}, got {options.seed}")
    if cli_arrays.is_configuration(options.file) and not getattr(options, "arrays", False):
        raise UsageError(f"{options.file} is the configuration of an array, for frenkel run and check alone")
    return read(options.file, options.changes)


def _check_ending(path: Path, ending: str) -> None:
    """Refuse other names of results, before --force replaces a configuration or a result by a slip."""
    if path.suffix.lower() != ending:
        raise UsageError(f"--output must end in {ending}, got {str(path)!r}")


def _check_picture(path: Path | None, force: bool) -> None:
    """Raise an error now rather than after the run if the picture could not be written."""
    if path is None:
        return
    from ..analysis.plots import page as plot
    from ..analysis.results import store

    try:
        plot.check_name(path)
    except ValueError as error:
        raise UsageError(str(error)) from None
    store.writable(path, force=force)


def _draw(result: "xr.Dataset", path: Path | None) -> None:
    if path is not None:
        from ..analysis.plots import page
        from ..analysis.plots.device import overview

        page.save(overview(result), path)
        print(f"wrote {path}")


def _say(result: "xr.Dataset") -> None:
    from ..analysis.plots import caption
    from ..analysis.results import filament

    shown = filament.shown_snapshots(result)
    print(caption.caption(result, shown, width=110))


def _terminate_like_interrupt() -> None:
    """Let SIGTERM, which batch systems send, end a run as Ctrl-C does."""
    import signal

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def _complain(sentence: str, status: int) -> int:
    print(f"frenkel: {' '.join(sentence.split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
