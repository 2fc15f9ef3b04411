"""Detailed balance of a lattice gas: of each event with its reverse, and around a loop."""

from itertools import pairwise

import numpy as np

from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy
from frenkel.units import BOLTZMANN_EV


def worst_imbalance(lattice, site_energy, shift, potential, vacancies=6, events=150, seed=1):
    """Return the worst of ln(k_f/k_r) + dE/kT over a random walk through the states of a gas (X-07).

    The energy is summed here from its parts, not taken from the gas.
    """
    hop = Mechanism(
        "hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), barrier=1.0, attempt_frequency=1e13,
        barrier_shift=shift,
    )  # fmt: skip
    parts = [PairInteraction(VACANCY, VACANCY, -0.2), SiteEnergy(VACANCY, site_energy)]
    rng = np.random.default_rng(seed)
    species = np.where(lattice.sublattice == 0, OXYGEN.code, 0)
    species[rng.choice(lattice.n_hosts, vacancies, replace=False)] = VACANCY.code
    gas = LatticeGas(
        lattice, [hop], species, interactions=parts, potential=potential, temperature=500.0, seed=seed
    )
    near, kt, worst = lattice.motifs["nearest"], BOLTZMANN_EV * 500.0, 0.0

    def energy(codes):
        vacant = codes == VACANCY.code
        pairs = np.count_nonzero(vacant[:, None] & (near >= 0) & vacant[near]) / 2
        return site_energy[vacant].sum() + VACANCY.charge * potential[vacant].sum() - 0.2 * pairs

    for _ in range(events):
        before, listed = energy(gas.engine.species), gas.transitions()
        number = int(rng.integers(len(listed)))
        gas.fire(number)
        back, move = gas.transitions(), listed[number]
        back = back[(back["site_a"] == move["site_b"]) & (back["site_b"] == move["site_a"])]
        change = energy(gas.engine.species) - before
        worst = max(worst, abs(np.log(move["rate"] / back["rate"][0]) + change / kt))
    return worst


def kolmogorov_loop(lattice, site_energy, shift, potential, sites):
    """Return ln of the product of rates around a closed way of one vacancy, forth minus back."""
    hop = Mechanism(
        "hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), barrier=1.0, attempt_frequency=1e13,
        barrier_shift=shift,
    )  # fmt: skip
    start = np.zeros(lattice.n_sites, int)
    start[sites[0]] = VACANCY.code
    gas = LatticeGas(
        lattice, [hop], start, interactions=[SiteEnergy(VACANCY, site_energy)], potential=potential,
        temperature=500.0, seed=1,
    )  # fmt: skip

    def product_of_rates(way):
        total = 0.0
        for here, there in pairwise(way):
            listed = gas.transitions()
            number = int(np.flatnonzero((listed["site_a"] == here) & (listed["site_b"] == there))[0])
            total += np.log(listed["rate"][number])
            gas.fire(number)
        return total

    way = [*sites, sites[0]]
    return product_of_rates(way) - product_of_rates(way[::-1])
