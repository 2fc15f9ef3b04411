"""Electrons between two moves of the ions: the occupation of traps that blink too fast to be followed.

While the atoms stand, the traps run through a small set of states. Their master equation gives how often
each state is visited; where it relaxes much faster than any atom moves, the rate of an atom is the mean over
the states, and an atom that moves finds each of them with its share of that mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..typing import Floats
from .lattice.species import TRAPS, VACANCIES

if TYPE_CHECKING:
    from .device import Device

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
        Share of the time in each state.
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


def of_electrons(device: Device) -> NDArray[np.bool_]:
    """Return which mechanisms of a device move electrons only: of traps, and of vacancies that hold them."""
    groups = [{kind.code for kind in kinds} for kinds in (TRAPS, VACANCIES)]
    return np.array(
        [
            len(m.before) == 1 and any({m.before[0].code, m.after[0].code} <= codes for codes in groups)
            for m in device.chemistry.mechanisms
        ]
    )


def electron_sites(device: Device) -> NDArray[np.int32]:
    """Return the sites whose electrons come and go while the atoms stand, ascending."""
    if not device.material.has("charge_states"):
        return device.chemistry.traps
    vacancies = np.isin(device.engine.codes, [state.code for state in VACANCIES])
    return np.concatenate([np.flatnonzero(vacancies).astype(np.int32), device.chemistry.traps])


def arrangement(device: Device) -> NDArray[np.int8]:
    """Return the species of the host sites, whatever electrons they hold."""
    species = device.engine.species[: device.n_hosts]
    species[np.isin(species, [state.code for state in VACANCIES])] = VACANCIES[0].code
    return species


def occupation(device: Device, source_voltage: float) -> Occupation | None:
    """Solve the master equation of the traps around the present state of the atoms.

    Parameters
    ----------
    device : Device
        Left as it is.
    source_voltage : float
        Constant source voltage (V).

    Returns
    -------
    Occupation or None
        None where the traps can reach more than `MOST_STATES` states.
    """
    traps, blinks = electron_sites(device), of_electrons(device)
    begin = device.engine.species[traps]
    states, known = [begin], {begin.tobytes(): 0}
    moves: list[tuple[int, int, float]] = []
    atoms: list[float] = []
    after = np.array([[m.before[0].code, m.after[0].code] for m in device.chemistry.mechanisms])
    try:
        while len(atoms) < len(states):
            here = len(atoms)
            become(device, states[here], traps)
            now = device.configuration()
            voltage = device.circuit.device_voltage(source_voltage, now.chord(device.circuit, source_voltage))
            now.prices.total(voltage)
            columns = now.prices.arrays()
            of_trap = blinks[columns["mechanism"]]
            atoms.append(float(columns["rate"][~of_trap].sum()))
            for k in np.flatnonzero(of_trap & (columns["rate"] > 0.0)):
                state = states[here].copy()
                forward = 1 - int(columns["direction"][k])
                state[np.searchsorted(traps, columns["site_a"][k])] = after[columns["mechanism"][k], forward]
                key = state.tobytes()
                if key not in known:
                    if len(states) == MOST_STATES:
                        return None
                    known[key] = len(states)
                    states.append(state)
                moves.append((here, known[key], float(columns["rate"][k])))
    finally:
        become(device, begin, traps)
    share, relaxation = _stationary(len(states), moves)
    return Occupation(states, share, np.array(atoms), relaxation)


def become(device: Device, state: NDArray[np.int8], sites: NDArray[np.int32] | None = None) -> None:
    """Give the traps of a device (``sites``: all that hold electrons) other states; atoms and clock stay."""
    whole = device.engine.state()
    whole["species"][electron_sites(device) if sites is None else sites] = state
    device.engine.restore(whole)


def _stationary(n: int, moves: list[tuple[int, int, float]]) -> tuple[Floats, float]:
    """Return the stationary distribution of a chain and the rate of its slowest relaxation (1/s)."""
    if n == 1:
        return np.ones(1), np.inf
    rates = np.zeros((n, n))
    for origin, target, rate in moves:
        rates[origin, target] += rate
    share = _eliminate(rates)
    generator = rates - np.diag(rates.sum(axis=1))
    values = np.sort(np.abs(np.linalg.eigvals(generator).real))
    return share, float(values[1])


def _eliminate(rates: Floats) -> Floats:
    """Return the stationary distribution without a subtraction (Grassmann, Taksar, Heyman).

    References
    ----------
    W. K. Grassmann, M. I. Taksar, D. P. Heyman, "Regenerative analysis and steady state distributions for
    Markov chains", Oper. Res. 33, 1107 (1985), doi:10.1287/opre.33.5.1107.
    """
    a = rates.copy()
    n = len(a)
    for k in range(n - 1, 0, -1):
        out = a[k, :k].sum()
        a[:k, k] /= out
        a[:k, :k] += np.outer(a[:k, k], a[k, :k])
        np.fill_diagonal(a[:k, :k], 0.0)
    share = np.zeros(n)
    share[0] = 1.0
    for k in range(1, n):
        share[k] = share[:k] @ a[:k, k]
    return np.asarray(share / share.sum())
