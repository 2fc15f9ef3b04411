"""Trains of equal pulses and of growing pulses on one filament: which update is closer to a straight line?

python examples/update_trains.py      writes update_trains.png, some minutes of one core

A TaOx filament that stays continuous (set TaOx-FCM) gets pulses that raise its conductance, then as many that
lower it. Either all have one amplitude, or amplitudes grow by equal steps about the same mean, over a small
and over a large span. The label is ten times the largest distance of conductance against pulse number from a
straight line, of the mean of all devices (`frenkel.analysis.reliability.linearity`); its error is that of
leaving one device out. All trains have the same devices and seeds. Amplitudes, widths and spans are chosen.
"""

import numpy as np

import frenkel as fk
from frenkel.analysis.reliability.linearity import nonlinearity

SEED, DEVICES, PULSES = 1, 32, 50
MATERIAL, THICKNESS, WIDTH = "TaOx-FCM", "2.6 nm", "2.6 nm"
MEAN, SPANS = 1.7, (0.0, 0.2, 0.6)  # V
PULSE, RISE, READ = 2e-3, 2e-5, 0.1  # s, s, V


def train(span: float, seed: int, pulses: int) -> np.ndarray:
    """Return conductances (S) before the first and after each pulse, up and down: shape (2, pulses + 1)."""
    device = fk.Device(MATERIAL, THICKNESS, WIDTH, seed=seed)
    ways = []
    for sign in (1, -1):
        values = [device.current(READ) / READ]
        for volts in np.linspace(MEAN - span / 2, MEAN + span / 2, pulses):
            device.advance(fk.Waveform.pulse(sign * volts, PULSE, rise=RISE), samples=2)
            values.append(device.current(READ) / READ)
        ways.append(values)
    return np.array(ways)


def measure(devices: int = DEVICES, pulses: int = PULSES) -> dict[float, np.ndarray]:
    """Return conductances (S) by span (V), of shape (devices, up and down, pulses + 1)."""
    seeds = range(SEED, SEED + devices)
    return {span: np.array([train(span, seed, pulses) for seed in seeds]) for span in SPANS}


def labels(curves: np.ndarray) -> np.ndarray:
    """Return the magnitudes of the labels of the mean way up and of the mean way down."""
    return np.abs([nonlinearity(way) for way in curves.mean(axis=0)])


def estimate(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and their standard errors."""
    left = np.array([labels(np.delete(curves, k, axis=0)) for k in range(len(curves))])
    return labels(curves), np.sqrt((len(curves) - 1) * left.var(axis=0))


def words(found: dict[float, np.ndarray]) -> dict[str, str]:
    """Return the results as sentences."""
    parts = []
    for span, curves in found.items():
        (up, down), (of_up, of_down) = estimate(curves)
        parts.append(f"{name(span)} {up:.1f} ± {of_up:.1f} up and {down:.1f} ± {of_down:.1f} down")
    return {"labels": f"label of the mean of {len(found[0.0])} devices: {'; '.join(parts)}"}


def name(span: float) -> str:
    """Return what a train is called."""
    return f"amplitudes that grow by {span:g} V" if span else "equal pulses"


def draw(found: dict[float, np.ndarray], path: str) -> None:
    """Draw single devices thinly and their means, up and down after each other."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(found), figsize=(11, 3.6), layout="constrained", sharey=True)
    for panel, (span, curves) in zip(panels, found.items(), strict=True):
        curve = 1e6 * curves.reshape(len(curves), -1)
        panel.plot(curve.T, color="C0", linewidth=0.4, alpha=0.5)
        panel.plot(curve.mean(axis=0), color="C1", linewidth=2)
        for way, begin in zip(curves.mean(axis=0), (0, curves.shape[2]), strict=True):
            panel.plot([begin, begin + len(way) - 1], 1e6 * way[[0, -1]], color="0.3", linestyle=":")
        panel.set_title(name(span))
        panel.set_xlabel("pulse")
    panels[0].set_ylabel("conductance at 0.1 V / uS")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    result = measure()
    draw(result, "update_trains.png")
    print("\n".join(words(result).values()))
