
from .green import GreenTable

class LatticeGreen:
    nx: int
    ny: int
    nz: int
    n_hosts: int
    largest: float
    def __init__(self, shape: tuple[int, int, int], green: GreenTable) -> None: ...
