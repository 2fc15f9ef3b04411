"""The command that lists the examples that come along, and copies one to where it can be run and changed."""

# Imports inside functions keep numpy from loading for other commands.

import argparse
import re
import textwrap
from pathlib import Path
from typing import Any

from ..validation import suggest
from . import values
from .common import FORCE, OUTPUT, Option, UsageError, add

PAGE = "README.md"
"""What the measured tables are, with their licences."""


def add_commands(commands: Any) -> None:
    """Add "examples" to the parser of commands."""
    add(
        commands,
        "examples",
        _examples,
        "list the examples, or copy one into this folder",
        "frenkel examples switching && frenkel run switching.toml",
        Option(
            "name",
            nargs="?",
            metavar="NAME",
            complete=lambda: list(values.examples()),
            help="of the list; without it the list is printed",
        ),
        OUTPUT.but(metavar="DIR", default=Path(), help="folder to copy into (default: here)"),
        FORCE.but(help="replace existing files"),
    )


def _examples(options: argparse.Namespace) -> None:
    paths = values.examples()
    if options.name is None:
        width = max(map(len, paths))
        print("\n".join(f"{name:{width}}  {_about(path)}" for name, path in paths.items()))
        return
    name = re.sub(r"\.(toml|py|csv|csv\.gz)$", "", options.name)
    if name not in paths:
        raise UsageError(f"no example {options.name!r}{suggest(name, paths)}")
    (_copy_table if paths[name].suffix == ".gz" else _copy)(paths[name], options)


def _copy(path: Path, options: argparse.Namespace) -> None:
    """Copy an example and the files beside it that it names."""
    from ..data import store

    text = path.read_text(encoding="utf-8").replace("examples/", "")
    named = [path.with_name(name) for name in re.findall(r'"([\w.-]+)"', text)]
    texts = {path.name: text} | {
        file.name: file.read_text(encoding="utf-8") for file in named if file.is_file()
    }
    for name in texts:
        store.writable(options.output / name, force=options.force)
    for name, content in texts.items():
        print(f"wrote {store.write_bytes(content.encode(), options.output / name)}")
    for line in text.splitlines():
        if line.startswith("#   frenkel "):
            print(f"now: {line[1:].strip()}")


def _copy_table(path: Path, options: argparse.Namespace) -> None:
    """Copy a table of a laboratory, and the page with its source and licence as NAME.md."""
    from ..data import store

    page = options.output / path.name.replace(".csv.gz", ".md")
    for target in (options.output / path.name, page):
        store.writable(target, force=options.force)
    print(f"wrote {store.write_bytes(path.read_bytes(), options.output / path.name)}")
    print(f"wrote {store.write_bytes(path.with_name(PAGE).read_bytes(), page)}: source and licence")
    print(f"now: frenkel read {path.name}")


def _about(path: Path) -> str:
    """Return the first sentence of an example."""
    if path.suffix == ".gz":
        rows = path.with_name(PAGE).read_text(encoding="utf-8").splitlines()
        (row,) = (row for row in rows if row.startswith(f"| `{path.name}` |"))
        return textwrap.shorten(row.split(" | ")[1], 90, placeholder=" ...")
    first_lines = path.read_text(encoding="utf-8")[:1000].split("\n\n", 1)[0]
    words = " ".join(line.lstrip('#" ') for line in first_lines.splitlines())
    return textwrap.shorten(re.split(r"\. |\.$|  +frenkel ", words)[0], 90, placeholder=" ...")
