"""The command line. Each command is a few lines over public functions; imports wait until it runs."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from frenkel_studies import command as studies  # the application, see docs/design.md

from ..data import forms
from . import (
    arrays,
    calibrate,
    cards,
    cluster,
    devices,
    ensembles,
    examples,
    export,
    materials,
    measured,
    pictures,
    tails,
)
from .common import (
    CHANGES,
    CONFIGURATION,
    FORCE,
    FORCE_PICTURE,
    MOVIE,
    OUTPUT,
    PLOT,
    QUIET,
    RESULT,
    SEED,
    VERBOSE,
    Option,
    Parser,
    UsageError,
    add,
    check_movie,
    check_picture,
    read,
)

EXAMPLES = """examples:
  frenkel run switching.toml -o switching.nc --plot switching.png
  frenkel run switching.toml -o wide.nc --set "device.width=8 nm" --set seed=7
  frenkel run switching.toml -o switching.nc --resume     go on after a kill
  frenkel check switching.toml                            what it would do, and for how long
  frenkel show switching.nc --plot switching.png
  frenkel watch ensemble.nc                               what a run is doing now
  frenkel again switching.nc                              is it reproduced, bit by bit?
  frenkel export switching.nc --to xyz                    snapshots for OVITO and ASE
  frenkel materials HfO2
  frenkel verify
  mpiexec -n 64 frenkel run switching.toml -o ensemble.nc --members 1000
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, 1 (failed), 2 (usage), 130 (interrupted)."""
    commands = parser()
    _complete(commands)
    if not (sys.argv[1:] if arguments is None else arguments):
        commands.print_help(sys.stderr)
        return 2
    options = commands.parse_args(arguments)
    debug = os.environ.get("FRENKEL_DEBUG") == "1"
    before, warnings.formatwarning = warnings.formatwarning, _warning
    try:
        status = int(options.command(options) or 0)
        sys.stdout.flush()  # here, since what fails at exit nobody catches
        return status
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
    finally:
        warnings.formatwarning = before


def _warning(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> str:
    """Return a warning as one line, without the place in our source that helps nobody."""
    return f"frenkel: warning: {printable(str(message))}\n"


def _sentence(error: Exception) -> str:
    """Return what is wrong, without the number that the system gives to it."""
    if isinstance(error, FileNotFoundError) and error.filename:
        folder = Path(os.fsdecode(error.filename)).parent
        return f"there is no file {error.filename}" if folder.is_dir() else f"there is no folder {folder}"
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror[:1].lower()}{error.strerror[1:]}"
    return str(error)


def parser() -> argparse.ArgumentParser:
    """Return what knows all commands and their options."""
    top = Parser(
        prog="frenkel",
        description="Resistive memory from single atoms: run, look at and check devices.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, help="print the version and leave")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_looks(commands)
    materials.add_commands(commands)
    examples.add_commands(commands)
    ensembles.add_commands(commands)
    cluster.add_commands(commands)
    measured.add_commands(commands)
    calibrate.add_commands(commands)
    pictures.add_commands(commands)
    cards.add_commands(commands)
    studies.add_commands(commands)
    tails.add_commands(commands)
    export.add_commands(commands)
    _add_completion(commands)
    return top


def _complete(commands: argparse.ArgumentParser) -> None:
    """Answer a shell that completes a line, and leave; do nothing where none asks."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(commands)


class _Version(argparse.Action):
    """Prints the version; looking it up takes longer than the rest of --help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**(settings | {"nargs": 0}))

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from .. import provenance

        print(f"frenkel {provenance.version()}")
        parser.exit(0)


def _add_run(commands: Any) -> None:
    add(
        commands,
        "run",
        _run,
        "run the protocol of a configuration on one device",
        "frenkel run switching.toml -o switching.nc --plot switching.png --seed 3",
        CONFIGURATION,
        OUTPUT.but(help="result (default: the name of the configuration with .nc, here)"),
        PLOT,
        SEED,
        FORCE.but(help="replace existing files"),
        Option("--resume", action="store_true", help="go on from the last checkpoint"),
        Option(
            "--checkpoint",
            type=float,
            default=10.0,
            metavar="SECONDS",
            help="time between checkpoints (default: 10)",
        ),
        CHANGES,
        VERBOSE,
        QUIET,
        ensembles.RUN,
    )


def _add_looks(commands: Any) -> None:
    """Add what comes before and after a run."""
    add(
        commands,
        "show",
        _show,
        "print what is in a result and what made it, and draw it",
        "frenkel show switching.nc --plot switching.png --movie switching.html",
        RESULT,
        PLOT,
        MOVIE,
        FORCE_PICTURE,
    )
    add(
        commands,
        "check",
        _check,
        "print what a configuration would do, without running it",
        "frenkel check switching.toml",
        CONFIGURATION,
        CHANGES,
    )
    add(
        commands,
        "verify",
        _verify,
        "compare with exact results: quantity, theory, ours, deviation, verdict",
        "frenkel verify",
    )
    add(
        commands,
        "again",
        _again,
        "run the configuration in a result once more and compare bit by bit",
        "frenkel again switching.nc",
        RESULT,
        VERBOSE,
        QUIET,
    )


def _add_completion(commands: Any) -> None:
    add(
        commands,
        "completion",
        _completion,
        "print what lets a shell complete commands, options, names and files",
        'eval "$(frenkel completion bash)"            in ~/.bashrc\n'
        '  eval "$(frenkel completion zsh)"             in ~/.zshrc, after compinit\n'
        "  frenkel completion fish | source             in ~/.config/fish/config.fish",
        Option("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish"),
    )


def _completion(options: argparse.Namespace) -> None:
    from argcomplete.shell_integration import shellcode

    print(shellcode(["frenkel"], shell=options.shell))


def _run(options: argparse.Namespace) -> int | None:
    if not options.checkpoint >= 0:
        raise UsageError(f"--checkpoint must be at least 0 s, got {options.checkpoint:g}")
    if forms.configures_array(options.file):
        return arrays.run(options)
    code = ensembles.run(options)
    if code is None:
        devices.run(options)
    return code


def _show(options: argparse.Namespace) -> None:
    check_picture(options.plot, options.force)
    check_movie(options.movie, options.force)
    if not (arrays.show(options) or ensembles.show(options)):
        devices.show(options)
    elif options.movie is not None:
        raise UsageError(
            f"--movie is for the result of one device, {options.file} holds several; "
            "in Python frenkel.open(...).frenkel.member(k).frenkel.film() is one of an ensemble"
        )


def _check(options: argparse.Namespace) -> None:
    if forms.configures_array(options.file):
        return arrays.check(options)
    from ..reports.plan import plan

    print(plan(read(options.file, options.changes), options.file.parent))


def _verify(_: argparse.Namespace) -> int:
    from ..reports.device import verification_table
    from ..verify.exact import rows

    table = rows()
    print(verification_table(table))
    return 0 if all(row.passed for row in table) else 1


def _again(options: argparse.Namespace) -> int:
    code = arrays.again(options.file)
    return devices.again(options) if code is None else code


def _complain(sentence: str, status: int) -> int:
    print(f"frenkel: {printable(sentence)}", file=sys.stderr)
    return status


def printable(text: str) -> str:
    """Return text as one line; files of others may bring marks that a terminal obeys."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


if __name__ == "__main__":
    raise SystemExit(main())
