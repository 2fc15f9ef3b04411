from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._bond_network import BondNetwork
from ._lattice_green import LatticeGreen

MOST_CHARGE: float

class SpaceCharge:
    coulomb: float
    arrangement: int
    terms: int
    def __init__(
        self,
        network: BondNetwork,
        charge: float | Sequence[float],
        coulomb: float,
        green: LatticeGreen | None = None,
        permittivity: NDArray[np.float64] | None = None,
    ) -> None: ...
    def potential_at(self, sites: NDArray[np.int32]) -> NDArray[np.float64]: ...
    def sum_all(self, least: int) -> None: ...
    def charges(self) -> NDArray[np.float64]: ...
