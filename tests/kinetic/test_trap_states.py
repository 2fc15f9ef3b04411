"""Sites, levels and images of traps, and the relaxation of an oxide inside a superbasin, part by part."""

from types import SimpleNamespace

import numpy as np
import pytest
from trap_materials import material

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import (
    EXCITED_TRAP,
    FILLED_EXCITED_TRAP,
    FILLED_TRAP,
    INTERSTITIAL_SITES,
    OXYGEN,
    VACANCY,
)
from frenkel.kinetic.mechanisms import traps
from frenkel.kinetic.superbasin import Superbasin
from frenkel.units import BOLTZMANN_EV, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY

A, SIDE = 0.26e-9, 6


@pytest.fixture(scope="module")
def device():
    return Device(material(), SIDE * A, SIDE * A, seed=3)


def apart(lattice, one, others):
    """Return vectors to other sites by the nearest of nine images, one by one."""
    shifts = [np.array([i, j, 0.0]) * SIDE * A for i in (-1, 0, 1) for j in (-1, 0, 1)]
    found = []
    for other in others:
        vectors = [other - one + shift for shift in shifts]
        found.append(min(vectors, key=lambda vector: float(vector @ vector)))
    return np.array(found)


def test_a_given_trap_takes_the_site_that_is_nearest_across_the_side(device):
    """Places a fifth of a spacing inside each side and corner."""
    lattice = device.lattice
    interstitial = np.flatnonzero(lattice.sublattice == INTERSTITIAL_SITES)
    places = (
        np.array([[0.2, 2.1, 2.2], [SIDE - 0.2, 3.1, 1.2], [2.1, SIDE - 0.1, 3.3], [0.1, SIDE - 0.1, 4.4]])
        * A
    )
    sites, level = traps.given_traps(lattice, places)
    assert np.isnan(level).all() and (np.diff(sites) > 0).all()
    expected = set()
    for place in places:
        distance = np.linalg.norm(apart(lattice, place, lattice.position[interstitial]), axis=1)
        expected.add(int(interstitial[distance.argmin()]))
    assert set(sites.tolist()) == expected
    levels = traps.given_traps(lattice, np.column_stack([places, [0.1, 0.2, 0.3, 0.4]]))[1]
    first = int(traps.given_traps(lattice, places[:1])[0][0])
    assert levels[sites.tolist().index(first)] == 0.1


def test_bonds_see_a_charge_by_its_nearest_image(device):
    """-z e^2 exp(-r/l) / (4 pi eps r), half of it at each end."""
    lattice, numbers = device.lattice, device.material
    sites = device.chemistry.traps[:2]
    found = traps.BondModulation(numbers, lattice, sites, 300.0)
    hosts = lattice.position[: lattice.n_hosts]
    length, eps = numbers.trap.screening_length, numbers.electrostatics.permittivity * VACUUM_PERMITTIVITY
    for row, site in zip(found.exponent, sites, strict=True):
        r = np.linalg.norm(apart(lattice, lattice.position[site], hosts), axis=1)
        energy = ELEMENTARY_CHARGE * np.exp(-r / length) / (4 * np.pi * eps * r)  # eV
        near = r < traps.REACH * length
        assert near.any() and row[~near] == pytest.approx(0.0)
        assert row[near] == pytest.approx(energy[near] / (2 * BOLTZMANN_EV * 300.0), rel=1e-9)
    gap, metal = found.factors(np.array([1.0, -2.0]))
    exponent = found.exponent[0] - 2 * found.exponent[1]
    assert gap == pytest.approx(np.exp(exponent)) and metal == pytest.approx(
        np.exp(numbers.trap.metallic_share * exponent)
    )


def test_nodes_nearest_to_traps_are_counted_across_the_sides(device):
    lattice = device.lattice
    sites = device.chemistry.traps
    nodes = np.arange(0, lattice.n_hosts, 7)
    near, distance = traps.nearest_nodes(lattice, sites, nodes)
    for k, site in enumerate(sites):
        r = np.linalg.norm(apart(lattice, lattice.position[site], lattice.position[nodes]), axis=1)
        assert distance[k] == pytest.approx(r.min(), rel=1e-6)
        assert near[k] == np.flatnonzero(r < r.min() * 1.0001)[0]


def test_metastable_states_cost_their_energy(device):
    """Both excited states lie above their stable ones by one energy; the filled ones by their level too."""
    mechanisms = ("vacancy hop", "oxygen exchange", "electron capture", traps.FOUR_STATES)
    four = material(mechanisms, metastable_energy=(0.35, "eV"), metastable_barrier=(0.5, "eV"))
    sites = device.chemistry.traps
    given = np.full(len(sites), np.nan)
    given[0] = 0.123
    energies = {
        one.species.code: one.values
        for one in traps.trap_levels(four, device.lattice, sites, np.random.default_rng(2), given)
    }
    above = four.trap.metastable_energy
    drawn = four.trap.level + four.trap.level_spread * np.random.default_rng(2).standard_normal(len(sites))
    level = np.concatenate([[0.123], drawn[1:]])
    assert energies[FILLED_TRAP.code][sites] == pytest.approx(level)
    assert energies[EXCITED_TRAP.code] == pytest.approx(above)
    assert energies[FILLED_EXCITED_TRAP.code][sites] == pytest.approx(level + above)
    two = traps.trap_levels(device.material, device.lattice, sites, np.random.default_rng(2), given)
    assert [one.species.code for one in two] == [FILLED_TRAP.code]


def basin(held, rate=250.0):
    """A superbasin of a state that has six hosts and two further sites."""
    state = SimpleNamespace(
        chemistry=SimpleNamespace(mechanisms=[]), bond_factor=np.ones(6), n_hosts=6,
        relaxation=None if held is None else SimpleNamespace(held=np.array(held, bool), rate=rate),
    )  # fmt: skip
    return Superbasin(state, None)


def member(*vacant):
    species = np.full(8, OXYGEN.code)
    species[list(vacant)] = VACANCY.code
    return SimpleNamespace(atoms={"species": species})


def test_an_oxide_relaxes_in_each_state_of_a_set_by_the_sites_that_wait():
    """Sites whose filling is not the held one: of hosts alone, at any voltage but 0, where none sees it."""
    one = basin([True, False, False, False, False, False])
    members = [member(0), member(1), member(0, 1, 2), member(0, 7)]
    for source in (0.5, -1.0, 1e-6):
        assert one._relaxes(members, source).tolist() == [0.0, 500.0, 500.0, 0.0]
    assert one._relaxes(members, 0.0).tolist() == [0.0] * 4
    assert basin(None)._relaxes(members, 0.5).tolist() == [0.0] * 4
