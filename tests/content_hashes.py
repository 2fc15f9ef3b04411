"""Run examples and print the content hash of each result, to see that a change of the code changes no result.

Run it before a change and after it, on the same machine, in the same environment and with the same
``OPENBLAS_CORETYPE``::

    python tests/content_hashes.py -o before.json
    python tests/content_hashes.py -o after.json --against before.json

It runs the ``frenkel`` that Python imports (see ``PYTHONPATH``) on the examples of that package.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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


def command(*words: str, folder: Path) -> str:
    """Run a command of frenkel in a folder and return what it wrote; end where it fails."""
    environment = {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg", **os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "frenkel", *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"frenkel {' '.join(words)}: status {done.returncode}: {done.stdout.strip()[-500:]}")
    return done.stdout


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


def hash_of(name: str, examples: Path, folder: Path) -> str:
    """Run one example and return the hash of its result."""
    file = f"{name}.nc"
    if name == CARD:
        hash_of(ENSEMBLE, examples, folder)
        command("fit", f"{ENSEMBLE}.nc", "-o", "hashes.card.json", folder=folder)
        return card_hash((folder / "hashes.card.json").read_text())
    command("run", str(examples / f"{name}.toml"), "-o", file, "--quiet", *RUNS[name], folder=folder)
    return command("hash", file, folder=folder).split()[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 1 where a hash differs."""
    every = (*RUNS, CARD)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=f"examples (default: all): {', '.join(every)}")
    add("-o", "--output", type=Path, metavar="HASHES.json", help="record to write")
    add("--against", type=Path, metavar="HASHES.json", help="record to compare with")
    add("--quick", action="store_true", help=f"the shorter examples alone: {', '.join(QUICK)}")
    add("--workers", type=int, default=1, metavar="N", help="examples that run at a time (default: 1)")
    options = parser.parse_args(arguments)
    names = options.names or (QUICK if options.quick else every)
    if unknown := sorted(set(names) - set(every)):
        parser.error(f"no example {', '.join(unknown)}; choose from {', '.join(every)}")
    other = json.loads(options.against.read_text())["examples"] if options.against else None

    import frenkel

    examples = Path(frenkel.__file__).parent / "examples"
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.workers) as pool:
        folders = [Path(folder, name) for name in names]
        for path in folders:
            path.mkdir()
        hashes, values = {}, pool.map(hash_of, names, [examples] * len(names), folders)
        for name, value in zip(names, values, strict=True):
            hashes[name] = {"hash": value}
            print(f"{value}  {name}", flush=True)
    if options.output:
        options.output.write_text(json.dumps({"examples": hashes}, indent=1) + "\n")
    if other is None:
        return 0
    different = [name for name in names if hashes[name]["hash"] != other.get(name, {}).get("hash")]
    print(f"different: {', '.join(different)}" if different else f"{len(names)} examples, equal")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
