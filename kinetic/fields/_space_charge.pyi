import numpy as np
from numpy.typing import NDArray

from ._bond_network import BondNetwork

MOST_CHARGE: float

class SpaceCharge:
    charge: float
    coulomb: float
    arrangement: int
    terms: int
    def __init__(self, network: BondNetwork, charge: float, coulomb: float) -> None: ...
    def potential_at(self, sites: NDArray[np.int32]) -> NDArray[np.float64]: ...
    def charges(self) -> NDArray[np.float64]: ...
