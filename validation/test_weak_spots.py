"""Several weak spots in one box form as the law of the minimum of single ones says (slow; `make verify`)."""

import sys
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from frenkel.analysis.statistics.statistics import weakest_link
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform

sys.path.insert(0, str(Path(__file__).resolve().parent))
cell = import_module("device_cell")
sys.path.pop(0)

pytestmark = pytest.mark.verification

WIDTH = 4.16e-9
SPOTS = {
    "without": ["column"],
    "spots": {
        "density": "9e16 1/m^2",
        "radius": "0.3 nm",
        "exchange_spread": "60 meV",
        "exchange_shift": "2 eV",
        "migration_shift": "1 eV",
        "vacancy_fraction": 0,
    },
}
FALSE_ALARM = 1e-3


def formed(seed):
    """Return the number of spots of a device that do not touch, and its forming voltage (V)."""
    material = Material.load("HfO2").with_changes(SPOTS)
    device = Device(material, 1.3e-9, WIDTH, seed=seed)
    exchange = next(one for one in device.chemistry.mechanisms if one.name == "oxygen exchange")
    weak = device.chemistry.weak
    shifts, sites = np.unique(exchange.barrier_shift[: device.n_hosts][weak], return_counts=True)
    if not 1 <= len(shifts) <= 2 or sites.min() < 3 * 5:  # of 3 to 5 sites a layer where none overlap
        return 0, np.nan
    device.circuit = Circuit(compliance=2e-6)
    watch = cell.Watch(2e-6, end=True)
    watch.begin(device, np.inf)
    device.advance(Waveform.ramp(5.0, 1e3), samples=5, stop=watch, budget=50_000)
    return len(shifts), watch.switched


def distance(single, double):
    """Return the largest distance of the law of boxes with two spots from that of two single ones."""
    single, double = np.sort(single), np.sort(double)
    law = weakest_link(np.searchsorted(single, double, side="right") / (len(single) + 1), 2.0)
    return np.abs(law - (np.arange(len(double)) + 0.5) / len(double)).max()


def p_value(single, double):
    """Return the probability of such a distance, were the law right: by draws, since both are measured."""
    random, found = np.random.default_rng(1), distance(single, double)
    size = len(single), len(double)
    draws = [distance(random.random(size[0]), random.random((size[1], 2)).min(axis=1)) for _ in range(4000)]
    return (1 + np.count_nonzero(np.array(draws) >= found)) / 4001


def test_two_spots_in_a_box_follow_the_law_of_the_minimum():
    """Kolmogorov-Smirnov distance of forming voltages of boxes with two spots from 1 - (1 - F)^2, F with one.

    Boxes of two spots do not form as boxes of one do, so that the test can tell.
    """
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = np.array(list(pool.map(formed, range(92_000, 93_200), chunksize=20)))
    single, double = (found[found[:, 0] == count, 1] for count in (1, 2))
    assert min(len(single), len(double)) >= 200
    assert np.isfinite(single).all() and np.isfinite(double).all()
    p, other = p_value(single, double), stats.ks_2samp(single, double).pvalue
    note = ", ".join(f"{len(one)} boxes {np.median(one):.3f} V" for one in (single, double))
    print(f"one and two spots: {note}; law of the minimum p {p:.2g}, the same law p {other:.1e}")
    assert p > FALSE_ALARM
    assert other < FALSE_ALARM
