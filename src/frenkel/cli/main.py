"""The command line. Each command is a few lines over public functions; imports wait until it runs."""

# Imports inside functions keep argcomplete and importlib.metadata from loading for --help.

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .common import Parser, Terminated, UsageError

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


COMMANDS = {
    ".runs": ("run", "show", "check", "verify", "again"),
    ".materials": ("materials",),
    ".barriers": ("barriers",),
    ".examples": ("examples",),
    ".ensembles": ("sweep", "extend", "merge", "hash", "status", "log"),
    ".cluster": ("job", "slurm", "plan", "watch"),
    ".measured": ("read", "compare"),
    ".calibrate": ("calibrate",),
    ".pictures": ("plot", "rtn"),
    ".cards": ("fit", "gate", "card"),
    "frenkel_studies.command": ("study",),
    ".tails": ("tails", "sensitivity"),
    ".export": ("migrate", "export"),
    ".completion": ("completion",),
}
"""Modules and their commands, in the order of --help; a module is imported where one of its commands runs.

A name with a dot in front is of this folder; the application is `frenkel_studies`, see docs/design.md.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, 1 (failed), 2 (usage), 130 or 143 (interrupted)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = parser(None if "_ARGCOMPLETE" in os.environ or not given else given[0])
    _complete(commands)
    if not given:
        commands.print_help(sys.stderr)
        return 2
    options = commands.parse_args(given)
    debug = os.environ.get("FRENKEL_DEBUG") == "1"
    before, warnings.formatwarning = warnings.formatwarning, _warning
    try:
        status = int(options.command(options) or 0)
        sys.stdout.flush()  # here, since what fails at exit nobody catches
        return status
    except KeyboardInterrupt as interrupt:
        # 128 and the number of the signal, as shells have it.
        return _complain(str(interrupt) or "interrupted", 143 if isinstance(interrupt, Terminated) else 130)
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


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return what knows the commands and their options: those of a command's module, all where it is none."""
    top = Parser(
        prog="frenkel",
        description="Kinetic Monte Carlo simulation of resistive memory: run, inspect and validate devices.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, help="print the version and leave")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    modules = [module for module, names in COMMANDS.items() if command in names] or list(COMMANDS)
    for module in modules:
        importlib.import_module(module, __package__).add_commands(commands)
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


def _complain(sentence: str, status: int) -> int:
    print(f"frenkel: {printable(sentence)}", file=sys.stderr)
    return status


def printable(text: str) -> str:
    """Return text as one line; files of others may bring marks that a terminal obeys."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


if __name__ == "__main__":
    raise SystemExit(main())
