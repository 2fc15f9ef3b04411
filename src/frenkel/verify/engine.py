"""Barriers, events and the loop of devices: detailed balance, waiting times, drift, Boltzmann's law."""

import math

import numpy as np
from numpy.typing import NDArray

from ..kinetic.lattice.lattice import Lattice
from ..kinetic.lattice.species import OXYGEN, VACANCY
from ..kinetic.lattice_gas import LatticeGas
from ..kinetic.mechanisms import barrier
from ..kinetic.mechanisms.mechanism import Mechanism
from ..units import BOLTZMANN_EV
from .row import SIGMAS, SPACING, Check


def barrier_split() -> list[Check]:
    """Forward and reverse barriers differ by the energy difference, also beyond |dE| = pi E_m."""
    random = np.random.default_rng(1)
    height, energy = random.uniform(0, 2, 10_000), random.uniform(-8, 8, 10_000)
    split = barrier.sinusoidal(height, energy) - barrier.sinusoidal(height, -energy) - energy
    return [Check("barriers: worst |E_f - E_r - dE| of 10,000 (eV)", 0.0, float(np.abs(split).max()), 1e-12)]


def engine_balance() -> list[Check]:
    """A hop and its way back have rates in the ratio exp(-dE/kT) in a random potential."""
    lattice = Lattice.cubic((3, 3, 4), SPACING)
    potential = np.random.default_rng(2).uniform(-1, 1, lattice.n_sites)
    hop, temperature = _hop(0.6), 400.0
    hops: dict[tuple[int, int], tuple[float, float]] = {}
    for site in range(lattice.n_sites):
        table = _alone(lattice, hop, site, potential=potential, temperature=temperature).transitions()
        for event in table:
            # A hop is named from either end; the target is the other site.
            target = int(event["site_a"]) if int(event["site_b"]) == site else int(event["site_b"])
            hops[site, target] = float(event["rate"]), float(event["energy"])
    worst = 0.0
    for (site, target), (rate, energy) in hops.items():
        excess = math.log(rate / hops[target, site][0]) + energy / (BOLTZMANN_EV * temperature)
        worst = max(worst, abs(excess))
    return [Check("engine: worst |ln(k_f/k_r) + dE/kT| of all hops", 0.0, worst, 1e-10)]


def waiting_time() -> list[Check]:
    """Waiting times are exponential with the total rate."""
    lattice = Lattice.cubic((4, 4, 6), SPACING)
    gas, events = _alone(lattice, _hop(0.0), 3, seed=3), 20_000
    # Every hop has the attempt frequency; a vacancy at an electrode has one neighbour less.
    time, _, _, start, _ = np.array(gas.hold(1.0, stop=lambda *_: gas.events == events, log=True).log).T
    neighbours = np.count_nonzero(lattice.motifs["nearest"][start.astype(int)] >= 0, axis=1)
    scaled = 1e13 * neighbours * np.diff(time, prepend=0.0)
    return [
        Check(
            "engine: mean waiting time times total rate",
            1.0,
            float(scaled.mean()),
            SIGMAS,
            "sigma",
            events**-0.5,
        ),
        # The variance of the squared deviation of an exponential variable is 8.
        Check("engine: variance of the same", 1.0, float(scaled.var()), SIGMAS, "sigma", (8 / events) ** 0.5),
    ]


def drift() -> list[Check]:
    """A vacancy in a field drifts at 2 a nu exp(-E_m/kT) sinh(q E a/2kT)."""
    temperature, step, members = 400.0, 0.03, 400
    kt = BOLTZMANN_EV * temperature
    lattice = Lattice.cubic((3, 3, 400), SPACING)
    potential = np.asarray(-step * lattice.layer, np.float64)
    jump = 1e13 * math.exp(-0.5 / kt)
    forward, backward = jump * math.exp(step / kt), jump * math.exp(-step / kt)
    duration = 100 / (forward - backward)
    gas = _alone(lattice, _hop(0.5, law="linear"), 150, potential=potential, temperature=temperature, seed=4)
    start, ends = gas.state(), []
    for member in range(members):
        gas.restore(start, stream=(member,), keep_solved=True)
        gas.hold(duration)
        ends.append(int(lattice.layer[np.flatnonzero(gas.engine.codes == VACANCY.code)[0]]) - 150)
    speed = SPACING / duration
    return [
        Check(
            "engine: drift velocity in a field (m/s)",
            100 * speed,
            float(np.mean(ends)) * speed,
            SIGMAS,
            "sigma",
            speed * math.sqrt((forward + backward) * duration / members),
        )
    ]


def boltzmann() -> list[Check]:
    """A vacancy in a potential is found in each layer with the Boltzmann probability."""
    temperature, nz = 500.0, 8
    lattice = Lattice.cubic((3, 3, nz), SPACING)
    profile = np.array([0.0, 0.015, 0.02, 0.02, 0.045, 0.05, 0.055, 0.08])
    weight = np.exp(-2 * profile / (BOLTZMANN_EV * temperature))
    exact = float(np.arange(nz) @ weight / weight.sum())
    gas = _alone(lattice, _hop(0.3), 2, potential=profile[lattice.layer], temperature=temperature, seed=5)
    pause, samples, batches = 60 / float(gas.transitions()["rate"].sum()), 24_000, 40
    layer: list[int] = []

    def look(*_: object) -> None:
        layer.append(int(lattice.layer[np.flatnonzero(gas.engine.codes == VACANCY.code)[0]]))

    # Looking at equal times, not after each event, weighs states by how long they last.
    gas.hold(samples * pause, samples=samples + 1, progress=look)
    means = np.array(layer[1:]).reshape(batches, -1).mean(axis=1)
    return [
        Check(
            "engine: mean layer of a vacancy in a potential",
            exact,
            float(means.mean()),
            SIGMAS,
            "sigma",
            float(means.std(ddof=1)) / batches**0.5,
        )
    ]


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
) -> LatticeGas:
    """Return a lattice gas with one vacancy."""
    species = np.full(lattice.n_sites, OXYGEN.code, np.int8)
    species[site] = VACANCY.code
    return LatticeGas(lattice, [hop], species, potential=potential, temperature=temperature, seed=seed)
