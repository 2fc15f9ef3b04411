"""Plant fresh errors one at a time, and print how many of them the tests see.

    python tests/planted.py --seed 1 --number 20 [--only kinetic/fields] [--workers 2] [--list]

A seed draws lines of the package, each as likely as every other, and one error for each line: another
operator, number, truth value or function, or a `not` that is left out. The draw depends on the text of a line
alone, so that a seed gives the same errors after changes elsewhere.

An error is planted in a copy of the tree. The tests of the folder of the same name and those that import the
module run until one fails. Tests that fail without the error, too, are left out. The rate leaves out errors
that do not build, and those without a failure within the time allowed (`--limit`).
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from queue import Queue
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("kinetic", "array", "events", "mpi_runs", "analysis", "applications/studies", "src/frenkel")
LEFT_OUT = (".git", ".venv*", "report", "*.nc.run", "__pycache__", ".*_cache")
TIMEOUT = 200  # s, of one test: an error may hang rather than fail

OTHER = {
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "*", "**": "*", "+=": "-=", "-=": "+=",
    "*=": "/=", "/=": "*=", "<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==",
    "and": "or", "or": "and", "is": "is not", "is not": "is", "not in": "in", "not ": "", "True": "False",
    "False": "True", "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all",
    "all": "any", "floor": "ceil", "ceil": "floor", "argmin": "argmax", "argmax": "argmin", "log": "log10",
    "sin": "cos", "cos": "sin",
}  # fmt: skip
BOUND = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
"""Instead, where a whole number is compared: of two floats, equality hardly ever decides."""
ERROR = re.compile(
    r"(?<=\s)(?:[-+*/]=?|//|\*\*|%|[<>]=?|[!=]=|and|or)(?=\s)|\bis not\b|\bis\b|\bnot in\b|\bnot (?!in\b)"
    r"|(?<!strict=)(?<!frozen=)(?<!slots=)(?<!kw_only=)(?<!exist_ok=)\b(?:True|False)\b"
    r"|\b(?:min|max|(?:min|max)imum|any|all|floor|ceil|arg(?:min|max)|log|sin|cos)(?=\()"
    r"|(?<![\w.:])(?:\d+\.\d*(?:e[-+]?\d+)?|\d+(?:e[-+]?\d+)?)(?![\w.])"
)
TEXT = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])*'|#[^\n]*")
DECLARED = re.compile(r"(?:from|c?import|ctypedef|raise|assert|@)\b|cp?def\b(?!.*=)|(?:class|c?p?def)\b.*:$")


class Planted(NamedTuple):
    """Characters `start` to `end` of a file become `new`."""

    file: str
    start: int
    end: int
    new: str

    @property
    def folder(self) -> str:
        parts = Path(self.file).parts
        if parts[0] == "src":
            return parts[2] if len(parts) > 3 else "frenkel"
        return "studies" if parts[0] == "applications" else parts[0]

    def text(self) -> str:
        before = source(self.file)
        return before[: self.start] + self.new + before[self.end :]

    def lines(self) -> tuple[str, str]:
        row = source(self.file).count("\n", 0, self.start)
        return source(self.file).split("\n")[row].strip(), self.text().split("\n")[row].strip()

    def __str__(self) -> str:
        row = source(self.file).count("\n", 0, self.start) + 1
        return f"{self.file}:{row}: {'  ->  '.join(self.lines())}"


@cache
def source(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def other_number(text: str) -> str:
    """Return a whole number that is larger by one, another that is larger by 10 %."""
    value = ast.literal_eval(text)
    return str(value + 1) if isinstance(value, int) else repr(1.1 * value or 0.1)


def errors(file: str) -> Iterator[Planted]:
    """Yield the errors of a module. Texts, messages and declarations without a value have none."""
    start, extern = 0, -1
    for row in TEXT.sub(lambda found: re.sub(r"[^\n]", "_", found[0]), source(file)).split("\n"):
        line, column = row.strip(), len(row) - len(row.lstrip())
        if line and column <= extern:
            extern = -1
        if re.match(r"cdef (?:extern|struct|enum|union)\b", line):
            extern = column
        for found in ERROR.finditer(row) if extern < 0 and not DECLARED.match(line) else ():
            word = found[0]
            whole = re.match(r" \d+(?![\w.])", row[found.end() :])
            new = BOUND[word] if whole and word in BOUND else OTHER.get(word)
            new = other_number(word) if new is None else new
            yield Planted(file, start + found.start(), start + found.end(), new)
        start += len(row) + 1


def draw(seed: str, number: int, only: str) -> list[Planted]:
    """Return the errors that a seed draws, at most one of a line."""
    of_line: dict[tuple[str, str], list[Planted]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py*")):
            file = path.relative_to(ROOT).as_posix()
            if path.suffix in (".py", ".pyx") and only in file:
                for one in errors(file):
                    of_line.setdefault((file, one.lines()[0]), []).append(one)
    order = sorted(of_line, key=lambda line: random.Random(f"{seed} {line}").random())
    return [random.Random(f"{seed} {line} error").choice(of_line[line]) for line in order[:number]]


def tests_of(file: str) -> list[str]:
    """Return the test files of a module: of the folder of the same name, and those that import it."""
    path = Path(file)
    folder = Path("tests", *path.parent.parts[{"src": 2, "applications": 1}.get(path.parts[0], 0) :])
    while not (ROOT / folder).is_dir():
        folder = folder.parent
    parts = path.with_suffix("").parts
    module = ".".join(parts[1:] if parts[0] == "src" else ("frenkel", *parts)).removesuffix(".__init__")
    module = module.replace("frenkel.applications.studies", "frenkel_studies")
    parent, _, name = module.rpartition(".")
    word = re.compile(rf"{re.escape(module)}\b|from {re.escape(parent)} import (?:\(\s*)?[\w\s,]*\b{name}\b")
    order = []
    for test in sorted([*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "validation").glob("test_*.py")]):
        imports = word.search(test.read_text(encoding="utf-8")) is not None
        beside = test.parent == ROOT / folder != ROOT / "tests"
        if beside or imports:
            order.append((not (beside and imports), not beside, test.relative_to(ROOT).as_posix()))
    return [test for *_, test in sorted(order)]


def run(tree: Path, command: list[str], limit: float) -> tuple[int | None, str]:
    """Return the exit status of a command, None if it takes too long, and its output."""
    env = os.environ | {"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, *command], cwd=tree, env=env, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            output, _ = process.communicate(timeout=limit)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, ""


def build(tree: Path) -> bool:
    return run(tree, ["setup.py", "--quiet", "build_ext", "--inplace"], 1800)[0] == 0


def restore(tree: Path, file: str) -> None:
    """Take an error out of a copy again, with what was compiled from it."""
    shutil.copy2(ROOT / file, tree / file)
    for folder in ("build", *FOLDERS) if file.endswith(".pyx") else ():
        for path in (tree / folder).rglob("*.*"):
            first = ROOT / path.relative_to(tree)
            if path.suffix in (".c", ".o", ".so") and path.is_file() and first.exists():
                shutil.copy2(first, path)


def outcome(tree: Path, one: Planted, limit: float, broken: set[str]) -> tuple[str, str]:
    """Return 'seen', 'not seen', 'too long' or 'does not build' of an error in a copy, and what saw it."""
    pytest = ["-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider", f"--timeout={TIMEOUT}"]
    while tests := [name for name in tests_of(one.file) if name not in broken]:
        (tree / one.file).write_text(one.text(), encoding="utf-8")
        try:
            if one.file.endswith(".pyx") and not build(tree):
                return "does not build", ""
            status, output = run(tree, [*pytest, *(f"--deselect={name}" for name in broken), *tests], limit)
        finally:
            restore(tree, one.file)
        if status in (None, 0, 5):  # 5: no test was collected
            return "too long" if status is None else "not seen", ""
        failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", output, re.MULTILINE)
        if failed is None or run(tree, [*pytest, failed[1]], limit)[0] not in (1, 2):
            return "seen", failed[1] if failed else "ended without a word"
        print(f"left out, since it fails without any error: {failed[1]}", flush=True)
        broken.add(failed[1])
    return "not seen", ""


def plant(drawn: list[Planted], workers: int, limit: float) -> dict[Planted, str]:
    """Plant all errors in copies of the tree, and print each outcome."""
    trees: Queue[Path] = Queue()
    outcomes: dict[Planted, str] = {}
    broken: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="planted-") as folder, ThreadPoolExecutor(workers) as pool:
        for number in range(workers):
            tree = Path(folder, str(number))
            shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
            if not build(tree):
                raise SystemExit("the copy does not build")
            trees.put(tree)

        def plant_one(one: Planted) -> tuple[Planted, str, str]:
            tree = trees.get()
            try:
                return one, *outcome(tree, one, limit, broken)
            finally:
                trees.put(tree)

        for done in as_completed([pool.submit(plant_one, one) for one in drawn]):
            one, word, test = done.result()
            outcomes[one] = word
            print(f"{len(outcomes):4d}  {word:14s}  {one}{test and '  by ' + test}", flush=True)
    return outcomes


def table(outcomes: dict[Planted, str]) -> Iterator[str]:
    """Yield a row for each folder, and one for all."""
    yield f"\n{'folder':16s}{'seen':>6s}{'not seen':>10s}{'others':>8s}{'rate':>6s}"
    for folder in [*sorted({one.folder for one in outcomes}), "all"]:
        count = Counter(word for one, word in outcomes.items() if folder in (one.folder, "all"))
        seen, not_seen = count["seen"], count["not seen"]
        rate = f"{seen / (seen + not_seen):.0%}" if seen + not_seen else "-"
        yield f"{folder:16s}{seen:6d}{not_seen:10d}{count.total() - seen - not_seen:8d}{rate:>6s}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", default="1", help="any text, such as the hash of a commit (default: 1)")
    parser.add_argument("--number", type=int, default=20, help="how many errors (default: 20)")
    parser.add_argument("--only", default="", help="only files whose path has this text")
    parser.add_argument("--workers", type=int, default=1, help="how many at a time (default: 1)")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds for one error (default: 900)")
    parser.add_argument("--list", action="store_true", help="print the errors alone")
    given = parser.parse_args()
    drawn = draw(given.seed, given.number, given.only)
    print(*(drawn if given.list else table(plant(drawn, given.workers, given.limit))), sep="\n")


if __name__ == "__main__":
    main()
