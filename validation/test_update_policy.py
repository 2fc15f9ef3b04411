"""Fields are solved at every change of the network; a schedule by count gives other SET times.

No option that skips solves is shipped. What is planted here is the schedule that other codes use.
"""

import numpy as np
import pytest
from scipy import stats
from whole_lattice import SWITCHES, put

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.solver import FilamentSolver
from frenkel.kinetic.waveform import Waveform

A = 0.26e-9
FALSE_ALARM = 1e-4
RUNS, LAYERS, SIDE, GAP = 60, 10, 8, 4
pytestmark = pytest.mark.verification


class Scheduled(FilamentSolver):
    """Solves the fields every ``every`` events; the others get their energies in the old ones."""

    def __init__(self, device, every):
        super().__init__(device, device.fields, kept=1)
        self.every, self.old, self.last = every, None, 0

    def solve(self, species):
        if self.old is None or self.state.events - self.last >= self.every:
            self.old, self.last = species.copy(), self.state.events
        return super().solve(self.old)


def high_resistance_state(device):
    """Return a filament of 9 columns, 70 % full, with 4 empty layers above its first two."""
    species = device.engine.species
    species[:] = 0
    x, y, z = np.unravel_index(np.arange(device.n_hosts), device.shape)
    filament = ((x - 4) ** 2 + (y - 4) ** 2 <= 2) & ((z < 2) | (z >= 2 + GAP))
    species[filament & (np.random.default_rng(1).random(device.n_hosts) < 0.7)] = VACANCY.code
    return species


def set_times(first_member, every=None):
    """Return times (s) to 8 uA at 1.0 V, 100 s where it is never reached, and events, of RUNS members."""
    material = Material.load("HfO2-volatile").with_values(SWITCHES)
    circuit = Circuit(series_resistance=2e3, compliance=20e-6)
    times, events = np.zeros(RUNS), np.zeros(RUNS, int)
    for i in range(RUNS):
        device = Device(material, LAYERS * A, SIDE * A, seed=3, member=first_member + i, circuit=circuit)
        if every:
            device.solver = Scheduled(device, every)
        put(device, high_resistance_state(device))
        try:
            device.advance(Waveform.constant(1.0, 100.0), samples=2, budget=10_000,
                           stop=lambda device, current: current > 8e-6)
        except EventBudgetError:
            device.time = 100.0
        times[i], events[i] = device.time, device.events
    return times, events


def test_planted_schedule_of_20_events_changes_the_set_time():
    """KS of 60 SET times each: other members of the same policy agree, a solve every 20 events does not.

    False alarm 1e-4. The planted policy with a solve at every event repeats the reference bit by bit, so that
    the difference is due to the schedule alone. SET takes about 100 events here.
    """
    times, events = set_times(0)
    assert np.median(events) > 20
    others, _ = set_times(1000)
    assert stats.ks_2samp(times, others).pvalue > FALSE_ALARM
    same, _ = set_times(0, every=1)
    np.testing.assert_array_equal(times, same)
    planted, _ = set_times(0, every=20)
    assert stats.ks_2samp(times, planted).pvalue < FALSE_ALARM
