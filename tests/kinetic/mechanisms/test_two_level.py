"""Two-level sites: their law, their clock, means over fast ones, and what a device does with them."""

from itertools import pairwise, product

import numpy as np
import pytest
from round_trips import FALSE_ALARM, round_trips
from scipy.stats import binomtest

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.engine._chain import stationary
from frenkel.kinetic.finite_difference import FiniteDifference
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material, MaterialError
from frenkel.kinetic.mechanisms.two_level import (
    CURRENT_ERROR,
    RATE_ERROR,
    ActiveSites,
    TwoLevelSites,
    clock,
)
from frenkel.kinetic.thermal import Thermal
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

A = 0.26e-9
NU, KELVIN = 1e13, 300.0
NUMBERS = {
    "two_level.density": 3e27, "two_level.barrier_low": 0.3, "two_level.barrier_high": 1.3,
    "two_level.asymmetry": 0.1, "two_level.attempt_frequency": NU, "two_level.effect": 0.1,
    "two_level.reach": A,
}  # fmt: skip
FROZEN = {"vacancy.migration_barrier": 8.0, "exchange.barrier": 8.0, "column.vacancy_fraction": 0.0}


def sites(barrier, asymmetry, near=None, effect=0.1):
    near = np.eye(len(barrier)) if near is None else near
    return TwoLevelSites(
        barrier, asymmetry, near, attempt_frequency=NU, effect=effect, temperature=KELVIN
    )


def seen(count, elasticity=0.0):
    """Return all of some sites as acting on a host site each."""
    hosts = np.arange(count, dtype=np.int32)
    return ActiveSites(np.arange(count), hosts, np.eye(count), np.full(count, elasticity))


def make(values=None, name="HfO2-volatile", seed=1, **more):
    material = Material.load(name).with_values(NUMBERS | FROZEN | (values or {}))
    return Device(material, 8 * A, 6 * A, seed=seed, circuit=Circuit(series_resistance=1e4), **more)


def put(device, layers, width=1):
    """Let vacancies come to some layers in the middle of the box, so many sites wide; return them."""
    nx, ny, nz = device.shape
    places = [((nx // 2 + i) * ny + ny // 2 + j) * nz + layer
              for i in range(width) for j in range(width) for layer in layers]
    species = device.engine.species
    species[places] = VACANCY.code
    device.arrange(species=species)
    device.look()
    return np.array(places)


# ---------------------------------------------------------------------- the law of a site


def test_forward_and_reverse_come_from_one_barrier():
    """k_up / k_down = exp(-D / kT) at any temperature, and k_up has the barrier B + D/2; to 1e-12."""
    found = sites([0.4, 0.9], [0.06, -0.1])
    for kelvin in (200.0, 300.0, 1500.0):
        up, down = found.rates([kelvin, kelvin])
        np.testing.assert_allclose(up / down, np.exp(-found.asymmetry / (BOLTZMANN_EV * kelvin)), rtol=1e-12)
        np.testing.assert_allclose(
            up, NU * np.exp(-(found.barrier + found.asymmetry / 2) / (BOLTZMANN_EV * kelvin)), rtol=1e-12
        )


def test_the_chance_follows_the_law_of_two_states():
    """From the upper state, in steps and at once, p = p0 + (1 - p0) exp(-(k_up + k_down) t); to 1e-12."""
    found, at_once = sites([0.6], [0.05]), sites([0.6], [0.05])
    for one in (found, at_once):
        one.chance = np.ones(1)
        one.rest(400.0)
    up, down = (float(rate[0]) for rate in found.rates([400.0]))
    span = 0.7 / (up + down)
    for share in (0.1, 0.5, 0.4):
        found.pass_time(share * span)
    at_once.pass_time(span)
    expected = up / (up + down) + down / (up + down) * np.exp(-0.7)
    assert found.chance[0] == pytest.approx(expected, rel=1e-12)
    assert at_once.chance[0] == pytest.approx(expected, rel=1e-12)


def test_flat_barriers_relax_in_the_logarithm_of_time():
    """Barriers of 0.3 to 1.3 eV, all in the upper state of equal energy: each decade of time from 1e-6 to 1 s
    takes 1/2 kT ln 10 / (1 eV) of them down; 1e-3 of that."""
    found = sites(np.linspace(0.3, 1.3, 20001), np.zeros(20001), near=np.zeros((20001, 1)))
    found.chance = np.ones(20001)
    found.rest(KELVIN)
    passed, means = 0.0, []
    for time in 10.0 ** np.arange(-6, 1):
        found.pass_time(time - passed)
        passed = time
        means.append(found.chance.mean())
    np.testing.assert_allclose(-np.diff(means), 0.5 * BOLTZMANN_EV * KELVIN * np.log(10.0), rtol=1e-3)


def by_clock(span, rng):
    """Return whether a site is in its upper state after a time on the clock of events."""
    found = sites([0.6], [0.05])
    found.chance = np.ones(1)
    found.draw_patience(rng.random)
    while True:
        found.begin(seen(1), np.zeros(1), 400.0, clock=np.inf, sharpness=0.0, draw=rng.random)
        ahead = found.ahead()
        if ahead > span:
            return found.chance[0] == 1.0
        found.pass_time(ahead)
        span -= ahead
        found.switch(rng.random)


def test_the_clock_of_events_has_the_same_law():
    """Occupation of 3,000 sites 1.3 relaxation times after the upper state: binomial (false alarm 1e-4)."""
    up, down = (float(rate[0]) for rate in sites([0.6], [0.05]).rates([400.0]))
    rng = np.random.default_rng(21)
    upper = sum(by_clock(1.3 / (up + down), rng) for _ in range(3000))
    expected = up / (up + down) + down / (up + down) * np.exp(-1.3)
    assert binomtest(upper, 3000, expected).pvalue > FALSE_ALARM
    assert binomtest(upper, 3000, up / (up + down)).pvalue < FALSE_ALARM


def test_a_state_is_drawn_from_the_chance_that_is_kept():
    """Of 3,000 unseen sites that come to act on bonds: binomial (false alarm 1e-4); those not fast only."""
    found, rng = sites(np.full(3000, 0.8), np.full(3000, 0.02)), np.random.default_rng(22)
    found.chance = np.full(3000, 0.3)
    assert found.begin(seen(3000), np.zeros(3000), KELVIN, clock=np.inf, sharpness=0.0, draw=rng.random)
    assert set(found.chance) == {0.0, 1.0} and found.resolved.all()
    assert binomtest(int(found.chance.sum()), 3000, 0.3).pvalue > FALSE_ALARM


def test_fast_sites_that_matter_are_slowed_down_in_both_directions():
    """Rates add up to the clock and keep their ratio; a site that matters less is averaged. Exact."""
    rng = np.random.default_rng(23)
    for chance, kept in ((0.0, "up"), (1.0, "down")):
        found = sites([0.3, 0.3], [0.03, 0.03])
        found.chance, found.resolved = np.full(2, chance), np.ones(2, bool)
        active = ActiveSites(np.arange(2), np.arange(2, dtype=np.int32), np.eye(2), np.array([1.0, 1e-3]))
        found.begin(active, np.zeros(2), KELVIN, clock=1e3, sharpness=0.0, draw=rng.random)
        assert found.resolved.tolist() == [True, False]
        assert found.leaving[1] == 0.0 and found.level[1] == found.equilibrium[1]
        expected = 1e3 * getattr(found, kept)[0] / found.total[0]
        assert found.leaving[0] == pytest.approx(expected, rel=1e-12)
    assert clock(10.0, 1.0) == 100.0 and clock(0.0, 0.5) == 4.0


def test_a_fast_site_is_kept_where_rates_are_steep():
    """Means change the current by 5e-5; rates by 0.02 at a slope of 200, by 5e-5 at one of 10. Exact."""
    for sharpness, kept in ((200.0, True), (10.0, False)):
        found = sites([0.3], [0.0])
        found.begin(
            seen(1, 0.02), np.zeros(1), KELVIN, clock=1e3, sharpness=sharpness,
            draw=np.random.default_rng(28).random,
        )  # fmt: skip
        assert found.resolved[0] == kept


# ---------------------------------------------------------------------- means against enumeration


def chosen_sites(device, near_hosts, barrier, effect, rng):
    """Give a device eight sites, each beside one of its vacancies."""
    near = np.zeros((8, device.n_hosts))
    near[np.arange(8), near_hosts] = 1.0
    device.two_level = TwoLevelSites(
        barrier + 0.02 * rng.random(8), 0.1 * rng.uniform(-1, 1, 8), near,
        attempt_frequency=NU, effect=effect, temperature=KELVIN,
    )
    device.two_level.draw_patience(device.engine.draw)


def enumerate_states(device, voltage):
    """Return the stationary law of all 256 states by their master equation, currents and rates of atoms."""
    found, states = device.two_level, np.array(list(product((0.0, 1.0), repeat=8)))
    current, atoms, rates = np.zeros(256), np.zeros(256), np.zeros((256, 256))
    with device.trial():
        for i, state in enumerate(states):
            found.arrange(state)
            now = device.solver.solved()
            current[i], atoms[i] = now.current(voltage), now.at(voltage).rates(voltage).sum()
            kelvin = np.full(8, device.temperature)
            kelvin[now.active.sites] += now.site_rise(voltage)
            for k, (up, down) in enumerate(zip(*found.rates(kelvin), strict=True)):
                rates[i, i ^ (1 << (7 - k))] = down if state[k] else up
    return stationary(rates), current, atoms


@pytest.mark.parametrize(("name", "voltage", "effect"), [
    ("HfO2-volatile", 0.1, 0.05), ("HfO2-volatile", 0.6, 0.02), ("HfO2-fast", 0.1, 0.05), ("HfO2-fast", 0.6, 0.02),
])
def test_means_over_fast_sites_are_those_of_all_states(name, voltage, effect):
    """Eight sites at a filament three sites wide, 2^8 states, those with their own heat: current 1e-3, rates
    1e-2, as stated. All eight are averaged; with their lower states in place of means the current is off."""
    rng = np.random.default_rng(24)
    device = make({"vacancy.migration_barrier": 0.8, "exchange.barrier": 1.2}, name)
    places = put(device, range(8), 3)
    chosen_sites(device, rng.choice(places, 8, replace=False), 0.3, effect, rng)
    law, current, atoms = enumerate_states(device, voltage)
    now, found = device.solver.solved(), device.two_level
    sharpness = now.sharpness(voltage)
    for _ in range(2):  # heat follows the bonds
        rise = now.site_rise(voltage)
        found.begin(now.active, rise, KELVIN, clock=1e3, sharpness=sharpness, draw=rng.random)
        now = device.solver.solved()
    assert not found.resolved.any() and len(now.active.sites) == 8
    assert now.current(voltage) == pytest.approx(law @ current, rel=CURRENT_ERROR)
    assert now.at(voltage).rates(voltage).sum() == pytest.approx(law @ atoms, rel=RATE_ERROR)
    assert abs(current[0] / (law @ current) - 1.0) > 2.0 * CURRENT_ERROR


GAP = (0, 1, 2, 5, 6, 7)


@pytest.mark.parametrize("layers", [(range(8), 1), (range(8), 3), (GAP, 1), (GAP, 2)])
def test_the_elasticity_bounds_what_a_site_does_to_the_conductance(layers):
    """d ln G by ln f of eight sites, filaments and gaps: at most what is stated, some above a third of it."""
    device, rng = make(), np.random.default_rng(29)
    places = put(device, *layers)
    chosen_sites(device, rng.choice(places, 8), 0.3, 1e-3, rng)
    found = device.two_level
    found.arrange(np.full(8, 0.5))
    bound = device.solver.solved().active.elasticity
    slopes = np.zeros(8)
    for k in range(8):
        logs = []
        for state in (0.0, 1.0):
            level = np.full(8, 0.5)
            level[k] = state
            found.arrange(level)
            logs.append(np.log(device.conductance))
        slopes[k] = (logs[1] - logs[0]) / 1e-3
    assert (np.abs(slopes) <= bound * (1.0 + 1e-3) + 1e-6).all()
    assert (np.abs(slopes) / bound).max() > 1.0 / 3.0


def test_sites_at_a_gap_are_not_averaged():
    """At the tips of a gap, 0.8 V, effect 0.5: means would put atoms' rates off by more than is stated."""
    rng = np.random.default_rng(25)
    device = make({"vacancy.migration_barrier": 0.8, "exchange.barrier": 1.2})
    put(device, range(3), 1)
    places = put(device, range(5, 8), 1)
    chosen_sites(device, rng.choice(places, 8), 0.3, 0.5, rng)
    law, _, atoms = enumerate_states(device, 0.8)
    found, now = device.two_level, device.solver.solved()
    found.arrange(found.equilibrium)
    mean = device.solver.solved().at(0.8).rates(0.8).sum()
    assert abs(mean / (law @ atoms) - 1.0) > 2.0 * RATE_ERROR
    settings = {"clock": 1e3, "sharpness": now.sharpness(0.8)}
    found.begin(now.active, now.site_rise(0.8), KELVIN, **settings, draw=rng.random)
    assert found.resolved.sum() >= 4


def test_a_run_at_a_gap_has_the_mean_of_all_states():
    """Frozen atoms at 0.3 V: sites that are slowed down give the mean current of the master equation.

    Time average over 1,200 samples, four of its standard errors by 30 batches (false alarm 4e-4).
    """
    rng = np.random.default_rng(26)
    device = make()
    put(device, range(3), 1)
    places = put(device, range(5, 8), 1)
    chosen_sites(device, rng.choice(places, 8), 0.3, 0.3, rng)
    device.connect(Circuit())
    law, current, _ = enumerate_states(device, 0.3)
    record = device.advance(Waveform.constant(0.3, 1.0), samples=1201)
    means = record.sample["current"][1:].reshape(30, 40).mean(axis=1)
    error = means.std(ddof=1) / np.sqrt(30)
    assert abs(means.mean() - law @ current) < 4.0 * error
    assert error < 0.3 * np.sqrt(law @ current**2 - (law @ current) ** 2)


# ---------------------------------------------------------------------- devices


def test_without_a_section_there_are_none():
    device = Device(Material.load("HfO2-volatile"), 8 * A, 6 * A, seed=1)
    assert device.two_level is None and "two_level" not in device.state() and device.oxide() == {}


def test_sites_are_those_of_seed_and_member():
    """Numbers are uniform between their ends, places the same for one seed and member; exact."""
    one, same, other = (make(seed=1, member=member) for member in (0, 0, 1))
    assert np.array_equal(one.two_level.barrier, same.two_level.barrier)
    assert not np.array_equal(one.two_level.barrier[:5], other.two_level.barrier[:5])
    assert 0.3 <= one.two_level.barrier.min() and one.two_level.barrier.max() <= 1.3
    assert abs(one.two_level.asymmetry).max() <= 0.1
    assert set(one.two_level.near.sum(axis=1)) <= {6.0, 7.0}  # a host site and its neighbours
    assert one.two_level.chance == pytest.approx(one.two_level.equilibrium)


def test_rates_of_atoms_at_rest_do_not_see_sites():
    """All rates at 0 V are the same to the last bit whatever states sites are in; at 0.5 V they are not."""
    device = make({"vacancy.migration_barrier": 0.8})
    put(device, range(6))
    rates = [device.rates(volts) for volts in (0.0, 0.5)]
    device.two_level.arrange(1.0 - np.round(device.two_level.chance))
    assert np.array_equal(device.rates(0.0), rates[0])
    assert not np.array_equal(device.rates(0.5), rates[1])


def test_a_rest_takes_no_step_and_a_read_few():
    """Barriers of 0.3 eV switch 1e8 times a second: a day at 0 V takes a solution a sample, a read few."""
    device = make({"two_level.barrier_high": 0.5, "two_level.barrier_low": 0.3})
    put(device, range(8), 2)
    device.advance(Waveform.constant(0.0, 86400.0), samples=10)
    assert device.field_solves <= 11
    before = device.field_solves
    record = device.advance(Waveform.constant(0.1, 86400.0), samples=10)
    assert device.field_solves - before <= 4 * 10 * len(device.two_level.barrier)
    assert np.isfinite(record.sample["current"]).all()


def test_a_read_shows_the_switching_of_slow_sites():
    """Frozen atoms at 0.1 V and at 0 V: conductances differ from sample to sample, no atom moves."""
    for volts in (0.1, 0.0):
        device = make({"two_level.density": 2e28})
        put(device, range(8), 2)
        record = device.advance(Waveform.constant(volts, 1.0), samples=50)
        assert device.events == 0
        assert len(set(record.sample["conductance"].tolist())) > 5


def test_who_watches_a_rest_sees_each_switching():
    device = make({"two_level.barrier_low": 0.6, "two_level.barrier_high": 0.7})
    put(device, range(8), 2)
    seen_levels = []

    def look(device, current):
        seen_levels.append(device.two_level.level.copy())
        return len(seen_levels) == 40

    device.advance(Waveform.constant(0.0, 0.1), samples=100, stop=look)
    changes = [np.count_nonzero(a != b) for a, b in pairwise(seen_levels[1:])]
    assert device.time < 0.1 and max(changes) == 1 and sum(changes) > 4


def test_an_event_and_its_reverse_see_the_same_sites():
    """Energies of 60 events and their reverses sum to zero at 1.2 V, sites resolved: 1e-9 eV + stated."""
    device = make({"vacancy.migration_barrier": 0.8, "exchange.barrier": 1.2, "two_level.effect": 0.5})
    put(device, range(6))
    rng, gaps = np.random.default_rng(27), []
    for _ in range(3):
        device.two_level.arrange(rng.integers(0, 2, len(device.two_level.level)).astype(float))
        device.device_voltage = 1.2
        with device.trial():
            gaps += [abs(gap) - bound for gap, bound in round_trips(device, 20, rng)]
    assert len(gaps) == 60 and max(gaps) <= 1e-9


def test_a_run_goes_on_bit_by_bit_and_a_branch_by_itself():
    """State and restore give the same events and currents; a trial changes nothing. Exact."""
    values = {"vacancy.migration_barrier": 0.8, "exchange.barrier": 1.2, "two_level.barrier_high": 0.6}
    device = make(values)
    put(device, range(6))
    device.advance(Waveform.constant(0.2, 1e-7), samples=5)
    assert device.two_level.resolved.any()
    kept, twin = device.state(), device.branch(3)
    ramp = Waveform.triangle(1.6, rate=1e6)
    first = device.advance(ramp, samples=10, log=True)
    again = make(values)
    again.restore(kept)
    second = again.advance(ramp, samples=10, log=True)
    assert first.log == second.log and len(first.log) > 2
    assert np.array_equal(first.sample["current"], second.sample["current"])
    for key, value in device.state()["two_level"].items():
        assert np.array_equal(value, again.state()["two_level"][key])
    twin.advance(ramp, samples=10)
    assert not np.array_equal(twin.two_level.level, device.two_level.level)
    state, oxide, current = device.state()["two_level"], device.oxide(), device.current(0.1)
    with device.trial():
        device.two_level.arrange(1.0 - np.round(device.two_level.level))
        assert device.current(0.1) != current
    assert device.current(0.1) == current
    assert all(np.array_equal(value, device.state()["two_level"][key]) for key, value in state.items())
    device.two_level.arrange(1.0 - np.round(device.two_level.level))
    device.arrange(**oxide)
    assert device.current(0.1) == current


def test_twins_have_the_sites_of_the_device_that_they_follow():
    """Two devices like a third, without a difference: no derivative of its current; exact."""
    device, low, high = make(), make(), make()
    put(device, range(8))
    device.advance(Waveform.constant(0.1, 1.0), samples=5)
    assert FiniteDifference(low, high, 1.0).conductance_slope(device) == 0.0


@pytest.mark.parametrize(("values", "words"), [
    ({"two_level.barrier_high": 0.2}, "barrier_high must be at least two_level.barrier_low, 0.3 eV"),
    ({"two_level.asymmetry": 0.7}, "asymmetry must be at most twice two_level.barrier_low, 0.6 eV"),
])  # fmt: skip
def test_numbers_that_do_not_fit_are_refused(values, words):
    with pytest.raises(MaterialError, match=words):
        make(values)


def test_columns_and_heat_in_time_are_refused():
    with pytest.raises(MaterialError, match="acts on bonds, which a set with .interface. has not"):
        Material.load("PCMO").with_values(NUMBERS)
    with pytest.raises(ValueError, match="thermal.transient must be false"):
        make(thermal=Thermal(transient=True))
