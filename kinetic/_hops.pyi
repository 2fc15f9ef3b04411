import numpy as np
from numpy.random import BitGenerator
from numpy.typing import NDArray

from ._engine import Kernel

class Hops:
    version: int
    def __init__(self, shape: tuple[int, int, int], periodic: bool, mover: int, background: int) -> None: ...
    def load(
        self, kernel: Kernel, table: NDArray[np.float64], counted: bool, rough: bool, even_kt: float
    ) -> None: ...
    def unload(self, kernel: Kernel) -> None: ...
    def run(self, kernel: Kernel, events: int, until: float, bit_generator: BitGenerator) -> int: ...
