from numpy.random import BitGenerator

from ._engine import Kernel

class Basin:
    exits: int
    skipped: float
    def __init__(self, gain: float) -> None: ...
    def run(self, kernel: Kernel, events: int, until: float, bit_generator: BitGenerator) -> int: ...
