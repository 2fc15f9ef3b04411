"""Compiled events and the loop of devices equal plain Python, event by event on the same draws."""

import numpy as np
import pytest
from gas_runs import run
from reference import ReferenceEngine

from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import EMPTY, FILLED_TRAP, INTERSTITIAL, OXYGEN, TRAP, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy

NU = 1e13


def everything(lattice, rng, company="nearest", power=1.0):
    """Every form of mechanism and of energy at once, with disorder in all of them."""
    n = lattice.n_sites
    mechanisms = [
        Mechanism(
            "vacancy hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), barrier=0.7,
            attempt_frequency=NU, crowding=(0.1, 3 if company == "nearest" else 9), crowding_start=1,
            crowding_edge=0.3, crowding_motif=company, crowding_electrode=2 if company == "close" else 0,
            heat_of_transport=0.2, barrier_shift=rng.normal(0, 0.1, n),
        ),
        Mechanism(
            "interstitial hop", before=(INTERSTITIAL, EMPTY), after=(EMPTY, INTERSTITIAL), barrier=0.9,
            attempt_frequency=NU, heat_of_transport=-0.3, law="linear",
            frequency_factor=np.random.default_rng(n).random(n), barriers_below=0.1 * lattice.layer,
        ),
        Mechanism(
            "Frenkel pair", before=(OXYGEN, EMPTY), after=(VACANCY, INTERSTITIAL), motif="pair", barrier=1.1,
            energy=0.3, attempt_frequency=NU, dipole=3e-10, floor=0.8 if power == 1.0 else 0.0, law="linear",
            alpha=0.3, crowding=(0.2, 2), dipole_power=power,
        ),
        Mechanism(
            "exchange", before=(OXYGEN,), after=(VACANCY,), electrode="top", barrier=1.0, energy=0.1,
            attempt_frequency=NU, dipole=2e-10, floor=0.9 if power == 1.0 else 0.0, dipole_power=power,
        ),
        Mechanism(
            "interstitial exchange", before=(INTERSTITIAL,), after=(EMPTY,), electrode="bottom", barrier=1.0,
            energy=-0.1, attempt_frequency=NU,
        ),
        Mechanism(
            "electron capture", before=(TRAP,), after=(FILLED_TRAP,), electrode="top", remote=True,
            barrier=0.9, energy=-0.05, attempt_frequency=NU, law="marcus", frequency_factor=rng.random(n),
        ),
    ]
    mask = rng.random(n) < 0.5
    interactions = [
        PairInteraction(VACANCY, VACANCY, -0.15, exempt=mask),
        PairInteraction(VACANCY, INTERSTITIAL, -0.1, motif="pair"),
        PairInteraction(VACANCY, VACANCY, 0.05, motif="second"),
        PairInteraction(INTERSTITIAL, INTERSTITIAL, 0.08),
        SiteEnergy(VACANCY, rng.normal(0, 0.1, n)),
        SiteEnergy(OXYGEN, rng.normal(0, 0.1, n)),
    ]
    return mechanisms, interactions


def gas_and_reference(shape, lateral, seed, company="nearest", power=1.0):
    lattice = Lattice.cubic(shape, 2.6e-10, interstitial=True, lateral=lateral)
    rng = np.random.default_rng(seed)
    mechanisms, interactions = everything(lattice, rng, company, power)
    species = np.where(lattice.sublattice == 0, OXYGEN.code, EMPTY.code)
    species[rng.choice(lattice.n_hosts, 3, replace=False)] = VACANCY.code
    species[lattice.n_hosts] = TRAP.code
    gas = LatticeGas(
        lattice, mechanisms, species, interactions=interactions, reservoir=(1, 1), seed=seed,
        temperature=rng.uniform(1200, 2000, lattice.n_sites), electrode_potential=(0.1, -0.3),
        potential=rng.normal(0, 0.2, lattice.n_sites),
    )
    return gas, ReferenceEngine(gas, interactions)


@pytest.mark.parametrize("power", [1.5, 2.0])
def test_equal_event_by_event_with_barriers_that_bend(power):
    """Fields of both signs. Fails where the barrier rises in the opposite field."""
    gas, reference = gas_and_reference((3, 3, 3), "periodic", 6, power=power)
    for _ in range(100):
        reference.step()
        run(gas, events=1)
        assert gas.engine.species.tolist() == reference.species
        assert gas.time == pytest.approx(reference.time, rel=1e-12)


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
@pytest.mark.parametrize("shape", [(3, 3, 3), (2, 2, 4), (1, 3, 2)])
def test_equal_event_by_event(shape, lateral):
    if lateral == "reflecting" and shape[0] == 1:
        shape = (2, 2, 2)
    gas, reference = gas_and_reference(shape, lateral, seed=5)
    engine = gas.engine
    for _ in range(100):
        counts = engine.counts
        move = reference.step()
        run(gas, events=1)
        assert engine.counts[move[0], move[1]] == counts[move[0], move[1]] + 1
        assert engine.species.tolist() == reference.species
        assert gas.time == pytest.approx(reference.time, rel=1e-12)
        assert engine.reservoir == tuple(reference.reservoir.values())
    assert np.count_nonzero(engine.counts) >= 3


@pytest.mark.parametrize("company", ["nearest", "close"])
def test_same_moves_and_prices(company):
    gas, reference = gas_and_reference((3, 2, 3), "periodic", 7, company)
    engine = gas.engine
    for _ in range(10):
        run(gas, events=20)
        reference.species, reference.reservoir = engine.species.tolist(), dict(
            zip(("bottom", "top"), engine.reservoir, strict=True)
        )
        table = gas.transitions()
        moves = [
            move for site in range(engine.lattice.n_sites) if reference._owns(site)
            for move in reference.moves(site) if move is not None
        ]
        assert [tuple(row) for row in table[["mechanism", "direction", "site_a", "site_b"]].tolist()] == moves
        energies = np.array([reference.rate(move) for move in moves])
        np.testing.assert_allclose(table["rate"], energies[:, 0], rtol=1e-11)
        np.testing.assert_allclose(table["energy"], energies[:, 1], atol=1e-13)
