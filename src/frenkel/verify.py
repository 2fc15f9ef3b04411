"""Exact tests of an installed frenkel: what theory says, what this build gives, and by how much they differ.

Each test is a function without arguments that returns rows; a new one is added to :data:`TESTS`. Statistical
tests have a fixed seed and pass within 4.5 standard errors (false alarm 7e-6 each).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .kinetic.device import Device
from .kinetic.engine.engine import Engine
from .kinetic.fields._fields import Fields
from .kinetic.fields.green import GreenTable
from .kinetic.lattice.lattice import Lattice
from .kinetic.lattice.species import OXYGEN, VACANCY
from .kinetic.materials.material import Material
from .kinetic.mechanisms import barrier
from .kinetic.mechanisms.mechanism import Mechanism
from .units import BOLTZMANN_EV

SIGMAS = 4.5
SPACING = 0.26e-9


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Parameters
    ----------
    quantity : str
        What is compared, with its unit.
    theory, ours : float
        Exact value and the value found.
    allowed : float
        Largest deviation that passes, in the measure below.
    measure : {"absolute", "relative", "sigma"}
        Deviation as it is, over the theory, or in standard errors.
    error : float
        Standard error of ``ours``, for "sigma".
    """

    quantity: str
    theory: float
    ours: float
    allowed: float
    measure: Literal["absolute", "relative", "sigma"] = "absolute"
    error: float = 0.0

    @property
    def deviation(self) -> float:
        """Deviation in the measure of the row."""
        scale = {"absolute": 1.0, "relative": abs(self.theory), "sigma": self.error}[self.measure]
        return abs(self.ours - self.theory) / scale

    @property
    def passed(self) -> bool:
        """Whether the deviation is allowed; NaN never is."""
        return self.deviation <= self.allowed

    @property
    def deviation_text(self) -> str:
        """Deviation for a table."""
        return f"{self.deviation:.2g}" + (" sigma" if self.measure == "sigma" else "")

    @property
    def allowed_text(self) -> str:
        """Largest allowed deviation for a table."""
        return f"{self.allowed:.2g}" + {"sigma": " sigma", "relative": " rel.", "absolute": ""}[self.measure]


def rows() -> list[Row]:
    """Carry out all tests."""
    return [row for test in TESTS for row in test()]


def barrier_split() -> list[Row]:
    """Forward and reverse barriers differ by the energy difference, also beyond |dE| = pi E_m."""
    random = np.random.default_rng(1)
    height, energy = random.uniform(0, 2, 10_000), random.uniform(-8, 8, 10_000)
    split = barrier.sinusoidal(height, energy) - barrier.sinusoidal(height, -energy) - energy
    return [Row("barriers: worst |E_f - E_r - dE| of 10,000 (eV)", 0.0, float(np.abs(split).max()), 1e-12)]


def engine_balance() -> list[Row]:
    """A hop and its way back have rates in the ratio exp(-dE/kT) in a random potential."""
    lattice = Lattice.cubic((3, 3, 4), SPACING)
    potential = np.random.default_rng(2).uniform(-1, 1, lattice.n_sites)
    hop, temperature = _hop(0.6), 400.0
    found: dict[tuple[int, int], tuple[float, float]] = {}
    for site in range(lattice.n_sites):
        table = _alone(lattice, hop, site, potential=potential, temperature=temperature).transitions()
        for one in table:
            # A hop is named from either end; the target is the other site.
            target = int(one["site_a"]) if int(one["site_b"]) == site else int(one["site_b"])
            found[site, target] = float(one["rate"]), float(one["energy"])
    worst = 0.0
    for (site, target), (rate, energy) in found.items():
        excess = math.log(rate / found[target, site][0]) + energy / (BOLTZMANN_EV * temperature)
        worst = max(worst, abs(excess))
    return [Row("engine: worst |ln(k_f/k_r) + dE/kT| of all hops", 0.0, worst, 1e-10)]


def waiting_time() -> list[Row]:
    """Waiting times are exponential with the total rate."""
    lattice = Lattice.cubic((4, 4, 6), SPACING)
    engine = _alone(lattice, _hop(0.0), 3, seed=3)
    events, scaled = 20_000, np.empty(20_000)
    for i in range(events):
        total, before = float(engine.transitions()["rate"].sum()), engine.time
        engine.run(events=1)
        scaled[i] = total * (engine.time - before)
    return [
        Row(
            "engine: mean waiting time times total rate",
            1.0,
            float(scaled.mean()),
            SIGMAS,
            "sigma",
            events**-0.5,
        ),
        # The variance of the squared deviation of an exponential variable is 8.
        Row("engine: variance of the same", 1.0, float(scaled.var()), SIGMAS, "sigma", (8 / events) ** 0.5),
    ]


def drift() -> list[Row]:
    """A vacancy in a field drifts at 2 a nu exp(-E_m/kT) sinh(q E a/2kT)."""
    temperature, step, members = 400.0, 0.03, 400
    kt = BOLTZMANN_EV * temperature
    lattice = Lattice.cubic((3, 3, 400), SPACING)
    potential = np.asarray(-step * lattice.layer, np.float64)
    jump = 1e13 * math.exp(-0.5 / kt)
    forward, backward = jump * math.exp(step / kt), jump * math.exp(-step / kt)
    duration = 100 / (forward - backward)
    ends = []
    for member in range(members):
        engine = _alone(
            lattice,
            _hop(0.5, law="linear"),
            150,
            potential=potential,
            temperature=temperature,
            seed=4,
            member=member,
        )
        engine.run(time=duration)
        ends.append(int(lattice.layer[np.flatnonzero(engine.species == VACANCY.code)[0]]) - 150)
    speed = SPACING / duration
    return [
        Row(
            "engine: drift velocity in a field (m/s)",
            100 * speed,
            float(np.mean(ends)) * speed,
            SIGMAS,
            "sigma",
            speed * math.sqrt((forward + backward) * duration / members),
        )
    ]


def boltzmann() -> list[Row]:
    """A vacancy in a potential is found in each layer with the Boltzmann probability."""
    temperature, nz = 500.0, 8
    lattice = Lattice.cubic((3, 3, nz), SPACING)
    profile = np.array([0.0, 0.015, 0.02, 0.02, 0.045, 0.05, 0.055, 0.08])
    weight = np.exp(-2 * profile / (BOLTZMANN_EV * temperature))
    exact = float(np.arange(nz) @ weight / weight.sum())
    engine = _alone(lattice, _hop(0.3), 2, potential=profile[lattice.layer], temperature=temperature, seed=5)
    pause, samples, batches = 60 / float(engine.transitions()["rate"].sum()), 24_000, 40
    layer = np.empty(samples)
    for i in range(samples):
        # Looking at equal times, not after each event, weighs states by how long they last.
        engine.run(time=engine.time + pause)
        layer[i] = lattice.layer[np.flatnonzero(engine.codes == VACANCY.code)[0]]
    means = layer.reshape(batches, -1).mean(axis=1)
    return [
        Row(
            "engine: mean layer of a vacancy in a potential",
            exact,
            float(means.mean()),
            SIGMAS,
            "sigma",
            float(means.std(ddof=1)) / batches**0.5,
        )
    ]


def network() -> list[Row]:
    """A chain of equal bonds leaves the potential linear; powers add up to V I on a random network.

    Both are networks as a device solves them, at 1 V.
    """
    bond, background = 1e-4, 1e-10
    chain, some = _conducting(bond, background), _conducting(bond, background)
    chain.solve(np.arange(9, dtype=np.int32))
    straight = np.arange(1, 10) / 10
    random = np.random.default_rng(6)
    some.solve(np.sort(random.choice(some.n_hosts, 60, replace=False)).astype(np.int32))
    nodes, at_nodes, _ = some.nodes()
    potential = some.maps()[0]
    potential[nodes] = at_nodes  # the map is rounded where bonds are strong
    box = potential.reshape(some.nx, some.ny, some.nz)
    drops = [box - np.roll(box, 1, axis) for axis in (0, 1)]
    drops.append(np.diff(box, axis=2, prepend=0.0, append=1.0))
    power = some.power() + background * sum(float(np.sum(drop**2)) for drop in drops)
    return [
        Row(
            "network: worst potential of a chain of bonds (V at 1 V)",
            0.0,
            float(np.abs(chain.nodes()[1] - straight).max()),
            1e-12,
        ),
        Row(
            "network: conductance of a chain of bonds (S)",
            (bond + 36 * background) / 10,
            chain.conductance,
            1e-12,
            "relative",
        ),
        Row("network: sum of powers over V I", 1.0, power / some.conductance, 1e-12, "relative"),
    ]


def _conducting(bond: float, background: float) -> Fields:
    """Return the network of a box of 6 x 6 x 9 sites, with bonds of up to sqrt(6) spacings (S)."""
    shape = (6, 6, 9)
    strength = bond / background
    pair = np.r_[0.0, strength * np.exp(-4 * (np.sqrt(np.arange(1, 7)) - 1))]
    contact = np.zeros((2, 9))
    contact[0, 0] = contact[1, -1] = strength
    table = GreenTable(shape, SPACING)
    return Fields(shape, table, pair, contact, background, 2.0, 0.0, 0.0, 1.0, 1e-6)


def fields() -> list[Row]:
    """Uniform heating of a slab gives a parabola; a charge between plates gives linear potentials."""
    nz = 15
    table = GreenTable((4, 4, nz), SPACING)
    layer = np.arange(1, nz + 1)
    rise = table.respond(np.ones(table.n_sites))[:nz]
    exact = layer * (nz + 1 - layer) / 2
    sheet = np.zeros((4, 4, nz))
    sheet[:, :, 4] = 1.0
    response = table.respond(sheet.ravel())[:nz]
    triangle = np.minimum(layer * (nz + 1 - 5), 5 * (nz + 1 - layer)) / (nz + 1)
    return [
        Row(
            "heat: worst point of a heated slab, relative", 0.0, float(np.abs(rise / exact - 1).max()), 1e-12
        ),
        Row(
            "charge: worst point of a charged sheet, relative",
            0.0,
            float(np.abs(response / triangle - 1).max()),
            1e-12,
        ),
    ]


def closure() -> list[Row]:
    """An event and its way back, all fields solved again between them, cost nothing in sum.

    Refined energies must close to 1e-9 eV; quick ones to the bound on their error that the fields state.
    """
    rows = []
    for precise, voltage in ((True, 0.0), (True, 2.0), (True, -1.0), (False, 2.0)):
        worst, stated = _worst_round_trip(precise, voltage)
        name = "refined" if precise else "quick, against its stated bound"
        rows.append(
            Row(
                f"device: worst |dE_f + dE_r|, all solved again, {voltage:g} V, {name} (eV)",
                0.0,
                worst,
                1e-9 if precise else stated,
            )
        )
    return rows


def _worst_round_trip(precise: bool, voltage: float) -> tuple[float, float]:
    """Return the worst sum of both energies (eV) of 50 events and the least error that the fields stated."""
    device = Device(Material.load("HfO2"), thickness=2.6e-9, width=2.08e-9, seed=7, precise=precise)
    random = np.random.default_rng(8)
    worst = stated = 0.0
    for _ in range(50):
        device.device_voltage = voltage
        table = device.transitions()
        chosen = int(random.integers(len(table)))
        event = table[chosen]
        bound = device.solved().removal_error
        device.fire(chosen)
        device.device_voltage = voltage
        back = _way_back(device, event)
        bound += device.solved().removal_error
        # A charge of 2 moves between two potentials, each within the bound.
        stated = max(stated, 1e-9 + 4 * abs(voltage) * bound)
        worst = max(worst, abs(float(event["energy"]) + back))
    return worst, stated


def _way_back(device: Device, event: np.void) -> float:
    """Return the energy difference (eV) of the event that undoes ``event``."""
    table = device.transitions()
    a, b = int(event["site_a"]), int(event["site_b"])
    same = table["mechanism"] == event["mechanism"]
    if b < 0:
        same &= (table["site_a"] == a) & (table["direction"] != event["direction"])
    else:
        same &= ((table["site_a"] == a) & (table["site_b"] == b)) | (
            (table["site_a"] == b) & (table["site_b"] == a)
        )
    return float(table["energy"][np.flatnonzero(same)[0]])


def _hop(height: float, law: str = "sinusoidal") -> Mechanism:
    return Mechanism(
        "vacancy hop",
        before=(VACANCY, OXYGEN),
        after=(OXYGEN, VACANCY),
        barrier=height,
        attempt_frequency=1e13,
        law=law,
    )


def _alone(
    lattice: Lattice,
    hop: Mechanism,
    site: int,
    *,
    potential: NDArray[np.float64] | None = None,
    temperature: float = 300.0,
    seed: int = 0,
    member: int = 0,
) -> Engine:
    """Return an engine with one vacancy."""
    species = np.full(lattice.n_sites, OXYGEN.code, np.int8)
    species[site] = VACANCY.code
    return Engine(
        lattice, [hop], species, potential=potential, temperature=temperature, seed=seed, member=member
    )


TESTS: tuple[Callable[[], list[Row]], ...] = (
    barrier_split,
    engine_balance,
    waiting_time,
    drift,
    boltzmann,
    network,
    fields,
    closure,
)
