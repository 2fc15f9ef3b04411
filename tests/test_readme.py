"""README: a command makes each of its numbers, and a package page loses nothing of it."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBERS = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+) \| (.+) \|$", NUMBERS, re.MULTILINE)[2:]


def prose(text):
    """Return what a reader reads: no blocks of code, no pictures, no targets of links, in one line."""
    text = re.sub(r"^---\n.*?^---\n", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|`[^`]*`", "", text)
    return " ".join(re.sub(r"\]\([^)]*\)", "]", text).split())


def numbers(text, quotes):
    """Return the words with a number that no quote accounts for; HfO2 is a name."""
    for quote in quotes:
        text = text.replace(quote, "")
    return re.findall(r"\S*(?<![A-Za-z\d])\d\S*", text)


def without_clone(text):
    """Return what setup.py makes of README for a package page."""
    source = (ROOT / "setup.py").read_text(encoding="utf-8")
    (one,) = (node for node in ast.parse(source).body if getattr(node, "name", "") == "without_clone")
    names = {"re": re}
    exec(ast.get_source_segment(source, one), names)
    return names["without_clone"](text)


def test_each_number_is_made_by_a_command():
    quotes = [quote.strip('"') for quote, _ in ROWS if quote.startswith('"')]
    assert len(quotes) >= 6
    read = prose(README)
    assert [quote for quote in quotes if quote not in read] == []
    assert numbers(read, quotes) == [], "docs/numbers.md must say which command makes these"


def test_a_planted_number_is_found():
    assert numbers(prose("of 12 [HfO2](docs/9.md) devices `3 V` 4\n```\n5\n```\n"), ["x"]) == ["12", "4"]
    assert numbers("forms at 2.1 V, 2.2 V", ["at 2.1 V"]) == ["2.2"]


@pytest.mark.parametrize("command", sorted({one for _, row in ROWS for one in re.findall("`(.+?)`", row)}))
def test_commands_of_numbers_are_there(command):
    from frenkel.cli.main import main

    program, *rest = command.split()
    if program == "make":
        assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    elif program == "frenkel":
        with pytest.raises(SystemExit) as end:
            main([rest[0], "--help"])
        assert end.value.code == 0
    else:
        assert program in ("python", "pytest") and (ROOT / rest[0]).exists()
        assert all(word in (ROOT / rest[0]).read_text(encoding="utf-8") for word in rest[1:])


def test_there_are_so_many_materials():
    from frenkel.kinetic.materials.material import Material

    assert f"{len(Material.names())} materials" in prose(README)


def test_a_package_page_loses_nothing():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dynamic"] == ["readme", "urls"] and "readme" not in project
    page = without_clone(README)
    targets = re.findall(r"\]\(([^)]*)\)", page)
    assert "![" not in page and [one for one in targets if not one.startswith("https://")] == []
    # The text is whole, and so are the tables.
    assert prose(page).startswith("# frenkel Kinetic Monte Carlo simulation of resistive memory")
    assert "import frenkel" in page
    assert prose(page).endswith("see LICENSE.")
    assert [line for line in page.split("\n\n") if line.startswith("|---")] == []
    planted = "a\n\n| ![x](y.png) |\n|---|\n| [c](d.md) |\n\n[e](f.md) [g](https://h)\n"
    assert without_clone(planted) == "a\n\ne [g](https://h)\n"


def test_pictures_are_small_and_move():
    from PIL import Image

    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    thumbnails = [one for one in shown if "thumbnails" in one]
    assert len(thumbnails) == 6 and len(set(shown)) == len(shown) == 8
    film = Image.open(ROOT / "docs" / "film.webp")
    assert "docs/film.webp" in shown and film.n_frames >= 30
    assert (ROOT / "docs" / "film.webp").stat().st_size < 1.5e6
    for one in thumbnails:
        assert (ROOT / one).stat().st_size < 60e3 and Image.open(ROOT / one).width >= 300
