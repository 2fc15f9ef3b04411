from numpy.random import BitGenerator

from ._chain import Chain
from ._engine import Kernel

class Basin(Chain):
    exits: int
    skipped: float
    def __init__(self, gain: float) -> None: ...
    def run(self, kernel: Kernel, events: int, until: float, bit_generator: BitGenerator) -> int: ...
