"""Electrons between two moves of the ions: the occupation of traps that switch too fast to be followed.

While the atoms stand, the traps run through a small set of states. Their master equation gives how often
each state is visited; where it relaxes much faster than any atom moves, the rate of an atom is the mean over
the states, and an atom that moves finds each of them with its fraction of that mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..typing import Floats
from .engine._chain import stationary
from .lattice.species import TRAPS, VACANCIES
from .solver import Solver
from .state import DeviceState

MOST_STATES = 64
FASTER = 100.0
"""How much faster the slowest relaxation of the traps must be than the mean rate of all atoms."""


@dataclass(frozen=True, slots=True)
class Occupation:
    """Stationary occupation of the traps at a constant source voltage.

    Attributes
    ----------
    states : list of ndarray of int8
        Species of the traps in each state.
    share : ndarray of shape (n_states,)
        Fraction of the time in each state.
    atoms : ndarray of shape (n_states,)
        Total rate of the atoms' events in each state (1/s).
    relaxation : float
        Rate of the slowest relaxation of the traps (1/s); infinite with one state.
    """

    states: list[NDArray[np.int8]]
    share: Floats
    atoms: Floats
    relaxation: float

    @property
    def rate(self) -> float:
        """Mean rate of all events of atoms (1/s)."""
        return float(self.share @ self.atoms)

    @property
    def fast(self) -> bool:
        """Whether the traps relax `FASTER` times as fast as atoms move."""
        return self.relaxation >= FASTER * self.rate


def moves_electrons(state: DeviceState) -> NDArray[np.bool_]:
    """Return which mechanisms of a device move electrons only: of traps, and of vacancies that hold them."""
    groups = [{kind.code for kind in kinds} for kinds in (TRAPS, VACANCIES)]
    return np.array(
        [
            len(m.before) == 1 and any({m.before[0].code, m.after[0].code} <= codes for codes in groups)
            for m in state.chemistry.mechanisms
        ]
    )


def electron_sites(state: DeviceState) -> NDArray[np.int32]:
    """Return the sites whose electrons come and go while the atoms stand, ascending."""
    if not state.material.has("charge_states"):
        return state.chemistry.traps
    vacancies = np.isin(state.engine.codes, [kind.code for kind in VACANCIES])
    return np.concatenate([np.flatnonzero(vacancies).astype(np.int32), state.chemistry.traps])


def without_electrons(state: DeviceState) -> NDArray[np.int8]:
    """Return the species of all sites as if no trap and no vacancy held an electron."""
    species = state.engine.species
    species[state.chemistry.traps] = TRAPS[0].code
    species[np.isin(species, [kind.code for kind in VACANCIES])] = VACANCIES[0].code
    return species


def set_electrons(state: DeviceState, codes: NDArray[np.int8]) -> None:
    """Give `electron_sites` of a device other electrons; atoms and clock stay."""
    species = state.engine.species
    species[electron_sites(state)] = codes
    state.arrange(species=species)


def occupation(state: DeviceState, solver: Solver, source_voltage: float) -> Occupation | None:
    """Solve the master equation of the traps around the present state of the atoms.

    Parameters
    ----------
    state : DeviceState
        Left as it is.
    solver : Solver
        Of this device.
    source_voltage : float
        Constant source voltage (V).

    Returns
    -------
    Occupation or None
        None where the traps can reach more than `MOST_STATES` states.
    """
    sites, electronic = electron_sites(state), moves_electrons(state)
    species = state.engine.species
    states, number = [species[sites]], {species[sites].tobytes(): 0}
    moves: list[tuple[int, int, float]] = []
    atoms: list[float] = []
    after = np.array([[m.before[0].code, m.after[0].code] for m in state.chemistry.mechanisms])
    with state.trial():
        # Breadth first: every state that is found is solved once, in its own fields; its events lead on.
        while len(atoms) < len(states):
            atom_count = len(atoms)
            species[sites] = states[atom_count]
            state.arrange(species=species)
            solution = solver.solved()
            voltage = solution.device_voltage(state.circuit, source_voltage)
            solution.at(voltage).total(voltage)
            columns = solution.at(voltage).arrays()
            of_electron = electronic[columns["mechanism"]]
            atoms.append(float(columns["rate"][~of_electron].sum()))
            for k in np.flatnonzero(of_electron & (columns["rate"] > 0.0)):
                target = states[atom_count].copy()
                forward = 1 - int(columns["direction"][k])
                target[np.searchsorted(sites, columns["site_a"][k])] = after[columns["mechanism"][k], forward]
                key = target.tobytes()
                if key not in number:
                    if len(states) == MOST_STATES:
                        return None
                    number[key] = len(states)
                    states.append(target)
                moves.append((atom_count, number[key], float(columns["rate"][k])))
    share, relaxation = _stationary(len(states), moves)
    return Occupation(states, share, np.array(atoms), relaxation)


def _stationary(n: int, moves: list[tuple[int, int, float]]) -> tuple[Floats, float]:
    """Return the stationary distribution of a chain and the rate of its slowest relaxation (1/s)."""
    if n == 1:
        return np.ones(1), np.inf
    rates = np.zeros((n, n))
    for origin, target, rate in moves:
        rates[origin, target] += rate
    generator = rates - np.diag(rates.sum(axis=1))
    values = np.sort(np.abs(np.linalg.eigvals(generator).real))
    return stationary(rates), float(values[1])
