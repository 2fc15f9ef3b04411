"""What commands share: options declared once, errors of use, how files are read and pictures written."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading where no file is read.

import argparse
import difflib
import textwrap
from collections.abc import Callable, Iterator, Sequence
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
    """Parser whose errors are one sentence with the nearest command, choice or option.

    Options of a page (:class:`OptionPage`) are left out of --help.
    """

    pages: "tuple[OptionPage, ...]" = ()
    text = ""
    """What the list of commands says."""

    def format_help(self) -> str:
        """Return the text of --help, without the options that have a page of their own."""
        titles = {page.title for page in self.pages}
        return self._help_of([group for group in self._action_groups if group.title not in titles])

    def format_page(self, page: "OptionPage") -> str:
        """Return the text of one page of options."""
        return self._help_of([group for group in self._action_groups if group.title == page.title])

    def _help_of(self, groups: "list[Any]") -> str:
        every, self._action_groups = self._action_groups, groups
        try:
            return super().format_help()
        finally:
            self._action_groups = every

    def error(self, message: str) -> Any:
        """Print one sentence without the usage, which --help has, and leave with status 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")

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
        self.origin = self

    def but(self, **settings: Any) -> "Option":
        """Return the same option with some settings of its own; its meaning stays, as does its origin."""
        option = Option(*self.names, **{**self.settings, **settings})
        option.origin = self.origin
        return option

    def add_to(self, parser: Any) -> list[argparse.Action]:
        """Add the option to a parser or a group of one; return what parses it."""
        settings = dict(self.settings)
        named: Callable[[], list[str]] | None = settings.pop("complete", None)
        action = parser.add_argument(*self.names, **settings)
        action.declared = self.origin  # one meaning a flag: tests/cli/test_help.py
        completer = values.completer(named, action.metavar)
        if completer is not None:
            action.completer = completer
        return [action]


class RenamedOption(Option):
    """An option of an earlier version, which prints what takes its place and exits with 2."""

    def __init__(self, *names: str, now: str) -> None:
        super().__init__(*names, action=_Renamed, now=now, help=argparse.SUPPRESS)


class _Renamed(argparse.Action):
    def __init__(self, *given: Any, now: str, **settings: Any) -> None:
        super().__init__(*given, **(settings | {"nargs": "?"}))
        self.now = now

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        parser.error(f"{given[-1]} is now: {self.now}")


class OptionGroup:
    """Options under a title of their own."""

    def __init__(self, title: str, *options: Option) -> None:
        self.title, self.options = title, options

    def add_to(self, parser: Any) -> list[argparse.Action]:
        """Add the group to a parser; return what parses its options."""
        group = parser.add_argument_group(self.title)
        return [action for option in self.options for action in option.add_to(group)]


class OptionPage(OptionGroup):
    """Options that --help leaves to a page of their own, which ``flag`` prints."""

    def __init__(self, flag: str, title: str, *options: Option) -> None:
        super().__init__(title, *options)
        self.flag = flag

    def without(self, *names: str) -> "OptionPage":
        """Return the page without some options."""
        left = (option for option in self.options if not set(names) & set(option.names))
        return OptionPage(self.flag, self.title, *left)

    def add_to(self, parser: Any) -> list[argparse.Action]:
        """Add the options and the flag to a parser; return what parses them."""
        actions = super().add_to(parser)
        parser.pages = (*parser.pages, self)
        flag = parser.add_argument(self.flag, action=_PrintPage, page=self, help=f"print the {self.title}")
        return [*actions, flag]


class _PrintPage(argparse.Action):
    def __init__(self, *given: Any, page: OptionPage, **settings: Any) -> None:
        super().__init__(*given, **(settings | {"nargs": 0}))
        self.page = page

    def __call__(self, parser: Any, *_: Any) -> None:
        print(parser.format_page(self.page), end="")
        parser.exit(0)


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
DATASHEET = Option(
    "--datasheet",
    type=Path,
    metavar="SHEET.html",
    help="data sheet of a card (levels, times to switch, retention, noise, validation), or report of "
    "measurements (card, validation, simulation, what to measure next); one page",
)
FORCE = Option("--force", action="store_true", help="replace an existing file")
FORCE_PICTURE = FORCE.but(help="replace an existing picture")
SEED = Option("--seed", type=int, metavar="N", help="seed instead of that in the file")
RESUME = Option("--resume", action="store_true", help="go on from the last checkpoint")
PHASE = Option(
    "--phase", metavar="NAME", help="phase of a result (default: the last one at constant voltage)"
)
MEMBERS = Option("--members", type=values.members, metavar="N", help="devices")
MEMBER_LIMIT = Option(
    "--member-limit",
    type=values.seconds,
    metavar="TIME",
    help="longest time of one member (default: no limit)",
)
CYCLES = Option("--cycles", type=values.positive, metavar="N", help="cycles of each device")
FEATURES = Option("--features", metavar="NAMES", help="variables of cycles, such as hrs,lrs")
SCRATCH = Option("--scratch", metavar="DIR", help="folder on a disk of each node for checkpoints")
READ_VOLTAGE = Option(
    "--read-voltage", metavar="VOLTAGE", help="at which resistances are taken, such as '0.1 V'"
)
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
    commands: Any,
    name: str,
    command: Command,
    text: str,
    example: str,
    *options: Option | OptionGroup,
    about: str = "",
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
    about : str
        More sentences for --help of the command; the list of commands has the text alone.
    """
    parser: Parser = commands.add_parser(
        name,
        help=text,
        description=textwrap.fill(f"{text[:1].upper()}{text[1:]}. {about}".strip(), 80),
        epilog=f"example:\n  {example}",
        formatter_class=_Formatter,
    )
    parser.text = text
    parser.set_defaults(command=command)
    actions = [action for option in options for action in option.add_to(parser)]
    parser.usage = " ".join(["%(prog)s [options]", *_needed(actions)])
    return parser


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Writes "-o, --output FILE" with the value once."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


def _needed(actions: Sequence[argparse.Action]) -> Iterator[str]:
    """Yield the words that a command cannot do without, and its arguments."""
    for action in actions:
        name = action.metavar or action.dest.upper()
        if action.option_strings and action.required:
            yield f"{action.option_strings[-1]} {name}"
    for action in actions:
        name = str(action.metavar or action.dest.upper())
        if not action.option_strings:
            yield {"?": f"[{name}]", "+": f"{name} ..."}.get(str(action.nargs), name)


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


def check_page(path: Path, force: bool) -> None:
    """Raise an error now rather than after the work if a page could not be written."""
    from ..data import store

    if path.suffix.lower() != ".html":
        raise UsageError(f"a data sheet must end in .html, got {str(path)!r}")
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
