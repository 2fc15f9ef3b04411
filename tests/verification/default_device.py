"""What the default set does, in the numbers of README and docs/default.md.

    .venv/bin/python tests/verification/default_device.py [MATERIAL] [--devices 24] [--cycles 20]

Cells of 2.6 nm as in examples/switching.toml: forming at 100 V/s to 40 uA, held there for 1 ms; RESET to
-0.95 V, SET to 3 V held at 27 uA, triangles of 0.1 MV/s; 3.9 kohm in series. A minute on one core.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from device_cycles import cycles, listed, summary

CELL = {"series": 3.9e3, "rate": 1e5, "limit": 27e-6, "reset": 0.95, "set_to": 3.0, "form_limit": 40e-6}
"""Of examples/switching.toml, in SI units."""


def main():
    """Read the command line, run the devices, print what they did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("material", nargs="?", default="HfO2", help="by name or path")
    parser.add_argument("--seed", type=int, default=2401, help="of the first device; the others follow")
    parser.add_argument("--devices", type=int, default=24)
    parser.add_argument("--cycles", type=int, default=20, help="of each device")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.devices)
    found = cycles(options.material, seeds, options.cycles, **CELL)
    print(f"{len(seeds)} devices of {options.cycles} cycles; forming at {listed(found.forming, '{:.2f}')} V")
    print(summary(found))


if __name__ == "__main__":
    main()
