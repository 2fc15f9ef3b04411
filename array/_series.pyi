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
def cross(
    cells: Floats,
    lines: Floats,
    resistance: Floats,
    i: int,
    j: int,
    n: int,
    source: Floats,
    rest: Floats,
    amplitude: float,
    voltage: Floats,
    found: Floats,
    line: Floats,
    work: Floats,
    close: float,
    most: int,
) -> int: ...
def meet(
    open_voltage: float,
    resistance: float,
    a: float,
    v0: float,
    saturation: float,
    vs: float,
    start: float,
) -> tuple[float, float, float] | None: ...
