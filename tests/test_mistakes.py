"""Mistakes of a user end in one sentence or in a right result: no traceback, library warning or silence.

The mistakes are data, `mistakes.toml`. A sentence is an error of ours, or one warning of ours beside a
result.
"""

import ast
import contextlib
import io
import json
import shlex
import sys
import tomllib
import traceback
import warnings
from pathlib import Path

import pytest

import frenkel as fk
from frenkel.cells.card import Card
from frenkel.cells.files import checksum, read
from frenkel.cli.main import main

HERE = Path(__file__).parent
GROUPS = tomllib.loads((HERE / "mistakes.toml").read_text())
MISTAKES = [(group, entry) for group, entries in GROUPS.items() for entry in entries]

DEVICE = """
material = "HfO2-volatile"
seed = 5
[device]
thickness = "2.6 nm"
width = "1.56 nm"
[[phase]]
kind = "form"
amplitude = "0.5 V"
rate = "1 MV/s"
compliance = "10 uA"
samples = 20
"""
ARRAY = """
seed = 1
[array]
word_lines = 4
bit_lines = 4
[cells]
kind = "linear"
lrs = "10 kohm"
hrs = "1 Mohm"
[[phase]]
kind = "map"
voltage = "0.2 V"
"""


def judged(name, passed):
    """Return the data of the packaged card of the cycles of HfO2 under a name, its gate as given."""
    data = dict(read("mos2-au"))
    row = {"statistic": "median hrs", "value": 0.4, "floor": 0.1, "limit": 0.2, "passed": False}
    data |= {"name": name, "gate": [] if passed is None else [row]}
    data.pop("checksum")
    return data | {"checksum": checksum(data)}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Return a folder with the files that a user has beside a mistake."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "device.toml").write_text(DEVICE)
    (folder / "failed.card.json").write_text(json.dumps(judged("failed", False)))
    (folder / "unjudged.card.json").write_text(json.dumps(judged("unjudged", None)))
    with contextlib.redirect_stdout(io.StringIO()):
        run = f"run {folder / 'device.toml'} -q -o {folder}"
        assert main(shlex.split(f"{run}/run.nc")) == 0
        assert main(shlex.split(f"{run}/ensemble.nc --members 2 --engine serial")) == 0
    return folder


class Outcome:
    """What a mistake ended in.

    Parameters
    ----------
    sentences : list of str
        Errors and warnings of ours.
    faults : list of str
        What no user should see.
    out : str
        Printed text.
    value : object
        Last value of the code.
    """

    def __init__(self):
        self.sentences, self.faults, self.out, self.value = [], [], "", None

    def of_warnings(self, caught):
        for one in caught:
            ours = one.category is UserWarning or one.category.__module__.startswith("frenkel")
            if str(one.message).startswith("card hfo2 failed 1 of "):
                continue  # the packaged card says so whenever it is loaded (docs/compact.md)
            if ours and "site-packages" not in one.filename:
                self.sentences.append(str(one.message))
            else:
                self.faults.append(f"a library warns: {one.category.__name__}: {one.message}")


def commanded(line):
    """Return the outcome of a command."""
    done, out, err = Outcome(), io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                status = main(shlex.split(line))
            except SystemExit as leaving:
                status = leaving.code
    done.of_warnings(caught)
    done.out = out.getvalue()
    # Usage of argparse is its own block, above the sentence.
    said = [one for one in err.getvalue().splitlines() if one.startswith("frenkel")]
    other = [one for one in err.getvalue().splitlines() if "Traceback" in one or "Warning" in one]
    if status not in (0, 1, 2):
        done.faults.append(f"exit status {status}")
    if other or any("internal error" in one for one in said):
        done.faults.append(f"no sentence: {err.getvalue().strip()}")
    if status and len(said) != 1:
        done.faults.append(f"exit status {status} and {len(said)} sentences: {err.getvalue().strip()}")
    done.sentences += [one.split(": ", 1)[1] for one in said]
    # A warning that a report prints among its lines is one, too.
    done.sentences += [one for one in done.out.splitlines() if one.startswith("warning")]
    return done


def executed(code):
    """Return the outcome of a script."""
    done, names = Outcome(), {"fk": fk}
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(tree, "script.py", "exec"), names)
            if last is not None:
                done.value = eval(compile(ast.Expression(last.value), "script.py", "eval"), names)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1].filename
            text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
            modules = [one for name, one in sys.modules.items() if name.startswith("frenkel")]
            ours = {getattr(one, "__file__", "") for one in modules}
            if place not in ours and not Path(place).suffix == ".pyx":
                done.faults.append(f"{type(error).__name__} of {Path(place).name}: {text}")
            elif isinstance(error, ArithmeticError | AssertionError | AttributeError | IndexError):
                done.faults.append(f"{type(error).__name__}: {text}")
            done.sentences.append(text)
    done.of_warnings(caught)
    return done


def carried_out(group, entry, folder):
    """Return the outcome of a mistake in a folder."""
    if "code" in entry:
        return executed(entry["code"])
    if group in ("configuration", "arrays", "population"):
        (folder / "mistake.toml").write_text(entry.get("text", ARRAY if group == "arrays" else DEVICE))
        line = entry.get("command", "check mistake.toml")
        return commanded(shlex.join([*shlex.split(line), *changed(entry)]))
    file = folder / entry.get("file", "device.csv")
    if "text" in entry:
        file.write_text(entry["text"].removeprefix("\n"))
    return commanded(entry.get("command", f"read {file.name} -o chip.nc"))


def changed(entry):
    """Return the changes of the file of an entry as options."""
    for change in entry.get("change", []):
        key, _, value = change.partition(" = ")
        yield from ("--set", f"{key}={value.strip(chr(34))}")


@pytest.mark.parametrize(("group", "entry"), MISTAKES, ids=[f"{g}: {e['mistake']}" for g, e in MISTAKES])
def test_a_mistake_ends_in_one_sentence_or_a_right_result(group, entry, given, tmp_path, monkeypatch):
    monkeypatch.delenv("FRENKEL_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    for file in given.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    done = carried_out(group, entry, tmp_path)
    assert not done.faults, done.faults
    if not done.sentences:
        files = {path.name for path in tmp_path.iterdir()}
        assert "right" in entry, f"silence: {done.out[-500:]} {done.value}"
        assert eval(entry["right"], {"value": done.value, "out": done.out, "files": files})
        return
    assert len(done.sentences) == 1, done.sentences
    (sentence,) = done.sentences
    assert "\n" not in sentence and len(sentence.split()) > 2, sentence
    for name in entry["names"]:
        assert name.lower() in sentence.lower(), sentence


def test_the_card_without_its_mistake_loads(given):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Card.load("mos2-au").gate
