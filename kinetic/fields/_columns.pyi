from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._event_rates import EventRates

class ColumnKernel:
    nx: int
    ny: int
    nz: int
    n_columns: int
    n_hosts: int
    def __init__(self, shape: tuple[int, int, int], numbers: Mapping[str, float]) -> None: ...
    def occupy(self, sites: NDArray[np.int32]) -> float: ...
    def table(self) -> NDArray[np.void]: ...
    def set_rise(self, rise: NDArray[np.float64]) -> None: ...
    def unit_potential(self) -> NDArray[np.float64]: ...
    def metallic_columns(self) -> NDArray[np.intp]: ...
    def total_current(self, columns: NDArray[np.void], voltage: float) -> float: ...
    def present_current(self, voltage: float) -> float: ...
    def write_energies(
        self,
        out: EventRates,
        conducting: int,
        code_charge: NDArray[np.float64],
        ions: NDArray[np.int32],
        ion_codes: NDArray[Any],
    ) -> None: ...
