"""The site of `make docs`: nothing is left out of its contents, and its notebooks are code that can run.

What needs Sphinx is skipped where it is missing; `make docs` installs it.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.md"))


def contents():
    """Return the pages that the site's contents name."""
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]


def cells(page):
    """Return the code cells of a notebook."""
    return re.findall(
        r"^```\{code-cell\}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_every_page_is_in_the_contents_once():
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")} - {"index"}
    named = contents()
    assert len(named) > 20 and sorted(named) == sorted(pages)


@pytest.mark.parametrize("page", NOTEBOOKS, ids=[page.stem for page in NOTEBOOKS])
def test_cells_of_notebooks_compile(page):
    found = cells(page)
    assert len(found) >= 3
    for number, code in enumerate(found):
        if code.startswith("%%"):
            # Without -e a command that fails would not end the build.
            assert code.startswith("%%bash -e\n"), code
        else:
            compile(code, f"{page.stem}, cell {number}", "exec")


def test_every_public_name_is_in_the_reference():
    import frenkel

    listed = re.findall(
        r"^\.\. auto(?:class|function|module):: frenkel\.(\w+)$",
        (DOCS / "api" / "index.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert sorted(listed) == sorted({*frenkel.__all__, "open"} - {"__version__", "plot"})


def test_pages_are_built_without_a_warning(tmp_path):
    """All but the execution of notebooks, which `make docs` does."""
    for library in ("furo", "ipykernel", "myst_nb", "sphinx"):
        pytest.importorskip(library, reason="Sphinx is not installed: make docs")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-D", "nb_execution_mode=off",
         # The language of a cell is told by the kernel that runs it.
         "-D", "suppress_warnings=myst-nb.lexer", "-b", "html", str(DOCS), str(tmp_path)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Device" in (tmp_path / "api" / "index.html").read_text(encoding="utf-8")
