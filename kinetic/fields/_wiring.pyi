import numpy as np
from numpy.typing import NDArray

from .green import GreenTable

class Wiring:
    nx: int
    ny: int
    nz: int
    n_hosts: int
    cut2: int
    m: int
    n_isolated: int
    n_hidden: int
    def __init__(
        self,
        shape: tuple[int, int, int],
        green: GreenTable,
        pair_conductance: NDArray[np.float64],
        contact: NDArray[np.float64],
    ) -> None: ...
    def set_modulation(
        self, factor: NDArray[np.float64], metallic: NDArray[np.float64] | None = None
    ) -> None: ...
