"""Read margin of a passive array against its size."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from ..array.crossbar import Crossbar
from ..array.crosspoint import Crosspoint
from ..array.lines import bias as biases
from ..cells.core import GapCore
from ..cells.gap_cells import CardCells
from ..cells.interface import Cells
from ..cells.resistors import LinearCells
from ..configuration.array import CardCellsSection, LinearCellsSection, MarginPhase
from ..configuration.base import ConfigurationError
from .assembled import AssembledArray

Beside = Callable[[tuple[int, int]], Crosspoint]
"""Makes what stands beside the cells of an array of some shape."""


def margins(assembled: AssembledArray, phase: MarginPhase, say: Callable[[float], None]) -> dict[str, Any]:
    """Return read margins by crossing, scheme and size, under the names of the file.

    The cell furthest from driver and sense amplifier is read. All others are in LRS, or all are in HRS; the
    margin is 1 - I_HRS/I_LRS of the sensed line with the worse pattern for each of them. It is negative where
    a cell in HRS among cells in LRS draws more than one in LRS among cells in HRS.
    """
    crossings: dict[str, tuple[Beside, float]] = {"cell alone": (assembled.direct, phase.voltage)}
    if assembled.configuration.array.selector is not None:
        crossings["with selector"] = (assembled.selector, phase.selector_voltage or phase.voltage)
    table = np.empty((len(crossings), len(phase.schemes), len(phase.sizes)))
    read_cells, total = 0, sum(size**2 for size in phase.sizes) * table.shape[0] * table.shape[1]
    for k, size in enumerate(phase.sizes):
        for at, ((beside, voltage), scheme) in enumerate(product(crossings.values(), phase.schemes)):
            table[*divmod(at, len(phase.schemes)), k] = margin(assembled, size, beside, voltage, scheme)
            read_cells += size**2
            say(read_cells / total)
    return {
        "crossing": list(crossings),
        "scheme": list(phase.schemes),
        "size": np.array(phase.sizes, np.int64),
        "read_margin": table,
    }


def margin(assembled: AssembledArray, size: int, beside: Beside, voltage: float, scheme: str) -> float:
    """Return the read margin of one size, in the worse of both patterns for either state."""
    shape, cell = (size, size), (0, size - 1)

    def sensed(own: str, others: str) -> float:
        """Return the current out of the bit line (A) of the furthest cell."""
        cells = two_state(assembled, shape, cell, own, others)
        array = Crossbar(cells, assembled.lines(shape), beside(shape))
        return float(array.solve(biases.select(shape, cell, voltage, scheme)).sensed[cell[1]])

    low, high = ([sensed(own, others) for others in ("lrs", "hrs")] for own in ("lrs", "hrs"))
    return 1.0 - max(high) / min(low)


def two_state(
    assembled: AssembledArray, shape: tuple[int, int], cell: tuple[int, int], own: str, others: str
) -> Cells:
    """Return cells that are all in one state but for one."""
    section = assembled.configuration.cells
    if isinstance(section, LinearCellsSection):
        values = np.full(shape, 1.0 / getattr(section, others))
        values[cell] = 1.0 / getattr(section, own)
        return LinearCells(values)
    if not isinstance(section, CardCellsSection):
        raise ConfigurationError(f"a margin needs cells of kind linear or card, got {section.kind}")
    card = assembled.card(section)
    medians = {name: float(np.median(values)) for name, values in card.sample(200, 5, assembled.seed).items()}
    cells = CardCells(GapCore.of(card), medians, shape)
    least, most = cells.window()
    state = {"lrs": most[0, 0], "hrs": least[0, 0]}
    values = np.full(shape, state[others])
    values[cell] = state[own]
    cells.program(values)
    return cells
