"""The same rare event of the cells of a card: one cell of its law of jumps as a system of paths.

A cell starts in a state of the card's own, that a RESET or a SET has left; waveform, circuit, temperature and
edge are those of the devices. So the two probabilities answer one question, and stand side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from ..cells.card import Card
from ..cells.files import CardError
from ..cells.jumps import STATES, JumpLaw
from ..cells.walk import STRIDE, JumpCells, first_share
from ..checks import whole
from ..kinetic.circuit import Circuit
from ..kinetic.seeds import random_numbers
from ..kinetic.waveform import Waveform
from ..typing import Floats
from .events import Question
from .farm import Tails
from .members import whole_waveform
from .splitting import Splitting, split
from .system import CHOICE, walks

STARTS = 4
"""First number of the stream that draws the states that cells start in; see `system.CHOICE`."""


class CardCell(JumpCells):
    """One cell under a waveform, as a system whose paths can be branched; its state is a number.

    Parameters
    ----------
    law : JumpLaw
    waveform : Waveform
    circuit : Circuit
        Series resistance and limit of the current.
    question : Question
    seed : int
        With the stream of a path it fixes every draw.
    kind : {"hrs", "lrs"}
        What the cell starts in.
    temperature : float
        (K)
    """

    def __init__(
        self,
        law: JumpLaw,
        waveform: Waveform,
        circuit: Circuit,
        question: Question,
        seed: int,
        kind: str,
        temperature: float,
    ) -> None:
        super().__init__(law, 1, seed, kind, temperature)
        self.waveform, self.question, self.seed = waveform, question, seed
        limits = [one for one in (circuit.compliance, circuit.transistor) if one is not None]
        _, self.series, self.limit = self._spread(0.0, circuit.series_resistance, min(limits, default=np.inf))
        self.place(int(self.states[0]))

    def place(self, state: int) -> None:
        """Let paths start from a state; the edge may be a share of its conductance."""
        self.first = state
        self.states[0] = state
        self.edge = self.question.edge(float(self.conductance[0]))

    def start(self) -> int:
        """Return the state at time 0."""
        return self.first

    def state(self) -> int:
        """Return the present state."""
        return int(self.states[0])

    def score(self) -> float:
        """Return how far the edge has been met; at least 0 where it has."""
        return self.question.score(float(self.conductance[0]), self.edge)

    def go(self, state: int, time: float, stream: tuple[int, ...], look: Callable[[float], bool]) -> None:
        """Go on from a state at a time (s) of the waveform; see `frenkel.rare.walks.System`."""
        self.random, self.states[0] = random_numbers(self.seed, *stream), state
        if look(time):
            return
        for begin, end, low, high in strides(self.waveform):
            while time < end:
                since = max(time, begin)
                source = low + (since - begin) / (end - begin) * (high - low)
                # A wait has no memory: each stride, and what is left of it after a jump, draws one anew.
                passed = self._wait(source, high, end - since)
                time = since + passed * (end - since) if passed < 1.0 else end
                if passed < 1.0:
                    source += passed * (high - source)
                    self.states = self._next(self.states, self._volts(source))
                    if look(min(time, self.waveform.duration)):
                        return

    def _volts(self, source: float) -> Floats:
        return self._voltage(self.states, np.array([source]), self.series, self.limit)

    def _wait(self, low: float, high: float, time: float) -> float:
        """Return the share of a stride that passes before a jump; 1 where there is none."""
        first = self._log_rate(self.states, self._volts(low))
        last = self._log_rate(self.states, self._volts(high)) if high != low else first
        return float(first_share(first, last, np.array([time]), self.random.standard_exponential(1))[0])


def strides(waveform: Waveform) -> list[tuple[float, float, float, float]]:
    """Return a waveform in parts within which ln(rate) is straight: begin, end (s), and voltages (V)."""
    found = []
    for begin, end, low, high in waveform.segments():
        number = max(math.ceil(abs(high - low) / STRIDE - 1e-9), 1)
        times, volts = np.linspace(begin, end, number + 1), np.linspace(low, high, number + 1)
        found += [(*part, *line) for part, line in zip(pairwise(times), pairwise(volts), strict=True)]
    return [tuple(float(one) for one in part) for part in found]  # type: ignore[misc]


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
        Its ``starts`` are as many states that cells start in, drawn anew for each repeat.
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
    asked = question.waveform(waveform)
    found = []
    for repeat in range(repeats):
        progress(repeat / repeats, f"card, repeat {repeat + 1}")
        cells = _cells(law, asked, circuit, question, temperature, seed, repeat)
        process, goal = walks(cells, question, repeat)
        found.append(
            split(
                process,
                goal,
                particles=question.particles,
                kill=question.kill,
                random=random_numbers(seed, repeat, CHOICE),
                floor=question.floor,
            )
        )
    return found


def beside(asked: Tails, card: Card, progress: Callable[[float, str], None]) -> list[Splitting]:
    """Return what the cells of a card say to a question that was asked of devices, see `card_tails`.

    Raises
    ------
    CardError, JumpError
        The card has no law of jumps, or cannot tell this temperature.
    """
    if card.jump_law is None:
        raise CardError(f"card {card.name} has no law of jumps")
    configuration = asked.configuration
    *_, (_, _, phase) = configuration.phases()
    return card_tails(
        card.jump_law,
        whole_waveform(phase),
        (phase.circuit or configuration.circuit).circuit(phase.compliance),
        asked.question,
        temperature=configuration.device.temperature,
        repeats=asked.repeats,
        seed=configuration.seed or 0,
        progress=progress,
    )


def _cells(
    law: JumpLaw,
    waveform: Waveform,
    circuit: Circuit,
    question: Question,
    temperature: float,
    seed: int,
    repeat: int,
) -> list[CardCell]:
    """Return a cell for each start of a repeat."""
    kind = kind_of(question)
    random = random_numbers(seed, repeat, STARTS)
    cells = []
    for _ in range(question.starts):
        cell = CardCell(law, waveform, circuit, question, seed, kind, temperature)
        ends = np.flatnonzero(law.kind == STATES.index(kind))
        cell.place(int(random.choice(ends)))
        cells.append(cell)
    return cells
