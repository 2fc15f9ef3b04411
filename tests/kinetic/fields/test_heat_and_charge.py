"""Point charges between electrodes and steady heat, through the same Green's table: X-28 and X-29."""

import numpy as np
import pytest

from frenkel.kinetic.conduction.laws import BOTTOM, TOP, Bonds, Ohmic, Tunnelling
from frenkel.kinetic.fields.green import GreenTable
from frenkel.kinetic.network.network import (
    LORENZ_NUMBER,
    LinkBackground,
    Network,
    UniformBackground,
    pairs_within,
    wiedemann_franz,
)

SPACING = 0.26e-9
EPSILON = 25 * 8.8541878188e-12
CHARGE = 1.602176634e-19
CARRIED = LORENZ_NUMBER * 600  # W/K of heat per S of a bond at 600 K
LORENZ_TABLE = {0.1: 439, 0.2: 707, 0.3: 1006, 0.4: 1315, 0.5: 1628}  # V: K, validation row X-29


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
    response = table.block([read], [round(source * cells) - 1])[0, 0]
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
    free, image = plain.block(every, [source])[:, 0], plain.block(every, [mirror])[:, 0]
    below = every % n < n // 2
    reflected = free / lower + (lower - upper) / (lower + upper) / lower * image
    exact = np.where(below, reflected, 2 / (lower + upper) * free)
    assert layered.block(every, [source])[:, 0] == pytest.approx(exact, abs=1e-15)


def test_charges_superpose_and_the_table_is_reciprocal():
    table = GreenTable((7, 6, 8), SPACING, lateral="reflecting")
    random = np.random.default_rng(1)
    sites, charge = random.choice(table.n_sites, 20, replace=False), random.choice([-2, 1, 2], 20)
    together = table.everywhere(sites, charge)
    alone = sum(table.everywhere([s], [float(q)]) for s, q in zip(sites, charge, strict=True))
    assert together == pytest.approx(alone, abs=1e-13)
    block = table.block(sites, sites)
    assert np.abs(block - block.T).max() <= 1e-15


def test_flux_through_a_closed_surface_is_the_charge_inside():
    """X-28, Gauss: boxes around the charge give 1, a box beside it 0, whatever the layers."""
    z_link, layer = np.linspace(0.5, 3, 10), np.linspace(4, 0.3, 9)
    table = GreenTable((9, 9, 9), SPACING, z_link=z_link, layer=layer)
    potential = table.everywhere([(4 * 9 + 4) * 9 + 3], [1.0]).reshape(9, 9, 9)

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
        potential = table.everywhere([z], [1.0]).reshape(6, 6, 9)
        assert potential[:, :, -1].sum() == pytest.approx((z + 1) / 10, abs=1e-14)
        assert potential[:, :, 0].sum() == pytest.approx(1 - (z + 1) / 10, abs=1e-14)


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_uniformly_heated_slab(lateral):
    """X-29: Tmax - T0 = p L^2 / (8 kappa) in the middle plane, parabola elsewhere."""
    kappa, density, n = 1.0, 1e17, 19
    table = GreenTable((4, 3, n), SPACING, lateral=lateral)
    slab = Network([], UniformBackground(table, kappa * SPACING))
    power = np.full(table.n_sites, density * SPACING**3)
    temperature = slab.solve(0.0, ground=300.0, source=power).potential.reshape(4, 3, n)
    height, length = SPACING * np.arange(1, n + 1), SPACING * (n + 1)
    exact = 300 + density * height * (length - height) / (2 * kappa)
    assert temperature == pytest.approx(np.broadcast_to(exact, (4, 3, n)), rel=1e-12)
    assert temperature.max() - 300 == pytest.approx(density * length**2 / (8 * kappa), rel=1e-10)


def wire(n, conductance):
    """Return bonds along one column of n sites between the electrodes."""
    first, second = np.r_[np.arange(n), n - 1], np.r_[BOTTOM, np.arange(n - 1), TOP]
    return Bonds(first=first, second=second, law=Ohmic(conductance=conductance))


def test_wire_of_constant_conductivity():
    """X-29: Tmax - T0 = V^2 / (8 rho kappa), for bonds of heat conductance kappa rho times their own."""
    n, table = 39, GreenTable((2, 2, 39), SPACING)
    rho_kappa = LORENZ_NUMBER * 600  # V^2/K
    electric = Network(wire(n, 1e-4), UniformBackground(table, 1e-14)).solve(0.4)
    thermal = Network(wire(n, 1e-4 * rho_kappa), UniformBackground(table, 1e-14 * rho_kappa))
    temperature = thermal.solve(0.0, ground=300.0, source=electric.site_power).potential
    assert temperature.max() - 300 == pytest.approx(0.4**2 / (8 * rho_kappa), rel=1e-6)


@pytest.mark.parametrize("voltage", LORENZ_TABLE)
def test_wiedemann_franz_peak_does_not_depend_on_geometry(voltage):
    """X-29: Tmax^2 = T0^2 + V^2 / (4 L0), for a wire and for a tangle of tunnel bonds, to 0.5 %."""
    table = GreenTable((4, 4, 39), SPACING)
    exact = np.sqrt(300**2 + voltage**2 / (4 * LORENZ_NUMBER))
    assert round(exact) == LORENZ_TABLE[voltage]
    electric = Network(wire(39, 1e-4), UniformBackground(table, 1e-14)).solve(voltage)
    heat = wiedemann_franz(electric, UniformBackground(table, CARRIED * 1e-14), ambient=300.0)
    assert heat.potential[electric.network.nodes].max() == pytest.approx(exact, rel=1e-6)
    tangle = Network(tangled(table), UniformBackground(table, 1e-14)).solve(voltage)
    heat = wiedemann_franz(tangle, UniformBackground(table, CARRIED * 1e-14), ambient=300.0)
    inner, phi = heat.potential[tangle.network.nodes], tangle.potential[tangle.network.nodes]
    assert inner**2 == pytest.approx(300**2 + phi * (voltage - phi) / LORENZ_NUMBER, rel=1e-4)
    assert inner.max() == pytest.approx(exact, rel=5e-3)


def tangled(table):
    """Return tunnel bonds among a random half of all sites, with contacts of their own strength."""
    nz = table.shape[2]
    sites = np.sort(np.random.default_rng(2).choice(table.n_sites, table.n_sites // 2, replace=False))
    first, second, length = pairs_within(table, sites, 2 * SPACING)
    law = Tunnelling(prefactor=1e-4, decay_length=SPACING, spacing=SPACING)
    low, high = sites[sites % nz == 0], sites[sites % nz == nz - 1]
    return [
        Bonds(first=first, second=second, law=law, length=length),
        Bonds(first=low, second=np.full(len(low), BOTTOM), law=Ohmic(conductance=2e-4)),
        Bonds(first=high, second=np.full(len(high), TOP), law=Ohmic(conductance=3e-5)),
    ]


def test_lattice_conduction_cools_the_wire():
    table = GreenTable((6, 6, 39), SPACING)
    electric = Network(wire(39, 1e-4), UniformBackground(table, 1e-14)).solve(0.5)
    peaks = [wiedemann_franz(electric, UniformBackground(table, k * SPACING), ambient=300.0).potential.max()
             for k in (1e-6, 0.3, 1.0, 3.0)]
    assert np.all(np.diff(peaks) < 0)
    assert peaks[0] == pytest.approx(1628, rel=5e-3) and peaks[-1] > 300


def test_heat_balance_with_lattice_and_electrons():
    """All power leaves through the electrodes."""
    table = GreenTable((6, 6, 19), SPACING)
    electric = Network(wire(19, 1e-5), UniformBackground(table, 1e-10)).solve(0.5)
    lattice = LinkBackground.of_table(table, 1.0 * SPACING)
    heat = wiedemann_franz(electric, UniformBackground(table, 1.0 * SPACING), ambient=300.0)
    flow = lattice.link_current(heat.potential, 300.0, 300.0)
    leaving = flow[lattice.second < 0].sum() + heat.bond_current[heat.network.second < 0].sum()
    assert leaving == pytest.approx(electric.site_power.sum(), rel=1e-9, abs=0)


def test_bonds_without_voltage_carry_heat_too():
    """A dead end has no current, yet it is a heat path: it takes the temperature of its root."""
    table = GreenTable((4, 4, 9), SPACING)
    tail = Bonds(first=[4, 2 * 36 + 4], second=[2 * 36 + 4, 2 * 36 + 5], law=Ohmic(conductance=1e-4))
    background = UniformBackground(table, 1e-16)
    electric = Network([wire(9, 1e-4), tail], background).solve(0.3)
    heat = wiedemann_franz(electric, UniformBackground(table, CARRIED * 1e-14), ambient=300.0).potential
    assert heat[2 * 36 + 5] == pytest.approx(heat[4], rel=1e-6)
    cold = Network([wire(9, 1e-4), tail], background).solve(0.0)
    heat = wiedemann_franz(cold, UniformBackground(table, CARRIED * 1e-14), ambient=300.0).potential
    assert heat == pytest.approx(300.0)


def test_bad_heat_is_refused():
    table = GreenTable((3, 3, 4), SPACING)
    electric = Network(wire(4, 1e-4), UniformBackground(table, 1e-12)).solve(0.1)
    for change in ({"ambient": 0.0}, {"ambient": 300.0, "lorenz": -1.0}):
        with pytest.raises(ValueError, match=r"ambient .* and lorenz .* must be positive"):
            wiedemann_franz(electric, UniformBackground(table, 1e-10), **change)
