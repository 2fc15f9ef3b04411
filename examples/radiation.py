"""Oxygen vacancies that ions of a stated fluence make in TaOx, and what happens to HRS and LRS.

python examples/radiation.py      writes radiation.png, seconds on one core

Argon of 170 keV, as in "Effect of displacement damage on tantalum oxide resistive memory", MRS Advances
(2017), abstract read: more than half of the devices in HRS went to LRS at 1.43e13 ions/cm2. An ion loses
energy to nuclei by the universal stopping power (Ziegler, Biersack, Littmark 1985, recalled), summed over
the atoms of Ta2O5. Displacements are 0.8 dE / (2 E_d) (Norgett, Robinson, Torrens,
doi:10.1016/0029-5493(75)90035-7), with E_d = 37 eV of oxygen in HfO2 (33 and 42 eV,
doi:10.1038/s41524-024-01465-6, abstract read), of which 5 in 7 are oxygen. Each device gets a Poisson
number of vacancies, anywhere: cascades are wider than the cell. Left out: energy that recoils lose to
electrons (fewer vacancies), clusters within a cascade, and whatever moves or recombines afterwards.
"""

import numpy as np

import frenkel as fk
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY

SEED, DEVICES, LAYERS, SIDE = 1, 24, 10, 10
RADIUS, GAP = 1.1, 3  # spacings; layers
FLUENCES = np.array([1e12, 3e12, 1e13, 1.43e13, 3e13, 1e14, 3e14])  # 1/cm^2
PUBLISHED = 1.43e13
ENERGY, ION = 170.0, (18, 39.95)  # keV; atomic number and mass of argon
TANTALUM, OXYGEN_ATOM = (73, 180.95), (8, 16.00)
DISPLACEMENT = 37.0  # eV


def nuclear_stopping(target: tuple[int, float]) -> float:
    """Return the nuclear stopping power (eV cm^2 / 1e15 atoms) of the ion in a target of one kind of atom.

    S = 8.462 Z1 Z2 M1 s(e) / ((M1 + M2) (Z1^0.23 + Z2^0.23)), with
    s = ln(1 + 1.1383 e) / (2 (e + 0.01321 e^0.21226 + 0.19593 sqrt(e))) for a reduced energy e up to 30.
    """
    (z1, m1), (z2, m2) = ION, target
    screening = z1**0.23 + z2**0.23
    reduced = 32.53 * m2 * ENERGY / (z1 * z2 * (m1 + m2) * screening)
    if reduced > 30:
        raise ValueError(f"the reduced energy must be at most 30, got {reduced:.3g}")
    share = np.log(1 + 1.1383 * reduced) / (
        2 * (reduced + 0.01321 * reduced**0.21226 + 0.19593 * np.sqrt(reduced))
    )
    return float(8.462 * z1 * z2 * m1 * share / ((m1 + m2) * screening))


def vacancies_per_length(spacing: float) -> float:
    """Return the oxygen vacancies (1/m) that one ion makes in Ta2O5 with this spacing of oxygen sites (m)."""
    oxygen = 1e-6 / spacing**3  # 1/cm^3
    loss = oxygen * 1e-15 * (nuclear_stopping(OXYGEN_ATOM) + 0.4 * nuclear_stopping(TANTALUM))  # eV/cm
    return 1e2 * 5 / 7 * 0.8 * loss / (2 * DISPLACEMENT)


def expected(fluence: float, thickness: float, width: float, spacing: float) -> float:
    """Return the mean number of vacancies that a fluence (1/cm^2) makes in a cell (m)."""
    return fluence * 1e4 * width**2 * thickness * vacancies_per_length(spacing)


def irradiated(gap: int, seed: int) -> np.ndarray:
    """Return the resistance (ohm) of one device before and after each fluence, which add up."""
    material = fk.Material.load("TaOx")
    spacing = material.lattice.spacing
    device = fk.Device(material, LAYERS * spacing, SIDE * spacing, seed=seed)
    x, y, z = np.indices(device.shape)
    vacant = ((np.hypot(x - SIDE // 2, y - SIDE // 2) <= RADIUS) & (z >= gap)).ravel()
    random = np.random.default_rng([SEED, seed])
    mean = np.array([expected(f, device.thickness, device.width, spacing) for f in FLUENCES])
    counts = np.append(0, np.cumsum(random.poisson(np.diff(mean, prepend=0))))
    order = random.permutation(device.n_hosts)
    found = []
    for count in counts:
        species = np.array(device.engine.species)
        now = vacant.copy()
        now[order[:count]] = True
        species[: device.n_hosts] = np.where(now, VACANCY.code, OXYGEN.code)
        device.engine.restore(dict(device.engine.state(), species=species))
        found.append(1 / device.solved(refresh=True).conductance)
    return np.array(found)


def measure(devices: int = DEVICES) -> dict[str, np.ndarray]:
    """Return resistances (ohm) of HRS and LRS, a device a row, before and after each fluence."""
    seeds = range(SEED, SEED + devices)
    return {name: np.array([irradiated(gap, s) for s in seeds]) for name, gap in (("HRS", GAP), ("LRS", 0))}


def lost(found: dict[str, np.ndarray]) -> np.ndarray:
    """Return the fraction of HRS devices at each fluence that lie below the middle (ln R) of both states."""
    middle = np.sqrt(np.median(found["HRS"][:, 0]) * np.median(found["LRS"][:, 0]))
    return np.mean(found["HRS"][:, 1:] < middle, axis=0)


def words(found: dict[str, np.ndarray]) -> dict[str, str]:
    """Return the result as a sentence."""
    spacing = fk.Material.load("TaOx").lattice.spacing
    share, n = lost(found)[list(FLUENCES).index(PUBLISHED)], len(found["HRS"])
    error = np.sqrt(share * (1 - share) / n)
    return {
        "states": (
            f"{vacancies_per_length(spacing) * 1e-9:.1f} vacancies per ion and nm; at {PUBLISHED:g} ions/cm2 "
            f"{share:.2f} ± {error:.2f} of {n} HRS are lost (published: more than half)"
        )
    }


def draw(found: dict[str, np.ndarray], path: str) -> None:
    """Draw resistances and the fraction that is lost against the fluence."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, color in (("HRS", "C0"), ("LRS", "C1")):
        low, middle, high = np.quantile(found[name][:, 1:], [0.1, 0.5, 0.9], axis=0)
        left.fill_between(FLUENCES, low, high, color=color, alpha=0.2, lw=0)
        left.plot(FLUENCES, middle, "o-", color=color, label=f"{name}, 10, 50 and 90 %")
        left.axhline(np.median(found[name][:, 0]), color=color, ls=":", lw=1)
    left.set(xscale="log", yscale="log", xlabel="fluence / (ions/cm²)", ylabel="resistance / ohm")
    left.legend()
    right.plot(FLUENCES, lost(found), "o-")
    right.axvline(PUBLISHED, color="k", ls=":", lw=1)
    right.annotate(
        "published: more than half", (PUBLISHED, 0.5), xytext=(1.2e12, 0.6), arrowprops={"arrowstyle": "->"}
    )
    right.set(xscale="log", xlabel="fluence / (ions/cm²)", ylabel="fraction of HRS that is lost", ylim=(0, 1))
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "radiation.png")
    print("\n".join(words(found).values()))
