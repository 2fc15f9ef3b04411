"""What the default set does, in the numbers of README and docs/default.md.

    .venv/bin/python tests/verification/default_device.py [MATERIAL] [--devices 24] [--cycles 20]

Cells of 2.6 nm as in examples/switching.toml, on seeds that chose nothing: cycles, then waits at 85 C of what
SET leaves, each until half or twice of its conductance is left, or 4 s of CPU time are used up. Two minutes
on two cores.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from device_bench import PROTOCOL
from device_cycles import cycles, listed, summary
from device_retention import HOT, retention
from device_states import prepare

WAITED = 5001
"""Seed of the first device whose states wait."""


def main():
    """Read the command line, run the devices, print what they did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("material", nargs="?", default="HfO2", help="by name or path")
    parser.add_argument("--seed", type=int, default=2601, help="of the first device; the others follow")
    parser.add_argument("--devices", type=int, default=24)
    parser.add_argument("--cycles", type=int, default=20, help="of each device")
    parser.add_argument("--states", type=int, default=12, help="that wait, each of another device")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.devices)
    found = cycles(options.material, seeds, options.cycles, workers=2, **PROTOCOL)
    print(f"{len(seeds)} devices of {options.cycles} cycles; forming at {listed(found.forming, '{:.2f}')} V")
    print(summary(found))
    print(f"below 1,500 K in {found.within('hottest', 0, 1500):.0%} of the cycles")
    if options.states:
        print(waits(options.material, range(WAITED, WAITED + options.states)))


def waits(material, seeds):
    """Let what the third SET leaves wait at 85 C; return a line about it."""
    states = prepare(material, seeds, 3, keep=1, budget=60.0, workers=2, **PROTOCOL)
    found = retention(states, "low", (HOT,), budget=4.0, workers=2)
    told = []
    for ratio in found.ratio[0]:
        read = np.isfinite(ratio)
        lost = np.flatnonzero(read & (np.abs(np.log2(np.where(read, ratio, 1.0))) > 1.0))
        told.append(
            f"{found.time[lost[0]]:.0e}" if len(lost) else f"> {found.time[read].max(initial=0.0):.0e}"
        )
    gone = sum(not text.startswith(">") for text in told)
    return f"{gone} of {len(told)} states are lost at {HOT:g} K, after (s) {', '.join(told)}"


if __name__ == "__main__":
    main()
