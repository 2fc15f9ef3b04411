"""Pairs of pulses at delays from 1 ps to 10 ns: what a device remembers of the first pulse through its heat.

    python docs/pulse_pairs.py [--members 24] [--picture FOLDER]

A column of vacancies with a gap, which is made and not formed, gets two pulses of the same voltage. Heat in
time against steady heat, electrodes of constant temperature against those of a stated stack. Writes
pulse_pairs.json, and with --picture pulse_pairs.png from it into a folder. All delays of a device share its
first pulse and random numbers.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from frenkel.analysis.plots import colours
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.thermal import HeatReservoir, Thermal
from frenkel.kinetic.waveform import Waveform

FILE = Path(__file__).with_suffix(".json")
DELAYS = np.array([1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0])  # ps
EDGE, WIDTH = 0.1e-12, 200e-12  # s
VOLTAGE = {"HfO2": 0.8, "TaOx": 1.2}
STACK = HeatReservoir(resistance=4.6e6, capacity=8e-17)
"""A disc of TiN 20 nm thick and of 20 nm radius: 3.2 MJ/(m3 K), 1/(4 kappa r) with 20 W/(m K), and an
interface of 200 MW/(m2 K). All of these are placeholders, recalled; the time constant is 0.37 ns."""
HEAT = {
    "electrodes of constant temperature": Thermal(transient=True),
    "electrodes of the stack": Thermal(transient=True, bottom=STACK, top=STACK),
    "steady heat": Thermal(),
}


def device_of(name: str, thermal: Thermal, member: int) -> Device:
    """Return a device of 2.6 nm with a column of vacancies that has a gap of one layer below the top."""
    device = Device(Material.load(name), 2.6e-9, 2.6e-9, seed=7, member=member, thermal=thermal)
    nx, ny, nz = device.shape
    x, y, z = np.indices(device.shape)
    species = np.array(device.engine.species, np.int8)
    species[: device.n_hosts] = OXYGEN.code
    species[np.flatnonzero((np.hypot(x - nx // 2, y - ny // 2) <= 1.1) & (z != nz - 2))] = VACANCY.code
    device.arrange(species=species)
    return device


def pulse(voltage: float) -> Waveform:
    """Return one pulse."""
    return Waveform.points([0.0, EDGE, EDGE + WIDTH, 2 * EDGE + WIDTH], [0.0, voltage, voltage, 0.0])


def pairs(name: str, thermal: Thermal, member: int) -> list[list[float]]:
    """Return ln(G after over before) of the second pulse, and its hottest sample (K), by delay."""
    device, rows = device_of(name, thermal, member), []
    device.advance(pulse(VOLTAGE[name]), samples=2)
    after_first = device.state()
    for delay in DELAYS:
        device.restore(after_first, stream=(0,))
        device.advance(Waveform.constant(0.0, delay * 1e-12), samples=2)
        before = device.conductance
        record = device.advance(pulse(VOLTAGE[name]), samples=12)
        rows.append(
            [float(np.log(device.conductance / before)), float(record.sample["temperature_max"].max())]
        )
    return rows


def draw(found: dict[str, dict[str, list[list[list[float]]]]], picture: Path) -> None:
    """Draw the change of the conductance in the second pulse against the delay."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(8.5, 6), sharex=True, layout="constrained")
    for column, (name, kinds) in zip(axes.T, found.items(), strict=True):
        for (kind, members), paint in zip(kinds.items(), colours.SERIES, strict=False):
            values = np.array(members)
            change, hottest = values[..., 0], values[..., 1] - values[:, -1:, 1]
            error = change.std(0, ddof=1) / np.sqrt(len(change))
            column[0].errorbar(DELAYS, change.mean(0), error, marker="o", capsize=3, color=paint, label=kind)
            column[1].plot(DELAYS, np.median(hottest, 0), marker="o", color=paint, label=kind)
        column[0].set(xscale="log", title=f"{name}, {VOLTAGE[name]:g} V, {WIDTH * 1e12:g} ps")
        column[1].set(xlabel="delay / ps")
    axes[0, 0].set_ylabel("ln(G after / before)")
    axes[1, 0].set_ylabel("excess over 10 ns / K")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=9)
    figure.savefig(picture, dpi=110)


def main() -> None:
    """Compute what is missing, and draw."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--members", type=int, default=24)
    command.add_argument("--picture", type=Path, metavar="FOLDER")
    options = command.parse_args()
    found: dict[str, dict[str, list[list[list[float]]]]] = {}
    if FILE.exists():
        found = json.loads(FILE.read_text())["found"]
    for name in VOLTAGE:
        for kind, thermal in HEAT.items():
            rows = found.setdefault(name, {}).setdefault(kind, [])
            while len(rows) < options.members:
                rows.append(pairs(name, thermal, len(rows)))
                FILE.write_text(json.dumps({"delays_ps": DELAYS.tolist(), "found": found}) + "\n")
    if options.picture is not None:
        draw(found, options.picture / FILE.with_suffix(".png").name)


if __name__ == "__main__":
    main()
