"""Words of each page, which no later change raises: python tests/page_words.py [--record]

Prints the pages whose number of words is not that of page_words.csv or exceeds a limit. With --record the
table takes pages that are new, shorter or deleted. A longer page is never recorded: shorten it.

Words are those of running text: .md, .rst, markdown cells of .ipynb, HTML templates, and texts that scripts
in docs/ write into pages. Blocks of code, tables, comments and headers of notebooks are not counted.

How-to pages and tutorials say what to do: their running text has few numbers, results stand in tables.
"""

import ast
import csv
import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".csv")
APART = ("build", "dist")
"""Folders without pages."""

TOTAL = 40_000
PAGE = 3_000
PAGES = {
    "CHANGELOG.md": 400,
    "docs/design.md": 4_000,
    "docs/glossary.md": 600,
    # Generated ones: tables, hardly a sentence.
    "docs/bibliography.md": 150,
    "docs/keys.md": 150,
    "docs/materials.md": 150,
    "docs/options.md": 150,
    "docs/population_table.md": 150,
}
"""Limits of all pages together, of a page, and of pages that have a limit of their own."""

NUMBERS = 5
"""Limit of numbers, results or not, in 100 words of how-to pages and tutorials."""

NUMBER = re.compile(r"(?<![\w.{=^_/-])[-−±]?\d[\d,.]*(?:e-?\d+)?(?![\w}])")
NO_RESULT = re.compile(r"`[^`]*`|\$[^$]*\$|(?<=\])\([^)]*\)|(?:doi:)?10\.\d{4}\S*|arXiv:\S*")
"""Code, formulas, links and references in a line."""

NOT_PROSE = re.compile(
    r"\A---\n.*?^---$"  # header of a notebook
    r"|^ *(?P<fence>`{3,}|~{3,}).*?^ *(?P=fence) *$"
    r"|<!--.*?-->"
    r"|^ *\|[^\n]*$",
    re.DOTALL | re.MULTILINE,
)
MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)
SENTENCE = 4
"""Words of the shortest text in a script that is a sentence of a page, not a key."""


def written(code: str) -> str:
    """Return the sentences that a script writes: string literals but docstrings and rows of tables."""
    tree = ast.parse(code)
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    literals = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements
    ]
    return "\n".join(text for text in literals if len(text.split()) >= SENTENCE)


def prose(text: str, suffix: str) -> str:
    """Return the running text of a page."""
    if suffix == ".py":
        text = written(text)
    elif suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    elif suffix == ".html":
        text = MARKUP.sub(" ", text)
    return NOT_PROSE.sub("", text)


def is_page(path: Path) -> bool:
    """Tell whether a file holds text that a reader reads."""
    return path.suffix in (".md", ".rst", ".ipynb", ".html") or (
        path.suffix == ".py" and path.parent.name == "docs"
    )


def counted(root: Path) -> dict[str, int]:
    """Return the number of words of each page below a folder, by its path."""
    pages = {}
    for base, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in APART)
        for path in (Path(base, name) for name in sorted(names)):
            if is_page(path):
                words = len(prose(path.read_text(encoding="utf-8"), path.suffix).split())
                pages[path.relative_to(root).as_posix()] = words
    return pages


def crowded(root: Path) -> list[str]:
    """Return a sentence for each how-to page and tutorial with too many numbers in its running text."""
    index = (root / "docs" / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"^:caption: (?:Tutorials|How-to)$(.*?)^```$", index, re.DOTALL | re.MULTILINE)
    found = []
    for page in " ".join(trees).split():
        text = prose((root / "docs" / f"{page}.md").read_text(encoding="utf-8"), ".md")
        numbers = len(NUMBER.findall(NO_RESULT.sub("", text)))
        if 100 * numbers > NUMBERS * len(text.split()):
            found.append(f"docs/{page}.md has {numbers} numbers in {len(text.split())} words: use tables")
    return found


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


def exceeded(pages: dict[str, int]) -> list[str]:
    """Return a sentence for each limit, of a page or of all pages, that is exceeded."""
    found = [
        f"{page} has {words} words; at most {PAGES.get(page, PAGE)} are allowed"
        for page, words in pages.items()
        if words > PAGES.get(page, PAGE)
    ]
    total = sum(pages.values())
    return found + [f"all pages have {total} words; at most {TOTAL} are allowed"] * (total > TOTAL)


def lowered(pages: dict[str, int], limits: dict[str, int]) -> dict[str, int]:
    """Return the table after --record: a limit only falls."""
    return {page: min(words, limits.get(page, words)) for page, words in sorted(pages.items())}


def main(arguments: list[str]) -> int:
    """Print what differs; record it if asked. The status is 1 if a page is too long."""
    pages, limits = counted(ROOT), recorded(TABLE)
    long, other = compare(pages, limits)
    long += exceeded(pages) + crowded(ROOT)
    print(*long, *other, f"{sum(pages.values())} words in {len(pages)} pages", sep="\n")
    if arguments == ["--record"]:
        with TABLE.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(lowered(pages, limits).items())
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
