"""Words of each page, which no later change raises: python tests/page_words.py [--record]

Prints the pages whose number of words is not that of page_words.csv. With --record the table takes pages that
are new, shorter or deleted. A longer page is never recorded: shorten it. CHANGELOG.md alone grows.
"""

import csv
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".csv")
APART = ("build", "dist", "data", "measured")
"""Folders whose .md files are no pages: built ones, and notes beside data."""


def counted(root: Path) -> dict[str, int]:
    """Return the number of words of each page below a folder, by its path."""
    pages = {}
    for base, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in APART)
        for path in (Path(base, name) for name in sorted(names)):
            if path.suffix == ".md" and path.name != "CHANGELOG.md":
                pages[path.relative_to(root).as_posix()] = len(path.read_text(encoding="utf-8").split())
    return pages


def recorded(table: Path) -> dict[str, int]:
    """Return the number of words of each page in the table."""
    with table.open(encoding="utf-8", newline="") as stream:
        return {page: int(words) for page, words in csv.reader(stream)}


def compare(pages: dict[str, int], limits: dict[str, int]) -> tuple[list[str], list[str]]:
    """Return a sentence for each page that is too long, and for each that the table has to take."""
    long = [
        f"{page} has {words} words, {words - limits[page]} more than its limit: shorten it"
        for page, words in pages.items()
        if words > limits.get(page, words)
    ]
    other = [
        f"{page} has {words} words, the table {limits.get(page)}"
        for page, words in pages.items()
        if words < limits.get(page, words + 1)
    ]
    return long, other + [f"{page} does not exist" for page in limits if page not in pages]


def lowered(pages: dict[str, int], limits: dict[str, int]) -> dict[str, int]:
    """Return the table after --record: a limit only falls."""
    return {page: min(words, limits.get(page, words)) for page, words in sorted(pages.items())}


def main(arguments: list[str]) -> int:
    """Print what differs; record it if asked. The status is 1 if a page is too long."""
    pages, limits = counted(ROOT), recorded(TABLE)
    long, other = compare(pages, limits)
    print(*long, *other, sep="\n")
    if arguments == ["--record"]:
        with TABLE.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(lowered(pages, limits).items())
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
