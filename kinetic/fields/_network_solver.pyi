import numpy as np
from numpy.typing import NDArray

from ._bond_network import BondNetwork
from ._lattice_green import LatticeGreen

class NodePotentials:
    green: LatticeGreen
    heat_green: LatticeGreen
    m: int
    top: float
    def maps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def potential_at(self, sites: NDArray[np.int32]) -> NDArray[np.float64]: ...
    def powers(self) -> NDArray[np.float64]: ...
    def nodes(self) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]: ...

class LinearSolution:
    solver: NetworkSolver
    potentials: NodePotentials
    conductance: float
    heat_max: float
    solver_error: float
    @property
    def present(self) -> bool: ...
    def power(self) -> float: ...
    def contact_powers(self) -> NDArray[np.float64]: ...

class NetworkSolver:
    network: BondNetwork
    green: LatticeGreen
    background: float
    heat: float
    wiedemann_franz: float
    @property
    def kept_m(self) -> int: ...
    @property
    def kept_times(self) -> int: ...
    def __init__(
        self,
        network: BondNetwork,
        background: float,
        heat: float,
        wiedemann_franz: float,
        heat_green: LatticeGreen | None = None,
    ) -> None: ...
    def solve(self, vacancies: NDArray[np.int32], keep: bool = False) -> LinearSolution: ...
    def drop_kept(self) -> None: ...
    @property
    def inverse(self) -> NDArray[np.float64]: ...
    def heat_links(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def bonds(self) -> list[tuple[int, int, float]]: ...
