"""A device under a waveform as a system whose paths can be branched, and one splitting run over such."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..kinetic.device import Device
from ..kinetic.seeds import random_numbers
from ..kinetic.waveform import Waveform
from .events import Question
from .splitting import Splitting, split
from .walks import Passage, Survival, Walks

CHOICE = 3
"""First number of the stream that chooses who is branched; see `frenkel.kinetic.seeds` for the others."""


class DeviceSystem:
    """A device from its present state on, under a waveform that starts now.

    Parameters
    ----------
    device : Device
        Is used up: whatever ran last stands in it.
    waveform : Waveform
    question : Question
    pause : callable, optional
        Called before each path.
    """

    def __init__(
        self,
        device: Device,
        waveform: Waveform,
        question: Question,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self.device, self.waveform, self.question, self.pause = device, waveform, question, pause
        self.first = device.state() | {"time": 0.0}
        self.begin = device.conductance
        self.edge = question.edge(self.begin)

    def start(self) -> dict[str, Any]:
        """Return the state at time 0."""
        return self.first

    def state(self) -> dict[str, Any]:
        """Return the present state."""
        return self.device.state()

    def score(self) -> float:
        """Return how far the edge has been met; at least 0 where it has."""
        return self.question.score(self.device.conductance, self.edge)

    def go(
        self, state: dict[str, Any], time: float, stream: tuple[int, ...], look: Callable[[float], bool]
    ) -> None:
        """Go on from a state at a time (s) of the waveform; see `frenkel.rare.walks.System`."""
        self.pause()
        device, end = self.device, self.waveform.duration
        device.restore(state | {"time": time}, stream=stream, keep_solved=True)
        if look(time) or time >= end:
            return
        device.advance(
            self.waveform.rest(time), samples=2, stop=lambda device, _: look(min(device.time, end))
        )


def walks(systems: Sequence[Any], question: Question, repeat: int) -> tuple[Walks, float]:
    """Return the paths of systems that have a score, devices or cells, and the score that is their goal."""

    def system(clone: int) -> Any:
        return systems[clone % len(systems)]

    goal = goal_of(question)
    if question.what.absent:
        return Survival(system, (repeat,), lambda one: one.score() >= 0.0), goal
    return Passage(system, (repeat,), lambda one: one.score(), goal), goal


def goal_of(question: Question) -> float:
    """Return the score that counts as reached: no time is long enough where an edge must not be met."""
    return math.inf if question.what.absent else 0.0


def run(
    systems: Sequence[DeviceSystem],
    question: Question,
    seed: int,
    repeat: int,
    note: Callable[[int, float], None] = lambda stage, probability: None,
) -> Splitting:
    """Run the splitting of one repeat; it depends on the seed, its number and its devices alone."""
    process, goal = walks(systems, question, repeat)
    splitting: Splitting = split(
        process,
        goal,
        particles=question.particles,
        kill=question.kill,
        random=random_numbers(seed, repeat, CHOICE),
        floor=question.floor,
        note=note,
    )
    return splitting


def arrays(found: Splitting) -> dict[str, np.ndarray[Any, Any]]:
    """Return a repeat as arrays, as its record keeps them."""
    return {
        "probability": np.array(found.probability),
        "variance": np.array(found.variance),
        "stages": np.array(len(found.levels), np.int64),
        "hits": np.array(found.hits, np.int64),
        "complete": np.array(found.complete, np.int8),
        "level": np.array(found.levels, np.float64),
        "killed": np.array(found.killed, np.int64),
    }
