"""Relaxation of the oxide round defects that come and go: its clock, its draws, its bonds in a device."""

import numpy as np
import pytest
from round_trips import FALSE_ALARM, round_trips
from scipy.stats import kstest, ttest_1samp
from whole_lattice import SMALL, Occupancy, WholeLattice, batch_p_value, boltzmann, small_material

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.finite_difference import FiniteDifference
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material, MaterialError
from frenkel.kinetic.mechanisms.relaxation import Relaxation, quenched_part
from frenkel.kinetic.waveform import Waveform

A = 0.26e-9
RATE = 1e6
NEAR = np.array([[1, -1], [0, 2], [1, 3], [2, -1]], np.int32)
MOVES = {"disorder.bond": 0.5, "disorder.relaxation_rate": RATE}
FROZEN = {"vacancy.migration_barrier": 8.0, "exchange.barrier": 8.0, "column.vacancy_fraction": 0.0}


def chain(seed, held=(False,) * 4):
    """Return what relaxes in a row of four sites, and its random numbers."""
    draw = np.random.default_rng(seed).random
    found = Relaxation(RATE, 0.5, np.ones(4), NEAR, np.array(held))
    found.draw_patience(draw)
    return found, draw


def make(values=None, seed=1, **more):
    material = Material.load("HfO2-volatile").with_values(MOVES | (values or {}))
    return Device(material, 8 * A, 6 * A, seed=seed, circuit=Circuit(series_resistance=1e4), **more)


def put(device, sites):
    """Let vacancies come to these host sites."""
    species = device.engine.species
    species[sites] = VACANCY.code
    device.arrange(species=species)
    device.look()


def column(device, layers):
    """Return the host sites of some layers in the middle of the box."""
    nx, ny, nz = device.shape
    return [((nx // 2) * ny + ny // 2) * nz + layer for layer in layers]


def test_a_pair_that_goes_to_and_fro_waits_no_more():
    """Only what stands otherwise than when the oxide relaxed last waits; exact."""
    found, _ = chain(1)
    found.note(1, True, 1.0)
    found.note(2, True, 2.0)
    found.note(2, True, 3.0)
    assert found.waiting == {1: 1.0, 2: 2.0}
    found.note(1, False, 4.0)
    assert found.waiting == {2: 2.0}
    found.look(np.array([True, False, True, False]), 5.0)
    assert found.waiting == {0: 5.0, 2: 2.0}
    found.look(np.zeros(4, bool), 6.0)
    assert found.ahead() == np.inf


def test_the_time_ahead_is_shared_by_those_that_wait_and_used_up_by_waiting():
    """With three of them it is a third, and what has passed is gone; exact."""
    found, _ = chain(2)
    found.note(0, True, 0.0)
    alone = found.ahead()
    assert alone == found.patience / RATE
    found.wait(1, 0.25 * alone)
    found.note(1, True, 0.0)
    found.note(2, True, 0.0)
    assert found.ahead() == pytest.approx(0.25 * alone, rel=1e-12)


def test_factors_of_a_site_and_of_its_neighbours_are_drawn_as_the_first_were():
    """Log-normal with the same deviation, nowhere else, in another array; KS p > 1e-4 (false alarm 1e-4)."""
    found, draw = chain(3)
    drawn = []
    for k in range(1500):
        before = found.factor
        found.note(1, k % 2 == 0, 0.0)
        found.relax(draw)
        assert found.factor is not before
        assert found.factor[3] == 1.0
        drawn.append(found.factor[:3])
    assert kstest(np.log(drawn).ravel() / 0.5, "norm").pvalue > 1e-4


WIDE, SHARE, MEMORY = 4000, 0.3, 0.7


def wide(seed, steps):
    """Return ln of factors after each of some relaxations of all sites at once, and the quenched part."""
    rng = np.random.default_rng(seed)
    factor = np.exp(0.5 * rng.standard_normal(WIDE))
    mean = quenched_part(factor, 0.5, SHARE, rng)
    near = np.tile(np.arange(1, WIDE, dtype=np.int32), (WIDE, 1))
    found = Relaxation(
        RATE, 0.5, factor, near, np.zeros(WIDE, bool), mean=mean, quenched_share=SHARE, memory=MEMORY
    )
    logs = [np.log(factor)]
    for k in range(steps):
        found.note(0, k % 2 == 0, 0.0)
        found.relax(rng.random)
        logs.append(np.log(found.factor))
    return np.array(logs), mean


def test_walking_factors_keep_the_law_of_the_fresh_ones():
    """After one and seven relaxations ln f is normal with the same deviation; KS (false alarm 1e-4 each)."""
    logs, mean = wide(11, 7)
    for row in (logs[1], logs[-1]):
        assert kstest(row / 0.5, "norm").pvalue > FALSE_ALARM
    assert kstest(mean / (0.5 * np.sqrt(SHARE)), "norm").pvalue > FALSE_ALARM
    walking = (logs[-1] - mean) / (0.5 * np.sqrt(1.0 - SHARE))
    assert kstest(walking, "norm").pvalue > FALSE_ALARM


def test_what_a_step_leaves_is_the_share_and_a_power_of_the_memory():
    """Correlation after n relaxations phi + (1 - phi) rho^n, of the walking part rho^n; four standard errors
    of 4,000 sites, 14 numbers (false alarm 1e-3). Fails for rho^(n/2) and for rho^(2n)."""
    logs, mean = wide(12, 7)
    for n in range(1, 8):
        for one, expected in ((logs, SHARE + (1.0 - SHARE) * MEMORY**n), (logs - mean, MEMORY**n)):
            found = np.corrcoef(one[0], one[n])[0, 1]
            assert abs(np.arctanh(found) - np.arctanh(expected)) < 4.0 / np.sqrt(WIDE)
            for wrong in (MEMORY ** (n / 2), MEMORY ** (2 * n)):
                other = SHARE + (1.0 - SHARE) * wrong if one is logs else wrong
                assert n > 3 or abs(np.arctanh(found) - np.arctanh(other)) > 4.0 / np.sqrt(WIDE)


def test_steps_to_and_fro_are_alike():
    """A pair of factors, before and after, has a law that is the same in either order: third moments vanish.

    Mean of x^2 y - x y^2 of 4,000 sites within four standard errors of 0 (false alarm 6e-5), from the law of
    the fresh device; not from another one.
    """
    logs, _ = wide(13, 1)
    odd = logs[0] ** 2 * logs[1] - logs[0] * logs[1] ** 2
    assert abs(odd.mean()) < 4.0 * odd.std() / np.sqrt(WIDE)
    moved = logs[0] + 0.5, logs[1] + 0.5 * (SHARE + (1 - SHARE) * MEMORY)
    odd = moved[0] ** 2 * moved[1] - moved[0] * moved[1] ** 2
    assert abs(odd.mean()) > 4.0 * odd.std() / np.sqrt(WIDE)


@pytest.mark.parametrize(("share", "memory"), [(1.0, 0.0), (0.0, 0.999999)])
def test_bonds_that_are_quenched_stay(share, memory):
    """With all of the variance quenched to rounding, with a memory near 1 within 1e-2 of ln f."""
    rng = np.random.default_rng(14)
    factor = np.exp(0.5 * rng.standard_normal(4))
    mean = quenched_part(factor, 0.5, share, rng) if share else 0.0
    law = {"mean": mean, "quenched_share": share, "memory": memory}
    found = Relaxation(RATE, 0.5, factor, NEAR, np.zeros(4, bool), **law)
    for k in range(10):
        found.note(1, k % 2 == 0, 0.0)
        found.relax(rng.random)
    assert np.abs(np.log(found.factor / factor)).max() < (1e-14 if share else 2e-2)


SPANS = np.array([0.4, 1.1, 0.2, 2.0, 0.7, 0.1, 3.0]) / RATE
"""Times (s) between which a defect comes to a site or leaves it."""


def expected_relaxations():
    """Return how often a site relaxes in the mean: the chain of waiting or not over the spans, by hand."""
    waits, count = 1.0, 0.0  # it came at the beginning
    for span in SPANS:
        relaxed = waits * -np.expm1(-RATE * span)
        count += relaxed
        waits = 1.0 - (waits - relaxed)  # the next change ends a wait, or begins one
    return count


def by_clock(found, draw):
    """Count relaxations with the clock of a device under voltage."""
    count, holds = 0, True
    found.note(1, holds, 0.0)
    for span in SPANS:
        left = span
        while found.waiting and found.ahead() < left:
            left -= found.ahead()
            found.relax(draw)
            count += 1
        found.wait(len(found.waiting), left)
        holds = not holds
        found.note(1, holds, 0.0)
    return count


def by_catching_up(found, draw):
    """Count them as at rest, where each change looks back."""
    count, holds, now = 0, True, 0.0
    found.note(1, holds, now)
    for span in SPANS:
        now += span
        before = found.factor
        found.catch_up(now, draw, (1,))
        count += found.factor is not before
        holds = not holds
        found.note(1, holds, now)
    return count


@pytest.mark.parametrize("count", [by_clock, by_catching_up])
def test_both_ways_to_keep_time_relax_as_often_as_the_chain_says(count):
    """Mean of 3,000 runs within four standard errors of the exact one (false alarm 6e-5)."""
    numbers = []
    for seed in range(3000):
        numbers.append(count(*chain((4, seed))))
    error = np.std(numbers) / np.sqrt(len(numbers))
    assert abs(np.mean(numbers) - expected_relaxations()) < 4.0 * error


def test_it_goes_on_from_what_was_kept():
    """The same draws from a kept state give the same factors and times; equal factors stay the same array."""
    found, _ = chain(5)
    for site in (3, 0, 2):
        found.note(site, True, 0.1 * site)
    kept, again = found.state(), chain(6)[0]
    again.restore(kept)
    same = again.factor
    again.restore(kept)
    assert again.factor is same
    assert again.waiting == found.waiting and list(again.waiting) == list(found.waiting)
    for one in (found, again):
        one.relax(np.random.default_rng(7).random)
    assert np.array_equal(found.factor, again.factor)
    assert found.ahead() == again.ahead()
    assert kept["factor"].tolist() == [1.0] * 4


# ---------------------------------------------------------------------- devices


def test_bonds_change_in_the_run_and_events_do_not_see_it_at_rest():
    """Frozen atoms at 0.1 V: current changes by relaxations alone; at 0 V all rates are the same; exact."""
    device = make(FROZEN)
    sites = column(device, range(8))
    put(device, sites)
    assert set(device.relaxation.waiting) == set(sites)
    rates, before = device.rates(0.0), device.conductance
    record = device.advance(Waveform.constant(0.1, 100.0 / RATE), samples=200)
    assert not device.relaxation.waiting  # a missed one in 8 e^-100
    assert device.events == 0
    assert len(set(np.round(record.sample["conductance"] / before, 9))) > 4  # one after the other
    assert record.extremes.peak[0] == pytest.approx(record.sample["current"].max(), rel=1e-9)
    assert np.array_equal(device.rates(0.0), rates)


def test_a_device_solves_the_bonds_that_it_has():
    """Conductance after relaxations is that of a fresh device with these factors; exact."""
    device, other = make(FROZEN), make(FROZEN)
    for one in (device, other):
        put(one, column(one, range(8)))
    first = device.conductance
    assert other.conductance == first
    device.advance(Waveform.constant(0.1, 100.0 / RATE), samples=5)
    assert abs(device.conductance / first - 1.0) > 1e-3
    other.relaxation.factor = device.relaxation.factor.copy()
    assert other.conductance == device.conductance


def test_a_rest_brings_the_oxide_up_to_date():
    """After a rest of a hundred waits all have relaxed, and after one of a hundredth nearly none; exact."""
    device = make(FROZEN)
    put(device, column(device, range(8)))
    factor = device.relaxation.factor
    device.advance(Waveform.constant(0.0, 1e-9 / RATE), samples=2)
    assert device.relaxation.factor is factor and len(device.relaxation.waiting) == 8
    device.advance(Waveform.constant(0.0, 100.0 / RATE), samples=2)
    assert not device.relaxation.waiting
    assert device.relaxation.held[column(device, range(8))].all()


def test_who_watches_a_rest_hears_of_each_relaxation():
    """At the moment, not at the end: the first of eight comes within ten waits (a miss in e^80)."""
    device = make(FROZEN)
    put(device, column(device, range(8)))
    first = device.conductance
    changed = lambda device, current: device.conductance != first  # noqa: E731
    device.advance(Waveform.constant(0.0, 1e6 / RATE), samples=2, stop=changed)
    assert 0.0 < device.time < 10.0 / RATE and len(device.relaxation.waiting) == 7


def test_the_patience_at_an_event_is_what_the_wait_has_left():
    """A state that is kept where the run stops is the one after it; exact."""
    device = make()
    put(device, column(device, range(6)))
    kept = []

    def first(device, current):
        kept.append(device.state()["relaxation"])
        return device.events > 0

    begun = device.relaxation.patience
    device.advance(Waveform.triangle(2.0, rate=1e9), samples=2, stop=first)
    assert kept[-1]["patience"] == device.relaxation.patience != begun
    assert len(kept[-1]["waiting"]) > 0


def test_a_run_goes_on_bit_by_bit_and_a_branch_by_itself():
    """State and restore give the same events, bonds and currents; a branch has draws of its own."""
    device = make()
    put(device, column(device, range(6)))
    device.advance(Waveform.constant(0.2, 0.3 / RATE), samples=2)
    kept, twin = device.state(), device.branch(3)
    assert len(kept["relaxation"]["waiting"]) > 0
    ramp = Waveform.triangle(1.3, rate=1e6)
    first = device.advance(ramp, samples=20, log=True)
    factor = device.relaxation.factor
    device.restore(kept)
    assert np.array_equal(twin.relaxation.factor, device.relaxation.factor)
    second = device.advance(ramp, samples=20, log=True)
    assert first.log == second.log and len(first.log) > 5
    assert np.array_equal(factor, device.relaxation.factor)
    assert np.array_equal(first.sample["current"], second.sample["current"])
    twin.advance(ramp, samples=20)
    assert not np.array_equal(twin.relaxation.factor, factor)


def test_twins_have_the_bonds_of_the_device_that_they_follow():
    """Two devices like a third, without a difference: no derivative of its current or rates; exact."""
    device, low, high = make(FROZEN), make(FROZEN), make(FROZEN)
    twins = FiniteDifference(low, high, 1.0)
    put(device, column(device, range(8)))
    assert twins.conductance_slope(device) == 0.0
    device.advance(Waveform.constant(0.1, 100.0 / RATE), samples=5)
    assert twins.conductance_slope(device) == 0.0
    for twin in (low, high):
        assert twin.conductance == device.conductance


def test_twins_in_the_disorder_of_the_bonds_keep_it():
    """d ln G by `disorder.bond` is that of the oxide that does not relax, drawn alike; 1e-9."""
    slopes = []
    for rate in (0.0, RATE):
        values = FROZEN | {"disorder.relaxation_rate": rate}
        device, low, high = (make(values | {"disorder.bond": bond}) for bond in (0.5, 0.49, 0.51))
        put(device, column(device, range(8)))
        twins = FiniteDifference(low, high, 0.02, "disorder.bond")
        slopes.append(twins.conductance_slope(device))
        assert twins.conductance_slope(device) == slopes[-1]
    assert abs(slopes[0]) > 0.1
    assert slopes[1] == pytest.approx(slopes[0], rel=1e-9)


def test_a_correlation_length_is_refused_with_it():
    with pytest.raises(ValueError, match="must be 0 where disorder.relaxation_rate is not"):
        make({"disorder.correlation_length": 1e-9})


def test_columns_with_an_interface_refuse_it():
    values = {"disorder.site_energy": 0.0, "disorder.barrier": 0.0, "disorder.relaxation_rate": RATE}
    with pytest.raises(ValueError, match="disorder.relaxation_rate must be 0 in a material with a section"):
        Device(Material.load("PCMO").with_values(values), 6 * A, 4 * A, seed=1)


def test_without_a_rate_nothing_relaxes():
    assert make({"disorder.relaxation_rate": 0.0}).relaxation is None


def test_an_arrangement_comes_back_with_its_oxide():
    """Atoms and bonds as they were give the same current to the last bit; a trial changes neither. Exact."""
    device = make()
    put(device, column(device, range(2, 6)))
    before, current = device.arrangement() | device.oxide(), device.current(0.1)
    assert device.relaxing == RATE * len(device.relaxation.waiting) > 0.0
    with device.trial():
        device.relaxation.relax(device.engine.draw)
        put(device, column(device, range(2, 4)))
        assert device.current(0.1) != current
    assert device.current(0.1) == current
    device.relaxation.relax(device.engine.draw)
    waiting = device.relaxing
    assert device.current(0.1) != current and waiting == RATE * len(device.relaxation.waiting)
    device.arrange(**before)
    assert device.current(0.1) == current and device.relaxing == waiting + RATE
    assert make({"disorder.relaxation_rate": 0.0}).oxide() == {}


WALK = {"disorder.quenched_share": 0.5, "disorder.memory": 0.8}


def test_the_fresh_device_does_not_tell_the_share():
    """Bonds of a fresh device are those of any share; after all have relaxed they are others. Exact."""
    fresh, relaxed = [], []
    for values in ({}, WALK, {"disorder.quenched_share": 1.0}):
        device = make(FROZEN | values)
        put(device, column(device, range(8)))
        fresh.append(device.conductance)
        device.advance(Waveform.constant(0.1, 100.0 / RATE), samples=2)
        relaxed.append(device.conductance)
    assert fresh[0] == fresh[1] == fresh[2] == pytest.approx(relaxed[2], rel=1e-12)
    assert len(set(relaxed)) == 3


def test_quenched_parts_are_those_of_seed_and_member():
    one, same, other = (make(WALK, seed, member=member) for seed, member in ((1, 0), (1, 0), (1, 1)))
    assert np.array_equal(one.relaxation.mean, same.relaxation.mean)
    assert not np.array_equal(one.relaxation.mean, other.relaxation.mean)


def test_walking_bonds_go_on_bit_by_bit():
    """State and restore give the same events and factors; a branch keeps the quenched part. Exact."""
    device = make(WALK)
    put(device, column(device, range(6)))
    device.advance(Waveform.constant(0.2, 2.0 / RATE), samples=2)
    kept, twin = device.state(), device.branch(3)
    ramp = Waveform.triangle(1.5, rate=1e7)
    first = device.advance(ramp, samples=5, log=True)
    factor = device.relaxation.factor
    fresh = make(WALK)
    fresh.restore(kept)
    second = fresh.advance(ramp, samples=5, log=True)
    assert first.log == second.log and len(first.log) > 5
    assert np.array_equal(factor, fresh.relaxation.factor)
    assert np.array_equal(twin.relaxation.mean, device.relaxation.mean)


def test_an_event_and_its_reverse_see_the_same_bonds():
    """Energies of 60 events and their reverses sum to zero at 1.2 V between relaxations: 1e-9 eV + stated."""
    device = make(WALK)
    rng = np.random.default_rng(15)
    put(device, column(device, range(6)))
    gaps = []
    for _ in range(3):
        device.relaxation.relax(device.engine.draw)
        device.device_voltage = 1.2
        with device.trial():
            gaps += [abs(gap) - bound for gap, bound in round_trips(device, 20, rng)]
    assert len(gaps) == 60 and max(gaps) <= 1e-9


def test_a_box_at_rest_is_that_of_boltzmann_whatever_bonds_do():
    """Vacancies on 3 x 3 x 3 sites at 0 V, bonds that walk at the rate of events, against enumeration.

    Numbers of vacancies by 40 batch means, and the walking part of ln f on their sites, whose mean is 0
    (false alarm 1e-4 each).
    """
    values = {"disorder__site_energy": 0.0, "disorder__barrier": 0.0, "disorder__correlation_length": 0.0,
              "disorder__bond": 0.5, "disorder__relaxation_rate": 3e12, "disorder__quenched_share": 0.3,
              "disorder__memory": 0.5}
    material = small_material("HfO2-volatile", **SMALL, **values)
    device = Device(material, 3 * A, 3 * A, temperature=2000.0, seed=25, cache=1000)
    oracle = WholeLattice(small_material("HfO2-volatile", **SMALL), device.shape)
    states = [((), ())] + [((a,), ()) for a in range(27)]
    spent, logs = [], []
    for _ in range(40):
        spent.append(Occupancy(device, states, batches=1).run(4e-12)[0])
        sites = np.flatnonzero(device.engine.codes[:27] == VACANCY.code)
        walking = np.log(device.relaxation.factor) - device.relaxation.mean
        logs.append(walking[sites].mean() if len(sites) else 0.0)
    law = boltzmann(device, oracle, states)
    number = np.array([len(v) for v, _ in states], float)
    assert device.events > 2000
    assert batch_p_value(np.array(spent), number, law @ number) > FALSE_ALARM
    assert np.std(logs) > 0.1
    assert ttest_1samp(logs, 0.0).pvalue > FALSE_ALARM


@pytest.mark.parametrize("key", ["quenched_share", "memory"])
def test_a_memory_without_relaxation_is_refused(key):
    with pytest.raises(MaterialError, match=f"disorder.{key} must be 0 where disorder.relaxation_rate is 0"):
        make({"disorder.relaxation_rate": 0.0, f"disorder.{key}": 0.5})
