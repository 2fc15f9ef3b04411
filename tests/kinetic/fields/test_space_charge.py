"""Coulomb potential of all charges, kept from one arrangement to the next."""

import numpy as np
import pytest
from whole_lattice import WholeLattice, put, random_species

from frenkel.kinetic.device import Device
from frenkel.kinetic.fields._space_charge import MOST_CHARGE
from frenkel.kinetic.lattice.species import INTERSTITIAL, OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material

A = 0.26e-9


def make(name="HfO2-ETH", size=(6, 7), lateral="periodic"):
    return Device(Material.load(name), size[1] * A, size[0] * A, seed=1, lateral=lateral)


def unit(fields, layers):
    """Return what one rounded term may be off by, V: half a unit."""
    return 0.5 * fields.charges.coulomb / 2.0 ** np.floor(62 - np.log2(MOST_CHARGE * (layers + 1) ** 2 / 8))


def charges_of(oracle, species):
    """Return the charge (e) on every host site: isolated vacancies, ions on eight corners."""
    charge, n = np.zeros(oracle.n_hosts), oracle.n_hosts
    vacancies = np.flatnonzero(species[:n] == VACANCY.code)
    charge[oracle.classify(vacancies)[1]] += oracle.material.vacancy.charge
    for ion in np.flatnonzero(species[n:] == INTERSTITIAL.code) + n:
        np.add.at(charge, oracle.corners(ion), oracle.material.interstitial.charge / 8)
    return charge


def walk(device, events, rng):
    """Yield the species of arrangements that follow each other by one event."""
    for _ in range(events):
        events = device.transitions()
        device.fire(int(rng.integers(len(events))))
        device.solved()
        yield device.engine.species


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_sums_after_a_walk_are_those_made_afresh_and_equal_the_double_sum(lateral):
    """To the last bit whatever came before, and within half a unit for each charge of the sum over G.

    1e-14 relative stands for the rounding of the double sum itself. Sums are read at all sites at times, so
    that many are kept, and at those of the candidates else.
    """
    walked, fresh = make(lateral=lateral), make(lateral=lateral)
    oracle = WholeLattice(walked.material, walked.shape, lateral)
    rng = np.random.default_rng(4)
    everywhere = np.arange(walked.n_hosts, dtype=np.int32)
    put(walked, random_species(walked, "pristine", rng))
    walked.solved()
    for step, species in enumerate(walk(walked, 60, rng)):
        if step % 4:
            continue
        put(fresh, species)
        fresh.forget()
        fresh.solved()
        charge = charges_of(oracle, species)
        assert np.array_equal(walked.fields.charges.charges(), charge)
        found = walked.fields.charges.potential_at(everywhere)
        assert np.array_equal(found, fresh.fields.charges.potential_at(everywhere))
        direct = oracle.coulomb * (oracle.green @ charge)
        bound = np.count_nonzero(charge) * unit(walked.fields, walked.shape[2]) + 1e-14 * np.abs(direct).max()
        assert np.abs(found - direct).max() <= bound


def test_a_hop_adds_a_few_terms_and_not_one_for_each_charge():
    """Among 200 isolated vacancies a hop changes two charges, more only where it meets one.

    Each of the sums that are kept takes the terms of the charges that changed, and only sites that come
    newly into reach take 200. Measured: 3,500 terms for each of 30 hops; all of them would take 270,000.
    """
    device = make("HfO2-volatile", (24, 20))
    x, y, z = np.unravel_index(np.arange(device.n_hosts), device.shape)
    apart = np.flatnonzero((x % 4 == 1) & (y % 4 == 1) & (z % 3 == 1) & (z < 18))[:200]
    state = device.engine.state()
    state["species"][: device.n_hosts] = OXYGEN.code
    state["species"][apart] = VACANCY.code
    device.engine.restore(state)
    device.solved()
    first = device.fields.charges.terms
    for _ in walk(device, 30, np.random.default_rng(5)):
        pass
    assert len(apart) == 200
    assert device.fields.charges.arrangement >= 28
    assert 0 < device.fields.charges.terms - first <= 30 * 5_000


def test_sums_cannot_run_over():
    """The largest charge on every site of a box makes less than 2^62 units.

    The potential of a source everywhere between two electrodes is z (L - z) / 2, at most L^2 / 8 with
    L = layers + 1.
    """
    device = make("HfO2-volatile", (6, 20))
    oracle = WholeLattice(device.material, device.shape, "periodic")
    total = MOST_CHARGE * oracle.green.sum(axis=1).max()
    assert total <= MOST_CHARGE * 21**2 / 8 * (1 + 1e-12)
    units = device.fields.charges.coulomb / (2 * unit(device.fields, 20))
    assert 2**60 < total * units < 2**62
