import numpy as np
from numpy.typing import NDArray

from ..mechanisms.lineshape import Lineshape
from .tables import Compiled

def multiphonon(shape: Lineshape, energy: float, kt: float) -> float: ...
def activation(law: int, barrier: float, energy: float, share: float) -> float: ...

class Rates:
    n_sites: int
    n_mechanisms: int
    n_codes: int
    n_counts: int
    n_channels: int
    n_motifs: int
    width: int
    def __init__(
        self,
        tables: Compiled,
        species: NDArray[np.int8],
        electrode: NDArray[np.int8],
        count: NDArray[np.uint8],
    ) -> None: ...
    def set_fields(
        self, potential: NDArray[np.float64], kt: NDArray[np.float64], bottom: float, top: float
    ) -> None: ...
    def hop_by_counts(self, a: int, b: int) -> NDArray[np.float64]: ...
