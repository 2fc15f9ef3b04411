"""Cells with atoms inside: kinetic Monte Carlo devices, and what a pulse is to one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .. import checks
from ..cells.interface import CellLoad, JumpingCells, Where, pick
from ..kinetic.device import Device
from ..kinetic.load import Load, Loaded
from ..kinetic.waveform import Waveform
from ..typing import Floats

EDGE_SAMPLES = 16
"""Samples of a driven pulse, of which half fall on its edges, where the charge is summed as trapezia."""


@dataclass(frozen=True, slots=True)
class Drive:
    """What a device is advanced by.

    Attributes
    ----------
    waveform : Waveform
        Of the source, or over the device where there is no load.
    load : Load or None
        Between the source and the device.
    temperature : float or None
        Of its electrodes meanwhile (K); that of the device by default.
    """

    waveform: Waveform
    load: Load | None = None
    temperature: float | None = None

    def advance(self, device: Device) -> float:
        """Advance a device; return the charge that went through it behind a load (C), else 0."""
        ambient = device.temperature
        if self.temperature is not None:
            device.temperature = self.temperature
        try:
            return self._advance(device)
        finally:
            if self.temperature is not None:
                device.temperature = ambient

    def _advance(self, device: Device) -> float:
        if self.load is None:
            device.advance(self.waveform, samples=2)
            return 0.0
        meter = _Meter(device.time)
        circuit = device.connect(Loaded.behind(self.load, device.circuit))
        try:
            device.advance(self.waveform, samples=EDGE_SAMPLES, stop=meter)
        finally:
            device.connect(circuit)
        return meter.charge


Advance = Callable[[Sequence[Device], Sequence[Drive]], Floats]
"""Advances each device by its drive; returns the charges (C)."""


def advance_in_turn(devices: Sequence[Device], drives: Sequence[Drive]) -> Floats:
    """Advance one device after the other, in this process; return the charges (C)."""
    return np.array([drive.advance(device) for device, drive in zip(devices, drives, strict=True)])


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
            solution = device.solved()
            current[k] = solution.current(volts[k])
            if solution.law is None:
                slope[k] = solution.conductance
            else:
                slope[k] = (solution.current(volts[k] + 5e-4) - solution.current(volts[k] - 5e-4)) / 1e-3
        shape = np.shape(voltage)
        return current.reshape(shape), slope.reshape(shape)

    def apply(self, voltage: Floats, duration: float, where: Where = None) -> None:
        """Apply to each device a pulse that lasts the duration (s), edges included."""
        picked = pick(self.devices, where)
        volts = checks.spread("voltage", voltage, np.shape(picked)).ravel()
        if self._lasts(duration):
            kelvins = self._kelvins(where)
            drives = [
                Drive(self._pulse(float(v), duration), temperature=kelvin)
                for v, kelvin in zip(volts, kelvins, strict=True)
            ]
            self._advance(list(np.atleast_1d(picked).ravel()), drives)

    def drive(self, load: CellLoad, duration: float, where: Where) -> Floats:
        """Send a pulse of the sources, edges included (s), to devices behind a load; return charges (C).

        The load acts on every device at every event; so do the limits of its own circuit.
        """
        picked, volts = list(np.atleast_1d(pick(self.devices, where)).ravel()), load.amplitude
        if not self._lasts(duration):
            return np.zeros(len(picked))
        drives = [
            Drive(self._pulse(float(v), duration), load.alone(k), kelvin)
            for k, (v, kelvin) in enumerate(zip(volts, self._kelvins(where), strict=True))
        ]
        return self._advance(picked, drives)

    def _kelvins(self, where: Where) -> list[float | None]:
        """Return the temperatures of the electrodes of the picked devices (K); None: as they are."""
        if self.temperature_rise is None:
            return [None] * np.size(pick(self.devices, where))
        rises = np.atleast_1d(pick(self.temperature_rise, where)).ravel()
        return [self.temperature + float(rise) if rise > 0.0 else None for rise in rises]

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


class _Meter:
    """Charge through a device: asked after each event and at each sample.

    Between events the atoms stand, so that at a standing source the current of before holds until an event,
    and on an edge the mean of both ends until a sample.
    """

    def __init__(self, time: float) -> None:
        self.time, self.current, self.charge, self.events = time, 0.0, 0.0, -1

    def __call__(self, device: Device, current: float) -> bool:
        happened = self.events >= 0 and device.events != self.events
        mean = self.current if happened else 0.5 * (self.current + current)
        self.charge += mean * (device.time - self.time)
        self.time, self.current, self.events = device.time, current, device.events
        return False
