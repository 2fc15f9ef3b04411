"""What pages call today's names what it was measured on: the hash of a material or a card as they are now."""

import functools
import re
from pathlib import Path

import pytest

from frenkel.cells.card import Card
from frenkel.cells.files import checksum
from frenkel.kinetic.materials.material import Material

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "benchmarks" / "README.md"]
CARDS = ("hfo2", "mos2-au")
TODAY = re.compile(r"\btoday's\b(?! +`?(?:run|file))|\b(?:default|card|set)s? (?:\S+ )?of today\b")
HASH = re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{16}\b")
CLAIMED = re.compile(rf"(?:today's|of today)[^.|()]{{0,60}}\((?:hash )?`?({HASH.pattern})`?\)")


@functools.cache
def hashes():
    """Return the hashes of all packaged materials and cards, first 16 letters of theirs."""
    cards = [checksum(Card.load(name).to_dict())[:16] for name in CARDS]
    return {*(Material.load(name).hash for name in Material.names()), *cards}


def sections(text):
    """Return the pieces of a page between headings, without blocks of code."""
    return re.split(r"^#+ .*$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), flags=re.M)


def claims(text):
    """Return the paragraphs and tables of a text that speak of today's default, card or set with numbers."""
    blocks = re.split(r"\n\s*\n", text)
    return [block for block in blocks if TODAY.search(block) and re.search(r"\d", block)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_called_todays_names_a_hash_of_now(page):
    """In its paragraph or table, or in one of its section."""
    now = hashes()
    for section in sections(page.read_text(encoding="utf-8")):
        for block in claims(section):
            assert now & set(HASH.findall(section)), f"no hash of now: {block[:300]}"
    stale = set(CLAIMED.findall(page.read_text(encoding="utf-8"))) - now
    assert not stale, f"measured on another material or card: measure again, or say former: {stale}"


def test_a_claim_of_another_day_is_seen():
    one = "0123456789abcdef"
    assert CLAIMED.findall(f"The table is of today's default ({one}):") == [one]
    assert CLAIMED.findall(f"| today's default (hash {one}) | 2 |") == [one]
    assert claims("of today's card: 3 ohm") and not claims("of a former card: 3 ohm")
    assert claims("the default of today has 3") and not claims("a file of today of version 3")
    assert HASH.findall("1234567890123456 and abcdefabcdefabcd") == []
