"""Cost of one event without the solution of fields: listing what is possible, and the loop around it.

A simple cubic lattice of N^3 sites with 150 vacancies, hops to the six neighbours and a pair energy of -2 kT.
The first row of a size is what an engine does at each event; the second is a lattice gas, in which the loop
of devices, energies in given fields and rates come on top: no arrangement is kept. They are timed in turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
from report import best, machine, write, write_table

from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction
from frenkel.units import BOLTZMANN_EV

TEMPERATURE, PAIR_ENERGY_KT = 300.0, -2.0  # K, kT
EDGES, VACANCIES, EVENTS, ROUNDS = (20, 40), 150, 1000, 5
HEADER = ["quantity", "ours", "peer", "ratio", "target"]


def gas_of(edge: int) -> LatticeGas:
    """Return a lattice gas of so many sites along each edge, with 1 V across it."""
    lattice = Lattice.cubic((edge,) * 3, 0.26e-9)
    species = np.full(lattice.n_sites, OXYGEN.code, np.int8)
    species[np.random.default_rng(56789).choice(lattice.n_sites, VACANCIES, replace=False)] = VACANCY.code
    hop = Mechanism(
        "hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), barrier=0.7, attempt_frequency=1e13
    )
    pair = PairInteraction(VACANCY, VACANCY, PAIR_ENERGY_KT * BOLTZMANN_EV * TEMPERATURE)
    potential = (lattice.layer + 1.0) / (edge + 1.0)
    return LatticeGas(
        lattice, [hop], species, interactions=[pair], potential=potential, electrode_potential=(0.0, 1.0),
        temperature=TEMPERATURE, seed=1, cache=1,
    )  # fmt: skip


def rows(edges: list[int]) -> Iterator[list[str]]:
    """Yield the rows, by the columns of `HEADER`."""
    for edge in edges:
        gas, sites = gas_of(edge), f"{VACANCIES} vacancies, {edge**3:,} sites"
        engine = gas.engine

        def single() -> None:
            engine.fire(int(engine.draw() * len(engine.catalogue())))  # noqa: B023
            engine.catalogue()  # noqa: B023

        def loop() -> float:
            last, start = gas.events + EVENTS, time.process_time()  # noqa: B023
            gas.hold(1e12, stop=lambda *_: gas.events == last)  # noqa: B023
            return (time.process_time() - start) / EVENTS

        # In turns, so that a busy machine slows both.
        alone, whole = np.array([(best(single, EVENTS, 1), loop()) for _ in range(ROUNDS)]).min(axis=0)
        listed = f"{1e6 * alone:.1f} us"
        yield [f"one event and all candidates, {sites}", listed, "-", "-", "<= 30 us"]
        yield [f"one event of a lattice gas, {sites}", f"{1e6 * whole:.1f} us", f"candidates {listed}",
               f"{alone / whole:.2f}", "-"]


def main() -> None:
    """Measure and print."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--edges", nargs="+", type=int, default=list(EDGES), help="sites along each edge")
    options = command.parse_args()
    write(machine())
    write()
    write_table(HEADER, rows(options.edges))


if __name__ == "__main__":
    main()
