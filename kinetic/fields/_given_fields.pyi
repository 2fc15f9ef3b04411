import numpy as np
from numpy.typing import NDArray

from ._event_rates import Candidates, EventRates

class GivenFields:
    potential: NDArray[np.float64]
    electrodes: NDArray[np.float64]
    temperature: NDArray[np.float64]
    def __init__(
        self,
        potential: NDArray[np.float64],
        electrodes: NDArray[np.float64],
        temperature: NDArray[np.float64],
    ) -> None: ...
    def event_rates(self, of: Candidates) -> EventRates: ...
