"""Drift of LiNbO3 cells after programming: the exponent of G ~ t^-nu, by device and level.

python examples/drift_exponent.py      writes drift_exponent.png, a minute of one core

Vacancies that pulses brought to the contact (set LiNbO3.toml beside this file) diffuse away at 0 V, and the
barrier of the contact rises. No law of time is put in: a column conducts exponentially in its vacancies near
the contact, which follow from hops. Levels are numbers of equal pulses after one of the other sign. Each
device gives an exponent by a line through ln G against ln t; Akaike's criterion compares the power law of the
mean over devices with a straight line in ln t. A cell has 25 columns; larger cells scatter less, as
1/sqrt(area). Numbers of the contact are placeholders, so that sizes of exponents are no prediction.
"""

from pathlib import Path

import numpy as np
import xarray as xr

import frenkel as fk
from frenkel.analysis.reliability.relaxation import compare_laws, conductances

SEED, DEVICES = 1, 16
LAYERS, SIDE = 20, 5  # sites
PULSE, READ = (-8.0, 2e-4), 0.1  # V and s; V
LEVELS = (1, 4, 16)  # pulses
TIMES = np.geomspace(10.0, 3e4, 15)  # s


def program(seed: int, pulses: int) -> fk.Device:
    """Return a cell after one pulse of the other sign and a number of pulses."""
    material = fk.Material.read(Path(__file__).with_name("LiNbO3.toml"))
    spacing = material.lattice.spacing
    device = fk.Device(material, LAYERS * spacing, SIDE * spacing, seed=seed)
    voltage, width = PULSE
    device.advance(fk.Waveform.constant(-voltage, width), samples=2)
    for _ in range(pulses):
        device.advance(fk.Waveform.constant(voltage, width), samples=2)
    return device


def drift(seed: int, pulses: int) -> np.ndarray:
    """Return the conductance (S) of a cell right after programming and at all times."""
    device = program(seed, pulses)
    found = [device.current(READ) / READ]
    for wait in np.diff(TIMES, prepend=0.0):
        device.advance(fk.Waveform.constant(0.0, wait), samples=2)
        found.append(device.current(READ) / READ)
    return np.array(found)


def measure(devices: int = DEVICES) -> np.ndarray:
    """Return conductances (S) by level, device and time, the first right after programming."""
    seeds = range(SEED, SEED + devices)
    return np.array([[drift(seed, pulses) for seed in seeds] for pulses in LEVELS])


def exponents(found: np.ndarray) -> np.ndarray:
    """Return nu by level and device: minus the slope of ln G against ln t."""
    x = np.log(TIMES) - np.log(TIMES).mean()
    return -(np.log(found[..., 1:]) @ x) / (x @ x)


def laws(found: np.ndarray) -> list[xr.Dataset]:
    """Return the laws of time of the mean conductance of each level, compared."""
    return [compare_laws(conductances(TIMES, level[:, 1:])) for level in found]


def mean(values: np.ndarray) -> str:
    """Return mean and standard error."""
    return f"{values.mean():.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


def words(found: np.ndarray) -> dict[str, str]:
    """Return results as sentences."""
    values, parts, aic = exponents(found), [], []
    for pulses, nu, law in zip(LEVELS, values, laws(found), strict=True):
        parts.append(f"{mean(nu)} after {counted(pulses)} (spread {nu.std(ddof=1):.3f})")
        low, high = law["preference_interval"].values
        difference = float(law["aic"].sel(law="power law") - law["aic"].sel(law="logarithm"))
        fit = float(law["r_squared"].sel(law="power law"))
        aic.append(f"{difference:.0f} ({low:.0f} to {high:.0f}), R2 of the power law {fit:.2f}")
    start = ", ".join(mean(level) for level in found[..., 0] * 1e9)
    return {
        "exponent": f"nu of {found.shape[1]} cells, {TIMES[0]:g} to {TIMES[-1]:g} s: {', '.join(parts)}",
        "law": (
            f"AIC of the power law less that of ln t, mean of {found.shape[1]} cells, each level (95 %): "
            + "; ".join(aic)
        ),
        "levels": f"G after {', '.join(map(str, LEVELS))} pulses: {start} nS",
    }


def counted(pulses: int) -> str:
    """Return a number of pulses in words."""
    return f"{pulses} pulse{'s' if pulses > 1 else ''}"


def draw(found: np.ndarray, path: str) -> None:
    """Draw conductances against time, and the distribution of exponents by level."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    values = exponents(found)
    for k, (pulses, level) in enumerate(zip(LEVELS, found, strict=True)):
        left.loglog(TIMES, 1e9 * level[:, 1:].T, color=f"C{k}", alpha=0.2, lw=0.8)
        left.loglog(TIMES, 1e9 * level[:, 1:].mean(axis=0), f"C{k}o-", ms=4, label=counted(pulses))
        order = np.sort(values[k])
        below = (np.arange(len(order)) + 0.5) / len(order)
        right.step(order, below, f"C{k}", where="mid", label=counted(pulses))
    left.set(xlabel="time at 0 V / s", ylabel=f"conductance at {READ:g} V / nS")
    left.legend()
    right.set(xlabel="drift exponent", ylabel="fraction of the cells below", ylim=(0, 1))
    right.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "drift_exponent.png")
    print("\n".join(words(found).values()))
