"""Errors at lines drawn by chance: what can be planted at a line, who judges, and the table."""

import ast
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = '''"""Twice 3."""
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    X = 1 + 2
Pair = tuple[int, 3]
def f(a: list[4], b=5, *, c=True):
    """Of 6 + 7."""
    if a[0] > len(b):
        raise ValueError(f"{a - 8} is 9")
    é = g(-a, b, c=a[1:]) * 2.5 + min(a, b)  # not 10 < 11
    return f"é {1e9 * é:.3g} nm", (
        a is
        not b
    )
'''
CYTHON = '''"""Twice 3."""
cdef extern from "x.h":
    int N
cdef struct S:
    int a[4]
cdef double h(double* a, int i, int n) noexcept nogil:
    """Of 6 + 7."""
    cdef double* p = <double*> a
    cdef int k = n - 5
    if a[i] < <int>n and k > 2:  # not 8 + 9
        return -a[1] * sum_of(a, n)
    raise ValueError(f"{i} is not 12")
'''


@pytest.fixture(scope="module")
def mutants():
    sys.path.insert(0, str(ROOT / "tests" / "mutants"))
    import draw

    yield draw
    sys.path.pop(0)
    for name in ("draw", "errors", "judge", "lines_run", "plant"):
        sys.modules.pop(name, None)


def planted(mutants, name, text):
    """Return the changed pieces of a text by line: (kind, old, new)."""
    found = {}
    for one in mutants.errors.changes(name, text):
        found.setdefault(one.line, set()).add((one.kind, text[one.start : one.end], one.new))
    return found


def test_errors_of_python(mutants):
    found = planted(mutants, "x.py", PYTHON)
    assert sorted(found) == [6, 8, 10, 11, 12]
    assert found[6] == {("constant", "5", "6"), ("constant", "True", "False")}
    assert {("operator", ">", "<"), ("operator", ">", ">="), ("index", "0", "1")} <= found[8]
    assert ("guard", "a[0] > len(b)", "not (a[0] > len(b))") in found[8]
    expected = {
        ("sign", "-", ""), ("argument", "-a, b", "b, -a"), ("argument", ", c=a[1:]", ""), ("index", "1", "2"),
        ("operator", "*", "/"), ("operator", "+", "-"), ("constant", "2.5", "5.0"),
        ("operator", "min", "max"),
    }  # fmt: skip
    assert expected < found[10]
    assert {("constant", "1e9", "2000000000.0"), ("operator", "*", "/")} <= found[11]
    assert [kind for kind, *_ in found[12]] == ["operator"]
    for one in mutants.errors.changes("x.py", PYTHON):
        assert ast.dump(ast.parse(one.text(PYTHON))) != ast.dump(ast.parse(PYTHON))


def test_errors_of_cython(mutants):
    found = planted(mutants, "x.pyx", CYTHON)
    assert sorted(found) == [9, 10, 11]
    assert found[9] == {("operator", "-", "+"), ("constant", "5", "6")}
    assert {
        ("operator", "<", ">"),
        ("operator", "and", "or"),
        ("operator", ">", ">="),
        ("constant", "2", "3"),
    } <= found[10]
    assert {
        ("sign", "-", "+"),
        ("index", "1", "2"),
        ("argument", "a, n", "n, a"),
        ("operator", "*", "/"),
    } <= found[11]


def test_lines_of_a_statement(mutants):
    """A test that runs the first line of a statement judges an error on its third."""
    lines = {one.line: one.lines for one in mutants.errors.changes("x.py", PYTHON)}
    assert (lines[12], lines[8]) == (range(11, 15), range(8, 9))


def test_the_same_seed_draws_the_same_lines(mutants, monkeypatch):
    names = ["events/workload.py", "events/clock.py", "array/_columns.pyx", "src/frenkel/reports/sweep.py"]
    monkeypatch.setattr(mutants, "files", lambda: iter(names))
    first, again, other = (mutants.draw(seed, 12, 3) for seed in ("one", "one", "two"))
    assert [one.key for one in first] == [one.key for one in again] != [one.key for one in other]
    counts = [sum(one.package == name for one in first) for name in ("events", "array", "reports")]
    assert min(counts) >= 3 and len({(one.file, one.change.line) for one in first}) == len(first) >= 12
    assert [one.key for one in mutants.draw("one", 12, 0)] == [one.key for one in first[:12]]


def test_the_table_counts_by_package(mutants, monkeypatch):
    names = ["events/workload.py", "src/frenkel/reports/sweep.py"]
    monkeypatch.setattr(mutants, "files", lambda: iter(names))
    drawn = mutants.draw("one", 20, 0)
    words = ["seen", "overran", "survived", "does not build"]
    rows = {one.key: {"outcome": words[k % 4]} for k, one in enumerate(drawn)}
    monkeypatch.setattr(mutants, "listed", lambda: {(drawn[2].file, drawn[2].about): "changes nothing"})
    text, kept = mutants.table(drawn, rows, 20, "one")
    last = text.split("\n")[-1].split("|")
    assert [int(cell) for cell in last[2:7]] == [20, 5, 5, 4, 1] and last[7].strip() == "71%"
    assert not kept and "5 does not build" in text and "(practice)" in text
    seen = {one.key: {"outcome": "seen"} for one in drawn}
    assert mutants.table(drawn, seen, 20, "a" * 40)[1]
    del seen[drawn[0].key]
    assert not mutants.table(drawn, seen, 20, "a" * 40)[1]


def test_lines_are_found_again_after_a_change(mutants):
    numbers = mutants.lines_run._numbers("a\nb\nc\nd\n", "a\nnew\nb\nother\nd\n")
    assert numbers == {1: 1, 3: 2, 4: 3, 5: 4}


def test_listed_errors_are_of_files_that_there_are(mutants):
    for (file, error), reason in mutants.listed().items():
        assert (ROOT / file).exists() and error.partition(":")[0] in mutants.errors.KINDS and reason


def test_a_record_says_which_tests_run_a_line(mutants, tmp_path, monkeypatch):
    source = "events/clock.py"
    raw = {
        "tests": {"t.py::a": [2.0, True], "t.py::b": [0.1, True], "t.py::c": [0.5, False]},
        "sets": [None, [0, 1, 2], [0]], "lines": {source: {"0": [1], "1": [5], "2": [6]}},
        "children": {"events/workload.py": [3]}, "loaded": [],
        "sources": {source: mutants.lines_run.digest(ROOT / source),
                    "events/workload.py": mutants.lines_run.digest(ROOT / "events/workload.py")},
    }  # fmt: skip
    raw = json.loads(json.dumps(raw))
    one = mutants.lines_run.Record("t.py", {"t.py::a": 2.0, "t.py::b": 0.1}, 2.1, frozenset(), raw)
    assert one.of_line(source, 6) == ["t.py::a"]
    assert one.of_line(source, 5) == one.of_line(source, 1) == ["t.py::b", "t.py::a"]
    assert one.of_line(source, 7) == one.of_line("array/cross.py", 1) == []
    assert one.of_line("events/workload.py", 3) == ["t.py::a"]
    assert not one.imports_only(source) and one.imports_only("array/cross.py")
