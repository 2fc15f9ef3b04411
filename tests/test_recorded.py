"""The plugin that compares what tests hold with what was recorded: it sees a value that no test asserts."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import recorded
import xarray as xr

CONFTEST = """
import pathlib
import recorded
from recorded import pytest_addoption, pytest_configure
recorded.TESTS = pathlib.Path(__file__).parent
recorded.FOLDER = recorded.TESTS / "recorded"
"""
TEST = """
import numbers_of


def test_one(tmp_path):
    side = numbers_of.square(3.0)
    (tmp_path / "a.txt").write_text(f"area {numbers_of.area()} m^2")
    assert side > 0 and numbers_of.square(2.0) > 1
"""
MODULE = """
def square(x):
    return x * x


def area():
    return 2.5
"""


def values(**variables):
    found = recorded.Values([])
    for name, value in variables.items():
        found.take(name, value)
    return found


def is_seen(one, other):
    """Whether one of the values of two objects differs."""
    before, after = values(a=one), values(a=other)
    assert before.keys() == after.keys()
    return not all(recorded.alike(before[name], after[name]) for name in before)


@dataclass
class Pair:
    low: float
    high: float


ROW = np.linspace(1.0, 2.0, 7)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1.0, 1.001),
        (2, 3),
        (True, False),
        (ROW, ROW[::-1]),
        (ROW, np.where(np.arange(7) == 3, 1.501, ROW)),
        (ROW, -ROW),
        ({"a": [1.0, 2.0]}, {"a": [2.0, 1.0]}),
        (Pair(1.0, 2.0), Pair(2.0, 1.0)),
        (xr.Dataset({"x": ("t", ROW)}), xr.Dataset({"x": ("t", ROW**2)})),
        ("0.5 V at 3 s", "0.6 V at 3 s"),
        ("0.5 V", "0.5 A"),
        ([Pair(1.0, 2.0)], [Pair(1.0, 3.0)]),
    ],
)
def test_another_value_is_seen(one, other):
    assert is_seen(one, other) and not is_seen(one, one)


def test_rounding_and_what_changes_with_the_machine_is_not_seen():
    assert not is_seen(ROW, ROW * (1 + 1e-7)) and not is_seen(ROW - ROW.mean(), ROW - ROW.mean() + 1e-14)
    assert values(provenance={"commit": "1"}, git="2") == {}
    assert values(text="made by 0123abcdef")["text"] == "made by HASH"


def test_figures_are_seen_with_their_words_lines_and_maps():
    from matplotlib.figure import Figure

    def figure(**changes):
        given = {"y": ROW, "label": "V", "scale": "linear", "map": ROW.reshape(1, 7)} | changes
        made = Figure()
        left, right = made.subplots(1, 2)
        left.plot(np.arange(7), given["y"])
        left.set(xlabel=given["label"], yscale=given["scale"])
        right.imshow(given["map"])
        return made

    assert not is_seen(figure(), figure())
    changes = ({"y": 2 * ROW}, {"label": "A"}, {"scale": "log"}, {"map": ROW[::-1].reshape(1, 7)})
    assert all(is_seen(figure(), figure(**change)) for change in changes)


def test_a_test_fails_where_what_it_holds_is_not_as_recorded(tmp_path):
    """Recorded, passed; then a variable and a file that it does not look at change, and its own text."""
    for name, text in (("conftest", CONFTEST), ("test_a", TEST), ("numbers_of", MODULE)):
        (tmp_path / f"{name}.py").write_text(text)
    folders = os.pathsep.join([str(tmp_path), str(Path(recorded.__file__).parent)])

    def run(*words, **more):
        env = os.environ | {"PYTHONPATH": folders, "PYTHONDONTWRITEBYTECODE": "1"} | more
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_a.py", *words]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout

    assert run("--record")[0] == run("--record", RECORD_BACKWARDS="1")[0] == run()[0] == 0
    (tmp_path / "numbers_of.py").write_text(MODULE.replace("x * x", "x + x + 0.5").replace("2.5", "2.6"))
    code, text = run()
    assert code == 1 and "side was [9.0] and is [6.5]" in text
    assert f"recorded.py {tmp_path.name}/test_a.py takes it" in text
    assert "square() 3 was [4.0] and is [4.5]" in text
    assert "file a.txt# was [2.5, 2.0] and is [2.6, 2.0]" in text
    (tmp_path / "test_a.py").write_text(TEST.replace("side > 0", "side != 0"))
    assert run()[0] == 0
