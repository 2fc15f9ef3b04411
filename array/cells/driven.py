"""What a pulse is to a live device: a voltage of the source, a load that it stands behind, and the charge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...kinetic.device import Device
from ...kinetic.load import Load, Loaded
from ...kinetic.waveform import Waveform
from ...typing import Floats, Index

EDGE_SAMPLES = 16
"""Samples of a driven pulse, of which half fall on its edges, where the charge is summed as trapezia."""


class CellLoad(Protocol):
    """What stands around some cells while the sources hold their voltages.

    Attributes
    ----------
    amplitude : ndarray of shape (k,)
        Of the source of each cell (V).
    """

    @property
    def amplitude(self) -> Floats: ...

    def meet(self, which: Index | None = None) -> tuple[Floats, Floats]:
        """Return the voltage over each cell (V) as it is now, and its current (A); of all cells, or some."""

    def pick(self, which: Index) -> CellLoad:
        """Return the load of some of the cells."""

    def alone(self, number: int) -> Load:
        """Return the load of one cell, as a live device takes it."""


@dataclass(frozen=True, slots=True)
class Drive:
    """What a device is advanced by.

    Attributes
    ----------
    waveform : Waveform
        Of the source, or over the device where there is no load.
    load : Load or None
        Between the source and the device.
    """

    waveform: Waveform
    load: Load | None = None

    def advance(self, device: Device) -> float:
        """Advance a device; return the charge that went through it behind a load (C), else 0."""
        if self.load is None:
            device.advance(self.waveform, samples=2)
            return 0.0
        meter = _Meter(device.time)
        circuit = device.connect(Loaded(self.load, device.circuit))
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
