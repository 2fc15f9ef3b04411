import numpy as np
from numpy.random import BitGenerator
from numpy.typing import NDArray

from ._engine import Kernel

class Basin:
    exits: int
    skipped: float
    def __init__(self, gain: float) -> None: ...
    def mean_events(self, inner: NDArray[np.float64], leave: NDArray[np.float64]) -> float: ...
    def leave_by(
        self,
        inner: NDArray[np.float64],
        leave: NDArray[np.float64],
        span: float,
        bit_generator: BitGenerator,
    ) -> tuple[float, int, bool]: ...
    def run(self, kernel: Kernel, events: int, until: float, bit_generator: BitGenerator) -> int: ...
