"""The module of a command is imported where that command runs; the table of commands is right."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from frenkel.cli import main as cli


@pytest.mark.parametrize("module", sorted(set(cli.COMMANDS.values())))
def test_the_table_has_the_commands_of_a_module(module):
    commands = cli.Parser().add_subparsers()
    importlib.import_module(module, "frenkel.cli").add_commands(commands)
    assert set(commands.choices) == {name for name, known in cli.COMMANDS.items() if known == module}


def test_a_command_imports_no_other_one():
    code = (
        "import sys; from frenkel.cli.main import main\n"
        "try: main(['materials', '--help'])\n"
        "except SystemExit: pass\n"
        "print(*(name for name in sys.modules if name.startswith('frenkel.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.rpartition(".")[2] for name in done.stdout.splitlines()[-1].split()}
    assert loaded & {name.removeprefix(".") for name in cli.COMMANDS.values()} == {"materials"}


EXAMPLES = Path(__file__).parents[2] / "examples"
HEAVY = ("xarray", "pandas", "matplotlib", "scipy.sparse", "scipy.linalg", "scipy.optimize", "simpy", "pint")
"""What takes tenths of a second and hundreds of files each."""

ONE_MEMBER = """
    material = "HfO2-volatile"
    seed = 1
    device = {thickness = "2.6 nm", width = "2.6 nm"}
    [[phase]]
    kind = "set"
    amplitude = "0.1 V"
    rate = "1 MV/s"
    samples = 2
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lazy")
    (folder / "one.toml").write_text(ONE_MEMBER)
    command = [
        "run",
        folder / "one.toml",
        "-o",
        folder / "one.nc",
        "--members",
        "1",
        "--engine",
        "serial",
        "-q",
    ]
    subprocess.run([sys.executable, "-m", "frenkel", *command], capture_output=True, check=True)
    return str(folder / "one.nc")


@pytest.mark.parametrize(
    "command",
    [
        ["check", f"{EXAMPLES / 'switching.toml'}"],
        ["check", f"{EXAMPLES / 'array_passive.toml'}"],
        ["status", "FILE"],
        ["status", "FILE", "--log"],
        ["hash", "FILE"],
        ["plan", "--members", "100", "--ranks", "10", "--mean", "1 s"],
        ["materials"],
        ["materials", "HfO2-fast"],
    ],
    ids=lambda command: " ".join(Path(word).name for word in command[:2]),
)
def test_a_command_that_draws_nothing_loads_nothing_heavy(command, finished):
    code = (
        "import sys; from frenkel.cli.main import main\n"
        "status = main(sys.argv[1:])\n"
        f"print('\\n', status, *(name for name in {HEAVY} if name in sys.modules))"
    )
    words = [finished if word == "FILE" else word for word in command]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "0"
