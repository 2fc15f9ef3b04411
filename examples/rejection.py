"""What a pair of cells (2T2R) rejects of changes of supply and temperature, in dB, from devices.

python examples/rejection.py      writes rejection.png, seconds on one core

HfO2 devices that differ in the disorder of their bonds hold a filament, whole (LRS) or with a gap (HRS);
nothing moves. Their currents are solved at 300 K and 358 K, and at a read voltage that is off by 10 %. A
weight is one cell whose nominal offset is subtracted digitally, or a pair. Rejection is 20 log10 of the rms
error of single cells over that of pairs. Whole filaments do not depend on temperature in this set, so that
a pair can only add the error of its HRS.
"""

import numpy as np

import frenkel as fk
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY

SEED, DEVICES, LAYERS, SIDE = 1, 24, 10, 6
RADIUS, GAP = 1.1, 3  # spacings; layers
READ, OFF = 0.2, 0.1  # V, fraction of it
COLD, WARM = 300.0, 358.0  # K


def currents(seed: int, gap: int) -> np.ndarray:
    """Return the current (A) of one device: nominal, with the supply 10 % up, and warm."""
    material = fk.Material.load("HfO2-fast")
    spacing = material.lattice.spacing
    device = fk.Device(material, LAYERS * spacing, SIDE * spacing, seed=seed, temperature=COLD)
    x, y, z = np.indices(device.shape)
    column = (np.hypot(x - SIDE // 2, y - SIDE // 2) <= RADIUS) & (z >= gap)
    species = np.array(device.engine.species)
    species[: device.n_hosts] = np.where(column, VACANCY.code, OXYGEN.code).ravel()
    device.engine.restore(dict(device.engine.state(), species=species))
    device.solved(refresh=True)
    nominal, high = device.current(READ), device.current(READ * (1 + OFF))
    device.temperature = WARM
    device.solved(refresh=True)
    return np.array([nominal, high, device.current(READ)])


def states(devices: int = DEVICES) -> dict[str, np.ndarray]:
    """Return currents (A) of LRS and HRS, a device a row: nominal, at high supply, warm."""
    return {
        name: np.array([currents(SEED + 2 * k + own, gap) for k in range(devices)])
        for own, (name, gap) in enumerate({"lrs": 0, "hrs": GAP}.items())
    }


def errors(found: dict[str, np.ndarray]) -> dict[tuple[str, str, str], np.ndarray]:
    """Return the error of each output by disturbance, weight and way, in units of LRS less HRS.

    A pair of weight 0 has two cells in HRS, of weight 1 one in LRS and one in HRS. A single cell of weight 0
    is in HRS, of weight 1 in LRS.
    """
    lrs, hrs = found["lrs"], found["hrs"]
    other = np.roll(hrs, 1, axis=0)
    unit = np.median(lrs[:, 0]) - np.median(hrs[:, 0])
    changed = {}
    for k, disturbance in ((1, "supply"), (2, "temperature")):
        for weight, cell in (("0", hrs), ("1", lrs)):
            for way, current in (("single", cell), ("pair", cell - other)):
                changed[disturbance, weight, way] = (current[:, k] - current[:, 0]) / unit
    return changed


def rms(values: np.ndarray) -> np.floating:
    """Return the root of the mean square."""
    return np.sqrt(np.mean(np.square(values)))


def rejection(single: np.ndarray, pair: np.ndarray) -> tuple[float, float, float]:
    """Return 20 log10 of the ratio of rms errors (dB) and its 95 % interval over devices (bootstrap).

    Where errors of both cells are independent, of mean m and standard deviation s, it is
    10 log10((m^2 + s^2) / (2 s^2)): cells must match for a pair to reject more.
    """
    random, n = np.random.default_rng(SEED), len(single)
    draws = [random.integers(n, size=n) for _ in range(1000)]
    with np.errstate(divide="ignore", invalid="ignore"):  # equal cells: infinite
        values = [20 * np.log10(rms(single[chosen]) / rms(pair[chosen])) for chosen in draws]
        value = 20 * np.log10(rms(single) / rms(pair))
        low, high = np.quantile(values, [0.025, 0.975])
    return float(value), float(low), float(high)


def measure(devices: int = DEVICES) -> dict[tuple[str, str, str], np.ndarray]:
    """Return the errors of some devices."""
    return errors(states(devices))


def words(found: dict[tuple[str, str, str], np.ndarray]) -> dict[str, str]:
    """Return what docs/review.md says of it."""
    sentences = {}
    for disturbance, of in (
        ("supply", f"supply {100 * OFF:.0f} % up"),
        ("temperature", f"{COLD:.0f} to {WARM:.0f} K"),
    ):
        value, low, high = rejection(found[disturbance, "0", "single"], found[disturbance, "0", "pair"])
        single, pair = (100 * rms(found[disturbance, "1", way]) for way in ("single", "pair"))
        sentences[disturbance] = (
            f"{of}: weight 0 rejected by {value:.1f} dB ({low:.1f} to {high:.1f}); "
            f"weight 1 off by {pair:.2g} % as a pair and {single:.2g} % as a single cell"
        )
    return sentences


def draw(found: dict[tuple[str, str, str], np.ndarray], path: str) -> None:
    """Draw errors of pairs against those of single cells."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for panel, disturbance in zip(panels, ("supply", "temperature"), strict=True):
        ways = [(weight, way) for weight in "01" for way in ("single", "pair")]
        for k, (weight, way) in enumerate(ways):
            error = 100 * found[disturbance, weight, way]
            panel.plot(k + np.linspace(-0.2, 0.2, len(error)), error, "o", ms=3, alpha=0.6)
        panel.set_xticks(range(4), [f"weight {weight}\n{way}" for weight, way in ways])
        panel.axhline(0, color="k", lw=0.5)
        value, low, high = rejection(found[disturbance, "0", "single"], found[disturbance, "0", "pair"])
        panel.set_title(f"{disturbance}: weight 0 by {value:.1f} dB ({low:.1f} to {high:.1f})", fontsize=10)
        panel.set_ylabel("error / % of weight 1")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "rejection.png")
    print("\n".join(words(found).values()))
