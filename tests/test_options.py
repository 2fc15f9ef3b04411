"""Every parameter with a default is given by somebody, or stands in a list with the reason why it stays.

Callers are looked for by name alone, in the package, tests, pages, examples and benchmarks: two functions of
one name hide each other, so that what is reported here is certain and what is not may still be there. Fields
of dataclasses are left out: theirs may be numbers of a state that begins at its defaults.
"""

import ast
import collections
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ("kinetic", "events", "array", "mpi_runs", "analysis", "applications", "src/frenkel")
LINKED = {"kinetic", "events", "array", "mpi_runs", "analysis", "examples"}

PANEL = "a panel of frenkel.plot: users give what others of its kind take"
CARD = "method of frenkel.Card: users sample outside of the box, or at another temperature"
TORCH = "a layer of PyTorch, for the models of users"
XARRAY = "xarray calls it"
KEPT = {
    ("analysis/plots/paper.py", "cdf", "colour"): PANEL,
    ("analysis/plots/paper.py", "filament", "colour"): PANEL,
    ("analysis/plots/paper.py", "iv", "colour"): PANEL,
    ("analysis/plots/paper.py", "iv", "label"): PANEL,
    ("analysis/plots/paper.py", "rtn", "colour"): PANEL,
    ("analysis/plots/paper.py", "population", "ax"): PANEL,
    ("src/frenkel/data/index.py", "_replace", "coord_dtype"): XARRAY,
    ("src/frenkel/data/ragged.py", "concat", "positions"): XARRAY,
    ("kinetic/waveform.py", "train", "label"): "frenkel.Waveform: users name their phases",
    ("src/frenkel/cells/card.py", "rtn", "temperature"): CARD,
    ("src/frenkel/cells/card.py", "sample", "strict"): CARD,
    ("src/frenkel/imports.py", "find_spec", "target"): "Python's import system gives it",
    ("src/frenkel/networks/conversion.py", "convert", "seed"): TORCH,
    ("src/frenkel/networks/layers.py", "__init__", "mapping"): TORCH,
    ("src/frenkel/networks/layers.py", "__init__", "seed"): TORCH,
    ("src/frenkel/progress.py", "quiet", "what"): "stands for functions of one and of two arguments",
    ("src/frenkel/rare/sensitivity.py", "sensitivity", "by"): "documented; its command does without it",
    ("src/frenkel/rare/sensitivity.py", "sensitivity", "folder"): "documented; for relative names",
    ("src/frenkel/scripting/accessor.py", "to_ase", "electrodes"): "method of data.frenkel, for pictures",
}
"""{(file, function, parameter): why it is public}."""

pytestmark = pytest.mark.skipif(
    not (ROOT / "src" / "frenkel" / "kinetic").is_symlink(), reason="a source distribution has no links"
)


def own_files():
    """Yield the Python files of the package, each once."""
    for folder in PACKAGE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).parts
            if parts[0] != "src" or parts[2] not in LINKED:
                yield path


def other_sources():
    """Yield all other code that may call the package, as trees."""
    for folder in ("tests", "validation", "docs", "examples", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            yield ast.parse(path.read_text(encoding="utf-8"))
    fenced = re.compile(r"```+\S*(?:python|code-cell)[^\n]*\n(.*?)```", re.S)
    for path in (*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")):
        for block in fenced.findall(path.read_text(encoding="utf-8")):
            lines = [line for line in block.splitlines() if not line.startswith((":", "%", "!"))]
            try:
                yield ast.parse("\n".join(lines))
            except SyntaxError:
                continue
    # Cython is not Python: each call by itself, as far as it can be read.
    for folder in PACKAGE[:-1]:
        for path in (ROOT / folder).rglob("*.pyx"):
            for call in re.findall(r"[\w.]+\([^()]*\)", path.read_text(encoding="utf-8")):
                try:
                    yield ast.parse(call)
                except SyntaxError:
                    continue


def name_of(node):
    """Return the last part of a name, None of anything else."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


class Calls(ast.NodeVisitor):
    """All calls: {name: most positions} and {name: keywords}; a star gives any number, two stars all."""

    def __init__(self):
        self.most, self.words = collections.Counter(), collections.defaultdict(set)
        self.within = []

    def visit_ClassDef(self, node):
        self.within.append(node)
        self.generic_visit(node)
        self.within.pop()

    def visit_Call(self, node):
        self.generic_visit(node)
        name, arguments = name_of(node.func), node.args
        if name == "partial" and arguments:
            name, arguments = name_of(arguments[0]), arguments[1:]
        names = [name]
        if name == "cls" and self.within:
            names = [self.within[-1].name]
        if name == "__init__" and self.within:
            names = [name_of(base) for base in self.within[-1].bases]
        number = 99 if any(isinstance(one, ast.Starred) for one in arguments) else len(arguments)
        for name in names:
            self.most[name] = max(self.most[name], number)
            self.words[name] |= {one.arg or "**" for one in node.keywords}


def options(tree):
    """Yield (function, name that calls use, parameter, position) of each parameter that has a default."""
    for scope in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in scope.body:
            if not isinstance(node, ast.FunctionDef) or re.match("__(?!init__)", node.name):
                continue
            static = any(name_of(one) == "staticmethod" for one in node.decorator_list)
            bound = isinstance(scope, ast.ClassDef) and not static
            called = scope.name if node.name == "__init__" else node.name
            places = (node.args.posonlyargs + node.args.args)[bound:]
            first = len(places) - len(node.args.defaults)
            for place, one in enumerate(places[first:], first):
                yield node.name, called, one.arg, place
            for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                if default is not None:
                    yield node.name, called, one.arg, None


def statements(node):
    """Yield a node's statements, and theirs, without the expressions within."""
    for field in ("body", "orelse", "handlers", "finalbody", "cases"):
        for one in getattr(node, field, ()):
            yield one
            yield from statements(one)


def heirs_of(trees):
    """Return {class: those that inherit from it, however far}, by name."""
    below = collections.defaultdict(set)
    for tree in trees:
        for node in statements(tree):
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    below[name_of(base)].add(node.name)
    return below


def never_given(files, trees):
    """Return {(file, function, parameter)} of what no call gives."""
    calls, below, found = Calls(), heirs_of(files.values()), set()
    for tree in trees:
        calls.visit(tree)
    for path, tree in files.items():
        for function, called, parameter, place in options(tree):
            names, todo = set(), [called]
            while todo:
                names.add(name := todo.pop())
                todo += below[name] - names
            by_place = place is not None and any(calls.most[name] > place for name in names)
            if not by_place and not any({parameter, "**"} & calls.words[name] for name in names):
                found.add((path, function, parameter))
    return found


def test_every_option_is_given_by_somebody():
    files = {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in own_files()}
    found = never_given(files, [*files.values(), *other_sources()])
    assert sorted(found - set(KEPT)) == []
    assert sorted(set(KEPT) - found) == [], "given by somebody now: take it off the list"


def test_an_option_that_nobody_gives_is_found():
    code = """
class Wire:
    def __init__(self, width, height=2.0, *, depth=1.0): ...
    def cut(self, at=0.5, sharp=True): ...
class Line(Wire): ...
def draw(wire, colour="red", width=1.0): ...
"""
    calls = "Line(1.0, 2.0)\ndraw(w, width=2.0)\nw.cut(*where)\npartial(draw, w)"
    tree = ast.parse(code)
    assert never_given({"a.py": tree}, [tree, ast.parse(calls)]) == {
        ("a.py", "__init__", "depth"), ("a.py", "draw", "colour")
    }  # fmt: skip
