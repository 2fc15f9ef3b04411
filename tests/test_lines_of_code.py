"""Lines of code: what counts, in Python and in Cython, and where."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("lines_of_code.py")
spec = importlib.util.spec_from_file_location("lines_of_code", SCRIPT)
lines_of_code = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lines_of_code)

PYTHON = '''"""Module."""

import math  # counts

# does not count
LIMIT = 3
"""Of something, over
two lines."""


class A:
    """Class."""

    def f(self):
        """Function,

        with more.
        """
        text = """counts

        three lines"""
        return (
            # does not count
            text
        )
'''

CYTHON = '''# cython: language_level=3
"""Module."""
from libc.math cimport exp


cdef class A:
    """Class,
    two lines."""

    cdef double x, y  # counts
    cdef double *rates

    cdef int f(self, double *p) except? -1 nogil:
        """Function."""
        return <int> p[0] and &self.x == self.rates
'''


@pytest.mark.parametrize(("text", "lines"), [(PYTHON, 10), (CYTHON, 6), ("", 0), ("# alone", 0), ("x", 1)])
def test_code_lines(text, lines):
    assert lines_of_code.code_lines(text) == lines


def test_report_counts_each_file_once(tmp_path):
    package = tmp_path / "src" / "frenkel"
    beside = ("tests", "validation", "applications/studies", "build")
    for name in ("src/frenkel/cells", "kinetic/fields", *beside):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "a.py").write_text(PYTHON)
        (folder / "a.md").write_text("three words here")
    (package / "kinetic").symlink_to("../../kinetic")
    (tmp_path / "kinetic" / "fields" / "a.pyx").write_text(CYTHON)
    lines = list(lines_of_code.report(tmp_path))
    rows = {line.split("  ")[0]: line.split() for line in lines}
    assert rows["kinetic"][1:] == ["10", "6", "16"]
    assert rows["package"][1:] == ["20", "6", "26"]
    assert rows["tests"][1:] == ["10", "0", "10"] and "src" not in rows and "build" not in rows
    assert rows["with applications"][2:] == ["30", "6", "36"]
    whole = PYTHON.count("\n") * 2
    assert lines[-2] == f"\nlines of tests and validation, comments and blank ones too: {whole}"
    assert lines[-1].endswith(": 15")
