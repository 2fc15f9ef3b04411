import numpy as np
from numpy.random import BitGenerator
from numpy.typing import NDArray

from ._engine import Kernel
from ._sumtree import SumTree

class Hops:
    version: int
    fit: bool
    tree: SumTree
    neighbour: int
    def __init__(self, shape: tuple[int, int, int], periodic: bool, moving: int, background: int) -> None: ...
    def load(self, kernel: Kernel, counted: bool) -> None: ...
    def fill(self, table: NDArray[np.float64], rough: bool, even_kt: float) -> None: ...
    def unload(self, kernel: Kernel) -> None: ...
    def run(self, kernel: Kernel, events: int, until: float, bit_generator: BitGenerator) -> int: ...
