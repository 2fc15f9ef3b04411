import numpy as np
from numpy.typing import NDArray

from ._wiring import Wiring
from .green import GreenTable

class Fields(Wiring):
    background: float
    charge: float
    coulomb: float
    charge_transition: float
    heat: float
    wiedemann_franz: float
    conductance: float
    heat_max: float
    solver_error: float
    solution: int
    def __init__(
        self,
        shape: tuple[int, int, int],
        green: GreenTable,
        pair_conductance: NDArray[np.float64],
        contact: NDArray[np.float64],
        background: float,
        charge: float,
        coulomb: float,
        charge_transition: float,
        heat: float,
        wiedemann_franz: float,
        **laws: object,
    ) -> None: ...
    kept_m: int
    kept_times: int
    def solve(self, vacancies: NDArray[np.int32], keep: bool = False) -> None: ...
    def drop_kept(self) -> None: ...
    def maps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def potential_at(self, sites: NDArray[np.int32]) -> NDArray[np.float64]: ...
    def nodes(self) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]: ...
    def bonds(self) -> list[tuple[int, int, float]]: ...
    def power(self) -> float: ...
