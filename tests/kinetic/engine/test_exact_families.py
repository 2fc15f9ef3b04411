"""X-00 for one small box per family of mechanisms: all states of metal cells and traps, pairs with electrons.

Each p-value has a false-alarm probability of 1e-4; each was seen to fail on the error the docstring names.
"""

import functools

import numpy as np
import pytest
from scipy.sparse.linalg import expm_multiply
from small_boxes import FALSE_ALARM, SmallBox, end_states, hop, pooled_chi2, turn

from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import (
    EMPTY,
    EXCITED_TRAP,
    FILLED_EXCITED_TRAP,
    FILLED_TRAP,
    INTERSTITIAL,
    OXYGEN,
    TRAP,
    VACANCY,
    Species,
)
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy

A, NU = 2.6e-10, 1e13
METAL = Species("silver", 1, 1.0)


class MetalBox(SmallBox):
    """Redox with a transfer coefficient of 0.3, hops, bonds, adsorption: 64 arrangements of silver."""

    def __init__(self, alpha=0.7):
        self.lattice = Lattice.cubic((1, 2, 3), A)
        rng = np.random.default_rng(3)
        self.mechanisms = [
            hop(METAL, OXYGEN, barrier=0.5, attempt_frequency=NU),
            turn(METAL, OXYGEN, electrode="top", barrier=0.6, energy=-0.1, attempt_frequency=NU, law="linear",
                 alpha=alpha),
        ]
        self.interactions = [
            PairInteraction(METAL, METAL, -0.2),
            SiteEnergy(METAL, np.where(self.lattice.layer == 0, -0.1, 0.0)),
        ]
        self.start = np.zeros(6)
        self.fields = {
            "temperature": rng.uniform(1400, 1700, 6), "potential": rng.normal(0.0, 0.2, 6),
            "electrode_potential": (0.0, 0.4), "reservoir": (0, 8),
        }


class TrapBox(SmallBox):
    """Four-state traps that tunnel to both electrodes beside vacancies that hop."""

    def __init__(self, relaxation=1.0):
        self.lattice = Lattice.cubic((1, 2, 3), A, interstitial=True)
        rng = np.random.default_rng(4)
        n = self.lattice.n_sites
        factor = np.exp(-rng.uniform(0, 3, n))

        def capture(name, before, after, electrode):
            return Mechanism(
                name, before=(before,), after=(after,), electrode=electrode, remote=True, law="marcus",
                barrier=relaxation / 4, attempt_frequency=NU, frequency_factor=factor,
            )

        self.mechanisms = [
            hop(barrier=0.4, attempt_frequency=NU),
            capture("a", TRAP, FILLED_EXCITED_TRAP, "bottom"),
            capture("b", EXCITED_TRAP, FILLED_TRAP, "bottom"),
            capture("c", TRAP, FILLED_EXCITED_TRAP, "top"),
            turn(TRAP, EXCITED_TRAP, barrier=0.3, energy=0.1, attempt_frequency=NU),
            turn(FILLED_TRAP, FILLED_EXCITED_TRAP, barrier=0.2, energy=0.15, attempt_frequency=NU),
        ]
        self.interactions = [SiteEnergy(EMPTY, np.zeros(n)), PairInteraction(VACANCY, VACANCY, -0.1)]
        self.start = np.where(self.lattice.sublattice == 0, OXYGEN.code, EMPTY.code)
        self.start[:2] = VACANCY.code
        self.start[6:9] = TRAP.code
        self.fields = {
            "temperature": 1500.0, "potential": rng.normal(0.0, 0.1, n), "electrode_potential": (0.1, -0.2),
            "reservoir": (0, 0),
        }


class PairBox(SmallBox):
    """Frenkel pairs by three parallel ways."""

    def __init__(self, energy=0.3):
        self.lattice = Lattice.cubic((1, 2, 3), A, interstitial=True)
        rng = np.random.default_rng(5)
        n = self.lattice.n_sites

        def pair(name, barrier, energy):
            return Mechanism(name, before=(OXYGEN, EMPTY), after=(VACANCY, INTERSTITIAL), motif="pair",
                             barrier=barrier, energy=energy, attempt_frequency=NU)

        self.mechanisms = [
            hop(barrier=0.7, attempt_frequency=NU),
            hop(INTERSTITIAL, EMPTY, barrier=0.6, attempt_frequency=NU),
            pair("none", 1.4, 0.3), pair("one", 1.1, 0.3), pair("two", 0.9, energy),
        ]
        self.interactions = [PairInteraction(VACANCY, INTERSTITIAL, -0.05, motif="pair")]
        self.start = np.where(self.lattice.sublattice == 0, OXYGEN.code, EMPTY.code)
        self.fields = {
            "temperature": 1800.0, "potential": rng.normal(0.0, 0.1, n), "electrode_potential": (0.0, 0.0),
            "reservoir": (0, 0),
        }


BOXES = {"metal": (MetalBox, 0.55), "trap": (TrapBox, 1.1), "pair": (PairBox, 0.38)}


@pytest.fixture(scope="module")
def states():
    """Return what gives the states of a box by name and their rate matrix, each found once."""
    return functools.cache(lambda name: BOXES[name][0]().states())


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("share", [3.0, 100.0])
def test_states_of_a_family(states, name, share):
    """Fails with another transfer coefficient (0.55), relaxation energy (1.1 eV), or energy of one way."""
    number, matrix = states(name)
    until = share / abs(matrix[0, 0])
    expected = expm_multiply(matrix.T.tocsr() * until, np.eye(1, len(number)).ravel())
    assert expected.sum() == pytest.approx(1.0, abs=1e-9) and len(number) >= 60
    count = end_states(BOXES[name][0]().gas(), number, until, runs=3000)
    assert pooled_chi2(count, 3000 * expected) > FALSE_ALARM


@pytest.mark.parametrize("name", BOXES)
def test_a_planted_error_is_seen(states, name):
    kind, wrong = BOXES[name]
    number, matrix = states(name)
    until = 3.0 / abs(matrix[0, 0])
    expected = expm_multiply(matrix.T.tocsr() * until, np.eye(1, len(number)).ravel())
    count = end_states(kind(wrong).gas(), number, until, runs=6000)
    assert pooled_chi2(count, 6000 * expected) < 1e-4
