"""A state at rest is left where its conductance is: what only goes to and fro is part of it.

At 0 V atoms go to neighbouring places and back, up to some 1e9 times a day, and nothing comes of it. A
jump-process model that draws the next state from jumps of states alike does not know the way back, and would
wander. So at 0 V two kinds of neighbours are part of a state: those that do not change its conductance, and
those in which it spends less than :data:`SHARE` of its own time. Together they are an absorbing Markov chain
(as in :mod:`frenkel.kinetic.superbasin`): the mean time to its exit gives the rate of leaving, its exits the
jumps.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...kinetic.device import Device
from ...kinetic.engine._chain import mean_times
from ...kinetic.superbasin import Key, Superbasin
from ...typing import Floats
from .reading import level

SHARE = 0.1
"""Of the time in a state, at every temperature, below which a neighbour is part of it."""

ALIKE = 0.02
"""Difference of ln(conductance) below which a neighbour is part of a state whatever its share."""

MOST = 24
"""States of a set."""

LEAST = 0.02
"""Chance of a visit before the exit below which a neighbour is not looked at."""


@dataclass(frozen=True, slots=True)
class Resting:
    """A state with the neighbours that are part of it.

    Attributes
    ----------
    rate : ndarray of shape (t,)
        Of leaving them all for another (1/s), from the state itself, at each temperature asked for.
    members : list
        Atoms of each, first those of the state itself, as :meth:`.Device.arrangement` gives them.
    times : ndarray of shape (m,)
        Mean time in each member until they are left (s), at the device's temperature; 0 where they never are.
    exits : list of ndarray
        Weight of each event of each member as the exit, at the device's temperature.
    """

    rate: Floats
    members: list[dict[str, Any]]
    times: Floats
    exits: list[Floats]


@dataclass(slots=True)
class _Member:
    """One arrangement: its atoms, rates of its events (t, n) and where they lead to, ln(conductance), its
    fraction of the time and the chance to come there at each temperature, in units of those of the state.
    """

    atoms: dict[str, Any]
    rate: Floats
    targets: list[Key]
    level: float
    share: Floats
    chance: Floats

    def reached(self) -> Floats:
        """Return the chance to come from here to each target at the next event, at the worst temperature."""
        total = self.rate.sum(axis=1)
        with np.errstate(invalid="ignore"):
            step = np.nan_to_num(self.rate / total[:, None])
        return np.asarray((self.chance[:, None] * step).max(axis=0, initial=0.0))

    def to(self, target: Key) -> Floats:
        """Return the rate (1/s) of going to a target, at each temperature."""
        return np.asarray(self.rate[:, [state_target == target for state_target in self.targets]].sum(axis=1))


def resting(device: Device, temperatures: tuple[float, ...], read_voltage: float) -> Resting:
    """Return the present state of a device at 0 V; the device is as before.

    Parameters
    ----------
    device : Device
    temperatures : tuple of float
        (K)
    read_voltage : float
        At which the conductance is taken (V).
    """
    # Times and exits are taken at the device's own temperature, whether it is asked for or not.
    heats = temperatures if device.temperature in temperatures else (device.temperature, *temperatures)
    heat = heats.index(device.temperature)
    with device.trial():
        members = _members(device, heats, read_voltage)
    numbers = {key: number for number, key in enumerate(members)}
    nodes, outside = list(members.values()), len(members)
    into = [np.array([numbers.get(target, outside) for target in node.targets], np.intp) for node in nodes]
    times = [_times(nodes, into, t) for t in range(len(heats))]
    rate = np.array([0.0 if row is None else 1.0 / row.sum() for row in times[-len(temperatures) :]])
    spent = times[heat]
    if spent is None:
        spent = np.zeros(outside)
    exits = [
        time * np.where(next_state == outside, node.rate[heat], 0.0)
        for time, next_state, node in zip(spent, into, nodes, strict=True)
    ]
    return Resting(rate, [node.atoms for node in nodes], spent, exits)


def leave(device: Device, found: Resting, random: np.random.Generator) -> bool:
    """Bring a device from a state to the next one by an exit that is drawn; False where there is none."""
    weights = np.concatenate(found.exits)
    if not weights.sum() > 0.0:
        return False
    chosen = int(random.choice(len(weights), p=weights / weights.sum()))
    begins = np.cumsum([0, *(len(exits) for exits in found.exits)])
    member = int(np.searchsorted(begins, chosen, side="right")) - 1
    device.arrange(**found.members[member])
    device.fire(chosen - int(begins[member]))
    return True


def rest(
    device: Device, time: float, read_voltage: float, budget: int, random: np.random.Generator
) -> int | None:
    """Let time pass at 0 V from one state with its neighbours to the next; return how often these were left.

    Each wait is exponential of the mean that the chain has; in the end the device is in a member, drawn by
    the time that it spends in each. None where they were left more often than the budget.
    """
    time_left = time
    for count in range(budget + 1):
        state = resting(device, (device.temperature,), read_voltage)
        mean = 1.0 / state.rate[0] if state.rate[0] > 0.0 else np.inf
        wait = mean * random.standard_exponential()
        _relax(device, min(wait, time_left))
        if not wait < time_left:
            if state.times.sum() > 0.0:
                share = state.times / state.times.sum()
                device.arrange(**state.members[int(random.choice(len(share), p=share))])
            return count
        time_left -= wait
        leave(device, state, random)
        device.look()
    return None


def _relax(device: Device, time: float) -> None:
    """Let the oxide relax round sites that wait, in a time (s) at 0 V, where no rate follows what it does."""
    if device.relaxation is not None:
        device.relaxation.rest(0.0)
        device.relaxation.catch_up(time, device.engine.draw)


def _members(device: Device, temperatures: tuple[float, ...], read_voltage: float) -> dict[Key, _Member]:
    """Return the present state and the neighbours that are part of it; that visited most often joins next."""
    basin = Superbasin(device, device.solver)
    ones = np.ones(len(temperatures))
    start = basin.key()
    members = {start: _member(device, basin, temperatures, read_voltage)}
    members[start].share, members[start].chance = ones, ones
    refused: set[tuple[Key, Key]] = set()
    while len(members) < MOST:
        best = _next(members, refused)
        if best is None:
            break
        origin, event = best
        before = members[origin]
        target, chance = before.targets[event], before.chance * before.rate[:, event]
        device.arrange(**before.atoms)
        device.fire(event)
        member_node = _member(device, basin, temperatures, read_voltage)
        with np.errstate(divide="ignore", invalid="ignore"):
            member_node.share = before.share * before.to(target) / member_node.to(origin)
            member_node.chance = np.nan_to_num(chance / before.rate.sum(axis=1))
        if np.all(member_node.share < SHARE) or abs(member_node.level - members[start].level) < ALIKE:
            members[target] = member_node
        else:
            refused.add((origin, target))
    return members


def _next(members: dict[Key, _Member], refused: set[tuple[Key, Key]]) -> tuple[Key, int] | None:
    """Return from which member which event leads to the neighbour that is visited most often, if any is."""
    best, place = LEAST, None
    for key, member in members.items():
        chances = member.reached()
        for k in np.flatnonzero(chances > best):
            target = member.targets[k]
            if chances[k] > best and target not in members and (key, target) not in refused:
                best, place = float(chances[k]), (key, int(k))
    return place


def _member(
    device: Device, basin: Superbasin, temperatures: tuple[float, ...], read_voltage: float
) -> _Member:
    """Return the present arrangement of a device; its share and chance are not known here."""
    solved = device.solved()
    # What holds at 0 V: where bonds obey laws, the energies of another voltage are not known here.
    events, key = solved.at(0.0), basin.key()
    rate = np.array([events.rates(0.0, heat) for heat in temperatures])
    columns = events.arrays()
    targets = [basin.target(key, columns, k) for k in range(events.n)]
    unknown = np.full(len(temperatures), np.nan)
    return _Member(device.arrangement(), rate, targets, level(solved, read_voltage), unknown, unknown)


def _times(members: list[_Member], into: list[Any], t: int) -> Floats | None:
    """Return the mean time (s) in each member until the exit, from the first; None where there is no exit."""
    n = len(members)
    chain = np.zeros((n, n + 1))
    for i, member in enumerate(members):
        np.add.at(chain[i], into[i], member.rate[t])
    return mean_times(chain[:, :n], chain[:, n])
