import numpy as np
from numpy.typing import NDArray

from ._fields import Fields
from ._prices import Prices

class Pricing(Fields):
    refine: bool
    pricing_error: float
    def price(
        self,
        out: Prices,
        conducting: int,
        code_charge: NDArray[np.float64],
        ions: NDArray[np.int32],
        ion_codes: NDArray[np.int8],
    ) -> None: ...
