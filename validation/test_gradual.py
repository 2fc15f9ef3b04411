"""A conducting metal oxide on HfOx is gradual: 100 equal pulses each way (`make verify`)."""

import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from frenkel.configuration.device import parse
from frenkel.experiment import device
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.waveform import Waveform

STACK = Path(__file__).resolve().parents[1] / "examples" / "stack_cmo_hfox.toml"
SEEDS = range(401, 425)
"""Devices that had no part in choosing the stack and its pulses; seeds 301 to 306 had."""

RANGE, STEP, SECONDS, READ = 3.0, 0.1, 30.0, 0.1

pytestmark = pytest.mark.verification


def trains(seed):
    """Return ln G before and after the pulses of the way down and of the way up, and the CPU time (s)."""
    began = time.process_time()
    configuration = parse(tomllib.loads(STACK.read_text(encoding="utf-8")) | {"seed": seed})
    cell = device.build(configuration)
    cell.circuit = Circuit(series_resistance=configuration.circuit.series_resistance)
    ways = []
    for phase in configuration.phase:
        pulse = Waveform.pulse(phase.amplitude, phase.width, rise=phase.rise)
        values = [cell.current(READ) / READ]
        for _ in range(phase.repeat):
            cell.advance(pulse, samples=2)
            values.append(cell.current(READ) / READ)
        ways.append(np.log(values))
    return *ways, time.process_time() - began


def test_trains_are_gradual():
    """Medians of 24 devices; a step is over the range of both ways, all in logarithms of the conductance.

    Measured: range 3.94, steps 0.087 down and 0.072 up. The way up goes back by a factor of 1.7 to 2.1.
    """
    found = []
    for seed in SEEDS:
        down, up, seconds = trains(seed)
        size = np.ptp(np.concatenate([down, up]))
        found.append((np.exp(size), *(np.abs(np.diff(way)).max() / size for way in (down, up)), seconds))
        print(seed, *(f"{value:.3f}" for value in found[-1]), flush=True)
    size, down, up, _ = np.median(found, axis=0)
    print(f"medians: range {size:.2f}, steps {down:.3f} down and {up:.3f} up")
    assert size >= RANGE and down <= STEP and up <= STEP
    assert max(row[3] for row in found) <= SECONDS
