"""A device whose temperature is changed is, bit by bit, the device made at that temperature."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.finite_difference import FiniteDifference
from frenkel.kinetic.heating import HALF, MARGIN, TemperatureRamp
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import Species
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.stack import Layer
from frenkel.kinetic.mechanisms.mechanism import Mechanism
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

WARM, HOT = 330.0, 412.5  # K


def made(name, temperature, **options):
    """Return a small device."""
    material = Material.load(name)
    sheet = material.has("conduction") and material.conduction.empty_site > 0.0  # a law of single layers
    spacing, layers = material.lattice.spacing, 1 if sheet else 7
    return Device(
        material, layers * spacing, 6 * spacing, circuit=Circuit(series_resistance=2e3, compliance=2e-5),
        temperature=temperature, seed=11, **options,
    )  # fmt: skip


def programmed(name, temperature):
    """Return a device in which atoms have moved, with the arrangements on the way kept."""
    device = made(name, temperature)
    for number in range(12):
        device.fire(7 * number % len(device.rates(1.3)))
    device.advance(Waveform.ramp(1.0, 1e7), samples=5, stop=lambda device, _: device.events >= 20)
    return device


def numbers(device):
    """Return all rates, currents and maps of the present arrangement at a few voltages."""
    solved = device.solved()
    found = [np.array([solved.conductance, solved.rise(0.7), *(device.current(v) for v in (-1.0, 0.1, 1.3))])]
    for voltage in (-1.0, 0.0, 0.1, 1.3):
        found += [device.rates(voltage), solved.at(voltage).energies(voltage), *device.solver.maps(voltage)]
    return found


@pytest.mark.parametrize("name", Material.names())
def test_a_change_of_temperature_gives_the_device_of_that_temperature(name):
    device, fresh = programmed(name, WARM), made(name, HOT)
    before = numbers(device)
    assert device.events >= 12
    clock = device.time, device.events, device.hazard
    device.temperature = HOT
    fresh.restore(device.state())
    assert (device.time, device.events, device.hazard) == clock
    for one, other in zip(numbers(device), numbers(fresh), strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.sum(numbers(device)[1]) > np.sum(before[1])

    # And so it goes on, and comes back.
    ramp = Waveform.ramp(-0.5, 1e7)
    ahead = [it.advance(ramp, samples=5, stop=lambda it, _: it.events >= 20).sample for it in (device, fresh)]
    for column in ("time", "current", "conductance", "temperature_max", "events"):
        np.testing.assert_array_equal(ahead[0][column], ahead[1][column])
    device.temperature = WARM
    back = made(name, WARM)
    back.restore(device.state())
    for one, other in zip(numbers(device), numbers(back), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("kelvin", "message"),
    [
        (-5.0, "temperature must be between 1 and 3000 K, got -5"),
        ("-300 C", "temperature must be between 1 and 3000 K, got -26.85"),
        (2150.0, "temperature must be below 2145 K, where TaOx melts or decomposes, got 2150 K"),
        ("1 V", "temperature must be in K, such as '300 K', got '1 V'"),
    ],
)
def test_a_temperature_that_cannot_be_changes_nothing(kelvin, message):
    device = made("TaOx", WARM)
    before = numbers(device)
    with pytest.raises(ValueError) as error:
        device.temperature = kelvin
    assert str(error.value) == message and device.temperature == WARM
    for one, other in zip(numbers(device), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_fails_on_the_way_leaves_the_temperature(monkeypatch):
    device = made("HfO2-volatile", WARM)
    solver = device.solver

    def fails(*_):
        raise MemoryError

    monkeypatch.setattr(device, "make_solver", fails)
    with pytest.raises(MemoryError):
        device.temperature = HOT
    assert device.temperature == WARM and device.solver is solver


# ------------------------------------------------------------------ a temperature that changes


def hazard(barrier, frequency, start, stop, duration, times):
    """Return the integral of nu exp(-E/kT) up to times (s) while the temperature goes straight."""
    grid = np.linspace(0.0, duration, 40_001)
    rate = frequency * np.exp(-barrier / (BOLTZMANN_EV * (start + (stop - start) * grid / duration)))
    total = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]))]) * grid[1]
    return np.interp(times, grid, total)


@pytest.mark.parametrize(
    ("start", "stop"), [(298.15, 523.15), (523.15, 298.15), (300.0, 301.0), (20.0, 60.0)]
)
@pytest.mark.parametrize("duration", [1e-6, 3600.0])
def test_rates_leave_the_margin_of_no_step(start, stop, duration):
    """Of the largest activation energy that counts, at both ends of each step; and steps are no shorter."""
    ramp, frequency = TemperatureRamp(start, stop, duration), 1e15
    begin, kelvin = np.array(ramp.steps(frequency)).T
    assert begin[0] == 0.0 and kelvin[[0, -1]] == pytest.approx([start, stop], rel=0.02)
    ends = np.array([[ramp.at(time) for time in (one, other)] for one, other in pairwise([*begin, duration])])
    barrier = BOLTZMANN_EV * kelvin * np.log(frequency * duration)
    change = barrier[:, None] / BOLTZMANN_EV * (1.0 / kelvin[:, None] - 1.0 / ends)
    assert np.abs(change).max() <= 1.01 * HALF == pytest.approx(np.log(MARGIN) * 1.01)
    assert len(begin) == 1 or np.abs(change).max() > 0.5 * HALF


def lone_ion(temperature):
    """Return one ion in a periodic layer, which hops to four neighbours wherever it is."""
    oxide, ion = Species("oxide", code=0), Species("ion", code=1, charge=1.0)
    hop = Mechanism("hop", before=(ion, oxide), after=(oxide, ion), barrier=1.1, attempt_frequency=1e13)
    lattice = Lattice.cubic((3, 3, 1), 3e-10)
    species = np.zeros(lattice.n_sites, np.int8)
    species[4] = ion.code
    return LatticeGas(lattice, [hop], species, seed=1, temperature=temperature)


def test_waits_in_ramps_of_the_temperature():
    """Kolmogorov-Smirnov of 10,000 waits against exp(-integrated hazard); false alarm 1 in 1,000.

    Up and down in turns, with eight hops in each ramp: what is left of the hazard goes on in the next one.
    """
    gas, cold, hot = lone_ion(400.0), 400.0, 430.0
    duration = 8.0 / (4e13 * np.exp(-1.1 / (BOLTZMANN_EV * 417.0)))
    whole = hazard(1.1, 4e13, cold, hot, duration, duration)
    spent = []
    while gas.events < 10_000:
        start, stop = (cold, hot) if gas.temperature == cold else (hot, cold)
        begin = gas.time
        record = gas.advance(Waveform.constant(1.0, duration), samples=2, log=True, temperature=(start, stop))
        assert gas.temperature == stop
        times = np.array([event[0] for event in record.log]) - begin
        spent.append(len(spent) * whole + hazard(1.1, 4e13, start, stop, duration, times))
    waits = np.sort(np.diff(np.concatenate([[0.0], *spent]))[:10_000])
    expected, share = -np.expm1(-waits), np.arange(10_001) / 10_000
    distance = max((share[1:] - expected).max(), (expected - share[:-1]).max())
    assert distance < 1.949 / 100.0


def test_a_ramp_ends_at_its_temperature_and_says_the_one_of_each_sample():
    device = made("HfO2-volatile", 300.0)
    record = device.advance(Waveform.constant(0.0, 1e-3), samples=30, temperature=(300.0, 400.0))
    kelvin = record.sample["temperature"]
    assert device.temperature == 400.0 and np.all(np.diff(kelvin) >= 0.0)
    assert kelvin == pytest.approx(np.linspace(300.0, 400.0, 30), abs=1.5)
    assert record.sample["temperature_max"] == pytest.approx(kelvin)
    fresh = made("HfO2-volatile", 400.0)
    fresh.restore(device.state())
    np.testing.assert_array_equal(device.rates(0.3), fresh.rates(0.3))


def test_a_ramp_through_melting_is_refused_before_anything_moves():
    device = made("TaOx", 300.0)
    with pytest.raises(ValueError, match=r"^temperature must be below 2145 K"):
        device.advance(Waveform.constant(0.0, 1.0), temperature=(300.0, 2200.0))
    assert device.time == 0.0 and device.temperature == 300.0


def test_a_device_above_melting_is_refused_as_a_change_to_it_is():
    words = r"^temperature must be below 2145 K, where TaOx melts or decomposes"
    with pytest.raises(ValueError, match=words):
        made("TaOx", 2145.0)
    lower = Layer(4 * Material.load("HfO2-fast").lattice.spacing, base="TaOx")
    with pytest.raises(ValueError, match=words):
        made("HfO2-fast", 2200.0, layers=[lower, replace(lower, thickness=0.75 * lower.thickness, base="")])


def test_a_lattice_gas_takes_a_temperature_on_all_its_sites():
    gas, hot = lone_ion(400.0), lone_ion(450.0)
    gas.set_fields(temperature=np.linspace(400.0, 500.0, gas.lattice.n_sites))
    gas.temperature = 450.0
    np.testing.assert_array_equal(gas.rates(), hot.rates())


def test_twins_of_a_number_follow_the_temperature():
    """The derivative of ln(rate) by a barrier goes as one over the temperature."""
    device = made("HfO2-volatile", WARM)
    values = {"vacancy.migration_barrier": device.material.vacancy.migration_barrier}
    low, high = (
        Device(device.material.with_values({key: value + shift for key, value in values.items()}),
               device.thickness, device.width, temperature=WARM, seed=11)
        for shift in (-5e-4, 5e-4)
    )  # fmt: skip
    number = FiniteDifference(low, high, 1e-3)
    before = number.rate_slopes(device, device.solved(), 0.0)
    device.temperature = HOT
    after = number.rate_slopes(device, device.solved(), 0.0)
    hops = before < 0.0
    assert hops.any()
    assert after[hops] == pytest.approx(before[hops] * WARM / HOT, rel=1e-4)
