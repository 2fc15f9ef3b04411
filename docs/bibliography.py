"""Write docs/bibliography.md: DOIs and arXiv numbers of material sets and of docstrings.

    python docs/bibliography.py

No reference is written here: each row is the text of a source as it stands in a set, or of a reference as it
stands in a module.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from frenkel.kinetic.materials.material import Material

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PAGE = DOCS / "bibliography.md"
FOLDERS = ("analysis", "applications/studies", "array", "events", "kinetic", "mpi_runs", "src/frenkel")
IDENTIFIER = re.compile(
    r"\b(?P<doi>10\.\d{4,9}/[^\s,;\"'|]*[\w/)])|\barXiv[: ](?P<arxiv>\d{4}\.\d{4,5}|[a-z-]+/\d{7})"
)
ENTRY = re.compile(r"\.\. \[\d+\]_? (.+?)(?=\n\s*\n|\n\s*\.\. \[|\n\s*\"\"\"|\Z)", re.DOTALL)


def identifiers(text: str) -> list[tuple[str, str]]:
    """Return each DOI or arXiv number of a text, as it is cited and as an address."""
    found = []
    for match in IDENTIFIER.finditer(text):
        if doi := match["doi"]:
            # A bracket belongs to the number only if it opens there.
            while doi.endswith(")") and doi.count(")") > doi.count("("):
                doi = doi[:-1]
            found.append((doi, "https://doi.org/" + doi.replace("(", "%28").replace(")", "%29")))
        else:
            found.append((f"arXiv:{match['arxiv']}", f"https://arxiv.org/abs/{match['arxiv']}"))
    return found


def of_sets() -> Iterator[tuple[str, str, str, str]]:
    """Yield reference, set, quantity and source of each number that cites one."""
    for name in Material.names():
        for row in Material.load(name).table():
            for text, _ in identifiers(row.source):
                yield text, name, f"{row.section}.{row.key}", f"{row.source} ({row.confidence})"


def of_modules() -> Iterator[tuple[str, str, str]]:
    """Yield reference, module and text of each numbered reference in docstrings."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py*")):
            if path.suffix in (".py", ".pyx"):
                for entry in ENTRY.findall(path.read_text(encoding="utf-8")):
                    text = " ".join(entry.split())
                    for one, _ in identifiers(text):
                        yield one, path.relative_to(ROOT).as_posix().removeprefix("src/frenkel/"), text


def rows(found: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return table rows: a reference, its texts, and where each is used."""
    lines = []
    for one in sorted(found, key=str.lower):
        for text, used in found[one].items():
            ((_, address),) = identifiers(one)
            cells = f"[{one}]({address})", text.replace("|", "\\|"), ", ".join(dict.fromkeys(used))
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def page() -> str:
    """Return the page."""
    sets: dict[str, dict[str, list[str]]] = {}
    for one, name, key, text in of_sets():
        sets.setdefault(one, {}).setdefault(text, []).append(f"{name} `{key}`")
    modules: dict[str, dict[str, list[str]]] = {}
    for one, module, text in of_modules():
        modules.setdefault(one, {}).setdefault(text, []).append(f"`{module}`")
    lines = [
        "# Bibliography",
        "",
        "`python docs/bibliography.py` collects references with a DOI or an arXiv number.",
        "",
        "## Material sets",
        "",
        "Source and confidence as they stand in the set. Sources without a number are printed by",
        "`frenkel materials NAME`, published signatures are in [materials](materials.md).",
        "",
        "| reference | source | used for |",
        "|---|---|---|",
        *rows(sets),
        "",
        "## Methods and laws",
        "",
        "| reference | text | module |",
        "|---|---|---|",
        *rows(modules),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
