"""Retention of cells of a jump-process model at zero bias, for the programmed cells of a network."""

import numpy as np

from ..cells.jump_cells import JumpCells
from ..cells.jumps import STATES, JumpError, JumpLaw
from ..cells.relaxed import RelaxedCells

TIMES = (1.0, 1e1, 1e2, 1e3, 1e4, 86_400.0)
"""Times (s) after programming, up to the day for which examples/ensemble_jumps.toml leaves its devices."""

CELLS = 150
"""Of each end state."""


def is_described(law: JumpLaw) -> bool:
    """Return whether a law describes retention: it holds end states, and jumps by which they are left."""
    return bool(np.any(law.kind >= 0) and law.before.size)


def simulate(law: JumpLaw, temperature: float | None = None, cells: int = CELLS) -> RelaxedCells:
    """Return conductances of cells of a law that RESET and SET have left, and those after times at 0 V.

    Parameters
    ----------
    law : JumpLaw
    temperature : float, optional
        (K); default: the first at which the rates were read.
    cells : int
        Number of cells of each end state, always from the same seed.

    Raises
    ------
    JumpError
        The law holds no end state, no jumps, or not this temperature.
    """
    if not is_described(law):
        lacking = "jump" if np.any(law.kind >= 0) else "end state"
        raise JumpError(f"the jump-process model holds no {lacking}, so it cannot tell what rest does")
    start, later = [], []
    for seed, state in enumerate(STATES):
        if not np.any(law.kind == seed):
            continue
        stored = JumpCells(law, cells, seed, state, temperature)
        start.append(stored.conductance)
        reads = []
        for wait in np.diff(TIMES, prepend=0.0):
            stored.hold(0.0, wait)
            reads.append(stored.conductance)
        later.append(np.stack(reads, axis=1))
    first = np.concatenate(start)
    order = np.argsort(first, kind="stable")
    return RelaxedCells(first[order], np.array(TIMES), np.concatenate(later)[order])
