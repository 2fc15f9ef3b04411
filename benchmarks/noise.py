"""What noise and retention cost: trap events, spectra and hidden Markov models, a decade of time at rest.

python benchmarks/noise.py
"""

import os
import time
from collections.abc import Iterator
from itertools import pairwise

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from report import write_table

from frenkel.analysis.noise import markov, rtn, spectrum, trace
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform
from frenkel.threads import one_blas_thread

SAMPLES = 1_000_000
SIDE = 10
EVENTS = 20_000
FILAMENTS = 10


def trap_events(traps: int) -> float:
    """Return events per second of CPU of some traps on a device whose atoms stand still."""
    material = Material.load("HfO2-traps").with_mechanisms(["electron capture"])
    a = material.lattice.spacing
    material = material.with_values({"trap.density": traps / (SIDE * a) ** 3})
    device = Device(material, SIDE * a, SIDE * a, seed=4, cache=256)
    device.device_voltage = 0.1
    with one_blas_thread():
        for _ in range(200):  # configurations that the cache keeps from then on
            candidates = device.solved().events
            candidates.total(0.1)
            device.fire(candidates.pick(0.1, device.engine.draw()))
        began = time.process_time()
        for _ in range(EVENTS):
            candidates = device.solved().events
            candidates.total(0.1)
            device.fire(candidates.pick(0.1, device.engine.draw()))
    return EVENTS / (time.process_time() - began)


def analysis(traps: int) -> tuple[float, float, float]:
    """Return CPU seconds of spectrum, hidden Markov model and its intervals for a million samples."""
    amplitude, high, low = [1.0, 0.6, 0.35][:traps], [0.02, 0.05, 0.012][:traps], [0.03, 0.02, 0.02][:traps]
    current, _ = markov.simulate(markov.additive(5.0, amplitude, high, low, 0.05), 1e-3, SAMPLES, seed=7)
    measured = trace.from_arrays(np.arange(SAMPLES) * 1e-3, current)
    times = [time.process_time()]
    spectrum.power_spectrum(measured)
    times.append(time.process_time())
    rtn.traps(measured, number=traps, intervals=False)
    times.append(time.process_time())
    rtn.traps(measured, number=traps)
    times.append(time.process_time())
    plain, model, both = np.diff(times)
    return plain, model, both - model


def retention() -> list[tuple[str, float, float]]:
    """Return each decade of time at 358 K with the CPU seconds and events of one filament."""
    marks = np.array([0.0, 1e-3, 1e-1, 1e1, 1e3, 1e5, 1e7])
    spent = np.zeros((FILAMENTS, len(marks) - 1, 2))
    for seed in range(FILAMENTS):
        device = Device(Material.load("HfO2-retention"), 2.5e-9, 2.5e-9, temperature=358.0, seed=seed + 1)
        for k, span in enumerate(np.diff(marks)):
            began, events = time.process_time(), device.events
            device.advance(Waveform.constant(0.0, float(span)), samples=5)
            spent[seed, k] = time.process_time() - began, device.events - events
    decades = np.array([1.0, *np.log10(marks[2:] / marks[1:-1])])
    mean = spent.mean(axis=0) / decades[:, None]
    names = ["up to 1 ms"] + [f"{a:g} to {b:g} s" for a, b in pairwise(marks[1:])]
    return [(name, cost, events) for name, (cost, events) in zip(names, mean, strict=True)]


def rows() -> Iterator[list[str]]:
    """Yield what is measured and the result, one after another."""
    for n in (1, 4, 16):
        yield [f"trap events, {n} traps", f"{trap_events(n) / 1e3:.1f} thousand per s"]
    for name, cost, events in retention():
        yield [f"retention at 85 C, a decade of time, {name}", f"{cost:.3g} s ({events:.0f} events)"]
    for n in (1, 2, 3):
        plain, model, intervals = analysis(n)
        if n == 1:
            yield ["spectrum of 10^6 samples", f"{plain:.2f} s"]
        text = f"{model:.1f} s, intervals {intervals:.1f} s"
        yield [f"hidden Markov model of {n} trap(s), 10^6 samples", text]


def main() -> None:
    """Print one row per quantity."""
    write_table(["quantity", "ours"], rows())


if __name__ == "__main__":
    main()
