"""What `import frenkel` offers: its public names, and the parts of the package."""

import inspect
import subprocess
import sys

import pytest

import frenkel as fk


def test_a_tab_lists_what_there_is_and_nothing_else():
    """Every name listed can be had, and is a public name or a part of the package."""
    listed = dir(fk)
    assert set(fk.__all__) <= set(listed) and "open" in listed
    assert not [name for name in listed if name.startswith("_") and name != "__version__"]
    for name in listed:
        found = getattr(fk, name)
        assert name in {*fk.__all__, "open"} or inspect.ismodule(found), name


def test_parts_are_found_without_an_import_of_their_own():
    """In a Python of its own, in which nothing has imported them; `array` has no `__init__`."""
    parts = sorted(set(dir(fk)) - {*fk.__all__, "open"})
    code = f"import frenkel; print(*(getattr(frenkel, name).__name__ for name in {parts}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"frenkel.{name}" for name in parts] and "array" in parts


def test_a_name_that_there_is_not_is_told_with_the_nearest():
    """Python writes "Did you mean" from the name and the object that the error carries."""
    with pytest.raises(AttributeError, match=r"there is no frenkel\.Devise") as raised:
        fk.Devise  # noqa: B018
    assert raised.value.name == "Devise" and "Device" in dir(raised.value.obj)


def test_the_parser_loads_no_large_library():
    code = "import sys; from frenkel.cli import main; main.parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "scipy", "xarray", "pydantic", "rich", "ase"} & set(done.stdout.split())
