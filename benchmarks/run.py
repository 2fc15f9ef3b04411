"""All benchmarks, one table.

``python benchmarks/run.py`` runs every benchmark as its own process, one after another, and prints one
markdown table with the columns of all. A clone at ee91764 is given by FRENKEL_FIRST.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from report import machine, read_tables, write, write_table

FOLDER = Path(__file__).resolve().parent
BENCHMARKS = (
    "events", "fields", "growth", "default_cycles", "first_demo", "demo_split",
    "families", "ensembles", "arrays", "noise",
)
LEADING = ("quantity", "ours", "peer", "ratio", "target")


def run(name: str) -> tuple[list[dict[str, str]], list[str]]:
    """Run one benchmark; return the rows of its tables and what else it said.

    Raises
    ------
    RuntimeError
        When the benchmark fails: a table with holes would be read as a complete one.
    """
    command = [sys.executable, str(FOLDER / f"{name}.py")]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            sys.stderr.write(line)  # progress; the table itself comes at the end
            lines.append(line)
    if process.returncode:
        raise RuntimeError(f"benchmark {name} ended with {process.returncode}; its message is above")
    said = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("|")]
    return read_tables("".join(lines)), said


def main() -> None:
    """Run what is asked for and print one table."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("names", nargs="*", default=list(BENCHMARKS), metavar="NAME",
                         help=f"of {', '.join(BENCHMARKS)}; all by default")
    names = command.parse_args().names
    missing = [name for name in names if not (FOLDER / f"{name}.py").is_file()]
    if missing:
        command.error(f"there is no benchmark {missing[0]!r}; there are {', '.join(BENCHMARKS)}")
    rows: list[dict[str, str]] = []
    notes: list[str] = []
    for name in names:
        found, said = run(name)
        rows += found
        notes += said
    header = [*LEADING, *dict.fromkeys(column for row in rows for column in row if column not in LEADING)]
    write(machine() + "\n")
    write_table(header, ([row.get(column, "-") for column in header] for row in rows))
    write()
    for note in dict.fromkeys(notes):
        write(f"- {note}")


if __name__ == "__main__":
    main()
