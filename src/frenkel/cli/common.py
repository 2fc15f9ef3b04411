"""What commands share: options declared once, errors of use, how files are read and pictures written."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading where no file is read.

import argparse
import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data import forms
from ..validation import shown, suggest
from . import values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Command = Callable[[argparse.Namespace], int | None]


class UsageError(ValueError):
    """An option has a value that cannot be meant."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came, which batch systems send; it ends a command as Ctrl-C does."""


class Parser(argparse.ArgumentParser):
    """Tells what may have been meant: a command, a choice, an option."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            described = f"{shown(value)}{suggest(str(value), map(str, action.choices))}"
            if action.metavar == "COMMAND":
                raise argparse.ArgumentError(None, f"no command {described}")
            raise argparse.ArgumentError(action, f"must not be {described}")

    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        """Refuse what a command does not know, where its own options are known."""
        parsed, unknown = super().parse_known_args(*given, **named)
        options = [argument.partition("=")[0] for argument in unknown if argument.startswith("-")]
        if options:
            matches = difflib.get_close_matches(options[0], self._option_string_actions, n=1)
            hint = f" (did you mean {matches[0]}?)" if matches else ""
            self.error(f"unknown option {shown(options[0])}{hint}; {self.prog} --help has all")
        if unknown:
            self.error(f"{shown(unknown[0])} is one argument too many; {self.prog} --help has an example")
        return parsed, unknown


class Option:
    """An option or argument of a command, as ``add_argument`` of argparse takes it.

    Besides, ``complete`` gives what a shell completes its value to; otherwise that are files, with the
    ending that the metavar has.
    """

    def __init__(self, *names: str, **settings: Any) -> None:
        self.names, self.settings = names, settings

    def but(self, **settings: Any) -> "Option":
        """Return the same option with some settings of its own."""
        return Option(*self.names, **{**self.settings, **settings})

    def add_to(self, parser: Any) -> None:
        """Add the option to a parser or a group of one."""
        settings = dict(self.settings)
        named: Callable[[], list[str]] | None = settings.pop("complete", None)
        action = parser.add_argument(*self.names, **settings)
        completer = values.completer(named, action.metavar)
        if completer is not None:
            action.completer = completer


class OptionGroup:
    """Options under a title of their own."""

    def __init__(self, title: str, *options: Option) -> None:
        self.title, self.options = title, options

    def add_to(self, parser: Any) -> None:
        """Add the group to a parser."""
        group = parser.add_argument_group(self.title)
        for option in self.options:
            option.add_to(group)


CONFIGURATION = Option("file", type=Path, metavar="FILE.toml", help="configuration")
RESULT = Option("file", type=Path, metavar="FILE.nc", help="result")
OUTPUT = Option("-o", "--output", type=Path, metavar="OUT.nc", help="result")
PLOT = Option("--plot", type=Path, metavar="PICTURE", help="picture to write: .png, .pdf, .svg")
MOVIE = Option(
    "--movie",
    type=Path,
    metavar="FILM.html",
    help="film of a device, filament and current on one slider: one page that needs no network",
)
FORCE = Option("--force", action="store_true", help="replace an existing file")
FORCE_PICTURE = FORCE.but(help="replace an existing picture")
SEED = Option("--seed", type=int, help="seed instead of that in the file")
VERBOSE = Option("-v", "--verbose", action="store_true", help="write a line of progress every minute")
QUIET = Option("-q", "--quiet", action="store_true", help="show no progress")
CHANGES = Option(
    "--set",
    action="append",
    default=[],
    metavar="KEY=VALUE",
    dest="changes",
    complete=values.numbers,
    help='change a value of the file, such as "device.width=8 nm", "phase.0.amplitude=5 V" or, in the '
    'material, "vacancy.migration_barrier=1.3 eV"; may be given several times',
)


def add(
    commands: Any, name: str, command: Command, text: str, example: str, *options: Option | OptionGroup
) -> argparse.ArgumentParser:
    """Add a command to a parser of commands.

    Parameters
    ----------
    commands
        As ``add_subparsers`` of argparse gives it.
    name : str
    command : callable
        Takes the options, returns the exit status or None for 0.
    text, example : str
        For --help.
    *options : Option or OptionGroup
        In the order of --help.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=command)
    for option in options:
        option.add_to(parser)
    return parser


def read(path: Path, changes: Sequence[str] = (), seed: int | None = None, *, arrays: bool = False) -> Any:
    """Return a configuration with what the command line changes in it.

    Parameters
    ----------
    path : Path
    changes : sequence of str
        KEY=VALUE each.
    seed : int, optional
        Instead of that in the file.
    arrays : bool
        Whether the command takes the configuration of an array too.
    """
    from ..configuration import reader
    from ..provenance import SEED_LIMIT

    for change in changes:
        if "=" not in change or not change.partition("=")[0].strip():
            raise UsageError(f"--set must be KEY=VALUE, got {change!r}")
    if seed is not None and not 0 <= seed < SEED_LIMIT:
        raise UsageError(f"--seed must be between 0 and {SEED_LIMIT - 1}, got {seed}")
    if not arrays and forms.configures_array(path):
        raise UsageError(f"{path} is the configuration of an array, for frenkel run and check alone")
    if not path.exists() and path.stem in values.examples():
        hint = f"frenkel examples {path.stem} copies the example of that name into this folder"
        raise OSError(f"there is no file {path}; {hint}")
    if path.suffix == ".py":
        raise UsageError(f"{path} is a script: python {path} runs it")
    settings = reader.read(path, changes)
    return settings if seed is None else settings.model_copy(update={"seed": seed})


def check_ending(path: Path, ending: str) -> None:
    """Refuse other names of an output, before --force replaces another file by a slip."""
    if path.suffix.lower() != ending:
        raise UsageError(f"--output must end in {ending}, got {str(path)!r}")


def check_picture(path: Path | None, force: bool) -> None:
    """Raise an error now rather than after the work if a picture could not be written."""
    if path is None:
        return
    from ..analysis.plots import page
    from ..data import store

    try:
        page.check_name(path)
    except ValueError as error:
        raise UsageError(str(error)) from None
    store.writable(path, force=force)


def check_movie(path: Path | None, force: bool) -> None:
    """Raise an error now rather than after the work if a film could not be written."""
    if path is None:
        return
    from ..analysis.plots import film
    from ..data import store

    try:
        film.check_name(path)
    except ValueError as error:
        raise UsageError(str(error)) from None
    store.writable(path, force=force)


def draw(path: Path | None, figure: "Callable[[], Figure]") -> None:
    """Write a picture, if one was asked for."""
    if path is not None:
        from ..analysis.plots import page

        page.save(figure(), path)
        print(f"wrote {path}")
