"""The command line. Each command is a few lines over public functions; imports wait until it runs."""

# Imports inside functions keep argcomplete and importlib.metadata from loading for --help.

import argparse
import importlib
import os
import sys
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .common import Parser, Terminated, UsageError

GROUPS = {
    "devices": {
        **dict.fromkeys(("run", "check", "show", "again", "verify"), ".runs"),
    },
    "ensembles": {
        **dict.fromkeys(("sweep", "extend", "merge", "hash", "status"), ".ensembles"),
        **dict.fromkeys(("job", "plan", "watch"), ".cluster"),
    },
    "measurements": {
        **dict.fromkeys(("read", "compare"), ".measured"),
        "calibrate": ".calibrate",
        **dict.fromkeys(("plot", "rtn"), ".pictures"),
    },
    "compact models": {**dict.fromkeys(("fit", "validate"), ".cards"), "export": ".export"},
    "systems": {"study": "frenkel_studies.command"},
    "rare events": dict.fromkeys(("tails", "sensitivity"), ".tails"),
    "other": {
        "materials": ".materials",
        "barriers": ".barriers",
        "examples": ".examples",
        "migrate": ".migrate",
    },
}
"""Groups of --help, with the module of each command; a module is imported where its command runs.

A name with a dot in front is of this folder; the application is `frenkel_studies`, see docs/design.md.
"""

COMMANDS = {command: module for group in GROUPS.values() for command, module in group.items()}
"""Modules of all commands."""

RENAMED = {
    "bench": "validate --bench",
    "card": "show CARD",
    "completion": "--completion SHELL",
    "gate": "validate CARD ENSEMBLE",
    "log": "status OUT.nc --log",
    "report": "show CHIP.nc --datasheet CHIP.html",
    "slurm": "job --scheduler slurm",
}
"""Commands of version 0.0 or of its plans, and what takes their place; to be deleted after 0.1."""

SHELLS = ("bash", "zsh", "fish")

FOOT = """
frenkel COMMAND --help has the options and an example of each.
  --version                print the version and leave
  --completion SHELL       print the completion script of bash, zsh or fish
exit status: 0 done, 1 failed or not passed, 2 usage, 75 stopped in good order,
  130 interrupted, 143 ended by SIGTERM
example: frenkel run switching.toml -o switching.nc --plot switching.png
"""
"""What --help ends with."""


class _Top(Parser):
    """The parser of all commands; its --help is a table of groups."""

    texts: dict[str, str]

    def format_help(self) -> str:
        """Return one line for each command, under its group."""
        lines = [textwrap.fill(self.description or "", 80), ""]
        for group, commands in GROUPS.items():
            for number, command in enumerate(commands):
                text = self.texts[command]
                lines.append(f"{'' if number else group:15} {command:12} {text}")
        return "\n".join(lines) + "\n" + FOOT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    0: done. 1: failed, or a comparison did not pass. 2: usage. 75: an ensemble stopped in good order. 130:
    interrupted; 143: ended by SIGTERM.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in RENAMED:
        return _complain(f"{given[0]} is now: frenkel {RENAMED[given[0]]}", 2)
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
    top = _Top(
        prog="frenkel",
        description="Kinetic Monte Carlo simulation of resistive memory: run, inspect and validate devices.",
    )
    top.add_argument("--version", action=_Version, help="print the version and leave")
    top.add_argument(
        "--completion",
        action=_Completion,
        choices=SHELLS,
        metavar="SHELL",
        help="print the completion script of bash, zsh or fish",
    )
    commands = top.add_subparsers(
        title="commands", metavar="COMMAND", required=True, prog="frenkel", parser_class=Parser
    )
    module = COMMANDS.get(command or "")
    for name in [module] if module else dict.fromkeys(COMMANDS.values()):
        importlib.import_module(name, __package__).add_commands(commands)
    top.texts = {name: known.text for name, known in commands.choices.items()}
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


class _Completion(argparse.Action):
    """Prints what makes a shell complete commands, options, names and files."""

    def __call__(self, parser: argparse.ArgumentParser, _: Any, shell: Any, *more: Any) -> None:
        from argcomplete.shell_integration import shellcode

        print(shellcode(["frenkel"], shell=shell))
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
