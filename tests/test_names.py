"""What `import frenkel` offers: few names, and the parts of the package. What names inside it say."""

import ast
import inspect
import itertools
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import frenkel as fk

ROOT = Path(__file__).resolve().parents[1]
MOST = 20


EMPTY = frozenset("found told made known asked said one result res out tmp thing".split())
"""Names that do not say what a variable holds."""
MOST_EMPTY = 300

TWICE = {
    "Cells": "what an array asks of cells of one's own (docs/arrays.md), and the class in exported files",
    "Device": "the device of a user and the one that the engine runs, which it extends",
}
"""Class names that occur twice, each with its reason; at most eight."""
MOST_TWICE = 8

IMPORTS = (ast.Import, ast.ImportFrom)
PARTS = ("kinetic", "events", "array", "mpi_runs", "analysis", "src/frenkel", "applications")


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


def modules():
    """Yield path and syntax tree of every module of the package and of its applications, each once."""
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            if not any(parent.is_symlink() for parent in path.parents):
                yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def empty_names(tree):
    """Return the assignments to names that do not say what is held."""
    stores = (
        node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    return [f"{node.lineno} {node.id}" for node in stores if node.id in EMPTY]


def classes_by_name(trees):
    places = defaultdict(list)
    for path, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path))
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def bare_imports(tree, lines):
    """Return the first lines of groups of imports inside functions that have no comment."""
    bare = []
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for block in blocks(function):
            for is_import, group in itertools.groupby(block, lambda node: isinstance(node, IMPORTS)):
                imports = list(group)
                first, last = imports[0].lineno, imports[-1].end_lineno
                commented = "#" in "".join(lines[first - 1 : last]) or lines[first - 2].lstrip().startswith(
                    "#"
                )
                if is_import and not commented:
                    bare.append(first)
    return sorted(set(bare))


def blocks(function):
    """Yield the lists of statements of a function, those of functions and classes inside it apart."""
    todo = [function]
    while todo:
        node = todo.pop()
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield value
        todo += [
            child
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))
        ]


def test_names_say_what_is_held():
    empty = {str(path): names for path, tree in modules() if (names := empty_names(tree))}
    assert sum(map(len, empty.values())) <= MOST_EMPTY, empty


def test_a_class_has_a_name_of_its_own():
    assert len(TWICE) <= MOST_TWICE
    assert classes_by_name(modules()).keys() == TWICE.keys()


def test_an_import_inside_a_function_says_what_it_keeps_from_loading():
    """A comment at the import, or one for a whole module of the command line."""
    bare = {
        str(path): rows
        for path, tree in modules()
        if not kept_from_loading(path)
        and (rows := bare_imports(tree, (ROOT / path).read_text(encoding="utf-8").splitlines()))
    }
    assert not bare


def kept_from_loading(path):
    """Return the libraries that a module of the command line says to keep from loading."""
    text = (ROOT / path).read_text(encoding="utf-8") if "cli" in path.parts else ""
    kept = re.search(r"^# Imports inside functions keep ([\w., ]+) from loading", text, re.MULTILINE)
    return re.findall(r"[\w.]+", kept[1].replace(" and ", " ")) if kept else []


def test_help_loads_none_of_what_imports_inside_functions_keep_from_loading():
    code = "import sys; from frenkel.cli import main; main.parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept = {name for path, _ in modules() for name in kept_from_loading(path)}
    assert {"numpy", "xarray"} <= kept and not kept & set(done.stdout.split())


def test_planted_names_are_seen():
    planted = """
def f(rows):
    import json
    from math import pi  # kept

    found = [one for one in rows]
    if found:
        import csv

        for thing in rows:
            self.made, tmp = thing, csv
class Card:
    pass
"""
    tree = ast.parse(planted)
    assert sorted(empty_names(tree)) == ["10 thing", "11 tmp", "6 found", "6 one"]
    assert classes_by_name([("a.py", tree), ("b.py", tree)]) == {"Card": ["a.py", "b.py"]}
    assert bare_imports(tree, planted.splitlines()) == [8]
