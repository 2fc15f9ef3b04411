"""Light on a halide perovskite cell: SET time and hops of iodide vacancies against the photon flux.

python examples/light.py      writes light.png, a minute of one core

In Ag/MAPbI3/Pt (set MAPbI3-Ag) light multiplies the hops of iodide vacancies, forward and reverse alike, by
1 + 99 sqrt(P / P0): ion conductivity rises a hundredfold in light (Kim et al., Nat. Mater. 17, 445 (2018),
doi:10.1038/s41563-018-0038-0, summary read), P0 is 1 mW/cm2 of visible light and the root chosen. Energies
stay, so that light brings ions to the same equilibrium, earlier. A real cell under light is out of
equilibrium: it loses iodine in the end, and carriers change its current; neither is here. What is read is
how long cells take to SET at a constant voltage, dark and in light: equal cells, other random numbers as
soon as one iodide vacancy has hopped.
"""

from dataclasses import dataclass

import numpy as np

import frenkel as fk
from frenkel.kinetic.run import EventBudgetError

SEED, DEVICES = 1, 64
MATERIAL, LAYERS, WIDTH = "MAPbI3-Ag", 6, 7  # sites
FLUXES = (0.0, 3e18, 3e19, 3e20)  # 1/(m^2 s)
VOLTS, LIMIT, LONGEST, EVENTS = 0.25, 1e-6, 5e-3, 300_000  # V, A, s


@dataclass(frozen=True, slots=True)
class Seen:
    """What one cell did: time of its SET (s), and hops of its iodide vacancies until then."""

    time: float
    hops: int


def cell(seed: int) -> fk.Device:
    """Return a fresh cell behind a source with a current limit."""
    material = fk.Material.load(MATERIAL)
    spacing = material.lattice.spacing
    circuit = fk.Circuit(compliance=LIMIT)
    return fk.Device(material, LAYERS * spacing, WIDTH * spacing, seed=seed, circuit=circuit)


def switch(seed: int, flux: float) -> Seen:
    """Wait at a constant voltage under light until the current of a fresh cell reaches the limit."""
    device = cell(seed)
    device.light = flux
    try:
        device.advance(
            fk.Waveform.constant(VOLTS, LONGEST),
            samples=2,
            budget=EVENTS,
            stop=lambda _, current: abs(current) >= 0.999 * LIMIT,
        )
    except EventBudgetError:
        pass  # a lower bound
    halide = device.material.mechanisms.index("interstitial hop")
    return Seen(device.time, int(device.engine.counts[halide].sum()))


def measure(devices: int = DEVICES, fluxes: tuple[float, ...] = FLUXES) -> dict[float, list[Seen]]:
    """Return what each cell did, by flux; 0 is the dark."""
    return {flux: [switch(seed, flux) for seed in range(SEED, SEED + devices)] for flux in fluxes}


def ratio(found: dict[float, list[Seen]], flux: float) -> tuple[float, float, float]:
    """Return low end, geometric mean and high end (95 %) of SET times over those in the dark."""
    difference = np.log([one.time for one in found[flux]]) - np.log([one.time for one in found[0.0]])
    half = 1.96 * difference.std(ddof=1) / np.sqrt(len(difference))
    low, middle, high = np.exp(difference.mean() + half * np.array([-1, 0, 1]))
    return float(low), float(middle), float(high)


def words(found: dict[float, list[Seen]]) -> dict[str, str]:
    """Return what docs/review.md says of it."""
    ratios = []
    for flux in list(found)[1:]:
        low, middle, high = ratio(found, flux)
        hops = np.mean([one.hops for one in found[flux]])
        ratios.append(f"{flux:g} /m2s {middle:.2f} ({low:.2f} to {high:.2f}), {hops:.3g} hops of iodide")
    dark = np.mean([one.hops for one in found[0.0]])
    return {
        "light": (
            f"SET time at {VOLTS:g} V over that in the dark, {len(found[0.0])} cells: {'; '.join(ratios)}; "
            f"{dark:.2g} hops in the dark"
        )
    }


def draw(found: dict[float, list[Seen]], path: str) -> None:
    """Draw SET times and hops against the flux."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    places, labels = np.arange(len(found)), ["dark", *(f"{flux:g}" for flux in list(found)[1:])]
    times = 1e6 * np.array([[one.time for one in row] for row in found.values()])
    left.plot(np.repeat(places, times.shape[1]), times.ravel(), ".", color="C0", alpha=0.3)
    logs = np.log(times)
    middle, half = logs.mean(axis=1), 1.96 * logs.std(axis=1, ddof=1) / np.sqrt(times.shape[1])
    error = np.exp(middle) - np.exp(middle - half), np.exp(middle + half) - np.exp(middle)
    mean = {"fmt": "o-", "color": "C1", "capsize": 3, "label": "geometric mean, 95 %"}
    left.errorbar(places, np.exp(middle), error, **mean)
    left.set(yscale="log", ylabel=f"SET time at {VOLTS:g} V / us")
    left.legend()
    right.plot(places, [np.mean([one.hops for one in row]) for row in found.values()], "o-")
    right.set(yscale="log", ylabel="hops of iodide vacancies until SET, mean")
    for panel in (left, right):
        panel.set_xticks(places, labels)
        panel.set_xlabel("flux of absorbed photons / (1/(m² s))")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "light.png")
    print("\n".join(words(found).values()))
