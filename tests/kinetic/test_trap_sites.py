"""Traps that trade electrons with the filament, traps at given places, traps that come with a defect."""

import numpy as np
import pytest
from round_trips import way_back
from trap_materials import KT, material
from whole_lattice import put

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import FILLED_TRAP, OXYGEN, TRAP, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.mechanisms.mechanism import SiteEnergy
from frenkel.kinetic.mechanisms.traps import BondModulation, given_traps, trap_sites
from frenkel.kinetic.solver import make_solver
from frenkel.units import ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY

A = 0.26e-9
SOURCES = ("vacancy hop", "oxygen exchange", "electron capture", "electron capture, filament")


def with_filament(device, gap=()):
    """Put a straight column of vacancies into a device, but for the layers of the gap; return its column."""
    species, (nx, ny, nz) = device.engine.species, device.shape
    species[: device.n_hosts] = OXYGEN.code
    column = (nx // 2 * ny + ny // 2) * nz
    for z in set(range(nz)) - set(gap):
        species[column + z] = VACANCY.code
    put(device, species)
    return column


def of_filament(device):
    return [m.name for m in device.chemistry.mechanisms].index("electron capture, filament")


def test_the_filament_is_the_source_with_its_own_potential_and_distance():
    """ln(capture/emission) is the level less the potential of the nearest node, both by brute force."""
    device = Device(material(SOURCES), 8 * A, 8 * A, seed=3)
    with_filament(device, gap=(5,))
    number, traps = of_filament(device), device.chemistry.traps
    found = {}
    for voltage in (0.0, 0.6):
        device.device_voltage = voltage
        events = device.transitions()
        found[voltage] = {int(e["site_a"]): e for e in events[events["mechanism"] == number]}
    device.solver.solve_network(device.engine.species, modulated=False)
    nodes, potential, _ = device.fields.nodes()
    own = device.solver.trap_potential(device.fields.solution.potentials)
    assert len(nodes) == 7 and len(found[0.0]) == len(traps)
    for i, site in enumerate(traps):
        away = device.lattice.position[nodes] - device.lattice.position[site]
        away[:, :2] -= np.round(away[:, :2] / (8 * A)) * 8 * A
        distance = np.sqrt((away**2).sum(axis=1))
        near = np.flatnonzero(distance < distance.min() * 1.0001)[0]
        moved = found[0.6][int(site)]["energy"] - found[0.0][int(site)]["energy"]
        assert moved == pytest.approx(-0.6 * (own[i] - potential[near]), abs=1e-12)
        tunnelling = np.exp(-2 * distance[near] / 0.4e-9)
        one = found[0.0][int(site)]
        assert one["rate"] == pytest.approx(1e13 * tunnelling * np.exp(-one["barrier"] / KT), rel=1e-9)


def test_exchange_with_the_filament_is_reversible():
    """X-07 for each source at 0.8 V, a gap in the filament: 1e-12 eV.

    Planted: with the node's potential from the network that the trap's charge disturbs, it is off.
    """
    device = Device(material(SOURCES), 8 * A, 8 * A, seed=3)
    with_filament(device, gap=(4, 5))
    device.device_voltage = 0.8
    events, start = device.transitions(), device.engine.state()
    for k in np.flatnonzero(events["mechanism"] >= 2):
        device.engine.restore(start)
        device.fire(int(k))
        after = device.transitions()
        back = after[way_back(device, events[k], after)]
        assert abs(events["energy"][k] + back["energy"]) < 1e-12
        assert events["barrier"][k] - back["barrier"] == pytest.approx(events["energy"][k], abs=1e-12)


def test_without_a_filament_nothing_comes_from_it():
    device = Device(material(SOURCES), 8 * A, 8 * A, seed=3)
    species = device.engine.species
    species[: device.n_hosts] = OXYGEN.code
    put(device, species)
    events = device.transitions()
    assert (events["rate"][events["mechanism"] == of_filament(device)] == 0.0).all()
    with pytest.raises(ValueError, match="takes electrons from a filament and needs a Device"):
        LatticeGas(device.lattice, device.chemistry.mechanisms, species)


def test_traps_stand_where_they_are_put():
    places = np.array([[4.4, 4.6, 3.4, 0.05], [0.1, 7.9, 6.0, -0.2], [2.0, 2.0, 1.2, 0.3]])
    places[:, :3] *= A
    device = Device(material(), 8 * A, 8 * A, seed=3, traps=places)
    sites = device.chemistry.traps
    assert len(sites) == 3 and (device.engine.species[sites] == TRAP.code).all()
    energies = {p.species.code: p.values for p in device.chemistry.interactions if isinstance(p, SiteEnergy)}
    level = energies[FILLED_TRAP.code][sites]
    assert sorted(level) == [-0.2, 0.05, 0.3]
    for site, value in zip(sites, level, strict=True):
        away = device.lattice.position[site] - places[places[:, 3] == value][0, :3]
        away[:2] -= np.round(away[:2] / (8 * A)) * 8 * A
        assert np.abs(away).max() <= 0.5 * A * (1 + 1e-9)
    drawn = Device(material(), 8 * A, 8 * A, seed=3, traps=places[:, :3])
    assert np.array_equal(drawn.chemistry.traps, sites)


def test_bad_places_are_named():
    for wrong, message in (
        ([[0.0, 0.0]], "shape"), ([[9 * A, 0, A]], "must lie between"),
        ([[A, A, A], [A, A, A]], "sites of their own"),
    ):
        with pytest.raises(ValueError, match=message):
            Device(material(), 8 * A, 8 * A, seed=3, traps=wrong)
    with pytest.raises(ValueError, match="need a section"):
        Device(Material.load("HfO2-volatile"), 8 * A, 8 * A, seed=3, traps=[[A, A, A]])


def test_a_trap_comes_with_its_defect():
    """Level 1.5 eV, less 1.6 eV beside one vacancy: empty without it, filled with it; closure of the hop."""
    of_defects = material(
        level=(1.5, "eV"), level_spread=(0.0, "eV"), defect_shift=(1.6, "eV"), density=(0.0, "1/m^3")
    )
    device = Device(of_defects, 8 * A, 8 * A, seed=3, traps=[[4 * A, 4 * A, 4 * A]])
    (trap,) = device.chemistry.traps
    beside = device.lattice.motifs["pair"][trap][0]

    def capture(vacancies):
        species = device.engine.species
        species[: device.n_hosts] = OXYGEN.code
        species[list(vacancies)] = VACANCY.code
        put(device, species)
        events = device.transitions()
        return events[(events["mechanism"] == 2) & (events["site_a"] == trap)]["energy"][0]

    alone, born = capture([]), capture([beside])
    image = alone - 1.5  # of the electron in the electrodes; beside the vacancy, attraction comes on top
    assert abs(image) < 0.3 and born < alone - 1.6
    species = device.engine.species
    species[trap] = FILLED_TRAP.code
    put(device, species)
    events, start = device.transitions(), device.engine.state()
    hops = np.flatnonzero(events["mechanism"] == 0)
    assert len(hops) == 6 and events["energy"][hops].max() > 1.0  # away from its electron
    for k in hops:
        device.engine.restore(start)
        device.fire(int(k))
        after = device.transitions()
        back = after[way_back(device, events[k], after)]
        assert abs(events["energy"][k] + back["energy"]) < 1e-9


@pytest.mark.parametrize("layer", [1, 4, 6])
def test_rate_of_a_trap_at_a_known_height_from_both_electrodes(layer):
    """One trap in a box without vacancies: 1e13/s exp(-2 d / 0.4 nm) and Marcus' barrier of what it costs.

    The electrodes lie one spacing below the first layer and above the last.
    """
    single = material(level_spread=(0.0, "eV"), relaxation_energy=(0.8, "eV"))
    device = Device(single, 8 * A, 8 * A, seed=3, traps=[[4.0 * A, 4.0 * A, (layer + 1) * A, 0.2]])
    species = device.engine.species
    species[: device.n_hosts] = OXYGEN.code
    put(device, species)
    (trap,) = device.chemistry.traps
    below = np.mean(device.lattice.motifs["pair"][trap] % 8) + 1  # in the middle of its eight corners
    names = [m.name for m in device.chemistry.mechanisms]
    for name, distance in (("electron capture, bottom", below), ("electron capture, top", 9 - below)):
        (event,) = device.transitions()[device.transitions()["mechanism"] == names.index(name)]
        cost = (0.8 + event["energy"]) ** 2 / (4 * 0.8)
        rate = 1e13 * np.exp(-2 * distance * A / 0.4e-9 - cost / KT)
        assert event["rate"] == pytest.approx(rate, rel=1e-9)
        assert event["direction"] == 0 and abs(event["energy"] - 0.2) < 0.3  # less its image


def test_potential_of_a_trap_follows_the_atoms_and_not_the_electrons():
    """An electron is caught, a vacancy hops: all cost what a solver says that never saw the atoms before."""
    device = Device(material(SOURCES), 8 * A, 8 * A, seed=3)
    with_filament(device, gap=(5,))
    device.device_voltage = 1.0
    device.fire(int(np.flatnonzero(device.transitions()["mechanism"] >= 2)[0]))
    kept, fresh = (solver.solved().events.arrays() for solver in (device, make_solver(device)))
    np.testing.assert_array_equal(kept["energy1"], fresh["energy1"])
    events = device.transitions()
    before = device.solved().events.arrays()
    electronic = before["mechanism"] >= 2
    moving = np.flatnonzero(events["mechanism"] == 0)
    device.fire(int(moving[0]))
    after = device.solved().events.arrays()
    fresh = make_solver(device).solved().events.arrays()
    for name in ("energy1", "frequency", "rate"):
        np.testing.assert_array_equal(after[name], fresh[name])
    same = [np.isin(before["site_a"], after["site_a"][after["mechanism"] >= 2]) & electronic]
    assert np.abs(before["energy1"][tuple(same)] - after["energy1"][after["mechanism"] >= 2]).max() > 1e-3


def test_number_of_traps_is_poisson():
    """Mean and variance of 4,000 draws with a mean of 5.4: a false alarm in 1e4 each; the seed is fixed."""
    wanted = material(density=(6e26, "1/m^3"))
    lattice = Lattice.cubic((8, 8, 8), A, interstitial=True)
    mean = 6e26 * 8**3 * A**3
    rng = np.random.default_rng(12)
    number = np.array([len(trap_sites(wanted, lattice, rng)) for _ in range(4000)])
    assert abs(number.mean() - mean) < 3.9 * np.sqrt(mean / len(number))
    spread = np.sqrt((mean + 2 * mean**2) / len(number))  # of the variance of a Poisson sample
    assert abs(number.var(ddof=1) - mean) < 3.9 * spread


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_screening_acts_through_periodic_sides(lateral):
    """Exponent of a trap in the corner at every site: Coulomb energy, screened, by the nearest image."""
    cornered = material(screening_length=(0.5, "nm"))
    lattice = Lattice.cubic((6, 6, 6), A, interstitial=True, lateral=lateral)
    (trap,), _ = given_traps(lattice, [[0.6 * A, 0.6 * A, 3.4 * A]])
    found = BondModulation(cornered, lattice, np.array([trap]), 300.0).exponent[0]
    away = np.abs(lattice.position[: lattice.n_hosts] - lattice.position[trap]) / A
    if lateral == "periodic":
        away[:, :2] = np.minimum(away[:, :2], 6 - away[:, :2])
    r = A * np.sqrt((away**2).sum(axis=1))
    permittivity = cornered.electrostatics.permittivity * VACUUM_PERMITTIVITY
    energy = ELEMENTARY_CHARGE / (4 * np.pi * permittivity * r) * np.exp(-r / 0.5e-9)
    np.testing.assert_allclose(found, energy / (2 * KT), rtol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_a_trap_acts_on_metal_by_its_share_of_the_exponent(share):
    """R of a column with and without a gap of two layers, a filled trap beside it, as a sum of its bonds.

    Those of the column have the factor exp(-share (u_a + u_b)), that over the gap all of the exponent.
    """
    place = [[4.5 * A, 4.5 * A, 4.6 * A]]
    one = material(metallic_share=(share, "1"), screening_length=(0.3, "nm"))
    one = one.with_values({"conduction.background": 1e-14})
    resistance = {}
    for gap in ((), (3, 4)):
        device = Device(one, 8 * A, 8 * A, seed=3, traps=place)
        column = with_filament(device, gap)
        species = device.engine.species.copy()
        species[device.chemistry.traps] = FILLED_TRAP.code
        device.solver.solve_network(species)
        resistance[gap] = 1.0 / device.fields.solution.conductance
    exponent = BondModulation(one, device.lattice, device.chemistry.traps, 300.0).exponent[0]
    u, numbers = exponent[column : column + 8], one.conduction
    bond = np.exp(share * (u[1:] + u[:-1])) / numbers.prefactor
    ends = np.exp(2 * share * u[[0, 7]]) / [numbers.contact_bottom, numbers.contact_top]
    assert resistance[()] == pytest.approx(bond.sum() + ends.sum(), rel=1e-6)
    # A gap of two layers is one bond, from the third site to the sixth.
    long = np.exp(4 * A / numbers.decay_length + u[2] + u[5]) / (numbers.prefactor * numbers.tunnel_factor)
    whole = bond[[0, 1, 5, 6]].sum() + ends.sum() + long
    assert resistance[3, 4] == pytest.approx(whole, rel=1e-6)
