"""A reduced site and its links: all pages, of the notebooks only the first device run."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
LIBRARIES = ("furo", "ipykernel", "myst_nb", "sphinx")


def build(folder, *, run):
    """Build the site into a folder, with the first notebook run or with none; any warning is an error."""
    for library in LIBRARIES:
        pytest.importorskip(library, reason="Sphinx is not installed: make docs")
    options = [] if run else ["-Dnb_execution_mode=off"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", *options, "-b", "html", DOCS, folder],
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "MPLBACKEND": "Agg", "NOTEBOOK": "first_device"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


class Page(HTMLParser):
    """What a page links to, and the names that others can link to."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.names = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.targets.append(value)
            elif name in ("id", "name") and value:
                self.names.add(value)


def broken(folder):
    """Return [page: target] of the links and pictures of a site that lead nowhere within it.

    Pages of the web are not asked; a page may link to none but by https.
    """
    pages = {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme in ("https", "mailto", "data"):
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            named = not parts.fragment or to not in pages or unquote(parts.fragment) in pages[to].names
            if parts.scheme or not to.is_file() or not named:
                found.append(f"{path.relative_to(folder.resolve())}: {target}")
    return found
