"""What the table of a device reads off events, states and waits, on made-up ones (fast)."""

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material

sys.path.insert(0, str(Path(__file__).resolve().parent))
targets, cell, cycles, forming, retention, rows, states = (
    import_module(f"device_{name}")
    for name in ("targets", "cell", "cycles", "forming", "retention", "rows", "states")
)
sys.path.pop(0)


class MadeUp:
    """A device that is one resistor at a time."""

    temperature = 300.0

    def __init__(self, limit=None):
        self.circuit = Circuit(series_resistance=1e3, compliance=limit)
        self.time = self.source_voltage = self.device_voltage = 0.0
        self.events = -1
        self.become(1e-6)

    def become(self, conductance, heat=100.0):
        """Be another resistor, of so many kelvin per volt squared."""
        self.events += 1
        self.now = SimpleNamespace(
            conductance=conductance,
            chord=lambda circuit, source: conductance,
            rise=lambda voltage: heat * voltage**2,
        )

    def solved(self):
        return self.now

    def current(self, voltage):
        return voltage * self.now.conductance

    def go(self, watch, time, source, conductance=None, heat=100.0):
        """Let time pass up to a source voltage (V), let an event happen there, and tell the watch."""
        self.time, self.source_voltage = time, source
        if conductance:
            self.become(conductance, heat)
        self.device_voltage = self.circuit.device_voltage(source, self.now.conductance)
        return watch(self, self.device_voltage * self.now.conductance)


def test_peak_is_that_just_before_the_atom_moves():
    device, watch = MadeUp(), cell.Watch()
    device.become(1e-4)
    watch.begin(device, np.inf)
    device.go(watch, 1e-6, -0.8, 1e-5)
    device.go(watch, 2e-6, -1.8)
    assert watch.peak_voltage == -0.8
    assert watch.peak == pytest.approx(0.8 / (1e4 + 1e3))
    assert watch.events == 1


def test_set_is_the_first_event_at_the_limit_and_low():
    device, watch = MadeUp(2e-6), cell.Watch(2e-6, high=1e6)
    watch.begin(device, np.inf)
    device.go(watch, 1e-6, 1.0, 2e-6)  # low by two, not three
    device.go(watch, 2e-6, 1.5)  # at the limit, but not low
    assert np.isnan(watch.switched)
    device.go(watch, 3e-6, 1.6, 4e-6)
    device.go(watch, 4e-6, 1.9, 9e-6)
    assert (watch.switched, watch.after) == (1.6, 3e-6)
    assert watch.share == pytest.approx(0.5)  # ln 2 of ln 4
    assert watch.steps == 2
    assert watch.over < 1e-12


def test_a_hot_arrangement_counts_if_it_lasts():
    device, watch = MadeUp(), cell.Watch()
    watch.begin(device, np.inf)
    device.go(watch, 1e-6, 1.0, 1e-5, heat=2000.0)
    device.go(watch, 1e-6 + 0.5e-9, 1.0, 1e-6)
    assert watch.hottest < 500.0
    device.go(watch, 2e-6, 1.0, 1e-5, heat=2000.0)
    device.go(watch, 2e-6 + 2e-9, 1.0, 1e-6)
    assert watch.hottest == pytest.approx(300.0 + 2000.0 * (1.0 / 1.01) ** 2)
    assert len(watch.lasting) == 3 and max(watch.lasting[:2]) < 500.0
    assert watch.lasting[2] == pytest.approx(watch.hottest)


def test_cpu_time_ends_a_measurement():
    material = Material.load("HfO2-volatile")
    found = cycles.cycles(material, (1,), 2, budget=0.0)
    assert np.isnan(found.hrs).all() and "CPU time" in found.cut[0]
    assert (found.window == 0.0).all() and found.within("v_set", 0.7, 1.5) == 0.0


def test_layers_between_what_hangs_and_what_stands():
    device = Device(Material.load("HfO2-volatile"), 2.6e-9, 2.6e-9, seed=1)
    layers = device.shape[2]
    species = np.full_like(device.engine.species, OXYGEN.code)
    column = np.arange(layers)  # sites of one column, bottom first
    species[column[5:]] = VACANCY.code
    device.arrange(species=species)
    assert cell.gaps(device) == (5, pytest.approx(5.0))
    species[column[2:4]] = VACANCY.code  # two that float shorten the jump only
    device.arrange(species=species)
    assert cell.gaps(device) == (5, pytest.approx(2.0))
    species[column[2:4]], species[column[:2]] = OXYGEN.code, VACANCY.code  # a stub that stands at the bottom
    device.arrange(species=species)
    assert cell.gaps(device) == (3, pytest.approx(3.0))
    species[column] = VACANCY.code
    device.arrange(species=species)
    assert cell.gaps(device) == (0, pytest.approx(0.0))
    species[column[-2:]] = OXYGEN.code  # nothing is attached to the top: the gap lies below it
    device.arrange(species=species)
    assert cell.gaps(device) == (2, pytest.approx(2.0))
    species[:] = OXYGEN.code
    device.arrange(species=species)
    assert cell.gaps(device)[0] == layers


def test_leakage_falls_by_a_part():
    # The limit of 1 mA is reached at 3 V; before, the current falls from 2 to 0.5 nA for 0.5 V.
    volts = np.arange(0.01, 3.0, 0.01)
    current = np.where((volts > 1.5) & (volts < 2.0), 0.5e-9, 2e-9)
    trace = [(v, v, i, i) for v, i in zip(volts, current, strict=True)]
    trace += [(3.0, 3.0, 2e-9, 1e-3), (3.01, 3.01, 1e-3, 2e-9), (3.1, 3.1, 2e-9, 2e-9)]
    fall, flows = forming.before(SimpleNamespace(trace=trace, limit=1e-3))
    assert fall == pytest.approx(0.75)
    assert flows == pytest.approx(2e-9)


def test_states_lost_between_readings_and_states_that_last():
    time = np.array([1.0, 10.0, 100.0])
    ratio = np.array([[[1.0, 3.0, np.nan], [1.0, 1.0, 1.0], [2.5, np.nan, np.nan], [np.nan] * 3]])
    left = np.array([[True, False, True, False]])
    found = retention.Retention(
        temperature=np.array([400.0]), time=time, start=np.ones(4), ratio=ratio, left=left
    )
    lost = found.lost(0)
    np.testing.assert_array_equal(lost.low, [1.0, 100.0, 0.0, 0.0])
    np.testing.assert_array_equal(lost.high, [10.0, np.inf, 1.0, np.inf])
    assert found.shares(0, until=50.0) == (0.25, 0.5)


def test_arrhenius_of_made_up_medians():
    temperatures = np.array([400.0, 450.0, 500.0])
    life = 1e-14 * np.exp(1.4 / (retention.BOLTZMANN * temperatures))
    found = SimpleNamespace(temperature=temperatures, median=lambda k: life[k])
    energy, error, base = retention.arrhenius(found)
    assert energy == pytest.approx(1.4) and error < 1e-6 and base == pytest.approx(np.log(1e-14))


def test_set_times_by_voltage_and_by_resistance():
    volts, hrs = np.linspace(0.5, 1.0, 6), np.geomspace(1e5, 1e7, 5)
    logs = -12.0 * (volts[None] - 0.5) + 8.0 * (volts[None] - 0.5) ** 2 + np.log10(hrs / 1e5)[:, None]
    none = np.zeros(logs.shape, bool)
    found = states.SetTimes(voltages=volts, hrs=hrs, time=10**logs, waiting=none, capped=none)
    bench = SimpleNamespace(times=found, prepared=[SimpleNamespace(high=[0] * 5)])
    mean, bend, delay = rows.time_rows(bench)
    assert mean.value == pytest.approx(8.0)  # 12 less the curve in the mean
    assert bend.value > 1
    assert delay.value == pytest.approx(2.0)
    waiting = none.copy()
    waiting[:3, 0] = True  # most states wait on at 0.5 V: no median there
    found = states.SetTimes(voltages=volts, hrs=hrs, time=10**logs, waiting=waiting, capped=none)
    assert not rows.time_rows(SimpleNamespace(times=found, prepared=bench.prepared))[0].also


def test_values_that_occur_again():
    assert rows.repeats(np.array([1.0, 2.0, 3.0, 2.0, 2.0 * (1 + 1e-12)])) == 2
    assert rows.repeats(np.array([1.0, 1.0 + 1e-6])) == 0


@pytest.mark.parametrize(
    ("value", "also", "verdict"),
    [(0.3, True, True), (0.61, True, False), (0.4, False, False), (np.nan, True, False)],
)
def test_verdicts_come_out_either_way(value, also, verdict):
    assert targets.judged(targets.Found(id="L-1", value=value, n="", also=also)).verdict is verdict


def test_every_row_is_asked_for_and_measured():
    measured = [name for _, names in rows.GROUPS.values() for name in names]
    assert sorted(measured) == sorted(targets.ASKED)
    assert targets.asked_text(-np.inf, 5) == "at most 5" and targets.asked_text(2, 4) == "2 to 4"
