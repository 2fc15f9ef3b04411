"""The speed of commits, as rows of `history.csv`: the demo, a small cell, a card and a crossbar.

    python benchmarks/history.py                  this commit
    python benchmarks/history.py 253eb12 HEAD     these commits
    python benchmarks/history.py --turns 5 HEAD   the least of five turns

Each commit is checked out and compiled below ``build/history`` once. All commits and the reference take
turns, each turn in a process of its own on one thread, and the least CPU time of each figure counts. The
reference is measured in every call, since the speed of a machine depends on what else runs on it: compare
rows of one call. ``lapack`` is the rate of the machine, the time of one factorisation.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from report import machine

ROOT = Path(__file__).resolve().parents[1]
TABLE, BUILDS = ROOT / "benchmarks" / "history.csv", ROOT / "build" / "history"
REFERENCE = "253eb12"
"""The commit that all are compared with."""

FIGURES = ("lapack", "demo", "small_cell", "card", "crossbar")
COLUMNS = ("measured", "commit", "date", *(f"{figure} (s)" for figure in FIGURES), "machine")

MEASURE = """
import contextlib, io, json, sys, time
import numpy as np, scipy.linalg
import frenkel as fk
from frenkel.cli.main import main

demo, switching, crossbar, card = sys.argv[1:]
small = ["device.thickness=2.6 nm", "phase.0.amplitude=4 V", "phase.1.phase.0.amplitude=-1.4 V", "seed=1"]
matrix = np.random.default_rng(1).normal(size=(1000, 1000))

def device(path, *changes):
    fk.run(fk.read_configuration(path, list(changes)))

def array():
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["run", crossbar, "-o", "array.nc", "--quiet", "--force"]) == 0

def seconds(action, calls=1):
    begin = time.process_time()
    for _ in range(calls):
        action()
    return (time.process_time() - begin) / calls

devices = fk.Card.load(card)
devices.sample(2, 2, 1)
device(switching, *small, "phase.1.repeat=1")  # imports and tables
print(json.dumps({
    "lapack": min(seconds(lambda: scipy.linalg.lu_factor(matrix)) for _ in range(5)),
    "demo": seconds(lambda: device(demo, "phase.1.repeat=1")),
    "small_cell": (seconds(lambda: device(switching, *small, "phase.1.repeat=11"))
                   - seconds(lambda: device(switching, *small, "phase.1.repeat=1"))) / 10,
    "card": seconds(lambda: devices.sample(500, 500, 1), calls=3),
    "crossbar": seconds(array),
}))
"""
"""What a commit does in one turn: with names that are public, and the files of today but for the card."""


def git(*arguments: str) -> str:
    """Return what git prints about this clone."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def build(commit: str) -> Path:
    """Return the folder of a commit, checked out and compiled where it is not yet."""
    folder = BUILDS / commit
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=ROOT / "build") as place:
            clone = Path(place) / "clone"
            git("clone", "--quiet", "--shared", str(ROOT), str(clone))
            for command in (["git", "checkout", "--quiet", commit],
                            [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]):  # fmt: skip
                subprocess.run(command, cwd=clone, check=True)
            BUILDS.mkdir(parents=True, exist_ok=True)
            clone.rename(folder)
    return folder


def turn(clone: Path) -> dict[str, float]:
    """Return the CPU seconds of each figure with the code of a clone."""
    inputs = (ROOT / "benchmarks" / "demo_first.toml", ROOT / "examples" / "switching.toml",
              ROOT / "examples" / "array_passive.toml", clone / "examples" / "hfo2.card.json")  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(clone / "src"), "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", MEASURE, *map(str, inputs)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{clone.name} ended with {done.returncode}: {done.stderr[-500:]}")
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def main() -> None:
    """Measure and append rows."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("commits", nargs="*", default=["HEAD"], metavar="COMMIT")
    command.add_argument("--turns", type=int, default=3, help="of each commit, of which the least counts")
    options = command.parse_args()
    (ROOT / "build").mkdir(exist_ok=True)
    names = dict.fromkeys(git("rev-parse", f"{name}^{{commit}}") for name in (REFERENCE, *options.commits))
    clones = {name: build(name) for name in names}
    least = {name: dict.fromkeys(FIGURES, float("inf")) for name in names}
    for _ in range(options.turns):
        for name, clone in clones.items():
            seconds = turn(clone)
            least[name] = {figure: min(least[name][figure], seconds[figure]) for figure in FIGURES}
            print(name[:8], " ".join(f"{figure} {seconds[figure]:.4g} s" for figure in FIGURES), flush=True)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    new = not TABLE.exists()
    with TABLE.open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        if new:
            rows.writerow(COLUMNS)
        for name, figures in least.items():
            day = git("show", "--no-patch", "--format=%cs", name)
            rows.writerow([now, name[:10], day, *(f"{figures[key]:.4g}" for key in FIGURES), machine()])


if __name__ == "__main__":
    main()
