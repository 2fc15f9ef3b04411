from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine._catalogue import Catalogue

class MechanismTables:
    ambient: float
    def __init__(self, tables: Mapping[str, NDArray[Any]], ambient: float) -> None: ...
    def candidates(self, listed: Catalogue) -> Candidates: ...

class Candidates:
    tables: MechanismTables
    n: int
    nbytes: int
    def __init__(
        self,
        tables: MechanismTables,
        mechanism: NDArray[np.int32],
        direction: NDArray[np.int8],
        site_a: NDArray[np.int32],
        site_b: NDArray[np.int32],
        barrier: NDArray[np.float64],
        chemical: NDArray[np.float64],
        frequency: NDArray[np.float64],
    ) -> None: ...
    def scale_filament_exchange(self, factor: NDArray[np.float64]) -> None: ...

class EventRates:
    candidates: Candidates
    n: int
    nbytes: int
    evaluations: int
    ambient: float
    low: float
    high: float
    def __init__(
        self, candidates: Candidates, energy: NDArray[np.float64], work: NDArray[np.float64]
    ) -> None: ...
    def arrays(self) -> dict[str, NDArray[Any]]: ...
    def total(self, voltage: float) -> float: ...
    def rate_at(self, c: int, voltage: float, ambient: float) -> float: ...
    def rates(self, voltage: float, ambient: float | None = None) -> NDArray[np.float64]: ...
    def barrier_slopes(self, voltage: float) -> NDArray[np.float64]: ...
    def between(
        self, low: float, high: float, first: NDArray[np.float64], second: NDArray[np.float64]
    ) -> EventRates: ...
    def event(self, c: int) -> tuple[int, int, int, int]: ...
    def energies(self, voltage: float) -> NDArray[np.float64]: ...
    def work_per_volt(self, c: int) -> float: ...
    def set_bias(
        self,
        potential: NDArray[np.float64],
        source: NDArray[np.float64],
        top: float = 1.0,
        out: NDArray[np.float64] | None = None,
    ) -> None: ...
    def activation(self, voltage: float) -> NDArray[np.float64]: ...
    def at_floor(self, c: int, voltage: float) -> bool: ...
    def advance(
        self, start: float, slope: float, duration: float, hazard: float, tolerance: float = 1e-3
    ) -> tuple[float, float]: ...
    def pick(self, voltage: float, uniform: float) -> int: ...
