"""Events per second of one device of every family, in the same box with the same number of defects.

    python benchmarks/families.py [MATERIAL ...]

A filament with a gap stands in a box of 12 x 12 x 12 sites; each event is drawn, fired and solved.
The ratio is the event rate to that of HfO2-volatile.
"""

import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from report import write_table

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.threads import one_blas_thread

SIDE, DEFECTS, EVENTS = 12, 80, 120
SETS = ("HfO2-volatile", "HfO2-ETH", "HfO2-traps")


def device_of(name: str) -> Device:
    """Return a device of a set with the same arrangement of defects in all of them."""
    material = Material.load(name)
    a = material.lattice.spacing
    device = Device(material, SIDE * a, SIDE * a, seed=1, cache=0)
    rng = np.random.default_rng(3)
    x, y, _ = np.unravel_index(np.arange(SIDE**3), (SIDE,) * 3)
    near = np.argsort((x - 6) ** 2 + (y - 6) ** 2 + 8 * rng.random(SIDE**3))[: 2 * DEFECTS]
    species = device.engine.species
    species[: SIDE**3] = OXYGEN.code
    species[rng.choice(near, DEFECTS, replace=False)] = VACANCY.code
    device.arrange(species=species)
    return device


def measure(name: str) -> tuple[float, float]:
    """Return microseconds of CPU time per event and the mean number of transitions."""
    device = device_of(name)
    device.device_voltage = 0.3
    transitions = 0
    with one_blas_thread():
        device.solved()
        began = time.process_time()
        for _ in range(EVENTS):
            candidates = device.solved().events
            candidates.total(0.3)
            transitions += candidates.n
            device.fire(candidates.pick(0.3, device.engine.draw()))
    return (time.process_time() - began) / EVENTS * 1e6, transitions / EVENTS


def main() -> None:
    """Print one row per set."""
    names = sys.argv[1:] or [*SETS, *(name for name in Material.names() if name not in SETS)]
    rows, reference = [], None
    for name in names:
        material = Material.load(name)
        cost, transitions = measure(name)
        reference = reference or cost
        rows.append(
            [
                f"event of {name} ({material.family}), {transitions:.0f} transitions",
                f"{cost:.0f} us",
                f"{names[0]} {reference:.0f} us",
                f"{reference / cost:.2f}",
                ">= 0.7",
            ]
        )
    write_table(["quantity", "ours", "peer", "ratio", "target"], rows)


if __name__ == "__main__":
    main()
