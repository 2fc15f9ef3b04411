"""The lists of planted errors fit the tree: a line that moved is an error that is planted nowhere."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LISTS = sorted((ROOT / "tests" / "mutants").glob("*.toml"))


@pytest.fixture
def plant(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "mutants")
    import plant

    yield plant
    sys.modules.pop("plant")


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_each_text_occurs_once_and_its_tests_exist(plant, path):
    """`read` ends where a text does not occur once in its file."""
    entries = plant.read([path], "")
    assert entries
    files = {name.partition("::")[0] for entry in entries for name in entry.tests}
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_a_text_that_moved_is_seen(plant, tmp_path):
    (tmp_path / "x.toml").write_text(
        '[[mutant]]\nfile = "setup.py"\nline = "not a line of it"\nbecomes = ""\ntests = []\nabout = "x"\n'
    )
    with pytest.raises(SystemExit, match="occurs 0 times"):
        plant.read([tmp_path / "x.toml"], "")
