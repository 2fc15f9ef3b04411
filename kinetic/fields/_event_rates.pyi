from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

class EventRates:
    n: int
    evaluations: int
    ambient: float
    def __init__(self, tables: Mapping[str, NDArray[Any]], ambient: float) -> None: ...
    def load(
        self,
        mechanism: NDArray[np.int32],
        direction: NDArray[np.int8],
        site_a: NDArray[np.int32],
        site_b: NDArray[np.int32],
        barrier: NDArray[np.float64],
        chemical: NDArray[np.float64],
        frequency: NDArray[np.float64],
    ) -> None: ...
    def arrays(self) -> dict[str, NDArray[Any]]: ...
    def total(self, voltage: float) -> float: ...
    low: float
    high: float
    def between(
        self, low: float, high: float, bias: NDArray[np.float64], rise: NDArray[np.float64]
    ) -> EventRates: ...
    def energies(self, voltage: float) -> NDArray[np.float64]: ...
    def work_per_volt(self, c: int) -> float: ...
    def set_factor(self, factor: NDArray[np.float64]) -> None: ...
    def set_bias(
        self,
        potential: NDArray[np.float64],
        source: NDArray[np.float64],
        top: float = 1.0,
        work: NDArray[np.float64] | None = None,
    ) -> None: ...
    def activation(self, voltage: float) -> NDArray[np.float64]: ...
    def at_floor(self, c: int, voltage: float) -> bool: ...
    def advance(
        self, start: float, slope: float, duration: float, hazard: float, tolerance: float = 1e-3
    ) -> tuple[float, float]: ...
    def pick(self, voltage: float, uniform: float) -> int: ...
