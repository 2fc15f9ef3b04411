"""Cells of a law of jumps at rest, which stand for programmed ones as time passes."""

import numpy as np

from ..cells.jump_cells import JumpCells
from ..cells.jumps import STATES, JumpError, JumpLaw
from ..cells.relaxed import RelaxedCells

TIMES = (1.0, 1e1, 1e2, 1e3, 1e4, 86_400.0)
"""Times (s) after programming, up to the day that devices of examples/ensemble_jumps.toml rest."""

CELLS = 150
"""Of each end state."""


def told(law: JumpLaw) -> bool:
    """Return whether a law tells what rest does: it holds end states, and jumps by which they are left."""
    return bool(np.any(law.kind >= 0) and law.before.size)


def of_jumps(law: JumpLaw, temperature: float | None = None, cells: int = CELLS) -> RelaxedCells:
    """Return cells of a law that RESET and SET have left, and what becomes of them at 0 V.

    Parameters
    ----------
    law : JumpLaw
    temperature : float, optional
        (K); default: the first at which the rates were read.
    cells : int
        Of each end state, always from the same seed.

    Raises
    ------
    JumpError
        The law holds no end state, no jumps, or not this temperature.
    """
    if not told(law):
        lacking = "jump" if np.any(law.kind >= 0) else "end state"
        raise JumpError(f"the law of jumps holds no {lacking}, so it cannot tell what rest does")
    start, later = [], []
    for seed, state in enumerate(STATES):
        if not np.any(law.kind == seed):
            continue
        resting = JumpCells(law, cells, seed, state, temperature)
        start.append(resting.conductance)
        reads = []
        for wait in np.diff(TIMES, prepend=0.0):
            resting.hold(0.0, wait)
            reads.append(resting.conductance)
        later.append(np.stack(reads, axis=1))
    first = np.concatenate(start)
    order = np.argsort(first, kind="stable")
    return RelaxedCells(first[order], np.array(TIMES), np.concatenate(later)[order])
