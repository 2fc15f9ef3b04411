"""Heat in time against the whole lattice in time: dense modes of a matrix that is built link by link."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.linalg

from frenkel.kinetic.fields.heat_in_time import HeatLattice, HeatNetwork, responses, stretch, stretches
from frenkel.kinetic.thermal import HeatReservoir, Thermal

SPACING, KAPPA, CAPACITY = 0.26e-9, 2.8, 2.8e6
LINK, SITE, TIME = KAPPA * SPACING, CAPACITY * SPACING**3, CAPACITY * SPACING**2 / KAPPA
SHAPE = (7, 6, 8)
FIXED = Thermal(transient=True)
STACK = Thermal(
    transient=True,
    bottom=HeatReservoir(resistance=2e6, capacity=40 * SITE * 42),
    top=HeatReservoir(resistance=5e6, capacity=25 * SITE * 42),
    surroundings=HeatReservoir(resistance=1e6, capacity=500 * SITE * 42),
)
ONE = Thermal(transient=True, top=HeatReservoir(resistance=3e7, capacity=3 * SITE * 42))


def joined(matrix, a, b, g):
    """Add a link to a Laplacian; ``b`` None is a body at 0."""
    matrix[a, a] += g
    if b is not None:
        matrix[b, b] += g
        matrix[a, b] -= g
        matrix[b, a] -= g


class WholeLatticeInTime:
    """Every site and every reservoir, a dense matrix (W/K) and capacities (J/K)."""

    def __init__(self, shape, lateral, thermal):
        nx, ny, nz = shape
        self.n, names = nx * ny * nz, list(thermal.reservoirs)
        self.place = {name: self.n + k for k, name in enumerate(names)}
        self.matrix = np.zeros((self.n + len(names),) * 2)
        self.capacity = np.array([SITE] * self.n + [one.capacity for one in thermal.reservoirs.values()])
        number = np.arange(self.n).reshape(shape)
        for x, y, z in np.ndindex(shape):
            i = number[x, y, z]
            for end, name in ((0, "bottom"), (nz - 1, "top")):
                if z == end:
                    joined(self.matrix, i, self.place.get(name), LINK)
            if z + 1 < nz:
                joined(self.matrix, i, number[x, y, z + 1], LINK)
            if lateral == "periodic" or x + 1 < nx:
                joined(self.matrix, i, number[(x + 1) % nx, y, z], LINK)
            if lateral == "periodic" or y + 1 < ny:
                joined(self.matrix, i, number[x, (y + 1) % ny, z], LINK)
        for name, one in thermal.reservoirs.items():
            beyond = None if name == "surroundings" else self.place.get("surroundings")
            joined(self.matrix, self.place[name], beyond, 1 / one.resistance)

    def modes(self):
        """Return rates (1/s) and modes."""
        root = np.sqrt(self.capacity)
        rate, turn = np.linalg.eigh(self.matrix / np.outer(root, root))
        return rate, turn / root[:, None]

    def at(self, modes, start, power, time):
        """Return temperatures after a time (s) of a constant power (W)."""
        rate, turn = modes
        held = turn.T @ (self.capacity * start)
        return turn @ (np.exp(-rate * time) * held - np.expm1(-rate * time) / rate * (turn.T @ power))


def filament(rng, thermal, lateral, contrast):
    """Return lattice, network, oracle, and the power (W) of a random filament."""
    lattice = HeatLattice(
        SHAPE, lateral, conductivity=KAPPA, capacity=CAPACITY, spacing=SPACING, thermal=thermal
    )
    oracle = WholeLatticeInTime(SHAPE, lateral, thermal)
    x, y, _ = np.indices(SHAPE)
    inside = (np.hypot(x - 3, y - 3) < rng.uniform(1, 2)) & (rng.random(SHAPE) < rng.uniform(0.5, 1.0))
    nodes = np.flatnonzero(inside | (rng.random(SHAPE) < 0.02)).astype(np.int32)
    electrodes = [name for name in ("bottom", "top") if name in thermal.reservoirs]
    bonds = np.zeros((len(nodes) + len(electrodes),) * 2)
    place = np.array(np.unravel_index(nodes, SHAPE)).T
    for i in range(len(nodes)):
        for j in range(i):
            if ((place[i] - place[j]) ** 2).sum() <= 2:
                g = contrast * rng.uniform(0.2, 1)
                joined(bonds, i, j, g)
                joined(oracle.matrix, nodes[i], nodes[j], g * LINK)
        for name, end in (("bottom", 0), ("top", SHAPE[2] - 1)):
            if place[i, 2] == end:
                row = len(nodes) + electrodes.index(name) if name in electrodes else None
                joined(bonds, i, row, contrast)
                joined(oracle.matrix, nodes[i], oracle.place.get(name), contrast * LINK)
    watts = np.zeros(len(oracle.capacity))
    watts[nodes] = rng.uniform(0, 1e-6, len(nodes))
    return lattice, HeatNetwork(lattice, nodes, bonds), oracle, watts


def every(lattice, field):
    """Return the rise at every site and of every reservoir (K)."""
    return np.concatenate([lattice.everywhere(field), lattice.of_reservoirs(field)])


def passed(network, start, source, until, tolerance=1e-2):
    """Return the field after some time (tau0) of a constant source."""
    read, time = network.lattice.window(np.arange(network.lattice.n_sites)), 0.0
    for one in stretches(network, start, source, 1.0, read, tolerance):
        if time + one.length >= until:
            return one.after(until - time)
        time += one.length


@pytest.mark.parametrize("thermal", [FIXED, STACK, ONE], ids=["fixed", "stack", "top"])
@pytest.mark.parametrize("seed", range(10))
def test_heat_in_time_is_that_of_the_whole_lattice(seed, thermal):
    """Power switched on, then off: 1e-3 of the hottest at 0.3, 1 and 3 times the slowest time constant."""
    rng, lateral = np.random.default_rng(seed), ("periodic", "reflecting")[seed % 2]
    lattice, network, oracle, watts = filament(rng, thermal, lateral, contrast=10.0 ** rng.uniform(-1, 2))
    modes = oracle.modes()
    slowest = 1 / modes[0][0]
    electrodes = np.zeros(len(network.conductance) - len(network.nodes))
    source = network.source(np.concatenate([watts[network.nodes], electrodes]) / LINK)
    steady = every(lattice, network.solve(0.0, source))
    assert steady == pytest.approx(np.linalg.solve(oracle.matrix, watts), rel=1e-9, abs=1e-12)
    assert lattice.time == pytest.approx(TIME)
    for share in (0.3, 1.0, 3.0):
        time = share * slowest
        exact = oracle.at(modes, 0.0 * watts, watts, time)
        hot = passed(network, lattice.zero(), source, time / TIME)
        assert np.abs(every(lattice, hot) - exact).max() <= 1e-3 * exact.max()
        cooled = oracle.at(modes, exact, 0.0 * watts, time)
        cold = passed(network, hot, lattice.zero(), time / TIME)
        assert np.abs(every(lattice, cold) - cooled).max() <= 1e-3 * exact.max()


@pytest.mark.parametrize("thermal", [FIXED, STACK], ids=["fixed", "stack"])
def test_a_pulse_keeps_the_balance_of_energy(thermal):
    """What a pulse brought is in oxide and reservoirs, or has left to bodies at constant temperature."""
    lattice, network, oracle, watts = filament(np.random.default_rng(3), thermal, "periodic", 5.0)
    electrodes = np.zeros(len(network.conductance) - len(network.nodes))
    source = network.source(np.concatenate([watts[network.nodes], electrodes]) / LINK)
    read = lattice.window(np.arange(lattice.n_sites))
    leak = oracle.matrix.sum(1)  # W/K from each site or reservoir to what keeps its temperature
    field, time, left = lattice.zero(), 0.0, 0.0
    for one in stretches(network, lattice.zero(), source, 0.1, read, 1e-3):
        node, weight = np.polynomial.legendre.leggauss(40)
        # In the logarithm of time: heat spreads as its square root at first.
        edges = one.length * np.array([0.0, 1e-4, 1e-2, 0.1, 1.0])
        for low, high in pairwise(edges):
            for at, share in zip(0.5 * (high - low) * node + 0.5 * (high + low), weight, strict=True):
                left += 0.5 * (high - low) * share * TIME * (leak @ every(lattice, one.after(at)))
        time += one.length
        field = one.after(one.length)
        if time > 30:
            break
    held = oracle.capacity @ every(lattice, field)
    brought = watts.sum() * time * TIME
    assert 0.05 < held / brought < 0.99
    assert held + left == pytest.approx(brought, rel=1e-3)


def test_a_power_that_grows_is_exact():
    """Sources 1, s and s^2 of nodes against an integration of the whole lattice (scipy, Runge-Kutta)."""
    lattice, network, oracle, watts = filament(np.random.default_rng(4), FIXED, "reflecting", 3.0)
    parts = [share * watts[network.nodes] / LINK for share in (1.0, -0.3, 0.05)]
    read = lattice.window(np.arange(lattice.n_sites))
    start = network.solve(0.0, network.source(0.5 * parts[0]))
    one = stretch(network, start, [network.source(part) for part in parts], 6.0, read, 1e-4)
    augmented = np.zeros((oracle.n + 3,) * 2)
    augmented[: oracle.n, : oracle.n] = -oracle.matrix / LINK
    # theta' = -L theta + q (c0 + c1 s + c2 s^2), with the chain s^2' = 2 s, s' = 1.
    for number, share in enumerate((1.0, -0.3, 0.05)):
        augmented[: oracle.n, oracle.n + number] = share * watts / LINK
    augmented[oracle.n + 1, oracle.n], augmented[oracle.n + 2, oracle.n + 1] = 1.0, 2.0
    for time in (0.06, 0.6, 2.5, 6.0):
        first = np.concatenate([every(lattice, start), [1.0, 0.0, 0.0]])
        exact = (scipy.linalg.expm(augmented * time) @ first)[: oracle.n]
        assert np.abs(every(lattice, one.after(time)) - exact).max() <= 1e-3


def test_responses_have_no_cancellation():
    """Against the recurrence in long double at rates on both sides of the series' bound, and their limits."""
    rate, node_weight = np.array([0.0, 0.4999, 0.5001, 40.0]), np.polynomial.legendre.leggauss(80)
    at, share = node_weight[0] + 1.0, node_weight[1]
    for power in range(3):
        found = responses(rate, power, 2.0)
        exact = [(share * np.exp(-r * (2.0 - at)) * at**power).sum() for r in rate]
        assert found == pytest.approx(np.array(exact), rel=1e-11)
