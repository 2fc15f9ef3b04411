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

from .species import TRAPS

if TYPE_CHECKING:
    from .device import Device

Floats = NDArray[np.float64]
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


def of_traps(device: Device) -> NDArray[np.bool_]:
    """Return which mechanisms of a device move electrons only."""
    codes = {trap.code for trap in TRAPS}
    return np.array([m.before[0].code in codes for m in device.chemistry.mechanisms])


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
    traps, blinks = device.chemistry.traps, of_traps(device)
    begin = device.engine.species[traps]
    states, known = [begin], {begin.tobytes(): 0}
    moves: list[tuple[int, int, float]] = []
    atoms: list[float] = []
    after = np.array([[m.before[0].code, m.after[0].code] for m in device.chemistry.mechanisms])
    try:
        while len(atoms) < len(states):
            here = len(atoms)
            become(device, states[here])
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
        become(device, begin)
    share, relaxation = _stationary(len(states), moves)
    return Occupation(states, share, np.array(atoms), relaxation)


def become(device: Device, state: NDArray[np.int8]) -> None:
    """Give the traps of a device other states; atoms, clock and random numbers stay."""
    whole = device.engine.state()
    whole["species"][device.chemistry.traps] = state
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
