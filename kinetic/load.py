"""A circuit whose load has a law of its own, such as an access transistor: it limits inside a pulse."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Protocol, Self

from .circuit import Circuit, NonlinearDevice, OperatingPoint, Straight, VoltageRamp, root

STRIDE = 0.1
"""Change of the source voltage (V) over which a device voltage may be taken as straight in time."""

LEAST_STRIDE, BEND = 0.005, 1e-4
"""Change (V) that always may, and how far (V) the device is off the line half-way in a longer one."""


class Load(Protocol):
    """What stands between a source and a device."""

    def excess(self, source: float, voltage: float, current: float) -> float:
        """Return how much is left over (V or A, as the load counts), 0 at the operating point.

        Parameters
        ----------
        source, voltage : float
            Of the source and over the device (V).
        current : float
            Through the device (A).

        Returns
        -------
        float
            Falls as voltage and current grow; with neither it has the sign of the source.
        """


class _Kept:
    """The last device voltage (V) without limits, and of which source voltage (V) and device."""

    __slots__ = ("device", "source", "voltage")

    def __init__(self) -> None:
        self.source, self.voltage = math.nan, 0.0
        self.device: Callable[[float], float] | None = None

    def put(self, source: float, device: Callable[[float], float], voltage: float) -> None:
        """Keep another one."""
        self.source, self.device, self.voltage = source, device, voltage


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded(Circuit):
    """A circuit behind a load, made by `behind`."""

    load: Load
    _last: _Kept = field(init=False, repr=False, default_factory=_Kept)

    @classmethod
    def behind(cls, load: Load, circuit: Circuit) -> Self:
        """Return a circuit behind a load.

        Parameters
        ----------
        load : Load
            Between the source and the circuit.
        circuit : Circuit
            Its resistance and limits are between load and device. A limit takes what is left of the voltage.
        """
        return cls(load=load, **{part.name: getattr(circuit, part.name) for part in fields(Circuit)})

    def device_voltage(self, source_voltage: float, conductance: float) -> float:
        """Return the voltage across a linear device (V)."""
        return self.settle(source_voltage, Straight(conductance)).device_voltage

    def ramp(
        self,
        source_voltage: float,
        slope: float,
        duration: float,
        conductance: float,
        resolution: float = 0.0,
    ) -> VoltageRamp:
        """Return the voltage across a linear device while the source moves: how far a line holds."""
        device = Straight(conductance)
        return self._line(self.settle(source_voltage, device), source_voltage, slope, duration, device)

    def settle(self, source_voltage: float, device: NonlinearDevice) -> OperatingPoint:
        """Return voltages and current of a device that knows its voltage at a current."""
        voltage = self._free(source_voltage, device)
        return self._limited(voltage, source_voltage, device(voltage), device.at)

    def solve(self, source_voltage: float, current_of_voltage: Callable[[float], float]) -> OperatingPoint:
        """Return voltages and current of a device of any law that rises."""
        voltage = self._free(source_voltage, current_of_voltage)

        def at(current: float) -> float:
            return _between(lambda v: current - current_of_voltage(v), voltage)

        return self._limited(voltage, source_voltage, current_of_voltage(voltage), at)

    def nonlinear_ramp(
        self,
        point: OperatingPoint,
        source_voltage: float,
        slope: float,
        duration: float,
        device: NonlinearDevice,
        far: float,
        resolution: float = 0.0,
    ) -> VoltageRamp:
        """Return the voltage across a nonlinear device while the source moves: how far a line holds."""
        ramp = self._line(point, source_voltage, slope, duration, device)
        voltage_rise, room = ramp.slope * ramp.duration, far - point.device_voltage
        # No further than the end; a line that is a thousand times too long starts at the end already.
        share = min(1.0, max(room / voltage_rise, 1e-3)) if voltage_rise * slope > 0.0 else 1.0
        return ramp._replace(duration=share * ramp.duration)

    def _line(
        self, point: OperatingPoint, source: float, slope: float, duration: float, device: NonlinearDevice
    ) -> VoltageRamp:
        """Return the line on from a point, halved until the device is near it in its middle."""
        start = point.device_voltage
        if slope == 0.0:
            return VoltageRamp(start, 0.0, duration)
        span = min(duration, STRIDE / abs(slope))
        while True:
            middle, end = (
                self.settle(source + slope * time, device).device_voltage for time in (0.5 * span, span)
            )
            if abs(middle - 0.5 * (start + end)) <= BEND or abs(slope) * span <= LEAST_STRIDE:
                return VoltageRamp(start, (end - start) / span, span)
            span *= 0.5

    def _free(self, source: float, current: Callable[[float], float]) -> float:
        """Return the device voltage (V) without limits; a run asks three times at each event."""
        last = self._last
        if source == last.source and current == last.device:
            return last.voltage

        def excess(voltage: float) -> float:
            present_current = current(voltage)
            return self.load.excess(
                source, voltage + self.series_resistance * present_current, present_current
            )

        voltage = _between(excess, source)
        last.put(source, current, voltage)
        return voltage


def _between(function: Callable[[float], float], end: float) -> float:
    """Return where a function that falls away from 0 V crosses zero, ``end`` if it does not before."""
    if end == 0.0:
        return 0.0
    last = function(end)
    if last == 0.0 or math.copysign(1.0, last) == math.copysign(1.0, end):
        return end
    if function(0.0) == 0.0:
        return 0.0
    return root(function, end)
