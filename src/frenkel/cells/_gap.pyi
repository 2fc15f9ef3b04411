import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]

def advance(
    gap: Floats,
    gap_min: Floats,
    gap_max: Floats,
    set_velocity: Floats,
    reset_velocity: Floats,
    turn: Floats,
    closing: Flags,
    turned: Flags,
    at: NDArray[np.intp],
    everywhere: bool,
    voltage: Floats,
    duration: float,
    drive: float,
    edge: float,
    heat: Floats,
) -> int: ...
