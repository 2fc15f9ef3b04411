"""Values that tests hold are those that were recorded: python tests/oracles/recorded.py FILE ...

Plugin of the tests. Where ``tests/recorded`` has a file of a test file, each of its tests passes only if what
it holds when it ends is as recorded: numbers, arrays, texts, datasets, cards, errors and figures among its
variables and among what its calls returned, the figures that it drew, what the command line printed, and the
files that it wrote into its folders. So a test of one value sees an error in any other that it computes.

Recording runs the test files twice, forwards and backwards (``pytest --record``, without xdist), and keeps
what is the same. A test that is new or written otherwise has no recorded values, so it passes. Numbers agree
within 2e-5, arrays by their shape, mean, weighted mean and the mean of their sizes.
"""

import ast
import contextlib
import dataclasses
import functools
import hashlib
import inspect
import io
import json
import math
import os
import re
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parents[1]
FOLDER = TESTS / "recorded"
DIGITS, TOLERANCE = 6, 2e-5
MOST = 40
"""Items of a list or table that are looked at, and values of a test that are kept."""
DEEPEST = 4
APART = re.compile(
    "provenance|environment|software|version|checksum|elapsed|machine|git$|path$|created|^stat\\(|^write_bytes\\("
)
"""Names of values that change with commit, machine or day."""
PLACES = re.compile(rf"(?:/tmp/|{re.escape(str(TESTS.parent))}/)\S*")
"""Files of a test and of this repository, wherever it lies."""
HEXADECIMAL = re.compile(r"\b[0-9a-f]{7,64}\b")
NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
TEXTS = {".txt", ".csv", ".md", ".va", ".sp", ".cir", ".inc", ".toml", ".xyz", ".py", ".sh", ".tex"}
LARGEST = 400_000
"""Bytes of a file that is read."""
Value = list[float] | str


class Values(dict[str, Value]):
    """What a test holds, as numbers and texts by name."""

    def __init__(self, folders: list[Path]) -> None:
        super().__init__()
        self.folders = folders

    def take(self, name: str, value: Any, depth: int = 0) -> None:
        """Take a value, and what is in it."""
        if depth > DEEPEST or APART.search(name.lower()) or len(self) >= MOST * 4:
            return
        if isinstance(value, bool | None):
            self[name] = str(value)
        elif isinstance(value, str):
            self.text(name, value)
        elif isinstance(value, int | float | complex | np.number | np.bool_):
            self.numbers(name, np.asarray(value))
        elif isinstance(value, np.ndarray):
            self.array(name, value)
        elif isinstance(value, Mapping):
            self.each(name, list(value.items())[:MOST], depth)
        elif isinstance(value, list | tuple | set | frozenset):
            self.sequence(name, value, depth)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = (field.name for field in dataclasses.fields(value) if field.name[0] != "_")
            self.each(name, [(field, getattr(value, field, None)) for field in fields], depth)
        else:
            self.other(name, value, depth)

    def each(self, name: str, pairs: list[tuple[Any, Any]], depth: int) -> None:
        for key, value in pairs:
            self.take(f"{name}.{key}" if isinstance(key, str | int) else f"{name}.?", value, depth + 1)

    def sequence(self, name: str, value: Any, depth: int) -> None:
        values = list(value) if isinstance(value, list | tuple) else sorted(value, key=repr)
        if values and all(isinstance(one, int | float | np.number) for one in values):
            self.numbers(name, np.asarray(values))
        else:
            self[f"{name}.len"] = [float(len(values))]
            self.each(name, list(enumerate(values[:MOST])), depth)

    def other(self, name: str, value: Any, depth: int) -> None:
        kind = f"{type(value).__module__}.{type(value).__name__}"
        if kind.startswith("xarray.") and hasattr(value, "variables"):
            self.each(name, [(key, value[key]) for key in sorted(map(str, value.variables))], depth)
        elif kind.startswith("xarray.") and hasattr(value, "dims"):
            unit = str(value.attrs.get("units", ""))
            self.array(f"{name} ({unit})" if unit else name, np.asarray(value.values))
        elif kind.startswith("pandas.") and hasattr(value, "columns"):
            self.each(name, [(str(key), value[key].to_numpy()) for key in value.columns], depth)
        elif kind.startswith("torch.") and hasattr(value, "detach"):
            self.array(name, value.detach().cpu().numpy())
        elif kind == "matplotlib.figure.Figure":
            self.figure(name, value)
        elif hasattr(value, "excinfo"):  # of pytest.raises
            self.text(name, str(value.excinfo.value) if value.excinfo else "")
        elif isinstance(value, types.SimpleNamespace) or (
            kind.startswith("frenkel") and depth < 2 and hasattr(value, "__dict__")
        ):
            self.each(name, [pair for pair in vars(value).items() if pair[0][0] != "_"][:MOST], depth)

    def text(self, name: str, value: str) -> None:
        """Take a text: its numbers, and what is left of it."""
        for folder in self.folders:
            value = value.replace(str(folder), "FOLDER")
        value = HEXADECIMAL.sub("HASH", PLACES.sub("FILE", value))
        found = [float(number.replace("−", "-")) for number in NUMBER.findall(value)]
        if found:
            self.numbers(f"{name}#", np.array(found))
        words = " ".join(NUMBER.sub("0", value).split())
        code = hashlib.sha256(words.encode()).hexdigest()[:12]
        self[name] = words if len(words) <= 60 else f"{code} {words[:24]}"

    def array(self, name: str, value: np.ndarray) -> None:
        if value.dtype.kind in "biufc":
            self.numbers(name, value)
        elif value.dtype.kind in "UST" or (value.dtype == object and value.size < 1000):
            self.text(name, " ".join(str(one) for one in value.ravel()[:1000]))

    def numbers(self, name: str, value: np.ndarray) -> None:
        flat = np.asarray(value).ravel()
        if flat.dtype.kind == "c":
            flat = np.concatenate([flat.real, flat.imag])
        flat = flat.astype(np.float64)
        if flat.size <= 3:
            self[name] = [rounded(one) for one in flat]
            return
        finite = np.isfinite(flat)
        left = np.where(finite, flat, 0.0)
        weights = np.cos(np.arange(flat.size) * 0.7310) + 1.5
        with np.errstate(over="ignore", invalid="ignore"):
            sums = left.mean(), np.abs(left).mean(), (weights * left).mean()
        found = [*np.shape(value), int(finite.sum()), *map(rounded, sums)]
        self[name] = found if found[-2] != found[-3] else [*found[:-2], found[-1]]

    def figure(self, name: str, figure: Any) -> None:
        """Take what is drawn: of all axes scales, words, lines, marks, bars and maps."""
        for number, axes in enumerate(figure.axes):
            at = f"{name}.axes{number}"
            if not hasattr(axes, "lines"):
                continue
            legend = axes.get_legend()
            words = [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
            words += [axes.get_xscale(), axes.get_yscale()]
            words += [part.get_text() for part in axes.texts]
            words += [part.get_text() for part in legend.get_texts()] if legend else []
            self.text(f"{at}.words", " | ".join(words))
            self.numbers(f"{at}.limits", np.array([*axes.get_xlim(), *axes.get_ylim()]))
            self.text(f"{at}.styles", " ".join(str(self.style(line)) for line in axes.lines))
            parts_of = {"lines": axes.lines, "marks": axes.collections, "patches": axes.patches}
            for kind, parts in parts_of.items():
                points = [points_of(part) for part in parts]
                if points:
                    self.numbers(f"{at}.{kind}", np.concatenate([[len(points)], *points]))
            for picture in axes.images:
                self.numbers(f"{at}.image", np.ma.filled(picture.get_array().astype(float), np.nan))

    @staticmethod
    def style(line: Any) -> tuple[Any, ...]:
        return line.get_linestyle(), line.get_marker(), line.get_color(), line.get_linewidth()

    def file(self, path: Path) -> None:
        """Take what is in a file that the test wrote."""
        name = f"file {path.name}"
        if path.stat().st_size > LARGEST:
            return
        if path.suffix == ".json":
            self.take(name, json.loads(path.read_text()))
        elif path.suffix in TEXTS:
            self.text(name, path.read_text())
        elif path.suffix == ".nc":
            import xarray as xr

            with xr.open_dataset(path, decode_times=False) as data:
                self.take(name, data.load())


def points_of(part: Any) -> np.ndarray:
    """Return the numbers of a line, of a collection or of a patch of a figure."""
    if hasattr(part, "get_xydata"):
        return np.asarray(part.get_xydata(), np.float64).ravel()
    if hasattr(part, "get_offsets"):
        ways = [np.asarray(path.vertices).ravel() for path in part.get_paths()[:200]]
        values = part.get_array()
        filled = [] if values is None else [np.ma.filled(np.ma.asarray(values).astype(float), np.nan).ravel()]
        return np.concatenate([np.ma.filled(part.get_offsets(), np.nan).ravel(), *ways, *filled])
    return np.asarray(part.get_path().vertices, np.float64).ravel()


def rounded(value: Any) -> float:
    return float(f"{float(value):.{DIGITS}g}")


def alike(one: Value, other: Value) -> bool:
    """Whether two values agree."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    if len(one) != len(other):
        return False
    size = max((abs(value) for value in one if math.isfinite(value)), default=0.0) if len(one) > 3 else 0.0
    return all(
        a == b or (a != a and b != b) or abs(a - b) <= TOLERANCE * max(abs(a), abs(b)) + 1e-9 * size
        for a, b in zip(one, other, strict=True)
    )


# ---- the plugin -------------------------------------------------------------------------------------


def place(item: pytest.Item) -> Path:
    name = item.path.relative_to(TESTS).with_suffix("").as_posix().replace("/", ".")
    return FOLDER / f"{name}.json"


def written(item: pytest.Item) -> str:
    """Return a hash of the text of a test."""
    return _written(item.function)  # type: ignore[attr-defined]


@functools.cache
def _written(function: types.FunctionType) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:10]


class Recorded:
    """Compares or records what tests hold."""

    def __init__(self, recording: bool) -> None:
        self.recording = recording
        self.kept: dict[Path, dict[str, Any]] = {}
        self.now: dict[Path, dict[str, Any]] = {}

    def of(self, path: Path) -> dict[str, Any]:
        if path not in self.kept:
            self.kept[path] = json.loads(path.read_text()) if path.exists() else {}
        return self.kept[path]

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[None]:
        item = pyfuncitem
        if not item.path.is_relative_to(TESTS) or hasattr(item.function, "hypothesis"):
            return (yield)
        path = place(item)
        entry = self.of(path).get(item.name)
        if not self.recording and (entry is None or entry["test"] != written(item)):
            return (yield)
        with holding(item) as values:
            answer = yield
        if self.recording:
            self.now.setdefault(path, {})[item.name] = {"test": written(item), "values": dict(values)}
            return answer
        wrong = [
            f"{name} was {value} and is {values.get(name, 'not there')}"
            for name, value in entry["values"].items()
            if not alike(value, values.get(name, ""))
        ]
        if wrong:
            words = "\n".join(wrong[:8])
            command = f"python tests/oracles/recorded.py {item.path.relative_to(TESTS.parent)}"
            pytest.fail(f"not as recorded; if this is meant, {command} takes it:\n{words}", pytrace=False)
        return answer

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if "RECORD_BACKWARDS" in os.environ:
            items.reverse()

    def pytest_sessionfinish(self) -> None:
        for path, tests in self.now.items():
            once = path.with_suffix(".once")
            FOLDER.mkdir(exist_ok=True)
            if "RECORD_BACKWARDS" in os.environ:
                kept = json.loads(once.read_text())
                both = sorted(tests.keys() & kept.keys())
                found = {name: same(kept[name], tests[name]) for name in both}
                tests = {name: {**tests[name], "values": found[name]} for name in both if found[name]}
                write(path, tests)
                once.unlink()
            else:
                write(once, tests)


def write(path: Path, tests: dict[str, Any]) -> None:
    rows = (f"{json.dumps(name)}: {json.dumps(one, ensure_ascii=False)}" for name, one in tests.items())
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def same(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Value]:
    """Return the values of a test that agree in two runs of it."""
    second = other["values"]
    agree = {
        name: value for name, value in one["values"].items() if name in second and alike(value, second[name])
    }
    return dict(sorted(agree.items(), key=lambda one: one[0].count("."))[:MOST])


@contextlib.contextmanager
def holding(item: pytest.Function) -> Iterator[Values]:
    """Fill in what a test holds when it has ended."""
    folders = [value for value in item.funcargs.values() if isinstance(value, Path) and value.is_dir()]
    before = {path: path.stat().st_mtime_ns for folder in folders for path in files(folder)}
    values, figures, printed = Values(folders), [], io.StringIO()
    variables: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(locals_of(item, variables))
        stack.enter_context(drawn(figures))
        stack.enter_context(commands(item, printed))
        yield values
    for number, figure in enumerate(figures):
        values.take(f"figure{number}", figure)
    if printed.getvalue():
        values.text("printed", printed.getvalue())
    for path in sorted({path for folder in folders for path in files(folder)}):
        if before.get(path) != path.stat().st_mtime_ns:
            with contextlib.suppress(Exception):
                values.file(path)
    for name, value in variables.items():
        if name not in item.funcargs and name[0] not in "@_":
            with contextlib.suppress(Exception):  # a closed file, a lazy value that cannot be worked out
                values.take(name, value)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()][:MOST]


@contextlib.contextmanager
def locals_of(item: pytest.Function, variables: dict[str, Any]) -> Iterator[None]:
    """Take the variables of a test when it has come to its end, by one more statement there."""
    function = item.function
    if item.obj is not function or function.__closure__:
        yield
        return
    space: dict[str, Any] = {}
    exec(_longer(function, item.config), function.__globals__, space)
    longer = space[function.__name__]
    longer.__defaults__, longer.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    answers: dict[str, Any] = {}

    def keep(name: str, value: Any) -> Any:
        answers[name] = value
        return value

    function.__globals__.update({"__hold__": variables.update, "__keep__": keep})
    item.obj = longer
    try:
        yield
    finally:
        item.obj = function
        variables |= {name: value for name, value in answers.items() if name not in variables}


@functools.cache
def _longer(function: types.FunctionType, config: pytest.Config) -> types.CodeType:
    """Return what defines a function again with that statement; once for all parameters of a test."""
    lines, first = inspect.getsourcelines(function)
    text = textwrap.dedent("".join(lines))
    tree = ast.parse(text)
    (head,) = tree.body
    assert isinstance(head, ast.FunctionDef)
    head.decorator_list = []
    kept = Kept()
    head.body = [kept.visit(statement) for statement in head.body]
    head.body += ast.parse("__hold__(locals())").body
    ast.fix_missing_locations(tree)
    ast.increment_lineno(tree, first - 1)
    with contextlib.suppress(ImportError):  # the words of asserts, which pytest keeps to itself
        from _pytest.assertion.rewrite import rewrite_asserts

        rewrite_asserts(tree, text.encode(), function.__code__.co_filename, config)
    return compile(tree, function.__code__.co_filename, "exec")


class Kept(ast.NodeTransformer):
    """Keeps the last answer of each call in a test, by the text of the function and a number."""

    PLAIN: ClassVar = frozenset(
        "Path abs all any append approx bool chdir default_rng dict enumerate fail float importorskip int "
        "isinstance iter len list locals map max min next open patch print range repr reversed set "
        "setattr skip sorted str sum super tuple warns write_text zip".split()
    )

    def __init__(self) -> None:
        self.number = 0

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = ast.unparse(node.func).rpartition(".")[2]
        if name in self.PLAIN or not name.isidentifier():
            return node
        self.number += 1
        keep = ast.Name("__keep__", ast.Load())
        kept = ast.Call(keep, [ast.Constant(f"{name}() {self.number}"), node], [])
        return ast.copy_location(kept, node)


@contextlib.contextmanager
def drawn(figures: list[Any]) -> Iterator[None]:
    """Take the figures that are made."""
    if "matplotlib.figure" not in sys.modules and "matplotlib" not in sys.modules:
        import importlib.util

        if importlib.util.find_spec("matplotlib") is None:
            yield
            return
    from matplotlib.figure import Figure

    made = Figure.__init__

    def take(self: Any, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        figures.append(self)

    Figure.__init__ = take  # type: ignore[method-assign]
    try:
        yield
    finally:
        Figure.__init__ = made  # type: ignore[method-assign]


class Copied(io.TextIOBase):
    """Writes to what standard output is now, and into a copy."""

    def __init__(self, real: Any, copy: io.StringIO) -> None:
        self.real, self.copy = real, copy

    def write(self, text: str) -> int:
        self.copy.write(text)
        return self.real.write(text)

    def flush(self) -> None:
        self.real.flush()


@contextlib.contextmanager
def commands(item: pytest.Function, printed: io.StringIO) -> Iterator[None]:
    """Copy what `main` of the command line, or `run` of a test file, prints."""
    module, changed = item.module, {}

    def copying(function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            with contextlib.redirect_stdout(Copied(sys.stdout, printed)):
                return function(*args, **kwargs)

        return call

    for name in ("main", "run"):
        if inspect.isfunction(getattr(module, name, None)):
            changed[name] = getattr(module, name)
            setattr(module, name, copying(changed[name]))
    try:
        yield
    finally:
        for name, function in changed.items():
            setattr(module, name, function)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="record the values that tests hold")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorded(config.getoption("--record")), "recorded-values")


if __name__ == "__main__":
    for test in sys.argv[1:]:
        for more in ({}, {"RECORD_BACKWARDS": "1"}):
            command = [sys.executable, "-m", "pytest", "-q", "--record", test]
            if status := subprocess.run(command, env=os.environ | more).returncode:
                sys.exit(status)
