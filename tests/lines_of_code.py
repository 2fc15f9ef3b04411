"""Count lines of code: those that are not blank and hold more than a comment or a docstring.

    python tests/lines_of_code.py                   package by folder, what is outside it, words of pages
    python tests/lines_of_code.py kinetic/fields    these folders or files alone
"""

import io
import os
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path("src", "frenkel")
PYTHON, CYTHON = "Python", "Cython and stubs"
KINDS = {".py": PYTHON, ".pyx": CYTHON, ".pxd": CYTHON, ".pyi": CYTHON}
BUILT = ("build", "dist", "__pycache__")
ENDS = {tokenize.NEWLINE, tokenize.ENDMARKER}
NO_CODE = ENDS | {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT}


def code_lines(text: str) -> int:
    """Return the lines of code of a Python or Cython text.

    A statement that is only a string is a docstring, of an attribute too. All lines of another string count.
    Cython has the tokens of Python.
    """
    lines: set[int] = set()
    statement: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE and token.string.strip():
            statement.append(token)
        elif token.type in ENDS:
            if any(part.type != tokenize.STRING for part in statement):
                lines.update(number for part in statement for number in range(part.start[0], part.end[0] + 1))
            statement = []
    return len(lines)


def files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, or the file itself, without links and what is built."""
    if folder.is_file():
        yield folder
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "." and name not in BUILT]
        yield from (Path(base, name) for name in names)


def count(paths: Iterator[Path]) -> Counter[str]:
    """Return the lines of code by kind of file."""
    lines: Counter[str] = Counter()
    for path in paths:
        if kind := KINDS.get(path.suffix):
            lines[kind] += code_lines(path.read_text(encoding="utf-8"))
    return lines


def words(paths: Iterator[Path]) -> int:
    """Return the words of the pages."""
    return sum(len(path.read_text(encoding="utf-8").split()) for path in paths if path.suffix == ".md")


def row(name: str, lines: Counter[str]) -> str:
    """Return a row of the table."""
    return f"{name:<24}{lines[PYTHON]:>10,}{lines[CYTHON]:>20,}{lines.total():>10,}"


def folders(root: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the folders of the package, with those at the root that it links to, and the other folders."""
    package, own = {}, root / PACKAGE
    for path in sorted(own.iterdir()):
        if path.is_dir() and path.name not in ("examples", *BUILT):
            package[path.name] = path.resolve()
    inside = {*package, PACKAGE.parts[0], *BUILT}
    others = {path.name: path for path in sorted(root.iterdir())
              if path.is_dir() and path.name not in inside and path.name[0] != "."}  # fmt: skip
    return package, others


def report(root: Path) -> Iterator[str]:
    """Yield the lines of the report on a clone."""
    package, others = folders(root)
    yield f"{'lines of code':<24}{PYTHON:>10}{CYTHON:>20}{'all':>10}"
    total = count(path for path in (root / PACKAGE).glob("*.py"))
    yield row("modules of its own", total)
    for name, folder in package.items():
        lines = count(files(folder))
        total += lines
        yield row(name, lines)
    yield row("package", total)
    yield row("with applications", total + count(files(root / "applications")))
    yield ""
    for name, folder in others.items():
        if lines := count(files(folder)):
            yield row(name, lines)
    tests = [path for name in ("tests", "validation") for path in files(root / name) if path.suffix in KINDS]
    whole = sum(path.read_text(encoding="utf-8").count("\n") for path in tests)
    yield f"\nlines of tests and validation, comments and blank ones too: {whole:,}"
    yield f"words of pages (*.md): {words(files(root)):,}"


def main(arguments: Sequence[str]) -> None:
    """Print the report, or the lines of the folders that are given."""
    for line in (row(name, count(files(Path(name)))) for name in arguments) if arguments else report(ROOT):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
