"""Plant errors one at a time, run the tests that should see each, and print how many were seen.

    python tests/mutants/plant.py [tests/mutants/kinetic.toml ...] [--only TEXT] [--workers 2]

Each error is a `[[mutant]]` of a file beside this one: `file` from the root of the repository, a piece of
its text `line` that occurs there once, what it `becomes`, the `tests` that must fail, and what it is `about`.
It is planted in a copy of the tree, so that the tree itself is never touched. A test that fails or overruns
the limit of time has seen the error. Before that all the tests named must pass on the copy as it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SKIPPED = (".git", "lines_run", "drawn", ".venv*", "report", "*.nc.run", "__pycache__", ".*_cache")
#: What the command promises: the fraction of all errors that is seen, and the least fraction of any folder.
SHARE, SHARE_OF_FOLDER = 0.95, 0.8


@dataclass(frozen=True)
class Mutant:
    """One planted error."""

    folder: str
    file: str
    line: str
    becomes: str
    tests: tuple[str, ...]
    about: str

    @property
    def compiled(self) -> bool:
        return self.file.endswith((".pyx", ".pxd"))

    def text(self, before: str) -> str:
        """The file with the error in it."""
        found = before.count(self.line)
        if found != 1:
            raise SystemExit(f"{self.file}: the text of {self.about!r} occurs {found} times, not once")
        return before.replace(self.line, self.becomes)


def read(paths: list[Path], only: str) -> list[Mutant]:
    """All errors of the files whose text or file holds `only`."""
    found = []
    for path in paths:
        for entry in tomllib.loads(path.read_text())["mutant"]:
            mutant = Mutant(path.stem, **{**entry, "tests": tuple(entry["tests"])})
            mutant.text((ROOT / mutant.file).read_text())
            if only in mutant.about or only in mutant.file:
                found.append(mutant)
    return found


def run(command: list[str], tree: Path, limit: float) -> int | None:
    """Exit status of a command and None when it overran; its children end with it."""
    env = os.environ | {"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=tree, env=env, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def build(tree: Path) -> bool:
    return run([sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], tree, 900) == 0


def test(tree: Path, tests: list[str], limit: float) -> int | None:
    return run([sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests], tree, limit)


def copy(tree: Path) -> None:
    """Lay a copy of the repository at `tree`, with times kept, so that nothing is compiled again."""
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*SKIPPED))
    if not build(tree):
        raise SystemExit("the copy does not build")


def restore(tree: Path, mutant: Mutant) -> None:
    """Take the error out again, with what was compiled from it."""
    shutil.copy2(ROOT / mutant.file, tree / mutant.file)
    if not mutant.compiled:
        return
    for folder in ("build", "kinetic", "array", "src"):
        for path in (tree / folder).rglob("*"):
            if path.suffix not in (".c", ".o", ".so") or path.is_symlink():
                continue
            made = ROOT / path.relative_to(tree)
            if made.exists() and made.stat().st_mtime_ns != path.stat().st_mtime_ns:
                shutil.copy2(made, path)


def outcome(tree: Path, mutant: Mutant, limit: float) -> tuple[str, float]:
    """Plant one error; return 'seen', 'overran', 'survived' or 'does not build', and the seconds taken."""
    start, path = time.monotonic(), tree / mutant.file
    path.write_text(mutant.text(path.read_text()))
    try:
        if mutant.compiled and not build(tree):
            word = "does not build"
        else:
            status = test(tree, list(mutant.tests), limit)
            word = "overran" if status is None else "seen" if status else "survived"
    finally:
        restore(tree, mutant)
    return word, time.monotonic() - start


def plant(mutants: list[Mutant], workers: int, limit: float, sound: bool) -> list[tuple[Mutant, str]]:
    """Plant all errors in `workers` copies, telling each outcome; first see that the tests pass without."""
    trees: Queue[Path] = Queue()
    results = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(workers) as pool:
        for number in range(workers):
            tree = Path(folder) / str(number)
            copy(tree)
            trees.put(tree)
        tests = sorted({name for mutant in mutants for name in mutant.tests})
        first = "" if sound else f"; first their {len(tests)} files of tests on the tree as it is"
        print(f"{len(mutants)} errors{first}", flush=True)
        if not sound and test(tree, tests, 3600) != 0:
            raise SystemExit("these tests do not pass without any error planted: " + " ".join(tests))

        def one(mutant: Mutant) -> tuple[Mutant, str, float]:
            tree = trees.get()
            try:
                return mutant, *outcome(tree, mutant, limit)
            finally:
                trees.put(tree)

        for done in as_completed([pool.submit(one, mutant) for mutant in mutants]):
            mutant, word, seconds = done.result()
            results.append((mutant, word))
            print(f"{len(results):4d}  {word:9s} {seconds:5.0f} s  {mutant.file}: {mutant.about}", flush=True)
    return results


def report(results: list[tuple[Mutant, str]]) -> bool:
    """Print the share seen by folder and what survived; true when the promise is kept."""
    kept = True
    print()
    for folder in [*sorted({mutant.folder for mutant, _ in results}), "all"]:
        words = [word for mutant, word in results if folder in (mutant.folder, "all")]
        seen = sum(word in ("seen", "overran") for word in words)
        kept &= seen >= (SHARE if folder == "all" else SHARE_OF_FOLDER) * len(words)
        print(f"{folder:16s}{seen:5d} of {len(words):4d}  {seen / len(words):4.0%}")
    for mutant, word in results:
        if word not in ("seen", "overran"):
            print(f"{word}: {mutant.file}: {mutant.about}")
    return kept


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("files", nargs="*", type=Path, help="files of errors; all beside this one if none")
    parser.add_argument("--only", default="", help="only errors whose file or `about` holds this text")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds given to the tests of one error")
    parser.add_argument("--sound", action="store_true", help="the tests are known to pass as things are")
    given = parser.parse_args()
    mutants = read(given.files or sorted(HERE.glob("*.toml")), given.only)
    if not mutants:
        raise SystemExit("no error to plant")
    if not report(plant(mutants, given.workers, given.limit, given.sound)):
        raise SystemExit(f"fewer than promised: {SHARE:.0%} of all, {SHARE_OF_FOLDER:.0%} of every folder")


if __name__ == "__main__":
    main()
