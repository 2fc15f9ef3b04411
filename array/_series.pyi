import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def sinh_series(
    voltage: Floats,
    amplitude: Floats,
    scale: Floats,
    saturation: Floats,
    slope_voltage: Floats,
    inner: Floats,
    current: Floats,
    slope: Floats,
) -> int: ...
