import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def transistor_series(
    bit: Floats,
    source: Floats,
    gate: Floats,
    amplitude: Floats,
    v0: Floats,
    threshold: float,
    gain: float,
    slope_factor: float,
    unit: float,
    inner: Floats,
    current: Floats,
    slope: Floats,
    d_drain: Floats,
    d_source: Floats,
) -> int: ...
def ladders(block: Floats, wire: Floats, x: Floats) -> None: ...
