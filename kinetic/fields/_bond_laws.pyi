from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

class BondLaws:
    def __init__(
        self,
        step: float,
        log_ratio: NDArray[np.float64],
        log_slope: NDArray[np.float64],
        below: NDArray[np.int32] | None = None,
        heating: Sequence[float] | None = None,
    ) -> None: ...
    def ratio(self, law: int, u: float) -> tuple[float, float]: ...
