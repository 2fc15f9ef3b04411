"""Superbasins of a lattice gas: exact exit law and state, far fewer events, no effect where there is none.

Statistical tests have fixed seeds and a false-alarm probability of 1e-4 per p-value.
"""

from itertools import combinations, product

import numpy as np
import pytest
from gas_runs import LONG, look, passages, put_back, run
from scipy import stats

from frenkel.kinetic.engine._chain import Chain
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy
from frenkel.units import BOLTZMANN_EV

A = 2.6e-10
KT = BOLTZMANN_EV * 300.0
FALSE_ALARM = 1e-4
HERTZ = 1e6  # of a hop, and the unit of rates: many long stays fit into one run
ROUGH = np.array([0.0, 0.05, 0.02, 0.0, -0.03, 0.05, 0.0, 0.02])


def hop(**changes):
    values = {"barrier": 0.0, "attempt_frequency": HERTZ} | changes
    return Mechanism("hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), **values)


def trap(length, ratio, energy=None, vacancies=1, seed=1):
    """Return a column whose ends take vacancies up, ``ratio`` (top: one third) times slower than a hop."""
    out = [
        Mechanism(f"{side} sink", before=(VACANCY,), after=(OXYGEN,), electrode=side, law="linear", alpha=0.0,
                  barrier=np.log(times * ratio) * KT, energy=-20.0, attempt_frequency=HERTZ)
        for side, times in (("top", 1), ("bottom", 3))
    ]
    codes = np.zeros(length)
    codes[:vacancies] = VACANCY.code
    site = SiteEnergy(VACANCY, np.zeros(length) if energy is None else energy)
    pair = PairInteraction(VACANCY, VACANCY, -0.02)
    return LatticeGas(Lattice.cubic((1, 1, length), A), [hop(law="linear"), *out], codes, temperature=300.0,
                      interactions=[site, pair], seed=seed)


def law(length, ratio, energy=None, vacancies=1):
    """Return the exact distribution of the time until all have left, and the chance of the top for one."""
    site = np.zeros(length) if energy is None else energy
    sets = [frozenset(s) for n in range(vacancies, 0, -1) for s in combinations(range(length), n)]
    number = {sites: i for i, sites in enumerate(sets)}

    def cost(sites):
        return sum(site[i] for i in sites) - 0.02 * sum(i + 1 in sites for i in sites)

    rate = np.zeros((len(sets), len(sets)))
    to_top, to_bottom = np.zeros(len(sets)), np.zeros(len(sets))
    for (sites, row), i in product(number.items(), range(length)):
        if i not in sites:
            continue
        for j in {i - 1, i + 1} & set(range(length)) - sites:
            moved = sites - {i} | {j}
            step = cost(moved) - cost(sites)
            rate[row, number[moved]] = np.exp(-max(0.5 * step, step, 0.0) / KT)
        for end, leave, pace in ((0, to_bottom, 1.0 / (3.0 * ratio)), (length - 1, to_top, 1.0 / ratio)):
            if i == end and len(sites) > 1:
                rate[row, number[sites - {i}]] = pace
            elif i == end:
                leave[row] = pace
    rate -= np.diag(rate.sum(axis=1) + to_top + to_bottom)
    value, vector = np.linalg.eig(rate)
    start = number[frozenset(range(vacancies))]
    part = np.linalg.solve(vector, np.ones(len(sets))) * vector[start]
    top = np.linalg.solve(rate.T, -np.eye(len(sets))[start]) @ to_top
    return lambda t: 1.0 - np.real(np.exp(np.outer(t, value)) @ part), float(top)


def exits(gas, runs, superbasin=True):
    """Return when (1/HERTZ) the trap is empty, the exits to the top, and the mean number of events."""
    engine = gas.engine
    if superbasin:
        times, _ = passages(gas, runs, lambda: not engine.codes.any(), superbasin=True)
    else:
        atoms, times = gas.arrangement(), np.zeros(runs)
        for i in range(runs):
            put_back(gas, atoms)
            # Nothing happens in an empty trap, so that the last event is its end.
            begin = gas.time
            times[i] = gas.hold(LONG / runs, log=True).log[-1][0] - begin
            assert not engine.codes.any()
    return times * HERTZ, engine.counts[1, 0], engine.events / runs


@pytest.mark.parametrize(("length", "ratio", "energy"), [(2, 1e4, None), (8, 3e3, ROUGH), (8, 1e9, ROUGH)])
def test_exit_law(length, ratio, energy):
    """KS of the exit time and binomial of the exit state; fails with the law of a ratio 10 % larger."""
    times, top, events = exits(trap(length, ratio, energy, seed=3), 6000)
    distribution, share = law(length, ratio, energy)
    assert stats.kstest(times, distribution).pvalue > FALSE_ALARM
    assert stats.binomtest(int(top), 6000, share).pvalue > FALSE_ALARM
    assert events < 70
    assert stats.kstest(times, law(length, 1.1 * ratio, energy)[0]).pvalue < FALSE_ALARM


def test_many_fewer_events_and_the_same_law_as_the_plain_engine():
    """KS of the exit times with the plain engine p > 0.01; at a ratio of 1e4 500 times fewer events.

    The events of 20 exits are too few by chance, 0.4 of their mean, with a probability below 1e-4.
    """
    plain, _, _ = exits(trap(2, 300.0, seed=4), 250, superbasin=False)
    fast, _, _ = exits(trap(2, 300.0, seed=5), 2500)
    assert stats.ks_2samp(plain, fast).pvalue > 0.01
    many, few = (exits(trap(2, 1e4, seed=seed), 20, on)[2] for seed, on in ((6, False), (7, True)))
    assert many / few > 500


def test_two_vacancies_that_leave_one_after_the_other():
    """Two exits in a row, the first out of a basin of up to six states: KS with the law of all ten states.

    Fails with the law of a ratio 15 % larger.
    """
    times, _, events = exits(trap(4, 500.0, vacancies=2, seed=7), 3000)
    assert stats.kstest(times, law(4, 500.0, vacancies=2)[0]).pvalue > FALSE_ALARM
    assert events < 150
    assert stats.kstest(times, law(4, 575.0, vacancies=2)[0]).pvalue < FALSE_ALARM


def test_time_limit_within_a_basin():
    """At a time limit the state has the law of the chain given that it is still inside: detailed balance."""
    gas = trap(8, 1e12, ROUGH, seed=8)
    seen = look(gas, 3000, 1e4 / HERTZ, lambda: np.argmax(gas.engine.codes), superbasin=True)
    assert gas.time == pytest.approx(3e7 / HERTZ, rel=1e-12)
    weight = np.exp(-ROUGH / KT)
    count = np.bincount(seen, minlength=8)
    assert stats.chisquare(count, 3000 * weight / weight.sum()).pvalue > FALSE_ALARM


def test_counters_and_structures_stay_right():
    gas = trap(5, 1e5, ROUGH[:5], vacancies=2, seed=9)
    run(gas, until=lambda: not gas.engine.codes.any(), superbasin=True)
    engine = gas.engine
    assert engine.events == engine.counts.sum() < 1000
    assert engine.reservoir == (engine.counts[2, 0], engine.counts[1, 0])


def test_nothing_changes_where_nothing_flickers():
    """A dilute box of walkers has no basin: the trajectory is that of a run without, bit for bit."""
    lattice = Lattice.cubic((6, 6, 6), A)
    codes = np.zeros(216)
    codes[::9] = VACANCY.code
    walk = hop(barrier=0.3, attempt_frequency=1e13)
    one, two = (LatticeGas(lattice, [walk], codes, temperature=600.0, seed=10, cache=16) for _ in range(2))
    run(one, events=5000)
    run(two, events=5000, superbasin=True)
    assert one.time == two.time and np.array_equal(one.engine.species, two.engine.species)
    assert two.events == 5000


def test_closed_basin_is_left_alone():
    """Two states without any exit: time passes, nothing hangs."""
    gas = LatticeGas(Lattice.cubic((1, 1, 2), A), [hop()], [1, 0], seed=1)
    run(gas, events=500, superbasin=True)
    assert gas.events == 500
    gas.hold(100.0 / HERTZ, superbasin=True)
    assert gas.events > 500


@pytest.mark.parametrize("span", [1e-9, 1e-6, 1e-3, 1.0, 1e9])
def test_a_closed_set_is_stayed_in_however_long_and_fast_it_is(span):
    # Steps of 1e-22 s on top of a long time do not change it: a sum held against the span never ended.
    inner, leave = np.array([[0.0, 1e13], [1e13, 0.0]]), np.array([1e-30, 0.0])
    where = [Chain().leave_by(inner, leave, span, np.random.PCG64(seed))[1:] for seed in range(40)]
    assert not any(left for _, left in where)
    assert {state for state, _ in where} == {0, 1}
