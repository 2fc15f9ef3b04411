"""Cells of a jump-process model under source voltages: pulses, constant-voltage stress, retention and ramps.

In a state the hazard of leaving it is the integral of its rate over time; where it has used up a unit
exponential the cell jumps. Along a ramp ln(rate) is taken as linear in time within :data:`STRIDE` of the
source voltage, and the moment of the jump follows in closed form: :mod:`frenkel.cells._jump_law`.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .. import checks
from ..quantity import si
from ..typing import Floats, Index
from . import files
from ._jump_law import JumpKernel, RampRecord
from .jumps import STATES, JumpLaw

STRIDE = 0.02
"""Change (V) of the source voltage within which ln(rate) is taken as linear in time."""

MOST = 10_000
"""Jumps of one cell within a hold or a ramp after which it stays where it is, with a warning."""


@dataclass(slots=True)
class Ramped:
    """What a ramp did to cells.

    Attributes
    ----------
    rise_voltage : ndarray
        Source voltage (V) of the jump that raised the current most before the limit acted, if it did by half
        at least; else the one at which the limit began to act; NaN where it never did. So of devices.
    peak_voltage : ndarray
        Source voltage (V) at which the magnitude of the current was largest on the way out.
    """

    rise_voltage: Floats
    peak_voltage: Floats


class JumpCells:
    """Cells that jump, each for itself.

    Parameters
    ----------
    law : JumpLaw
    number : int
        Number of cells, at least 1.
    seed : int
        0 or more.
    state : {"hrs", "lrs"}
        What the cells start in: the states that a RESET or a SET has left, drawn with equal probability.
    temperature : float, optional
        (K); default: the first at which the rates were read.

    Attributes
    ----------
    states : ndarray of int
        State of each cell in the law.
    most : int
        Jumps of one cell within a hold or a ramp after which it stays where it is; :data:`MOST`.

    Raises
    ------
    JumpError
        The law holds no such state to start in, or no rates at this temperature.

    Warns
    -----
    CardWarning
        The temperature is beyond those at which rates were read.
    """

    def __init__(
        self, law: JumpLaw, number: int, seed: int, state: str = "hrs", temperature: float | None = None
    ) -> None:
        checks.whole("number", number, 1)
        checks.whole("seed", seed, 0)
        checks.one_of("state", state, STATES)
        end_states = law.end_states(state)
        self.law, self.number, self.random = law, number, np.random.default_rng(seed)
        self.most = MOST
        self.states: Index = self.random.choice(end_states, size=number)
        self.heat(float(law.temperatures[0]) if temperature is None else temperature)

    @property
    def conductance(self) -> Floats:
        """Conductance (S) of each cell at the read voltage of the law."""
        return np.exp(self.law.level[self.states])

    def heat(self, temperature: float) -> None:
        """Set the temperature (K) of all cells from now on.

        Warns
        -----
        CardWarning
            It is beyond those at which rates were read.
        """
        self._kernel = kernel_at(self.law, temperature)
        self.temperature = temperature

    def voltage(self, source: Any, series: Any = 0.0, limit: Any = np.inf) -> Floats:
        """Return the voltage (V) across each cell behind a resistance (ohm) and under a limit (A)."""
        return self._kernel.voltage(self.states, *self._circuit(source, series, limit))

    def current(self, source: Any, series: Any = 0.0, limit: Any = np.inf) -> Floats:
        """Return the current (A) through each cell."""
        return self._kernel.current(self.states, self.voltage(source, series, limit))

    def hold(self, source: Any, time: Any, *, series: Any = 0.0, limit: Any = np.inf) -> Index:
        """Hold a source voltage (V) for a time (s); return how often each cell jumped.

        Parameters
        ----------
        source, time : float, str or ndarray
            One for all cells, also as text with a unit, or one for each; the time is 0 or more.
        series : float or ndarray
            Resistance in series (ohm), 0 or more.
        limit : float or ndarray
            Largest magnitude of the current (A), above 0; NaN or infinity: none.

        Raises
        ------
        JumpError
            The law has no jumps, and a cell leaves its state.

        Warns
        -----
        CardWarning
            A cell was beyond the voltages that were read, or jumped :attr:`most` times and stayed there.
        """
        source, series, limit = self._circuit(source, series, limit)
        time = np.broadcast_to(np.asarray(si("time", time, "s"), float), (self.number,)).copy()
        checks.at_least("time", time, 0.0, "s")
        count = np.zeros(self.number, np.intp)
        self._warn(*self._kernel.pass_time(
            self.states, count, source, source, time, series, limit, self.most, self.random
        ))  # fmt: skip
        return count

    def ramp(self, amplitude: float, rate: Any, *, series: Any = 0.0, limit: Any = np.inf) -> Ramped:
        """Ramp the source from 0 V to an amplitude (V) and back; return what happened.

        The rate (V/s), as all of the circuit, may be one for all cells or one for each.
        """
        checks.finite("amplitude", amplitude, "V")
        checks.positive("rate", rate, "V/s")
        zero, series, limit = self._circuit(0.0, series, limit)
        record, count = RampRecord(limit), np.zeros(self.number, np.intp)
        marks = np.linspace(0.0, amplitude, max(round(abs(amplitude) / STRIDE), 1) + 1)
        largest_excess, stopped = 0.0, 0
        for low, high in pairwise(np.concatenate([marks, marks[-2::-1]])):
            excess, left = self._kernel.pass_time(
                self.states, count, zero + low, zero + high, zero + abs(high - low) / rate, series, limit,
                self.most, self.random, record,
            )  # fmt: skip
            largest_excess, stopped = max(largest_excess, excess), stopped + left
        self._warn(largest_excess, stopped)
        return Ramped(record.rise_voltage, record.peak_voltage)

    def _warn(self, beyond: float, stopped: int) -> None:
        """Warn of voltages (V) beyond those that were read, and of cells that came to the most jumps."""
        grid = self.law.grid
        if stopped:
            times = f"{self.most} times within one hold or ramp"
            files.warn(f"{stopped} cells jumped {times} and were left as they were")
        if beyond > 1e-9 * (grid[-1] - grid[0]):
            files.warn(
                f"cells were at up to {beyond:.3g} V beyond {grid[0]:g} to {grid[-1]:g} V, where rates "
                "and currents were read: there their last straight line goes on"
            )

    def _circuit(self, source: Any, series: Any, limit: Any) -> tuple[Floats, Floats, Floats]:
        """Return source voltage (V), resistance (ohm) and limit (A), one for each cell."""
        quantities = (("source", source, "V"), ("series", series, "ohm"), ("limit", limit, "A"))
        source, series, limit = (
            np.broadcast_to(np.asarray(si(name, number, unit), float), (self.number,)).copy()
            for name, number, unit in quantities
        )
        checks.finite("source", source, "V")
        checks.at_least("series", series, 0.0, "ohm")
        limit[np.isnan(limit)] = np.inf
        if not np.all(limit > 0.0):
            raise ValueError(f"limit must be above 0 A, got {limit.min():g}")
        return source, series, limit


def kernel_at(law: JumpLaw, temperature: float) -> JumpKernel:
    """Return the kernel of a law at a temperature (K).

    Raises
    ------
    JumpError
        The rates were read at one temperature alone, which is another one.

    Warns
    -----
    CardWarning
        The temperature is beyond those at which rates were read.
    """
    kernel, heats = JumpKernel(law, law.log_rates(temperature)), law.temperatures
    if len(heats) > 1 and not heats[0] - 1e-3 <= temperature <= heats[-1] + 1e-3:
        files.warn(
            f"rates were read from {heats[0]:g} to {heats[-1]:g} K: at {temperature:g} K their straight "
            "line in 1/T goes on"
        )
    return kernel
