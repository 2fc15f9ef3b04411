"""What every benchmark prints and how it takes time: one place, so that the tables agree."""

from __future__ import annotations

import math
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import scipy
import scipy.linalg

from frenkel.threads import one_blas_thread


def machine() -> str:
    """Name the machine and the software by what decides speed; no host name."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    model = found[1].strip() if found else platform.processor() or platform.machine()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (f"{model}, {os.cpu_count()} cores{load}; Python {platform.python_version()}, "
            f"NumPy {np.__version__}, SciPy {scipy.__version__}; CPU time of one thread; {lapack_rates()}")


def lapack_rates(size: int = 400) -> str:
    """Return how fast this machine multiplies, factors and inverts a matrix: the floor of a field update."""
    square = np.random.default_rng(1).random((size, size))
    square = square @ square.T + size * np.eye(size)
    factor = scipy.linalg.lapack.dpotrf(square)[0]
    work = {
        "dgemm": (2.0, lambda: square @ square),
        "dpotrf": (1 / 3, lambda: scipy.linalg.lapack.dpotrf(square)),
        "dpotri": (2 / 3, lambda: scipy.linalg.lapack.dpotri(factor)),
    }
    with one_blas_thread():
        rates = {name: share * size**3 / best(action, 5) * 1e-9 for name, (share, action) in work.items()}
    return ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items()) + f" GF/s at {size}"


def best(action: Callable[[], object], inner: int = 50, groups: int = 7) -> float:
    """Return the least CPU seconds of one call among groups of `inner` calls."""
    least = math.inf
    for _ in range(groups):
        start = time.process_time()
        for _ in range(inner):
            action()
        least = min(least, (time.process_time() - start) / inner)
    return least


def write(line: str = "") -> None:
    """Write a line at once, so that a long benchmark can be watched."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def write_table(header: list[str], rows: Iterable[list[str]]) -> None:
    """Write a markdown table, each row as soon as it is measured."""
    write("| " + " | ".join(header) + " |")
    write("|" + "---|" * len(header))
    for row in rows:
        write("| " + " | ".join(row) + " |")


def read_tables(text: str) -> list[dict[str, str]]:
    """Read the rows of all markdown tables in a text, each as {column: cell}."""
    rows: list[dict[str, str]] = []
    header: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.lstrip().startswith("|"):
            header = []
        elif not header:
            header = cells
        elif any(set(cell) - set("-: ") for cell in cells):
            rows.append(dict(zip(header, cells, strict=False)))
    return rows
