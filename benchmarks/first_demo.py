"""The demo of commit ee91764 on this code, and on that commit in the same run.

    git clone . /tmp/first && cd /tmp/first && git checkout ee91764 && python setup.py build_ext --inplace
    python benchmarks/first_demo.py [--first /tmp/first] [--rounds 2]

``demo_first.toml`` is that demo under the names of today. Both run as whole processes, `frenkel run` with its
file, and take turns; the least CPU time of each counts. They are jobs of the same size rather than the same
job: fields and energies are others than then, so the numbers of events and of solutions are told beside.
Without the clone (or FRENKEL_FIRST) its columns stay empty.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import xarray as xr
from report import machine, write, write_table

HEADER = ["quantity", "ours", "peer", "ratio", "target", "events, ours / peer", "solutions, ours / peer"]
ROOT = Path(__file__).resolve().parents[1]
OURS, FIRST = ROOT / "benchmarks" / "demo_first.toml", Path("examples") / "switching.toml"


def run(clone: Path, configuration: Path) -> tuple[float, int, int]:
    """Return CPU seconds of one run with the code of a clone, and its numbers of events and field solutions.

    Raises
    ------
    RuntimeError
        When the run fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(clone / "src"), "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "demo.nc"
        command = [sys.executable, "-m", "frenkel", "run", str(configuration), "-o", str(result)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, env=environment, cwd=clone, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise RuntimeError(f"frenkel run in {clone} ended with {done.returncode}: {done.stderr[-500:]}")
        with xr.open_dataset(result) as found:
            events, solves = int(found["events"].values[-1]), int(found["field_solves"].values[-1])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, events, solves


def rows(first: Path | None, rounds: int) -> Iterator[list[str]]:
    """Yield the row, by the columns of `HEADER`."""
    runs: list[list[tuple[float, int, int]]] = [[], []]
    for _ in range(rounds):
        runs[0].append(run(ROOT, OURS))
        if first is not None:
            runs[1].append(run(first, FIRST))
    (ours, events, solves), name = min(runs[0]), "the demo of ee91764: forming and six cycles"
    if first is None:
        yield [name, f"{ours:.1f} s", "-", "-", ">= 4x", f"{events:,} / -", f"{solves:,} / -"]
        return
    theirs, their_events, their_solves = min(runs[1])
    yield [name, f"{ours:.1f} s", f"ee91764 {theirs:.1f} s", f"{theirs / ours:.1f}x", ">= 4x",
           f"{events:,} / {their_events:,}", f"{solves:,} / {their_solves:,}"]


def main() -> None:
    """Measure and print."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--first", type=Path, default=os.environ.get("FRENKEL_FIRST"), metavar="CLONE",
                         help="compiled clone at ee91764 (FRENKEL_FIRST)")
    command.add_argument("--rounds", type=int, default=2, help="runs of each, of which the best counts")
    options = command.parse_args()
    if options.first is not None and not (options.first / "src" / "frenkel").is_dir():
        command.error(f"--first must be a clone of frenkel, got {str(options.first)!r}")
    write(machine())
    write()
    write_table(HEADER, rows(options.first, options.rounds))


if __name__ == "__main__":
    main()
