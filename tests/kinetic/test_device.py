"""A device in its circuit: one clock, limits held, everything conserved, the same run again bit by bit."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from whole_lattice import SWITCHES, put, random_species

from frenkel.kinetic import solver
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.fields._event_rates import EventRates
from frenkel.kinetic.lattice.species import EMPTY, INTERSTITIAL, OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import MaterialError
from frenkel.kinetic.run import EventBudgetError, Run
from frenkel.kinetic.solver import Solved, Solver
from frenkel.kinetic.waveform import Waveform

A = 0.26e-9
LIMITED = Circuit(series_resistance=2e3, compliance=20e-6)
FORM = Waveform.triangle(amplitude=4.0, rate=1e6, label="form")
RESET = Waveform.triangle(amplitude=-1.5, rate=1e6, label="reset")


def make(name="HfO2-volatile", *, layers=8, side=8, seed=3, circuit=LIMITED, values=None, **more):
    material = Material.load(name).with_values((SWITCHES if name == "HfO2-volatile" else {}) | (values or {}))
    return Device(material, layers * A, side * A, seed=seed, circuit=circuit, **more)


def same_records(first, second, *, without=()):
    """Assert that two records are equal bit by bit."""
    assert first.sample.keys() == second.sample.keys()
    for name in first.sample.keys() - set(without):
        np.testing.assert_array_equal(first.sample[name], second.sample[name], err_msg=name)
    assert first.log == second.log
    for one, other in zip(first.snapshots, second.snapshots, strict=True):
        assert one.keys() == other.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])


# ---- the same again


def test_one_seed_gives_one_trajectory_and_another_member_another():
    runs = []
    for member in (0, 0, 1):
        device = make(member=member)
        runs.append([device.advance(wave, samples=50, log=True) for wave in (FORM, RESET)])
    for first, second in zip(runs[0], runs[1], strict=True):
        same_records(first, second)
    assert len(runs[0][0].log) > 30
    assert runs[0][0].log != runs[2][0].log


@pytest.mark.parametrize("name", ["HfO2-volatile", "HfO2-ETH"])
def test_restored_device_goes_on_bit_by_bit(name):
    """State after the rise, through pickle, into a new device; both then do the fall and a reset.

    The new device has solved nothing yet and holds smaller work arrays: neither may change a bit.
    """
    size = {} if name == "HfO2-volatile" else {"layers": 6, "side": 5, "temperature": 900.0}
    rise = Waveform.ramp(stop=3.0 if name == "HfO2-volatile" else 1.5, rate=1e6)
    rest = [Waveform.ramp(start=rise.voltages[-1], stop=0.0, rate=1e6), RESET]
    first = make(name, **size)
    before = first.advance(rise, samples=30, log=True)
    state = pickle.loads(pickle.dumps(first.state()))
    second = make(name, **size)
    second.restore(state)
    assert second.time == first.time and second.events == first.events
    after = [[device.advance(wave, samples=30, log=True) for wave in rest] for device in (first, second)]
    for one, other in zip(*after, strict=True):
        same_records(one, other, without={"field_solves"})
    assert len(before.log) > 5 and sum(len(record.log) for record in after[0]) > 5
    assert first.state()["hazard"] == second.state()["hazard"]
    assert first.engine.draw() == second.engine.draw()


def test_each_member_is_made_anew_and_always_the_same():
    """First vacancies and the disorder of barriers: those of one member alike, of two members different."""
    first, again, other = (make(member=member) for member in (0, 0, 1))
    for of in (
        lambda device: device.engine.species,
        lambda device: device.chemistry.mechanisms[0].barrier_shift,
    ):
        assert np.array_equal(of(first), of(again)) and not np.array_equal(of(first), of(other))


def test_barriers_of_a_disordered_oxide_are_log_normal():
    """Over what the set has at a site: ln is the same random number as that of normal barriers."""
    width, hops = 0.9, []
    for law in ({"disorder.barrier": 0.05}, {"disorder.barrier": 0.0, "disorder.barrier_factor": width}):
        device = make(values={"disorder.correlation_length": A} | law)
        hops.append(next(one for one in device.chemistry.mechanisms if one.name == "vacancy hop"))
    outside = np.where(device.chemistry.weak, 0.0, device.material.column.migration_shift)
    normal, shift = (hop.barrier_shift[: device.n_hosts] for hop in hops)
    random = (normal - outside) / 0.05
    factor = (hops[1].barrier + shift) / (hops[1].barrier + outside)
    np.testing.assert_allclose(np.log(factor), width * random - width**2 / 2, rtol=0, atol=1e-12)
    assert 0 < factor.min() < 0.2 and factor.max() > 3
    with pytest.raises(MaterialError, match="disorder.barrier must be 0 beside disorder.barrier_factor"):
        make(values={"disorder.barrier_factor": width})


def test_kept_configuration_equals_a_fresh_solve_bit_by_bit():
    """Also when the solver has grown in between, and in a device that was always small."""
    rng = np.random.default_rng(1)
    device = make()
    states = [random_species(device, kind, rng) for kind in ("pristine", "lrs", "hrs")]
    states.append(np.where(rng.random(device.n_hosts) < 0.4, VACANCY.code, OXYGEN.code).astype(np.int8))
    kept = []
    for species in states:
        put(device, species)
        kept.append(device.solved())
    for species, old in zip(states, kept, strict=True):
        put(device, species)
        solves = device.field_solves
        assert device.solved() is old and device.field_solves == solves
        fresh = device.solved(refresh=True)
        other = make()
        put(other, species)
        for found in (fresh, other.solved()):
            assert found.conductance == old.conductance and found.heat_max == old.heat_max
            for name, column in old.events.arrays().items():
                if name != "rate":
                    np.testing.assert_array_equal(column, found.events.arrays()[name], err_msg=name)


def test_cache_size_does_not_change_a_run():
    records = [make(cache=cache).advance(FORM, samples=30, log=True) for cache in (1, 64)]
    same_records(*records, without={"field_solves"})
    assert records[0].sample["field_solves"][-1] >= records[1].sample["field_solves"][-1]


def test_arrangements_that_are_kept_are_bounded_by_their_size(monkeypatch):
    """The same run, whatever is dropped; what is read at many voltages weighs more."""
    runs, kept = [], []
    for most in (1e9, 4e5):
        monkeypatch.setattr(solver, "KEPT_SIZE", most)
        device = make()
        runs.append(device.advance(FORM, samples=20, log=True))
        kept.append(device.solver._kept)
    same_records(*runs, without={"field_solves"})
    assert len(kept[0]) == 64
    # Weighed after every sixteenth solution only, and the last one stays.
    assert 1 <= len(kept[1]) < 40
    oldest = list(kept[1].values())[:-solver.WEIGHED]
    assert sum(len(species) + solved.size() for species, solved in oldest) <= 4e5
    device = make("TiOx", layers=6, side=6, values={"column.vacancy_fraction": 0.4})
    now = device.solved()
    before = now.size()
    now.at(0.22)
    assert now.size() >= before + (2 * 24 + 56) * now.events.n  # two ends, and the lines between them
    device.solver._kept.update((number, (b"", now)) for number in range(3))
    monkeypatch.setattr(solver, "KEPT_SIZE", 0)
    for _ in range(solver.WEIGHED):
        device.solved(refresh=True)
    assert len(device.solver._kept) == 1


def test_arrangement_that_is_kept_knows_what_the_electrodes_hold():
    """A vacancy at the bottom, come from the top, and then the same one made there: only that can be filled.

    Once found by the species alone, so that the way back was not listed and the next one fired in its place.
    """
    device = make(layers=3, side=3, values={"column.vacancy_fraction": 0.0})
    names = [m.name for m in device.chemistry.mechanisms]
    exchange = device.chemistry.mechanisms[names.index("oxygen exchange")]
    leak = replace(exchange, name="leak", electrode="bottom")
    device = make(layers=3, side=3, values={"column.vacancy_fraction": 0.0}, mechanisms=[leak])

    def fire(name, direction, *ends):
        events, number = device.transitions(), [m.name for m in device.chemistry.mechanisms].index(name)
        same = (events["mechanism"] == number) & (events["direction"] == direction)
        for column, site in zip(("site_a", "site_b"), ends, strict=False):
            same &= events[column] == site
        device.fire(int(np.flatnonzero(same)[0]))

    fire("oxygen exchange", 0, 2)
    fire("vacancy hop", 0, 2, 1)
    fire("vacancy hop", 0, 1, 0)
    before = len(device.transitions())
    fire("vacancy hop", 0, 0, 1)
    fire("vacancy hop", 0, 1, 2)
    fire("oxygen exchange", 1, 2)
    fire("leak", 0, 0)
    assert len(device.transitions()) == before + 1 == len(device.engine.catalogue())
    fire("leak", 1, 0)
    assert device.engine.reservoir[0] == 0 and device.count(VACANCY.code) == 0


def test_looking_at_a_device_does_not_change_it():
    plain, watched = make(), make()

    def look(share, device):
        device.potential, device.temperature_map, device.transitions(), device.current(0.1), device.defects

    first = plain.advance(FORM, samples=30, log=True)
    second = watched.advance(FORM, samples=30, log=True, progress=look)
    same_records(first, second, without={"field_solves"})


# ---- the circuit


@pytest.mark.parametrize("polarity", ["positive", "both"])
def test_compliance_is_held_and_the_series_resistance_takes_its_share(polarity):
    """|I| never above I_c by 1e-9, exactly I_c where limited; else V_device = V_source / (1 + R G)."""
    limit, resistance = 20e-6, 2e3
    circuit = Circuit(series_resistance=resistance, compliance=limit, polarity=polarity)
    device = make(circuit=circuit)
    seen = []

    def stop(device, current):
        seen.append((device.source_voltage, device.device_voltage, current, device.conductance))
        return False

    samples = [device.advance(wave, samples=100, stop=stop).sample for wave in (FORM, RESET)]
    columns = [np.concatenate([s[n] for s in samples])
               for n in ("source_voltage", "device_voltage", "current", "conductance")]
    rows = np.vstack([np.array(columns).T, np.array(seen)])
    source, voltage, current, conductance = rows.T
    assert current == pytest.approx(voltage * conductance, rel=1e-12)
    free = source * conductance / (1 + resistance * conductance)
    above, below = free > limit, free < -limit
    assert above.sum() > 20
    assert current[above] == pytest.approx(np.full(above.sum(), limit), rel=1e-9, abs=0)
    assert current.max() <= limit * (1 + 1e-9)
    if polarity == "both":
        assert current.min() >= -limit * (1 + 1e-9)
    else:
        assert current.min() < -limit
        above |= below
    rest = ~(above | below) if polarity == "both" else ~(free > limit)
    divided = source / (1 + resistance * conductance)
    assert voltage[rest] == pytest.approx(divided[rest], rel=1e-12, abs=1e-15)
    assert np.any(np.abs(voltage) < 0.9 * np.abs(source))


class Resistor(Solver):
    """A network of another kind: one nonlinear bond, and no event that costs or gains anything."""

    def __init__(self, *arguments, steepness=1.0, **options):
        super().__init__(*arguments, **options)
        self.steepness = steepness

    def maps_at(self, species, voltage):
        raise NotImplementedError

    def solve(self, species):
        candidates = self.candidates()
        events = EventRates(candidates, np.zeros(candidates.n), np.zeros(candidates.n))
        return Solved(events, 1e-6 * self.steepness, 0.0, 0.0, 0.0, self.law)

    def law(self, voltage):
        return 1e-6 * math.sinh(self.steepness * voltage)


def test_a_run_takes_any_network():
    device = make()
    device.solver = Resistor(device, None, kept=4)
    record = device.advance(Waveform.triangle(0.5, 1e9), samples=20)
    names = ("source_voltage", "device_voltage", "current")
    source, voltage, current = (record.sample[name] for name in names)
    assert current == pytest.approx(1e-6 * np.sinh(voltage), rel=1e-12, abs=0) and current.max() > 5e-7
    assert voltage + 2e3 * current == pytest.approx(source, rel=1e-12, abs=0)


class Chords(Circuit):
    """A circuit that compares the end of each line with the operating point there."""

    def ramp(self, source_voltage, slope, duration, conductance, resolution=0.0):
        line = super().ramp(source_voltage, slope, duration, conductance, resolution)
        exact = self.solve(source_voltage + slope * line.duration, lambda v: 1e-6 * math.sinh(5 * v))
        off.append(line.device_voltage + line.slope * line.duration - exact.device_voltage)
        return line


off = []


def test_chords_of_a_nonlinear_device_follow_its_curve():
    """Half of a steep curve's voltage over a resistance of 300 kohm: lines end within 0.3 mV of the curve."""
    device = make(circuit=Chords(series_resistance=3e5))
    device.solver = Resistor(device, None, kept=4, steepness=5.0)
    off.clear()
    device.advance(Waveform.triangle(1.5, 1e9), samples=3)
    assert len(off) > 1000 and np.abs(off).max() < 3e-4


class Watched(Run):
    """A run that compares the voltage by whose rates an event is drawn with that of the moment."""

    def draw_event(self, now, voltage, atoms_only=False):
        source = self.waveform.voltage(self.state.time)
        off.append(voltage - self.state.circuit.device_voltage(source, now.conductance))
        return super().draw_event(now, voltage, atoms_only)


def test_events_of_a_ramp_are_drawn_at_the_voltage_when_they_happen():
    device = make(circuit=Circuit(series_resistance=2e5))
    off.clear()
    Watched(device, device.solver, Waveform.triangle(1.5, 1e6), samples=2, label="").run()
    assert len(off) > 20 and np.abs(off).max() < 1e-12


def test_events_at_a_floor_are_counted():
    """An exchange whose floor lies above its barrier always stands there, a hop never."""
    device = make(values={"exchange.floor": 0.6, "exchange.barrier": 0.5, "vacancy.migration_barrier": 0.5})
    device.advance(Waveform.constant(0.1, 1e-3), samples=2, stop=lambda device, _: device.events >= 60)
    hops, exchanges = device.engine.counts.sum(axis=1)
    assert hops > 0 and device.floor_events == exchanges > 0


def test_events_beyond_the_critical_field_are_counted():
    """With a dipole of 100 e nm every exchange under 1 V is beyond it, without one none is."""
    for dipole, beyond in ((1e-8, True), (0.0, False)):
        device = make(values={
            "exchange.floor": 0.0, "exchange.barrier": 0.5, "exchange.dipole": dipole,
            "exchange.dipole_power": 2.0, "vacancy.migration_barrier": 0.5,
            "electrostatics.permittivity": 1e3})
        device.advance(Waveform.constant(1.0, 1e-3), samples=2, stop=lambda device, _: device.events >= 60)
        exchanges = device.engine.counts.sum(axis=1)[1]
        assert exchanges > 0
        assert device.floor_events > 0.5 * exchanges if beyond else device.floor_events == 0


def test_current_is_read_without_letting_time_pass():
    device = make()
    before = device.state()
    assert device.current(0.1) == pytest.approx(0.1 * device.conductance) and device.time == 0.0
    assert device.current(-0.1) == -device.current(0.1)
    assert device.state()["hazard"] == before["hazard"]


class Waits:
    """Takes the place of weights: keeps every wait of a run."""

    def __init__(self):
        self.lines = []

    def wait(self, now, device, source, elapsed):
        self.lines.append((*source, device[0], elapsed))

    def event(self, now, voltage, source, chosen):
        pass


def test_no_wait_goes_over_a_breakpoint():
    """Every wait has the slope of its segment, starts on it and ends at the next breakpoint or before."""
    wave = Waveform.points([0.0, 1e-6, 1.0000001e-6, 3e-6, 3.7e-6, 4e-6], [0.0, 0.0, 2.5, 2.9, -0.5, 0.0])
    device, waits = make(circuit=Circuit(series_resistance=1e3, compliance=20e-6)), Waits()
    record = Run(device, device.solver, wave, samples=7, label="", log=True, weights=waits).run()
    local, slopes = 0.0, [(v - u) / (t - s) for s, t, u, v in wave.segments()]
    assert len(record.log) > 10
    for source, slope, voltage, duration in waits.lines:
        k = int(np.argmin(np.abs(np.array(slopes) - slope)))
        assert slope == pytest.approx(slopes[k], rel=1e-12)
        start, end, low, _ = list(wave.segments())[k]
        # The place in time follows from the voltage where there is a slope.
        local = start + (source - low) / slope if slope else local
        assert start - 1e-18 <= local and local + duration <= end * (1 + 1e-12)
        assert voltage == pytest.approx(device.circuit.device_voltage(source, device.conductance), abs=4.0)
    times = record.sample["time"]
    assert set(wave.times) <= set(times.tolist())
    for time, voltage in zip(wave.times, wave.voltages, strict=True):
        assert record.sample["source_voltage"][np.flatnonzero(times == time)[-1]] == voltage
    assert np.all(np.diff(times) >= 0) and device.time == wave.duration


def test_time_goes_on_over_waveforms():
    device = make()
    first = device.advance(FORM, samples=10)
    second = device.advance(RESET, samples=10)
    assert second.sample["time"][0] == first.sample["time"][-1] == FORM.duration
    assert device.time == pytest.approx(FORM.duration + RESET.duration, rel=1e-12)
    assert (first.label, second.label) == ("form", "reset")
    assert [shot["label"] for shot in second.snapshots] == ["reset start", "reset end"]


# ---- what is conserved


@pytest.mark.parametrize("name", ["HfO2-volatile", "HfO2-ETH"])
def test_oxygen_and_sites_are_conserved(name):
    """Electrode + interstitials - vacancies never changes; each site holds one species of its own kind."""
    device, moved, high = make(name, layers=6, side=6), 0, 4.0
    if name == "HfO2-ETH":
        put(device, random_species(device, "pristine", np.random.default_rng(2)))
        high = 1.5
    for wave in (Waveform.triangle(amplitude=high, rate=1e6), Waveform.triangle(amplitude=-high, rate=1e6)):
        record = device.advance(wave, samples=40, budget=20_000)
        s = record.sample
        oxygen = s["reservoir"] + s["interstitial"] - s["defect"]
        assert np.all(oxygen == oxygen[0]) and np.all(s["reservoir"] >= 0)
        moved += np.ptp(s["reservoir"])
        species = device.engine.species
        assert np.isin(species[: device.n_hosts], (OXYGEN.code, VACANCY.code)).all()
        assert np.isin(species[device.n_hosts :], (EMPTY.code, INTERSTITIAL.code)).all()
        sites, codes = device.defects
        assert len(sites) == s["defect"][-1] + s["interstitial"][-1] == len(set(sites.tolist()))
        assert np.count_nonzero(codes == VACANCY.code) == device.count(VACANCY.code) == s["defect"][-1]
        np.testing.assert_array_equal(record.snapshots[-1]["sites"], sites)
    assert moved > 0 and device.events > 5


def test_engine_stays_consistent_with_its_tables():
    device = make()
    device.advance(FORM, samples=10)
    listed, fresh = device.engine.catalogue(), device.engine.branch().catalogue()
    for name in ("mechanism", "direction", "site_a", "site_b", "barrier", "energy", "attempt_frequency"):
        np.testing.assert_array_equal(getattr(listed, name), getattr(fresh, name))
    assert int(device.engine.counts.sum()) == device.events


# ---- limits of a run


def test_stop_ends_the_waveform_at_the_event():
    device = make()
    record = device.advance(FORM, samples=20, stop=lambda device, current: current > 1e-6, log=True)
    assert record.sample["current"][-1] > 1e-6 and np.all(record.sample["current"][:-1] <= 1e-6)
    assert device.time == record.sample["time"][-1] < FORM.duration / 2
    assert device.time == record.log[-1][0] == record.snapshots[-1]["time"]
    assert device.source_voltage == pytest.approx(1e6 * device.time, rel=1e-12)
    again = make()
    ended = again.advance(FORM, samples=20, stop=lambda device, current: device.events >= 7)
    assert again.events == 7 and ended.sample["events"][-1] == 7


def test_budget_names_the_pair_that_moved_most():
    """One fast vacancy between two sites of low energy: the message gives both sites and how often."""
    device = make(values={"disorder.site_energy": 0.3, "vacancy.migration_barrier": 0.3})
    with pytest.raises(EventBudgetError, match="budget of 300 events used up at") as caught:
        device.advance(Waveform.constant(0.0, 1.0), budget=300)
    assert device.events == 301
    message = str(caught.value)
    assert "made" in message and "a flickering pair" in message
    first, second = (int(word) for word in message.split("sites ")[1].split(" near")[0].split(" and "))
    step = np.abs(np.subtract(*device.lattice.position[[first, second]])) / A
    step = np.minimum(step, [8, 8, 99] - step)
    assert step.sum() == pytest.approx(1.0)


def test_budget_counts_the_events_of_its_own_waveform():
    device = make(values={"disorder.site_energy": 0.3, "vacancy.migration_barrier": 0.3})
    for expected in (101, 202):
        with pytest.raises(EventBudgetError):
            device.advance(Waveform.constant(0.0, 1.0), samples=2, budget=100)
        assert device.events == expected


def test_a_budget_leaves_the_voltages_of_its_last_event():
    device = make()
    with pytest.raises(EventBudgetError):
        device.advance(FORM, samples=2, budget=50)
    assert device.source_voltage == pytest.approx(FORM.voltage(device.time), rel=1e-12)
    assert device.device_voltage == LIMITED.device_voltage(device.source_voltage, device.conductance)
    assert 0.0 < device.device_voltage < device.source_voltage


def test_the_clock_never_goes_back():
    device = make()
    device.pass_time(2.0, 0.5)
    device.pass_time(1.0)
    assert (device.time, device.hazard) == (2.0, 0.5)


@pytest.mark.parametrize("budget", [-1, 2.5, 2**63, float("inf")])
def test_budget_is_a_whole_number_that_a_counter_holds(budget):
    with pytest.raises(ValueError, match="budget must be a whole number between 0 and 922"):
        make().advance(Waveform.constant(0.0, 1.0), budget=budget)


def test_budget_names_the_electrode_of_an_exchange():
    values = {"exchange.barrier": 0.2, "exchange.energy": 0.0, "vacancy.migration_barrier": 2.0}
    with pytest.raises(EventBudgetError, match=r"site \d+ and its electrode near"):
        make(values=values).advance(Waveform.constant(0.0, 1.0), budget=100)


def test_samples_and_log():
    device = make()
    record = device.advance(FORM, samples=21)
    assert record.log == [] and len(record.sample["time"]) in (21, 22)
    held = Waveform.constant(0.5, 1e-6)
    assert make().advance(held, samples=11).sample["time"] == pytest.approx(np.linspace(0, 1e-6, 11))
    with pytest.raises(ValueError, match="samples must be a whole number of at least 2, got 1"):
        device.advance(FORM, samples=1)


# ---- maps


def test_hottest_place_of_the_map_is_the_temperature_that_is_reported():
    device = make()
    record = device.advance(FORM, samples=30, stop=lambda device, current: device.device_voltage > 0.3)
    assert device.temperature_map.max() == pytest.approx(record.sample["temperature_max"][-1], rel=1e-9)
    assert device.temperature_map.min() >= device.temperature
    device.advance(FORM, samples=30)
    device.device_voltage = 0.5
    found = device.temperature + device.solved().heat_max * 0.25
    assert device.temperature_map.max() == pytest.approx(found, rel=1e-9)


def test_potential_lies_between_the_electrodes():
    device = make()
    device.advance(FORM, samples=10)
    for voltage in (0.5, -0.7):
        device.device_voltage = voltage
        share = device.potential / voltage
        assert 0.0 <= share.min() and share.max() <= 1.0
        assert len(share) == device.n_hosts


def test_transitions_hold_rates_at_the_present_voltage():
    device = make()
    device.device_voltage = 1.0
    events = device.transitions()
    candidates = device.solved().events
    assert events["rate"].sum() == pytest.approx(candidates.total(1.0), rel=1e-12)
    heat = candidates.arrays()["heat"]
    kt = (1.380649e-23 / 1.602176634e-19) * (300.0 + heat)
    assert events["rate"] == pytest.approx(1e14 * np.exp(-events["barrier"] / kt), rel=1e-9)
    with pytest.raises(ValueError, match="event must be between 0 and"):
        device.fire(len(events))


# ---- sizes


def test_sizes_are_whole_layers():
    device = Device(Material.load("HfO2-volatile"), 5e-9, 4.9e-9, seed=1)
    assert device.shape == (19, 19, 19)
    assert device.thickness == pytest.approx(19 * A) and device.width == pytest.approx(19 * A)


@pytest.mark.parametrize(("change", "message"), [
    ({"thickness": math.nan}, "thickness must be between 1e-10 and 1e-6 m, got nan"),
    ({"thickness": -5e-9}, "thickness must be between 1e-10 and 1e-6 m, got -5e-09"),
    ({"width": 0.0}, "width must be between 1e-10 and 1e-6 m, got 0.0"),
    ({"width": 5.0}, r"width must be between .* got 5.0 \(did you mean 5 \* nm\?\)"),
    ({"width": 5e-10}, "width must be 3 to 4096 lattice spacings of 2.6e-10 m, got 5e-10 m"),
    ({"thickness": 1e-10}, "thickness must be 1 to 4096 lattice spacings of 2.6e-10 m, got 1e-10 m"),
    ({"temperature": math.nan}, "temperature must be between 1 and 3000 K, got nan"),
    ({"temperature": 0.0}, "temperature must be between 1 and 3000 K, got 0"),
    ({"temperature": 3001.0}, "temperature must be between 1 and 3000 K, got 3001"),
    ({"lateral": "open"}, "lateral must be one of periodic, reflecting, got 'open'"),
    ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
    ({"member": -1}, "member must be a whole number of at least 0, got -1"),
])
def test_bad_arguments_end_in_one_sentence(change, message):
    arguments = {"thickness": 8 * A, "width": 8 * A, "seed": 1} | change
    with pytest.raises(ValueError, match=message):
        Device(Material.load("HfO2-volatile"), **arguments)


def test_seed_is_drawn_and_kept():
    device = Device(Material.load("HfO2-volatile"), 3 * A, 3 * A)
    again = Device(Material.load("HfO2-volatile"), 3 * A, 3 * A, seed=device.seed)
    np.testing.assert_array_equal(device.engine.species, again.engine.species)
    assert device.engine.draw() == again.engine.draw()


def test_a_run_without_events_ends_at_a_sample():
    """Nothing moves, the current alone grows with the ramp: the first sample above half of it is the last."""
    frozen = {"vacancy.migration_barrier": 8.0, "exchange.barrier": 8.0}
    ramp = Waveform.ramp(0.2, 1e6)
    device = make(values=frozen)
    whole = device.advance(ramp, samples=101).sample["current"]
    limit = 0.495 * whole[-1]
    assert device.events == 0
    record = make(values=frozen).advance(ramp, samples=101, stop=lambda _, current: current >= limit)
    assert len(record.sample["current"]) == np.argmax(whole >= limit) + 1 < 60
