import numpy as np
from numpy.typing import NDArray

from ._event_rates import EventRates

class HeatClock:
    events: EventRates
    def __init__(
        self,
        events: EventRates,
        start: NDArray[np.float64],
        modes: NDArray[np.float64],
        rate: NDArray[np.float64],
        power: NDArray[np.int32],
        unit: float,
    ) -> None: ...
    def total(self, time: float, voltage: float) -> float: ...
    def advance(
        self, start: float, slope: float, begin: float, duration: float, hazard: float
    ) -> tuple[float, float]: ...
    def event_rise(self, c: int) -> float: ...
    def pick(self, uniform: float) -> int: ...
