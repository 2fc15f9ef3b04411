"""One configuration of a device the slow and obvious way: the oracle of the tests of fields and energies.

Nothing here shares code with the solver: bonds by brute force over all pairs and triples, potentials by a
sparse factorisation of every lattice site, charges by a double sum, one total energy.
"""

from itertools import combinations, pairwise

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg
from scipy import special

from frenkel.kinetic.lattice.species import FILLED_TRAP, INTERSTITIAL, TRAP, VACANCY
from frenkel.units import BOLTZMANN_EV, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY

BOTTOM, TOP = -1, -2
SWITCHES = {
    "vacancy.migration_barrier": 0.65, "vacancy.binding_energy": 0.15, "vacancy.crowding_barrier": 0.5,
    "exchange.barrier": 1.5, "exchange.energy": 0.3, "exchange.dipole": 2.17e-9, "exchange.floor": 0.45,
    "column.radius": 0.52e-9, "column.migration_shift": 0.3, "column.exchange_shift": 1.2,
    "column.vacancy_fraction": 0.154, "disorder.site_energy": 0.05, "disorder.barrier": 0.05,
    "conduction.prefactor": 1e-4, "conduction.tunnel_factor": 0.05, "conduction.background": 1e-10,
    "conduction.decay_length": 0.35e-9,
    "conduction.contact_bottom": 1e-4, "conduction.contact_top": 1e-3, "heat.conductivity": 1.0,
    "heat.ballistic_factor": 1.0,
}
"""Numbers with which a small box forms, resets and sets: tests do not move with the preset."""


SMALL = {
    "exchange__barrier": 0.3, "exchange__energy": 0.7, "exchange__floor": 0.1, "exchange__inventory": 1,
    "vacancy__migration_barrier": 0.3, "vacancy__crowding_barrier": 0.1,
    "electrostatics__charge_transition": -0.3,
}
"""Numbers (`small_material`) with which a box of few sites changes quickly and visits all its states."""


def watson(x, y, z):
    """Return the Green's function of the infinite simple cubic lattice at an offset (Watson's integral)."""
    edges = np.r_[0.0, np.geomspace(1.0, 1e5, 12)]
    node, weight = np.polynomial.legendre.leggauss(40)
    total, far = 0.0, edges[-1]
    for low, high in pairwise(edges):
        t = 0.5 * (high - low) * node + 0.5 * (high + low)
        value = special.ive(x, 2 * t) * special.ive(y, 2 * t) * special.ive(z, 2 * t)
        total += 0.5 * (high - low) * (weight @ value)
    # Beyond, the integrand is (4 pi t)^-3/2 (1 + (3/16 - r^2/4) / t ...): Bessel's asymptotic series.
    second = (3 / 16 - (x * x + y * y + z * z) / 4) * 2 / 3
    rest = (4 * np.pi) ** -1.5 * (2 * far**-0.5 + second * far**-1.5)
    return total + rest


WATSON = watson(0, 0, 0)
ION_SELF = (WATSON + 3 * watson(1, 0, 0) + 3 * watson(1, 1, 0) + watson(1, 1, 1)) / 8


class WholeLattice:
    """The conduction, heat and energy of a material in a box, from its parameters alone."""

    def __init__(self, material, shape, lateral="periodic"):
        self.material, self.shape, self.periodic = material, shape, lateral == "periodic"
        self.n_hosts = int(np.prod(shape))
        self.spacing = material.lattice.spacing
        numbers = material.conduction
        self.background, self.cutoff = numbers.background, numbers.cutoff * (1 + 1e-9)
        permittivity = material.electrostatics.permittivity * VACUUM_PERMITTIVITY
        self.coulomb = ELEMENTARY_CHARGE / (permittivity * self.spacing)
        kappa = material.heat.conductivity * material.heat.ballistic_factor
        self.heat_scale = 1 / (kappa * self.spacing)
        self.lorenz = material.heat.lorenz * material.heat.lorenz_temperature
        self.place = np.array(np.unravel_index(np.arange(self.n_hosts), shape)).T
        self.links = self._links()
        # Conductances of the links for current, heat and displacement, and the permittivity of each plane,
        # over those of the material; a lattice of layers has others.
        self.conducting, self.warming, self.polarising = (np.ones(len(self.links)) for _ in range(3))
        self.permittivity = np.ones(shape[2])
        self._green, self._classified = None, {}

    def _links(self):
        """Return the links of the empty lattice (a, b), electrodes as BOTTOM and TOP."""
        nx, ny, nz = self.shape
        number = np.arange(self.n_hosts).reshape(self.shape)
        rows = [(int(s), BOTTOM) for s in number[:, :, 0].ravel()]
        rows += [(int(s), TOP) for s in number[:, :, -1].ravel()]
        for x in range(nx):
            for y in range(ny):
                for z in range(nz):
                    if z + 1 < nz:
                        rows.append((number[x, y, z], number[x, y, z + 1]))
                    if self.periodic or x + 1 < nx:
                        rows.append((number[x, y, z], number[(x + 1) % nx, y, z]))
                    if self.periodic or y + 1 < ny:
                        rows.append((number[x, y, z], number[x, (y + 1) % ny, z]))
        return np.array(rows)

    # ---- geometry

    def squared(self, a, b):
        """Return squared distances (in spacings) of all ``a`` to all ``b``, by the nearest image."""
        first, second = (np.atleast_1d(np.asarray(sites, int)) for sites in (a, b))
        return self.length_squared(first[:, None], second[None, :])

    def length_squared(self, a, b):
        """Return squared distances (in spacings) of each of ``a`` to its partner of ``b``."""
        away = np.abs(self.place[a] - self.place[b])
        if self.periodic:
            for axis in (0, 1):
                away[..., axis] = np.minimum(away[..., axis], self.shape[axis] - away[..., axis])
        return (away**2).sum(-1)

    def corners(self, interstitial):
        """Return the eight host sites around an interstitial site."""
        nx, ny, nz = self.shape
        size = (nx, ny, nz - 1) if self.periodic else (nx - 1, ny - 1, nz - 1)
        x, y, z = np.unravel_index(interstitial - self.n_hosts, size)
        return [((x + i) % nx * ny + (y + j) % ny) * nz + z + k for i, j, k in np.ndindex(2, 2, 2)]

    def weights(self, site):
        """Return host sites and shares that stand for one site."""
        return ([site], [1.0]) if site < self.n_hosts else (self.corners(site), [0.125] * 8)

    # ---- network

    def classify(self, vacancies):
        """Return nodes, with another vacancy within sqrt(2) spacings or a contact, and isolated vacancies."""
        vacancies = np.sort(np.asarray(vacancies, int))
        key = vacancies.tobytes()
        if key not in self._classified:
            distance = self.squared(vacancies, vacancies)
            z = self.place[vacancies, 2]
            node = ((distance > 0) & (distance <= 2)).any(1) | (z == 0) | (z == self.shape[2] - 1)
            self._classified[key] = vacancies[node], vacancies[~node]
        return self._classified[key]

    def pair_conductance(self, squared):
        numbers = self.material.conduction
        factor = 1.0 if squared <= 2 else numbers.tunnel_factor
        length = np.sqrt(squared) * self.spacing
        return numbers.prefactor * np.exp(-2 * (length - self.spacing) / numbers.decay_length) * factor

    def bond_conductance(self, a, b, squared):
        """Return the conductance (S) of the bond between two nodes."""
        return self.pair_conductance(squared)

    def contact_conductance(self, side, depth):
        """Return the conductance (S) of a node ``depth`` spacings from an electrode."""
        numbers = self.material.conduction
        if depth * self.spacing > self.cutoff and not numbers.gap_reorganisation:
            return 0.0
        reach = np.exp(-2 * (depth - 1) * self.spacing / numbers.decay_length)
        if side == TOP:
            return numbers.contact_top * reach * (1.0 if depth == 1 else numbers.contact_top_factor)
        return numbers.contact_bottom * reach * (1.0 if depth == 1 else numbers.tunnel_factor)

    def wire(self, nodes):
        """Return bonds (site, site or electrode, conductance in S): the nodes' relative neighbourhood."""
        distance = self.squared(nodes, nodes)
        depth = {BOTTOM: self.place[nodes, 2] + 1, TOP: self.shape[2] - self.place[nodes, 2]}
        bonds = []
        for i, j in combinations(range(len(nodes)), 2):
            d2 = distance[i, j]
            if np.sqrt(d2) * self.spacing > self.cutoff:
                continue
            nearer = (distance[i] < d2) & (distance[j] < d2)
            nearer[[i, j]] = False
            if d2 <= 2 or not nearer.any():
                bonds.append((nodes[i], nodes[j], self.bond_conductance(nodes[i], nodes[j], d2)))
        for i in range(len(nodes)):
            for side, levels in depth.items():
                nearer = (levels < levels[i]) & (distance[i] < levels[i] ** 2)
                reach = min(self.cutoff, self.material.conduction.contact_shadow * (1 + 1e-9))
                nearer &= np.sqrt(distance[i]) * self.spacing <= reach
                conductance = self.contact_conductance(side, levels[i])
                if conductance > 0 and (levels[i] == 1 or not nearer.any()):
                    bonds.append((nodes[i], side, conductance))
        return bonds

    def network(self, vacancies):
        """Return the bonds of a set of vacancies, classified and wired."""
        return self.wire(self.classify(vacancies)[0])

    # ---- whole lattice

    def _edges(self, bonds, factor=1.0, links=None):
        """Return all edges (a, b, g) in units of a background link; ``links``: if not those of conduction."""
        ends = np.concatenate([self.links, np.array([b[:2] for b in bonds], int).reshape(-1, 2)])
        links = self.conducting if links is None else links
        g = np.concatenate([links, factor * np.array([b[2] for b in bonds])])
        return ends[:, 0], ends[:, 1], g

    def _solved(self, edges, source, top):
        """Solve by a sparse factorisation and refinements whose residual is built from differences."""
        a, b, g = edges
        inner = b >= 0
        matrix = sparse.coo_array(
            (np.r_[g, g[inner], -g[inner], -g[inner]],
             (np.r_[a, b[inner], a[inner], b[inner]], np.r_[a, b[inner], b[inner], a[inner]])),
            shape=(self.n_hosts,) * 2)
        factor = linalg.splu(matrix.tocsc())
        value = np.zeros(self.n_hosts)
        for _ in range(4):
            flow = self._flow(edges, value, top)
            out = np.bincount(a, flow, self.n_hosts) - np.bincount(b[inner], flow[inner], self.n_hosts)
            value += factor.solve(source - out)
        return value

    @staticmethod
    def _flow(edges, value, top):
        """Return the current from a to b of each edge."""
        a, b, g = edges
        end = np.where(b >= 0, value[np.maximum(b, 0)], np.where(b == TOP, top, 0.0))
        return g * (value[a] - end)

    def potential(self, bonds):
        """Return the potential (V) at every host site at 1 V, the conductance (S) and the total power (W)."""
        edges = self._edges(bonds, 1 / self.background)
        value = self._solved(edges, np.zeros(self.n_hosts), 1.0)
        flow = self._flow(edges, value, 1.0)
        conductance = -flow[edges[1] == TOP].sum() * self.background
        return value, conductance, (flow**2 / edges[2]).sum() * self.background

    def heat(self, bonds):
        """Return the temperature rise (K) at every host site at 1 V; a contact bond heats its node half."""
        value = self.potential(bonds)[0]
        source = np.zeros(self.n_hosts)
        for a, b, g in bonds:
            end = value[b] if b >= 0 else float(b == TOP)
            power = g * (value[a] - end) ** 2
            source[a] += 0.5 * power
            if b >= 0:
                source[b] += 0.5 * power
        edges = self._edges(bonds, self.lorenz * self.heat_scale, self.warming)
        return self._solved(edges, source * self.heat_scale, 0.0)

    # ---- energy

    @property
    def green(self):
        """Inverse of the lattice Laplacian (n_hosts, n_hosts), electrodes at 0."""
        if self._green is None:
            matrix = np.zeros((self.n_hosts,) * 2)
            for (a, b), g in zip(self.links, self.polarising, strict=True):
                matrix[a, a] += g
                if b >= 0:
                    matrix[b, b] += g
                    matrix[a, b] -= g
                    matrix[b, a] -= g
            self._green = np.linalg.inv(matrix)
        return self._green

    def charge_energy(self, vacancies, ions):
        """Return the Coulomb energy (eV): 1/2 sum q q G with all images, less self energies in the bulk."""
        charge = np.zeros(self.n_hosts)
        free = 0.0
        q = float(self.material.vacancy.charge)
        for site in self.classify(vacancies)[1]:
            charge[site] += q
            free += q * q * WATSON / self.permittivity[self.place[site, 2]]
        for site in ions:
            q = float(self.material.interstitial.charge)
            np.add.at(charge, self.corners(site), q / 8)
            free += q * q * ION_SELF / self.permittivity[self.place[self.corners(site)[0], 2]]
        return 0.5 * self.coulomb * (charge @ self.green @ charge - free)

    def energy(self, species, site_energy=None):
        """Return the total energy (eV) of a configuration at zero bias.

        Oxygen in the top electrode is the zero: a vacancy costs the energy of exchange, an interstitial what
        it gives back when it enters the electrode.
        """
        vacancies = np.flatnonzero(species[: self.n_hosts] == VACANCY.code)
        ions = np.flatnonzero(species[self.n_hosts :] == INTERSTITIAL.code) + self.n_hosts
        material = self.material
        total = self.charge_energy(vacancies, ions)
        total += material.electrostatics.charge_transition * len(self.classify(vacancies)[1])
        if material.vacancy.binding_energy:
            pairs = np.triu(self.squared(vacancies, vacancies) == 1)
            total -= material.vacancy.binding_energy * pairs.sum()
        if material.has("exchange"):
            total += material.exchange.energy * len(vacancies)
        if material.has("interstitial_exchange"):
            total -= material.interstitial_exchange.energy * len(ions)
        if site_energy is not None:
            total += site_energy[vacancies].sum()
        return total


def random_species(device, kind, rng):
    """Return codes of a random state of a device: "pristine", "lrs" (filament) or "hrs" (with a gap)."""
    n, (nx, ny, nz) = device.n_hosts, device.shape
    species = device.engine.species
    species[:n], species[n:] = 0, 2
    x, y, z = np.unravel_index(np.arange(n), device.shape)
    axis = (x - nx // 2) ** 2 + (y - ny // 2) ** 2 <= 2
    if kind == "pristine":
        filled = rng.random(n) < np.where(axis, 0.2, 0.02)
    else:
        filled = rng.random(n) < np.where(axis, 0.6, 0.01)
    if kind == "hrs":
        gap = rng.integers(1, max(2, nz - 4))
        filled &= (z < gap) | (z > gap + 2)
    species[:n][filled] = VACANCY.code
    traps = device.chemistry.traps
    species[traps] = rng.choice([TRAP.code, FILLED_TRAP.code], len(traps))
    if any(INTERSTITIAL.code in (s.code for s in (*m.before, *m.after)) for m in device.chemistry.mechanisms):
        species[n + rng.choice(len(species) - n, 6, replace=False)] = INTERSTITIAL.code
    return species


def put(device, species):
    """Give a device another arrangement of atoms; oxygen that leaves the oxide enters the top electrode."""
    from frenkel.kinetic.engine.engine import Engine

    old = device.engine

    def missing(codes):
        return np.count_nonzero(codes == VACANCY.code) - np.count_nonzero(codes == INTERSTITIAL.code)

    held = old.reservoir[1] + abs(missing(species) - missing(old.species))
    device.engine = Engine(
        device.lattice, device.chemistry.mechanisms, species, interactions=device.chemistry.interactions,
        reservoir=(0, held), seed=device.seed, member=device.member,
    )


def biases(device, oracle, species, candidates):
    """Return energy1 of some candidates: work per volt in the network without the vacancy that leaves."""
    vacancies = np.flatnonzero(species[: device.n_hosts] == VACANCY.code)
    maps, found = {}, []
    for event in candidates:
        mechanism = device.chemistry.mechanisms[event["mechanism"]]
        change = np.array(mechanism.charge_change) * (-1 if event["direction"] else 1)
        before = mechanism.after if event["direction"] else mechanism.before
        ends = [int(event["site_a"]), int(event["site_b"])][: len(before)]
        gone = tuple(s for s, kind in zip(ends, before, strict=True) if kind.code == VACANCY.code)
        if gone not in maps:
            maps[gone] = oracle.potential(oracle.network(np.setdiff1d(vacancies, gone)))[0]
        work = 0.0
        for site, charge in zip(ends, change, strict=True):
            hosts, weights = oracle.weights(site)
            work += charge * (maps[gone][hosts] @ np.array(weights))
        found.append(work - (change[0] if mechanism.electrode else 0.0))
    return np.array(found)


def small_material(name, *, drop=("column", "disorder"), **values):
    """Return a packaged set without some sections and with some numbers changed ("section__key")."""
    from frenkel.kinetic.materials.material import Material

    document = {key: value for key, value in Material.load(name).document().items() if key not in drop}
    return Material(document, name).with_values({key.replace("__", "."): v for key, v in values.items()})


class Occupancy:
    """Time spent in each state of a set during a run at constant voltage, read from its event log.

    A state is (vacancies, ions), both sorted tuples of sites. Times outside the set are left out: a
    reversible chain seen only inside a set has the Boltzmann law of that set.
    """

    def __init__(self, device, states, batches=40):
        self.device, self.number = device, {state: i for i, state in enumerate(states)}
        self.batches, self.met = batches, {}

    def run(self, duration):
        """Let time pass; return the time in each state (batches, n_states)."""
        from frenkel.kinetic.waveform import Waveform

        device, table = self.device, self.device.chemistry.mechanisms
        species = device.engine.species
        start = device.time
        record = device.advance(Waveform.constant(0.0, duration), samples=2, log=True)
        spent = np.zeros((self.batches, len(self.number)))
        edge, place = duration / self.batches, self._state(species)
        begin = 0.0
        for time, mechanism, direction, a, b in [*record.log, (start + duration, -1, 0, 0, 0)]:
            end = time - start
            while place is not None and begin < end:
                batch = min(int(begin / edge), self.batches - 1)
                until = end if batch == self.batches - 1 else min(end, (batch + 1) * edge)
                spent[batch, place] += until - begin
                begin = until if until > begin else np.nextafter(begin, np.inf)
            begin = end
            if mechanism >= 0:
                chosen = table[mechanism]
                for site, kind in zip((a, b), chosen.before if direction else chosen.after, strict=False):
                    species[site] = kind.code
                place = self._state(species)
        assert (species == device.engine.species).all()
        return spent

    def _state(self, species):
        key = species.tobytes()
        if key not in self.met:
            n = self.device.n_hosts
            vacancies = tuple(np.flatnonzero(species[:n] == VACANCY.code).tolist())
            ions = tuple((np.flatnonzero(species[n:] == INTERSTITIAL.code) + n).tolist())
            self.met[key] = self.number.get((vacancies, ions))
        return self.met[key]


def batch_p_value(spent, value, expected):
    """Return the p-value (two-sided, Student) of the time average of ``value`` being ``expected``."""
    from scipy import stats

    means = (spent @ value) / spent.sum(1)
    t = (means.mean() - expected) / (means.std(ddof=1) / np.sqrt(len(means)))
    return 2.0 * stats.t.sf(abs(t), len(means) - 1)


def boltzmann(device, oracle, states):
    """Return the weights of states (vacancies, ions) at the device's temperature, their sum 1."""
    energy, species = np.zeros(len(states)), device.engine.species
    for i, (vacancies, ions) in enumerate(states):
        species[: device.n_hosts], species[device.n_hosts :] = 0, 2
        species[list(vacancies)], species[list(ions)] = VACANCY.code, INTERSTITIAL.code
        energy[i] = oracle.energy(species)
    weight = np.exp((energy.min() - energy) / (BOLTZMANN_EV * device.temperature))
    return weight / weight.sum()
