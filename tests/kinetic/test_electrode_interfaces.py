"""Interfaces of the electrodes of a metal cell: what an ion crosses when it is oxidised or reduced.

An empty cell of n planes has n + 1 links in series, and an interface counts as many as its resistance is
links of electrolyte. The closed forms below are exact. Seen to fail with the counter interface in the lowest
link, the active one in the link below, half of a link left out, and a resistance 1 % off.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
from round_trips import sample, stated, way_back
from whole_lattice import TOP, WholeLattice, biases, put, random_species

from frenkel.experiment.electrochemistry import open_circuit_voltage
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.units import BOLTZMANN_EV

A = 0.26e-9
KT = BOLTZMANN_EV * 300.0
ACTIVE, COUNTER = 30.0, 12.0  # resistances of the interfaces, in links of electrolyte
OPEN = {"column.radius": 1e-6, "redox.surface_binding": 0.0, "cation.binding_energy": 0.0}
UNSEEN = {
    "conduction.prefactor": 1e-15, "conduction.contact_bottom": 1e-15, "conduction.contact_top": 1e-15,
    "conduction.gap_barrier": 0.0, "conduction.background": 1e-12, "electrostatics.charge_transition": 0.0,
}
"""Metal that conducts no better than nothing, so that an atom sees the field of the empty cell."""


def cell(shape, active=ACTIVE, counter=COUNTER, lateral="periodic", seed=1, **values):
    """Return a cell of copper in SiO2 whose interfaces have these resistances."""
    material = Material.load("Cu-SiO2").with_values(OPEN | values)
    link = material.conduction.background / A**2
    of_interfaces = {"redox.active_interface": link / active, "redox.counter_interface": link / counter}
    return Device(
        material.with_values(of_interfaces), shape[2] * A, shape[0] * A, seed=seed, lateral=lateral
    )


def potential(n, active=ACTIVE, counter=COUNTER):
    """Return the potential of each plane at 1 V: the divider of links and interfaces."""
    links = np.ones(n + 1)
    links[1] += counter
    links[-1] += active
    return np.cumsum(links)[:-1] / links.sum()


def dissolved(device):
    """Let the electrode dissolve an atom; return its site."""
    event = np.flatnonzero(device.transitions()["direction"] == 1)[0]
    site = int(device.transitions()["site_a"][event])
    device.fire(int(event))
    return site


@pytest.mark.parametrize("n", [3, 8, 20])
def test_dissolution_takes_its_share_of_the_voltage(n):
    """Slope of the barrier: alpha times the fraction of the voltage over the interface and its link."""
    device = cell((6, 6, n), **{"redox.transfer_coefficient": 0.3})
    share = (1 + ACTIVE) / (n + 1 + ACTIVE + COUNTER)
    assert 1.0 - potential(n)[-1] == pytest.approx(share, rel=1e-12)
    low, high = (np.max(device.rates(voltage)) for voltage in (-0.1, 0.1))
    assert KT * math.log(high / low) / 0.2 == pytest.approx(0.3 * share, rel=1e-6)


def test_an_ion_crosses_each_interface_once():
    """Charge that each step of an ion moves through the source, and its sum: 1 less the lowest link."""
    n = 5
    device, expected = cell((6, 6, n), **UNSEEN), potential(n)
    site, moved = None, []
    for plane in range(n - 1, -1, -1):
        events, table = device.solved().at(1.0), device.transitions()
        if site is None:
            k = int(np.flatnonzero(table["direction"] == 1)[0])
            site = int(table["site_a"][k])
        else:
            ends = np.stack([table["site_a"], table["site_b"]])
            k = int(np.flatnonzero((ends == site).any(axis=0) & (ends == site - 1).any(axis=0))[0])
            site -= 1
        assert site % n == plane
        moved.append(-events.work_per_volt(k))
        device.fire(k)
    steps = np.diff(np.append(expected, 1.0))[::-1]
    np.testing.assert_allclose(moved, steps, rtol=1e-6)
    assert moved[0] / moved[1] == pytest.approx(1 + ACTIVE, rel=1e-6)
    assert moved[-1] / moved[1] == pytest.approx(1 + COUNTER, rel=1e-6)
    assert sum(moved) == pytest.approx(1 - expected[0], rel=1e-6)


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_events_close_and_do_the_work_of_the_whole_lattice(lateral):
    """Forward plus reverse is 0 within the stated error; work from a sparse solution of every site.

    Fails with the counter electrode's interface in the lowest link.
    """
    values = {"conduction.gap_barrier": 0.0, "conduction.background": 1e-9}
    device = cell((6, 6, 7), lateral=lateral, **values)
    oracle = WholeLattice(device.stack.material, device.shape, lateral)
    plane = np.where(oracle.links >= 0, oracle.links % 7, -1)
    oracle.conducting[oracle.links[:, 1] == TOP] = 1 / (1 + ACTIVE)
    lowest = (plane[:, 0] == 0) & (plane[:, 1] == 1)
    oracle.conducting[lowest] = 1 / (1 + COUNTER)
    rng, kinds = np.random.default_rng(3), set()
    for kind in ("pristine", "hrs", "lrs"):
        species = random_species(device, kind, rng)
        put(device, species)
        device.device_voltage = rng.uniform(-2, 2)
        start, events, error = device.engine.state(), device.transitions(), stated(device)
        chosen = sample(events, 8, rng)
        work = [device.solved().at(1.0).work_per_volt(int(k)) for k in chosen]
        np.testing.assert_allclose(work, biases(device, oracle, species, events[chosen]), atol=1e-6)
        for k in chosen:
            device.engine.restore(start)
            device.fire(int(k))
            after = device.transitions()
            event, back = events[k], after[way_back(device, events[k], after)]
            assert abs(event["energy"] + back["energy"]) <= 1e-9 + error + stated(device)
            assert event["barrier"] - back["barrier"] == pytest.approx(event["energy"], abs=1e-9 + 2 * error)
            kinds.add((int(event["mechanism"]), int(event["direction"])))
    assert len(kinds) == 3  # a hop is its own reverse


def chain(device, voltage):
    """Return rates between the states of one atom: in the electrode (the last one) or at each site."""
    n, start = device.n_hosts, device.engine.state()
    rates = np.zeros((n + 1, n + 1))
    for begin in range(n + 1):
        device.engine.restore(start)
        if begin < n:
            species = device.engine.species
            species[begin] = 1
            put(device, species)
        for row, rate in zip(device.transitions(), device.rates(voltage), strict=True):
            hops, ends = row["mechanism"] == 0, (int(row["site_a"]), int(row["site_b"]))
            if begin < n and not hops and row["direction"] == 1:
                continue  # a second atom
            if hops:
                end = ends[1] if ends[0] == begin else ends[0]
            else:
                end = ends[0] if begin == n else n
            rates[begin, end] += rate
    return rates


def one_atom(energy):
    device = cell((3, 3, 4), **UNSEEN, **{"redox.energy": energy, "redox.inventory": 1})
    put(device, device.engine.species)  # so that what the electrode holds is counted alike
    return device


@pytest.mark.parametrize("voltage", [0.25, -0.4])
def test_an_atom_between_both_electrodes_follows_boltzmann_at_a_bias(voltage):
    """Detailed balance of its 37 states: energy at 0 V plus charge times the divider's potential.

    The only current is through the electrolyte, which no atom changes, so that one energy function exists.
    """
    device = one_atom(0.1)
    still, rates = chain(device, 0.0), chain(device, voltage)
    assert (rates > 0).sum() == 4 * 36 + 3 * 9 * 2 + 2 * 9  # hops within and between planes, the electrode
    np.testing.assert_array_equal(rates > 0, rates.T > 0)
    # At 0 V the ratio of both rates between neighbours gives the energy of each plane.
    own = np.zeros(4)
    own[3] = -KT * math.log(still[36, 3] / still[3, 36])
    for z in (2, 1, 0):
        own[z] = own[z + 1] - KT * math.log(still[z + 1, z] / still[z, z + 1])
    plane = np.arange(36) % 4
    weight = np.exp(-np.append(own[plane] + voltage * (potential(4)[plane] - 1.0), 0.0) / KT)
    flow = weight[:, None] * rates
    np.testing.assert_allclose(flow, flow.T, rtol=1e-6)


def test_no_net_rate_at_the_nernst_potential():
    """From one electrode to a site of the other and back: equal products of rates at E / z e."""
    device = one_atom(0.1)
    path = [36, 3, 2, 1, 0]
    still = chain(device, 0.0)
    steps = list(pairwise(path))
    energy = -KT * sum(math.log(still[a, b] / still[b, a]) for a, b in steps)
    nernst = energy / (1.0 - potential(4)[0])
    assert nernst != 0.0

    def affinity(voltage):
        rates = chain(device, voltage)
        return sum(math.log(rates[a, b] / rates[b, a]) for a, b in steps)

    assert abs(affinity(nernst)) < 1e-6
    assert affinity(nernst + 0.1) == pytest.approx(0.1 * (1.0 - potential(4)[0]) / KT, rel=1e-6)


@pytest.mark.parametrize("fraction", [0.25, 0.75])
def test_open_circuit_voltage_is_that_of_nernst(fraction):
    """E / z e plus kT/e ln(c / (1 - c)), c of the counter electrode's sites with an atom; noise of some 8 mV.

    The upper plane begins in equilibrium with the active electrode: filling it would carry a current.
    """
    values = {"redox.energy": 0.1, "redox.barrier": 0.2, "cation.migration_barrier": 0.2}
    device, phi = cell((6, 6, 2), **UNSEEN, **values), potential(2)
    nernst = (0.1 + KT * math.log(fraction / (1.0 - fraction))) / (1.0 - phi[0])
    dilution = 1.0 / (1.0 + math.exp((0.1 - nernst * (1.0 - phi[1])) / KT))
    species, rng = device.engine.species, np.random.default_rng(1)
    for plane, filled in enumerate((fraction, dilution)):
        species[2 * rng.permutation(36)[: round(36 * filled)] + plane] = 1
    put(device, species)
    assert open_circuit_voltage(device, 300) == pytest.approx(nernst, abs=0.02)


def test_interfaces_leave_energies_at_0_v_as_they_are():
    with_them, without = cell((5, 5, 6)), cell((5, 5, 6), 1e-3, 1e-3)
    for device in (with_them, without):
        for _ in range(3):
            dissolved(device)
    energies = [device.solved().events.arrays()["energy0"] for device in (with_them, without)]
    np.testing.assert_array_equal(*energies)
