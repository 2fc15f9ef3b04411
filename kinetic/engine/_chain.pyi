import numpy as np
from numpy.random import BitGenerator
from numpy.typing import NDArray

class Chain:
    def __init__(self) -> None: ...
    def mean_events(self, inner: NDArray[np.float64], leave: NDArray[np.float64]) -> float: ...
    def leave_by(
        self,
        inner: NDArray[np.float64],
        leave: NDArray[np.float64],
        span: float,
        bit_generator: BitGenerator,
    ) -> tuple[float, int, bool]: ...
