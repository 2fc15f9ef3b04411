"""What pulses of an array make of the levels that a network asks for, with the cells of a card.

The pulses are those of ``examples/array_write_verify.toml``: in a 1T1R array the gate voltage grows from SET
to SET until a read is near the level, and a cell that has gone too far is reset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

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
from ..typing import Floats

ROWS, COLUMNS = 8, 8
"""Cells that are programmed: as many levels are taken of a network (some 10 s of one core)."""

PULSES: dict[str, Any] = {
    "set_amplitude": 1.2, "reset_amplitude": -1.4, "gate_start": 0.58, "gate_step": 0.02, "gate_most": 1.0,
    "reset_gate": 3.0, "width": 100e-9, "back": 0.05, "limit": 60,
}  # fmt: skip
"""Of the example (V, s)."""

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
class Reached:
    """What became of the levels.

    Attributes
    ----------
    target, conductance : ndarray of shape (n,)
        Of each cell (S), as read last.
    near : ndarray of bool
        Whether it is within the distance.
    source : str
        Whose cells they are.
    """

    target: Floats
    conductance: Floats
    near: np.ndarray[tuple[int], np.dtype[np.bool_]]
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


def reach(card: Card, levels: Floats, distance: float, seed: int = 0) -> Reached | None:
    """Program cells of a card to levels of a network; None where the card does not know pulses.

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
    target = random.choice(moved if moved.size else flat_levels, shape)
    cells: JumpingCardCells | CardCells
    if card.jump_law is not None:
        cells = JumpingCardCells.from_card(card, shape, seed)
    elif card.core:
        cells = CardCells.from_card(card, shape, seed)
    else:
        return None
    _check(card, cells, target, distance)
    node = wires.NODES["65 nm"]
    line = node.segment(4.0)[0]
    transistor = OneTransistorOneResistor(transistor=Transistor(threshold=0.4, gain=300e-6))
    array = TransistorArray(cells, transistor, bit_resistance=line, source_line_resistance=line, gate_on=2.5)
    controller = Controller(Clock(), TransistorWordLines(array), Timing(read_voltage=0.2))
    scheme, outcomes = NearLevel(**PULSES, distance=distance), list[WriteOutcome]()
    for i in range(ROWS):
        work = program_word_line(controller, i, target[i], scheme, outcomes)
        controller.clock.run(controller.clock.process(work))
    conductances = np.array([outcome.conductance for outcome in outcomes])
    reached = np.array([bool(outcome.reached) for outcome in outcomes])
    return Reached(target.ravel(), conductances, reached, card.name)


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
