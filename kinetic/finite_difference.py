"""How rates follow a number of a device: twins with a little less and a little more of it hold its atoms.

A rate follows a number through fields, temperatures, energies and the voltage that the circuit leaves; no
formula of one place holds all of that. Two further devices do: they take the arrangement at hand, solve their
own fields, and the difference of ln(rate) at one source voltage is the derivative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from ..typing import Floats
from .circuit import Circuit
from .engine.engine import Engine
from .mechanisms.relaxation import Relaxation
from .mechanisms.two_level import TwoLevelSites
from .solver import Solved, Solver
from .state import DeviceState


class Solvable(Protocol):
    """A device as a twin is one: atoms, a circuit, and what solves its fields."""

    engine: Engine
    circuit: Circuit
    solver: Solver
    relaxation: Relaxation | None
    two_level: TwoLevelSites | None
    temperature: float
    light: float

    def arrange(self, **atoms: np.ndarray) -> None:
        """Give the engine other atoms."""


D = TypeVar("D", bound=Solvable)


@dataclass(slots=True)
class FiniteDifference(Generic[D]):
    """Two devices like a third one but for one number.

    Attributes
    ----------
    low, high : Device
        With less and with more of the number, made with the same arguments, seed and member.
    span : float
        Difference of the number between them, in the unit of the derivative.
    name : str
        Of the number, for errors.
    """

    low: D
    high: D
    span: float
    name: str = "the number"

    def rate_slopes(self, state: DeviceState, now: Solved, source: float, slope: float = 0.0) -> Floats:
        """Return d ln(rate) by the number, of every event that is possible now, shape (n_events,).

        Parameters
        ----------
        state : DeviceState
            The third device; the twins take its atoms.
        now : Solved
            Its solved fields.
        source, slope : float
            Source voltage (V), which is the same for all three, and the slope of that (V/s).

        Returns
        -------
        ndarray
            Central difference, hence to second order in ``span``; 0 where an event has no rate.

        Raises
        ------
        ValueError
            Other events are possible in a twin: the number tells which sites there are.
        """
        logs = []
        for twin in (self.low, self.high):
            self._follow(twin, state)
            solved = twin.solver.solved()
            if not _alike(solved, now):
                raise ValueError(f"{self.name} changes which events are possible: rates have no derivative")
            voltage = solved.device_voltage(twin.circuit, source)
            with np.errstate(divide="ignore"):
                logs.append(np.log(solved.at(voltage, slope).rates(voltage)))
        return np.where(np.isfinite(logs).all(axis=0), np.subtract(logs[1], logs[0]) / self.span, 0.0)

    def conductance_slope(self, state: DeviceState) -> float:
        """Return d ln(conductance) by the number, of the atoms that stand in a device."""
        logs = []
        for twin in (self.low, self.high):
            self._follow(twin, state)
            logs.append(float(np.log(twin.solver.solved().conductance)))
        return (logs[1] - logs[0]) / self.span

    @staticmethod
    def _follow(twin: Solvable, state: DeviceState) -> None:
        """Give a twin the atoms of a device, and the bonds that the oxide has left them."""
        copy, own = twin.engine, state.engine
        if (copy.mark, copy.reservoir) != (own.mark, own.reservoir) or not copy.holds(own.species):
            atoms = state.arrangement()
            twin.arrange(**{name: atoms[name] for name in ("species", "reservoir")})
        if twin.relaxation is not None and state.relaxation is not None:
            twin.relaxation.follow(state.relaxation)
        if twin.two_level is not None and state.two_level is not None:
            twin.two_level.arrange(state.two_level.level)
        if twin.temperature != state.temperature:
            twin.temperature = state.temperature
        if twin.light != state.light:
            twin.light = state.light


def _alike(one: Solved, other: Solved) -> bool:
    mine, its = one.events.arrays(), other.events.arrays()
    return all(np.array_equal(mine[key], its[key]) for key in ("mechanism", "direction", "site_a", "site_b"))
