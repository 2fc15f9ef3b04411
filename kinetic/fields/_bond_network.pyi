import numpy as np
from numpy.typing import NDArray

from ._lattice_green import LatticeGreen

class BondNetwork:
    green: LatticeGreen
    m: int
    capacity: int
    def __init__(
        self,
        green: LatticeGreen,
        pair_conductance: NDArray[np.float64],
        contact: NDArray[np.float64],
        pair_law: NDArray[np.intc] | None = None,
        contact_law: NDArray[np.intc] | None = None,
        pair_kind: NDArray[np.intc] | None = None,
        shadow2: int = 255,
    ) -> None: ...
    def set_kinds(self, kinds: NDArray[np.int8]) -> None: ...
    def set_modulation(
        self, factor: NDArray[np.float64], metallic: NDArray[np.float64] | None = None
    ) -> None: ...
