"""Run examples and print the content hash of each result, to see that a change of the code changes no result.

Run it before a change and after it, on the same machine, in the same environment and with the same
``OPENBLAS_CORETYPE``::

    python tests/content_hashes.py -o before.json
    python tests/content_hashes.py -o after.json --against before.json

It runs the ``frenkel`` that Python imports (see ``PYTHONPATH``) on the examples of that package. ``-o`` is
written after each example. The same command continues where it was stopped, unless the sources have changed.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

MEMBERS = ("--members", "8", "--engine", "serial")
RUNS: dict[str, tuple[str, ...]] = {
    "vcm": (),
    "ecm": (),
    "fcm": (),
    "interfacial": (),
    "2d": (),
    "organic": (),
    "perovskite": (),
    "switching": (),
    "rtn": (),
    "pulses": (),
    "retention": (),
    "cycled_pulse": (),
    "ensemble_cycles": MEMBERS,
    "ensemble_jumps": MEMBERS,
    "array_live": ("--set", "cells.workers=1"),
    "array_write_verify": (),
}
"""Examples, in the order of this table, and the options of ``frenkel run`` that each is given."""

CARD, ENSEMBLE = "card", "ensemble_jumps"
"""Name of the card that is fitted, and of the example from which."""

QUICK = (
    "vcm", "ecm", "fcm", "interfacial", "2d", "organic", "perovskite", "switching", "retention",
    "cycled_pulse",
)  # fmt: skip
"""Examples that ``--quick`` runs: those of less than 10 s of CPU time."""


class Failure(Exception):
    """An example did not run; the message is the end of what the command wrote."""


def command(*words: str, folder: Path) -> tuple[str, float]:
    """Run a command of frenkel and return what it wrote and its CPU time [s], with that of its processes.

    Raises
    ------
    Failure
        The command ended with another status than 0.
    """
    environment = {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg", **os.environ}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "frenkel", *words], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise Failure(f"frenkel {' '.join(words)}: status {process.returncode}: {text.strip()[-500:]}")
    return text, used.ru_utime + used.ru_stime


def numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number of a card with its path, but none of the ensemble's record (commit, date)."""
    if path == "/provenance/ensemble":
        return
    if isinstance(value, dict):
        for key in sorted(value):
            yield from numbers(value[key], f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from numbers(item, f"{path}/{index}")
    elif isinstance(value, (bool, int, float)):
        yield path, value


def card_hash(text: str) -> str:
    """Return a SHA-256 of the numbers of a card."""
    lines = "".join(f"{path} {number!r}\n" for path, number in numbers(json.loads(text)))
    return hashlib.sha256(lines.encode()).hexdigest()


def run_example(name: str, examples: Path, folder: Path) -> dict[str, Any]:
    """Run one example and return the hash of its result and the CPU time that this took [s]."""
    if name == CARD:
        file, cpu = folder / "hashes.card.json", 0.0
        if not (folder / f"{ENSEMBLE}.nc").exists():
            cpu = run_example(ENSEMBLE, examples, folder)["cpu_s"]
        cpu += command("fit", f"{ENSEMBLE}.nc", "-o", file.name, "--force", folder=folder)[1]
        return {"hash": card_hash(file.read_text()), "cpu_s": round(cpu, 1), "options": [ENSEMBLE]}
    options = RUNS[name]
    words = (str(examples / f"{name}.toml"), "-o", f"{name}.nc", "--quiet", "--force", *options)
    _, cpu = command("run", *words, folder=folder)
    hashed, _ = command("hash", f"{name}.nc", folder=folder)
    return {"hash": hashed.split()[0], "cpu_s": round(cpu, 1), "options": list(options)}


def chains(names: Sequence[str]) -> list[list[str]]:
    """Return lists of examples that can run beside each other: the card follows its ensemble."""
    lists = [[name] for name in names if name != CARD]
    if CARD in names:
        if [ENSEMBLE] in lists:
            lists[lists.index([ENSEMBLE])].append(CARD)
        else:
            lists.append([CARD])
    return lists


def sources(package: Path) -> str:
    """Return a hash of the package's Python files, compiled modules and tables."""
    sums = hashlib.sha256()
    for folder, folders, files in os.walk(package, followlinks=True):
        folders[:] = sorted(set(folders) - {"__pycache__", "examples"})
        for file in sorted(files):
            if file.endswith((".py", ".so", ".toml")):
                path = Path(folder, file)
                sums.update(f"{path.relative_to(package)}\n".encode() + path.read_bytes())
    return sums.hexdigest()


def surroundings() -> dict[str, str]:
    """Return what else decides the bits of a result: processor, libraries, kernels of OpenBLAS."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        model = next(models, model)
    core = os.environ.get("OPENBLAS_CORETYPE", "")
    libraries = {name: version(name) for name in ("numpy", "scipy")}
    return {"processor": model, "python": platform.python_version(), **libraries, "OPENBLAS_CORETYPE": core}


def differences(mine: dict[str, Any], other: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Return a line for each example whose hash differs in two records, or that one of them lacks."""
    lines = []
    for name in names:
        first, second = mine["examples"].get(name), other["examples"].get(name)
        if first is None or second is None:
            lines.append(f"{name}: not in {'this record' if first is None else 'the record compared with'}")
        elif first["options"] != second["options"]:
            lines.append(f"{name}: run with other options: {first['options']}, {second['options']}")
        elif first["hash"] != second["hash"]:
            lines.append(f"{name}: {first['hash']:.16} differs from {second['hash']:.16}")
    for key, value in mine["surroundings"].items():
        before = other["surroundings"].get(key)
        if lines and value != before:
            lines.append(f"{key} is {value!r} here and {before!r} there: this alone may change hashes")
    return lines


def load_record(path: Path | None, fingerprint: str, force: bool) -> dict[str, Any]:
    """Return the record that a stopped run left in a file, or an empty one.

    Raises
    ------
    SystemExit
        The record is of other sources.
    """
    record = {"sources": fingerprint, "surroundings": surroundings(), "examples": {}}
    if path is None or not path.exists() or force:
        return record
    earlier: dict[str, Any] = json.loads(path.read_text())
    if (earlier["sources"], earlier["surroundings"]) != (fingerprint, record["surroundings"]):
        raise SystemExit(
            f"{path} is of other sources or of another environment; replace it (--force) or name another file"
        )
    return earlier


def save(record: dict[str, Any], path: Path | None) -> None:
    """Write a record so that a reader never sees a half of it."""
    if path is not None:
        part = path.with_name(path.name + ".part")
        part.write_text(json.dumps(record, indent=1) + "\n")
        part.replace(path)


def run_all(record: dict[str, Any], names: Sequence[str], examples: Path, folder: Path, output: Path | None,
            workers: int) -> list[str]:  # fmt: skip
    """Run examples, record the hash of each at once, and return what failed."""
    lock, failures, begin = threading.Lock(), [], time.monotonic()
    names = [name for name in names if name not in record["examples"]]

    def run_chain(chain: list[str]) -> None:
        for name in chain:
            try:
                entry = run_example(name, examples, folder)
            except Failure as failure:
                failures.append(f"{name}: {failure}")
                print(failures[-1], file=sys.stderr, flush=True)
                continue
            with lock:
                record["examples"][name] = entry
                save(record, output)
                left = len(names) - sum(other in record["examples"] for other in names)
                print(f"{entry['hash']}  {name:20} {entry['cpu_s']:7.1f} s CPU   {left} left, "
                      f"{time.monotonic() - begin:.0f} s", flush=True)  # fmt: skip

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(run_chain, chains(names)))
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 1 where a hash differs or an example fails."""
    every = (*RUNS, CARD)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=f"examples (default: all): {', '.join(every)}")
    add("-o", "--output", type=Path, metavar="HASHES.json", help="record to write, and to continue")
    add("--against", type=Path, metavar="HASHES.json", help="record to compare with")
    add("--quick", action="store_true", help=f"the shorter examples alone: {', '.join(QUICK)}")
    add("--workers", type=int, default=1, metavar="N", help="examples that run at a time (default: 1)")
    add("--keep", type=Path, metavar="DIR", help="keep the results in this folder")
    add("--force", action="store_true", help="replace the record instead of continuing it")
    options = parser.parse_args(arguments)
    names = options.names or (QUICK if options.quick else every)
    if unknown := sorted(set(names) - set(every)):
        parser.error(f"no example {', '.join(unknown)}; choose from {', '.join(every)}")
    if options.workers < 1:
        parser.error(f"--workers is {options.workers}, and must be at least 1")
    other = json.loads(options.against.read_text()) if options.against else None

    import frenkel

    package = Path(frenkel.__file__).parent
    record = load_record(options.output, sources(package), options.force)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{ENSEMBLE}.nc").unlink(missing_ok=True)  # of other sources, perhaps
        failures = run_all(record, names, package / "examples", folder, options.output, options.workers)
    lines = differences(record, other, names) if other else []
    print("\n".join(lines) or f"{len(names) - len(failures)} of {len(names)} examples"
          + (", equal" if other else ""))  # fmt: skip
    return 1 if lines or failures else 0


if __name__ == "__main__":
    sys.exit(main())
