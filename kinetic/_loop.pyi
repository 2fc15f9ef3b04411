from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .extremes import Extremes
from .heating import TemperatureRamp
from .solver import Solved, Solver
from .state import DeviceState

TRAP_EVENTS: int

class Loop:
    state: DeviceState
    solver: Solver
    extremes: Extremes
    start: float
    resolution: float
    slope: float
    electronic: NDArray[np.bool_]
    trap_events: int
    ended: bool
    now: Solved | None
    log: list[tuple[float, int, int, int, int]] | None
    moved: dict[tuple[int, int, int], int] | None
    left: int
    stop: Callable[[float], bool] | None
    superbasin: Any
    weights: Any
    ramp: TemperatureRamp | None
    margin: float
    oxide_heat: Any
    def __init__(self) -> None: ...
    def go(self, local: float, until: float, begin: float, low: float, slope: float) -> float: ...
    def relax(self, source: float) -> int: ...
    def spend_event(self, source: float) -> int: ...
    def begin_sites(self, source: float, slope: float, span: float) -> bool: ...
    def leave_superbasin(self, begin: float, end: float, source: float) -> float | None: ...
    def passed(self, begin: float, end: float, source: float) -> float | None: ...
    def draw_event(self, now: Solved, voltage: float, atoms_only: bool = False) -> int: ...
    def fire(self, now: Solved, source: float, voltage: float, chosen: int) -> None: ...
    def look(self, source: float, voltage: float, current: float) -> None: ...
    def set_voltage(self, source: float) -> float: ...
