"""Conduction, heat and charge of sets of defects against a sparse solve of the whole lattice."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from whole_lattice import BOTTOM, ION_SELF, TOP, WATSON, WholeLattice, biases, put, random_species, watson

from frenkel.kinetic.device import Device
from frenkel.kinetic.fields._event_rates import Candidates, EventRates, MechanismTables
from frenkel.kinetic.lattice.species import INTERSTITIAL, VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.units import BOLTZMANN_EV

A = 0.26e-9
SIDES = ("periodic", "reflecting")
CONTRAST = {
    "conduction.background": 1e-12,
    "conduction.contact_top": 1e-4,
    # the bonds of a test do not move with the preset
    "conduction.decay_length": 0.35e-9,
    "conduction.tunnel_factor": 0.02,
}  # 1e8 under bonds of 1e-4 S


def make(name="HfO2-volatile", size=(8, 9), lateral="periodic", **values):
    """Return a device of ``size`` (width, thickness in spacings) and its oracle."""
    material = Material.load(name).with_values({key.replace("__", "."): v for key, v in values.items()})
    device = Device(material, size[1] * A, size[0] * A, seed=1, lateral=lateral, precise=True)
    return device, WholeLattice(material, device.shape, lateral)


def high_contrast(lateral="periodic", size=(8, 9)):
    material = Material.load("HfO2-volatile").with_values(CONTRAST)
    device = Device(material, size[1] * A, size[0] * A, seed=1, lateral=lateral, precise=True)
    return device, WholeLattice(material, device.shape, lateral)


def sites(shape, *places):
    return np.sort(np.ravel_multi_index(np.array(places).T, shape)).astype(np.int32)


def by_pair(bonds):
    return {(int(min(a, b)), int(max(a, b))): g for a, b, g in bonds}


def same_wiring(fields, bonds):
    mine, theirs = by_pair(fields.solver.bonds()), by_pair(bonds)
    assert mine.keys() == theirs.keys()
    assert all(mine[pair] == pytest.approx(g, rel=1e-12, abs=0) for pair, g in theirs.items())


# ---- conduction and heat


@pytest.mark.parametrize("lateral", SIDES)
@pytest.mark.parametrize("kind", ["pristine", "hrs", "lrs"])
def test_fields_equal_a_direct_solve_at_a_contrast_of_1e8(kind, lateral):
    """Potential within 1e-6 V and heat within 1e-6 at every site, current within 1e-6, P = V I within 1e-9.

    Measured: 1e-15 V, 1e-15, 1e-15 and 1e-12. The wiring is that of all pairs and triples by brute force.
    """
    device, oracle = high_contrast(lateral)
    rng = np.random.default_rng(7)
    for _ in range(4):
        vacancies = np.flatnonzero(random_species(device, kind, rng) == VACANCY.code).astype(np.int32)
        fields = device.fields
        fields.solve(vacancies)
        bonds = oracle.network(vacancies)
        same_wiring(fields, bonds)
        potential, conductance, power = oracle.potential(bonds)
        found, rise = fields.solution.potentials.maps()
        assert np.abs(found - potential).max() <= 1e-6
        assert fields.solution.conductance == pytest.approx(conductance, rel=1e-6, abs=0)
        assert power == pytest.approx(conductance, rel=1e-9, abs=0)
        heat = oracle.heat(bonds)
        assert np.abs(rise - heat).max() <= 1e-6 * heat.max()
        assert fields.solution.heat_max == pytest.approx(heat.max(), rel=1e-6, abs=0)
        assert fields.solution.solver_error <= 1e-12


@pytest.mark.parametrize("factor", [0.0, 0.062, 1.0])
def test_a_top_contact_over_a_gap_has_a_factor_of_its_own(factor):
    """A column that ends at, one and two layers below the top electrode: bonds and current within 1e-12."""
    device, oracle = make(size=(5, 8), conduction__contact_top=3e-4, conduction__contact_top_factor=factor)
    for layers in (8, 7, 6):
        column = sites(device.shape, *[(2, 2, z) for z in range(layers)])
        bonds = [bond for bond in oracle.network(column) if bond[2] > 0.0]
        device.fields.solve(column)
        same_wiring(device.fields, bonds)
        conductance = device.fields.solution.conductance
        assert conductance == pytest.approx(oracle.potential(bonds)[1], rel=1e-12, abs=0)


def lattice_power(oracle, potential):
    """Return the power (W at 1 V) in the background links of a potential map."""
    a, b = oracle.links.T
    end = np.where(b >= 0, potential[np.maximum(b, 0)], np.where(b == TOP, 1.0, 0.0))
    return oracle.background * ((potential[a] - end) ** 2).sum()


@pytest.mark.parametrize("kind", ["pristine", "hrs", "lrs"])
def test_power_is_voltage_times_current_and_currents_add_to_nothing(kind):
    """Sum P = V I to 1e-9, the same current at both electrodes, and Kirchhoff at every site."""
    device, oracle = high_contrast()
    fields = device.fields
    rng = np.random.default_rng(8)
    for _ in range(4):
        vacancies = np.flatnonzero(random_species(device, kind, rng) == VACANCY.code).astype(np.int32)
        fields.solve(vacancies)
        potential, _ = fields.solution.potentials.maps()
        nodes, at_nodes, _ = fields.nodes()
        assert potential[nodes] == pytest.approx(at_nodes, abs=1e-12)
        potential[nodes] = at_nodes
        total = fields.solution.power() + lattice_power(oracle, potential)
        assert total == pytest.approx(fields.solution.conductance, rel=1e-9, abs=0)
        edges = oracle._edges(fields.solver.bonds(), 1 / oracle.background)
        flow = oracle._flow(edges, potential, 1.0)
        a, b, _ = edges
        enters, leaves = -flow[b == TOP].sum(), flow[b == BOTTOM].sum()
        assert enters * oracle.background == pytest.approx(fields.solution.conductance, rel=1e-9, abs=0)
        assert leaves == pytest.approx(enters, rel=1e-9, abs=0)
        inner, n = b >= 0, device.n_hosts
        net = np.bincount(a, flow, n) - np.bincount(b[inner], flow[inner], n)
        through = np.bincount(a, np.abs(flow), n) + np.bincount(b[inner], np.abs(flow[inner]), n)
        assert np.abs(net).max() <= 1e-9 * max(enters, through.max())


def test_floating_cluster_takes_the_potential_of_its_surroundings():
    device, oracle = high_contrast(size=(6, 13))
    vacancies = sites(device.shape, *[(x, y, z) for x in (2, 3) for y in (2, 3) for z in (5, 6, 7)])
    device.fields.solve(vacancies)
    nodes, potential, _ = device.fields.nodes()
    assert len(nodes) == 12
    assert potential == pytest.approx(oracle.potential(oracle.network(vacancies))[0][nodes], abs=1e-9)
    assert potential.mean() == pytest.approx(0.5, abs=1e-9)  # the middle of 13 layers, far from contacts


def test_empty_box_and_isolated_vacancies_conduct_as_the_background():
    device, _ = make()
    empty = np.zeros(0, np.int32)
    for vacancies in (empty, sites(device.shape, (1, 1, 4), (5, 5, 4))):
        device.fields.solve(vacancies)
        assert device.fields.network.m == 0 and device.fields.solution.heat_max == 0.0
        assert device.fields.solution.conductance == pytest.approx(1e-10 * 64 / 10, rel=1e-14, abs=0)


@pytest.mark.parametrize("kelvin", [200.0, 300.0, 450.0])
def test_bonds_are_activated(kelvin):
    """Numbers hold at 300 K; bonds and both contacts with exp(-0.1 eV / k (1/T - 1/300 K)), not the oxide."""
    plain = Material.load("HfO2-volatile")
    sets = plain, plain.with_values({"conduction.activation": 0.1})
    cold, warm = (Device(one, 3 * A, 3 * A, temperature=kelvin, seed=1) for one in sets)
    for device in (cold, warm):
        device.fields.solve(sites(device.shape, (1, 1, 0), (1, 1, 1), (1, 1, 2)))
    factor = np.exp(-0.1 / BOLTZMANN_EV * (1 / kelvin - 1 / 300.0))
    before, after = by_pair(cold.fields.solver.bonds()), by_pair(warm.fields.solver.bonds())
    assert len(before) == 4 and before.keys() == after.keys()
    assert all(after[pair] == pytest.approx(factor * g, rel=1e-12, abs=0) for pair, g in before.items())
    assert warm.fields.solver.background == cold.fields.solver.background


def test_many_vacancies_after_few():
    """The solver grows while it runs; 40 % of all sites are vacant."""
    device, oracle = make()
    rng = np.random.default_rng(3)
    for share in (0.02, 0.4, 0.1):
        vacancies = np.flatnonzero(rng.random(device.n_hosts) < share).astype(np.int32)
        device.fields.solve(vacancies)
        bonds = oracle.network(vacancies)
        same_wiring(device.fields, bonds)
        potential, conductance, _ = oracle.potential(bonds)
        assert np.abs(device.fields.solution.potentials.maps()[0] - potential).max() < 1e-9
        assert device.fields.solution.conductance == pytest.approx(conductance, rel=1e-9, abs=0)


# ---- the network without a moving atom


@pytest.mark.parametrize("lateral", SIDES)
@pytest.mark.parametrize("name", ["HfO2-volatile", "HfO2-ETH"])
@pytest.mark.parametrize("kind", ["pristine", "hrs", "lrs"])
def test_potential_without_the_mover_equals_a_direct_solve(kind, name, lateral):
    """every moving atom of a state; the network is classified and wired again with the vacancy deleted.

    Planted error: the network with the moving atom left in is off by more than 1 mV somewhere.
    """
    device, oracle = make(name, (6, 7), lateral)
    rng = np.random.default_rng(9)
    species = random_species(device, kind, rng)
    put(device, species)
    events = device.transitions()
    chosen = np.concatenate(
        [
            rng.permutation(np.flatnonzero((events["mechanism"] == m) & (events["direction"] == d)))[:60]
            for m in range(len(device.chemistry.mechanisms))
            for d in (0, 1)
        ]
    )
    energies = device.solved().events.arrays()["energy1"][chosen]
    expected = biases(device, oracle, species, events[chosen])
    assert np.abs(energies - expected).max() <= 1e-9
    assert device.solved().removal_error <= 1e-12
    quick = Device(device.material, 7 * A, 6 * A, seed=1, lateral=lateral)
    put(quick, species)
    found = quick.solved()
    # Charges of 2 e at two places: four times the error of a potential at 1 V.
    off = np.abs(found.events.arrays()["energy1"][chosen] - expected)
    assert off.max() <= 1e-12 + 4 * found.removal_error
    assert found.removal_error <= 3e-8
    with_all, _ = device.fields.solution.potentials.maps()
    hops = events["mechanism"][chosen] == 0
    a, b = events["site_a"][chosen][hops], events["site_b"][chosen][hops]
    assert np.abs(2 * (with_all[b] - with_all[a]) - expected[hops]).max() > 1e-3


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_bias_moves_a_share_of_the_charge_within_company(share):
    """Both ends beside another vacancy or at an electrode, seen without the hopping atom: a share; else all.

    Planted errors: the atom counted as its own neighbour; neighbours counted at one end alone.
    """
    whole, part = (make("HfO2-volatile", (6, 7), vacancy__bound_share=value)[0] for value in (1.0, share))
    rng, found = np.random.default_rng(4), set()
    for kind in ("pristine", "hrs", "lrs"):
        species = random_species(whole, kind, rng)
        put(whole, species), put(part, species)
        vacancies = np.flatnonzero(species[: whole.n_hosts] == VACANCY.code)
        events = whole.transitions()
        energies = [d.solved().events.arrays()["energy1"] for d in (whole, part)]
        for event, all_of_it, moved in zip(events, *energies, strict=True):
            hop = event["site_b"] >= 0
            bound = hop and all(
                accompanied(whole, site, np.setdiff1d(vacancies, [event["site_a"], event["site_b"]]))
                for site in (event["site_a"], event["site_b"])
            )
            found.add((hop, bound))
            assert moved == (share * all_of_it if bound else all_of_it)
    assert found == {(False, False), (True, False), (True, True)}


def accompanied(device, site, others):
    """Return whether a site lies at an electrode, or within sqrt(2) spacings of one of the others."""
    (nx, ny, nz), sites = device.shape, np.append(others, site)
    x, y, z = sites // (ny * nz), sites // nz % ny, sites % nz
    away = [np.minimum(abs(c - c[-1]), n - abs(c - c[-1])) for c, n in ((x, nx), (y, ny))]
    near = away[0] ** 2 + away[1] ** 2 + (z - z[-1]) ** 2 <= 2
    return z[-1] in (0, nz - 1) or near[:-1].any()


@pytest.mark.parametrize("block", [(1, 1, 2), (1, 1, 3), (2, 2, 2), (2, 2, 3), (2, 2, 13)])
def test_mover_that_holds_a_floating_cluster_together(block):
    """Clusters far from any contact at a contrast of 1e8: what touches only the background once it is gone.

    Once wrong by up to 0.1 eV per volt: the inverse of the stiff network has lost how its parts float.
    """
    device, oracle = high_contrast(size=(6, 13))
    low = (13 - block[2]) // 2
    places = [(2 + x, 2 + y, low + z) for x, y, z in np.ndindex(*block)]
    species = device.engine.species
    species[:] = 0
    species[sites(device.shape, *places)] = VACANCY.code
    put(device, species)
    events = device.transitions()
    hops = np.flatnonzero(events["mechanism"] == 0)[:30]
    energies = device.solved().events.arrays()["energy1"][hops]
    assert energies == pytest.approx(biases(device, oracle, species, events[hops]), abs=1e-9)
    assert device.fields.leave_one_out.error <= 1e-12


def test_bond_hidden_by_a_mover_and_two_vacancies_that_leave_with_it():
    """Three nodes hide a long bond and all leave with one of them: the bond shows in the network without it.

    Once missed: bonds behind more than two nodes were forgotten, here worth 44 meV a volt.
    """
    device, oracle = make(size=(12, 13))
    places = [(5, 5, 4), (5, 5, 3), (5, 5, 8), (5, 5, 9), (5, 7, 5), (6, 7, 5), (4, 7, 5)]
    vacancies = sites(device.shape, *places)
    species = device.engine.species
    species[:] = 0
    species[vacancies] = VACANCY.code
    put(device, species)
    device.device_voltage = 1.0
    events = device.transitions()
    start, end = sites(device.shape, (5, 7, 5))[0], sites(device.shape, (5, 8, 5))[0]
    there = np.flatnonzero((events["site_a"] == start) & (events["site_b"] == end))
    assert len(there) == 1
    energies = device.solved().events.arrays()["energy1"][there]
    assert energies == pytest.approx(biases(device, oracle, species, events[there]), abs=1e-12)
    full = by_pair(oracle.network(vacancies))
    without = by_pair(oracle.network(np.setdiff1d(vacancies, start)))
    pair = tuple(int(s) for s in sites(device.shape, (5, 5, 4), (5, 5, 8)))
    assert pair not in full and pair in without
    energy = events["energy"][there[0]]
    device.fire(int(there[0]))
    after = device.transitions()
    back = np.flatnonzero((after["site_a"] == end) & (after["site_b"] == start))
    assert after["energy"][back[0]] == pytest.approx(-energy, abs=1e-12)


def test_wiring_of_random_sets_equals_brute_force():
    """Relative neighbourhood and hidden contacts on 60 sets from sparse to dense, also in thin boxes."""
    rng = np.random.default_rng(4)
    for size in ((5, 3), (6, 8), (9, 5)):
        for lateral in SIDES:
            device, oracle = make(size=size, lateral=lateral)
            for share in np.linspace(0.02, 0.5, 10):
                vacancies = np.flatnonzero(rng.random(device.n_hosts) < share).astype(np.int32)
                device.fields.solve(vacancies)
                assert device.fields.network.m == len(oracle.classify(vacancies)[0])
                same_wiring(device.fields, oracle.network(vacancies))


def test_factors_of_gaps_and_of_metal_reach_the_bonds_they_are_for():
    """Each end of a bond within sqrt(2) spacings, or of a contact of one, has the metallic factor."""
    rng = np.random.default_rng(6)
    device, oracle = make(size=(6, 8))
    gap, metallic = rng.uniform(0.3, 3.0, (2, device.n_hosts))
    device.fields.network.set_modulation(gap, metallic)
    for share in (0.05, 0.2, 0.4):
        vacancies = np.flatnonzero(rng.random(device.n_hosts) < share).astype(np.int32)
        device.fields.solve(vacancies)
        expected = []
        for a, b, g in oracle.network(vacancies):
            depth = {BOTTOM: oracle.place[a, 2] + 1, TOP: device.shape[2] - oracle.place[a, 2]}
            close = oracle.squared(a, b)[0, 0] <= 2 if b >= 0 else depth[b] == 1
            factor = metallic if close else gap
            expected.append((a, b, g * factor[a] * factor[b if b >= 0 else a]))
        same_wiring(device.fields, expected)


# ---- heat and charge in the energies


@pytest.mark.parametrize("heat_of_transport", [0.0, 0.3])
def test_events_read_the_temperature_between_both_ends(heat_of_transport):
    """T_i + beta (T_j - T_i) with beta = (1 - Q*/E_m)/2; the way back reads the same place for Q* = 0."""
    device, oracle = make(vacancy__heat_of_transport=heat_of_transport)
    species = random_species(device, "lrs", np.random.default_rng(5))
    put(device, species)
    heat = oracle.heat(oracle.network(np.flatnonzero(species == VACANCY.code)))
    columns = device.solved().events.arrays()
    two = columns["site_b"] >= 0
    low = heat[columns["site_a"]]
    beta = 0.5 * (1 - heat_of_transport / columns["barrier"])
    there = np.where(two, low + beta * (heat[columns["site_b"]] - low), low)
    assert columns["heat"] == pytest.approx(there, abs=1e-9 * heat.max())


def test_way_back_of_a_pair_starts_at_its_other_end():
    """Birth of a Frenkel pair with Q* reads T_a + beta (T_b - T_a), its end T_b + beta (T_a - T_b).

    Hops are their own reverse, always listed from where the atom is; here the lever has to be turned round.
    """
    material = Material.load("HfO2-ETH")
    plain = Device(material, 7 * A, 6 * A, seed=1)
    birth = next(m for m in plain.chemistry.mechanisms if m.name == "Frenkel pair")
    pair = replace(birth, name="warm pair", barrier=1.0, heat_of_transport=0.6)
    device = Device(material, 7 * A, 6 * A, seed=1, mechanisms=[pair])
    species = random_species(device, "lrs", np.random.default_rng(5))
    ions = device.n_hosts + np.arange(0, 210, 7)
    species[ions] = INTERSTITIAL.code
    put(device, species)
    oracle = WholeLattice(material, device.shape)
    heat = oracle.heat(oracle.network(np.flatnonzero(species == VACANCY.code)))
    columns = device.solved().events.arrays()
    seen = set()
    for k in np.flatnonzero(columns["mechanism"] == len(plain.chemistry.mechanisms)):
        hosts, weights = oracle.weights(int(columns["site_b"][k]))
        ends = np.array([heat[columns["site_a"][k]], heat[hosts] @ np.array(weights)])
        beta = 0.5 * (1 - pair.heat_of_transport / columns["barrier"][k])
        start, end = ends[::-1] if columns["direction"][k] else ends
        assert columns["heat"][k] == pytest.approx(start + beta * (end - start), abs=1e-9 * heat.max())
        seen.add(int(columns["direction"][k]))
    assert seen == {0, 1}


def coulomb_map(oracle, vacancies, ions):
    """Return the Coulomb potential (V) of isolated vacancies and ions at all host sites."""
    charge = np.zeros(oracle.n_hosts)
    charge[oracle.classify(vacancies)[1]] += oracle.material.vacancy.charge
    for ion in ions:
        np.add.at(charge, oracle.corners(ion), oracle.material.interstitial.charge / 8)
    return oracle.coulomb * (oracle.green @ charge)


@pytest.mark.parametrize("lateral", SIDES)
def test_drop_that_lowers_a_barrier_is_read_without_the_products(lateral):
    """Exchange and Frenkel pair alike: the field of the others, the same forward and back."""
    device, oracle = make("HfO2-ETH", (6, 7), lateral, exchange__dipole=1e-9, frenkel_pair__dipole=1e-9)
    rng = np.random.default_rng(6)
    species = random_species(device, "pristine", rng)
    n = device.n_hosts
    ion = n + 40
    species[ion], species[oracle.corners(ion)[3]] = INTERSTITIAL.code, VACANCY.code
    put(device, species)
    events, columns = device.transitions(), device.solved().events.arrays()
    vacancies = np.flatnonzero(species[:n] == VACANCY.code)
    ions = np.flatnonzero(species[n:] == INTERSTITIAL.code) + n
    names = [m.name for m in device.chemistry.mechanisms]
    for name, direction in product(("oxygen exchange", "Frenkel pair"), (0, 1)):
        number = names.index(name)
        chosen = np.flatnonzero((events["mechanism"] == number) & (events["direction"] == direction))
        assert len(chosen)
        mechanism = device.chemistry.mechanisms[number]
        sign = -1 if direction else 1
        assert columns["drop1"][chosen] == pytest.approx(-sign * columns["energy1"][chosen] / 2, abs=1e-14)
        for k in rng.permutation(chosen)[:30]:
            others, rest = vacancies, ions
            ends = [events["site_a"][k], events["site_b"][k]][: len(mechanism.before)]
            if direction:
                others, rest = np.setdiff1d(vacancies, ends), np.setdiff1d(ions, ends)
            field = coulomb_map(oracle, others, rest)
            gain = 0.0
            for site, charge in zip(ends, mechanism.charge_change, strict=True):
                hosts, weights = oracle.weights(int(site))
                gain -= charge * (field[hosts] @ np.array(weights))
            assert columns["drop0"][k] == pytest.approx(gain / 2, abs=1e-11)


@pytest.mark.parametrize("lateral", SIDES)
def test_drop_of_an_exchange_below_the_face_is_that_of_the_bond_above(lateral):
    """By the whole lattice and charges summed by hand, without the vacancy; alike from both ends."""
    device, oracle = make("HfO2-volatile", (6, 7), lateral, exchange__dipole=1e-9, exchange__depth=1e-6)
    rng = np.random.default_rng(8)
    put(device, random_species(device, "hrs", rng))
    species, n, top = device.engine.species, device.n_hosts, device.shape[2] - 1
    events, columns = device.transitions(), device.solved().events.arrays()
    vacancies = np.flatnonzero(species[:n] == VACANCY.code)
    chosen = np.flatnonzero(events["site_b"] < 0)
    for direction in (0, 1):
        below = oracle.place[events["site_a"][chosen], 2] < top
        some = chosen[(events["direction"][chosen] == direction) & below]
        assert len(some)
        for k in rng.permutation(some)[:12]:
            site = int(events["site_a"][k])
            others = np.setdiff1d(vacancies, [site])
            phi, field = oracle.potential(oracle.network(others))[0], coulomb_map(oracle, others, [])
            assert columns["drop1"][k] == pytest.approx(phi[site + 1] - phi[site], abs=1e-8)
            assert columns["drop0"][k] == pytest.approx(field[site + 1] - field[site], abs=1e-8)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_barrier_that_bends_does_not_see_single_charges(power):
    """At 0 V no exchange is lowered among charged vacancies; a line is. The field of the bias is for both."""
    device, _ = make(
        "HfO2-volatile",
        (6, 7),
        "periodic",
        exchange__dipole=1e-9,
        exchange__depth=1e-6,
        exchange__dipole_power=power,
        exchange__floor=0.0,
    )
    put(device, random_species(device, "pristine", np.random.default_rng(8)))
    columns = device.solved().events.arrays()
    mine = columns["site_b"] < 0
    assert (np.abs(columns["drop0"][mine]).max() > 0.01) == (power == 1.0)
    assert np.abs(columns["drop1"][mine]).max() > 0.01


def test_barriers_below_the_face_go_on_where_cells_of_voltage_meet():
    """In a nonlinear network both cells give the same barrier at their common end; the field lowers it."""
    material = Material.load("HfO2-fast").with_values({"exchange.depth": 1e-6, "exchange.dipole": 1e-9})
    device = Device(material, 9 * A, 8 * A, seed=1)
    put(device, random_species(device, "hrs", np.random.default_rng(9)))
    solved, voltage = device.solved(), 0.8
    before, after = (solved.at(voltage, slope).activation(voltage) for slope in (-1.0, 1.0))
    below = (solved.events.arrays()["site_b"] < 0) & (solved.events.arrays()["direction"] == 0)
    assert before == pytest.approx(after, abs=1e-9)
    assert np.ptp(before[below] - solved.events.arrays()["barrier"][below]) > 0.1


def test_constants_of_the_infinite_lattice():
    """Watson's integral in closed form, and the mean over a cube's corners that an ion's self energy needs.

    In the middle of a large box the self energies less these go to the energy of the images, as 1/size.
    """
    from scipy.special import gamma

    closed = np.sqrt(6) / (192 * np.pi**3) * gamma(1 / 24) * gamma(5 / 24) * gamma(7 / 24) * gamma(11 / 24)
    assert pytest.approx(closed, abs=1e-14) == WATSON
    assert watson(1, 0, 0) == pytest.approx(closed - 1 / 6, abs=1e-14)
    corners = [watson(*np.abs(np.subtract(a, b))) for a in np.ndindex(2, 2, 2) for b in np.ndindex(2, 2, 2)]
    assert np.mean(corners) == pytest.approx(ION_SELF, abs=1e-14)


@pytest.mark.parametrize("lateral", SIDES)
def test_energy_of_isolated_charges_is_that_of_the_images(lateral):
    """One vacancy, one ion and both, found by moves that change nothing else, against the double sum."""
    device, oracle = make("HfO2-ETH", (6, 7), lateral, electrostatics__charge_transition=0.2)
    n = device.n_hosts
    species = device.engine.species
    species[:n], species[n:] = 0, 2
    lone = sites(device.shape, (3, 3, 3))[0]
    ion = n + 57
    for vacancy, ions in (([lone], []), ([], [ion]), ([lone], [ion])):
        now = species.copy()
        now[vacancy], now[ions] = VACANCY.code, INTERSTITIAL.code
        put(device, now)
        start, events = oracle.energy(now), device.transitions()
        energies = device.solved().events.arrays()["energy0"]
        for k in np.random.default_rng(1).permutation(len(events))[:60]:
            put(device, now)
            device.transitions()
            device.fire(int(k))
            assert energies[k] == pytest.approx(oracle.energy(device.engine.species) - start, abs=1e-10)


# ---- refusals


def test_contrast_beyond_double_precision_and_bad_reach_are_refused():
    device, _ = make(size=(6, 13), conduction__background=1e-20)
    cluster = sites(device.shape, (3, 3, 5), (3, 3, 6), (3, 3, 7))
    with pytest.raises(ArithmeticError, match="the contrast between bonds and background is too large"):
        device.fields.solve(cluster)
    with pytest.raises(ValueError, match=r"the longest bond must be sqrt\(2\) to 4 spacings"):
        make(conduction__cutoff=5 * A)


def test_nothing_to_pick_is_said():
    device, _ = make()
    candidates = Candidates(MechanismTables(dict(device.solver.tables), 300.0), *[[]] * 7)
    with pytest.raises(ArithmeticError, match="no event has a rate above zero"):
        EventRates(candidates, [], []).pick(0.0, 0.5)


def test_bonds_conduct_heat_in_proportion_to_their_conductance():
    """Wiedemann and Franz: the Laplacian of the bonds, contacts on its diagonal, both ends; exact."""
    device, _ = make()
    fields = device.fields
    fields.solve(sites(device.shape, (2, 2, 0), (2, 2, 1), (2, 3, 2), (4, 4, 7), (4, 4, 8), (5, 5, 5)))
    solver = fields.solver
    laplacian, contact = solver.heat_links()
    expected, ends = np.zeros_like(laplacian), np.zeros_like(contact)
    place = {int(site): k for k, site in enumerate(fields.solution.potentials.nodes()[0])}
    factor = solver.wiedemann_franz / solver.background
    for a, b, g in solver.bonds():
        k = place[int(a)]
        expected[k, k] += factor * g
        if b < 0:
            ends[-1 - int(b), k] += factor * g
        else:
            j = place[int(b)]
            expected[j, j] += factor * g
            expected[k, j] -= factor * g
            expected[j, k] -= factor * g
    np.testing.assert_allclose(laplacian, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(contact, ends, rtol=1e-12, atol=1e-12 * np.abs(ends).max())
    assert ends.any(axis=1).all()
