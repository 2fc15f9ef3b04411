"""TOML files to dictionaries; absurd ones are refused before tomllib, slow on them, begins to read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

LARGEST = 2**20
"""Most bytes of a file; a configuration has a thousand, a material some ten thousand."""

DEEPEST = 20
"""Most parts of a dotted key, and most brackets within each other."""

# Each ends at the end of the text or line if nothing else ends it, so that the search takes one pass.
_TEXTS = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"{3,5}|\Z)'  # up to two quotes may stand before those that end it
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*",
    re.DOTALL,
)
_LONG_KEY = re.compile(rf'(?<![\w"-])(?:[\w"-]+[ \t]*\.[ \t]*){{{DEEPEST}}}', re.ASCII)


def read(path: Path) -> dict[str, Any]:
    """Read a file.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is no TOML, or too large or too deep.
    """
    with path.open("rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it holds no text") from None
    return loads(text.replace("\r\n", "\n"))


def loads(text: str) -> dict[str, Any]:
    """Read a text; raise ValueError when it is no TOML or too deep."""
    bare = _TEXTS.sub('""', text)
    depth = deepest = 0
    for bracket in re.findall(r"[][{}]", bare):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > DEEPEST or _LONG_KEY.search(bare):
        raise ValueError(f"it is deeper than {DEEPEST} levels")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # an integer that Python does not read, of thousands of digits
        raise ValueError("it holds a whole number of too many digits") from None
