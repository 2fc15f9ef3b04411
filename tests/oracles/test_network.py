"""The network: closed forms, conservation laws, and a direct sparse solve of the whole lattice."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sl
from nonlinear_network.background import LinkBackground, UniformBackground
from nonlinear_network.network import Network, pairs_within
from nonlinear_network.newton import newton
from nonlinear_network.systems import GreenSystem, IterativeSystem, LatticeSystem, solve

from frenkel.errors import ConvergenceError
from frenkel.kinetic.conduction.laws import BOTTOM, TOP, Bonds, Contact, Ohmic, Sinh, Tunnelling
from frenkel.kinetic.fields.green import GreenTable
from frenkel.threads import one_blas_thread

SPACING = 0.26e-9
GROUND = 1e-10  # conductance of a background bond, S
METHODS = ("green", "direct", "iterative")


def relative(value, tolerance):
    """Return what to compare with: pytest's absolute tolerance of 1e-12 would hide any error in amperes."""
    return pytest.approx(value, rel=tolerance, abs=0)


def uniform(table):
    return UniformBackground(table, GROUND)


def ohmic(first, second, conductance):
    return Bonds(first=first, second=second, law=Ohmic(conductance=np.asarray(conductance, float)))


def defects(table, m, random, filament=True):
    """Return m sites, half of them near the axis."""
    nx, ny, nz = table.shape
    sites = set()
    while len(sites) < m // 2 and filament:
        x, y = (round(random.normal(n / 2, 1.0)) % n for n in (nx, ny))
        sites.add((x * ny + y) * nz + int(random.integers(nz)))
    while len(sites) < m:
        sites.add(int(random.integers(table.n_sites)))
    return np.array(sorted(sites))


def bonded(table, sites, contrast=1e8, law=Tunnelling, **more):
    """Return tunnel bonds up to sqrt(6) spacings and contacts to both electrodes from two layers."""
    first, second, length = pairs_within(table, sites, np.sqrt(6) * SPACING)
    given = {"prefactor": contrast * GROUND, "decay_length": SPACING / 2, "spacing": SPACING}
    nz = table.shape[2]
    low, high = sites[sites % nz <= 1], sites[sites % nz >= nz - 2]
    contact = Contact(**given)
    return [
        Bonds(first=first, second=second, law=law(**given, **more), length=length),
        Bonds(first=low, second=np.full(len(low), BOTTOM), law=contact, length=SPACING * (low % nz + 1)),
        Bonds(first=high, second=np.full(len(high), TOP), law=contact, length=SPACING * (nz - high % nz)),
    ]


def whole_lattice(table, network, voltage):
    """Return potential and current of a direct solve of all sites with refinement, assembled on its own."""
    shape, lateral = table.shape, table.lateral
    number = np.arange(table.n_sites).reshape(shape)
    i, j, g = [network.first], [network.second], [network.currents(np.zeros(len(network.first)))[1]]
    for axis, weight in ((0, table.layer), (1, table.layer), (2, table.z_link[1:-1])):
        here, there = np.moveaxis(number, axis, 0), np.roll(np.moveaxis(number, axis, 0), -1, 0)
        if lateral == "reflecting" or axis == 2:
            here, there = here[:-1], there[:-1]
        kept = here != there
        if axis == 2:
            factor = np.broadcast_to(weight[:, None, None], here.shape)
        else:
            factor = np.broadcast_to(weight, here.shape)
        i.append(here[kept]), j.append(there[kept]), g.append(GROUND * factor[kept])
    for z, end in ((0, BOTTOM), (-1, TOP)):
        plane = number[:, :, z].ravel()
        i.append(plane)
        j.append(np.full(len(plane), end))
        g.append(np.full(len(plane), GROUND * table.z_link[z]))
    i, j, g = np.concatenate(i), np.concatenate(j), np.concatenate(g)
    n, inner = table.n_sites, j >= 0
    entries = np.r_[g, g[inner], -g[inner], -g[inner]]
    place = (np.r_[i, j[inner], i[inner], j[inner]], np.r_[i, j[inner], j[inner], i[inner]])
    factor = sl.splu(sp.coo_array((entries, place), shape=(n, n)).tocsc())

    def flow(x, top):
        ends = np.r_[x, top, 0.0]
        current = g * (ends[i] - ends[j])
        return current, np.bincount(i, current, n) - np.bincount(j[inner], current[inner], n)

    x = np.zeros(n)
    for _ in range(3):
        x = x - factor.solve(flow(x, voltage)[1])
    # Power over voltage: to second order free of the rounding that g times a small drop would enlarge.
    return x, np.sum(flow(x, voltage)[0] ** 2 / g) / voltage


TABLES = {
    "box": GreenTable((10, 10, 10), SPACING),
    "reflecting": GreenTable((9, 7, 8), SPACING, lateral="reflecting"),
    "layers": GreenTable((8, 8, 9), SPACING, z_link=[1, 1, 1, 1, 1.98, 100, 100, 100, 100, 50],
                         layer=[1, 1, 1, 1, 100, 100, 100, 100, 100]),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("m", "filament"), [(12, False), (60, False), (60, True), (160, True)])
@pytest.mark.parametrize("method", METHODS)
def test_against_a_direct_solve_of_the_whole_lattice(name, m, filament, method):
    table = TABLES[name]
    random = np.random.default_rng(m)
    network = Network(bonded(table, defects(table, m, random, filament)), uniform(table))
    exact, current = whole_lattice(table, network, 1.3)
    solution = solve(network, 1.3, method=method, tolerance=1e-9)
    assert np.abs(solution.potential - exact).max() <= (1e-9 if method == "iterative" else 1e-12)
    assert solution.current == relative(current, 1e-6 if method == "iterative" else 1e-10)
    assert np.abs(solution.potential - exact).max() <= solution.error + 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_a_floating_cluster_takes_the_potential_of_its_surroundings(method):
    table = TABLES["box"]
    cluster = np.array([(x * 10 + y) * 10 + z for x in (4, 5) for y in (4, 5) for z in (3, 4, 5, 6)])
    first, second, _ = pairs_within(table, cluster, SPACING)
    network = Network(ohmic(first, second, 1e8 * GROUND), uniform(table))
    solution = solve(network, 1.0, method=method, tolerance=1e-10)
    exact, _ = whole_lattice(table, network, 1.0)
    assert np.ptp(solution.potential[cluster]) < 1e-7
    assert solution.potential[cluster].mean() == pytest.approx(0.5, abs=1e-9)  # it lies in the middle
    assert np.abs(solution.potential - exact).max() <= 1e-9


def test_conservation_and_power():
    """X-27: KCL and Tellegen, P = V I, for random networks at 1e8 contrast, background included."""
    random = np.random.default_rng(4)
    for table in TABLES.values():
        for m in (0, 12, 90):
            network = Network(bonded(table, defects(table, m, random)) if m else [], uniform(table))
            solution = solve(network, -0.8)
            assert solution.residual <= 1e-12 * max(np.abs(solution.bond_current).max(initial=0), GROUND)
            assert solution.power == relative(-0.8 * solution.current, 1e-9)
            heated = solution.site_power.sum() + 0.5 * power_into_electrodes(table, network, solution)
            assert heated == relative(solution.power, 1e-9)


def power_into_electrodes(table, network, solution):
    """Return the power of all contacts and electrode links."""
    links = LinkBackground.of_table(table, GROUND)
    flow = links.link_current(solution.potential, 0.0, solution.top)
    edge = links.second < 0
    return np.sum(flow[edge] ** 2 / links.conductance[edge]) + np.sum(solution.bond_power[network.second < 0])


@pytest.mark.parametrize("method", ["green", "direct"])
def test_series_and_parallel(method):
    table = GreenTable((4, 4, 4), SPACING)
    series = ohmic([0, 1, 2, 3, 3], [BOTTOM, 0, 1, 2, TOP], [1e-4, 2e-4, 3e-4, 4e-4, 5e-4])
    parallel = ohmic([42, 42, 42, 42], [BOTTOM, BOTTOM, TOP, TOP], [1e-4, 2e-4, 2e-4, 1e-4])
    background = UniformBackground(table, 1e-14)
    chain = 1 / np.sum(1 / np.array([1e-4, 2e-4, 3e-4, 4e-4, 5e-4]))
    assert solve(Network(series, background), 2.0, method=method).current == relative(2 * chain, 1e-8)
    solution = solve(Network([series, parallel], background), 2.0, method=method)
    assert solution.current == relative(2 * (chain + 1.5e-4), 1e-8)
    assert solution.potential[42] == pytest.approx(1.0, abs=1e-8)


def test_two_parallel_bonds_between_the_same_sites_add_up():
    table = TABLES["box"]
    background = uniform(table)
    once = solve(Network(ohmic([5, 9], [6, TOP], [3e-6, 1e-6]), background), 1.0)
    twice = solve(Network([ohmic([5, 9], [6, TOP], [1e-6, 1e-6]), ohmic([6], [5], 2e-6)], background), 1.0)
    assert np.abs(once.potential - twice.potential).max() < 1e-15


def test_any_other_flow_of_the_same_current_dissipates_more():
    """X-27, Thomson's principle: flows of networks with other conductances, weighed by the true ones."""
    table = TABLES["box"]
    random = np.random.default_rng(11)
    links = LinkBackground.of_table(table, GROUND)
    bonds = bonded(table, defects(table, 60, random), contrast=1e3)
    true = Network(bonds, links)
    own = solve(true, 1.0, method="direct")
    conductance = true.currents(np.zeros(len(true.first)))[1]
    least = own.power / own.current**2
    for _ in range(20):
        changed = ohmic(true.first, true.second, conductance * random.lognormal(size=len(conductance)))
        other_links = links.scaled(random.lognormal(sigma=0.2, size=len(links.first)))
        other = solve(Network(changed, other_links), 1.0, method="direct")
        flow = other_links.link_current(other.potential, 0.0, 1.0)
        power = np.sum(other.bond_current**2 / conductance) + np.sum(flow**2 / links.conductance)
        assert power / other.current**2 > least * (1 + 1e-6)


@pytest.mark.parametrize("method", ["green", "direct"])
def test_infinite_cubic_lattice_between_two_sites(method):
    """X-27 through the network: 1 A in and out at neighbours in a box; the exact R/3 from n and 2 n."""
    found = []
    for n in (8, 16) if method == "green" else (6, 12):
        table = GreenTable((n, n, n), SPACING)
        site = ((n // 2) * n + n // 2) * n + n // 2
        source = np.zeros(n**3)
        source[[site, site + n * n]] = 1.0, -1.0
        solution = solve(Network([], UniformBackground(table, 2.0)), 0.0, source=source, method=method)
        found.append(2.0 * (solution.potential[site] - solution.potential[site + n * n]))
    assert (8 * found[1] - found[0]) / 7 == pytest.approx(1 / 3, abs=2e-4)


@pytest.mark.parametrize("method", METHODS)
def test_sources_and_both_electrodes(method):
    """Fed current, bonds and a raised ground at once, against superposition of the parts."""
    table = TABLES["reflecting"]
    random = np.random.default_rng(5)
    network = Network(bonded(table, defects(table, 40, random)), uniform(table))
    source = GROUND * random.normal(size=table.n_sites)
    how = {"method": method, "tolerance": 1e-10}
    both = solve(network, 0.7, ground=300.0, source=source, **how)
    bias, fed = solve(network, 0.7, **how), solve(network, 0.0, source=source, **how)
    assert both.potential == pytest.approx(300 + bias.potential + fed.potential, abs=1e-9)
    assert both.current == pytest.approx(bias.current + fed.current, rel=1e-6, abs=1e-6 * abs(fed.current))


def test_successive_updates_stay_exact():
    """400 changes of the network, each solved, the last of every 50 against a direct solve."""
    table = TABLES["box"]
    random = np.random.default_rng(6)
    sites = set(defects(table, 80, random).tolist())
    worst = 0.0
    for step in range(400):
        sites.remove(sorted(sites)[random.integers(len(sites))])
        while len(sites) < 80:
            sites.add(int(random.integers(table.n_sites)))
        network = Network(bonded(table, np.array(sorted(sites))), uniform(table))
        solution = solve(network, 1.0)
        if step % 50 == 49:
            worst = max(worst, np.abs(solution.potential - whole_lattice(table, network, 1.0)[0]).max())
    assert worst <= 1e-12


@pytest.mark.parametrize("rough", [0.0, 0.7, 1.5])
def test_claimed_error_in_volts_is_never_exceeded(rough):
    """Conjugate gradients on 200 random networks, contrasts and tolerances over all three roughnesses."""
    random = np.random.default_rng(int(10 * rough))
    for case in range(67):
        shape = tuple(int(n) for n in random.integers(3, 11, 3))
        table = GreenTable(shape, SPACING, lateral="reflecting" if case % 2 else "periodic")
        links = LinkBackground.of_table(table, GROUND)
        if rough:
            links = links.scaled(random.lognormal(sigma=rough, size=len(links.first)))
        m = int(random.integers(2, min(90, table.n_sites // 2)))
        sites = defects(table, m, random, filament=bool(case % 3))
        network = Network(bonded(table, sites, contrast=10 ** random.uniform(0, 8)), links)
        exact = solve(network, 1.0, method="direct").potential
        asked = 10 ** random.uniform(-7, -1)
        start = random.uniform(size=table.n_sites)
        solution = solve(network, 1.0, method="iterative", tolerance=asked, start=start)
        true = np.abs(solution.potential - exact).max()
        assert true <= solution.error <= asked


def test_a_warm_start_at_the_solution_costs_next_to_nothing():
    table = TABLES["box"]
    network = Network(bonded(table, defects(table, 60, np.random.default_rng(3))), uniform(table))
    cold = solve(network, 1.0, method="iterative", tolerance=1e-6)
    exact = solve(network, 1.0)
    warm = solve(network, 1.0, method="iterative", tolerance=1e-6, start=exact.potential)
    assert warm.iterations <= 2 < cold.iterations


def test_links_of_any_shape():
    """A ring and a tail that are no box: series and parallel by hand."""
    links = LinkBackground(5, [0, 0, 1, 2, 3, 4], [BOTTOM, 1, 3, 0, 2, 3], [2.0, 1.0, 1.0, 1.0, 1.0, 5.0])
    network = Network(ohmic([3], [TOP], 4.0), links)
    conductance = 1 / (1 / 2 + 1 / 1 + 1 / 4)
    for method in ("direct", "iterative"):
        solution = solve(network, 1.0, method=method, tolerance=1e-9)
        assert solution.current == relative(conductance, 1e-7)
        assert solution.potential[4] == pytest.approx(solution.potential[3], abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("voltage", "scale"), [(0.3, 0.25), (2.0, 0.25), (5.0, 0.005)])
def test_nonlinear_bonds_balance_at_every_node(method, voltage, scale):
    """Mixed network: sinh bonds between defects, ohmic contacts, one more ohmic bond."""
    table = TABLES["box"]
    sites = defects(table, 50, np.random.default_rng(2))
    extra = ohmic([sites[3]], [sites[9]], 1e-8)
    network = Network([*bonded(table, sites, 1e3, Sinh, voltage_scale=scale), extra], uniform(table))
    solution = solve(network, voltage, method=method, tolerance=1e-9)
    current, _ = network.currents(solution.bond_voltage)
    assert current == relative(solution.bond_current, 1e-12)
    close = 1e-6 if method == "iterative" else 1e-9
    assert solution.power == relative(voltage * solution.current, close)
    exact = solve(network, voltage, method="direct", tolerance=1e-9)
    assert np.abs(solution.potential - exact.potential).max() <= 2e-9
    limit = 1e-6 if method == "iterative" else 1e-12
    assert solution.residual <= limit * np.abs(solution.bond_current).max()


def test_one_nonlinear_bond_in_series_against_its_equation():
    """Ohmic contact, sinh gap, ohmic contact: I R + V0 asinh(I / (g V0)) = V."""
    table = GreenTable((3, 3, 6), SPACING)
    gap = Sinh(prefactor=1e-6, decay_length=0.3e-9, spacing=SPACING, voltage_scale=0.1)
    bonds = [
        ohmic([24, 29], [BOTTOM, TOP], [1e-4, 1e-4]), ohmic([24, 28], [25, 29], [1e-4, 1e-4]),
        Bonds(first=[25], second=[28], law=gap, length=[3 * SPACING]),
    ]
    network = Network(bonds, UniformBackground(table, 1e-17))
    for voltage in (0.01, 0.5, 1.5):
        solution = solve(network, voltage, tolerance=1e-12)
        scale = 0.1 * float(gap.conductance(3 * SPACING))
        current = solution.current
        assert current * 4e4 + 0.1 * np.arcsinh(current / scale) == relative(voltage, 1e-8)


def test_pairs_are_found_across_periodic_sides_and_not_across_reflecting_ones():
    shape, sites = (6, 5, 7), [0, 5 * 35 + 3, 4 * 7 + 1]  # at (0, 0, 0), (5, 0, 3) and (0, 4, 1)
    for lateral, expected in (("periodic", [(0, 29, 2), (0, 178, 10)]), ("reflecting", [])):
        table = GreenTable(shape, SPACING, lateral=lateral)
        first, second, length = pairs_within(table, sites, np.sqrt(10) * SPACING)
        squared = np.rint((length / SPACING) ** 2).astype(int)
        found = sorted(zip(np.minimum(first, second), np.maximum(first, second), squared, strict=True))
        assert [tuple(map(int, pair)) for pair in found if pair[0] == 0] == expected


class Saturating:
    """A law of the user's own: I = g V0 atan(V / V0)."""

    linear = False

    def current(self, voltage, bond):
        reduced = voltage / 1e-3
        return 1e6 * GROUND * 1e-3 * np.arctan(reduced), 1e6 * GROUND / (1 + reduced**2)


@pytest.mark.parametrize("kind", [GreenSystem, LatticeSystem, IterativeSystem])
def test_damping_ends_a_cycle_of_full_newton_steps(kind):
    """From 10 V on its flat branch an undamped step overshoots to the other one, and back, for ever."""
    table = TABLES["box"]
    network = Network(Bonds(first=[555], second=[BOTTOM], law=Saturating()), uniform(table))
    system = kind(network, 1.0, None, 1e-9)
    solved = newton(system, np.full(table.n_sites, 10.0))
    exact = solve(network, 1.0, tolerance=1e-9).potential
    assert system.potential(solved.state.x) == pytest.approx(exact, abs=2e-9)


def test_a_gap_of_a_thousand_voltage_scales_is_solved():
    """sinh overflows at 710: the voltage is raised in steps and each Newton step is damped."""
    table = TABLES["box"]
    gap = Sinh(prefactor=1e-9, decay_length=SPACING, spacing=SPACING, voltage_scale=0.005)
    bond = Bonds(first=[555], second=[556], law=gap, length=[SPACING])
    network = Network([bond, ohmic([555, 556], [BOTTOM, TOP], [1e-3, 1e-3])], uniform(table))
    solution = solve(network, 5.0)
    assert solution.iterations <= 25
    assert solution.power == relative(5 * solution.current, 1e-9)


def test_many_bonded_sites_go_to_the_sparse_solver():
    table = GreenTable((14, 14, 14), SPACING)
    network = Network(bonded(table, defects(table, 1150, np.random.default_rng(9))), uniform(table))
    assert len(network.nodes) > 1000
    chosen, dense = solve(network, 1.0, tolerance=1e-5), solve(network, 1.0, method="green")
    assert chosen.iterations > 1 == dense.iterations
    assert np.abs(chosen.potential - dense.potential).max() <= chosen.error <= 1e-5
    assert chosen.current == relative(dense.current, 1e-6)


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"voltage": np.nan}, ValueError, "voltage and ground must be finite"),
    ({"tolerance": 0.0}, ValueError, "tolerance must be positive"),
    ({"method": "multigrid"}, ValueError, "method must be"),
    ({"source": np.zeros(3)}, ValueError, "source must have shape"),
    ({"start": np.zeros(3)}, ValueError, "start must have shape"),
])
def test_bad_solves_are_refused(change, error, message):
    network = Network([], UniformBackground(TABLES["box"], GROUND))
    with pytest.raises(error, match=message):
        solve(network, **{"voltage": 1.0, **change})


def test_bad_backgrounds_are_refused():
    with pytest.raises(ValueError, match="conductance of the background must be positive"):
        UniformBackground(TABLES["box"], 0.0)
    with pytest.raises(ValueError, match="bonds must join sites 0 to 999, got site 1000"):
        Network(ohmic([3], [1000], 1.0), UniformBackground(TABLES["box"], GROUND))
    with pytest.raises(ValueError, match="1 of 3 sites are loose"):
        solve(Network([], LinkBackground(3, [0, 1], [BOTTOM, 0], [1.0, 1.0])), 1.0)
    with pytest.raises(ValueError, match="conductance must be positive and finite"):
        LinkBackground(2, [0, 1], [BOTTOM, 0], [1.0, -1.0])
    with pytest.raises(TypeError, match="needs a UniformBackground"):
        solve(Network([], LinkBackground(1, [0], [BOTTOM], [1.0])), 1.0, method="green")


def test_a_law_that_cannot_be_solved_says_so():
    table = GreenTable((3, 3, 3), SPACING)
    runaway = Sinh(prefactor=1e-4, decay_length=1e-9, spacing=SPACING, voltage_scale=1e-5)
    bond = Bonds(first=[0], second=[2], law=runaway, length=[SPACING])
    network = Network([bond, ohmic([0, 2], [BOTTOM, TOP], [1e-30, 1e-30])], UniformBackground(table, 1e-30))
    with pytest.raises(ConvergenceError, match=r"network|singular") as caught:
        solve(network, 3.0, tolerance=1e-14)
    assert caught.value.bias == 3.0


def test_blas_is_held_at_one_thread_and_given_back():
    import threadpoolctl

    def threads():
        return [lib["num_threads"] for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = threads()
        with one_blas_thread():
            assert set(threads()) <= {1}
        assert threads() == before
