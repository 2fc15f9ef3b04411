"""One event in two and in three layers over one in a single layer, in turns: a column with a gap.

    python benchmarks/layers.py [--events 300] [--turns 6]

Layers differ by 1e-4 in conduction, permittivity and heat: three tables in place of one, the same physics.
"""

import argparse
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from report import write_table

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.stack import Layer
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.waveform import Waveform

PLANES, ACROSS, VOLTAGE, WARM_UP = 12, 12, 1.3, 20  # sites, sites, V, events
OTHER = {
    "conduction": {"background": "0.10001 nS"},
    "electrostatics": {"permittivity": 23.0023},
    "heat": {"conductivity": "2.80028 W/(m*K)"},
}
STACKS = {1: (12,), 2: (6, 6), 3: (4, 4, 4)}


def device_of(planes: tuple[int, ...]) -> Device:
    """Return a device of HfO2 with a column of vacancies and a gap; every second layer is the other one."""
    material = Material.load("HfO2")
    a = material.lattice.spacing
    layers = [Layer(count * a, changes=OTHER if number % 2 else {}) for number, count in enumerate(planes)]
    device = Device(material, PLANES * a, ACROSS * a, seed=7, layers=layers)
    x, y, z = np.indices(device.shape)
    species = np.array(device.engine.species, np.int8)
    species[: device.n_hosts] = OXYGEN.code
    column = np.hypot(x - ACROSS // 2, y - ACROSS // 2) <= 1.5
    species[np.flatnonzero(column & (z != PLANES - 3))] = VACANCY.code
    device.arrange(species=species)
    return device


def event(device: Device, number: int) -> float:
    """Let a device have some events; return the CPU time (ms) of one."""
    began, before = time.process_time(), device.events
    try:
        device.advance(Waveform.constant(VOLTAGE, 1.0), samples=2, budget=number)
    except EventBudgetError:
        pass
    return 1e3 * (time.process_time() - began) / (device.events - before)


def main() -> None:
    """Print one row for each number of layers."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--events", type=int, default=300)
    command.add_argument("--turns", type=int, default=6)
    options = command.parse_args()
    devices = {number: device_of(planes) for number, planes in STACKS.items()}
    for device in devices.values():
        event(device, WARM_UP)
    # Each turn goes on from the same state, so that all turns are of the same events.
    states = {number: device.state() for number, device in devices.items()}
    cost: dict[int, list[float]] = {number: [] for number in STACKS}
    for _ in range(options.turns):
        for number, device in devices.items():
            device.restore(states[number])
            cost[number].append(event(device, options.events))
    single = min(cost.pop(1))
    rows = [
        [
            f"event in {number} layers",
            f"{min(values):.3f} ms",
            f"{single:.3f} ms",
            f"{min(values) / single:.2f}",
            "<= 1.2",
        ]
        for number, values in cost.items()
    ]
    write_table(["quantity", "ours", "single layer", "ratio", "target"], rows)


if __name__ == "__main__":
    main()
