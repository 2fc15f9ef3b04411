"""On/off ratio and rectification of stacks of atoms: a Schottky contact over columns, and over a filament.

python examples/self_rectifying.py      writes self_rectifying.png, half a minute of one core

Columns: Al/Al2O3/NbxOy/Au (set Nb2O5) at several thicknesses of NbxOy, 2.5 nm in the published device
(doi:10.1038/srep13753, thickness recalled). Its vacancies are driven to and fro by one mean field, and the
current is read at both polarities. Filament: two oxides of HfO2 with a filament, whole or with a gap, on a
contact with a barrier (0.8 eV, chosen) whose conductance is that of one channel through it (Landauer).

Bonds between atoms have odd laws, and a network of odd laws has an odd current: layers alone never rectify.
The contact of columns rectifies where its barrier is wide. With a zone as wide as the film of thickness L,
E00 = hbar sqrt(2 e V_bi / m) / (2 L) and E0 = E00 coth(E00 / kT), forward and reverse currents rise as
exp(y / E0) and exp(y (1/kT - 1/E0)) with the voltage y on the barrier (doi:10.1016/0038-1101(66)90097-9):
alike where E0 = 2 kT.
"""

from typing import Any

import numpy as np

import frenkel as fk
from frenkel.kinetic.conduction.bonds import BOTTOM, Bonds
from frenkel.kinetic.conduction.transport import QuantumGap
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY

SEED, DEVICES, SIDE = 1, 6, 6  # sites
COLUMNS, LAYERS = "Nb2O5", (8, 12, 16, 24)
FIELD, TIME = 1.25e9, 6.0  # V/m, s: 3 V over 2.4 nm
FILAMENT, LOWER, UPPER, GAP, RADIUS = "HfO2-fast", 5, 5, 3, 1.1  # layers; spacings
BARRIER = 0.8  # eV
READ = 0.5  # V


def both_ways(device: fk.Device) -> list[float]:
    """Return the currents (A) at plus and minus the read voltage, both positive."""
    return [device.current(READ), -device.current(-READ)]


def columns(layers: int, seed: int, **values: float) -> np.ndarray:
    """Return currents (A) of one film, on and off (rows), forward and reverse."""
    material = fk.Material.load(COLUMNS).with_values({f"interface.{key}": one for key, one in values.items()})
    spacing = material.lattice.spacing
    device = fk.Device(material, layers * spacing, SIDE * spacing, seed=seed)
    found = []
    for volts in (FIELD * device.thickness, -FIELD * device.thickness):
        device.advance(fk.Waveform.constant(volts, TIME), samples=2)
        found.append(both_ways(device))
    return np.array(found)


def channel(barrier: float, length: float) -> float:
    """Return the conductance (S) of one channel through a barrier (eV) of a length (m) at 0 V."""
    law = QuantumGap(channels=1.0, barrier=barrier, mass=1.0, share=1.0)
    bond = Bonds(first=np.arange(1), second=np.array([BOTTOM]), law=law, length=np.array([length]))
    return float(law.current(np.zeros(1), bond)[1][0])


def filament(barrier: float, seed: int) -> np.ndarray:
    """Return currents (A) of one filament in two oxides, on and off (rows), forward and reverse."""
    material = fk.Material.load(FILAMENT)
    spacing = material.lattice.spacing
    if barrier:
        values: dict[str, Any] = {"contact_bottom_barrier": barrier, "contact_share": 1.0}
        values["contact_bottom"] = channel(barrier, spacing)
        material = material.with_values({f"conduction.{key}": one for key, one in values.items()})
    upper = {"conduction": {"prefactor": "20 uS"}}
    thick = [f"{count * spacing!r} m" for count in (LOWER, UPPER)]
    layers = [{"thickness": thick[0]}, {"thickness": thick[1], "material": upper}]
    device = fk.Device(material, width=SIDE * spacing, layers=layers, seed=seed)
    x, y, z = np.indices(device.shape)
    found = []
    for gap in (0, GAP):
        # The gap is at the other electrode, so that the filament stays on its contact.
        column = (np.hypot(x - SIDE // 2, y - SIDE // 2) <= RADIUS) & (z < device.shape[2] - gap)
        species = np.array(device.engine.species)
        species[: device.n_hosts] = np.where(column, VACANCY.code, OXYGEN.code).ravel()
        device.engine.restore(dict(device.engine.state(), species=species))
        device.solved(refresh=True)
        found.append(both_ways(device))
    return np.array(found)


def measure(devices: int = DEVICES, layers: tuple[int, ...] = LAYERS) -> dict[str, np.ndarray]:
    """Return currents (A) of every stack: device, on and off, forward and reverse."""
    seeds = range(SEED, SEED + devices)
    nanometres = 1e9 * fk.Material.load(COLUMNS).lattice.spacing
    films = {f"{COLUMNS}, {n * nanometres:.2g} nm": [columns(n, seed) for seed in seeds] for n in layers}
    flat = {f"{COLUMNS}, no barrier": [columns(layers[0], s, barrier=0.0, barrier_step=0.0) for s in seeds]}
    filaments = {
        f"{FILAMENT}, {name}": [filament(barrier, seed) for seed in seeds]
        for name, barrier in (("barrier", BARRIER), ("no barrier", 0.0))
    }
    return {name: np.array(found) for name, found in (films | flat | filaments).items()}


def on_off(found: np.ndarray) -> np.ndarray:
    """Return the on/off ratio of each device, forward."""
    return np.asarray(found[:, 0, 0] / found[:, 1, 0])


def rectification(found: np.ndarray) -> np.ndarray:
    """Return the ratio of forward to reverse current of each device that is on."""
    return np.asarray(found[:, 0, 0] / found[:, 0, 1])


def geometric(values: np.ndarray) -> str:
    """Return the geometric mean and its 95 % interval over devices."""
    logs = np.log(values)
    half = 1.96 * logs.std(ddof=1) / np.sqrt(len(logs))
    low, middle, high = np.exp(logs.mean() + half * np.array([-1, 0, 1]))
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def words(found: dict[str, np.ndarray]) -> dict[str, str]:
    """Return what docs/review.md says of it."""
    both = [
        f"{name}: on/off {geometric(on_off(one))}, rectification {geometric(rectification(one))}"
        for name, one in found.items()
    ]
    pairs = [
        f"{name}: {geometric(on_off(found[first]))} with and {geometric(on_off(found[second]))} without"
        for name, first, second in (
            (COLUMNS, next(iter(found)), f"{COLUMNS}, no barrier"),
            (FILAMENT, f"{FILAMENT}, barrier", f"{FILAMENT}, no barrier"),
        )
    ]
    return {"stack": f"at {READ:g} V, " + "; ".join(both), "on_off": "on/off, barrier: " + "; ".join(pairs)}


def draw(found: dict[str, np.ndarray], path: str) -> None:
    """Draw both ratios of every device."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for k, (name, one) in enumerate(found.items()):
        mark = "o" if name.startswith(COLUMNS) else "s"
        axes.loglog(on_off(one), rectification(one), mark, color=f"C{k}", alpha=0.7, label=name)
    axes.axhline(1, color="k", lw=0.5)
    axes.axvline(1, color="k", lw=0.5)
    axes.set(xlabel=f"on/off ratio at {READ:g} V", ylabel=f"forward over reverse current at {READ:g} V, on")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "self_rectifying.png")
    print("\n".join(words(found).values()))
