"""Paths of a system whose state can be kept and branched: towards a goal, or staying away from it.

`Passage` asks whether a score is reached before the end; its levels are scores on the way. `Survival` asks
whether something has *not* happened by the end, a pulse that fails; its levels are times. Both branch at the
very moment at which a path passes a level, from a state that was kept there.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol


class System(Protocol):
    """What runs: its state, and how it goes on from one. Times (s) are from the start of what is asked."""

    def start(self) -> Any:
        """Return the state at time 0."""
        ...

    def state(self) -> Any:
        """Return the present state."""
        ...

    def go(self, state: Any, time: float, stream: tuple[int, ...], look: Callable[[float], bool]) -> None:
        """Go on from a state at a time with random numbers of their own, until the end or until told to stop.

        Parameters
        ----------
        state
            As `start` or `state` returned it.
        time : float
            Where it stood (s); random waits are drawn again from there.
        stream : tuple of int
            Tells these random numbers from all others.
        look : callable
            ``look(time)`` is asked at once and after every event, and ends it when true.
        """
        ...


@dataclass(slots=True)
class Walk:
    """A path: its system, the largest score, and the moments at which states were kept, by rising mark."""

    system: System
    peak: float = -math.inf
    marks: list[float] = field(default_factory=list)
    kept: list[tuple[float, Any]] = field(default_factory=list)


class Walks:
    """Paths of systems, one for each particle or the same for all.

    Parameters
    ----------
    systems : callable
        ``systems(clone)`` returns what a particle of that number starts with.
    key : tuple of int
        Begins every stream; stage and clone follow.
    """

    def __init__(self, systems: Callable[[int], System], key: tuple[int, ...]) -> None:
        self.systems, self.key = systems, key

    def begin(self, clone: int) -> Walk:
        """Return a path from the start."""
        walk = Walk(self.systems(clone))
        self.run(walk, walk.system.start(), 0.0, 0, clone)
        return walk

    def branch(self, parent: Walk, level: float, stage: int, clone: int) -> Walk:
        """Return a path that leaves ``parent`` where that first exceeds the level."""
        walk = Walk(parent.system)
        time, state = self.entrance(parent, level)
        self.run(walk, state, time, stage, clone)
        return walk

    def stream(self, stage: int, clone: int) -> tuple[int, ...]:
        """Return the numbers of a stream that no other path has."""
        return *self.key, stage, clone

    def entrance(self, parent: Walk, level: float) -> tuple[float, Any]:
        """Return time and state at which a path first exceeded a level."""
        raise NotImplementedError

    def run(self, walk: Walk, state: Any, time: float, stage: int, clone: int) -> None:
        """Let a path run from a state to its end."""
        raise NotImplementedError


class Passage(Walks):
    """Whether a score reaches a goal before the end.

    Parameters
    ----------
    systems, key
        As of `Walks`.
    score : callable
        ``score(system)`` of its present state.
    goal : float
    """

    def __init__(
        self,
        systems: Callable[[int], System],
        key: tuple[int, ...],
        score: Callable[[Any], float],
        goal: float,
    ) -> None:
        super().__init__(systems, key)
        self.score, self.goal = score, goal

    def entrance(self, parent: Walk, level: float) -> tuple[float, Any]:
        return parent.kept[bisect_right(parent.marks, level)]

    def run(self, walk: Walk, state: Any, time: float, stage: int, clone: int) -> None:
        def look(now: float) -> bool:
            score = self.score(walk.system)
            if score > walk.peak:
                walk.peak = score
                walk.marks.append(score)
                walk.kept.append((now, walk.system.state()))
            return score >= self.goal

        walk.system.go(state, time, self.stream(stage, clone), look)


class Survival(Walks):
    """Whether something has not happened by the end: the score is the time without it, and infinite then.

    Parameters
    ----------
    systems, key
        As of `Walks`.
    over : callable
        ``over(system)`` tells of its present state whether it has happened. It may change with events only.
    """

    goal = math.inf

    def __init__(
        self, systems: Callable[[int], System], key: tuple[int, ...], over: Callable[[Any], bool]
    ) -> None:
        super().__init__(systems, key)
        self.over = over

    def entrance(self, parent: Walk, level: float) -> tuple[float, Any]:
        # The state of the last event before; nothing has changed since, and waits have no memory.
        return level, parent.kept[bisect_right(parent.marks, level) - 1][1]

    def run(self, walk: Walk, state: Any, time: float, stage: int, clone: int) -> None:
        walk.peak = math.inf

        def look(now: float) -> bool:
            if self.over(walk.system):
                walk.peak = now
                return True
            walk.marks.append(now)
            walk.kept.append((now, walk.system.state()))
            return False

        walk.system.go(state, time, self.stream(stage, clone), look)
