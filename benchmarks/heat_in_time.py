"""One event with heat in time over one with steady heat, in turns: 171 conducting atoms in 8,000 sites.

    python benchmarks/heat_in_time.py [--events 40] [--turns 4]

A column with a gap of one layer, held at 1.3 V: events follow each other in about 1 to 50 ps, so that each of
them finds heat under way. Electrodes that get warm are discs of TiN as in docs/pulse_pairs.py.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from gapped_column import fill, least_times
from report import write_table

from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.thermal import HeatReservoir, Thermal

SIDE, WARM_UP = 5.2e-9, 10  # m, events
STACK = HeatReservoir(resistance=4.6e6, capacity=8e-17)
HEAT = {
    "steady": Thermal(),
    "in time": Thermal(transient=True),
    "in time, electrodes that get warm": Thermal(transient=True, bottom=STACK, top=STACK),
}


def main() -> None:
    """Print one row per set and kind of heat."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--events", type=int, default=40)
    command.add_argument("--turns", type=int, default=4)
    options = command.parse_args()
    rows = []
    for name in ("HfO2-fast", "HfO2-volatile"):
        devices = {
            kind: fill(Device(Material.load(name), SIDE, SIDE, seed=7, thermal=thermal))
            for kind, thermal in HEAT.items()
        }
        cost = least_times(devices, WARM_UP, options.events, options.turns)
        steady = cost.pop("steady")
        for kind, value in cost.items():
            rows.append(
                [
                    f"event of {name}, heat {kind}",
                    f"{value:.2f} ms",
                    f"{steady:.2f} ms",
                    f"{value / steady:.2f}",
                    "<= 3",
                ]
            )
    write_table(["quantity", "ours", "steady heat", "ratio", "target"], rows)


if __name__ == "__main__":
    main()
