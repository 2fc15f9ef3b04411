"""Types of the compiled jump law."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..typing import Floats, Index
from .jumps import JumpLaw

Ints = NDArray[np.int32]

def carry_fraction(law: JumpLaw, volts: Floats) -> Floats: ...

class JumpKernel:
    law: JumpLaw
    log_rates: Floats
    features: Floats
    neighbours: int
    def __init__(
        self, law: JumpLaw, log_rates: Floats, jumps: Index | None = None, destinations: Index | None = None
    ) -> None: ...
    def log_rate(self, states: ArrayLike, volts: ArrayLike) -> Floats: ...
    def current(self, states: ArrayLike, volts: ArrayLike) -> Floats: ...
    def current_and_slope(self, states: ArrayLike, volts: ArrayLike) -> tuple[Floats, Floats]: ...
    def voltage(
        self, states: ArrayLike, source: ArrayLike, series: ArrayLike, limit: ArrayLike
    ) -> Floats: ...
    def passage(
        self, state: int, low: float, high: float, time: float, series: float, limit: float, hazard: float
    ) -> float: ...
    def nearest(self, states: Index, volts: Floats) -> tuple[Index, Floats]: ...
    def destination(self, states: Index, jumps: Index, volts: Floats) -> Index: ...
    def next_states(self, states: Index, volts: Floats, random: np.random.Generator) -> Index: ...
    def pass_time(
        self,
        states_out: Index,
        count_out: Index,
        low: Floats,
        high: Floats,
        time: Floats,
        series: Floats,
        limit: Floats,
        most: int,
        random: np.random.Generator,
        record: RampRecord | None = None,
    ) -> tuple[float, int]: ...

class RampRecord:
    rise_voltage: Floats
    peak_voltage: Floats
    def __init__(self, limit: Floats) -> None: ...

class JumpTable:
    def __init__(self, kernel: JumpKernel) -> None: ...
    def hold(
        self,
        states_out: Ints,
        hazard_out: Floats,
        left_out: Floats,
        count_out: Ints,
        cells: Index,
        volts: Floats,
        bit_generator: Any,
        most: int,
        once: bool,
        base: Floats | None = None,
        change: Floats | None = None,
        weight: Floats | None = None,
    ) -> None: ...
