"""What pulses of an array make of the levels that a network asks for, with the cells of a card.

The pulses are those of ``examples/array_write_verify.toml``: in a 1T1R array the gate voltage grows from SET
to SET until a read is near the level, and a cell that has gone too far is reset. Further cells of a network
end as one of those that had a similar level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..array.columns import TransistorArray
from ..array.crosspoint import OneTransistorOneResistor, Transistor
from ..array.lines import wires
from ..cells.card import Card
from ..cells.gap_cells import CardCells
from ..cells.jumping_cells import JumpingCardCells
from ..events.clock import Clock
from ..events.controller import Controller, Timing
from ..events.programming import GateIncremental, WriteOutcome
from ..events.word_lines import TransistorWordLines, program_word_line
from ..typing import Floats, Index
from .device_statistics import DeviceStatistics
from .write_verify import ProgrammedCells

ROWS, COLUMNS = 8, 8
"""Cells that are programmed: as many levels are taken of a network (some 10 s of one core)."""

PULSES: dict[str, Any] = {
    "set_amplitude": 1.2, "reset_amplitude": -1.4, "gate_start": 0.58, "gate_step": 0.02, "gate_most": 1.0,
    "reset_gate": 3.0, "width": 100e-9, "back": 0.05, "limit": 60,
}  # fmt: skip
"""Of the example (V, s)."""

READ_VOLTAGE, SETTLING = 0.2, 10e-6
"""Of the example (V, s)."""

SIMILAR = 8
"""Programmed cells, nearest in target, of which a further cell ends as one. Chosen."""

FEWEST = 0.5
"""Of the levels that a network asks for: where fewer are levels of the cells, the cells do not have them."""


class LevelError(ValueError):
    """A network asks for levels that the cells do not have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NearLevel(GateIncremental):
    """The pulses of an array with a distance (S) in place of a tolerance that is relative to the target."""

    distance: float

    def accepts(self, conductance: float, target: float) -> bool:
        """Return whether a conductance is close enough to a target (S)."""
        return abs(conductance - target) <= self.distance


@dataclass(frozen=True, slots=True)
class ReachedLevels:
    """What became of the levels: a way to program further cells, see :meth:`write`.

    Attributes
    ----------
    target, conductance : ndarray of shape (n,)
        Of each cell (S), as read last; targets ascend.
    near : ndarray of bool
        Whether it is within the distance.
    pulses : ndarray of int
        That each took.
    idle : ndarray
        Conductances (S) of cells to which no pulse was applied.
    distance : float
        Accepted distance from a target (S).
    source : str
        Whose cells they are.
    """

    target: Floats
    conductance: Floats
    near: NDArray[np.bool_]
    pulses: Index
    idle: Floats
    distance: float
    source: str

    @property
    def fraction(self) -> float:
        """Cells that reach their level, 0 to 1."""
        return float(self.near.mean())

    @property
    def error(self) -> float:
        """Rms distance (S) of the others from theirs; 0 where there are none."""
        missed = (self.conductance - self.target)[~self.near]
        return float(np.sqrt(np.mean(missed**2))) if missed.size else 0.0

    def __str__(self) -> str:
        others = "" if self.near.all() else f"; the others miss it by {self.error * 1e6:.3g} uS rms"
        error = 100.0 * np.sqrt(self.fraction * (1.0 - self.fraction) / self.near.size)
        return (
            f"{100.0 * self.fraction:.0f} ± {error:.0f} % of the cells of {self.source} above g_min reach "
            f"their level by the pulses of array_write_verify{others}"
        )

    def write(
        self, target: Floats, statistics: DeviceStatistics, random: np.random.Generator
    ) -> ProgrammedCells:
        """Let cells end as the programmed ones did: each as one of the :data:`SIMILAR` nearest in target.

        Where that one is near its target, the distance from it is kept; elsewhere the conductance. Cells
        whose target is within the distance of g_min get no pulse. Sums over pulses and reads take the
        conductance at the end for all of them.
        """
        goal = np.ravel(target)
        # The next window of targets is nearer from the middle of its new and its old end on.
        first = np.searchsorted(0.5 * (self.target[:-SIMILAR] + self.target[SIMILAR:]), goal)
        like = first + random.integers(min(SIMILAR, self.target.size), size=goal.size)
        g = np.where(self.near[like], goal + (self.conductance - self.target)[like], self.conductance[like])
        pulses, reached = self.pulses[like], self.near[like]
        idle = np.flatnonzero(goal <= statistics.g_min + self.distance)
        g[idle] = random.choice(self.idle, idle.size)
        pulses[idle], reached[idle] = 0, np.abs(g[idle] - goal[idle]) <= self.distance
        shape = np.shape(target)
        g, pulses = g.reshape(shape), pulses.reshape(shape)
        return ProgrammedCells(
            g, pulses, pulses + 1, reached.reshape(shape), float((g * pulses).sum()),
            float((g * (pulses + 1)).sum()),
        )  # fmt: skip


def reach(card: Card, levels: Floats, distance: float, seed: int = 0) -> ReachedLevels | None:
    """Program cells of a card to levels of a network; None where the card does not know pulses.

    The result is a scheme of :meth:`frenkel.networks.chip.Chip.program`.

    Parameters
    ----------
    card : Card
        With a jump-process model, or a core for circuits.
    levels : ndarray
        Conductances that a network asks for (S); ROWS x COLUMNS of them are taken at random, none within the
        distance of the least one, at which cells of small weights stay.
    distance : float
        Accepted (S), above 0.
    seed : int
        Of cells and choice, 0 or more.

    Raises
    ------
    LevelError
        Most levels are none that the cells have.
    """
    shape, random = (ROWS, COLUMNS), np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    checks.positive("distance", distance, "S")
    flat_levels = np.ravel(levels)
    moved = flat_levels[flat_levels > flat_levels.min() + distance]
    target = np.sort(random.choice(moved if moved.size else flat_levels, ROWS * COLUMNS)).reshape(shape)
    cells = _cells(card, shape, seed)
    if cells is None:
        return None
    _check(card, cells, target, distance)
    idle, outcomes = _programmed(cells, target, distance)
    return ReachedLevels(
        target.ravel(),
        np.array([outcome.conductance for outcome in outcomes]),
        np.array([bool(outcome.reached) for outcome in outcomes]),
        np.array([outcome.pulses for outcome in outcomes]),
        idle, distance, card.name,
    )  # fmt: skip


def _cells(card: Card, shape: tuple[int, int], seed: int) -> JumpingCardCells | CardCells | None:
    """Return cells of a card in HRS; None where it does not know pulses."""
    if card.jump_law is not None:
        return JumpingCardCells.from_card(card, shape, seed)
    return CardCells.from_card(card, shape, seed) if card.core else None


def _programmed(
    cells: JumpingCardCells | CardCells, target: Floats, distance: float
) -> tuple[Floats, list[WriteOutcome]]:
    """Return what cells are read as before any pulse (S), and what became of them, word line by word line."""
    line = wires.NODES["65 nm"].segment(4.0)[0]
    transistor = OneTransistorOneResistor(transistor=Transistor(threshold=0.4, gain=300e-6))
    array = TransistorArray(cells, transistor, bit_resistance=line, source_line_resistance=line, gate_on=2.5)
    timing = Timing(read_voltage=READ_VOLTAGE, settling=SETTLING)
    controller = Controller(Clock(), TransistorWordLines(array), timing)
    scheme, outcomes = NearLevel(**PULSES, distance=distance), list[WriteOutcome]()
    current, _ = cells.current(np.full(cells.shape, READ_VOLTAGE))
    for i in range(len(target)):
        work = program_word_line(controller, i, target[i], scheme, outcomes)
        controller.clock.run(controller.clock.process(work))
    return current.ravel() / READ_VOLTAGE, outcomes


def _check(card: Card, cells: JumpingCardCells | CardCells, target: Floats, distance: float) -> None:
    """Raise LevelError where the cells have no level within the distance of most targets (S)."""
    away = np.abs(cells.nearest_level(target) - target)
    if np.mean(away <= distance) >= FEWEST:
        return
    worst = np.unravel_index(int(np.argmax(away)), away.shape)
    raise LevelError(
        f"cells of {card.name} do not have {100.0 * np.mean(away > distance):.0f} % of the levels to "
        f"{distance * 1e6:.3g} uS, such as {target[worst] * 1e6:.3g} uS, nearest to which is "
        f"{cells.nearest_level(target)[worst] * 1e6:.3g} uS"
    )
