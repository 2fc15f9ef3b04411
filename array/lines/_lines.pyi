import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def factor(shunt: Floats, coupling: Floats, work: Floats, inverse: Floats, lower: Floats) -> bool: ...
def conjugate(
    conductance: Floats,
    word_inverse: Floats,
    word_lower: Floats,
    bit_inverse: Floats,
    bit_lower: Floats,
    word_rhs: Floats,
    bit_rhs: Floats,
    word: Floats,
    bit: Floats,
    work: Floats,
    tolerance: float,
    floor: float,
    limit: int,
) -> tuple[int, float, float]: ...
