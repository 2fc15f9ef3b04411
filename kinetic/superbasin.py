"""Superbasins of a device: arrangements that it goes to and fro between, left by one exact step.

A pair that flickers through a wait of years would cost all of its hops. Every state of the set is solved with
its own fields, so that rates are those of a run event by event. At a constant source voltage the set is an
absorbing Markov chain: when and from where it is left is drawn from the exact law (see `engine._chain`), the
event that leaves it from all others of that state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..typing import Floats
from .engine._chain import Chain
from .solver import Solved, Solver
from .state import IS_DEFECT, DeviceState

Key = tuple[bytes, tuple[int, ...]]
"""Species of all sites and atoms in both electrodes: what tells arrangements apart."""

MOST = 16
"""States of a set, as many as `_chain` takes."""
SHARE = 0.01
"""Least fraction of a state's total rate that makes an event part of a set."""
GAIN = 10.0
"""Events that a set must save per state of it: about what its law costs, with a field solution for each."""
WINDOWS = ((24, 4), (64, MOST))
"""After so many events with at most so many arrangements among them a set is looked for."""
PAUSE = 256
"""Events before the next look after a set that was not worth it."""
MOST_KEPT = 64
"""Solved states that are kept between two looks."""
NONE, RELAXES = -1, -2
"""What leaves a set in place of an event: nothing in this time, or the oxide, which relaxes in it."""


@dataclass(frozen=True, slots=True)
class BasinState:
    """One state of a set: its atoms, solved fields, the rates of its events, and where the fast ones lead."""

    atoms: dict[str, NDArray[Any]]
    now: Solved
    voltage: float
    rate: Floats
    fast: dict[int, Key]


class Superbasin:
    """Looks for sets of states in a run of a device, and leaves them.

    Parameters
    ----------
    state : DeviceState
    solver : Solver
        Of this device.

    Attributes
    ----------
    ready : bool
        Whether the last events visited few arrangements, so that `leave` is worth a try.
    exits : int
        Sets left or waited in so far.
    skipped : float
        Mean number of events that they stand for.
    """

    def __init__(self, state: DeviceState, solver: Solver) -> None:
        self.state, self.solver = state, solver
        self.law = Chain()
        self.visited: list[Key] = []
        self.members: dict[tuple[Key, float], BasinState] = {}
        self.ready, self.pause, self.factor = False, 0, state.bond_factor
        self.exits, self.skipped = 0, 0.0
        mechanisms = state.chemistry.mechanisms
        self.codes = [[[s.code for s in m.before], [s.code for s in m.after]] for m in mechanisms]
        electrode_codes = {None: -1, "bottom": 0, "top": 1}
        self.holder = [
            -1 if m.remote else electrode_codes[m.electrode] + 2 * m.second_stock for m in mechanisms
        ]

    def key(self) -> Key:
        """Return what tells the present arrangement from others."""
        engine = self.state.engine
        return engine.species.tobytes(), engine.reservoir

    def observe(self) -> None:
        """Take note of the arrangement after an event; `ready` when the last ones were few."""
        self.pause -= 1
        if self.pause > 0:
            return
        self.visited.append(self.key())
        for length, most_states in WINDOWS:
            if len(self.visited) == length and len(set(self.visited)) <= most_states:
                self.ready = True
        if self.ready or len(self.visited) == WINDOWS[-1][0]:
            self.visited.clear()

    def leave(self, source: float, span: float) -> tuple[float, Solved, float, int] | None:
        """Pass the time in the set around the present arrangement, at a constant source voltage (V).

        Returns
        -------
        tuple or None
            Time (s) to the exit or ``span``, fields and voltage (V) of the state then, which the device is
            brought to, and the event that leaves it, or `NONE` or `RELAXES`. None where no set is worth it;
            the device is as before.
        """
        if self.factor is not self.state.bond_factor:
            self.factor = self.state.bond_factor
            self.members.clear()  # the oxide has relaxed
        # The set and its chain: rates between its states, and out of each.
        with self.state.trial():
            members = self._explore(source)
        keys = list(members)
        rates, inner, leave = self._chain(list(members.values()), keys)
        relaxes = self._relaxes(list(members.values()), source)
        leave = leave + relaxes

        # Worth the step only where it saves more events than the states cost to solve.
        worth = len(keys) > 1 and leave.sum() > 0.0
        events = self.law.mean_events(inner, leave) if worth else 0.0
        if events < GAIN * len(keys):
            self.ready, self.pause = False, PAUSE
            return None

        # When and from which state the set is left, by the exact law of the chain; the device goes there.
        elapsed, number, left = self.law.leave_by(inner, leave, span, self.state.engine.bit_generator)
        member = members[keys[number]]
        self.state.arrange(**member.atoms)
        self.exits += 1
        self.skipped += events
        if not left:
            return span, member.now, member.voltage, NONE

        # By which event: of all that lead out of the set from that state, by their rates.
        self.ready = events > 10.0 * GAIN * len(keys)  # likely again one of many exits out of the same place
        mark = np.cumsum(rates[number])
        threshold = self.state.engine.draw() * (mark[-1] + relaxes[number])
        if relaxes[number] and threshold >= mark[-1]:
            return elapsed, member.now, member.voltage, RELAXES
        chosen = int(np.searchsorted(mark, threshold, side="right"))
        return elapsed, member.now, member.voltage, min(chosen, int(np.flatnonzero(rates[number])[-1]))

    def _relaxes(self, members: list[BasinState], source: float) -> Floats:
        """Return the rate at which the oxide relaxes in each state (1/s); 0 at 0 V, where no rate sees it."""
        relaxation, rates = self.state.relaxation, np.zeros(len(members))
        if relaxation is not None and source != 0.0:
            held, hosts = relaxation.held, self.state.n_hosts
            for i, member in enumerate(members):
                waiting = IS_DEFECT[member.atoms["species"][:hosts]] != held
                rates[i] = relaxation.rate * np.count_nonzero(waiting)
        return rates

    def _explore(self, source: float) -> dict[Key, BasinState]:
        """Return the set around the present arrangement: the states it reaches most readily, up to 16."""
        start = self.key()
        members = {start: self._member(start, source)}
        while len(members) < MOST:
            # The state that some member goes to with the largest fraction of its events joins next.
            best, origin, event = 0.0, start, -1
            for key, member in members.items():
                total = float(member.rate.sum())
                for k, target in member.fast.items():
                    share = float(member.rate[k]) / total
                    if target not in members and share > best:
                        best, origin, event = share, key, k
            if event < 0:
                break
            # It is reached by the event itself, so that the engine holds what a run would find there.
            target = members[origin].fast[event]
            neighbour = self.members.get((target, source))
            if neighbour is None:
                self.state.arrange(**members[origin].atoms)
                self.state.engine.catalogue()
                self.state.engine.fire(event)
                neighbour = self._member(target, source)
            members[target] = neighbour
        return members

    def _member(self, key: Key, source: float) -> BasinState:
        """Return the present arrangement as a member, kept from before or solved."""
        stored = self.members.get((key, source))
        if stored is not None:
            return stored
        solution = self.solver.solved()
        voltage = solution.device_voltage(self.state.circuit, source)
        events = solution.at(voltage)
        total = events.total(voltage)
        columns = events.arrays()
        fast_targets = {
            int(k): self.target(key, columns, int(k))
            for k in np.flatnonzero((columns["rate"] >= SHARE * total) & (columns["rate"] > 0.0))
        }
        if len(self.members) >= MOST_KEPT:
            self.members.clear()
        member = BasinState(self.state.arrangement(), solution, voltage, columns["rate"], fast_targets)
        self.members[key, source] = member
        return member

    def target(self, key: Key, columns: dict[str, Any], k: int) -> Key:
        """Return the arrangement that event ``k`` leads to."""
        species, held = bytearray(key[0]), list(key[1])
        mechanism, reverse = int(columns["mechanism"][k]), int(columns["direction"][k])
        sites = (int(columns["site_a"][k]), int(columns["site_b"][k]))
        for site, code in zip(sites, self.codes[mechanism][1 - reverse], strict=False):
            species[site] = code
        if self.holder[mechanism] >= 0:
            held[self.holder[mechanism]] += 1 - 2 * reverse
        return bytes(species), tuple(held)

    def _chain(self, members: list[BasinState], keys: list[Key]) -> tuple[list[Floats], Floats, Floats]:
        """Return each state's rates out of the set by event, rates between states, and their sums (1/s)."""
        number = {key: i for i, key in enumerate(keys)}
        inner, leaving = np.zeros((len(keys), len(keys))), []
        for i, member in enumerate(members):
            rate = member.rate.copy()
            for k, target in member.fast.items():
                if target in number:
                    inner[i, number[target]] += rate[k]
                    rate[k] = 0.0
            leaving.append(rate)
        return leaving, inner, np.array([rate.sum() for rate in leaving])
