"""No page grows: its number of words is that of page_words.csv, which `--record` only lowers."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("page_words.py")
spec = importlib.util.spec_from_file_location("page_words", SCRIPT)
page_words = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_words)


def test_no_page_has_more_words_than_recorded():
    pages = page_words.counted(page_words.ROOT)
    assert {"README.md", "CHANGELOG.md", "docs/notebooks/noise.md", "docs/tables.py"} < set(pages)
    long, other = page_words.compare(pages, page_words.recorded(page_words.TABLE))
    assert long == []
    assert other == [], "python tests/page_words.py --record takes pages that are shorter or new"


def test_no_page_exceeds_its_limit():
    assert page_words.exceeded(page_words.counted(page_words.ROOT)) == []


def test_how_to_pages_and_tutorials_are_no_logs_of_results():
    assert page_words.crowded(page_words.ROOT) == []


def test_planted_results_are_found(tmp_path):
    (tmp_path / "docs").mkdir()
    words = "word " * 46
    texts = {
        "index": "```{toctree}\n:caption: How-to\na\nb\n```\n```{toctree}\n:caption: Theory\nc\n```\n",
        "a": f"{words}of 24 cells 3.5 % (10.1063/1.3304167, `x = 5`, $2$)\n\n| 7 | 8 | 9 |\n",
        "b": f"{words}of 24 cells 3.5 %, 7e3",
        "c": "1 2 3 4 5",
    }
    for name, text in texts.items():
        (tmp_path / "docs" / f"{name}.md").write_text(text)
    assert page_words.crowded(tmp_path) == ["docs/b.md has 3 numbers in 52 words: use tables"]


def test_a_limit_only_falls(tmp_path):
    (tmp_path / "docs").mkdir()
    for name, text in (("long", "one two three"), ("short", "one"), ("new", "one two")):
        (tmp_path / "docs" / f"{name}.md").write_text(text)
    limits = {"docs/gone.md": 5, "docs/long.md": 2, "docs/short.md": 4}
    pages = page_words.counted(tmp_path)
    long, other = page_words.compare(pages, limits)
    assert long == ["docs/long.md has 3 words, 1 more than its limit: shorten it"]
    assert [line.split()[0] for line in other] == ["docs/new.md", "docs/short.md", "docs/gone.md"]
    assert page_words.lowered(pages, limits) == {"docs/long.md": 2, "docs/new.md": 2, "docs/short.md": 1}


TEXT = {"cell_type": "markdown", "source": ["one\n", "two"]}
NOTEBOOK = json.dumps({"cells": [TEXT, {"cell_type": "code", "source": ["x = 1"]}]})


@pytest.mark.parametrize(
    ("suffix", "text", "words"),
    [
        (".md", "---\ntitle: none\n---\none two\n\n```python\nx = 1\n```\nthree", "one two three"),
        (".md", "one\n\n| a | b |\n|---|---|\n| c | d |\n\ntwo <!-- no\nno -->", "one two"),
        (".md", "```{eval-rst}\n.. x::\n```\none", "one"),
        (".md", "````\n```\nnone\n```\n````\none", "one"),
        (".ipynb", NOTEBOOK, "one two"),
        (".html", "<style>p {}</style><p class='x'>one <b>two</b></p><script>x = 1</script>", "one two"),
        (
            ".py",
            '"""None of these words."""\nx = "a key", "this text is counted", "| a | b |"',
            "this text is counted",
        ),
    ],
)
def test_only_running_text_counts(suffix, text, words):
    assert page_words.prose(text, suffix).split() == words.split()


def test_planted_pages_exceed_their_limits():
    pages = {"docs/a.md": page_words.PAGE, "CHANGELOG.md": 401, "docs/design.md": 4_000, "docs/b.md": 3_001}
    assert [line.split()[0] for line in page_words.exceeded(pages)] == ["CHANGELOG.md", "docs/b.md"]
    many = {f"docs/{number}.md": page_words.PAGE for number in range(14)}
    assert page_words.exceeded(many) == ["all pages have 42000 words; at most 40000 are allowed"]
