"""All states of a box so small that the master equation can be solved."""

import numpy as np
from gas_runs import ends
from reference import ReferenceEngine
from scipy import stats
from scipy.sparse import csr_matrix, diags

from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import EMPTY, INTERSTITIAL, OXYGEN, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy

A = 2.6e-10
FALSE_ALARM = 1e-4


def hop(moving=VACANCY, background=OXYGEN, **changes):
    values = {"barrier": 0.0, "attempt_frequency": 1.0} | changes
    return Mechanism("hop", before=(moving, background), after=(background, moving), **values)


def turn(before, after, **changes):
    values = {"barrier": 0.0, "attempt_frequency": 1.0} | changes
    return Mechanism(f"{before.name} to {after.name}", before=(before,), after=(after,), **values)


def pooled_chi2(observed, expected):
    """Return the p-value of a chi-square test with cells below 5 expected pooled."""
    small = expected < 5.0
    if small.any():
        observed = np.append(observed[~small], observed[small].sum())
        expected = np.append(expected[~small], expected[small].sum())
    if expected[-1] < 1e-9 * expected.sum():
        assert observed[-1] == 0
        observed, expected = observed[:-1], expected[:-1]
    return stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue


class SmallBox:
    """Every mechanism on six hosts and four cube centres: 1,024 states, and their master equation."""

    def __init__(self, binding=-0.1, kelvin=2000.0):
        self.lattice = Lattice.cubic((1, 2, 3), A, interstitial=True)
        rng = np.random.default_rng(11)
        n = self.lattice.n_sites
        nu = 1e13
        self.mechanisms = [
            hop(barrier=0.7, attempt_frequency=nu, crowding=(0.15, 2), heat_of_transport=0.3,
                barrier_shift=rng.normal(0.0, 0.05, n)),
            hop(INTERSTITIAL, EMPTY, barrier=0.6, attempt_frequency=nu),
            Mechanism("Frenkel pair", before=(OXYGEN, EMPTY), after=(VACANCY, INTERSTITIAL), motif="pair",
                      barrier=0.8, energy=0.15, attempt_frequency=nu, dipole=A, floor=0.7),
            turn(OXYGEN, VACANCY, electrode="top", barrier=0.8, energy=0.1, attempt_frequency=nu,
                 dipole=A / 2),
            turn(INTERSTITIAL, EMPTY, electrode="bottom", barrier=0.7, energy=-0.05, attempt_frequency=nu,
                 law="linear", alpha=0.3),
        ]
        self.interactions = [
            PairInteraction(VACANCY, VACANCY, binding),
            PairInteraction(VACANCY, INTERSTITIAL, -0.05, motif="pair"),
            PairInteraction(INTERSTITIAL, INTERSTITIAL, 0.05),
            SiteEnergy(VACANCY, rng.normal(0.0, 0.05, n)),
        ]
        self.start = np.where(self.lattice.sublattice == 0, OXYGEN.code, EMPTY.code)
        self.start[:3] = VACANCY.code
        self.fields = {
            "temperature": kelvin * rng.uniform(0.85, 1.15, n), "potential": rng.normal(0.0, 0.1, n),
            "electrode_potential": (0.05, -0.1), "reservoir": (0, 1),
        }

    def gas(self, **changes):
        arguments = self.fields | {"interactions": self.interactions, "seed": 21, "cache": 2000} | changes
        return LatticeGas(self.lattice, self.mechanisms, self.start, **arguments)

    def states(self):
        """Return the number of every state that can be reached, and the rate matrix.

        The reservoirs are part of the state: oxygen in lattice and electrodes together is conserved.
        """
        reference = ReferenceEngine(self.gas(), self.interactions)
        first = (tuple(reference.species), self.fields["reservoir"])
        number, rows, todo = {first: 0}, [], [first]
        for state in todo:
            reference.species = list(state[0])
            reference.reservoir = dict(zip(("bottom", "top"), state[1], strict=True))
            for move in [move for site in range(self.lattice.n_sites) for move in reference.moves(site)]:
                if move is None:
                    continue
                rate = reference.rate(move)[0]
                mechanism, reservoir = self.mechanisms[move[0]], list(state[1])
                sites = move[2:] if move[3] >= 0 else move[2:3]
                reference._place(mechanism, move[1], sites)
                if mechanism.electrode is not None and not mechanism.remote:
                    reservoir[("bottom", "top").index(mechanism.electrode)] += 1 - 2 * move[1]
                new = (tuple(reference.species), tuple(reservoir))
                reference._place(mechanism, 1 - move[1], sites)
                if new not in number:
                    number[new] = len(number)
                    todo.append(new)
                rows.append((number[state], number[new], rate))
        i, j, rate = (np.array(part) for part in zip(*rows, strict=True))
        matrix = csr_matrix((rate, (i, j)), shape=(len(number),) * 2)
        return number, matrix - diags(np.asarray(matrix.sum(axis=1)).ravel())


def end_states(gas, number, until, runs=6000, **how):
    """Count the states in which runs of a given duration end."""
    count = np.zeros(len(number))
    engine = gas.engine
    for end in ends(gas, runs, until, lambda: (tuple(engine.species.tolist()), engine.reservoir), **how):
        count[number[end]] += 1
    return count
