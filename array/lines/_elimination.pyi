import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def eliminate(
    conductance: Floats,
    word_wires: Floats,
    bit_wires: Floats,
    left: Floats,
    right: Floats,
    top: Floats,
    bottom: Floats,
    out: Floats,
) -> bool: ...
