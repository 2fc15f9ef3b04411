"""Resistance against the gap of a filament, for every family that has one: slope and R2 of ln R.

python examples/gap_law.py      writes gap_law.png, seconds on one core

A column of conducting atoms, solid but for a gap at the bottom electrode, is put into devices that differ
in the disorder of their bonds; nothing moves. A gap of n layers is n spacings wide and is crossed by bonds
of n + 1. Each bond falls exponentially with its length (tunnelling; WKB, doi:10.1063/1.1702682); the figure
shows what is left of that in a network with parallel bonds, contacts and a leaking oxide. Gaps wider than
the longest bond are left out. Not here: sheets of one layer (2d) and Schottky contacts (interfacial), which
have no gap of a filament.
"""

import numpy as np

import frenkel as fk
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY  # codes of a host site and of its defect

SETS = {
    "vcm": ("HfO2-fast", "TaOx", "TiOx", "SiOx"),
    "ecm": ("Ag-SiO2", "Cu-SiO2", "Ru-Ta2O5"),
    "fcm": ("TaOx-FCM",),
    "2d": ("hBN-Ag",),
    "organic": ("PPMAz",),
    "perovskite": ("MAPbI3-Ag",),
}
SEED, DEVICES, LAYERS, SIDE = 1, 12, 10, 6
RADIUS = 1.1  # spacings: five atoms in each layer


def resistances(name: str, devices: int = DEVICES) -> tuple[np.ndarray, np.ndarray]:
    """Return gaps (m) of a set, and the low-voltage resistance (ohm) of each device at each gap."""
    material = fk.Material.load(name)
    spacing = material.lattice.spacing
    widest = int(material.conduction.cutoff / spacing * (1 + 1e-9)) - 1  # layers, crossed by the longest bond
    gaps = np.arange(1, widest + 1)
    found = np.empty((devices, len(gaps)))
    for k in range(devices):
        device = fk.Device(material, LAYERS * spacing, SIDE * spacing, seed=SEED + k)
        x, y, z = np.indices(device.shape)
        column = np.hypot(x - SIDE // 2, y - SIDE // 2) <= RADIUS
        for i, gap in enumerate(gaps):
            species = np.array(device.engine.species)
            species[: device.n_hosts] = np.where(column & (z >= gap), VACANCY.code, OXYGEN.code).ravel()
            device.engine.restore(dict(device.engine.state(), species=species))
            found[k, i] = 1 / device.solved(refresh=True).conductance
    return gaps * spacing, found


def line(gap: np.ndarray, resistance: np.ndarray) -> tuple[float, float]:
    """Return the slope (1/m) of the median of ln R over devices against the gap, and R2."""
    logs = np.log(np.median(resistance, axis=0))
    slope, start = np.polyfit(gap, logs, 1)
    return float(slope), float(1 - np.var(logs - slope * gap - start) / np.var(logs))


def measure(devices: int = DEVICES) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return gaps and resistances of every set."""
    return {name: resistances(name, devices) for names in SETS.values() for name in names}


def words(found: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, str]:
    """Return what docs/review.md says of it."""
    fits = {name: line(*one) for name, one in found.items() if len(one[0]) > 2}
    devices = len(next(iter(found.values()))[1])
    parts = [f"{name} {1e9 / slope:.2f} nm ({r2:.3f})" for name, (slope, r2) in fits.items()]
    return {"families": f"R grows by e in, and R2 of ln R, medians of {devices} devices: {', '.join(parts)}"}


def draw(found: dict[str, tuple[np.ndarray, np.ndarray]], path: str) -> None:
    """Draw all sets in one figure."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 5), layout="constrained")
    marks = dict(zip(SETS, "osD^vX", strict=True))
    for family, names in SETS.items():
        for name in names:
            gap, resistance = found[name]
            label = f"{name} ({family})"
            if len(gap) > 2:
                slope, r2 = line(gap, resistance)
                label += f": {slope / 1e9:.1f}/nm, R² {r2:.3f}"
            low, middle, high = np.quantile(resistance, [0.1, 0.5, 0.9], axis=0)
            error = [middle - low, high - middle]
            axes.errorbar(gap * 1e9, middle, error, marker=marks[family], capsize=2, lw=1, label=label)
    axes.set(yscale="log", xlabel="gap / nm", ylabel="resistance at low voltage / ohm")
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "gap_law.png")
    print("\n".join(words(found).values()))
