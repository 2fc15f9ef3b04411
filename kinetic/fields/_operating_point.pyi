import numpy as np
from numpy.typing import NDArray

from ._network_solver import NodePotentials

class LawBonds:
    n: int

class CurrentLaw:
    bonds: LawBonds
    conductance: float
    background: float
    size: int
    def __call__(self, voltage: float) -> float: ...
    def point(self, source: float, resistance: float) -> tuple[float, float]: ...
    def at(self, current: float) -> float: ...

class OperatingPoint:
    bonds: LawBonds
    potentials: NodePotentials
    voltage: float
    solver_error: float
    def contact_powers(self) -> NDArray[np.float64]: ...
