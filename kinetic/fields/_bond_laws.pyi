import numpy as np
from numpy.typing import NDArray

class BondLaws:
    def __init__(
        self,
        step: float,
        log_ratio: NDArray[np.float64],
        log_slope: NDArray[np.float64],
        below: NDArray[np.int32] | None = None,
    ) -> None: ...
    def ratio(self, law: int, u: float) -> tuple[float, float]: ...

class CurrentLaw:
    size: int
    def __init__(
        self,
        laws: BondLaws,
        conductance: float,
        background: float,
        coupling: NDArray[np.float64],
        g: NDArray[np.float64],
        law: NDArray[np.int32],
        rest: NDArray[np.float64],
    ) -> None: ...
    def __call__(self, voltage: float) -> float: ...
    def point(self, source: float, resistance: float) -> tuple[float, float]: ...
    def at(self, current: float) -> float: ...
