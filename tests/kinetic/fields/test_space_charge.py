"""Coulomb potential of all charges, kept from one arrangement to the next."""

import numpy as np
import pytest
from whole_lattice import WholeLattice, put, random_species

from frenkel.kinetic.device import Device
from frenkel.kinetic.fields._space_charge import MOST_CHARGE
from frenkel.kinetic.fields.charge_sums import lateral_sums
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
        terms = np.count_nonzero(charge) * (1 if lateral == "periodic" else 4)
        bound = terms * unit(walked.fields, walked.shape[2]) + 1e-14 * np.abs(direct).max()
        assert np.abs(found - direct).max() <= bound


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
@pytest.mark.parametrize("size", [(6, 7), (15, 2), (8, 30)])
@pytest.mark.parametrize("least", [1, 5])
def test_sums_at_all_sites_at_once_are_those_site_by_site(size, lateral, least):
    """To the last bit, now and after hops; odd and even sides; all charges, or those that are frequent."""
    device = make(size=size, lateral=lateral)
    rng = np.random.default_rng(size[1])
    everywhere = np.arange(device.n_hosts, dtype=np.int32)
    species = random_species(device, "pristine", rng)
    few = rng.random(len(species)) < 0.03
    species[: device.n_hosts][few[: device.n_hosts]] = VACANCY.code
    species[device.n_hosts :][few[device.n_hosts :]] = INTERSTITIAL.code
    put(device, species)
    device.solved()
    charges = device.fields.charges
    assert len(np.unique(charges.charges())) > 2
    direct = charges.potential_at(everywhere)
    charges.sum_all(least)
    terms = charges.terms
    assert np.array_equal(charges.potential_at(everywhere), direct)
    alone = charges.charges()[charges.charges() != 0.0]
    few = sum(np.count_nonzero(alone == q) for q in np.unique(alone) if np.count_nonzero(alone == q) < least)
    assert charges.terms - terms == few * device.n_hosts
    for _ in walk(device, 3, rng):
        pass
    kept = charges.potential_at(everywhere)
    device.fields.charges.sum_all(10**6)
    assert np.array_equal(charges.potential_at(everywhere), kept)


def test_many_charges_are_first_summed_at_all_sites_at_once():
    """Site by site 500 charges would add some 10^6 terms; 20 are summed where events are."""
    for count in (500, 20):
        device = make("HfO2-volatile", (24, 20))
        x, y, z = np.unravel_index(np.arange(device.n_hosts), device.shape)
        apart = np.flatnonzero((x % 3 == 1) & (y % 3 == 1) & (z % 3 == 1) & (z < 18))[-count:]
        state = device.engine.state()
        state["species"][: device.n_hosts] = OXYGEN.code
        state["species"][apart] = VACANCY.code
        device.engine.restore(state)
        device.solved()
        assert np.count_nonzero(device.fields.charges.charges()) == len(apart)
        assert (device.fields.charges.terms == 0) == (count == 500)


@pytest.mark.parametrize("bits", [20, 45, 58])
def test_sums_of_whole_numbers_are_exact(bits):
    """Entries of either sign against every site but a few occupied, the most that rounding has to bear."""
    rng = np.random.default_rng(bits)
    layers, period = 3, (15, 22)
    entries = rng.integers(-(2**bits), 2**bits, (6, 8, 12)) >> 10
    place = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])
    count = (rng.random((layers, *period)) < 0.95).astype(float)
    found = lateral_sums(entries, place, count)
    for z, x, y in rng.integers(0, (layers, *period), (40, 3)):
        step = [np.abs(np.arange(n) - at) for n, at in zip(period, (x, y), strict=True)]
        near = [np.minimum(d, n - d) for d, n in zip(step, period, strict=True)]
        total = sum(
            int(entry) for k in range(layers)
            for entry in entries[place[z, k]][np.ix_(*near)][count[k] == 1.0]
        )  # fmt: skip
        assert int(found[z, x, y]) == total


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
