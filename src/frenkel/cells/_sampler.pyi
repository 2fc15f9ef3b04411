"""Types of the compiled sampler of cards."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[Any]]

def widest() -> int: ...
def cycles(
    noise: Array,
    which: Whole,
    history: Array,
    weights: Array,
    locations: Array,
    spreads: Array,
    knots: Array,
    tables: Array,
    slopes: Array,
    guide: Whole,
    signs: Array,
    logarithmic: Whole,
    out: Array,
) -> None: ...
