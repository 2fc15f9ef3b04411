"""The site of `make docs`: nothing is left out of its contents, and its notebooks are code that can run.

What needs Sphinx is skipped where it is missing; `make docs` installs it.
"""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
from site_pages import broken, build

from frenkel.kinetic.materials.material import Material

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
            assert code.startswith(("%%bash -e\n", "%%writefile ")), code
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


def test_names_in_notebooks_are_there():
    """Every name that a notebook imports from frenkel, or takes from `fk`, whatever moves."""
    import frenkel

    taken = 0
    for page in NOTEBOOKS:
        for code in (one for one in cells(page) if not one.startswith("%%")):
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "fk":
                    assert hasattr(frenkel, node.attr), f"{page.stem}: fk.{node.attr}"
                    taken += 1
                elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("frenkel"):
                    if node.module == "frenkel.networks.layers":  # needs PyTorch: make test-torch
                        continue
                    module = importlib.import_module(node.module)
                    for alias in node.names:
                        there = hasattr(module, alias.name) or importlib.util.find_spec(
                            f"{node.module}.{alias.name}"
                        )
                        assert there, f"{page.stem}: {node.module}.{alias.name}"
                        taken += 1
    assert taken > 30


def test_the_gallery_is_what_its_script_makes(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    gallery = __import__("gallery")
    made = gallery.PAGE.read_text(encoding="utf-8")
    assert gallery.page(made) == made and made.count("](#") == made.count("\n![") == 8


def test_pages_of_scripts_are_what_these_make(monkeypatch):
    """The page of materials with the signatures that it has, which `make verify` measures."""
    monkeypatch.syspath_prepend(str(DOCS))
    tables, bibliography = __import__("tables"), __import__("bibliography")
    monkeypatch.setattr(tables, "MEASURED", DOCS / "none.json")
    assert tables.page() == (DOCS / "materials.md").read_text(encoding="utf-8")
    assert bibliography.page() == bibliography.PAGE.read_text(encoding="utf-8")


def test_no_two_sets_are_the_same_but_for_labels(monkeypatch):
    """A set that equals another of its family, save for a name or a melting point, is refused."""
    monkeypatch.syspath_prepend(str(DOCS))
    tables = __import__("tables")
    sets = [Material.load(name) for name in Material.names()]
    same = tables.equal_sets(sets)
    assert not same, f"the same set under two names: {same}"
    gold = sets[Material.names().index("MoS2-Au")]
    copper = {"heat.melting_point": 1357.77, "heat.capacity": 3.4e6, "cation.migration_barrier": 0.25}
    labelled = Material(gold.with_values(copper).document(), "MoS2-labelled")
    assert tables.equal_sets([*sets, labelled]) == [("MoS2-Au", "MoS2-labelled")]
    hopping = labelled.with_mechanisms(["redox", "cation hop"])
    assert not tables.equal_sets([gold, hopping])
    warmer = Material(gold.with_values({"heat.conductivity": 2.5}).document(), "MoS2-warmer")
    assert not tables.equal_sets([gold, warmer])
    assert tables.differences(gold, warmer) == ["heat.conductivity 2 (2.5 W/(m*K))"]


def test_references_are_found_in_texts(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    identifiers = __import__("bibliography").identifiers
    text = "a (doi:10.1016/0031-3203(80)90066-7), (b 10.1063/1.3304167). arXiv:1709.04592; 10.1038/s4-x: c"
    found = ["10.1016/0031-3203(80)90066-7", "10.1063/1.3304167", "arXiv:1709.04592", "10.1038/s4-x"]
    assert [one for one, _ in identifiers(text)] == found
    assert identifiers(text)[0][1] == "https://doi.org/10.1016/0031-3203%2880%2990066-7"


def test_every_picture_is_made_by_a_command(monkeypatch):
    """Of docs/figures.py, but for that of the first device: docs/pictures.py. The gallery has its own."""
    monkeypatch.syspath_prepend(str(DOCS))
    figures = __import__("figures").FIGURES
    made = {name for _, pictures in figures for name in pictures} | {"first_device"}
    there = {path.stem for path in DOCS.glob("*.png")}
    text = "".join(path.read_text(encoding="utf-8") for path in (*DOCS.glob("*.md"), ROOT / "README.md"))
    shown = set(re.findall(r"!\[[^\]]*\]\((?:docs/)?(\w+)\.png\)", text))
    assert made == there == shown
    for commands, _ in figures:
        for example in re.findall(r"\$EXAMPLES/(\S+)", " ".join(commands)):
            assert (ROOT / "examples" / example).exists(), example
        for script in re.findall(r"\$DOCS/(\S+)", " ".join(commands)):
            assert (DOCS / script).exists(), script


def test_pages_are_built_without_a_warning(tmp_path):
    """All but the execution of notebooks, which `make docs` does; every link within leads somewhere."""
    site = build(tmp_path / "site", run=False)
    assert "Device" in (site / "api" / "index.html").read_text(encoding="utf-8")
    assert "were not run" in (site / "notebooks" / "pytorch.html").read_text(encoding="utf-8")
    physics = (site / "physics.html").read_text(encoding="utf-8")
    assert physics.count("<math") > 100 and "$$" not in physics, "equations are typeset"
    assert broken(site) == []


def test_planted_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<p id="x"><a href="b.html#y"><a href="#x"><img src="https://h/p.png">')
    (tmp_path / "b.html").write_text('<a href="a.html#x"><a href="c.html"><img src="p.png"><a href="http://h">')
    assert broken(tmp_path) == ["a.html: b.html#y", "b.html: c.html", "b.html: p.png", "b.html: http://h"]
