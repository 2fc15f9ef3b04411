"""The same rare event of the cells of a card: one cell of its jump-process model as a system of paths.

A cell starts in a state of the card's own, that a RESET or a SET has left; waveform, circuit, temperature and
edge are those of the devices. So the two probabilities answer one question, and stand side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from ..cells._jump_law import JumpKernel
from ..cells.card import Card
from ..cells.files import CardError
from ..cells.jump_cells import STRIDE, kernel_at
from ..cells.jumps import JumpLaw
from ..checks import whole
from ..kinetic.circuit import Circuit
from ..kinetic.seeds import random_numbers
from ..kinetic.waveform import Waveform
from .events import Question
from .farm import Tails
from .members import whole_waveform
from .splitting import Splitting, split
from .system import CHOICE, walks

STARTS = 4
"""First number of the stream that draws the states that cells start in; see `system.CHOICE`."""


class CardCell:
    """One cell under a waveform, as a system whose paths can be branched; its state is a number.

    Parameters
    ----------
    kernel : JumpKernel
        Of the card's law, at the temperature of the cell.
    waveform : Waveform
    circuit : Circuit
        Series resistance and limit of the current.
    question : Question
        Its edge may be a fraction of the conductance of the first state.
    seed : int
        With the stream of a path it fixes every draw.
    first : int
        State in the law in which paths start.
    """

    def __init__(
        self,
        kernel: JumpKernel,
        waveform: Waveform,
        circuit: Circuit,
        question: Question,
        seed: int,
        first: int,
    ) -> None:
        limits = [limit for limit in (circuit.compliance, circuit.transistor) if limit is not None]
        self._kernel, self._strides, self._duration = kernel, strides(waveform), waveform.duration
        self._circuit = (circuit.series_resistance, min(limits, default=np.inf))
        self._question, self._seed, self._first = question, seed, first
        self._state = first
        self._edge = question.edge(self._conductance())

    def start(self) -> int:
        """Return the state at time 0."""
        return self._first

    def state(self) -> int:
        """Return the present state."""
        return self._state

    def score(self) -> float:
        """Return how far the edge has been met; at least 0 where it has."""
        return self._question.score(self._conductance(), self._edge)

    def go(self, state: int, time: float, stream: tuple[int, ...], look: Callable[[float], bool]) -> None:
        """Go on from a state at a time (s) of the waveform; see `frenkel.rare.walks.System`."""
        random, self._state = random_numbers(self._seed, *stream), state
        if look(time):
            return
        for begin, end, low, high in self._strides:
            while time < end:
                since = max(time, begin)
                source = low + (since - begin) / (end - begin) * (high - low)
                # A wait has no memory: each stride, and what is left of it after a jump, draws another one.
                hazard = random.standard_exponential()
                passed = self._kernel.passage(self._state, source, high, end - since, *self._circuit, hazard)
                time = since + passed * (end - since) if passed < 1.0 else end
                if passed < 1.0:
                    source += passed * (high - source)
                    states = np.array([self._state])
                    volts = self._kernel.voltage(states, source, *self._circuit)
                    self._state = int(self._kernel.next_states(states, volts, random)[0])
                    if look(min(time, self._duration)):
                        return

    def _conductance(self) -> float:
        """Return the conductance (S) of the present state at the read voltage of the law."""
        return float(np.exp(self._kernel.law.level[self._state]))


def strides(waveform: Waveform) -> list[tuple[float, float, float, float]]:
    """Return a waveform in parts within which ln(rate) is straight: begin, end (s), and voltages (V)."""
    parts = []
    for begin, end, low, high in waveform.segments():
        number = max(math.ceil(abs(high - low) / STRIDE - 1e-9), 1)
        times, volts = np.linspace(begin, end, number + 1), np.linspace(low, high, number + 1)
        parts += [(*part, *line) for part, line in zip(pairwise(times), pairwise(volts), strict=True)]
    return [tuple(float(number) for number in part) for part in parts]  # type: ignore[misc]


def kind_of(question: Question) -> str:
    """Return what a cell starts in: what is to rise is in the high-resistance state."""
    return "hrs" if question.rises else "lrs"


def card_tails(
    law: JumpLaw,
    waveform: Waveform,
    circuit: Circuit,
    question: Question,
    *,
    temperature: float,
    repeats: int,
    seed: int,
    progress: Callable[[float, str], None] = lambda share, words: None,
) -> list[Splitting]:
    """Ask how likely an event is for a cell of a card, of all states that its cells start in.

    Parameters
    ----------
    law : JumpLaw
        Of the card.
    waveform : Waveform
        Source voltage (V) against time (s).
    circuit : Circuit
    question : Question
        Its ``starts`` are as many states that cells start in, drawn again for each repeat.
    temperature : float
        (K)
    repeats, seed : int
    progress : callable, optional
        ``progress(share, words)``.

    Returns
    -------
    list of Splitting
        One for each repeat; `frenkel.rare.tails.estimate` joins them.
    """
    whole("repeats", repeats, 1)
    course, kernel = question.waveform(waveform), kernel_at(law, temperature)
    runs = []
    for repeat in range(repeats):
        progress(repeat / repeats, f"card, repeat {repeat + 1}")
        cells = _cells(kernel, course, circuit, question, seed, repeat)
        process, goal = walks(cells, question, repeat)
        runs.append(
            split(
                process,
                goal,
                particles=question.particles,
                kill=question.kill,
                random=random_numbers(seed, repeat, CHOICE),
                floor=question.floor,
            )
        )
    return runs


def beside(asked: Tails, card: Card, progress: Callable[[float, str], None]) -> list[Splitting]:
    """Return what the cells of a card say to a question that was asked of devices, see `card_tails`.

    Raises
    ------
    CardError, JumpError
        The card has no jump-process model, or cannot tell this temperature.
    """
    if card.jump_law is None:
        raise CardError(f"card {card.name} has no jump-process model")
    configuration = asked.configuration
    *_, (_, _, phase) = configuration.phases()
    return card_tails(
        card.jump_law,
        whole_waveform(phase),
        (phase.circuit or configuration.circuit).circuit(phase.compliance),
        asked.question,
        temperature=configuration.temperature_of(phase),
        repeats=asked.repeats,
        seed=configuration.seed or 0,
        progress=progress,
    )


def _cells(
    kernel: JumpKernel, waveform: Waveform, circuit: Circuit, question: Question, seed: int, repeat: int
) -> list[CardCell]:
    """Return a cell for each start of a repeat."""
    end_states, random = kernel.law.end_states(kind_of(question)), random_numbers(seed, repeat, STARTS)
    first = [int(random.choice(end_states)) for _ in range(question.starts)]
    return [CardCell(kernel, waveform, circuit, question, seed, state) for state in first]
