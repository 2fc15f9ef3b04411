from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

def hold(
    state: Ints,
    hazard: Floats,
    at: NDArray[np.intp],
    place: Floats,
    left: Floats,
    count: Ints,
    log_rates: Floats,
    rows: Ints,
    after: Ints,
    marks: Floats,
    bit_generator: Any,
    most: int,
    once: bool,
) -> int: ...
