import numpy as np
from numpy.typing import NDArray

from ._event_rates import EventRates
from ._space_charge import SpaceCharge

class FilamentFields(SpaceCharge):
    def write_end(
        self, of: EventRates, conducting: int, voltage: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def write_energies(
        self,
        out: EventRates,
        conducting: int,
        code_charge: NDArray[np.float64],
        ions: NDArray[np.int32],
        ion_codes: NDArray[np.int8],
    ) -> None: ...
