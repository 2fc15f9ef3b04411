"""A device whose heat takes time: temperatures, energy, waits, and what it goes on from."""

import numpy as np
import pytest
import scipy.linalg
from random_filaments import put
from scipy import integrate, stats
from whole_lattice import WholeLattice

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.fields.build import settling_time
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.thermal import HeatReservoir, Thermal
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

TRANSIENT = Thermal(transient=True)
STACK = Thermal(
    transient=True, bottom=HeatReservoir(resistance=3e6, capacity=2e-18),
    top=HeatReservoir(resistance=5e6, capacity=1e-18),
    surroundings=HeatReservoir(resistance=1e6, capacity=1e-17),
)  # fmt: skip


def device_of(material, thermal=TRANSIENT, circuit=None, **numbers):
    """Return a small device with a column of vacancies and a gap."""
    material = Material.load(material)
    material = material.with_values(numbers) if numbers else material
    device = Device(material, 2.08e-9, 1.56e-9, seed=1, thermal=thermal, circuit=circuit)
    x, y, z = np.indices(device.shape)
    put(device, np.flatnonzero((abs(x - 3) + abs(y - 3) <= 1) & (z != 4) & (z != 5) | (x + y + z == 7)))
    return device


def frozen(device):
    """Keep a device from having an event."""
    device.hazard = 1e12
    return device


def oracle_of(device):
    """Return the matrix (W/K) of the whole lattice with the bonds of a device, and the power at 1 V (W).

    The material's own ballistic factor stands for heat that does not get into the oxide.
    """
    whole = WholeLattice(device.material, device.shape)
    heat = device.material.heat
    a, b, g = whole._edges(device.fields.solver.bonds(), whole.lorenz * whole.heat_scale)
    inner, matrix = b >= 0, np.zeros((whole.n_hosts,) * 2)
    for first, second, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
        kept = inner | (first is a) & (second is a)
        np.add.at(matrix, (first[kept], second[kept]), sign * g[kept])
    link, site = heat.conductivity * whole.spacing, heat.capacity * whole.spacing**3
    power = np.zeros(whole.n_hosts)
    nodes = device.fields.nodes()[0]
    power[nodes] = device.fields.solution.potentials.powers() / heat.ballistic_factor
    return matrix * link, power, site


@pytest.mark.parametrize(("edge", "tip"), [(2e-13, 0.4), (5e-12, 0.9)])
def test_a_pulse_with_edges_is_that_of_the_whole_lattice(edge, tip):
    """Edges faster and slower than heat: every site within 0.1 K, at any moment, by dense exponentials."""
    device = frozen(device_of("HfO2-volatile"))
    device.solved(refresh=True)
    matrix, power, site = oracle_of(device)
    hold = 3e-12
    wave = Waveform.points(
        [0.0, edge, edge + hold, 2 * edge + hold, 2 * edge + 4 * hold], [0, tip, tip, 0, 0]
    )
    n, held, hottest = len(power), np.zeros(len(power)), 0.0
    for begin, end, low, high in wave.segments():
        device.advance(Waveform((0.0, end - begin), (low, high)), samples=3)
        # theta' = -A theta + p (low + slope t)^2 / c, with t and t^2 as unknowns.
        slope, step = (high - low) / (end - begin), end - begin
        full = np.zeros((n + 3,) * 2)
        full[:n, :n] = -matrix / site * step
        for column, share in enumerate((low**2, 2 * low * slope * step, (slope * step) ** 2)):
            full[:n, n + column] = power / site * share * step
        full[n + 1, n], full[n + 2, n + 1] = 1.0, 2.0
        held = (scipy.linalg.expm(full) @ np.concatenate([held, [1.0, 0.0, 0.0]]))[:n]
        hottest = max(hottest, held.max())
        assert np.abs(device.temperature_map - 300.0 - held).max() < 0.1
        assert device.oxide_heat.rise(device.solved()) == pytest.approx(
            held[device.fields.nodes()[0]].max(), abs=0.1
        )
    assert device.events == 0
    assert hottest > 20.0


@pytest.mark.parametrize("name", ["HfO2-volatile", "HfO2-fast", "TaOx"])
def test_in_the_end_heat_is_the_steady_one(name):
    device, steady = frozen(device_of(name)), frozen(device_of(name, None))
    tau = settling_time(device.stack)
    for one in (device, steady):
        one.advance(Waveform.points([0.0, tau, 40 * tau], [0.0, 0.37, 0.37]), samples=3)
    # The steady map is that of the voltage itself, heat in time of a line within 50 mV.
    rise = steady.temperature_map.max() - 300.0
    assert np.abs(device.temperature_map - steady.temperature_map).max() < 0.1 + 0.005 * rise
    late = device.advance(Waveform.constant(0.37, 10 * tau), samples=2).sample["temperature_max"][-1]
    still = steady.advance(Waveform.constant(0.37, 10 * tau), samples=2).sample["temperature_max"][-1]
    assert late == pytest.approx(still, abs=0.05)


@pytest.mark.parametrize("name", ["HfO2-volatile", "TaOx"])
def test_all_power_leaves_through_the_reservoirs(name):
    """V I through the resistance of the surroundings, whatever leaves the oxide as hot carriers."""
    device = frozen(device_of(name, STACK, **{"heat.ballistic_factor": 3.0}))
    device.advance(Waveform.points([0.0, 1e-12, 1e-8], [0.0, 0.35, 0.35]), samples=2)
    bottom, top, around = device.oxide_heat.lattice.of_reservoirs(device.oxide_heat.field)
    assert around / 1e6 == pytest.approx((bottom - around) / 3e6 + (top - around) / 5e6, rel=1e-3)
    assert around / 1e6 == pytest.approx(0.35 * device.current(0.35), rel=5e-3)
    assert bottom > around > 0.01


def test_steady_rises_include_those_of_reservoirs():
    device = frozen(device_of("HfO2-fast", STACK))
    device.advance(Waveform.points([0.0, 1e-12, 1e-8], [0.0, 0.35, 0.35]), samples=2)
    solved = device.solved()
    read = solved.heat.readers
    held = read.events(device.oxide_heat.lattice.at(read.window, device.oxide_heat.field))
    assert solved.at(0.35).rises(0.35) == pytest.approx(held, abs=0.05)
    assert solved.rise(0.35) == pytest.approx(device.oxide_heat.rise(solved), abs=0.05)


@pytest.mark.parametrize(("before", "volts"), [(0.0, 1.1), (1.1, 0.1)])
def test_waits_of_a_device_follow_the_hazard_of_its_own_temperatures(before, volts):
    """1,000 waits after a step of the voltage, against rates at dense temperatures; false alarm 1e-4."""
    device = device_of("HfO2-volatile")
    solved = device.solved(refresh=True)
    matrix, power, site = oracle_of(device)
    rate, turn = np.linalg.eigh(matrix / site)
    events = solved.events
    unit = 1 / rate[0]
    time = np.r_[0.0, np.geomspace(1e-4, 40.0, 500)] * unit
    steady, start = (np.linalg.solve(matrix, power * v**2) for v in (volts, before))
    columns, read = events.arrays(), solved.heat.readers
    a, b, share = events.candidates.heat_read()
    peak = events.activation(volts)
    total = []
    for t in time:
        field = steady + turn @ (np.exp(-rate * t) * (turn.T @ (start - steady)))
        kelvin = 300.0 + field[a] + share * (field[np.where(b < 0, a, b)] - field[a])
        total.append((columns["frequency"] * np.exp(-peak / (BOLTZMANN_EV * kelvin))).sum())
    assert read.hosts == len(read.window.place)
    used = integrate.cumulative_simpson(total, x=time, initial=0.0)
    scale = used[np.searchsorted(time, 3 * unit)]
    draws = np.random.default_rng(5).exponential(scale, 1_000)
    heat, known = device.oxide_heat, {}
    real = heat._stretch

    def remembered(*arguments):
        key = arguments[-1], heat.field.tobytes()
        if key not in known:
            known[key] = real(*arguments)
        return known[key]

    heat._stretch = remembered
    hot = solved.heat.line(solved, before, 0.0).steady(before)
    waits = np.zeros((len(draws), 2))
    for wait, draw in zip(waits, draws, strict=True):
        heat.restore(hot)
        wait[:] = heat.wait(solved, volts, 0.0, time[-1], draw)
    ended = waits[:, 1] == 0.0
    assert len(known) >= 3
    assert ended.mean() > (0.9 if volts > before else 0.5)
    found = np.interp(waits[ended, 0], time, used)
    # 1e-3 of a mean wait, or of the hazard that was used up.
    assert (np.abs(found - draws[ended]) <= 1e-3 * np.maximum(draws[ended], scale)).all()
    # Those that outlast the time are cut off.
    law = stats.truncexpon(used[-1] / scale)
    assert stats.kstest(found / scale, law.cdf).pvalue > 1e-4


def test_the_hottest_event_read_the_heat_of_its_own_moment():
    """Of a first event while the oxide heats: its sites in the field of then, far below the steady one."""
    device = device_of("HfO2-volatile", STACK)
    first = Waveform.points([0.0, 1e-13, 1e-9], [0.0, 1.3, 1.3])
    solved = device.solved()
    record = device.advance(first, samples=2, log=True, stop=lambda one, _: one.events > 0)
    time, _, _, a, b = record.log[0]
    field, share = device.oxide_heat.everywhere(), 0.5 if b >= 0 else 0.0  # no heat of transport
    read = field[a] + share * (field[b] - field[a])
    steady = solved.at(1.3).rises(1.3)
    hottest = record.extremes.hottest
    assert hottest.temperature == pytest.approx(300.0 + read, abs=1e-6)
    assert hottest.time == hottest.duration == time
    assert 20.0 < read < 0.8 * steady.max()


@pytest.mark.parametrize("resistance", [1e3, 1e9])
def test_an_event_needs_few_stretches_whatever_electrodes_conduct(resistance):
    """Also where the steady heat of the present power is 100,000 K, which nothing ever comes near."""
    electrode = HeatReservoir(resistance=resistance, capacity=8e-17)
    device = device_of("HfO2-volatile", Thermal(transient=True, bottom=electrode, top=electrode))
    calls, real = [], device.oxide_heat._stretch
    device.oxide_heat._stretch = lambda *arguments: calls.append(arguments) or real(*arguments)
    device.advance(Waveform.constant(1.3, 1.0), samples=2, stop=lambda one, _: one.events >= 40)
    assert device.events == 40
    assert 40 <= len(calls) < 100


def test_heat_goes_on_from_a_state_and_in_a_branch():
    circuit = Circuit(series_resistance=2e3)
    device = device_of("HfO2-fast", circuit=circuit)
    wave = Waveform.points([0.0, 1e-12, 2e-11], [0.0, 1.2, 1.2])
    device.advance(wave, samples=3)
    kept = device.state()
    twin = device_of("HfO2-fast", circuit=circuit)
    twin.restore(kept)
    branch = device.branch(3)
    assert np.array_equal(branch.temperature_map, device.temperature_map)
    more = Waveform.points([0.0, 3e-11, 4e-11], [1.2, 1.4, 0.0])
    one, two = (each.advance(more, samples=9, log=True) for each in (device, twin))
    assert one.log == two.log
    for name, column in one.sample.items():
        if name != "field_solves":
            assert np.array_equal(column, two.sample[name]), name
    assert np.array_equal(device.temperature_map, twin.temperature_map)
    assert not np.array_equal(branch.temperature_map, device.temperature_map)


def test_an_oxide_without_a_defect_stays_cold():
    device = frozen(device_of("HfO2-fast", STACK))
    put(device, [])
    record = device.advance(Waveform.points([0.0, 1e-12, 1e-11], [0.0, 0.5, 0.5]), samples=3)
    assert record.sample["temperature_max"].max() == 300.0
    assert device.temperature_map.max() == 300.0
    assert device.current(0.5) > 0.0


def test_slow_ramps_cost_no_stretch_and_have_steady_heat():
    device, steady = frozen(device_of("HfO2-fast")), frozen(device_of("HfO2-fast", None))
    device.oxide_heat._stretch = None  # nothing may call it
    wave = Waveform.triangle(0.8, rate=1e5)
    hot, still = (one.advance(wave, samples=50).sample["temperature_max"] for one in (device, steady))
    assert hot == pytest.approx(still, abs=0.05)
    assert hot.max() > 310


def test_what_takes_heat_as_steady_is_refused():
    device = device_of("HfO2-fast")
    with pytest.raises(ValueError, match=r"thermal\.transient must be false for a superbasin"):
        device.advance(Waveform.constant(0.1, 1e-9), superbasin=True)
    device.keep_weights()
    with pytest.raises(ValueError, match=r"where weights are kept"):
        device.advance(Waveform.constant(0.1, 1e-9))
    with pytest.raises(ValueError, match=r"heat\.capacity of HfO2-fast must be given"):
        Device(
            Material.load("HfO2-fast").with_values({"heat.capacity": 0.0}), 2e-9, 1e-9, seed=1, thermal=TRANSIENT
        )
    with pytest.raises(ValueError, match="columns of a section"):
        Device(Material.load("PCMO"), 2e-9, 1e-9, seed=1, thermal=TRANSIENT)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"top": HeatReservoir(1e6, 1e-17)}, "transient must be true"),
        ({"transient": True, "surroundings": HeatReservoir(1e6, 1e-17)}, "needs thermal.bottom"),
    ],
)
def test_impossible_bodies_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Thermal(**arguments)


@pytest.mark.parametrize(("resistance", "capacity"), [(0.0, 1e-17), (1e6, 0.0), (float("nan"), 1e-17)])
def test_a_body_has_a_resistance_and_a_capacity(resistance, capacity):
    with pytest.raises(ValueError, match="must be"):
        HeatReservoir(resistance=resistance, capacity=capacity)
