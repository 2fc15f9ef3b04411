import numpy as np
from numpy.typing import NDArray

from ...typing import Floats
from ._lattice_green import LatticeGreen

def responses(rate: Floats, power: int, time: float) -> Floats: ...

class SiteWindow:
    place: NDArray[np.intp]
    def __init__(
        self, mode_x: Floats, mode_y: Floats, mode_z: Floats, sites: NDArray[np.integer]
    ) -> None: ...
    def at(self, field: Floats) -> Floats: ...
    def modes(self, values: Floats, field: Floats) -> None: ...

class Bonds:
    n: int
    def __init__(self, matrix: Floats) -> None: ...
    def times(self, theta: Floats) -> Floats: ...

class ShiftedHeat:
    def __init__(
        self,
        window: SiteWindow,
        nodes: NDArray[np.int32],
        bonds: Bonds,
        inverse: Floats,
        mean: Floats,
        green: LatticeGreen,
        change: Floats,
        columns: int,
    ) -> None: ...
    def solve(self, vector: Floats) -> Floats: ...

def krylov(
    shifted: ShiftedHeat,
    read: SiteWindow,
    source: Floats,
    mass: Floats,
    sigma: float,
    *,
    power: int,
    watched: Floats,
    tolerance: float,
    most: int,
    first: int,
    exhausted: float,
) -> tuple[Floats, Floats, Floats, Floats, float]: ...
