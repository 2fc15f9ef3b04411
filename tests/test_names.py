"""What `import frenkel` offers: few names, and the parts of the package."""

import importlib
import inspect
import subprocess
import sys

import pytest

import frenkel as fk

MOST = 20


def test_there_are_few_names():
    assert len({*fk.__all__, "open"} - {"__version__"}) <= MOST


def test_a_tab_lists_what_there_is_and_nothing_else():
    """Every name listed can be had, and is a public name or a part of the package."""
    listed = dir(fk)
    assert set(fk.__all__) <= set(listed) and "open" in listed
    assert not [name for name in listed if name.startswith("_") and name != "__version__"]
    for name in listed:
        found = getattr(fk, name)
        assert name in {*fk.__all__, "open"} or inspect.ismodule(found), name


@pytest.mark.parametrize(("name", "part"), [
    ("analysis", "noise"), ("analysis.noise", "trace"), ("kinetic.engine", "engine"), ("array", "cells"),
    ("studies", "runner"),
])  # fmt: skip
def test_a_tab_lists_the_parts_of_a_package(name, part):
    """In a Python of its own, in which nothing has imported them; `array` has no `__init__`."""
    code = f"import frenkel; p = frenkel.{name}; print(*dir(p)); print(p.{part}.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    listed, found = done.stdout.splitlines()
    assert part in listed.split() and found == f"frenkel.{name}.{part}"
    assert not [one for one in listed.split() if one.startswith("_")]


def test_parts_are_found_after_an_import_of_one():
    """Python binds what is imported to the package without asking it."""
    code = "import frenkel.analysis.results.store as s, frenkel; print(*dir(frenkel.analysis))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "noise" in done.stdout.split()


def test_a_name_that_there_is_not_is_told_with_the_nearest():
    """Python writes "Did you mean" from the name and the object that the error carries."""
    with pytest.raises(AttributeError, match=r"there is no frenkel\.Devise") as raised:
        fk.Devise  # noqa: B018
    assert raised.value.name == "Devise" and "Device" in dir(raised.value.obj)
    with pytest.raises(AttributeError, match=r"there is no frenkel\.analysis\.nois"):
        fk.analysis.nois  # noqa: B018


def test_a_part_whose_library_is_missing_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "frenkel.networks.layers", raising=False)
    monkeypatch.delattr(fk.networks, "layers", raising=False)
    with pytest.raises(AttributeError, match=r"frenkel\.networks\.layers cannot be imported: .*PyTorch"):
        fk.networks.layers  # noqa: B018
    with pytest.raises(ImportError, match="PyTorch"):
        importlib.import_module("frenkel.networks.layers")
