"""One event in two and in three layers over one in a single layer, in turns: a column with a gap.

    python benchmarks/layers.py [--events 300] [--turns 6]

Layers differ by 1e-4 in conduction, permittivity and heat: three tables in place of one, the same physics.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from gapped_column import fill, least_times
from report import write_table

from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.stack import Layer

PLANES, ACROSS, WARM_UP = 12, 12, 20  # sites, sites, events
OTHER = {
    "conduction": {"background": "0.10001 nS"},
    "electrostatics": {"permittivity": 23.0023},
    "heat": {"conductivity": "2.80028 W/(m*K)"},
}
STACKS = {1: (12,), 2: (6, 6), 3: (4, 4, 4)}


def device_of(planes: tuple[int, ...]) -> Device:
    """Return a device of HfO2 with a column of vacancies and a gap; every second layer is the other one."""
    material = Material.load("HfO2-fast")
    a = material.lattice.spacing
    layers = [Layer(count * a, changes=OTHER if number % 2 else {}) for number, count in enumerate(planes)]
    return fill(Device(material, PLANES * a, ACROSS * a, seed=7, layers=layers))


def main() -> None:
    """Print one row for each number of layers."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--events", type=int, default=300)
    command.add_argument("--turns", type=int, default=6)
    options = command.parse_args()
    devices = {number: device_of(planes) for number, planes in STACKS.items()}
    cost = least_times(devices, WARM_UP, options.events, options.turns)
    single = cost.pop(1)
    rows = [
        [
            f"event in {number} layers",
            f"{value:.3f} ms",
            f"{single:.3f} ms",
            f"{value / single:.2f}",
            "<= 1.2",
        ]
        for number, value in cost.items()
    ]
    write_table(["quantity", "ours", "single layer", "ratio", "target"], rows)


if __name__ == "__main__":
    main()
