"""Equilibrium of small boxes at zero bias with all fields on, through the device's own clock.

The default suite has a shorter version of the same; here are more layers, both sides and more time.
"""

from itertools import combinations

import numpy as np
import pytest
from whole_lattice import Occupancy, WholeLattice, batch_p_value, boltzmann, small_material

from frenkel.kinetic.device import Device

A = 0.26e-9
FALSE_ALARM = 1e-4

pytestmark = pytest.mark.verification


def values(oracle, states):
    """Return what is compared: occupation of each layer, of each number, charges, bound pairs, ions."""
    columns = {}
    for layer in range(oracle.shape[2]):
        columns[f"layer {layer}"] = [sum(oracle.place[list(v), 2] == layer) if v else 0 for v, _ in states]
    columns |= {f"{n} vacancies": [len(v) == n for v, _ in states] for n in {len(v) for v, _ in states}}
    columns["charged"] = [len(oracle.classify(v)[1]) if v else 0 for v, _ in states]
    columns["pairs"] = [
        np.triu(oracle.squared(list(v), list(v)) == 1).sum() if len(v) > 1 else 0 for v, _ in states]
    if any(ions for _, ions in states):
        columns["ions"] = [len(ions) for _, ions in states]
    return {name: np.array(column, float) for name, column in columns.items()}


def check(device, oracle, states, duration):
    """Assert that every observable is as the law says and that without Coulomb energy one is not."""
    spent = Occupancy(device, states).run(duration)
    right, columns = boltzmann(device, oracle, states), values(oracle, states)
    found = {name: batch_p_value(spent, column, right @ column) for name, column in columns.items()}
    assert min(found.values()) > FALSE_ALARM, found
    oracle.coulomb = 0.0
    wrong = boltzmann(device, oracle, states)
    assert min(batch_p_value(spent, column, wrong @ column) for column in columns.values()) < FALSE_ALARM
    return spent.sum(0) / spent.sum(), right


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_hops_and_exchange_on_3_by_3_by_4_sites(lateral):
    """All 7,807 states of up to 3 vacancies, about 1e6 events at 2000 K; false alarm 1e-4 for 10 values.

    The whole distribution over states is also within 0.02 of the law in total variation.
    """
    material = small_material(
        "HfO2-volatile",
        exchange__barrier=0.3, exchange__energy=0.8, exchange__floor=0.1, exchange__inventory=1,
        vacancy__migration_barrier=0.3, vacancy__crowding_barrier=0.1, electrostatics__charge_transition=-0.2,
    )
    device = Device(material, 4 * A, 3 * A, temperature=2000.0, seed=31, cache=200_000, lateral=lateral)
    oracle = WholeLattice(material, device.shape, lateral)
    states = [(v, ()) for n in range(4) for v in combinations(range(device.n_hosts), n)]
    found, right = check(device, oracle, states, 2e-8)
    assert device.events > 500_000
    assert 0.5 * np.abs(found - right).sum() < 0.02


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_every_mechanism_on_3_by_3_by_3_hosts(lateral):
    """Vacancies, interstitials, Frenkel pairs and both exchanges; false alarm 1e-4 for each of 9 values."""
    material = small_material(
        "HfO2-ETH", exchange__energy=0.5, exchange__barrier=0.2, interstitial_exchange__energy=-0.9,
        interstitial_exchange__barrier=0.1, frenkel_pair__energy=1.4, frenkel_pair__barrier=0.1,
        vacancy__migration_barrier=0.2, interstitial__migration_barrier=0.2, vacancy__binding_energy=0.1,
        electrostatics__charge_transition=-0.2,
    )
    device = Device(material, 3 * A, 3 * A, temperature=2000.0, seed=32, cache=200_000, lateral=lateral)
    oracle = WholeLattice(material, device.shape, lateral)
    centres = range(device.n_hosts, device.lattice.n_sites)
    hosts = [v for n in range(3) for v in combinations(range(device.n_hosts), n)]
    states = [(v, i) for v in hosts for n in (0, 1) for i in combinations(centres, n)]
    check(device, oracle, states, 1e-9)
