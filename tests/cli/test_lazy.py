"""The module of a command is imported where that command runs; the table of commands is right."""

import argparse
import importlib
import subprocess
import sys

import pytest

from frenkel.cli import main as cli


@pytest.mark.parametrize("module", cli.COMMANDS)
def test_the_table_has_the_commands_of_a_module(module):
    commands = argparse.ArgumentParser().add_subparsers()
    importlib.import_module(module, "frenkel.cli").add_commands(commands)
    assert tuple(commands.choices) == cli.COMMANDS[module]


def test_a_command_imports_no_other_one():
    code = (
        "import sys; from frenkel.cli.main import main\n"
        "try: main(['materials', '--help'])\n"
        "except SystemExit: pass\n"
        "print(*(name for name in sys.modules if name.startswith('frenkel.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.rpartition(".")[2] for name in done.stdout.splitlines()[-1].split()}
    assert loaded & {name.removeprefix(".") for name in cli.COMMANDS} == {"materials"}
