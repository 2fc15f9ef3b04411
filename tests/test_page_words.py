"""No page grows: its number of words is that of page_words.csv, which `--record` only lowers."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).with_name("page_words.py")
spec = importlib.util.spec_from_file_location("page_words", SCRIPT)
page_words = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_words)


def test_no_page_has_more_words_than_recorded():
    pages = page_words.counted(page_words.ROOT)
    assert "README.md" in pages and "docs/notebooks/noise.md" in pages and "CHANGELOG.md" not in pages
    long, other = page_words.compare(pages, page_words.recorded(page_words.TABLE))
    assert long == []
    assert other == [], "python tests/page_words.py --record takes pages that are shorter or new"


def test_a_limit_only_falls(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "CHANGELOG.md").write_text("is not counted")
    for name, text in (("long", "one two three"), ("short", "one"), ("new", "one two")):
        (tmp_path / "docs" / f"{name}.md").write_text(text)
    limits = {"docs/gone.md": 5, "docs/long.md": 2, "docs/short.md": 4}
    pages = page_words.counted(tmp_path)
    long, other = page_words.compare(pages, limits)
    assert long == ["docs/long.md has 3 words, 1 more than its limit: shorten it"]
    assert [line.split()[0] for line in other] == ["docs/new.md", "docs/short.md", "docs/gone.md"]
    assert page_words.lowered(pages, limits) == {"docs/long.md": 2, "docs/new.md": 2, "docs/short.md": 1}
