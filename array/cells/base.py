"""What lies between the lines: an array of cells behind one small interface.

Everything is for a whole array at a time. ``where`` picks some cells (a mask of shape (m, n) or a tuple of
index arrays); voltages and results then have the shape of the picked cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ... import checks
from ...kinetic.device import Device
from ...kinetic.waveform import Waveform
from ...typing import Floats, Index
from .driven import Advance, CellLoad, Drive, advance_in_turn

Where = NDArray[np.bool_] | tuple[Index | int, Index | int] | tuple[Index, ...] | None
"""A mask of shape (m, n), or a tuple of index arrays or integers; None for all cells."""


class Cells(Protocol):
    """An array of two-terminal cells.

    Attributes
    ----------
    shape : tuple of int
        Numbers of word and bit lines.
    scale : ndarray of shape (m, n) or float
        Voltage over which a cell's current grows by e (V); infinite for linear cells.
    temperature : float
        Of the surroundings (K).
    """

    shape: tuple[int, int]

    @property
    def scale(self) -> Floats | float: ...

    @property
    def temperature(self) -> float: ...

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S, not negative) at a voltage (V); no time passes."""

    def sinh_law(self, where: Where = None) -> tuple[Floats, Floats] | None:
        """Return A and V0 (V) of a current A sinh(V/V0), or A V where V0 is infinite; None for other laws."""
        return None

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Hold a voltage (V) for a duration (s)."""

    def rest(self, duration: float) -> None:
        """Let time (s) pass at 0 V."""


class JumpingCells(Cells, Protocol):
    """Cells whose current changes in jumps, so that what stands around them must act within a pulse.

    Attributes
    ----------
    jumps : bool
        True: pulses come by `drive`, and an array holds no voltage over a part of one.
    """

    @property
    def jumps(self) -> bool: ...

    def drive(self, load: CellLoad, duration: float, where: Where) -> Floats:
        """Hold the sources behind a load for a duration (s); return the charge through each cell (C)."""


def jumps(cells: Cells) -> TypeGuard[JumpingCells]:
    """Return whether cells take pulses by `JumpingCells.drive`."""
    return bool(getattr(cells, "jumps", False))


def pick(values: NDArray[Any], where: Where) -> NDArray[Any]:
    """Return the values of the picked cells."""
    return values if where is None else np.asarray(values[where])


def conductance(cells: Cells, voltage: float = 0.1) -> Floats:
    """Return current over voltage of every cell (S), read at a voltage (V)."""
    if voltage == 0.0:
        return cells.current(np.zeros(cells.shape))[1]
    return np.asarray(cells.current(np.full(cells.shape, voltage))[0] / voltage)


class LinearCells:
    """Resistors that nothing changes: the cells of textbooks.

    Parameters
    ----------
    conductance : ndarray of shape (m, n)
        Of each cell (S), 0 (open) or more.
    temperature : float
        Of the surroundings (K); it changes nothing.

    Raises
    ------
    ValueError
        A conductance is negative, infinite or NaN.
    """

    scale = np.inf

    def __init__(self, conductance: ArrayLike, temperature: float = 300.0) -> None:
        self.conductance = np.array(conductance, dtype=np.float64, ndmin=2)
        if (
            self.conductance.ndim != 2
            or not np.all(self.conductance >= 0.0)
            or np.isinf(self.conductance).any()
        ):
            raise ValueError("conductance must be an array (m, n) of finite numbers of S, 0 or more")
        self.shape = (self.conductance.shape[0], self.conductance.shape[1])
        checks.temperature(temperature)
        self.temperature = float(temperature)

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S)."""
        slope = pick(self.conductance, where)
        return slope * voltage, slope

    def sinh_law(self, where: Where = None) -> tuple[Floats, Floats] | None:
        """Return the conductance (S) and infinity (V)."""
        slope = pick(self.conductance, where)
        return slope, np.full(np.shape(slope), np.inf)

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Do nothing, but refuse a bad duration."""
        checks.at_least("duration", duration, 0, "s")

    def rest(self, duration: float) -> None:
        """Do nothing, but refuse a bad duration."""
        checks.at_least("duration", duration, 0, "s")


class LiveCells(JumpingCells):
    """Kinetic Monte Carlo devices: atoms inside every cell.

    Parameters
    ----------
    devices : nested sequence of Device, (m, n)
        One per cell, each with its own seed or member number, all of one temperature. Their circuit must be a
        bare source or a compliance: the array is the circuit around them.
    edge : float
        Rise and fall time of a pulse (s), positive; part of its duration.
    advance : callable
        Advances given devices by given waveforms; one after the other by default.

    Raises
    ------
    ValueError
        Rows of different length, temperatures that differ, or the same device twice.
    """

    scale = np.inf
    jumps = True

    def __init__(
        self, devices: Sequence[Sequence[Device]], edge: float = 1e-9, advance: Advance = advance_in_turn
    ) -> None:
        if not devices or len({len(row) for row in devices}) != 1 or not devices[0]:
            raise ValueError("devices must be rows of equal length, at least 1 x 1")
        self.shape = (len(devices), len(devices[0]))
        self.devices = np.empty(self.shape, dtype=object)
        for i, row in enumerate(devices):
            for j, device in enumerate(row):
                self.devices[i, j] = device
        flat = list(self.devices.ravel())
        if len({id(device) for device in flat}) != len(flat):
            raise ValueError("devices must all be different objects, or one cell would change another")
        if len({device.temperature for device in flat}) != 1:
            raise ValueError("temperature (K) must be the same in all devices of an array")
        checks.positive("edge", edge, "s")
        self.edge, self._advance = edge, advance

    @property
    def temperature(self) -> float:
        """That of the devices (K); fixed when they are made."""
        return float(self.devices[0, 0].temperature)

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S); the slope of a device that is not ohmic by central difference."""
        picked = np.atleast_1d(pick(self.devices, where))
        volts = np.broadcast_to(np.atleast_1d(voltage), picked.shape)
        current, slope = np.empty(picked.shape), np.empty(picked.shape)
        for k, device in np.ndenumerate(picked):
            now = device.solved()
            current[k] = now.current(volts[k])
            if now.law is None:
                slope[k] = now.conductance
            else:
                slope[k] = (now.current(volts[k] + 5e-4) - now.current(volts[k] - 5e-4)) / 1e-3
        shape = np.shape(voltage)
        return current.reshape(shape), slope.reshape(shape)

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Apply to each device a pulse that lasts the duration (s), edges included."""
        picked = pick(self.devices, where)
        volts = checks.spread("voltage", voltage, np.shape(picked)).ravel()
        if self._lasts(duration):
            drives = [Drive(self._pulse(float(v), duration)) for v in volts]
            self._advance(list(np.atleast_1d(picked).ravel()), drives)

    def drive(self, load: CellLoad, duration: float, where: Where) -> Floats:
        """Send a pulse of the sources, edges included (s), to devices behind a load; return charges (C).

        The load acts on every device at every event; so do the limits of its own circuit.
        """
        picked, volts = list(np.atleast_1d(pick(self.devices, where)).ravel()), load.amplitude
        if not self._lasts(duration):
            return np.zeros(len(picked))
        drives = [Drive(self._pulse(float(v), duration), load.alone(k)) for k, v in enumerate(volts)]
        return self._advance(picked, drives)

    def _lasts(self, duration: float) -> bool:
        """Return whether a pulse lasts at all; refuse one that is shorter than its edges (s)."""
        checks.at_least("duration", duration, 0, "s")
        if 0.0 < duration <= 2.0 * self.edge:
            raise ValueError(
                f"duration must be longer than both edges of {self.edge:g} s, got {duration:g} s"
            )
        return duration > 0.0

    def _pulse(self, voltage: float, duration: float) -> Waveform:
        if voltage == 0.0:
            return Waveform.constant(0.0, duration)
        return Waveform.pulse(voltage, duration - 2.0 * self.edge, self.edge)

    def rest(self, duration: float) -> None:
        """Let every device move for a while (s) at 0 V."""
        checks.at_least("duration", duration, 0, "s")
        if duration > 0.0:
            flat = list(self.devices.ravel())
            self._advance(flat, [Drive(Waveform.constant(0.0, duration))] * len(flat))


class FaultyCells:
    """Cells of which some are stuck or open.

    Parameters
    ----------
    cells : Cells
        The others.
    stuck : ndarray of shape (m, n)
        Conductance of stuck cells (S), 0 for open ones; NaN where the cell works.
    """

    def __init__(self, cells: Cells, stuck: ArrayLike) -> None:
        self.stuck = np.array(stuck, dtype=np.float64)
        if self.stuck.shape != cells.shape:
            raise ValueError(f"stuck must have the shape {cells.shape} of the cells, got {self.stuck.shape}")
        if np.any(self.stuck < 0.0) or np.any(np.isinf(self.stuck)):
            raise ValueError("stuck must hold finite conductances of 0 S or more, NaN where a cell works")
        self.cells, self.shape = cells, cells.shape
        self._bad = ~np.isnan(self.stuck)

    @property
    def jumps(self) -> bool:
        """Whether the cells that work do."""
        return jumps(self.cells)

    @property
    def scale(self) -> Floats:
        """Infinite where stuck, that of the cells elsewhere (V)."""
        return np.where(self._bad, np.inf, self.cells.scale)

    @property
    def temperature(self) -> float:
        """Of the surroundings (K)."""
        return self.cells.temperature

    def current(self, voltage: Floats, where: Where = None) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S)."""
        current, slope = self.cells.current(voltage, where)
        bad, stuck = pick(self._bad, where), pick(self.stuck, where)
        return np.where(bad, stuck * voltage, current), np.where(bad, stuck, slope)

    def sinh_law(self, where: Where = None) -> tuple[Floats, Floats] | None:
        """Return that of the cells, linear where stuck."""
        law, bad = self.cells.sinh_law(where), pick(self._bad, where)
        if law is None:
            return None
        return np.where(bad, pick(self.stuck, where), law[0]), np.where(bad, np.inf, law[1])

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Apply to the cells that work (V, s)."""
        at, works = self._working(where)
        volts = checks.spread("voltage", voltage, np.shape(pick(self._bad, where))).ravel()
        if at[works].size:
            self.cells.apply(volts[works], duration, np.unravel_index(at[works], self.shape))

    def drive(self, load: CellLoad, duration: float, where: Where) -> Floats:
        """Drive the cells that work behind their load (s); return the charge through each (C)."""
        at, works = self._working(where)
        charge = load.meet()[1] * duration
        if at[works].size:
            places = np.unravel_index(at[works], self.shape)
            assert jumps(self.cells)
            charge[works] = self.cells.drive(load.pick(np.flatnonzero(works)), duration, places)
        return charge

    def _working(self, where: Where) -> tuple[Index, NDArray[np.bool_]]:
        """Return the numbers of the picked cells, and which of them work."""
        picked = pick(np.arange(self._bad.size).reshape(self.shape), where)
        at = np.atleast_1d(picked).ravel()
        return at, ~self._bad.ravel()[at]

    def rest(self, duration: float) -> None:
        """Let time pass (s)."""
        self.cells.rest(duration)
