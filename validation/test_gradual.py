"""A conducting metal oxide on HfOx is gradual: 100 equal pulses each way, reads between them (`make verify`)."""

import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from frenkel.configuration.device import parse
from frenkel.experiment import device

STACK = Path(__file__).resolve().parents[1] / "examples" / "stack_cmo_hfox.toml"
SEEDS = range(101, 125)
"""Devices that had no part in choosing the amplitudes; seeds 1 to 3 had."""

RANGE, STEP, SECONDS = 3.0, 0.1, 30.0

pytestmark = pytest.mark.verification


def trains(seed):
    """Return ln G after each pulse of the way down and of the way up, and the CPU time (s) of both."""
    began = time.process_time()
    configuration = parse(tomllib.loads(STACK.read_text(encoding="utf-8")) | {"seed": seed})
    result = device.run(configuration)
    read = np.log(np.abs(result["read_current"].values / result["read_voltage"].values))
    way = len(read) // 2
    fresh = device.build(configuration)
    first = np.log(fresh.current(0.1) / 0.1)
    down = np.concatenate([[first], read[:way]])
    return down, read[way - 1 :], time.process_time() - began


def test_trains_are_gradual():
    """Medians of 24 devices; a step is over the range of both ways, all in logarithms of the conductance."""
    found = []
    for seed in SEEDS:
        down, up, seconds = trains(seed)
        size = np.ptp(np.concatenate([down, up]))
        found.append((np.exp(size), *(np.abs(np.diff(way)).max() / size for way in (down, up)), seconds))
        print(f"{seed}: range {found[-1][0]:.2f}, steps {found[-1][1]:.3f} {found[-1][2]:.3f}, {seconds:.1f} s")
    size, down, up, _ = np.median(found, axis=0)
    print(f"medians: range {size:.2f}, steps {down:.3f} down and {up:.3f} up")
    assert size >= RANGE and down <= STEP and up <= STEP
    assert max(row[3] for row in found) <= SECONDS
