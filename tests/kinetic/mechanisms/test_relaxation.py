"""Relaxation of the oxide round defects that come and go: its clock, its draws, its bonds in a device."""

import numpy as np
import pytest
from scipy.stats import kstest

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.finite_difference import FiniteDifference
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.mechanisms.relaxation import Relaxation
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
    ramp = Waveform.triangle(2.0, rate=1e6)
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
