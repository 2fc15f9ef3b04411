"""Fields of stacks of oxides against a sparse solution of the whole lattice, link by link."""

import numpy as np
import pytest
from layered_lattice import LayeredLattice
from whole_lattice import biases, put, random_species

from frenkel.kinetic.device import Device
from frenkel.kinetic.fields.build import LawTable, layered_bonds
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.stack import Interface, Layer, Stack

A = 0.26e-9
SIDES = ("periodic", "reflecting")
STACKS = [(3, 4), (1, 3, 3), (2, 2, 1, 3), (2, 1, 1, 2, 2)]
"""Planes of each layer, from the bottom."""

WIDTH = 6


def make(planes, seed, lateral="periodic", name="HfO2-volatile", contrast=1e3, **options):
    """Return a device of layers with three numbers drawn over a contrast, and its oracle."""
    rng = np.random.default_rng(seed)
    material = Material.load(name)
    layers, resistances, contacts = [], [], []
    for number, count in enumerate(planes):
        # Conduction, heat and permittivity each have their own; the outermost layers differ by all of it.
        draw = (contrast ** rng.uniform(-1, 0, 3)).tolist()
        ends = {0: 1.0 / contrast, len(planes) - 1: 1.0}
        draw = [ends[number]] * 3 if number in ends else draw
        changes = {
            "conduction": {
                "background": f"{1e-9 * draw[0]!r} S", "prefactor": f"{1e-4 * rng.uniform(0.3, 3)!r} S",
                "decay_length": f"{rng.uniform(0.25, 0.4)!r} nm", "tunnel_factor": rng.uniform(0.01, 0.1),
            },
            "heat": {"conductivity": f"{max(contrast, 1.0) * draw[1]!r} W/(m*K)"},
            "electrostatics": {"permittivity": max(contrast, 1.0) * draw[2]},
        }  # fmt: skip
        resistances.append(10 ** rng.uniform(-10, -8) if number else 0.0)
        contacts.append(rng.uniform(0.1, 1.0) if number else None)
        interface = Interface(thermal_resistance=resistances[-1], contact_factor=contacts[-1])
        layers.append(Layer(count * A, "", changes, interface))
    device = Device(
        material, sum(planes) * A, WIDTH * A, seed=1, lateral=lateral, layers=layers, precise=True, **options
    )
    materials = [layer.material(material) for layer in layers]
    oracle = LayeredLattice(materials, planes, resistances[1:], lateral, contacts=contacts[1:])
    return device, oracle


@pytest.mark.parametrize("lateral", SIDES)
@pytest.mark.parametrize("planes", STACKS)
@pytest.mark.parametrize("contrast", [1e3, 1e-3])
def test_potential_current_and_heat_of_layers_equal_a_direct_solution(planes, lateral, contrast):
    """Potential, heat and current to 1e-10, with the bonds of every layer and those that cross."""
    device, oracle = make(planes, len(planes), lateral, contrast=contrast)
    rng = np.random.default_rng(7)
    for kind in ("pristine", "hrs", "lrs"):
        vacancies = np.flatnonzero(random_species(device, kind, rng) == VACANCY.code).astype(np.int32)
        fields = device.fields
        fields.solve(vacancies)
        bonds = oracle.network(vacancies)
        mine = {(int(min(a, b)), int(max(a, b))): g for a, b, g in fields.solver.bonds()}
        theirs = {(int(min(a, b)), int(max(a, b))): g for a, b, g in bonds}
        assert mine == pytest.approx(theirs, rel=1e-11, abs=0)
        potential, conductance, _ = oracle.potential(bonds)
        heat = oracle.heat(bonds)
        found, rise = fields.solution.potentials.maps()
        assert np.abs(found - potential).max() <= 1e-10
        assert np.abs(rise - heat).max() <= 1e-10 * heat.max()
        assert fields.solution.conductance == pytest.approx(conductance, rel=1e-10, abs=0)
        nodes, at_nodes, warm = fields.nodes()
        assert np.abs(at_nodes - potential[nodes]).max() <= 1e-10
        assert np.abs(warm - heat[nodes]).max() <= 1e-10 * heat.max()


def test_empty_layers_are_resistors_in_series():
    """The background of 3 + 4 planes: halves of a link in either layer, all of it at the electrodes."""
    device, oracle = make((3, 4), 2)
    low, high = (material.conduction.background for material in oracle.materials)
    device.fields.solve(np.zeros(0, np.int32))
    halves = 0.5 / low + 0.5 / high
    column = 1.0 / (3.0 / low + 4.0 / high + halves / oracle.contacts[0])
    assert device.fields.solution.conductance == pytest.approx(WIDTH**2 * column, rel=1e-12, abs=0)


@pytest.mark.parametrize("lateral", SIDES)
@pytest.mark.parametrize("planes", STACKS)
@pytest.mark.parametrize("contrast", [1e3, 1e-3])
def test_charges_and_their_images_equal_a_direct_solution(planes, lateral, contrast):
    """Potential of all charges at every site to 1e-12 of the largest, permittivities 1 to 1000."""
    device, oracle = make(planes, 5, lateral, name="HfO2-ETH", contrast=contrast)
    rng = np.random.default_rng(3)
    put(device, random_species(device, "pristine", rng))
    device.transitions()
    charges = device.fields.charges.charges()
    assert np.count_nonzero(charges) > 10
    found = device.fields.charges.potential_at(np.arange(device.n_hosts, dtype=np.int32))
    expected = oracle.coulomb * oracle.green @ charges
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("lateral", SIDES)
@pytest.mark.parametrize("kind", ["hrs", "lrs"])
def test_work_and_heat_that_events_read_equal_a_direct_solution(kind, lateral):
    """Every event of some: the network without the hopping atom, and temperatures of both ends."""
    device, oracle = make((2, 3, 2), 11, lateral, contrast=30.0)
    species = random_species(device, kind, np.random.default_rng(9))
    put(device, species)
    events, arrays = device.transitions(), device.solved().events.arrays()
    chosen = np.random.default_rng(1).permutation(len(events))[:80]
    expected = biases(device, oracle, species, events[chosen])
    assert np.abs(arrays["energy1"][chosen] - expected).max() <= 1e-9
    vacancies = np.flatnonzero(species[: device.n_hosts] == VACANCY.code)
    heat = oracle.heat(oracle.network(vacancies))
    hops = chosen[events["site_b"][chosen] >= 0]
    numbers = oracle.material.vacancy
    beta = 0.5 * (1.0 - numbers.heat_of_transport / arrays["barrier"][hops])
    beta = np.where(events["direction"][hops], 1.0 - beta, beta)
    a, b = events["site_a"][hops], events["site_b"][hops]
    read = heat[a] + beta * (heat[b] - heat[a])
    assert np.abs(arrays["heat"][hops] - read).max() <= 1e-9 * heat.max()


def test_layers_alike_have_one_table_and_others_one_each():
    material = Material.load("HfO2-volatile")
    halves = [Layer(3 * A), Layer(3 * A)]
    alike = Device(material, 6 * A, 4 * A, seed=1, layers=halves).fields
    assert alike.solver.k_heat is alike.solver.k_conduction
    warm = [halves[0], Layer(3 * A, interface=Interface(thermal_resistance=1e-9))]
    other = Device(material, 6 * A, 4 * A, seed=1, layers=warm).fields
    assert other.solver.k_heat is not other.solver.k_conduction


def test_one_layer_is_the_device_without_layers_to_the_last_bit():
    """Events, rates and potentials of a state after 20 events, for one layer and for two that are alike."""
    material = Material.load("HfO2-fast")
    found = []
    for layers in ((), (Layer(9 * A),), (Layer(4 * A), Layer(5 * A))):
        device = Device(material, 9 * A, 7 * A, seed=3, layers=layers)
        put(device, random_species(device, "hrs", np.random.default_rng(2)))
        device.device_voltage = 1.1
        for _ in range(20):
            device.fire(0)
        found.append((device.transitions(), device.potential, device.temperature_map, device.conductance))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert np.array_equal(one, two)


def test_parts_of_a_way():
    material = Material.load("HfO2-volatile")
    stack = Stack((material,) * 3, (2, 1, 2), (Interface(),) * 2)
    assert stack.parts(1, 1).tolist() == [1.0, 0.0, 0.0]
    assert stack.parts(1, 2).tolist() == [0.5, 0.5, 0.0]
    assert stack.parts(1, 3).tolist() == [0.25, 0.5, 0.25]
    assert stack.parts(-1, 2) == pytest.approx([2.5 / 3, 0.5 / 3, 0.0])
    assert stack.parts(4, 5).tolist() == [0.0, 0.0, 1.0]


def test_a_bond_across_an_interface_follows_the_law_of_the_layer_that_conducts_less():
    """Hops over gaps with two reorganisation energies, 3 spacings long, in either order of the layers."""
    material = Material.load("HfO2-volatile")
    changes = (
        {"conduction": {"gap_reorganisation": "0.4 eV", "tunnel_factor": 0.1}},
        {"conduction": {"gap_reorganisation": "0.9 eV", "tunnel_factor": 0.001}},
    )
    for order in (changes, changes[::-1]):
        stack = Stack.of(material, [Layer(3 * A, changes=one) for one in order], 6)
        table = LawTable(300.0)
        bonds = layered_bonds(stack, table)
        inner, across = bonds.kind[0, 0], bonds.kind[1, 4]
        law = table.rows[bonds.pair_law[across, 8] - 1][0].law
        assert law.reorganisation == 0.9
        slopes = [bonds.pair[bonds.kind[z, z], 8] for z in (0, 5)]
        assert bonds.pair[across, 8] == pytest.approx(np.sqrt(slopes[0] * slopes[1]), rel=1e-12, abs=0)
        assert bonds.pair[inner, 8] == slopes[0]


def test_bonds_across_a_contact_with_a_barrier_tunnel_through_it():
    """They keep their slope at 0 V; those within a layer, and contacts that do not cross, stay ohmic."""
    material, table = Material.load("HfO2-volatile"), LawTable(300.0)
    plain, bonds = (
        layered_bonds(Stack.of(material, [Layer(3 * A), Layer(3 * A, interface=interface)], 6), table)
        for interface in (Interface(exchange_energy=0.1), Interface(contact_barrier=0.8))
    )
    inner, across = bonds.kind[0, 1], bonds.kind[2, 3]
    assert np.array_equal(bonds.pair, plain.pair) and np.array_equal(bonds.contact, plain.contact)
    assert not bonds.pair_law[inner].any() and not plain.pair_law.any()
    for squared, number in enumerate(bonds.pair_law[across], 1):
        (way,) = table.rows[number - 1]
        assert way.law.barrier == 0.8 and way.length == pytest.approx(A * np.sqrt(squared))
        assert way.conductance == pytest.approx(1.0)
    assert not bonds.contact_law[0, :3].any() and bonds.contact_law[0, 3]
