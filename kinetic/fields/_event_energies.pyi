from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._bond_laws import BondLaws
from ._bond_network import BondNetwork
from ._event_rates import Candidates, EventRates
from ._leave_one_out import LeaveOneOut
from ._network_solver import LinearSolution, NetworkSolver
from ._operating_point import CurrentLaw, OperatingPoint
from ._space_charge import SpaceCharge

class FilamentFields:
    solver: NetworkSolver
    network: BondNetwork
    charges: SpaceCharge
    leave_one_out: LeaveOneOut
    solution: LinearSolution
    point: OperatingPoint
    def __init__(
        self,
        solver: NetworkSolver,
        charges: SpaceCharge,
        *,
        charge_transition: float | Sequence[float],
        bound_share: float | Sequence[float],
        laws: BondLaws | None = None,
        refine: bool = False,
    ) -> None: ...
    def solve(self, vacancies: NDArray[np.int32], keep: bool = False) -> LinearSolution: ...
    def nodes(self) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]: ...
    def has_laws(self) -> bool: ...
    def law(self) -> CurrentLaw | None: ...
    def operate(self, voltage: float) -> OperatingPoint: ...
    def event_rates(
        self,
        of: Candidates,
        conducting: int,
        code_charge: NDArray[np.float64],
        ions: NDArray[np.int32],
        ion_codes: NDArray[Any],
    ) -> EventRates: ...
    def solve_at(
        self, of: Candidates, conducting: int, voltage: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
