"""Repair of a cut through the polymer PPMAz-Py+Br-, and whether cells conduct again.

python examples/self_healing.py      writes self_healing.png, a minute of one core

What heals is the matrix. A reversible bond of the polymer (its ionic pairs; kinetics of such bonds in
doi:10.1021/ma401111n, abstract read) closes at k = f exp(-E / kT) and opens again at k exp(-D / kT), D being
what it gains. A site of the matrix without its bond holds no silver, so that silver cannot pass. After a
first SET a cut opens all bonds of one layer and takes the silver that is there. Cells wait at 0 V, then get
one more SET pulse; the control has no repair. Neither E nor D of this polymer was found: both are
placeholders, and times are given in 1/k. One closed site of the five in the free volume is a way for silver,
so that at 300 K a fraction 1 - exp(-5 k t) of the cells has a way again, five times sooner than the matrix is
whole. Joule heat of the second pulse closes further bonds; in the wait silver leaves the filament, and not
every cell that has a way conducts after one pulse.
"""

import numpy as np

import frenkel as fk
from frenkel.kinetic.lattice.species import OXYGEN, Species
from frenkel.kinetic.mechanisms.barrier import LINEAR
from frenkel.kinetic.mechanisms.mechanism import Mechanism
from frenkel.units import BOLTZMANN_EV

SEED, DEVICES = 1, 16
LAYERS, SIDE, CUT = 6, 7, 3  # sites; the layer that is cut
PULSE, LIMIT, READ = (4.0, 2e-2), "1 uA", 0.1  # V and s; small, since Joule heat closes bonds too; V
BARRIER, GAIN, FREQUENCY, TEMPERATURE = 0.8, 0.35, 1e13, 300.0  # eV, eV, Hz (placeholders); K
NEVER = 5.0  # eV, of the control
WAITS = (0.03, 0.1, 0.3)  # 1/k
WAYS = 5  # sites of a layer in the free volume between chains
BROKEN = Species("open bond", 10)
ON = 0.3  # of the conductance after the first SET: a cell conducts again

RATE = FREQUENCY * np.exp(-BARRIER / (BOLTZMANN_EV * TEMPERATURE))
"""k (1/s)."""


def repair(barrier: float = BARRIER) -> Mechanism:
    """Return closing and opening of a bond (eV): one object, so that rates have the ratio exp(D / kT)."""
    return Mechanism(
        "repair",
        before=(BROKEN,),
        after=(OXYGEN,),
        barrier=barrier,
        attempt_frequency=FREQUENCY,
        energy=-GAIN,
        law=LINEAR,
        alpha=0.0,
    )


def cell(seed: int, *, heals: bool) -> fk.Device:
    """Return a cell, whose open bonds close or, as a control, never do."""
    material = fk.Material.load("PPMAz")
    spacing = material.lattice.spacing
    return fk.Device(
        material,
        LAYERS * spacing,
        SIDE * spacing,
        seed=seed,
        temperature=TEMPERATURE,
        circuit=fk.Circuit(compliance=LIMIT),
        mechanisms=[repair(BARRIER if heals else NEVER)],
    )


def pulse(device: fk.Device) -> float:
    """Apply a SET pulse; return the conductance (S) afterwards."""
    device.advance(fk.Waveform.constant(*PULSE), samples=2)
    device.advance(fk.Waveform.constant(0.0, 1e-6), samples=2)
    return device.current(READ) / READ


def cut(device: fk.Device) -> None:
    """Open all bonds of one layer, whose silver is lost."""
    species = np.array(device.engine.species)
    hosts = species[: device.n_hosts].reshape(device.shape)
    hosts[:, :, CUT] = BROKEN.code
    device.engine.restore(dict(device.engine.state(), species=species))
    device.forget()


def closed(device: fk.Device) -> float:
    """Return the fraction of the sites of the cut whose bond is closed."""
    hosts = np.asarray(device.engine.species[: device.n_hosts]).reshape(device.shape)
    return float(np.mean(hosts[:, :, CUT] != BROKEN.code))


def healed(seed: int, wait: float, *, heals: bool) -> tuple[float, float, float, float]:
    """Return conductances (S) after the first SET, after the cut and after the second SET, and what closed.

    The wait is in 1/k.
    """
    device = cell(seed, heals=heals)
    first = pulse(device)
    cut(device)
    after = device.current(READ) / READ
    device.advance(fk.Waveform.constant(0.0, wait / RATE), samples=2)
    matrix = closed(device)
    return first, after, pulse(device), matrix


def measure(devices: int = DEVICES) -> dict[bool, np.ndarray]:
    """Return `healed` of cells with repair and without, by wait and cell."""
    seeds = range(SEED, SEED + devices)
    with_repair = np.array([[healed(s, wait, heals=True) for s in seeds] for wait in WAITS])
    without = np.array([[healed(s, WAITS[-1], heals=False) for s in seeds]])
    return {True: with_repair, False: without}


def conducts(found: np.ndarray) -> np.ndarray:
    """Return which cells conduct again."""
    return found[..., 2] > ON * found[..., 0]


def error(share: float, count: int) -> float:
    """Return the standard error of a fraction, of one cell more and less where all are alike."""
    share = min(max(share, 1 / (count + 2)), 1 - 1 / (count + 2))
    return float(np.sqrt(share * (1 - share) / count))


def expected(wait: float) -> float:
    """Return the fraction with a closed site in the free volume after a wait (1/k) and a pulse, at 300 K."""
    return float(1 - np.exp(-WAYS * (wait + PULSE[1] * RATE)))


def words(found: dict[bool, np.ndarray]) -> dict[str, str]:
    """Return the result as a sentence."""
    again, count = conducts(found[True]), found[True].shape[1]
    parts = [
        f"{share:.2f} ± {error(share, count):.2f} after {wait:g}/k ({expected(wait):.2f} have a way)"
        for wait, share in zip(WAITS, again.mean(axis=1), strict=True)
    ]
    control = conducts(found[False])[0]
    lost = np.median(found[True][..., 1] / found[True][..., 0])
    return {
        "cut": (
            f"a cut leaves {lost:.1g} of G; fraction of {count} cells that conduct again: "
            f"{', '.join(parts)}; without repair {control.mean():.2f} ± {error(control.mean(), count):.2f}"
        )
    }


def draw(found: dict[bool, np.ndarray], path: str) -> None:
    """Draw conductances of all cells, and fractions against the wait."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    stages = ("SET", "cut", f"SET after {WAITS[-1]:g}/k")
    for heals, color, label in ((True, "C0", "with repair"), (False, "C3", "without repair")):
        lines = left.semilogy(stages, found[heals][-1][:, :3].T, "o-", color=color, alpha=0.4)
        lines[0].set_label(label)
    left.set(ylabel=f"conductance at {READ:g} V / S")
    left.legend()
    waits, count = np.geomspace(WAITS[0] / 3, 3 * WAITS[-1], 100), found[True].shape[1]
    shares = conducts(found[True]).mean(axis=1)
    right.errorbar(
        WAITS, shares, [error(s, count) for s in shares], fmt="o", capsize=3, label="cells that conduct"
    )
    right.plot(WAITS, found[True][..., 3].mean(axis=1), "s", color="C2", label="closed bonds")
    right.plot(waits, [expected(wait) for wait in waits], "C0", lw=1, label="1 - exp(-5 k t)")
    right.plot(waits, 1 - np.exp(-waits), "C2", lw=1, label="1 - exp(-k t)")
    control = conducts(found[False]).mean()
    right.plot(WAITS[-1], control, "C3x", ms=9, label="without repair")
    right.set(xscale="log", xlabel="wait / (1/k)", ylabel="fraction", ylim=(-0.05, 1.05))
    right.legend(fontsize=8)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "self_healing.png")
    print("\n".join(words(found).values()))
