"""Steady heat of networks whose bonds carry it as Wiedemann and Franz say: X-29."""

import numpy as np
import pytest
from nonlinear_network.background import LinkBackground, UniformBackground
from nonlinear_network.heat import wiedemann_franz
from nonlinear_network.network import Network, pairs_within
from nonlinear_network.systems import solve

from frenkel.kinetic.conduction.laws import BOTTOM, TOP, Bonds, Ohmic, Tunnelling
from frenkel.kinetic.fields.green import GreenTable
from frenkel.units import LORENZ_NUMBER

SPACING = 0.26e-9
CARRIED = LORENZ_NUMBER * 600  # W/K of heat per S of a bond at 600 K
LORENZ_TABLE = {0.1: 439, 0.2: 707, 0.3: 1006, 0.4: 1315, 0.5: 1628}  # V: K, validation row X-29


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_uniformly_heated_slab(lateral):
    """X-29: Tmax - T0 = p L^2 / (8 kappa) in the middle plane, parabola elsewhere."""
    kappa, density, n = 1.0, 1e17, 19
    table = GreenTable((4, 3, n), SPACING, lateral=lateral)
    slab = Network([], UniformBackground(table, kappa * SPACING))
    power = np.full(table.n_sites, density * SPACING**3)
    temperature = solve(slab, 0.0, ground=300.0, source=power).potential.reshape(4, 3, n)
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
    electric = solve(Network(wire(n, 1e-4), UniformBackground(table, 1e-14)), 0.4)
    thermal = Network(wire(n, 1e-4 * rho_kappa), UniformBackground(table, 1e-14 * rho_kappa))
    temperature = solve(thermal, 0.0, ground=300.0, source=electric.site_power).potential
    assert temperature.max() - 300 == pytest.approx(0.4**2 / (8 * rho_kappa), rel=1e-6)


@pytest.mark.parametrize("voltage", LORENZ_TABLE)
def test_wiedemann_franz_peak_does_not_depend_on_geometry(voltage):
    """X-29: Tmax^2 = T0^2 + V^2 / (4 L0), for a wire and for a tangle of tunnel bonds, to 0.5 %."""
    table = GreenTable((4, 4, 39), SPACING)
    exact = np.sqrt(300**2 + voltage**2 / (4 * LORENZ_NUMBER))
    assert round(exact) == LORENZ_TABLE[voltage]
    electric = solve(Network(wire(39, 1e-4), UniformBackground(table, 1e-14)), voltage)
    heat = wiedemann_franz(electric, UniformBackground(table, CARRIED * 1e-14), ambient=300.0)
    assert heat.potential[electric.network.nodes].max() == pytest.approx(exact, rel=1e-6)
    tangle = solve(Network(tangled(table), UniformBackground(table, 1e-14)), voltage)
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
    electric = solve(Network(wire(39, 1e-4), UniformBackground(table, 1e-14)), 0.5)
    peaks = [wiedemann_franz(electric, UniformBackground(table, k * SPACING), ambient=300.0).potential.max()
             for k in (1e-6, 0.3, 1.0, 3.0)]
    assert np.all(np.diff(peaks) < 0)
    assert peaks[0] == pytest.approx(1628, rel=5e-3) and peaks[-1] > 300


def test_heat_balance_with_lattice_and_electrons():
    """All power leaves through the electrodes."""
    table = GreenTable((6, 6, 19), SPACING)
    electric = solve(Network(wire(19, 1e-5), UniformBackground(table, 1e-10)), 0.5)
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
    electric = solve(Network([wire(9, 1e-4), tail], background), 0.3)
    heat = wiedemann_franz(electric, UniformBackground(table, CARRIED * 1e-14), ambient=300.0).potential
    assert heat[2 * 36 + 5] == pytest.approx(heat[4], rel=1e-6)
    cold = solve(Network([wire(9, 1e-4), tail], background), 0.0)
    heat = wiedemann_franz(cold, UniformBackground(table, CARRIED * 1e-14), ambient=300.0).potential
    assert heat == pytest.approx(300.0)


def test_bad_heat_is_refused():
    table = GreenTable((3, 3, 4), SPACING)
    electric = solve(Network(wire(4, 1e-4), UniformBackground(table, 1e-12)), 0.1)
    for change in ({"ambient": 0.0}, {"ambient": 300.0, "lorenz": -1.0}):
        with pytest.raises(ValueError, match=r"ambient .* and lorenz .* must be positive"):
            wiedemann_franz(electric, UniformBackground(table, 1e-10), **change)
