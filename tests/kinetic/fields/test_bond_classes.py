"""Laws of bonds by class: closed forms through one bond, Newton on the whole lattice, closure."""

import numpy as np
import pytest
from bent_lattice import BentLattice, barrier_current
from round_trips import round_trips
from scipy.optimize import brentq
from whole_lattice import put, random_species

from frenkel.kinetic.conduction.bonds import BOTTOM, Bonds
from frenkel.kinetic.conduction.classes import CLASSES as CLASSES_OF_BONDS
from frenkel.kinetic.conduction.classes import Bond, Way, ways
from frenkel.kinetic.conduction.electron_transfer import ElectronTransfer
from frenkel.kinetic.conduction.emission import SchottkyThermionic
from frenkel.kinetic.conduction.transport import QuantumGap
from frenkel.kinetic.device import Device
from frenkel.kinetic.fields.build import LawTable, tabulated
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import MaterialError
from frenkel.kinetic.solver import CELL

A = 0.26e-9
WIRE = 1e-2
HOPS = {"gap_reorganisation": 0.6, "gap_hops": 2}
HOP_LENGTH = {"gap_reorganisation": 0.6, "gap_hop_length": 0.37e-9}
ELASTIC = {"gap_barrier": 1.2, "gap_mass": 0.4, "gap_channels": 2.0}
CONTACT = {"contact_bottom_barrier": 0.5, "contact_mass": 0.8, "contact_share": 0.1}
TOP_CONTACT = {"contact_top_barrier": 0.3, "contact_share": 0.8}
PLAIN = {"decay_length": 0.35e-9, "tunnel_factor": 0.02, "contact_top": 1e-4}
CLASSES = {
    "elastic": ELASTIC, "hops and elastic": HOPS | ELASTIC, "hop length": HOP_LENGTH,
    "short shadow": HOP_LENGTH | {"contact_shadow": 0.3e-9},
    "bottom contact": CONTACT, "top contact": TOP_CONTACT, "all": HOPS | ELASTIC | CONTACT | TOP_CONTACT,
}
"""Numbers of ``[conduction]`` that switch on the laws of each class."""


def material(**values):
    return Material.load("HfO2-volatile").with_values({f"conduction.{key}": v for key, v in values.items()})


def one_bond(layers, thickness, temperature=300.0, **values):
    """Return a device whose current goes through one bond and wires of 0.01 S; the oxide adds 1e-12 S."""
    wires = {"prefactor": WIRE, "contact_bottom": WIRE, "contact_top": WIRE, "background": 1e-13}
    device = Device(
        material(**wires | {"decay_length": 0.2e-9} | values), thickness * A, 4 * A, seed=1,
        temperature=temperature,
    )
    species = device.engine.species
    species[: device.n_hosts] = 0
    species[np.ravel_multi_index(np.array([(1, 1, z) for z in layers]).T, device.shape)] = VACANCY.code
    put(device, species)
    return device


def hop_current(u, conductance, temperature=300.0, hops=2.0):
    """Return the current (A) of hops; their conductance holds at 300 K."""
    law = ElectronTransfer(
        conductance=1.0, reorganisation=0.6, hops=hops, temperature=temperature)
    u = np.atleast_1d(u)
    bond = Bonds(first=np.arange(len(u)), second=np.full(len(u), BOTTOM), law=law)
    return conductance * law.activated(300.0) * law.current(u, bond)[0][0]


def through(current, voltage, wires):
    """Return the current (A) at a voltage over a bond and wires (ohm) in series."""
    u = brentq(lambda u: u + wires * current(u) - voltage, *sorted((0.0, voltage)), xtol=1e-15)
    return current(u)


def pair_hop(d):
    return WIRE * np.exp(-2 * (d - A) / 0.2e-9)


DISTANCES = {"pair": 2 * A, "to the top": 3 * A, "to the bottom": 4 * A}
PLACES = {"pair": ((0, 2), 3), "to the top": ((0,), 3), "to the bottom": ((3,), 4)}


# ---- one bond


@pytest.mark.parametrize("where", DISTANCES)
@pytest.mark.parametrize("hopping", [False, True])
def test_elastic_tunnelling_beside_hops_over_a_gap(where, hopping):
    """Currents of both add up, at either sign; without a tunnel factor tunnelling is alone."""
    values = ELASTIC | {"tunnel_factor": 0.03 if hopping else 0.0, "decay_length": 0.2e-9}
    if where == "to the top":  # which has no tunnel factor
        values["contact_top"] = 3e-4 if hopping else 1e-15
    values |= HOPS if hopping else {}
    device, d = one_bond(*PLACES[where], **values), DISTANCES[where]
    factor = values["contact_top"] / WIRE if where == "to the top" else values["tunnel_factor"]

    def current(u):
        tunnel = barrier_current(u, d, 2.0, 1.2, 0.4, 0.5)[0]
        return tunnel + (hop_current(u, factor * pair_hop(d)) if hopping else 0.0)

    ends = 2 if where == "pair" else 1
    for voltage in (0.02, 0.4, -0.9, 1.7, -2.5):
        expected = through(current, voltage, ends / WIRE)
        assert device.current(voltage) == pytest.approx(expected, rel=1e-6, abs=1e-12 * abs(voltage))


@pytest.mark.parametrize("where", DISTANCES)
@pytest.mark.parametrize("length", [0.37, 0.5, 2.0])
def test_hops_of_a_length_over_a_gap(where, length):
    """As many hops as the bond is lengths long, a real number; one over a shorter bond.

    Fails where the number is rounded.
    """
    values = {"gap_reorganisation": 0.6, "gap_hop_length": length * 1e-9, "tunnel_factor": 0.03}
    if where == "to the top":
        values["contact_top"] = 0.03 * WIRE
    device, d = one_bond(*PLACES[where], **values), DISTANCES[where]

    def current(u):
        return hop_current(u, 0.03 * pair_hop(d), hops=max(d / (length * 1e-9), 1.0))

    ends = 2 if where == "pair" else 1
    for voltage in (0.02, 0.4, -0.9, 1.7):
        expected = through(current, voltage, ends / WIRE)
        assert device.current(voltage) == pytest.approx(expected, rel=1e-6, abs=1e-12 * abs(voltage))


@pytest.mark.parametrize("kelvin", [300.0, 700.0])
def test_a_hop_of_a_length_feels_the_field_alone(kelvin):
    """Bonds of 0.45 to 1.9 nm in one field have one current over their ohmic one: no jumps."""
    numbers = material(**HOP_LENGTH).conduction
    distance = np.linspace(0.45e-9, 1.9e-9, 30)
    for field in (2e8, 1e9):
        over = []
        for d in distance:
            (way,) = ways("gap", numbers, Bond(1e-6, d, kelvin))
            current = way.scale * way.current(np.array([field * d]))[0][0]
            over.append(current / (way.conductance * field * d))
        assert np.ptp(over) < 1e-9 * over[0] and over[0] > 1.01


def test_hops_have_a_length_or_a_number():
    with pytest.raises(MaterialError, match=r"gap_hops or gap_hop_length, not both"):
        material(**HOPS, gap_hop_length=0.4e-9)


@pytest.mark.parametrize("side", ["bottom", "top"])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_contact_passes_more_one_way(side, share):
    """Contact of either electrode by the closed form; with no voltage before the top one sign saturates.

    All of the voltage in the oxide (share 0): electrons that leave the site, which is negative then, see the
    barrier sink; those of the electrode never do.
    """
    values = {
        f"contact_{side}": 2e-6, f"contact_{side}_barrier": 0.5, "contact_mass": 2.0, "contact_share": share,
    }
    device = one_bond((0, 1), 2, **values)
    unit = 2e-6 / barrier_current(0.0, A, 1.0, 0.5, 2.0, share)[1]

    def current(u):
        return unit * barrier_current(u, A, 1.0, 0.5, 2.0, share)[0]

    sign = 1.0 if side == "bottom" else -1.0  # of the site against its electrode, at a positive voltage
    for voltage in (0.003, -0.003, 0.6, -0.6, 2.2, -2.2):
        expected = sign * through(current, sign * voltage, 2 / WIRE)
        assert device.current(voltage) == pytest.approx(expected, rel=1e-6, abs=1e-12 * abs(voltage))
    ratio = -device.current(-sign) / device.current(sign)
    assert np.sign(np.log(ratio)) == np.sign(0.5 - share) if share != 0.5 else ratio == pytest.approx(1.0)


def test_a_further_law_is_one_function(monkeypatch):
    """Emission over a contact, exp(V/kT) one way: nothing but the table of classes knows it."""
    law = SchottkyThermionic(
        barrier=0.4, mass=1.0, permittivity=1000.0, area=1e-18, temperature=300.0, polarity=-1
    )
    unit = Way(1.0, law, 3e-9)
    monkeypatch.setitem(
        CLASSES_OF_BONDS, "bottom contact", (lambda _, bond: unit._replace(scale=2e-6 / unit.conductance),)
    )
    device = one_bond((0, 1), 2, contact_bottom=2e-6)

    def current(u):
        return 2e-6 / unit.conductance * unit.current(np.atleast_1d(u))[0][0]

    for voltage in (0.3, -0.3, 1.1, -1.1, 2.5, -2.5):
        expected = through(current, voltage, 2 / WIRE)
        assert device.current(voltage) == pytest.approx(expected, rel=1e-5, abs=1e-12 * abs(voltage))
    assert -device.current(-2.5) > 1e4 * device.current(2.5)


@pytest.mark.parametrize("temperature", [300.0, 360.0])
def test_conductance_at_0_volt(temperature):
    """Hops are activated by the file and by themselves, tunnelling by neither, a contact by the file."""
    values = HOPS | ELASTIC | {"tunnel_factor": 0.03, "decay_length": 0.2e-9, "activation": 0.05}
    file = np.exp(-0.05 / 8.617333262e-5 * (1 / temperature - 1 / 300.0))
    gap = one_bond(*PLACES["pair"], temperature=temperature, **values)
    hop = hop_current(1e-7, 0.03 * pair_hop(2 * A), temperature) / 1e-7 * file
    elastic = barrier_current(0.0, 2 * A, 2.0, 1.2, 0.4, 0.5)[1]
    expected = 1 / (2 / (WIRE * file) + 1 / (hop + elastic))
    assert gap.conductance == pytest.approx(expected, rel=1e-6)
    assert gap.current(1e-4) == pytest.approx(1e-4 * expected, rel=1e-5)
    contact = one_bond((0, 1), 2, temperature=temperature, contact_bottom=2e-6, activation=0.05, **CONTACT)
    assert contact.conductance == pytest.approx(file / (2 / WIRE + 1 / 2e-6), rel=1e-6)
    assert contact.current(1e-6) == pytest.approx(1e-6 * contact.conductance, rel=1e-5)


# ---- tables


def test_table_of_a_law_that_is_not_odd():
    """Either sign, next to 0 V too, where it bends at once."""
    law = QuantumGap(channels=0.7, barrier=0.4, mass=1.3, share=0.15)
    way = Way(1.0, law, 0.9e-9)
    hops = Way(0.4, ElectronTransfer(conductance=1.0, reorganisation=0.6, hops=2, temperature=300.0))
    table = tabulated([(hops._replace(scale=1.0),), (way._replace(scale=0.6 / way.conductance), hops)])
    for voltage in (1e-5, -1e-5, 1.7e-3, -1.7e-3, 0.033, -0.033, 0.7, -0.7, 2.501, -2.501, 9.99, -9.99):
        found, slope = table.ratio(1, voltage)
        (a, steep), (b, rising) = (w.current(np.array([voltage])) for w in (way, hops))
        unit = 0.6 / way.conductance
        assert found == pytest.approx(unit * a[0] + 0.4 * b[0], rel=1e-8)
        assert slope == pytest.approx(unit * steep[0] + 0.4 * rising[0], rel=1e-5, abs=1e-7)
        assert table.ratio(0, -voltage)[0] == -table.ratio(0, voltage)[0]


def test_a_law_stands_once_and_ohmic_classes_have_none():
    """Hops are the same over any length, tunnelling is not; bonds of one length share a row."""
    length = np.array([2.0, 3.0, 4.0]) * A
    for values, rows in (({}, 0), (HOPS, 1), (ELASTIC, 3)):
        table, one = LawTable(300.0), material(**PLAIN | values)
        slope, number = table.class_of("gap", one.conduction, np.full(3, 1e-6), length)
        again = table.class_of("gap", one.conduction, np.full(3, 1e-6), length)[1]
        assert len(table.rows) == rows and (again == number).all() and (number > 0).all() == (rows > 0)
        assert (slope >= 1e-6 * (1 - 1e-12)).all()
    assert tabulated([]) is None


def test_a_number_that_a_law_refuses_is_named():
    with pytest.raises(ValueError, match=r"conduction, top contact: barrier must be between 0\.01 and 10 eV"):
        Device(material(contact_top_barrier=0.001), 4 * A, 4 * A, seed=1)


# ---- the network


@pytest.mark.parametrize("name", CLASSES)
def test_current_and_work_equal_newtons_method_on_the_whole_lattice(name):
    """Current within 1e-9, the work of hops, without their atom, within 1e-8 eV at the ends of cells."""
    device = Device(material(**PLAIN | CLASSES[name] | {"contact_top_factor": 0.3}), 7 * A, 5 * A, seed=1)
    oracle, rng = BentLattice(device.material, device.shape), np.random.default_rng(11)
    for kind, cell in (("pristine", 30), ("hrs", -21), ("lrs", 13)):
        species, voltage = random_species(device, kind, rng), CELL * cell
        put(device, species)
        vacancies = np.flatnonzero(species[: device.n_hosts] == VACANCY.code)
        now, (value, current, _) = device.solved(), oracle.newton(vacancies, voltage)
        assert now.current(voltage) == pytest.approx(current, rel=1e-9)
        assert np.abs(device.solver.maps(voltage)[0] - value).max() <= 1e-9
        events = now.at(voltage)
        columns = events.arrays()
        work = events.energies(voltage) - columns["energy0"]
        hops = np.flatnonzero(columns["mechanism"] == 0)
        for k in rng.permutation(hops)[:4]:
            a, b = int(columns["site_a"][k]), int(columns["site_b"][k])
            without = oracle.newton(np.setdiff1d(vacancies, a), voltage)[0]
            assert work[k] == pytest.approx(2 * (without[b] - without[a]), abs=1e-8)


def test_operating_point_of_either_sign():
    """Behind a resistance and at a current, where the two signs differ."""
    device = Device(material(**PLAIN | CLASSES["all"] | {"contact_bottom": 2e-6}), 7 * A, 5 * A, seed=1)
    put(device, random_species(device, "lrs", np.random.default_rng(3)))
    law = device.solved().law
    for source in (0.3, -0.3, 2.0, -2.0):
        voltage, current = law.point(source, 2e4)
        assert current == pytest.approx(law(voltage), rel=1e-11)
        assert voltage + 2e4 * law(voltage) == pytest.approx(source, rel=1e-10)
        assert law.at(law(voltage)) == pytest.approx(voltage, rel=1e-10)
    assert abs(law(2.0) / law(-2.0) + 1) > 0.1


@pytest.mark.parametrize("kind", ["pristine", "hrs", "lrs"])
@pytest.mark.parametrize("name", CLASSES)
def test_way_back_costs_as_much_at_any_voltage(name, kind):
    """Energies of an event and its reverse add to nothing, within cells too: 1e-9 eV and what is stated."""
    device, rng = Device(material(**PLAIN | CLASSES[name]), 9 * A, 8 * A, seed=1), np.random.default_rng(5)
    for voltage in (-2.5, -0.123, 0.87, 2.5):
        put(device, random_species(device, kind, rng))
        device.device_voltage = voltage
        for cost, allowed in round_trips(device, 6, rng):
            assert abs(cost) <= 1e-9 + allowed


@pytest.mark.parametrize("shadow, low, high", [(0.3e-9, 0.6, 1.0), (1e-7, 1.5, 30.0)])
def test_an_atom_below_a_flat_tip(shadow, low, high):
    """One atom below nine: with a short shadow it adds a way, else it hides those of the others."""
    numbers = HOP_LENGTH | {"contact_shadow": shadow, "decay_length": 0.6e-9, "tunnel_factor": 0.5}
    device = Device(material(**numbers), 9 * A, 5 * A, seed=1)
    flat = [(x, y, z) for x in (1, 2, 3) for y in (1, 2, 3) for z in (6, 7, 8)]
    read = []
    for places in (flat, [*flat, (2, 2, 5)]):
        species = device.engine.species
        species[: device.n_hosts] = 0
        species[np.ravel_multi_index(np.array(places).T, device.shape)] = VACANCY.code
        put(device, species)
        read.append(0.1 / device.current(0.1))
    assert low < read[1] / read[0] < high
