import numpy as np
from numpy.typing import NDArray

class LeaveOneOut:
    refine: bool
    error: float
    refined: int
    from_rest: int
    tangents: bool
    def bound_without(
        self, site: int, lacking: NDArray[np.float64], *, by_trees: bool = False
    ) -> float: ...
    def bound_by_probes(self, site: int) -> float: ...
    def open_voltage(self, site: int, off: NDArray[np.float64]) -> float: ...
