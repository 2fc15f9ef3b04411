"""A shell that has loaded `frenkel --completion SHELL` completes commands, options, names and files."""

import os
import shutil
import subprocess
import sys

import pytest

from frenkel.cli import values
from frenkel.cli.main import main

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")

COMPLETE = """
eval "$(frenkel --completion bash)"
type _python_argcomplete > /dev/null || exit 9
while IFS= read -r line; do
    COMP_WORDS=($line); COMP_LINE="$line"; COMP_POINT=${#line}
    case "$line" in *' ') COMP_WORDS+=("");; esac
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
    _python_argcomplete frenkel "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
    echo "$line -> ${COMPREPLY[*]}"
done
"""


@pytest.fixture
def shell(tmp_path):
    """A folder with files, and a bash in it whose `frenkel` is this one."""
    for name in ("mine.toml", "run.nc", "notes.txt"):
        (tmp_path / name).touch()
    program = tmp_path / "bin" / "frenkel"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m frenkel "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = os.pathsep.join([str(program.parent), os.environ["PATH"]])

    def complete(*lines):
        done = subprocess.run(
            ["bash", "--norc", "-c", COMPLETE], cwd=tmp_path, env={**os.environ, "PATH": path},
            input="".join(f"{line}\n" for line in lines), capture_output=True, text=True, timeout=120,
            check=True,
        )  # fmt: skip
        found = dict(line.split(" -> ") for line in done.stdout.splitlines())
        return [set(found[line].split()) for line in lines]

    return complete


def test_bash_completes_a_line(shell):
    commands, materials, numbers, results, formats = shell(
        "frenkel ma", "frenkel materials HfO2-v", "frenkel run mine.toml --set vacancy.migration_b",
        "frenkel show ", "frenkel export hfo2 --to vaca",
    )  # fmt: skip
    assert commands == {"materials"}
    assert materials == {"HfO2-volatile"}
    assert numbers == {"vacancy.migration_barrier="}
    assert {"run.nc", "--plot"} <= results and not {"mine.toml", "notes.txt"} & results
    assert formats == {"vacask"}


def test_what_is_offered_is_what_there_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").touch()
    assert {"HfO2-volatile", "mine.toml"} <= set(values.materials())
    assert {"vacancy.migration_barrier=", "device.width=", "seed="} <= set(values.numbers())
    assert values.cards() == ["hfo2", "mos2-au"]


@pytest.mark.parametrize(("name", "words"), [
    ("bash", "complete -o nospace"), ("zsh", "compdef"), ("fish", "complete --command frenkel"),
])  # fmt: skip
def test_each_shell_gets_its_code(capsys, name, words):
    with pytest.raises(SystemExit) as left:
        main(["--completion", name])
    assert left.value.code == 0
    assert words in capsys.readouterr().out


def test_another_shell_is_refused(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--completion", "csh"])
    assert left.value.code == 2 and "there are: bash, zsh, fish" in capsys.readouterr().err
