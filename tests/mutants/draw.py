"""Plant one error at each of N lines of the package, drawn by chance, and count those that tests see.

    python tests/mutants/draw.py --seed $(git rev-parse HEAD) --lines 200 --packages-at-least 20 --workers 2
    python tests/mutants/draw.py --seed $(git rev-parse HEAD) ... --list
    python tests/mutants/draw.py --seed $(git rev-parse HEAD) ... --table

Each line at which an error can be planted (see `errors.py`) is as likely as every other. Where the N give
fewer lines of a package than asked, further ones of it follow. The seed is the hash of the last commit of
tests, so that no test was written for these lines; another seed is for practice.

An error is judged by the tests that run its line (see `lines_run.py`), by those of the folder beside first,
quick ones before slow ones, until one fails. Tests that read values of all sources come first. Of Cython
the test files judge that load the module and belong to its package or run devices. Test files without a
record judge if they import the module. A test that takes ten times as long as usual (CPU time) has seen the
error: "overran". A test without a record that failed is run once more without the error. Results are
appended to ``build/drawn/SEED.jsonl``, and a line judged there is not judged again. Errors that change no
result are listed in `drawn/equivalent.toml`.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import functools
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue

import errors
import lines_run
import plant

ROOT = plant.ROOT
RESULTS = ROOT / "build" / "drawn"
EQUIVALENT = Path(__file__).parent / "drawn" / "equivalent.toml"
PAGE = ROOT / "docs" / "trust.md"
BEGIN, END = "<!-- drawn errors, by tests/mutants/draw.py -->", "<!-- end of drawn errors -->"
FOLDERS = ("kinetic", "array", "events", "mpi_runs", "analysis", "applications/studies", "src/frenkel")
MOST_EQUIVALENT = 0.05
SHARE, SHARE_OF_PACKAGE = 0.8, 0.65
SEEN, COUNTED = ("seen", "overran"), ("seen", "overran", "survived")
PATIENCE = 120.0
"""Least seconds given to collecting tests and to each of them."""


@dataclass(frozen=True)
class Drawn:
    """A line that was drawn, and its error."""

    package: str
    file: str
    change: errors.Change
    alternatives: tuple[errors.Change, ...]
    """Further errors of the line, in the order in which they stand in where one does not build."""

    @property
    def compiled(self) -> bool:
        return self.file.endswith(".pyx")

    @property
    def about(self) -> str:
        return self.change.about(source(self.file))

    @property
    def key(self) -> str:
        return f"{self.file}:{self.change.line}: {self.about}"


@functools.cache
def source(file: str) -> str:
    return (ROOT / file).read_text()


def package_of(file: str) -> str:
    """Return the top-level package of a file; modules beside the packages of src/frenkel are `frenkel`."""
    parts = Path(file).parts
    if parts[0] == "src":
        return parts[2] if len(parts) > 3 else "frenkel"
    return "studies" if parts[0] == "applications" else parts[0]


def files() -> Iterator[str]:
    """Yield the sources in which errors are planted."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py*")):
            linked = any(
                parent.is_symlink() for parent in [path, *path.parents] if parent.is_relative_to(ROOT)
            )
            if path.suffix in (".py", ".pyx") and not linked:
                yield path.relative_to(ROOT).as_posix()


def draw(seed: str, number: int, at_least: int) -> list[Drawn]:
    """Return the lines drawn with a seed, each with its error."""
    of_line: dict[tuple[str, int], list[errors.Change]] = {}
    for file in files():
        for change in errors.changes(file, source(file)):
            of_line.setdefault((file, change.line), []).append(change)
    order = random.Random(seed).sample(sorted(of_line), len(of_line))
    chosen = order[:number]
    counts: dict[str, int] = {package_of(file): 0 for file, _ in order}
    for file, _ in chosen:
        counts[package_of(file)] += 1
    for file, line in order[number:]:
        if counts[package_of(file)] < at_least:
            counts[package_of(file)] += 1
            chosen.append((file, line))
    return [one_error(seed, file, line, of_line[file, line]) for file, line in chosen]


def one_error(seed: str, file: str, line: int, found: Sequence[errors.Change]) -> Drawn:
    """Choose one of the errors of a line: its kind first, each as likely."""
    rng = random.Random(f"{seed} {file} {line}")
    kinds = sorted({change.kind for change in found})
    rng.shuffle(kinds)
    order = []
    for kind in kinds:
        of_kind = [change for change in found if change.kind == kind]
        order += rng.sample(of_kind, len(of_kind))
    fit = [change for change in order if file.endswith(".pyx") or parses(change.text(source(file)))]
    return Drawn(package_of(file), file, fit[0], tuple(fit[1:]))


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


# ---- who judges -------------------------------------------------------------------------------------


@dataclass
class Judges:
    """Finds the tests of a line."""

    seconds: float
    """As much as the tests of one error usually take together, at most."""
    records: list[lines_run.Record] = field(default_factory=lines_run.records)

    def of(self, drawn: Drawn) -> dict[str, float]:
        """Return the tests that judge an error in their order, each with the seconds it usually takes."""
        found = []
        for record in self.records:
            names = self.names(record, drawn)
            if names:
                total = sum(record.tests[name] for name in names)
                found.append((-nearness(record.test, drawn.file), total, record, names))
        chosen = {} if drawn.compiled else {test: PATIENCE / 10 for test in lines_run.READS}
        spent = sum(chosen.values())
        for _, _, record, names in sorted(found, key=lambda one: one[:2]):
            for name in names:
                if spent + record.tests[name] <= self.seconds or not chosen:
                    chosen[name] = record.tests[name]
                    spent += record.tests[name]
        known = {record.test for record in self.records}.union(lines_run.READS)
        rest = [test for test in lines_run.test_files() if test not in known and imports(test, drawn.file)]
        for test in sorted(rest, key=lambda test: -nearness(test, drawn.file)):
            if spent + PATIENCE / 10 <= self.seconds or not chosen:
                chosen[test] = PATIENCE / 10
                spent += PATIENCE / 10
        return chosen

    def names(self, record: lines_run.Record, drawn: Drawn) -> list[str]:
        if drawn.compiled:
            near = nearness(record.test, drawn.file) > 0 or "kinetic/run.py" in record.raw["children"]
            runs = near or not record.imports_only("kinetic/run.py")
            return record.all() if drawn.file in record.loaded and runs else []
        found = {name for line in drawn.change.lines for name in record.of_line(drawn.file, line)}
        return record.sorted(found)


def nearness(test: str, file: str) -> int:
    """Return how many folders a test file shares with a source, one more for the same name."""
    folders = Path(file).parent.parts
    folders = folders[2:] if folders[0] == "src" else folders[1:] if folders[0] == "applications" else folders
    shared = 0
    for one, other in zip(Path(test).parent.parts[1:], folders, strict=False):
        if one != other:
            break
        shared += 1
    return shared + (Path(test).stem == f"test_{Path(file).stem.lstrip('_')}")


def imports(test: str, file: str) -> bool:
    """Whether a test file imports a module by name."""
    module = file.rpartition(".")[0].removesuffix("/__init__").replace("/", ".")
    module = module.removeprefix("src.").replace("applications.studies", "frenkel_studies")
    return (module if module.startswith("frenkel") else f"frenkel.{module}") in names(test)


@functools.cache
def names(test: str) -> set[str]:
    """Return all modules, and all that they hold, which a test file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / test).read_text())):
        if isinstance(node, ast.Import):
            found.update(part.name for part in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{part.name}" for part in node.names)}
    return found


# ---- planting ---------------------------------------------------------------------------------------


def run(tree: Path, tests: dict[str, float]) -> tuple[str, str]:
    """Run tests in their order until one fails: 'seen', 'overran' or 'survived', and by which."""
    order = tree / "build" / "judges.json"
    order.write_text(json.dumps(list(tests)))
    note, failed = order.with_suffix(".note"), order.with_suffix(".failed")
    for path in (note, failed):
        path.unlink(missing_ok=True)
    folders = [str(tree / "src"), str(tree / "tests" / "mutants")]
    env = os.environ | {"PYTHONPATH": ":".join(folders), "JUDGES": str(order), "PYTHONDONTWRITEBYTECODE": "1"}
    paths = list(dict.fromkeys(name.partition("::")[0] for name in tests))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "judge",
        "--timeout=0",
    ]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [*command, *paths], cwd=tree, env=env, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        began, used, now = time.monotonic(), 0.0, ""
        while process.poll() is None:
            time.sleep(0.1)
            if note.exists() and (running := note.read_text()) != now:
                began, used, now = time.monotonic(), cpu_seconds(process.pid), running
            usual = tests.get(now, tests.get(now.partition("::")[0], len(paths)))
            limit, waited = max(PATIENCE, 10 * usual), time.monotonic() - began
            if waited > limit and (waited > 4 * limit or cpu_seconds(process.pid) - used > limit / 2):
                os.killpg(process.pid, signal.SIGKILL)
                return "overran", now
        if process.returncode in (0, 5):  # 5: none of the tests exists any more
            return "survived", ""
        return "seen", failed.read_text() if failed.exists() else now


def cpu_seconds(process: int) -> float:
    """Return the CPU time of a process (s), inf where the system does not tell: then the clock decides."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.inf
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Planter:
    """Plants errors in copies of the tree and has them judged."""

    judges: Judges
    sound: dict[str, bool] = field(default_factory=dict)
    """Whether a test that failed passes without an error."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def outcome(self, tree: Path, drawn: Drawn) -> dict[str, object]:
        """Return what became of one error, as a row of the results."""
        start = time.monotonic()
        tests = self.judges.of(drawn)
        word, by, change = "survived", "", drawn.change
        row: dict[str, object] = {"tests": len(tests)}
        if tests:
            for change in (drawn.change, *drawn.alternatives):
                word, by = self.planted(tree, drawn, change, tests)
                if word != "does not build":
                    break
        else:
            row["why"] = "no test runs the line"
        before = source(drawn.file)
        row |= {"outcome": word, "by": by, "planted": change.about(before)}
        return row | {"seconds": round(time.monotonic() - start, 1)}

    def planted(
        self, tree: Path, drawn: Drawn, change: errors.Change, tests: dict[str, float]
    ) -> tuple[str, str]:
        mutant = plant.Mutant(drawn.package, drawn.file, "", "", tuple(tests), "")
        (tree / drawn.file).write_text(change.text(source(drawn.file)))
        left = dict(tests)
        try:
            if drawn.compiled and not plant.build(tree):
                return "does not build", ""
            while True:
                word, by = run(tree, left)
                if word == "survived" or not by or self.passes(by, left):
                    return word, by
                left = {name: seconds for name, seconds in left.items() if name != by}
                if len(left) == len(tests) or not left:  # a file without a record
                    return "survived", ""
        finally:
            plant.restore(tree, mutant)

    def passes(self, name: str, tests: dict[str, float]) -> bool:
        """Whether a test passes on the tree as it is: by its record, or run now where it has none."""
        if name in tests:
            return True
        with self.lock:
            if name not in self.sound:
                self.sound[name] = plant.test(ROOT, [name], 5 * PATIENCE) == 0
                if not self.sound[name]:
                    print(f"not counted, since it fails without any error: {name}", flush=True)
            return self.sound[name]


def plant_all(drawn: Sequence[Drawn], judges: Judges, workers: int, results: Path) -> None:
    """Have all errors judged that are not in the results yet; append each as it comes."""
    done = read(results)
    left = [one for one in drawn if one.key not in done and equivalent(one) is None]
    print(f"{len(left)} of {len(drawn)} errors to judge", flush=True)
    if not left:
        return
    planter = Planter(judges)
    trees: Queue[Path] = Queue()
    results.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="drawn-") as folder, ThreadPoolExecutor(workers) as pool:
        for number in range(workers):
            plant.copy(Path(folder) / str(number))
            trees.put(Path(folder) / str(number))

        def judge(one: Drawn) -> tuple[Drawn, dict[str, object]]:
            tree = trees.get()
            try:
                return one, planter.outcome(tree, one)
            finally:
                trees.put(tree)

        for number, future in enumerate(as_completed([pool.submit(judge, one) for one in left])):
            one, row = future.result()
            with results.open("a") as file:
                file.write(json.dumps({"key": one.key, "package": one.package, **row}) + "\n")
            words = f"{row['outcome']!s:9s} {row['seconds']:5.0f} s"
            print(f"{number + 1:4d}  {words}  {one.file}:{one.change.line}: {row['planted']}", flush=True)


def read(results: Path) -> dict[str, dict[str, object]]:
    """Return the rows of results by the keys of their errors."""
    if not results.exists():
        return {}
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    return {row["key"]: row for row in rows}


# ---- errors that change nothing, and the table ------------------------------------------------------


@functools.cache
def listed() -> dict[tuple[str, str], str]:
    if not EQUIVALENT.exists():
        return {}
    entries = tomllib.loads(EQUIVALENT.read_text()).get("equivalent", [])
    return {(entry["file"], entry["error"]): entry["reason"] for entry in entries}


def equivalent(drawn: Drawn) -> str | None:
    """Return why an error changes no result, None where it is not listed."""
    return listed().get((drawn.file, drawn.about))


def table(
    drawn: Sequence[Drawn], rows: dict[str, dict[str, object]], first: int, seed: str
) -> tuple[str, bool]:
    """Return the table of a draw for the page, and whether it keeps what is promised."""
    words = [
        "equivalent"
        if equivalent(one) is not None
        else str(rows.get(one.key, {}).get("outcome", "not judged"))
        for one in drawn
    ]
    names = ("seen", "overran", "survived", "equivalent")
    lines = ["| package | drawn | " + " | ".join(names) + " | rate |", "|---|" + "---:|" * 6]
    kept = True
    groups = [(name, [k for k, one in enumerate(drawn) if one.package == name]) for name in packages(drawn)]
    for name, places in [*groups, (f"the first {first}, of all", list(range(min(first, len(drawn)))))]:
        of = [words[k] for k in places]
        counted = [word for word in of if word in COUNTED]
        rate = sum(word in SEEN for word in counted) / max(len(counted), 1)
        kept &= rate >= (SHARE if name.startswith("the first") else SHARE_OF_PACKAGE)
        cells = [str(len(of)), *(str(of.count(word)) for word in names), f"{rate:.0%}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    few = words.count("equivalent") <= MOST_EQUIVALENT * len(words)
    rest = {word: words.count(word) for word in sorted(set(words) - {*COUNTED, "equivalent"})}
    odd = f" Not counted: {', '.join(f'{number} {word}' for word, number in rest.items())}." if rest else ""
    practice = "" if len(seed) == 40 else " (practice)"
    date = datetime.datetime.now(datetime.UTC).date()
    head = (
        f"One error at each of {len(drawn)} lines drawn by chance with the seed {seed[:12]}{practice}, "
        f"{date}: `python tests/mutants/draw.py`.{odd}"
    )
    return "\n".join([head, "", *lines]), kept and few and not rest.get("not judged")


def packages(drawn: Sequence[Drawn]) -> list[str]:
    return list(dict.fromkeys(package_of(file) for file in files() if any(one.file == file for one in drawn)))


def publish(text: str) -> None:
    """Put the table between its marks on the page."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE} has no {BEGIN} with {END} after it")
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument(
        "--seed", required=True, help="hash of the last commit of tests, or a word for practice"
    )
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--packages-at-least", type=int, default=0, help="lines of each package")
    parser.add_argument("--only", default="", help="packages judged, separated by commas; all if none")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument(
        "--seconds", type=float, default=300.0, help="usual seconds of all tests of one error"
    )
    parser.add_argument("--list", action="store_true", help="print the errors and plant none")
    parser.add_argument("--table", action="store_true", help="write the table of results into docs/trust.md")
    given = parser.parse_args()
    drawn = draw(given.seed, given.lines, given.packages_at_least)
    if given.only:
        drawn = [one for one in drawn if one.package in given.only.split(",")]
    results = RESULTS / f"{given.seed[:40]}.jsonl"
    if given.list:
        judges = Judges(given.seconds)
        for one in drawn:
            tests = judges.of(one)
            cost = f"{len(tests)} tests, {sum(tests.values()):.0f} s"
            print(f"{one.file}:{one.change.line}: {one.about}  [{cost}]")
        return
    if not given.table:
        plant_all(drawn, Judges(given.seconds), given.workers, results)
    rows = read(results)
    text, kept = table(drawn, rows, given.lines, given.seed)
    print(text)
    for one in drawn:
        if rows.get(one.key, {}).get("outcome") == "survived" and equivalent(one) is None:
            print(f"survived: {one.file}:{one.change.line}: {rows[one.key]['planted']}")
    if given.table:
        publish(text)
    if not kept:
        raise SystemExit(
            f"less than promised: {SHARE:.0%} of all, {SHARE_OF_PACKAGE:.0%} of each package, at most "
            f"{MOST_EQUIVALENT:.0%} equivalent, all judged"
        )


if __name__ == "__main__":
    main()
