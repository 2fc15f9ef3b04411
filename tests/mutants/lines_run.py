"""Record which lines of the package each test runs, and which compiled modules each test file loads.

    python tests/mutants/lines_run.py [tests/array/test_cross.py ...] [--again]

Each test file runs by itself under coverage.py, which must be importable (``pip install coverage``). One JSON
file per test file goes to ``build/lines_run``, whose paths are relative to the root of the repository. Files
recorded before are skipped while their text is the same. The texts of the sources lie beside, by hash, so
that a line is found again after its file has changed.

pytest loads this module too, as the plugin that records.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import hashlib
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAP = ROOT / "build" / "lines_run"
SOURCES = ("kinetic", "array", "events", "mpi_runs", "analysis", "applications/studies", "src/frenkel")
#: Tests that compare texts of the sources: any change fails them, an error or not.
OF_TEXT = {"tests/test_mutants.py", "tests/test_content_hashes.py", "tests/test_lines_of_code.py"}
READS = ("tests/test_defaults.py",)
"""Tests that read values in the text of all Python sources: an error that changes no value passes them."""
ELSEWHERE = ("tests/browser/", "tests/spice/")  # run by commands of their own, not by `make test`
CHILD_SECONDS = 0.3
"""A test that takes less has started no process that imports the package."""
CHILD = """import coverage
coverage.process_startup()
"""
SETTINGS = """[run]
core = ctrace
parallel = true
data_file = {data}
source = {sources}
patch = _exit
context = child
"""


def test_files() -> list[str]:
    """Return the test files of `make test` that can see an error, from the root of the repository."""
    paths = (path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))
    return sorted(path for path in paths if path not in OF_TEXT and not path.startswith(ELSEWHERE))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


# ---- the plugin -------------------------------------------------------------------------------------


@dataclass
class Recorder:
    """Coverage of one test file by test: context ``number|phase``, empty while modules are imported."""

    out: Path
    coverage: Any
    limit: float
    """CPU seconds after which no further test of the file begins; tests left out are no judges."""
    numbers: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    failed: set[str] = field(default_factory=set)
    session: pytest.Session | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self.numbers.setdefault(item.nodeid, len(self.numbers))
        return (yield from self.phase(item, "setup"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        return (yield from self.phase(item, "call"))

    def pytest_runtest_logfinish(self) -> None:
        if time.process_time() > self.limit and self.session is not None:
            self.session.shouldstop = "enough seconds of this file"

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.session = session

    def phase(self, item: pytest.Item, name: str) -> Generator[None, Any, Any]:
        self.coverage.switch_context(f"{self.numbers[item.nodeid]}|{name}")
        try:
            return (yield)
        finally:
            self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        sets: dict[tuple[int, ...] | None, int] = {}
        lines: dict[str, dict[int, list[int]]] = {}
        for path in data.measured_files():
            for line, contexts in data.contexts_by_lineno(path).items():
                tests: tuple[int, ...] | None = None  # all tests of the file
                if all(context.endswith("|call") for context in contexts):
                    tests = tuple(sorted({int(context.partition("|")[0]) for context in contexts}))
                lines.setdefault(path, defaultdict(list))[sets.setdefault(tests, len(sets))].append(line)
        loaded = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
        self.out.write_text(
            json.dumps(
                {
                    "tests": {name: [self.seconds[name], name not in self.failed] for name in self.numbers},
                    "sets": list(sets),
                    "lines": lines,
                    "loaded": sorted(os.path.realpath(path) for path in loaded if path.endswith(".so")),
                }
            )
        )


if "LINES_RUN" in os.environ and "pytest" in sys.modules and __name__ != "__main__":
    import coverage

    OUT = Path(os.environ["LINES_RUN"])
    STARTED = coverage.Coverage(
        data_file=None, source=[str(ROOT / name) for name in SOURCES], config_file=False
    )
    STARTED.set_option("run:core", "ctrace")
    STARTED.start()

    def pytest_configure(config: pytest.Config) -> None:
        config.pluginmanager.register(Recorder(OUT, STARTED, float(os.environ["LINES_RUN_SECONDS"])))


# ---- recording --------------------------------------------------------------------------------------


def place(test: str) -> Path:
    return MAP / (test.removesuffix(".py").replace("/", ".") + ".json")


def relative(path: str) -> str | None:
    """A path from the root of the repository, or None for one outside it."""
    return Path(path).relative_to(ROOT).as_posix() if path.startswith(f"{ROOT}/") else None


def record(test: str, seconds: float) -> str:
    """Run one test file under coverage, write its record and return a line about it."""
    work = MAP / f"work{os.getpid()}"
    subprocess.run(["rm", "-rf", str(work)], check=True)
    (work / "site").mkdir(parents=True)
    (work / "site" / "sitecustomize.py").write_text(CHILD)
    sources = "".join(f"\n    {ROOT / name}" for name in SOURCES)
    (work / "settings").write_text(SETTINGS.format(data=work / "child", sources=sources))
    folders = [
        str(work / "site"),
        str(ROOT / "src"),
        str(Path(__file__).parent),
        os.environ.get("PYTHONPATH", ""),
    ]
    env = os.environ | {
        "PYTHONPATH": ":".join(folders),
        "LINES_RUN": str(work / "raw.json"),
        "LINES_RUN_SECONDS": str(seconds),
    }
    env |= {"COVERAGE_PROCESS_START": str(work / "settings"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "lines_run",
        "--timeout=1200",
        test,
    ]
    start = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if not (work / "raw.json").exists():
        return f"no record of {test}: {done.stdout[-300:]} {done.stderr[-300:]}"
    raw = json.loads((work / "raw.json").read_text())
    lines = {name: found for path, found in raw["lines"].items() if (name := relative(path))}
    children = children_lines(work)
    kept = {"test": digest(ROOT / test), "tests": raw["tests"], "sets": raw["sets"], "children": children}
    kept["lines"], kept["loaded"] = lines, sorted({cython(path) for path in raw["loaded"]} - {""})
    kept["sources"] = {name: keep(name) for name in sorted({*lines, *children})}
    place(test).write_text(json.dumps(kept))
    failed = [name for name, (_, passed) in raw["tests"].items() if not passed]
    words = f"{len(raw['tests'])} tests, {len(lines)} sources, {time.monotonic() - start:.0f} s"
    return f"{test}: {words}" + "".join(f"\n    not passed: {name}" for name in failed)


def children_lines(work: Path) -> dict[str, list[int]]:
    """Lines that processes started by the tests ran."""
    import coverage

    found: dict[str, set[int]] = defaultdict(set)
    for path in work.glob("child.*"):
        data = coverage.CoverageData(str(path))
        try:
            data.read()
        except coverage.exceptions.DataError:  # its process was killed
            continue
        for name in data.measured_files():
            if known := relative(name):
                found[known].update(data.lines(name) or ())
    return {name: sorted(lines) for name, lines in found.items()}


def cython(path: str) -> str:
    """The .pyx of a compiled module of the repository, or nothing."""
    name = relative(path) or ""
    source = name.partition(".")[0] + ".pyx"
    return source if name and (ROOT / source).exists() else ""


def keep(name: str) -> str:
    """Keep the text of a source under its hash, which is returned."""
    code = digest(ROOT / name)
    text = MAP / "sources" / code
    if not text.exists():
        text.parent.mkdir(exist_ok=True)
        text.write_bytes((ROOT / name).read_bytes())
    return code


# ---- looking up -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """What one test file runs."""

    test: str
    tests: dict[str, float]
    """Seconds of each test that passed."""
    seconds: float
    loaded: frozenset[str]
    raw: dict[str, Any]

    def of_line(self, source: str, line: int) -> list[str]:
        """Return the tests that run a line of a source as it is today, quickest first."""
        if source not in self.raw["sources"]:
            return []
        before = earlier_line(self.raw["sources"][source], source, line)
        if before in self.raw["children"].get(source, ()):
            return [name for name in self.all() if self.tests[name] > CHILD_SECONDS]
        for number, lines in self.raw["lines"].get(source, {}).items():
            if before in lines:
                names = self.raw["sets"][int(number)]
                if names is None:
                    return self.all()
                known = list(self.raw["tests"])
                return self.sorted(known[name] for name in names)
        return []

    def imports_only(self, source: str) -> bool:
        """Whether no test of the file runs a line of the source, beyond its import."""
        found = self.raw["lines"].get(source, {})
        return source not in self.raw["children"] and all(
            self.raw["sets"][int(number)] is None for number in found
        )

    def all(self) -> list[str]:
        return self.sorted(self.tests)

    def sorted(self, names: Iterable[str]) -> list[str]:
        return sorted((name for name in names if name in self.tests), key=self.tests.__getitem__)


@functools.cache
def earlier_line(code: str, source: str, line: int) -> int | None:
    """Return the number that a line of today had in the text that was recorded, None where it is new."""
    today = (ROOT / source).read_text()
    if digest(ROOT / source) == code:
        return line
    return _numbers((MAP / "sources" / code).read_text(), today).get(line)


@functools.lru_cache(64)
def _numbers(before: str, today: str) -> dict[int, int]:
    match = difflib.SequenceMatcher(None, before.splitlines(), today.splitlines(), autojunk=False)
    return {
        # A line that was written otherwise is looked for at its place in the piece that was replaced.
        now + 1: first + min(now - start, last - first - 1) + 1
        for _, first, last, start, end in match.get_opcodes()
        for now in range(start, end)
        if last > first
    }


def records() -> list[Record]:
    """Return what is recorded of the test files of today, in the order of their names."""
    found = []
    for test in test_files():
        if place(test).exists():
            raw = json.loads(place(test).read_text())
            tests = {name: seconds for name, (seconds, passed) in raw["tests"].items() if passed}
            found.append(Record(test, tests, sum(tests.values()), frozenset(raw["loaded"]), raw))
    return found


def current(test: str) -> bool:
    return place(test).exists() and json.loads(place(test).read_text())["test"] == digest(ROOT / test)


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("tests", nargs="*", help="test files, from the root; all of `make test` if none")
    parser.add_argument("--again", action="store_true", help="record what is recorded already, too")
    parser.add_argument("--part", default="1/1", help="of several processes at a time, as 1/2 and 2/2")
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU time given to one test file")
    given = parser.parse_args()
    part, parts = (int(number) for number in given.part.split("/"))
    wanted = [
        test for test in given.tests or test_files()[part - 1 :: parts] if given.again or not current(test)
    ]
    wanted.sort(key=lambda test: (ROOT / test).stat().st_size)
    MAP.mkdir(parents=True, exist_ok=True)
    for number, test in enumerate(wanted):
        print(f"{number + 1:4d} of {len(wanted)}  {record(test, given.seconds)}", flush=True)


if __name__ == "__main__":
    main()
