"""Phrases that are never right are not in pages and sources: the field has terms for what they mean.

Texts of sources are docstrings, comments, help texts, messages and captions.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PHRASES = {
    r"fore(?:tell|told)\w*": "predict, prediction",
    r"afresh|anew": "again, new",
    r"noes": "negative results",
    r"likeliest": "most likely",
    r"hangs on": "depends on",
    r"told apart": "dithered, distinguished",
    r"laws? of(?: the| its)? jumps": "jump-process model",
    r"laws? of(?: the| its)? cycles": "cycle model",
    r"room for \S+ levels": "distinguishable levels",
    r"seen of a cell": "effective conductance",
    r"chose nothing": "validation (devices, seeds)",
}
"""Each phrase, and what the field says."""

NEVER = re.compile(rf"\b(?:{'|'.join(PHRASES)})\b", re.IGNORECASE)
SOURCES = (".py", ".pyi", ".pyx", ".pxd", ".toml", ".md", ".in", ".sh")
FOLDERS = (
    *("analysis", "applications", "array", "benchmarks", "docs", "events"),
    *("examples", "kinetic", "mpi_runs", "src", "validation"),
)
LITERALS = re.compile(r'["\']\s*\n\s*[frb]*["\']')
LINES = re.compile(r"\s*\n\s*(?:#[:|]?\s*|//\s*|>\s*)?")


def sources():
    """Return pages and sources. CHANGELOG.md is history."""
    found = {path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"} | {ROOT / "Makefile"}
    for folder in FOLDERS:
        found |= {path.resolve() for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES}
    return sorted(found)


def never_right(text):
    """Return the phrases in a text, over ends of lines and of literals too."""
    return [phrase.lower() for phrase in NEVER.findall(LINES.sub(" ", LITERALS.sub("", text)))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A law of\n    # jumps that foretells pulses", ["law of jumps", "foretells"]),
        ('help="cells of the law of "\n        f"cycles"', ["law of cycles"]),
        ("What hangs on\nthe Likeliest of 24 that chose nothing", ["hangs on", "likeliest", "chose nothing"]),
        ("room for {bits:.2f} levels, seen of a cell", ["room for {bits:.2f} levels", "seen of a cell"]),
        ("draw it afresh, anew; noes; told apart", ["afresh", "anew", "noes", "told apart"]),
        ("a jump-process model predicts; lawful jumps; the reader hangs", []),
    ],
)
def test_phrases_are_found(text, found):
    assert never_right(text) == found


def test_no_phrase_is_in_pages_and_sources():
    paths = sources()
    assert len(paths) > 400 and {ROOT / "README.md", ROOT / "docs" / "tasks.md"} < set(paths)
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    found = {path: phrases for path, text in texts.items() if (phrases := never_right(text))}
    assert found == {}, "PHRASES has what the field says"
