"""Modules are found with few calls to the file system, and as Python finds them."""

import importlib
import json
import subprocess
import sys
import zipfile
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from frenkel import imports
from frenkel.configuration import reader
from frenkel.experiment.ensemble import Ensemble

ROOT = Path(__file__).parents[1]

COUNTED = """
import os, posix, sys
calls = 0
def count(event, arguments):
    global calls
    calls += event in ("open", "os.listdir", "os.scandir")
def counted(function):
    def call(*arguments, **named):
        global calls
        calls += 1
        return function(*arguments, **named)
    return call
for module in (os, posix):
    for name in ("stat", "lstat", "readlink"):
        setattr(module, name, counted(getattr(module, name)))
sys.addaudithook(count)
def limited(most, loaded):
    got = calls
    heavy = sorted(name for name in loaded if name in sys.modules)
    assert got <= most and not heavy, (got, heavy)
"""
"""Counts what Python itself opens, lists and looks up; shared libraries come on top."""


@pytest.fixture
def finder(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    imports.index_folders()
    return next(one for one in sys.meta_path if isinstance(one, imports.FolderIndex))


@pytest.mark.parametrize(
    "name",
    [
        "json",
        "json.decoder",
        "numpy",
        "numpy.linalg._umath_linalg",
        "frenkel.units",
        "frenkel.kinetic",
        "frenkel.kinetic._loop",
        "scipy.linalg.cython_blas",
    ],
)
def test_a_module_is_where_python_finds_it(name, finder):
    package = name.rpartition(".")[0]
    path = list(importlib.import_module(package).__path__) if package else None
    ours, its = finder.find_spec(name, path), PathFinder.find_spec(name, path)
    assert (ours.origin, ours.cached, ours.submodule_search_locations) == (
        its.origin, its.cached, its.submodule_search_locations
    )  # fmt: skip
    assert isinstance(ours.loader, type(its.loader))


def test_python_finds_what_was_written_since(tmp_path, monkeypatch, finder):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    assert finder.find_spec("written_since") is None
    (tmp_path / "written_since.py").write_text("number = 3\n")
    try:
        PathFinder.invalidate_caches()  # which sees the time of the folder in whole ticks
        assert importlib.import_module("written_since").number == 3
    finally:
        sys.modules.pop("written_since", None)
    finder.invalidate_caches()
    assert finder.find_spec("written_since").origin == str(tmp_path / "written_since.py")


def test_order_packages_and_folders_without_a_module(tmp_path, finder):
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "alone").mkdir(parents=True)  # a namespace: what comes later on the path is taken before it
    (second / "alone").mkdir(parents=True)
    (second / "alone" / "__init__.py").write_text("")
    (second / "twice.py").write_text("")
    (first / "twice.py").write_text("")
    (first / "plain").write_text("no folder")
    (second / "plain.py").write_text("")
    path = [str(first), str(second)]
    assert finder.find_spec("alone", path).origin == str(second / "alone" / "__init__.py")
    assert finder.find_spec("twice", path).origin == str(first / "twice.py")
    assert finder.find_spec("plain", path).origin == str(second / "plain.py")
    assert finder.find_spec("alone", path[:1]) is None


def test_what_is_in_a_zip_file_is_left_to_python(tmp_path, finder):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("both.py", "")
    (tmp_path / "both.py").write_text("")
    path = [str(tmp_path / "packed.zip"), str(tmp_path)]
    assert finder.find_spec("both", path) is None
    assert finder.find_spec("both", path[1:]) is not None
    assert finder.find_spec("both", [str(tmp_path / "none"), str(tmp_path)]) is not None


def test_a_long_file_is_read_whole(tmp_path):
    text = "#" * (3 * imports.BLOCK) + "\n"
    for length in (0, 5, imports.BLOCK, imports.BLOCK + 1, 2 * imports.BLOCK, len(text)):
        path = tmp_path / f"m{length}.py"
        path.write_text(text[:length])
        assert imports.ModuleLoader("m", str(path)).get_data(str(path)) == text[:length].encode()


def counted(code, *words):
    done = subprocess.run(
        [sys.executable, "-P", "-c", COUNTED + code, *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(("command", "most"), [(["check", "switching.toml"], 2000), (["materials"], 1500)])
def test_a_command_makes_few_file_calls(command, most):
    words = [str(ROOT / "examples" / word) if word.endswith(".toml") else word for word in command]
    code = f"""
from frenkel.__main__ import main
assert main() == 0
limited({most}, ["xarray", "pandas"])
"""
    counted(code, *words)


def test_a_run_of_one_device_makes_few_file_calls(tmp_path):
    """Its file, its caption and its hash among them; what git is asked in a clone is not counted."""
    code = """
plugins = []
sys.addaudithook(
    lambda event, of: plugins.append(of) if event == "open" and "entry_points.txt" in str(of[0]) else None
)
from frenkel.__main__ import main
assert main() == 0 and not plugins
limited(1800, ["xarray", "pandas", "dask", "scipy.sparse", "scipy.special", "matplotlib"])
"""
    words = ["run", str(ROOT / "examples" / "set_pulse.toml"), "-o", str(tmp_path / "pulse.nc"), "--quiet"]
    counted(code, *words)


def test_a_rank_that_serves_makes_few_file_calls():
    code = """
from frenkel.imports import index_folders
index_folders()
from frenkel.cli.main import parser
parser("run").parse_args(["run", "some.toml", "--members", "1000"])
import frenkel.mpi_runs.launch, frenkel.mpi_runs.worker
limited(600, ["xarray", "pandas", "numpy", "pydantic", "scipy"])
"""
    counted(code)


def test_a_member_makes_few_file_calls(tmp_path):
    points = (reader.read(ROOT / "examples" / "ensemble.toml"),)
    document = Ensemble(points=points, members=1).document()
    (tmp_path / "plan.json").write_text(json.dumps(document))
    code = """
import json
from pathlib import Path
from frenkel.imports import index_folders
index_folders()
from frenkel.threads import load_blas_alone, load_hashes_alone
load_hashes_alone()
load_blas_alone()
from frenkel.experiment import members
from frenkel.mpi_runs.child import Context
folder = Path(sys.argv[1])
members.prepare(json.loads((folder / "plan.json").read_text()))
limited(1700, ["xarray", "pandas", "pint"])
"""
    counted(code, str(tmp_path))
