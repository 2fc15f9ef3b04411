import numpy as np
from numpy.random import BitGenerator
from numpy.typing import NDArray

def mean_times(
    inner: NDArray[np.float64], leave: NDArray[np.float64]
) -> NDArray[np.float64] | None: ...
def stationary(rates: NDArray[np.float64]) -> NDArray[np.float64]: ...

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
