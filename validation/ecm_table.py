"""Cells of silver and copper in SiO2 with electrochemical interfaces: the rows of their table, by seed.

``python validation/ecm_table.py`` prints medians with intervals of 90 % by order statistics, and how many of
the devices meet what is asked. Ramps of 10 V/s, a hold of 0.1 s at the compliance, 8 planes, 1 kohm in
series. Some ten minutes on one core.
"""

import argparse
import math
from pathlib import Path

import numpy as np
from ecm_cells import G0, cell, hold
from scipy.stats import binom

from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

CURRENTS = (1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4)
SETS = ("Ag", "Cu")
FILES = Path(__file__).parent.parent / "tests" / "materials"


def material(metal: str) -> Material:
    """Return the set of a metal with an interface."""
    return Material.read(FILES / f"{metal}-SiO2-interface.toml")


def set_to(metal: str, compliance: float, seed: int, layers: int = 8) -> tuple[Device, float]:
    """Return a cell after a SET that was held for 0.1 s at its compliance, and V_SET (V; NaN without one)."""
    device = cell(material(metal), layers, seed, series_resistance=1e3, compliance=compliance)

    def limited(at, _):
        return at.current(at.device_voltage) >= 0.999 * compliance

    try:
        device.advance(Waveform.ramp(3.0, 10.0), samples=2, stop=limited, budget=300_000)
        found = device.source_voltage if limited(device, 0.0) else math.nan
        device.advance(Waveform.constant(device.source_voltage, 0.1), samples=2, budget=300_000)
    except EventBudgetError:
        return device, math.nan
    return device, found


def kept(device: Device, limit: float = 1e5) -> tuple[float, str]:
    """Return how long (s) at 0 V half of the conductance stays, and why it ended."""
    least = 0.5 * device.conductance / G0
    return hold(device, Waveform.constant(0.0, limit), lambda g: g < least, budget=60_000)


def interval(values: list[float]) -> str:
    """Return the median with its interval of at least 90 % between two of the values."""
    ordered = np.sort(values)
    n = len(ordered)
    k = max(int(binom.ppf(0.05, n, 0.5)) - 1, 0)
    return f"{np.median(ordered):.3g} ({ordered[k]:.3g} to {ordered[n - 1 - k]:.3g})"


def main() -> None:
    """Print the rows."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--first", type=int, default=101, help="first seed")
    options.add_argument("--devices", type=int, default=12)
    options.add_argument("--rows", default="ric,retention,thickness,off")
    given = options.parse_args()
    seeds, rows = range(given.first, given.first + given.devices), given.rows.split(",")
    for metal in SETS:
        if "ric" in rows:
            for compliance in CURRENTS:
                cells = [set_to(metal, compliance, seed) for seed in seeds]
                across = [compliance / device.conductance for device, _ in cells]
                inside = sum(0.1 / 3 <= v <= 0.4 * 3 for v in across)
                events = [float(device.events) for device, _ in cells]
                print(
                    f"{metal} {compliance:.0e} A: R I_c {interval(across)} V, {inside} of {len(across)} in "
                    f"0.1 to 0.4 V within 3, V_SET {interval([v for _, v in cells])} V, "
                    f"events {interval(events)}",
                    flush=True,
                )
        if "retention" in rows:
            for compliance in (1e-6, 1e-5, 1e-4):
                found = [kept(set_to(metal, compliance, seed)[0]) for seed in seeds]
                times = [t for t, _ in found]
                cut = sum(why == "budget" for _, why in found)
                print(
                    f"{metal} {compliance:.0e} A: half of G for {interval(times)} s (at most 1e5), "
                    f"below 1 s in {sum(t < 1 for t in times)}, "
                    f"1e5 s in {sum(t >= 1e5 for t in times)} of {len(times)}, "
                    f"{cut} cut off by events",
                    flush=True,
                )
        if "thickness" in rows:
            for layers in (8, 20, 38):
                found = [set_to(metal, 1e-6, seed, layers)[1] for seed in list(seeds)[:4]]
                values = ", ".join(f"{v:.2f}" for v in found)
                print(f"{metal} {layers} planes: V_SET {values} V", flush=True)
        if "off" in rows:
            numbers = material(metal)
            size = 8 * numbers.lattice.spacing
            cold, hot = (
                Device(numbers, size, size, seed=1, temperature=t).conductance for t in (300.0, 358.0)
            )
            energy = math.log(hot / cold) * BOLTZMANN_EV / (1 / 300.0 - 1 / 358.0)
            print(f"{metal} as made: {1 / cold:.3g} ohm at 300 K, activation {energy:.3f} eV", flush=True)


if __name__ == "__main__":
    main()
