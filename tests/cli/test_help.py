"""--help: groups, one screen, one meaning a flag; exit statuses; names of commands and options that moved."""

import argparse
import collections
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from frenkel.cli import main as cli
from frenkel.cli.common import Option, Terminated, add
from frenkel.data import store

SCREEN = 40
"""Lines of 80 columns."""


def commands(parser, name="frenkel"):
    """Yield the names and parsers of all commands, and of what a command divides into."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from commands(below, f"{name} {word}")


PARSERS = dict(commands(cli.parser()))


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_groups_hold_at_most_28_commands_each_once():
    names = [name for group in cli.GROUPS.values() for name in group]
    assert len(names) == len(set(names)) <= 28
    assert list(cli.GROUPS) == [
        "devices", "ensembles", "measurements", "compact models", "systems", "rare events", "other",
    ]  # fmt: skip


def test_help_lists_the_groups():
    lines = PARSERS["frenkel"].format_help().splitlines()
    for group, names in cli.GROUPS.items():
        first = next(number for number, line in enumerate(lines) if line.startswith(f"{group} "))
        assert [line[16:].split()[0] for line in lines[first : first + len(names)]] == list(names)
    assert max(map(len, lines)) <= 80 and len(lines) <= SCREEN


@pytest.mark.parametrize("name", PARSERS)
def test_help_of_a_command_is_one_screen(name):
    """Each page too that --help leaves out; its flag is in --help."""
    text = PARSERS[name].format_help()
    assert len(text.splitlines()) <= SCREEN
    assert text.count("usage:") == (name != "frenkel")
    for page in PARSERS[name].pages:
        options = PARSERS[name].format_page(page)
        assert page.flag in text and len(options.splitlines()) <= SCREEN
        for option in page.options:
            assert f"{option.names[0]} " in options and f"  {option.names[0]} " not in text


def ambiguous(parsers):
    """Return the flags that are declared more than once, each a meaning of its own."""
    declared = collections.defaultdict(dict)
    for name, parser in parsers.items():
        for action in parser._actions:
            for flag in action.option_strings:
                if hasattr(action, "declared") and action.help != argparse.SUPPRESS:
                    declared[flag].setdefault(id(action.declared), name)
    return {flag: list(names.values()) for flag, names in declared.items() if len(names) > 1}


def test_a_flag_has_one_meaning():
    assert not ambiguous(PARSERS)


def test_a_second_meaning_is_seen():
    twice = argparse.ArgumentParser().add_subparsers(parser_class=cli.Parser)
    for name in ("one", "two"):
        add(twice, name, print, "text", name, Option("--to", help="of its own"))
    assert ambiguous(twice.choices) == {"--to": ["one", "two"]}


def test_an_error_prints_no_usage(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["run"])
    assert left.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "frenkel run: error: the following arguments are required: FILE.toml"
    ]


@pytest.mark.parametrize("name", cli.RENAMED)
def test_an_old_name_prints_the_new_one(name, capsys):
    assert name not in cli.COMMANDS
    assert cli.main([name, "x"]) == 2
    told = capsys.readouterr().err
    assert told == f"frenkel: {name} is now: frenkel {cli.RENAMED[name]}\n"
    word, *more = cli.RENAMED[name].split()
    assert word in cli.COMMANDS or word in PARSERS["frenkel"]._option_string_actions
    flags = {flag for flag in more if flag.startswith("--")}
    assert not flags or flags <= PARSERS[f"frenkel {word}"]._option_string_actions.keys()


@pytest.mark.parametrize(
    ("words", "now"),
    [
        (["job", "x.toml", "--engine", "slurm"], "--engine is now: --scheduler"),
        (["calibrate", "x.toml", "--to", "y.nc"], "--to is now: the second argument, MEASURED"),
        (["barriers", "x.cif", "--to", "y.toml"], "--to is now: -o"),
        (["fit", "x.nc", "--ranks", "no"], "--ranks is now: --device-ranks"),
    ],
)
def test_an_old_option_prints_the_new_one(words, now, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert left.value.code == 2 and capsys.readouterr().err == f"frenkel {words[0]}: error: {now}\n"
    assert f"  {words[2]} " not in PARSERS[f"frenkel {words[0]}"].format_help()


def raising(error):
    def command(_):
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, 0),
        (store.StoreError("it exists already"), 1),
        (MemoryError(), 1),
        (ZeroDivisionError(), 1),
        (cli.UsageError("it cannot be meant"), 2),
        (KeyboardInterrupt(), 130),
        (Terminated(), 143),
    ],
)
def test_exit_statuses(monkeypatch, error, status):
    monkeypatch.delenv("FRENKEL_DEBUG", raising=False)
    from frenkel.cli import materials

    monkeypatch.setattr(materials, "_materials", raising(error) if error else lambda _: None)
    assert cli.main(["materials"]) == status


TINY = """
seed = 1
material = "HfO2-volatile"
device = {thickness = "2.6 nm", width = "1.56 nm"}
phase = [{kind = "set", amplitude = "0.1 V", rate = "1 MV/s", samples = 2}]
"""


def test_an_ensemble_that_is_stopped_ends_with_75(tmp_path, interruptible):
    """Its time is over before it has begun; the same command then ends with 0."""
    (tmp_path / "x.toml").write_text(TINY)
    words = ["run", "x.toml", "-o", "x.nc", "--members", "2", "--engine", "serial", "-q", "--no-isolation"]
    statuses = [
        subprocess.run([sys.executable, "-m", "frenkel", *words, *more], cwd=tmp_path, check=False,
                       capture_output=True, timeout=120).returncode
        for more in (["--time-limit", "0 s"], [])
    ]  # fmt: skip
    assert statuses == [75, 0]


def test_statuses_are_on_the_page_and_in_help():
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    for status in (0, 1, 2, 75, 128 + signal.SIGINT, 128 + signal.SIGTERM):
        assert re.search(rf"^\| {status} \|", page, re.M)
        assert re.search(rf"\b{status} ", PARSERS["frenkel"].format_help().partition("exit status")[2])
