"""Point charges between electrodes, through the Green's table of conduction and heat: X-28."""

import green_entries
import numpy as np
import pytest
from whole_lattice import WholeLattice, put, random_species

from frenkel.kinetic.device import Device
from frenkel.kinetic.fields.build import settling_time
from frenkel.kinetic.fields.green import GreenTable
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.stack import Interface, Layer, Stack

SPACING = 0.26e-9
EPSILON = 25 * 8.8541878188e-12
CHARGE = 1.602176634e-19


def image_sum(distance, height, source, gap, width, terms=3000):
    """Return 4 pi epsilon phi / q (1/m) between grounded plates, periodic sideways with a period ``width``.

    Each charge has images at 2 k gap + z' (same sign) and 2 k gap - z' (opposite).
    """
    k = np.arange(-terms, terms + 1)
    total = 0.0
    for shift_x in (-2, -1, 0, 1, 2):
        for shift_y in (-2, -1, 0, 1, 2):
            across = (distance + shift_x * width) ** 2 + (shift_y * width) ** 2
            total += np.sum(1 / np.sqrt(across + (height - source - 2 * k * gap) ** 2))
            total -= np.sum(1 / np.sqrt(across + (height + source - 2 * k * gap) ** 2))
    return total


def lattice_potential(cells, distance, height, source):
    """Return the potential of a charge q (V); lengths in gaps, ``cells`` lattice spacings a gap."""
    gap = 8 * SPACING
    spacing = gap / cells
    table = GreenTable((2 * cells, 2 * cells, cells - 1), spacing)
    at = [round(distance * cells), 0, round(height * cells) - 1]
    read = (at[0] * 2 * cells + at[1]) * (cells - 1) + at[2]
    response = green_entries.block(table, [read], [round(source * cells) - 1])[0, 0]
    return CHARGE / (EPSILON * spacing) * response, gap


@pytest.mark.parametrize(("distance", "height", "source"), [
    (0.5, 0.5, 0.5), (0.5, 0.25, 0.5), (0.0, 0.75, 0.25),
])
def test_point_charge_converges_to_the_image_sum_in_second_order(distance, height, source):
    """X-28: a charge between electrodes, read at three places, on lattices of 8, 16 and 32 cells a gap."""
    errors = []
    for cells in (8, 16, 32):
        found, gap = lattice_potential(cells, distance, height, source)
        scale = CHARGE / (4 * np.pi * EPSILON)
        exact = scale * image_sum(distance * gap, height * gap, source * gap, gap, 2 * gap)
        errors.append(abs(found / exact - 1))
    assert errors[2] < 3e-3
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2.0, abs=0.1)


def test_parallel_plate_has_a_constant_field():
    table = GreenTable((4, 4, 9), SPACING)
    potential = table.background(0.0, 2.0)
    assert potential == pytest.approx(2.0 * np.arange(1, 10) / 10, abs=1e-15)


def test_two_layer_dielectric_keeps_the_displacement_continuous():
    """X-28: epsilon 25 below, 4 above, half a cell of each at the interface; E1 / E2 = eps2 / eps1."""
    lower, upper, n = 25.0, 4.0, 20
    z_link = np.array([lower] * 10 + [2 / (1 / lower + 1 / upper)] + [upper] * 10)
    table = GreenTable((3, 3, n), SPACING, z_link=z_link / lower, layer=[1.0] * 10 + [upper / lower] * 10)
    drops = np.diff(np.r_[0.0, table.background(0.0, 3.0), 3.0])
    displacement = z_link * drops
    assert displacement == pytest.approx(np.full(n + 1, displacement[0]), rel=1e-13)
    assert displacement[0] == pytest.approx(3.0 / (10.5 / lower + 10.5 / upper))
    assert drops[0] / drops[-1] == pytest.approx(upper / lower)


def test_charge_at_a_dielectric_interface_has_its_image():
    """X-28: reflected (e1 - e2) / (e1 + e2), transmitted 2 / (e1 + e2), exact for a middle interface."""
    n, lower, upper = 12, 1.0, 5.0
    z_link = np.array([lower] * (n // 2) + [2 / (1 / lower + 1 / upper)] + [upper] * (n // 2))
    layer = np.array([lower] * (n // 2) + [upper] * (n // 2))
    layered = GreenTable((8, 7, n), SPACING, z_link=z_link, layer=layer)
    plain = GreenTable((8, 7, n), SPACING)
    every, source = np.arange(plain.n_sites), 3
    mirror = n - 1 - source
    free, image = green_entries.block(plain, every, [source, mirror]).T
    below = every % n < n // 2
    reflected = free / lower + (lower - upper) / (lower + upper) / lower * image
    exact = np.where(below, reflected, 2 / (lower + upper) * free)
    assert green_entries.block(layered, every, [source])[:, 0] == pytest.approx(exact, abs=1e-15)


def test_charges_superpose_and_the_table_is_reciprocal():
    table = GreenTable((7, 6, 8), SPACING, lateral="reflecting")
    random = np.random.default_rng(1)
    sites, charge = random.choice(table.n_sites, 20, replace=False), random.choice([-2, 1, 2], 20)
    together = green_entries.everywhere(table, sites, charge)
    alone = sum(green_entries.everywhere(table, [s], [float(q)]) for s, q in zip(sites, charge, strict=True))
    assert together == pytest.approx(alone, abs=1e-13)
    block = green_entries.block(table, sites, sites)
    assert np.abs(block - block.T).max() <= 1e-15


def test_flux_through_a_closed_surface_is_the_charge_inside():
    """X-28, Gauss: boxes around the charge give 1, a box beside it 0, whatever the layers."""
    z_link, layer = np.linspace(0.5, 3, 10), np.linspace(4, 0.3, 9)
    table = GreenTable((9, 9, 9), SPACING, z_link=z_link, layer=layer)
    potential = green_entries.everywhere(table, [(4 * 9 + 4) * 9 + 3], [1.0]).reshape(9, 9, 9)

    def flux(x, y, z):
        """Return the flux out of the sites in three half-open ranges."""
        inside = potential[x[0] : x[1], y[0] : y[1], z[0] : z[1]]
        out = 0.0
        for axis, (low, high) in enumerate((x, y)):
            own, other = np.moveaxis(inside, axis, 0), np.moveaxis(potential, axis, 0)
            across = (y, x)[axis]
            for edge, beyond in ((own[0], other[low - 1]), (own[-1], other[high])):
                out += np.sum(layer[z[0] : z[1]] * (edge - beyond[across[0] : across[1], z[0] : z[1]]))
        for edge, beyond, link in ((0, z[0] - 1, z_link[z[0]]), (-1, z[1], z_link[z[1]])):
            out += link * np.sum(inside[:, :, edge] - potential[x[0] : x[1], y[0] : y[1], beyond])
        return out

    assert flux((4, 5), (4, 5), (3, 4)) == pytest.approx(1.0, abs=1e-13)
    assert flux((2, 7), (3, 8), (1, 8)) == pytest.approx(1.0, abs=1e-13)
    assert flux((1, 3), (1, 4), (2, 7)) == pytest.approx(0.0, abs=1e-13)


def test_induced_charge_divides_between_the_electrodes_like_shockley_and_ramo():
    table = GreenTable((6, 6, 9), SPACING)
    for z in range(9):
        potential = green_entries.everywhere(table, [z], [1.0]).reshape(6, 6, 9)
        assert potential[:, :, -1].sum() == pytest.approx((z + 1) / 10, abs=1e-14)
        assert potential[:, :, 0].sum() == pytest.approx(1 - (z + 1) / 10, abs=1e-14)


# ---- how fast heat settles


def heat_modes(oracle, bonds, capacity):
    """Return the rates (1/s) and modes of c a^3 dT/dt = -K T on the whole lattice, dense."""
    a, b, g = oracle._edges(bonds, oracle.lorenz * oracle.heat_scale)
    matrix = np.zeros((oracle.n_hosts,) * 2)
    inner = b >= 0
    np.add.at(matrix, (a, a), g)
    for first, second in ((a, b), (b, a)):
        np.add.at(matrix, (first[inner], second[inner]), -g[inner])
    np.add.at(matrix, (b[inner], b[inner]), g[inner])
    rate, mode = np.linalg.eigh(matrix)
    return rate / (oracle.heat_scale * capacity * oracle.spacing**3), mode


def test_heat_settles_within_the_time_that_is_stated():
    """The slowest mode of a bare box is the closed form; with a filament every mode is faster (Rayleigh).

    Joule heat switched on with the bias reaches the steady temperatures of the fields to exp(-t / tau).
    """
    material = Material.load("HfO2-volatile").with_values({"heat.ballistic_factor": 1.0})
    device = Device(material, 7 * SPACING, 5 * SPACING, seed=1)
    oracle = WholeLattice(material, device.shape)
    tau = settling_time(device.stack)
    bare, _ = heat_modes(oracle, [], material.heat.capacity)
    assert 1 / bare[0] == pytest.approx(tau, rel=1e-9, abs=0)
    put(device, random_species(device, "lrs", np.random.default_rng(3)))
    bonds = oracle.network(np.flatnonzero(device.engine.species == VACANCY.code))
    rate, mode = heat_modes(oracle, bonds, material.heat.capacity)
    assert 0.3 * tau < 1 / rate[0] <= tau
    device.solved(refresh=True)
    steady = device.fields.solution.potentials.maps()[1]
    for time in (0.1 * tau, 5 * tau, 20 * tau):
        missing = np.abs(mode @ (np.exp(-rate * time) * (mode.T @ steady)))  # steady - T(t), cold at first
        assert missing.max() <= np.exp(-time / tau) * np.linalg.norm(steady)
    assert missing.max() < 1e-6 * steady.max()


def test_thick_boxes_settle_as_a_slab():
    """c L^2 / (pi^2 kappa), and below 1 ns in every packaged set up to 15 nm: steady heat is justified."""
    material = Material.load("HfO2-volatile")
    slab = material.heat.capacity * (201 * SPACING) ** 2 / (np.pi**2 * material.heat.conductivity)
    assert settling_time(Stack((material,), (200,))) == pytest.approx(slab, rel=1e-4, abs=0)
    for name in Material.names():
        one = Material.load(name)
        if one.has("heat"):
            layers = round(15e-9 / one.lattice.spacing) - 1
            assert 0.0 < settling_time(Stack((one,), (layers,))) < 1e-9, name


def test_heat_of_layers_settles_in_the_time_of_their_slowest_mode():
    """Two oxides and a thermal resistance, against the modes of the chain of their planes."""
    material = Material.load("HfO2-volatile")
    changes = {"heat": {"conductivity": "6 W/(m*K)", "capacity": "4e6 J/(m^3*K)"}}
    between = Interface(thermal_resistance=3e-9)
    layers = [Layer(2 * SPACING, changes=changes), Layer(3 * SPACING, interface=between)]
    stack = Stack.of(material, layers, 5)
    kappa, capacity = [6.0] * 2 + [material.heat.conductivity] * 3, stack.numbers("heat", "capacity")
    links = [6.0, 6.0, 1 / (1 / 12 + 1 / (2 * kappa[4]) + 3e-9 / SPACING), kappa[4], kappa[4], kappa[4]]
    matrix = np.diag(np.add(links[:-1], links[1:])) - np.diag(links[1:-1], 1) - np.diag(links[1:-1], -1)
    rates = np.linalg.eigvals(matrix / capacity[:, None]) / SPACING**2
    assert settling_time(stack) == pytest.approx(1 / rates.real.min(), rel=1e-9, abs=0)
