"""Shape of metal that grows through an electrolyte: fractal dimension, branches, clusters, speed.

python examples/dendrites.py      writes dendrites.png, half a minute of one core

Ag and Cu grow in SiO2 at a constant voltage until they bridge the electrodes. Ions leave the anode in the
weak spot of the sets, but hop alike in the whole oxide, so that nothing guides them. Ru in Ta2O5 is driven
in its set as packaged. Atoms in contact (26 neighbours of a site) are a cluster. Its fractal dimension is
that of box counting with boxes of 1, 2, 4 and 8 sites: 1 for a wire, 2 for a sheet; 2.5 for
diffusion-limited aggregation (doi:10.1103/PhysRevLett.47.1400, recalled). A branch is an end of the minimum
spanning tree that is two atoms or more away from the path between the electrodes.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.spatial.distance import cdist

import frenkel as fk
from frenkel.analysis.results import filament
from frenkel.analysis.results.filament import Snapshot
from frenkel.kinetic.run import EventBudgetError
from frenkel.units import CONDUCTANCE_QUANTUM

SEED, DEVICES, SIDE = 1, 6, 16  # sites
GROWN = {"Ag-SiO2": 4.0, "Cu-SiO2": 5.0}  # V
RUTHENIUM, VOLTS, LAYERS, EVENTS = "Ru-Ta2O5", 3.0, 10, 3_000
LIMIT = "1 uA"
JOINED, TOUCH = 0.3 * CONDUCTANCE_QUANTUM, 1.8  # S; spacings, beyond sqrt(3)
BOXES = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Growth:
    """What has grown: metal (x, y, z), and the times (s) at which its front first reached each layer."""

    metal: np.ndarray
    times: np.ndarray
    conductance: float  # S


def grow(name: str, seed: int, *, voltage: float, layers: int, guided: bool, budget: int = EVENTS) -> Growth:
    """Grow metal at a constant voltage (V) until it joins the electrodes or the budget is used up."""
    material = fk.Material.load(name)
    spacing = material.lattice.spacing
    if not guided:
        material = material.with_values({"column.migration_shift": 0.0})
    circuit = fk.Circuit(compliance=LIMIT)
    device = fk.Device(material, layers * spacing, layers * spacing, seed=seed, circuit=circuit, cache=8192)
    times = np.full(layers + 1, np.nan)

    def joined(at, _) -> bool:
        reached = front((at.engine.species[: at.n_hosts] == 1).reshape(at.shape))
        times[: reached + 1] = np.where(np.isnan(times[: reached + 1]), at.time, times[: reached + 1])
        return at.conductance > JOINED

    try:
        device.advance(fk.Waveform.constant(voltage, 1e3), samples=2, budget=budget, stop=joined)
    except EventBudgetError:
        pass  # what is there then is looked at
    return Growth(metal_of(device), times[1:], device.conductance)


def metal_of(device) -> np.ndarray:
    """Return where metal is, by site; the box, whose sides repeat, is shifted until most is in the middle."""
    metal = (np.asarray(device.engine.species[: device.n_hosts]) == 1).reshape(device.shape)
    for axis, length in enumerate(metal.shape[:2]):
        angle = np.exp(2j * np.pi * np.nonzero(metal)[axis] / length).sum()  # mean over a circle
        metal = np.roll(metal, length // 2 - round(np.angle(angle) / (2 * np.pi) * length), axis)
    return metal


def front(metal: np.ndarray) -> int:
    """Return up to which layer from the bottom electrode every layer holds metal."""
    return int(np.argmin(np.append(metal.any(axis=(0, 1)), False)))


def bridge(metal: np.ndarray) -> np.ndarray:
    """Return the atoms (n, 3) of the cluster with the most layers, in sites."""
    parts, count = label(metal, structure=np.ones((3, 3, 3)))
    clusters = [np.argwhere(parts == k) for k in range(1, count + 1)]
    return max(clusters, key=lambda atoms: (np.ptp(atoms[:, 2]), len(atoms)))


def dimension(atoms: np.ndarray) -> float:
    """Return the fractal dimension by box counting, each count the least over the offsets of the boxes."""
    counts = []
    for size in BOXES:
        offsets = np.indices((size,) * 3).reshape(3, -1).T
        counts.append(min(len(np.unique((atoms + offset) // size, axis=0)) for offset in offsets))
    return float(-np.polyfit(np.log(BOXES), np.log(counts), 1)[0])


def branches(atoms: np.ndarray) -> int:
    """Return the number of branches of a cluster."""
    lengths = cdist(atoms, atoms)
    tree = minimum_spanning_tree(np.where(lengths < TOUCH, lengths, 0))
    tree = tree + tree.T
    root, end = int(np.argmin(atoms[:, 2])), int(np.argmax(atoms[:, 2]))
    order, before = breadth_first_order(tree, root, directed=False)
    away = np.full(len(atoms), -1)
    while end >= 0:  # along the path from top to bottom
        away[end], end = 0, before[end]
    for atom in order:
        if away[atom] < 0:
            away[atom] = away[before[atom]] + 1
    ends = np.diff(tree.tocsr().indptr) == 1
    return int(np.count_nonzero(ends & (away >= 2)))


def longest_jump(growth: Growth) -> float:
    """Return the longest jump (spacings) on the easiest path between the electrodes; 1 is contact."""
    metal = growth.metal
    position = np.argwhere(metal) + 1.0
    count = len(position)
    shot = Snapshot(position, np.ones(count, bool), np.zeros(count), 1.0, metal.shape, False, "", 0)
    return filament.longest_jump(shot).length


def clusters(metal: np.ndarray) -> int:
    """Return how many clusters of two atoms or more there are."""
    parts, count = label(metal, structure=np.ones((3, 3, 3)))
    return int(np.count_nonzero(np.bincount(parts.ravel(), minlength=count + 1)[1:] > 1))


def speedup(times: np.ndarray) -> float:
    """Return the mean wait for a layer in the first half of the growth over that in the second half.

    Infinite where one event closes the second half, to which metal has grown from the other side.
    """
    half = len(times) // 2
    left = times[-1] - times[half - 1]
    return float(times[half - 1] / half / (left / (len(times) - half))) if left > 0 else np.inf


def measure(devices: int = DEVICES) -> dict[str, list[Growth]]:
    """Return what grows, by material."""
    seeds = range(SEED, SEED + devices)
    grown = {
        name: [grow(name, seed, voltage=volts, layers=SIDE, guided=False) for seed in seeds]
        for name, volts in GROWN.items()
    }
    ruthenium = [grow(RUTHENIUM, s, voltage=VOLTS, layers=LAYERS, guided=True) for s in seeds]
    return grown | {RUTHENIUM: ruthenium}


def mean(values) -> str:
    """Return mean and standard error."""
    values = np.array(values, float)
    return f"{values.mean():.2f} ± {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def words(found: dict[str, list[Growth]]) -> dict[str, str]:
    """Return what docs/review.md says of it."""
    shape = []
    for name in GROWN:
        atoms = [bridge(one.metal) for one in found[name]]
        sizes, counts = ([of(one) for one in atoms] for of in (dimension, branches))
        shape.append(f"{name}: dimension {mean(sizes)}, {mean(counts)} branches")
    speeds = []
    for name in GROWN:
        ratios = np.array([speedup(one.times) for one in found[name]])
        finite = ratios[np.isfinite(ratios)]
        by = f", by {mean(np.log10(finite))} decades" if len(finite) == len(ratios) else ""
        speeds.append(f"{name} {np.count_nonzero(ratios > 1)} of {len(ratios)}{by}")
    ruthenium = found[RUTHENIUM]
    return {
        "shape": f"{len(ruthenium)} cells each: " + "; ".join(shape),
        "feedback": f"cells that close the second half of the gap faster than the first: {'; '.join(speeds)}",
        "ruthenium": f"{mean([clusters(one.metal) for one in ruthenium])} clusters at {LIMIT}",
        "tunnelling": (
            f"longest jump on the path {mean([longest_jump(one) for one in ruthenium])} spacings at "
            f"{mean([one.conductance * 1e6 for one in ruthenium])} uS"
        ),
    }


def draw(found: dict[str, list[Growth]], path: str) -> None:
    """Draw one cell of each metal, and the times of its front."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained")
    for panel, (name, grown) in zip(panels[:3], found.items(), strict=True):
        x, y, z = np.nonzero(grown[0].metal)
        depth = np.argsort(-y)
        panel.scatter(x[depth], z[depth], c=y[depth], s=70, cmap="viridis_r", edgecolor="k", lw=0.4)
        nx, _, nz = grown[0].metal.shape
        panel.set(
            title=f"{name}, side view",
            xlim=(-1, nx),
            ylim=(-1, nz),
            aspect="equal",
            xlabel="site",
            ylabel="layer",
        )
    axes = panels[3]
    for k, name in enumerate(GROWN):
        for one in found[name]:
            layers = np.arange(1, len(one.times) + 1)
            axes.step(one.times / one.times[-1], layers, where="post", color=f"C{k}", alpha=0.6)
        axes.plot([], [], color=f"C{k}", label=name)
    axes.set(
        xlabel="time / time of the bridge", ylabel="layers that hold metal, from the cathode", xlim=(0, 1)
    )
    axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "dendrites.png")
    print("\n".join(words(found).values()))
