import numpy as np
from numpy.typing import NDArray

from ._operating import Operating

class Nonlinear(Operating):
    refine: bool
    removal_error: float
    refined: int
    def bound_without(self, site: int, lacking: NDArray[np.float64], by_trees: bool = False) -> float: ...
    def bound_by_probes(self, site: int, off: NDArray[np.float64]) -> float: ...
