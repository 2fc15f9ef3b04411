"""Networks of several laws: Kirchhoff's law, laws in series, and work carried to the next network."""

import numpy as np
import pytest
from nonlinear_network.background import UniformBackground
from nonlinear_network.network import Network, pairs_within
from nonlinear_network.systems import solve

from frenkel.kinetic.conduction.laws import (
    BOTTOM,
    TOP,
    Bonds,
    DirectTunnelling,
    Hopping,
    Ohmic,
    PooleFrenkel,
    QuantumGap,
    QuantumPointContact,
    SchottkyThermionic,
    Sinh,
)
from frenkel.kinetic.fields.green import GreenTable
from frenkel.units import CONDUCTANCE_QUANTUM, nm


def current(law, voltage, length=4 * nm):
    """Return the current through one bond."""
    bond = Bonds(first=[0], second=[TOP], law=law, length=[length])
    return law.current(np.array([float(voltage)]), bond)[0][0]


def test_incoherent_hops_in_a_row_add_their_resistance():
    """X-31 through the network: N quantum contacts between sites, N / G0."""
    table = GreenTable((3, 3, 9), 0.26 * nm)
    for n in (2, 5, 10):
        first = np.arange(n - 1, dtype=int)
        law = QuantumPointContact(channels=1.0)
        chain = [Bonds(first=first[:-1], second=first[1:], law=law)] if n > 2 else []
        ends = Bonds(first=[0, n - 2], second=[BOTTOM, TOP], law=law)
        solution = solve(Network([*chain, ends], UniformBackground(table, 1e-18)), 0.3)
        assert solution.current == pytest.approx(0.3 * CONDUCTANCE_QUANTUM / n, rel=1e-8, abs=0)


def mixed(table, m, seed):
    """Return a random network of eight laws, six of them not linear."""
    random = np.random.default_rng(seed)
    sites = np.sort(random.choice(table.n_sites, m, replace=False))
    spacing, nz = table.spacing, table.shape[2]
    first, second, length = pairs_within(table, sites, np.sqrt(6) * spacing)
    cell = {"area": spacing**2, "temperature": 400.0}
    kinds = [
        QuantumPointContact(channels=0.3),
        PooleFrenkel(prefactor=1e3, trap_depth=0.3, permittivity=5.5, **cell),
        DirectTunnelling(barrier=1.5, mass=0.5, area=spacing**2),
        Sinh(prefactor=1e-7, decay_length=spacing / 2, spacing=spacing),
        Hopping(hop_distance=spacing, barrier=0.2, site_density=1e27, attempt_frequency=1e13, **cell),
    ]
    # The WKB exponent of a bond between nearest neighbours is too small for the approximation.
    kind = np.where(
        length < 1.5 * spacing,
        np.array([0, 1, 3, 4])[random.integers(4, size=len(length))],
        random.integers(5, size=len(length)),
    )
    bonds = [
        Bonds(first=first[kind == k], second=second[kind == k], law=law, length=length[kind == k])
        for k, law in enumerate(kinds)
    ]
    low, high = sites[sites % nz <= 1], sites[sites % nz >= nz - 2]
    schottky = SchottkyThermionic(barrier=0.3, mass=0.5, permittivity=5.5, ideality=1.3, polarity=-1, **cell)
    gap = QuantumGap(channels=1.0, barrier=0.5, mass=0.5)
    return [
        *bonds,
        Bonds(first=low, second=np.full(len(low), BOTTOM), law=schottky, length=spacing * (low % nz + 1)),
        Bonds(first=high, second=np.full(len(high), TOP), law=gap, length=spacing * (nz - high % nz)),
        Bonds(first=[sites[0]], second=[sites[5]], law=Ohmic(conductance=1e-7)),
    ]


@pytest.mark.parametrize("method", ["green", "direct"])
@pytest.mark.parametrize("voltage", [0.2, -1.0, 2.5])
def test_kirchhoff_holds_in_a_network_of_eight_laws(method, voltage):
    table = GreenTable((8, 8, 8), 0.26 * nm)
    network = Network(mixed(table, 90, 3), UniformBackground(table, 1e-10))
    solution = solve(network, voltage, method=method, tolerance=1e-9)
    largest = np.abs(solution.bond_current).max()
    assert solution.residual <= 1e-9 * largest
    again, _ = network.currents(solution.bond_voltage)
    assert np.max(np.abs(again - solution.bond_current)) <= 1e-12 * largest
    assert solution.power == pytest.approx(voltage * solution.current, rel=1e-9, abs=0)


def test_a_diode_a_trap_and_a_gap_in_series_against_their_own_equation():
    table = GreenTable((3, 3, 5), 0.26 * nm)
    cell = {"permittivity": 5.5, "area": (10 * nm) ** 2, "temperature": 350.0}
    schottky = SchottkyThermionic(barrier=0.35, mass=0.5, **cell)
    trap = PooleFrenkel(prefactor=40.0, trap_depth=0.3, **cell)
    gap = QuantumGap(channels=3.0, barrier=0.6, mass=0.4, share=0.7)
    one = [4 * nm]
    bonds = [
        Bonds(first=[20], second=[BOTTOM], law=schottky, length=one),
        Bonds(first=[22], second=[20], law=trap, length=one),
        Bonds(first=[22], second=[TOP], law=gap, length=one),
    ]
    solution = solve(Network(bonds, UniformBackground(table, 1e-17)), 0.8, tolerance=1e-10)
    v = solution.bond_voltage
    assert v[0] + v[1] - v[2] == pytest.approx(0.8, abs=1e-9)
    through = [current(schottky, v[0]), current(trap, v[1]), -current(gap, v[2])]
    assert through == pytest.approx([solution.current] * 3, rel=1e-5, abs=0)


def test_a_network_keeps_the_background_between_solves():
    table = GreenTable((6, 6, 6), 0.26 * nm)
    network = Network(mixed(table, 40, 1), UniformBackground(table, 1e-10))
    first = solve(network, 0.5)
    kept = network.stiffness
    assert solve(network, 0.5, start=first.potential).current == pytest.approx(first.current, rel=1e-9, abs=0)
    assert network.stiffness is kept
    # Not bit by bit: a factor of two threads adds up in another order than the next one.
    again = network.background.stiffness(network.nodes)
    np.testing.assert_allclose(np.tril(kept), np.tril(again), rtol=1e-11, atol=1e-14)


def test_a_changed_network_takes_over_the_background_of_the_last():
    """300 changes of one or two sites; the carried inverse against a fresh one, and the solved currents."""
    table = GreenTable((8, 8, 8), 0.26 * nm)
    background = UniformBackground(table, 1e-10)
    random = np.random.default_rng(6)
    sites = set(map(int, random.choice(table.n_sites, 60, replace=False)))
    law = Sinh(prefactor=1e-5, decay_length=0.3 * nm, spacing=0.26 * nm)

    def bonded(after):
        chosen = np.array(sorted(sites))
        first, second, length = pairs_within(table, chosen, 0.7 * nm)
        ends = Bonds(first=chosen, second=np.full(len(chosen), TOP), law=Ohmic(conductance=1e-8))
        inner = Bonds(first=first, second=second, law=law, length=length)
        return Network([inner, ends], background, after=after)

    network = bonded(None)
    solve(network, 0.5)
    fresh = 0
    for change in range(300):
        if change % 3 != 1:
            sites.remove(sorted(sites)[random.integers(len(sites))])
        if change % 3 != 2 or len(sites) < 40:
            sites.add(int(random.choice(np.setdiff1d(np.arange(table.n_sites), list(sites)))))
        network = bonded(network)
        fresh += network._carried is None
        kept, exact = np.tril(network.stiffness), np.tril(background.stiffness(network.nodes))
        assert np.max(np.abs(kept - exact)) <= 1e-12 * np.max(exact)
    assert fresh == 1  # made again once, after LONGEST_LIFE changes
    assert solve(network, 0.5).current == pytest.approx(solve(bonded(None), 0.5).current, rel=1e-12, abs=0)
    # Nothing is taken over from another background, or from too different a network.
    other = Network(network.bonds, UniformBackground(table, 2e-10), after=network)
    assert other._carried is None
    sites = set(range(50))
    assert bonded(network)._carried is None
