import numpy as np
from numpy.typing import NDArray

from ._nonlinear import Nonlinear

MOST_CHARGE: float

class SpaceCharge(Nonlinear):
    arrangement: int
    terms: int
    def space_charge(self, sites: NDArray[np.int32]) -> NDArray[np.float64]: ...
    def charges(self) -> NDArray[np.float64]: ...
