"""Waiting times while temperatures change, against integrals of the hazard that are done elsewhere."""

import numpy as np
import pytest
from random_filaments import put
from scipy import integrate, stats

from frenkel.kinetic.device import Device
from frenkel.kinetic.fields._heat_clock import HeatClock
from frenkel.kinetic.fields.heat_in_time import responses
from frenkel.kinetic.materials.material import Material
from frenkel.units import BOLTZMANN_EV

UNIT = 7e-14  # s


@pytest.fixture(scope="module")
def events():
    """Return the events of a filament of some vacancies."""
    device = Device(Material.load("HfO2-volatile"), 2.6e-9, 2.08e-9, seed=1)
    x, y, z = np.indices(device.shape)
    put(device, np.flatnonzero((abs(x - 4) + abs(y - 4) <= 1) & (z != 5)))
    return device.solved().events


def clock_of(events, rng, size=900.0):
    """Return a clock with modes at random, the rates of these modes and the rise (K) of any moment."""
    rate = 10.0 ** rng.uniform(-2.5, 1.5, 9)
    power = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2], np.int32)
    start = rng.uniform(0, size, events.n)
    share = rng.uniform(0, size / 9, (events.n, 9))
    # Each mode ends near its share; those whose source grows stay small.
    modes = share * rate * np.where(power > 0, 1e-3, 1.0)

    def rise(time):
        now = start.copy()
        for k in range(9):
            grown = responses(rate[k : k + 1], int(power[k]), max(time, 1e-300))
            now += modes[:, k] * grown[0]
        return now

    return HeatClock(events, start, np.ascontiguousarray(modes.T), rate, power, UNIT), rise


def total(events, voltage, rise):
    """Return the sum of all rates (1/s) with temperatures of our own."""
    kt = BOLTZMANN_EV * (events.ambient + rise)
    return float((events.arrays()["frequency"] * np.exp(-events.activation(voltage) / kt)).sum())


@pytest.mark.parametrize("number", [3_000, pytest.param(10_000, marks=pytest.mark.verification)])
@pytest.mark.parametrize(("seed", "slope"), [(0, 0.0), (1, 2e10)])
def test_waits_follow_the_integral_of_the_hazard(events, seed, slope, number):
    """Waits: Kolmogorov and Smirnov against numerical integration; false alarm 1e-4 of each of two."""
    rng = np.random.default_rng(seed)
    clock, rise = clock_of(events, rng)
    edge = np.geomspace(1e-3, 3e3, 800)  # in units; heat changes at any time from 0.03 to 300
    rate = np.array([total(events, 0.6 + slope * s * UNIT, rise(s)) for s in np.r_[0.0, edge]])
    # Simpson in the logarithm of time would miss the beginning, which a straight line has to 1e-6.
    used = integrate.cumulative_simpson(rate, x=np.r_[0.0, edge], initial=0.0) * UNIT
    # Draws whose scale is that of what changes: about one wait while temperatures change.
    scale = used[np.searchsorted(edge, 30.0)]
    draws = rng.exponential(scale, number)
    duration = edge[-1] * UNIT
    waits = np.array([clock.advance(0.6, slope, 0.0, duration, draw) for draw in draws])
    ended = waits[:, 1] == 0.0
    assert 0.5 < ended.mean()
    found = np.interp(np.log(waits[ended, 0] / UNIT), np.log(edge), used[1:])
    assert np.abs(found - draws[ended]).max() <= 2e-3 * scale * np.abs(draws / scale).max()
    assert np.abs(found / draws[ended] - 1).max() <= 2e-3
    # Those that outlast the time are cut off: their law is that of an exponential below what was used up.
    law = stats.truncexpon(used[-1] / scale, scale=scale) if not ended.all() else stats.expon(scale=scale)
    assert stats.kstest(found, law.cdf).pvalue > 1e-4


def test_the_rates_at_the_end_choose_the_event(events):
    clock, rise = clock_of(events, np.random.default_rng(7))
    elapsed, left = clock.advance(0.5, 1e10, 0.0, 1e-9, 1e-3)
    assert left == 0.0
    voltage = 0.5 + 1e10 * elapsed
    kt = BOLTZMANN_EV * (events.ambient + rise(elapsed / UNIT))
    rates = events.arrays()["frequency"] * np.exp(-events.activation(voltage) / kt)
    assert events.arrays()["rate"] == pytest.approx(rates, rel=1e-9)
    mark = np.cumsum(rates) / rates.sum()
    for chosen in (0, 3, int(np.argmax(rates)), events.n - 1):
        below = mark[chosen - 1] if chosen else 0.0
        assert clock.pick(0.5 * (below + mark[chosen])) == chosen
    assert events.total(0.3) == pytest.approx(total(events, 0.3, events.rises(0.3)), rel=1e-12)


def test_a_wait_that_does_not_end_leaves_what_it_did_not_use(events):
    clock, rise = clock_of(events, np.random.default_rng(8))
    exact = integrate.quad(lambda s: total(events, 0.4, rise(s)) * UNIT, 0.0, 5.0, epsrel=1e-8, limit=200)[0]
    elapsed, left = clock.advance(0.4, 0.0, 0.0, 5.0 * UNIT, 10.0 + exact)
    assert elapsed == 5.0 * UNIT
    assert left == pytest.approx(10.0, abs=1e-3 * exact + 1e-6)


def test_a_wait_goes_on_from_a_time(events):
    clock, rise = clock_of(events, np.random.default_rng(8))
    slope = 0.02 / UNIT
    exact = integrate.quad(
        lambda s: total(events, 0.4 + 0.02 * s, rise(s)) * UNIT, 2.0, 5.0, epsrel=1e-8, limit=200
    )[0]
    elapsed, left = clock.advance(0.4, slope, 2.0 * UNIT, 5.0 * UNIT, 10.0 + exact)
    assert elapsed == 5.0 * UNIT
    assert left == pytest.approx(10.0, abs=1e-3 * exact + 1e-6)
    elapsed, left = clock.advance(0.4, slope, 2.0 * UNIT, 5.0 * UNIT, 0.5 * exact)
    assert left == 0.0
    assert 2.0 * UNIT < elapsed < 5.0 * UNIT
    for c in (0, events.n - 1):
        assert clock.event_rise(c) == pytest.approx(rise(elapsed / UNIT)[c], rel=1e-9)


def test_rates_at_temperatures_of_their_own(events):
    warmer = events.rises(0.5) + np.linspace(5.0, 35.0, events.n)
    assert events.total_of(0.5, warmer) == pytest.approx(total(events, 0.5, warmer), rel=1e-12)
    with pytest.raises(ValueError, match=f"each of {events.n} candidates"):
        events.total_of(0.5, np.zeros(3))


def test_sizes_are_checked(events):
    with pytest.raises(ValueError, match="a row for each rate"):
        HeatClock(events, np.zeros(3), np.zeros((1, 3)), np.ones(1), np.zeros(1, np.int32), UNIT)
    with pytest.raises(ValueError, match="each of 1 modes"):
        HeatClock(
            events, np.zeros(events.n), np.zeros((1, events.n)), np.ones(1), np.zeros(2, np.int32), UNIT
        )
