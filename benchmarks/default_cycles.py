"""What a study of the default material costs: a cycle of the small cell, and a whole device of 5.2 nm.

    python benchmarks/default_cycles.py [--devices 5] [--cycles 10]

Both run ``examples/switching.toml``, which is of 5.2 nm, the first with 2.6 nm, RESET to -1.4 V and forming
to 4 V. A cycle is the difference of two runs of one device, one of them with ``--cycles`` more; datasets are
made in both. Each device has its own seed; the median of them counts, and the largest is told.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from report import machine, write, write_table

import frenkel as fk
from frenkel.experiment import device as experiment

HEADER = ["quantity", "ours", "largest", "target", "events", "field solutions"]
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "switching.toml"
SMALL = ["device.thickness=2.6 nm", "phase.0.amplitude=4 V", "phase.1.phase.0.amplitude=-1.4 V"]
CYCLES = 6


def run(seed: int, cycles: int, changes: list[str]) -> np.ndarray:
    """Return CPU seconds, events and field solutions of one device."""
    changes = [f"seed={seed}", f"phase.1.repeat={cycles}", *changes]
    start = time.process_time()
    result = experiment.run(fk.read_configuration(EXAMPLE, changes))
    spent = time.process_time() - start
    return np.array([spent, float(result["events"][-1]), float(result["field_solves"][-1])])


def row(name: str, target: str, found: np.ndarray) -> list[str]:
    """Return one row from (devices, 3) values."""
    seconds, events, solves = np.median(found, axis=0)
    largest = found[:, 0].max()
    return [name, f"{seconds:.3g} s", f"{largest:.3g} s", target, f"{events:,.0f}", f"{solves:,.0f}"]


def rows(devices: int, cycles: int) -> Iterator[list[str]]:
    """Yield the rows, by the columns of `HEADER`."""
    run(1, 1, SMALL)  # imports and tables
    seeds = range(1, devices + 1)
    small = [(run(seed, 1 + cycles, SMALL) - run(seed, 1, SMALL)) / cycles for seed in seeds]
    yield row(f"small cell of 2.6 nm: one cycle, {devices} devices", "<= 0.04 s", np.array(small))
    thick = [run(seed, CYCLES, []) for seed in seeds]
    yield row(f"5.2 nm: forming and six cycles, {devices} devices", "<= 12 s", np.array(thick))


def main() -> None:
    """Measure and print."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--devices", type=int, default=5)
    command.add_argument("--cycles", type=int, default=10, help="cycles of the small cell that are timed")
    options = command.parse_args()
    write(machine())
    write()
    write_table(HEADER, rows(options.devices, options.cycles))


if __name__ == "__main__":
    main()
