"""Events and the loop of devices against exact results of stochastic processes.

Every statistical test has a fixed seed and a false-alarm probability of 1e-4 per p-value (two-sided), and
was seen to fail on the planted error that its docstring names.
"""

import numpy as np
import pytest
from gas_runs import look, passages, put_back, run
from scipy import stats
from scipy.linalg import expm
from scipy.sparse.linalg import expm_multiply
from scipy.special import iv
from small_boxes import FALSE_ALARM, A, SmallBox, end_states, hop, pooled_chi2, turn

from frenkel.kinetic import run as run_module
from frenkel.kinetic import superbasin
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import EMPTY, INTERSTITIAL, OXYGEN, VACANCY, Species
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

NEUTRAL = Species("walker", 1, 0.0)
VOID = Species("void", 0, 0.0)


def two_sided(z):
    """Return the p-value of a standard normal number."""
    return 2.0 * stats.norm.sf(abs(z))


def mean_z(sample, mean, deviation=None):
    """Return how many standard errors the mean of a sample lies from ``mean``."""
    sample = np.asarray(sample, dtype=float)
    spread = sample.std(ddof=1) if deviation is None else deviation
    return (sample.mean() - mean) / (spread / np.sqrt(len(sample)))


# ---- X-00 all states of a small box


@pytest.fixture(scope="module")
def small_box():
    box = SmallBox()
    return box, *box.states()


def passage_times(gas, inside, runs):
    """Return the times at which runs first leave the set of states ``inside``."""
    engine = gas.engine
    return passages(gas, runs, lambda: not inside((tuple(engine.species.tolist()), engine.reservoir)))[0]


def passage_law(number, matrix, inside, horizon):
    """Return F(t) = 1 - alpha exp(T t) 1 of the first exit from ``inside``, as a function."""
    keep = [index for state, index in number.items() if inside(state)]
    alpha = np.zeros(len(keep))
    alpha[keep.index(0)] = 1.0
    part = matrix[keep][:, keep].T.tocsr()
    grid = np.linspace(0.0, horizon, 400)
    left = expm_multiply(part, alpha, start=0.0, stop=horizon, num=400).sum(axis=1)
    return lambda t: np.interp(t, grid, 1.0 - left)


def few_defects(state):
    """Return whether fewer than six defects are in the box: the set whose first exit is timed."""
    return sum(code in (VACANCY.code, INTERSTITIAL.code) for code in state[0]) < 6


def record_exits(monkeypatch):
    """Return a list that every `Superbasin` of a run joins when it is made."""
    made = []

    class Noted(superbasin.Superbasin):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(run_module, "Superbasin", Noted)
    return made


@pytest.mark.parametrize("share", [1.0, 10.0, 100.0])
def test_x00_state_counts(small_box, share):
    """X-00: states after a time against expm(Q t). Fails with a binding of -0.13 for -0.1 eV."""
    box, number, matrix = small_box
    until = share / abs(matrix[0, 0])
    expected = expm_multiply(matrix.T.tocsr() * until, np.eye(1, len(number)).ravel())
    assert expected.sum() == pytest.approx(1.0, abs=1e-9) and len(number) > 300
    count = end_states(box.gas(), number, until, runs=4000)
    assert pooled_chi2(count, 4000 * expected) > FALSE_ALARM


def test_x00_first_passage(small_box):
    """X-00: first time with six defects, KS against the phase-type law. Fails as above."""
    box, number, matrix = small_box
    times = passage_times(box.gas(), few_defects, 2500)
    law = passage_law(number, matrix, few_defects, 1.05 * times.max())
    assert stats.kstest(times, law).pvalue > FALSE_ALARM


def test_x00_sees_a_planted_error(small_box):
    _, number, matrix = small_box
    wrong = SmallBox(binding=-0.13)
    until = 100.0 / abs(matrix[0, 0])
    expected = expm_multiply(matrix.T.tocsr() * until, np.eye(1, len(number)).ravel())
    assert pooled_chi2(end_states(wrong.gas(), number, until, runs=4000), 4000 * expected) < 1e-6


def test_x00_with_superbasins(monkeypatch):
    """X-00 in a colder box, where basins stand for most events. Fails when exits leave at the mean time.

    The basins are made to pay early, so that all their branches are used: electrodes, pairs, time limit.
    """
    monkeypatch.setattr(superbasin, "GAIN", 1.0)
    left = record_exits(monkeypatch)
    box = SmallBox(kelvin=700.0)
    number, matrix = box.states()
    gas = box.gas(seed=22)
    until = 10_000.0 / abs(matrix[0, 0])
    # Time steps of the action of the exponential would be as short as the fastest hop: seconds.
    expected = expm(matrix.toarray() * until)[0]
    count = end_states(gas, number, until, runs=800, superbasin=True)
    assert pooled_chi2(count, 800 * expected) > FALSE_ALARM
    exits, skipped = (sum(part) for part in zip(*((one.exits, one.skipped) for one in left), strict=True))
    assert exits > 1000 and skipped > 10 * exits


# ---- clock and choice


def test_x01_waiting_times():
    """X-01: waits are Exp(R) and do not depend on the event. Fails with log1p(-u) taken as -u."""
    lattice = Lattice.cubic((5, 5, 1), A)
    gas = LatticeGas(lattice, [hop(attempt_frequency=3.0)], np.eye(1, 25).ravel(), seed=2)
    time, _, _, start, end = np.array(run(gas, events=50_000, log=True).log).T
    waits, moved = np.diff(time, prepend=0.0), (end - start) % 25
    assert stats.kstest(waits, stats.expon(scale=1.0 / 12.0).cdf).pvalue > FALSE_ALARM
    assert two_sided(mean_z(waits, 1.0 / 12.0, 1.0 / 12.0)) > FALSE_ALARM
    assert stats.pearsonr(waits, moved).pvalue > FALSE_ALARM
    assert stats.pearsonr(waits[1:], waits[:-1]).pvalue > FALSE_ALARM


def test_x02_choice_over_twelve_decades():
    """X-02: events with rates over 12 decades. Fails against a law whose commonest rate is 10 % higher."""
    rng = np.random.default_rng(4)
    kt = BOLTZMANN_EV * 1000.0
    shift = rng.uniform(0.0, 12.0 * np.log(10.0), 64) * kt
    mechanism = turn(VOID, NEUTRAL, electrode="top", barrier_shift=shift, energy=0.0)
    gas = LatticeGas(Lattice.cubic((8, 8, 1), A), [mechanism], np.zeros(64), temperature=1000.0, seed=5)
    rate = gas.transitions()["rate"]
    np.testing.assert_allclose(rate, np.exp(-shift / kt), rtol=1e-12)
    _, first = passages(gas, 20_000, lambda: True, lambda: np.argmax(gas.engine.codes))
    count = np.bincount(first, minlength=64)
    assert pooled_chi2(count, 20_000 * rate / rate.sum()) > FALSE_ALARM
    wrong = np.where(rate == rate.max(), 1.1 * rate, rate)
    assert pooled_chi2(count, 20_000 * wrong / wrong.sum()) < FALSE_ALARM
    rare = rate < 0.02 * rate.sum()
    share = float(rate[rare].sum() / rate.sum())
    assert stats.binomtest(int(count[rare].sum()), 20_000, share).pvalue > FALSE_ALARM


# ---- X-07 detailed balance


def total_energy(gas, interactions):
    """Return the energy (eV) of a state, from all pairs and all charges; electrodes at their potential."""
    codes, lattice = gas.engine.species, gas.lattice
    energy = 0.0
    for part in interactions:
        if isinstance(part, SiteEnergy):
            energy += part.values[codes == part.species.code].sum()
            continue
        table = lattice.motifs[part.motif]
        pair = (codes[:, None] == part.a.code) & (codes[table] == part.b.code) & (table >= 0)
        if part.exempt is not None:
            pair &= ~(part.exempt[:, None] & part.exempt[table])
        energy += part.energy * pair.sum() * (0.5 if part.a == part.b else 1.0)
    charge = np.zeros(16)
    charge[[VACANCY.code, INTERSTITIAL.code]] = 2.0, -2.0
    return float(energy + (charge[codes] * gas.fields.potential).sum())


@pytest.mark.parametrize(("low", "power"), [(False, 1.0), (True, 1.0), (False, 2.0), (True, 1.5)])
def test_x07_detailed_balance(low, power):
    """X-07: forward over reverse rate of every event of random states, also beyond |dE| = pi E_m.

    Deterministic. Fails when the dipole lowers one direction only, or with half of the energy on each.
    """
    box = SmallBox()
    lattice = Lattice.cubic((3, 3, 4), A, interstitial=True)
    rng = np.random.default_rng(6)
    n, scale = lattice.n_sites, 0.05 if low else 1.0
    mechanisms = []
    for m in box.mechanisms:
        keep = {s: getattr(m, s) for s in ("before", "after", "motif", "electrode", "energy", "law", "alpha",
                                           "dipole", "crowding", "attempt_frequency")}
        floor = m.floor * scale if power == 1.0 else 0.0
        mechanisms.append(
            Mechanism(m.name, barrier=m.barrier * scale, floor=floor, dipole_power=power, **keep))
    interactions = [PairInteraction(VACANCY, VACANCY, -0.3, exempt=rng.random(n) < 0.5),
                    PairInteraction(VACANCY, VACANCY, 0.1, motif="second"),
                    PairInteraction(VACANCY, INTERSTITIAL, -0.2, motif="pair"),
                    SiteEnergy(VACANCY, rng.normal(0.0, 0.2, n))]
    gas = LatticeGas(lattice, mechanisms, np.where(lattice.sublattice == 0, 0, 2), interactions=interactions,
                     potential=rng.normal(0.0, 0.4, n), electrode_potential=(0.3, -0.5), temperature=700.0,
                     reservoir=(50, 50), seed=1)
    kt, worst, tilted = BOLTZMANN_EV * 700.0, 0.0, 0
    electrode = {"bottom": 0.3, "top": -0.5, None: 0.0}
    for _ in range(400):
        listed = gas.transitions()
        pick = listed[int(gas.engine.draw() * len(listed))]
        before = total_energy(gas, interactions)
        gas.fire(int(np.flatnonzero(listed == pick)[0]))
        mechanism, sign = mechanisms[pick["mechanism"]], 1 - 2 * int(pick["direction"])
        change = total_energy(gas, interactions) - before + sign * mechanism.energy
        change -= sign * mechanism.charge_change[0] * electrode[mechanism.electrode]
        back = gas.transitions()
        own = mechanism.is_own_reverse
        ends = (pick["site_b"], pick["site_a"]) if own else (pick["site_a"], pick["site_b"])
        turned = 0 if own else 1 - pick["direction"]
        back = back[(back["mechanism"] == pick["mechanism"]) & (back["direction"] == turned)
                    & (back["site_a"] == ends[0]) & (back["site_b"] == ends[1])]
        assert abs(change - pick["energy"]) < 1e-12
        worst = max(worst, abs(np.log(pick["rate"] / back["rate"][0]) + change / kt))
        tilted += min(pick["barrier"], back["barrier"][0]) == 0.0
    assert worst < 1e-12 and tilted > 20


# ---- forming as a single event, and as the failure of columns


def test_x13_ramped_hazard():
    """X-13: lambda0 exp(V/V0) on a ramp. Fails when 1.2 of what is left of a hazard is kept at a sample.

    The ramp is cut into 50 pieces, between which the unspent part of the unit exponential stays. Steps of the
    clock are right to 1e-3 of a mean wait, which 1,000 waits cannot tell.
    """
    rise, v0 = 0.04, 2.0 * BOLTZMANN_EV * 300.0  # V/s; the linear law feels half of e V
    mechanism = turn(Species("whole", 0), Species("broken", 1, 1.0), electrode="top", law="linear",
                     barrier=2.0, attempt_frequency=1e-6 * np.exp(4.0 / v0))
    gas = LatticeGas(Lattice.cubic((1, 1, 1), A), [mechanism], [0], temperature=300.0, seed=7,
                     electrode_potential=(0.0, 1.0))
    atoms, times = gas.arrangement(), []
    for i in range(1000):
        put_back(gas, atoms)
        begin = gas.time
        gas.advance(Waveform.ramp(2.0, rise), samples=51, stop=lambda *_: gas.engine.codes.any())
        assert gas.events == i + 1
        times.append(gas.time - begin)
    scale = 1e-6 * v0 / rise
    assert stats.kstest(times, lambda t: -np.expm1(-scale * np.expm1(rise * t / v0))).pvalue > FALSE_ALARM
    voltage = np.array(times) * rise
    smooth = v0 * np.log1p(rise * np.log(2.0) / (1e-6 * v0))
    assert np.median(voltage) == pytest.approx(smooth, abs=0.01)
    assert voltage.std() == pytest.approx(np.pi * v0 / np.sqrt(6.0), rel=0.1)


def failure_times(columns, depth, runs, seed):
    """Return when the first of some columns has all its bonds broken, each at rate 1."""
    mechanism = turn(Species("whole", 0), Species("broken", 1), energy=-9.0, law="linear", alpha=0.0)
    lattice = Lattice.cubic((columns, 1, depth), A)
    gas = LatticeGas(lattice, [mechanism], np.zeros(columns * depth), seed=seed, cache=4)
    return passages(gas, runs, lambda: gas.engine.codes.reshape(columns, depth).all(axis=1).any())[0]


@pytest.mark.parametrize(("columns", "depth"), [(20, 3), (10, 2), (40, 2)])
def test_x14_percolation_columns(columns, depth):
    """X-14: F = 1 - [1 - (1 - exp(-t))^m]^N. Fails with the law of a fifth more columns.

    X-15: an area of 40 columns fails as the weakest of four of 10, which this law says of both.
    """
    times = failure_times(columns, depth, 3000, seed=8)

    def p_value(number):
        return stats.kstest(times, lambda t: 1.0 - (1.0 - (1.0 - np.exp(-t)) ** depth) ** number).pvalue

    assert p_value(columns) > FALSE_ALARM and p_value(1.2 * columns) < FALSE_ALARM


# ---- X-20 the Frenkel pair


def pair_weights(size, k):
    """Return the weight of each number of pairs that appear at rate k (N - n)^2 / N^2 and vanish at n^2."""
    n = np.arange(size)
    return np.cumprod(np.concatenate([[1.0], k / size**2 * (size - n) ** 2.0 / (n + 1.0) ** 2]))


def test_x20_pair_generation_and_annihilation():
    """X-20: P(n) of pairs in a well-mixed cell. Fails when pairs annihilate at 1.1 times the rate.

    Every host is a neighbour of every cube centre; n pairs appear at rate g (N - n)^2 and vanish at r n^2.
    """
    size, k = 30, 5.0
    rng = np.random.default_rng(12)
    place = rng.random((2 * size, 3)) * 1e-10
    lattice = Lattice.from_positions(
        place, np.repeat([0, 1], size), (1e-9, 1e-9, 1e-9), {"pair": 5e-10}, lateral="reflecting"
    )
    kt = BOLTZMANN_EV * 1000.0
    pair = Mechanism("pair", before=(OXYGEN, EMPTY), after=(VACANCY, INTERSTITIAL), motif="pair",
                     law="linear", alpha=1.0, barrier=0.0, energy=kt * np.log(size**2 / k),
                     attempt_frequency=1.0)
    gas = LatticeGas(lattice, [pair], np.repeat([0, 2], size), temperature=1000.0, seed=13, cache=4)
    seen = look(gas, 4000, 1.5, lambda: np.count_nonzero(gas.engine.codes == VACANCY.code))
    count = np.bincount(seen, minlength=size + 1)
    weight = pair_weights(size, k)
    law = weight / weight.sum()
    assert pooled_chi2(count, 4000 * law) > FALSE_ALARM
    wrong = weight * 1.1 ** -np.arange(size + 1.0)
    assert pooled_chi2(count, 4000 * wrong / wrong.sum()) < 1e-6
    bessel = np.sqrt(k) * iv(1, 2 * np.sqrt(k)) / iv(0, 2 * np.sqrt(k))
    assert np.average(np.arange(61), weights=pair_weights(60, k)) == pytest.approx(bessel, rel=0.04)
