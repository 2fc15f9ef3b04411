"""Every block of code in README and docs runs as it stands."""

import re
from pathlib import Path

import pytest
from blocks import Blocks

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


# The blocks of tasks.md go one after another: test_tasks.py runs them.
CODE = [
    (page, number, code)
    for page in PAGES
    if page.stem != "tasks"
    for number, code in enumerate(blocks(page, "python"))
]


def test_there_is_code():
    assert len(CODE) >= 8


@pytest.fixture(scope="module")
def started():
    with Blocks() as found:
        yield found


@pytest.mark.parametrize(("page", "number", "code"), CODE, ids=[f"{page.stem} {n}" for page, n, _ in CODE])
def test_code_of_the_pages_runs(started, tmp_path, page, number, code):
    if "import torch" in code:
        pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")
    for text in blocks(page, "toml"):
        # A first line such as "# mine.toml" names the file that the code reads.
        (tmp_path / text.split("\n", 1)[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    done = started.run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    if (page.name, number) == ("README.md", 0):
        # `python docs/pictures.py first_device` writes it again.
        shown = re.search(r"```\n(phase  .*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[1]
        printed = [line.rstrip() for line in done.stdout.rstrip().splitlines() if not line.startswith("---")]
        assert shown.splitlines() == printed[-len(shown.splitlines()) :]


def test_code_that_fails_is_seen(started, tmp_path):
    failed = started.run("import frenkel\n\nprint(1, frenkel.nothing)", tmp_path)
    assert failed.returncode == 1 and failed.stderr.endswith("there is no frenkel.nothing\n")
    assert started.run("raise SystemExit(3)", tmp_path).returncode == 3
    again = started.run("import sys\nprint(sys.argv, sorted(globals()), 'frenkel' in sys.modules)", tmp_path)
    assert again.stdout == "['-c'] ['__builtins__', '__name__', 'sys'] False\n"


def test_the_first_script_is_the_example():
    example = (ROOT / "examples" / "first_device.py").read_text(encoding="utf-8")
    body = example.split('"""', 2)[2].strip()
    assert body == blocks(ROOT / "README.md", "python")[0].strip()


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith(("https://", "mailto:")) or (page.parent / target).exists(), target


def test_what_is_said_to_be_tested_has_its_test():
    named = set(re.findall(r"`(tests/[\w/.]+)", (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")))
    assert len(named) > 10
    assert not [name for name in named if not (ROOT / name).exists()]


def test_pictures_have_all_their_colours():
    """None has a palette, which merges colours (colour type 3); together they stay small."""
    pictures = {path: path.read_bytes() for path in (ROOT / "docs").rglob("*.png")}
    assert not [path.name for path, data in pictures.items() if data[25] == 3]
    assert sum(map(len, pictures.values())) < 8e6
