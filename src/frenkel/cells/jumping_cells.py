"""Cells of a card's jump-process model in an array: pulses, half-select, reads and rests are one motion.

Each cell is in a state of the law (:mod:`frenkel.cells.jumps`) and carries what is left of a unit
exponential. Time at a voltage uses it up by the rate of leaving the state, so that a pulse costs an
exponential and a comparison; only cells that jump draw. Next states are tabulated at the voltages of the
law's grid as they are needed (:class:`frenkel.cells._jump_law.JumpTable`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..typing import Floats, Index
from . import files
from ._jump_law import JumpKernel, JumpTable
from .aging import CellTelegraph
from .interface import CellLoad, Where, pick
from .jump_cells import MOST
from .jumps import STATES, JumpError, JumpLaw
from .noise import RtnLaw

if TYPE_CHECKING:
    from .card import Card

class JumpingCardCells:
    """An array of cells of a jump-process model.

    Parameters
    ----------
    law : JumpLaw
        Of a card, :attr:`frenkel.cells.card.Card.jump_law`.
    shape : tuple of int
        Numbers of word and bit lines.
    seed : int
        0 or more.
    state : {"hrs", "lrs"}
        What the cells start in: the states that a RESET or a SET has left, drawn alike.
    telegraph : RtnLaw, optional
        Random telegraph noise on top.
    temperature : float, optional
        Of the surroundings (K); that at which the rates were read first by default. May be changed.

    Attributes
    ----------
    states : ndarray of shape (m, n)
        Of each cell its state in the law; a view that is not to be written to.
    jumped : int
        Jumps of all cells so far.

    Raises
    ------
    ValueError
        A law without jumps, or without such states to start in.

    Notes
    -----
    A cell that does not jump draws nothing: its pulse in two halves is the pulse. Beyond the voltages of the
    law the last straight lines of ln(rate) and of the current go on, with a warning.
    """

    jumps = True
    temperature_rise: Floats | None = None

    def __init__(
        self,
        law: JumpLaw,
        shape: tuple[int, int],
        seed: int,
        *,
        state: str = "hrs",
        telegraph: RtnLaw | None = None,
        temperature: float | None = None,
    ) -> None:
        checks.whole("seed", seed, 0)
        checks.one_of("state", state, STATES)
        end_states = law.end_states(state)
        self.law, self.shape, self.jumped = law, shape, 0
        self._warmer: dict[int, tuple[Floats, Floats]] = {}  # ln of rates (1/s) and their change, by interval
        number = shape[0] * shape[1]
        own_seed, noise = np.random.SeedSequence(seed).spawn(2)
        self._bits = np.random.PCG64DXSM(own_seed)
        random = np.random.Generator(self._bits)
        self._state = random.choice(end_states, size=number).astype(np.int32)
        self._hazard = random.standard_exponential(number)
        self._places = np.arange(number).reshape(shape)
        self._beyond = 1e-9 * (law.grid[-1] - law.grid[0])
        self.scale = law.growth_voltage
        self.temperature = float(law.temperatures[0]) if temperature is None else temperature
        self._telegraph: CellTelegraph | None = None
        if telegraph is not None:
            start = np.exp(law.level[self._state])
            self._telegraph = CellTelegraph(telegraph, start, np.random.default_rng(noise), self.temperature)

    @classmethod
    def from_card(
        cls,
        card: Card,
        shape: tuple[int, int],
        seed: int,
        *,
        temperature: float | None = None,
    ) -> JumpingCardCells:
        """Return cells of a card with a jump-process model in HRS, with telegraph noise if the card has it.

        Raises
        ------
        ValueError
            The card has no jump-process model.
        """
        if card.jump_law is None:
            raise JumpError(f"card {card.name} has no jump-process model")
        return cls(card.jump_law, shape, seed, telegraph=card.rtn_law, temperature=temperature)

    # ------------------------------------------------------------------ as they are

    def nearest_level(self, target: Floats) -> Floats:
        """Return the conductance (S) of the state nearest to each target (S), at the law's read voltage."""
        levels = np.exp(np.sort(self.law.level))
        after = np.clip(np.searchsorted(levels, target), 1, levels.size - 1) if levels.size > 1 else 0
        low, high = levels[np.maximum(after - 1, 0)], levels[after]
        return np.asarray(np.where(target - low < high - target, low, high))

    @property
    def temperature(self) -> float:
        """Of the surroundings (K)."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        checks.temperature(value)
        self._kernel = JumpKernel(self.law, self.law.log_rates(float(value)))
        self._table = JumpTable(self._kernel)
        self._temperature = float(value)

    @property
    def states(self) -> NDArray[np.int32]:
        """State of every cell in the law."""
        view = self._state.reshape(self.shape).view()
        view.flags.writeable = False
        return view

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S), straight between the voltages of the law's grid and 0 V."""
        current, slope = self._kernel.current_and_slope(pick(self._state.reshape(self.shape), where), voltage)
        if self._telegraph is not None:
            factor = pick(self._telegraph.factor.reshape(self.shape), where)
            return current * factor, slope * factor
        return current, slope

    def sinh_law(self, where: Where = None) -> tuple[Floats, Floats] | None:
        """Return the conductance (S) and infinity (V) where all states are ohmic, otherwise None."""
        if not np.isinf(self.scale):
            return None
        slope = self.current(np.zeros(np.shape(pick(self._places, where))), where)[1]
        return slope, np.full(np.shape(slope), np.inf)

    # ------------------------------------------------------------------ in time

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Hold a voltage (V) over each cell for a duration (s)."""
        checks.at_least("duration", duration, 0, "s")
        places, picked = self._picked(where)
        volts = checks.spread("voltage", voltage, picked).ravel()
        checks.finite("voltage", volts, "V")
        time_left = np.full(places.size, float(duration))
        self._pass(places, volts, time_left, np.zeros(places.size, np.int32), once=False)
        self._passed(places, duration)

    def drive(self, load: CellLoad, duration: float, where: Where) -> Floats:
        """Hold the sources behind a load for a duration (s); return the charge through each cell (C).

        Voltages are looked for again after every jump of a cell.
        """
        checks.at_least("duration", duration, 0, "s")
        places, _ = self._picked(where)
        time_left, count = np.full(places.size, float(duration)), np.zeros(places.size, np.int32)
        charge, active = np.zeros(places.size), np.arange(places.size)
        while active.size:
            cell_voltage, current = load.meet(active)
            time, times = time_left[active], count[active]
            self._pass(places[active], cell_voltage, time, times, once=True)
            charge[active] += current * (time_left[active] - time)
            time_left[active], count[active] = time, times
            stopped = (time > 0.0) & (times >= MOST)
            if stopped.any():
                at_rest = active[stopped]
                charge[at_rest] += load.meet(at_rest)[1] * time_left[at_rest]
                time_left[at_rest] = 0.0
            active = active[time_left[active] > 0.0]
        self._passed(places, duration)
        return charge

    def rest(self, duration: float) -> None:
        """Let time pass (s) at 0 V."""
        self.apply(np.zeros(self.shape), duration)

    def _picked(self, where: Where) -> tuple[Index, tuple[int, ...]]:
        """Return the numbers of the picked cells, and the shape in which they were picked."""
        picked = pick(self._places, where)
        return np.atleast_1d(picked).ravel(), np.shape(picked)

    def _pass(
        self, places: Index, volts: Floats, left: Floats, count: NDArray[np.int32], *, once: bool
    ) -> None:
        """Let the time that is left pass at voltages (V), up to the first jump of each cell if ``once``."""
        grid = self.law.grid
        excess = max(float(volts.max(initial=0.0)) - grid[-1], grid[0] - float(volts.min(initial=0.0)))
        if excess > self._beyond:
            self._beyond = excess
            files.warn(
                f"cells were at {excess:.3g} V beyond {grid[0]:g} to {grid[-1]:g} V, where rates and "
                "currents were read: there their last straight line goes on"
            )
        before = int(count.sum())
        held = np.ascontiguousarray(places, np.intp), np.ascontiguousarray(volts, np.float64)
        rise = None if self.temperature_rise is None else self.temperature_rise.reshape(-1)[places]
        if rise is None or not rise.any():
            self._table.hold(self._state, self._hazard, left, count, *held, self._bits, MOST, once)
        else:
            self._pass_warm(*held, rise, left, count, once)
        self.jumped += int(count.sum()) - before
        if not once and np.any(count >= MOST):
            self._warn_of(int(np.count_nonzero(count >= MOST)))

    def _pass_warm(
        self, places: Index, volts: Floats, rise: Floats, left: Floats, count_out: NDArray[np.int32],
        once: bool,
    ) -> None:
        """Do the same for cells that are warmer than the array (K).

        ln(rate) is linear in 1/T between temperatures that were read, and beyond.
        """
        interval, weight = self.law.between(self._temperature + rise)
        for number in np.unique(interval):
            if number not in self._warmer:
                low, high = (self.law.log_rates(one) for one in self.law.temperatures[number : number + 2])
                self._warmer[number] = np.ascontiguousarray(low), np.ascontiguousarray(high - low)
            at = np.flatnonzero(interval == number)
            left_at, count_at = left[at], count_out[at]
            self._table.hold(
                self._state, self._hazard, left_at, count_at, places[at], volts[at], self._bits, MOST, once,
                *self._warmer[number], weight[at],
            )  # fmt: skip
            left[at], count_out[at] = left_at, count_at

    def _warn_of(self, number: int) -> None:
        text = f"{number} cells jumped {MOST} times within one pulse and were left as they were"
        files.warn(text)

    def _passed(self, places: Index, duration: float) -> None:
        """Tell the traps what the cells' conductances are, and that time has passed (s)."""
        if self._telegraph is not None and places.size:
            conductance = np.exp(self.law.level[self._state[places]])
            self._telegraph.switched(places, conductance, np.zeros(places.size, bool))
            self._telegraph.pass_time(duration, places)
