"""X-12: the interacting lattice gas against exact results, and percolation thresholds of the lattices.

Slow; run by `make verify`. False-alarm probability 1e-4 per p-value.
"""

import numpy as np
import pytest
from gas_runs import look, run
from scipy import stats
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import ellipk

from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction
from frenkel.units import BOLTZMANN_EV

pytestmark = pytest.mark.verification

A = 2.6e-10
KT = BOLTZMANN_EV * 1000.0
FALSE_ALARM = 1e-4


def gas(shape, binding, seed):
    """Return a lattice gas with pair energy ``binding`` (kT) at half filling.

    Every site exchanges with an electrode, at the chemical potential at which both species are alike.
    """
    lattice = Lattice.cubic(shape, A)
    codes = np.random.default_rng(seed).integers(0, 2, lattice.n_sites)
    neighbours = np.count_nonzero(lattice.motifs["nearest"][0] >= 0)
    mechanism = Mechanism("exchange", before=(OXYGEN,), after=(VACANCY,), electrode="top", barrier=0.0,
                          attempt_frequency=1.0, energy=-0.5 * neighbours * binding * KT)
    pair = PairInteraction(VACANCY, VACANCY, binding * KT)
    return LatticeGas(lattice, [mechanism], codes, interactions=[pair], temperature=1000.0, seed=seed,
                      reservoir=(0, 10**9), cache=4)


def p_of_batches(values, mean):
    values = np.asarray(values)
    t = (values.mean() - mean) / (values.std(ddof=1) / np.sqrt(len(values)))
    return 2.0 * stats.t.sf(abs(t), len(values) - 1)


@pytest.mark.parametrize("binding", [-1.0, 1.5])
def test_one_dimension_pair_function(binding):
    """A ring of 40 sites at half filling: <s s'> = (tanh J)^r, finite size included, J = -binding/4 (kT).

    Fails with a binding 8 % stronger.
    """
    length = 40
    one = gas((length, 1, 1), binding, seed=1)
    run(one, time=200.0)

    def products():
        spin = 2.0 * one.engine.codes - 1.0
        return [(spin * np.roll(spin, r)).mean() for r in (1, 2, 3, 5)]

    samples = np.array(look(one, 40 * 500, 4.0, products)).reshape(40, 500, 4).mean(axis=1)

    def law(strength):
        t = np.tanh(-strength / 4.0)
        return [(t**r + t ** (length - r)) / (1.0 + t**length) for r in (1, 2, 3, 5)]

    for column, mean in zip(samples.T, law(binding), strict=True):
        assert p_of_batches(column, mean) > FALSE_ALARM
    assert p_of_batches(samples[:, 0], law(1.08 * binding)[0]) < FALSE_ALARM


def test_square_lattice_gas_energy():
    """Energy of the square lattice gas at half filling above its critical point, against Onsager.

    Sites turned over one by one; 32 x 32 sites at J = 0.35 (correlation length 4), finite size below 1e-6.
    """
    coupling = 0.35
    one = gas((32, 32, 1), -4.0 * coupling, seed=2)
    k = 2.0 * np.sinh(2 * coupling) / np.cosh(2 * coupling) ** 2
    exact = 1.0 / np.tanh(2 * coupling) * (
        1.0 + 2.0 / np.pi * (2.0 * np.tanh(2 * coupling) ** 2 - 1.0) * ellipk(k * k)
    ) / 2.0
    run(one, time=200.0)

    def energy():
        spin = 2.0 * one.engine.codes.reshape(32, 32) - 1.0
        return 0.5 * (spin * np.roll(spin, 1, 0) + spin * np.roll(spin, 1, 1)).mean()

    batches = np.array(look(one, 40 * 60, 3.0, energy)).reshape(40, 60).mean(axis=1)
    assert p_of_batches(batches, exact) > FALSE_ALARM
    assert p_of_batches(batches, exact * 1.02) < FALSE_ALARM


def test_square_lattice_gas_critical_point():
    """Binder cumulants of two sizes cross at kTc = 0.5673 |eps| within 3 %: ordered below, not above."""

    def cumulant(size, kelvin_share, seed):
        binding = -1.0 / (0.5673 * kelvin_share)
        one = gas((size, size, 1), binding, seed=seed)
        run(one, time=500.0)
        m = np.array(look(one, 4000, 3.0, lambda: 2.0 * one.engine.codes.mean() - 1.0))
        return 1.0 - (m**4).mean() / (3.0 * (m**2).mean() ** 2)

    assert cumulant(16, 0.93, 3) > cumulant(8, 0.93, 4)
    assert cumulant(16, 1.07, 5) < cumulant(8, 1.07, 6)
    assert cumulant(12, 1.0, 7) == pytest.approx(0.61, abs=0.04)


def spans(lattice, site, bond, rng):
    """Return whether kept sites and bonds connect the two electrodes."""
    keep = rng.random(lattice.n_sites) < site
    table = lattice.motifs["nearest"]
    first = np.repeat(np.arange(lattice.n_sites), table.shape[1])
    second = table.ravel()
    use = (second > first) & (rng.random(len(first)) < bond)
    use[use] &= keep[first[use]] & keep[second[use]]
    graph = coo_matrix((np.ones(use.sum()), (first[use], second[use])), shape=(lattice.n_sites,) * 2)
    label = connected_components(graph, directed=False)[1]
    bottom, top = (set(label[keep & (lattice.electrode == side)].tolist()) for side in (1, 2))
    return bool(bottom & top)


@pytest.mark.parametrize(
    ("shapes", "kind", "threshold"),
    [
        (((40, 1, 40), (80, 1, 80)), "site", 0.59275),
        (((40, 1, 40), (80, 1, 80)), "bond", 0.5),
        (((12, 12, 12), (24, 24, 24)), "site", 0.3116),
        (((12, 12, 12), (24, 24, 24)), "bond", 0.2488),
    ],
)
def test_percolation_thresholds(shapes, kind, threshold):
    """Below the threshold the larger box spans less often, above it more often."""
    rng = np.random.default_rng(8)
    small, large = (Lattice.cubic(shape, A) for shape in shapes)

    def share(lattice, p, runs=300):
        pair = (p, 1.0) if kind == "site" else (1.0, p)
        return np.mean([spans(lattice, *pair, rng) for _ in range(runs)])

    for factor, sign in ((0.94, -1.0), (1.06, 1.0)):
        difference = share(large, factor * threshold) - share(small, factor * threshold)
        assert sign * difference > 0.04
