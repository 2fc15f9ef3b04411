import numpy as np
from numpy.typing import NDArray

from ._event_rates import EventRates
from ._fields import Fields

class FilamentFields(Fields):
    refine: bool
    removal_error: float
    def write_energies(
        self,
        out: EventRates,
        conducting: int,
        code_charge: NDArray[np.float64],
        ions: NDArray[np.int32],
        ion_codes: NDArray[np.int8],
    ) -> None: ...
