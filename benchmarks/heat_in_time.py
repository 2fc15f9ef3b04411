"""One event with heat in time over one with steady heat, in turns: 171 conducting atoms in 8,000 sites.

    python benchmarks/heat_in_time.py [--events 40] [--turns 4]

A column with a gap of one layer, held at 1.3 V: events follow each other in about 1 to 50 ps, so that each of
them finds heat under way. Electrodes that get warm are discs of TiN as in docs/pulse_pairs.py.
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
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.thermal import HeatReservoir, Thermal
from frenkel.kinetic.waveform import Waveform

SIDE, VOLTAGE, WARM_UP = 5.2e-9, 1.3, 10  # m, V, events
STACK = HeatReservoir(resistance=4.6e6, capacity=8e-17)
HEAT = {
    "steady": Thermal(),
    "in time": Thermal(transient=True),
    "in time, electrodes that get warm": Thermal(transient=True, bottom=STACK, top=STACK),
}


def device_of(name: str, thermal: Thermal) -> Device:
    """Return a device with a column of vacancies and a gap."""
    device = Device(Material.load(name), SIDE, SIDE, seed=7, thermal=thermal)
    nx, ny, nz = device.shape
    x, y, z = np.indices(device.shape)
    species = np.array(device.engine.species, np.int8)
    species[: device.n_hosts] = OXYGEN.code
    species[np.flatnonzero((np.hypot(x - nx // 2, y - ny // 2) <= 1.5) & (z != nz - 3))] = VACANCY.code
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
    """Print one row per set and kind of heat."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--events", type=int, default=40)
    command.add_argument("--turns", type=int, default=4)
    options = command.parse_args()
    rows = []
    for name in ("HfO2", "HfO2-volatile"):
        devices = {kind: device_of(name, thermal) for kind, thermal in HEAT.items()}
        for device in devices.values():
            event(device, WARM_UP)
        # Each turn goes on from the same state, so that all turns are of the same events.
        states = {kind: device.state() for kind, device in devices.items()}
        cost: dict[str, list[float]] = {kind: [] for kind in HEAT}
        for _ in range(options.turns):
            for kind, device in devices.items():
                device.restore(states[kind])
                cost[kind].append(event(device, options.events))
        steady = min(cost["steady"])
        for kind, values in list(cost.items())[1:]:
            ratio = min(values) / steady
            rows.append(
                [
                    f"event of {name}, heat {kind}",
                    f"{min(values):.2f} ms",
                    f"{steady:.2f} ms",
                    f"{ratio:.2f}",
                    "<= 3",
                ]
            )
    write_table(["quantity", "ours", "steady heat", "ratio", "target"], rows)


if __name__ == "__main__":
    main()
