"""Pairs of pulses at delays from 1 ps to 10 ns: what a device remembers of the first pulse through its heat.

    python docs/pulse_pairs.py [--members 64] [--picture FOLDER]

A column of vacancies with a gap, which is made and not formed, gets a pulse of 1 ns (TaOx: 5 ns), which warms
its electrodes, and after a delay one of 200 ps of the same voltage. Electrodes of constant temperature, and
those of a stated stack. Writes pulse_pairs.json, and with --picture pulse_pairs.png from it into a folder.
All delays of a device share its first pulse and random numbers.
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
EDGE, SECOND = 0.1e-12, 200e-12  # s
PULSES = {"HfO2-fast": (0.8, 1e-9), "TaOx": (1.1, 5e-9)}  # V, and width of the first pulse (s)
STACK = HeatReservoir(resistance=4.6e6, capacity=8e-17)
"""A disc of TiN 20 nm thick and of 20 nm radius: 3.2 MJ/(m3 K), 1/(4 kappa r) with 20 W/(m K), and an
interface of 200 MW/(m2 K). All of these are placeholders, recalled; the time constant is 0.37 ns."""
HEAT = {
    "electrodes of constant temperature": Thermal(transient=True),
    "electrodes of the stack": Thermal(transient=True, bottom=STACK, top=STACK),
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


def pulse(voltage: float, width: float) -> Waveform:
    """Return one pulse of a voltage (V) and a width (s)."""
    return Waveform.points([0.0, EDGE, EDGE + width, 2 * EDGE + width], [0.0, voltage, voltage, 0.0])


def pairs(name: str, thermal: Thermal, member: int) -> list[list[float]]:
    """Return ln(G after over before) of the second pulse, its hottest sample (K) and its events, by delay."""
    device, rows, (voltage, first) = device_of(name, thermal, member), [], PULSES[name]
    device.advance(pulse(voltage, first), samples=2)
    after_first = device.state()
    for delay in DELAYS:
        device.restore(after_first, stream=(0,))
        device.advance(Waveform.constant(0.0, delay * 1e-12), samples=2)
        before, events = device.conductance, device.events
        record = device.advance(pulse(voltage, SECOND), samples=12)
        change, hottest = np.log(device.conductance / before), record.sample["temperature_max"].max()
        rows.append([float(change), float(hottest), device.events - events])
    return rows


def less_last(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over devices (rows) of the difference to the longest delay, and its standard error."""
    difference = values - values[:, -1:]
    return difference.mean(0), difference.std(0, ddof=1) / np.sqrt(len(difference))


def draw(found: dict[str, dict[str, list[list[list[float]]]]], picture: Path) -> None:
    """Draw what the second pulse does against the delay, less what it does after the longest."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(8.5, 6), sharex=True, layout="constrained")
    for column, (name, kinds) in zip(axes.T, found.items(), strict=True):
        for (kind, members), paint in zip(kinds.items(), colours.SERIES, strict=False):
            values = np.array(members)
            for axis, quantity in zip(column, (0, 2), strict=True):
                mean, error = less_last(values[..., quantity])
                axis.errorbar(DELAYS, mean, error, marker="o", capsize=3, color=paint, label=kind)
        voltage, first = PULSES[name]
        column[0].set(xscale="log", title=f"{name}, {voltage:g} V, {first * 1e9:g} ns, 200 ps")
        column[1].set(xlabel="delay (ps)")
    axes[0, 0].set_ylabel("excess ln G")
    axes[1, 0].set_ylabel("excess events")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=9)
    figure.savefig(picture, dpi=110)


def main() -> None:
    """Compute what is missing, and draw."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--members", type=int, default=64)
    command.add_argument("--picture", type=Path, metavar="FOLDER")
    options = command.parse_args()
    found: dict[str, dict[str, list[list[list[float]]]]] = {}
    if FILE.exists():
        found = json.loads(FILE.read_text())["found"]
    for member in range(options.members):
        for name in PULSES:
            for kind, thermal in HEAT.items():
                rows = found.setdefault(name, {}).setdefault(kind, [])
                if len(rows) <= member:
                    rows.append(pairs(name, thermal, member))
                    FILE.write_text(json.dumps({"delays_ps": DELAYS.tolist(), "found": found}) + "\n")
    for name, kinds in found.items():
        for kind, members in kinds.items():
            values = np.array(members)
            print(name, kind, f"{len(values)} devices, delays (ps):")
            for title, quantity in (("ln G", 0), ("hottest (K)", 1), ("events", 2)):
                mean, error = less_last(values[..., quantity])
                cells = (f"{d:g}: {m:.3g} +- {e:.2g}" for d, m, e in zip(DELAYS, mean, error, strict=True))
                print(f"  {title}, excess over {values[:, -1, quantity].mean():.3g}:", "; ".join(cells))
    if options.picture is not None:
        draw(found, options.picture / FILE.with_suffix(".png").name)


if __name__ == "__main__":
    main()
